/* SPDX-License-Identifier: MIT */
/* Primary IDE channel by PIO and bus-master DMA. */
#include "disk.h"

enum {
    PORT_DATA = 0x1f0,
    PORT_ERROR = 0x1f1,
    PORT_COUNT = 0x1f2,
    PORT_LBA = 0x1f3,
    PORT_DEVICE = 0x1f6,
    PORT_COMMAND = 0x1f7,
    PORT_STATUS = 0x1f7,
    PORT_CONTROL = 0x3f6,

    DEVICE_MASTER_LBA = 0xe0,
    IDENTIFY = 0xec,
    WRITE_SECTORS = 0x30,
    READ_DMA = 0xc8,
    WRITE_DMA = 0xca,
    FLUSH_CACHE = 0xe7,

    PIECE = 0x10000, /* the most that one PRD can name */
};

static uint16_t bm; /* base port of the bus-master registers */
static bool sleeping;
static struct {
    uint32_t address;
    uint16_t length, flags;
} prd[2] __attribute__((aligned(16)));

static uint32_t config_read(uint32_t function, uint8_t offset)
{
    outl(0xcf8, 0x80000000u | function << 8 | offset);
    return inl(0xcfc);
}

static bool find_bus_master(void)
{
    for (uint32_t function = 0; function < 256; function++) {
        if (config_read(function, 8) >> 16 != 0x0101) continue;
        bm = config_read(function, 0x20) & 0xfff0;
        config_read(function, 4);
        outw(0xcfc, 5); /* command: I/O, bus master */
        return bm != 0;
    }
    return false;
}

static uint8_t wait_not_busy(void)
{
    uint8_t status;

    for (int i = 0; i < 4; i++) inb(PORT_CONTROL); /* 400 ns */
    while ((status = inb(PORT_STATUS)) & DISK_STATUS_BUSY) {
    }
    return status;
}

static void command(uint8_t code, uint32_t lba, uint32_t sectors)
{
    wait_not_busy();
    outb(PORT_DEVICE, DEVICE_MASTER_LBA | (lba >> 24 & 15));
    wait_not_busy();
    outb(PORT_COUNT, (uint8_t)sectors);
    for (int i = 0; i < 3; i++) outb(PORT_LBA + i, (uint8_t)(lba >> 8 * i));
    outb(PORT_COMMAND, code);
}

uint32_t disk_init(void)
{
    uint16_t identity[DISK_SECTOR / 2];

    if (!find_bus_master()) return 0;
    outb(PORT_CONTROL, 0);
    outb(PORT_DEVICE, DEVICE_MASTER_LBA);
    if (inb(PORT_STATUS) == 0 || inb(PORT_STATUS) == 0xff) return 0;
    command(IDENTIFY, 0, 0);
    if (!(wait_not_busy() & DISK_STATUS_REQUEST)) return 0;
    for (unsigned i = 0; i < DISK_SECTOR / 2; i++) identity[i] = inw(PORT_DATA);
    return identity[60] | (uint32_t)identity[61] << 16;
}

void disk_sleep(bool sleep)
{
    if (sleep) interrupts_init(1 << 14);
    sleeping = sleep;
}

/* Returns the status at the end of the transfer; `done` is what disk_count will be then. */
static uint8_t wait_bus_master(uint32_t done)
{
    uint8_t status;

    while (sleeping && disk_count != done) interrupts_wait();
    do status = inb(bm + 2);
    while (!(status & (DISK_BM_INTERRUPT | DISK_BM_ERROR)) && status & DISK_BM_ACTIVE);
    return status;
}

struct disk_result disk_dma(bool write, uint32_t lba, uint32_t sectors, void *buffer)
{
    uint32_t bytes = sectors * DISK_SECTOR, first = bytes < PIECE ? bytes : PIECE;
    uint8_t to_memory = write ? 0 : 8;
    uint32_t done = disk_count + 1;
    struct disk_result r;

    prd[0].address = (uint32_t)buffer;
    prd[0].length = (uint16_t)first;
    prd[0].flags = bytes > first ? 0 : 0x8000;
    prd[1].address = (uint32_t)buffer + first;
    prd[1].length = (uint16_t)(bytes - first);
    prd[1].flags = 0x8000;
    outl(bm + 4, (uint32_t)prd);
    outb(bm, to_memory);
    outb(bm + 2, 0x20 | DISK_BM_INTERRUPT | DISK_BM_ERROR);
    command(write ? WRITE_DMA : READ_DMA, lba, sectors);
    __asm__ volatile("" : : : "memory");
    outb(bm, to_memory | 1);
    r.bus_master = wait_bus_master(done);
    outb(bm, to_memory);
    __asm__ volatile("" : : : "memory");
    r.status = inb(PORT_STATUS);
    r.error = inb(PORT_ERROR);
    return r;
}

struct disk_result disk_pio_write(uint32_t lba, uint32_t sectors, const void *buffer)
{
    const uint16_t *p = buffer;
    struct disk_result r = {0, 0, 0};

    command(WRITE_SECTORS, lba, sectors);
    r.status = wait_not_busy();
    while (sectors-- && r.status & DISK_STATUS_REQUEST && !disk_failed(r)) {
        for (unsigned i = 0; i < DISK_SECTOR / 2; i++) outw(PORT_DATA, *p++);
        r.status = wait_not_busy();
    }
    r.error = inb(PORT_ERROR);
    return r;
}

struct disk_result disk_flush(void)
{
    struct disk_result r = {0, 0, 0};

    command(FLUSH_CACHE, 0, 0);
    r.status = wait_not_busy();
    r.error = inb(PORT_ERROR);
    return r;
}

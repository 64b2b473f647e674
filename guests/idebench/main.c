/* SPDX-License-Identifier: MIT */
/*
 * Measures an IDE disk: reads of its first MiB, one after the other, as the command line says (README.md). What it
 * prints is the same in every run. Paging is off.
 *
 * Needs 16 MiB and a disk of 1 MiB or more on the primary channel, to ATA/ATAPI-4; SFF-8038i.
 */
#include "guests/demo/console.h"
#include "guests/demo/ide_dma.h"
#include "guests/demo/interrupts.h"
#include "guests/demo/io.h"
#include "guests/demo/lib.h"
#include "guests/demo/multiboot.h"
#include "guests/demo/paging.h"
#include "guests/demo/pci.h"
#include "guests/demo/power.h"
#include "guests/demo/timer.h"

const char guest_name[] = "idebench";

enum { DISK_SECTORS = 2048, MOST_SECTORS = 128, CLASS_IDE = 0x0101 };

enum {
    DATA = 0x1f0,
    COUNT = 0x1f2,
    LBA_LOW = 0x1f3,
    DEVICE = 0x1f6,
    STATUS = 0x1f7,
    COMMAND = 0x1f7,
    CONTROL = 0x3f6,

    STATUS_ERRORS = 0x21, /* ERR, DF */
    STATUS_REQUEST = 0x08,
    STATUS_BUSY = 0x80,
    DEVICE_MASTER_LBA = 0xe0,
    CONTROL_NO_INTERRUPT = 0x02,

    READ_MULTIPLE = 0xc4,
    SET_MULTIPLE = 0xc6,
    READ_DMA = 0xc8,
    BLOCK_SECTORS = 16, /* of READ MULTIPLE */
};

enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4, BM_START = 1, BM_TO_MEMORY = 8, BM_ACTIVE = 1 };

static uint8_t data[MOST_SECTORS * SECTOR_SIZE] __attribute__((aligned(65536)));
static struct {
    uint32_t address, length;
} prd __attribute__((aligned(8)));

/* For ide_dma.c: without paging, addresses are what they are. */
uint32_t paging_physical(uint32_t address)
{
    return address;
}

/* Reading the alternate status takes the 400 ns after which Busy is valid. */
static uint8_t wait_ready(bool request)
{
    uint8_t status;

    inb(CONTROL);
    do status = inb(STATUS);
    while (status & STATUS_BUSY);
    if (status & STATUS_ERRORS || !(status & STATUS_REQUEST) == request) fail("status %02x", status);
    return status;
}

static void task_file(uint32_t lba, uint32_t sectors, uint8_t command)
{
    outb(DEVICE, (uint8_t)(DEVICE_MASTER_LBA | (lba >> 24 & 15)));
    outb(COUNT, (uint8_t)sectors);
    for (unsigned i = 0; i < 3; i++) outb((uint16_t)(LBA_LOW + i), (uint8_t)(lba >> 8 * i));
    outb(COMMAND, command);
}

static void insw(void *to, uint32_t words)
{
    __asm__ volatile("rep insw" : "+D"(to), "+c"(words) : "d"(DATA) : "memory");
}

static void read_pio(uint32_t lba, uint32_t sectors)
{
    task_file(lba, sectors, READ_MULTIPLE);
    for (uint32_t done = 0; done < sectors; done += BLOCK_SECTORS) {
        uint32_t block = sectors - done < BLOCK_SECTORS ? sectors - done : BLOCK_SECTORS;

        wait_ready(true);
        insw(data + done * SECTOR_SIZE, block * SECTOR_SIZE / 2);
    }
    wait_ready(false);
}

static void read_dma_irq(uint32_t lba, uint32_t sectors)
{
    static struct piece_list list = {1, {{0}}};

    list.pieces[0] = (struct piece){(uint32_t)data, sectors * SECTOR_SIZE};
    ide_read(IDE_PRIMARY, lba, sectors, &list);
}

static uint16_t bus_master;

static void read_dma_polled(uint32_t lba, uint32_t sectors)
{
    prd.address = (uint32_t)data;
    prd.length = (sectors * SECTOR_SIZE & 0xffff) | 0x80000000u; /* the last; 64 KiB are 0 */
    outl(bus_master + BM_TABLE, (uint32_t)&prd);
    outb(bus_master + BM_COMMAND, BM_TO_MEMORY);
    task_file(lba, sectors, READ_DMA);
    outb(bus_master + BM_COMMAND, BM_TO_MEMORY | BM_START);
    while (inb(bus_master + BM_STATUS) & BM_ACTIVE) continue;
    wait_ready(false);
    outb(bus_master + BM_COMMAND, BM_TO_MEMORY);
}

static uint32_t number_of(const struct multiboot_info *info, const char *word, uint32_t otherwise)
{
    const char *text =
        info->flags & MULTIBOOT_INFO_CMDLINE ? option_find((const char *)info->cmdline, word) : NULL;
    return text ? parse_number(text) : otherwise;
}

static void run(const char *name, uint32_t times, uint32_t sectors, void (*read)(uint32_t, uint32_t))
{
    uint32_t checksum = 0;

    if (!times) return;
    for (uint32_t i = 0; i < times; i++) read(i * sectors % (DISK_SECTORS - sectors + 1), sectors);
    checksum = crc32(0, data, sectors * SECTOR_SIZE);
    print("%s: %u reads of %u sectors, the last has checksum %08x\n", name, times, sectors, checksum);
}

static void run_polled(const struct multiboot_info *info, uint32_t sectors)
{
    struct pci_address ide;

    if (!pci_find_class(CLASS_IDE, &ide)) fail("no IDE controller on the PCI bus");
    bus_master = pci_read32(ide, PCI_BAR4) & 0xfff0;
    outb(CONTROL, CONTROL_NO_INTERRUPT);
    task_file(0, BLOCK_SECTORS, SET_MULTIPLE);
    wait_ready(false);
    run("dma-polled", number_of(info, "dma-polled", 0), sectors, read_dma_polled);
    run("pio", number_of(info, "pio", 0), sectors, read_pio);
}

void main(uint32_t magic, const struct multiboot_info *info);

void main(uint32_t magic, const struct multiboot_info *info)
{
    uint32_t sectors;

    console_init();
    interrupts_init();
    if (magic != MULTIBOOT_LOADER_MAGIC) fail("not started by a Multiboot loader, eax %08x", magic);
    timer_init();
    if (!ide_init() || !ide_open(IDE_PRIMARY, 0)) fail("no disk with DMA on the primary channel");
    sectors = number_of(info, "sectors", MOST_SECTORS);
    if (sectors < 1 || sectors > MOST_SECTORS) fail("sectors: 1 to %u", MOST_SECTORS);
    run("dma-irq", number_of(info, "dma-irq", 0), sectors, read_dma_irq);
    run_polled(info, sectors);
    print("idebench: measured\n");
    power_off(false);
}

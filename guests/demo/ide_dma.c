/* SPDX-License-Identifier: MIT */
/*
 * Bus-master DMA on the primary IDE channel.
 * "Programming Interface for Bus Master IDE Controller", revision 1.0 (SFF-8038i); ATA/ATAPI-4; Intel 82371SB
 * (PIIX3).
 */
#include "ide_dma.h"
#include "console.h"
#include "interrupts.h"
#include "io.h"
#include "lib.h"
#include "paging.h"
#include "pci.h"
#include "power.h"
#include "timer.h"

enum {
    CLASS_IDE = 0x0101,
    PRIMARY_TIMING = 0x40,          /* configuration: timing of the primary channel in bits 15:0 */
    TIMING_DECODE_ENABLE = 1 << 15, /* the channel answers at its ports */
    DEFAULT_BUS_MASTER_PORTS = 0xc000,
    PRIMARY_IRQ = 14,
};

/* The task file: ports 1F0h to 1F7h and 3F6h. */
enum {
    IDE_DATA = 0x1f0,
    IDE_ERROR = 0x1f1,
    IDE_FEATURES = 0x1f1,
    IDE_SECTOR_COUNT = 0x1f2,
    IDE_LBA_LOW = 0x1f3,
    IDE_LBA_MID = 0x1f4,
    IDE_LBA_HIGH = 0x1f5,
    IDE_DEVICE = 0x1f6,
    IDE_STATUS = 0x1f7,
    IDE_COMMAND = 0x1f7,
    IDE_CONTROL = 0x3f6,

    DEVICE_BASE = 0xa0,
    DEVICE_LBA = 1 << 6,
    DEVICE_SLAVE = 1 << 4,

    STATUS_ERROR = 1 << 0,
    STATUS_DATA_REQUEST = 1 << 3,
    STATUS_DEVICE_FAULT = 1 << 5,
    STATUS_BUSY = 1 << 7,

    CONTROL_NO_INTERRUPT = 1 << 1,
    CONTROL_RESET = 1 << 2,
};

enum {
    COMMAND_READ_DMA = 0xc8,
    COMMAND_WRITE_DMA = 0xca,
    COMMAND_IDENTIFY = 0xec,
    COMMAND_SET_FEATURES = 0xef,

    FEATURE_TRANSFER_MODE = 0x03,
    MODE_MULTIWORD_DMA = 0x20, /* plus the number of the mode */
};

/* The bus-master registers of the primary channel, from the base in BAR4. */
enum {
    BM_COMMAND = 0,
    BM_STATUS = 2,
    BM_TABLE = 4,

    BM_COMMAND_START = 1 << 0,
    BM_COMMAND_TO_MEMORY = 1 << 3,
    BM_STATUS_DRIVE_0_DMA = 1 << 5,
};

/* Physical region descriptor, as the controller reads it.  A length of 0 means 64 KiB. */
struct prd {
    uint32_t address;
    uint16_t length;
    uint16_t flags;
};

_Static_assert(sizeof(struct prd) == 8, "as the controller reads it");

enum { PRD_LAST = 0x8000 };

/* Aligned to its own size, so that it does not cross a 64 KiB line. */
static struct prd prd_table[MAX_PIECES] __attribute__((aligned(MAX_PIECES * sizeof(struct prd))));

static uint16_t bm; /* base port of the bus-master registers */
static unsigned drive;
static uint16_t identity[SECTOR_SIZE / 2];

static volatile bool interrupted;
static volatile uint8_t interrupt_bm_status;

static void ide_interrupt(void)
{
    uint8_t status = inb(bm + BM_STATUS);

    if (!(status & IDE_BM_INTERRUPT)) return; /* somebody else's */
    interrupt_bm_status = status;
    inb(IDE_STATUS); /* the drive lets its line go */
    outb(bm + BM_STATUS, status);
    interrupted = true;
}

bool ide_init(void)
{
    struct pci_address ide;
    uint32_t timing;

    if (!pci_find_class(CLASS_IDE, &ide)) return false;
    timing = pci_read32(ide, PRIMARY_TIMING);
    if (!(timing & TIMING_DECODE_ENABLE)) pci_write32(ide, PRIMARY_TIMING, timing | TIMING_DECODE_ENABLE);
    bm = pci_read32(ide, PCI_BAR4) & 0xfff0;
    if (bm == 0) {
        bm = DEFAULT_BUS_MASTER_PORTS;
        pci_write32(ide, PCI_BAR4, bm);
    }
    /* The status half of the register clears bits that are written as 1: write zeros there. */
    pci_write32(ide, PCI_COMMAND,
                (pci_read32(ide, PCI_COMMAND) & 0xffff) | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    interrupts_set_irq(PRIMARY_IRQ, ide_interrupt);
    return true;
}

/* Reading the alternate status four times takes the 400 ns after which BUSY is valid. */
static uint8_t status_after_delay(void)
{
    for (int i = 0; i < 4; i++) inb(IDE_CONTROL);
    return inb(IDE_STATUS);
}

/* False if the drive stays busy for a second. */
static bool wait_not_busy(void)
{
    uint32_t start = timer_ticks();
    uint8_t status = status_after_delay();

    interrupts_on();
    while (status & STATUS_BUSY && timer_ticks() - start < TIMER_HZ) status = inb(IDE_STATUS);
    interrupts_off();
    return !(status & STATUS_BUSY);
}

static void select_drive(uint8_t device_bits)
{
    if (!wait_not_busy()) fail("the drive stays busy");
    outb(IDE_DEVICE, DEVICE_BASE | (drive ? DEVICE_SLAVE : 0) | device_bits);
    if (!wait_not_busy()) fail("the drive stays busy");
}

/* A command without data, polled.  False if the drive refuses it. */
static bool command(uint8_t code)
{
    outb(IDE_COMMAND, code);
    return wait_not_busy() && !(inb(IDE_STATUS) & (STATUS_ERROR | STATUS_DEVICE_FAULT));
}

static bool identify(void)
{
    outb(IDE_LBA_MID, 0);
    outb(IDE_LBA_HIGH, 0);
    outb(IDE_COMMAND, COMMAND_IDENTIFY);
    if (status_after_delay() == 0 || !wait_not_busy()) return false;
    if (inb(IDE_LBA_MID) || inb(IDE_LBA_HIGH)) return false; /* the signature of something that is no disk */
    if (!(inb(IDE_STATUS) & STATUS_DATA_REQUEST)) return false;
    for (unsigned i = 0; i < SECTOR_SIZE / 2; i++) identity[i] = inw(IDE_DATA);
    return true;
}

/* Words 27 to 46 of the identity: 40 characters, the first of each pair in the high byte, filled up with
 * blanks. */
static void model_name(char name[41])
{
    unsigned end = 40;

    for (unsigned i = 0; i < 40; i++) {
        uint16_t pair = identity[27 + i / 2];
        char c = (char)(i & 1 ? pair : pair >> 8);

        name[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    while (end && name[end - 1] == ' ') end--;
    name[end] = 0;
}

/* The fastest multiword DMA mode in word 63, or 3 if there is none. */
static unsigned best_dma_mode(void)
{
    for (unsigned mode = 3; mode-- > 0;)
        if (identity[63] & 1u << mode) return mode;
    return 3;
}

bool ide_open(unsigned number)
{
    char name[41];
    unsigned mode;
    bool found;

    drive = number;
    outb(IDE_CONTROL, CONTROL_NO_INTERRUPT);   /* polled for a moment */
    if (inb(IDE_STATUS) == 0xff) return false; /* nobody drives the bus */
    outb(IDE_DEVICE, DEVICE_BASE | (drive ? DEVICE_SLAVE : 0));
    found = status_after_delay() != 0 && identify();
    if (!found) {
        outb(IDE_CONTROL, 0);
        return false;
    }
    model_name(name);
    mode = best_dma_mode();
    if (mode < 3) {
        outb(IDE_FEATURES, FEATURE_TRANSFER_MODE);
        outb(IDE_SECTOR_COUNT, (uint8_t)(MODE_MULTIWORD_DMA | mode));
        found = command(COMMAND_SET_FEATURES);
    }
    outb(IDE_CONTROL, 0);
    print("ide: drive %u: %s, %u sectors", drive, name, identity[60] | (uint32_t)identity[61] << 16);
    if (mode == 3 || !found)
        print(", no DMA\n");
    else
        print(", multiword DMA %u\n", mode);
    return mode < 3 && found;
}

void ide_reset(void)
{
    uint32_t start = timer_ticks();

    outb(bm + BM_COMMAND, 0);
    outb(IDE_CONTROL, CONTROL_RESET);
    while (timer_ticks() - start < 2) interrupts_wait();
    outb(IDE_CONTROL, 0);
    if (!wait_not_busy()) fail("the drive stays busy after a reset");
    outb(bm + BM_STATUS, IDE_BM_ERROR | IDE_BM_INTERRUPT);
}

static void table_fill(const struct piece_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct piece *p = &list->pieces[i];

        prd_table[i] = (struct prd){p->address, (uint16_t)p->length, 0};
    }
    prd_table[list->count - 1].flags = PRD_LAST;
}

/* Section 3.1 of the specification, step by step. */
struct ide_result ide_transfer(enum ide_direction direction, uint32_t lba, uint32_t sectors,
                               const struct piece_list *list, uint32_t ticks)
{
    uint8_t to_memory = direction == IDE_READ ? BM_COMMAND_TO_MEMORY : 0;
    struct ide_result result;
    uint32_t start;

    /* 1. The table. */
    table_fill(list);
    /* 2. Its address, the direction, and a clean status. */
    outl(bm + BM_TABLE, paging_physical((uint32_t)prd_table));
    outb(bm + BM_COMMAND, to_memory);
    outb(bm + BM_STATUS, BM_STATUS_DRIVE_0_DMA << drive | IDE_BM_INTERRUPT | IDE_BM_ERROR);
    /* 3. The command to the drive; a sector count of 0 means 256. */
    select_drive(DEVICE_LBA | (uint8_t)(lba >> 24 & 0x0f));
    outb(IDE_SECTOR_COUNT, (uint8_t)sectors);
    outb(IDE_LBA_LOW, (uint8_t)lba);
    outb(IDE_LBA_MID, (uint8_t)(lba >> 8));
    outb(IDE_LBA_HIGH, (uint8_t)(lba >> 16));
    interrupted = false;
    outb(IDE_COMMAND, direction == IDE_READ ? COMMAND_READ_DMA : COMMAND_WRITE_DMA);
    /* 4. Go. */
    outb(bm + BM_COMMAND, to_memory | BM_COMMAND_START);
    /* 5. Sleep until the interrupt. */
    start = timer_ticks();
    while (!interrupted && timer_ticks() - start < ticks) interrupts_wait();
    /* 6. Stop, and look at how it went. */
    result.interrupted = interrupted;
    result.bus_master = interrupted ? interrupt_bm_status : inb(bm + BM_STATUS);
    outb(bm + BM_COMMAND, to_memory);
    result.status = inb(IDE_STATUS);
    result.error = inb(IDE_ERROR);
    return result;
}

static void transfer_or_fail(enum ide_direction direction, uint32_t lba, uint32_t sectors,
                             const struct piece_list *list)
{
    struct ide_result r = ide_transfer(direction, lba, sectors, list, 10 * TIMER_HZ);
    uint8_t bad_status = STATUS_BUSY | STATUS_DEVICE_FAULT | STATUS_DATA_REQUEST | STATUS_ERROR;
    uint8_t bm_bits = IDE_BM_ACTIVE | IDE_BM_ERROR | IDE_BM_INTERRUPT;

    if (r.interrupted && (r.bus_master & bm_bits) == IDE_BM_INTERRUPT && !(r.status & bad_status)) return;
    fail("%s of %u sectors at LBA %u in %u pieces: %s, bus master %02x, status %02x, error %02x",
         direction == IDE_READ ? "read" : "write", sectors, lba, list->count,
         r.interrupted ? "interrupt" : "no interrupt", r.bus_master, r.status, r.error);
}

void ide_read(uint32_t lba, uint32_t sectors, const struct piece_list *list)
{
    transfer_or_fail(IDE_READ, lba, sectors, list);
}

void ide_write(uint32_t lba, uint32_t sectors, const struct piece_list *list)
{
    transfer_or_fail(IDE_WRITE, lba, sectors, list);
}

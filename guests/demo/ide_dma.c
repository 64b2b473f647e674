/* SPDX-License-Identifier: MIT */
/*
 * Bus-master DMA on the two IDE channels.
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
    IDE_TIMING =
        0x40, /* configuration: timing of the primary channel in bits 15:0, of the secondary in 31:16 */
    DEFAULT_BUS_MASTER_PORTS = 0xc000,
};

#define TIMING_DECODE_ENABLE 0x80008000u /* both channels answer at their ports */

/* The task file, from the channel's first port. */
enum {
    IDE_DATA = 0,
    IDE_ERROR = 1,
    IDE_FEATURES = 1,
    IDE_SECTOR_COUNT = 2,
    IDE_LBA_LOW = 3,
    IDE_LBA_MID = 4,
    IDE_LBA_HIGH = 5,
    IDE_DEVICE = 6,
    IDE_STATUS = 7,
    IDE_COMMAND = 7,

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

/* The bus-master registers of one channel; the secondary channel's stand behind the primary's in BAR4. */
enum {
    BM_SIZE = 8,

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

static struct channel {
    uint16_t ports, control; /* of the task file, and of device control and alternate status */
    uint8_t irq;
    uint16_t bm; /* first port of the bus-master registers */

    unsigned drive;
    uint16_t identity[SECTOR_SIZE / 2];
    bool found;    /* the drive is a disk */
    unsigned mode; /* its multiword DMA mode, NO_DMA if it has none */

    /* The command under way. */
    uint32_t lba, sectors, pieces;
    uint8_t bm_direction; /* as in the bus-master command register */
    volatile bool interrupted;
    volatile uint8_t interrupt_bm_status;
} channels[IDE_CHANNELS] = {
    [IDE_PRIMARY] = {.ports = 0x1f0, .control = 0x3f6, .irq = 14},
    [IDE_SECONDARY] = {.ports = 0x170, .control = 0x376, .irq = 15},
};

enum { NO_DMA = 3 };

/* Aligned to their own size, so that none crosses a 64 KiB line. */
static struct prd prd_tables[IDE_CHANNELS][MAX_PIECES]
    __attribute__((aligned(sizeof(struct prd[MAX_PIECES]))));

static void channel_interrupt(struct channel *c)
{
    uint8_t status = inb(c->bm + BM_STATUS);

    if (!(status & IDE_BM_INTERRUPT)) return; /* somebody else's */
    c->interrupt_bm_status = status;
    inb(c->ports + IDE_STATUS); /* the drive lets its line go */
    outb(c->bm + BM_STATUS, status);
    c->interrupted = true;
}

static void primary_interrupt(void)
{
    channel_interrupt(&channels[IDE_PRIMARY]);
}

static void secondary_interrupt(void)
{
    channel_interrupt(&channels[IDE_SECONDARY]);
}

bool ide_init(void)
{
    struct pci_address ide;
    uint32_t timing;
    uint16_t bm;

    if (!pci_find_class(CLASS_IDE, &ide)) return false;
    timing = pci_read32(ide, IDE_TIMING);
    if ((timing & TIMING_DECODE_ENABLE) != TIMING_DECODE_ENABLE)
        pci_write32(ide, IDE_TIMING, timing | TIMING_DECODE_ENABLE);
    bm = pci_read32(ide, PCI_BAR4) & 0xfff0;
    if (bm == 0) {
        bm = DEFAULT_BUS_MASTER_PORTS;
        pci_write32(ide, PCI_BAR4, bm);
    }
    /* The status half of the register clears bits that are written as 1: write zeros there. */
    pci_write32(ide, PCI_COMMAND,
                (pci_read32(ide, PCI_COMMAND) & 0xffff) | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    for (unsigned i = 0; i < IDE_CHANNELS; i++) channels[i].bm = bm + i * BM_SIZE;
    interrupts_set_irq(channels[IDE_PRIMARY].irq, primary_interrupt);
    interrupts_set_irq(channels[IDE_SECONDARY].irq, secondary_interrupt);
    return true;
}

/* Reading the alternate status four times takes the 400 ns after which BUSY is valid. */
static uint8_t status_after_delay(const struct channel *c)
{
    for (int i = 0; i < 4; i++) inb(c->control);
    return inb(c->ports + IDE_STATUS);
}

/* False if the drive stays busy for a second. */
static bool wait_not_busy(const struct channel *c)
{
    uint32_t start = timer_ticks();
    uint8_t status = status_after_delay(c);

    interrupts_on();
    while (status & STATUS_BUSY && timer_ticks() - start < TIMER_HZ) status = inb(c->ports + IDE_STATUS);
    interrupts_off();
    return !(status & STATUS_BUSY);
}

static void select_drive(const struct channel *c, uint8_t device_bits)
{
    if (!wait_not_busy(c)) fail("the drive stays busy");
    outb(c->ports + IDE_DEVICE, DEVICE_BASE | (c->drive ? DEVICE_SLAVE : 0) | device_bits);
    if (!wait_not_busy(c)) fail("the drive stays busy");
}

/* A command without data, polled.  False if the drive refuses it. */
static bool command(const struct channel *c, uint8_t code)
{
    outb(c->ports + IDE_COMMAND, code);
    return wait_not_busy(c) && !(inb(c->ports + IDE_STATUS) & (STATUS_ERROR | STATUS_DEVICE_FAULT));
}

static bool identify(struct channel *c)
{
    outb(c->ports + IDE_LBA_MID, 0);
    outb(c->ports + IDE_LBA_HIGH, 0);
    outb(c->ports + IDE_COMMAND, COMMAND_IDENTIFY);
    if (status_after_delay(c) == 0 || !wait_not_busy(c)) return false;
    /* The signature of something that is no disk? */
    if (inb(c->ports + IDE_LBA_MID) || inb(c->ports + IDE_LBA_HIGH)) return false;
    if (!(inb(c->ports + IDE_STATUS) & STATUS_DATA_REQUEST)) return false;
    for (unsigned i = 0; i < SECTOR_SIZE / 2; i++) c->identity[i] = inw(c->ports + IDE_DATA);
    return true;
}

/* The fastest multiword DMA mode in word 63. */
static unsigned best_dma_mode(const struct channel *c)
{
    for (unsigned mode = NO_DMA; mode-- > 0;)
        if (c->identity[63] & 1u << mode) return mode;
    return NO_DMA;
}

static void set_dma_mode(struct channel *c)
{
    c->mode = best_dma_mode(c);
    if (c->mode == NO_DMA) return;
    outb(c->ports + IDE_FEATURES, FEATURE_TRANSFER_MODE);
    outb(c->ports + IDE_SECTOR_COUNT, (uint8_t)(MODE_MULTIWORD_DMA | c->mode));
    if (!command(c, COMMAND_SET_FEATURES)) c->mode = NO_DMA;
}

bool ide_open(enum ide_channel channel, unsigned drive)
{
    struct channel *c = &channels[channel];

    c->drive = drive;
    c->found = false;
    outb(c->control, CONTROL_NO_INTERRUPT);               /* polled for a moment */
    if (inb(c->ports + IDE_STATUS) == 0xff) return false; /* nobody drives the bus */
    outb(c->ports + IDE_DEVICE, DEVICE_BASE | (drive ? DEVICE_SLAVE : 0));
    c->found = status_after_delay(c) != 0 && identify(c);
    if (c->found) set_dma_mode(c);
    outb(c->control, 0);
    return c->found && c->mode != NO_DMA;
}

/* Words 27 to 46 of the identity: 40 characters, the first of each pair in the high byte, filled up with
 * blanks. */
static void model_name(const uint16_t *identity, char name[41])
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

void ide_print(enum ide_channel channel)
{
    const struct channel *c = &channels[channel];
    char name[41];

    if (!c->found) return;
    model_name(c->identity, name);
    print("ide: %sdrive %u: %s, %u sectors", channel == IDE_SECONDARY ? "secondary " : "", c->drive, name,
          c->identity[60] | (uint32_t)c->identity[61] << 16);
    if (c->mode == NO_DMA)
        print(", no DMA\n");
    else
        print(", multiword DMA %u\n", c->mode);
}

void ide_reset(enum ide_channel channel)
{
    struct channel *c = &channels[channel];
    uint32_t start = timer_ticks();

    outb(c->bm + BM_COMMAND, 0);
    outb(c->control, CONTROL_RESET);
    while (timer_ticks() - start < 2) interrupts_wait();
    outb(c->control, 0);
    if (!wait_not_busy(c)) fail("the drive stays busy after a reset");
    outb(c->bm + BM_STATUS, IDE_BM_ERROR | IDE_BM_INTERRUPT);
}

static void table_fill(struct prd *table, const struct piece_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct piece *p = &list->pieces[i];

        table[i] = (struct prd){p->address, (uint16_t)p->length, 0};
    }
    table[list->count - 1].flags = PRD_LAST;
}

/* Section 3.1 of the specification, step by step: here 1 to 4 ... */
void ide_start(enum ide_channel channel, enum ide_direction direction, uint32_t lba, uint32_t sectors,
               const struct piece_list *list)
{
    struct channel *c = &channels[channel];
    struct prd *table = prd_tables[channel];

    c->lba = lba;
    c->sectors = sectors;
    c->pieces = list->count;
    c->bm_direction = direction == IDE_READ ? BM_COMMAND_TO_MEMORY : 0;
    /* 1. The table. */
    table_fill(table, list);
    /* 2. Its address, the direction, and a clean status. */
    outl(c->bm + BM_TABLE, paging_physical((uint32_t)table));
    outb(c->bm + BM_COMMAND, c->bm_direction);
    outb(c->bm + BM_STATUS, BM_STATUS_DRIVE_0_DMA << c->drive | IDE_BM_INTERRUPT | IDE_BM_ERROR);
    /* 3. The command to the drive; a sector count of 0 means 256. */
    select_drive(c, DEVICE_LBA | (uint8_t)(lba >> 24 & 0x0f));
    outb(c->ports + IDE_SECTOR_COUNT, (uint8_t)sectors);
    outb(c->ports + IDE_LBA_LOW, (uint8_t)lba);
    outb(c->ports + IDE_LBA_MID, (uint8_t)(lba >> 8));
    outb(c->ports + IDE_LBA_HIGH, (uint8_t)(lba >> 16));
    c->interrupted = false;
    outb(c->ports + IDE_COMMAND, direction == IDE_READ ? COMMAND_READ_DMA : COMMAND_WRITE_DMA);
    /* 4. Go. */
    outb(c->bm + BM_COMMAND, c->bm_direction | BM_COMMAND_START);
}

/* ... and here 5 and 6. */
struct ide_result ide_finish(enum ide_channel channel, uint32_t ticks)
{
    struct channel *c = &channels[channel];
    struct ide_result result;
    uint32_t start = timer_ticks();

    /* 5. Sleep until the interrupt. */
    while (!c->interrupted && timer_ticks() - start < ticks) interrupts_wait();
    /* 6. Stop, and look at how it went. */
    result.interrupted = c->interrupted;
    result.bus_master = c->interrupted ? c->interrupt_bm_status : inb(c->bm + BM_STATUS);
    outb(c->bm + BM_COMMAND, c->bm_direction);
    result.status = inb(c->ports + IDE_STATUS);
    result.error = inb(c->ports + IDE_ERROR);
    return result;
}

void ide_finish_well(enum ide_channel channel)
{
    const struct channel *c = &channels[channel];
    struct ide_result r = ide_finish(channel, 10 * TIMER_HZ);
    uint8_t bad_status = STATUS_BUSY | STATUS_DEVICE_FAULT | STATUS_DATA_REQUEST | STATUS_ERROR;
    uint8_t bm_bits = IDE_BM_ACTIVE | IDE_BM_ERROR | IDE_BM_INTERRUPT;

    if (r.interrupted && (r.bus_master & bm_bits) == IDE_BM_INTERRUPT && !(r.status & bad_status)) return;
    fail("channel %u: %s of %u sectors at LBA %u in %u pieces: %s, bus master %02x, status %02x, error %02x",
         channel, c->bm_direction ? "read" : "write", c->sectors, c->lba, c->pieces,
         r.interrupted ? "interrupt" : "no interrupt", r.bus_master, r.status, r.error);
}

void ide_read(enum ide_channel channel, uint32_t lba, uint32_t sectors, const struct piece_list *list)
{
    ide_start(channel, IDE_READ, lba, sectors, list);
    ide_finish_well(channel);
}

void ide_write(enum ide_channel channel, uint32_t lba, uint32_t sectors, const struct piece_list *list)
{
    ide_start(channel, IDE_WRITE, lba, sectors, list);
    ide_finish_well(channel);
}

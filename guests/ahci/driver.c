/* SPDX-License-Identifier: MIT */
/* A small AHCI driver: see driver.h. Sections are those of Serial ATA AHCI 1.3.1. */
#include "driver.h"
#include "guests/demo/console.h"
#include "guests/demo/interrupts.h"
#include "guests/demo/io.h"
#include "guests/demo/lib.h"
#include "guests/demo/pci.h"
#include "guests/demo/power.h"
#include "guests/demo/timer.h"

enum { CLASS_AHCI = 0x0106, BAR5 = 0x24, PCI_INTERRUPT = 0x3c, COMMAND_MEMORY = 1 << 1 };
enum { GHC = 1, GLOBAL_IS = 2, PORTS_IMPLEMENTED = 3, PORT_BASE = 0x100 / 4, PORT_STEP = 0x80 / 4 };
#define GHC_RESET      0x00000001u
#define GHC_INTERRUPTS 0x00000002u
#define GHC_AHCI       0x80000000u
enum { HEADER_ATAPI = 1 << 5, HEADER_WRITE = 1 << 6, STATUS_BUSY = 0x88 };
#define PRD_INTERRUPT 0x80000000u

struct header {
    uint16_t options, prds;
    uint32_t moved, table, table_high, reserved[4];
};
struct prd {
    uint32_t address, address_high, reserved, count;
};
struct table {
    uint8_t fis[64], packet[16], reserved[48];
    struct prd prd[PRDS];
};
_Static_assert(sizeof(struct header) == 32 && sizeof(struct prd) == 16, "4.2.2, 4.2.3.3");

static struct memory {
    struct header list[SLOTS] __attribute__((aligned(1024)));
    uint8_t fis[256] __attribute__((aligned(256)));
    struct table table[SLOTS] __attribute__((aligned(128)));
} memory[PORTS];

static volatile uint32_t *registers;
static struct pci_address where;
static bool sleeping;
static volatile uint32_t seen[PORTS]; /* bits of PxIS that the interrupt handler took */
volatile uint32_t ahci_interrupts;

uint32_t port_read(unsigned port, enum port_register which)
{
    return registers[PORT_BASE + port * PORT_STEP + which];
}

void port_write(unsigned port, enum port_register which, uint32_t value)
{
    registers[PORT_BASE + port * PORT_STEP + which] = value;
}

/* Waits until bits of a register have a value; the ticks are 10 ms. */
static bool wait_for(unsigned port, enum port_register which, uint32_t mask, uint32_t value, uint32_t ticks)
{
    uint32_t end = timer_ticks() + ticks;
    interrupts_on();
    while ((port_read(port, which) & mask) != value && timer_ticks() != end) {
    }
    interrupts_off();
    return (port_read(port, which) & mask) == value;
}

static void clear_pending(unsigned port)
{
    port_write(port, SERR, 0xffffffff);
    port_write(port, IS, 0xffffffff);
    registers[GLOBAL_IS] = 1u << port;
    seen[port] = 0;
}

unsigned ahci_init(void)
{
    unsigned found = 0;

    if (!pci_find_class(CLASS_AHCI, &where)) return 0;
    pci_write32(where, PCI_COMMAND, COMMAND_MEMORY | PCI_COMMAND_MASTER);
    registers = (volatile uint32_t *)(pci_read32(where, BAR5) & ~15u);
    registers[GHC] = GHC_AHCI | GHC_RESET;
    while (registers[GHC] & GHC_RESET) {
    }
    registers[GHC] = GHC_AHCI;
    for (unsigned port = 0; port < PORTS; port++) {
        if (!(registers[PORTS_IMPLEMENTED] & 1u << port)) continue;
        port_write(port, CLB, (uint32_t)memory[port].list);
        port_write(port, CLBU, 0);
        port_write(port, FB, (uint32_t)memory[port].fis);
        port_write(port, FBU, 0);
        port_write(port, CMD, port_read(port, CMD) | CMD_FRE);
        if (wait_for(port, SSTS, 15, 3, 2) && wait_for(port, TFD, STATUS_BUSY, 0, 100)) found |= 1u << port;
    }
    return found;
}

uint32_t ahci_signature(unsigned port)
{
    return port_read(port, SIG);
}

void port_start(unsigned port)
{
    if (!wait_for(port, TFD, STATUS_BUSY, 0, 100)) fail("port %u is busy: %08x", port, port_read(port, TFD));
    clear_pending(port);
    port_write(port, CMD, port_read(port, CMD) | CMD_ST);
    if (!wait_for(port, CMD, CMD_CR, CMD_CR, 50)) fail("port %u does not start", port);
}

void port_stop(unsigned port)
{
    port_write(port, CMD, port_read(port, CMD) & ~(uint32_t)CMD_ST);
    if (!wait_for(port, CMD, CMD_CR, 0, 50)) fail("port %u does not stop", port);
    clear_pending(port);
}

/* 10.4.2: DET is held for a millisecond at least. */
void port_comreset(unsigned port)
{
    uint32_t end = timer_ticks() + 2;
    port_write(port, SCTL, 0x301);
    interrupts_on();
    while (timer_ticks() != end) {
    }
    interrupts_off();
    port_write(port, SCTL, 0x300);
    if (!wait_for(port, SSTS, 15, 3, 100) || !wait_for(port, TFD, STATUS_BUSY, 0, 100))
        fail("port %u does not come back: %08x %08x", port, port_read(port, SSTS), port_read(port, TFD));
}

void port_restart(unsigned port)
{
    port_stop(port);
    port_comreset(port);
    port_start(port);
}

static bool is_queued(uint8_t command)
{
    return command == READ_FPDMA || command == WRITE_FPDMA;
}

void request_build(unsigned port, const struct request *r)
{
    struct header *header = &memory[port].list[r->slot];
    struct table *table = &memory[port].table[r->slot];
    bool write = r->command == WRITE_DMA_EXT || r->command == WRITE_FPDMA;
    const uint8_t low = (uint8_t)r->sectors, high = (uint8_t)(r->sectors >> 8);

    memset(header, 0, sizeof *header);
    memset(table->fis, 0, sizeof table->fis);
    header->options = (uint16_t)(5 | (write ? HEADER_WRITE : 0) | (r->packet ? HEADER_ATAPI : 0));
    header->table = (uint32_t)table;
    table->fis[0] = 0x27;
    table->fis[1] = 0x80;
    table->fis[2] = r->command;
    for (unsigned i = 0; i < 3; i++) table->fis[4 + i] = (uint8_t)(r->lba >> 8 * i);
    table->fis[7] = 0x40;
    table->fis[8] = (uint8_t)(r->lba >> 24);
    table->fis[is_queued(r->command) ? 3 : 12] = low;
    table->fis[is_queued(r->command) ? 11 : 13] = high;
    if (is_queued(r->command)) table->fis[12] = (uint8_t)(r->slot << 3);
    if (!r->packet) return;
    memcpy(table->packet, r->packet, 12);
    table->fis[3] = 1; /* by DMA */
}

void request_add(unsigned port, unsigned slot, const void *data, uint32_t bytes, bool interrupt)
{
    struct header *header = &memory[port].list[slot];
    struct prd *prd = &memory[port].table[slot].prd[header->prds++];
    *prd = (struct prd){(uint32_t)data, 0, 0, (bytes - 1) | (interrupt ? PRD_INTERRUPT : 0)};
}

static void handle_interrupt(void)
{
    uint32_t ports = registers[GLOBAL_IS];
    ahci_interrupts++;
    for (unsigned port = 0; port < PORTS; port++) {
        if (!(ports & 1u << port)) continue;
        uint32_t bits = port_read(port, IS);
        port_write(port, SERR, port_read(port, SERR)); /* some bits of PxIS only show these */
        port_write(port, IS, bits);
        seen[port] |= bits;
    }
    registers[GLOBAL_IS] = ports;
}

bool ahci_use_interrupts(void)
{
    unsigned line = pci_read32(where, PCI_INTERRUPT) & 0xff;
    if (line == 0 || line > 15) return false;
    interrupts_set_irq(line, handle_interrupt);
    for (unsigned port = 0; port < PORTS; port++) port_write(port, IE, 0x7dc0007f);
    registers[GHC] = GHC_AHCI | GHC_INTERRUPTS;
    sleeping = true;
    return true;
}

static uint32_t pending(unsigned port)
{
    if (!sleeping) {
        uint32_t bits = port_read(port, IS);
        port_write(port, IS, bits);
        seen[port] |= bits;
    }
    return port_read(port, CI) | port_read(port, SACT);
}

uint32_t requests_run(unsigned port, uint32_t slots, bool queued)
{
    uint32_t end = timer_ticks() + 200;
    __asm__ volatile("" : : : "memory");
    seen[port] = 0;
    if (queued) port_write(port, SACT, slots);
    port_write(port, CI, slots);
    while (pending(port) & slots && !(seen[port] & IS_ERRORS) && timer_ticks() != end) interrupts_wait();
    pending(port);
    __asm__ volatile("" : : : "memory");
    return seen[port];
}

uint32_t request_moved(unsigned port, unsigned slot)
{
    return memory[port].list[slot].moved;
}

const uint8_t *fis_area(unsigned port)
{
    return memory[port].fis;
}

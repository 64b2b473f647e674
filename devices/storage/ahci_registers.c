/* SPDX-License-Identifier: MIT */
/* The memory-mapped registers of the AHCI controller. Specification: AHCI 1.3.1, chapter 3. */
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(read_event, "ahci.read", "device:s register:s value:x");
TRACE_EVENT(write_event, "ahci.write", "device:s register:s value:x");

/* PxIE: the bits of PxIS that exist. DMPE and CPDE are read-only where nothing can raise them (3.3.6). */
#define INTERRUPTS          0x7dc0007fu
#define PRESENCE_INTERRUPTS (AHCI_IS_DMPS | AHCI_IS_CPDS)

static uint32_t interrupts_of(const struct ahci *ahci)
{
    return INTERRUPTS | (ahci->presence ? PRESENCE_INTERRUPTS : 0);
}

/* ---- ports (3.3) ---- */

enum access {
    READ_ONLY,
    PLAIN,   /* the writable bits are stored */
    CLEARED, /* cleared by writing 1 */
    SET,     /* set by writing 1; ignored while the port is not started */
};

struct port_register {
    const char *name;
    uint8_t offset, access;
    size_t field; /* in struct ahci_port_state */
    uint32_t bits;
    void (*write)(struct ahci_port *port, uint32_t value);   /* in place of the access */
    void (*written)(struct ahci_port *port, uint32_t value); /* after it */
};

static void command_list_written(struct ahci_port *port, uint32_t value)
{
    if (value & 0x3ff)
        lint(port->name, AHCI_SPEC "3.3.1", "PxCLB %08x is not aligned to 1 KiB; the low bits are ignored",
             value);
    if (port->state->cmd & AHCI_CMD_ST)
        lint(port->name, AHCI_SPEC "10.3.1", "PxCLB is changed while PxCMD.ST is 1");
}

static void fis_area_written(struct ahci_port *port, uint32_t value)
{
    if (value & 0xff)
        lint(port->name, AHCI_SPEC "3.3.3", "PxFB %08x is not aligned to 256 bytes; the low bits are ignored",
             value);
    if (port->state->cmd & AHCI_CMD_FRE)
        lint(port->name, AHCI_SPEC "10.3.2", "PxFB is changed while PxCMD.FRE is 1");
}

static void interrupts_changed(struct ahci_port *port, uint32_t value)
{
    if (value) port->state->acknowledged = true;
    ahci_update_interrupt(port->ahci);
}

static void enable_write(struct ahci_port *port, uint32_t value)
{
    port->state->ie = value & interrupts_of(port->ahci);
    ahci_update_interrupt(port->ahci);
}

static bool may_set(const struct ahci_port *port, const char *name, uint32_t value)
{
    if (port->state->cmd & AHCI_CMD_ST) return true;
    if (value) lint(port->name, AHCI_SPEC "3.3.14", "%s = %08x while PxCMD.ST is 0: ignored", name, value);
    return false;
}

static void active_write(struct ahci_port *port, uint32_t value)
{
    if (may_set(port, "PxSACT", value)) port->state->sact |= value;
}

static void issue_write(struct ahci_port *port, uint32_t value)
{
    if (!may_set(port, "PxCI", value)) return;
    port->state->ci |= value;
    if (port->state->ci) ahci_port_kick(port);
}

#define FIELD(member) offsetof(struct ahci_port_state, member)
static const struct port_register port_registers[] = {
    {"PxCLB", AHCI_PxCLB, PLAIN, FIELD(clb), 0xfffffc00, NULL, command_list_written},
    {"PxCLBU", AHCI_PxCLBU, PLAIN, FIELD(clbu), 0xffffffff, NULL, NULL},
    {"PxFB", AHCI_PxFB, PLAIN, FIELD(fb), 0xffffff00, NULL, fis_area_written},
    {"PxFBU", AHCI_PxFBU, PLAIN, FIELD(fbu), 0xffffffff, NULL, NULL},
    {"PxIS", AHCI_PxIS, CLEARED, FIELD(is), 0xffffffff, NULL, interrupts_changed},
    {"PxIE", AHCI_PxIE, PLAIN, FIELD(ie), 0, enable_write, NULL},
    {"PxCMD", AHCI_PxCMD, PLAIN, FIELD(cmd), 0, ahci_port_write_command, NULL},
    {"PxTFD", AHCI_PxTFD, READ_ONLY, FIELD(tfd), 0, NULL, NULL},
    {"PxSIG", AHCI_PxSIG, READ_ONLY, FIELD(sig), 0, NULL, NULL},
    {"PxSSTS", AHCI_PxSSTS, READ_ONLY, FIELD(ssts), 0, NULL, NULL},
    {"PxSCTL", AHCI_PxSCTL, PLAIN, FIELD(sctl), 0, ahci_port_write_control, NULL},
    {"PxSERR", AHCI_PxSERR, CLEARED, FIELD(serr), AHCI_SERR_BITS, NULL, interrupts_changed},
    {"PxSACT", AHCI_PxSACT, SET, FIELD(sact), 0, active_write, NULL},
    {"PxCI", AHCI_PxCI, SET, FIELD(ci), 0, issue_write, NULL},
};
#undef FIELD

static const struct port_register *port_register(unsigned offset)
{
    for (unsigned i = 0; i < ARRAY_COUNT(port_registers); i++)
        if (port_registers[i].offset == offset) return &port_registers[i];
    return NULL;
}

static uint32_t *port_field(const struct ahci_port *port, const struct port_register *row)
{
    return (uint32_t *)((char *)port->state + row->field);
}

static uint32_t port_read(const struct ahci_port *port, unsigned offset)
{
    const struct port_register *row = port_register(offset);
    if (!row) return 0;
    uint32_t value = offset == AHCI_PxIS ? ahci_port_interrupts(port) : *port_field(port, row);
    if (trace_on(&read_event))
        trace_emit(&read_event, port->ahci->clock, port->name, row->name, (uint64_t)value);
    return value;
}

static void port_write(struct ahci_port *port, unsigned offset, uint32_t value)
{
    const struct port_register *row = port_register(offset);
    if (!row) return;
    if (trace_on(&write_event))
        trace_emit(&write_event, port->ahci->clock, port->name, row->name, (uint64_t)value);
    uint32_t *field = port_field(port, row);
    if (row->write)
        row->write(port, value);
    else if (row->access == PLAIN)
        *field = value & row->bits;
    else if (row->access == CLEARED)
        *field &= ~(value & row->bits);
    if (row->written) row->written(port, value);
}

/* ---- generic host control (3.1) ---- */

static const char *const generic_names[] = {
    [AHCI_CAP / 4] = "CAP", [AHCI_GHC / 4] = "GHC", [AHCI_IS / 4] = "IS",
    [AHCI_PI / 4] = "PI",   [AHCI_VS / 4] = "VS",   [AHCI_CAP2 / 4] = "CAP2",
};

static const char *generic_name(unsigned offset)
{
    const char *name = offset / 4 < ARRAY_COUNT(generic_names) ? generic_names[offset / 4] : NULL;
    return name ? name : "-";
}

static uint32_t generic_read(const struct ahci *ahci, unsigned offset)
{
    switch (offset) {
    case AHCI_CAP: return ahci->cap;
    case AHCI_GHC: return ahci->state.ghc;
    case AHCI_IS: return ahci->state.is;
    case AHCI_PI: return (1u << AHCI_PORTS) - 1;
    case AHCI_VS: return AHCI_VERSION;
    default: return 0; /* CAP2 among them: no handoff, no DevSleep */
    }
}

/* Writing 0 to HR does nothing; AE is always 1, as there is no other mode (CAP.SAM). */
static void control_write(struct ahci *ahci, uint32_t value)
{
    if (value & AHCI_GHC_RESET) {
        ahci_reset_all(ahci);
        ahci->state.ghc |= AHCI_GHC_RESET;
        clock_event_in(&ahci->reset_over, AHCI_RESET_TIME);
        return;
    }
    if (!(value & AHCI_GHC_ENABLE))
        lint(ahci->name, AHCI_SPEC "3.1.2", "GHC.AE is written 0, but CAP.SAM is 1: it stays 1");
    ahci->state.ghc = (ahci->state.ghc & ~AHCI_GHC_INTERRUPTS) | (value & AHCI_GHC_INTERRUPTS);
    ahci_update_interrupt(ahci);
}

/* A port's bit comes back at once while the port has something to tell. That is right for what came after the driver
 * had cleared PxIS; a driver that has not done so yet works in the wrong order. */
static void status_write(struct ahci *ahci, uint32_t value)
{
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        const struct ahci_port *port = &ahci->port[n];
        if ((value & ahci->state.is & 1u << n) && !port->state->acknowledged &&
            (ahci_port_interrupts(port) & port->state->ie))
            lint(port->name, AHCI_SPEC "3.1.3",
                 "IS is cleared before PxIS = %08x, of which bits are enabled: it stays set",
                 ahci_port_interrupts(port));
    }
    ahci->state.is &= ~value;
    ahci->state.announced &= ~value;
    ahci_update_interrupt(ahci);
}

static void generic_write(struct ahci *ahci, unsigned offset, uint32_t value)
{
    if (trace_on(&write_event))
        trace_emit(&write_event, ahci->clock, ahci->name, generic_name(offset), (uint64_t)value);
    if (offset == AHCI_GHC)
        control_write(ahci, value);
    else if (offset == AHCI_IS)
        status_write(ahci, value);
}

/* ---- the whole ---- */

static uint32_t read_dword(struct ahci *ahci, unsigned offset)
{
    if (offset >= AHCI_PORT_BASE) {
        unsigned n = (offset - AHCI_PORT_BASE) / AHCI_PORT_STEP;
        return n < AHCI_PORTS ? port_read(&ahci->port[n], offset % AHCI_PORT_STEP) : 0;
    }
    uint32_t value = generic_read(ahci, offset);
    if (trace_on(&read_event))
        trace_emit(&read_event, ahci->clock, ahci->name, generic_name(offset), (uint64_t)value);
    return value;
}

static enum mem_result registers_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    unsigned offset = (unsigned)at.offset;
    *value = read_dword(owner, offset & ~3u) >> 8 * (offset & 3) & bytes_mask(size);
    return MEM_OK;
}

static enum mem_result registers_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct ahci *ahci = owner;
    unsigned offset = (unsigned)at.offset;
    unsigned n = (offset - AHCI_PORT_BASE) / AHCI_PORT_STEP;
    if (size != 4) {
        lint(ahci->name, AHCI_SPEC "3", "write of %u byte(s) at %03xh ignored: registers take dwords", size,
             offset);
        return MEM_OK;
    }
    if (offset < AHCI_PORT_BASE)
        generic_write(ahci, offset, (uint32_t)value);
    else if (n < AHCI_PORTS)
        port_write(&ahci->port[n], offset % AHCI_PORT_STEP, (uint32_t)value);
    return MEM_OK;
}

const struct mmio_ops ahci_register_ops = {registers_read, registers_write, 1, 4, false};

/* SPDX-License-Identifier: MIT */
/*
 * A port of the AHCI controller: its link, its start and stop, resets, faults.
 * Specification: AHCI 1.3.1, 3.3.7 (PxCMD), 3.3.10 to 3.3.12 (SATA registers), 10.1 to 10.4.
 */
#include <string.h>
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(link_event, "ahci.link", "port:s state:s status:x");
TRACE_EVENT(raise_event, "ahci.raise", "port:s bits:x stopped:u");

static uint32_t link_state(const struct ahci_port *port)
{
    return port->state->ssts & 0xf;
}

static void trace_link(const struct ahci_port *port, const char *what)
{
    if (trace_on(&link_event))
        trace_emit(&link_event, port->ahci->clock, port->name, what, (uint64_t)port->state->ssts);
}

/* ---- interrupts ---- */

/* Three bits show PxSERR and are cleared there (3.3.5). */
uint32_t ahci_port_interrupts(const struct ahci_port *port)
{
    const struct ahci_port_state *s = port->state;
    return (s->is & ~(AHCI_IS_UFS | AHCI_IS_PCS | AHCI_IS_PRCS)) |
           (s->serr & AHCI_SERR_UNKNOWN ? AHCI_IS_UFS : 0) |
           (s->serr & AHCI_SERR_EXCHANGED ? AHCI_IS_PCS : 0) |
           (s->serr & AHCI_SERR_PHYRDY ? AHCI_IS_PRCS : 0);
}

void ahci_port_raise(struct ahci_port *port, uint32_t bits)
{
    port->state->is |= bits;
    if (trace_on(&raise_event))
        trace_emit(&raise_event, port->ahci->clock, port->name, (uint64_t)bits,
                   (uint64_t)port->state->stopped);
    ahci_update_interrupt(port->ahci);
}

void ahci_port_fatal(struct ahci_port *port, uint32_t bits)
{
    ahci_commands_drop(port);
    port->state->stopped = true;
    ahci_port_raise(port, bits);
}

/* ---- the link ---- */

static void link_down(struct ahci_port *port, uint32_t detection)
{
    struct ahci_port_state *s = port->state;
    if (link_state(port) == AHCI_DET_UP) s->serr |= AHCI_SERR_PHYRDY;
    clock_event_cancel(&port->link);
    s->training = s->await_first = s->first_stored = false;
    s->ssts = detection;
    s->tfd = AHCI_TFD_RESET;
    s->sig = AHCI_SIG_RESET;
    trace_link(port, "down");
    ahci_update_interrupt(port->ahci);
}

/* Begins COMRESET, if there is somebody at the other end, power, and leave. */
static void train(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    const uint32_t on = AHCI_CMD_SUD | AHCI_CMD_POD;
    if (!ata_present(&port->drive) || (s->cmd & on) != on || (s->sctl & 0xf)) return;
    s->training = true;
    clock_event_in(&port->link, AHCI_LINK_TIME);
}

static uint32_t speed(const struct ahci_port *port)
{
    uint32_t limit = port->state->sctl >> 4 & 0xf, most = AHCI_CAP_SPEED >> 20;
    return limit && limit < most ? limit : most;
}

static void link_up(void *owner)
{
    struct ahci_port *port = owner;
    struct ahci_port_state *s = port->state;
    guard_enter(&port->ahci->guard);
    s->training = false;
    s->ssts = AHCI_DET_UP | speed(port) << 4 | AHCI_POWER_ACTIVE << 8;
    s->serr |= AHCI_SERR_EXCHANGED | AHCI_SERR_PHYRDY;
    s->tfd = ATA_STATUS_BSY;
    s->await_first = true;
    ata_reset(&port->drive);
    trace_link(port, "up");
    ahci_update_interrupt(port->ahci);
    guard_leave(&port->ahci->guard);
}

/* Ends what goes on over the link, and the link itself. The bits of PxCI and PxSACT stay (3.3.13, 3.3.14). */
static void disconnect(struct ahci_port *port, uint32_t detection)
{
    ahci_commands_drop(port);
    link_down(port, detection);
    if (ata_present(&port->drive)) ata_reset(&port->drive);
}

void ahci_port_write_control(struct ahci_port *port, uint32_t value)
{
    struct ahci_port_state *s = port->state;
    uint32_t before = s->sctl & 0xf, now = value & 0xf;
    s->sctl = value & 0xfff;
    if (before == now) return;
    if (s->cmd & AHCI_CMD_ST)
        lint(port->name, AHCI_SPEC "3.3.11", "PxSCTL.DET is changed from %u to %u while PxCMD.ST is 1",
             before, now);
    if (now)
        disconnect(port, now == AHCI_SCTL_OFFLINE ? AHCI_DET_OFFLINE : AHCI_DET_NONE);
    else
        s->ssts = AHCI_DET_NONE;
    train(port);
}

/* ---- power management (3.3.7, ICC) ---- */

void ahci_port_wake(struct ahci_port *port)
{
    if (link_state(port) == AHCI_DET_UP)
        port->state->ssts = (port->state->ssts & 0xff) | AHCI_POWER_ACTIVE << 8;
}

static bool link_idle(const struct ahci_port *port)
{
    const struct ahci_port_state *s = port->state;
    return s->current == AHCI_NO_SLOT && !s->queued && !s->ci &&
           !(s->tfd & (ATA_STATUS_BSY | ATA_STATUS_DRQ));
}

/* A state that PxSCTL.IPM forbids, or that comes while the link is in use, is not entered. */
static void change_power(struct ahci_port *port, uint32_t wanted)
{
    uint32_t forbidden = port->state->sctl >> 8 & 0xf;
    bool allowed = (wanted == AHCI_POWER_PARTIAL && !(forbidden & 1)) ||
                   (wanted == AHCI_POWER_SLUMBER && !(forbidden & 2));
    if (link_state(port) != AHCI_DET_UP) return;
    if (wanted == AHCI_POWER_ACTIVE)
        ahci_port_wake(port);
    else if (allowed && link_idle(port))
        port->state->ssts = (port->state->ssts & 0xff) | wanted << 8;
}

/* ---- PxCMD ---- */

bool ahci_port_runs(const struct ahci_port *port)
{
    const struct ahci_port_state *s = port->state;
    const uint32_t on = AHCI_CMD_ST | AHCI_CMD_FRE;
    return (s->cmd & on) == on && !s->stopped && link_state(port) == AHCI_DET_UP;
}

void ahci_port_kick(struct ahci_port *port)
{
    clock_event_in(&port->run, 0);
}

static void run(void *owner)
{
    struct ahci_port *port = owner;
    guard_enter(&port->ahci->guard);
    ahci_post_first(port);
    ahci_issue(port);
    guard_leave(&port->ahci->guard);
}

static void start(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    if (!(s->cmd & AHCI_CMD_FRE))
        lint(port->name, AHCI_SPEC "10.3.1", "PxCMD.ST is set while FRE is 0: nothing runs until FRE is set");
    if (link_state(port) == AHCI_DET_UP && (s->tfd & (ATA_STATUS_BSY | ATA_STATUS_DRQ)))
        lint(port->name, AHCI_SPEC "10.3.1", "PxCMD.ST is set while PxTFD = %04x says BSY or DRQ", s->tfd);
    s->cmd = (s->cmd & ~AHCI_CMD_CCS) | AHCI_CMD_CR;
    s->next_slot = 0;
}

static void stop(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    ahci_commands_drop(port);
    s->cmd &= ~(AHCI_CMD_CCS | AHCI_CMD_CR);
    s->ci = s->sact = 0;
    s->stopped = false;
}

static void override_busy(struct ahci_port *port)
{
    if (port->state->cmd & AHCI_CMD_ST)
        lint(port->name, AHCI_SPEC "3.3.7", "PxCMD.CLO is set while ST is 1: ignored");
    else
        port->state->tfd &= ~(uint32_t)(ATA_STATUS_BSY | ATA_STATUS_DRQ);
}

static void receive_changed(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    if (s->cmd & AHCI_CMD_FRE) {
        s->cmd |= AHCI_CMD_FR;
        ahci_port_kick(port);
        return;
    }
    s->cmd &= ~AHCI_CMD_FR;
    if (s->cmd & AHCI_CMD_ST) lint(port->name, AHCI_SPEC "10.3.2", "PxCMD.FRE is cleared while ST is 1");
}

/* SUD or POD. */
static void spin_changed(struct ahci_port *port, uint32_t before)
{
    const uint32_t on = AHCI_CMD_SUD | AHCI_CMD_POD;
    bool was = (before & on) == on, is = (port->state->cmd & on) == on;
    if (was == is) return;
    if (is)
        train(port);
    else
        disconnect(port, AHCI_DET_NONE);
}

void ahci_port_write_command(struct ahci_port *port, uint32_t value)
{
    struct ahci_port_state *s = port->state;
    uint32_t writable = AHCI_CMD_ST | AHCI_CMD_FRE | AHCI_CMD_ATAPI | AHCI_CMD_DLAE |
                        (port->ahci->staggered ? AHCI_CMD_SUD : 0) |
                        (port->ahci->presence ? AHCI_CMD_POD : 0);
    uint32_t before = s->cmd, changed = (before ^ value) & writable;
    s->cmd ^= changed;
    if (changed & AHCI_CMD_FRE) receive_changed(port);
    if (changed & AHCI_CMD_ST) (s->cmd & AHCI_CMD_ST ? start : stop)(port);
    if (value & AHCI_CMD_CLO) override_busy(port);
    spin_changed(port, before);
    change_power(port, value >> AHCI_CMD_ICC_SHIFT);
}

/* ---- resets ---- */

static uint32_t command_at_reset(const struct ahci_port *port)
{
    uint32_t value = AHCI_CMD_HPCP;
    if (!port->ahci->staggered) value |= AHCI_CMD_SUD;
    if (!port->ahci->presence) return value | AHCI_CMD_POD;
    value |= AHCI_CMD_MPSP | AHCI_CMD_CPD | AHCI_CMD_POD;
    return value | (ata_present(&port->drive) ? AHCI_CMD_CPS : AHCI_CMD_MPSS);
}

/* PxCLB and PxFB survive GHC.HR (10.4.3). */
void ahci_port_reset(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    const struct ahci_port_state kept = {.clb = s->clb, .clbu = s->clbu, .fb = s->fb, .fbu = s->fbu};
    clock_event_cancel(&port->run);
    clock_event_cancel(&port->link);
    ahci_commands_drop(port);
    memcpy(s, &kept, offsetof(struct ahci_port_state, drive));
    s->cmd = command_at_reset(port);
    s->tfd = AHCI_TFD_RESET;
    s->sig = AHCI_SIG_RESET;
    s->current = AHCI_NO_SLOT;
    ata_reset(&port->drive);
    train(port);
}

/* ---- hot plug ---- */

static void presence_changed(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    if (!port->ahci->presence) return;
    s->cmd = (s->cmd & ~(AHCI_CMD_CPS | AHCI_CMD_MPSS)) |
             (ata_present(&port->drive) ? AHCI_CMD_CPS : AHCI_CMD_MPSS);
    ahci_port_raise(port, AHCI_IS_DMPS | AHCI_IS_CPDS);
}

bool ahci_attach(struct ahci *ahci, unsigned n, struct block *block, const struct ata_drive_config *config,
                 struct error *error)
{
    if (n >= AHCI_PORTS)
        return error_set(error, "%s: port %u: there are ports 0 to %u", ahci->name, n, AHCI_PORTS - 1);
    struct ahci_port *port = &ahci->port[n];
    if (ata_present(&port->drive))
        return error_set(error, "%s: port %u: there is a drive already", ahci->name, n);
    if (!ata_attach(&port->drive, block, config, error)) return false;
    ahci_commands_new(port);
    presence_changed(port);
    train(port);
    return true;
}

void ahci_detach(struct ahci *ahci, unsigned n)
{
    struct ahci_port *port = &ahci->port[n];
    if (!ata_present(&port->drive)) return;
    ahci_commands_drop(port);
    ata_detach(&port->drive);
    link_down(port, (port->state->sctl & 0xf) == AHCI_SCTL_OFFLINE ? AHCI_DET_OFFLINE : AHCI_DET_NONE);
    presence_changed(port);
}

struct ata_drive *ahci_drive(struct ahci *ahci, unsigned n)
{
    return n < AHCI_PORTS && ata_present(&ahci->port[n].drive) ? &ahci->port[n].drive : NULL;
}

/* ---- faults ---- */

void ahci_link_fault(struct ahci *ahci, unsigned n, enum ahci_fault fault)
{
    static const struct {
        uint32_t interrupt, error;
        bool fatal;
    } faults[AHCI_FAULTS] = {
        [AHCI_FAULT_CRC] = {AHCI_IS_INFS, AHCI_SERR_DATA | AHCI_SERR_CRC, false},
        [AHCI_FAULT_PROTOCOL] = {AHCI_IS_IFS, AHCI_SERR_TRANSIENT | AHCI_SERR_CRC, true},
        [AHCI_FAULT_DATA] = {AHCI_IS_HBDS, AHCI_SERR_INTERNAL, true},
        [AHCI_FAULT_UNKNOWN_FIS] = {0, AHCI_SERR_UNKNOWN, false},
        [AHCI_FAULT_WRONG_PORT] = {AHCI_IS_IPMS, 0, false},
    };
    struct ahci_port *port = &ahci->port[n];
    if (link_state(port) != AHCI_DET_UP) return;
    guard_enter(&ahci->guard);
    port->state->serr |= faults[fault].error;
    if (fault == AHCI_FAULT_UNKNOWN_FIS) ahci_receive_unknown(port);
    if (faults[fault].fatal)
        ahci_port_fatal(port, faults[fault].interrupt);
    else
        ahci_port_raise(port, faults[fault].interrupt);
    guard_leave(&ahci->guard);
}

/* ---- creation ---- */

void ahci_port_init(struct ahci_port *port, struct ahci *ahci, unsigned n)
{
    *port = (struct ahci_port){.ahci = ahci, .n = n, .state = &ahci->state.port[n]};
    snprintf(port->name, sizeof port->name, "%s-p%u", ahci->name, n);
    snprintf(port->run_name, sizeof port->run_name, "%s.run", port->name);
    snprintf(port->link_name, sizeof port->link_name, "%s.link", port->name);
    snprintf(port->buffer_name, sizeof port->buffer_name, "%s.buffer", port->name);
    clock_event_init(&port->run, ahci->clock, port->run_name, run, port);
    clock_event_init(&port->link, ahci->clock, port->link_name, link_up, port);
    ata_init(&port->drive, &port->state->drive, port->name, ahci->clock, &ahci->guard, &ahci_drive_ops, port);
}

void ahci_port_destroy(struct ahci_port *port)
{
    ahci_commands_free(port);
    ata_destroy(&port->drive);
    clock_event_destroy(&port->run);
    clock_event_destroy(&port->link);
}

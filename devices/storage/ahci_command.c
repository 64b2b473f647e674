/* SPDX-License-Identifier: MIT */
/*
 * From the command list to the drive: headers, command tables, descriptors. Everything that the driver wrote is
 * copied once, when it is needed, and then used (LESSONS 41). Specification: AHCI 1.3.1, 4.2.2, 4.2.3, 5.5.1.
 */
#include <inttypes.h>
#include <string.h>
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(command_event, "ahci.command", "port:s slot:u command:s code:x lba:x count:x prds:u options:x");
TRACE_EVENT(prd_event, "ahci.prd", "port:s slot:u at:x address:x bytes:u interrupt:u");

static struct space *memory(const struct ahci_port *port)
{
    return port->ahci->function.dma;
}

static void unreadable(struct ahci_port *port, const char *what, gaddr at)
{
    lint(port->name, AHCI_SPEC "4.2", "%s at %" PRIx64 " lies in no memory", what, at);
    ahci_master_abort(port->ahci);
    ahci_port_fatal(port, AHCI_IS_HBFS);
}

/* ---- the PRDT ---- */

static void check_prd(const struct ahci_port *port, uint64_t address, uint32_t count)
{
    if (address & 1)
        lint(port->name, AHCI_SPEC "4.2.3.3", "data base address %" PRIx64 " is odd; bit 0 is ignored",
             address);
    if (!(count & 1))
        lint(port->name, AHCI_SPEC "4.2.3.3",
             "descriptor of %u bytes: an odd count; bit 0 of DBC is taken as 1",
             (count & AHCI_PRD_COUNT) + 1);
}

static bool fetch_prd(struct ahci_command *command)
{
    struct ahci_command_state *s = command->state;
    struct ahci_port *port = command->port;
    gaddr at = s->table + AHCI_TABLE_PRDT + (gaddr)s->next * sizeof(struct ahci_prd);
    struct ahci_prd prd;
    if (space_read(memory(port), at, &prd, sizeof prd) != MEM_OK) {
        unreadable(port, "a descriptor", at);
        return false;
    }
    uint64_t address = le64_load(prd.address);
    uint32_t count = le32_load(prd.count);
    check_prd(port, address, count);
    s->next++;
    s->base = address & ~UINT64_C(1);
    s->left = (count & AHCI_PRD_COUNT & ~1u) + 2;
    s->last_interrupts |= (count & AHCI_PRD_INTERRUPT) != 0;
    if (trace_on(&prd_event))
        trace_emit(&prd_event, port->ahci->clock, port->name, (uint64_t)s->slot, at, s->base,
                   (uint64_t)s->left, (uint64_t)((count & AHCI_PRD_INTERRUPT) != 0));
    return true;
}

/* Each turn takes bytes, or reads one of at most 65535 entries, none of which is empty. */
bool ahci_gather(struct ahci_command *command, uint64_t need)
{
    struct ahci_command_state *s = command->state;
    sglist_reset(&command->list);
    while (need) {
        if (!s->left) {
            if (s->next == s->prds) return true;
            if (!fetch_prd(command)) return false;
        }
        uint32_t take = need < s->left ? (uint32_t)need : s->left;
        sglist_add(&command->list, s->base, take);
        s->base += take;
        s->left -= take;
        need -= take;
    }
    return true;
}

void ahci_write_count(struct ahci_command *command)
{
    struct ahci_port *port = command->port;
    gaddr at = ahci_command_list(port->state) + command->state->slot * sizeof(struct ahci_header) +
               offsetof(struct ahci_header, moved);
    uint8_t count[4];
    le32_store(count, (uint32_t)command->state->moved);
    if (space_write(memory(port), at, count, sizeof count) != MEM_OK)
        unreadable(port, "the command list", at);
}

/* Packet commands say a limit, and seldom use all of it. */
void ahci_check_used(const struct ahci_command *command)
{
    const struct ahci_command_state *s = command->state;
    if ((s->left || s->next < s->prds) && s->moved && !(s->options & AHCI_HEADER_ATAPI))
        lint(command->port->name, AHCI_SPEC "Command List Underflow",
             "the command table names more bytes than the %" PRIu64 " that %s moved", s->moved,
             ata_command_name(s->cfis[2]));
}

/* ---- headers and tables ---- */

static void check_header(const struct ahci_port *port, const struct ahci_command_state *s, uint64_t table)
{
    if (table & (AHCI_TABLE_ALIGN - 1))
        lint(port->name, AHCI_SPEC "4.2.2",
             "CTBA %" PRIx64 " is not aligned to 128 bytes; the low bits are ignored", table);
    if (s->options & AHCI_HEADER_PORT)
        lint(port->name, AHCI_SPEC "4.2.2", "PMP is %u, but there is no port multiplier", s->options >> 12);
}

/* Copies what a slot says. False when it lies in no memory. */
static bool fetch(struct ahci_port *port, unsigned slot, struct ahci_command_state *s)
{
    gaddr at = ahci_command_list(port->state) + slot * sizeof(struct ahci_header);
    struct ahci_header header;
    struct ahci_table table;
    if (space_read(memory(port), at, &header, sizeof header) != MEM_OK) {
        unreadable(port, "a command header", at);
        return false;
    }
    *s = (struct ahci_command_state){
        .phase = AHCI_COMMAND_WAITS,
        .slot = (uint8_t)slot,
        .options = le16_load(header.options),
        .prds = le16_load(header.prds),
        .table = le64_load(header.table) & ~(uint64_t)(AHCI_TABLE_ALIGN - 1),
    };
    check_header(port, s, le64_load(header.table));
    if (space_read(memory(port), s->table, &table, sizeof table) != MEM_OK) {
        unreadable(port, "a command table", s->table);
        return false;
    }
    memcpy(s->cfis, table.cfis, sizeof s->cfis);
    memcpy(s->acmd, table.acmd, sizeof s->acmd);
    return true;
}

static struct fis_h2d command_fis(const struct ahci_command_state *s)
{
    struct fis_h2d fis;
    memcpy(&fis, s->cfis, sizeof fis);
    return fis;
}

static void trace_command(const struct ahci_port *port, const struct ahci_command_state *s, const char *name)
{
    const struct fis_h2d fis = command_fis(s);
    uint64_t lba = le_load(&fis.lba.low, 3) | le_load(&fis.lba.low_exp, 3) << 24;
    if (trace_on(&command_event))
        trace_emit(&command_event, port->ahci->clock, port->name, (uint64_t)s->slot, name,
                   (uint64_t)fis.command, lba, (uint64_t)(fis.count | fis.count_exp << 8), (uint64_t)s->prds,
                   (uint64_t)s->options);
}

/* ---- commands ---- */

/* The FIS went through (R_OK), and the header asks not to wait for an answer (state CFIS:ClearCI). */
static void clear_busy(struct ahci_port *port, unsigned slot)
{
    port->state->tfd &= ~(uint32_t)(ATA_STATUS_BSY | ATA_STATUS_DRQ);
    port->state->ci &= ~(1u << slot);
    port->state->current = AHCI_NO_SLOT;
    port->commands[slot].state->phase = AHCI_COMMAND_NONE;
}

/* A control FIS: a software reset begins, or ends (Serial ATA 2.6, Software reset protocol). */
static void send_control(struct ahci_port *port, const struct ahci_command_state *s)
{
    const struct fis_h2d fis = command_fis(s);
    trace_command(port, s, fis.control & FIS_CONTROL_SRST ? "SRST" : "SRST ends");
    if (fis.control & FIS_CONTROL_SRST) {
        ata_soft_reset_begin(&port->drive);
        port->state->await_first = true;
    } else if (port->state->await_first) {
        ata_soft_reset_end(&port->drive);
    }
}

/* DEVICE RESET is the one command that a CD-ROM takes while it is busy. */
static bool resets_busy_drive(const struct ahci_port *port, const struct fis_h2d *fis)
{
    return fis->command == ATA_DEVICE_RESET && port->drive.kind == ATA_CDROM;
}

/* After CLO without a reset, or the C bit of the command before. */
static void lose(const struct ahci_port *port, const struct fis_h2d *fis)
{
    lint(port->name, "ATA/ATAPI-6, 7.1", "%s while the drive is busy (after CLO or the C bit): lost",
         ata_command_name(fis->command));
}

static void send_register(struct ahci_port *port, const struct ahci_command_state *s)
{
    const struct fis_h2d fis = command_fis(s);
    const struct ata_taskfile regs = fis_to_taskfile(&fis);
    trace_command(port, s, ata_command_name(fis.command));
    if (port->state->sact & 1u << s->slot)
        lint(port->name, AHCI_SPEC "5.5.1", "PxSACT has slot %u set, but %s is not queued", s->slot,
             ata_command_name(fis.command));
    if (ata_busy(&port->drive) && !resets_busy_drive(port, &fis)) {
        lose(port, &fis);
        return;
    }
    ata_load_taskfile(&port->drive, &regs);
    ata_command(&port->drive, fis.command);
}

/* The drive takes a command that is not queued while queued ones are outstanding as an error of all of them, and as
 * one a queued command whose tag is in use. */
static void refuse_mixed(struct ahci_port *port, const struct ahci_command_state *s)
{
    const struct fis_h2d fis = command_fis(s);
    const struct ata_taskfile regs = fis_to_taskfile(&fis);
    lint(port->name, AHCI_SPEC "Native Queued Commands",
         "%s while queued commands are outstanding (tags %08x): all are aborted",
         ata_command_name(fis.command), port->state->queued);
    ata_queued_mixed(&port->drive, &regs);
    ahci_queued_abort(port);
    ahci_receive_d2h(port, true);
}

static void check_tag(const struct ahci_port *port, const struct ahci_command_state *s, unsigned tag)
{
    if (tag != s->slot)
        lint(port->name, AHCI_SPEC "Native Queued Commands", "a queued command in slot %u has tag %u",
             s->slot, tag);
    if (!(port->state->sact & 1u << tag))
        lint(port->name, AHCI_SPEC "Native Queued Commands",
             "a queued command with tag %u, but its bit in PxSACT is 0", tag);
}

/* The drive takes it (D2H with BSY 0, and the slot is free again), or refuses it. */
static void send_queued(struct ahci_port *port, const struct ahci_command_state *s)
{
    const struct fis_h2d fis = command_fis(s);
    const struct ata_taskfile regs = fis_to_taskfile(&fis);
    struct ata_queued queued;
    trace_command(port, s, ata_command_name(fis.command));
    if (ata_busy(&port->drive)) {
        lose(port, &fis);
        return;
    }
    if (!ata_queued_check(&port->drive, &regs, &queued)) {
        ahci_queued_abort(port);
        ahci_receive_d2h(port, true);
        return;
    }
    unsigned tag = queued.tag % AHCI_SLOTS;
    check_tag(port, s, tag);
    struct ahci_command *command = &port->commands[tag];
    *command->state = *s;
    command->state->queued = true;
    command->state->write = queued.write;
    command->state->flush = queued.flush;
    command->state->offset = queued.offset;
    command->state->bytes = queued.bytes;
    port->state->queued |= 1u << tag;
    port->state->current = AHCI_NO_SLOT;
    ahci_receive_d2h(port, false);
    if (port->state->stopped) return;
    port->state->ci &= ~(1u << s->slot);
    ahci_queued_start(port, command, tag);
}

static bool is_command_fis(const struct ahci_port *port, const struct ahci_command_state *s)
{
    unsigned length = s->options & AHCI_HEADER_LENGTH;
    if (s->cfis[0] == FIS_H2D && length >= sizeof(struct fis_h2d) / 4 && length <= 16 &&
        !(s->options & AHCI_HEADER_BIST))
        return true;
    lint(port->name, AHCI_SPEC "5.5.1", "slot %u holds no command FIS: type %02xh, CFL %u%s", s->slot,
         s->cfis[0], length, s->options & AHCI_HEADER_BIST ? ", BIST" : "");
    return false;
}

static void send(struct ahci_port *port, struct ahci_command_state *s)
{
    unsigned slot = s->slot;
    const struct fis_h2d fis = command_fis(s);
    bool queued = fis.flags & FIS_FLAG_COMMAND && ata_is_queued(fis.command);
    port->state->tfd |= ATA_STATUS_BSY;
    if (!is_command_fis(port, s)) {
        port->state->serr |= AHCI_SERR_PROTOCOL | AHCI_SERR_HANDSHAKE;
        ahci_port_fatal(port, AHCI_IS_IFS);
        return;
    }
    if (queued && !(port->state->queued & 1u << (fis.count >> 3))) {
        send_queued(port, s);
        return;
    }
    if (fis.flags & FIS_FLAG_COMMAND && port->state->queued) {
        refuse_mixed(port, s);
        return;
    }
    ahci_commands_drop(
        port); /* what a driver left behind by CLO, or queued commands before a software reset */
    *port->commands[slot].state = *s;
    port->state->current = (uint8_t)slot;
    if (fis.flags & FIS_FLAG_COMMAND)
        send_register(port, s);
    else
        send_control(port, s);
    if (s->options & AHCI_HEADER_CLEAR_BUSY) clear_busy(port, slot);
}

/* ---- the command list (3.3.14; state P:SelectCmd) ---- */

static unsigned next_slot(const struct ahci_port_state *s)
{
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        unsigned slot = (s->next_slot + i) % AHCI_SLOTS;
        if (s->ci & 1u << slot) return slot;
    }
    return AHCI_NO_SLOT;
}

static bool ready(const struct ahci_port *port)
{
    return ahci_port_runs(port) && port->state->ci && !(port->state->tfd & (ATA_STATUS_BSY | ATA_STATUS_DRQ));
}

void ahci_issue(struct ahci_port *port)
{
    struct ahci_port_state *s = port->state;
    struct ahci_command_state fetched;
    if (ready(port) && !ahci_is_master(port->ahci)) {
        lint(port->name, "PCI 2.3, 6.2.2", "PxCI is set while Bus Master Enable is 0: the commands wait");
        return;
    }
    for (unsigned i = 0; i < AHCI_SLOTS && ready(port); i++) {
        unsigned slot = next_slot(s);
        s->next_slot = (uint8_t)((slot + 1) % AHCI_SLOTS);
        s->cmd = (s->cmd & ~AHCI_CMD_CCS) | slot << AHCI_CMD_CCS_SHIFT;
        ahci_port_wake(port);
        if (!fetch(port, slot, &fetched)) return;
        send(port, &fetched);
    }
    if (ready(port)) ahci_port_kick(port);
}

/* SPDX-License-Identifier: MIT */
/*
 * The AHCI controller in a saved machine: registers and commands as tables, and beside them what moves: lists,
 * mappings, requests to the disk. Loading takes all of it up again; disks are not touched.
 */
#include <stdlib.h>
#include "devices/storage/ahci_internal.h"
#include "mem/stats.h"

static const struct state_field command_fields[] = {
    STATE_FIELD(struct ahci_command_state, phase),
    STATE_FIELD(struct ahci_command_state, slot),
    STATE_FIELD(struct ahci_command_state, last_interrupts),
    STATE_FIELD(struct ahci_command_state, dropping),
    STATE_FIELD(struct ahci_command_state, cfis),
    STATE_FIELD(struct ahci_command_state, acmd),
    STATE_FIELD(struct ahci_command_state, options),
    STATE_FIELD(struct ahci_command_state, prds),
    STATE_FIELD(struct ahci_command_state, table),
    STATE_FIELD(struct ahci_command_state, next),
    STATE_FIELD(struct ahci_command_state, base),
    STATE_FIELD(struct ahci_command_state, left),
    STATE_FIELD(struct ahci_command_state, moved),
    STATE_FIELD(struct ahci_command_state, queued),
    STATE_FIELD(struct ahci_command_state, write),
    STATE_FIELD(struct ahci_command_state, flush),
    STATE_FIELD(struct ahci_command_state, offset),
    STATE_FIELD(struct ahci_command_state, bytes),
    STATE_END,
};

static const struct state_field port_fields[] = {
    STATE_FIELD(struct ahci_port_state, clb),
    STATE_FIELD(struct ahci_port_state, clbu),
    STATE_FIELD(struct ahci_port_state, fb),
    STATE_FIELD(struct ahci_port_state, fbu),
    STATE_FIELD(struct ahci_port_state, is),
    STATE_FIELD(struct ahci_port_state, ie),
    STATE_FIELD(struct ahci_port_state, cmd),
    STATE_FIELD(struct ahci_port_state, tfd),
    STATE_FIELD(struct ahci_port_state, sig),
    STATE_FIELD(struct ahci_port_state, ssts),
    STATE_FIELD(struct ahci_port_state, sctl),
    STATE_FIELD(struct ahci_port_state, serr),
    STATE_FIELD(struct ahci_port_state, sact),
    STATE_FIELD(struct ahci_port_state, ci),
    STATE_FIELD(struct ahci_port_state, training),
    STATE_FIELD(struct ahci_port_state, await_first),
    STATE_FIELD(struct ahci_port_state, stopped),
    STATE_FIELD(struct ahci_port_state, acknowledged),
    STATE_FIELD(struct ahci_port_state, first_stored),
    STATE_FIELD(struct ahci_port_state, first_fis),
    STATE_FIELD(struct ahci_port_state, current),
    STATE_FIELD(struct ahci_port_state, next_slot),
    STATE_FIELD(struct ahci_port_state, queued),
    STATE_STRUCTS(struct ahci_port_state, command, command_fields),
    STATE_STRUCT_FIELD(struct ahci_port_state, drive, ata_state_fields),
    STATE_END,
};

static const struct state_field ahci_fields[] = {
    STATE_FIELD(struct ahci_state, ghc),
    STATE_FIELD(struct ahci_state, is),
    STATE_FIELD(struct ahci_state, announced),
    STATE_STRUCTS(struct ahci_state, port, port_fields),
    STATE_END,
};
const struct state_table ahci_table = {"ahci", 1, sizeof(struct ahci_state), ahci_fields};

/* ---- commands ---- */

static void save_flush(const struct block_request *request, struct state_buffer *to)
{
    struct block_request_state state;
    block_request_get_state(request, &state);
    state_save(&block_request_table, &state, to);
}

static bool load_flush(struct ahci_command *command, struct state_buffer *from, struct error *error)
{
    struct block_request_state state;
    struct block *block = command->port->drive.block;
    if (!state_load(&block_request_table, &state, from, error)) return false;
    command->flush.op = BLOCK_FLUSH;
    command->flush.offset = command->flush.size = 0;
    command->flush.pieces = NULL;
    command->flush.count = 0;
    return (block && block_request_resume(block, &command->flush, &state)) ||
           error_set(error, "%s: a flush in flight does not fit", command->port->name);
}

static bool save_command(const struct ahci_command *command, struct state_buffer *to, struct error *error)
{
    switch (command->state->phase) {
    case AHCI_COMMAND_DISK:
        sglist_save(&command->list, to);
        return transfer_save(&command->transfer, to, error);
    case AHCI_COMMAND_BUFFER:
        sglist_save(&command->list, to);
        return buffer_stream_save(&command->port->buffer, to, error);
    case AHCI_COMMAND_FLUSH: save_flush(&command->flush, to); return true;
    default: return true;
    }
}

/* The buffer that a buffer stream moves, and how much there is of it: it is the drive's, by the phase the drive is
 * in. */
static uint8_t *find_buffer(const struct ahci_port *port, uint64_t *bytes)
{
    const struct ata_drive *drive = &port->drive;
    uint32_t block = 0;
    uint8_t *data = NULL;
    *bytes = 0;
    if (!ata_present(drive)) return NULL;
    if (drive->state->phase == ATA_DMA) {
        const struct ata_part part = ata_dma_part(drive);
        *bytes = part.bytes;
        return part.buffer;
    }
    if (drive->state->phase == ATA_PIO_IN || drive->state->phase == ATA_PIO_OUT ||
        drive->state->phase == ATA_PACKET)
        data = ata_block_data(drive, &block);
    *bytes = block;
    return data;
}

static bool load_buffer(struct ahci_command *command, struct state_buffer *from, struct error *error)
{
    struct ahci_port *port = command->port;
    uint64_t bytes;
    uint8_t *buffer = find_buffer(port, &bytes);
    if (!sglist_load(&command->list, from, error)) return false;
    if (!buffer || command->list.size > bytes || port->state->current != command - port->commands)
        return error_set(error, "%s: a transfer does not fit its drive", port->name);
    return buffer_stream_load(&port->buffer, buffer, &command->list, from, error) &&
           (buffer_stream_busy(&port->buffer) || error_set(error, "%s: a transfer is missing", port->name));
}

/* Sectors move for a queued command, or for the one that the drive waits with. */
static bool disk_fits(const struct ahci_command *command)
{
    const struct ahci_port *port = command->port;
    if (!ata_present(&port->drive)) return false;
    if (command->state->queued) return port->state->queued >> (command - port->commands) & 1;
    return port->state->current == command - port->commands && port->drive.state->phase == ATA_DMA &&
           !ata_dma_part(&port->drive).buffer;
}

static bool load_command(struct ahci_command *command, struct state_buffer *from, struct error *error)
{
    struct ahci_port *port = command->port;
    switch (command->state->phase) {
    case AHCI_COMMAND_DISK:
        if (!sglist_load(&command->list, from, error)) return false;
        if (!disk_fits(command)) return error_set(error, "%s: a transfer does not fit its drive", port->name);
        return transfer_load(&command->transfer, port->drive.block, &command->list, from, error) &&
               (transfer_busy(&command->transfer) ||
                error_set(error, "%s: a transfer is missing", port->name));
    case AHCI_COMMAND_BUFFER: return load_buffer(command, from, error);
    case AHCI_COMMAND_FLUSH: return load_flush(command, from, error);
    default: return true;
    }
}

/* ---- the whole ---- */

/* What indexes or would never end. */
static bool is_sane(const struct ahci_port *port)
{
    const struct ahci_port_state *s = port->state;
    if ((s->current >= AHCI_SLOTS && s->current != AHCI_NO_SLOT) || s->next_slot >= AHCI_SLOTS) return false;
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        const struct ahci_command_state *command = &s->command[i];
        if (command->phase >= AHCI_COMMAND_PHASES || command->slot >= AHCI_SLOTS ||
            command->next > command->prds)
            return false;
        if (command->phase != AHCI_COMMAND_NONE && !port->commands) return false;
    }
    return s->current == AHCI_NO_SLOT || port->commands;
}

static bool save_all(const struct device *device, struct state_buffer *to, struct error *error)
{
    const struct ahci *ahci = list_entry(device, const struct ahci, device);
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        const struct ahci_port *port = &ahci->port[n];
        ata_save_request(&port->drive, to);
        for (unsigned i = 0; i < AHCI_SLOTS && port->commands; i++)
            if (!save_command(&port->commands[i], to, error)) return false;
    }
    return true;
}

static bool load_port(struct ahci_port *port, struct state_buffer *from, struct error *error)
{
    if (!is_sane(port)) return error_set(error, "%s: no port can be in this state", port->name);
    if (!ata_load_request(&port->drive, from, error)) return false;
    for (unsigned i = 0; i < AHCI_SLOTS && port->commands; i++)
        if (!load_command(&port->commands[i], from, error)) return false;
    return true;
}

/* All ports share a pool: what they hold is given back before one takes again. */
static bool load_all(struct device *device, struct state_buffer *from, struct error *error)
{
    struct ahci *ahci = list_entry(device, struct ahci, device);
    for (unsigned n = 0; n < AHCI_PORTS; n++) ahci_commands_cancel(&ahci->port[n]);
    for (unsigned n = 0; n < AHCI_PORTS; n++)
        if (!load_port(&ahci->port[n], from, error)) return false;
    return true;
}

/* ---- -stats ---- */

/* One line for the streams of a port's commands together. */
static void add_totals(struct stream_totals *sum, const struct stream_totals *totals)
{
    sum->requests += totals->requests;
    sum->rounds += totals->rounds;
    sum->pieces += totals->pieces;
    sum->direct_bytes += totals->direct_bytes;
    sum->bounced_bytes += totals->bounced_bytes;
    sum->waits += totals->waits;
    if (totals->most_pieces > sum->most_pieces) sum->most_pieces = totals->most_pieces;
}

static void print_stats(const struct device *device, FILE *to)
{
    const struct ahci *ahci = list_entry(device, const struct ahci, device);
    dma_print_stats(ahci->function.dma, ahci->name, to);
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        const struct ahci_port *port = &ahci->port[n];
        if (!port->commands) continue;
        struct stream sum = {.name = port->name, .totals = *stream_totals(&port->buffer.stream)};
        for (unsigned i = 0; i < AHCI_SLOTS; i++)
            add_totals(&sum.totals, stream_totals(&port->commands[i].transfer.stream));
        stream_print_stats(&sum, to);
    }
}

const struct device_more ahci_more = {save_all, load_all, print_stats};

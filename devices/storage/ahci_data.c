/* SPDX-License-Identifier: MIT */
/*
 * Data phases of an AHCI port, and how commands end. One command that is not queued is under way at a time, its drive
 * says what comes next (ata.h); or up to 32 queued ones, which move by themselves. Specification: AHCI 1.3.1,
 * 5.3 (HBA port state machine), 5.6 (data transfers), 6.1 (errors).
 */
#include <stdlib.h>
#include <string.h>
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(data_event, "ahci.data", "port:s what:s tag:u to_host:u offset:x bytes:u pieces:u");
TRACE_EVENT(end_event, "ahci.end", "port:s what:s slot:u moved:u status:x error:x");

static struct ahci_command *current_command(const struct ahci_port *port)
{
    return port->state->current == AHCI_NO_SLOT ? NULL : &port->commands[port->state->current];
}

static unsigned command_tag(const struct ahci_command *command)
{
    return (unsigned)(command - command->port->commands);
}

static void trace_end(const struct ahci_command *command, const char *what)
{
    const struct ahci_port *port = command->port;
    const struct ata_taskfile *regs = &port->drive.state->regs;
    if (trace_on(&end_event))
        trace_emit(&end_event, port->ahci->clock, port->name, what, (uint64_t)command->state->slot,
                   command->state->moved, (uint64_t)regs->status, (uint64_t)regs->error);
}

/* ---- taking commands back ---- */

static void cancel(struct ahci_command *command)
{
    transfer_cancel(&command->transfer);
    block_cancel(&command->flush);
    sglist_reset(&command->list);
}

void ahci_commands_cancel(struct ahci_port *port)
{
    if (!port->commands) return;
    for (unsigned i = 0; i < AHCI_SLOTS; i++) cancel(&port->commands[i]);
    buffer_stream_cancel(&port->buffer);
}

void ahci_commands_drop(struct ahci_port *port)
{
    ahci_commands_cancel(port);
    for (unsigned i = 0; i < AHCI_SLOTS; i++) port->state->command[i].phase = AHCI_COMMAND_NONE;
    port->state->current = AHCI_NO_SLOT;
    port->state->queued = 0;
}

void ahci_queued_abort(struct ahci_port *port)
{
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        if (!(port->state->queued & 1u << i)) continue;
        trace_end(&port->commands[i], "aborted");
        cancel(&port->commands[i]);
        port->state->command[i].phase = AHCI_COMMAND_NONE;
    }
    port->state->queued = 0;
}

/* ---- ends ---- */

static void bad_address(struct ahci_command *command)
{
    struct ahci_port *port = command->port;
    trace_end(command, "bad address");
    lint(port->name, AHCI_SPEC "System Memory Errors",
         "data of slot %u: the PRDT names an address where no memory is", command->state->slot);
    ahci_master_abort(port->ahci);
    ahci_port_fatal(port, AHCI_IS_HBFS);
}

/* A long PRDT makes a long list; it is not kept for the next command. */
static void release_list(struct ahci_command *command)
{
    enum { KEPT = 1024 };
    if (command->list.capacity <= KEPT) return;
    sglist_destroy(&command->list);
    sglist_init(&command->list, 0);
}

/* The slot is free again. */
static void complete(struct ahci_command *command)
{
    struct ahci_port *port = command->port;
    port->state->ci &= ~(1u << command->state->slot);
    port->state->current = AHCI_NO_SLOT;
    command->state->phase = AHCI_COMMAND_NONE;
    release_list(command);
    if (command->state->last_interrupts) ahci_port_raise(port, AHCI_IS_DPS);
    if (port->state->ci) ahci_port_kick(port);
}

/* The drive is through with the command; `fis`: it says so by a D2H FIS, else it did by the last PIO Setup FIS. */
static void finish(struct ahci_port *port, bool fis)
{
    struct ahci_command *command = current_command(port);
    bool interrupt = port->drive.state->interrupt;
    ata_acknowledge(&port->drive);
    if (command) {
        trace_end(command, "done");
        ahci_check_used(command);
        ahci_write_count(command);
        if (port->state->stopped) return;
    }
    if (fis) ahci_receive_d2h(port, interrupt);
    if (command && !port->state->stopped) complete(command);
}

static void drive_ended(void *owner, struct ata_drive *drive)
{
    struct ahci_port *port = owner;
    (void)drive;
    if (port->in_block)
        port->ended_in_block = true;
    else
        finish(port, true);
}

static void drive_reset_done(void *owner, struct ata_drive *drive)
{
    struct ahci_port *port = owner;
    struct ahci_port_state *s = port->state;
    (void)drive;
    if (!s->await_first) return;
    ahci_receive_signature(port);
    if (current_command(port)) complete(current_command(port));
    if (s->ci) ahci_port_kick(port);
}

/* ---- when the PRDT is too short (Command List Overflow) ---- */

/* The table ended before the drive's data. True: the rest is dropped and the command goes on. */
static bool overflow(struct ahci_command *command, bool to_host)
{
    struct ahci_port *port = command->port;
    trace_end(command, "overflow");
    lint(port->name, AHCI_SPEC "Command List Overflow", "the command table names fewer bytes than %s moves",
         ata_command_name(command->state->cfis[2]));
    ahci_port_raise(port, AHCI_IS_OFS);
    return to_host;
}

/* ---- moving ---- */

static void trace_data(const struct ahci_command *command, const char *what, bool to_host, uint64_t offset)
{
    if (trace_on(&data_event))
        trace_emit(&data_event, command->port->ahci->clock, command->port->name, what,
                   (uint64_t)command_tag(command), (uint64_t)to_host, offset, command->list.size,
                   (uint64_t)command->list.count);
}

static void start_buffer(struct ahci_command *command, uint8_t *buffer, bool to_host)
{
    command->state->phase = AHCI_COMMAND_BUFFER;
    trace_data(command, "buffer", to_host, 0);
    buffer_stream_start(&command->port->buffer, buffer, to_host ? DMA_FROM_DEVICE : DMA_TO_DEVICE,
                        &command->list);
}

/* Whole sectors only: the rest of a table that ends within one has no use. */
static void start_disk(struct ahci_command *command, bool to_host, uint64_t offset)
{
    command->state->phase = AHCI_COMMAND_DISK;
    trace_data(command, "disk", to_host, offset);
    transfer_start(&command->transfer, command->port->drive.block, to_host ? BLOCK_READ : BLOCK_WRITE, offset,
                   &command->list);
}

/* ---- PIO and packets ---- */

static bool block_to_host(const struct ahci_port *port)
{
    return port->drive.state->phase == ATA_PIO_IN;
}

/* A block, or as much as the table had room for, has moved. */
static void block_done(struct ahci_command *command, uint32_t moved)
{
    struct ahci_port *port = command->port;
    struct ata_drive *drive = &port->drive;
    uint8_t status = drive->state->regs.status;
    bool to_host = block_to_host(port), interrupt = drive->state->interrupt;
    uint32_t bytes;
    ata_block_data(drive, &bytes);
    if (moved < bytes && !overflow(command, to_host)) return;
    ata_acknowledge(drive);
    port->in_block = true;
    port->ended_in_block = false;
    ata_block_moved(drive, bytes);
    port->in_block = false;
    ahci_receive_pio_setup(port, status, bytes, to_host, interrupt);
    if (port->ended_in_block && !port->state->stopped) finish(port, drive->state->interrupt);
}

static void drive_data_ready(void *owner, struct ata_drive *drive)
{
    struct ahci_port *port = owner;
    struct ahci_command *command = current_command(port);
    uint32_t bytes;
    uint8_t *data = ata_block_data(drive, &bytes);
    if (!command) return; /* the driver has given up; the drive waits for a reset */
    if (drive->state->phase == ATA_PACKET && command->state->options & AHCI_HEADER_ATAPI) {
        memcpy(data, command->state->acmd,
               bytes < sizeof command->state->acmd ? bytes : sizeof command->state->acmd);
        block_done(command, bytes);
        return;
    }
    if (drive->state->phase == ATA_PACKET)
        lint(port->name, AHCI_SPEC "4.2.2", "PACKET without the A bit: the packet is taken from the PRDT");
    if (!ahci_gather(command, bytes)) return;
    if (command->list.size)
        start_buffer(command, data, block_to_host(port));
    else
        block_done(command, 0);
}

/* ---- DMA, not queued ---- */

static void part_done(struct ahci_command *command, uint64_t moved, bool failed)
{
    struct ata_drive *drive = &command->port->drive;
    const struct ata_part part = ata_dma_part(drive);
    if (!failed && command->state->dropping) {
        if (!overflow(command, part.to_host)) return;
        moved = part.bytes;
    }
    ata_dma_moved(drive, moved, failed);
}

static void drive_dma_ready(void *owner, struct ata_drive *drive)
{
    struct ahci_port *port = owner;
    struct ahci_command *command = current_command(port);
    if (!command) return;
    const struct ata_part part = ata_dma_part(drive);
    if (!ahci_gather(command, part.bytes)) return;
    command->state->dropping = command->list.size < part.bytes;
    if (!part.buffer) sglist_truncate(&command->list, command->list.size - command->list.size % BLOCK_SECTOR);
    if (!command->list.size)
        part_done(command, 0, false);
    else if (part.buffer)
        start_buffer(command, part.buffer, part.to_host);
    else
        start_disk(command, part.to_host, part.offset);
}

static void buffer_done(void *owner, struct buffer_stream *stream, enum stream_status status, uint64_t moved)
{
    struct ahci_port *port = owner;
    struct ahci_command *command = current_command(port);
    (void)stream;
    if (!command) return;
    guard_enter(&port->ahci->guard);
    command->state->phase = AHCI_COMMAND_WAITS;
    command->state->moved += moved;
    if (status != STREAM_OK)
        bad_address(command);
    else if (port->drive.state->phase == ATA_DMA)
        part_done(command, moved, false);
    else
        block_done(command, (uint32_t)moved);
    guard_leave(&port->ahci->guard);
}

/* ---- queued commands ---- */

static void queued_done(struct ahci_command *command)
{
    struct ahci_port *port = command->port;
    uint32_t bit = 1u << command_tag(command);
    trace_end(command, "done");
    ahci_check_used(command);
    command->state->phase = AHCI_COMMAND_NONE;
    port->state->queued &= ~bit;
    release_list(command);
    if (command->state->last_interrupts) ahci_port_raise(port, AHCI_IS_DPS);
    ahci_receive_device_bits(port, bit);
}

/* All others are aborted; which one failed is in the drive's log. */
static void queued_failed(struct ahci_command *command)
{
    struct ahci_port *port = command->port;
    const struct ahci_command_state *s = command->state;
    struct fis_h2d fis;
    memcpy(&fis, s->cfis, sizeof fis);
    const struct ata_queued queued = {
        .tag = (uint8_t)command_tag(command),
        .write = s->write,
        .flush = s->flush,
        .offset = s->offset,
        .bytes = s->bytes,
        .regs = fis_to_taskfile(&fis),
    };
    ata_queued_failed(&port->drive, &queued, s->moved);
    ahci_queued_abort(port);
    ahci_receive_device_bits(port, 0);
}

static void start_flush(struct ahci_command *command)
{
    struct block_request *request = &command->flush;
    command->state->phase = AHCI_COMMAND_FLUSH;
    request->op = BLOCK_FLUSH;
    request->offset = request->size = 0;
    request->pieces = NULL;
    request->count = 0;
    block_submit(command->port->drive.block, request);
}

static void flush_done(void *owner, struct block_request *request, int error, uint64_t touched)
{
    struct ahci_command *command = owner;
    struct mem_guard *guard = &command->port->ahci->guard;
    (void)request, (void)touched;
    guard_enter(guard);
    if (error)
        queued_failed(command);
    else
        queued_done(command);
    guard_leave(guard);
}

static void queued_moved(struct ahci_command *command)
{
    struct ahci_command_state *s = command->state;
    if (s->dropping && !overflow(command, !s->write)) return;
    if (s->flush)
        start_flush(command);
    else
        queued_done(command);
}

void ahci_queued_start(struct ahci_port *port, struct ahci_command *command, unsigned tag)
{
    struct ahci_command_state *s = command->state;
    ahci_receive_dma_setup(port, tag, s);
    if (port->state->stopped || !ahci_gather(command, s->bytes)) return;
    s->dropping = command->list.size < s->bytes;
    sglist_truncate(&command->list, command->list.size - command->list.size % BLOCK_SECTOR);
    if (command->list.size)
        start_disk(command, !s->write, s->offset);
    else
        queued_moved(command);
}

static void transfer_done(void *owner, struct transfer *transfer, enum stream_status status, int error,
                          uint64_t moved)
{
    struct ahci_command *command = owner;
    struct mem_guard *guard = &command->port->ahci->guard;
    (void)transfer, (void)error;
    guard_enter(guard);
    command->state->phase = AHCI_COMMAND_WAITS;
    command->state->moved += moved;
    if (status != STREAM_OK && status != STREAM_BACKEND_ERROR)
        bad_address(command);
    else if (!command->state->queued)
        part_done(command, moved, status == STREAM_BACKEND_ERROR);
    else if (status == STREAM_OK)
        queued_moved(command);
    else
        queued_failed(command);
    guard_leave(guard);
}

/* ---- creation ---- */

static void drive_interrupt(void *owner, struct ata_drive *drive)
{
    (void)owner, (void)drive; /* the I bit of the next FIS */
}

const struct ata_host_ops ahci_drive_ops = {
    .interrupt = drive_interrupt,
    .dma_ready = drive_dma_ready,
    .data_ready = drive_data_ready,
    .ended = drive_ended,
    .reset_done = drive_reset_done,
    .serial = true,
    .queue_depth = AHCI_SLOTS,
};

void ahci_commands_new(struct ahci_port *port)
{
    struct ahci *ahci = port->ahci;
    if (port->commands) return;
    port->commands = calloc(AHCI_SLOTS, sizeof *port->commands);
    if (!port->commands) abort(); /* no memory for a few KiB: nothing can go on */
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        struct ahci_command *command = &port->commands[i];
        command->port = port;
        command->state = &port->state->command[i];
        snprintf(command->transfer_name, sizeof command->transfer_name, "%s.dma%u", port->name, i);
        snprintf(command->flush_name, sizeof command->flush_name, "%s.flush%u", port->name, i);
        sglist_init(&command->list, 0);
        transfer_init(&command->transfer, command->transfer_name, ahci->function.dma, transfer_done, command);
        stream_set_guard(&command->transfer.stream, &ahci->guard);
        block_request_init(&command->flush, ahci->clock, command->flush_name, flush_done, command);
    }
    buffer_stream_init(&port->buffer, port->buffer_name, ahci->function.dma, buffer_done, port);
    stream_set_guard(&port->buffer.stream, &ahci->guard);
}

void ahci_commands_free(struct ahci_port *port)
{
    if (!port->commands) return;
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        struct ahci_command *command = &port->commands[i];
        transfer_destroy(&command->transfer);
        block_request_destroy(&command->flush);
        sglist_destroy(&command->list);
    }
    buffer_stream_destroy(&port->buffer);
    free(port->commands);
    port->commands = NULL;
}

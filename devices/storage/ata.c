/* SPDX-License-Identifier: MIT */
/*
 * The ATA disk's phases: resets, the buffer between disk and host, and how commands end.
 * ATA/ATAPI-6 (T13/1410D), clauses 6, 7 and 9.
 */
#include <string.h>
#include "devices/storage/ata_internal.h"
#include "emu/core/trace.h"

TRACE_EVENT(ata_done_event, "ata.done", "drive:s command:s status:x error:x");
TRACE_EVENT(ata_pio_event, "ata.pio", "drive:s direction:s bytes:u left:u");

const struct state_field ata_taskfile_fields[] = {
    STATE_FIELD(struct ata_taskfile, features), STATE_FIELD(struct ata_taskfile, count),
    STATE_FIELD(struct ata_taskfile, lba_low),  STATE_FIELD(struct ata_taskfile, lba_mid),
    STATE_FIELD(struct ata_taskfile, lba_high), STATE_FIELD(struct ata_taskfile, device),
    STATE_FIELD(struct ata_taskfile, command),  STATE_FIELD(struct ata_taskfile, status),
    STATE_FIELD(struct ata_taskfile, error),    STATE_END,
};

const struct state_field ata_state_fields[] = {
    STATE_STRUCT_FIELD(struct ata_state, regs, ata_taskfile_fields),
    STATE_FIELD(struct ata_state, phase),
    STATE_FIELD(struct ata_state, interrupt),
    STATE_FIELD(struct ata_state, asleep),
    STATE_FIELD(struct ata_state, power),
    STATE_FIELD(struct ata_state, multiple),
    STATE_FIELD(struct ata_state, transfer_mode),
    STATE_FIELD(struct ata_state, write_cache),
    STATE_FIELD(struct ata_state, look_ahead),
    STATE_FIELD(struct ata_state, keep_settings),
    STATE_FIELD(struct ata_state, cylinders),
    STATE_FIELD(struct ata_state, heads),
    STATE_FIELD(struct ata_state, sectors),
    STATE_FIELD(struct ata_state, lba),
    STATE_FIELD(struct ata_state, remaining),
    STATE_FIELD(struct ata_state, block),
    STATE_FIELD(struct ata_state, filled),
    STATE_FIELD(struct ata_state, position),
    STATE_FIELD(struct ata_state, block_end),
    STATE_FIELD(struct ata_state, buffer),
    STATE_END,
};

enum { READY = ATA_STATUS_DRDY | ATA_STATUS_DSC };

static const uint8_t phase_status[ATA_PHASES] = {
    [ATA_IDLE] = READY,
    [ATA_RESETTING] = ATA_STATUS_BSY,
    [ATA_EXECUTING] = ATA_STATUS_BSY,
    [ATA_READING] = ATA_STATUS_BSY,
    [ATA_NEXT_BLOCK] = ATA_STATUS_BSY,
    [ATA_PIO_IN] = READY | ATA_STATUS_DRQ,
    [ATA_PIO_OUT] = READY | ATA_STATUS_DRQ,
    [ATA_WRITING] = ATA_STATUS_BSY,
    [ATA_FLUSHING] = ATA_STATUS_BSY,
    [ATA_DMA] = READY | ATA_STATUS_DRQ,
};

static void set_phase(struct ata_disk *disk, enum ata_phase phase)
{
    disk->state->phase = (uint8_t)phase;
    disk->state->regs.status = phase_status[phase];
}

static void set_interrupt(struct ata_disk *disk, bool pending)
{
    disk->state->interrupt = pending;
    disk->ops->interrupt(disk->owner, disk);
}

void ata_acknowledge(struct ata_disk *disk)
{
    if (disk->state->interrupt) set_interrupt(disk, false);
}

/* The end of a command. */

static void end_command(struct ata_disk *disk, uint8_t error, uint8_t status)
{
    struct ata_taskfile *regs = &disk->state->regs;
    set_phase(disk, ATA_IDLE);
    regs->status |= status;
    regs->error = error;
    if (trace_on(&ata_done_event))
        trace_emit(&ata_done_event, disk->clock, disk->name, ata_command_name(regs->command),
                   (uint64_t)regs->status, (uint64_t)error);
}

void ata_succeed(struct ata_disk *disk)
{
    end_command(disk, 0, 0);
    set_interrupt(disk, true);
}

void ata_fail(struct ata_disk *disk, uint8_t error, uint8_t status)
{
    end_command(disk, error, status | ATA_STATUS_ERR);
    set_interrupt(disk, true);
}

void ata_put_address(struct ata_disk *disk, uint32_t lba)
{
    struct ata_state *s = disk->state;
    uint32_t rest = lba;
    uint8_t low, head;

    if (s->regs.device & ATA_DEVICE_LBA) {
        low = (uint8_t)lba;
        head = lba >> 24 & 0x0f;
        rest = lba >> 8;
    } else {
        low = (uint8_t)(rest % s->sectors + 1);
        rest /= s->sectors;
        head = (uint8_t)(rest % s->heads);
        rest /= s->heads;
    }
    s->regs.lba_low = low;
    s->regs.lba_mid = (uint8_t)rest;
    s->regs.lba_high = (uint8_t)(rest >> 8);
    s->regs.device = (uint8_t)((s->regs.device & 0xf0) | head);
}

/* All sectors went through: the registers name the last one, as older drivers like to see. */
static void put_last_address(struct ata_disk *disk)
{
    if (!(ata_find_command(disk->state->regs.command)->flags & ATA_ADDRESSED)) return;
    disk->state->regs.count = 0;
    ata_put_address(disk, disk->state->lba - 1);
}

/* The disk refused the sector at state->lba. */
static void fail_at_address(struct ata_disk *disk, bool writing)
{
    struct ata_state *s = disk->state;
    s->regs.count = (uint8_t)s->remaining;
    ata_put_address(disk, s->lba);
    if (writing)
        ata_fail(disk, ATA_ERROR_ABRT, ATA_STATUS_DF);
    else
        ata_fail(disk, ATA_ERROR_UNC, 0);
}

/* Between disk and buffer. */

static void prepare(struct ata_disk *disk, enum block_op op, uint32_t sectors)
{
    struct block_request *request = &disk->request;
    disk->piece = (struct iovec){disk->state->buffer, (size_t)sectors * ATA_SECTOR};
    request->op = op;
    request->offset = (uint64_t)disk->state->lba * ATA_SECTOR;
    request->pieces = &disk->piece;
    request->count = sectors ? 1 : 0;
    request->size = (uint64_t)sectors * ATA_SECTOR;
}

static void submit(struct ata_disk *disk, enum ata_phase phase, enum block_op op, uint32_t sectors)
{
    set_phase(disk, phase);
    prepare(disk, op, sectors);
    block_submit(disk->block, &disk->request);
}

void ata_read_more(struct ata_disk *disk)
{
    const struct ata_state *s = disk->state;
    submit(disk, ATA_READING, BLOCK_READ,
           s->remaining < ATA_BUFFER_SECTORS ? s->remaining : ATA_BUFFER_SECTORS);
}

/* Sectors of the request that just ended went through: all of them, or those before the bad one. */
static void advance(struct ata_disk *disk, uint32_t sectors)
{
    disk->state->lba += sectors;
    disk->state->remaining -= sectors;
}

static void read_done(struct ata_disk *disk, uint32_t good, bool failed)
{
    struct ata_state *s = disk->state;
    uint32_t whole = failed ? good - good % s->block : good;

    if (failed && whole == 0) {
        advance(disk, good);
        fail_at_address(disk, false);
        return;
    }
    advance(disk, whole);
    s->filled = whole * ATA_SECTOR;
    s->position = 0;
    if (ata_find_command(s->regs.command)->protocol == ATA_PROTOCOL_PIO_IN) {
        ata_offer_in(disk);
    } else if (s->remaining) { /* READ VERIFY */
        ata_read_more(disk);
    } else {
        put_last_address(disk);
        ata_succeed(disk);
    }
}

/* Without a write cache a write is over when it is on the medium (ATA/ATAPI-6, SET FEATURES 82h). */
static void end_write(struct ata_disk *disk)
{
    put_last_address(disk);
    if (disk->state->write_cache)
        ata_succeed(disk);
    else
        ata_flush(disk);
}

static void write_done(struct ata_disk *disk, uint32_t good, bool failed)
{
    advance(disk, good);
    if (failed)
        fail_at_address(disk, true);
    else if (disk->state->remaining)
        ata_offer_out(disk, true);
    else
        end_write(disk);
}

void ata_flush(struct ata_disk *disk)
{
    submit(disk, ATA_FLUSHING, BLOCK_FLUSH, 0);
}

static void request_done(void *owner, struct block_request *request, int error, uint64_t touched)
{
    struct ata_disk *disk = owner;
    uint32_t good = (uint32_t)(request->moved / ATA_SECTOR);
    (void)touched;

    guard_enter(disk->guard);
    if (disk->state->phase == ATA_READING)
        read_done(disk, good, error != 0);
    else if (disk->state->phase == ATA_WRITING)
        write_done(disk, good, error != 0);
    else if (error)
        ata_fail(disk, ATA_ERROR_ABRT, ATA_STATUS_DF);
    else
        ata_succeed(disk);
    guard_leave(disk->guard);
}

/* Between buffer and host. */

static void offer(struct ata_disk *disk, enum ata_phase phase, uint32_t end, bool interrupt)
{
    struct ata_state *s = disk->state;
    s->block_end = end;
    set_phase(disk, phase);
    if (trace_on(&ata_pio_event))
        trace_emit(&ata_pio_event, disk->clock, disk->name, phase == ATA_PIO_IN ? "in" : "out",
                   (uint64_t)(s->block_end - s->position), (uint64_t)s->remaining);
    if (interrupt) set_interrupt(disk, true);
    if (disk->ops->data_ready) disk->ops->data_ready(disk->owner, disk);
}

void ata_offer_in(struct ata_disk *disk)
{
    const struct ata_state *s = disk->state;
    uint32_t end = s->position + s->block * ATA_SECTOR;
    offer(disk, ATA_PIO_IN, end < s->filled ? end : s->filled, true);
}

void ata_offer_out(struct ata_disk *disk, bool interrupt)
{
    struct ata_state *s = disk->state;
    uint32_t sectors = s->block < s->remaining ? s->block : s->remaining;
    s->position = 0;
    offer(disk, ATA_PIO_OUT, sectors * ATA_SECTOR, interrupt);
}

void ata_block_done(struct ata_disk *disk)
{
    struct ata_state *s = disk->state;
    if (s->phase == ATA_PIO_OUT) {
        submit(disk, ATA_WRITING, BLOCK_WRITE, s->block_end / ATA_SECTOR);
    } else if (s->position < s->filled) {
        set_phase(disk, ATA_NEXT_BLOCK);
        clock_event_in(&disk->timer, ATA_BLOCK_TIME);
    } else if (s->remaining) {
        ata_read_more(disk);
    } else { /* the last block of a PIO read has no interrupt after it (ATA/ATAPI-6, PIO data-in protocol) */
        put_last_address(disk);
        end_command(disk, 0, 0);
    }
}

/* DMA. */

void ata_offer_dma(struct ata_disk *disk)
{
    set_phase(disk, ATA_DMA);
    disk->ops->dma_ready(disk->owner, disk);
}

enum block_op ata_dma_op(const struct ata_disk *disk)
{
    return ata_find_command(disk->state->regs.command)->protocol == ATA_DMA_IN ? BLOCK_READ : BLOCK_WRITE;
}

void ata_dma_moved(struct ata_disk *disk, uint64_t bytes, bool failed)
{
    if (disk->state->phase != ATA_DMA) return;
    advance(disk, (uint32_t)(bytes / ATA_SECTOR));
    bool writing = ata_dma_op(disk) == BLOCK_WRITE;
    if (failed) {
        fail_at_address(disk, writing);
    } else if (disk->state->remaining == 0 && writing) {
        end_write(disk);
    } else if (disk->state->remaining == 0) {
        put_last_address(disk);
        ata_succeed(disk);
    }
}

/* Commands and time. */

void ata_command(struct ata_disk *disk, uint8_t code)
{
    struct ata_state *s = disk->state;
    s->regs.command = code;
    s->regs.error = 0;
    set_phase(disk, ATA_EXECUTING);
    clock_event_in(&disk->timer, ATA_COMMAND_TIME);
    ata_acknowledge(disk);
}

static void timer_fired(void *owner)
{
    struct ata_disk *disk = owner;
    guard_enter(disk->guard);
    if (disk->state->phase == ATA_RESETTING) {
        set_phase(disk, ATA_IDLE);
    } else if (disk->state->phase == ATA_EXECUTING) {
        ata_execute(disk);
    } else if (disk->state->phase == ATA_NEXT_BLOCK) {
        ata_offer_in(disk);
    }
    guard_leave(disk->guard);
}

/* Resets: what is under way is taken back first. */

static void stop(struct ata_disk *disk)
{
    clock_event_cancel(&disk->timer);
    block_cancel(&disk->request);
    disk->state->remaining = 0;
    disk->state->filled = disk->state->position = disk->state->block_end = 0;
    disk->state->asleep = false;
    set_phase(disk, ATA_RESETTING);
    ata_acknowledge(disk);
}

void ata_signature(struct ata_disk *disk)
{
    struct ata_taskfile *regs = &disk->state->regs;
    regs->count = 1;
    regs->lba_low = 1;
    regs->lba_mid = regs->lba_high = 0;
    regs->device = 0;
    regs->error = ATA_DIAGNOSTIC_PASSED;
}

void ata_soft_reset_begin(struct ata_disk *disk)
{
    if (!ata_present(disk)) return;
    stop(disk);
    if (!disk->state->keep_settings) ata_power_on_defaults(disk);
    ata_signature(disk);
}

void ata_soft_reset_end(struct ata_disk *disk)
{
    if (ata_present(disk)) clock_event_in(&disk->timer, ATA_RESET_TIME);
}

void ata_reset(struct ata_disk *disk)
{
    stop(disk);
    memset(disk->state, 0, sizeof *disk->state);
    if (!ata_present(disk)) return;
    ata_power_on_defaults(disk);
    ata_signature(disk);
    set_phase(disk, ATA_RESETTING);
    ata_soft_reset_end(disk);
}

/* Whether a saved state can have been made by this drive: what indexes the buffer, divides, or names a
 * command. */
static bool state_is_sane(const struct ata_state *s)
{
    bool moves_blocks = s->phase >= ATA_READING && s->phase <= ATA_WRITING;
    if (s->phase >= ATA_PHASES || s->heads == 0 || s->sectors == 0) return false;
    if (s->position > s->block_end || s->block_end > sizeof s->buffer || s->filled > sizeof s->buffer)
        return false;
    if (moves_blocks && (s->block == 0 || s->block > ATA_BUFFER_SECTORS)) return false;
    return s->remaining <= 256 && (s->phase <= ATA_EXECUTING || ata_find_command(s->regs.command));
}

void ata_loaded(struct ata_disk *disk)
{
    const struct ata_state *s = disk->state;
    if (!state_is_sane(s)) {
        ata_reset(disk);
        return;
    }
    block_cancel(&disk->request);
    if (s->phase == ATA_READING)
        ata_read_more(disk);
    else if (s->phase == ATA_WRITING)
        submit(disk, ATA_WRITING, BLOCK_WRITE, s->block_end / ATA_SECTOR);
    else if (s->phase == ATA_FLUSHING)
        ata_flush(disk);
}

void ata_save_request(const struct ata_disk *disk, struct state_buffer *to)
{
    struct block_request_state request;
    block_request_get_state(&disk->request, &request);
    state_save(&block_request_table, &request, to);
}

bool ata_load_request(struct ata_disk *disk, struct state_buffer *from, struct error *error)
{
    struct block_request_state request;
    block_cancel(&disk->request);
    if (!state_load(&block_request_table, &request, from, error)) return false;
    if (ata_present(disk) && !state_is_sane(disk->state))
        return error_set(error, "%s: no drive can be in this state", disk->name);
    if (!request.busy) return true;
    if (!ata_present(disk) || request.size > sizeof disk->state->buffer)
        return error_set(error, "%s: the request in flight does not fit the drive", disk->name);
    prepare(disk, (enum block_op)request.op, (uint32_t)(request.size / ATA_SECTOR));
    return block_request_resume(disk->block, &disk->request, &request) ||
           error_set(error, "%s: the request in flight does not fit the drive", disk->name);
}

/* Creation. */

void ata_init(struct ata_disk *disk, struct ata_state *state, const char *name, struct clock *clock,
              struct mem_guard *guard, const struct ata_host_ops *ops, void *owner)
{
    *disk = (struct ata_disk){
        .name = name, .state = state, .clock = clock, .guard = guard, .ops = ops, .owner = owner};
    snprintf(disk->timer_name, sizeof disk->timer_name, "%s.timer", name);
    snprintf(disk->request_name, sizeof disk->request_name, "%s.request", name);
    clock_event_init(&disk->timer, clock, disk->timer_name, timer_fired, disk);
    block_request_init(&disk->request, clock, disk->request_name, request_done, disk);
}

void ata_destroy(struct ata_disk *disk)
{
    block_request_destroy(&disk->request);
    clock_event_destroy(&disk->timer);
}

bool ata_attach(struct ata_disk *disk, struct block *block, const struct ata_geometry *geometry,
                struct error *error)
{
    struct ata_geometry g = geometry ? *geometry : ata_default_geometry(block_sectors(block));
    if (g.cylinders < 1 || g.cylinders > 16383 || g.heads < 1 || g.heads > 16 || g.sectors < 1 ||
        g.sectors > 63)
        return error_set(error,
                         "%s: geometry %u,%u,%u: must be within 1-16383 cylinders, 1-16 heads, 1-63 sectors",
                         disk->name, g.cylinders, g.heads, g.sectors);
    disk->block = block;
    disk->geometry = g;
    ata_reset(disk);
    return true;
}

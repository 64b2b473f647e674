/* SPDX-License-Identifier: MIT */
/*
 * The ATA device's phases: the buffer between disk and host, DMA, and how commands end. Its life (creation, resets,
 * save and load) is in ata_drive.c. ATA/ATAPI-6 (T13/1410D), clauses 6, 7 and 9.
 */
#include <string.h>
#include "devices/storage/ata_internal.h"
#include "emu/core/trace.h"

TRACE_EVENT(ata_done_event, "ata.done", "drive:s command:s status:x error:x");
TRACE_EVENT(ata_pio_event, "ata.pio", "drive:s direction:s bytes:u left:u");

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
    [ATA_PACKET] = READY | ATA_STATUS_DRQ,
    [ATA_DECODING] = ATA_STATUS_BSY,
    [ATA_TRIMMING] = ATA_STATUS_BSY,
};

static const struct ata_command_row *row_of(const struct ata_drive *drive)
{
    return ata_find_command(drive->state->regs.command);
}

static bool is_packet(const struct ata_drive *drive)
{
    return row_of(drive)->protocol == ATA_PROTOCOL_PACKET;
}

void ata_set_phase(struct ata_drive *drive, enum ata_phase phase)
{
    drive->state->phase = (uint8_t)phase;
    drive->state->regs.status = phase_status[phase];
}

void ata_set_interrupt(struct ata_drive *drive, bool pending)
{
    drive->state->interrupt = pending;
    drive->ops->interrupt(drive->owner, drive);
}

void ata_acknowledge(struct ata_drive *drive)
{
    if (drive->state->interrupt) ata_set_interrupt(drive, false);
}

/* The end of a command. */

static void end_command(struct ata_drive *drive, uint8_t error, uint8_t status, bool interrupt)
{
    struct ata_taskfile *regs = &drive->state->regs;
    ata_set_phase(drive, ATA_IDLE);
    drive->state->filled = drive->state->position = drive->state->block_end = 0;
    drive->state->remaining = 0;
    regs->status |= status;
    regs->error = error;
    if (trace_on(&ata_done_event))
        trace_emit(&ata_done_event, drive->clock, drive->name, ata_command_name(regs->command),
                   (uint64_t)regs->status, (uint64_t)error);
    if (interrupt) ata_set_interrupt(drive, true);
    if (drive->ops->ended) drive->ops->ended(drive->owner, drive);
}

void ata_succeed(struct ata_drive *drive)
{
    end_command(drive, 0, 0, true);
}

void ata_fail(struct ata_drive *drive, uint8_t error, uint8_t status)
{
    end_command(drive, error, status | ATA_STATUS_ERR, true);
}

void ata_refuse(struct ata_drive *drive)
{
    ata_fail(drive, ATA_ERROR_ABRT, 0);
}

/* Device 1 keeps its line low: Device 0 interrupts for both (EXECUTE DEVICE DIAGNOSTIC protocol). */
void ata_diagnosed(struct ata_drive *drive)
{
    ata_signature(drive);
    end_command(drive, ATA_DIAGNOSTIC_PASSED, 0, !drive->second);
    if (drive->kind == ATA_CDROM) drive->state->regs.status = 0;
}

void ata_end_packet(struct ata_drive *drive, uint8_t error, uint8_t status)
{
    drive->state->regs.count = ATA_REASON_COMMAND | ATA_REASON_TO_HOST;
    end_command(drive, error, status, true);
}

static void put_address48(struct ata_taskfile *regs, uint64_t lba)
{
    regs->lba_low = (uint8_t)lba;
    regs->lba_mid = (uint8_t)(lba >> 8);
    regs->lba_high = (uint8_t)(lba >> 16);
    regs->lba_low_previous = (uint8_t)(lba >> 24);
    regs->lba_mid_previous = (uint8_t)(lba >> 32);
    regs->lba_high_previous = (uint8_t)(lba >> 40);
}

void ata_put_address(struct ata_drive *drive, uint64_t lba)
{
    struct ata_state *s = drive->state;
    uint64_t rest = lba >> 8;
    uint8_t low = (uint8_t)lba, head = lba >> 24 & 0x0f;

    if (row_of(drive)->flags & ATA_EXT) {
        put_address48(&s->regs, lba);
        return;
    }
    if (!(s->regs.device & ATA_DEVICE_LBA)) {
        low = (uint8_t)(lba % s->sectors + 1);
        rest = lba / s->sectors;
        head = (uint8_t)(rest % s->heads);
        rest /= s->heads;
    }
    s->regs.lba_low = low;
    s->regs.lba_mid = (uint8_t)rest;
    s->regs.lba_high = (uint8_t)(rest >> 8);
    s->regs.device = (uint8_t)((s->regs.device & 0xf0) | head);
}

static void put_count(struct ata_drive *drive, uint64_t count)
{
    drive->state->regs.count = (uint8_t)count;
    if (row_of(drive)->flags & ATA_EXT) drive->state->regs.count_previous = (uint8_t)(count >> 8);
}

/* All sectors went through: the registers name the last one, as older drivers like to see. */
static void put_last_address(struct ata_drive *drive)
{
    if (!(row_of(drive)->flags & ATA_ADDRESSED)) return;
    put_count(drive, 0);
    ata_put_address(drive, drive->state->lba - 1);
}

/* The disk refused the sector at state->lba. */
static void fail_at_address(struct ata_drive *drive, bool writing)
{
    if (is_packet(drive)) {
        atapi_read_failed(drive);
        return;
    }
    put_count(drive, drive->state->remaining);
    ata_put_address(drive, drive->state->lba);
    if (writing)
        ata_fail(drive, ATA_ERROR_ABRT, ATA_STATUS_DF);
    else
        ata_fail(drive, ATA_ERROR_UNC, 0);
}

/* Between disk and buffer. */

void ata_prepare(struct ata_drive *drive, enum block_op op, uint64_t lba, uint64_t sectors)
{
    struct block_request *request = &drive->request;
    bool moves = op == BLOCK_READ || op == BLOCK_WRITE;
    drive->piece = (struct iovec){drive->state->buffer, moves ? (size_t)sectors * ATA_SECTOR : 0};
    request->op = op;
    request->offset = lba * ATA_SECTOR;
    request->pieces = &drive->piece;
    request->count = moves ? 1 : 0;
    request->size = sectors * ATA_SECTOR;
}

void ata_submit(struct ata_drive *drive, enum ata_phase phase, enum block_op op, uint64_t lba,
                uint64_t sectors)
{
    ata_set_phase(drive, phase);
    ata_prepare(drive, op, lba, sectors);
    block_submit(drive->block, &drive->request);
}

/* Sectors of the disk from state->lba on, `most` at the most. A CD's last sector of 2048 bytes may have fewer of
 * them. */
static uint64_t on_disk(const struct ata_drive *drive, uint64_t most)
{
    uint64_t all = block_sectors(drive->block), lba = drive->state->lba;
    uint64_t left = lba < all ? all - lba : 0;
    return left < most ? left : most;
}

/* What one turn of the buffer takes. */
static uint64_t turn(const struct ata_drive *drive)
{
    const struct ata_state *s = drive->state;
    uint64_t most = is_packet(drive) && s->packet.raw ? ATAPI_RAW_TURN : ATA_BUFFER_SECTORS;
    return s->remaining < most ? s->remaining : most;
}

void ata_read_more(struct ata_drive *drive)
{
    if (is_packet(drive) && !atapi_has_medium(drive)) {
        atapi_read_failed(drive);
        return;
    }
    uint64_t sectors = turn(drive), real = on_disk(drive, sectors);
    memset(drive->state->buffer + real * ATA_SECTOR, 0, (size_t)(sectors - real) * ATA_SECTOR);
    ata_submit(drive, ATA_READING, BLOCK_READ, drive->state->lba, real);
}

void ata_flush(struct ata_drive *drive)
{
    ata_submit(drive, ATA_FLUSHING, BLOCK_FLUSH, 0, 0);
}

static void advance(struct ata_drive *drive, uint64_t sectors)
{
    drive->state->lba += sectors;
    drive->state->remaining -= sectors;
}

/* Sectors are in the buffer: all of the turn, or those before the bad one. */
static void read_done(struct ata_drive *drive, uint64_t good, bool failed)
{
    struct ata_state *s = drive->state;
    bool packet = is_packet(drive);
    uint64_t unit = packet ? ATAPI_SECTOR / ATA_SECTOR : s->block;
    uint64_t whole = failed ? good - good % unit : turn(drive);

    if (failed && whole == 0) {
        advance(drive, good);
        fail_at_address(drive, false);
        return;
    }
    advance(drive, whole);
    s->position = 0;
    s->filled = packet && s->packet.raw ? atapi_raw_sectors(drive, (uint32_t)whole / 4)
                                        : (uint32_t)whole * ATA_SECTOR;
    if (packet && s->packet.dma) {
        ata_offer_dma(drive);
    } else if (packet || row_of(drive)->protocol == ATA_PROTOCOL_PIO_IN) {
        ata_offer_in(drive);
    } else if (s->remaining) { /* READ VERIFY */
        ata_read_more(drive);
    } else {
        put_last_address(drive);
        ata_succeed(drive);
    }
}

/* Without a write cache a write is over when it is on the medium (SET FEATURES 82h). */
static void end_write(struct ata_drive *drive)
{
    put_last_address(drive);
    if (drive->state->write_cache && !(row_of(drive)->flags & ATA_FUA))
        ata_succeed(drive);
    else
        ata_flush(drive);
}

static void write_done(struct ata_drive *drive, uint64_t good, bool failed)
{
    advance(drive, good);
    if (failed)
        fail_at_address(drive, true);
    else if (drive->state->remaining)
        ata_offer_out(drive, true);
    else
        end_write(drive);
}

void ata_request_done(void *owner, struct block_request *request, int error, uint64_t touched)
{
    struct ata_drive *drive = owner;
    uint64_t good = request->moved / ATA_SECTOR;
    (void)touched;

    guard_enter(drive->guard);
    if (drive->state->phase == ATA_READING)
        read_done(drive, good, error != 0);
    else if (drive->state->phase == ATA_WRITING)
        write_done(drive, good, error != 0);
    else if (error)
        ata_fail(drive, ATA_ERROR_ABRT, ATA_STATUS_DF);
    else if (drive->state->phase == ATA_TRIMMING)
        ata_trim_next(drive);
    else
        ata_succeed(drive);
    guard_leave(drive->guard);
}

/* Between buffer and host, by PIO. */

static void offer(struct ata_drive *drive, enum ata_phase phase, uint32_t end, bool interrupt)
{
    struct ata_state *s = drive->state;
    s->block_end = end;
    ata_set_phase(drive, phase);
    if (is_packet(drive)) atapi_put_byte_count(drive, s->block_end - s->position);
    if (trace_on(&ata_pio_event))
        trace_emit(&ata_pio_event, drive->clock, drive->name, phase == ATA_PIO_IN ? "in" : "out",
                   (uint64_t)(s->block_end - s->position), s->remaining);
    if (interrupt) ata_set_interrupt(drive, true);
    if (drive->ops->data_ready) drive->ops->data_ready(drive->owner, drive);
}

/* The next block of what the buffer holds, or is to hold. */
static void offer_rest(struct ata_drive *drive, enum ata_phase phase)
{
    const struct ata_state *s = drive->state;
    uint32_t size = is_packet(drive) ? s->packet.limit : s->block * ATA_SECTOR,
             left = s->filled - s->position;
    offer(drive, phase, s->position + (size < left ? size : left), true);
}

void ata_offer_in(struct ata_drive *drive)
{
    offer_rest(drive, ATA_PIO_IN);
}

void ata_offer_out(struct ata_drive *drive, bool interrupt)
{
    struct ata_state *s = drive->state;
    uint64_t sectors = s->block < s->remaining ? s->block : s->remaining;
    s->position = 0;
    offer(drive, ATA_PIO_OUT, (uint32_t)sectors * ATA_SECTOR, interrupt);
}

void ata_offer_packet(struct ata_drive *drive)
{
    drive->state->position = 0;
    drive->state->filled = ATA_PACKET_BYTES;
    offer(drive, ATA_PACKET, ATA_PACKET_BYTES, false);
}

/* The host has taken all that was read; the next lies behind it. */
static void go_on_reading(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    if (s->position < s->filled) {
        ata_set_phase(drive, ATA_NEXT_BLOCK);
        clock_event_in(&drive->timer, ATA_BLOCK_TIME);
    } else if (s->remaining) {
        ata_read_more(drive);
    } else if (is_packet(drive)) {
        atapi_succeed(drive);
    } else { /* the last block of a PIO read has no interrupt after it (PIO data-in protocol) */
        put_last_address(drive);
        end_command(drive, 0, 0, false);
    }
}

static void go_on_writing(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    const struct ata_command_row *row = row_of(drive);
    if (!row->received)
        ata_submit(drive, ATA_WRITING, BLOCK_WRITE, s->lba, s->block_end / ATA_SECTOR);
    else if (s->position == s->filled)
        row->received(drive);
    else
        offer_rest(drive, ATA_PIO_OUT);
}

void ata_block_done(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    if (s->phase == ATA_PIO_IN) {
        go_on_reading(drive);
    } else if (s->phase == ATA_PIO_OUT) {
        go_on_writing(drive);
    } else {
        memcpy(s->packet.packet, s->buffer, ATA_PACKET_BYTES);
        ata_set_phase(drive, ATA_DECODING);
        clock_event_in(&drive->timer, ATA_COMMAND_TIME);
    }
}

void ata_block_moved(struct ata_drive *drive, uint32_t bytes)
{
    struct ata_state *s = drive->state;
    uint32_t left = s->block_end - s->position;
    if (s->phase != ATA_PIO_IN && s->phase != ATA_PIO_OUT && s->phase != ATA_PACKET) return;
    s->position += bytes < left ? bytes : left;
    if (s->position == s->block_end) ata_block_done(drive);
}

/* DMA. */

void ata_offer_dma(struct ata_drive *drive)
{
    ata_set_phase(drive, ATA_DMA);
    if (is_packet(drive)) drive->state->regs.count = atapi_to_host(drive) ? ATA_REASON_TO_HOST : 0;
    drive->ops->dma_ready(drive->owner, drive);
}

bool ata_dma_to_host(const struct ata_drive *drive)
{
    return is_packet(drive) ? atapi_to_host(drive) : row_of(drive)->protocol == ATA_DMA_IN;
}

struct ata_part ata_dma_part(const struct ata_drive *drive)
{
    const struct ata_state *s = drive->state;
    struct ata_part part = {.to_host = ata_dma_to_host(drive)};
    if (s->filled) {
        part.buffer = drive->state->buffer + s->position;
        part.bytes = s->filled - s->position;
    } else {
        part.offset = s->lba * ATA_SECTOR;
        part.bytes = on_disk(drive, s->remaining) * ATA_SECTOR;
    }
    return part;
}

/* A CD's last sector is longer than the image: the rest is zeros. */
static void offer_padding(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    if (!atapi_has_medium(drive)) {
        atapi_read_failed(drive);
        return;
    }
    s->filled =
        (uint32_t)(s->remaining < ATA_BUFFER_SECTORS ? s->remaining : ATA_BUFFER_SECTORS) * ATA_SECTOR;
    s->position = 0;
    memset(s->buffer, 0, s->filled);
    advance(drive, s->filled / ATA_SECTOR);
    ata_offer_dma(drive);
}

static void end_part(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    const struct ata_command_row *row = row_of(drive);
    bool to_host = ata_dma_to_host(drive);

    if (!to_host && row->received) {
        row->received(drive);
        return;
    }
    s->filled = s->position = 0;
    if (s->remaining && s->packet.raw && is_packet(drive))
        ata_read_more(drive);
    else if (s->remaining)
        offer_padding(drive);
    else if (is_packet(drive))
        atapi_succeed(drive);
    else if (!to_host)
        end_write(drive);
    else {
        put_last_address(drive);
        ata_succeed(drive);
    }
}

void ata_dma_moved(struct ata_drive *drive, uint64_t bytes, bool failed)
{
    if (drive->state->phase != ATA_DMA) return;
    struct ata_part part = ata_dma_part(drive);
    if (bytes > part.bytes) bytes = part.bytes;
    if (part.buffer)
        drive->state->position += (uint32_t)bytes;
    else
        advance(drive, bytes / ATA_SECTOR);
    /* What came after the medium had changed is not of the disc that was asked for. */
    if (is_packet(drive) && !part.buffer && !atapi_has_medium(drive)) failed = true;
    if (failed)
        fail_at_address(drive, !part.to_host);
    else if (bytes == part.bytes)
        end_part(drive);
}

/* The buffer alone. */

void ata_reply(struct ata_drive *drive, uint32_t bytes)
{
    struct ata_state *s = drive->state;
    bool dma = is_packet(drive) ? s->packet.dma : row_of(drive)->protocol == ATA_DMA_IN;
    s->remaining = 0;
    s->position = 0;
    s->filled = bytes;
    s->block = 1;
    if (dma)
        ata_offer_dma(drive);
    else
        ata_offer_in(drive);
}

void ata_receive(struct ata_drive *drive, uint32_t bytes)
{
    struct ata_state *s = drive->state;
    s->remaining = 0;
    s->position = 0;
    s->filled = bytes;
    if (is_packet(drive) && !s->packet.dma)
        offer_rest(drive, ATA_PIO_OUT);
    else
        ata_offer_dma(drive);
}

void ata_put_checksum(uint8_t *data)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++) sum = (uint8_t)(sum + data[i]);
    data[ATA_SECTOR - 1] = (uint8_t)-sum;
}

/* Time. */

void ata_timer_fired(void *owner)
{
    struct ata_drive *drive = owner;
    guard_enter(drive->guard);
    if (drive->state->phase == ATA_RESETTING)
        ata_reset_over(drive);
    else if (drive->state->phase == ATA_EXECUTING)
        ata_execute(drive);
    else if (drive->state->phase == ATA_DECODING)
        atapi_execute(drive);
    else if (drive->state->phase == ATA_NEXT_BLOCK)
        ata_offer_in(drive);
    guard_leave(drive->guard);
}

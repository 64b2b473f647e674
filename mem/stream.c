/* SPDX-License-Identifier: MIT */
/* The stream engine. A request is a loop over rounds, driven by events: stream_round, submit,
 * stream_complete. */
#include <assert.h>
#include <stdio.h>
#include "emu/core/trace.h"
#include "mem/internal.h"
#include "mem/stream.h"

TRACE_EVENT(start_event, "stream.start", "who:s size:u pieces:u direction:s");
TRACE_EVENT(submit_event, "stream.submit", "who:s offset:u size:u pieces:u");
TRACE_EVENT(complete_event, "stream.complete", "who:s failed:u moved:u touched:u");
TRACE_EVENT(cancel_event, "stream.cancel", "who:s moved:u");
TRACE_EVENT(done_event, "stream.done", "who:s status:u moved:u");

static void stream_kicked(void *owner);
static void stream_woken(void *owner);

void stream_init(struct stream *stream, const char *name, struct space *space, uint32_t unit,
                 const struct stream_ops *ops, void *owner)
{
    assert(unit > 0 && space_clock(space));
    *stream = (struct stream){.name = name, .space = space, .unit = unit, .ops = ops, .owner = owner};
    /* In the worst case every byte of a unit is mapped by itself. */
    stream->capacity = unit > STREAM_ROUND_PIECES ? unit : STREAM_ROUND_PIECES;
    stream->mappings = mem_alloc(stream->capacity, sizeof(*stream->mappings));
    stream->vector = mem_alloc(stream->capacity, sizeof(*stream->vector));
    snprintf(stream->kick_name, sizeof(stream->kick_name), "stream.%s", name);
    clock_event_init(&stream->kick, space_clock(space), stream->kick_name, stream_kicked, stream);
    dma_waiter_init(&stream->waiter, name, stream_woken, stream);
}

void stream_destroy(struct stream *stream)
{
    stream_cancel(stream);
    clock_event_destroy(&stream->kick);
    free(stream->mappings);
    free(stream->vector);
}

void stream_set_guard(struct stream *stream, struct mem_guard *guard)
{
    stream->guard = guard;
}

/* The one release path: unmaps all of the round, of which `touched` bytes from the start were touched.
 * Returns how many bytes from the start reached memory. Copying back to a register may cancel the request,
 * that is, come here again; the inner call unmaps what is left. */
static uint64_t stream_unmap(struct stream *stream, uint64_t touched)
{
    uint64_t offset = 0, arrived = UINT64_MAX;
    for (unsigned i = 0; i < stream->count; i++) {
        uint64_t length = stream->vector[i].iov_len;
        uint64_t accessed = touched > offset ? min_u64(touched - offset, length) : 0;
        if (dma_unmap(stream->space, &stream->mappings[i], accessed) != MEM_OK)
            arrived = min_u64(arrived, offset);
        offset += length;
    }
    stream->count = 0;
    return arrived;
}

static void stream_add_totals(struct stream *stream)
{
    struct stream_totals *totals = &stream->totals;
    const struct stream_report *report = &stream->report;
    totals->requests++;
    totals->rounds += report->rounds;
    totals->pieces += report->pieces;
    totals->direct_bytes += report->direct_bytes;
    totals->bounced_bytes += report->bounced_bytes;
    totals->waits += report->waits;
    if (report->most_pieces > totals->most_pieces) totals->most_pieces = report->most_pieces;
}

static void stream_finish(struct stream *stream, enum stream_status status)
{
    stream->busy = false;
    stream->generation++;
    stream_add_totals(stream);
    if (trace_on(&done_event))
        trace_emit(&done_event, stream->space->clock, stream->name, (uint64_t)status, stream->position);
    stream->ops->done(stream->owner, stream, status, stream->position);
}

/* A place in the list. */
struct cursor {
    unsigned piece;
    uint64_t offset;
};

static struct cursor stream_cursor(const struct stream *stream)
{
    return (struct cursor){stream->piece, stream->piece_offset};
}

static void cursor_advance(struct cursor *cursor, const struct sglist *list, uint64_t bytes)
{
    while (bytes) {
        uint64_t left = list->pieces[cursor->piece].length - cursor->offset;
        if (bytes < left) {
            cursor->offset += bytes;
            return;
        }
        bytes -= left;
        cursor->piece++;
        cursor->offset = 0;
    }
}

static void stream_advance(struct stream *stream, uint64_t bytes)
{
    struct cursor cursor = stream_cursor(stream);
    cursor_advance(&cursor, stream->list, bytes);
    stream->piece = cursor.piece;
    stream->piece_offset = cursor.offset;
    stream->position += bytes;
}

/* How many bounce bytes the unit at the cursor takes. The cursor moves over it, or stops where there is no
 * memory. */
static uint64_t unit_need(const struct stream *stream, struct cursor *cursor, bool *whole)
{
    uint64_t left = stream->unit, need = 0;
    *whole = true;
    while (left) {
        const struct sg_piece *piece = &stream->list->pieces[cursor->piece];
        struct space_step step = space_step(stream->space, piece->addr + cursor->offset,
                                            min_u64(left, piece->length - cursor->offset), stream->direction);
        if (!step.region) {
            *whole = false;
            return need;
        }
        if (dma_by_message(stream->space, step.region, step.read_only, stream->direction))
            need += step.length;
        cursor_advance(cursor, stream->list, step.length);
        left -= step.length;
    }
    return need;
}

/* False when some unit can never be mapped whole. Where a unit fits the pool there is nothing to look at. */
static bool stream_can_fit(const struct stream *stream)
{
    uint64_t largest = dma_largest_bounce(stream->space);
    struct cursor cursor = stream_cursor(stream);
    bool whole = stream->unit > largest;
    for (uint64_t at = 0; whole && at < stream->list->size; at += stream->unit) {
        if (unit_need(stream, &cursor, &whole) > largest) return false;
    }
    return true;
}

void stream_start(struct stream *stream, const struct sglist *list, enum dma_direction direction)
{
    assert(!stream->busy);
    stream->busy = true;
    stream->generation++;
    stream->list = list;
    stream->direction = direction;
    stream->position = 0;
    stream->piece = 0;
    stream->piece_offset = 0;
    stream->report = (struct stream_report){0};
    if (trace_on(&start_event))
        trace_emit(&start_event, stream->space->clock, stream->name, list->size, (uint64_t)list->count,
                   direction == DMA_TO_DEVICE ? "to-device" : "from-device");
    if (list->size % stream->unit || !stream_can_fit(stream))
        stream_finish(stream, STREAM_REFUSED);
    else
        clock_event_in(&stream->kick, 0);
}

/* Maps from the cursor on as much as can be had and held. Returns why it stopped; DMA_OK when there was no
 * more to map. */
static enum dma_status stream_map(struct stream *stream, uint64_t *mapped)
{
    struct cursor cursor = stream_cursor(stream);
    const struct sglist *list = stream->list;
    uint64_t generation = stream->generation;
    *mapped = 0;
    while (cursor.piece < list->count && (stream->count < STREAM_ROUND_PIECES || *mapped < stream->unit)) {
        const struct sg_piece *piece = &list->pieces[cursor.piece];
        struct dma_mapping *mapping = &stream->mappings[stream->count];
        gaddr addr = piece->addr + cursor.offset;
        dma_map_into(mapping, stream->space, addr, piece->length - cursor.offset, stream->direction);
        if (stream->generation != generation) {
            dma_unmap(stream->space, mapping, 0);
            return DMA_OK;
        }
        if (!mapping->length) return mapping->status;
        stream->vector[stream->count++] = (struct iovec){mapping->host, (size_t)mapping->length};
        *mapped += mapping->length;
        cursor_advance(&cursor, list, mapping->length);
    }
    return DMA_OK;
}

/* Leaves `excess` bytes at the end of the round out of it; what lies behind the cut is unmapped. */
static void stream_trim(struct stream *stream, uint64_t excess)
{
    while (excess) {
        unsigned last = stream->count - 1;
        if (stream->vector[last].iov_len > excess) {
            stream->vector[last].iov_len -= (size_t)excess;
            return;
        }
        excess -= stream->vector[last].iov_len;
        stream->count = last;
        dma_unmap(stream->space, &stream->mappings[last], 0);
    }
}

static void stream_report_round(struct stream *stream)
{
    struct stream_report *report = &stream->report;
    report->rounds++;
    report->pieces += stream->count;
    if (stream->count > report->most_pieces) report->most_pieces = stream->count;
    for (unsigned i = 0; i < stream->count; i++) {
        if (stream->mappings[i].bounce)
            report->bounced_bytes += stream->vector[i].iov_len;
        else
            report->direct_bytes += stream->vector[i].iov_len;
    }
}

/* Nothing is mapped, not even one unit can be: wait for what it takes. */
static void stream_wait(struct stream *stream)
{
    struct cursor cursor = stream_cursor(stream);
    bool whole;
    stream->report.waits++;
    if (!dma_wait(stream->space, &stream->waiter, unit_need(stream, &cursor, &whole)))
        stream_finish(stream, STREAM_REFUSED);
}

static void stream_round(struct stream *stream)
{
    uint64_t generation = stream->generation, mapped;
    if (stream->position == stream->list->size) {
        stream_finish(stream, STREAM_OK);
        return;
    }
    if (stream->guard) guard_enter(stream->guard);
    enum dma_status status = stream_map(stream, &mapped);
    bool cancelled = stream->generation != generation;
    if (!cancelled) stream_trim(stream, mapped % stream->unit);
    if (stream->guard) guard_leave(stream->guard);
    if (cancelled) return;

    stream->round_size = mapped - mapped % stream->unit;
    if (stream->round_size) {
        stream_report_round(stream);
        stream->submitted = true;
        if (trace_on(&submit_event))
            trace_emit(&submit_event, stream->space->clock, stream->name, stream->position,
                       stream->round_size, (uint64_t)stream->count);
        stream->ops->submit(stream->owner, stream, stream->position, stream->vector, stream->count,
                            stream->round_size);
    } else if (status == DMA_NO_BOUNCE) {
        stream_wait(stream);
    } else {
        stream_finish(stream, STREAM_BAD_ADDRESS);
    }
}

/* A loaded machine's clock may say anything. */
static void stream_kicked(void *owner)
{
    struct stream *stream = owner;
    if (stream->busy && !stream->submitted && !dma_waiting(&stream->waiter)) stream_round(stream);
}

static void stream_woken(void *owner)
{
    stream_round(owner);
}

void stream_complete(struct stream *stream, bool failed, uint64_t moved, uint64_t touched)
{
    assert(stream->submitted);
    uint64_t generation = stream->generation;
    stream->submitted = false;
    moved = failed ? min_u64(moved, stream->round_size) : stream->round_size;
    touched = touched > moved ? touched : moved;
    if (trace_on(&complete_event))
        trace_emit(&complete_event, stream->space->clock, stream->name, (uint64_t)failed, moved, touched);

    if (stream->guard) guard_enter(stream->guard);
    uint64_t arrived = stream_unmap(stream, touched);
    if (stream->guard) guard_leave(stream->guard);
    if (stream->generation != generation) return;

    stream_advance(stream, min_u64(moved, arrived));
    if (failed)
        stream_finish(stream, STREAM_BACKEND_ERROR);
    else if (arrived < moved)
        stream_finish(stream, STREAM_BAD_ADDRESS);
    else if (stream->position == stream->list->size)
        stream_finish(stream, STREAM_OK);
    else
        clock_event_in(&stream->kick, 0);
}

void stream_cancel(struct stream *stream)
{
    if (!stream->busy) return;
    stream->generation++;
    dma_wait_cancel(&stream->waiter);
    clock_event_cancel(&stream->kick);
    if (stream->submitted) {
        stream->submitted = false;
        stream->ops->cancel(stream->owner, stream);
    }
    stream_unmap(stream, 0);
    stream->busy = false;
    if (trace_on(&cancel_event))
        trace_emit(&cancel_event, stream->space->clock, stream->name, stream->position);
}

const struct stream_totals *stream_totals(const struct stream *stream)
{
    return &stream->totals;
}

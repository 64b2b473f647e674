/* SPDX-License-Identifier: MIT */
/*
 * A request of the stream engine in a saved machine: its place in the list, what is mapped and what lies in the bounce
 * buffers, or what it waits for. Loading maps the same pieces in the same way, whatever the mode would do to a new map.
 */
#include <string.h>
#include "mem/internal.h"
#include "mem/stream.h"

struct stream_state {
    bool busy, submitted, waiting;
    uint64_t position, piece_offset, round_size;
    uint32_t piece;
    uint32_t mapped;      /* pieces of the round, which follow */
    uint64_t need, order; /* of who waits */
    int64_t since;
};
static const struct state_field stream_fields[] = {
    STATE_FIELD(struct stream_state, busy),         STATE_FIELD(struct stream_state, submitted),
    STATE_FIELD(struct stream_state, waiting),      STATE_FIELD(struct stream_state, position),
    STATE_FIELD(struct stream_state, piece_offset), STATE_FIELD(struct stream_state, round_size),
    STATE_FIELD(struct stream_state, piece),        STATE_FIELD(struct stream_state, mapped),
    STATE_FIELD(struct stream_state, need),         STATE_FIELD(struct stream_state, order),
    STATE_FIELD(struct stream_state, since),        STATE_END,
};
static const struct state_table stream_table = {"stream", 1, sizeof(struct stream_state), stream_fields};

/* A mapping of the round; the contents of its bounce buffer follow. */
struct mapped_state {
    uint64_t addr, length;
    uint64_t used; /* from its start, what takes part in the round */
    bool bounced;
};
static const struct state_field mapped_fields[] = {
    STATE_FIELD(struct mapped_state, addr),
    STATE_FIELD(struct mapped_state, length),
    STATE_FIELD(struct mapped_state, used),
    STATE_FIELD(struct mapped_state, bounced),
    STATE_END,
};
static const struct state_table mapped_table = {"stream-mapping", 1, sizeof(struct mapped_state),
                                                mapped_fields};

static bool save_mapping(const struct stream *stream, unsigned n, struct state_buffer *to,
                         struct error *error)
{
    const struct dma_mapping *mapping = &stream->mappings[n];
    struct mapped_state state = {mapping->addr, mapping->length, stream->vector[n].iov_len,
                                 mapping->bounce != NULL};
    if (!dma_stands(stream->space, mapping))
        return error_set(error, "%s: memory has moved under a request in flight; another moment will do",
                         stream->name);
    state_save(&mapped_table, &state, to);
    if (mapping->bounce) state_buffer_add(to, mapping->host, (size_t)mapping->length);
    return true;
}

bool stream_save(const struct stream *stream, struct state_buffer *to, struct error *error)
{
    const struct dma_waiter *waiter = &stream->waiter;
    struct stream_state state = {.busy = stream->busy};
    if (stream->busy) {
        state.submitted = stream->submitted;
        state.position = stream->position;
        state.piece = stream->piece;
        state.piece_offset = stream->piece_offset;
        state.waiting = dma_waiting(waiter);
    }
    if (state.submitted) {
        state.round_size = stream->round_size;
        state.mapped = stream->count;
    }
    if (state.waiting) {
        state.need = waiter->need;
        state.order = waiter->order;
        state.since = waiter->since;
    }
    state_save(&stream_table, &state, to);
    for (unsigned i = 0; i < state.mapped; i++)
        if (!save_mapping(stream, i, to, error)) return false;
    return true;
}

static bool load_mapping(struct stream *stream, struct state_buffer *from, struct error *error)
{
    struct mapped_state state;
    struct dma_mapping *mapping = &stream->mappings[stream->count];
    if (!state_load(&mapped_table, &state, from, error)) return false;
    if (state.used > state.length) return error_set(error, "%s: pieces do not add up", stream->name);
    *mapping = dma_map_again(stream->space, state.addr, state.length, stream->direction, state.bounced);
    if (!mapping->length) return error_set(error, "%s: memory cannot be mapped again", stream->name);
    stream->vector[stream->count++] = (struct iovec){mapping->host, (size_t)state.used};
    return !state.bounced || state_buffer_take(from, mapping->host, (size_t)state.length) ||
           error_set(error, "%s: state ends early", stream->name);
}

static bool load_round(struct stream *stream, uint32_t count, struct state_buffer *from, struct error *error)
{
    uint64_t total = 0;
    if (count > stream->capacity) return error_set(error, "%s: too many pieces", stream->name);
    for (uint32_t i = 0; i < count; i++) {
        if (!load_mapping(stream, from, error)) return false;
        total += stream->vector[i].iov_len;
    }
    return total == stream->round_size || error_set(error, "%s: pieces do not add up", stream->name);
}

static bool state_fits(const struct stream *stream, const struct stream_state *state,
                       const struct sglist *list)
{
    if (!state->busy) return !state->submitted && !state->waiting && !state->mapped;
    if (state->submitted ? state->waiting || !state->mapped : state->mapped != 0) return false;
    if (state->position > list->size || state->round_size > list->size - state->position) return false;
    if (list->size % stream->unit || state->round_size % stream->unit) return false;
    return state->piece < list->count ? state->piece_offset < list->pieces[state->piece].length
                                      : state->piece == list->count && state->position == list->size;
}

bool stream_load(struct stream *stream, const struct sglist *list, enum dma_direction direction,
                 struct state_buffer *from, struct error *error)
{
    struct stream_state state;
    stream_cancel(stream);
    if (!state_load(&stream_table, &state, from, error)) return false;
    if (!state_fits(stream, &state, list))
        return error_set(error, "%s: a request does not fit its list", stream->name);
    if (!state.busy) return true;
    stream->busy = true;
    stream->generation++;
    stream->list = list;
    stream->direction = direction;
    stream->position = state.position;
    stream->piece = state.piece;
    stream->piece_offset = state.piece_offset;
    stream->round_size = state.round_size;
    stream->report = (struct stream_report){0};
    if (!load_round(stream, state.mapped, from, error)) return false;
    stream->submitted = state.submitted;
    return !state.waiting ||
           dma_wait_again(stream->space, &stream->waiter, state.need, state.since, state.order) ||
           error_set(error, "%s: cannot wait again", stream->name);
}

bool stream_submitted(const struct stream *stream, struct stream_part *part)
{
    if (!stream->submitted) return false;
    *part = (struct stream_part){stream->position, stream->vector, stream->count, stream->round_size};
    return true;
}

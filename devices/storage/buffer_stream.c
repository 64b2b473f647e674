/* SPDX-License-Identifier: MIT */
/* Streams between guest memory and a device's buffer. See buffer_stream.h. */
#include <string.h>
#include "devices/storage/buffer_stream.h"

static void submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                   unsigned count, uint64_t size)
{
    struct buffer_stream *bytes = owner;
    uint8_t *at = bytes->buffer + offset;

    for (unsigned i = 0; i < count; i++) {
        if (stream->direction == DMA_FROM_DEVICE)
            memcpy(pieces[i].iov_base, at, pieces[i].iov_len);
        else
            memcpy(at, pieces[i].iov_base, pieces[i].iov_len);
        at += pieces[i].iov_len;
    }
    stream_complete(stream, false, size, stream->direction == DMA_FROM_DEVICE ? size : 0);
}

/* A round is over within submit: there is nothing to take back. */
static void cancel_round(void *owner, struct stream *stream)
{
    (void)owner;
    (void)stream;
}

static void stream_done(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    struct buffer_stream *bytes = owner;
    (void)stream;
    bytes->done(bytes->owner, bytes, status, moved);
}

static const struct stream_ops ops = {submit, cancel_round, stream_done};

void buffer_stream_init(struct buffer_stream *bytes, const char *name, struct space *space,
                        void (*done)(void *owner, struct buffer_stream *bytes, enum stream_status status,
                                     uint64_t moved),
                        void *owner)
{
    *bytes = (struct buffer_stream){.done = done, .owner = owner};
    stream_init(&bytes->stream, name, space, 1, &ops, bytes);
}

void buffer_stream_destroy(struct buffer_stream *bytes)
{
    stream_destroy(&bytes->stream);
}

void buffer_stream_start(struct buffer_stream *bytes, uint8_t *buffer, enum dma_direction direction,
                         const struct sglist *list)
{
    bytes->buffer = buffer;
    stream_start(&bytes->stream, list, direction);
}

void buffer_stream_cancel(struct buffer_stream *bytes)
{
    stream_cancel(&bytes->stream);
}

/* Between two events a stream of this kind has nothing mapped: it is about to begin a round, or waits. */
struct buffer_stream_state {
    bool busy, waiting;
    uint8_t direction;
    uint64_t position, piece_offset;
    uint32_t piece;
    uint64_t need;
    int64_t since;
};
static const struct state_field fields[] = {
    STATE_FIELD(struct buffer_stream_state, busy),
    STATE_FIELD(struct buffer_stream_state, waiting),
    STATE_FIELD(struct buffer_stream_state, direction),
    STATE_FIELD(struct buffer_stream_state, position),
    STATE_FIELD(struct buffer_stream_state, piece_offset),
    STATE_FIELD(struct buffer_stream_state, piece),
    STATE_FIELD(struct buffer_stream_state, need),
    STATE_FIELD(struct buffer_stream_state, since),
    STATE_END,
};
static const struct state_table table = {"buffer-stream", 1, sizeof(struct buffer_stream_state), fields};

void buffer_stream_save(const struct buffer_stream *bytes, struct state_buffer *to)
{
    const struct stream *stream = &bytes->stream;
    struct buffer_stream_state state = {.busy = stream->busy};
    if (stream->busy) {
        state.waiting = dma_waiting(&stream->waiter);
        state.direction = (uint8_t)stream->direction;
        state.position = stream->position;
        state.piece = stream->piece;
        state.piece_offset = stream->piece_offset;
        state.need = stream->waiter.need;
        state.since = stream->waiter.since;
    }
    state_save(&table, &state, to);
}

static bool cursor_fits(const struct buffer_stream_state *state, const struct sglist *list)
{
    if (state->direction != DMA_FROM_DEVICE && state->direction != DMA_TO_DEVICE) return false;
    if (state->position > list->size) return false;
    return state->piece < list->count ? state->piece_offset < list->pieces[state->piece].length
                                      : state->piece == list->count && state->position == list->size;
}

bool buffer_stream_load(struct buffer_stream *bytes, uint8_t *buffer, const struct sglist *list,
                        struct state_buffer *from, struct transfer_waits *waits, struct error *error)
{
    struct stream *stream = &bytes->stream;
    struct buffer_stream_state state;
    buffer_stream_cancel(bytes);
    if (!state_load(&table, &state, from, error)) return false;
    *waits = (struct transfer_waits){state.waiting, state.need, state.since};
    if (!state.busy) return true;
    if (!buffer || !cursor_fits(&state, list))
        return error_set(error, "%s: a transfer does not fit its list", stream->name);
    bytes->buffer = buffer;
    stream->busy = true;
    stream->submitted = false;
    stream->generation++;
    stream->list = list;
    stream->direction = (enum dma_direction)state.direction;
    stream->position = state.position;
    stream->piece = state.piece;
    stream->piece_offset = state.piece_offset;
    stream->count = 0;
    stream->report = (struct stream_report){0};
    return true;
}

bool buffer_stream_wait_again(struct buffer_stream *bytes, const struct transfer_waits *waits)
{
    struct stream *stream = &bytes->stream;
    if (!waits->waiting) return true;
    if (!stream->busy || !dma_wait(stream->space, &stream->waiter, waits->need)) return false;
    stream->waiter.since = waits->since;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* Streams between guest memory and a buffer of the device. See buffer_stream.h. */
#include "mem/buffer_stream.h"
#include "mem/iov.h"

static void submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                   unsigned count, uint64_t size)
{
    struct buffer_stream *bytes = owner;
    if (stream->direction == DMA_FROM_DEVICE)
        iov_from_buffer(pieces, count, 0, bytes->buffer + offset, size);
    else
        iov_to_buffer(pieces, count, 0, bytes->buffer + offset, size);
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
    bool to_device;
};
static const struct state_field fields[] = {
    STATE_FIELD(struct buffer_stream_state, to_device),
    STATE_END,
};
static const struct state_table table = {"buffer-stream", 1, sizeof(struct buffer_stream_state), fields};

bool buffer_stream_save(const struct buffer_stream *bytes, struct state_buffer *to, struct error *error)
{
    const struct buffer_stream_state state = {bytes->stream.busy && bytes->stream.direction == DMA_TO_DEVICE};
    state_save(&table, &state, to);
    return stream_save(&bytes->stream, to, error);
}

bool buffer_stream_load(struct buffer_stream *bytes, uint8_t *buffer, const struct sglist *list,
                        struct state_buffer *from, struct error *error)
{
    struct stream_part part;
    struct buffer_stream_state state;
    if (!state_load(&table, &state, from, error)) return false;
    enum dma_direction direction = state.to_device ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
    if (!stream_load(&bytes->stream, list, direction, from, error)) return false;
    bytes->buffer = buffer;
    if (!buffer_stream_busy(bytes)) return true;
    return (buffer && !stream_submitted(&bytes->stream, &part)) ||
           error_set(error, "%s: a transfer does not fit its buffer", bytes->stream.name);
}

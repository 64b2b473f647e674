/* SPDX-License-Identifier: MIT */
/*
 * A stream (stream.h) between guest memory and a plain buffer of the device: what block/transfer.h is for a disk. Any
 * number of bytes; they move in the instant that their memory is mapped, so nothing stays mapped between two events.
 * The stream may still take several rounds, and wait for bounce bytes between them.
 */
#ifndef MEM_BUFFER_STREAM_H
#define MEM_BUFFER_STREAM_H

#include "mem/stream.h"

struct buffer_stream {
    struct stream stream;
    uint8_t *buffer;
    void (*done)(void *owner, struct buffer_stream *bytes, enum stream_status status, uint64_t moved);
    void *owner;
};

/* At device creation. `name` is unique in the machine. `done`: see stream_ops.done; it never has
 * STREAM_BACKEND_ERROR. */
void buffer_stream_init(struct buffer_stream *bytes, const char *name, struct space *space,
                        void (*done)(void *owner, struct buffer_stream *bytes, enum stream_status status,
                                     uint64_t moved),
                        void *owner);
void buffer_stream_destroy(struct buffer_stream *bytes); /* cancels */
/* Moves `list->size` bytes; the buffer has at least as many. Buffer and list stay until done. */
void buffer_stream_start(struct buffer_stream *bytes, uint8_t *buffer, enum dma_direction direction,
                         const struct sglist *list);
void buffer_stream_cancel(struct buffer_stream *bytes);
static inline bool buffer_stream_busy(const struct buffer_stream *bytes)
{
    return stream_busy(&bytes->stream);
}

/* Save and load, between events; see stream_load for what must be idle before. The buffer's bytes are their owner's to
 * save. `buffer` has at least `list->size` bytes, or is NULL where the owner knows of none; a stream that is busy is
 * refused then. */
bool buffer_stream_save(const struct buffer_stream *bytes, struct state_buffer *to, struct error *error);
bool buffer_stream_load(struct buffer_stream *bytes, uint8_t *buffer, const struct sglist *list,
                        struct state_buffer *from, struct error *error);

#endif

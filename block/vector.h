/* SPDX-License-Identifier: MIT */
/*
 * A place in an I/O vector: where the next byte of a request comes from or goes to. Stores take it by value,
 * so that a run of sectors in the middle of a request needs no vector of its own.
 */
#ifndef BLOCK_VECTOR_H
#define BLOCK_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

struct vector {
    const struct iovec *pieces;
    unsigned count;
    size_t within; /* bytes of pieces[0] that are behind us */
};

/* Goes `size` bytes on; there must be as many. */
static inline void vector_advance(struct vector *at, uint64_t size)
{
    while (at->count && size >= at->pieces->iov_len - at->within) {
        size -= at->pieces->iov_len - at->within;
        at->pieces++;
        at->count--;
        at->within = 0;
    }
    at->within += (size_t)size;
}

/* Lists the next `size` bytes in `out`, as far as `room` pieces go. Returns the pieces used; *listed is the
 * bytes in them. */
static inline unsigned vector_list(struct vector at, uint64_t size, struct iovec *out, unsigned room,
                                   uint64_t *listed)
{
    unsigned used = 0;
    *listed = 0;
    for (; *listed < size && used < room && at.count; at.pieces++, at.count--, at.within = 0) {
        size_t length = at.pieces->iov_len - at.within;
        if (length > size - *listed) length = (size_t)(size - *listed);
        out[used].iov_base = (char *)at.pieces->iov_base + at.within;
        out[used++].iov_len = length;
        *listed += length;
    }
    return used;
}

/* The next `size` bytes into a buffer, or from one. There must be as many. */
static inline void vector_copy_out(struct vector at, void *buffer, uint64_t size)
{
    for (uint64_t done = 0, listed; done < size; done += listed) {
        struct iovec piece = {0};
        vector_list(at, size - done, &piece, 1, &listed);
        if (listed) memcpy((char *)buffer + done, piece.iov_base, (size_t)listed);
        vector_advance(&at, listed);
    }
}

static inline void vector_copy_in(struct vector at, const void *buffer, uint64_t size)
{
    for (uint64_t done = 0, listed; done < size; done += listed) {
        struct iovec piece = {0};
        vector_list(at, size - done, &piece, 1, &listed);
        if (listed) memcpy(piece.iov_base, (const char *)buffer + done, (size_t)listed);
        vector_advance(&at, listed);
    }
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * I/O vectors: lists of host memory pieces, as preadv and pwritev take them.
 * A vector built by these calls holds no piece of length 0, and joins pieces that touch.
 */
#ifndef MEM_IOV_H
#define MEM_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct iov {
    struct iovec *pieces;
    unsigned count, capacity;
    size_t size; /* bytes in all pieces */
    bool fixed;  /* pieces are the caller's array and do not grow */
};

void iov_init(struct iov *iov, unsigned capacity); /* room for that many; grows when it must */
void iov_init_fixed(struct iov *iov, struct iovec *pieces,
                    unsigned capacity); /* over an array; never allocates */
void iov_destroy(struct iov *iov);
void iov_reset(struct iov *iov);                          /* empties it, keeps the room */
bool iov_add(struct iov *iov, void *base, size_t length); /* false when a fixed vector is full */
/* Appends [skip, skip + length) of another, clipped at its end; false when a fixed vector is full (it then
 * holds a part). */
bool iov_concat(struct iov *iov, const struct iov *from, size_t skip, size_t length);
/* Over bare arrays, so that a request's own iovec array will do. All clip at the end and return the bytes
 * done. */
size_t iov_size(const struct iovec *pieces, unsigned count);
size_t iov_to_buffer(const struct iovec *pieces, unsigned count, size_t skip, void *buffer, size_t length);
size_t iov_from_buffer(const struct iovec *pieces, unsigned count, size_t skip, const void *buffer,
                       size_t length);
size_t iov_fill(const struct iovec *pieces, unsigned count, size_t skip, int byte, size_t length);
/* Writes the pieces of [skip, skip + length) to `out` (room for `count` pieces); returns how many. */
unsigned iov_slice(const struct iovec *pieces, unsigned count, size_t skip, size_t length, struct iovec *out);

#endif

/* SPDX-License-Identifier: MIT */
/* I/O vectors. */
#include <string.h>
#include "mem/internal.h"
#include "mem/iov.h"

void iov_init(struct iov *iov, unsigned capacity)
{
    *iov = (struct iov){.capacity = capacity};
    if (capacity) iov->pieces = mem_alloc(capacity, sizeof(*iov->pieces));
}

void iov_init_fixed(struct iov *iov, struct iovec *pieces, unsigned capacity)
{
    *iov = (struct iov){.pieces = pieces, .capacity = capacity, .fixed = true};
}

void iov_destroy(struct iov *iov)
{
    if (!iov->fixed) free(iov->pieces);
    *iov = (struct iov){0};
}

void iov_reset(struct iov *iov)
{
    iov->count = 0;
    iov->size = 0;
}

static void iov_grow(struct iov *iov)
{
    unsigned capacity = iov->capacity ? iov->capacity * 2 : 8;
    struct iovec *pieces = mem_alloc(capacity, sizeof(*pieces));
    if (iov->count) memcpy(pieces, iov->pieces, iov->count * sizeof(*pieces));
    free(iov->pieces);
    iov->pieces = pieces;
    iov->capacity = capacity;
}

bool iov_add(struct iov *iov, void *base, size_t length)
{
    if (!length) return true;
    struct iovec *last = iov->count ? &iov->pieces[iov->count - 1] : NULL;
    if (last && (char *)last->iov_base + last->iov_len == (char *)base) {
        last->iov_len += length;
    } else {
        if (iov->count == iov->capacity) {
            if (iov->fixed) return false;
            iov_grow(iov);
        }
        iov->pieces[iov->count++] = (struct iovec){base, length};
    }
    iov->size += length;
    return true;
}

/* A walk over the bytes [skip, skip + length) of a vector, piece by piece. */
struct walk {
    const struct iovec *next, *end;
    size_t skip, left;
};

static struct walk walk_start(const struct iovec *pieces, unsigned count, size_t skip, size_t length)
{
    return (struct walk){
        .next = pieces, .end = count ? pieces + count : pieces, .skip = skip, .left = length};
}

/* False when the walk is over; else the next bytes that lie together. */
static bool walk_next(struct walk *walk, struct iovec *part)
{
    while (walk->left && walk->next < walk->end) {
        const struct iovec *piece = walk->next++;
        if (walk->skip >= piece->iov_len) {
            walk->skip -= piece->iov_len;
            continue;
        }
        part->iov_base = (char *)piece->iov_base + walk->skip;
        part->iov_len = piece->iov_len - walk->skip;
        if (part->iov_len > walk->left) part->iov_len = walk->left;
        walk->left -= part->iov_len;
        walk->skip = 0;
        return true;
    }
    return false;
}

bool iov_concat(struct iov *iov, const struct iov *from, size_t skip, size_t length)
{
    /* By index and by value: `from` may be `iov` itself, which grows and whose last piece is joined to. */
    unsigned count = from->count;
    for (unsigned i = 0; i < count && length; i++) {
        struct iovec piece = from->pieces[i];
        if (skip >= piece.iov_len) {
            skip -= piece.iov_len;
            continue;
        }
        size_t part = piece.iov_len - skip;
        if (part > length) part = length;
        if (!iov_add(iov, (char *)piece.iov_base + skip, part)) return false;
        length -= part;
        skip = 0;
    }
    return true;
}

size_t iov_size(const struct iovec *pieces, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) size += pieces[i].iov_len;
    return size;
}

size_t iov_to_buffer(const struct iovec *pieces, unsigned count, size_t skip, void *buffer, size_t length)
{
    struct walk walk = walk_start(pieces, count, skip, length);
    char *next = buffer;
    for (struct iovec part; walk_next(&walk, &part); next += part.iov_len)
        memcpy(next, part.iov_base, part.iov_len);
    return length - walk.left;
}

size_t iov_from_buffer(const struct iovec *pieces, unsigned count, size_t skip, const void *buffer,
                       size_t length)
{
    struct walk walk = walk_start(pieces, count, skip, length);
    const char *next = buffer;
    for (struct iovec part; walk_next(&walk, &part); next += part.iov_len)
        memcpy(part.iov_base, next, part.iov_len);
    return length - walk.left;
}

size_t iov_fill(const struct iovec *pieces, unsigned count, size_t skip, int byte, size_t length)
{
    struct walk walk = walk_start(pieces, count, skip, length);
    for (struct iovec part; walk_next(&walk, &part);) memset(part.iov_base, byte, part.iov_len);
    return length - walk.left;
}

unsigned iov_slice(const struct iovec *pieces, unsigned count, size_t skip, size_t length, struct iovec *out)
{
    struct walk walk = walk_start(pieces, count, skip, length);
    unsigned used = 0;
    for (struct iovec part; walk_next(&walk, &part);) out[used++] = part;
    return used;
}

/* SPDX-License-Identifier: MIT */
/* Scatter-gather lists. */
#include <string.h>
#include "mem/internal.h"
#include "mem/sglist.h"

void sglist_init(struct sglist *list, unsigned capacity)
{
    *list = (struct sglist){.capacity = capacity};
    if (capacity) list->pieces = mem_alloc(capacity, sizeof(*list->pieces));
}

void sglist_destroy(struct sglist *list)
{
    free(list->pieces);
    *list = (struct sglist){0};
}

void sglist_reset(struct sglist *list)
{
    list->count = 0;
    list->size = 0;
}

static void sglist_grow(struct sglist *list)
{
    unsigned capacity = list->capacity ? list->capacity * 2 : 16;
    struct sg_piece *pieces = mem_alloc(capacity, sizeof(*pieces));
    if (list->count) memcpy(pieces, list->pieces, list->count * sizeof(*pieces));
    free(list->pieces);
    list->pieces = pieces;
    list->capacity = capacity;
}

void sglist_add(struct sglist *list, gaddr addr, uint64_t length)
{
    length = min_u64(length, UINT64_MAX - list->size);
    if (!length) return;
    struct sg_piece *last = list->count ? &list->pieces[list->count - 1] : NULL;
    if (last && addr > last->addr && addr - last->addr == last->length) {
        last->length += length;
    } else {
        if (list->count == list->capacity) sglist_grow(list);
        list->pieces[list->count++] = (struct sg_piece){addr, length};
    }
    list->size += length;
}

void sglist_truncate(struct sglist *list, uint64_t size)
{
    while (list->size > size) {
        struct sg_piece *last = &list->pieces[list->count - 1];
        uint64_t excess = list->size - size;
        if (last->length > excess) {
            last->length -= excess;
            list->size = size;
        } else {
            list->size -= last->length;
            list->count--;
        }
    }
}

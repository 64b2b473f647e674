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

struct list_state {
    uint32_t pieces; /* which follow */
};
static const struct state_field list_fields[] = {STATE_FIELD(struct list_state, pieces), STATE_END};
static const struct state_table list_table = {"sglist", 1, sizeof(struct list_state), list_fields};

struct piece_state {
    uint64_t addr, length;
};
static const struct state_field piece_fields[] = {
    STATE_FIELD(struct piece_state, addr),
    STATE_FIELD(struct piece_state, length),
    STATE_END,
};
static const struct state_table piece_table = {"sg-piece", 1, sizeof(struct piece_state), piece_fields};

void sglist_save(const struct sglist *list, struct state_buffer *to)
{
    const struct list_state state = {list->count};
    state_save(&list_table, &state, to);
    for (uint32_t i = 0; i < state.pieces; i++) {
        const struct piece_state piece = {list->pieces[i].addr, list->pieces[i].length};
        state_save(&piece_table, &piece, to);
    }
}

bool sglist_load(struct sglist *list, struct state_buffer *from, struct error *error)
{
    struct list_state state;
    struct piece_state piece;
    sglist_reset(list);
    if (!state_load(&list_table, &state, from, error)) return false;
    for (uint32_t i = 0; i < state.pieces; i++) {
        if (!state_load(&piece_table, &piece, from, error)) return false;
        sglist_add(list, piece.addr, piece.length);
    }
    return true;
}

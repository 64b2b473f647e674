/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather lists: what a guest's descriptors say, as (address, length) pieces of one address space.
 * Built by a device from a PRDT or ring, copied once and checked, and then run by an engine (stream.h).
 */
#ifndef MEM_SGLIST_H
#define MEM_SGLIST_H

#include "emu/core/state.h"
#include "mem/mem.h"

struct sg_piece {
    gaddr addr;
    uint64_t length;
};

struct sglist {
    struct sg_piece *pieces;
    unsigned count, capacity;
    uint64_t size; /* bytes in all pieces */
};

void sglist_init(struct sglist *list,
                 unsigned capacity); /* allocates at device creation; grows when it must */
void sglist_destroy(struct sglist *list);
void sglist_reset(struct sglist *list);
/* A total above 2^64 - 1 is cut there. */
void sglist_add(struct sglist *list, gaddr addr,
                uint64_t length);                         /* joins pieces that touch; length 0 is nothing */
void sglist_truncate(struct sglist *list, uint64_t size); /* drops what lies beyond */

/* For a request in flight. Loading replaces the list; false when the buffer holds something else. */
void sglist_save(const struct sglist *list, struct state_buffer *to);
bool sglist_load(struct sglist *list, struct state_buffer *from, struct error *error);

#endif

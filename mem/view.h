/* SPDX-License-Identifier: MIT */
/* The flat view of a tree of regions: its ranges, and the table over them (dma_inline.h tells how it is laid
 * out). */
#ifndef MEM_VIEW_H
#define MEM_VIEW_H

#include "mem/dma.h"

#define VIEW_BYTE_LIMIT UINT64_C(0x10000)

struct view {
    struct view_table table;
    uint64_t slot_count;
    unsigned capacity; /* of table.ranges */
};

/* Flattens `root` for a space of `size` bytes. The view holds a use of each region in it, and has every
 * `host` NULL. */
struct view *view_new(struct region *root, uint64_t size);
void view_free(struct view *view);
/* The same ranges, that is, nobody need be told. */
bool view_equal(const struct view *a, const struct view *b);

#endif

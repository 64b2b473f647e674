/* SPDX-License-Identifier: MIT */
/*
 * What the files of the memory layer share and nobody else sees: the inside of a space.
 */
#ifndef MEM_INTERNAL_H
#define MEM_INTERNAL_H

#include <stdlib.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "mem/bounce.h"
#include "mem/dma.h"
#include "mem/space.h"
#include "mem/view.h"

struct dma_checker;

struct space {
    struct space_front front; /* table of the view, and counters */
    const char *name;
    struct region *root;
    uint64_t size;
    struct clock *clock;

    struct view *view;
    struct list on_root;      /* node in root->spaces */
    struct space *next_stale; /* of those whose view is to be rebuilt */
    bool stale;

    struct list listeners;
    struct list watches; /* regions whose marks concern the listeners */

    enum dma_mode mode;
    uint64_t random; /* of faulty mode */
    struct bounce_pool pool;
    struct dma_checker *checker; /* NULL while it is off */
};

/* A space that has seen a region. It stays when the region leaves the view, since decoded code may outlive
 * the view it was decoded through. */
struct region_watch {
    struct list on_region; /* in region->watches */
    struct list on_space;  /* in space->watches */
    struct region *region;
    struct space *space;
};

/* Zeroed memory for the layer's own structures. The end of host memory is the end of the program. */
static inline void *mem_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        message("out of host memory (%zu bytes wanted)", count * size);
        abort();
    }
    return memory;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline struct region_at region_at(uint64_t offset)
{
    return (struct region_at){offset};
}

/* space.c: the tree below this space's root changed (region.c calls it within a change). */
void space_mark_stale(struct space *space);
/* space.c: rebuilds all stale views, then tells their listeners. */
void space_rebuild_stale(void);
/* space.c: this space's view shows the region from now on. */
void space_watch(struct space *space, struct region *region);
/* space.c: the region goes; forget it. */
void space_unwatch_region(struct region *region);
/* space.c: a setting that view_range.host depends on has changed. */
void space_refresh(struct space *space);

/* dma.c: must DMA of this direction in this range go through the pool? */
bool dma_by_message(const struct space *space, const struct view_range *range, enum dma_direction direction);

#endif

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
struct iommu_stage;

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
    uint64_t random;   /* of faulty mode */
    unsigned dma_mask; /* address bits that get out of the device; 0: all */
    struct bounce_pool pool;
    struct dma_checker *checker; /* NULL while it is off */
    struct iommu_stage *iommu;   /* of a space that translates; its view is empty */
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

/* What answers at an address, and for how many of the bytes that come next. It is a copy, since the view may
 * go while the step is done. */
struct space_step {
    struct region *region; /* NULL: nobody; then `why` */
    struct region_at at;
    uint64_t length;
    bool read_only;
    enum mem_result why;
    int fault; /* enum iommu_reason, or 0 */
};

/* space.c: the first step of an access of `length` (not 0) bytes. Tells nobody when it finds nothing. */
struct space_step space_step(const struct space *space, gaddr addr, uint64_t length, enum dma_direction way);
/* space.c: an access found nobody: leaves the lint line that belongs to it. Returns step->why. */
enum mem_result space_missed(struct space *space, gaddr addr, const struct space_step *step,
                             enum dma_direction way);

/* iommu.c: space_step of a space that translates, at an address within it; the report of a fault; mappings
 * that begin and end. */
struct space_step iommu_step(const struct iommu_stage *stage, gaddr iova, uint64_t length,
                             enum dma_direction way);
void iommu_report(struct iommu_stage *stage, gaddr iova, int reason, enum dma_direction way);
void iommu_mapped(struct iommu_stage *stage, gaddr iova, uint64_t length);
void iommu_unmapped(struct iommu_stage *stage, gaddr iova, uint64_t length);

/* dma_state.c: does the view still show what was mapped, where it was mapped? */
bool dma_stands(const struct space *space, const struct dma_mapping *mapping);
/* dma_state.c: a mapping as a saved machine had it: by pointer or by a bounce buffer, which is not filled. No mode
 * and no queue comes in between. Empty where that cannot be. */
MUST_USE struct dma_mapping dma_map_again(struct space *space, gaddr addr, uint64_t length,
                                          enum dma_direction direction, bool bounced);
/* dma_state.c: takes its place in the queue again, among those that are back before it. False where it cannot be. */
MUST_USE bool dma_wait_again(struct space *space, struct dma_waiter *waiter, uint64_t need, vtime since,
                             uint64_t order);

/* dma.c: must DMA of this direction in this memory go through the pool? */
bool dma_by_message(const struct space *space, const struct region *region, bool read_only,
                    enum dma_direction direction);

#endif

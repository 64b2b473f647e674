/* SPDX-License-Identifier: MIT */
/*
 * The lines of map and unmap that plain RAM takes, for the compiler to put in place. Included by dma.h; read
 * that first. Everything that is not plain goes on in dma.c.
 */
#ifndef MEM_DMA_INLINE_H
#define MEM_DMA_INLINE_H

#include "emu/core/bits.h"
#include "emu/core/trace.h"

/*
 * "Which range is at this address?" The ranges are sorted and cover all 2^64 addresses: stretches where
 * nobody answers are ranges without a region, and the last one is everything beyond the size of the space.
 * The table over them has two levels. A slot stands for 1024 granules (a granule is a byte in spaces up to 64
 * KiB, else a 4 KiB page). A slot that lies within one range names it; another has a leaf with an entry per
 * granule, which names the granule's range, or is NULL where several ranges share the granule.
 */
#define VIEW_LEAF_BITS 10
#define VIEW_LEAF_SIZE (1u << VIEW_LEAF_BITS)

struct view_slot {
    const struct view_range *whole;
    const struct view_range **leaf; /* used when `whole` is NULL */
};

struct view_table {
    uint64_t size;                    /* of the space */
    unsigned granule_bits, slot_bits; /* of an address: what lies within a granule, within a slot */
    unsigned count;                   /* ranges */
    struct view_slot *slots;
    struct view_range *ranges;
};

/* What a struct space begins with. */
struct space_front {
    struct view_table table;
    struct dma_stats stats;
};

/* The range at `addr`, by search (view.c). */
const struct view_range *view_search(const struct view_table *table, gaddr addr);

static inline const struct view_range *view_find(const struct view_table *table, gaddr addr)
{
    if (unlikely(addr >= table->size)) return &table->ranges[table->count - 1];
    const struct view_slot *slot = &table->slots[addr >> table->slot_bits];
    if (likely(slot->whole != NULL)) return slot->whole;
    const struct view_range *range = slot->leaf[addr >> table->granule_bits & (VIEW_LEAF_SIZE - 1)];
    return likely(range != NULL) ? range : view_search(table, addr);
}

/* dma.c: the whole of map and unmap, whatever the memory. The handle is the caller's, and of no use after. */
MUST_USE struct dma_mapping dma_map_any(struct space *space, gaddr addr, uint64_t length,
                                        enum dma_direction direction);
enum mem_result dma_unmap_any(struct space *space, struct dma_mapping *mapping, uint64_t accessed);

/* Counters only ever rise, each by one instruction in map or in unmap: a count that map raises and unmap
 * lowers would make every map wait for the unmap before it. */
static inline void dma_count_map(struct dma_stats *stats, struct region *region, uint64_t direct_bytes)
{
    stats->maps++;
    stats->direct_bytes += direct_bytes;
    if (unlikely(stats->maps - stats->unmaps > stats->most_live))
        stats->most_live = stats->maps - stats->unmaps;
    region->mapped++;
}

/*
 * dma_map, into a handle that lies in memory: field by field, since a handle that is put together elsewhere and then
 * copied keeps the copy waiting. A mapping that is watched (bounced, checked, traced) carries a serial, which sends its
 * unmap the long way.
 */
static inline void dma_map_into(struct dma_mapping *mapping, struct space *space, gaddr addr, uint64_t length,
                                enum dma_direction direction)
{
    struct space_front *front = (struct space_front *)space;
    const struct view_range *range = view_find(&front->table, addr);
    uint64_t offset = addr - range->start, room = range->length - offset;
    if (unlikely(!range->host[direction] || length - 1 >= room || trace_any)) {
        *mapping = dma_map_any(space, addr, length, direction);
        return;
    }
    dma_count_map(&front->stats, range->region, length);
    mapping->host = range->host[direction] + offset;
    mapping->length = length;
    mapping->addr = addr;
    mapping->region = range->region;
    mapping->at.offset = range->at.offset + offset;
    mapping->bounce = NULL;
    mapping->direction = direction;
    mapping->status = DMA_OK;
    mapping->serial = 0;
}

static inline struct dma_mapping dma_map(struct space *space, gaddr addr, uint64_t length,
                                         enum dma_direction direction)
{
    struct dma_mapping mapping;
    dma_map_into(&mapping, space, addr, length, direction);
    return mapping;
}

static inline enum mem_result dma_unmap(struct space *space, struct dma_mapping *mapping, uint64_t accessed)
{
    struct space_front *front = (struct space_front *)space;
    struct region *region = mapping->region;
    if (unlikely(mapping->serial || !mapping->length || accessed > mapping->length || region->uses == 0)) {
        struct dma_mapping copy = *mapping;
        *mapping = (struct dma_mapping){.addr = copy.addr};
        return dma_unmap_any(space, &copy, accessed);
    }
    if (mapping->direction == DMA_FROM_DEVICE) region_written(region, mapping->at, accessed);
    front->stats.unmaps++;
    region->unmapped++;
    mapping->host = NULL;
    mapping->length = 0;
    return MEM_OK;
}

#endif

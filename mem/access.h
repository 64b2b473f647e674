/* SPDX-License-Identifier: MIT */
/*
 * Access to one region, below the view: what space_read and space_write are made of, and what a bounce is
 * filled from and copied back to. The region is memory or MMIO, and [at, at + length) lies within it. Bytes
 * that nobody gave read as all ones. A register callback may change the tree, and so free the view: callers
 * hold nothing that belongs to it.
 */
#ifndef MEM_ACCESS_H
#define MEM_ACCESS_H

#include "emu/core/bits.h"
#include "mem/region.h"

enum mem_result region_read(struct region *region, struct region_at at, void *to, uint64_t length);
/* `lost`: the region is seen read-only, so nothing happens. */
enum mem_result region_write(struct region *region, struct region_at at, const void *from, uint64_t length,
                             bool lost);

/* Registers, one access of 1 to 8 bytes, value in host order, whatever the region declares. */
enum mem_result mmio_load_any(struct region *region, struct region_at at, unsigned size, uint64_t *value);
enum mem_result mmio_store_any(struct region *region, struct region_at at, unsigned size, uint64_t value);

/* False when the device is already at work (region.h). */
static inline bool mmio_enter(struct mem_guard *guard)
{
    if (!guard) return true;
    if (unlikely(guard->depth > 0)) return false;
    guard_enter(guard);
    return true;
}

static inline void mmio_leave(struct mem_guard *guard)
{
    if (guard) guard_leave(guard);
}

/* The access goes to a callback of these sizes as it is. */
static inline bool mmio_takes(const struct region *region, unsigned sizes, struct region_at at, unsigned size)
{
    return (sizes & size) && (!(at.offset & (size - 1)) || region->ops->unaligned);
}

/* The same two, for the compiler to put in place, of 1, 2, 4 or 8 bytes: little stands in front of the callback. It may
 * free the region. */
static inline enum mem_result mmio_load(struct region *region, struct region_at at, unsigned size,
                                        uint64_t *value)
{
    struct mem_guard *guard = region->guard;
    if (unlikely(!mmio_takes(region, region->read_sizes, at, size) || !mmio_enter(guard)))
        return mmio_load_any(region, at, size, value);
    uint64_t got = UINT64_MAX;
    enum mem_result result = region->ops->read(region->owner, at, size, &got);
    mmio_leave(guard);
    *value = got & bytes_mask(size);
    return result;
}

static inline enum mem_result mmio_store(struct region *region, struct region_at at, unsigned size,
                                         uint64_t value)
{
    struct mem_guard *guard = region->guard;
    if (unlikely(!mmio_takes(region, region->write_sizes, at, size) || !mmio_enter(guard)))
        return mmio_store_any(region, at, size, value);
    enum mem_result result = region->ops->write(region->owner, at, size, value & bytes_mask(size));
    mmio_leave(guard);
    return result;
}

#endif

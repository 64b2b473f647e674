/* SPDX-License-Identifier: MIT */
/* Access to one region: memory by copying, registers by callbacks of the sizes that they declare. */
#include <string.h>
#include "mem/access.h"
#include "mem/internal.h"

static enum mem_result mmio_reentered(const struct region *region)
{
    lint(region->guard->device, "mem/region.h, re-entrancy",
         "DMA of this device came back to its own registers");
    return MEM_REENTRY;
}

/* A piece of an access; the caller uses the region meanwhile. */
static enum mem_result mmio_read_piece(struct region *region, struct region_at at, unsigned size,
                                       uint64_t *value)
{
    const struct mmio_ops *ops = region->ops;
    *value = bytes_mask(size);
    if (size < ops->min_size) return MEM_DEVICE_ERROR;
    if (!ops->read) return MEM_OK;
    if (!mmio_enter(region->guard)) return mmio_reentered(region);
    uint64_t got = UINT64_MAX;
    enum mem_result result = ops->read(region->owner, at, size, &got);
    mmio_leave(region->guard);
    *value = got & bytes_mask(size);
    return result;
}

static enum mem_result mmio_write_piece(struct region *region, struct region_at at, unsigned size,
                                        uint64_t value)
{
    const struct mmio_ops *ops = region->ops;
    if (size < ops->min_size) return MEM_DEVICE_ERROR;
    if (!ops->write) return MEM_OK;
    if (!mmio_enter(region->guard)) return mmio_reentered(region);
    enum mem_result result = ops->write(region->owner, at, size, value & bytes_mask(size));
    mmio_leave(region->guard);
    return result;
}

/* The size of the next piece of an access: the largest power of two that the length, the limit and the
 * alignment allow. */
static unsigned mmio_piece(const struct mmio_ops *ops, struct region_at at, uint64_t length)
{
    unsigned size = ops->max_size ? ops->max_size : 4;
    while (size > length || (!ops->unaligned && at.offset & (size - 1))) size /= 2;
    return size;
}

enum mem_result mmio_load_any(struct region *region, struct region_at at, unsigned size, uint64_t *value)
{
    uint8_t bytes[8];
    enum mem_result result = region_read(region, at, bytes, size);
    *value = le_load(bytes, size);
    return result;
}

enum mem_result mmio_store_any(struct region *region, struct region_at at, unsigned size, uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, size, value);
    return region_write(region, at, bytes, size, false);
}

enum mem_result region_read(struct region *region, struct region_at at, void *to, uint64_t length)
{
    if (region->host) {
        memcpy(to, region->host + at.offset, (size_t)length);
        return MEM_OK;
    }
    enum mem_result result = MEM_OK;
    region_use(region);
    for (uint8_t *next = to; length;) {
        unsigned size = mmio_piece(region->ops, at, length);
        uint64_t value;
        result |= mmio_read_piece(region, at, size, &value);
        le_store(next, size, value);
        next += size;
        at.offset += size;
        length -= size;
    }
    region_release(region);
    return result;
}

enum mem_result region_write(struct region *region, struct region_at at, const void *from, uint64_t length,
                             bool lost)
{
    if (lost) return MEM_OK;
    if (region->host) {
        region_written(region, at, length);
        memcpy(region->host + at.offset, from, (size_t)length);
        return MEM_OK;
    }
    enum mem_result result = MEM_OK;
    region_use(region);
    for (const uint8_t *next = from; length;) {
        unsigned size = mmio_piece(region->ops, at, length);
        result |= mmio_write_piece(region, at, size, le_load(next, size));
        next += size;
        at.offset += size;
        length -= size;
    }
    region_release(region);
    return result;
}

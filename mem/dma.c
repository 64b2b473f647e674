/* SPDX-License-Identifier: MIT */
/* Map and unmap, of memory that is not plain or is looked at closely. Plain RAM is served by dma_inline.h. */
#include <assert.h>
#include <string.h>
#include "emu/core/trace.h"
#include "mem/access.h"
#include "mem/checker.h"
#include "mem/internal.h"

TRACE_EVENT(map_event, "dma.map", "space:s addr:x asked:u got:u direction:s bounce:u");
TRACE_EVENT(unmap_event, "dma.unmap", "space:s addr:x mapped:u accessed:u direction:s result:u");

static const char *const direction_names[] = {"to-device", "from-device"};

bool dma_by_message(const struct space *space, const struct region *region, bool read_only,
                    enum dma_direction direction)
{
    return !region->host || region->indirect || space->mode == DMA_MODE_INDIRECT ||
           (read_only && direction == DMA_FROM_DEVICE);
}

/* What faulty mode does to one map. During a wake it neither fails nor takes pool bytes that are not needed.
 */
enum fault { FAULT_NONE, FAULT_FAIL, FAULT_SHORT, FAULT_BOUNCE };

/* xorshift64 */
static uint64_t space_random(struct space *space)
{
    uint64_t x = space->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return space->random = x;
}

static enum fault draw_fault(struct space *space)
{
    static const enum fault faults[16] = {FAULT_FAIL,  FAULT_FAIL,   FAULT_SHORT,  FAULT_SHORT, FAULT_SHORT,
                                          FAULT_SHORT, FAULT_BOUNCE, FAULT_BOUNCE, FAULT_BOUNCE};
    if (space->mode != DMA_MODE_FAULTY) return FAULT_NONE;
    enum fault fault = faults[space_random(space) >> 60];
    return fault != FAULT_SHORT && space->pool.waking ? FAULT_NONE : fault;
}

static struct dma_mapping map_failed(struct space *space, gaddr addr, enum dma_direction direction,
                                     enum dma_status status)
{
    space->front.stats.failed_maps++;
    return (struct dma_mapping){.addr = addr, .direction = direction, .status = status};
}

/* Fills a new bounce: with the data, or with what shows that it is not data. A callback that runs here may do
 * DMA of its own, which must not eat the bytes of the waiter that is being woken. */
static enum mem_result bounce_fill(struct space *space, const struct dma_mapping *mapping)
{
    struct region *region = mapping->region;
    enum mem_result result = MEM_OK;
    uint64_t ceiling = space->pool.wake_ceiling;
    space->pool.wake_ceiling = 0;
    if (mapping->direction == DMA_TO_DEVICE)
        result = region_read(region, mapping->at, mapping->host, mapping->length);
    else if (space->checker)
        memset(mapping->host, CHECKER_POISON, (size_t)mapping->length);
    else if (region->host)
        memcpy(mapping->host, region->host + mapping->at.offset, (size_t)mapping->length);
    else
        memset(mapping->host, 0, (size_t)mapping->length);
    space->pool.wake_ceiling = ceiling;
    return result;
}

static struct dma_mapping map_bounce(struct space *space, struct dma_mapping mapping, bool lost)
{
    struct dma_stats *stats = &space->front.stats;
    mapping.length = min_u64(mapping.length, bounce_available(&space->pool));
    if (!mapping.length) return map_failed(space, mapping.addr, mapping.direction, DMA_NO_BOUNCE);
    mapping.bounce = bounce_take(&space->pool, mapping.length);
    mapping.bounce->lost = lost;
    mapping.host = mapping.bounce->data;
    mapping.serial = mapping.bounce->serial;
    dma_count_map(stats, mapping.region, 0);
    if (bounce_fill(space, &mapping) == MEM_OK) {
        stats->bounced_bytes += mapping.length;
        return mapping;
    }
    bounce_give_back(mapping.bounce);
    stats->unmaps++;
    region_unmapped(mapping.region);
    return map_failed(space, mapping.addr, mapping.direction, DMA_REFUSED);
}

static struct dma_mapping map_direct(struct space *space, struct dma_mapping mapping)
{
    mapping.host = mapping.region->host + mapping.at.offset;
    mapping.serial = trace_on(&unmap_event);
    dma_count_map(&space->front.stats, mapping.region, mapping.length);
    return mapping;
}

static struct dma_mapping map_range(struct space *space, gaddr addr, uint64_t length,
                                    enum dma_direction direction)
{
    if (!length) return (struct dma_mapping){.addr = addr, .direction = direction};
    struct space_step step = space_step(space, addr, length, direction);
    if (!step.region) {
        bool refused = space_missed(space, addr, &step, direction) & MEM_DEVICE_ERROR;
        return map_failed(space, addr, direction, refused ? DMA_REFUSED : DMA_NO_MEMORY);
    }
    enum fault fault = draw_fault(space);
    if (fault == FAULT_FAIL) return map_failed(space, addr, direction, DMA_NO_BOUNCE);

    struct dma_mapping mapping = {
        .length = step.length, .addr = addr, .region = step.region, .at = step.at, .direction = direction};
    if (fault == FAULT_SHORT) mapping.length = 1 + space_random(space) % mapping.length;
    bool by_message = dma_by_message(space, step.region, step.read_only, direction);
    if (fault == FAULT_BOUNCE && bounce_available(&space->pool)) by_message = true;
    mapping = by_message ? map_bounce(space, mapping, step.read_only) : map_direct(space, mapping);
    if (mapping.length && mapping.length < length) space->front.stats.short_maps++;
    return mapping;
}

struct dma_mapping dma_map_any(struct space *space, gaddr addr, uint64_t length, enum dma_direction direction)
{
    struct dma_mapping mapping = map_range(space, addr, length, direction);
    if (mapping.length && space->iommu) {
        iommu_mapped(space->iommu, addr, mapping.length);
        if (!mapping.serial) mapping.serial = 1; /* its unmap has to come by here */
    }
    if (mapping.length) dma_checker_mapped(space->checker, &mapping);
    if (trace_on(&map_event))
        trace_emit(&map_event, space->clock, space->name, (uint64_t)addr, length, mapping.length,
                   direction_names[direction], (uint64_t)(mapping.bounce != NULL));
    return mapping;
}

/* Copies back what the device wrote, and gives the buffer back. Callbacks: as for bounce_fill. */
static enum mem_result unmap_bounce(struct space *space, const struct dma_mapping *mapping, uint64_t accessed)
{
    enum mem_result result = MEM_OK;
    if (!bounce_is_whole(mapping->bounce))
        lint(space->name, "mem/dma.h", "bounce buffer written beyond its end (guest address 0x%llx)",
             (unsigned long long)mapping->addr);
    if (mapping->direction == DMA_FROM_DEVICE && accessed) {
        uint64_t ceiling = space->pool.wake_ceiling;
        space->pool.wake_ceiling = 0;
        result = region_write(mapping->region, mapping->at, mapping->host, accessed, mapping->bounce->lost);
        space->pool.wake_ceiling = ceiling;
        if (result != MEM_OK) space->front.stats.read_back_errors++;
    }
    bounce_give_back(mapping->bounce);
    return result;
}

/* Is the handle one that dma_map gave out here and that was not unmapped since? Nobody knows of a direct one
 * that the checker does not watch. */
static bool mapping_is_live(struct space *space, struct dma_mapping *mapping, uint64_t accessed)
{
    if (space->checker) return dma_checker_unmapping(space->checker, mapping, accessed);
    if (!mapping->bounce || bounce_is_live(&space->pool, mapping->bounce, mapping->serial)) return true;
    lint(space->name, "mem/dma.h", "bounce unmapped twice, or through another space (guest address 0x%llx)",
         (unsigned long long)mapping->addr);
    return false;
}

enum mem_result dma_unmap_any(struct space *space, struct dma_mapping *mapping, uint64_t accessed)
{
    enum mem_result result = MEM_OK;
    if (!mapping->length && !mapping->serial) return MEM_OK;
    if (!mapping_is_live(space, mapping, accessed)) return MEM_DEVICE_ERROR;

    accessed = min_u64(accessed, mapping->length);
    if (mapping->bounce)
        result = unmap_bounce(space, mapping, accessed);
    else if (mapping->direction == DMA_FROM_DEVICE)
        region_written(mapping->region, mapping->at, accessed);
    space->front.stats.unmaps++;
    if (space->iommu) iommu_unmapped(space->iommu, mapping->addr, mapping->length);
    if (trace_on(&unmap_event))
        trace_emit(&unmap_event, space->clock, space->name, (uint64_t)mapping->addr, mapping->length,
                   accessed, direction_names[mapping->direction], (uint64_t)result);
    region_unmapped(mapping->region);
    return result;
}

void dma_configure(struct space *space, const struct dma_settings *settings)
{
    assert(space->front.stats.maps == space->front.stats.unmaps && list_empty(&space->pool.waiters));
    space->mode = settings->mode;
    space->random = settings->seed ^ UINT64_C(0x9e3779b97f4a7c15);
    if (!space->random) space->random = 1;
    bounce_pool_set_limit(&space->pool, settings->max_bounce ? settings->max_bounce : BOUNCE_DEFAULT_LIMIT);
    space_refresh(space);
    if (space->dma_mask == settings->dma_mask) return;
    region_change_begin();
    space->dma_mask = settings->dma_mask;
    space_mark_stale(space);
    region_change_end();
}

uint64_t dma_largest_bounce(const struct space *space)
{
    return space->pool.limit;
}

const struct dma_stats *dma_stats(const struct space *space)
{
    /* What follows from other counters is worked out when someone asks. */
    struct dma_stats *stats = (struct dma_stats *)&space->front.stats;
    stats->live = stats->maps - stats->unmaps;
    stats->bounce_bytes_held = space->pool.held;
    return stats;
}

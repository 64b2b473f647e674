/* SPDX-License-Identifier: MIT */
/* Address spaces: views kept up to date, listeners, and access by address. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "mem/access.h"
#include "mem/checker.h"
#include "mem/internal.h"

#define LARGEST_SPACE (UINT64_C(1) << 40)

/* Fills in where DMA may use pointers; none where every map must be looked at (checker, faulty mode). */
static void view_set_pointers(const struct space *space, struct view *view)
{
    bool look_at_all = space->checker || space->mode == DMA_MODE_FAULTY;
    for (unsigned i = 0; i < view->table.count; i++) {
        struct view_range *range = &view->table.ranges[i];
        for (enum dma_direction way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++) {
            bool direct =
                !look_at_all && range->region && !dma_by_message(space, range->region, range->read_only, way);
            range->host[way] = direct ? range->region->host + range->at.offset : NULL;
        }
    }
}

void space_refresh(struct space *space)
{
    view_set_pointers(space, space->view);
}

/* How far addresses go, in bytes. */
static uint64_t space_reach(const struct space *space)
{
    return space->dma_mask && space->dma_mask < 64 ? min_u64(space->size, UINT64_C(1) << space->dma_mask)
                                                   : space->size;
}

/* True when what is seen is not what was seen before. */
static bool space_rebuild(struct space *space)
{
    struct view *old = space->view, *view = view_new(space->root, space_reach(space));
    view_set_pointers(space, view);
    space->view = view;
    space->front.table = view->table;
    for (unsigned i = 0; i < view->table.count; i++) {
        if (view->table.ranges[i].region && view->table.ranges[i].region->marks)
            space_watch(space, view->table.ranges[i].region);
    }
    bool changed = !old || !view_equal(old, view);
    if (old) view_free(old);
    return changed;
}

struct space *space_new(const char *name, struct region *root, uint64_t size, struct clock *clock)
{
    assert(size > 0 && size <= LARGEST_SPACE);
    struct space *space = mem_alloc(1, sizeof(*space));
    space->name = name;
    space->root = root;
    space->size = size;
    space->clock = clock;
    list_init(&space->listeners);
    list_init(&space->watches);
    region_use(root);
    list_append(&root->spaces, &space->on_root);
    bounce_pool_init(&space->pool, space);
    space_rebuild(space);
    return space;
}

/* Spaces whose views are to be rebuilt at the end of the change that is going on. */
static _Thread_local struct space *stale_spaces;

static void space_forget_stale(struct space *space)
{
    struct space **link = &stale_spaces;
    while (*link && *link != space) link = &(*link)->next_stale;
    if (*link) *link = space->next_stale;
}

static void watch_free(struct region_watch *watch)
{
    list_remove(&watch->on_region);
    list_remove(&watch->on_space);
    free(watch);
}

void space_free(struct space *space)
{
    if (!space) return;
    assert(space->front.stats.maps == space->front.stats.unmaps);
    space_forget_stale(space);
    while (!list_empty(&space->listeners)) list_remove(space->listeners.next);
    while (!list_empty(&space->watches))
        watch_free(list_entry(space->watches.next, struct region_watch, on_space));
    bounce_pool_destroy(&space->pool);
    dma_checker_free(space->checker);
    view_free(space->view);
    list_remove(&space->on_root);
    region_release(space->root);
    free(space);
}

const char *space_name(const struct space *space)
{
    return space->name;
}

struct clock *space_clock(const struct space *space)
{
    return space->clock;
}

void space_mark_stale(struct space *space)
{
    if (space->stale) return;
    space->stale = true;
    space->next_stale = stale_spaces;
    stale_spaces = space;
}

static void space_tell_view_changed(struct space *space)
{
    for (struct list *node = space->listeners.next, *next; node != &space->listeners; node = next) {
        struct space_listener *listener = list_entry(node, struct space_listener, node);
        next = node->next;
        if (listener->view_changed) listener->view_changed(listener->owner);
    }
}

void space_rebuild_stale(void)
{
    struct space *changed = NULL;
    while (stale_spaces) {
        struct space *space = stale_spaces;
        stale_spaces = space->next_stale;
        space->stale = false;
        if (!space_rebuild(space)) continue;
        space->next_stale = changed;
        changed = space;
    }
    while (changed) {
        struct space *space = changed;
        changed = space->next_stale;
        space_tell_view_changed(space);
    }
}

void space_watch(struct space *space, struct region *region)
{
    for (struct list *node = region->watches.next; node != &region->watches; node = node->next) {
        if (list_entry(node, struct region_watch, on_region)->space == space) return;
    }
    struct region_watch *watch = mem_alloc(1, sizeof(*watch));
    watch->space = space;
    watch->region = region;
    list_append(&region->watches, &watch->on_region);
    list_append(&space->watches, &watch->on_space);
}

void space_unwatch_region(struct region *region)
{
    while (!list_empty(&region->watches))
        watch_free(list_entry(region->watches.next, struct region_watch, on_region));
}

void space_listen(struct space *space, struct space_listener *listener)
{
    list_append(&space->listeners, &listener->node);
}

void space_unlisten(struct space_listener *listener)
{
    list_remove(&listener->node);
}

struct space_step space_step(const struct space *space, gaddr addr, uint64_t length, enum dma_direction way)
{
    const struct view_range *range = view_find(&space->front.table, addr);
    uint64_t offset = addr - range->start;
    if (unlikely(addr >= space->front.table.size))
        return (struct space_step){.length = length, .why = MEM_DECODE_ERROR};
    if (unlikely(space->iommu != NULL)) return iommu_step(space->iommu, addr, length, way);
    return (struct space_step){.region = range->region,
                               .at = region_at(range->at.offset + offset),
                               .length = min_u64(length, range->length - offset),
                               .read_only = range->read_only,
                               .why = range->region ? MEM_OK : MEM_DECODE_ERROR};
}

enum mem_result space_missed(struct space *space, gaddr addr, const struct space_step *step,
                             enum dma_direction way)
{
    if (space->dma_mask && addr >= space->front.table.size)
        lint(space->name, "mem/dma.h, dma_mask", "address 0x%llx does not fit into the %u bits of the device",
             (unsigned long long)addr, space->dma_mask);
    if (step->fault) iommu_report(space->iommu, addr, step->fault, way);
    return step->why;
}

const struct view_range *space_find(const struct space *space, gaddr addr, struct region_at *at)
{
    const struct view_range *range = view_find(&space->front.table, addr);
    if (at) *at = region_at(range->at.offset + (addr - range->start));
    return range;
}

enum mem_result space_read(struct space *space, gaddr addr, void *to, uint64_t length)
{
    enum mem_result result = MEM_OK;
    for (uint8_t *next = to; length;) {
        struct space_step step = space_step(space, addr, length, DMA_TO_DEVICE);
        if (step.region) {
            result |= region_read(step.region, step.at, next, step.length);
        } else {
            memset(next, 0xff, (size_t)step.length);
            result |= space_missed(space, addr, &step, DMA_TO_DEVICE);
        }
        next += step.length;
        addr += step.length;
        length -= step.length;
    }
    return result;
}

enum mem_result space_write(struct space *space, gaddr addr, const void *from, uint64_t length)
{
    enum mem_result result = MEM_OK;
    for (const uint8_t *next = from; length;) {
        struct space_step step = space_step(space, addr, length, DMA_FROM_DEVICE);
        result |= step.region ? region_write(step.region, step.at, next, step.length, step.read_only)
                              : space_missed(space, addr, &step, DMA_FROM_DEVICE);
        next += step.length;
        addr += step.length;
        length -= step.length;
    }
    return result;
}

enum mem_result space_fill(struct space *space, gaddr addr, uint8_t byte, uint64_t length)
{
    uint8_t block[4096];
    memset(block, byte, sizeof(block));
    enum mem_result result = MEM_OK;
    while (length) {
        struct space_step step = space_step(space, addr, length, DMA_FROM_DEVICE);
        if (step.region) {
            step.length = min_u64(step.length, sizeof(block));
            result |= region_write(step.region, step.at, block, step.length, step.read_only);
        } else {
            result |= space_missed(space, addr, &step, DMA_FROM_DEVICE);
        }
        addr += step.length;
        length -= step.length;
    }
    return result;
}

static uint64_t memory_load(const uint8_t *from, unsigned size)
{
    switch (size) {
    case 1: return *from;
    case 2: return le16_load(from);
    case 4: return le32_load(from);
    case 8: return le64_load(from);
    default: return le_load(from, size);
    }
}

static void memory_store(uint8_t *to, unsigned size, uint64_t value)
{
    switch (size) {
    case 1: *to = (uint8_t)value; break;
    case 2: le16_store(to, (uint16_t)value); break;
    case 4: le32_store(to, (uint32_t)value); break;
    case 8: le64_store(to, value); break;
    default: le_store(to, size, value);
    }
}

enum mem_result space_load(struct space *space, gaddr addr, unsigned size, uint64_t *value)
{
    const struct view_range *range = view_find(&space->front.table, addr);
    uint64_t offset = addr - range->start;
    struct region *region = range->region;
    if (likely(region && size <= range->length - offset)) {
        struct region_at at = {range->at.offset + offset};
        if (!region->host) return mmio_load(region, at, size, value);
        *value = memory_load(region->host + at.offset, size);
        return MEM_OK;
    }
    uint8_t bytes[8];
    enum mem_result result = space_read(space, addr, bytes, size);
    *value = le_load(bytes, size);
    return result;
}

uint32_t space_load_series(struct space *space, gaddr addr, unsigned size, uint8_t *to, uint32_t count)
{
    const struct view_range *range = view_find(&space->front.table, addr);
    struct region *region = range->region;
    struct region_at at = {range->at.offset + (addr - range->start)};
    if (!region || !region->series || size > range->length - (addr - range->start)) return 0;
    struct mem_guard *guard = region->guard;
    if (!mmio_takes(region, region->read_sizes, at, size) || !mmio_enter(guard)) return 0;
    uint32_t done = region->series(region->owner, at, size, to, count);
    mmio_leave(guard);
    return done;
}

enum mem_result space_store(struct space *space, gaddr addr, unsigned size, uint64_t value)
{
    const struct view_range *range = view_find(&space->front.table, addr);
    uint64_t offset = addr - range->start;
    struct region *region = range->region;
    if (likely(region && !range->read_only && size <= range->length - offset)) {
        struct region_at at = {range->at.offset + offset};
        if (!region->host) return mmio_store(region, at, size, value);
        region_written(region, at, size);
        memory_store(region->host + at.offset, size, value);
        return MEM_OK;
    }
    uint8_t bytes[8];
    le_store(bytes, size, value);
    return space_write(space, addr, bytes, size);
}

bool space_peek(const struct space *space, gaddr addr, void *to, uint64_t length)
{
    bool all = true;
    for (uint8_t *next = to; length;) {
        struct space_step step = space_step(space, addr, length, DMA_TO_DEVICE);
        if (step.region && step.region->host) {
            memcpy(next, step.region->host + step.at.offset, (size_t)step.length);
        } else {
            memset(next, 0xff, (size_t)step.length);
            all = false;
        }
        next += step.length;
        addr += step.length;
        length -= step.length;
    }
    return all;
}

bool space_poke(struct space *space, gaddr addr, const void *from, uint64_t length)
{
    bool all = true;
    for (const uint8_t *next = from; length;) {
        struct space_step step = space_step(space, addr, length, DMA_FROM_DEVICE);
        if (step.region && step.region->host)
            region_write(step.region, step.at, next, step.length, false);
        else
            all = false;
        next += step.length;
        addr += step.length;
        length -= step.length;
    }
    return all;
}

static const char *range_kind(const struct view_range *range)
{
    switch (range->region->kind) {
    case REGION_MMIO: return "mmio";
    case REGION_ROM: return "rom";
    default: return range->read_only ? "ram, read-only" : range->region->indirect ? "ram, indirect" : "ram";
    }
}

void space_print(const struct space *space, FILE *to)
{
    fprintf(to, "space %s, %" PRIu64 " bytes\n", space->name, space->front.table.size);
    for (unsigned i = 0; i < space->view->table.count; i++) {
        const struct view_range *range = &space->view->table.ranges[i];
        if (!range->region) continue;
        fprintf(to, "  %016" PRIx64 "-%016" PRIx64 " (%s): %s @%016" PRIx64 "\n", range->start,
                range->start + range->length - 1, range_kind(range), range->region->name, range->at.offset);
    }
}

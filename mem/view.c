/* SPDX-License-Identifier: MIT */
/*
 * Flattening a tree of regions. Regions are visited in order of precedence, highest first; each fills those
 * of its addresses that nobody has filled yet. Then the gaps are filled, neighbours that continue each other
 * are joined, and the table is laid over the result.
 */
#include <assert.h>
#include <string.h>
#include "mem/internal.h"

#define DEEPEST_TREE 32 /* levels; deeper means that a container was put into itself by way of an alias */

/* What of the space a region may fill, as [low, high), and where its offset 0 would be: for the target of an
 * alias this may lie below address 0. */
struct window {
    int64_t base, low, high;
    bool read_only;
    unsigned depth;
};

static void view_insert(struct view *view, unsigned index, struct view_range range)
{
    if (view->table.count == view->capacity) {
        unsigned capacity = view->capacity ? view->capacity * 2 : 16;
        struct view_range *ranges = mem_alloc(capacity, sizeof(*ranges));
        if (view->table.count) memcpy(ranges, view->table.ranges, view->table.count * sizeof(*ranges));
        free(view->table.ranges);
        view->table.ranges = ranges;
        view->capacity = capacity;
    }
    memmove(&view->table.ranges[index + 1], &view->table.ranges[index],
            (view->table.count - index) * sizeof(range));
    view->table.ranges[index] = range;
    view->table.count++;
}

/* The number of ranges that start at or below `addr`. */
static unsigned view_upper_bound(const struct view_table *table, gaddr addr)
{
    unsigned low = 0, high = table->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (table->ranges[middle].start <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct view_range *view_search(const struct view_table *table, gaddr addr)
{
    return &table->ranges[view_upper_bound(table, addr) - 1];
}

/* Puts `region` into every hole between the ranges that are there, within [low, high). `base` is its offset
 * 0. */
static void view_fill_holes(struct view *view, struct region *region, const struct window *window)
{
    uint64_t at = (uint64_t)window->low, end = (uint64_t)window->high;
    unsigned next = view_upper_bound(&view->table, at);
    if (next) {
        const struct view_range *before = &view->table.ranges[next - 1];
        if (before->start + before->length > at) at = before->start + before->length;
    }
    for (; at < end; next++) {
        uint64_t hole_end = next < view->table.count ? min_u64(end, view->table.ranges[next].start) : end;
        if (hole_end > at) {
            struct view_range range = {.start = at, .length = hole_end - at, .region = region};
            if (region) {
                range.at = region_at(at - (uint64_t)window->base);
                range.read_only = window->read_only || region->kind == REGION_ROM;
            }
            view_insert(view, next++, range);
        }
        if (hole_end == end) break;
        at = view->table.ranges[next].start + view->table.ranges[next].length;
    }
}

static void view_render(struct view *view, struct region *region, struct window window)
{
    int64_t end = window.base + (int64_t)region->size;
    if (window.low < window.base) window.low = window.base;
    if (window.high > end) window.high = end;
    if (!region->enabled || window.low >= window.high) return;
    assert(window.depth < DEEPEST_TREE);
    window.depth++;

    switch (region->kind) {
    case REGION_CONTAINER: {
        int64_t base = window.base;
        for (struct list *node = region->children.next; node != &region->children; node = node->next) {
            struct region *child = list_entry(node, struct region, siblings);
            if (child->place >= region->size) continue;
            window.base = base + (int64_t)child->place;
            view_render(view, child, window);
        }
        break;
    }
    case REGION_ALIAS:
        window.base -= (int64_t)region->target_at.offset;
        window.read_only |= region->read_only;
        view_render(view, region->target, window);
        break;
    default: view_fill_holes(view, region, &window);
    }
}

static bool range_continues(const struct view_range *a, const struct view_range *b)
{
    return a->region == b->region && a->read_only == b->read_only &&
           (!a->region || a->at.offset + a->length == b->at.offset);
}

static void view_join_neighbours(struct view *view)
{
    unsigned kept = 0;
    for (unsigned i = 1; i < view->table.count; i++) {
        if (range_continues(&view->table.ranges[kept], &view->table.ranges[i]))
            view->table.ranges[kept].length += view->table.ranges[i].length;
        else
            view->table.ranges[++kept] = view->table.ranges[i];
    }
    view->table.count = kept + 1;
}

static void slot_add(const struct view *view, uint64_t index, const struct view_range *range)
{
    struct view_slot *slot = &view->table.slots[index];
    unsigned slot_bits = view->table.granule_bits + VIEW_LEAF_BITS;
    uint64_t slot_start = index << slot_bits, range_end = range->start + range->length;
    if (range->start <= slot_start && range_end - slot_start >= UINT64_C(1) << slot_bits) {
        slot->whole = range;
        return;
    }
    if (!slot->leaf) slot->leaf = mem_alloc(VIEW_LEAF_SIZE, sizeof(struct view_range *));
    uint64_t granule = UINT64_C(1) << view->table.granule_bits;
    uint64_t first = range->start > slot_start ? range->start - slot_start : 0;
    uint64_t end = min_u64(range_end - slot_start, UINT64_C(1) << slot_bits);
    for (uint64_t at = (first + granule - 1) & ~(granule - 1); at + granule <= end; at += granule)
        slot->leaf[at >> view->table.granule_bits] = range;
}

static void view_make_table(struct view *view)
{
    unsigned slot_bits = view->table.granule_bits + VIEW_LEAF_BITS;
    view->slot_count = ((view->table.size - 1) >> slot_bits) + 1;
    view->table.slots = mem_alloc(view->slot_count, sizeof(struct view_slot));
    for (unsigned i = 0; i + 1 < view->table.count; i++) { /* the last range is beyond the table */
        const struct view_range *range = &view->table.ranges[i];
        uint64_t last = (range->start + range->length - 1) >> slot_bits;
        for (uint64_t slot = range->start >> slot_bits; slot <= last; slot++) slot_add(view, slot, range);
    }
}

struct view *view_new(struct region *root, uint64_t size)
{
    struct view *view = mem_alloc(1, sizeof(*view));
    view->table.size = size;
    view->table.granule_bits = size <= VIEW_BYTE_LIMIT ? 0 : MEM_PAGE_BITS;
    view->table.slot_bits = view->table.granule_bits + VIEW_LEAF_BITS;
    struct window all = {.base = 0, .low = 0, .high = (int64_t)size};
    view_render(view, root, all);
    view_fill_holes(view, NULL, &all);
    view_join_neighbours(view);
    view_insert(view, view->table.count, (struct view_range){.start = size, .length = 0 - size});
    view_make_table(view);
    for (unsigned i = 0; i < view->table.count; i++) {
        if (view->table.ranges[i].region) region_use(view->table.ranges[i].region);
    }
    return view;
}

void view_free(struct view *view)
{
    for (unsigned i = 0; i < view->table.count; i++) region_release(view->table.ranges[i].region);
    for (uint64_t i = 0; i < view->slot_count; i++) free(view->table.slots[i].leaf);
    free(view->table.slots);
    free(view->table.ranges);
    free(view);
}

bool view_equal(const struct view *a, const struct view *b)
{
    if (a->table.count != b->table.count) return false;
    for (unsigned i = 0; i < a->table.count; i++) {
        const struct view_range *p = &a->table.ranges[i], *q = &b->table.ranges[i];
        if (p->start != q->start || p->length != q->length || p->region != q->region ||
            p->at.offset != q->at.offset || p->read_only != q->read_only)
            return false;
    }
    return true;
}

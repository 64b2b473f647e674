/* SPDX-License-Identifier: MIT */
/* Regions: making, counting, the tree, and the marks on pages of memory. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "mem/internal.h"

#define LARGEST_REGION (UINT64_C(1) << 62)

static struct region *region_new(const char *name, enum region_kind kind, uint64_t size)
{
    assert(size > 0 && size <= LARGEST_REGION);
    struct region *region = mem_alloc(1, sizeof(*region));
    region->name = name;
    region->kind = kind;
    region->size = size;
    region->uses = 1;
    region->enabled = true;
    list_init(&region->children);
    list_init(&region->siblings);
    list_init(&region->spaces);
    list_init(&region->aliases);
    list_init(&region->same_target);
    list_init(&region->watches);
    return region;
}

static uint64_t page_count(uint64_t size)
{
    return (size + MEM_PAGE_SIZE - 1) >> MEM_PAGE_BITS;
}

static struct region *region_new_memory(const char *name, enum region_kind kind, uint64_t size,
                                        struct error *error)
{
    uint64_t bytes = page_count(size) << MEM_PAGE_BITS;
    if (!size || size > LARGEST_REGION || bytes > SIZE_MAX) {
        error_set(error, "%s: %llu bytes: not a size of memory that this host can have", name,
                  (unsigned long long)size);
        return NULL;
    }
    void *host =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED) {
        error_set(error, "%s: %llu bytes: the host has not that much memory; ask for less", name,
                  (unsigned long long)size);
        return NULL;
    }
    struct region *region = region_new(name, kind, size);
    region->host = host;
    region->host_owned = true;
    region->marks = mem_alloc((size_t)page_count(size), 1);
    memset(region->marks, MARK_DIRTY_ALL, (size_t)page_count(size));
    return region;
}

struct region *region_new_ram(const char *name, uint64_t size, struct error *error)
{
    return region_new_memory(name, REGION_RAM, size, error);
}

struct region *region_new_rom(const char *name, uint64_t size, struct error *error)
{
    return region_new_memory(name, REGION_ROM, size, error);
}

static uint8_t mmio_sizes(const struct mmio_ops *ops)
{
    unsigned most = ops->max_size ? ops->max_size : 4, sizes = 0;
    for (unsigned size = 1; size <= 8; size *= 2)
        if (size >= ops->min_size && size <= most) sizes |= size;
    return (uint8_t)sizes;
}

struct region *region_new_mmio(const char *name, uint64_t size, const struct mmio_ops *ops, void *owner,
                               struct mem_guard *guard)
{
    struct region *region = region_new(name, REGION_MMIO, size);
    region->ops = ops;
    region->owner = owner;
    region->guard = guard;
    if (ops->read) region->read_sizes = mmio_sizes(ops);
    if (ops->write) region->write_sizes = mmio_sizes(ops);
    return region;
}

struct region *region_new_alias(const char *name, struct region *target, struct region_at from, uint64_t size)
{
    assert(from.offset <= LARGEST_REGION);
    struct region *region = region_new(name, REGION_ALIAS, size);
    region->target = target;
    region->target_at = from;
    region_use(target);
    list_append(&target->aliases, &region->same_target);
    return region;
}

struct region *region_new_container(const char *name, uint64_t size)
{
    return region_new(name, REGION_CONTAINER, size);
}

void region_use(struct region *region)
{
    region->uses++;
}

static void region_free(struct region *region)
{
    while (!list_empty(&region->children)) {
        struct region *child = list_entry(region->children.next, struct region, siblings);
        child->container = NULL;
        list_remove(&child->siblings);
        region_release(child);
    }
    if (region->target) {
        list_remove(&region->same_target);
        region_release(region->target);
    }
    space_unwatch_region(region);
    if (region->host_owned) munmap(region->host, (size_t)(page_count(region->size) << MEM_PAGE_BITS));
    free(region->marks);
    free(region);
}

void region_release(struct region *region)
{
    if (!region) return;
    assert(region->uses > 0);
    if (--region->uses == 0 && region->mapped == region->unmapped) region_free(region);
}

void region_unmapped(struct region *region)
{
    assert(region->mapped != region->unmapped);
    region->unmapped++;
    if (region->uses == 0 && region->mapped == region->unmapped) region_free(region);
}

/* The tree. How deep changes are nested is the only thing kept outside the machines; it is 0 whenever none
 * changes. */
static _Thread_local unsigned change_depth;

void region_change_begin(void)
{
    change_depth++;
}

void region_change_end(void)
{
    assert(change_depth > 0);
    if (--change_depth == 0) space_rebuild_stale();
}

/* All spaces that can see the region, directly or through aliases. */
static void region_mark_stale(struct region *region)
{
    for (struct list *node = region->spaces.next; node != &region->spaces; node = node->next)
        space_mark_stale(list_entry(node, struct space, on_root));
    for (struct list *node = region->aliases.next; node != &region->aliases; node = node->next)
        region_mark_stale(list_entry(node, struct region, same_target));
    if (region->container) region_mark_stale(region->container);
}

static void region_changed(struct region *region)
{
    region_change_begin();
    region_mark_stale(region);
    region_change_end();
}

void region_add(struct region *container, uint64_t place, struct region *region, int priority)
{
    assert(container->kind == REGION_CONTAINER && !region->container);
    region_use(region);
    region->container = container;
    region->place = place;
    region->priority = priority;
    struct list *before = container->children.next;
    while (before != &container->children && list_entry(before, struct region, siblings)->priority > priority)
        before = before->next;
    list_insert_before(before, &region->siblings);
    region_changed(region);
}

void region_remove(struct region *region)
{
    struct region *container = region->container;
    if (!container) return;
    list_remove(&region->siblings);
    region->container = NULL;
    region_changed(container);
    region_release(region);
}

void region_move(struct region *region, uint64_t place)
{
    if (region->place == place) return;
    region->place = place;
    region_changed(region);
}

void region_enable(struct region *region, bool enabled)
{
    if (region->enabled == enabled) return;
    region->enabled = enabled;
    region_changed(region);
}

void region_set_alias(struct region *alias, struct region_at from, bool read_only)
{
    assert(alias->kind == REGION_ALIAS && from.offset <= LARGEST_REGION);
    if (alias->target_at.offset == from.offset && alias->read_only == read_only) return;
    alias->target_at = from;
    alias->read_only = read_only;
    region_changed(alias);
}

/* Marks. Listeners of every space that watches the region are told, in order of registration. */
static void region_tell_marks_changed(struct region *region)
{
    for (struct list *node = region->watches.next; node != &region->watches; node = node->next) {
        struct space *space = list_entry(node, struct region_watch, on_region)->space;
        for (struct list *at = space->listeners.next, *next; at != &space->listeners; at = next) {
            struct space_listener *listener = list_entry(at, struct space_listener, node);
            next = at->next;
            if (listener->marks_changed) listener->marks_changed(listener->owner, region);
        }
    }
}

/* True when no listener keeps code of this page. */
static bool region_tell_code_written(struct region *region, struct region_at at, uint64_t length)
{
    bool dropped = true;
    for (struct list *node = region->watches.next; node != &region->watches; node = node->next) {
        struct space *space = list_entry(node, struct region_watch, on_region)->space;
        for (struct list *entry = space->listeners.next, *next; entry != &space->listeners; entry = next) {
            struct space_listener *listener = list_entry(entry, struct space_listener, node);
            next = entry->next;
            if (listener->code_written)
                dropped &= listener->code_written(listener->owner, region, at, length);
        }
    }
    return dropped;
}

void region_written_slow(struct region *region, struct region_at at, uint64_t length)
{
    while (length && region->marks) {
        uint64_t page = at.offset >> MEM_PAGE_BITS;
        uint64_t piece = min_u64(length, MEM_PAGE_SIZE - (at.offset & (MEM_PAGE_SIZE - 1)));
        uint8_t *mark = &region->marks[page];
        if (*mark != MARK_DIRTY_ALL) {
            *mark |= MARK_DIRTY_ALL;
            if (*mark & MARK_CODE && region_tell_code_written(region, at, piece))
                *mark &= (uint8_t)~MARK_CODE;
        }
        at.offset += piece;
        length -= piece;
    }
}

void region_mark_code(struct region *region, struct region_at at)
{
    uint8_t *mark = region->marks ? &region->marks[at.offset >> MEM_PAGE_BITS] : NULL;
    if (!mark || *mark & MARK_CODE) return;
    *mark |= MARK_CODE;
    region_tell_marks_changed(region);
}

bool region_dirty(const struct region *region, struct region_at at, uint64_t length, enum page_mark client)
{
    if (!length || !region->marks) return false;
    uint64_t last = (at.offset + length - 1) >> MEM_PAGE_BITS;
    for (uint64_t page = at.offset >> MEM_PAGE_BITS; page <= last; page++) {
        if (region->marks[page] & client) return true;
    }
    return false;
}

void region_clear_dirty(struct region *region, struct region_at at, uint64_t length, enum page_mark client)
{
    if (!region_dirty(region, at, length, client)) return;
    uint64_t last = (at.offset + length - 1) >> MEM_PAGE_BITS;
    for (uint64_t page = at.offset >> MEM_PAGE_BITS; page <= last; page++)
        region->marks[page] &= (uint8_t)~client;
    region_tell_marks_changed(region);
}

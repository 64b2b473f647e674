/* SPDX-License-Identifier: MIT */
/* The mirror: sections, from them the runs of pages that should be mapped, and from those what to tell. */
#include <assert.h>
#include <string.h>
#include "mem/internal.h"
#include "mem/iommu_internal.h"

/* A stretch of addresses with one answer. Only addresses of sections are looked at after the view changed. */
struct section {
    gaddr addr;
    uint64_t length;
    struct region *region; /* NULL: somebody answers, but not by pointer */
    struct region_at at;
    bool read_only;
};

/* Whole pages that are mapped as one. */
struct run {
    gaddr addr;
    uint64_t length;
    struct region *region;
    struct region_at at;
    bool writable, agreed, mapped;
    unsigned users; /* sections */
};

struct sections {
    struct section *items;
    unsigned count, capacity;
};

struct runs {
    struct run *items;
    unsigned count, capacity;
};

struct iommu_mirror {
    struct list node; /* in stage->mirrors, or alone */
    struct space *space;
    uint64_t page;
    const struct iommu_mirror_ops *ops;
    void *owner;
    struct sections sections; /* by address */
    struct runs runs;         /* by address */
    struct space_listener listener;
    struct iommu_mirror_stats stats;
};

/* Room for one more; `items` is moved. */
static void *grow(void *items, unsigned count, unsigned *capacity, size_t size)
{
    if (count < *capacity) return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    void *larger = mem_alloc(*capacity, size);
    if (count) memcpy(larger, items, count * size);
    free(items);
    return larger;
}

static void sections_add(struct sections *sections, struct section section)
{
    struct section *last = sections->count ? &sections->items[sections->count - 1] : NULL;
    if (last && last->addr + last->length == section.addr && last->region == section.region &&
        last->read_only == section.read_only &&
        (!section.region || last->at.offset + last->length == section.at.offset)) {
        last->length += section.length;
        return;
    }
    sections->items = grow(sections->items, sections->count, &sections->capacity, sizeof(section));
    sections->items[sections->count++] = section;
}

/* Adds [from, to) of a section. */
static void sections_add_part(struct sections *sections, struct section section, gaddr from, gaddr to)
{
    gaddr end = section.addr + section.length;
    if (from < section.addr) from = section.addr;
    if (to > end) to = end;
    if (from >= to) return;
    section.at.offset += from - section.addr;
    section.addr = from;
    section.length = to - from;
    sections_add(sections, section);
}

/* Appends what the space shows now at [addr, end). */
static void sections_look(struct sections *sections, const struct iommu_mirror *mirror, gaddr addr, gaddr end)
{
    while (addr < end) {
        uint64_t room = end - addr;
        if (mirror->space->iommu) /* permissions may change from page to page */
            room = min_u64(room, mirror->space->iommu->page - (addr & (mirror->space->iommu->page - 1)));
        struct space_step step = space_step(mirror->space, addr, room, DMA_TO_DEVICE);
        struct space_step out = space_step(mirror->space, addr, step.length, DMA_FROM_DEVICE);
        struct region *region = step.region;
        if (region && (!region->host || region->indirect)) region = NULL;
        if (!step.fault)
            sections_add(sections,
                         (struct section){addr, step.length, region, step.at, step.read_only || !out.region});
        addr += step.length;
    }
}

/* The page that `section` covers in part. Its neighbours in it, if there are any, come one after the other. */
static void runs_add_shared(struct runs *runs, const struct section *section, gaddr addr, uint64_t page)
{
    struct run *last = runs->count ? &runs->items[runs->count - 1] : NULL;
    uint64_t offset = section->at.offset + (addr - section->addr); /* may wrap: then it is not within */
    bool within = offset <= section->region->size && page <= section->region->size - offset;
    if (!last || last->addr != addr) {
        runs->items = grow(runs->items, runs->count, &runs->capacity, sizeof(*last));
        runs->items[runs->count++] = (struct run){.addr = addr,
                                                  .length = page,
                                                  .region = section->region,
                                                  .at = {offset},
                                                  .writable = !section->read_only,
                                                  .agreed = within,
                                                  .users = 1};
        return;
    }
    last->users++;
    last->agreed &= within && last->region == section->region && last->at.offset == offset &&
                    last->writable == !section->read_only;
}

static void runs_add_section(struct runs *runs, const struct section *section, uint64_t page)
{
    gaddr at = section->addr, end = at + section->length;
    while (at < end) {
        gaddr start = at & ~(page - 1);
        if (start != at || end - at < page) {
            runs_add_shared(runs, section, start, page);
            at = min_u64(start + page, end);
            continue;
        }
        uint64_t length = (end - at) & ~(page - 1);
        runs->items = grow(runs->items, runs->count, &runs->capacity, sizeof(struct run));
        runs->items[runs->count++] = (struct run){.addr = at,
                                                  .length = length,
                                                  .region = section->region,
                                                  .at = {section->at.offset + (at - section->addr)},
                                                  .writable = !section->read_only,
                                                  .agreed = true,
                                                  .users = 1};
        at += length;
    }
}

static bool run_equal(const struct run *a, const struct run *b)
{
    return a->addr == b->addr && a->length == b->length && a->region == b->region &&
           a->at.offset == b->at.offset && a->writable == b->writable && a->agreed == b->agreed;
}

static void run_unmap(struct iommu_mirror *mirror, struct run *run)
{
    if (!run->mapped) return;
    mirror->ops->unmap(mirror->owner, run->addr, run->length);
    mirror->stats.unmaps++;
    region_release(run->region);
}

static void run_map(struct iommu_mirror *mirror, struct run *run)
{
    if (run->mapped) return;
    if (!run->agreed) {
        mirror->stats.disagreements++;
        lint(mirror->space->name, "mem/iommu.h, mirror",
             "page 0x%llx has parts that disagree on what is behind it", (unsigned long long)run->addr);
        return;
    }
    uint8_t *host = run->region->host + run->at.offset;
    run->mapped = mirror->ops->map(mirror->owner, run->addr, run->length, host, run->writable);
    mirror->stats.maps++;
    mirror->stats.refused += !run->mapped;
    if (run->mapped) region_use(run->region);
}

/* Works out what should be mapped, keeps what is mapped like that already, unmaps the others, maps the new. */
static void mirror_sync(struct iommu_mirror *mirror)
{
    struct runs wanted = {0};
    for (unsigned i = 0; i < mirror->sections.count; i++) {
        if (mirror->sections.items[i].region)
            runs_add_section(&wanted, &mirror->sections.items[i], mirror->page);
    }
    unsigned next = 0;
    for (unsigned i = 0; i < mirror->runs.count; i++) {
        struct run *run = &mirror->runs.items[i];
        while (next < wanted.count && wanted.items[next].addr < run->addr) next++;
        if (run->mapped && next < wanted.count && run_equal(&wanted.items[next], run))
            wanted.items[next].mapped = true;
        else
            run_unmap(mirror, run);
    }
    for (unsigned i = 0; i < wanted.count; i++) run_map(mirror, &wanted.items[i]);
    free(mirror->runs.items);
    mirror->runs = wanted;
}

/* Looks again at [addr, addr + length), and keeps the rest. */
void iommu_mirror_refresh(struct list *node, gaddr addr, uint64_t length)
{
    struct iommu_mirror *mirror = list_entry(node, struct iommu_mirror, node);
    struct sections old = mirror->sections;
    mirror->sections = (struct sections){0};
    for (unsigned i = 0; i < old.count; i++) sections_add_part(&mirror->sections, old.items[i], 0, addr);
    sections_look(&mirror->sections, mirror, addr, addr + length);
    for (unsigned i = 0; i < old.count; i++)
        sections_add_part(&mirror->sections, old.items[i], addr + length, UINT64_MAX);
    free(old.items);
    mirror_sync(mirror);
}

static void mirror_view_changed(void *owner)
{
    struct iommu_mirror *mirror = owner;
    struct sections old = mirror->sections;
    mirror->sections = (struct sections){0};
    if (mirror->space->iommu) {
        for (unsigned i = 0; i < old.count; i++)
            sections_look(&mirror->sections, mirror, old.items[i].addr,
                          old.items[i].addr + old.items[i].length);
    } else {
        sections_look(&mirror->sections, mirror, 0, mirror->space->front.table.size);
    }
    free(old.items);
    mirror_sync(mirror);
}

struct iommu_mirror *iommu_mirror_new(struct space *space, unsigned page_bits,
                                      const struct iommu_mirror_ops *ops, void *owner)
{
    assert(page_bits >= IOMMU_SMALLEST_PAGE_BITS && page_bits <= IOMMU_LARGEST_PAGE_BITS);
    struct iommu_mirror *mirror = mem_alloc(1, sizeof(*mirror));
    *mirror =
        (struct iommu_mirror){.space = space, .page = UINT64_C(1) << page_bits, .ops = ops, .owner = owner};
    mirror->listener = (struct space_listener){.view_changed = mirror_view_changed, .owner = mirror};
    list_init(&mirror->node);
    list_init(&mirror->listener.node);
    if (space->iommu) list_append(&space->iommu->mirrors, &mirror->node);
    space_listen(space->iommu ? space->iommu->target : space, &mirror->listener);
    if (space->iommu) /* what a stage had before is not known; look at all of it */
        sections_look(&mirror->sections, mirror, 0, space->front.table.size);
    mirror_view_changed(mirror);
    return mirror;
}

void iommu_mirror_free(struct iommu_mirror *mirror)
{
    if (!mirror) return;
    space_unlisten(&mirror->listener);
    list_remove(&mirror->node);
    for (unsigned i = 0; i < mirror->runs.count; i++) run_unmap(mirror, &mirror->runs.items[i]);
    free(mirror->runs.items);
    free(mirror->sections.items);
    free(mirror);
}

unsigned iommu_mirror_users(const struct iommu_mirror *mirror, gaddr addr)
{
    for (unsigned i = 0; i < mirror->runs.count; i++) {
        const struct run *run = &mirror->runs.items[i];
        if (addr >= run->addr && addr - run->addr < run->length) return run->mapped ? run->users : 0;
    }
    return 0;
}

const struct space *iommu_mirror_space(const struct iommu_mirror *mirror)
{
    return mirror->space;
}

const struct iommu_mirror_stats *iommu_mirror_stats(const struct iommu_mirror *mirror)
{
    return &mirror->stats;
}

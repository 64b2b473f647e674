/* SPDX-License-Identifier: MIT */
/* The IOMMU stage: translation of an access, faults, and who holds what. The mirror is in iommu_mirror.c. */
#include <assert.h>
#include <string.h>
#include "mem/internal.h"
#include "mem/iommu_internal.h"

const char *iommu_reason_name(enum iommu_reason reason)
{
    static const char *const names[] = {
        [IOMMU_NOT_PRESENT] = "page not present",
        [IOMMU_NO_READ] = "page may not be read",
        [IOMMU_NO_WRITE] = "page may not be written",
        [IOMMU_BAD_ENTRY] = "entry is not a multiple of the page",
    };
    return names[reason];
}

struct iommu_stage *iommu_stage_new(const char *name, struct space *target, uint64_t size, unsigned page_bits,
                                    const struct iommu_ops *ops, void *owner)
{
    assert(!target->iommu && page_bits >= IOMMU_SMALLEST_PAGE_BITS && page_bits <= IOMMU_LARGEST_PAGE_BITS);
    struct iommu_stage *stage = mem_alloc(1, sizeof(*stage));
    *stage =
        (struct iommu_stage){.target = target, .page = UINT64_C(1) << page_bits, .ops = ops, .owner = owner};
    list_init(&stage->mirrors);
    stage->root = region_new_container(name, size);
    stage->space = space_new(name, stage->root, size, space_clock(target));
    stage->space->iommu = stage;
    return stage;
}

void iommu_stage_free(struct iommu_stage *stage)
{
    if (!stage) return;
    assert(!stage->held_count && list_empty(&stage->mirrors));
    space_free(stage->space);
    region_release(stage->root);
    free(stage->held);
    free(stage);
}

struct space *iommu_space(struct iommu_stage *stage)
{
    return stage->space;
}

const struct space *iommu_stage_space(const struct iommu_stage *stage)
{
    return stage->space;
}

const struct iommu_stats *iommu_stats(const struct iommu_stage *stage)
{
    return &stage->stats;
}

/* Why the entry does not serve, or 0. */
static enum iommu_reason page_reason(const struct iommu_stage *stage, const struct iommu_page *page,
                                     enum dma_direction way)
{
    if (!(page->permissions & (IOMMU_READ | IOMMU_WRITE))) return IOMMU_NOT_PRESENT;
    if (page->addr & (stage->page - 1)) return IOMMU_BAD_ENTRY;
    if (way == DMA_TO_DEVICE && !(page->permissions & IOMMU_READ)) return IOMMU_NO_READ;
    if (way == DMA_FROM_DEVICE && !(page->permissions & IOMMU_WRITE)) return IOMMU_NO_WRITE;
    return 0;
}

/* How far, from `run` bytes on and up to `length`, the following pages go on where the last one ended. `next`
 * is the first of them. */
static uint64_t stage_extend(const struct iommu_stage *stage, gaddr next, gaddr addr, uint64_t run,
                             uint64_t length, enum dma_direction way)
{
    while (run < length) {
        struct iommu_page page = stage->ops->translate(stage->owner, next);
        if (page_reason(stage, &page, way) || page.addr != addr) return run;
        run += stage->page;
        next += stage->page;
        addr += stage->page;
    }
    return length;
}

struct space_step iommu_step(const struct iommu_stage *stage, gaddr iova, uint64_t length,
                             enum dma_direction way)
{
    uint64_t offset = iova & (stage->page - 1), room = stage->page - offset;
    struct iommu_page page = stage->ops->translate(stage->owner, iova - offset);
    enum iommu_reason reason = page_reason(stage, &page, way);
    length = min_u64(length, stage->space->front.table.size - iova);
    if (reason)
        return (struct space_step){.length = min_u64(length, room),
                                   .why = reason == IOMMU_NOT_PRESENT ? MEM_DECODE_ERROR : MEM_DEVICE_ERROR,
                                   .fault = reason};
    struct space_step step = space_step(stage->target, page.addr + offset, length, way);
    if (step.region)
        step.length = stage_extend(stage, iova + room, page.addr + stage->page, min_u64(room, step.length),
                                   step.length, way);
    else
        step.length = min_u64(step.length, room);
    return step;
}

void iommu_report(struct iommu_stage *stage, gaddr iova, int reason, enum dma_direction way)
{
    stage->stats.faults++;
    lint(stage->space->name, "mem/iommu.h", "fault at 0x%llx: %s", (unsigned long long)iova,
         iommu_reason_name((enum iommu_reason)reason));
    const struct iommu_fault fault = {iova, way, (enum iommu_reason)reason};
    if (stage->ops->fault) stage->ops->fault(stage->owner, &fault);
}

/* Mappings that are held, in no order. The room for them grows to the most that were ever held at once. */
void iommu_mapped(struct iommu_stage *stage, gaddr iova, uint64_t length)
{
    if (stage->held_count == stage->held_capacity) {
        unsigned capacity = stage->held_capacity ? stage->held_capacity * 2 : 64;
        struct iommu_held *held = mem_alloc(capacity, sizeof(*held));
        if (stage->held_count) memcpy(held, stage->held, stage->held_count * sizeof(*held));
        free(stage->held);
        stage->held = held;
        stage->held_capacity = capacity;
    }
    stage->held[stage->held_count++] = (struct iommu_held){iova, length};
    if (stage->held_count > stage->stats.most_held) stage->stats.most_held = stage->held_count;
}

void iommu_unmapped(struct iommu_stage *stage, gaddr iova, uint64_t length)
{
    for (unsigned i = stage->held_count; i-- > 0;) {
        if (stage->held[i].iova != iova || stage->held[i].length != length) continue;
        stage->held[i] = stage->held[--stage->held_count];
        return;
    }
}

void iommu_invalidate(struct iommu_stage *stage, gaddr iova, uint64_t length)
{
    uint64_t size = stage->space->size;
    if (iova >= size || !length) return;
    gaddr start = iova & ~(stage->page - 1);
    gaddr last = iova + min_u64(length, size - iova) - 1; /* sizes are whole pages or end in one */
    last = min_u64(last | (stage->page - 1), size - 1);
    bool live = false;
    for (unsigned i = 0; i < stage->held_count; i++) {
        const struct iommu_held *held = &stage->held[i];
        if (held->iova > last || held->iova + held->length <= start) continue;
        live = true;
        lint(stage->space->name, "mem/iommu.h",
             "0x%llx, %llu bytes: invalidated while the device has it mapped", (unsigned long long)held->iova,
             (unsigned long long)held->length);
    }
    stage->stats.invalidations++;
    stage->stats.invalidated_live += live;
    for (struct list *node = stage->mirrors.next, *next; node != &stage->mirrors; node = next) {
        next = node->next;
        iommu_mirror_refresh(node, start, last - start + 1);
    }
}

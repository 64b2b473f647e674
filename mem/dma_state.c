/* SPDX-License-Identifier: MIT */
/* What a saved machine keeps of DMA: what decides how maps of a space go on, mappings in use, and who waits. */
#include <string.h>
#include "mem/checker.h"
#include "mem/internal.h"

struct dma_state {
    uint64_t random;     /* of faulty mode */
    uint64_t next_order; /* for who waits next */
};
static const struct state_field dma_fields[] = {
    STATE_FIELD(struct dma_state, random),
    STATE_FIELD(struct dma_state, next_order),
    STATE_END,
};
static const struct state_table dma_table = {"dma", 1, sizeof(struct dma_state), dma_fields};

void dma_save(const struct space *space, struct state_buffer *to)
{
    state_save(&dma_table, &(struct dma_state){space->random, space->pool.next_order}, to);
}

bool dma_load(struct space *space, struct state_buffer *from, struct error *error)
{
    struct dma_state state;
    if (!state_load(&dma_table, &state, from, error)) return false;
    if (!state.random) return error_set(error, "%s: faulty mode with a seed that cannot be", space->name);
    space->random = state.random;
    space->pool.next_order = state.next_order;
    return true;
}

/* ---- mappings ---- */

bool dma_stands(const struct space *space, const struct dma_mapping *mapping)
{
    struct space_step step = space_step(space, mapping->addr, mapping->length, mapping->direction);
    return step.region == mapping->region && step.at.offset == mapping->at.offset &&
           step.length == mapping->length;
}

static bool bounce_again(struct space *space, struct dma_mapping *mapping, bool lost)
{
    struct bounce_pool *pool = &space->pool;
    if (pool->held > pool->limit || mapping->length > pool->limit - pool->held) return false;
    mapping->bounce = bounce_take(pool, mapping->length);
    mapping->bounce->lost = lost;
    mapping->host = mapping->bounce->data;
    mapping->serial = mapping->bounce->serial;
    return true;
}

struct dma_mapping dma_map_again(struct space *space, gaddr addr, uint64_t length,
                                 enum dma_direction direction, bool bounced)
{
    const struct dma_mapping failed = {.addr = addr, .direction = direction, .status = DMA_NO_MEMORY};
    if (!length) return failed;
    struct space_step step = space_step(space, addr, length, direction);
    if (!step.region || step.length < length) return failed;
    struct dma_mapping mapping = {
        .length = length, .addr = addr, .region = step.region, .at = step.at, .direction = direction};
    if (bounced) {
        if (!bounce_again(space, &mapping, step.read_only)) return failed;
    } else {
        if (dma_by_message(space, step.region, step.read_only, direction)) return failed;
        mapping.host = step.region->host + step.at.offset;
        mapping.serial = trace_any || space->iommu;
    }
    dma_count_map(&space->front.stats, step.region, bounced ? 0 : length);
    if (bounced) space->front.stats.bounced_bytes += length;
    if (space->iommu) iommu_mapped(space->iommu, addr, length);
    dma_checker_mapped(space->checker, &mapping);
    return mapping;
}

/* ---- who waits ---- */

bool dma_wait_again(struct space *space, struct dma_waiter *waiter, uint64_t need, vtime since,
                    uint64_t order)
{
    struct bounce_pool *pool = &space->pool;
    if (!space->clock || waiter->space || need > pool->limit || order >= pool->next_order) return false;
    waiter->space = space;
    waiter->need = need;
    waiter->since = since;
    waiter->order = order;
    struct list *before = pool->waiters.prev;
    while (before != &pool->waiters && list_entry(before, struct dma_waiter, node)->order > order)
        before = before->prev;
    list_insert_before(before->next, &waiter->node);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Who waits for bounce bytes. The queue is strictly first come, first served; bounce_available() gives
 * nothing to others while it is not empty, which is how freed bytes are set aside. Wakes run from one clock
 * event per pool.
 */
#include "mem/internal.h"
#include "emu/core/trace.h"

TRACE_EVENT(wait_event, "dma.wait", "space:s who:s need:u");
TRACE_EVENT(cancel_event, "dma.wait_cancel", "space:s who:s");
TRACE_EVENT(wake_event, "dma.wake", "space:s who:s need:u since:d");

static struct dma_waiter *waiter_of(struct list *node)
{
    return list_entry(node, struct dma_waiter, node);
}

static bool head_can_go(const struct bounce_pool *pool)
{
    return !list_empty(&pool->waiters) && waiter_of(pool->waiters.next)->need <= pool->limit - pool->held;
}

void bounce_recheck(struct bounce_pool *pool)
{
    if (head_can_go(pool)) clock_event_in(&pool->wake, 0);
}

/* What `waiter`, just taken from the queue, may have: all that those behind it can spare, and its need in any
 * case. */
static uint64_t wake_share(const struct bounce_pool *pool, const struct dma_waiter *waiter)
{
    uint64_t share = pool->limit - pool->held;
    for (struct list *node = pool->waiters.next; node != &pool->waiters; node = node->next) {
        uint64_t need = waiter_of(node)->need;
        if (share < need || share - need < waiter->need) return waiter->need;
        share -= need;
    }
    return share;
}

static void waiter_wake(struct bounce_pool *pool, struct dma_waiter *waiter)
{
    struct space *space = pool->space;
    list_remove(&waiter->node);
    waiter->space = NULL;
    space->front.stats.wakes++;
    if (trace_on(&wake_event))
        trace_emit(&wake_event, space->clock, space->name, waiter->name, waiter->need,
                   (int64_t)waiter->since);
    pool->wake_ceiling = pool->held + wake_share(pool, waiter);
    pool->wake_held = pool->held;
    pool->waking = waiter;
    waiter->wake(waiter->owner);
    pool->waking = NULL;
}

/* Everyone who waits now is woken once at the most; who waits again meanwhile is for the next event. */
void bounce_wake(void *owner)
{
    struct bounce_pool *pool = owner;
    unsigned waiting = 0;
    for (struct list *node = pool->waiters.next; node != &pool->waiters; node = node->next) waiting++;
    while (waiting-- && head_can_go(pool)) waiter_wake(pool, waiter_of(pool->waiters.next));
    bounce_recheck(pool);
}

void dma_waiter_init(struct dma_waiter *waiter, const char *name, void (*wake)(void *owner), void *owner)
{
    *waiter = (struct dma_waiter){.name = name, .wake = wake, .owner = owner};
    list_init(&waiter->node);
}

bool dma_wait(struct space *space, struct dma_waiter *waiter, uint64_t need)
{
    struct bounce_pool *pool = &space->pool;
    if (!space->clock || need > pool->limit) return false;
    if (pool->waking == waiter && pool->held > pool->wake_held) {
        lint(waiter->name, "mem/dma.h, waiters", "waits for bounce bytes while it holds some");
        return false;
    }
    waiter->need = need;
    if (!waiter->space) {
        waiter->space = space;
        waiter->since = clock_now(space->clock);
        waiter->order = pool->next_order++;
        list_append(&pool->waiters, &waiter->node);
        space->front.stats.waits++;
        if (trace_on(&wait_event)) trace_emit(&wait_event, space->clock, space->name, waiter->name, need);
    }
    bounce_recheck(pool);
    return true;
}

void dma_wait_cancel(struct dma_waiter *waiter)
{
    if (!waiter->space) return;
    struct bounce_pool *pool = &waiter->space->pool;
    if (trace_on(&cancel_event))
        trace_emit(&cancel_event, waiter->space->clock, waiter->space->name, waiter->name);
    list_remove(&waiter->node);
    waiter->space = NULL;
    bounce_recheck(pool);
}

bool dma_waiting(const struct dma_waiter *waiter)
{
    return waiter->space != NULL;
}

const struct dma_waiter *dma_next_waiter(const struct space *space, const struct dma_waiter *after)
{
    const struct list *head = &space->pool.waiters, *next = after ? after->node.next : head->next;
    return next == head ? NULL : list_entry(next, const struct dma_waiter, node);
}

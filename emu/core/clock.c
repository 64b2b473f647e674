/* SPDX-License-Identifier: MIT */
/* Virtual time and the event queue: see clock.h. The queue is a sorted list: a machine has tens of events,
 * nearly all scheduled near the end of it, so insertion looks from the back. */
#include "emu/core/clock.h"

#include <stddef.h>

void clock_init(struct clock *clock, unsigned shift)
{
    *clock = (struct clock){.shift = shift};
    list_init(&clock->queue);
    list_init(&clock->all);
}

vtime clock_now(const struct clock *clock)
{
    if (!clock->in_flight) return clock->base;
    return clock->base + (vtime)(clock->in_flight(clock->owner) << clock->shift);
}

void clock_event_init(struct clock_event *event, struct clock *clock, const char *name,
                      void (*fire)(void *owner), void *owner)
{
    *event = (struct clock_event){
        .name = name, .fire = fire, .owner = owner, .clock = clock, .deadline = VTIME_NEVER};
    list_init(&event->queued);
    list_append(&clock->all, &event->known);
}

void clock_event_destroy(struct clock_event *event)
{
    if (!event->clock) return;
    clock_event_cancel(event);
    list_remove(&event->known);
    event->clock = NULL;
}

static struct clock_event *event_at(struct list *node)
{
    return list_entry(node, struct clock_event, queued);
}

void clock_event_at(struct clock_event *event, vtime deadline)
{
    struct clock *clock = event->clock;
    clock_event_cancel(event);
    if (deadline == VTIME_NEVER) return;
    event->deadline = deadline;
    event->order = clock->next_order++;
    struct list *before = clock->queue.prev;
    while (before != &clock->queue && event_at(before)->deadline > deadline) before = before->prev;
    list_insert_before(before->next, &event->queued);
    if (before == &clock->queue && clock->deadline_moved) clock->deadline_moved(clock->owner);
}

void clock_event_in(struct clock_event *event, vtime delay)
{
    vtime deadline;
    if (__builtin_add_overflow(clock_now(event->clock), delay, &deadline)) deadline = VTIME_NEVER;
    clock_event_at(event, deadline);
}

void clock_event_cancel(struct clock_event *event)
{
    list_remove(&event->queued);
    event->deadline = VTIME_NEVER;
}

bool clock_event_pending(const struct clock_event *event)
{
    return event->deadline != VTIME_NEVER;
}

vtime clock_deadline(const struct clock *clock)
{
    return list_empty(&clock->queue) ? VTIME_NEVER : event_at(clock->queue.next)->deadline;
}

uint64_t clock_insns_until(const struct clock *clock, vtime deadline)
{
    if (deadline <= clock->base) return 0;
    uint64_t left = (uint64_t)(deadline - clock->base);
    return (left >> clock->shift) + ((left & ((UINT64_C(1) << clock->shift) - 1)) != 0);
}

void clock_advance(struct clock *clock, uint64_t insns)
{
    clock->base += (vtime)(insns << clock->shift);
}

void clock_jump(struct clock *clock, vtime to)
{
    if (to > clock->base) clock->base = to;
}

unsigned clock_fire_due(struct clock *clock)
{
    unsigned fired = 0;
    /* What is scheduled for now while events fire waits for the next call, so that this ends: its order is
     * not below `last`. Any event may be cancelled or scheduled anew by one that fires, so the search starts
     * over each time. */
    uint64_t last = clock->next_order;
    for (;;) {
        struct clock_event *due = NULL;
        for (struct list *node = clock->queue.next; node != &clock->queue; node = node->next) {
            struct clock_event *event = event_at(node);
            if (event->deadline > clock->base) break;
            if (event->order < last) {
                due = event;
                break;
            }
        }
        if (!due) return fired;
        clock_event_cancel(due);
        due->fire(due->owner);
        fired++;
    }
}

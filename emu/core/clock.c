/* SPDX-License-Identifier: MIT */
/* Virtual time and the event queue: see clock.h. The queue is a sorted list: a machine has tens of events,
 * nearly all scheduled near the end of it, so insertion looks from the back. */
#include "emu/core/clock.h"

#include <stddef.h>
#include <string.h>

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

/* ---- save and load ---- */

struct clock_state {
    int64_t base;
    uint64_t next_order;
    uint32_t pending;
};
static const struct state_field clock_fields[] = {
    STATE_FIELD(struct clock_state, base),
    STATE_FIELD(struct clock_state, next_order),
    STATE_FIELD(struct clock_state, pending),
    STATE_END,
};
static const struct state_table clock_table = {"clock", 1, sizeof(struct clock_state), clock_fields};

#define EVENT_NAME 64
struct event_state {
    uint8_t name[EVENT_NAME]; /* ends with a zero byte */
    int64_t deadline;
    uint64_t order;
};
static const struct state_field event_fields[] = {
    STATE_FIELD(struct event_state, name),
    STATE_FIELD(struct event_state, deadline),
    STATE_FIELD(struct event_state, order),
    STATE_END,
};
static const struct state_table event_table = {"clock-event", 1, sizeof(struct event_state), event_fields};

void clock_save(const struct clock *clock, struct state_buffer *to)
{
    struct clock_state state = {.base = clock->base, .next_order = clock->next_order};
    for (struct list *node = clock->queue.next; node != &clock->queue; node = node->next) state.pending++;
    state_save(&clock_table, &state, to);
    for (struct list *node = clock->queue.next; node != &clock->queue; node = node->next) {
        const struct clock_event *event = event_at(node);
        struct event_state saved = {.deadline = event->deadline, .order = event->order};
        strncpy((char *)saved.name, event->name, EVENT_NAME - 1);
        state_save(&event_table, &saved, to);
    }
}

static struct clock_event *event_find(struct clock *clock, const char *name)
{
    for (struct list *node = clock->all.next; node != &clock->all; node = node->next) {
        struct clock_event *event = list_entry(node, struct clock_event, known);
        if (!strncmp(event->name, name, EVENT_NAME - 1)) return event;
    }
    return NULL;
}

/* Events are saved soonest first, so each goes to the end of the queue. */
static bool event_load(struct clock *clock, struct state_buffer *from, struct error *error)
{
    struct event_state saved;
    if (!state_load(&event_table, &saved, from, error)) return false;
    saved.name[EVENT_NAME - 1] = 0;
    struct clock_event *event = event_find(clock, (const char *)saved.name);
    if (!event) return error_set(error, "clock: there is no event %s", (const char *)saved.name);
    bool first = list_empty(&clock->queue);
    if (clock_event_pending(event) || saved.deadline == VTIME_NEVER || saved.order >= clock->next_order ||
        (!first && event_at(clock->queue.prev)->deadline > saved.deadline))
        return error_set(error, "clock: event %s is out of order", (const char *)saved.name);
    event->deadline = saved.deadline;
    event->order = saved.order;
    list_append(&clock->queue, &event->queued);
    return true;
}

bool clock_load(struct clock *clock, struct state_buffer *from, struct error *error)
{
    struct clock_state state;
    if (!state_load(&clock_table, &state, from, error)) return false;
    while (!list_empty(&clock->queue)) clock_event_cancel(event_at(clock->queue.next));
    clock->base = state.base;
    clock->next_order = state.next_order;
    for (uint32_t i = 0; i < state.pending; i++)
        if (!event_load(clock, from, error)) return false;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Virtual time and the one event queue.
 *
 * Time is counted in virtual nanoseconds since power-on and moves only when instructions retire (each worth 1
 * << shift nanoseconds) or when every CPU is halted and the run loop jumps to the next event. Timers, disk
 * completions, wake-ups of waiters and the run loop's deadlines are all events here; no device keeps a clock
 * of its own.
 *
 * An event is a structure inside its owner: scheduling allocates nothing. Events fire in order of (deadline,
 * order of scheduling), on the machine's thread, never inside the call that scheduled them; what a firing
 * event schedules for now or earlier comes after all that were due already. An event that is scheduled for a
 * time that has passed fires at the next instruction boundary. What must survive a save is (name, deadline,
 * order); the name is unique in the machine.
 */
#ifndef EMU_CORE_CLOCK_H
#define EMU_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "emu/core/error.h"
#include "emu/core/list.h"
#include "emu/core/state.h"

typedef int64_t vtime; /* virtual nanoseconds */

#define VTIME_NEVER INT64_MAX
#define VTIME_US    INT64_C(1000)
#define VTIME_MS    INT64_C(1000000)
#define VTIME_S     INT64_C(1000000000)

struct clock {
    vtime base;          /* time at the last clock_advance or clock_jump */
    unsigned shift;      /* one instruction is 1 << shift nanoseconds */
    uint64_t next_order; /* stamps events that share a deadline */
    struct list queue;   /* scheduled events, soonest first */
    struct list all;     /* every initialised event, for listing and saving */

    /* Set by the run loop around each run of a CPU: the instructions that it has retired since `base`. NULL
     * while none runs. */
    uint64_t (*in_flight)(void *owner);
    /* Called when an event became the soonest one, so that a running CPU can end its run in time. */
    void (*deadline_moved)(void *owner);
    void *owner;
};

struct clock_event {
    const char *name;
    void (*fire)(void *owner);
    void *owner;
    struct clock *clock;
    struct list queued; /* in clock->queue while pending */
    struct list known;  /* in clock->all */
    vtime deadline;     /* VTIME_NEVER while not pending */
    uint64_t order;
};

void clock_init(struct clock *clock, unsigned shift);

/* The virtual time now, exact to the instruction even in the middle of a run. */
vtime clock_now(const struct clock *clock);

/* Before an event is first used; and when its owner goes, which cancels it (harmless a second time, or when
 * all of the structure is zero). `name` must outlive the event. */
void clock_event_init(struct clock_event *event, struct clock *clock, const char *name,
                      void (*fire)(void *owner), void *owner);
void clock_event_destroy(struct clock_event *event);

/* (Re)schedules the event. An event is pending once at the most; a new call replaces the old deadline.
 * VTIME_NEVER, and a delay that reaches beyond it, cancels. */
void clock_event_at(struct clock_event *event, vtime deadline);
void clock_event_in(struct clock_event *event, vtime delay);
void clock_event_cancel(struct clock_event *event); /* harmless when not pending */
bool clock_event_pending(const struct clock_event *event);

/* For the run loop. */
vtime clock_deadline(const struct clock *clock); /* soonest event, or VTIME_NEVER */
/* Instructions from the last clock_advance or clock_jump to `deadline`, rounded up; 0 when it has passed. */
uint64_t clock_insns_until(const struct clock *clock, vtime deadline);
void clock_advance(struct clock *clock, uint64_t insns); /* that many retired; no CPU is in flight */
void clock_jump(struct clock *clock, vtime to); /* every CPU is halted; into the past: does nothing */
/* Fires what was due when it was called, soonest first; returns how many. No CPU is in flight. */
unsigned clock_fire_due(struct clock *clock);

/* Time and what is pending, by name. Loading replaces all of it; an event that no longer exists, or one out of order, is
 * an error, and then nothing may be relied on. No CPU is in flight. */
void clock_save(const struct clock *clock, struct state_buffer *to);
bool clock_load(struct clock *clock, struct state_buffer *from, struct error *error);

#endif

/* SPDX-License-Identifier: MIT */
/* Timer of the local APIC. Intel SDM 3A, 10.5.4. */
#include "devices/platform/lapic_internal.h"
#include "emu/core/trace.h"

TRACE_EVENT(trace_timer, "lapic.timer", "cpu:u next:d");

static int64_t timer_divisor(const struct lapic *lapic)
{
    unsigned code = (lapic->state.timer_divide & 3) | (lapic->state.timer_divide >> 1 & 4);
    return code == 7 ? 1 : 2 << code;
}

static bool timer_is_periodic(const struct lapic *lapic)
{
    return lapic->state.lvt[TIMER] & LVT_PERIODIC;
}

static int64_t timer_period(const struct lapic *lapic)
{
    return lapic->state.timer_initial * timer_divisor(lapic);
}

void lapic_timer_schedule(struct lapic *lapic)
{
    if (lapic->state.timer_deadline == VTIME_NEVER)
        clock_event_cancel(&lapic->timer);
    else
        clock_event_at(&lapic->timer, lapic->state.timer_deadline);
}

/* The event may be late: a one-shot count stays at 0 then, a periodic one has gone on. */
uint32_t lapic_timer_current(const struct lapic *lapic)
{
    vtime now = clock_now(lapic->wiring.clock), left = lapic->state.timer_deadline;
    if (left == VTIME_NEVER) return 0;
    left -= now;
    if (left <= 0) {
        if (!timer_is_periodic(lapic) || !lapic->state.timer_initial) return 0;
        left = timer_period(lapic) - -left % timer_period(lapic);
    }
    return (uint32_t)((left + timer_divisor(lapic) - 1) / timer_divisor(lapic));
}

void lapic_timer_start(struct lapic *lapic, uint32_t count)
{
    lapic->state.timer_deadline =
        count ? clock_now(lapic->wiring.clock) + count * timer_divisor(lapic) : VTIME_NEVER;
    lapic_timer_schedule(lapic);
}

/* The count goes on from where it is, unless its interrupt is due already. */
void lapic_timer_set_divide(struct lapic *lapic, uint32_t value)
{
    uint32_t count = lapic_timer_current(lapic);
    lapic->state.timer_divide = value;
    if (lapic->state.timer_deadline > clock_now(lapic->wiring.clock)) lapic_timer_start(lapic, count);
}

/* Periods that went by within one instruction come as one interrupt. */
void lapic_timer_expired(void *owner)
{
    struct lapic *lapic = owner;
    uint32_t entry = lapic->state.lvt[TIMER];
    vtime late = clock_now(lapic->wiring.clock) - lapic->state.timer_deadline;
    if (timer_is_periodic(lapic) && lapic->state.timer_initial)
        lapic->state.timer_deadline += (late / timer_period(lapic) + 1) * timer_period(lapic);
    else
        lapic->state.timer_deadline = VTIME_NEVER;
    lapic_timer_schedule(lapic);
    if (trace_on(&trace_timer))
        trace_emit(&trace_timer, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu,
                   (int64_t)lapic->state.timer_deadline);
    if (!(entry & LVT_MASKED) && lapic_works(lapic)) lapic_accept(lapic, entry & ENTRY_VECTOR, false);
}

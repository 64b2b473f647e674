/* SPDX-License-Identifier: MIT */
/*
 * High precision event timer. IA-PC HPET specification 1.0a.
 *
 * The main counter is what it was when it was started plus the ticks since then. A timer knows the count at which it fires
 * next (`target`, 64 bits wide whatever the comparator is); each access first lets comparators of periodic timers catch up.
 */
#include "devices/platform/hpet.h"

#include <stdlib.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

enum { TIMERS = 3, LEGACY_LINES = 2, WINDOW_SIZE = 0x400 };

/* Registers (2.3.1): 64 bits each. */
enum {
    GCAP_ID = 0x000,
    GEN_CONF = 0x010,
    GINTR_STA = 0x020,
    MAIN_CNT = 0x0f0,
    TIMER_BASE = 0x100,
    TIMER_STEP = 0x20
};
enum { TIMER_CONF = 0x00, TIMER_COMPARATOR = 0x08, TIMER_FSB = 0x10 };
#define TICK_FEMTOSECONDS (HPET_TICK_NS * UINT64_C(1000000))

enum { CONF_ENABLE = 1, CONF_LEGACY = 2 };

/* Tn_CONF (2.3.8). */
enum {
    TN_LEVEL = 0x0002,
    TN_ENABLE = 0x0004,
    TN_PERIODIC = 0x0008,
    TN_PERIODIC_CAP = 0x0010,
    TN_64BIT_CAP = 0x0020,
    TN_SET_VALUE = 0x0040,
    TN_32BIT = 0x0100,
    TN_WRITABLE = 0x3f4e, /* bits 13:9 choose the pin */
};
#define TN_CAPS ((uint64_t)((1 << HPET_PINS) - 1) << (32 + HPET_FIRST_PIN) | TN_PERIODIC_CAP | TN_64BIT_CAP)

#define NO_TARGET UINT64_MAX

struct timer {
    uint64_t config; /* the writable bits */
    uint64_t comparator;
    uint64_t period;
    uint64_t target; /* count at which it fires; NO_TARGET: not before the counter wraps */
};

struct hpet_state {
    struct timer timer[TIMERS];
    uint64_t config;  /* GEN_CONF */
    uint64_t status;  /* GINTR_STA */
    uint64_t counter; /* MAIN_CNT, at `started` while it runs */
    int64_t started;
    uint32_t pins;  /* levels of the lines driven: HPET_PINS, then the legacy ones */
    uint8_t inputs; /* of the 8254 and the RTC */
};

struct hpet {
    struct device device;
    struct hpet_state state;
    struct hpet_wiring wiring;
    struct clock_event event; /* the nearest target */
    struct region *region;
};

static const struct state_field timer_fields[] = {
    STATE_FIELD(struct timer, config),
    STATE_FIELD(struct timer, comparator),
    STATE_FIELD(struct timer, period),
    STATE_FIELD(struct timer, target),
    STATE_END,
};
static const struct state_field hpet_fields[] = {
    STATE_STRUCTS(struct hpet_state, timer, timer_fields),
    STATE_FIELD(struct hpet_state, config),
    STATE_FIELD(struct hpet_state, status),
    STATE_FIELD(struct hpet_state, counter),
    STATE_FIELD(struct hpet_state, started),
    STATE_FIELD(struct hpet_state, pins),
    STATE_FIELD(struct hpet_state, inputs),
    STATE_END,
};
static const struct state_table hpet_table = {"hpet", 1, sizeof(struct hpet_state), hpet_fields};

TRACE_EVENT(trace_write, "hpet.write", "offset:x value:x");
TRACE_EVENT(trace_fire, "hpet.fire", "timer:u line:u count:x");

/* Counter and targets. */

static bool hpet_running(const struct hpet *hpet)
{
    return hpet->state.config & CONF_ENABLE;
}

static uint64_t hpet_count(const struct hpet *hpet)
{
    if (!hpet_running(hpet)) return hpet->state.counter;
    return hpet->state.counter +
           (uint64_t)(clock_now(hpet->wiring.clock) - hpet->state.started) / HPET_TICK_NS;
}

/* When the counter gets there; VTIME_NEVER when time does not reach so far. */
static vtime hpet_time_of(const struct hpet *hpet, uint64_t count)
{
    uint64_t ticks = count - hpet->state.counter;
    uint64_t most = (uint64_t)(VTIME_NEVER - 1 - hpet->state.started) / HPET_TICK_NS;
    return ticks > most ? VTIME_NEVER : hpet->state.started + (vtime)ticks * HPET_TICK_NS;
}

static bool timer_is_periodic(const struct timer *timer)
{
    return timer->config & TN_PERIODIC;
}

static uint64_t timer_mask(const struct timer *timer)
{
    return timer->config & TN_32BIT ? UINT32_MAX : UINT64_MAX;
}

/* The first count after `count` at which the comparator matches. */
static uint64_t timer_next_match(const struct timer *timer, uint64_t count)
{
    uint64_t between = (timer->comparator - count - 1) & timer_mask(timer), target;
    return __builtin_add_overflow(count + 1, between, &target) ? NO_TARGET : target;
}

/* Targets that have been passed: true when there was one. The comparator of a periodic timer moves on by as many periods as
 * it takes. */
static bool timer_catch_up(struct timer *timer, uint64_t count)
{
    if (count < timer->target) return false;
    if (timer_is_periodic(timer) && timer->period) {
        uint64_t passed = (count - timer->target) / timer->period * timer->period;
        timer->comparator = (timer->comparator + passed + timer->period) & timer_mask(timer);
        if (__builtin_add_overflow(timer->target + passed, timer->period, &timer->target))
            timer->target = NO_TARGET;
    } else {
        timer->target = timer_next_match(timer, count);
    }
    return true;
}

/* Lines (2.3.8, 2.4.3). */

static const struct irq_line *hpet_line(const struct hpet *hpet, unsigned line)
{
    if (line < HPET_PINS) return &hpet->wiring.pin[line];
    return line == HPET_PINS ? &hpet->wiring.irq0 : &hpet->wiring.irq8;
}

/* The line of a timer, -1 when its route leads nowhere. */
static int timer_line(const struct hpet *hpet, unsigned n)
{
    if (hpet->state.config & CONF_LEGACY && n < LEGACY_LINES) return (int)(HPET_PINS + n);
    unsigned route = bits_get((uint32_t)hpet->state.timer[n].config, 9, 5);
    return route >= HPET_FIRST_PIN && route < HPET_FIRST_PIN + HPET_PINS ? (int)(route - HPET_FIRST_PIN) : -1;
}

static void line_set(struct hpet *hpet, unsigned line, bool level)
{
    if (!!(hpet->state.pins & BIT(line)) == level) return;
    hpet->state.pins ^= BIT(line);
    irq_set(hpet_line(hpet, line), level);
}

/* What each line should show: pending levels of its timers, what goes through to the legacy lines, and the last edge of a
 * timer that is still enabled. */
static void lines_update(struct hpet *hpet)
{
    uint32_t high = 0, edges = 0;
    for (unsigned n = 0; n < TIMERS; n++) {
        int line = timer_line(hpet, n);
        uint64_t config = hpet->state.timer[n].config;
        if (line < 0 || !(config & TN_ENABLE)) continue;
        if (!(config & TN_LEVEL)) edges |= BIT(line);
        if (config & TN_LEVEL && hpet->state.status & BIT(n)) high |= BIT(line);
    }
    if (!(hpet->state.config & CONF_LEGACY)) high |= (uint32_t)hpet->state.inputs << HPET_PINS;
    for (unsigned line = 0; line < HPET_PINS + LEGACY_LINES; line++) {
        if (high & BIT(line))
            line_set(hpet, line, true);
        else if (!(edges & BIT(line)))
            line_set(hpet, line, false);
    }
}

static void timer_fire(struct hpet *hpet, unsigned n)
{
    const struct timer *timer = &hpet->state.timer[n];
    int line = timer_line(hpet, n);
    if (timer->config & TN_LEVEL) hpet->state.status |= BIT(n);
    if (!(timer->config & TN_ENABLE) || line < 0) return;
    if (trace_on(&trace_fire))
        trace_emit(&trace_fire, hpet->wiring.clock, (uint64_t)n, (uint64_t)line, hpet_count(hpet));
    if (!(timer->config & TN_LEVEL)) line_set(hpet, (unsigned)line, false);
    line_set(hpet, (unsigned)line, true);
}

/* Fires what is due and waits for what comes next; to be called before anything is looked at or changed. */
static void hpet_sync(struct hpet *hpet)
{
    uint64_t count = hpet_count(hpet);
    if (!hpet_running(hpet)) return;
    for (unsigned n = 0; n < TIMERS; n++)
        if (timer_catch_up(&hpet->state.timer[n], count)) timer_fire(hpet, n);
}

/* Timers without an enabled interrupt need no event: they catch up when somebody looks. */
static void hpet_schedule(struct hpet *hpet)
{
    vtime nearest = VTIME_NEVER;
    for (unsigned n = 0; n < TIMERS && hpet_running(hpet); n++) {
        const struct timer *timer = &hpet->state.timer[n];
        if (timer->target == NO_TARGET || !(timer->config & TN_ENABLE)) continue;
        vtime due = hpet_time_of(hpet, timer->target);
        if (due < nearest) nearest = due;
    }
    if (nearest == VTIME_NEVER)
        clock_event_cancel(&hpet->event);
    else
        clock_event_at(&hpet->event, nearest);
}

static void hpet_due(void *owner)
{
    hpet_sync(owner);
    hpet_schedule(owner);
}

/* Registers. Writes come as dwords; `keep` are the bits of the register that this one leaves alone. */

/* A comparator that equals the counter when it is set matches at once. */
static void timer_aim(struct hpet *hpet, struct timer *timer)
{
    uint64_t count = hpet_count(hpet);
    bool now = !((timer->comparator - count) & timer_mask(timer));
    timer->target = now ? count : timer_next_match(timer, count);
}

static void timer_write_config(struct timer *timer, uint64_t value)
{
    timer->config = value & TN_WRITABLE;
    if (timer->config & TN_32BIT) {
        timer->comparator &= UINT32_MAX;
        timer->period &= UINT32_MAX;
    }
}

/* In periodic mode a write sets the period, and the comparator only right after TN_SET_VALUE was set (2.3.9.2.2). */
static void timer_write_comparator(struct timer *timer, uint64_t keep, uint64_t value)
{
    bool set_comparator = !timer_is_periodic(timer) || timer->config & TN_SET_VALUE;
    if (set_comparator) timer->comparator = ((timer->comparator & keep) | value) & timer_mask(timer);
    if (timer_is_periodic(timer)) timer->period = ((timer->period & keep) | value) & timer_mask(timer);
    timer->config &= ~(uint64_t)TN_SET_VALUE;
}

static void timer_write(struct hpet *hpet, unsigned n, unsigned offset, uint64_t keep, uint64_t value)
{
    struct timer *timer = &hpet->state.timer[n];
    if (offset == TIMER_CONF)
        timer_write_config(timer, (timer->config & keep) | value);
    else if (offset == TIMER_COMPARATOR)
        timer_write_comparator(timer, keep, value);
    else
        return; /* no FSB messages */
    timer_aim(hpet, timer);
}

/* The counter stops at what it shows, and goes on from there. */
static void config_write(struct hpet *hpet, uint64_t value)
{
    if ((hpet->state.config ^ value) & CONF_ENABLE) {
        hpet->state.counter = hpet_count(hpet);
        hpet->state.started = clock_now(hpet->wiring.clock);
    }
    hpet->state.config = value & (CONF_ENABLE | CONF_LEGACY);
}

static void counter_write(struct hpet *hpet, uint64_t keep, uint64_t value)
{
    if (hpet_running(hpet)) lint(hpet->device.name, "HPET 1.0a, 2.3.7", "main counter written while it runs");
    hpet->state.counter = (hpet_count(hpet) & keep) | value;
    hpet->state.started = clock_now(hpet->wiring.clock);
    for (unsigned n = 0; n < TIMERS; n++) timer_aim(hpet, &hpet->state.timer[n]);
}

static void register_write(struct hpet *hpet, unsigned offset, uint64_t keep, uint64_t value)
{
    if (offset >= TIMER_BASE && offset < TIMER_BASE + TIMERS * TIMER_STEP) {
        unsigned n = (offset - TIMER_BASE) / TIMER_STEP;
        timer_write(hpet, n, (offset - TIMER_BASE) % TIMER_STEP, keep, value);
    } else if (offset == GEN_CONF) {
        config_write(hpet, (hpet->state.config & keep) | value);
    } else if (offset == GINTR_STA) {
        hpet->state.status &= ~value;
    } else if (offset == MAIN_CNT) {
        counter_write(hpet, keep, value);
    }
    lines_update(hpet);
}

static uint64_t timer_read(const struct timer *timer, unsigned offset)
{
    if (offset == TIMER_CONF) return (timer->config & ~(uint64_t)TN_SET_VALUE) | TN_CAPS;
    return offset == TIMER_COMPARATOR ? timer->comparator : 0;
}

static uint64_t register_read(const struct hpet *hpet, unsigned offset)
{
    switch (offset) {
    case GCAP_ID: return TICK_FEMTOSECONDS << 32 | HPET_BLOCK_ID;
    case GEN_CONF: return hpet->state.config;
    case GINTR_STA: return hpet->state.status;
    case MAIN_CNT: return hpet_count(hpet);
    default: break;
    }
    if (offset < TIMER_BASE || offset >= TIMER_BASE + TIMERS * TIMER_STEP) return 0;
    unsigned n = (offset - TIMER_BASE) / TIMER_STEP;
    return timer_read(&hpet->state.timer[n], (offset - TIMER_BASE) % TIMER_STEP);
}

static enum mem_result window_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct hpet *hpet = owner;
    hpet_sync(hpet);
    hpet_schedule(hpet);
    *value = register_read(hpet, (unsigned)at.offset & ~7u) >> (8 * (at.offset & 7)) & bytes_mask(size);
    return MEM_OK;
}

static enum mem_result window_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct hpet *hpet = owner;
    unsigned shift = 8 * (unsigned)(at.offset & 7);
    if (trace_on(&trace_write)) trace_emit(&trace_write, hpet->wiring.clock, (uint64_t)at.offset, value);
    hpet_sync(hpet);
    register_write(hpet, (unsigned)at.offset & ~7u, ~(bytes_mask(size) << shift), value << shift);
    hpet_schedule(hpet);
    return MEM_OK;
}

/* 32- and 64-bit accesses only (2.3.1). */
static const struct mmio_ops window_ops = {window_read, window_write, 4, 8, false};

/* What goes through. */

static void input_set(void *owner, int input, bool level)
{
    struct hpet *hpet = owner;
    uint8_t bit = (uint8_t)BIT(input);
    hpet->state.inputs = level ? hpet->state.inputs | bit : hpet->state.inputs & ~bit;
    if (!(hpet->state.config & CONF_LEGACY)) line_set(hpet, HPET_PINS + (unsigned)input, level);
}

struct irq_line hpet_pit_input(struct hpet *hpet)
{
    return (struct irq_line){input_set, hpet, 0};
}

struct irq_line hpet_rtc_input(struct hpet *hpet)
{
    return (struct irq_line){input_set, hpet, 1};
}

/* Reset and creation. */

static void hpet_reset(struct device *device)
{
    struct hpet *hpet = list_entry(device, struct hpet, device);
    clock_event_cancel(&hpet->event);
    hpet->state = (struct hpet_state){.pins = hpet->state.pins, .inputs = hpet->state.inputs};
    for (unsigned n = 0; n < TIMERS; n++)
        hpet->state.timer[n] = (struct timer){.comparator = UINT64_MAX, .target = NO_TARGET};
    lines_update(hpet);
}

static void hpet_loaded(struct device *device)
{
    struct hpet *hpet = list_entry(device, struct hpet, device);
    lines_update(hpet);
    hpet_schedule(hpet);
}

static void hpet_destroy(struct device *device)
{
    struct hpet *hpet = list_entry(device, struct hpet, device);
    clock_event_destroy(&hpet->event);
    region_remove(hpet->region);
    region_release(hpet->region);
    free(hpet);
}

static const struct device_ops hpet_ops = {"hpet", &hpet_table, hpet_reset, hpet_loaded, hpet_destroy};

struct hpet *hpet_new(const struct hpet_wiring *wiring)
{
    struct hpet *hpet = calloc(1, sizeof(*hpet));
    if (!hpet) return NULL;
    hpet->wiring = *wiring;
    clock_event_init(&hpet->event, wiring->clock, "hpet", hpet_due, hpet);
    hpet->region = region_new_mmio("HPET", WINDOW_SIZE, &window_ops, hpet, NULL);
    region_add(wiring->memory, HPET_BASE, hpet->region, 0);
    device_add(wiring->devices, &hpet->device, &hpet_ops, "hpet", &hpet->state);
    hpet_reset(&hpet->device);
    return hpet;
}

/* SPDX-License-Identifier: MIT */
/*
 * 8254 programmable interval timer. Intel 82C54 data sheet.
 *
 * A counter is described by when its counting element (CE) was loaded and with what; CE and OUT at any later tick follow by
 * arithmetic. Only a load that is still to come (a count written while the old one runs) has to be remembered: each access
 * first carries out the load that has become due (counter_sync), then looks.
 */
#include "devices/platform/i8254.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

enum { COUNTERS = 3, CONTROL = 3 };

/* Control word. */
enum { CW_BCD = 0x01, READ_BACK = 3, READ_BACK_NO_COUNT = 0x20, READ_BACK_NO_STATUS = 0x10 };
enum access { ACCESS_LATCH, ACCESS_LSB, ACCESS_MSB, ACCESS_WORD };
/* Status byte. */
enum { STATUS_OUT = 0x80, STATUS_NULL_COUNT = 0x40 };

enum mode { MODE_TERMINAL_COUNT, MODE_ONE_SHOT, MODE_RATE, MODE_SQUARE, MODE_SOFT_STROBE, MODE_HARD_STROBE };

#define NEVER INT64_MAX

struct counter {
    /* Programming. */
    uint8_t mode;
    uint8_t access;
    bool bcd;
    bool gate;
    bool programmed;    /* a control word has been written */
    bool null_count;    /* what was written is not in CE yet */
    bool write_high;    /* the next byte written is the MSB */
    bool read_high;     /* the next byte read is the MSB */
    uint16_t reload;    /* count register, as written */
    uint8_t reload_low; /* its LSB, until the MSB comes */
    bool latched;       /* output latch holds a count */
    bool status_latched;
    uint16_t latch;
    uint8_t status;

    /* Counting. */
    bool loaded;   /* CE holds a count of this mode */
    bool counting; /* the clock reaches CE */
    bool done;     /* modes 0, 1, 4, 5: terminal count was reached before `start` */
    int64_t start; /* tick at which CE was `value`; mode 3: at which OUT went high */
    uint32_t value;
    uint32_t period;   /* modes 2 and 3 */
    int64_t load_tick; /* when the count register goes into CE; NEVER when nothing is to come */
};

struct i8254_state {
    struct counter counter[COUNTERS];
    int64_t out0_tick; /* up to where OUT 0 has been passed on */
};

struct i8254 {
    struct device device;
    struct i8254_state state;
    struct clock *clock;
    struct clock_event out0_event;
    struct irq_line out0;
    struct region *region;
};

static const struct state_field counter_fields[] = {
    STATE_FIELD(struct counter, mode),       STATE_FIELD(struct counter, access),
    STATE_FIELD(struct counter, bcd),        STATE_FIELD(struct counter, gate),
    STATE_FIELD(struct counter, programmed), STATE_FIELD(struct counter, null_count),
    STATE_FIELD(struct counter, write_high), STATE_FIELD(struct counter, read_high),
    STATE_FIELD(struct counter, reload),     STATE_FIELD(struct counter, reload_low),
    STATE_FIELD(struct counter, latched),    STATE_FIELD(struct counter, status_latched),
    STATE_FIELD(struct counter, latch),      STATE_FIELD(struct counter, status),
    STATE_FIELD(struct counter, loaded),     STATE_FIELD(struct counter, counting),
    STATE_FIELD(struct counter, done),       STATE_FIELD(struct counter, start),
    STATE_FIELD(struct counter, value),      STATE_FIELD(struct counter, period),
    STATE_FIELD(struct counter, load_tick),  STATE_END,
};
static const struct state_field pit_fields[] = {
    STATE_STRUCTS(struct i8254_state, counter, counter_fields),
    STATE_FIELD(struct i8254_state, out0_tick),
    STATE_END,
};
static const struct state_table pit_table = {"i8254", 1, sizeof(struct i8254_state), pit_fields};

TRACE_EVENT(trace_control, "i8254.control", "counter:u mode:u access:u bcd:u");
TRACE_EVENT(trace_count, "i8254.count", "counter:u count:u");
TRACE_EVENT(trace_out0, "i8254.out0", "level:u");

/* Time. Split at whole seconds, so that no product leaves 64 bits. */

int64_t i8254_ticks_at(vtime time)
{
    return time / VTIME_S * I8254_HZ + time % VTIME_S * I8254_HZ / VTIME_S;
}

vtime i8254_time_of(int64_t ticks)
{
    return ticks / I8254_HZ * VTIME_S + (ticks % I8254_HZ * VTIME_S + I8254_HZ - 1) / I8254_HZ;
}

static int64_t pit_now(const struct i8254 *pit)
{
    return i8254_ticks_at(clock_now(pit->clock));
}

/* Counting element and OUT as functions of the tick. */

static uint32_t counter_modulus(const struct counter *c)
{
    return c->bcd ? 10000 : 65536;
}

static uint32_t from_bcd(uint16_t bcd)
{
    return (bcd >> 12) * 1000 + bits_get(bcd, 8, 4) * 100 + bits_get(bcd, 4, 4) * 10 + bits_get(bcd, 0, 4);
}

static uint16_t to_bcd(uint32_t n)
{
    return (uint16_t)(n / 1000 % 10 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10);
}

/* The count register as a number of pulses: 0 is the largest count. */
static uint32_t counter_reload(const struct counter *c)
{
    uint32_t count = c->bcd ? from_bcd(c->reload) : c->reload;
    return count ? count : counter_modulus(c);
}

static bool counter_is_periodic(const struct counter *c)
{
    return c->mode == MODE_RATE || c->mode == MODE_SQUARE;
}

/* Modes 1 and 5 start at a rising GATE. */
static bool counter_is_triggered(const struct counter *c)
{
    return c->mode == MODE_ONE_SHOT || c->mode == MODE_HARD_STROBE;
}

/* Mode 3: length of the high half; an odd count gives it the extra pulse. */
static uint32_t counter_high_half(const struct counter *c)
{
    return (c->period + 1) / 2;
}

/* Pulses since CE held `value`. */
static int64_t counter_elapsed(const struct counter *c, int64_t tick)
{
    return c->counting && tick > c->start ? tick - c->start : 0;
}

/* Place in the current period. */
static uint32_t counter_phase(const struct counter *c, int64_t tick)
{
    return (uint32_t)(counter_elapsed(c, tick) % c->period);
}

/* CE, as it would be read. In mode 3 it counts down by two, twice per period. */
static uint16_t counter_read_ce(const struct counter *c, int64_t tick)
{
    int64_t ce = c->value;
    if (c->loaded && c->mode == MODE_RATE) {
        ce = c->value - counter_phase(c, tick);
    } else if (c->loaded && c->mode == MODE_SQUARE && c->counting) {
        uint32_t phase = counter_phase(c, tick), high = counter_high_half(c);
        ce = (c->period & ~1u) - 2 * (phase < high ? phase : phase - high);
    } else {
        ce -= counter_elapsed(c, tick) % counter_modulus(c);
        if (ce < 0) ce += counter_modulus(c);
    }
    return c->bcd ? to_bcd((uint32_t)ce) : (uint16_t)ce;
}

static bool counter_out(const struct counter *c, int64_t tick)
{
    int64_t elapsed = counter_elapsed(c, tick);
    if (!c->loaded) return c->mode != MODE_TERMINAL_COUNT;
    switch ((enum mode)c->mode) {
    case MODE_TERMINAL_COUNT:
    case MODE_ONE_SHOT: return c->done || elapsed >= c->value;
    case MODE_RATE: return !c->counting || counter_phase(c, tick) != c->period - 1;
    case MODE_SQUARE: return !c->counting || counter_phase(c, tick) < counter_high_half(c);
    case MODE_SOFT_STROBE:
    case MODE_HARD_STROBE: return c->done || elapsed != c->value;
    }
    return true;
}

/* The next tick after this one at which OUT changes, as far as CE alone decides it. */
static int64_t counter_next_change(const struct counter *c, int64_t tick)
{
    if (!c->loaded || !c->counting) return NEVER;
    if (counter_is_periodic(c)) {
        uint32_t phase = counter_phase(c, tick);
        uint32_t low_from = c->mode == MODE_RATE ? c->period - 1 : counter_high_half(c);
        int64_t origin = tick > c->start ? tick - phase : c->start;
        return origin + (phase < low_from ? low_from : c->period);
    }
    if (c->done) return NEVER;
    int64_t terminal = c->start + c->value;
    if (tick < terminal) return terminal;
    bool strobe_ends = (c->mode == MODE_SOFT_STROBE || c->mode == MODE_HARD_STROBE) && tick == terminal;
    return strobe_ends ? terminal + 1 : NEVER;
}

/* Loading. */

/* The count register goes into CE at `tick`. */
static void counter_load(struct counter *c, int64_t tick)
{
    bool low_half = c->loaded && c->mode == MODE_SQUARE && !counter_out(c, tick);
    c->value = counter_reload(c);
    c->period = c->value > 1 ? c->value : 2;
    if (counter_is_periodic(c)) c->value = c->period;
    c->counting = c->gate || counter_is_triggered(c);
    c->start = low_half && c->counting ? tick - counter_high_half(c) : tick;
    c->loaded = true;
    c->done = false;
    c->null_count = false;
    c->load_tick = NEVER;
}

static void counter_sync(struct counter *c, int64_t tick)
{
    if (c->load_tick <= tick) counter_load(c, c->load_tick);
}

/* A whole count has been written. Modes 0 and 4 take it at the next pulse; modes 2 and 3 too, unless they are busy with a
 * period (a half, in mode 3), which is completed first; modes 1 and 5 wait for their trigger. */
static void counter_written(struct counter *c, uint16_t count, int64_t tick)
{
    c->reload = count;
    c->null_count = true;
    if (counter_is_triggered(c)) return;
    c->load_tick = tick + 1;
    if (!counter_is_periodic(c) || !c->loaded || !c->counting) return;
    if (c->mode == MODE_RATE)
        c->load_tick = tick - counter_phase(c, tick) + c->period;
    else
        c->load_tick = counter_next_change(c, tick);
}

/* Remembers where CE stands, before something changes how it goes on. */
static void counter_freeze(struct counter *c, int64_t tick)
{
    int64_t elapsed = counter_elapsed(c, tick);
    if (!counter_is_periodic(c) && elapsed < c->value) {
        c->value -= (uint32_t)elapsed; /* 65536 stays what it is, although it reads as 0 */
    } else {
        uint16_t ce = counter_read_ce(c, tick);
        c->value = c->bcd ? from_bcd(ce) : ce;
        c->done = true;
    }
    c->start = tick;
    c->counting = false;
}

/* GATE (82C54, figure 21 "Gate pin operations summary"). Low stops modes 0, 2, 3, 4 and sets OUT in 2 and 3; rising
 * reloads modes 1, 2, 3, 5 at the next pulse. */
static void counter_set_gate(struct counter *c, bool gate, int64_t tick)
{
    bool rising = gate && !c->gate;
    bool falling = !gate && c->gate;
    c->gate = gate;
    if (rising && c->programmed && (counter_is_triggered(c) || (counter_is_periodic(c) && c->loaded))) {
        c->load_tick = tick + 1;
    } else if (rising && c->loaded && !counter_is_periodic(c)) {
        c->start = tick;
        c->counting = true;
    } else if (falling && c->loaded && c->counting && !counter_is_triggered(c)) {
        counter_freeze(c, tick);
        if (counter_is_periodic(c)) c->load_tick = NEVER;
    }
}

/* Counter 0 at the wire. */

/* Changes of OUT 0 that are gone through one by one when time has run ahead of them. */
#define CATCH_UP_BUDGET 16

/* The tick of the next thing that happens to OUT 0 or its CE. */
static int64_t pit_next_out0(const struct i8254 *pit)
{
    const struct counter *c = &pit->state.counter[0];
    int64_t change = counter_next_change(c, pit->state.out0_tick);
    return c->load_tick < change ? c->load_tick : change;
}

/* Passes OUT on as it is at `tick`. */
static void pit_show_out0(struct i8254 *pit, int64_t tick)
{
    counter_sync(&pit->state.counter[0], tick);
    bool level = counter_out(&pit->state.counter[0], tick);
    if (trace_on(&trace_out0)) trace_emit(&trace_out0, pit->clock, (uint64_t)level);
    pit->state.out0_tick = tick;
    irq_set(&pit->out0, level);
}

static void pit_schedule(struct i8254 *pit)
{
    int64_t next = pit_next_out0(pit);
    if (next == NEVER)
        clock_event_cancel(&pit->out0_event);
    else
        clock_event_at(&pit->out0_event, i8254_time_of(next));
}

/* An event may come late by an instruction, which can be longer than a pulse: edges up to `tick` are passed on in order, so
 * that none is lost. */
static void pit_catch_up(struct i8254 *pit, int64_t tick)
{
    int64_t next = pit_next_out0(pit);
    for (int budget = CATCH_UP_BUDGET; next <= tick && budget > 0; budget--) {
        pit_show_out0(pit, next);
        next = pit_next_out0(pit);
    }
    if (next <= tick) pit_show_out0(pit, tick);
}

static void pit_out0_event(void *owner)
{
    struct i8254 *pit = owner;
    pit_catch_up(pit, pit_now(pit));
    pit_schedule(pit);
}

/* Brings every counter up to now; to be called before one is looked at or changed. */
static int64_t pit_sync(struct i8254 *pit)
{
    int64_t tick = pit_now(pit);
    pit_catch_up(pit, tick);
    for (int i = 1; i < COUNTERS; i++) counter_sync(&pit->state.counter[i], tick);
    return tick;
}

/* Counter 0 was changed by the guest. */
static void pit_out0_changed(struct i8254 *pit, int64_t tick)
{
    pit_show_out0(pit, tick);
    pit_schedule(pit);
}

/* Commands. */

static uint8_t counter_status(const struct counter *c, int64_t tick)
{
    return (counter_out(c, tick) ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL_COUNT : 0) |
           c->access << 4 | c->mode << 1 | c->bcd;
}

/* A second latch command before the first was read is ignored (82C54, "Counter Latch Command"). */
static void counter_latch(struct counter *c, int64_t tick)
{
    if (c->latched) return;
    c->latch = counter_read_ce(c, tick);
    c->latched = true;
}

static void pit_read_back(struct i8254 *pit, uint8_t command, int64_t tick)
{
    for (int i = 0; i < COUNTERS; i++) {
        struct counter *c = &pit->state.counter[i];
        if (!(command & BIT(i + 1))) continue;
        if (!(command & READ_BACK_NO_COUNT)) counter_latch(c, tick);
        if (!(command & READ_BACK_NO_STATUS) && !c->status_latched) {
            c->status = counter_status(c, tick);
            c->status_latched = true;
        }
    }
}

/* A control word stops the counter and puts OUT into the mode's initial state at once. */
static void counter_program(struct counter *c, uint8_t command, int64_t tick)
{
    uint8_t mode = bits_get(command, 1, 3);
    if (c->counting) counter_freeze(c, tick);
    *c = (struct counter){
        .mode = mode > MODE_HARD_STROBE ? mode & 3 : mode, /* bit 2 does not count in modes 2 and 3 */
        .access = bits_get(command, 4, 2),
        .bcd = command & CW_BCD,
        .gate = c->gate,
        .programmed = true,
        .null_count = true,
        .value = c->value,
        .load_tick = NEVER,
    };
}

static void pit_write_control(struct i8254 *pit, uint8_t command, int64_t tick)
{
    unsigned which = command >> 6;
    if (which == READ_BACK) {
        pit_read_back(pit, command, tick);
        return;
    }
    struct counter *c = &pit->state.counter[which];
    if (bits_get(command, 4, 2) == ACCESS_LATCH) {
        counter_latch(c, tick);
        return;
    }
    counter_program(c, command, tick);
    if (trace_on(&trace_control))
        trace_emit(&trace_control, pit->clock, (uint64_t)which, (uint64_t)c->mode, (uint64_t)c->access,
                   (uint64_t)c->bcd);
    if (which == 0) pit_out0_changed(pit, tick);
}

/* The first byte of two stops mode 0, with OUT low (82C54, "Mode 0"). */
static void counter_write_first_byte(struct counter *c, uint8_t value, int64_t tick)
{
    c->reload_low = value;
    c->write_high = true;
    if (c->mode != MODE_TERMINAL_COUNT) return;
    if (c->counting) counter_freeze(c, tick);
    c->loaded = false;
    c->load_tick = NEVER;
}

static void pit_write_counter(struct i8254 *pit, unsigned which, uint8_t value, int64_t tick)
{
    struct counter *c = &pit->state.counter[which];
    if (!c->programmed) {
        lint(pit->device.name, "82C54, Programming the 82C54", "counter %u written before its control word",
             which);
        return;
    }
    if (c->access == ACCESS_WORD && !c->write_high) {
        counter_write_first_byte(c, value, tick);
    } else {
        uint16_t count = c->access == ACCESS_LSB ? value : (uint16_t)(value << 8);
        if (c->access == ACCESS_WORD) count |= c->reload_low;
        c->write_high = false;
        counter_written(c, count, tick);
        if (c->mode == MODE_TERMINAL_COUNT)
            c->loaded = false; /* OUT goes low now, CE is loaded by the next pulse */
        if (count == 1 && counter_is_periodic(c))
            lint(pit->device.name, "82C54, Mode 2 and Mode 3",
                 "counter %u: a count of 1 is illegal in mode %u", which, c->mode);
        if (trace_on(&trace_count))
            trace_emit(&trace_count, pit->clock, (uint64_t)which, (uint64_t)counter_reload(c));
    }
    if (which == 0) pit_out0_changed(pit, tick);
}

/* Status comes before the count when both were latched (82C54, "Read-Back Command"). */
static uint8_t pit_read_counter(struct i8254 *pit, unsigned which, int64_t tick)
{
    struct counter *c = &pit->state.counter[which];
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    uint16_t count = c->latched ? c->latch : counter_read_ce(c, tick);
    bool high = c->access == ACCESS_MSB || (c->access == ACCESS_WORD && c->read_high);
    if (c->access == ACCESS_WORD) c->read_high = !c->read_high;
    if (c->access != ACCESS_WORD || !c->read_high) c->latched = false;
    return high ? count >> 8 : (uint8_t)count;
}

static enum mem_result pit_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    struct i8254 *pit = owner;
    int64_t tick = pit_sync(pit);
    if (at.offset == CONTROL)
        pit_write_control(pit, (uint8_t)value, tick);
    else
        pit_write_counter(pit, at.offset, (uint8_t)value, tick);
    return MEM_OK;
}

static enum mem_result pit_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    struct i8254 *pit = owner;
    int64_t tick = pit_sync(pit);
    *value = at.offset == CONTROL
                 ? 0xff
                 : pit_read_counter(pit, at.offset, tick); /* the control word is write-only */
    return MEM_OK;
}

static const struct mmio_ops pit_ops = {pit_read, pit_write, 1, 1, false};

/* For the board. */

void i8254_set_gate2(struct i8254 *pit, bool level)
{
    int64_t tick = pit_sync(pit);
    counter_set_gate(&pit->state.counter[2], level, tick);
}

bool i8254_out(struct i8254 *pit, int counter)
{
    int64_t tick = pit_sync(pit);
    return counter_out(&pit->state.counter[counter], tick);
}

unsigned i8254_tone(struct i8254 *pit)
{
    pit_sync(pit);
    const struct counter *c = &pit->state.counter[2];
    return c->mode == MODE_SQUARE && c->loaded && c->counting ? (unsigned)(I8254_HZ / c->period) : 0;
}

/* Reset and creation. */

static void pit_reset(struct device *device)
{
    struct i8254 *pit = list_entry(device, struct i8254, device);
    clock_event_cancel(&pit->out0_event);
    for (int i = 0; i < COUNTERS; i++)
        pit->state.counter[i] =
            (struct counter){.mode = MODE_SQUARE, .access = ACCESS_WORD, .gate = i != 2, .load_tick = NEVER};
    pit_out0_changed(pit, pit_now(pit));
}

static void pit_loaded(struct device *device)
{
    struct i8254 *pit = list_entry(device, struct i8254, device);
    for (int i = 0; i < COUNTERS; i++)
        if (pit->state.counter[i].period < 2) pit->state.counter[i].period = 2; /* it divides */
    irq_set(&pit->out0, counter_out(&pit->state.counter[0], pit->state.out0_tick));
    pit_schedule(pit);
}

static void pit_destroy(struct device *device)
{
    struct i8254 *pit = list_entry(device, struct i8254, device);
    clock_event_destroy(&pit->out0_event);
    ports_remove(pit->region);
    free(pit);
}

static const struct device_ops pit_device_ops = {"i8254", &pit_table, pit_reset, pit_loaded, pit_destroy};

struct i8254 *i8254_new(struct region *io, struct device_list *devices, struct clock *clock,
                        struct irq_line out0)
{
    struct i8254 *pit = calloc(1, sizeof(*pit));
    if (!pit) return NULL;
    pit->clock = clock;
    pit->out0 = out0;
    clock_event_init(&pit->out0_event, clock, "pit.out0", pit_out0_event, pit);
    pit->region = ports_add(io, 0x40, 4, "i8254", &pit_ops, pit);
    device_add(devices, &pit->device, &pit_device_ops, "pit", &pit->state);
    pit_reset(&pit->device);
    return pit;
}

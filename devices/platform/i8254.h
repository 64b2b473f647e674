/* SPDX-License-Identifier: MIT */
/*
 * 8254 programmable interval timer at ports 40h-43h: three 16-bit counters clocked at 1193182 Hz.
 *
 * Counter 0 drives IRQ 0, counter 1 belongs to memory refresh, counter 2 makes the speaker's tone and is gated by port 61h
 * (port61.h). Counts are computed from virtual time by exact fractions, so nothing drifts and nothing is counted down.
 *
 * Specification: Intel 82C54 data sheet. Undefined there and fixed here: counters before their first control word are idle
 * with OUT high; a count of 1 in mode 2 or 3 acts as 2; BCD digits above 9 count with their value.
 */
#ifndef DEVICES_PLATFORM_I8254_H
#define DEVICES_PLATFORM_I8254_H

#include "devices/device.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define I8254_HZ INT64_C(1193182)

struct i8254;

/* `out0` follows OUT of counter 0. */
struct i8254 *i8254_new(struct region *io, struct device_list *devices, struct clock *clock,
                        struct irq_line out0);

/* GATE of counter 2; those of 0 and 1 are tied high. */
void i8254_set_gate2(struct i8254 *pit, bool level);
bool i8254_out(struct i8254 *pit, int counter);
/* What counter 2 plays on the speaker: its frequency in Hz in mode 3, 0 while it makes no square wave. */
unsigned i8254_tone(struct i8254 *pit);

/* Input clock pulses since power-on at a virtual time, and the first time at which there are that many. */
int64_t i8254_ticks_at(vtime time);
vtime i8254_time_of(int64_t ticks);

#endif

/* SPDX-License-Identifier: MIT */
/* The clock of the demo: interrupt 0 of the 8254, 100 times a second.  Needs interrupts_init() before it. */
#ifndef DEMO_TIMER_H
#define DEMO_TIMER_H

#include <stdbool.h>
#include <stdint.h>

enum { TIMER_HZ = 100 };

void timer_init(void);

/* Ticks since timer_init(). */
uint32_t timer_ticks(void);

/* True if the ticks come at the promised rate, measured against channel 2 of the same chip. */
bool timer_check(void);

#endif

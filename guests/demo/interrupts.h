/* SPDX-License-Identifier: MIT */
/*
 * The interrupt descriptor table, the two 8259 interrupt controllers, and what happens on an exception.
 * IRQ 0 to 15 arrive as vectors 32 to 47.
 */
#ifndef DEMO_INTERRUPTS_H
#define DEMO_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

/* Loads the IDT and moves the 8259s to vectors 32 to 47, every line masked.  Leaves interrupts off. */
void interrupts_init(void);

/* Calls `handler`, with interrupts off, for each interrupt on this line, and unmasks the line. */
void interrupts_set_irq(unsigned irq, void (*handler)(void));

/* What one instruction ran into.  Any exception that is not awaited like this ends the demo with a report. */
struct fault {
    bool happened;
    uint32_t vector, error;
    uint32_t address; /* CR2; only for a page fault */
};

/* Read from, write to memory at `address`, or execute INT3, and come back whatever happens. */
struct fault fault_try_read(uint32_t address);
struct fault fault_try_write(uint32_t address);
struct fault fault_try_breakpoint(void);

#endif

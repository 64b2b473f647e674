/* SPDX-License-Identifier: MIT */
/*
 * An interrupt line: a wire from a device to whoever listens (an 8259 input, a PCI pin router). The device
 * holds it by value and sets its level; what the level means is the listener's business. An unconnected line
 * has no `set`.
 */
#ifndef EMU_CORE_IRQ_H
#define EMU_CORE_IRQ_H

#include <stdbool.h>

struct irq_line {
    void (*set)(void *owner, int number, bool level);
    void *owner;
    int number;
};

static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set) line->set(line->owner, line->number, level);
}

/* A line with several drivers, high while any of them is: the serial ports COM1 and COM3 share one. Which
 * inputs are high follows from the drivers' own state, so this is no state to save. */
struct shared_irq {
    struct irq_line out;
    unsigned high; /* bit per input */
};

static inline void shared_irq_set(void *owner, int number, bool level)
{
    struct shared_irq *shared = (struct shared_irq *)owner;
    unsigned bit = 1u << number;
    shared->high = level ? shared->high | bit : shared->high & ~bit;
    irq_set(&shared->out, shared->high != 0);
}

static inline void shared_irq_init(struct shared_irq *shared, struct irq_line out)
{
    shared->out = out;
    shared->high = 0;
}

/* Input `number`, 0 to 31. */
static inline struct irq_line shared_irq_input(struct shared_irq *shared, int number)
{
    return (struct irq_line){shared_irq_set, shared, number};
}

#endif

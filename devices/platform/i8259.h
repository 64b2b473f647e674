/* SPDX-License-Identifier: MIT */
/*
 * Two 8259A interrupt controllers, cascaded as in every PC: inputs 0-7 on the master at ports 20h/21h, inputs 8-15 on the
 * slave at A0h/A1h, whose output is input 2 of the master. ELCR at 4D0h/4D1h makes single inputs level-sensitive.
 *
 * Specification: Intel 8259A data sheet; Intel 82371SB (PIIX3), 4.4 "Interrupt Controller Registers", which adds ELCR and
 * ignores LTIM in ICW1. Where the two differ the PIIX3 is followed.
 *
 * An input that goes low before it was acknowledged takes its request back, in edge mode too; an acknowledge that finds no
 * request answers with input 7 and sets no in-service bit ("spurious" interrupt).
 */
#ifndef DEVICES_PLATFORM_I8259_H
#define DEVICES_PLATFORM_I8259_H

#include <stdio.h>
#include "devices/device.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define I8259_INPUTS 16

struct i8259_pair;

/* `intr` is the INTR pin of the CPU. The pair lives until the device list is destroyed. The clock stamps trace lines. */
struct i8259_pair *i8259_new(struct region *io, struct device_list *devices, struct clock *clock,
                             struct irq_line intr);

/* Input n (0 to 15). Input 2 is the cascade: a line to it goes nowhere. */
struct irq_line i8259_input(struct i8259_pair *pair, int n);

/* The CPU's two INTA cycles: the interrupt is taken; returns its vector (0 to 255). */
int i8259_acknowledge(struct i8259_pair *pair);

/* What the chips hold just now; chip 0 is the master. */
struct i8259_view {
    uint8_t inputs; /* levels of the pins */
    uint8_t irr, imr, isr, elcr;
    uint8_t vector_base;
    bool initialised;
};
struct i8259_view i8259_view(const struct i8259_pair *pair, int chip);

/* Why input n does not interrupt the CPU. */
enum i8259_verdict {
    I8259_DELIVERED, /* it does: INTR is high because of it, or of something more urgent of the same chip */
    I8259_NOT_INITIALISED, /* its chip (or the master) has not had all of its ICWs */
    I8259_NO_REQUEST,      /* IRR bit clear */
    I8259_MASKED,          /* IMR bit set */
    I8259_IN_SERVICE,      /* an input of the same or higher priority is in service: EOI is missing */
    I8259_CASCADE_MASKED,  /* IMR bit 2 of the master set */
    I8259_CASCADE_BLOCKED, /* the master has something of the same or higher priority in service */
};
enum i8259_verdict i8259_explain(const struct i8259_pair *pair, int n);
const char *i8259_verdict_text(enum i8259_verdict verdict);
/* One line per input: levels, registers, verdict. */
void i8259_print(const struct i8259_pair *pair, FILE *to);

#endif

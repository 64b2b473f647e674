/* SPDX-License-Identifier: MIT */
/*
 * 8042 keyboard controller at ports 60h (data) and 64h (status, commands), with a keyboard and an auxiliary port.
 *
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller".
 *
 * Answers of the controller itself are there at once; bytes of the devices follow one another at I8042_BYTE_TIME. (The
 * real wire takes about a millisecond for each; nothing can be observed by that but waiting.) While a byte lies in the output
 * buffer no other one replaces it: answers wait before bytes of devices.
 *
 * A byte for a port with nothing plugged in is answered by FEh with the time-out bit of the status set.
 */
#ifndef DEVICES_PLATFORM_I8042_H
#define DEVICES_PLATFORM_I8042_H

#include "devices/device.h"
#include "devices/platform/ps2.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define I8042_BYTE_TIME (20 * VTIME_US)

enum i8042_port { I8042_KEYBOARD, I8042_AUX, I8042_PORTS };

struct i8042_lines {
    struct irq_line irq1, irq12;
    struct irq_line a20; /* bit 1 of the output port; high (open) at reset */
    struct irq_line
        reset; /* raised and lowered at once, from within the guest's write: the board acts on it afterwards */
};

struct i8042;
struct i8042 *i8042_new(struct region *io, struct device_list *devices, struct clock *clock,
                        const struct i8042_lines *lines);

/* Where devices plug themselves in. */
struct ps2_port *i8042_port(struct i8042 *controller, enum i8042_port port);

#endif

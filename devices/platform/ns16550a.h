/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART, as on the serial ports of a PC.
 *
 * Specification: National Semiconductor PC16550D data sheet (June 1995); 1.8432 MHz crystal. OUT2 gates the interrupt to
 * the bus, as PC adapters wire it. The other end of the cable is always there: CTS, DSR and DCD are on.
 *
 * Characters take the time that divisor and format say, in virtual time. Received ones are taken from the chardev when
 * there is room for them, so nothing overruns; only the loopback can. A byte that is written to THR is handed to the chardev
 * at once, all eight bits of it, and then keeps the transmitter busy for its time: a guest that does not look at LSR loses
 * nothing (one lint line), where a real UART would drop characters.
 *
 * Undefined in the data sheet and fixed here: the divisor after power-on is 12 (9600 baud), a divisor of 0 acts as 1.
 */
#ifndef DEVICES_PLATFORM_NS16550A_H
#define DEVICES_PLATFORM_NS16550A_H

#include "devices/device.h"
#include "emu/core/chardev.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

struct ns16550a_config {
    const char *name;        /* "serial0", unique, outlives the chip */
    uint16_t port;           /* first of eight: 3F8h, 2F8h, 3E8h, 2E8h */
    struct irq_line irq;     /* 4, 3, 4, 3 */
    struct chardev *chardev; /* outlives the chip; NULL: nothing is connected */
    bool instant_transmit;   /* the transmitter is never busy (outside loopback); receiving keeps its pace */
    bool out2_ignored;       /* interrupts reach the line whatever MCR's OUT2 says, as on QEMU's serial port; lint */
};

struct ns16550a;
struct ns16550a *ns16550a_new(struct region *io, struct device_list *devices, struct clock *clock,
                              const struct ns16550a_config *config);

#endif

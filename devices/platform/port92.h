/* SPDX-License-Identifier: MIT */
/*
 * Port 92h, "system control port A" of the PS/2: bit 1 opens the A20 gate, a rising bit 0 resets the CPU.
 * Specification: IBM PS/2 Hardware Interface Technical Reference; Intel 82371SB (PIIX3), 4.6.2.
 */
#ifndef DEVICES_PLATFORM_PORT92_H
#define DEVICES_PLATFORM_PORT92_H

#include "devices/device.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

struct port92;

/* `a20` follows bit 1 (the board joins it with the keyboard controller's); `reset` is raised and lowered at once, from
 * within the guest's write: the board acts on it afterwards. */
struct port92 *port92_new(struct region *io, struct device_list *devices, struct clock *clock,
                          struct irq_line a20, struct irq_line reset);

#endif

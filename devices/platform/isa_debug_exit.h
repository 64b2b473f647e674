/* SPDX-License-Identifier: MIT */
/*
 * isa-debug-exit, QEMU's device for guests that test themselves: a write of v to its port ends the program with the exit
 * status (v << 1) | 1, of which the host keeps the low eight bits. Reads give 0.
 */
#ifndef DEVICES_PLATFORM_ISA_DEBUG_EXIT_H
#define DEVICES_PLATFORM_ISA_DEBUG_EXIT_H

#include "devices/device.h"
#include "emu/core/clock.h"
#include "mem/region.h"

#define ISA_DEBUG_EXIT_IOBASE 0x501
#define ISA_DEBUG_EXIT_IOSIZE 4

struct isa_debug_exit;

/* `requested` is called from within the guest's write with the exit status; the board ends the run afterwards. */
struct isa_debug_exit *isa_debug_exit_new(struct region *io, struct device_list *devices, struct clock *clock,
                                          uint16_t iobase, uint16_t iosize,
                                          void (*requested)(void *owner, int status), void *owner);

#endif

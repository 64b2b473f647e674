/* SPDX-License-Identifier: MIT */
/*
 * A port for debug text: each byte written goes to a chardev, and a read answers E9h, by which guests know that somebody
 * listens. Bochs and many small kernels use port E9h, SeaBIOS 402h.
 */
#ifndef DEVICES_PLATFORM_DEBUG_PORT_H
#define DEVICES_PLATFORM_DEBUG_PORT_H

#include "devices/device.h"
#include "emu/core/chardev.h"
#include "emu/core/clock.h"
#include "mem/region.h"

#define DEBUG_PORT_BOCHS   0xe9
#define DEBUG_PORT_SEABIOS 0x402

struct debug_port;

/* `name` is unique; name and chardev outlive the port. `chardev` NULL: text is thrown away. */
struct debug_port *debug_port_new(struct region *io, struct device_list *devices, const char *name,
                                  uint16_t port, struct chardev *chardev);

#endif

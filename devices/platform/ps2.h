/* SPDX-License-Identifier: MIT */
/*
 * The cable between the keyboard controller and a PS/2 device. The controller fetches bytes when it has room for them; it
 * may leave the device waiting for any time (clock held low).
 */
#ifndef DEVICES_PLATFORM_PS2_H
#define DEVICES_PLATFORM_PS2_H

#include <stdbool.h>
#include <stdint.h>

/* The device's end: set by the device when it is plugged in. */
struct ps2_device {
    void (*receive)(void *owner, uint8_t byte); /* a byte from the host */
    bool (*pending)(void *owner);               /* is there a byte for the host? */
    uint8_t (*take)(void *owner);               /* the oldest one; only when there is */
    void *owner;
};

/* The controller's end. The device calls `notify` when it has got something to send. */
struct ps2_port {
    struct ps2_device device; /* `owner` NULL: nothing is plugged in */
    void (*notify)(void *controller);
    void *controller;
};

static inline void ps2_notify(struct ps2_port *port)
{
    port->notify(port->controller);
}

#endif

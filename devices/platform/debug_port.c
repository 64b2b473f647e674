/* SPDX-License-Identifier: MIT */
/* Debug text ports E9h and 402h. */
#include "devices/platform/debug_port.h"

#include <stdlib.h>
#include "devices/platform/ports.h"

#define SOMEBODY_LISTENS 0xe9

struct debug_port_state {
    uint8_t last; /* byte written */
};

struct debug_port {
    struct device device;
    struct debug_port_state state;
    struct chardev *chardev;
    struct region *region;
};

static const struct state_field debug_port_fields[] = {
    STATE_FIELD(struct debug_port_state, last),
    STATE_END,
};
static const struct state_table debug_port_table = {"debug_port", 1, sizeof(struct debug_port_state),
                                                    debug_port_fields};

static enum mem_result debug_port_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    struct debug_port *port = owner;
    port->state.last = (uint8_t)value;
    if (port->chardev) chardev_write(port->chardev, &port->state.last, 1);
    return MEM_OK;
}

static enum mem_result debug_port_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner, (void)at, (void)size;
    *value = SOMEBODY_LISTENS;
    return MEM_OK;
}

static const struct mmio_ops debug_port_ops = {debug_port_read, debug_port_write, 1, 1, false};

static void debug_port_reset(struct device *device)
{
    list_entry(device, struct debug_port, device)->state.last = 0;
}

static void debug_port_destroy(struct device *device)
{
    struct debug_port *port = list_entry(device, struct debug_port, device);
    ports_remove(port->region);
    free(port);
}

static const struct device_ops debug_port_device_ops = {"debug_port", &debug_port_table, debug_port_reset,
                                                        NULL, debug_port_destroy};

struct debug_port *debug_port_new(struct region *io, struct device_list *devices, const char *name,
                                  uint16_t port, struct chardev *chardev)
{
    struct debug_port *debug = calloc(1, sizeof(*debug));
    if (!debug) return NULL;
    debug->chardev = chardev;
    debug->region = ports_add(io, port, 1, name, &debug_port_ops, debug);
    device_add(devices, &debug->device, &debug_port_device_ops, name, &debug->state);
    debug_port_reset(&debug->device);
    return debug;
}

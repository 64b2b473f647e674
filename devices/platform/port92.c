/* SPDX-License-Identifier: MIT */
/* Port 92h: A20 gate and fast reset. Intel 82371SB (PIIX3), 4.6.2. */
#include "devices/platform/port92.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/trace.h"

enum { FAST_INIT = 0x01, FAST_A20 = 0x02 };

struct port92_state {
    uint8_t control;
};

struct port92 {
    struct device device;
    struct port92_state state;
    struct clock *clock;
    struct irq_line a20, reset;
    struct region *region;
};

static const struct state_field port92_fields[] = {
    STATE_FIELD(struct port92_state, control),
    STATE_END,
};
static const struct state_table port92_table = {"port92", 1, sizeof(struct port92_state), port92_fields};

TRACE_EVENT(trace_port92, "port92.write", "a20:u reset:u");

static enum mem_result port92_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    struct port92 *port = owner;
    bool reset = value & ~port->state.control & FAST_INIT;
    port->state.control = value & (FAST_INIT | FAST_A20);
    if (trace_on(&trace_port92))
        trace_emit(&trace_port92, port->clock, (uint64_t) !!(value & FAST_A20), (uint64_t)reset);
    irq_set(&port->a20, value & FAST_A20);
    if (reset) {
        irq_set(&port->reset, true);
        irq_set(&port->reset, false);
    }
    return MEM_OK;
}

static enum mem_result port92_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at, (void)size;
    struct port92 *port = owner;
    *value = port->state.control;
    return MEM_OK;
}

static const struct mmio_ops port92_ops = {port92_read, port92_write, 1, 1, false};

static void port92_reset(struct device *device)
{
    struct port92 *port = list_entry(device, struct port92, device);
    port->state.control = 0;
    irq_set(&port->a20, false);
}

static void port92_loaded(struct device *device)
{
    struct port92 *port = list_entry(device, struct port92, device);
    irq_set(&port->a20, port->state.control & FAST_A20);
}

static void port92_destroy(struct device *device)
{
    struct port92 *port = list_entry(device, struct port92, device);
    ports_remove(port->region);
    free(port);
}

static const struct device_ops port92_device_ops = {"port92", &port92_table, port92_reset, port92_loaded,
                                                    port92_destroy};

struct port92 *port92_new(struct region *io, struct device_list *devices, struct clock *clock,
                          struct irq_line a20, struct irq_line reset)
{
    struct port92 *port = calloc(1, sizeof(*port));
    if (!port) return NULL;
    port->clock = clock;
    port->a20 = a20;
    port->reset = reset;
    port->region = ports_add(io, 0x92, 1, "port 92h", &port92_ops, port);
    device_add(devices, &port->device, &port92_device_ops, "port92", &port->state);
    port92_reset(&port->device);
    return port;
}

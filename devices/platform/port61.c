/* SPDX-License-Identifier: MIT */
/* Port 61h: timer gate, speaker, refresh toggle. Intel 82371SB (PIIX3), 4.6.1. */
#include "devices/platform/port61.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/trace.h"

enum {
    TIMER2_GATE = 0x01,
    SPEAKER_DATA = 0x02,
    WRITABLE = 0x0f, /* bits 3:2 enable SERR# and IOCHK# as NMI sources */
    REFRESH_TOGGLE = 0x10,
    TIMER2_OUT = 0x20,
};

/* Timer pulses between two refreshes: 15 us, as PC firmware programs counter 1. */
#define REFRESH_TICKS 18

struct port61_state {
    uint8_t control;
};

struct port61 {
    struct device device;
    struct port61_state state;
    struct clock *clock;
    struct i8254 *pit;
    struct region *region;
};

static const struct state_field port61_fields[] = {
    STATE_FIELD(struct port61_state, control),
    STATE_END,
};
static const struct state_table port61_table = {"port61", 1, sizeof(struct port61_state), port61_fields};

TRACE_EVENT(trace_speaker, "speaker.tone", "hz:u");

unsigned port61_speaker_tone(struct port61 *port)
{
    return port->state.control & SPEAKER_DATA ? i8254_tone(port->pit) : 0;
}

static void port61_set(struct port61 *port, uint8_t control)
{
    uint8_t changed = port->state.control ^ control;
    port->state.control = control;
    i8254_set_gate2(port->pit, control & TIMER2_GATE);
    if (changed & (SPEAKER_DATA | TIMER2_GATE) && trace_on(&trace_speaker))
        trace_emit(&trace_speaker, port->clock, (uint64_t)port61_speaker_tone(port));
}

static enum mem_result port61_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    port61_set(owner, value & WRITABLE);
    return MEM_OK;
}

static enum mem_result port61_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at, (void)size;
    struct port61 *port = owner;
    int64_t refreshes = i8254_ticks_at(clock_now(port->clock)) / REFRESH_TICKS;
    *value = port->state.control | (refreshes & 1 ? REFRESH_TOGGLE : 0) |
             (i8254_out(port->pit, 2) ? TIMER2_OUT : 0);
    return MEM_OK;
}

static const struct mmio_ops port61_ops = {port61_read, port61_write, 1, 1, false};

static void port61_reset(struct device *device)
{
    port61_set(list_entry(device, struct port61, device), 0);
}

static void port61_destroy(struct device *device)
{
    struct port61 *port = list_entry(device, struct port61, device);
    ports_remove(port->region);
    free(port);
}

static const struct device_ops port61_device_ops = {"port61", &port61_table, port61_reset, NULL,
                                                    port61_destroy};

struct port61 *port61_new(struct region *io, struct device_list *devices, struct clock *clock,
                          struct i8254 *pit)
{
    struct port61 *port = calloc(1, sizeof(*port));
    if (!port) return NULL;
    port->clock = clock;
    port->pit = pit;
    port->region = ports_add(io, 0x61, 1, "port 61h", &port61_ops, port);
    device_add(devices, &port->device, &port61_device_ops, "port61", &port->state);
    port61_reset(&port->device);
    return port;
}

/* SPDX-License-Identifier: MIT */
/* isa-debug-exit: a guest ends the program with a status of its choice. */
#include "devices/platform/isa_debug_exit.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/trace.h"

struct isa_debug_exit_state {
    uint32_t last; /* value written */
};

struct isa_debug_exit {
    struct device device;
    struct isa_debug_exit_state state;
    struct clock *clock;
    struct region *region;
    void (*requested)(void *owner, int status);
    void *owner;
};

static const struct state_field exit_fields[] = {
    STATE_FIELD(struct isa_debug_exit_state, last),
    STATE_END,
};
static const struct state_table exit_table = {"isa_debug_exit", 1, sizeof(struct isa_debug_exit_state),
                                              exit_fields};

TRACE_EVENT(trace_exit, "isa_debug_exit.write", "value:x");

static enum mem_result exit_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    struct isa_debug_exit *chip = owner;
    chip->state.last = (uint32_t)value;
    if (trace_on(&trace_exit)) trace_emit(&trace_exit, chip->clock, (uint64_t)value);
    chip->requested(chip->owner, (int)((chip->state.last << 1 | 1) & 0xff));
    return MEM_OK;
}

static enum mem_result exit_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner, (void)at, (void)size;
    *value = 0;
    return MEM_OK;
}

/* Whole values, also at the odd address that the port has by default. */
static const struct mmio_ops exit_ops = {exit_read, exit_write, 1, 4, true};

static void exit_reset(struct device *device)
{
    list_entry(device, struct isa_debug_exit, device)->state.last = 0;
}

static void exit_destroy(struct device *device)
{
    struct isa_debug_exit *chip = list_entry(device, struct isa_debug_exit, device);
    ports_remove(chip->region);
    free(chip);
}

static const struct device_ops exit_device_ops = {"isa_debug_exit", &exit_table, exit_reset, NULL,
                                                  exit_destroy};

struct isa_debug_exit *isa_debug_exit_new(struct region *io, struct device_list *devices, struct clock *clock,
                                          uint16_t iobase, uint16_t iosize,
                                          void (*requested)(void *owner, int status), void *owner)
{
    struct isa_debug_exit *chip = calloc(1, sizeof(*chip));
    if (!chip) return NULL;
    chip->clock = clock;
    chip->requested = requested;
    chip->owner = owner;
    chip->region = ports_add(io, iobase, iosize, "isa-debug-exit", &exit_ops, chip);
    device_add(devices, &chip->device, &exit_device_ops, "isa-debug-exit", &chip->state);
    exit_reset(&chip->device);
    return chip;
}

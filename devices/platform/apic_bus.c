/* SPDX-License-Identifier: MIT */
/* The APIC bus: destinations and arbitration. Intel SDM 3A, 10.6.2, 10.8 and 10.11. */
#include "devices/platform/apic_bus.h"

#include <stdlib.h>
#include "devices/platform/lapic.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

struct apic_bus_state {
    uint8_t last_chosen; /* CPU that took the last lowest-priority message */
};

struct apic_bus {
    struct device device;
    struct apic_bus_state state;
    struct clock *clock;
    struct lapic *lapics[APIC_CPUS_MOST];
    unsigned (*current_cpu)(void *owner);
    void *owner;
    struct apic_bus_listener listener;
    struct region *window; /* NULL while it is not open */
};

static const struct state_field bus_fields[] = {
    STATE_FIELD(struct apic_bus_state, last_chosen),
    STATE_END,
};
static const struct state_table bus_table = {"apic-bus", 1, sizeof(struct apic_bus_state), bus_fields};

TRACE_EVENT(trace_message, "apic.message", "delivery:s vector:x destination:x logical:u level:u taken:u");

const char *apic_delivery_name(unsigned delivery)
{
    static const char *const names[] = {"fixed", "lowest", "SMI",     "reserved",
                                        "NMI",   "INIT",   "startup", "ExtINT"};
    return names[delivery & 7];
}

void apic_bus_attach(struct apic_bus *bus, unsigned cpu, struct lapic *lapic)
{
    bus->lapics[cpu] = lapic;
}

struct lapic *apic_bus_lapic(const struct apic_bus *bus, unsigned cpu)
{
    return cpu < APIC_CPUS_MOST ? bus->lapics[cpu] : NULL;
}

struct lapic *apic_bus_current(const struct apic_bus *bus)
{
    return apic_bus_lapic(bus, bus->current_cpu(bus->owner));
}

/* The one of a set of CPUs (bit per CPU) that runs at the lowest priority; the set is not empty (10.6.2.4). */
static unsigned choose_lowest(const struct apic_bus *bus, unsigned candidates)
{
    unsigned best = 0, best_priority = UINT32_MAX;
    for (unsigned i = 1; i <= APIC_CPUS_MOST; i++) {
        unsigned cpu = (bus->state.last_chosen + i) % APIC_CPUS_MOST;
        if (!(candidates & 1u << cpu)) continue;
        unsigned priority = lapic_priority(bus->lapics[cpu]);
        if (priority < best_priority) best = cpu, best_priority = priority;
    }
    return best;
}

/* The CPUs that the message names and whose local APICs can take it. */
static unsigned find_candidates(const struct apic_bus *bus, const struct apic_message *message,
                                const struct lapic *except)
{
    unsigned candidates = 0;
    for (unsigned cpu = 0; cpu < APIC_CPUS_MOST; cpu++) {
        const struct lapic *lapic = bus->lapics[cpu];
        if (lapic && lapic != except && lapic_matches(lapic, message->destination, message->logical) &&
            lapic_takes(lapic, message->delivery))
            candidates |= 1u << cpu;
    }
    return candidates;
}

bool apic_bus_send(struct apic_bus *bus, const struct apic_message *message, const struct lapic *except)
{
    unsigned candidates = find_candidates(bus, message, except);
    if (trace_on(&trace_message))
        trace_emit(&trace_message, bus->clock, apic_delivery_name(message->delivery),
                   (uint64_t)message->vector, (uint64_t)message->destination, (uint64_t)message->logical,
                   (uint64_t)message->level, (uint64_t)candidates);
    if (!candidates) return false;
    if (message->delivery == APIC_LOWEST_PRIORITY) {
        bus->state.last_chosen = (uint8_t)choose_lowest(bus, candidates);
        candidates = 1u << bus->state.last_chosen;
    }
    for (unsigned cpu = 0; cpu < APIC_CPUS_MOST; cpu++)
        if (candidates & 1u << cpu) lapic_deliver(bus->lapics[cpu], message);
    return true;
}

void apic_bus_listen(struct apic_bus *bus, const struct apic_bus_listener *listener)
{
    bus->listener = *listener;
}

void apic_bus_eoi(struct apic_bus *bus, uint8_t vector)
{
    if (bus->listener.eoi) bus->listener.eoi(bus->listener.owner, vector);
}

void apic_bus_receivers_changed(struct apic_bus *bus)
{
    if (bus->listener.receivers_changed) bus->listener.receivers_changed(bus->listener.owner);
}

/* Messages of devices (10.11). The redirection hint changes nothing: with one destination there is nothing to
 * redirect, and with several the delivery mode says whether all of them are meant. */

enum { MESSAGE_DESTINATION = 12, MESSAGE_LOGICAL = 1 << 2 };                      /* in the address */
enum { MESSAGE_DELIVERY = 8, MESSAGE_ASSERT = 1 << 14, MESSAGE_LEVEL = 1 << 15 }; /* in the data */

enum mem_result apic_bus_write(struct apic_bus *bus, uint64_t address, uint32_t data)
{
    if (address - APIC_WINDOW_BASE >= APIC_WINDOW_SIZE) return MEM_DECODE_ERROR;
    const struct apic_message message = {
        .delivery = (uint8_t)bits_get(data, MESSAGE_DELIVERY, 3),
        .vector = (uint8_t)data,
        .destination = (uint8_t)(address >> MESSAGE_DESTINATION),
        .logical = address & MESSAGE_LOGICAL,
        .level = data & MESSAGE_LEVEL,
    };
    if (message.delivery == APIC_RESERVED || message.delivery == APIC_STARTUP) {
        lint(bus->device.name, "SDM 3A, 10.11.2",
             "a device's message with reserved delivery mode %u is dropped", message.delivery);
        return MEM_OK;
    }
    if (message.level && !(data & MESSAGE_ASSERT))
        return MEM_OK; /* the end of a level: nothing to send here */
    apic_bus_send(bus, &message, NULL);
    return MEM_OK;
}

static enum mem_result window_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner, (void)at;
    *value = bytes_mask(size);
    return MEM_DECODE_ERROR;
}

static enum mem_result window_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct apic_bus *bus = owner;
    (void)size;
    if (bus->current_cpu(bus->owner) != APIC_NO_CPU) return MEM_DECODE_ERROR;
    return apic_bus_write(bus, APIC_WINDOW_BASE + at.offset, (uint32_t)value);
}

static const struct mmio_ops window_ops = {window_read, window_write, 4, 4, false};

void apic_bus_open_window(struct apic_bus *bus, struct region *memory)
{
    bus->window = region_new_mmio("APIC messages", APIC_WINDOW_SIZE, &window_ops, bus, NULL);
    region_add(memory, APIC_WINDOW_BASE, bus->window, 0);
}

/* Reset and creation. */

static void bus_reset(struct device *device)
{
    list_entry(device, struct apic_bus, device)->state =
        (struct apic_bus_state){.last_chosen = APIC_CPUS_MOST - 1};
}

static void bus_loaded(struct device *device)
{
    list_entry(device, struct apic_bus, device)->state.last_chosen %= APIC_CPUS_MOST;
}

static void bus_destroy(struct device *device)
{
    struct apic_bus *bus = list_entry(device, struct apic_bus, device);
    if (bus->window) region_remove(bus->window);
    region_release(bus->window);
    free(bus);
}

static const struct device_ops bus_ops = {"apic-bus", &bus_table, bus_reset, bus_loaded, bus_destroy};

struct apic_bus *apic_bus_new(struct device_list *devices, struct clock *clock,
                              unsigned (*current_cpu)(void *owner), void *owner)
{
    struct apic_bus *bus = calloc(1, sizeof(*bus));
    if (!bus) return NULL;
    bus->clock = clock;
    bus->current_cpu = current_cpu;
    bus->owner = owner;
    device_add(devices, &bus->device, &bus_ops, "apic-bus", &bus->state);
    bus_reset(&bus->device);
    return bus;
}

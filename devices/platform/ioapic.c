/* SPDX-License-Identifier: MIT */
/* I/O APIC. Intel 82093AA data sheet (290566). */
#include "devices/platform/ioapic.h"

#include <inttypes.h>
#include <stdlib.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

/* Memory-mapped registers (3.1) and what IOREGSEL chooses (3.2). */
enum { IOREGSEL = 0x00, IOWIN = 0x10, WINDOW_SIZE = 0x1000 };
enum { REG_ID = 0x00, REG_VERSION = 0x01, REG_ARBITRATION = 0x02, REG_TABLE = 0x10 };
#define VERSION_VALUE ((IOAPIC_PINS - 1) << 16 | 0x11u)
#define ID_BITS       0x0f000000u

/* Redirection table entry (3.2.4). Delivery status is always idle: messages arrive at once. */
enum {
    ENTRY_VECTOR = 0x000ff,
    ENTRY_LOGICAL = 0x00800,
    ENTRY_REMOTE_IRR = 0x04000,
    ENTRY_LEVEL = 0x08000,
    ENTRY_MASKED = 0x10000,
};
#define ENTRY_WRITABLE_LOW  0x0001afffu
#define ENTRY_WRITABLE_HIGH 0xff000000u

struct ioapic_state {
    uint32_t select; /* IOREGSEL */
    uint32_t id;
    uint32_t pins; /* levels */
    uint64_t entry[IOAPIC_PINS];
};

struct ioapic {
    struct device device;
    struct ioapic_state state;
    struct apic_bus *bus;
    struct clock *clock;
    struct region *region;
};

static const struct state_field ioapic_fields[] = {
    STATE_FIELD(struct ioapic_state, select),
    STATE_FIELD(struct ioapic_state, id),
    STATE_FIELD(struct ioapic_state, pins),
    STATE_FIELD(struct ioapic_state, entry),
    STATE_END,
};
static const struct state_table ioapic_table = {"ioapic", 1, sizeof(struct ioapic_state), ioapic_fields};

TRACE_EVENT(trace_pin, "ioapic.pin", "pin:u level:u");
TRACE_EVENT(trace_write, "ioapic.write", "register:x value:x");
TRACE_EVENT(trace_send, "ioapic.send", "pin:u entry:x taken:u");

/* Interrupts. */

static unsigned entry_delivery(uint64_t entry)
{
    return bits_get((uint32_t)entry, 8, 3);
}

/* Only fixed and lowest priority have levels; the other modes are edges whatever the trigger bit says (3.2.4). */
static bool entry_is_level(uint64_t entry)
{
    return (entry & ENTRY_LEVEL) && entry_delivery(entry) <= APIC_LOWEST_PRIORITY;
}

/* False: no local APIC took it. */
static bool pin_send(struct ioapic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->state.entry[pin];
    const struct apic_message message = {
        .delivery = (uint8_t)entry_delivery(entry),
        .vector = entry & ENTRY_VECTOR,
        .destination = (uint8_t)(entry >> 56),
        .logical = entry & ENTRY_LOGICAL,
        .level = entry_is_level(entry),
    };
    bool taken = message.delivery != APIC_STARTUP && apic_bus_send(ioapic->bus, &message, NULL);
    if (trace_on(&trace_send)) trace_emit(&trace_send, ioapic->clock, (uint64_t)pin, entry, (uint64_t)taken);
    return taken;
}

/* A level is sent once; remote IRR keeps it from being sent again until its EOI. It is set first, because the EOI can come
 * from within. */
static void pin_offer_level(struct ioapic *ioapic, unsigned pin)
{
    uint64_t *entry = &ioapic->state.entry[pin];
    if (!entry_is_level(*entry) || (*entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR))) return;
    if (!(ioapic->state.pins & BIT(pin))) return;
    *entry |= ENTRY_REMOTE_IRR;
    if (!pin_send(ioapic, pin)) *entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
}

static void pin_set(void *owner, int pin, bool level)
{
    struct ioapic *ioapic = owner;
    uint64_t entry = ioapic->state.entry[pin];
    bool rose = level && !(ioapic->state.pins & BIT(pin));
    if (trace_on(&trace_pin)) trace_emit(&trace_pin, ioapic->clock, (uint64_t)pin, (uint64_t)level);
    ioapic->state.pins = level ? ioapic->state.pins | BIT(pin) : ioapic->state.pins & ~BIT(pin);
    if (entry_is_level(entry))
        pin_offer_level(ioapic, (unsigned)pin);
    else if (rose && !(entry & ENTRY_MASKED))
        pin_send(ioapic, (unsigned)pin);
}

/* EOI message: every level-triggered pin with that vector is open again. */
static void ioapic_eoi(void *owner, uint8_t vector)
{
    struct ioapic *ioapic = owner;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &ioapic->state.entry[pin];
        if (entry_is_level(*entry) && (*entry & ENTRY_VECTOR) == vector)
            *entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
        pin_offer_level(ioapic, pin);
    }
}

static void ioapic_receivers_changed(void *owner)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) pin_offer_level(owner, pin);
}

/* Registers. */

static uint32_t entry_read(const struct ioapic *ioapic, unsigned number)
{
    uint64_t entry = ioapic->state.entry[number / 2];
    return number % 2 ? (uint32_t)(entry >> 32) : (uint32_t)entry;
}

/* Making it edge-triggered opens the pin too: system software does that to end an interrupt without a local APIC. */
static void entry_write(struct ioapic *ioapic, unsigned number, uint32_t value)
{
    unsigned pin = number / 2;
    uint64_t *entry = &ioapic->state.entry[pin];
    if (number % 2)
        *entry = (uint32_t)*entry | (uint64_t)(value & ENTRY_WRITABLE_HIGH) << 32;
    else
        *entry = (*entry & ~(uint64_t)ENTRY_WRITABLE_LOW) | (value & ENTRY_WRITABLE_LOW);
    if (!entry_is_level(*entry)) *entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
    unsigned delivery = entry_delivery(*entry);
    if (delivery == APIC_RESERVED || delivery == APIC_STARTUP)
        lint(ioapic->device.name, "82093AA, 3.2.4", "pin %u: delivery mode %u is reserved", pin, delivery);
    pin_offer_level(ioapic, pin);
}

static uint32_t register_read(const struct ioapic *ioapic)
{
    unsigned number = ioapic->state.select;
    switch (number) {
    case REG_ID:
    case REG_ARBITRATION: return ioapic->state.id; /* loaded from the ID, and nothing rotates it here */
    case REG_VERSION: return VERSION_VALUE;
    default: break;
    }
    if (number >= REG_TABLE && number < REG_TABLE + 2 * IOAPIC_PINS)
        return entry_read(ioapic, number - REG_TABLE);
    lint(ioapic->device.name, "82093AA, 3.2", "read of register %02xh, which does not exist", number);
    return 0;
}

static void register_write(struct ioapic *ioapic, uint32_t value)
{
    unsigned number = ioapic->state.select;
    if (trace_on(&trace_write)) trace_emit(&trace_write, ioapic->clock, (uint64_t)number, (uint64_t)value);
    if (number == REG_ID)
        ioapic->state.id = value & ID_BITS;
    else if (number >= REG_TABLE && number < REG_TABLE + 2 * IOAPIC_PINS)
        entry_write(ioapic, number - REG_TABLE, value);
    else
        lint(ioapic->device.name, "82093AA, 3.2", "write of register %02xh, which does not take it", number);
}

static enum mem_result window_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    const struct ioapic *ioapic = owner;
    uint64_t offset = at.offset & ~UINT64_C(3);
    uint32_t dword = offset == IOREGSEL ? ioapic->state.select : offset == IOWIN ? register_read(ioapic) : 0;
    *value = (dword >> (8 * (at.offset & 3))) & bytes_mask(size);
    return MEM_OK;
}

/* IOREGSEL has 8 bits, so any width will do; IOWIN takes dwords (3.1.2). */
static enum mem_result window_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct ioapic *ioapic = owner;
    if (at.offset == IOREGSEL)
        ioapic->state.select = value & 0xff;
    else if (at.offset == IOWIN && size == 4)
        register_write(ioapic, (uint32_t)value);
    else
        lint(ioapic->device.name, "82093AA, 3.1", "write of %u byte(s) at %03xh ignored", size,
             (unsigned)at.offset);
    return MEM_OK;
}

static const struct mmio_ops window_ops = {window_read, window_write, 1, 4, false};

/* For the board. */

struct irq_line ioapic_pin(struct ioapic *ioapic, unsigned n)
{
    return (struct irq_line){pin_set, ioapic, (int)(n % IOAPIC_PINS)};
}

struct irq_line ioapic_isa_irq(struct ioapic *ioapic, unsigned irq)
{
    return ioapic_pin(ioapic, irq ? irq : 2);
}

void ioapic_print(const struct ioapic *ioapic, FILE *to)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t entry = ioapic->state.entry[pin];
        bool high = ioapic->state.pins & BIT(pin);
        if ((entry & ENTRY_MASKED) && !high) continue;
        fprintf(to, "pin %2u %016" PRIx64 ": %s, vector %02x %s %s to %s %02x%s%s\n", pin, entry,
                high ? "high" : "low", (unsigned)(entry & ENTRY_VECTOR),
                apic_delivery_name(entry_delivery(entry)), entry & ENTRY_LEVEL ? "level" : "edge",
                entry & ENTRY_LOGICAL ? "set" : "APIC", (unsigned)(entry >> 56),
                entry & ENTRY_MASKED ? ", masked" : "", entry & ENTRY_REMOTE_IRR ? ", waits for an EOI" : "");
    }
}

/* Reset and creation. */

/* Levels of the pins belong to those who drive them. */
static void ioapic_reset(struct device *device)
{
    struct ioapic *ioapic = list_entry(device, struct ioapic, device);
    ioapic->state = (struct ioapic_state){.pins = ioapic->state.pins};
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) ioapic->state.entry[pin] = ENTRY_MASKED;
}

static void ioapic_destroy(struct device *device)
{
    struct ioapic *ioapic = list_entry(device, struct ioapic, device);
    region_remove(ioapic->region);
    region_release(ioapic->region);
    free(ioapic);
}

static const struct device_ops ioapic_ops = {"ioapic", &ioapic_table, ioapic_reset, NULL, ioapic_destroy};

struct ioapic *ioapic_new(struct apic_bus *bus, struct region *memory, struct device_list *devices,
                          struct clock *clock)
{
    struct ioapic *ioapic = calloc(1, sizeof(*ioapic));
    if (!ioapic) return NULL;
    ioapic->bus = bus;
    ioapic->clock = clock;
    ioapic->region = region_new_mmio("I/O APIC", WINDOW_SIZE, &window_ops, ioapic, NULL);
    region_add(memory, IOAPIC_BASE, ioapic->region, 0);
    const struct apic_bus_listener listener = {ioapic_eoi, ioapic_receivers_changed, ioapic};
    apic_bus_listen(bus, &listener);
    device_add(devices, &ioapic->device, &ioapic_ops, "ioapic", &ioapic->state);
    ioapic_reset(&ioapic->device);
    return ioapic;
}

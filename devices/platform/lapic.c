/* SPDX-License-Identifier: MIT */
/* The local APIC of one CPU: priorities, messages, pins, the CPU's side. Intel SDM 3A, chapter 10. */
#include "devices/platform/lapic_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include "emu/core/log.h"
#include "emu/core/trace.h"

static const struct state_field lapic_fields[] = {
    STATE_FIELD(struct lapic_state, base),
    STATE_FIELD(struct lapic_state, id),
    STATE_FIELD(struct lapic_state, tpr),
    STATE_FIELD(struct lapic_state, ldr),
    STATE_FIELD(struct lapic_state, dfr),
    STATE_FIELD(struct lapic_state, svr),
    STATE_FIELD(struct lapic_state, isr),
    STATE_FIELD(struct lapic_state, tmr),
    STATE_FIELD(struct lapic_state, irr),
    STATE_FIELD(struct lapic_state, esr),
    STATE_FIELD(struct lapic_state, errors),
    STATE_FIELD(struct lapic_state, icr_low),
    STATE_FIELD(struct lapic_state, icr_high),
    STATE_FIELD(struct lapic_state, lvt),
    STATE_FIELD(struct lapic_state, timer_initial),
    STATE_FIELD(struct lapic_state, timer_divide),
    STATE_FIELD(struct lapic_state, timer_deadline),
    STATE_FIELD(struct lapic_state, lint),
    STATE_FIELD(struct lapic_state, extint_pending),
    STATE_FIELD(struct lapic_state, waiting),
    STATE_END,
};
static const struct state_table lapic_table = {"lapic", 1, sizeof(struct lapic_state), lapic_fields};

TRACE_EVENT(trace_accept, "lapic.accept", "cpu:u vector:x level:u");
TRACE_EVENT(trace_acknowledge, "lapic.acknowledge", "cpu:u vector:x from:s");
TRACE_EVENT(trace_eoi, "lapic.eoi", "cpu:u vector:x");
TRACE_EVENT(trace_start, "lapic.start", "cpu:u what:s vector:x");

/* Priorities (10.8.3). */

static unsigned priority_class(uint32_t priority)
{
    return priority & 0xf0;
}

uint32_t lapic_ppr(const struct lapic *lapic)
{
    unsigned in_service = vector_highest(lapic->state.isr);
    return priority_class(lapic->state.tpr) >= priority_class(in_service) ? lapic->state.tpr
                                                                          : priority_class(in_service);
}

/* 10.6.2.4, "Arbitration priority register". */
unsigned lapic_priority(const struct lapic *lapic)
{
    unsigned tpr = lapic->state.tpr, request = priority_class(vector_highest(lapic->state.irr));
    unsigned in_service = priority_class(vector_highest(lapic->state.isr));
    if (priority_class(tpr) >= request && priority_class(tpr) > in_service) return tpr;
    unsigned both = priority_class(tpr) & in_service;
    return both > request ? both : request;
}

bool lapic_enabled(const struct lapic *lapic)
{
    return lapic->state.base & BASE_ENABLE;
}

/* By software as well (10.4.7.2). */
bool lapic_works(const struct lapic *lapic)
{
    return lapic_enabled(lapic) && (lapic->state.svr & SVR_ENABLE);
}

/* The vector that the CPU would be given now, or 0. */
static unsigned deliverable(const struct lapic *lapic)
{
    unsigned request = vector_highest(lapic->state.irr);
    return lapic_works(lapic) && priority_class(request) > priority_class(lapic_ppr(lapic)) ? request : 0;
}

/* The 8259s ask for the CPU: by a pin, or by a message of the I/O APIC. */
static bool extint_requested(const struct lapic *lapic)
{
    if (lapic->state.extint_pending) return true;
    for (unsigned pin = 0; pin < 2; pin++) {
        uint32_t entry = lapic->state.lvt[LINT0 + pin];
        if ((lapic->state.lint & BIT(pin)) && !(entry & LVT_MASKED) && entry_delivery(entry) == APIC_EXTINT)
            return true;
    }
    return false;
}

/* Tells the CPU whether there is an interrupt for it. */
void lapic_update(struct lapic *lapic)
{
    bool intr =
        lapic_enabled(lapic) ? deliverable(lapic) || extint_requested(lapic) : lapic->state.lint & BIT(0);
    if (intr == lapic->intr) return;
    lapic->intr = intr;
    lapic->wiring.out.intr(lapic->wiring.out.owner, lapic->wiring.cpu, intr);
}

/* Accepting interrupts (10.8.4) and errors (10.5.3). */

/* The error interrupt is armed by a write of ESR, and comes once. */
void lapic_error(struct lapic *lapic, uint32_t error)
{
    bool armed = !lapic->state.errors;
    uint32_t entry = lapic->state.lvt[ERROR];
    lapic->state.errors |= error;
    if (armed && !(entry & LVT_MASKED) && lapic_works(lapic))
        lapic_accept(lapic, entry & ENTRY_VECTOR, false);
}

void lapic_accept(struct lapic *lapic, unsigned vector, bool level)
{
    if (trace_on(&trace_accept))
        trace_emit(&trace_accept, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu, (uint64_t)vector,
                   (uint64_t)level);
    if (vector < FIRST_LEGAL_VECTOR) {
        lint(lapic->name, "SDM 3A, 10.5.2", "vector %02x was received: 0 to 15 are illegal", vector);
        lapic_error(lapic, ERROR_RECEIVE_VECTOR);
        return;
    }
    vector_set(lapic->state.irr, vector, true);
    vector_set(lapic->state.tmr, vector, level);
    lapic_update(lapic);
}

/* Reset (10.4.7.1), INIT (10.4.7.3), startup. */

static void lapic_clear(struct lapic *lapic)
{
    bool bootstrap = lapic->wiring.cpu == 0;
    clock_event_cancel(&lapic->timer);
    lapic->state = (struct lapic_state){
        .base = lapic->state.base,
        .id = lapic->state.id,
        .dfr = UINT32_MAX,
        .svr = SVR_VECTOR,
        .timer_deadline = VTIME_NEVER,
        .lint = lapic->state.lint,
        .waiting = lapic->state.waiting,
    };
    for (unsigned i = 0; i < LVT_ENTRIES; i++) lapic->state.lvt[i] = LVT_MASKED;
    if (bootstrap) {
        lapic->state.lvt[LINT0] = APIC_EXTINT << 8;
        lapic->state.lvt[LINT1] = APIC_NMI << 8;
    }
    lapic_update(lapic);
}

static void lapic_init(struct lapic *lapic)
{
    if (trace_on(&trace_start))
        trace_emit(&trace_start, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu, "INIT", (uint64_t)0);
    lapic->state.waiting = lapic->wiring.cpu != 0;
    lapic_clear(lapic);
    lapic->wiring.out.init(lapic->wiring.out.owner, lapic->wiring.cpu);
}

static void lapic_startup(struct lapic *lapic, uint8_t vector)
{
    if (!lapic->state.waiting) return; /* the second of two, for instance (8.4.4.1) */
    if (trace_on(&trace_start))
        trace_emit(&trace_start, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu, "startup",
                   (uint64_t)vector);
    lapic->state.waiting = false;
    lapic->wiring.out.startup(lapic->wiring.out.owner, lapic->wiring.cpu, vector);
}

/* Messages of the bus. */

bool lapic_matches(const struct lapic *lapic, uint8_t destination, bool logical)
{
    if (destination == 0xff) return true;
    if (!logical) return lapic->state.id >> 24 == destination;
    uint8_t mine = (uint8_t)(lapic->state.ldr >> 24);
    if (lapic->state.dfr >> 28 == DFR_FLAT) return mine & destination;
    return mine >> 4 == destination >> 4 && (mine & destination & 0x0f); /* cluster, member */
}

bool lapic_takes(const struct lapic *lapic, unsigned delivery)
{
    bool interrupt = delivery == APIC_FIXED || delivery == APIC_LOWEST_PRIORITY;
    return interrupt ? lapic_works(lapic) : lapic_enabled(lapic);
}

static void lapic_nmi(struct lapic *lapic)
{
    lapic->wiring.out.nmi(lapic->wiring.out.owner, lapic->wiring.cpu);
}

void lapic_deliver(struct lapic *lapic, const struct apic_message *message)
{
    switch ((enum apic_delivery)message->delivery) {
    case APIC_FIXED:
    case APIC_LOWEST_PRIORITY: lapic_accept(lapic, message->vector, message->level); break;
    case APIC_NMI: lapic_nmi(lapic); break;
    case APIC_INIT: lapic_init(lapic); break;
    case APIC_STARTUP: lapic_startup(lapic, message->vector); break;
    case APIC_EXTINT:
        lapic->state.extint_pending = true;
        lapic_update(lapic);
        break;
    case APIC_SMI:
    case APIC_RESERVED: break;
    }
}

/* Pins (10.5.1). */

/* A level-triggered fixed interrupt: once until its EOI, then again while the pin is high. */
void lapic_lint_level(struct lapic *lapic, unsigned pin)
{
    uint32_t *entry = &lapic->state.lvt[LINT0 + pin];
    bool level_fixed = (*entry & ENTRY_LEVEL) && entry_delivery(*entry) == APIC_FIXED;
    if (!level_fixed || (*entry & (LVT_MASKED | ENTRY_REMOTE_IRR)) || !(lapic->state.lint & BIT(pin))) return;
    if (!lapic_works(lapic)) return;
    *entry |= ENTRY_REMOTE_IRR;
    lapic_accept(lapic, *entry & ENTRY_VECTOR, true);
}

static void lint_rose(struct lapic *lapic, unsigned pin)
{
    uint32_t entry = lapic->state.lvt[LINT0 + pin];
    if (!lapic_enabled(lapic)) {
        if (pin == 1) lapic_nmi(lapic);
        return;
    }
    if (entry & LVT_MASKED) return;
    switch (entry_delivery(entry)) {
    case APIC_NMI: lapic_nmi(lapic); break;
    case APIC_INIT: lapic_init(lapic); break;
    case APIC_FIXED:
        if (!(entry & ENTRY_LEVEL) && lapic_works(lapic)) lapic_accept(lapic, entry & ENTRY_VECTOR, false);
        break;
    default: break; /* ExtINT is a level, see extint_requested */
    }
}

static void lint_set(void *owner, int pin, bool level)
{
    struct lapic *lapic = owner;
    uint8_t bit = (uint8_t)BIT(pin);
    bool rose = level && !(lapic->state.lint & bit);
    lapic->state.lint = level ? lapic->state.lint | bit : lapic->state.lint & ~bit;
    if (rose) lint_rose(lapic, (unsigned)pin);
    lapic_lint_level(lapic, (unsigned)pin);
    lapic_update(lapic);
}

struct irq_line lapic_lint(struct lapic *lapic, unsigned pin)
{
    return (struct irq_line){lint_set, lapic, (int)(pin & 1)};
}

/* The CPU takes an interrupt, and ends it (10.8.4, 10.8.5). */

static int acknowledged(const struct lapic *lapic, int vector, const char *from)
{
    if (trace_on(&trace_acknowledge))
        trace_emit(&trace_acknowledge, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu, (uint64_t)vector,
                   from);
    return vector;
}

int lapic_acknowledge(struct lapic *lapic)
{
    const struct lapic_outputs *out = &lapic->wiring.out;
    unsigned vector = deliverable(lapic);
    if (vector) {
        vector_set(lapic->state.irr, vector, false);
        vector_set(lapic->state.isr, vector, true);
        lapic_update(lapic);
        return acknowledged(lapic, (int)vector, "local APIC");
    }
    if (lapic_enabled(lapic) && !extint_requested(lapic))
        return acknowledged(lapic, lapic->state.svr & SVR_VECTOR, "spurious");
    lapic->state.extint_pending = false;
    int external = out->acknowledge_extint(out->owner);
    lapic_update(lapic);
    return acknowledged(lapic, external, "ExtINT");
}

void lapic_eoi(struct lapic *lapic)
{
    unsigned vector = vector_highest(lapic->state.isr);
    if (!vector) return; /* after a spurious interrupt, for instance: harmless */
    if (trace_on(&trace_eoi))
        trace_emit(&trace_eoi, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu, (uint64_t)vector);
    vector_set(lapic->state.isr, vector, false);
    lapic_update(lapic);
    if (!vector_get(lapic->state.tmr, vector)) return;
    for (unsigned pin = 0; pin < 2; pin++) {
        uint32_t *entry = &lapic->state.lvt[LINT0 + pin];
        if ((*entry & ENTRY_VECTOR) == vector) *entry &= ~(uint32_t)ENTRY_REMOTE_IRR;
        lapic_lint_level(lapic, pin);
    }
    apic_bus_eoi(lapic->wiring.bus, (uint8_t)vector);
}

/* MSR 1Bh (10.4.3 and 10.4.4). */

uint64_t lapic_base_read(const struct lapic *lapic)
{
    return lapic->state.base;
}

bool lapic_base_write(struct lapic *lapic, uint64_t value)
{
    if (value & ~(BASE_ADDRESS | BASE_ENABLE | BASE_BOOTSTRAP)) return false;
    bool was_enabled = lapic_enabled(lapic);
    lapic->state.base = (value & ~(uint64_t)BASE_BOOTSTRAP) | (lapic->wiring.cpu == 0 ? BASE_BOOTSTRAP : 0);
    if (was_enabled && !lapic_enabled(lapic)) lapic_clear(lapic);
    lapic_page_place(lapic);
    lapic_update(lapic);
    apic_bus_receivers_changed(lapic->wiring.bus);
    return true;
}

/* Looking in from outside. */

bool lapic_waiting(const struct lapic *lapic)
{
    return lapic->state.waiting;
}

uint8_t lapic_id(const struct lapic *lapic)
{
    return (uint8_t)(lapic->state.id >> 24);
}

static void print_vectors(const char *what, const uint32_t words[VECTOR_WORDS], FILE *to)
{
    fprintf(to, " %s", what);
    for (unsigned vector = 0; vector < 256; vector++)
        if (vector_get(words, vector)) fprintf(to, " %02x", vector);
    if (!vector_highest(words)) fprintf(to, " none");
    fprintf(to, ";");
}

static void print_entry(const char *name, uint32_t entry, FILE *to)
{
    fprintf(to, "  %-11s %08x: vector %02x %s %s%s\n", name, entry, entry & ENTRY_VECTOR,
            apic_delivery_name(entry_delivery(entry)), entry & ENTRY_LEVEL ? "level" : "edge",
            entry & LVT_MASKED ? ", masked" : "");
}

void lapic_print(const struct lapic *lapic, FILE *to)
{
    static const char *const names[LVT_ENTRIES] = {"timer", "performance", "LINT0", "LINT1", "error"};
    const struct lapic_state *state = &lapic->state;
    fprintf(to, "%s: id %02x at %09" PRIx64 ", %s%s\n", lapic->name, lapic_id(lapic),
            lapic_page_address(lapic),
            !lapic_enabled(lapic) ? "off (MSR 1Bh)"
            : !lapic_works(lapic) ? "off (SVR)"
                                  : "on",
            state->waiting ? ", waits for a startup IPI" : "");
    fprintf(to, "  TPR %02x PPR %02x SVR %03x LDR %02x DFR %x ICR %02x %08x ESR %02x timer %u of %u\n",
            state->tpr, lapic_ppr(lapic), state->svr, state->ldr >> 24, state->dfr >> 28,
            state->icr_high >> 24, state->icr_low, state->esr, lapic_timer_current(lapic),
            state->timer_initial);
    fprintf(to, " ");
    print_vectors("requested:", state->irr, to);
    print_vectors("in service:", state->isr, to);
    fprintf(to, " INTR %s\n", lapic->intr ? "high" : "low");
    for (unsigned i = 0; i < LVT_ENTRIES; i++) print_entry(names[i], state->lvt[i], to);
}

/* Reset and creation. */

static struct lapic *from_device(struct device *device)
{
    return list_entry(device, struct lapic, device);
}

static void lapic_reset(struct device *device)
{
    struct lapic *lapic = from_device(device);
    bool bootstrap = lapic->wiring.cpu == 0;
    lapic->state.base = LAPIC_BASE | BASE_ENABLE | (bootstrap ? BASE_BOOTSTRAP : 0);
    lapic->state.id = (uint32_t)lapic->wiring.id << 24;
    lapic->state.waiting = !bootstrap;
    lapic_clear(lapic);
    lapic_page_place(lapic);
}

static void lapic_loaded(struct device *device)
{
    struct lapic *lapic = from_device(device);
    lapic_page_place(lapic);
    lapic_timer_schedule(lapic);
    lapic_update(lapic);
}

static void lapic_destroy(struct device *device)
{
    struct lapic *lapic = from_device(device);
    clock_event_destroy(&lapic->timer);
    region_remove(lapic->region);
    region_release(lapic->region);
    free(lapic);
}

static const struct device_ops lapic_ops = {"lapic", &lapic_table, lapic_reset, lapic_loaded, lapic_destroy};

/* In front of everything else that may be at the address. */
enum { PAGE_PRIORITY = 2 };

struct lapic *lapic_new(const struct lapic_wiring *wiring)
{
    struct lapic *lapic = calloc(1, sizeof(*lapic));
    if (!lapic) return NULL;
    lapic->wiring = *wiring;
    snprintf(lapic->name, sizeof(lapic->name), "lapic%u", wiring->cpu);
    snprintf(lapic->timer_name, sizeof(lapic->timer_name), "lapic%u.timer", wiring->cpu);
    clock_event_init(&lapic->timer, wiring->clock, lapic->timer_name, lapic_timer_expired, lapic);
    lapic_find_stored(lapic);
    lapic->region = region_new_mmio("local APIC", PAGE_SIZE, &lapic_page_ops, lapic, NULL);
    region_add(wiring->memory, LAPIC_BASE, lapic->region, PAGE_PRIORITY);
    apic_bus_attach(wiring->bus, wiring->cpu, lapic);
    device_add(wiring->devices, &lapic->device, &lapic_ops, lapic->name, &lapic->state);
    lapic_reset(&lapic->device);
    return lapic;
}

/* SPDX-License-Identifier: MIT */
/* Registers of the local APIC, and the interprocessor interrupts that are sent through them. Intel SDM 3A, 10.4.1, 10.6. */
#include "devices/platform/lapic_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(trace_write, "lapic.write", "cpu:u register:s value:x");

/* Interprocessor interrupts (10.6.1). */

/* Only fixed interrupts may go to oneself or to all including oneself (table 10-4). */
static bool icr_legal(struct lapic *lapic, unsigned delivery, enum shorthand shorthand)
{
    bool with_self = shorthand == TO_SELF || shorthand == TO_ALL;
    if ((with_self && delivery != APIC_FIXED) || delivery == APIC_RESERVED || delivery == APIC_EXTINT) {
        lint(lapic->name, "SDM 3A, table 10-4",
             "ICR %08x: delivery mode %s is not possible with this destination", lapic->state.icr_low,
             apic_delivery_name(delivery));
        return false;
    }
    bool has_vector = delivery == APIC_FIXED || delivery == APIC_LOWEST_PRIORITY;
    if (has_vector && (lapic->state.icr_low & ENTRY_VECTOR) < FIRST_LEGAL_VECTOR) {
        lint(lapic->name, "SDM 3A, 10.5.2", "ICR %08x: vectors 0 to 15 are illegal", lapic->state.icr_low);
        lapic_error(lapic, ERROR_SEND_VECTOR);
        return false;
    }
    return true;
}

/* Edge-triggered always, whatever the trigger bit says; INIT with level 0 only synchronises arbitration on old buses. */
static void icr_send(struct lapic *lapic)
{
    uint32_t icr = lapic->state.icr_low;
    unsigned delivery = entry_delivery(icr);
    enum shorthand shorthand = bits_get(icr, 18, 2);
    if (delivery == APIC_INIT && !(icr & ENTRY_ASSERT)) return;
    if (!icr_legal(lapic, delivery, shorthand)) return;
    struct apic_message message = {
        .delivery = (uint8_t)delivery, .vector = icr & ENTRY_VECTOR, .destination = 0xff};
    switch (shorthand) {
    case TO_SELF:
        if (lapic_takes(lapic, delivery)) lapic_deliver(lapic, &message);
        break;
    case TO_DESTINATION:
        message.destination = (uint8_t)(lapic->state.icr_high >> 24);
        message.logical = icr & ENTRY_LOGICAL;
        apic_bus_send(lapic->wiring.bus, &message, NULL);
        break;
    case TO_ALL: apic_bus_send(lapic->wiring.bus, &message, NULL); break;
    case TO_OTHERS: apic_bus_send(lapic->wiring.bus, &message, lapic); break;
    }
}

/* Registers. */

enum { R = 1, W = 2 };

struct lapic_register {
    const char *name;
    uint16_t offset;
    uint8_t count; /* of like registers, 16 bytes apart */
    uint8_t access;
    uint32_t writable;
    uint16_t
        place; /* in struct lapic_state: it reads as it is stored; 0 (where no register is): it is worked out */
};
#define STORED(field) offsetof(struct lapic_state, field)

static const struct lapic_register registers[] = {
    {"ID", ID, 1, R | W, 0xff000000, STORED(id)},
    {"version", VERSION, 1, R, 0, 0},
    {"TPR", TPR, 1, R | W, 0xff, STORED(tpr)},
    {"APR", APR, 1, R, 0, 0},
    {"PPR", PPR, 1, R, 0, 0},
    {"EOI", EOI, 1, W, 0, 0},
    {"RRD", RRD, 1, R, 0, 0},
    {"LDR", LDR, 1, R | W, 0xff000000, STORED(ldr)},
    {"DFR", DFR, 1, R | W, 0xf0000000, STORED(dfr)},
    {"SVR", SVR, 1, R | W, 0x3ff, STORED(svr)},
    {"ISR", ISR, VECTOR_WORDS, R, 0, STORED(isr)},
    {"TMR", TMR, VECTOR_WORDS, R, 0, STORED(tmr)},
    {"IRR", IRR, VECTOR_WORDS, R, 0, STORED(irr)},
    {"ESR", ESR, 1, R | W, 0, STORED(esr)},
    {"ICR low", ICR_LOW, 1, R | W, 0x000ccfff, STORED(icr_low)},
    {"ICR high", ICR_HIGH, 1, R | W, 0xff000000, STORED(icr_high)},
    {"LVT timer", LVT_TIMER, 1, R | W, 0x000300ff, STORED(lvt[TIMER])},
    {"LVT performance", LVT_PERFORMANCE, 1, R | W, 0x000107ff, STORED(lvt[PERFORMANCE])},
    {"LVT LINT0", LVT_LINT0, 1, R | W, 0x0001a7ff, STORED(lvt[LINT0])},
    {"LVT LINT1", LVT_LINT1, 1, R | W, 0x0001a7ff, STORED(lvt[LINT1])},
    {"LVT error", LVT_ERROR, 1, R | W, 0x000100ff, STORED(lvt[ERROR])},
    {"initial count", TIMER_INITIAL, 1, R | W, 0xffffffff, STORED(timer_initial)},
    {"current count", TIMER_CURRENT, 1, R, 0, 0},
    {"divide configuration", TIMER_DIVIDE, 1, R | W, 0x0b, STORED(timer_divide)},
};

void lapic_find_stored(struct lapic *lapic)
{
    static const uint32_t version = LAPIC_VERSION;
    lapic->stored[VERSION / REGISTER_STEP] = &version;
    for (size_t i = 0; i < ARRAY_COUNT(registers); i++) {
        const struct lapic_register *row = &registers[i];
        const uint32_t *first = (const uint32_t *)((const uint8_t *)&lapic->state + row->place);
        for (unsigned n = 0; row->place && n < row->count; n++)
            lapic->stored[row->offset / REGISTER_STEP + n] = first + n;
    }
}

const uint32_t *const *lapic_stored(const struct lapic *lapic)
{
    return lapic->stored;
}

static const struct lapic_register *register_find(unsigned offset)
{
    for (size_t i = 0; i < ARRAY_COUNT(registers); i++) {
        const struct lapic_register *row = &registers[i];
        if (offset >= row->offset && offset < row->offset + (unsigned)row->count * REGISTER_STEP) return row;
    }
    return NULL;
}

/* The entry that a register of the LVT is. */
static enum lvt lvt_index(unsigned offset)
{
    return offset == LVT_TIMER ? TIMER : (enum lvt)(PERFORMANCE + (offset - LVT_PERFORMANCE) / REGISTER_STEP);
}

/* An access that no register answers, or not in this way (10.5.3, bit 7). */
static void register_illegal(struct lapic *lapic, unsigned offset, const char *what)
{
    lint(lapic->name, "SDM 3A, table 10-1", "%s of offset %03xh, where no register takes it", what, offset);
    lapic_error(lapic, ERROR_REGISTER);
}

uint32_t lapic_read(struct lapic *lapic, unsigned offset)
{
    if (offset % REGISTER_STEP) return 0;
    const uint32_t *stored =
        offset < LAPIC_STORED * REGISTER_STEP ? lapic->stored[offset / REGISTER_STEP] : NULL;
    if (stored) return *stored;
    switch (offset) {
    case APR: return lapic_priority(lapic);
    case PPR: return lapic_ppr(lapic);
    case RRD: return 0; /* nobody filled it */
    case TIMER_CURRENT: return lapic_timer_current(lapic);
    default: register_illegal(lapic, offset, "read"); return 0;
    }
}

/* Switching off by software masks the LVT, and keeps it masked (10.4.7.2). */
static void svr_write(struct lapic *lapic, uint32_t value)
{
    lapic->state.svr = value;
    if (!(value & SVR_ENABLE))
        for (unsigned i = 0; i < LVT_ENTRIES; i++) lapic->state.lvt[i] |= LVT_MASKED;
}

static void lvt_write(struct lapic *lapic, enum lvt index, uint32_t value)
{
    uint32_t *entry = &lapic->state.lvt[index];
    *entry = value | (value & ENTRY_LEVEL ? *entry & ENTRY_REMOTE_IRR : 0);
    if (!(lapic->state.svr & SVR_ENABLE)) *entry |= LVT_MASKED;
    if (index == LINT0 || index == LINT1) lapic_lint_level(lapic, index - LINT0);
}

static void register_write(struct lapic *lapic, unsigned offset, uint32_t value)
{
    struct lapic_state *state = &lapic->state;
    switch (offset) {
    case ID: state->id = value; break;
    case TPR: state->tpr = value; break;
    case EOI: lapic_eoi(lapic); break;
    case LDR: state->ldr = value; break;
    case DFR: state->dfr = value | 0x0fffffff; break;
    case SVR: svr_write(lapic, value); break;
    case ESR:
        state->esr = state->errors;
        state->errors = 0;
        break;
    case ICR_LOW:
        state->icr_low = value;
        icr_send(lapic);
        break;
    case ICR_HIGH: state->icr_high = value; break;
    case TIMER_INITIAL:
        state->timer_initial = value;
        lapic_timer_start(lapic, value);
        break;
    case TIMER_DIVIDE: lapic_timer_set_divide(lapic, value); break;
    default: lvt_write(lapic, lvt_index(offset), value); break;
    }
    if (offset == ID || offset == LDR || offset == DFR || offset == SVR)
        apic_bus_receivers_changed(lapic->wiring.bus);
}

void lapic_write(struct lapic *lapic, unsigned offset, uint32_t value)
{
    const struct lapic_register *row = offset % REGISTER_STEP ? NULL : register_find(offset);
    if (!row || !(row->access & W)) {
        register_illegal(lapic, offset, "write");
        return;
    }
    if (trace_on(&trace_write))
        trace_emit(&trace_write, lapic->wiring.clock, (uint64_t)lapic->wiring.cpu, row->name,
                   (uint64_t)value);
    register_write(lapic, offset, value & row->writable);
    lapic_update(lapic);
}

/* The page. */

uint64_t lapic_page_address(const struct lapic *lapic)
{
    return lapic->state.base & BASE_ADDRESS;
}

/* The local APIC that answers: that of the accessing CPU, if it is there and its page is the one accessed. */
static struct lapic *page_owner(const struct lapic *lapic)
{
    struct lapic *current = apic_bus_current(lapic->wiring.bus);
    return current && lapic_enabled(current) && lapic_page_address(current) == lapic_page_address(lapic)
               ? current
               : NULL;
}

static enum mem_result page_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct lapic *lapic = page_owner(owner);
    *value = bytes_mask(size);
    if (!lapic) return MEM_DECODE_ERROR;
    *value &= lapic_read(lapic, (unsigned)at.offset & ~3u) >> (8 * (at.offset & 3));
    return MEM_OK;
}

static enum mem_result page_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    const struct lapic *in_front = owner;
    struct lapic *lapic = page_owner(in_front);
    if (!apic_bus_current(in_front->wiring.bus) && size == 4) /* a device's message to APIC ID 0 */
        return apic_bus_write(in_front->wiring.bus, lapic_page_address(in_front) + at.offset,
                              (uint32_t)value);
    if (!lapic) return MEM_DECODE_ERROR;
    if (size == 4)
        lapic_write(lapic, (unsigned)at.offset, (uint32_t)value);
    else
        lint(lapic->name, "SDM 3A, 10.4.1", "write of %u byte(s) at %03xh ignored: registers take dwords",
             size, (unsigned)at.offset);
    return MEM_OK;
}

const struct mmio_ops lapic_page_ops = {page_read, page_write, 1, 4, false};

void lapic_page_place(struct lapic *lapic)
{
    region_change_begin();
    region_move(lapic->region, lapic_page_address(lapic));
    region_enable(lapic->region, lapic_enabled(lapic));
    region_change_end();
}

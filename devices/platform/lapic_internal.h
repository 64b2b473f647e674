/* SPDX-License-Identifier: MIT */
/*
 * The local APIC from inside: lapic.c has priorities, messages, pins and the CPU's side, lapic_timer.c the timer,
 * lapic_registers.c the page of registers and the IPIs sent through it. Sections are those of the Intel SDM, volume 3A.
 */
#ifndef DEVICES_PLATFORM_LAPIC_INTERNAL_H
#define DEVICES_PLATFORM_LAPIC_INTERNAL_H

#include "devices/platform/lapic.h"
#include "emu/core/bits.h"

/* Registers (10.4.1, table 10-1). */
enum {
    ID = 0x020,
    VERSION = 0x030,
    TPR = 0x080,
    APR = 0x090,
    PPR = 0x0a0,
    EOI = 0x0b0,
    RRD = 0x0c0,
    LDR = 0x0d0,
    DFR = 0x0e0,
    SVR = 0x0f0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR_LOW = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_PERFORMANCE = 0x340,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    TIMER_INITIAL = 0x380,
    TIMER_CURRENT = 0x390,
    TIMER_DIVIDE = 0x3e0,
};
enum { PAGE_SIZE = 0x1000, REGISTER_STEP = 16, VECTOR_WORDS = 8 };

enum { BASE_BOOTSTRAP = 0x100, BASE_ENABLE = 0x800 };
#define BASE_ADDRESS UINT64_C(0xffffff000)

enum { SVR_VECTOR = 0xff, SVR_ENABLE = 0x100 };
#define DFR_FLAT 0xfu /* bits 31:28; 0 is cluster */

/* Bits that LVT entries and the ICR share (figures 10-8 and 10-12). */
enum {
    ENTRY_VECTOR = 0x000ff,
    ENTRY_LOGICAL = 0x00800,
    ENTRY_REMOTE_IRR = 0x04000,
    ENTRY_ASSERT = 0x04000, /* ICR */
    ENTRY_LEVEL = 0x08000,
    LVT_MASKED = 0x10000,
    LVT_PERIODIC = 0x20000,
};
enum shorthand { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };

/* ESR (10.5.3). */
enum { ERROR_SEND_VECTOR = 0x20, ERROR_RECEIVE_VECTOR = 0x40, ERROR_REGISTER = 0x80 };

enum { FIRST_LEGAL_VECTOR = 16 };

enum lvt { TIMER, PERFORMANCE, LINT0, LINT1, ERROR, LVT_ENTRIES };

struct lapic_state {
    uint64_t base; /* MSR 1Bh */
    uint32_t id, tpr, ldr, dfr, svr;
    uint32_t isr[VECTOR_WORDS], tmr[VECTOR_WORDS], irr[VECTOR_WORDS];
    uint32_t esr;    /* as it reads */
    uint32_t errors; /* since ESR was last written */
    uint32_t icr_low, icr_high;
    uint32_t lvt[LVT_ENTRIES];
    uint32_t timer_initial, timer_divide;
    int64_t timer_deadline; /* when the count gets to 0; VTIME_NEVER: it is 0 */
    uint8_t lint;           /* levels of the pins */
    bool extint_pending;    /* an ExtINT message came */
    bool waiting;           /* for a startup IPI */
};

struct lapic {
    struct device device;
    struct lapic_state state;
    struct lapic_wiring wiring;
    struct clock_event timer;
    struct region *region;
    bool intr;                            /* what the CPU was last told */
    const uint32_t *stored[LAPIC_STORED]; /* lapic_stored */
    char name[16], timer_name[24];
};

/* Sets of vectors. */

static inline void vector_set(uint32_t words[VECTOR_WORDS], unsigned vector, bool on)
{
    uint32_t bit = BIT(vector & 31);
    words[vector >> 5] = on ? words[vector >> 5] | bit : words[vector >> 5] & ~bit;
}

static inline bool vector_get(const uint32_t words[VECTOR_WORDS], unsigned vector)
{
    return words[vector >> 5] & BIT(vector & 31);
}

/* The highest vector of a set, 0 when it is empty (which no legal vector is). */
static inline unsigned vector_highest(const uint32_t words[VECTOR_WORDS])
{
    for (int i = VECTOR_WORDS - 1; i >= 0; i--)
        if (words[i]) return 32 * (unsigned)i + 31 - (unsigned)__builtin_clz(words[i]);
    return 0;
}

/* The delivery mode of an entry or of the ICR. */
static inline unsigned entry_delivery(uint32_t entry)
{
    return bits_get(entry, 8, 3);
}

/* lapic.c */
bool lapic_works(const struct lapic *lapic); /* enabled by MSR and by SVR (10.4.7.2) */
uint32_t lapic_ppr(const struct lapic *lapic);
void lapic_update(struct lapic *lapic); /* tells the CPU whether there is an interrupt for it */
void lapic_accept(struct lapic *lapic, unsigned vector, bool level);
void lapic_error(struct lapic *lapic, uint32_t error); /* bits of ESR */
void lapic_eoi(struct lapic *lapic);
void lapic_lint_level(struct lapic *lapic, unsigned pin); /* a level-triggered pin or its entry changed */

/* lapic_timer.c */
uint32_t lapic_timer_current(const struct lapic *lapic);
void lapic_timer_start(struct lapic *lapic, uint32_t count);
void lapic_timer_set_divide(struct lapic *lapic, uint32_t value);
void lapic_timer_schedule(struct lapic *lapic); /* after the deadline was changed */
void lapic_timer_expired(void *owner);

/* lapic_registers.c */
extern const struct mmio_ops lapic_page_ops; /* of the region */
void lapic_find_stored(struct lapic *lapic); /* for a new one */
uint64_t lapic_page_address(const struct lapic *lapic);
void lapic_page_place(struct lapic *lapic); /* after the base register was changed */

#endif

/* SPDX-License-Identifier: MIT */
/* Local APICs, driven as firmware and operating systems drive them. Sections are those of the Intel SDM, volume 3A. */
#include <string.h>
#include "emu/core/bits.h"
#include "tests/unit/apic_rig.h"

enum {
    ID = 0x020,
    VERSION = 0x030,
    TPR = 0x080,
    APR = 0x090,
    PPR = 0x0a0,
    EOI = 0x0b0,
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
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3e0,
};
enum {
    MASKED = 0x10000,
    PERIODIC = 0x20000,
    LEVEL = 0x8000,
    ASSERT = 0x4000,
    LOGICAL = 0x800,
    LOWEST = 0x100
};
enum { SELF = 1 << 18, ALL = 2 << 18, OTHERS = 3 << 18 };
enum { DIVIDE_BY_1 = 0xb, DIVIDE_BY_16 = 0x3 };

static struct rig rig;

static void setup(void)
{
    rig_open(&rig);
}

static void teardown(void)
{
    rig_close(&rig);
}

static uint32_t get(unsigned offset)
{
    return lapic_get(&rig, 0, offset);
}

static void set(unsigned offset, uint32_t value)
{
    lapic_set(&rig, 0, offset, value);
}

static void all_on(void)
{
    for (unsigned i = 0; i < RIG_CPUS; i++) lapic_switch_on(&rig, i);
}

static void send(unsigned from, uint8_t destination, uint32_t icr)
{
    lapic_set(&rig, from, ICR_HIGH, (uint32_t)destination << 24);
    lapic_set(&rig, from, ICR_LOW, icr);
}

static bool in_set(unsigned cpu, unsigned registers, unsigned vector)
{
    return lapic_get(&rig, cpu, registers + 16 * (vector / 32)) >> (vector % 32) & 1;
}

static void pin(unsigned cpu, unsigned n, bool level)
{
    rig_raise(lapic_lint(rig.lapic[cpu], n), level);
}

/* ---- state after reset, and the page ---- */

START_TEST(reset_values)
{
    /* 10.4.7.1; LINT0 and LINT1 of the bootstrap CPU are in virtual wire mode (MP 1.4, 3.6.2.2). */
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) {
        ck_assert_uint_eq(lapic_get(&rig, cpu, ID), cpu << 24);
        ck_assert_uint_eq(lapic_get(&rig, cpu, VERSION), 0x00040014);
        ck_assert_uint_eq(lapic_get(&rig, cpu, DFR), 0xffffffff);
        ck_assert_uint_eq(lapic_get(&rig, cpu, LDR), 0);
        ck_assert_uint_eq(lapic_get(&rig, cpu, SVR), 0xff);
        ck_assert_uint_eq(lapic_get(&rig, cpu, LVT_TIMER), MASKED);
        ck_assert_uint_eq(lapic_get(&rig, cpu, LVT_LINT0), cpu ? MASKED : 0x700);
        ck_assert_uint_eq(lapic_get(&rig, cpu, LVT_LINT1), cpu ? MASKED : 0x400);
        ck_assert_uint_eq(lapic_get(&rig, cpu, CURRENT), 0);
        ck_assert_uint_eq(lapic_base_read(rig.lapic[cpu]), cpu ? 0xfee00800 : 0xfee00900);
        ck_assert_int_eq(lapic_waiting(rig.lapic[cpu]), cpu != 0);
    }
}
END_TEST

/* What is loaded from where it lies is what a read gives; what time or priorities change, and errors, are not there. */
START_TEST(stored_registers)
{
    static const uint16_t asked[] = {0x090 /* APR */, 0x0a0 /* PPR */, 0x0b0 /* EOI */,
                                     CURRENT,         0x000,           0x3f0};
    const uint32_t *const *stored = lapic_stored(rig.lapic[1]);
    lapic_switch_on(&rig, 1);
    lapic_set(&rig, 1, LDR, 0x55000000);
    ck_assert_uint_eq(*stored[ID / 16], 1 << 24);
    ck_assert_uint_eq(*stored[VERSION / 16], 0x00040014);
    ck_assert_uint_eq(*stored[LDR / 16], 0x55000000);
    for (unsigned i = 0; i < LAPIC_STORED; i++)
        if (stored[i]) ck_assert_uint_eq(*stored[i], lapic_get(&rig, 1, i * 16));
    for (size_t i = 0; i < ARRAY_COUNT(asked); i++) ck_assert_ptr_null(stored[asked[i] / 16]);
}
END_TEST

/* What a device writes there is a message to APIC ID 0 (10.11), whatever register a CPU would find. */
START_TEST(a_device_finds_no_local_apic)
{
    uint64_t value;
    rig.current = APIC_NO_CPU;
    ck_assert_int_eq(space_load(rig.memory, LAPIC_BASE + ID, 4, &value), MEM_DECODE_ERROR);
    ck_assert_uint_eq(value, 0xffffffff);
    ck_assert_int_eq(space_store(rig.memory, LAPIC_BASE + ICR_LOW, 2, 0x4500), MEM_DECODE_ERROR);
    ck_assert_int_eq(space_store(rig.memory, LAPIC_BASE + ICR_LOW, 4, 0x000c4500), MEM_OK);
    ck_assert_uint_eq(rig.cpu[0].inits, 1);
    ck_assert_uint_eq(rig.cpu[1].inits, 0);
}
END_TEST

START_TEST(widths)
{
    /* 10.4.1: dwords at multiples of 16; narrower reads give their bytes, narrower writes nothing. */
    uint64_t value;
    rig.current = 2;
    (void)!space_load(rig.memory, LAPIC_BASE + ID + 3, 1, &value);
    ck_assert_uint_eq(value, 2);
    (void)!space_load(rig.memory, LAPIC_BASE + VERSION, 8, &value);
    ck_assert_uint_eq(value, 0x00040014);
    (void)!space_store(rig.memory, LAPIC_BASE + TPR, 1, 0x20);
    ck_assert_uint_eq(lapic_get(&rig, 2, TPR), 0);
    lapic_set(&rig, 2, TPR, 0xffffff20);
    ck_assert_uint_eq(lapic_get(&rig, 2, TPR), 0x20);
}
END_TEST

START_TEST(base_msr_moves_one_page)
{
    ck_assert(lapic_base_write(rig.lapic[1], 0x100000800));
    rig.current = 1;
    ck_assert_uint_eq(rig_load(&rig, 0x100000000 + ID), 1 << 24);
    ck_assert_uint_eq(rig_load(&rig, LAPIC_BASE + ID), 0xffffffff);
    rig.current = 0;
    ck_assert_uint_eq(rig_load(&rig, LAPIC_BASE + ID), 0);
    ck_assert_uint_eq(rig_load(&rig, 0x100000000 + ID), 0xffffffff);
    ck_assert(!lapic_base_write(rig.lapic[1], 0xfee00c00)); /* reserved bit: #GP */
    ck_assert(!lapic_base_write(rig.lapic[1], UINT64_C(1) << 36));
    ck_assert(lapic_base_write(rig.lapic[1], 0xfee00900)); /* nobody becomes the bootstrap CPU by saying so */
    ck_assert_uint_eq(lapic_base_read(rig.lapic[1]), 0xfee00800);
}
END_TEST

START_TEST(globally_disabled)
{
    /* 10.4.3: as if there were none; LINT0 is INTR, LINT1 is NMI. */
    set(SVR, 0x1ff), set(LVT_LINT0, MASKED), set(TPR, 0x50);
    ck_assert(lapic_base_write(rig.lapic[0], 0xfee00100));
    ck_assert(!lapic_enabled(rig.lapic[0]));
    ck_assert_uint_eq(get(ID), 0xffffffff);
    pin(0, 0, true);
    ck_assert(rig.cpu[0].intr);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), RIG_EXTINT_VECTOR);
    pin(0, 0, false), pin(0, 1, true);
    ck_assert(!rig.cpu[0].intr);
    ck_assert_uint_eq(rig.cpu[0].nmis, 1);
    lapic_switch_on(&rig, 1);
    send(1, 0, 0x40);
    ck_assert(!rig.cpu[0].intr);
    ck_assert(lapic_base_write(rig.lapic[0], 0xfee00900));
    ck_assert_uint_eq(get(SVR), 0xff);
    ck_assert_uint_eq(get(TPR), 0);
}
END_TEST

/* ---- priorities, acknowledge, EOI ---- */

START_TEST(accept_acknowledge_eoi)
{
    all_on();
    send(1, 0, 0x41);
    ck_assert(rig.cpu[0].intr);
    ck_assert(in_set(0, IRR, 0x41));
    ck_assert(!in_set(0, TMR, 0x41));
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x41);
    ck_assert(!rig.cpu[0].intr);
    ck_assert(!in_set(0, IRR, 0x41));
    ck_assert(in_set(0, ISR, 0x41));
    ck_assert_uint_eq(get(PPR), 0x40);
    set(EOI, 0);
    ck_assert(!in_set(0, ISR, 0x41));
    ck_assert_uint_eq(get(PPR), 0);
}
END_TEST

START_TEST(classes_nest_and_queue)
{
    /* 10.8.3.1, 10.8.4: only a higher class interrupts; two of one vector are held, one in IRR and one in ISR. */
    all_on();
    send(1, 0, 0x41);
    lapic_acknowledge(rig.lapic[0]);
    send(1, 0, 0x4f);
    ck_assert(!rig.cpu[0].intr);
    send(1, 0, 0x50);
    ck_assert(rig.cpu[0].intr);
    send(1, 0, 0x50), send(1, 0, 0x50);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x50);
    send(1, 0, 0x50);
    set(EOI, 0);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x50);
    set(EOI, 0);
    ck_assert(!rig.cpu[0].intr); /* 41h is still in service */
    set(EOI, 0);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x4f);
}
END_TEST

START_TEST(tpr_holds_back_and_ppr_follows)
{
    all_on();
    set(TPR, 0x4a);
    send(1, 0, 0x4f);
    ck_assert(!rig.cpu[0].intr);
    ck_assert_uint_eq(get(PPR), 0x4a);
    set(TPR, 0x3f);
    ck_assert(rig.cpu[0].intr);
    lapic_acknowledge(rig.lapic[0]);
    ck_assert_uint_eq(get(PPR), 0x40);
    ck_assert_uint_eq(get(APR), 0);
    set(TPR, 0xff);
    ck_assert_uint_eq(get(APR), 0xff);
}
END_TEST

START_TEST(spurious_interrupt_sets_no_isr_bit)
{
    /* 10.9: TPR was raised between INTR and INTA. */
    all_on();
    set(SVR, 0x1ef);
    send(1, 0, 0x41);
    set(TPR, 0x80);
    ck_assert(!rig.cpu[0].intr);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0xef);
    for (unsigned word = 0; word < 8; word++) ck_assert_uint_eq(get(ISR + 16 * word), 0);
    ck_assert(in_set(0, IRR, 0x41));
    set(EOI, 0); /* harmless */
}
END_TEST

START_TEST(software_disable)
{
    /* 10.4.7.2: LVT masked and kept so; nothing new is taken; what is pending stays; IPIs can be sent. */
    all_on();
    set(LVT_TIMER, 0x40);
    send(1, 0, 0x41);
    set(SVR, 0xff);
    ck_assert(!rig.cpu[0].intr);
    ck_assert_uint_eq(get(LVT_TIMER), MASKED | 0x40);
    set(LVT_TIMER, 0x42);
    ck_assert_uint_eq(get(LVT_TIMER), MASKED | 0x42);
    send(1, 0, 0x51);
    ck_assert(!in_set(0, IRR, 0x51));
    send(0, 1, 0x61);
    ck_assert(rig.cpu[1].intr);
    send(1, 0, 0x400 | ASSERT);
    ck_assert_uint_eq(rig.cpu[0].nmis, 1);
    set(SVR, 0x1ff);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x41);
}
END_TEST

/* ---- errors ---- */

START_TEST(illegal_register_and_esr_protocol)
{
    /* 10.5.3: reads show what was there at the last write; the write arms the interrupt again. */
    all_on();
    set(LVT_ERROR, 0x33);
    set(0x400, 1);
    ck_assert_uint_eq(get(ESR), 0);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x33);
    set(EOI, 0);
    get(0x400);
    ck_assert(!rig.cpu[0].intr);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x80);
    get(EOI); /* write-only */
    ck_assert(rig.cpu[0].intr);
    set(ESR, 0), set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0);
}
END_TEST

START_TEST(illegal_vectors)
{
    all_on();
    send(0, 1, 0x0f);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x20);
    ck_assert(!rig.cpu[1].intr);
    set(LVT_TIMER, 0x05), set(DIVIDE, DIVIDE_BY_1), set(INITIAL, 10);
    bench_run(&rig.bench, 20);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x40);
}
END_TEST

START_TEST(error_with_an_illegal_error_vector_ends)
{
    all_on();
    set(LVT_ERROR, 0x05);
    get(0x400);
    set(ESR, 0);
    ck_assert_uint_eq(get(ESR), 0x80 | 0x40);
}
END_TEST

/* ---- interprocessor interrupts ---- */

static unsigned requested(unsigned vector)
{
    unsigned set_of_cpus = 0;
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
        if (in_set(cpu, IRR, vector)) set_of_cpus |= 1u << cpu;
    return set_of_cpus;
}

START_TEST(physical_destinations_and_shorthands)
{
    all_on();
    send(0, 2, 0x41);
    ck_assert_uint_eq(requested(0x41), 0x4);
    send(0, 0xff, 0x42);
    ck_assert_uint_eq(requested(0x42), 0xf);
    send(3, 0, 0x43 | SELF);
    ck_assert_uint_eq(requested(0x43), 0x8);
    send(1, 0, 0x44 | ALL);
    ck_assert_uint_eq(requested(0x44), 0xf);
    send(1, 0, 0x45 | OTHERS);
    ck_assert_uint_eq(requested(0x45), 0xd);
    send(1, 9, 0x46);
    ck_assert_uint_eq(requested(0x46), 0);
    ck_assert_uint_eq(lapic_get(&rig, 1, ICR_LOW), 0x46); /* delivery status idle */
}
END_TEST

START_TEST(logical_flat)
{
    /* 10.6.2.2 */
    all_on();
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) lapic_set(&rig, cpu, LDR, 0x01000000u << cpu);
    send(0, 0x06, 0x51 | LOGICAL);
    ck_assert_uint_eq(requested(0x51), 0x6);
    send(0, 0xff, 0x52 | LOGICAL);
    ck_assert_uint_eq(requested(0x52), 0xf);
    send(0, 0xf0, 0x53 | LOGICAL);
    ck_assert_uint_eq(requested(0x53), 0);
}
END_TEST

START_TEST(logical_cluster)
{
    static const uint32_t ldr[RIG_CPUS] = {0x11000000, 0x12000000, 0x21000000, 0x28000000};
    all_on();
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) {
        lapic_set(&rig, cpu, DFR, 0);
        lapic_set(&rig, cpu, LDR, ldr[cpu]);
    }
    ck_assert_uint_eq(get(DFR), 0x0fffffff);
    send(0, 0x13, 0x51 | LOGICAL);
    ck_assert_uint_eq(requested(0x51), 0x3);
    send(0, 0x29, 0x52 | LOGICAL);
    ck_assert_uint_eq(requested(0x52), 0xc);
    send(0, 0x3f, 0x53 | LOGICAL);
    ck_assert_uint_eq(requested(0x53), 0);
    send(0, 0xff, 0x54 | LOGICAL);
    ck_assert_uint_eq(requested(0x54), 0xf);
}
END_TEST

START_TEST(lowest_priority_goes_round)
{
    /* 10.6.2.4 */
    all_on();
    lapic_set(&rig, 0, TPR, 0x20), lapic_set(&rig, 2, TPR, 0x20);
    send(0, 0xff, 0x61 | LOWEST);
    ck_assert_uint_eq(requested(0x61), 0x2);
    send(0, 0xff, 0x62 | LOWEST);
    ck_assert_uint_eq(requested(0x62), 0x8); /* CPU 1 has 61h pending now */
    lapic_set(&rig, 3, SVR, 0xff);
    lapic_set(&rig, 1, TPR, 0x80);
    lapic_set(&rig, 2, TPR, 0x10);
    send(0, 0xff, 0x63 | LOWEST);
    ck_assert_uint_eq(requested(0x63), 0x4);
}
END_TEST

START_TEST(equal_priorities_take_turns)
{
    all_on();
    for (unsigned round = 0; round < 2 * RIG_CPUS; round++) {
        send(0, 0xff, 0x61 | LOWEST);
        ck_assert_uint_eq(requested(0x61), 1u << round % RIG_CPUS);
        lapic_acknowledge(rig.lapic[round % RIG_CPUS]);
        lapic_set(&rig, round % RIG_CPUS, EOI, 0);
    }
}
END_TEST

START_TEST(combinations_that_do_not_exist)
{
    all_on();
    send(0, 0, 0x400 | ASSERT | SELF);
    send(0, 0, 0x61 | LOWEST | ALL);
    send(0, 1, 0x761), send(0, 1, 0x361);
    ck_assert_uint_eq(rig.cpu[0].nmis, 0);
    ck_assert_uint_eq(requested(0x61), 0);
    ck_assert(!rig.cpu[1].intr);
}
END_TEST

START_TEST(firmware_starts_the_others)
{
    /* 8.4.4.1, in the short form that SeaBIOS uses: INIT and one startup IPI to all excluding self. */
    lapic_switch_on(&rig, 0);
    set(LVT_LINT0, 0x8700), set(LVT_LINT1, 0x8400);
    set(ICR_LOW, 0x000c4500);
    set(ICR_LOW, 0x000c4610);
    ck_assert_uint_eq(rig.cpu[0].inits, 0);
    ck_assert_uint_eq(rig.cpu[0].startups, 0);
    for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++) {
        ck_assert_uint_eq(rig.cpu[cpu].inits, 1);
        ck_assert_uint_eq(rig.cpu[cpu].startups, 1);
        ck_assert_uint_eq(rig.cpu[cpu].startup_vector, 0x10);
        ck_assert(!lapic_waiting(rig.lapic[cpu]));
    }
    set(ICR_LOW, 0x000c4620); /* the second one is ignored */
    ck_assert_uint_eq(rig.cpu[1].startups, 1);
}
END_TEST

START_TEST(kernel_starts_one)
{
    /* As the MP specification has it (B.4): INIT, level deassert, two startup IPIs. */
    all_on();
    lapic_set(&rig, 2, LDR, 0x04000000), lapic_set(&rig, 2, TPR, 0x40);
    send(0, 2, 0x500 | LEVEL | ASSERT);
    ck_assert(lapic_waiting(rig.lapic[2]));
    send(0, 2, 0x500 | LEVEL);
    ck_assert_uint_eq(rig.cpu[2].inits, 1);
    ck_assert_uint_eq(lapic_get(&rig, 2, LDR), 0); /* 10.4.7.3 */
    ck_assert_uint_eq(lapic_get(&rig, 2, TPR), 0);
    ck_assert_uint_eq(lapic_get(&rig, 2, ID), 2 << 24);
    send(0, 2, 0x6 << 8 | 0x9f), send(0, 2, 0x6 << 8 | 0x9f);
    ck_assert_uint_eq(rig.cpu[2].startups, 1);
    ck_assert_uint_eq(rig.cpu[2].startup_vector, 0x9f);
    ck_assert_uint_eq(rig.cpu[1].inits, 0);
}
END_TEST

START_TEST(init_of_the_bootstrap_cpu_does_not_wait)
{
    all_on();
    send(1, 0, 0x500 | ASSERT);
    ck_assert_uint_eq(rig.cpu[0].inits, 1);
    ck_assert(!lapic_waiting(rig.lapic[0]));
    ck_assert_uint_eq(get(LVT_LINT0), 0x700);
}
END_TEST

/* ---- pins ---- */

START_TEST(virtual_wire)
{
    pin(0, 0, true);
    ck_assert(rig.cpu[0].intr); /* at power-on */
    lapic_switch_on(&rig, 0);
    set(TPR, 0xff);
    ck_assert(rig.cpu[0].intr); /* ExtINT knows no priorities */
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), RIG_EXTINT_VECTOR);
    ck_assert_uint_eq(rig.extint_acks, 1);
    ck_assert_uint_eq(get(ISR), 0);
    set(LVT_LINT0, MASKED | 0x700);
    ck_assert(!rig.cpu[0].intr);
    set(LVT_LINT0, 0x700);
    ck_assert(rig.cpu[0].intr);
    pin(0, 0, false);
    ck_assert(!rig.cpu[0].intr);
}
END_TEST

START_TEST(nmi_pin)
{
    pin(0, 1, true), pin(0, 1, true), pin(0, 1, false);
    ck_assert_uint_eq(rig.cpu[0].nmis, 1);
    pin(1, 1, true);
    ck_assert_uint_eq(rig.cpu[1].nmis, 0); /* masked there */
    lapic_switch_on(&rig, 1);
    lapic_set(&rig, 1, LVT_LINT1, 0x400);
    pin(1, 1, false), pin(1, 1, true);
    ck_assert_uint_eq(rig.cpu[1].nmis, 1);
}
END_TEST

START_TEST(fixed_pins)
{
    all_on();
    set(LVT_LINT0, LEVEL | 0x71), set(LVT_LINT1, 0x81);
    pin(0, 0, true);
    ck_assert_uint_eq(get(LVT_LINT0), LEVEL | 0x4000 | 0x71); /* remote IRR */
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x71);
    ck_assert(in_set(0, TMR, 0x71));
    set(EOI, 0);
    ck_assert(rig.cpu[0].intr); /* still high */
    lapic_acknowledge(rig.lapic[0]);
    pin(0, 0, false);
    set(EOI, 0);
    ck_assert(!rig.cpu[0].intr);
    pin(0, 1, true), pin(0, 1, true);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x81);
    set(EOI, 0);
    ck_assert(!rig.cpu[0].intr);
}
END_TEST

/* ---- timer (10.5.4) ---- */

START_TEST(timer_one_shot)
{
    all_on();
    set(LVT_TIMER, 0x40), set(DIVIDE, DIVIDE_BY_16), set(INITIAL, 1000);
    ck_assert_uint_eq(get(CURRENT), 1000);
    bench_run(&rig.bench, 16 * 400 + 1);
    ck_assert_uint_eq(get(CURRENT), 600);
    ck_assert(!rig.cpu[0].intr);
    bench_run_until(&rig.bench, 15999);
    ck_assert(!rig.cpu[0].intr);
    bench_run_until(&rig.bench, 16000);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x40);
    ck_assert_uint_eq(get(CURRENT), 0);
    set(EOI, 0);
    bench_run(&rig.bench, VTIME_S);
    ck_assert(!rig.cpu[0].intr);
}
END_TEST

START_TEST(timer_periodic)
{
    all_on();
    set(LVT_TIMER, PERIODIC | 0x40), set(DIVIDE, DIVIDE_BY_1), set(INITIAL, 1000);
    for (int i = 1; i <= 5; i++) {
        bench_run_until(&rig.bench, 1000 * i - 1);
        ck_assert(!rig.cpu[0].intr);
        bench_run_until(&rig.bench, 1000 * i);
        ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x40);
        set(EOI, 0);
        ck_assert_uint_eq(get(CURRENT), 1000);
    }
    set(INITIAL, 0);
    bench_run(&rig.bench, 10000);
    ck_assert(!rig.cpu[0].intr);
}
END_TEST

START_TEST(timer_divisors)
{
    static const uint8_t code[] = {0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa};
    all_on();
    set(LVT_TIMER, MASKED);
    for (unsigned i = 0; i < ARRAY_COUNT(code); i++) {
        set(DIVIDE, code[i]), set(INITIAL, 1000);
        ck_assert_uint_eq(get(DIVIDE), code[i]);
        bench_run(&rig.bench, 100 << i);
        ck_assert_uint_eq(get(CURRENT), 900);
    }
}
END_TEST

START_TEST(timer_divisor_changes_while_it_runs)
{
    all_on();
    set(LVT_TIMER, 0x40), set(DIVIDE, DIVIDE_BY_16), set(INITIAL, 1000);
    bench_run_until(&rig.bench, 8000);
    set(DIVIDE, DIVIDE_BY_1);
    ck_assert_uint_eq(get(CURRENT), 500);
    bench_run_until(&rig.bench, 8499);
    ck_assert(!rig.cpu[0].intr);
    bench_run_until(&rig.bench, 8500);
    ck_assert(rig.cpu[0].intr);
}
END_TEST

START_TEST(timer_masked_counts_silently)
{
    all_on();
    set(LVT_TIMER, MASKED | PERIODIC | 0x40), set(DIVIDE, DIVIDE_BY_1), set(INITIAL, 1000);
    bench_run_until(&rig.bench, 2500);
    ck_assert_uint_eq(get(CURRENT), 500);
    ck_assert(!rig.cpu[0].intr);
    set(LVT_TIMER, PERIODIC | 0x40);
    ck_assert(!rig.cpu[0].intr); /* what was masked is lost */
    bench_run_until(&rig.bench, 3000);
    ck_assert(rig.cpu[0].intr);
}
END_TEST

START_TEST(timer_event_that_comes_late)
{
    /* Within another CPU's turn time goes on before the event fires. */
    all_on();
    set(LVT_TIMER, PERIODIC | 0x40), set(DIVIDE, DIVIDE_BY_1), set(INITIAL, 1);
    clock_jump(&rig.bench.clock, 12345);
    ck_assert_uint_eq(get(CURRENT), 1);
    clock_fire_due(&rig.bench.clock);
    ck_assert_int_eq(lapic_acknowledge(rig.lapic[0]), 0x40);
    set(EOI, 0);
    ck_assert(!rig.cpu[0].intr); /* one for them all */
    ck_assert_int_eq(clock_deadline(&rig.bench.clock), 12346);
    set(LVT_TIMER, 0x40), set(INITIAL, 100);
    clock_jump(&rig.bench.clock, 20000);
    ck_assert_uint_eq(get(CURRENT), 0);
    set(DIVIDE, DIVIDE_BY_16); /* does not take the pending interrupt back */
    clock_fire_due(&rig.bench.clock);
    ck_assert(rig.cpu[0].intr);
}
END_TEST

START_TEST(timers_of_cpus_are_their_own)
{
    all_on();
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        lapic_set(&rig, cpu, LVT_TIMER, 0x40), lapic_set(&rig, cpu, DIVIDE, DIVIDE_BY_1);
        lapic_set(&rig, cpu, INITIAL, 1000 * (cpu + 1));
    }
    bench_run_until(&rig.bench, 1500);
    ck_assert(rig.cpu[0].intr && !rig.cpu[1].intr);
    ck_assert_uint_eq(lapic_get(&rig, 1, CURRENT), 500);
}
END_TEST

/* ---- state ---- */

START_TEST(state_survives_a_save)
{
    struct state_buffer saved = {0};
    struct error error;
    all_on();
    set(LVT_TIMER, PERIODIC | 0x40), set(DIVIDE, DIVIDE_BY_1), set(INITIAL, 1000);
    send(1, 0, 0x55);
    struct device *device = device_find(&rig.bench.devices, "lapic0");
    state_save(device->ops->state, device->state, &saved);
    uint64_t hash = state_hash(device->ops->state, device->state, 0);
    device_reset_all(&rig.bench.devices);
    ck_assert(!rig.cpu[0].intr);
    ck_assert_int_eq(clock_deadline(&rig.bench.clock), VTIME_NEVER);
    ck_assert(state_load(device->ops->state, device->state, &saved, &error));
    device->ops->loaded(device);
    ck_assert_uint_eq(state_hash(device->ops->state, device->state, 0), hash);
    ck_assert(rig.cpu[0].intr);
    bench_run_until(&rig.bench, 1000);
    ck_assert(in_set(0, IRR, 0x40));
    state_buffer_free(&saved);
}
END_TEST

/* A guest never wins: any value in any register of the page. */
START_TEST(random_writes)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    all_on();
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned offset = (unsigned)(seed >> 40) & 0xff0;
        if (i & 1) offset &= 0x3f0;
        lapic_set(&rig, (unsigned)(seed >> 60) % RIG_CPUS, offset, (uint32_t)(seed >> 20));
        if (!(i % 16))
            clock_jump(&rig.bench.clock, clock_now(&rig.bench.clock) + 1000),
                clock_fire_due(&rig.bench.clock);
        if (!(i % 8)) lapic_acknowledge(rig.lapic[i / 8 % RIG_CPUS]);
        pin((unsigned)i % RIG_CPUS, (unsigned)i / 4 % 2, seed >> 33 & 1);
    }
    char text[8192];
    FILE *to = fmemopen(text, sizeof text, "w");
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) lapic_print(rig.lapic[cpu], to);
    ioapic_print(rig.ioapic, to);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "lapic3"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reset_values,
        stored_registers,
        a_device_finds_no_local_apic,
        widths,
        base_msr_moves_one_page,
        globally_disabled,
        accept_acknowledge_eoi,
        classes_nest_and_queue,
        tpr_holds_back_and_ppr_follows,
        spurious_interrupt_sets_no_isr_bit,
        software_disable,
        illegal_register_and_esr_protocol,
        illegal_vectors,
        error_with_an_illegal_error_vector_ends,
        physical_destinations_and_shorthands,
        logical_flat,
        logical_cluster,
        lowest_priority_goes_round,
        equal_priorities_take_turns,
        combinations_that_do_not_exist,
        firmware_starts_the_others,
        kernel_starts_one,
        init_of_the_bootstrap_cpu_does_not_wait,
        virtual_wire,
        nmi_pin,
        fixed_pins,
        timer_one_shot,
        timer_periodic,
        timer_divisors,
        timer_divisor_changes_while_it_runs,
        timer_masked_counts_silently,
        timer_event_that_comes_late,
        timers_of_cpus_are_their_own,
        state_survives_a_save,
        random_writes,
    };
    TCase *tcase = tcase_create("lapic");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return bench_main("lapic", tcase);
}

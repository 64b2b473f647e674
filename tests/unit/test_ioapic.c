/* SPDX-License-Identifier: MIT */
/* I/O APIC, driven as an operating system drives it. Sections are those of the 82093AA data sheet. */
#include "devices/platform/i8259.h"
#include "emu/core/bits.h"
#include "tests/unit/apic_rig.h"

enum { EOI = 0x0b0, TMR = 0x180, IRR = 0x200, LDR = 0x0d0, TPR = 0x080 };
enum {
    MASKED = 0x10000,
    LEVEL = 0x8000,
    REMOTE_IRR = 0x4000,
    LOGICAL = 0x800,
    LOWEST = 0x100,
    NMI = 0x400,
    INIT = 0x500
};

static struct rig rig;

static void setup(void)
{
    rig_open(&rig);
    for (unsigned i = 0; i < RIG_CPUS; i++) lapic_switch_on(&rig, i);
}

static void teardown(void)
{
    rig_close(&rig);
}

static void pin(unsigned n, bool level)
{
    rig_raise(ioapic_pin(rig.ioapic, n), level);
}

static void program(unsigned n, uint8_t destination, uint32_t low)
{
    ioapic_set(&rig, 0x11 + 2 * n, (uint32_t)destination << 24);
    ioapic_set(&rig, 0x10 + 2 * n, low);
}

static uint32_t low_half(unsigned n)
{
    return ioapic_get(&rig, 0x10 + 2 * n);
}

/* The vector that a CPU takes now, -1 when there is none. */
static int take(unsigned cpu)
{
    return rig.cpu[cpu].intr ? lapic_acknowledge(rig.lapic[cpu]) : -1;
}

static void eoi(unsigned cpu)
{
    lapic_set(&rig, cpu, EOI, 0);
}

START_TEST(registers)
{
    ck_assert_uint_eq(ioapic_get(&rig, 1), 0x00170011);
    ck_assert_uint_eq(ioapic_get(&rig, 0), 0);
    ioapic_set(&rig, 0, 0xffffffff);
    ck_assert_uint_eq(ioapic_get(&rig, 0), 0x0f000000);
    ck_assert_uint_eq(ioapic_get(&rig, 2), 0x0f000000);
    ioapic_set(&rig, 1, 0);
    ck_assert_uint_eq(ioapic_get(&rig, 1), 0x00170011);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        ck_assert_uint_eq(low_half(n), MASKED);
        ck_assert_uint_eq(ioapic_get(&rig, 0x11 + 2 * n), 0);
    }
    program(23, 0xff, 0xffffffff);
    ck_assert_uint_eq(low_half(23), 0x0001afff); /* delivery status and remote IRR are read-only */
    ck_assert_uint_eq(ioapic_get(&rig, 0x3f), 0xff000000);
    ioapic_set(&rig, 0x40, 1);
    ck_assert_uint_eq(ioapic_get(&rig, 0x40), 0);
    rig_store(&rig, IOAPIC_BASE, 0x101);
    ck_assert_uint_eq(rig_load(&rig, IOAPIC_BASE), 1); /* 8 bits */
    uint64_t value;
    (void)!space_load(rig.memory, IOAPIC_BASE + 0x12, 1, &value);
    ck_assert_uint_eq(value, 0x17);
}
END_TEST

START_TEST(edge)
{
    program(4, 1, 0x34);
    pin(4, true), pin(4, true);
    ck_assert_int_eq(take(1), 0x34);
    ck_assert_uint_eq(lapic_get(&rig, 1, TMR + 16), 0);
    eoi(1);
    ck_assert_int_eq(take(1), -1);
    pin(4, false), pin(4, true);
    ck_assert_int_eq(take(1), 0x34);
    ck_assert_int_eq(take(0), -1);
}
END_TEST

START_TEST(edge_while_masked_is_lost)
{
    program(4, 0, MASKED | 0x34);
    pin(4, true);
    program(4, 0, 0x34);
    ck_assert_int_eq(take(0), -1);
    pin(4, false), pin(4, true);
    ck_assert_int_eq(take(0), 0x34);
}
END_TEST

START_TEST(level_until_eoi)
{
    program(10, 2, LEVEL | 0x5a);
    pin(10, true);
    ck_assert_uint_eq(low_half(10), LEVEL | REMOTE_IRR | 0x5a);
    ck_assert_int_eq(take(2), 0x5a);
    ck_assert_uint_eq(lapic_get(&rig, 2, TMR + 16 * 2), 1u << 26);
    pin(10, false), pin(10, true); /* not sent again */
    ck_assert_int_eq(take(2), -1);
    eoi(2);
    ck_assert_int_eq(take(2), 0x5a); /* still high */
    pin(10, false);
    eoi(2);
    ck_assert_int_eq(take(2), -1);
    ck_assert_uint_eq(low_half(10), LEVEL | 0x5a);
}
END_TEST

START_TEST(level_while_masked_waits)
{
    program(10, 0, MASKED | LEVEL | 0x5a);
    pin(10, true);
    ck_assert_int_eq(take(0), -1);
    program(10, 0, LEVEL | 0x5a);
    ck_assert_int_eq(take(0), 0x5a);
}
END_TEST

START_TEST(eoi_opens_every_pin_of_the_vector_and_no_other)
{
    program(10, 0, LEVEL | 0x5a), program(11, 0, LEVEL | 0x5a), program(5, 0, LEVEL | 0x6a);
    pin(10, true), pin(11, true), pin(5, true);
    ck_assert_int_eq(take(0), 0x6a);
    pin(5, false), pin(10, false), pin(11, false);
    eoi(0);
    ck_assert_uint_eq(low_half(5), LEVEL | 0x6a);
    ck_assert_uint_eq(low_half(10), LEVEL | REMOTE_IRR | 0x5a);
    ck_assert_int_eq(take(0), 0x5a);
    eoi(0);
    ck_assert_uint_eq(low_half(10), LEVEL | 0x5a);
    ck_assert_uint_eq(low_half(11), LEVEL | 0x5a);
}
END_TEST

START_TEST(remote_irr_cleared_by_a_change_to_edge)
{
    program(10, 0, LEVEL | 0x5a);
    pin(10, true), pin(10, false);
    program(10, 0, MASKED | 0x5a);
    program(10, 0, MASKED | LEVEL | 0x5a);
    ck_assert_uint_eq(low_half(10), MASKED | LEVEL | 0x5a);
}
END_TEST

START_TEST(level_that_nobody_takes_is_offered_again)
{
    lapic_set(&rig, 3, 0x0f0, 0xff); /* off by software */
    program(10, 3, LEVEL | 0x5a);
    pin(10, true);
    ck_assert_uint_eq(low_half(10), LEVEL | 0x5a);
    lapic_switch_on(&rig, 3);
    ck_assert_int_eq(take(3), 0x5a);
    pin(10, false);
    lapic_set(&rig, 3, EOI, 0);
    program(10, 0x02, LOGICAL | LEVEL | 0x5b);
    pin(10, true);
    lapic_set(&rig, 1, LDR, 0x02000000);
    ck_assert_int_eq(take(1), 0x5b);
}
END_TEST

START_TEST(logical_lowest_priority)
{
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) lapic_set(&rig, cpu, LDR, 0x01000000u << cpu);
    lapic_set(&rig, 1, TPR, 0x30);
    program(11, 0x06, LOGICAL | LOWEST | LEVEL | 0x61);
    pin(11, true);
    ck_assert_int_eq(take(1), -1);
    ck_assert_int_eq(take(2), 0x61);
    pin(11, false);
    eoi(2);
}
END_TEST

START_TEST(other_delivery_modes)
{
    program(3, 1, NMI | 0x02);
    pin(3, true);
    ck_assert_uint_eq(rig.cpu[1].nmis, 1);
    program(6, 2, INIT | LEVEL);
    pin(6, true);
    ck_assert_uint_eq(rig.cpu[2].inits, 1);
    program(7, 1, 0x600 | 0x44), program(8, 1, 0x300 | 0x44); /* reserved */
    pin(7, true), pin(8, true);
    ck_assert_int_eq(take(1), -1);
    ck_assert_uint_eq(rig.cpu[1].startups, 0);
}
END_TEST

START_TEST(extint_of_pin_0)
{
    /* MP 1.4, 3.6.2.2: virtual wire mode through the I/O APIC. */
    program(0, 0, 0x700);
    pin(0, true);
    ck_assert_int_eq(take(0), RIG_EXTINT_VECTOR);
    ck_assert_uint_eq(rig.extint_acks, 1);
    ck_assert_int_eq(take(0), -1);
}
END_TEST

/* Both controllers at once, as the board wires them. */
static struct i8259_pair *pic;
static struct irq_line to_pic, to_ioapic;

static void both(void *owner, int number, bool level)
{
    (void)owner, (void)number;
    irq_set(&to_pic, level);
    irq_set(&to_ioapic, level);
}

START_TEST(beside_the_8259s)
{
    pic = i8259_new(rig.bench.io, &rig.bench.devices, &rig.bench.clock, lapic_lint(rig.lapic[0], 0));
    static const uint8_t icw[] = {0x20, 0x04, 0x01};
    outb(&rig.bench, 0x20, 0x11);
    for (int i = 0; i < 3; i++) outb(&rig.bench, 0x21, icw[i]);
    to_pic = i8259_input(pic, 0), to_ioapic = ioapic_isa_irq(rig.ioapic, 0);
    struct irq_line timer = {both, NULL, 0};
    lapic_set(&rig, 0, 0x350, 0x700);
    rig_raise(timer, true), rig_raise(timer, false), rig_raise(timer, true);
    ck_assert_int_eq(take(0), RIG_EXTINT_VECTOR); /* by LINT0; the I/O APIC is masked */
    outb(&rig.bench, 0x21, 0xff);
    program(2, 0, 0x30); /* IRQ 0 is pin 2 */
    rig_raise(timer, false), rig_raise(timer, true);
    ck_assert_int_eq(take(0), 0x30);
    ck_assert_int_eq(take(0), -1);
}
END_TEST

START_TEST(reset_keeps_pins_and_masks)
{
    program(10, 0, LEVEL | 0x5a);
    pin(10, true);
    device_reset_all(&rig.bench.devices);
    ck_assert_uint_eq(low_half(10), MASKED);
    lapic_switch_on(&rig, 0);
    program(10, 0, LEVEL | 0x5a);
    ck_assert_int_eq(take(0), 0x5a);
}
END_TEST

/* A guest never wins: any entry, any edge. */
START_TEST(random_writes)
{
    uint64_t seed = 0x2545f4914f6cdd1d;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        ioapic_set(&rig, (unsigned)(seed >> 56) % 0x44, (uint32_t)(seed >> 24));
        pin((unsigned)(seed >> 50) % IOAPIC_PINS, seed >> 49 & 1);
        for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) {
            if (rig.cpu[cpu].intr) lapic_acknowledge(rig.lapic[cpu]);
            if (i % 3 == 0) eoi(cpu);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        registers,
        edge,
        edge_while_masked_is_lost,
        level_until_eoi,
        level_while_masked_waits,
        eoi_opens_every_pin_of_the_vector_and_no_other,
        remote_irr_cleared_by_a_change_to_edge,
        level_that_nobody_takes_is_offered_again,
        logical_lowest_priority,
        other_delivery_modes,
        extint_of_pin_0,
        beside_the_8259s,
        reset_keeps_pins_and_masks,
        random_writes,
    };
    TCase *tcase = tcase_create("ioapic");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return bench_main("ioapic", tcase);
}

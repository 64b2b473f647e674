/* SPDX-License-Identifier: MIT */
/* High precision event timer, driven as an operating system drives it. Sections are those of IA-PC HPET 1.0a. */
#include "devices/platform/hpet.h"
#include "emu/core/bits.h"
#include "tests/unit/platform_helper.h"

enum { GCAP_ID = 0x000, GEN_CONF = 0x010, GINTR_STA = 0x020, MAIN_CNT = 0x0f0 };
enum { LEVEL = 0x2, ENABLE = 0x4, PERIODIC = 0x8, SET_VALUE = 0x40, WIDTH_32 = 0x100 };
enum { RUN = 1, LEGACY = 2 };
#define CONF(n)       (0x100 + 0x20 * (n))
#define COMPARATOR(n) (0x108 + 0x20 * (n))
#define ROUTE(pin)    ((uint64_t)(pin) << 9)

static struct bench bench;
static struct region *root;
static struct space *memory;
static struct hpet *hpet;
static struct wire irq0, irq8, pin[HPET_PINS];

static void setup(void)
{
    bench_init(&bench);
    root = region_new_container("memory", UINT64_C(1) << 32);
    memory = space_new("memory", root, UINT64_C(1) << 32, &bench.clock);
    struct hpet_wiring wiring = {
        .memory = root,
        .devices = &bench.devices,
        .clock = &bench.clock,
        .irq0 = wire_line(&irq0, &bench.clock),
        .irq8 = wire_line(&irq8, &bench.clock),
    };
    for (unsigned i = 0; i < HPET_PINS; i++) wiring.pin[i] = wire_line(&pin[i], &bench.clock);
    hpet = hpet_new(&wiring);
}

static void teardown(void)
{
    device_destroy_all(&bench.devices);
    space_free(memory);
    region_release(root);
    bench_free(&bench);
}

static uint64_t get(unsigned offset)
{
    uint64_t value;
    (void)!space_load(memory, HPET_BASE + offset, 8, &value);
    return value;
}

static void set(unsigned offset, uint64_t value)
{
    (void)!space_store(memory, HPET_BASE + offset, 8, value);
}

static void set32(unsigned offset, uint32_t value)
{
    (void)!space_store(memory, HPET_BASE + offset, 4, value);
}

static void ticks(uint64_t count)
{
    bench_run_until(&bench, (vtime)count * HPET_TICK_NS);
}

START_TEST(identity)
{
    uint64_t value;
    ck_assert_uint_eq(get(GCAP_ID), 0x009896808086a201); /* 10^7 femtoseconds a tick (2.3.4) */
    for (unsigned n = 0; n < 3; n++) {
        ck_assert_uint_eq(get(CONF(n)), 0x00f0000000000030);
        ck_assert_uint_eq(get(COMPARATOR(n)), UINT64_MAX);
    }
    ck_assert_uint_eq(get(CONF(3)), 0);
    set(CONF(0), UINT64_MAX), set(GCAP_ID, 0);
    ck_assert_uint_eq(get(CONF(0)), 0x00f0000000003f3e);
    (void)!space_load(memory, HPET_BASE + 4, 4, &value);
    ck_assert_uint_eq(value, 10000000);
}
END_TEST

START_TEST(main_counter)
{
    ticks(100);
    ck_assert_uint_eq(get(MAIN_CNT), 0);
    set(MAIN_CNT, 0xfffffff0);
    set(GEN_CONF, RUN);
    ticks(116);
    ck_assert_uint_eq(get(MAIN_CNT), 0x100000000);
    set(GEN_CONF, 0);
    ticks(500);
    ck_assert_uint_eq(get(MAIN_CNT), 0x100000000);
    set32(MAIN_CNT + 4, 7);
    ck_assert_uint_eq(get(MAIN_CNT), 0x700000000);
    set(GEN_CONF, RUN);
    bench_run(&bench, 25);
    set(GEN_CONF, RUN | LEGACY); /* must not lose half ticks */
    bench_run(&bench, 25);
    ck_assert_uint_eq(get(MAIN_CNT), 0x700000005);
}
END_TEST

START_TEST(one_shot_edge)
{
    set(CONF(0), ENABLE | ROUTE(20));
    set(COMPARATOR(0), 1000);
    set(GEN_CONF, RUN);
    ticks(999);
    ck_assert_uint_eq(pin[0].rises, 0);
    ticks(1000);
    ck_assert_uint_eq(pin[0].rises, 1);
    ck_assert_int_eq(pin[0].last_rise, 10000);
    ck_assert_uint_eq(get(GINTR_STA), 0); /* of level-triggered timers only (2.3.6) */
    ck_assert_uint_eq(get(COMPARATOR(0)), 1000);
    set(COMPARATOR(0), 1500);
    ticks(1500);
    ck_assert_uint_eq(pin[0].rises, 2);
    ticks(100000);
    ck_assert_uint_eq(pin[0].rises, 2);
    set(CONF(0), ROUTE(20));
    ck_assert(!pin[0].level);
}
END_TEST

START_TEST(one_shot_32_bits_comes_again_at_each_wrap)
{
    set(CONF(1), ENABLE | WIDTH_32 | ROUTE(21));
    set(COMPARATOR(1), 0x12345678000003e8);
    ck_assert_uint_eq(get(COMPARATOR(1)), 1000);
    set(GEN_CONF, RUN);
    ticks(1000);
    ck_assert_uint_eq(pin[1].rises, 1);
    ticks(0x100000000 + 999);
    ck_assert_uint_eq(pin[1].rises, 1);
    ticks(0x100000000 + 1000);
    ck_assert_uint_eq(pin[1].rises, 2);
}
END_TEST

START_TEST(comparator_in_the_past_waits_for_the_wrap)
{
    set(GEN_CONF, RUN);
    ticks(5000);
    set(CONF(0), ENABLE | ROUTE(20));
    set(COMPARATOR(0), 4999);
    ck_assert_int_eq(clock_deadline(&bench.clock), VTIME_NEVER);
    set(COMPARATOR(0), 5000); /* now */
    bench_run(&bench, 0);
    ck_assert_uint_eq(pin[0].rises, 1);
}
END_TEST

START_TEST(level)
{
    set(CONF(2), ENABLE | LEVEL | ROUTE(22));
    set(COMPARATOR(2), 1000);
    set(GEN_CONF, RUN);
    ticks(1000);
    ck_assert(pin[2].level);
    ck_assert_uint_eq(get(GINTR_STA), 4);
    set(GINTR_STA, 3);
    ck_assert(pin[2].level);
    set(GINTR_STA, 4);
    ck_assert(!pin[2].level);
    ck_assert_uint_eq(get(GINTR_STA), 0);
}
END_TEST

START_TEST(status_without_interrupt)
{
    set(CONF(2), LEVEL | ROUTE(22));
    set(COMPARATOR(2), 1000);
    set(GEN_CONF, RUN);
    ticks(2000);
    ck_assert_uint_eq(get(GINTR_STA), 4);
    ck_assert(!pin[2].level);
    set(CONF(2), ENABLE | LEVEL | ROUTE(22));
    ck_assert(pin[2].level);
}
END_TEST

START_TEST(periodic)
{
    /* As operating systems start it (2.3.9.2.2): set-value, first comparator, then the period. */
    set(GEN_CONF, RUN);
    ticks(100);
    set(CONF(0), ENABLE | PERIODIC | SET_VALUE | ROUTE(20));
    set(COMPARATOR(0), 600), set(COMPARATOR(0), 500);
    for (unsigned i = 0; i < 5; i++) {
        ticks(600 + 500 * i - 1);
        ck_assert_uint_eq(pin[0].rises, i);
        ck_assert_uint_eq(get(COMPARATOR(0)), 600 + 500 * i);
        ticks(600 + 500 * i);
        ck_assert_uint_eq(pin[0].rises, i + 1);
        ck_assert_int_eq(pin[0].last_rise, HPET_TICK_NS * (600 + 500 * (vtime)i));
    }
}
END_TEST

START_TEST(periodic_32_bits_wraps)
{
    set(MAIN_CNT, 0xffffff00);
    set(CONF(0), ENABLE | PERIODIC | SET_VALUE | WIDTH_32 | ROUTE(20));
    set32(COMPARATOR(0), 0xffffff80), set32(COMPARATOR(0), 0x80);
    set(GEN_CONF, RUN);
    ticks(0x80);
    ck_assert_uint_eq(pin[0].rises, 1);
    ck_assert_uint_eq(get(COMPARATOR(0)), 0);
    ticks(0x180);
    ck_assert_uint_eq(pin[0].rises, 3);
    ck_assert_uint_eq(get(COMPARATOR(0)), 0x100);
}
END_TEST

START_TEST(periods_within_one_instruction_are_one_interrupt)
{
    set(CONF(0), ENABLE | PERIODIC | SET_VALUE | ROUTE(20));
    set(COMPARATOR(0), 1);
    set(GEN_CONF, RUN);
    clock_jump(&bench.clock, 12345);
    clock_fire_due(&bench.clock);
    ck_assert_uint_eq(pin[0].rises, 1);
    ck_assert_uint_eq(get(COMPARATOR(0)), 1235);
    ck_assert_int_eq(clock_deadline(&bench.clock), 12350);
}
END_TEST

START_TEST(legacy_replacement)
{
    /* 2.3.5: timers 0 and 1 have IRQ 0 and 8, the 8254 and the RTC lose them. */
    struct irq_line pit = hpet_pit_input(hpet), rtc = hpet_rtc_input(hpet);
    irq_set(&pit, true), irq_set(&rtc, true);
    ck_assert(irq0.level && irq8.level);
    set(GEN_CONF, LEGACY);
    ck_assert(!irq0.level && !irq8.level);
    irq_set(&pit, false), irq_set(&pit, true);
    ck_assert(!irq0.level);
    set(CONF(0), ENABLE | ROUTE(20)), set(COMPARATOR(0), 100);
    set(CONF(1), ENABLE | ROUTE(21)), set(COMPARATOR(1), 200);
    set(GEN_CONF, RUN | LEGACY);
    ticks(300);
    ck_assert_uint_eq(irq0.rises, 2);
    ck_assert_int_eq(irq0.last_rise, 1000);
    ck_assert_int_eq(irq8.last_rise, 2000);
    ck_assert_uint_eq(pin[0].rises + pin[1].rises, 0);
    irq_set(&rtc, false);
    set(GEN_CONF, RUN);
    ck_assert(irq0.level && !irq8.level); /* what the 8254 and the RTC show */
}
END_TEST

START_TEST(timers_are_told_apart)
{
    for (unsigned n = 0; n < 3; n++) set(CONF(n), ENABLE | ROUTE(20 + n)), set(COMPARATOR(n), 1000 * (n + 1));
    set(GEN_CONF, RUN);
    ticks(2500);
    ck_assert_uint_eq(pin[0].rises, 1);
    ck_assert_uint_eq(pin[1].rises, 1);
    ck_assert_uint_eq(pin[2].rises, 0);
    ticks(3000);
    ck_assert_uint_eq(pin[2].rises, 1);
}
END_TEST

START_TEST(reset)
{
    set(CONF(2), ENABLE | LEVEL | ROUTE(22)), set(COMPARATOR(2), 10);
    set(GEN_CONF, RUN);
    ticks(10);
    device_reset_all(&bench.devices);
    ck_assert(!pin[2].level);
    ck_assert_uint_eq(get(GEN_CONF), 0);
    ck_assert_uint_eq(get(MAIN_CNT), 0);
    ck_assert_int_eq(clock_deadline(&bench.clock), VTIME_NEVER);
}
END_TEST

/* A guest never wins: any value anywhere. */
START_TEST(random_writes)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned offset = (unsigned)(seed >> 55) & 0x1fc;
        uint64_t value = seed << (seed >> 58);
        if (i & 1)
            set32(offset, (uint32_t)(value >> 32));
        else
            set(offset & ~7u, value);
        if (i % 7 == 0) {
            clock_jump(&bench.clock, clock_now(&bench.clock) + (vtime)(seed >> 50));
            clock_fire_due(&bench.clock);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        identity,
        main_counter,
        one_shot_edge,
        one_shot_32_bits_comes_again_at_each_wrap,
        comparator_in_the_past_waits_for_the_wrap,
        level,
        status_without_interrupt,
        periodic,
        periodic_32_bits_wraps,
        periods_within_one_instruction_are_one_interrupt,
        legacy_replacement,
        timers_are_told_apart,
        reset,
        random_writes,
    };
    TCase *tcase = tcase_create("hpet");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return bench_main("hpet", tcase);
}

/* SPDX-License-Identifier: MIT */
/* Real-time clock, driven through ports 70h and 71h. Rules are those of the MC146818A data sheet. */
#include "devices/platform/mc146818.h"
#include "tests/unit/platform_helper.h"

enum { SEC, SEC_ALARM, MIN, MIN_ALARM, HOUR, HOUR_ALARM, WEEKDAY, DAY, MONTH, YEAR, A, B, C, D };
enum { UF = 0x10, AF = 0x20, PF = 0x40, IRQF = 0x80 };
enum { BINARY = 0x04, H24 = 0x02, UIE = 0x10, AIE = 0x20, PIE = 0x40, SET = 0x80, UIP = 0x80 };

static struct bench bench;
static struct wire irq8;
static struct mc146818 *rtc;

static void make(int64_t seconds)
{
    bench_init(&bench);
    rtc = mc146818_new(bench.io, &bench.devices, &bench.clock, wire_line(&irq8, &bench.clock), seconds);
}

static void setup(void)
{
    make(946684799); /* 1999-12-31 23:59:59, a Friday */
}

static void teardown(void)
{
    bench_free(&bench);
}

static uint8_t get(uint8_t index)
{
    outb(&bench, 0x70, index);
    return inb(&bench, 0x71);
}

static void put(uint8_t index, uint8_t value)
{
    outb(&bench, 0x70, index);
    outb(&bench, 0x71, value);
}

static void check_date(unsigned century, unsigned year, unsigned month, unsigned day, unsigned weekday)
{
    ck_assert_uint_eq(get(CMOS_CENTURY), century);
    ck_assert_uint_eq(get(YEAR), year);
    ck_assert_uint_eq(get(MONTH), month);
    ck_assert_uint_eq(get(DAY), day);
    ck_assert_uint_eq(get(WEEKDAY), weekday);
}

static void check_time(unsigned hour, unsigned min, unsigned sec)
{
    ck_assert_uint_eq(get(HOUR), hour);
    ck_assert_uint_eq(get(MIN), min);
    ck_assert_uint_eq(get(SEC), sec);
}

START_TEST(date_is_bcd_24_hours_and_rolls_over)
{
    check_date(0x19, 0x99, 0x12, 0x31, 6);
    check_time(0x23, 0x59, 0x59);
    bench_run(&bench, VTIME_S);
    check_date(0x20, 0x00, 0x01, 0x01, 7);
    check_time(0, 0, 0);
}
END_TEST

START_TEST(dates_at_power_on)
{
    static const struct {
        int64_t seconds;
        unsigned century, year, month, day, weekday;
    } dates[] = {
        {0, 0x19, 0x70, 1, 1, 5},          {951782400, 0x20, 0x00, 2, 0x29, 3},
        {951868800, 0x20, 0x00, 3, 1, 4},  {1709164800, 0x20, 0x24, 2, 0x29, 5},
        {4102444800, 0x21, 0x00, 1, 1, 6}, {-86400, 0x19, 0x69, 0x12, 0x31, 4},
        {-1, 0x19, 0x69, 0x12, 0x31, 4},
    };
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        teardown();
        make(dates[i].seconds);
        check_date(dates[i].century, dates[i].year, dates[i].month, dates[i].day, dates[i].weekday);
    }
}
END_TEST

START_TEST(a_leap_year_counted_day_by_day)
{
    put(B, BINARY | H24 | SET);
    put(SEC, 0), put(MIN, 0), put(HOUR, 0), put(DAY, 28), put(MONTH, 2), put(YEAR, 24);
    put(B, BINARY | H24);
    bench_run(&bench, 86400 * VTIME_S);
    ck_assert_uint_eq(get(DAY), 29);
    bench_run(&bench, 86400 * VTIME_S);
    ck_assert_uint_eq(get(DAY), 1);
    ck_assert_uint_eq(get(MONTH), 3);
}
END_TEST

START_TEST(twelve_hour_mode)
{
    put(B, SET);
    put(HOUR, 0x11), put(MIN, 0x59), put(SEC, 0x59);
    put(B, 0);
    bench_run(&bench, VTIME_S);
    ck_assert_uint_eq(get(HOUR), 0x92); /* 12 PM is noon */
    put(HOUR, 0x92), put(MIN, 0x59), put(SEC, 0x59);
    bench_run(&bench, VTIME_S);
    ck_assert_uint_eq(get(HOUR), 0x81);
    put(HOUR, 0x91), put(MIN, 0x59), put(SEC, 0x59);
    bench_run(&bench, VTIME_S);
    ck_assert_uint_eq(get(HOUR), 0x12); /* 12 AM is midnight */
}
END_TEST

START_TEST(set_bit_stops_updates_and_clears_uie)
{
    put(B, H24 | UIE);
    put(B, H24 | UIE | SET);
    ck_assert_uint_eq(get(B), H24 | SET);
    bench_run(&bench, 5 * VTIME_S);
    check_time(0x23, 0x59, 0x59);
    put(B, H24);
    bench_run(&bench, VTIME_S);
    check_time(0, 0, 0);
}
END_TEST

START_TEST(uip_is_up_before_the_update)
{
    bench_run(&bench, VTIME_S - 2300 * VTIME_US);
    ck_assert_uint_eq(get(A) & UIP, 0);
    bench_run(&bench, 100 * VTIME_US);
    ck_assert_uint_eq(get(A) & UIP, UIP);
    check_time(0x23, 0x59, 0x59);
    bench_run(&bench, 2200 * VTIME_US);
    ck_assert_uint_eq(get(A) & UIP, 0);
    check_time(0, 0, 0);
    put(B, H24 | SET);
    bench_run(&bench, 999 * VTIME_MS);
    ck_assert_uint_eq(get(A) & UIP, 0);
}
END_TEST

START_TEST(divider_reset_restarts_half_a_second_before_the_update)
{
    bench_run(&bench, 300 * VTIME_MS);
    put(A, 0x66);
    bench_run(&bench, 10 * VTIME_S);
    check_time(0x23, 0x59, 0x59);
    put(A, 0x26);
    bench_run(&bench, 499 * VTIME_MS);
    check_time(0x23, 0x59, 0x59);
    bench_run(&bench, 2 * VTIME_MS);
    check_time(0, 0, 0);
}
END_TEST

START_TEST(update_ended_interrupt)
{
    put(SEC_ALARM, 0x30);
    put(B, H24 | UIE);
    bench_run(&bench, VTIME_S);
    ck_assert(irq8.level);
    ck_assert_uint_eq(get(C), IRQF | UF | PF);
    ck_assert(!irq8.level);
    ck_assert_uint_eq(get(C), 0);
}
END_TEST

START_TEST(flags_are_set_without_enable_and_interrupt_when_enabled_later)
{
    bench_run(&bench, VTIME_S);
    ck_assert(!irq8.level);
    put(B, H24 | UIE);
    ck_assert(irq8.level);
    ck_assert_uint_eq(get(C) & (IRQF | UF), IRQF | UF);
}
END_TEST

START_TEST(alarm_interrupt_and_dont_care)
{
    put(SEC_ALARM, 0x05), put(MIN_ALARM, 0x00), put(HOUR_ALARM, 0x00);
    put(B, H24 | AIE);
    bench_run(&bench, 5 * VTIME_S);
    ck_assert(!irq8.level);
    bench_run(&bench, VTIME_S);
    ck_assert(irq8.level);
    ck_assert_uint_eq(get(C) & (IRQF | AF), IRQF | AF);
    put(MIN_ALARM, 0xff), put(HOUR_ALARM, 0xc0); /* once a minute */
    irq8.rises = 0;
    for (int i = 0; i < 120; i++) {
        bench_run(&bench, VTIME_S);
        get(C);
    }
    ck_assert_uint_eq(irq8.rises, 2);
}
END_TEST

START_TEST(periodic_interrupt_at_each_rate)
{
    for (unsigned rate = 1; rate < 16; rate++) {
        unsigned hz = rate < 3 ? 256 >> (rate - 1) : 65536 >> rate;
        put(B, H24);
        put(A, 0x20 | rate);
        get(C);
        put(B, H24 | PIE);
        unsigned rises = irq8.rises;
        vtime end = clock_now(&bench.clock) + VTIME_S;
        while (clock_now(&bench.clock) < end) {
            bench_run(&bench, 10 * VTIME_US);
            if (irq8.level) ck_assert_uint_eq(get(C) & (IRQF | PF), IRQF | PF);
        }
        ck_assert_uint_eq(irq8.rises - rises, hz);
    }
}
END_TEST

START_TEST(periodic_interrupt_waits_for_register_c)
{
    put(A, 0x26);
    get(C);
    put(B, H24 | PIE);
    unsigned rises = irq8.rises;
    bench_run(&bench, 100 * VTIME_MS);
    ck_assert_uint_eq(irq8.rises, rises + 1);
    ck_assert(irq8.level);
    get(C);
    ck_assert(!irq8.level);
    bench_run(&bench, VTIME_MS);
    ck_assert(irq8.level);
}
END_TEST

START_TEST(rate_zero_is_silent)
{
    put(A, 0x20);
    get(C);
    put(B, H24 | PIE);
    bench_run(&bench, 3 * VTIME_S);
    ck_assert(!irq8.level);
    ck_assert_uint_eq(get(C) & PF, 0);
}
END_TEST

START_TEST(read_only_registers)
{
    put(D, 0);
    ck_assert_uint_eq(get(D), 0x80);
    put(C, 0xff);
    ck_assert_uint_eq(get(C), 0);
    put(A, 0xa6);
    ck_assert_uint_eq(get(A), 0x26);
    ck_assert_uint_eq(inb(&bench, 0x70), 0xff);
}
END_TEST

START_TEST(reset_keeps_time_and_ram)
{
    put(CMOS_SHUTDOWN, 0x05);
    put(B, H24 | UIE | PIE | AIE);
    bench_run(&bench, 1500 * VTIME_MS);
    ck_assert(irq8.level);
    device_reset_all(&bench.devices);
    ck_assert(!irq8.level);
    ck_assert_uint_eq(get(B), H24);
    ck_assert_uint_eq(get(CMOS_SHUTDOWN), 0x05);
    check_time(0, 0, 0);
    bench_run(&bench, 500 * VTIME_MS);
    check_time(0, 0, 0x01);
}
END_TEST

START_TEST(nmi_mask_is_bit_7_of_the_index)
{
    put(0x80 | SEC, 0x30);
    ck_assert(mc146818_nmi_masked(rtc));
    ck_assert_uint_eq(get(SEC), 0x30);
    ck_assert(!mc146818_nmi_masked(rtc));
}
END_TEST

START_TEST(cmos_describes_the_machine)
{
    struct cmos_machine machine = {
        .ram_below_4g = UINT64_C(128) << 20,
        .ram_above_4g = UINT64_C(3) << 30,
        .floppy_type = {4, 0},
        .disk = {{.cylinders = 2000, .heads = 16, .sectors = 63},
                 {.cylinders = 0},
                 {.cylinders = 500, .heads = 16, .sectors = 63}},
        .boot = {CMOS_BOOT_DISK, CMOS_BOOT_FLOPPY, CMOS_BOOT_CDROM},
    };
    mc146818_describe_machine(rtc, &machine);
    ck_assert_uint_eq(get(0x15) | get(0x16) << 8, 640);
    ck_assert_uint_eq(get(0x17) | get(0x18) << 8, 65535);
    ck_assert_uint_eq(get(0x30) | get(0x31) << 8, 65535);
    ck_assert_uint_eq(get(0x34) | get(0x35) << 8, (128 - 16) * 16);
    ck_assert_uint_eq(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, 3 << 14);
    ck_assert_uint_eq(get(0x10), 0x40);
    ck_assert_uint_eq(get(0x14), 0x03);
    ck_assert_uint_eq(get(0x12), 0xf0);
    ck_assert_uint_eq(get(0x19), 47);
    ck_assert_uint_eq(get(0x1b) | get(0x1c) << 8, 2000);
    ck_assert_uint_eq(get(0x1d), 16);
    ck_assert_uint_eq(get(0x23), 63);
    ck_assert_uint_eq(get(0x39), 0x01);
    ck_assert_uint_eq(get(0x3d), 0x12);
    ck_assert_uint_eq(get(0x38), 0x30);
    unsigned sum = 0;
    for (int i = 0x10; i < 0x2e; i++) sum += get(i);
    ck_assert_uint_eq(get(0x2e) << 8 | get(0x2f), sum);
}
END_TEST

START_TEST(small_memory_is_not_negative)
{
    struct cmos_machine machine = {.ram_below_4g = 512 << 10};
    mc146818_describe_machine(rtc, &machine);
    ck_assert_uint_eq(get(0x15) | get(0x16) << 8, 512);
    ck_assert_uint_eq(get(0x17) | get(0x18) << 8, 0);
    ck_assert_uint_eq(get(0x34) | get(0x35) << 8, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("MC146818");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, date_is_bcd_24_hours_and_rolls_over);
    tcase_add_test(tests, dates_at_power_on);
    tcase_add_test(tests, a_leap_year_counted_day_by_day);
    tcase_add_test(tests, twelve_hour_mode);
    tcase_add_test(tests, set_bit_stops_updates_and_clears_uie);
    tcase_add_test(tests, uip_is_up_before_the_update);
    tcase_add_test(tests, divider_reset_restarts_half_a_second_before_the_update);
    tcase_add_test(tests, update_ended_interrupt);
    tcase_add_test(tests, flags_are_set_without_enable_and_interrupt_when_enabled_later);
    tcase_add_test(tests, alarm_interrupt_and_dont_care);
    tcase_add_test(tests, periodic_interrupt_at_each_rate);
    tcase_add_test(tests, periodic_interrupt_waits_for_register_c);
    tcase_add_test(tests, rate_zero_is_silent);
    tcase_add_test(tests, read_only_registers);
    tcase_add_test(tests, reset_keeps_time_and_ram);
    tcase_add_test(tests, nmi_mask_is_bit_7_of_the_index);
    tcase_add_test(tests, cmos_describes_the_machine);
    tcase_add_test(tests, small_memory_is_not_negative);
    return bench_main("mc146818", tests);
}

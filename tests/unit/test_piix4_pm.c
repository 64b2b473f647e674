/* SPDX-License-Identifier: MIT */
/* Power management: PM timer, events and SCI, soft off, APM, SMBus. */
#include <string.h>
#include "devices/bus/piix4_pm.h"
#include "tests/unit/chipset_bench.h"

#define DEVFN (1 << 3 | 3)

enum { PM = 0x600, SMBUS = 0x700 };
enum { PMSTS = PM, PMEN = PM + 2, PMCNTRL = PM + 4, PMTMR = PM + 8 };

static struct bench bench;
static struct piix4_pm *pm;
static bool sci;
static unsigned power_offs;

static void set_sci(void *owner, int number, bool level)
{
    (void)owner;
    ck_assert_int_eq(number, 9);
    sci = level;
}

static void power_off(void *owner)
{
    (void)owner;
    power_offs++;
}

/* What firmware does. */
static void place_ports(void)
{
    config_write(&bench, DEVFN, 0x40, 4, PM | 1);
    config_write(&bench, DEVFN, 0x80, 1, 1);
    config_write(&bench, DEVFN, 0x90, 4, SMBUS | 1);
    config_write(&bench, DEVFN, 0xd2, 1, 9);
}

static void setup(void)
{
    bench_init(&bench, BENCH_RAM);
    pm = piix4_pm_new(&(struct piix4_pm_wiring){
        .bus = bench.bus, .devfn = DEVFN, .sci = {set_sci, NULL, 9}, .com1 = true, .power_off = power_off});
    place_ports();
}

static void teardown(void)
{
    bench_destroy(&bench);
}

static void run_to(vtime time)
{
    while (clock_deadline(&bench.clock) <= time) {
        clock_jump(&bench.clock, clock_deadline(&bench.clock));
        clock_fire_due(&bench.clock);
    }
    clock_jump(&bench.clock, time);
}

START_TEST(identifies_as_firmware_expects)
{
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0, 4), 0x71138086);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x0a, 2), 0x0680);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x58, 4) & 0x02000000, 0x02000000);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x67, 1), 0x08);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x5f, 1), 0x10);
    config_write(&bench, DEVFN, 0x40, 4, 0xffffffff);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x40, 4), 0x0000ffc1);
}
END_TEST

START_TEST(ports_are_where_the_bases_say)
{
    ck_assert_uint_eq(in(&bench, PM + 0x34, 4), 0x7fffbfff);
    config_write(&bench, DEVFN, 0x40, 4, 0xb001);
    ck_assert_uint_eq(in(&bench, PM + 0x34, 4), 0xffffffff);
    ck_assert_uint_eq(in(&bench, 0xb034, 4), 0x7fffbfff);
    config_write(&bench, DEVFN, 0x80, 1, 0);
    ck_assert_uint_eq(in(&bench, 0xb034, 4), 0xffffffff);
    config_write(&bench, DEVFN, 0x40, 4, 1);
    config_write(&bench, DEVFN, 0x80, 1, 1);
    ck_assert_uint_eq(in(&bench, 0x34, 1), 0xff);
    device_reset_all(&bench.devices);
    ck_assert_uint_eq(in(&bench, SMBUS, 1), 0xff);
}
END_TEST

START_TEST(timer_counts_virtual_time)
{
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 0);
    run_to(279);
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 0);
    run_to(280);
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 1);
    run_to(VTIME_S);
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 3579545);
    ck_assert_uint_eq(in(&bench, PMTMR + 1, 1), (3579545 >> 8) & 0xff);
    run_to(10 * VTIME_S);
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 35795450 & 0xffffff);
    const uint64_t century = UINT64_C(100) * 365 * 24 * 3600;
    run_to((vtime)century * VTIME_S);
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 3579545 * century % 0x1000000);
    out(&bench, PMTMR, 4, 0);
    ck_assert_uint_ne(in(&bench, PMTMR, 4), 0);
}
END_TEST

START_TEST(timer_overflow_sets_status_and_sci)
{
    vtime half = VTIME_S * 0x800000 / 3579545 + 1;
    out(&bench, PMEN, 2, 1);
    out(&bench, PMCNTRL, 2, 1);
    run_to(half - 1);
    ck_assert(!sci);
    ck_assert_uint_eq(in(&bench, PMSTS, 2), 0);
    run_to(half);
    ck_assert(sci);
    ck_assert_uint_eq(in(&bench, PMTMR, 4), 0x800000);
    ck_assert_uint_eq(in(&bench, PMSTS, 2), 1);
    out(&bench, PMSTS, 2, 1);
    ck_assert(!sci);
    ck_assert_uint_eq(in(&bench, PMSTS, 2), 0);
    run_to(2 * half);
    ck_assert(sci);
    /* Nobody looks: the status is there all the same, and no event is pending. */
    out(&bench, PMEN, 2, 0);
    ck_assert(!sci);
    out(&bench, PMSTS, 2, 1);
    ck_assert_int_eq(clock_deadline(&bench.clock), VTIME_NEVER);
    run_to(7 * half);
    ck_assert_uint_eq(in(&bench, PMSTS, 2), 1);
}
END_TEST

START_TEST(power_button_raises_sci_when_enabled)
{
    piix4_pm_power_button(pm);
    ck_assert(!sci);
    ck_assert_uint_eq(in(&bench, PMSTS, 2), 0x100);
    out(&bench, PMEN, 2, 0x100);
    ck_assert(!sci);
    out(&bench, PMCNTRL, 2, 1);
    ck_assert(sci);
    out(&bench, PMSTS + 1, 1, 1);
    ck_assert(!sci);
}
END_TEST

START_TEST(soft_off)
{
    out(&bench, PMCNTRL, 2, 1 << 10 | 1);
    ck_assert_uint_eq(in(&bench, PMCNTRL, 2), 0x401);
    out(&bench, PMCNTRL, 2, 0x2000 | 1 << 10 | 1); /* suspend to RAM: not there */
    ck_assert_uint_eq(power_offs, 0);
    out(&bench, PMCNTRL, 2, 0x0001);
    ck_assert_uint_eq(power_offs, 0);
    out(&bench, PMCNTRL, 2, 0x2001);
    ck_assert_uint_eq(power_offs, 1);
    ck_assert_uint_eq(in(&bench, PMCNTRL, 2), 0x0001);
    out(&bench, PMCNTRL + 1, 1, 0x20);
    ck_assert_uint_eq(power_offs, 2);
    out(&bench, PMEN, 4, 0x20000000);
    ck_assert_uint_eq(power_offs, 3);
}
END_TEST

START_TEST(apm_ports_switch_acpi)
{
    out(&bench, 0xb3, 1, 0x5a);
    out(&bench, 0xb2, 1, 0xf1);
    ck_assert_uint_eq(in(&bench, 0xb2, 2), 0x5af1);
    ck_assert_uint_eq(in(&bench, PMCNTRL, 2), 1);
    out(&bench, 0xb2, 1, 0x12);
    ck_assert_uint_eq(in(&bench, PMCNTRL, 2), 1);
    out(&bench, 0xb2, 1, 0xf0);
    ck_assert_uint_eq(in(&bench, PMCNTRL, 2), 0);
}
END_TEST

START_TEST(global_status_by_bios_release)
{
    out(&bench, PMEN, 2, 0x20);
    out(&bench, PMCNTRL, 2, 1);
    out(&bench, PM + 0x28, 4, 3);
    ck_assert(sci);
    ck_assert_uint_eq(in(&bench, PMSTS, 2), 0x20);
    ck_assert_uint_eq(in(&bench, PM + 0x28, 4), 1);
}
END_TEST

START_TEST(gpe0_block_is_storage)
{
    out(&bench, 0xafe2, 2, 0x0002);
    ck_assert_uint_eq(in(&bench, 0xafe0, 4), 0x00020000);
    out(&bench, 0xafe0, 2, 0xffff);
    ck_assert_uint_eq(in(&bench, 0xafe0, 2), 0);
}
END_TEST

START_TEST(smbus_has_no_devices)
{
    ck_assert_uint_eq(in(&bench, SMBUS, 1), 0);
    out(&bench, SMBUS + 4, 1, 0xa1);
    out(&bench, SMBUS + 3, 1, 0x02);
    out(&bench, SMBUS + 2, 1, 0x48);
    ck_assert_uint_eq(in(&bench, SMBUS, 1), 0x04);
    ck_assert_uint_eq(in(&bench, SMBUS + 2, 1), 0x08);
    out(&bench, SMBUS, 1, 0x1e);
    ck_assert_uint_eq(in(&bench, SMBUS, 1), 0);
    out(&bench, SMBUS + 2, 1, 0x02);
    ck_assert_uint_eq(in(&bench, SMBUS, 1), 0x10);
}
END_TEST

START_TEST(reset_stops_the_sci)
{
    out(&bench, PMEN, 2, 0x101);
    out(&bench, PMCNTRL, 2, 1);
    piix4_pm_power_button(pm);
    ck_assert(sci);
    device_reset_all(&bench.devices);
    ck_assert(!sci);
    ck_assert_int_eq(clock_deadline(&bench.clock), VTIME_NEVER);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x5b, 1), 2);
    place_ports();
    ck_assert_uint_eq(in(&bench, PMSTS, 4), 0);
}
END_TEST

START_TEST(state_can_be_loaded)
{
    out(&bench, PMEN, 2, 0x100);
    out(&bench, PMCNTRL, 2, 1);
    piix4_pm_power_button(pm);
    struct device *device = device_find(&bench.devices, "piix4-pm");
    struct state_buffer saved = {0};
    struct error error;
    state_save(device->ops->state, device->state, &saved);
    device->ops->reset(device);
    ck_assert(!sci);
    ck_assert(state_load(device->ops->state, device->state, &saved, &error));
    device->ops->loaded(device);
    ck_assert(sci);
    state_buffer_free(&saved);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("piix4_pm");
    TCase *tests = tcase_create("piix4_pm");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, identifies_as_firmware_expects);
    tcase_add_test(tests, ports_are_where_the_bases_say);
    tcase_add_test(tests, timer_counts_virtual_time);
    tcase_add_test(tests, timer_overflow_sets_status_and_sci);
    tcase_add_test(tests, power_button_raises_sci_when_enabled);
    tcase_add_test(tests, soft_off);
    tcase_add_test(tests, apm_ports_switch_acpi);
    tcase_add_test(tests, global_status_by_bios_release);
    tcase_add_test(tests, gpe0_block_is_storage);
    tcase_add_test(tests, smbus_has_no_devices);
    tcase_add_test(tests, reset_stops_the_sci);
    tcase_add_test(tests, state_can_be_loaded);
    suite_add_tcase(suite, tests);
    return bench_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* The ISA bridge: PCI interrupt routing, reset control, register masks. */
#include <string.h>
#include "devices/bus/piix3.h"
#include "tests/unit/chipset_bench.h"

#define DEVFN (1 << 3)

static struct bench bench;
static struct piix3 *piix3;
static bool irqs[16];
static unsigned changes[16];
static unsigned soft_resets, hard_resets;
static struct pci_function cards[4]; /* INTA# of devices 1 to 4 is PIRQA# to PIRQD# */

static void set_irq(void *owner, int number, bool level)
{
    (void)owner;
    irqs[number] = level;
    changes[number]++;
}

static void reset(void *owner, bool hard)
{
    ck_assert_ptr_eq(owner, &bench);
    *(hard ? &hard_resets : &soft_resets) += 1;
}

static void setup(void)
{
    bench_init(&bench, BENCH_RAM);
    struct piix3_wiring wiring = {.bus = bench.bus,
                                  .devfn = DEVFN,
                                  .ports_behind_confadd = i440fx_ports_behind(bench.bridge),
                                  .reset = reset,
                                  .reset_owner = &bench};
    for (int i = 0; i < 16; i++) wiring.irq[i] = (struct irq_line){set_irq, NULL, i};
    piix3 = piix3_new(&wiring);
    const struct pci_identity identity = {.vendor = 1, .device = 1, .interrupt_pin = 1};
    static const char *const names[] = {"card1", "card2", "card3", "card4"};
    for (unsigned i = 0; i < 4; i++) {
        pci_function_init(&cards[i], bench.bus, (uint8_t)((i + 1) << 3 | 4), names[i], &identity, NULL, NULL);
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < 4; i++) pci_function_destroy(&cards[i]);
    bench_destroy(&bench);
}

static void route(unsigned pirq, uint8_t value)
{
    config_write(&bench, DEVFN, 0x60 + pirq, 1, value);
}

START_TEST(identifies_as_firmware_expects)
{
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0, 4), 0x70008086);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x0a, 2), 0x0601);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x0e, 1), 0x80);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 4, 2), 0x0007);
    config_write(&bench, DEVFN, 4, 2, 0);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 4, 2), 0x0007);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x60, 4), 0x80808080);
}
END_TEST

START_TEST(registers_keep_reserved_bits)
{
    const struct {
        uint8_t offset, size;
        uint32_t ones;
    } rows[] = {{0x4c, 1, 0xff}, {0x4e, 2, 0x01ff}, {0x60, 4, 0x8f8f8f8f}, {0x69, 1, 0xfe},
                {0x70, 1, 0xef}, {0x80, 1, 0x7f},   {0x82, 1, 0x0f},       {0xa0, 1, 0x1f},
                {0xaa, 2, 0},    {0x6a, 2, 0xd1},   {0x64, 4, 0},          {0x10, 4, 0}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        config_write(&bench, DEVFN, rows[i].offset, rows[i].size, ~0u);
        ck_assert_uint_eq(config_read(&bench, DEVFN, rows[i].offset, rows[i].size), rows[i].ones);
    }
}
END_TEST

START_TEST(pirqs_go_where_they_are_routed)
{
    static const uint8_t routes[4] = {10, 10, 11, 5};
    for (unsigned i = 0; i < 4; i++) route(i, routes[i]);
    for (unsigned i = 0; i < 4; i++) {
        pci_function_set_intx(&cards[i], true);
        for (unsigned irq = 0; irq < 16; irq++) ck_assert_int_eq(irqs[irq], irq == routes[i]);
        pci_function_set_intx(&cards[i], false);
        ck_assert(!irqs[routes[i]]);
    }
}
END_TEST

START_TEST(pirqs_that_share_are_ored)
{
    route(0, 10);
    route(1, 10);
    pci_function_set_intx(&cards[0], true);
    pci_function_set_intx(&cards[1], true);
    pci_function_set_intx(&cards[0], false);
    ck_assert(irqs[10]);
    pci_function_set_intx(&cards[1], false);
    ck_assert(!irqs[10]);
    ck_assert_uint_eq(changes[10], 2);
}
END_TEST

START_TEST(routing_can_change_under_a_request)
{
    pci_function_set_intx(&cards[2], true);
    for (unsigned irq = 0; irq < 16; irq++) ck_assert(!irqs[irq]);
    route(2, 11);
    ck_assert(irqs[11]);
    route(2, 9);
    ck_assert(!irqs[11] && irqs[9]);
    route(2, 0x89);
    ck_assert(!irqs[9]);
}
END_TEST

START_TEST(reserved_inputs_are_refused)
{
    static const uint8_t reserved[] = {0, 1, 2, 8, 13};
    pci_function_set_intx(&cards[0], true);
    for (unsigned i = 0; i < ARRAY_COUNT(reserved); i++) {
        uint64_t before = lint_count();
        route(0, reserved[i]);
        ck_assert(!irqs[reserved[i]]);
        ck_assert_uint_gt(lint_count(), before);
    }
}
END_TEST

START_TEST(lines_of_others_are_left_alone)
{
    route(0, 10);
    pci_function_set_intx(&cards[0], true);
    pci_function_set_intx(&cards[0], false);
    config_write(&bench, DEVFN, 0x4c, 1, 0);
    for (unsigned irq = 0; irq < 16; irq++) ck_assert_uint_eq(changes[irq], irq == 10 ? 2 : 0);
}
END_TEST

START_TEST(motherboard_devices_share_with_pirqs)
{
    struct irq_line sci = piix3_isa_irq(piix3, 9);
    route(0, 9);
    irq_set(&sci, true);
    pci_function_set_intx(&cards[0], true);
    irq_set(&sci, false);
    ck_assert(irqs[9]);
    pci_function_set_intx(&cards[0], false);
    ck_assert(!irqs[9]);
}
END_TEST

START_TEST(reset_control)
{
    ck_assert_uint_eq(in(&bench, 0xcf9, 1), 0);
    out(&bench, 0xcf9, 1, 0x02);
    ck_assert_uint_eq(in(&bench, 0xcf9, 1), 0x02);
    ck_assert_uint_eq(hard_resets + soft_resets, 0);
    out(&bench, 0xcf9, 1, 0x06);
    ck_assert_uint_eq(hard_resets, 1);
    ck_assert_uint_eq(in(&bench, 0xcf9, 1), 0x02);
    out(&bench, 0xcf9, 1, 0x00);
    out(&bench, 0xcf9, 1, 0x04);
    ck_assert_uint_eq(soft_resets, 1);
    out(&bench, 0xcf8, 4, 0x06060606); /* a dword is CONFADD */
    ck_assert_uint_eq(hard_resets, 1);
    device_reset_all(&bench.devices);
    ck_assert_uint_eq(in(&bench, 0xcf9, 1), 0);
}
END_TEST

START_TEST(machine_reset_releases_lines)
{
    route(0, 10);
    pci_function_set_intx(&cards[0], true);
    device_reset_all(&bench.devices);
    ck_assert(!irqs[10]);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x60, 4), 0x80808080);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("piix3");
    TCase *tests = tcase_create("piix3");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, identifies_as_firmware_expects);
    tcase_add_test(tests, registers_keep_reserved_bits);
    tcase_add_test(tests, pirqs_go_where_they_are_routed);
    tcase_add_test(tests, pirqs_that_share_are_ored);
    tcase_add_test(tests, routing_can_change_under_a_request);
    tcase_add_test(tests, reserved_inputs_are_refused);
    tcase_add_test(tests, lines_of_others_are_left_alone);
    tcase_add_test(tests, motherboard_devices_share_with_pirqs);
    tcase_add_test(tests, reset_control);
    tcase_add_test(tests, machine_reset_releases_lines);
    suite_add_tcase(suite, tests);
    return bench_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* Interrupt controllers, driven as an operating system drives them. Rules are those of the 8259A data sheet and PIIX3. */
#include "devices/platform/i8259.h"
#include "tests/unit/platform_helper.h"

static struct bench bench;
static struct wire intr;
static struct i8259_pair *pic;

enum { EOI = 0x20, READ_IRR = 0x0a, READ_ISR = 0x0b, POLL = 0x0c };

static void setup(void)
{
    bench_init(&bench);
    pic = i8259_new(bench.io, &bench.devices, &bench.clock, wire_line(&intr, &bench.clock));
}

static void teardown(void)
{
    bench_free(&bench);
}

/* ICW1 to ICW4, as PC operating systems write them: vectors 20h and 28h. */
static void initialise(uint8_t icw4_master, uint8_t icw4_slave)
{
    const uint8_t master[] = {0x20, 0x04, icw4_master}, slave[] = {0x28, 0x02, icw4_slave};
    outb(&bench, 0x20, 0x11);
    outb(&bench, 0xa0, 0x11);
    for (int i = 0; i < 3; i++) {
        outb(&bench, 0x21, master[i]);
        outb(&bench, 0xa1, slave[i]);
    }
}

static void line(int n, bool level)
{
    struct irq_line input = i8259_input(pic, n);
    irq_set(&input, level);
}

static void pulse(int n)
{
    line(n, false);
    line(n, true);
}

static uint8_t read_isr(uint16_t port)
{
    outb(&bench, port, READ_ISR);
    return inb(&bench, port);
}

static uint8_t read_irr(uint16_t port)
{
    outb(&bench, port, READ_IRR);
    return inb(&bench, port);
}

START_TEST(silent_until_all_icws_are_written)
{
    line(1, true);
    ck_assert(!intr.level);
    ck_assert_int_eq(i8259_explain(pic, 1), I8259_NOT_INITIALISED);
    outb(&bench, 0x20, 0x11), outb(&bench, 0x21, 0x20), outb(&bench, 0x21, 0x04);
    pulse(1);
    ck_assert(!intr.level);
    outb(&bench, 0x21, 0x01);
    ck_assert(intr.level);
}
END_TEST

START_TEST(icw1_resets_the_edge_detector_and_the_mask)
{
    initialise(1, 1);
    outb(&bench, 0x21, 0xff);
    line(4, true);
    initialise(1, 1);
    ck_assert_uint_eq(inb(&bench, 0x21), 0);
    ck_assert(!intr.level); /* a line that is high already needs a new edge */
    pulse(4);
    ck_assert(intr.level);
}
END_TEST

START_TEST(icw4_is_expected_only_if_icw1_says_so)
{
    outb(&bench, 0x20, 0x10), outb(&bench, 0x21, 0x40), outb(&bench, 0x21, 0x04);
    outb(&bench, 0x21, 0xfd); /* already the mask */
    ck_assert_uint_eq(inb(&bench, 0x21), 0xfd);
    line(1, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x41);
}
END_TEST

START_TEST(fixed_priority_and_nesting)
{
    initialise(1, 1);
    line(4, true), line(1, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x21);
    ck_assert(!intr.level); /* 4 is below 1, which is in service */
    ck_assert_int_eq(i8259_explain(pic, 4), I8259_IN_SERVICE);
    line(0, true);
    ck_assert(intr.level); /* 0 is above */
    ck_assert_int_eq(i8259_acknowledge(pic), 0x20);
    ck_assert_uint_eq(read_isr(0x20), 0x03);
    outb(&bench, 0x20, EOI);
    ck_assert_uint_eq(read_isr(0x20), 0x02);
    outb(&bench, 0x20, EOI);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x24);
    outb(&bench, 0x20, 0x64); /* specific EOI of 4 */
    ck_assert_uint_eq(read_isr(0x20), 0);
}
END_TEST

START_TEST(mask_holds_back_but_irr_remembers)
{
    initialise(1, 1);
    outb(&bench, 0x21, 0x10);
    line(4, true);
    ck_assert(!intr.level);
    ck_assert_uint_eq(read_irr(0x20), 0x10);
    ck_assert_int_eq(i8259_explain(pic, 4), I8259_MASKED);
    outb(&bench, 0x21, 0);
    ck_assert(intr.level);
}
END_TEST

START_TEST(edge_request_is_served_once)
{
    initialise(1, 1);
    line(4, true);
    i8259_acknowledge(pic);
    outb(&bench, 0x20, EOI);
    ck_assert(!intr.level); /* still high, no new edge */
    pulse(4);
    ck_assert(intr.level);
}
END_TEST

START_TEST(level_request_returns_after_eoi)
{
    initialise(1, 1);
    outb(&bench, 0x4d1, 0x08);
    line(11, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x2b);
    outb(&bench, 0xa0, EOI), outb(&bench, 0x20, EOI);
    ck_assert(intr.level);
    line(11, false);
    ck_assert(!intr.level);
}
END_TEST

START_TEST(elcr_keeps_system_lines_edge)
{
    outb(&bench, 0x4d0, 0xff), outb(&bench, 0x4d1, 0xff);
    ck_assert_uint_eq(inb(&bench, 0x4d0), 0xf8);
    ck_assert_uint_eq(inb(&bench, 0x4d1), 0xde);
    ck_assert_uint_eq(bench_in(&bench, 0x4d0, 2), 0xdef8);
}
END_TEST

START_TEST(spurious_irq7)
{
    initialise(1, 1);
    line(3, true);
    line(3, false); /* gone before INTA */
    ck_assert(!intr.level);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x27);
    ck_assert_uint_eq(read_isr(0x20), 0); /* no in-service bit: a handler must not send EOI */
}
END_TEST

START_TEST(request_that_left_the_slave_leaves_the_master)
{
    initialise(1, 1);
    line(14, true);
    ck_assert(intr.level);
    outb(&bench, 0xa0, POLL); /* taken from the slave directly, before the CPU acknowledges */
    ck_assert_uint_eq(inb(&bench, 0xa0), 0x86);
    ck_assert(!intr.level);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x27);
    ck_assert_uint_eq(read_isr(0x20), 0);
}
END_TEST

START_TEST(slave_interrupts_through_the_cascade)
{
    initialise(1, 1);
    line(8, true), line(14, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x28);
    ck_assert_uint_eq(read_isr(0x20), 0x04);
    ck_assert_uint_eq(read_isr(0xa0), 0x01);
    outb(&bench, 0xa0, EOI);
    ck_assert(!intr.level); /* the master still has IR2 in service */
    ck_assert_int_eq(i8259_explain(pic, 14), I8259_CASCADE_BLOCKED);
    outb(&bench, 0x20, EOI);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x2e);
}
END_TEST

START_TEST(masked_cascade_is_named)
{
    initialise(1, 1);
    outb(&bench, 0x21, 0x04);
    line(8, true);
    ck_assert(!intr.level);
    ck_assert_int_eq(i8259_explain(pic, 8), I8259_CASCADE_MASKED);
    ck_assert_str_eq(i8259_verdict_text(I8259_CASCADE_MASKED), "IRQ 2 masked in the master (IMR)");
}
END_TEST

START_TEST(special_fully_nested_lets_the_slave_interrupt_itself)
{
    initialise(0x11, 1);
    line(14, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x2e);
    line(8, true);
    ck_assert(intr.level); /* higher within the same slave */
    ck_assert_int_eq(i8259_acknowledge(pic), 0x28);
    line(4, true);
    ck_assert(!intr.level); /* but nothing below IR2 of the master */
}
END_TEST

START_TEST(automatic_eoi)
{
    initialise(3, 3);
    line(4, true);
    i8259_acknowledge(pic);
    ck_assert_uint_eq(read_isr(0x20), 0);
    line(12, true), line(14, true); /* both of the slave: INT must rise again after the first */
    ck_assert_int_eq(i8259_acknowledge(pic), 0x2c);
    ck_assert(intr.level);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x2e);
    ck_assert(!intr.level);
}
END_TEST

START_TEST(rotation_on_nonspecific_eoi)
{
    initialise(1, 1);
    line(4, true);
    i8259_acknowledge(pic);
    outb(&bench, 0x20, 0xa0); /* 4 becomes the lowest, 5 the highest */
    line(1, true), line(5, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x25);
}
END_TEST

START_TEST(set_priority_and_rotating_aeoi)
{
    initialise(3, 1);
    outb(&bench, 0x20, 0xc5); /* 5 lowest: 6 highest */
    line(0, true), line(6, true);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x26);
    i8259_acknowledge(pic);
    outb(&bench, 0x20, 0x80); /* rotate in AEOI mode: on */
    pulse(0), pulse(1);
    outb(&bench, 0x20, 0xc7);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x20); /* now 0 is the lowest */
    pulse(0);
    ck_assert_int_eq(i8259_acknowledge(pic), 0x21);
}
END_TEST

START_TEST(special_mask_mode)
{
    initialise(1, 1);
    line(1, true);
    i8259_acknowledge(pic);
    line(4, true);
    ck_assert(!intr.level);
    outb(&bench, 0x21, 0x02); /* mask the one in service */
    outb(&bench, 0x20, 0x68);
    ck_assert(intr.level); /* lower ones pass */
    ck_assert_int_eq(i8259_acknowledge(pic), 0x24);
    outb(&bench, 0x20, EOI); /* does not touch the masked bit */
    ck_assert_uint_eq(read_isr(0x20), 0x02);
    outb(&bench, 0x20, EOI);
    ck_assert_uint_eq(read_isr(0x20), 0x02);
    outb(&bench, 0x20, 0x61);
    ck_assert_uint_eq(read_isr(0x20), 0);
}
END_TEST

START_TEST(poll_is_an_acknowledge)
{
    initialise(1, 1);
    outb(&bench, 0x20, POLL);
    ck_assert_uint_eq(inb(&bench, 0x20) & 0x80, 0);
    line(6, true);
    outb(&bench, 0x20, POLL);
    ck_assert_uint_eq(inb(&bench, 0x20), 0x86);
    ck_assert(!intr.level);
    ck_assert_uint_eq(read_isr(0x20), 0x40);
}
END_TEST

START_TEST(reset_silences_and_state_is_complete)
{
    initialise(1, 1);
    line(4, true);
    uint64_t before = device_hash_all(&bench.devices);
    outb(&bench, 0x21, 0x80);
    ck_assert_uint_ne(device_hash_all(&bench.devices), before);
    device_reset_all(&bench.devices);
    ck_assert(!intr.level);
    ck_assert(!i8259_view(pic, 0).initialised);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("8259A");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, silent_until_all_icws_are_written);
    tcase_add_test(tests, icw1_resets_the_edge_detector_and_the_mask);
    tcase_add_test(tests, icw4_is_expected_only_if_icw1_says_so);
    tcase_add_test(tests, fixed_priority_and_nesting);
    tcase_add_test(tests, mask_holds_back_but_irr_remembers);
    tcase_add_test(tests, edge_request_is_served_once);
    tcase_add_test(tests, level_request_returns_after_eoi);
    tcase_add_test(tests, elcr_keeps_system_lines_edge);
    tcase_add_test(tests, spurious_irq7);
    tcase_add_test(tests, request_that_left_the_slave_leaves_the_master);
    tcase_add_test(tests, slave_interrupts_through_the_cascade);
    tcase_add_test(tests, masked_cascade_is_named);
    tcase_add_test(tests, special_fully_nested_lets_the_slave_interrupt_itself);
    tcase_add_test(tests, automatic_eoi);
    tcase_add_test(tests, rotation_on_nonspecific_eoi);
    tcase_add_test(tests, set_priority_and_rotating_aeoi);
    tcase_add_test(tests, special_mask_mode);
    tcase_add_test(tests, poll_is_an_acknowledge);
    tcase_add_test(tests, reset_silences_and_state_is_complete);
    return bench_main("i8259", tests);
}

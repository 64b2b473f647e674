/* SPDX-License-Identifier: MIT */
/* UART, driven as serial drivers do. Rules are those of the PC16550D data sheet. */
#include <string.h>
#include "devices/platform/ns16550a.h"
#include "tests/unit/platform_helper.h"

enum { DATA = 0x3f8, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { DR = 0x01, OE = 0x02, THRE = 0x20, TEMT = 0x40 };
enum { LOOP = 0x10, OUT2 = 0x08 };

/* 8N1 at 115200 baud: ten bits. */
#define CHAR_TIME (VTIME_S * 10 / 115200)

static struct bench bench;
static struct wire irq;
static struct chardev serial;
static struct ns16550a *uart;
static char output[4096];
static size_t written;

static void collect(void *backend, const uint8_t *data, size_t size)
{
    (void)backend;
    memcpy(output + written, data, size);
    written += size;
}

static void make(bool instant)
{
    bench_init(&bench);
    chardev_init(&serial, &bench.door, "serial0");
    serial.write = collect;
    written = 0;
    struct ns16550a_config config = {.name = "serial0",
                                     .port = DATA,
                                     .irq = wire_line(&irq, &bench.clock),
                                     .chardev = &serial,
                                     .instant_transmit = instant};
    uart = ns16550a_new(bench.io, &bench.devices, &bench.clock, &config);
    outb(&bench, LCR, 0x83);
    outb(&bench, DATA, 1), outb(&bench, IER, 0); /* 115200 */
    outb(&bench, LCR, 0x03);
    outb(&bench, MCR, 0x0b);
}

static void setup(void)
{
    make(false);
}

static void teardown(void)
{
    device_destroy_all(&bench.devices);
    chardev_destroy(&serial);
    bench_free(&bench);
}

static void feed(const char *text)
{
    chardev_feed(&serial, text, strlen(text));
    door_let_in(&bench.door);
}

START_TEST(registers_after_reset)
{
    device_reset_all(&bench.devices);
    ck_assert_uint_eq(inb(&bench, IER), 0);
    ck_assert_uint_eq(inb(&bench, IIR), 0x01);
    ck_assert_uint_eq(inb(&bench, LCR), 0);
    ck_assert_uint_eq(inb(&bench, MCR), 0);
    ck_assert_uint_eq(inb(&bench, LSR), 0x60);
    ck_assert_uint_eq(inb(&bench, MSR), 0xb0);
    outb(&bench, LCR, 0x80);
    ck_assert_uint_eq(inb(&bench, DATA), 1); /* the divisor survives */
}
END_TEST

START_TEST(drivers_recognise_a_16550a)
{
    outb(&bench, IER, 0xff);
    ck_assert_uint_eq(inb(&bench, IER), 0x0f);
    outb(&bench, IER, 0);
    outb(&bench, SCR, 0xa5);
    ck_assert_uint_eq(inb(&bench, SCR), 0xa5);
    outb(&bench, MCR, LOOP | 0x0a);
    ck_assert_uint_eq(inb(&bench, MSR) & 0xf0, 0x90);
    outb(&bench, MCR, 0);
    ck_assert_uint_eq(inb(&bench, IIR) & 0xc0, 0);
    outb(&bench, IIR, 0x01);
    ck_assert_uint_eq(inb(&bench, IIR), 0xc1);
    outb(&bench, IIR, 0x00);
    ck_assert_uint_eq(inb(&bench, IIR), 0x01);
}
END_TEST

START_TEST(transmitter_keeps_the_baud_rate)
{
    ck_assert_uint_eq(inb(&bench, LSR), THRE | TEMT);
    outb(&bench, DATA, 'a');
    ck_assert_uint_eq(inb(&bench, LSR), THRE); /* in the shift register */
    outb(&bench, DATA, 'b');
    ck_assert_uint_eq(inb(&bench, LSR), 0);
    bench_run(&bench, CHAR_TIME + 1);
    ck_assert_uint_eq(inb(&bench, LSR), THRE);
    bench_run(&bench, CHAR_TIME - 100);
    ck_assert_uint_eq(inb(&bench, LSR), THRE);
    bench_run(&bench, 200);
    ck_assert_uint_eq(inb(&bench, LSR), THRE | TEMT);
    ck_assert_int_eq(strncmp(output, "ab", written), 0);
}
END_TEST

START_TEST(writes_that_ignore_lsr_are_not_lost)
{
    for (char c = 'a'; c <= 'z'; c++) outb(&bench, DATA, c);
    ck_assert_uint_eq(written, 26);
    ck_assert_int_eq(memcmp(output, "abcdefghijklmnopqrstuvwxyz", 26), 0);
    bench_run(&bench, 3 * CHAR_TIME);
    ck_assert_uint_eq(inb(&bench, LSR), THRE | TEMT);
}
END_TEST

START_TEST(format_sets_the_character_time)
{
    outb(&bench, LCR, 0x80);
    outb(&bench, DATA, 12);  /* 9600 */
    outb(&bench, LCR, 0x1f); /* 8 bits, parity, two stop bits: 12 bit times */
    outb(&bench, DATA, 'x');
    bench_run(&bench, VTIME_S * 12 / 9600 - 1000);
    ck_assert_uint_eq(inb(&bench, LSR) & TEMT, 0);
    bench_run(&bench, 2000);
    ck_assert_uint_eq(inb(&bench, LSR) & TEMT, TEMT);
}
END_TEST

START_TEST(thre_interrupt)
{
    outb(&bench, IER, 0x02);
    ck_assert(irq.level); /* THR is empty already */
    ck_assert_uint_eq(inb(&bench, IIR), 0x02);
    ck_assert(!irq.level); /* reading IIR took it back */
    ck_assert_uint_eq(inb(&bench, IIR), 0x01);
    outb(&bench, DATA, 'a'); /* goes straight on to the shift register */
    ck_assert(irq.level);
    unsigned rises = irq.rises;
    outb(&bench, DATA, 'b');
    ck_assert(!irq.level);
    bench_run(&bench, CHAR_TIME + 1);
    ck_assert(irq.level);
    ck_assert_uint_eq(irq.rises, rises + 1);
}
END_TEST

START_TEST(transmit_fifo_holds_sixteen)
{
    outb(&bench, IIR, 0x01);
    outb(&bench, IER, 0x02);
    inb(&bench, IIR);
    for (int i = 0; i < 17; i++) outb(&bench, DATA, 'x');
    ck_assert_uint_eq(inb(&bench, LSR), 0);
    bench_run(&bench, 15 * CHAR_TIME + 100);
    ck_assert_uint_eq(inb(&bench, LSR), 0);
    ck_assert(!irq.level);
    bench_run(&bench, CHAR_TIME);
    ck_assert_uint_eq(inb(&bench, LSR), THRE);
    ck_assert(irq.level);
}
END_TEST

START_TEST(received_characters_keep_the_baud_rate)
{
    outb(&bench, IER, 0x01);
    feed("hi");
    ck_assert_uint_eq(inb(&bench, LSR) & DR, 0);
    bench_run(&bench, CHAR_TIME + 1);
    ck_assert_uint_eq(inb(&bench, LSR) & DR, DR);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(&bench, IIR), 0x04);
    bench_run(&bench, 10 * CHAR_TIME); /* the second waits outside: no overrun */
    ck_assert_uint_eq(inb(&bench, LSR) & (DR | OE), DR);
    ck_assert_uint_eq(inb(&bench, DATA), 'h');
    ck_assert(!irq.level);
    bench_run(&bench, CHAR_TIME + 1);
    ck_assert_uint_eq(inb(&bench, DATA), 'i');
    ck_assert_uint_eq(inb(&bench, LSR) & DR, 0);
}
END_TEST

START_TEST(receive_fifo_trigger_and_timeout)
{
    outb(&bench, IIR, 0x81); /* 8 characters */
    outb(&bench, IER, 0x01);
    feed("0123456789");
    bench_run(&bench, 7 * CHAR_TIME + 100);
    ck_assert(!irq.level);
    bench_run(&bench, CHAR_TIME);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(&bench, IIR), 0xc4);
    for (char c = '0'; c < '8'; c++) ck_assert_uint_eq(inb(&bench, DATA), c);
    ck_assert(!irq.level);
    bench_run(&bench, 2 * CHAR_TIME);
    ck_assert(!irq.level); /* two characters, below the level */
    bench_run(&bench, 3 * CHAR_TIME);
    ck_assert(!irq.level);
    bench_run(&bench, CHAR_TIME + 200);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(&bench, IIR), 0xcc);
    ck_assert_uint_eq(inb(&bench, DATA), '8');
    ck_assert(!irq.level); /* the read started the time again */
    bench_run(&bench, 4 * CHAR_TIME + 1);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(&bench, DATA), '9');
    ck_assert_uint_eq(inb(&bench, IIR), 0xc1);
}
END_TEST

START_TEST(slow_guest_loses_no_input)
{
    char text[1001];
    for (int i = 0; i < 1000; i++) text[i] = (char)('!' + i % 90);
    text[1000] = 0;
    outb(&bench, IIR, 0xc1);
    feed(text);
    for (int i = 0; i < 1000; i++) {
        if (i % 16 == 0) bench_run(&bench, 40 * CHAR_TIME);
        ck_assert_uint_eq(inb(&bench, DATA), text[i]);
    }
    ck_assert_uint_eq(inb(&bench, LSR) & OE, 0);
}
END_TEST

START_TEST(interrupt_priorities)
{
    outb(&bench, MCR, LOOP | OUT2);
    inb(&bench, MSR);
    outb(&bench, IER, 0x0f);
    outb(&bench, DATA, 'a');
    bench_run(&bench, CHAR_TIME + 1);
    outb(&bench, DATA, 'b'); /* overruns RBR */
    bench_run(&bench, CHAR_TIME + 1);
    outb(&bench, MCR, LOOP | OUT2 | 0x02); /* CTS changes */
    ck_assert_uint_eq(inb(&bench, IIR), 0x06);
    ck_assert_uint_eq(inb(&bench, LSR) & (OE | DR), OE | DR);
    ck_assert_uint_eq(inb(&bench, LSR) & OE, 0); /* cleared by reading */
    ck_assert_uint_eq(inb(&bench, IIR), 0x04);
    ck_assert_uint_eq(inb(&bench, DATA), 'b'); /* without FIFOs the new one stays */
    ck_assert_uint_eq(inb(&bench, IIR), 0x02);
    ck_assert_uint_eq(inb(&bench, IIR), 0x00);
    ck_assert_uint_eq(inb(&bench, MSR), 0x91);
    ck_assert_uint_eq(inb(&bench, IIR), 0x01);
}
END_TEST

START_TEST(loopback_stays_inside)
{
    outb(&bench, MCR, LOOP | OUT2);
    outb(&bench, IER, 0x01);
    outb(&bench, DATA, 0x5a);
    bench_run(&bench, CHAR_TIME + 1);
    ck_assert_uint_eq(inb(&bench, LSR) & DR, DR);
    ck_assert(!irq.level); /* OUT2 is off at the pin */
    ck_assert_uint_eq(inb(&bench, DATA), 0x5a);
    ck_assert_uint_eq(written, 0);
    feed("x"); /* the line is not listened to */
    bench_run(&bench, 5 * CHAR_TIME);
    ck_assert_uint_eq(inb(&bench, LSR) & DR, 0);
    outb(&bench, MCR, OUT2);
    bench_run(&bench, CHAR_TIME + 1);
    ck_assert_uint_eq(inb(&bench, DATA), 'x');
}
END_TEST

START_TEST(loopback_fifo_overrun_keeps_the_old_ones)
{
    outb(&bench, IIR, 0x01);
    outb(&bench, MCR, LOOP);
    for (int i = 0; i < 17; i++) {
        outb(&bench, DATA, i);
        bench_run(&bench, CHAR_TIME + 1);
    }
    ck_assert_uint_eq(inb(&bench, LSR) & OE, OE);
    for (int i = 0; i < 16; i++) ck_assert_uint_eq(inb(&bench, DATA), i);
    ck_assert_uint_eq(inb(&bench, LSR) & DR, 0);
}
END_TEST

START_TEST(ring_indicator_counts_at_its_end)
{
    outb(&bench, MCR, LOOP | 0x04);
    inb(&bench, MSR);
    outb(&bench, MCR, LOOP);
    ck_assert_uint_eq(inb(&bench, MSR), 0x04);
    outb(&bench, MCR, LOOP | 0x04);
    ck_assert_uint_eq(inb(&bench, MSR), 0x40);
}
END_TEST

START_TEST(out2_gates_the_interrupt)
{
    outb(&bench, MCR, 0x03);
    outb(&bench, IER, 0x02);
    ck_assert(!irq.level);
    outb(&bench, MCR, 0x0b);
    ck_assert(irq.level);
}
END_TEST

START_TEST(fcr_clears_fifos)
{
    outb(&bench, IIR, 0x01);
    feed("abc");
    bench_run(&bench, 4 * CHAR_TIME);
    outb(&bench, IIR, 0x03);
    ck_assert_uint_eq(inb(&bench, LSR) & DR, 0);
    outb(&bench, DATA, '1'), outb(&bench, DATA, '2'), outb(&bench, DATA, '3');
    outb(&bench, IIR, 0x05);
    ck_assert_uint_eq(inb(&bench, LSR) & THRE, THRE);
    ck_assert_int_eq(memcmp(output, "123", 3), 0);
}
END_TEST

START_TEST(instant_transmitter_is_never_busy)
{
    teardown();
    make(true);
    outb(&bench, IER, 0x02);
    inb(&bench, IIR);
    for (int i = 0; i < 100; i++) {
        unsigned rises = irq.rises;
        outb(&bench, DATA, 'x');
        ck_assert_uint_eq(inb(&bench, LSR), THRE | TEMT);
        ck_assert_uint_eq(irq.rises, rises + 1); /* each time a new edge */
    }
    ck_assert_uint_eq(written, 100);
}
END_TEST

START_TEST(lesson_37_reset_cancels_what_is_under_way)
{
    outb(&bench, IER, 0x03);
    feed("a");
    outb(&bench, DATA, 'b');
    device_reset_all(&bench.devices);
    ck_assert(!irq.level);
    outb(&bench, MCR, LOOP); /* the end of the old character would show up in the receiver */
    bench_run(&bench, VTIME_S / 10);
    ck_assert_uint_eq(inb(&bench, LSR), THRE | TEMT);
    outb(&bench, MCR, 0);
    bench_run(&bench, VTIME_S / 10);
    ck_assert_uint_eq(inb(&bench, LSR), THRE | TEMT | DR);
    ck_assert_uint_eq(inb(&bench, DATA), 'a'); /* it was on the line, not in the chip */
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("16550A");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, registers_after_reset);
    tcase_add_test(tests, drivers_recognise_a_16550a);
    tcase_add_test(tests, transmitter_keeps_the_baud_rate);
    tcase_add_test(tests, writes_that_ignore_lsr_are_not_lost);
    tcase_add_test(tests, format_sets_the_character_time);
    tcase_add_test(tests, thre_interrupt);
    tcase_add_test(tests, transmit_fifo_holds_sixteen);
    tcase_add_test(tests, received_characters_keep_the_baud_rate);
    tcase_add_test(tests, receive_fifo_trigger_and_timeout);
    tcase_add_test(tests, slow_guest_loses_no_input);
    tcase_add_test(tests, interrupt_priorities);
    tcase_add_test(tests, loopback_stays_inside);
    tcase_add_test(tests, loopback_fifo_overrun_keeps_the_old_ones);
    tcase_add_test(tests, ring_indicator_counts_at_its_end);
    tcase_add_test(tests, out2_gates_the_interrupt);
    tcase_add_test(tests, fcr_clears_fifos);
    tcase_add_test(tests, instant_transmitter_is_never_busy);
    tcase_add_test(tests, lesson_37_reset_cancels_what_is_under_way);
    return bench_main("ns16550a", tests);
}

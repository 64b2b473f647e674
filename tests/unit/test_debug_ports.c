/* SPDX-License-Identifier: MIT */
/* The small ports: debug text, exit, port 92h, POST codes. */
#include <string.h>
#include "devices/platform/debug_port.h"
#include "devices/platform/dma_page.h"
#include "devices/platform/isa_debug_exit.h"
#include "devices/platform/port92.h"
#include "tests/unit/platform_helper.h"

static struct bench bench;

static void setup(void)
{
    bench_init(&bench);
}

static void teardown(void)
{
    bench_free(&bench);
}

static char text[64];
static size_t text_size;

static void collect(void *backend, const uint8_t *data, size_t size)
{
    (void)backend;
    memcpy(text + text_size, data, size);
    text_size += size;
}

START_TEST(debug_ports_write_text_and_read_e9)
{
    struct chardev debug;
    chardev_init(&debug, &bench.door, "debug");
    debug.write = collect;
    text_size = 0;
    debug_port_new(bench.io, &bench.devices, "debug402", DEBUG_PORT_SEABIOS, &debug);
    debug_port_new(bench.io, &bench.devices, "debuge9", DEBUG_PORT_BOCHS, NULL);
    ck_assert_uint_eq(inb(&bench, 0x402), 0xe9);
    ck_assert_uint_eq(inb(&bench, 0xe9), 0xe9);
    outb(&bench, 0x402, 'h'), outb(&bench, 0x402, 'i');
    outb(&bench, 0xe9, 'x');
    ck_assert_uint_eq(text_size, 2);
    ck_assert_int_eq(memcmp(text, "hi", 2), 0);
    device_destroy_all(&bench.devices);
    chardev_destroy(&debug);
}
END_TEST

static int status, calls;

static void requested(void *owner, int value)
{
    (void)owner;
    status = value;
    calls++;
}

START_TEST(exit_status_is_twice_the_value_plus_one)
{
    isa_debug_exit_new(bench.io, &bench.devices, &bench.clock, ISA_DEBUG_EXIT_IOBASE, ISA_DEBUG_EXIT_IOSIZE,
                       requested, NULL);
    calls = 0;
    outb(&bench, 0x501, 0);
    ck_assert_int_eq(status, 1);
    outb(&bench, 0x501, 0x31);
    ck_assert_int_eq(status, 0x63);
    bench_out(&bench, 0x501, 4, 0x10); /* whole, although the port is odd */
    ck_assert_int_eq(status, 0x21);
    bench_out(&bench, 0x501, 2, 0xffff); /* the host keeps eight bits */
    ck_assert_int_eq(status, 0xff);
    ck_assert_int_eq(calls, 4);
    ck_assert_uint_eq(inb(&bench, 0x501), 0);
}
END_TEST

START_TEST(exit_port_can_be_elsewhere)
{
    isa_debug_exit_new(bench.io, &bench.devices, &bench.clock, 0xf4, 4, requested, NULL);
    calls = 0;
    outb(&bench, 0x501, 1);
    ck_assert_int_eq(calls, 0);
    outb(&bench, 0xf4, 1);
    ck_assert_int_eq(status, 3);
    outb(&bench, 0xf7, 2);
    ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(port92_a20_and_rising_reset)
{
    struct wire a20, reset;
    struct irq_line a20_line = wire_line(&a20, &bench.clock), reset_line = wire_line(&reset, &bench.clock);
    port92_new(bench.io, &bench.devices, &bench.clock, a20_line, reset_line);
    ck_assert(!a20.level);
    outb(&bench, 0x92, 0x02);
    ck_assert(a20.level);
    ck_assert_uint_eq(inb(&bench, 0x92), 0x02);
    outb(&bench, 0x92, 0x03);
    ck_assert_uint_eq(reset.rises, 1);
    outb(&bench, 0x92, 0x03); /* not again without a new edge */
    ck_assert_uint_eq(reset.rises, 1);
    outb(&bench, 0x92, 0x02);
    outb(&bench, 0x92, 0x03);
    ck_assert_uint_eq(reset.rises, 2);
    device_reset_all(&bench.devices);
    ck_assert(!a20.level);
}
END_TEST

START_TEST(page_registers_are_storage)
{
    struct dma_page *pages = dma_page_new(bench.io, &bench.devices, &bench.clock);
    outb(&bench, 0x80, 0x5a);
    ck_assert_uint_eq(dma_page_post_code(pages), 0x5a);
    for (int i = 0; i < 16; i++) outb(&bench, 0x80 + i, 0x30 + i);
    for (int i = 0; i < 16; i++) ck_assert_uint_eq(inb(&bench, 0x80 + i), 0x30 + i);
}
END_TEST

START_TEST(chips_are_listed_hashed_and_gone_after_destruction)
{
    dma_page_new(bench.io, &bench.devices, &bench.clock);
    debug_port_new(bench.io, &bench.devices, "debuge9", DEBUG_PORT_BOCHS, NULL);
    ck_assert_ptr_nonnull(device_find(&bench.devices, "debuge9"));
    ck_assert_ptr_null(device_find(&bench.devices, "debug402"));
    uint64_t before = device_hash_all(&bench.devices);
    outb(&bench, 0x84, 1);
    ck_assert_uint_ne(device_hash_all(&bench.devices), before);
    device_reset_all(&bench.devices);
    ck_assert_uint_eq(device_hash_all(&bench.devices), before);
    device_destroy_all(&bench.devices);
    ck_assert_uint_eq(inb(&bench, 0xe9), 0xff); /* nobody there */
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ports");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, debug_ports_write_text_and_read_e9);
    tcase_add_test(tests, exit_status_is_twice_the_value_plus_one);
    tcase_add_test(tests, exit_port_can_be_elsewhere);
    tcase_add_test(tests, port92_a20_and_rising_reset);
    tcase_add_test(tests, page_registers_are_storage);
    tcase_add_test(tests, chips_are_listed_hashed_and_gone_after_destruction);
    return bench_main("debug ports", tests);
}

/* SPDX-License-Identifier: MIT */
/* Keyboard controller and keyboard, driven as firmware and drivers do. IBM PS/2 Hardware Interface Technical Reference. */
#include <string.h>
#include "devices/platform/i8042.h"
#include "devices/platform/ps2_keyboard.h"
#include "tests/unit/platform_helper.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64 };
enum { OBF = 0x01, SYSTEM = 0x04, AUX = 0x20, TIMEOUT = 0x40 };
enum { ACK = 0xfa };

static struct bench bench;
static struct wire irq1, irq12, a20, reset;
static struct i8042 *controller;
static struct ps2_keyboard *keyboard;

static void setup(void)
{
    bench_init(&bench);
    struct i8042_lines lines = {wire_line(&irq1, &bench.clock), wire_line(&irq12, &bench.clock),
                                wire_line(&a20, &bench.clock), wire_line(&reset, &bench.clock)};
    controller = i8042_new(bench.io, &bench.devices, &bench.clock, &lines);
    keyboard =
        ps2_keyboard_new(i8042_port(controller, I8042_KEYBOARD), &bench.devices, &bench.clock, &bench.door);
}

static void teardown(void)
{
    bench_free(&bench);
}

/* Waits for a byte as a driver does; -1 when none comes. */
static int read_data(void)
{
    bench_run(&bench, 2 * I8042_BYTE_TIME);
    return inb(&bench, STATUS) & OBF ? inb(&bench, DATA) : -1;
}

static void command(uint8_t value)
{
    outb(&bench, COMMAND, value);
}

static void set_mode(uint8_t mode)
{
    command(0x60);
    outb(&bench, DATA, mode);
}

/* Keyboard on, interrupts on, no translation; the power-on byte is read away. */
static void start(uint8_t mode)
{
    set_mode(mode);
    while (read_data() >= 0) continue;
}

static void key(uint8_t number, bool down)
{
    struct key_event event = {number, down};
    door_post(ps2_keyboard_door(keyboard), &event, sizeof(event));
    door_let_in(&bench.door);
}

/* Sends a byte to the keyboard and returns its answer. */
static int tell(uint8_t byte)
{
    outb(&bench, DATA, byte);
    return read_data();
}

static void expect(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) ck_assert_int_eq(read_data(), bytes[i]);
    ck_assert_int_eq(read_data(), -1);
}
#define EXPECT(...) expect((const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

START_TEST(firmware_finds_and_tests_the_controller)
{
    command(0xad), command(0xa7);
    ck_assert_uint_eq(inb(&bench, STATUS) & (OBF | SYSTEM), 0);
    command(0xaa);
    ck_assert_int_eq(read_data(), 0x55);
    ck_assert_uint_eq(inb(&bench, STATUS) & SYSTEM, SYSTEM);
    command(0xab);
    ck_assert_int_eq(read_data(), 0x00);
    command(0xa9);
    ck_assert_int_eq(read_data(), 0x00);
    ck_assert_int_eq(tell(0xff), ACK); /* sending switches the line on */
    ck_assert_int_eq(read_data(), 0xaa);
    ck_assert_int_eq(tell(0xf5), ACK);
    ck_assert_int_eq(tell(0xf0), ACK);
    ck_assert_int_eq(tell(0x02), ACK);
    set_mode(0x61);
    ck_assert_int_eq(tell(0xf4), ACK);
    key(KEY_A, true);
    ck_assert_int_eq(read_data(), 0x1e);
}
END_TEST

START_TEST(command_byte_reads_back)
{
    set_mode(0x77);
    command(0x20);
    ck_assert_int_eq(read_data(), 0x77);
    command(0x65), outb(&bench, DATA, 0xa5); /* a byte of its RAM */
    command(0x25);
    ck_assert_int_eq(read_data(), 0xa5);
}
END_TEST

START_TEST(switched_off_line_holds_bytes_back)
{
    start(0x01);
    command(0xad);
    key(KEY_A, true);
    ck_assert_int_eq(read_data(), -1);
    command(0x20);
    ck_assert_int_eq(read_data(), 0x11);
    command(0xae);
    ck_assert_int_eq(read_data(), 0x1c);
}
END_TEST

START_TEST(irq1_follows_the_output_buffer)
{
    start(0x01);
    key(KEY_A, true);
    ck_assert(!irq1.level);
    bench_run(&bench, 2 * I8042_BYTE_TIME);
    ck_assert(irq1.level);
    unsigned rises = irq1.rises;
    key(KEY_A, false);
    bench_run(&bench, 2 * I8042_BYTE_TIME);
    ck_assert_uint_eq(inb(&bench, DATA), 0x1c); /* nothing came over it */
    ck_assert(!irq1.level);
    bench_run(&bench, 2 * I8042_BYTE_TIME);
    ck_assert_uint_eq(irq1.rises, rises + 1); /* a new edge for each byte */
    ck_assert_uint_eq(inb(&bench, DATA), 0xf0);
    set_mode(0x00);
    bench_run(&bench, 2 * I8042_BYTE_TIME);
    ck_assert(!irq1.level);
    ck_assert_uint_eq(inb(&bench, DATA), 0x1c);
}
END_TEST

START_TEST(answers_wait_for_the_output_buffer)
{
    start(0x01);
    key(KEY_A, true);
    bench_run(&bench, 2 * I8042_BYTE_TIME);
    command(0x20);
    ck_assert_int_eq(inb(&bench, DATA), 0x1c);
    ck_assert_int_eq(inb(&bench, STATUS) & OBF, OBF);
    ck_assert_int_eq(inb(&bench, DATA), 0x01);
    for (int i = 0; i < 100; i++) command(0x20); /* never read: no harm */
    for (int i = 0; i < 5; i++) ck_assert_int_eq(read_data(), 0x01);
    ck_assert_int_eq(read_data(), -1);
}
END_TEST

START_TEST(aux_port_without_a_mouse)
{
    set_mode(0x02);
    command(0xd3), outb(&bench, DATA, 0x5a); /* loop test of drivers */
    ck_assert(irq12.level);
    ck_assert_uint_eq(inb(&bench, STATUS) & (OBF | AUX), OBF | AUX);
    ck_assert_uint_eq(inb(&bench, DATA), 0x5a);
    ck_assert(!irq12.level);
    command(0xa7);
    command(0x20);
    ck_assert_int_eq(read_data(), 0x22);
    command(0xa8);
    command(0x20);
    ck_assert_int_eq(read_data(), 0x02);
    command(0xd4), outb(&bench, DATA, 0xff);
    ck_assert_uint_eq(inb(&bench, STATUS) & (OBF | AUX | TIMEOUT), OBF | AUX | TIMEOUT);
    ck_assert_uint_eq(inb(&bench, DATA), 0xfe);
    ck_assert_uint_eq(inb(&bench, STATUS) & TIMEOUT, 0);
}
END_TEST

START_TEST(output_port_a20_and_reset)
{
    ck_assert(a20.level); /* pins float high */
    command(0xd1), outb(&bench, DATA, 0xdd);
    ck_assert(!a20.level);
    command(0xd0);
    ck_assert_int_eq(read_data() & 3, 1);
    command(0xd1), outb(&bench, DATA, 0xdf);
    ck_assert(a20.level);
    command(0xdd);
    ck_assert(!a20.level);
    command(0xdf);
    ck_assert(a20.level);
    ck_assert_uint_eq(reset.rises, 0);
    command(0xff); /* pulses nothing: used as an end marker after A20 commands */
    ck_assert_uint_eq(reset.rises, 0);
    command(0xfe);
    ck_assert_uint_eq(reset.rises, 1);
    command(0xd1), outb(&bench, DATA, 0xde);
    ck_assert_uint_eq(reset.rises, 2);
}
END_TEST

START_TEST(keyboard_buffer_write_looks_like_a_key)
{
    start(0x01);
    command(0xd2), outb(&bench, DATA, 0x77);
    ck_assert(irq1.level);
    ck_assert_uint_eq(inb(&bench, STATUS) & AUX, 0);
    ck_assert_uint_eq(inb(&bench, DATA), 0x77);
}
END_TEST

START_TEST(keyboard_commands)
{
    start(0x01);
    ck_assert_int_eq(tell(0xee), 0xee);
    ck_assert_int_eq(tell(0xf2), ACK);
    EXPECT(0xab, 0x83);
    ck_assert_int_eq(tell(0xed), ACK);
    ck_assert_int_eq(tell(0x07), ACK);
    ck_assert_uint_eq(ps2_keyboard_leds(keyboard), 7);
    ck_assert_int_eq(tell(0xf0), ACK);
    ck_assert_int_eq(tell(0x00), ACK);
    EXPECT(0x02);
    ck_assert_int_eq(tell(0xf0), ACK);
    ck_assert_int_eq(tell(0x04), 0xfe);
    ck_assert_int_eq(tell(0xfe), 0xfe); /* resend: the last byte again */
    ck_assert_int_eq(tell(0x12), 0xfe);
    ck_assert_int_eq(tell(0xff), ACK);
    EXPECT(0xaa);
    ck_assert_uint_eq(ps2_keyboard_leds(keyboard), 0);
}
END_TEST

START_TEST(id_is_translated_with_the_rest)
{
    start(0x41);
    ck_assert_int_eq(tell(0xf2), ACK);
    EXPECT(0xab, 0x41);
}
END_TEST

START_TEST(command_in_place_of_a_parameter)
{
    start(0x01);
    ck_assert_int_eq(tell(0xed), ACK);
    ck_assert_int_eq(tell(0xf2), ACK);
    EXPECT(0xab, 0x83);
}
END_TEST

START_TEST(disabled_keyboard_forgets_keys)
{
    start(0x01);
    ck_assert_int_eq(tell(0xf5), ACK);
    key(KEY_A, true);
    ck_assert_int_eq(read_data(), -1);
    ck_assert_int_eq(tell(0xf4), ACK);
    key(KEY_B, true);
    EXPECT(0x32);
}
END_TEST

START_TEST(scan_code_set_2_and_its_translation)
{
    start(0x01);
    key(KEY_A, true), key(KEY_A, false);
    EXPECT(0x1c, 0xf0, 0x1c);
    key(KEY_UP, true), key(KEY_UP, false);
    EXPECT(0xe0, 0x75, 0xe0, 0xf0, 0x75);
    key(KEY_F7, true);
    EXPECT(0x83);
    set_mode(0x41);
    key(KEY_A, true), key(KEY_A, false);
    EXPECT(0x1e, 0x9e);
    key(KEY_UP, true), key(KEY_UP, false);
    EXPECT(0xe0, 0x48, 0xe0, 0xc8);
    key(KEY_F7, true), key(KEY_F7, false);
    EXPECT(0x41, 0xc1);
    key(KEY_PAUSE, true), key(KEY_PAUSE, false);
    EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    key(KEY_PRINT, true), key(KEY_PRINT, false);
    EXPECT(0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
}
END_TEST

START_TEST(translated_set_2_equals_set_1_for_every_key)
{
    for (unsigned number = 1; number < 256; number++) {
        for (int down = 0; down < 2; down++) {
            struct key_event event = {(uint8_t)number, (uint8_t)down};
            uint8_t set1[KEY_SEQUENCE_MAX], set2[KEY_SEQUENCE_MAX], translated[KEY_SEQUENCE_MAX];
            size_t size1 = key_scan_code(1, event, set1), size2 = key_scan_code(2, event, set2), n = 0;
            bool released = false;
            if (!size2) continue;
            for (size_t i = 0; i < size2; i++) {
                if (set2[i] == 0xf0)
                    released = true;
                else {
                    translated[n++] = key_translate_set2(set2[i]) | (released ? 0x80 : 0);
                    released = false;
                }
            }
            ck_assert_uint_eq(n, size1);
            ck_assert_int_eq(memcmp(set1, translated, n), 0);
        }
    }
}
END_TEST

START_TEST(scan_code_sets_1_and_3)
{
    start(0x01);
    ck_assert_int_eq(tell(0xf0), ACK);
    ck_assert_int_eq(tell(1), ACK);
    key(KEY_A, true), key(KEY_A, false), key(KEY_RIGHT_CTRL, true);
    EXPECT(0x1e, 0x9e, 0xe0, 0x1d);
    ck_assert_int_eq(tell(0xf0), ACK);
    ck_assert_int_eq(tell(3), ACK);
    key(KEY_A, true), key(KEY_A, false); /* as switched on, letters have no break code */
    key(KEY_LEFT_SHIFT, true), key(KEY_LEFT_SHIFT, false);
    EXPECT(0x1c, 0x12, 0xf0, 0x12);
    ck_assert_int_eq(tell(0xf8), ACK);
    key(KEY_A, true), key(KEY_A, false);
    EXPECT(0x1c, 0xf0, 0x1c);
    ck_assert_int_eq(tell(0xfd), ACK); /* A: only make */
    ck_assert_int_eq(tell(0x1c), ACK);
    ck_assert_int_eq(tell(0xf4), ACK);
    key(KEY_A, true), key(KEY_A, false), key(KEY_B, true), key(KEY_B, false);
    EXPECT(0x1c, 0x32, 0xf0, 0x32);
}
END_TEST

START_TEST(typematic_repeat)
{
    start(0x01);
    ck_assert_int_eq(tell(0xf3), ACK);
    ck_assert_int_eq(tell(0x00), ACK); /* after 250 ms, 30 per second */
    key(KEY_A, true);
    EXPECT(0x1c);
    bench_run(&bench, 249 * VTIME_MS);
    ck_assert_int_eq(read_data(), -1);
    bench_run(&bench, VTIME_MS);
    ck_assert_int_eq(read_data(), 0x1c);
    int repeats = 0;
    for (int i = 0; i < 1000; i++) {
        bench_run(&bench, VTIME_MS - 2 * I8042_BYTE_TIME);
        repeats += read_data() == 0x1c;
    }
    ck_assert_int_ge(repeats, 29);
    ck_assert_int_le(repeats, 31);
    key(KEY_B, true); /* the last key pressed repeats */
    EXPECT(0x32);
    key(KEY_A, false);
    EXPECT(0xf0, 0x1c);
    bench_run(&bench, 300 * VTIME_MS);
    ck_assert_int_eq(read_data(), 0x32);
    key(KEY_B, false);
    while (read_data() >= 0) continue;
    bench_run(&bench, VTIME_S);
    ck_assert_int_eq(read_data(), -1);
}
END_TEST

START_TEST(typed_text_arrives_whole_and_overrun_is_reported)
{
    start(0x01);
    struct key_event events[KEYBOARD_WAITING + 64];
    for (size_t i = 0; i < 200; i++) events[i] = (struct key_event){KEY_A, i % 2 == 0};
    door_post(ps2_keyboard_door(keyboard), events, 200 * sizeof(events[0]));
    door_let_in(&bench.door);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(read_data(), 0x1c);
        ck_assert_int_eq(read_data(), 0xf0);
        ck_assert_int_eq(read_data(), 0x1c);
    }
    ck_assert_int_eq(read_data(), -1);
    for (size_t i = 0; i < KEYBOARD_WAITING + 64; i++) events[i] = (struct key_event){KEY_A, i % 2 == 0};
    door_post(ps2_keyboard_door(keyboard), events, sizeof(events));
    door_let_in(&bench.door);
    int overruns = 0, byte;
    while ((byte = read_data()) >= 0) overruns += byte == 0x00;
    ck_assert_int_eq(overruns, 1);
}
END_TEST

START_TEST(odd_bytes_at_the_door_are_harmless)
{
    start(0x01);
    const uint8_t rubbish[] = {0x00, 1, 0x7f, 1, 0xff, 1, 0xff, 0, KEY_A};
    door_post(ps2_keyboard_door(keyboard), rubbish, sizeof(rubbish));
    door_let_in(&bench.door);
    key(KEY_Z, true);
    int last = -1, byte;
    while ((byte = read_data()) >= 0) last = byte;
    ck_assert_int_eq(last, 0x1a);
}
END_TEST

START_TEST(ascii_to_keys)
{
    struct key_event out[8];
    ck_assert_uint_eq(key_from_ascii('a', out), 2);
    ck_assert_uint_eq(out[0].key, KEY_A);
    ck_assert_uint_eq(key_from_ascii('A', out), 4);
    ck_assert(out[0].key == KEY_LEFT_SHIFT && out[0].down && out[1].key == KEY_A && out[1].down);
    ck_assert(out[2].key == KEY_A && !out[2].down && out[3].key == KEY_LEFT_SHIFT && !out[3].down);
    ck_assert_uint_eq(key_from_ascii(3, out), 4);
    ck_assert(out[0].key == KEY_LEFT_CTRL && out[1].key == KEY_C);
    ck_assert_uint_eq(key_from_ascii('\n', out), 2);
    ck_assert_uint_eq(out[0].key, KEY_ENTER);
    ck_assert_uint_eq(key_from_ascii('\r', out), 2);
    ck_assert_uint_eq(out[0].key, KEY_ENTER);
    ck_assert_uint_eq(key_from_ascii(0x1c, out), 4);
    ck_assert_uint_eq(out[1].key, KEY_BACKSLASH);
    ck_assert_uint_eq(key_from_ascii(0x80, out), 0);
    for (unsigned c = 0; c < 128; c++) ck_assert_uint_gt(key_from_ascii((uint8_t)c, out), 0);
}
END_TEST

START_TEST(reset_is_complete)
{
    start(0x41);
    key(KEY_A, true);
    command(0xd1), outb(&bench, DATA, 0xdd);
    device_reset_all(&bench.devices);
    ck_assert(a20.level);
    ck_assert_uint_eq(inb(&bench, STATUS) & OBF, 0);
    bench_run(&bench, 2 * VTIME_S);
    ck_assert_int_eq(read_data(), -1); /* both lines are off, no repeat goes on */
    start(0x01);
    ck_assert_int_eq(read_data(), -1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("8042");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, firmware_finds_and_tests_the_controller);
    tcase_add_test(tests, command_byte_reads_back);
    tcase_add_test(tests, switched_off_line_holds_bytes_back);
    tcase_add_test(tests, irq1_follows_the_output_buffer);
    tcase_add_test(tests, answers_wait_for_the_output_buffer);
    tcase_add_test(tests, aux_port_without_a_mouse);
    tcase_add_test(tests, output_port_a20_and_reset);
    tcase_add_test(tests, keyboard_buffer_write_looks_like_a_key);
    tcase_add_test(tests, keyboard_commands);
    tcase_add_test(tests, id_is_translated_with_the_rest);
    tcase_add_test(tests, command_in_place_of_a_parameter);
    tcase_add_test(tests, disabled_keyboard_forgets_keys);
    tcase_add_test(tests, scan_code_set_2_and_its_translation);
    tcase_add_test(tests, translated_set_2_equals_set_1_for_every_key);
    tcase_add_test(tests, scan_code_sets_1_and_3);
    tcase_add_test(tests, typematic_repeat);
    tcase_add_test(tests, typed_text_arrives_whole_and_overrun_is_reported);
    tcase_add_test(tests, odd_bytes_at_the_door_are_harmless);
    tcase_add_test(tests, ascii_to_keys);
    tcase_add_test(tests, reset_is_complete);
    return bench_main("i8042", tests);
}

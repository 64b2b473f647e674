/* SPDX-License-Identifier: MIT */
/* The wire of gdb's protocol, without sockets: framing, checksums, escapes, acknowledgements, hex; and
 * anything at all as input. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/debug/gdb_wire.h"

static struct gdb_wire wire;

static void setup(void)
{
    gdb_wire_init(&wire);
}

static void feed(const char *text)
{
    ck_assert_uint_eq(gdb_wire_feed(&wire, text, strlen(text)), strlen(text));
}

static void expect_packet(const char *payload)
{
    ck_assert_int_eq(gdb_wire_next(&wire), GDB_WIRE_GOT);
    ck_assert_uint_eq(wire.packet_size, strlen(payload));
    ck_assert_str_eq(wire.packet, payload);
}

static void expect_nothing(void)
{
    ck_assert_int_eq(gdb_wire_next(&wire), GDB_WIRE_NOTHING);
}

/* Takes all output away. */
static void expect_output(const char *text)
{
    ck_assert_uint_eq(wire.output_size, strlen(text));
    ck_assert_mem_eq(wire.output, text, strlen(text));
    gdb_wire_sent(&wire, wire.output_size);
}

static void reply(const char *text)
{
    gdb_wire_begin(&wire);
    gdb_wire_put(&wire, text, strlen(text));
    gdb_wire_send(&wire);
}

/* $payload#cc, without escaping. */
static size_t frame(char *to, const char *payload, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) sum = (uint8_t)(sum + (uint8_t)payload[i]);
    to[0] = '$';
    memcpy(to + 1, payload, size);
    snprintf(to + 1 + size, 4, "#%02x", sum);
    return size + 4;
}

/* ---- in ---- */

START_TEST(packets_come_in_whole_or_in_pieces)
{
    feed("+$g#67$qC#b4");
    expect_packet("g");
    expect_packet("qC");
    expect_nothing();
    expect_output("++");
    for (const char *at = "+$qSupported#37"; *at; at++) {
        expect_nothing();
        ck_assert_uint_eq(gdb_wire_feed(&wire, at, 1), 1);
    }
    expect_packet("qSupported");
    expect_output("+");
}
END_TEST

START_TEST(an_empty_packet_is_a_packet)
{
    feed("$#00");
    expect_packet("");
    expect_output("+");
}
END_TEST

START_TEST(a_bad_checksum_is_asked_for_again)
{
    feed("$g#68$g#zz$g#67");
    expect_packet("g");
    expect_output("--+");
}
END_TEST

START_TEST(without_acknowledgements_checksums_do_not_count)
{
    wire.acks = false;
    feed("$g#00$g#zz-");
    expect_packet("g");
    expect_packet("g");
    expect_nothing();
    expect_output("");
}
END_TEST

START_TEST(escapes_are_undone)
{
    static const char payload[] = {'X', '}', 0x03, '}', 0x04, '}', ']', '}', 0x0a, 0x00, 0x7f};
    static const char plain[] = {'X', '#', '$', '}', '*', 0x00, 0x7f};
    char text[32];
    ck_assert_uint_eq(gdb_wire_feed(&wire, text, frame(text, payload, sizeof(payload))), sizeof(payload) + 4);
    ck_assert_int_eq(gdb_wire_next(&wire), GDB_WIRE_GOT);
    ck_assert_uint_eq(wire.packet_size, sizeof(plain));
    ck_assert_mem_eq(wire.packet, plain, sizeof(plain));
}
END_TEST

START_TEST(an_escape_with_nothing_behind_it_stands_for_itself)
{
    feed("$a}#de");
    expect_packet("a}");
}
END_TEST

START_TEST(a_packet_that_is_cut_off_gives_way_to_the_next)
{
    feed("$m1000,$g#67");
    expect_packet("g");
    expect_output("+");
}
END_TEST

START_TEST(noise_between_packets_is_dropped)
{
    feed("hello#\xff++ $g#67world");
    expect_packet("g");
    expect_nothing();
    ck_assert_uint_eq(wire.input_size, 0);
}
END_TEST

START_TEST(a_break_is_found_in_order_and_ahead_of_packets)
{
    feed("$g#67\x03$c#63");
    expect_packet("g");
    ck_assert_int_eq(gdb_wire_next(&wire), GDB_WIRE_BREAK);
    expect_packet("c");
    feed("$g#67\x03$c#63");
    ck_assert(gdb_wire_take_break(&wire));
    ck_assert(!gdb_wire_take_break(&wire));
    expect_packet("g");
    expect_packet("c");
    expect_nothing();
}
END_TEST

START_TEST(within_a_packet_it_is_no_break)
{
    static const char payload[] = {'X', 0x03, 0x03};
    char text[32];
    gdb_wire_feed(&wire, text, frame(text, payload, sizeof(payload)));
    ck_assert(!gdb_wire_take_break(&wire));
    ck_assert_int_eq(gdb_wire_next(&wire), GDB_WIRE_GOT);
    ck_assert_uint_eq(wire.packet_size, 3);
    gdb_wire_feed(&wire, "$X\x03", 3); /* its end is still to come */
    ck_assert(!gdb_wire_take_break(&wire));
}
END_TEST

START_TEST(the_longest_packet_fits)
{
    static char payload[GDB_WIRE_PACKET], text[GDB_WIRE_PACKET + 8];
    memset(payload, 'a', sizeof(payload));
    size_t size = frame(text, payload, sizeof(payload));
    ck_assert_uint_eq(gdb_wire_feed(&wire, text, size), size);
    ck_assert_int_eq(gdb_wire_next(&wire), GDB_WIRE_GOT);
    ck_assert_uint_eq(wire.packet_size, sizeof(payload));
    ck_assert_uint_eq(gdb_wire_room(&wire), GDB_WIRE_INPUT);
}
END_TEST

/* Feeds as the stub does: as much as there is room for. */
static enum gdb_wire_event feed_all(const char *bytes, size_t size)
{
    enum gdb_wire_event event = GDB_WIRE_NOTHING;
    while (size && event == GDB_WIRE_NOTHING) {
        size_t done = gdb_wire_feed(&wire, bytes, size);
        bytes += done;
        size -= done;
        event = gdb_wire_next(&wire);
        ck_assert(done || event != GDB_WIRE_NOTHING);
    }
    if (size) gdb_wire_feed(&wire, bytes, size);
    return event;
}

START_TEST(a_packet_that_is_too_long_is_skipped_and_told)
{
    for (size_t more = 1; more < 12; more++) {
        size_t size = more < 6 ? GDB_WIRE_PACKET + more : GDB_WIRE_PACKET * more;
        char *payload = malloc(size), *text = malloc(size + 16);
        memset(payload, 'a', size);
        size_t framed = frame(text, payload, size);
        memcpy(text + framed, "$g#67", 5);
        gdb_wire_init(&wire);
        ck_assert_int_eq(feed_all(text, framed + 5), GDB_WIRE_TOO_LONG);
        expect_packet("g");
        expect_nothing();
        expect_output("++");
        free(payload);
        free(text);
    }
}
END_TEST

START_TEST(one_that_is_too_long_and_cut_off_gives_way_too)
{
    static char text[GDB_WIRE_PACKET * 2];
    memset(text, 'a', sizeof(text));
    text[0] = '$';
    memcpy(text + sizeof(text) - 5, "$g#67", 5);
    ck_assert_int_eq(feed_all(text, sizeof(text)), GDB_WIRE_TOO_LONG);
    expect_packet("g");
}
END_TEST

/* ---- out ---- */

START_TEST(replies_are_framed_and_escaped)
{
    reply("OK");
    expect_output("$OK#9a");
    reply("");
    expect_output("$#00");
    reply("#$}*");
    expect_output("$}\x03}\x04}]}\n#62");
}
END_TEST

START_TEST(a_reply_is_sent_again_when_asked)
{
    reply("OK");
    expect_output("$OK#9a");
    feed("-");
    expect_nothing();
    expect_output("$OK#9a");
    feed("--------");
    expect_nothing();
    expect_output("$OK#9a");
    feed("+");
    expect_nothing();
    expect_output("");
}
END_TEST

START_TEST(replies_do_not_wait_for_acknowledgements)
{
    for (unsigned i = 0; i < 10; i++) {
        feed("$g#67");
        expect_packet("g");
        reply("00");
        expect_output("+$00#60");
    }
}
END_TEST

START_TEST(what_does_not_fit_into_a_reply_is_left_out)
{
    uint8_t bytes[1000] = {0};
    gdb_wire_begin(&wire);
    for (unsigned i = 0; i < 100; i++) gdb_wire_put_hex(&wire, bytes, sizeof(bytes));
    gdb_wire_print(&wire, "%s", "more");
    gdb_wire_send(&wire);
    ck_assert_uint_eq(wire.output_size, GDB_WIRE_PACKET + 4);
}
END_TEST

START_TEST(the_longest_reply_can_always_be_sent)
{
    gdb_wire_begin(&wire);
    for (unsigned i = 0; i < GDB_WIRE_PACKET; i++) gdb_wire_put(&wire, "}", 1);
    unsigned sent = 0;
    for (; gdb_wire_can_reply(&wire); sent++) {
        size_t before = wire.output_size;
        feed("$g#00$g#00$g#67");
        expect_packet("g");
        gdb_wire_send(&wire);
        ck_assert_uint_ge(wire.output_size, before + GDB_WIRE_FRAME);
    }
    ck_assert_uint_ge(sent, 1);
}
END_TEST

/* ---- hex ---- */

START_TEST(numbers_have_one_to_sixteen_digits)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
        char next;
    } cases[] = {
        {"0", true, 0, 0},
        {"fFfF0000,4", true, 0xffff0000, ','},
        {"123456789abcdef0;", true, UINT64_C(0x123456789abcdef0), ';'},
        {"0000000000000000f", false, 0, 0},
        {"", false, 0, 0},
        {"-1", false, 0, '-'},
        {"x", false, 0, 'x'},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *at = cases[i].text;
        uint64_t value;
        ck_assert_int_eq(gdb_hex_number(&at, &value), cases[i].good);
        if (cases[i].good) ck_assert_uint_eq(value, cases[i].value);
        ck_assert_int_eq(*at, cases[i].next);
    }
}
END_TEST

START_TEST(bytes_have_two_digits_each)
{
    uint8_t bytes[4];
    const char *at = "00ffA5b";
    ck_assert(gdb_hex_bytes(&at, bytes, 3));
    ck_assert_mem_eq(bytes, "\x00\xff\xa5", 3);
    ck_assert_str_eq(at, "b");
    ck_assert(!gdb_hex_bytes(&at, bytes, 1));
}
END_TEST

/* ---- anything ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* One byte that the framing looks at, or just any. */
static uint8_t tricky_byte(uint64_t *seed)
{
    static const uint8_t tricky[] = "$$##}\x03+-g0aZ1,:;";
    uint64_t random = next_random(seed);
    return random & 3 ? tricky[(random >> 8) % (sizeof(tricky) - 1)] : (uint8_t)(random >> 8);
}

static void check_limits(void)
{
    ck_assert_uint_le(wire.input_size, sizeof(wire.input));
    ck_assert_uint_le(wire.output_size, sizeof(wire.output));
    ck_assert_uint_le(wire.packet_size, GDB_WIRE_PACKET);
    ck_assert_int_eq(wire.packet[wire.packet_size], 0);
}

/* A peer that sends noise and does not always read: no bound is broken, and input never gets stuck. */
START_TEST(any_bytes_are_survived)
{
    uint64_t seed = 0x6764622d77697265;
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t bytes[700];
        size_t size = next_random(&seed) % sizeof(bytes);
        for (size_t i = 0; i < size; i++) bytes[i] = tricky_byte(&seed);
        if (round % 50 == 0) gdb_wire_init(&wire);
        if (round % 7 == 0) memset(bytes, 'x', size);
        wire.acks = round & 64;
        gdb_wire_feed(&wire, bytes, size);
        if (next_random(&seed) % 4 == 0) gdb_wire_take_break(&wire);
        while (gdb_wire_can_reply(&wire)) {
            enum gdb_wire_event event = gdb_wire_next(&wire);
            check_limits();
            if (event == GDB_WIRE_NOTHING) {
                ck_assert_uint_ge(gdb_wire_room(&wire), 1);
                break;
            }
            reply("OK");
        }
        gdb_wire_sent(&wire, next_random(&seed) % 3 ? wire.output_size : wire.output_size / 2);
    }
}
END_TEST

/* Every payload comes back as it was, however the stream is cut. */
START_TEST(what_is_sent_is_what_is_got)
{
    static struct gdb_wire peer;
    uint64_t seed = 42;
    for (unsigned round = 0; round < 500; round++) {
        uint8_t bytes[300];
        size_t size = next_random(&seed) % sizeof(bytes);
        for (size_t i = 0; i < size; i++) bytes[i] = tricky_byte(&seed);
        gdb_wire_init(&peer);
        gdb_wire_begin(&peer);
        gdb_wire_put(&peer, bytes, size);
        gdb_wire_send(&peer);
        enum gdb_wire_event event = GDB_WIRE_NOTHING;
        for (size_t at = 0, piece; at < peer.output_size; at += piece) {
            ck_assert_int_eq(event, GDB_WIRE_NOTHING);
            piece = 1 + next_random(&seed) % 64;
            if (piece > peer.output_size - at) piece = peer.output_size - at;
            gdb_wire_feed(&wire, peer.output + at, piece);
            event = gdb_wire_next(&wire);
        }
        ck_assert_int_eq(event, GDB_WIRE_GOT);
        ck_assert_uint_eq(wire.packet_size, size);
        ck_assert_mem_eq(wire.packet, bytes, size);
        gdb_wire_sent(&wire, wire.output_size);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb_wire");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, packets_come_in_whole_or_in_pieces);
    tcase_add_test(tests, an_empty_packet_is_a_packet);
    tcase_add_test(tests, a_bad_checksum_is_asked_for_again);
    tcase_add_test(tests, without_acknowledgements_checksums_do_not_count);
    tcase_add_test(tests, escapes_are_undone);
    tcase_add_test(tests, an_escape_with_nothing_behind_it_stands_for_itself);
    tcase_add_test(tests, a_packet_that_is_cut_off_gives_way_to_the_next);
    tcase_add_test(tests, noise_between_packets_is_dropped);
    tcase_add_test(tests, a_break_is_found_in_order_and_ahead_of_packets);
    tcase_add_test(tests, within_a_packet_it_is_no_break);
    tcase_add_test(tests, the_longest_packet_fits);
    tcase_add_test(tests, a_packet_that_is_too_long_is_skipped_and_told);
    tcase_add_test(tests, one_that_is_too_long_and_cut_off_gives_way_too);
    tcase_add_test(tests, replies_are_framed_and_escaped);
    tcase_add_test(tests, a_reply_is_sent_again_when_asked);
    tcase_add_test(tests, replies_do_not_wait_for_acknowledgements);
    tcase_add_test(tests, what_does_not_fit_into_a_reply_is_left_out);
    tcase_add_test(tests, the_longest_reply_can_always_be_sent);
    tcase_add_test(tests, numbers_have_one_to_sixteen_digits);
    tcase_add_test(tests, bytes_have_two_digits_each);
    tcase_add_test(tests, any_bytes_are_survived);
    tcase_add_test(tests, what_is_sent_is_what_is_got);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/* Framing, checksums, escapes and hex of GDB's remote serial protocol: see gdb_wire.h. */
#include "emu/debug/gdb_wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "emu/core/bits.h"

#define BREAK    0x03
#define ESCAPE   '}'
#define ESCAPING 0x20
#define TRAILER  3 /* # and two digits */

static const char hex_digits[] = "0123456789abcdef";

/* ---- hex ---- */

int gdb_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool gdb_hex_number(const char **at, uint64_t *value)
{
    const char *digit = *at;
    *value = 0;
    while (gdb_hex_digit(*digit) >= 0) *value = *value << 4 | (uint64_t)gdb_hex_digit(*digit++);
    bool good = digit != *at && digit - *at <= 16;
    *at = digit;
    return good;
}

bool gdb_hex_bytes(const char **at, uint8_t *to, size_t size)
{
    for (const char *digit = *at; size; size--, digit += 2, *at = digit) {
        int high = gdb_hex_digit(digit[0]), low = high < 0 ? -1 : gdb_hex_digit(digit[1]);
        if (low < 0) return false;
        *to++ = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- in ---- */

void gdb_wire_init(struct gdb_wire *wire)
{
    *wire = (struct gdb_wire){.acks = true};
}

size_t gdb_wire_room(const struct gdb_wire *wire)
{
    return sizeof(wire->input) - wire->input_size;
}

size_t gdb_wire_feed(struct gdb_wire *wire, const void *bytes, size_t size)
{
    if (size > gdb_wire_room(wire)) size = gdb_wire_room(wire);
    memcpy(wire->input + wire->input_size, bytes, size);
    wire->input_size += size;
    return size;
}

static void input_drop(struct gdb_wire *wire, size_t from, size_t size)
{
    wire->input_size -= size;
    memmove(wire->input + from, wire->input + from + size, wire->input_size - from);
}

/* Where the payload that begins at `from` ends: at its #, at a $ (it was cut off by the next packet), or at
 * the end of what there is. */
static size_t payload_end(const struct gdb_wire *wire, size_t from)
{
    while (from < wire->input_size && wire->input[from] != '#' && wire->input[from] != '$') from++;
    return from;
}

static void acknowledge(struct gdb_wire *wire, char with)
{
    bool room = wire->output_size < sizeof(wire->output) - GDB_WIRE_FRAME; /* the reply comes first */
    if (wire->acks && room) wire->output[wire->output_size++] = (uint8_t)with;
}

static bool checksum_good(const uint8_t *payload, size_t size)
{
    uint8_t sum = 0, given;
    const char *digits = (const char *)payload + size + 1;
    for (size_t i = 0; i < size; i++) sum = (uint8_t)(sum + payload[i]);
    return gdb_hex_bytes(&digits, &given, 1) && given == sum;
}

static void unescape(struct gdb_wire *wire, const uint8_t *payload, size_t size)
{
    wire->packet_size = 0;
    for (size_t i = 0; i < size; i++) {
        bool escaped = payload[i] == ESCAPE && i + 1 < size;
        wire->packet[wire->packet_size++] = (char)(escaped ? payload[++i] ^ ESCAPING : payload[i]);
    }
    wire->packet[wire->packet_size] = 0;
}

enum progress { WAIT, AGAIN, DONE };

/* Drops what is neither packet nor break; a reply is sent again if it is asked for. AGAIN: a $ is first now.
 */
static enum progress find_packet(struct gdb_wire *wire, enum gdb_wire_event *event)
{
    size_t at = 0;
    bool resend = false;
    while (at < wire->input_size && wire->input[at] != '$' && wire->input[at] != BREAK)
        resend |= wire->input[at++] == '-';
    bool found = at < wire->input_size, is_break = found && wire->input[at] == BREAK;
    input_drop(wire, 0, at + is_break);
    if (resend && wire->acks && wire->reply_size && !wire->output_size) gdb_wire_send(wire);
    *event = GDB_WIRE_BREAK;
    return is_break ? DONE : found ? AGAIN : WAIT;
}

/* A $ is first in the input. AGAIN: it was no good packet. */
static enum progress take_packet(struct gdb_wire *wire, enum gdb_wire_event *event)
{
    size_t end = payload_end(wire, 1);
    if (end < wire->input_size && wire->input[end] == '$') {
        input_drop(wire, 0, end);
        return AGAIN;
    }
    if (end + TRAILER > wire->input_size) {
        if (gdb_wire_room(wire)) return WAIT;
        wire->skipping = true;
        input_drop(wire, 0, end);
        return AGAIN;
    }
    bool good = !wire->acks || checksum_good(wire->input + 1, end - 1);
    acknowledge(wire, good ? '+' : '-');
    if (good) unescape(wire, wire->input + 1, end - 1);
    input_drop(wire, 0, end + TRAILER);
    *event = GDB_WIRE_GOT;
    return good ? DONE : AGAIN;
}

/* Within a packet that did not fit: to its end, or to the beginning of the next one. */
static enum progress skip_packet(struct gdb_wire *wire, enum gdb_wire_event *event)
{
    size_t end = payload_end(wire, 0);
    bool cut_off = end < wire->input_size && wire->input[end] == '$';
    bool ended = cut_off || end + TRAILER <= wire->input_size;
    input_drop(wire, 0, ended && !cut_off ? end + TRAILER : end);
    if (!ended) return WAIT;
    wire->skipping = false;
    acknowledge(wire, '+');
    *event = GDB_WIRE_TOO_LONG;
    return DONE;
}

enum gdb_wire_event gdb_wire_next(struct gdb_wire *wire)
{
    enum gdb_wire_event event = GDB_WIRE_NOTHING;
    enum progress progress = AGAIN;
    while (progress == AGAIN) {
        progress = wire->skipping ? skip_packet(wire, &event) : find_packet(wire, &event);
        if (progress == AGAIN) progress = take_packet(wire, &event);
    }
    return progress == DONE ? event : GDB_WIRE_NOTHING;
}

bool gdb_wire_take_break(struct gdb_wire *wire)
{
    size_t at = wire->skipping ? payload_end(wire, 0) : 0;
    while (at < wire->input_size && wire->input[at] != BREAK) {
        if (wire->input[at] == '$')
            at = payload_end(wire, at + 1);
        else
            at += wire->input[at] == '#' ? TRAILER : 1;
    }
    if (at >= wire->input_size) return false;
    input_drop(wire, at, 1);
    return true;
}

/* ---- out ---- */

bool gdb_wire_can_reply(const struct gdb_wire *wire)
{
    return wire->output_size <= sizeof(wire->output) - GDB_WIRE_FRAME - 1;
}

void gdb_wire_begin(struct gdb_wire *wire)
{
    wire->reply_size = 0;
}

void gdb_wire_put(struct gdb_wire *wire, const void *bytes, size_t size)
{
    size_t room = sizeof(wire->reply) - wire->reply_size;
    if (size > room) size = room;
    memcpy(wire->reply + wire->reply_size, bytes, size);
    wire->reply_size += size;
}

void gdb_wire_print(struct gdb_wire *wire, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0) return;
    gdb_wire_put(wire, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

void gdb_wire_put_hex(struct gdb_wire *wire, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char pair[] = {hex_digits[bytes[i] >> 4], hex_digits[bytes[i] & 15]};
        gdb_wire_put(wire, pair, sizeof(pair));
    }
}

static uint8_t *frame_byte(uint8_t *to, uint8_t byte, uint8_t *sum)
{
    *sum = (uint8_t)(*sum + byte);
    *to = byte;
    return to + 1;
}

void gdb_wire_send(struct gdb_wire *wire)
{
    uint8_t *to = wire->output + wire->output_size, sum = 0;
    if (sizeof(wire->output) - wire->output_size < GDB_WIRE_FRAME) return;
    *to++ = '$';
    for (size_t i = 0; i < wire->reply_size; i++) {
        uint8_t byte = (uint8_t)wire->reply[i];
        bool escape = byte == '#' || byte == '$' || byte == ESCAPE || byte == '*';
        if (escape) to = frame_byte(to, ESCAPE, &sum);
        to = frame_byte(to, escape ? byte ^ ESCAPING : byte, &sum);
    }
    *to++ = '#';
    *to++ = (uint8_t)hex_digits[sum >> 4];
    *to++ = (uint8_t)hex_digits[sum & 15];
    wire->output_size = (size_t)(to - wire->output);
}

void gdb_wire_sent(struct gdb_wire *wire, size_t size)
{
    wire->output_size -= size;
    memmove(wire->output, wire->output + size, wire->output_size);
}

/* SPDX-License-Identifier: MIT */
/*
 * Keys from text: see keys.h. Terminal sequences are those of ECMA-48 terminals as xterm sends them (XTerm Control
 * Sequences, "PC-Style Function Keys"), and the Linux console's for F1 to F5.
 */
#include "emu/ui/keys.h"

#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"

enum { ESC = 0x1b };
enum modifier { WITH_SHIFT = 1, WITH_ALT = 2, WITH_CTRL = 4 };

static size_t put(struct key_event *out, size_t at, uint8_t key, uint8_t down)
{
    out[at] = (struct key_event){key, down};
    return at + 1;
}

static size_t stroke(struct key_event out[KEYS_STROKE], unsigned modifiers, uint8_t key)
{
    static const uint8_t held[3] = {KEY_LEFT_SHIFT, KEY_LEFT_ALT, KEY_LEFT_CTRL};
    size_t count = 0;
    for (unsigned i = 0; i < 3; i++)
        if (modifiers & (1u << i)) count = put(out, count, held[i], 1);
    count = put(out, count, key, 1);
    count = put(out, count, key, 0);
    for (unsigned i = 3; i-- > 0;)
        if (modifiers & (1u << i)) count = put(out, count, held[i], 0);
    return count;
}

/* ---- -type ---- */

static const struct {
    const char *name;
    uint8_t key;
} named_keys[] = {
    {"up", KEY_UP},         {"down", KEY_DOWN},     {"left", KEY_LEFT},      {"right", KEY_RIGHT},
    {"home", KEY_HOME},     {"end", KEY_END},       {"pageup", KEY_PAGE_UP}, {"pagedown", KEY_PAGE_DOWN},
    {"insert", KEY_INSERT}, {"delete", KEY_DELETE}, {"f1", KEY_F1},          {"f2", KEY_F2},
    {"f3", KEY_F3},         {"f4", KEY_F4},         {"f5", KEY_F5},          {"f6", KEY_F6},
    {"f7", KEY_F7},         {"f8", KEY_F8},         {"f9", KEY_F9},          {"f10", KEY_F10},
    {"f11", KEY_F11},       {"f12", KEY_F12},
};

/* What stands at `text`: the number of characters it takes (0: wrong), and its stroke. */
static size_t read_stroke(const char *text, struct key_event out[KEYS_STROKE], size_t *count)
{
    static const char letters[] = "ntbe\\", codes[] = "\n\t\b\x1b\\";
    if (text[0] != '\\') {
        *count = key_from_ascii((uint8_t)text[0], out);
        return *count ? 1 : 0;
    }
    const char *letter = text[1] ? strchr(letters, text[1]) : NULL;
    if (letter) {
        *count = key_from_ascii((uint8_t)codes[letter - letters], out);
        return 2;
    }
    size_t length = text[1] == '{' ? strcspn(text + 2, "}") : 0;
    for (size_t i = 0; i < ARRAY_COUNT(named_keys) && length; i++) {
        if (strlen(named_keys[i].name) != length || strncmp(text + 2, named_keys[i].name, length)) continue;
        *count = stroke(out, 0, named_keys[i].key);
        return text[2 + length] == '}' ? length + 3 : 0;
    }
    return 0;
}

bool keys_check(const char *text, struct error *error)
{
    struct key_event out[KEYS_STROKE];
    size_t count;
    for (const char *at = text; *at;) {
        size_t taken = read_stroke(at, out, &count);
        if (!taken)
            return error_set(
                error,
                "%.20s: cannot be typed; use ASCII, \\n \\t \\b \\e \\\\, or \\{NAME} with up, down, "
                "left, right, home, end, pageup, pagedown, insert, delete, f1 to f12",
                at);
        at += taken;
    }
    return true;
}

size_t keys_next(const char **text, struct key_event out[KEYS_STROKE])
{
    size_t count = 0;
    if (**text) *text += read_stroke(*text, out, &count);
    return count;
}

/* ---- a terminal ---- */

/* CSI ... letter, and SS3 letter. */
static const struct {
    char final;
    uint8_t key;
} letter_keys[] = {
    {'A', KEY_UP},  {'B', KEY_DOWN}, {'C', KEY_RIGHT}, {'D', KEY_LEFT}, {'H', KEY_HOME},
    {'F', KEY_END}, {'P', KEY_F1},   {'Q', KEY_F2},    {'R', KEY_F3},   {'S', KEY_F4},
};

/* CSI number ~. */
static const struct {
    uint8_t number, key;
} number_keys[] = {
    {1, KEY_HOME},      {2, KEY_INSERT}, {3, KEY_DELETE}, {4, KEY_END},  {5, KEY_PAGE_UP},
    {6, KEY_PAGE_DOWN}, {7, KEY_HOME},   {8, KEY_END},    {11, KEY_F1},  {12, KEY_F2},
    {13, KEY_F3},       {14, KEY_F4},    {15, KEY_F5},    {17, KEY_F6},  {18, KEY_F7},
    {19, KEY_F8},       {20, KEY_F9},    {21, KEY_F10},   {23, KEY_F11}, {24, KEY_F12},
};

static uint8_t key_of_letter(uint8_t final)
{
    for (size_t i = 0; i < ARRAY_COUNT(letter_keys); i++)
        if (letter_keys[i].final == final) return letter_keys[i].key;
    return KEY_NONE;
}

static uint8_t key_of_number(unsigned number)
{
    for (size_t i = 0; i < ARRAY_COUNT(number_keys); i++)
        if (number_keys[i].number == number) return number_keys[i].key;
    return KEY_NONE;
}

/* CSI: ESC [ numbers final. How many bytes it takes, 0 for not all there yet. */
static size_t read_csi(const uint8_t *bytes, size_t size, struct key_event out[KEYS_STROKE], size_t *count)
{
    unsigned numbers[2] = {0, 1}, which = 0;
    size_t at = 2;
    if (size > 3 && bytes[2] == '[' && bytes[3] >= 'A' && bytes[3] <= 'E') {
        *count = stroke(out, 0, KEY_F1 + (bytes[3] - 'A')); /* Linux console */
        return 4;
    }
    for (; at < size && bytes[at] < 0x40; at++) {
        if (bytes[at] == ';' && which < 1)
            numbers[++which] = 0;
        else if (bytes[at] >= '0' && bytes[at] <= '9')
            numbers[which] = (numbers[which] * 10 + (bytes[at] - '0')) % 1000;
    }
    if (at == size || (bytes[at] == '[' && at == 2)) return 0;
    unsigned modifiers = numbers[1] ? (numbers[1] - 1) & 7 : 0;
    uint8_t key = bytes[at] == '~' ? key_of_number(numbers[0]) : key_of_letter(bytes[at]);
    if (bytes[at] == 'Z') key = KEY_TAB, modifiers = WITH_SHIFT;
    if (key != KEY_NONE) *count = stroke(out, modifiers, key);
    return at + 1;
}

/* ESC and a character: the same with Alt. */
static size_t read_alt(uint8_t character, struct key_event out[KEYS_STROKE], size_t *count)
{
    struct key_event plain[KEYS_STROKE];
    size_t inner = key_from_ascii(character, plain);
    if (inner && inner + 2 <= KEYS_STROKE) {
        *count = put(out, 0, KEY_LEFT_ALT, 1);
        memcpy(out + 1, plain, inner * sizeof plain[0]);
        *count = put(out, 1 + inner, KEY_LEFT_ALT, 0);
    }
    return 2;
}

static size_t read_escape(const uint8_t *bytes, size_t size, struct key_event out[KEYS_STROKE], size_t *count)
{
    if (size < 2) return 0;
    if (bytes[1] == '[') return read_csi(bytes, size, out, count);
    if (bytes[1] != 'O') return read_alt(bytes[1], out, count);
    if (size < 3) return 0;
    uint8_t key = key_of_letter(bytes[2]);
    if (key != KEY_NONE) *count = stroke(out, 0, key);
    return 3;
}

size_t key_reader_next(struct key_reader *reader, bool final, struct key_event out[KEYS_STROKE])
{
    size_t count = 0;
    while (reader->size && !count) {
        size_t taken = 1;
        if (reader->pending[0] == ESC) {
            taken = read_escape(reader->pending, reader->size, out, &count);
            if (!taken && !final && reader->size < sizeof reader->pending) return 0;
            if (!taken) taken = 1, count = key_from_ascii(ESC, out);
        } else {
            count = key_from_ascii(reader->pending[0], out);
        }
        reader->size -= taken;
        memmove(reader->pending, reader->pending + taken, reader->size);
    }
    return count;
}

size_t key_reader_add(struct key_reader *reader, const uint8_t *bytes, size_t size)
{
    size_t room = sizeof reader->pending - reader->size;
    if (size > room) size = room;
    memcpy(reader->pending + reader->size, bytes, size);
    reader->size += size;
    return size;
}

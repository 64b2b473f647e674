/* SPDX-License-Identifier: MIT */
/*
 * Scan codes. IBM PS/2 Hardware Interface Technical Reference, "Keyboard"; Microsoft Keyboard Scan Code Specification 1.3a.
 */
#include "devices/platform/key.h"

#include <string.h>
#include "emu/core/bits.h"

enum { PREFIX = 0xe0, PREFIX_PAUSE = 0xe1, BREAK = 0xf0, EXTENDED = 0x80, RELEASED = 0x80 };

/* Index: a code of set 2. Value: the code of set 1 that the controller makes of it. Codes without a key are mapped too. */
static const uint8_t set2_to_set1[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, /* 00 */
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, /* 10 */
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, /* 20 */
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, /* 30 */
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, /* 40 */
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, /* 50 */
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, /* 60 */
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, /* 70 */
};
/* Two codes of set 2 lie behind the table; their values occur in it as well. */
enum { SET2_F7 = 0x83, SET2_SYSRQ = 0x84 };

uint8_t key_translate_set2(uint8_t code)
{
    if (code == SET2_F7) return KEY_F7;
    if (code == SET2_SYSRQ) return KEY_SYSRQ;
    return code < ARRAY_COUNT(set2_to_set1) ? set2_to_set1[code] : code;
}

/* The reverse, for keys. */
static uint8_t set2_code(uint8_t set1)
{
    if (set1 == KEY_F7) return SET2_F7;
    if (set1 == KEY_SYSRQ) return SET2_SYSRQ;
    for (unsigned code = 1; code < ARRAY_COUNT(set2_to_set1); code++)
        if (set2_to_set1[code] == set1) return (uint8_t)code;
    return 0;
}

/* Set 3 has one byte for each key. */
static const uint8_t set3_code[256] = {
    [KEY_ESC] = 0x08,
    [KEY_1] = 0x16,
    [KEY_2] = 0x1e,
    [KEY_3] = 0x26,
    [KEY_4] = 0x25,
    [KEY_5] = 0x2e,
    [KEY_6] = 0x36,
    [KEY_7] = 0x3d,
    [KEY_8] = 0x3e,
    [KEY_9] = 0x46,
    [KEY_0] = 0x45,
    [KEY_MINUS] = 0x4e,
    [KEY_EQUAL] = 0x55,
    [KEY_BACKSPACE] = 0x66,
    [KEY_TAB] = 0x0d,
    [KEY_Q] = 0x15,
    [KEY_W] = 0x1d,
    [KEY_E] = 0x24,
    [KEY_R] = 0x2d,
    [KEY_T] = 0x2c,
    [KEY_Y] = 0x35,
    [KEY_U] = 0x3c,
    [KEY_I] = 0x43,
    [KEY_O] = 0x44,
    [KEY_P] = 0x4d,
    [KEY_LEFT_BRACKET] = 0x54,
    [KEY_RIGHT_BRACKET] = 0x5b,
    [KEY_ENTER] = 0x5a,
    [KEY_LEFT_CTRL] = 0x11,
    [KEY_A] = 0x1c,
    [KEY_S] = 0x1b,
    [KEY_D] = 0x23,
    [KEY_F] = 0x2b,
    [KEY_G] = 0x34,
    [KEY_H] = 0x33,
    [KEY_J] = 0x3b,
    [KEY_K] = 0x42,
    [KEY_L] = 0x4b,
    [KEY_SEMICOLON] = 0x4c,
    [KEY_APOSTROPHE] = 0x52,
    [KEY_GRAVE] = 0x0e,
    [KEY_LEFT_SHIFT] = 0x12,
    [KEY_BACKSLASH] = 0x5c,
    [KEY_Z] = 0x1a,
    [KEY_X] = 0x22,
    [KEY_C] = 0x21,
    [KEY_V] = 0x2a,
    [KEY_B] = 0x32,
    [KEY_N] = 0x31,
    [KEY_M] = 0x3a,
    [KEY_COMMA] = 0x41,
    [KEY_PERIOD] = 0x49,
    [KEY_SLASH] = 0x4a,
    [KEY_RIGHT_SHIFT] = 0x59,
    [KEY_PAD_MULTIPLY] = 0x7e,
    [KEY_LEFT_ALT] = 0x19,
    [KEY_SPACE] = 0x29,
    [KEY_CAPS_LOCK] = 0x14,
    [KEY_F1] = 0x07,
    [KEY_F2] = 0x0f,
    [KEY_F3] = 0x17,
    [KEY_F4] = 0x1f,
    [KEY_F5] = 0x27,
    [KEY_F6] = 0x2f,
    [KEY_F7] = 0x37,
    [KEY_F8] = 0x3f,
    [KEY_F9] = 0x47,
    [KEY_F10] = 0x4f,
    [KEY_NUM_LOCK] = 0x76,
    [KEY_SCROLL_LOCK] = 0x5f,
    [KEY_PAD_7] = 0x6c,
    [KEY_PAD_8] = 0x75,
    [KEY_PAD_9] = 0x7d,
    [KEY_PAD_MINUS] = 0x84,
    [KEY_PAD_4] = 0x6b,
    [KEY_PAD_5] = 0x73,
    [KEY_PAD_6] = 0x74,
    [KEY_PAD_PLUS] = 0x7c,
    [KEY_PAD_1] = 0x69,
    [KEY_PAD_2] = 0x72,
    [KEY_PAD_3] = 0x7a,
    [KEY_PAD_0] = 0x70,
    [KEY_PAD_PERIOD] = 0x71,
    [KEY_SYSRQ] = 0x57,
    [KEY_102ND] = 0x13,
    [KEY_F11] = 0x56,
    [KEY_F12] = 0x5e,
    [KEY_PAD_ENTER] = 0x79,
    [KEY_RIGHT_CTRL] = 0x58,
    [KEY_PAD_SLASH] = 0x77,
    [KEY_PRINT] = 0x57,
    [KEY_RIGHT_ALT] = 0x39,
    [KEY_PAUSE] = 0x62,
    [KEY_HOME] = 0x6e,
    [KEY_UP] = 0x63,
    [KEY_PAGE_UP] = 0x6f,
    [KEY_LEFT] = 0x61,
    [KEY_RIGHT] = 0x6a,
    [KEY_END] = 0x65,
    [KEY_DOWN] = 0x60,
    [KEY_PAGE_DOWN] = 0x6d,
    [KEY_INSERT] = 0x67,
    [KEY_DELETE] = 0x64,
    [KEY_LEFT_META] = 0x8b,
    [KEY_RIGHT_META] = 0x8c,
    [KEY_MENU] = 0x8d,
};

/* Print wraps its code in a Shift that nobody pressed; Pause sends make and break at once when it is pressed. */
struct sequence {
    uint8_t key, down, length;
    uint8_t bytes[KEY_SEQUENCE_MAX];
};
static const struct sequence set1_special[] = {
    {KEY_PRINT, 1, 4, {0xe0, 0x2a, 0xe0, 0x37}},
    {KEY_PRINT, 0, 4, {0xe0, 0xb7, 0xe0, 0xaa}},
    {KEY_PAUSE, 1, 6, {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}},
    {KEY_PAUSE, 0, 0, {0}},
};
static const struct sequence set2_special[] = {
    {KEY_PRINT, 1, 4, {0xe0, 0x12, 0xe0, 0x7c}},
    {KEY_PRINT, 0, 6, {0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}},
    {KEY_PAUSE, 1, 8, {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}},
    {KEY_PAUSE, 0, 0, {0}},
};

static const struct sequence *find_special(const struct sequence *table, size_t count, struct key_event event)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].key == event.key && table[i].down == !!event.down) return &table[i];
    return NULL;
}

/* [E0] [F0] code */
static size_t put_code(uint8_t *out, bool extended, bool released, uint8_t code)
{
    size_t n = 0;
    if (!code) return 0;
    if (extended) out[n++] = PREFIX;
    if (released) out[n++] = BREAK;
    out[n++] = code;
    return n;
}

size_t key_scan_code(unsigned set, struct key_event event, uint8_t out[KEY_SEQUENCE_MAX])
{
    uint8_t set1 = event.key & ~EXTENDED;
    bool extended = event.key & EXTENDED;
    if (set == 3) return put_code(out, false, !event.down, set3_code[event.key]);

    const struct sequence *special = set == 1 ? find_special(set1_special, ARRAY_COUNT(set1_special), event)
                                              : find_special(set2_special, ARRAY_COUNT(set2_special), event);
    if (special) {
        memcpy(out, special->bytes, special->length);
        return special->length;
    }
    if (set == 2) return put_code(out, extended, !event.down, set2_code(set1));
    return set1 ? put_code(out, extended, false, set1 | (event.down ? 0 : RELEASED)) : 0;
}

/* The printable characters, by key: without and with Shift. */
struct character {
    uint8_t key;
    char plain, shifted;
};
static const struct character us_layout[] = {
    {KEY_1, '1', '!'},
    {KEY_2, '2', '@'},
    {KEY_3, '3', '#'},
    {KEY_4, '4', '$'},
    {KEY_5, '5', '%'},
    {KEY_6, '6', '^'},
    {KEY_7, '7', '&'},
    {KEY_8, '8', '*'},
    {KEY_9, '9', '('},
    {KEY_0, '0', ')'},
    {KEY_MINUS, '-', '_'},
    {KEY_EQUAL, '=', '+'},
    {KEY_Q, 'q', 'Q'},
    {KEY_W, 'w', 'W'},
    {KEY_E, 'e', 'E'},
    {KEY_R, 'r', 'R'},
    {KEY_T, 't', 'T'},
    {KEY_Y, 'y', 'Y'},
    {KEY_U, 'u', 'U'},
    {KEY_I, 'i', 'I'},
    {KEY_O, 'o', 'O'},
    {KEY_P, 'p', 'P'},
    {KEY_LEFT_BRACKET, '[', '{'},
    {KEY_RIGHT_BRACKET, ']', '}'},
    {KEY_A, 'a', 'A'},
    {KEY_S, 's', 'S'},
    {KEY_D, 'd', 'D'},
    {KEY_F, 'f', 'F'},
    {KEY_G, 'g', 'G'},
    {KEY_H, 'h', 'H'},
    {KEY_J, 'j', 'J'},
    {KEY_K, 'k', 'K'},
    {KEY_L, 'l', 'L'},
    {KEY_SEMICOLON, ';', ':'},
    {KEY_APOSTROPHE, '\'', '"'},
    {KEY_GRAVE, '`', '~'},
    {KEY_BACKSLASH, '\\', '|'},
    {KEY_Z, 'z', 'Z'},
    {KEY_X, 'x', 'X'},
    {KEY_C, 'c', 'C'},
    {KEY_V, 'v', 'V'},
    {KEY_B, 'b', 'B'},
    {KEY_N, 'n', 'N'},
    {KEY_M, 'm', 'M'},
    {KEY_COMMA, ',', '<'},
    {KEY_PERIOD, '.', '>'},
    {KEY_SLASH, '/', '?'},
    {KEY_SPACE, ' ', ' '},
};

/* Keys with a control character of their own. */
static enum key key_of_control(uint8_t c)
{
    switch (c) {
    case '\b':
    case 0x7f: return KEY_BACKSPACE;
    case '\t': return KEY_TAB;
    case '\n':
    case '\r': return KEY_ENTER;
    case 0x1b: return KEY_ESC;
    default: return KEY_NONE;
    }
}

/* Presses and releases the key, with a modifier held around it if there is one. */
static size_t put_stroke(struct key_event *out, enum key modifier, enum key key)
{
    size_t n = 0;
    if (modifier) out[n++] = (struct key_event){modifier, 1};
    out[n++] = (struct key_event){key, 1};
    out[n++] = (struct key_event){key, 0};
    if (modifier) out[n++] = (struct key_event){modifier, 0};
    return n;
}

size_t key_from_ascii(uint8_t c, struct key_event out[8])
{
    enum key control = key_of_control(c);
    if (control != KEY_NONE) return put_stroke(out, KEY_NONE, control);
    bool with_ctrl = c < 0x20;
    char wanted = (char)(c == 0 ? ' ' : with_ctrl ? (c | 0x40) : c);
    if (wanted >= 'A' && wanted <= 'Z' && with_ctrl) wanted |= 0x20;
    for (size_t i = 0; i < ARRAY_COUNT(us_layout); i++) {
        const struct character *entry = &us_layout[i];
        if (with_ctrl && (entry->plain == wanted || entry->shifted == wanted))
            return put_stroke(out, KEY_LEFT_CTRL, entry->key);
        if (entry->plain == wanted) return put_stroke(out, KEY_NONE, entry->key);
        if (entry->shifted == wanted) return put_stroke(out, KEY_LEFT_SHIFT, entry->key);
    }
    return 0;
}

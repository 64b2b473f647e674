/* SPDX-License-Identifier: MIT */
/*
 * Keys of a PC keyboard, and what they send.
 *
 * A key's number is its scan code in set 1; keys with the E0 prefix have bit 7 set. (QEMU numbers its keys in the same way.)
 * The three that have longer sequences are KEY_PRINT, KEY_PAUSE and, Print with Alt held, KEY_SYSRQ.
 */
#ifndef DEVICES_PLATFORM_KEY_H
#define DEVICES_PLATFORM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key {
    KEY_NONE = 0x00,
    KEY_ESC = 0x01,
    KEY_1 = 0x02,
    KEY_2,
    KEY_3,
    KEY_4,
    KEY_5,
    KEY_6,
    KEY_7,
    KEY_8,
    KEY_9,
    KEY_0,
    KEY_MINUS = 0x0c,
    KEY_EQUAL = 0x0d,
    KEY_BACKSPACE = 0x0e,
    KEY_TAB = 0x0f,
    KEY_Q = 0x10,
    KEY_W,
    KEY_E,
    KEY_R,
    KEY_T,
    KEY_Y,
    KEY_U,
    KEY_I,
    KEY_O,
    KEY_P,
    KEY_LEFT_BRACKET = 0x1a,
    KEY_RIGHT_BRACKET = 0x1b,
    KEY_ENTER = 0x1c,
    KEY_LEFT_CTRL = 0x1d,
    KEY_A = 0x1e,
    KEY_S,
    KEY_D,
    KEY_F,
    KEY_G,
    KEY_H,
    KEY_J,
    KEY_K,
    KEY_L,
    KEY_SEMICOLON = 0x27,
    KEY_APOSTROPHE = 0x28,
    KEY_GRAVE = 0x29,
    KEY_LEFT_SHIFT = 0x2a,
    KEY_BACKSLASH = 0x2b,
    KEY_Z = 0x2c,
    KEY_X,
    KEY_C,
    KEY_V,
    KEY_B,
    KEY_N,
    KEY_M,
    KEY_COMMA = 0x33,
    KEY_PERIOD = 0x34,
    KEY_SLASH = 0x35,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_PAD_MULTIPLY = 0x37,
    KEY_LEFT_ALT = 0x38,
    KEY_SPACE = 0x39,
    KEY_CAPS_LOCK = 0x3a,
    KEY_F1 = 0x3b,
    KEY_F2,
    KEY_F3,
    KEY_F4,
    KEY_F5,
    KEY_F6,
    KEY_F7,
    KEY_F8,
    KEY_F9,
    KEY_F10,
    KEY_NUM_LOCK = 0x45,
    KEY_SCROLL_LOCK = 0x46,
    KEY_PAD_7 = 0x47,
    KEY_PAD_8,
    KEY_PAD_9,
    KEY_PAD_MINUS = 0x4a,
    KEY_PAD_4 = 0x4b,
    KEY_PAD_5,
    KEY_PAD_6,
    KEY_PAD_PLUS = 0x4e,
    KEY_PAD_1 = 0x4f,
    KEY_PAD_2,
    KEY_PAD_3,
    KEY_PAD_0 = 0x52,
    KEY_PAD_PERIOD = 0x53,
    KEY_SYSRQ = 0x54,
    KEY_102ND = 0x56, /* between left Shift and Z on ISO keyboards */
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
    KEY_PAD_ENTER = 0x9c,
    KEY_RIGHT_CTRL = 0x9d,
    KEY_PAD_SLASH = 0xb5,
    KEY_PRINT = 0xb7,
    KEY_RIGHT_ALT = 0xb8,
    KEY_PAUSE = 0xc6,
    KEY_HOME = 0xc7,
    KEY_UP = 0xc8,
    KEY_PAGE_UP = 0xc9,
    KEY_LEFT = 0xcb,
    KEY_RIGHT = 0xcd,
    KEY_END = 0xcf,
    KEY_DOWN = 0xd0,
    KEY_PAGE_DOWN = 0xd1,
    KEY_INSERT = 0xd2,
    KEY_DELETE = 0xd3,
    KEY_LEFT_META = 0xdb,
    KEY_RIGHT_META = 0xdc,
    KEY_MENU = 0xdd,
};

/* What passes the door: arrays of these. */
struct key_event {
    uint8_t key;  /* enum key */
    uint8_t down; /* 1 pressed, 0 released */
};

#define KEY_SEQUENCE_MAX 8

/* Bytes that the key sends in scan code set 1, 2 or 3; returns how many, 0 for a key that does not exist in that set. */
size_t key_scan_code(unsigned set, struct key_event event, uint8_t out[KEY_SEQUENCE_MAX]);

/* The table of the keyboard controller that turns set 2 into set 1, for bytes other than F0. */
uint8_t key_translate_set2(uint8_t code);

/* The key strokes that type an ASCII character on a US keyboard (Ctrl combinations for control characters; both CR and LF
 * are Enter, both BS and DEL are Backspace). 0 for what is not on the keyboard. */
size_t key_from_ascii(uint8_t c, struct key_event out[8]);

#endif

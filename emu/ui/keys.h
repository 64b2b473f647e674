/* SPDX-License-Identifier: MIT */
/*
 * Keys from text: what a terminal sends for the keys of a person, and what -type is told to type.
 */
#ifndef EMU_UI_KEYS_H
#define EMU_UI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "devices/platform/key.h"
#include "emu/core/error.h"

#define KEYS_STROKE 8 /* most events of one stroke */

/*
 * The text of -type: ASCII characters; \n (Enter), \t, \b, \e (Esc), \\ and \{NAME} with NAME one of up, down, left,
 * right, home, end, pageup, pagedown, insert, delete, f1 to f12.
 */
bool keys_check(const char *text, struct error *error); /* false with `TEXT: what is wrong` */
/* The next stroke of a checked text, presses and releases; moves *text on. 0 at its end. */
size_t keys_next(const char **text, struct key_event out[KEYS_STROKE]);

/* A terminal's bytes on their way to become keys. Zero it before use. */
struct key_reader {
    uint8_t pending[32];
    size_t size;
};
/* One stroke from what was added so far; 0 when more bytes are needed. `final`: nothing more comes soon, so that an
 * Escape is the key and not the start of a sequence. */
size_t key_reader_next(struct key_reader *reader, bool final, struct key_event out[KEYS_STROKE]);
/* How many of the bytes there was room for; take strokes out until it is all of them. */
size_t key_reader_add(struct key_reader *reader, const uint8_t *bytes, size_t size);

#endif

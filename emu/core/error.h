/* SPDX-License-Identifier: MIT */
/*
 * Errors that are returned, not thrown.
 *
 * A function that can fail for a reason a person must read takes a `struct error *` and returns false (or
 * NULL). It fills the text with one line, without a trailing newline, in the form `what: value: what is wrong
 * and what to do`. The caller prints it or passes it up; nothing in the house prints an error and goes on as
 * if nothing happened.
 */
#ifndef EMU_CORE_ERROR_H
#define EMU_CORE_ERROR_H

#include <stdbool.h>

struct error {
    char text[512];
};

/* Writes the text (cut at the end of the buffer) and returns false, so that `return error_set(...)` reads
 * well. `error` may be NULL when the caller does not want the text. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts `prefix: ` before a text that is already there; returns false. */
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: MIT */
/* Errors that are returned, not thrown: see error.h. */
#include "emu/core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, const char *format, ...)
{
    if (!error) return false;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    if (!error) return false;
    char rest[sizeof error->text];
    memcpy(rest, error->text, sizeof rest);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    if (used < 0) return false;
    size_t at = strlen(error->text), room = sizeof error->text - at;
    size_t length = strnlen(rest, sizeof rest - 1);
    if (room < 3) return false;
    memcpy(error->text + at, ": ", 2);
    if (length > room - 3) length = room - 3;
    memcpy(error->text + at + 2, rest, length);
    error->text[at + 2 + length] = 0;
    return false;
}

/* SPDX-License-Identifier: MIT */
/* Numbers, sizes and times as users write them: "128", "4K", "1.5G", "0x1000", "200ms". */
#ifndef EMU_CORE_SIZE_H
#define EMU_CORE_SIZE_H

#include <stdbool.h>
#include <stdint.h>
#include "emu/core/clock.h"

/* Bytes: a number, decimal (a fraction is rounded down to bytes) or 0x, and an optional suffix B K M G T
 * (bytes and powers of 1024, either case; a hexadecimal number takes a B as its digit). `unit` applies when
 * there is no suffix (QEMU's -m counts in MiB). False on anything else, negative numbers and overflow
 * included. */
bool size_parse(const char *text, uint64_t unit, uint64_t *bytes);
/* A whole number, decimal or 0x, up to `max`. A leading zero is no octal. On false *value is untouched. */
bool number_parse(const char *text, uint64_t max, uint64_t *value);
/* "5s", "200ms", "1.5s", "10us", "400ns": a unit is needed. */
bool duration_parse(const char *text, vtime *time);
/* The name in the NULL-terminated list that is nearest to `word`: the fewest letters to change, add or take
 * away, at the most half of the word's; the first of equals. NULL when none is near. */
const char *nearest_name(const char *word, const char *const *names);

#endif

/* SPDX-License-Identifier: MIT */
/* Numbers and sizes as users write them: "128", "4K", "1.5G", "0x1000". */
#ifndef EMU_CORE_SIZE_H
#define EMU_CORE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes, with an optional suffix K M G T (powers of 1024, either case). `unit` applies when there is no
 * suffix (QEMU's -m counts in MiB). False on anything else, negative numbers and overflow included. */
bool size_parse(const char *text, uint64_t unit, uint64_t *bytes);
/* A whole number, decimal or 0x, up to `max`. */
bool number_parse(const char *text, uint64_t max, uint64_t *value);
/* The name in the NULL-terminated list that is nearest to `word` (edit distance), or NULL when none is near.
 */
const char *nearest_name(const char *word, const char *const *names);

#endif

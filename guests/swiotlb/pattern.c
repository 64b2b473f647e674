/* SPDX-License-Identifier: MIT */
/* Patterns and guards: see pattern.h. */
#include "pattern.h"
#include "guests/demo/disk_layout.h"
#include "guests/demo/lib.h"
#include "guests/demo/power.h"

static uint8_t pattern_byte(uint32_t seed, uint32_t offset)
{
    return (uint8_t)(demo_pattern_word(seed, offset / 4) >> 8 * (offset % 4));
}

void pattern_put(uint8_t *at, size_t size, uint32_t seed, uint32_t from)
{
    for (size_t i = 0; i < size; i++) at[i] = pattern_byte(seed, from + i);
}

void pattern_check(const char *what, const uint8_t *at, size_t size, uint32_t seed, uint32_t from)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != pattern_byte(seed, from + i))
            fail("%s: byte %u is %02x, not %02x", what, i, at[i], pattern_byte(seed, from + i));
}

void guard_put(uint8_t *buffer, size_t size)
{
    memset(buffer - MARGIN, GUARD, size + 2 * MARGIN);
}

void guard_check(const char *what, const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != GUARD) fail("%s: byte %u beside the transfer was changed to %02x", what, i, at[i]);
}

void guard_check_margins(const char *what, const uint8_t *buffer, size_t size)
{
    guard_check(what, buffer - MARGIN, MARGIN);
    guard_check(what, buffer + size, MARGIN);
}

/* SPDX-License-Identifier: MIT */
/* Memory, checksum, pseudo-random numbers, and the command line. */
#include "lib.h"

/* The compiler may call these three by itself: they are part of what it expects from any environment. */

void *memset(void *to, int byte, size_t size)
{
    uint8_t *p = to;

    while (size--) *p++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *p = to;
    const uint8_t *q = from;

    while (size--) *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *p = a, *q = b;

    for (; size; size--, p++, q++)
        if (*p != *q) return *p - *q;
    return 0;
}

static uint32_t crc_table[256];

static void crc_table_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t x = i;

        for (int bit = 0; bit < 8; bit++) x = x & 1 ? x >> 1 ^ 0xedb88320u : x >> 1;
        crc_table[i] = x;
    }
}

uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;

    if (crc_table[1] == 0) crc_table_fill();
    crc = ~crc;
    while (size--) crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
    return ~crc;
}

uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

const char *option_find(const char *line, const char *name)
{
    while (*line) {
        const char *n = name;

        while (*line == ' ') line++;
        while (*n && *line == *n) line++, n++;
        if (*n == 0 && (*line == '=' || *line == ' ' || *line == 0)) return *line == '=' ? line + 1 : line;
        while (*line && *line != ' ') line++;
    }
    return NULL;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 16;
}

uint32_t parse_number(const char *text)
{
    int base = 10, digit;
    uint32_t value = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    while ((digit = digit_value(*text)) < base) {
        value = value * (uint32_t)base + (uint32_t)digit;
        text++;
    }
    return value;
}

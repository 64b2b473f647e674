/* SPDX-License-Identifier: MIT */
/* Numbers and sizes as users write them: see size.h. */
#include "emu/core/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool number_parse(const char *text, uint64_t max, uint64_t *value)
{
    if (!isdigit((unsigned char)text[0])) return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    if (errno || *end || number > max) return false;
    *value = number;
    return true;
}

static bool suffix_unit(const char *suffix, uint64_t plain, uint64_t *unit)
{
    static const char letters[] = "bkmgt";
    if (!*suffix) {
        *unit = plain;
        return true;
    }
    const char *letter = strchr(letters, tolower((unsigned char)*suffix));
    if (!letter || suffix[1]) return false;
    *unit = UINT64_C(1) << (10 * (letter - letters));
    return true;
}

bool size_parse(const char *text, uint64_t plain, uint64_t *bytes)
{
    if (!isdigit((unsigned char)text[0])) return false;
    char *end;
    uint64_t unit;
    errno = 0;
    unsigned long long whole = strtoull(text, &end, 0);
    if (errno) return false;
    if (*end == '.') { /* 1.5G: the fraction is exact for any sensible number of digits */
        char *fraction_end;
        double value = strtod(text, &fraction_end);
        if (!suffix_unit(fraction_end, plain, &unit) || value * (double)unit >= 0x1p63) return false;
        *bytes = (uint64_t)(value * (double)unit);
        return true;
    }
    if (!suffix_unit(end, plain, &unit) || (whole && unit > UINT64_MAX / whole)) return false;
    *bytes = whole * unit;
    return true;
}

/* Levenshtein distance, for words of up to 63 letters. */
static unsigned distance(const char *a, const char *b)
{
    size_t width = strlen(b);
    unsigned row[64];
    if (width >= 64) return 64;
    for (size_t j = 0; j <= width; j++) row[j] = (unsigned)j;
    for (size_t i = 1; *a; a++, i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= width; j++) {
            unsigned change = diagonal + (*a != b[j - 1]);
            diagonal = row[j];
            unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = best < change ? best : change;
        }
    }
    return row[width];
}

const char *nearest_name(const char *word, const char *const *names)
{
    const char *best = NULL;
    unsigned best_distance = 1 + (unsigned)strlen(word) / 2;
    for (; *names; names++) {
        unsigned d = distance(word, *names);
        if (d < best_distance) {
            best_distance = d;
            best = *names;
        }
    }
    return best;
}

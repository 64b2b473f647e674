/* SPDX-License-Identifier: MIT */
/* Numbers, sizes and times as users write them: see size.h. */
#include "emu/core/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"

/* Digits of a fraction that count; 10^18 fits 64 bits. */
#define FRACTION_DIGITS 18
#define LONGEST_TIME 9e18 /* nanoseconds; 285 years */

/* A decimal number or, after 0x, a hexadecimal one; a leading zero means nothing. False when there is none,
 * or it is too large. */
static bool parse_digits(const char *text, const char **end, uint64_t *value)
{
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hexadecimal ? text + 2 : text;
    if (!(hexadecimal ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits))) return false;
    char *after;
    errno = 0;
    *value = strtoull(digits, &after, hexadecimal ? 16 : 10);
    *end = after;
    return !errno;
}

bool number_parse(const char *text, uint64_t max, uint64_t *value)
{
    const char *end;
    uint64_t number;
    if (!parse_digits(text, &end, &number) || *end || number > max) return false;
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

/* The digits behind a point, as numerator / denominator; those that are too many to matter are passed
 * over. */
static const char *parse_fraction(const char *text, uint64_t *numerator, uint64_t *denominator)
{
    *numerator = 0;
    *denominator = 1;
    for (unsigned count = 0; isdigit((unsigned char)*text); text++, count++) {
        if (count >= FRACTION_DIGITS) continue;
        *numerator = *numerator * 10 + (uint64_t)(*text - '0');
        *denominator *= 10;
    }
    return text;
}

bool size_parse(const char *text, uint64_t plain, uint64_t *bytes)
{
    const char *end;
    uint64_t whole, unit, numerator = 0, denominator = 1, part;
    if (!parse_digits(text, &end, &whole)) return false;
    bool decimal = text[1] != 'x' && text[1] != 'X';
    if (*end == '.' && decimal && isdigit((unsigned char)end[1]))
        end = parse_fraction(end + 1, &numerator, &denominator);
    if (!suffix_unit(end, plain, &unit)) return false;
    part = (uint64_t)((unsigned __int128)numerator * unit / denominator);
    return !__builtin_mul_overflow(whole, unit, &whole) && !__builtin_add_overflow(whole, part, bytes);
}

bool duration_parse(const char *text, vtime *time)
{
    static const struct {
        const char *name;
        vtime length;
    } units[] = {{"ns", 1}, {"us", VTIME_US}, {"ms", VTIME_MS}, {"s", VTIME_S}};
    size_t digits = strspn(text, "0123456789.");
    if (!digits || !isdigit((unsigned char)text[0])) return false;
    char *end;
    double number = strtod(text, &end);
    if (end != text + digits) return false;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (strcmp(end, units[i].name)) continue;
        double length = number * (double)units[i].length;
        if (length >= LONGEST_TIME) return false;
        *time = (vtime)(length + 0.5);
        return true;
    }
    return false;
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

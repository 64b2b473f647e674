/* SPDX-License-Identifier: MIT */
/*
 * Operands for floating point tests, picked at random from where the trouble is: special values, the borders
 * of each format, exponents close to each other, and anything at all. The same sequence in every run.
 */
#ifndef TESTS_UNIT_FLOAT80_OPERANDS_H
#define TESTS_UNIT_FLOAT80_OPERANDS_H

#include <string.h>
#include "emu/core/bits.h"
#include "emu/cpu/float80.h"

static uint64_t random_state = 0x9e3779b97f4a7c15;

static inline uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1d;
}

static inline unsigned pick(unsigned n)
{
    return (unsigned)(random64() >> 33) % n;
}

static inline uint64_t random_mantissa(void)
{
    static const uint64_t special[] = {
        0x8000000000000000, 0xffffffffffffffff, 0x8000000000000001, 0xc000000000000000, 0xfffffffffffffffe,
        0x8000000000000400, 0x8000000000000800, 0x8000010000000000, 0x8000008000000000, 0xffffff0000000000,
        0xfffffffffffff800, 0xfffffffffffffc00, 0xffffff8000000000, 0xa000000000000000, 0xd49a784bcd1b8afe,
    };
    switch (pick(4)) {
    case 0: return special[pick(ARRAY_COUNT(special))];
    case 1: return 0x8000000000000000 | random64() << pick(64);
    default: return 0x8000000000000000 | random64();
    }
}

static inline struct float80 random_float80(void)
{
    static const struct float80 special[] = {
        {0, 0},                       /* zero */
        {0x8000000000000000, 0x3fff}, /* one */
        {0x8000000000000000, 0x7fff}, /* infinity */
        {0xc000000000000000, 0x7fff}, /* QNaN */
        {0xc000000000000123, 0x7fff},
        {0xe000000000000000, 0x7fff},
        {0x8000000000000001, 0x7fff}, /* SNaN */
        {0xbfffffffffffffff, 0x7fff},
        {0xa000000000000000, 0x7fff},
        {0, 0x7fff},                  /* pseudo-infinity */
        {0x4000000000000000, 0x7fff}, /* pseudo-NaN */
        {0x7fffffffffffffff, 0x3fff}, /* unnormal */
        {0, 0x4000},                  /* unnormal zero */
        {1, 0},                       /* denormals */
        {0x4000000000000000, 0},
        {0x7fffffffffffffff, 0},
        {0x8000000000000000, 0}, /* pseudo-denormals */
        {0xffffffffffffffff, 0},
        {0x8000000000000000, 1},      /* smallest normal */
        {0xffffffffffffffff, 0x7ffe}, /* largest */
        {0x8000000000000000, 0x403e}, /* 2^63 */
        {0x8000000000000000, 0x401e},
        {0x8000000000000000, 0x3ffe},
    };
    struct float80 value;
    unsigned sign = pick(2) << 15;
    switch (pick(8)) {
    case 0:
    case 1:
        value = special[pick(ARRAY_COUNT(special))];
        value.sign_exponent |= (uint16_t)sign;
        return value;
    case 2: return float80_make(sign >> 15, pick(0x7fff), random_mantissa());
    case 3: return float80_make(sign >> 15, 0x3fff - 70 + pick(140), random_mantissa());
    case 4: return float80_make(sign >> 15, 0x3fff - 2 + pick(4), random_mantissa());
    case 5: return float80_make(sign >> 15, (pick(2) ? 0 : 0x7fff - 80) + pick(80), random_mantissa());
    case 6:
        return float80_make(sign >> 15, (pick(2) ? 0x3c01 - 60 : 0x3f81 - 30) + pick(70), random_mantissa());
    default: value = float80_from_int64((int64_t)random64() >> pick(64)); return value;
    }
}

/* A number of `bits` that means something as float, integer or decimal. */
static inline uint64_t random_memory(unsigned fraction_bits, unsigned exponent_bits)
{
    uint64_t fraction = random64() & ((UINT64_C(1) << fraction_bits) - 1), exponents = UINT64_C(1)
                                                                                       << exponent_bits;
    uint64_t exponent = pick((unsigned)exponents);
    switch (pick(8)) {
    case 0: exponent = 0; break;
    case 1: exponent = exponents - 1; break;
    case 2: exponent = exponents / 2 - 1; break;
    default: break;
    }
    switch (pick(6)) {
    case 0: fraction = 0; break;
    case 1: fraction = 1; break;
    case 2: fraction >>= pick(fraction_bits); break;
    default: break;
    }
    return (uint64_t)pick(2) << (fraction_bits + exponent_bits) | exponent << fraction_bits | fraction;
}

#endif

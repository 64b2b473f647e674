/* SPDX-License-Identifier: MIT */
/*
 * Inside float80_*.c and x87_transcendental.c: numbers taken apart, and the one place where results are rounded.
 */
#ifndef EMU_CPU_FLOAT80_PARTS_H
#define EMU_CPU_FLOAT80_PARTS_H

#include "emu/core/bits.h"
#include "emu/cpu/float80.h"

typedef unsigned __int128 uint128;

/* A finite number that is not zero: mantissa * 2^(exponent - 16383 - 63) with bit 63 of the mantissa set; denormals get
 * exponents of 0 and below. */
struct float_parts {
    uint64_t mantissa;
    int32_t exponent;
    bool sign;
};

static inline int32_t float80_exponent(struct float80 a)
{
    return a.sign_exponent & FLOAT80_EXPONENT;
}

static inline bool float80_is_zero(struct float80 a)
{
    return float80_exponent(a) == 0 && a.mantissa == 0;
}

static inline bool float80_is_infinite(struct float80 a)
{
    return float80_exponent(a) == FLOAT80_EXPONENT && a.mantissa == FLOAT80_INTEGER_BIT;
}

static inline bool float80_is_denormal(struct float80 a)
{
    return float80_exponent(a) == 0 && a.mantissa != 0;
}

/* NaN, or an encoding that the FPU does not support. Infinity is neither. */
static inline bool float80_is_odd(struct float80 a)
{
    int32_t exponent = float80_exponent(a);
    if (exponent == FLOAT80_EXPONENT) return a.mantissa != FLOAT80_INTEGER_BIT;
    return exponent != 0 && !(a.mantissa & FLOAT80_INTEGER_BIT);
}

/* Plain: finite, not zero, not denormal, not odd. */
static inline bool float80_is_normal(struct float80 a)
{
    int32_t exponent = float80_exponent(a);
    return exponent != 0 && exponent != FLOAT80_EXPONENT && (a.mantissa & FLOAT80_INTEGER_BIT);
}

/* `a` is finite and not zero. */
static inline struct float_parts float80_take_apart(struct float80 a)
{
    struct float_parts parts = {a.mantissa, float80_exponent(a), float80_sign(a)};
    if (parts.exponent == 0) {
        int shift = __builtin_clzll(a.mantissa);
        parts.mantissa <<= shift;
        parts.exponent = 1 - shift;
    }
    return parts;
}

static inline void float_env_denormal(struct float_env *env, struct float80 a)
{
    if (float80_is_denormal(a) || env->widened_denormal) env->raised |= FLOAT_DENORMAL;
}

static inline struct float80 float80_invalid(struct float_env *env)
{
    env->raised |= FLOAT_INVALID;
    return float80_indefinite();
}

/* What is shifted out leaves its trace in the lowest bit. */
static inline uint128 shift_right_sticky(uint128 value, unsigned count)
{
    if (count == 0) return value;
    if (count >= 128) return value != 0;
    return value >> count | ((value << (128 - count)) != 0);
}

static inline unsigned count_leading_zeros(uint128 value)
{
    uint64_t high = (uint64_t)(value >> 64);
    return high ? (unsigned)__builtin_clzll(high) : 64 + (unsigned)__builtin_clzll((uint64_t)value);
}

/* Keeps the upper `bits` (at most 64) of a 128-bit fraction. */
struct rounded {
    uint64_t kept; /* in the upper bits of 64 */
    bool carry;    /* rounding up went out of the top: kept is 0 */
    bool inexact, up;
};
struct rounded float_round(uint128 fraction, unsigned bits, bool sign, unsigned rounding);

/* mantissa / 2^127 * 2^(exponent - 16383), with bit 127 of the mantissa set, rounded to `bits` and put together:
 * overflow, underflow, inexact. */
struct float80 float80_pack(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                            struct float_env *env);
/* The same with any mantissa but 0. */
struct float80 float80_normalize_pack(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                                      struct float_env *env);
/* Bits that the precision control asks for. */
unsigned float_precision_bits(const struct float_env *env);

#endif

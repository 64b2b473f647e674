/* SPDX-License-Identifier: MIT */
/*
 * Inside float80_*.c and x87_transcendental.c: numbers taken apart, and the one place where results are
 * rounded.
 */
#ifndef EMU_CPU_FLOAT80_PARTS_H
#define EMU_CPU_FLOAT80_PARTS_H

#include "emu/core/bits.h"
#include "emu/cpu/float80.h"

typedef unsigned __int128 uint128;

/* A finite number that is not zero: mantissa * 2^(exponent - 16383 - 63) with bit 63 of the mantissa set;
 * denormals get exponents of 0 and below. */
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

/* The same for an operand that is not odd; true: the operation stops. */
static inline bool float_env_stops_for(struct float_env *env, struct float80 a)
{
    float_env_denormal(env, a);
    return float_env_stops(env);
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

struct rounded {
    uint64_t kept; /* in the upper bits of 64 */
    bool carry;    /* rounding up went out of the top: kept is 0 */
    bool inexact, up;
};

/* Bits that the precision control asks for. */
static inline unsigned float_precision_bits(const struct float_env *env)
{
    if (likely(env->precision == FLOAT_EXTENDED)) return 64;
    return env->precision == FLOAT_SINGLE ? 24 : env->precision == FLOAT_DOUBLE ? 53 : 64;
}

/* Keeps the upper `bits` (at most 64) of a 128-bit fraction. */
static inline struct rounded float_round(uint128 fraction, unsigned bits, bool sign, unsigned rounding)
{
    uint64_t unit = UINT64_C(1) << (64 - bits);
    uint128 rest = fraction << bits, half = (uint128)1 << 127;
    struct rounded result = {.kept = (uint64_t)(fraction >> 64) & -unit, .inexact = rest != 0};
    switch (rounding) {
    case FLOAT_NEAREST: result.up = rest > half || (rest == half && (result.kept & unit)); break;
    case FLOAT_DOWN: result.up = sign && result.inexact; break;
    case FLOAT_UP: result.up = !sign && result.inexact; break;
    default: break;
    }
    if (result.up) {
        result.kept += unit;
        result.carry = result.kept == 0;
    }
    return result;
}

/* mantissa / 2^127 * 2^(exponent - 16383), with bit 127 of the mantissa set, rounded to `bits` and put
 * together: overflow, underflow, inexact. */
struct float80 float80_pack_any(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                                struct float_env *env);

/* The same; what nearly always happens is inline. */
static inline struct float80 float80_pack(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                                          struct float_env *env)
{
    uint64_t kept = (uint64_t)(mantissa >> 64), rest = (uint64_t)mantissa;
    bool up = rest > FLOAT80_INTEGER_BIT || (rest == FLOAT80_INTEGER_BIT && (kept & 1));
    bool usual = bits == 64 && env->rounding == FLOAT_NEAREST && exponent > 0 && exponent < FLOAT80_EXPONENT;
    if (unlikely(!usual || kept + up == 0)) return float80_pack_any(sign, exponent, mantissa, bits, env);
    if (rest) {
        env->raised |= FLOAT_INEXACT;
        env->rounded_up = up;
    }
    return float80_make(sign, (unsigned)exponent, kept + up);
}

/* The same with any mantissa but 0. */
static inline struct float80 float80_normalize_pack(bool sign, int32_t exponent, uint128 mantissa,
                                                    unsigned bits, struct float_env *env)
{
    unsigned shift = count_leading_zeros(mantissa);
    return float80_pack(sign, exponent - (int32_t)shift, mantissa << shift, bits, env);
}

#endif

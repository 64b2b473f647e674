/* SPDX-License-Identifier: MIT */
/*
 * Numbers with 128 bits of mantissa, for the inside of transcendental functions: what a function computes
 * here has an error of less than 2^-115 or so, which is then rounded once to 64 bits. There are no NaNs,
 * infinities or bounds of the exponent. What falls off at the right of a sum or product leaves its trace in
 * the lowest bit, so that a result that is not exact does not look exact.
 */
#ifndef EMU_CPU_FLOAT80_WIDE_H
#define EMU_CPU_FLOAT80_WIDE_H

#include "emu/cpu/float80_parts.h"

struct wide {
    uint128 mantissa; /* bit 127 set, or 0 */
    int32_t exponent; /* value = mantissa / 2^127 * 2^exponent */
    bool sign;
};

/* A struct wide that is handed over in memory costs more than most of what is done with it. */
#define WIDE_INLINE static inline __attribute__((always_inline))

#define WIDE(high, low) ((uint128)(high) << 64 | (low))

static inline struct wide wide_negate(struct wide a)
{
    a.sign = !a.sign;
    return a;
}

/* mantissa / 2^127 * 2^exponent, with any mantissa. */
static inline struct wide wide_normalized(uint128 mantissa, int32_t exponent, bool sign)
{
    if (!mantissa) return (struct wide){0, 0, sign};
    unsigned shift = count_leading_zeros(mantissa);
    return (struct wide){mantissa << shift, exponent - (int32_t)shift, sign};
}

/* Finite. */
static inline struct wide wide_from_float80(struct float80 a)
{
    if (float80_is_zero(a)) return (struct wide){0, 0, float80_sign(a)};
    struct float_parts parts = float80_take_apart(a);
    return (struct wide){(uint128)parts.mantissa << 64, parts.exponent - FLOAT80_BIAS, parts.sign};
}

struct wide wide_from_int(int64_t value);

/* Rounds to 64 bits. Always raises inexact, as processors do for transcendental functions even when they
 * hit upon an exact result. */
static inline struct float80 wide_round(struct wide a, struct float_env *env)
{
    if (!a.mantissa) return float80_zero(a.sign);
    struct float80 result = float80_pack(a.sign, a.exponent + FLOAT80_BIAS, a.mantissa, 64, env);
    env->raised |= FLOAT_INEXACT | (float80_is_denormal(result) ? FLOAT_UNDERFLOW : 0);
    return result;
}

struct wide wide_add(struct wide a, struct wide b);
struct wide wide_mul(struct wide a, struct wide b);
struct wide wide_div(struct wide a, struct wide b);

/* coefficients[0] + coefficients[stride] * x + ... with `terms` terms, to 2^-120: for |x| below 0.7 and coefficients of
 * which the first is 1, and none is negative or larger than the one before. */
struct wide wide_series(struct wide x, const struct wide *coefficients, unsigned stride, unsigned terms);

/* Constants (float80_wide.c). */
extern const struct wide wide_one, wide_pi, wide_half_pi, wide_three_quarters_pi, wide_quarter_pi;
extern const struct wide wide_ln2, wide_log2_e;
#define WIDE_FACTORIALS 32
#define WIDE_ODDS       26
extern const struct wide wide_inverse_factorial[WIDE_FACTORIALS]; /* 1/n! */
extern const struct wide wide_inverse_odd[WIDE_ODDS];             /* 1/(2n + 1) */
extern const struct wide wide_arctan_eighths[9];                  /* arctan(n/8) */

#endif

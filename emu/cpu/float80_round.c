/* SPDX-License-Identifier: MIT */
/* Classes of 80-bit numbers, NaN rules, and rounding (SDM 1, 4.8 and 4.9). */
#include "emu/cpu/float80_parts.h"

enum float80_class float80_classify(struct float80 a)
{
    int32_t exponent = float80_exponent(a);
    bool integer_bit = a.mantissa >> 63;
    if (exponent == 0) return a.mantissa ? FLOAT80_DENORMAL : FLOAT80_ZERO;
    if (!integer_bit) return FLOAT80_UNSUPPORTED;
    if (exponent != FLOAT80_EXPONENT) return FLOAT80_NORMAL;
    if (a.mantissa == FLOAT80_INTEGER_BIT) return FLOAT80_INFINITE;
    return a.mantissa & FLOAT80_QUIET_BIT ? FLOAT80_QNAN : FLOAT80_SNAN;
}

static struct float80 quieted(struct float80 a)
{
    a.mantissa |= FLOAT80_QUIET_BIT;
    return a;
}

/* Of two NaNs of one kind the larger significand wins, of two equal ones the positive. */
static struct float80 larger_nan(struct float80 a, struct float80 b)
{
    if (a.mantissa != b.mantissa) return a.mantissa > b.mantissa ? a : b;
    return a.sign_exponent < b.sign_exponent ? a : b;
}

struct float80 float80_propagate(struct float80 a, struct float80 b, struct float_env *env)
{
    enum float80_class ca = float80_classify(a), cb = float80_classify(b);
    if (ca == FLOAT80_UNSUPPORTED || cb == FLOAT80_UNSUPPORTED) return float80_invalid(env);
    if (ca == FLOAT80_SNAN || cb == FLOAT80_SNAN) env->raised |= FLOAT_INVALID;
    bool a_nan = ca <= FLOAT80_QNAN, b_nan = cb <= FLOAT80_QNAN;
    if (!b_nan) return quieted(a);
    if (!a_nan) return quieted(b);
    if (ca != cb) return ca == FLOAT80_QNAN ? a : b;
    return quieted(larger_nan(a, b));
}

static void note_inexact(struct float_env *env, const struct rounded *rounded)
{
    if (!rounded->inexact) return;
    env->raised |= FLOAT_INEXACT;
    env->rounded_up = rounded->up;
}

/* Rounding goes to the largest finite number or to infinity. */
static struct float80 pack_overflow(bool sign, unsigned bits, struct float_env *env)
{
    bool infinite = env->rounding == FLOAT_NEAREST || env->rounding == (sign ? FLOAT_DOWN : FLOAT_UP);
    env->raised |= FLOAT_OVERFLOW | FLOAT_INEXACT;
    env->rounded_up = infinite;
    if (infinite) return float80_infinity(sign);
    return float80_make(sign, FLOAT80_EXPONENT - 1, -(UINT64_C(1) << (64 - bits)));
}

/* So far out that even a wrapped exponent has no room, which FSCALE can do: infinity or zero (SDM 1, 8.5.4
 * and 8.5.5). */
static struct float80 pack_massive(bool sign, bool overflow, struct float_env *env)
{
    env->raised |= FLOAT_INEXACT | (overflow ? FLOAT_OVERFLOW : FLOAT_UNDERFLOW);
    env->rounded_up = overflow;
    return overflow ? float80_infinity(sign) : float80_zero(sign);
}

static struct float80 pack_normal(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                                  struct float_env *env)
{
    struct rounded rounded = float_round(mantissa, bits, sign, env->rounding);
    if (rounded.carry) {
        rounded.kept = FLOAT80_INTEGER_BIT;
        exponent++;
    }
    if (unlikely(exponent >= FLOAT80_EXPONENT)) {
        if (env->masks & FLOAT_OVERFLOW) return pack_overflow(sign, bits, env);
        env->raised |= FLOAT_OVERFLOW;
        exponent -= FLOAT80_WRAP;
        if (exponent >= FLOAT80_EXPONENT) return pack_massive(sign, true, env);
    }
    note_inexact(env, &rounded);
    return float80_make(sign, (unsigned)exponent & FLOAT80_EXPONENT, rounded.kept);
}

/* The exponent is too small. Tininess is found after rounding, as if the exponent had no bound (SDM 1,
 * 4.9.1.5). */
static struct float80 pack_tiny(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                                struct float_env *env)
{
    bool tiny = exponent < 0 || !float_round(mantissa, bits, sign, env->rounding).carry;
    if (tiny && !(env->masks & FLOAT_UNDERFLOW)) {
        if (exponent + FLOAT80_WRAP <= 0) return pack_massive(sign, false, env);
        env->raised |= FLOAT_UNDERFLOW;
        return pack_normal(sign, exponent + FLOAT80_WRAP, mantissa, bits, env);
    }
    struct rounded rounded =
        float_round(shift_right_sticky(mantissa, (unsigned)(1 - exponent)), bits, sign, env->rounding);
    if (tiny && rounded.inexact) env->raised |= FLOAT_UNDERFLOW;
    note_inexact(env, &rounded);
    return float80_make(sign, rounded.kept >> 63, rounded.kept);
}

struct float80 float80_pack_any(bool sign, int32_t exponent, uint128 mantissa, unsigned bits,
                                struct float_env *env)
{
    if (unlikely(exponent <= 0)) return pack_tiny(sign, exponent, mantissa, bits, env);
    return pack_normal(sign, exponent, mantissa, bits, env);
}

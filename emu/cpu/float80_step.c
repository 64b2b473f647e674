/* SPDX-License-Identifier: MIT */
/* Remainder, FXTRACT, FSCALE and comparison of 80-bit numbers (SDM 2, FPREM, FPREM1, FXTRACT, FSCALE,
 * FCOM, FUCOM). */
#include "emu/cpu/float80_parts.h"

/* Denormal results are exact here, but tiny all the same when underflow is not masked. */
static struct float80 pack_exact(bool sign, int32_t exponent, uint64_t mantissa, struct float_env *env)
{
    if (mantissa == 0) return float80_zero(sign);
    return float80_normalize_pack(sign, exponent, (uint128)mantissa << 64, 64, env);
}

/* FPREM1 goes to the nearer multiple, of two equally near ones to the even. */
static void to_nearest_multiple(uint64_t divisor, uint64_t *rest, uint64_t *quotient, bool *sign)
{
    uint64_t other = divisor - *rest;
    if (*rest < other || (*rest == other && !(*quotient & 1))) return;
    *rest = other;
    ++*quotient;
    *sign = !*sign;
}

/* The quotient is below 1: FPREM has nothing to do, FPREM1 may have. */
static struct float80 remainder_of_smaller(struct float_parts a, struct float_parts b, bool nearest,
                                           uint64_t *quotient, struct float_env *env)
{
    bool sign = a.sign;
    if (!nearest || a.exponent < b.exponent - 1)
        return float80_pack(sign, a.exponent, (uint128)a.mantissa << 64, 64, env);
    /* b is at most four times a: as whole multiples of a's lowest bit it has 65 bits */
    uint128 divisor = (uint128)b.mantissa << (b.exponent - a.exponent), rest = a.mantissa;
    if (rest * 2 > divisor) {
        rest = divisor - rest;
        *quotient = 1;
        sign = !sign;
    }
    return float80_normalize_pack(sign, a.exponent, rest << 64, 64, env);
}

/* How far a partial step takes the exponent down: at least 32, and so that the rest is a multiple of 32. */
static int32_t partial_step(int32_t difference)
{
    return 32 + difference % 32;
}

static struct float80 remainder_of_parts(struct float_parts a, struct float_parts b, bool nearest,
                                         uint64_t *quotient, bool *partial, struct float_env *env)
{
    int32_t difference = a.exponent - b.exponent;
    if (difference < 0) return remainder_of_smaller(a, b, nearest, quotient, env);
    *partial = difference >= 64;
    int32_t step = *partial ? partial_step(difference) : difference;
    uint128 dividend = (uint128)a.mantissa << step;
    uint64_t rest = (uint64_t)(dividend % b.mantissa);
    bool sign = a.sign;
    if (!*partial) {
        *quotient = (uint64_t)(dividend / b.mantissa);
        if (nearest) to_nearest_multiple(b.mantissa, &rest, quotient, &sign);
    }
    if (rest == 0) sign = a.sign;
    return pack_exact(sign, b.exponent + difference - step, rest, env);
}

struct float80 float80_remainder(struct float80 a, struct float80 b, bool nearest, uint64_t *quotient,
                                 bool *partial, struct float_env *env)
{
    *quotient = 0;
    *partial = false;
    if (float80_is_odd(a) || float80_is_odd(b)) return float80_propagate(a, b, env);
    if (float80_is_infinite(a) || float80_is_zero(b)) return float80_invalid(env);
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    if (float_env_stops(env) || float80_is_zero(a)) return a;
    if (float80_is_infinite(b))
        return float80_is_denormal(a) ? pack_exact(float80_sign(a), 1, a.mantissa, env) : a;
    return remainder_of_parts(float80_take_apart(a), float80_take_apart(b), nearest, quotient, partial, env);
}

struct float80 float80_extract(struct float80 a, struct float80 *significand, struct float_env *env)
{
    *significand = a;
    if (float80_is_odd(a)) return *significand = float80_propagate(a, a, env);
    if (float80_is_infinite(a)) return float80_infinity(false);
    if (float80_is_zero(a)) {
        env->raised |= FLOAT_ZERO_DIVIDE;
        return float80_infinity(true);
    }
    float_env_denormal(env, a);
    struct float_parts parts = float80_take_apart(a);
    *significand = float80_make(parts.sign, FLOAT80_BIAS, parts.mantissa);
    return float80_from_int64(parts.exponent - FLOAT80_BIAS);
}

/* b truncated, or more than any exponent can take. */
static int32_t scale_steps(struct float80 b)
{
    int32_t places = float80_exponent(b) - FLOAT80_BIAS;
    if (places < 0) return 0;
    int32_t steps = places > 16 ? 1 << 17 : (int32_t)(b.mantissa >> (63 - places));
    return float80_sign(b) ? -steps : steps;
}

static struct float80 scale_special(struct float80 a, struct float80 b, struct float_env *env)
{
    if (float80_is_infinite(b)) {
        bool down = float80_sign(b);
        if (down ? float80_is_infinite(a) : float80_is_zero(a)) return float80_invalid(env);
        float_env_denormal(env, a);
        return down ? float80_zero(float80_sign(a)) : float80_infinity(float80_sign(a));
    }
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    return a;
}

struct float80 float80_scale(struct float80 a, struct float80 b, struct float_env *env)
{
    if (float80_is_odd(a) || float80_is_odd(b)) return float80_propagate(a, b, env);
    if (float80_is_infinite(b) || float80_is_infinite(a) || float80_is_zero(a))
        return scale_special(a, b, env);
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    if (float_env_stops(env)) return a;
    struct float_parts parts = float80_take_apart(a);
    return float80_pack(parts.sign, parts.exponent + scale_steps(b), (uint128)parts.mantissa << 64, 64, env);
}

static enum float_order compare_magnitudes(struct float80 a, struct float80 b)
{
    struct float_parts pa = float80_take_apart(a), pb = float80_take_apart(b);
    if (pa.exponent != pb.exponent) return pa.exponent < pb.exponent ? FLOAT_LESS : FLOAT_GREATER;
    if (pa.mantissa != pb.mantissa) return pa.mantissa < pb.mantissa ? FLOAT_LESS : FLOAT_GREATER;
    return FLOAT_EQUAL;
}

static enum float_order compare_odd(struct float80 a, struct float80 b, bool quiet, struct float_env *env)
{
    if (!quiet || float80_classify(a) <= FLOAT80_SNAN || float80_classify(b) <= FLOAT80_SNAN)
        env->raised |= FLOAT_INVALID;
    return FLOAT_UNORDERED;
}

enum float_order float80_compare(struct float80 a, struct float80 b, bool quiet, struct float_env *env)
{
    if (float80_is_odd(a) || float80_is_odd(b)) return compare_odd(a, b, quiet, env);
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    bool zero_a = float80_is_zero(a), zero_b = float80_is_zero(b);
    if (zero_a && zero_b) return FLOAT_EQUAL;
    if (zero_a) return float80_sign(b) ? FLOAT_GREATER : FLOAT_LESS;
    if (zero_b) return float80_sign(a) ? FLOAT_LESS : FLOAT_GREATER;
    if (float80_sign(a) != float80_sign(b)) return float80_sign(a) ? FLOAT_LESS : FLOAT_GREATER;
    return float80_sign(a) ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

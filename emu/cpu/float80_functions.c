/* SPDX-License-Identifier: MIT */
/*
 * Transcendental functions (SDM 1, 8.3.7 to 8.3.10; special operands: the tables in SDM 2), but for sine, cosine and
 * tangent (float80_trigonometry.c). Each is a series in 128 bits after a reduction that keeps its argument small,
 * rounded once at the end: within half an ulp and a little of the exact value. The precision control does not count
 * here.
 */
#include "emu/cpu/float80_wide.h"

/* Terms after which a series is below 2^-120 of its sum, for the arguments that come in here. */
enum { TERMS_EXPONENTIAL = 30, TERMS_LOGARITHM = 25, TERMS_ARCTAN = 16 };

/* ---- arctangent ---- */

/* arctan(y / x) for 0 <= y <= x: less the nearest eighth, so that the series is short. */
static struct wide arctan_quotient(struct wide y, struct wide x)
{
    uint128 top_y = shift_right_sticky(y.mantissa, 4 + (unsigned)(x.exponent - y.exponent));
    unsigned eighth = (unsigned)((top_y / (uint64_t)(x.mantissa >> 64 >> 1) >> 57) + 1) >> 1;
    struct wide t;
    if (eighth == 0) {
        t = wide_div(y, x);
    } else {
        struct wide c = wide_from_int(eighth);
        c.exponent -= 3;
        t = wide_div(wide_add(y, wide_negate(wide_mul(c, x))), wide_add(x, wide_mul(c, y)));
    }
    struct wide square = wide_negate(wide_mul(t, t));
    struct wide arctan = wide_mul(t, wide_series(square, wide_inverse_odd, 1, TERMS_ARCTAN));
    return wide_add(arctan, wide_arctan_eighths[eighth]);
}

static bool smaller(struct wide a, struct wide b)
{
    return a.exponent != b.exponent ? a.exponent < b.exponent : a.mantissa < b.mantissa;
}

/* Angle of the point (x, y), neither coordinate 0; the sign is y's. */
static struct wide angle(struct wide y, struct wide x)
{
    bool sign = y.sign, left = x.sign;
    x.sign = y.sign = false;
    struct wide result;
    if (smaller(x, y)) {
        struct wide inner = arctan_quotient(x, y);
        result = wide_add(wide_half_pi, left ? inner : wide_negate(inner));
    } else {
        result = arctan_quotient(y, x);
        if (left) result = wide_add(wide_pi, wide_negate(result));
    }
    result.sign = sign;
    return result;
}

static struct float80 signed_constant(struct wide constant, bool sign, struct float_env *env)
{
    constant.sign = sign;
    return wide_round(constant, env);
}

/* At least one of them is zero or infinite (SDM 2, FPATAN). */
static struct float80 angle_special(struct float80 y, struct float80 x, struct float_env *env)
{
    bool sign = float80_sign(y), left = float80_sign(x);
    if (float80_is_infinite(y)) {
        if (!float80_is_infinite(x)) return signed_constant(wide_half_pi, sign, env);
        return signed_constant(left ? wide_three_quarters_pi : wide_quarter_pi, sign, env);
    }
    if (float80_is_zero(y) || float80_is_infinite(x))
        return left ? signed_constant(wide_pi, sign, env) : float80_zero(sign);
    return signed_constant(wide_half_pi, sign, env);
}

struct float80 float80_atan2(struct float80 y, struct float80 x, struct float_env *env)
{
    if (float80_is_odd(y) || float80_is_odd(x)) return float80_propagate(y, x, env);
    if (float_env_stops_for(env, y) || float_env_stops_for(env, x)) return y;
    bool finite = !float80_is_infinite(y) && !float80_is_infinite(x);
    if (!finite || float80_is_zero(y) || float80_is_zero(x)) return angle_special(y, x, env);
    return wide_round(angle(wide_from_float80(y), wide_from_float80(x)), env);
}

/* What processors do with operands for which the manual leaves the result undefined, and call it inexact. */
static struct float80 undefined_result(struct float80 a, struct float_env *env)
{
    env->raised |= FLOAT_INEXACT;
    return a;
}

/* ---- exponential ---- */

static const struct float80 minus_half = {FLOAT80_INTEGER_BIT, FLOAT80_SIGN | (FLOAT80_BIAS - 1)};

struct float80 float80_exp2m1(struct float80 a, struct float_env *env)
{
    if (float80_is_odd(a)) return float80_propagate(a, a, env);
    if (float80_is_infinite(a)) return float80_sign(a) ? float80_negate(float80_from_int64(1)) : a;
    if (float80_is_zero(a) || float_env_stops_for(env, a)) return a;
    if (float80_exponent(a) >= FLOAT80_BIAS) {
        bool minus_one =
            a.sign_exponent == (FLOAT80_SIGN | FLOAT80_BIAS) && a.mantissa == FLOAT80_INTEGER_BIT;
        return undefined_result(minus_one ? minus_half : a, env); /* 1 is its own result */
    }
    struct wide x = wide_mul(wide_from_float80(a), wide_ln2);
    return wide_round(wide_mul(x, wide_series(x, wide_inverse_factorial + 1, 1, TERMS_EXPONENTIAL)), env);
}

/* ---- logarithm ---- */

/* log2((1 + s) / (1 - s)) for small s. */
static struct wide log2_series(struct wide s)
{
    struct wide sum = wide_mul(s, wide_series(wide_mul(s, s), wide_inverse_odd, 1, TERMS_LOGARITHM));
    sum.exponent++;
    return wide_mul(sum, wide_log2_e);
}

/* x > 0: by the power of two that brings it between sqrt(1/2) and sqrt(2). */
static struct wide log2_wide(struct wide x)
{
    int32_t power = x.exponent + (x.mantissa >> 64 >= 0xb504f333f9de6484);
    x.exponent -= power;
    struct wide s = wide_div(wide_add(x, wide_negate(wide_one)), wide_add(x, wide_one));
    return wide_add(wide_from_int(power), log2_series(s));
}

/* y or x is zero or infinite, or x negative, or 1 (SDM 2, FYL2X). False: neither of these. */
static bool ylog2x_special(struct float80 y, struct float80 x, struct float80 *result, struct float_env *env)
{
    bool one = x.sign_exponent == FLOAT80_BIAS && x.mantissa == FLOAT80_INTEGER_BIT;
    bool below_one = float80_exponent(x) < FLOAT80_BIAS;
    bool y_sign = float80_sign(y), y_zero = float80_is_zero(y), y_infinite = float80_is_infinite(y);
    bool x_zero = float80_is_zero(x), x_infinite = float80_is_infinite(x);
    bool invalid =
        (float80_sign(x) && !x_zero) || (x_zero && y_zero) || (one && y_infinite) || (x_infinite && y_zero);
    if (invalid) {
        *result = float80_invalid(env);
        return true;
    }
    if (x_zero && !y_infinite) {
        env->raised |= FLOAT_ZERO_DIVIDE;
        *result = float80_infinity(!y_sign);
        return true;
    }
    if (float_env_stops_for(env, y) || float_env_stops_for(env, x)) return true;
    if (y_infinite || x_infinite)
        *result = float80_infinity(y_sign ^ below_one);
    else if (y_zero || one)
        *result = float80_zero(y_sign ^ below_one);
    else
        return false;
    return true;
}

struct float80 float80_ylog2x(struct float80 y, struct float80 x, struct float_env *env)
{
    struct float80 result = y;
    if (float80_is_odd(y) || float80_is_odd(x)) return float80_propagate(y, x, env);
    if (ylog2x_special(y, x, &result, env)) return result;
    return wide_round(wide_mul(wide_from_float80(y), log2_wide(wide_from_float80(x))), env);
}

struct float80 float80_ylog2xp1(struct float80 y, struct float80 x, struct float_env *env)
{
    bool sign = float80_sign(y) ^ float80_sign(x);
    if (float80_is_odd(y) || float80_is_odd(x)) return float80_propagate(y, x, env);
    bool y_infinite = float80_is_infinite(y), x_infinite = float80_is_infinite(x);
    bool y_zero = float80_is_zero(y), x_zero = float80_is_zero(x);
    if ((x_infinite && (float80_sign(x) || y_zero)) || (y_infinite && x_zero)) return float80_invalid(env);
    if (float_env_stops_for(env, y) || float_env_stops_for(env, x)) return y;
    if (y_infinite || x_infinite) return float80_infinity(sign);
    if (y_zero || x_zero) return float80_zero(sign);
    struct wide wx = wide_from_float80(x), two = wide_from_int(2), log;
    if (float80_exponent(x) < FLOAT80_BIAS - 1)
        log = log2_series(wide_div(wx, wide_add(wx, two)));
    else if (float80_sign(x) && float80_exponent(x) >= FLOAT80_BIAS)
        return undefined_result(x, env);
    else
        log = log2_wide(wide_add(wx, wide_one));
    return wide_round(wide_mul(wide_from_float80(y), log), env);
}

/* SPDX-License-Identifier: MIT */
/* Conversions between 80-bit numbers and integers, float32, float64 and packed decimals (SDM 1, 4.2 and
 * 4.7, 8.2). */
#include <string.h>
#include "emu/cpu/float80_parts.h"

struct float80 float80_from_int64(int64_t value)
{
    if (value == 0) return float80_zero(false);
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int shift = __builtin_clzll(magnitude);
    return float80_make(value < 0, (unsigned)(FLOAT80_BIAS + 63 - shift), magnitude << shift);
}

/* What differs between float32 and float64. */
struct narrow {
    unsigned fraction_bits, exponent_bits;
};
static const struct narrow narrow32 = {23, 8}, narrow64 = {52, 11};

static int32_t narrow_max(const struct narrow *format) /* exponent of infinities and NaNs */
{
    return (1 << format->exponent_bits) - 1;
}

static int32_t narrow_bias(const struct narrow *format)
{
    return narrow_max(format) >> 1;
}

static struct float80 widen(uint64_t bits, const struct narrow *format, struct float_env *env)
{
    bool sign = bits >> (format->fraction_bits + format->exponent_bits) & 1;
    int32_t exponent = (int32_t)(bits >> format->fraction_bits) & narrow_max(format);
    uint64_t fraction = bits << (64 - format->fraction_bits) >> 1; /* below bit 63 */
    if (exponent == narrow_max(format))
        return float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT | fraction);
    int32_t rebias = FLOAT80_BIAS - narrow_bias(format);
    if (exponent) return float80_make(sign, (unsigned)(exponent + rebias), FLOAT80_INTEGER_BIT | fraction);
    if (!fraction) return float80_zero(sign);
    env->widened_denormal = true;
    int shift = __builtin_clzll(fraction);
    return float80_make(sign, (unsigned)(1 + rebias - shift), fraction << shift);
}

struct float80 float80_from_float32(uint32_t bits, struct float_env *env)
{
    return widen(bits, &narrow32, env);
}

struct float80 float80_from_float64(uint64_t bits, struct float_env *env)
{
    return widen(bits, &narrow64, env);
}

static uint64_t narrow_make(const struct narrow *format, bool sign, int32_t exponent, uint64_t fraction)
{
    uint64_t top = (uint64_t)sign << format->exponent_bits | (uint64_t)exponent;
    return (top << format->fraction_bits) | fraction;
}

/* NaNs keep their upper bits, infinities and zeros are what they were; unsupported operands are invalid. */
static uint64_t narrow_special(struct float80 a, const struct narrow *format, struct float_env *env)
{
    if (float80_is_zero(a)) return narrow_make(format, float80_sign(a), 0, 0);
    if (!float80_is_infinite(a)) a = float80_propagate(a, a, env);
    uint64_t fraction = a.mantissa << 1 >> (64 - format->fraction_bits);
    return narrow_make(format, float80_sign(a), narrow_max(format), fraction);
}

static uint64_t narrow_overflow(const struct narrow *format, bool sign, struct float_env *env)
{
    bool infinite = env->rounding == FLOAT_NEAREST || env->rounding == (sign ? FLOAT_DOWN : FLOAT_UP);
    env->raised |= FLOAT_OVERFLOW;
    if (!(env->masks & FLOAT_OVERFLOW)) return 0;
    env->raised |= FLOAT_INEXACT;
    env->rounded_up = infinite;
    if (infinite) return narrow_make(format, sign, narrow_max(format), 0);
    return narrow_make(format, sign, narrow_max(format) - 1, (UINT64_C(1) << format->fraction_bits) - 1);
}

static uint64_t narrow(struct float80 a, const struct narrow *format, struct float_env *env)
{
    if (float80_is_odd(a) || float80_is_infinite(a) || float80_is_zero(a))
        return narrow_special(a, format, env);
    struct float_parts parts = float80_take_apart(a);
    unsigned bits = format->fraction_bits + 1;
    int32_t exponent = parts.exponent - FLOAT80_BIAS + narrow_bias(format);
    uint128 mantissa = (uint128)parts.mantissa << 64;
    struct rounded rounded = float_round(mantissa, bits, parts.sign, env->rounding);
    bool tiny = exponent + rounded.carry <= 0;
    if (exponent <= 0) {
        if (tiny && !(env->masks & FLOAT_UNDERFLOW)) {
            env->raised |= FLOAT_UNDERFLOW;
            return 0;
        }
        rounded = float_round(shift_right_sticky(mantissa, (unsigned)(1 - exponent)), bits, parts.sign,
                              env->rounding);
        if (tiny && rounded.inexact) env->raised |= FLOAT_UNDERFLOW;
        exponent = (int32_t)(rounded.kept >> 63);
    } else if (rounded.carry) {
        rounded.kept = FLOAT80_INTEGER_BIT;
        exponent++;
    }
    if (exponent >= narrow_max(format)) return narrow_overflow(format, parts.sign, env);
    if (rounded.inexact) env->raised |= FLOAT_INEXACT;
    env->rounded_up = rounded.up;
    return narrow_make(format, parts.sign, exponent, rounded.kept << 1 >> (64 - format->fraction_bits));
}

uint32_t float80_to_float32(struct float80 a, struct float_env *env)
{
    return (uint32_t)narrow(a, &narrow32, env);
}

uint64_t float80_to_float64(struct float80 a, struct float_env *env)
{
    return narrow(a, &narrow64, env);
}

/* ---- integers ---- */

/* The magnitude rounded to an integer; false when it is no number or 2^64 and more. Raises nothing. */
static bool to_magnitude(struct float80 a, const struct float_env *env, uint64_t *magnitude,
                         struct rounded *rounded)
{
    *magnitude = 0;
    *rounded = (struct rounded){0};
    if (float80_is_zero(a)) return true;
    if (float80_is_odd(a) || float80_is_infinite(a)) return false;
    struct float_parts parts = float80_take_apart(a);
    int32_t shift = FLOAT80_BIAS + 63 - parts.exponent; /* places below the point */
    if (shift < 0) return false;
    uint128 fixed = shift_right_sticky((uint128)parts.mantissa << 64, (unsigned)shift);
    *rounded = float_round(fixed, 64, parts.sign, env->rounding);
    *magnitude = rounded->kept;
    return !rounded->carry;
}

static void note_rounded(struct float_env *env, const struct rounded *rounded)
{
    if (rounded->inexact) env->raised |= FLOAT_INEXACT;
    env->rounded_up = rounded->up;
}

int64_t float80_to_int(struct float80 a, unsigned bits, struct float_env *env)
{
    uint64_t magnitude, limit = UINT64_C(1) << (bits - 1);
    struct rounded rounded;
    bool sign = float80_sign(a);
    if (!to_magnitude(a, env, &magnitude, &rounded) || magnitude > limit - !sign) {
        env->raised |= FLOAT_INVALID;
        return (int64_t)-limit;
    }
    note_rounded(env, &rounded);
    return (int64_t)(sign ? -magnitude : magnitude);
}

struct float80 float80_round_to_integer(struct float80 a, struct float_env *env)
{
    if (float80_is_odd(a)) return float80_propagate(a, a, env);
    float_env_denormal(env, a);
    if (float_env_stops(env) || float80_is_infinite(a) || float80_is_zero(a)) return a;
    if (float80_exponent(a) >= FLOAT80_BIAS + 63) return a;
    uint64_t magnitude;
    struct rounded rounded;
    to_magnitude(a, env, &magnitude, &rounded); /* below 2^63: always possible */
    note_rounded(env, &rounded);
    struct float80 result = {0, 0};
    if (magnitude) {
        int shift = __builtin_clzll(magnitude);
        result = float80_make(false, (unsigned)(FLOAT80_BIAS + 63 - shift), magnitude << shift);
    }
    result.sign_exponent |= a.sign_exponent & FLOAT80_SIGN;
    return result;
}

/* ---- packed decimals: 18 digits, two to a byte, lowest first; the sign is the top bit of the last byte
 * (SDM 1, 4.7) ---- */

#define BCD_LIMIT UINT64_C(1000000000000000000)

struct float80 float80_from_bcd(const uint8_t bcd[10])
{
    uint64_t value = 0;
    for (int i = 8; i >= 0; i--) value = value * 100 + (bcd[i] >> 4) * 10u + (bcd[i] & 15u);
    struct float80 result = float80_from_int64((int64_t)value);
    if (bcd[9] & 0x80) result.sign_exponent |= FLOAT80_SIGN;
    return result;
}

void float80_to_bcd(struct float80 a, uint8_t bcd[10], struct float_env *env)
{
    uint64_t magnitude;
    struct rounded rounded;
    if (!to_magnitude(a, env, &magnitude, &rounded) || magnitude >= BCD_LIMIT) {
        static const uint8_t indefinite[10] = {[7] = 0xc0, [8] = 0xff, [9] = 0xff};
        env->raised |= FLOAT_INVALID;
        memcpy(bcd, indefinite, sizeof(indefinite));
        return;
    }
    note_rounded(env, &rounded);
    for (int i = 0; i < 9; i++) {
        bcd[i] = (uint8_t)(magnitude / 10 % 10 << 4 | magnitude % 10);
        magnitude /= 100;
    }
    bcd[9] = float80_sign(a) ? 0x80 : 0;
}

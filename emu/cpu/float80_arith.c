/* SPDX-License-Identifier: MIT */
/*
 * Addition, subtraction, multiplication, division and square root of 80-bit numbers. Each computes enough
 * bits for the exact result, or its upper 127 bits and a sticky bit, and leaves rounding to float80_pack (SDM
 * 1, 8.3.5).
 */
#include "emu/cpu/float80_parts.h"

/* Nothing can be raised on account of the operands. */
static inline bool both_normal(struct float80 a, struct float80 b, const struct float_env *env)
{
    return float80_is_normal(a) && float80_is_normal(b) && !env->widened_denormal;
}

/* A mantissa shifted right, with 64 bits below those of the other operand; what is lost leaves its trace in the lowest. */
static inline uint128 aligned(uint64_t mantissa, unsigned shift)
{
    if (likely(shift < 64)) return (uint128)(mantissa >> shift) << 64 | mantissa << 1 << (63 - shift);
    shift -= 64;
    if (shift >= 64) return 1;
    return mantissa >> shift | (mantissa << 1 << (63 - shift) != 0);
}

/* Both operands are finite and not zero. */
static struct float80 add_magnitudes(struct float_parts a, struct float_parts b, struct float_env *env)
{
    if (a.exponent < b.exponent) {
        struct float_parts other = a;
        a = b;
        b = other;
    }
    uint128 small = aligned(b.mantissa, (unsigned)(a.exponent - b.exponent));
    uint64_t high, low = (uint64_t)small;
    bool carry = __builtin_add_overflow(a.mantissa, (uint64_t)(small >> 64), &high);
    if (carry) {
        low = high << 63 | low >> 1 | (low & 1);
        high = high >> 1 | FLOAT80_INTEGER_BIT;
    }
    return float80_pack(a.sign, a.exponent + carry, (uint128)high << 64 | low, float_precision_bits(env),
                        env);
}

static struct float80 subtract_magnitudes(struct float_parts a, struct float_parts b, struct float_env *env)
{
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
        struct float_parts other = a;
        a = b;
        b = other;
    }
    uint128 large = (uint128)a.mantissa << 64;
    uint128 small = aligned(b.mantissa, (unsigned)(a.exponent - b.exponent));
    if (large == small) return float80_zero(env->rounding == FLOAT_DOWN);
    return float80_normalize_pack(a.sign, a.exponent, large - small, float_precision_bits(env), env);
}

static struct float80 add_parts(struct float_parts a, struct float_parts b, struct float_env *env)
{
    return a.sign == b.sign ? add_magnitudes(a, b, env) : subtract_magnitudes(a, b, env);
}

/* A finite number that comes out as it went in is rounded to the precision all the same. */
static struct float80 rounded_to_precision(struct float80 a, struct float_env *env)
{
    struct float_parts parts = float80_take_apart(a);
    return float80_pack(parts.sign, parts.exponent, (uint128)parts.mantissa << 64, float_precision_bits(env),
                        env);
}

static struct float80 add_special(struct float80 a, struct float80 b, struct float_env *env)
{
    if (float80_is_odd(a) || float80_is_odd(b)) return float80_propagate(a, b, env);
    if (float80_is_infinite(a) && float80_is_infinite(b) && float80_sign(a) != float80_sign(b))
        return float80_invalid(env);
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    if (float_env_stops(env)) return a;
    if (float80_is_infinite(a)) return a;
    if (float80_is_infinite(b)) return b;
    if (!float80_is_zero(a) && !float80_is_zero(b))
        return add_parts(float80_take_apart(a), float80_take_apart(b), env);
    if (!float80_is_zero(a)) return rounded_to_precision(a, env);
    if (!float80_is_zero(b)) return rounded_to_precision(b, env);
    return float80_sign(a) == float80_sign(b) ? a : float80_zero(env->rounding == FLOAT_DOWN);
}

struct float80 float80_add(struct float80 a, struct float80 b, struct float_env *env)
{
    if (unlikely(!both_normal(a, b, env))) return add_special(a, b, env);
    return add_parts(float80_take_apart(a), float80_take_apart(b), env);
}

struct float80 float80_sub(struct float80 a, struct float80 b, struct float_env *env)
{
    if (unlikely(float80_is_odd(a) || float80_is_odd(b))) return float80_propagate(a, b, env);
    return float80_add(a, float80_negate(b), env);
}

static struct float80 multiply_parts(struct float_parts a, struct float_parts b, struct float_env *env)
{
    uint128 product = (uint128)a.mantissa * b.mantissa;
    return float80_normalize_pack(a.sign ^ b.sign, a.exponent + b.exponent - FLOAT80_BIAS + 1, product,
                                  float_precision_bits(env), env);
}

static struct float80 multiply_special(struct float80 a, struct float80 b, struct float_env *env)
{
    bool sign = float80_sign(a) ^ float80_sign(b);
    if (float80_is_odd(a) || float80_is_odd(b)) return float80_propagate(a, b, env);
    bool infinite = float80_is_infinite(a) || float80_is_infinite(b);
    bool zero = float80_is_zero(a) || float80_is_zero(b);
    if (infinite && zero) return float80_invalid(env);
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    if (float_env_stops(env)) return a;
    if (infinite) return float80_infinity(sign);
    if (zero) return float80_zero(sign);
    return multiply_parts(float80_take_apart(a), float80_take_apart(b), env);
}

struct float80 float80_mul(struct float80 a, struct float80 b, struct float_env *env)
{
    if (unlikely(!both_normal(a, b, env))) return multiply_special(a, b, env);
    return multiply_parts(float80_take_apart(a), float80_take_apart(b), env);
}

/* 64 bits of quotient, and below them one bit of the next place and a sticky bit from the remainder. */
static struct float80 divide_parts(struct float_parts a, struct float_parts b, struct float_env *env)
{
    bool whole = a.mantissa >= b.mantissa;
    uint128 dividend = (uint128)a.mantissa << (whole ? 63 : 64);
    uint64_t quotient = (uint64_t)(dividend / b.mantissa);
    uint128 remainder = (uint128)(uint64_t)(dividend - (uint128)quotient * b.mantissa);
    uint64_t below = 0;
    if (remainder)
        below = remainder * 2 == b.mantissa  ? UINT64_C(1) << 63
                : remainder * 2 > b.mantissa ? ~UINT64_C(0)
                                             : 1;
    return float80_pack(a.sign ^ b.sign, a.exponent - b.exponent + FLOAT80_BIAS - !whole,
                        (uint128)quotient << 64 | below, float_precision_bits(env), env);
}

static struct float80 divide_special(struct float80 a, struct float80 b, struct float_env *env)
{
    bool sign = float80_sign(a) ^ float80_sign(b);
    if (float80_is_odd(a) || float80_is_odd(b)) return float80_propagate(a, b, env);
    if (float80_is_infinite(a) && float80_is_infinite(b)) return float80_invalid(env);
    if (float80_is_zero(a) && float80_is_zero(b)) return float80_invalid(env);
    if (float80_is_zero(b) && !float80_is_infinite(a)) env->raised |= FLOAT_ZERO_DIVIDE;
    if (float_env_stops(env)) return a;
    if (float80_is_zero(b)) return float80_infinity(sign); /* a denormal dividend does not count then */
    float_env_denormal(env, a);
    float_env_denormal(env, b);
    if (float_env_stops(env)) return a;
    if (float80_is_infinite(a)) return float80_infinity(sign);
    if (float80_is_zero(a) || float80_is_infinite(b)) return float80_zero(sign);
    return divide_parts(float80_take_apart(a), float80_take_apart(b), env);
}

struct float80 float80_div(struct float80 a, struct float80 b, struct float_env *env)
{
    if (unlikely(!both_normal(a, b, env))) return divide_special(a, b, env);
    return divide_parts(float80_take_apart(a), float80_take_apart(b), env);
}

/* floor(sqrt(value)) for a value of at least 2^62, by Newton's iteration from above. */
static uint64_t root64(uint64_t value)
{
    uint64_t root = UINT64_C(1) << 32, next = (root + value / root) / 2;
    while (next < root) {
        root = next;
        next = (root + value / root) / 2;
    }
    return root;
}

/* floor(sqrt(value)) for a value of at least 2^126: the upper half's root, then one division for the lower
 * half of the root, which is at most one too large. */
static uint64_t root128(uint128 value, uint128 *remainder)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    uint64_t root = root64(high);
    uint128 rest = (uint128)(high - root * root) << 32 | low >> 32;
    uint128 digit = rest / (2 * root);
    if (digit > 0xffffffff) digit = 0xffffffff;
    uint128 result = ((uint128)root << 32) + digit;
    while (result * result > value) result--;
    *remainder = value - result * result;
    return (uint64_t)result;
}

struct float80 float80_sqrt(struct float80 a, struct float_env *env)
{
    if (float80_is_odd(a)) return float80_propagate(a, a, env);
    if (float80_is_zero(a)) return a;
    if (float80_sign(a)) return float80_invalid(env);
    if (float80_is_infinite(a)) return a;
    float_env_denormal(env, a);
    if (float_env_stops(env)) return a;
    struct float_parts parts = float80_take_apart(a);
    int32_t exponent = parts.exponent - FLOAT80_BIAS;
    uint128 remainder;
    uint64_t root = root128((uint128)parts.mantissa << (exponent & 1 ? 64 : 63), &remainder);
    uint64_t below = remainder == 0 ? 0 : remainder > root ? ~UINT64_C(0) : 1;
    return float80_pack(false, (exponent >> 1) + FLOAT80_BIAS, (uint128)root << 64 | below,
                        float_precision_bits(env), env);
}

/* SPDX-License-Identifier: MIT */
/*
 * Sine, cosine and tangent (SDM 1, 8.3.8). The operand is reduced exactly modulo the FPU's own pi of 66 bits, to pi/4
 * at most. That is split into the nearest 32nd, whose sine and cosine are in a table, and a rest d of at most 1/64, for
 * which a few terms do:
 *
 *     cos d = 1 - z/2 + z^2 (1/4! - z/6! + z^2/8! - ...)          z = d^2
 *     sin d = d (1 - z/6 + z^2 (1/5! - z/7! + z^2/9! - ...))
 *
 * What is in parentheses counts for 2^-24 at most: 64 bits of it are enough for an error of 2^-88 of the result, which
 * is then rounded once.
 */
#include "emu/cpu/float80_wide.h"

/* ---- reduction ---- */

/* pi/2 in units of 2^-65, exactly: the FPU's pi has 66 bits. */
#define HALF_PI_UNITS WIDE(0x3, 0x243f6a8885a308d3)

/* 2/pi of the same pi, in units of 2^-64. */
#define INVERSE_HALF_PI UINT64_C(0xa2f9836e4e44152a)

/* a = quadrant * pi/2 + rest, exactly, with the rest between -pi/4 and pi/4, and not normalized; |a| is
 * below 2^63. */
WIDE_INLINE unsigned reduce(struct float80 a, struct wide *rest)
{
    *rest = wide_from_float80(a);
    if (rest->exponent < -1) return 0;
    uint64_t top = (uint64_t)(rest->mantissa >> 64);
    /* The nearest multiple, or one beside it; above 2^127 is what is below zero. */
    uint128 product = (uint128)top * INVERSE_HALF_PI >> 1, one = (uint128)1 << (126 - rest->exponent);
    uint64_t quotient = (uint64_t)((product + one / 2) >> (126 - rest->exponent));
    uint128 units = ((uint128)top << (rest->exponent + 2)) - quotient * HALF_PI_UNITS;
    if (units >> 127) {
        quotient--;
        units += HALF_PI_UNITS;
    }
    if (units > HALF_PI_UNITS / 2) {
        quotient++;
        units -= HALF_PI_UNITS;
    }
    bool sign = rest->sign, below = units >> 127;
    *rest = (struct wide){(below ? -units : units) << (127 - 65 + 1), -1, sign ^ below};
    return (unsigned)(sign ? -quotient : quotient) & 3;
}

/* ---- up to pi/4 ---- */

enum {
    STEP_BITS = 5,               /* the table has steps of 2^-5 */
    REST_UNIT = 69,              /* d is in units of 2^-69, exactly */
    SQUARE_UNIT = 2 * REST_UNIT, /* z */
    FOURTH_SHIFT = 27,           /* 24 + 63 + 68 - 128 */
    INNER_UNIT = 68,             /* what is in parentheses */
};

/* 1/4!, 1/6!... and 1/5!, 1/7!..., each in units of 2^-68, divided by 2^12 more than the one before. */
static const uint64_t cosine_terms[4] = {0xaaaaaaaaaaaaaaab, 0x5b05b05b05b0, 0x1a01a01a, 0x4a0};
static const uint64_t sine_terms[4] = {0x2222222222222222, 0xd00d00d00d0, 0x2e3bc75, 0x6c};

/* Sine and cosine of n/32, in units of 2^-128. */
/* clang-format off */
static const struct {
    uint128 sine, cosine;
} angles[] = {
    {WIDE(0x0000000000000000, 0x0000000000000000), WIDE(0xffffffffffffffff, 0xffffffffffffffff)}, /* 0/32 */
    {WIDE(0x07ffaaabbbba1ba3, 0x2bf904ddb51e4656), WIDE(0xffe000aaa93e9589, 0x576da4ec94946fb9)}, /* 1/32 */
    {WIDE(0x0ffd557776a76d5a, 0x5d259b2f692d4acb), WIDE(0xff800aaa4fa69a65, 0x070f73284de215b9)}, /* 2/32 */
    {WIDE(0x17f701032550e41a, 0xfc2d1800501a1008), WIDE(0xfee035fbf35cda63, 0x2056a6bf1b6b28e0)}, /* 3/32 */
    {WIDE(0x1feaaeee86ee35ca, 0x069a86721f89f85a), WIDE(0xfe00aa93eade9b6d, 0x1e6a129df6f18ce5)}, /* 4/32 */
    {WIDE(0x27d66258bacd96a3, 0xeb335b365c87d594), WIDE(0xfce1a053e621438b, 0x6d60c76e8c45bf0b)}, /* 5/32 */
    {WIDE(0x2fb8205f75e56a2b, 0x56a1c4792f856258), WIDE(0xfb835efcf670dd2c, 0xe6fe7924697eea14)}, /* 6/32 */
    {WIDE(0x378df09db8c332ce, 0x0d2b53d865582e45), WIDE(0xf9e63e1d9e8b6f6f, 0x2e296bae5b5ed9c1)}, /* 7/32 */
    {WIDE(0x3f55dda9e62aed75, 0x13bd7b8e6a3d1636), WIDE(0xf80aa4fbef750ba7, 0x83d33cb95f94f8a4)}, /* 8/32 */
    {WIDE(0x470df5931ae1d946, 0x076fe0dcff47fe32), WIDE(0xf5f10a7bb77d3dfa, 0x0c1da8b578427833)}, /* 9/32 */
    {WIDE(0x4eb44a5da74f6002, 0x07aaa090f0734e29), WIDE(0xf399f500c9e9fd37, 0xae9957263dab8877)}, /* 10/32 */
    {WIDE(0x5646f27e8bd65cbe, 0x3a5d61ff06572291), WIDE(0xf105fa4d66b607a6, 0x7d44e04272520443)}, /* 11/32 */
    {WIDE(0x5dc40955d9084f48, 0xa94675a2498de5d8), WIDE(0xee35bf5ccac89052, 0xcd91ddb734d3a47e)}, /* 12/32 */
    {WIDE(0x6529afa7d51b1296, 0x31ec197c0a840a12), WIDE(0xeb29f839f201fd13, 0xb93796827916a78f)}, /* 13/32 */
    {WIDE(0x6c760c14c8585a51, 0xdbd34660ae6c52ac), WIDE(0xe7e367d2956cfb16, 0xb6aa11e5419cd005)}, /* 14/32 */
    {WIDE(0x73a74b8f52947b68, 0x1baf6928eb3fb021), WIDE(0xe462dfc670d421ab, 0x3d1a15901228f147)}, /* 15/32 */
    {WIDE(0x7abba1d12c17bfa1, 0xd92f0d93f60ded9a), WIDE(0xe0a94032dbea7ced, 0xbddd9da2fafad985)}, /* 16/32 */
    {WIDE(0x81b149ce34caa5a4, 0xe650f8d09fd4d6aa), WIDE(0xdcb7777ac4207051, 0x68f31e3eb780ce9d)}, /* 17/32 */
    {WIDE(0x88868625b4e1dbb2, 0x3133101330225272), WIDE(0xd88e820b1526311d, 0xd561efbc0c1a9a53)}, /* 18/32 */
    {WIDE(0x8f39a191b2ba6122, 0xa3fa4f41d5a3ffd4), WIDE(0xd42f6a1b9f0168cd, 0xf031c2f63c8d9305)}, /* 19/32 */
    {WIDE(0x95c8ef544210ec0b, 0x91c49bd2aa09e851), WIDE(0xcf9b476c897c25c5, 0xbfe750dd3f308eaf)}, /* 20/32 */
    {WIDE(0x9c32cba2b14156ef, 0x05256c4f857991ca), WIDE(0xcad33f00658fe5e8, 0x204bbc0f3a66a0e7)}, /* 21/32 */
    {WIDE(0xa2759c0e79c35582, 0x527c32b55f5405c2), WIDE(0xc5d882d2ee48030c, 0x7c07d28e981e3480)}, /* 22/32 */
    {WIDE(0xa88fcfebd9a8dd47, 0xe2f3c76ef9e24399), WIDE(0xc0ac518c8b6ae710, 0xba37a3eeb90cb15b)}, /* 23/32 */
    {WIDE(0xae7fe0b5fc786b2d, 0x966e1d6af140a488), WIDE(0xbb4ff632a908f73e, 0xc151839cb9d993b5)}, /* 24/32 */
    {WIDE(0xb44452709a597529, 0x05913765434a59d1), WIDE(0xb5c4c7d4f7dae915, 0xac786ccf4b1a498d)}, /* 25/32 */
};
/* clang-format on */

/* The upper half of a product of 256 bits, less than 3 too small. */
static inline uint128 high_product(uint128 a, uint128 b)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    return (uint128)ah * bh + ((uint128)ah * bl >> 64) + ((uint128)al * bh >> 64);
}

static inline uint128 third(uint128 a)
{
    uint64_t high = (uint64_t)(a >> 64), low = (uint64_t)a;
    return (uint128)high * (UINT64_MAX / 3) + high / 3 + low / 3;
}

/* Product of two numbers in units of 2^-63, or of one in those and one in others. */
static inline uint64_t inner_product(uint64_t a, uint64_t b)
{
    return (uint64_t)((uint128)a * b >> 63);
}

/* Powers of d. */
struct powers {
    uint128 square; /* z, in units of 2^-SQUARE_UNIT */
    uint64_t
        fourth; /* z^2: times a number in units of 2^-INNER_UNIT, shifted right, it is in units of 2^-128 */
    unsigned shift;
};

/* z^2 times what is in parentheses. */
static inline uint128 inner_series(const uint64_t terms[4], const struct powers *d)
{
    uint64_t z = (uint64_t)(d->square >> (SQUARE_UNIT - 75)); /* in units of 2^-12 / 2^63 */
    uint64_t first = terms[0] - inner_product(terms[1], z), second = terms[2] - inner_product(terms[3], z);
    uint64_t sum = first + inner_product(second, inner_product(z, z));
    return (uint128)d->fourth * sum >> d->shift;
}

/* 1 - cos d, in units of 2^-128. */
static inline uint128 versine(const struct powers *d)
{
    return (d->square >> (SQUARE_UNIT + 1 - 128)) - inner_series(cosine_terms, d);
}

/* 1 - sin(d) / d. */
static inline uint128 sine_shortfall(const struct powers *d)
{
    return third(d->square >> (SQUARE_UNIT + 1 - 128)) - inner_series(sine_terms, d);
}

/* |x| in units of 2^-128. */
static inline uint128 fraction(struct wide x)
{
    unsigned shift = (unsigned)(-1 - x.exponent);
    return shift < 128 ? x.mantissa >> shift : 0;
}

/* Less than half a step: x is the rest itself, of at most 64 bits. */
static inline bool is_small(uint128 angle)
{
    return angle >> (128 - STEP_BITS - 1) == 0;
}

/* Its powers, to all the bits they have: results that are next to a number of 64 bits fall on the right side. */
static struct powers small_powers(struct wide x)
{
    uint64_t top = (uint64_t)(x.mantissa >> 64);
    uint128 square = (uint128)top * top; /* times 2^(2 * exponent - 126) */
    uint64_t high = (uint64_t)(square >> 64);
    unsigned exponent = (unsigned)-x.exponent, shift = 126 - SQUARE_UNIT + 2 * exponent;
    return (struct powers){
        .square = shift < 128 ? square >> shift : 0,
        .fourth =
            exponent < 32 ? (uint64_t)((uint128)high * high >> 64) : 0, /* times 2^(4 * exponent - 60) */
        .shift = (60 + INNER_UNIT - 128 + 4 * exponent) & 127,
    };
}

/* x * part / 2^128 */
static uint128 small_part(struct wide x, uint128 part)
{
    uint64_t top = (uint64_t)(x.mantissa >> 64);
    return (uint128)top * (uint64_t)(part >> 64) + ((uint128)top * (uint64_t)part >> 64);
}

/* Never x itself: what is rounded down is less. */
static struct wide small_sine(struct wide x)
{
    struct powers d = small_powers(x);
    return wide_normalized(x.mantissa - small_part(x, sine_shortfall(&d)) - 1, x.exponent, x.sign);
}

static struct wide small_cosine(struct wide x)
{
    struct powers d = small_powers(x);
    uint128 lost = versine(&d);
    return wide_normalized(lost ? -lost : (uint128)-1, -1, false);
}

/* x (1 + z/3): for an x so small that the next term is nothing. Never x itself. */
static struct wide tiny_tangent(struct wide x)
{
    uint128 third_of_square = third(small_powers(x).square >> (SQUARE_UNIT - 128));
    x.mantissa += small_part(x, third_of_square) + 1;
    return x;
}

/* An angle as a step of the table and a rest. */
struct split {
    unsigned step;
    bool below;   /* the rest counts down from the step */
    uint128 sine; /* of the rest, in units of 2^-(64 + REST_UNIT) */
    uint128 versine;
};

WIDE_INLINE struct split split_angle(uint128 angle)
{
    struct split split;
    split.step =
        (unsigned)(((uint64_t)(angle >> 64) + (UINT64_C(1) << (63 - STEP_BITS))) >> (64 - STEP_BITS));
    uint128 from_step = angle - ((uint128)split.step << (128 - STEP_BITS));
    split.below = from_step >> 127;
    uint64_t rest = (uint64_t)((split.below ? -from_step : from_step) >> (128 - REST_UNIT));
    uint128 square = (uint128)rest * rest;
    struct powers d = {square, inner_product((uint64_t)(square >> 63), (uint64_t)(square >> 63)),
                       FOURTH_SHIFT};
    uint128 shortfall = sine_shortfall(&d);
    split.versine = versine(&d);
    split.sine = ((uint128)rest << 64) - (uint128)rest * (uint64_t)(shortfall >> 64) -
                 ((uint128)rest * (uint64_t)shortfall >> 64);
    return split;
}

static inline uint128 split_product(const struct split *split, uint128 factor)
{
    return high_product(factor, split->sine) >> (REST_UNIT - 64);
}

WIDE_INLINE struct wide sine(struct wide x)
{
    uint128 angle = fraction(x);
    if (is_small(angle)) return small_sine(wide_normalized(x.mantissa, x.exponent, x.sign));
    struct split split = split_angle(angle);
    uint128 sine = angles[split.step].sine, far = split_product(&split, angles[split.step].cosine);
    sine -= high_product(sine, split.versine);
    return wide_normalized(split.below ? sine - far : sine + far, -1, x.sign);
}

WIDE_INLINE struct wide cosine(struct wide x)
{
    uint128 angle = fraction(x);
    if (is_small(angle)) return small_cosine(wide_normalized(x.mantissa, x.exponent, x.sign));
    struct split split = split_angle(angle);
    uint128 cosine = angles[split.step].cosine, far = split_product(&split, angles[split.step].sine);
    cosine -= high_product(cosine, split.versine);
    return wide_normalized(split.below ? cosine + far : cosine - far, -1, false);
}

/* ---- operands ---- */

/* Sine of the angle that lies `quadrant` quarter turns further. */
WIDE_INLINE struct wide sine_in(unsigned quadrant, struct wide x)
{
    struct wide result = quadrant & 1 ? cosine(x) : sine(x);
    return quadrant & 2 ? wide_negate(result) : result;
}

static struct wide tangent_in(unsigned quadrant, struct wide x)
{
    if (x.exponent >= -32) return wide_div(sine_in(quadrant, x), sine_in(quadrant + 1, x));
    struct wide tangent = tiny_tangent(x);
    return quadrant & 1 ? wide_negate(wide_div(wide_one, tangent)) : tangent;
}

/* Operands without a rest: NaN, infinity, zero, too large. True: *result is what there is. */
static bool trigonometric_odd(struct float80 a, struct float80 of_zero, struct float80 *result,
                              bool *in_range, struct float_env *env)
{
    *in_range = true;
    *result = a;
    if (float80_is_odd(a))
        *result = float80_propagate(a, a, env);
    else if (float80_is_infinite(a))
        *result = float80_invalid(env);
    else if (float80_is_zero(a))
        *result = of_zero;
    else if (float80_exponent(a) >= FLOAT80_BIAS + 63)
        *in_range = false;
    else
        return float_env_stops_for(env, a);
    return true;
}

static inline bool trigonometric_special(struct float80 a, struct float80 of_zero, struct float80 *result,
                                         bool *in_range, struct float_env *env)
{
    if (likely(float80_is_normal(a) && float80_exponent(a) < FLOAT80_BIAS + 63 && !env->widened_denormal))
        return false;
    return trigonometric_odd(a, of_zero, result, in_range, env);
}

bool float80_sin(struct float80 a, struct float80 *result, struct float_env *env)
{
    bool in_range;
    struct wide x;
    if (trigonometric_special(a, a, result, &in_range, env)) return in_range;
    unsigned quadrant = reduce(a, &x);
    *result = wide_round(sine_in(quadrant, x), env);
    return true;
}

bool float80_cos(struct float80 a, struct float80 *result, struct float_env *env)
{
    bool in_range;
    struct wide x;
    if (trigonometric_special(a, float80_from_int64(1), result, &in_range, env)) return in_range;
    unsigned quadrant = reduce(a, &x);
    *result = wide_round(sine_in(quadrant + 1, x), env);
    return true;
}

bool float80_tan(struct float80 a, struct float80 *result, struct float_env *env)
{
    bool in_range;
    struct wide x;
    if (trigonometric_special(a, a, result, &in_range, env)) return in_range;
    unsigned quadrant = reduce(a, &x);
    *result = wide_round(tangent_in(quadrant, wide_normalized(x.mantissa, x.exponent, x.sign)), env);
    return true;
}

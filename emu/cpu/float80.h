/* SPDX-License-Identifier: MIT */
/*
 * 80-bit extended floating point in integers, bit-exact on every host: what the x87 FPU computes with (SDM 1,
 * chapters 4 and 8). Results, exception flags and the direction of rounding are those of the masked
 * responses, with three exceptions that depend on the masks:
 *   - an unmasked invalid operation, zero divide or denormal operand stops the operation (float_env_stops);
 *     what the function returns then means nothing, the instruction must not store it;
 *   - an unmasked overflow or underflow wraps the exponent of a float80 result by 24576 (SDM 1, 4.9.1.4 and
 *     4.9.1.5);
 *   - conversions to float32 and float64 return nothing useful then either.
 * Unnormals, pseudo-infinities and pseudo-NaNs are invalid operands, pseudo-denormals are denormals (SDM 1,
 * 8.2.2). No function keeps state; `env->raised` collects, `rounded_up` and `widened_denormal` are set,
 * everything else in `env` is only read.
 */
#ifndef EMU_CPU_FLOAT80_H
#define EMU_CPU_FLOAT80_H

#include <stdbool.h>
#include <stdint.h>

struct float80 {
    uint64_t mantissa;      /* bit 63 is the integer bit */
    uint16_t sign_exponent; /* sign in bit 15, exponent with bias 16383 */
};

/* As in the control word: RC and PC (SDM 1, 8.1.5). */
enum float_rounding { FLOAT_NEAREST, FLOAT_DOWN, FLOAT_UP, FLOAT_TRUNCATE };
enum float_precision { FLOAT_SINGLE, FLOAT_PRECISION_RESERVED, FLOAT_DOUBLE, FLOAT_EXTENDED };

/* Exceptions, at their places in the status word; masks are at the same places in the control word. */
enum {
    FLOAT_INVALID = 1,
    FLOAT_DENORMAL = 2,
    FLOAT_ZERO_DIVIDE = 4,
    FLOAT_OVERFLOW = 8,
    FLOAT_UNDERFLOW = 16,
    FLOAT_INEXACT = 32,
    FLOAT_EXCEPTIONS = 63,
    FLOAT_BEFORE =
        FLOAT_INVALID | FLOAT_DENORMAL | FLOAT_ZERO_DIVIDE, /* found before the result is computed */
};

struct float_env {
    uint8_t rounding;  /* enum float_rounding */
    uint8_t precision; /* enum float_precision: for add, sub, mul, div and sqrt only */
    uint8_t masks;     /* 1: masked */
    uint8_t raised;
    bool rounded_up;       /* the last inexact result is larger in magnitude than the exact one: C1 */
    bool widened_denormal; /* a float32 or float64 operand was denormal before it was widened */
};

/* An unmasked exception keeps the instruction from storing a result. */
static inline bool float_env_stops(const struct float_env *env)
{
    return (env->raised & ~env->masks & FLOAT_BEFORE) != 0;
}

enum float80_class {
    FLOAT80_UNSUPPORTED,
    FLOAT80_SNAN,
    FLOAT80_QNAN,
    FLOAT80_INFINITE,
    FLOAT80_ZERO,
    FLOAT80_DENORMAL,
    FLOAT80_NORMAL,
};
enum float80_class float80_classify(struct float80 a);

#define FLOAT80_SIGN        0x8000
#define FLOAT80_EXPONENT    0x7fff
#define FLOAT80_BIAS        0x3fff
#define FLOAT80_INTEGER_BIT (UINT64_C(1) << 63)
#define FLOAT80_QUIET_BIT   (UINT64_C(1) << 62)
#define FLOAT80_WRAP        24576

static inline bool float80_sign(struct float80 a)
{
    return a.sign_exponent >> 15;
}

static inline struct float80 float80_make(bool sign, unsigned exponent, uint64_t mantissa)
{
    return (struct float80){mantissa, (uint16_t)(sign << 15 | exponent)};
}

/* The real indefinite: the default QNaN of masked invalid operations (SDM 1, 4.8.3.7). */
static inline struct float80 float80_indefinite(void)
{
    return float80_make(true, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT | FLOAT80_QUIET_BIT);
}

static inline bool float80_is_nan(struct float80 a)
{
    return (a.sign_exponent & FLOAT80_EXPONENT) == FLOAT80_EXPONENT && a.mantissa > FLOAT80_INTEGER_BIT;
}

static inline struct float80 float80_zero(bool sign)
{
    return float80_make(sign, 0, 0);
}

static inline struct float80 float80_infinity(bool sign)
{
    return float80_make(sign, FLOAT80_EXPONENT, FLOAT80_INTEGER_BIT);
}

static inline struct float80 float80_negate(struct float80 a)
{
    a.sign_exponent ^= FLOAT80_SIGN;
    return a;
}

/* The result when at least one operand is a NaN or unsupported (SDM 1, table 4-7); raises invalid. */
struct float80 float80_propagate(struct float80 a, struct float80 b, struct float_env *env);

/* ---- arithmetic (float80_arith.c) ---- */
struct float80 float80_add(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_sub(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_mul(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_div(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_sqrt(struct float80 a, struct float_env *env);

/* ---- exact steps and comparison (float80_step.c) ---- */
/* One step of FPREM (nearest false: quotient truncated) or FPREM1 (nearest even). `quotient` gets its low
 * bits; `partial`: the exponents were too far apart, the result is not the remainder yet (C2). */
struct float80 float80_remainder(struct float80 a, struct float80 b, bool nearest, uint64_t *quotient,
                                 bool *partial, struct float_env *env);
/* FXTRACT: the exponent as a number is returned, *significand gets the rest. */
struct float80 float80_extract(struct float80 a, struct float80 *significand, struct float_env *env);
/* FSCALE: a * 2^trunc(b). */
struct float80 float80_scale(struct float80 a, struct float80 b, struct float_env *env);
struct float80 float80_round_to_integer(struct float80 a, struct float_env *env);

enum float_order { FLOAT_LESS, FLOAT_EQUAL, FLOAT_GREATER, FLOAT_UNORDERED };
/* `quiet`: a QNaN is no invalid operand (FUCOM). */
enum float_order float80_compare(struct float80 a, struct float80 b, bool quiet, struct float_env *env);

/* ---- transcendental functions (float80_functions.c, float80_trigonometry.c) ---- */
/* False: |a| is 2^63 or more, and *result means nothing. */
bool float80_sin(struct float80 a, struct float80 *result, struct float_env *env);
bool float80_cos(struct float80 a, struct float80 *result, struct float_env *env);
bool float80_tan(struct float80 a, struct float80 *result, struct float_env *env);
struct float80 float80_atan2(struct float80 y, struct float80 x,
                             struct float_env *env);                    /* arctan(y/x), by quadrant */
struct float80 float80_exp2m1(struct float80 a, struct float_env *env); /* 2^a - 1, |a| <= 1 */
struct float80 float80_ylog2x(struct float80 y, struct float80 x, struct float_env *env);
struct float80 float80_ylog2xp1(struct float80 y, struct float80 x,
                                struct float_env *env); /* y * log2(x + 1) */

/* ---- conversions (float80_convert.c) ---- */
struct float80 float80_from_int64(int64_t value);
/* Exact: signalling NaNs stay what they are, and a denormal only sets env->widened_denormal, so that the
 * operation that uses the operand raises the right exceptions. */
struct float80 float80_from_float32(uint32_t bits, struct float_env *env);
struct float80 float80_from_float64(uint64_t bits, struct float_env *env);
struct float80 float80_from_bcd(const uint8_t bcd[10]);
/* `bits` is 16, 32 or 64; out of range: invalid, and the integer indefinite (only the sign bit set). */
int64_t float80_to_int(struct float80 a, unsigned bits, struct float_env *env);
uint32_t float80_to_float32(struct float80 a, struct float_env *env);
uint64_t float80_to_float64(struct float80 a, struct float_env *env);
void float80_to_bcd(struct float80 a, uint8_t bcd[10], struct float_env *env);

#endif

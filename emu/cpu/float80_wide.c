/* SPDX-License-Identifier: MIT */
/* Arithmetic with 128 bits of mantissa (float80_wide.h), and its constants. */
#include "emu/cpu/float80_wide.h"

struct wide wide_from_int(int64_t value)
{
    return wide_normalized(value < 0 ? -(uint128)value : (uint128)value, 127, value < 0);
}

struct wide wide_add(struct wide a, struct wide b)
{
    if (!b.mantissa) return a;
    if (!a.mantissa) return b;
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
        struct wide other = a;
        a = b;
        b = other;
    }
    uint128 large = shift_right_sticky(a.mantissa, 1);
    uint128 small = shift_right_sticky(b.mantissa, (unsigned)(a.exponent - b.exponent) + 1);
    return wide_normalized(a.sign == b.sign ? large + small : large - small, a.exponent + 1, a.sign);
}

struct wide wide_mul(struct wide a, struct wide b)
{
    uint64_t ah = (uint64_t)(a.mantissa >> 64), al = (uint64_t)a.mantissa;
    uint64_t bh = (uint64_t)(b.mantissa >> 64), bl = (uint64_t)b.mantissa;
    uint128 low = (uint128)al * bl, cross1 = (uint128)ah * bl, cross2 = (uint128)al * bh;
    uint128 middle = (low >> 64) + (uint64_t)cross1 + (uint64_t)cross2;
    uint128 high = (uint128)ah * bh + (cross1 >> 64) + (cross2 >> 64) + (middle >> 64);
    bool lost = (uint64_t)middle | (uint64_t)low;
    return wide_normalized(high | lost, a.exponent + b.exponent + 1, a.sign ^ b.sign);
}

/* The next 64 bits of rest / divisor, for a rest below a divisor with bit 127 set, and the new rest (Knuth, The Art of
 * Computer Programming, 4.3.1, algorithm D). */
static uint64_t quotient_digit(uint128 *rest, uint128 divisor)
{
    uint64_t high = (uint64_t)(divisor >> 64), low = (uint64_t)divisor;
    uint128 quotient = *rest / high, left = *rest % high;
    while (quotient >> 64 || (uint128)(uint64_t)quotient * low > left << 64) {
        quotient--;
        left += high;
        if (left >> 64) break;
    }
    *rest = (left << 64) - (uint128)(uint64_t)quotient * low;
    return (uint64_t)quotient;
}

/* The divisor is not 0. */
struct wide wide_div(struct wide a, struct wide b)
{
    if (!a.mantissa) return (struct wide){0, 0, a.sign ^ b.sign};
    bool one = a.mantissa >= b.mantissa;
    uint128 rest = one ? a.mantissa - b.mantissa : a.mantissa;
    uint128 quotient = (uint128)quotient_digit(&rest, b.mantissa) << 64;
    quotient |= quotient_digit(&rest, b.mantissa);
    if (one) quotient = (uint128)1 << 127 | shift_right_sticky(quotient, 1);
    return (struct wide){quotient | (rest != 0), a.exponent - b.exponent - !one, a.sign ^ b.sign};
}

/* In units of 2^-127; not above 1. */
static inline uint128 fixed_from_wide(const struct wide *a)
{
    return a->exponent > -128 ? a->mantissa >> -a->exponent : 0;
}

/* Product of two such numbers, less than 2^-125 too small. */
static inline uint128 fixed_mul(uint128 a, uint128 b)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    return ((uint128)ah * bh + ((uint128)ah * bl >> 64) + ((uint128)al * bh >> 64)) << 1;
}

/* Terms beyond these are below 2^-128: |x| is below 2^(exponent + 1). */
static unsigned terms_needed(struct wide x, unsigned terms)
{
    if (x.exponent >= -1) return terms;
    unsigned needed = 128 / (unsigned)-(x.exponent + 1) + 2;
    return needed < terms ? needed : terms;
}

/* A tiny x keeps the sum off 1, be it by the last bit: results are rounded to the right side. */
static struct wide series_of_tiny(struct wide x, const struct wide *coefficients, unsigned stride,
                                  unsigned terms)
{
    struct wide sum = coefficients[(terms - 1) * stride];
    for (unsigned i = terms - 1; i-- > 0;) sum = wide_add(wide_mul(sum, x), coefficients[i * stride]);
    return sum;
}

/* All sums stay between 0 and 2, so that fixed point does. */
struct wide wide_series(struct wide x, const struct wide *coefficients, unsigned stride, unsigned terms)
{
    terms = terms_needed(x, terms);
    if (x.exponent < -64 || !x.mantissa) return series_of_tiny(x, coefficients, stride, terms);
    uint128 factor = fixed_from_wide(&x), sum = fixed_from_wide(&coefficients[(terms - 1) * stride]);
    for (unsigned i = terms - 1; i-- > 0;) {
        uint128 product = fixed_mul(sum, factor), coefficient = fixed_from_wide(&coefficients[i * stride]);
        sum = x.sign ? coefficient - product : coefficient + product;
    }
    return wide_normalized(sum, 0, false);
}

/* ---- constants ---- */

/* clang-format off */
const struct wide wide_one = {WIDE(0x8000000000000000, 0), 0, false};
const struct wide wide_pi = {WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1), 1, false};
const struct wide wide_half_pi = {WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1), 0, false};
const struct wide wide_three_quarters_pi = {WIDE(0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d), 1, false};
const struct wide wide_quarter_pi = {WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1), -1, false};
const struct wide wide_ln2 = {WIDE(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af), -1, false};
const struct wide wide_log2_e = {WIDE(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89), 0, false};

const struct wide wide_inverse_factorial[WIDE_FACTORIALS] = {
    {WIDE(0x8000000000000000, 0x0000000000000000), 0, false}, /* 1/0! */
    {WIDE(0x8000000000000000, 0x0000000000000000), 0, false}, /* 1/1! */
    {WIDE(0x8000000000000000, 0x0000000000000000), -1, false}, /* 1/2! */
    {WIDE(0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab), -3, false}, /* 1/3! */
    {WIDE(0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab), -5, false}, /* 1/4! */
    {WIDE(0x8888888888888888, 0x8888888888888889), -7, false}, /* 1/5! */
    {WIDE(0xb60b60b60b60b60b, 0x60b60b60b60b60b6), -10, false}, /* 1/6! */
    {WIDE(0xd00d00d00d00d00d, 0x00d00d00d00d00d0), -13, false}, /* 1/7! */
    {WIDE(0xd00d00d00d00d00d, 0x00d00d00d00d00d0), -16, false}, /* 1/8! */
    {WIDE(0xb8ef1d2ab6399c7d, 0x560e4472800b8ef2), -19, false}, /* 1/9! */
    {WIDE(0x93f27dbbc4fae397, 0x780b69f5333c725b), -22, false}, /* 1/10! */
    {WIDE(0xd7322b3faa271c7f, 0x3a3f25c1bee38f10), -26, false}, /* 1/11! */
    {WIDE(0x8f76c77fc6c4bdaa, 0x26d4c3d67f425f60), -29, false}, /* 1/12! */
    {WIDE(0xb092309d43684be5, 0x1c198e91d7b4269e), -33, false}, /* 1/13! */
    {WIDE(0xc9cba54603e4e905, 0xd6f8a2efd1f27546), -37, false}, /* 1/14! */
    {WIDE(0xd73f9f399dc0f88e, 0xc32b58774657f48f), -41, false}, /* 1/15! */
    {WIDE(0xd73f9f399dc0f88e, 0xc32b58774657f48f), -45, false}, /* 1/16! */
    {WIDE(0xca963b81856a5359, 0x3028cbbb8d7ff53c), -49, false}, /* 1/17! */
    {WIDE(0xb413c31dcbecbbdd, 0x8024435161554bc3), -53, false}, /* 1/18! */
    {WIDE(0x97a4da340a0ab926, 0x50f61dbdcb3a5abf), -57, false}, /* 1/19! */
    {WIDE(0xf2a15d201011283d, 0x4e5695fc785d5dff), -62, false}, /* 1/20! */
    {WIDE(0xb8dc77b6e7ab8c5f, 0x78a37e77372290c2), -66, false}, /* 1/21! */
    {WIDE(0x8671cb6dbfc294a2, 0x86485bf99c763abc), -70, false}, /* 1/22! */
    {WIDE(0xbb0da098b1c0cecb, 0xdc3826ebfb13cc27), -75, false}, /* 1/23! */
    {WIDE(0xf96780cb97abbe65, 0x25a033e54ec51034), -80, false}, /* 1/24! */
    {WIDE(0x9f9e66e8b2fd46a7, 0x22520cbbb7885c4a), -84, false}, /* 1/25! */
    {WIDE(0xc4742fe35272cd1c, 0x790285d3580a4a34), -89, false}, /* 1/26! */
    {WIDE(0xe8d58e16e6751905, 0x4d0c78aea13b9a50), -94, false}, /* 1/27! */
    {WIDE(0x850c5131a842e9b9, 0xe2e28e1aa546a152), -98, false}, /* 1/28! */
    {WIDE(0x92cfcc5a1ac56bd5, 0xf1873bb378948eb3), -103, false}, /* 1/29! */
    {WIDE(0x9c9962823eb07306, 0x56f6a614c4e2ba59), -108, false}, /* 1/30! */
    {WIDE(0xa1a6973c1fade217, 0x0f7237d35fe1c89e), -113, false}, /* 1/31! */
};

const struct wide wide_inverse_odd[WIDE_ODDS] = {
    {WIDE(0x8000000000000000, 0x0000000000000000), 0, false}, /* 1/1 */
    {WIDE(0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab), -2, false}, /* 1/3 */
    {WIDE(0xcccccccccccccccc, 0xcccccccccccccccd), -3, false}, /* 1/5 */
    {WIDE(0x9249249249249249, 0x2492492492492492), -3, false}, /* 1/7 */
    {WIDE(0xe38e38e38e38e38e, 0x38e38e38e38e38e4), -4, false}, /* 1/9 */
    {WIDE(0xba2e8ba2e8ba2e8b, 0xa2e8ba2e8ba2e8ba), -4, false}, /* 1/11 */
    {WIDE(0x9d89d89d89d89d89, 0xd89d89d89d89d89e), -4, false}, /* 1/13 */
    {WIDE(0x8888888888888888, 0x8888888888888889), -4, false}, /* 1/15 */
    {WIDE(0xf0f0f0f0f0f0f0f0, 0xf0f0f0f0f0f0f0f1), -5, false}, /* 1/17 */
    {WIDE(0xd79435e50d79435e, 0x50d79435e50d7943), -5, false}, /* 1/19 */
    {WIDE(0xc30c30c30c30c30c, 0x30c30c30c30c30c3), -5, false}, /* 1/21 */
    {WIDE(0xb21642c8590b2164, 0x2c8590b21642c859), -5, false}, /* 1/23 */
    {WIDE(0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4), -5, false}, /* 1/25 */
    {WIDE(0x97b425ed097b425e, 0xd097b425ed097b42), -5, false}, /* 1/27 */
    {WIDE(0x8d3dcb08d3dcb08d, 0x3dcb08d3dcb08d3e), -5, false}, /* 1/29 */
    {WIDE(0x8421084210842108, 0x4210842108421084), -5, false}, /* 1/31 */
    {WIDE(0xf83e0f83e0f83e0f, 0x83e0f83e0f83e0f8), -6, false}, /* 1/33 */
    {WIDE(0xea0ea0ea0ea0ea0e, 0xa0ea0ea0ea0ea0ea), -6, false}, /* 1/35 */
    {WIDE(0xdd67c8a60dd67c8a, 0x60dd67c8a60dd67d), -6, false}, /* 1/37 */
    {WIDE(0xd20d20d20d20d20d, 0x20d20d20d20d20d2), -6, false}, /* 1/39 */
    {WIDE(0xc7ce0c7ce0c7ce0c, 0x7ce0c7ce0c7ce0c8), -6, false}, /* 1/41 */
    {WIDE(0xbe82fa0be82fa0be, 0x82fa0be82fa0be83), -6, false}, /* 1/43 */
    {WIDE(0xb60b60b60b60b60b, 0x60b60b60b60b60b6), -6, false}, /* 1/45 */
    {WIDE(0xae4c415c9882b931, 0x0572620ae4c415ca), -6, false}, /* 1/47 */
    {WIDE(0xa72f05397829cbc1, 0x4e5e0a72f0539783), -6, false}, /* 1/49 */
    {WIDE(0xa0a0a0a0a0a0a0a0, 0xa0a0a0a0a0a0a0a1), -6, false}, /* 1/51 */
};

const struct wide wide_arctan_eighths[9] = {
    {0, 0, false},
    {WIDE(0xfeadd4d5617b6e32, 0xc897989f3e888ef8), -4, false}, /* atan(1/8) */
    {WIDE(0xfadbafc96406eb15, 0x6dc79ef5f7a217e6), -3, false}, /* atan(2/8) */
    {WIDE(0xb7b0ca0f26f78473, 0x8aa32122dcfe4483), -2, false}, /* atan(3/8) */
    {WIDE(0xed63382b0dda7b45, 0x6fe445ecbc3a8d03), -2, false}, /* atan(4/8) */
    {WIDE(0x8f005d5ef7f59f9b, 0x5c835e1665c43748), -1, false}, /* atan(5/8) */
    {WIDE(0xa4bc7d1934f70924, 0x19a87f2a457dac9f), -1, false}, /* atan(6/8) */
    {WIDE(0xb8053e2bc2319e73, 0xcb2da55210a4443d), -1, false}, /* atan(7/8) */
    {WIDE(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1), -1, false}, /* atan(8/8) */
};
/* clang-format on */

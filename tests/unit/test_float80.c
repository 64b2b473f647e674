/* SPDX-License-Identifier: MIT */
/*
 * 80-bit arithmetic by itself: values that can be checked by hand on every host, and on x86-64 the four
 * operations, square root, rounding and conversions against the host's FPU in every rounding and precision.
 */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/float80_operands.h"

#define ROUNDS 30000

static const struct float80 one = {0x8000000000000000, 0x3fff}, three = {0xc000000000000000, 0x4000};

static struct float_env env_of(unsigned rounding, unsigned precision)
{
    return (struct float_env){
        .rounding = (uint8_t)rounding, .precision = (uint8_t)precision, .masks = FLOAT_EXCEPTIONS};
}

static bool same(struct float80 a, struct float80 b)
{
    return a.mantissa == b.mantissa && a.sign_exponent == b.sign_exponent;
}

#define ck_float80(a, exponent, bits) ck_assert(same(a, (struct float80){bits, exponent}))

/* ---- by hand ---- */

START_TEST(one_third_is_rounded_as_asked)
{
    static const uint64_t mantissas[4] = {0xaaaaaaaaaaaaaaab, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab,
                                          0xaaaaaaaaaaaaaaaa};
    for (unsigned rounding = 0; rounding < 4; rounding++) {
        struct float_env env = env_of(rounding, FLOAT_EXTENDED);
        ck_float80(float80_div(one, three, &env), 0x3ffd, mantissas[rounding]);
        ck_assert_uint_eq(env.raised, FLOAT_INEXACT);
        ck_assert_uint_eq(env.rounded_up, !(rounding & 1));
    }
}
END_TEST

START_TEST(precision_control_shortens_results)
{
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_SINGLE);
    ck_float80(float80_div(one, three, &env), 0x3ffd, 0xaaaaab0000000000);
    env = env_of(FLOAT_NEAREST, FLOAT_DOUBLE);
    ck_float80(float80_div(one, three, &env), 0x3ffd, 0xaaaaaaaaaaaaa800);
}
END_TEST

START_TEST(square_roots)
{
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    ck_float80(float80_sqrt(float80_from_int64(144), &env), 0x4002, 0xc000000000000000);
    ck_assert_uint_eq(env.raised, 0);
    ck_float80(float80_sqrt(float80_from_int64(2), &env), 0x3fff, 0xb504f333f9de6484);
    ck_assert_uint_eq(env.raised, FLOAT_INEXACT);
    ck_assert(float80_is_nan(float80_sqrt(float80_from_int64(-1), &env)));
    ck_assert_uint_eq(env.raised, FLOAT_INEXACT | FLOAT_INVALID);
}
END_TEST

START_TEST(overflow_goes_to_infinity_or_wraps)
{
    struct float80 largest = {~UINT64_C(0), 0x7ffe};
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    ck_float80(float80_add(largest, largest, &env), 0x7fff, FLOAT80_INTEGER_BIT);
    ck_assert_uint_eq(env.raised, FLOAT_OVERFLOW | FLOAT_INEXACT);
    env = env_of(FLOAT_TRUNCATE, FLOAT_EXTENDED);
    ck_float80(float80_add(largest, largest, &env), 0x7ffe, ~UINT64_C(0));
    env.masks = FLOAT_EXCEPTIONS & ~FLOAT_OVERFLOW;
    env.raised = 0;
    ck_float80(float80_add(largest, largest, &env), 0x7fff - 24576, ~UINT64_C(0));
    ck_assert_uint_eq(env.raised, FLOAT_OVERFLOW);
}
END_TEST

START_TEST(underflow_is_gradual_or_wraps)
{
    struct float80 smallest = {FLOAT80_INTEGER_BIT, 1}, half = {FLOAT80_INTEGER_BIT, 0x3ffe};
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    ck_float80(float80_mul(smallest, half, &env), 0, FLOAT80_INTEGER_BIT >> 1);
    ck_assert_uint_eq(env.raised, 0); /* tiny, but exact */
    env.masks = FLOAT_EXCEPTIONS & ~FLOAT_UNDERFLOW;
    ck_float80(float80_mul(smallest, half, &env), 24576, FLOAT80_INTEGER_BIT);
    ck_assert_uint_eq(env.raised, FLOAT_UNDERFLOW);
}
END_TEST

START_TEST(nans_follow_the_table)
{
    struct float80 small = {0xc000000000000001, 0x7fff}, large = {0xc000000000000002, 0xffff};
    struct float80 signalling = {0xbfffffffffffffff, 0x7fff};
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    ck_assert(same(float80_add(small, large, &env), large));
    ck_assert(same(float80_add(one, small, &env), small));
    ck_assert_uint_eq(env.raised, 0);
    ck_assert(same(float80_add(signalling, small, &env), small));
    ck_float80(float80_add(one, signalling, &env), 0x7fff, 0xffffffffffffffff);
    ck_assert_uint_eq(env.raised, FLOAT_INVALID);
}
END_TEST

START_TEST(unsupported_operands_are_invalid)
{
    static const struct float80 unsupported[] = {
        {0, 0x7fff}, {1, 0x7fff}, {0x7fffffffffffffff, 0x3fff}, {0, 1}};
    for (unsigned i = 0; i < ARRAY_COUNT(unsupported); i++) {
        struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
        ck_assert(same(float80_mul(one, unsupported[i], &env), float80_indefinite()));
        ck_assert_uint_eq(env.raised, FLOAT_INVALID);
        ck_assert_int_eq(float80_classify(unsupported[i]), FLOAT80_UNSUPPORTED);
    }
}
END_TEST

START_TEST(remainder_comes_in_steps)
{
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    struct float80 rest = {FLOAT80_INTEGER_BIT, 0x3fff + 200};
    uint64_t quotient;
    bool partial = true;
    unsigned steps = 0;
    for (; partial && steps < 10; steps++)
        rest = float80_remainder(rest, three, false, &quotient, &partial, &env);
    ck_assert_uint_gt(steps, 2);
    ck_assert(same(rest, one)); /* 2^200 = 1 modulo 3 */
    rest = float80_remainder(float80_from_int64(11), three, true, &quotient, &partial, &env);
    ck_assert(same(rest, float80_negate(one)));
    ck_assert_uint_eq(quotient, 4);
}
END_TEST

START_TEST(decimals)
{
    static const uint8_t digits[10] = {0x89, 0x67, 0x45, 0x23, 0x01, 0, 0, 0, 0, 0x80};
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    uint8_t out[10];
    ck_assert(same(float80_from_bcd(digits), float80_from_int64(-123456789)));
    float80_to_bcd(float80_from_int64(-123456789), out, &env);
    ck_assert(!memcmp(digits, out, sizeof(out)));
    float80_to_bcd(float80_from_int64(1000000000000000000), out, &env);
    ck_assert_uint_eq(env.raised, FLOAT_INVALID);
}
END_TEST

START_TEST(the_transcendental_functions_know_some_values)
{
    struct float_env env = env_of(FLOAT_NEAREST, FLOAT_EXTENDED);
    struct float80 result;
    ck_assert(float80_sin(one, &result, &env));
    ck_float80(result, 0x3ffe, 0xd76aa47848677021);
    ck_assert(float80_cos(one, &result, &env));
    ck_float80(result, 0x3ffe, 0x8a51407da8345c92);
    ck_assert(float80_tan(one, &result, &env));
    ck_float80(result, 0x3fff, 0xc75922e5f71d2dc5);
    ck_float80(float80_atan2(one, one, &env), 0x3ffe, 0xc90fdaa22168c235);
    ck_float80(float80_ylog2x(one, float80_from_int64(10), &env), 0x4000, 0xd49a784bcd1b8afe);
    ck_float80(float80_ylog2x(three, float80_from_int64(8), &env), 0x4002, 0x9000000000000000);
    ck_float80(float80_exp2m1((struct float80){FLOAT80_INTEGER_BIT, 0x3ffe}, &env), 0x3ffd,
               0xd413cccfe7799211);
    ck_assert(!float80_sin((struct float80){FLOAT80_INTEGER_BIT, 0x3fff + 63}, &result, &env));
}
END_TEST

/* Sine, cosine and tangent modulo the pi of 66 bits, to the last bit, worked out with 400 bits: around the steps of the
 * table, next to multiples of pi/4, tiny, large. */
static const struct {
    struct float80 operand;
    uint8_t rounding;
    struct float80 sin_cos_tan[3];
} angles[] = {
    /* clang-format off */
    {{0x8000000000000000, 0x3fff}, FLOAT_NEAREST,
     {{0xd76aa47848677021, 0x3ffe}, {0x8a51407da8345c92, 0x3ffe}, {0xc75922e5f71d2dc5, 0x3fff}}},
    {{0xc90fdaa22168c235, 0x3ffe}, FLOAT_DOWN,
     {{0xb504f333f9de6484, 0x3ffe}, {0xb504f333f9de6484, 0x3ffe}, {0x8000000000000000, 0x3fff}}},
    {{0xc90fdaa22168c235, 0x3fff}, FLOAT_UP,
     {{0x8000000000000000, 0x3fff}, {0xffffffffffffffff, 0xbfbd}, {0xffffffffffffffff, 0xc03f}}},
    {{0xc90fdaa22168c235, 0x4000}, FLOAT_TRUNCATE,
     {{0xffffffffffffffff, 0xbfbe}, {0xffffffffffffffff, 0xbffe}, {0x8000000000000000, 0x3fbf}}},
    {{0xffffffffffffffff, 0x3ff8}, FLOAT_NEAREST,
     {{0xfffd55577776a76a, 0x3ff8}, {0xfff8000aaaa4fa51, 0x3ffe}, {0x8002aabbbc2a4570, 0x3ff9}}},
    {{0x8000000000000000, 0x3ff9}, FLOAT_DOWN,
     {{0xfffd55577776a76a, 0x3ff8}, {0xfff8000aaaa4fa51, 0x3ffe}, {0x8002aabbbc2a4570, 0x3ff9}}},
    {{0x8000000000000001, 0x3ff9}, FLOAT_UP,
     {{0xfffd55577776a76d, 0x3ff8}, {0xfff8000aaaa4fa52, 0x3ffe}, {0x8002aabbbc2a4572, 0x3ff9}}},
    {{0xbfffffffffffffff, 0x3ffa}, FLOAT_TRUNCATE,
     {{0xbfee008197dd454b, 0x3ffa}, {0xffb8035fefccf674, 0x3ffe}, {0xc024081b7222913c, 0x3ffa}}},
    {{0xc000000000000001, 0x3ffa}, FLOAT_NEAREST,
     {{0xbfee008197dd454e, 0x3ffa}, {0xffb8035fefccf675, 0x3ffe}, {0xc024081b7222913f, 0x3ffa}}},
    {{0xdeadbeefcafebabe, 0xbff5}, FLOAT_DOWN,
     {{0xdeadb7eaa42ad062, 0xbff5}, {0xffffe7c9c6bf4364, 0x3ffe}, {0xdeadccfa19d881b6, 0xbff5}}},
    {{0xc000000000000000, 0x3fe3}, FLOAT_UP,
     {{0xbfffffffffffffb9, 0x3fe3}, {0xfffffffffffffee1, 0x3ffe}, {0xc000000000000091, 0x3fe3}}},
    {{0x9249249249249249, 0x3fc0}, FLOAT_TRUNCATE,
     {{0x9249249249249248, 0x3fc0}, {0xffffffffffffffff, 0x3ffe}, {0x9249249249249249, 0x3fc0}}},
    {{0x89e12e71d89ad9c0, 0xb0d1}, FLOAT_NEAREST,
     {{0x89e12e71d89ad9c0, 0xb0d1}, {0x8000000000000000, 0x3fff}, {0x89e12e71d89ad9c0, 0xb0d1}}},
    {{0xffffffffffffffff, 0x3c00}, FLOAT_DOWN,
     {{0xfffffffffffffffe, 0x3c00}, {0xffffffffffffffff, 0x3ffe}, {0xffffffffffffffff, 0x3c00}}},
    {{0xfedcba9876543210, 0x403d}, FLOAT_UP,
     {{0x833de8ccf16b64cc, 0x3ffe}, {0xdbcc88646d324b13, 0x3ffe}, {0x98db8244736681a4, 0x3ffe}}},
    {{0xffffffffffffffff, 0xc03d}, FLOAT_TRUNCATE,
     {{0xe0ab9300da6d2684, 0xbffe}, {0xf56ec1e0a37c4176, 0x3ffd}, {0xea57f75b8bfebb70, 0xbfff}}},
    {{0x8a5cd789635d2dff, 0x4010}, FLOAT_NEAREST,
     {{0xa11b0821819e4a1f, 0xbffe}, {0xc6f32055cf49eddf, 0xbffe}, {0xcf4dc5fa04ffbf26, 0x3ffe}}},
    {{0xf00000000000000f, 0x4005}, FLOAT_DOWN,
     {{0x94a2ef3fe23b96ce, 0x3ffe}, {0xd06e2a016fe74178, 0x3ffe}, {0xb68f3ac50e39b937, 0x3ffe}}},
    /* clang-format on */
};

START_TEST(angles_are_right_to_the_last_bit)
{
    static bool (*const functions[])(struct float80, struct float80 *,
                                     struct float_env *) = {float80_sin, float80_cos, float80_tan};
    for (unsigned i = 0; i < ARRAY_COUNT(functions); i++) {
        struct float_env env = env_of(angles[_i].rounding, FLOAT_EXTENDED);
        struct float80 result, wanted = angles[_i].sin_cos_tan[i];
        ck_assert(functions[i](angles[_i].operand, &result, &env));
        ck_float80(result, wanted.sign_exponent, wanted.mantissa);
        ck_assert_uint_eq(env.raised, FLOAT_INEXACT);
    }
}
END_TEST

/* ---- against the host ---- */

#ifdef __x86_64__
struct host_result {
    uint8_t bytes[10];
    uint16_t status;
};

static uint16_t host_control(const struct float_env *env)
{
    return (uint16_t)(0x7f | env->rounding << 10 | env->precision << 8);
}

static void to_bytes(uint8_t bytes[10], struct float80 a)
{
    le64_store(bytes, a.mantissa);
    le16_store(bytes + 8, a.sign_exponent);
}

/* Runs `code` with a in ST(0) and b in ST(1). The status word has to be read before FSTP m80, which clears
 * C1, and after the other stores. */
#define OPERATION(name, code) HOST(name, code "\n fnstsw %1\n fstpt %0")
#define STORE(name, code)     HOST(name, code " %0\n fnstsw %1")
#define HOST(name, code)                                                                                     \
    static struct host_result host_##name(struct float80 a, struct float80 b, const struct float_env *env)   \
    {                                                                                                        \
        struct host_result result = {.status = 0};                                                           \
        uint8_t in_a[10], in_b[10];                                                                          \
        uint16_t control = host_control(env);                                                                \
        to_bytes(in_a, a);                                                                                   \
        to_bytes(in_b, b);                                                                                   \
        __asm__ volatile("fninit\n fldcw %2\n fldt (%4)\n fldt (%3)\n" code "\n fninit"                      \
                         : "+m"(result.bytes), "=m"(result.status)                                           \
                         : "m"(control), "r"(in_a), "r"(in_b)                                                \
                         : "memory");                                                                        \
        return result;                                                                                       \
    }
OPERATION(add, "fadd %%st(1), %%st")
OPERATION(sub, "fsub %%st(1), %%st")
OPERATION(mul, "fmul %%st(1), %%st")
OPERATION(div, "fdiv %%st(1), %%st")
OPERATION(sqrt, "fsqrt")
OPERATION(round, "frndint")
OPERATION(scale, "fscale")
STORE(float32, "fstps")
STORE(float64, "fstpl")
STORE(int16, "fistps")
STORE(int32, "fistpl")
STORE(int64, "fistpll")
STORE(bcd, "fbstp")

static struct float80 root(struct float80 a, struct float80 b, struct float_env *env)
{
    (void)b;
    return float80_sqrt(a, env);
}

static struct float80 rounded(struct float80 a, struct float80 b, struct float_env *env)
{
    (void)b;
    return float80_round_to_integer(a, env);
}

static const struct operation {
    const char *name;
    struct float80 (*ours)(struct float80 a, struct float80 b, struct float_env *env);
    struct host_result (*host)(struct float80 a, struct float80 b, const struct float_env *env);
} operations[] = {
    {"add", float80_add, host_add},       {"sub", float80_sub, host_sub}, {"mul", float80_mul, host_mul},
    {"div", float80_div, host_div},       {"sqrt", root, host_sqrt},      {"round", rounded, host_round},
    {"scale", float80_scale, host_scale},
};

static void check_result(const char *name, struct float80 a, struct float80 b, const struct float_env *env,
                         const uint8_t ours[10], const struct host_result *host)
{
    bool fine = !memcmp(ours, host->bytes, 10) && env->raised == (host->status & FLOAT_EXCEPTIONS) &&
                env->rounded_up == (host->status >> 9 & 1);
    ck_assert_msg(fine, "%s of %04x:%016llx and %04x:%016llx, rounding %u precision %u: %02x, host %02x",
                  name, a.sign_exponent, (unsigned long long)a.mantissa, b.sign_exponent,
                  (unsigned long long)b.mantissa, env->rounding, env->precision, env->raised,
                  host->status & 0x23f);
}

START_TEST(operations_are_the_hosts)
{
    const struct operation *operation = &operations[_i];
    for (unsigned i = 0; i < ROUNDS; i++) {
        static const uint8_t precisions[3] = {FLOAT_SINGLE, FLOAT_DOUBLE, FLOAT_EXTENDED};
        struct float80 a = random_float80(), b = random_float80();
        struct float_env env = env_of(pick(4), precisions[pick(3)]);
        uint8_t ours[10];
        to_bytes(ours, operation->ours(a, b, &env));
        struct host_result host = operation->host(a, b, &env);
        check_result(operation->name, a, b, &env, ours, &host);
    }
}
END_TEST

static void check_store(const char *name, struct float80 a, struct float_env *env, unsigned size,
                        uint64_t bits, struct host_result host)
{
    uint8_t ours[10] = {0};
    le_store(ours, size, bits);
    check_result(name, a, a, env, ours, &host);
    env->raised = 0;
    env->rounded_up = false;
}

START_TEST(conversions_are_the_hosts)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct float80 a = random_float80();
        struct float_env env = env_of(pick(4), FLOAT_EXTENDED);
        check_store("float32", a, &env, 4, float80_to_float32(a, &env), host_float32(a, a, &env));
        check_store("float64", a, &env, 8, float80_to_float64(a, &env), host_float64(a, a, &env));
        check_store("int16", a, &env, 2, (uint64_t)float80_to_int(a, 16, &env), host_int16(a, a, &env));
        check_store("int32", a, &env, 4, (uint64_t)float80_to_int(a, 32, &env), host_int32(a, a, &env));
        check_store("int64", a, &env, 8, (uint64_t)float80_to_int(a, 64, &env), host_int64(a, a, &env));
        uint8_t bcd[10];
        float80_to_bcd(a, bcd, &env);
        struct host_result host = host_bcd(a, a, &env);
        check_result("bcd", a, a, &env, bcd, &host);
    }
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("float80");
    TCase *tests = tcase_create("float80");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, one_third_is_rounded_as_asked);
    tcase_add_test(tests, precision_control_shortens_results);
    tcase_add_test(tests, square_roots);
    tcase_add_test(tests, overflow_goes_to_infinity_or_wraps);
    tcase_add_test(tests, underflow_is_gradual_or_wraps);
    tcase_add_test(tests, nans_follow_the_table);
    tcase_add_test(tests, unsupported_operands_are_invalid);
    tcase_add_test(tests, remainder_comes_in_steps);
    tcase_add_test(tests, decimals);
    tcase_add_test(tests, the_transcendental_functions_know_some_values);
    tcase_add_loop_test(tests, angles_are_right_to_the_last_bit, 0, (int)ARRAY_COUNT(angles));
#ifdef __x86_64__
    tcase_add_loop_test(tests, operations_are_the_hosts, 0, (int)ARRAY_COUNT(operations));
    tcase_add_test(tests, conversions_are_the_hosts);
#endif
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

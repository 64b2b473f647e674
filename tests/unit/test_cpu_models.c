/* SPDX-License-Identifier: MIT */
/*
 * CPU models: the -cpu option, and that CPUID, CR4, MSRs and opcodes all follow the model.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "tests/unit/cpu_fixture.h"

enum { CODE_AT = 0x10000 };

static struct cpu_fixture fixture;

static struct cpu_model parsed(const char *text)
{
    struct cpu_model model;
    struct error error = {""};
    ck_assert_msg(cpu_model_parse(text, &model, &error), "%s", error.text);
    return model;
}

static void start(const char *text)
{
    struct cpu_model model = parsed(text);
    cpu_fixture_create_model(&fixture, &model);
    cpu_fixture_flat(&fixture, CODE_AT);
}

static void finish(void)
{
    cpu_fixture_destroy(&fixture);
}

/* Runs the code and a HLT after it. */
static void run(const void *code, size_t size)
{
    cpu_fixture_flat(&fixture, CODE_AT);
    cpu_fixture_code(&fixture, CODE_AT, code, size);
    CODE(&fixture, CODE_AT + size, 0xf4);
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, false), CPU_STOP_HALTED);
}

static enum fault_reason last_reason(void)
{
    unsigned count;
    const struct fault_record *history = cpu_fault_history(fixture.cpu, &count);
    return count ? history[count - 1].fault.reason : REASON_NONE;
}

static void cpuid(uint32_t leaf, uint32_t out[4])
{
    uint8_t code[] = {0xb8, 0, 0, 0, 0, 0x0f, 0xa2};
    le32_store(code + 1, leaf);
    run(code, sizeof(code));
    out[0] = cpu_fixture_reg(&fixture, CPU_EAX);
    out[1] = cpu_fixture_reg(&fixture, CPU_EBX);
    out[2] = cpu_fixture_reg(&fixture, CPU_ECX);
    out[3] = cpu_fixture_reg(&fixture, CPU_EDX);
}

/* ---- the option ---- */

START_TEST(features_come_and_go_from_left_to_right)
{
    struct cpu_model model = parsed("pentium2");
    ck_assert_uint_eq(model.features, cpu_model_default.features);
    ck_assert_str_eq(model.name, "pentium2");
    ck_assert(!cpu_model_has(&model, FEATURE_NX));
    model = parsed("pentium2,+nx,-pge,cmov=off,sep=on");
    ck_assert(cpu_model_has(&model, FEATURE_NX | FEATURE_SEP));
    ck_assert(!(model.features & (FEATURE_PGE | FEATURE_CMOV)));
    model = parsed("max,-pae"); /* and what needs it */
    ck_assert(!(model.features & (FEATURE_PAE | FEATURE_NX)));
    model = parsed("max,-msr");
    ck_assert(!(model.features & (FEATURE_MSR | FEATURE_SEP | FEATURE_MTRR | FEATURE_PAT | FEATURE_NX)));
    model = parsed("pentium,+pae,+nx");
    ck_assert(cpu_model_has(&model, FEATURE_NX));
    ck_assert_uint_eq(model.physical_bits, 36);
}
END_TEST

START_TEST(wrong_options_are_explained)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"pentium3", "pentium3: there is no such CPU; there are: 486 pentium pentium2 qemu32 max"},
        {"", "there is no such CPU"},
        {"max,+sse9", "sse9: there is no such feature; there are: fpu vme"},
        {"max,nx", "nx: a feature is +NAME, -NAME, NAME=on or NAME=off"},
        {"max,nx=maybe", "nx=maybe: a feature is"},
        {"max,+nx=on", "+nx=on: a feature is"},
        {"max,,nx=on", "a feature is"},
        {"max,+", "there is no such feature"},
        {"486,+nx", "nx needs msr, which 486 does not have: add +msr before it"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct cpu_model model;
        struct error error = {""};
        ck_assert_msg(!cpu_model_parse(rows[i].text, &model, &error), "%s", rows[i].text);
        ck_assert_msg(strstr(error.text, rows[i].says) != NULL, "%s: %s", rows[i].text, error.text);
    }
}
END_TEST

/* ---- what follows ---- */

START_TEST(cpuid_says_what_the_model_is)
{
    static const struct {
        const char *model;
        uint32_t signature, features, leaves;
        bool extended;
    } rows[] = {
        {"486", 0x480, 0x0000000b, 1, false},      {"pentium", 0x543, 0x0000013f, 1, false},
        {"pentium2", 0x652, 0x0103b97f, 2, false}, {"qemu32", 0x663, 0x0101a97d, 2, true},
        {"max", 0x663, 0x0103b97f, 2, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t out[4];
        start(rows[i].model);
        cpuid(0, out);
        ck_assert_uint_eq(out[0], rows[i].leaves);
        cpuid(1, out);
        ck_assert_uint_eq(out[0], rows[i].signature);
        ck_assert_uint_eq(out[1], 0);
        ck_assert_uint_eq(out[3], rows[i].features);
        cpuid(0x80000000, out); /* else the highest basic leaf */
        if (rows[i].extended) ck_assert_uint_eq(out[0], 0x80000004);
        struct cpu_state state;
        cpu_reset(fixture.cpu);
        cpu_get_state(fixture.cpu, &state);
        ck_assert_uint_eq(state.gpr[CPU_EDX], rows[i].signature);
        finish();
    }
}
END_TEST

START_TEST(caches_brand_and_nx_in_their_leaves)
{
    uint32_t out[4];
    start("max");
    cpuid(2, out);
    ck_assert_uint_eq(out[0], 0x03020101);
    ck_assert_uint_eq(out[3], 0x0c040843);
    cpuid(0x80000001, out);
    ck_assert_uint_eq(out[3], 1u << 20);
    cpuid(0x80000002, out);
    uint8_t brand[16];
    for (unsigned i = 0; i < 4; i++) le32_store(brand + 4 * i, out[i]);
    ck_assert_mem_eq(brand, "Vitrine virtual", 15);
    finish();
    start("qemu32");
    cpuid(0x80000001, out);
    ck_assert_uint_eq(out[3], 0);
    finish();
}
END_TEST

static uint64_t apic_base_read(void *owner)
{
    (void)owner;
    return 0xfee00900; /* enabled */
}

/* The board says whether there is a local APIC; the model whether its CPUID would show it. */
START_TEST(apic_bit_needs_an_apic)
{
    static const struct cpu_apic apic = {.base_read = apic_base_read};
    struct cpu_wiring wiring = {0};
    struct cpu_model model = parsed("486");
    uint32_t out[4];
    cpu_fixture_create(&fixture);
    ck_assert(!cpu_model_has(cpu_model(fixture.cpu), FEATURE_APIC));
    cpu_free(fixture.cpu);
    fixture.clock.in_flight = NULL; /* asked the old one */
    wiring = (struct cpu_wiring){.memory = fixture.memory,
                                 .io = fixture.io,
                                 .clock = &fixture.clock,
                                 .apic = &apic,
                                 .apic_id = 5};
    fixture.cpu = cpu_new(&wiring);
    cpuid(1, out);
    ck_assert_uint_eq(out[1], 5u << 24);
    ck_assert_uint_eq(out[3], 0x0103bb7f);
    cpu_free(fixture.cpu);
    fixture.clock.in_flight = NULL; /* asked the old one */
    wiring.model = &model;
    fixture.cpu = cpu_new(&wiring);
    cpuid(1, out);
    ck_assert_uint_eq(out[1], 0);
    finish();
}
END_TEST

START_TEST(opcodes_are_those_of_the_model)
{
    static const struct {
        const char *model, *code;
        size_t size;
        bool exists;
    } rows[] = {
#define ROW(model, code, exists) {model, code, sizeof(code) - 1, exists}
        ROW("486", "\x0f\x31", false), /* rdtsc */
        ROW("pentium", "\x0f\x31", true),
        ROW("pentium,-tsc", "\x0f\x31", false),
        ROW("486", "\x0f\x32", false),                     /* rdmsr */
        ROW("486", "\x0f\xc7\x0d\x00\x00\x02\x00", false), /* cmpxchg8b */
        ROW("pentium", "\x0f\xc7\x0d\x00\x00\x02\x00", true),
        ROW("pentium", "\x0f\x44\xc1", false), /* cmovz */
        ROW("pentium2", "\x0f\x44\xc1", true),
        ROW("pentium", "\xdb\xc1", false), /* fcmovnb */
        ROW("pentium2", "\xdb\xc1", true),
        ROW("pentium", "\xdb\xf1", false),     /* fcomi */
        ROW("pentium", "\x0f\x34", false),     /* sysenter */
        ROW("pentium", "\x0f\x1f\xc0", false), /* nop Ev */
        ROW("pentium2", "\x0f\x1f\xc0", true),
        ROW("pentium", "\x0f\xae\x05\x00\x00\x02\x00", false), /* fxsave */
        ROW("pentium2", "\x0f\xae\x05\x00\x00\x02\x00", true),
        ROW("pentium2,-fxsr", "\x0f\xae\x05\x00\x00\x02\x00", false),
        ROW("pentium2,-fpu", "\xd9\xe8", false),           /* fld1 */
        ROW("max", "\x0f\x6f\xc1", false),                 /* movq mm */
        ROW("max", "\x0f\x77", false),                     /* emms */
        ROW("max", "\x0f\x28\xc1", false),                 /* movaps */
        ROW("max", "\x66\x0f\xfe\xc1", false),             /* paddd xmm */
        ROW("max", "\x0f\xae\x15\x00\x00\x02\x00", false), /* ldmxcsr */
        ROW("max", "\x0f\x33", false),                     /* rdpmc */
        ROW("486", "\x0f\xa2", true),                      /* cpuid, bswap, xadd: all of them */
        ROW("486", "\x0f\xc8", true),
        ROW("486", "\x0f\xc1\xc8", true),
#undef ROW
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        start(rows[i].model);
        run(rows[i].code, rows[i].size);
        ck_assert_msg((cpu_fixture_halted_vector(&fixture) == FAULT_UD) != rows[i].exists, "row %zu", i);
        if (!rows[i].exists) ck_assert_int_eq(last_reason(), REASON_OPCODE_NOT_ON_THIS_CPU);
        finish();
    }
}
END_TEST

START_TEST(cr4_and_msrs_are_those_of_the_model)
{
    static const struct {
        const char *model;
        uint32_t cr4_last; /* bit that can be set */
        bool cr4_exists;
        uint32_t msr;
        bool msr_exists;
    } rows[] = {
        {"486", 5, false, 0, false},
        {"pentium", 3, true, 0x10, true},
        {"pentium", 5, false, 0x174, false},
        {"pentium", 7, false, 0x2ff, false},
        {"pentium2", 5, true, 0x174, true},
        {"pentium2,-pae", 5, false, 0x277, true},
        {"pentium2", 9, true, 0xc0000080, false},
        {"max", 0, true, 0xc0000080, true},
        {"max,-vme", 0, false, 0xfe, true},
        {"qemu32", 1, false, 0xfe, false},
        {"qemu32", 2, true, 0x277, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint8_t code[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x22, 0xe0}, rdmsr[] = {0xb9, 0, 0, 0, 0, 0x0f, 0x32};
        start(rows[i].model);
        le32_store(code + 1, 1u << rows[i].cr4_last);
        run(code, sizeof(code));
        ck_assert_msg((cpu_fixture_halted_vector(&fixture) < 0) == rows[i].cr4_exists, "row %zu", i);
        le32_store(rdmsr + 1, rows[i].msr);
        run(rdmsr, sizeof(rdmsr));
        ck_assert_msg((cpu_fixture_halted_vector(&fixture) < 0) == rows[i].msr_exists, "row %zu", i);
        finish();
    }
}
END_TEST

/* VIF and VIP do not exist without VME: IRET cannot set them. */
START_TEST(eflags_are_those_of_the_model)
{
    for (unsigned vme = 0; vme < 2; vme++) {
        start(vme ? "max" : "max,-vme");
        CODE(&fixture, CODE_AT + 0x40, 0xf4);
        /* pushd 180002h; push cs; push CODE_AT + 40h; iretd */
        run("\x68\x02\x00\x18\x00\x0e\x68\x40\x00\x01\x00\xcf", 12);
        ck_assert_uint_eq(cpu_fixture_eflags(&fixture), vme ? 0x180002 : 2);
        finish();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu models");
    TCase *tests = tcase_create("models");
    tcase_add_test(tests, features_come_and_go_from_left_to_right);
    tcase_add_test(tests, wrong_options_are_explained);
    tcase_add_test(tests, cpuid_says_what_the_model_is);
    tcase_add_test(tests, caches_brand_and_nx_in_their_leaves);
    tcase_add_test(tests, apic_bit_needs_an_apic);
    tcase_add_test(tests, opcodes_are_those_of_the_model);
    tcase_add_test(tests, cr4_and_msrs_are_those_of_the_model);
    tcase_add_test(tests, eflags_are_those_of_the_model);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

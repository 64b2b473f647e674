/* SPDX-License-Identifier: MIT */
/*
 * x87 instructions: every row of the table against the processor that the test runs on, and against results
 * kept from one (x87_golden.h), for hosts that are not x86. `test_x87 golden` prints a new x87_golden.h.
 */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/x87_case.h"
#include "tests/unit/x87_golden.h"
#ifdef __x86_64__
#include "tests/unit/x87_silicon.h"
#endif

#define CASES_PER_ROW 1000

/* ---- against silicon ---- */

#ifdef __x86_64__
/* Environment and state images: control, status and tags as they are, pointers are not compared. */
static bool has_image(const struct x87_row *row)
{
    return strchr(row->operands, '/') != NULL;
}

static void forget_pointers(struct x87_case *c, bool wide)
{
    memset(c->memory + (wide ? 12 : 6), 0, wide ? 16 : 8);
}

static unsigned compare_row(struct cpu_fixture *fixture, const struct x87_row *row, const uint8_t *bytes,
                            size_t size)
{
    unsigned bad = 0;
    uint8_t opcode = bytes[size - 2], modrm = bytes[size - 1];
    bool known = silicon_is_known();
    silicon_stub *stub = silicon_code(bytes, size);
    x87_case_code(fixture, bytes, size);
    for (unsigned i = 0; i < CASES_PER_ROW; i++) {
        struct x87_case before, ours, theirs;
        random_case(&before);
        for (unsigned j = 10; has_image(row) && j < X87_MEMORY; j++) before.memory[j] = (uint8_t)random64();
        ours = theirs = before;
        x87_case_run(fixture, &ours);
        silicon_run(stub, &theirs);
        if (transcendental(opcode, modrm)) allow_ulps(&ours, &theirs, 1);
        apply_differences(row, &before, &ours, &theirs);
        if (!known && silicon_left_open(row, &before, &ours)) continue;
        if (!known) silicon_forget_conditions(row, &ours, &theirs);
        if (has_image(row)) {
            forget_pointers(&ours, size == 2);
            forget_pointers(&theirs, size == 2);
        }
        const char *what = case_differs(&ours, &theirs);
        if (opcode == 0xdf && modrm == 0xe0 && ours.ax != theirs.ax) what = "AX";
        if (!what || ++bad > 3) continue;
        printf("%02x %02x %s %s: %s\n", opcode, modrm, row->name, row->operands, what);
        print_case("before", &before);
        print_case("ours", &ours);
        print_case("silicon", &theirs);
    }
    return bad;
}

/* One opcode byte: all register forms, and one memory operand for each ModRM.reg. */
START_TEST(instructions_do_what_silicon_does)
{
    struct cpu_fixture fixture;
    unsigned bad = 0;
    cpu_fixture_create(&fixture);
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        uint8_t bytes[3] = {0x66, (uint8_t)_i, (uint8_t)modrm};
        const struct x87_row *row = x87_row((unsigned)_i, modrm);
        if (!row->name || (modrm < 0xc0 && (modrm & 0xc7))) continue;
        bad += compare_row(&fixture, row, bytes + 1, 2);
        if (has_image(row)) bad += compare_row(&fixture, row, bytes, 3);
    }
    cpu_fixture_destroy(&fixture);
    ck_assert_uint_eq(bad, 0);
}
END_TEST

/* ---- results to keep ---- */

static void golden_print(const struct golden *g)
{
    printf("    {0x%02x, 0x%02x, 0x%04x, 0x%04x, 0x%02x, 0x%03x, {{0x%llx, 0x%x}, {0x%llx, 0x%x}}, 0x%llx, "
           "0x%x,\n",
           g->opcode, g->modrm, g->control, g->status, g->used, g->flags,
           (unsigned long long)g->st[0].mantissa, g->st[0].sign_exponent,
           (unsigned long long)g->st[1].mantissa, g->st[1].sign_exponent, (unsigned long long)g->memory,
           g->memory_high);
    printf("     0x%04x, 0x%02x, 0x%03x, {{0x%llx, 0x%x}, {0x%llx, 0x%x}}, 0x%llx, 0x%x},\n", g->status_after,
           g->used_after, g->flags_after, (unsigned long long)g->st_after[0].mantissa,
           g->st_after[0].sign_exponent, (unsigned long long)g->st_after[1].mantissa,
           g->st_after[1].sign_exponent, (unsigned long long)g->memory_after, g->memory_high_after);
}

static void golden_make(unsigned opcode, unsigned modrm)
{
    uint8_t bytes[2] = {(uint8_t)opcode, (uint8_t)modrm};
    struct x87_case before, after;
    struct golden g;
    random_case(&before);
    for (unsigned i = 2; i < 8; i++) before.st[i] = float80_from_int64(i);
    after = before;
    silicon_run(silicon_code(bytes, 2), &after);
    apply_differences(x87_row(opcode, modrm), &before, &after, &after);
    golden_from(&g, bytes, &before, &after);
    golden_print(&g);
}

static int golden_main(void)
{
    for (unsigned opcode = 0xd8; opcode <= 0xdf; opcode++) {
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            const struct x87_row *row = x87_row(opcode, modrm);
            if (!row->name || has_image(row)) continue;
            bool first = modrm < 0xc0 ? !(modrm & 0xc7) : !*row->operands || (modrm & 7) == 1;
            if (!first) continue;
            for (unsigned i = 0; i < 2; i++) golden_make(opcode, modrm);
        }
    }
    return 0;
}
#endif

START_TEST(instructions_do_what_silicon_did)
{
    struct cpu_fixture fixture;
    unsigned bad = 0;
    cpu_fixture_create(&fixture);
    for (unsigned i = 0; i < ARRAY_COUNT(golden); i++) {
        const struct golden *g = &golden[i];
        uint8_t bytes[2] = {g->opcode, g->modrm};
        struct x87_case ours, theirs;
        golden_before(g, &ours);
        x87_case_code(&fixture, bytes, 2);
        x87_case_run(&fixture, &ours);
        theirs = ours;
        golden_after(g, &theirs);
        if (transcendental(g->opcode, g->modrm)) allow_ulps(&ours, &theirs, 1);
        const char *what = case_differs(&ours, &theirs);
        if (!what || ++bad > 5) continue;
        printf("row %u, %02x %02x: %s\n", i, g->opcode, g->modrm, what);
        print_case("ours", &ours);
        print_case("silicon", &theirs);
    }
    cpu_fixture_destroy(&fixture);
    ck_assert_uint_eq(bad, 0);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argv;
#ifdef __x86_64__
    if (argc > 1) return golden_main();
#else
    (void)argc;
#endif
    Suite *suite = suite_create("x87");
    TCase *tests = tcase_create("instructions");
    tcase_set_timeout(tests, 120);
#ifdef __x86_64__
    tcase_add_loop_test(tests, instructions_do_what_silicon_does, 0xd8, 0xe0);
#endif
    tcase_add_test(tests, instructions_do_what_silicon_did);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

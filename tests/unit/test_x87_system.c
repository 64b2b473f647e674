/* SPDX-License-Identifier: MIT */
/*
 * How the FPU meets the rest of the CPU: #NM, #MF, FERR# and IGNNE# (SDM 1, 8.7), pointers and the images of
 * its state (SDM 1, 8.1.8 to 8.1.10), faults in the middle of an instruction.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/cpu/internal.h"
#include "tests/unit/cpu_fixture.h"

#define AT   0x1000u
#define DATA 0x8000u

enum { MP = 2, EM = 4, TS = 8, NE = 32 };

static struct cpu_fixture fixture;
static unsigned error_changes;
static bool error_level;

static void on_error(void *owner, bool level)
{
    struct cpu_fixture *f = owner;
    error_changes++;
    error_level = level;
    f->vector = 0x75;
    cpu_set_intr(f->cpu, level);
}

static void set_up(void)
{
    error_changes = 0;
    error_level = false;
    cpu_fixture_create(&fixture);
    fixture.cpu->wiring.fpu_error = on_error;
    cpu_fixture_flat(&fixture, AT);
    fixture.cpu->s.x87 = (struct x87_state){.control = 0x37f};
    cpu_fixture_set_reg(&fixture, CPU_EBX, DATA);
}

static void tear_down(void)
{
    cpu_fixture_destroy(&fixture);
}

static struct x87_state *fpu(void)
{
    return &fixture.cpu->s.x87;
}

static void set_cr0(uint32_t bits)
{
    fixture.cpu->s.cr0 = (fixture.cpu->s.cr0 & ~(uint64_t)(MP | EM | TS | NE)) | bits;
}

static int vector_of_fault(void)
{
    cpu_run(fixture.cpu, 20, false);
    return cpu_fixture_halted_vector(&fixture);
}

/* ---- availability ---- */

START_TEST(em_and_ts_keep_instructions_away)
{
    static const uint32_t bits[2] = {EM, TS};
    for (unsigned i = 0; i < 2; i++) {
        cpu_fixture_flat(&fixture, AT);
        CODE(&fixture, AT, 0xd9, 0xe8, 0xf4); /* fld1; hlt */
        set_cr0(bits[i]);
        ck_assert_int_eq(vector_of_fault(), FAULT_NM);
        ck_assert_uint_eq(fpu()->top, 0);
    }
}
END_TEST

START_TEST(wait_needs_mp_and_ts_for_nm)
{
    static const struct {
        uint32_t cr0;
        int vector;
    } cases[] = {{TS, -1}, {MP, -1}, {EM, -1}, {MP | TS, FAULT_NM}};
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        cpu_fixture_flat(&fixture, AT);
        CODE(&fixture, AT, 0x9b, 0xf4);
        set_cr0(cases[i].cr0);
        ck_assert_int_eq(vector_of_fault(), cases[i].vector);
    }
}
END_TEST

START_TEST(empty_places_of_the_table_are_undefined)
{
    static const uint8_t holes[][2] = {{0xd9, 0x08}, {0xd9, 0xd1}, {0xd9, 0xe2}, {0xda, 0xe0},
                                       {0xdb, 0x08}, {0xdb, 0xff}, {0xdd, 0x28}, {0xdf, 0xe1}};
    for (unsigned i = 0; i < ARRAY_COUNT(holes); i++) {
        cpu_fixture_flat(&fixture, AT);
        CODE(&fixture, AT, holes[i][0], holes[i][1], 0xf4);
        ck_assert_int_eq(vector_of_fault(), FAULT_UD);
    }
}
END_TEST

/* ---- unmasked exceptions ---- */

START_TEST(a_pending_exception_is_mf_at_the_next_instruction)
{
    set_cr0(NE);
    CODE(&fixture, AT, 0xd9, 0xe8, 0xd9, 0xee, 0xdc, 0xf9, 0x90, 0xd9, 0xe8,
         0xf4); /* fld1; fldz; fdiv st1,st0; nop; fld1 */
    fpu()->control = 0x37b;
    ck_assert_int_eq(vector_of_fault(), FAULT_MF);
    ck_assert_uint_eq(cpu_fixture_read32(&fixture, cpu_fixture_reg(&fixture, CPU_ESP)),
                      AT + 7); /* the fld1 */
    ck_assert_uint_eq(fpu()->status & 0x80ff, 0x8084);
    ck_assert_uint_eq(fpu()->code_offset, AT + 4); /* the division */
    ck_assert_uint_eq(error_changes, 0);
}
END_TEST

START_TEST(control_instructions_do_not_wait)
{
    set_cr0(NE);
    CODE(&fixture, AT, 0xdb, 0xe2, 0xd9, 0xe8, 0xf4); /* fnclex; fld1; hlt */
    fpu()->control = 0x37b;
    fpu()->status = 0x8084;
    ck_assert_int_eq(vector_of_fault(), -1);
    ck_assert_uint_eq(fpu()->status & 0x80ff, 0);
}
END_TEST

START_TEST(without_ne_the_cpu_stands_still_until_irq_13)
{
    set_cr0(0);
    CODE(&fixture, AT, 0xd9, 0xe8, 0xf4);
    fpu()->control = 0x37b;
    fpu()->status = 0x8084;
    cpu_run(fixture.cpu, 1, false);
    ck_assert(error_level);
    ck_assert_uint_eq(cpu_fixture_eip(&fixture), AT); /* interrupts are off: not delivered */
    ck_assert_int_eq(cpu_run(fixture.cpu, 20, false), CPU_STOP_HALTED);
    ck_assert_uint_eq(fpu()->top, 0);
    fixture.cpu->s.eflags |= 0x200;
    ck_assert_int_eq(vector_of_fault(), 0x75);
    ck_assert_uint_eq(cpu_fixture_read32(&fixture, cpu_fixture_reg(&fixture, CPU_ESP)), AT);
}
END_TEST

START_TEST(acknowledged_errors_are_ignored_until_they_are_cleared)
{
    set_cr0(0);
    CODE(&fixture, AT, 0xd9, 0xe8, 0xdb, 0xe2, 0xf4); /* fld1; fnclex; hlt */
    fpu()->control = 0x37b;
    fpu()->status = 0x8084;
    cpu_run(fixture.cpu, 1, false);
    x87_error_acknowledge(fixture.cpu);
    ck_assert(!error_level);
    ck_assert(fpu()->error_ignored);
    fixture.cpu->s.halted = false;
    ck_assert_int_eq(vector_of_fault(), -1);
    ck_assert_uint_eq(fpu()->top, 7);
    ck_assert(!fpu()->error_ignored);
}
END_TEST

/* ---- faults ---- */

START_TEST(a_store_that_faults_changes_nothing)
{
    CODE(&fixture, AT, 0xd9, 0x1b, 0xf4); /* fstp dword [ebx] */
    fpu()->used = 1;
    fpu()->reg[0] = (struct float80){0xaaaaaaaaaaaaaaab, 0x3ffd}; /* would be inexact */
    fixture.cpu->s.segment[CPU_DS].limit = 0;
    fixture.cpu->s.segment[CPU_DS].access = 0x4093;
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    cpu_set_state(fixture.cpu, &state);
    ck_assert_int_eq(vector_of_fault(), FAULT_GP);
    ck_assert_uint_eq(fpu()->used, 1);
    ck_assert_uint_eq(fpu()->status, 0);
}
END_TEST

/* ---- images ---- */

static void fill(void)
{
    *fpu() = (struct x87_state){.control = 0x27f, .status = 0x4100, .top = 5, .used = 0x60, .opcode = 0x5e8};
    fpu()->reg[5] = float80_from_int64(-3);
    fpu()->reg[6] = float80_zero(false);
    fpu()->code_offset = 0x12345;
    fpu()->code_selector = 0x0008;
    fpu()->data_offset = 0xabcde;
    fpu()->data_selector = 0x0010;
}

static uint32_t word(unsigned n)
{
    return cpu_fixture_read32(&fixture, DATA + 4 * n);
}

START_TEST(protected_mode_image_of_32_bits)
{
    static const uint32_t expected[7] = {0xffff027f, 0xffff6900, 0xffffd3ff, 0x12345,
                                         0x05e80008, 0xabcde,    0xffff0010};
    CODE(&fixture, AT, 0xdd, 0x33, 0xdd, 0x23, 0xf4); /* fnsave [ebx]; frstor [ebx]; hlt */
    fill();
    struct x87_state before = *fpu();
    cpu_run(fixture.cpu, 1, false);
    for (unsigned i = 0; i < 7; i++) ck_assert_uint_eq(word(i), expected[i]);
    ck_assert_uint_eq(word(7), 0);
    ck_assert_uint_eq(word(8), 0xc0000000);
    ck_assert_uint_eq(word(9) & 0xffff, 0xc000);
    ck_assert_uint_eq(fpu()->control, 0x37f);
    ck_assert_uint_eq(fpu()->used, 0);
    cpu_run(fixture.cpu, 1, false);
    char where[64] = "";
    const struct state_table table = {"x87", 1, sizeof(before), x87_fields};
    ck_assert_msg(!state_differs(&table, &before, fpu(), where, sizeof(where)), "%s", where);
}
END_TEST

START_TEST(protected_mode_image_of_16_bits)
{
    static const uint16_t expected[7] = {0x027f, 0x6900, 0xd3ff, 0x2345, 0x0008, 0xbcde, 0x0010};
    CODE(&fixture, AT, 0x66, 0xd9, 0x33, 0xf4); /* fnstenv [ebx] */
    fill();
    cpu_run(fixture.cpu, 1, false);
    for (unsigned i = 0; i < 7; i++)
        ck_assert_uint_eq(le16_load(fixture.ram->host + DATA + 2 * i), expected[i]);
    ck_assert_uint_eq(fpu()->control, 0x27f);
}
END_TEST

START_TEST(real_mode_images_have_linear_pointers)
{
    static const uint16_t narrow[7] = {0x027f, 0x6900, 0xd3ff, 0x23c5, 0x15e8, 0xbdde, 0xa000};
    static const uint32_t wide[7] = {0xffff027f, 0xffff6900, 0xffffd3ff, 0xffff23c5,
                                     0x000015e8, 0xffffbdde, 0x0000a000};
    cpu_fixture_real(&fixture, 0, (uint16_t)AT);
    cpu_fixture_set_reg(&fixture, CPU_EBX, DATA);
    CODE(&fixture, AT, 0xd9, 0x37, 0x66, 0xd9, 0x37, 0xf4); /* fnstenv [bx], twice */
    fill();
    cpu_run(fixture.cpu, 1, false);
    for (unsigned i = 0; i < 7; i++)
        ck_assert_uint_eq(le16_load(fixture.ram->host + DATA + 2 * i), narrow[i]);
    cpu_run(fixture.cpu, 1, false);
    for (unsigned i = 0; i < 7; i++) ck_assert_uint_eq(word(i), wide[i]);
}
END_TEST

START_TEST(pointers_follow_instructions_with_operands)
{
    CODE(&fixture, AT, 0x90, 0xd9, 0x43, 0x04, 0xd9, 0xe0, 0xdb, 0xe2,
         0xf4); /* nop; fld [ebx+4]; fchs; fnclex; hlt */
    cpu_run(fixture.cpu, 2, false);
    ck_assert_uint_eq(fpu()->code_offset, AT + 1);
    ck_assert_uint_eq(fpu()->data_offset, DATA + 4);
    ck_assert_uint_eq(fpu()->opcode, 0x143);
    cpu_run(fixture.cpu, 2, false);
    ck_assert_uint_eq(fpu()->code_offset, AT + 4);
    ck_assert_uint_eq(fpu()->data_offset, DATA + 4);
    ck_assert_uint_eq(fpu()->opcode, 0x1e0);
}
END_TEST

/* What follows an instruction that a test carries out by itself. */
static void nothing(struct cpu *cpu, const struct insn *insn)
{
    (void)cpu;
    (void)insn;
}

START_TEST(fxsave_and_fxrstor)
{
    const struct insn insns[2] = {
        {.base = CPU_EBX, .index = REG_NONE, .segment = CPU_DS, .address_mask = 0xffffffff, .memory = true},
        {.body = nothing},
    };
    uint8_t *image = fixture.ram->host + DATA;
    memset(image, 0x5a, 512);
    fill();
    struct x87_state before = *fpu();
    body_fxsave(fixture.cpu, insns);
    ck_assert_uint_eq(word(0), 0x6900027f);
    ck_assert_uint_eq(word(1), 0x05e80060);
    ck_assert_uint_eq(word(2), 0x12345);
    ck_assert_uint_eq(word(4), 0xabcde);
    ck_assert_uint_eq(le64_load(image + 32), 0xc000000000000000);
    ck_assert_uint_eq(le64_load(image + 40), 0xc000);
    ck_assert_uint_eq(image[24], 0x5a);
    ck_assert_uint_eq(image[160], 0x5a);
    x87_reset(fpu());
    body_fxrstor(fixture.cpu, insns);
    char where[64] = "";
    const struct state_table table = {"x87", 1, sizeof(before), x87_fields};
    ck_assert_msg(!state_differs(&table, &before, fpu(), where, sizeof(where)), "%s", where);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x87 system");
    TCase *tests = tcase_create("system");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, em_and_ts_keep_instructions_away);
    tcase_add_test(tests, wait_needs_mp_and_ts_for_nm);
    tcase_add_test(tests, empty_places_of_the_table_are_undefined);
    tcase_add_test(tests, a_pending_exception_is_mf_at_the_next_instruction);
    tcase_add_test(tests, control_instructions_do_not_wait);
    tcase_add_test(tests, without_ne_the_cpu_stands_still_until_irq_13);
    tcase_add_test(tests, acknowledged_errors_are_ignored_until_they_are_cleared);
    tcase_add_test(tests, a_store_that_faults_changes_nothing);
    tcase_add_test(tests, protected_mode_image_of_32_bits);
    tcase_add_test(tests, protected_mode_image_of_16_bits);
    tcase_add_test(tests, real_mode_images_have_linear_pointers);
    tcase_add_test(tests, pointers_follow_instructions_with_operands);
    tcase_add_test(tests, fxsave_and_fxrstor);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

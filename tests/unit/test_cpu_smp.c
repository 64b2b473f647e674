/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs on one memory: code that one has decoded and another writes, INIT and startup IPIs, PAUSE; and alignment
 * checks, which are here because nothing else fits them.
 */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/cpu_fixture.h"

enum { CODE_AT = 0x10000, DATA_PAGE = 0x20000 };

static struct cpu_fixture fixture;
static struct cpu *second;

static void setup(void)
{
    cpu_fixture_create(&fixture);
    cpu_fixture_flat(&fixture, CODE_AT);
    second = cpu_fixture_add_cpu(&fixture, NULL);
    struct cpu_state state; /* in the same world, elsewhere */
    cpu_get_state(fixture.cpu, &state);
    state.gpr[CPU_ESP] = 0xa0000;
    cpu_set_state(second, &state);
}

static void teardown(void)
{
    cpu_free(second);
    cpu_fixture_destroy(&fixture);
}

static void set_eip(struct cpu *cpu, uint32_t eip)
{
    struct cpu_state state;
    cpu_get_state(cpu, &state);
    state.eip = eip;
    state.halted = false;
    cpu_set_state(cpu, &state);
}

static uint32_t reg(const struct cpu *cpu, unsigned n)
{
    struct cpu_state state;
    cpu_get_state(cpu, &state);
    return (uint32_t)state.gpr[n];
}

static void run_at(struct cpu *cpu, uint32_t eip)
{
    set_eip(cpu, eip);
    ck_assert_int_eq(cpu_run(cpu, 1000, false), CPU_STOP_HALTED);
}

/* ---- code that another CPU writes ---- */

START_TEST(write_by_one_cpu_is_seen_by_the_other)
{
    CODE(&fixture, CODE_AT, 0xb8, 1, 0, 0, 0, 0xf4);                      /* mov eax, 1; hlt */
    CODE(&fixture, 0x18000, 0xc6, 0x05, 0x01, 0x00, 0x01, 0x00, 2, 0xf4); /* mov byte [CODE_AT + 1], 2; hlt */
    run_at(fixture.cpu, CODE_AT);
    ck_assert_uint_eq(reg(fixture.cpu, CPU_EAX), 1);
    run_at(second, 0x18000);
    run_at(fixture.cpu, CODE_AT);
    ck_assert_uint_eq(reg(fixture.cpu, CPU_EAX), 2);
}
END_TEST

/* The writer had cached that the page may be written plainly, before the other decoded from it. */
START_TEST(cached_write_permission_is_taken_back)
{
    CODE(&fixture, CODE_AT, 0xb8, 1, 0, 0, 0, 0xf4);
    CODE(&fixture, 0x18000, 0xc6, 0x05, 0x01, 0x00, 0x01, 0x00, 2, 0xf4);
    run_at(second, 0x18000); /* fills its TLB; writes 2 */
    run_at(fixture.cpu, CODE_AT);
    ck_assert_uint_eq(reg(fixture.cpu, CPU_EAX), 2);
    CODE(&fixture, 0x18000 + 6, 3);
    run_at(second, 0x18000);
    run_at(fixture.cpu, CODE_AT);
    ck_assert_uint_eq(reg(fixture.cpu, CPU_EAX), 3);
}
END_TEST

/* Both have blocks in the page; a write that hits one's alone must not take the mark from the other's. */
START_TEST(mark_stays_while_any_cpu_has_code_in_the_page)
{
    CODE(&fixture, CODE_AT, 0xb8, 1, 0, 0, 0, 0xf4);
    CODE(&fixture, CODE_AT + 0x800, 0xb8, 10, 0, 0, 0, 0xf4);
    CODE(&fixture, 0x18000, 0xc6, 0x05, 0x01, 0x00, 0x01, 0x00, 2, 0xf4);  /* the first's */
    CODE(&fixture, 0x18100, 0xc6, 0x05, 0x01, 0x08, 0x01, 0x00, 20, 0xf4); /* the second's */
    for (unsigned round = 0; round < 3; round++) {
        run_at(fixture.cpu, CODE_AT);
        run_at(second, CODE_AT + 0x800);
        CODE(&fixture, 0x18000 + 6, (uint8_t)(2 + round));
        CODE(&fixture, 0x18100 + 6, (uint8_t)(20 + round));
        run_at(fixture.cpu, 0x18000); /* drops its own block: nothing of the first is left in the page */
        run_at(fixture.cpu, 0x18100);
        run_at(second, CODE_AT + 0x800);
        ck_assert_uint_eq(reg(second, CPU_EAX), 20 + round);
        run_at(fixture.cpu, CODE_AT);
        ck_assert_uint_eq(reg(fixture.cpu, CPU_EAX), 2 + round);
    }
}
END_TEST

/* An instruction over the page boundary depends on the second page too, whoever writes there. */
START_TEST(crossing_instruction_is_dropped_by_the_other_cpu)
{
    CODE(&fixture, CODE_AT + 0xffe, 0xb8, 1, 0, 0, 0, 0xf4);
    CODE(&fixture, 0x18000, 0xc6, 0x05, 0x00, 0x10, 0x01, 0x00, 9,
         0xf4); /* mov byte [CODE_AT + 1000h], 9: bits 8-15 */
    run_at(fixture.cpu, CODE_AT + 0xffe);
    run_at(second, 0x18000);
    run_at(fixture.cpu, CODE_AT + 0xffe);
    ck_assert_uint_eq(reg(fixture.cpu, CPU_EAX), 0x901);
}
END_TEST

/* Turns of a few instructions: a lock, and a counter under it. */
START_TEST(turns_share_memory)
{
    /* again: mov eax, 1; xchg [DATA_PAGE], eax; test eax, eax; jnz again; inc dword [DATA_PAGE + 4];
     * mov dword [DATA_PAGE], 0; loop again; hlt */
    CODE(&fixture, CODE_AT, 0xb8, 1, 0, 0, 0, 0x87, 0x05, 0, 0, 2, 0, 0x85, 0xc0, 0x75, 0xf1, 0xff, 0x05, 4,
         0, 2, 0, 0xc7, 0x05, 0, 0, 2, 0, 0, 0, 0, 0, 0xe2, 0xdf, 0xf4);
    struct cpu *cpus[] = {fixture.cpu, second};
    for (unsigned i = 0; i < 2; i++) {
        struct cpu_state state;
        set_eip(cpus[i], CODE_AT);
        cpu_get_state(cpus[i], &state);
        state.gpr[CPU_ECX] = 500;
        cpu_set_state(cpus[i], &state);
    }
    for (unsigned turn = 0; turn < 100000 && !(cpu_halted(cpus[0]) && cpu_halted(cpus[1])); turn++)
        cpu_run(cpus[turn & 1], 1 + turn % 7, false);
    ck_assert_uint_eq(cpu_fixture_read32(&fixture, DATA_PAGE + 4), 1000);
}
END_TEST

/* ---- INIT and startup: SDM 3A, 8.4 and table 9-1 ---- */

START_TEST(init_waits_for_startup)
{
    struct cpu_state state;
    cpu_get_state(second, &state);
    state.gpr[CPU_EBX] = 7;
    state.msr_sysenter_cs = 0x18;
    state.x87.control = 0x37f;
    state.tsc_offset = 12345;
    state.eflags |= 0x200;
    cpu_set_state(second, &state);
    cpu_init(second);
    cpu_get_state(second, &state);
    ck_assert(state.wait_for_sipi && cpu_halted(second) && cpu_idle(second));
    ck_assert_uint_eq(state.gpr[CPU_EBX], 0);
    ck_assert_uint_eq(state.gpr[CPU_EDX], 0x652);
    ck_assert_uint_eq(state.msr_sysenter_cs, 0x18);
    ck_assert_uint_eq(state.x87.control, 0x37f);
    ck_assert_int_eq(state.tsc_offset, 12345);
    ck_assert_uint_eq(state.cr0, 0x60000010);
    cpu_raise_nmi(second); /* nothing else wakes it */
    cpu_set_intr(second, true);
    ck_assert_int_eq(cpu_run(second, 100, false), CPU_STOP_HALTED);
    ck_assert_uint_eq(cpu_retired(second), 0);
    cpu_set_intr(second, false);

    cpu_init(second);
    CODE(&fixture, 0x9a000, 0x8c, 0xc8, 0xf4); /* mov ax, cs; hlt */
    cpu_startup(second, 0x9a);
    ck_assert_int_eq(cpu_run(second, 100, false), CPU_STOP_HALTED);
    ck_assert_uint_eq(reg(second, CPU_EAX), 0x9a00);
    cpu_startup(second, 0x10); /* it does not wait any more */
    cpu_get_state(second, &state);
    ck_assert_uint_eq(state.segment[CPU_CS].selector, 0x9a00);
}
END_TEST

static void init_self(struct cpu_fixture *at, bool write, unsigned size)
{
    (void)write;
    (void)size;
    cpu_init(at->cpu);
}

START_TEST(init_from_a_callback_comes_after_the_instruction)
{
    fixture.on_access = init_self;
    CODE(&fixture, CODE_AT, 0xe6, FIXTURE_PORT, 0x40, 0x40); /* out; inc eax; inc eax */
    set_eip(fixture.cpu, CODE_AT);
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, false), CPU_STOP_HALTED);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 1);
    ck_assert(cpu_idle(fixture.cpu));
}
END_TEST

START_TEST(shutdown_is_left_by_init)
{
    struct cpu_state state;
    cpu_get_state(second, &state);
    state.idtr.limit = 0;
    state.eip = CODE_AT;
    cpu_set_state(second, &state);
    CODE(&fixture, CODE_AT, 0x0f, 0x0b);
    ck_assert_int_eq(cpu_run(second, 10, false), CPU_STOP_TRIPLE_FAULT);
    cpu_init(second);
    cpu_startup(second, 0x9a);
    CODE(&fixture, 0x9a000, 0xf4);
    ck_assert_int_eq(cpu_run(second, 10, false), CPU_STOP_HALTED);
}
END_TEST

/* ---- PAUSE ---- */

START_TEST(pause_ends_a_run_when_asked)
{
    CODE(&fixture, CODE_AT, 0x40, 0xf3, 0x90, 0x40, 0x90, 0x40, 0xf4); /* inc; pause; inc; nop; inc; hlt */
    run_at(fixture.cpu, CODE_AT);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 6);
    cpu_set_pause_stops(fixture.cpu, true);
    set_eip(fixture.cpu, CODE_AT);
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, false), CPU_STOP_PAUSE);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 2);
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, false), CPU_STOP_HALTED);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 4);
    set_eip(fixture.cpu, CODE_AT);
    ck_assert_int_eq(cpu_run(fixture.cpu, 2, false), CPU_STOP_PAUSE); /* though the budget ends there, too */
}
END_TEST

/* ---- alignment: SDM 3A, 6.15, interrupt 17 ---- */

enum { AM = 1 << 18, AC = 1 << 18 };

static const struct fault *fault_of(const void *code, size_t size, uint32_t cr0, uint32_t eflags,
                                    unsigned cpl)
{
    struct cpu_state state;
    unsigned count;
    if (cpl)
        cpu_fixture_user(&fixture, CODE_AT);
    else
        cpu_fixture_flat(&fixture, CODE_AT);
    cpu_get_state(fixture.cpu, &state);
    state.cr0 |= cr0;
    state.eflags |= eflags;
    state.gpr[CPU_EBX] = DATA_PAGE + 1;
    state.gpr[CPU_ESI] = DATA_PAGE;
    state.gpr[CPU_EDI] = DATA_PAGE + 0x102;
    cpu_set_state(fixture.cpu, &state);
    cpu_fixture_code(&fixture, CODE_AT, code, size);
    CODE(&fixture, CODE_AT + size, 0xcd, 0x80); /* int 80h */
    cpu_run(fixture.cpu, 100, false);
    const struct fault_record *history = cpu_fault_history(fixture.cpu, &count);
    return count ? &history[count - 1].fault : NULL;
}
#define FAULT_OF(code, cr0, eflags, cpl) fault_of(code, sizeof(code) - 1, cr0, eflags, cpl)

START_TEST(alignment_counts_when_all_three_ask_for_it)
{
    ck_assert_ptr_null(FAULT_OF("\x8b\x03", 0, AC, 3));
    ck_assert_ptr_null(FAULT_OF("\x8b\x03", AM, 0, 3));
    ck_assert_ptr_null(FAULT_OF("\x8b\x03", AM, AC, 0));
    const struct fault *fault = FAULT_OF("\x8b\x03", AM, AC, 3); /* mov eax, [ebx] */
    ck_assert_ptr_nonnull(fault);
    ck_assert_int_eq(fault->reason, REASON_ALIGNMENT);
    ck_assert_uint_eq(fault->vector, FAULT_AC);
    ck_assert_uint_eq(fault->address, DATA_PAGE + 1);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), FAULT_AC);
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(cpu_fixture_read32(&fixture, (uint32_t)state.gpr[CPU_ESP]), 0); /* error code */
}
END_TEST

START_TEST(alignment_goes_by_the_size_of_the_operand)
{
    static const struct {
        const char *code;
        size_t size;
        bool faults;
    } rows[] = {
#define ROW(code, faults) {code, sizeof(code) - 1, faults}
        ROW("\x8a\x03", false),                                        /* mov al, [ebx] */
        ROW("\x66\x8b\x03", true),                                     /* mov ax, [ebx] */
        ROW("\x66\x8b\x43\x01", false),                                /* mov ax, [ebx + 1] */
        ROW("\x89\x43\x01", true),                                     /* mov [ebx + 1], eax */
        ROW("\x89\x43\x03", false),                                    /* mov [ebx + 3], eax */
        ROW("\x01\x43\x01", true),                                     /* add [ebx + 1], eax */
        ROW("\xdd\x43\x03", true),                                     /* fld qword [ebx + 3] */
        ROW("\xdd\x43\x07", false),     ROW("\xa5", true),             /* movsd: EDI is even only */
        ROW("\x66\xa5", false),         ROW("\x83\xc4\x02\x50", true), /* add esp, 2; push eax */
        ROW("\x9d\x8b\x03", false), /* popf takes AC away: the stack is zero */
#undef ROW
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fault *fault = fault_of(rows[i].code, rows[i].size, AM, AC, 3);
        ck_assert_msg((fault != NULL) == rows[i].faults, "row %zu", i);
        if (fault) ck_assert_int_eq(fault->reason, REASON_ALIGNMENT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpus");
    TCase *tests = tcase_create("several");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, write_by_one_cpu_is_seen_by_the_other);
    tcase_add_test(tests, cached_write_permission_is_taken_back);
    tcase_add_test(tests, mark_stays_while_any_cpu_has_code_in_the_page);
    tcase_add_test(tests, crossing_instruction_is_dropped_by_the_other_cpu);
    tcase_add_test(tests, turns_share_memory);
    tcase_add_test(tests, init_waits_for_startup);
    tcase_add_test(tests, init_from_a_callback_comes_after_the_instruction);
    tcase_add_test(tests, shutdown_is_left_by_init);
    tcase_add_test(tests, pause_ends_a_run_when_asked);
    tcase_add_test(tests, alignment_counts_when_all_three_ask_for_it);
    tcase_add_test(tests, alignment_goes_by_the_size_of_the_operand);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

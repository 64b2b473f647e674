/* SPDX-License-Identifier: MIT */
/*
 * The hardware task switch: what is saved and loaded, busy bits, NT and the back link, task gates, 16-bit TSSs, the T bit,
 * and faults on either side of the commit (SDM 3A, chapter 7). Faults before it are rows of test_cpu_faults.c.
 */
#include "tests/unit/cpu_world.h"

enum { TF = 0x100, IF = 0x200, NT = 0x4000, VM = 0x20000 };
enum { BUSY = 0x8b, AVAILABLE = 0x89, BUSY16 = 0x83, AVAILABLE16 = 0x81 };
enum {
    TASK_CODE = 0x12000,
    TASK_STACK = 0x30000,
    HANDLER_TSS = 0x4200,
    HANDLER_CODE = 0x13000,
    HANDLER_STACK = 0x31000
};
enum {
    AT_CR3 = 0x1c,
    AT_EIP = 0x20,
    AT_EFLAGS = 0x24,
    AT_EAX = 0x28,
    AT_ESP = 0x38,
    AT_ES = 0x48,
    AT_CS = 0x4c,
    AT_SS = 0x50,
    AT_DS = 0x54,
    AT_FS = 0x58,
    AT_GS = 0x5c,
    AT_LDT = 0x60,
    AT_TRAP = 0x64
};

/* A 32-bit TSS at `at` for a task of level 0 that begins at `eip`. */
static void write_tss(struct world *world, uint32_t at, uint32_t eip, uint32_t esp)
{
    for (unsigned i = 0; i < 0x68; i += 4) poke32(world, at + i, 0);
    poke32(world, at + AT_EIP, eip);
    poke32(world, at + AT_EFLAGS, 2);
    for (unsigned n = 0; n < 8; n++) poke32(world, at + AT_EAX + 4 * n, 0x11110000 + n);
    poke32(world, at + AT_ESP, esp);
    for (unsigned n = 0; n < 6; n++) poke32(world, at + AT_ES + 4 * n, DATA0);
    poke32(world, at + AT_CS, CODE0);
    poke32(world, at + AT_LDT, LDT);
    poke32(world, at + 4, esp);
    poke32(world, at + 8, DATA0);
}

/* Task A runs with TSS32; SLOT0 is the TSS of task B, whose code is a HLT. SLOT1 is the TSS of a handler, to which
 * vectors 10 to 14 lead through task gates. */
static struct world *task_world(void)
{
    struct world *world = world_new();
    write_tss(world, WORLD_TSS_NEXT, TASK_CODE, TASK_STACK);
    write_tss(world, HANDLER_TSS, HANDLER_CODE, HANDLER_STACK);
    set_descriptor(world, SLOT0, descriptor(WORLD_TSS_NEXT, 0x67, AVAILABLE, 0));
    set_descriptor(world, SLOT1, descriptor(HANDLER_TSS, 0x67, AVAILABLE, 0));
    for (unsigned vector = FAULT_TS; vector <= FAULT_PF; vector++)
        set_gate(world, vector, gate(SLOT1, 0, GATE_TASK, 0));
    poke(world, TASK_CODE, "\xf4", 1);
    poke(world, HANDLER_CODE, "\xf4", 1);
    world_protect(world, 0);
    return world;
}

static unsigned access_of(const struct world *world, uint16_t selector)
{
    return peek64(world, WORLD_GDT + (selector & 0xfff8)) >> 40 & 0xff;
}

START_TEST(jump_saves_one_task_and_loads_the_other)
{
    struct world *world = task_world();
    set_register(world, CPU_EBX, 0xb0b0b0b0);
    set_eflags(world, 1);
    ck_assert_int_eq(RUN(world, "\xea\x00\x00\x00\x00\x68\x00"), CPU_STOP_HALTED); /* jmp SLOT0 */
    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.eip, TASK_CODE + 1);
    ck_assert_uint_eq(state.gpr[CPU_EBX], 0x11110003);
    ck_assert_uint_eq(state.gpr[CPU_ESP], TASK_STACK);
    ck_assert_uint_eq(state.eflags, 2);
    ck_assert_uint_eq(state.tr.selector, SLOT0);
    ck_assert_uint_eq(state.tr.access & 0xff, BUSY);
    ck_assert_uint_eq(state.ldtr.base, WORLD_LDT);
    ck_assert_uint_eq(state.cr0 & 8, 8);
    ck_assert_uint_eq(access_of(world, TSS32), AVAILABLE);
    ck_assert_uint_eq(access_of(world, SLOT0), BUSY);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_EIP), WORLD_CODE + 7);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_EAX + 12), 0xb0b0b0b0);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_EFLAGS), 3);
    ck_assert_uint_eq(peek16(world, WORLD_TSS + AT_CS), CODE0);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT), 0); /* no back link */
    world_free(world);
}
END_TEST

/* SDM 3A, table 7-2: CALL sets NT and the back link, leaves the old task busy; IRET goes back and clears both. */
START_TEST(call_nests_and_iret_returns)
{
    struct world *world = task_world();
    poke(world, TASK_CODE, "\x9c\x59\xcf\xf4", 4); /* pushfd; pop ecx; iretd; hlt */
    ck_assert_int_eq(run(world, "\x9a\x00\x00\x00\x00\x68\x00", 7, 1), CPU_STOP_BUDGET);
    ck_assert_uint_eq(access_of(world, TSS32), BUSY);
    ck_assert_uint_eq(access_of(world, SLOT0), BUSY);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT), TSS32);
    ck_assert_int_eq(go(world, 100), CPU_STOP_HALTED);
    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.eip, WORLD_CODE + 8);
    ck_assert_uint_eq(state.tr.selector, TSS32);
    ck_assert_uint_eq(state.eflags & NT, 0);
    ck_assert_uint_eq(access_of(world, TSS32), BUSY);
    ck_assert_uint_eq(access_of(world, SLOT0), AVAILABLE);
    ck_assert_uint_eq(peek32(world, WORLD_TSS_NEXT + AT_EAX + 4),
                      NT | 2);                                       /* ECX of the task: it ran with NT */
    ck_assert_uint_eq(peek32(world, WORLD_TSS_NEXT + AT_EFLAGS), 2); /* and is saved without */
    ck_assert_uint_eq(peek32(world, WORLD_TSS_NEXT + AT_EIP), TASK_CODE + 3);
    world_free(world);
}
END_TEST

START_TEST(gate_at_level_3_leads_to_the_task)
{
    struct world *world = world_new();
    write_tss(world, WORLD_TSS_NEXT, TASK_CODE, TASK_STACK);
    poke(world, TASK_CODE, "\xf4", 1);
    set_descriptor(world, SLOT0, descriptor(WORLD_TSS_NEXT, 0x67, AVAILABLE, 0));
    set_descriptor(world, SLOT1, gate(SLOT0, 0, GATE_TASK | ACC_DPL3, 0));
    world_protect(world, 3);
    ck_assert_int_eq(RUN(world, "\x9a\x00\x00\x00\x00\x73\x00"), CPU_STOP_HALTED); /* call SLOT1, RPL 3 */
    ck_assert_uint_eq(state_of(world).cpl, 0);
    ck_assert_uint_eq(peek16(world, WORLD_TSS + AT_CS), CODE3 | 3);
    world_free(world);
}
END_TEST

/* The interrupted instruction and the error code (SDM 3A, 6.12.2). */
START_TEST(exception_through_a_task_gate)
{
    struct world *world = task_world();
    set_register(world, CPU_EAX, BEYOND);
    ck_assert_int_eq(RUN(world, "\x8e\xd8"), CPU_STOP_HALTED); /* mov ds, ax */
    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.eip, HANDLER_CODE + 1);
    ck_assert_uint_eq(state.tr.selector, SLOT1);
    ck_assert_uint_eq(state.gpr[CPU_ESP], HANDLER_STACK - 4);
    ck_assert_uint_eq(peek32(world, HANDLER_STACK - 4), BEYOND);
    ck_assert_uint_eq(state.eflags & NT, NT);
    ck_assert_uint_eq(peek16(world, HANDLER_TSS), TSS32);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_EIP), WORLD_CODE);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_EFLAGS), 0x10002); /* RF: it is a fault */
    world_free(world);
}
END_TEST

START_TEST(hardware_interrupt_through_a_task_gate_and_back)
{
    struct world *world = task_world();
    set_gate(world, 0x44, gate(SLOT0, 0, GATE_TASK, 0));
    poke(world, TASK_CODE, "\xcf", 1);
    world->fixture.vector = 0x44;
    set_eflags(world, IF);
    cpu_set_intr(world->cpu, true);
    ck_assert_int_eq(RUN(world, "\x40"), CPU_STOP_HALTED); /* inc eax */
    ck_assert_uint_eq(world->fixture.acknowledged, 1);
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 2);
    ck_assert_uint_eq(eflags_of(world) & (IF | NT), IF);
    ck_assert_uint_eq(access_of(world, SLOT0), AVAILABLE);
    world_free(world);
}
END_TEST

START_TEST(tss_of_16_bits)
{
    static const uint16_t image[] = {
        0,      0x6000, DATA0,  0,      0,      0,      0,      TASK_CODE & 0xffff,
        0x0002, 0x1111, 0x2222, 0x3333, 0x4444, 0x7000, 0x5555, 0x6666,
        0x7777, DATA0,  CODE16, DATA0,  DATA0,  LDT};
    struct world *world = task_world();
    set_descriptor(world, CODE16, descriptor(TASK_CODE & 0xf0000, 0xffff, ACC_CODE, BYTES16));
    set_descriptor(world, SLOT2, descriptor(WORLD_TSS_NEXT + 0x100, 0x2b, AVAILABLE16, 0));
    for (unsigned i = 0; i < ARRAY_COUNT(image); i++) poke16(world, WORLD_TSS_NEXT + 0x100 + 2 * i, image[i]);
    poke(world, TASK_CODE, "\x40\xcf", 2); /* inc ax; iret */
    ck_assert_int_eq(RUN(world, "\x9a\x00\x00\x00\x00\x78\x00"), CPU_STOP_HALTED);
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 8);
    ck_assert_uint_eq(state_of(world).tr.selector, TSS32);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT + 0x100), TSS32);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT + 0x100 + 0x0e), (TASK_CODE & 0xffff) + 2);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT + 0x100 + 0x12), 0x1112);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT + 0x100 + 0x1a), 0x7000);
    ck_assert_uint_eq(access_of(world, SLOT2), AVAILABLE16);
    world_free(world);
}
END_TEST

START_TEST(page_tables_change_with_the_task)
{
    struct world *world = task_world();
    world_paging(world);
    poke32(world, WORLD_PAGES + 0x2000, peek32(world, WORLD_PAGES));
    poke32(world, WORLD_TSS_NEXT + AT_CR3, WORLD_PAGES + 0x2000);
    RUN(world, "\xea\x00\x00\x00\x00\x68\x00");
    ck_assert_uint_eq(state_of(world).cr3, WORLD_PAGES + 0x2000);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_CR3), 0); /* is not saved (SDM 3A, 7.2.1) */
    world_free(world);
}
END_TEST

/* SDM 3A, 7.3, step 7: with a page of the new TSS missing the fault is the old task's, and nothing has changed. */
START_TEST(missing_page_is_found_before_anything_changes)
{
    struct world *world = task_world();
    world_paging(world);
    world_page(world, WORLD_TSS_NEXT, 6);
    set_gate(world, FAULT_PF, gate(CODE0, WORLD_HANDLERS + FAULT_PF, GATE_INT32, 0));
    RUN(world, "\xea\x00\x00\x00\x00\x68\x00");
    expect_fault(world, FAULT_PF, 0, REASON_PTE_NOT_PRESENT);
    ck_assert_uint_eq(last_fault(world)->eip, WORLD_CODE);
    ck_assert_uint_eq(access_of(world, SLOT0), AVAILABLE);
    ck_assert_uint_eq(access_of(world, TSS32), BUSY);
    world_free(world);
}
END_TEST

START_TEST(task_may_be_of_virtual_8086_mode)
{
    struct world *world = task_world();
    poke32(world, WORLD_TSS_NEXT + AT_EFLAGS, VM | 2);
    poke32(world, WORLD_TSS_NEXT + AT_EIP, 0x10);
    for (unsigned n = 0; n < 6; n++) poke32(world, WORLD_TSS_NEXT + AT_ES + 4 * n, 0x1200 + n);
    poke(world, 0x12010 + 0x10, "\xb8\x34\x12\xf4", 4); /* mov ax, 1234h; hlt */
    RUN(world, "\x9a\x00\x00\x00\x00\x68\x00");
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);
    ck_assert_uint_eq(last_fault(world)->cs, 0x1201);
    ck_assert_uint_eq(last_fault(world)->eip, 0x13);
    ck_assert_uint_eq(peek16(world, WORLD_TSS_NEXT + AT_GS), 0x1205); /* saved by the switch to the handler */
    ck_assert_uint_eq(peek32(world, WORLD_TSS_NEXT + AT_EFLAGS) & (VM | NT), VM | NT);
    world_free(world);
}
END_TEST

/* SDM 3B, 17.3.1.5; 17.2.4: the local breakpoints are the old task's. */
START_TEST(trap_bit_stops_before_the_first_instruction)
{
    struct world *world = task_world();
    struct cpu_state state = state_of(world);
    state.dr[0] = TASK_CODE;
    state.dr[7] = 0x401;
    set_state(world, &state);
    poke32(world, WORLD_TSS_NEXT + AT_TRAP, 1);
    RUN(world, "\xea\x00\x00\x00\x00\x68\x00");
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_TASK_SWITCH);
    expect_in_handler(world, FAULT_DB);
    ck_assert_uint_eq(last_fault(world)->eip, TASK_CODE);
    ck_assert_uint_eq(state_of(world).dr[6] & 0xe00f, 0x8000);
    ck_assert_uint_eq(state_of(world).dr[7], 0x400);
    world_free(world);
}
END_TEST

/* ---- faults of the new task: SDM 3A, table 7-1 ---- */

static const struct row {
    enum fault_reason reason;
    uint8_t vector;
    uint16_t error;
    uint8_t at; /* in the TSS of the new task */
    uint32_t value;
    uint64_t slot2;
} rows[] = {
    {REASON_LDT_SELECTOR_LOCAL, FAULT_TS, 0x0c, AT_LDT, 0x0c, 0},
    {REASON_LDT_WRONG_TYPE, FAULT_TS, DATA0, AT_LDT, DATA0, 0},
    {REASON_LDT_NOT_PRESENT, FAULT_TS, SLOT2, AT_LDT, SLOT2, UINT64_C(0x0000020000000000)},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_TS, BEYOND, AT_LDT, BEYOND, 0},
    {REASON_CS_NULL, FAULT_TS, 0, AT_CS, 0, 0},
    {REASON_CS_NOT_CODE, FAULT_TS, DATA0, AT_CS, DATA0, 0},
    {REASON_TASK_CS_DPL, FAULT_TS, CODE3, AT_CS, CODE3, 0},
    {REASON_CS_NOT_PRESENT, FAULT_NP, SLOT2, AT_CS, SLOT2, UINT64_C(0x00cf1b000000ffff)},
    {REASON_SELECTOR_BEYOND_LDT, FAULT_TS, 0x14, AT_CS, 0x14, 0},
    {REASON_SS_NULL, FAULT_TS, 0, AT_SS, 0, 0},
    {REASON_SS_RPL, FAULT_TS, DATA0, AT_SS, DATA0 | 1, 0},
    {REASON_SS_NOT_WRITABLE, FAULT_TS, CODE0, AT_SS, CODE0, 0},
    {REASON_SS_DPL, FAULT_TS, DATA3, AT_SS, DATA3, 0},
    {REASON_SS_NOT_PRESENT, FAULT_SS, SLOT2, AT_SS, SLOT2, UINT64_C(0x00cf13000000ffff)},
    {REASON_DATA_NOT_READABLE, FAULT_TS, TSS32, AT_DS, TSS32, 0},
    {REASON_DATA_DPL, FAULT_TS, DATA0, AT_ES, DATA0 | 3, 0},
    {REASON_DATA_NOT_PRESENT, FAULT_NP, SLOT2, AT_FS, SLOT2, UINT64_C(0x00cf13000000ffff)},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_TS, BEYOND, AT_GS, BEYOND, 0},
    {REASON_CS_LIMIT, FAULT_GP, 0, AT_CS, SLOT2, UINT64_C(0x00409b0000000fff)},
};

/* The handler is a task: its link names the task at fault, whose saved EIP is its first instruction. */
START_TEST(fault_of_the_new_task)
{
    const struct row *row = &rows[_i];
    struct world *world = task_world();
    if (row->slot2) set_descriptor(world, SLOT2, row->slot2);
    poke32(world, WORLD_TSS_NEXT + row->at, row->value);
    ck_assert_int_eq(RUN(world, "\xea\x00\x00\x00\x00\x68\x00"), CPU_STOP_HALTED);
    expect_fault(world, row->vector, row->error, row->reason);
    ck_assert_uint_eq(last_fault(world)->eip, TASK_CODE);
    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.eip, HANDLER_CODE + 1);
    ck_assert_uint_eq(peek32(world, HANDLER_STACK - 4), row->error);
    ck_assert_uint_eq(peek16(world, HANDLER_TSS), SLOT0);
    ck_assert_uint_eq(peek32(world, WORLD_TSS_NEXT + AT_EIP), TASK_CODE);
    world_free(world);
}
END_TEST

/* The same while an interrupt was being delivered: the fault has EXT, and the old task is still where it was. */
START_TEST(fault_of_the_new_task_during_delivery)
{
    struct world *world = task_world();
    set_gate(world, 0x44, gate(SLOT0, 0, GATE_TASK, 0));
    poke32(world, WORLD_TSS_NEXT + AT_DS, TSS32);
    world->fixture.vector = 0x44;
    set_eflags(world, IF);
    cpu_set_intr(world->cpu, true);
    RUN(world, "\x40");
    expect_fault(world, FAULT_TS, TSS32 | 1, REASON_DATA_NOT_READABLE);
    ck_assert_uint_eq(state_of(world).eip, HANDLER_CODE + 1);
    ck_assert_uint_eq(peek32(world, WORLD_TSS + AT_EIP), WORLD_CODE);
    ck_assert_uint_eq(peek32(world, WORLD_TSS_NEXT + AT_EIP), TASK_CODE);
    world_free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu task switch");
    TCase *tests = tcase_create("tasks");
    tcase_add_test(tests, jump_saves_one_task_and_loads_the_other);
    tcase_add_test(tests, call_nests_and_iret_returns);
    tcase_add_test(tests, gate_at_level_3_leads_to_the_task);
    tcase_add_test(tests, exception_through_a_task_gate);
    tcase_add_test(tests, hardware_interrupt_through_a_task_gate_and_back);
    tcase_add_test(tests, tss_of_16_bits);
    tcase_add_test(tests, page_tables_change_with_the_task);
    tcase_add_test(tests, missing_page_is_found_before_anything_changes);
    tcase_add_test(tests, task_may_be_of_virtual_8086_mode);
    tcase_add_test(tests, trap_bit_stops_before_the_first_instruction);
    tcase_add_loop_test(tests, fault_of_the_new_task, 0, (int)ARRAY_COUNT(rows));
    tcase_add_test(tests, fault_of_the_new_task_during_delivery);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

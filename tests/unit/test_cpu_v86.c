/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode: in by IRET, out by interrupts, 8086 segments, the virtual interrupt flag and the redirection bitmap
 * (SDM 3B, chapter 20). Its single faults are rows of test_cpu_faults.c.
 */
#include "tests/unit/cpu_world.h"

enum {
    CF = 1,
    TF = 0x100,
    IF = 0x200,
    IOPL3 = 0x3000,
    NT = 0x4000,
    VM = 0x20000,
    VIF = 0x80000,
    VIP = 0x100000
};
enum { VME = 1, PVI = 2 };
enum { STACK = WORLD_STACK3 + 0x1000 }; /* linear top of stack of world_v86 */

static struct world *v86_world(uint32_t cr4, uint32_t eflags)
{
    struct world *world = world_new();
    world_v86(world);
    struct cpu_state state = state_of(world);
    state.cr4 |= cr4;
    state.eflags |= eflags;
    set_state(world, &state);
    return world;
}

/* Runs `code` and then the HLT after it, which is #GP(0) and shows where the program was. */
static void run_v86(struct world *world, const void *code, size_t size)
{
    ck_assert_int_eq(run(world, code, size, 100), CPU_STOP_HALTED);
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);
    ck_assert_uint_eq(last_fault(world)->eip, size);
}
#define RUN_V86(world, code) run_v86(world, code, sizeof(code) - 1)

/* On the stack of level 0: error code, EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS. */
static uint32_t frame(const struct world *world, unsigned n)
{
    return peek32(world, WORLD_STACK0 - 40 + 4 * n);
}

START_TEST(iret_goes_in_and_a_fault_comes_out)
{
    static const uint32_t image[] = {0x10,   0x1000, VM | IF | NT | 2, 0xfff0, 0x2800,
                                     0x1111, 0x2222, 0x3333,           0x4444};
    struct world *world = protected_world(0);
    for (unsigned i = 0; i < ARRAY_COUNT(image); i++) poke32(world, WORLD_STACK0 - 36 + 4 * i, image[i]);
    set_register(world, CPU_ESP, WORLD_STACK0 - 36);
    poke(world, WORLD_CODE + 0x10, "\xb8\x34\x12\xf4", 4); /* mov ax, 1234h; hlt */
    ck_assert_int_eq(RUN(world, "\xcf"), CPU_STOP_HALTED);
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);
    expect_in_handler(world, FAULT_GP);
    ck_assert_uint_eq(last_fault(world)->linear, WORLD_CODE + 0x13);
    ck_assert_uint_eq(last_fault(world)->cpl, 3);
    const uint32_t expected[] = {0,      0x13,   0x1000, VM | IF | NT | 0x10002, 0xfff0, 0x2800, 0x1111,
                                 0x2222, 0x3333, 0x4444};
    for (unsigned i = 0; i < ARRAY_COUNT(expected); i++) ck_assert_uint_eq(frame(world, i), expected[i]);

    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.eflags & (VM | IF | NT), 0);
    ck_assert_uint_eq(state.cpl, 0);
    ck_assert_uint_eq(state.segment[CPU_CS].selector, CODE0);
    ck_assert_uint_eq(state.segment[CPU_SS].selector, DATA0);
    for (unsigned n = CPU_ES; n < CPU_SEGMENTS; n++)
        if (n != CPU_CS && n != CPU_SS) ck_assert_uint_eq(state.segment[n].selector, 0);
    ck_assert_uint_eq(state.gpr[CPU_EAX] & 0xffff, 0x1234);
    world_free(world);
}
END_TEST

/* And back by IRET, to the instruction after the interrupt. */
START_TEST(handler_returns_into_the_mode)
{
    struct world *world = v86_world(0, IF | IOPL3);
    set_gate(world, 0x30, gate(CODE0, 0x11000, GATE_INT32 | ACC_DPL3, 0));
    poke(world, 0x11000, "\x66\x8c\xda\xcf", 4); /* mov dx, ds; iretd */
    set_register(world, CPU_EDX, 0x5555);
    RUN_V86(world, "\xcd\x30\x8c\xd8"); /* int 30h; mov ax, ds */
    ck_assert_uint_eq(get_register(world, CPU_EDX) & 0xffff, 0);
    ck_assert_uint_eq(get_register(world, CPU_EAX) & 0xffff, WORLD_STACK3 >> 4);
    ck_assert_uint_eq(frame(world, 3) & (VM | IF | IOPL3), VM | IF | IOPL3);
    ck_assert_uint_eq(frame(world, 4), 0x1000);
    world_free(world);
}
END_TEST

START_TEST(segments_are_those_of_the_8086)
{
    struct world *world = v86_world(0, 0);
    poke16(world, 0x54320 + 8, 0xcafe);
    poke(world, 0x30000, "\xcb", 1); /* retf */
    /* mov ax, 5432h; mov ds, ax; mov bx, [8]; call 3000:0000; mov cs:[100h], bx */
    RUN_V86(world, "\xb8\x32\x54\x8e\xd8\x8b\x1e\x08\x00\x9a\x00\x00\x00\x30\x2e\x89\x1e\x00\x01");
    ck_assert_uint_eq(get_register(world, CPU_EBX) & 0xffff, 0xcafe);
    ck_assert_uint_eq(peek16(world, WORLD_CODE + 0x100), 0xcafe);
    ck_assert_uint_eq(frame(world, 4), 0x1000);
    ck_assert_uint_eq(frame(world, 7), 0x5432);

    world_v86(world);
    ck_assert_int_eq(run(world, "\x67\x66\x8b\x05\xfd\xff\x00\x00", 8, 100),
                     CPU_STOP_HALTED); /* mov eax, [dword 0fffdh] */
    expect_fault(world, FAULT_GP, 0, REASON_SEGMENT_LIMIT);
    world_free(world);
}
END_TEST

/* SDM 1, 19.5.2: the bitmap alone counts, whatever IOPL is. */
START_TEST(ports_go_by_the_bitmap)
{
    struct world *world = v86_world(0, 0);
    world->fixture.mmio_value = 0x42;
    poke16(world, WORLD_TSS + 0x88 + FIXTURE_PORT / 8, 0xfffe);
    RUN_V86(world, "\xe4\x80"); /* in al, 80h */
    ck_assert_uint_eq(get_register(world, CPU_EAX) & 0xff, 0x42);
    world_v86(world);
    poke16(world, WORLD_TSS + 0x88 + FIXTURE_PORT / 8, 0xfffe);
    run(world, "\xe5\x80", 2, 100); /* in ax, 80h: the next port is forbidden */
    expect_fault(world, FAULT_GP, 0, REASON_IO_PERMISSION);
    world_free(world);
}
END_TEST

START_TEST(iopl_3_has_the_real_interrupt_flag)
{
    struct world *world = v86_world(0, IOPL3 | IF);
    /* cli; pushf; pop ax; sti; pushf; pop bx; push 4203h; popf; pushfd; pop ecx */
    RUN_V86(world, "\xfa\x9c\x58\xfb\x9c\x5b\x68\x03\x42\x9d\x66\x9c\x66\x59");
    ck_assert_uint_eq(get_register(world, CPU_EAX) & 0xffff, IOPL3 | 2);
    ck_assert_uint_eq(get_register(world, CPU_EBX) & 0xffff, IOPL3 | IF | 2);
    ck_assert_uint_eq(get_register(world, CPU_ECX), NT | IOPL3 | IF | CF | 2);
    world_free(world);
}
END_TEST

/* SDM 3B, 20.3.2: CLI, STI, PUSHF and POPF work on VIF in the place of IF. */
START_TEST(vme_gives_a_virtual_interrupt_flag)
{
    struct world *world = v86_world(VME, IF);
    /* sti; pushf; pop ax; cli; pushf; pop bx; push 203h; popf */
    RUN_V86(world, "\xfb\x9c\x58\xfa\x9c\x5b\x68\x03\x02\x9d");
    ck_assert_uint_eq(get_register(world, CPU_EAX) & 0xffff, IOPL3 | IF | 2);
    ck_assert_uint_eq(get_register(world, CPU_EBX) & 0xffff, IOPL3 | 2);
    ck_assert_uint_eq(frame(world, 3) & ~0x10000u, VM | VIF | IF | CF | 2); /* IF and IOPL as they were */
    world_free(world);
}
END_TEST

START_TEST(pvi_gives_one_to_protected_mode)
{
    struct world *world = protected_world(3);
    struct cpu_state state = state_of(world);
    state.cr4 |= PVI;
    state.eflags |= IF;
    set_state(world, &state);
    run(world, "\xfb\x9c\xfa\x9c", 4, 4); /* sti; pushfd; cli; pushfd */
    ck_assert_uint_eq(peek32(world, WORLD_STACK3 - 4), VIF | IF | 2);
    ck_assert_uint_eq(peek32(world, WORLD_STACK3 - 8), IF | 2);
    world_free(world);
}
END_TEST

/* SDM 3B, 20.3.3.2 (methods 5 and 6): INT n goes to the 8086 handler, which returns by a 16-bit IRET. */
START_TEST(redirected_interrupt_stays_in_the_mode)
{
    for (unsigned iopl = 0; iopl <= IOPL3; iopl += IOPL3) {
        struct world *world = v86_world(VME, iopl | IF | VIF);
        poke32(world, 4 * 0x21, 0x30000005); /* 3000:0005 */
        poke(world, 0x30005, "\x9c\x5b\x89\xe5\x8b\x4e\x04\xcf",
             8);                            /* pushf; pop bx; mov bp, sp; mov cx, [bp+4]; iret */
        RUN_V86(world, "\xcd\x21\x9c\x58"); /* int 21h; pushf; pop ax */
        ck_assert_uint_eq(get_register(world, CPU_EBX) & 0xffff, IOPL3 | 2);
        ck_assert_uint_eq(get_register(world, CPU_ECX) & 0xffff, IOPL3 | IF | 2);
        ck_assert_uint_eq(get_register(world, CPU_EAX) & 0xffff, IOPL3 | IF | 2);
        ck_assert_uint_eq(peek16(world, STACK - 6), 2);
        ck_assert_uint_eq(peek16(world, STACK - 4), WORLD_CODE >> 4);
        ck_assert_uint_eq(frame(world, 3) & (VM | VIF | IF | IOPL3), VM | VIF | IF | iopl);
        world_free(world);
    }
}
END_TEST

START_TEST(vector_with_its_bit_set_goes_to_the_idt)
{
    struct world *world = v86_world(VME, IOPL3);
    set_gate(world, 0x21, gate(CODE0, WORLD_HANDLERS + 0x21, GATE_INT32 | ACC_DPL3, 0));
    poke16(world, WORLD_TSS + 0x88 - 32 + 4, 2); /* bit 21h */
    RUN(world, "\xcd\x21");
    expect_in_handler(world, 0x21);
    world_v86(world);
    struct cpu_state state = state_of(world);
    state.cr4 |= VME;
    set_state(world, &state);
    poke16(world, WORLD_TSS + 0x88 - 32 + 4, 2);
    RUN(world, "\xcd\x21");
    expect_fault(world, FAULT_GP, 0, REASON_V86_INT_IOPL);
    world_free(world);
}
END_TEST

/* INT3 is not governed by IOPL and never redirected (SDM 3B, 20.2.7). */
START_TEST(int3_goes_to_the_idt)
{
    struct world *world = v86_world(VME, 0);
    set_gate(world, 3, gate(CODE0, WORLD_HANDLERS + 3, GATE_INT32 | ACC_DPL3, 0));
    RUN(world, "\xcc");
    expect_in_handler(world, 3);
    world_free(world);
}
END_TEST

START_TEST(external_interrupt_leaves_the_mode)
{
    struct world *world = v86_world(VME, IF); /* IF counts for it, not VIF */
    world->fixture.vector = 0x44;
    cpu_set_intr(world->cpu, true);
    RUN(world, "\x90");
    expect_in_handler(world, 0x44);
    ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 36), 0); /* no error code: EIP lies one higher */
    ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 4), WORLD_STACK3 >> 4);
    world_free(world);
}
END_TEST

START_TEST(iret_with_vme_checks_the_flags)
{
    struct world *world = v86_world(VME, VIP);
    run(world, "\x68\x00\x02\x68\x00\x10\x68\x00\x00\xcf", 10, 100); /* push IF; push 1000h; push 0; iret */
    expect_fault(world, FAULT_GP, 0, REASON_V86_FLAGS);
    world_free(world);
}
END_TEST

/* SDM 2, SYSENTER: leaves virtual-8086 mode. */
/* Each of the two alone is let in, and both without VME. */
START_TEST(iret_goes_in_with_vif_or_vip)
{
    static const struct {
        uint32_t cr4, eflags;
    } rows[] = {{VME, VIF}, {VME, VIP}, {0, VIF | VIP}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        const uint32_t image[] = {0x10, 0x1000, VM | rows[i].eflags | 2, 0xfff0, 0x2800, 0, 0, 0, 0};
        struct world *world = protected_world(0);
        struct cpu_state state = state_of(world);
        state.cr4 |= rows[i].cr4;
        set_state(world, &state);
        for (unsigned n = 0; n < ARRAY_COUNT(image); n++) poke32(world, WORLD_STACK0 - 36 + 4 * n, image[n]);
        set_register(world, CPU_ESP, WORLD_STACK0 - 36);
        poke(world, WORLD_CODE + 0x10, "\xf4", 1);
        ck_assert_int_eq(RUN(world, "\xcf"), CPU_STOP_HALTED);
        expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);
        ck_assert_uint_eq(frame(world, 3) & (VM | VIF | VIP), VM | rows[i].eflags);
        world_free(world);
    }
}
END_TEST

START_TEST(sysenter_leaves_the_mode)
{
    struct world *world = v86_world(0, IF);
    struct cpu_state state = state_of(world);
    state.msr_sysenter_cs = CODE0;
    state.msr_sysenter_eip = WORLD_HANDLERS;
    state.msr_sysenter_esp = WORLD_STACK0;
    set_state(world, &state);
    RUN(world, "\x0f\x34");
    expect_in_handler(world, 0);
    ck_assert_uint_eq(eflags_of(world) & (VM | IF), 0);
    ck_assert_uint_eq(state_of(world).cpl, 0);
    world_free(world);
}
END_TEST

START_TEST(fpu_images_have_real_mode_form)
{
    struct world *world = v86_world(0, 0);
    RUN_V86(world, "\xd9\xe8\xd9\x36\x00\x02"); /* fld1; fnstenv [200h] */
    /* Linear address of FLD1 in 20 bits, not selector and offset (SDM 1, figure 8-12). */
    ck_assert_uint_eq(peek16(world, WORLD_STACK3 + 0x206), WORLD_CODE & 0xffff);
    ck_assert_uint_eq(peek16(world, WORLD_STACK3 + 0x208) >> 12, WORLD_CODE >> 16);
    world_free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu virtual-8086 mode");
    TCase *tests = tcase_create("v86");
    tcase_add_test(tests, iret_goes_in_and_a_fault_comes_out);
    tcase_add_test(tests, handler_returns_into_the_mode);
    tcase_add_test(tests, segments_are_those_of_the_8086);
    tcase_add_test(tests, ports_go_by_the_bitmap);
    tcase_add_test(tests, iopl_3_has_the_real_interrupt_flag);
    tcase_add_test(tests, vme_gives_a_virtual_interrupt_flag);
    tcase_add_test(tests, pvi_gives_one_to_protected_mode);
    tcase_add_test(tests, redirected_interrupt_stays_in_the_mode);
    tcase_add_test(tests, vector_with_its_bit_set_goes_to_the_idt);
    tcase_add_test(tests, int3_goes_to_the_idt);
    tcase_add_test(tests, external_interrupt_leaves_the_mode);
    tcase_add_test(tests, iret_with_vme_checks_the_flags);
    tcase_add_test(tests, iret_goes_in_with_vif_or_vip);
    tcase_add_test(tests, sysenter_leaves_the_mode);
    tcase_add_test(tests, fpu_images_have_real_mode_form);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

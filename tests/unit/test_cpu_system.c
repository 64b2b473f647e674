/* SPDX-License-Identifier: MIT */
/*
 * Segments, gates, privilege changes there and back, interrupts, double and triple faults: what happens when all is well,
 * and in which order things go wrong. Expectations are the manual's; each test cites it. Single faults are in
 * test_cpu_faults.c, system registers and debug traps in test_cpu_control.c.
 */
#include "emu/cpu/report.h"
#include "tests/unit/cpu_world.h"

#define IF 0x200u

/* ---- loading segments: SDM 3A, 3.4 and 5.5 ---- */

START_TEST(loading_sets_the_accessed_bit)
{
    struct world *world = world_new();
    set_descriptor(world, SLOT0, descriptor(0x12345678, 0x00ffe, 0x92, BYTES32));
    world_protect(world, 0);
    set_register(world, CPU_EAX, SLOT0);
    ck_assert_int_eq(RUN(world, "\x8e\xd8"), CPU_STOP_HALTED); /* mov ds, ax */
    ck_assert_uint_eq(peek64(world, WORLD_GDT + SLOT0) >> 40 & 0xff, 0x93);
    struct cpu_segment_state ds = segment_of(world, CPU_DS);
    ck_assert_uint_eq(ds.selector, SLOT0);
    ck_assert_uint_eq(ds.base, 0x12345678);
    ck_assert_uint_eq(ds.limit, 0xffe);
    ck_assert_uint_eq(ds.access, 0x4093);
    world_free(world);
}
END_TEST

START_TEST(null_data_segment_loads_and_cannot_be_used)
{
    struct world *world = protected_world(0);
    set_register(world, CPU_EAX, 3);
    RUN(world, "\x8e\xd8\x8b\x03"); /* mov ds, ax; mov eax, [ebx] */
    ck_assert_uint_eq(segment_of(world, CPU_DS).selector, 3);
    expect_fault(world, FAULT_GP, 0, REASON_SEGMENT_NULL);
    ck_assert_uint_eq(last_fault(world)->eip, WORLD_CODE + 2);
    world_free(world);
}
END_TEST

START_TEST(local_selector_uses_the_ldt)
{
    struct world *world = protected_world(3);
    set_register(world, CPU_EAX, 0x0f);
    RUN(world, "\x8e\xc0\xf4"); /* mov es, ax; hlt faults at CPL 3 */
    ck_assert_uint_eq(segment_of(world, CPU_ES).selector, 0x0f);
    world_free(world);
}
END_TEST

/* SDM 3A, 5.3: offsets of an expand-down segment lie above the limit, up to FFFFh or FFFFFFFFh by B. */
START_TEST(expand_down_segment_is_used_above_its_limit)
{
    static const struct {
        uint32_t offset;
        unsigned flags;
        bool works;
    } rows[] = {
        {0x0fff, BYTES16, false},  {0x1000, BYTES16, true},  {0xffff, BYTES16, true},
        {0x10000, BYTES16, false}, {0x0fff, BYTES32, false}, {0x1000, BYTES32, true},
        {0x10000, BYTES32, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world *world = world_new();
        set_descriptor(world, SLOT0, descriptor(0, 0xfff, 0x97, rows[i].flags));
        world_protect(world, 0);
        set_register(world, CPU_EAX, SLOT0);
        set_register(world, CPU_EBX, rows[i].offset);
        RUN(world, "\x8e\xd8\x8a\x03"); /* mov ds, ax; mov al, [ebx] */
        unsigned count;
        cpu_fault_history(world->cpu, &count);
        ck_assert_msg(!count == rows[i].works, "row %zu", i);
        if (!rows[i].works) expect_fault(world, FAULT_GP, 0, REASON_SEGMENT_LIMIT);
        world_free(world);
    }
}
END_TEST

START_TEST(rights_of_segments_are_checked_on_use)
{
    struct world *world = world_new();
    set_descriptor(world, SLOT0, descriptor(0, 0xfffff, 0x91, FLAT32)); /* read-only data */
    set_descriptor(world, SLOT1, descriptor(0, 0xfffff, 0x99, FLAT32)); /* execute-only code */
    world_protect(world, 0);
    set_register(world, CPU_EAX, SLOT0);
    set_register(world, CPU_EBX, 0x5000);
    RUN(world, "\x8e\xd8\x8b\x0b\x89\x0b"); /* mov ds, ax; mov ecx, [ebx]; mov [ebx], ecx */
    expect_fault(world, FAULT_GP, 0, REASON_SEGMENT_NOT_WRITABLE);
    ck_assert_uint_eq(last_fault(world)->eip, WORLD_CODE + 4);

    world_protect(world, 0);
    RUN(world, "\xea\x07\x00\x01\x00\x70\x00\x2e\x8b\x0b"); /* jmp SLOT1:next; mov ecx, cs:[ebx] */
    expect_fault(world, FAULT_GP, 0, REASON_SEGMENT_NOT_READABLE);
    world_free(world);
}
END_TEST

/* SDM 3A, 9.9.2: what protected mode left in the hidden parts holds in real mode. */
START_TEST(real_mode_loads_keep_the_limit)
{
    struct world *world = world_new();
    world_real(world);
    struct cpu_state state = state_of(world);
    state.segment[CPU_DS].limit = 0xffffffff;
    state.gpr[CPU_EAX] = 0x1234;
    state.gpr[CPU_EBX] = 0x10;
    set_state(world, &state);
    RUN(world, "\x8e\xd8\x67\x88\x83\x00\x00\x02\x00"); /* mov ds, ax; mov [ebx + 20000h], al */
    ck_assert_uint_eq(segment_of(world, CPU_DS).limit, 0xffffffff);
    ck_assert_uint_eq(segment_of(world, CPU_DS).base, 0x12340);
    ck_assert_uint_eq(peek16(world, 0x12340 + 0x20010) & 0xff, 0x34);
    world_free(world);
}
END_TEST

/* ---- far transfers: SDM 3A, 5.8; SDM 2, JMP, CALL, RET ---- */

START_TEST(far_jump_and_call_within_a_level)
{
    struct world *world = protected_world(0);
    poke(world, 0x11000, "\xcb", 1);            /* retf */
    RUN(world, "\x9a\x00\x10\x01\x00\x48\x00"); /* call CONFORMING0:11000 */
    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.eip, WORLD_CODE + 8); /* after the HLT that follows the call */
    ck_assert_uint_eq(state.segment[CPU_CS].selector, CODE0);
    ck_assert_uint_eq(state.gpr[CPU_ESP], WORLD_STACK0);
    ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 4), CODE0);
    ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 8), WORLD_CODE + 7);
    world_free(world);
}
END_TEST

/* SDM 3A, 5.8.2: in conforming code the CPL stays what it was. */
START_TEST(conforming_code_keeps_the_privilege_level)
{
    struct world *world = protected_world(3);
    poke(world, 0x11000, "\xf4", 1);
    RUN(world, "\xea\x00\x10\x01\x00\x48\x00"); /* jmp CONFORMING0:11000 */
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);
    ck_assert_uint_eq(last_fault(world)->cs, CONFORMING0 | 3);
    ck_assert_uint_eq(last_fault(world)->cpl, 3);
    world_free(world);
}
END_TEST

/* SDM 3A, 5.8.5: a CALL through a gate to level 0 switches stacks and copies the parameters; RET n goes back. */
START_TEST(call_gate_to_an_inner_level_and_back)
{
    struct world *world = world_new();
    set_descriptor(world, SLOT0, gate(CODE0, 0x11000, GATE_CALL32 | ACC_DPL3, 2));
    world_protect(world, 3);
    poke(world, 0x11000, "\x8c\xc8\xca\x08\x00", 5); /* mov ax, cs; retf 8 */
    run(world, "\x6a\x11\x6a\x22\x9a\x00\x00\x00\x00\x68\x00\xf4", 12,
        3); /* push 11h; push 22h; call SLOT0; hlt */
    const uint32_t inner[] = {WORLD_CODE + 11, CODE3 | 3, 0x22, 0x11, WORLD_STACK3 - 8, DATA3 | 3};
    for (unsigned i = 0; i < 6; i++) ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 24 + 4 * i), inner[i]);
    go(world, 100);
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0); /* the HLT after the call, at CPL 3 again */
    ck_assert_uint_eq(last_fault(world)->eip, WORLD_CODE + 11);
    ck_assert_uint_eq(last_fault(world)->cpl, 3);
    ck_assert_uint_eq(get_register(world, CPU_EAX) & 0xffff, CODE0);
    /* What the fault's handler found: SS:ESP of level 3 with both parameters gone. */
    ck_assert_uint_eq(peek32(world, esp_of(world) + 16), WORLD_STACK3);
    ck_assert_uint_eq(peek32(world, esp_of(world) + 20), DATA3 | 3);
    world_free(world);
}
END_TEST

START_TEST(call_gate_of_16_bits_pushes_words)
{
    struct world *world = world_new();
    set_descriptor(world, SLOT0, gate(CODE0, 0x9000, GATE_CALL16 | ACC_DPL3, 1));
    world_protect(world, 3);
    poke(world, 0x9000, "\x66\xca\x02\x00", 4); /* o16 retf 2 */
    set_register(world, CPU_ESP, 0x7000);
    struct cpu_state state = state_of(world);
    state.segment[CPU_CS].base = 0; /* the return address has 16 bits: run below 64 KiB */
    state.eip = 0xa000;
    set_state(world, &state);
    poke(world, 0xa000, "\x66\x6a\x55\x9a\x00\x00\x00\x00\x68\x00\xf4",
         11); /* o16 push 55h; call SLOT0; hlt */
    go(world, 2);
    const uint16_t inner[] = {0xa00a, CODE3 | 3, 0x55, 0x6ffe, DATA3 | 3};
    for (unsigned i = 0; i < 5; i++) ck_assert_uint_eq(peek16(world, WORLD_STACK0 - 10 + 2 * i), inner[i]);
    go(world, 100);
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);
    ck_assert_uint_eq(last_fault(world)->eip, 0xa00a);
    world_free(world);
}
END_TEST

/* SDM 3A, 5.8.6: a return to an outer level takes away the segments that it could not have loaded. */
START_TEST(return_outward_drops_inner_segments)
{
    struct world *world = protected_world(0);
    struct cpu_state state = state_of(world);
    state.segment[CPU_FS] = state.segment[CPU_CS];
    state.segment[CPU_FS].selector = CONFORMING0;
    state.segment[CPU_FS].access |= 4; /* conforming: may stay */
    state.segment[CPU_GS].selector = DATA3 | 3;
    state.segment[CPU_GS].access |= 0x60; /* DPL 3: may stay */
    set_state(world, &state);
    const uint32_t frame[] = {0x11000, CODE3 | 3, WORLD_STACK3, DATA3 | 3};
    for (unsigned i = 0; i < 4; i++) poke32(world, WORLD_STACK0 - 16 + 4 * i, frame[i]);
    set_register(world, CPU_ESP, WORLD_STACK0 - 16);
    poke(world, 0x11000, "\xeb\xfe", 2); /* jmp $ */
    ck_assert_int_eq(RUN(world, "\xcb"), CPU_STOP_BUDGET);
    state = state_of(world);
    ck_assert_uint_eq(state.cpl, 3);
    ck_assert_uint_eq(state.segment[CPU_SS].selector, DATA3 | 3);
    ck_assert_uint_eq(state.gpr[CPU_ESP], WORLD_STACK3);
    ck_assert_uint_eq(state.segment[CPU_DS].selector, 0);
    ck_assert_uint_eq(state.segment[CPU_ES].selector, 0);
    ck_assert_uint_eq(state.segment[CPU_FS].selector, CONFORMING0);
    ck_assert_uint_eq(state.segment[CPU_GS].selector, DATA3 | 3);
    world_free(world);
}
END_TEST

START_TEST(sysenter_and_sysexit)
{
    struct world *world = protected_world(3);
    struct cpu_state state = state_of(world);
    state.msr_sysenter_cs = CODE0;
    state.msr_sysenter_esp = 0x6000;
    state.msr_sysenter_eip = 0x11000;
    state.gpr[CPU_ECX] = 0x7000;
    state.gpr[CPU_EDX] = 0x12000;
    state.eflags |= IF;
    set_state(world, &state);
    poke(world, 0x11000, "\x0f\x35", 2);
    poke(world, 0x12000, "\xeb\xfe", 2);
    run(world, "\x0f\x34", 2, 1);
    state = state_of(world);
    ck_assert_uint_eq(state.cpl, 0);
    ck_assert_uint_eq(state.eip, 0x11000);
    ck_assert_uint_eq(state.gpr[CPU_ESP], 0x6000);
    ck_assert_uint_eq(state.segment[CPU_SS].selector, CODE0 + 8);
    ck_assert_uint_eq(state.eflags & IF, 0);
    go(world, 1);
    state = state_of(world);
    ck_assert_uint_eq(state.cpl, 3);
    ck_assert_uint_eq(state.eip, 0x12000);
    ck_assert_uint_eq(state.gpr[CPU_ESP], 0x7000);
    ck_assert_uint_eq(state.segment[CPU_CS].selector, (CODE0 + 16) | 3);
    ck_assert_uint_eq(state.segment[CPU_SS].selector, (CODE0 + 24) | 3);
    world_free(world);
}
END_TEST

/* ---- interrupts: SDM 3A, 6.12 ---- */

START_TEST(interrupt_from_user_mode_and_back)
{
    struct world *world = world_new();
    set_gate(world, 0x80, gate(CODE0, 0x11000, GATE_INT32 | ACC_DPL3, 0));
    world_protect(world, 3);
    set_eflags(world, IF);
    poke(world, 0x11000, "\x9c\x58\xcf", 3); /* pushf; pop eax; iret */
    run(world, "\xcd\x80\xf4", 3, 1);
    const uint32_t frame[] = {WORLD_CODE + 2, CODE3 | 3, IF | 2, WORLD_STACK3, DATA3 | 3};
    for (unsigned i = 0; i < 5; i++) ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 20 + 4 * i), frame[i]);
    go(world, 100);
    ck_assert_uint_eq(get_register(world, CPU_EAX) & IF, 0); /* an interrupt gate clears IF */
    expect_fault(world, FAULT_GP, 0, REASON_NEEDS_CPL0);     /* back at CPL 3, at the HLT */
    ck_assert_uint_eq(last_fault(world)->eip, WORLD_CODE + 2);
    ck_assert_uint_eq(last_fault(world)->cpl, 3);
    world_free(world);
}
END_TEST

START_TEST(trap_gate_leaves_interrupts_on)
{
    struct world *world = world_new();
    set_gate(world, 0x80, gate(CODE0, WORLD_HANDLERS + 0x80, GATE_TRAP32, 0));
    world_protect(world, 0);
    set_eflags(world, IF | 0x4000); /* NT */
    RUN(world, "\xcd\x80");
    expect_in_handler(world, 0x80);
    ck_assert_uint_eq(eflags_of(world) & (IF | 0x4000), IF);
    ck_assert_uint_eq(peek32(world, esp_of(world) + 8), IF | 0x4000 | 2);
    world_free(world);
}
END_TEST

START_TEST(gates_of_16_bits_push_words)
{
    struct world *world = world_new();
    set_gate(world, 0x80, gate(CODE16, WORLD_HANDLERS + 0x80, GATE_INT16, 0));
    world_protect(world, 0);
    RUN(world, "\xcd\x80");
    expect_in_handler(world, 0x80);
    uint32_t esp = esp_of(world);
    ck_assert_uint_eq(esp, WORLD_STACK0 - 6);
    ck_assert_uint_eq(peek16(world, esp), (WORLD_CODE + 2) & 0xffff);
    ck_assert_uint_eq(peek16(world, esp + 2), CODE0);
    ck_assert_uint_eq(peek16(world, esp + 4), 2);
    world_free(world);
}
END_TEST

/* SDM 3A, 7.6: the 16-bit TSS has SP0 at 2 and SS0 at 4. */
START_TEST(stack_comes_from_a_16_bit_tss_too)
{
    struct world *world = protected_world(3);
    struct cpu_state state = state_of(world);
    state.tr = (struct cpu_segment_state){TSS16, 0x83, 0x2b, WORLD_TSS16};
    set_state(world, &state);
    RUN(world, "\xf4");
    expect_in_handler(world, FAULT_GP);
    ck_assert_uint_eq(esp_of(world), 0x6000 - 24);
    world_free(world);
}
END_TEST

START_TEST(hardware_interrupt_waits_for_if_and_shadow)
{
    struct world *world = protected_world(0);
    world->fixture.vector = 0x31;
    cpu_set_intr(world->cpu, true);
    run(world, "\x90\xfb\x90\x90", 4, 100); /* nop; sti; nop; nop: taken after the first NOP behind STI */
    expect_in_handler(world, 0x31);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 3);
    ck_assert_uint_eq(cpu_stats(world->cpu)->interrupts, 1);
    world_free(world);
}
END_TEST

START_TEST(interrupt_wakes_a_halted_cpu)
{
    struct world *world = protected_world(0);
    set_eflags(world, IF);
    ck_assert_int_eq(RUN(world, "\x90"), CPU_STOP_HALTED);
    ck_assert(cpu_idle(world->cpu));
    world->fixture.vector = 0x31;
    cpu_set_intr(world->cpu, true);
    ck_assert(!cpu_idle(world->cpu));
    go(world, 100);
    expect_in_handler(world, 0x31);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 2); /* behind the HLT */
    world_free(world);
}
END_TEST

/* SDM 3A, 6.7.1: NMIs wait until the handler's IRET. */
START_TEST(nmi_is_blocked_until_iret)
{
    struct world *world = world_new();
    set_gate(world, FAULT_NMI, gate(CODE0, 0x11000, GATE_INT32, 0));
    world_protect(world, 0);
    poke(world, 0x11000, "\x43\x90\xcf", 3); /* inc ebx; nop; iret */
    set_register(world, CPU_EBX, 0);
    cpu_raise_nmi(world->cpu);
    run(world, "\x90\x90\x90", 3, 1);
    ck_assert_uint_eq(get_register(world, CPU_EBX), 1);
    cpu_raise_nmi(world->cpu);
    go(world, 1);
    ck_assert_uint_eq(get_register(world, CPU_EBX), 1);
    ck_assert(state_of(world).nmi_blocked);
    go(world, 2); /* IRET, and the first instruction of the handler again */
    ck_assert_uint_eq(get_register(world, CPU_EBX), 2);
    world_free(world);
}
END_TEST

START_TEST(software_interrupts_of_one_byte)
{
    struct world *world = protected_world(0);
    RUN(world, "\xcc");
    expect_in_handler(world, FAULT_BP);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 1);

    world_protect(world, 0);
    RUN(world, "\xf1"); /* SDM 2, INT1: the gate's DPL is not looked at */
    expect_in_handler(world, FAULT_DB);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 1);
    ck_assert_uint_eq(state_of(world).dr[6], 0xffff0ff0);

    world_protect(world, 3);
    RUN(world, "\xf1");
    expect_in_handler(world, FAULT_DB);
    world_protect(world, 3);
    RUN(world, "\xcc");
    expect_fault(world, FAULT_GP, FAULT_BP * 8 + 2, REASON_IDT_GATE_DPL);

    world_protect(world, 0);
    RUN(world, "\xce"); /* into, OF clear */
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 2);
    world_protect(world, 0);
    set_eflags(world, 0x800);
    RUN(world, "\xce");
    expect_in_handler(world, FAULT_OF);
    world_free(world);
}
END_TEST

/* SDM 3A, 6.13: EXT says that something other than the program was being delivered. */
START_TEST(ext_bit_of_error_codes)
{
    struct world *world = world_new();
    set_gate(world, 0x31, gate(CODE0, 0, GATE_INT32 & ~ACC_NOT, 0));
    set_gate(world, 0x32, gate(BEYOND, 0, GATE_INT32, 0));
    set_gate(world, FAULT_UD, gate(0, 0, GATE_INT32, 0));
    world_protect(world, 0);
    world->fixture.vector = 0x31;
    set_eflags(world, IF);
    cpu_set_intr(world->cpu, true);
    RUN(world, "\x90");
    cpu_set_intr(world->cpu, false);
    expect_fault(world, FAULT_NP, 0x31 * 8 + 3, REASON_IDT_GATE_NOT_PRESENT);
    expect_in_handler(world, FAULT_NP);
    ck_assert_uint_eq(peek32(world, esp_of(world)), 0x31 * 8 + 3);
    ck_assert_uint_eq(peek32(world, esp_of(world) + 4), WORLD_CODE);

    world_protect(world, 0);
    RUN(world, "\xcd\x32");
    expect_fault(world, FAULT_GP, BEYOND, REASON_SELECTOR_BEYOND_GDT);
    world_protect(world, 0);
    RUN(world, "\x0f\x0b"); /* #UD is benign: the second fault is delivered */
    expect_fault(world, FAULT_GP, 1, REASON_IDT_CS_NULL);
    expect_in_handler(world, FAULT_GP);
    world_free(world);
}
END_TEST

/* ---- real mode: SDM 3A, 20.1.4 ---- */

START_TEST(real_mode_interrupt_and_return)
{
    struct world *world = world_new();
    world_real(world);
    poke32(world, 4 * 0x21, 0x11000010); /* 1100:0010 */
    poke(world, 0x11010, "\x40\xcf", 2); /* inc ax; iret */
    set_eflags(world, IF | 1);
    set_register(world, CPU_EAX, 0x1fff);
    RUN(world, "\xcd\x21");
    struct cpu_state state = state_of(world);
    ck_assert_uint_eq(state.gpr[CPU_EAX], 0x2000);
    ck_assert_uint_eq(state.eip, 3);
    ck_assert_uint_eq(state.segment[CPU_CS].selector, WORLD_CODE >> 4);
    ck_assert_uint_eq(state.eflags, IF | 3);
    ck_assert_uint_eq(state.gpr[CPU_ESP], 0x8000);
    ck_assert_uint_eq(peek16(world, WORLD_STACK0 + 0x7ffe), IF | 3);
    ck_assert_uint_eq(peek16(world, WORLD_STACK0 + 0x7ffc), WORLD_CODE >> 4);
    ck_assert_uint_eq(peek16(world, WORLD_STACK0 + 0x7ffa), 2);
    world_free(world);
}
END_TEST

START_TEST(entering_and_leaving_protected_mode)
{
    struct world *world = world_new();
    world_real(world);
    poke16(world, 0x7000, WORLD_GDT_LIMIT);
    poke32(world, 0x7002, WORLD_GDT);
    /* lgdt [7000h]; mov eax, cr0; or al, 1; mov cr0, eax; jmp dword CODE0:11000h */
    poke(world, 0x11000, "\x66\xb8\x10\x00\x8e\xd0\xea\x00\x20\x00\x00\x50\x00",
         13); /* mov ax, DATA0; mov ss, ax; jmp CODE16:2000h */
    poke(world, 0x2000, "\x0f\x20\xc0\x24\xfe\x0f\x22\xc0\xea\x00\x00\x00\x30",
         13);                                    /* mov cr0 without PE; jmp 3000:0 */
    poke(world, 0x30000, "\xb8\x34\x12\xf4", 4); /* mov ax, 1234h; hlt */
    RUN(world, "\x0f\x01\x16\x00\x70\x0f\x20\xc0\x0c\x01\x0f\x22\xc0\x66\xea\x00\x10\x01\x00\x08\x00");
    struct cpu_state state = state_of(world);
    ck_assert(state.halted);
    ck_assert_uint_eq(state.gpr[CPU_EAX] & 0xffff, 0x1234);
    ck_assert_uint_eq(state.cr0 & 1, 0);
    ck_assert_uint_eq(state.segment[CPU_CS].base, 0x30000);
    ck_assert_uint_eq(state.gdtr.base, WORLD_GDT);
    world_free(world);
}
END_TEST

/* ---- double and triple faults: SDM 3A, 6.15, interrupt 8 ---- */

/* The first fault comes from an instruction. The second comes from its gate, which is 0 (contributory), or from the IDT's
 * page, which is not there: vectors 0 to 8 and the others are then on different pages. */
START_TEST(which_pairs_of_faults_are_double)
{
    static const struct {
        const char *code; /* two bytes */
        unsigned first;
        uint32_t absent; /* page of the IDT; 0: the gate is bad */
        unsigned handled_by;
    } rows[] = {
        {"\x0f\x0b", FAULT_UD, 0, FAULT_GP},      /* benign, contributory: one after the other */
        {"\x0f\x0b", FAULT_UD, 0x4000, FAULT_PF}, /* benign, page fault: the same */
        {"\xf7\xf1", FAULT_DE, 0, FAULT_DF},      /* contributory, contributory (div ecx) */
        {"\x8e\xd0", FAULT_GP, 0, FAULT_DF},      /* the same (mov ss, ax) */
        {"\xf7\xf1", FAULT_DE, 0x4000, FAULT_PF}, /* contributory, page fault: one after the other */
        {"\x8b\x03", FAULT_PF, 0, FAULT_DF},      /* page fault, contributory (mov eax, [ebx]) */
        {"\x8b\x03", FAULT_PF, 0x5000, FAULT_DF}, /* page fault, page fault */
    };
    const uint32_t split_idt = 0x5000 - 9 * 8;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world *world = protected_world(0);
        struct cpu_state state = state_of(world);
        state.gpr[CPU_EAX] = state.gpr[CPU_ECX] = state.gpr[CPU_EDX] = 0;
        state.gpr[CPU_EBX] = 0x7000;
        if (rows[i].absent) {
            state.idtr.base = split_idt;
            for (uint32_t n = 0; n < 32; n++)
                poke64(world, split_idt + 8 * n, peek64(world, WORLD_IDT + 8 * n));
        } else {
            set_gate(world, rows[i].first, 0);
        }
        set_state(world, &state);
        world_paging(world);
        world_page(world, 0x7000, 0);
        if (rows[i].absent) world_page(world, rows[i].absent, 0);
        ck_assert_int_eq(run(world, rows[i].code, 2, 20), CPU_STOP_HALTED);
        expect_in_handler(world, rows[i].handled_by);
        if (rows[i].handled_by == FAULT_DF) {
            expect_fault(world, FAULT_DF, 0, REASON_DOUBLE_FAULT);
            ck_assert_uint_eq(peek32(world, esp_of(world)), 0); /* error code */
            ck_assert_uint_eq(peek32(world, esp_of(world) + 4), WORLD_CODE);
        }
        world_free(world);
    }
}
END_TEST

static size_t disassemble(void *owner, const uint8_t *bytes, size_t size, uint64_t eip, bool code32,
                          char *text, size_t room)
{
    (void)owner;
    ck_assert_uint_eq(bytes[0], 0xf7);
    ck_assert_uint_ge(size, 2);
    ck_assert_uint_eq(eip, WORLD_CODE);
    ck_assert(code32);
    snprintf(text, room, "div ecx");
    return 2;
}

static char *report_of(const struct world *world, cpu_disassemble hook)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    cpu_report_triple_fault(world->cpu, to, hook, NULL);
    fclose(to);
    return text;
}

START_TEST(triple_fault_stops_and_reports_its_chain)
{
    struct world *world = protected_world(0);
    set_gate(world, FAULT_DE, gate(CODE0, 0x1234, GATE_INT32 & ~ACC_NOT, 0));
    set_gate(world, FAULT_DF, gate(DATA0, 0x5678, GATE_INT32, 0));
    set_register(world, CPU_ECX, 0);
    char *report = report_of(world, NULL);
    expect_text(report, "no triple fault");
    free(report);

    ck_assert_int_eq(RUN(world, "\xf7\xf1"), CPU_STOP_TRIPLE_FAULT); /* div ecx */
    ck_assert(state_of(world).shutdown);
    ck_assert(cpu_halted(world->cpu));
    ck_assert_int_eq(go(world, 10), CPU_STOP_TRIPLE_FAULT);
    unsigned count;
    const struct fault_record *chain = cpu_triple_fault(world->cpu, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(chain[0].fault.reason, REASON_DIVIDE_BY_ZERO);
    ck_assert_int_eq(chain[1].fault.reason, REASON_IDT_GATE_NOT_PRESENT);
    ck_assert_uint_eq(chain[1].fault.error, FAULT_DE * 8 + 3);
    ck_assert_int_eq(chain[2].fault.reason, REASON_IDT_CS_NOT_CODE);
    ck_assert_uint_eq(chain[2].fault.error, DATA0 | 1);
    ck_assert_uint_eq(chain[0].length, 2);
    ck_assert_uint_eq(chain[0].eip, WORLD_CODE);

    report = report_of(world, disassemble);
    expect_text(report, "1. #DE: the divisor is 0");
    expect_text(report, "2. while delivering #DE: #NP(0003)");
    expect_text(report, "3. #DF(0000)");
    expect_text(report, "4. while delivering #DF: #GP(0011)");
    expect_text(report, "32-bit interrupt gate to 0008:00001234, DPL 0, not present");
    expect_text(report, "its selector does not name a code segment");
    expect_text(report, "f7 f1  div ecx");
    expect_text(report, "paging is off");
    free(report);
    world_free(world);
}
END_TEST

/* Four exceptions: the first and the last two are kept. */
START_TEST(triple_fault_without_an_idt)
{
    struct world *world = protected_world(0);
    struct cpu_state state = state_of(world);
    state.idtr.limit = 0;
    set_state(world, &state);
    ck_assert_int_eq(RUN(world, "\x0f\x0b"), CPU_STOP_TRIPLE_FAULT);
    unsigned count;
    const struct fault_record *chain = cpu_triple_fault(world->cpu, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(chain[0].fault.reason, REASON_UD_ON_PURPOSE);
    ck_assert_uint_eq(chain[1].fault.error, FAULT_GP * 8 + 3);
    ck_assert_uint_eq(chain[2].fault.error, FAULT_DF * 8 + 3);
    char *report = report_of(world, NULL);
    expect_text(report, "IDT entry 8 would be at 00002040, beyond the limit 0000");
    free(report);

    cpu_reset(world->cpu);
    world_real(world);
    state = state_of(world);
    state.idtr.limit = 3;
    set_state(world, &state);
    ck_assert_int_eq(RUN(world, "\xcd\x10"),
                     CPU_STOP_TRIPLE_FAULT); /* INT 10h, #GP, #DF: all beyond the limit */
    report = report_of(world, NULL);
    expect_text(report, "vector table entry 8 would be at 00000020, beyond the limit 0003");
    free(report);
    world_free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu system");
    TCase *tests = tcase_create("cpu system");
    tcase_add_test(tests, loading_sets_the_accessed_bit);
    tcase_add_test(tests, null_data_segment_loads_and_cannot_be_used);
    tcase_add_test(tests, local_selector_uses_the_ldt);
    tcase_add_test(tests, expand_down_segment_is_used_above_its_limit);
    tcase_add_test(tests, rights_of_segments_are_checked_on_use);
    tcase_add_test(tests, real_mode_loads_keep_the_limit);
    tcase_add_test(tests, far_jump_and_call_within_a_level);
    tcase_add_test(tests, conforming_code_keeps_the_privilege_level);
    tcase_add_test(tests, call_gate_to_an_inner_level_and_back);
    tcase_add_test(tests, call_gate_of_16_bits_pushes_words);
    tcase_add_test(tests, return_outward_drops_inner_segments);
    tcase_add_test(tests, sysenter_and_sysexit);
    tcase_add_test(tests, interrupt_from_user_mode_and_back);
    tcase_add_test(tests, trap_gate_leaves_interrupts_on);
    tcase_add_test(tests, gates_of_16_bits_push_words);
    tcase_add_test(tests, stack_comes_from_a_16_bit_tss_too);
    tcase_add_test(tests, hardware_interrupt_waits_for_if_and_shadow);
    tcase_add_test(tests, interrupt_wakes_a_halted_cpu);
    tcase_add_test(tests, nmi_is_blocked_until_iret);
    tcase_add_test(tests, software_interrupts_of_one_byte);
    tcase_add_test(tests, ext_bit_of_error_codes);
    tcase_add_test(tests, real_mode_interrupt_and_return);
    tcase_add_test(tests, entering_and_leaving_protected_mode);
    tcase_add_test(tests, which_pairs_of_faults_are_double);
    tcase_add_test(tests, triple_fault_stops_and_reports_its_chain);
    tcase_add_test(tests, triple_fault_without_an_idt);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Debug traps, flags, descriptor table registers, control registers, MSRs, CPUID, the FPU, the history of faults.
 * Expectations are the manual's; each test cites it.
 */
#include "emu/cpu/internal.h"
#include "tests/unit/cpu_world.h"

#define TF 0x100u

/* ---- debug: SDM 3B, 17.3 ---- */

#define DR6_CLEAR 0xffff0ff0u

START_TEST(tf_traps_after_each_instruction)
{
    struct world *world = protected_world(0);
    set_eflags(world, TF);
    RUN(world, "\x40\x40");
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_SINGLE_STEP);
    expect_in_handler(world, FAULT_DB);
    ck_assert_uint_eq(state_of(world).dr[6], DR6_CLEAR | 0x4000);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 1);
    ck_assert_uint_eq(peek32(world, esp_of(world) + 8), TF | 2);
    ck_assert_uint_eq(eflags_of(world) & TF, 0);
    world_free(world);
}
END_TEST

START_TEST(popf_traps_after_the_next_instruction)
{
    struct world *world = protected_world(0);
    RUN(world, "\x68\x02\x01\x00\x00\x9d\x90\x90"); /* push 102h; popf; nop; nop */
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_SINGLE_STEP);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 7);
    world_free(world);
}
END_TEST

/* INT n clears TF before the trap; IRET brings it back for the instruction after the next. */
START_TEST(int_n_is_not_stepped_into)
{
    struct world *world = world_new();
    set_gate(world, 0x80, gate(CODE0, 0x11000, GATE_INT32, 0));
    world_protect(world, 0);
    poke(world, 0x11000, "\x43\xcf", 2); /* inc ebx; iret */
    set_eflags(world, TF);
    set_register(world, CPU_EBX, 0);
    RUN(world, "\xcd\x80\x90\x90");
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_SINGLE_STEP);
    ck_assert_uint_eq(get_register(world, CPU_EBX), 1);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 3);
    world_free(world);
}
END_TEST

/* SDM 3A, 6.8.3: no trap between a load of SS and the next instruction. */
START_TEST(mov_ss_holds_traps_off)
{
    struct world *world = protected_world(0);
    set_register(world, CPU_EAX, DATA0);
    set_eflags(world, TF);
    RUN(world, "\x8e\xd0\x90\x90"); /* mov ss, ax; nop; nop */
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_SINGLE_STEP);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 3);
    world_free(world);
}
END_TEST

static void set_breakpoint(struct world *world, unsigned n, uint32_t address, uint32_t type)
{
    struct cpu_state state = state_of(world);
    state.dr[n] = address;
    state.dr[7] |= 2u << (2 * n) | type << (16 + 4 * n);
    set_state(world, &state);
}

START_TEST(data_breakpoint_traps_after_the_access)
{
    static const struct {
        uint32_t type; /* LEN and R/W */
        const char *code;
        bool hits;
    } rows[] = {
        {0x1, "\x88\x03", true},  /* write, 1 byte: mov [ebx], al */
        {0x1, "\x8a\x03", false}, /* mov al, [ebx] */
        {0x3, "\x8a\x03", true},  /* read or write */
        {0xd, "\x88\x03", true},  /* 4 bytes around */
        {0x1, "\x89\x03", true},  /* a wider access over it: mov [ebx], eax */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world *world = protected_world(0);
        set_register(world, CPU_EBX, 0x5000);
        set_breakpoint(world, 2, 0x5000, rows[i].type);
        run(world, rows[i].code, 2, 100);
        if (rows[i].hits) {
            expect_fault(world, FAULT_DB, 0, REASON_DEBUG_DATA_BREAKPOINT);
            ck_assert_uint_eq(state_of(world).dr[6], DR6_CLEAR | 4);
            ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 2);
        } else {
            ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 3);
        }
        world_free(world);
    }
}
END_TEST

/* What IN, OUT, INS and OUTS call for their port: the trap comes before the next instruction. */
START_TEST(io_breakpoint_needs_cr4_de)
{
    for (unsigned de = 0; de < 2; de++) {
        struct world *world = protected_world(0);
        struct cpu_state state = state_of(world);
        state.cr4 = de ? 8 : 0;
        set_state(world, &state);
        set_breakpoint(world, 0, 0x81, 2);
        debug_io_check(world->cpu, 0x7c, 4); /* ends below */
        ck_assert_uint_eq(world->cpu->s.debug_status, 0);
        debug_io_check(world->cpu, 0x80, 2);
        RUN(world, "\x90");
        if (de) {
            expect_fault(world, FAULT_DB, 0, REASON_DEBUG_DATA_BREAKPOINT);
            ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE);
            ck_assert_uint_eq(state_of(world).dr[6], DR6_CLEAR | 1);
        } else {
            ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 2);
        }
        world_free(world);
    }
}
END_TEST

/* OUT and IN themselves, at CPL 0: the trap comes after the access. */
START_TEST(io_breakpoint_by_out_and_in)
{
    static const char *const code[] = {"\xe6\x80\x90", "\xe4\x80\x90"};
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = protected_world(0);
        struct cpu_state state = state_of(world);
        state.cr4 = 8;
        set_state(world, &state);
        set_breakpoint(world, 0, 0x80, 2);
        run(world, code[i], 3, 2);
        expect_fault(world, FAULT_DB, 0, REASON_DEBUG_DATA_BREAKPOINT);
        ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE + 2);
        world_free(world);
    }
}
END_TEST

/* A fault before the instruction; the handler returns with RF and is not called again. */
START_TEST(instruction_breakpoint_and_rf)
{
    struct world *world = world_new();
    set_gate(world, FAULT_DB, gate(CODE0, 0x11000, GATE_INT32, 0));
    world_protect(world, 0);
    poke(world, 0x11000, "\x43\x81\x4c\x24\x08\x00\x00\x01\x00\xcf",
         10); /* inc ebx; or dword [esp+8], RF; iret */
    set_register(world, CPU_EBX, 0);
    set_breakpoint(world, 1, WORLD_CODE + 1, 0);
    ck_assert_int_eq(RUN(world, "\x90\x41\x90"), CPU_STOP_HALTED); /* nop; inc ecx; nop */
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_INSN_BREAKPOINT);
    ck_assert_uint_eq(last_fault(world)->eip, WORLD_CODE + 1);
    ck_assert_uint_eq(get_register(world, CPU_EBX), 1);
    ck_assert_uint_eq(state_of(world).dr[6], DR6_CLEAR | 2);
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 4);
    ck_assert_uint_eq(eflags_of(world) & 0x10000, 0);
    world_free(world);
}
END_TEST

START_TEST(general_detect_guards_the_debug_registers)
{
    struct world *world = protected_world(0);
    struct cpu_state state = state_of(world);
    state.dr[7] |= 0x2000;
    set_state(world, &state);
    RUN(world, "\x0f\x21\xc0"); /* mov eax, dr0 */
    expect_fault(world, FAULT_DB, 0, REASON_DEBUG_GENERAL_DETECT);
    ck_assert_uint_eq(state_of(world).dr[6], DR6_CLEAR | 0x2000);
    ck_assert_uint_eq(state_of(world).dr[7] & 0x2000, 0);
    ck_assert_uint_eq(peek32(world, esp_of(world)), WORLD_CODE);
    world_free(world);
}
END_TEST

START_TEST(debug_registers_keep_their_fixed_bits)
{
    struct world *world = protected_world(0);
    set_register(world, CPU_EAX, 0);
    RUN(world,
        "\x0f\x23\xf0\x0f\x23\xe8\x0f\x21\xe1\x0f\x21\xfa"); /* dr6 = eax; dr5 = eax; ecx = dr4; edx = dr7 */
    ck_assert_uint_eq(get_register(world, CPU_ECX), DR6_CLEAR);
    ck_assert_uint_eq(get_register(world, CPU_EDX), 0x400);
    world_free(world);
}
END_TEST

/* ---- flags: SDM 2, POPF/POPFD, PUSHF/PUSHFD ---- */

START_TEST(popf_changes_what_the_privilege_level_may)
{
    static const struct {
        unsigned cpl;
        uint32_t before, popped, after;
    } rows[] = {
        {0, 2, 0x00247ed7, 0x00247ed7},      /* everything but TF (no trap here), VM, RF */
        {0, 2, 0x001b0002, 0x00000002},      /* VM, RF, VIF, VIP are not for POPF */
        {3, 2, 0x00003202, 0x00000002},      /* IOPL 0 at CPL 3: neither IF nor IOPL */
        {3, 0x3002, 0x00000202, 0x00003202}, /* IOPL 3: IF, but not IOPL */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world *world = protected_world(rows[i].cpl);
        struct cpu_state state = state_of(world);
        state.eflags = rows[i].before;
        state.gpr[CPU_ESP] -= 4;
        poke32(world, (uint32_t)state.gpr[CPU_ESP], rows[i].popped);
        set_state(world, &state);
        run(world, "\x9d", 1, 1);
        ck_assert_uint_eq(eflags_of(world), rows[i].after);
        world_free(world);
    }
}
END_TEST

START_TEST(pushf_hides_rf_and_vm)
{
    struct world *world = protected_world(0);
    set_eflags(world, 0x10000 | 0x40000 | 1);
    run(world, "\x9c\x66\x9c", 3, 2);
    ck_assert_uint_eq(peek32(world, WORLD_STACK0 - 4), 0x40003);
    ck_assert_uint_eq(peek16(world, WORLD_STACK0 - 6), 3);
    world_free(world);
}
END_TEST

/* ---- tables and selectors: SDM 2 by name ---- */

START_TEST(table_registers_load_and_store)
{
    struct world *world = protected_world(0);
    poke16(world, 0x5000, 0x1234);
    poke32(world, 0x5002, 0x89abcdef);
    set_register(world, CPU_EBX, 0x5000);
    RUN(world,
        "\x0f\x01\x1b\x0f\x01\x4b\x10\x66\x0f\x01\x1b"); /* lidt [ebx]; sidt [ebx+16]; o16 lidt [ebx] */
    ck_assert_uint_eq(peek16(world, 0x5010), 0x1234);
    ck_assert_uint_eq(peek32(world, 0x5012), 0x89abcdef);
    ck_assert_uint_eq(state_of(world).idtr.base, 0xabcdef);
    ck_assert_uint_eq(state_of(world).idtr.limit, 0x1234);
    world_free(world);
}
END_TEST

START_TEST(lldt_and_ltr)
{
    struct world *world = world_new();
    set_descriptor(world, SLOT0, descriptor(0x5000, 0x67, ACC_TSS32, 0));
    world_protect(world, 0);
    set_register(world, CPU_EAX, SLOT0);
    set_register(world, CPU_ECX, 0xffffffff);
    RUN(world,
        "\x0f\x00\xd8\x0f\x00\xc9\x31\xc0\x0f\x00\xd0\x0f\x00\xc2"); /* ltr ax; str ecx; xor eax, eax; lldt ax; sldt edx */
    ck_assert_uint_eq(peek64(world, WORLD_GDT + SLOT0) >> 40 & 0xff, ACC_TSS32_BUSY);
    ck_assert_uint_eq(state_of(world).tr.base, 0x5000);
    ck_assert_uint_eq(state_of(world).tr.access & 0xff, ACC_TSS32_BUSY);
    ck_assert_uint_eq(get_register(world, CPU_ECX), SLOT0);
    ck_assert_uint_eq(get_register(world, CPU_EDX), 0);
    ck_assert_uint_eq(state_of(world).ldtr.access & 0x80, 0);
    world_free(world);
}
END_TEST

/* LAR, LSL, VERR, VERW: what each says of a selector (SDM 2, tables of LAR and LSL). */
START_TEST(looking_at_selectors)
{
    static const struct {
        uint16_t selector;
        unsigned cpl;
        uint32_t rights, limit; /* 0: ZF is cleared */
        bool readable, writable;
    } rows[] = {
        {DATA0, 0, 0x00c09300, 0xffffffff, true, true},
        {CODE0, 0, 0x00c09b00, 0xffffffff, true, false},
        {DATA0 | 3, 0, 0, 0, false, false},
        {DATA0, 3, 0, 0, false, false},
        {CONFORMING0, 3, 0x00c09f00, 0xffffffff, true, false},
        {DATA3 | 3, 3, 0x00c0f300, 0xffffffff, true, true},
        {TSS32, 0, 0x00008b00, 0x67, false, false},
        {LDT, 0, 0x00008200, 0x0f, false, false},
        {SLOT0, 0, 0x00008c00, 0, false, false},    /* call gate: rights, no limit */
        {SLOT1, 0, 0, 0, false, false},             /* interrupt gate: neither */
        {SLOT2, 0, 0x00409900, 0x10, false, false}, /* execute-only */
        {0, 0, 0, 0, false, false},
        {BEYOND, 0, 0, 0, false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world *world = world_new();
        set_descriptor(world, SLOT0, gate(CODE0, 0, GATE_CALL32, 0));
        set_descriptor(world, SLOT1, gate(CODE0, 0, GATE_INT32, 0));
        set_descriptor(world, SLOT2, descriptor(0, 0x10, ACC_EXECUTE_ONLY, BYTES32));
        world_protect(world, rows[i].cpl);
        set_register(world, CPU_EAX, rows[i].selector);
        set_register(world, CPU_ECX, 0x55);
        set_register(world, CPU_EDX, 0x55);
        /* lar ecx, ax; setz bl; lsl edx, ax; setz bh; mov esi, ebx; verr ax; setz bl; verw ax; setz bh */
        run(world,
            "\x0f\x02\xc8\x0f\x94\xc3\x0f\x03\xd0\x0f\x94\xc7\x89\xde\x0f\x00\xe0\x0f\x94\xc3\x0f\x00\xe8\x0f"
            "\x94\xc7",
            26, 9);
        ck_assert_uint_eq(get_register(world, CPU_ECX), rows[i].rights ? rows[i].rights : 0x55);
        ck_assert_uint_eq(get_register(world, CPU_EDX), rows[i].limit ? rows[i].limit : 0x55);
        ck_assert_uint_eq(get_register(world, CPU_ESI) & 0xffff, (rows[i].rights != 0) | (rows[i].limit != 0)
                                                                                             << 8);
        ck_assert_uint_eq(get_register(world, CPU_EBX) & 0xffff, rows[i].readable | rows[i].writable << 8);
        world_free(world);
    }
}
END_TEST

START_TEST(arpl_raises_the_rpl)
{
    struct world *world = protected_world(3);
    set_register(world, CPU_EAX, 0x10);
    set_register(world, CPU_EBX, 0x2b);
    run(world, "\x63\xd8\x0f\x94\xc1\x63\xd8\x0f\x94\xc5", 10,
        4); /* arpl ax, bx; setz cl; arpl ax, bx; setz ch */
    ck_assert_uint_eq(get_register(world, CPU_EAX), 0x13);
    ck_assert_uint_eq(get_register(world, CPU_ECX) & 0xffff, 1);
    world_free(world);
}
END_TEST

/* ---- control registers, MSRs, CPUID, FPU ---- */

START_TEST(machine_status_word)
{
    struct world *world = protected_world(0);
    struct cpu_state state = state_of(world);
    state.cr0 = 0x60000011;
    state.gpr[CPU_EAX] = 0xfffe; /* everything but PE, which stays */
    state.gpr[CPU_ECX] = state.gpr[CPU_EDX] = 0xffffffff;
    set_state(world, &state);
    RUN(world, "\x0f\x01\xf0\x0f\x01\xe1\x66\x0f\x01\xe2\x0f\x06"); /* lmsw ax; smsw ecx; smsw dx; clts */
    ck_assert_uint_eq(get_register(world, CPU_ECX), 0x6000001f);
    ck_assert_uint_eq(get_register(world, CPU_EDX), 0xffff001f);
    ck_assert_uint_eq(state_of(world).cr0, 0x60000017);
    world_free(world);
}
END_TEST

START_TEST(control_registers)
{
    struct world *world = protected_world(0);
    set_register(world, CPU_EAX, 0xe005003f & ~0x80000000u);
    /* mov cr0, eax; mov ecx, cr0; mov eax, 12345678h; mov cr2, eax; mov edx, cr2 */
    RUN(world, "\x0f\x22\xc0\x0f\x20\xc1\xb8\x78\x56\x34\x12\x0f\x22\xd0\x0f\x20\xd2");
    ck_assert_uint_eq(get_register(world, CPU_ECX), 0x6005003f);
    ck_assert_uint_eq(get_register(world, CPU_EDX), 0x12345678);
    world_free(world);
}
END_TEST

START_TEST(cpuid_tells_the_truth)
{
    struct world *world = protected_world(3);
    set_register(world, CPU_EAX, 0);
    run(world, "\x0f\xa2", 2, 1);
    ck_assert_uint_eq(get_register(world, CPU_EAX), 2);
    ck_assert_uint_eq(get_register(world, CPU_EBX), 0x756e6547); /* "Genu" "ineI" "ntel" */
    ck_assert_uint_eq(get_register(world, CPU_EDX), 0x49656e69);
    ck_assert_uint_eq(get_register(world, CPU_ECX), 0x6c65746e);
    world_protect(world, 3);
    set_register(world, CPU_EAX, 1);
    run(world, "\x0f\xa2", 2, 1);
    ck_assert_uint_eq(get_register(world, CPU_EDX),
                      0x0103b97f); /* FPU VME DE PSE TSC MSR PAE CX8 SEP MTRR PGE CMOV PAT PSE36 FXSR */
    world_free(world);
}
END_TEST

static void wrmsr(struct world *world, uint32_t number, uint64_t value)
{
    world_protect(world, 0);
    set_register(world, CPU_ECX, number);
    set_register(world, CPU_EAX, (uint32_t)value);
    set_register(world, CPU_EDX, (uint32_t)(value >> 32));
    run(world, "\x0f\x30", 2, 1);
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 2);
}

static uint64_t rdmsr(struct world *world, uint32_t number)
{
    world_protect(world, 0);
    set_register(world, CPU_ECX, number);
    run(world, "\x0f\x32", 2, 1);
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 2);
    return (uint64_t)get_register(world, CPU_EDX) << 32 | get_register(world, CPU_EAX);
}

START_TEST(msrs_keep_what_is_written)
{
    struct world *world = world_new();
    static const uint32_t numbers[] = {0x174, 0x175, 0x176, 0x200, 0x202, 0x20e,
                                       0x250, 0x258, 0x259, 0x268, 0x26f, 0x277};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        wrmsr(world, numbers[i], 0x04050000 | ((i & 1) ? 6 : 4));
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        ck_assert_uint_eq(rdmsr(world, numbers[i]), 0x04050000 | ((i & 1) ? 6 : 4));
    wrmsr(world, 0x20f, UINT64_C(0xfffffe800));
    ck_assert_uint_eq(rdmsr(world, 0x20f), UINT64_C(0xfffffe800));
    wrmsr(world, 0x2ff, 0xc06);
    ck_assert_uint_eq(rdmsr(world, 0x2ff), 0xc06);
    ck_assert_uint_eq(rdmsr(world, 0xfe), 0x508);
    wrmsr(world, 0x8b, 0);
    ck_assert_uint_eq(rdmsr(world, 0x8b), 0);
    world_free(world);
}
END_TEST

/* The TSC is virtual time: with shift 0, an instruction is a tick. */
START_TEST(tsc_counts_instructions)
{
    struct world *world = world_new();
    wrmsr(world, 0x10, UINT64_C(0x500000000));
    world_protect(world, 0);
    run(world, "\x0f\x31\x89\xc3\x90\x90\x0f\x31", 8, 5); /* rdtsc; mov ebx, eax; nop; nop; rdtsc */
    ck_assert_uint_eq(get_register(world, CPU_EDX), 5);
    ck_assert_uint_lt(get_register(world, CPU_EBX), 10);
    world_free(world);
}
END_TEST

/* SDM 1, 8.1.3.1, 8.1.5: how programs look for an FPU. */
START_TEST(fpu_probes_find_it)
{
    struct world *world = protected_world(0);
    set_register(world, CPU_EAX, 0x5a5a);
    set_register(world, CPU_EBX, 0x5000);
    poke16(world, 0x5000, 0x5a5a);
    RUN(world,
        "\xdb\xe3\xdf\xe0\xdd\x3b\xd9\x3b\x9b"); /* fninit; fnstsw ax; fnstsw [ebx]; fnstcw [ebx]; wait */
    ck_assert_uint_eq(state_of(world).eip, WORLD_CODE + 10);
    ck_assert_uint_eq(get_register(world, CPU_EAX), 0);
    ck_assert_uint_eq(peek16(world, 0x5000), 0x037f);
    world_free(world);
}
END_TEST

START_TEST(history_keeps_the_last_sixteen)
{
    struct world *world = protected_world(0);
    unsigned count;
    for (unsigned i = 0; i < 20; i++) {
        world_protect(world, 0);
        set_register(world, CPU_EAX, i < 4 ? 0x100 : TSS32);
        RUN(world, "\x8e\xd8");
    }
    const struct fault_record *history = cpu_fault_history(world->cpu, &count);
    ck_assert_uint_eq(count, CPU_FAULT_HISTORY);
    for (unsigned i = 0; i < count; i++) ck_assert_uint_eq(history[i].fault.selector, TSS32);
    ck_assert_uint_eq(cpu_stats(world->cpu)->exceptions, 20);
    world_free(world);
}
END_TEST

START_TEST(descriptions_are_concrete)
{
    struct world *world = protected_world(0);
    char text[320];
    set_register(world, CPU_EAX, 0x100);
    RUN(world, "\x8e\xd8");
    fault_describe(&last_fault(world)->fault, text, sizeof(text));
    expect_text(text, "#GP(0100): ");
    expect_text(text, "selector 0100: offset 0107, limit 00ff, entry at 00001100");
    expect_text(text, "(SDM 3A, 3.5.1)");
    world_protect(world, 0);
    set_register(world, CPU_EAX, TSS32);
    RUN(world, "\x8e\xd8");
    fault_describe(&last_fault(world)->fault, text, sizeof(text));
    expect_text(
        text,
        "00008b0030000067 at 00001038 (busy 32-bit TSS, base 00003000, limit 00000067, DPL 0, present)");
    fault_describe(&last_fault(world)->fault, text, 10);
    ck_assert_uint_eq(strlen(text), 9);
    ck_assert_str_eq(fault_vector_name(0x80), "IRQ/INT 80h");
    world_free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu control");
    TCase *tests = tcase_create("cpu control");
    tcase_add_test(tests, tf_traps_after_each_instruction);
    tcase_add_test(tests, popf_traps_after_the_next_instruction);
    tcase_add_test(tests, int_n_is_not_stepped_into);
    tcase_add_test(tests, mov_ss_holds_traps_off);
    tcase_add_test(tests, data_breakpoint_traps_after_the_access);
    tcase_add_test(tests, io_breakpoint_needs_cr4_de);
    tcase_add_test(tests, io_breakpoint_by_out_and_in);
    tcase_add_test(tests, instruction_breakpoint_and_rf);
    tcase_add_test(tests, general_detect_guards_the_debug_registers);
    tcase_add_test(tests, debug_registers_keep_their_fixed_bits);
    tcase_add_test(tests, popf_changes_what_the_privilege_level_may);
    tcase_add_test(tests, pushf_hides_rf_and_vm);
    tcase_add_test(tests, table_registers_load_and_store);
    tcase_add_test(tests, lldt_and_ltr);
    tcase_add_test(tests, looking_at_selectors);
    tcase_add_test(tests, arpl_raises_the_rpl);
    tcase_add_test(tests, machine_status_word);
    tcase_add_test(tests, control_registers);
    tcase_add_test(tests, cpuid_tells_the_truth);
    tcase_add_test(tests, msrs_keep_what_is_written);
    tcase_add_test(tests, tsc_counts_instructions);
    tcase_add_test(tests, fpu_probes_find_it);
    tcase_add_test(tests, history_keeps_the_last_sixteen);
    tcase_add_test(tests, descriptions_are_concrete);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

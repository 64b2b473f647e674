/* SPDX-License-Identifier: MIT */
/*
 * Debug traps and interrupt windows by the manual: TF, breakpoints of the four kinds, DR6, DR7, GD, RF; what STI, MOV
 * SS and POPF hold off; an NMI that the local APIC sends to itself; code that changes itself. One line per check
 * (lib/check.h).
 */
#include "lib/smp.h"
#include "lib/traps.h"

enum {
    DR6_B0 = 0x0001,
    DR6_B1 = 0x0002,
    DR6_BD = 0x2000,
    DR6_BS = 0x4000,
    DR6_FIXED = 0xffff0ff0,
    DR7_FIXED = 0x400,
    DR7_L0 = 0x1,
    DR7_L1 = 0x4,
    DR7_GD = 0x2000,
    RW_EXECUTE = 0, /* DR7's R/W and LEN fields of breakpoint 0 */
    RW_WRITE = 1 << 16,
    RW_IO = 2 << 16,
    RW_ACCESS = 3 << 16,
    LEN_2 = 1 << 18,
    LEN_4 = 3 << 18,
    CR4_DE = 8,
    CPUID_DE = 1 << 2,
    CPUID_APIC = 1 << 9,
    VECTOR_TIMER = 0x50,
    TRACE_MOST = 32,
};

extern const uint8_t step_1[], step_2[], step_3[], step_end[], execute_point[], execute_after[], rep_point[],
    rep_end[], sti_third[], sti_sti_third[], ss_third[], popf_second[], pop_ss_step_end[];
extern uint32_t trap_counter;
void step_code(void);
void execute_code(void);
void pop_ss_step(void);
void rep_code(void);
void sti_code(void);
void sti_sti_code(void);
void ss_code(void);
void popf_code(void);

/* ---- what came: the EIP, DR6 and vector of each trap ---- */

static struct {
    uint32_t eip, dr6, vector, eflags, ecx;
} trace[TRACE_MOST];
static uint32_t traced;
static bool set_rf, stop_stepping_at_end;
static volatile uint32_t watched[4];

static uint32_t read_dr6(void)
{
    uint32_t v;

    __asm__ volatile("mov %%dr6, %0" : "=r"(v));
    return v;
}

static void write_dr6(uint32_t v)
{
    __asm__ volatile("mov %0, %%dr6" : : "r"(v));
}

static void write_dr7(uint32_t v)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(v));
}

static uint32_t read_dr7(void)
{
    uint32_t v;

    __asm__ volatile("mov %%dr7, %0" : "=r"(v));
    return v;
}

static void break_at(const volatile void *address, uint32_t dr7)
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(address));
    write_dr6(0);
    write_dr7(dr7 ? dr7 | DR7_FIXED : DR7_FIXED);
}

static bool record(struct trap *trap)
{
    if (trap->vector == VECTOR_LEAVE || trap->vector == VECTOR_UD || traced == TRACE_MOST) return false;
    trace[traced].eip = trap->eip;
    trace[traced].vector = trap->vector;
    trace[traced].eflags = trap->eflags;
    trace[traced].ecx = trap->ecx;
    trace[traced].dr6 = 0;
    if (trap->vector == VECTOR_DB) {
        trace[traced].dr6 = read_dr6();
        write_dr6(0);
    }
    traced++;
    if (trap->vector >= 0x20) {
        lapic_write(LAPIC_EOI, 0);
        trap->eflags &= ~(uint32_t)FLAG_IF;
    }
    if (set_rf) trap->eflags |= FLAG_RF;
    if (stop_stepping_at_end && trap->eip == (uint32_t)step_end) trap->eflags &= ~(uint32_t)FLAG_TF;
    return true;
}

static const struct trap *run(probe_fn fn, uint32_t arg)
{
    const struct trap *end;

    traced = 0;
    for (unsigned i = 0; i < TRACE_MOST; i++) trace[i].eip = trace[i].dr6 = trace[i].vector = 0;
    trap_hook = record;
    end = probe(fn, arg);
    trap_hook = NULL;
    return end;
}

/* ---- TF ---- */

static void check_single_step(void)
{
    stop_stepping_at_end = true;
    run((probe_fn)step_code, 0);
    stop_stepping_at_end = false;
    check_equal("tf_first_trap", "3B, 17.3.1.4", (uint32_t)step_2, trace[0].eip);
    check_equal("tf_second_trap", "3B, 17.3.1.4", (uint32_t)step_3, trace[1].eip);
    check_equal("tf_traps", "3B, 17.3.1.4", 3, traced);
    check_equal("tf_dr6_bs", "3B, 17.2.3", DR6_BS | DR6_FIXED, trace[0].dr6);
    check_equal("tf_pushed", "3B, 17.3.1.4", FLAG_TF, trace[0].eflags & FLAG_TF);
    run((probe_fn)rep_code, 0);
    check_equal("tf_after_each_iteration", "3B, 17.3.1.4", (uint32_t)rep_point, trace[0].eip);
    check_equal("tf_iteration_counted", "3B, 17.3.1.4", 3, trace[0].ecx);
    check_equal("tf_after_last_iteration", "3B, 17.3.1.4", (uint32_t)rep_end, trace[3].eip);
    run((probe_fn)pop_ss_step, 0);
    check_equal("tf_held_off_by_pop_ss", "3A, 6.8.3", (uint32_t)pop_ss_step_end, trace[0].eip);
}

/* ---- breakpoints ---- */

static void do_store(uint32_t address)
{
    __asm__ volatile("movb $1, (%0)" : : "r"(address) : "memory");
}

static void do_load(uint32_t address)
{
    __asm__ volatile("movb (%0), %%al" : : "r"(address) : "eax");
}

static void do_load_long(uint32_t address)
{
    __asm__ volatile("movl (%0), %%eax" : : "r"(address) : "eax");
}

static void do_in(uint32_t port)
{
    inb((uint16_t)port);
}

static void do_write_dr7(uint32_t value)
{
    write_dr7(value);
}

static void do_read_dr4(uint32_t unused)
{
    uint32_t v;

    (void)unused;
    __asm__ volatile("mov %%db4, %0" : "=r"(v));
}

static void do_read_dr7(uint32_t unused)
{
    (void)unused;
    read_dr7();
}

static void check_execute(void)
{
    break_at(execute_point, DR7_L0 | RW_EXECUTE);
    set_rf = true;
    run((probe_fn)execute_code, 0);
    set_rf = false;
    check_equal("execute_once_with_rf", "3B, 17.3.1.1", 1, traced);
    check_equal("execute_before", "3B, 17.3.1.1", (uint32_t)execute_point, trace[0].eip);
    check_equal("execute_dr6", "3B, 17.2.3", DR6_B0 | DR6_FIXED, trace[0].dr6);
    check_equal("execute_rf_pushed", "3B, 17.3.1.1", FLAG_RF, trace[0].eflags & FLAG_RF);
    check_equal("execute_done_after", "3B, 17.3.1.1", 1, trap_counter);
    break_at(execute_point, 0);
    run((probe_fn)execute_code, 0);
    check_equal("execute_disabled", "3B, 17.2.4", 0, traced);
}

struct data_row {
    const char *name;
    probe_fn fn;
    uint32_t dr7, at, offset, traps;
};

/* The breakpoint at watched + `at`, the access at watched + `offset`. */
static const struct data_row data_rows[] = {
    {"write_by_store", do_store, RW_WRITE | LEN_4, 0, 3, 1},
    {"write_not_by_load", do_load, RW_WRITE | LEN_4, 0, 0, 0},
    {"write_beside", do_store, RW_WRITE | LEN_4, 0, 4, 0},
    {"access_by_load", do_load, RW_ACCESS | LEN_4, 0, 2, 1},
    {"access_by_store", do_store, RW_ACCESS | LEN_4, 0, 1, 1},
    {"access_one_byte", do_load, RW_ACCESS, 1, 1, 1},
    {"access_one_byte_beside", do_load, RW_ACCESS, 1, 2, 0},
    {"access_two_bytes", do_load, RW_ACCESS | LEN_2, 2, 3, 1},
    {"access_partly", do_load_long, RW_ACCESS | LEN_2, 2, 3, 1},
    {"access_partly_before", do_load_long, RW_ACCESS, 6, 3, 1},
    {"access_low_bits_ignored", do_load, RW_ACCESS | LEN_4, 1, 0, 1},
};

static void check_data(void)
{
    for (const struct data_row *r = data_rows; r < data_rows + sizeof data_rows / sizeof *data_rows; r++) {
        break_at((const volatile uint8_t *)watched + r->at, DR7_L0 | r->dr7);
        run(r->fn, (uint32_t)watched + r->offset);
        write_dr7(DR7_FIXED);
        check_equal(r->name, "3B, 17.2.5", r->traps, traced);
        if (r->traps) check_equal("  dr6", "3B, 17.2.3", DR6_B0 | DR6_FIXED, trace[0].dr6);
    }
}

static void check_registers(void)
{
    write_dr6(0);
    check_equal("dr6_fixed_bits", "3B, 17.2", DR6_FIXED, read_dr6());
    write_dr7(0);
    check_equal("dr7_fixed_bits", "3B, 17.2", DR7_FIXED, read_dr7());
    write_dr7(DR7_GD | DR7_FIXED);
    run(do_write_dr7, DR7_FIXED);
    check_equal("gd_traps_once", "3B, 17.2.4", 1, traced);
    check_equal("gd_dr6_bd", "3B, 17.2.3", DR6_BD, trace[0].dr6 & DR6_BD);
    check_equal("gd_cleared", "3B, 17.2.4", 0, read_dr7() & DR7_GD);
    probe_user(do_read_dr7, 0);
    check_trap("dr7_from_ring_3", "3A, 5.9", VECTOR_GP, 0);
    probe(do_read_dr4, 0);
    check_trap("dr4_is_dr6_without_de", "3B, 17.2.2", TRAP_NONE, 0);
    if (!(cpuid_edx(1) & CPUID_DE)) {
        check_skip("de", "no DE");
        return;
    }
    write_cr4(read_cr4() | CR4_DE);
    probe(do_read_dr4, 0);
    check_trap("dr4_with_de", "3B, 17.2.2", VECTOR_UD, 0);
    break_at((const void *)0x80, DR7_L0 | RW_IO);
    run(do_in, 0x80);
    check_equal("io_breakpoint", "3B, 17.2.4", 1, traced);
    check_equal("  dr6", "3B, 17.2.3", DR6_B0 | DR6_FIXED, trace[0].dr6);
    run(do_in, 0x84);
    check_equal("io_breakpoint_other_port", "3B, 17.2.4", 0, traced);
    write_dr7(DR7_FIXED);
    write_cr4(read_cr4() & ~CR4_DE);
}

/* ---- interrupt windows: with an interrupt of the local APIC waiting ---- */

static void check_window(const char *name, const char *sdm, void (*code)(void), const uint8_t *eip)
{
    lapic_send(0, ICR_FIXED | ICR_ASSERT | ICR_SELF | VECTOR_TIMER);
    run((probe_fn)code, 0);
    check_equal(name, sdm, (uint32_t)eip, trace[0].eip);
    check_equal("  once", "3A, 10.8.4", 1, traced);
}

static void do_nmi(uint32_t unused)
{
    (void)unused;
    lapic_send(smp_apic_id(0), ICR_NMI | ICR_ASSERT);
    for (volatile unsigned i = 0; i < 1000; i++) continue;
}

static void check_windows(void)
{
    if (!(cpuid_edx(1) & CPUID_APIC)) {
        check_skip("windows", "no APIC");
        return;
    }
    smp_start(1, NULL);
    check_window("sti_holds_off_one", "2, STI", sti_code, sti_third);
    check_window("sti_twice_holds_off_one", "2, STI", sti_sti_code, sti_sti_third);
    check_window("popf_holds_off_none", "3A, 6.8.1", popf_code, popf_second);
    check_window("mov_ss_after_sti", "3A, 6.8.3", ss_code, ss_third);
    run(do_nmi, 0);
    check_equal("nmi_with_if_clear", "3A, 6.7.1", 1, traced);
    check_equal("nmi_vector", "3A, 6.7", VECTOR_NMI, trace[0].vector);
    run(do_nmi, 0);
    check_equal("nmi_again_after_iret", "3A, 6.7.1", 1, traced);
}

/* ---- code that changes itself ---- */

static uint8_t code[64] __attribute__((aligned(64)));

static uint32_t run_code(const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) code[i] = bytes[i];
    return ((uint32_t(*)(void))code)();
}

static void check_self_modifying(void)
{
    /* XOR EAX, EAX; MOV BYTE [next + 1], 7; JMP SHORT next; next: MOV AL, 1; RET */
    uint8_t store[] = {0x31, 0xc0, 0xc6, 0x05, 0, 0, 0, 0, 7, 0xeb, 0x00, 0xb0, 1, 0xc3};
    uint32_t at = (uint32_t)code + 12;
    bool good = true;

    for (unsigned i = 0; i < 4; i++) store[4 + i] = (uint8_t)(at >> 8 * i);
    check_equal("smc_after_jump", "3A, 8.1.3", 7, run_code(store, sizeof store));
    check_equal("smc_after_jump_again", "3A, 8.1.3", 7, run_code(store, sizeof store));
    for (uint8_t i = 0; i < 100; i++) {
        const uint8_t load[] = {0xb8, i, 0, 0, 0, 0xc3};

        good &= run_code(load, sizeof load) == i;
    }
    check_true("smc_rewritten", "3A, 8.1.3", good);
}

uint32_t guest_main(const struct multiboot_info *info)
{
    (void)info;
    traps_init();
    check_single_step();
    check_execute();
    check_data();
    check_registers();
    check_windows();
    check_self_modifying();
    return check_end("system_traps");
}

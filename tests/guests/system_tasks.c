/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches by the manual (SDM 3A, chapter 7): JMP, CALL, INT by a task gate, IRET; busy bit, NT, back
 * link, TS, saved state, and the faults that leave the old task as it was; TSSs of the 80286, the debug trap bit, CR3
 * and LDT of the new task. One line per check (lib/check.h).
 */
#include "lib/traps.h"

enum {
    OTHER = SEL_TEST, /* the second task's TSS */
    TASK_GATE = 0x48,
    ABSENT = 0x50,
    SHORT = 0x58,
    CR0_TS = 8,
    TYPE_BUSY = 0x8b,
    TYPE_FREE = 0x89,
    VECTOR_TASK = 0x40,
    OTHER16 = 0x60, /* a task with a 16-bit TSS: its segments, and one that is too short */
    CODE16 = 0x68,
    STACK16 = 0x70,
    SHORT16 = 0x78,
    LDT = 0x80,
    IN_LDT = 4, /* the LDT's first entry: a segment that begins at `window` */
    TYPE_BUSY16 = 0x83,
    TYPE_FREE16 = 0x81,
    LAST_OF_TSS16 = 0x2b,
    PAGE = 4096,
    DR6_BT = 0x8000,
    DR7_LOCAL_AND_GLOBAL = 3, /* breakpoint 0 */
};
#define CR0_PG 0x80000000u

struct tss16 {
    uint16_t link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
    uint16_t ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
};

struct __attribute__((packed)) far_pointer {
    uint32_t offset;
    uint16_t selector;
};

static struct tss other;
static uint8_t stack[4096] __attribute__((aligned(16)));
static volatile uint32_t runs, seen_flags, seen_eax, seen_cr0, seen_busy_old, seen_busy_new;
static volatile uint32_t seen_cr3, seen_ldt, seen_window, seen_gs_0;
static struct tss16 other16;
static uint64_t ldt[1];
static volatile uint32_t window[PAGE / 4] __attribute__((aligned(PAGE)));
static volatile uint32_t behind[PAGE / 4] __attribute__((aligned(PAGE)));
static uint32_t directory[2][1024] __attribute__((aligned(PAGE))),
    table[2][1024] __attribute__((aligned(PAGE)));

extern volatile uint32_t task16_eax, task16_flags, task16_sp, task16_runs;
void task16_body(void);
extern const uint8_t task16_after_iret[];

static uint8_t type_of(uint32_t selector)
{
    return traps_gdt[selector >> 3] >> 40 & 0xff;
}

/* The second task: notes what it finds, and goes back; started again, it goes on behind IRET. */
static void task_body(void)
{
    __asm__ volatile("mov %%eax, %0" : "=m"(seen_eax));
    for (;;) {
        __asm__ volatile("pushfl; popl %0" : "=r"(seen_flags));
        seen_cr0 = read_cr0();
        __asm__ volatile("mov %%cr3, %0" : "=r"(seen_cr3));
        __asm__ volatile("sldt %0" : "=r"(seen_ldt));
        if (seen_ldt & 0xffff) __asm__ volatile("movl %%gs:0, %0" : "=r"(seen_gs_0));
        seen_window = window[0];
        seen_busy_old = type_of(SEL_TSS);
        seen_busy_new = type_of(OTHER);
        runs = runs + 1;
        if (seen_flags & FLAG_NT)
            __asm__ volatile("iret" : : : "memory");
        else
            __asm__ volatile("ljmp %0, $0" : : "i"(SEL_TSS) : "memory");
    }
}

static void far_call(uint32_t selector)
{
    const struct far_pointer to = {0, (uint16_t)selector};

    __asm__ volatile("lcall *%0" : : "m"(to) : "eax", "ecx", "edx", "memory", "cc");
}

static void far_jump(uint32_t selector)
{
    const struct far_pointer to = {0, (uint16_t)selector};

    __asm__ volatile("ljmp *%0" : : "m"(to) : "eax", "ecx", "edx", "memory", "cc");
}

static void do_int(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("int %0" : : "i"(VECTOR_TASK) : "memory");
}

static void task_set(struct tss *tss, uint16_t ss)
{
    __builtin_memset(tss, 0, sizeof *tss);
    tss->eip = (uint32_t)task_body;
    tss->eflags = 2;
    tss->eax = 0x12345678;
    tss->esp = (uint32_t)(stack + sizeof stack);
    tss->cs = SEL_CODE0;
    tss->ss = ss;
    tss->ds = tss->es = tss->fs = tss->gs = SEL_DATA0;
    tss->io_base = sizeof *tss;
}

static void tasks_reset(void)
{
    task_set(&other, SEL_DATA0);
    traps_gdt[OTHER >> 3] = descriptor((uint32_t)&other, sizeof other - 1, TYPE_FREE);
    traps_gdt[TASK_GATE >> 3] = gate(OTHER, 0, 0xe5, 0);
    traps_gdt[ABSENT >> 3] = descriptor((uint32_t)&other, sizeof other - 1, 0x09);
    traps_gdt[SHORT >> 3] = descriptor((uint32_t)&other, 102, TYPE_FREE);
    traps_reload();
    runs = 0;
}

static void check_switch(const char *how, probe_fn fn, uint32_t arg, bool nested)
{
    com_print(how);
    com_print(":\n");
    tasks_reset();
    __asm__ volatile("clts");
    probe(fn, arg);
    check_trap("  comes_back", "3A, 7.3", TRAP_NONE, 0);
    check_equal("  ran", "3A, 7.3", 1, runs);
    check_equal("  eax_from_tss", "3A, 7.2.1", 0x12345678, seen_eax);
    check_equal("  nt", "3A, 7.4", nested ? FLAG_NT : 0, seen_flags & FLAG_NT);
    check_equal("  back_link", "3A, 7.4", nested ? SEL_TSS : 0, other.link & 0xffff);
    check_equal("  old_busy", "3A, table 7-2", nested ? TYPE_BUSY : TYPE_FREE, seen_busy_old);
    check_equal("  new_busy", "3A, table 7-2", TYPE_BUSY, seen_busy_new);
    check_equal("  ts", "3A, 7.3", CR0_TS, seen_cr0 & CR0_TS);
    check_equal("  free_after_return", "3A, table 7-2", TYPE_FREE, type_of(OTHER));
    check_equal("  nt_saved_clear_by_iret", "3A, table 7-2", 0, other.eflags & FLAG_NT);
}

static void check_fault(const char *name, uint32_t selector, uint32_t vector, uint32_t error)
{
    tasks_reset();
    probe(far_jump, selector);
    check_trap(name, "3A, 7.3", vector, error);
}

/* ---- 16-bit TSS ---- */

static void tasks16_reset(void)
{
    tasks_reset();
    other16 = (struct tss16){.flags = 2, .ax = 0x1234, .sp = PAGE, .cs = CODE16, .ss = STACK16};
    other16.ds = other16.es = SEL_DATA0;
    traps_gdt[OTHER16 >> 3] = descriptor((uint32_t)&other16, sizeof other16 - 1, TYPE_FREE16);
    traps_gdt[SHORT16 >> 3] = descriptor((uint32_t)&other16, LAST_OF_TSS16 - 1, TYPE_FREE16);
    traps_gdt[CODE16 >> 3] = descriptor((uint32_t)task16_body, 0xffff, 0x409b);
    traps_gdt[STACK16 >> 3] = descriptor((uint32_t)stack, PAGE - 1, 0x0093);
    task16_runs = 0;
}

static void check_switch16(const char *how, probe_fn fn, bool nested)
{
    com_print(how);
    com_print(":\n");
    tasks16_reset();
    traps_tss.cr3 = 0;
    probe(fn, OTHER16);
    check_trap("  comes_back", "3A, 7.6", TRAP_NONE, 0);
    check_equal("  ran", "3A, 7.6", 1, task16_runs);
    check_equal("  ax_from_tss", "3A, figure 7-10", 0x1234, task16_eax & 0xffff);
    check_equal("  sp_from_tss", "3A, figure 7-10", PAGE, task16_sp & 0xffff);
    check_equal("  nt", "3A, 7.4", nested ? FLAG_NT : 0, task16_flags & FLAG_NT);
    check_equal("  back_link", "3A, figure 7-10", nested ? SEL_TSS : 0, other16.link);
    check_equal("  free_after_return", "3A, table 7-2", TYPE_FREE16, type_of(OTHER16));
    check_equal("  nt_saved_clear_by_iret", "3A, table 7-2", 0, other16.flags & FLAG_NT);
    check_equal("  selectors_saved", "3A, figure 7-10", CODE16 << 16 | STACK16,
                (uint32_t)other16.cs << 16 | other16.ss);
    if (nested)
        check_equal("  ip_saved", "3A, 7.3", (uint32_t)task16_after_iret - (uint32_t)task16_body, other16.ip);
}

static void check_16(void)
{
    check_switch16("call_16", far_call, true);
    check_switch16("jmp_16", far_jump, false);
    tasks16_reset();
    probe(far_jump, SHORT16);
    check_trap("jmp_16_short_limit", "3A, table 7-1", VECTOR_TS, SHORT16);
    tasks16_reset();
    traps_gdt[OTHER16 >> 3] = descriptor((uint32_t)&other16, sizeof other16 - 1, TYPE_BUSY16);
    probe(far_jump, OTHER16);
    check_trap("jmp_16_busy", "3A, table 7-1", VECTOR_GP, OTHER16);
}

/* ---- T ---- */

static uint32_t trap_dr6, trap_dr7, trap_runs, trap_count;

static bool note_debug_trap(struct trap *trap)
{
    if (trap->vector != VECTOR_DB) return false;
    __asm__ volatile("mov %%dr6, %0; mov %%dr7, %1" : "=r"(trap_dr6), "=r"(trap_dr7));
    trap_runs = runs;
    trap_count++;
    return true;
}

static void check_debug_trap(void)
{
    com_print("debug trap:\n");
    tasks_reset();
    other.debug_trap = 1;
    trap_hook = note_debug_trap;
    trap_count = 0;
    __asm__ volatile("mov %0, %%dr0" : : "r"(&window[1]));
    __asm__ volatile("mov %0, %%dr6; mov %1, %%dr7" : : "r"(0), "r"(0x30400 | DR7_LOCAL_AND_GLOBAL));
    probe(far_call, OTHER);
    __asm__ volatile("mov %0, %%dr6; mov %1, %%dr7" : : "r"(0), "r"(0x400));
    trap_hook = NULL;
    check_trap("  comes_back", "3A, 7.2.1", TRAP_NONE, 0);
    check_equal("  once", "3B, 17.3.1.5", 1, trap_count);
    check_equal("  before_first_instruction", "3B, 17.3.1.5", (uint32_t)task_body, trap_last.eip);
    check_equal("  task_has_not_run", "3B, 17.3.1.5", 0, trap_runs);
    check_equal("  dr6_bt", "3B, 17.2.3", DR6_BT, trap_dr6 & 0xe00f);
    check_equal("  local_breakpoints_off", "3B, 17.2.4", 2, trap_dr7 & DR7_LOCAL_AND_GLOBAL);
    check_equal("  task_runs_then", "3B, 17.3.1.5", 1, runs);
}

/* ---- CR3 and LDT ---- */

static void map(unsigned space, const volatile uint32_t *at_window)
{
    for (uint32_t i = 0; i < 1024; i++) table[space][i] = i * PAGE | 3;
    table[space][(uint32_t)window / PAGE] = (uint32_t)at_window | 3;
    directory[space][0] = (uint32_t)table[space] | 3;
}

static uint32_t cr3(void)
{
    uint32_t v;

    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}

/* The other task sees the page `behind` where this one has `window`. */
static void check_cr3(void)
{
    com_print("cr3:\n");
    tasks_reset();
    map(0, window);
    map(1, behind);
    window[0] = 0x11111111;
    behind[0] = 0x22222222;
    traps_tss.cr3 = (uint32_t)directory[0];
    other.cr3 = (uint32_t)directory[1];
    write_cr3(traps_tss.cr3);
    write_cr0(read_cr0() | CR0_PG);
    seen_window = window[0]; /* in the TLB */
    probe(far_call, OTHER);
    const uint32_t window_after = window[0], cr3_after = cr3();
    write_cr0(read_cr0() & ~CR0_PG);
    check_trap("  comes_back", "3A, 7.3", TRAP_NONE, 0);
    check_equal("  cr3_from_tss", "3A, 7.2.1", (uint32_t)directory[1], seen_cr3);
    check_equal("  its_page", "3A, 7.7", 0x22222222, seen_window);
    check_equal("  cr3_back", "3A, 7.2.1", (uint32_t)directory[0], cr3_after);
    check_equal("  own_page_back", "3A, 7.7", 0x11111111, window_after);
    check_equal("  cr3_not_saved", "3A, 7.2.1", (uint32_t)directory[1], other.cr3);
    write_cr3(0);
    tasks_reset();
    other.cr3 = (uint32_t)directory[1];
    probe(far_call, OTHER);
    check_trap("  without_paging_comes_back", "3A, 7.3", TRAP_NONE, 0);
    check_equal("  own_page_without_paging", "3A, 7.3", 0x11111111, seen_window);
}

static void check_ldt(void)
{
    uint32_t after;

    com_print("ldt:\n");
    tasks_reset();
    ldt[0] = descriptor((uint32_t)window, PAGE - 1, 0x4093);
    traps_gdt[LDT >> 3] = descriptor((uint32_t)ldt, sizeof ldt - 1, 0x82);
    other.ldt = LDT;
    other.gs = IN_LDT;
    traps_tss.ldt = 0;
    probe(far_call, OTHER);
    __asm__ volatile("sldt %0" : "=r"(after));
    check_trap("  comes_back", "3A, 7.3", TRAP_NONE, 0);
    check_equal("  ldtr_from_tss", "3A, 7.2.1", LDT, seen_ldt & 0xffff);
    check_equal("  segment_of_it", "3A, 7.7", window[0], seen_gs_0);
    check_equal("  ldtr_back", "3A, 7.3", 0, after & 0xffff);
    check_equal("  ldtr_not_saved", "3A, 7.2.1", LDT, other.ldt);
    tasks_reset();
}

uint32_t guest_main(const struct multiboot_info *info)
{
    (void)info;
    traps_init();
    check_switch("call", far_call, OTHER, true);
    check_switch("jmp", far_jump, OTHER, false);
    check_switch("call_task_gate", far_call, TASK_GATE, true);
    tasks_reset();
    traps_idt[VECTOR_TASK] = gate(OTHER, 0, 0xe5, 0);
    probe(do_int, 0);
    check_trap("int_task_gate_comes_back", "3A, 6.12.2", TRAP_NONE, 0);
    check_equal("int_task_gate_nt", "3A, 7.4", FLAG_NT, seen_flags & FLAG_NT);
    check_fault("jmp_busy", SEL_TSS, VECTOR_GP, SEL_TSS);
    check_fault("jmp_rpl", OTHER | 3, VECTOR_GP, OTHER);
    check_fault("jmp_absent", ABSENT, VECTOR_NP, ABSENT);
    check_fault("jmp_short_limit", SHORT, VECTOR_TS, SHORT);
    check_16();
    check_debug_trap();
    check_cr3();
    check_ldt();
    return check_end("system_tasks");
}

/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches by the manual (SDM 3A, chapter 7): JMP, CALL, INT by a task gate, IRET; busy bit, NT, back
 * link, TS, saved state, and the faults that leave the old task as it was. One line per check (lib/check.h).
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
};

struct __attribute__((packed)) far_pointer {
    uint32_t offset;
    uint16_t selector;
};

static struct tss other;
static uint8_t stack[4096] __attribute__((aligned(16)));
static volatile uint32_t runs, seen_flags, seen_eax, seen_cr0, seen_busy_old, seen_busy_new;

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
    return check_end("system_tasks");
}

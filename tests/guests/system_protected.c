/* SPDX-License-Identifier: MIT */
/*
 * Protection by the manual: loading segment registers, limits and types, far transfers, call gates, interrupts and
 * their gates, returns to outer rings, system instructions and what ring 3 may not do. Tables of cases: what is
 * done, in which ring, with which selector, and which exception with which error code it must give (TRAP_NONE:
 * none). One line per check (lib/check.h).
 */
#include "lib/traps.h"

enum {
    DATA0 = SEL_TEST, /* our descriptors; the number after the name is the ring */
    DATA3 = 0x48,
    CODE0_EXEC = 0x50,
    CODE0_READ = 0x58,
    DATA0_RO = 0x60,
    DATA0_ABSENT = 0x68,
    CONFORMING0 = 0x70,
    BUSY_TSS = 0x78,
    CODE3 = 0x80,
    CONFORMING3 = 0x88,
    SMALL = 0x90,       /* limit FFFh */
    EXPAND_DOWN = 0x98, /* from 1000h on */
    SMALL_RO = 0xa0,
    CODE1 = 0xa8,
    CODE0_ABSENT = 0xb0,
    LDT = 0xb8,
    LDT_ABSENT = 0xc0,
    CODE0_AT_TARGET = 0xc8, /* base: gate_target */
    GATE = 0xd0,            /* call gates */
    GATE_DPL0 = 0xd8,
    GATE_ABSENT = 0xe0,
    GATE_NULL = 0xe8,
    GATE_TO_DATA = 0xf0,
    GATE_TO_ABSENT = 0xf8,
    GATE_TO_CONFORMING = 0x100,
    GATE_TO_RING1 = 0x108,
    GATE_PARAMETERS = 0x110,
    GATE_16 = 0x118,
    GATE_BEYOND = 0x120, /* offset outside of the code segment */
    FREE_TSS = 0x128,
    BEYOND_GDT = GDT_ENTRIES * 8,
    IN_LDT = 4,

    CR0_AM = 0x40000,
    IDT_ERROR = 2, /* error code: from the IDT (SDM 3A, figure 6-7) */
    EXTERNAL = 1,
    GATE_32 = 0x8c,
    GATE_286 = 0x84,
    INTERRUPT_32 = 0x8e,
    INTERRUPT_16 = 0x86,
    TRAP_32 = 0x8f,
    RING3 = 0x60,
};

extern uint32_t gate_record[20], saved_esp;
void gate_target(void);
void gate_target_return(void);
void call_gate_user(void);
void far_target(void);

struct __attribute__((packed)) far_pointer {
    uint32_t offset;
    uint16_t selector;
};
struct far_pointer far_pointer;

struct row {
    const char *name, *sdm;
    probe_fn fn;
    bool user;
    uint32_t arg, vector, error;
};

static uint64_t ldt[4];
static uint16_t segment; /* for do_fs_...() */
static uint32_t result;

/* ---- what the probes do ---- */

static void load_ds(uint32_t s)
{
    __asm__ volatile("movl %0, %%ds" : : "r"(s));
    __asm__ volatile("movl %0, %%ds" : : "r"(s & 3 ? SEL_DATA3 : SEL_DATA0));
}
static void load_ss(uint32_t s)
{
    __asm__ volatile("movl %%ss, %%eax; movl %0, %%ss; movl %%eax, %%ss" : : "r"(s) : "eax");
}
static void fs_read(uint32_t at)
{
    __asm__ volatile("movw %1, %%fs; movl %%fs:(%0), %%eax" : : "r"(at), "m"(segment) : "eax");
}
static void fs_write(uint32_t at)
{
    __asm__ volatile("movw %1, %%fs; movl %%fs:(%0), %%eax; movl %%eax, %%fs:(%0)"
                     :
                     : "r"(at), "m"(segment)
                     : "eax");
}
static void cs_write(uint32_t at)
{
    __asm__ volatile("movl %%eax, %%cs:(%0)" : : "r"(at));
}
static void far_jump(uint32_t s)
{
    far_pointer = (struct far_pointer){(uint32_t)far_target, (uint16_t)s};
    __asm__ volatile("ljmp *%0" : : "m"(far_pointer));
}
static void far_call(uint32_t s)
{
    far_pointer = (struct far_pointer){(uint32_t)far_target, (uint16_t)s};
    __asm__ volatile("lcall *%0" : : "m"(far_pointer));
}
static void far_return(uint32_t s)
{
    __asm__ volatile("pushl %0; pushl %1; lret" : : "r"(s), "r"(far_target));
}
/* To ring 3 from ring 0, with this SS. */
static void far_return_ss(uint32_t s)
{
    __asm__ volatile("pushl %0; pushl $0x1000; pushl %2; pushl %1; lret"
                     :
                     : "r"(s), "r"(far_target), "i"(SEL_CODE3));
}
static void interrupt_return(uint32_t s)
{
    __asm__ volatile("pushfl; pushl %0; pushl %1; iret" : : "r"(s), "r"(far_target));
}
static void do_ltr(uint32_t s)
{
    __asm__ volatile("ltr %w0" : : "r"(s));
}
static void do_lldt(uint32_t s)
{
    __asm__ volatile("lldt %w0" : : "r"(s));
}
static void do_int_40(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("int $0x40");
}
static void do_int3(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("int3");
}
static void do_ud(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}
static void do_cli(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("cli");
}
static void do_hlt(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("hlt");
}
static void do_in(uint32_t port)
{
    inb((uint16_t)port);
}
static void do_in_long(uint32_t port)
{
    inl((uint16_t)port);
}
static void do_lgdt(uint32_t at)
{
    __asm__ volatile("lgdt %0" : : "m"(*(char *)at));
}
static void do_mov_cr0(uint32_t unused)
{
    (void)unused;
    read_cr0();
}
static void do_clts(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("clts");
}
static void do_bound(uint32_t index)
{
    static const int32_t bounds[2] = {0, 9};

    __asm__ volatile("bound %0, %1" : : "r"(index), "m"(bounds));
}
static void do_divide(uint32_t by)
{
    __asm__ volatile("divl %0" : : "r"(by), "a"(1), "d"(0) : "cc");
}
static void do_into(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("movb $0x7f, %%al; addb $1, %%al; into" : : : "eax", "cc");
}
static void do_misaligned(uint32_t at)
{
    __asm__ volatile("pushfl; orl %1, (%%esp); popfl; movl 1(%0), %%eax"
                     :
                     : "r"(at & ~3u), "i"(FLAG_AC)
                     : "eax");
}
static void do_popf(uint32_t flags)
{
    __asm__ volatile("pushl %1; popfl; pushfl; popl %0" : "=r"(result) : "r"(flags) : "cc");
}
static void do_read_fs(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("movl %%fs, %0" : "=r"(result));
}

/* ---- the descriptors ---- */

static void set(uint32_t selector, uint64_t value)
{
    traps_gdt[selector >> 3] = value;
}

static void set_gate(uint32_t selector, uint16_t target, uint8_t access, uint8_t parameters)
{
    set(selector, gate(target, (uint32_t)gate_target, access, parameters));
}

static void descriptors_set(void)
{
    set(DATA0, descriptor(0, 0xfffff, 0xc092));
    set(DATA3, descriptor(0, 0xfffff, 0xc0f2));
    set(CODE0_EXEC, descriptor(0, 0xfffff, 0xc098));
    set(CODE0_READ, descriptor(0, 0xfffff, 0xc09a));
    set(DATA0_RO, descriptor(0, 0xfffff, 0xc090));
    set(DATA0_ABSENT, descriptor(0, 0xfffff, 0xc012));
    set(CONFORMING0, descriptor(0, 0xfffff, 0xc09e));
    set(BUSY_TSS, descriptor((uint32_t)&traps_tss, 103, 0x8b));
    set(FREE_TSS, descriptor((uint32_t)&traps_tss, sizeof traps_tss - 1, 0x89));
    set(CODE3, descriptor(0, 0xfffff, 0xc0fa));
    set(CONFORMING3, descriptor(0, 0xfffff, 0xc0fe));
    set(SMALL, descriptor(0, 0xfff, 0x40f2));
    set(EXPAND_DOWN, descriptor(0, 0xfff, 0x40f6));
    set(SMALL_RO, descriptor(0, 0xfff, 0x40f0));
    set(CODE1, descriptor(0, 0xfffff, 0xc0ba));
    set(CODE0_ABSENT, descriptor(0, 0xfffff, 0xc01a));
    set(LDT, descriptor((uint32_t)ldt, sizeof ldt - 1, 0x82));
    set(LDT_ABSENT, descriptor((uint32_t)ldt, sizeof ldt - 1, 0x02));
    set(CODE0_AT_TARGET, descriptor((uint32_t)gate_target, 0xfffff, 0xc09a));
    set_gate(GATE, SEL_CODE0, GATE_32 | RING3, 0);
    set_gate(GATE_DPL0, SEL_CODE0, GATE_32, 0);
    set_gate(GATE_ABSENT, SEL_CODE0, 0x0c | RING3, 0);
    set_gate(GATE_NULL, 0, GATE_32 | RING3, 0);
    set_gate(GATE_TO_DATA, DATA0, GATE_32 | RING3, 0);
    set_gate(GATE_TO_ABSENT, CODE0_ABSENT, GATE_32 | RING3, 0);
    set_gate(GATE_TO_CONFORMING, CONFORMING0, GATE_32 | RING3, 0);
    set_gate(GATE_TO_RING1, CODE1, GATE_32 | RING3, 0);
    set(GATE_PARAMETERS, gate(SEL_CODE0, (uint32_t)gate_target_return, GATE_32 | RING3, 2));
    set(GATE_16, gate(CODE0_AT_TARGET, 0, GATE_286 | RING3, 2));
}

/* ---- tables ---- */

static const struct row load_rows[] = {
    {"ds_null", "3A, 5.4.1", load_ds, false, 0, TRAP_NONE, 0},
    {"ds_null_rpl3", "3A, 5.4.1", load_ds, false, 3, TRAP_NONE, 0},
    {"ds_data", "3A, 5.6", load_ds, false, DATA0, TRAP_NONE, 0},
    {"ds_data_rpl3_of_ring0", "3A, 5.6", load_ds, false, DATA0 | 3, VECTOR_GP, DATA0},
    {"ds_ring3_data", "3A, 5.6", load_ds, false, DATA3 | 3, TRAP_NONE, 0},
    {"ds_user_ring0_data", "3A, 5.6", load_ds, true, DATA0 | 3, VECTOR_GP, DATA0},
    {"ds_exec_only_code", "3A, 5.5", load_ds, false, CODE0_EXEC, VECTOR_GP, CODE0_EXEC},
    {"ds_readable_code", "3A, 5.6.1", load_ds, false, CODE0_READ, TRAP_NONE, 0},
    {"ds_user_readable_code0", "3A, 5.6.1", load_ds, true, CODE0_READ | 3, VECTOR_GP, CODE0_READ},
    {"ds_user_conforming_code0", "3A, 5.6.1", load_ds, true, CONFORMING0 | 3, TRAP_NONE, 0},
    {"ds_absent", "3A, 6.15, interrupt 11", load_ds, false, DATA0_ABSENT, VECTOR_NP, DATA0_ABSENT},
    {"ds_user_absent_ring_first", "2, MOV", load_ds, true, DATA0_ABSENT | 3, VECTOR_GP, DATA0_ABSENT},
    {"ds_tss", "3A, 5.5", load_ds, false, BUSY_TSS, VECTOR_GP, BUSY_TSS},
    {"ds_gate", "3A, 5.5", load_ds, false, GATE, VECTOR_GP, GATE},
    {"ds_beyond_gdt", "3A, 5.3", load_ds, false, BEYOND_GDT, VECTOR_GP, BEYOND_GDT},
    {"ds_no_ldt", "3A, 2.4.2", load_ds, false, 8 | IN_LDT, VECTOR_GP, 8 | IN_LDT},
    {"ss_null", "3A, 5.4.1", load_ss, false, 0, VECTOR_GP, 0},
    {"ss_user_null", "3A, 5.4.1", load_ss, true, 3, VECTOR_GP, 0},
    {"ss_data", "3A, 5.7", load_ss, false, DATA0, TRAP_NONE, 0},
    {"ss_rpl", "3A, 5.7", load_ss, false, DATA0 | 1, VECTOR_GP, DATA0},
    {"ss_dpl", "3A, 5.7", load_ss, false, DATA3, VECTOR_GP, DATA3},
    {"ss_user_dpl", "3A, 5.7", load_ss, true, DATA0 | 3, VECTOR_GP, DATA0},
    {"ss_read_only", "3A, 5.5", load_ss, false, DATA0_RO, VECTOR_GP, DATA0_RO},
    {"ss_code", "3A, 5.5", load_ss, false, CODE0_READ, VECTOR_GP, CODE0_READ},
    {"ss_absent", "3A, 6.15, interrupt 12", load_ss, false, DATA0_ABSENT, VECTOR_SS, DATA0_ABSENT},
    {"ss_beyond_gdt", "3A, 5.3", load_ss, false, BEYOND_GDT, VECTOR_GP, BEYOND_GDT},
    {"cs_write", "3A, 5.5", cs_write, false, 0x7000, VECTOR_GP, 0},
    {"ltr_busy", "2, LTR", do_ltr, false, BUSY_TSS, VECTOR_GP, BUSY_TSS},
    {"ltr_data", "2, LTR", do_ltr, false, DATA0, VECTOR_GP, DATA0},
    {"ltr_in_ldt", "2, LTR", do_ltr, false, 8 | IN_LDT, VECTOR_GP, 8 | IN_LDT},
    {"ltr_user", "3A, 5.9", do_ltr, true, FREE_TSS, VECTOR_GP, 0},
    {"lldt_null", "2, LLDT", do_lldt, false, 0, TRAP_NONE, 0},
    {"lldt_data", "2, LLDT", do_lldt, false, DATA0, VECTOR_GP, DATA0},
    {"lldt_absent", "2, LLDT", do_lldt, false, LDT_ABSENT, VECTOR_NP, LDT_ABSENT},
    {"lldt_user", "3A, 5.9", do_lldt, true, LDT, VECTOR_GP, 0},
};

static const struct row far_rows[] = {
    {"jmp_code0", "3A, 5.8.1.1", far_jump, false, CODE0_EXEC, VECTOR_LEAVE, 0},
    {"jmp_null", "3A, 5.4.1", far_jump, false, 0, VECTOR_GP, 0},
    {"jmp_data", "3A, 5.5", far_jump, false, DATA0, VECTOR_GP, DATA0},
    {"jmp_rpl_above_cpl", "3A, 5.8.1.1", far_jump, false, CODE0_READ | 3, VECTOR_GP, CODE0_READ},
    {"jmp_dpl3_from_0", "3A, 5.8.1.1", far_jump, false, CODE3, VECTOR_GP, CODE3},
    {"jmp_absent", "3A, 6.15, interrupt 11", far_jump, false, CODE0_ABSENT, VECTOR_NP, CODE0_ABSENT},
    {"jmp_beyond_gdt", "3A, 5.3", far_jump, false, BEYOND_GDT, VECTOR_GP, BEYOND_GDT},
    {"jmp_conforming3_from_0", "3A, 5.8.1.2", far_jump, false, CONFORMING3, VECTOR_GP, CONFORMING3},
    {"call_user_code0", "3A, 5.8.1.1", far_call, true, CODE0_READ | 3, VECTOR_GP, CODE0_READ},
    {"call_user_conforming0", "3A, 5.8.1.2", far_call, true, CONFORMING0, TRAP_NONE, 0},
    {"call_user_code3_rpl0", "3A, 5.8.1.1", far_call, true, CODE3, TRAP_NONE, 0},
    {"gate_dpl", "3A, 5.8.4", far_call, true, GATE_DPL0, VECTOR_GP, GATE_DPL0},
    {"gate_rpl", "3A, 5.8.4", far_call, false, GATE_DPL0 | 3, VECTOR_GP, GATE_DPL0},
    {"gate_absent", "3A, 5.8.3", far_call, true, GATE_ABSENT, VECTOR_NP, GATE_ABSENT},
    {"gate_null", "3A, 5.8.4", far_call, true, GATE_NULL, VECTOR_GP, 0},
    {"gate_to_data", "3A, 5.8.4", far_call, true, GATE_TO_DATA, VECTOR_GP, DATA0},
    {"gate_to_absent", "3A, 5.8.4", far_call, true, GATE_TO_ABSENT, VECTOR_NP, CODE0_ABSENT},
    {"gate_jmp_inner", "3A, 5.8.4", far_jump, true, GATE, VECTOR_GP, SEL_CODE0},
    {"gate_jmp_conforming", "3A, 5.8.4", far_jump, true, GATE_TO_CONFORMING, TRAP_NONE, 0},
    {"gate_ring1_no_stack", "3A, 5.8.5", far_call, true, GATE_TO_RING1, VECTOR_TS, 0},
    {"lret_null", "3A, 5.8.6", far_return, false, 0, VECTOR_GP, 0},
    {"lret_data", "3A, 5.8.6", far_return, false, DATA0, VECTOR_GP, DATA0},
    {"lret_absent", "3A, 5.8.6", far_return, false, CODE0_ABSENT, VECTOR_NP, CODE0_ABSENT},
    {"lret_inner", "3A, 5.8.6", far_return, true, CODE0_READ, VECTOR_GP, CODE0_READ},
    {"lret_outer_ss_null", "3A, 5.8.6", far_return_ss, false, 0, VECTOR_GP, 0},
    {"lret_outer_ss_dpl", "3A, 5.8.6", far_return_ss, false, DATA0 | 3, VECTOR_GP, DATA0},
    {"lret_outer_ss_rpl", "3A, 5.8.6", far_return_ss, false, DATA3, VECTOR_GP, DATA3},
    {"iret_inner", "2, IRET", interrupt_return, true, CODE0_READ, VECTOR_GP, CODE0_READ},
    {"iret_null", "2, IRET", interrupt_return, false, 0, VECTOR_GP, 0},
    {"iret_same", "2, IRET", interrupt_return, false, CODE0_READ, VECTOR_LEAVE, 0},
};

static const struct row system_rows[] = {
    {"user_cli", "2, CLI", do_cli, true, 0, VECTOR_GP, 0},
    {"user_hlt", "3A, 5.9", do_hlt, true, 0, VECTOR_GP, 0},
    {"user_lgdt", "3A, 5.9", do_lgdt, true, (uint32_t)&far_pointer, VECTOR_GP, 0},
    {"user_mov_cr0", "3A, 5.9", do_mov_cr0, true, 0, VECTOR_GP, 0},
    {"user_clts", "3A, 5.9", do_clts, true, 0, VECTOR_GP, 0},
    {"user_in_refused", "1, 18.5.2", do_in, true, 0x61, VECTOR_GP, 0},
    {"user_in_allowed", "1, 18.5.2", do_in, true, 0x80, TRAP_NONE, 0},
    {"user_in_long_partly", "1, 18.5.2", do_in_long, true, 0x80, VECTOR_GP, 0},
    {"user_in_beyond_tss", "1, 18.5.2", do_in, true, 0x3fd, VECTOR_GP, 0},
    {"bound_inside", "2, BOUND", do_bound, true, 9, TRAP_NONE, 0},
    {"bound_outside", "2, BOUND", do_bound, true, 10, VECTOR_BR, 0},
    {"divide_by_zero", "3A, 6.15, interrupt 0", do_divide, true, 0, 0, 0},
    {"user_ud2", "3A, 6.12.1.1", do_ud, true, 0, VECTOR_UD, 0},
    {"user_int_dpl0", "3A, 6.12.1.1", do_int_40, true, 0, VECTOR_GP, 0x40 * 8 + IDT_ERROR},
    {"user_int3_dpl0", "3A, 6.12.1.1", do_int3, true, 0, VECTOR_GP, 3 * 8 + IDT_ERROR},
    {"user_into_dpl0", "3A, 6.12.1.1", do_into, true, 0, VECTOR_GP, 4 * 8 + IDT_ERROR},
    {"int3", "3A, 6.15, interrupt 3", do_int3, false, 0, VECTOR_BP, 0},
    {"into", "3A, 6.15, interrupt 4", do_into, false, 0, VECTOR_OF, 0},
    {"int_n", "3A, 6.4.4", do_int_40, false, 0, 0x40, 0},
};

static void check_rows(const struct row *rows, unsigned count)
{
    for (; count--; rows++) {
        (rows->user ? probe_user : probe)(rows->fn, rows->arg);
        check_trap(rows->name, rows->sdm,
                   rows->vector == VECTOR_LEAVE && rows->user ? TRAP_NONE : rows->vector, rows->error);
    }
}

/* ---- limits and types ---- */

struct limit_row {
    const char *name;
    probe_fn fn;
    uint16_t selector;
    uint32_t at, vector;
};

static const struct limit_row limit_rows[] = {
    {"limit_last_dword", fs_read, SMALL, 0xffc, TRAP_NONE},
    {"limit_one_beyond", fs_read, SMALL, 0xffd, VECTOR_GP},
    {"limit_wrap", fs_read, SMALL, 0xfffffffe, VECTOR_GP},
    {"expand_down_below", fs_read, EXPAND_DOWN, 0xfff, VECTOR_GP},
    {"expand_down_first", fs_read, EXPAND_DOWN, 0x1000, TRAP_NONE},
    {"read_only_read", fs_read, SMALL_RO, 0x600, TRAP_NONE},
    {"read_only_write", fs_write, SMALL_RO, 0x600, VECTOR_GP},
    {"code_segment_write", fs_write, CODE0_READ, 0x600, VECTOR_GP},
    {"null_segment_read", fs_read, 0, 0x600, VECTOR_GP},
};

static void check_limits(void)
{
    for (const struct limit_row *r = limit_rows; r < limit_rows + sizeof limit_rows / sizeof *limit_rows;
         r++) {
        segment = r->selector;
        probe(r->fn, r->at);
        check_trap(r->name, "3A, 5.3", r->vector, 0);
    }
    set(DATA0, descriptor(0, 0xfffff, 0xc092));
    probe(load_ds, DATA0);
    check_equal("accessed_bit", "3A, 3.4.5.1", 0x93, traps_gdt[DATA0 >> 3] >> 40 & 0xff);
}

/* ---- LDT ---- */

static void check_ldt(void)
{
    ldt[1] = descriptor(0, 0xfffff, 0xc092);
    ldt[2] = descriptor(0, 0xfffff, 0xc012);
    probe(do_lldt, LDT);
    probe(load_ds, 8 | IN_LDT);
    check_trap("ldt_data", "3A, 3.5.1", TRAP_NONE, 0);
    probe(load_ds, 0 | IN_LDT);
    check_trap("ldt_entry_0_is_no_null", "3A, 3.4.2", VECTOR_GP, IN_LDT);
    probe(load_ds, 16 | IN_LDT);
    check_trap("ldt_absent", "3A, 6.15, interrupt 11", VECTOR_NP, 16 | IN_LDT);
    probe(load_ds, 32 | IN_LDT);
    check_trap("ldt_beyond", "3A, 5.3", VECTOR_GP, 32 | IN_LDT);
    probe(do_lldt, 0);
}

/* ---- call gates ---- */

static void check_call_gates(void)
{
    probe_user(far_call, GATE);
    check_equal("call_gate_cpl", "3A, 5.8.5", SEL_CODE0, gate_record[17]);
    check_equal("call_gate_stack", "3A, 5.8.5", traps_tss.esp0 - 16, gate_record[16]);
    check_equal("call_gate_ss", "3A, 5.8.5", SEL_DATA0, gate_record[18] & 0xffff);
    check_equal("call_gate_old_cs", "3A, 5.8.5", SEL_CODE3, gate_record[1] & 0xffff);
    check_equal("call_gate_old_ss", "3A, 5.8.5", SEL_DATA3, gate_record[3] & 0xffff);

    far_pointer = (struct far_pointer){0, GATE_PARAMETERS};
    probe_user((probe_fn)call_gate_user, 0);
    check_trap("call_gate_parameters_return", "3A, 5.8.6", TRAP_NONE, 0);
    check_equal("call_gate_parameters_stack", "3A, 5.8.5", traps_tss.esp0 - 24, gate_record[16]);
    check_equal("call_gate_parameters_released", "3A, 5.8.6", 8, saved_esp);
    set(GATE_PARAMETERS, gate(SEL_CODE0, (uint32_t)gate_target, GATE_32 | RING3, 2));
    probe_user((probe_fn)call_gate_user, 0);
    check_equal("call_gate_parameter_last", "3A, 5.8.5", 0x2222, gate_record[2]);
    check_equal("call_gate_parameter_first", "3A, 5.8.5", 0x1111, gate_record[3]);
    check_equal("call_gate_parameters_old_ss", "3A, 5.8.5", SEL_DATA3, gate_record[5] & 0xffff);
    far_pointer.selector = GATE_16;
    probe_user((probe_fn)call_gate_user, 0);
    check_equal("call_gate_16_stack", "3A, 5.8.5", traps_tss.esp0 - 12, gate_record[16]);
    check_equal("call_gate_16_old_cs", "3A, 5.8.5", SEL_CODE3, gate_record[0] >> 16);
    check_equal("call_gate_16_parameters", "3A, 5.8.5", 0x00002222,
                gate_record[1]); /* low words of two dwords */
    check_equal("call_gate_16_old_ss", "3A, 5.8.5", SEL_DATA3, gate_record[2] >> 16);

    probe_user(far_call, GATE_TO_CONFORMING);
    check_equal("call_gate_conforming_cpl", "3A, 5.8.4", CONFORMING0 | 3, gate_record[17]);
    set(SMALL, descriptor(0, 0xfff, 0x409a));
    set(GATE_BEYOND, gate(SMALL, 0x1000, GATE_32 | RING3, 0));
    probe(far_call, GATE_BEYOND);
    check_trap("call_gate_offset_beyond_limit", "2, CALL", VECTOR_GP, 0);
    set(SMALL, descriptor(0, 0xfff, 0x40f2));

    traps_tss.ss1 = DATA0 | 1;
    probe_user(far_call, GATE_TO_RING1);
    check_trap("gate_ring1_stack_dpl", "3A, 6.15, interrupt 10", VECTOR_TS, DATA0);
    set(DATA0_ABSENT, descriptor(0, 0xfffff, 0xc032));
    traps_tss.ss1 = DATA0_ABSENT | 1;
    probe_user(far_call, GATE_TO_RING1);
    check_trap("gate_ring1_stack_absent", "3A, 6.15, interrupt 12", VECTOR_SS, DATA0_ABSENT);
    traps_tss.ss1 = 0;
}

/* ---- returns ---- */

static void check_outer_return(void)
{
    probe_user(do_read_fs, 0);
    check_equal("user_fs", "3A, 5.8.6", SEL_DATA3, result);
    probe(interrupt_return, SEL_CODE0);
    check_trap("iret_same_ring", "2, IRET", VECTOR_LEAVE, 0);
}

/* ---- interrupts ---- */

static void do_leave_ring0(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("movl %0, %%fs; movl %0, %%gs\n"
                     "pushl %1; pushl $0x7000; pushl $0x2; pushl %2; pushl $1f; iret\n"
                     "1: int $0x81"
                     :
                     : "r"(SEL_DATA0), "i"(SEL_DATA3), "i"(SEL_CODE3));
}

static void interrupt_gate(unsigned vector, uint16_t selector, uint8_t access)
{
    traps_idt[vector] = gate(selector, (uint32_t)gate_target, access, 0);
}

static void check_gate_error(const char *name, uint64_t what, uint32_t vector, uint32_t error)
{
    traps_idt[0x40] = what;
    probe(do_int_40, 0);
    check_trap(name, "3A, 6.12.1", vector, error);
}

static void check_interrupts(void)
{
    const uint32_t stub = trap_stub(0x40), from_idt = 0x40 * 8 + IDT_ERROR;
    const struct table_register shorter = {0x40 * 8 + 6, (uint32_t)traps_idt};

    probe(do_leave_ring0, 0);
    check_equal("iret_outer_nulls_fs", "2, IRET", 0, trap_last.fs & 0xffff);
    check_equal("interrupt_from_ring3_ss", "3A, 6.12.1", SEL_DATA3, trap_last.ss & 0xffff);
    check_equal("interrupt_from_ring3_esp", "3A, 6.12.1", 0x7000, trap_last.esp);
    check_gate_error("idt_absent", gate(SEL_CODE0, stub, 0x0e, 0), VECTOR_NP, from_idt);
    check_gate_error("idt_null_selector", gate(0, stub, INTERRUPT_32, 0), VECTOR_GP, 0);
    check_gate_error("idt_data_selector", gate(DATA0, stub, INTERRUPT_32, 0), VECTOR_GP, DATA0);
    check_gate_error("idt_absent_code", gate(CODE0_ABSENT, stub, INTERRUPT_32, 0), VECTOR_NP, CODE0_ABSENT);
    check_gate_error("idt_outer_code", gate(CODE3, stub, INTERRUPT_32, 0), VECTOR_GP, CODE3);
    check_gate_error("idt_call_gate", gate(SEL_CODE0, stub, GATE_32, 0), VECTOR_GP, from_idt);
    check_gate_error("idt_type_0", gate(SEL_CODE0, stub, 0x80, 0), VECTOR_GP, from_idt);
    check_gate_error("idt_good_again", gate(SEL_CODE0, stub, INTERRUPT_32, 0), 0x40, 0);
    __asm__ volatile("lidt %0" : : "m"(shorter));
    probe(do_int_40, 0);
    check_trap("idt_limit_inside_gate", "3A, 6.10", VECTOR_GP, from_idt);
    traps_reload();

    probe_user_flags = 2 | FLAG_IF;
    interrupt_gate(0x40, SEL_CODE0, INTERRUPT_32 | RING3);
    probe_user(do_int_40, 0);
    check_equal("interrupt_gate_clears_if", "3A, 6.12.1.2", 0, gate_record[19] & FLAG_IF);
    check_equal("interrupt_gate_frame_cs", "3A, 6.12.1", SEL_CODE3, gate_record[1] & 0xffff);
    check_equal("interrupt_gate_frame_if", "3A, 6.12.1", FLAG_IF, gate_record[2] & FLAG_IF);
    check_equal("interrupt_gate_stack", "3A, 6.12.1", traps_tss.esp0 - 20, gate_record[16]);
    interrupt_gate(0x40, SEL_CODE0, TRAP_32 | RING3);
    probe_user(do_int_40, 0);
    check_equal("trap_gate_keeps_if", "3A, 6.12.1.2", FLAG_IF, gate_record[19] & FLAG_IF);
    interrupt_gate(0x40, CONFORMING0, INTERRUPT_32 | RING3);
    probe_user(do_int_40, 0);
    check_equal("conforming_handler_cpl", "3A, 6.12.1.1", CONFORMING0 | 3, gate_record[17]);
    traps_idt[0x40] = gate(CODE0_AT_TARGET, 0, INTERRUPT_16 | RING3, 0);
    probe_user(do_int_40, 0);
    check_equal("interrupt_gate_16_stack", "3A, 6.12.1", traps_tss.esp0 - 10, gate_record[16]);
    check_equal("interrupt_gate_16_cs", "3A, 6.12.1", SEL_CODE3, gate_record[0] >> 16);
    probe_user_flags = 2;
    traps_reload();
}

/* Faults on the way to a handler: EXT, and #DF (SDM 3A, table 6-5). */
static void check_double_faults(void)
{
    traps_idt[VECTOR_UD] = gate(SEL_CODE0, 0, 0x0e, 0);
    probe(do_ud, 0);
    check_trap("ud_gate_absent_ext", "3A, 6.13", VECTOR_NP, VECTOR_UD * 8 + IDT_ERROR + EXTERNAL);
    traps_idt[VECTOR_UD] = gate(DATA0, 0, INTERRUPT_32, 0);
    probe(do_ud, 0);
    check_trap("ud_gate_data_ext", "3A, 6.13", VECTOR_GP, DATA0 + EXTERNAL);
    traps_reload();
    traps_idt[VECTOR_GP] = gate(SEL_CODE0, 0, 0x0e, 0);
    probe(load_ds, DATA0 | 3);
    check_trap("gp_then_np_is_df", "3A, 6.15, interrupt 8", VECTOR_DF, 0);
    traps_reload();
    traps_idt[0] = gate(0, 0, INTERRUPT_32, 0);
    probe(do_divide, 0);
    check_trap("de_then_gp_is_df", "3A, 6.15, interrupt 8", VECTOR_DF, 0);
    traps_reload();
}

/* ---- flags and alignment in ring 3 ---- */

static void check_flags(void)
{
    probe_user(do_popf, 2 | FLAG_IF | FLAG_IOPL3);
    check_equal("popf_ring3_keeps_if_and_iopl", "2, POPF", 0, result & (FLAG_IF | FLAG_IOPL3));
    probe_user_flags = 2 | FLAG_IOPL3;
    probe_user(do_popf, 2 | FLAG_IF);
    check_equal("popf_iopl3_if", "2, POPF", FLAG_IF | FLAG_IOPL3, result & (FLAG_IF | FLAG_IOPL3));
    probe_user(do_cli, 0);
    check_trap("cli_iopl3", "2, CLI", TRAP_NONE, 0);
    probe_user(do_in, 0x61);
    check_trap("in_iopl3", "1, 18.5.1", TRAP_NONE, 0);
    probe_user_flags = 2;
    write_cr0(read_cr0() | CR0_AM);
    probe_user(do_misaligned, (uint32_t)ldt);
    check_trap("alignment_ring3", "3A, 6.15, interrupt 17", VECTOR_AC, 0);
    probe(do_misaligned, (uint32_t)ldt);
    check_trap("alignment_ring0", "3A, 6.15, interrupt 17", TRAP_NONE, 0);
    write_cr0(read_cr0() & ~CR0_AM);
    probe_user(do_misaligned, (uint32_t)ldt);
    check_trap("alignment_without_am", "3A, 6.15, interrupt 17", TRAP_NONE, 0);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

uint32_t guest_main(const struct multiboot_info *info)
{
    (void)info;
    traps_init();
    descriptors_set();
    traps_tss.io_bitmap[0x80 / 8] = 0xfe;
    CHECK_ROWS(load_rows);
    check_limits();
    check_ldt();
    CHECK_ROWS(far_rows);
    check_call_gates();
    check_outer_return();
    CHECK_ROWS(system_rows);
    check_interrupts();
    check_double_faults();
    check_flags();
    probe(do_ltr, 0); /* last: where it is taken there is no TSS any more */
    check_trap("ltr_null", "2, LTR", VECTOR_GP, 0);
    check_equal("ltr_sets_busy", "2, LTR", 0x8b, traps_gdt[SEL_TSS >> 3] >> 40 & 0xff);
    return check_end("system_protected");
}

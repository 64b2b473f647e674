/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode by the manual (SDM 3B, chapter 20; SDM 2 for the instructions): a monitor that enters the mode by
 * IRET or by a task switch, and sees what comes back. A program is a few bytes of machine code at 1000:0000; UD2
 * stands behind it, so that #UD there means that it ran to its end. One line per check (lib/check.h).
 */
#include "system_v86.h"

enum {
    ABOVE_1M = 0x100000, /* FFFF:0010 */
    SUPERVISOR_PAGE = 0x28000,
    PROGRAM_BX = 0x40,   /* the other registers are 0 */
    VECTOR_OTHER = 0x55, /* its gate has DPL 0 */
    IDT_ERROR = 2,
    CODE1 = SEL_TEST, /* our descriptors */
    V86_TSS = 0x48,
    CR0_PG = 0x80000000,
    IOPL3 = FLAG_IOPL3,
    RING3_GATE = 0xee,
};

/* The bytes of a program, and how many there are. */
#define CODE(bytes) (const uint8_t *)bytes, sizeof bytes - 1

/* A program, EFLAGS that it begins with, and how it must end: exception, error code, IP. */
struct row {
    const char *name, *sdm;
    uint32_t flags, vector, error, ip;
    const uint8_t *code;
    size_t size;
};

struct v86_frame v86_frame;

void v86_reset(void)
{
    v86_frame = (struct v86_frame){.cs = V86_CODE,
                                   .esp = 0x1000,
                                   .ss = V86_STACK,
                                   .es = 0x2100,
                                   .ds = V86_DATA,
                                   .fs = 0x2200,
                                   .gs = 0x2300};
}

/* The frame is the top of a stack, which IRET that faults goes on with. */
static void enter(uint32_t unused)
{
    static uint8_t stack[4096] __attribute__((aligned(16)));
    struct v86_frame *frame = (struct v86_frame *)(stack + sizeof stack) - 1;

    (void)unused;
    *frame = v86_frame;
    __asm__ volatile("movl %0, %%esp; iret"
                     :
                     : "r"(frame), "a"(0), "b"(PROGRAM_BX), "c"(0), "d"(0)
                     : "memory");
    __builtin_unreachable();
}

void v86_run(uint32_t flags, const uint8_t *code, size_t size)
{
    uint8_t *at = v86_memory(V86_CODE, 0);

    __builtin_memcpy(at, code, size);
    at[size] = 0x0f; /* UD2 */
    at[size + 1] = 0x0b;
    v86_frame.eflags = flags | FLAG_VM | 2;
    probe(enter, 0);
    if (trap_last.vector == VECTOR_UD && trap_last.eip == size) trap_last.vector = TRAP_NONE;
}

/* As check_trap(), and IP and VM in the saved EFLAGS with it: vector, IP, error code. */
void v86_check_end(const char *name, const char *sdm, uint32_t vector, uint32_t error, uint32_t ip)
{
    uint32_t expected = (vector & 0xff) << 24 | (ip & 0xff) << 16 | (error & 0xffff);
    uint32_t got =
        (trap_last.vector & 0xff) << 24 | (trap_last.eip & 0xff) << 16 | (trap_last.error & 0xffff);

    check_equal(name, sdm, expected, trap_last.eflags & FLAG_VM ? got : 0xbad);
}

static void check_row(const struct row *row)
{
    v86_reset();
    v86_run(row->flags, row->code, row->size);
    v86_check_end(row->name, row->sdm, row->vector, row->error,
                  row->vector == TRAP_NONE ? row->size : row->ip);
}

static void check_rows(const char *title, const struct row *row, size_t count)
{
    com_print(title);
    com_print(":\n");
    for (; count--; row++) check_row(row);
}

/* ---- IOPL ---- */

static const struct row sensitive[] = {
    {"cli_iopl3", "3B, 20.2.7", IOPL3, TRAP_NONE, 0, 0, CODE("\xfa")},
    {"sti_iopl3", "3B, 20.2.7", IOPL3, TRAP_NONE, 0, 0, CODE("\xfb")},
    {"pushf_popf_iopl3", "3B, 20.2.7", IOPL3, TRAP_NONE, 0, 0, CODE("\x9c\x9d")},
    {"pushfd_popfd_iopl3", "3B, 20.2.7", IOPL3, TRAP_NONE, 0, 0, CODE("\x66\x9c\x66\x9d")},
    {"cli_iopl2", "3B, 20.2.7", 0x2000, VECTOR_GP, 0, 0, CODE("\xfa")},
    {"cli_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\xfa")},
    {"sti_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\xfb")},
    {"pushf_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\x9c")},
    {"popf_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\x9d")},
    {"pushfd_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\x66\x9c")},
    {"int_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\xcd\x81")},
    {"int_iopl2", "3B, 20.3.3", 0x2000, VECTOR_GP, 0, 0, CODE("\xcd\x81")},
    {"int_iopl3", "3B, 20.3.3", IOPL3, VECTOR_LEAVE, 0, 2, CODE("\xcd\x81")},
    {"int_iopl3_gate_dpl0", "3B, 20.3.3", IOPL3, VECTOR_GP, VECTOR_OTHER * 8 | IDT_ERROR, 1,
     CODE("\x90\xcd\x55")},
    {"iret_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\xcf")},
    {"iretd_iopl0", "3B, 20.2.7", 0, VECTOR_GP, 0, 1, CODE("\x90\x66\xcf")},
    /* PUSHF; PUSH CS; PUSH 6; IRET; HLT */
    {"iret_iopl3", "3B, 20.2.7", IOPL3, TRAP_NONE, 0, 0, CODE("\x9c\x0e\x6a\x06\xcf\xf4")},
    {"int3_gate_dpl0", "2, INT n", 0, VECTOR_GP, VECTOR_BP * 8 | IDT_ERROR, 0, CODE("\xcc")},
    /* MOV AL,7F; ADD AL,AL; INTO */
    {"into_gate_dpl0", "2, INT n", 0, VECTOR_GP, VECTOR_OF * 8 | IDT_ERROR, 4, CODE("\xb0\x7f\x00\xc0\xce")},
};

/* ---- instructions that the mode does not have, or that need ring 0 ---- */

static const struct row privileged[] = {
    {"hlt", "3B, 20.2.7", IOPL3, VECTOR_GP, 0, 1, CODE("\x90\xf4")},
    {"mov_from_cr0", "2, MOV CR", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x20\xc0")},
    {"mov_to_cr0", "2, MOV CR", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x22\xc0")},
    {"mov_from_dr7", "2, MOV DR", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x21\xf8")},
    {"clts", "2, CLTS", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x06")},
    {"lmsw", "2, LMSW", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x01\xf0")},
    {"lgdt", "2, LGDT", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x01\x17")},
    {"lidt", "2, LIDT", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x01\x1f")},
    {"invlpg", "2, INVLPG", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x01\x3f")},
    {"wbinvd", "2, WBINVD", IOPL3, VECTOR_GP, 0, 0, CODE("\x0f\x09")},
    {"smsw", "2, SMSW", 0, TRAP_NONE, 0, 0, CODE("\x0f\x01\xe0")},
    {"sgdt", "2, SGDT", 0, TRAP_NONE, 0, 0, CODE("\x0f\x01\x07")},
    {"sldt", "2, SLDT", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x00\xc0")},
    {"str", "2, STR", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x00\xc8")},
    {"lldt", "2, LLDT", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x00\xd0")},
    {"ltr", "2, LTR", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x00\xd8")},
    {"verr", "2, VERR", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x00\xe0")},
    {"verw", "2, VERW", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x00\xe8")},
    {"lar", "2, LAR", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x02\xc0")},
    {"lsl", "2, LSL", IOPL3, VECTOR_UD, 0, 0, CODE("\x0f\x03\xc0")},
    {"arpl", "2, ARPL", IOPL3, VECTOR_UD, 0, 0, CODE("\x63\xc0")},
    {"lock_nop", "2, LOCK", IOPL3, VECTOR_UD, 0, 0, CODE("\xf0\x90")},
};

/* ---- exceptions, which go to the monitor; the segments are 64 KiB ---- */

static const struct row exceptions[] = {
    {"divide", "3B, 20.3", 0, 0, 0, 2, CODE("\x31\xc9\xf7\xf1")},            /* XOR CX,CX; DIV CX */
    {"bound", "3B, 20.3", 0, VECTOR_BR, 0, 3, CODE("\xb8\xff\x7f\x62\x07")}, /* MOV AX,7FFF; BOUND AX,[BX] */
    {"single_step", "3B, 20.3", FLAG_TF, 1, 0, 1, CODE("\x90\x90")},
    {"word_at_ffff", "3A, 6.15 #GP", 0, VECTOR_GP, 0, 0, CODE("\xa1\xff\xff")}, /* MOV AX,[FFFF] */
    {"byte_at_ffff", "3B, 20.1.1", 0, TRAP_NONE, 0, 0, CODE("\xa0\xff\xff")},
    {"stack_word_at_ffff", "3A, 6.15 #SS", 0, VECTOR_SS, 0, 0, CODE("\x36\xa1\xff\xff")},
    {"push_at_1", "3A, 6.15 #SS", 0, VECTOR_SS, 0, 3, CODE("\xbc\x01\x00\x50")}, /* MOV SP,1; PUSH AX */
    {"push_at_0_wraps", "3B, 20.1.1", 0, TRAP_NONE, 0, 0, CODE("\xbc\x00\x00\x50")},
    {"offset_above_64k", "3A, 6.15 #GP", 0, VECTOR_GP, 0, 0, CODE("\x67\xa1\x00\x00\x01\x00")},
    {"jump_above_64k", "3A, 6.15 #GP", 0, VECTOR_GP, 0, 0, CODE("\x66\xe9\x00\x00\x01\x00")},
    /* NOP; JMP 1000:0007, over a HLT */
    {"far_jump", "3B, 20.1.1", 0, TRAP_NONE, 0, 0, CODE("\x90\xea\x07\x00\x00\x10\xf4")},
    {"load_any_selector", "3B, 20.1.1", 0, TRAP_NONE, 0, 0, CODE("\xb8\xff\xff\x8e\xd8\x8e\xc0\x8e\xe0")},
};

/* ---- ports: the bitmap alone counts. Ports 80h to 83h are free, others not ---- */

static const struct row ports[] = {
    {"out_free_iopl0", "3B, 20.2.8", 0, TRAP_NONE, 0, 0, CODE("\xe6\x80")},
    {"out_free_iopl3", "3B, 20.2.8", IOPL3, TRAP_NONE, 0, 0, CODE("\xe6\x80")},
    {"outd_free", "3B, 20.2.8", 0, TRAP_NONE, 0, 0, CODE("\x66\xe7\x80")},
    {"in_closed_iopl3", "3B, 20.2.8", IOPL3, VECTOR_GP, 0, 1, CODE("\x90\xe4\x84")},
    {"out_closed_iopl0", "3B, 20.2.8", 0, VECTOR_GP, 0, 0, CODE("\xe6\x84")},
    {"outw_half_closed", "1, 19.5.2", IOPL3, VECTOR_GP, 0, 0, CODE("\xe7\x83")},
    {"in_dx_beyond_map", "1, 19.5.2", IOPL3, VECTOR_GP, 0, 3, CODE("\xba\x00\xf0\xec")},
    {"outs_closed", "1, 19.5.2", IOPL3, VECTOR_GP, 0, 3, CODE("\xba\x84\x00\x6e")},
};

/* ---- what entry and exit do ---- */

static uint32_t seen_cs, seen_ss, seen_esp, seen_flags;

static bool note_monitor(struct trap *trap)
{
    seen_esp = (uint32_t)(&trap->v86_gs + 1);
    __asm__ volatile("movl %%cs, %0; movl %%ss, %1; pushfl; popl %2"
                     : "=&r"(seen_cs), "=&r"(seen_ss), "=&r"(seen_flags));
    return false;
}

static void check_frame(void)
{
    static const uint8_t nop[] = {0x90};

    com_print("frame:\n");
    v86_reset();
    trap_hook = note_monitor;
    v86_run(IOPL3 | FLAG_IF | 0x8d5, nop, sizeof nop);
    trap_hook = NULL;
    v86_check_end("runs", "3B, 20.2.5", TRAP_NONE, 0, 1);
    check_equal("eflags", "3B, 20.2.5", IOPL3 | FLAG_IF | FLAG_VM | 0x8d7,
                trap_last.eflags & ~(uint32_t)FLAG_RF);
    check_equal("cs", "3B, figure 20-4", V86_CODE, trap_last.cs);
    check_equal("esp", "3B, figure 20-4", 0x1000, trap_last.esp);
    check_equal("ss", "3B, figure 20-4", V86_STACK, trap_last.ss);
    check_equal("es", "3B, figure 20-4", 0x2100, trap_last.v86_es & 0xffff);
    check_equal("ds", "3B, figure 20-4", V86_DATA, trap_last.v86_ds & 0xffff);
    check_equal("fs", "3B, figure 20-4", 0x2200, trap_last.v86_fs & 0xffff);
    check_equal("gs", "3B, figure 20-4", 0x2300, trap_last.v86_gs & 0xffff);
    check_equal("monitor_segments_null", "3B, 20.3.1", 0,
                (trap_last.ds | trap_last.es | trap_last.fs | trap_last.gs) & 0xffff);
    check_equal("monitor_cs", "3B, 20.3.1", SEL_CODE0, seen_cs & 0xffff);
    check_equal("monitor_ss", "3B, 20.3.1", SEL_DATA0, seen_ss & 0xffff);
    check_equal("monitor_stack", "3B, 20.3.1", traps_tss.esp0, seen_esp);
    check_equal("monitor_flags", "3B, 20.3.1", 0, seen_flags & (FLAG_VM | FLAG_IF | FLAG_TF | FLAG_NT));
}

/* Each sensitive instruction comes to the monitor, which goes on behind it. */
static uint32_t seen_ips, seen_others;

static bool step_over(struct trap *trap)
{
    const uint8_t *code = v86_memory(trap->cs, trap->eip);

    if (trap->vector != VECTOR_GP || trap->error || !(trap->eflags & FLAG_VM)) {
        seen_others = trap->eip;
        return false;
    }
    seen_ips |= 1u << trap->eip;
    trap->eip += *code == 0xcd ? 2 : 1;
    trap->eax++;
    return true;
}

static void check_monitor(void)
{
    /* CLI; STI; INT 21h; PUSHF; POPF; NOP; IRET; HLT */
    static const uint8_t code[] = {0xfa, 0xfb, 0xcd, 0x21, 0x9c, 0x9d, 0x90, 0xcf, 0xf4};

    v86_reset();
    seen_ips = seen_others = 0;
    trap_hook = step_over;
    v86_run(0, code, sizeof code);
    trap_hook = NULL;
    check_equal("monitor_sees_each", "3B, 20.2.7",
                1 << 0 | 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8, seen_ips);
    check_equal("monitor_goes_on", "3B, 20.2.6", sizeof code, seen_others);
    check_equal("monitor_changes_eax", "3B, 20.2.6", 7, trap_last.eax);
    check_equal("stack_untouched", "3B, 20.2.7", 0x1000, trap_last.esp);
}

static void check_flags(void)
{
    static const uint8_t cli[] = {0xfa}, sti[] = {0xfb}, pushfd_pop[] = {0x66, 0x9c, 0x66, 0x58};
    /* MOV EAX,00004E97h; PUSH EAX; POPFD */
    static const uint8_t popfd[] = {0x66, 0xb8, 0x97, 0x4e, 0x00, 0x00, 0x66, 0x50, 0x66, 0x9d};
    /* PUSHF; POP AX; AND AX,CFFFh; PUSH AX; PUSH CS; PUSH 0Ah; IRET */
    static const uint8_t iret[] = {0x9c, 0x58, 0x25, 0xff, 0xcf, 0x50, 0x0e, 0x6a, 0x0a, 0xcf};

    com_print("flags:\n");
    v86_reset();
    v86_run(IOPL3 | FLAG_IF, cli, sizeof cli);
    check_equal("cli_clears_if", "2, CLI", 0, trap_last.eflags & FLAG_IF);
    v86_run(IOPL3, sti, sizeof sti);
    check_equal("sti_sets_if", "2, STI", FLAG_IF, trap_last.eflags & FLAG_IF);
    v86_run(IOPL3 | FLAG_RF, pushfd_pop, sizeof pushfd_pop);
    check_equal("pushfd_without_vm_rf", "2, PUSHF", IOPL3 | 2, trap_last.eax);
    v86_run(IOPL3, popfd, sizeof popfd);
    check_equal("popfd_keeps_iopl_vm", "2, POPF", IOPL3 | FLAG_VM | 0x4e97,
                trap_last.eflags & ~(uint32_t)FLAG_RF);
    v86_run(IOPL3, iret, sizeof iret);
    check_equal("iret_keeps_iopl_vm", "2, IRET", IOPL3 | FLAG_VM, trap_last.eflags & (IOPL3 | FLAG_VM));
}

static void check_addresses(void)
{
    static const uint8_t load[] = {0xa1, 0x10, 0x00}, store[] = {0xc7, 0x06, 0x34, 0x12, 0xfe, 0xca};

    com_print("addresses:\n");
    v86_reset();
    v86_frame.ds = 0xffff;
    v86_run(0, load, sizeof load);
    check_equal("no_wrap_at_1m", "3B, 20.2.1", *(uint16_t *)ABOVE_1M, trap_last.eax & 0xffff);
    v86_reset();
    *(uint16_t *)v86_memory(V86_DATA, 0x1234) = 0;
    v86_run(0, store, sizeof store);
    check_equal("linear_is_selector_times_16", "3B, 20.2.1", 0xcafe,
                *(uint16_t *)v86_memory(V86_DATA, 0x1234));
}

/* The program is at CPL 3 for paging, too. */
static void check_paging(void)
{
    static uint32_t directory[1024] __attribute__((aligned(4096))),
        table[1024] __attribute__((aligned(4096)));
    static const uint8_t store[] = {0xa2, 0x08, 0x00};

    for (uint32_t i = 0; i < 1024; i++) table[i] = i << 12 | 7;
    table[SUPERVISOR_PAGE >> 12] &= ~4u;
    directory[0] = (uint32_t)table | 7;
    v86_reset();
    v86_frame.ds = SUPERVISOR_PAGE >> 4;
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | CR0_PG);
    v86_run(IOPL3, store, sizeof store);
    write_cr0(read_cr0() & ~(uint32_t)CR0_PG);
    v86_check_end("supervisor_page", "3B, 20.2.2", VECTOR_PF, 7, 0);
    check_equal("supervisor_page_cr2", "3B, 20.2.2", SUPERVISOR_PAGE + 8, trap_cr2);
}

/* ---- gates, and ways in ---- */

static void check_gates(void)
{
    static const uint8_t int81[] = {0xcd, 0x81}, int3[] = {0xcc}, ud[] = {0x0f, 0xff};

    com_print("gates:\n");
    v86_reset();
    traps_gdt[CODE1 >> 3] = descriptor(0, 0xfffff, 0xc09b | 0x20);
    traps_idt[VECTOR_LEAVE] = gate(CODE1, trap_stub(VECTOR_LEAVE), RING3_GATE, 0);
    v86_run(IOPL3, int81, sizeof int81);
    v86_check_end("handler_of_ring1", "3B, 20.3.1", VECTOR_GP, CODE1, 0);
    traps_gdt[CODE1 >> 3] = descriptor(0, 0xfffff, 0xc09f);
    v86_run(IOPL3, int81, sizeof int81);
    v86_check_end("handler_conforming", "3B, 20.3.1", VECTOR_GP, CODE1, 0);
    traps_idt[VECTOR_BP] |= 0x60ull << 40;
    v86_run(0, int3, sizeof int3);
    v86_check_end("int3_iopl0_gate_dpl3", "2, INT n", VECTOR_BP, 0, 1);
    traps_idt[VECTOR_UD] |= 1ull << 40; /* a trap gate: IF stays */
    trap_hook = note_monitor;
    v86_run(FLAG_IF, ud, sizeof ud);
    trap_hook = NULL;
    check_equal("trap_gate_keeps_if", "3B, 20.3.1", FLAG_IF, seen_flags & FLAG_IF);
    traps_reload();
}

static void iret_user(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("pushfl; orl %0, (%%esp); pushl %%cs; pushl $1f; iret; 1: int $0x81"
                     :
                     : "i"(FLAG_VM)
                     : "memory");
}

static void popf_vm(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("pushfl; orl %0, (%%esp); popfl; int $0x81" : : "i"(FLAG_VM) : "memory");
}

static void far_jump_tss(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("ljmp %0, $0" : : "i"(V86_TSS) : "memory");
}

/* A task whose EFLAGS image has VM set. */
static void check_task(void)
{
    static struct tss task;

    v86_reset();
    task = traps_tss;
    task.eflags = FLAG_VM | IOPL3 | 2;
    task.eip = 0;
    task.esp = 0x800;
    task.cs = V86_CODE;
    task.ss = V86_STACK;
    task.ds = 0x2400;
    task.es = task.fs = task.gs = 0x2500;
    v86_memory(V86_CODE, 0)[0] = 0xf4;
    traps_gdt[V86_TSS >> 3] = descriptor((uint32_t)&task, sizeof task - 1, 0x89);
    probe(far_jump_tss, 0);
    v86_check_end("task_switch", "3B, 20.2.5", VECTOR_GP, 0, 0);
    check_equal("task_switch_cs", "3B, 20.2.5", V86_CODE, trap_last.cs);
    check_equal("task_switch_ds", "3B, 20.2.5", 0x2400, trap_last.v86_ds & 0xffff);
    check_equal("task_switch_esp", "3B, 20.2.5", 0x800, trap_last.esp);
    traps_reload();
    __asm__ volatile("clts");
}

static void task_leave(void)
{
    __asm__ volatile("int $0x81");
}

/* HLT's #GP goes to a task of ring 0, which finds the error code on its stack. */
static void check_task_gate(void)
{
    static const uint8_t hlt[] = {0x90, 0xf4};
    static uint32_t stack[256];
    static struct tss task;

    v86_reset();
    task = traps_tss;
    task.eflags = 2;
    task.eip = (uint32_t)task_leave;
    stack[255] = 0xbad;
    task.esp = (uint32_t)(stack + 256);
    task.cs = SEL_CODE0;
    task.ss = task.ds = task.es = task.fs = task.gs = SEL_DATA0;
    traps_gdt[V86_TSS >> 3] = descriptor((uint32_t)&task, sizeof task - 1, 0x89);
    traps_idt[VECTOR_GP] = gate(V86_TSS, 0, 0x85, 0);
    v86_run(IOPL3, hlt, sizeof hlt);
    check_trap("task_gate", "3B, 20.3.2", VECTOR_LEAVE, 0);
    check_equal("task_gate_nt", "3B, 20.3.2", FLAG_NT, trap_last.eflags & (FLAG_NT | FLAG_VM));
    check_equal("task_gate_error_code", "3A, 6.13", 0, stack[255]);
    check_equal("task_gate_saves_vm", "3B, 20.3.2", FLAG_VM | IOPL3, traps_tss.eflags & (FLAG_VM | IOPL3));
    check_equal("task_gate_saves_eip", "3B, 20.3.2", 1, traps_tss.eip);
    check_equal("task_gate_saves_cs", "3B, 20.3.2", V86_CODE, traps_tss.cs);
    check_equal("task_gate_saves_gs", "3B, 20.3.2", 0x2300, traps_tss.gs);
    traps_reload();
    __asm__ volatile("clts");
}

static void check_entry(void)
{
    com_print("entry:\n");
    v86_reset();
    v86_frame.eip = 0x10000;
    v86_run(0, CODE(""));
    check_trap("iret_eip_beyond_limit", "2, IRET", VECTOR_GP, 0);
    probe_user(iret_user, 0);
    check_trap("iret_ring3", "2, IRET", TRAP_NONE, 0);
    check_equal("iret_ring3_no_vm", "3B, 20.2.5", 0, trap_last.eflags & FLAG_VM);
    probe(popf_vm, 0);
    check_trap("popf_ring0", "2, POPF", VECTOR_LEAVE, 0);
    check_equal("popf_ring0_no_vm", "3B, 20.2.5", 0, trap_last.eflags & FLAG_VM);
    check_task();
    check_task_gate();
}

uint32_t guest_main(const struct multiboot_info *info)
{
    (void)info;
    traps_init();
    traps_tss.io_bitmap[0x80 / 8] = 0xf0;
    check_rows("iopl", sensitive, sizeof sensitive / sizeof *sensitive);
    check_rows("privileged", privileged, sizeof privileged / sizeof *privileged);
    check_rows("exceptions", exceptions, sizeof exceptions / sizeof *exceptions);
    check_rows("ports", ports, sizeof ports / sizeof *ports);
    check_frame();
    check_monitor();
    check_flags();
    check_addresses();
    check_paging();
    check_gates();
    check_entry();
    check_vme();
    return check_end("system_v86");
}

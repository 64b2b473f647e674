/* SPDX-License-Identifier: MIT */
/*
 * The virtual interrupt flag: CR4.VME with its redirection bitmap, and CR4.PVI for ring 3 (SDM 3B, 20.3.3 and 20.4). The
 * programs are as in system_v86.c. In the TSS the redirection bitmap takes the place of the first 32 bytes of the
 * I/O bitmap, which is moved up.
 */
#include "system_v86.h"

enum {
    CPUID_VME = 2,
    CR4_VME = 1,
    CR4_PVI = 2,
    MAP_BYTES = 32,
    VECTOR_8086 = 0x60, /* its redirection bit is 0, the others' 1 */
    HANDLER = 0x80,     /* where it leads in the program's segment */
    IOPL3 = FLAG_IOPL3,
    VIRTUAL = FLAG_VIF | FLAG_VIP | FLAG_IF,
};

#define CODE(bytes) (const uint8_t *)bytes, sizeof bytes - 1

/* EFLAGS before; the end; and VIF, VIP, IF behind. */
struct row {
    const char *name, *sdm;
    uint32_t flags, vector, ip, after;
    const uint8_t *code;
    size_t size;
};

static const struct row rows[] = {
    {"cli", "3B, table 20-2", FLAG_VIF | FLAG_IF, TRAP_NONE, 0, FLAG_IF, CODE("\xfa")},
    {"sti", "3B, table 20-2", 0, TRAP_NONE, 0, FLAG_VIF, CODE("\xfb")},
    {"sti_pending", "2, STI", FLAG_VIP, VECTOR_GP, 1, FLAG_VIP, CODE("\x90\xfb")},
    {"cli_pending", "2, CLI", FLAG_VIP, TRAP_NONE, 0, FLAG_VIP, CODE("\xfa")},
    {"cli_iopl3", "2, CLI", IOPL3 | FLAG_VIF | FLAG_IF, TRAP_NONE, 0, FLAG_VIF, CODE("\xfa")},
    {"sti_iopl3", "2, STI", IOPL3, TRAP_NONE, 0, FLAG_IF, CODE("\xfb")},
    {"pushf_pop_ax", "2, PUSHF", FLAG_VIF, TRAP_NONE, 0, FLAG_VIF, CODE("\x9c\x58")},
    {"pushfd", "2, PUSHF", 0, VECTOR_GP, 0, 0, CODE("\x66\x9c")},
    {"popfd", "2, POPF", 0, VECTOR_GP, 0, 0, CODE("\x66\x9d")},
    {"iretd", "2, IRET", 0, VECTOR_GP, 0, 0, CODE("\x66\xcf")},
    {"popf_if", "2, POPF", 0, TRAP_NONE, 0, FLAG_VIF, CODE("\x68\x02\x02\x9d")},
    {"popf_no_if", "2, POPF", FLAG_VIF | FLAG_IF, TRAP_NONE, 0, FLAG_IF, CODE("\x6a\x02\x9d")},
    {"popf_if_pending", "2, POPF", FLAG_VIP, VECTOR_GP, 3, FLAG_VIP, CODE("\x68\x02\x02\x9d")},
    {"popf_no_if_pending", "2, POPF", FLAG_VIP, TRAP_NONE, 0, FLAG_VIP, CODE("\x6a\x02\x9d")},
    {"popf_tf", "2, POPF", 0, VECTOR_GP, 3, 0, CODE("\x68\x02\x01\x9d")},
    /* PUSH 202h or 2; PUSH CS; PUSH 7 or 6; IRET */
    {"iret_if", "2, IRET", 0, TRAP_NONE, 0, FLAG_VIF, CODE("\x68\x02\x02\x0e\x6a\x07\xcf")},
    {"iret_no_if", "2, IRET", FLAG_VIF, TRAP_NONE, 0, 0, CODE("\x6a\x02\x0e\x6a\x06\xcf")},
    {"iret_if_pending", "2, IRET", FLAG_VIP, VECTOR_GP, 6, FLAG_VIP, CODE("\x68\x02\x02\x0e\x6a\x07\xcf")},
    {"iret_tf", "2, IRET", 0, VECTOR_GP, 6, 0, CODE("\x68\x02\x01\x0e\x6a\x07\xcf")},
    {"int_map_1_iopl0", "3B, table 20-2", 0, VECTOR_GP, 0, 0, CODE("\xcd\x81")},
    {"int_map_1_iopl3", "3B, table 20-2", IOPL3, VECTOR_LEAVE, 2, 0, CODE("\xcd\x81")},
    {"hlt", "3B, 20.2.7", 0, VECTOR_GP, 0, 0, CODE("\xf4")},
};

static void check_row(const struct row *row)
{
    v86_reset();
    v86_run(row->flags, row->code, row->size);
    v86_check_end(row->name, row->sdm, row->vector, 0, row->vector == TRAP_NONE ? row->size : row->ip);
    check_equal("  flags", row->sdm, row->after, trap_last.eflags & VIRTUAL);
}

/* INT 60h to the program's own handler, which is the UD2 there; `pushed`: its FLAGS on the stack. */
static void check_redirected(const char *name, uint32_t flags, uint32_t pushed, uint32_t after)
{
    static const uint8_t code[] = {0x90, 0xcd, VECTOR_8086};
    volatile uint32_t *vector = (volatile uint32_t *)(VECTOR_8086 * 4);
    const uint16_t *stack;
    uint32_t before;

    __asm__("" : "+r"(vector)); /* address 0 and a little: not a null pointer's */
    before = *vector;
    *vector = (uint32_t)V86_CODE << 16 | HANDLER;
    v86_memory(V86_CODE, HANDLER)[0] = 0x0f;
    v86_memory(V86_CODE, HANDLER)[1] = 0x0b;
    v86_reset();
    v86_run(flags, code, sizeof code);
    *vector = before;
    stack = (const uint16_t *)v86_memory(V86_STACK, trap_last.esp & 0xffff);
    v86_check_end(name, "3B, 20.3.3.4", VECTOR_UD, 0, HANDLER);
    check_equal("  sp", "3B, 20.3.3.4", 0x1000 - 6, trap_last.esp & 0xffff);
    check_equal("  ip_pushed", "3B, 20.3.3.4", sizeof code, stack[0]);
    check_equal("  cs_pushed", "3B, 20.3.3.4", V86_CODE, stack[1]);
    check_equal("  flags_pushed", "3B, 20.3.3.4", pushed, stack[2] & (FLAG_IF | FLAG_IOPL3 | FLAG_TF));
    check_equal("  flags", "3B, 20.3.3.4", after, trap_last.eflags & (VIRTUAL | FLAG_IOPL3 | FLAG_TF));
}

static void check_redirection(void)
{
    static const uint8_t int3[] = {0xcc}, divide[] = {0x31, 0xc9, 0xf7, 0xf1}, pushf[] = {0x9c, 0x58};

    v86_reset();
    v86_run(FLAG_VIF, pushf, sizeof pushf);
    check_equal("pushf_vif_as_if", "2, PUSHF", FLAG_IF | IOPL3 | 2, trap_last.eax & 0xffff);
    v86_reset();
    v86_run(FLAG_IF, pushf, sizeof pushf);
    check_equal("pushf_hides_if", "2, PUSHF", IOPL3 | 2, trap_last.eax & 0xffff);
    check_redirected("int_map_0_iopl0", FLAG_VIF | FLAG_IF, FLAG_IF | IOPL3, FLAG_IF);
    check_redirected("int_map_0_iopl0_vif_0", FLAG_IF, IOPL3, FLAG_IF);
    check_redirected("int_map_0_iopl3", IOPL3 | FLAG_IF | FLAG_VIF, IOPL3 | FLAG_IF, IOPL3 | FLAG_VIF);
    __builtin_memset(traps_tss.io_bitmap, 0, MAP_BYTES);
    traps_idt[VECTOR_BP] |= 0x60ull << 40;
    v86_reset();
    v86_run(0, int3, sizeof int3);
    v86_check_end("int3_not_redirected", "2, INT n", VECTOR_BP, 0, 1);
    v86_run(0, divide, sizeof divide);
    v86_check_end("exceptions_not_redirected", "3B, 20.3.3", 0, 0, 2);
}

/* ---- ring 3 ---- */

static void user_cli(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("cli; int $0x81");
}

static void user_sti(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("sti; int $0x81");
}

static void user_pushf(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("pushfl; popl %%eax; int $0x81" : : : "eax");
}

static void check_pvi_one(const char *name, const char *sdm, probe_fn fn, uint32_t flags, uint32_t vector,
                          uint32_t after)
{
    probe_user_flags = flags | 2;
    probe_user(fn, 0);
    check_trap(name, sdm, vector, 0);
    check_equal("  flags", sdm, after, trap_last.eflags & VIRTUAL);
}

static void check_pvi(void)
{
    com_print("pvi:\n");
    write_cr4(read_cr4() | CR4_PVI);
    check_pvi_one("cli", "3B, 20.4", user_cli, FLAG_VIF | FLAG_IF, TRAP_NONE, FLAG_IF);
    check_pvi_one("sti", "3B, 20.4", user_sti, 0, TRAP_NONE, FLAG_VIF);
    check_pvi_one("sti_pending", "3B, 20.4", user_sti, FLAG_VIP, VECTOR_GP, FLAG_VIP);
    check_pvi_one("cli_iopl3", "3B, 20.4", user_cli, IOPL3 | FLAG_VIF | FLAG_IF, TRAP_NONE, FLAG_VIF);
    check_pvi_one("pushf", "3B, 20.4", user_pushf, FLAG_VIF, TRAP_NONE, FLAG_VIF);
    check_equal("  pushf_shows_if_itself", "3B, 20.4", 0,
                trap_last.eax & (VIRTUAL | FLAG_IOPL3) & ~(uint32_t)FLAG_VIF);
    write_cr4(read_cr4() & ~(uint32_t)CR4_PVI);
    check_pvi_one("cli_without", "2, CLI", user_cli, FLAG_VIF, VECTOR_GP, FLAG_VIF);
    probe_user_flags = 2;
}

void check_vme(void)
{
    com_print("vme:\n");
    if (!(cpuid_edx(1) & CPUID_VME)) {
        check_skip("vme", "CPUID does not have it");
        return;
    }
    __builtin_memset(traps_tss.io_bitmap, 0xff, sizeof traps_tss.io_bitmap);
    traps_tss.io_bitmap[VECTOR_8086 / 8] = (uint8_t) ~(1u << VECTOR_8086 % 8);
    traps_tss.io_base += MAP_BYTES;
    write_cr4(read_cr4() | CR4_VME);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_row(&rows[i]);
    check_redirection();
    write_cr4(read_cr4() & ~(uint32_t)CR4_VME);
    traps_reload();
    check_pvi();
}

/* SPDX-License-Identifier: MIT */
/*
 * Running a piece of code and seeing how it ends: by returning, or by which exception. For the system guests.
 *
 * traps_init() sets up a GDT, an IDT whose 256 gates all lead here, and a TSS. probe() calls a function, at ring
 * 0 or 3; an exception or interrupt ends the call, wherever it was, and what was on the stack is the result. A
 * hook may look at the trap first and let the code go on, perhaps with other registers.
 */
#ifndef GUEST_TRAPS_H
#define GUEST_TRAPS_H

#include "check.h"

enum {
    SEL_CODE0 = 0x08, /* flat segments of rings 0 and 3 */
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1b,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_TEST = 0x40, /* from here on the guest's own, to GDT_ENTRIES */
    GDT_ENTRIES = 64,

    TRAP_NONE = 0xffff, /* the function returned */
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_BR = 5,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
    VECTOR_LEAVE = 0x81, /* INT 81h, allowed to ring 3: the probe returns */

    FLAG_TF = 0x100,
    FLAG_IF = 0x200,
    FLAG_DF = 0x400,
    FLAG_IOPL3 = 0x3000,
    FLAG_NT = 0x4000,
    FLAG_RF = 0x10000,
    FLAG_VM = 0x20000,
    FLAG_AC = 0x40000,
    FLAG_VIF = 0x80000,
    FLAG_VIP = 0x100000,
};

/* What the entry pushes, in the order of addresses; ESP and SS only from another ring, the rest only from V86. */
struct trap {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, esp_pusha, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags, esp, ss;
    uint32_t v86_es, v86_ds, v86_fs, v86_gs;
};

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint32_t base;
};

struct tss {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t debug_trap, io_base;
    uint8_t io_bitmap[64 + 1]; /* ports 0 to 1FFh, and the byte of ones behind */
};

typedef void (*probe_fn)(uint32_t arg);

extern uint64_t traps_gdt[GDT_ENTRIES];
extern uint64_t traps_idt[256];
extern struct tss traps_tss;
extern struct trap trap_last; /* the last trap that came, as it was before the hook */
extern uint32_t trap_cr2;

/* Called for each trap; true: go on at *trap. NULL: none. The hook stays until changed. */
extern bool (*trap_hook)(struct trap *trap);

/* EFLAGS with which probe_user() starts. */
extern uint32_t probe_user_flags;

void traps_init(void);

/* Puts back the GDT, IDT, TSS and task register after a check that changed them. */
void traps_reload(void);

/* Calls fn(arg). Not to be nested. */
const struct trap *probe(probe_fn fn, uint32_t arg);
const struct trap *probe_user(probe_fn fn, uint32_t arg);

/* A descriptor of 8 bytes; `flags` are bits 40 to 55 without the limit's, as 16 bits: G D/B 0 AVL xxxx P DPL S type. */
uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t flags);
uint64_t gate(uint16_t selector, uint32_t offset, uint8_t access, uint8_t parameters);

/* Checks vector (upper half) and error code (lower half) of the last probe. */
void check_trap(const char *name, const char *sdm, uint32_t vector, uint32_t error);

/* The address of the stub for a vector. */
uint32_t trap_stub(unsigned vector);

static inline uint32_t read_cr0(void)
{
    uint32_t v;

    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
static inline uint32_t read_cr4(void)
{
    uint32_t v;

    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr0(uint32_t v)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline void write_cr3(uint32_t v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline void write_cr4(uint32_t v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

/* CPUID's EDX of a leaf, 0 if there is no such leaf. */
uint32_t cpuid_edx(uint32_t leaf);

#endif

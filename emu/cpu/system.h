/* SPDX-License-Identifier: MIT */
/*
 * What the system instructions share: bits of the control registers, operands, the TSC, debug registers. SDM
 * 3A, 2.5.
 */
#ifndef EMU_CPU_SYSTEM_H
#define EMU_CPU_SYSTEM_H

#include "emu/cpu/access.h"
#include "emu/cpu/mmu.h"

/* Those that paging does not depend on; the others are in mmu.h. */
enum {
    CR0_MP = 1 << 1,
    CR0_EM = 1 << 2,
    CR0_TS = 1 << 3,
    CR0_ET = 1 << 4,
    CR0_NE = 1 << 5,
    CR0_AM = 1 << 18,
    CR0_NW = 1 << 29,
    CR0_CD = 1 << 30,
    CR4_VME = 1 << 0,
    CR4_PVI = 1 << 1,
    CR4_TSD = 1 << 2,
    CR4_DE = 1 << 3,
    CR4_OSFXSR = 1 << 9,
};

/* #GP(0) unless CPL is 0. */
void privilege_check_cpl0(struct cpu *cpu);

/* The operand Ew, from memory or a register. */
static inline uint16_t operand_rm16(struct cpu *cpu, const struct insn *insn)
{
    return insn->memory ? mem_read16(cpu, insn->segment, insn_ea(cpu, insn)) : reg16(cpu, insn->rm);
}

/* Time stamp counter: virtual nanoseconds, and what software added. */
uint64_t tsc_read(const struct cpu *cpu);
void tsc_write(struct cpu *cpu, uint64_t value);

/* Any MSR; false when there is none of that number, or not with that value: *reason says why. */
bool msr_read(struct cpu *cpu, uint32_t number, uint64_t *value);
bool msr_write(struct cpu *cpu, uint32_t number, uint64_t value, enum fault_reason *reason);

/* CPUID: EAX EBX ECX EDX for leaf `leaf`. */
void cpuid_leaf(const struct cpu *cpu, uint32_t leaf, uint32_t out[4]);

/* #DB if DR7.GD is set, before a debug register is touched. `n` is 0-3, 6 or 7; fixed bits of DR6 and DR7 are
 * kept. */
void debug_general_detect(struct cpu *cpu);
void debug_register_write(struct cpu *cpu, unsigned n, uint32_t value);

#endif

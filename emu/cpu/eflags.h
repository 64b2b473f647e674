/* SPDX-License-Identifier: MIT */
/*
 * EFLAGS as a whole, where modes and privilege say who may change what: PUSHF POPF CLI STI IRET. SDM 1, 3.4.3; SDM 3B,
 * 20.2.7 and 20.3 (virtual interrupt flag). The arithmetic flags are in flags.h.
 */
#ifndef EMU_CPU_EFLAGS_H
#define EMU_CPU_EFLAGS_H

#include "emu/cpu/flags.h"

/* Sets the bits of EFLAGS in `mask`, arithmetic ones too, and looks again at what IF, AC and TF decide. */
void eflags_change(struct cpu *cpu, uint32_t value, uint32_t mask);
/* The bits that exist on this model. */
uint32_t eflags_defined(const struct cpu *cpu);

static inline unsigned eflags_iopl(const struct cpu *cpu)
{
    return cpu->s.eflags >> 12 & 3;
}

/* FLAGS as PUSHF stores it and POPF takes it in virtual-8086 mode with a 16-bit operand: with IOPL below 3 (and CR4.VME)
 * bit 9 is VIF, IOPL reads as 3, and #GP(0) keeps TF, and VIF while VIP is set, from being set. */
uint32_t eflags_image_v86(const struct cpu *cpu);
void eflags_check_v86(struct cpu *cpu, uint32_t image);
void eflags_load_v86(struct cpu *cpu, uint32_t image);
/* #GP(0) unless an IOPL-sensitive instruction of this operand size may go ahead in virtual-8086 mode. */
void eflags_check_iopl_v86(struct cpu *cpu, unsigned size);

#endif

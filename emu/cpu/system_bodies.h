/* SPDX-License-Identifier: MIT */
/*
 * Bodies of the system and control-transfer instructions (SDM 2), for the opcode map. They ask
 * insn->operand_size and insn->memory themselves, so a row puts the same body into every column and, unless
 * said otherwise, into both the register and the memory form. Privilege, mode and CPUID rules are checked by
 * the bodies, with reasons; the flags of the row repeat them for readers and tools. All of them end a block
 * (ROW_ENDS_BLOCK) except where marked "plain".
 */
#ifndef EMU_CPU_SYSTEM_BODIES_H
#define EMU_CPU_SYSTEM_BODIES_H

#include "emu/cpu/go_on.h"

/* Far transfers (transfer.c). */
void body_far_jump_ptr(struct cpu *cpu,
                       const struct insn *insn); /* EA Ap: immediate is the offset, immediate2 the selector */
void body_far_jump_mem(struct cpu *cpu, const struct insn *insn); /* FF /5 Mp, memory form only */
void body_far_call_ptr(struct cpu *cpu, const struct insn *insn); /* 9A Ap */
void body_far_call_mem(struct cpu *cpu, const struct insn *insn); /* FF /3 Mp, memory form only */
void body_far_ret(struct cpu *cpu, const struct insn *insn);      /* CB */
void body_far_ret_imm(struct cpu *cpu, const struct insn *insn);  /* CA Iw */
void body_iret(struct cpu *cpu, const struct insn *insn);         /* CF */
void body_sysenter(struct cpu *cpu, const struct insn *insn);     /* 0F 34 */
void body_sysexit(struct cpu *cpu, const struct insn *insn);      /* 0F 35 */

/* Software interrupts (interrupt.c). */
void body_int3(struct cpu *cpu, const struct insn *insn);  /* CC */
void body_int_n(struct cpu *cpu, const struct insn *insn); /* CD Ib */
void body_into(struct cpu *cpu, const struct insn *insn);  /* CE */
void body_int1(struct cpu *cpu, const struct insn *insn);  /* F1 */

/* Flags and processor state (system.c). */
void body_pushf(struct cpu *cpu, const struct insn *insn); /* 9C, plain */
void body_popf(struct cpu *cpu, const struct insn *insn);  /* 9D */
void body_cli(struct cpu *cpu, const struct insn *insn);   /* FA */
void body_sti(struct cpu *cpu, const struct insn *insn);   /* FB */
void body_hlt(struct cpu *cpu, const struct insn *insn);   /* F4 */
void body_clts(struct cpu *cpu, const struct insn *insn);  /* 0F 06 */
void body_smsw(struct cpu *cpu,
               const struct insn *insn); /* 0F 01 /4, plain; register form: reg32 gets all of CR0 */
void body_lmsw(struct cpu *cpu, const struct insn *insn); /* 0F 01 /6 */
/* MOV to and from CR and DR: ModRM.mod is ignored, r/m is always a register (SDM 2, MOV--Move to/from Control
 * Registers): the rows need the register form whatever mod says. reg is the CR or DR number. */
void body_mov_from_cr(struct cpu *cpu, const struct insn *insn); /* 0F 20 Rd,Cd; plain */
void body_mov_to_cr(struct cpu *cpu, const struct insn *insn);   /* 0F 22 Cd,Rd */
void body_mov_from_dr(struct cpu *cpu, const struct insn *insn); /* 0F 21 Rd,Dd; plain */
void body_mov_to_dr(struct cpu *cpu, const struct insn *insn);   /* 0F 23 Dd,Rd */
void body_invlpg(struct cpu *cpu, const struct insn *insn);      /* 0F 01 /7, memory form only */
void body_invd(struct cpu *cpu, const struct insn *insn);        /* 0F 08 */
void body_wbinvd(struct cpu *cpu, const struct insn *insn);      /* 0F 09 */
void body_rdtsc(struct cpu *cpu, const struct insn *insn);       /* 0F 31, plain */
void body_absent(struct cpu *cpu, const struct insn *insn);      /* RDPMC: #UD, no model has counters */
void body_rdmsr(struct cpu *cpu, const struct insn *insn);       /* 0F 32, plain */
void body_wrmsr(struct cpu *cpu, const struct insn *insn);       /* 0F 30 */
void body_cpuid(struct cpu *cpu, const struct insn *insn);       /* 0F A2, plain */
void body_ud(struct cpu *cpu, const struct insn *insn);  /* 0F 0B, 0F B9 /r, 0F FF /r: #UD on purpose */
void body_rsm(struct cpu *cpu, const struct insn *insn); /* 0F AA: #UD outside system management mode */

/* Descriptor tables and checks of selectors (system_tables.c). */
void body_lgdt(struct cpu *cpu, const struct insn *insn); /* 0F 01 /2, memory form only */
void body_lidt(struct cpu *cpu, const struct insn *insn); /* 0F 01 /3, memory form only */
void body_sgdt(struct cpu *cpu, const struct insn *insn); /* 0F 01 /0, memory form only; plain */
void body_sidt(struct cpu *cpu, const struct insn *insn); /* 0F 01 /1, memory form only; plain */
void body_sldt(struct cpu *cpu, const struct insn *insn); /* 0F 00 /0, plain */
void body_str(struct cpu *cpu, const struct insn *insn);  /* 0F 00 /1, plain */
void body_lldt(struct cpu *cpu, const struct insn *insn); /* 0F 00 /2 */
void body_ltr(struct cpu *cpu, const struct insn *insn);  /* 0F 00 /3 */
void body_verr(struct cpu *cpu, const struct insn *insn); /* 0F 00 /4, plain */
void body_verw(struct cpu *cpu, const struct insn *insn); /* 0F 00 /5, plain */
void body_lar(struct cpu *cpu, const struct insn *insn);  /* 0F 02 Gv,Ew; plain */
void body_lsl(struct cpu *cpu, const struct insn *insn);  /* 0F 03 Gv,Ew; plain */
void body_arpl(struct cpu *cpu, const struct insn *insn); /* 63 Ew,Gw, protected mode; plain */

#endif

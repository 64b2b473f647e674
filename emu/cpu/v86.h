/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode: going in by IRET, out by interrupts, and the instructions that IOPL and CR4.VME govern there. SDM
 * 3B, chapter 20. Segment registers are loaded as in real mode (segment.c); everything else is protected mode at CPL 3.
 */
#ifndef EMU_CPU_V86_H
#define EMU_CPU_V86_H

#include "emu/cpu/transfer.h"

/* IRET at CPL 0 with VM set in the image: the nine dwords at SS:ESP (SDM 2, IRET, RETURN-TO-VIRTUAL-8086-MODE). */
void v86_enter(struct cpu *cpu);
/* The selectors that are pushed before SS:ESP when an interrupt leaves the mode (returns how many), which makes the registers
 * null. */
#define V86_DATA_SEGMENTS 4
unsigned v86_segments(const struct cpu *cpu, uint32_t values[V86_DATA_SEGMENTS]);
void v86_drop_segments(struct cpu *cpu);
/* INT n in the mode: true when the redirection bitmap sends it to the 8086 handler; #GP(0) when it may not go to the
 * IDT either. Then v86_redirect does it. */
bool v86_redirects(struct cpu *cpu, uint8_t vector);
void v86_redirect(struct cpu *cpu, uint8_t vector, uint32_t return_eip);

#endif

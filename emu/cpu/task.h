/* SPDX-License-Identifier: MIT */
/*
 * The hardware task switch: by JMP, CALL, interrupt and IRET, through TSS descriptors and task gates. SDM 3A, chapter 7.
 *
 * Until the switch is committed a fault belongs to the old task; from then on to the new one, and its CS:EIP is what is
 * pushed (SDM 3A, 7.3).
 */
#ifndef EMU_CPU_TASK_H
#define EMU_CPU_TASK_H

#include "emu/cpu/segment.h"

/* JMP or CALL to the descriptor of a TSS, or to a task gate: all checks, then the switch. */
void task_far_to_tss(struct cpu *cpu, const struct descriptor *tss, bool call);
void task_far_to_gate(struct cpu *cpu, const struct descriptor *gate, bool call);
/* An interrupt or exception whose gate in the IDT (checked) is a task gate. The old task goes on with these EFLAGS and EIP. */
void task_interrupt(struct cpu *cpu, const struct descriptor *gate, const struct fault *event,
                    uint32_t eflags, uint32_t return_eip);
/* IRET with NT set: back to the task that the back link names. */
void task_return(struct cpu *cpu);

#endif

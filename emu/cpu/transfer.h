/* SPDX-License-Identifier: MIT */
/*
 * What far transfers and interrupt delivery share: entering a code segment, pushing on a stack that is not
 * SS:ESP yet, the stacks of inner privilege levels. SDM 3A, 5.8 and 6.12.
 */
#ifndef EMU_CPU_TRANSFER_H
#define EMU_CPU_TRANSFER_H

#include "emu/cpu/segment.h"

/* A stack under construction: pushes go to memory, SS and ESP change only in stack_frame_commit. */
struct stack_frame {
    struct cpu_segment_state ss;
    struct segment_window window;
    uint32_t mask; /* 0xffff or 0xffffffff */
    uint32_t esp;
    bool user; /* whose pages may be written */
};
void stack_frame_current(struct cpu *cpu, struct stack_frame *frame);
/* The stack that the TSS names for an inner level, with all checks (#TS, #SS). */
void stack_frame_inner(struct cpu *cpu, unsigned level, struct stack_frame *frame);
/* #SS with this error code unless `count` pushes of `size` bytes fit. */
void stack_frame_need(struct cpu *cpu, const struct stack_frame *frame, unsigned count, unsigned size,
                      uint16_t selector);
void stack_frame_push(struct cpu *cpu, struct stack_frame *frame, unsigned size, uint32_t value);
void stack_frame_commit(struct cpu *cpu, const struct stack_frame *frame);

/* #GP(0) when `eip` is beyond the limit of the code segment *d. */
void code_limit_check(struct cpu *cpu, const struct descriptor *d, uint32_t eip);
/* CS and CPL from a descriptor that was checked; RPL becomes CPL. EIP is set, and the block ends. */
void code_enter(struct cpu *cpu, const struct descriptor *d, uint32_t eip, unsigned cpl);
/* The same in real mode, where the limit is the old one. */
void code_limit_check_real(struct cpu *cpu, uint32_t eip);
void code_enter_real(struct cpu *cpu, uint16_t selector, uint32_t eip);

/* A selector that should lead to another task. Checks what can be checked, then refuses: #GP or #NP with its
 * selector. */
_Noreturn void task_gate_refuse(struct cpu *cpu, const struct descriptor *gate);

/* Sets the bits of EFLAGS in `mask`, arithmetic ones too, and looks again at what IF and TF decide. */
void eflags_change(struct cpu *cpu, uint32_t value, uint32_t mask);

#endif

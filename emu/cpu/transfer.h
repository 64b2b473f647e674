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
/* Several, the first one first. */
void stack_frame_push_all(struct cpu *cpu, struct stack_frame *frame, unsigned size, const uint32_t *values,
                          unsigned count);
void stack_frame_commit(struct cpu *cpu, const struct stack_frame *frame);

/* #GP(0) when `eip` is beyond the limit of the code segment *d. */
void code_limit_check(struct cpu *cpu, const struct descriptor *d, uint32_t eip);
/* CS and CPL from a descriptor that was checked; RPL becomes CPL. EIP is set, and the block ends. */
void code_enter(struct cpu *cpu, const struct descriptor *d, uint32_t eip, unsigned cpl);
_Noreturn void code_limit_fault(struct cpu *cpu, uint16_t selector, uint32_t eip);
/* The next instruction is at `eip` of CS as it is. */
void eip_set(struct cpu *cpu, uint32_t eip);
/* The same in real and virtual-8086 mode, where the limit does not change with CS. */
void code_limit_check_current(struct cpu *cpu, uint32_t eip);
void code_enter_8086(struct cpu *cpu, uint16_t selector, uint32_t eip);

#endif

/* SPDX-License-Identifier: MIT */
/* What cpu.c needs of the run loop. */
#ifndef EMU_CPU_RUN_H
#define EMU_CPU_RUN_H

#include "emu/cpu/internal.h"

/* No instruction is being carried out; the next one is at s.eip. */
void run_at_boundary(struct cpu *cpu);
/* What asks for attention, as the state says (after a reset or new state). */
void run_attention_refresh(struct cpu *cpu);
/* cpu_reset or, with ATTENTION_INIT alone, cpu_init, between instructions (cpu.c). */
void cpu_reset_state(struct cpu *cpu);
/* Instructions since the CPU was made. */
uint64_t cpu_retired_in_all(const struct cpu *cpu);

#endif

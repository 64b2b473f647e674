/* SPDX-License-Identifier: MIT */
/*
 * The page that a triple fault prints: what happened, in words, from the records that the CPU kept.
 */
#ifndef EMU_CPU_REPORT_H
#define EMU_CPU_REPORT_H

#include <stdio.h>
#include "emu/cpu/cpu.h"

/* Writes the instruction at `bytes` as text of at most `room` bytes, zero included; its length, 0 for none.
 */
typedef size_t (*cpu_disassemble)(void *owner, const uint8_t *bytes, size_t size, uint64_t eip, bool code32,
                                  char *text, size_t room);

/*
 * Each exception of the chain with its reason, the gates they were to go through and what is wrong with
 * those, the instruction, the registers, and the page walk of the address in question. For a CPU that stopped
 * with CPU_STOP_TRIPLE_FAULT and has not run since; without a chain it says so. `disassemble` may be NULL.
 */
void cpu_report_triple_fault(const struct cpu *cpu, FILE *to, cpu_disassemble disassemble, void *owner);

#endif

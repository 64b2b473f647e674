/* SPDX-License-Identifier: MIT */
/*
 * Pairs of instructions that one body carries out: a comparison and the conditional jump that uses its flags, which
 * is how most loops end. Both stay instructions of their block with their own entries, counted as two; the first
 * one's body goes on behind the second. A block that is to stop between them gets the first one's own body back
 * (block_mark in run.c), and whatever may call anybody is left to that, too: nothing can come between the two.
 */
#ifndef EMU_CPU_FUSED_H
#define EMU_CPU_FUSED_H

#include "emu/cpu/internal.h"

/* Makes a pair of an instruction of a block and the one behind it, if they are one. */
void insn_fuse(struct insn *insn);
/* The body that the instruction has alone. */
insn_body insn_unfused(const struct insn *insn);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The decoder: bytes to struct insn, by the rows of the opcode map (SDM 2, chapter 2 and appendix A). It
 * knows nothing of memory; whoever calls it (block.c, the debugger's disassembler) has the bytes.
 */
#ifndef EMU_CPU_DECODE_H
#define EMU_CPU_DECODE_H

#include "emu/cpu/internal.h"

#define INSN_MAX_LENGTH 15

/* Decodes one instruction for 16- or 32-bit code. True when `available` bytes held all of it; false: more are
 * needed (never for 15 or more), and *insn means nothing. Bytes that are no instruction decode to one whose
 * body raises #UD, or #GP when it is too long, with the reason. `offset` is left 0. */
bool decode_insn(const uint8_t *bytes, unsigned available, bool code32, struct insn *insn);
/* Makes an instruction that needs what the model does not have (`missing`: ROW_CPUID_... bits) into one that raises #UD. */
void decode_for_model(struct insn *insn, uint32_t missing);
/* The ROW_CPUID_... bits that a model does not have. */
uint32_t decode_rows_missing(const struct cpu_model *model);
/* The instruction is one that decode_insn made up for bytes that are none. */
bool decode_failed(const struct insn *insn);
/* Jcc: goes on with the next instruction when the condition does not hold. */
bool decode_is_conditional_jump(const struct insn *insn);

#endif

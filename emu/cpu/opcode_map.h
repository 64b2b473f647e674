/* SPDX-License-Identifier: MIT */
/*
 * The opcode map: every instruction of the CPU as a row, in the order of SDM 2, appendix A. The decoder reads
 * how to take an instruction apart from the row's operands, so a new instruction is a new row and a body.
 *
 * Operand letters, separated by commas. First letter, where the operand comes from:
 *   E   ModRM.rm, register or memory          M   ModRM.rm, memory only (a register is #UD)
 *   R   ModRM.rm taken as a register whatever mod says (MOV to and from CR and DR)
 *   G   ModRM.reg, general register           S C D   ModRM.reg as it is: segment, control, debug register
 *   Z   register in the opcode's low three bits, in insn->reg
 *   I   immediate, in insn->immediate         J   displacement of a jump, sign-extended, in insn->immediate
 *   O   offset of the memory operand in the instruction, no ModRM; in insn->displacement, insn->memory set
 *   A   far pointer: offset in insn->immediate, selector in insn->immediate2
 *   X   DS:[SI], override applied             Y   ES:[DI]     F   flags
 * Second letter, the width:
 *   b   byte     w  word     d  dword     q  qword     v  operand size     z  word or dword, by operand size
 *   s   (immediates) a byte, sign-extended to 64 bits      p  far pointer      a  bounds pair
 *   (none)  does not matter to the decoder
 * "Ib" is zero-extended, "Is", "Iz" and "Iv" sign-extended. A second immediate (ENTER Iw,Ib) goes to
 * insn->immediate2. Operands that are fixed by the opcode are written as names ("AL", "eAX", "DX", "1", "CL")
 * and decode to nothing. General registers of width b are byte positions (internal.h), all others register
 * numbers. Bodies: column 0 for operand size 16, 1 for 32, 2 for 64.
 */
#ifndef EMU_CPU_OPCODE_MAP_H
#define EMU_CPU_OPCODE_MAP_H

#include "emu/cpu/internal.h"

extern const struct opcode opcode_map[256];    /* one-byte opcodes */
extern const struct opcode opcode_map_0f[256]; /* after 0F */

#endif

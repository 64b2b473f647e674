/* SPDX-License-Identifier: MIT */
/*
 * One instruction as text, by Zydis. In builds without it everything here says "nothing".
 */
#ifndef EMU_DEBUG_DISASSEMBLE_H
#define EMU_DEBUG_DISASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disassemble_syntax { DISASSEMBLE_INTEL, DISASSEMBLE_ATT };

/* Writes the instruction at `bytes`, of which `size` can be read, as text of at most `room` bytes, zero
 * included, cut if need be. The instruction's length in bytes; 0, and an empty text, when there is none. */
size_t disassemble(enum disassemble_syntax syntax, const uint8_t *bytes, size_t size, uint64_t eip,
                   bool code32, char *text, size_t room);

/* The same as the hook of cpu_report_triple_fault (cpu_disassemble in emu/cpu/report.h). `owner` points to an
 * enum disassemble_syntax, or is NULL for Intel's. */
size_t disassemble_for_report(void *owner, const uint8_t *bytes, size_t size, uint64_t eip, bool code32,
                              char *text, size_t room);

#endif

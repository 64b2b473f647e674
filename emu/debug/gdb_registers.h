/* SPDX-License-Identifier: MIT */
/*
 * The registers as gdb sees them: one fixed layout for the whole session, whatever mode the guest is in
 * (LESSONS 50), described to gdb by target.xml (Debugging with GDB, appendix G). First what gdb demands of an
 * i386, then a feature of our own with what a system programmer looks for. Values go over the wire in the
 * guest's byte order.
 */
#ifndef EMU_DEBUG_GDB_REGISTERS_H
#define EMU_DEBUG_GDB_REGISTERS_H

#include "emu/cpu/cpu.h"

#define GDB_REGISTER_BYTES 10 /* of the widest */

unsigned gdb_register_count(void);
unsigned gdb_register_size(unsigned n); /* in bytes */

void gdb_register_read(const struct cpu_state *state, unsigned n, uint8_t *to);
/*
 * Into `state`, which is to be given to `cpu` afterwards. A selector that changes takes its hidden part
 * along: from the descriptor table as it is now, or as real mode does it; one that could not be loaded at
 * this privilege level is refused, and so are changes of registers that only the guest can change. A value
 * that is there already is fine.
 */
bool gdb_register_write(const struct cpu *cpu, struct cpu_state *state, unsigned n, const uint8_t *from);

/*
 * target.xml, to be freed; NULL without memory. The layout is the same for 16-bit code, but gdb is to
 * disassemble it as such: under "i8086" it can be told `set architecture i386`, and takes that itself from a
 * 32-bit program file; under "i386" there is no way back.
 */
char *gdb_registers_describe(bool code16, size_t *size);

#endif

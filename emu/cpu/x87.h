/* SPDX-License-Identifier: MIT */
/*
 * The x87 FPU (SDM 1, chapter 8): its state, and how the CPU and the board reach it. The state is plain data
 * within struct cpu_state; instructions D8 to DF go to body_x87_escape, WAIT to body_x87_wait, FXSAVE and
 * FXRSTOR (0F AE /0 and /1, memory only) to their own bodies.
 *
 * An unmasked exception waits in the status word until the next FPU instruction that waits, or WAIT. With
 * CR0.NE that one is #MF. Without, the FERR# line goes up (the board makes it IRQ 13) and the CPU stands
 * still before that instruction until an interrupt comes, unless errors are being ignored (IGNNE#): SDM 1,
 * 8.7 and appendix D.
 */
#ifndef EMU_CPU_X87_H
#define EMU_CPU_X87_H

#include "emu/core/state.h"
#include "emu/cpu/float80.h"

struct cpu;
struct insn;

struct x87_state {
    struct float80 reg[8]; /* R0 to R7; ST(i) is R((top + i) mod 8) */
    /* Of the last instruction that was none of control, and of its memory operand. */
    uint64_t code_offset, data_offset;
    uint16_t code_selector, data_selector;
    uint16_t opcode; /* 11 bits */
    uint16_t control;
    uint16_t status; /* without TOP, which is always 0 here */
    uint8_t top;
    uint8_t used;       /* bit n: Rn is not empty; the tag word follows from this and the registers */
    bool error_line;    /* level of FERR# */
    bool error_ignored; /* IGNNE# */
};
extern const struct state_field x87_fields[]; /* for STATE_STRUCT_FIELD */

/* Power-on state (SDM 3A, table 9-1): unlike FNINIT, all registers are +0 and the control word is 0040h. */
void x87_reset(struct x87_state *fpu);
/* The status word with TOP, the tag word as FSTENV stores it. For dumps and debuggers too. */
uint16_t x87_status_word(const struct x87_state *fpu);
uint16_t x87_tag_word(const struct x87_state *fpu);

/* Port F0h was written: the FERR# request is taken back (wiring.fpu_error), and errors are ignored until
 * the status word is clear of them. */
void x87_error_acknowledge(struct cpu *cpu);

void body_x87_escape(struct cpu *cpu, const struct insn *insn); /* D8 to DF */
void body_x87_wait(struct cpu *cpu, const struct insn *insn);   /* 9B */
void body_fxsave(struct cpu *cpu, const struct insn *insn);     /* 0F AE /0 */
void body_fxrstor(struct cpu *cpu, const struct insn *insn);    /* 0F AE /1 */

/* One instruction in the manual's form (SDM 2, tables ): name, operands, body, what is special. */
struct x87_row {
    const char *name; /* NULL: no such instruction */
    const char *operands;
    void (*body)(struct cpu *cpu, const struct insn *insn);
    unsigned needs; /* X87_... */
};
enum {
    X87_NO_WAIT = 1, /* goes ahead with exceptions pending */
    X87_CONTROL = 2, /* leaves instruction and data pointers alone */
    X87_P6 = 4,      /* needs CPUID.CMOV */
};
extern const struct x87_row x87_memory_rows[8][8];    /* by opcode and ModRM.reg */
extern const struct x87_row x87_register_rows[8][64]; /* by opcode and ModRM from C0 on */

/* By opcode byte and ModRM; never NULL. */
static inline const struct x87_row *x87_row(unsigned opcode, unsigned modrm)
{
    if (modrm >= 0xc0) return &x87_register_rows[opcode & 7][modrm & 63];
    return &x87_memory_rows[opcode & 7][modrm >> 3 & 7];
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic and logic: ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NEG NOT, and the decimal adjustments (SDM
 * 2). The operations are in alu.h; here each is joined to its operand forms, one stamp per family.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/alu.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/operand.h"

/* Operations that write their destination. */
#define ALU_WRITING(op, bits)                                                                                \
    REGISTER_BODY(op##bits##_rm_reg)                                                                         \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm, op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg)));    \
    }                                                                                                        \
    REGISTER_BODY(op##bits##_reg_rm)                                                                         \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, op##bits(cpu, reg##bits(cpu, insn->reg), reg##bits(cpu, insn->rm)));   \
    }                                                                                                        \
    READ_BODY(op##bits##_reg_mem, bits)                                                                      \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, op##bits(cpu, reg##bits(cpu, insn->reg), value));                      \
    }                                                                                                        \
    MODIFY_BODY(op##bits##_mem_reg, bits)                                                                    \
    {                                                                                                        \
        return op##bits(cpu, value, reg##bits(cpu, insn->reg));                                              \
    }                                                                                                        \
    REGISTER_BODY(op##bits##_rm_imm)                                                                         \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm,                                                                         \
                      op##bits(cpu, reg##bits(cpu, insn->rm), (uint##bits##_t)insn->immediate));             \
    }                                                                                                        \
    MODIFY_BODY(op##bits##_mem_imm, bits)                                                                    \
    {                                                                                                        \
        return op##bits(cpu, value, (uint##bits##_t)insn->immediate);                                        \
    }                                                                                                        \
    REGISTER_BODY(op##bits##_acc_imm)                                                                        \
    {                                                                                                        \
        set_acc##bits(cpu, op##bits(cpu, acc##bits(cpu), (uint##bits##_t)insn->immediate));                  \
    }

/* CMP and TEST: for the flags alone. `name` is the instruction, `op` the operation. */
#define ALU_TESTING(name, op, bits)                                                                          \
    REGISTER_BODY(name##bits##_rm_reg)                                                                       \
    {                                                                                                        \
        op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg));                                  \
    }                                                                                                        \
    READ_BODY(name##bits##_mem_reg, bits)                                                                    \
    {                                                                                                        \
        op##bits(cpu, value, reg##bits(cpu, insn->reg));                                                     \
    }                                                                                                        \
    REGISTER_BODY(name##bits##_rm_imm)                                                                       \
    {                                                                                                        \
        op##bits(cpu, reg##bits(cpu, insn->rm), (uint##bits##_t)insn->immediate);                            \
    }                                                                                                        \
    READ_BODY(name##bits##_mem_imm, bits)                                                                    \
    {                                                                                                        \
        op##bits(cpu, value, (uint##bits##_t)insn->immediate);                                               \
    }                                                                                                        \
    REGISTER_BODY(name##bits##_acc_imm)                                                                      \
    {                                                                                                        \
        op##bits(cpu, acc##bits(cpu), (uint##bits##_t)insn->immediate);                                      \
    }

#define COMPARE_REVERSED(bits)                                                                               \
    REGISTER_BODY(cmp##bits##_reg_rm)                                                                        \
    {                                                                                                        \
        sub##bits(cpu, reg##bits(cpu, insn->reg), reg##bits(cpu, insn->rm));                                 \
    }                                                                                                        \
    READ_BODY(cmp##bits##_reg_mem, bits)                                                                     \
    {                                                                                                        \
        sub##bits(cpu, reg##bits(cpu, insn->reg), value);                                                    \
    }

#define UNARY(op, bits)                                                                                      \
    REGISTER_BODY(op##bits##_rm)                                                                             \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm, op##bits(cpu, reg##bits(cpu, insn->rm)));                               \
    }                                                                                                        \
    MODIFY_BODY(op##bits##_mem, bits)                                                                        \
    {                                                                                                        \
        (void)insn;                                                                                          \
        return op##bits(cpu, value);                                                                         \
    }

/* INC and DEC with the register in the opcode. */
#define UNARY_SHORT(op, bits)                                                                                \
    REGISTER_BODY(op##bits##_reg)                                                                            \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, op##bits(cpu, reg##bits(cpu, insn->reg)));                             \
    }

#define ALL_SIZES(family, op) family(op, 8) family(op, 16) family(op, 32)

ALL_SIZES(ALU_WRITING, add)
ALL_SIZES(ALU_WRITING, or)
ALL_SIZES(ALU_WRITING, adc)
ALL_SIZES(ALU_WRITING, sbb)
ALL_SIZES(ALU_WRITING, and)
ALL_SIZES(ALU_WRITING, sub)
ALL_SIZES(ALU_WRITING, xor)

ALU_TESTING(cmp, sub, 8)
ALU_TESTING(cmp, sub, 16)
ALU_TESTING(cmp, sub, 32)
ALU_TESTING(test, and, 8)
ALU_TESTING(test, and, 16)
ALU_TESTING(test, and, 32)
COMPARE_REVERSED(8)
COMPARE_REVERSED(16)
COMPARE_REVERSED(32)

ALL_SIZES(UNARY, inc)
ALL_SIZES(UNARY, dec)
ALL_SIZES(UNARY, neg)
ALL_SIZES(UNARY, not )
UNARY_SHORT(inc, 16)
UNARY_SHORT(inc, 32)
UNARY_SHORT(dec, 16)
UNARY_SHORT(dec, 32)

/* ---- decimal adjustments; OF is undefined and left 0 ---- */

static void decimal_flags(struct cpu *cpu, uint8_t result, bool cf, bool af)
{
    flags_result8(cpu, result);
    flags_set_cf(cpu, cf);
    flags_of_af(cpu, af ? 8 : 0, 0);
}

REGISTER_BODY(daa)
{
    (void)insn;
    uint8_t al = acc8(cpu), result = al;
    bool cf = flag_cf(cpu), af = (al & 15) > 9 || flag_af(cpu);
    if (af) result = (uint8_t)(result + 6);
    bool high = al > 0x99 || cf;
    if (high) result = (uint8_t)(result + 0x60);
    set_acc8(cpu, result);
    decimal_flags(cpu, result, high, af);
}

REGISTER_BODY(das)
{
    (void)insn;
    uint8_t al = acc8(cpu), result = al;
    bool cf = flag_cf(cpu), af = (al & 15) > 9 || flag_af(cpu);
    if (af) result = (uint8_t)(result - 6);
    bool high = al > 0x99 || cf;
    if (high) result = (uint8_t)(result - 0x60);
    set_acc8(cpu, result);
    decimal_flags(cpu, result, high || (af && al < 6), af);
}

REGISTER_BODY(aaa)
{
    (void)insn;
    bool adjust = (acc8(cpu) & 15) > 9 || flag_af(cpu);
    uint16_t ax = acc16(cpu);
    if (adjust) ax = (uint16_t)(ax + 0x106);
    ax &= 0xff0f;
    set_acc16(cpu, ax);
    decimal_flags(cpu, (uint8_t)ax, adjust, adjust);
}

REGISTER_BODY(aas)
{
    (void)insn;
    bool adjust = (acc8(cpu) & 15) > 9 || flag_af(cpu);
    uint16_t ax = acc16(cpu);
    if (adjust) ax = (uint16_t)(ax - 0x106);
    ax &= 0xff0f;
    set_acc16(cpu, ax);
    decimal_flags(cpu, (uint8_t)ax, adjust, adjust);
}

BODY(aam)
{
    uint8_t base = (uint8_t)insn->immediate, al = acc8(cpu);
    if (!base) fault_raise(cpu, &(struct fault){.vector = FAULT_DE, .reason = REASON_DIVIDE_BY_ZERO});
    uint8_t low = al % base;
    set_acc16(cpu, (uint16_t)((al / base) << 8 | low));
    decimal_flags(cpu, low, false, false);
}

REGISTER_BODY(aad)
{
    uint16_t ax = acc16(cpu);
    uint8_t result = (uint8_t)((ax & 0xff) + (ax >> 8) * (uint8_t)insn->immediate);
    set_acc16(cpu, result);
    decimal_flags(cpu, result, false, false);
}

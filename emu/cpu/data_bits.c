/* SPDX-License-Identifier: MIT */
/*
 * Single bits: BT BTS BTR BTC, BSF BSR, SETcc, and the instructions that set or move flags (SDM 2).
 */
#include "emu/cpu/access.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/operand.h"

static uint32_t bit_bt(uint32_t value, uint32_t mask)
{
    (void)mask;
    return value;
}

static uint32_t bit_bts(uint32_t value, uint32_t mask)
{
    return value | mask;
}

static uint32_t bit_btr(uint32_t value, uint32_t mask)
{
    return value & ~mask;
}

static uint32_t bit_btc(uint32_t value, uint32_t mask)
{
    return value ^ mask;
}

/* The offset of the word that holds bit `bit` (signed) of the bit string at the memory operand. */
static inline uint64_t bit_word(struct cpu *cpu, const struct insn *insn, int64_t bit, unsigned bits)
{
    int64_t words = bits == 16 ? bit >> 4 : bit >> 5;
    return (insn_ea(cpu, insn) + (uint64_t)(words * (int)(bits / 8))) & insn->address_mask;
}

#define BIT_OPERATION(op, bits)                                                                              \
    REGISTER_BODY(op##bits##_rm_reg)                                                                         \
    {                                                                                                        \
        uint##bits##_t value = reg##bits(cpu, insn->rm);                                                     \
        unsigned bit = reg##bits(cpu, insn->reg) & (bits - 1);                                               \
        flags_set_cf(cpu, value >> bit & 1);                                                                 \
        set_reg##bits(cpu, insn->rm, (uint##bits##_t)bit_##op(value, UINT32_C(1) << bit));                   \
    }                                                                                                        \
    REGISTER_BODY(op##bits##_rm_imm)                                                                         \
    {                                                                                                        \
        uint##bits##_t value = reg##bits(cpu, insn->rm);                                                     \
        unsigned bit = (unsigned)insn->immediate & (bits - 1);                                               \
        flags_set_cf(cpu, value >> bit & 1);                                                                 \
        set_reg##bits(cpu, insn->rm, (uint##bits##_t)bit_##op(value, UINT32_C(1) << bit));                   \
    }

/* A memory operand with the bit number in a register is a bit string of any length. BT only reads. */
#define BIT_TEST_MEMORY(bits)                                                                                \
    BODY(bt##bits##_mem_reg)                                                                                 \
    {                                                                                                        \
        int64_t bit = (int##bits##_t)reg##bits(cpu, insn->reg);                                              \
        uint##bits##_t value = mem_read##bits(cpu, insn->segment, bit_word(cpu, insn, bit, bits));           \
        flags_set_cf(cpu, value >> (bit & (bits - 1)) & 1);                                                  \
    }                                                                                                        \
    BODY(bt##bits##_mem_imm)                                                                                 \
    {                                                                                                        \
        uint##bits##_t value = mem_read##bits(cpu, insn->segment, insn_ea(cpu, insn));                       \
        flags_set_cf(cpu, value >> (insn->immediate & (bits - 1)) & 1);                                      \
    }
#define BIT_CHANGE_MEMORY(op, bits)                                                                          \
    BODY(op##bits##_mem_reg)                                                                                 \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        int64_t number = (int##bits##_t)reg##bits(cpu, insn->reg);                                           \
        unsigned bit = (unsigned)number & (bits - 1);                                                        \
        uint##bits##_t value =                                                                               \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, bit_word(cpu, insn, number, bits), &place);    \
        rmw_store##bits(cpu, place, (uint##bits##_t)bit_##op(value, UINT32_C(1) << bit));                    \
        flags_set_cf(cpu, value >> bit & 1);                                                                 \
    }                                                                                                        \
    BODY(op##bits##_mem_imm)                                                                                 \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        unsigned bit = (unsigned)insn->immediate & (bits - 1);                                               \
        uint##bits##_t value =                                                                               \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                   \
        rmw_store##bits(cpu, place, (uint##bits##_t)bit_##op(value, UINT32_C(1) << bit));                    \
        flags_set_cf(cpu, value >> bit & 1);                                                                 \
    }
#define BIT_SIZES(family, op) family(op, 16) family(op, 32)

BIT_SIZES(BIT_OPERATION, bt)
BIT_SIZES(BIT_OPERATION, bts)
BIT_SIZES(BIT_OPERATION, btr)
BIT_SIZES(BIT_OPERATION, btc)
BIT_TEST_MEMORY(16)
BIT_TEST_MEMORY(32)
BIT_SIZES(BIT_CHANGE_MEMORY, bts)
BIT_SIZES(BIT_CHANGE_MEMORY, btr)
BIT_SIZES(BIT_CHANGE_MEMORY, btc)

/* BSF and BSR: a source of 0 sets ZF and leaves the destination as it was. */
static bool scan(struct cpu *cpu, uint32_t source)
{
    flags_set_zf(cpu, source == 0);
    return source != 0;
}

#define BIT_SCAN(op, bits, found)                                                                            \
    REGISTER_BODY(op##bits##_reg_rm)                                                                         \
    {                                                                                                        \
        uint32_t source = reg##bits(cpu, insn->rm);                                                          \
        if (scan(cpu, source)) set_reg##bits(cpu, insn->reg, (uint##bits##_t)(found));                       \
    }                                                                                                        \
    BODY(op##bits##_reg_mem)                                                                                 \
    {                                                                                                        \
        uint32_t source = mem_read##bits(cpu, insn->segment, insn_ea(cpu, insn));                            \
        if (scan(cpu, source)) set_reg##bits(cpu, insn->reg, (uint##bits##_t)(found));                       \
    }

BIT_SCAN(bsf, 16, __builtin_ctz(source))
BIT_SCAN(bsf, 32, __builtin_ctz(source))
BIT_SCAN(bsr, 16, 31 - __builtin_clz(source))
BIT_SCAN(bsr, 32, 31 - __builtin_clz(source))

REGISTER_BODY(setcc_rm)
{
    set_reg8(cpu, insn->rm, condition(cpu, insn->opcode));
}

WRITE_BODY(setcc_mem, 8)
{
    return condition(cpu, insn->opcode);
}

/* ---- flags ---- */

REGISTER_BODY(clc)
{
    (void)insn;
    flags_set_cf(cpu, false);
}

REGISTER_BODY(stc)
{
    (void)insn;
    flags_set_cf(cpu, true);
}

REGISTER_BODY(cmc)
{
    (void)insn;
    flags_set_cf(cpu, !flag_cf(cpu));
}

REGISTER_BODY(cld)
{
    (void)insn;
    cpu->s.eflags &= ~(uint64_t)FLAG_DF;
}

REGISTER_BODY(std)
{
    (void)insn;
    cpu->s.eflags |= FLAG_DF;
}

REGISTER_BODY(lahf)
{
    (void)insn;
    set_acc16(cpu, (uint16_t)((flags_compose(cpu) & 0xff) << 8 | acc8(cpu)));
}

REGISTER_BODY(sahf)
{
    (void)insn;
    uint32_t of = flag_of(cpu) ? FLAG_OF : 0;
    flags_load_arithmetic(cpu, (uint32_t)acc16(cpu) >> 8 | of);
}

/* D6: AL = CF ? FFh : 0. Not in the manual's text but on every processor since the 8086. */
REGISTER_BODY(salc)
{
    (void)insn;
    set_acc8(cpu, flag_cf(cpu) ? 0xff : 0);
}

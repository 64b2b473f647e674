/* SPDX-License-Identifier: MIT */
/*
 * Shifts, rotates and double shifts (SDM 2). The count is taken modulo 32; a count of 0 changes nothing,
 * flags included, but a memory operand is still checked for writing.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/alu.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/operand.h"

#define COUNT_IMMEDIATE ((unsigned)insn->immediate & 31)
#define COUNT_CL        (reg32(cpu, CPU_ECX) & 31)

/* One operation by one source of the count. */
#define SHIFT_BY(op, bits, form, count_of)                                                                   \
    REGISTER_BODY(op##bits##_rm_##form)                                                                      \
    {                                                                                                        \
        unsigned count = count_of;                                                                           \
        if (count) set_reg##bits(cpu, insn->rm, op##bits(cpu, reg##bits(cpu, insn->rm), count));             \
    }                                                                                                        \
    BODY(op##bits##_mem_##form)                                                                              \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        unsigned count = count_of;                                                                           \
        uint##bits##_t before =                                                                              \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                   \
        if (count) rmw_store##bits(cpu, place, op##bits(cpu, before, count));                                \
    }
/* ... and by all three, for one size. */
#define SHIFT(op, bits)                                                                                      \
    SHIFT_BY(op, bits, imm, COUNT_IMMEDIATE)                                                                 \
    SHIFT_BY(op, bits, cl, COUNT_CL)                                                                         \
    REGISTER_BODY(op##bits##_rm_one)                                                                         \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm, op##bits(cpu, reg##bits(cpu, insn->rm), 1));                            \
    }                                                                                                        \
    MODIFY_BODY(op##bits##_mem_one, bits)                                                                    \
    {                                                                                                        \
        (void)insn;                                                                                          \
        return op##bits(cpu, value, 1);                                                                      \
    }
#define SHIFT_SIZES(op) SHIFT(op, 8) SHIFT(op, 16) SHIFT(op, 32)

SHIFT_SIZES(rol)
SHIFT_SIZES(ror)
SHIFT_SIZES(rcl)
SHIFT_SIZES(rcr)
SHIFT_SIZES(shl)
SHIFT_SIZES(shr)
SHIFT_SIZES(sar)

/* ---- SHLD and SHRD. With 16-bit operands a count above 16 is undefined; the double word goes on rotating.
 * ---- */

static void double_shift_flags(struct cpu *cpu, bool cf, bool sign_changed)
{
    flags_cf_of(cpu, cf, sign_changed);
}

static uint32_t shld32(struct cpu *cpu, uint32_t a, uint32_t fill, unsigned count)
{
    uint32_t result = a << count | fill >> (32 - count);
    flags_result32(cpu, result);
    double_shift_flags(cpu, a >> (32 - count) & 1, (result ^ a) >> 31);
    return result;
}

static uint32_t shrd32(struct cpu *cpu, uint32_t a, uint32_t fill, unsigned count)
{
    uint32_t result = a >> count | fill << (32 - count);
    flags_result32(cpu, result);
    double_shift_flags(cpu, a >> (count - 1) & 1, (result ^ a) >> 31);
    return result;
}

static uint16_t shld16(struct cpu *cpu, uint16_t a, uint16_t fill, unsigned count)
{
    uint64_t row = (uint64_t)a << 32 | (uint64_t)fill << 16 | a;
    uint16_t result = (uint16_t)(row << count >> 32);
    flags_result16(cpu, result);
    double_shift_flags(cpu, row >> (48 - count) & 1, (result ^ a) >> 15);
    return result;
}

static uint16_t shrd16(struct cpu *cpu, uint16_t a, uint16_t fill, unsigned count)
{
    uint64_t row = (uint64_t)a << 32 | (uint64_t)fill << 16 | a;
    uint16_t result = (uint16_t)(row >> count);
    flags_result16(cpu, result);
    double_shift_flags(cpu, row >> (count - 1) & 1, (result ^ a) >> 15);
    return result;
}

#define DOUBLE_SHIFT_BY(op, bits, form, count_of)                                                            \
    REGISTER_BODY(op##bits##_rm_##form)                                                                      \
    {                                                                                                        \
        unsigned count = count_of;                                                                           \
        if (count)                                                                                           \
            set_reg##bits(cpu, insn->rm,                                                                     \
                          op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg), count));        \
    }                                                                                                        \
    BODY(op##bits##_mem_##form)                                                                              \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        unsigned count = count_of;                                                                           \
        uint##bits##_t before =                                                                              \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                   \
        if (count) rmw_store##bits(cpu, place, op##bits(cpu, before, reg##bits(cpu, insn->reg), count));     \
    }

DOUBLE_SHIFT_BY(shld, 16, imm, COUNT_IMMEDIATE)
DOUBLE_SHIFT_BY(shld, 16, cl, COUNT_CL)
DOUBLE_SHIFT_BY(shld, 32, imm, COUNT_IMMEDIATE)
DOUBLE_SHIFT_BY(shld, 32, cl, COUNT_CL)
DOUBLE_SHIFT_BY(shrd, 16, imm, COUNT_IMMEDIATE)
DOUBLE_SHIFT_BY(shrd, 16, cl, COUNT_CL)
DOUBLE_SHIFT_BY(shrd, 32, imm, COUNT_IMMEDIATE)
DOUBLE_SHIFT_BY(shrd, 32, cl, COUNT_CL)

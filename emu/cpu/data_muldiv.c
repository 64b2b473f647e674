/* SPDX-License-Identifier: MIT */
/*
 * Multiplication and division (SDM 2). MUL and IMUL set CF and OF when the upper half matters; the other
 * flags are undefined and follow the low half of the result. DIV and IDIV leave the flags as they are
 * (undefined).
 */
#include "emu/cpu/access.h"
#include "emu/cpu/alu.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/operand.h"

static void multiply_flags(struct cpu *cpu, bool overflow)
{
    flags_cf_of(cpu, overflow, overflow);
}

static _Noreturn void divide_error(struct cpu *cpu, bool by_zero)
{
    fault_raise(cpu, &(struct fault){.vector = FAULT_DE,
                                     .reason = by_zero ? REASON_DIVIDE_BY_ZERO : REASON_DIVIDE_OVERFLOW});
}

/* ---- AX = AL * x, DX:AX = AX * x, EDX:EAX = EAX * x ---- */

static void mul8(struct cpu *cpu, uint8_t x)
{
    uint16_t product = (uint16_t)(acc8(cpu) * x);
    set_acc16(cpu, product);
    flags_result8(cpu, (uint8_t)product);
    multiply_flags(cpu, product >> 8);
}

static void mul16(struct cpu *cpu, uint16_t x)
{
    uint32_t product = (uint32_t)acc16(cpu) * x;
    set_acc16(cpu, (uint16_t)product);
    set_reg16(cpu, CPU_EDX, (uint16_t)(product >> 16));
    flags_result16(cpu, (uint16_t)product);
    multiply_flags(cpu, product >> 16);
}

static void mul32(struct cpu *cpu, uint32_t x)
{
    uint64_t product = (uint64_t)acc32(cpu) * x;
    set_acc32(cpu, (uint32_t)product);
    set_reg32(cpu, CPU_EDX, (uint32_t)(product >> 32));
    flags_result32(cpu, (uint32_t)product);
    multiply_flags(cpu, product >> 32);
}

static void imul8(struct cpu *cpu, uint8_t x)
{
    int product = (int8_t)acc8(cpu) * (int8_t)x;
    set_acc16(cpu, (uint16_t)product);
    flags_result8(cpu, (uint8_t)product);
    multiply_flags(cpu, product != (int8_t)product);
}

static void imul16(struct cpu *cpu, uint16_t x)
{
    int32_t product = (int16_t)acc16(cpu) * (int16_t)x;
    set_acc16(cpu, (uint16_t)product);
    set_reg16(cpu, CPU_EDX, (uint16_t)((uint32_t)product >> 16));
    flags_result16(cpu, (uint16_t)product);
    multiply_flags(cpu, product != (int16_t)product);
}

static void imul32(struct cpu *cpu, uint32_t x)
{
    int64_t product = (int64_t)(int32_t)acc32(cpu) * (int32_t)x;
    set_acc32(cpu, (uint32_t)product);
    set_reg32(cpu, CPU_EDX, (uint32_t)((uint64_t)product >> 32));
    flags_result32(cpu, (uint32_t)product);
    multiply_flags(cpu, product != (int32_t)product);
}

/* ---- division; a quotient that does not fit is #DE ---- */

static void div8(struct cpu *cpu, uint8_t by)
{
    uint16_t dividend = acc16(cpu);
    if (!by) divide_error(cpu, true);
    if (dividend / by > 0xff) divide_error(cpu, false);
    set_acc16(cpu, (uint16_t)((dividend % by) << 8 | dividend / by));
}

static void div16(struct cpu *cpu, uint16_t by)
{
    uint32_t dividend = (uint32_t)reg16(cpu, CPU_EDX) << 16 | acc16(cpu);
    if (!by) divide_error(cpu, true);
    if (dividend / by > 0xffff) divide_error(cpu, false);
    set_acc16(cpu, (uint16_t)(dividend / by));
    set_reg16(cpu, CPU_EDX, (uint16_t)(dividend % by));
}

static void div32(struct cpu *cpu, uint32_t by)
{
    uint64_t dividend = (uint64_t)reg32(cpu, CPU_EDX) << 32 | acc32(cpu);
    if (!by) divide_error(cpu, true);
    if (dividend / by > UINT32_MAX) divide_error(cpu, false);
    set_acc32(cpu, (uint32_t)(dividend / by));
    set_reg32(cpu, CPU_EDX, (uint32_t)(dividend % by));
}

static void idiv8(struct cpu *cpu, uint8_t x)
{
    int dividend = (int16_t)acc16(cpu), by = (int8_t)x;
    if (!by) divide_error(cpu, true);
    int quotient = dividend / by;
    if (quotient != (int8_t)quotient) divide_error(cpu, false);
    set_acc16(cpu, (uint16_t)((uint8_t)(dividend % by) << 8 | (uint8_t)quotient));
}

static void idiv16(struct cpu *cpu, uint16_t x)
{
    int64_t dividend = (int32_t)((uint32_t)reg16(cpu, CPU_EDX) << 16 | acc16(cpu));
    int by = (int16_t)x;
    if (!by) divide_error(cpu, true);
    int64_t quotient = dividend / by;
    if (quotient != (int16_t)quotient) divide_error(cpu, false);
    set_acc16(cpu, (uint16_t)quotient);
    set_reg16(cpu, CPU_EDX, (uint16_t)(dividend % by));
}

static void idiv32(struct cpu *cpu, uint32_t x)
{
    int64_t dividend = (int64_t)((uint64_t)reg32(cpu, CPU_EDX) << 32 | acc32(cpu));
    int32_t by = (int32_t)x;
    if (!by) divide_error(cpu, true);
    if (dividend == INT64_MIN && by == -1) divide_error(cpu, false);
    int64_t quotient = dividend / by;
    if (quotient != (int32_t)quotient) divide_error(cpu, false);
    set_acc32(cpu, (uint32_t)quotient);
    set_reg32(cpu, CPU_EDX, (uint32_t)(dividend % by));
}

/* ---- IMUL with two and three operands ---- */

static uint16_t signed_product16(struct cpu *cpu, uint16_t a, uint16_t b)
{
    int32_t product = (int16_t)a * (int16_t)b;
    flags_result16(cpu, (uint16_t)product);
    multiply_flags(cpu, product != (int16_t)product);
    return (uint16_t)product;
}

static uint32_t signed_product32(struct cpu *cpu, uint32_t a, uint32_t b)
{
    int64_t product = (int64_t)(int32_t)a * (int32_t)b;
    flags_result32(cpu, (uint32_t)product);
    multiply_flags(cpu, product != (int32_t)product);
    return (uint32_t)product;
}

#define ONE_OPERAND(op, bits)                                                                                \
    BODY(op##bits##_rm)                                                                                      \
    {                                                                                                        \
        op##bits(cpu, reg##bits(cpu, insn->rm));                                                             \
    }                                                                                                        \
    BODY(op##bits##_mem)                                                                                     \
    {                                                                                                        \
        op##bits(cpu, mem_read##bits(cpu, insn->segment, insn_ea(cpu, insn)));                               \
    }
#define ONE_OPERAND_SIZES(op) ONE_OPERAND(op, 8) ONE_OPERAND(op, 16) ONE_OPERAND(op, 32)

ONE_OPERAND_SIZES(mul)
ONE_OPERAND_SIZES(imul)
ONE_OPERAND_SIZES(div)
ONE_OPERAND_SIZES(idiv)

#define SIGNED_PRODUCT(bits)                                                                                 \
    REGISTER_BODY(imul##bits##_reg_rm)                                                                       \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg,                                                                        \
                      signed_product##bits(cpu, reg##bits(cpu, insn->reg), reg##bits(cpu, insn->rm)));       \
    }                                                                                                        \
    READ_BODY(imul##bits##_reg_mem, bits)                                                                    \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, signed_product##bits(cpu, reg##bits(cpu, insn->reg), value));          \
    }                                                                                                        \
    REGISTER_BODY(imul##bits##_reg_rm_imm)                                                                   \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg,                                                                        \
                      signed_product##bits(cpu, reg##bits(cpu, insn->rm), (uint##bits##_t)insn->immediate)); \
    }                                                                                                        \
    READ_BODY(imul##bits##_reg_mem_imm, bits)                                                                \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, signed_product##bits(cpu, value, (uint##bits##_t)insn->immediate));    \
    }

SIGNED_PRODUCT(16)
SIGNED_PRODUCT(32)

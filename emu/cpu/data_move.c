/* SPDX-License-Identifier: MIT */
/*
 * Moving data: MOV, MOVZX, MOVSX, CMOVcc, LEA, XCHG, XADD, CMPXCHG, CMPXCHG8B, BSWAP, XLAT, the sign
 * extensions, far pointer loads, BOUND (SDM 2).
 */
#include "emu/cpu/access.h"
#include "emu/cpu/alu.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/operand.h"

#define MOVE(bits)                                                                                           \
    REGISTER_BODY(mov##bits##_rm_reg)                                                                        \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm, reg##bits(cpu, insn->reg));                                             \
    }                                                                                                        \
    WRITE_BODY(mov##bits##_mem_reg, bits)                                                                    \
    {                                                                                                        \
        return reg##bits(cpu, insn->reg);                                                                    \
    }                                                                                                        \
    REGISTER_BODY(mov##bits##_reg_rm)                                                                        \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, reg##bits(cpu, insn->rm));                                             \
    }                                                                                                        \
    READ_BODY(mov##bits##_reg_mem, bits)                                                                     \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, value);                                                                \
    }                                                                                                        \
    REGISTER_BODY(mov##bits##_rm_imm)                                                                        \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm, (uint##bits##_t)insn->immediate);                                       \
    }                                                                                                        \
    WRITE_BODY(mov##bits##_mem_imm, bits)                                                                    \
    {                                                                                                        \
        (void)cpu;                                                                                           \
        return (uint##bits##_t)insn->immediate;                                                              \
    }                                                                                                        \
    REGISTER_BODY(mov##bits##_reg_imm)                                                                       \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, (uint##bits##_t)insn->immediate);                                      \
    }                                                                                                        \
    READ_BODY(mov##bits##_acc_mem, bits)                                                                     \
    {                                                                                                        \
        (void)insn;                                                                                          \
        set_acc##bits(cpu, value);                                                                           \
    }                                                                                                        \
    WRITE_BODY(mov##bits##_mem_acc, bits)                                                                    \
    {                                                                                                        \
        (void)insn;                                                                                          \
        return acc##bits(cpu);                                                                               \
    }

MOVE(8)
MOVE(16)
MOVE(32)

/* ---- segment registers ---- */

/* MOV takes no CS and no segment registers 6 and 7, whatever its operand. */
static void check_loadable(struct cpu *cpu, unsigned n)
{
    if (n >= CPU_SEGMENTS || n == CPU_CS) fault_ud(cpu, REASON_NO_SUCH_SEGMENT_REGISTER);
}

static void load_segment(struct cpu *cpu, unsigned n, uint16_t selector)
{
    segment_load(cpu, n, selector);
    if (n != CPU_SS) return;
    cpu->s.interrupt_shadow = 2; /* so that SS and ESP can be loaded together (SDM 3A, 6.8.3) */
    cpu->attention |= ATTENTION_SHADOW;
}

static uint16_t segment_selector(struct cpu *cpu, unsigned n)
{
    if (n >= CPU_SEGMENTS) fault_ud(cpu, REASON_NO_SUCH_SEGMENT_REGISTER);
    return cpu->s.segment[n].selector;
}

BODY(mov_seg_rm)
{
    check_loadable(cpu, insn->reg);
    load_segment(cpu, insn->reg, reg16(cpu, insn->rm));
}

BODY(mov_seg_mem)
{
    check_loadable(cpu, insn->reg);
    load_segment(cpu, insn->reg, mem_read16(cpu, insn->segment, insn_ea(cpu, insn)));
}

BODY(mov_rm_seg)
{
    uint16_t selector = segment_selector(cpu, insn->reg);
    if (insn->operand_size == 2)
        set_reg16(cpu, insn->rm, selector);
    else
        set_reg32(cpu, insn->rm, selector);
}

BODY(mov_mem_seg)
{
    mem_write16(cpu, insn->segment, insn_ea(cpu, insn), segment_selector(cpu, insn->reg));
}

/* LES LDS LSS LFS LGS: the offset first in memory, then the selector. */
static void load_far_pointer(struct cpu *cpu, const struct insn *insn, unsigned n)
{
    uint64_t at = insn_ea(cpu, insn);
    bool wide = insn->operand_size != 2;
    uint32_t offset = wide ? mem_read32(cpu, insn->segment, at) : mem_read16(cpu, insn->segment, at);
    uint16_t selector = mem_read16(cpu, insn->segment, (at + (wide ? 4 : 2)) & insn->address_mask);
    segment_load(cpu, n, selector);
    if (wide)
        set_reg32(cpu, insn->reg, offset);
    else
        set_reg16(cpu, insn->reg, (uint16_t)offset);
}

BODY(les)
{
    load_far_pointer(cpu, insn, CPU_ES);
}

BODY(lds)
{
    load_far_pointer(cpu, insn, CPU_DS);
}

BODY(lss)
{
    load_far_pointer(cpu, insn, CPU_SS);
}

BODY(lfs)
{
    load_far_pointer(cpu, insn, CPU_FS);
}

BODY(lgs)
{
    load_far_pointer(cpu, insn, CPU_GS);
}

/* ---- addresses, exchanges ---- */

REGISTER_BODY(lea16_reg_mem)
{
    set_reg16(cpu, insn->reg, (uint16_t)insn_ea(cpu, insn));
}

REGISTER_BODY(lea32_reg_mem)
{
    set_reg32(cpu, insn->reg, (uint32_t)insn_ea(cpu, insn));
}

#define EXCHANGE(bits)                                                                                       \
    REGISTER_BODY(xchg##bits##_rm_reg)                                                                       \
    {                                                                                                        \
        uint##bits##_t value = reg##bits(cpu, insn->rm);                                                     \
        set_reg##bits(cpu, insn->rm, reg##bits(cpu, insn->reg));                                             \
        set_reg##bits(cpu, insn->reg, value);                                                                \
    }                                                                                                        \
    BODY(xchg##bits##_mem_reg)                                                                               \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        uint##bits##_t value =                                                                               \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                   \
        rmw_store##bits(cpu, place, reg##bits(cpu, insn->reg));                                              \
        set_reg##bits(cpu, insn->reg, value);                                                                \
    }                                                                                                        \
    /* The sum goes to the destination last: with one register as both operands the sum stays. */            \
    REGISTER_BODY(xadd##bits##_rm_reg)                                                                       \
    {                                                                                                        \
        uint##bits##_t before = reg##bits(cpu, insn->rm);                                                    \
        uint##bits##_t sum = add##bits(cpu, before, reg##bits(cpu, insn->reg));                              \
        set_reg##bits(cpu, insn->reg, before);                                                               \
        set_reg##bits(cpu, insn->rm, sum);                                                                   \
    }                                                                                                        \
    BODY(xadd##bits##_mem_reg)                                                                               \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        uint##bits##_t before =                                                                              \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                   \
        rmw_store##bits(cpu, place, add##bits(cpu, before, reg##bits(cpu, insn->reg)));                      \
        set_reg##bits(cpu, insn->reg, before);                                                               \
    }                                                                                                        \
    REGISTER_BODY(cmpxchg##bits##_rm_reg)                                                                    \
    {                                                                                                        \
        uint##bits##_t value = reg##bits(cpu, insn->rm);                                                     \
        sub##bits(cpu, acc##bits(cpu), value);                                                               \
        if (flag_zf(cpu))                                                                                    \
            set_reg##bits(cpu, insn->rm, reg##bits(cpu, insn->reg));                                         \
        else                                                                                                 \
            set_acc##bits(cpu, value);                                                                       \
    }                                                                                                        \
    /* The destination is written in either case (SDM 2, CMPXCHG). */                                        \
    BODY(cmpxchg##bits##_mem_reg)                                                                            \
    {                                                                                                        \
        uint8_t *place;                                                                                      \
        uint##bits##_t value =                                                                               \
            (uint##bits##_t)mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                   \
        sub##bits(cpu, acc##bits(cpu), value);                                                               \
        rmw_store##bits(cpu, place, flag_zf(cpu) ? reg##bits(cpu, insn->reg) : value);                       \
        if (!flag_zf(cpu)) set_acc##bits(cpu, value);                                                        \
    }

EXCHANGE(8)
EXCHANGE(16)
EXCHANGE(32)

REGISTER_BODY(xchg16_acc_reg)
{
    uint16_t value = acc16(cpu);
    set_acc16(cpu, reg16(cpu, insn->reg));
    set_reg16(cpu, insn->reg, value);
}

REGISTER_BODY(xchg32_acc_reg)
{
    uint32_t value = acc32(cpu);
    set_acc32(cpu, reg32(cpu, insn->reg));
    set_reg32(cpu, insn->reg, value);
}

BODY(cmpxchg8b)
{
    uint64_t at = insn_ea(cpu, insn);
    mem_probe_write(cpu, insn->segment, at, 8);
    uint64_t value = mem_read64(cpu, insn->segment, at);
    uint64_t expected = (uint64_t)reg32(cpu, CPU_EDX) << 32 | acc32(cpu);
    uint64_t replacement = (uint64_t)reg32(cpu, CPU_ECX) << 32 | reg32(cpu, CPU_EBX);
    bool equal = value == expected;
    mem_write64(cpu, insn->segment, at, equal ? replacement : value);
    flags_set_zf(cpu, equal);
    if (equal) return;
    set_acc32(cpu, (uint32_t)value);
    set_reg32(cpu, CPU_EDX, (uint32_t)(value >> 32));
}

/* With a 16-bit register the result is undefined; processors give 0. */
REGISTER_BODY(bswap)
{
    if (insn->operand_size == 2)
        set_reg16(cpu, insn->reg, 0);
    else
        set_reg32(cpu, insn->reg, __builtin_bswap32(reg32(cpu, insn->reg)));
}

/* ---- extensions ---- */

#define EXTEND(op, to, from, type)                                                                           \
    REGISTER_BODY(op##to##_##from##_rm)                                                                      \
    {                                                                                                        \
        set_reg##to(cpu, insn->reg, (uint##to##_t)(type)reg##from(cpu, insn->rm));                           \
    }                                                                                                        \
    READ_BODY(op##to##_##from##_mem, from)                                                                   \
    {                                                                                                        \
        set_reg##to(cpu, insn->reg, (uint##to##_t)(type)value);                                              \
    }

EXTEND(movzx, 16, 8, uint8_t)
EXTEND(movzx, 32, 8, uint8_t)
EXTEND(movzx, 32, 16, uint16_t)
EXTEND(movsx, 16, 8, int8_t)
EXTEND(movsx, 32, 8, int8_t)
EXTEND(movsx, 32, 16, int16_t)

/* The memory operand is read whether the condition holds or not. */
#define CONDITIONAL_MOVE(bits)                                                                               \
    REGISTER_BODY(cmov##bits##_reg_rm)                                                                       \
    {                                                                                                        \
        if (condition(cpu, insn->opcode)) set_reg##bits(cpu, insn->reg, reg##bits(cpu, insn->rm));           \
    }                                                                                                        \
    READ_BODY(cmov##bits##_reg_mem, bits)                                                                    \
    {                                                                                                        \
        if (condition(cpu, insn->opcode)) set_reg##bits(cpu, insn->reg, value);                              \
    }

CONDITIONAL_MOVE(16)
CONDITIONAL_MOVE(32)

REGISTER_BODY(cbw)
{
    (void)insn;
    set_acc16(cpu, (uint16_t)(int8_t)acc8(cpu));
}

REGISTER_BODY(cwde)
{
    (void)insn;
    set_acc32(cpu, (uint32_t)(int16_t)acc16(cpu));
}

REGISTER_BODY(cwd)
{
    (void)insn;
    set_reg16(cpu, CPU_EDX, acc16(cpu) >> 15 ? 0xffff : 0);
}

REGISTER_BODY(cdq)
{
    (void)insn;
    set_reg32(cpu, CPU_EDX, acc32(cpu) >> 31 ? 0xffffffff : 0);
}

BODY(xlat)
{
    uint64_t at = (cpu->s.gpr[CPU_EBX] + acc8(cpu)) & insn->address_mask;
    set_acc8(cpu, mem_read8(cpu, insn->segment, at));
}

/* ---- BOUND, NOP ---- */

static void check_bounds(struct cpu *cpu, int32_t index, int32_t low, int32_t high)
{
    if (index < low || index > high)
        fault_raise(cpu, &(struct fault){.vector = FAULT_BR, .reason = REASON_BOUND_RANGE});
}

BODY(bound16_mem)
{
    uint64_t at = insn_ea(cpu, insn);
    int16_t low = (int16_t)mem_read16(cpu, insn->segment, at);
    int16_t high = (int16_t)mem_read16(cpu, insn->segment, (at + 2) & insn->address_mask);
    check_bounds(cpu, (int16_t)reg16(cpu, insn->reg), low, high);
}

BODY(bound32_mem)
{
    uint64_t at = insn_ea(cpu, insn);
    int32_t low = (int32_t)mem_read32(cpu, insn->segment, at);
    int32_t high = (int32_t)mem_read32(cpu, insn->segment, (at + 4) & insn->address_mask);
    check_bounds(cpu, (int32_t)reg32(cpu, insn->reg), low, high);
}

/* With F3 it is PAUSE, which is older processors' NOP. */
BODY(nop)
{
    if (unlikely(insn->prefixes & INSN_REP)) pause_start(cpu);
}

/* 0F 1F and its neighbours: the operand is decoded and nothing is done with it. */
REGISTER_BODY(nop_rm)
{
    (void)cpu;
    (void)insn;
}

/* SPDX-License-Identifier: MIT */
/*
 * A comparison and the conditional jump after it, carried out by one body (fused.h). The instructions are those of
 * data_alu.c and control.c; here they only follow each other without a jump of the host, and the condition is asked of
 * flags that are still in registers.
 */
#include "emu/cpu/fused.h"
#include "emu/cpu/alu.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/decode.h"
#include "emu/cpu/operand.h"

/* ---- the first instruction, on flags and registers. False: not done, its plain body has to do it. ---- */

#define FIRST(name) ACCESS_INLINE bool first_##name(struct cpu *cpu, const struct insn *insn)

#define FIRST_REGISTERS(name, op, bits)                                                                      \
    FIRST(name##bits##_rm_reg)                                                                               \
    {                                                                                                        \
        op##bits(cpu, reg##bits(cpu, insn->rm), reg##bits(cpu, insn->reg));                                  \
        return true;                                                                                         \
    }                                                                                                        \
    FIRST(name##bits##_rm_imm)                                                                               \
    {                                                                                                        \
        op##bits(cpu, reg##bits(cpu, insn->rm), (uint##bits##_t)insn->immediate);                            \
        return true;                                                                                         \
    }                                                                                                        \
    FIRST(name##bits##_acc_imm)                                                                              \
    {                                                                                                        \
        op##bits(cpu, acc##bits(cpu), (uint##bits##_t)insn->immediate);                                      \
        return true;                                                                                         \
    }

#define FIRST_MEMORY_IMMEDIATE(name, op, bits)                                                               \
    FIRST(name##bits##_mem_imm)                                                                              \
    {                                                                                                        \
        const uint8_t *place = operand_direct_read(cpu, insn, bits / 8);                                     \
        if (unlikely(!place)) return false;                                                                  \
        op##bits(cpu, (uint##bits##_t)host_load(place, bits / 8), (uint##bits##_t)insn->immediate);          \
        return true;                                                                                         \
    }

FIRST_REGISTERS(cmp, sub, 8)
FIRST_REGISTERS(cmp, sub, 32)
FIRST_REGISTERS(test, and, 8)
FIRST_REGISTERS(test, and, 32)
FIRST_MEMORY_IMMEDIATE(cmp, sub, 8)
FIRST_MEMORY_IMMEDIATE(cmp, sub, 32)
FIRST_MEMORY_IMMEDIATE(test, and, 8)

FIRST(cmp32_reg_rm)
{
    sub32(cpu, reg32(cpu, insn->reg), reg32(cpu, insn->rm));
    return true;
}

FIRST(cmp32_mem_reg)
{
    const uint8_t *place = operand_direct_read(cpu, insn, 4);
    if (unlikely(!place)) return false;
    sub32(cpu, le32_load(place), reg32(cpu, insn->reg));
    return true;
}

FIRST(cmp32_reg_mem)
{
    const uint8_t *place = operand_direct_read(cpu, insn, 4);
    if (unlikely(!place)) return false;
    sub32(cpu, reg32(cpu, insn->reg), le32_load(place));
    return true;
}

FIRST(dec32_reg)
{
    set_reg32(cpu, insn->reg, dec32(cpu, reg32(cpu, insn->reg)));
    return true;
}

FIRST(sub32_rm_imm)
{
    set_reg32(cpu, insn->rm, sub32(cpu, reg32(cpu, insn->rm), (uint32_t)insn->immediate));
    return true;
}

/* ---- the pairs, by condition ---- */

ACCESS_INLINE void jump_after(struct cpu *cpu, const struct insn *insn, insn_body plain, bool done,
                              unsigned code)
{
    if (unlikely(!done))
        plain(cpu, insn);
    else if (condition(cpu, code))
        jump_near(cpu, insn + 1, jump_target(cpu, insn + 1));
    else
        insn_go_on(cpu, insn + 1);
}

#define PAIR(first, code)                                                                                    \
    static void first##_and_jump_##code(struct cpu *cpu, const struct insn *insn)                            \
    {                                                                                                        \
        jump_after(cpu, insn, body_##first, first_##first(cpu, insn), 0x##code);                             \
    }
/* Not those for OF and PF, which hardly ever follow a comparison. */
#define PAIRS(first)                                                                                         \
    PAIR(first, 2)                                                                                           \
    PAIR(first, 3)                                                                                           \
    PAIR(first, 4)                                                                                           \
    PAIR(first, 5)                                                                                           \
    PAIR(first, 6)                                                                                           \
    PAIR(first, 7)                                                                                           \
    PAIR(first, 8)                                                                                           \
    PAIR(first, 9)                                                                                           \
    PAIR(first, c)                                                                                           \
    PAIR(first, d)                                                                                           \
    PAIR(first, e)                                                                                           \
    PAIR(first, f)

#define ROW(first)                                                                                           \
    {                                                                                                        \
        body_##first,                                                                                        \
        {                                                                                                    \
            NULL, NULL, first##_and_jump_2, first##_and_jump_3, first##_and_jump_4, first##_and_jump_5,      \
                first##_and_jump_6, first##_and_jump_7, first##_and_jump_8, first##_and_jump_9, NULL, NULL,  \
                first##_and_jump_c, first##_and_jump_d, first##_and_jump_e, first##_and_jump_f,              \
        }                                                                                                    \
    }

PAIRS(cmp8_rm_reg)
PAIRS(cmp8_rm_imm)
PAIRS(cmp8_acc_imm)
PAIRS(cmp8_mem_imm)
PAIRS(cmp32_rm_reg)
PAIRS(cmp32_reg_rm)
PAIRS(cmp32_rm_imm)
PAIRS(cmp32_acc_imm)
PAIRS(cmp32_mem_imm)
PAIRS(cmp32_mem_reg)
PAIRS(cmp32_reg_mem)
PAIRS(test8_rm_reg)
PAIRS(test8_rm_imm)
PAIRS(test8_acc_imm)
PAIRS(test8_mem_imm)
PAIRS(test32_rm_reg)
PAIRS(dec32_reg)
PAIRS(sub32_rm_imm)

static const struct {
    insn_body first, pair[16];
} rows[] = {
    ROW(cmp8_rm_reg),   ROW(cmp8_rm_imm),  ROW(cmp8_acc_imm),  ROW(cmp8_mem_imm),  ROW(cmp32_rm_reg),
    ROW(cmp32_reg_rm),  ROW(cmp32_rm_imm), ROW(cmp32_acc_imm), ROW(cmp32_mem_imm), ROW(cmp32_mem_reg),
    ROW(cmp32_reg_mem), ROW(test8_rm_reg), ROW(test8_rm_imm),  ROW(test8_acc_imm), ROW(test8_mem_imm),
    ROW(test32_rm_reg), ROW(dec32_reg),    ROW(sub32_rm_imm),
};

void insn_fuse(struct insn *insn)
{
    if (!decode_is_conditional_jump(insn + 1)) return;
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        insn_body pair = rows[i].pair[insn[1].opcode & 15];
        if (insn->body == rows[i].first && pair) insn->body = pair;
    }
}

insn_body insn_unfused(const struct insn *insn)
{
    if (!decode_is_conditional_jump(insn + 1)) return insn->body;
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        for (unsigned code = 0; code < 16; code++) {
            if (insn->body == rows[i].pair[code]) return rows[i].first;
        }
    }
    return insn->body;
}

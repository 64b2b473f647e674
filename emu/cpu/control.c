/* SPDX-License-Identifier: MIT */
/*
 * Near control flow: Jcc JMP CALL RET LOOP JCXZ (SDM 2). Far transfers and interrupts are in transfer.c and
 * interrupt.c. The target is checked against the CS limit before the stack or a counter changes.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/operand.h"

/* A body that may leave its block: it goes on by itself, to one place or the other, and sets cpu->insn where it may
 * fault before that. */
#define JUMP(name) void body_##name(struct cpu *cpu, const struct insn *insn)

static inline __attribute__((always_inline)) void jump_if(struct cpu *cpu, const struct insn *insn,
                                                          bool holds)
{
    if (holds)
        jump_near(cpu, insn, jump_target(cpu, insn));
    else
        insn_go_on(cpu, insn);
}

/* `code` is the condition's number, so that condition() folds to one test. */
#define CONDITIONAL_JUMP(name, code)                                                                         \
    JUMP(name)                                                                                               \
    {                                                                                                        \
        jump_if(cpu, insn, condition(cpu, code));                                                            \
    }

CONDITIONAL_JUMP(jo, 0)
CONDITIONAL_JUMP(jno, 1)
CONDITIONAL_JUMP(jb, 2)
CONDITIONAL_JUMP(jnb, 3)
CONDITIONAL_JUMP(jz, 4)
CONDITIONAL_JUMP(jnz, 5)
CONDITIONAL_JUMP(jbe, 6)
CONDITIONAL_JUMP(jnbe, 7)
CONDITIONAL_JUMP(js, 8)
CONDITIONAL_JUMP(jns, 9)
CONDITIONAL_JUMP(jp, 10)
CONDITIONAL_JUMP(jnp, 11)
CONDITIONAL_JUMP(jl, 12)
CONDITIONAL_JUMP(jnl, 13)
CONDITIONAL_JUMP(jle, 14)
CONDITIONAL_JUMP(jnle, 15)

JUMP(jmp)
{
    jump_near(cpu, insn, jump_target(cpu, insn));
}

static uint32_t register_target(struct cpu *cpu, const struct insn *insn)
{
    return insn->operand_size == 2 ? reg16(cpu, insn->rm) : reg32(cpu, insn->rm);
}

static uint32_t memory_target(struct cpu *cpu, const struct insn *insn)
{
    uint32_t at = insn_ea(cpu, insn);
    return insn->operand_size == 2 ? mem_read16(cpu, insn->segment, at) : mem_read32(cpu, insn->segment, at);
}

JUMP(jmp_rm)
{
    jump_near_indirect(cpu, insn, register_target(cpu, insn));
}

SLOW_BODY(jmp_mem)
{
    cpu->insn = insn;
    jump_near_indirect(cpu, insn, memory_target(cpu, insn));
}

void body_jmp_mem(struct cpu *cpu, const struct insn *insn)
{
    const uint8_t *place = insn->operand_size == 4 ? operand_direct_read(cpu, insn, 4) : NULL;
    if (likely(place))
        jump_near_indirect(cpu, insn, le32_load(place));
    else
        slow_jmp_mem(cpu, insn);
}

/* The usual case first: the stack is plain RAM at hand, and nobody is called (operand.h). */
#define CALL_AND_RETURN(bits)                                                                                \
    static __attribute__((noinline)) void slow_call##bits(struct cpu *cpu, const struct insn *insn,          \
                                                          uint32_t target)                                   \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        jump_check(cpu, target);                                                                             \
        stack_push##bits(cpu, (uint##bits##_t)insn_end_eip(cpu, insn));                                      \
        jump_near(cpu, insn, target);                                                                        \
    }                                                                                                        \
    static inline void call##bits(struct cpu *cpu, const struct insn *insn, uint32_t target)                 \
    {                                                                                                        \
        if (likely(jump_is_within(cpu, target) &&                                                            \
                   stack_push_direct(cpu, insn, bits / 8, (uint##bits##_t)insn_end_eip(cpu, insn))))         \
            jump_near(cpu, insn, target);                                                                    \
        else                                                                                                 \
            slow_call##bits(cpu, insn, target);                                                              \
    }                                                                                                        \
    static __attribute__((noinline)) void slow_ret##bits(struct cpu *cpu, const struct insn *insn,           \
                                                         uint16_t more)                                      \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        uint32_t target = stack_peek##bits(cpu, 0);                                                          \
        jump_check(cpu, target);                                                                             \
        stack_drop(cpu, bits / 8u + more);                                                                   \
        jump_near_indirect(cpu, insn, target);                                                               \
    }                                                                                                        \
    ACCESS_INLINE void ret##bits(struct cpu *cpu, const struct insn *insn, uint16_t more)                    \
    {                                                                                                        \
        const uint8_t *place = stack_direct_read(cpu, insn, bits / 8);                                       \
        uint32_t target = place ? (uint32_t)host_load(place, bits / 8) : 0;                                  \
        if (unlikely(!place || !jump_is_within(cpu, target))) {                                              \
            slow_ret##bits(cpu, insn, more);                                                                 \
            return;                                                                                          \
        }                                                                                                    \
        set_reg32(cpu, CPU_ESP, reg32(cpu, CPU_ESP) + bits / 8u + more);                                     \
        jump_near_indirect(cpu, insn, target);                                                               \
    }                                                                                                        \
    JUMP(call##bits##_near)                                                                                  \
    {                                                                                                        \
        call##bits(cpu, insn, jump_target(cpu, insn));                                                       \
    }                                                                                                        \
    JUMP(call##bits##_rm)                                                                                    \
    {                                                                                                        \
        call##bits(cpu, insn, register_target(cpu, insn));                                                   \
    }                                                                                                        \
    JUMP(call##bits##_mem)                                                                                   \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        call##bits(cpu, insn, memory_target(cpu, insn));                                                     \
    }                                                                                                        \
    JUMP(ret##bits##_near)                                                                                   \
    {                                                                                                        \
        ret##bits(cpu, insn, 0);                                                                             \
    }                                                                                                        \
    JUMP(ret##bits##_imm)                                                                                    \
    {                                                                                                        \
        ret##bits(cpu, insn, (uint16_t)insn->immediate);                                                     \
    }

CALL_AND_RETURN(16)
CALL_AND_RETURN(32)

/* ---- counted jumps: CX or ECX by address size ---- */

static inline void loop_while(struct cpu *cpu, const struct insn *insn, bool holds)
{
    uint64_t mask = insn->address_mask, count = (reg_addr(cpu, CPU_ECX, mask) - 1) & mask;
    uint32_t target = jump_target(cpu, insn);
    bool again = count && holds;
    cpu->insn = insn;
    if (again) jump_check(cpu, target);
    set_reg_addr(cpu, CPU_ECX, mask, count);
    if (again)
        jump_near(cpu, insn, target);
    else
        insn_go_on(cpu, insn);
}

JUMP(loop)
{
    loop_while(cpu, insn, true);
}

JUMP(loope)
{
    loop_while(cpu, insn, flag_zf(cpu));
}

JUMP(loopne)
{
    loop_while(cpu, insn, !flag_zf(cpu));
}

JUMP(jcxz)
{
    jump_if(cpu, insn, !reg_addr(cpu, CPU_ECX, insn->address_mask));
}

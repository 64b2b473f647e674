/* SPDX-License-Identifier: MIT */
/*
 * How one instruction leads to the next. A body's last act is to call the body of the instruction that follows, in
 * tail position, which compilers make a jump: it costs less than returning to the run loop, and is the same where
 * they do not.
 *
 * Within a block that is the next entry (insn_go_on); behind the last one stands body_block_end, which leaves the
 * block. A near jump goes to the block that followed it the last time, if that still is the right one and nothing
 * else is to be done first; else the run loop finds out what comes.
 */
#ifndef EMU_CPU_GO_ON_H
#define EMU_CPU_GO_ON_H

#include "emu/cpu/access.h"
#include "emu/cpu/block.h"

ACCESS_INLINE void insn_go_on(struct cpu *cpu, const struct insn *insn)
{
    insn[1].body(cpu, insn + 1);
}

/* The target of a near jump was beyond the limit: #GP(0). */
_Noreturn void jump_limit_fault(struct cpu *cpu, uint32_t eip);

ACCESS_INLINE bool jump_is_within(const struct cpu *cpu, uint32_t eip)
{
    return eip <= cpu->s.segment[CPU_CS].limit;
}

ACCESS_INLINE void jump_check(struct cpu *cpu, uint32_t eip)
{
    if (unlikely(!jump_is_within(cpu, eip))) jump_limit_fault(cpu, eip);
}

/* Is it the block at that linear address? */
ACCESS_INLINE bool block_fits(const struct cpu *cpu, const struct block *block, uint32_t linear)
{
    return block->linear == linear && block->key == cpu->code_key;
}

/* May all of the block, which begins at `eip`, come right after `insn`? */
ACCESS_INLINE bool block_follows(const struct cpu *cpu, const struct insn *insn, const struct block *block,
                                 uint32_t eip)
{
    return block_fits(cpu, block, (uint32_t)(cpu->code_base + eip)) && !cpu->attention &&
           (uint64_t)eip + block->bytes - 1 <= cpu->s.segment[CPU_CS].limit &&
           cpu->retired_before_block + insn->number + block->count <= cpu->chain_until;
}

/* The rest of a near jump: checks the target, leaves the block. */
void jump_by_run_loop(struct cpu *cpu, const struct insn *insn, uint32_t eip);

ACCESS_INLINE void jump_to_block(struct cpu *cpu, const struct insn *insn, const struct block *block,
                                 uint32_t eip)
{
    if (likely(block_follows(cpu, insn, block, eip))) {
        cpu->retired_before_block += insn->number;
        cpu->block_eip = eip;
        block->insns->body(cpu, block->insns);
    } else {
        jump_by_run_loop(cpu, insn, eip);
    }
}

/* Where a relative jump goes: insn_aim (block.c) has added up what is known. */
ACCESS_INLINE uint32_t jump_target(const struct cpu *cpu, const struct insn *insn)
{
    return (uint32_t)(cpu->block_eip + insn->immediate) & (uint32_t)insn->displacement;
}

/* After `insn` goes on at `eip` in the same code segment; #GP(0) when that is beyond its limit. The row must say
 * ROW_ENDS_BLOCK. */
ACCESS_INLINE void jump_near(struct cpu *cpu, const struct insn *insn, uint32_t eip)
{
    jump_to_block(cpu, insn, insn->next, eip);
}

/* The same for jumps that have many targets. */
ACCESS_INLINE void jump_near_indirect(struct cpu *cpu, const struct insn *insn, uint32_t eip)
{
    jump_to_block(cpu, insn, cpu->blocks->jump[jump_slot((uint32_t)(cpu->code_base + eip))], eip);
}

/*
 * What the files that define bodies write: BODY(name) { the instruction }. REGISTER_BODY is for those that do
 * nothing but compute with registers and flags: they cannot fault and call nobody, so nobody asks during them which
 * instruction is being carried out, and cpu->insn is left as it is.
 */
#define BODY(name)                                                                                           \
    static inline __attribute__((always_inline)) void insn_##name(struct cpu *cpu, const struct insn *insn); \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        insn_##name(cpu, insn);                                                                              \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    static inline __attribute__((always_inline)) void insn_##name(struct cpu *cpu, const struct insn *insn)
#define REGISTER_BODY(name)                                                                                  \
    static inline __attribute__((always_inline)) void insn_##name(struct cpu *cpu, const struct insn *insn); \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        insn_##name(cpu, insn);                                                                              \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    static inline __attribute__((always_inline)) void insn_##name(struct cpu *cpu, const struct insn *insn)

#endif

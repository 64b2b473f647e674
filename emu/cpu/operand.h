/* SPDX-License-Identifier: MIT */
/*
 * Bodies of instructions that access memory once: what their files write instead of BODY (go_on.h).
 *
 *     READ_BODY(name, bits)   { ... value ... }           the operand was read
 *     WRITE_BODY(name, bits)  { return what to write; }
 *     MODIFY_BODY(name, bits) { return f(value); }        read, changed and written
 *
 *     PUSH_BODY(name, bits)   { return what to push; }
 *     POP_BODY(name, bits)    { ... value ... }           was popped; ESP is already moved
 *
 * What they write runs after the check of the access, or before it without changing anything, so that it may change
 * registers and flags. Each becomes two functions: body_NAME is for the usual case, in which the operand is plain
 * RAM at hand (operand_direct_*), nobody is called, and so nothing need be kept for after a call; slow_NAME does the
 * same by the functions of access.h for everything.
 */
#ifndef EMU_CPU_OPERAND_H
#define EMU_CPU_OPERAND_H

#include "emu/cpu/go_on.h"

#define SLOW_BODY(name)                                                                                      \
    static __attribute__((noinline)) void slow_##name(struct cpu *cpu, const struct insn *insn)

/* The linear address of the memory operand. False: its form is none of those for which nothing is to be checked. */
ACCESS_INLINE bool operand_linear(const struct cpu *cpu, const struct insn *insn, uint32_t *linear)
{
    uint32_t base = (uint32_t)cpu->s.gpr[insn->base] + (uint32_t)insn->displacement;
    if (likely(insn->form == FORM_BASE))
        *linear = base;
    else if (likely(insn->form == FORM_INDEXED))
        *linear = base + ((uint32_t)cpu->s.gpr[insn->index] << insn->scale);
    else
        return false;
    return true;
}

/* Host memory at a linear address when it is plain RAM at hand: a TLB hit within one page; else NULL. */
ACCESS_INLINE uint8_t *direct(const struct cpu *cpu, uint32_t linear, unsigned size, bool write)
{
    const struct tlb_entry *entry = tlb_slot(cpu->tlb, linear);
    uint64_t tag = write ? entry->write : entry->read;
    /* In 64 bits: over the end of the address space it is not page 0. */
    if (unlikely(tag != (((uint64_t)linear + size - 1) & ~(uint64_t)(PAGE_BYTES - 1)))) return NULL;
    uint8_t *place = (uint8_t *)(entry->host + linear);
    if (!place) __builtin_unreachable(); /* so that the caller's test is the one above */
    return place;
}

/* Where the operand is when it is plain RAM at hand, else NULL: a flat segment, and a TLB hit. */
ACCESS_INLINE const uint8_t *operand_direct_read(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    uint32_t linear;
    if (unlikely(!operand_linear(cpu, insn, &linear))) return NULL;
    return direct(cpu, linear, size, false);
}

ACCESS_INLINE uint8_t *operand_direct_write(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    uint32_t linear;
    if (unlikely(!operand_linear(cpu, insn, &linear))) return NULL;
    return direct(cpu, linear, size, true);
}

/* The top of the stack, in the same way. */
ACCESS_INLINE const uint8_t *stack_direct_read(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    return likely(insn->form != FORM_ANY) ? direct(cpu, reg32(cpu, CPU_ESP), size, false) : NULL;
}

/* Pushes the value; false: not done, the place is not plain RAM at hand. */
ACCESS_INLINE bool stack_push_direct(struct cpu *cpu, const struct insn *insn, unsigned size, uint64_t value)
{
    if (unlikely(insn->form == FORM_ANY)) return false;
    uint32_t esp = reg32(cpu, CPU_ESP) - size;
    uint8_t *place = direct(cpu, esp, size, true);
    if (unlikely(!place)) return false;
    host_store(place, size, value);
    set_reg32(cpu, CPU_ESP, esp);
    return true;
}

#define READ_BODY(name, bits)                                                                                \
    ACCESS_INLINE void insn_##name(struct cpu *cpu, const struct insn *insn, uint##bits##_t value);          \
    SLOW_BODY(name)                                                                                          \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        insn_##name(cpu, insn, mem_read##bits(cpu, insn->segment, insn_ea(cpu, insn)));                      \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        const uint8_t *place = operand_direct_read(cpu, insn, bits / 8);                                     \
        if (unlikely(!place)) {                                                                              \
            slow_##name(cpu, insn);                                                                          \
            return;                                                                                          \
        }                                                                                                    \
        insn_##name(cpu, insn, (uint##bits##_t)host_load(place, bits / 8));                                  \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    ACCESS_INLINE void insn_##name(struct cpu *cpu, const struct insn *insn, uint##bits##_t value)

#define WRITE_BODY(name, bits)                                                                               \
    ACCESS_INLINE uint##bits##_t insn_##name(const struct cpu *cpu, const struct insn *insn);                \
    SLOW_BODY(name)                                                                                          \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        mem_write##bits(cpu, insn->segment, insn_ea(cpu, insn), insn_##name(cpu, insn));                     \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        uint8_t *place = operand_direct_write(cpu, insn, bits / 8);                                          \
        if (unlikely(!place)) {                                                                              \
            slow_##name(cpu, insn);                                                                          \
            return;                                                                                          \
        }                                                                                                    \
        host_store(place, bits / 8, insn_##name(cpu, insn));                                                 \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    ACCESS_INLINE uint##bits##_t insn_##name(const struct cpu *cpu, const struct insn *insn)

#define MODIFY_BODY(name, bits)                                                                              \
    ACCESS_INLINE uint##bits##_t insn_##name(struct cpu *cpu, const struct insn *insn,                       \
                                             uint##bits##_t value);                                          \
    SLOW_BODY(name)                                                                                          \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        uint8_t *place;                                                                                      \
        uint##bits##_t value = mem_rmw##bits(cpu, insn->segment, insn_ea(cpu, insn), &place);                \
        rmw_store##bits(cpu, place, insn_##name(cpu, insn, value));                                          \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        uint8_t *place = operand_direct_write(cpu, insn, bits / 8);                                          \
        if (unlikely(!place)) {                                                                              \
            slow_##name(cpu, insn);                                                                          \
            return;                                                                                          \
        }                                                                                                    \
        uint##bits##_t value = (uint##bits##_t)host_load(place, bits / 8);                                   \
        host_store(place, bits / 8, insn_##name(cpu, insn, value));                                          \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    ACCESS_INLINE uint##bits##_t insn_##name(struct cpu *cpu, const struct insn *insn, uint##bits##_t value)

#define PUSH_BODY(name, bits)                                                                                \
    ACCESS_INLINE uint##bits##_t insn_##name(const struct cpu *cpu, const struct insn *insn);                \
    SLOW_BODY(name)                                                                                          \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        stack_push##bits(cpu, insn_##name(cpu, insn));                                                       \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        if (unlikely(!stack_push_direct(cpu, insn, bits / 8, insn_##name(cpu, insn)))) {                     \
            slow_##name(cpu, insn);                                                                          \
            return;                                                                                          \
        }                                                                                                    \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    ACCESS_INLINE uint##bits##_t insn_##name(const struct cpu *cpu, const struct insn *insn)

#define POP_BODY(name, bits)                                                                                 \
    ACCESS_INLINE void insn_##name(struct cpu *cpu, const struct insn *insn, uint##bits##_t value);          \
    SLOW_BODY(name)                                                                                          \
    {                                                                                                        \
        cpu->insn = insn;                                                                                    \
        insn_##name(cpu, insn, stack_pop##bits(cpu));                                                        \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    void body_##name(struct cpu *cpu, const struct insn *insn)                                               \
    {                                                                                                        \
        const uint8_t *place = stack_direct_read(cpu, insn, bits / 8);                                       \
        if (unlikely(!place)) {                                                                              \
            slow_##name(cpu, insn);                                                                          \
            return;                                                                                          \
        }                                                                                                    \
        set_reg32(cpu, CPU_ESP, reg32(cpu, CPU_ESP) + bits / 8);                                             \
        insn_##name(cpu, insn, (uint##bits##_t)host_load(place, bits / 8));                                  \
        insn_go_on(cpu, insn);                                                                               \
    }                                                                                                        \
    ACCESS_INLINE void insn_##name(struct cpu *cpu, const struct insn *insn, uint##bits##_t value)

#endif

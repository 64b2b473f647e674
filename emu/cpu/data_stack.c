/* SPDX-License-Identifier: MIT */
/*
 * The stack: PUSH, POP, PUSHA, POPA, ENTER, LEAVE (SDM 2). The stack pointer is ESP or SP by SS.B
 * (cpu->stack_mask); it changes last, after every access that may fault.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/operand.h"

/* ESP moved by `delta` bytes: with a 16-bit stack the upper half stays. */
static uint32_t esp_plus(const struct cpu *cpu, uint32_t esp, int delta)
{
    return (esp & ~cpu->stack_mask) | ((esp + (uint32_t)delta) & cpu->stack_mask);
}

static uint32_t stack_value(struct cpu *cpu, uint32_t esp, unsigned size)
{
    uint32_t at = esp & cpu->stack_mask;
    return size == 2 ? mem_read16(cpu, CPU_SS, at) : mem_read32(cpu, CPU_SS, at);
}

static void stack_put(struct cpu *cpu, uint32_t esp, unsigned size, uint32_t value)
{
    uint32_t at = esp & cpu->stack_mask;
    if (size == 2)
        mem_write16(cpu, CPU_SS, at, (uint16_t)value);
    else
        mem_write32(cpu, CPU_SS, at, value);
}

#define STACK(bits)                                                                                          \
    PUSH_BODY(push##bits##_reg, bits)                                                                        \
    {                                                                                                        \
        return reg##bits(cpu, insn->reg);                                                                    \
    }                                                                                                        \
    PUSH_BODY(push##bits##_rm, bits)                                                                         \
    {                                                                                                        \
        return reg##bits(cpu, insn->rm);                                                                     \
    }                                                                                                        \
    BODY(push##bits##_mem)                                                                                   \
    {                                                                                                        \
        stack_push##bits(cpu, mem_read##bits(cpu, insn->segment, insn_ea(cpu, insn)));                       \
    }                                                                                                        \
    PUSH_BODY(push##bits##_imm, bits)                                                                        \
    {                                                                                                        \
        (void)cpu;                                                                                           \
        return (uint##bits##_t)insn->immediate;                                                              \
    }                                                                                                        \
    /* POP ESP: the popped value wins. */                                                                    \
    POP_BODY(pop##bits##_reg, bits)                                                                          \
    {                                                                                                        \
        set_reg##bits(cpu, insn->reg, value);                                                                \
    }                                                                                                        \
    POP_BODY(pop##bits##_rm, bits)                                                                           \
    {                                                                                                        \
        set_reg##bits(cpu, insn->rm, value);                                                                 \
    }                                                                                                        \
    /* An address that uses ESP as base is computed with ESP already moved (SDM 2, POP). */                  \
    BODY(pop##bits##_mem)                                                                                    \
    {                                                                                                        \
        uint##bits##_t value = (uint##bits##_t)stack_peek##bits(cpu, 0);                                     \
        uint64_t at = insn_ea(cpu, insn);                                                                    \
        if (insn->base == CPU_ESP) at = (at + bits / 8) & insn->address_mask;                                \
        mem_write##bits(cpu, insn->segment, at, value);                                                      \
        stack_drop(cpu, bits / 8);                                                                           \
    }

STACK(16)
STACK(32)

/* Memory that was written before a later push faults is written again on the restart: harmless. */
static void push_all(struct cpu *cpu, unsigned size)
{
    uint32_t esp = reg32(cpu, CPU_ESP);
    for (unsigned n = CPU_EAX; n <= CPU_EDI; n++)
        stack_put(cpu, esp_plus(cpu, esp, -(int)(size * (n + 1))), size, reg32(cpu, n));
    set_reg32(cpu, CPU_ESP, esp_plus(cpu, esp, -(int)(size * 8)));
}

static void pop_all(struct cpu *cpu, unsigned size)
{
    uint32_t esp = reg32(cpu, CPU_ESP), values[8];
    for (unsigned n = 8; n-- > 0;) /* EDI lies lowest and is popped first */
        values[n] = stack_value(cpu, esp_plus(cpu, esp, (int)(size * (7 - n))), size);
    for (unsigned n = 0; n < 8; n++) {
        if (n == CPU_ESP) continue; /* the image's ESP is passed over */
        if (size == 2)
            set_reg16(cpu, n, (uint16_t)values[n]);
        else
            set_reg32(cpu, n, values[n]);
    }
    set_reg32(cpu, CPU_ESP, esp_plus(cpu, esp, (int)(size * 8)));
}

BODY(pusha16_all)
{
    (void)insn;
    push_all(cpu, 2);
}

BODY(pusha32_all)
{
    (void)insn;
    push_all(cpu, 4);
}

BODY(popa16_all)
{
    (void)insn;
    pop_all(cpu, 2);
}

BODY(popa32_all)
{
    (void)insn;
    pop_all(cpu, 4);
}

/* ---- segment registers ---- */

static void push_segment(struct cpu *cpu, const struct insn *insn, unsigned n)
{
    uint16_t selector = cpu->s.segment[n].selector;
    if (insn->operand_size == 2)
        stack_push16(cpu, selector);
    else
        stack_push32(cpu, selector);
}

static void pop_segment(struct cpu *cpu, const struct insn *insn, unsigned n)
{
    /* The whole operand is read, of which the low half counts. The new ESP is worked out before the load: POP SS may
     * change the stack's size. */
    unsigned size = insn->operand_size == 2 ? 2 : 4;
    uint32_t esp = reg32(cpu, CPU_ESP), after = esp_plus(cpu, esp, (int)size);
    segment_load(cpu, n, (uint16_t)stack_value(cpu, esp, size));
    set_reg32(cpu, CPU_ESP, after);
    if (n != CPU_SS) return;
    cpu->s.interrupt_shadow = 2;
    cpu->attention |= ATTENTION_SHADOW;
}

#define PUSH_SEGMENT(name, n)                                                                                \
    BODY(push_##name)                                                                                        \
    {                                                                                                        \
        push_segment(cpu, insn, n);                                                                          \
    }
#define POP_SEGMENT(name, n)                                                                                 \
    BODY(pop_##name)                                                                                         \
    {                                                                                                        \
        pop_segment(cpu, insn, n);                                                                           \
    }

PUSH_SEGMENT(es, CPU_ES)
PUSH_SEGMENT(cs, CPU_CS)
PUSH_SEGMENT(ss, CPU_SS)
PUSH_SEGMENT(ds, CPU_DS)
PUSH_SEGMENT(fs, CPU_FS)
PUSH_SEGMENT(gs, CPU_GS)
POP_SEGMENT(es, CPU_ES)
POP_SEGMENT(ss, CPU_SS)
POP_SEGMENT(ds, CPU_DS)
POP_SEGMENT(fs, CPU_FS)
POP_SEGMENT(gs, CPU_GS)

/* ---- frames ---- */

/* ENTER size, level: the old frame pointer, then the frame pointers of the enclosing levels, then room. */
BODY(enter)
{
    unsigned size = insn->operand_size, level = insn->immediate2 & 31;
    uint32_t esp = esp_plus(cpu, reg32(cpu, CPU_ESP), -(int)size);
    uint32_t ebp = reg32(cpu, CPU_EBP), frame = esp;
    stack_put(cpu, esp, size, ebp);
    for (unsigned i = 1; i < level; i++) {
        ebp = esp_plus(cpu, ebp, -(int)size);
        esp = esp_plus(cpu, esp, -(int)size);
        stack_put(cpu, esp, size, stack_value(cpu, ebp, size));
    }
    if (level) {
        esp = esp_plus(cpu, esp, -(int)size);
        stack_put(cpu, esp, size, frame);
    }
    esp = esp_plus(cpu, esp, -(int)(uint16_t)insn->immediate);
    /* The new top must take a push (SDM 2, ENTER); processors check a whole operand there. */
    mem_probe_write(cpu, CPU_SS, esp & cpu->stack_mask, size);
    if (size == 2)
        set_reg16(cpu, CPU_EBP, (uint16_t)frame);
    else
        set_reg32(cpu, CPU_EBP, frame);
    set_reg32(cpu, CPU_ESP, esp);
}

static void leave(struct cpu *cpu, unsigned size)
{
    uint32_t esp = (reg32(cpu, CPU_ESP) & ~cpu->stack_mask) | (reg32(cpu, CPU_EBP) & cpu->stack_mask);
    uint32_t value = stack_value(cpu, esp, size);
    if (size == 2)
        set_reg16(cpu, CPU_EBP, (uint16_t)value);
    else
        set_reg32(cpu, CPU_EBP, value);
    set_reg32(cpu, CPU_ESP, esp_plus(cpu, esp, (int)size));
}

BODY(leave16_frame)
{
    (void)insn;
    leave(cpu, 2);
}

BODY(leave32_frame)
{
    (void)insn;
    leave(cpu, 4);
}

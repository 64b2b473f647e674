/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: LGDT and its relatives, LLDT, LTR, and the instructions that look at selectors without
 * loading them (LAR, LSL, VERR, VERW, ARPL). SDM 2 by name; SDM 3A, 2.4 and 5.10.
 */
#include "emu/cpu/flags.h"
#include "emu/cpu/segment.h"
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"

static void protected_mode_check(struct cpu *cpu)
{
    if (!cpu_uses_descriptors(cpu)) fault_ud(cpu, REASON_NEEDS_PROTECTED_MODE);
}

/* Stores a selector: 16 bits in memory, zero-extended in a 32-bit register. */
static void operand_store_selector(struct cpu *cpu, const struct insn *insn, uint16_t selector)
{
    if (insn->memory)
        mem_write16(cpu, insn->segment, insn_ea(cpu, insn), selector);
    else if (insn->operand_size == 2)
        set_reg16(cpu, insn->rm, selector);
    else
        set_reg32(cpu, insn->rm, selector);
}

/* ---- GDTR and IDTR ---- */

static uint32_t base_offset(const struct insn *insn, uint32_t ea)
{
    return (ea + 2) & (uint32_t)insn->address_mask;
}

/* With a 16-bit operand size the base has 24 bits. */
static void table_load(struct cpu *cpu, const struct insn *insn, struct cpu_table_state *table)
{
    uint32_t ea = insn_ea(cpu, insn);
    privilege_check_cpl0(cpu);
    uint16_t limit = mem_read16(cpu, insn->segment, ea);
    uint32_t base = mem_read32(cpu, insn->segment, base_offset(insn, ea));
    *table = (struct cpu_table_state){insn->operand_size == 2 ? base & 0xffffff : base, limit};
}

static void table_store(struct cpu *cpu, const struct insn *insn, const struct cpu_table_state *table)
{
    uint32_t ea = insn_ea(cpu, insn), base_at = base_offset(insn, ea);
    mem_probe_write(cpu, insn->segment, base_at, 4);
    mem_write16(cpu, insn->segment, ea, table->limit);
    mem_write32(cpu, insn->segment, base_at, (uint32_t)table->base);
}

BODY(lgdt)
{
    table_load(cpu, insn, &cpu->s.gdtr);
}

BODY(lidt)
{
    table_load(cpu, insn, &cpu->s.idtr);
}

BODY(sgdt)
{
    table_store(cpu, insn, &cpu->s.gdtr);
}

BODY(sidt)
{
    table_store(cpu, insn, &cpu->s.idtr);
}

/* ---- LDTR and TR ---- */

BODY(sldt)
{
    protected_mode_check(cpu);
    operand_store_selector(cpu, insn, cpu->s.ldtr.selector);
}

BODY(str)
{
    protected_mode_check(cpu);
    operand_store_selector(cpu, insn, cpu->s.tr.selector);
}

BODY(lldt)
{
    struct descriptor d;
    protected_mode_check(cpu);
    privilege_check_cpl0(cpu);
    uint16_t selector = operand_rm16(cpu, insn);
    if (selector_null(selector)) {
        cpu->s.ldtr = segment_null(&cpu->s.ldtr, selector);
        return;
    }
    if (selector & 4) fault_selector(cpu, FAULT_GP, selector, REASON_LDT_SELECTOR_LOCAL);
    descriptor_fetch(cpu, selector, FAULT_GP, &d);
    if (descriptor_system_type(&d) != SYSTEM_LDT) descriptor_fault(cpu, FAULT_GP, &d, REASON_LDT_WRONG_TYPE);
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_NP, &d, REASON_LDT_NOT_PRESENT);
    cpu->s.ldtr = segment_from_descriptor(&d, selector);
}

BODY(ltr)
{
    struct descriptor d;
    protected_mode_check(cpu);
    privilege_check_cpl0(cpu);
    uint16_t selector = operand_rm16(cpu, insn);
    if (selector_null(selector)) fault_selector(cpu, FAULT_GP, 0, REASON_TR_NULL);
    if (selector & 4) fault_selector(cpu, FAULT_GP, selector, REASON_TR_SELECTOR_LOCAL);
    descriptor_fetch(cpu, selector, FAULT_GP, &d);
    int type = descriptor_system_type(&d);
    if (type != SYSTEM_TSS16 && type != SYSTEM_TSS32)
        descriptor_fault(cpu, FAULT_GP, &d, REASON_TR_WRONG_TYPE);
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_NP, &d, REASON_TR_NOT_PRESENT);
    d.bytes |= UINT64_C(2) << 40; /* busy */
    system_write8(cpu, (uint32_t)d.entry + 5, (uint8_t)descriptor_access(&d));
    cpu->s.tr = segment_from_descriptor(&d, selector);
}

/* ---- looking at selectors ---- */

/* A descriptor that this CPL and RPL may see; false where the instruction just clears ZF. */
static bool descriptor_visible(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
    if (selector_null(selector) || descriptor_read(cpu, selector, d) != REASON_NONE) return false;
    if (descriptor_is_conforming(d)) return true;
    unsigned dpl = descriptor_dpl(d);
    return dpl >= cpu->s.cpl && dpl >= (selector & 3u);
}

static bool system_type_in(const struct descriptor *d, uint32_t types)
{
    int type = descriptor_system_type(d);
    return type < 0 || (types >> type & 1);
}

static void operand_store_g(struct cpu *cpu, const struct insn *insn, uint32_t value)
{
    if (insn->operand_size == 2)
        set_reg16(cpu, insn->reg, (uint16_t)value);
    else
        set_reg32(cpu, insn->reg, value);
}

BODY(lar)
{
    static const uint32_t types = BIT(SYSTEM_TSS16) | BIT(SYSTEM_LDT) | BIT(SYSTEM_TSS16_BUSY) |
                                  BIT(SYSTEM_CALL_GATE16) | BIT(SYSTEM_TASK_GATE) | BIT(SYSTEM_TSS32) |
                                  BIT(SYSTEM_TSS32_BUSY) | BIT(SYSTEM_CALL_GATE32);
    struct descriptor d;
    protected_mode_check(cpu);
    bool ok = descriptor_visible(cpu, operand_rm16(cpu, insn), &d) && system_type_in(&d, types);
    if (ok) operand_store_g(cpu, insn, d.bytes >> 32 & 0xf0ff00);
    flags_set_zf(cpu, ok);
}

BODY(lsl)
{
    static const uint32_t types = BIT(SYSTEM_TSS16) | BIT(SYSTEM_LDT) | BIT(SYSTEM_TSS16_BUSY) |
                                  BIT(SYSTEM_TSS32) | BIT(SYSTEM_TSS32_BUSY);
    struct descriptor d;
    protected_mode_check(cpu);
    bool ok = descriptor_visible(cpu, operand_rm16(cpu, insn), &d) && system_type_in(&d, types);
    if (ok) operand_store_g(cpu, insn, descriptor_limit(&d));
    flags_set_zf(cpu, ok);
}

BODY(verr)
{
    struct descriptor d;
    protected_mode_check(cpu);
    flags_set_zf(cpu, descriptor_visible(cpu, operand_rm16(cpu, insn), &d) && descriptor_is_readable(&d));
}

BODY(verw)
{
    struct descriptor d;
    protected_mode_check(cpu);
    flags_set_zf(cpu,
                 descriptor_visible(cpu, operand_rm16(cpu, insn), &d) && descriptor_is_writable_data(&d));
}

/* The segment must be writable in any case; the page only when the RPL is raised, as processors have it. */
BODY(arpl)
{
    protected_mode_check(cpu);
    uint32_t at = insn_ea(cpu, insn);
    if (insn->memory && !window_writable(cpu, insn->segment, at, 2))
        mem_window_fault(cpu, insn->segment, at, 2, true);
    uint16_t source = reg16(cpu, insn->reg);
    uint16_t target = insn->memory ? mem_read16(cpu, insn->segment, at) : reg16(cpu, insn->rm);
    bool raise = (target & 3) < (source & 3);
    if (raise) {
        target = (uint16_t)((target & 0xfffc) | (source & 3));
        if (insn->memory)
            mem_write16(cpu, insn->segment, at, target);
        else
            set_reg16(cpu, insn->rm, target);
    }
    flags_set_zf(cpu, raise);
}

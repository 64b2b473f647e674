/* SPDX-License-Identifier: MIT */
/*
 * System instructions: control and debug registers, TLB and cache, HLT, RDTSC. SDM
 * 2 by the instruction's name; control registers: SDM 3A, 2.5.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"

void privilege_check_cpl0(struct cpu *cpu)
{
    if (cpu->s.cpl != 0) fault_gp(cpu, 0, REASON_NEEDS_CPL0);
}

BODY(hlt)
{
    (void)insn;
    privilege_check_cpl0(cpu);
    halt_start(cpu);
}

/* ---- control registers ---- */

/* Bits that are not listed are ignored by CR0; ET is always 1 (SDM 3A, 2.5). */
static const uint32_t cr0_writable =
    CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;

static void cr0_write(struct cpu *cpu, uint32_t value)
{
    if ((value & CR0_PG) && !(value & CR0_PE)) fault_gp(cpu, 0, REASON_CR0_PG_WITHOUT_PE);
    if ((value & CR0_NW) && !(value & CR0_CD)) fault_gp(cpu, 0, REASON_CR0_NW_WITHOUT_CD);
    uint32_t changed = (uint32_t)cpu->s.cr0 ^ ((value & cr0_writable) | CR0_ET);
    if ((changed & (CR0_PG | CR0_CD | CR0_NW)) && (value & CR0_PG) && (cpu->s.cr4 & CR4_PAE))
        paging_load_pdptes(cpu, (uint32_t)cpu->s.cr3);
    cpu->s.cr0 ^= changed;
    if (changed & CR0_PE) segment_derive_all(cpu);
    if (changed & (CR0_PE | CR0_PG | CR0_WP | CR0_AM)) mode_changed(cpu);
}

/* The bits of CR4 that the model has. */
static uint32_t cr4_offered(const struct cpu *cpu)
{
    static const struct {
        uint32_t bits;
        uint64_t feature;
    } rows[] = {
        {CR4_VME | CR4_PVI, FEATURE_VME}, {CR4_TSD, FEATURE_TSC}, {CR4_DE, FEATURE_DE},
        {CR4_PSE, FEATURE_PSE},           {CR4_PAE, FEATURE_PAE}, {CR4_PGE, FEATURE_PGE},
        {CR4_OSFXSR, FEATURE_FXSR},
    };
    uint32_t offered = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (cpu_model_has(&cpu->model, rows[i].feature)) offered |= rows[i].bits;
    return offered;
}

static void cr4_write(struct cpu *cpu, uint32_t value)
{
    uint32_t offered = cr4_offered(cpu);
    if (value & ~offered) {
        struct fault fault = {.vector = FAULT_GP,
                              .has_error = true,
                              .reason = REASON_CR4_RESERVED,
                              .address = value & ~offered};
        fault_raise(cpu, &fault);
    }
    uint32_t changed = (uint32_t)cpu->s.cr4 ^ value;
    if ((changed & (CR4_PAE | CR4_PGE | CR4_PSE)) && (value & CR4_PAE) && (cpu->s.cr0 & CR0_PG))
        paging_load_pdptes(cpu, (uint32_t)cpu->s.cr3);
    cpu->s.cr4 = value;
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE)) mode_changed(cpu);
    if (changed & CR4_DE) debug_registers_changed(cpu);
}

BODY(mov_from_cr)
{
    uint64_t value;
    switch (insn->reg) {
    case 0: value = cpu->s.cr0; break;
    case 2: value = cpu->s.cr2; break;
    case 3: value = cpu->s.cr3; break;
    case 4: value = cpu->s.cr4; break;
    default: fault_ud(cpu, REASON_CR_UNDEFINED);
    }
    privilege_check_cpl0(cpu);
    set_reg32(cpu, insn->rm, (uint32_t)value);
}

BODY(mov_to_cr)
{
    uint32_t value = reg32(cpu, insn->rm);
    if (insn->reg == 1 || insn->reg > 4) fault_ud(cpu, REASON_CR_UNDEFINED);
    privilege_check_cpl0(cpu);
    switch (insn->reg) {
    case 0: cr0_write(cpu, value); break;
    case 2: cpu->s.cr2 = value; break;
    case 3: paging_load_cr3(cpu, value); break;
    default: cr4_write(cpu, value); break;
    }
}

BODY(clts)
{
    (void)insn;
    privilege_check_cpl0(cpu);
    cpu->s.cr0 &= ~(uint64_t)CR0_TS;
}

BODY(smsw)
{
    if (insn->memory)
        mem_write16(cpu, insn->segment, insn_ea(cpu, insn), (uint16_t)cpu->s.cr0);
    else if (insn->operand_size == 2)
        set_reg16(cpu, insn->rm, (uint16_t)cpu->s.cr0);
    else
        set_reg32(cpu, insn->rm, (uint32_t)cpu->s.cr0);
}

/* PE can be set but not cleared. */
BODY(lmsw)
{
    static const uint32_t loaded = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    privilege_check_cpl0(cpu);
    uint32_t value = operand_rm16(cpu, insn);
    uint32_t kept = (uint32_t)cpu->s.cr0 & ~(loaded & ~(uint32_t)CR0_PE);
    cr0_write(cpu, kept | (value & loaded));
}

/* ---- debug registers ---- */

/* DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE is set (SDM 3B, 17.2.2). */
static unsigned debug_register(struct cpu *cpu, unsigned n)
{
    if ((n == 4 || n == 5) && (cpu->s.cr4 & CR4_DE)) fault_ud(cpu, REASON_DR4_DR5_WITH_DE);
    privilege_check_cpl0(cpu);
    debug_general_detect(cpu);
    return n == 4 || n == 5 ? n + 2 : n;
}

BODY(mov_from_dr)
{
    unsigned n = debug_register(cpu, insn->reg);
    set_reg32(cpu, insn->rm, (uint32_t)cpu->s.dr[n]);
}

BODY(mov_to_dr)
{
    unsigned n = debug_register(cpu, insn->reg);
    debug_register_write(cpu, n, reg32(cpu, insn->rm));
}

/* ---- TLB, caches, time ---- */

BODY(invlpg)
{
    privilege_check_cpl0(cpu);
    tlb_flush_page(cpu, (uint32_t)(cpu->s.segment[insn->segment].base + insn_ea(cpu, insn)));
}

/* There are no caches to write back or to lose. */
BODY(invd)
{
    (void)insn;
    privilege_check_cpl0(cpu);
}

BODY(wbinvd)
{
    insn_invd(cpu, insn);
}

BODY(rdtsc)
{
    (void)insn;
    if ((cpu->s.cr4 & CR4_TSD) && cpu->s.cpl != 0) fault_gp(cpu, 0, REASON_TSC_DISABLED);
    uint64_t tsc = tsc_read(cpu);
    set_reg32(cpu, CPU_EAX, (uint32_t)tsc);
    set_reg32(cpu, CPU_EDX, (uint32_t)(tsc >> 32));
}

BODY(absent)
{
    (void)insn;
    fault_ud(cpu, REASON_OPCODE_NOT_ON_THIS_CPU);
}

BODY(ud)
{
    (void)insn;
    fault_ud(cpu, REASON_UD_ON_PURPOSE);
}

BODY(rsm)
{
    (void)insn;
    fault_ud(cpu, REASON_RSM_OUTSIDE_SMM);
}

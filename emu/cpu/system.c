/* SPDX-License-Identifier: MIT */
/*
 * System instructions: flags that need privilege, control and debug registers, TLB and cache, HLT, RDTSC. SDM
 * 2 by the instruction's name; control registers: SDM 3A, 2.5.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"
#include "emu/cpu/transfer.h"

void privilege_check_cpl0(struct cpu *cpu)
{
    if (cpu->s.cpl != 0) fault_gp(cpu, 0, REASON_NEEDS_CPL0);
}

static bool iopl_allows(const struct cpu *cpu)
{
    return !cpu_protected(cpu) || cpu->s.cpl <= (cpu->s.eflags >> 12 & 3);
}

/* ---- flags ---- */

void body_pushf(struct cpu *cpu, const struct insn *insn)
{
    uint32_t image = flags_compose(cpu) & ~(uint32_t)(FLAG_VM | FLAG_RF);
    if (insn->operand_size == 2)
        stack_push16(cpu, (uint16_t)image);
    else
        stack_push32(cpu, image);
}

/* VM, VIF and VIP stay; RF is cleared. */
void body_popf(struct cpu *cpu, const struct insn *insn)
{
    uint32_t mask = FLAG_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID;
    if (cpu->s.cpl == 0) mask |= FLAG_IOPL;
    if (iopl_allows(cpu)) mask |= FLAG_IF;
    uint32_t value;
    if (insn->operand_size == 2) {
        value = stack_pop16(cpu);
        mask &= 0xffff;
    } else {
        value = stack_pop32(cpu);
    }
    eflags_change(cpu, value & ~(uint32_t)FLAG_RF, mask | FLAG_RF);
}

void body_cli(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    if (!iopl_allows(cpu)) fault_gp(cpu, 0, REASON_NEEDS_IOPL);
    cpu->s.eflags &= ~(uint64_t)FLAG_IF;
}

void body_sti(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    if (!iopl_allows(cpu)) fault_gp(cpu, 0, REASON_NEEDS_IOPL);
    if (cpu->s.eflags & FLAG_IF) return;
    cpu->s.eflags |= FLAG_IF;
    cpu->s.interrupt_shadow = 1;
    cpu->attention |= ATTENTION_SHADOW;
    interrupt_recheck(cpu);
}

void body_hlt(struct cpu *cpu, const struct insn *insn)
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
    cpu->s.cr0 ^= changed;
    if (changed & CR0_PE) segment_derive_all(cpu);
    if (changed & (CR0_PE | CR0_PG | CR0_WP | CR0_AM)) mode_changed(cpu);
}

static void cr4_write(struct cpu *cpu, uint32_t value)
{
    static const uint32_t offered = CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_OSFXSR;
    if (value & ~offered) {
        struct fault fault = {.vector = FAULT_GP,
                              .has_error = true,
                              .reason = REASON_CR4_RESERVED,
                              .address = value & ~offered};
        fault_raise(cpu, &fault);
    }
    uint32_t changed = (uint32_t)cpu->s.cr4 ^ value;
    cpu->s.cr4 = value;
    if (changed & (CR4_PSE | CR4_PGE)) mode_changed(cpu);
    if (changed & CR4_DE) debug_registers_changed(cpu);
}

void body_mov_from_cr(struct cpu *cpu, const struct insn *insn)
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

void body_mov_to_cr(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value = reg32(cpu, insn->rm);
    if (insn->reg == 1 || insn->reg > 4) fault_ud(cpu, REASON_CR_UNDEFINED);
    privilege_check_cpl0(cpu);
    switch (insn->reg) {
    case 0: cr0_write(cpu, value); break;
    case 2: cpu->s.cr2 = value; break;
    case 3:
        cpu->s.cr3 = value;
        tlb_flush(cpu, false);
        break;
    default: cr4_write(cpu, value); break;
    }
}

void body_clts(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    privilege_check_cpl0(cpu);
    cpu->s.cr0 &= ~(uint64_t)CR0_TS;
}

void body_smsw(struct cpu *cpu, const struct insn *insn)
{
    if (insn->memory)
        mem_write16(cpu, insn->segment, insn_ea(cpu, insn), (uint16_t)cpu->s.cr0);
    else if (insn->operand_size == 2)
        set_reg16(cpu, insn->rm, (uint16_t)cpu->s.cr0);
    else
        set_reg32(cpu, insn->rm, (uint32_t)cpu->s.cr0);
}

/* PE can be set but not cleared. */
void body_lmsw(struct cpu *cpu, const struct insn *insn)
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

void body_mov_from_dr(struct cpu *cpu, const struct insn *insn)
{
    unsigned n = debug_register(cpu, insn->reg);
    set_reg32(cpu, insn->rm, (uint32_t)cpu->s.dr[n]);
}

void body_mov_to_dr(struct cpu *cpu, const struct insn *insn)
{
    unsigned n = debug_register(cpu, insn->reg);
    debug_register_write(cpu, n, reg32(cpu, insn->rm));
}

/* ---- TLB, caches, time ---- */

void body_invlpg(struct cpu *cpu, const struct insn *insn)
{
    privilege_check_cpl0(cpu);
    tlb_flush_page(cpu, (uint32_t)(cpu->s.segment[insn->segment].base + insn_ea(cpu, insn)));
}

/* There are no caches to write back or to lose. */
void body_invd(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    privilege_check_cpl0(cpu);
}

void body_wbinvd(struct cpu *cpu, const struct insn *insn)
{
    body_invd(cpu, insn);
}

void body_rdtsc(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    if ((cpu->s.cr4 & CR4_TSD) && cpu->s.cpl != 0) fault_gp(cpu, 0, REASON_TSC_DISABLED);
    uint64_t tsc = tsc_read(cpu);
    set_reg32(cpu, CPU_EAX, (uint32_t)tsc);
    set_reg32(cpu, CPU_EDX, (uint32_t)(tsc >> 32));
}

void body_rdpmc(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    fault_ud(cpu, REASON_OPCODE_NOT_ON_THIS_CPU);
}

void body_ud(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    fault_ud(cpu, REASON_UD_ON_PURPOSE);
}

void body_rsm(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    fault_ud(cpu, REASON_RSM_OUTSIDE_SMM);
}

/* SPDX-License-Identifier: MIT */
/* EFLAGS and privilege (eflags.h). SDM 2, PUSHF, POPF, CLI, STI. */
#include "emu/cpu/eflags.h"
#include "emu/cpu/access.h"
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"

void eflags_change(struct cpu *cpu, uint32_t value, uint32_t mask)
{
    uint32_t before = (uint32_t)cpu->s.eflags, others = mask & ~(uint32_t)FLAG_ARITHMETIC;
    if (mask & FLAG_ARITHMETIC) flags_load_arithmetic(cpu, (flags_compose(cpu) & ~mask) | (value & mask));
    cpu->s.eflags = (before & ~others) | (value & others) | 2;
    if ((before ^ (uint32_t)cpu->s.eflags) & FLAG_AC) mode_changed(cpu);
    interrupt_recheck(cpu);
}

uint32_t eflags_defined(const struct cpu *cpu)
{
    uint32_t defined = FLAG_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF |
                       FLAG_VM | FLAG_AC | FLAG_ID;
    return cpu_model_has(&cpu->model, FEATURE_VME) ? defined | FLAG_VIF | FLAG_VIP : defined;
}

static bool iopl_allows(const struct cpu *cpu)
{
    return !cpu_protected(cpu) || cpu->s.cpl <= eflags_iopl(cpu);
}

/* ---- the virtual interrupt flag ---- */

/* IOPL does not allow IF, and CR4 gives VIF in its place: VME in virtual-8086 mode, PVI at CPL 3. */
static bool if_is_virtual(const struct cpu *cpu)
{
    if (iopl_allows(cpu) || cpu->s.cpl != 3) return false;
    return cpu->s.cr4 & (cpu_v86(cpu) ? CR4_VME : CR4_PVI);
}

void eflags_check_iopl_v86(struct cpu *cpu, unsigned size)
{
    if (eflags_iopl(cpu) == 3) return;
    if (!(cpu->s.cr4 & CR4_VME) || size != 2) fault_gp(cpu, 0, REASON_V86_IOPL);
}

uint32_t eflags_image_v86(const struct cpu *cpu)
{
    uint32_t image = flags_compose(cpu) & 0xffff;
    if (eflags_iopl(cpu) == 3) return image;
    image &= ~(uint32_t)FLAG_IF;
    return image | FLAG_IOPL | (cpu->s.eflags & FLAG_VIF ? (uint32_t)FLAG_IF : 0);
}

void eflags_check_v86(struct cpu *cpu, uint32_t image)
{
    if (eflags_iopl(cpu) == 3) return;
    bool interrupt = (image & FLAG_IF) && (cpu->s.eflags & FLAG_VIP);
    if (interrupt || (image & FLAG_TF)) fault_gp(cpu, 0, REASON_V86_FLAGS);
}

void eflags_load_v86(struct cpu *cpu, uint32_t image)
{
    uint32_t mask = FLAG_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT;
    if (eflags_iopl(cpu) == 3) {
        eflags_change(cpu, image, mask | FLAG_IF);
        return;
    }
    eflags_change(cpu, image & FLAG_IF ? image | FLAG_VIF : image, mask | FLAG_VIF);
}

/* ---- PUSHF and POPF ---- */

BODY(pushf)
{
    uint32_t image = flags_compose(cpu) & ~(uint32_t)(FLAG_VM | FLAG_RF);
    if (cpu_v86(cpu)) {
        eflags_check_iopl_v86(cpu, insn->operand_size);
        if (insn->operand_size == 2) image = eflags_image_v86(cpu);
    }
    if (insn->operand_size == 2)
        stack_push16(cpu, (uint16_t)image);
    else
        stack_push32(cpu, image);
}

static void popf_v86(struct cpu *cpu)
{
    uint32_t image = stack_peek16(cpu, 0);
    eflags_check_v86(cpu, image);
    stack_drop(cpu, 2);
    eflags_load_v86(cpu, image);
}

/* VM, VIF and VIP stay; RF is cleared. */
BODY(popf)
{
    uint32_t mask = FLAG_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID;
    if (cpu->s.cpl == 0) mask |= FLAG_IOPL;
    if (iopl_allows(cpu)) mask |= FLAG_IF;
    if (cpu_v86(cpu)) {
        eflags_check_iopl_v86(cpu, insn->operand_size);
        if (insn->operand_size == 2) {
            popf_v86(cpu);
            return;
        }
    }
    uint32_t value;
    if (insn->operand_size == 2) {
        value = stack_pop16(cpu);
        mask &= 0xffff;
    } else {
        value = stack_pop32(cpu);
    }
    eflags_change(cpu, value & ~(uint32_t)FLAG_RF, mask | FLAG_RF);
}

/* ---- CLI and STI ---- */

BODY(cli)
{
    (void)insn;
    if (if_is_virtual(cpu)) {
        cpu->s.eflags &= ~(uint64_t)FLAG_VIF;
        return;
    }
    if (!iopl_allows(cpu)) fault_gp(cpu, 0, REASON_NEEDS_IOPL);
    cpu->s.eflags &= ~(uint64_t)FLAG_IF;
}

BODY(sti)
{
    (void)insn;
    if (if_is_virtual(cpu)) {
        if (cpu->s.eflags & FLAG_VIP) fault_gp(cpu, 0, REASON_VIRTUAL_INTERRUPT_PENDING);
        cpu->s.eflags |= FLAG_VIF;
        return;
    }
    if (!iopl_allows(cpu)) fault_gp(cpu, 0, REASON_NEEDS_IOPL);
    if (cpu->s.eflags & FLAG_IF) return;
    cpu->s.eflags |= FLAG_IF;
    cpu->s.interrupt_shadow = 1;
    cpu->attention |= ATTENTION_SHADOW;
    interrupt_recheck(cpu);
}

/* SPDX-License-Identifier: MIT */
/*
 * Far returns: RET between segments and IRET, to the same or an outer privilege level; SYSENTER and SYSEXIT,
 * which are their fast relatives. SDM 2, RET, IRET/IRETD, SYSENTER, SYSEXIT; SDM 3A, 5.8.6 and 6.12.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/eflags.h"
#include "emu/cpu/system_bodies.h"
#include "emu/cpu/task.h"
#include "emu/cpu/transfer.h"
#include "emu/cpu/v86.h"

static uint32_t stack_peek(struct cpu *cpu, unsigned size, uint32_t byte_offset)
{
    return size == 4 ? stack_peek32(cpu, byte_offset) : stack_peek16(cpu, byte_offset);
}

/* `count` items from `byte_offset` on; at once where they lie in one piece of RAM. */
static void stack_peek_all(struct cpu *cpu, unsigned size, uint32_t byte_offset, uint32_t *items,
                           unsigned count)
{
    uint32_t offset = stack_offset(cpu, byte_offset), bytes = count * size;
    bool one_piece = size == 4 && offset <= cpu->stack_mask - (bytes - 1);
    const uint8_t *from = one_piece ? mem_direct_read(cpu, CPU_SS, offset, bytes) : NULL;
    for (unsigned i = 0; i < count; i++)
        items[i] = from ? le32_load(from + 4 * i) : stack_peek(cpu, size, byte_offset + i * size);
}

/* What a return takes from the stack. */
struct return_frame {
    unsigned size;     /* of an item, 2 or 4 */
    unsigned taken;    /* bytes below SS:ESP of an outer level: EIP, CS, EFLAGS and parameters */
    unsigned released; /* parameters of RET n, dropped from the outer stack too */
    uint32_t eip;
    uint16_t cs;
};

static void return_code_fetch(struct cpu *cpu, const struct return_frame *frame, struct descriptor *code)
{
    unsigned rpl = frame->cs & 3;
    if (selector_null(frame->cs)) fault_selector(cpu, FAULT_GP, 0, REASON_CS_NULL);
    descriptor_fetch(cpu, frame->cs, FAULT_GP, code);
    if (!descriptor_is_code(code)) descriptor_fault(cpu, FAULT_GP, code, REASON_CS_NOT_CODE);
    if (rpl < cpu->s.cpl) descriptor_fault(cpu, FAULT_GP, code, REASON_RETURN_RPL);
    if (descriptor_is_conforming(code)) {
        if (descriptor_dpl(code) > rpl) descriptor_fault(cpu, FAULT_GP, code, REASON_RETURN_CONFORMING_DPL);
    } else if (descriptor_dpl(code) != rpl) {
        descriptor_fault(cpu, FAULT_GP, code, REASON_RETURN_DPL);
    }
    if (!descriptor_present(code)) descriptor_fault(cpu, FAULT_NP, code, REASON_CS_NOT_PRESENT);
}

static void return_stack_fetch(struct cpu *cpu, uint16_t selector, unsigned level, struct descriptor *d)
{
    if (selector_null(selector)) fault_selector(cpu, FAULT_GP, 0, REASON_SS_NULL);
    descriptor_fetch(cpu, selector, FAULT_GP, d);
    enum fault_reason reason = stack_segment_check(d, level);
    if (reason != REASON_NONE) descriptor_fault(cpu, FAULT_GP, d, reason);
    if (!descriptor_present(d)) descriptor_fault(cpu, FAULT_SS, d, REASON_SS_NOT_PRESENT);
}

/* An outer level must not inherit segments that it could not have loaded (SDM 3A, 5.8.6). */
static void inner_segments_drop(struct cpu *cpu)
{
    static const uint8_t data_registers[] = {CPU_ES, CPU_FS, CPU_GS, CPU_DS};
    for (unsigned i = 0; i < ARRAY_COUNT(data_registers); i++) {
        const struct cpu_segment_state *old = &cpu->s.segment[data_registers[i]];
        bool conforming =
            (old->access & (ACCESS_CODE | ACCESS_CONFORMING)) == (ACCESS_CODE | ACCESS_CONFORMING);
        if (conforming || access_dpl(old->access) >= cpu->s.cpl) continue;
        struct cpu_segment_state null = segment_null(old, 0);
        segment_commit(cpu, data_registers[i], &null);
    }
}

static void return_outward(struct cpu *cpu, const struct return_frame *frame, struct descriptor *code)
{
    struct descriptor stack;
    unsigned level = frame->cs & 3;
    uint32_t outer[2]; /* ESP and SS */
    stack_peek_all(cpu, frame->size, frame->taken, outer, ARRAY_COUNT(outer));
    uint32_t esp = outer[0] + frame->released;
    uint16_t ss = (uint16_t)outer[1];
    return_stack_fetch(cpu, ss, level, &stack);
    code_limit_check(cpu, code, frame->eip);
    descriptor_mark_accessed(cpu, &stack);
    descriptor_mark_accessed(cpu, code);

    code_enter(cpu, code, frame->eip, level);
    struct cpu_segment_state state = segment_from_descriptor(&stack, ss);
    segment_commit(cpu, CPU_SS, &state);
    if (frame->size == 2) esp &= 0xffff;
    stack_set(cpu, esp); /* with a 16-bit stack the upper half of ESP stays, as on hardware */
    inner_segments_drop(cpu);
}

static void return_same_level(struct cpu *cpu, const struct return_frame *frame, struct descriptor *code)
{
    code_limit_check(cpu, code, frame->eip);
    descriptor_mark_accessed(cpu, code);
    stack_drop(cpu, frame->taken);
    code_enter(cpu, code, frame->eip, cpu->s.cpl);
}

/* ---- RET ---- */

static void far_return(struct cpu *cpu, const struct insn *insn, unsigned released)
{
    unsigned size = insn->operand_size;
    struct return_frame frame = {.size = size, .taken = 2 * size + released, .released = released};
    frame.eip = stack_peek(cpu, size, 0);
    frame.cs = (uint16_t)stack_peek(cpu, size, size);
    if (!cpu_uses_descriptors(cpu)) {
        code_limit_check_current(cpu, frame.eip);
        stack_drop(cpu, frame.taken);
        code_enter_8086(cpu, frame.cs, frame.eip);
        return;
    }
    struct descriptor code;
    return_code_fetch(cpu, &frame, &code);
    if ((frame.cs & 3) > cpu->s.cpl)
        return_outward(cpu, &frame, &code);
    else
        return_same_level(cpu, &frame, &code);
}

BODY(far_ret)
{
    far_return(cpu, insn, 0);
}

BODY(far_ret_imm)
{
    far_return(cpu, insn, insn->immediate & 0xffff);
}

/* ---- IRET ---- */

/* The bits of EFLAGS that IRET loads at this privilege level; VM is v86_enter's business. */
static uint32_t iret_flags_mask(const struct cpu *cpu, unsigned size)
{
    uint32_t mask = FLAG_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID;
    if (!cpu_protected(cpu) || cpu->s.cpl <= eflags_iopl(cpu)) mask |= FLAG_IF;
    if (cpu->s.cpl == 0) mask |= FLAG_IOPL;
    if (cpu->s.cpl == 0 && cpu_protected(cpu)) mask |= FLAG_VIF | FLAG_VIP;
    mask &= eflags_defined(cpu);
    return size == 2 ? mask & 0xffff : mask;
}

static void iret_protected(struct cpu *cpu, struct return_frame *frame, uint32_t eflags)
{
    struct descriptor code;
    uint32_t mask = iret_flags_mask(cpu, frame->size);
    return_code_fetch(cpu, frame, &code);
    if ((frame->cs & 3) > cpu->s.cpl)
        return_outward(cpu, frame, &code);
    else
        return_same_level(cpu, frame, &code);
    eflags_change(cpu, eflags, mask);
}

/* In real mode; in virtual-8086 mode too, where a 16-bit IRET goes by the virtual interrupt flag if IOPL is below 3. */
static void iret_8086(struct cpu *cpu, const struct return_frame *frame, uint32_t eflags)
{
    uint32_t mask = iret_flags_mask(cpu, frame->size);
    bool by_vif = cpu_v86(cpu) && frame->size == 2;
    if (by_vif) eflags_check_v86(cpu, eflags);
    code_limit_check_current(cpu, frame->eip);
    stack_drop(cpu, frame->taken);
    code_enter_8086(cpu, frame->cs, frame->eip);
    if (by_vif)
        eflags_load_v86(cpu, eflags);
    else
        eflags_change(cpu, eflags, mask);
}

BODY(iret)
{
    unsigned size = insn->operand_size;
    struct return_frame frame = {.size = size, .taken = 3 * size};
    cpu->s.nmi_blocked = false; /* even when it faults (SDM 3A, 6.7.1) */
    if (cpu_v86(cpu)) eflags_check_iopl_v86(cpu, size);
    if (cpu_uses_descriptors(cpu) && (cpu->s.eflags & FLAG_NT)) {
        task_return(cpu);
        return;
    }
    uint32_t items[3]; /* EIP, CS and EFLAGS */
    stack_peek_all(cpu, size, 0, items, ARRAY_COUNT(items));
    frame.eip = items[0];
    frame.cs = (uint16_t)items[1];
    uint32_t eflags = items[2];
    if (!cpu_uses_descriptors(cpu))
        iret_8086(cpu, &frame, eflags);
    else if ((eflags & FLAG_VM) && size == 4 && cpu->s.cpl == 0)
        v86_enter(cpu);
    else
        iret_protected(cpu, &frame, eflags);
}

/* ---- SYSENTER and SYSEXIT ---- */

static struct cpu_segment_state flat_segment(uint16_t selector, uint16_t access)
{
    access |= ACCESS_BIG | ACCESS_PAGES | ACCESS_PRESENT | ACCESS_SEGMENT | ACCESS_WRITABLE | ACCESS_ACCESSED;
    return (struct cpu_segment_state){selector, (uint16_t)(access | (selector & 3) << 5), 0xffffffff, 0};
}

/* Flat code at `selector` and a flat stack behind it, without looking at the tables. */
static void fast_enter(struct cpu *cpu, uint16_t selector, uint32_t eip, uint32_t esp)
{
    struct cpu_segment_state cs = flat_segment(selector, ACCESS_CODE);
    struct cpu_segment_state ss = flat_segment((uint16_t)(selector + 8), 0);
    code_segment_commit(cpu, &cs, selector & 3);
    segment_commit(cpu, CPU_SS, &ss);
    set_reg32(cpu, CPU_ESP, esp);
    cpu->s.eip = eip;
    cpu->next_eip_set = true;
}

BODY(sysenter)
{
    (void)insn;
    uint16_t cs = cpu->s.msr_sysenter_cs & 0xfffc;
    if (!cpu_protected(cpu)) fault_gp(cpu, 0, REASON_NEEDS_PROTECTED_MODE);
    if (!cs) fault_gp(cpu, 0, REASON_SYSENTER_CS_NULL);
    eflags_change(cpu, 0, FLAG_VM | FLAG_IF | FLAG_RF);
    fast_enter(cpu, cs, (uint32_t)cpu->s.msr_sysenter_eip, (uint32_t)cpu->s.msr_sysenter_esp);
}

BODY(sysexit)
{
    (void)insn;
    uint16_t cs = cpu->s.msr_sysenter_cs & 0xfffc;
    if (!cpu_protected(cpu)) fault_gp(cpu, 0, REASON_NEEDS_PROTECTED_MODE);
    if (cpu->s.cpl != 0) fault_gp(cpu, 0, REASON_NEEDS_CPL0);
    if (!cs) fault_gp(cpu, 0, REASON_SYSENTER_CS_NULL);
    fast_enter(cpu, (uint16_t)((cs + 16) | 3), reg32(cpu, CPU_EDX), reg32(cpu, CPU_ECX));
}

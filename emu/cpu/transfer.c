/* SPDX-License-Identifier: MIT */
/*
 * Far transfers: JMP, CALL and RET between segments, call gates, IRET, SYSENTER and SYSEXIT. The order of the
 * checks is that of the pseudo-code in SDM 2; the rules are in SDM 3A, 5.8. Task switches are in task.c.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/system_bodies.h"
#include "emu/cpu/task.h"
#include "emu/cpu/transfer.h"

/* ---- stacks ---- */

void stack_frame_current(struct cpu *cpu, struct stack_frame *frame)
{
    frame->ss = cpu->s.segment[CPU_SS];
    frame->window = cpu->window[CPU_SS];
    frame->mask = cpu->stack_mask;
    frame->esp = reg32(cpu, CPU_ESP);
    frame->user = cpu->s.cpl == 3;
}

/* SS and ESP of a privilege level: offsets 2 + 4n in a 16-bit TSS, 4 + 8n in a 32-bit one (SDM 3A, figures
 * 7-2, 7-10). */
static uint16_t tss_stack(struct cpu *cpu, unsigned level, uint32_t *esp)
{
    const struct cpu_segment_state *tr = &cpu->s.tr;
    bool wide = tr->access & 8;
    uint32_t offset = wide ? 4 + 8 * level : 2 + 4 * level, last = offset + (wide ? 5 : 3);
    uint32_t linear = (uint32_t)tr->base + offset;
    if (last > tr->limit) {
        struct fault fault = {.vector = FAULT_TS,
                              .has_error = true,
                              .error = tr->selector & 0xfffc,
                              .reason = REASON_TSS_STACK_BEYOND_LIMIT,
                              .selector = tr->selector,
                              .address = last,
                              .entry = linear,
                              .descriptor = tr->limit};
        fault_raise(cpu, &fault);
    }
    *esp = wide ? system_read32(cpu, linear) : system_read16(cpu, linear);
    return system_read16(cpu, linear + (wide ? 4 : 2));
}

static enum fault_reason tss_reason(enum fault_reason reason)
{
    switch (reason) {
    case REASON_SS_RPL: return REASON_TSS_SS_RPL;
    case REASON_SS_DPL: return REASON_TSS_SS_DPL;
    default: return REASON_TSS_SS_NOT_WRITABLE;
    }
}

void stack_frame_inner(struct cpu *cpu, unsigned level, struct stack_frame *frame)
{
    struct descriptor d;
    uint32_t esp;
    uint16_t selector = tss_stack(cpu, level, &esp);
    if (selector_null(selector)) fault_selector(cpu, FAULT_TS, selector, REASON_TSS_SS_NULL);
    descriptor_fetch(cpu, selector, FAULT_TS, &d);
    enum fault_reason reason = stack_segment_check(&d, level);
    if (reason != REASON_NONE) descriptor_fault(cpu, FAULT_TS, &d, tss_reason(reason));
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_SS, &d, REASON_TSS_SS_NOT_PRESENT);
    descriptor_mark_accessed(cpu, &d);
    frame->ss = segment_from_descriptor(&d, selector);
    segment_window_set(cpu, &frame->ss, false, &frame->window);
    frame->mask = frame->ss.access & ACCESS_BIG ? 0xffffffff : 0xffff;
    frame->esp = esp;
    frame->user = false;
}

static uint32_t stack_frame_below(const struct stack_frame *frame, uint32_t bytes)
{
    return (frame->esp - bytes) & frame->mask;
}

/* The lowest of so many bytes, when they lie in one piece below the stack pointer; else false. */
static bool stack_frame_piece(const struct stack_frame *frame, uint32_t bytes, uint32_t *offset)
{
    *offset = stack_frame_below(frame, bytes);
    return *offset < (frame->esp & frame->mask) && window_can_write(&frame->window, *offset, bytes);
}

void stack_frame_need(struct cpu *cpu, const struct stack_frame *frame, unsigned count, unsigned size,
                      uint16_t selector)
{
    uint32_t offset;
    if (likely(stack_frame_piece(frame, count * size, &offset))) return;
    for (unsigned i = 1; i <= count; i++) {
        offset = stack_frame_below(frame, i * size);
        if (window_can_write(&frame->window, offset, size)) continue;
        struct fault fault = {.vector = FAULT_SS,
                              .has_error = true,
                              .error = selector & 0xfffc,
                              .reason = REASON_STACK_ROOM,
                              .selector = frame->ss.selector,
                              .address = offset};
        fault_raise(cpu, &fault);
    }
}

static void item_store(uint8_t *to, unsigned size, uint32_t value)
{
    if (size == 2)
        le16_store(to, (uint16_t)value);
    else
        le32_store(to, value);
}

void stack_frame_push(struct cpu *cpu, struct stack_frame *frame, unsigned size, uint32_t value)
{
    uint32_t offset = stack_frame_below(frame, size), linear = (uint32_t)frame->ss.base + offset;
    if (size == 2)
        lin_write16(cpu, linear, (uint16_t)value, frame->user);
    else
        lin_write32(cpu, linear, value, frame->user);
    frame->esp = (frame->esp & ~frame->mask) | offset;
}

/* At once where all of it is plain memory in one page. */
void stack_frame_push_all(struct cpu *cpu, struct stack_frame *frame, unsigned size, const uint32_t *values,
                          unsigned count)
{
    uint32_t offset, bytes = count * size;
    uint8_t *host = NULL;
    if (likely(stack_frame_piece(frame, bytes, &offset)))
        host = lin_direct_write(cpu, (uint32_t)frame->ss.base + offset, bytes, frame->user);
    if (!host) {
        for (unsigned i = 0; i < count; i++) stack_frame_push(cpu, frame, size, values[i]);
        return;
    }
    for (unsigned i = 0; i < count; i++) item_store(host + (count - 1 - i) * size, size, values[i]);
    frame->esp = (frame->esp & ~frame->mask) | offset;
}

void stack_frame_commit(struct cpu *cpu, const struct stack_frame *frame)
{
    segment_commit(cpu, CPU_SS, &frame->ss);
    set_reg32(cpu, CPU_ESP, frame->esp);
}

/* ---- entering code ---- */

_Noreturn void code_limit_fault(struct cpu *cpu, uint16_t selector, uint32_t eip)
{
    struct fault fault = {.vector = FAULT_GP,
                          .has_error = true,
                          .reason = REASON_CS_LIMIT,
                          .selector = selector,
                          .address = eip};
    fault_raise(cpu, &fault);
}

void code_limit_check(struct cpu *cpu, const struct descriptor *d, uint32_t eip)
{
    if (eip > descriptor_limit(d)) code_limit_fault(cpu, d->selector, eip);
}

void code_limit_check_current(struct cpu *cpu, uint32_t eip)
{
    if (eip > cpu->s.segment[CPU_CS].limit) code_limit_fault(cpu, cpu->s.segment[CPU_CS].selector, eip);
}

void eip_set(struct cpu *cpu, uint32_t eip)
{
    cpu->s.eip = eip;
    cpu->next_eip_set = true;
}

void code_enter(struct cpu *cpu, const struct descriptor *d, uint32_t eip, unsigned cpl)
{
    struct cpu_segment_state cs = segment_from_descriptor(d, (uint16_t)((d->selector & 0xfffc) | cpl));
    code_segment_commit(cpu, &cs, cpl);
    eip_set(cpu, eip);
}

void code_enter_8086(struct cpu *cpu, uint16_t selector, uint32_t eip)
{
    struct cpu_segment_state cs = segment_8086(cpu, CPU_CS, selector);
    segment_commit(cpu, CPU_CS, &cs);
    eip_set(cpu, eip);
}

/* ---- JMP and CALL ---- */

/* Pushes CS and the EIP of the next instruction on the frame. */
static void push_return_address(struct cpu *cpu, struct stack_frame *frame, unsigned size)
{
    stack_frame_push(cpu, frame, size, cpu->s.segment[CPU_CS].selector);
    stack_frame_push(cpu, frame, size, insn_next_eip(cpu));
}

static void code_target_check(struct cpu *cpu, const struct descriptor *d)
{
    unsigned cpl = cpu->s.cpl, dpl = descriptor_dpl(d);
    if (descriptor_is_conforming(d)) {
        if (dpl > cpl) descriptor_fault(cpu, FAULT_GP, d, REASON_CS_CONFORMING_DPL);
    } else {
        if ((d->selector & 3u) > cpl) descriptor_fault(cpu, FAULT_GP, d, REASON_CS_RPL);
        if (dpl != cpl) descriptor_fault(cpu, FAULT_GP, d, REASON_CS_DPL);
    }
    if (!descriptor_present(d)) descriptor_fault(cpu, FAULT_NP, d, REASON_CS_NOT_PRESENT);
}

/* A code segment of this privilege level, directly or by a gate that does not change it. */
static void far_to_code(struct cpu *cpu, struct descriptor *d, uint32_t eip, bool call, unsigned size)
{
    struct stack_frame frame;
    stack_frame_current(cpu, &frame);
    if (call) stack_frame_need(cpu, &frame, 2, size, 0);
    code_limit_check(cpu, d, eip);
    descriptor_mark_accessed(cpu, d);
    if (call) {
        push_return_address(cpu, &frame, size);
        set_reg32(cpu, CPU_ESP, frame.esp);
    }
    code_enter(cpu, d, eip, cpu->s.cpl);
}

/* CALL through a gate to more privileged code: stack of the TSS, parameters copied (SDM 3A, 5.8.5). */
static void call_gate_inward(struct cpu *cpu, const struct descriptor *gate, struct descriptor *code)
{
    unsigned level = descriptor_dpl(code), size = gate_is_32(gate) ? 4 : 2, count = gate->bytes >> 32 & 31;
    uint32_t old_esp = reg32(cpu, CPU_ESP), parameter[31];
    struct stack_frame frame;
    stack_frame_inner(cpu, level, &frame);
    stack_frame_need(cpu, &frame, 4 + count, size, frame.ss.selector);
    code_limit_check(cpu, code, gate_offset(gate));
    descriptor_mark_accessed(cpu, code);
    for (unsigned i = 0; i < count; i++)
        parameter[i] = size == 4 ? stack_peek32(cpu, 4 * i) : stack_peek16(cpu, 2 * i);

    stack_frame_push(cpu, &frame, size, cpu->s.segment[CPU_SS].selector);
    stack_frame_push(cpu, &frame, size, old_esp);
    for (unsigned i = count; i-- > 0;) stack_frame_push(cpu, &frame, size, parameter[i]);
    push_return_address(cpu, &frame, size);
    stack_frame_commit(cpu, &frame);
    code_enter(cpu, code, gate_offset(gate), level);
}

static void far_to_call_gate(struct cpu *cpu, const struct descriptor *gate, bool call)
{
    struct descriptor code;
    unsigned cpl = cpu->s.cpl, dpl = descriptor_dpl(gate);
    if (dpl < cpl || dpl < (gate->selector & 3u)) descriptor_fault(cpu, FAULT_GP, gate, REASON_CALL_GATE_DPL);
    if (!descriptor_present(gate)) descriptor_fault(cpu, FAULT_NP, gate, REASON_CALL_GATE_NOT_PRESENT);
    uint16_t selector = gate_selector(gate);
    if (selector_null(selector)) descriptor_fault_error(cpu, FAULT_GP, 0, gate, REASON_CS_NULL);
    descriptor_fetch(cpu, selector, FAULT_GP, &code);
    if (!descriptor_is_code(&code)) descriptor_fault(cpu, FAULT_GP, &code, REASON_CS_NOT_CODE);

    bool conforming = descriptor_is_conforming(&code), inward = !conforming && descriptor_dpl(&code) < cpl;
    if (descriptor_dpl(&code) > cpl || (inward && !call))
        descriptor_fault(cpu, FAULT_GP, &code, REASON_CALL_GATE_CS_DPL);
    if (!descriptor_present(&code)) descriptor_fault(cpu, FAULT_NP, &code, REASON_CS_NOT_PRESENT);
    if (inward)
        call_gate_inward(cpu, gate, &code);
    else
        far_to_code(cpu, &code, gate_offset(gate), call, gate_is_32(gate) ? 4 : 2);
}

static void far_protected(struct cpu *cpu, uint16_t selector, uint32_t offset, bool call, unsigned size)
{
    struct descriptor d;
    if (selector_null(selector)) fault_selector(cpu, FAULT_GP, 0, REASON_CS_NULL);
    descriptor_fetch(cpu, selector, FAULT_GP, &d);
    switch (descriptor_system_type(&d)) {
    case -1:
        if (!descriptor_is_code(&d)) descriptor_fault(cpu, FAULT_GP, &d, REASON_CS_NOT_CODE);
        code_target_check(cpu, &d);
        far_to_code(cpu, &d, offset, call, size);
        return;
    case SYSTEM_CALL_GATE16:
    case SYSTEM_CALL_GATE32: far_to_call_gate(cpu, &d, call); return;
    case SYSTEM_TASK_GATE: task_far_to_gate(cpu, &d, call); return;
    case SYSTEM_TSS16:
    case SYSTEM_TSS16_BUSY:
    case SYSTEM_TSS32:
    case SYSTEM_TSS32_BUSY: task_far_to_tss(cpu, &d, call); return;
    default: descriptor_fault(cpu, FAULT_GP, &d, REASON_FAR_TYPE);
    }
}

static void far_8086(struct cpu *cpu, uint16_t selector, uint32_t offset, bool call, unsigned size)
{
    struct stack_frame frame;
    stack_frame_current(cpu, &frame);
    if (call) stack_frame_need(cpu, &frame, 2, size, 0);
    code_limit_check_current(cpu, offset);
    if (call) {
        push_return_address(cpu, &frame, size);
        set_reg32(cpu, CPU_ESP, frame.esp);
    }
    code_enter_8086(cpu, selector, offset);
}

static void far_transfer(struct cpu *cpu, const struct insn *insn, uint16_t selector, uint32_t offset,
                         bool call)
{
    unsigned size = insn->operand_size;
    if (size == 2) offset &= 0xffff;
    if (cpu_uses_descriptors(cpu))
        far_protected(cpu, selector, offset, call, size);
    else
        far_8086(cpu, selector, offset, call, size);
}

static void far_transfer_mem(struct cpu *cpu, const struct insn *insn, bool call)
{
    uint32_t at = (uint32_t)insn_ea(cpu, insn), size = insn->operand_size;
    uint32_t offset = size == 2 ? mem_read16(cpu, insn->segment, at) : mem_read32(cpu, insn->segment, at);
    uint16_t selector = mem_read16(cpu, insn->segment, (at + size) & (uint32_t)insn->address_mask);
    far_transfer(cpu, insn, selector, offset, call);
}

BODY(far_jump_ptr)
{
    far_transfer(cpu, insn, insn->immediate2, (uint32_t)insn->immediate, false);
}

BODY(far_call_ptr)
{
    far_transfer(cpu, insn, insn->immediate2, (uint32_t)insn->immediate, true);
}

BODY(far_jump_mem)
{
    far_transfer_mem(cpu, insn, false);
}

BODY(far_call_mem)
{
    far_transfer_mem(cpu, insn, true);
}

/* SPDX-License-Identifier: MIT */
/* FPU state: reset, status and tag words, exceptions and how they reach the CPU or the board (SDM 1, 8.1,
 * 8.5, 8.7). */
#include "emu/cpu/go_on.h"
#include "emu/cpu/system.h"
#include "emu/cpu/x87_internal.h"

static const struct state_field float80_fields[] = {
    STATE_FIELD(struct float80, mantissa),
    STATE_FIELD(struct float80, sign_exponent),
    STATE_END,
};
const struct state_field x87_fields[] = {
    STATE_STRUCTS(struct x87_state, reg, float80_fields),
    STATE_FIELD(struct x87_state, code_offset),
    STATE_FIELD(struct x87_state, data_offset),
    STATE_FIELD(struct x87_state, code_selector),
    STATE_FIELD(struct x87_state, data_selector),
    STATE_FIELD(struct x87_state, opcode),
    STATE_FIELD(struct x87_state, control),
    STATE_FIELD(struct x87_state, status),
    STATE_FIELD(struct x87_state, top),
    STATE_FIELD(struct x87_state, used),
    STATE_FIELD(struct x87_state, error_line),
    STATE_FIELD(struct x87_state, error_ignored),
    STATE_END,
};

void x87_reset(struct x87_state *fpu)
{
    *fpu = (struct x87_state){.control = 0x40, .used = 0xff};
}

uint16_t x87_status_word(const struct x87_state *fpu)
{
    return (uint16_t)(fpu->status | fpu->top << 11);
}

/* 0 valid, 1 zero, 2 special, 3 empty (SDM 1, figure 8-7). */
static unsigned tag_of(const struct x87_state *fpu, unsigned n)
{
    if (!(fpu->used >> n & 1)) return 3;
    enum float80_class class = float80_classify(fpu->reg[n]);
    return class == FLOAT80_NORMAL ? 0 : class == FLOAT80_ZERO ? 1 : 2;
}

uint16_t x87_tag_word(const struct x87_state *fpu)
{
    unsigned tags = 0;
    for (unsigned n = 0; n < 8; n++) tags |= tag_of(fpu, n) << (2 * n);
    return (uint16_t)tags;
}

/* ---- exceptions ---- */

static void set_error_line(struct cpu *cpu, bool level)
{
    struct x87_state *fpu = x87_of(cpu);
    if (fpu->error_line == level) return;
    fpu->error_line = level;
    if (cpu->wiring.fpu_error) cpu->wiring.fpu_error(cpu->wiring.owner, level);
}

void x87_update_summary(struct cpu *cpu)
{
    struct x87_state *fpu = x87_of(cpu);
    fpu->status &= (uint16_t) ~(X87_SUMMARY | X87_BUSY);
    if (fpu->status & ~fpu->control & FLOAT_EXCEPTIONS) {
        fpu->status |= X87_SUMMARY | X87_BUSY;
        return;
    }
    fpu->error_ignored = false;
    set_error_line(cpu, false);
}

void x87_raise(struct cpu *cpu, unsigned exceptions)
{
    struct x87_state *fpu = x87_of(cpu);
    fpu->status |= (uint16_t)exceptions;
    if (exceptions & ~fpu->control & FLOAT_EXCEPTIONS) fpu->status |= X87_SUMMARY | X87_BUSY;
}

static bool stack_fault(struct cpu *cpu, bool overflow)
{
    x87_set_c1(x87_of(cpu), overflow);
    x87_raise(cpu, FLOAT_INVALID | X87_STACK_FAULT);
    return x87_of(cpu)->control & FLOAT_INVALID;
}

bool x87_underflow(struct cpu *cpu)
{
    return stack_fault(cpu, false);
}

bool x87_overflow(struct cpu *cpu)
{
    return stack_fault(cpu, true);
}

void x87_error_acknowledge(struct cpu *cpu)
{
    x87_of(cpu)->error_ignored = x87_of(cpu)->error_line;
    set_error_line(cpu, false);
}

/* ---- before an instruction ---- */

static _Noreturn void fault_plain(struct cpu *cpu, unsigned vector, enum fault_reason reason)
{
    struct fault fault = {.vector = (uint8_t)vector, .reason = reason};
    fault_raise(cpu, &fault);
}

/* The CPU stands still before this instruction until an interrupt comes; IRQ 13 most likely. */
static void freeze(struct cpu *cpu)
{
    set_error_line(cpu, true);
    cpu->s.eip = insn_eip(cpu);
    cpu->next_eip_set = true;
    block_cut(cpu);
    halt_start(cpu);
}

/* False: not now. */
static bool pending_passed(struct cpu *cpu)
{
    struct x87_state *fpu = x87_of(cpu);
    if (likely(!(fpu->status & X87_SUMMARY))) return true;
    if (cpu->s.cr0 & CR0_NE) fault_plain(cpu, FAULT_MF, REASON_FPU_EXCEPTION);
    if (fpu->error_ignored) return true;
    freeze(cpu);
    return false;
}

void x87_check_available(struct cpu *cpu)
{
    if (cpu->s.cr0 & CR0_EM) fault_plain(cpu, FAULT_NM, REASON_FPU_EMULATED);
    if (cpu->s.cr0 & CR0_TS) fault_plain(cpu, FAULT_NM, REASON_FPU_TASK_SWITCHED);
}

BODY(x87_wait)
{
    (void)insn;
    if ((cpu->s.cr0 & CR0_MP) && (cpu->s.cr0 & CR0_TS))
        fault_plain(cpu, FAULT_NM, REASON_FPU_WAIT_TASK_SWITCHED);
    pending_passed(cpu);
}

/* The pointers that an exception handler looks at. They stay within struct x87_state until then. */
static void note_pointers(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    fpu->opcode = (uint16_t)((insn->opcode & 7) << 8 | insn->modrm);
    fpu->code_offset = insn_eip(cpu);
    fpu->code_selector = cpu->s.segment[CPU_CS].selector;
    if (!insn->memory) return;
    fpu->data_offset = insn_ea(cpu, insn);
    fpu->data_selector = cpu->s.segment[insn->segment].selector;
}

BODY(x87_escape)
{
    const struct x87_row *row = x87_row(insn->opcode, insn->modrm);
    if (unlikely(cpu->s.cr0 & (CR0_EM | CR0_TS))) x87_check_available(cpu);
    if (unlikely(!row->name)) fault_ud(cpu, REASON_OPCODE_UNDEFINED);
    if (unlikely(row->needs & X87_P6) && !cpu_model_has(&cpu->model, FEATURE_CMOV))
        fault_ud(cpu, REASON_OPCODE_NOT_ON_THIS_CPU);
    if (!(row->needs & X87_NO_WAIT) && !pending_passed(cpu)) return;
    row->body(cpu, insn);
    if (!(row->needs & X87_CONTROL)) note_pointers(cpu, insn);
}

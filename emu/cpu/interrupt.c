/* SPDX-License-Identifier: MIT */
/*
 * Delivery of exceptions and interrupts: the vector table of real mode, the gates of protected mode (task
 * gates: task.c; out of virtual-8086 mode: v86.c), double and triple faults. SDM 3A, chapter 6 and 20.1.4; SDM 2, INT n/INTO/INT3/INT1.
 */
#include <inttypes.h>
#include <string.h>
#include "emu/core/log.h"
#include "emu/core/trace.h"
#include "emu/cpu/access.h"
#include "emu/cpu/decode.h"
#include "emu/cpu/eflags.h"
#include "emu/cpu/system_bodies.h"
#include "emu/cpu/task.h"
#include "emu/cpu/transfer.h"
#include "emu/cpu/v86.h"

TRACE_EVENT(fault_event, "cpu.fault", "what:s reason:s error:x cs:x eip:x cpl:u address:x");
TRACE_EVENT(interrupt_event, "cpu.interrupt", "vector:x reason:s cs:x eip:x cpl:u");

/* ---- one delivery ---- */

/* EFLAGS as it is pushed: a handler of a fault restarts the instruction with instruction breakpoints held off
 * (SDM 3B, 17.3.1.1). Traps and interrupts push RF as it is. */
static bool is_fault_class(const struct fault *event)
{
    if (event->software || event->reason == REASON_HARDWARE_INTERRUPT || event->vector >= 32) return false;
    switch (event->vector) {
    case FAULT_DB: return event->reason == REASON_DEBUG_GENERAL_DETECT;
    case FAULT_NMI:
    case FAULT_BP:
    case FAULT_OF:
    case FAULT_DF:
    case FAULT_MC: return false;
    default: return event->reason != REASON_NONE;
    }
}

static uint32_t pushed_eflags(const struct cpu *cpu, const struct fault *event)
{
    return flags_compose(cpu) | (is_fault_class(event) ? FLAG_RF : 0u);
}

static void deliver_real(struct cpu *cpu, const struct fault *event, uint32_t return_eip)
{
    uint32_t offset = event->vector * 4u, entry = (uint32_t)cpu->s.idtr.base + offset;
    if (offset + 3 > cpu->s.idtr.limit) {
        struct fault fault = {.vector = FAULT_GP,
                              .reason = REASON_IDT_LIMIT_REAL,
                              .address = offset + 3,
                              .entry = entry,
                              .descriptor = cpu->s.idtr.limit};
        fault_raise(cpu, &fault);
    }
    uint32_t pointer = system_read32(cpu, entry);
    struct stack_frame frame;
    stack_frame_current(cpu, &frame);
    stack_frame_need(cpu, &frame, 3, 2, 0);
    code_limit_check_current(cpu, pointer & 0xffff);
    stack_frame_push(cpu, &frame, 2, pushed_eflags(cpu, event));
    stack_frame_push(cpu, &frame, 2, cpu->s.segment[CPU_CS].selector);
    stack_frame_push(cpu, &frame, 2, return_eip);
    set_reg32(cpu, CPU_ESP, frame.esp);
    code_enter_8086(cpu, (uint16_t)(pointer >> 16), pointer & 0xffff);
    eflags_change(cpu, 0, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
}

/* The gate in the IDT. Its `selector` is made to be the error code: vector and IDT bit (SDM 3A, 6.13). */
static void gate_fetch(struct cpu *cpu, const struct fault *event, struct descriptor *gate)
{
    uint32_t offset = event->vector * 8u;
    gate->selector = 0; /* no selector is at fault, the gate is */
    gate->entry = (uint32_t)(cpu->s.idtr.base + offset);
    uint32_t error = offset | 2;
    if (offset + 7 > cpu->s.idtr.limit) {
        struct fault fault = {.vector = FAULT_GP,
                              .has_error = true,
                              .error = error,
                              .reason = REASON_IDT_LIMIT,
                              .address = offset + 7,
                              .entry = gate->entry,
                              .descriptor = cpu->s.idtr.limit};
        fault_raise(cpu, &fault);
    }
    gate->bytes = system_read64(cpu, (uint32_t)gate->entry);
    switch (descriptor_system_type(gate)) {
    case SYSTEM_TASK_GATE:
    case SYSTEM_INTERRUPT_GATE16:
    case SYSTEM_TRAP_GATE16:
    case SYSTEM_INTERRUPT_GATE32:
    case SYSTEM_TRAP_GATE32: break;
    default: descriptor_fault_error(cpu, FAULT_GP, error, gate, REASON_IDT_GATE_TYPE);
    }
    if (event->software && descriptor_dpl(gate) < cpu->s.cpl)
        descriptor_fault_error(cpu, FAULT_GP, error, gate, REASON_IDT_GATE_DPL);
    if (!descriptor_present(gate))
        descriptor_fault_error(cpu, FAULT_NP, error, gate, REASON_IDT_GATE_NOT_PRESENT);
}

static void handler_fetch(struct cpu *cpu, const struct descriptor *gate, struct descriptor *code)
{
    uint16_t selector = gate_selector(gate);
    if (selector_null(selector)) descriptor_fault_error(cpu, FAULT_GP, 0, gate, REASON_IDT_CS_NULL);
    descriptor_fetch(cpu, selector, FAULT_GP, code);
    if (!descriptor_is_code(code)) descriptor_fault(cpu, FAULT_GP, code, REASON_IDT_CS_NOT_CODE);
    if (descriptor_dpl(code) > cpu->s.cpl) descriptor_fault(cpu, FAULT_GP, code, REASON_IDT_CS_DPL);
    if (cpu_v86(cpu) && (descriptor_is_conforming(code) || descriptor_dpl(code)))
        descriptor_fault(cpu, FAULT_GP, code, REASON_V86_HANDLER_DPL);
    if (!descriptor_present(code)) descriptor_fault(cpu, FAULT_NP, code, REASON_CS_NOT_PRESENT);
}

/* What goes on the handler's stack, from the top (SDM 3A, figure 6-4; SDM 3B, figure 20-4). */
static void push_frame(struct cpu *cpu, struct stack_frame *frame, const struct fault *event, unsigned size,
                       bool inward, uint32_t return_eip)
{
    uint32_t values[10];
    unsigned count = 0;
    if (cpu_v86(cpu)) count = v86_segments(cpu, values);
    if (inward) {
        values[count++] = cpu->s.segment[CPU_SS].selector;
        values[count++] = reg32(cpu, CPU_ESP);
    }
    values[count++] = pushed_eflags(cpu, event);
    values[count++] = cpu->s.segment[CPU_CS].selector;
    values[count++] = return_eip;
    if (event->has_error) values[count++] = event->error;
    stack_frame_push_all(cpu, frame, size, values, count);
}

/* Through an interrupt or trap gate. */
static void deliver_by_gate(struct cpu *cpu, const struct descriptor *gate, const struct fault *event,
                            uint32_t return_eip)
{
    struct descriptor code;
    struct stack_frame frame;
    handler_fetch(cpu, gate, &code);

    unsigned size = gate_is_32(gate) ? 4 : 2, level = cpu->s.cpl;
    bool inward = !descriptor_is_conforming(&code) && descriptor_dpl(&code) < level;
    if (inward) {
        level = descriptor_dpl(&code);
        stack_frame_inner(cpu, level, &frame);
    } else {
        stack_frame_current(cpu, &frame);
    }
    unsigned pushes = (inward ? 5 : 3) + (cpu_v86(cpu) ? 4 : 0) + event->has_error;
    stack_frame_need(cpu, &frame, pushes, size, inward ? frame.ss.selector : 0);
    code_limit_check(cpu, &code, gate_offset(gate));
    descriptor_mark_accessed(cpu, &code);

    push_frame(cpu, &frame, event, size, inward, return_eip);
    if (inward)
        stack_frame_commit(cpu, &frame);
    else
        set_reg32(cpu, CPU_ESP, frame.esp);
    if (cpu_v86(cpu)) v86_drop_segments(cpu);
    code_enter(cpu, &code, gate_offset(gate), level);
    bool interrupt_gate = !(descriptor_system_type(gate) & 1);
    eflags_change(cpu, 0, FLAG_TF | FLAG_NT | FLAG_VM | FLAG_RF | (interrupt_gate ? (uint32_t)FLAG_IF : 0u));
}

static void deliver_protected(struct cpu *cpu, const struct fault *event, uint32_t return_eip)
{
    struct descriptor gate;
    gate_fetch(cpu, event, &gate);
    if (descriptor_system_type(&gate) == SYSTEM_TASK_GATE)
        task_interrupt(cpu, &gate, event, pushed_eflags(cpu, event), return_eip);
    else
        deliver_by_gate(cpu, &gate, event, return_eip);
}

/* Faults leave by cpu->unwind; nothing but memory has changed then, or a task switch was committed. */
static void deliver_once(struct cpu *cpu, const struct fault *event, uint32_t return_eip)
{
    if (cpu_protected(cpu))
        deliver_protected(cpu, event, return_eip);
    else
        deliver_real(cpu, event, return_eip);
}

/* ---- record keeping ---- */

static bool is_exception(const struct fault *event)
{
    return !event->software && event->reason != REASON_NONE && event->reason != REASON_HARDWARE_INTERRUPT &&
           event->reason != REASON_NMI;
}

static struct fault_record record_make(const struct cpu *cpu, const struct fault *event, uint64_t eip)
{
    struct fault_record record = {.fault = *event,
                                  .cs = cpu->s.segment[CPU_CS].selector,
                                  .eip = eip,
                                  .linear = (uint32_t)(cpu->code_base + eip),
                                  .cpl = cpu->s.cpl,
                                  .cr2 = cpu->s.cr2,
                                  .retired = cpu_retired(cpu)};
    struct insn decoded;
    const struct insn *insn = cpu->insn;
    size_t reached = cpu_debug_read(cpu, record.linear, record.bytes, sizeof(record.bytes));
    if (!insn->length || insn_eip(cpu) != (uint32_t)eip) { /* none under way: the fetch failed */
        if (!decode_insn(record.bytes, (unsigned)reached, cpu_code32(cpu), &decoded)) return record;
        insn = &decoded;
    }
    if (!decode_failed(insn)) record.length = insn->length;
    return record;
}

static void history_add(struct cpu *cpu, const struct fault_record *record)
{
    if (cpu->history_count == HISTORY_ROOM) {
        const unsigned kept = CPU_FAULT_HISTORY - 1;
        memcpy(cpu->history, cpu->history + HISTORY_ROOM - kept, kept * sizeof(cpu->history[0]));
        cpu->history_count = kept;
    }
    cpu->history[cpu->history_count++] = *record;
}

/* The first exception stays; of the later ones, the last two. */
static void chain_add(struct cpu *cpu, const struct fault_record *record)
{
    if (cpu->chain_count == ARRAY_COUNT(cpu->chain)) {
        cpu->chain[1] = cpu->chain[2];
        cpu->chain_count--;
    }
    cpu->chain[cpu->chain_count++] = *record;
}

static void note_exception(struct cpu *cpu, const struct fault *event, uint64_t eip)
{
    struct fault_record record = record_make(cpu, event, eip);
    cpu->stats.exceptions++;
    history_add(cpu, &record);
    if (event->vector != FAULT_DF) chain_add(cpu, &record);
    if (trace_on(&fault_event))
        trace_emit(&fault_event, cpu->wiring.clock, fault_vector_name(event->vector),
                   fault_reason_name(event->reason), (uint64_t)event->error, (uint64_t)record.cs,
                   (uint64_t)eip, (uint64_t)record.cpl, event->address);
}

static void note_interrupt(struct cpu *cpu, const struct fault *event, uint64_t eip)
{
    cpu->stats.interrupts++;
    if (trace_on(&interrupt_event))
        trace_emit(&interrupt_event, cpu->wiring.clock, (uint64_t)event->vector,
                   fault_reason_name(event->reason), (uint64_t)cpu->s.segment[CPU_CS].selector, (uint64_t)eip,
                   (uint64_t)cpu->s.cpl);
}

static void log_event(const struct cpu *cpu, const struct fault *event, uint64_t eip)
{
    char text[256];
    if (!log_on(LOG_INT)) return;
    if (is_exception(event))
        fault_describe(event, text, sizeof(text));
    else
        snprintf(text, sizeof(text), "vector %02x: %s", event->vector, fault_reason_text(event->reason));
    log_print("int: %04x:%08" PRIx64 " CPL %u: %s\n", cpu->s.segment[CPU_CS].selector, eip, cpu->s.cpl, text);
}

static void note_event(struct cpu *cpu, const struct fault *event, uint64_t eip)
{
    if (is_exception(event))
        note_exception(cpu, event, eip);
    else
        note_interrupt(cpu, event, eip);
    log_event(cpu, event, eip);
}

/* ---- faults during delivery ---- */

enum fault_class { CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PAGE_FAULT, CLASS_DOUBLE_FAULT };

/* SDM 3A, table 6-4. Interrupts are benign whatever their vector is. */
static enum fault_class classify(const struct fault *event)
{
    if (!is_exception(event)) return CLASS_BENIGN;
    switch (event->vector) {
    case FAULT_DE:
    case FAULT_TS:
    case FAULT_NP:
    case FAULT_SS:
    case FAULT_GP: return CLASS_CONTRIBUTORY;
    case FAULT_PF: return CLASS_PAGE_FAULT;
    case FAULT_DF: return CLASS_DOUBLE_FAULT;
    default: return CLASS_BENIGN;
    }
}

enum pair_result { PAIR_SERIAL, PAIR_DOUBLE_FAULT, PAIR_SHUTDOWN };

/* SDM 3A, table 6-5: first fault, second fault. */
static enum pair_result pair_result(enum fault_class first, enum fault_class second)
{
    static const uint8_t table[4][4] = {
        [CLASS_CONTRIBUTORY] = {[CLASS_CONTRIBUTORY] = PAIR_DOUBLE_FAULT},
        [CLASS_PAGE_FAULT] =
            {[CLASS_CONTRIBUTORY] = PAIR_DOUBLE_FAULT, [CLASS_PAGE_FAULT] = PAIR_DOUBLE_FAULT},
        [CLASS_DOUBLE_FAULT] = {[CLASS_CONTRIBUTORY] = PAIR_SHUTDOWN, [CLASS_PAGE_FAULT] = PAIR_SHUTDOWN},
    };
    return table[first][second];
}

static void shutdown_enter(struct cpu *cpu)
{
    cpu->s.shutdown = true;
    cpu->attention |= ATTENTION_EXIT;
    if (log_on(LOG_INT)) log_print("int: triple fault, shutdown\n");
}

/* After a fault in the delivery of cpu->delivered: what is delivered next. False: nothing any more. */
static bool next_delivery(struct cpu *cpu)
{
    uint64_t return_eip = cpu->delivery_eip;
    struct fault second = cpu->pending;
    enum pair_result result = pair_result(classify(&cpu->delivered), classify(&second));
    note_event(cpu, &second, return_eip);
    if (result == PAIR_SHUTDOWN) {
        shutdown_enter(cpu);
        return false;
    }
    cpu->delivered = second;
    if (result == PAIR_DOUBLE_FAULT) {
        cpu->delivered = (struct fault){.vector = FAULT_DF, .has_error = true, .reason = REASON_DOUBLE_FAULT};
        note_event(cpu, &cpu->delivered, return_eip);
    }
    return true;
}

/* Each fault in here is of a higher class than the one before or ends in shutdown, except for benign ones: of
 * those, only #DB and #AC can come, and not from supervisor accesses. So the loop ends. */
bool interrupt_deliver(struct cpu *cpu, const struct fault *event, uint64_t return_eip)
{
    jmp_buf outer;
    memcpy(&outer, &cpu->unwind, sizeof(outer));
    cpu->delivering = false;
    cpu->chain_count = 0;
    cpu->s.halted = false;
    if (event->reason == REASON_NMI) cpu->s.nmi_blocked = true;
    note_event(cpu, event, return_eip);
    cpu->delivered = *event;
    cpu->delivery_eip = (uint32_t)return_eip;
    bool delivered = true;
    while (setjmp(cpu->unwind) != 0) {
        delivered = next_delivery(cpu);
        if (!delivered) break;
    }
    cpu->switched = false;
    if (delivered) {
        cpu->delivering = true;
        deliver_once(cpu, &cpu->delivered, cpu->delivery_eip);
    }
    cpu->delivering = false;
    memcpy(&cpu->unwind, &outer, sizeof(outer));
    return delivered;
}

/* ---- software interrupts ---- */

static void note_software_interrupt(struct cpu *cpu, const struct fault *event)
{
    note_interrupt(cpu, event, insn_eip(cpu));
    log_event(cpu, event, insn_eip(cpu));
}

/* A fault in here belongs to the INT instruction: it unwinds to the run loop, which restarts from there. */
static void software_interrupt(struct cpu *cpu, uint8_t vector, enum fault_reason reason, bool checks_dpl)
{
    cpu->delivered = (struct fault){.vector = vector, .reason = reason, .software = checks_dpl};
    note_software_interrupt(cpu, &cpu->delivered);
    cpu->delivering = true;
    deliver_once(cpu, &cpu->delivered, insn_next_eip(cpu));
    cpu->delivering = false;
}

BODY(int3)
{
    (void)insn;
    software_interrupt(cpu, FAULT_BP, REASON_BREAKPOINT, true);
}

/* The only one that IOPL and CR4.VME govern in virtual-8086 mode (SDM 3B, 20.3). */
BODY(int_n)
{
    if (cpu_v86(cpu) && v86_redirects(cpu, (uint8_t)insn->immediate)) {
        struct fault event = {
            .vector = (uint8_t)insn->immediate, .reason = REASON_SOFTWARE_INTERRUPT, .software = true};
        note_software_interrupt(cpu, &event);
        v86_redirect(cpu, event.vector, insn_next_eip(cpu));
        return;
    }
    software_interrupt(cpu, (uint8_t)insn->immediate, REASON_SOFTWARE_INTERRUPT, true);
}

BODY(into)
{
    (void)insn;
    if (flag_of(cpu)) software_interrupt(cpu, FAULT_OF, REASON_OVERFLOW, true);
}

/* A #DB that the gate's DPL does not keep out and that leaves DR6 alone (SDM 2, INT n/INTO/INT3/INT1). */
BODY(int1)
{
    (void)insn;
    software_interrupt(cpu, FAULT_DB, REASON_DEBUG_INT1, false);
}

/* SPDX-License-Identifier: MIT */
/* Virtual-8086 mode (v86.h). */
#include "emu/cpu/v86.h"
#include "emu/cpu/access.h"
#include "emu/cpu/eflags.h"
#include "emu/cpu/system.h"

/* ---- in and out ---- */

void v86_enter(struct cpu *cpu)
{
    static const uint8_t order[] = {CPU_ES, CPU_DS, CPU_FS, CPU_GS};
    uint16_t selector[CPU_SEGMENTS];
    uint32_t eip = stack_peek32(cpu, 0), eflags = stack_peek32(cpu, 8), esp = stack_peek32(cpu, 12);
    selector[CPU_CS] = (uint16_t)stack_peek32(cpu, 4);
    selector[CPU_SS] = (uint16_t)stack_peek32(cpu, 16);
    for (unsigned i = 0; i < ARRAY_COUNT(order); i++)
        selector[order[i]] = (uint16_t)stack_peek32(cpu, 20 + 4 * i);
    if (eip > SEGMENT_V86_LIMIT) code_limit_fault(cpu, selector[CPU_CS], eip);
    bool pending = (eflags & (FLAG_VIF | FLAG_VIP)) == (FLAG_VIF | FLAG_VIP);
    if (pending && (cpu->s.cr4 & CR4_VME)) fault_gp(cpu, 0, REASON_V86_VIF_AND_VIP);

    eflags_change(cpu, eflags, eflags_defined(cpu));
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
        struct cpu_segment_state state = segment_v86(selector[n]);
        if (n == CPU_CS)
            code_segment_commit(cpu, &state, 3);
        else
            segment_commit(cpu, n, &state);
    }
    set_reg32(cpu, CPU_ESP, esp);
    eip_set(cpu, eip);
}

/* In the order in which they are pushed. */
static const uint8_t data_segments[V86_DATA_SEGMENTS] = {CPU_GS, CPU_FS, CPU_DS, CPU_ES};

unsigned v86_segments(const struct cpu *cpu, uint32_t values[V86_DATA_SEGMENTS])
{
    for (unsigned i = 0; i < V86_DATA_SEGMENTS; i++) values[i] = cpu->s.segment[data_segments[i]].selector;
    return V86_DATA_SEGMENTS;
}

void v86_drop_segments(struct cpu *cpu)
{
    for (unsigned i = 0; i < V86_DATA_SEGMENTS; i++) {
        struct cpu_segment_state null = segment_null(&cpu->s.segment[data_segments[i]], 0);
        segment_commit(cpu, data_segments[i], &null);
    }
}

/* ---- INT n, with the redirection bitmap of CR4.VME (SDM 3B, 20.3.3) ---- */

enum { TSS_IO_MAP_BASE = 0x66, REDIRECTION_BYTES = 32 /* just before the I/O permission bitmap */ };

/* The vector's bit: 1 keeps the interrupt in protected mode. */
static bool redirection_bit(struct cpu *cpu, uint8_t vector)
{
    const struct cpu_segment_state *tr = &cpu->s.tr;
    if (tr->limit <= TSS_IO_MAP_BASE) fault_gp(cpu, 0, REASON_V86_REDIRECTION_LIMIT);
    uint32_t at = system_read16(cpu, (uint32_t)tr->base + TSS_IO_MAP_BASE) - REDIRECTION_BYTES + vector / 8u;
    if (at > tr->limit) fault_gp(cpu, 0, REASON_V86_REDIRECTION_LIMIT);
    return system_read8(cpu, (uint32_t)tr->base + at) >> (vector & 7) & 1;
}

bool v86_redirects(struct cpu *cpu, uint8_t vector)
{
    if ((cpu->s.cr4 & CR4_VME) && !redirection_bit(cpu, vector)) return true;
    if (eflags_iopl(cpu) < 3) fault_gp(cpu, 0, REASON_V86_INT_IOPL);
    return false;
}

/* As in real mode, on the program's stack. With IOPL below 3 it sees and clears VIF in the place of IF. */
void v86_redirect(struct cpu *cpu, uint8_t vector, uint32_t return_eip)
{
    struct stack_frame frame;
    bool is_virtual = eflags_iopl(cpu) < 3;
    uint32_t pointer = system_read32(cpu, vector * 4u);
    stack_frame_current(cpu, &frame);
    stack_frame_need(cpu, &frame, 3, 2, 0);
    stack_frame_push(cpu, &frame, 2, eflags_image_v86(cpu));
    stack_frame_push(cpu, &frame, 2, cpu->s.segment[CPU_CS].selector);
    stack_frame_push(cpu, &frame, 2, return_eip);
    set_reg32(cpu, CPU_ESP, frame.esp);
    code_enter_8086(cpu, (uint16_t)(pointer >> 16), pointer & 0xffff);
    eflags_change(cpu, 0, FLAG_TF | FLAG_NT | FLAG_RF | (is_virtual ? FLAG_VIF : FLAG_IF));
}

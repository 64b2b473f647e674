/* SPDX-License-Identifier: MIT */
/* The hardware task switch (task.h). Order of the steps: SDM 3A, 7.3; of the checks: table 7-1. */
#include "emu/cpu/task.h"
#include "emu/cpu/access.h"
#include "emu/cpu/eflags.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/system.h"
#include "emu/cpu/transfer.h"

enum task_way { WAY_JUMP, WAY_CALL, WAY_INTERRUPT, WAY_RETURN };

/* Offsets in a TSS (SDM 3A, figures 7-2 and 7-10). `item` is the distance of registers. */
struct tss_layout {
    uint8_t last; /* the least limit */
    uint8_t eip, eflags, gpr, segments, ldt;
    uint8_t item, segment_count;
};
static const struct tss_layout layout16 = {0x2b, 0x0e, 0x10, 0x12, 0x22, 0x2a, 2, 4};
static const struct tss_layout layout32 = {0x67, 0x20, 0x24, 0x28, 0x48, 0x60, 4, 6};
enum { TSS_LINK = 0, TSS32_CR3 = 0x1c, TSS32_TRAP = 0x64 };
enum { ACCESS_TSS_BUSY = 2, ACCESS_TSS_WIDE = 8 };

/* What a TSS says about its task. Segment registers and general registers lie there in the order of their numbers. */
struct task_image {
    uint32_t cr3, eip, eflags, gpr[8];
    uint16_t selector[CPU_SEGMENTS], ldt;
    bool trap;
};

static const struct tss_layout *layout_of(uint16_t access)
{
    return access & ACCESS_TSS_WIDE ? &layout32 : &layout16;
}

static uint32_t item_read(struct cpu *cpu, uint32_t linear, unsigned size)
{
    return size == 4 ? system_read32(cpu, linear) : system_read16(cpu, linear);
}

static void item_write(struct cpu *cpu, uint32_t linear, unsigned size, uint32_t value)
{
    if (size == 4)
        system_write32(cpu, linear, value);
    else
        system_write16(cpu, linear, (uint16_t)value);
}

/* ---- the images in memory ---- */

static void image_save(struct cpu *cpu, uint32_t eip, uint32_t eflags)
{
    const struct tss_layout *layout = layout_of(cpu->s.tr.access);
    uint32_t base = (uint32_t)cpu->s.tr.base, item = layout->item;
    item_write(cpu, base + layout->eip, item, eip);
    item_write(cpu, base + layout->eflags, item, eflags);
    for (unsigned n = 0; n < 8; n++) item_write(cpu, base + layout->gpr + n * item, item, reg32(cpu, n));
    for (unsigned n = 0; n < layout->segment_count; n++)
        system_write16(cpu, base + layout->segments + n * item, cpu->s.segment[n].selector);
}

/* Registers come out of a 16-bit TSS with the upper half set, FS and GS null: a 16-bit task does not look at them. */
static void image_load(struct cpu *cpu, const struct descriptor *tss, struct task_image *image)
{
    const struct tss_layout *layout = layout_of(descriptor_access(tss));
    uint32_t base = descriptor_base(tss), item = layout->item, upper = item == 2 ? 0xffff0000 : 0;
    *image = (struct task_image){0};
    image->eip = item_read(cpu, base + layout->eip, item);
    image->eflags = item_read(cpu, base + layout->eflags, item);
    for (unsigned n = 0; n < 8; n++)
        image->gpr[n] = upper | item_read(cpu, base + layout->gpr + n * item, item);
    for (unsigned n = 0; n < layout->segment_count; n++)
        image->selector[n] = system_read16(cpu, base + layout->segments + n * item);
    image->ldt = system_read16(cpu, base + layout->ldt);
    if (item == 2) return;
    image->cr3 = system_read32(cpu, base + TSS32_CR3);
    image->trap = system_read16(cpu, base + TSS32_TRAP) & 1;
}

/* ---- checks before the commit ---- */

static void tss_limit_check(struct cpu *cpu, const struct descriptor *tss)
{
    if (descriptor_limit(tss) < layout_of(descriptor_access(tss))->last)
        descriptor_fault(cpu, FAULT_TS, tss, REASON_TSS_LIMIT);
}

static uint32_t old_descriptor(const struct cpu *cpu)
{
    return (uint32_t)cpu->s.gdtr.base + (cpu->s.tr.selector & 0xfff8);
}

/* Everything that will be written or read until the commit is there (SDM 3A, 7.3, step 7). */
static void pages_probe(struct cpu *cpu, const struct descriptor *tss, enum task_way way)
{
    const struct tss_layout *old = layout_of(cpu->s.tr.access), *new = layout_of(descriptor_access(tss));
    uint32_t from = old->eip, to = old->segments + old->segment_count * old->item;
    mmu_probe(cpu, (uint32_t)cpu->s.tr.base + from, to - from, true, false);
    mmu_probe(cpu, descriptor_base(tss), new->last + 1u, false, false);
    if (way == WAY_CALL || way == WAY_INTERRUPT) mmu_probe(cpu, descriptor_base(tss), 2, true, false);
    mmu_probe(cpu, (uint32_t)tss->entry, 8, true, false);
    mmu_probe(cpu, old_descriptor(cpu), 8, true, false);
}

static void busy_change(struct cpu *cpu, uint32_t descriptor, bool busy)
{
    uint8_t access = system_read8(cpu, descriptor + 5);
    access = (uint8_t)(busy ? access | ACCESS_TSS_BUSY : access & ~ACCESS_TSS_BUSY);
    system_write8(cpu, descriptor + 5, access);
}

/* ---- the commit ---- */

/* Registers of the new task, with segments that are not loaded yet: their selectors count, and nothing else. */
static void registers_set(struct cpu *cpu, const struct task_image *image)
{
    unsigned cpl = image->eflags & FLAG_VM ? 3 : image->selector[CPU_CS] & 3;
    for (unsigned n = 0; n < 8; n++) set_reg32(cpu, n, image->gpr[n]);
    flags_load(cpu, image->eflags & eflags_defined(cpu));
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
        struct cpu_segment_state unloaded = {.selector = image->selector[n]};
        segment_commit(cpu, n, &unloaded);
    }
    cpu->s.ldtr = (struct cpu_segment_state){.selector = image->ldt};
    cpu->s.cpl = (uint8_t)cpl;
    mode_changed(cpu);
    interrupt_recheck(cpu);
    eip_set(cpu, image->eip);
}

/* From here on faults are the new task's. */
static void commit(struct cpu *cpu, const struct descriptor *tss, const struct task_image *image)
{
    struct descriptor busy = *tss;
    bool loads_cr3 = (descriptor_access(tss) & ACCESS_TSS_WIDE) && (cpu->s.cr0 & CR0_PG);
    if (loads_cr3) paging_load_cr3(cpu, image->cr3);
    busy.bytes |= (uint64_t)ACCESS_TSS_BUSY << 40;
    cpu->s.tr = segment_from_descriptor(&busy, tss->selector);
    cpu->s.cr0 |= CR0_TS;
    registers_set(cpu, image);
    debug_task_switched(cpu, image->trap);
    cpu->delivery_eip = image->eip;
    cpu->switched = true;
}

/* ---- segments of the new task ---- */

static void ldt_load(struct cpu *cpu, uint16_t selector)
{
    struct descriptor d;
    if (selector_null(selector)) return;
    if (selector & 4) fault_selector(cpu, FAULT_TS, selector, REASON_LDT_SELECTOR_LOCAL);
    descriptor_fetch(cpu, selector, FAULT_TS, &d);
    if (descriptor_system_type(&d) != SYSTEM_LDT) descriptor_fault(cpu, FAULT_TS, &d, REASON_LDT_WRONG_TYPE);
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_TS, &d, REASON_LDT_NOT_PRESENT);
    cpu->s.ldtr = segment_from_descriptor(&d, selector);
}

static void code_load(struct cpu *cpu, uint16_t selector)
{
    struct descriptor d;
    unsigned rpl = selector & 3;
    if (selector_null(selector)) fault_selector(cpu, FAULT_TS, selector, REASON_CS_NULL);
    descriptor_fetch(cpu, selector, FAULT_TS, &d);
    if (!descriptor_is_code(&d)) descriptor_fault(cpu, FAULT_TS, &d, REASON_CS_NOT_CODE);
    bool fits = descriptor_is_conforming(&d) ? descriptor_dpl(&d) <= rpl : descriptor_dpl(&d) == rpl;
    if (!fits) descriptor_fault(cpu, FAULT_TS, &d, REASON_TASK_CS_DPL);
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_NP, &d, REASON_CS_NOT_PRESENT);
    descriptor_mark_accessed(cpu, &d);
    struct cpu_segment_state state = segment_from_descriptor(&d, selector);
    code_segment_commit(cpu, &state, rpl);
}

static void segments_load(struct cpu *cpu, const struct task_image *image)
{
    static const uint8_t data[] = {CPU_DS, CPU_ES, CPU_FS, CPU_GS};
    ldt_load(cpu, image->ldt);
    if (image->eflags & FLAG_VM) {
        for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
            struct cpu_segment_state state = segment_v86(image->selector[n]);
            segment_commit(cpu, n, &state);
        }
        return;
    }
    code_load(cpu, image->selector[CPU_CS]);
    segment_load_task(cpu, CPU_SS, image->selector[CPU_SS]);
    for (unsigned i = 0; i < ARRAY_COUNT(data); i++)
        segment_load_task(cpu, data[i], image->selector[data[i]]);
}

/* ---- the switch ---- */

static void error_push(struct cpu *cpu, uint32_t error)
{
    struct stack_frame frame;
    unsigned size = layout_of(cpu->s.tr.access)->item;
    stack_frame_current(cpu, &frame);
    stack_frame_need(cpu, &frame, 1, size, 0);
    stack_frame_push(cpu, &frame, size, error);
    set_reg32(cpu, CPU_ESP, frame.esp);
}

/* What the old task goes on with, and the exception whose error code the new one finds on its stack, or NULL. */
static void task_switch(struct cpu *cpu, const struct descriptor *tss, enum task_way way, uint32_t eflags,
                        uint32_t return_eip, const struct fault *event)
{
    struct task_image image;
    bool nested = way == WAY_CALL || way == WAY_INTERRUPT;
    tss_limit_check(cpu, tss);
    pages_probe(cpu, tss, way);

    if (!nested && !selector_null(cpu->s.tr.selector)) busy_change(cpu, old_descriptor(cpu), false);
    if (way == WAY_RETURN) eflags &= ~(uint32_t)FLAG_NT;
    image_save(cpu, return_eip, eflags);
    image_load(cpu, tss, &image);
    if (nested) {
        system_write16(cpu, descriptor_base(tss) + TSS_LINK, cpu->s.tr.selector);
        image.eflags |= FLAG_NT;
    }
    if (way != WAY_RETURN) busy_change(cpu, (uint32_t)tss->entry, true);
    commit(cpu, tss, &image);
    segments_load(cpu, &image);
    if (event && event->has_error) error_push(cpu, event->error);
    code_limit_check_current(cpu, image.eip);
    cpu->switched = false;
}

/* ---- ways in ---- */

static bool is_available(int type)
{
    return type == SYSTEM_TSS16 || type == SYSTEM_TSS32;
}

static bool is_busy(int type)
{
    return type == SYSTEM_TSS16_BUSY || type == SYSTEM_TSS32_BUSY;
}

static void privilege_check(struct cpu *cpu, const struct descriptor *d)
{
    unsigned dpl = descriptor_dpl(d);
    if (dpl < cpu->s.cpl || dpl < (d->selector & 3u)) descriptor_fault(cpu, FAULT_GP, d, REASON_TSS_DPL);
}

static void available_check(struct cpu *cpu, const struct descriptor *tss)
{
    int type = descriptor_system_type(tss);
    if (is_busy(type)) descriptor_fault(cpu, FAULT_GP, tss, REASON_TSS_BUSY);
    if (!is_available(type)) descriptor_fault(cpu, FAULT_GP, tss, REASON_TASK_GATE_NO_TSS);
    if (!descriptor_present(tss)) descriptor_fault(cpu, FAULT_NP, tss, REASON_TSS_NOT_PRESENT);
}

static void gate_tss_fetch(struct cpu *cpu, const struct descriptor *gate, struct descriptor *tss)
{
    uint16_t selector = gate_selector(gate);
    if (selector & 4) fault_selector(cpu, FAULT_GP, selector, REASON_TR_SELECTOR_LOCAL);
    descriptor_fetch(cpu, selector, FAULT_GP, tss);
    available_check(cpu, tss);
}

void task_far_to_tss(struct cpu *cpu, const struct descriptor *tss, bool call)
{
    privilege_check(cpu, tss);
    if (tss->selector & 4) descriptor_fault(cpu, FAULT_GP, tss, REASON_TR_SELECTOR_LOCAL);
    available_check(cpu, tss);
    task_switch(cpu, tss, call ? WAY_CALL : WAY_JUMP, flags_compose(cpu), insn_next_eip(cpu), NULL);
}

void task_far_to_gate(struct cpu *cpu, const struct descriptor *gate, bool call)
{
    struct descriptor tss;
    privilege_check(cpu, gate);
    if (!descriptor_present(gate)) descriptor_fault(cpu, FAULT_NP, gate, REASON_TSS_NOT_PRESENT);
    gate_tss_fetch(cpu, gate, &tss);
    task_switch(cpu, &tss, call ? WAY_CALL : WAY_JUMP, flags_compose(cpu), insn_next_eip(cpu), NULL);
}

void task_interrupt(struct cpu *cpu, const struct descriptor *gate, const struct fault *event,
                    uint32_t eflags, uint32_t return_eip)
{
    struct descriptor tss;
    gate_tss_fetch(cpu, gate, &tss);
    task_switch(cpu, &tss, WAY_INTERRUPT, eflags, return_eip, event);
}

void task_return(struct cpu *cpu)
{
    struct descriptor tss;
    uint16_t link = system_read16(cpu, (uint32_t)cpu->s.tr.base + TSS_LINK);
    if (link & 4) fault_selector(cpu, FAULT_TS, link, REASON_TR_SELECTOR_LOCAL);
    descriptor_fetch(cpu, link, FAULT_TS, &tss);
    if (!is_busy(descriptor_system_type(&tss)))
        descriptor_fault(cpu, FAULT_TS, &tss, REASON_TASK_LINK_NOT_BUSY);
    if (!descriptor_present(&tss)) descriptor_fault(cpu, FAULT_NP, &tss, REASON_TSS_NOT_PRESENT);
    task_switch(cpu, &tss, WAY_RETURN, flags_compose(cpu), insn_next_eip(cpu), NULL);
}

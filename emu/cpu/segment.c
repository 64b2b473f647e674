/* SPDX-License-Identifier: MIT */
/*
 * Segment registers: finding descriptors, the checks of loading a data or stack segment, and the windows that
 * loads and stores compare with. SDM 3A, 3.4, 3.5 and chapter 5; real mode: 20.1.
 */
#include "emu/cpu/segment.h"
#include "emu/cpu/access.h"
#include "emu/cpu/flags.h"

bool cpu_protected(const struct cpu *cpu)
{
    return cpu->s.cr0 & 1;
}

bool cpu_uses_descriptors(const struct cpu *cpu)
{
    return cpu_protected(cpu) && !cpu_v86(cpu);
}

/* ---- descriptors ---- */

static inline enum fault_reason descriptor_look_up(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
    bool local = selector & 4;
    uint64_t base = local ? cpu->s.ldtr.base : cpu->s.gdtr.base;
    uint32_t limit = local ? cpu->s.ldtr.limit : cpu->s.gdtr.limit;
    *d = (struct descriptor){selector, (uint32_t)(base + (selector & 0xfff8)), limit};
    if (local && !(cpu->s.ldtr.access & ACCESS_PRESENT)) return REASON_LDT_UNUSABLE;
    if ((selector | 7u) > limit) return local ? REASON_SELECTOR_BEYOND_LDT : REASON_SELECTOR_BEYOND_GDT;
    d->bytes = lin_read64(cpu, d->entry, false);
    return REASON_NONE;
}

enum fault_reason descriptor_read(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
    return descriptor_look_up(cpu, selector, d);
}

static __attribute__((noinline, cold)) _Noreturn void descriptor_missing(struct cpu *cpu, uint16_t selector,
                                                                         unsigned vector,
                                                                         const struct descriptor *d,
                                                                         enum fault_reason reason)
{
    struct fault fault = {.vector = (uint8_t)vector,
                          .has_error = true,
                          .error = selector & 0xfffc,
                          .reason = reason,
                          .selector = selector,
                          .address = selector | 7u,
                          .entry = d->entry,
                          .descriptor = d->bytes};
    fault_raise(cpu, &fault);
}

void descriptor_fetch(struct cpu *cpu, uint16_t selector, unsigned vector, struct descriptor *d)
{
    enum fault_reason reason = descriptor_look_up(cpu, selector, d);
    if (unlikely(reason != REASON_NONE)) descriptor_missing(cpu, selector, vector, d, reason);
}

_Noreturn void descriptor_fault_error(struct cpu *cpu, unsigned vector, uint32_t error,
                                      const struct descriptor *d, enum fault_reason reason)
{
    struct fault fault = {.vector = (uint8_t)vector,
                          .has_error = true,
                          .error = error,
                          .reason = reason,
                          .selector = d->selector,
                          .entry = d->entry,
                          .descriptor = d->bytes};
    fault_raise(cpu, &fault);
}

_Noreturn void descriptor_fault(struct cpu *cpu, unsigned vector, const struct descriptor *d,
                                enum fault_reason reason)
{
    descriptor_fault_error(cpu, vector, d->selector & 0xfffc, d, reason);
}

/* Locked on the bus of real hardware; with one CPU there is nobody to see the difference (SDM 3A, 8.1.2.1).
 */
void descriptor_mark_accessed(struct cpu *cpu, struct descriptor *d)
{
    uint16_t access = descriptor_access(d);
    if (access & ACCESS_ACCESSED) return;
    d->bytes |= UINT64_C(1) << 40;
    lin_write8(cpu, d->entry + 5, (uint8_t)(access | ACCESS_ACCESSED), false);
}

/* ---- register contents ---- */

/* Not present is what makes it unusable. Real processors keep the old limit, which a program sees if it goes
 * back to real mode and loads the register there. */
struct cpu_segment_state segment_null(const struct cpu_segment_state *old, uint16_t selector)
{
    return (struct cpu_segment_state){selector, 0, old->limit, 0};
}

/* Limit and D/B stay as protected mode left them ("unreal mode", SDM 3A, 9.9.2). */
struct cpu_segment_state segment_real(const struct cpu_segment_state *old, uint16_t selector)
{
    uint16_t kept = old->access & (ACCESS_PAGES | ACCESS_BIG);
    uint16_t data = ACCESS_PRESENT | ACCESS_SEGMENT | ACCESS_WRITABLE | ACCESS_ACCESSED;
    return (struct cpu_segment_state){selector, kept | data, old->limit, (uint64_t)selector << 4};
}

struct cpu_segment_state segment_v86(uint16_t selector)
{
    uint16_t access = ACCESS_PRESENT | ACCESS_SEGMENT | ACCESS_WRITABLE | ACCESS_ACCESSED | ACCESS_DPL3;
    return (struct cpu_segment_state){selector, access, SEGMENT_V86_LIMIT, (uint64_t)selector << 4};
}

struct cpu_segment_state segment_8086(const struct cpu *cpu, unsigned n, uint16_t selector)
{
    return cpu_v86(cpu) ? segment_v86(selector) : segment_real(&cpu->s.segment[n], selector);
}

static const struct segment_window empty_window = {.read_span = -1, .write_span = -1};

void segment_window_set(const struct cpu *cpu, const struct cpu_segment_state *state, bool is_cs,
                        struct segment_window *window)
{
    uint16_t access = state->access;
    *window = empty_window;
    window->base = state->base;
    if ((access & (ACCESS_PRESENT | ACCESS_SEGMENT)) != (ACCESS_PRESENT | ACCESS_SEGMENT)) return;

    uint32_t low = 0, high = state->limit;
    if ((access & (ACCESS_CODE | ACCESS_EXPAND_DOWN)) == ACCESS_EXPAND_DOWN) {
        uint32_t top = access & ACCESS_BIG ? 0xffffffff : 0xffff;
        if (state->limit >= top) return;
        low = state->limit + 1;
        high = top;
    }
    /* Real mode lets a program write to its code; after leaving protected mode CS still has a code segment's
     * rights. */
    bool free_use = is_cs && !cpu_protected(cpu);
    bool code = access & ACCESS_CODE, writable_or_readable = access & ACCESS_WRITABLE;
    if (!code || writable_or_readable || free_use) {
        window->read_low = low;
        window->read_span = (int64_t)high - low;
    }
    if ((!code && writable_or_readable) || free_use) {
        window->write_low = low;
        window->write_span = (int64_t)high - low;
    }
}

static bool window_is_flat(const struct segment_window *window)
{
    const int64_t all = 0xffffffff;
    return window->base == 0 && window->read_span == all && window->write_span == all;
}

void segment_derive(struct cpu *cpu, unsigned n)
{
    const struct cpu_segment_state *state = &cpu->s.segment[n];
    segment_window_set(cpu, state, n == CPU_CS, &cpu->window[n]);
    uint32_t stack_mask = cpu->stack_mask;
    if (n == CPU_SS) stack_mask = state->access & ACCESS_BIG ? 0xffffffff : 0xffff;
    if (n == CPU_CS) cpu->code_base = state->base;
    uint32_t flat = cpu->flat & ~(uint32_t)BIT(n);
    if (window_is_flat(&cpu->window[n])) flat |= (uint32_t)BIT(n);
    bool matters =
        n == CPU_CS || stack_mask != cpu->stack_mask || flat != cpu->flat; /* for which blocks fit */
    cpu->stack_mask = stack_mask;
    cpu->flat = flat;
    if (matters) code_mode_changed(cpu);
}

void segment_derive_all(struct cpu *cpu)
{
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) segment_derive(cpu, n);
}

/* ---- loading ---- */

enum fault_reason stack_segment_check(const struct descriptor *d, unsigned level)
{
    if ((d->selector & 3u) != level) return REASON_SS_RPL;
    if (!descriptor_is_writable_data(d)) return REASON_SS_NOT_WRITABLE;
    if (descriptor_dpl(d) != level) return REASON_SS_DPL;
    return REASON_NONE;
}

/* `vector` is #GP, or #TS for a new task; a segment that is not present is #SS or #NP in any case. */
static struct cpu_segment_state stack_segment_fetch(struct cpu *cpu, uint16_t selector, unsigned vector)
{
    struct descriptor d;
    if (selector_null(selector)) fault_selector(cpu, vector, 0, REASON_SS_NULL);
    descriptor_fetch(cpu, selector, vector, &d);
    enum fault_reason reason = stack_segment_check(&d, cpu->s.cpl);
    if (reason != REASON_NONE) descriptor_fault(cpu, vector, &d, reason);
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_SS, &d, REASON_SS_NOT_PRESENT);
    descriptor_mark_accessed(cpu, &d);
    return segment_from_descriptor(&d, selector);
}

static struct cpu_segment_state data_segment_fetch(struct cpu *cpu, unsigned n, uint16_t selector,
                                                   unsigned vector)
{
    struct descriptor d;
    if (selector_null(selector)) return segment_null(&cpu->s.segment[n], selector);
    descriptor_fetch(cpu, selector, vector, &d);
    if (!descriptor_is_readable(&d)) descriptor_fault(cpu, vector, &d, REASON_DATA_NOT_READABLE);
    unsigned dpl = descriptor_dpl(&d), rpl = selector & 3;
    if (!descriptor_is_conforming(&d) && (rpl > dpl || cpu->s.cpl > dpl))
        descriptor_fault(cpu, vector, &d, REASON_DATA_DPL);
    if (!descriptor_present(&d)) descriptor_fault(cpu, FAULT_NP, &d, REASON_DATA_NOT_PRESENT);
    descriptor_mark_accessed(cpu, &d);
    return segment_from_descriptor(&d, selector);
}

static void segment_load_checked(struct cpu *cpu, unsigned n, uint16_t selector, unsigned vector)
{
    struct cpu_segment_state state = n == CPU_SS ? stack_segment_fetch(cpu, selector, vector)
                                                 : data_segment_fetch(cpu, n, selector, vector);
    segment_commit(cpu, n, &state);
}

void segment_load_task(struct cpu *cpu, unsigned n, uint16_t selector)
{
    segment_load_checked(cpu, n, selector, FAULT_TS);
}

void segment_load(struct cpu *cpu, unsigned n, uint16_t selector)
{
    if (cpu_uses_descriptors(cpu)) {
        segment_load_checked(cpu, n, selector, FAULT_GP);
        return;
    }
    struct cpu_segment_state state = segment_8086(cpu, n, selector);
    segment_commit(cpu, n, &state);
}

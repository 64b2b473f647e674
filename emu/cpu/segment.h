/* SPDX-License-Identifier: MIT */
/*
 * Descriptors and segment registers, for the files of emu/cpu that load them: segment.c, transfer.c,
 * interrupt.c, system_tables.c. SDM 3A, chapters 3 and 5.
 */
#ifndef EMU_CPU_SEGMENT_H
#define EMU_CPU_SEGMENT_H

#include "emu/cpu/internal.h"

/* A descriptor as it was found, with where it was found, so that a fault can show it. */
struct descriptor {
    uint16_t selector;
    uint64_t entry; /* linear address */
    uint64_t bytes;
};

/* Types of system descriptors (SDM 3A, table 3-2). */
enum {
    SYSTEM_TSS16 = 1,
    SYSTEM_LDT = 2,
    SYSTEM_TSS16_BUSY = 3,
    SYSTEM_CALL_GATE16 = 4,
    SYSTEM_TASK_GATE = 5,
    SYSTEM_INTERRUPT_GATE16 = 6,
    SYSTEM_TRAP_GATE16 = 7,
    SYSTEM_TSS32 = 9,
    SYSTEM_TSS32_BUSY = 11,
    SYSTEM_CALL_GATE32 = 12,
    SYSTEM_INTERRUPT_GATE32 = 14,
    SYSTEM_TRAP_GATE32 = 15,
};

/* Bits of `access` in struct cpu_segment_state. */
enum {
    ACCESS_ACCESSED = 1 << 0,
    ACCESS_WRITABLE = 1 << 1, /* data; code: readable */
    ACCESS_READABLE = 1 << 1,
    ACCESS_EXPAND_DOWN = 1 << 2, /* data; code: conforming */
    ACCESS_CONFORMING = 1 << 2,
    ACCESS_CODE = 1 << 3,
    ACCESS_DPL3 = 3 << 5,
    ACCESS_SEGMENT = 1 << 4, /* S: code or data, not a system descriptor */
    ACCESS_PRESENT = 1 << 7,
    ACCESS_BIG = 1 << 14,   /* D/B */
    ACCESS_PAGES = 1 << 15, /* G */
};
static inline unsigned access_dpl(uint16_t access)
{
    return access >> 5 & 3;
}

static inline uint16_t descriptor_access(const struct descriptor *d)
{
    return d->bytes >> 40 & 0xf0ff;
}
static inline unsigned descriptor_dpl(const struct descriptor *d)
{
    return access_dpl(descriptor_access(d));
}
static inline bool descriptor_present(const struct descriptor *d)
{
    return descriptor_access(d) & ACCESS_PRESENT;
}
static inline bool descriptor_is_code(const struct descriptor *d)
{
    return (descriptor_access(d) & (ACCESS_SEGMENT | ACCESS_CODE)) == (ACCESS_SEGMENT | ACCESS_CODE);
}
static inline bool descriptor_is_conforming(const struct descriptor *d)
{
    return descriptor_is_code(d) && (descriptor_access(d) & ACCESS_CONFORMING);
}
static inline bool descriptor_is_writable_data(const struct descriptor *d)
{
    return (descriptor_access(d) & (ACCESS_SEGMENT | ACCESS_CODE | ACCESS_WRITABLE)) ==
           (ACCESS_SEGMENT | ACCESS_WRITABLE);
}
static inline bool descriptor_is_readable(const struct descriptor *d) /* data, or code that can be read */
{
    uint16_t access = descriptor_access(d);
    return (access & ACCESS_SEGMENT) && (!(access & ACCESS_CODE) || (access & ACCESS_READABLE));
}
/* The type of a system descriptor; -1 for code and data. */
static inline int descriptor_system_type(const struct descriptor *d)
{
    return descriptor_access(d) & ACCESS_SEGMENT ? -1 : descriptor_access(d) & 15;
}
/* In bytes, granularity applied. */
static inline uint32_t descriptor_limit(const struct descriptor *d)
{
    uint32_t limit = (uint32_t)(d->bytes & 0xffff) | (uint32_t)(d->bytes >> 32 & 0xf0000);
    return descriptor_access(d) & ACCESS_PAGES ? limit << 12 | 0xfff : limit;
}
static inline uint32_t descriptor_base(const struct descriptor *d)
{
    return (uint32_t)(d->bytes >> 16 & 0xffffff) | (uint32_t)(d->bytes >> 32 & 0xff000000);
}
/* Gates: call, interrupt, trap. */
static inline uint16_t gate_selector(const struct descriptor *d)
{
    return d->bytes >> 16 & 0xffff;
}
static inline bool gate_is_32(const struct descriptor *d)
{
    return descriptor_access(d) & 8;
}
static inline uint32_t gate_offset(const struct descriptor *d)
{
    uint32_t low = d->bytes & 0xffff;
    return gate_is_32(d) ? low | (uint32_t)(d->bytes >> 32 & 0xffff0000) : low;
}

static inline bool selector_null(uint16_t selector)
{
    return !(selector & ~3);
}

/* Reads the descriptor of a selector that is not null. REASON_NONE, or why there is none (then d->entry is
 * where it would be, and d->bytes the limit of the table). Page faults are raised. */
enum fault_reason descriptor_read(struct cpu *cpu, uint16_t selector, struct descriptor *d);
/* The same, raising `vector` with the selector as error code. */
void descriptor_fetch(struct cpu *cpu, uint16_t selector, unsigned vector, struct descriptor *d);
/* Raises `vector` with the selector as error code, showing the descriptor. */
_Noreturn void descriptor_fault(struct cpu *cpu, unsigned vector, const struct descriptor *d,
                                enum fault_reason reason);
/* The same with another error code: gates of the IDT, and faults with error code 0. */
_Noreturn void descriptor_fault_error(struct cpu *cpu, unsigned vector, uint32_t error,
                                      const struct descriptor *d, enum fault_reason reason);
/* Sets the accessed bit in memory, if it is not, and in *d. Last of the checks: it can still raise a page
 * fault. */
void descriptor_mark_accessed(struct cpu *cpu, struct descriptor *d);

/* "32-bit code, readable, base 00000000, limit ffffffff, DPL 0, present". */
void descriptor_describe(uint64_t bytes, char *text, size_t size);

/* A segment register from a descriptor; the null one; and one of real mode, which keeps limit and size. The first is
 * inline, like segment_commit: the fields then never lie in memory on the way to the register, from where a wide copy
 * would have to wait for them. */
static inline struct cpu_segment_state segment_from_descriptor(const struct descriptor *d, uint16_t selector)
{
    return (struct cpu_segment_state){selector, descriptor_access(d), descriptor_limit(d),
                                      descriptor_base(d)};
}
struct cpu_segment_state segment_null(const struct cpu_segment_state *old, uint16_t selector);
struct cpu_segment_state segment_real(const struct cpu_segment_state *old, uint16_t selector);
/* As virtual-8086 mode has it (SDM 3B, 20.2.1), and as the one of these modes that the CPU is in. */
#define SEGMENT_V86_LIMIT 0xffffu
struct cpu_segment_state segment_v86(uint16_t selector);
struct cpu_segment_state segment_8086(const struct cpu *cpu, unsigned n, uint16_t selector);
/* Loads DS, ES, FS, GS or SS for a new task: the same checks, #TS in the place of #GP. */
void segment_load_task(struct cpu *cpu, unsigned n, uint16_t selector);

/* The checks of loading SS for privilege level `level`: what is wrong with *d, or REASON_NONE. Presence is
 * not checked. */
enum fault_reason stack_segment_check(const struct descriptor *d, unsigned level);
/* Window of any segment, loaded or not. */
void segment_window_set(const struct cpu *cpu, const struct cpu_segment_state *state, bool is_cs,
                        struct segment_window *window);
/* Whether `size` bytes at `offset`, none of them wrapping, may be written. */
static inline bool window_can_write(const struct segment_window *window, uint32_t offset, uint32_t size)
{
    return (int64_t)(uint32_t)(offset - window->write_low) + size - 1 <= window->write_span;
}
static inline bool window_can_read(const struct segment_window *window, uint32_t offset, uint32_t size)
{
    return (int64_t)(uint32_t)(offset - window->read_low) + size - 1 <= window->read_span;
}

/* Puts a checked state into a segment register. */
static inline __attribute__((always_inline)) void segment_commit(struct cpu *cpu, unsigned n,
                                                                 const struct cpu_segment_state *state)
{
    cpu->s.segment[n] = *state;
    segment_derive(cpu, n);
}
/* CS and CPL together: both may change what code sees. */
static inline __attribute__((always_inline)) void code_segment_commit(struct cpu *cpu,
                                                                      const struct cpu_segment_state *state,
                                                                      unsigned cpl)
{
    bool changed = cpu->s.cpl != cpl;
    cpu->s.cpl = (uint8_t)cpl;
    segment_commit(cpu, CPU_CS, state);
    if (changed) cpl_changed(cpu);
}

#endif

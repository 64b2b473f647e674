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
uint32_t descriptor_limit(const struct descriptor *d); /* in bytes, granularity applied */
uint32_t descriptor_base(const struct descriptor *d);
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

/* A segment register from a descriptor; the null one; and one of real mode, which keeps limit and size. */
struct cpu_segment_state segment_from_descriptor(const struct descriptor *d, uint16_t selector);
struct cpu_segment_state segment_null(const struct cpu_segment_state *old, uint16_t selector);
struct cpu_segment_state segment_real(const struct cpu_segment_state *old, uint16_t selector);

/* The checks of loading SS for privilege level `level`: what is wrong with *d, or REASON_NONE. Presence is
 * not checked. */
enum fault_reason stack_segment_check(const struct descriptor *d, unsigned level);
/* Window of any segment, loaded or not. */
struct segment_window segment_window_of(const struct cpu *cpu, const struct cpu_segment_state *state,
                                        bool is_cs);
/* Whether `size` bytes at `offset`, none of them wrapping, may be written. */
static inline bool window_can_write(const struct segment_window *window, uint32_t offset, uint32_t size)
{
    return offset >= window->write_low && offset <= window->write_high &&
           window->write_high - offset >= size - 1;
}
static inline bool window_can_read(const struct segment_window *window, uint32_t offset, uint32_t size)
{
    return offset >= window->read_low && offset <= window->read_high &&
           window->read_high - offset >= size - 1;
}

/* Puts a checked state into a segment register. */
void segment_commit(struct cpu *cpu, unsigned n, const struct cpu_segment_state *state);
/* CS and CPL together: both may change what code sees. */
void code_segment_commit(struct cpu *cpu, const struct cpu_segment_state *state, unsigned cpl);

#endif

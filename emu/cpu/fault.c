/* SPDX-License-Identifier: MIT */
/*
 * Faults: raising them, and saying in words what was wrong. The reasons are in fault_reasons.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include "emu/cpu/internal.h"
#include "emu/cpu/segment.h"

struct reason_row {
    const char *name, *text, *section;
};
static const struct reason_row reasons[REASON_COUNT] = {
    [REASON_NONE] = {"NONE", "no reason was recorded", ""},
#define FAULT_REASON(name, text, section) [REASON_##name] = {#name, text, section},
#include "emu/cpu/fault_reasons.h"
#undef FAULT_REASON
};

static const struct reason_row *reason_row(enum fault_reason reason)
{
    return &reasons[(unsigned)reason < REASON_COUNT ? reason : REASON_NONE];
}

const char *fault_reason_name(enum fault_reason reason)
{
    return reason_row(reason)->name;
}

const char *fault_reason_text(enum fault_reason reason)
{
    return reason_row(reason)->text;
}

const char *fault_reason_section(enum fault_reason reason)
{
    return reason_row(reason)->section;
}

/* Names of the exceptions, then of the vectors that only INT n and devices use. */
#define NAMES_OF_16(row)                                                                                     \
    "IRQ/INT " #row "0h", "IRQ/INT " #row "1h", "IRQ/INT " #row "2h", "IRQ/INT " #row "3h",                  \
        "IRQ/INT " #row "4h", "IRQ/INT " #row "5h", "IRQ/INT " #row "6h", "IRQ/INT " #row "7h",              \
        "IRQ/INT " #row "8h", "IRQ/INT " #row "9h", "IRQ/INT " #row "Ah", "IRQ/INT " #row "Bh",              \
        "IRQ/INT " #row "Ch", "IRQ/INT " #row "Dh", "IRQ/INT " #row "Eh", "IRQ/INT " #row "Fh"
static const char *const vector_names[256] = {
    "#DE",          "#DB",          "NMI",          "#BP",          "#OF",          "#BR",
    "#UD",          "#NM",          "#DF",          "vector 9",     "#TS",          "#NP",
    "#SS",          "#GP",          "#PF",          "vector 15",    "#MF",          "#AC",
    "#MC",          "#XM",          "#VE",          "#CP",          "vector 22",    "vector 23",
    "vector 24",    "vector 25",    "vector 26",    "vector 27",    "vector 28",    "vector 29",
    "vector 30",    "vector 31",    NAMES_OF_16(2), NAMES_OF_16(3), NAMES_OF_16(4), NAMES_OF_16(5),
    NAMES_OF_16(6), NAMES_OF_16(7), NAMES_OF_16(8), NAMES_OF_16(9), NAMES_OF_16(A), NAMES_OF_16(B),
    NAMES_OF_16(C), NAMES_OF_16(D), NAMES_OF_16(E), NAMES_OF_16(F),
};

const char *fault_vector_name(unsigned vector)
{
    return vector < ARRAY_COUNT(vector_names) ? vector_names[vector] : "no vector";
}

/* ---- raising ---- */

/* A contributory fault while something other than INT n is being delivered carries EXT in its error code (SDM
 * 3A, 6.13). */
static bool error_has_ext(uint8_t vector)
{
    return vector == FAULT_TS || vector == FAULT_NP || vector == FAULT_SS || vector == FAULT_GP;
}

_Noreturn void fault_raise(struct cpu *cpu, const struct fault *fault)
{
    cpu->pending = *fault;
    if (cpu->delivering && !cpu->delivered.software) {
        cpu->pending.external = true;
        if (fault->has_error && error_has_ext(fault->vector)) cpu->pending.error |= 1;
    }
    longjmp(cpu->unwind, 1);
}

_Noreturn void fault_gp(struct cpu *cpu, uint32_t error, enum fault_reason reason)
{
    struct fault fault = {.vector = FAULT_GP, .has_error = true, .error = error, .reason = reason};
    fault_raise(cpu, &fault);
}

_Noreturn void fault_ud(struct cpu *cpu, enum fault_reason reason)
{
    struct fault fault = {.vector = FAULT_UD, .reason = reason};
    fault_raise(cpu, &fault);
}

_Noreturn void fault_selector(struct cpu *cpu, unsigned vector, uint16_t selector, enum fault_reason reason)
{
    struct fault fault = {.vector = (uint8_t)vector,
                          .has_error = true,
                          .error = selector & 0xfffc,
                          .reason = reason,
                          .selector = selector};
    fault_raise(cpu, &fault);
}

/* ---- in words ---- */

/* A line being written into a buffer of fixed size. */
struct line {
    char *to;
    size_t size, used;
};

static void __attribute__((format(printf, 2, 3))) line_add(struct line *line, const char *format, ...)
{
    if (line->used >= line->size) return;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->to + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    if (length > 0) line->used += (size_t)length;
}

static const char *const system_names[16] = {
    "reserved type 0",
    "16-bit TSS",
    "LDT",
    "busy 16-bit TSS",
    "16-bit call gate",
    "task gate",
    "16-bit interrupt gate",
    "16-bit trap gate",
    "reserved type 8",
    "32-bit TSS",
    "reserved type 10",
    "busy 32-bit TSS",
    "32-bit call gate",
    "reserved type 13",
    "32-bit interrupt gate",
    "32-bit trap gate",
};

static void describe_segment(struct line *line, const struct descriptor *d)
{
    uint16_t access = descriptor_access(d);
    const char *bits = access & ACCESS_BIG ? "32-bit" : "16-bit";
    if (access & ACCESS_CODE)
        line_add(line, "%s %scode, %s", bits, access & ACCESS_CONFORMING ? "conforming " : "",
                 access & ACCESS_READABLE ? "readable" : "execute-only");
    else
        line_add(line, "%s %sdata, %s", bits, access & ACCESS_EXPAND_DOWN ? "expand-down " : "",
                 access & ACCESS_WRITABLE ? "writable" : "read-only");
    line_add(line, ", base %08x, limit %08x", descriptor_base(d), descriptor_limit(d));
}

static void describe_descriptor(struct line *line, const struct descriptor *d)
{
    int type = descriptor_system_type(d);
    if (type < 0)
        describe_segment(line, d);
    else if (type == SYSTEM_TSS16 || type == SYSTEM_TSS16_BUSY || type == SYSTEM_LDT ||
             type == SYSTEM_TSS32 || type == SYSTEM_TSS32_BUSY)
        line_add(line, "%s, base %08x, limit %08x", system_names[type], descriptor_base(d),
                 descriptor_limit(d));
    else if (type == SYSTEM_TASK_GATE)
        line_add(line, "%s to TSS %04x", system_names[type], gate_selector(d));
    else if (type & 4)
        line_add(line, "%s to %04x:%08x", system_names[type], gate_selector(d), gate_offset(d));
    else
        line_add(line, "%s", system_names[type]);
    line_add(line, ", DPL %u, %s", descriptor_dpl(d), descriptor_present(d) ? "present" : "not present");
}

void descriptor_describe(uint64_t bytes, char *text, size_t size)
{
    struct line line = {text, size, 0};
    struct descriptor d = {.bytes = bytes};
    if (size) *text = 0;
    describe_descriptor(&line, &d);
}

static void describe_page_fault(struct line *line, const struct fault *fault)
{
    line_add(line, ": %s %s at linear %08" PRIx64, fault->error & 4 ? "user" : "supervisor",
             fault->error & 16  ? "fetch"
             : fault->error & 2 ? "write"
                                : "read",
             fault->address);
    if (fault->entry)
        line_add(line, ", entry %08" PRIx64 " at physical %08" PRIx64, fault->descriptor, fault->entry);
}

/* Reasons that keep the limit of a table where others keep a descriptor. */
static bool table_limit_broken(enum fault_reason reason)
{
    return reason == REASON_SELECTOR_BEYOND_GDT || reason == REASON_SELECTOR_BEYOND_LDT ||
           reason == REASON_LDT_UNUSABLE || reason == REASON_IDT_LIMIT || reason == REASON_IDT_LIMIT_REAL ||
           reason == REASON_TSS_STACK_BEYOND_LIMIT;
}

/* What fault.address is, where it is no address of a page fault. */
static const char *address_name(enum fault_reason reason)
{
    switch (reason) {
    case REASON_MSR_UNKNOWN:
    case REASON_MSR_READ_ONLY:
    case REASON_MSR_RESERVED_BITS:
    case REASON_MSR_MEMORY_TYPE: return "MSR";
    case REASON_IO_PERMISSION: return "port";
    case REASON_PDPTE_RESERVED_BIT:
    case REASON_CR4_RESERVED: return "bits";
    case REASON_ALIGNMENT:
    case REASON_DEBUG_INSN_BREAKPOINT: return "linear";
    default: return "offset";
    }
}

static void describe_facts(struct line *line, const struct fault *fault)
{
    if (fault->vector == FAULT_PF) {
        describe_page_fault(line, fault);
        return;
    }
    if (fault->selector) line_add(line, ": selector %04x", fault->selector);
    if (table_limit_broken(fault->reason)) {
        line_add(line, ": offset %04" PRIx64 ", limit %04" PRIx64 ", entry at %08" PRIx64, fault->address,
                 fault->descriptor, fault->entry);
        return;
    }
    if (fault->address) line_add(line, ": %s %08" PRIx64, address_name(fault->reason), fault->address);
    if (!fault->entry) return;
    struct descriptor d = {.bytes = fault->descriptor};
    line_add(line, ": %016" PRIx64 " at %08" PRIx64 " (", fault->descriptor, fault->entry);
    describe_descriptor(line, &d);
    line_add(line, ")");
}

void fault_describe(const struct fault *fault, char *text, size_t size)
{
    struct line line = {text, size, 0};
    if (size) *text = 0;
    line_add(&line, "%s", fault_vector_name(fault->vector));
    if (fault->has_error) line_add(&line, "(%04x)", fault->error);
    line_add(&line, ": %s", fault_reason_text(fault->reason));
    describe_facts(&line, fault);
    if (*fault_reason_section(fault->reason)) line_add(&line, " (%s)", fault_reason_section(fault->reason));
}

/* ---- what was kept ---- */

const struct fault_record *cpu_fault_history(const struct cpu *cpu, unsigned *count)
{
    *count = cpu->history_count < CPU_FAULT_HISTORY ? cpu->history_count : CPU_FAULT_HISTORY;
    return cpu->history + (cpu->history_count - *count);
}

const struct fault_record *cpu_triple_fault(const struct cpu *cpu, unsigned *count)
{
    *count = cpu->s.shutdown ? cpu->chain_count : 0;
    return cpu->chain;
}

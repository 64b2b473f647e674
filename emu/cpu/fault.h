/* SPDX-License-Identifier: MIT */
/*
 * Faults and their reasons. No exception is raised as a bare vector: each carries which check failed, on which selector,
 * table entry or address, and the bytes that made it fail. Reports, -d int, the monitor and gdb all print from this.
 */
#ifndef EMU_CPU_FAULT_H
#define EMU_CPU_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

enum fault_vector {
    FAULT_DE = 0, FAULT_DB = 1, FAULT_NMI = 2, FAULT_BP = 3, FAULT_OF = 4, FAULT_BR = 5, FAULT_UD = 6, FAULT_NM = 7,
    FAULT_DF = 8, FAULT_TS = 10, FAULT_NP = 11, FAULT_SS = 12, FAULT_GP = 13, FAULT_PF = 14, FAULT_MF = 16, FAULT_AC = 17,
    FAULT_MC = 18,
};

/* The list is a table (fault_reasons.h): FAULT_REASON(name, "what was wrong, for a person", "SDM section"). */
enum fault_reason {
    REASON_NONE,
#define FAULT_REASON(name, text, section) REASON_##name,
#include "emu/cpu/fault_reasons.h"
#undef FAULT_REASON
    REASON_COUNT
};
const char *fault_reason_name(enum fault_reason reason);    /* "GATE_NOT_PRESENT" */
const char *fault_reason_text(enum fault_reason reason);    /* one sentence */
const char *fault_reason_section(enum fault_reason reason); /* "SDM 3A, 6.12.1.1" */
const char *fault_vector_name(unsigned vector);             /* "#GP", "IRQ/INT 80h" above 31 */

struct fault {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    enum fault_reason reason;
    bool software;       /* INT n, INT3, INTO: the gate's DPL is checked */
    bool external;       /* hardware interrupt or NMI, or a fault while delivering one: EXT bit */
    uint16_t selector;   /* that was at fault, if one was */
    uint64_t address;    /* linear address of a page fault; offset or linear address that broke a limit; else 0 */
    uint64_t entry;      /* linear address of the table entry that broke the rule, else 0 */
    uint64_t descriptor; /* its eight bytes */
};

/* What the history keeps: the fault and where it came from. */
struct fault_record {
    struct fault fault;
    uint16_t cs;
    uint64_t eip, linear; /* of the instruction */
    uint8_t cpl;
    uint8_t length;       /* of the instruction, 0 when it could not be decoded */
    uint8_t bytes[15];
    uint64_t cr2;
    uint64_t retired;     /* virtual instruction count within the run */
};

/* One line: `#GP(0018): CS selector 0018 beyond the GDT limit 0017 (SDM 3A, 5.2)`. Cut at `size`. */
void fault_describe(const struct fault *fault, char *text, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The differential tester: one instruction, with a given state, on the host's own processor and in Vitrine.
 *
 * Both sides see the same little world: user mode, the same linear addresses, the same descriptors in GDT and LDT, nothing
 * else mapped. A case runs until the first exception: the single-step trap when TF is set in its flags, else the INT3 that
 * follows the instruction, or whatever the instruction itself raises. Then everything that a program can see is compared.
 *
 *   world.c     the address space, the descriptors, a case's memory, a case as text
 *   generate.c  cases, row by row of the opcode map
 *   rules.c     what is left out, which flags the manual leaves undefined, where vendors differ
 *   native.c    runs cases on the host (x86-64 Linux only)
 *   guest.c     runs cases in Vitrine
 *   silicon.c   options, comparison, reports, the golden file
 */
#ifndef TESTS_SILICON_H
#define TESTS_SILICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "emu/cpu/internal.h"

/* ---- the world: linear addresses ---- */

enum {
    PAGE_BYTES = 0x1000,
    READ_ONLY_AT = 0x5000, /* one page, alone */
    DATA_AT = 0x8000,      /* two pages, unmapped neighbours */
    CODE_AT = 0xc000,      /* two pages, full of INT3 */
    CODE_END = 0xe000,
    WRAP_AT = 0x17000, /* the last page below 64 KiB of a segment that starts at DATA_AT */
};

/* Parts of the data pages that cases work in; they are filled before and compared after each. */
#define WINDOWS 4
struct window {
    uint32_t at, bytes;
};
extern const struct window windows[WINDOWS];
#define WINDOW_BYTES (256 + 512 + 256 + 256)

/* Selectors: Linux's GDT, and an LDT of ours (modify_ldt(2)). */
enum {
    GDT_CODE32 = 0x23,
    GDT_DATA = 0x2b,
    GDT_KERNEL_DATA = 0x1b, /* DPL 0 */
#define LDT(n) ((n) << 3 | 7)
    LDT_DATA16 = LDT(1),
    LDT_DATA32 = LDT(2),
    LDT_DOWN16 = LDT(3),
    LDT_DOWN32 = LDT(4),
    LDT_READ_ONLY = LDT(5),
    LDT_CODE16 = LDT(6),
    LDT_CODE32 = LDT(7),
    LDT_EXECUTE_ONLY = LDT(8),
    LDT_ABSENT = LDT(9),
    LDT_BIG = LDT(10),
    LDT_EMPTY = LDT(11),
    LDT_BEYOND = LDT(12),
#undef LDT
};
#define LDT_COUNT 12

struct segment_description { /* as modify_ldt wants it */
    uint32_t base, limit;
    uint8_t contents; /* 0 data, 1 expand-down data, 2 code */
    bool bits32, read_or_execute_only, limit_in_pages, absent, empty;
};
extern const struct segment_description ldt_entries[LDT_COUNT];
/* The eight bytes of an LDT entry, or of the entry of Linux's GDT that the selector names. */
uint64_t descriptor_of(uint16_t selector);
uint32_t segment_base(uint16_t selector);
uint32_t segment_limit(uint16_t selector); /* in bytes */

/* ---- a case and its result ---- */

#define INSN_BYTES 24 /* beyond 15: #GP */
#define POKE_BYTES 12

struct silicon_case {
    uint8_t bytes[INSN_BYTES];
    uint8_t length;
    uint8_t poke_bytes; /* operands put into memory: how many bytes at which linear address */
    uint8_t poke[POKE_BYTES];
    uint32_t poke_at;
    uint32_t eip, eflags;
    uint32_t gpr[8];
    uint16_t selector[CPU_SEGMENTS];
    uint32_t seed; /* of the memory, and of registers that nobody set */
    /* Not part of the state, for reports and rules. */
    const struct opcode *row;
    uint8_t operand_size; /* in bytes, prefixes applied */
    uint8_t rep;          /* F2, F3 or 0 */
};

struct silicon_result {
    uint32_t gpr[8];
    uint32_t eip, eflags;
    uint16_t selector[CPU_SEGMENTS];
    uint8_t vector;
    uint32_t error, cr2;
    uint8_t memory[WINDOW_BYTES];
    bool lost; /* the runner has no result: it says so itself */
};

uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t bound);
/* An interesting value: small, at a boundary, or random. */
uint32_t random_value(uint64_t *state);

uint32_t case_register(uint32_t seed, unsigned n); /* what a register holds unless the case says otherwise */
void case_fill(const struct silicon_case *c, uint8_t memory[WINDOW_BYTES]);
/* Where in the windows a linear address is, or -1. */
int window_offset(uint32_t linear);
/* One line, and back. The row, operand size and REP prefix are found again from the bytes. */
void case_print(const struct silicon_case *c, char *text, size_t size);
bool case_parse(const char *text, struct silicon_case *c);
void case_decode(struct silicon_case *c);

static inline bool is_trap(unsigned vector) /* #DB after the instruction, or the INT3 behind it */
{
    return vector == FAULT_DB || vector == FAULT_BP;
}

/* ---- generate.c ---- */

/* The rows of the opcode map that user-mode tests cover, in the map's order. */
struct row_place {
    const struct opcode *row; /* NULL: a hole that must be #UD */
    uint16_t opcode;          /* 0F00h + byte for the second map */
    int8_t group;             /* ModRM.reg, or -1 */
};
const struct row_place *rows_list(unsigned *count);
/* A case for that row; the same `state` gives the same case. */
void case_generate(const struct row_place *place, uint64_t *state, struct silicon_case *c);

/* ---- rules.c ---- */

/* Why the row is not tested here, or NULL. */
const char *row_left_out(const struct row_place *place);
/* Flags that the manual leaves undefined after the case. */
uint32_t undefined_flags(const struct silicon_case *c);
/* The manual leaves registers or memory undefined too. */
bool undefined_result(const struct silicon_case *c);

enum vendor { VENDOR_UNKNOWN, VENDOR_INTEL, VENDOR_AMD };
struct difference {
    bool gpr, eip, flags, selector, vector, error, cr2, memory;
    uint32_t flag_bits;
};
/* Which known difference of the vendor explains this, as one sentence; or NULL. */
const char *vendor_explains(enum vendor vendor, const struct silicon_case *c,
                            const struct silicon_result *silicon, const struct silicon_result *ours,
                            const struct difference *difference);

/* ---- runners ---- */

struct native;
/* NULL, with one line in *why, where the host cannot. */
struct native *native_new(unsigned capacity, const char **why);
void native_free(struct native *native);
enum vendor native_vendor(void);
/* Starts on up to `capacity` cases in a child process, and waits for it. */
void native_start(struct native *native, const struct silicon_case *cases, unsigned count);
void native_wait(struct native *native, struct silicon_result *results);

struct guest;
struct guest *guest_new(void);
void guest_free(struct guest *guest);
/* Memory as it was at first: what cases left outside the windows is gone. Before each batch, as on the other side. */
void guest_reset(struct guest *guest);
void guest_run(struct guest *guest, const struct silicon_case *c, struct silicon_result *result);

#endif

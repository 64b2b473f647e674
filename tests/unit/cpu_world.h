/* SPDX-License-Identifier: MIT */
/*
 * A CPU in a small protected-mode world, for the tests of segments, gates and faults: GDT, IDT, LDT, a TSS, stacks and a
 * handler for each vector that halts. It stands on cpu_fixture.h and sets up its own tables.
 */
#ifndef TESTS_UNIT_CPU_WORLD_H
#define TESTS_UNIT_CPU_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "tests/unit/cpu_fixture.h"

/* Where things are. */
enum {
    WORLD_GDT = 0x1000,
    WORLD_GDT_LIMIT = 0xff,
    WORLD_IDT = 0x2000,
    WORLD_IDT_LIMIT = 0x7ff,
    WORLD_TSS = 0x3000,
    WORLD_LDT = 0x3800,
    WORLD_TSS16 = 0x3c00,
    WORLD_TSS_NEXT = 0x4000, /* for a second task */
    WORLD_PAGES = 0x40000,   /* page directory, then one page table: the first 4 MiB as they are */
    WORLD_HANDLERS = 0x8000, /* one byte a vector, HLT */
    WORLD_CODE = 0x10000,
    WORLD_STACK0 = 0x20000,
    WORLD_STACK1 = 0x22000,
    WORLD_STACK3 = 0x28000,
};

/* Selectors of the GDT, RPL 0. */
enum {
    CODE0 = 0x08,
    DATA0 = 0x10,
    CODE1 = 0x18,
    DATA1 = 0x20,
    CODE3 = 0x28,
    DATA3 = 0x30,
    TSS32 = 0x38,
    LDT = 0x40,
    CONFORMING0 = 0x48,
    CODE16 = 0x50,
    DATA16 = 0x58,
    TSS16 = 0x60,
    SLOT0 = 0x68,
    SLOT1 = 0x70,
    SLOT2 = 0x78,
    BEYOND = 0x100,
};

/* Access bytes. */
enum {
    ACC_CODE = 0x9b,
    ACC_DATA = 0x93,
    ACC_CONFORMING = 0x9f,
    ACC_EXECUTE_ONLY = 0x99,
    ACC_DPL1 = 0x20,
    ACC_DPL3 = 0x60,
    ACC_TSS32 = 0x89,
    ACC_TSS32_BUSY = 0x8b,
    ACC_TSS16_BUSY = 0x83,
    ACC_LDT = 0x82,
    ACC_NOT = 0x80 /* taken away: P */,
    GATE_CALL16 = 0x84,
    GATE_TASK = 0x85,
    GATE_INT16 = 0x86,
    GATE_TRAP16 = 0x87,
    GATE_CALL32 = 0x8c,
    GATE_INT32 = 0x8e,
    GATE_TRAP32 = 0x8f,
};
enum { FLAT32 = 0xc, BYTES16 = 0x0, BYTES32 = 0x4 }; /* G, D/B */

struct world {
    struct cpu_fixture fixture;
    struct cpu *cpu; /* the fixture's */
};

struct world *world_new(void); /* after reset; the tables are in memory, nothing is loaded */
void world_free(struct world *world);

uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags);
uint64_t gate(uint16_t selector, uint32_t offset, unsigned access, unsigned count);

void poke(struct world *world, uint32_t at, const void *bytes, size_t size);
void poke16(struct world *world, uint32_t at, uint16_t value);
void poke32(struct world *world, uint32_t at, uint32_t value);
void poke64(struct world *world, uint32_t at, uint64_t value);
uint16_t peek16(const struct world *world, uint32_t at);
uint32_t peek32(const struct world *world, uint32_t at);
uint64_t peek64(const struct world *world, uint32_t at);
static inline void set_descriptor(struct world *world, uint16_t selector, uint64_t value)
{
    poke64(world, WORLD_GDT + (selector & 0xfff8), value);
}
static inline void set_gate(struct world *world, unsigned vector, uint64_t value)
{
    poke64(world, WORLD_IDT + 8 * vector, value);
}

/* Everything loaded, at this privilege level (0, 1 or 3), flat 32-bit segments, IF and IOPL 0. EIP is WORLD_CODE. */
void world_protect(struct world *world, unsigned cpl);
struct world *protected_world(unsigned cpl); /* world_new and world_protect */
/* Real mode at 1000:0000 (WORLD_CODE), stack 2000:8000, vectors at 0 leading to HLTs at 0000:8000 + vector. */
void world_real(struct world *world);
/* Virtual-8086 mode at 1000:0000 (WORLD_CODE), stack 2800:1000 (below WORLD_STACK3 + 1000h), IOPL 0; the TSS has the
 * bitmaps: all ports forbidden, all vectors redirected. */
void world_v86(struct world *world);
/* The first 4 MiB mapped one to one, user and writable; world_page changes the flags of a page. */
void world_paging(struct world *world);
void world_page(struct world *world, uint32_t linear, uint32_t flags);

struct cpu_state state_of(const struct world *world);
void set_state(struct world *world, const struct cpu_state *state);
struct cpu_segment_state segment_of(const struct world *world, unsigned n);
uint32_t eflags_of(const struct world *world);
uint32_t esp_of(const struct world *world);
void set_eflags(struct world *world, uint32_t bits); /* sets these bits */
void set_register(struct world *world, unsigned n, uint32_t value);
uint32_t get_register(const struct world *world, unsigned n);
/* Puts code at WORLD_CODE and runs until a halt or `budget` instructions. */
enum cpu_stop run(struct world *world, const void *code, size_t size, uint64_t budget);
#define RUN(world, code) run(world, code, sizeof(code) - 1, 100)
/* Goes on where the CPU is. */
enum cpu_stop go(struct world *world, uint64_t budget);

/* The last fault of the history; fails the test when there is none. */
const struct fault_record *last_fault(const struct world *world);
void expect_fault(const struct world *world, unsigned vector, uint32_t error, enum fault_reason reason);
/* The CPU halted in the handler of that vector. */
void expect_in_handler(const struct world *world, unsigned vector);
void expect_text(const char *text, const char *part);

#endif

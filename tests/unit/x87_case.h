/* SPDX-License-Identifier: MIT */
/* One FPU instruction, with the FPU state, memory and flags around it, carried out by Vitrine. */
#ifndef TESTS_UNIT_X87_CASE_H
#define TESTS_UNIT_X87_CASE_H

#include <stdio.h>
#include <string.h>
#include "emu/cpu/flags.h"
#include "emu/cpu/internal.h"
#include "tests/unit/cpu_fixture.h"
#include "tests/unit/float80_operands.h"

#define X87_MEMORY 128

/* Before and after an instruction. */
struct x87_case {
    uint16_t control, status; /* status with TOP */
    uint8_t used;             /* by register number */
    uint16_t flags;           /* arithmetic flags */
    struct float80 st[8];     /* by stack position */
    uint8_t memory[X87_MEMORY];
    uint16_t ax;
};

#define CASE_CODE 0x1000u
#define CASE_DATA 0x8000u

/* ---- Vitrine ---- */

/* The instruction is the same for many cases: put there once. */
static inline void x87_case_code(struct cpu_fixture *fixture, const uint8_t *bytes, size_t size)
{
    cpu_fixture_flat(fixture, CASE_CODE);
    cpu_fixture_code(fixture, CASE_CODE, bytes, size);
    fixture->cpu->s.cr0 |= 0x20; /* NE */
}

static inline void x87_case_run(struct cpu_fixture *fixture, struct x87_case *c)
{
    struct cpu *cpu = fixture->cpu;
    struct x87_state *fpu = &cpu->s.x87;
    uint8_t *memory = fixture->ram->host + CASE_DATA;
    *fpu = (struct x87_state){.control = c->control, .status = c->status & 0xc7ff, .used = c->used};
    fpu->top = c->status >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) fpu->reg[(fpu->top + i) & 7] = c->st[i];
    memcpy(memory, c->memory, X87_MEMORY);
    flags_load_arithmetic(cpu, c->flags);
    cpu->s.gpr[CPU_EAX] = CASE_DATA;
    cpu->s.eip = CASE_CODE;
    cpu_run(cpu, 1, false);
    c->control = fpu->control;
    c->status = x87_status_word(fpu);
    c->used = fpu->used;
    for (unsigned i = 0; i < 8; i++) c->st[i] = fpu->reg[(fpu->top + i) & 7];
    memcpy(c->memory, memory, X87_MEMORY);
    c->flags = flags_compose(cpu) & FLAG_ARITHMETIC;
    c->ax = (uint16_t)cpu->s.gpr[CPU_EAX];
}

/* ---- random cases ---- */

/* A case with `memory` good for every operand format. No exception is pending. */
static inline void random_case(struct x87_case *c)
{
    memset(c, 0, sizeof(*c));
    unsigned masks = pick(3) ? 0x3f : pick(64);
    c->control = (uint16_t)(0x40 | masks | pick(4) << 10 | (pick(3) ? 3u : pick(4)) << 8);
    c->status = (uint16_t)((random64() & 0x7f00) | (random64() & masks & (pick(2) ? 0x7f : 0)));
    c->used = pick(6) ? 0xff : (uint8_t)random64();
    if (pick(4)) c->used &= (uint8_t) ~(1 << (((c->status >> 11) - 1) & 7)); /* room for a push */
    c->flags = (uint16_t)(random64() & FLAG_ARITHMETIC);
    for (unsigned i = 0; i < 8; i++) c->st[i] = random_float80();
    uint64_t low = pick(2) ? random_memory(52, 11) : random_memory(23, 8) | random64() << 32;
    struct float80 extended = random_float80();
    if (pick(3) == 0) low = (uint64_t)((int64_t)random64() >> pick(64));
    if (pick(3) == 0) low = extended.mantissa;
    le64_store(c->memory, low);
    le16_store(c->memory + 8, extended.sign_exponent);
}

/* ---- comparing ---- */

static inline const char *case_differs(const struct x87_case *a, const struct x87_case *b)
{
    if (a->status != b->status) return "status";
    if (a->control != b->control) return "control";
    if (a->used != b->used) return "tags";
    for (unsigned i = 0; i < 8; i++) {
        static const char *const names[8] = {"st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"};
        if (a->st[i].mantissa != b->st[i].mantissa || a->st[i].sign_exponent != b->st[i].sign_exponent)
            return names[i];
    }
    if (a->flags != b->flags) return "flags";
    if (memcmp(a->memory, b->memory, X87_MEMORY)) return "memory";
    return NULL;
}

static inline void print_case(const char *who, const struct x87_case *c)
{
    printf("%8s cw %04x sw %04x used %02x flags %03x", who, c->control, c->status, c->used, c->flags);
    for (unsigned i = 0; i < 8; i++)
        if (i < 3 || i == 7)
            printf(" %04x:%016llx", c->st[i].sign_exponent, (unsigned long long)c->st[i].mantissa);
    printf(" mem %04x:%016llx\n", le16_load(c->memory + 8), (unsigned long long)le64_load(c->memory));
}

/* D9 F0 to F3, F9, FB, FE, FF: within an ulp of each other; C1 says how each rounded its own result. */
static inline bool transcendental(uint8_t opcode, uint8_t modrm)
{
    return opcode == 0xd9 &&
           ((modrm >= 0xf0 && modrm <= 0xf3) || modrm == 0xf9 || modrm == 0xfb || modrm >= 0xfe);
}

static inline void allow_ulps(const struct x87_case *ours, struct x87_case *theirs, uint64_t most)
{
    bool rounded = ours->status & theirs->status & FLOAT_INEXACT;
    if (!rounded) return;
    theirs->status = (uint16_t)((theirs->status & ~0x200) | (ours->status & 0x200));
    for (unsigned i = 0; i < 2; i++) {
        uint64_t a = ours->st[i].mantissa, b = theirs->st[i].mantissa;
        int exponents = ours->st[i].sign_exponent - theirs->st[i].sign_exponent;
        bool near = exponents == 0 && (a - b <= most || b - a <= most);
        near |= exponents == 1 && 2 * a - b <= most;
        near |= exponents == -1 && 2 * b - a <= most;
        if (near) theirs->st[i] = ours->st[i];
    }
}

#endif

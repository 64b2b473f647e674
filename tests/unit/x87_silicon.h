/* SPDX-License-Identifier: MIT */
/*
 * One FPU instruction carried out by the processor that the test runs on (x86-64). The same bytes mean the
 * same there in 64-bit mode and in Vitrine's 32-bit mode, with the memory operand at [RAX] and [EAX].
 */
#ifndef TESTS_UNIT_X87_SILICON_H
#define TESTS_UNIT_X87_SILICON_H

#include <cpuid.h>
#include <sys/mman.h>
#include "tests/unit/x87_case.h"

struct fx_image {
    uint16_t control, status;
    uint8_t used, reserved;
    uint16_t opcode;
    uint64_t code, data;
    uint32_t mxcsr, mxcsr_mask;
    struct {
        uint64_t mantissa;
        uint16_t sign_exponent, reserved[3];
    } st[8];
    uint8_t rest[512 - 160];
} __attribute__((aligned(16)));

typedef void silicon_stub(const struct fx_image *in, struct fx_image *out, void *memory, uint64_t *flags,
                          uint64_t *ax);

/* Machine code around the instruction: rdi, rsi: images; rdx: memory; rcx: flags in and out; r8: rax
 * afterwards. */
static inline silicon_stub *silicon_code(const uint8_t *bytes, size_t size)
{
    static const uint8_t before[] = {
        0x48, 0x89, 0xd0,       /* mov rax, rdx */
        0x48, 0x0f, 0xae, 0x0f, /* fxrstor64 [rdi] */
        0xff, 0x31,             /* push qword [rcx] */
        0x9d,                   /* popfq */
    };
    static const uint8_t after[] = {
        0x9c,                   /* pushfq */
        0x8f, 0x01,             /* pop qword [rcx] */
        0x49, 0x89, 0x00,       /* mov [r8], rax */
        0x48, 0x0f, 0xae, 0x06, /* fxsave64 [rsi] */
        0xdb, 0xe3,             /* fninit */
        0xc3,                   /* ret */
    };
    static uint8_t *page;
    if (!page)
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return NULL;
    memcpy(page, before, sizeof(before));
    memcpy(page + sizeof(before), bytes, size);
    memcpy(page + sizeof(before) + size, after, sizeof(after));
    silicon_stub *stub;
    memcpy(&stub, &page, sizeof(stub));
    return stub;
}

static inline void silicon_run(silicon_stub *stub, struct x87_case *c)
{
    static struct fx_image in, out;
    uint64_t flags = c->flags | 0x202u, ax = 0;
    in.control = c->control;
    in.status = c->status;
    in.used = c->used;
    in.mxcsr = 0x1f80;
    for (unsigned i = 0; i < 8; i++) {
        in.st[i].mantissa = c->st[i].mantissa;
        in.st[i].sign_exponent = c->st[i].sign_exponent;
    }
    stub(&in, &out, c->memory, &flags, &ax);
    c->control = out.control;
    c->status = out.status;
    c->used = out.used;
    c->flags = flags & FLAG_ARITHMETIC;
    c->ax = (uint16_t)ax;
    for (unsigned i = 0; i < 8; i++) c->st[i] = (struct float80){out.st[i].mantissa, out.st[i].sign_exponent};
}

/*
 * Where processors differ from the manual, the manual decides; seen on AMD family 19h:
 * - comparisons set the conditions or flags to unordered although an invalid operand is unmasked (SDM 2,
 *   FCOM, FCOMI);
 * - FCOMI and its relatives leave C1 as it was (SDM 2: set to 0).
 */
static inline void apply_differences(const struct x87_row *row, const struct x87_case *before,
                                     const struct x87_case *ours, struct x87_case *theirs)
{
    bool compares = strstr(row->name, "com") || !strcmp(row->name, "ftst");
    bool to_flags = strstr(row->name, "comi") && strchr(row->operands, ',');
    bool invalid = ours->status & ~ours->control & FLOAT_INVALID;
    if (!compares) return;
    if (to_flags) theirs->status &= 0xfdff;
    if (!invalid) return;
    if (to_flags)
        theirs->flags = (uint16_t)((theirs->flags & ~0x45) | (before->flags & 0x45));
    else
        theirs->status = (uint16_t)((theirs->status & ~0x4500) | (before->status & 0x4500));
}

/* Where the manual leaves something open, Vitrine does what the processors did that it was compared with.
 * Others may do something else, so that there only what the manual says is compared. */
static inline bool silicon_is_known(void)
{
    unsigned eax, ebx = 0, ecx, edx;
    return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == 0x68747541; /* "Auth"enticAMD */
}

/* Rows in parentheses; F2XM1 and FYL2XP1 out of range; partial steps of FPREM; an unmasked denormal
 * operand. */
static inline bool silicon_left_open(const struct x87_row *row, const struct x87_case *before,
                                     const struct x87_case *ours)
{
    unsigned exponent = before->st[0].sign_exponent & FLOAT80_EXPONENT;
    if (row->name[0] == '(') return true;
    if (!strcmp(row->name, "f2xm1") && exponent >= FLOAT80_BIAS) return true;
    if (!strcmp(row->name, "fyl2xp1") && exponent >= FLOAT80_BIAS - 2) return true;
    if (!strncmp(row->name, "fprem", 5) && (ours->status & 0x400)) return true;
    return ours->status & ~ours->control & FLOAT_DENORMAL;
}

/* Conditions mean something after these only (SDM 2, "FPU Flags Affected"). */
static inline void silicon_forget_conditions(const struct x87_row *row, const struct x87_case *ours,
                                             struct x87_case *theirs)
{
    static const char *const keep[] = {"fcom",  "ficom", "fucom",  "ftst",   "fxam",
                                       "fprem", "fnst",  "frstor", "fldenv", "fnsave"};
    for (unsigned i = 0; i < ARRAY_COUNT(keep); i++) {
        if (!strncmp(row->name, keep[i], strlen(keep[i]))) return;
    }
    unsigned open =
        strstr(row->name, "sin") || strstr(row->name, "cos") || strstr(row->name, "tan") ? 0x4100 : 0x4500;
    if (!strcmp(row->name, "ffree")) open |= 0x200;
    theirs->status = (uint16_t)((theirs->status & ~open) | (ours->status & open));
}

#endif

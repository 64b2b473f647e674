/* SPDX-License-Identifier: MIT */
/*
 * CPUID (SDM 2, CPUID): a P6-class processor that says what is there and nothing else. No local APIC, no virtual-8086
 * extensions yet.
 */
#include <string.h>
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"

/* Family 6, model 5, stepping 2. */
#define CPUID_SIGNATURE 0x652u

/* Leaf 1, EDX. */
enum {
    CPUID_FPU = 1 << 0,   /* x87 */
    CPUID_DE = 1 << 2,    /* I/O breakpoints, CR4.DE */
    CPUID_PSE = 1 << 3,   /* 4 MiB pages */
    CPUID_TSC = 1 << 4,   /* RDTSC, CR4.TSD */
    CPUID_MSR = 1 << 5,   /* RDMSR, WRMSR */
    CPUID_CX8 = 1 << 8,   /* CMPXCHG8B */
    CPUID_SEP = 1 << 11,  /* SYSENTER, SYSEXIT */
    CPUID_MTRR = 1 << 12, /* memory type range registers */
    CPUID_PGE = 1 << 13,  /* global pages */
    CPUID_CMOV = 1 << 15, /* CMOVcc */
    CPUID_PAT = 1 << 16,  /* page attribute table */
    CPUID_FXSR = 1 << 24, /* FXSAVE, FXRSTOR, CR4.OSFXSR */
};
static const uint32_t features = CPUID_FPU | CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | CPUID_CX8 | CPUID_SEP |
                                 CPUID_MTRR | CPUID_PGE | CPUID_CMOV | CPUID_PAT | CPUID_FXSR;

#define CPUID_LAST          2u
#define CPUID_EXTENDED_LAST 0x80000004u

static const char vendor[] = "GenuineIntel";
static const char brand[48] = "Vitrine virtual CPU";

static void text_words(const char *text, unsigned words, uint32_t *out)
{
    for (unsigned i = 0; i < words; i++) out[i] = le32_load(text + 4 * i);
}

static void leaf_vendor(uint32_t out[4])
{
    uint32_t words[3];
    text_words(vendor, 3, words);
    out[0] = CPUID_LAST;
    out[1] = words[0];
    out[2] = words[2];
    out[3] = words[1];
}

void cpuid_leaf(uint32_t leaf, uint32_t out[4])
{
    memset(out, 0, 4 * sizeof(out[0]));
    switch (leaf) {
    case 0: leaf_vendor(out); break;
    case 2: out[0] = 1; break; /* descriptors of caches: none are modelled, all null */
    case 0x80000000: out[0] = CPUID_EXTENDED_LAST; break;
    case 0x80000001: break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: text_words(brand + 16 * (leaf - 0x80000002), 4, out); break;
    default: /* also what a leaf that does not exist gives: the highest basic one */
        out[0] = CPUID_SIGNATURE;
        out[3] = features;
        break;
    }
}

void body_cpuid(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    uint32_t out[4];
    cpuid_leaf(reg32(cpu, CPU_EAX), out);
    set_reg32(cpu, CPU_EAX, out[0]);
    set_reg32(cpu, CPU_EBX, out[1]);
    set_reg32(cpu, CPU_ECX, out[2]);
    set_reg32(cpu, CPU_EDX, out[3]);
}

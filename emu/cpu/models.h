/* SPDX-License-Identifier: MIT */
/*
 * CPU models: which processor this one says it is (SDM 2, CPUID). Everything that differs between models asks the
 * features: what CPUID answers, which bits of CR4 and which MSRs exist, which opcodes are #UD.
 */
#ifndef EMU_CPU_MODELS_H
#define EMU_CPU_MODELS_H

#include <stdbool.h>
#include <stdint.h>
#include "emu/core/error.h"

/* Bits 0-31: as in CPUID leaf 1, EDX; bits 32-63: as in leaf 80000001h, EDX. Reserved positions of the upper half
 * hold what CPUID does not show. */
#define FEATURE_FPU   (UINT64_C(1) << 0)  /* x87 */
#define FEATURE_VME   (UINT64_C(1) << 1)  /* virtual-8086 extensions, CR4.VME and CR4.PVI */
#define FEATURE_DE    (UINT64_C(1) << 2)  /* I/O breakpoints, CR4.DE */
#define FEATURE_PSE   (UINT64_C(1) << 3)  /* 4 MiB pages */
#define FEATURE_TSC   (UINT64_C(1) << 4)  /* RDTSC, CR4.TSD */
#define FEATURE_MSR   (UINT64_C(1) << 5)  /* RDMSR, WRMSR */
#define FEATURE_PAE   (UINT64_C(1) << 6)  /* 36-bit physical addresses, 2 MiB pages */
#define FEATURE_CX8   (UINT64_C(1) << 8)  /* CMPXCHG8B */
#define FEATURE_APIC  (UINT64_C(1) << 9)  /* a local APIC; only where cpu_wiring.apic names one */
#define FEATURE_SEP   (UINT64_C(1) << 11) /* SYSENTER, SYSEXIT */
#define FEATURE_MTRR  (UINT64_C(1) << 12) /* memory type range registers */
#define FEATURE_PGE   (UINT64_C(1) << 13) /* global pages */
#define FEATURE_CMOV  (UINT64_C(1) << 15) /* CMOVcc, with x87 FCMOVcc and FCOMI */
#define FEATURE_PAT   (UINT64_C(1) << 16) /* page attribute table */
#define FEATURE_PSE36 (UINT64_C(1) << 17) /* 4 MiB pages above 4 GiB */
#define FEATURE_FXSR  (UINT64_C(1) << 24) /* FXSAVE, FXRSTOR, CR4.OSFXSR */
#define FEATURE_NX    (UINT64_C(1) << 52) /* pages without execute permission, EFER.NXE */
#define FEATURE_HINT  (UINT64_C(1) << 32) /* not in CPUID: 0F 18 to 0F 1F are NOPs, since the Pentium Pro */

struct cpu_model {
    const char *name;
    uint8_t family, model, stepping;
    uint8_t basic_leaves;  /* highest basic CPUID leaf, 1 or 2 */
    bool extended_leaves;  /* 80000000h to 80000004h */
    uint8_t physical_bits; /* of addresses: 32 or 36 */
    uint64_t features;
    uint32_t leaf2[4]; /* descriptors of caches and TLBs, as CPUID leaf 2 gives them */
    const char *brand; /* at most 47 characters */
};

/* The model that is taken where none is named. */
extern const struct cpu_model cpu_model_default;

/*
 * "NAME", "NAME,+x,-y", "NAME,x=on,y=off": the model by that name with features added and taken away, from left to
 * right. Taking one away takes away what needs it; adding one whose need is missing is an error. False with the
 * error set, which lists the names that exist.
 */
bool cpu_model_parse(const char *text, struct cpu_model *model, struct error *error);
/* The models or features, for a person: " 486 pentium ...". */
void cpu_model_list(char *text, unsigned size);
void cpu_feature_list(char *text, unsigned size);

/* EAX of CPUID leaf 1, EDX after reset. */
static inline uint32_t cpu_model_signature(const struct cpu_model *model)
{
    return (uint32_t)model->family << 8 | (uint32_t)model->model << 4 | model->stepping;
}

static inline bool cpu_model_has(const struct cpu_model *model, uint64_t feature)
{
    return (model->features & feature) == feature;
}

#endif

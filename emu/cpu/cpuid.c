/* SPDX-License-Identifier: MIT */
/*
 * CPUID (SDM 2, CPUID): what the model has (models.c) and nothing else.
 */
#include <string.h>
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"

#define EXTENDED_FIRST 0x80000000u
#define EXTENDED_LAST  0x80000004u
#define BRAND_BYTES    48

static const char vendor[] = "GenuineIntel";

static void leaf_vendor(const struct cpu_model *model, uint32_t out[4])
{
    out[0] = model->basic_leaves;
    out[1] = le32_load(vendor);
    out[3] = le32_load(vendor + 4);
    out[2] = le32_load(vendor + 8);
}

/* The features, and in EBX the initial APIC ID. */
static void leaf_features(const struct cpu *cpu, uint32_t out[4])
{
    out[0] = cpu_model_signature(&cpu->model);
    if (cpu_model_has(&cpu->model, FEATURE_APIC)) out[1] = (uint32_t)cpu->wiring.apic_id << 24;
    out[3] = (uint32_t)cpu->model.features;
    if (cpu->apic_page == UINT64_MAX) out[3] &= ~(uint32_t)FEATURE_APIC; /* SDM 3A, 10.4.3 */
}

/* 48 characters over three leaves, filled up with zeros. */
static void leaf_brand(const struct cpu_model *model, unsigned part, uint32_t out[4])
{
    char text[BRAND_BYTES] = "";
    strncpy(text, model->brand, sizeof(text) - 1);
    for (unsigned i = 0; i < 4; i++) out[i] = le32_load(text + 16 * part + 4 * i);
}

/* A leaf that does not exist gives the highest basic one. */
static uint32_t leaf_that_exists(const struct cpu_model *model, uint32_t leaf)
{
    if (leaf <= model->basic_leaves) return leaf;
    if (model->extended_leaves && leaf >= EXTENDED_FIRST && leaf <= EXTENDED_LAST) return leaf;
    return model->basic_leaves;
}

void cpuid_leaf(const struct cpu *cpu, uint32_t leaf, uint32_t out[4])
{
    const struct cpu_model *model = &cpu->model;
    memset(out, 0, 4 * sizeof(out[0]));
    leaf = leaf_that_exists(model, leaf);
    switch (leaf) {
    case 0: leaf_vendor(model, out); break;
    case 1: leaf_features(cpu, out); break;
    case 2: memcpy(out, model->leaf2, sizeof(model->leaf2)); break;
    case EXTENDED_FIRST: out[0] = EXTENDED_LAST; break;
    case EXTENDED_FIRST + 1: out[3] = (uint32_t)((model->features & FEATURE_NX) >> 32); break;
    default: leaf_brand(model, leaf - EXTENDED_FIRST - 2, out); break;
    }
}

BODY(cpuid)
{
    (void)insn;
    uint32_t out[4];
    cpuid_leaf(cpu, reg32(cpu, CPU_EAX), out);
    set_reg32(cpu, CPU_EAX, out[0]);
    set_reg32(cpu, CPU_EBX, out[1]);
    set_reg32(cpu, CPU_ECX, out[2]);
    set_reg32(cpu, CPU_EDX, out[3]);
}

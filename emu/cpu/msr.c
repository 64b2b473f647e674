/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers: a table of those that exist. SDM 4, 2.1 and 2.23 (P6 family); MTRRs: SDM
 * 3A, 11.11; PAT: 11.12. Memory types are kept and have no effect: there are no caches.
 */
#include "emu/cpu/system.h"
#include "emu/cpu/system_bodies.h"

/* What a value must satisfy besides the mask. */
enum msr_check {
    CHECK_NONE,
    CHECK_TYPE,  /* the low byte is a memory type */
    CHECK_TYPES, /* all eight bytes are */
    CHECK_PAT,   /* all eight bytes are; type 7 (UC-) too */
};

struct msr_row {
    const char *name;
    uint32_t number;
    uint8_t count, step; /* of like registers, and the distance of their numbers */
    size_t offset;       /* of the first in struct cpu_state; NO_FIELD: it reads as `constant` */
    uint64_t constant;
    uint64_t writable; /* bits; 0: read-only */
    enum msr_check check;
    uint64_t needs; /* features of the model */
};
#define NO_FIELD      SIZE_MAX
#define FIELD(member) offsetof(struct cpu_state, member), 0

#define MSR_TSC          0x10u
#define MSR_EFER         0xc0000080u
#define MSR_APIC_BASE    0x1bu
#define APIC_BASE_ENABLE (1u << 11)
/* 36 bits of physical address, as CPUID leaf 1 of a P6 implies. */
#define MTRR_PHYSICAL UINT64_C(0xffffff000)
#define ALL_BITS      UINT64_MAX
/* MTRRCAP: write-combining, fixed ranges, 8 variable ones. */
#define MTRRCAP_VALUE (1u << 10 | 1u << 8 | 8u)

static const struct msr_row rows[] = {
    {"PLATFORM_ID", 0x17, 1, 1, NO_FIELD, 0, 0, CHECK_NONE, 0},
    {"BIOS_SIGN_ID", 0x8b, 1, 1, NO_FIELD, 0, ALL_BITS, CHECK_NONE, 0}, /* no microcode: writes are lost */
    {"MTRRCAP", 0xfe, 1, 1, NO_FIELD, MTRRCAP_VALUE, 0, CHECK_NONE, FEATURE_MTRR},
    {"SYSENTER_CS", 0x174, 1, 1, FIELD(msr_sysenter_cs), 0xffffffff, CHECK_NONE, FEATURE_SEP},
    {"SYSENTER_ESP", 0x175, 1, 1, FIELD(msr_sysenter_esp), 0xffffffff, CHECK_NONE, FEATURE_SEP},
    {"SYSENTER_EIP", 0x176, 1, 1, FIELD(msr_sysenter_eip), 0xffffffff, CHECK_NONE, FEATURE_SEP},
    {"MISC_ENABLE", 0x1a0, 1, 1, FIELD(msr_misc_enable), 1, CHECK_NONE, 0}, /* fast strings */
    {"MTRR_PHYSBASE", 0x200, 8, 2, FIELD(msr_mtrr_phys_base), MTRR_PHYSICAL | 0xff, CHECK_TYPE, FEATURE_MTRR},
    {"MTRR_PHYSMASK", 0x201, 8, 2, FIELD(msr_mtrr_phys_mask), MTRR_PHYSICAL | 0x800, CHECK_NONE,
     FEATURE_MTRR},
    {"MTRR_FIX64K", 0x250, 1, 1, FIELD(msr_mtrr_fixed[0]), ALL_BITS, CHECK_TYPES, FEATURE_MTRR},
    {"MTRR_FIX16K", 0x258, 2, 1, FIELD(msr_mtrr_fixed[1]), ALL_BITS, CHECK_TYPES, FEATURE_MTRR},
    {"MTRR_FIX4K", 0x268, 8, 1, FIELD(msr_mtrr_fixed[3]), ALL_BITS, CHECK_TYPES, FEATURE_MTRR},
    {"PAT", 0x277, 1, 1, FIELD(msr_pat), UINT64_C(0x0707070707070707), CHECK_PAT, FEATURE_PAT},
    {"EFER", 0xc0000080, 1, 1, FIELD(msr_efer), EFER_NXE, CHECK_NONE, FEATURE_NX},
    {"MTRR_DEF_TYPE", 0x2ff, 1, 1, FIELD(msr_mtrr_def_type), 0xcff, CHECK_TYPE, FEATURE_MTRR},
};

static const struct msr_row *msr_find(const struct cpu *cpu, uint32_t number, unsigned *index)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t distance = number - rows[i].number;
        *index = distance / rows[i].step;
        bool in_row = number >= rows[i].number && distance % rows[i].step == 0 && *index < rows[i].count;
        if (in_row) return cpu_model_has(&cpu->model, rows[i].needs) ? &rows[i] : NULL;
    }
    return NULL;
}

/* The place of a register in the state. */
static uint64_t *msr_field(struct cpu_state *state, const struct msr_row *row, unsigned index)
{
    return (uint64_t *)((uint8_t *)state + row->offset) + index;
}

static bool memory_type_exists(uint8_t type, bool pat)
{
    return type == 0 || type == 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}

static bool memory_types_exist(uint64_t value, unsigned bytes, bool pat)
{
    for (unsigned i = 0; i < bytes; i++)
        if (!memory_type_exists((uint8_t)(value >> (8 * i)), pat)) return false;
    return true;
}

static enum fault_reason msr_check(const struct msr_row *row, uint64_t value)
{
    if (!row->writable) return REASON_MSR_READ_ONLY;
    if (value & ~row->writable) return REASON_MSR_RESERVED_BITS;
    unsigned bytes = row->check == CHECK_NONE ? 0 : row->check == CHECK_TYPE ? 1 : 8;
    return memory_types_exist(value, bytes, row->check == CHECK_PAT) ? REASON_NONE : REASON_MSR_MEMORY_TYPE;
}

uint64_t tsc_read(const struct cpu *cpu)
{
    return (uint64_t)clock_now(cpu->wiring.clock) + (uint64_t)cpu->s.tsc_offset;
}

void tsc_write(struct cpu *cpu, uint64_t value)
{
    cpu->s.tsc_offset = (int64_t)(value - (uint64_t)clock_now(cpu->wiring.clock));
}

void apic_page_refresh(struct cpu *cpu)
{
    static const uint32_t *const none_stored[APIC_STORED];
    const struct cpu_apic *apic = cpu->wiring.apic;
    cpu->apic_stored = apic && apic->stored ? apic->stored(cpu->wiring.owner) : none_stored;
    uint64_t base = apic ? apic->base_read(cpu->wiring.owner) : 0;
    cpu->apic_page = base & APIC_BASE_ENABLE ? base & MTRR_PHYSICAL : UINT64_MAX;
}

static bool has_apic_base(const struct cpu *cpu, uint32_t number)
{
    return number == MSR_APIC_BASE && cpu->wiring.apic && cpu_model_has(&cpu->model, FEATURE_APIC);
}

bool msr_read(struct cpu *cpu, uint32_t number, uint64_t *value)
{
    unsigned index;
    if (number == MSR_TSC && cpu_model_has(&cpu->model, FEATURE_TSC)) {
        *value = tsc_read(cpu);
        return true;
    }
    if (has_apic_base(cpu, number)) {
        *value = cpu->wiring.apic->base_read(cpu->wiring.owner);
        return true;
    }
    const struct msr_row *row = msr_find(cpu, number, &index);
    if (!row) return false;
    *value = row->offset == NO_FIELD ? row->constant : *msr_field(&cpu->s, row, index);
    return true;
}

bool msr_write(struct cpu *cpu, uint32_t number, uint64_t value, enum fault_reason *reason)
{
    unsigned index;
    if (number == MSR_TSC && cpu_model_has(&cpu->model, FEATURE_TSC)) {
        tsc_write(cpu, value);
        return true;
    }
    if (has_apic_base(cpu, number)) {
        *reason = REASON_MSR_RESERVED_BITS;
        bool taken = cpu->wiring.apic->base_write(cpu->wiring.owner, value);
        apic_page_refresh(cpu);
        return taken;
    }
    const struct msr_row *row = msr_find(cpu, number, &index);
    *reason = row ? msr_check(row, value) : REASON_MSR_UNKNOWN;
    if (*reason != REASON_NONE) return false;
    if (row->offset != NO_FIELD) *msr_field(&cpu->s, row, index) = value;
    if (number == MSR_EFER) mode_changed(cpu);
    return true;
}

static _Noreturn void msr_fault(struct cpu *cpu, uint32_t number, enum fault_reason reason)
{
    struct fault fault = {.vector = FAULT_GP, .has_error = true, .reason = reason, .address = number};
    fault_raise(cpu, &fault);
}

BODY(rdmsr)
{
    (void)insn;
    uint32_t number = reg32(cpu, CPU_ECX);
    uint64_t value;
    privilege_check_cpl0(cpu);
    if (!msr_read(cpu, number, &value)) msr_fault(cpu, number, REASON_MSR_UNKNOWN);
    set_reg32(cpu, CPU_EAX, (uint32_t)value);
    set_reg32(cpu, CPU_EDX, (uint32_t)(value >> 32));
}

BODY(wrmsr)
{
    (void)insn;
    uint32_t number = reg32(cpu, CPU_ECX);
    enum fault_reason reason;
    privilege_check_cpl0(cpu);
    uint64_t value = (uint64_t)reg32(cpu, CPU_EDX) << 32 | reg32(cpu, CPU_EAX);
    if (!msr_write(cpu, number, value, &reason)) msr_fault(cpu, number, reason);
}

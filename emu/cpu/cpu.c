/* SPDX-License-Identifier: MIT */
/* A CPU as a whole: making one, reset (SDM 3A, 9.1), state in and out, breakpoints of the engine, the
 * register dump. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/log.h"
#include "emu/cpu/block.h"
#include "emu/cpu/decode.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/run.h"
#include "emu/cpu/segment.h"
#include "emu/cpu/system.h"

/* ---- state as data ---- */

static const struct state_field segment_fields[] = {
    STATE_FIELD(struct cpu_segment_state, selector),
    STATE_FIELD(struct cpu_segment_state, access),
    STATE_FIELD(struct cpu_segment_state, limit),
    STATE_FIELD(struct cpu_segment_state, base),
    STATE_END,
};

static const struct state_field descriptor_table_fields[] = {
    STATE_FIELD(struct cpu_table_state, base),
    STATE_FIELD(struct cpu_table_state, limit),
    STATE_END,
};

static const struct state_field cpu_fields[] = {
    STATE_FIELD(struct cpu_state, gpr),
    STATE_FIELD(struct cpu_state, eip),
    STATE_FIELD(struct cpu_state, eflags),
    STATE_STRUCTS(struct cpu_state, segment, segment_fields),
    STATE_STRUCT_FIELD(struct cpu_state, ldtr, segment_fields),
    STATE_STRUCT_FIELD(struct cpu_state, tr, segment_fields),
    STATE_STRUCT_FIELD(struct cpu_state, gdtr, descriptor_table_fields),
    STATE_STRUCT_FIELD(struct cpu_state, idtr, descriptor_table_fields),
    STATE_FIELD(struct cpu_state, cr0),
    STATE_FIELD(struct cpu_state, cr2),
    STATE_FIELD(struct cpu_state, cr3),
    STATE_FIELD(struct cpu_state, cr4),
    STATE_FIELD(struct cpu_state, pdpte),
    STATE_FIELD(struct cpu_state, dr),
    STATE_FIELD(struct cpu_state, msr_sysenter_cs),
    STATE_FIELD(struct cpu_state, msr_sysenter_esp),
    STATE_FIELD(struct cpu_state, msr_sysenter_eip),
    STATE_FIELD(struct cpu_state, msr_misc_enable),
    STATE_FIELD(struct cpu_state, msr_pat),
    STATE_FIELD(struct cpu_state, msr_efer),
    STATE_FIELD(struct cpu_state, msr_mtrr_def_type),
    STATE_FIELD(struct cpu_state, msr_mtrr_fixed),
    STATE_FIELD(struct cpu_state, msr_mtrr_phys_base),
    STATE_FIELD(struct cpu_state, msr_mtrr_phys_mask),
    STATE_FIELD(struct cpu_state, tsc_offset),
    STATE_STRUCT_FIELD(struct cpu_state, x87, x87_fields),
    STATE_FIELD(struct cpu_state, cpl),
    STATE_FIELD(struct cpu_state, halted),
    STATE_FIELD(struct cpu_state, wait_for_sipi),
    STATE_FIELD(struct cpu_state, shutdown),
    STATE_FIELD(struct cpu_state, nmi_blocked),
    STATE_FIELD(struct cpu_state, nmi_pending),
    STATE_FIELD(struct cpu_state, intr),
    STATE_FIELD(struct cpu_state, a20),
    STATE_FIELD(struct cpu_state, interrupt_shadow),
    STATE_FIELD(struct cpu_state, repeating),
    STATE_FIELD(struct cpu_state, deliveries),
    STATE_FIELD(struct cpu_state, debug_status),
    STATE_END,
};

const struct state_table cpu_state_table = {"cpu", 4, sizeof(struct cpu_state), cpu_fields};

void cpu_get_state(const struct cpu *cpu, struct cpu_state *state)
{
    *state = cpu->s;
    state->eflags = flags_compose(cpu);
    if (cpu->deliveries_at != cpu_retired_in_all(cpu)) state->deliveries = 0;
}

void cpu_set_state(struct cpu *cpu, const struct cpu_state *state)
{
    cpu->s = *state;
    cpu->s.gpr[REG_NONE] = 0;
    apic_page_refresh(cpu);
    flags_load(cpu, (uint32_t)state->eflags);
    cpu->deliveries_at = cpu_retired_in_all(cpu);
    segment_derive_all(cpu);
    mode_changed(cpu);
    debug_registers_changed(cpu); /* flushes the TLB too */
    run_at_boundary(cpu);
    run_attention_refresh(cpu);
}

bool cpu_debug_set_state(struct cpu *cpu, const struct cpu_state *state)
{
    struct cpu_state new = *state;
    bool changed =
        ((new.cr0 ^ cpu->s.cr0) & CR0_PG) || ((new.cr4 ^ cpu->s.cr4) & CR4_PAE) || new.cr3 != cpu->s.cr3;
    bool pae = (new.cr0 &CR0_PG) && (new.cr4 &CR4_PAE);
    if (changed && pae && !paging_read_pdptes(cpu, (uint32_t) new.cr3, new.pdpte)) return false;
    cpu_set_state(cpu, &new);
    return true;
}

/* ---- reset ---- */

static struct cpu_segment_state reset_segment(uint16_t access)
{
    return (struct cpu_segment_state){.access = access, .limit = 0xffff};
}

/* SDM 3A, table 9-1. Pins (INTR, A20) stay as they are. */
static struct cpu_state reset_values(const struct cpu *cpu)
{
    struct cpu_state state = {
        .eip = 0xfff0,
        .eflags = 2,
        .ldtr = reset_segment(ACCESS_PRESENT | SYSTEM_LDT),
        .tr = reset_segment(ACCESS_PRESENT | SYSTEM_TSS32_BUSY),
        .gdtr = {.limit = 0xffff},
        .idtr = {.limit = 0xffff},
        .cr0 = CR0_CD | CR0_NW | CR0_ET,
        .msr_misc_enable = 1,
        .msr_pat = UINT64_C(0x0007040600070406),
        .tsc_offset = cpu->wiring.clock ? -clock_now(cpu->wiring.clock) : 0,
        .intr = cpu->s.intr,
        .a20 = cpu->s.a20,
    };
    state.gpr[CPU_EDX] = cpu_model_signature(&cpu->model);
    state.dr[6] = 0xffff0ff0;
    state.dr[7] = 0x400;
    x87_reset(&state.x87);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state.segment[n] = reset_segment(ACCESS_PRESENT | ACCESS_SEGMENT | ACCESS_WRITABLE | ACCESS_ACCESSED);
    state.segment[CPU_CS].selector = 0xf000;
    state.segment[CPU_CS].base = 0xffff0000;
    return state;
}

/* What INIT leaves alone (SDM 3A, table 9-1). */
static void keep_over_init(const struct cpu_state *old, struct cpu_state *state)
{
    state->cr0 = (old->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    state->x87 = old->x87;
    state->tsc_offset = old->tsc_offset;
    state->msr_sysenter_cs = old->msr_sysenter_cs;
    state->msr_sysenter_esp = old->msr_sysenter_esp;
    state->msr_sysenter_eip = old->msr_sysenter_eip;
    state->msr_misc_enable = old->msr_misc_enable;
    state->msr_pat = old->msr_pat;
    state->msr_efer = old->msr_efer;
    state->msr_mtrr_def_type = old->msr_mtrr_def_type;
    memcpy(state->msr_mtrr_fixed, old->msr_mtrr_fixed, sizeof(state->msr_mtrr_fixed));
    memcpy(state->msr_mtrr_phys_base, old->msr_mtrr_phys_base, sizeof(state->msr_mtrr_phys_base));
    memcpy(state->msr_mtrr_phys_mask, old->msr_mtrr_phys_mask, sizeof(state->msr_mtrr_phys_mask));
}

void cpu_reset_state(struct cpu *cpu)
{
    struct cpu_state state = reset_values(cpu);
    bool power_on = !(cpu->attention & ATTENTION_INIT) || (cpu->attention & ATTENTION_RESET);
    if (!power_on) keep_over_init(&cpu->s, &state);
    state.wait_for_sipi = !power_on && !cpu->wiring.bootstrap;
    cpu->attention &= ~(uint32_t)(ATTENTION_RESET | ATTENTION_INIT);
    cpu->history_count = cpu->chain_count = 0;
    cpu_set_state(cpu, &state);
    if (log_on(LOG_CPU_RESET)) cpu_print(cpu, log_output());
}

/* From a callback it takes effect after the instruction under way. */
static void reset_request(struct cpu *cpu, enum attention kind)
{
    cpu->attention |= kind;
    if (cpu->running)
        block_cut(cpu);
    else
        cpu_reset_state(cpu);
}

void cpu_reset(struct cpu *cpu)
{
    reset_request(cpu, ATTENTION_RESET);
}

void cpu_init(struct cpu *cpu)
{
    reset_request(cpu, ATTENTION_INIT);
}

void cpu_startup(struct cpu *cpu, uint8_t vector)
{
    if (!cpu->s.wait_for_sipi) return;
    struct cpu_state state;
    cpu_get_state(cpu, &state);
    state.wait_for_sipi = false;
    state.segment[CPU_CS].selector = (uint16_t)(vector << 8);
    state.segment[CPU_CS].base = (uint64_t)vector << 12;
    state.eip = 0;
    cpu_set_state(cpu, &state);
}

/* ---- life ---- */

struct cpu *cpu_new(const struct cpu_wiring *wiring)
{
    struct cpu *cpu = calloc(1, sizeof(*cpu));
    if (!cpu || !block_cache_create(cpu) || !mmu_create(cpu)) {
        message("out of host memory for a CPU");
        abort();
    }
    cpu->wiring = *wiring;
    cpu->model = wiring->model ? *wiring->model : cpu_model_default;
    if (!wiring->apic) cpu->model.features &= ~FEATURE_APIC;
    cpu->rows_missing = decode_rows_missing(&cpu->model);
    cpu->s.a20 = true;
    run_at_boundary(cpu);
    block_cache_listen(cpu);
    cpu_reset_state(cpu);
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (!cpu) return;
    space_unlisten(&cpu->listener);
    block_cache_free(cpu);
    mmu_free(cpu);
    free(cpu->breakpoints);
    free(cpu);
}

const struct cpu_model *cpu_model(const struct cpu *cpu)
{
    return &cpu->model;
}

const struct cpu_stats *cpu_stats(const struct cpu *cpu)
{
    return &cpu->stats;
}

/* ---- breakpoints of the engine ---- */

static bool breakpoint_find(const struct cpu *cpu, uint64_t linear, unsigned *at)
{
    for (*at = 0; *at < cpu->breakpoint_count; (*at)++) {
        if (cpu->breakpoints[*at] == linear) return true;
    }
    return false;
}

bool cpu_breakpoint_add(struct cpu *cpu, uint64_t linear)
{
    unsigned at;
    linear = (uint32_t)linear;
    if (breakpoint_find(cpu, linear, &at)) return false;
    if (cpu->breakpoint_count == cpu->breakpoint_capacity) {
        unsigned capacity = cpu->breakpoint_capacity ? 2 * cpu->breakpoint_capacity : 8;
        uint64_t *more = realloc(cpu->breakpoints, capacity * sizeof(*more));
        if (!more) return false;
        cpu->breakpoints = more;
        cpu->breakpoint_capacity = capacity;
    }
    cpu->breakpoints[cpu->breakpoint_count++] = linear;
    debug_attention_refresh(cpu);
    block_cut(cpu);
    return true;
}

bool cpu_breakpoint_remove(struct cpu *cpu, uint64_t linear)
{
    unsigned at;
    if (!breakpoint_find(cpu, (uint32_t)linear, &at)) return false;
    cpu->breakpoints[at] = cpu->breakpoints[--cpu->breakpoint_count];
    debug_attention_refresh(cpu);
    return true;
}

/* ---- the dump ---- */

static void print_registers(const struct cpu_state *s, FILE *to)
{
    static const char *const names[] = {"EAX", "EBX", "ECX", "EDX", "ESI", "EDI", "EBP", "ESP"};
    static const uint8_t order[] = {CPU_EAX, CPU_EBX, CPU_ECX, CPU_EDX, CPU_ESI, CPU_EDI, CPU_EBP, CPU_ESP};
    for (unsigned i = 0; i < 8; i++)
        fprintf(to, "%s=%08" PRIx32 "%c", names[i], (uint32_t)s->gpr[order[i]], i % 4 == 3 ? '\n' : ' ');
}

static void print_flags(const struct cpu_state *s, FILE *to)
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {{FLAG_DF, 'D'}, {FLAG_OF, 'O'}, {FLAG_SF, 'S'}, {FLAG_ZF, 'Z'},
                   {FLAG_AF, 'A'}, {FLAG_PF, 'P'}, {FLAG_CF, 'C'}};
    fprintf(to, "EIP=%08" PRIx32 " EFL=%08" PRIx32 " [", (uint32_t)s->eip, (uint32_t)s->eflags);
    for (unsigned i = 0; i < ARRAY_COUNT(letters); i++)
        fputc(s->eflags & letters[i].flag ? letters[i].letter : '-', to);
    fprintf(to, "] CPL=%u II=%u A20=%u SMM=0 HLT=%u\n", s->cpl, s->interrupt_shadow != 0, s->a20, s->halted);
}

static void print_segment(const char *name, const struct cpu_segment_state *segment, FILE *to)
{
    fprintf(to, "%s=%04x %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " DPL=%u%s%s\n", name, segment->selector,
            (uint32_t)segment->base, segment->limit, (uint32_t)segment->access << 8,
            access_dpl(segment->access), segment->access & ACCESS_BIG ? " 32-bit" : "",
            segment->access & ACCESS_PRESENT ? "" : " not present");
}

void cpu_print(const struct cpu *cpu, FILE *to)
{
    static const char *const segment_names[CPU_SEGMENTS] = {"ES ", "CS ", "SS ", "DS ", "FS ", "GS "};
    struct cpu_state s;
    cpu_get_state(cpu, &s);
    print_registers(&s, to);
    print_flags(&s, to);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) print_segment(segment_names[n], &s.segment[n], to);
    print_segment("LDT", &s.ldtr, to);
    print_segment("TR ", &s.tr, to);
    fprintf(to, "GDT=     %08" PRIx32 " %08x\n", (uint32_t)s.gdtr.base, s.gdtr.limit);
    fprintf(to, "IDT=     %08" PRIx32 " %08x\n", (uint32_t)s.idtr.base, s.idtr.limit);
    fprintf(to, "CR0=%08" PRIx32 " CR2=%08" PRIx32 " CR3=%08" PRIx32 " CR4=%08" PRIx32 "\n", (uint32_t)s.cr0,
            (uint32_t)s.cr2, (uint32_t)s.cr3, (uint32_t)s.cr4);
    for (unsigned n = 0; n < 4; n++)
        fprintf(to, "DR%u=%08" PRIx32 "%c", n, (uint32_t)s.dr[n], n == 3 ? '\n' : ' ');
    fprintf(to, "DR6=%08" PRIx32 " DR7=%08" PRIx32 " EFER=%016" PRIx64 "\n", (uint32_t)s.dr[6],
            (uint32_t)s.dr[7], s.msr_efer);
}

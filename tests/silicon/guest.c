/* SPDX-License-Identifier: MIT */
/*
 * Runs a case in Vitrine: a CPU with 128 KiB of the world at identical linear addresses, and above it, for the supervisor
 * only, what catches the exception: IDT, GDT, LDT, TSS (SDM 3A, chapters 3, 6 and 7). Every handler is a HLT of its own, so
 * that EIP tells the vector; the rest is read from the exception's stack frame.
 */
#include "tests/silicon/silicon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/cpu/cpu.h"
#include "emu/cpu/flags.h"

/* Physical. The world lies at its linear addresses. */
enum {
    RAM_BYTES = 0x40000,
    DIRECTORY_AT = 0x20000,
    LOW_TABLE_AT = 0x21000,
    SYSTEM_TABLE_AT = 0x22000,
    SYSTEM_AT = 0x30000, /* pages of the supervisor, seen at SYSTEM_LINEAR */
};
#define SYSTEM_LINEAR 0xe0000000u
/* Offsets in the supervisor's pages. */
enum {
    HANDLERS = 0,
    HANDLER_BYTES = 16,
    IDT = 0x1000,
    GDT = 0x2000,
    GDT_ENTRIES = 16,
    LDT = 0x2100,
    TSS = 0x2200,
    TSS_BYTES = 0x68,
    STACK_END = 0x4000,
    SYSTEM_PAGES = 4,
};
enum { KERNEL_CODE = 8, KERNEL_DATA = 0x18, TSS_SELECTOR = 0x40, LDT_SELECTOR = 0x50 };
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40 };
enum { OPCODE_HLT = 0xf4, OPCODE_INT3 = 0xcc };

struct guest {
    struct clock clock;
    struct region *ram;
    struct space *memory, *io;
    struct cpu *cpu;
    struct cpu_state initial;
    uint32_t code_at; /* of the last case's instruction */
    unsigned code_bytes;
};

static uint8_t *system_page(struct guest *guest, unsigned offset)
{
    return guest->ram->host + SYSTEM_AT + offset;
}

static void map_page(struct guest *guest, uint32_t table, uint32_t linear, uint32_t physical, unsigned bits)
{
    le32_store(guest->ram->host + table + (linear >> 12 & 0x3ff) * 4,
               physical | bits | PTE_P | PTE_A | PTE_D);
}

static void build_paging(struct guest *guest)
{
    uint8_t *directory = guest->ram->host + DIRECTORY_AT;
    le32_store(directory, LOW_TABLE_AT | PTE_P | PTE_W | PTE_U | PTE_A);
    le32_store(directory + (SYSTEM_LINEAR >> 22) * 4, SYSTEM_TABLE_AT | PTE_P | PTE_W | PTE_A);
    static const uint32_t writable[] = {DATA_AT, DATA_AT + 0x1000, CODE_AT, CODE_AT + 0x1000, WRAP_AT};
    for (unsigned i = 0; i < sizeof writable / sizeof *writable; i++)
        map_page(guest, LOW_TABLE_AT, writable[i], writable[i], PTE_W | PTE_U);
    map_page(guest, LOW_TABLE_AT, READ_ONLY_AT, READ_ONLY_AT, PTE_U);
    for (unsigned i = 0; i < SYSTEM_PAGES; i++)
        map_page(guest, SYSTEM_TABLE_AT, SYSTEM_LINEAR + i * PAGE_BYTES, SYSTEM_AT + i * PAGE_BYTES, PTE_W);
}

static void build_tables(struct guest *guest)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint32_t handler = SYSTEM_LINEAR + HANDLERS + vector * HANDLER_BYTES;
        unsigned dpl = vector == 3 || vector == 4 ? 3 : 0; /* as Linux has it */
        *system_page(guest, HANDLERS + vector * HANDLER_BYTES) = OPCODE_HLT;
        le32_store(system_page(guest, IDT + vector * 8), (handler & 0xffff) | KERNEL_CODE << 16);
        le32_store(system_page(guest, IDT + vector * 8 + 4), (handler & 0xffff0000) | 0x8e00 | dpl << 13);
    }
    for (unsigned n = 0; n < GDT_ENTRIES; n++)
        le64_store(system_page(guest, GDT + n * 8), descriptor_of((uint16_t)(n << 3)));
    for (unsigned n = 0; n < LDT_COUNT; n++)
        le64_store(system_page(guest, LDT + n * 8), descriptor_of((uint16_t)(n << 3 | 4)));
    le32_store(system_page(guest, TSS + 4), SYSTEM_LINEAR + STACK_END);
    le32_store(system_page(guest, TSS + 8), KERNEL_DATA);
    le16_store(system_page(guest, TSS + 0x66), TSS_BYTES); /* no I/O permission bitmap */
}

static struct cpu_segment_state segment_state(uint16_t selector)
{
    uint64_t descriptor = descriptor_of(selector);
    return (struct cpu_segment_state){
        .selector = selector,
        .access = (uint16_t)(descriptor >> 40 & 0xf0ff),
        .limit = segment_limit(selector),
        .base = (descriptor >> 16 & 0xffffff) | (descriptor >> 56) << 24,
    };
}

static void build_state(struct guest *guest)
{
    struct cpu_state *s = &guest->initial;
    cpu_get_state(guest->cpu, s);
    s->cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
    s->cr3 = DIRECTORY_AT;
    s->cpl = 3;
    s->a20 = true;
    s->gdtr = (struct cpu_table_state){SYSTEM_LINEAR + GDT, GDT_ENTRIES * 8 - 1};
    s->idtr = (struct cpu_table_state){SYSTEM_LINEAR + IDT, 256 * 8 - 1};
    s->ldtr = (struct cpu_segment_state){LDT_SELECTOR, 0x82, LDT_COUNT * 8 - 1, SYSTEM_LINEAR + LDT};
    s->tr = (struct cpu_segment_state){TSS_SELECTOR, 0x8b, TSS_BYTES - 1, SYSTEM_LINEAR + TSS};
}

struct guest *guest_new(void)
{
    struct guest *guest = calloc(1, sizeof *guest);
    struct error error = {0};
    clock_init(&guest->clock, 0);
    guest->ram = region_new_ram("silicon.ram", RAM_BYTES, &error);
    if (!guest->ram) return free(guest), NULL;
    struct region *ports = region_new_container("silicon.ports", 0x10000);
    guest->memory = space_new("silicon.memory", guest->ram, UINT64_C(1) << 32, &guest->clock);
    guest->io = space_new("silicon.io", ports, 0x10000, &guest->clock);
    region_release(ports);
    build_paging(guest);
    build_tables(guest);
    struct cpu_wiring wiring = {.memory = guest->memory, .io = guest->io, .clock = &guest->clock};
    guest->cpu = cpu_new(&wiring);
    build_state(guest);
    guest_reset(guest);
    return guest;
}

void guest_reset(struct guest *guest)
{
    space_fill(guest->memory, READ_ONLY_AT, 0, PAGE_BYTES);
    space_fill(guest->memory, DATA_AT, 0, 2 * PAGE_BYTES);
    space_fill(guest->memory, CODE_AT, OPCODE_INT3, CODE_END - CODE_AT);
    space_fill(guest->memory, WRAP_AT, 0, PAGE_BYTES);
}

void guest_free(struct guest *guest)
{
    if (!guest) return;
    cpu_free(guest->cpu);
    space_free(guest->memory);
    space_free(guest->io);
    region_release(guest->ram);
    free(guest);
}

/* ---- one case ---- */

/* Puts the instruction in place and INT3 where the last one was. */
static void put_code(struct guest *guest, const struct silicon_case *c)
{
    uint8_t blank[INSN_BYTES];
    memset(blank, OPCODE_INT3, sizeof blank);
    if (guest->code_bytes) space_write(guest->memory, guest->code_at, blank, guest->code_bytes);
    guest->code_at = (uint32_t)segment_base(c->selector[CPU_CS]) + c->eip;
    guest->code_bytes = c->length;
    if (guest->code_at + guest->code_bytes > CODE_END) guest->code_bytes = CODE_END - guest->code_at;
    space_write(guest->memory, guest->code_at, c->bytes, guest->code_bytes);
}

static void put_memory(struct guest *guest, const struct silicon_case *c)
{
    uint8_t memory[WINDOW_BYTES], *from = memory;
    case_fill(c, memory);
    for (unsigned i = 0; i < WINDOWS; from += windows[i++].bytes)
        memcpy(guest->ram->host + windows[i].at, from, windows[i].bytes);
}

static void put_state(struct guest *guest, const struct silicon_case *c)
{
    struct cpu_state s = guest->initial;
    for (unsigned n = 0; n < 8; n++) s.gpr[n] = c->gpr[n];
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) s.segment[n] = segment_state(c->selector[n]);
    s.eip = c->eip;
    s.eflags = c->eflags;
    cpu_set_state(guest->cpu, &s);
}

static bool has_error_code(unsigned vector)
{
    return vector == FAULT_DF || (vector >= FAULT_TS && vector <= FAULT_PF) || vector == FAULT_AC;
}

static void take_result(struct guest *guest, struct silicon_result *result)
{
    struct cpu_state s;
    cpu_get_state(guest->cpu, &s);
    result->vector = (uint8_t)((s.eip - SYSTEM_LINEAR - HANDLERS) / HANDLER_BYTES);
    const uint8_t *frame = system_page(guest, (unsigned)(s.gpr[CPU_ESP] - SYSTEM_LINEAR));
    if (has_error_code(result->vector)) {
        result->error = le32_load(frame);
        frame += 4;
    }
    for (unsigned n = 0; n < 8; n++) result->gpr[n] = (uint32_t)s.gpr[n];
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) result->selector[n] = s.segment[n].selector;
    result->eip = le32_load(frame);
    result->selector[CPU_CS] = (uint16_t)le32_load(frame + 4);
    result->eflags = le32_load(frame + 8);
    result->gpr[CPU_ESP] = le32_load(frame + 12);
    result->selector[CPU_SS] = (uint16_t)le32_load(frame + 16);
    if (result->vector == FAULT_PF) result->cr2 = (uint32_t)s.cr2;
    uint8_t *to = result->memory;
    for (unsigned i = 0; i < WINDOWS; to += windows[i++].bytes)
        memcpy(to, guest->ram->host + windows[i].at, windows[i].bytes);
}

void guest_run(struct guest *guest, const struct silicon_case *c, struct silicon_result *result)
{
    *result = (struct silicon_result){0};
    put_code(guest, c);
    put_memory(guest, c);
    put_state(guest, c);
    enum cpu_stop stop = cpu_run(guest->cpu, 100000, false);
    if (stop == CPU_STOP_BUDGET) stop = cpu_run(guest->cpu, 100000, false);
    result->lost = stop != CPU_STOP_HALTED;
    if (!result->lost) take_result(guest, result);
}

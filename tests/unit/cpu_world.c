/* SPDX-License-Identifier: MIT */
/* The small world of cpu_world.h. */
#include "emu/core/log.h"
#include "tests/unit/cpu_world.h"

#define HLT 0xf4

uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
    uint32_t low = (limit & 0xffff) | base << 16;
    uint32_t high = (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 | (base & 0xff000000);
    return (uint64_t)high << 32 | low;
}

uint64_t gate(uint16_t selector, uint32_t offset, unsigned access, unsigned count)
{
    uint32_t low = (uint32_t)selector << 16 | (offset & 0xffff);
    return (uint64_t)((offset & 0xffff0000) | access << 8 | count) << 32 | low;
}

void poke(struct world *world, uint32_t at, const void *bytes, size_t size)
{
    ck_assert(space_poke(world->fixture.memory, at, bytes, size));
}

static void poke_value(struct world *world, uint32_t at, unsigned size, uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, size, value);
    poke(world, at, bytes, size);
}

static uint64_t peek_value(const struct world *world, uint32_t at, unsigned size)
{
    uint8_t bytes[8];
    ck_assert(space_peek(world->fixture.memory, at, bytes, size));
    return le_load(bytes, size);
}

void poke16(struct world *world, uint32_t at, uint16_t value)
{
    poke_value(world, at, 2, value);
}

void poke32(struct world *world, uint32_t at, uint32_t value)
{
    poke_value(world, at, 4, value);
}

void poke64(struct world *world, uint32_t at, uint64_t value)
{
    poke_value(world, at, 8, value);
}

uint16_t peek16(const struct world *world, uint32_t at)
{
    return (uint16_t)peek_value(world, at, 2);
}

uint32_t peek32(const struct world *world, uint32_t at)
{
    return (uint32_t)peek_value(world, at, 4);
}

uint64_t peek64(const struct world *world, uint32_t at)
{
    return peek_value(world, at, 8);
}

/* ---- building ---- */

static void tables_write(struct world *world)
{
    static const struct {
        uint16_t selector;
        uint32_t base, limit;
        unsigned access, flags;
    } rows[] = {
        {CODE0, 0, 0xfffff, ACC_CODE, FLAT32},
        {DATA0, 0, 0xfffff, ACC_DATA, FLAT32},
        {CODE1, 0, 0xfffff, ACC_CODE | ACC_DPL1, FLAT32},
        {DATA1, 0, 0xfffff, ACC_DATA | ACC_DPL1, FLAT32},
        {CODE3, 0, 0xfffff, ACC_CODE | ACC_DPL3, FLAT32},
        {DATA3, 0, 0xfffff, ACC_DATA | ACC_DPL3, FLAT32},
        {TSS32, WORLD_TSS, 0x67, ACC_TSS32_BUSY, 0},
        {LDT, WORLD_LDT, 0x0f, ACC_LDT, 0},
        {CONFORMING0, 0, 0xfffff, ACC_CONFORMING, FLAT32},
        {CODE16, 0, 0xffff, ACC_CODE, BYTES16},
        {DATA16, 0, 0xffff, ACC_DATA, BYTES16},
        {TSS16, WORLD_TSS16, 0x2b, ACC_TSS16_BUSY, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        set_descriptor(world, rows[i].selector,
                       descriptor(rows[i].base, rows[i].limit, rows[i].access, rows[i].flags));
    for (unsigned vector = 0; vector < 256; vector++) {
        set_gate(world, vector, gate(CODE0, WORLD_HANDLERS + vector, GATE_INT32, 0));
        poke_value(world, WORLD_HANDLERS + vector, 1, HLT);
    }
    poke64(world, WORLD_LDT + 8, descriptor(0, 0xfffff, ACC_DATA | ACC_DPL3, FLAT32));
    poke32(world, WORLD_TSS + 4, WORLD_STACK0);
    poke32(world, WORLD_TSS + 8, DATA0);
    poke32(world, WORLD_TSS + 12, WORLD_STACK1);
    poke32(world, WORLD_TSS + 16, DATA1 | 1);
    poke16(world, WORLD_TSS16 + 2, 0x6000);
    poke16(world, WORLD_TSS16 + 4, DATA0);
}

struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));
    lint_quiet(true);
    ck_assert_ptr_nonnull(world);
    cpu_fixture_create(&world->fixture);
    world->cpu = world->fixture.cpu;
    tables_write(world);
    return world;
}

void world_free(struct world *world)
{
    cpu_fixture_destroy(&world->fixture);
    free(world);
}

struct world *protected_world(unsigned cpl)
{
    struct world *world = world_new();
    world_protect(world, cpl);
    return world;
}

/* ---- modes ---- */

/* A register with the hidden part that loading it would give. */
static struct cpu_segment_state loaded(const struct world *world, uint16_t selector)
{
    uint64_t bytes = peek64(world, WORLD_GDT + (selector & 0xfff8));
    uint32_t limit = (uint32_t)((bytes & 0xffff) | (bytes >> 32 & 0xf0000));
    uint16_t access = bytes >> 40 & 0xf0ff;
    if (access & 0x8000) limit = limit << 12 | 0xfff;
    uint32_t base = (uint32_t)((bytes >> 16 & 0xffffff) | (bytes >> 32 & 0xff000000));
    return (struct cpu_segment_state){selector, access, limit, base};
}

void world_protect(struct world *world, unsigned cpl)
{
    static const uint16_t code[] = {CODE0, CODE1, 0, CODE3}, data[] = {DATA0, DATA1, 0, DATA3};
    static const uint32_t stack[] = {WORLD_STACK0, WORLD_STACK1, 0, WORLD_STACK3};
    struct cpu_state state = state_of(world);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state.segment[n] = loaded(world, (uint16_t)((n == CPU_CS ? code[cpl] : data[cpl]) | cpl));
    state.cpl = (uint8_t)cpl;
    state.ldtr = loaded(world, LDT);
    state.tr = loaded(world, TSS32);
    state.gdtr = (struct cpu_table_state){WORLD_GDT, WORLD_GDT_LIMIT};
    state.idtr = (struct cpu_table_state){WORLD_IDT, WORLD_IDT_LIMIT};
    state.cr0 = 0x11;
    state.halted = state.shutdown = false;
    state.eflags = 2;
    state.eip = WORLD_CODE;
    state.gpr[CPU_ESP] = stack[cpl];
    set_state(world, &state);
}

void world_real(struct world *world)
{
    struct cpu_state state = state_of(world);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state.segment[n] = (struct cpu_segment_state){0, 0x93, 0xffff, 0};
    state.segment[CPU_CS].selector = WORLD_CODE >> 4;
    state.segment[CPU_CS].base = WORLD_CODE;
    state.segment[CPU_SS].selector = WORLD_STACK0 >> 4;
    state.segment[CPU_SS].base = WORLD_STACK0;
    state.idtr = (struct cpu_table_state){0, 0x3ff};
    state.cr0 = 0x10;
    state.cpl = 0;
    state.halted = state.shutdown = false;
    state.eflags = 2;
    state.eip = 0;
    state.gpr[CPU_ESP] = 0x8000;
    set_state(world, &state);
    for (unsigned vector = 0; vector < 256; vector++) poke32(world, 4 * vector, WORLD_HANDLERS + vector);
}

void world_v86(struct world *world)
{
    enum { IO_MAP = 0x88 }; /* behind the 32 bytes of the redirection bitmap */
    uint8_t forbidden[0x80];
    world_protect(world, 3);
    memset(forbidden, 0xff, sizeof(forbidden));
    poke16(world, WORLD_TSS + 0x66, IO_MAP);
    for (unsigned i = 0; i < 32; i += 4) poke32(world, WORLD_TSS + IO_MAP - 32 + i, 0);
    poke(world, WORLD_TSS + IO_MAP, forbidden, sizeof(forbidden));
    struct cpu_state state = state_of(world);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state.segment[n] = (struct cpu_segment_state){WORLD_STACK3 >> 4, 0xf3, 0xffff, WORLD_STACK3};
    state.segment[CPU_CS].selector = WORLD_CODE >> 4;
    state.segment[CPU_CS].base = WORLD_CODE;
    state.tr.limit = IO_MAP + 0x7f;
    state.eip = 0;
    state.gpr[CPU_ESP] = 0x1000;
    state.eflags = 0x20002;
    set_state(world, &state);
}

void world_page(struct world *world, uint32_t linear, uint32_t flags)
{
    poke32(world, WORLD_PAGES + 0x1000 + (linear >> 12) * 4, (linear & 0xfffff000) | flags);
}

void world_paging(struct world *world)
{
    poke32(world, WORLD_PAGES, (WORLD_PAGES + 0x1000) | 7);
    for (uint32_t linear = 0; linear < 0x400000; linear += 0x1000) world_page(world, linear, 7);
    struct cpu_state state = state_of(world);
    state.cr3 = WORLD_PAGES;
    state.cr0 |= 0x80000000;
    set_state(world, &state);
}

/* ---- using it ---- */

struct cpu_state state_of(const struct world *world)
{
    struct cpu_state state;
    cpu_get_state(world->cpu, &state);
    return state;
}

void set_state(struct world *world, const struct cpu_state *state)
{
    cpu_set_state(world->cpu, state);
}

struct cpu_segment_state segment_of(const struct world *world, unsigned n)
{
    return state_of(world).segment[n];
}

uint32_t eflags_of(const struct world *world)
{
    return (uint32_t)state_of(world).eflags;
}

uint32_t esp_of(const struct world *world)
{
    return get_register(world, CPU_ESP);
}

void set_eflags(struct world *world, uint32_t bits)
{
    struct cpu_state state = state_of(world);
    state.eflags |= bits;
    set_state(world, &state);
}

void set_register(struct world *world, unsigned n, uint32_t value)
{
    struct cpu_state state = state_of(world);
    state.gpr[n] = value;
    set_state(world, &state);
}

uint32_t get_register(const struct world *world, unsigned n)
{
    return (uint32_t)state_of(world).gpr[n];
}

enum cpu_stop run(struct world *world, const void *code, size_t size, uint64_t budget)
{
    uint8_t hlt = HLT;
    poke(world, WORLD_CODE, code, size);
    poke(world, WORLD_CODE + (uint32_t)size, &hlt, 1);
    return go(world, budget);
}

enum cpu_stop go(struct world *world, uint64_t budget)
{
    return cpu_run(world->cpu, budget, false);
}

/* ---- faults ---- */

const struct fault_record *last_fault(const struct world *world)
{
    unsigned count;
    const struct fault_record *history = cpu_fault_history(world->cpu, &count);
    ck_assert_uint_gt(count, 0);
    return &history[count - 1];
}

void expect_fault(const struct world *world, unsigned vector, uint32_t error, enum fault_reason reason)
{
    const struct fault *fault = &last_fault(world)->fault;
    ck_assert_msg(fault->vector == vector && fault->error == error && fault->reason == reason,
                  "%s(%04x) %s, expected %s(%04x) %s", fault_vector_name(fault->vector), fault->error,
                  fault_reason_name(fault->reason), fault_vector_name(vector), error,
                  fault_reason_name(reason));
    char text[320];
    fault_describe(fault, text, sizeof(text));
    expect_text(text, fault_reason_text(reason));
}

void expect_in_handler(const struct world *world, unsigned vector)
{
    struct cpu_state state = state_of(world);
    ck_assert(state.halted);
    ck_assert_uint_eq((uint32_t)(state.segment[CPU_CS].base + state.eip), WORLD_HANDLERS + vector + 1);
}

void expect_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

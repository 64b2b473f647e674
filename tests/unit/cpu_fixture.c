/* SPDX-License-Identifier: MIT */
/* A CPU with RAM and ports, for tests (cpu_fixture.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/cpu_fixture.h"

#define CODE_ACCESS 0xc09b /* 4 GiB, 32-bit, readable code, accessed */
#define DATA_ACCESS 0xc093 /* 4 GiB, 32-bit, writable data, accessed */
#define DPL3        0x60

/* ---- devices ---- */

static enum mem_result register_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct cpu_fixture *fixture = owner;
    (void)at;
    fixture->mmio_reads++;
    if (fixture->on_access) fixture->on_access(fixture, false, size);
    *value = fixture->mmio_value;
    return MEM_OK;
}

static enum mem_result register_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct cpu_fixture *fixture = owner;
    (void)at;
    fixture->mmio_writes++;
    fixture->mmio_written = value;
    if (fixture->on_access) fixture->on_access(fixture, true, size);
    return MEM_OK;
}

static const struct mmio_ops register_ops = {.read = register_read, .write = register_write};

static int acknowledge(void *owner)
{
    struct cpu_fixture *fixture = owner;
    fixture->acknowledged++;
    cpu_set_intr(fixture->cpu, false);
    return fixture->vector;
}

static uint64_t in_flight(void *owner)
{
    return cpu_retired(((struct cpu_fixture *)owner)->cpu);
}

/* ---- life ---- */

static void must(const void *made, const char *what)
{
    if (made) return;
    fprintf(stderr, "cpu fixture: no %s\n", what);
    exit(1);
}

struct cpu *cpu_fixture_add_cpu(struct cpu_fixture *fixture, const struct cpu_model *model)
{
    struct cpu_wiring wiring = {.memory = fixture->memory,
                                .io = fixture->io,
                                .clock = &fixture->clock,
                                .model = model,
                                .acknowledge = acknowledge,
                                .owner = fixture};
    return cpu_new(&wiring);
}

void cpu_fixture_create(struct cpu_fixture *fixture)
{
    cpu_fixture_create_model(fixture, NULL);
}

void cpu_fixture_create_model(struct cpu_fixture *fixture, const struct cpu_model *model)
{
    struct error error;
    memset(fixture, 0, sizeof(*fixture));
    clock_init(&fixture->clock, 0);
    fixture->memory_root = region_new_container("memory", FIXTURE_MEMORY);
    fixture->ram = region_new_ram("ram", FIXTURE_RAM, &error);
    must(fixture->ram, "RAM");
    fixture->mmio = region_new_mmio("device", 0x1000, &register_ops, fixture, NULL);
    region_add(fixture->memory_root, 0, fixture->ram, 0);
    region_add(fixture->memory_root, FIXTURE_MMIO, fixture->mmio, 0);
    fixture->io_root = region_new_container("io", 0x10000);
    fixture->port = region_new_mmio("port", 4, &register_ops, fixture, NULL);
    region_add(fixture->io_root, FIXTURE_PORT, fixture->port, 0);
    fixture->memory = space_new("memory", fixture->memory_root, FIXTURE_MEMORY, &fixture->clock);
    fixture->io = space_new("io", fixture->io_root, 0x10000, &fixture->clock);
    fixture->cpu = cpu_fixture_add_cpu(fixture, model);
    must(fixture->cpu, "CPU");
    fixture->clock.in_flight = in_flight;
    fixture->clock.owner = fixture;
    fixture->vector = 0x20;
}

void cpu_fixture_destroy(struct cpu_fixture *fixture)
{
    cpu_free(fixture->cpu);
    space_free(fixture->memory);
    space_free(fixture->io);
    region_remove(fixture->ram);
    region_remove(fixture->mmio);
    region_remove(fixture->port);
    region_release(fixture->ram);
    region_release(fixture->mmio);
    region_release(fixture->port);
    region_release(fixture->memory_root);
    region_release(fixture->io_root);
}

/* ---- modes ---- */

void cpu_fixture_real(struct cpu_fixture *fixture, uint16_t segment, uint16_t ip)
{
    struct cpu_state state;
    cpu_reset(fixture->cpu);
    cpu_get_state(fixture->cpu, &state);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state.segment[n] = (struct cpu_segment_state){
            .selector = segment, .access = 0x93, .limit = 0xffff, .base = segment * 16u};
    state.eip = ip;
    state.tsc_offset = 0;
    state.gpr[CPU_ESP] = 0xfffe;
    cpu_set_state(fixture->cpu, &state);
}

static uint64_t flat_descriptor(uint16_t access)
{
    return UINT64_C(0x000f00000000ffff) | (uint64_t)access << 40;
}

static void write64(struct cpu_fixture *fixture, uint32_t physical, uint64_t value)
{
    cpu_fixture_write32(fixture, physical, (uint32_t)value);
    cpu_fixture_write32(fixture, physical + 4, (uint32_t)(value >> 32));
}

static void write_tables(struct cpu_fixture *fixture)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint32_t handler = FIXTURE_HANDLERS + vector;
        write64(fixture, FIXTURE_IDT + vector * 8,
                (uint64_t)(handler & 0xffff0000) << 32 | UINT64_C(0xee0000080000) | (handler & 0xffff));
    }
    uint8_t halts[256];
    memset(halts, 0xf4, sizeof(halts));
    cpu_fixture_code(fixture, FIXTURE_HANDLERS, halts, sizeof(halts));
    write64(fixture, FIXTURE_GDT + 0x08, flat_descriptor(CODE_ACCESS));
    write64(fixture, FIXTURE_GDT + 0x10, flat_descriptor(DATA_ACCESS));
    write64(fixture, FIXTURE_GDT + 0x18, flat_descriptor(CODE_ACCESS | DPL3));
    write64(fixture, FIXTURE_GDT + 0x20, flat_descriptor(DATA_ACCESS | DPL3));
    write64(fixture, FIXTURE_GDT + 0x28, UINT64_C(0x00008b0000000067) | (uint64_t)FIXTURE_TSS << 16);
    cpu_fixture_write32(fixture, FIXTURE_TSS + 4, 0x98000);
    cpu_fixture_write32(fixture, FIXTURE_TSS + 8, 0x10);
}

static void enter_flat(struct cpu_fixture *fixture, uint32_t eip, unsigned cpl)
{
    struct cpu_state state;
    uint16_t rights = cpl ? DPL3 : 0;
    write_tables(fixture);
    cpu_reset(fixture->cpu);
    cpu_get_state(fixture->cpu, &state);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state.segment[n] = (struct cpu_segment_state){
            .selector = cpl ? 0x23 : 0x10, .access = DATA_ACCESS | rights, .limit = 0xffffffff};
    state.segment[CPU_CS].selector = cpl ? 0x1b : 0x08;
    state.segment[CPU_CS].access = CODE_ACCESS | rights;
    state.gdtr = (struct cpu_table_state){.base = FIXTURE_GDT, .limit = 0x2f};
    state.idtr = (struct cpu_table_state){.base = FIXTURE_IDT, .limit = 0x7ff};
    state.tr =
        (struct cpu_segment_state){.selector = 0x28, .access = 0x8b, .limit = 0x67, .base = FIXTURE_TSS};
    state.cr0 |= 1;
    state.cpl = (uint8_t)cpl;
    state.eip = eip;
    state.tsc_offset = 0; /* the same start, whatever ran before */
    state.gpr[CPU_ESP] = cpl ? 0x88000 : 0x90000;
    cpu_set_state(fixture->cpu, &state);
}

void cpu_fixture_flat(struct cpu_fixture *fixture, uint32_t eip)
{
    enter_flat(fixture, eip, 0);
}

void cpu_fixture_user(struct cpu_fixture *fixture, uint32_t eip)
{
    enter_flat(fixture, eip, 3);
}

/* ---- looking and setting ---- */

void cpu_fixture_code(struct cpu_fixture *fixture, uint32_t address, const void *bytes, size_t size)
{
    space_poke(fixture->memory, address, bytes, size);
}

uint32_t cpu_fixture_reg(const struct cpu_fixture *fixture, enum cpu_register n)
{
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    return (uint32_t)state.gpr[n];
}

void cpu_fixture_set_reg(struct cpu_fixture *fixture, enum cpu_register n, uint32_t value)
{
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    state.gpr[n] = value;
    cpu_set_state(fixture->cpu, &state);
}

uint32_t cpu_fixture_eip(const struct cpu_fixture *fixture)
{
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    return (uint32_t)state.eip;
}

uint32_t cpu_fixture_eflags(const struct cpu_fixture *fixture)
{
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    return (uint32_t)state.eflags;
}

void cpu_fixture_set_eflags(struct cpu_fixture *fixture, uint32_t value)
{
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    state.eflags = value | 2;
    cpu_set_state(fixture->cpu, &state);
}

uint32_t cpu_fixture_read32(const struct cpu_fixture *fixture, uint32_t physical)
{
    uint64_t value = 0;
    space_load(fixture->memory, physical, 4, &value);
    return (uint32_t)value;
}

void cpu_fixture_write32(struct cpu_fixture *fixture, uint32_t physical, uint32_t value)
{
    space_store(fixture->memory, physical, 4, value);
}

int cpu_fixture_halted_vector(const struct cpu_fixture *fixture)
{
    uint32_t eip = cpu_fixture_eip(fixture);
    bool in_handler = eip > FIXTURE_HANDLERS && eip <= FIXTURE_HANDLERS + 256;
    return cpu_halted(fixture->cpu) && in_handler ? (int)(eip - 1 - FIXTURE_HANDLERS) : -1;
}

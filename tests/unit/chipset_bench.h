/* SPDX-License-Identifier: MIT */
/* A host bridge with RAM, a BIOS and ports, on which the tests of the chipset put their chips. */
#ifndef TESTS_UNIT_CHIPSET_BENCH_H
#define TESTS_UNIT_CHIPSET_BENCH_H

#include <check.h>
#include <stdlib.h>
#include "devices/bus/i440fx.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "mem/space.h"

#define BENCH_MEMORY (UINT64_C(1) << 36)
#define BENCH_RAM    (UINT64_C(16) << 20)
#define BENCH_BIOS   (UINT64_C(256) << 10)

struct bench {
    struct clock clock;
    struct device_list devices;
    struct region *ram, *bios, *io;
    struct space *ports, *memory;
    struct i440fx *bridge;
    struct pci_bus *bus;
};

/* Each byte of the BIOS tells where it is from: its 4 KiB page, counted from the end (1 is the last). */
static inline void bench_init(struct bench *bench, uint64_t ram_size)
{
    struct error error;
    clock_init(&bench->clock, 0);
    device_list_init(&bench->devices);
    bench->ram = region_new_ram("ram", ram_size, &error);
    bench->bios = region_new_rom("bios", BENCH_BIOS, &error);
    ck_assert(bench->ram && bench->bios);
    for (uint64_t i = 0; i < BENCH_BIOS; i++)
        bench->bios->host[i] = (uint8_t)((BENCH_BIOS - i + 4095) / 4096);
    bench->io = region_new_container("io", 65536);
    bench->bridge = i440fx_new(&(struct i440fx_wiring){.ram = bench->ram,
                                                       .bios = bench->bios,
                                                       .io = bench->io,
                                                       .memory_size = BENCH_MEMORY,
                                                       .clock = &bench->clock,
                                                       .devices = &bench->devices},
                               &error);
    ck_assert(bench->bridge);
    bench->bus = i440fx_bus(bench->bridge);
    bench->ports = space_new("ports", bench->io, 65536, &bench->clock);
    bench->memory = space_new("memory", i440fx_system_memory(bench->bridge), BENCH_MEMORY, &bench->clock);
}

static inline void bench_destroy(struct bench *bench)
{
    space_free(bench->memory);
    space_free(bench->ports);
    device_destroy_all(&bench->devices);
    region_release(bench->io);
    region_release(bench->bios);
    region_release(bench->ram);
    ck_assert(list_empty(&bench->clock.all));
}

static inline uint32_t in(struct bench *bench, uint16_t port, unsigned size)
{
    uint64_t value;
    space_load(bench->ports, port, size, &value);
    return (uint32_t)value;
}

static inline void out(struct bench *bench, uint16_t port, unsigned size, uint32_t value)
{
    space_store(bench->ports, port, size, value);
}

static inline uint32_t config_read(struct bench *bench, uint8_t devfn, unsigned offset, unsigned size)
{
    out(bench, 0xcf8, 4, 0x80000000u | (uint32_t)devfn << 8 | (offset & 0xfc));
    return in(bench, (uint16_t)(0xcfc | (offset & 3)), size);
}

static inline void config_write(struct bench *bench, uint8_t devfn, unsigned offset, unsigned size,
                                uint32_t value)
{
    out(bench, 0xcf8, 4, 0x80000000u | (uint32_t)devfn << 8 | (offset & 0xfc));
    out(bench, (uint16_t)(0xcfc | (offset & 3)), size, value);
}

static inline uint8_t peek(struct bench *bench, gaddr addr)
{
    uint64_t value;
    space_load(bench->memory, addr, 1, &value);
    return (uint8_t)value;
}

static inline void poke(struct bench *bench, gaddr addr, uint8_t value)
{
    space_store(bench->memory, addr, 1, value);
}

static inline int bench_run(Suite *suite)
{
    lint_quiet(true);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

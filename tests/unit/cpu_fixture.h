/* SPDX-License-Identifier: MIT */
/*
 * A CPU with RAM and ports, for tests: machine code at an address, in real mode or in flat 32-bit protected
 * mode.
 *
 *     struct cpu_fixture fixture;
 *     cpu_fixture_create(&fixture);
 *     cpu_fixture_flat(&fixture, 0x1000);
 *     CODE(&fixture, 0x1000, 0x40, 0xf4);             inc eax; hlt
 *     cpu_run(fixture.cpu, 10, false);
 */
#ifndef TESTS_UNIT_CPU_FIXTURE_H
#define TESTS_UNIT_CPU_FIXTURE_H

#include "emu/cpu/cpu.h"
#include "mem/space.h"

#define FIXTURE_RAM      (UINT64_C(16) << 20)
#define FIXTURE_MEMORY   (UINT64_C(1) << 36) /* of physical addresses */
#define FIXTURE_IDT      0x2000u /* of cpu_fixture_flat */
#define FIXTURE_GDT      0x2800u
#define FIXTURE_TSS      0x2900u
#define FIXTURE_HANDLERS 0x3000u /* one HLT per vector: EIP tells which ran */
#define FIXTURE_MMIO     0xe0000000u
#define FIXTURE_PORT     0x80

struct cpu_fixture {
    struct cpu *cpu;
    struct space *memory, *io;
    struct region *memory_root, *ram, *mmio, *io_root, *port;
    struct clock clock;
    int vector; /* what the acknowledge cycle gives */
    unsigned acknowledged;
    /* Registers at FIXTURE_MMIO (a page) and FIXTURE_PORT (4 bytes): what was last written, what is read, and
     * an own action before either. */
    uint64_t mmio_written, mmio_value;
    unsigned mmio_reads, mmio_writes;
    void (*on_access)(struct cpu_fixture *fixture, bool write, unsigned size);
};

/* Clean RAM from address 0, CPU after reset. */
void cpu_fixture_create(struct cpu_fixture *fixture);
void cpu_fixture_create_model(struct cpu_fixture *fixture, const struct cpu_model *model);
/* Another CPU on the same memory, after reset; cpu_free it before the fixture is destroyed. */
struct cpu *cpu_fixture_add_cpu(struct cpu_fixture *fixture, const struct cpu_model *model);
void cpu_fixture_destroy(struct cpu_fixture *fixture);

/* Real mode: CS=DS=ES=SS with base segment * 16, IP, SP 0xfffe. */
void cpu_fixture_real(struct cpu_fixture *fixture, uint16_t segment, uint16_t ip);
/* Protected mode, CPL 0, all segments flat, stack top at 0x90000, interrupts off; an IDT whose 256 gates lead
 * to a HLT each (32-bit interrupt gates, DPL 3), GDT: 08 code, 10 data, 1b user code, 23 user data, 28 TSS
 * with stack 0x98000. */
void cpu_fixture_flat(struct cpu_fixture *fixture, uint32_t eip);
/* The same at CPL 3, stack top at 0x88000. */
void cpu_fixture_user(struct cpu_fixture *fixture, uint32_t eip);

void cpu_fixture_code(struct cpu_fixture *fixture, uint32_t address, const void *bytes, size_t size);
#define CODE(fixture, address, ...)                                                                          \
    cpu_fixture_code(fixture, address, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

uint32_t cpu_fixture_reg(const struct cpu_fixture *fixture, enum cpu_register n);
void cpu_fixture_set_reg(struct cpu_fixture *fixture, enum cpu_register n, uint32_t value);
uint32_t cpu_fixture_eip(const struct cpu_fixture *fixture);
uint32_t cpu_fixture_eflags(const struct cpu_fixture *fixture);
void cpu_fixture_set_eflags(struct cpu_fixture *fixture, uint32_t value);
uint32_t cpu_fixture_read32(const struct cpu_fixture *fixture, uint32_t physical);
void cpu_fixture_write32(struct cpu_fixture *fixture, uint32_t physical, uint32_t value);

/* Which vector's handler the CPU halted in, or -1. */
int cpu_fixture_halted_vector(const struct cpu_fixture *fixture);

#endif

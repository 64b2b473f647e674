/* SPDX-License-Identifier: MIT */
/* Four CPUs' local APICs and an I/O APIC on a bench: physical memory as the CPU named in `rig.current` sees it, and what
 * each CPU was told. */
#ifndef TESTS_UNIT_APIC_RIG_H
#define TESTS_UNIT_APIC_RIG_H

#include "devices/platform/ioapic.h"
#include "devices/platform/lapic.h"
#include "tests/unit/platform_helper.h"

enum { RIG_CPUS = 4 };

struct rig_cpu {
    bool intr;
    unsigned nmis, inits, startups;
    uint8_t startup_vector;
};

struct rig {
    struct bench bench;
    struct region *root;
    struct space *memory;
    struct apic_bus *bus;
    struct ioapic *ioapic;
    struct lapic *lapic[RIG_CPUS];
    struct rig_cpu cpu[RIG_CPUS];
    unsigned current;     /* CPU whose accesses rig_read and rig_write are */
    unsigned extint_acks; /* INTA cycles that reached the 8259s */
};

static inline unsigned rig_current(void *owner)
{
    return ((struct rig *)owner)->current;
}

static inline void rig_intr(void *owner, unsigned cpu, bool level)
{
    ((struct rig *)owner)->cpu[cpu].intr = level;
}

static inline void rig_nmi(void *owner, unsigned cpu)
{
    ((struct rig *)owner)->cpu[cpu].nmis++;
}

static inline void rig_init(void *owner, unsigned cpu)
{
    ((struct rig *)owner)->cpu[cpu].inits++;
}

static inline void rig_startup(void *owner, unsigned cpu, uint8_t vector)
{
    struct rig_cpu *seen = &((struct rig *)owner)->cpu[cpu];
    seen->startups++;
    seen->startup_vector = vector;
}

enum { RIG_EXTINT_VECTOR = 0x08 };

static inline int rig_acknowledge_extint(void *owner)
{
    ((struct rig *)owner)->extint_acks++;
    return RIG_EXTINT_VECTOR;
}

static inline void rig_open(struct rig *rig)
{
    *rig = (struct rig){.current = 0};
    bench_init(&rig->bench);
    rig->root = region_new_container("memory", UINT64_C(1) << 36);
    rig->memory = space_new("memory", rig->root, UINT64_C(1) << 36, &rig->bench.clock);
    rig->bus = apic_bus_new(&rig->bench.devices, &rig->bench.clock, rig_current, rig);
    for (unsigned i = 0; i < RIG_CPUS; i++) {
        const struct lapic_wiring wiring = {
            .bus = rig->bus,
            .memory = rig->root,
            .devices = &rig->bench.devices,
            .clock = &rig->bench.clock,
            .cpu = i,
            .id = (uint8_t)i,
            .out = {rig_intr, rig_nmi, rig_init, rig_startup, rig_acknowledge_extint, rig},
        };
        rig->lapic[i] = lapic_new(&wiring);
    }
    rig->ioapic = ioapic_new(rig->bus, rig->root, &rig->bench.devices, &rig->bench.clock);
}

static inline void rig_close(struct rig *rig)
{
    device_destroy_all(&rig->bench.devices);
    space_free(rig->memory);
    region_release(rig->root);
    bench_free(&rig->bench);
}

static inline uint32_t rig_load(struct rig *rig, uint64_t address)
{
    uint64_t value;
    (void)!space_load(rig->memory, address, 4, &value);
    return (uint32_t)value;
}

static inline void rig_store(struct rig *rig, uint64_t address, uint32_t value)
{
    (void)!space_store(rig->memory, address, 4, value);
}

/* A register of the local APIC of a CPU. */
static inline uint32_t lapic_get(struct rig *rig, unsigned cpu, unsigned offset)
{
    rig->current = cpu;
    return rig_load(rig, LAPIC_BASE + offset);
}

static inline void lapic_set(struct rig *rig, unsigned cpu, unsigned offset, uint32_t value)
{
    rig->current = cpu;
    rig_store(rig, LAPIC_BASE + offset, value);
}

/* SVR with the enable bit: spurious vector FFh. */
static inline void lapic_switch_on(struct rig *rig, unsigned cpu)
{
    lapic_set(rig, cpu, 0x0f0, 0x1ff);
}

/* A register of the I/O APIC, by its number in IOREGSEL. */
static inline uint32_t ioapic_get(struct rig *rig, unsigned number)
{
    rig_store(rig, IOAPIC_BASE, number);
    return rig_load(rig, IOAPIC_BASE + 0x10);
}

static inline void ioapic_set(struct rig *rig, unsigned number, uint32_t value)
{
    rig_store(rig, IOAPIC_BASE, number);
    rig_store(rig, IOAPIC_BASE + 0x10, value);
}

static inline void rig_raise(struct irq_line line, bool level)
{
    irq_set(&line, level);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of one CPU (xAPIC, version 14h): interrupts of its own timer and pins, messages of other CPUs and of the
 * I/O APIC, priorities, EOI.
 *
 * Specification: Intel SDM 3A, chapter 10; MultiProcessor Specification 1.4, 3.6.2 (virtual wire mode).
 *
 * Registers are a page at the address in MSR 1Bh (FEE00000h after reset), a dword at every 16 bytes; each CPU sees its own.
 * The page is one MMIO region per local APIC, all on top of each other as long as nobody moves one; the access is served by
 * the local APIC of the CPU that makes it (apic_bus_current), so it does not matter which of them is in front. What devices
 * write there are messages (apic_bus_write); reads of devices find nobody, and a page that one CPU moves over RAM hides that
 * RAM from all. A CPU engine that knows its local
 * APIC may call lapic_read and lapic_write itself instead.
 *
 * Where the SDM leaves a choice:
 *  - The timer's bus clock is 1 GHz: one count is one virtual nanosecond times the divisor. There is no TSC deadline mode.
 *  - Lines carry "asserted", not volts: polarity bits are kept and change nothing.
 *  - LVT: timer, performance, LINT0, LINT1, error. Performance counters never overflow, SMIs are ignored.
 *  - After reset the bootstrap CPU is in virtual wire mode although software has not enabled its local APIC: LINT0 is
 *    ExtINT (the 8259s) and LINT1 is NMI, both unmasked, so that a PC works before anybody knows of APICs.
 *  - Focus processors do not exist; the bit is kept.
 */
#ifndef DEVICES_PLATFORM_LAPIC_H
#define DEVICES_PLATFORM_LAPIC_H

#include <stdio.h>
#include "devices/platform/apic_bus.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define LAPIC_BASE    0xfee00000u
#define LAPIC_VERSION 0x00040014u /* the last of 5 LVT entries, version */

/* What a local APIC does to its CPU. All may be called in the middle of another CPU's, or the same CPU's, instruction. */
struct lapic_outputs {
    void (*intr)(void *owner, unsigned cpu, bool level); /* INTR pin of the core */
    void (*nmi)(void *owner, unsigned cpu);
    /* INIT: the CPU goes to its state after INIT; unless it is the bootstrap CPU it then waits (lapic_waiting). */
    void (*init)(void *owner, unsigned cpu);
    /* It ends its wait, in real mode at vector << 12 (CS selector vector << 8, IP 0). */
    void (*startup)(void *owner, unsigned cpu, uint8_t vector);
    /* INTA cycle of an ExtINT: the vector of the 8259s. */
    int (*acknowledge_extint)(void *owner);
    void *owner;
};

struct lapic_wiring {
    struct apic_bus *bus;
    struct region *memory; /* container of physical addresses */
    struct device_list *devices;
    struct clock *clock;
    unsigned cpu; /* 0 to APIC_CPUS_MOST - 1; CPU 0 is the bootstrap CPU. The device is called lapic<cpu> */
    uint8_t id;   /* APIC ID at power-on, as CPUID says it too */
    struct lapic_outputs out;
};

/* It puts itself on the bus, and lives until the device list is destroyed. NULL without memory. */
struct lapic *lapic_new(const struct lapic_wiring *wiring);

/* Pin LINT0 or LINT1. On a PC LINT0 of the bootstrap CPU is INTR of the 8259s, LINT1 of all is NMI. */
struct irq_line lapic_lint(struct lapic *lapic, unsigned pin);

/* The CPU takes the interrupt it was asked for by `intr`: the vector (0 to 255). Finds nothing (TPR was raised meanwhile):
 * the spurious vector. */
int lapic_acknowledge(struct lapic *lapic);

/* One register, by its offset in the page; offsets between registers read 0. */
uint32_t lapic_read(struct lapic *lapic, unsigned offset);
/* By offset / 16, for offsets below 400h: where the register lies that reads as it was stored, for who wants to load the
 * ID as if from RAM; or NULL, then lapic_read. Good for as long as the local APIC. */
#define LAPIC_STORED 64
const uint32_t *const *lapic_stored(const struct lapic *lapic);
void lapic_write(struct lapic *lapic, unsigned offset, uint32_t value);

/* MSR 1Bh, IA32_APIC_BASE: bit 8 BSP, bit 11 global enable, 35:12 base. A write with reserved bits is refused: #GP(0).
 * While bit 11 is clear the local APIC is not there: CPUID leaf 1 must not show it (EDX bit 9), LINT0 is INTR and LINT1 is
 * NMI; it comes back as after power-on. */
uint64_t lapic_base_read(const struct lapic *lapic);
bool lapic_base_write(struct lapic *lapic, uint64_t value);
bool lapic_enabled(const struct lapic *lapic);

/* The CPU waits for a startup IPI: it executes nothing, and nothing else wakes it (SDM 3A, 8.4.3). */
bool lapic_waiting(const struct lapic *lapic);
uint8_t lapic_id(const struct lapic *lapic);

/* For the bus. Does a destination name it, could it take that kind of message, at which priority does its CPU run (APR), and
 * the message itself. */
bool lapic_matches(const struct lapic *lapic, uint8_t destination, bool logical);
bool lapic_takes(const struct lapic *lapic, unsigned delivery);
unsigned lapic_priority(const struct lapic *lapic);
void lapic_deliver(struct lapic *lapic, const struct apic_message *message);

/* Registers that matter, LVT and the vectors requested and in service, a few lines. */
void lapic_print(const struct lapic *lapic, FILE *to);

#endif

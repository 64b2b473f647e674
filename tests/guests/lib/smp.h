/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs in a test guest: found in ACPI's MADT (or else in the MP table), started by INIT and SIPI
 * through the local APIC (SDM 3A, 8.4.4.1), each with its own stack, all with one GDT, one IDT and one page
 * directory. CPU 0 is the boot processor; the others are numbered as they arrive.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "runtime.h"

enum {
    SMP_MOST = 8,

    LAPIC_ID = 0x20,
    LAPIC_EOI = 0xb0,
    LAPIC_LDR = 0xd0,
    LAPIC_DFR = 0xe0,
    LAPIC_SVR = 0xf0,
    LAPIC_ICR_LOW = 0x300,
    LAPIC_ICR_HIGH = 0x310,

    ICR_FIXED = 0x00000,
    ICR_NMI = 0x00400,
    ICR_INIT = 0x00500,
    ICR_STARTUP = 0x00600,
    ICR_LOGICAL = 0x00800,
    ICR_PENDING = 0x01000,
    ICR_ASSERT = 0x04000,
    ICR_SELF = 0x40000,
    ICR_ALL = 0x80000,
    ICR_OTHERS = 0xc0000,
};

uint32_t lapic_read(uint32_t reg);
void lapic_write(uint32_t reg, uint32_t value);

/* Sends an IPI when the one before has gone; `destination` is an APIC ID or a logical mask. */
void lapic_send(uint32_t destination, uint32_t icr);

/* How many usable CPUs the tables name, at most SMP_MOST; 0 if there are no tables. */
unsigned smp_count(void);

/* Starts `cpus` - 1 APs, each of which calls `ap_main` with its number. Returns how many CPUs run. */
unsigned smp_start(unsigned cpus, void (*ap_main)(unsigned cpu));

/* The number of this CPU, and the APIC ID of one. */
unsigned smp_self(void);
uint8_t smp_apic_id(unsigned cpu);

/* Waits by the 8254's channel 0. */
void delay_us(uint32_t us);

static inline void cpu_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

#endif

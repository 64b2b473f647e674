/* SPDX-License-Identifier: MIT */
/*
 * The APIC bus: what carries interrupt messages from I/O APICs and local APICs to local APICs, and EOI messages back.
 * Specification: Intel SDM 3A, 10.6 (IPIs), 10.6.2 (destinations), 10.8.1 (distribution), 10.8.5 (EOI).
 *
 * Functions on the PCI bus send messages too: a dword that a device, not a CPU, writes to FEE00000h-FEEFFFFFh is one
 * (10.11).
 *
 * Messages arrive at once, in the order in which they are sent. "Lowest priority" goes to the local APIC with the
 * lowest processor priority; of equals, to the one after the last that was chosen, round about.
 *
 *     apic_bus_new -> lapic_new for each CPU, ioapic_new, apic_bus_open_window -> messages
 */
#ifndef DEVICES_PLATFORM_APIC_BUS_H
#define DEVICES_PLATFORM_APIC_BUS_H

#include <stdbool.h>
#include "devices/device.h"
#include "emu/core/clock.h"
#include "mem/region.h"

#define APIC_CPUS_MOST 8
#define APIC_NO_CPU    UINT32_MAX

#define APIC_WINDOW_BASE 0xfee00000u /* where devices write their messages */
#define APIC_WINDOW_SIZE 0x00100000u

struct apic_bus;
struct lapic;

/* Bits 10:8 of ICR, LVT entries and redirection entries. */
enum apic_delivery {
    APIC_FIXED,
    APIC_LOWEST_PRIORITY,
    APIC_SMI,
    APIC_RESERVED,
    APIC_NMI,
    APIC_INIT,
    APIC_STARTUP, /* reserved in I/O APICs */
    APIC_EXTINT,  /* reserved in the ICR */
};

struct apic_message {
    uint8_t delivery; /* enum apic_delivery */
    uint8_t vector;
    uint8_t destination; /* MDA: an APIC ID (FFh: all), or in logical mode a set (10.6.2.2) */
    bool logical;
    bool level; /* trigger mode; the receiver answers its EOI with a broadcast */
};

/* `current_cpu` names the CPU whose access to the APIC page is being carried out just now (its number, from 0), or
 * APIC_NO_CPU when it is a device's. */
struct apic_bus *apic_bus_new(struct device_list *devices, struct clock *clock,
                              unsigned (*current_cpu)(void *owner), void *owner);

/* For lapic.c: local APICs put themselves on the bus at creation, each under its CPU number. */
void apic_bus_attach(struct apic_bus *bus, unsigned cpu, struct lapic *lapic);
/* The local APIC of a CPU; NULL when there is none. */
struct lapic *apic_bus_lapic(const struct apic_bus *bus, unsigned cpu);
/* That of the CPU whose access is under way; NULL for an access that is none of a CPU. */
struct lapic *apic_bus_current(const struct apic_bus *bus);

/* Sends a message. `except` (NULL: nobody) is left out, as the shorthand "all excluding self" wants it. False: nobody
 * took it. */
bool apic_bus_send(struct apic_bus *bus, const struct apic_message *message, const struct lapic *except);

/* Shows the window for messages of devices in `memory`, the container of physical addresses: once, behind the pages
 * of the local APICs. CPUs find nobody there, and reads neither. */
void apic_bus_open_window(struct apic_bus *bus, struct region *memory);
/* A device's write within the window: bits 19:12 of the address name the destination, bit 2 makes it logical, `data`
 * is the vector, its delivery mode and trigger mode (10.11.1, 10.11.2). A write is posted: MEM_OK also when nobody
 * takes the message. MEM_DECODE_ERROR outside of the window. */
enum mem_result apic_bus_write(struct apic_bus *bus, uint64_t address, uint32_t data);

/* The I/O APIC (one at the most) hears of what concerns its level-triggered interrupts. */
struct apic_bus_listener {
    void (*eoi)(void *owner, uint8_t vector); /* a local APIC has finished with that vector */
    void (*receivers_changed)(void *owner);   /* somebody may take now what nobody took before */
    void *owner;
};
void apic_bus_listen(struct apic_bus *bus, const struct apic_bus_listener *listener);
/* For lapic.c: tells the listener. */
void apic_bus_eoi(struct apic_bus *bus, uint8_t vector);
void apic_bus_receivers_changed(struct apic_bus *bus);

const char *apic_delivery_name(unsigned delivery);

#endif

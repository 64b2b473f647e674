/* SPDX-License-Identifier: MIT */
/*
 * High precision event timer at FED00000h: a 64-bit counter at 100 MHz and three timers, each one-shot or periodic, 32 or 64
 * bits wide, edge- or level-triggered.
 *
 * Specification: IA-PC HPET specification 1.0a.
 *
 * Counts are computed from virtual time; nothing is counted down. Timers drive pins 20 to 23 of the I/O APIC (INT_ROUTE_CAP),
 * or with legacy replacement routing IRQ 0 (timer 0) and IRQ 8 (timer 1) in the place of the 8254 and the RTC, whose lines
 * therefore go through here. Messages (FSB) do not exist. An edge-triggered interrupt lowers its line and raises it again, so
 * that a controller which looks at levels too still sees it. Periods that go by within one instruction come as one interrupt.
 */
#ifndef DEVICES_PLATFORM_HPET_H
#define DEVICES_PLATFORM_HPET_H

#include "devices/device.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define HPET_BASE      0xfed00000u
#define HPET_TICK_NS   10
#define HPET_BLOCK_ID  0x8086a201u /* low half of GCAP_ID, as the ACPI table HPET repeats it */
#define HPET_FIRST_PIN 20
#define HPET_PINS      4

struct hpet;

struct hpet_wiring {
    struct region *memory; /* container of physical addresses */
    struct device_list *devices;
    struct clock *clock;
    struct irq_line irq0, irq8;
    struct irq_line pin[HPET_PINS]; /* of the I/O APIC, from HPET_FIRST_PIN on */
};

struct hpet *hpet_new(const struct hpet_wiring *wiring);

/* Where OUT 0 of the 8254 and the RTC's interrupt go in; they come out at irq0 and irq8 while legacy replacement is off. */
struct irq_line hpet_pit_input(struct hpet *hpet);
struct irq_line hpet_rtc_input(struct hpet *hpet);

#endif

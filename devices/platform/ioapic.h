/* SPDX-License-Identifier: MIT */
/*
 * 82093AA I/O APIC at FEC00000h: 24 input pins, each with an entry in the redirection table that says which message its
 * interrupts become.
 *
 *   00h  IOREGSEL: 0 ID, 1 version, 2 arbitration ID, 10h-3Fh redirection table, two dwords an entry
 *   10h  IOWIN: the register chosen
 *
 * Specification: Intel 82093AA data sheet (290566), 3.0 to 3.3.
 *
 * It works beside the 8259s: every ISA interrupt goes to both, and the operating system masks what it does not use. On this
 * board IRQ 0 is pin 2, pin 0 is open, every other IRQ is the pin of its number; pins 16 to 23 belong to nobody but the HPET.
 *
 * Lines carry "asserted", not volts: the polarity bit is kept and changes nothing. An edge on a masked pin is lost, and so
 * is an edge that no local APIC takes; a level that nobody takes is offered again as soon as somebody might.
 */
#ifndef DEVICES_PLATFORM_IOAPIC_H
#define DEVICES_PLATFORM_IOAPIC_H

#include <stdio.h>
#include "devices/platform/apic_bus.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define IOAPIC_BASE 0xfec00000u
#define IOAPIC_PINS 24

struct ioapic;

/* `memory` is a container of physical addresses. Listens to the EOIs of the bus. NULL without memory. */
struct ioapic *ioapic_new(struct apic_bus *bus, struct region *memory, struct device_list *devices,
                          struct clock *clock);

/* Input pin n (0 to 23). */
struct irq_line ioapic_pin(struct ioapic *ioapic, unsigned n);
/* The pin that an ISA interrupt (0 to 15, not 2) is wired to on a PC. */
struct irq_line ioapic_isa_irq(struct ioapic *ioapic, unsigned irq);

/* One line per pin that is not masked or not low. */
void ioapic_print(const struct ioapic *ioapic, FILE *to);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * 82371SB (PIIX3), function 0: the PCI to ISA bridge. It routes PIRQA#-PIRQD# to the 8259s and holds the
 * reset control register CF9h. The 8259s, 8254, DMA and port 61h that the same chip contains are separate
 * devices (devices/platform); the IDE controller, function 1, is devices/storage/ide. Specification: Intel
 * 82371SB (290550).
 */
#ifndef DEVICES_BUS_PIIX3_H
#define DEVICES_BUS_PIIX3_H

#include "devices/bus/pci.h"

struct piix3;

struct piix3_wiring {
    struct pci_bus *bus;
    uint8_t devfn;                       /* 1.0 on a PC; the function is part of a multifunction device */
    struct irq_line irq[16];             /* inputs of the two 8259s, 0-15 */
    struct region *ports_behind_confadd; /* i440fx_ports_behind(): CF9h is its offset 1 */
    /* The guest asked for a reset: of the CPU alone (soft) or of the whole machine (hard). May return before
     * it is made. */
    void (*reset)(void *owner, bool hard);
    void *reset_owner;
};

/* Also connects the bus's interrupt lines. Devices: "piix3-pci" and "piix3". */
struct piix3 *piix3_new(const struct piix3_wiring *wiring);

/* Input `number` of the 8259s for a motherboard device that may share it with PCI interrupts (the SCI, IRQ
 * 9): the 8259 sees the OR of this line and of what is routed there. Devices on inputs that no PIRQ can share
 * may be wired directly. */
struct irq_line piix3_isa_irq(struct piix3 *piix3, unsigned number);

#endif

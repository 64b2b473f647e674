/* SPDX-License-Identifier: MIT */
/*
 * The IDE function of the PIIX3: PCI 8086:7010, two channels at the legacy ports, bus-master registers in
 * BAR4. Specification: Intel 290550 (82371FB PIIX and 82371SB PIIX3), "IDE Controller PCI Configuration
 * Registers" and "Bus Master IDE".
 *
 *   primary    1F0h-1F7h, 3F6h, IRQ 14, bus master at BAR4 + 0
 *   secondary  170h-177h, 376h, IRQ 15, bus master at BAR4 + 8
 *
 * A channel answers while I/O Space Enable in Command is 1 and bit 15 (IDE Decode Enable) of its IDETIM
 * register is 1. Both are 0 after reset; the firmware sets them. Timings are kept and read back, and change
 * nothing.
 */
#ifndef DEVICES_STORAGE_PIIX3_IDE_H
#define DEVICES_STORAGE_PIIX3_IDE_H

#include "devices/bus/pci.h"
#include "devices/storage/ide.h"

#define PIIX3_IDE_CHANNELS 2

/* Configuration registers of its own: one IDETIM per channel. */
enum { PIIX3_IDE_IDETIM = 0x40, PIIX3_IDE_SIDETIM = 0x44, PIIX3_IDE_BAR = 4 };
enum { PIIX3_IDE_DECODE_ENABLE = 1 << 15 };

struct piix3_ide;

/* Puts the function on the bus, its ports into `io`, and itself on the list of devices (as "piix3-ide", the
 * function, and "ide", the channels), which destroys it. */
struct piix3_ide *piix3_ide_new(struct pci_bus *bus, uint8_t devfn, struct region *io, struct clock *clock,
                                struct irq_line irq14, struct irq_line irq15, struct device_list *devices);
/* A drive for a place on a cable: channel 0 or 1, unit 0 (master) or 1 (slave). `block` is not owned and must
 * outlive the controller. `block` and `config`: see ata_attach. Errors: no such place, taken, and those of
 * ata_attach. */
bool piix3_ide_attach(struct piix3_ide *ide, unsigned channel, unsigned unit, struct block *block,
                      const struct ata_drive_config *config, struct error *error);
/* The drive at a place, for its tray (ata.h); NULL where there is none. */
struct ata_drive *piix3_ide_drive(struct piix3_ide *ide, unsigned channel, unsigned unit);
/* A disk's own translation, for the firmware's tables in CMOS; NULL where there is none. */
const struct ata_geometry *piix3_ide_geometry(const struct piix3_ide *ide, unsigned channel, unsigned unit);
/* The space through which it reaches memory, for -stats and the checker. */
struct space *piix3_ide_dma_space(struct piix3_ide *ide);

#endif

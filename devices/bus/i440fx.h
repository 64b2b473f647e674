/* SPDX-License-Identifier: MIT */
/*
 * 82441FX, the host bridge of the 440FX chipset: bus 0, device 0, function 0.
 * Specification: Intel 440FX PCIset, 82441FX PCI and memory controller (290549).
 *
 * It builds system memory, the tree that the CPU and bus masters see:
 *
 *     0            RAM up to the low size
 *     A0000-BFFFF  PCI (the VGA's window), in front of RAM
 *     C0000-FFFFF  RAM or PCI for reads and for writes, in 13 segments (PAM registers 59h-5Fh)
 *     low size     PCI: BARs, and the BIOS at the top of 4 GiB
 *     4 GiB        the rest of RAM
 *
 * The low size is all of RAM if that is below I440FX_HOLE, else I440FX_SPLIT. PCI memory also shows the last
 * 128 KiB of the BIOS at E0000-FFFFF, which is what the CPU sees there after reset.
 *
 * It answers configuration mechanism #1 at ports CF8h and CFCh-CFFh (3.1). Only a dword access reaches
 * CONFADD at CF8h; narrower ones pass on to i440fx_ports_behind(), where the ISA bridge puts its reset
 * control register CF9h.
 *
 * System management mode does not exist here: SMRAM (72h) is a register and opens nothing.
 */
#ifndef DEVICES_BUS_I440FX_H
#define DEVICES_BUS_I440FX_H

#include "devices/bus/pci.h"

#define I440FX_HOLE  UINT64_C(0xe0000000) /* RAM that would reach beyond this ... */
#define I440FX_SPLIT UINT64_C(0xc0000000) /* ... ends here and goes on at 4 GiB */

struct i440fx;

struct i440fx_wiring {
    struct region *ram;   /* all of RAM, at least 1 MiB; the board keeps it until the bridge is gone */
    struct region *bios;  /* ROM of at most 16 MiB; NULL for none. The same */
    struct region *io;    /* container of the I/O ports */
    uint64_t memory_size; /* of system memory: above all RAM, at most 1 << 40 */
    struct clock *clock;
    struct device_list *devices;
    struct dma_settings dma; /* for the space of every function on the bus */
};

/* Makes the bridge and its bus. It is destroyed as the device "i440fx", after everything else on the bus. */
struct i440fx *i440fx_new(const struct i440fx_wiring *wiring, struct error *error);

struct pci_bus *i440fx_bus(const struct i440fx *bridge);
struct region *i440fx_system_memory(const struct i440fx *bridge); /* root container for the CPU's space */
struct region *i440fx_pci_memory(
    const struct i440fx *bridge); /* container for what decodes fixed PCI addresses */
struct region *i440fx_ports_behind(const struct i440fx *bridge); /* container of 4 ports, CF8h-CFBh */

/* Bytes of RAM below the hole, for a machine with that much. */
uint64_t i440fx_low_ram(uint64_t ram_size);

#endif

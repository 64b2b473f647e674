/* SPDX-License-Identifier: MIT */
/*
 * Message signalled interrupts: the MSI capability of a PCI function with one vector and a 64-bit address.
 * Specification: PCI Local Bus Specification 2.3, 6.8.1.
 *
 * A message is a write of a dword (the data register, upper half zero) to the message address, made by the function
 * as a bus master: it goes through the function's DMA space, and nothing happens while Bus Master Enable is 0. What
 * an address means is the platform's business; on a PC FEE00000h to FEEFFFFFh are the local APICs
 * (devices/platform/apic_bus.h).
 *
 * The write is made from an event of its own, at the same virtual time, so that it never happens inside an access of
 * a CPU. Several sends before the event are one message, as edges on one vector are one interrupt.
 */
#ifndef DEVICES_BUS_PCI_MSI_H
#define DEVICES_BUS_PCI_MSI_H

#include "devices/bus/pci.h"

/* Registers, from the start of the capability. */
enum {
    PCI_MSI_ID = 0, /* 05h; the next capability follows */
    PCI_MSI_CONTROL = 2,
    PCI_MSI_ADDRESS = 4,
    PCI_MSI_ADDRESS_HIGH = 8,
    PCI_MSI_DATA = 12,
    PCI_MSI_SIZE = 14,
};
enum { PCI_CAPABILITY_MSI = 0x05 };
enum { PCI_MSI_ENABLE = 1 << 0, PCI_MSI_MULTIPLE_ENABLE = 7 << 4, PCI_MSI_64BIT = 1 << 7 };

struct pci_msi {
    struct pci_function *function;
    unsigned offset; /* of the capability, in configuration space */
    struct clock_event send;
    char send_name[48];
};

/* Adds the capability at `offset` (a multiple of 4 from 40h on), in front of those that the function has already.
 * `function` is initialised. */
void pci_msi_init(struct pci_msi *msi, struct pci_function *function, unsigned offset);
void pci_msi_destroy(struct pci_msi *msi);

/* The driver has switched messages on; the function then does not use its pin (6.8.2). */
bool pci_msi_enabled(const struct pci_msi *msi);
/* Sends the message. Does nothing while they are off. */
void pci_msi_send(struct pci_msi *msi);
/* Takes back what was not sent yet: for resets of the device. */
void pci_msi_cancel(struct pci_msi *msi);

#endif

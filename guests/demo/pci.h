/* SPDX-License-Identifier: MIT */
/* PCI configuration space by mechanism 1: PCI Local Bus Specification 2.1, section 3.7.4.1. */
#ifndef DEMO_PCI_H
#define DEMO_PCI_H

#include <stdbool.h>
#include <stdint.h>

struct pci_address {
    uint8_t bus, device, function;
};

enum {
    PCI_ID = 0x00,      /* device << 16 | vendor */
    PCI_COMMAND = 0x04, /* status << 16 | command */
    PCI_CLASS = 0x08,   /* class << 24 | subclass << 16 | interface << 8 | revision */
    PCI_HEADER = 0x0c,  /* header type in bits 23:16 */
    PCI_BAR4 = 0x20,

    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MASTER = 1 << 2,
};

/* `offset` is a multiple of 4. */
uint32_t pci_read32(struct pci_address where, uint8_t offset);
void pci_write32(struct pci_address where, uint8_t offset, uint32_t value);

/* Prints one line per function of bus 0. */
void pci_list(void);

/* Find the first function with this PCI_ID, or with this class << 8 | subclass.  False if there is none. */
bool pci_find_id(uint32_t id, struct pci_address *found);
bool pci_find_class(uint16_t class_code, struct pci_address *found);

#endif

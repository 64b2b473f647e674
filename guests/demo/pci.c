/* SPDX-License-Identifier: MIT */
/* PCI configuration space and the list of what is on bus 0, which on this board is everything. */
#include "pci.h"
#include "console.h"
#include "io.h"
#include "lib.h"

enum {
    CONFIG_ADDRESS = 0xcf8,
    CONFIG_DATA = 0xcfc,
    DEVICES = 32,
    FUNCTIONS = 8,
};

#define CONFIG_ENABLE      0x80000000u
#define NOBODY             0xffffffffu /* what PCI_ID reads as where no function answers */
#define MULTIPLE_FUNCTIONS 0x00800000u

static const struct {
    uint16_t class_code;
    const char *name;
} class_names[] = {
    {0x0101, "IDE controller"},  {0x0200, "Ethernet controller"}, {0x0300, "VGA controller"},
    {0x0600, "host bridge"},     {0x0601, "ISA bridge"},          {0x0680, "bridge"},
    {0x0106, "SATA controller"}, {0x0c03, "USB controller"},      {0x0401, "audio device"},
};

static void select_register(struct pci_address where, uint8_t offset)
{
    uint32_t function =
        (uint32_t)where.bus << 16 | (uint32_t)where.device << 11 | (uint32_t)where.function << 8;

    outl(CONFIG_ADDRESS, CONFIG_ENABLE | function | offset);
}

uint32_t pci_read32(struct pci_address where, uint8_t offset)
{
    select_register(where, offset);
    return inl(CONFIG_DATA);
}

void pci_write32(struct pci_address where, uint8_t offset, uint32_t value)
{
    select_register(where, offset);
    outl(CONFIG_DATA, value);
}

/* Steps to the next function that answers.  Begin with `first` true; false when bus 0 is through. */
static bool next_function(struct pci_address *at, bool first)
{
    if (first) {
        *at = (struct pci_address){0, 0, 0};
        if (pci_read32(*at, PCI_ID) != NOBODY) return true;
    }
    for (;;) {
        struct pci_address zero = {at->bus, at->device, 0};
        bool more = pci_read32(zero, PCI_ID) != NOBODY && pci_read32(zero, PCI_HEADER) & MULTIPLE_FUNCTIONS;

        if (more && at->function < FUNCTIONS - 1) {
            at->function++;
        } else if (at->device < DEVICES - 1) {
            at->device++;
            at->function = 0;
        } else {
            return false;
        }
        if (pci_read32(*at, PCI_ID) != NOBODY) return true;
    }
}

static const char *class_name(uint16_t class_code)
{
    for (unsigned i = 0; i < sizeof class_names / sizeof class_names[0]; i++)
        if (class_names[i].class_code == class_code) return class_names[i].name;
    return "device";
}

void pci_list(void)
{
    struct pci_address at;

    for (bool more = next_function(&at, true); more; more = next_function(&at, false)) {
        uint32_t id = pci_read32(at, PCI_ID);
        uint16_t class_code = (uint16_t)(pci_read32(at, PCI_CLASS) >> 16);

        print("pci: %02x:%02x.%u %04x:%04x class %04x, %s\n", at.bus, at.device, at.function, id & 0xffff,
              id >> 16, class_code, class_name(class_code));
    }
}

bool pci_find_id(uint32_t id, struct pci_address *found)
{
    for (bool more = next_function(found, true); more; more = next_function(found, false))
        if (pci_read32(*found, PCI_ID) == id) return true;
    return false;
}

bool pci_find_class(uint16_t class_code, struct pci_address *found)
{
    for (bool more = next_function(found, true); more; more = next_function(found, false))
        if (pci_read32(*found, PCI_CLASS) >> 16 == class_code) return true;
    return false;
}

/* SPDX-License-Identifier: MIT */
/*
 * PCI (Local Bus Specification 2.3): configuration space, base address registers, INTx, bus mastering.
 *
 * Configuration bytes are data: `config` holds them, `writable` says which bits a guest may change,
 * `clear_on_one` which bits it clears by writing 1 (6.2.3). BARs are declared with a region; the bus maps and
 * unmaps it when the guest moves the BAR or changes the decode bits in Command (6.2.5). A function reaches
 * memory through `dma`, its own space with its own bounce pool; while Bus Master Enable is 0 nothing answers
 * there (6.2.2).
 */
#ifndef DEVICES_BUS_PCI_H
#define DEVICES_BUS_PCI_H

#include <stdint.h>
#include "devices/device.h"
#include "emu/core/irq.h"
#include "mem/dma.h"

#define PCI_CONFIG_SIZE 256
#define PCI_BARS        6

/* Standard registers (6.1). */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_PROG_IF = 0x09,
    PCI_SUBCLASS = 0x0a,
    PCI_CLASS = 0x0b,
    PCI_CACHE_LINE_SIZE = 0x0c,
    PCI_LATENCY_TIMER = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_ROM_BAR = 0x30,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};
enum { PCI_HEADER_MULTIFUNCTION = 0x80 };
enum { PCI_BAR_IO = 1, PCI_BAR_PREFETCHABLE = 8 };
enum { PCI_ROM_ENABLE = 1 };
enum { PCI_COMMAND_IO = 1, PCI_COMMAND_MEMORY = 2, PCI_COMMAND_MASTER = 4, PCI_COMMAND_INTX_DISABLE = 0x400 };
enum { PCI_STATUS_INTERRUPT = 8, PCI_STATUS_CAPABILITIES = 0x10 };

struct pci_bus;

struct pci_state {
    uint8_t config[PCI_CONFIG_SIZE];
    bool intx; /* the function asserts its interrupt */
};

struct pci_bar {
    struct region *region; /* NULL: not implemented */
    bool io;
};

/* A row of a chip's table of configuration registers. */
struct pci_register {
    const char *name; /* the datasheet's mnemonic, for traces */
    uint8_t offset, size;
    uint32_t reset, writable;
};

struct pci_function {
    struct device
        device; /* state: struct pci_state; chips keep a second struct device for registers of their own */
    struct pci_state state;
    uint8_t writable[PCI_CONFIG_SIZE];
    uint8_t clear_on_one[PCI_CONFIG_SIZE];
    uint8_t reset_config[PCI_CONFIG_SIZE]; /* what reset puts back */
    struct pci_bar bars[PCI_BARS];
    struct pci_bar rom;
    struct pci_bus *bus;
    uint8_t devfn; /* device << 3 | function */
    struct space *dma;
    /* After the bytes were stored; for chips with registers in configuration space. May be NULL. */
    void (*config_written)(void *owner, unsigned offset, unsigned size);
    void *owner;

    /* The bus's own. */
    struct list node;          /* in the bus, by devfn */
    struct region *dma_root;   /* of the DMA space: empty while Bus Master Enable is 0 ... */
    struct region *dma_window; /* ... and this alias of the bus's dma_root otherwise */
    const struct pci_register *registers;
    unsigned register_count;
};

struct pci_identity {
    uint16_t vendor, device;
    uint8_t class, subclass, prog_if, revision;
    uint8_t interrupt_pin; /* 0 none, 1 = INTA# */
    bool multifunction;
};

struct pci_bus_wiring {
    struct region *memory;   /* container for memory BARs: the system's memory */
    struct region *io;       /* container for I/O BARs */
    struct region *dma_root; /* what bus masters see */
    uint64_t memory_size;    /* of the spaces made for masters */
    struct clock *clock;
    struct device_list *devices;
    /* The four PIRQ# inputs of the router. Slots are wired as the firmware's routing tables say: pin p (1 =
     * INTA#) of device d reaches input (d - 1 + p - 1) & 3, so that INTA# of device 1 is PIRQA#. */
    struct irq_line intx[4];
    struct dma_settings dma; /* for every function's space */
};

struct pci_bus *pci_bus_new(const struct pci_bus_wiring *wiring);
void pci_bus_free(struct pci_bus *bus); /* its functions are destroyed already */
const struct pci_bus_wiring *pci_bus_wiring(const struct pci_bus *bus);
/* The router (PIIX) is made after the bus; it connects here. */
void pci_bus_connect_intx(struct pci_bus *bus, const struct irq_line lines[4]);

/* Fills standard fields, makes the DMA space, registers the function's device under `name` (which must
 * outlive it). The structure is zeroed by its owner before. Reset of the function's device puts configuration
 * back, which unmaps the BARs and turns bus mastering off; it comes before the reset of a device that the
 * chip registers later. */
void pci_function_init(struct pci_function *function, struct pci_bus *bus, uint8_t devfn, const char *name,
                       const struct pci_identity *identity,
                       void (*config_written)(void *owner, unsigned offset, unsigned size), void *owner);
/* Takes the function off the bus and out of the list of devices. Nothing may be mapped through its DMA space.
 * The chip calls it while its BAR regions still exist, and releases them afterwards. */
void pci_function_destroy(struct pci_function *function);
/* Declares BAR `n`; size is the region's, a power of two (at least 4 for I/O, 16 for memory). The chip owns
 * `region`. A BAR made of RAM is marked prefetchable. A BAR decodes nothing at base 0 or while all its
 * address bits are 1, as during sizing. */
void pci_function_add_bar(struct pci_function *function, unsigned n, struct region *region, bool io);
/* Expansion ROM (6.2.5.2). */
void pci_function_add_rom(struct pci_function *function, struct region *region);
/* A configuration register of the chip's own: value at reset, and which bits the guest may write. */
void pci_function_config(struct pci_function *function, unsigned offset, unsigned size, uint32_t value,
                         uint32_t writable);
/* The same for a whole table, whose names traces then show. `registers` must outlive the function. */
void pci_function_registers(struct pci_function *function, const struct pci_register *registers,
                            unsigned count);
/* The function's interrupt request (6.2.4). It reaches the router unless the guest set Interrupt Disable. */
void pci_function_set_intx(struct pci_function *function, bool asserted);
struct pci_function *pci_bus_find(struct pci_bus *bus, uint8_t devfn);              /* NULL: nobody there */
struct pci_function *pci_bus_next(struct pci_bus *bus, struct pci_function *after); /* NULL starts and ends */

/* Configuration cycles, as the host bridge issues them: size 1, 2, 4, not crossing a dword. Nobody there: all
 * ones. */
uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size);
void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size, uint32_t value);

#endif

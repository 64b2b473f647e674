/* SPDX-License-Identifier: MIT */
/*
 * An AHCI host bus adapter like that of Intel's ICH9: PCI 8086:2922, class 010601h, registers in BAR5, six ports, one
 * MSI vector. Specification: Serial ATA AHCI 1.3.1 ("AHCI" below); FIS formats: Serial ATA 2.6; the
 * drives are those of devices/storage/ata.h.
 *
 * What there is (CAP): 32 slots, 64-bit addresses, native command queuing, command list override, partial and
 * slumber, PIO of several DRQ blocks, AHCI only. What there is not: port multipliers, enclosure management, command
 * completion coalescing, BIOS/OS handoff, DevSleep, aggressive power management.
 *
 * Time: whatever a register write starts happens from an event, and so does all DMA; registers themselves change at
 * once. A link comes up AHCI_LINK_TIME after COMRESET ends, the drive's signature follows ATA_RESET_TIME later.
 *
 * Where the specification leaves a choice:
 *  - Commands are taken in ascending order from the slot after the last one (AHCI 3.3.14); all that may be are in one
 *    event.
 *  - A command table that names fewer bytes than the drive moves: on reads the rest is dropped, PxIS.OFS is set and the
 *    command ends; on writes OFS is set and the command hangs until the driver resets (AHCI, Command List Overflow).
 *  - A descriptor that lies in no memory, or data, or the FIS area: PxIS.HBFS, and the port stops until PxCMD.ST is
 *    cleared.
 *  - A command FIS that is none (type, length) is refused by the drive: PxIS.IFS, and the port stops.
 *  - While Bus Master Enable is 0 no command is fetched; they wait. FISes that arrive are lost.
 *  - Without staggered spin-up PxCMD.SUD is 1 and links come up by themselves.
 */
#ifndef DEVICES_STORAGE_AHCI_H
#define DEVICES_STORAGE_AHCI_H

#include "devices/bus/pci.h"
#include "devices/storage/ata.h"

#define AHCI_PORTS      6
#define AHCI_SLOTS      32
#define AHCI_NAME_MOST  16 /* letters of a controller's name */
#define AHCI_BAR        5
#define AHCI_BAR_SIZE   0x1000
#define AHCI_MSI_OFFSET 0x80

#define AHCI_RESET_TIME (10 * VTIME_US)  /* GHC.HR */
#define AHCI_LINK_TIME  (100 * VTIME_US) /* from the end of COMRESET to PhyRdy */

struct ahci;

struct ahci_wiring {
    struct pci_bus *bus;
    uint8_t devfn;
    const char *name; /* of the device, at most AHCI_NAME_MOST letters; copied */
    struct clock *clock;
    struct device_list *devices;
    bool staggered_spin_up; /* CAP.SSS: the driver starts each drive by PxCMD.SUD */
    bool
        presence_detection; /* ports have mechanical switches and cold presence detect: PxIS.DMPS and PxIS.CPDS */
};

/* Puts the function on the bus and itself on the list of devices, as NAME (the function) and NAME.hba, which destroys
 * it. NULL with an error when the name is too long. */
struct ahci *ahci_new(const struct ahci_wiring *wiring, struct error *error);

/* Plugs a drive into a port (0 to 5), at any time; `block` may be NULL for a CD-ROM without medium, is not owned and
 * must outlive the controller or the next ahci_detach. Errors: no such port, taken, those of ata_attach. */
bool ahci_attach(struct ahci *ahci, unsigned port, struct block *block, const struct ata_drive_config *config,
                 struct error *error);
/* Pulls it out. What is under way is taken back; nothing of the block is used any more when this returns. */
void ahci_detach(struct ahci *ahci, unsigned port);
/* The drive in a port, for media changes and the firmware's tables; NULL where there is none. */
struct ata_drive *ahci_drive(struct ahci *ahci, unsigned port);
const char *ahci_name(const struct ahci *ahci);
/* The space through which it reaches memory, for -stats and the checker. */
struct space *ahci_dma_space(struct ahci *ahci);

/* What can go wrong on a cable. Takes effect at once. */
enum ahci_fault {
    AHCI_FAULT_CRC,         /* a damaged FIS, sent again: PxIS.INFS */
    AHCI_FAULT_PROTOCOL,    /* a data FIS beyond repair: PxIS.IFS, the port stops */
    AHCI_FAULT_DATA,        /* the host's memory gave damaged data: PxIS.HBDS, the port stops */
    AHCI_FAULT_UNKNOWN_FIS, /* a FIS of a type that nobody knows: PxIS.UFS, and its bytes in the FIS area */
    AHCI_FAULT_WRONG_PORT,  /* a FIS that names a port of a port multiplier: PxIS.IPMS */
    AHCI_FAULTS,
};
void ahci_link_fault(struct ahci *ahci, unsigned port, enum ahci_fault fault);

#endif

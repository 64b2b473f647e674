/* SPDX-License-Identifier: MIT */
/*
 * The bus-master engine of one IDE channel: "Programming Interface for Bus Master IDE Controller",
 * revision 1.0 (called "Bus Master IDE 1.0" below), as built into the PIIX3 (Intel 290550, "Bus Master IDE
 * Function").
 *
 * It carries sectors, or what a drive has in its buffer, between a drive that waits in phase ATA_DMA and the guest
 * memory that a table of physical region descriptors (PRDs) names. It moves when the driver has set Start, the drive
 * asks, Bus Master Enable is 1, and the direction fits; in whichever order these come. How it ends tells the driver
 * what happened (Bus Master IDE 1.0, status bits):
 *
 *   table and transfer of the same size   Active 0, Interrupt 1
 *   table longer                          Active 1, Interrupt 1   the drive is done, the controller is not
 *   table shorter                         Active 0, Interrupt 0   the drive still waits; a new Start goes on there
 *   memory did not answer                 Active 0, Interrupt 0, Error 1
 *   the drive ended with an error         Active 1, Interrupt 1   ERR is in the drive's Status
 *
 * Fixed here where the specification is silent: what a table names beyond the last whole sector
 * (of a disk; of a buffer beyond its last byte) is not transferred; a table that runs into a 64 KiB boundary ends
 * there; a region that crosses one goes on behind it; with the direction bit wrong for the command nothing moves.
 *
 * A start is carried out from an event (`kick`); a stop takes effect at once. A transfer that lands on these
 * very registers ends as one to an address where nobody answers (the guard, mem/region.h).
 */
#ifndef DEVICES_STORAGE_BUS_MASTER_H
#define DEVICES_STORAGE_BUS_MASTER_H

#include "block/transfer.h"
#include "devices/bus/pci.h"
#include "devices/storage/ata.h"
#include "mem/buffer_stream.h"

#define BUS_MASTER_PORTS 8 /* per channel */

/* Offsets from the channel's base, and their bits. */
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4 };
enum { BM_COMMAND_START = 1 << 0, BM_COMMAND_TO_MEMORY = 1 << 3 };
enum {
    BM_STATUS_ACTIVE = 1 << 0,
    BM_STATUS_ERROR = 1 << 1,
    BM_STATUS_INTERRUPT = 1 << 2,
    BM_STATUS_DRIVE0_CAPABLE = 1 << 5,
    BM_STATUS_DRIVE1_CAPABLE = 1 << 6,
};

struct bus_master_state {
    uint8_t command, status;
    uint32_t table;      /* descriptor table pointer */
    uint32_t next;       /* descriptor that is fetched next */
    uint32_t base, left; /* rest of the current region */
    bool last;           /* the current region is the table's last */
    bool moving;         /* a transfer is under way */
};

extern const struct state_field bus_master_fields[];

struct bus_master {
    const char *name; /* the channel's */
    struct bus_master_state *state;
    struct pci_function *function;
    struct clock *clock;
    struct mem_guard *guard;
    struct ata_drive *drive;  /* which asked last; NULL: none since the last reset */
    struct ata_drive *served; /* whose sectors move */
    struct sglist list;
    struct transfer transfer;   /* sectors of the disk */
    struct buffer_stream bytes; /* of the drive's buffer */
    struct clock_event kick;
    char kick_name[32], transfer_name[32], bytes_name[32];
};

/* `function` is initialised; it gives the memory. `name`, `state` and `guard` must outlive the engine. */
void bus_master_init(struct bus_master *engine, struct bus_master_state *state, const char *name,
                     struct pci_function *function, struct clock *clock, struct mem_guard *guard);
void bus_master_destroy(struct bus_master *engine);
void bus_master_reset(struct bus_master *engine); /* cancels at once */
void bus_master_loaded(struct bus_master *engine);
/* The transfer under way, beside the state; drives are named by their place in `drives`. Loading takes it up again, in place
 * of what bus_master_loaded did; what it asks for before is in transfer_load. */
bool bus_master_save_transfer(const struct bus_master *engine, const struct ata_drive *drives,
                              struct state_buffer *to, struct error *error);
bool bus_master_load_transfer(struct bus_master *engine, struct ata_drive *drives, struct state_buffer *from,
                              struct error *error);
void bus_master_cancel(
    struct bus_master *engine); /* before several are loaded: nothing of them holds or waits any more */

/* The registers, by byte; `offset` is below BUS_MASTER_PORTS. */
uint8_t bus_master_read(const struct bus_master *engine, unsigned offset);
void bus_master_write(struct bus_master *engine, unsigned offset, uint8_t value);

/* From the channel: the drive waits in phase ATA_DMA; it was reset; its interrupt line rose. */
void bus_master_request(struct bus_master *engine, struct ata_drive *drive);
void bus_master_drop(struct bus_master *engine, const struct ata_drive *drive); /* NULL: both were reset */
void bus_master_interrupt(struct bus_master *engine);
/* Bus Master Enable may have changed. */
void bus_master_enabled(struct bus_master *engine);

#endif

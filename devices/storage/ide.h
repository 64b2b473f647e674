/* SPDX-License-Identifier: MIT */
/*
 * One IDE channel: two drives on a cable, disks or CD-ROMs, their Command Block (8 ports, 1F0h on the primary
 * channel) and Control Block (one port, 3F6h). ATA/ATAPI-6 (T13/1410D), clauses 6, 7 and 9; register names are those
 * of clause 7.
 *
 * Who answers (ATA/ATAPI-6, single device configurations): with Device 0 alone, reads for Device 1 are answered by
 * Device 0, except that Status is 00h, and that everything is 00h when Device 0 is a CD-ROM; commands for Device 1
 * are ignored. With nobody, or when Device 1 alone is there and Device 0 is selected, the bus floats: its lines are
 * pulled high but for DD7, which the host pulls low so that BSY reads as 0 (ATA/ATAPI-6, signal DD7). So Status
 * reads 7Fh.
 *
 * INTRQ is driven by the selected drive only, while nIEN is 0. Reading Status, or writing Command, takes it
 * back.
 */
#ifndef DEVICES_STORAGE_IDE_H
#define DEVICES_STORAGE_IDE_H

#include "devices/storage/bus_master.h"
#include "emu/core/irq.h"

#define IDE_COMMAND_PORTS 8
#define IDE_DRIVES        2

/* Command Block, by offset. */
enum {
    IDE_DATA = 0,
    IDE_ERROR = 1, /* read; Features when written */
    IDE_COUNT = 2,
    IDE_LBA_LOW = 3,
    IDE_LBA_MID = 4,
    IDE_LBA_HIGH = 5,
    IDE_DEVICE = 6,
    IDE_STATUS = 7, /* read; Command when written */
};
/* Device Control, at the Control Block's port when written; Alternate Status when read. */
enum { IDE_CONTROL_NIEN = 1 << 1, IDE_CONTROL_SRST = 1 << 2, IDE_CONTROL_HOB = 1 << 7 };

struct ide_channel_state {
    uint8_t control;  /* Device Control */
    uint8_t selected; /* DEV of the last write to Device */
    bool intrq;
    struct ata_state drive[IDE_DRIVES];
    struct bus_master_state bus_master;
};

extern const struct state_field ide_channel_fields[];

struct ide_channel {
    const char *name; /* "ide0" */
    struct ide_channel_state *state;
    struct clock *clock;
    struct irq_line irq;
    struct mem_guard *guard;
    struct ata_drive drive[IDE_DRIVES];
    struct bus_master bus_master;
    struct region *command, *control; /* the ports; whoever decodes addresses places them */
    char drive_name[IDE_DRIVES][16];
};

/* `name`, `state`, `guard` and `function` must outlive the channel. No drives yet. */
void ide_channel_init(struct ide_channel *channel, struct ide_channel_state *state, const char *name,
                      struct pci_function *function, struct clock *clock, struct irq_line irq,
                      struct mem_guard *guard);
void ide_channel_destroy(struct ide_channel *channel);
void ide_channel_reset(struct ide_channel *channel); /* hardware reset: cancel, unmap, clear */
void ide_channel_loaded(struct ide_channel *channel);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Disks on the two channels of the PCI IDE controller (Intel PIIX3), read and written by bus-master DMA.  A channel
 * runs one command at a time; the two channels know nothing of each other and can both be at work.
 * Needs interrupts_init(), timer_init() and paging_init() before it.
 */
#ifndef DEMO_IDE_DMA_H
#define DEMO_IDE_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECTOR_SIZE = 512 };

/* One piece of memory in a transfer.  Physical; address and length even; 2 to 65536 bytes, not across 64 KiB
 * lines. */
struct piece {
    uint32_t address, length;
};

/* The pieces of one transfer, in the order in which the disk's bytes go through them. */
enum { MAX_PIECES = 512 };

struct piece_list {
    unsigned count;
    struct piece pieces[MAX_PIECES];
};

enum ide_direction { IDE_READ, IDE_WRITE };

/* How a transfer ended: the registers as they were at the interrupt, or when the wait was over. */
struct ide_result {
    bool interrupted;   /* false: no interrupt came in time */
    uint8_t bus_master; /* bus-master status: IDE_BM_... */
    uint8_t status, error;
};

enum {
    IDE_BM_ACTIVE = 1 << 0,
    IDE_BM_ERROR = 1 << 1,
    IDE_BM_INTERRUPT = 1 << 2,
};

enum ide_channel { IDE_PRIMARY, IDE_SECONDARY, IDE_CHANNELS };

/* Finds the controller and switches on bus mastering.  False if there is none. */
bool ide_init(void);

/* Identifies drive 0 or 1 of the channel and sets its DMA mode.  False if it is no disk with DMA. */
bool ide_open(enum ide_channel channel, unsigned drive);

/* Prints what the last ide_open() of the channel found; nothing if that was no disk. */
void ide_print(enum ide_channel channel);

/* One DMA command to the drive of the channel's last ide_open(), 1 to 256 sectors.  It runs while the caller
 * goes on; the list is copied. */
void ide_start(enum ide_channel channel, enum ide_direction direction, uint32_t lba, uint32_t sectors,
               const struct piece_list *list);

/* Waits for the end of what ide_start() began, at most `ticks`. */
struct ide_result ide_finish(enum ide_channel channel, uint32_t ticks);

/* The same, for lists that fit: fails unless everything went well. */
void ide_finish_well(enum ide_channel channel);

/* Start and finish in one. */
void ide_read(enum ide_channel channel, uint32_t lba, uint32_t sectors, const struct piece_list *list);
void ide_write(enum ide_channel channel, uint32_t lba, uint32_t sectors, const struct piece_list *list);

/* Resets the channel by SRST: ends a command that has no other end. */
void ide_reset(enum ide_channel channel);

#endif

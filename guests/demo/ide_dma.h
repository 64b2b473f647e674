/* SPDX-License-Identifier: MIT */
/*
 * Disks on the primary channel of the PCI IDE controller (Intel PIIX3), read and written by bus-master DMA.
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

/* Finds the controller and switches on bus mastering.  False if there is none. */
bool ide_init(void);

/* Identifies drive 0 or 1 of the channel, sets its DMA mode and says what it is.  False if it is no disk with
 * DMA. */
bool ide_open(unsigned drive);

/* One DMA command to the drive of the last ide_open(), 1 to 256 sectors; waits for its end, at most `ticks`.
 */
struct ide_result ide_transfer(enum ide_direction direction, uint32_t lba, uint32_t sectors,
                               const struct piece_list *list, uint32_t ticks);

/* The same, for lists that fit: fails unless everything went well. */
void ide_read(uint32_t lba, uint32_t sectors, const struct piece_list *list);
void ide_write(uint32_t lba, uint32_t sectors, const struct piece_list *list);

/* Resets the channel by SRST: ends a command that has no other end. */
void ide_reset(void);

#endif

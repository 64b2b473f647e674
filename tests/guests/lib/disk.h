/* SPDX-License-Identifier: MIT */
/* The disk of the test guests: primary master, LBA28, polled unless disk_sleep() says otherwise. */
#ifndef GUEST_DISK_H
#define GUEST_DISK_H

#include "runtime.h"

enum {
    DISK_SECTOR = 512,
    DISK_STATUS_ERROR = 0x01,
    DISK_STATUS_REQUEST = 0x08,
    DISK_STATUS_FAULT = 0x20,
    DISK_STATUS_BUSY = 0x80,
    DISK_BM_ACTIVE = 0x01,
    DISK_BM_ERROR = 0x02,
    DISK_BM_INTERRUPT = 0x04,
};

struct disk_result {
    uint8_t status, error;
    uint8_t bus_master; /* status register; 0 for PIO */
};

/* The number of sectors, or 0 if there is no disk or no bus-master controller. */
uint32_t disk_init(void);

/* Lets disk_dma() sleep until IRQ 14 instead of polling. */
void disk_sleep(bool sleep);

/* Up to 256 sectors from or to a buffer that is even and does not cross a 64 KiB line, in one PRD (two for >
 * 128). */
struct disk_result disk_dma(bool write, uint32_t lba, uint32_t sectors, void *buffer);

/* WRITE SECTORS (30h), one block after the other, until the end or the first error. */
struct disk_result disk_pio_write(uint32_t lba, uint32_t sectors, const void *buffer);

/* FLUSH CACHE. */
struct disk_result disk_flush(void);

static inline bool disk_failed(struct disk_result r)
{
    return r.status & (DISK_STATUS_ERROR | DISK_STATUS_FAULT) || r.bus_master & DISK_BM_ERROR;
}

#endif

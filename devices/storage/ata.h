/* SPDX-License-Identifier: MIT */
/*
 * An ATA disk: ATA/ATAPI-6 (T13/1410D), general feature set, CHS and 28-bit LBA.
 *
 * This is the drive, not the cable: a task file goes in with ata_command, and the drive answers in virtual
 * time by three callbacks of its host (a parallel IDE channel now; any other transport that speaks ATA can be
 * one). It knows no ports, no PCI and no guest memory. Data moves in one of two ways:
 *
 *   PIO   the drive offers a block of 1 to 16 sectors (DRQ); the host takes or fills it with ata_data_read and
 *         ata_data_write;
 *   DMA   the drive says that it is ready (dma_ready); the host moves sectors between guest memory and `block` itself,
 *         from ata_dma_offset on, at most ata_dma_bytes of them, and tells the drive with ata_dma_moved how far it came.
 *
 * Errors of the disk behind it are the drive's errors: a failed read ends with UNC, a failed write or flush
 * with Device Fault and ABRT, a write to a read-only disk with ABRT before any data moves (ATA/ATAPI-6,
 * "Error outputs" of each command).
 *
 * What lies before a bad sector is delivered, in whole DRQ blocks; the address registers then name the bad
 * sector and Sector Count says how many are missing.
 */
#ifndef DEVICES_STORAGE_ATA_H
#define DEVICES_STORAGE_ATA_H

#include "block/block.h"
#include "emu/core/bits.h"
#include "emu/core/state.h"
#include "mem/region.h"

#define ATA_SECTOR         512
#define ATA_BUFFER_SECTORS 16 /* the drive's buffer, and the largest block of READ MULTIPLE */
#define ATA_LBA28_SECTORS  0x0fffffffu

/* Time that the electronics take, beside the latency of the disk itself. */
#define ATA_COMMAND_TIME (5 * VTIME_US)   /* from the command to its first action */
#define ATA_BLOCK_TIME   (1 * VTIME_US)   /* between two DRQ blocks that come from the buffer */
#define ATA_RESET_TIME   (200 * VTIME_US) /* from the end of a reset to BSY = 0 */

/* Status and Error registers, and bits of Device. */
enum {
    ATA_STATUS_ERR = 1 << 0,
    ATA_STATUS_DRQ = 1 << 3,
    ATA_STATUS_DSC = 1 << 4,
    ATA_STATUS_DF = 1 << 5,
    ATA_STATUS_DRDY = 1 << 6,
    ATA_STATUS_BSY = 1 << 7,
};
enum {
    ATA_ERROR_ABRT = 1 << 2,
    ATA_ERROR_IDNF = 1 << 4,
    ATA_ERROR_UNC = 1 << 6,
    ATA_DIAGNOSTIC_PASSED = 0x01, /* the code that Error holds after a reset */
};
enum { ATA_DEVICE_DEV = 1 << 4, ATA_DEVICE_LBA = 1 << 6 };

enum {
    ATA_EXECUTE_DEVICE_DIAGNOSTIC = 0x90
}; /* the one command that a channel must know: both drives obey it */

struct ata_geometry {
    uint16_t cylinders; /* 1 to 16383 */
    uint8_t heads;      /* 1 to 16 */
    uint8_t sectors;    /* 1 to 63, per track */
};

struct ata_taskfile {
    uint8_t features, count, lba_low, lba_mid, lba_high, device, command; /* written by the host */
    uint8_t status, error;                                                /* written by the drive */
};

enum ata_phase {
    ATA_IDLE,
    ATA_RESETTING,  /* BSY until the reset is over */
    ATA_EXECUTING,  /* BSY; a command was accepted and is about to act */
    ATA_READING,    /* BSY; disk to buffer */
    ATA_NEXT_BLOCK, /* BSY; the buffer holds more blocks for the host */
    ATA_PIO_IN,     /* DRQ; buffer to host */
    ATA_PIO_OUT,    /* DRQ; host to buffer */
    ATA_WRITING,    /* BSY; buffer to disk */
    ATA_FLUSHING,   /* BSY */
    ATA_DMA,        /* DRQ; the host moves sectors by DMA */
    ATA_PHASES,
};

struct ata_state {
    struct ata_taskfile regs;
    uint8_t phase;
    bool interrupt;        /* pending: INTRQ, if the drive is selected and nIEN is 0 */
    bool asleep;           /* after SLEEP; ends with a reset */
    uint8_t power;         /* what CHECK POWER MODE answers */
    uint8_t multiple;      /* sectors per block of READ/WRITE MULTIPLE; 0: not set */
    uint8_t transfer_mode; /* as given to SET FEATURES 03h */
    bool write_cache, look_ahead;
    bool keep_settings; /* SET FEATURES 66h: a software reset leaves them alone */
    uint16_t cylinders; /* the translation in force (INITIALIZE DEVICE PARAMETERS) */
    uint8_t heads, sectors;

    /* the command in progress */
    uint32_t lba;       /* next sector */
    uint32_t remaining; /* sectors still to go between disk and buffer, or by DMA */
    uint32_t block;     /* sectors in one DRQ block */
    uint32_t filled, position,
        block_end; /* bytes of the buffer: in use, next to move, end of the DRQ block */
    uint8_t buffer[ATA_BUFFER_SECTORS * ATA_SECTOR];
};

extern const struct state_field ata_state_fields[];

struct ata_disk;

/* What the drive says to the transport. */
struct ata_host_ops {
    void (*interrupt)(void *owner, struct ata_disk *disk); /* state->interrupt changed */
    void (*dma_ready)(void *owner, struct ata_disk *disk); /* phase is ATA_DMA */
    void (*data_ready)(void *owner,
                       struct ata_disk *disk); /* phase is ATA_PIO_IN or ATA_PIO_OUT; may be NULL */
};

struct ata_disk {
    const char *name;
    struct ata_state *state;
    struct block *block; /* NULL: no drive here. Not owned */
    struct ata_geometry geometry;
    bool second; /* Device 1 of a cable: it does not interrupt after EXECUTE DEVICE DIAGNOSTIC */
    struct clock *clock;
    struct mem_guard *guard;
    const struct ata_host_ops *ops;
    void *owner;
    struct clock_event timer;
    struct block_request request;
    struct iovec piece;
    char timer_name[32], request_name[32];
};

/* `state`, `name`, `ops` and `guard` (entered around every callback) must outlive the disk. There is no drive
 * yet. */
void ata_init(struct ata_disk *disk, struct ata_state *state, const char *name, struct clock *clock,
              struct mem_guard *guard, const struct ata_host_ops *ops, void *owner);
void ata_destroy(struct ata_disk *disk);
/* Puts a drive there and powers it on. `geometry` NULL: ata_default_geometry. An error when a number is out
 * of range. */
bool ata_attach(struct ata_disk *disk, struct block *block, const struct ata_geometry *geometry,
                struct error *error);
/* The translation of a drive of that size: 16 heads, 63 sectors; fewer heads below 1008 sectors, where the
 * last track may be cut. */
struct ata_geometry ata_default_geometry(uint64_t sectors);

static inline bool ata_present(const struct ata_disk *disk)
{
    return disk->block != 0;
}

/* Sectors that 28-bit commands reach. */
uint32_t ata_sectors(const struct ata_disk *disk);

/* All three take back what is under way first. A software reset begins when SRST is set and ends when it is
 * cleared. */
void ata_reset(struct ata_disk *disk); /* power-on and hardware reset */
void ata_soft_reset_begin(struct ata_disk *disk);
void ata_soft_reset_end(struct ata_disk *disk);
/* The state was replaced by a saved one: puts requests in flight again. */
void ata_loaded(struct ata_disk *disk);
/* The request in flight, beside the state. Loading takes it up again, in place of what ata_loaded did, and refuses a state
 * that no drive can have made. */
void ata_save_request(const struct ata_disk *disk, struct state_buffer *to);
bool ata_load_request(struct ata_disk *disk, struct state_buffer *from, struct error *error);

/* True while the drive does not look at the Command Block registers (BSY or DRQ, ATA/ATAPI-6, 7.1). */
static inline bool ata_busy(const struct ata_disk *disk)
{
    return (disk->state->regs.status & (ATA_STATUS_BSY | ATA_STATUS_DRQ)) != 0;
}

/* Executes `code` with the task file as it stands. Not while ata_busy. */
void ata_command(struct ata_disk *disk, uint8_t code);
const char *ata_command_name(uint8_t code); /* "READ DMA"; "unknown command" for others */
/* The host has seen the interrupt (it read Status). */
void ata_acknowledge(struct ata_disk *disk);

/* 512 bytes, as IDENTIFY DEVICE gives them. */
void ata_identify(const struct ata_disk *disk, uint8_t *data);

/* The block is used up: go on. Called by the two below. */
void ata_block_done(struct ata_disk *disk);

/* Moves the next `size` (1 to 4) bytes of the DRQ block. What is beyond its end reads as ones and is lost.
 * Only in ATA_PIO_IN and ATA_PIO_OUT. */
static inline uint32_t ata_data_read(struct ata_disk *disk, unsigned size)
{
    struct ata_state *s = disk->state;
    uint32_t left = s->block_end - s->position, take = size < left ? size : left;
    uint32_t value = (uint32_t)le_load(s->buffer + s->position, take) | (uint32_t)~bytes_mask(take);
    s->position += take;
    if (s->position == s->block_end) ata_block_done(disk);
    return value;
}

static inline void ata_data_write(struct ata_disk *disk, unsigned size, uint32_t value)
{
    struct ata_state *s = disk->state;
    uint32_t left = s->block_end - s->position, take = size < left ? size : left;
    le_store(s->buffer + s->position, take, value);
    s->position += take;
    if (s->position == s->block_end) ata_block_done(disk);
}

/* For the transport in phase ATA_DMA. */
static inline uint64_t ata_dma_offset(const struct ata_disk *disk)
{
    return (uint64_t)disk->state->lba * ATA_SECTOR;
}
static inline uint64_t ata_dma_bytes(const struct ata_disk *disk)
{
    return (uint64_t)disk->state->remaining * ATA_SECTOR;
}
enum block_op ata_dma_op(const struct ata_disk *disk); /* BLOCK_READ: guest memory is written */
/* `bytes` (whole sectors) went through; `failed`: the disk refused the sector after them. Ends the command
 * when there was an error or nothing is left; else the drive waits for more. Ignored in other phases. */
void ata_dma_moved(struct ata_disk *disk, uint64_t bytes, bool failed);

#endif

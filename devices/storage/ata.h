/* SPDX-License-Identifier: MIT */
/*
 * An ATA device: a disk (ATA/ATAPI-6, T13/1410D, with TRIM and NCQ of ATA8-ACS), or a CD-ROM that takes SCSI
 * commands in packets (ATAPI; MMC-5).
 *
 * This is the drive, not the cable: a task file goes in with ata_command, and the drive answers in virtual time by
 * callbacks of its host, a parallel IDE channel or an AHCI port. It knows no ports, no FIS, no PCI and no guest
 * memory. Data moves in one of two ways:
 *
 *   PIO   The drive offers a block (DRQ) in its buffer. A channel takes or fills it by ata_data_read and
 *         ata_data_write, a transport that moves it at once has ata_block_data and ata_block_moved. The 12 bytes of a
 *         packet command go the same way, in phase ATA_PACKET.
 *   DMA   The drive says that it is ready (dma_ready). ata_dma_part names what it is ready for: sectors of `block`,
 *         which the host moves between guest memory and the disk itself (block/transfer.h), or bytes of the drive's
 *         buffer (IDENTIFY, logs, answers to packet commands; mem/buffer_stream.h). The host tells how far it came by
 *         ata_dma_moved. A command may have several parts, one after the other.
 *
 * Queued commands (NCQ) do not use the phases: the transport has their task files checked by ata_queued_check, moves
 * the sectors, any number of commands at a time, and reports a failure by ata_queued_failed.
 *
 * Errors of the disk behind it are the drive's errors: a failed read ends with UNC, a failed write or flush with Device
 * Fault and ABRT, a write to a read-only disk with ABRT before any data moves (ATA/ATAPI-6, "Error outputs" of each
 * command). What lies before a bad sector is delivered, in whole DRQ blocks; the address registers then name the bad
 * sector and Sector Count says how many are missing. A CD-ROM ends with CHECK CONDITION and has sense data.
 */
#ifndef DEVICES_STORAGE_ATA_H
#define DEVICES_STORAGE_ATA_H

#include <string.h>
#include "block/block.h"
#include "emu/core/bits.h"
#include "emu/core/state.h"
#include "mem/region.h"

#define ATA_SECTOR         512
#define ATA_BUFFER_SECTORS 16 /* the drive's buffer, and the largest block of READ MULTIPLE */
#define ATA_LBA28_SECTORS  0x0fffffffu
#define ATA_PACKET_BYTES   12
#define ATA_QUEUE_TAGS     32

/* Time that the electronics take, beside the latency of the disk itself. */
#define ATA_COMMAND_TIME (5 * VTIME_US)   /* from the command to its first action */
#define ATA_BLOCK_TIME   (1 * VTIME_US)   /* between two DRQ blocks that come from the buffer */
#define ATA_RESET_TIME   (200 * VTIME_US) /* from the end of a reset to BSY = 0 */

/* Status and Error registers, and bits of Device and (packet commands) Sector Count. */
enum {
    ATA_STATUS_ERR = 1 << 0, /* CHK of a packet command */
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
    ATA_REASON_COMMAND = 1 << 0,
    ATA_REASON_TO_HOST = 1 << 1
}; /* C/D and I/O (PACKET, Interrupt Reason) */

/* The commands that a transport must know. */
enum {
    ATA_DEVICE_RESET = 0x08,
    ATA_READ_FPDMA_QUEUED = 0x60,
    ATA_WRITE_FPDMA_QUEUED = 0x61,
    ATA_EXECUTE_DEVICE_DIAGNOSTIC = 0x90, /* both drives of a cable obey it */
};

struct ata_geometry {
    uint16_t cylinders; /* 1 to 16383 */
    uint8_t heads;      /* 1 to 16 */
    uint8_t sectors;    /* 1 to 63, per track */
};

struct ata_taskfile {
    uint8_t features, count, lba_low, lba_mid, lba_high, device, command; /* written by the host */
    uint8_t status, error;                                                /* written by the drive */
    /* For 48-bit commands: what was written before. Bits 15:8 of Features and Sector Count, and 31:24, 39:32 and
     * 47:40 of the LBA. Serial ATA calls them (exp). */
    uint8_t features_previous, count_previous, lba_low_previous, lba_mid_previous, lba_high_previous;
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
    ATA_DMA,        /* DRQ; the host moves a part by DMA */
    ATA_PACKET,     /* DRQ; the 12 bytes of a packet command, host to buffer */
    ATA_DECODING,   /* BSY; a packet was accepted and is about to act */
    ATA_TRIMMING,   /* BSY; the buffer's list of ranges is worked off */
    ATA_PHASES,
};

/* What READ LOG EXT tells of a queued command that failed (page 10h). */
struct ata_queue_error {
    bool halted; /* nothing but a reset and that page is taken until it was read */
    uint8_t tag; /* bit 7: it was no queued command */
    struct ata_taskfile regs;
};

/* What a CD-ROM has beside. Sense data: SPC-4. */
struct atapi_state {
    uint8_t packet[ATA_PACKET_BYTES]; /* the command in progress */
    bool dma;
    uint16_t limit;         /* bytes in a DRQ block at the most */
    uint8_t key, asc, ascq; /* sense data of the last command that failed */
    uint8_t attentions;     /* unit attentions to be told: a bit for each of enum atapi_attention */
    uint8_t event;          /* media event to be told: enum atapi_event */
    bool locked;            /* PREVENT ALLOW MEDIUM REMOVAL */
    bool tray_open;
    uint8_t
        raw; /* READ CD: the parts of a sector that are wanted; 0: user data alone, straight from the disk */
    uint8_t error_recovery[10]; /* mode page 01h, as MODE SELECT left it */
    uint8_t audio_control[14];  /* mode page 0Eh */
};

#define SMART_TESTS 21 /* that the self-test log tells of (SMART READ LOG, self-test log) */

struct smart_state {
    bool disabled;
    uint8_t tests; /* kept below, from 0 on; the newest overwrites the oldest */
    uint8_t newest;
    struct smart_test {
        uint8_t kind, result;
        uint16_t hours; /* that the drive had been on */
    } test[SMART_TESTS];
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

    uint64_t limit,
        lasting_limit; /* sectors that the drive admits to (SET MAX ADDRESS), and after the next power-on */
    bool native_max_read; /* the command before was READ NATIVE MAX ADDRESS */
    struct smart_state smart;

    struct ata_queue_error queue_error;
    struct atapi_state packet;

    /* the command in progress */
    uint64_t lba;       /* next sector of 512 bytes */
    uint64_t remaining; /* sectors still to go between disk and buffer, or by DMA */
    uint32_t block;     /* sectors in one DRQ block */
    uint32_t filled, position,
        block_end; /* bytes of the buffer: in use, next to move, end of the DRQ block */
    uint8_t buffer[ATA_BUFFER_SECTORS * ATA_SECTOR];
};

extern const struct state_field ata_state_fields[];

enum ata_kind { ATA_HARD_DISK, ATA_CDROM };

/* What a drive is. Zeros and NULLs ask for defaults. Texts are ASCII and are copied. */
struct ata_drive_config {
    enum ata_kind kind;
    struct ata_geometry geometry; /* of a disk; all zero: ata_default_geometry */
    const char *serial;           /* 20 characters; default: the drive's name */
    const char *model;            /* 40 characters */
    const char *firmware;         /* 8 characters */
    uint64_t wwn;                 /* World Wide Name; 0: none */
};

struct ata_drive;

/* What the drive says to the transport, and what it must know of it. All callbacks come inside the drive's guard. */
struct ata_host_ops {
    void (*interrupt)(void *owner, struct ata_drive *drive); /* state->interrupt changed */
    void (*dma_ready)(void *owner,
                      struct ata_drive *drive); /* phase is ATA_DMA: a part waits, the first or the next */
    void (*data_ready)(void *owner,
                       struct ata_drive *drive); /* phase is ATA_PIO_IN, ATA_PIO_OUT or ATA_PACKET */
    void (*ended)(void *owner,
                  struct ata_drive *drive); /* phase is ATA_IDLE: the registers say how the command ended */
    void (*reset_done)(void *owner,
                       struct ata_drive *drive); /* phase is ATA_IDLE: the registers hold the signature */
    bool serial;                                 /* Serial ATA: IDENTIFY says so */
    uint8_t queue_depth;                         /* NCQ: 1 to 32; 0: none */
};                                               /* data_ready, ended and reset_done may be NULL */

struct ata_drive {
    const char *name;
    struct ata_state *state;
    bool present; /* there is a drive */
    enum ata_kind kind;
    struct block *block; /* of a CD-ROM NULL, or without sectors, while there is no medium. Not owned */
    struct ata_geometry geometry;
    char serial[21], model[41], firmware[9];
    uint64_t wwn;
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

/* `state`, `name`, `ops` and `guard` (entered around every callback) must outlive the drive. There is no drive yet. */
void ata_init(struct ata_drive *drive, struct ata_state *state, const char *name, struct clock *clock,
              struct mem_guard *guard, const struct ata_host_ops *ops, void *owner);
void ata_destroy(struct ata_drive *drive);
/* Puts a drive there and powers it on. `block` may be NULL for a CD-ROM without medium. `config` NULL: a disk with all
 * defaults. An error when a number is out of range or a text too long or not printable. */
bool ata_attach(struct ata_drive *drive, struct block *block, const struct ata_drive_config *config,
                struct error *error);
void ata_detach(struct ata_drive *drive); /* takes it away, and back what it had under way */
/* The translation of a drive of that size: 16 heads, 63 sectors; fewer heads below 1008 sectors, where the last
 * track may be cut. */
struct ata_geometry ata_default_geometry(uint64_t sectors);

static inline bool ata_present(const struct ata_drive *drive)
{
    return drive->present;
}

uint64_t ata_sectors(
    const struct ata_drive *drive); /* that commands reach: a disk's size, or less by SET MAX ADDRESS */

/*
 * Resets; each takes back first what is under way, but for transfers of the transport, which cancels those itself. A
 * software reset begins when SRST is set and ends when it is cleared. `reset_done` follows, ATA_RESET_TIME later.
 */
void ata_reset(struct ata_drive *drive); /* power-on and hardware reset; COMRESET */
void ata_soft_reset_begin(struct ata_drive *drive);
void ata_soft_reset_end(struct ata_drive *drive);
/* The state was replaced by a saved one: puts requests in flight again. */
void ata_loaded(struct ata_drive *drive);
/* The request in flight, beside the state. Loading takes it up again, in place of what ata_loaded did, and refuses a
 * state that no drive can have made. */
void ata_save_request(const struct ata_drive *drive, struct state_buffer *to);
bool ata_load_request(struct ata_drive *drive, struct state_buffer *from, struct error *error);

/* True while the drive does not look at the Command Block registers (BSY or DRQ, ATA/ATAPI-6, Status register). */
static inline bool ata_busy(const struct ata_drive *drive)
{
    return (drive->state->regs.status & (ATA_STATUS_BSY | ATA_STATUS_DRQ)) != 0;
}

/* A task file that arrives as a whole (a Register Host to Device FIS); status and error stay. Not while ata_busy. */
void ata_load_taskfile(struct ata_drive *drive, const struct ata_taskfile *regs);
/* Executes `code` with the task file as it stands. Not while ata_busy; but ATA_DEVICE_RESET to a CD-ROM may come at any
 * time, and the transport has then cancelled what it moved. A drive that sleeps, and no drive, ignore commands. */
void ata_command(struct ata_drive *drive, uint8_t code);
const char *ata_command_name(uint8_t code); /* "READ DMA"; "unknown command" for others */
/* The host has seen the interrupt (it read Status). */
void ata_acknowledge(struct ata_drive *drive);

/* 512 bytes, as IDENTIFY DEVICE or IDENTIFY PACKET DEVICE gives them. */
void ata_identify(const struct ata_drive *drive, uint8_t *data);

/* ---- PIO: phases ATA_PIO_IN, ATA_PIO_OUT and ATA_PACKET only ---- */

/* The block is used up: go on. Called by those below. */
void ata_block_done(struct ata_drive *drive);

/* Moves the next `size` (1 to 4) bytes of the DRQ block. What is beyond its end reads as ones and is lost. */
static inline uint32_t ata_data_read(struct ata_drive *drive, unsigned size)
{
    struct ata_state *s = drive->state;
    uint32_t left = s->block_end - s->position, take = size < left ? size : left;
    uint32_t value = (uint32_t)le_load(s->buffer + s->position, take) | (uint32_t)~bytes_mask(take);
    s->position += take;
    if (s->position == s->block_end) ata_block_done(drive);
    return value;
}

/* The same, `count` reads of `size`, but for the one that ends the block and what comes after it. Returns how many. */
static inline uint32_t ata_data_read_series(struct ata_drive *drive, unsigned size, uint8_t *to,
                                            uint32_t count)
{
    struct ata_state *s = drive->state;
    uint32_t left = s->block_end - s->position, whole = left ? (left - 1) / size : 0;
    if (count > whole) count = whole;
    memcpy(to, s->buffer + s->position, (size_t)count * size);
    s->position += count * size;
    return count;
}

static inline void ata_data_write(struct ata_drive *drive, unsigned size, uint32_t value)
{
    struct ata_state *s = drive->state;
    uint32_t left = s->block_end - s->position, take = size < left ? size : left;
    le_store(s->buffer + s->position, take, value);
    s->position += take;
    if (s->position == s->block_end) ata_block_done(drive);
}

/* The rest of the DRQ block at once: where it lies, to be read or filled, and how many bytes. It stays there until
 * the phase changes. */
static inline uint8_t *ata_block_data(const struct ata_drive *drive, uint32_t *bytes)
{
    *bytes = drive->state->block_end - drive->state->position;
    return drive->state->buffer + drive->state->position;
}
/* That many of them were moved. With the last the drive goes on, and the phase changes before this returns. */
void ata_block_moved(struct ata_drive *drive, uint32_t bytes);

/* ---- DMA: phase ATA_DMA ---- */

struct ata_part {
    bool to_host;    /* guest memory is written */
    uint8_t *buffer; /* NULL: sectors of drive->block; stays until the phase changes */
    uint64_t offset; /* on the disk */
    uint64_t bytes;  /* a multiple of 512 on the disk; any number in the buffer */
};
struct ata_part ata_dma_part(const struct ata_drive *drive);
bool ata_dma_to_host(const struct ata_drive *drive); /* of the command in progress */
/* `bytes` of the part (whole sectors on the disk) went through; `failed`: the disk refused what comes after them. At
 * the end of the part the drive goes on: it ends the command, or asks for the next part by dma_ready. Before it, it
 * waits for the rest. Ignored in other phases. */
void ata_dma_moved(struct ata_drive *drive, uint64_t bytes, bool failed);

/* ---- native command queuing (ATA8-ACS, READ/WRITE FPDMA QUEUED) ---- */

struct ata_queued {
    uint8_t tag;
    bool write;
    bool flush; /* a write that is over only when a flush of the block after it is (FUA, or no write cache) */
    uint64_t offset, bytes; /* on drive->block */
    struct ata_taskfile regs;
};
static inline bool ata_is_queued(uint8_t command)
{
    return command == ATA_READ_FPDMA_QUEUED || command == ATA_WRITE_FPDMA_QUEUED;
}
/* Checks a queued command; state->regs then has status and error for the FIS that answers. False when the drive refuses
 * it: the answer is a Set Device Bits FIS, and the drive is halted. Not while a command that is not queued is in
 * progress. */
bool ata_queued_check(struct ata_drive *drive, const struct ata_taskfile *regs, struct ata_queued *queued);
/* The disk refused what comes after `moved` bytes (or the flush). As above; the transport aborts all other queued
 * commands. */
void ata_queued_failed(struct ata_drive *drive, const struct ata_queued *queued, uint64_t moved);
/* A command that is not queued came (its task file is `regs`) while queued ones are outstanding: all are aborted
 * (ATA8-ACS, NCQ feature set). As above. */
void ata_queued_mixed(struct ata_drive *drive, const struct ata_taskfile *regs);
static inline bool ata_queue_halted(const struct ata_drive *drive)
{
    return drive->state->queue_error.halted;
}

/* ---- removable media: CD-ROM drives only ---- */

static inline bool ata_tray_open(const struct ata_drive *drive)
{
    return drive->state->packet.tray_open;
}
static inline bool ata_medium_locked(const struct ata_drive *drive)
{
    return drive->state->packet.locked;
}
/* `block` has another medium, or none, whether the guest had locked the old one or not: the tray is closed over it,
 * and the guest hears of it by unit attention and media event. A command in progress fails when the block says so. */
void ata_medium_changed(struct ata_drive *drive);
/* Somebody presses the button. The tray opens (the block stays attached, and is there again when the guest closes
 * it); false when the guest has locked it: it is then told of the wish. */
bool ata_press_eject(struct ata_drive *drive);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the ATA device need from each other: ata.c (phases and data), ata_commands.c (the table, and
 * commands that move sectors), ata_settings.c, ata_log.c, ata_trim.c, ata_identify.c, ata_queued.c, and atapi.c
 * (packets).
 */
#ifndef DEVICES_STORAGE_ATA_INTERNAL_H
#define DEVICES_STORAGE_ATA_INTERNAL_H

#include "devices/storage/ata.h"

enum ata_protocol {
    ATA_NON_DATA,
    ATA_PROTOCOL_PIO_IN,
    ATA_PROTOCOL_PIO_OUT,
    ATA_DMA_IN,
    ATA_DMA_OUT,
    ATA_PROTOCOL_PACKET,
};

enum ata_command_flags {
    ATA_ADDRESSED = 1 << 0, /* address and count must name sectors of the disk */
    ATA_WRITES = 1 << 1,    /* refused by a read-only disk */
    ATA_MULTIPLE = 1 << 2,  /* DRQ blocks of as many sectors as SET MULTIPLE said */
    ATA_ONE = 1 << 3,       /* names one sector, whatever Sector Count says */
    ATA_EXT = 1 << 4,       /* 48-bit address and 16-bit count */
    ATA_FUA = 1 << 5,       /* is over when it is on the medium */
    ATA_FOR_DISK = 1 << 6,
    ATA_FOR_CDROM = 1 << 7,
};

struct ata_command_row {
    uint8_t protocol;
    uint8_t flags;
    const char *name;
    void (*start)(struct ata_drive *drive); /* ends with ata_succeed or ata_fail, now or later */
    void (*received)(
        struct ata_drive *drive); /* the buffer has got what the host was to send; NULL: it is for the disk */
};

const struct ata_command_row *ata_find_command(uint8_t code); /* NULL: not known */
/* Checks what the row's flags ask for, then starts the command that is in the task file. */
void ata_execute(struct ata_drive *drive);
/* The 48-bit address, or bits 15:0 of the count, in the registers. */
uint64_t ata_lba48(const struct ata_taskfile *regs);
uint32_t ata_count48(const struct ata_taskfile *regs);

#define ATAPI_SECTOR   2048
#define ATAPI_RAW_TURN 12 /* sectors of 512 bytes that fit the buffer when 2048 of them grow to 2352 */

/* Status goes with the phase. */
void ata_set_phase(struct ata_drive *drive, enum ata_phase phase);
void ata_set_interrupt(struct ata_drive *drive, bool pending);

/* The state after power-on, or what SET FEATURES and its like changed. */
void ata_power_on_defaults(struct ata_drive *drive);
/* Signature and diagnostic code ("Signature and persistence"). */
void ata_signature(struct ata_drive *drive);

/* The end of a command, with an interrupt. */
void ata_succeed(struct ata_drive *drive);
void ata_fail(struct ata_drive *drive, uint8_t error, uint8_t status);
void ata_refuse(struct ata_drive *drive); /* ABRT */
void ata_diagnosed(struct ata_drive *drive);
/* The same for a packet command, whose Interrupt Reason is set. */
void ata_end_packet(struct ata_drive *drive, uint8_t error, uint8_t status);
/* The address registers, in the form (48 bits, LBA or CHS) that command and Device ask for. */
void ata_put_address(struct ata_drive *drive, uint64_t lba);

/* Data phases between disk and host; lba, remaining and block are set. */
void ata_read_more(struct ata_drive *drive); /* disk to buffer, for PIO and for READ VERIFY */
void ata_offer_in(struct ata_drive *drive);  /* the next block of the buffer */
void ata_offer_out(struct ata_drive *drive, bool interrupt);
void ata_offer_dma(struct ata_drive *drive);
void ata_flush(struct ata_drive *drive); /* and succeed */
/* Between buffer and host alone, by PIO or DMA as the command says: `bytes` to the host; or `bytes` from it, then
 * the row's `received`. */
void ata_reply(struct ata_drive *drive, uint32_t bytes);
void ata_receive(struct ata_drive *drive, uint32_t bytes);
void ata_offer_packet(struct ata_drive *drive);
/* The request of the drive, filled in; of a read or write for the buffer. */
void ata_prepare(struct ata_drive *drive, enum block_op op, uint64_t lba, uint64_t sectors);
/* ... and in flight; it ends in ata_request_done, which goes on by the phase. */
void ata_submit(struct ata_drive *drive, enum ata_phase phase, enum block_op op, uint64_t lba,
                uint64_t sectors);
void ata_request_done(void *owner, struct block_request *request, int error, uint64_t touched);
void ata_timer_fired(void *owner);

/* ata_drive.c: takes back what is under way, and BSY; the end of a reset. */
void ata_stop(struct ata_drive *drive);
void ata_reset_over(struct ata_drive *drive);

/* Fills in the byte that makes the sum of all 512 zero. */
void ata_put_checksum(uint8_t *data);

/* ata_settings.c */
void ata_set_features(struct ata_drive *drive);
void ata_read_native_max(struct ata_drive *drive);
void ata_set_max(struct ata_drive *drive);
void ata_set_power(struct ata_drive *drive); /* IDLE, STANDBY and SLEEP, with and without IMMEDIATE */
void ata_check_power(struct ata_drive *drive);
enum { ATA_POWER_STANDBY = 0x00, ATA_POWER_IDLE = 0x80, ATA_POWER_ACTIVE = 0xff };

/* ata_log.c */
void ata_smart(struct ata_drive *drive);
void ata_read_log(struct ata_drive *drive);

/* ata_trim.c */
void ata_trim(struct ata_drive *drive);
void ata_trim_received(struct ata_drive *drive);
void ata_trim_go(struct ata_drive *drive);   /* the range at state->position */
void ata_trim_next(struct ata_drive *drive); /* that one is done */

/* atapi.c: `start` of PACKET, and what becomes of it. */
void atapi_start(struct ata_drive *drive);
void atapi_execute(struct ata_drive *drive);
void atapi_received(struct ata_drive *drive);
void atapi_succeed(struct ata_drive *drive);
void atapi_put_byte_count(struct ata_drive *drive, uint32_t bytes);
void atapi_read_failed(struct ata_drive *drive);      /* the disk refused the sector at state->lba */
bool atapi_has_medium(const struct ata_drive *drive); /* the one that the guest knows */
bool atapi_to_host(const struct ata_drive *drive);
void atapi_reset(struct ata_drive *drive, bool power_on);
void atapi_device_reset(struct ata_drive *drive);
/* `sectors` of 2048 bytes that were read into the buffer become what READ CD asked for; returns the bytes. */
uint32_t atapi_raw_sectors(struct ata_drive *drive, uint32_t sectors);

#endif

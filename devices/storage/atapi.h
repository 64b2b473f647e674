/* SPDX-License-Identifier: MIT */
/*
 * The inside of a CD-ROM drive: the packet protocol and sense data (atapi.c), and the commands, SPC-4 and MMC-5
 * (T10/1675-D): mmc.c (the table, and what a drive is), mmc_read.c, mmc_disc.c (contents and state of the disc),
 * mmc_mode.c (mode pages and features).
 */
#ifndef DEVICES_STORAGE_ATAPI_H
#define DEVICES_STORAGE_ATAPI_H

#include "devices/storage/ata_internal.h"

enum sense_key {
    SENSE_NONE = 0x0,
    SENSE_NOT_READY = 0x2,
    SENSE_MEDIUM_ERROR = 0x3,
    SENSE_ILLEGAL_REQUEST = 0x5,
    SENSE_UNIT_ATTENTION = 0x6,
};

/* Additional sense codes: ASC in the high byte, ASCQ in the low one (Annex F). */
enum {
    SENSE_UNRECOVERED_READ_ERROR = 0x1100,
    SENSE_PARAMETER_LIST_LENGTH = 0x1a00,
    SENSE_INVALID_OPERATION_CODE = 0x2000,
    SENSE_OUT_OF_RANGE = 0x2100,
    SENSE_INVALID_FIELD_IN_PACKET = 0x2400,
    SENSE_INVALID_FIELD_IN_LIST = 0x2600,
    SENSE_MEDIUM_MAY_HAVE_CHANGED = 0x2800,
    SENSE_RESET_OCCURRED = 0x2900,
    SENSE_SAVING_NOT_SUPPORTED = 0x3900,
    SENSE_NO_MEDIUM_TRAY_CLOSED = 0x3a01,
    SENSE_NO_MEDIUM_TRAY_OPEN = 0x3a02,
    SENSE_REMOVAL_PREVENTED = 0x5302,
    SENSE_ILLEGAL_MODE_FOR_TRACK = 0x6400,
};

/* Bits of atapi_state.attentions, the most urgent first. */
enum atapi_attention { ATTENTION_RESET = 1 << 0, ATTENTION_MEDIUM = 1 << 1 };
/* Media events (GET EVENT STATUS NOTIFICATION, media class). */
enum atapi_event { EVENT_NONE = 0, EVENT_EJECT_REQUEST = 1, EVENT_NEW_MEDIA = 2, EVENT_MEDIA_REMOVAL = 3 };

enum mmc_flags {
    MMC_NEEDS_MEDIUM = 1 << 0,
    MMC_ANY_TIME =
        1 << 1, /* carried out even while a unit attention waits (SPC-4, unit attention condition) */
    MMC_TO_DRIVE = 1 << 2, /* its data goes to the drive */
};

struct mmc_command {
    uint8_t code, flags;
    const char *name;
    void (*run)(struct ata_drive *drive);
};
const struct mmc_command *mmc_find_command(uint8_t code); /* NULL: not known */

/* Ends. */
void atapi_check(struct ata_drive *drive, enum sense_key key, unsigned code); /* CHECK CONDITION */
static inline void atapi_refuse_field(struct ata_drive *drive)
{
    atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_INVALID_FIELD_IN_PACKET);
}
/* Answers with `bytes` of the buffer, or with as many as the guest wants. */
void atapi_reply(struct ata_drive *drive, uint32_t bytes, uint32_t wanted);
void atapi_take_attention(struct ata_drive *drive); /* a pending unit attention becomes sense data */

/* Sectors of 2048 bytes. */
static inline uint32_t atapi_blocks(const struct ata_drive *drive)
{
    uint64_t blocks = drive->block ? (block_sectors(drive->block) + 3) / 4 : 0;
    return blocks < 0xffffffff ? (uint32_t)blocks : 0xffffffff;
}
/* There is a medium, and the tray is closed over it. */
static inline bool atapi_ready(const struct ata_drive *drive)
{
    return atapi_blocks(drive) && !drive->state->packet.tray_open;
}
bool atapi_open_tray(struct ata_drive *drive); /* false when it is locked */
void atapi_close_tray(struct ata_drive *drive);

/* mmc_read.c */
void mmc_read_10(struct ata_drive *drive);
void mmc_read_12(struct ata_drive *drive);
void mmc_read_cd(struct ata_drive *drive);
void mmc_read_cd_msf(struct ata_drive *drive);
void mmc_seek(struct ata_drive *drive);
/* The address of a block, as MSF or LBA, in 4 bytes. */
void mmc_put_address(uint8_t *to, uint32_t lba, bool msf);
void mmc_put_msf(uint8_t *to, uint64_t frames); /* minutes, seconds and frames of a 75th */

/* mmc_disc.c */
void mmc_read_capacity(struct ata_drive *drive);
void mmc_read_toc(struct ata_drive *drive);
void mmc_read_subchannel(struct ata_drive *drive);
void mmc_read_disc_information(struct ata_drive *drive);
void mmc_read_track_information(struct ata_drive *drive);
void mmc_get_event_status(struct ata_drive *drive);
void mmc_mechanism_status(struct ata_drive *drive);

/* mmc_mode.c */
void mmc_mode_sense(struct ata_drive *drive);
void mmc_mode_select(struct ata_drive *drive);
void mmc_mode_select_received(struct ata_drive *drive);
void mmc_get_configuration(struct ata_drive *drive);
void mmc_default_pages(struct ata_drive *drive);

#endif

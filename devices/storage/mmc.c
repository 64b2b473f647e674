/* SPDX-License-Identifier: MIT */
/* The commands of a CD-ROM drive: SPC-4 and MMC-5 (T10/1675-D). The table is at the end. */
#include <string.h>
#include "devices/storage/atapi.h"

enum { SENSE_BYTES = 18, INQUIRY_BYTES = 36 };

/* There is a medium, or the command had not come here. */
static void test_unit_ready(struct ata_drive *drive)
{
    atapi_succeed(drive);
}

/* What the last command said; it is then forgotten. A waiting unit attention is told first (SPC-4). */
static void request_sense(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    uint8_t *data = s->buffer;

    if (s->packet.key == SENSE_NONE) atapi_take_attention(drive);
    memset(data, 0, SENSE_BYTES);
    data[0] = 0x70; /* fixed format, current */
    data[2] = s->packet.key;
    data[7] = SENSE_BYTES - 8;
    data[12] = s->packet.asc;
    data[13] = s->packet.ascq;
    s->packet.key = s->packet.asc = s->packet.ascq = 0;
    atapi_reply(drive, SENSE_BYTES, s->packet.packet[4]);
}

/* The model's first 8 characters are the vendor, the next 16 the product. */
static void put_text(uint8_t *to, unsigned size, const char *text, size_t from)
{
    size_t length = strlen(text);
    for (unsigned i = 0; i < size; i++) to[i] = from + i < length ? (uint8_t)text[from + i] : ' ';
}

static void inquiry(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    uint8_t *data = drive->state->buffer;

    if (packet[1] & 1 || packet[2]) { /* vital product data: none */
        atapi_refuse_field(drive);
        return;
    }
    memset(data, 0, INQUIRY_BYTES);
    data[0] = 0x05; /* CD/DVD device */
    data[1] = 0x80; /* removable medium */
    data[3] = 0x32; /* as ATAPI devices put it: ATAPI 3, response format 2; SCSI version 0 */
    data[4] = INQUIRY_BYTES - 5;
    put_text(data + 8, 8, drive->model, 0);
    put_text(data + 16, 16, drive->model, 8);
    put_text(data + 32, 4, drive->firmware, 0);
    atapi_reply(drive, INQUIRY_BYTES, be16_load(packet + 3));
}

static void prevent_allow(struct ata_drive *drive)
{
    drive->state->packet.locked = drive->state->packet.packet[4] & 1;
    atapi_succeed(drive);
}

/* Bits 1:0 of byte 4 are LoEj and Start. Spinning up and down changes nothing that shows. */
static void start_stop(struct ata_drive *drive)
{
    uint8_t what = drive->state->packet.packet[4];
    if (what & 0xf0) { /* a power condition */
        atapi_succeed(drive);
    } else if ((what & 3) == 2 && !atapi_open_tray(drive)) {
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_REMOVAL_PREVENTED);
    } else {
        if ((what & 3) == 3) atapi_close_tray(drive);
        atapi_succeed(drive);
    }
}

/* There is one speed. */
static void set_speed(struct ata_drive *drive)
{
    atapi_succeed(drive);
}

static const struct mmc_command commands[] = {
    {0x00, MMC_NEEDS_MEDIUM, "TEST UNIT READY", test_unit_ready},
    {0x03, MMC_ANY_TIME, "REQUEST SENSE", request_sense},
    {0x12, MMC_ANY_TIME, "INQUIRY", inquiry},
    {0x15, MMC_TO_DRIVE, "MODE SELECT(6)", mmc_mode_select},
    {0x1a, 0, "MODE SENSE(6)", mmc_mode_sense},
    {0x1b, 0, "START STOP UNIT", start_stop},
    {0x1e, 0, "PREVENT ALLOW MEDIUM REMOVAL", prevent_allow},
    {0x25, MMC_NEEDS_MEDIUM, "READ CAPACITY", mmc_read_capacity},
    {0x28, MMC_NEEDS_MEDIUM, "READ(10)", mmc_read_10},
    {0x2b, MMC_NEEDS_MEDIUM, "SEEK(10)", mmc_seek},
    {0x42, MMC_NEEDS_MEDIUM, "READ SUB-CHANNEL", mmc_read_subchannel},
    {0x43, MMC_NEEDS_MEDIUM, "READ TOC/PMA/ATIP", mmc_read_toc},
    {0x46, MMC_ANY_TIME, "GET CONFIGURATION", mmc_get_configuration},
    {0x4a, MMC_ANY_TIME, "GET EVENT STATUS NOTIFICATION", mmc_get_event_status},
    {0x51, MMC_NEEDS_MEDIUM, "READ DISC INFORMATION", mmc_read_disc_information},
    {0x52, MMC_NEEDS_MEDIUM, "READ TRACK INFORMATION", mmc_read_track_information},
    {0x55, MMC_TO_DRIVE, "MODE SELECT(10)", mmc_mode_select},
    {0x5a, 0, "MODE SENSE(10)", mmc_mode_sense},
    {0xa8, MMC_NEEDS_MEDIUM, "READ(12)", mmc_read_12},
    {0xb9, MMC_NEEDS_MEDIUM, "READ CD MSF", mmc_read_cd_msf},
    {0xbb, 0, "SET CD SPEED", set_speed},
    {0xbd, 0, "MECHANISM STATUS", mmc_mechanism_status},
    {0xbe, MMC_NEEDS_MEDIUM, "READ CD", mmc_read_cd},
};

const struct mmc_command *mmc_find_command(uint8_t code)
{
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        if (commands[i].code == code) return &commands[i];
    return NULL;
}

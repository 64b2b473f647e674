/* SPDX-License-Identifier: MIT */
/*
 * What is in a CD-ROM drive: one finished session with one data track, from block 0 to the end of the image; and how
 * the drive and its tray are. MMC-5 (T10/1675-D), the commands by these names.
 */
#include <string.h>
#include "devices/storage/atapi.h"

enum {
    ADR_CONTROL = 0x14, /* address in the Q sub-channel; data track, digital copy not permitted */
    TRACK = 1,
    SESSION = 1,
    LEAD_OUT = 0xaa,
    MODE_1 = 1,
};

static const uint8_t *packet_of(const struct ata_drive *drive)
{
    return drive->state->packet.packet;
}

static uint8_t *clear(struct ata_drive *drive, unsigned bytes)
{
    memset(drive->state->buffer, 0, bytes);
    return drive->state->buffer;
}

void mmc_read_capacity(struct ata_drive *drive)
{
    uint8_t *data = clear(drive, 8);
    be32_store(data, atapi_blocks(drive) - 1);
    be32_store(data + 4, ATAPI_SECTOR);
    atapi_reply(drive, 8, 8);
}

/* READ TOC/PMA/ATIP. */

static uint8_t *put_track(uint8_t *to, uint8_t track, uint32_t lba, bool msf)
{
    to[1] = ADR_CONTROL;
    to[2] = track;
    mmc_put_address(to + 4, lba, msf);
    return to + 8;
}

/* Format 0: the tracks from `first` on, then the lead-out. */
static uint8_t *put_toc(const struct ata_drive *drive, uint8_t *to, bool msf, uint8_t first)
{
    if (first <= TRACK) to = put_track(to, TRACK, 0, msf);
    return put_track(to, LEAD_OUT, atapi_blocks(drive), msf);
}

/* Format 2: what the lead-in's Q sub-channel has. Points A0h and A1h: first and last track; A2h: where the lead-out
 * is. */
static uint8_t *put_full_toc(const struct ata_drive *drive, uint8_t *to)
{
    static const uint8_t points[] = {0xa0, 0xa1, 0xa2, TRACK};
    for (unsigned i = 0; i < ARRAY_COUNT(points); i++, to += 11) {
        to[0] = SESSION;
        to[1] = ADR_CONTROL;
        to[3] = points[i];
        if (points[i] == 0xa2 || points[i] == TRACK)
            mmc_put_address(to + 7, points[i] == TRACK ? 0 : atapi_blocks(drive), true);
        else
            to[8] = TRACK;
    }
    return to;
}

/* The format is in byte 2; drives before MMC had it in the top of byte 9, which some drivers still use. */
void mmc_read_toc(struct ata_drive *drive)
{
    const uint8_t *packet = packet_of(drive);
    uint8_t *data = clear(drive, 64), *end = data + 4;
    uint8_t format = packet[2] & 0x0f, first = packet[6];
    bool msf = packet[1] & 2;

    if (format == 0) format = packet[9] >> 6;
    if (format > 2 || (format == 0 && first > TRACK && first != LEAD_OUT) ||
        (format == 2 && first > SESSION)) {
        atapi_refuse_field(drive);
        return;
    }
    data[2] = data[3] = format == 0 ? TRACK : SESSION;
    if (format == 0) end = put_toc(drive, end, msf, first);
    if (format == 1) end = put_track(end, TRACK, 0, msf); /* the first track of the last session */
    if (format == 2) end = put_full_toc(drive, end);
    be16_store(data, (uint16_t)(end - data - 2));
    atapi_reply(drive, (uint32_t)(end - data), be16_load(packet + 7));
}

/* Within the track: from 00:00:00 on, where a disc's addresses begin at 00:02:00. */
static void put_relative(uint8_t *to, uint32_t lba, bool msf)
{
    if (msf)
        mmc_put_msf(to, lba);
    else
        be32_store(to, lba);
}

/* READ SUB-CHANNEL: the position (1), and the disc's and the track's numbers (2, 3), of which there are none. */
void mmc_read_subchannel(struct ata_drive *drive)
{
    const uint8_t *packet = packet_of(drive);
    uint8_t *data = clear(drive, 24);
    uint8_t format = packet[3];
    uint32_t size = 4, lba = (uint32_t)(drive->state->lba / 4);

    data[1] = 0x15; /* no audio status */
    if (packet[2] & 0x40) {
        if (format < 1 || format > 3) {
            atapi_refuse_field(drive);
            return;
        }
        size = format == 1 ? 16 : 24;
        data[4] = format;
        if (format != 2) data[5] = ADR_CONTROL;
        if (format != 2) data[6] = TRACK;
        if (format == 1) {
            data[7] = 1; /* index */
            mmc_put_address(data + 8, lba, packet[1] & 2);
            put_relative(data + 12, lba, packet[1] & 2);
        }
        be16_store(data + 2, (uint16_t)(size - 4));
    }
    atapi_reply(drive, size, be16_load(packet + 7));
}

void mmc_read_disc_information(struct ata_drive *drive)
{
    uint8_t *data = clear(drive, 34);
    if (packet_of(drive)[1] & 7) { /* other than the standard kind */
        atapi_refuse_field(drive);
        return;
    }
    be16_store(data, 32);
    data[2] = 0x0e; /* last session complete, disc finished, not erasable */
    data[3] = TRACK;
    data[4] = SESSION; /* how many */
    data[5] = data[6] = TRACK;
    data[7] = 0x20;             /* use is not restricted */
    memset(data + 16, 0xff, 8); /* no further lead-in or lead-out can be written */
    atapi_reply(drive, 34, be16_load(packet_of(drive) + 7));
}

/* The address in bytes 5:2 is a block, a track or a session (byte 1, bits 1:0). */
void mmc_read_track_information(struct ata_drive *drive)
{
    const uint8_t *packet = packet_of(drive);
    uint32_t address = be32_load(packet + 2), blocks = atapi_blocks(drive);
    uint8_t *data = clear(drive, 36), kind = packet[1] & 3;

    if (kind == 3 || (kind == 0 ? address >= blocks : address != TRACK)) {
        atapi_refuse_field(drive);
        return;
    }
    be16_store(data, 34);
    data[2] = TRACK;
    data[3] = SESSION;
    data[5] = ADR_CONTROL & 0x0f; /* track mode: data */
    data[6] = MODE_1;
    be32_store(data + 24, blocks);
    atapi_reply(drive, 36, be16_load(packet + 7));
}

/* The drive. */

/* Polled only; the one class of events that there is: media (4). An event is told once. */
void mmc_get_event_status(struct ata_drive *drive)
{
    struct atapi_state *state = &drive->state->packet;
    const uint8_t *packet = packet_of(drive);
    uint8_t *data = clear(drive, 8);
    bool wanted = packet[4] & 1 << 4;

    if (!(packet[1] & 1)) { /* not at once, but when something happens */
        atapi_refuse_field(drive);
        return;
    }
    data[2] = wanted ? 4 : 0x80; /* no such class */
    data[3] = 1 << 4;
    be16_store(data, wanted ? 6 : 2);
    if (wanted) {
        data[4] = state->event;
        data[5] = (uint8_t)((atapi_ready(drive) ? 2 : 0) | state->tray_open);
        if (be16_load(packet + 7) > 4) state->event = EVENT_NONE;
    }
    atapi_reply(drive, wanted ? 8 : 4, be16_load(packet + 7));
}

/* No changer. */
void mmc_mechanism_status(struct ata_drive *drive)
{
    uint8_t *data = clear(drive, 8);
    data[1] = drive->state->packet.tray_open ? 0x10 : 0;
    be32_store(data + 1, (uint32_t)data[1] << 24 | ((uint32_t)(drive->state->lba / 4) & 0xffffff));
    atapi_reply(drive, 8, be16_load(packet_of(drive) + 8));
}

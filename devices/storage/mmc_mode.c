/* SPDX-License-Identifier: MIT */
/*
 * Mode pages and features of a CD-ROM drive: MMC-5 (T10/1675-D), MODE SELECT, MODE SENSE, mode
 * parameters, GET CONFIGURATION, features.
 */
#include <string.h>
#include "devices/storage/atapi.h"

/* Mode pages. */

enum { PAGE_ERROR_RECOVERY = 0x01, PAGE_AUDIO = 0x0e, PAGE_CAPABILITIES = 0x2a, PAGE_ALL = 0x3f };
enum {
    SHORT_HEADER = 4,
    LONG_HEADER = 8,
    CAPABILITIES_BYTES = 18,
    SPEED = 8467 /* KB/s: 48 times that of audio */
};

/* What can be set, and what it is after power-on: the pages without their two bytes of header. Retry count; and the
 * audio port's immediate bit and two volumes. */
static const struct mode_page {
    uint8_t code, size;
    uint8_t offset; /* in atapi_state */
    uint8_t mask[14], initial[14];
} pages[] = {
    {PAGE_ERROR_RECOVERY, 10, offsetof(struct atapi_state, error_recovery), {0x3f, 0xff}, {0x00, 0x05}},
    {PAGE_AUDIO,
     14,
     offsetof(struct atapi_state, audio_control),
     {0x06, 0, 0, 0, 0, 0, 0x0f, 0xff, 0x0f, 0xff, 0, 0, 0, 0},
     {0x04, 0, 0, 0, 0, 75, 1, 0xff, 2, 0xff, 0, 0, 0, 0}},
};

static uint8_t *page_values(struct ata_drive *drive, const struct mode_page *page)
{
    return (uint8_t *)&drive->state->packet + page->offset;
}

void mmc_default_pages(struct ata_drive *drive)
{
    for (unsigned i = 0; i < ARRAY_COUNT(pages); i++)
        memcpy(page_values(drive, &pages[i]), pages[i].initial, pages[i].size);
}

enum { CURRENT = 0, CHANGEABLE = 1, DEFAULT = 2, SAVED = 3 }; /* page control */

static uint8_t *put_page(struct ata_drive *drive, const struct mode_page *page, uint8_t control, uint8_t *to)
{
    *to++ = page->code;
    *to++ = page->size;
    const uint8_t *values = control == CURRENT      ? page_values(drive, page)
                            : control == CHANGEABLE ? page->mask
                                                    : page->initial;
    memcpy(to, values, page->size);
    return to + page->size;
}

/* Page 2Ah: no recording, no audio, a tray that can be locked. Nothing of it can be changed. */
static uint8_t *put_capabilities(const struct ata_drive *drive, uint8_t control, uint8_t *to)
{
    memset(to, 0, 2 + CAPABILITIES_BYTES);
    to[0] = PAGE_CAPABILITIES;
    to[1] = CAPABILITIES_BYTES;
    if (control == CHANGEABLE) return to + 2 + CAPABILITIES_BYTES;
    to[6] = (uint8_t)(1 << 5 | 1 << 3 | (drive->state->packet.locked ? 1 << 1 : 0) |
                      1 << 0); /* tray; eject; lock */
    be16_store(to + 8, SPEED);
    be16_store(to + 12, ATA_BUFFER_SECTORS * ATA_SECTOR / 1024);
    be16_store(to + 14, SPEED);
    return to + 2 + CAPABILITIES_BYTES;
}

/* Byte 2: page control and page; the header is 4 or 8 bytes, without block descriptors. */
void mmc_mode_sense(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    bool longer = packet[0] == 0x5a;
    uint8_t control = packet[2] >> 6, page = packet[2] & 0x3f, *data = drive->state->buffer;
    uint8_t *start = data + (longer ? LONG_HEADER : SHORT_HEADER), *end = start;

    if (control == SAVED) {
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_SAVING_NOT_SUPPORTED);
        return;
    }
    memset(data, 0, LONG_HEADER);
    for (unsigned i = 0; i < ARRAY_COUNT(pages); i++)
        if (page == PAGE_ALL || page == pages[i].code) end = put_page(drive, &pages[i], control, end);
    if (page == PAGE_ALL || page == PAGE_CAPABILITIES) end = put_capabilities(drive, control, end);
    if (end == start) {
        atapi_refuse_field(drive);
        return;
    }
    uint32_t size = (uint32_t)(end - data);
    if (longer)
        be16_store(data, (uint16_t)(size - 2));
    else
        data[0] = (uint8_t)(size - 1);
    atapi_reply(drive, size, longer ? be16_load(packet + 7) : packet[4]);
}

/* The bit that says that these are pages is to be set; there is nowhere to save them. */
void mmc_mode_select(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    bool longer = packet[0] == 0x55;
    uint32_t size = longer ? be16_load(packet + 7) : packet[4];

    if (!(packet[1] & 0x10) || packet[1] & 1)
        atapi_refuse_field(drive);
    else if (size == 0)
        atapi_succeed(drive);
    else if (size < (longer ? LONG_HEADER : SHORT_HEADER) || size > sizeof drive->state->buffer)
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_PARAMETER_LIST_LENGTH);
    else
        ata_receive(drive, size);
}

static const struct mode_page *find_page(uint8_t code, uint8_t size)
{
    for (unsigned i = 0; i < ARRAY_COUNT(pages); i++)
        if (pages[i].code == code && pages[i].size == size) return &pages[i];
    return NULL;
}

/* What cannot be changed must be as it is (SPC-4, MODE SELECT). */
static bool page_fits(struct ata_drive *drive, const struct mode_page *page, const uint8_t *values)
{
    const uint8_t *now = page_values(drive, page);
    for (unsigned i = 0; i < page->size; i++)
        if ((values[i] ^ now[i]) & ~page->mask[i]) return false;
    return true;
}

/* Goes through the pages, and takes them over when `take`. The sense code, or 0. */
static unsigned select_pages(struct ata_drive *drive, const uint8_t *at, uint32_t left, bool take)
{
    while (left) {
        const struct mode_page *page = left >= 2 ? find_page(at[0] & 0x3f, at[1]) : NULL;
        if (left < 2 || left < 2u + at[1]) return SENSE_PARAMETER_LIST_LENGTH;
        if (!page || !page_fits(drive, page, at + 2)) return SENSE_INVALID_FIELD_IN_LIST;
        if (take) memcpy(page_values(drive, page), at + 2, page->size);
        at += 2 + page->size;
        left -= 2u + page->size;
    }
    return 0;
}

/* All pages are checked before the first is taken over. */
void mmc_mode_select_received(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    bool longer = s->packet.packet[0] == 0x55;
    uint32_t header = longer ? LONG_HEADER : SHORT_HEADER, left = s->filled < header ? 0 : s->filled - header;
    bool descriptors = longer ? be16_load(s->buffer + 6) != 0 : s->buffer[3] != 0;
    unsigned code =
        descriptors ? SENSE_INVALID_FIELD_IN_LIST : select_pages(drive, s->buffer + header, left, false);

    if (code) {
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, code);
        return;
    }
    select_pages(drive, s->buffer + header, left, true);
    atapi_succeed(drive);
}

/* Features. */

enum { PROFILE_CDROM = 0x0008, CONFIGURATION_HEADER = 8 };

/* Version, persistent and current (bits 1:0) are byte 2 of each; `current` 0: while there is a medium. */
static const struct feature {
    uint16_t code;
    uint8_t version;
    bool persistent;
    uint8_t size;
    uint8_t data[8];
} feature_list[] = {
    {0x0000, 0, true, 4, {0x00, PROFILE_CDROM}},     /* profiles; whether it is current is in byte 2 */
    {0x0001, 2, true, 8, {0, 0, 0, 2, 0x01}},        /* core: ATAPI */
    {0x0003, 0, true, 4, {0x29}},                    /* removable medium: tray, eject, lock */
    {0x0010, 0, false, 8, {0, 0, 0x08, 0x00, 0, 1}}, /* random readable: 2048 bytes */
    {0x001d, 0, false, 0, {0}},                      /* multi-read */
    {0x001e, 2, false, 4, {0}},                      /* CD read: no CD text, no C2 flags */
    {0x0100, 0, true, 0, {0}},                       /* power management */
    {0x0105, 0, true, 0, {0}},                       /* timeout */
};

static uint8_t *put_feature(const struct ata_drive *drive, const struct feature *feature, uint8_t *to)
{
    bool current = feature->persistent || atapi_ready(drive);
    be16_store(to, feature->code);
    to[2] = (uint8_t)(feature->version << 2 | (feature->persistent ? 2 : 0) | current);
    to[3] = feature->size;
    memcpy(to + 4, feature->data, feature->size);
    if (feature->code == 0) to[6] = atapi_ready(drive);
    return to + 4 + feature->size;
}

/* Byte 1: 0 all features from the one named on, 1 those that are current, 2 that one. */
void mmc_get_configuration(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    uint8_t which = packet[1] & 3, *data = drive->state->buffer, *end = data + CONFIGURATION_HEADER;
    uint16_t first = be16_load(packet + 2);

    if (which == 3) {
        atapi_refuse_field(drive);
        return;
    }
    memset(data, 0, CONFIGURATION_HEADER);
    for (unsigned i = 0; i < ARRAY_COUNT(feature_list); i++) {
        const struct feature *feature = &feature_list[i];
        bool current = feature->persistent || atapi_ready(drive);
        if (which == 2 ? feature->code == first : feature->code >= first && (which == 0 || current))
            end = put_feature(drive, feature, end);
    }
    be32_store(data, (uint32_t)(end - data - 4));
    be16_store(data + 6, atapi_ready(drive) ? PROFILE_CDROM : 0);
    atapi_reply(drive, (uint32_t)(end - data), be16_load(packet + 7));
}

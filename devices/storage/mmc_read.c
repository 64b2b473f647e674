/* SPDX-License-Identifier: MIT */
/*
 * Reading a CD: MMC-5 (T10/1675-D), READ(10), READ(12), READ CD and READ CD MSF. An
 * image holds the user data of one track of Mode 1. READ CD can ask for the rest of a sector too, which is worked
 * out here: sync, header, EDC and ECC (ECMA-130, clause 14 and Annex A).
 */
#include <string.h>
#include "devices/storage/atapi.h"

/* Parts of a sector, as byte 9 of READ CD names them. */
enum {
    PART_SYNC = 1 << 7,
    PART_HEADERS = 3 << 5,
    PART_HEADER = 1 << 5, /* the other bit: a subheader, which Mode 1 does not have */
    PART_USER = 1 << 4,
    PART_CHECK = 1 << 3,
    PART_ERRORS = 3 << 1,
};

enum {
    SYNC_BYTES = 12,
    HEADER_BYTES = 4,
    CHECK_BYTES = 288,
    RAW_BYTES = 2352,
    EDC_AT = SYNC_BYTES + HEADER_BYTES + ATAPI_SECTOR, /* then 8 zeros, then P and Q */
    P_AT = EDC_AT + 12,
    Q_AT = P_AT + 172,
    LEAD_IN = 150, /* sectors between 00:00:00 and LBA 0 */
};

static uint8_t to_bcd(uint32_t value)
{
    return (uint8_t)(value / 10 << 4 | value % 10);
}

void mmc_put_address(uint8_t *to, uint32_t lba, bool msf)
{
    if (msf)
        mmc_put_msf(to, (uint64_t)lba + LEAD_IN);
    else
        be32_store(to, lba);
}

void mmc_put_msf(uint8_t *to, uint64_t frames)
{
    uint64_t minutes = frames / (75 * 60);
    to[0] = 0;
    to[1] = (uint8_t)(minutes < 255 ? minutes : 255); /* what is beyond has no such address */
    to[2] = (uint8_t)(frames / 75 % 60);
    to[3] = (uint8_t)(frames % 75);
}

/* Ranges. */

static bool range_fits(struct ata_drive *drive, uint32_t lba, uint32_t count)
{
    uint32_t blocks = atapi_blocks(drive);
    if (lba <= blocks && count <= blocks - lba && (count || lba < blocks)) return true;
    atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_OUT_OF_RANGE);
    return false;
}

static void start(struct ata_drive *drive, uint32_t lba, uint32_t count)
{
    struct ata_state *s = drive->state;
    if (!range_fits(drive, lba, count)) return;
    s->lba = (uint64_t)lba * 4;
    s->remaining = (uint64_t)count * 4;
    if (count == 0)
        atapi_succeed(drive);
    else if (s->packet.dma && !s->packet.raw)
        ata_offer_dma(drive);
    else
        ata_read_more(drive);
}

void mmc_read_10(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    start(drive, be32_load(packet + 2), be16_load(packet + 7));
}

void mmc_read_12(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    start(drive, be32_load(packet + 2), be32_load(packet + 6));
}

void mmc_seek(struct ata_drive *drive)
{
    if (range_fits(drive, be32_load(drive->state->packet.packet + 2), 0)) atapi_succeed(drive);
}

/* READ CD. */

/* Expected sector type (byte 1, bits 4:2): any, or Mode 1; then what is wanted. No error pointers and no
 * sub-channel. */
static void read_parts(struct ata_drive *drive, uint32_t lba, uint32_t count)
{
    struct atapi_state *packet = &drive->state->packet;
    uint8_t type = packet->packet[1] >> 2 & 7, parts = packet->packet[9] & (uint8_t)~1u;

    if (parts & PART_ERRORS || packet->packet[10] & 7) {
        atapi_refuse_field(drive);
    } else if (type != 0 && type != 2) {
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_ILLEGAL_MODE_FOR_TRACK);
    } else if (parts == PART_USER) {
        start(drive, lba, count);
    } else if (!(parts & (PART_SYNC | PART_HEADER | PART_USER | PART_CHECK))) {
        start(drive, lba, 0);
    } else {
        packet->raw = parts;
        start(drive, lba, count);
    }
}

void mmc_read_cd(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    read_parts(drive, be32_load(packet + 2), be32_load(packet + 5) & 0xffffff);
}

void mmc_read_cd_msf(struct ata_drive *drive)
{
    const uint8_t *packet = drive->state->packet.packet;
    uint32_t first = (packet[3] * 60u + packet[4]) * 75 + packet[5],
             end = (packet[6] * 60u + packet[7]) * 75 + packet[8];
    if (packet[4] > 59 || packet[5] > 74 || packet[7] > 59 || packet[8] > 74 || end < first)
        atapi_refuse_field(drive);
    else if (first < LEAD_IN)
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_OUT_OF_RANGE);
    else
        read_parts(drive, first - LEAD_IN, end - first);
}

/* EDC: a 32-bit CRC of what comes before it, polynomial (x^16 + x^15 + x^2 + 1)(x^16 + x^2 + x + 1), low bit first. */
static uint32_t edc(const uint8_t *data, unsigned size)
{
    uint32_t crc = 0;
    for (unsigned i = 0; i < size; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xd8018001u : 0);
    }
    return crc;
}

/* Times x in GF(2^8), field polynomial x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t times_x(uint8_t value)
{
    return (uint8_t)(value << 1 ^ (value & 0x80 ? 0x1d : 0));
}

/* The quotient by x + 1, that is, the number which times x + 1 is `value`. */
static uint8_t over_x_plus_1(uint8_t value)
{
    uint8_t result = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (value >> bit & 1) {
            static const uint8_t inverse[8] = {0xf4, 0xf5, 0xf7, 0xf3, 0xfb, 0xeb, 0xcb, 0x8b};
            result ^= inverse[bit];
        }
    return result;
}

/*
 * One Reed-Solomon code of `vectors` words of `length` bytes with two check bytes each, over the bytes from the
 * header on: byte n of word v is at v * across + n * along, around `size` (P: columns; Q: diagonals of byte pairs).
 * The check bytes make the sum of the word zero, and the sum of its bytes times x to the power of their place from
 * the end.
 */
static void put_parity(const uint8_t *data, unsigned words, unsigned length, unsigned across, unsigned along,
                       unsigned size, uint8_t *to)
{
    for (unsigned word = 0; word < words; word++) {
        unsigned at = word / 2 * across + (word & 1);
        uint8_t sum = 0, weighted = 0;
        for (unsigned n = 0; n < length; n++) {
            weighted = times_x(weighted ^ data[at]);
            sum ^= data[at];
            at += along;
            if (at >= size) at -= size;
        }
        /* c1 * x + c0 = weighted * x, c1 + c0 = sum; `weighted` has one factor x already */
        uint8_t first = over_x_plus_1((uint8_t)(times_x(weighted) ^ sum));
        to[word] = first;
        to[word + words] = (uint8_t)(first ^ sum);
    }
}

/* A whole sector of Mode 1 around `user`. */
static void make_sector(uint8_t *sector, const uint8_t *user, uint32_t lba)
{
    uint8_t address[4];
    mmc_put_address(address, lba, true);
    memset(sector, 0, RAW_BYTES);
    memset(sector + 1, 0xff, SYNC_BYTES - 2);
    for (unsigned i = 0; i < 3; i++) sector[SYNC_BYTES + i] = to_bcd(address[i + 1]);
    sector[SYNC_BYTES + 3] = 1;
    memcpy(sector + SYNC_BYTES + HEADER_BYTES, user, ATAPI_SECTOR);
    le32_store(sector + EDC_AT, edc(sector, EDC_AT));
    put_parity(sector + SYNC_BYTES, 86, 24, 2, 86, 2064, sector + P_AT);
    put_parity(sector + SYNC_BYTES, 52, 43, 86, 88, 2236, sector + Q_AT);
}

static uint32_t copy_parts(uint8_t *to, const uint8_t *sector, uint8_t parts)
{
    static const struct {
        uint8_t part;
        uint16_t at, size;
    } rows[] = {{PART_SYNC, 0, SYNC_BYTES},
                {PART_HEADER, SYNC_BYTES, HEADER_BYTES},
                {PART_USER, SYNC_BYTES + HEADER_BYTES, ATAPI_SECTOR},
                {PART_CHECK, EDC_AT, CHECK_BYTES}};
    uint32_t size = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        if (!(parts & rows[i].part)) continue;
        memcpy(to + size, sector + rows[i].at, rows[i].size);
        size += rows[i].size;
    }
    return size;
}

/* In place: first the user data moves to the end of the buffer, so that what grows does not run over it. */
uint32_t atapi_raw_sectors(struct ata_drive *drive, uint32_t sectors)
{
    struct ata_state *s = drive->state;
    uint8_t sector[RAW_BYTES], *user = s->buffer + sizeof s->buffer - sectors * ATAPI_SECTOR;
    uint32_t size = 0, first = (uint32_t)(s->lba / 4) - sectors;

    memmove(user, s->buffer, sectors * ATAPI_SECTOR);
    for (uint32_t i = 0; i < sectors; i++) {
        make_sector(sector, user + i * ATAPI_SECTOR, first + i);
        size += copy_parts(s->buffer + size, sector, s->packet.raw);
    }
    return size;
}

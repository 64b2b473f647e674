/* SPDX-License-Identifier: MIT */
/* A driver of CD-ROM drives on the primary channel, for the tests of packets and of what is in them. */
#ifndef TESTS_UNIT_ATAPI_RIG_H
#define TESTS_UNIT_ATAPI_RIG_H

#include "tests/unit/ide_rig.h"

enum {
    PACKET = 0xa0,
    CD_TABLE = 0x10000,
    CD_BUFFER = 0x100000,
    REASON_END = 3,
    REASON_IN = 2,
    REASON_PACKET = 1
};
enum { ST_CHECK = ST_READY | ATA_STATUS_ERR };

static const struct ata_drive_config rig_cdrom = {.kind = ATA_CDROM};

/* A packet command in the form that tests write: packet(0x28, 0, 0, ...), the rest zeros. */
#define packet(...) ((const uint8_t[ATA_PACKET_BYTES]){__VA_ARGS__})

static unsigned cd_unit;
static uint8_t cd_data[1 << 17];
static uint32_t cd_size;    /* bytes that came */
static unsigned cd_blocks;  /* DRQ blocks */
static uint32_t cd_longest; /* of them */

/* PACKET up to the 12 bytes; Status afterwards. */
static inline uint8_t packet_send(const uint8_t *command, uint8_t features, uint32_t limit)
{
    drive_select(cd_unit, 0);
    outb(CMD + IDE_ERROR, features);
    outb(CMD + IDE_LBA_MID, (uint8_t)limit);
    outb(CMD + IDE_LBA_HIGH, (uint8_t)(limit >> 8));
    ck_assert_uint_eq(drive_command(PACKET), ST_DATA);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT) & 7, REASON_PACKET);
    ck_assert(!rig.irq[0]);
    drive_write_block(command, ATA_PACKET_BYTES);
    return drive_wait();
}

/* By PIO, with DRQ blocks of `limit` bytes at the most; `out`: what it wants is taken from cd_data. Status at the
 * end. */
static inline uint8_t packet_pio_limit(const uint8_t *command, uint32_t limit, bool out)
{
    uint8_t status = packet_send(command, 0, limit);
    cd_size = cd_blocks = cd_longest = 0;
    while (status & ATA_STATUS_DRQ) {
        uint32_t size = inb(CMD + IDE_LBA_MID) | (uint32_t)inb(CMD + IDE_LBA_HIGH) << 8;
        ck_assert_uint_eq(inb(CMD + IDE_COUNT) & 7, out ? 0 : REASON_IN);
        ck_assert(rig.irq[0]);
        ck_assert_uint_eq(inb(CMD + IDE_STATUS), status);
        ck_assert_uint_le(size, limit);
        ck_assert_uint_gt(size, 0);
        ck_assert_uint_le(cd_size + size, sizeof cd_data);
        if (out)
            drive_write_block(cd_data + cd_size, size);
        else
            for (unsigned i = 0; i < size; i += 2) {
                uint16_t word = inw(CMD + IDE_DATA);
                memcpy(cd_data + cd_size + i, (uint8_t[]){(uint8_t)word, (uint8_t)(word >> 8)},
                       size - i < 2 ? 1 : 2);
            }
        cd_size += size;
        cd_blocks++;
        if (size > cd_longest) cd_longest = size;
        status = drive_wait();
    }
    ck_assert_uint_eq(inb(CMD + IDE_COUNT) & 7, REASON_END);
    ck_assert(rig.irq[0]);
    ck_assert_uint_eq(inb(CMD + IDE_STATUS), status);
    ck_assert(!rig.irq[0]);
    return status;
}
static inline uint8_t packet_pio(const uint8_t *command)
{
    return packet_pio_limit(command, 2048, false);
}

/* By DMA into `room` bytes at CD_BUFFER, which are then in cd_data. */
static inline void packet_table(uint32_t room)
{
    unsigned n = 0;
    for (uint32_t at = 0; at < room; n++) {
        uint32_t take = room - at < 6002 ? room - at : 6002; /* not whole sectors */
        if (((CD_BUFFER + at) & 0xffff) + take > 0x10000) take = 0x10000 - ((CD_BUFFER + at) & 0xffff);
        le32_store(rig.ram->host + CD_TABLE + 8 * n, CD_BUFFER + at);
        le16_store(rig.ram->host + CD_TABLE + 8 * n + 4, (uint16_t)take);
        at += take;
        le16_store(rig.ram->host + CD_TABLE + 8 * n + 6, at == room ? 0x8000 : 0);
    }
}
static inline uint8_t packet_dma_begin(const uint8_t *command, uint32_t room, bool out)
{
    packet_table(room);
    rig_out(RIG_BM + BM_TABLE, 4, CD_TABLE);
    outb(RIG_BM + BM_COMMAND, out ? 0 : BM_COMMAND_TO_MEMORY);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    uint8_t status = packet_send(command, 1, 0);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_START | (out ? 0 : BM_COMMAND_TO_MEMORY));
    return status;
}
static inline uint8_t packet_dma_end(void)
{
    rig_settle();
    outb(RIG_BM + BM_COMMAND, inb(RIG_BM + BM_COMMAND) & BM_COMMAND_TO_MEMORY);
    uint8_t status = inb(CMD + IDE_STATUS);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    return status;
}
static inline uint8_t packet_dma(const uint8_t *command, uint32_t room)
{
    packet_dma_begin(command, room, false);
    uint8_t status = packet_dma_end();
    memcpy(cd_data, rig.ram->host + CD_BUFFER, room);
    return status;
}

/* Sense key, code and qualifier in one number, as REQUEST SENSE gives them. */
static inline uint32_t cd_sense(void)
{
    ck_assert_uint_eq(packet_pio(packet(0x03, 0, 0, 0, 18)), ST_READY);
    ck_assert_uint_eq(cd_size, 18);
    ck_assert_uint_eq(cd_data[0], 0x70);
    return (uint32_t)cd_data[2] << 16 | (uint32_t)cd_data[12] << 8 | cd_data[13];
}
/* The command ends with CHECK CONDITION; what REQUEST SENSE says of it. */
static inline uint32_t cd_refused(const uint8_t *command)
{
    ck_assert_uint_eq(packet_pio(command), ST_CHECK);
    ck_assert_uint_eq(cd_size, 0);
    uint8_t error = inb(CMD + IDE_ERROR);
    uint32_t sense = cd_sense();
    ck_assert_uint_eq(error, sense >> 16 << 4 | ATA_ERROR_ABRT);
    return sense;
}
/* Reports what waits to be told. */
static inline void cd_be_ready(void)
{
    while (packet_pio(packet(0x00)) == ST_CHECK) ck_assert_uint_eq(inb(CMD + IDE_ERROR) >> 4, 6);
}
static inline struct ata_drive *cd_drive(void)
{
    return piix3_ide_drive(rig.ide, 0, cd_unit);
}

#endif

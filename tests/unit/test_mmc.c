/* SPDX-License-Identifier: MIT */
/* What a CD-ROM drive answers: each packet command, its errors, the tray and the medium. */
#include "tests/unit/atapi_rig.h"

enum { BLOCKS = 1000 }; /* 00:13:25 */

static void setup(void)
{
    cd_unit = 0;
    rig_new(NULL);
    rig_plug_drive(0, 0, BLOCKS * 4 - 2, &rig_cdrom);
    rig_plug_drive(0, 1, 0, &rig_cdrom);
    rig_enable();
    rig_settle();
    cd_be_ready();
}
static void teardown(void)
{
    rig_free();
}

/* The command succeeds, with exactly these bytes. */
#define expect(command, ...)                                                                                 \
    do {                                                                                                     \
        static const uint8_t expected_[] = {__VA_ARGS__};                                                    \
        ck_assert_uint_eq(packet_pio(command), ST_READY);                                                    \
        ck_assert_uint_eq(cd_size, sizeof expected_);                                                        \
        ck_assert_mem_eq(cd_data, expected_, sizeof expected_);                                              \
    } while (0)

enum {
    ILLEGAL_FIELD = 0x052400,
    ILLEGAL_OPCODE = 0x052000,
    OUT_OF_RANGE = 0x052100,
    NO_MEDIUM = 0x023a01,
    TRAY_OPEN = 0x023a02,
    CHANGED = 0x062800,
    WAS_RESET = 0x062900,
};

START_TEST(inquiry)
{
    ck_assert_uint_eq(packet_pio(packet(0x12, 0, 0, 0, 36)), ST_READY);
    ck_assert_uint_eq(cd_size, 36);
    ck_assert_uint_eq(cd_data[0], 0x05);
    ck_assert_uint_eq(cd_data[1], 0x80);
    ck_assert_uint_eq(cd_data[4], 31);
    ck_assert_mem_eq(cd_data + 8, "VITRINE CD-ROM          1.0 ", 28);
    ck_assert_uint_eq(packet_pio(packet(0x12, 0, 0, 0, 5)), ST_READY);
    ck_assert_uint_eq(cd_size, 5);
    ck_assert_uint_eq(packet_pio(packet(0x12, 0, 0, 0, 0)), ST_READY);
    ck_assert_uint_eq(cd_size, 0);
    ck_assert_uint_eq(cd_refused(packet(0x12, 1, 0x80, 0, 255)), ILLEGAL_FIELD);
}
END_TEST

START_TEST(names_come_from_the_options)
{
    uint8_t data[512];
    struct ata_drive_config config = {.kind = ATA_CDROM,
                                      .model = "ACME    SPINNER 52X",
                                      .serial = "S-0042",
                                      .firmware = "7.11",
                                      .wwn = UINT64_C(0x5000c50012345678)};
    rig_plug_drive(1, 0, 8, &config);
    rig_settle();
    ata_identify(piix3_ide_drive(rig.ide, 1, 0), data);
    ck_assert_mem_eq(data + 20, "-S0024  ", 8);
    ck_assert_mem_eq(data + 46, ".711    ", 8);
    ck_assert_mem_eq(data + 54, "CAEM    PSNIEN R25 X", 20);
    ck_assert_uint_eq(le16_load(data + 2 * 108), 0x5000);
    ck_assert_uint_eq(le16_load(data + 2 * 111), 0x5678);
    ck_assert_uint_eq(le16_load(data + 2 * 87), 0x4100);
}
END_TEST

START_TEST(capacity_and_ranges)
{
    expect(packet(0x25), 0, 0, 3, 0xe7, 0, 0, 8, 0);
    ck_assert_uint_eq(packet_pio(packet(0x28, 0, 0, 0, 3, 0xe7, 0, 0, 1)), ST_READY);
    ck_assert_uint_eq(cd_size, 2048);
    ck_assert_mem_eq(cd_data, rig.store[0][0]->bytes + 999 * 2048, 1024);
    for (unsigned i = 1024; i < 2048; i++) ck_assert_uint_eq(cd_data[i], 0);
    ck_assert_uint_eq(packet_pio(packet(0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 3)), ST_READY);
    ck_assert_uint_eq(cd_size, 3 * 2048);
    ck_assert_mem_eq(cd_data, rig.store[0][0]->bytes + 7 * 2048, cd_size);
    ck_assert_uint_eq(packet_pio(packet(0x28, 0, 0, 0, 0, 7, 0, 0, 0)), ST_READY); /* nothing */
    ck_assert_uint_eq(cd_size, 0);
    ck_assert_uint_eq(cd_refused(packet(0x28, 0, 0, 0, 3, 0xe8, 0, 0, 1)), OUT_OF_RANGE);
    ck_assert_uint_eq(cd_refused(packet(0x28, 0, 0, 0, 3, 0xe7, 0, 0, 2)), OUT_OF_RANGE);
    ck_assert_uint_eq(cd_refused(packet(0x28, 0, 0, 0, 3, 0xe8, 0, 0, 0)), OUT_OF_RANGE);
    ck_assert_uint_eq(cd_refused(packet(0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff)), OUT_OF_RANGE);
    ck_assert_uint_eq(cd_refused(packet(0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1)), OUT_OF_RANGE);
    ck_assert_uint_eq(packet_pio(packet(0x2b, 0, 0, 0, 3, 0xe7)), ST_READY);
    ck_assert_uint_eq(cd_refused(packet(0x2b, 0, 0, 0, 3, 0xe8)), OUT_OF_RANGE);
}
END_TEST

START_TEST(toc)
{
    expect(packet(0x43, 0, 0, 0, 0, 0, 0, 0, 255), 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0,
           0, 0, 3, 0xe8);
    expect(packet(0x43, 2, 0, 0, 0, 0, 1, 0, 255), 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 2, 0, 0, 0x14, 0xaa, 0,
           0, 0, 15, 25);
    expect(packet(0x43, 0, 0, 0, 0, 0, 0xaa, 0, 255), 0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 3, 0xe8);
    expect(packet(0x43, 0, 0, 0, 0, 0, 0, 0, 4), 0, 18, 1, 1);
    expect(packet(0x43, 0, 1, 0, 0, 0, 0, 0, 12), 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0);
    expect(packet(0x43, 2, 0, 0, 0, 0, 0, 0, 12, 0x40), 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 2,
           0); /* format in byte 9 */
    expect(packet(0x43, 2, 2, 0, 0, 0, 1, 0, 255), 0, 46, 1, 1, 1, 0x14, 0, 0xa0, 0, 0, 0, 0, 1, 0, 0, 1,
           0x14, 0, 0xa1, 0, 0, 0, 0, 1, 0, 0, 1, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 15, 25, 1, 0x14, 0, 0x01, 0,
           0, 0, 0, 0, 2, 0);
    ck_assert_uint_eq(cd_refused(packet(0x43, 0, 0, 0, 0, 0, 2, 0, 255)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0x43, 0, 3, 0, 0, 0, 0, 0, 255)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0x43, 0, 5, 0, 0, 0, 0, 0, 255)), ILLEGAL_FIELD);
}
END_TEST

START_TEST(subchannel)
{
    packet_pio(packet(0x28, 0, 0, 0, 3, 0x5b, 0, 0, 1)); /* block 859; then the head is at 860 */
    expect(packet(0x42, 0, 0, 1, 0, 0, 0, 0, 255), 0, 0x15, 0, 0);
    expect(packet(0x42, 0, 0x40, 1, 0, 0, 0, 0, 255), 0, 0x15, 0, 12, 1, 0x14, 1, 1, 0, 0, 3, 0x5c, 0, 0, 3,
           0x5c);
    expect(packet(0x42, 2, 0x40, 1, 0, 0, 0, 0, 255), 0, 0x15, 0, 12, 1, 0x14, 1, 1, 0, 0, 13, 35, 0, 0, 11,
           35);
    expect(packet(0x42, 0, 0x40, 2, 0, 0, 0, 0, 6), 0, 0x15, 0, 20, 2, 0);
    expect(packet(0x42, 0, 0x40, 3, 0, 0, 1, 0, 8), 0, 0x15, 0, 20, 3, 0x14, 1, 0);
    ck_assert_uint_eq(cd_refused(packet(0x42, 0, 0x40, 4, 0, 0, 0, 0, 255)), ILLEGAL_FIELD);
}
END_TEST

START_TEST(disc_and_track_information)
{
    ck_assert_uint_eq(packet_pio(packet(0x51, 0, 0, 0, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(cd_size, 34);
    ck_assert_uint_eq(be16_load(cd_data), 32);
    ck_assert_mem_eq(cd_data + 2, ((uint8_t[]){0x0e, 1, 1, 1, 1, 0x20}), 6);
    ck_assert_uint_eq(cd_refused(packet(0x51, 1, 0, 0, 0, 0, 0, 0, 255)), ILLEGAL_FIELD);
    for (unsigned kind = 0; kind < 3; kind++) {
        ck_assert_uint_eq(packet_pio(packet(0x52, (uint8_t)kind, 0, 0, 0, 1, 0, 0, 255)), ST_READY);
        ck_assert_uint_eq(cd_size, 36);
        ck_assert_mem_eq(cd_data, ((uint8_t[]){0, 34, 1, 1, 0, 4, 1}), 7);
        ck_assert_uint_eq(be32_load(cd_data + 24), BLOCKS);
    }
    ck_assert_uint_eq(cd_refused(packet(0x52, 0, 0, 0, 3, 0xe8, 0, 0, 255)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0x52, 1, 0, 0, 0, 2, 0, 0, 255)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0x52, 3, 0, 0, 0, 1, 0, 0, 255)), ILLEGAL_FIELD);
}
END_TEST

START_TEST(mode_pages)
{
    expect(packet(0x5a, 0, 0x01, 0, 0, 0, 0, 0, 255), 0, 18, 0, 0, 0, 0, 0, 0, 0x01, 10, 0, 5, 0, 0, 0, 0, 0,
           0, 0, 0);
    expect(packet(0x1a, 0, 0x01, 0, 255), 15, 0, 0, 0, 0x01, 10, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0);
    expect(packet(0x5a, 0, 0x41, 0, 0, 0, 0, 0, 12), 0, 18, 0, 0, 0, 0, 0, 0, 0x01, 10, 0x3f,
           0xff); /* changeable */
    ck_assert_uint_eq(packet_pio(packet(0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(cd_size, 24);
    ck_assert_uint_eq(packet_pio(packet(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(cd_size, 28);
    ck_assert_uint_eq(cd_data[8], 0x2a);
    ck_assert_uint_eq(cd_data[8 + 6], 0x29); /* tray, eject, lock */
    ck_assert_uint_eq(packet_pio(packet(0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(cd_size, 8 + 12 + 16 + 20);
    ck_assert_uint_eq(be16_load(cd_data), cd_size - 2);
    ck_assert_uint_eq(cd_refused(packet(0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 255)), 0x053900);
    ck_assert_uint_eq(cd_refused(packet(0x5a, 0, 0x08, 0, 0, 0, 0, 0, 255)), ILLEGAL_FIELD);
}
END_TEST

static uint8_t select_pages(const uint8_t *list, uint8_t size)
{
    memcpy(cd_data, list, size);
    return packet_pio_limit(packet(0x55, 0x10, 0, 0, 0, 0, 0, 0, size), 2048, true);
}

START_TEST(mode_select)
{
    uint8_t list[36] = {0, 0, 0, 0, 0,    0,  0, 0, 0x01, 10, 0x20, 7,  0, 0,    0, 0,
                        0, 0, 0, 0, 0x0e, 14, 4, 0, 0,    0,  0,    75, 1, 0x80, 2, 0x70};
    ck_assert_uint_eq(select_pages(list, 36), ST_READY);
    expect(packet(0x5a, 0, 0x01, 0, 0, 0, 0, 0, 12), 0, 18, 0, 0, 0, 0, 0, 0, 0x01, 10, 0x20, 7);
    ck_assert_uint_eq(packet_pio(packet(0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_mem_eq(cd_data + 16, list + 28, 4);

    list[11] = 9;
    list[23] = 1; /* cannot be changed: then nothing is */
    ck_assert_uint_eq(select_pages(list, 36), ST_CHECK);
    ck_assert_uint_eq(cd_sense(), 0x052600);
    ck_assert_uint_eq(cd_drive()->state->packet.error_recovery[1], 7);
    list[23] = 0;
    ck_assert_uint_eq(select_pages(list, 35), ST_CHECK);
    ck_assert_uint_eq(cd_sense(), 0x051a00);
    ck_assert_uint_eq(select_pages(list, 7), ST_CHECK);
    ck_assert_uint_eq(cd_sense(), 0x051a00);
    list[7] = 8; /* a block descriptor */
    ck_assert_uint_eq(select_pages(list, 36), ST_CHECK);
    ck_assert_uint_eq(cd_sense(), 0x052600);
    list[7] = 0;
    list[8] = 0x2a;
    ck_assert_uint_eq(select_pages(list, 20), ST_CHECK);
    ck_assert_uint_eq(cd_sense(), 0x052600);
    ck_assert_uint_eq(cd_refused(packet(0x55, 0, 0, 0, 0, 0, 0, 0, 20)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0x55, 0x11, 0, 0, 0, 0, 0, 0, 20)), ILLEGAL_FIELD);
    ck_assert_uint_eq(packet_pio(packet(0x15, 0x10, 0, 0, 0)), ST_READY);
    list[8] = 0x01;
    memcpy(cd_data, list + 4, 16);
    ck_assert_uint_eq(packet_pio_limit(packet(0x15, 0x10, 0, 0, 16), 2048, true), ST_READY);
    ck_assert_uint_eq(cd_drive()->state->packet.error_recovery[1], 9);
}
END_TEST

START_TEST(configuration)
{
    ck_assert_uint_eq(packet_pio(packet(0x46, 0, 0, 0, 0, 0, 0, 1, 0)), ST_READY);
    ck_assert_uint_eq(be32_load(cd_data), cd_size - 4);
    ck_assert_uint_eq(be16_load(cd_data + 6), 8); /* a CD-ROM is in */
    unsigned features = 0;
    for (uint32_t at = 8; at < cd_size; at += 4u + cd_data[at + 3]) features++;
    ck_assert_uint_eq(features, 8);
    expect(packet(0x46, 2, 0, 0x10, 0, 0, 0, 0, 255), 0, 0, 0, 16, 0, 0, 0, 8, 0, 0x10, 1, 8, 0, 0, 8, 0, 0,
           1, 0, 0);
    expect(packet(0x46, 2, 0x12, 0x34, 0, 0, 0, 0, 255), 0, 0, 0, 4, 0, 0, 0, 8);
    cd_unit = 1; /* no medium: the profile is none, and what needs one is not current */
    ck_assert_uint_eq(packet_pio(packet(0x46, 2, 0, 0x10, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(be16_load(cd_data + 6), 0);
    ck_assert_uint_eq(cd_data[10], 0);
    ck_assert_uint_eq(packet_pio(packet(0x46, 1, 0, 0x10, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(cd_size, 8 + 4 + 4);
    ck_assert_uint_eq(cd_refused(packet(0x46, 3, 0, 0, 0, 0, 0, 0, 255)), ILLEGAL_FIELD);
}
END_TEST

START_TEST(an_empty_drive)
{
    static const uint8_t codes[] = {0x00, 0x25, 0x28, 0x2b, 0x42, 0x43, 0x51, 0x52, 0xa8, 0xbe, 0xb9};
    cd_unit = 1;
    ck_assert_uint_eq(cd_refused(packet(0x00)), WAS_RESET);
    for (unsigned i = 0; i < ARRAY_COUNT(codes); i++)
        ck_assert_uint_eq(cd_refused(packet(codes[i])), NO_MEDIUM);
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 0, 0, 0, 0);
    ck_assert_uint_eq(packet_pio(packet(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255)), ST_READY);
    expect(packet(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), 0, 0, 0, 0, 0, 0, 0, 0);
}
END_TEST

/* The guest hears of a reset once; INQUIRY and REQUEST SENSE are answered before. */
START_TEST(unit_attention)
{
    device_reset_all(&rig.devices);
    rig_enable();
    rig_settle();
    ck_assert_uint_eq(packet_pio(packet(0x12, 0, 0, 0, 36)), ST_READY);
    ck_assert_uint_eq(cd_refused(packet(0x25)), WAS_RESET);
    ck_assert_uint_eq(packet_pio(packet(0x25)), ST_READY);
    drive_soft_reset();
    ck_assert_uint_eq(cd_sense(), WAS_RESET); /* asked for before it was told */
    ck_assert_uint_eq(packet_pio(packet(0x00)), ST_READY);
}
END_TEST

START_TEST(the_guest_ejects_and_loads)
{
    ck_assert_uint_eq(packet_pio(packet(0x1e, 0, 0, 0, 1)), ST_READY);
    ck_assert_uint_eq(packet_pio(packet(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255)), ST_READY);
    ck_assert_uint_eq(cd_data[14], 0x2b); /* locked */
    ck_assert_uint_eq(cd_refused(packet(0x1b, 0, 0, 0, 2)), 0x055302);
    ck_assert(!ata_press_eject(cd_drive()));
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 1, 2, 0, 0); /* somebody wants it */
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 0, 2, 0, 0); /* told once */
    ck_assert_uint_eq(packet_pio(packet(0x1e, 0, 0, 0, 0)), ST_READY);
    ck_assert_uint_eq(packet_pio(packet(0x1b, 0, 0, 0, 2)), ST_READY);
    ck_assert(ata_tray_open(cd_drive()));
    ck_assert_uint_eq(cd_refused(packet(0x00)), TRAY_OPEN);
    ck_assert_uint_eq(cd_refused(packet(0x28, 0, 0, 0, 0, 0, 0, 0, 1)), TRAY_OPEN);
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 3, 1, 0, 0);
    expect(packet(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), 0, 0x10, 0, 0, 0, 0, 0, 0);
    device_reset_all(&rig.devices); /* a reset does not close it */
    rig_enable();
    rig_settle();
    ck_assert_uint_eq(cd_refused(packet(0x00)), WAS_RESET);
    ck_assert_uint_eq(cd_refused(packet(0x00)), TRAY_OPEN);
    ck_assert_uint_eq(packet_pio(packet(0x1b, 0, 0, 0, 3)), ST_READY);
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 2, 2, 0, 0);
    ck_assert_uint_eq(cd_refused(packet(0x00)), CHANGED);
    ck_assert_uint_eq(packet_pio(packet(0x00)), ST_READY);
    ck_assert_uint_eq(packet_pio(packet(0x1b, 0, 0, 0, 0)), ST_READY); /* stop, start, standby */
    ck_assert_uint_eq(packet_pio(packet(0x1b, 0, 0, 0, 1)), ST_READY);
    ck_assert_uint_eq(packet_pio(packet(0x1b, 0, 0, 0, 0x30)), ST_READY);
    ck_assert(ata_press_eject(cd_drive()));
    ck_assert_uint_eq(cd_refused(packet(0x00)), TRAY_OPEN);
}
END_TEST

/* Another disc of as many sectors; 0: none. */
static void put_medium(uint64_t sectors)
{
    rig.store[0][0] = sectors ? rig_disk_new(sectors, 99) : NULL;
    block_change_medium(rig.block[0][0], sectors ? &rig.store[0][0]->store : NULL);
}

START_TEST(the_medium_changes)
{
    put_medium(0);
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 3, 0, 0, 0);
    ck_assert_uint_eq(cd_refused(packet(0x25)), NO_MEDIUM);
    put_medium(40);
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 2, 2, 0, 0);
    ck_assert_uint_eq(cd_refused(packet(0x25)), CHANGED);
    ck_assert_uint_eq(packet_pio(packet(0x25)), ST_READY);
    packet_pio(packet(0x1e, 0, 0, 0, 1)); /* what is locked can still be taken away from outside */
    put_medium(0);
    ck_assert_uint_eq(cd_refused(packet(0x00)), NO_MEDIUM);
    ck_assert_uint_eq(cd_refused(packet(0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8)), ILLEGAL_FIELD);
    expect(packet(0x4a, 1, 0, 0, 0x04, 0, 0, 0, 8), 0, 2, 0x80, 0x10); /* another class of events */
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 4), 0, 6, 4, 0x10);    /* the event did not fit */
    expect(packet(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 0, 6, 4, 0x10, 3, 0, 0, 0);
}
END_TEST

/* In the middle of a read the medium goes: the command ends with an error, and nothing comes from the new one. */
START_TEST(the_medium_goes_in_the_middle)
{
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned moment = 0; moment < 30; moment++) {
            bool dma = kind & 1;
            uint8_t status, old[40 * 2048];
            memcpy(old, rig.store[0][0]->bytes + 5 * 2048, sizeof old);
            if (dma)
                packet_dma_begin(packet(0x28, 0, 0, 0, 0, 5, 0, 0, 40), 40 * 2048, false);
            else
                packet_send(packet(0x28, 0, 0, 0, 0, 5, 0, 0, 40), 0, 4096);
            rig_pass(moment * 450);
            if (dma && !ata_busy(cd_drive())) { /* it was over */
                packet_dma_end();
                continue;
            }
            put_medium(kind & 2 ? BLOCKS * 4 : 0);
            uint32_t bytes = 0;
            status = dma ? packet_dma_end() : drive_wait();
            while (!dma && status & ATA_STATUS_DRQ) {
                drive_read_block(cd_data + bytes, 4096);
                bytes += 4096;
                status = drive_wait();
            }
            ck_assert_uint_eq(status, ST_CHECK);
            ck_assert_mem_eq(cd_data, old, bytes);
            ck_assert_uint_le(bytes, 8192); /* what was in the buffer */
            ck_assert_uint_eq(cd_sense(), NO_MEDIUM);
            put_medium(BLOCKS * 4);
            cd_be_ready();
        }
}
END_TEST

/* CRC and check bytes from their definitions: the EDC's own remainder is 0, and every P and Q word has two zero
 * syndromes. */
static uint8_t gf_times(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        if (b & 1) product ^= a;
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1d : 0));
        b >>= 1;
    }
    return product;
}

static void check_words(const uint8_t *data, unsigned words, unsigned length,
                        unsigned (*place)(unsigned, unsigned))
{
    for (unsigned word = 0; word < words; word++)
        for (unsigned low = 0; low < 2;
             low++) { /* the low and the high bytes of the 16-bit words are coded apart */
            uint8_t sum = 0, weighted = 0;
            for (unsigned n = 0; n < length; n++) {
                uint8_t byte = data[2 * place(word, n) + low];
                sum ^= byte;
                weighted = gf_times(weighted, 2) ^ byte;
            }
            ck_assert_uint_eq(sum, 0);
            ck_assert_uint_eq(weighted, 0);
        }
}
/* ECMA-130, Annex A: P words are columns of 43; Q words diagonals of those 26 rows, with check bytes behind. */
static unsigned p_place(unsigned word, unsigned n)
{
    return word + 43 * n;
}
static unsigned q_place(unsigned word, unsigned n)
{
    return n < 43 ? (44 * n + 43 * word) % 1118 : 1118 + 26 * (n - 43) + word;
}

START_TEST(raw_sectors)
{
    ck_assert_uint_eq(packet_pio(packet(0xbe, 0, 0, 0, 3, 0x5b, 0, 0, 5, 0xf8)), ST_READY);
    ck_assert_uint_eq(cd_size, 5 * 2352);
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *sector = cd_data + i * 2352;
        uint32_t crc = 0;
        ck_assert_mem_eq(sector, "\0\377\377\377\377\377\377\377\377\377\377\0", 12);
        ck_assert_mem_eq(sector + 12, ((uint8_t[]){0x00, 0x13, (uint8_t)(0x34 + i), 0x01}),
                         4); /* BCD; LBA 859 */
        ck_assert_mem_eq(sector + 16, rig.store[0][0]->bytes + (859 + i) * 2048, 2048);
        for (unsigned n = 0; n < 2068; n++) {
            crc ^= sector[n];
            for (unsigned bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xd8018001u : 0);
        }
        ck_assert_uint_eq(crc, 0);
        check_words(sector + 12, 43, 26, p_place);
        check_words(sector + 12, 26, 45, q_place);
    }
    ck_assert_uint_eq(packet_pio(packet(0xb9, 0, 0, 0, 13, 34, 0, 13, 36, 0xf8)),
                      ST_READY); /* the same by MSF */
    ck_assert_uint_eq(cd_size, 2 * 2352);
    ck_assert_uint_eq(cd_data[14], 0x34);
}
END_TEST

START_TEST(parts_of_sectors)
{
    static const struct {
        uint8_t parts;
        uint32_t size;
    } rows[] = {{0x10, 2048}, {0x80, 12},  {0x20, 4}, {0xa0, 16}, {0xb0, 2064},
                {0x18, 2336}, {0x08, 288}, {0x00, 0}, {0x40, 0}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        ck_assert_uint_eq(packet_pio(packet(0xbe, 2 << 2, 0, 0, 0, 4, 0, 0, 2, rows[i].parts)), ST_READY);
        ck_assert_uint_eq(cd_size, 2 * rows[i].size);
        if (rows[i].parts == 0x10) ck_assert_mem_eq(cd_data, rig.store[0][0]->bytes + 4 * 2048, 4096);
    }
    ck_assert_uint_eq(cd_refused(packet(0xbe, 1 << 2, 0, 0, 0, 4, 0, 0, 2, 0x10)), 0x056400);
    ck_assert_uint_eq(cd_refused(packet(0xbe, 0, 0, 0, 0, 4, 0, 0, 2, 0x12)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0xbe, 0, 0, 0, 0, 4, 0, 0, 2, 0x10, 1)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0xbe, 0, 0, 0, 3, 0xe7, 0, 0, 2, 0xf8)), OUT_OF_RANGE);
    ck_assert_uint_eq(cd_refused(packet(0xb9, 0, 0, 0, 1, 0, 0, 2, 0, 0x10)), OUT_OF_RANGE);
    ck_assert_uint_eq(cd_refused(packet(0xb9, 0, 0, 0, 60, 0, 0, 61, 0, 0x10)), ILLEGAL_FIELD);
    ck_assert_uint_eq(cd_refused(packet(0xb9, 0, 0, 0, 5, 0, 0, 4, 0, 0x10)), ILLEGAL_FIELD);
}
END_TEST

/* Every code with random bytes, by PIO and by DMA: it ends, and the sense data is that of an error or of none. */
START_TEST(every_packet_ends)
{
    uint32_t seed = 7;
    for (unsigned i = 0; i < 256 * 24; i++) {
        uint8_t command[12];
        for (unsigned n = 0; n < 12; n++) command[n] = rig_random(&seed) & 1 ? 0 : (uint8_t)rig_random(&seed);
        command[0] = (uint8_t)i;
        uint8_t status = packet_send(command, (uint8_t)(rig_random(&seed) & 1), rig_random(&seed) & 0xffff);
        for (unsigned words = 0; status & ATA_STATUS_DRQ && words < 3000; words++) {
            if (cd_drive()->state->phase == ATA_DMA) break;
            if (cd_drive()->state->phase == ATA_PIO_IN)
                inw(CMD + IDE_DATA);
            else
                outw(CMD + IDE_DATA, (uint16_t)rig_random(&seed));
            status = drive_wait();
        }
        if (status & ATA_STATUS_DRQ) {
            outb(CMD + IDE_STATUS, ATA_DEVICE_RESET);
            rig_settle();
        } else {
            ck_assert(status == ST_READY || status == ST_CHECK);
            ck_assert_uint_eq(status == ST_CHECK, cd_drive()->state->packet.key != 0);
        }
        ck_assert(!ata_busy(cd_drive()));
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("mmc");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, inquiry);
    tcase_add_test(tests, names_come_from_the_options);
    tcase_add_test(tests, capacity_and_ranges);
    tcase_add_test(tests, toc);
    tcase_add_test(tests, subchannel);
    tcase_add_test(tests, disc_and_track_information);
    tcase_add_test(tests, mode_pages);
    tcase_add_test(tests, mode_select);
    tcase_add_test(tests, configuration);
    tcase_add_test(tests, an_empty_drive);
    tcase_add_test(tests, unit_attention);
    tcase_add_test(tests, the_guest_ejects_and_loads);
    tcase_add_test(tests, the_medium_changes);
    tcase_add_test(tests, the_medium_goes_in_the_middle);
    tcase_add_test(tests, raw_sectors);
    tcase_add_test(tests, parts_of_sectors);
    tcase_add_test(tests, every_packet_ends);
    return rig_run_suite("mmc", tests);
}

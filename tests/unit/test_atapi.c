/* SPDX-License-Identifier: MIT */
/* The packet protocol on an IDE channel: PIO in blocks of all sizes, DMA, resets, mixtures of disk and CD-ROM. */
#include "tests/unit/atapi_rig.h"

enum { CD_SECTORS = 4 * 60 + 1 }; /* the last block of 2048 bytes has only one of its four sectors */
enum { CD_BLOCKS = (CD_SECTORS + 3) / 4 };

static const struct dma_settings *settings;

static void plug(void)
{
    rig_plug(0, 1 - cd_unit, RIG_SECTORS, NULL);
    rig_plug_drive(0, cd_unit, CD_SECTORS, &rig_cdrom);
    rig_enable();
    rig_settle();
    cd_be_ready();
}
static void setup(void)
{
    cd_unit = 0;
    rig_new(settings);
    plug();
}
static void teardown(void)
{
    rig_free();
}

/* What block `lba` and those behind it hold. */
static const uint8_t *model(uint32_t lba, uint32_t blocks)
{
    static uint8_t bytes[CD_BLOCKS * 2048];
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, rig.store[0][cd_unit]->bytes, CD_SECTORS * 512);
    ck_assert_uint_le(lba + blocks, CD_BLOCKS);
    return bytes + lba * 2048;
}
static const uint8_t *read_10(uint32_t lba, uint16_t blocks)
{
    static uint8_t command[12];
    memset(command, 0, sizeof command);
    command[0] = 0x28;
    be32_store(command + 2, lba);
    be16_store(command + 7, blocks);
    return command;
}

START_TEST(signatures_tell_disk_and_cd_apart)
{
    drive_soft_reset();
    for (unsigned unit = 0; unit < 2; unit++) {
        drive_select(unit, 0);
        bool cd = unit == cd_unit;
        ck_assert_uint_eq(inb(CTL), cd ? 0 : ST_READY);
        ck_assert_uint_eq(inb(CMD + IDE_COUNT), 1);
        ck_assert_uint_eq(inb(CMD + IDE_LBA_LOW), 1);
        ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), cd ? 0x14 : 0);
        ck_assert_uint_eq(inb(CMD + IDE_LBA_HIGH), cd ? 0xeb : 0);
    }
    drive_select(0, 0);
    outb(CMD + IDE_STATUS, 0x90);
    rig_settle();
    ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0x14);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), 1);
    ck_assert(rig.irq[0]);
}
END_TEST

START_TEST(commands_for_disks_are_refused_with_the_signature)
{
    static const uint8_t codes[] = {0x20, 0xec};
    for (unsigned i = 0; i < ARRAY_COUNT(codes); i++) {
        drive_address(0, 0, 1);
        ck_assert_uint_eq(drive_command(codes[i]), ST_FAILED);
        ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
        ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0x14);
        ck_assert_uint_eq(inb(CMD + IDE_LBA_HIGH), 0xeb);
    }
    static const uint8_t others[] = {0x24, 0x25, 0x30, 0xc4, 0xc8, 0xca, 0x27,
                                     0xf8, 0xb0, 0x06, 0xe7, 0xea, 0x91, 0xf5};
    for (unsigned i = 0; i < ARRAY_COUNT(others); i++) {
        drive_address(0, 0, 1);
        ck_assert_uint_eq(drive_command(others[i]), ST_FAILED);
        ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
    }
    drive_select(1, 0); /* and a disk refuses packets */
    ck_assert_uint_eq(drive_command(0xa0), ST_FAILED);
    ck_assert_uint_eq(drive_command(0xa1), ST_FAILED);
}
END_TEST

START_TEST(identify_packet_device)
{
    uint8_t data[512], sum = 0;
    drive_select(0, 0);
    ck_assert_uint_eq(drive_command(0xa1), ST_DATA);
    drive_read_block(data, 512);
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(le16_load(data), 0x85c0);
    ck_assert_mem_eq(data + 54, "IVRTNI EDCR-MO  ", 16);
    ck_assert_mem_eq(data + 20, "di0eh-0d", 8);
    ck_assert_uint_eq(le16_load(data + 2 * 49) & 0x0300, 0x0300);
    ck_assert_uint_eq(le16_load(data + 2 * 63), 0x0407);
    ck_assert_uint_eq(le16_load(data + 2 * 82), 0x4218);
    ck_assert_uint_eq(le16_load(data + 2 * 60) | le16_load(data + 2 * 61), 0);
}
END_TEST

/* LESSONS 43: odd places, remainders, blocks of every size. */
START_TEST(lesson_43_pio_in_blocks_of_any_size)
{
    static const uint32_t limits[] = {2, 14, 510, 512, 2046, 2048, 2050, 4096, 8190, 8192, 32768, 0xfffe};
    static const uint32_t ranges[][2] = {{0, 1}, {1, 3}, {7, 9}, {CD_BLOCKS - 1, 1}, {CD_BLOCKS - 5, 5}};
    for (unsigned i = 0; i < ARRAY_COUNT(limits); i++)
        for (unsigned n = 0; n < ARRAY_COUNT(ranges); n++) {
            uint32_t lba = ranges[n][0], blocks = ranges[n][1];
            ck_assert_uint_eq(packet_pio_limit(read_10(lba, (uint16_t)blocks), limits[i], false), ST_READY);
            ck_assert_uint_eq(cd_size, blocks * 2048);
            ck_assert_uint_le(cd_longest, limits[i]);
            ck_assert_mem_eq(cd_data, model(lba, blocks), cd_size);
        }
    ck_assert_uint_eq(packet_pio_limit(read_10(3, 2), 2049, false), ST_READY); /* odd: one less */
    ck_assert_uint_eq(cd_longest, 2048);
    ck_assert_uint_eq(cd_blocks, 2);
}
END_TEST

START_TEST(a_byte_count_of_zero_is_linted_with_data_only)
{
    uint64_t before = lint_count();
    ck_assert_uint_eq(packet_send(packet(0x00), 0, 0), ST_READY);
    ck_assert_uint_eq(lint_count(), before);
    ck_assert_uint_eq(packet_send(read_10(0, 1), 0, 0), ST_DATA);
    ck_assert_uint_eq(lint_count(), before + 1);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_MID) | inb(CMD + IDE_LBA_HIGH) << 8, 2048);
    drive_read_block(cd_data, 2048);
    ck_assert_uint_eq(drive_wait(), ST_READY);
}
END_TEST

START_TEST(lesson_43_dma)
{
    static const uint32_t ranges[][2] = {
        {0, 1}, {5, 4}, {2, 50}, {CD_BLOCKS - 1, 1}, {CD_BLOCKS - 7, 7}, {0, CD_BLOCKS}};
    for (unsigned n = 0; n < ARRAY_COUNT(ranges); n++) {
        uint32_t lba = ranges[n][0], blocks = ranges[n][1];
        memset(rig.ram->host + CD_BUFFER, 0xa5, sizeof cd_data);
        ck_assert_uint_eq(packet_dma(read_10(lba, (uint16_t)blocks), blocks * 2048), ST_READY);
        ck_assert_uint_eq(inb(CMD + IDE_COUNT) & 7, REASON_END);
        ck_assert_uint_eq(inb(RIG_BM + BM_STATUS) & 7, 0);
        ck_assert_mem_eq(cd_data, model(lba, blocks), blocks * 2048);
        ck_assert_uint_eq(rig.ram->host[CD_BUFFER + blocks * 2048], 0xa5);
    }
}
END_TEST

/* Answers of the drive itself by DMA; LESSONS 38: tables that are longer and shorter. */
START_TEST(lesson_38_answers_by_dma)
{
    uint64_t before = lint_count();
    memset(rig.ram->host + CD_BUFFER, 0xa5, 64);
    ck_assert_uint_eq(packet_dma(packet(0x12, 0, 0, 0, 36), 36), ST_READY);
    ck_assert_uint_eq(cd_data[0], 0x05);
    ck_assert_mem_eq(cd_data + 8, "VITRINE CD-ROM", 14);
    ck_assert_uint_eq(rig.ram->host[CD_BUFFER + 36], 0xa5);

    memset(rig.ram->host + CD_BUFFER, 0xa5, 64);
    packet_dma_begin(packet(0x12, 0, 0, 0, 36), 60, false); /* room for more than there is */
    rig_settle();
    ck_assert_uint_eq(inb(RIG_BM + BM_STATUS) & 7, BM_STATUS_ACTIVE | BM_STATUS_INTERRUPT);
    ck_assert_uint_eq(packet_dma_end(), ST_READY);
    ck_assert_uint_eq(rig.ram->host[CD_BUFFER + 36], 0xa5);
    ck_assert_uint_eq(lint_count(), before);

    packet_dma_begin(packet(0x12, 0, 0, 0, 36), 10, false); /* the drive waits for the rest */
    rig_settle();
    ck_assert_uint_eq(inb(RIG_BM + BM_STATUS) & 7, 0);
    ck_assert_uint_eq(inb(CTL), ST_DATA);
    ck_assert_uint_eq(lint_count(), before + 1);
    outb(RIG_BM + BM_COMMAND, 0);
    packet_table(26);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_START | BM_COMMAND_TO_MEMORY);
    ck_assert_uint_eq(packet_dma_end(), ST_READY);
    ck_assert_mem_eq(rig.ram->host + CD_BUFFER + 6, "CD-ROM", 6); /* bytes 16 and on */
}
END_TEST

START_TEST(data_to_the_drive_by_pio_and_by_dma)
{
    static const uint8_t list[] = {0, 0, 0, 0, 0, 0, 0, 0, 0x01, 10, 0x21, 9, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint32_t limits[] = {2, 6, 8, 2048};
    for (unsigned i = 0; i < ARRAY_COUNT(limits); i++) {
        memcpy(cd_data, list, sizeof list);
        cd_data[11] = (uint8_t)(10 + i);
        ck_assert_uint_eq(packet_pio_limit(packet(0x55, 0x10, 0, 0, 0, 0, 0, 0, 20), limits[i], true),
                          ST_READY);
        ck_assert_uint_eq(cd_size, 20);
        ck_assert_uint_eq(cd_drive()->state->packet.error_recovery[0], 0x21);
        ck_assert_uint_eq(cd_drive()->state->packet.error_recovery[1], 10 + i);
    }
    memcpy(rig.ram->host + CD_BUFFER, list, sizeof list);
    packet_dma_begin(packet(0x55, 0x10, 0, 0, 0, 0, 0, 0, 20), 20, true);
    ck_assert_uint_eq(packet_dma_end(), ST_READY);
    ck_assert_uint_eq(cd_drive()->state->packet.error_recovery[1], 9);
}
END_TEST

START_TEST(bad_sectors)
{
    rig.store[0][0]->bad = 4 * 10 + 2;
    ck_assert_uint_eq(packet_pio(read_10(8, 4)), ST_CHECK);
    ck_assert_uint_eq(cd_size, 2 * 2048); /* what lies before it has come */
    ck_assert_mem_eq(cd_data, model(8, 2), cd_size);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), 0x34);
    ck_assert_uint_eq(cd_sense(), 0x031100);
    ck_assert_uint_eq(packet_dma(read_10(8, 4), 4 * 2048), ST_CHECK);
    ck_assert_mem_eq(cd_data, model(8, 2), 2 * 2048);
    ck_assert_uint_eq(cd_sense(), 0x031100);
    ck_assert_uint_eq(cd_sense(), 0); /* told once */
    rig.store[0][0]->bad = -1;
    ck_assert_uint_eq(packet_pio(read_10(8, 4)), ST_READY);
}
END_TEST

/* LESSONS 36, 37: DEVICE RESET, SRST and a hardware reset at every moment of a command; nothing moves afterwards. */
START_TEST(lesson_36_lesson_37_resets_at_any_moment)
{
    static uint8_t before[RIG_RAM];
    for (unsigned kind = 0; kind < 6; kind++)
        for (unsigned moment = 0; moment < 45; moment++) {
            bool dma = kind & 1;
            if (dma)
                packet_dma_begin(read_10(3, 20), 20 * 2048, false);
            else
                packet_send(read_10(3, 20), 0, 4096);
            if (!dma && moment % 3) drive_read_block(cd_data, moment * 2);
            rig_pass(moment * 700);
            if (kind / 2 == 0) {
                drive_select(0, 0);
                outb(CMD + IDE_STATUS, ATA_DEVICE_RESET);
            } else if (kind / 2 == 1) {
                outb(CTL, IDE_CONTROL_SRST);
                rig_pass(5 * VTIME_US);
                outb(CTL, 0);
            } else {
                device_reset_all(&rig.devices);
                rig_enable();
            }
            ck_assert_uint_eq(inb(CTL), ATA_STATUS_BSY);
            ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
            memcpy(before, rig.ram->host, RIG_RAM);
            unsigned interrupts = rig.irq_count[0];
            rig_settle();
            outb(RIG_BM + BM_COMMAND, 0);
            ck_assert_mem_eq(before, rig.ram->host, RIG_RAM);
            ck_assert_uint_eq(rig.irq_count[0], interrupts);
            ck_assert_uint_eq(inb(CTL), 0);
            ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0x14);
            ck_assert_uint_eq(inb(CMD + IDE_LBA_HIGH), 0xeb);
            if (kind / 2) ck_assert_uint_eq(cd_refused(packet(0x00)), 0x062900);
            ck_assert_uint_eq(packet_pio(read_10(3, 1)), ST_READY);
            ck_assert_mem_eq(cd_data, model(3, 1), 2048);
        }
}
END_TEST

START_TEST(a_sleeping_drive_wakes_by_device_reset)
{
    drive_select(0, 0);
    ck_assert_uint_eq(drive_command(0xe6), ST_READY);
    outb(CMD + IDE_STATUS, 0xa1);
    rig_settle();
    ck_assert_uint_eq(inb(CTL), ST_READY);
    outb(CMD + IDE_STATUS, ATA_DEVICE_RESET);
    rig_settle();
    ck_assert_uint_eq(drive_command(0xa1), ST_DATA);
}
END_TEST

START_TEST(overlap_is_refused)
{
    drive_select(0, 0);
    outb(CMD + IDE_ERROR, 2);
    ck_assert_uint_eq(drive_command(PACKET), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
}
END_TEST

/* A CD-ROM alone as Device 0 does not answer for Device 1 (Device 0 only configurations), or there would seem to be
 * two. */
START_TEST(no_ghost_of_a_lone_cd)
{
    rig_plug_drive(1, 0, CD_SECTORS, &rig_cdrom);
    rig_settle();
    outb(0x176, 0xb0);
    outb(0x172, 0x55);
    for (unsigned port = 0x171; port < 0x178; port++) ck_assert_uint_eq(inb((uint16_t)port), 0);
    outb(0x177, 0xa1);
    rig_settle();
    ck_assert_uint_eq(inb(0x177), 0);
    outb(0x176, 0xa0);
    outb(0x177, 0xa1);
    rig_settle();
    ck_assert_uint_eq(inb(0x177), ST_DATA);
}
END_TEST

/* Both kinds on one cable, each in the middle of its own command. */
START_TEST(disk_and_cd_share_a_cable)
{
    uint8_t data[1024];
    ck_assert_uint_eq(packet_send(read_10(9, 2), 0, 2048), ST_DATA);
    drive_read_block(cd_data, 1000);
    drive_address(1, 77, 2);
    ck_assert_uint_eq(drive_command(0x20), ST_DATA);
    drive_read_block(data, 512);
    drive_select(0, 0);
    drive_read_block(cd_data + 1000, 1048);
    drive_wait();
    drive_read_block(cd_data + 2048, 2048);
    ck_assert_uint_eq(drive_wait(), ST_READY);
    ck_assert_mem_eq(cd_data, model(9, 2), 4096);
    drive_select(1, ATA_DEVICE_LBA);
    ck_assert_uint_eq(drive_wait(), ST_DATA);
    drive_read_block(data + 512, 512);
    ck_assert_mem_eq(data, rig.store[0][1]->bytes + 77 * 512, 1024);
}
END_TEST

static void save(struct state_buffer *to)
{
    struct device *device = device_find(&rig.devices, "ide");
    struct error error = {""};
    state_save(device->ops->state, device->state, to);
    ck_assert_msg(device->more->save(device, to, &error), "%s", error.text);
    clock_save(&rig.clock, to);
}
static void load(struct state_buffer *from)
{
    struct device *device = device_find(&rig.devices, "ide");
    struct error error = {""};
    ck_assert(state_load(device->ops->state, device->state, from, &error));
    device->ops->loaded(device);
    from->cursor = 0; /* once more, as the board does: what `loaded` began anew is not what was saved */
    ck_assert(state_load(device->ops->state, device->state, from, &error));
    ck_assert_msg(device->more->load(device, from, &error), "%s", error.text);
    ck_assert_msg(clock_load(&rig.clock, from, &error), "%s", error.text);
}

/* Saved at every moment, spoilt by something else, loaded: the command ends as if nothing had been. */
static void save_at_every_moment(const uint8_t *command, uint32_t bytes, bool raw)
{
    static uint8_t expected[sizeof cd_data], ram[RIG_RAM];
    for (unsigned moment = 0; moment < 60; moment++) {
        struct state_buffer saved = {0};
        uint64_t hash;
        for (unsigned turn = 0; turn < 2; turn++) {
            if (turn == 0) {
                memset(rig.ram->host + CD_BUFFER, 0xa5, bytes);
                packet_dma_begin(command, bytes, false);
                rig_pass(moment * 450);
                save(&saved);
                memcpy(ram, rig.ram->host, RIG_RAM);
            }
            rig_settle();
            hash = turn ? hash : device_hash_all(&rig.devices);
            ck_assert_uint_eq(hash, device_hash_all(&rig.devices));
            ck_assert_uint_eq(inb(CTL), ST_READY);
            if (turn == 0) {
                memcpy(expected, rig.ram->host + CD_BUFFER, bytes);
                ck_assert_uint_ne(expected[raw ? 1 : 0], 0xa5);
                packet_dma_end();
                packet_dma_begin(packet(0x12, 0, 0, 0, 36), 36, false); /* something else under way */
                memcpy(rig.ram->host, ram, RIG_RAM);
                load(&saved);
            }
        }
        ck_assert_mem_eq(expected, rig.ram->host + CD_BUFFER, bytes);
        packet_dma_end();
        state_buffer_free(&saved);
    }
}

START_TEST(saved_in_the_middle)
{
    uint8_t read[12];
    memcpy(read, read_10(CD_BLOCKS - 9, 9), 12);
    save_at_every_moment(read, 9 * 2048, false);
    save_at_every_moment(packet(0xbe, 0, 0, 0, 0, CD_BLOCKS - 7, 0, 0, 7, 0xf8), 7 * 2352, true);
    save_at_every_moment(packet(0x12, 0, 0, 0, 36), 36, false);
}
END_TEST

START_TEST(saved_in_the_middle_of_pio)
{
    struct state_buffer saved = {0};
    ck_assert_uint_eq(packet_send(read_10(11, 3), 0, 4096), ST_DATA);
    drive_read_block(cd_data, 1002);
    save(&saved);
    outb(CMD + IDE_STATUS, ATA_DEVICE_RESET);
    rig_settle();
    load(&saved);
    ck_assert_uint_eq(inb(CTL), ST_DATA);
    drive_read_block(cd_data + 1002, 4096 - 1002);
    ck_assert_uint_eq(drive_wait(), ST_DATA);
    drive_read_block(cd_data + 4096, 2048);
    ck_assert_uint_eq(drive_wait(), ST_READY);
    ck_assert_mem_eq(cd_data, model(11, 3), 3 * 2048);
    state_buffer_free(&saved);
}
END_TEST

/* All again when memory can be had by bounce buffers of 4 KiB only. */
static const struct dma_settings bounces = {.mode = DMA_MODE_INDIRECT, .max_bounce = 4096};
static void setup_bounces(void)
{
    settings = &bounces;
    setup();
    settings = NULL;
}

int main(void)
{
    Suite *suite = suite_create("atapi");
    TCase *tests = tcase_create("atapi"), *dma = tcase_create("bounces");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(dma, setup_bounces, teardown);
    tcase_set_timeout(tests, 120);
    tcase_set_timeout(dma, 120);
    tcase_add_test(tests, signatures_tell_disk_and_cd_apart);
    tcase_add_test(tests, commands_for_disks_are_refused_with_the_signature);
    tcase_add_test(tests, identify_packet_device);
    tcase_add_test(tests, lesson_43_pio_in_blocks_of_any_size);
    tcase_add_test(tests, a_byte_count_of_zero_is_linted_with_data_only);
    tcase_add_test(tests, data_to_the_drive_by_pio_and_by_dma);
    tcase_add_test(tests, bad_sectors);
    tcase_add_test(tests, a_sleeping_drive_wakes_by_device_reset);
    tcase_add_test(tests, overlap_is_refused);
    tcase_add_test(tests, no_ghost_of_a_lone_cd);
    tcase_add_test(tests, disk_and_cd_share_a_cable);
    tcase_add_test(tests, saved_in_the_middle_of_pio);
    TCase *both[] = {tests, dma};
    for (unsigned i = 0; i < 2; i++) {
        tcase_add_test(both[i], lesson_43_dma);
        tcase_add_test(both[i], lesson_38_answers_by_dma);
        tcase_add_test(both[i], lesson_36_lesson_37_resets_at_any_moment);
        tcase_add_test(both[i], saved_in_the_middle);
    }
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, dma);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

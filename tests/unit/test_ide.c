/* SPDX-License-Identifier: MIT */
/* The IDE channel by its ports: PIO, absent drives, resets, interrupts, decoding. */
#include "tests/unit/ide_rig.h"

static void setup(void)
{
    rig_new(NULL);
    rig_plug(0, 0, RIG_SECTORS, NULL);
    rig_enable();
    rig_settle();
}

static void teardown(void)
{
    rig_free();
}

static const uint8_t *model(uint32_t lba)
{
    return rig.store[0][0]->bytes + (size_t)lba * 512;
}

START_TEST(configuration_space_is_that_of_a_piix3)
{
    ck_assert_uint_eq(config_in(PCI_VENDOR_ID, 4), 0x70108086);
    ck_assert_uint_eq(config_in(PCI_PROG_IF, 1), 0x80);
    ck_assert_uint_eq(config_in(PCI_SUBCLASS, 2), 0x0101);
    ck_assert_uint_eq(config_in(PCI_STATUS, 2), 0x0280);
    config_out(PCI_COMMAND, 2, 0xffff);
    ck_assert_uint_eq(config_in(PCI_COMMAND, 2), PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    config_out(PCI_BAR0 + 16, 4, 0xffffffff);
    ck_assert_uint_eq(config_in(PCI_BAR0 + 16, 4), 0xfffffff1);
    config_out(PIIX3_IDE_IDETIM, 4, 0xffffffff);
    ck_assert_uint_eq(config_in(PIIX3_IDE_IDETIM, 4), 0xf3fff3ff);
}
END_TEST

START_TEST(ports_answer_only_when_decoded)
{
    ck_assert_uint_eq(inb(CTL), ST_READY);
    config_out(PIIX3_IDE_IDETIM, 2, 0);
    ck_assert_uint_eq(inb(CTL), 0xff);
    ck_assert_uint_eq(inb(0x377 - 1), 0x7f);
    config_out(PIIX3_IDE_IDETIM, 2, PIIX3_IDE_DECODE_ENABLE);
    ck_assert_uint_eq(inb(CTL), ST_READY);
    config_out(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    ck_assert_uint_eq(inb(CTL), 0xff);
    device_reset_all(&rig.devices);
    config_out(PCI_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert_uint_eq(inb(CTL), 0xff);
}
END_TEST

START_TEST(signature_after_reset)
{
    drive_select(0, 0);
    outb(CMD + IDE_COUNT, 0x55);
    outb(CTL, IDE_CONTROL_SRST);
    ck_assert_uint_eq(inb(CTL), ATA_STATUS_BSY);
    rig_settle();
    ck_assert_uint_eq(inb(CTL), ATA_STATUS_BSY); /* as long as SRST is set */
    outb(CTL, 0);
    ck_assert_uint_eq(inb(CTL), ATA_STATUS_BSY);
    ck_assert_uint_eq(drive_wait(), ST_READY);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), 1);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 1);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_LOW), 1);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_HIGH), 0);
    ck_assert_uint_eq(inb(CMD + IDE_DEVICE), 0);
    ck_assert_uint_eq(rig.irq_count[0], 0);
}
END_TEST

START_TEST(absent_slave_is_answered_by_the_master)
{
    drive_select(1, 0);
    ck_assert_uint_eq(inb(CTL), 0);
    ck_assert_uint_eq(inb(CMD + IDE_STATUS), 0);
    outb(CMD + IDE_COUNT, 0x55);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 0x55);
    ck_assert_uint_eq(inb(CMD + IDE_DEVICE), 0xb0);
    outb(CMD + IDE_STATUS, 0xec);
    rig_settle();
    ck_assert_uint_eq(inb(CTL), 0);
    ck_assert_uint_eq(rig.irq_count[0], 0);
    drive_select(0, 0);
    ck_assert_uint_eq(inb(CTL), ST_READY);
}
END_TEST

START_TEST(empty_channel_floats)
{
    ck_assert_uint_eq(inb(0x177), 0x7f);
    ck_assert_uint_eq(inb(0x376), 0x7f);
    outb(0x172, 0x55);
    outb(0x176, 0xb0);
    outb(0x177, 0xec);
    rig_settle();
    ck_assert_uint_eq(inb(0x172), 0x7f);
    ck_assert_uint_eq(inw(0x170), 0xff7f);
    ck_assert_uint_eq(rig.irq_count[1], 0);
}
END_TEST

START_TEST(slave_alone_leaves_the_master_floating)
{
    rig_plug(1, 1, RIG_SECTORS, NULL);
    rig_settle();
    outb(0x176, 0xa0);
    ck_assert_uint_eq(inb(0x177), 0x7f);
    outb(0x176, 0xb0);
    ck_assert_uint_eq(inb(0x177), ST_READY);
    outb(0x177, 0xec);
    rig_settle();
    ck_assert_uint_eq(inb(0x177), ST_DATA);
}
END_TEST

START_TEST(identify_takes_time_and_interrupts_once)
{
    uint8_t data[512], expected[512];
    drive_select(0, 0);
    outb(CMD + IDE_STATUS, 0xec);
    ck_assert_uint_eq(inb(CTL), ATA_STATUS_BSY);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), ATA_STATUS_BSY); /* any register shows Status */
    ck_assert_uint_eq(drive_wait(), ST_DATA);
    ck_assert(rig.irq[0]);
    ck_assert_uint_eq(inb(CTL), ST_DATA); /* Alternate Status leaves INTRQ alone */
    ck_assert(rig.irq[0]);
    ck_assert_uint_eq(inb(CMD + IDE_STATUS), ST_DATA);
    ck_assert(!rig.irq[0]);
    drive_read_block(data, 512);
    ck_assert_uint_eq(inb(CTL), ST_READY);
    rig_settle();
    ck_assert_uint_eq(rig.irq_count[0], 1);
    ck_assert_uint_eq(le16_load(data + 2 * 60), RIG_SECTORS);
    ck_assert_uint_eq(le16_load(data + 2 * 1), 1);
    ck_assert_uint_eq(le16_load(data + 2 * 3), 16);
    memcpy(expected, data, 512);
    for (unsigned i = 0; i < 256; i += 2) { /* once more, 32 bits wide */
        if (i == 0) drive_command(0xec);
        le32_store(data + 2 * i, rig_in(CMD, 4));
    }
    ck_assert_mem_eq(data, expected, 512);
}
END_TEST

/* Reads as a driver does: a status check and a block, as often as it takes. */
static void pio_read(uint8_t code, uint32_t lba, unsigned sectors, unsigned block)
{
    static uint8_t data[256 * 512];
    drive_address(0, lba, (uint8_t)sectors);
    outb(CMD + IDE_STATUS, code);
    for (unsigned done = 0; done < sectors; done += block) {
        unsigned now = block < sectors - done ? block : sectors - done;
        ck_assert_uint_eq(drive_wait(), ST_DATA);
        ck_assert_uint_eq(inb(CMD + IDE_STATUS), ST_DATA);
        drive_read_block(data + done * 512, now * 512);
    }
    ck_assert_uint_eq(drive_wait(), ST_READY);
    ck_assert_mem_eq(data, model(lba), sectors * 512);
    ck_assert_uint_eq(drive_lba(), lba + sectors - 1);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 0);
}

static void pio_write(uint8_t code, uint32_t lba, unsigned sectors, unsigned block, uint32_t seed)
{
    static uint8_t data[256 * 512];
    for (unsigned i = 0; i < sectors * 512; i++) data[i] = (uint8_t)rig_random(&seed);
    drive_address(0, lba, (uint8_t)sectors);
    outb(CMD + IDE_STATUS, code);
    for (unsigned done = 0; done < sectors; done += block) {
        unsigned now = block < sectors - done ? block : sectors - done;
        ck_assert_uint_eq(drive_wait(), ST_DATA);
        inb(CMD + IDE_STATUS);
        drive_write_block(data + done * 512, now * 512);
    }
    ck_assert_uint_eq(drive_wait(), ST_READY);
    ck_assert_mem_eq(model(lba), data, sectors * 512);
}

START_TEST(pio_reads_and_writes_match_the_model)
{
    static const unsigned counts[] = {1, 2, 15, 16, 17, 33, 255, 256};
    for (unsigned i = 0; i < ARRAY_COUNT(counts); i++) {
        rig.irq_count[0] = 0;
        pio_read(0x20, 3 + i, counts[i], 1);
        ck_assert_uint_eq(rig.irq_count[0], counts[i]);
        inb(CMD + IDE_STATUS);
        rig.irq_count[0] = 0;
        pio_write(0x30, 7 + i, counts[i], 1, i);
        ck_assert_uint_eq(rig.irq_count[0], counts[i]); /* none before the first, one after the last */
        inb(CMD + IDE_STATUS);
    }
}
END_TEST

/* In any pieces, but for the access that ends the block; only from the Data register, by word or more, with DRQ. */
START_TEST(data_comes_in_series)
{
    uint8_t data[512];
    ck_assert_uint_eq(space_load_series(rig.ports, CMD, 2, data, 100), 0);
    drive_address(0, 5, 1);
    outb(CMD + IDE_STATUS, 0x20);
    ck_assert_uint_eq(drive_wait(), ST_DATA);
    ck_assert_uint_eq(space_load_series(rig.ports, CMD, 1, data, 100), 0);
    ck_assert_uint_eq(space_load_series(rig.ports, CMD + IDE_COUNT, 1, data, 100), 0);
    ck_assert_uint_eq(space_load_series(rig.ports, CMD, 2, data, 3), 3);
    le16_store(data + 6, (uint16_t)rig_in(CMD, 2));
    ck_assert_uint_eq(space_load_series(rig.ports, CMD, 4, data + 8, 20), 20);
    ck_assert_uint_eq(space_load_series(rig.ports, CMD, 2, data + 88, 1000), 211);
    ck_assert_uint_eq(space_load_series(rig.ports, CMD, 2, data, 1), 0);
    ck_assert_uint_eq(inb(CTL), ST_DATA);
    le16_store(data + 510, (uint16_t)rig_in(CMD, 2));
    ck_assert_uint_eq(inb(CTL), ST_READY);
    ck_assert_mem_eq(data, model(5), 512);
}
END_TEST

START_TEST(lesson_43_multiple_with_remainders)
{
    for (uint8_t block = 1; block <= 16; block *= 2) {
        drive_select(0, 0);
        outb(CMD + IDE_COUNT, block);
        ck_assert_uint_eq(drive_command(0xc6), ST_READY);
        for (unsigned sectors = 1; sectors <= 37; sectors += 3) {
            pio_read(0xc4, 5 + sectors, sectors, block);
            pio_write(0xc5, 11 + sectors, sectors, block, sectors);
        }
    }
}
END_TEST

START_TEST(multiple_needs_its_mode)
{
    static const uint8_t wrong[] = {3, 17, 32, 255};
    drive_address(0, 0, 1);
    ck_assert_uint_eq(drive_command(0xc4), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
    for (unsigned i = 0; i < ARRAY_COUNT(wrong); i++) {
        outb(CMD + IDE_COUNT, wrong[i]);
        ck_assert_uint_eq(drive_command(0xc6), ST_FAILED);
    }
}
END_TEST

START_TEST(cylinders_heads_and_sectors)
{
    uint8_t data[512];
    for (unsigned turn = 0; turn < 2; turn++) {
        unsigned heads = turn ? 5 : 16, sectors = turn ? 17 : 63;
        if (turn) { /* an odd translation */
            drive_select(0, 4);
            outb(CMD + IDE_COUNT, 17);
            ck_assert_uint_eq(drive_command(0x91), ST_READY);
        }
        for (uint32_t lba = 0; lba < 1000; lba += 37) {
            uint32_t track = lba / sectors, cylinder = track / heads;
            drive_select(0, (uint8_t)(track % heads));
            outb(CMD + IDE_COUNT, 1);
            outb(CMD + IDE_LBA_LOW, (uint8_t)(lba % sectors + 1));
            outb(CMD + IDE_LBA_MID, (uint8_t)cylinder);
            outb(CMD + IDE_LBA_HIGH, (uint8_t)(cylinder >> 8));
            ck_assert_uint_eq(drive_command(0x20), ST_DATA);
            drive_read_block(data, 512);
            ck_assert_mem_eq(data, model(lba), 512);
        }
        drive_select(0, (uint8_t)(turn ? 5 : 0)); /* a head, and a sector, that do not exist */
        outb(CMD + IDE_COUNT, 1);
        outb(CMD + IDE_LBA_LOW, turn ? 1 : 0);
        outb(CMD + IDE_LBA_MID, 0);
        outb(CMD + IDE_LBA_HIGH, 0);
        ck_assert_uint_eq(drive_command(0x20), ST_FAILED);
        ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_IDNF);
    }
}
END_TEST

START_TEST(addresses_beyond_the_end)
{
    drive_address(0, RIG_SECTORS - 1, 2);
    ck_assert_uint_eq(drive_command(0x20), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_IDNF);
    ck_assert_uint_eq(drive_lba(), RIG_SECTORS);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 1);
    drive_address(0, 0x0fffffff, 0);
    ck_assert_uint_eq(drive_command(0x30), ST_FAILED);
    ck_assert_uint_eq(drive_lba(), 0x0fffffff);
    drive_address(0, RIG_SECTORS - 1, 1);
    ck_assert_uint_eq(drive_command(0x40), ST_READY);
    ck_assert_uint_eq(drive_command(0x70), ST_READY);
}
END_TEST

START_TEST(bad_sectors_end_reads_exactly)
{
    uint8_t data[512];
    rig.store[0][0]->bad = 25;
    drive_address(0, 10, 100);
    outb(CMD + IDE_STATUS, 0x20);
    for (uint32_t lba = 10; lba < 25; lba++) {
        ck_assert_uint_eq(drive_wait(), ST_DATA);
        drive_read_block(data, 512);
        ck_assert_mem_eq(data, model(lba), 512);
    }
    inb(CMD + IDE_STATUS);
    ck_assert_uint_eq(drive_wait(), ST_FAILED);
    ck_assert(rig.irq[0]);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_UNC);
    ck_assert_uint_eq(drive_lba(), 25);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 85);
    drive_address(0, 10, 100);
    ck_assert_uint_eq(drive_command(0x40), ST_FAILED);
    ck_assert_uint_eq(drive_lba(), 25);
    drive_address(0, 25, 1);
    ck_assert_uint_eq(drive_command(0x30), ST_DATA);
    drive_write_block(data, 512);
    ck_assert_uint_eq(drive_wait(), ST_FAILED | ATA_STATUS_DF);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
    ck_assert_uint_eq(drive_lba(), 25);
}
END_TEST

START_TEST(read_only_disk_refuses_writes)
{
    static const uint8_t writes[] = {0x30, 0x31, 0xca, 0xcb};
    rig.store[0][0]->store.read_only = true;
    for (unsigned i = 0; i < ARRAY_COUNT(writes); i++) {
        drive_address(0, 0, 1);
        ck_assert_uint_eq(drive_command(writes[i]), ST_FAILED);
        ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
    }
    pio_read(0x20, 0, 1, 1);
}
END_TEST

START_TEST(no_interrupt_while_nien_is_set)
{
    outb(CTL, IDE_CONTROL_NIEN);
    drive_select(0, 0);
    ck_assert_uint_eq(drive_command(0xe7), ST_READY);
    ck_assert_uint_eq(rig.irq_count[0], 0);
    ck_assert(!(inb(RIG_BM + BM_STATUS) & BM_STATUS_INTERRUPT));
    outb(CTL, 0); /* still pending */
    ck_assert_uint_eq(rig.irq_count[0], 1);
    ck_assert(inb(RIG_BM + BM_STATUS) & BM_STATUS_INTERRUPT);
    inb(CMD + IDE_STATUS);
    ck_assert(!rig.irq[0]);
}
END_TEST

START_TEST(interrupt_belongs_to_the_selected_drive)
{
    rig_plug(0, 1, RIG_SECTORS, NULL);
    rig_settle();
    drive_select(1, 0);
    drive_command(0xe7);
    ck_assert(rig.irq[0]);
    drive_select(0, 0);
    ck_assert(!rig.irq[0]);
    inb(CMD + IDE_STATUS);
    drive_select(1, 0);
    ck_assert(rig.irq[0]);
    inb(CMD + IDE_STATUS);
    ck_assert(!rig.irq[0]);
    /* Both drives diagnose themselves; one interrupts. */
    rig.irq_count[0] = 0;
    drive_select(1, 0);
    ck_assert_uint_eq(drive_command(0x90), ST_READY);
    ck_assert_uint_eq(rig.irq_count[0], 1);
    ck_assert_uint_eq(inb(CMD + IDE_STATUS), ST_READY);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), 1);
    drive_select(1, 0);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), 1);
    ck_assert(!rig.irq[0]);
}
END_TEST

START_TEST(two_drives_are_two_disks)
{
    uint8_t data[512];
    rig_plug(0, 1, RIG_SECTORS, NULL);
    rig_settle();
    for (unsigned unit = 0; unit < 2; unit++) {
        drive_address(unit, 77, 1);
        ck_assert_uint_eq(drive_command(0x20), ST_DATA);
        drive_read_block(data, 512);
        ck_assert_mem_eq(data, rig.store[0][unit]->bytes + 77 * 512, 512);
    }
}
END_TEST

START_TEST(a_busy_drive_does_not_listen)
{
    drive_address(0, 9, 2);
    outb(CMD + IDE_STATUS, 0x20);
    uint64_t before = lint_count();
    outb(CMD + IDE_LBA_LOW, 200);
    outb(CMD + IDE_STATUS, 0xe7);
    ck_assert_uint_eq(lint_count(), before + 2);
    ck_assert_uint_eq(drive_wait(), ST_DATA);
    uint8_t data[512];
    drive_read_block(data, 512);
    ck_assert_mem_eq(data, model(9), 512);
}
END_TEST

START_TEST(unknown_commands_abort)
{
    static const uint8_t codes[] = {0x00, 0x08, 0x22, 0x60, 0xa0, 0xa1, 0xb0, 0xb1, 0xda, 0xf1, 0xf6, 0xff};
    for (unsigned i = 0; i < ARRAY_COUNT(codes); i++) {
        drive_select(0, 0);
        ck_assert_uint_eq(drive_command(codes[i]), ST_FAILED);
        ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
        ck_assert(rig.irq[0]);
        inb(CMD + IDE_STATUS);
    }
}
END_TEST

START_TEST(features_and_power)
{
    static const struct {
        uint8_t feature, count, status;
    } rows[] = {{0x03, 0x22, ST_READY},  {0x03, 0x0c, ST_READY},  {0x03, 0x42, ST_READY},
                {0x03, 0x46, ST_FAILED}, {0x03, 0x23, ST_FAILED}, {0x02, 0, ST_READY},
                {0x82, 0, ST_READY},     {0xaa, 0, ST_READY},     {0x55, 0, ST_READY},
                {0x05, 1, ST_FAILED},    {0x85, 0, ST_FAILED},    {0x42, 0x80, ST_FAILED},
                {0x5d, 0, ST_FAILED},    {0xfe, 0, ST_FAILED}};
    drive_select(0, 0);
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        outb(CMD + IDE_ERROR, rows[i].feature);
        outb(CMD + IDE_COUNT, rows[i].count);
        ck_assert_uint_eq(drive_command(0xef), rows[i].status);
    }
    /* The write cache is off now: writes are flushed. */
    unsigned flushes = rig.store[0][0]->flushes;
    pio_write(0x30, 1, 1, 1, 5);
    ck_assert_uint_eq(rig.store[0][0]->flushes, flushes + 1);
    drive_command(0xe0);
    drive_command(0xe5);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 0);
    pio_read(0x20, 0, 1, 1);
    drive_command(0xe5);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 0xff);
    drive_command(0xe6);
    outb(CMD + IDE_STATUS, 0xe5); /* sleeps */
    ck_assert_uint_eq(inb(CTL), ST_READY);
    drive_soft_reset();
    pio_read(0x20, 0, 1, 1);
    rig.store[0][0]->flush_fails = true;
    ck_assert_uint_eq(drive_command(0xe7), ST_FAILED | ATA_STATUS_DF);
}
END_TEST

START_TEST(wide_and_narrow_accesses)
{
    drive_select(0, 0);
    rig_out(CMD + IDE_COUNT, 2, 0x3412); /* a word is two registers */
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 0x12);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_LOW), 0x34);
    ck_assert_uint_eq(rig_in(CMD + IDE_COUNT, 2), 0x3412);
    drive_command(0xec);
    uint16_t first =
        le16_load(rig.store[0][0]->bytes); /* not what is read: the byte is the word's low half */
    (void)first;
    ck_assert_uint_eq(inb(CMD + IDE_DATA), 0x40);
    ck_assert_uint_eq(inw(CMD + IDE_DATA), 1); /* word 1 */
    for (unsigned i = 2; i < 256; i++) inw(CMD + IDE_DATA);
    ck_assert_uint_eq(inb(CTL), ST_READY);
    ck_assert_uint_eq(inw(CMD + IDE_DATA), 0xffff);
    outw(CMD + IDE_DATA, 1);
}
END_TEST

START_TEST(lesson_37_reset_in_the_middle_of_pio)
{
    uint8_t sector0[512], block[512] = {0};
    memcpy(sector0, model(0), 512);
    for (unsigned at = 0; at < 6; at++) {
        drive_address(0, 50, 4);
        outb(CMD + IDE_STATUS, 0x30);
        if (at > 0) drive_wait();
        if (at > 1) drive_write_block(block, at == 2 ? 200 : 512);
        if (at > 3) drive_wait();
        if (at > 4) drive_write_block(block, 512);
        if (at & 1) {
            drive_soft_reset();
        } else {
            device_reset_all(&rig.devices);
            rig_enable();
            drive_wait();
        }
        rig_settle();
        ck_assert_uint_eq(inb(CTL), ST_READY);
        ck_assert(!rig.irq[0]);
        ck_assert_mem_eq(model(0), sector0, 512);
        pio_read(0x20, 50, 20, 1);
        inb(CMD + IDE_STATUS);
    }
}
END_TEST

START_TEST(state_hash_is_the_same_for_the_same_run)
{
    uint64_t hash[2];
    for (unsigned i = 0; i < 2; i++) {
        if (i) {
            teardown();
            setup();
        }
        pio_read(0x20, 5, 33, 1);
        pio_write(0x30, 5, 3, 1, 9);
        hash[i] = device_hash_all(&rig.devices);
    }
    ck_assert_uint_eq(hash[0], hash[1]);
}
END_TEST

START_TEST(attaching_says_what_is_wrong)
{
    struct error error;
    struct ata_drive_config bad = {.geometry = {100, 17, 63}}, serial = {.serial = "123456789012345678901"};
    struct ata_drive_config model = {.model = "tab\t"}, empty = {0};
    ck_assert(!piix3_ide_attach(rig.ide, 0, 0, rig.block[0][0], NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "ide0-hd0"));
    ck_assert(!piix3_ide_attach(rig.ide, 2, 0, rig.block[0][0], NULL, &error));
    ck_assert(!piix3_ide_attach(rig.ide, 1, 0, rig.block[0][0], &bad, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "100,17,63"));
    ck_assert(!piix3_ide_attach(rig.ide, 1, 0, rig.block[0][0], &serial, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "20 are the most"));
    ck_assert(!piix3_ide_attach(rig.ide, 1, 0, rig.block[0][0], &model, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "printable"));
    ck_assert(!piix3_ide_attach(rig.ide, 1, 0, NULL, &empty, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "without a medium"));
    ck_assert_ptr_null(piix3_ide_geometry(rig.ide, 1, 0));
    ck_assert_uint_eq(piix3_ide_geometry(rig.ide, 0, 0)->heads, 16);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ide");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, configuration_space_is_that_of_a_piix3);
    tcase_add_test(tests, ports_answer_only_when_decoded);
    tcase_add_test(tests, signature_after_reset);
    tcase_add_test(tests, absent_slave_is_answered_by_the_master);
    tcase_add_test(tests, empty_channel_floats);
    tcase_add_test(tests, slave_alone_leaves_the_master_floating);
    tcase_add_test(tests, identify_takes_time_and_interrupts_once);
    tcase_add_test(tests, pio_reads_and_writes_match_the_model);
    tcase_add_test(tests, data_comes_in_series);
    tcase_add_test(tests, lesson_43_multiple_with_remainders);
    tcase_add_test(tests, multiple_needs_its_mode);
    tcase_add_test(tests, cylinders_heads_and_sectors);
    tcase_add_test(tests, addresses_beyond_the_end);
    tcase_add_test(tests, bad_sectors_end_reads_exactly);
    tcase_add_test(tests, read_only_disk_refuses_writes);
    tcase_add_test(tests, no_interrupt_while_nien_is_set);
    tcase_add_test(tests, interrupt_belongs_to_the_selected_drive);
    tcase_add_test(tests, two_drives_are_two_disks);
    tcase_add_test(tests, a_busy_drive_does_not_listen);
    tcase_add_test(tests, unknown_commands_abort);
    tcase_add_test(tests, features_and_power);
    tcase_add_test(tests, wide_and_narrow_accesses);
    tcase_add_test(tests, lesson_37_reset_in_the_middle_of_pio);
    tcase_add_test(tests, state_hash_is_the_same_for_the_same_run);
    tcase_add_test(tests, attaching_says_what_is_wrong);
    return rig_run_suite("ide", tests);
}

/* SPDX-License-Identifier: MIT */
/* Native command queuing by AHCI: many commands at once, their errors, and recovery (AHCI 6.2.2.2). */
#include "tests/unit/ahci_rig.h"

static void teardown(void)
{
    rig_free();
}

static struct command queued(unsigned slot, bool write, uint64_t lba, uint32_t count)
{
    return (struct command){.slot = slot,
                            .tag = slot,
                            .code = write ? CODE_WRITE_QUEUED : CODE_READ_QUEUED,
                            .lba = lba,
                            .count = count,
                            .flags = write ? AHCI_HEADER_WRITE : 0};
}

static uint64_t buffer_of(unsigned slot)
{
    return RIG_DATA + slot * 0x10000;
}

static void prepare(const struct command *c)
{
    unsigned n = 0;
    build(c);
    add_prd(c, &n, buffer_of(c->slot), c->count * 512, 0);
}

static void clear_port(void)
{
    port_set(0, AHCI_PxSERR, 0xffffffff);
    port_set(0, AHCI_PxIS, 0xffffffff);
    hba_set(AHCI_IS, 0xffffffff);
}

static void start_again(void)
{
    port_stop(0);
    clear_port();
    port_start(0);
}

START_TEST(one_command)
{
    rig_one_disk(NULL);
    const struct command c = queued(9, false, 321, 7);
    prepare(&c);
    issue(0, 9, true);
    rig_pass(VTIME_US);
    /* taken: the slot is free for the drive's part, the tag is not */
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 1u << 9);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), TFD_READY);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), 0);
    const uint8_t *setup = fis_area(0) + FIS_AREA_DMA_SETUP;
    ck_assert_uint_eq(setup[0], FIS_DMA_SETUP);
    ck_assert_uint_eq(setup[1], FIS_FLAG_TO_HOST);
    ck_assert_uint_eq(le64_load(setup + 4), 9);
    ck_assert_uint_eq(le32_load(setup + 20), 7 * 512);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_SDBS);
    const uint8_t *bits = fis_area(0) + FIS_AREA_SET_DEVICE_BITS;
    ck_assert_uint_eq(bits[0], FIS_SET_DEVICE_BITS);
    ck_assert_uint_eq(bits[1], FIS_FLAG_INTERRUPT);
    ck_assert_uint_eq(bits[2], TFD_READY);
    ck_assert_uint_eq(le32_load(bits + 4), 1u << 9);
    ck_assert_mem_eq(ram_at(buffer_of(9)), disk_at(0, 321), 7 * 512);
    ck_assert(rig.pin);
}
END_TEST

START_TEST(thirty_two_at_once)
{
    uint32_t finished = 0, order = 0;
    rig_one_disk(NULL);
    for (unsigned slot = 0; slot < 32; slot++) {
        const struct command c = queued(slot, slot & 1, slot * 100, 8 + slot);
        prepare(&c);
        if (slot & 1) memset(ram_at(buffer_of(slot)), (int)slot, c.count * 512);
    }
    port_set(0, AHCI_PxSACT, 0xffffffff);
    port_set(0, AHCI_PxCI, 0xffffffff);
    rig_pass(VTIME_US);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0xffffffff);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 32); /* all their mappings are held at once */
    for (unsigned i = 0; i < 100000 && port_get(0, AHCI_PxSACT); i++) {
        rig_pass(VTIME_US);
        uint32_t now = ~port_get(0, AHCI_PxSACT) & ~finished;
        finished |= now;
        order += now != 0;
    }
    ck_assert_uint_eq(finished, 0xffffffff);
    ck_assert_uint_eq(order, 32); /* each by a FIS of its own */
    for (unsigned slot = 0; slot < 32; slot++)
        ck_assert_mem_eq(ram_at(buffer_of(slot)), disk_at(0, slot * 100), (8 + slot) * 512);
    ck_assert_uint_eq(block_stats(rig.block[0])->reads + block_stats(rig.block[0])->writes, 32);
}
END_TEST

/* Random commands, many at once on two ports, each sector in one of them only; disk and memory agree in the end. */
static void random_load(const struct dma_settings *settings)
{
    uint32_t seed = 5;
    rig_new(settings, NULL);
    rig_plug(0, NULL);
    rig_plug(1, NULL);
    rig_start_ports(3);
    for (unsigned round = 0; round < 8; round++) {
        struct command all[2][32];
        for (unsigned port = 0; port < 2; port++) {
            uint32_t issue_now = 0;
            for (unsigned slot = 0; slot < 32; slot++) {
                struct command *c = &all[port][slot];
                uint32_t count = 1 + rig_random(&seed) % 24, left = count * 512;
                uint64_t at = RIG_DATA + (port * 32 + slot) * 0x10000;
                unsigned n = 0;
                *c = queued(slot, rig_random(&seed) & 1, slot * 150 + rig_random(&seed) % 100, count);
                c->port = port;
                build(c);
                for (uint64_t k = 0; k < left; k++) *ram_at(at + k) = (uint8_t)rig_random(&seed);
                while (left) {
                    uint32_t take = 2 + rig_random(&seed) % 5000 / 2 * 2;
                    if (take > left || n == 50) take = left;
                    add_prd(c, &n, at, take, 0);
                    at += take;
                    left -= take;
                }
                issue_now |= 1u << slot;
            }
            port_set(port, AHCI_PxSACT, issue_now);
            port_set(port, AHCI_PxCI, issue_now);
        }
        rig_settle();
        for (unsigned port = 0; port < 2; port++) {
            ck_assert_uint_eq(port_get(port, AHCI_PxSACT) | port_get(port, AHCI_PxCI), 0);
            for (unsigned slot = 0; slot < 32; slot++)
                ck_assert_mem_eq(ram_at(RIG_DATA + (port * 32 + slot) * 0x10000),
                                 disk_at(port, all[port][slot].lba), all[port][slot].count * 512);
        }
    }
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
}

START_TEST(random_load_direct)
{
    random_load(NULL);
}
END_TEST

START_TEST(lesson_08_many_commands_and_little_bounce)
{
    random_load(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 4096});
    ck_assert_uint_gt(dma_stats(rig.dma)->waits, 100);
    ck_assert_uint_le(dma_stats(rig.dma)->bounce_bytes_most, 4096);
}
END_TEST

START_TEST(random_load_through_one_sector)
{
    random_load(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 512});
}
END_TEST

START_TEST(random_load_faulty)
{
    random_load(&(struct dma_settings){.mode = DMA_MODE_FAULTY, .max_bounce = 2048, .seed = 3});
}
END_TEST

/* ---- flushing ---- */

START_TEST(forced_unit_access_waits_for_the_flush)
{
    rig_one_disk(NULL);
    struct command c = queued(2, true, 10, 2);
    prepare(&c);
    issue(0, 2, true);
    rig_settle();
    ck_assert_uint_eq(rig.disk[0]->flushes, 0);
    c.device = 0xc0; /* FUA */
    prepare(&c);
    issue(0, 2, true);
    rig_settle();
    ck_assert_uint_eq(rig.disk[0]->flushes, 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0);
    clear_port();
    rig.disk[0]->flush_fails = true;
    issue(0, 2, true);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 4);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_TFES, AHCI_IS_TFES);
}
END_TEST

/* ---- errors ---- */

static void read_log(void)
{
    const struct command log = {.code = CODE_READ_LOG, .lba = 0x10, .count = 1};
    execute(&log, RIG_DATA, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), TFD_READY);
    clear_port();
}

static void expect_works_again(void)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        const struct command c = queued(slot, false, slot * 10, 1);
        prepare(&c);
    }
    port_set(0, AHCI_PxSACT, 0xffffffff);
    port_set(0, AHCI_PxCI, 0xffffffff);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT) | port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_SDBS);
    for (unsigned slot = 0; slot < 32; slot++)
        ck_assert_mem_eq(ram_at(buffer_of(slot)), disk_at(0, slot * 10), 512);
}

START_TEST(a_bad_sector_aborts_all_others)
{
    rig_one_disk(NULL);
    rig.disk[0]->bad = 1003;
    for (unsigned slot = 0; slot < 8; slot++) {
        const struct command c = queued(slot, slot == 5, slot == 3 ? 1000 : slot * 50, 8);
        prepare(&c);
    }
    port_set(0, AHCI_PxSACT, 0xff);
    port_set(0, AHCI_PxCI, 0xff);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_SDBS | AHCI_IS_TFES);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0xf8); /* 0 to 2 were done before */
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), ATA_ERROR_UNC << 8 | TFD_READY | ATA_STATUS_ERR);
    ck_assert_uint_eq(le32_load(fis_area(0) + FIS_AREA_SET_DEVICE_BITS + 4), 0);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);

    start_again();
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0);
    read_log();
    const uint8_t *page = ram_at(RIG_DATA);
    ck_assert_uint_eq(page[0], 3); /* tag, NQ 0 */
    ck_assert_uint_eq(page[2], TFD_READY | ATA_STATUS_ERR);
    ck_assert_uint_eq(page[3], ATA_ERROR_UNC);
    ck_assert_uint_eq(le32_load(page + 4) & 0xffffff, 1003);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++) sum += page[i];
    ck_assert_uint_eq(sum, 0);
    rig.disk[0]->bad = -1;
    expect_works_again();
}
END_TEST

START_TEST(a_halted_drive_takes_nothing_but_its_log)
{
    rig_one_disk(NULL);
    const struct command bad = queued(1, false, RIG_SECTORS - 1, 2), good = queued(2, false, 0, 1);
    prepare(&bad);
    issue(0, 1, true);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_TFES, AHCI_IS_TFES);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), ATA_ERROR_IDNF << 8 | TFD_READY | ATA_STATUS_ERR);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 2);
    start_again();
    prepare(&good);
    issue(0, 2, true);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) >> 8, ATA_ERROR_ABRT);
    start_again();
    read_log();
    expect_works_again();
}
END_TEST

START_TEST(mixing_is_an_error_of_all)
{
    uint64_t before;
    rig_one_disk(NULL);
    const struct command first = queued(0, false, 0, 60), flush = {.slot = 1, .code = CODE_FLUSH};
    prepare(&first);
    build(&flush);
    issue(0, 0, true);
    rig_pass(VTIME_US);
    before = lint_count();
    issue(0, 1, false);
    rig_settle();
    ck_assert_uint_eq(lint_count() - before, 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_TFES, AHCI_IS_TFES);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 2);
    ck_assert_uint_eq(rig.disk[0]->flushes, 0);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    start_again();
    read_log();
    ck_assert_uint_eq(*ram_at(RIG_DATA) & 0x80, 0x80); /* NQ */
    expect_works_again();
}
END_TEST

START_TEST(a_tag_in_use_is_an_error_of_all)
{
    rig_one_disk(NULL);
    const struct command c = queued(4, false, 0, 60);
    prepare(&c);
    issue(0, 4, true);
    rig_pass(VTIME_US);
    issue(0, 4, true);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_TFES, AHCI_IS_TFES);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    start_again();
    read_log();
    expect_works_again();
}
END_TEST

START_TEST(tags_and_slots_that_differ_are_linted)
{
    rig_one_disk(NULL);
    struct command c = queued(6, false, 30, 1);
    c.tag = 11;
    uint64_t before = lint_count();
    prepare(&c);
    port_set(0, AHCI_PxCI, 1u << 6);
    rig_settle();
    ck_assert_uint_eq(lint_count() - before, 2); /* the tag, and its bit in PxSACT */
    ck_assert_mem_eq(ram_at(buffer_of(6)), disk_at(0, 30), 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    before = lint_count();
    issue(0, 6, true);
    execute(&(struct command){.slot = 12, .code = CODE_FLUSH}, 0, 0);
    ck_assert_uint_gt(lint_count(), before);
}
END_TEST

/* The driver had its slot freed at once (C in the header) and goes on, while the drive still reads. */
START_TEST(a_queued_command_for_a_busy_drive_is_lost)
{
    rig_one_disk(NULL);
    const struct command read = {.code = CODE_READ_SECTORS, .count = 1, .flags = AHCI_HEADER_CLEAR_BUSY};
    submit(&read, RIG_DATA, 512);
    rig_pass(ATA_COMMAND_TIME);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert(block_request_busy(&rig.ahci->port[0].drive.request));
    const struct command c = queued(1, false, 30, 1);
    uint64_t before = lint_count();
    build(&c);
    issue(0, 1, true);
    rig_pass(0);
    ck_assert_uint_eq(lint_count() - before, 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) & ATA_STATUS_BSY, ATA_STATUS_BSY);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 2);
    const struct command again = {.slot = 2, .code = CODE_READ_SECTORS, .count = 1};
    submit(&again, RIG_DATA, 512);
    rig_settle();
    start_again();
    port_set(0, AHCI_PxSCTL, 1);
    port_set(0, AHCI_PxSCTL, 0);
    rig_settle();
    start_again();
    expect_works_again();
}
END_TEST

START_TEST(overflow_of_queued_commands)
{
    rig_one_disk(NULL);
    unsigned n = 0;
    const struct command in = queued(0, false, 40, 4), out = queued(1, true, 80, 4);
    build(&in);
    add_prd(&in, &n, RIG_DATA, 1024, 0);
    issue(0, 0, true);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_SDBS | AHCI_IS_OFS);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 0);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 40), 1024);
    clear_port();
    n = 0;
    build(&out);
    add_prd(&out, &n, RIG_DATA, 1024, 0);
    issue(0, 1, true);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_OFS);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 2);
}
END_TEST

START_TEST(bad_address_of_a_queued_command)
{
    rig_one_disk(NULL);
    unsigned n = 0;
    const struct command good = queued(0, false, 0, 60), bad = queued(1, false, 0, 1);
    prepare(&good);
    build(&bad);
    add_prd(&bad, &n, RIG_NOWHERE, 512, 0);
    port_set(0, AHCI_PxSACT, 3);
    port_set(0, AHCI_PxCI, 3);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_HBFS);
    ck_assert_uint_eq(port_get(0, AHCI_PxSACT), 3);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    start_again();
    expect_works_again();
}
END_TEST

START_TEST(lesson_18_resets_leave_no_mapping)
{
    for (unsigned way = 0; way < 5; way++) {
        rig_one_disk(NULL);
        for (unsigned slot = 0; slot < 32; slot++) {
            const struct command c = queued(slot, slot & 1, slot * 100, 32);
            prepare(&c);
        }
        port_set(0, AHCI_PxSACT, 0xffffffff);
        port_set(0, AHCI_PxCI, 0xffffffff);
        rig_pass(20 * VTIME_US);
        ck_assert_uint_gt(dma_stats(rig.dma)->live, 10);
        switch (way) {
        case 0: hba_set(AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_RESET); break;
        case 1: port_set(0, AHCI_PxSCTL, 1); break;
        case 2: port_stop(0); break;
        case 3: ahci_detach(rig.ahci, 0); break;
        case 4: device_reset_all(&rig.devices); break;
        }
        ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
        uint8_t before[512];
        memcpy(before, ram_at(buffer_of(30)), 512);
        rig_settle();
        ck_assert_mem_eq(ram_at(buffer_of(30)), before, 512);
        if (way < 4) rig_free();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_command,
        thirty_two_at_once,
        random_load_direct,
        lesson_08_many_commands_and_little_bounce,
        random_load_through_one_sector,
        random_load_faulty,
        forced_unit_access_waits_for_the_flush,
        a_bad_sector_aborts_all_others,
        a_halted_drive_takes_nothing_but_its_log,
        mixing_is_an_error_of_all,
        a_tag_in_use_is_an_error_of_all,
        tags_and_slots_that_differ_are_linted,
        a_queued_command_for_a_busy_drive_is_lost,
        overflow_of_queued_commands,
        bad_address_of_a_queued_command,
        lesson_18_resets_leave_no_mapping,
    };
    TCase *tcase = tcase_create("ahci_queued");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return rig_run_suite("ahci_queued", tcase);
}

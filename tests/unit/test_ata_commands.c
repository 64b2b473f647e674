/* SPDX-License-Identifier: MIT */
/* SMART, logs, TRIM, and what queued commands ask of the drive; without a cable. */
#include "tests/unit/ide_rig.h"

static struct clock test_clock;
static struct mem_guard guard = {"ata", 0};
static struct ata_state state;
static struct ata_drive drive;
static struct rig_disk *store;
static struct block *block;
static unsigned ended, reset_done;

static void on_interrupt(void *owner, struct ata_drive *which)
{
    (void)owner, (void)which;
}
static void on_ended(void *owner, struct ata_drive *which)
{
    (void)owner;
    ck_assert_uint_eq(which->state->phase, ATA_IDLE);
    ended++;
}
static void on_reset_done(void *owner, struct ata_drive *which)
{
    (void)owner;
    ck_assert_uint_eq(which->state->regs.error, ATA_DIAGNOSTIC_PASSED);
    reset_done++;
}
static const struct ata_host_ops serial = {.interrupt = on_interrupt,
                                           .dma_ready = on_interrupt,
                                           .ended = on_ended,
                                           .reset_done = on_reset_done,
                                           .serial = true,
                                           .queue_depth = 32};

static void run(void)
{
    while (clock_deadline(&test_clock) != VTIME_NEVER) {
        clock_jump(&test_clock, clock_deadline(&test_clock));
        clock_fire_due(&test_clock);
    }
}

static void setup(void)
{
    struct error error;
    lint_quiet(true);
    memset(&state, 0, sizeof state);
    clock_init(&test_clock, 0);
    reset_done = 0;
    ata_init(&drive, &state, "disk", &test_clock, &guard, &serial, NULL);
    store = rig_disk_new(RIG_SECTORS, 1);
    block = block_new("disk", &store->store, &test_clock);
    ck_assert(ata_attach(&drive, block, NULL, &error));
    run();
    ck_assert_uint_eq(reset_done, 1);
}
static void teardown(void)
{
    ck_assert_uint_eq(guard.depth, 0);
    ata_destroy(&drive);
    block_free(block);
}

/* As a Register FIS brings it. Status when the command is over, or wants data. */
static uint8_t command(struct ata_taskfile regs)
{
    ended = 0;
    ata_load_taskfile(&drive, &regs);
    ata_command(&drive, regs.command);
    run();
    ck_assert_uint_eq(ended, state.phase == ATA_IDLE);
    return state.regs.status;
}
static void smart_regs(struct ata_taskfile *regs, uint8_t feature)
{
    *regs = (struct ata_taskfile){
        .command = 0xb0, .features = feature, .lba_mid = 0x4f, .lba_high = 0xc2, .count = 1};
}
static uint8_t smart(uint8_t feature, uint8_t lba_low)
{
    struct ata_taskfile regs;
    smart_regs(&regs, feature);
    regs.lba_low = lba_low;
    return command(regs);
}

/* Takes the one sector that is offered, all at once. */
static void take(uint8_t *data)
{
    uint32_t bytes;
    ck_assert_uint_eq(state.phase, ATA_PIO_IN);
    memcpy(data, ata_block_data(&drive, &bytes), 512);
    ck_assert_uint_eq(bytes, 512);
    ata_block_moved(&drive, 512);
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(state.regs.status, ST_READY);
}
static void check_sum(const uint8_t *data)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ck_assert_uint_eq(sum, 0);
}

START_TEST(serial_words)
{
    uint8_t data[512];
    ata_identify(&drive, data);
    ck_assert_uint_eq(le16_load(data + 2 * 75), 31);
    ck_assert_uint_eq(le16_load(data + 2 * 76), 0x0106);
    ck_assert_uint_eq(le16_load(data + 2 * 93), 0);
    ck_assert_uint_eq(le16_load(data + 2 * 222) >> 12, 1);
}
END_TEST

START_TEST(smart_data)
{
    uint8_t data[512], limits[512];
    clock_jump(&test_clock, 5 * 3600 * VTIME_S);
    ck_assert_uint_eq(smart(0xd0, 0), ST_DATA);
    take(data);
    check_sum(data);
    ck_assert_uint_eq(le16_load(data), 0x10);
    ck_assert_uint_eq(smart(0xd1, 0), ST_DATA);
    take(limits);
    check_sum(limits);
    bool hours = false;
    for (unsigned at = 2; data[at]; at += 12) {
        ck_assert_uint_eq(data[at], limits[at]);
        ck_assert_uint_gt(data[at + 3], limits[at + 1]); /* better than its threshold */
        if (data[at] == 9) hours = le16_load(data + at + 5) == 5;
    }
    ck_assert(hours);
    ck_assert_uint_eq(smart(0xda, 0), ST_READY);
    ck_assert_uint_eq(state.regs.lba_mid, 0x4f);
    ck_assert_uint_eq(state.regs.lba_high, 0xc2);
}
END_TEST

START_TEST(smart_is_switched_and_needs_its_key)
{
    uint8_t data[512];
    struct ata_taskfile regs;
    ck_assert_uint_eq(smart(0xd9, 0), ST_READY);
    ata_identify(&drive, data);
    ck_assert_uint_eq(le16_load(data + 2 * 82) & 1, 1);
    ck_assert_uint_eq(le16_load(data + 2 * 85) & 1, 0);
    ck_assert_uint_eq(smart(0xd0, 0), ST_FAILED);
    ck_assert_uint_eq(smart(0xda, 0), ST_FAILED);
    ata_reset(&drive); /* it stays as it is across power cycles */
    clock_jump(&test_clock, clock_now(&test_clock) + ATA_RESET_TIME);
    clock_fire_due(&test_clock);
    ck_assert_uint_eq(smart(0xda, 0), ST_FAILED);
    ck_assert_uint_eq(smart(0xd8, 0), ST_READY);
    ck_assert_uint_eq(smart(0xda, 0), ST_READY);
    smart_regs(&regs, 0xd0);
    regs.lba_mid = 0;
    ck_assert_uint_eq(command(regs), ST_FAILED);
    ck_assert_uint_eq(smart(0xd6, 0x80), ST_FAILED);
    ck_assert_uint_eq(smart(0xdb, 0), ST_FAILED);
    smart_regs(&regs, 0xd2);
    regs.count = 0xf1;
    ck_assert_uint_eq(command(regs), ST_READY);
    regs.count = 0x02;
    ck_assert_uint_eq(command(regs), ST_FAILED);
}
END_TEST

START_TEST(self_tests)
{
    uint8_t data[512];
    ck_assert_uint_eq(smart(0xd4, 1), ST_READY);
    ck_assert_uint_eq(smart(0xd4, 0x82), ST_READY);
    store->bad = 3;
    ck_assert_uint_eq(smart(0xd4, 2), ST_READY); /* off line: the log will tell */
    ck_assert_uint_eq(smart(0xd4, 0x81), ST_FAILED);
    ck_assert_uint_eq(state.regs.lba_mid, 0xf4);
    ck_assert_uint_eq(state.regs.lba_high, 0x2c);
    ck_assert_uint_eq(smart(0xd4, 0x40), ST_FAILED);
    ck_assert_uint_eq(smart(0xd5, 6), ST_DATA);
    take(data);
    check_sum(data);
    static const uint8_t kinds[] = {1, 0x82, 2, 0x81}, results[] = {0, 0, 0x70, 0x70};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(data[2 + 24 * i], kinds[i]);
        ck_assert_uint_eq(data[3 + 24 * i], results[i]);
    }
    ck_assert_uint_eq(data[508], 4);
    for (unsigned i = 0; i < 40; i++) smart(0xd4, 1);
    ck_assert_uint_eq(state.smart.tests, SMART_TESTS);
    ck_assert_uint_eq(state.smart.newest, 43 % SMART_TESTS);
    ck_assert_uint_eq(smart(0xd5, 0), ST_DATA);
    take(data);
    ck_assert_uint_eq(data[2 * 1] | data[2 * 6] << 8, 0x101);
    ck_assert_uint_eq(smart(0xd5, 1), ST_DATA);
    take(data);
    check_sum(data);
    ck_assert_uint_eq(smart(0xd5, 0x80), ST_FAILED);
}
END_TEST

/* TRIM. */

static void range(uint8_t *at, uint64_t lba, uint16_t sectors)
{
    le64_store(at, lba | (uint64_t)sectors << 48);
}
/* Sends the list as a transport does, in two goes. */
static uint8_t trim(const uint8_t *list, uint8_t blocks)
{
    ck_assert_uint_eq(
        command((struct ata_taskfile){.command = 0x06, .features = 1, .count = blocks, .device = 0x40}),
        ST_DATA);
    struct ata_part part = ata_dma_part(&drive);
    ck_assert(part.buffer && !part.to_host);
    ck_assert_uint_eq(part.bytes, blocks * 512);
    memcpy(part.buffer, list, 100);
    ata_dma_moved(&drive, 100, false);
    ck_assert_uint_eq(state.phase, ATA_DMA);
    part = ata_dma_part(&drive);
    ck_assert_uint_eq(part.bytes, blocks * 512 - 100);
    memcpy(part.buffer, list + 100, part.bytes);
    ata_dma_moved(&drive, part.bytes, false);
    run();
    return state.regs.status;
}

START_TEST(trim_discards_what_is_listed)
{
    static uint8_t list[1024], expected[RIG_SECTORS * 512];
    memcpy(expected, store->bytes, sizeof expected);
    memset(list, 0, sizeof list);
    range(list + 8, 3, 5); /* the first entry is empty */
    range(list + 80, 1000, 200);
    range(list + 600, 10, 1);
    memset(expected + 3 * 512, 0, 5 * 512);
    memset(expected + 1000 * 512, 0, 200 * 512);
    memset(expected + 10 * 512, 0, 512);
    ck_assert_uint_eq(trim(list, 2), ST_READY);
    ck_assert_mem_eq(store->bytes, expected, sizeof expected);

    range(list + 1000, RIG_SECTORS - 1, 2); /* beyond the end: nothing at all is done */
    range(list + 16, 100, 5);
    ck_assert_uint_eq(trim(list, 2), ST_FAILED);
    ck_assert_uint_eq(state.regs.error, ATA_ERROR_IDNF);
    ck_assert_mem_eq(store->bytes, expected, sizeof expected);

    struct ata_taskfile regs = {.command = 0x06, .features = 1, .count = 0, .device = 0x40};
    ck_assert_uint_eq(command(regs), ST_FAILED);
    regs.count = 17;
    ck_assert_uint_eq(command(regs), ST_FAILED);
    regs.count = 1;
    regs.features = 2;
    ck_assert_uint_eq(command(regs), ST_FAILED);
}
END_TEST

START_TEST(trim_is_saved_in_the_middle)
{
    static uint8_t list[512];
    memset(list, 0, sizeof list);
    for (unsigned i = 0; i < 40; i++) range(list + 8 * i, i * 7, 3);
    for (vtime span = 0; span < 400 * VTIME_US; span += 3 * VTIME_US) {
        memset(store->bytes, 0xff, RIG_SECTORS * 512);
        ck_assert_uint_eq(
            command((struct ata_taskfile){.command = 0x06, .features = 1, .count = 1, .device = 0x40}),
            ST_DATA);
        memcpy(ata_dma_part(&drive).buffer, list, 512);
        ata_dma_moved(&drive, 512, false);
        vtime end = clock_now(&test_clock) + span;
        while (clock_deadline(&test_clock) <= end) {
            clock_jump(&test_clock, clock_deadline(&test_clock));
            clock_fire_due(&test_clock);
        }
        struct state_buffer saved = {0};
        struct error error = {""};
        struct ata_state kept = state;
        ata_save_request(&drive, &saved);
        clock_save(&test_clock, &saved);
        ata_reset(&drive);
        run();
        state = kept;
        ata_loaded(&drive);
        state = kept;
        ck_assert_msg(ata_load_request(&drive, &saved, &error), "%s", error.text);
        ck_assert_msg(clock_load(&test_clock, &saved, &error), "%s", error.text);
        run();
        ck_assert_uint_eq(state.regs.status, ST_READY);
        for (unsigned i = 0; i < 280; i++) ck_assert_uint_eq(store->bytes[i * 512], i % 7 < 3 ? 0 : 0xff);
        state_buffer_free(&saved);
    }
}
END_TEST

/* Queued commands. */

static struct ata_taskfile queued_regs(bool write, uint8_t tag, uint64_t lba, uint16_t sectors)
{
    return (struct ata_taskfile){.command = write ? 0x61 : 0x60,
                                 .features = (uint8_t)sectors,
                                 .features_previous = (uint8_t)(sectors >> 8),
                                 .count = (uint8_t)(tag << 3),
                                 .lba_low = (uint8_t)lba,
                                 .lba_mid = (uint8_t)(lba >> 8),
                                 .lba_high = (uint8_t)(lba >> 16),
                                 .lba_low_previous = (uint8_t)(lba >> 24),
                                 .device = 0x40};
}

START_TEST(queued_commands_are_checked)
{
    struct ata_queued queued;
    struct ata_taskfile regs = queued_regs(false, 31, 1000, 200);
    ck_assert(ata_queued_check(&drive, &regs, &queued));
    ck_assert(!queued.write && !queued.flush);
    ck_assert_uint_eq(state.regs.status, ST_READY);
    ck_assert_uint_eq(queued.tag, 31);
    ck_assert_uint_eq(queued.offset, 1000 * 512);
    ck_assert_uint_eq(queued.bytes, 200 * 512);
    regs = queued_regs(true, 3, 0, 1200);
    regs.device |= 0x80; /* FUA */
    ck_assert(ata_queued_check(&drive, &regs, &queued));
    ck_assert(queued.write && queued.flush);
    ck_assert_uint_eq(queued.bytes, 1200 * 512);
    ck_assert(!ata_queue_halted(&drive));

    regs = queued_regs(false, 2, 1000, 201);
    ck_assert(!ata_queued_check(&drive, &regs, &queued));
    ck_assert_uint_eq(state.regs.error, ATA_ERROR_IDNF);
    ck_assert_uint_eq(state.regs.status, ST_FAILED);
    ck_assert(ata_queue_halted(&drive));
    regs = queued_regs(false, 4, 0, 1);
    ck_assert(!ata_queued_check(&drive, &regs, &queued)); /* until the log was read */
    ck_assert_uint_eq(state.regs.error, ATA_ERROR_ABRT);
}
END_TEST

static uint8_t read_log(uint8_t code, uint8_t log)
{
    return command((struct ata_taskfile){.command = code, .count = 1, .lba_low = log, .device = 0x40});
}

START_TEST(the_log_tells_of_the_command_that_failed)
{
    uint8_t data[512];
    struct ata_queued queued;
    struct ata_taskfile regs = queued_regs(false, 17, 0x123, 9);
    ck_assert(ata_queued_check(&drive, &regs, &queued));
    ata_queued_failed(&drive, &queued, 5 * 512);
    ck_assert_uint_eq(state.regs.status, ST_FAILED);
    ck_assert_uint_eq(command((struct ata_taskfile){.command = 0xec}), ST_FAILED); /* halted */
    ck_assert_uint_eq(read_log(0x2f, 0), ST_FAILED);
    ck_assert_uint_eq(read_log(0x2f, 0x10), ST_DATA);
    take(data);
    check_sum(data);
    static const uint8_t expected[14] = {17, 0, ST_FAILED, ATA_ERROR_UNC, 0x28, 0x01, 0, 0x40, 0,
                                         0,  0, 0,         17 << 3,       0};
    ck_assert_mem_eq(data, expected, sizeof expected);
    ck_assert(!ata_queue_halted(&drive));
    ck_assert_uint_eq(command((struct ata_taskfile){.command = 0xec}), ST_DATA);
    take(data);

    regs = queued_regs(true, 1, 8, 8); /* a write; the log by DMA */
    ck_assert(ata_queued_check(&drive, &regs, &queued));
    ata_queued_failed(&drive, &queued, 0);
    ck_assert_uint_eq(state.regs.status, ST_FAILED | ATA_STATUS_DF);
    ck_assert_uint_eq(read_log(0x47, 0x10), ST_DATA);
    struct ata_part part = ata_dma_part(&drive);
    ck_assert(part.to_host);
    ck_assert_uint_eq(part.bytes, 512);
    ck_assert_uint_eq(part.buffer[0], 1);
    ck_assert_uint_eq(part.buffer[3], ATA_ERROR_ABRT);
    ata_dma_moved(&drive, 512, false);
    ck_assert_uint_eq(state.regs.status, ST_READY);

    regs = (struct ata_taskfile){.command = 0xe7};
    ata_queued_mixed(&drive, &regs);
    ck_assert_uint_eq(read_log(0x2f, 0x10), ST_DATA);
    take(data);
    ck_assert_uint_eq(data[0], 0x80);
    ata_queued_mixed(&drive, &regs);
    ata_reset(&drive); /* which ends it, too */
    run();
    ck_assert(!ata_queue_halted(&drive));
}
END_TEST

START_TEST(a_flush_as_the_first_command_is_saved)
{
    struct state_buffer saved = {0};
    struct error error = {""};
    ata_command(&drive, 0xea);
    clock_jump(&test_clock, clock_deadline(&test_clock));
    clock_fire_due(&test_clock);
    ck_assert_uint_eq(state.phase, ATA_FLUSHING);
    struct ata_state kept = state;
    ata_save_request(&drive, &saved);
    clock_save(&test_clock, &saved);
    ata_reset(&drive);
    run();
    state = kept;
    ck_assert_msg(ata_load_request(&drive, &saved, &error), "%s", error.text);
    ck_assert_msg(clock_load(&test_clock, &saved, &error), "%s", error.text);
    ended = 0;
    run();
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(state.regs.status, ST_READY);
    state_buffer_free(&saved);
}
END_TEST

START_TEST(log_directory)
{
    uint8_t data[512];
    ck_assert_uint_eq(read_log(0x2f, 0), ST_DATA);
    take(data);
    ck_assert_uint_eq(le16_load(data), 1);
    for (unsigned log = 1; log < 256; log++) {
        ck_assert_uint_eq(le16_load(data + 2 * log), log == 0x10);
        if (log != 0x10) ck_assert_uint_eq(read_log(0x2f, (uint8_t)log), ST_FAILED);
    }
    ck_assert_uint_eq(command((struct ata_taskfile){.command = 0x2f, .count = 2}), ST_FAILED);
    ck_assert_uint_eq(command((struct ata_taskfile){.command = 0x2f, .count = 1, .lba_mid = 1}), ST_FAILED);
}
END_TEST

START_TEST(a_drive_is_taken_away)
{
    ck_assert_uint_eq(command((struct ata_taskfile){.command = 0x25, .count = 4, .device = 0x40}), ST_DATA);
    ata_detach(&drive);
    run();
    ck_assert(!ata_present(&drive));
    ck_assert_uint_eq(state.regs.status, 0);
    ata_command(&drive, 0xec);
    run();
    ck_assert_uint_eq(state.regs.status, 0);
    struct error error;
    ck_assert(ata_attach(&drive, block, NULL, &error));
    run();
    ck_assert_uint_eq(reset_done, 2);
    ck_assert_uint_eq(state.regs.status, ST_READY);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ata_commands");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, serial_words);
    tcase_add_test(tests, smart_data);
    tcase_add_test(tests, smart_is_switched_and_needs_its_key);
    tcase_add_test(tests, self_tests);
    tcase_add_test(tests, trim_discards_what_is_listed);
    tcase_add_test(tests, trim_is_saved_in_the_middle);
    tcase_add_test(tests, queued_commands_are_checked);
    tcase_add_test(tests, the_log_tells_of_the_command_that_failed);
    tcase_add_test(tests, a_flush_as_the_first_command_is_saved);
    tcase_add_test(tests, log_directory);
    tcase_add_test(tests, a_drive_is_taken_away);
    return rig_run_suite("ata_commands", tests);
}

/* SPDX-License-Identifier: MIT */
/* From options to a disk: names and values, what the paths mean, how layers come together, changing the medium. */
#include <errno.h>

#include "block/drive.h"
#include "block/store.h"
#include "block_helper.h"
#include "emu/core/bits.h"

static char directory[64], path[128];
static struct clock machine_clock;
static struct drive_options options;
static struct error error;
static uint8_t image[64 * 512];

static void setup(void)
{
    uint64_t seed = 5;

    clock_init(&machine_clock, 0);
    make_directory(directory);
    snprintf(path, sizeof(path), "%s/disk.img", directory);
    setenv("TMPDIR", directory, 1);
    fill_random(&seed, image, sizeof(image));
    write_image(path, image, sizeof(image));
    drive_options_init(&options);
    error.text[0] = 0;
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void set(const char *name, const char *value)
{
    ck_assert_msg(drive_option_set(&options, name, value, &error), "%s=%s: %s", name, value, error.text);
}

static struct block *open_drive(void)
{
    struct block *disk = drive_open(&options, "hda", &machine_clock, &error);
    ck_assert_msg(disk != NULL, "%s", error.text);
    return disk;
}

static void expect_sector(struct block *disk, unsigned sector, const uint8_t *wanted)
{
    uint8_t bytes[512];
    ck_assert_int_eq(block_read_now(disk, (uint64_t)sector * 512, bytes, 512), 0);
    ck_assert_mem_eq(bytes, wanted, 512);
}

START_TEST(every_option_takes_its_values)
{
    static const char *const good[][2] = {
        {"file", "x.img"},          {"filename", "x.img"},     {"format", "raw"},
        {"driver", "raw"},          {"readonly", "on"},        {"read-only", "off"},
        {"snapshot", "on"},         {"cache", "writeback"},    {"cache", "none"},
        {"cache", "unsafe"},        {"cache", "writethrough"}, {"cache", "directsync"},
        {"aio", "threads"},         {"aio", "native"},         {"aio", "io_uring"},
        {"discard", "ignore"},      {"discard", "unmap"},      {"rerror", "stop"},
        {"rerror", "ignore"},       {"werror", "enospc"},      {"werror", "stop"},
        {"latency", "hdd"},         {"latency", "none"},       {"latency.fixed", "0ns"},
        {"latency.flush", "8ms"},   {"latency.seek", "15ms"},  {"latency.rate", "150K"},
        {"fault", "read:sector=7"}, {"volatile-cache", "on"},  {"volatile-cache", "12345"},
        {"volatile-cache", "off"}};
    static const char *const bad[][2] = {{"file", ""},
                                         {"format", "qcow2"},
                                         {"readonly", "maybe"},
                                         {"snapshot", ""},
                                         {"cache", "fast"},
                                         {"aio", "magic"},
                                         {"discard", "7"},
                                         {"rerror", "enospc"},
                                         {"werror", "hope"},
                                         {"latency", "slow"},
                                         {"latency.fixed", "8"},
                                         {"latency.flush", "2h"},
                                         {"latency.seek", "-1ms"},
                                         {"latency.rate", "1"},
                                         {"fault", "reed"},
                                         {"volatile-cache", "perhaps"},
                                         {"colour", "red"},
                                         {"", "x"}};
    unsigned named = 0;

    for (unsigned i = 0; i < ARRAY_COUNT(good); i++) set(good[i][0], good[i][1]);
    ck_assert(options.on_read_error == BLOCK_IGNORE && options.on_write_error == BLOCK_STOP);
    ck_assert(options.latency.seek == 15 * VTIME_MS && options.latency.bytes_per_ms == 153);
    ck_assert(options.cache == DRIVE_DIRECTSYNC && options.uring && !options.no_discard);
    ck_assert(options.volatile_seed == 12345 && !options.volatile_cache && options.snapshot_said);
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        error.text[0] = 0;
        ck_assert_msg(!drive_option_set(&options, bad[i][0], bad[i][1], &error), "%s=%s", bad[i][0],
                      bad[i][1]);
        ck_assert_uint_ne(strlen(error.text), 0);
        ck_assert_ptr_null(strchr(error.text, '\n'));
    }
    while (drive_option_name(named)) named++;
    ck_assert_uint_eq(named, 20);
    ck_assert(!drive_option_set(&options, "cash", "none", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "did you mean cache?"));
}
END_TEST

START_TEST(no_more_faults_than_there_is_room_for)
{
    for (unsigned i = 0; i < FAULTS_MOST; i++) set("fault", "any:delay=1us");
    ck_assert(!drive_option_set(&options, "fault", "any", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "at most"));
}
END_TEST

START_TEST(file_and_memory_by_their_paths)
{
    char named[200];

    set("file", path);
    struct block *disk = open_drive();
    ck_assert_uint_eq(block_sectors(disk), 64);
    expect_sector(disk, 3, image + 3 * 512);
    block_free(disk);
    snprintf(named, sizeof(named), "file:%s", path);
    set("file", named);
    set("readonly", "on");
    disk = open_drive();
    ck_assert(block_read_only(disk) && !block_discards(disk));
    block_free(disk);
    set("file", "mem:1M");
    set("readonly", "off");
    disk = open_drive();
    static const uint8_t zeros[512];
    ck_assert_uint_eq(block_sectors(disk), 2048);
    expect_sector(disk, 2047, zeros);
    ck_assert_int_eq(block_write_now(disk, 512, image, 512), 0);
    expect_sector(disk, 1, image);
    block_free(disk);
    set("file", "mem:lots");
    ck_assert_ptr_null(drive_open(&options, "hda", &machine_clock, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "mem:lots"));
}
END_TEST

START_TEST(snapshot_leaves_the_image_alone)
{
    uint8_t now[sizeof(image)];

    set("file", path);
    set("snapshot", "on");
    struct block *disk = open_drive();
    ck_assert_int_eq(block_write_now(disk, 0, image + 512, 512), 0);
    expect_sector(disk, 0, image + 512);
    ck_assert_int_eq(block_flush_now(disk), 0);
    block_free(disk);
    ck_assert_uint_eq(read_image(path, now, sizeof(now)), sizeof(now));
    ck_assert_mem_eq(now, image, sizeof(now));
    set("volatile-cache", "on");
    ck_assert_ptr_null(drive_open(&options, "hda", &machine_clock, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "volatile-cache"));
}
END_TEST

/* Runs of data and of zeros, of all lengths, and an odd end. */
START_TEST(what_an_overlay_holds_is_saved)
{
    enum { SECTORS = 4000, SIZE = SECTORS * 512 - 300 };
    static uint8_t before[SECTORS * 512], after[SECTORS * 512];
    uint64_t seed = 21;

    for (unsigned round = 0; round < 6; round++) {
        struct state_buffer saved = {0};
        char text[32];
        snprintf(text, sizeof(text), "mem:%d", SIZE);
        set("file", text);
        set("snapshot", "on");
        struct block *disk = open_drive();
        for (unsigned step = 0; step < 10; step++) {
            uint32_t first = random_below(&seed, SECTORS), count = 1 + random_below(&seed, SECTORS - first);
            bool zeros = random_below(&seed, 2) || round == 0;
            memset(after, 0, sizeof(after));
            if (!zeros) fill_random(&seed, after, 512 * (count < 100 ? count : 100));
            ck_assert_int_eq(block_write_now(disk, (uint64_t)first * 512, after, (uint64_t)count * 512), 0);
        }
        ck_assert_int_eq(block_read_now(disk, 0, before, sizeof(before)), 0);
        ck_assert(block_save(disk, &saved, &error));
        if (round == 0) ck_assert_uint_lt(saved.size, 2000);
        block_free(disk);
        disk = open_drive();
        ck_assert_int_eq(block_write_now(disk, 0, image, sizeof(image)), 0); /* and is forgotten */
        ck_assert(block_load(disk, &saved, &error));
        ck_assert_uint_eq(saved.cursor, saved.size);
        ck_assert_int_eq(block_read_now(disk, 0, after, sizeof(after)), 0);
        ck_assert_mem_eq(before, after, sizeof(before));
        block_free(disk);
        state_buffer_free(&saved);
    }
}
END_TEST

START_TEST(other_formats_are_not_taken_for_raw)
{
    memcpy(image, "QFI\xfb\0\0\0\3", 8);
    write_image(path, image, sizeof(image));
    set("file", path);
    ck_assert_ptr_null(drive_open(&options, "hda", &machine_clock, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "qemu-nbd"));
    set("format", "raw");
    block_free(open_drive());
}
END_TEST

static unsigned changes;
static void medium_changed(void *owner, struct block *block)
{
    (void)block;
    ck_assert_ptr_eq(owner, image);
    changes++;
}

START_TEST(eject_and_change)
{
    uint8_t bytes[512];

    changes = 0;
    struct block *disk = open_drive(); /* no file= */
    ck_assert(!block_has_medium(disk) && block_read_only(disk));
    ck_assert_uint_eq(block_sectors(disk), 0);
    ck_assert_int_eq(block_read_now(disk, 0, bytes, 512), ENOMEDIUM);
    ck_assert_int_eq(block_flush_now(disk), ENOMEDIUM);
    block_set_medium_handler(disk, medium_changed, image);
    set("file", path);
    ck_assert(drive_change(disk, &options, &error));
    ck_assert_uint_eq(changes, 1);
    ck_assert_uint_eq(block_sectors(disk), 64);
    expect_sector(disk, 9, image + 9 * 512);
    set("file", "/nowhere/at/all.img");
    ck_assert(!drive_change(disk, &options, &error));
    ck_assert_uint_eq(changes, 1);
    expect_sector(disk, 9, image + 9 * 512);
    options.path = NULL;
    ck_assert(drive_change(disk, &options, &error));
    ck_assert(!block_has_medium(disk));
    ck_assert_uint_eq(changes, 2);
    ck_assert_uint_eq(block_stats(disk)->host_calls, 2);
    block_free(disk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drive");
    TCase *tests = tcase_create("drive");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_option_takes_its_values);
    tcase_add_test(tests, no_more_faults_than_there_is_room_for);
    tcase_add_test(tests, file_and_memory_by_their_paths);
    tcase_add_test(tests, snapshot_leaves_the_image_alone);
    tcase_add_test(tests, what_an_overlay_holds_is_saved);
    tcase_add_test(tests, other_formats_are_not_taken_for_raw);
    tcase_add_test(tests, eject_and_change);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Power cuts: a disk with a volatile write cache, killed at any moment (SIGKILL, or a cut in the middle of a run).
 * What the guest was told is flushed is in the image, each sector whole; of the rest any part may be, also what came
 * later without what came before. POWER_CUTS=N in the environment makes more rounds.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "block/drive.h"
#include "block/store.h"
#include "block_helper.h"
#include "emu/core/bits.h"

enum { SECTORS = 300, IMAGE = SECTORS * 512 - 200 };

/* Every sector that is written carries its number and its version. What both processes look at is shared memory, which
 * survives the kill, as a guest's user would remember what he saw. */
struct witness {
    uint32_t written[SECTORS]; /* version that was last handed to the disk, counted up before */
    uint32_t safe[SECTORS];    /* version that a flush came back for */
    uint32_t flushes, host_syncs;
};

static struct witness *witness;
static char directory[64], path[128];
static struct clock machine_clock;

static void setup(void)
{
    clock_init(&machine_clock, 0);
    make_directory(directory);
    snprintf(path, sizeof(path), "%s/disk.img", directory);
    setenv("TMPDIR", directory, 1);
    witness = mmap(NULL, sizeof(*witness), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(witness, MAP_FAILED);
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
    munmap(witness, sizeof(*witness));
}

static void make_sector(uint8_t *to, uint32_t sector, uint32_t version)
{
    for (unsigned i = 0; i < 512; i += 8) {
        le32_store(to + i, sector);
        le32_store(to + i + 4, version);
    }
}

static void make_image(void)
{
    static uint8_t bytes[SECTORS * 512];
    for (unsigned i = 0; i < SECTORS; i++) make_sector(bytes + i * 512, i, 0);
    write_image(path, bytes, IMAGE);
    memset(witness, 0, sizeof(*witness));
}

static struct block *open_disk(uint64_t seed)
{
    struct drive_options options;
    struct error error = {""};
    char text[32];

    drive_options_init(&options);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    ck_assert(drive_option_set(&options, "file", path, &error));
    ck_assert(drive_option_set(&options, "volatile-cache", text, &error));
    struct block *disk = drive_open(&options, "hda", &machine_clock, &error);
    ck_assert_msg(disk != NULL, "%s", error.text);
    return disk;
}

/* What the guest does: writes of one or more sectors, and flushes now and then. */
static void guest_step(struct block *disk, uint64_t *seed)
{
    static uint8_t bytes[16 * 512];
    uint32_t first = random_below(seed, SECTORS), count = 1 + random_below(seed, 16), pending[SECTORS];

    if (random_below(seed, 25) == 0) {
        memcpy(pending, witness->written, sizeof(pending));
        ck_assert_int_eq(block_flush_now(disk), 0);
        memcpy(witness->safe, pending, sizeof(pending));
        witness->flushes++;
        witness->host_syncs = (uint32_t)block_stats(disk)->host_syncs;
        return;
    }
    if (random_below(seed, 2)) first = random_below(seed, 20); /* some again and again */
    if (count > SECTORS - first) count = SECTORS - first;
    for (uint32_t i = 0; i < count; i++)
        make_sector(bytes + i * 512, first + i, ++witness->written[first + i]);
    ck_assert_int_eq(block_write_now(disk, (uint64_t)first * 512, bytes, (uint64_t)count * 512), 0);
}

/* What became of it, over all rounds. */
static struct {
    unsigned lost, lucky, torn, overtaken;
} seen;

/* The image now, sector by sector: whole, no older than what is safe and no newer than what was written. */
static void check_image(void)
{
    static uint8_t bytes[SECTORS * 512], wanted[512];
    uint32_t last = 0;

    memset(bytes, 0, sizeof(bytes));
    ck_assert_uint_eq(read_image(path, bytes, sizeof(bytes)), IMAGE);
    for (unsigned i = 0; i < SECTORS; i++) {
        uint32_t version = le32_load(bytes + i * 512 + 4), newest = witness->written[i],
                 safe = witness->safe[i];
        ck_assert_msg(version >= safe && version <= newest, "sector %u: version %u, safe %u, written %u", i,
                      version, safe, newest);
        make_sector(wanted, i, version);
        ck_assert_mem_eq(bytes + i * 512, wanted, i == SECTORS - 1 ? IMAGE % 512 : 512);
        if (newest == safe) continue;
        seen.lost += version < newest;
        seen.lucky += version > safe;
        seen.torn += i && last && (version == newest) != (last == 1);
        last = version == newest ? 1 : 2;
    }
}

static unsigned rounds_wanted(unsigned usual)
{
    const char *more = getenv("POWER_CUTS");
    return more ? (unsigned)atoi(more) : usual;
}

START_TEST(killed_at_any_moment)
{
    unsigned rounds = rounds_wanted(40), flushes = 0;

    memset(&seen, 0, sizeof(seen));
    for (unsigned round = 0; round < rounds; round++) {
        make_image();
        pid_t guest = fork();
        if (!guest) {
            uint64_t seed = round;
            struct block *disk = open_disk(round);
            /* Most of the time goes into flushes; so half of the rounds end between two steps. */
            for (unsigned step = 0; round % 2 || step < 5 + round * 31 % 300; step++) guest_step(disk, &seed);
            raise(SIGKILL);
        }
        if (round % 2) {
            usleep(2000 + round * 7919 % 20000);
            kill(guest, SIGKILL);
        }
        waitpid(guest, NULL, 0);
        check_image();
        flushes += witness->flushes;
        ck_assert_uint_ge(witness->host_syncs, witness->flushes);
        ck_assert_uint_le(witness->host_syncs, witness->flushes + 1);
    }
    ck_assert_uint_gt(flushes, rounds / 4);
    ck_assert_uint_gt(seen.lost, rounds);
    ck_assert_uint_gt(seen.lucky, rounds);
    ck_assert_uint_gt(seen.torn, rounds);
}
END_TEST

/* Cut by the machine: the program goes on, and reads what a guest finds after the power is back. */
START_TEST(cut_in_the_middle_of_a_run)
{
    unsigned rounds = rounds_wanted(60);
    static uint8_t all[SECTORS * 512], image[SECTORS * 512];

    memset(&seen, 0, sizeof(seen));
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t seed = round + 1000;
        make_image();
        struct block *disk = open_disk(round);
        for (unsigned step = 0; step < 30 + round; step++) guest_step(disk, &seed);
        block_cut_power(disk);
        check_image();
        ck_assert_int_eq(block_read_now(disk, 0, all, sizeof(all)), 0);
        memset(image, 0, sizeof(image));
        read_image(path, image, sizeof(image));
        ck_assert_mem_eq(all, image, sizeof(all)); /* the cache is empty */
        block_free(disk);
        read_image(path, all, sizeof(all));
        ck_assert_mem_eq(all, image, sizeof(all)); /* and nothing comes after */
    }
    ck_assert_uint_gt(seen.lost, rounds);
    ck_assert_uint_gt(seen.lucky, rounds);
    ck_assert_uint_gt(seen.torn, rounds);
}
END_TEST

static void image_after(uint64_t seed, uint8_t *bytes)
{
    uint64_t random = 5;
    make_image();
    struct block *disk = open_disk(seed);
    for (unsigned step = 0; step < 25; step++) guest_step(disk, &random);
    block_cut_power(disk);
    block_free(disk);
    read_image(path, bytes, SECTORS * 512);
}

START_TEST(same_seed_same_ruin)
{
    static uint8_t bytes[3][SECTORS * 512];

    image_after(1, bytes[0]);
    image_after(1, bytes[1]);
    image_after(2, bytes[2]);
    ck_assert_mem_eq(bytes[0], bytes[1], IMAGE);
    ck_assert_mem_ne(bytes[0], bytes[2], IMAGE);
}
END_TEST

/* A clean end loses nothing, and the guest always sees what it wrote. */
START_TEST(nothing_is_lost_without_a_cut)
{
    static uint8_t wanted[SECTORS * 512], all[SECTORS * 512];
    uint64_t seed = 77;

    make_image();
    struct block *disk = open_disk(3);
    for (unsigned step = 0; step < 200; step++) guest_step(disk, &seed);
    for (unsigned i = 0; i < SECTORS; i++) make_sector(wanted + i * 512, i, witness->written[i]);
    memset(wanted + IMAGE, 0, sizeof(wanted) - IMAGE);
    ck_assert_int_eq(block_read_now(disk, 0, all, sizeof(all)), 0);
    ck_assert_mem_eq(all, wanted, sizeof(all));
    block_free(disk);
    ck_assert_uint_eq(read_image(path, all, sizeof(all)), IMAGE);
    ck_assert_mem_eq(all, wanted, IMAGE);
}
END_TEST

/* What the cache holds goes with a saved machine. */
START_TEST(cache_is_saved)
{
    static uint8_t before[SECTORS * 512], after[SECTORS * 512];
    struct state_buffer saved = {0};
    struct error error = {""};
    uint64_t seed = 78, hash[2];

    make_image();
    struct block *disk = open_disk(3);
    for (unsigned step = 0; step < 9; step++) guest_step(disk, &seed);
    ck_assert_int_eq(block_read_now(disk, 0, before, sizeof(before)), 0);
    ck_assert(block_save(disk, &saved, &error));
    ck_assert_int_eq(block_fingerprint(disk, &hash[0]), 0);
    block_change_medium(disk, NULL);
    memset(witness->safe, 0, sizeof(witness->safe));
    make_image(); /* as the image was when the machine was saved, or older */
    block_free(disk);
    disk = open_disk(3);
    ck_assert(block_load(disk, &saved, &error));
    state_buffer_free(&saved);
    ck_assert_int_eq(block_read_now(disk, 0, after, sizeof(after)), 0);
    unsigned same = 0;
    for (unsigned i = 0; i < SECTORS; i++) same += !memcmp(before + i * 512, after + i * 512, 512);
    ck_assert_uint_gt(same, SECTORS / 2);
    block_free(disk);
}
END_TEST

/* ... and so does what power cuts will take: the same ruin as without the save, and a clean end loses nothing. */
START_TEST(ruin_is_saved)
{
    static uint8_t image[SECTORS * 512], seen_by_guest[SECTORS * 512], ruin[2][SECTORS * 512];
    struct error error = {""};
    uint64_t seed = 79, later = 0;

    make_image();
    struct block *disk = open_disk(3);
    struct state_buffer saved = {0};
    for (unsigned step = 0; step < 12; step++) guest_step(disk, &seed);
    ck_assert(block_save(disk, &saved, &error));
    read_image(path, image, IMAGE);
    ck_assert_int_eq(block_read_now(disk, 0, seen_by_guest, sizeof(seen_by_guest)), 0);
    struct witness then = *witness;
    for (unsigned i = 0; i < 3; i++) {
        if (i) {
            write_image(path, image, IMAGE);
            *witness = then;
            disk = open_disk(1000 + i);
            saved.cursor = 0;
            ck_assert(block_load(disk, &saved, &error));
        }
        later = seed;
        for (unsigned step = 0; step < 6 && i < 2; step++) guest_step(disk, &later);
        if (i < 2) block_cut_power(disk);
        block_free(disk);
        if (i < 2) read_image(path, ruin[i], IMAGE);
    }
    ck_assert_mem_eq(ruin[0], ruin[1], IMAGE);
    read_image(path, ruin[0], IMAGE);
    ck_assert_mem_eq(ruin[0], seen_by_guest, IMAGE);
    state_buffer_free(&saved);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("power_cut");
    TCase *tests = tcase_create("power_cut");

    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, killed_at_any_moment);
    tcase_add_test(tests, cut_in_the_middle_of_a_run);
    tcase_add_test(tests, same_seed_same_ruin);
    tcase_add_test(tests, nothing_is_lost_without_a_cut);
    tcase_add_test(tests, cache_is_saved);
    tcase_add_test(tests, ruin_is_saved);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

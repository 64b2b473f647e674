/* SPDX-License-Identifier: MIT */
/*
 * Disk transfers: guest memory, the stream engine and a disk together, direct, indirect under a small bounce
 * limit, and with maps that fail or come back short; errors, cancelling, and nothing left mapped at the end.
 */
#include <errno.h>

#include "block/faults.h"
#include "block/store.h"
#include "block/transfer.h"
#include "block_helper.h"
#include "emu/core/bits.h"

enum { RAM = 1024 * 1024, DISK = 256 * 1024 + 100, SECTORS = 513 };

static struct clock machine_clock;
static struct region *root, *ram;
static struct space *space;
static struct block *disk;
static struct transfer transfer;
static struct sglist list;
static uint8_t model[SECTORS * 512], guest[RAM];

static struct {
    unsigned times;
    enum stream_status status;
    int error;
    uint64_t moved;
    vtime when;
} ending;

static void transfer_ended(void *owner, struct transfer *which, enum stream_status status, int error,
                           uint64_t moved)
{
    ck_assert_ptr_eq(owner, model);
    ck_assert_ptr_eq(which, &transfer);
    ck_assert(!transfer_busy(which));
    ck_assert_uint_eq(dma_stats(space)->live, 0);
    ending.times++;
    ending.status = status;
    ending.error = error;
    ending.moved = moved;
    ending.when = clock_now(&machine_clock);
}

static void setup(void)
{
    uint64_t seed = 21;
    struct error error = {""};

    memset(&ending, 0, sizeof(ending));
    clock_init(&machine_clock, 0);
    root = region_new_container("root", UINT64_C(1) << 32);
    ram = region_new_ram("ram", RAM, &error);
    ck_assert_ptr_nonnull(ram);
    region_add(root, 0, ram, 0);
    space = space_new("dma", root, UINT64_C(1) << 32, &machine_clock);
    dma_checker_enable(space);
    memset(model, 0, sizeof(model));
    fill_random(&seed, model, DISK);
    fill_random(&seed, guest, RAM);
    ck_assert_int_eq(space_write(space, 0, guest, RAM), MEM_OK);
    disk = block_new("disk0", store_new_memory(DISK, model), &machine_clock);
    transfer_init(&transfer, "ide0", space, transfer_ended, model);
    sglist_init(&list, 16);
}

static void teardown(void)
{
    transfer_destroy(&transfer);
    sglist_destroy(&list);
    ck_assert_uint_eq(dma_checker_report(space, stderr), 0);
    block_free(disk);
    space_free(space);
    region_remove(ram);
    region_release(ram);
    region_release(root);
}

static void configure(enum dma_mode mode, uint64_t limit, uint64_t seed)
{
    dma_configure(space, &(struct dma_settings){.mode = mode, .max_bounce = limit, .seed = seed});
}

static void use_disk(struct block_store *store)
{
    block_free(disk);
    disk = block_new("disk0", store, &machine_clock);
}

static void start(enum block_op op, uint64_t sector)
{
    transfer_start(&transfer, disk, op, sector * 512, &list);
}

/* Random places and lengths, which may overlap for a write to the disk only. */
static void scatter(uint64_t *seed, uint64_t size, uint32_t longest)
{
    uint64_t place = random_below(seed, 5000);

    sglist_reset(&list);
    while (list.size < size) {
        uint64_t length = 1 + random_below(seed, longest);
        if (length > size - list.size) length = size - list.size;
        sglist_add(&list, place, length);
        place += length + 1 + random_below(seed, 50);
    }
    ck_assert_uint_le(place, RAM);
}

/* What the transfer should do, on the models. */
static void apply_to_models(enum block_op op, uint64_t sector, uint64_t size)
{
    uint8_t *at = model + sector * 512;

    for (unsigned i = 0; i < list.count && size; i++) {
        uint64_t length = list.pieces[i].length < size ? list.pieces[i].length : size;
        if (op == BLOCK_READ) memcpy(guest + list.pieces[i].addr, at, length);
        if (op == BLOCK_WRITE) memcpy(at, guest + list.pieces[i].addr, length);
        at += length;
        size -= length;
    }
    memset(model + DISK, 0, sizeof(model) - DISK);
}

static void compare_with_models(void)
{
    static uint8_t ram_now[RAM], disk_now[SECTORS * 512];

    ck_assert_int_eq(space_read(space, 0, ram_now, RAM), MEM_OK);
    ck_assert_mem_eq(ram_now, guest, RAM);
    ck_assert_int_eq(block_read_now(disk, 0, disk_now, sizeof(disk_now)), 0);
    ck_assert_mem_eq(disk_now, model, sizeof(model));
}

static void match_models(unsigned rounds, uint64_t seed)
{
    static const uint32_t longest[] = {3, 100, 511, 513, 4096, 5000, 70000};

    for (unsigned round = 1; round <= rounds; round++) {
        enum block_op op = random_below(&seed, 2) ? BLOCK_READ : BLOCK_WRITE;
        uint64_t sector = random_below(&seed, SECTORS), most = SECTORS - sector;
        uint64_t size = 512 * (1 + random_below(&seed, (uint32_t)(most < 200 ? most : 200)));
        uint32_t piece = longest[random_below(&seed, ARRAY_COUNT(longest))];

        if (piece < 100 && size > 4096) size = 4096;
        scatter(&seed, size, piece);
        start(op, sector);
        run_clock(&machine_clock);
        ck_assert_uint_eq(ending.times, round);
        ck_assert_int_eq(ending.error, 0);
        ck_assert_int_eq(ending.status, STREAM_OK);
        ck_assert_uint_eq(ending.moved, size);
        apply_to_models(op, sector, size);
        if (round % 16 == 0) compare_with_models();
    }
    compare_with_models();
}

START_TEST(direct_memory_matches)
{
    match_models(300, 1);
    ck_assert_uint_eq(dma_stats(space)->bounces, 0);
}
END_TEST

START_TEST(lesson_08_indirect_memory_under_a_small_limit_matches)
{
    configure(DMA_MODE_INDIRECT, 4096, 0);
    match_models(200, 2);
    ck_assert_uint_gt(dma_stats(space)->bounces, 0);
    ck_assert_uint_eq(dma_stats(space)->direct_bytes, 0);
    ck_assert_uint_le(dma_stats(space)->bounce_bytes_most, 4096);
}
END_TEST

START_TEST(lesson_09_faulty_maps_match)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        configure(DMA_MODE_FAULTY, seed % 2 ? 4096 : 700, seed);
        ending.times = 0;
        match_models(60, seed);
    }
    ck_assert_uint_gt(dma_stats(space)->short_maps, 0);
}
END_TEST

START_TEST(direct_transfer_is_one_request)
{
    uint64_t seed = 4;

    scatter(&seed, 64 * 1024, 8192);
    start(BLOCK_READ, 1);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending.status, STREAM_OK);
    ck_assert_uint_eq(block_stats(disk)->reads, 1);
    ck_assert_uint_eq(block_stats(disk)->pieces, list.count);
    ck_assert(ending.when == 8 * VTIME_US + 64 * 1024 / 4);
}
END_TEST

/* The mapping is held, and counted, for as long as the disk takes. */
START_TEST(mappings_live_until_the_deadline)
{
    configure(DMA_MODE_INDIRECT, 4096, 0);
    sglist_reset(&list);
    sglist_add(&list, 0x1003, 2048);
    start(BLOCK_READ, 0);
    while (!block_request_busy(&transfer.request)) {
        if (clock_deadline(&machine_clock) > clock_now(&machine_clock)) {
            clock_jump(&machine_clock, clock_deadline(&machine_clock));
        }
        clock_fire_due(&machine_clock);
    }
    clock_jump(&machine_clock, clock_deadline(&machine_clock) - 1);
    clock_fire_due(&machine_clock);
    ck_assert_uint_ge(dma_stats(space)->live, 1);
    ck_assert_uint_ge(dma_stats(space)->bounce_bytes_held, 2048);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending.status, STREAM_OK);
    ck_assert_uint_eq(dma_stats(space)->bounce_bytes_held, 0);
}
END_TEST

START_TEST(lesson_18_cancel_unmaps_at_any_moment)
{
    static uint8_t before[RAM], after[RAM];
    uint64_t seed = 6;

    configure(DMA_MODE_INDIRECT, 4096, 0);
    for (vtime stop = 0; stop < 200 * VTIME_US; stop += 3 * VTIME_US) {
        scatter(&seed, 32 * 1024, 3000);
        start(stop / (3 * VTIME_US) % 2 ? BLOCK_WRITE : BLOCK_READ, 3);
        vtime until = clock_now(&machine_clock) + stop;
        while (clock_deadline(&machine_clock) <= until) {
            if (clock_deadline(&machine_clock) > clock_now(&machine_clock)) {
                clock_jump(&machine_clock, clock_deadline(&machine_clock));
            }
            clock_fire_due(&machine_clock);
        }
        unsigned times = ending.times;
        transfer_cancel(&transfer);
        transfer_cancel(&transfer);
        ck_assert(!transfer_busy(&transfer));
        ck_assert(!block_request_busy(&transfer.request));
        ck_assert_uint_eq(dma_stats(space)->live, 0);
        ck_assert_uint_eq(dma_stats(space)->bounce_bytes_held, 0);
        ck_assert_int_eq(space_read(space, 0, before, RAM), MEM_OK);
        run_clock(&machine_clock);
        ck_assert_int_eq(space_read(space, 0, after, RAM), MEM_OK);
        ck_assert_mem_eq(before, after, RAM);
        ck_assert_uint_eq(ending.times, times);
    }
}
END_TEST

/* A reset takes the write back and clears the registers, while the write waits for its turn at the disk, or
 * for bounce bytes. */
START_TEST(lesson_37_cancelled_write_spares_sector_0)
{
    uint64_t seed = 8;
    uint8_t sector[512];

    for (unsigned parked = 0; parked < 2; parked++) {
        struct dma_mapping pool = {0};
        configure(DMA_MODE_INDIRECT, 4096, 0);
        scatter(&seed, 64 * 1024, 5000);
        if (parked) pool = dma_map(space, 0, 4096, DMA_TO_DEVICE);
        start(BLOCK_WRITE, 100);
        clock_jump(&machine_clock, clock_now(&machine_clock) + 20 * VTIME_US);
        clock_fire_due(&machine_clock);
        ck_assert_uint_eq(transfer.stream.report.waits, parked);
        transfer_cancel(&transfer);
        transfer.offset = 0;
        dma_unmap(space, &pool, 0);
        run_clock(&machine_clock);
        ck_assert_uint_eq(ending.times, 0);
        ck_assert_int_eq(block_read_now(disk, 0, sector, 512), 0);
        ck_assert_mem_eq(sector, model, 512);
    }
}
END_TEST

START_TEST(disk_errors_reach_the_device)
{
    uint64_t seed = 9;

    scatter(&seed, 2048, 700);
    start(BLOCK_READ, SECTORS - 2);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending.status, STREAM_BACKEND_ERROR);
    ck_assert_int_eq(ending.error, EINVAL);
    ck_assert_uint_eq(ending.moved, 0);

    struct block_store *store = store_new_memory(DISK, model);
    store->read_only = true;
    use_disk(store);
    start(BLOCK_WRITE, 0);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending.error, EROFS);
    start(BLOCK_READ, 0);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending.status, STREAM_OK);
    ck_assert_int_eq(ending.error, 0);
    ck_assert_uint_eq(ending.times, 3);
    apply_to_models(BLOCK_READ, 0, 2048);
    compare_with_models();
}
END_TEST

/* Whole sectors before the failure count as moved; of memory, exactly what was read changes. */
START_TEST(lesson_23_short_image_copies_back_what_was_read)
{
    char directory[64], path[128];
    struct error error = {""};
    uint64_t seed = 10;
    struct capture capture;

    for (unsigned mode = 0; mode < 2; mode++) {
        make_directory(directory);
        snprintf(path, sizeof(path), "%s/disk.img", directory);
        write_image(path, model, DISK);
        use_disk(store_open_file(path, &(struct store_file_options){0}, &error));
        ck_assert_int_eq(truncate(path, 5000), 0);
        configure(mode ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 4096, 0);
        scatter(&seed, 16 * 1024, 1000);
        capture_begin(&capture);
        start(BLOCK_READ, 0);
        run_clock(&machine_clock);
        ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
        ck_assert_int_eq(ending.status, STREAM_BACKEND_ERROR);
        ck_assert_int_eq(ending.error, EIO);
        ck_assert_uint_eq(ending.moved, 5000 / 512 * 512);
        apply_to_models(BLOCK_READ, 0, 5000);
        static uint8_t now[RAM];
        ck_assert_int_eq(space_read(space, 0, now, RAM), MEM_OK);
        ck_assert_mem_eq(now, guest, RAM);
        unlink(path);
        rmdir(directory);
    }
}
END_TEST

static unsigned stops;
static void machine_stopped(void *owner, struct block *block, const struct block_failure *why)
{
    (void)owner;
    (void)block;
    (void)why;
    stops++;
}

/* A transfer that the host failed keeps what it holds until it is tried again, and then goes on where it was. */
START_TEST(stopped_transfer_holds_its_mappings_and_goes_on)
{
    struct fault_rule rule;
    struct capture capture;

    for (unsigned mode = 0; mode < 4; mode++) {
        enum block_op op = mode / 2 ? BLOCK_WRITE : BLOCK_READ;
        uint64_t seed = 12 + mode;
        stops = ending.times = 0;
        configure(mode % 2 ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 4096, 0);
        ck_assert(fault_parse("read:write:sector=17:once", &rule, NULL));
        block_set_faults(disk, &rule, 1);
        block_set_policy(disk, BLOCK_STOP, BLOCK_STOP);
        block_set_stop_handler(disk, machine_stopped, NULL);
        scatter(&seed, 16 * 1024, 1000);
        capture_begin(&capture);
        start(op, 5);
        run_clock(&machine_clock);
        ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
        ck_assert_uint_eq(stops, 1);
        ck_assert_uint_eq(ending.times, 0);
        ck_assert(transfer_busy(&transfer));
        ck_assert_uint_gt(dma_stats(space)->live, 0);
        block_resume(disk);
        run_clock(&machine_clock);
        ck_assert_uint_eq(ending.times, 1);
        ck_assert_int_eq(ending.status, STREAM_OK);
        ck_assert_uint_eq(ending.moved, 16 * 1024);
        apply_to_models(op, 5, 16 * 1024);
        compare_with_models();
    }
}
END_TEST

/* The image file stores all bring the same bytes, through bounces too. */
START_TEST(every_way_to_a_file_matches)
{
    static const struct store_file_options ways[] = {
        {.uring = true}, {.direct = true}, {.direct = true, .uring = true}};
    char directory[64], path[128];
    struct error error = {""};

    make_directory(directory);
    snprintf(path, sizeof(path), "%s/disk.img", directory);
    for (unsigned i = 0; i < ARRAY_COUNT(ways); i++) {
        write_image(path, model, DISK);
        struct block_store *store = store_open_file(path, &ways[i], &error);
        ck_assert_msg(store != NULL, "%s", error.text);
        use_disk(store);
        configure(i == 1 ? DMA_MODE_DIRECT : DMA_MODE_FAULTY, 4096, i);
        ending.times = 0;
        match_models(100, 30 + i);
        ck_assert_int_eq(block_flush_now(disk), 0);
        use_disk(store_new_memory(DISK, model)); /* frees the image */
    }
    unlink(path);
    rmdir(directory);
}
END_TEST

START_TEST(no_memory_behind_a_piece)
{
    sglist_reset(&list);
    sglist_add(&list, 0x1000, 1024);
    sglist_add(&list, 0x80000000, 1024);
    start(BLOCK_READ, 0);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending.status, STREAM_BAD_ADDRESS);
    ck_assert_uint_eq(ending.moved, 1024);
    apply_to_models(BLOCK_READ, 0, 1024);
    compare_with_models();
}
END_TEST

START_TEST(broken_sector_is_refused)
{
    sglist_reset(&list);
    sglist_add(&list, 0x1000, 1000);
    start(BLOCK_READ, 0);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ending.times, 1);
    ck_assert_int_eq(ending.status, STREAM_REFUSED);
    ck_assert_uint_eq(block_stats(disk)->reads, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer");
    TCase *tests = tcase_create("transfer");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, direct_memory_matches);
    tcase_add_test(tests, lesson_08_indirect_memory_under_a_small_limit_matches);
    tcase_add_test(tests, lesson_09_faulty_maps_match);
    tcase_add_test(tests, direct_transfer_is_one_request);
    tcase_add_test(tests, mappings_live_until_the_deadline);
    tcase_add_test(tests, lesson_18_cancel_unmaps_at_any_moment);
    tcase_add_test(tests, lesson_37_cancelled_write_spares_sector_0);
    tcase_add_test(tests, disk_errors_reach_the_device);
    tcase_add_test(tests, lesson_23_short_image_copies_back_what_was_read);
    tcase_add_test(tests, stopped_transfer_holds_its_mappings_and_goes_on);
    tcase_add_test(tests, every_way_to_a_file_matches);
    tcase_add_test(tests, no_memory_behind_a_piece);
    tcase_add_test(tests, broken_sector_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: MIT */
/* The block layer: virtual time, order, cancelling, limits and padding, byte-exact against a model. */
#include <errno.h>

#include "block/block.h"
#include "block/store.h"
#include "block_helper.h"
#include "emu/core/bits.h"

#define FIXED    (8 * VTIME_US)
#define FLUSH    (100 * VTIME_US)
#define IMAGE    (64 * 1024)
#define REQUESTS 8

struct ending {
    unsigned which;
    vtime when;
    int error;
    uint64_t moved, touched;
};

static struct clock machine_clock;
static struct block *disk;
static struct block_request requests[REQUESTS];
static struct iovec pieces[REQUESTS];
static uint8_t contents[IMAGE];
static struct ending endings[64];
static unsigned ended;

static void request_ended(void *owner, struct block_request *request, int error, uint64_t touched)
{
    ck_assert_ptr_eq(owner, contents);
    ck_assert(!block_request_busy(request));
    ck_assert_uint_lt(ended, ARRAY_COUNT(endings));
    endings[ended++] = (struct ending){(unsigned)(request - requests), clock_now(&machine_clock), error,
                                       request->moved, touched};
}

static void use_store(struct block_store *store)
{
    if (disk) block_free(disk);
    disk = block_new("disk0", store, &machine_clock);
}

static void setup(void)
{
    uint64_t seed = 1;

    ended = 0;
    disk = NULL;
    clock_init(&machine_clock, 0);
    fill_random(&seed, contents, sizeof(contents));
    use_store(store_new_memory(sizeof(contents), contents));
    for (unsigned i = 0; i < REQUESTS; i++) {
        block_request_init(&requests[i], &machine_clock, "disk0.request", request_ended, contents);
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < REQUESTS; i++) block_request_destroy(&requests[i]);
    block_free(disk);
    disk = NULL;
}

static void submit(unsigned which, enum block_op op, uint64_t offset, void *buffer, uint64_t size)
{
    struct block_request *request = &requests[which];

    pieces[which] = (struct iovec){buffer, (size_t)size};
    request->op = op;
    request->offset = offset;
    request->pieces = &pieces[which];
    request->count = 1;
    request->size = size;
    block_submit(disk, request);
}

START_TEST(deadline_of_one_request)
{
    static uint8_t buffer[IMAGE];

    clock_jump(&machine_clock, 1000);
    submit(0, BLOCK_READ, 0, buffer, IMAGE);
    ck_assert_uint_eq(ended, 0);
    ck_assert(clock_deadline(&machine_clock) == 1000 + FIXED + IMAGE / 4);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ended, 1);
    ck_assert(endings[0].when == 1000 + FIXED + IMAGE / 4);
    ck_assert_int_eq(endings[0].error, 0);
    ck_assert_uint_eq(endings[0].touched, IMAGE);
    ck_assert_mem_eq(buffer, contents, IMAGE);
}
END_TEST

/* A disk serves one after the other; the next one starts when the one before is over, or at once when it
 * idles. */
START_TEST(deadlines_queue_in_order)
{
    static uint8_t buffer[4][4096];
    const vtime one = FIXED + 4096 / 4;

    submit(2, BLOCK_READ, 4096, buffer[0], 4096);
    submit(0, BLOCK_WRITE, 0, buffer[1], 4096);
    clock_jump(&machine_clock, 500);
    submit(1, BLOCK_FLUSH, 0, NULL, 0);
    submit(3, BLOCK_READ, 512, buffer[2], 512);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ended, 4);
    static const unsigned order[] = {2, 0, 1, 3};
    const vtime times[] = {one, 2 * one, 2 * one + FLUSH, 2 * one + FLUSH + FIXED + 128};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(endings[i].which, order[i]);
        ck_assert(endings[i].when == times[i]);
    }
    clock_jump(&machine_clock, times[3] + 12345);
    submit(0, BLOCK_READ, 0, buffer[0], 512);
    run_clock(&machine_clock);
    ck_assert(endings[4].when == times[3] + 12345 + FIXED + 128);
}
END_TEST

/* What is overdue, but has not been told yet, does not let the next request start in the past. */
START_TEST(deadline_after_an_overdue_request)
{
    uint8_t buffer[512];

    submit(0, BLOCK_READ, 0, buffer, 512);
    clock_jump(&machine_clock, VTIME_MS);
    submit(1, BLOCK_READ, 0, buffer, 512);
    run_clock(&machine_clock);
    ck_assert_uint_eq(endings[0].which, 0);
    ck_assert(endings[0].when == VTIME_MS);
    ck_assert(endings[1].when == VTIME_MS + FIXED + 128);
}
END_TEST

START_TEST(write_samples_at_submission)
{
    uint8_t buffer[512], back[512];

    memset(buffer, 0x11, sizeof(buffer));
    submit(0, BLOCK_WRITE, 1024, buffer, 512);
    memset(buffer, 0x22, sizeof(buffer));
    run_clock(&machine_clock);
    ck_assert_int_eq(block_read_now(disk, 1024, back, 512), 0);
    ck_assert_uint_eq(back[0], 0x11);
    ck_assert_uint_eq(back[511], 0x11);
}
END_TEST

START_TEST(read_fills_at_deadline)
{
    uint8_t buffer[512], later[512];

    memset(buffer, 0xEE, sizeof(buffer));
    memset(later, 0x77, sizeof(later));
    submit(0, BLOCK_READ, 0, buffer, 512);
    ck_assert_int_eq(block_write_now(disk, 0, later, 512), 0);
    clock_jump(&machine_clock, clock_deadline(&machine_clock) - 1);
    clock_fire_due(&machine_clock);
    ck_assert_uint_eq(buffer[0], 0xEE);
    run_clock(&machine_clock);
    ck_assert_mem_eq(buffer, later, 512);
}
END_TEST

START_TEST(cancel_leaves_memory_alone)
{
    uint8_t buffer[3][512], untouched[512];
    const vtime one = FIXED + 128;

    memset(buffer, 0xEE, sizeof(buffer));
    memset(untouched, 0xEE, sizeof(untouched));
    for (unsigned i = 0; i < 3; i++) submit(i, BLOCK_READ, 512 * i, buffer[i], 512);
    block_cancel(&requests[1]);
    block_cancel(&requests[1]);
    ck_assert(!block_request_busy(&requests[1]));
    run_clock(&machine_clock);
    ck_assert_uint_eq(ended, 2);
    ck_assert_uint_eq(endings[0].which, 0);
    ck_assert_uint_eq(endings[1].which, 2);
    ck_assert(endings[1].when == 3 * one);
    ck_assert_mem_eq(buffer[1], untouched, 512);
    ck_assert_mem_eq(buffer[2], contents + 1024, 512);
    block_cancel(&requests[2]);
}
END_TEST

/* After a reset has taken everything back, the disk is free. */
START_TEST(cancelled_time_is_given_back)
{
    uint8_t buffer[512];

    for (unsigned i = 0; i < REQUESTS; i++) submit(i, BLOCK_READ, 0, buffer, 512);
    for (unsigned i = 0; i < REQUESTS; i++) block_cancel(&requests[i]);
    ck_assert(clock_deadline(&machine_clock) == VTIME_NEVER);
    submit(0, BLOCK_READ, 0, buffer, 512);
    ck_assert(clock_deadline(&machine_clock) == FIXED + 128);
}
END_TEST

static void cancel_the_next(void *owner, struct block_request *request, int error, uint64_t touched)
{
    request_ended(owner, request, error, touched);
    block_cancel(&requests[1]);
}

START_TEST(cancel_from_done)
{
    uint8_t buffer[512];

    requests[0].done = cancel_the_next;
    for (unsigned i = 0; i < 3; i++) submit(i, BLOCK_READ, 0, buffer, 512);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ended, 2);
    ck_assert_uint_eq(endings[1].which, 2);
}
END_TEST

START_TEST(lesson_37_reset_with_a_queued_write_spares_sector_0)
{
    uint8_t buffer[512], sector[512];

    memset(buffer, 0x55, sizeof(buffer));
    submit(0, BLOCK_WRITE, 8192, buffer, 512);
    block_cancel(&requests[0]);
    requests[0].offset = 0; /* a reset clears the registers behind it */
    requests[0].size = 0;
    run_clock(&machine_clock);
    ck_assert_uint_eq(ended, 0);
    ck_assert_int_eq(block_read_now(disk, 0, sector, 512), 0);
    ck_assert_mem_eq(sector, contents, 512);
}
END_TEST

static unsigned chain_left;
static const char *chain_frame;

static void submit_again(void *owner, struct block_request *request, int error, uint64_t touched)
{
    char frame;

    (void)touched;
    ck_assert_ptr_eq(owner, contents);
    ck_assert_int_eq(error, 0);
    if (!chain_frame) chain_frame = &frame;
    ck_assert_ptr_eq(chain_frame, &frame); /* every time at the same depth of the stack */
    if (--chain_left) block_submit(disk, request);
}

START_TEST(lesson_40_submit_from_done_does_not_recurse)
{
    uint8_t buffer[512];

    chain_left = 10000;
    chain_frame = NULL;
    requests[0].done = submit_again;
    submit(0, BLOCK_READ, 0, buffer, 512);
    run_clock(&machine_clock);
    ck_assert_uint_eq(chain_left, 0);
    ck_assert(clock_now(&machine_clock) == 10000 * (FIXED + 128));
}
END_TEST

/* Errors come at their time as successes do, never from within submit. */
START_TEST(bad_requests_end_with_errors)
{
    static uint8_t buffer[IMAGE], before[IMAGE];
    static const struct {
        enum block_op op;
        uint64_t offset, size;
        int error;
    } cases[] = {
        {BLOCK_READ, IMAGE, 512, EINVAL},
        {BLOCK_READ, IMAGE - 512, 1024, EINVAL},
        {BLOCK_WRITE, IMAGE, 512, EINVAL},
        {BLOCK_READ, UINT64_MAX - 511, 512, EINVAL},
        {BLOCK_WRITE, UINT64_MAX - 511, 1024, EINVAL},
        {BLOCK_READ, 1, 512, EINVAL},
        {BLOCK_READ, 0, 100, EINVAL},
        {BLOCK_READ, IMAGE, 0, 0},
        {BLOCK_READ, 0, 0, 0},
        {BLOCK_WRITE, IMAGE - 512, 512, 0},
    };

    memset(before, 0xEE, sizeof(before));
    submit(0, BLOCK_READ, 0, buffer, 512); /* a good one first, which leaves its numbers behind */
    run_clock(&machine_clock);
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        ended = i;
        memset(buffer, 0xEE, sizeof(buffer));
        submit(0, cases[i].op, cases[i].offset, buffer, cases[i].size);
        ck_assert_uint_eq(ended, i);
        run_clock(&machine_clock);
        ck_assert_uint_eq(ended, i + 1);
        ck_assert_int_eq(endings[i].error, cases[i].error);
        ck_assert_uint_eq(endings[i].moved, cases[i].error ? 0 : cases[i].size);
        if (cases[i].error) ck_assert_uint_eq(endings[i].touched, 0);
        ck_assert_mem_eq(buffer, before, IMAGE);
        if (cases[i].error) ck_assert_int_eq(block_read_now(disk, IMAGE, buffer, 512), EINVAL);
    }
    ck_assert_uint_eq(block_stats(disk)->errors, 7 * 2);
}
END_TEST

START_TEST(read_only_refuses_writes)
{
    struct block_store *store = store_new_memory(4096, NULL);
    uint8_t buffer[512] = {1};

    store->read_only = true;
    use_store(store);
    ck_assert(block_read_only(disk));
    submit(0, BLOCK_WRITE, 0, buffer, 512);
    submit(1, BLOCK_FLUSH, 0, NULL, 0);
    submit(2, BLOCK_READ, 0, buffer, 512);
    run_clock(&machine_clock);
    ck_assert_int_eq(endings[0].error, EROFS);
    ck_assert_int_eq(endings[1].error, 0);
    ck_assert_int_eq(endings[2].error, 0);
    ck_assert_uint_eq(buffer[0], 0);
    ck_assert_int_eq(block_write_now(disk, 0, buffer, 512), EROFS);
}
END_TEST

START_TEST(lesson_43_last_partial_sector_is_padded)
{
    static const unsigned sizes[] = {1, 511, 512, 513, 1000, 1023, 1025, 1024 + 511};

    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        unsigned size = sizes[i], padded = (size + 511) / 512 * 512;
        uint8_t all[2048], expected[2048] = {0};

        use_store(store_new_memory(size, contents));
        ck_assert_uint_eq(block_sectors(disk), padded / 512);
        memcpy(expected, contents, size);
        for (unsigned first = 0; first < padded; first += 512) {
            memset(all, 0xEE, sizeof(all));
            ck_assert_int_eq(block_read_now(disk, first, all, padded - first), 0);
            ck_assert_mem_eq(all, expected + first, padded - first);
            ck_assert_uint_eq(all[padded - first], 0xEE);
        }
        memset(all, 0x33, sizeof(all));
        memset(expected, 0x33, size);
        ck_assert_int_eq(block_write_now(disk, 0, all, padded), 0);
        ck_assert_int_eq(block_read_now(disk, 0, all, padded), 0);
        ck_assert_mem_eq(all, expected, padded);
        ck_assert_int_eq(block_read_now(disk, 0, all, padded + 512), EINVAL);
    }
}
END_TEST

START_TEST(all_vector_shapes_match_a_model)
{
    enum { SIZE = 40 * 512 + 77, PADDED = 41 * 512 };
    static uint8_t model[PADDED], buffer[PADDED];
    static struct iovec shape[PADDED + 8];
    uint64_t seed = 7;

    use_store(store_new_memory(SIZE, NULL));
    for (unsigned round = 0; round < 3000; round++) {
        struct block_request *request = &requests[0];
        static const uint32_t longest[] = {1, 7, 100, 512, 1000, 5000, PADDED};
        request->op = random_below(&seed, 2) ? BLOCK_READ : BLOCK_WRITE;
        request->offset = 512 * random_below(&seed, 41);
        request->size = 512 * random_below(&seed, (uint32_t)(41 - request->offset / 512) + 1);
        fill_random(&seed, buffer, (size_t)request->size);
        request->count = cut_vector(&seed, buffer, (size_t)request->size, longest[random_below(&seed, 7)],
                                    shape, ARRAY_COUNT(shape));
        request->pieces = shape;
        if (request->op == BLOCK_WRITE) {
            memcpy(model + request->offset, buffer, (size_t)request->size);
            memset(model + SIZE, 0, PADDED - SIZE);
        }
        ended = 0;
        block_submit(disk, request);
        run_clock(&machine_clock);
        ck_assert_int_eq(endings[0].error, 0);
        ck_assert_uint_eq(endings[0].moved, request->size);
        if (request->op == BLOCK_READ)
            ck_assert_mem_eq(buffer, model + request->offset, (size_t)request->size);
    }
}
END_TEST

START_TEST(statistics_count)
{
    static uint8_t buffer[2048];
    static struct iovec three[] = {{buffer, 10}, {buffer + 10, 1000}, {buffer + 1010, 526}};

    requests[0].op = BLOCK_READ;
    requests[0].offset = 512;
    requests[0].pieces = three;
    requests[0].count = 3;
    requests[0].size = 1536;
    block_submit(disk, &requests[0]);
    submit(1, BLOCK_WRITE, 0, buffer, 512);
    submit(2, BLOCK_FLUSH, 0, NULL, 0);
    run_clock(&machine_clock);
    const struct block_stats *stats = block_stats(disk);
    ck_assert_uint_eq(stats->reads, 1);
    ck_assert_uint_eq(stats->writes, 1);
    ck_assert_uint_eq(stats->flushes, 1);
    ck_assert_uint_eq(stats->errors, 0);
    ck_assert_uint_eq(stats->read_bytes, 1536);
    ck_assert_uint_eq(stats->written_bytes, 512);
    ck_assert_uint_eq(stats->pieces, 4);
    ck_assert_uint_eq(stats->most_pieces, 3);
    ck_assert_uint_eq(stats->host_calls, 0);
}
END_TEST

START_TEST(free_with_requests_in_flight)
{
    uint8_t buffer[512];

    for (unsigned i = 0; i < 3; i++) submit(i, BLOCK_READ, 0, buffer, 512);
    use_store(store_new_memory(512, NULL));
    for (unsigned i = 0; i < 3; i++) ck_assert(!block_request_busy(&requests[i]));
    run_clock(&machine_clock);
    ck_assert_uint_eq(ended, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *tests = tcase_create("block");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, deadline_of_one_request);
    tcase_add_test(tests, deadlines_queue_in_order);
    tcase_add_test(tests, deadline_after_an_overdue_request);
    tcase_add_test(tests, write_samples_at_submission);
    tcase_add_test(tests, read_fills_at_deadline);
    tcase_add_test(tests, cancel_leaves_memory_alone);
    tcase_add_test(tests, cancelled_time_is_given_back);
    tcase_add_test(tests, cancel_from_done);
    tcase_add_test(tests, lesson_37_reset_with_a_queued_write_spares_sector_0);
    tcase_add_test(tests, lesson_40_submit_from_done_does_not_recurse);
    tcase_add_test(tests, bad_requests_end_with_errors);
    tcase_add_test(tests, read_only_refuses_writes);
    tcase_add_test(tests, lesson_43_last_partial_sector_is_padded);
    tcase_add_test(tests, all_vector_shapes_match_a_model);
    tcase_add_test(tests, statistics_count);
    tcase_add_test(tests, free_with_requests_in_flight);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

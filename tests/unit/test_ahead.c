/* SPDX-License-Identifier: MIT */
/*
 * Working ahead shows nowhere: a store that answers late, in any order and with errors is run side by side with one
 * that is called at the defined instants, with the same requests. Endings, times, memory and the disk have to be the
 * same.
 */
#include <errno.h>

#include "block/ahead.h"
#include "block/block.h"
#include "block_helper.h"
#include "emu/core/bits.h"

enum { SECTORS = 48, IMAGE = SECTORS * 512 - 100, SLOTS = 8, BAD = 29 };

/* The host's disk. Sector BAD fails while `bad` is set. */
struct platter {
    uint8_t bytes[SECTORS * 512];
    bool bad;
};

static uint64_t platter_move(struct platter *platter, enum block_op op, uint64_t offset, void *bytes,
                             uint64_t size)
{
    uint64_t wrong = (uint64_t)BAD * 512, good = size;

    if (platter->bad && offset < wrong + 512 && wrong < offset + size)
        good = wrong > offset ? wrong - offset : 0;
    if (op == BLOCK_READ) memcpy(bytes, platter->bytes + offset, good);
    if (op == BLOCK_WRITE) memcpy(platter->bytes + offset, bytes, good);
    return good;
}

/* Called at the defined instants. */
struct plain_store {
    struct block_store store;
    struct platter platter;
};

static int plain_move(struct block_store *store, enum block_op op, uint64_t offset, struct vector at,
                      uint64_t size, struct store_progress *progress)
{
    uint8_t bytes[sizeof(((struct platter *)0)->bytes)];

    if (op == BLOCK_WRITE) vector_copy_out(at, bytes, size);
    progress->moved = platter_move(&((struct plain_store *)store)->platter, op, offset, bytes, size);
    progress->touched = op == BLOCK_READ ? progress->moved : 0;
    if (op == BLOCK_READ) vector_copy_in(at, bytes, progress->moved);
    return progress->moved < size ? EIO : 0;
}
static int plain_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                       struct store_progress *progress)
{
    return plain_move(store, BLOCK_READ, offset, at, size, progress);
}
static int plain_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                        struct store_progress *progress)
{
    return plain_move(store, BLOCK_WRITE, offset, at, size, progress);
}
static int plain_flush(struct block_store *store)
{
    (void)store;
    return 0;
}
static void plain_close(struct block_store *store)
{
    (void)store;
}
static const struct store_ops plain_ops = {.kind = "plain",
                                           .readv = plain_readv,
                                           .writev = plain_writev,
                                           .flush = plain_flush,
                                           .close = plain_close};

/* Answers when it likes: jobs wait here, and are done in any order. */
struct late_store {
    struct ahead_store ahead;
    struct platter platter;
    struct store_job *waiting[AHEAD_JOBS + 1];
    unsigned count, most;
    uint64_t seed;
    unsigned done_ahead;
};

static void late_do(struct late_store *late, unsigned which)
{
    struct store_job *job = late->waiting[which];

    late->waiting[which] = late->waiting[--late->count];
    if (job->op == BLOCK_FLUSH) {
        ahead_job_over(&late->ahead, job, 0);
        return;
    }
    job->moved = platter_move(&late->platter, job->op, job->offset, job->bytes, job->size);
    ahead_job_over(&late->ahead, job, job->moved < job->size ? EIO : 0);
}

static void late_start(struct ahead_store *ahead, struct store_job *job)
{
    struct late_store *late = (struct late_store *)ahead;

    for (unsigned i = 0; i < late->count; i++) {
        const struct store_job *other = late->waiting[i];
        bool apart = other->offset + other->size <= job->offset || job->offset + job->size <= other->offset;
        bool writes =
            other->op == BLOCK_WRITE || (job->op == BLOCK_WRITE && other->op == BLOCK_READ && !other->stale);
        ck_assert_msg(!writes || (apart && job->op != BLOCK_FLUSH), "%d runs beside %d", job->op, other->op);
    }
    ck_assert_uint_eq((uintptr_t)job->bytes % AHEAD_PAGE, 0);
    late->waiting[late->count++] = job;
    if (late->count > late->most) late->most = late->count;
    while (late->count && random_below(&late->seed, 4) == 0) {
        late_do(late, random_below(&late->seed, late->count));
        late->done_ahead++;
    }
}

static void late_wait(struct ahead_store *ahead)
{
    struct late_store *late = (struct late_store *)ahead;
    ck_assert_uint_ne(late->count, 0);
    late_do(late, random_below(&late->seed, late->count));
}

static int late_failed(struct ahead_store *ahead, const struct store_job *job)
{
    (void)ahead;
    return job->error;
}
static void late_close(struct block_store *store)
{
    ahead_destroy((struct ahead_store *)store);
    ck_assert_uint_eq(((struct late_store *)store)->count, 0);
}

static const struct ahead_ops late_ops = {late_start, late_wait, late_failed};
static const struct store_ops late_store_ops = {AHEAD_STORE_OPS, .kind = "late", .close = late_close};

/* A disk with its requests, and what came of them. */
struct side {
    struct block *disk;
    struct clock clock;
    struct block_request requests[SLOTS];
    uint8_t memory[SLOTS][8 * 512];
    struct iovec shapes[SLOTS][16];
    struct {
        unsigned slot;
        int error;
        uint64_t moved;
        vtime when;
    } endings[4096];
    unsigned ended;
};

static struct side sides[2];
static struct plain_store plain;
static struct late_store late;

static void request_ended(void *owner, struct block_request *request, int error, uint64_t touched)
{
    struct side *side = owner;
    unsigned slot = (unsigned)(request - side->requests), n = side->ended++;

    ck_assert_uint_lt(n, ARRAY_COUNT(side->endings));
    ck_assert_uint_ge(touched, request->op == BLOCK_READ ? request->moved : 0);
    side->endings[n].slot = slot;
    side->endings[n].error = error;
    side->endings[n].moved = request->moved;
    side->endings[n].when = clock_now(&side->clock);
}

static void setup(void)
{
    memset(&plain, 0, sizeof(plain));
    memset(&late, 0, sizeof(late));
    plain.store = (struct block_store){.ops = &plain_ops, .size = IMAGE};
    late.ahead.store = (struct block_store){.ops = &late_store_ops, .size = IMAGE};
    late.seed = 1;
    ahead_init(&late.ahead, &late_ops);
    for (unsigned i = 0; i < 2; i++) {
        memset(&sides[i], 0, sizeof(sides[i]));
        clock_init(&sides[i].clock, 0);
        sides[i].disk = block_new("disk0", i ? &late.ahead.store : &plain.store, &sides[i].clock);
        for (unsigned slot = 0; slot < SLOTS; slot++)
            block_request_init(&sides[i].requests[slot], &sides[i].clock, "request", request_ended,
                               &sides[i]);
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned slot = 0; slot < SLOTS; slot++) block_request_destroy(&sides[i].requests[slot]);
        block_free(sides[i].disk);
    }
}

static void submit(struct side *side, unsigned slot, enum block_op op, unsigned sector, unsigned count,
                   uint64_t seed)
{
    struct block_request *request = &side->requests[slot];

    request->op = op;
    request->offset = (uint64_t)sector * 512;
    request->size = op == BLOCK_FLUSH ? 0 : (uint64_t)count * 512;
    fill_random(&seed, side->memory[slot], (size_t)request->size);
    request->count =
        cut_vector(&seed, side->memory[slot], (size_t)request->size, 900, side->shapes[slot], 16);
    request->pieces = side->shapes[slot];
    block_submit(side->disk, request);
    if (op == BLOCK_WRITE) memset(side->memory[slot], 0xA5, (size_t)request->size); /* it was sampled */
}

static void pass_time(struct side *side, vtime time)
{
    vtime until = clock_now(&side->clock) + time;

    while (clock_deadline(&side->clock) <= until) {
        clock_jump(&side->clock, clock_deadline(&side->clock));
        clock_fire_due(&side->clock);
    }
    clock_jump(&side->clock, until);
}

static void compare_sides(void)
{
    ck_assert_uint_eq(sides[0].ended, sides[1].ended);
    ck_assert_mem_eq(sides[0].endings, sides[1].endings, sizeof(sides[0].endings[0]) * sides[0].ended);
    ck_assert_mem_eq(sides[0].memory, sides[1].memory, sizeof(sides[0].memory));
}

static void compare_disks(void)
{
    uint8_t all[2][SECTORS * 512];

    for (unsigned i = 0; i < 2; i++) ck_assert_int_eq(block_flush_now(sides[i].disk), 0);
    plain.platter.bad = late.platter.bad = false;
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(block_read_now(sides[i].disk, 0, all[i], sizeof(all[i])), 0);
    ck_assert_mem_eq(all[0], all[1], sizeof(all[0]));
}

static void random_step(uint64_t *seed)
{
    static const enum block_op ops[] = {BLOCK_READ,  BLOCK_READ,  BLOCK_READ,    BLOCK_WRITE, BLOCK_WRITE,
                                        BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_ZEROES};
    unsigned slot = random_below(seed, SLOTS), sector = random_below(seed, SECTORS - 8);
    unsigned count = 1 + random_below(seed, 8), choice = random_below(seed, 20);
    enum block_op op = ops[random_below(seed, ARRAY_COUNT(ops))];
    const uint64_t contents = *seed;
    vtime time = random_below(seed, 30000);
    uint8_t bytes[2][4096];

    if (random_below(seed, 3) == 0) sector = 20; /* where they meet */
    for (unsigned i = 0; i < 2; i++) {
        struct side *side = &sides[i];
        uint64_t random = contents;
        if (choice < 12 && !block_request_busy(&side->requests[slot]))
            submit(side, slot, op, sector, count, contents);
        else if (choice < 14)
            block_cancel(&side->requests[slot]);
        else if (choice == 14)
            ck_assert_int_eq(block_flush_now(side->disk), 0);
        else if (choice == 15)
            fill_random(&random, bytes[0], 4096), block_write_now(side->disk, 512 * 16, bytes[0], 512 * 3);
        else if (choice == 16)
            memset(bytes[i], 0, 4096), block_read_now(side->disk, (uint64_t)sector * 512, bytes[i], 4096);
        else
            pass_time(side, time);
    }
    if (choice == 16) ck_assert_mem_eq(bytes[0], bytes[1], 4096);
}

START_TEST(late_answers_do_not_show)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        for (unsigned i = 0; i < 2; i++) sides[i].ended = 0;
        plain.platter.bad = late.platter.bad = seed % 4 == 0;
        for (unsigned step = 0; step < 1500; step++) {
            random_step(&random);
            compare_sides();
        }
        for (unsigned i = 0; i < 2; i++) pass_time(&sides[i], VTIME_S);
        compare_sides();
        compare_disks();
    }
    ck_assert_uint_gt(late.most, 3); /* many were on their way at once */
    ck_assert_uint_gt(late.done_ahead, 1000);
}
END_TEST

/* Nothing is asked of the host at a deadline when it answered before. */
START_TEST(read_is_done_ahead_of_its_deadline)
{
    late.seed = 3;
    memset(late.platter.bytes, 0x42, sizeof(late.platter.bytes));
    submit(&sides[1], 0, BLOCK_READ, 0, 4, 1);
    while (late.count) late_wait(&late.ahead);
    memset(late.platter.bytes, 0x77, sizeof(late.platter.bytes)); /* too late to be seen */
    ck_assert_uint_ne(sides[1].memory[0][0], 0x42);
    pass_time(&sides[1], VTIME_MS);
    ck_assert_uint_eq(sides[1].memory[0][0], 0x42);
    ck_assert_uint_eq(sides[1].memory[0][2047], 0x42);
}
END_TEST

START_TEST(cancelled_write_still_goes_first)
{
    for (unsigned i = 0; i < 2; i++) {
        submit(&sides[i], 0, BLOCK_WRITE, 4, 2, 11);
        block_cancel(&sides[i].requests[0]);
        submit(&sides[i], 0, BLOCK_WRITE, 5, 2, 12);
        submit(&sides[i], 1, BLOCK_READ, 4, 4, 13);
        pass_time(&sides[i], VTIME_MS);
    }
    compare_sides();
    compare_disks();
}
END_TEST

START_TEST(requests_larger_than_it_takes_are_cut_up)
{
    late.ahead.largest = 1024;
    for (unsigned i = 0; i < 2; i++) {
        submit(&sides[i], 0, BLOCK_WRITE, 0, 7, 1);
        submit(&sides[i], 1, BLOCK_READ, 0, 8, 1);
        pass_time(&sides[i], VTIME_MS);
    }
    compare_sides();
    compare_disks();
}
END_TEST

/* Waits for it, since the host writes to memory that is about to be freed. */
START_TEST(closed_while_jobs_are_on_their_way)
{
    late.seed = 3; /* nothing is done as soon as it is begun */
    for (unsigned slot = 0; slot < 4; slot++) submit(&sides[1], slot, BLOCK_READ, slot, 1, 1);
    ck_assert_uint_ge(late.count, 2);
    block_cancel(&sides[1].requests[0]);
    block_free(sides[1].disk);
    ck_assert_uint_eq(late.count, 0);
    for (unsigned slot = 0; slot < 4; slot++) ck_assert(!block_request_busy(&sides[1].requests[slot]));
    sides[1].disk = block_new("disk0", NULL, &sides[1].clock);
}
END_TEST

START_TEST(save_finds_out_what_a_write_came_to)
{
    struct block_request_state state[2];

    plain.platter.bad = late.platter.bad = true;
    for (unsigned i = 0; i < 2; i++) {
        submit(&sides[i], 0, BLOCK_WRITE, BAD - 2, 4, 1);
        submit(&sides[i], 1, BLOCK_WRITE, 0, 4, 2);
        submit(&sides[i], 2, BLOCK_READ, 0, 4, 3);
    }
    for (unsigned slot = 0; slot < 3; slot++) {
        memset(state, 0, sizeof(state));
        for (unsigned i = 0; i < 2; i++) block_request_get_state(&sides[i].requests[slot], &state[i]);
        ck_assert_mem_eq(&state[0], &state[1], sizeof(state[0]));
        ck_assert_int_eq(state[1].error, slot == 0 ? EIO : 0);
        ck_assert_uint_eq(state[1].moved, slot == 0 ? 1024 : slot == 1 ? 2048 : 0);
    }
    for (unsigned i = 0; i < 2; i++) pass_time(&sides[i], VTIME_MS);
    compare_sides();
}
END_TEST

START_TEST(medium_goes_while_jobs_are_on_their_way)
{
    for (unsigned i = 0; i < 2; i++) {
        submit(&sides[i], 0, BLOCK_WRITE, 0, 4, 2);
        submit(&sides[i], 1, BLOCK_READ, 0, 4, 3);
        submit(&sides[i], 2, BLOCK_FLUSH, 0, 0, 3);
        block_change_medium(sides[i].disk, NULL);
        pass_time(&sides[i], VTIME_MS);
        ck_assert_uint_eq(sides[i].ended, 3);
        ck_assert_int_eq(sides[i].endings[0].error, 0);
        ck_assert_int_eq(sides[i].endings[1].error, ENOMEDIUM);
        ck_assert_int_eq(sides[i].endings[2].error, 0);
    }
    compare_sides();
    ck_assert_mem_eq(plain.platter.bytes, late.platter.bytes, IMAGE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *tests = tcase_create("ahead");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, late_answers_do_not_show);
    tcase_add_test(tests, read_is_done_ahead_of_its_deadline);
    tcase_add_test(tests, cancelled_write_still_goes_first);
    tcase_add_test(tests, requests_larger_than_it_takes_are_cut_up);
    tcase_add_test(tests, closed_while_jobs_are_on_their_way);
    tcase_add_test(tests, save_finds_out_what_a_write_came_to);
    tcase_add_test(tests, medium_goes_while_jobs_are_on_their_way);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

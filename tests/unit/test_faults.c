/* SPDX-License-Identifier: MIT */
/*
 * What can go wrong with a disk, on purpose: rules of faults and their texts, what becomes of errors (report, stop,
 * ignore, enospc), trying again, media that go while requests are in flight, seeks; and all of it saved and loaded.
 */
#include <errno.h>

#include "block/block.h"
#include "block/faults.h"
#include "block/store.h"
#include "block_helper.h"
#include "emu/core/bits.h"

enum { SECTORS = 128, IMAGE = SECTORS * 512, REQUESTS = 4 };
#define FIXED (8 * VTIME_US)

static struct clock machine_clock;
static struct block *disk;
static struct block_request requests[REQUESTS];
static struct iovec pieces[REQUESTS];
static uint8_t contents[IMAGE], memory[REQUESTS][IMAGE];
static struct {
    unsigned times;
    int error;
    uint64_t moved, touched;
    vtime when;
} ending[REQUESTS];
static unsigned stops, changes;
static struct block_failure last_stop;
static int host_error; /* of the store, while it is not 0 */
static unsigned host_writes;

/* A memory store that fails when it is told to. */
static const struct store_ops *memory_ops;
static struct store_ops moody_ops;

static int moody_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                       struct store_progress *progress)
{
    if (!host_error) return memory_ops->readv(store, offset, at, size, progress);
    *progress = (struct store_progress){0, 0};
    return host_error;
}

static int moody_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                        struct store_progress *progress)
{
    host_writes++;
    if (!host_error) return memory_ops->writev(store, offset, at, size, progress);
    *progress = (struct store_progress){0, 0};
    return host_error;
}

static int moody_flush(struct block_store *store)
{
    (void)store;
    return host_error;
}

static struct block_store *new_store(void)
{
    struct block_store *store = store_new_memory(IMAGE, contents);
    ck_assert_ptr_nonnull(store);
    memory_ops = store->ops;
    moody_ops = *memory_ops;
    moody_ops.readv = moody_readv;
    moody_ops.writev = moody_writev;
    moody_ops.flush = moody_flush;
    moody_ops.zero = NULL;
    store->ops = &moody_ops;
    return store;
}

static void request_ended(void *owner, struct block_request *request, int error, uint64_t touched)
{
    unsigned which = (unsigned)(request - requests);
    ck_assert_ptr_eq(owner, contents);
    ending[which].times++;
    ending[which].error = error;
    ending[which].moved = request->moved;
    ending[which].touched = touched;
    ending[which].when = clock_now(&machine_clock);
}

static void machine_stopped(void *owner, struct block *block, const struct block_failure *why)
{
    ck_assert_ptr_eq(owner, memory);
    ck_assert(block_stopped(block));
    stops++;
    last_stop = *why;
}

static void medium_changed(void *owner, struct block *block)
{
    ck_assert_ptr_eq(owner, memory);
    ck_assert_ptr_eq(block, disk);
    changes++;
}

static void setup(void)
{
    uint64_t seed = 3;

    memset(ending, 0, sizeof(ending));
    memset(memory, 0xEE, sizeof(memory));
    stops = changes = host_writes = 0;
    host_error = 0;
    clock_init(&machine_clock, 0);
    fill_random(&seed, contents, sizeof(contents));
    disk = block_new("disk0", new_store(), &machine_clock);
    for (unsigned i = 0; i < REQUESTS; i++)
        block_request_init(&requests[i], &machine_clock, "disk0.request", request_ended, contents);
}

static void teardown(void)
{
    host_error = 0;
    for (unsigned i = 0; i < REQUESTS; i++) block_request_destroy(&requests[i]);
    block_free(disk);
}

static void prepare(unsigned which, enum block_op op, uint64_t sector, uint64_t count)
{
    struct block_request *request = &requests[which];
    pieces[which] = (struct iovec){memory[which], (size_t)count * 512};
    request->op = op;
    request->offset = sector * 512;
    request->pieces = &pieces[which];
    request->count = 1;
    request->size = op == BLOCK_FLUSH ? 0 : count * 512;
}

static void submit(unsigned which, enum block_op op, uint64_t sector, uint64_t count)
{
    prepare(which, op, sector, count);
    block_submit(disk, &requests[which]);
}

static int run(unsigned which, enum block_op op, uint64_t sector, uint64_t count)
{
    unsigned before = ending[which].times;
    submit(which, op, sector, count);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ending[which].times, before + 1);
    return ending[which].error;
}

static void set_fault(const char *text)
{
    struct fault_rule rule;
    struct error error = {""};
    ck_assert_msg(fault_parse(text, &rule, &error), "%s", error.text);
    block_set_faults(disk, &rule, 1);
}

/* Rules. */

START_TEST(texts_of_faults)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "reed",
                                      "sector",
                                      "sector=",
                                      "sector=-1",
                                      "sector=5-4",
                                      "sector=5-",
                                      "command=0",
                                      "every=x",
                                      "chance=0",
                                      "error=efoo",
                                      "delay=8",
                                      "short=x",
                                      "once=1",
                                      "read,write",
                                      "sector=99999999999999999999"};
    struct fault_rule rule;
    struct error error;
    char huge[400];

    ck_assert(fault_parse("read:sector=100-107:error=enospc:once", &rule, NULL));
    ck_assert(rule.ops == BIT(BLOCK_READ) && rule.at_sector && rule.first == 100 && rule.last == 107);
    ck_assert(rule.error == ENOSPC && rule.once && !rule.command && !rule.every && !rule.delay &&
              !rule.is_short);
    ck_assert(fault_parse("write:flush:command=3", &rule, NULL));
    ck_assert(rule.ops == (BIT(BLOCK_WRITE) | BIT(BLOCK_FLUSH)) && rule.command == 3 && rule.error == EIO);
    ck_assert(fault_parse("delay=5ms:every=2", &rule, NULL));
    ck_assert(rule.ops == UINT32_MAX && rule.error == 0 && rule.delay == 5 * VTIME_MS && rule.every == 2);
    ck_assert(fault_parse("short=1K:chance=10:seed=9", &rule, NULL));
    ck_assert(rule.is_short && rule.short_size == 1024 && rule.error == EIO && rule.chance == 10 &&
              rule.seed == 9);
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        error.text[0] = 0;
        ck_assert_msg(!fault_parse(bad[i], &rule, &error), "%s", bad[i]);
        ck_assert_uint_gt(strlen(error.text), 0);
    }
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = 0;
    ck_assert(!fault_parse(huge, &rule, &error));
}
END_TEST

START_TEST(fault_at_a_sector_lets_what_is_before_through)
{
    set_fault("read:sector=10-11");
    ck_assert_int_eq(run(0, BLOCK_READ, 7, 8), EIO);
    ck_assert_uint_eq(ending[0].moved, 3 * 512);
    ck_assert_uint_eq(ending[0].touched, 3 * 512);
    ck_assert_mem_eq(memory[0], contents + 7 * 512, 3 * 512);
    ck_assert_uint_eq(memory[0][3 * 512], 0xEE);
    ck_assert_int_eq(run(0, BLOCK_READ, 11, 1), EIO);
    ck_assert_uint_eq(ending[0].moved, 0);
    ck_assert_int_eq(run(0, BLOCK_READ, 12, 4), 0);
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 10), 0);
    ck_assert_int_eq(run(0, BLOCK_WRITE, 10, 1), 0);
    ck_assert_uint_eq(block_stats(disk)->errors, 2);
}
END_TEST

START_TEST(faulty_write_reaches_the_disk_in_part)
{
    uint8_t back[8 * 512];

    memset(memory[0], 0x11, sizeof(memory[0]));
    set_fault("write:short=1100:error=enospc");
    ck_assert_int_eq(run(0, BLOCK_WRITE, 0, 8), ENOSPC);
    ck_assert_uint_eq(ending[0].moved, 1100);
    ck_assert_int_eq(block_read_now(disk, 0, back, sizeof(back)), 0);
    ck_assert_uint_eq(back[1099], 0x11);
    ck_assert_mem_eq(back + 1100, contents + 1100, sizeof(back) - 1100);
    set_fault("discard:zeroes:flush");
    ck_assert_int_eq(run(0, BLOCK_DISCARD, 20, 1), EIO);
    ck_assert_int_eq(run(0, BLOCK_ZEROES, 20, 1), EIO);
    ck_assert_int_eq(run(0, BLOCK_FLUSH, 0, 0), EIO);
    ck_assert_int_eq(block_read_now(disk, 20 * 512, back, 512), 0);
    ck_assert_mem_eq(back, contents + 20 * 512, 512);
}
END_TEST

START_TEST(faults_by_count_and_once)
{
    set_fault("read:command=3");
    for (unsigned i = 1; i <= 6; i++) ck_assert_int_eq(run(0, BLOCK_READ, 0, 1), i == 3 ? EIO : 0);
    set_fault("read:every=2");
    for (unsigned i = 1; i <= 6; i++) ck_assert_int_eq(run(0, BLOCK_READ, 0, 1), i % 2 ? 0 : EIO);
    set_fault("any:once:error=etimedout");
    for (unsigned i = 1; i <= 3; i++) ck_assert_int_eq(run(0, BLOCK_READ, 0, 1), i == 1 ? ETIMEDOUT : 0);
}
END_TEST

START_TEST(faults_by_seed_repeat)
{
    uint64_t struck[3] = {0};
    static const char *const texts[] = {"chance=4:seed=1", "chance=4:seed=1", "chance=4:seed=2"};

    for (unsigned i = 0; i < 3; i++) {
        set_fault(texts[i]);
        for (unsigned n = 0; n < 60; n++) struck[i] |= (uint64_t)(run(0, BLOCK_READ, 0, 1) != 0) << n;
    }
    ck_assert_uint_eq(struck[0], struck[1]);
    ck_assert_uint_ne(struck[0], struck[2]);
    ck_assert_int_gt(__builtin_popcountll(struck[0]), 5);
    ck_assert_int_lt(__builtin_popcountll(struck[0]), 30);
}
END_TEST

START_TEST(delay_is_virtual_time)
{
    set_fault("read:command=1:delay=5ms");
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 1), 0);
    ck_assert(ending[0].when == 5 * VTIME_MS + FIXED + 128);
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 1), 0);
    ck_assert(ending[0].when == 5 * VTIME_MS + 2 * (FIXED + 128));
}
END_TEST

/* Latency. */

START_TEST(seeks_and_slow_disks)
{
    const struct block_latency slow = {
        .fixed = VTIME_MS, .flush = 2 * VTIME_MS, .seek = 128 * VTIME_MS, .bytes_per_ms = 512};

    block_set_latency(disk, &slow);
    run(0, BLOCK_READ, 64, 1); /* half the disk away */
    ck_assert(ending[0].when == (1 + 64 + 1) * VTIME_MS);
    run(0, BLOCK_READ, 65, 2); /* goes on */
    ck_assert(ending[0].when == (66 + 1 + 2) * VTIME_MS);
    run(0, BLOCK_FLUSH, 0, 0);
    ck_assert(ending[0].when == (69 + 2) * VTIME_MS);
    run(0, BLOCK_DISCARD, 63, 4); /* back by four, and no bytes move */
    ck_assert(ending[0].when == (71 + 1 + 4) * VTIME_MS);
    ck_assert_int_eq(run(0, BLOCK_READ, SECTORS, 1), EINVAL); /* the head stays */
    run(0, BLOCK_READ, 67, 1);
    ck_assert(ending[0].when == (76 + 1 + 2) * VTIME_MS);
}
END_TEST

START_TEST(unsafe_keeps_flushes_to_itself)
{
    host_error = EIO;
    ck_assert_int_eq(run(0, BLOCK_FLUSH, 0, 0), EIO);
    block_set_no_flush(disk, true);
    ck_assert_int_eq(run(0, BLOCK_FLUSH, 0, 0), 0);
}
END_TEST

/* What becomes of errors. */

START_TEST(errors_are_reported_or_ignored)
{
    host_error = EIO;
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 2), EIO);
    block_set_policy(disk, BLOCK_IGNORE, BLOCK_REPORT);
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 2), 0);
    ck_assert_uint_eq(ending[0].moved, 1024);
    ck_assert_uint_eq(ending[0].touched, 1024);
    for (unsigned i = 0; i < 1024; i++) ck_assert_uint_eq(memory[0][i], 0);
    ck_assert_uint_eq(memory[0][1024], 0xEE);
    ck_assert_int_eq(run(0, BLOCK_WRITE, 0, 2), EIO);
    block_set_policy(disk, BLOCK_REPORT, BLOCK_IGNORE);
    ck_assert_int_eq(run(0, BLOCK_WRITE, 0, 2), 0);
    ck_assert_int_eq(run(0, BLOCK_FLUSH, 0, 0), 0);
    ck_assert_int_eq(run(0, BLOCK_READ, SECTORS, 1), EINVAL); /* the guest's own mistake */
    ck_assert_int_eq(run(0, BLOCK_WRITE, SECTORS, 1), EINVAL);
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 2), EIO);
    host_error = 0;
    block_set_policy(disk, BLOCK_IGNORE, BLOCK_REPORT);
    set_fault("read:sector=5");
    ck_assert_int_eq(run(0, BLOCK_READ, 4, 4), 0); /* what could be read is there */
    ck_assert_mem_eq(memory[0], contents + 4 * 512, 512);
    ck_assert_uint_eq(memory[0][512], 0);
    ck_assert_uint_eq(memory[0][4 * 512 - 1], 0);
}
END_TEST

static void stop_on_errors(enum block_policy on_write)
{
    block_set_policy(disk, BLOCK_STOP, on_write);
    block_set_stop_handler(disk, machine_stopped, memory);
}

START_TEST(stop_without_a_machine_is_report)
{
    block_set_policy(disk, BLOCK_STOP, BLOCK_STOP);
    host_error = EIO;
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 2), EIO);
}
END_TEST

START_TEST(stopped_request_is_tried_again)
{
    static const enum block_op ops[] = {BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_ZEROES};
    struct capture capture;

    stop_on_errors(BLOCK_STOP);
    for (unsigned i = 0; i < ARRAY_COUNT(ops); i++) {
        stops = 0;
        host_error = EIO;
        unsigned before = ending[0].times;
        capture_begin(&capture);
        submit(0, ops[i], 3, 2);
        run_clock(&machine_clock);
        for (unsigned again = 1; again <= 3; again++) {
            ck_assert_uint_eq(stops, again);
            ck_assert(last_stop.op == ops[i] && last_stop.error == EIO && last_stop.offset == 3 * 512);
            ck_assert(block_stopped(disk) && block_request_busy(&requests[0]));
            ck_assert_uint_eq(ending[0].times, before);
            if (again == 3) host_error = 0;
            block_resume(disk);
            ck_assert(!block_stopped(disk));
            run_clock(&machine_clock);
        }
        ck_assert_uint_eq(count_lines(capture_end(&capture)), 3);
        ck_assert_ptr_nonnull(strstr(capture.text, "disk0: "));
        ck_assert_uint_eq(ending[0].times, before + 1);
        ck_assert_int_eq(ending[0].error, 0);
    }
    block_resume(disk);
    run_clock(&machine_clock);
    ck_assert_int_eq(run(0, BLOCK_WRITE, SECTORS, 1), EINVAL);
    ck_assert_uint_eq(stops, 3);
}
END_TEST

START_TEST(enospc_stops_only_for_room)
{
    uint8_t back[512];

    stop_on_errors(BLOCK_ENOSPC);
    host_error = EIO;
    ck_assert_int_eq(run(0, BLOCK_WRITE, 0, 1), EIO);
    host_error = ENOSPC;
    memset(memory[1], 0x21, 512);
    submit(1, BLOCK_WRITE, 0, 1);
    run_clock(&machine_clock);
    ck_assert_uint_eq(stops, 1);
    ck_assert_uint_eq(ending[1].times, 0);
    host_error = 0;
    block_resume(disk);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending[1].error, 0);
    ck_assert_int_eq(block_read_now(disk, 0, back, 512), 0);
    ck_assert_uint_eq(back[511], 0x21);
}
END_TEST

/* Others go on, each stop is told, and what waits goes on in its order. */
START_TEST(several_stopped_requests)
{
    stop_on_errors(BLOCK_STOP);
    set_fault("read:sector=10-11");
    submit(0, BLOCK_READ, 10, 1);
    submit(1, BLOCK_READ, 0, 1);
    submit(2, BLOCK_READ, 11, 1);
    run_clock(&machine_clock);
    ck_assert_uint_eq(stops, 2);
    ck_assert_uint_eq(ending[1].times, 1);
    ck_assert_int_eq(run(3, BLOCK_READ, 0, 1), 0);
    ck_assert(ending[3].when == 4 * (FIXED + 128));
    block_set_faults(disk, NULL, 0);
    block_resume(disk);
    run_clock(&machine_clock);
    ck_assert(ending[0].when == 5 * (FIXED + 128));
    ck_assert(ending[2].when == 6 * (FIXED + 128));
    ck_assert_int_eq(ending[0].error | ending[2].error, 0);
    ck_assert_mem_eq(memory[2], contents + 11 * 512, 512);
}
END_TEST

START_TEST(lesson_37_stopped_request_can_be_taken_back)
{
    stop_on_errors(BLOCK_STOP);
    host_error = EIO;
    submit(0, BLOCK_WRITE, 0, 1);
    run_clock(&machine_clock);
    block_cancel(&requests[0]);
    ck_assert(!block_stopped(disk));
    requests[0].offset = 0;
    host_error = 0;
    unsigned writes = host_writes;
    block_resume(disk);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ending[0].times, 0);
    ck_assert_uint_eq(host_writes, writes);
}
END_TEST

/* Media. */

START_TEST(requests_in_flight_when_the_medium_goes)
{
    uint8_t back[512];

    stop_on_errors(BLOCK_STOP);
    block_set_medium_handler(disk, medium_changed, memory);
    set_fault("read:sector=50");
    memset(memory[1], 0x31, 512);
    submit(3, BLOCK_READ, 50, 1);
    run_clock(&machine_clock);
    ck_assert_uint_eq(stops, 1); /* 3 waits */
    submit(0, BLOCK_READ, 0, 1);
    submit(1, BLOCK_WRITE, 1, 1);
    submit(2, BLOCK_FLUSH, 0, 0);
    block_change_medium(disk, NULL);
    ck_assert_uint_eq(changes, 1);
    run_clock(&machine_clock);
    ck_assert_int_eq(ending[0].error, ENOMEDIUM);
    ck_assert_uint_eq(memory[0][0], 0xEE);
    ck_assert_int_eq(ending[1].error, 0);
    ck_assert_int_eq(ending[2].error, 0);
    ck_assert(ending[2].when == 3 * (FIXED + 128) + 100 * VTIME_US); /* no deadline moved */
    ck_assert_int_eq(run(0, BLOCK_READ, 0, 1), ENOMEDIUM);
    ck_assert_int_eq(run(0, BLOCK_FLUSH, 0, 0), ENOMEDIUM);
    block_change_medium(disk, new_store());
    ck_assert_uint_eq(changes, 2);
    block_resume(disk); /* and does not try the new medium */
    run_clock(&machine_clock);
    ck_assert_int_eq(ending[3].error, ENOMEDIUM);
    ck_assert_int_eq(block_read_now(disk, 512, back, 512), 0);
    ck_assert_mem_eq(back, contents + 512, 512);
    ck_assert_int_eq(run(0, BLOCK_READ, 1, 1), 0);
    ck_assert_uint_eq(stops, 1);
}
END_TEST

START_TEST(failed_write_is_not_tried_on_another_medium)
{
    stop_on_errors(BLOCK_STOP);
    host_error = EIO;
    submit(0, BLOCK_WRITE, 1, 1);
    host_error = 0;
    block_change_medium(disk, new_store());
    unsigned writes = host_writes;
    run_clock(&machine_clock);
    block_resume(disk);
    run_clock(&machine_clock);
    ck_assert_uint_eq(ending[0].times, 1);
    ck_assert_int_eq(ending[0].error, EIO);
    ck_assert_uint_eq(host_writes, writes);
}
END_TEST

/* Save and load: everything goes into a second disk with requests of its own, and ends there as it would have here. */

static struct block *saved_into(struct block *from, struct state_buffer *to)
{
    struct error error = {""};
    struct block *twin = block_new("disk0", new_store(), &machine_clock);
    struct block_request_state states[REQUESTS];
    bool pending[REQUESTS];
    vtime deadlines[REQUESTS];

    ck_assert(block_save(from, to, &error));
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct block_request_state state;
        block_request_get_state(&requests[i], &state);
        struct state_buffer buffer = {0}; /* through its saved form */
        state_save(&block_request_table, &state, &buffer);
        ck_assert(state_load(&block_request_table, &states[i], &buffer, &error));
        state_buffer_free(&buffer);
        pending[i] = clock_event_pending(&requests[i].deadline);
        deadlines[i] = requests[i].deadline.deadline;
    }
    for (unsigned i = 0; i < REQUESTS; i++) block_cancel(&requests[i]);
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (!states[i].busy) continue;
        ck_assert(block_request_resume(twin, &requests[i], &states[i]));
        if (pending[i]) clock_event_at(&requests[i].deadline, deadlines[i]); /* the clock's part */
    }
    return twin;
}

START_TEST(stopped_and_faulty_requests_are_saved)
{
    struct state_buffer saved = {0};
    struct error error = {""};
    struct fault_rule rules[2];

    ck_assert(fault_parse("read:sector=10:once", &rules[0], NULL));
    ck_assert(fault_parse("read:sector=20:command=2:error=enospc", &rules[1], NULL));
    block_set_faults(disk, rules, 2);
    stop_on_errors(BLOCK_STOP);
    submit(0, BLOCK_READ, 10, 1); /* fails once, and waits */
    submit(1, BLOCK_READ, 20, 1); /* counted by the second rule */
    run_clock(&machine_clock);
    ck_assert_uint_eq(stops, 1);
    submit(2, BLOCK_READ, 18, 4); /* will fail behind two sectors */
    memset(memory[3], 0x44, 512);
    submit(3, BLOCK_WRITE, 30, 1);
    vtime last = requests[3].deadline.deadline;

    struct block *twin = saved_into(disk, &saved);
    block_set_faults(twin, rules, 2);
    block_set_policy(twin, BLOCK_STOP, BLOCK_STOP);
    block_set_stop_handler(twin, machine_stopped, memory);
    ck_assert(block_load(twin, &saved, &error));
    state_buffer_free(&saved);
    ck_assert(block_stopped(twin) && !block_stopped(disk));
    unsigned writes = host_writes;
    run_clock(&machine_clock);
    ck_assert_uint_eq(stops, 2); /* 2 has joined 0 */
    ck_assert(last_stop.error == ENOSPC && last_stop.offset == 18 * 512);
    ck_assert_mem_eq(memory[2], contents + 18 * 512, 1024);
    ck_assert_int_eq(ending[3].error, 0);
    ck_assert(ending[3].when == last);
    ck_assert_uint_eq(host_writes, writes); /* it had reached the disk before */
    block_resume(twin);
    run_clock(&machine_clock);
    ck_assert_uint_eq(stops, 2); /* the rules remember: once, and the second only */
    ck_assert_int_eq(ending[0].error | ending[2].error, 0);
    ck_assert_mem_eq(memory[0], contents + 10 * 512, 512);
    for (unsigned i = 0; i < REQUESTS; i++) block_cancel(&requests[i]);
    block_free(twin);
}
END_TEST

START_TEST(saved_requests_are_checked)
{
    struct block_request_state state;

    submit(0, BLOCK_READ, 1, 2);
    block_request_get_state(&requests[0], &state);
    block_cancel(&requests[0]);
    struct block_request_state longer = state, further = state, other = state;
    longer.limit = 1025;
    further.moved = 4096;
    other.offset = 0;
    ck_assert(!block_request_resume(disk, &requests[0], &longer));
    ck_assert(!block_request_resume(disk, &requests[0], &further));
    ck_assert(!block_request_resume(disk, &requests[0], &other));
    ck_assert(block_request_resume(disk, &requests[0], &state));
    ck_assert(!block_request_resume(disk, &requests[0], &state));
}
END_TEST

START_TEST(drive_without_a_medium_is_saved)
{
    struct state_buffer saved = {0};
    struct error error = {""};
    uint64_t hash[2];

    block_change_medium(disk, NULL);
    ck_assert(block_save(disk, &saved, &error));
    ck_assert(block_load(disk, &saved, &error));
    state_buffer_free(&saved);
    ck_assert_int_eq(block_fingerprint(disk, &hash[0]), 0);
    block_change_medium(disk, new_store());
    ck_assert_int_eq(block_fingerprint(disk, &hash[1]), 0);
    ck_assert_uint_ne(hash[0], hash[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("faults");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, texts_of_faults);
    tcase_add_test(tests, fault_at_a_sector_lets_what_is_before_through);
    tcase_add_test(tests, faulty_write_reaches_the_disk_in_part);
    tcase_add_test(tests, faults_by_count_and_once);
    tcase_add_test(tests, faults_by_seed_repeat);
    tcase_add_test(tests, delay_is_virtual_time);
    tcase_add_test(tests, seeks_and_slow_disks);
    tcase_add_test(tests, unsafe_keeps_flushes_to_itself);
    tcase_add_test(tests, errors_are_reported_or_ignored);
    tcase_add_test(tests, stop_without_a_machine_is_report);
    tcase_add_test(tests, stopped_request_is_tried_again);
    tcase_add_test(tests, enospc_stops_only_for_room);
    tcase_add_test(tests, several_stopped_requests);
    tcase_add_test(tests, lesson_37_stopped_request_can_be_taken_back);
    tcase_add_test(tests, requests_in_flight_when_the_medium_goes);
    tcase_add_test(tests, failed_write_is_not_tried_on_another_medium);
    tcase_add_test(tests, stopped_and_faulty_requests_are_saved);
    tcase_add_test(tests, saved_requests_are_checked);
    tcase_add_test(tests, drive_without_a_medium_is_saved);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

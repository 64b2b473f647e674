/* SPDX-License-Identifier: MIT */
/* Streams between guest memory and a buffer: any bytes, whatever maps return; cancelled, saved and loaded. */
#include "mem/buffer_stream.h"
#include "tests/unit/mem_helper.h"

enum { RAM_SIZE = 0x8000, BUFFER = 5000 };

static struct world world;
static struct buffer_stream stream;
static struct sglist list;
static uint8_t buffer[BUFFER];
static unsigned dones;
static enum stream_status last_status;
static uint64_t last_moved;

static void done(void *owner, struct buffer_stream *bytes, enum stream_status status, uint64_t moved)
{
    ck_assert_ptr_eq(owner, &world);
    ck_assert(!buffer_stream_busy(bytes));
    dones++;
    last_status = status;
    last_moved = moved;
}

static void open_all(enum dma_mode mode, uint64_t limit)
{
    world_open(&world, RAM_SIZE);
    world_configure(&world, mode, limit, 5);
    buffer_stream_init(&stream, "buffer", world.space, done, &world);
    sglist_init(&list, 4);
    dones = 0;
}

static void close_all(void)
{
    buffer_stream_destroy(&stream);
    sglist_destroy(&list);
    world_close(&world, 0);
}

/* Odd lengths and places, in ascending order without overlap; returns the bytes. */
static uint64_t random_list(uint64_t *seed)
{
    uint64_t at = random_below(seed, 100), pieces = 1 + random_below(seed, 9);
    sglist_reset(&list);
    for (uint64_t i = 0; i < pieces; i++) {
        uint64_t length = 1 + random_below(seed, 500);
        sglist_add(&list, at, length);
        at += length + random_below(seed, 300);
    }
    return list.size;
}

static void check_moved(const uint8_t *ram_before, bool to_memory)
{
    uint64_t position = 0;
    for (unsigned i = 0; i < list.count; i++) {
        const struct sg_piece *piece = &list.pieces[i];
        const uint8_t *from = to_memory ? world.ram->host : ram_before;
        ck_assert_mem_eq(from + piece->addr, buffer + position, piece->length);
        position += piece->length;
    }
}

/* Direct, through one byte at a time, a few, and maps that fail by seed. */
START_TEST(lesson_43_any_bytes_in_every_mode)
{
    static const struct {
        enum dma_mode mode;
        uint64_t limit;
    } modes[] = {
        {DMA_MODE_DIRECT, 4096}, {DMA_MODE_INDIRECT, 1}, {DMA_MODE_INDIRECT, 333}, {DMA_MODE_FAULTY, 4096}};
    static uint8_t before[RAM_SIZE];
    uint64_t seed = 77;
    open_all(modes[_i].mode, modes[_i].limit);
    for (unsigned round = 0; round < 60; round++) {
        bool to_memory = round & 1;
        random_bytes(&seed, world.ram->host, RAM_SIZE);
        random_bytes(&seed, buffer, BUFFER);
        memcpy(before, world.ram->host, RAM_SIZE);
        uint64_t size = random_list(&seed);
        buffer_stream_start(&stream, buffer, to_memory ? DMA_FROM_DEVICE : DMA_TO_DEVICE, &list);
        ck_assert(buffer_stream_busy(&stream));
        world_run(&world);
        ck_assert_uint_eq(dones, round + 1);
        ck_assert_int_eq(last_status, STREAM_OK);
        ck_assert_uint_eq(last_moved, size);
        check_moved(before, to_memory);
    }
    close_all();
}
END_TEST

START_TEST(what_lies_before_a_hole_moves)
{
    open_all(DMA_MODE_DIRECT, 4096);
    memset(buffer, 0x5a, BUFFER);
    sglist_add(&list, RAM_SIZE - 7, 7);
    sglist_add(&list, RAM_SIZE + 0x1000, 9);
    buffer_stream_start(&stream, buffer, DMA_FROM_DEVICE, &list);
    world_run(&world);
    ck_assert_uint_eq(dones, 1);
    ck_assert_int_ne(last_status, STREAM_OK);
    ck_assert_uint_le(last_moved, 7);
    close_all();
}
END_TEST

START_TEST(cancelled_is_not_done)
{
    open_all(DMA_MODE_INDIRECT, 1);
    sglist_add(&list, 3, 100);
    buffer_stream_start(&stream, buffer, DMA_FROM_DEVICE, &list);
    buffer_stream_cancel(&stream);
    buffer_stream_cancel(&stream);
    world_run(&world);
    ck_assert_uint_eq(dones, 0);
    buffer_stream_start(&stream, buffer, DMA_TO_DEVICE, &list);
    world_run(&world);
    ck_assert_uint_eq(dones, 1);
    close_all();
}
END_TEST

/* Before the first round; refused without a buffer. */
START_TEST(saved_and_taken_up_again)
{
    struct state_buffer saved = {0}, time = {0};
    struct error error;
    open_all(DMA_MODE_INDIRECT, 64);
    memset(buffer, 0xc3, BUFFER);
    sglist_add(&list, 11, 1000);
    buffer_stream_start(&stream, buffer, DMA_FROM_DEVICE, &list);
    ck_assert(buffer_stream_save(&stream, &saved, &error));
    clock_save(&world.clock, &time);
    buffer_stream_cancel(&stream);
    ck_assert(!buffer_stream_load(&stream, NULL, &list, &saved, &error));
    saved.cursor = 0;
    ck_assert(buffer_stream_load(&stream, buffer, &list, &saved, &error));
    ck_assert(clock_load(&world.clock, &time, &error));
    world_run(&world);
    ck_assert_uint_eq(dones, 1);
    ck_assert_uint_eq(last_moved, 1000);
    ck_assert_mem_eq(world.ram->host + 11, buffer, 1000);
    ck_assert_uint_eq(world.ram->host[10], 0);
    ck_assert_uint_eq(world.ram->host[1011], 0);
    state_buffer_free(&saved), state_buffer_free(&time);
    close_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buffer_stream");
    TCase *tcase = tcase_create("buffer_stream");
    tcase_add_loop_test(tcase, lesson_43_any_bytes_in_every_mode, 0, 4);
    tcase_add_test(tcase, what_lies_before_a_hole_moves);
    tcase_add_test(tcase, cancelled_is_not_done);
    tcase_add_test(tcase, saved_and_taken_up_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

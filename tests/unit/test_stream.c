/* SPDX-License-Identifier: MIT */
/* The stream engine: whatever maps return, the right bytes move, in units, and nothing stays mapped. */
#include "mem/stream.h"
#include "tests/unit/mem_helper.h"

#define DISK_SIZE 0x4000
#define RAM_SIZE  0x10000

/* A backend with a disk in memory. It answers within submit, or from an event. */
struct disk {
    struct world *world;
    struct stream stream;
    struct sglist list;
    uint8_t bytes[DISK_SIZE];
    uint32_t unit;
    struct clock_event answer;
    vtime latency; /* 0: at once */

    uint64_t fail_at; /* the round that covers this byte fails, having moved what is before it */
    uint64_t fail_touched;

    const struct iovec *pieces;
    unsigned count;
    uint64_t offset, size;
    unsigned submits, cancels, dones, depth, deepest;
    enum stream_status status;
    uint64_t moved;
    void (*then)(struct disk *disk); /* called from done */
};

static void disk_move(struct disk *disk)
{
    bool failed = disk->fail_at - disk->offset < disk->size;
    uint64_t moves = failed ? disk->fail_at - disk->offset : disk->size;
    if (disk->stream.direction == DMA_FROM_DEVICE)
        iov_from_buffer(disk->pieces, disk->count, 0, disk->bytes + disk->offset, moves);
    else
        iov_to_buffer(disk->pieces, disk->count, 0, disk->bytes + disk->offset, moves);
    stream_complete(&disk->stream, failed, moves, failed ? disk->fail_touched : moves);
}

static void disk_submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                        unsigned count, uint64_t size)
{
    struct disk *disk = owner;
    ck_assert_ptr_eq(stream, &disk->stream);
    ck_assert_uint_gt(size, 0);
    ck_assert_uint_eq(size % disk->unit, 0);
    ck_assert_uint_eq(offset % disk->unit, 0);
    ck_assert_uint_eq(iov_size(pieces, count), size);
    disk->submits++;
    disk->pieces = pieces;
    disk->count = count;
    disk->offset = offset;
    disk->size = size;
    if (++disk->depth > disk->deepest) disk->deepest = disk->depth;
    if (disk->latency)
        clock_event_in(&disk->answer, disk->latency);
    else
        disk_move(disk);
    disk->depth--;
}

static void disk_answer(void *owner)
{
    disk_move(owner);
}

static void disk_cancel(void *owner, struct stream *stream)
{
    struct disk *disk = owner;
    (void)stream;
    disk->cancels++;
    clock_event_cancel(&disk->answer);
}

static void disk_done(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    struct disk *disk = owner;
    ck_assert(!stream_busy(stream));
    disk->dones++;
    disk->status = status;
    disk->moved = moved;
    if (disk->then) disk->then(disk);
}

static const struct stream_ops disk_ops = {disk_submit, disk_cancel, disk_done};

static void disk_open(struct disk *disk, struct world *world, uint32_t unit, vtime latency)
{
    memset(disk, 0, sizeof(*disk));
    disk->world = world;
    disk->unit = unit;
    disk->latency = latency;
    disk->fail_at = UINT64_MAX / 2;
    sglist_init(&disk->list, 16);
    stream_init(&disk->stream, "disk", world->space, unit, &disk_ops, disk);
    clock_event_init(&disk->answer, &world->clock, "disk-answer", disk_answer, disk);
}

static void disk_close(struct disk *disk)
{
    stream_destroy(&disk->stream);
    sglist_destroy(&disk->list);
    clock_event_destroy(&disk->answer);
}

static void disk_run(struct disk *disk, enum dma_direction direction)
{
    disk->dones = disk->submits = 0;
    stream_start(&disk->stream, &disk->list, direction);
    world_run(disk->world);
    ck_assert_uint_eq(disk->dones, 1);
    ck_assert_uint_eq(dma_stats(disk->world->space)->live, 0);
}

/* The bytes of the list's pieces, one after the other, as the guest sees them. */
static void list_peek(const struct disk *disk, uint8_t *to)
{
    for (unsigned i = 0; i < disk->list.count; i++) {
        space_peek(disk->world->space, disk->list.pieces[i].addr, to, disk->list.pieces[i].length);
        to += disk->list.pieces[i].length;
    }
}

/* Runs the list both ways and compares every byte of memory and disk. */
static void disk_check_both_ways(struct disk *disk)
{
    static const uint8_t zeros[DISK_SIZE];
    uint8_t listed[DISK_SIZE];
    uint64_t seed = disk->list.size + disk->list.count;
    random_bytes(&seed, disk->bytes, DISK_SIZE);
    disk_run(disk, DMA_FROM_DEVICE);
    ck_assert_int_eq(disk->status, STREAM_OK);
    ck_assert_uint_eq(disk->moved, disk->list.size);
    list_peek(disk, listed);
    ck_assert_mem_eq(listed, disk->bytes, disk->list.size);

    memset(disk->bytes, 0, DISK_SIZE);
    disk_run(disk, DMA_TO_DEVICE);
    ck_assert_int_eq(disk->status, STREAM_OK);
    ck_assert_mem_eq(listed, disk->bytes, disk->list.size);
    ck_assert_mem_eq(disk->bytes + disk->list.size, zeros, DISK_SIZE - disk->list.size);
}

START_TEST(a_request_moves_in_one_round_where_memory_is_direct)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    disk_open(&disk, &world, 512, 0);
    sglist_add(&disk.list, 0x1003, 700);
    sglist_add(&disk.list, 0x4001, 1);
    sglist_add(&disk.list, 0x8000, 2048 - 701);
    disk_check_both_ways(&disk);
    ck_assert_uint_eq(disk.submits, 1);
    ck_assert_uint_eq(disk.stream.report.pieces, 3);
    ck_assert_uint_eq(disk.stream.report.direct_bytes, 2048);
    ck_assert_uint_eq(disk.stream.report.bounced_bytes, 0);
    ck_assert_uint_eq(disk.stream.report.waits, 0);
    ck_assert_uint_eq(stream_totals(&disk.stream)->requests, 2);
    ck_assert_uint_eq(stream_totals(&disk.stream)->rounds, 2);
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_09_every_short_length_at_every_position_by_ranges)
{
    /* Memory changes its kind at `cut`: maps come back short there, and what follows is bounced by 512 bytes at once. */
    for (uint64_t cut = 0x1000; cut <= 0x1800; cut++) {
        struct world world;
        struct disk disk;
        world_open(&world, RAM_SIZE);
        struct region *far = region_new_ram("far", 0x2000, NULL);
        far->indirect = true;
        region_add(world.root, cut, far, 1);
        world_configure(&world, DMA_MODE_DIRECT, 512 + (cut % 3) * 1024, 0);
        disk_open(&disk, &world, 512, cut % 2);
        sglist_add(&disk.list, 0x1000, 1025);
        sglist_add(&disk.list, 0x1402, 1023);
        disk_check_both_ways(&disk);
        disk_close(&disk);
        region_remove(far);
        region_release(far);
        world_close(&world, 0);
    }
}
END_TEST

/* Somebody else holds bounce bytes, until an event. */
struct hog {
    struct world *world;
    struct dma_mapping mapping;
    struct clock_event let_go;
};

static void hog_let_go(void *owner)
{
    struct hog *hog = owner;
    dma_unmap(hog->world->space, &hog->mapping, 0);
}

START_TEST(lesson_09_every_short_length_at_every_position_by_the_pool)
{
    for (uint64_t held = 0; held <= 2048; held++) {
        struct world world;
        struct disk disk;
        struct hog hog = {.world = &world};
        world_open(&world, RAM_SIZE);
        world_configure(&world, DMA_MODE_INDIRECT, 2048, 0);
        disk_open(&disk, &world, 512, held % 2 ? 30 : 0);
        clock_event_init(&hog.let_go, &world.clock, "hog", hog_let_go, &hog);
        hog.mapping = dma_map(world.space, 0, held, DMA_TO_DEVICE);
        clock_event_in(&hog.let_go, 1000);
        sglist_add(&disk.list, 0x1001, 300);
        sglist_add(&disk.list, 0x3000, 1000);
        sglist_add(&disk.list, 0x6007, 2 * 2048 - 1300);
        uint8_t listed[DISK_SIZE];
        uint64_t seed = held + 1;
        random_bytes(&seed, disk.bytes, DISK_SIZE);
        disk_run(&disk, DMA_FROM_DEVICE);
        ck_assert_int_eq(disk.status, STREAM_OK);
        list_peek(&disk, listed);
        ck_assert_mem_eq(listed, disk.bytes, 4096);
        if (held > 2048 - 512) ck_assert_uint_eq(disk.stream.report.waits, 1);
        clock_event_destroy(&hog.let_go);
        disk_close(&disk);
        world_close(&world, 0);
    }
}
END_TEST

START_TEST(lesson_19_random_lists_in_all_modes)
{
    static const enum dma_mode modes[] = {DMA_MODE_DIRECT, DMA_MODE_INDIRECT, DMA_MODE_FAULTY};
    static const uint32_t units[] = {512, 64, 2048, 1, 512, 8};
    uint64_t seed = 19 + (uint64_t)_i;
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    world_configure(&world, modes[_i % 3], 2048 * (1 + (uint64_t)_i % 4), seed);
    disk_open(&disk, &world, units[_i % 6], _i % 2 ? 40 : 0);
    for (unsigned step = 0; step < 200; step++) {
        uint64_t left = (1 + random_below(&seed, 8192 / disk.unit)) * disk.unit,
                 longest = random_below(&seed, 3) ? 900 : 9;
        gaddr addr = random_below(&seed, 16);
        if (left / longest > 900) left = disk.unit;
        sglist_reset(&disk.list);
        while (left) {
            uint64_t length = 1 + random_below(&seed, longest);
            if (length > left) length = left;
            sglist_add(&disk.list, addr, length);
            addr += length + random_below(&seed, 20);
            left -= length;
        }
        disk_check_both_ways(&disk);
    }
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_38_a_unit_in_two_byte_pieces_even_across_ranges)
{
    for (unsigned mode = DMA_MODE_DIRECT; mode <= DMA_MODE_FAULTY; mode++) {
        struct world world;
        struct disk disk;
        world_open(&world, RAM_SIZE);
        struct region *other = region_new_ram("other", 0x1000, NULL);
        region_add(world.root, 0x1001, other, 1); /* one piece straddles */
        world_configure(&world, mode, 4096, 5);
        disk_open(&disk, &world, 2048, 0);
        for (unsigned i = 0; i < 2048; i++) sglist_add(&disk.list, 0x1000 + i * 3, 2);
        disk_check_both_ways(&disk);
        disk_close(&disk);
        region_remove(other);
        region_release(other);
        world_close(&world, 0);
    }
}
END_TEST

START_TEST(rounds_hold_a_bounded_number_of_pieces)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    disk_open(&disk, &world, 8, 0);
    for (unsigned i = 0; i < 1000; i++) sglist_add(&disk.list, i * 16, 8);
    disk_check_both_ways(&disk);
    ck_assert_uint_eq(disk.stream.report.most_pieces, STREAM_ROUND_PIECES);
    ck_assert_uint_eq(disk.stream.report.rounds, 4);
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(requests_that_can_never_be_served_are_refused)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    world_configure(&world, DMA_MODE_INDIRECT, 1024, 0);
    disk_open(&disk, &world, 2048, 0);
    sglist_add(&disk.list, 0, 2047);
    stream_start(&disk.stream, &disk.list, DMA_TO_DEVICE); /* not a multiple of the unit */
    ck_assert_uint_eq(disk.dones, 1);
    ck_assert_int_eq(disk.status, STREAM_REFUSED);
    sglist_add(&disk.list, 2047, 1);
    stream_start(&disk.stream, &disk.list, DMA_TO_DEVICE); /* unit above the limit */
    ck_assert_uint_eq(disk.dones, 2);
    ck_assert_int_eq(disk.status, STREAM_REFUSED);
    world_configure(&world, DMA_MODE_DIRECT, 1024, 0);
    disk_check_both_ways(&disk); /* direct memory asks nothing of the pool */
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(an_empty_list_is_done_from_the_event_queue)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    disk_open(&disk, &world, 512, 0);
    stream_start(&disk.stream, &disk.list, DMA_TO_DEVICE);
    ck_assert_uint_eq(disk.dones, 0);
    world_run(&world);
    ck_assert_uint_eq(disk.dones, 1);
    ck_assert_int_eq(disk.status, STREAM_OK);
    ck_assert_uint_eq(disk.moved, 0);
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(a_bad_address_ends_the_request_after_the_whole_units_before_it)
{
    for (unsigned mode = DMA_MODE_DIRECT; mode <= DMA_MODE_FAULTY; mode++) {
        for (uint64_t good = 0; good < 2048; good += 61) {
            struct world world;
            struct disk disk;
            world_open(&world, RAM_SIZE);
            world_configure(&world, mode, 512, good);
            disk_open(&disk, &world, 512, good % 2);
            sglist_add(&disk.list, RAM_SIZE - good, 2048);
            disk_run(&disk, DMA_FROM_DEVICE);
            ck_assert_int_eq(disk.status, STREAM_BAD_ADDRESS);
            ck_assert_uint_eq(disk.moved, good - good % 512);
            disk_close(&disk);
            world_close(&world, 0);
        }
    }
}
END_TEST

START_TEST(addresses_that_a_guest_chose_do_no_harm)
{
    static const struct sg_piece rows[] = {{UINT64_MAX - 511, 512},       {UINT64_MAX - 100, 1024},
                                           {0, UINT64_MAX - 511},         {UINT64_MAX, UINT64_MAX - 511},
                                           {RAM_SIZE, UINT64_C(1) << 63}, {SPACE_SIZE - 1, 512}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world world;
        struct disk disk;
        world_open(&world, 0x2000);
        disk_open(&disk, &world, 512, 0);
        sglist_add(&disk.list, rows[i].addr, rows[i].length);
        disk_run(&disk, DMA_FROM_DEVICE);
        ck_assert_int_eq(disk.status, STREAM_BAD_ADDRESS);
        ck_assert_uint_eq(disk.moved, rows[i].addr ? 0 : 0x2000);
        disk_close(&disk);
        world_close(&world, 0);
    }
}
END_TEST

START_TEST(lesson_16_backend_errors_unmap_everything)
{
    for (uint64_t fail = 0; fail < 4096; fail += 97) {
        struct world world;
        struct disk disk;
        uint8_t expected[4096], got[4096];
        world_open(&world, RAM_SIZE);
        world_configure(&world, fail % 2 ? DMA_MODE_DIRECT : DMA_MODE_INDIRECT, 1024, 0);
        disk_open(&disk, &world, 512, fail % 3);
        memset(disk.bytes, 0x44, DISK_SIZE);
        disk.fail_at = fail;
        sglist_add(&disk.list, 0x1001, 4096);
        disk_run(&disk, DMA_FROM_DEVICE);
        ck_assert_int_eq(disk.status, STREAM_BACKEND_ERROR);
        ck_assert_uint_eq(disk.moved, fail);
        memset(expected, 0, 4096);
        memset(expected, 0x44, fail);
        list_peek(&disk, got);
        ck_assert_mem_eq(got, expected, 4096);
        disk_close(&disk);
        world_close(&world, 0);
    }
}
END_TEST

START_TEST(touched_bytes_are_marked_though_they_did_not_move)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    disk_open(&disk, &world, 512, 0);
    region_clear_dirty(world.ram, (struct region_at){0}, RAM_SIZE, MARK_DIRTY_SAVE);
    disk.fail_at = 512;
    disk.fail_touched = 0x1800;
    sglist_add(&disk.list, 0, 0x2000);
    sglist_add(&disk.list, 0x8000, 0x1000);
    disk_run(&disk, DMA_FROM_DEVICE);
    ck_assert_uint_eq(disk.moved, 512);
    ck_assert(region_dirty(world.ram, (struct region_at){0x17ff}, 1, MARK_DIRTY_SAVE));
    ck_assert(!region_dirty(world.ram, (struct region_at){0x2000}, 0xe000, MARK_DIRTY_SAVE));
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_18_cancel_at_any_instant_leaves_nothing)
{
    for (unsigned mode = DMA_MODE_DIRECT; mode <= DMA_MODE_FAULTY; mode++) {
        for (unsigned events = 0; events < 14; events++) {
            struct world world;
            struct disk disk;
            struct hog hog = {.world = &world};
            world_open(&world, RAM_SIZE);
            world_configure(&world, mode, 1024, events + 1);
            disk_open(&disk, &world, 512, 10);
            clock_event_init(&hog.let_go, &world.clock, "hog", hog_let_go, &hog);
            hog.mapping = dma_map(world.space, 0, 1024, DMA_TO_DEVICE);
            clock_event_in(&hog.let_go, 5);
            sglist_add(&disk.list, 0x1001, 2048);
            stream_start(&disk.stream, &disk.list, DMA_FROM_DEVICE);
            for (unsigned i = 0; i < events && clock_deadline(&world.clock) != VTIME_NEVER; i++) {
                if (clock_deadline(&world.clock) > clock_now(&world.clock))
                    clock_jump(&world.clock, clock_deadline(&world.clock));
                clock_fire_due(&world.clock);
            }
            unsigned dones = disk.dones;
            bool submitted = disk.stream.submitted;
            stream_cancel(&disk.stream);
            stream_cancel(&disk.stream); /* harmless */
            ck_assert_uint_eq(disk.cancels, submitted);
            ck_assert(!stream_busy(&disk.stream));
            ck_assert_uint_eq(dma_stats(world.space)->live, hog.mapping.length != 0);
            world_run(&world);
            ck_assert_uint_eq(disk.dones, dones);
            disk_check_both_ways(&disk); /* and it can be used again */
            clock_event_destroy(&hog.let_go);
            disk_close(&disk);
            world_close(&world, 0);
        }
    }
}
END_TEST

static void start_again(struct disk *disk)
{
    if (disk->dones < 1000) stream_start(&disk->stream, &disk->list, DMA_TO_DEVICE);
}

START_TEST(lesson_40_no_recursion_through_submit_and_done)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    world_configure(&world, DMA_MODE_INDIRECT, 512, 0);
    disk_open(&disk, &world, 512, 0);
    disk.then = start_again;
    sglist_add(&disk.list, 0, 8192);
    stream_start(&disk.stream, &disk.list, DMA_TO_DEVICE);
    world_run(&world);
    ck_assert_uint_eq(disk.dones, 1000);
    ck_assert_uint_eq(disk.submits, 16000);
    ck_assert_uint_eq(disk.deepest, 1);
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_08_streams_share_a_pool_of_one_unit)
{
    enum { STREAMS = 5 };
    static struct disk disks[STREAMS];
    struct world world;
    uint8_t listed[DISK_SIZE];
    uint64_t seed = 8;
    world_open(&world, RAM_SIZE);
    world_configure(&world, DMA_MODE_INDIRECT, 512, 0);
    for (unsigned i = 0; i < STREAMS; i++) {
        disk_open(&disks[i], &world, 512, 1 + i * 7);
        random_bytes(&seed, disks[i].bytes, DISK_SIZE);
        sglist_add(&disks[i].list, 0x2000 * i + 1, 2900);
        sglist_add(&disks[i].list, 0x2000 * i + 5000, 4096 - 2900);
        stream_start(&disks[i].stream, &disks[i].list, DMA_FROM_DEVICE);
    }
    world_run(&world);
    for (unsigned i = 0; i < STREAMS; i++) {
        ck_assert_int_eq(disks[i].status, STREAM_OK);
        list_peek(&disks[i], listed);
        ck_assert_mem_eq(listed, disks[i].bytes, 4096);
        ck_assert_uint_ge(disks[i].stream.report.waits, i ? 7 : 1); /* they take turns */
        disk_close(&disks[i]);
    }
    ck_assert_uint_le(dma_stats(world.space)->bounce_bytes_most, 512);
    world_close(&world, 0);
}
END_TEST

/* A chip whose register write cancels the disk's request: a reset register that DMA is aimed at. */
static enum mem_result reset_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    (void)value;
    if (at.offset == 0) stream_cancel(&((struct disk *)owner)->stream);
    return at.offset == 8 ? MEM_DEVICE_ERROR : MEM_OK;
}

static enum mem_result reset_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    *value = 0;
    return reset_write(owner, at, size, 0);
}

START_TEST(lesson_30_dma_may_hit_the_register_that_cancels_it)
{
    static const struct mmio_ops ops = {.read = reset_read, .write = reset_write};
    for (unsigned way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++) {
        for (unsigned guarded = 0; guarded < 2; guarded++) {
            struct world world;
            struct disk disk;
            struct mem_guard guard = {.device = "disk"};
            lint_quiet(true);
            world_open(&world, RAM_SIZE);
            disk_open(&disk, &world, 16, 10);
            struct region *chip = region_new_mmio("reset", 8, &ops, &disk, guarded ? &guard : NULL);
            region_add(world.root, 0x20000, chip, 0);
            if (guarded) stream_set_guard(&disk.stream, &guard);
            sglist_add(&disk.list, 0x1000, 12);
            sglist_add(&disk.list, 0x20000, 4);
            sglist_add(&disk.list, 0x2000, 16);
            stream_start(&disk.stream, &disk.list, way);
            world_run(&world);
            ck_assert_uint_eq(disk.dones, guarded); /* cancelled, or ended by the refusal */
            if (guarded) ck_assert_int_eq(disk.status, STREAM_BAD_ADDRESS);
            ck_assert(!stream_busy(&disk.stream));
            ck_assert_uint_eq(guard.depth, 0);
            region_remove(chip);
            region_release(chip);
            disk_close(&disk);
            world_close(&world, 0);
        }
    }
}
END_TEST

START_TEST(lesson_13_a_refused_copy_back_ends_the_request)
{
    static const struct mmio_ops ops = {.read = reset_read, .write = reset_write};
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    disk_open(&disk, &world, 16, 0);
    struct region *chip = region_new_mmio("chip", 16, &ops, &disk, NULL);
    region_add(world.root, 0x20000, chip, 0);
    sglist_add(&disk.list, 0x1000, 20);
    sglist_add(&disk.list, 0x20004, 12);
    disk_run(&disk, DMA_FROM_DEVICE);
    ck_assert_int_eq(disk.status, STREAM_BAD_ADDRESS);
    ck_assert_uint_eq(disk.moved, 20);
    region_remove(chip);
    region_release(chip);
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

START_TEST(memory_that_goes_away_while_a_round_is_out)
{
    struct world world;
    struct disk disk;
    world_open(&world, RAM_SIZE);
    struct region *card = region_new_ram("card", 0x1000, NULL);
    region_add(world.root, 0x20000, card, 0);
    disk_open(&disk, &world, 512, 100);
    memset(disk.bytes, 0x77, DISK_SIZE);
    sglist_add(&disk.list, 0x20000, 512);
    stream_start(&disk.stream, &disk.list, DMA_FROM_DEVICE);
    clock_fire_due(&world.clock);
    ck_assert_uint_eq(disk.submits, 1);
    region_remove(card);
    world_run(&world);
    ck_assert_int_eq(disk.status, STREAM_OK); /* the old mapping stayed valid */
    ck_assert_uint_eq(card->host[511], 0x77);
    region_release(card);
    disk_close(&disk);
    world_close(&world, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_moves_in_one_round_where_memory_is_direct,
        lesson_08_streams_share_a_pool_of_one_unit,
        lesson_09_every_short_length_at_every_position_by_ranges,
        lesson_09_every_short_length_at_every_position_by_the_pool,
        lesson_13_a_refused_copy_back_ends_the_request,
        lesson_16_backend_errors_unmap_everything,
        lesson_18_cancel_at_any_instant_leaves_nothing,
        lesson_30_dma_may_hit_the_register_that_cancels_it,
        lesson_38_a_unit_in_two_byte_pieces_even_across_ranges,
        lesson_40_no_recursion_through_submit_and_done,
        rounds_hold_a_bounded_number_of_pieces,
        requests_that_can_never_be_served_are_refused,
        an_empty_list_is_done_from_the_event_queue,
        a_bad_address_ends_the_request_after_the_whole_units_before_it,
        addresses_that_a_guest_chose_do_no_harm,
        touched_bytes_are_marked_though_they_did_not_move,
        memory_that_goes_away_while_a_round_is_out,
    };
    const TTest *const looped[] = {lesson_19_random_lists_in_all_modes};
    return run_suite("stream", tests, ARRAY_COUNT(tests)) | run_suite_looped("stream modes", looped, 1, 12);
}

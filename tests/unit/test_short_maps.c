/* SPDX-License-Identifier: MIT */
/*
 * Every short map at every position of a request (LESSONS 9, 43), by both engines, in both directions.
 *
 * Small requests of 8 bytes exhaustively: each byte lies in one of two direct memories or in an indirect one,
 * which gives every way to cut the request into maps and every mix of pointers and bounces; lists in several
 * orders; all units; every number of free bounce bytes; every byte at which the backend fails. Large units of
 * 512 and 2048 bytes: a window of another memory at every position.
 *
 * Checked: every byte of memory and backend, the cursor (rounds follow each other in whole units), the bytes
 * that count as moved, and that nothing stays mapped.
 */
#include "mem/packet.h"
#include "mem/stream.h"
#include "tests/unit/mem_helper.h"

#define BYTES   8u
#define COLOURS 3u      /* direct, direct elsewhere, indirect */
#define BANK    0x1000u /* what lists point at, and what windows show there */
#define MEMORY  0x2000u
#define LIMIT   512u
#define HOG_AT  0x1800u /* indirect memory that others use */

struct rig {
    struct clock clock;
    struct region *root, *direct, *indirect, *windows[2][BYTES], *wide[2], *far;
    struct space *space;
    struct sglist list;
    uint64_t span;             /* bytes of each bank that are looked at */
    uint8_t before[2][MEMORY]; /* of both memories */
    uint8_t disk[MEMORY];

    struct stream stream;
    struct clock_event answer, let_go;
    struct dma_mapping hog;
    const struct iovec *pieces;
    unsigned count;
    uint64_t offset, size, next; /* next: the offset of the next round */
    uint64_t fail_at;
    unsigned submits, dones;
    bool later;
    enum stream_status status;
    uint64_t moved;

    struct packet_engine engine;
    unsigned calls;
};

/* ---- the backend ---- */

static void disk_answer(void *owner)
{
    struct rig *rig = owner;
    bool failed = rig->fail_at - rig->offset < rig->size;
    uint64_t moves = failed ? rig->fail_at - rig->offset : rig->size;
    if (rig->stream.direction == DMA_FROM_DEVICE)
        iov_from_buffer(rig->pieces, rig->count, 0, rig->disk + rig->offset, moves);
    else
        iov_to_buffer(rig->pieces, rig->count, 0, rig->disk + rig->offset, moves);
    stream_complete(&rig->stream, failed, moves, moves);
}

static void disk_submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                        unsigned count, uint64_t size)
{
    struct rig *rig = owner;
    rig->submits++;
    if (offset != rig->next || !size || size % stream->unit || iov_size(pieces, count) != size)
        ck_abort_msg("a round of %llu at %llu after %llu", (unsigned long long)size,
                     (unsigned long long)offset, (unsigned long long)rig->next);
    rig->next = offset + size;
    rig->pieces = pieces;
    rig->count = count;
    rig->offset = offset;
    rig->size = size;
    if (rig->later)
        clock_event_in(&rig->answer, 10);
    else
        disk_answer(rig);
}

static void disk_cancel(void *owner, struct stream *stream)
{
    (void)stream;
    clock_event_cancel(&((struct rig *)owner)->answer);
}

static void disk_done(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    struct rig *rig = owner;
    (void)stream;
    rig->dones++;
    rig->status = status;
    rig->moved = moved;
}

static const struct stream_ops disk_ops = {disk_submit, disk_cancel, disk_done};

/* ---- the rig ---- */

static void hog_let_go(void *owner)
{
    struct rig *rig = owner;
    dma_unmap(rig->space, &rig->hog, 0);
}

static struct region *rig_window(struct rig *rig, struct region *memory, gaddr addr, uint64_t from,
                                 uint64_t size, int priority)
{
    struct region *window = region_new_alias("window", memory, (struct region_at){from}, size);
    region_enable(window, false);
    region_add(rig->root, addr, window, priority);
    return window;
}

/* Direct memory from 0 on; over it, disabled, the windows. Another part of the same memory makes a map short,
 * since it is not what comes next. */
static void rig_open(struct rig *rig, uint32_t unit, uint64_t limit, bool checker)
{
    memset(rig, 0, sizeof(*rig));
    rig->span = unit <= BYTES ? 2 * BYTES : 2 * unit;
    clock_init(&rig->clock, 0);
    rig->root = region_new_container("root", MEMORY);
    rig->direct = region_new_ram("direct", MEMORY, NULL);
    rig->indirect = region_new_ram("indirect", MEMORY, NULL);
    rig->indirect->indirect = true;
    region_add(rig->root, 0, rig->direct, 0);
    for (unsigned i = 0; i < BYTES; i++) {
        rig->windows[0][i] = rig_window(rig, rig->direct, i, BANK + i, 1, 1);
        rig->windows[1][i] = rig_window(rig, rig->indirect, i, i, 1, 1);
    }
    for (unsigned i = 0; i < 2; i++)
        rig->wide[i] = rig_window(rig, i ? rig->indirect : rig->direct, 0, BANK, 1, 1);
    rig->far = rig_window(rig, rig->indirect, HOG_AT, HOG_AT, MEMORY - HOG_AT, 1);
    region_enable(rig->far, true);
    rig->space = space_new("memory", rig->root, MEMORY, &rig->clock);
    if (checker) dma_checker_enable(rig->space);
    const struct dma_settings settings = {.max_bounce = limit};
    dma_configure(rig->space, &settings);
    sglist_init(&rig->list, 4);
    stream_init(&rig->stream, "disk", rig->space, unit, &disk_ops, rig);
    packet_init(&rig->engine, "nic", rig->space, MEMORY);
    clock_event_init(&rig->answer, &rig->clock, "answer", disk_answer, rig);
    clock_event_init(&rig->let_go, &rig->clock, "let-go", hog_let_go, rig);
}

static void rig_close(struct rig *rig, bool checker)
{
    if (checker) ck_assert_uint_eq(dma_checker_report(rig->space, stderr), 0);
    stream_destroy(&rig->stream);
    packet_destroy(&rig->engine);
    sglist_destroy(&rig->list);
    clock_event_destroy(&rig->answer);
    clock_event_destroy(&rig->let_go);
    space_free(rig->space);
    region_release(rig->direct);
    region_release(rig->indirect);
    for (unsigned i = 0; i < BYTES * 2; i++) region_release(rig->windows[i / BYTES][i % BYTES]);
    for (unsigned i = 0; i < 2; i++) region_release(rig->wide[i]);
    region_release(rig->far);
    region_release(rig->root);
}

/* Gives each of the 8 bytes its memory. */
static void rig_paint(struct rig *rig, unsigned colours)
{
    region_change_begin();
    for (unsigned i = 0; i < BYTES; i++, colours /= COLOURS) {
        for (unsigned kind = 0; kind < 2; kind++)
            region_enable(rig->windows[kind][i], colours % COLOURS == kind + 1);
    }
    region_change_end();
}

/* A window of the other memory: `kind` 0 is direct elsewhere, 1 indirect. */
static void rig_paint_wide(struct rig *rig, unsigned kind, uint64_t place, uint64_t size)
{
    region_change_begin();
    region_remove(rig->wide[kind]);
    region_release(rig->wide[kind]);
    rig->wide[kind] = rig_window(rig, kind ? rig->indirect : rig->direct, place, BANK + place, size, 1);
    region_enable(rig->wide[kind], true);
    region_enable(rig->wide[!kind], false);
    region_change_end();
}

/* Other bytes everywhere; leaves `free` bounce bytes until somebody lets go. */
static void rig_prepare(struct rig *rig, uint64_t seed, uint64_t size, uint64_t free)
{
    uint64_t random = seed * 2 + 1;
    for (uint64_t i = 0; i < size; i++) {
        uint64_t value = random_next(&random);
        rig->direct->host[i] = (uint8_t)value;
        rig->direct->host[BANK + i] = (uint8_t)(value >> 8);
        rig->indirect->host[i] = (uint8_t)(value >> 16);
        rig->indirect->host[BANK + i] = (uint8_t)(value >> 24);
        rig->disk[i] = (uint8_t)(value >> 32);
    }
    for (unsigned bank = 0; bank < MEMORY; bank += BANK) {
        memcpy(rig->before[0] + bank, rig->direct->host + bank, rig->span);
        memcpy(rig->before[1] + bank, rig->indirect->host + bank, rig->span);
    }
    uint64_t held = dma_largest_bounce(rig->space) - free;
    if (!free || held < dma_largest_bounce(rig->space))
        rig->hog = dma_map(rig->space, HOG_AT, held, DMA_TO_DEVICE);
}

/* Where the byte at `addr` really is. */
static uint8_t *rig_byte(struct rig *rig, gaddr addr, bool before)
{
    struct region_at at;
    const struct view_range *range = space_find(rig->space, addr, &at);
    bool indirect = range->region == rig->indirect;
    if (before) return &rig->before[indirect][at.offset];
    return &range->region->host[at.offset];
}

static void must(const struct rig *rig, bool holds, const char *what, unsigned shape)
{
    if (holds) return;
    ck_abort_msg("%s: shape %u, unit %u, %s, %llu bytes moved", what, shape, rig->stream.unit,
                 rig->stream.direction == DMA_TO_DEVICE ? "to device" : "from device",
                 (unsigned long long)rig->moved);
}

/* What memory and backend hold after `moved` bytes of the list. */
static void rig_check(struct rig *rig, enum dma_direction way, const uint8_t *disk,
                      const uint8_t *disk_before, uint64_t moved, unsigned shape)
{
    uint64_t at = 0;
    for (unsigned n = 0; n < rig->list.count; n++) {
        for (uint64_t i = 0; i < rig->list.pieces[n].length; i++, at++) {
            gaddr addr = rig->list.pieces[n].addr + i;
            uint8_t was = *rig_byte(rig, addr, true), is = *rig_byte(rig, addr, false);
            if (way == DMA_TO_DEVICE)
                must(rig, disk[at] == (at < moved ? was : disk_before[at]), "disk", shape);
            if (way == DMA_FROM_DEVICE && at < moved) *rig_byte(rig, addr, true) = disk[at];
            must(rig, is == *rig_byte(rig, addr, true), "memory", shape);
        }
    }
    for (unsigned bank = 0; bank < MEMORY; bank += BANK) {
        must(rig, !memcmp(rig->before[0] + bank, rig->direct->host + bank, rig->span), "beside it", shape);
        must(rig, !memcmp(rig->before[1] + bank, rig->indirect->host + bank, rig->span), "beside it", shape);
    }
    must(rig, dma_stats(rig->space)->live == 0 && dma_stats(rig->space)->bounce_bytes_held == 0,
         "nothing stays mapped", shape);
}

/* ---- streams ---- */

static void stream_try(struct rig *rig, enum dma_direction way, uint64_t free, unsigned shape)
{
    uint8_t disk_before[BANK];
    uint64_t size = rig->list.size;
    rig_prepare(rig, shape + free, size, free);
    memcpy(disk_before, rig->disk, size);
    rig->next = rig->dones = rig->submits = 0;
    rig->later = shape & 1;
    if (rig->hog.length) clock_event_in(&rig->let_go, 100);
    stream_start(&rig->stream, &rig->list, way);
    while (clock_deadline(&rig->clock) != VTIME_NEVER) {
        if (clock_deadline(&rig->clock) > clock_now(&rig->clock))
            clock_jump(&rig->clock, clock_deadline(&rig->clock));
        clock_fire_due(&rig->clock);
    }
    bool fails = rig->fail_at < size;
    uint64_t moved = fails ? rig->fail_at : size;
    must(rig, rig->dones == 1, "done once", shape);
    must(rig, rig->status == (fails ? STREAM_BACKEND_ERROR : STREAM_OK), "status", shape);
    must(rig, rig->moved == moved, "moved", shape);
    rig_check(rig, way, rig->disk, disk_before, moved, shape);
}

/* The 8 bytes in order, from the middle, and back to front in three pieces. */
static void small_list(struct rig *rig, unsigned order)
{
    sglist_reset(&rig->list);
    switch (order) {
    case 0: sglist_add(&rig->list, 0, 8); break;
    case 1:
        sglist_add(&rig->list, 5, 3);
        sglist_add(&rig->list, 0, 5);
        break;
    case 2:
        sglist_add(&rig->list, 7, 1);
        sglist_add(&rig->list, 3, 4);
        sglist_add(&rig->list, 0, 3);
        break;
    }
}

static unsigned power(unsigned base, unsigned exponent)
{
    return exponent ? base * power(base, exponent - 1) : 1;
}

static const uint32_t units[] = {1, 2, 4, 8};
#define CHECKED 4 /* by way of the inline paths without the checker, then once with it */

START_TEST(lesson_09_every_cut_of_a_small_request)
{
    static struct rig rig;
    rig_open(&rig, units[_i % 4], LIMIT, _i == CHECKED);
    rig.fail_at = UINT64_MAX / 2;
    for (unsigned shape = 0; shape < power(COLOURS, BYTES); shape++) {
        rig_paint(&rig, shape);
        for (unsigned order = 0; order < 3; order++) {
            small_list(&rig, order);
            for (enum dma_direction way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++) {
                stream_try(&rig, way, LIMIT, shape);
                must(&rig, rig.submits == 1, "one round does", shape);
            }
        }
    }
    rig_close(&rig, _i == CHECKED);
}
END_TEST

/* Which bytes are indirect: a bit each. */
static unsigned indirect_colours(unsigned bits)
{
    unsigned colours = 0;
    for (unsigned i = BYTES; i-- > 0;) colours = colours * COLOURS + (bits & BIT(i) ? 2 : 0);
    return colours;
}

START_TEST(lesson_09_every_number_of_free_bounce_bytes)
{
    static struct rig rig;
    rig_open(&rig, units[_i % 4], LIMIT, _i == CHECKED);
    rig.fail_at = UINT64_MAX / 2;
    for (unsigned bits = 0; bits < BIT(BYTES); bits++) {
        rig_paint(&rig, indirect_colours(bits));
        for (unsigned order = 0; order < 3; order++) {
            small_list(&rig, order);
            for (uint64_t free = 0; free <= BYTES; free++) {
                for (enum dma_direction way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++)
                    stream_try(&rig, way, free, bits);
            }
        }
    }
    ck_assert_uint_gt(dma_stats(rig.space)->waits, 1000);
    rig_close(&rig, _i == CHECKED);
}
END_TEST

START_TEST(lesson_16_a_backend_error_at_every_byte)
{
    static struct rig rig;
    rig_open(&rig, units[_i % 4], LIMIT, _i == CHECKED);
    for (unsigned bits = 0; bits < BIT(BYTES); bits++) {
        rig_paint(&rig, indirect_colours(bits));
        for (unsigned at = 0; at < BYTES; at++) {
            small_list(&rig, (at + bits) % 3);
            rig.fail_at = at;
            for (enum dma_direction way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++) {
                stream_try(&rig, way, bits % 5, bits);
                stream_try(&rig, way, LIMIT, bits);
            }
        }
    }
    rig_close(&rig, _i == CHECKED);
}
END_TEST

/* Two units, in pieces that end between units; a window of every length that matters at every position. */
START_TEST(lesson_43_large_units_with_a_window_at_every_position)
{
    static struct rig rig;
    static const uint32_t large[] = {512, 2048};
    uint32_t unit = large[_i / 2];
    const uint64_t lengths[] = {1, 7, unit - 1, unit, unit + 1};
    rig_open(&rig, unit, unit, _i % 2);
    rig.fail_at = UINT64_MAX / 2;
    sglist_add(&rig.list, unit / 2 + 3, 2 * unit - (unit / 2 + 3));
    sglist_add(&rig.list, 0, unit / 2 + 3);
    uint64_t step = unit == 512 ? 1 : 3, place = 0;
    for (unsigned shape = 0; place < 2 * unit; place += step, shape++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            rig_paint_wide(&rig, kind, place, lengths[shape % ARRAY_COUNT(lengths)]);
            uint64_t free = shape % 3 ? unit : place % unit;
            for (enum dma_direction way = DMA_TO_DEVICE; way <= DMA_FROM_DEVICE; way++)
                stream_try(&rig, way, free, shape);
        }
    }
    rig_close(&rig, _i % 2);
}
END_TEST

/* ---- packets ---- */

static struct packet_answer wire(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    struct rig *rig = owner;
    rig->calls++;
    ck_assert_uint_eq(iov_size(pieces, count), size);
    if (rig->stream.direction == DMA_FROM_DEVICE)
        iov_from_buffer(pieces, count, 0, rig->disk, rig->moved);
    else
        iov_to_buffer(pieces, count, 0, rig->disk, rig->moved);
    return (struct packet_answer){.failed = rig->fail_at == 0, .moved = rig->moved};
}

static void packet_try(struct rig *rig, enum dma_direction way, uint64_t moved, uint64_t free, unsigned shape)
{
    uint8_t disk_before[BYTES];
    rig_prepare(rig, shape + free, BYTES, free);
    memcpy(disk_before, rig->disk, BYTES);
    rig->stream.direction = way;
    rig->moved = moved;
    rig->calls = 0;
    rig->fail_at = shape % 5;
    struct packet_result result = packet_run(&rig->engine, &rig->list, way, wire, rig);
    dma_unmap(rig->space, &rig->hog, 0);
    must(rig, rig->calls == 1, "one host call", shape);
    must(rig, result.status == (rig->fail_at ? PACKET_OK : PACKET_HOST_ERROR), "status", shape);
    must(rig, result.moved == moved, "moved", shape);
    rig_check(rig, way, rig->disk, disk_before, moved, shape);
}

START_TEST(lesson_43_every_cut_of_a_small_packet)
{
    static struct rig rig;
    rig_open(&rig, 1, LIMIT, _i % 2);
    for (unsigned shape = 0; shape < power(COLOURS, BYTES); shape++) {
        rig_paint(&rig, shape);
        for (unsigned order = 0; order < 3; order++) {
            small_list(&rig, order);
            for (uint64_t moved = shape % 2; moved <= BYTES; moved += 1 + shape % 3)
                packet_try(&rig, DMA_FROM_DEVICE, moved, LIMIT, shape);
            packet_try(&rig, DMA_TO_DEVICE, BYTES, LIMIT, shape);
        }
    }
    ck_assert_uint_eq(rig.engine.totals.linear, 0);
    rig_close(&rig, _i % 2);
}
END_TEST

START_TEST(lesson_08_a_packet_with_every_number_of_free_bounce_bytes)
{
    static struct rig rig;
    rig_open(&rig, 1, LIMIT, _i % 2);
    for (unsigned bits = 0; bits < BIT(BYTES); bits++) {
        rig_paint(&rig, indirect_colours(bits));
        for (unsigned at = 0; at < 3 * (BYTES + 1); at++) {
            small_list(&rig, at % 3);
            for (uint64_t moved = 0; moved <= BYTES; moved++)
                packet_try(&rig, DMA_FROM_DEVICE, moved, at / 3, bits);
            packet_try(&rig, DMA_TO_DEVICE, BYTES, at / 3, bits);
        }
    }
    ck_assert_uint_gt(rig.engine.totals.linear, 1000);
    rig_close(&rig, _i % 2);
}
END_TEST

int main(void)
{
    const TTest *const small[] = {lesson_09_every_cut_of_a_small_request,
                                  lesson_09_every_number_of_free_bounce_bytes,
                                  lesson_16_a_backend_error_at_every_byte};
    const TTest *const large[] = {lesson_43_large_units_with_a_window_at_every_position};
    const TTest *const packets[] = {lesson_43_every_cut_of_a_small_packet,
                                    lesson_08_a_packet_with_every_number_of_free_bounce_bytes};
    return run_suite_looped("short maps", small, ARRAY_COUNT(small), CHECKED + 1) |
           run_suite_looped("short maps of large units", large, 1, 4) |
           run_suite_looped("short maps of packets", packets, ARRAY_COUNT(packets), 2);
}

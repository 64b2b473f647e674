/* SPDX-License-Identifier: MIT */
/* The pool against the disk: see checks.h. */
#include "checks.h"
#include "bounced.h"
#include "guests/demo/console.h"
#include "guests/demo/lib.h"
#include "guests/demo/power.h"
#include "guests/demo/timer.h"
#include "pattern.h"
#include "pio.h"

enum { ROUNDS = 16, PIO_SECTORS = 512 };

static uint8_t pio_buffer[PIO_SECTORS * SECTOR_SIZE];
static struct piece_list list;

static uint32_t below(uint32_t *random, uint32_t limit)
{
    return random_next(random) % limit;
}

/* Is this on the disk? */
static void check_disk(const char *what, uint32_t lba, uint32_t sectors, uint32_t seed)
{
    pio_read(IDE_PRIMARY, lba, sectors, pio_buffer);
    pattern_check(what, pio_buffer, sectors * SECTOR_SIZE, seed, 0);
}

/* ---- without the pool ---- */

/* One command straight to a buffer. True when it ends well; else it must have ended as the bus does. */
static bool run_unbounced(enum ide_direction direction, uint32_t address, uint32_t sectors)
{
    struct ide_result r;

    list.count = 0;
    pieces_add(&list, address, sectors * SECTOR_SIZE);
    ide_start(IDE_PRIMARY, direction, 0, sectors, &list);
    r = ide_finish(IDE_PRIMARY, TIMER_HZ);
    if (r.interrupted && !(r.bus_master & IDE_BM_ERROR)) return true;
    if ((r.bus_master & (IDE_BM_ERROR | IDE_BM_ACTIVE)) != IDE_BM_ERROR)
        fail("unbounced: bus master %02x, status %02x", r.bus_master, r.status);
    ide_reset(IDE_PRIMARY);
    return false;
}

static void check_unlimited(void)
{
    pattern_put(HIGH_A, 8 * SECTOR_SIZE, 1, 0);
    if (!run_unbounced(IDE_WRITE, (uint32_t)HIGH_A, 8))
        fail("a device with all address bits does not reach memory");
    check_disk("unbounced", 0, 8, 1);
    print("without bouncing: the device reaches all of memory\n");
}

void check_unbounced(unsigned mask)
{
    const uint32_t line = 1u << 24, before = 4 * SECTOR_SIZE;

    if (mask == 0 || mask == 32) {
        check_unlimited();
        return;
    }
    bounced_transfer(IDE_PRIMARY, IDE_WRITE, 0, 8, HIGH_B, 0);
    pio_read(IDE_PRIMARY, 0, 8, pio_buffer);
    guard_put(HIGH_A, 8 * SECTOR_SIZE);
    if (run_unbounced(IDE_READ, (uint32_t)HIGH_A, 8)) fail("a read beyond the mask went well");
    guard_check("a read beyond the mask", HIGH_A, 8 * SECTOR_SIZE);
    pattern_put(HIGH_A, 8 * SECTOR_SIZE, 2, 0);
    if (run_unbounced(IDE_WRITE, (uint32_t)HIGH_A, 8)) fail("a write beyond the mask went well");
    pio_read(IDE_PRIMARY, 0, 8, pio_buffer + 8 * SECTOR_SIZE);
    if (memcmp(pio_buffer, pio_buffer + 8 * SECTOR_SIZE, 8 * SECTOR_SIZE))
        fail("a write beyond the mask reached the disk");
    memset((void *)(line - before), GUARD, 2 * before);
    if (run_unbounced(IDE_READ, line - before, 8)) fail("a read across the mask's end went well");
    guard_check("a read across the mask's end", (uint8_t *)line, before);
    print("without bouncing: bus-master error, nothing beyond 16 MiB moved\n");
}

/* ---- the pool alone ---- */

enum { MODEL_MAPS = 64, MODEL_STEPS = 4000 };

/* Do the runs of two mappings share a slot, or does one leave its segment? */
static void check_apart(const struct swiotlb_map *a, const struct swiotlb_map *b)
{
    if (a->bounce && b->bounce && a->first < b->first + b->slots && b->first < a->first + a->slots)
        fail("slot %u has two owners", a->first > b->first ? a->first : b->first);
}

static void check_place(const struct swiotlb_map *map, uint32_t align, uint32_t keep)
{
    uint32_t padding = (uint32_t)map->original & keep, run = map->bounce - padding,
             end = map->bounce + map->length;

    if ((map->bounce ^ (uint32_t)map->original) & keep)
        fail("bounce %08x of %08x: keep %x", map->bounce, (uint32_t)map->original, keep);
    if (align && run % align) fail("run at %08x: align %x", run, align);
    if (run / SWIOTLB_SEGMENT != (end - 1) / SWIOTLB_SEGMENT)
        fail("%08x to %08x: leaves its segment", run, end);
    if (end > 1u << 24) fail("bounce beyond 16 MiB");
}

void check_slots(void)
{
    static struct swiotlb_map maps[MODEL_MAPS];
    uint32_t random = 0x51075, done = 0, refused = 0;

    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        struct swiotlb_map *map = &maps[below(&random, MODEL_MAPS)];
        uint32_t align = below(&random, 2) ? 1u << below(&random, 17) : 0,
                 keep = (1u << below(&random, 13)) - 1;
        uint8_t *original = HIGH_A + below(&random, 1 << 20);
        uint32_t length = 1 + below(&random, below(&random, 4) ? 9000 : SWIOTLB_SEGMENT + 4096);

        if (map->bounce) {
            swiotlb_unmap(map);
        } else if (swiotlb_map(map, original, length, SWIOTLB_TO_DEVICE, align, keep)) {
            check_place(map, align, keep);
            for (unsigned i = 0; i < MODEL_MAPS; i++)
                if (&maps[i] != map) check_apart(map, &maps[i]);
            done++;
        } else {
            refused++;
        }
        if (step % 1000 == 999) swiotlb_grow();
    }
    for (unsigned i = 0; i < MODEL_MAPS; i++)
        if (maps[i].bounce) swiotlb_unmap(&maps[i]);
    if (swiotlb_slots_used()) fail("%u slots are left", swiotlb_slots_used());
    if (!done || !refused) fail("of %u maps %u were refused", done + refused, refused);
    swiotlb_init();
    print("slots: %u maps, %u refused, none with two owners\n", done, refused);
}

/* ---- transfers ---- */

/* What of `keep` an odd buffer allows: the controller wants even addresses. */
static uint32_t keep_for(const uint8_t *buffer, uint32_t *random)
{
    return (uint32_t)buffer & 1 ? 0 : (1u << below(random, 13)) - 1;
}

void check_odd_transfers(void)
{
    uint32_t random = 0xbadc0de, bytes = 0;

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t sectors = 1 + below(&random, 300), lba = below(&random, DISK_SECTORS_USED - sectors);
        uint32_t size = sectors * SECTOR_SIZE;
        uint8_t *out = HIGH_A + MARGIN + below(&random, 70000), *in = HIGH_B + MARGIN + below(&random, 70000);

        guard_put(out, size);
        pattern_put(out, size, round, 0);
        bounced_transfer(IDE_PRIMARY, IDE_WRITE, lba, sectors, out, keep_for(out, &random));
        pattern_check("source of a write", out, size, round, 0);
        guard_check_margins("a write", out, size);
        check_disk("written", lba, sectors, round);
        guard_put(in, size);
        bounced_transfer(IDE_PRIMARY, IDE_READ, lba, sectors, in, keep_for(in, &random));
        pattern_check("read back", in, size, round, 0);
        guard_check_margins("a read", in, size);
        bytes += 2 * size;
    }
    if (swiotlb_slots_used()) fail("%u slots are left", swiotlb_slots_used());
    print("odd places: %u writes and reads, %u bytes ok\n", ROUNDS, bytes);
}

/* Of a read, only the part that is synced may arrive; and of what the CPU changes, only that part may leave. */
static void partial_round(uint32_t round, uint32_t *random)
{
    enum { SECTORS = 24, SIZE = SECTORS * SECTOR_SIZE };
    uint8_t *buffer = HIGH_A + MARGIN + below(random, 4096);
    uint32_t from = below(random, SIZE), length = 1 + below(random, SIZE - from),
             keep = keep_for(buffer, random);
    struct swiotlb_map map;

    guard_put(buffer, SIZE);
    if (!swiotlb_map(&map, buffer, SIZE, SWIOTLB_BOTH, 0, keep)) fail("no slots");
    list.count = 0;
    pieces_add(&list, map.bounce, map.length);
    pattern_put(HIGH_B, SIZE, round, 0);
    bounced_transfer(IDE_PRIMARY, IDE_WRITE, 64, SECTORS, HIGH_B, 0);
    bounced_run(IDE_PRIMARY, IDE_READ, 64, SECTORS, &list);
    swiotlb_sync_for_cpu(&map, from, length);
    guard_check("in front of a sync for the CPU", buffer, from);
    pattern_check("synced for the CPU", buffer + from, length, round, from);
    guard_check("behind a sync for the CPU", buffer + from + length, SIZE - from - length);

    pattern_put(buffer, SIZE, round + 1000, 0);
    swiotlb_sync_for_device(&map, from, length);
    bounced_run(IDE_PRIMARY, IDE_WRITE, 64, SECTORS, &list);
    pio_read(IDE_PRIMARY, 64, SECTORS, pio_buffer);
    pattern_check("in front of a sync for the device", pio_buffer, from, round, 0);
    pattern_check("synced for the device", pio_buffer + from, length, round + 1000, from);
    pattern_check("behind a sync for the device", pio_buffer + from + length, SIZE - from - length, round,
                  from + length);
    swiotlb_unmap(&map);
    pattern_check("unmapped", buffer, from, round, 0);
    guard_check_margins("a partial sync", buffer, SIZE);
}

void check_partial_syncs(void)
{
    uint32_t random = 0x5eed;

    for (uint32_t round = 1; round <= ROUNDS; round++) partial_round(round, &random);
    print("partial syncs: %u in each direction ok\n", ROUNDS);
}

/* The device writes less than is mapped: the rest of the buffer keeps what it held, and sees nothing of the pool. */
void check_short_transfer(void)
{
    const uint32_t mapped = 5 * SECTOR_SIZE + 77, moved = 3 * SECTOR_SIZE;
    uint8_t *buffer = HIGH_A + MARGIN + 11;
    struct swiotlb_map map;

    pattern_put(HIGH_B, moved, 77, 0);
    bounced_transfer(IDE_PRIMARY, IDE_WRITE, 200, 3, HIGH_B, 0);
    guard_put(buffer, mapped);
    pattern_put(buffer, mapped, 78, 0);
    if (!swiotlb_map(&map, buffer, mapped, SWIOTLB_FROM_DEVICE, 0, 0)) fail("no slots");
    list.count = 0;
    pieces_add(&list, map.bounce, moved);
    bounced_run(IDE_PRIMARY, IDE_READ, 200, 3, &list);
    swiotlb_unmap(&map);
    pattern_check("what arrived", buffer, moved, 77, 0);
    pattern_check("behind a short transfer", buffer + moved, mapped - moved, 78, moved);
    guard_check_margins("a short transfer", buffer, mapped);
    print("short transfer: the rest keeps what it held\n");
}

void check_many_slots(void)
{
    enum { MAPS = 120 };
    static struct swiotlb_map maps[MAPS];
    static uint32_t starts[MAPS];
    uint32_t random = 0x3a9, sectors = 200, left = sectors * SECTOR_SIZE, at = 0, count = 0;
    uint8_t *out = HIGH_A + MARGIN + 1, *in = HIGH_B + MARGIN;

    guard_put(in, HIGH_SIZE - 2 * MARGIN);
    pattern_put(out, left, 99, 0);
    bounced_transfer(IDE_PRIMARY, IDE_WRITE, 1000, sectors, out, 0);
    list.count = 0;
    for (; left; count++) {
        uint32_t n = count == MAPS - 1 ? left : 2 * (1 + below(&random, left / (MAPS - count)));

        if (n > left) n = left;
        starts[count] = count * 65536 + below(&random, 32768);
        if (!swiotlb_map(&maps[count], in + starts[count], n, SWIOTLB_FROM_DEVICE, 0, 0))
            fail("no slots for map %u", count);
        pieces_add(&list, maps[count].bounce, n);
        left -= n;
    }
    bounced_run(IDE_PRIMARY, IDE_READ, 1000, sectors, &list);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = maps[i].length, place = starts[i];

        swiotlb_unmap(&maps[i]);
        pattern_check("a piece of many", in + place, n, 99, at);
        guard_check_margins("a piece of many", in + place, n);
        at += n;
    }
    print("many slots: %u mappings in one command of %u sectors ok\n", count, sectors);
}

void check_segment_limit(void)
{
    const uint32_t sectors = 2048; /* 1 MiB */
    struct swiotlb_map map;
    uint8_t *out = HIGH_A + MARGIN + 3, *in = HIGH_B + MARGIN + 5;

    if (swiotlb_map(&map, HIGH_A, SWIOTLB_SEGMENT + 1, SWIOTLB_TO_DEVICE, 0, 0))
        fail("more than a segment was mapped");
    for (uint32_t keep = 0; keep < 4096; keep = 2 * keep + 1) {
        uint8_t *worst = HIGH_A + keep; /* the most padding that there can be */

        if (!swiotlb_map(&map, worst, swiotlb_largest(keep), SWIOTLB_TO_DEVICE, 0, keep))
            fail("the largest is refused");
        swiotlb_unmap(&map);
        if (swiotlb_map(&map, worst, swiotlb_largest(keep) + 1, SWIOTLB_TO_DEVICE, 0, keep))
            fail("more than the largest");
    }
    guard_put(in, sectors * SECTOR_SIZE);
    pattern_put(out, sectors * SECTOR_SIZE, 5, 0);
    bounced_transfer(IDE_PRIMARY, IDE_WRITE, 1500, sectors, out, 0);
    bounced_transfer(IDE_PRIMARY, IDE_READ, 1500, sectors, in, 0);
    pattern_check("1 MiB", in, sectors * SECTOR_SIZE, 5, 0);
    guard_check_margins("1 MiB", in, sectors * SECTOR_SIZE);
    print("segment limit: %u bytes at once, 1 MiB in several commands ok\n", swiotlb_largest(0));
}

/* Full: a map fails and harms nothing; one that ends makes room; growing does, between transfers. */
void check_full_pool(void)
{
    enum { MOST = SWIOTLB_AREA / SWIOTLB_SEGMENT };
    struct swiotlb_map maps[MOST], more;
    unsigned areas = swiotlb_areas(), count = 0;

    if (areas != 1) fail("the pool has %u areas", areas);
    while (count < MOST &&
           swiotlb_map(&maps[count], HIGH_A + count, SWIOTLB_SEGMENT, SWIOTLB_TO_DEVICE, 0, 0))
        count++;
    if (count != MOST || swiotlb_was_full()) fail("%u segments could be mapped, not %u", count, MOST);
    if (swiotlb_map(&more, HIGH_B, 1, SWIOTLB_TO_DEVICE, 0, 0) || !swiotlb_was_full())
        fail("a full pool has a slot");
    swiotlb_unmap(&maps[1]);
    if (!swiotlb_map(&more, HIGH_B, SWIOTLB_SEGMENT, SWIOTLB_TO_DEVICE, 0, 0))
        fail("what came back cannot be had");
    maps[1] = more;
    if (swiotlb_areas() != areas) fail("the pool grew within a map");

    pattern_put(HIGH_B, 2 * SECTOR_SIZE, 6, 0);
    bounced_transfer(IDE_PRIMARY, IDE_WRITE, 300, 2, HIGH_B, 0); /* grows, as the pool is full */
    check_disk("written by a grown pool", 300, 2, 6);
    if (swiotlb_areas() != areas + 1) fail("the pool has %u areas", swiotlb_areas());
    while (swiotlb_grow()) {
    }
    for (unsigned i = 0; i < count; i++) swiotlb_unmap(&maps[i]);
    if (swiotlb_slots_used()) fail("%u slots are left", swiotlb_slots_used());
    print("full pool: refuses, serves what comes back, grows to %u areas between transfers\n",
          swiotlb_areas());
    swiotlb_init();
}

/* ---- both channels ---- */

/* A disk's part in a round: writes, or reads what it wrote in the round before. */
struct side {
    struct bounced_request request;
    uint32_t seed;
    uint8_t *buffer;
};

static uint32_t side_bytes(const struct side *side)
{
    return side->request.sectors * SECTOR_SIZE;
}

static void side_prepare(struct side *side, enum ide_channel channel, bool reads, uint32_t *random)
{
    static uint32_t seed = 0x1000;
    struct bounced_request *request = &side->request;

    request->channel = channel;
    request->direction = reads ? IDE_READ : IDE_WRITE;
    if (!reads) {
        request->sectors = 1 + below(random, 256);
        request->lba = below(random, DISK_SECTORS_USED - 256);
        side->seed = ++seed;
    }
    side->buffer = (channel ? HIGH_B : HIGH_A) + MARGIN + below(random, 5000);
    guard_put(side->buffer, side_bytes(side));
    if (!reads) pattern_put(side->buffer, side_bytes(side), side->seed, 0);
}

static bool side_map(struct side *side)
{
    return bounced_map(&side->request, side->buffer);
}

static void side_finish(struct side *side)
{
    bounced_finish(&side->request);
    pattern_check("one of two channels", side->buffer, side_bytes(side), side->seed, 0);
    guard_check_margins("one of two channels", side->buffer, side_bytes(side));
}

/* Both at once where the pool has room for both, else one after the other. True when it had. */
static bool run_pair(struct side *first, struct side *second)
{
    bool both;

    if (!side_map(first)) fail("the pool is full");
    both = side_map(second);
    bounced_start(&first->request);
    if (both) bounced_start(&second->request);
    side_finish(first);
    if (!both) {
        if (!side_map(second)) fail("the pool is full for ever");
        bounced_start(&second->request);
    }
    side_finish(second);
    return both;
}

void check_two_channels(bool second)
{
    enum { HELD = SWIOTLB_AREA / SWIOTLB_SEGMENT };
    static struct side sides[IDE_CHANNELS];
    struct swiotlb_map held[HELD]; /* leaves room for the largest request, and not for two of them */
    uint32_t random = 0x2c4a, together = 0, rounds = 2 * ROUNDS;

    if (!second) return;
    for (unsigned i = 0; i < HELD; i++)
        if (!swiotlb_map(&held[i], HIGH_A, i ? SWIOTLB_SEGMENT : 100 * 1024, SWIOTLB_TO_DEVICE, 0, 0))
            fail("no slots");
    for (uint32_t round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < IDE_CHANNELS; i++)
            side_prepare(&sides[i], i, round && (round + i) % 2, &random);
        together += run_pair(&sides[round % 2], &sides[1 - round % 2]);
    }
    for (unsigned i = 0; i < HELD; i++) swiotlb_unmap(&held[i]);
    if (!together || together == rounds)
        fail("of %u rounds %u had slots for both channels", rounds, together);
    print("both channels: %u rounds of a reader and a writer, %u of them at once, ok\n", rounds, together);
}

uint32_t disk_checksum(void)
{
    uint32_t crc = 0;

    for (uint32_t lba = 0; lba < DISK_SECTORS_USED; lba += PIO_SECTORS) {
        pio_read(IDE_PRIMARY, lba, PIO_SECTORS, pio_buffer);
        crc = crc32(crc, pio_buffer, sizeof pio_buffer);
    }
    return crc;
}

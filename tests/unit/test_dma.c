/* SPDX-License-Identifier: MIT */
/* Map and unmap: direct, bounced, faulty; the pool; the checker. */
#include "tests/unit/mem_helper.h"

static void pattern(uint8_t *to, size_t size)
{
    for (size_t i = 0; i < size; i++) to[i] = (uint8_t)(i * 7 + (i >> 8));
}

START_TEST(lesson_05_pointer_and_length_come_together)
{
    struct world world;
    world_open(&world, 0x3000);
    for (uint64_t length = 0; length < 0x5000; length += 0x1ff) {
        struct dma_mapping mapping = dma_map(world.space, 0x1001, length, DMA_TO_DEVICE);
        ck_assert_uint_eq(mapping.length, length < 0x1fff ? length : 0x1fff);
        if (length) ck_assert_ptr_eq(mapping.host, world.ram->host + 0x1001);
        dma_unmap(world.space, &mapping, 0);
    }
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_06_no_pointer_means_length_0)
{
    static const struct {
        gaddr addr;
        uint64_t length;
        enum dma_status status;
    } rows[] = {
        {0, 0, DMA_OK},
        {0x1000, 1, DMA_NO_MEMORY},
        {0x1000, UINT64_MAX, DMA_NO_MEMORY},
        {UINT64_MAX, 1, DMA_NO_MEMORY},
        {UINT64_MAX, UINT64_MAX, DMA_NO_MEMORY},
        {SPACE_SIZE, 16, DMA_NO_MEMORY},
        {UINT64_MAX, 0, DMA_OK},
    };
    struct world world;
    world_open(&world, 0x1000);
    for (unsigned i = 0; i < ARRAY_COUNT(rows) * 4; i++) {
        world_configure(&world, i & 1 ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 0, 0);
        struct dma_mapping mapping = dma_map(world.space, rows[i / 4].addr, rows[i / 4].length,
                                             i & 2 ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
        ck_assert_ptr_null(mapping.host);
        ck_assert_uint_eq(mapping.length, 0);
        ck_assert_int_eq(mapping.status, rows[i / 4].status);
        ck_assert_int_eq(dma_unmap(world.space, &mapping, 5), MEM_OK); /* harmless */
    }
    struct dma_mapping mapping = dma_map(world.space, 0xfff, UINT64_MAX, DMA_TO_DEVICE);
    ck_assert_uint_eq(mapping.length, 1);
    dma_unmap(world.space, &mapping, 1);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_07_many_bounces_at_once)
{
    struct world world;
    struct dma_mapping mappings[64];
    world_open(&world, 0x10000);
    world_configure(&world, DMA_MODE_INDIRECT, 4096, 0);
    pattern(world.ram->host, 0x10000);
    for (unsigned i = 0; i < 64; i++) {
        mappings[i] = dma_map(world.space, i * 512 + i, 64, DMA_TO_DEVICE);
        ck_assert_uint_eq(mappings[i].length, 64);
    }
    for (unsigned i = 0; i < 64; i++) ck_assert_mem_eq(mappings[i].host, world.ram->host + i * 512 + i, 64);
    for (unsigned i = 0; i < 64; i++) dma_unmap(world.space, &mappings[(i * 37) % 64], 0);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_03_bytes_are_counted_exactly)
{
    struct world world;
    uint64_t seed = 3;
    struct dma_mapping mappings[32] = {{0}};
    uint64_t held = 0;
    world_open(&world, 0x10000);
    world_configure(&world, DMA_MODE_INDIRECT, 8192, 0);
    for (unsigned step = 0; step < 20000; step++) {
        struct dma_mapping *mapping = &mappings[random_below(&seed, 32)];
        if (mapping->length) {
            held -= mapping->length;
            dma_unmap(world.space, mapping, 0);
        } else {
            uint64_t wanted = 1 + random_below(&seed, 3000);
            *mapping = dma_map(world.space, 0x100, wanted, DMA_TO_DEVICE);
            ck_assert_uint_eq(mapping->length, wanted < 8192 - held ? wanted : 8192 - held);
            if (!mapping->length) ck_assert_int_eq(mapping->status, DMA_NO_BOUNCE);
            held += mapping->length;
        }
        ck_assert_uint_eq(dma_stats(world.space)->bounce_bytes_held, held);
    }
    for (unsigned i = 0; i < 32; i++) dma_unmap(world.space, &mappings[i], 0);
    ck_assert_uint_le(dma_stats(world.space)->bounce_bytes_most, 8192);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_10_header_catches_wrong_unmaps_without_the_checker)
{
    struct clock clock;
    lint_quiet(true);
    clock_init(&clock, 0);
    struct region *ram = region_new_ram("ram", 0x1000, NULL);
    struct space *space = space_new("space", ram, SPACE_SIZE, &clock),
                 *other = space_new("other", ram, SPACE_SIZE, &clock);
    const struct dma_settings indirect = {.mode = DMA_MODE_INDIRECT};
    dma_configure(space, &indirect);
    dma_configure(other, &indirect);
    struct dma_mapping mapping = dma_map(space, 0, 64, DMA_FROM_DEVICE), copy = mapping, foreign = mapping;
    memset(mapping.host, 1, 64);
    ck_assert_int_eq(dma_unmap(other, &foreign, 64), MEM_DEVICE_ERROR);
    ck_assert_uint_eq(ram->host[0], 0);
    ck_assert_int_eq(dma_unmap(space, &mapping, 64), MEM_OK);
    ck_assert_int_eq(dma_unmap(space, &mapping, 64), MEM_OK);            /* an empty handle by now */
    struct dma_mapping again = dma_map(space, 512, 64, DMA_FROM_DEVICE); /* most likely in the same buffer */
    ck_assert_int_eq(dma_unmap(space, &copy, 64), MEM_DEVICE_ERROR);
    ck_assert_int_eq(dma_unmap(space, &again, 0), MEM_OK);
    ck_assert_uint_eq(dma_stats(space)->live, 0);
    ck_assert_uint_eq(dma_stats(space)->bounce_bytes_held, 0);
    space_free(space);
    space_free(other);
    region_release(ram);
}
END_TEST

START_TEST(lesson_11_direction_is_kept)
{
    struct world world;
    world_open(&world, 0x1000);
    world_configure(&world, DMA_MODE_INDIRECT, 0, 0);
    pattern(world.ram->host, 0x1000);
    struct dma_mapping mapping = dma_map(world.space, 0x80, 64, DMA_TO_DEVICE);
    ck_assert_mem_eq(mapping.host, world.ram->host + 0x80, 64);
    memset(mapping.host, 0, 64);
    dma_unmap(world.space, &mapping, 64);
    ck_assert_uint_eq(world.ram->host[0x81], (uint8_t)(0x81 * 7)); /* nothing was copied back */
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_12_exactly_the_accessed_bytes_are_marked)
{
    const struct region_at start = {0};
    for (unsigned i = 0; i < 4; i++) {
        struct world world;
        world_open(&world, 0x10000);
        if (i & 2) { /* without the checker direct maps take the inline paths */
            space_free(world.space);
            world.space = space_new("unchecked", world.root, SPACE_SIZE, &world.clock);
        }
        world_configure(&world, i & 1 ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 0x10000, 0);
        for (uint64_t accessed = 0; accessed <= 0x4000; accessed += 0x400) {
            region_clear_dirty(world.ram, start, 0x10000, MARK_DIRTY_SAVE);
            struct dma_mapping mapping = dma_map(world.space, 0x1800, 0x4000, DMA_FROM_DEVICE);
            memset(mapping.host, 0, accessed);
            dma_unmap(world.space, &mapping, accessed);
            for (uint64_t page = 0; page < 16; page++) {
                bool touched = page << 12 < 0x1800 + accessed && (page + 1) << 12 > 0x1800 && accessed;
                ck_assert_int_eq(region_dirty(world.ram, (struct region_at){page << 12}, 1, MARK_DIRTY_SAVE),
                                 touched);
            }
        }
        region_clear_dirty(world.ram, start, 0x10000, MARK_DIRTY_SAVE);
        struct dma_mapping mapping = dma_map(world.space, 0, 0x4000, DMA_TO_DEVICE);
        dma_unmap(world.space, &mapping, 0x4000);
        ck_assert(!region_dirty(world.ram, start, 0x10000, MARK_DIRTY_SAVE));
        world_close(&world, 0);
    }
}
END_TEST

static enum mem_result stubborn_access(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)value;
    ++*(unsigned *)owner;
    return at.offset == 8 && size == 4 ? MEM_DEVICE_ERROR : MEM_OK;
}

static enum mem_result stubborn_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    *value = 0;
    return stubborn_access(owner, at, size, 0);
}

START_TEST(lesson_13_failed_copy_back_comes_out_of_unmap)
{
    static const struct mmio_ops ops = {.read = stubborn_read, .write = stubborn_access};
    struct world world;
    unsigned calls = 0;
    world_open(&world, 0x1000);
    struct region *region = region_new_mmio("stubborn", 0x100, &ops, &calls, NULL);
    region_add(world.root, 0x4000, region, 0);
    struct dma_mapping mapping = dma_map(world.space, 0x4000, 16, DMA_FROM_DEVICE);
    ck_assert_uint_eq(calls, 0); /* registers are not read for it */
    memset(mapping.host, 1, 16);
    ck_assert_int_eq(dma_unmap(world.space, &mapping, 16), MEM_DEVICE_ERROR);
    ck_assert_uint_eq(calls, 4);
    ck_assert_uint_eq(dma_stats(world.space)->read_back_errors, 1);
    mapping = dma_map(world.space, 0x4000, 8, DMA_FROM_DEVICE);
    memset(mapping.host, 1, 8);
    ck_assert_int_eq(dma_unmap(world.space, &mapping, 8), MEM_OK);
    mapping = dma_map(world.space, 0x4000, 16, DMA_TO_DEVICE);
    ck_assert_int_eq(mapping.status, DMA_REFUSED);
    ck_assert_uint_eq(mapping.length, 0);
    mapping = dma_map(world.space, 0x400c, 1000, DMA_TO_DEVICE);
    ck_assert_uint_eq(mapping.length, 0x100 - 12); /* to the end of the range */
    dma_unmap(world.space, &mapping, 0);
    region_remove(region);
    region_release(region);
    world_close(&world, 0);
}
END_TEST

START_TEST(writes_to_rom_by_dma_are_lost_not_refused)
{
    struct world world;
    world_open(&world, 0x1000);
    struct region *rom = region_new_rom("rom", 0x1000, NULL);
    memset(rom->host, 0x11, 0x1000);
    region_add(world.root, 0x8000, rom, 0);
    struct dma_mapping mapping = dma_map(world.space, 0x8000, 64, DMA_FROM_DEVICE);
    ck_assert_uint_eq(mapping.length, 64);
    ck_assert_ptr_ne(mapping.host, rom->host);
    memset(mapping.host, 0x22, 64);
    ck_assert_int_eq(dma_unmap(world.space, &mapping, 64), MEM_OK);
    ck_assert_uint_eq(rom->host[0], 0x11);
    mapping = dma_map(world.space, 0x8000, 64, DMA_TO_DEVICE);
    ck_assert_ptr_eq(mapping.host, rom->host);
    dma_unmap(world.space, &mapping, 64);
    region_remove(rom);
    region_release(rom);
    world_close(&world, 0);
}
END_TEST

START_TEST(indirect_ram_bounces_beside_direct_ram)
{
    struct world world;
    world_open(&world, 0x1000);
    struct region *far = region_new_ram("far", 0x1000, NULL);
    far->indirect = true;
    region_add(world.root, 0x1000, far, 0);
    memset(far->host, 0x33, 0x1000);
    struct dma_mapping near_map = dma_map(world.space, 0x800, 0x1000, DMA_FROM_DEVICE);
    struct dma_mapping far_map = dma_map(world.space, 0x1000, 0x1000, DMA_TO_DEVICE);
    ck_assert_ptr_null(near_map.bounce);
    ck_assert_uint_eq(near_map.length, 0x800);
    ck_assert_ptr_nonnull(far_map.bounce);
    ck_assert_mem_eq(far_map.host, far->host, 0x1000);
    dma_unmap(world.space, &near_map, 0);
    dma_unmap(world.space, &far_map, 0);
    region_remove(far);
    region_release(far);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_17_a_failed_map_is_seen_without_looking_at_status)
{
    struct world world;
    world_open(&world, 0x1000);
    world_configure(&world, DMA_MODE_INDIRECT, 512, 0);
    struct dma_mapping all = dma_map(world.space, 0, 512, DMA_TO_DEVICE);
    struct dma_mapping none =
        dma_map(world.space, 0x200, 1, DMA_TO_DEVICE); /* unused results do not compile with -Werror */
    ck_assert_ptr_null(none.host);
    ck_assert_int_eq(none.status, DMA_NO_BOUNCE);
    dma_unmap(world.space, &all, 0);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_20_odd_addresses_and_lengths_get_what_they_asked_for)
{
    uint64_t seed = 20;
    struct world world;
    world_open(&world, 0x4000);
    world_configure(&world, DMA_MODE_INDIRECT, 4096, 0);
    random_bytes(&seed, world.ram->host, 0x4000);
    for (unsigned step = 0; step < 5000; step++) {
        gaddr first = random_below(&seed, 0x1000), second = 0x2000 + random_below(&seed, 0x1000);
        uint64_t length = 1 + random_below(&seed, 2048);
        struct dma_mapping a = dma_map(world.space, first, length, DMA_TO_DEVICE);
        struct dma_mapping b = dma_map(world.space, second, length, DMA_TO_DEVICE);
        ck_assert_uint_eq(a.length, length);
        ck_assert_uint_eq(b.length, length);
        ck_assert((uint8_t *)a.host + length <= (uint8_t *)b.host ||
                  (uint8_t *)b.host + length <= (uint8_t *)a.host);
        ck_assert_mem_eq(a.host, world.ram->host + first, length);
        ck_assert_mem_eq(b.host, world.ram->host + second, length);
        dma_unmap(world.space, &a, 0);
        dma_unmap(world.space, &b, 0);
    }
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_21_and_23_copy_back_exactly_what_was_written)
{
    struct world world;
    uint8_t expected[0x2000];
    world_open(&world, 0x2000);
    world_configure(&world, DMA_MODE_INDIRECT, 0, 0);
    for (uint64_t accessed = 0; accessed <= 700; accessed += 13) {
        pattern(world.ram->host, 0x2000);
        memcpy(expected, world.ram->host, 0x2000);
        struct dma_mapping mapping = dma_map(world.space, 0x333, 700, DMA_FROM_DEVICE);
        memset(mapping.host, 0xee, accessed);
        memset(expected + 0x333, 0xee, accessed);
        ck_assert_int_eq(dma_unmap(world.space, &mapping, accessed), MEM_OK);
        ck_assert_mem_eq(world.ram->host, expected, 0x2000);
    }
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_23_bounces_hold_nothing_stale)
{
    struct clock clock;
    clock_init(&clock, 0);
    struct region *ram = region_new_ram("ram", 0x1000, NULL);
    struct space *space = space_new("space", ram, SPACE_SIZE, &clock);
    const struct dma_settings indirect = {.mode = DMA_MODE_INDIRECT};
    dma_configure(space, &indirect);
    pattern(ram->host, 0x1000);
    struct dma_mapping secret = dma_map(space, 0, 512, DMA_TO_DEVICE);
    memset(secret.host, 0x99, 512);
    dma_unmap(space, &secret, 0);
    struct dma_mapping mapping = dma_map(space, 0x400, 512, DMA_FROM_DEVICE);
    ck_assert_mem_eq(mapping.host, ram->host + 0x400, 512); /* a careless `accessed` changes nothing */
    dma_unmap(space, &mapping, 512);
    space_free(space);
    region_release(ram);
}
END_TEST

START_TEST(lesson_22_the_largest_bounce_is_published_and_succeeds)
{
    static const struct {
        uint64_t limit, largest;
    } rows[] = {{0, 4096},   {1, 512},     {511, 512},   {512, 512},
                {1000, 512}, {4096, 4096}, {5000, 4608}, {1 << 20, 1 << 20}};
    struct world world;
    world_open(&world, 1 << 21);
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        world_configure(&world, DMA_MODE_INDIRECT, rows[i].limit, 0);
        ck_assert_uint_eq(dma_largest_bounce(world.space), rows[i].largest);
        struct dma_mapping mapping = dma_map(world.space, 77, UINT64_MAX, DMA_TO_DEVICE);
        ck_assert_uint_eq(mapping.length, rows[i].largest);
        dma_unmap(world.space, &mapping, 0);
    }
    world_close(&world, 0);
}
END_TEST

/* The program is linked so that the layer's allocations come by here (tests.mk). */
static uint64_t allocations;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

START_TEST(lesson_24_maps_allocate_nothing)
{
    struct clock clock;
    clock_init(&clock, 0);
    struct region *ram = region_new_ram("ram", 0x10000, NULL);
    struct space *space = space_new("space", ram, SPACE_SIZE, &clock);
    for (unsigned mode = DMA_MODE_DIRECT; mode <= DMA_MODE_INDIRECT; mode++) {
        const struct dma_settings settings = {.mode = mode};
        uint64_t before = 0;
        dma_configure(space, &settings);
        for (unsigned i = 0; i < 1000; i++) { /* the pool may grow at the first, and keeps what it has */
            struct dma_mapping a = dma_map(space, i, 2000, DMA_TO_DEVICE),
                               b = dma_map(space, i, 2000, DMA_FROM_DEVICE);
            if (i == 0) before = allocations;
            ck_assert_uint_eq(allocations, before);
            dma_unmap(space, &a, 1);
            dma_unmap(space, &b, 1);
        }
    }
    space_free(space);
    region_release(ram);
}
END_TEST

START_TEST(lesson_25_ranges_start_and_end_at_any_byte)
{
    struct world world;
    world_open(&world, 0x4000);
    struct region *tiny = region_new_ram("tiny", 3, NULL);
    region_add(world.root, 0x1fff, tiny, 1);
    struct dma_mapping a = dma_map(world.space, 0x1ffe, 10, DMA_TO_DEVICE);
    struct dma_mapping b = dma_map(world.space, 0x1fff, 10, DMA_TO_DEVICE);
    struct dma_mapping c = dma_map(world.space, 0x2002, 10, DMA_TO_DEVICE);
    ck_assert_uint_eq(a.length, 1);
    ck_assert_uint_eq(b.length, 3);
    ck_assert_ptr_eq(b.host, tiny->host);
    ck_assert_uint_eq(c.length, 10);
    dma_unmap(world.space, &a, 0);
    dma_unmap(world.space, &b, 0);
    dma_unmap(world.space, &c, 0);
    region_remove(tiny);
    region_release(tiny);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_18_the_checker_names_leaks_and_misuse)
{
    struct world world;
    world_open(&world, 0x1000);
    world_configure(&world, DMA_MODE_DIRECT, 0, 0);
    struct dma_mapping leak = dma_map(world.space, 0x123, 16, DMA_FROM_DEVICE), copy = leak;
    char text[8192] = "";
    FILE *to = fmemopen(text, sizeof(text), "w");
    ck_assert_uint_eq(dma_checker_report(world.space, to), 1);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "ram: still mapped at 0x123, 16 bytes from device"));
    ck_assert_int_eq(dma_unmap(world.space, &leak, 17), MEM_OK);          /* finding: accessed too much */
    ck_assert_int_eq(dma_unmap(world.space, &copy, 1), MEM_DEVICE_ERROR); /* finding: twice */

    world_configure(&world, DMA_MODE_INDIRECT, 0, 0);
    struct dma_mapping beyond = dma_map(world.space, 0, 16, DMA_FROM_DEVICE);
    memset(beyond.host, 1, 16);
    dma_unmap(world.space, &beyond, 8); /* finding: wrote more than it says */
    struct dma_mapping overrun = dma_map(world.space, 0, 16, DMA_FROM_DEVICE);
    memset(overrun.host, 1, 17);
    lint_quiet(true);
    dma_unmap(world.space, &overrun, 16); /* finding: wrote past the end */
    struct dma_mapping turned = dma_map(world.space, 0, 16, DMA_TO_DEVICE);
    turned.direction = DMA_FROM_DEVICE;
    dma_unmap(world.space, &turned, 0); /* finding: handle changed */
    world_close(&world, 5);
}
END_TEST

static uint64_t faulty_run(uint64_t seed)
{
    struct world world;
    uint64_t hash = 0, random = 7;
    world_open(&world, 0x10000);
    world_configure(&world, DMA_MODE_FAULTY, 0, seed);
    for (unsigned i = 0; i < 2000; i++) {
        gaddr addr = random_below(&random, 0x10000);
        struct dma_mapping mapping = dma_map(world.space, addr, 512, DMA_TO_DEVICE);
        hash = hash * 31 + mapping.length * 4 + (mapping.bounce != NULL);
        dma_unmap(world.space, &mapping, 0);
    }
    const struct dma_stats *stats = dma_stats(world.space);
    ck_assert_uint_gt(stats->failed_maps, 100);
    ck_assert_uint_gt(stats->short_maps, 300);
    ck_assert_uint_gt(stats->bounces, 200);
    world_close(&world, 0);
    return hash;
}

START_TEST(faulty_mode_follows_its_seed)
{
    ck_assert_uint_eq(faulty_run(1), faulty_run(1));
    ck_assert_uint_ne(faulty_run(1), faulty_run(2));
    ck_assert_uint_eq(faulty_run(0), faulty_run(0));
}
END_TEST

/*
 * The property test: random maps, writes and unmaps in all modes over memory of several kinds, against plain arrays. Writes
 * go to the model when they are unmapped; ranges that are mapped for writing do not overlap others.
 */
#define HELD 12

struct held {
    struct dma_mapping mapping;
    uint8_t *model;
    bool lost;
};

static bool overlaps(const struct held *held, gaddr addr, uint64_t length)
{
    for (unsigned i = 0; i < HELD; i++) {
        const struct dma_mapping *mapping = &held[i].mapping;
        if (mapping->length && addr < mapping->addr + mapping->length && mapping->addr < addr + length)
            return true;
    }
    return false;
}

START_TEST(random_maps_agree_with_the_model)
{
    enum { SIZE = 0x8000, PART = 0x2000 };
    static uint8_t model[SIZE];
    static const enum dma_mode modes[] = {DMA_MODE_DIRECT, DMA_MODE_INDIRECT, DMA_MODE_FAULTY,
                                          DMA_MODE_FAULTY};
    uint64_t seed = 99 + (uint64_t)_i;
    struct world world;
    struct held held[HELD] = {0};
    world_open(&world, SIZE);
    /* RAM; indirect RAM from 0x2345; ROM from 0x5000; a hole from 0x7801 on */
    struct region *indirect = region_new_ram("indirect", PART, NULL),
                  *rom = region_new_rom("rom", 0x1000, NULL);
    struct region *start = region_new_alias("start", world.ram, (struct region_at){0}, 0x7801);
    indirect->indirect = true;
    region_change_begin();
    region_remove(world.ram);
    region_add(world.root, 0, start, 0);
    region_add(world.root, 0x2345, indirect, 1);
    region_add(world.root, 0x5000, rom, 1);
    region_change_end();
    world_configure(&world, modes[_i % 4], (_i % 3) * 2048, seed);
    random_bytes(&seed, model, SIZE);
    space_poke(world.space, 0, model, 0x7801);

    for (unsigned step = 0; step < 17000; step++) {
        struct held *slot = &held[random_below(&seed, HELD)];
        if (slot->mapping.length) {
            struct dma_mapping *mapping = &slot->mapping;
            uint64_t accessed = random_below(&seed, mapping->length + 1);
            uint8_t data[1024];
            if (mapping->direction == DMA_FROM_DEVICE) {
                random_bytes(&seed, data, accessed);
                memcpy(mapping->host, data, accessed);
                if (!slot->lost) memcpy(slot->model, data, accessed);
            } else {
                ck_assert_mem_eq(mapping->host, slot->model, mapping->length);
            }
            ck_assert_int_eq(dma_unmap(world.space, mapping, accessed), MEM_OK);
            continue;
        }
        gaddr addr = random_below(&seed, SIZE);
        uint64_t length = 1 + random_below(&seed, 1024);
        enum dma_direction direction = random_below(&seed, 2) ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
        if (overlaps(held, addr, length)) continue;
        slot->mapping = dma_map(world.space, addr, length, direction);
        slot->model = &model[addr];
        slot->lost = addr >= 0x5000 && addr < 0x6000;
        ck_assert_uint_le(slot->mapping.length, length);
        if (addr >= 0x7801) ck_assert_int_eq(slot->mapping.status, DMA_NO_MEMORY);
        if (!slot->mapping.length) ck_assert_int_ne(slot->mapping.status, DMA_OK);
    }
    for (unsigned i = 0; i < HELD; i++) dma_unmap(world.space, &held[i].mapping, 0);
    uint8_t got[0x7801];
    space_peek(world.space, 0, got, sizeof(got));
    ck_assert_mem_eq(got, model, sizeof(got));
    region_remove(start);
    region_remove(rom);
    region_remove(indirect);
    region_release(start);
    region_release(rom);
    region_release(indirect);
    region_add(world.root, 0, world.ram, 0);
    world_close(&world, 0);
}
END_TEST

START_TEST(a_thousand_mappings_are_held_at_once)
{
    static struct dma_mapping mappings[1000];
    struct clock clock;
    clock_init(&clock, 0);
    struct region *ram = region_new_ram("ram", 1 << 20, NULL);
    struct space *space = space_new("space", ram, SPACE_SIZE, &clock);
    for (unsigned i = 0; i < 1000; i++) mappings[i] = dma_map(space, i * 1024, 1024, DMA_TO_DEVICE);
    ck_assert_uint_eq(dma_stats(space)->live, 1000);
    for (unsigned i = 0; i < 1000; i++) dma_unmap(space, &mappings[i], 0);
    ck_assert_uint_eq(dma_stats(space)->live, 0);
    ck_assert_uint_eq(dma_stats(space)->most_live, 1000);
    ck_assert_uint_eq(dma_stats(space)->direct_bytes, 1000 * 1024);
    space_free(space);
    region_release(ram);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lesson_03_bytes_are_counted_exactly,
        lesson_05_pointer_and_length_come_together,
        lesson_06_no_pointer_means_length_0,
        lesson_07_many_bounces_at_once,
        lesson_10_header_catches_wrong_unmaps_without_the_checker,
        lesson_11_direction_is_kept,
        lesson_12_exactly_the_accessed_bytes_are_marked,
        lesson_13_failed_copy_back_comes_out_of_unmap,
        writes_to_rom_by_dma_are_lost_not_refused,
        indirect_ram_bounces_beside_direct_ram,
        lesson_17_a_failed_map_is_seen_without_looking_at_status,
        lesson_18_the_checker_names_leaks_and_misuse,
        lesson_20_odd_addresses_and_lengths_get_what_they_asked_for,
        lesson_21_and_23_copy_back_exactly_what_was_written,
        lesson_22_the_largest_bounce_is_published_and_succeeds,
        lesson_23_bounces_hold_nothing_stale,
        lesson_24_maps_allocate_nothing,
        lesson_25_ranges_start_and_end_at_any_byte,
        faulty_mode_follows_its_seed,
        a_thousand_mappings_are_held_at_once,
    };
    const TTest *const looped[] = {random_maps_agree_with_the_model};
    return run_suite("dma", tests, ARRAY_COUNT(tests)) | run_suite_looped("dma model", looped, 1, 12);
}

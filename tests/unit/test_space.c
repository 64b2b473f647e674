/* SPDX-License-Identifier: MIT */
/* Address spaces: access of every size and alignment, against a model. */
#include "tests/unit/mem_helper.h"

/* A device that logs the accesses it gets, over 256 bytes of registers. */
#define CHIP_LOG 64
struct chip {
    struct mmio_ops ops;
    uint8_t bytes[256];
    struct {
        uint64_t offset;
        unsigned size;
    } log[CHIP_LOG];
    unsigned count;
    enum mem_result answer;
};

static void chip_note(struct chip *chip, struct region_at at, unsigned size)
{
    if (chip->count < CHIP_LOG) {
        chip->log[chip->count].offset = at.offset;
        chip->log[chip->count].size = size;
    }
    chip->count++;
}

static enum mem_result chip_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct chip *chip = owner;
    chip_note(chip, at, size);
    *value = le_load(&chip->bytes[at.offset], size) | ~bytes_mask(size); /* rubbish above is cut off */
    return chip->answer;
}

static enum mem_result chip_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct chip *chip = owner;
    chip_note(chip, at, size);
    ck_assert_uint_eq(value & ~bytes_mask(size), 0);
    le_store(&chip->bytes[at.offset], size, value);
    return chip->answer;
}

static struct region *chip_open(struct chip *chip, unsigned min, unsigned max, bool unaligned)
{
    *chip = (struct chip){.ops = {.read = chip_read,
                                  .write = chip_write,
                                  .min_size = (uint8_t)min,
                                  .max_size = (uint8_t)max,
                                  .unaligned = unaligned}};
    for (unsigned i = 0; i < 256; i++) chip->bytes[i] = (uint8_t)(i ^ 0x80);
    return region_new_mmio("chip", 256, &chip->ops, chip, NULL);
}

START_TEST(lesson_42_loads_and_stores_are_little_endian_on_every_host)
{
    struct world world;
    world_open(&world, 0x4000);
    space_write(world.space, 0xffc, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    uint64_t value;
    ck_assert_int_eq(space_load(world.space, 0xffc, 8, &value), MEM_OK);
    ck_assert_uint_eq(value, UINT64_C(0x8877665544332211));
    space_load(world.space, 0xffd, 4, &value);
    ck_assert_uint_eq(value, 0x55443322);
    space_load(world.space, 0xfff, 2, &value);
    ck_assert_uint_eq(value, 0x5544);
    space_load(world.space, 0x1003, 1, &value);
    ck_assert_uint_eq(value, 0x88);
    space_store(world.space, 0x1fff, 4, UINT64_C(0xffffffffa1b2c3d4));
    uint8_t bytes[6];
    space_read(world.space, 0x1ffe, bytes, 6);
    ck_assert_mem_eq(bytes, "\x00\xd4\xc3\xb2\xa1\x00", 6);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_26_accesses_are_split_only_as_the_region_declares)
{
    static const struct {
        unsigned min, max;
        bool unaligned;
        uint64_t offset, length;
        const char *pieces; /* sizes, in order */
        enum mem_result result;
    } rows[] = {
        {1, 4, false, 0, 4, "4", MEM_OK},          {1, 4, false, 0, 8, "44", MEM_OK},
        {1, 4, false, 1, 4, "121", MEM_OK},        {1, 4, false, 2, 8, "242", MEM_OK},
        {1, 8, false, 0, 8, "8", MEM_OK},          {1, 8, false, 4, 20, "488", MEM_OK},
        {1, 1, false, 3, 4, "1111", MEM_OK},       {0, 0, false, 0, 8, "44", MEM_OK},
        {1, 4, true, 1, 4, "4", MEM_OK},           {1, 8, true, 3, 11, "821", MEM_OK},
        {1, 2, true, 5, 4, "22", MEM_OK},          {4, 4, false, 8, 4, "4", MEM_OK},
        {4, 4, false, 8, 2, "", MEM_DEVICE_ERROR}, {4, 4, false, 8, 6, "4", MEM_DEVICE_ERROR},
        {2, 4, false, 3, 2, "", MEM_DEVICE_ERROR}, {1, 8, false, 0, 3, "21", MEM_OK},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows) * 2; i++) {
        bool write = i % 2;
        unsigned row = i / 2;
        struct world world;
        struct chip chip;
        world_open(&world, 0x1000);
        struct region *region = chip_open(&chip, rows[row].min, rows[row].max, rows[row].unaligned);
        region_add(world.root, 0x8000, region, 0);
        uint8_t buffer[32] = {0};
        gaddr addr = 0x8000 + rows[row].offset;
        enum mem_result result = write ? space_write(world.space, addr, buffer, rows[row].length)
                                       : space_read(world.space, addr, buffer, rows[row].length);
        ck_assert_int_eq(result, rows[row].result);
        ck_assert_uint_eq(chip.count, strlen(rows[row].pieces));
        uint64_t at = rows[row].offset;
        for (unsigned piece = 0; piece < chip.count; piece++) {
            ck_assert_uint_eq(chip.log[piece].size, (unsigned)(rows[row].pieces[piece] - '0'));
            ck_assert_uint_eq(chip.log[piece].offset, at);
            at += chip.log[piece].size;
        }
        region_remove(region);
        region_release(region);
        world_close(&world, 0);
    }
    /* Memory is not split at all: a map of a whole range is one piece, direct or bounced. */
    struct world world;
    world_open(&world, 0x100000);
    world_configure(&world, DMA_MODE_INDIRECT, 0x100000, 0);
    struct dma_mapping mapping = dma_map(world.space, 3, 0xffffd, DMA_TO_DEVICE);
    ck_assert_uint_eq(mapping.length, 0xffffd);
    dma_unmap(world.space, &mapping, 0);
    world_close(&world, 0);
}
END_TEST

START_TEST(load_and_store_of_registers)
{
    struct world world;
    struct chip chip;
    uint64_t value = 0;
    world_open(&world, 0x1000);
    struct region *region = chip_open(&chip, 1, 4, false);
    region_add(world.root, 0x8000, region, 0);
    space_load(world.space, 0x8010, 4, &value);
    ck_assert_uint_eq(value, 0x93929190);
    ck_assert_uint_eq(chip.count, 1);
    space_load(world.space, 0x8011, 8, &value);
    ck_assert_uint_eq(value, UINT64_C(0x9897969594939291));
    space_store(world.space, 0x8020, 8, UINT64_C(0x0102030405060708));
    ck_assert_mem_eq(&chip.bytes[0x20], "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    chip.answer = MEM_DEVICE_ERROR;
    ck_assert_int_eq(space_load(world.space, 0x8000, 1, &value), MEM_DEVICE_ERROR);
    ck_assert_int_eq(space_store(world.space, 0x8000, 1, 0), MEM_DEVICE_ERROR);
    /* Across the end of the region, into nothing. */
    chip.answer = MEM_OK;
    ck_assert_int_eq(space_load(world.space, 0x80fe, 4, &value), MEM_DECODE_ERROR);
    ck_assert_uint_eq(value, 0xffff7f7e);
    region_remove(region);
    region_release(region);
    world_close(&world, 0);
}
END_TEST

START_TEST(a_region_without_callbacks_reads_ones_and_takes_writes)
{
    static const struct mmio_ops ops = {.max_size = 8};
    struct world world;
    uint64_t value = 0;
    world_open(&world, 0x1000);
    struct region *region = region_new_mmio("void", 16, &ops, NULL, NULL);
    region_add(world.root, 0x8000, region, 0);
    ck_assert_int_eq(space_load(world.space, 0x8000, 4, &value), MEM_OK);
    ck_assert_uint_eq(value, UINT32_MAX);
    ck_assert_int_eq(space_store(world.space, 0x8000, 4, 1), MEM_OK);
    region_remove(region);
    region_release(region);
    world_close(&world, 0);
}
END_TEST

START_TEST(nobody_answers_beyond_memory_and_nothing_wraps)
{
    struct world world;
    uint64_t value = 0;
    uint8_t buffer[16];
    world_open(&world, 0x1000);
    ck_assert_int_eq(space_load(world.space, 0x1000, 4, &value), MEM_DECODE_ERROR);
    ck_assert_uint_eq(value, UINT32_MAX);
    ck_assert_int_eq(space_store(world.space, 0x5000, 8, 0), MEM_DECODE_ERROR);
    memset(world.ram->host, 0x77, 0x1000);
    memset(buffer, 0, sizeof(buffer));
    ck_assert_int_eq(space_read(world.space, 0xff8, buffer, 16), MEM_DECODE_ERROR);
    ck_assert_mem_eq(buffer, "\x77\x77\x77\x77\x77\x77\x77\x77\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    ck_assert_int_eq(space_read(world.space, UINT64_MAX - 7, buffer, 16), MEM_DECODE_ERROR);
    ck_assert_uint_eq(buffer[8], 0xff); /* address 0 was not read */
    ck_assert_int_eq(space_fill(world.space, UINT64_MAX - 7, 0, 16), MEM_DECODE_ERROR);
    ck_assert_uint_eq(world.ram->host[0], 0x77);
    ck_assert_int_eq(space_fill(world.space, 0x1000, 0, UINT64_MAX), MEM_DECODE_ERROR);
    ck_assert_int_eq(space_fill(world.space, 0xff0, 0x66, UINT64_MAX), MEM_DECODE_ERROR);
    ck_assert_uint_eq(world.ram->host[0xfff], 0x66);
    ck_assert_uint_eq(world.ram->host[0], 0x77);
    world_close(&world, 0);
}
END_TEST

START_TEST(rom_and_read_only_windows_lose_writes)
{
    struct world world;
    world_open(&world, 0x4000);
    struct region *rom = region_new_rom("rom", 0x1000, NULL);
    struct region *shadow = region_new_alias("shadow", world.ram, (struct region_at){0x1000}, 0x1000);
    memset(rom->host, 0xaa, 0x1000);
    region_set_alias(shadow, (struct region_at){0x1000}, true);
    region_add(world.root, 0x10000, rom, 0);
    region_add(world.root, 0x20000, shadow, 0);
    for (gaddr addr = 0x10000; addr <= 0x20000; addr += 0x10000) {
        uint64_t before, after;
        space_load(world.space, addr, 4, &before);
        ck_assert_int_eq(space_store(world.space, addr, 4, 0x12345678), MEM_OK);
        ck_assert_int_eq(space_write(world.space, addr + 2, "abcdef", 6), MEM_OK);
        space_load(world.space, addr, 4, &after);
        ck_assert_uint_eq(before, after);
        ck_assert(space_poke(world.space, addr, "xy", 2)); /* a debugger may */
        space_load(world.space, addr, 2, &after);
        ck_assert_uint_eq(after, 'x' | 'y' << 8);
    }
    region_remove(rom);
    region_remove(shadow);
    region_release(rom);
    region_release(shadow);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_55_peek_and_poke_touch_no_registers)
{
    struct world world;
    struct chip chip;
    uint8_t bytes[8];
    world_open(&world, 0x1000);
    struct region *region = chip_open(&chip, 1, 4, false);
    region_add(world.root, 0x1000, region, 0);
    ck_assert(!space_peek(world.space, 0xffc, bytes, 8));
    ck_assert_mem_eq(bytes, "\0\0\0\0\xff\xff\xff\xff", 8);
    ck_assert(!space_poke(world.space, 0xffc, "abcdefgh", 8));
    ck_assert(space_peek(world.space, 0xffc, bytes, 4));
    ck_assert_mem_eq(bytes, "abcd", 4);
    ck_assert_uint_eq(chip.count, 0);
    region_remove(region);
    region_release(region);
    world_close(&world, 0);
}
END_TEST

START_TEST(ports_have_an_entry_per_byte)
{
    struct chip chip[3];
    struct region *ports = region_new_container("ports", 0x10000);
    struct space *io = space_new("ports", ports, 0x10000, NULL);
    static const uint64_t places[] = {0x20, 0x21, 0x3f8};
    for (unsigned i = 0; i < 3; i++) {
        struct region *all = chip_open(&chip[i], 1, 1, false);
        struct region *one = region_new_alias("one", all, (struct region_at){0}, i == 2 ? 8 : 1);
        region_add(ports, places[i], one, 0);
        region_release(all);
        region_release(one);
    }
    uint64_t value;
    space_store(io, 0x20, 2, 0x2211);
    ck_assert_uint_eq(chip[0].bytes[0], 0x11);
    ck_assert_uint_eq(chip[1].bytes[0], 0x22);
    ck_assert_int_eq(space_load(io, 0x22, 1, &value), MEM_DECODE_ERROR);
    ck_assert_int_eq(space_load(io, 0x3ff, 1, &value), MEM_OK);
    ck_assert_uint_eq(value, 0x87);
    ck_assert_int_eq(space_load(io, 0xffff, 2, &value), MEM_DECODE_ERROR);
    ck_assert_uint_eq(value, 0xffff);
    space_free(io);
    region_release(ports);
}
END_TEST

/* A register whose write moves its own region, as a PCI command register does. */
struct mover {
    struct mmio_ops ops;
    struct region *region;
    unsigned writes;
};

static enum mem_result mover_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct mover *mover = owner;
    (void)at;
    (void)size;
    mover->writes++;
    if (value == 1) region_move(mover->region, 0x9000);
    if (value == 2) region_remove(mover->region);
    return MEM_OK;
}

START_TEST(a_callback_may_change_the_tree_under_the_access)
{
    struct world world;
    struct mover mover = {.ops = {.write = mover_write, .max_size = 1}};
    world_open(&world, 0x1000);
    mover.region = region_new_mmio("mover", 16, &mover.ops, &mover, NULL);
    region_add(world.root, 0x8000, mover.region, 0);
    space_store(world.space, 0x8000, 1, 1);
    ck_assert_ptr_null(space_find(world.space, 0x8000, NULL)->region);
    ck_assert_ptr_eq(space_find(world.space, 0x9000, NULL)->region, mover.region);
    region_release(mover.region);
    space_store(world.space, 0x9000, 4, 2); /* frees itself at the first byte; the access still ends */
    ck_assert_uint_eq(mover.writes, 5);
    ck_assert_ptr_null(space_find(world.space, 0x9000, NULL)->region);
    world_close(&world, 0);
}
END_TEST

/* Two devices; a write to A's register makes A do DMA to `target`. */
struct dma_chip {
    struct mmio_ops ops;
    struct mem_guard guard;
    struct space *space;
    gaddr target;
    unsigned writes, reads;
    enum mem_result result;
};

static enum mem_result dma_chip_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct dma_chip *chip = owner;
    chip->writes++;
    (void)at;
    (void)size;
    if (value != 1) return MEM_OK;
    static const uint8_t command[4] = {1};
    chip->result = space_write(chip->space, chip->target, command, sizeof(command));
    return MEM_OK;
}

static enum mem_result dma_chip_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at;
    (void)size;
    ((struct dma_chip *)owner)->reads++;
    *value = 0x12;
    return MEM_OK;
}

START_TEST(lesson_30_dma_cannot_come_back_to_its_device)
{
    struct world world;
    struct dma_chip chips[2];
    lint_quiet(true);
    world_open(&world, 0x1000);
    for (unsigned i = 0; i < 2; i++) {
        struct dma_chip *chip = &chips[i];
        *chip = (struct dma_chip){.ops = {.read = dma_chip_read, .write = dma_chip_write},
                                  .guard = {.device = i ? "b" : "a"},
                                  .space = world.space,
                                  .target = 0x8000};
        struct region *region = region_new_mmio("chip", 16, &chip->ops, chip, &chip->guard);
        region_add(world.root, 0x8000 + i * 0x1000, region, 0);
        region_release(region);
    }
    uint64_t lints = lint_count();
    space_store(world.space, 0x8000, 4, 1); /* A to A */
    ck_assert_uint_eq(chips[0].writes, 1);
    ck_assert_int_eq(chips[0].result, MEM_REENTRY);
    ck_assert_uint_gt(lint_count(), lints);
    chips[0].target = 0x9000; /* A to B to A */
    space_store(world.space, 0x8000, 4, 1);
    ck_assert_uint_eq(chips[0].writes, 2);
    ck_assert_uint_eq(chips[1].writes, 1);
    ck_assert_int_eq(chips[0].result, MEM_OK);
    ck_assert_int_eq(chips[1].result, MEM_REENTRY);
    ck_assert_uint_eq(chips[0].guard.depth, 0);
    ck_assert_uint_eq(chips[1].guard.depth, 0);

    /* The device's own event: it holds its guard, and maps its own registers. */
    guard_enter(&chips[0].guard);
    uint64_t value;
    ck_assert_int_eq(space_load(world.space, 0x8000, 4, &value), MEM_REENTRY);
    ck_assert_uint_eq(value, UINT32_MAX);
    struct dma_mapping mapping = dma_map(world.space, 0x8000, 16, DMA_TO_DEVICE);
    ck_assert_int_eq(mapping.status, DMA_REFUSED);
    ck_assert_ptr_null(mapping.host);
    mapping = dma_map(world.space, 0x8000, 16, DMA_FROM_DEVICE);
    ck_assert_uint_eq(mapping.length, 16);
    memset(mapping.host, 0, 16);
    ck_assert_int_eq(dma_unmap(world.space, &mapping, 16), MEM_REENTRY);
    guard_leave(&chips[0].guard);
    ck_assert_uint_eq(chips[0].reads, 0);
    ck_assert_int_eq(space_load(world.space, 0x8000, 4, &value), MEM_OK);
    ck_assert_uint_eq(chips[0].reads, 1);
    while (!list_empty(&world.root->children)) {
        struct region *child = list_entry(world.root->children.next, struct region, siblings);
        if (child == world.ram) break;
        region_remove(child);
    }
    world_close(&world, 0);
}
END_TEST

/*
 * The property test: random trees over three memories and a register file, against a model that asks for each byte anew,
 * by walking the tree in order of precedence.
 */
#define MODEL_SIZE  0x6000u
#define MODEL_PARTS 12

struct part {
    struct region *region; /* an alias, in the tree */
    unsigned memory;       /* which of the targets */
    uint64_t place, size, from;
    int priority;
    unsigned age;
    bool enabled, read_only;
};

struct model {
    uint8_t bytes[4][0x2000];
    struct part parts[MODEL_PARTS];
    unsigned clock;
};

static const struct part *model_find(const struct model *model, gaddr addr)
{
    const struct part *best = NULL;
    for (unsigned i = 0; i < MODEL_PARTS; i++) {
        const struct part *part = &model->parts[i];
        if (!part->enabled || addr < part->place || addr - part->place >= part->size) continue;
        if (!best || part->priority > best->priority ||
            (part->priority == best->priority && part->age > best->age))
            best = part;
    }
    return best;
}

static enum mem_result model_access(struct model *model, gaddr addr, uint8_t *bytes, uint64_t length,
                                    bool write)
{
    enum mem_result result = MEM_OK;
    for (uint64_t i = 0; i < length; i++) {
        const struct part *part = addr + i < MODEL_SIZE ? model_find(model, addr + i) : NULL;
        if (!part) {
            result |= MEM_DECODE_ERROR;
            if (!write) bytes[i] = 0xff;
            continue;
        }
        uint8_t *byte = &model->bytes[part->memory][part->from + (addr + i - part->place)];
        if (!write)
            bytes[i] = *byte;
        else if (part->memory != 2 && !part->read_only) /* 2 is ROM */
            *byte = bytes[i];
    }
    return result;
}

static uint8_t register_file[0x2000];

static enum mem_result file_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner;
    *value = le_load(&register_file[at.offset], size);
    return MEM_OK;
}

static enum mem_result file_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)owner;
    le_store(&register_file[at.offset], size, value);
    return MEM_OK;
}

static void model_change(struct model *model, struct region *root, struct region *const *targets,
                         uint64_t *seed)
{
    struct part *part = &model->parts[random_below(seed, MODEL_PARTS)];
    switch (random_below(seed, 4)) {
    case 0:
        if (part->region) {
            region_remove(part->region);
            region_release(part->region);
        }
        part->memory = (unsigned)random_below(seed, 4);
        part->size = 1 + random_below(seed, 0x1800);
        part->from = random_below(seed, 0x2000 - part->size);
        part->place = random_below(seed, MODEL_SIZE);
        if (random_below(seed, 2)) part->place &= ~UINT64_C(0xfff);
        part->priority = (int)random_below(seed, 3) - 1;
        part->read_only = random_below(seed, 5) == 0;
        part->enabled = true;
        part->age = ++model->clock;
        part->region =
            region_new_alias("part", targets[part->memory], (struct region_at){part->from}, part->size);
        region_set_alias(part->region, (struct region_at){part->from}, part->read_only);
        region_add(root, part->place, part->region, part->priority);
        break;
    case 1:
        if (!part->region) break;
        part->enabled = !part->enabled;
        region_enable(part->region, part->enabled);
        break;
    case 2:
        if (!part->region) break;
        part->place = random_below(seed, MODEL_SIZE);
        region_move(part->region, part->place);
        break;
    case 3:
        if (!part->region) break;
        part->from = random_below(seed, 0x2000 - part->size);
        region_set_alias(part->region, (struct region_at){part->from}, part->read_only);
        break;
    }
}

START_TEST(random_trees_and_accesses_agree_with_the_model)
{
    static struct model model;
    static const struct mmio_ops file_ops = {.read = file_read, .write = file_write, .max_size = 8};
    uint64_t seed = 20250101 + (uint64_t)_i;
    struct region *root = region_new_container("root", MODEL_SIZE);
    struct region *targets[4] = {region_new_ram("ram0", 0x2000, NULL), region_new_ram("ram1", 0x2000, NULL),
                                 region_new_rom("rom", 0x2000, NULL),
                                 region_new_mmio("file", 0x2000, &file_ops, NULL, NULL)};
    /* As a page-granular space, and as a byte-granular one. */
    struct space *space = space_new("space", root, _i % 2 ? SPACE_SIZE : MODEL_SIZE, NULL);
    memset(&model, 0, sizeof(model));
    memset(register_file, 0, sizeof(register_file));
    random_bytes(&seed, model.bytes[2], 0x2000);
    memcpy(targets[2]->host, model.bytes[2], 0x2000);

    for (unsigned step = 0; step < 50000; step++) {
        if (step % 20 == 0) model_change(&model, root, targets, &seed);
        uint8_t got[256], expected[256];
        gaddr addr = random_below(&seed, MODEL_SIZE + 16);
        unsigned kind = (unsigned)random_below(&seed, 4);
        uint64_t length =
            kind < 2 ? 1 + random_below(&seed, sizeof(got)) : UINT64_C(1) << random_below(&seed, 4);
        enum mem_result result, right;
        if (kind % 2) {
            random_bytes(&seed, got, length);
            result = kind == 1 ? space_write(space, addr, got, length)
                               : space_store(space, addr, (unsigned)length, le_load(got, (unsigned)length));
            right = model_access(&model, addr, got, length, true);
        } else {
            uint64_t value = 0;
            right = model_access(&model, addr, expected, length, false);
            if (kind == 0) {
                result = space_read(space, addr, got, length);
            } else {
                result = space_load(space, addr, (unsigned)length, &value);
                le_store(got, (unsigned)length, value);
            }
            ck_assert_mem_eq(got, expected, length);
        }
        ck_assert_int_eq(result, right);
    }
    for (unsigned i = 0; i < 3; i++) ck_assert_mem_eq(targets[i]->host, model.bytes[i], 0x2000);
    ck_assert_mem_eq(register_file, model.bytes[3], 0x2000);

    for (unsigned i = 0; i < MODEL_PARTS; i++) {
        if (!model.parts[i].region) continue;
        region_remove(model.parts[i].region);
        region_release(model.parts[i].region);
    }
    space_free(space);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(targets[i]->uses, 1);
        region_release(targets[i]);
    }
    region_release(root);
}
END_TEST

START_TEST(lesson_14_every_second_range_starts_at_its_own_offset)
{
    struct world world;
    world_open(&world, 0x8000);
    struct region *other = region_new_ram("other", 0x8000, NULL);
    struct region *window = region_new_alias("window", other, (struct region_at){0x3123}, 0x1000);
    region_add(world.root, 0x4321, window, 1);
    memset(world.ram->host, 1, 0x8000);
    memset(other->host, 2, 0x8000);
    memset(other->host + 0x3123, 3, 0x1000);
    struct dma_mapping first = dma_map(world.space, 0x4300, 0x100, DMA_TO_DEVICE);
    ck_assert_uint_eq(first.length, 0x21);
    struct dma_mapping second = dma_map(world.space, 0x4300 + 0x21, 0x100 - 0x21, DMA_TO_DEVICE);
    ck_assert_uint_eq(second.length, 0x100 - 0x21);
    ck_assert_uint_eq(second.at.offset, 0x3123);
    ck_assert_ptr_eq(second.host, other->host + 0x3123);
    dma_unmap(world.space, &first, 0);
    dma_unmap(world.space, &second, 0);
    region_remove(window);
    region_release(window);
    region_release(other);
    world_close(&world, 0);
}
END_TEST

START_TEST(the_view_prints)
{
    struct world world;
    char text[512] = "";
    world_open(&world, 0x1000);
    FILE *to = fmemopen(text, sizeof(text), "w");
    space_print(world.space, to);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "0000000000000000-0000000000000fff (ram): ram @0000000000000000"));
    world_close(&world, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lesson_42_loads_and_stores_are_little_endian_on_every_host,
        lesson_26_accesses_are_split_only_as_the_region_declares,
        load_and_store_of_registers,
        a_region_without_callbacks_reads_ones_and_takes_writes,
        nobody_answers_beyond_memory_and_nothing_wraps,
        rom_and_read_only_windows_lose_writes,
        lesson_55_peek_and_poke_touch_no_registers,
        ports_have_an_entry_per_byte,
        a_callback_may_change_the_tree_under_the_access,
        lesson_30_dma_cannot_come_back_to_its_device,
        lesson_14_every_second_range_starts_at_its_own_offset,
        the_view_prints,
    };
    const TTest *const looped[] = {random_trees_and_accesses_agree_with_the_model};
    return run_suite("space", tests, ARRAY_COUNT(tests)) | run_suite_looped("space model", looped, 1, 4);
}

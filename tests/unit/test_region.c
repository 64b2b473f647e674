/* SPDX-License-Identifier: MIT */
/* Regions: precedence, aliases, changes, lifetime, marks. */
#include "tests/unit/mem_helper.h"

/* What answers at an address, as "name+offset". */
static const char *seen_at(struct space *space, gaddr addr)
{
    static char text[64];
    struct region_at at;
    const struct view_range *range = space_find(space, addr, &at);
    if (!range->region) return "nobody";
    snprintf(text, sizeof(text), "%s+%llu%s", range->region->name, (unsigned long long)at.offset,
             range->read_only ? " read-only" : "");
    return text;
}

static struct region *add_ram(struct region *container, const char *name, uint64_t place, uint64_t size,
                              int priority)
{
    struct region *region = region_new_ram(name, size, NULL);
    region_add(container, place, region, priority);
    region_release(region); /* the container keeps it */
    return region;
}

START_TEST(higher_priority_is_seen_and_of_equals_the_later)
{
    struct region *root = region_new_container("root", SPACE_SIZE);
    struct space *space = space_new("space", root, SPACE_SIZE, NULL);
    add_ram(root, "low", 0, 0x10000, 0);
    add_ram(root, "high", 0x4000, 0x1000, 5);
    struct region *later = add_ram(root, "later", 0x3800, 0x2000, 0);
    ck_assert_str_eq(seen_at(space, 0x37ff), "low+14335");
    ck_assert_str_eq(seen_at(space, 0x3800), "later+0");
    ck_assert_str_eq(seen_at(space, 0x4000), "high+0");
    ck_assert_str_eq(seen_at(space, 0x5000), "later+6144");
    ck_assert_str_eq(seen_at(space, 0x5800), "low+22528");
    ck_assert_str_eq(seen_at(space, 0x10000), "nobody");
    ck_assert_str_eq(seen_at(space, SPACE_SIZE), "nobody");
    ck_assert_str_eq(seen_at(space, UINT64_MAX), "nobody");
    region_remove(later);
    ck_assert_str_eq(seen_at(space, 0x3800), "low+14336");
    ck_assert_uint_eq(space_find(space, 0x1234, NULL)->length, 0x4000);
    space_free(space);
    region_release(root);
}
END_TEST

START_TEST(aliases_show_a_window_and_nest)
{
    struct region *root = region_new_container("root", SPACE_SIZE);
    struct space *space = space_new("space", root, SPACE_SIZE, NULL);
    struct region *memory = region_new_ram("memory", 0x20000, NULL);
    struct region *inner = region_new_alias("inner", memory, (struct region_at){0x8000}, 0x8000);
    struct region *outer = region_new_alias("outer", inner, (struct region_at){0x1000}, 0x2000);
    region_add(root, 0x100000, inner, 0);
    region_add(root, 0x500800, outer, 0);
    ck_assert_str_eq(seen_at(space, 0x100000), "memory+32768");
    ck_assert_str_eq(seen_at(space, 0x107fff), "memory+65535");
    ck_assert_str_eq(seen_at(space, 0x108000), "nobody");
    ck_assert_str_eq(seen_at(space, 0x500800), "memory+36864");
    ck_assert_str_eq(seen_at(space, 0x5027ff), "memory+45055");
    region_set_alias(inner, (struct region_at){0}, true);
    ck_assert_str_eq(seen_at(space, 0x500800), "memory+4096 read-only");
    region_enable(inner, false);
    ck_assert_str_eq(seen_at(space, 0x500800), "nobody");
    space_free(space);
    region_release(outer);
    region_release(inner);
    region_release(memory);
    region_release(root);
}
END_TEST

START_TEST(neighbours_that_continue_each_other_are_one_range)
{
    struct region *root = region_new_container("root", SPACE_SIZE);
    struct region *memory = region_new_ram("memory", 0x100000, NULL);
    for (unsigned i = 0; i < 8; i++) { /* as the segments of a PAM do */
        struct region *part =
            region_new_alias("part", memory, (struct region_at){0xc0000 + i * 0x4000}, 0x4000);
        region_add(root, 0xc0000 + i * 0x4000, part, 1);
        region_release(part);
    }
    struct space *space = space_new("space", root, SPACE_SIZE, NULL);
    ck_assert_uint_eq(space_find(space, 0xc5000, NULL)->start, 0xc0000);
    ck_assert_uint_eq(space_find(space, 0xc5000, NULL)->length, 0x20000);
    space_free(space);
    region_release(memory);
    region_release(root);
}
END_TEST

static void count_call(void *owner)
{
    ++*(unsigned *)owner;
}

START_TEST(bracketed_changes_are_told_once_and_only_if_they_show)
{
    unsigned told = 0;
    struct region *root = region_new_container("root", SPACE_SIZE);
    struct space *space = space_new("space", root, SPACE_SIZE, NULL);
    struct space_listener listener = {.view_changed = count_call, .owner = &told};
    space_listen(space, &listener);
    region_change_begin();
    struct region *a = add_ram(root, "a", 0, 0x1000, 0);
    region_change_begin();
    add_ram(root, "b", 0x2000, 0x1000, 0);
    region_change_end();
    ck_assert_uint_eq(told, 0);
    ck_assert_str_eq(seen_at(space, 0), "nobody");
    region_change_end();
    ck_assert_uint_eq(told, 1);
    ck_assert_str_eq(seen_at(space, 0x2000), "b+0");
    region_change_begin();
    region_move(a, 0x8000);
    region_move(a, 0);
    region_change_end();
    ck_assert_uint_eq(told, 1); /* it is where it was */
    space_unlisten(&listener);
    region_enable(a, false);
    ck_assert_uint_eq(told, 1);
    space_free(space);
    region_release(root);
}
END_TEST

START_TEST(places_that_a_guest_chose_do_no_harm)
{
    static const uint64_t places[] = {SPACE_SIZE - 0x800, SPACE_SIZE, UINT64_MAX,
                                      UINT64_MAX - 0xfff, INT64_MAX,  UINT64_C(1) << 63};
    struct region *root = region_new_container("root", SPACE_SIZE);
    struct space *space = space_new("space", root, SPACE_SIZE, NULL);
    struct region *bar = add_ram(root, "bar", 0, 0x1000, 0);
    for (unsigned i = 0; i < ARRAY_COUNT(places); i++) {
        region_move(bar, places[i]);
        ck_assert_str_eq(seen_at(space, 0), "nobody");
        ck_assert_str_eq(seen_at(space, places[i]), places[i] < SPACE_SIZE ? "bar+0" : "nobody");
    }
    space_free(space);
    region_release(root);
}
END_TEST

START_TEST(memory_of_impossible_size_is_an_error)
{
    struct error error;
    ck_assert_ptr_null(region_new_ram("ram", 0, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "ram: 0 bytes"));
    ck_assert_ptr_null(region_new_ram("ram", UINT64_C(1) << 61, &error));
    ck_assert_ptr_null(region_new_rom("rom", UINT64_MAX, &error));
}
END_TEST

START_TEST(lesson_15_removed_region_lives_until_the_last_unmap)
{
    struct world world;
    world_open(&world, 0x10000);
    for (unsigned i = 0; i < 2; i++) { /* direct, then by bounce */
        world_configure(&world, i ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 0, 0);
        struct region *card = add_ram(world.root, "card", 0x100000, 0x2000, 0);
        struct region *witness = region_new_alias("witness", card, (struct region_at){0}, 0x2000);
        struct dma_mapping mapping = dma_map(world.space, 0x100800, 64, DMA_FROM_DEVICE);
        ck_assert_uint_eq(mapping.length, 64);
        region_remove(card);
        ck_assert_str_eq(seen_at(world.space, 0x100800), "nobody");
        memset(mapping.host, 0x5a, 64);
        ck_assert_int_eq(dma_unmap(world.space, &mapping, 64), MEM_OK);
        ck_assert_uint_eq(card->host[0x800], 0x5a); /* the old region got it */
        ck_assert_uint_eq(card->host[0x83f], 0x5a);
        region_release(witness);
    }
    struct region *gone = region_new_ram("gone", 0x1000, NULL);
    region_add(world.root, 0x100000, gone, 0);
    struct dma_mapping mapping = dma_map(world.space, 0x100000, 64, DMA_TO_DEVICE);
    region_remove(gone);
    region_release(gone); /* only the mapping holds it now */
    ck_assert_uint_eq(gone->uses, 0);
    ck_assert_int_eq(dma_unmap(world.space, &mapping, 64),
                     MEM_OK); /* a sanitizer sees a leak or a use after free */
    world_close(&world, 0);
}
END_TEST

START_TEST(topology_change_leaves_old_mappings_and_moves_new_ones)
{
    struct world world;
    world_open(&world, 0x10000);
    struct region *bar = add_ram(world.root, "bar", 0x100000, 0x1000, 0);
    struct dma_mapping old = dma_map(world.space, 0x100000, 16, DMA_FROM_DEVICE);
    region_move(bar, 0x200000);
    struct dma_mapping none = dma_map(world.space, 0x100000, 16, DMA_FROM_DEVICE);
    struct dma_mapping fresh = dma_map(world.space, 0x200000, 16, DMA_FROM_DEVICE);
    ck_assert_int_eq(none.status, DMA_NO_MEMORY);
    ck_assert_ptr_eq(fresh.host, old.host);
    dma_unmap(world.space, &old, 16);
    dma_unmap(world.space, &fresh, 16);
    world_close(&world, 0);
}
END_TEST

/* A listener that keeps "decoded code" of pages. */
struct cpu {
    struct space_listener listener;
    unsigned written, marks_changed;
    struct region_at at;
    uint64_t length;
    bool keep;
};

static bool cpu_code_written(void *owner, struct region *region, struct region_at at, uint64_t length)
{
    struct cpu *cpu = owner;
    (void)region;
    cpu->written++;
    cpu->at = at;
    cpu->length = length;
    return !cpu->keep;
}

static void cpu_marks_changed(void *owner, struct region *region)
{
    (void)region;
    ((struct cpu *)owner)->marks_changed++;
}

static void cpu_open(struct cpu *cpu, struct space *space)
{
    *cpu = (struct cpu){.listener = {.marks_changed = cpu_marks_changed, .code_written = cpu_code_written}};
    cpu->listener.owner = cpu;
    space_listen(space, &cpu->listener);
}

START_TEST(code_is_dropped_whatever_space_the_write_comes_through)
{
    struct world world;
    world_open(&world, 0x10000);
    struct region *bus = region_new_container("bus", SPACE_SIZE);
    struct region *window = region_new_alias("window", world.ram, (struct region_at){0}, 0x10000);
    region_add(bus, 0x80000000, window, 0);
    struct space *device = space_new("device", bus, SPACE_SIZE, NULL);
    struct cpu cpu;
    cpu_open(&cpu, world.space);

    region_mark_code(world.ram, (struct region_at){0x3010});
    region_mark_code(world.ram, (struct region_at){0x3800});
    ck_assert_uint_eq(cpu.marks_changed, 1);
    space_write(device, 0x80002ffe, "abcd", 4);
    ck_assert_uint_eq(cpu.written, 1);
    ck_assert_uint_eq(cpu.at.offset, 0x3000); /* only what lies in the marked page */
    ck_assert_uint_eq(cpu.length, 2);
    space_write(device, 0x80003000, "ab", 2);
    ck_assert_uint_eq(cpu.written, 1); /* the mark was cleared */

    cpu.keep = true;
    region_mark_code(world.ram, (struct region_at){0x3010});
    space_store(device, 0x80003000, 4, 1);
    space_store(world.space, 0x3004, 4, 1);
    ck_assert_uint_eq(cpu.written, 3); /* kept: told each time */
    struct dma_mapping mapping = dma_map(device, 0x80003100, 8, DMA_FROM_DEVICE);
    dma_unmap(device, &mapping, 3);
    ck_assert_uint_eq(cpu.at.offset, 0x3100);
    ck_assert_uint_eq(cpu.length, 3);
    space_poke(world.space, 0x3200, "x", 1);
    ck_assert_uint_eq(cpu.at.offset, 0x3200);

    region_remove(world.ram); /* out of the CPU's view, code may still be kept */
    space_store(device, 0x80003008, 1, 1);
    ck_assert_uint_eq(cpu.at.offset, 0x3008);
    region_add(world.root, 0, world.ram, 0);

    space_unlisten(&cpu.listener);
    space_free(device);
    region_release(bus);
    region_release(window);
    world_close(&world, 0);
}
END_TEST

START_TEST(dirty_bits_belong_to_their_clients)
{
    struct world world;
    world_open(&world, 0x10000);
    struct cpu cpu;
    cpu_open(&cpu, world.space);
    struct region *ram = world.ram;
    const struct region_at all = {0};
    ck_assert(region_dirty(ram, all, 0x10000, MARK_DIRTY_SAVE)); /* new memory is dirty for all */
    region_clear_dirty(ram, all, 0x10000, MARK_DIRTY_DISPLAY);
    ck_assert_uint_eq(cpu.marks_changed, 1);
    region_clear_dirty(ram, all, 0x10000, MARK_DIRTY_DISPLAY);
    ck_assert_uint_eq(cpu.marks_changed, 1); /* nothing was to clear */
    ck_assert(!region_dirty(ram, all, 0x10000, MARK_DIRTY_DISPLAY));
    ck_assert(region_dirty(ram, all, 1, MARK_DIRTY_SAVE));
    space_store(world.space, 0x1fff, 2, 0xffff); /* both sides of a page boundary */
    ck_assert(!region_dirty(ram, all, 0x1000, MARK_DIRTY_DISPLAY));
    ck_assert(region_dirty(ram, (struct region_at){0x1fff}, 1, MARK_DIRTY_DISPLAY));
    ck_assert(region_dirty(ram, (struct region_at){0x2fff}, 1, MARK_DIRTY_DISPLAY));
    ck_assert(!region_dirty(ram, (struct region_at){0x3000}, 0xd000, MARK_DIRTY_DISPLAY));
    ck_assert(!region_dirty(ram, (struct region_at){0x1fff}, 0, MARK_DIRTY_DISPLAY));
    space_unlisten(&cpu.listener);
    world_close(&world, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        higher_priority_is_seen_and_of_equals_the_later,
        aliases_show_a_window_and_nest,
        neighbours_that_continue_each_other_are_one_range,
        bracketed_changes_are_told_once_and_only_if_they_show,
        places_that_a_guest_chose_do_no_harm,
        memory_of_impossible_size_is_an_error,
        lesson_15_removed_region_lives_until_the_last_unmap,
        topology_change_leaves_old_mappings_and_moves_new_ones,
        code_is_dropped_whatever_space_the_write_comes_through,
        dirty_bits_belong_to_their_clients,
    };
    return run_suite("region", tests, ARRAY_COUNT(tests));
}

/* SPDX-License-Identifier: MIT */
/* Devices that cannot reach all of memory (dma_settings.dma_mask). */
#include <stdio.h>
#include <unistd.h>
#include "mem/packet.h"
#include "tests/unit/mem_helper.h"

#define LIMIT_24 (UINT64_C(1) << 24)

static void mask_set(struct world *world, enum dma_mode mode, unsigned bits)
{
    const struct dma_settings settings = {.mode = mode, .dma_mask = bits};
    dma_configure(world->space, &settings);
}

START_TEST(maps_stop_at_the_mask)
{
    struct world world;
    world_open(&world, 2 * LIMIT_24);
    for (unsigned i = 0; i < 4; i++) {
        enum dma_direction way = i & 1 ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
        mask_set(&world, i & 2 ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 24);
        uint64_t lints = lint_count();
        lint_quiet(true);
        struct dma_mapping last = dma_map(world.space, LIMIT_24 - 3, 8, way);
        struct dma_mapping beyond = dma_map(world.space, LIMIT_24, 8, way);
        struct dma_mapping far = dma_map(world.space, UINT64_MAX, 8, way);
        lint_quiet(false);
        ck_assert_uint_eq(last.length, 3);
        ck_assert_uint_eq(beyond.length, 0);
        ck_assert_int_eq(beyond.status, DMA_NO_MEMORY);
        ck_assert_int_eq(far.status, DMA_NO_MEMORY);
        ck_assert_uint_eq(lint_count(), lints + 2);
        dma_unmap(world.space, &last, 0);
    }
    mask_set(&world, DMA_MODE_DIRECT, 0); /* and all is well again */
    struct dma_mapping mapping = dma_map(world.space, LIMIT_24 - 3, 8, DMA_TO_DEVICE);
    ck_assert_uint_eq(mapping.length, 8);
    dma_unmap(world.space, &mapping, 0);
    world_close(&world, 0);
}
END_TEST

START_TEST(reads_and_writes_stop_at_the_mask)
{
    struct world world;
    uint8_t bytes[8];
    uint64_t value;
    static const uint8_t ones[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zeros[8] = {0};
    world_open(&world, 2 * LIMIT_24);
    mask_set(&world, DMA_MODE_DIRECT, 24);
    lint_quiet(true);
    uint64_t lints = lint_count();
    ck_assert_int_eq(space_read(world.space, LIMIT_24 - 4, bytes, 8), MEM_DECODE_ERROR);
    ck_assert_mem_eq(bytes, zeros, 4);
    ck_assert_mem_eq(bytes + 4, ones, 4);
    ck_assert_int_eq(space_write(world.space, LIMIT_24 - 4, ones, 8), MEM_DECODE_ERROR);
    ck_assert_mem_eq(world.ram->host + LIMIT_24 - 4, ones, 4);
    ck_assert_mem_eq(world.ram->host + LIMIT_24, zeros, 8);
    ck_assert_int_eq(space_load(world.space, LIMIT_24, 4, &value), MEM_DECODE_ERROR);
    ck_assert_uint_eq(value, 0xffffffff);
    ck_assert_int_eq(space_store(world.space, LIMIT_24, 4, 1), MEM_DECODE_ERROR);
    ck_assert_int_eq(space_fill(world.space, LIMIT_24, 1, 1), MEM_DECODE_ERROR);
    ck_assert_uint_eq(lint_count(), lints + 5);
    ck_assert(!space_peek(world.space, LIMIT_24, bytes, 8)); /* a debugger breaks no rule */
    ck_assert(!space_poke(world.space, LIMIT_24, zeros, 8));
    ck_assert_uint_eq(lint_count(), lints + 5);
    lint_quiet(false);
    ck_assert_int_eq(space_read(world.space, 0x100, bytes, 8), MEM_OK);
    world_close(&world, 0);
}
END_TEST

START_TEST(the_lint_line_names_device_and_address)
{
    struct world world;
    char text[512] = "";
    world_open(&world, 0x1000);
    mask_set(&world, DMA_MODE_DIRECT, 24);
    fflush(stderr);
    int old = dup(2);
    FILE *to = tmpfile();
    dup2(fileno(to), 2);
    struct dma_mapping mapping = dma_map(world.space, 0x1234567, 8, DMA_TO_DEVICE);
    fflush(stderr);
    dup2(old, 2);
    close(old);
    rewind(to);
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, to), 0);
    fclose(to);
    ck_assert_uint_eq(mapping.length, 0);
    ck_assert_ptr_nonnull(strstr(text, "memory: address 0x1234567"));
    ck_assert_ptr_nonnull(strstr(text, "24 bits"));
    world_close(&world, 0);
}
END_TEST

START_TEST(a_mask_of_32_bits_in_a_larger_space)
{
    struct region *root = region_new_container("memory", UINT64_C(1) << 36);
    struct region *low = region_new_ram("low", 0x2000, NULL), *high = region_new_ram("high", 0x2000, NULL);
    region_add(root, (UINT64_C(1) << 32) - 0x2000, low, 0);
    region_add(root, UINT64_C(1) << 32, high, 0);
    struct space *all = space_new("cpu", root, UINT64_C(1) << 36, NULL);
    struct space *device = space_new("ide0", root, UINT64_C(1) << 36, NULL);
    const struct dma_settings settings = {.dma_mask = 32};
    dma_configure(device, &settings);
    lint_quiet(true);
    for (gaddr addr = (UINT64_C(1) << 32) - 0x2000; addr < (UINT64_C(1) << 32) + 0x2000; addr += 0x7ff) {
        bool reachable = addr < UINT64_C(1) << 32;
        struct dma_mapping a = dma_map(all, addr, 1, DMA_TO_DEVICE),
                           b = dma_map(device, addr, 1, DMA_TO_DEVICE);
        ck_assert_uint_eq(a.length, 1);
        ck_assert_uint_eq(b.length, reachable);
        dma_unmap(all, &a, 0);
        dma_unmap(device, &b, 0);
    }
    region_remove(high); /* the mask outlives a change of the tree */
    region_add(root, UINT64_C(1) << 32, high, 0);
    struct dma_mapping mapping = dma_map(device, UINT64_C(1) << 32, 1, DMA_TO_DEVICE);
    ck_assert_uint_eq(mapping.length, 0);
    lint_quiet(false);
    space_free(device);
    space_free(all);
    region_release(low);
    region_release(high);
    region_release(root);
}
END_TEST

START_TEST(packets_beyond_the_mask_fail_whole)
{
    static const struct sg_piece bad = {LIMIT_24 - 4, 8};
    for (unsigned i = 0; i < 4; i++) {
        struct world world;
        struct packet_engine engine;
        struct sglist list;
        world_open(&world, 2 * LIMIT_24);
        mask_set(&world, i & 1 ? DMA_MODE_INDIRECT : DMA_MODE_DIRECT, 24);
        packet_init(&engine, "nic0", world.space, 65536);
        sglist_init(&list, 4);
        sglist_add(&list, 0x100, 8000);
        sglist_add(&list, bad.addr, bad.length);
        lint_quiet(true);
        struct packet_result result =
            packet_run(&engine, &list, i & 2 ? DMA_FROM_DEVICE : DMA_TO_DEVICE, NULL, NULL);
        lint_quiet(false);
        ck_assert_int_eq(result.status, PACKET_BAD_ADDRESS);
        sglist_destroy(&list);
        packet_destroy(&engine);
        world_close(&world, 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        maps_stop_at_the_mask,
        reads_and_writes_stop_at_the_mask,
        the_lint_line_names_device_and_address,
        a_mask_of_32_bits_in_a_larger_space,
        packets_beyond_the_mask_fail_whole,
    };
    return run_suite("dma mask", tests, ARRAY_COUNT(tests));
}

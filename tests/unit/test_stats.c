/* SPDX-License-Identifier: MIT */
/* The lines of -stats about memory (mem/stats.h), number by number. */
#include "mem/stats.h"

#include "tests/unit/mem_helper.h"

#define PAGE 4096

static char *printed;
static size_t printed_size;

static FILE *open_print(void)
{
    return open_memstream(&printed, &printed_size);
}

static void expect(FILE *to, const char *text)
{
    fclose(to);
    ck_assert_str_eq(printed, text);
    free(printed);
}

static void touch(struct space *space, gaddr addr, uint64_t asked, uint64_t got, enum dma_direction direction)
{
    struct dma_mapping m = dma_map(space, addr, asked, direction);
    ck_assert_uint_eq(m.length, got);
    ck_assert_int_eq(dma_unmap(space, &m, 0), MEM_OK);
}

START_TEST(a_space_counts_maps_bytes_and_what_fell_short)
{
    struct world world;
    world_open(&world, 64 * PAGE);
    touch(world.space, 0, 3 * PAGE, 3 * PAGE, DMA_TO_DEVICE);
    touch(world.space, 63 * PAGE, 2 * PAGE, PAGE, DMA_TO_DEVICE); /* the end of memory */
    touch(world.space, 64 * PAGE, 512, 0, DMA_FROM_DEVICE);
    world_configure(&world, DMA_MODE_INDIRECT, 1024, 0);
    touch(world.space, 0, PAGE, 1024, DMA_TO_DEVICE);
    touch(world.space, 0, 100, 100, DMA_FROM_DEVICE);
    FILE *to = open_print();
    dma_print_stats(world.space, "nic", to);
    expect(
        to,
        "nic: dma: 4 mappings, 4 unmapped, at the most 1 at once, 0 live\n"
        "nic: dma: 16384 bytes direct, 1124 bytes in 2 bounces, at the most 1024 bounce bytes held, of 1024\n"
        "nic: dma: 2 maps came back short, 1 empty; 3 retries (0 waits, 0 wakes); 0 failed copies back\n"
        "nic: checker: 0 findings\n");
    world_close(&world, 0);
}
END_TEST

static void woken(void *owner)
{
    (void)owner;
}

START_TEST(who_waits_is_listed_in_order)
{
    struct world world;
    struct dma_waiter first, second;
    world_open(&world, 64 * PAGE);
    world_configure(&world, DMA_MODE_INDIRECT, 1024, 0);
    struct dma_mapping held = dma_map(world.space, 0, 1024, DMA_TO_DEVICE);
    dma_waiter_init(&first, "disk", woken, NULL);
    dma_waiter_init(&second, "nic", woken, NULL);
    ck_assert(dma_wait(world.space, &first, 512) && dma_wait(world.space, &second, 64));
    ck_assert_ptr_eq(dma_next_waiter(world.space, NULL), &first);
    ck_assert_ptr_eq(dma_next_waiter(world.space, &first), &second);
    ck_assert_ptr_null(dma_next_waiter(world.space, &second));
    FILE *to = open_print();
    dma_print_stats(world.space, "bus", to);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(printed, "bus: dma: disk waits for 512 bytes since 0.000000 s\n"
                                          "bus: dma: nic waits for 64 bytes since"));
    free(printed);
    dma_wait_cancel(&first);
    dma_wait_cancel(&second);
    ck_assert_int_eq(dma_unmap(world.space, &held, 0), MEM_OK);
    world_close(&world, 0);
}
END_TEST

static struct packet_answer send_all(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    (void)owner, (void)pieces, (void)count;
    return (struct packet_answer){.moved = size};
}

START_TEST(packets_direct_copied_and_by_the_reserve)
{
    struct world world;
    struct packet_engine engine;
    struct sglist list;
    world_open(&world, 64 * PAGE);
    packet_init(&engine, "nic0", world.space, 2 * PAGE);
    sglist_init(&list, 4);
    sglist_add(&list, 0, 100);
    sglist_add(&list, 2 * PAGE, PAGE);
    FILE *to = open_print();
    packet_print_stats(&engine, to); /* nothing to say */
    ck_assert_int_eq(packet_run(&engine, &list, DMA_TO_DEVICE, send_all, NULL).status, PACKET_OK);
    world_configure(&world, DMA_MODE_INDIRECT, 8192, 0);
    ck_assert_int_eq(packet_run(&engine, &list, DMA_TO_DEVICE, send_all, NULL).status, PACKET_OK);
    world_configure(&world, DMA_MODE_INDIRECT, 1024, 0);
    ck_assert_int_eq(packet_run(&engine, &list, DMA_TO_DEVICE, send_all, NULL).status, PACKET_OK);
    sglist_add(&list, 64 * PAGE, 2);
    ck_assert_int_eq(packet_run(&engine, &list, DMA_TO_DEVICE, send_all, NULL).status, PACKET_BAD_ADDRESS);
    packet_print_stats(&engine, to);
    expect(to, "nic0: 4 packets in 3 host calls, 1 failed; 1.2 pieces on average; 4196 bytes direct, 8392 in "
               "3 copies, "
               "2 packets by the linear reserve\n");
    sglist_destroy(&list);
    packet_destroy(&engine);
    world_close(&world, 0);
}
END_TEST

/* Pages 0 to 3 of the stage are pages 0 to 3 of memory. */
static struct iommu_page translate(void *owner, gaddr iova)
{
    (void)owner;
    return (struct iommu_page){iova, iova < 4 * PAGE ? IOMMU_READ | IOMMU_WRITE : 0};
}

static bool mirror_map(void *owner, gaddr addr, uint64_t length, void *host, bool writable)
{
    (void)addr, (void)length, (void)host, (void)writable;
    return *(bool *)owner;
}

static void mirror_unmap(void *owner, gaddr addr, uint64_t length)
{
    (void)owner, (void)addr, (void)length;
}

START_TEST(an_iommu_counts_faults_and_invalidations_a_mirror_its_calls)
{
    static const struct iommu_ops ops = {translate, NULL};
    static const struct iommu_mirror_ops mirror_ops = {mirror_map, mirror_unmap};
    struct world world;
    bool accepts = true;
    lint_quiet(true);
    world_open(&world, 64 * PAGE);
    struct iommu_stage *stage = iommu_stage_new("nic1", world.space, SPACE_SIZE / 4096, 12, &ops, NULL);
    struct space *space = iommu_space(stage);
    touch(space, 4 * PAGE, 10, 0, DMA_TO_DEVICE);
    struct dma_mapping a = dma_map(space, 0, PAGE, DMA_TO_DEVICE),
                       b = dma_map(space, PAGE, 10, DMA_FROM_DEVICE);
    ck_assert_uint_eq(a.length + b.length, PAGE + 10);
    iommu_invalidate(stage, 0, 2 * PAGE);
    iommu_invalidate(stage, 2 * PAGE, PAGE);
    ck_assert_int_eq(dma_unmap(space, &a, 0) | dma_unmap(space, &b, 0), MEM_OK);
    struct iommu_mirror *mirror = iommu_mirror_new(space, 12, &mirror_ops, &accepts);
    FILE *to = open_print();
    iommu_print_stats(stage, to);
    iommu_mirror_print_stats(mirror, to);
    expect(to, "nic1: iommu: 1 faults, 2 invalidations, 1 of them under a live mapping; at the most 2 "
               "mappings held\n"
               "nic1: mirror: 1 maps, 0 unmaps, 0 refused; 0 pages whose parts disagree\n");
    iommu_mirror_free(mirror);
    iommu_stage_free(stage);
    world_close(&world, 0);
    lint_quiet(false);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_space_counts_maps_bytes_and_what_fell_short,
        who_waits_is_listed_in_order,
        packets_direct_copied_and_by_the_reserve,
        an_iommu_counts_faults_and_invalidations_a_mirror_its_calls,
    };
    return run_suite("stats", tests, ARRAY_COUNT(tests));
}

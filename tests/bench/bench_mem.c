/* SPDX-License-Identifier: MIT */
/*
 * What the memory layer costs. Each figure has beside it the same work done without the layer, measured in
 * the same run, and is the best of several rounds. Prints a table; judges nothing.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "emu/core/bits.h"
#include "mem/dma.h"
#include "mem/stream.h"

#define RAM_SIZE  (UINT64_C(128) << 20)
#define ADDRESSES 65536
#define ROUNDS    9

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct bench {
    struct clock clock;
    struct region *root, *ram;
    struct space *space;
    gaddr addrs[ADDRESSES];
    uint8_t **pages; /* the table that map is measured against: host address of each guest page */
    uint64_t sink;
};

static void bench_open(struct bench *bench, unsigned extra_regions)
{
    struct error error;
    uint64_t seed = 42;
    memset(bench, 0, sizeof(*bench));
    clock_init(&bench->clock, 0);
    bench->root = region_new_container("memory", UINT64_C(1) << 32);
    bench->ram = region_new_ram("ram", RAM_SIZE, &error);
    if (!bench->ram) exit(2);
    region_change_begin();
    region_add(bench->root, 0, bench->ram, 0);
    for (unsigned i = 0; i < extra_regions; i++) { /* every other page above RAM */
        struct region *page =
            region_new_alias("page", bench->ram, (struct region_at){(i * 8192) % RAM_SIZE}, 4096);
        region_add(bench->root, RAM_SIZE + i * 8192, page, 0);
        region_release(page);
    }
    region_change_end();
    bench->space = space_new("memory", bench->root, UINT64_C(1) << 32, &bench->clock);
    for (unsigned i = 0; i < ADDRESSES; i++) bench->addrs[i] = random_next(&seed) % (RAM_SIZE - 4096);
    if (extra_regions) {
        for (unsigned i = 0; i < ADDRESSES; i++)
            bench->addrs[i] =
                RAM_SIZE + random_next(&seed) % extra_regions * 8192 + (bench->addrs[i] & 0xff0);
    }
    bench->pages = malloc((RAM_SIZE >> MEM_PAGE_BITS) * sizeof(*bench->pages));
    for (uint64_t page = 0; page < RAM_SIZE >> MEM_PAGE_BITS; page++)
        bench->pages[page] = bench->ram->host + (page << MEM_PAGE_BITS);
}

static void bench_close(struct bench *bench)
{
    free(bench->pages);
    space_free(bench->space);
    while (!list_empty(&bench->root->children))
        region_remove(list_entry(bench->root->children.next, struct region, siblings));
    region_release(bench->ram);
    region_release(bench->root);
}

static double per_call(double start, unsigned calls)
{
    return (now_ns() - start) / calls;
}

/* In a dependent run the next address is known only when the last result is; `zero` hides that it does not
 * matter. */
static volatile uintptr_t zero;

static inline __attribute__((always_inline)) double loop_lookup(struct bench *bench, bool dependent)
{
    uintptr_t mask = zero;
    double start = now_ns();
    for (uintptr_t i = 0; i < ADDRESSES; i++) {
        gaddr addr = bench->addrs[i] & (RAM_SIZE - 1);
        uint8_t *host = bench->pages[addr >> MEM_PAGE_BITS] + (addr & (MEM_PAGE_SIZE - 1));
        __asm__ volatile("" : : "r"(host) : "memory");
        if (dependent) i += (uintptr_t)host & mask;
    }
    return per_call(start, ADDRESSES);
}

static inline __attribute__((always_inline)) double loop_map(struct bench *bench,
                                                             enum dma_direction direction, uint64_t length,
                                                             bool dependent)
{
    uintptr_t mask = zero;
    double start = now_ns();
    for (uintptr_t i = 0; i < ADDRESSES; i++) {
        struct dma_mapping mapping = dma_map(bench->space, bench->addrs[i], length, direction);
        __asm__ volatile("" : : "r"(mapping.host) : "memory");
        if (dependent) i += (uintptr_t)mapping.host & mask;
        dma_unmap(bench->space, &mapping, length);
    }
    return per_call(start, ADDRESSES);
}

static double run_lookup(struct bench *bench, bool dependent)
{
    return dependent ? loop_lookup(bench, true) : loop_lookup(bench, false);
}

static double run_map(struct bench *bench, enum dma_direction direction, uint64_t length, bool dependent)
{
    return dependent ? loop_map(bench, direction, length, true) : loop_map(bench, direction, length, false);
}

static double run_copy(struct bench *bench, uint64_t length)
{
    double start = now_ns();
    for (unsigned i = 0; i < ADDRESSES; i++) {
        void *buffer = malloc(length);
        memcpy(buffer, bench->ram->host + bench->addrs[i], length);
        __asm__ volatile("" : : "r"(buffer) : "memory");
        free(buffer);
    }
    return per_call(start, ADDRESSES);
}

static double run_load(struct bench *bench, struct space *space, gaddr mask)
{
    double start = now_ns();
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint64_t value;
        bench->sink += space_load(space, bench->addrs[i] & mask, 1, &value) + value;
    }
    return per_call(start, ADDRESSES);
}

static double min_of(double a, double b)
{
    return a < b ? a : b;
}

/* One line for the lookup and one per direction; the best of several rounds each. */
static void print_map_lines(struct bench *bench, const char *how, bool dependent)
{
    double lookup = 1e9, to = 1e9, from = 1e9;
    struct mallinfo2 before = mallinfo2();
    for (unsigned round = 0; round < ROUNDS; round++) {
        lookup = min_of(lookup, run_lookup(bench, dependent));
        to = min_of(to, run_map(bench, DMA_TO_DEVICE, 64, dependent));
        from = min_of(from, run_map(bench, DMA_FROM_DEVICE, 64, dependent));
    }
    struct mallinfo2 after = mallinfo2();
    printf("random addresses, %s\n", how);
    printf("  inline table lookup                      %8.2f ns\n", lookup);
    printf("  direct map+unmap, to device              %8.2f ns   %5.2f x lookup\n", to, to / lookup);
    printf("  direct map+unmap, from device            %8.2f ns   %5.2f x lookup\n", from, from / lookup);
    printf("  bytes allocated by the direct maps       %8zu\n", after.uordblks - before.uordblks);
}

static double best_map(struct bench *bench)
{
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++)
        best = min_of(best, run_map(bench, DMA_TO_DEVICE, 64, false));
    return best;
}

static void print_held_lines(struct bench *bench)
{
    static struct dma_mapping held[1000];
    struct mallinfo2 before = mallinfo2();
    double none = best_map(bench);
    for (unsigned i = 0; i < ARRAY_COUNT(held); i++)
        held[i] = dma_map(bench->space, bench->addrs[i], 64, DMA_TO_DEVICE);
    double many = best_map(bench);
    for (unsigned i = 0; i < ARRAY_COUNT(held); i++) dma_unmap(bench->space, &held[i], 0);
    struct mallinfo2 after = mallinfo2();
    printf("direct map+unmap, none held, 1000 held     %8.2f ns, %.2f ns; %zu bytes allocated\n", none, many,
           after.uordblks - before.uordblks);
}

/* Others of the same space: a region that can not be had by pointer, whose pool is used up by one and waited for by
 * another. */
static void woken(void *owner)
{
    (void)owner;
}

static void print_neighbour_lines(struct bench *bench)
{
    struct error error;
    const gaddr far = UINT64_C(1) << 31;
    struct region *other = region_new_ram("indirect", MEM_PAGE_SIZE, &error);
    if (!other) exit(2);
    other->indirect = true;
    region_add(bench->root, far, other, 0);
    double alone = best_map(bench), beside = 1e9;
    struct dma_waiter waiter;
    dma_waiter_init(&waiter, "waits", woken, NULL);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct dma_mapping bounce = dma_map(bench->space, far, MEM_PAGE_SIZE, DMA_FROM_DEVICE);
        if (!bounce.bounce || !dma_wait(bench->space, &waiter, 512)) exit(2);
        beside = min_of(beside, run_map(bench, DMA_TO_DEVICE, 64, false));
        dma_wait_cancel(&waiter);
        dma_unmap(bench->space, &bounce, 0);
    }
    printf("direct map+unmap, alone, others bounce     %8.2f ns, %.2f ns\n", alone, beside);
    region_remove(other);
    region_release(other);
}

static void print_bounce_lines(struct bench *bench)
{
    double copy = 1e9, to = 1e9, from = 1e9;
    const struct dma_settings indirect = {.mode = DMA_MODE_INDIRECT};
    dma_configure(bench->space, &indirect);
    for (unsigned round = 0; round < ROUNDS; round++) {
        copy = min_of(copy, run_copy(bench, 4096));
        to = min_of(to, run_map(bench, DMA_TO_DEVICE, 4096, false));
        from = min_of(from, run_map(bench, DMA_FROM_DEVICE, 4096, false));
    }
    const struct dma_settings direct = {.mode = DMA_MODE_DIRECT};
    dma_configure(bench->space, &direct);
    printf("malloc + memcpy 4 KiB + free               %8.2f ns\n", copy);
    printf("bounced map+unmap 4 KiB, to device         %8.2f ns   %5.2f x copy\n", to, to / copy);
    printf("bounced map+unmap 4 KiB, from device       %8.2f ns   %5.2f x copy\n", from, from / copy);
}

static enum mem_result port_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner;
    *value = at.offset + size;
    return MEM_OK;
}

static void print_access_lines(struct bench *bench)
{
    static const struct mmio_ops ops = {.read = port_read, .max_size = 1};
    struct region *ports = region_new_container("ports", 65536),
                  *chip = region_new_mmio("chip", 8, &ops, NULL, NULL);
    region_add(ports, 0x3f8, chip, 0);
    struct space *io = space_new("ports", ports, 65536, NULL);
    double memory = 1e9, port = 1e9;
    for (unsigned i = 0; i < ADDRESSES; i++) bench->addrs[i] |= 0x3f8;
    for (unsigned round = 0; round < ROUNDS; round++) {
        memory = min_of(memory, run_load(bench, bench->space, ~UINT64_C(0)));
        port = min_of(port, run_load(bench, io, 0x3ff));
    }
    printf("space_load, RAM, random address            %8.2f ns (touches the memory)\n", memory);
    printf("space_load, port, with callback            %8.2f ns\n", port);
    space_free(io);
    region_remove(chip);
    region_release(chip);
    region_release(ports);
}

/* The stream engine against preadv: 64 KiB of a cached file into 16 scattered pieces. */
#define REQUEST   65536
#define PIECES    16
#define REQUESTS  2000
#define FILE_SIZE (16u << 20)

struct disk {
    int file;
    unsigned done;
    off_t offset;
};

static void disk_submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                        unsigned count, uint64_t size)
{
    struct disk *disk = owner;
    bool good = preadv(disk->file, pieces, (int)count, disk->offset + (off_t)offset) == (ssize_t)size;
    stream_complete(stream, !good, size, size);
}

static void disk_cancel(void *owner, struct stream *stream)
{
    (void)owner;
    (void)stream;
}

static void disk_done(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    struct disk *disk = owner;
    (void)stream;
    if (status != STREAM_OK || moved != REQUEST) exit(2);
    disk->done++;
}

static const struct stream_ops disk_ops = {disk_submit, disk_cancel, disk_done};

static double run_stream(struct bench *bench, struct disk *disk, struct stream *stream,
                         const struct sglist *list)
{
    double start = now_ns();
    for (unsigned i = 0; i < REQUESTS; i++) {
        disk->offset = (off_t)i * REQUEST % FILE_SIZE;
        stream_start(stream, list, DMA_FROM_DEVICE);
        while (stream_busy(stream)) clock_fire_due(&bench->clock);
    }
    return per_call(start, REQUESTS);
}

static double run_preadv(struct disk *disk, struct iovec *pieces, unsigned count)
{
    double start = now_ns();
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (preadv(disk->file, pieces, (int)count, (off_t)i * REQUEST % FILE_SIZE) != REQUEST) exit(2);
    }
    return per_call(start, REQUESTS);
}

static void print_stream_lines(struct bench *bench)
{
    FILE *file = tmpfile();
    if (!file || ftruncate(fileno(file), FILE_SIZE)) exit(2);
    struct disk disk = {.file = fileno(file)};
    void *block = calloc(1, FILE_SIZE);
    if (pwrite(disk.file, block, FILE_SIZE, 0) != FILE_SIZE) exit(2);
    free(block);

    struct stream stream;
    struct sglist list;
    struct iovec pieces[PIECES];
    stream_init(&stream, "disk", bench->space, 512, &disk_ops, &disk);
    sglist_init(&list, PIECES);
    for (unsigned i = 0; i < PIECES; i++) {
        gaddr addr = (UINT64_C(1) << 20) + i * 12288;
        sglist_add(&list, addr, REQUEST / PIECES);
        pieces[i] = (struct iovec){bench->ram->host + addr, REQUEST / PIECES};
    }
    char *linear = malloc(REQUEST);
    struct iovec plain = {linear, REQUEST};
    double streamed = 1e9, scattered = 1e9, best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        best = min_of(best, run_preadv(&disk, &plain, 1));
        scattered = min_of(scattered, run_preadv(&disk, pieces, PIECES));
        streamed = min_of(streamed, run_stream(bench, &disk, &stream, &list));
    }
    printf("preadv 64 KiB, one piece                   %8.0f ns   %5.0f MB/s\n", best, REQUEST * 1e3 / best);
    printf("preadv 64 KiB, 16 pieces                   %8.0f ns   %5.0f MB/s\n", scattered,
           REQUEST * 1e3 / scattered);
    printf("stream 64 KiB, 16 pieces                   %8.0f ns   %5.0f MB/s  %5.2f x preadv of 16\n",
           streamed, REQUEST * 1e3 / streamed, streamed / scattered);
    free(linear);
    sglist_destroy(&list);
    stream_destroy(&stream);
    fclose(file);
}

int main(void)
{
    static struct bench bench;
    bench_open(&bench, 0);
    print_map_lines(&bench, "each on its own", false);
    print_map_lines(&bench, "each after the result of the last", true);
    print_held_lines(&bench);
    print_neighbour_lines(&bench);
    print_bounce_lines(&bench);
    print_access_lines(&bench);
    print_stream_lines(&bench);
    bench_close(&bench);

    for (unsigned regions = 1; regions <= 4096; regions *= 16) {
        bench_open(&bench, regions);
        printf("direct map+unmap, among %4u regions        %8.2f ns\n", regions, best_map(&bench));
        bench_close(&bench);
    }
    return bench.sink == 1; /* keeps the work from being optimised away */
}

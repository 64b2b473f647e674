/* SPDX-License-Identifier: MIT */
/*
 * Disk reads of 64 KiB by DMA (map, stream engine, block layer, file store) into direct RAM, against plain
 * preadv of the same cached file into the same memory. Prints MB/s, the ratio, and host calls per request;
 * aim: at least half of preadv. Then 4 KiB reads from all over the image, 32 in flight, by each way to the file: what
 * working ahead brings, and what it costs.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "block/store.h"
#include "block/transfer.h"

enum { REQUEST = 64 * 1024, IMAGE = 64 * 1024 * 1024, RAM = 16 * 1024 * 1024, MOST_PIECES = 16 };

static const double seconds_each = 0.3;

static struct clock machine_clock;
static struct space *space;
static struct region *ram;
static char image[] = "/var/tmp/vitrine-bench-XXXXXX";

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Where in the image and in RAM request `number` goes: all over both. */
static uint64_t image_place(uint64_t number)
{
    return number * 7 * REQUEST % IMAGE;
}
static uint64_t ram_place(uint64_t number, unsigned pieces, unsigned piece)
{
    /* Pieces do not touch, else they would be joined into one. */
    return (number * 3 * REQUEST % (RAM / 2)) + (uint64_t)piece * 2 * (REQUEST / pieces);
}

static double measure_preadv(int fd, unsigned pieces)
{
    struct iovec vector[MOST_PIECES];
    uint64_t number = 0;
    double begin = seconds_now(), now;

    do {
        for (unsigned batch = 0; batch < 64; batch++, number++) {
            for (unsigned i = 0; i < pieces; i++) {
                vector[i] = (struct iovec){ram->host + ram_place(number, pieces, i), REQUEST / pieces};
            }
            if (preadv(fd, vector, (int)pieces, (off_t)image_place(number)) != REQUEST) return 0;
        }
        now = seconds_now();
    } while (now - begin < seconds_each);
    return (double)number * REQUEST / (now - begin) / 1e6;
}

static uint64_t moved_total;

static void transfer_ended(void *owner, struct transfer *transfer, enum stream_status status, int error,
                           uint64_t moved)
{
    (void)owner;
    (void)transfer;
    if (status == STREAM_OK && !error) moved_total += moved;
}

static double measure_transfer(struct block *disk, unsigned pieces)
{
    struct transfer transfer;
    struct sglist list;
    uint64_t number = 0;

    transfer_init(&transfer, "bench", space, transfer_ended, NULL);
    sglist_init(&list, MOST_PIECES);
    moved_total = 0;
    double begin = seconds_now(), now;
    do {
        for (unsigned batch = 0; batch < 64; batch++, number++) {
            sglist_reset(&list);
            for (unsigned i = 0; i < pieces; i++)
                sglist_add(&list, ram_place(number, pieces, i), REQUEST / pieces);
            transfer_start(&transfer, disk, BLOCK_READ, image_place(number), &list);
            while (transfer_busy(&transfer)) {
                vtime next = clock_deadline(&machine_clock);
                if (next > clock_now(&machine_clock)) clock_jump(&machine_clock, next);
                clock_fire_due(&machine_clock);
            }
        }
        now = seconds_now();
    } while (now - begin < seconds_each);
    transfer_destroy(&transfer);
    sglist_destroy(&list);
    return moved_total == number * REQUEST ? (double)moved_total / (now - begin) / 1e6 : 0;
}

enum { SMALL = 4096, DEPTH = 32 };

static struct block_request requests[DEPTH];
static struct iovec vectors[DEPTH];
static uint64_t number_of_request, failures;

static void submit_small(struct block_request *request, struct block *disk)
{
    request->offset = number_of_request++ * 2654435761u % (IMAGE / SMALL) * SMALL;
    block_submit(disk, request);
}

static void small_ended(void *owner, struct block_request *request, int error, uint64_t touched)
{
    failures += error || touched != SMALL;
    submit_small(request, owner);
}

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void measure_small(const char *what, const struct store_file_options *way)
{
    struct error error = {""};
    struct block_store *store = store_open_file(image, way, &error);

    if (!store) { /* no O_DIRECT on this file system */
        printf("disk read, 4 KiB, 32 at once, %-24s %s\n", what, error.text);
        return;
    }
    struct block *disk = block_new("bench", store, &machine_clock);
    number_of_request = failures = 0;
    double begin = seconds_now(), cpu = cpu_now();
    for (unsigned i = 0; i < DEPTH; i++) {
        block_request_init(&requests[i], &machine_clock, "bench", small_ended, disk);
        vectors[i] = (struct iovec){ram->host + i * SMALL, SMALL};
        requests[i].op = BLOCK_READ;
        requests[i].pieces = &vectors[i];
        requests[i].count = 1;
        requests[i].size = SMALL;
        submit_small(&requests[i], disk);
    }
    while (seconds_now() - begin < seconds_each) {
        for (unsigned batch = 0; batch < DEPTH; batch++) {
            clock_jump(&machine_clock, clock_deadline(&machine_clock));
            clock_fire_due(&machine_clock);
        }
    }
    double seconds = seconds_now() - begin, done = (double)block_stats(disk)->reads;
    printf("disk read, 4 KiB, 32 at once, %-24s %8.0f/s   %6.2f us of CPU time and %.2f host calls a "
           "request%s\n",
           what, done / seconds, (cpu_now() - cpu) / done * 1e6, (double)block_stats(disk)->host_calls / done,
           failures ? "   FAILED" : "");
    for (unsigned i = 0; i < DEPTH; i++) block_request_destroy(&requests[i]);
    block_free(disk);
}

static bool make_image(void)
{
    static char chunk[1024 * 1024];
    int fd = mkstemp(image);
    bool good = fd >= 0;

    for (unsigned i = 0; good && i < IMAGE / sizeof(chunk); i++) {
        memset(chunk, (int)i, sizeof(chunk));
        good = write(fd, chunk, sizeof(chunk)) == (ssize_t)sizeof(chunk);
    }
    if (fd >= 0) close(fd);
    return good;
}

static double best_of(double a, double b)
{
    return a > b ? a : b;
}

/* Turn and turn about, the best of each, so that a busy host does not favour one side. */
static void compare(int fd, struct block *disk, unsigned pieces)
{
    double plain = 0, dma = 0;
    uint64_t calls = block_stats(disk)->host_calls, reads = block_stats(disk)->reads;

    for (unsigned turn = 0; turn < 3; turn++) {
        plain = best_of(plain, measure_preadv(fd, pieces));
        dma = best_of(dma, measure_transfer(disk, pieces));
    }
    calls = block_stats(disk)->host_calls - calls;
    reads = block_stats(disk)->reads - reads;
    printf("disk read, 64 KiB in %2u pieces: preadv %8.0f MB/s   DMA %8.0f MB/s   ratio %.2f (aim 0.50)   "
           "%.2f host calls a request\n",
           pieces, plain, dma, dma / plain, (double)calls / (double)reads);
}

int main(void)
{
    struct error error = {""};

    clock_init(&machine_clock, 0);
    struct block_store *store =
        make_image() ? store_open_file(image, &(struct store_file_options){0}, &error) : NULL;
    int fd = open(image, O_RDONLY | O_CLOEXEC);
    ram = region_new_ram("ram", RAM, &error);
    if (!store || fd < 0 || !ram) {
        fprintf(stderr, "bench_block: %s: %s\n", image, error.text);
        unlink(image);
        return 1;
    }
    struct region *root = region_new_container("root", UINT64_C(1) << 32);
    region_add(root, 0, ram, 0);
    space = space_new("dma", root, UINT64_C(1) << 32, &machine_clock);
    struct block *disk = block_new("bench", store, &machine_clock);
    memset(ram->host, 1, RAM);
    compare(fd, disk, 1);
    compare(fd, disk, MOST_PIECES);
    block_free(disk);
    measure_small("plain", &(struct store_file_options){0});
    measure_small("aio=io_uring", &(struct store_file_options){.uring = true});
    measure_small("cache=none", &(struct store_file_options){.direct = true});
    measure_small("cache=none,aio=io_uring", &(struct store_file_options){.direct = true, .uring = true});
    unlink(image);
    space_free(space);
    region_remove(ram);
    region_release(ram);
    region_release(root);
    close(fd);
    return 0;
}

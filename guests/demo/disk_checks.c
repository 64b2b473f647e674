/* SPDX-License-Identifier: MIT */
/* The disk checks: every byte of every transfer is compared, and so is the memory around it. */
#include "disk_checks.h"
#include "console.h"
#include "disk_layout.h"
#include "ide_dma.h"
#include "lib.h"
#include "paging.h"
#include "power.h"
#include "scatter.h"
#include "timer.h"

enum { ROUNDS = 3, MOST_SECTORS = 256 };

/* Sizes of requests in sectors, taken in turn: 64 KiB and 128 KiB, single sectors, and sizes that fit
 * nothing. */
static const uint16_t request_sizes[] = {128, 1, 256, 3, 17, 128, 7, 255, 64, 2};

enum { REQUEST_SIZES = sizeof request_sizes / sizeof request_sizes[0] };

static struct piece_list list, second_list;

/* Counters of one check, for its line of print. */
static struct {
    uint32_t requests, pieces, bytes;
} count;

static void count_clear(void)
{
    memset(&count, 0, sizeof count);
}

static void count_add(uint32_t sectors, const struct piece_list *l)
{
    count.requests++;
    count.pieces += l->count;
    count.bytes += sectors * SECTOR_SIZE;
}

static void count_print(const char *what, uint32_t round)
{
    print("dma: %u: %s: %u requests, %u pieces, %u bytes ok\n", round, what, count.requests, count.pieces,
          count.bytes);
}

/* How many sectors the next request of a run gets. */
static uint32_t next_size(uint32_t request, uint32_t sectors_left)
{
    uint32_t size = request_sizes[request % REQUEST_SIZES];

    return size < sectors_left ? size : sectors_left;
}

/* Reads the label sector to `label`; the arena is left clean. */
static void label_read(enum ide_channel channel, uint8_t label[SECTOR_SIZE])
{
    scatter_init();
    scatter_whole(&list, SECTOR_SIZE);
    ide_read(channel, DEMO_LABEL_LBA, 1, &list);
    memcpy(label, (void *)list.pieces[0].address, SECTOR_SIZE);
    scatter_wipe(&list);
}

bool disk_has_label(enum ide_channel channel)
{
    uint8_t label[SECTOR_SIZE];

    label_read(channel, label);
    return memcmp(label, DEMO_LABEL_NAME, sizeof DEMO_LABEL_NAME) == 0;
}

static uint32_t label_crc(void)
{
    uint8_t label[SECTOR_SIZE];
    uint32_t crc;

    label_read(IDE_PRIMARY, label);
    memcpy(&crc, label + DEMO_LABEL_CRC, sizeof crc);
    return crc;
}

/* Reads all of the data area through odd pieces, others in each round. */
static uint32_t check_data_area(uint32_t round)
{
    uint32_t random = 0x1000 + round, crc = 0, done = 0;

    count_clear();
    for (uint32_t request = round; done < DEMO_DATA_SECTORS; request++) {
        uint32_t sectors = next_size(request, DEMO_DATA_SECTORS - done);

        scatter_odd(&list, sectors * SECTOR_SIZE, &random);
        ide_read(IDE_PRIMARY, DEMO_DATA_LBA + done, sectors, &list);
        scatter_compare(&list, DEMO_DATA_SEED, done * SECTOR_SIZE);
        crc = scatter_crc(&list, crc);
        scatter_wipe(&list);
        count_add(sectors, &list);
        done += sectors;
    }
    count_print("data area, read", round);
    return crc;
}

static void write_scratch_area(uint32_t round, uint32_t seed, uint32_t *random)
{
    uint32_t done = 0;

    for (uint32_t request = round; done < DEMO_SCRATCH_SECTORS; request++) {
        uint32_t sectors = next_size(request, DEMO_SCRATCH_SECTORS - done);

        scatter_odd(&list, sectors * SECTOR_SIZE, random);
        scatter_fill(&list, seed, done * SECTOR_SIZE);
        ide_write(IDE_PRIMARY, DEMO_SCRATCH_LBA + done, sectors, &list);
        scatter_compare(&list, seed, done * SECTOR_SIZE); /* a write changes nothing in memory */
        scatter_wipe(&list);
        count_add(sectors, &list);
        done += sectors;
    }
}

/* Through other pieces than it was written from, and in other requests. */
static void read_scratch_area(uint32_t round, uint32_t seed, uint32_t *random)
{
    uint32_t done = 0;

    for (uint32_t request = round + 3; done < DEMO_SCRATCH_SECTORS; request++) {
        uint32_t sectors = next_size(request, DEMO_SCRATCH_SECTORS - done);

        scatter_odd(&list, sectors * SECTOR_SIZE, random);
        ide_read(IDE_PRIMARY, DEMO_SCRATCH_LBA + done, sectors, &list);
        scatter_compare(&list, seed, done * SECTOR_SIZE);
        scatter_wipe(&list);
        count_add(sectors, &list);
        done += sectors;
    }
}

static void check_scratch_area(uint32_t round)
{
    uint32_t random = 0x2000 + round, seed = 0xc0ffee00 + round;

    count_clear();
    write_scratch_area(round, seed, &random);
    read_scratch_area(round, seed, &random);
    count_print("scratch area, write, read", round);
}

/* A buffer that is in one piece for the program only: its pages lie anywhere. */
static void check_window(uint32_t round)
{
    uint32_t random = 0x3000 + round, seed = 0xfeed0000 + round;
    uint32_t sectors = WINDOW_SIZE / SECTOR_SIZE, half = WINDOW_SIZE / 2;
    uint32_t *window = (uint32_t *)WINDOW_ADDRESS;

    count_clear();
    for (uint32_t i = 0; i < WINDOW_SIZE / 4; i++) window[i] = demo_pattern_word(seed, i);
    scatter_virtual(&list, WINDOW_ADDRESS, WINDOW_SIZE, &random);
    ide_write(IDE_PRIMARY, DEMO_SCRATCH_LBA + 1, sectors, &list);
    count_add(sectors, &list);
    scatter_wipe(&list);

    /* Read back in two requests, the two halves exchanged. */
    scatter_virtual(&list, WINDOW_ADDRESS, half, &random);
    ide_read(IDE_PRIMARY, DEMO_SCRATCH_LBA + 1 + sectors / 2, sectors / 2, &list);
    count_add(sectors / 2, &list);
    scatter_virtual(&second_list, WINDOW_ADDRESS + half, half, &random);
    ide_read(IDE_PRIMARY, DEMO_SCRATCH_LBA + 1, sectors / 2, &second_list);
    count_add(sectors / 2, &second_list);
    for (uint32_t i = 0; i < WINDOW_SIZE / 4; i++)
        if (window[i] != demo_pattern_word(seed, i ^ half / 4)) fail("window: wrong at byte %u", i * 4);

    scatter_virtual(&list, WINDOW_ADDRESS, WINDOW_SIZE, &random);
    scatter_wipe(&list);
    count_print("strewn pages, write, read", round);
}

/* The largest pieces there are: 64 KiB, which a PRD writes as 0. */
static void check_whole_pieces(void)
{
    count_clear();
    scatter_whole(&list, MOST_SECTORS * SECTOR_SIZE);
    ide_read(IDE_PRIMARY, DEMO_DATA_LBA, MOST_SECTORS, &list);
    scatter_compare(&list, DEMO_DATA_SEED, 0);
    scatter_wipe(&list);
    count_add(MOST_SECTORS, &list);
    count_print("whole 64 KiB pieces, read", ROUNDS);
}

/* The table names more bytes than the drive sends: the drive ends it, the controller would go on. */
static void check_longer_table(void)
{
    const uint8_t bits = IDE_BM_ACTIVE | IDE_BM_INTERRUPT | IDE_BM_ERROR;
    struct ide_result r;

    scatter_whole(&list, 3 * SECTOR_SIZE);
    ide_start(IDE_PRIMARY, IDE_READ, DEMO_DATA_LBA, 2, &list);
    r = ide_finish(IDE_PRIMARY, 10 * TIMER_HZ);
    if (!r.interrupted || (r.bus_master & bits) != (IDE_BM_ACTIVE | IDE_BM_INTERRUPT))
        fail("table longer than the transfer: bus master %02x, status %02x", r.bus_master, r.status);
    list.pieces[0].length = 2 * SECTOR_SIZE;
    scatter_compare(&list, DEMO_DATA_SEED, 0);
    scatter_wipe(&list);
}

/* Fewer bytes: the controller ends, the drive waits for more, there is no interrupt. */
static void check_shorter_table(void)
{
    const uint8_t bits = IDE_BM_ACTIVE | IDE_BM_INTERRUPT | IDE_BM_ERROR;
    struct ide_result r;

    scatter_whole(&list, SECTOR_SIZE);
    ide_start(IDE_PRIMARY, IDE_READ, DEMO_DATA_LBA, 2, &list);
    r = ide_finish(IDE_PRIMARY, TIMER_HZ / 10);
    if (r.interrupted || (r.bus_master & bits) != 0)
        fail("table shorter than the transfer: bus master %02x, status %02x", r.bus_master, r.status);
    scatter_wipe(&list); /* what arrived of the data is not laid down; beside the piece nothing may */
    ide_reset(IDE_PRIMARY);
}

/* The endings of a transfer that the bus-master specification tells apart; equal lengths are all of the
 * above. */
static void check_endings(void)
{
    check_longer_table();
    check_shorter_table();
    scatter_whole(&list, SECTOR_SIZE); /* and all is well again */
    ide_read(IDE_PRIMARY, DEMO_DATA_LBA, 1, &list);
    scatter_compare(&list, DEMO_DATA_SEED, 0);
    scatter_wipe(&list);
    print("dma: PRD table equal to the transfer, longer, shorter: told apart\n");
}

uint32_t disk_check_all(void)
{
    uint32_t crc = label_crc();

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t seen = check_data_area(round);

        if (seen != crc) fail("checksum of the data area is %08x, the label says %08x", seen, crc);
        check_scratch_area(round);
        check_window(round);
    }
    check_whole_pieces();
    check_endings();
    return crc;
}

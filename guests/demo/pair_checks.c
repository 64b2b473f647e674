/* SPDX-License-Identifier: MIT */
/*
 * Two disks at once: a request is started on each channel before either has ended, so that both compete for the
 * controller's way into memory.  Nothing that is printed depends on which of them is faster.
 */
#include "pair_checks.h"
#include "console.h"
#include "disk_layout.h"
#include "ide_dma.h"
#include "scatter.h"

/* Sizes of the requests in sectors: at the same time the secondary channel has the one at the other end. */
static const uint16_t request_sizes[] = {128, 1, 256, 3, 17, 128, 7, 255, 64, 2};

enum { REQUESTS = sizeof request_sizes / sizeof request_sizes[0] };

/* What a disk does in a round. */
enum job {
    READ_DATA, /* the data area */
    WRITE,     /* a new pattern to the scratch area */
    READ_BACK, /* what was written there last */
};

static const char *const job_names[] = {
    [READ_DATA] = "read",
    [WRITE] = "write",
    [READ_BACK] = "read back",
};

static const enum job rounds[][IDE_CHANNELS] = {
    {READ_DATA, READ_DATA}, {WRITE, WRITE},     {READ_BACK, READ_BACK},
    {WRITE, READ_BACK},     {READ_BACK, WRITE}, {READ_DATA, READ_BACK},
};

enum { ROUNDS = sizeof rounds / sizeof rounds[0] };

/* One disk's way through a round. */
struct side {
    enum job job;
    uint32_t seed;    /* of the pattern that it reads or writes */
    uint32_t done;    /* sectors */
    uint32_t sectors; /* of the request under way */
};

static struct piece_list lists[IDE_CHANNELS];
static uint32_t written_seeds[IDE_CHANNELS];

static void side_begin(struct side *s, unsigned channel, uint32_t round)
{
    s->job = rounds[round][channel];
    s->done = 0;
    if (s->job == WRITE) written_seeds[channel] = 0xabcd0000 + round * IDE_CHANNELS + channel;
    s->seed = s->job == READ_DATA ? DEMO_DATA_SEED : written_seeds[channel];
}

static void side_start(const struct side *s, unsigned channel)
{
    uint32_t area = s->job == READ_DATA ? DEMO_DATA_LBA : DEMO_SCRATCH_LBA;

    if (s->job == WRITE) scatter_fill(&lists[channel], s->seed, s->done * SECTOR_SIZE);
    ide_start(channel, s->job == WRITE ? IDE_WRITE : IDE_READ, area + s->done, s->sectors, &lists[channel]);
}

/* A request on each channel; returns how many pieces both had. */
static uint32_t request_pair(struct side sides[IDE_CHANNELS], unsigned request, uint32_t *random)
{
    uint32_t bytes[IDE_CHANNELS];

    sides[IDE_PRIMARY].sectors = request_sizes[request];
    sides[IDE_SECONDARY].sectors = request_sizes[REQUESTS - 1 - request];
    for (unsigned i = 0; i < IDE_CHANNELS; i++) bytes[i] = sides[i].sectors * SECTOR_SIZE;
    scatter_odd_pair(lists, bytes, random);

    for (unsigned i = 0; i < IDE_CHANNELS; i++) side_start(&sides[i], i);
    for (unsigned i = 0; i < IDE_CHANNELS; i++) ide_finish_well(i);

    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        scatter_compare(&lists[i], sides[i].seed, sides[i].done * SECTOR_SIZE);
        sides[i].done += sides[i].sectors;
    }
    scatter_wipe_pair(lists);
    return lists[IDE_PRIMARY].count + lists[IDE_SECONDARY].count;
}

static void check_round(uint32_t round)
{
    struct side sides[IDE_CHANNELS];
    uint32_t random = 0x4000 + round, pieces = 0;

    for (unsigned i = 0; i < IDE_CHANNELS; i++) side_begin(&sides[i], i, round);
    for (unsigned request = 0; request < REQUESTS; request++) pieces += request_pair(sides, request, &random);
    print("dma: both channels at once: %s, %s: %u requests, %u pieces, %u bytes ok\n",
          job_names[sides[IDE_PRIMARY].job], job_names[sides[IDE_SECONDARY].job], REQUESTS * IDE_CHANNELS,
          pieces, (sides[IDE_PRIMARY].done + sides[IDE_SECONDARY].done) * SECTOR_SIZE);
}

void pair_check_all(void)
{
    for (uint32_t round = 0; round < ROUNDS; round++) check_round(round);
}

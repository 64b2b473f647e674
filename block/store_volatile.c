/* SPDX-License-Identifier: MIT */
/*
 * A disk's volatile write cache, for tests of what survives a power cut: see store.h. It is an overlay whose sectors
 * go down to the store below: all of them at a flush, some of them at any time. A sector is never torn itself, as on
 * real disks.
 */
#include <assert.h>
#include <stdlib.h>

#include "block/block.h"
#include "block/store.h"

#define EARLY_ONE_IN 8   /* of so many writes one has sectors reach the medium early, ... */
#define EARLY_MOST   8   /* ... at most so many, any of those in the cache */
#define RUN_MOST     256 /* sectors that are carried down at once */

struct store_volatile {
    struct block_store store;
    struct block_store *below;
    struct block_store *cache; /* an overlay on `below` */
    uint64_t random;
};

static struct store_volatile *volatile_of(struct block_store *store)
{
    return (struct store_volatile *)store;
}

static uint64_t random_below(struct store_volatile *disk, uint64_t limit)
{
    disk->random = disk->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (disk->random >> 24) % limit;
}

static void volatile_count_calls(struct store_volatile *disk)
{
    disk->store.host_calls = disk->cache->host_calls;
    disk->store.host_syncs = disk->below->host_syncs;
}

/* From the cache to the medium. */
static int carry_down(struct store_volatile *disk, uint64_t sector, uint64_t count)
{
    static uint8_t bytes[RUN_MOST * BLOCK_SECTOR];
    const struct iovec piece = {bytes, sizeof(bytes)};
    const struct vector at = {&piece, 1, 0};
    struct store_progress progress;
    int error = 0;

    for (uint64_t done = 0; !error && done < count; done += RUN_MOST) {
        uint64_t offset = (sector + done) * BLOCK_SECTOR,
                 part = count - done < RUN_MOST ? count - done : RUN_MOST;
        uint64_t size = part * BLOCK_SECTOR;
        if (size > disk->store.size - offset) size = disk->store.size - offset;
        error = disk->cache->ops->readv(disk->cache, offset, at, size, &progress);
        if (!error) error = disk->below->ops->writev(disk->below, offset, at, size, &progress);
        if (!error) store_overlay_forget(disk->cache, sector + done, part);
    }
    return error;
}

/* One sector, the first in the cache from anywhere on. False when the cache is empty. */
static bool carry_any_down(struct store_volatile *disk)
{
    uint64_t sector = random_below(disk, disk->store.size / BLOCK_SECTOR + 1), first = 0, count;

    if (!store_overlay_written(disk->cache, &sector, &count)) {
        if (!store_overlay_written(disk->cache, &first, &count)) return false;
        sector = first;
    }
    return !carry_down(disk, sector + random_below(disk, count), 1);
}

static int volatile_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                          struct store_progress *progress)
{
    struct store_volatile *disk = volatile_of(store);
    int error = disk->cache->ops->readv(disk->cache, offset, at, size, progress);

    volatile_count_calls(disk);
    return error;
}

static int volatile_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                           struct store_progress *progress)
{
    struct store_volatile *disk = volatile_of(store);
    int error = disk->cache->ops->writev(disk->cache, offset, at, size, progress);

    uint64_t early = random_below(disk, EARLY_ONE_IN) ? 0 : 1 + random_below(disk, EARLY_MOST);

    while (!error && early && carry_any_down(disk)) early--;
    volatile_count_calls(disk);
    return error;
}

static int volatile_flush(struct block_store *store)
{
    struct store_volatile *disk = volatile_of(store);
    uint64_t sector = 0, count;
    int error = 0;

    while (!error && store_overlay_written(disk->cache, &sector, &count))
        error = carry_down(disk, sector, count);
    if (!error) error = disk->below->ops->flush(disk->below);
    volatile_count_calls(disk);
    return error;
}

static int volatile_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back)
{
    struct store_volatile *disk = volatile_of(store);
    int error = store_zero(disk->cache, offset, size, give_back);

    volatile_count_calls(disk);
    return error;
}

static void volatile_close(struct block_store *store)
{
    volatile_of(store)->cache->ops->close(volatile_of(store)->cache); /* and what it stands on */
    free(store);
}

static const struct store_ops volatile_ops = {"volatile",     volatile_readv, volatile_writev,
                                              volatile_flush, volatile_close, .zero = volatile_zero};

struct block_store *store_new_volatile(struct block_store *below, uint64_t seed, struct error *error)
{
    struct block_store *cache = store_new_overlay(below, error);
    struct store_volatile *disk = cache ? calloc(1, sizeof(*disk)) : NULL;

    if (!cache) return NULL;
    assert(disk);
    disk->store =
        (struct block_store){.ops = &volatile_ops, .size = below->size, .read_only = below->read_only};
    disk->below = below;
    disk->cache = cache;
    disk->random = seed;
    return &disk->store;
}

void store_volatile_cut(struct block_store *store)
{
    struct store_volatile *disk = volatile_of(store);
    uint64_t sector = 0, count, cached = 0;

    if (store->ops != &volatile_ops) return;
    for (; store_overlay_written(disk->cache, &sector, &count); sector += count) cached += count;
    for (uint64_t lucky = random_below(disk, cached + 1); lucky && carry_any_down(disk);) lucky--;
    store_overlay_clear(disk->cache);
    volatile_count_calls(disk);
}

uint64_t *store_volatile_random(struct block_store *store)
{
    return store->ops == &volatile_ops ? &volatile_of(store)->random : NULL;
}

struct block_store *store_kept_aside(struct block_store *store)
{
    if (store->ops == &volatile_ops) return volatile_of(store)->cache;
    return store_overlay_below(store) ? store : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * The overlay store, behind -snapshot: what is written goes to a temporary file without a name, and goes with
 * the program; a bitmap with one bit per sector tells which sectors are there. As sectors are the unit of
 * every write, nothing is ever copied up from below.
 */
#define _GNU_SOURCE 1
#include "block/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/block.h"

#define WORD_BITS 64

struct store_overlay {
    struct block_store store;
    struct block_store *below;
    struct block_store *kept; /* what was written, each sector in its own place */
    uint64_t *written;        /* bit per sector: it is in `kept` */
};

static struct store_overlay *store_overlay_of(struct block_store *store)
{
    return (struct store_overlay *)store;
}

static bool sector_written(const struct store_overlay *overlay, uint64_t sector)
{
    return overlay->written[sector / WORD_BITS] >> (sector % WORD_BITS) & 1;
}

/* How many sectors from `sector` on, up to `limit`, are like it (in `kept` or not). */
static uint64_t overlay_run(const struct store_overlay *overlay, uint64_t sector, uint64_t limit)
{
    const uint64_t flip = sector_written(overlay, sector) ? UINT64_MAX : 0;
    uint64_t run = 0;

    while (run < limit) {
        unsigned bit = (sector + run) % WORD_BITS;
        uint64_t unlike = (overlay->written[(sector + run) / WORD_BITS] ^ flip) >> bit;
        if (unlike) {
            run += (unsigned)__builtin_ctzll(unlike);
            break;
        }
        run += WORD_BITS - bit;
    }
    return run < limit ? run : limit;
}

static void overlay_mark(struct store_overlay *overlay, uint64_t sector, uint64_t count)
{
    for (uint64_t end = sector + count; sector < end; sector++) {
        overlay->written[sector / WORD_BITS] |= UINT64_C(1) << (sector % WORD_BITS);
    }
}

static void overlay_count_calls(struct store_overlay *overlay)
{
    overlay->store.host_calls = overlay->below->host_calls + overlay->kept->host_calls;
    overlay->store.host_syncs = overlay->below->host_syncs;
}

/* One call per run of sectors that live in the same place. */
static int overlay_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                         struct store_progress *progress)
{
    struct store_overlay *overlay = store_overlay_of(store);
    int error = 0;

    *progress = (struct store_progress){0};
    while (!error && progress->moved < size) {
        uint64_t sector = (offset + progress->moved) / BLOCK_SECTOR, left = size - progress->moved;
        uint64_t run = overlay_run(overlay, sector, (left + BLOCK_SECTOR - 1) / BLOCK_SECTOR) * BLOCK_SECTOR;
        struct block_store *from = sector_written(overlay, sector) ? overlay->kept : overlay->below;
        struct store_progress part;

        if (run > left) run = left;
        error = from->ops->readv(from, offset + progress->moved, at, run, &part);
        progress->touched = progress->moved + part.touched;
        progress->moved += part.moved;
        vector_advance(&at, part.moved);
    }
    overlay_count_calls(overlay);
    return error;
}

static int overlay_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                          struct store_progress *progress)
{
    struct store_overlay *overlay = store_overlay_of(store);
    int error = overlay->kept->ops->writev(overlay->kept, offset, at, size, progress);
    /* A sector that failed half way keeps its old contents; the last one of the image may be a short one. */
    uint64_t whole = error ? progress->moved / BLOCK_SECTOR : (size + BLOCK_SECTOR - 1) / BLOCK_SECTOR;

    overlay_mark(overlay, offset / BLOCK_SECTOR, whole);
    overlay_count_calls(overlay);
    return error;
}

static int overlay_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back)
{
    struct store_overlay *overlay = store_overlay_of(store);
    int error = store_zero(overlay->kept, offset, size, give_back);

    if (!error) overlay_mark(overlay, offset / BLOCK_SECTOR, (size + BLOCK_SECTOR - 1) / BLOCK_SECTOR);
    overlay_count_calls(overlay);
    return error;
}

/* Nothing here outlives the program, so there is nothing to make safe. */
static int overlay_flush(struct block_store *store)
{
    (void)store;
    return 0;
}

static void overlay_close(struct block_store *store)
{
    struct store_overlay *overlay = store_overlay_of(store);

    if (overlay->kept) overlay->kept->ops->close(overlay->kept);
    overlay->below->ops->close(overlay->below);
    free(overlay->written);
    free(overlay);
}

static const struct store_ops overlay_ops = {"overlay",     overlay_readv, overlay_writev,
                                             overlay_flush, overlay_close, .zero = overlay_zero};

/* A file that no directory knows. -1 with errno. */
static int open_nameless(const char *directory)
{
    char path[4096];
    int fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    /* File systems without O_TMPFILE say EOPNOTSUPP; kernels without it take the path for a directory. */
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
    if (snprintf(path, sizeof(path), "%s/vitrine-XXXXXX", directory) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    return fd;
}

/* The place for writes: as large as the image, and without a single block yet. */
static struct block_store *overlay_new_kept(uint64_t size, struct error *error)
{
    const char *directory = getenv("TMPDIR");
    char name[512];

    if (!directory || !*directory) directory = "/var/tmp";
    int fd = open_nameless(directory);
    if (fd < 0 || ftruncate(fd, (off_t)size)) {
        error_set(error,
                  "temporary file in %s: %s; set TMPDIR to a directory that can hold what the guest writes",
                  directory, strerror(errno));
        if (fd >= 0) close(fd);
        return NULL;
    }
    snprintf(name, sizeof(name), "temporary file in %s", directory);
    return store_new_file(fd, name, size, false);
}

struct block_store *store_new_overlay(struct block_store *below, struct error *error)
{
    struct store_overlay *overlay = calloc(1, sizeof(*overlay));
    uint64_t words = below->size / BLOCK_SECTOR / WORD_BITS + 1;

    assert(overlay);
    overlay->store = (struct block_store){.ops = &overlay_ops, .size = below->size};
    overlay->below = below;
    overlay->kept = overlay_new_kept(below->size, error);
    if (overlay->kept && words <= SIZE_MAX / sizeof(uint64_t))
        overlay->written = calloc(words, sizeof(uint64_t));
    if (overlay->kept && !overlay->written)
        error_set(error, "the image is too large for -snapshot on this host");
    if (!overlay->written) {
        overlay_close(&overlay->store);
        return NULL;
    }
    return &overlay->store;
}

struct block_store *store_overlay_below(struct block_store *store)
{
    return store->ops == &overlay_ops ? store_overlay_of(store)->below : NULL;
}

static uint64_t overlay_sectors(const struct store_overlay *overlay)
{
    return overlay->store.size / BLOCK_SECTOR + (overlay->store.size % BLOCK_SECTOR != 0);
}

bool store_overlay_written(struct block_store *store, uint64_t *sector, uint64_t *count)
{
    const struct store_overlay *overlay = store_overlay_of(store);
    uint64_t sectors = overlay_sectors(overlay);
    if (*sector >= sectors) return false;
    if (!sector_written(overlay, *sector)) *sector += overlay_run(overlay, *sector, sectors - *sector);
    if (*sector >= sectors) return false;
    *count = overlay_run(overlay, *sector, sectors - *sector);
    return true;
}

void store_overlay_clear(struct block_store *store)
{
    struct store_overlay *overlay = store_overlay_of(store);
    memset(overlay->written, 0, (size_t)(store->size / BLOCK_SECTOR / WORD_BITS + 1) * sizeof(uint64_t));
}

void store_overlay_forget(struct block_store *store, uint64_t sector, uint64_t count)
{
    struct store_overlay *overlay = store_overlay_of(store);
    for (uint64_t end = sector + count; sector < end; sector++) {
        overlay->written[sector / WORD_BITS] &= ~(UINT64_C(1) << (sector % WORD_BITS));
    }
}

/* SPDX-License-Identifier: MIT */
/* A disk in memory for tests of controllers: its contents are a byte model to compare with, and it fails on demand. */
#ifndef TESTS_UNIT_RIG_DISK_H
#define TESTS_UNIT_RIG_DISK_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "block/store.h"

struct rig_disk {
    struct block_store store;
    uint8_t *bytes;
    int64_t bad; /* reads and writes of this sector fail; -1: none */
    bool flush_fails;
    unsigned flushes;
};

static int rig_disk_move(struct rig_disk *disk, bool write, uint64_t offset, struct vector at, uint64_t size,
                         struct store_progress *progress)
{
    uint64_t done = 0;
    while (done < size && (int64_t)((offset + done) / 512) != disk->bad) {
        struct iovec piece;
        uint64_t step = 512 - (offset + done) % 512, listed;
        if (step > size - done) step = size - done;
        if (!vector_list(at, step, &piece, 1, &listed)) break;
        uint8_t *bytes = disk->bytes + offset + done;
        memcpy(write ? (void *)bytes : piece.iov_base, write ? piece.iov_base : bytes, (size_t)listed);
        vector_advance(&at, listed);
        done += listed;
    }
    *progress = (struct store_progress){done, write ? 0 : done};
    return done == size ? 0 : EIO;
}

static int rig_disk_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                          struct store_progress *progress)
{
    return rig_disk_move((struct rig_disk *)store, false, offset, at, size, progress);
}

static int rig_disk_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                           struct store_progress *progress)
{
    return rig_disk_move((struct rig_disk *)store, true, offset, at, size, progress);
}

static int rig_disk_flush(struct block_store *store)
{
    struct rig_disk *disk = (struct rig_disk *)store;
    disk->flushes++;
    return disk->flush_fails ? ENOSPC : 0;
}

static void rig_disk_close(struct block_store *store)
{
    free(((struct rig_disk *)store)->bytes);
    free(store);
}

static const struct store_ops rig_disk_ops = {.kind = "rig",
                                              .readv = rig_disk_readv,
                                              .writev = rig_disk_writev,
                                              .flush = rig_disk_flush,
                                              .close = rig_disk_close};

static inline uint32_t rig_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static inline struct rig_disk *rig_disk_new(uint64_t sectors, uint32_t seed)
{
    struct rig_disk *disk = calloc(1, sizeof *disk);
    disk->store = (struct block_store){.ops = &rig_disk_ops, .size = sectors * 512};
    disk->bytes = malloc((size_t)sectors * 512);
    disk->bad = -1;
    for (uint64_t i = 0; i < sectors * 512; i++) disk->bytes[i] = (uint8_t)rig_random(&seed);
    return disk;
}

#endif

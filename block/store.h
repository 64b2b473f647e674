/* SPDX-License-Identifier: MIT */
/*
 * Stores: where a disk's bytes live. A store is a small table of functions over vectors; stores compose (an overlay stands
 * on another store). All calls are synchronous and return 0 or an errno; the block layer above gives them time, checks that
 * a request lies on the disk, and pads the last sector. A store tells the user once of reads that fail, and once of writes.
 */
#ifndef BLOCK_STORE_H
#define BLOCK_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "block/vector.h"
#include "emu/core/error.h"

struct block_store {
    const struct store_ops *ops;
    uint64_t size; /* bytes, as the image has them */
    bool read_only;
    uint64_t host_calls; /* system calls made so far */
};

/* How far a call came; both count from where the vector started, and both are `size` when it went well. */
struct store_progress {
    uint64_t moved;   /* bytes that went the whole way, in order */
    uint64_t touched; /* reads: bytes of the vector that may have been changed; never less than `moved` */
};

struct store_ops {
    const char *kind;
    /* Exactly `size` bytes between the image at `offset` and the vector from `at` on, or an error. The bytes lie within the
     * image. A store never grows. */
    int (*readv)(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                 struct store_progress *progress);
    int (*writev)(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                  struct store_progress *progress);
    int (*flush)(struct block_store *store);
    void (*close)(struct block_store *store); /* frees it; closes what stands below */
};

struct store_file_options {
    bool read_only; /* asked for; a file that cannot be written is opened read-only with a message */
    bool will_not_write; /* an overlay stands on it: shared lock, any number of readers */
};
/*
 * A raw image file (or block device). Locked against a second writer with an open-file-description lock; when somebody
 * holds it the error names the process. Directories, empty files and missing files are errors of one line.
 */
struct block_store *store_open_file(const char *path, const struct store_file_options *options, struct error *error);
/* The same over an open file of at least `size` bytes, without a lock. Takes over `fd`; copies `name` (for messages). */
struct block_store *store_new_file(int fd, const char *name, uint64_t size, bool read_only);
/* `size` zero bytes, or a copy of `contents`. NULL when the host has no room for it. */
struct block_store *store_new_memory(uint64_t size, const void *contents);
/* Reads through to `below`, keeps writes aside in an unlinked temporary file (sparse; $TMPDIR or /var/tmp). Takes `below`
 * over, also when it fails. This is -snapshot. */
struct block_store *store_new_overlay(struct block_store *below, struct error *error);

/* For save and load. What an overlay stands on, NULL for other stores; the first run of written sectors from *sector on
 * (false: none left); and forgetting all that was written. */
struct block_store *store_overlay_below(struct block_store *store);
bool store_overlay_written(struct block_store *store, uint64_t *sector, uint64_t *count);
void store_overlay_clear(struct block_store *store);

#endif

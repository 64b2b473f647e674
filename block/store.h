/* SPDX-License-Identifier: MIT */
/*
 * Stores: where a disk's bytes live. A store is a small table of functions over vectors; stores compose (an overlay
 * stands on another store). Calls return 0 or an errno; the block layer above gives them time, checks that a request
 * lies on the disk, and pads the last sector. A store tells the user once of reads that fail, and once of writes
 * (store_failed).
 *
 * A store has four functions; the others are for those that can do better. docs/tour.md shows how one is written.
 */
#ifndef BLOCK_STORE_H
#define BLOCK_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "block/block.h"
#include "block/vector.h"
#include "emu/core/error.h"

struct block_store {
    const struct store_ops *ops;
    uint64_t size; /* bytes, as the image has them */
    bool read_only;
    uint64_t host_calls; /* system calls made so far */
    uint64_t host_syncs; /* of them, those that make data safe */
};

/* How far a call came; both count from where the vector started, and both are `size` when it went well. */
struct store_progress {
    uint64_t moved;   /* bytes that went the whole way, in order */
    uint64_t touched; /* reads: bytes of the vector that may have been changed; never less than `moved` */
};

struct store_ops {
    const char *kind;
    /* Exactly `size` bytes between the image at `offset` and the vector from `at` on, or an error. The bytes lie
     * within the image. A store never grows. */
    int (*readv)(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                 struct store_progress *progress);
    int (*writev)(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                  struct store_progress *progress);
    int (*flush)(struct block_store *store);  /* all that was written is safe when it returns */
    void (*close)(struct block_store *store); /* frees it; closes what stands below */

    /* Optional. The bytes read as zeros afterwards; with `give_back` the host may have their room. Where it is NULL or
     * returns EOPNOTSUPP, zeros are written. */
    int (*zero)(struct block_store *store, uint64_t offset, uint64_t size, bool give_back);

    /*
     * Optional, for a store that is slow to answer: works ahead of the deadline in memory of its own (ahead.h has it
     * all). `begin` takes what a write samples, and starts; NULL: rather be called at the defined instant. `wait`
     * until it is over, any number of times. `release` fills the vector of a read as far as it moved, or forgets what
     * nobody wants (NULL); the job is gone then. What readv sees and writev overwrites is as if nothing had been done
     * ahead.
     */
    struct store_job *(*begin)(struct block_store *store, enum block_op op, uint64_t offset, struct vector at,
                               uint64_t size);
    int (*wait)(struct block_store *store, struct store_job *job, struct store_progress *progress);
    void (*release)(struct block_store *store, struct store_job *job, const struct vector *to);
};

/* For stores and those who stand on one. */
int store_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back);
void store_close(struct block_store *store);
/* The first failure of each kind (*reported) is a line for the user; every one is an error for the guest. `doing`
 * is read or write. Returns the error. */
int store_failed(const char *name, bool *reported, const char *doing, int error);

struct store_file_options {
    bool read_only;      /* asked for; a file that cannot be written is opened read-only with a message */
    bool will_not_write; /* an overlay stands on it: shared lock, any number of readers */
    bool direct;         /* around the host's page cache (O_DIRECT) */
    bool sync;           /* each write is safe when it is over (O_DSYNC) */
    bool uring;          /* works ahead by io_uring; where there is none, that is said and done without */
};
/*
 * A raw image file (or block device). Locked against a second writer with an open-file-description lock; when somebody
 * holds it the error names the process. Directories, empty files and missing files are errors of one line.
 */
struct block_store *store_open_file(const char *path, const struct store_file_options *options,
                                    struct error *error);
/* The same over an open file of at least `size` bytes, without a lock. Takes over `fd`; copies `name`, for messages. */
struct block_store *store_new_file(int fd, const char *name, uint64_t size, bool read_only);
/* `size` zero bytes, or a copy of `contents`. NULL when the host has no room for it. */
struct block_store *store_new_memory(uint64_t size, const void *contents);
/* Reads through to `below`, keeps writes aside in an unlinked temporary file (sparse; $TMPDIR or /var/tmp). Takes
 * `below` over, also when it fails. This is -snapshot. */
struct block_store *store_new_overlay(struct block_store *below, struct error *error);

/* For save and load. What an overlay stands on, NULL for other stores; the first run of written sectors from *sector on
 * (false: none left); and forgetting all that was written. */
struct block_store *store_overlay_below(struct block_store *store);
bool store_overlay_written(struct block_store *store, uint64_t *sector, uint64_t *count);
void store_overlay_clear(struct block_store *store);
void store_overlay_forget(struct block_store *store, uint64_t sector, uint64_t count);

/*
 * The write cache of a disk that power can take away: what is written stays aside (in an overlay) until a flush,
 * which writes it all to `below` and flushes that. Between flushes single sectors reach `below` early, in an order
 * and a choice that come from `seed`, so that a write may be torn and a later one overtake it. Whatever moment the
 * program is killed at, `below` has what was flushed and a part of the rest. Takes `below` over, also when it fails.
 */
struct block_store *store_new_volatile(struct block_store *below, uint64_t seed, struct error *error);
/* Power fails now: some sectors more reach `below`, the rest is forgotten. Nothing for other stores. */
void store_volatile_cut(struct block_store *store);
uint64_t *store_volatile_random(
    struct block_store *store); /* what decides that, for save and load; or NULL */
/* The overlay that a store keeps writes in: itself, or a volatile store's; else NULL. */
struct block_store *store_kept_aside(struct block_store *store);

#endif

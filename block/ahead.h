/* SPDX-License-Identifier: MIT */
/*
 * Working ahead: the base of stores that are slow to answer (network, disks around the page cache). It has memory of
 * its own for what is on its way, and all functions of a store but zero and close; a store on it only knows how to
 * start one job and how to wait for some.
 *
 *   begin (at submission) -> start -> (host time) -> ahead_job_over -> wait, release (at the deadline)
 *
 * So that nothing of this shows in the guest: a read that was done ahead and is overtaken by a write is done again at
 * its deadline; of jobs that overlap, a write never runs beside another. A flush comes after every write before it.
 */
#ifndef BLOCK_AHEAD_H
#define BLOCK_AHEAD_H

#include "block/store.h"

#define AHEAD_LARGEST (4u << 20) /* bytes of one job; larger requests are not done ahead, but in parts */
#define AHEAD_JOBS    64         /* begun and not released; more are done at the defined instant */
#define AHEAD_PAGE    4096       /* alignment of a job's memory */

struct store_job {
    struct ahead_store *ahead;
    enum block_op op; /* BLOCK_DISCARD and BLOCK_ZEROES only by ahead_zero */
    uint64_t offset, size;
    uint8_t *bytes; /* `size` of them, aligned to AHEAD_PAGE */
    uint64_t moved; /* bytes that went well, in order; for who runs the job to count */
    int error;
    bool over, stale, unwanted;
    uint64_t room;
    struct list node;
};

struct ahead_store;
struct ahead_ops {
    /* Puts the job on its way; ahead_job_over tells that it is over, from in here or from `wait`. A flush makes
     * safe all writes that are over. */
    void (*start)(struct ahead_store *ahead, struct store_job *job);
    /* Comes back when at least one more job is over. There is one on its way. */
    void (*wait)(struct ahead_store *ahead);
    /* Who began the job is about to learn that it failed: tells the user, and returns the errno to pass on. */
    int (*failed)(struct ahead_store *ahead, const struct store_job *job);
};

/* First in the store that stands on it; its store_ops are AHEAD_STORE_OPS and zero, close, kind. */
struct ahead_store {
    struct block_store store;
    const struct ahead_ops *ops;
    struct list jobs; /* oldest first */
    struct list spare;
    unsigned count;   /* of jobs */
    uint64_t largest; /* AHEAD_LARGEST, or less where the store knows better */
};

void ahead_init(struct ahead_store *ahead, const struct ahead_ops *ops);
/* Waits for what is on its way. Before the store closes what start uses. */
void ahead_destroy(struct ahead_store *ahead);

void ahead_job_over(struct ahead_store *ahead, struct store_job *job, int error);
/* All that is on its way is over: the store can do nothing more. */
void ahead_fail_all(struct ahead_store *ahead, int error);
/* Runs a job that makes zeros of up to as many bytes as the store likes. */
int ahead_zero(struct ahead_store *ahead, enum block_op op, uint64_t offset, uint64_t size);
/* Before the store changes these bytes by itself: nothing is on its way there then, and what was read ahead counts no
 * more. */
void ahead_overwrite(struct ahead_store *ahead, uint64_t offset, uint64_t size);

int ahead_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                struct store_progress *progress);
int ahead_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                 struct store_progress *progress);
int ahead_flush(struct block_store *store);
struct store_job *ahead_begin(struct block_store *store, enum block_op op, uint64_t offset, struct vector at,
                              uint64_t size);
int ahead_wait(struct block_store *store, struct store_job *job, struct store_progress *progress);
void ahead_release(struct block_store *store, struct store_job *job, const struct vector *to);

#define AHEAD_STORE_OPS                                                                                      \
    .readv = ahead_readv, .writev = ahead_writev, .flush = ahead_flush, .begin = ahead_begin,                \
    .wait = ahead_wait, .release = ahead_release

#endif

/* SPDX-License-Identifier: MIT */
/* A disk from inside: what block.c runs, block_medium.c changes and block_state.c saves. */
#ifndef BLOCK_BLOCK_INTERNAL_H
#define BLOCK_BLOCK_INTERNAL_H

#include "block/block.h"
#include "block/faults.h"
#include "block/store.h"

struct block {
    const char *name;
    struct block_store *store; /* NULL: no medium */
    struct clock *clock;
    struct list in_flight; /* in the order in which they were put in flight, which is that of the deadlines */
    struct block_latency latency;
    uint64_t head; /* where the last request ended */
    struct faults faults;
    enum block_policy on_read_error, on_write_error;
    bool no_flush, no_discard;
    bool unflushed; /* written since the last flush */
    void (*stopped)(void *owner, struct block *block, const struct block_failure *why);
    void *stopped_owner;
    void (*changed)(void *owner, struct block *block);
    void *changed_owner;
    struct block_stats stats;
    uint64_t old_calls, old_syncs; /* host calls for media that have gone */
};

/* Waits for what the store does ahead for a request, and puts how that went in *error and *progress. */
void block_job_result(const struct block_request *request, int *error, struct store_progress *progress);

#endif

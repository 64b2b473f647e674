/* SPDX-License-Identifier: MIT */
/* A disk from inside: what block.c runs and block_state.c saves. */
#ifndef BLOCK_BLOCK_INTERNAL_H
#define BLOCK_BLOCK_INTERNAL_H

#include "block/block.h"
#include "block/store.h"

struct block {
    const char *name;
    struct block_store *store;
    struct clock *clock;
    struct list in_flight; /* in the order of submission, which is that of the deadlines */
    struct block_stats stats;
    bool unflushed; /* written since the last flush */
};

#endif

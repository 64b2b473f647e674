/* SPDX-License-Identifier: MIT */
/* A drive and its medium: making and freeing, what it is set to, and changing the medium. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "block/block_internal.h"

struct block *block_new(const char *name, struct block_store *store, struct clock *clock)
{
    struct block *block = calloc(1, sizeof(*block));

    assert(block);
    block->name = name;
    block->store = store;
    block->clock = clock;
    block->latency = block_default_latency;
    list_init(&block->in_flight);
    return block;
}

static void medium_close(struct block *block)
{
    if (!block->store) return;
    if (block->unflushed) block_flush_now(block);
    block->unflushed = false;
    block->old_calls += block->store->host_calls;
    block->old_syncs += block->store->host_syncs;
    block->store->ops->close(block->store);
    block->store = NULL;
}

void block_free(struct block *block)
{
    if (!block) return;
    while (!list_empty(&block->in_flight))
        block_cancel(list_entry(block->in_flight.next, struct block_request, node));
    medium_close(block);
    free(block);
}

/* What has reached the old medium keeps its ending; what has not will never. */
static void request_lose_medium(struct block_request *request)
{
    bool reading = request->op == BLOCK_READ;

    if (request->job) {
        struct store_progress progress = {0};
        if (!reading) block_job_result(request, &request->error, &progress);
        request->block->store->ops->release(request->block->store, request->job, NULL);
        request->job = NULL;
        request->moved = progress.moved;
    }
    request->lost = reading || request->held || request->error;
    if (reading && !request->held) request->error = ENOMEDIUM;
}

void block_change_medium(struct block *block, struct block_store *store)
{
    for (struct list *node = block->in_flight.next; node != &block->in_flight; node = node->next)
        request_lose_medium(list_entry(node, struct block_request, node));
    medium_close(block);
    block->store = store;
    block->head = 0;
    if (block->changed) block->changed(block->changed_owner, block);
}

void block_set_medium_handler(struct block *block, void (*changed)(void *owner, struct block *block),
                              void *owner)
{
    block->changed = changed;
    block->changed_owner = owner;
}

void block_cut_power(struct block *block)
{
    if (!block->store) return;
    store_volatile_cut(block->store);
    block->unflushed = false;
}

const char *block_name(const struct block *block)
{
    return block->name;
}

bool block_has_medium(const struct block *block)
{
    return block->store != NULL;
}

uint64_t block_sectors(const struct block *block)
{
    if (!block->store) return 0;
    return block->store->size / BLOCK_SECTOR + (block->store->size % BLOCK_SECTOR != 0);
}

bool block_read_only(const struct block *block)
{
    return !block->store || block->store->read_only;
}

const struct block_stats *block_stats(const struct block *block)
{
    return &block->stats;
}

void block_set_latency(struct block *block, const struct block_latency *latency)
{
    assert(latency->bytes_per_ms);
    block->latency = *latency;
}

void block_set_faults(struct block *block, const struct fault_rule *rules, unsigned count)
{
    faults_init(&block->faults, rules, count);
}

void block_set_no_flush(struct block *block, bool no_flush)
{
    block->no_flush = no_flush;
}

void block_set_discard(struct block *block, bool discard)
{
    block->no_discard = !discard;
}

bool block_discards(const struct block *block)
{
    return !block->no_discard && !block_read_only(block);
}

void block_set_policy(struct block *block, enum block_policy on_read_error, enum block_policy on_write_error)
{
    block->on_read_error = on_read_error;
    block->on_write_error = on_write_error;
}

void block_set_stop_handler(struct block *block,
                            void (*stopped)(void *owner, struct block *block,
                                            const struct block_failure *why),
                            void *owner)
{
    block->stopped = stopped;
    block->stopped_owner = owner;
}

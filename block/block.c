/* SPDX-License-Identifier: MIT */
/* Disks as devices see them: checks, latency, the order of endings, counters. The work is done by a store
 * (store.h). */
#include "block/block.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/block_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"
#include "mem/iov.h"

TRACE_EVENT(block_submit_event, "block.submit", "disk:s op:s offset:x size:u pieces:u");
TRACE_EVENT(block_done_event, "block.done", "disk:s op:s offset:x moved:u error:s");

/*
 * The latency model: a fast, even disk that serves one request after the other. A request is taken up when
 * the one before it is over, and then takes `fixed` plus its bytes at the disk's rate; a flush takes `flush`.
 * Nothing else is remembered: when the disk will be free is the deadline of the last request in flight. A
 * request that is refused moves no bytes.
 */
static const struct latency_model {
    vtime fixed, flush;
    uint64_t bytes_per_us;
} latency_model = {.fixed = 8 * VTIME_US, .flush = 100 * VTIME_US, .bytes_per_us = 4000};

static const char *const op_names[] = {
    [BLOCK_READ] = "read", [BLOCK_WRITE] = "write", [BLOCK_FLUSH] = "flush"};

static struct block_request *request_of(struct list *node)
{
    return list_entry(node, struct block_request, node);
}

static vtime service_time(enum block_op op, uint64_t size)
{
    if (op == BLOCK_FLUSH) return latency_model.flush;
    /* Sizes are those of host memory (below 2^48), so the product stays in range. */
    return latency_model.fixed +
           (vtime)((size * 1000 + latency_model.bytes_per_us - 1) / latency_model.bytes_per_us);
}

static vtime free_at(const struct block *block)
{
    vtime now = clock_now(block->clock);

    if (list_empty(&block->in_flight)) return now;
    vtime last = request_of(block->in_flight.prev)->deadline.deadline;
    return last > now ? last : now;
}

struct block *block_new(const char *name, struct block_store *store, struct clock *clock)
{
    struct block *block = calloc(1, sizeof(*block));

    assert(block);
    block->name = name;
    block->store = store;
    block->clock = clock;
    list_init(&block->in_flight);
    return block;
}

void block_free(struct block *block)
{
    if (!block) return;
    while (!list_empty(&block->in_flight)) block_cancel(request_of(block->in_flight.next));
    if (block->unflushed) block_flush_now(block);
    block->store->ops->close(block->store);
    free(block);
}

const char *block_name(const struct block *block)
{
    return block->name;
}

uint64_t block_sectors(const struct block *block)
{
    return block->store->size / BLOCK_SECTOR + (block->store->size % BLOCK_SECTOR != 0);
}

bool block_read_only(const struct block *block)
{
    return block->store->read_only;
}

const struct block_stats *block_stats(const struct block *block)
{
    return &block->stats;
}

/* What is wrong with a request before the host is asked. */
static int request_check(const struct block *block, enum block_op op, uint64_t offset, uint64_t size)
{
    if (op == BLOCK_FLUSH) return 0;
    if (offset % BLOCK_SECTOR || size % BLOCK_SECTOR) return EINVAL;
    uint64_t sectors = block_sectors(block), first = offset / BLOCK_SECTOR;
    if (first > sectors || size / BLOCK_SECTOR > sectors - first) return EINVAL;
    return op == BLOCK_WRITE && block->store->read_only ? EROFS : 0;
}

/* A read that passes the end of the image within its last sector goes on with zeros. */
static int store_read(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                      struct store_progress *progress)
{
    uint64_t inside = offset >= store->size ? 0 : store->size - offset;

    if (size <= inside) return store->ops->readv(store, offset, at, size, progress);
    int error = store->ops->readv(store, offset, at, inside, progress);
    if (error) return error;
    iov_fill(at.pieces, at.count, (size_t)inside, 0, (size_t)(size - inside));
    *progress = (struct store_progress){size, size};
    return 0;
}

/* A write that passes the end of the image within its last sector loses those bytes. */
static int store_write(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                       struct store_progress *progress)
{
    uint64_t inside = offset >= store->size ? 0 : store->size - offset;
    int error = store->ops->writev(store, offset, at, size < inside ? size : inside, progress);

    if (!error) progress->moved = size;
    return error;
}

static int block_perform(struct block *block, enum block_op op, uint64_t offset, struct vector at,
                         uint64_t size, struct store_progress *progress)
{
    struct block_stats *stats = &block->stats;
    int error;

    *progress = (struct store_progress){0};
    if (op == BLOCK_READ) {
        error = store_read(block->store, offset, at, size, progress);
        stats->reads++;
        stats->read_bytes += progress->moved;
    } else if (op == BLOCK_WRITE) {
        block->unflushed = true;
        error = store_write(block->store, offset, at, size, progress);
        stats->writes++;
        stats->written_bytes += progress->moved;
    } else {
        error = block->store->ops->flush(block->store);
        block->unflushed = block->unflushed && error;
        stats->flushes++;
    }
    stats->pieces += at.count;
    if (at.count > stats->most_pieces) stats->most_pieces = at.count;
    stats->host_calls = block->store->host_calls;
    return error;
}

static void request_perform(struct block *block, struct block_request *request)
{
    bool flush = request->op == BLOCK_FLUSH;
    struct vector at = {flush ? NULL : request->pieces, flush ? 0 : request->count, 0};
    struct store_progress progress;

    request->error = block_perform(block, request->op, request->offset, at, request->size, &progress);
    request->moved = progress.moved;
    request->touched = progress.touched;
}

/* Requests in flight. */

static void request_deadline(void *owner)
{
    struct block_request *request = owner;
    struct block *block = request->block;

    list_remove(&request->node);
    request->block = NULL;
    if (request->op == BLOCK_READ && !request->error) request_perform(block, request);
    if (request->error) block->stats.errors++;
    if (trace_on(&block_done_event)) {
        trace_emit(&block_done_event, block->clock, block->name, op_names[request->op], request->offset,
                   request->moved, request->error ? strerror(request->error) : "none");
    }
    request->done(request->owner, request, request->error, request->touched);
}

void block_request_init(struct block_request *request, struct clock *clock, const char *name,
                        void (*done)(void *owner, struct block_request *request, int error, uint64_t touched),
                        void *owner)
{
    *request = (struct block_request){.done = done, .owner = owner};
    list_init(&request->node);
    clock_event_init(&request->deadline, clock, name, request_deadline, request);
}

void block_request_destroy(struct block_request *request)
{
    block_cancel(request);
    clock_event_destroy(&request->deadline);
}

void block_submit(struct block *block, struct block_request *request)
{
    assert(!request->block && request->deadline.clock == block->clock);
    assert(request->op == BLOCK_FLUSH || iov_size(request->pieces, request->count) == request->size);
    request->moved = request->touched = 0;
    request->error = request_check(block, request->op, request->offset, request->size);
    vtime deadline = free_at(block) + service_time(request->op, request->error ? 0 : request->size);

    if (trace_on(&block_submit_event)) {
        trace_emit(&block_submit_event, block->clock, block->name, op_names[request->op], request->offset,
                   request->size, (uint64_t)(request->op == BLOCK_FLUSH ? 0 : request->count));
    }
    request->block = block;
    list_append(&block->in_flight, &request->node);
    if (request->op != BLOCK_READ && !request->error) request_perform(block, request);
    clock_event_at(&request->deadline, deadline);
}

void block_cancel(struct block_request *request)
{
    if (!request->block) return;
    clock_event_cancel(&request->deadline);
    list_remove(&request->node);
    request->block = NULL;
}

/* At once. */

static int block_now(struct block *block, enum block_op op, uint64_t offset, void *bytes, uint64_t size)
{
    struct iovec piece = {bytes, (size_t)size};
    struct store_progress progress;
    int error = request_check(block, op, offset, size);

    if (!error)
        error = block_perform(block, op, offset, (struct vector){&piece, bytes != NULL, 0}, size, &progress);
    if (error) block->stats.errors++;
    return error;
}

int block_read_now(struct block *block, uint64_t offset, void *to, uint64_t size)
{
    return block_now(block, BLOCK_READ, offset, to, size);
}

int block_write_now(struct block *block, uint64_t offset, const void *from, uint64_t size)
{
    return block_now(block, BLOCK_WRITE, offset, (void *)(uintptr_t)from, size);
}

int block_flush_now(struct block *block)
{
    return block_now(block, BLOCK_FLUSH, 0, NULL, 0);
}

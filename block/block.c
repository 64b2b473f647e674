/* SPDX-License-Identifier: MIT */
/* Disks as devices see them: checks, latency, the order of endings, errors, counters. The work is done by a store
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
TRACE_EVENT(block_host_event, "block.host", "disk:s op:s pieces:u moved:u calls:u");
TRACE_EVENT(block_cancel_event, "block.cancel", "disk:s op:s offset:x");
TRACE_EVENT(block_done_event, "block.done", "disk:s op:s offset:x moved:u error:s");
TRACE_EVENT(block_stop_event, "block.stop", "disk:s op:s offset:x error:s");

const struct block_latency block_default_latency = {
    .fixed = 8 * VTIME_US, .flush = 100 * VTIME_US, .bytes_per_ms = 4000000};

static const char *const op_names[] = {[BLOCK_READ] = "read",
                                       [BLOCK_WRITE] = "write",
                                       [BLOCK_FLUSH] = "flush",
                                       [BLOCK_DISCARD] = "discard",
                                       [BLOCK_ZEROES] = "zeroes"};

static struct block_request *request_of(struct list *node)
{
    return list_entry(node, struct block_request, node);
}

static bool has_vector(enum block_op op)
{
    return op == BLOCK_READ || op == BLOCK_WRITE;
}

/* Latency. Nothing is remembered but where the head is: when the disk will be free is the deadline of the last
 * request in flight. */

static vtime seek_time(const struct block *block, uint64_t offset)
{
    uint64_t way = offset > block->head ? offset - block->head : block->head - offset;
    uint64_t size = block->store->size;
    if (way > size) way = size;
    return (vtime)((unsigned __int128)way * (uint64_t)block->latency.seek / (size ? size : 1));
}

/* Of a request that is not refused. Sizes are those of host memory (below 2^44), so the product stays in range. */
static vtime service_time(struct block *block, enum block_op op, uint64_t offset, uint64_t size)
{
    const struct block_latency *latency = &block->latency;
    vtime time = latency->fixed;

    if (op == BLOCK_FLUSH) return latency->flush;
    if (latency->seek) time += seek_time(block, offset);
    block->head = offset + size;
    if (has_vector(op)) time += (vtime)((size * 1000000 + latency->bytes_per_ms - 1) / latency->bytes_per_ms);
    return time;
}

static vtime free_at(const struct block *block, const struct block_request *request)
{
    vtime now = clock_now(block->clock);
    const struct list *before = request->node.prev;

    while (before != &block->in_flight && list_entry(before, struct block_request, node)->held)
        before = before->prev;
    if (before == &block->in_flight) return now;
    vtime last = list_entry(before, struct block_request, node)->deadline.deadline;
    return last > now ? last : now;
}

/* What the store is asked to do. */

/* What is wrong with a request before the host is asked. */
static int request_check(const struct block *block, enum block_op op, uint64_t offset, uint64_t size)
{
    if (!block->store) return ENOMEDIUM;
    if (op == BLOCK_FLUSH) return 0;
    if (offset % BLOCK_SECTOR || size % BLOCK_SECTOR) return EINVAL;
    uint64_t sectors = block_sectors(block), first = offset / BLOCK_SECTOR;
    if (first > sectors || size / BLOCK_SECTOR > sectors - first) return EINVAL;
    return op != BLOCK_READ && block->store->read_only ? EROFS : 0;
}

/* How much of a request lies in the image: its last sector may be a short one. */
static uint64_t size_inside(const struct block_store *store, uint64_t offset, uint64_t size)
{
    uint64_t inside = offset >= store->size ? 0 : store->size - offset;
    return size < inside ? size : inside;
}

/* What lies between the end of the image and that of its last sector reads as zeros, and takes any write. */
static void pad_progress(enum block_op op, struct vector at, uint64_t inside, uint64_t size,
                         struct store_progress *progress)
{
    if (op == BLOCK_READ && inside < size)
        iov_fill(at.pieces, at.count, (size_t)inside, 0, (size_t)(size - inside));
    *progress = (struct store_progress){size, op == BLOCK_READ ? size : 0};
}

static int store_perform(struct block *block, enum block_op op, uint64_t offset, struct vector at,
                         uint64_t size, struct store_progress *progress)
{
    struct block_store *store = block->store;

    *progress = (struct store_progress){0};
    switch (op) {
    case BLOCK_READ: return store->ops->readv(store, offset, at, size, progress);
    case BLOCK_WRITE: return store->ops->writev(store, offset, at, size, progress);
    case BLOCK_FLUSH: return block->no_flush ? 0 : store->ops->flush(store);
    case BLOCK_DISCARD: return block->no_discard ? 0 : store_zero(store, offset, size, true);
    default: return store_zero(store, offset, size, false);
    }
}

static void count_request(struct block *block, enum block_op op, unsigned pieces, uint64_t moved, int error)
{
    struct block_stats *stats = &block->stats;
    uint64_t calls = block->old_calls + block->store->host_calls;

    if (trace_on(&block_host_event))
        trace_emit(&block_host_event, block->clock, block->name, op_names[op], (uint64_t)pieces, moved,
                   calls - stats->host_calls);
    if (op == BLOCK_READ) {
        stats->reads++;
        stats->read_bytes += moved;
    } else if (op == BLOCK_FLUSH) {
        block->unflushed = block->unflushed && error;
        stats->flushes++;
    } else {
        block->unflushed = true;
        stats->writes++;
        if (op == BLOCK_WRITE) stats->written_bytes += moved;
    }
    stats->pieces += pieces;
    if (pieces > stats->most_pieces) stats->most_pieces = pieces;
    stats->host_calls = calls;
    stats->host_syncs = block->old_syncs + block->store->host_syncs;
}

static int block_perform(struct block *block, enum block_op op, uint64_t offset, struct vector at,
                         uint64_t size, struct store_progress *progress)
{
    uint64_t inside = size_inside(block->store, offset, size);
    int error = store_perform(block, op, offset, at, inside, progress);

    if (!error) pad_progress(op, at, inside, size, progress);
    count_request(block, op, at.count, progress->moved, error);
    return error;
}

/* Requests in flight. */

static struct vector request_vector(const struct block_request *request)
{
    bool vector = has_vector(request->op);
    return (struct vector){vector ? request->pieces : NULL, vector ? request->count : 0, 0};
}

/* A fault on purpose stands behind the first bytes; what has no bytes is not done at all. */
static void request_perform(struct block *block, struct block_request *request)
{
    struct store_progress progress = {0};

    if (!request->fault || (has_vector(request->op) && request->limit))
        request->error = block_perform(block, request->op, request->offset, request_vector(request),
                                       request->limit, &progress);
    if (!request->error) request->error = request->fault;
    request->moved = progress.moved;
    request->touched = progress.touched;
}

/* True when the store has taken the request to work ahead. */
static bool request_begin(struct block *block, struct block_request *request)
{
    struct block_store *store = block->store;

    if (!store->ops->begin || request->fault || (request->op == BLOCK_FLUSH && block->no_flush)) return false;
    request->job = store->ops->begin(store, request->op, request->offset, request_vector(request),
                                     size_inside(store, request->offset, request->size));
    return request->job != NULL;
}

void block_job_result(const struct block_request *request, int *error, struct store_progress *progress)
{
    struct block_store *store = request->block->store;

    *error = store->ops->wait(store, request->job, progress);
    if (!*error)
        *progress = (struct store_progress){request->size, request->op == BLOCK_READ ? request->size : 0};
}

/* The deadline of what the store has worked ahead for. */
static void request_collect(struct block *block, struct block_request *request)
{
    struct block_store *store = block->store;
    struct vector at = request_vector(request);
    struct store_progress progress;

    block_job_result(request, &request->error, &progress);
    store->ops->release(store, request->job, request->op == BLOCK_READ ? &at : NULL);
    request->job = NULL;
    if (!request->error)
        pad_progress(request->op, at, size_inside(store, request->offset, request->size), request->size,
                     &progress);
    count_request(block, request->op, at.count, progress.moved, request->error);
    request->moved = progress.moved;
    request->touched = progress.touched;
}

/* The last node of in_flight. */
static void request_launch(struct block *block, struct block_request *request)
{
    struct fault_plan plan = {0, request->size, 0};
    vtime service = block->latency.fixed;

    request->moved = request->touched = 0;
    request->held = false;
    request->error =
        request->lost ? ENOMEDIUM : request_check(block, request->op, request->offset, request->size);
    if (!request->error) {
        service = service_time(block, request->op, request->offset, request->size);
        if (block->faults.count)
            plan = faults_plan(&block->faults, request->op, request->offset, request->size);
    }
    request->fault = plan.error;
    request->limit = plan.limit;
    vtime deadline = free_at(block, request) + service + plan.delay;
    if (!request->error && !request_begin(block, request) && request->op != BLOCK_READ)
        request_perform(block, request);
    clock_event_at(&request->deadline, deadline);
}

/* Errors. */

static void request_hold(struct block *block, struct block_request *request)
{
    const struct block_failure why = {request->op, request->offset, request->size, request->error};

    request->held = true;
    message("%s: %s at byte %llu failed: %s; the machine stops, and tries again when it goes on", block->name,
            op_names[request->op], (unsigned long long)request->offset, strerror(request->error));
    if (trace_on(&block_stop_event))
        trace_emit(&block_stop_event, block->clock, block->name, op_names[request->op], request->offset,
                   strerror(request->error));
    block->stopped(block->stopped_owner, block, &why);
}

static void request_ignore_error(struct block_request *request)
{
    if (request->op == BLOCK_READ)
        iov_fill(request->pieces, request->count, (size_t)request->moved, 0,
                 (size_t)(request->size - request->moved));
    request->error = 0;
    request->moved = request->size;
    request->touched = request->op == BLOCK_READ ? request->size : 0;
}

/* True when the request waits now. */
static bool request_failed(struct block *block, struct block_request *request)
{
    enum block_policy policy = request->op == BLOCK_READ ? block->on_read_error : block->on_write_error;

    block->stats.errors++;
    if (request->lost || request_check(block, request->op, request->offset, request->size)) return false;
    if (policy == BLOCK_ENOSPC) policy = request->error == ENOSPC ? BLOCK_STOP : BLOCK_REPORT;
    if (policy == BLOCK_IGNORE) request_ignore_error(request);
    if (policy != BLOCK_STOP || !block->stopped) return false;
    request_hold(block, request);
    return true;
}

static void request_deadline(void *owner)
{
    struct block_request *request = owner;
    struct block *block = request->block;

    if (request->job)
        request_collect(block, request);
    else if (request->op == BLOCK_READ && !request->error)
        request_perform(block, request);
    if (request->error && request_failed(block, request)) return;
    list_remove(&request->node);
    request->block = NULL;
    if (trace_on(&block_done_event)) {
        trace_emit(&block_done_event, block->clock, block->name, op_names[request->op], request->offset,
                   request->moved, request->error ? strerror(request->error) : "none");
    }
    request->done(request->owner, request, request->error, request->touched);
}

bool block_stopped(const struct block *block)
{
    for (const struct list *node = block->in_flight.next; node != &block->in_flight; node = node->next)
        if (list_entry(node, struct block_request, node)->held) return true;
    return false;
}

void block_resume(struct block *block)
{
    struct list *node = block->in_flight.next;
    const struct list *last = block->in_flight.prev;

    for (bool more = node != &block->in_flight; more;) {
        struct block_request *request = request_of(node);
        more = node != last;
        node = node->next;
        if (!request->held) continue;
        list_remove(&request->node);
        list_append(&block->in_flight, &request->node);
        request_launch(block, request);
    }
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
    assert(!has_vector(request->op) || iov_size(request->pieces, request->count) == request->size);
    if (trace_on(&block_submit_event)) {
        trace_emit(&block_submit_event, block->clock, block->name, op_names[request->op], request->offset,
                   request->size, (uint64_t)(has_vector(request->op) ? request->count : 0));
    }
    request->block = block;
    request->lost = false;
    list_append(&block->in_flight, &request->node);
    request_launch(block, request);
}

void block_cancel(struct block_request *request)
{
    if (!request->block) return;
    if (trace_on(&block_cancel_event)) {
        trace_emit(&block_cancel_event, request->block->clock, request->block->name, op_names[request->op],
                   request->offset);
    }
    if (request->job) request->block->store->ops->release(request->block->store, request->job, NULL);
    request->job = NULL;
    clock_event_cancel(&request->deadline);
    list_remove(&request->node);
    request->held = false;
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

/* SPDX-License-Identifier: MIT */
/* Working ahead: see ahead.h. */
#include "block/ahead.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct ahead_store *ahead_of(struct block_store *store)
{
    return (struct ahead_store *)store;
}

static struct store_job *job_of(struct list *node)
{
    return list_entry(node, struct store_job, node);
}

/* Jobs and their memory, which is used again. */

static struct store_job *job_new(struct ahead_store *ahead, enum block_op op, uint64_t offset, uint64_t size)
{
    struct store_job *job = list_empty(&ahead->spare) ? NULL : job_of(ahead->spare.next);

    if (job)
        list_remove(&job->node);
    else
        job = calloc(1, sizeof(*job));
    assert(job);
    uint8_t *bytes = job->bytes;
    uint64_t room = job->room;
    if (size > room || !bytes) {
        free(bytes);
        room = (size / AHEAD_PAGE + 1) * AHEAD_PAGE;
        bytes = aligned_alloc(AHEAD_PAGE, (size_t)room);
        assert(bytes);
    }
    *job = (struct store_job){
        .ahead = ahead, .op = op, .offset = offset, .size = size, .bytes = bytes, .room = room};
    list_append(&ahead->jobs, &job->node);
    ahead->count++;
    return job;
}

static void job_retire(struct ahead_store *ahead, struct store_job *job)
{
    list_remove(&job->node);
    list_append(&ahead->spare, &job->node);
    ahead->count--;
}

void ahead_init(struct ahead_store *ahead, const struct ahead_ops *ops)
{
    ahead->ops = ops;
    ahead->largest = AHEAD_LARGEST;
    list_init(&ahead->jobs);
    list_init(&ahead->spare);
}

void ahead_destroy(struct ahead_store *ahead)
{
    while (!list_empty(&ahead->jobs)) {
        struct store_job *job = job_of(ahead->jobs.next);
        bool over = job->over;
        ahead_release(&ahead->store, job, NULL);
        if (!over) ahead->ops->wait(ahead);
    }
    while (!list_empty(&ahead->spare)) {
        struct store_job *job = job_of(ahead->spare.next);
        list_remove(&job->node);
        free(job->bytes);
        free(job);
    }
}

/* On the way. */

void ahead_job_over(struct ahead_store *ahead, struct store_job *job, int error)
{
    job->error = error;
    job->over = true;
    if (job->unwanted) job_retire(ahead, job);
}

void ahead_fail_all(struct ahead_store *ahead, int error)
{
    struct list *next;

    for (struct list *node = ahead->jobs.next; node != &ahead->jobs; node = next) {
        next = node->next;
        if (!job_of(node)->over) ahead_job_over(ahead, job_of(node), error);
    }
}

static void wait_for(struct ahead_store *ahead, const struct store_job *job)
{
    while (!job->over) ahead->ops->wait(ahead);
}

static bool overlaps(const struct store_job *job, uint64_t offset, uint64_t size)
{
    return job->offset < offset + size && offset < job->offset + job->size;
}

/* A write to these bytes that is on its way. */
static struct store_job *write_under_way(struct ahead_store *ahead, uint64_t offset, uint64_t size)
{
    for (struct list *node = ahead->jobs.next; node != &ahead->jobs; node = node->next) {
        struct store_job *job = job_of(node);
        if (job->op == BLOCK_WRITE && !job->over && overlaps(job, offset, size)) return job;
    }
    return NULL;
}

/* The job may be retired as soon as it is over: look anew each time. */
static void let_writes_pass(struct ahead_store *ahead, uint64_t offset, uint64_t size)
{
    while (write_under_way(ahead, offset, size)) ahead->ops->wait(ahead);
}

void ahead_overwrite(struct ahead_store *ahead, uint64_t offset, uint64_t size)
{
    let_writes_pass(ahead, offset, size);
    for (struct list *node = ahead->jobs.next; node != &ahead->jobs; node = node->next) {
        struct store_job *job = job_of(node);
        if (job->op == BLOCK_READ && overlaps(job, offset, size)) job->stale = true;
    }
}

static struct store_job *job_start(struct ahead_store *ahead, enum block_op op, uint64_t offset,
                                   uint64_t size)
{
    struct store_job *job = job_new(ahead, op, offset, size);
    ahead->ops->start(ahead, job);
    return job;
}

static struct store_job *start_write(struct ahead_store *ahead, uint64_t offset, struct vector at,
                                     uint64_t size)
{
    ahead_overwrite(ahead, offset, size);
    struct store_job *job = job_new(ahead, BLOCK_WRITE, offset, size);
    vector_copy_out(at, job->bytes, size);
    ahead->ops->start(ahead, job);
    return job;
}

static struct store_job *start_flush(struct ahead_store *ahead)
{
    let_writes_pass(ahead, 0, UINT64_MAX);
    return job_start(ahead, BLOCK_FLUSH, 0, 0);
}

/* Ahead of the deadline. */

struct store_job *ahead_begin(struct block_store *store, enum block_op op, uint64_t offset, struct vector at,
                              uint64_t size)
{
    struct ahead_store *ahead = ahead_of(store);

    if (ahead->count >= AHEAD_JOBS || size > ahead->largest) return NULL;
    if (op == BLOCK_FLUSH) return store->read_only ? NULL : start_flush(ahead);
    if (op == BLOCK_WRITE && size) return start_write(ahead, offset, at, size);
    /* What a write on its way will change is read when it is time. */
    if (op != BLOCK_READ || !size || write_under_way(ahead, offset, size)) return NULL;
    return job_start(ahead, BLOCK_READ, offset, size);
}

int ahead_wait(struct block_store *store, struct store_job *job, struct store_progress *progress)
{
    struct ahead_store *ahead = ahead_of(store);

    wait_for(ahead, job);
    if (job->stale) {
        let_writes_pass(ahead, job->offset, job->size);
        job->stale = job->over = false;
        job->moved = 0;
        ahead->ops->start(ahead, job);
        wait_for(ahead, job);
    }
    if (job->error) job->error = ahead->ops->failed(ahead, job);
    *progress = (struct store_progress){job->moved, job->op == BLOCK_READ ? job->moved : 0};
    return job->error;
}

void ahead_release(struct block_store *store, struct store_job *job, const struct vector *to)
{
    struct ahead_store *ahead = ahead_of(store);

    if (to) vector_copy_in(*to, job->bytes, job->moved);
    if (job->over)
        job_retire(ahead, job);
    else
        job->unwanted = true;
}

/* At once. */

/* Ends a job of which `progress` has the bytes before it. */
static int finish(struct ahead_store *ahead, struct store_job *job, const struct vector *to,
                  struct store_progress *progress)
{
    struct store_progress part;
    int error = ahead_wait(&ahead->store, job, &part);

    ahead_release(&ahead->store, job, to);
    progress->moved += part.moved;
    progress->touched += part.touched;
    return error;
}

int ahead_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                struct store_progress *progress)
{
    struct ahead_store *ahead = ahead_of(store);
    int error = 0;

    *progress = (struct store_progress){0};
    while (!error && progress->moved < size) {
        uint64_t part = size - progress->moved < ahead->largest ? size - progress->moved : ahead->largest;
        let_writes_pass(ahead, offset + progress->moved, part);
        error = finish(ahead, job_start(ahead, BLOCK_READ, offset + progress->moved, part), &at, progress);
        vector_advance(&at, part);
    }
    return error;
}

int ahead_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                 struct store_progress *progress)
{
    struct ahead_store *ahead = ahead_of(store);
    int error = 0;

    *progress = (struct store_progress){0};
    while (!error && progress->moved < size) {
        uint64_t part = size - progress->moved < ahead->largest ? size - progress->moved : ahead->largest;
        error = finish(ahead, start_write(ahead, offset + progress->moved, at, part), NULL, progress);
        vector_advance(&at, part);
    }
    return error;
}

int ahead_flush(struct block_store *store)
{
    struct store_progress progress = {0};
    return store->read_only ? 0 : finish(ahead_of(store), start_flush(ahead_of(store)), NULL, &progress);
}

/* The job has no bytes of its own, though it has a size. */
int ahead_zero(struct ahead_store *ahead, enum block_op op, uint64_t offset, uint64_t size)
{
    struct store_progress progress = {0};

    ahead_overwrite(ahead, offset, size);
    struct store_job *job = job_new(ahead, op, 0, 0);
    job->offset = offset;
    job->size = size;
    ahead->ops->start(ahead, job);
    return finish(ahead, job, NULL, &progress);
}

/* SPDX-License-Identifier: MIT */
/* The image file store that works ahead: see store_staged.h. io_uring(7) by liburing. */
#define _GNU_SOURCE 1
#include "block/store_staged.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "block/ahead.h"
#include "emu/core/log.h"

struct store_staged {
    struct ahead_store ahead;
    struct image_file image;
    char *name;
    bool sync;
    bool read_reported, write_reported;
#ifdef HAVE_LIBURING
    struct io_uring ring;
#endif
};

static struct store_staged *staged_of(struct ahead_store *ahead)
{
    return (struct store_staged *)ahead;
}

/* What is not aligned for O_DIRECT, such as the end of an odd image, goes through the page cache; the kernel keeps
 * the two in step. */
static int staged_fd(const struct store_staged *staged, const struct store_job *job)
{
    uint64_t places = (job->offset + job->moved) | (job->size - job->moved) | job->moved;
    bool aligned = !(places & (staged->image.alignment - 1));
    return staged->image.direct_fd >= 0 && aligned ? staged->image.direct_fd : staged->image.fd;
}

/* The host has answered: bytes, or -errno. True when the job is over; else the rest of it is still to be done. */
static bool staged_answer(struct store_staged *staged, struct store_job *job, int64_t answer)
{
    int error = answer < 0 ? (int)-answer : 0;

    if (error == EINTR || error == EAGAIN) return false;
    if (!error && job->op != BLOCK_FLUSH) {
        job->moved += (uint64_t)answer;
        if (answer && job->moved < job->size) return false;
        if (!answer) error = job->op == BLOCK_READ ? ENODATA : ENOSPC;
    }
    ahead_job_over(&staged->ahead, job, error);
    return true;
}

static int staged_failed(struct ahead_store *ahead, const struct store_job *job)
{
    struct store_staged *staged = staged_of(ahead);

    if (job->error == ENODATA)
        return image_file_shrank(staged->name, &staged->read_reported, job->offset + job->moved,
                                 staged->image.size);
    if (job->op == BLOCK_READ) return store_failed(staged->name, &staged->read_reported, "read", job->error);
    return store_failed(staged->name, &staged->write_reported, "write", job->error);
}

static void count_call(struct store_staged *staged, const struct store_job *job)
{
    staged->ahead.store.host_calls++;
    if (job->op == BLOCK_FLUSH) staged->ahead.store.host_syncs++;
}

/* Without io_uring. */

static int64_t staged_call(struct store_staged *staged, const struct store_job *job)
{
    uint8_t *bytes = job->bytes + job->moved;
    size_t size = (size_t)(job->size - job->moved);
    off_t offset = (off_t)(job->offset + job->moved);
    int64_t answer;

    if (job->op == BLOCK_READ)
        answer = pread(staged_fd(staged, job), bytes, size, offset);
    else if (job->op == BLOCK_WRITE)
        answer = pwrite(staged_fd(staged, job), bytes, size, offset);
    else
        answer = fdatasync(staged->image.fd);
    return answer < 0 ? -errno : answer;
}

static void staged_do(struct ahead_store *ahead, struct store_job *job)
{
    struct store_staged *staged = staged_of(ahead);

    do count_call(staged, job);
    while (!staged_answer(staged, job, staged_call(staged, job)));
}

static void staged_never(struct ahead_store *ahead)
{
    (void)ahead; /* every job is over when it has started */
    abort();
}

static const struct ahead_ops staged_ops = {staged_do, staged_never, staged_failed};

/* With io_uring. */

#ifdef HAVE_LIBURING

static void uring_start(struct ahead_store *ahead, struct store_job *job)
{
    struct store_staged *staged = staged_of(ahead);
    struct io_uring_sqe *entry = io_uring_get_sqe(&staged->ring);
    uint8_t *bytes = job->bytes + job->moved;
    unsigned size = (unsigned)(job->size - job->moved);
    int failed;

    assert(entry); /* each submit empties the queue */
    if (job->op == BLOCK_READ)
        io_uring_prep_read(entry, staged_fd(staged, job), bytes, size, job->offset + job->moved);
    else if (job->op == BLOCK_WRITE)
        io_uring_prep_write(entry, staged_fd(staged, job), bytes, size, job->offset + job->moved);
    else
        io_uring_prep_fsync(entry, staged->image.fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data(entry, job);
    do {
        count_call(staged, job);
        failed = io_uring_submit(&staged->ring);
    } while (failed == -EINTR || failed == -EAGAIN || failed == -EBUSY);
    assert(failed == 1); /* anything else is a bug of the program or the kernel */
}

static void uring_wait(struct ahead_store *ahead)
{
    struct store_staged *staged = staged_of(ahead);
    struct io_uring_cqe *answer;

    for (bool over = false; !over || io_uring_cq_ready(&staged->ring);) {
        if (!io_uring_cq_ready(&staged->ring)) ahead->store.host_calls++;
        int failed = io_uring_wait_cqe(&staged->ring, &answer);
        if (failed == -EINTR || failed == -EAGAIN) continue;
        assert(!failed);
        struct store_job *job = io_uring_cqe_get_data(answer);
        int result = answer->res;
        io_uring_cqe_seen(&staged->ring, answer);
        if (staged_answer(staged, job, result))
            over = true;
        else
            uring_start(ahead, job);
    }
}

static const struct ahead_ops uring_ops = {uring_start, uring_wait, staged_failed};

static int uring_open(struct store_staged *staged)
{
    return -io_uring_queue_init(2 * AHEAD_JOBS, &staged->ring, 0);
}

static void uring_close(struct store_staged *staged)
{
    if (staged->ahead.ops == &uring_ops) io_uring_queue_exit(&staged->ring);
}

static const struct ahead_ops *const uring = &uring_ops;

#else

static int uring_open(struct store_staged *staged)
{
    (void)staged;
    return ENOSYS;
}

static void uring_close(struct store_staged *staged)
{
    (void)staged;
}

static const struct ahead_ops *const uring = NULL;

#endif

static int staged_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back)
{
    struct store_staged *staged = (struct store_staged *)store;

    if (staged->sync && !give_back) return EOPNOTSUPP;
    ahead_overwrite(&staged->ahead, offset, size);
    store->host_calls++;
    int error = image_file_zero(staged->image.fd, offset, size, give_back);
    return error && error != EOPNOTSUPP ? store_failed(staged->name, &staged->write_reported, "write", error)
                                        : error;
}

static void staged_close(struct block_store *store)
{
    struct store_staged *staged = (struct store_staged *)store;

    ahead_destroy(&staged->ahead);
    uring_close(staged);
    image_file_close(&staged->image);
    free(staged->name);
    free(staged);
}

static const struct store_ops staged_store_ops = {AHEAD_STORE_OPS, .kind = "file", .close = staged_close,
                                                  .zero = staged_zero};

struct block_store *store_new_staged(const struct image_file *image, const char *name,
                                     const struct store_file_options *options)
{
    struct store_staged *staged = calloc(1, sizeof(*staged));

    assert(staged);
    staged->ahead.store =
        (struct block_store){.ops = &staged_store_ops, .size = image->size, .read_only = !image->writable};
    staged->image = *image;
    staged->sync = options->sync;
    staged->name = strdup(name);
    assert(staged->name);
    int failed = options->uring ? uring_open(staged) : 0;
    if (failed && uring)
        message("%s: aio=io_uring is off, the host has none for us: %s", name, strerror(failed));
    else if (failed)
        message("%s: aio=io_uring is off, the program was built without liburing", name);
    ahead_init(&staged->ahead, options->uring && !failed ? uring : &staged_ops);
    return &staged->ahead.store;
}

/* SPDX-License-Identifier: MIT */
/*
 * The raw file store: byte N of the disk is byte N of the file (or block device). Reads and writes are preadv(2) and
 * pwritev(2) straight on the caller's memory, one call a request. The size is what the file had when it was opened.
 */
#define _GNU_SOURCE 1
#include "block/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/image_file.h"
#include "block/store_staged.h"

#define CALL_PIECES 1024 /* IOV_MAX of Linux: more pieces in one call are refused */

_Static_assert(sizeof(off_t) == 8, "disks are larger than 2 GiB: build with -D_FILE_OFFSET_BITS=64");

struct store_file {
    struct block_store store;
    int fd;
    char *name;
    bool sync;                          /* O_DSYNC, which fallocate does not mind */
    bool read_reported, write_reported; /* the user has been told */
};

static struct store_file *store_file_of(struct block_store *store)
{
    return (struct store_file *)store;
}

typedef ssize_t host_call(int fd, const struct iovec *pieces, int count, off_t offset);

/* One host call as large as can be, at `moved` bytes of the request; its result, or -errno. */
static ssize_t file_move(struct store_file *file, host_call *call, uint64_t offset, struct vector at,
                         uint64_t size)
{
    struct iovec pieces[CALL_PIECES];
    uint64_t listed;
    unsigned count = vector_list(at, size, pieces, CALL_PIECES, &listed);
    ssize_t result;

    do {
        file->store.host_calls++;
        result = call(file->fd, pieces, (int)count, (off_t)offset);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

static int file_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                      struct store_progress *progress)
{
    struct store_file *file = store_file_of(store);

    *progress = (struct store_progress){0};
    while (progress->moved < size) {
        ssize_t got = file_move(file, preadv, offset + progress->moved, at, size - progress->moved);
        if (got < 0) {
            progress->touched = size; /* what a failed call left in memory is not defined */
            return store_failed(file->name, &file->read_reported, "read", (int)-got);
        }
        if (got == 0)
            return image_file_shrank(file->name, &file->read_reported, offset + progress->moved, store->size);
        vector_advance(&at, (uint64_t)got);
        progress->moved += (uint64_t)got;
        progress->touched = progress->moved;
    }
    return 0;
}

static int file_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                       struct store_progress *progress)
{
    struct store_file *file = store_file_of(store);

    *progress = (struct store_progress){0};
    while (progress->moved < size) {
        ssize_t put = file_move(file, pwritev, offset + progress->moved, at, size - progress->moved);
        if (put == 0) put = -ENOSPC;
        if (put < 0) return store_failed(file->name, &file->write_reported, "write", (int)-put);
        vector_advance(&at, (uint64_t)put);
        progress->moved += (uint64_t)put;
    }
    return 0;
}

static int file_flush(struct block_store *store)
{
    struct store_file *file = store_file_of(store);

    if (store->read_only) return 0;
    store->host_calls++;
    store->host_syncs++;
    if (!fdatasync(file->fd)) return 0;
    return store_failed(file->name, &file->write_reported, "write", errno);
}

static void file_close(struct block_store *store)
{
    struct store_file *file = store_file_of(store);

    close(file->fd);
    free(file->name);
    free(file);
}

static int file_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back)
{
    struct store_file *file = store_file_of(store);

    if (file->sync && !give_back) return EOPNOTSUPP;
    store->host_calls++;
    int error = image_file_zero(file->fd, offset, size, give_back);
    return error && error != EOPNOTSUPP ? store_failed(file->name, &file->write_reported, "write", error)
                                        : error;
}

static const struct store_ops file_ops = {"file",     file_readv, file_writev,
                                          file_flush, file_close, .zero = file_zero};

static struct block_store *file_new(const struct image_file *image, const char *name, bool sync)
{
    struct store_file *file = calloc(1, sizeof(*file));

    assert(file);
    file->store = (struct block_store){.ops = &file_ops, .size = image->size, .read_only = !image->writable};
    file->fd = image->fd;
    file->sync = sync;
    file->name = strdup(name);
    assert(file->name);
    return &file->store;
}

struct block_store *store_new_file(int fd, const char *name, uint64_t size, bool read_only)
{
    return file_new(&(struct image_file){.fd = fd, .size = size, .writable = !read_only}, name, false);
}

struct block_store *store_open_file(const char *path, const struct store_file_options *options,
                                    struct error *error)
{
    struct image_file image;

    if (!image_file_open(path, options, &image, error)) return NULL;
    if (options->direct || options->uring) return store_new_staged(&image, path, options);
    return file_new(&image, path, options->sync);
}

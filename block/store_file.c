/* SPDX-License-Identifier: MIT */
/*
 * The raw file store: byte N of the disk is byte N of the file (or block device). Reads and writes are
 * preadv(2) and pwritev(2) straight on the caller's memory. The size is what the file had when it was opened.
 */
#define _GNU_SOURCE 1
#include "block/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/file_lock.h"
#include "emu/core/log.h"

#define CALL_PIECES 1024 /* IOV_MAX of Linux: more pieces in one call are refused */

_Static_assert(sizeof(off_t) == 8, "disks are larger than 2 GiB: build with -D_FILE_OFFSET_BITS=64");

struct store_file {
    struct block_store store;
    int fd;
    char *name;
    bool read_reported, write_reported; /* the user has been told */
};

static struct store_file *store_file_of(struct block_store *store)
{
    return (struct store_file *)store;
}

/* The first failure of each kind is a line for the user; every failure is an error for the guest. */
static int file_failed(struct store_file *file, bool *reported, const char *doing, int error)
{
    if (!*reported) {
        message("%s: %s: %s; the guest gets %s errors (reported once)", file->name, doing, strerror(error),
                doing);
    }
    *reported = true;
    return error;
}

static int file_shrank(struct store_file *file, uint64_t end)
{
    if (!file->read_reported) {
        message("%s: the file has become shorter, it ends at %llu of %llu bytes; the guest gets read errors "
                "(reported once)",
                file->name, (unsigned long long)end, (unsigned long long)file->store.size);
    }
    file->read_reported = true;
    return EIO;
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
            return file_failed(file, &file->read_reported, "read", (int)-got);
        }
        if (got == 0) return file_shrank(file, offset + progress->moved);
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
        if (put < 0) return file_failed(file, &file->write_reported, "write", (int)-put);
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
    if (!fdatasync(file->fd)) return 0;
    return file_failed(file, &file->write_reported, "write", errno);
}

static void file_close(struct block_store *store)
{
    struct store_file *file = store_file_of(store);

    close(file->fd);
    free(file->name);
    free(file);
}

static const struct store_ops file_ops = {"file", file_readv, file_writev, file_flush, file_close};

struct block_store *store_new_file(int fd, const char *name, uint64_t size, bool read_only)
{
    struct store_file *file = calloc(1, sizeof(*file));

    assert(file);
    file->store = (struct block_store){.ops = &file_ops, .size = size, .read_only = read_only};
    file->fd = fd;
    file->name = strdup(name);
    assert(file->name);
    return &file->store;
}

/* Opening, first of all whether the path is something that can be a disk. */
static bool file_check_kind(mode_t mode, const char *path, struct error *error)
{
    if (S_ISREG(mode) || S_ISBLK(mode)) return true;
    const char *kind = S_ISDIR(mode)    ? "a directory"
                       : S_ISFIFO(mode) ? "a pipe"
                       : S_ISSOCK(mode) ? "a socket"
                                        : "a character device";
    return error_set(error, "%s: is %s; a disk is an image file or a block device", path, kind);
}

/* Why a writer was turned away, where a reader may still be let in. */
static bool only_writing_refused(int error)
{
    return error == EACCES || error == EPERM || error == EROFS || error == ETXTBSY;
}

static bool file_open_failed(const char *path, int why, struct error *error)
{
    const char *advice = why == ENOENT                   ? "check the path, or create the image first"
                         : why == EACCES || why == EPERM ? "check its permissions"
                         : why == EBUSY ? "it is mounted, or another program has it; free it or use -snapshot"
                                        : "check the path";
    return error_set(error, "%s: cannot be opened: %s; %s", path, strerror(why), advice);
}

/* -1 with an error. When writing was asked for and only reading is allowed, *refused is the reason, else 0.
 */
static int file_open(const char *path, bool writable, int *refused, struct error *error)
{
    /* O_NONBLOCK: should a pipe have taken the file's place meanwhile, do not wait for its other end. */
    const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat status;
    int fd = -1;

    *refused = 0;
    /* Looked at before it is opened, since opening a character device can do something. */
    if (stat(path, &status)) {
        file_open_failed(path, errno, error);
        return -1;
    }
    if (!file_check_kind(status.st_mode, path, error)) return -1;
    if (writable) {
        /* On a block device O_EXCL keeps us off mounted file systems. */
        fd = open(path, O_RDWR | flags | (S_ISBLK(status.st_mode) ? O_EXCL : 0));
        if (fd < 0 && only_writing_refused(errno)) *refused = errno;
    }
    if (!writable || *refused) fd = open(path, O_RDONLY | flags);
    if (fd < 0) file_open_failed(path, errno, error);
    return fd;
}

static bool file_get_size(int fd, const char *path, uint64_t *size, struct error *error)
{
    struct stat status;

    if (fstat(fd, &status)) return file_open_failed(path, errno, error);
    if (!file_check_kind(status.st_mode, path, error)) return false;
    *size = (uint64_t)status.st_size;
    if (S_ISBLK(status.st_mode) && ioctl(fd, BLKGETSIZE64, size)) return file_open_failed(path, errno, error);
    if (!*size) return error_set(error, "%s: is empty; a disk has at least one sector of 512 bytes", path);
    return true;
}

struct block_store *store_open_file(const char *path, const struct store_file_options *options,
                                    struct error *error)
{
    bool writable = !options->read_only && !options->will_not_write;
    uint64_t size;
    int refused;

    int fd = file_open(path, writable, &refused, error);
    if (fd < 0) return NULL;
    if (refused) writable = false;
    if (!file_get_size(fd, path, &size, error) || !file_lock(fd, path, writable, error)) {
        close(fd);
        return NULL;
    }
    if (refused) message("%s: opened read-only, it cannot be written: %s", path, strerror(refused));
    return store_new_file(fd, path, size, !writable);
}

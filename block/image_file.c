/* SPDX-License-Identifier: MIT */
/* Opening image files and block devices: see image_file.h. */
#define _GNU_SOURCE 1
#include "block/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/file_lock.h"
#include "emu/core/log.h"

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
static int file_open(const char *path, bool writable, int more_flags, int *refused, struct error *error)
{
    /* O_NONBLOCK: should a pipe have taken the file's place meanwhile, do not wait for its other end. */
    const int flags = more_flags | O_NOCTTY | O_NONBLOCK;
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

/* What O_DIRECT wants; a page where the kernel (before 6.1) does not tell. */
static uint32_t direct_alignment(int fd)
{
    uint32_t alignment = 4096;
#ifdef STATX_DIOALIGN
    struct statx status;
    if (!statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) && status.stx_mask & STATX_DIOALIGN &&
        status.stx_dio_offset_align && status.stx_dio_mem_align <= 4096)
        alignment = status.stx_dio_offset_align;
#else
    (void)fd;
#endif
    return alignment;
}

static bool open_direct(struct image_file *image, const char *path, int flags, struct error *error)
{
    char again[64]; /* the file that is open and locked, whatever lies at its path by now */

    snprintf(again, sizeof(again), "/proc/self/fd/%d", image->fd);
    image->direct_fd = open(again, (image->writable ? O_RDWR : O_RDONLY) | O_DIRECT | flags);
    if (image->direct_fd < 0)
        return error_set(error, "%s: cannot be opened around the page cache: %s; say cache=writeback", path,
                         strerror(errno));
    image->alignment = direct_alignment(image->direct_fd);
    return true;
}

bool image_file_open(const char *path, const struct store_file_options *options, struct image_file *image,
                     struct error *error)
{
    const int flags = O_CLOEXEC | (options->sync ? O_DSYNC : 0);
    bool writable = !options->read_only && !options->will_not_write;
    int refused;

    *image = (struct image_file){.fd = file_open(path, writable, flags, &refused, error), .direct_fd = -1};
    if (image->fd < 0) return false;
    image->writable = writable && !refused;
    if (!file_get_size(image->fd, path, &image->size, error) ||
        !file_lock(image->fd, path, image->writable, error) ||
        (options->direct && !open_direct(image, path, flags, error))) {
        image_file_close(image);
        return false;
    }
    if (refused) message("%s: opened read-only, it cannot be written: %s", path, strerror(refused));
    return true;
}

void image_file_close(struct image_file *image)
{
    if (image->direct_fd >= 0) close(image->direct_fd);
    close(image->fd);
}

int image_file_shrank(const char *name, bool *reported, uint64_t end, uint64_t size)
{
    if (!*reported) {
        message("%s: the file has become shorter, it ends at %llu of %llu bytes; the guest gets read errors "
                "(reported once)",
                name, (unsigned long long)end, (unsigned long long)size);
    }
    *reported = true;
    return EIO;
}

int image_file_zero(int fd, uint64_t offset, uint64_t size, bool give_back)
{
    const int mode = FALLOC_FL_KEEP_SIZE | (give_back ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);

    if (!fallocate(fd, mode, (off_t)offset, (off_t)size)) return 0;
    return errno == ENOSPC || errno == EIO ? errno : EOPNOTSUPP; /* what is left is written as zeros */
}

/* SPDX-License-Identifier: MIT */
/*
 * Opening image files and block devices: whether it can be a disk, whether it may be written, its size, the lock.
 */
#ifndef BLOCK_IMAGE_FILE_H
#define BLOCK_IMAGE_FILE_H

#include "block/store.h"

struct image_file {
    int fd;
    int direct_fd;      /* the same with O_DIRECT; -1 when that was not asked for */
    uint32_t alignment; /* of offsets, sizes and memory on direct_fd, a power of two */
    uint64_t size;
    bool writable;
};

/* False with an error, and nothing open. Says so when the file could only be opened for reading. */
bool image_file_open(const char *path, const struct store_file_options *options, struct image_file *image,
                     struct error *error);
void image_file_close(struct image_file *image);

/* One line for the user, the first time: reads behind the end of a file that has become shorter. Returns the error. */
int image_file_shrank(const char *name, bool *reported, uint64_t end, uint64_t size);
/* fallocate(2) behind store_ops.zero. */
int image_file_zero(int fd, uint64_t offset, uint64_t size, bool give_back);

#endif

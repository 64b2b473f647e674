/* SPDX-License-Identifier: MIT */
/*
 * The image file store that works ahead, in memory of its own (ahead.h): around the page cache (O_DIRECT), where
 * memory must be aligned and the disk is as slow as it is, and with io_uring, which keeps many jobs on their way.
 * Without io_uring each job is done as soon as it is begun.
 */
#ifndef BLOCK_STORE_STAGED_H
#define BLOCK_STORE_STAGED_H

#include "block/image_file.h"

/* Takes over the image's descriptors; copies `name`. Of the options `uring` counts. */
struct block_store *store_new_staged(const struct image_file *image, const char *name,
                                     const struct store_file_options *options);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Locks on image files, so that two programs do not write the same disk. Open-file-description locks
 * (fcntl(2)): they go when the file is closed, also by a crash, and are seen by every program that uses fcntl
 * locks on the image.
 */
#ifndef BLOCK_FILE_LOCK_H
#define BLOCK_FILE_LOCK_H

#include <stdbool.h>
#include "emu/core/error.h"

/* Locks the whole file: for one writer (`fd` must be open for writing), or with any number of readers. When
 * somebody else is in the way the error names the process, as far as /proc lets us see it. A file system
 * without locks gets a message. */
bool file_lock(int fd, const char *path, bool writer, struct error *error);

#endif

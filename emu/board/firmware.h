/* SPDX-License-Identifier: MIT */
/* Finding and reading firmware images. */
#ifndef EMU_BOARD_FIRMWARE_H
#define EMU_BOARD_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>
#include "emu/core/error.h"

/*
 * Looks for `name` as a path (when it has a slash), in `dirs`, in $VITRINE_DATA, then where Debian's packages
 * put firmware. Reads at the most `limit` bytes. The caller frees. NULL with an error that says where it
 * looked.
 */
uint8_t *firmware_load(const char *name, const char *const *dirs, unsigned count, size_t limit, size_t *size,
                       struct error *error);

/* Reads a whole regular file of at most `limit` bytes; NULL with an error. The caller frees. */
uint8_t *file_load(const char *path, size_t limit, size_t *size, struct error *error);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A machine in a file: everything that a guest can observe or that decides what happens next, so that a loaded
 * machine goes on to the same instruction as the saved one would have.
 *
 * Inside: CPUs, every chip's state table, requests in flight with what they hold and wait for, RAM and video memory
 * without their zero pages, the clock with what is pending, the door, input that waits, and what the overlays of
 * -snapshot disks hold. Not inside: firmware, kernels and disk images; they must be there again, unchanged, which is
 * checked by size and hash. Neither are a debugger's breakpoints, counters, and what has been printed.
 *
 * The file is versioned, packed and little-endian, and ends in a checksum over it and a hash of the machine's state.
 * Only between runs (board_run).
 */
#ifndef EMU_BOARD_SNAPSHOT_H
#define EMU_BOARD_SNAPSHOT_H

#include "emu/board/board.h"

/* The file appears whole or not at all: it is written beside `path` and renamed. What is there and is no regular file
 * stays. */
bool board_save(struct board *board, const char *path, struct error *error);
/* Into a board made from the same configuration, fresh or used. A file that is damaged, of another version or of
 * another machine is refused with the board as it was; after any other failure the board must be freed. */
bool board_load(struct board *board, const char *path, struct error *error);

/* What a saved or recorded machine must find again, one `what value` line each. False with an error when a disk
 * cannot be read. */
bool board_fingerprint(struct board *board, struct state_buffer *text, struct error *error);
/* Compares two such texts; the error names the first line that differs. */
bool board_fingerprint_check(const char *saved, const char *here, struct error *error);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The state of a machine, in one place for saving, loading and hashing (board_hash), so that these cannot disagree:
 * whatever decides what happens next is in what is saved, and what is saved is what is hashed.
 *
 * In this order: RAM and video memory without their zero pages, what the overlays of -snapshot disks hold, the clock
 * with what is pending (name, deadline, order), every chip's table, what chips hold beside it (requests in flight
 * with their mappings, places in queues, the random state of faulty DMA), CPUs, the round under way, the door and the
 * input that waits in channels. The escape key of the terminal is not in it: it is the user interface's, and what it
 * lets through comes by the door.
 */
#ifndef EMU_BOARD_MACHINE_STATE_H
#define EMU_BOARD_MACHINE_STATE_H

#include "emu/board/board_internal.h"

/* Only between runs. False with an error when an overlay cannot be read, or a request cannot be saved just now
 * (stream.h). */
bool machine_save(struct board *board, struct state_buffer *to, struct error *error);
/* From the buffer's cursor on, up to the end of what was saved. After false the board must be freed. */
bool machine_load(struct board *board, struct state_buffer *from, struct error *error);

/* FNV-1a over little-endian words instead of bytes, the end padded with zeros; goes on from `hash`. A change of one
 * word, or of less, changes the result. */
#define MACHINE_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t machine_hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size);

#endif

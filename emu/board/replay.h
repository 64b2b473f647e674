/* SPDX-License-Identifier: MIT */
/*
 * Record and replay: what came in through the door of a machine (emu/core/door.h), with the virtual time of each
 * event, as text that a person can read. The same machine with the same events at the same times is the same run, to
 * the instruction.
 *
 *     vitrine-recording 2
 *     date 946684800
 *     -cpu pentium ...                  what the machine must find again (board_fingerprint)
 *     state 0123456789abcdef            board_hash at the beginning
 *     in 1500000000 serial0 6c730a      at that time, these bytes, to that port
 *     end 5000000000 312500000          the recording ended by itself: when, and after how many instructions
 *
 * An event comes in once everything else of its time has happened (board_run.c), several of one time in their order;
 * so how a run is cut into slices does not matter, with one CPU or several. Disks must be pinned
 * (board_drive.snapshot). What a debugger changes, and failures of the host, are not recorded.
 */
#ifndef EMU_BOARD_REPLAY_H
#define EMU_BOARD_REPLAY_H

#include "emu/board/board.h"

/* ---- recording ---- */

struct recording;
/* Opens the file and listens at the door, until freed; the board is new, or loaded, and has not run since. */
struct recording *recording_new(struct board *board, const char *path, struct error *error);
/* Writes the end. False when something could not be written. NULL is fine. */
bool recording_free(struct recording *recording);

/* ---- replaying ---- */

struct replay;
/* The date that the machine must be made with (board_config.date). */
bool replay_date(const char *path, int64_t *date, struct error *error);
/* Reads the file and stands at the door: from then on nothing else comes in. */
struct replay *replay_new(struct board *board, const char *path, struct error *error);
void replay_free(struct replay *replay);
/* Before each board_run: posts what is due now, and says until when the board may run; VTIME_NEVER at the end, and
 * after the last event of a recording without one. */
vtime replay_next(struct replay *replay);
/* After that: for how many instructions. UINT64_MAX, but for what a run of several CPUs has left at its end. */
uint64_t replay_insns(const struct replay *replay);
/* The recording is over: so is its run, unless it ended in the middle of a line. */
bool replay_over(const struct replay *replay);

#endif

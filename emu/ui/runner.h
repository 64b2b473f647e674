/* SPDX-License-Identifier: MIT */
/*
 * The loop around the machine: waits for the host (terminal, gdb, signals), lets the outside in through the door, runs the
 * board in slices, and shows what it says. This is the only place where the program waits.
 */
#ifndef EMU_UI_RUNNER_H
#define EMU_UI_RUNNER_H

#include "emu/board/board.h"
#include "emu/core/error.h"
#include "emu/ui/options.h"

/* How the program ends. A guest's own status comes from isa-debug-exit and is odd. */
enum exit_status {
    STATUS_OK = 0,      /* power-off, reset under -no-reboot, quit, SIGTERM */
    STATUS_TROUBLE = 2, /* wrong usage, or the host's trouble */
    STATUS_TRIPLE_FAULT = 4,
    STATUS_LIMIT = 6,
};

struct runner;

/* Opens what the options name: gdb's port, files, the terminal. */
struct runner *runner_new(const struct options *options, struct board *board, struct error *error);
/* Runs until the machine or the user ends it; the exit status. What was asked for at the end (-stats, -dump-screen) has
 * been printed then. */
int runner_run(struct runner *runner);
/* Before the board is freed. */
void runner_free(struct runner *runner);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A debugger's way in: GDB's remote serial protocol over TCP, for gdb itself and for scripts that speak it by
 * hand. (Debugging with GDB, appendix E, "Remote Protocol".)
 *
 *     stub = gdb_stub_new(board, "tcp::1234", &error);
 *     if (-S) gdb_stub_stop(stub);
 *     for (;;) {
 *         poll for gdb_stub_poll_events() on gdb_stub_fd(), without waiting unless gdb_stub_stopped()
 *         when it is ready: gdb_stub_input(stub);
 *         if (gdb_stub_killed(stub)) break;           the program ends, with exit status 0
 *         if (gdb_stub_stopped(stub)) continue;       the machine must not run
 *         budget = ...;
 *         gdb_stub_step_pending(stub, &budget);
 *         stop = board_run(board, &budget);
 *         gdb_stub_report(stub, stop, exit status);
 *         if (stop ends the run and !gdb_stub_stopped(stub)) break;
 *     }
 *     gdb_stub_free(stub);
 *
 * One debugger at a time; the next one connects when it is gone. The port is bound to 127.0.0.1 and nothing
 * waits for the socket. Between two runs everything is at an instruction boundary, and looking at it changes
 * nothing: breakpoints are the engine's (LESSONS 52), memory is read without effects (LESSONS 55).
 *
 * Connecting alone changes nothing: the first packet stops the machine. "D" lets it run, "k" ends the
 * program. When a connection breaks, the breakpoints go and the machine stays as it is, stopped or running.
 * What a script sends ahead of time waits for the machine's next stop, but for 0x03 and vCont;t.
 */
#ifndef EMU_DEBUG_GDB_STUB_H
#define EMU_DEBUG_GDB_STUB_H

#include "emu/board/board.h"
#include "emu/core/error.h"

struct gdb_stub;

/* Listens at `where`: "tcp::PORT" or "tcp:localhost:PORT"; port 0 takes a free one. On failure NULL and an
 * error that starts with `where`. The board must outlive the stub. */
struct gdb_stub *gdb_stub_new(struct board *board, const char *where, struct error *error);
/* Hangs up and forgets the breakpoints. */
void gdb_stub_free(struct gdb_stub *stub);
unsigned gdb_stub_port(const struct gdb_stub *stub); /* the one that was taken */

/* The socket to poll: the debugger's, or the listening one. */
int gdb_stub_fd(const struct gdb_stub *stub);
short gdb_stub_poll_events(const struct gdb_stub *stub);
/* Reads, carries out and answers what is there; never blocks. Not while the board runs. */
void gdb_stub_input(struct gdb_stub *stub);

/* Holds the machine until a debugger lets it go. */
void gdb_stub_stop(struct gdb_stub *stub);
/* The machine must not run now. After a triple fault that a debugger was told of, this turns false when it
 * detaches: then the run is over. */
bool gdb_stub_stopped(const struct gdb_stub *stub);
bool gdb_stub_attached(const struct gdb_stub *stub); /* a debugger has sent something */
bool gdb_stub_killed(const struct gdb_stub *stub);   /* it wants the program to end */

/* To be called before each run: lowers budget->insns to what a step under way has left, and sets
 * budget->skip_breakpoint when the machine goes on from where it stopped. True when stepping. */
bool gdb_stub_step_pending(struct gdb_stub *stub, struct board_budget *budget);
/* The run ended so. `exit_status` is the program's when it ends now, and negative while it goes on. After a
 * breakpoint, a step or (with a debugger attached) a triple fault gdb_stub_stopped() is true. Reasons that mean
 * nothing to the debugger are ignored. */
void gdb_stub_report(struct gdb_stub *stub, enum board_stop stop, int exit_status);

#endif

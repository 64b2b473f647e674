/* SPDX-License-Identifier: MIT */
/* The loop: see runner.h. */
#include "emu/ui/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "emu/board/replay.h"
#include "emu/board/snapshot.h"
#include "emu/core/log.h"
#include "emu/cpu/report.h"
#include "emu/debug/disassemble.h"
#include "emu/debug/gdb_stub.h"
#include "emu/ui/char_backends.h"
#include "emu/ui/console.h"
#include "emu/ui/media.h"
#include "emu/ui/pace.h"
#include "emu/ui/terminal.h"
#include "emu/ui/text_display.h"
#include "emu/ui/typist.h"

#define SLICE_TIME  (10 * VTIME_MS) /* a run between two looks at the host: at the most so much virtual time */
#define SLICE_INSNS (UINT64_C(1) << 20)
#define NAP         (5 * VTIME_MS) /* how long a busy machine that is ahead of time waits */
#define FRAME       (VTIME_S / 30) /* shortest time between two pictures */
#define DEAD_FOR    VTIME_S        /* so long after the CPU halted for good its disks are done too */
#define FOR_EVER    INT64_C(-1)    /* a wait, in nanoseconds of wall-clock time */
#define RUNNING     (-1)           /* no exit status yet */
#define EFLAGS_IF   0x200

struct runner {
    const struct options *options;
    struct board *board;
    struct gdb_stub *gdb;                               /* NULL without */
    struct char_output *output[BOARD_SERIAL_PORTS + 1]; /* stdout, and files */
    unsigned output_count;
    struct text_display *display; /* NULL without */
    struct console console;
    struct typist typist;
    struct media media;
    struct pace pace;
    FILE *dump;
    int64_t drawn_at; /* wall-clock time of the last picture */
    uint64_t drawn;   /* what it showed, as vga_generation */
    vtime dead_since; /* the CPU is halted with interrupts off; VTIME_NEVER: it is not */
    bool was_stopped; /* by the debugger, or a disk */
    int held_status;  /* the run is over, but a debugger still looks at the machine */
    bool asleep_said;
    bool saved;                  /* -savevm-at is done */
    struct recording *recording; /* NULL without -record */
    struct replay *replay;       /* NULL without -replay */
};

/* ---- setting up ---- */

static struct char_output *stdout_output(struct runner *runner)
{
    if (!runner->output[0]) runner->output[0] = char_output_stdout();
    return runner->output[0];
}

static bool connect_output(struct runner *runner, const struct char_choice *choice, struct chardev *chardev,
                           struct error *error)
{
    struct char_output *output = NULL;
    if (choice->kind == CHAR_NONE || choice->kind == CHAR_NULL || !chardev) return true;
    if (choice->kind == CHAR_FILE) {
        output = char_output_file(choice->path, error);
        if (output) runner->output[runner->output_count++] = output;
    } else {
        output = stdout_output(runner);
    }
    if (output) char_output_attach(output, chardev);
    return output != NULL;
}

static bool connect_outputs(struct runner *runner, struct error *error)
{
    const struct options *options = runner->options;
    runner->output_count = 1; /* the first is for stdout */
    for (unsigned i = 0; i < options->serial_count; i++)
        if (!connect_output(runner, &options->serial[i], board_serial(runner->board, i), error))
            return error_prefix(error, "-serial");
    return connect_output(runner, &options->debugcon, board_debugcon(runner->board), error) ||
           error_prefix(error, "-debugcon");
}

static bool open_dump(struct runner *runner, struct error *error)
{
    const char *path = runner->options->dump_screen;
    if (!path) return true;
    runner->dump = strcmp(path, "-") ? fopen(path, "we") : stderr;
    return runner->dump || error_set(error, "-dump-screen: %s: cannot be written: %s", path, strerror(errno));
}

static bool open_gdb(struct runner *runner, struct error *error)
{
    const struct options *options = runner->options;
    if (!options->gdb) return true;
    runner->gdb = gdb_stub_new(runner->board, options->gdb, error);
    if (!runner->gdb) return error_prefix(error, "-gdb");
    if (options->wait_for_gdb) gdb_stub_stop(runner->gdb);
    return true;
}

/* After the machine is made or loaded, and before anything comes in. */
static bool open_recordings(struct runner *runner, struct error *error)
{
    const struct options *options = runner->options;
    if (options->load_file && !board_load(runner->board, options->load_file, error))
        return error_prefix(error, "-loadvm");
    if (options->record_file &&
        !(runner->recording = recording_new(runner->board, options->record_file, error)))
        return error_prefix(error, "-record");
    if (options->replay_file && !(runner->replay = replay_new(runner->board, options->replay_file, error)))
        return error_prefix(error, "-replay");
    return true;
}

struct runner *runner_new(const struct options *options, struct board *board, struct error *error)
{
    struct runner *runner = calloc(1, sizeof *runner);
    if (!runner) {
        error_set(error, "out of memory");
        return NULL;
    }
    runner->options = options;
    runner->board = board;
    runner->pace.on = options->pacing == PACING_ON;
    runner->dead_since = VTIME_NEVER;
    runner->held_status = RUNNING;
    runner->console.input.fd = -1;
    typist_init(&runner->typist, options);
    if (!open_recordings(runner, error) || !media_init(&runner->media, options, board, error) ||
        !open_gdb(runner, error) || !connect_outputs(runner, error) || !open_dump(runner, error)) {
        runner_free(runner);
        return NULL;
    }
    return runner;
}

void runner_free(struct runner *runner)
{
    if (!runner) return;
    if (!recording_free(runner->recording))
        message("-record: %s: not all could be written", runner->options->record_file);
    replay_free(runner->replay);
    text_display_free(runner->display);
    gdb_stub_free(runner->gdb);
    for (unsigned i = 0; i < runner->output_count; i++) char_output_free(runner->output[i]);
    if (runner->dump && runner->dump != stderr) fclose(runner->dump);
    free(runner);
}

/* ---- what is there to do, and when ---- */

static vtime earlier(vtime a, vtime b)
{
    return a < b ? a : b;
}

/* The sooner of two waits in wall-clock time. */
static int64_t sooner(int64_t a, int64_t b)
{
    if (a == FOR_EVER) return b;
    return b == FOR_EVER || a < b ? a : b;
}

static bool stopped(const struct runner *runner)
{
    return (runner->gdb && gdb_stub_stopped(runner->gdb)) || board_disk_waits(runner->board);
}

/* Every CPU is halted. */
static bool all_idle(const struct runner *runner)
{
    for (unsigned n = 0; n < board_cpus(runner->board); n++)
        if (!cpu_idle(board_cpu(runner->board, n))) return false;
    return true;
}

/* Halted with interrupts off, long enough for the disks to have finished: only the outside can go on. */
static bool dead(struct runner *runner)
{
    for (unsigned n = 0; n < board_cpus(runner->board); n++) {
        struct cpu_state state;
        cpu_get_state(board_cpu(runner->board, n), &state);
        if (!(state.eflags & EFLAGS_IF)) continue;
        runner->dead_since = VTIME_NEVER;
        return false;
    }
    if (runner->dead_since == VTIME_NEVER) runner->dead_since = board_now(runner->board);
    return board_now(runner->board) - runner->dead_since >= DEAD_FOR;
}

/* Virtual time need not go on, whatever the pacing: nothing would happen in it. */
static bool asleep(struct runner *runner)
{
    if (!all_idle(runner)) {
        runner->dead_since = VTIME_NEVER;
        return false;
    }
    if (runner->replay && (replay_over(runner->replay) || replay_next(runner->replay) != VTIME_NEVER))
        return false;
    if (runner->options->save_file && !runner->saved) return false;
    if (runner->options->limit_time != VTIME_NEVER || typist_next(&runner->typist) != VTIME_NEVER)
        return false;
    if (media_next(&runner->media) != VTIME_NEVER) return false;
    return clock_deadline(board_clock(runner->board)) == VTIME_NEVER || dead(runner);
}

static void say_asleep(struct runner *runner)
{
    if (runner->asleep_said || runner->display || runner->gdb || runner->console.input.fd >= 0) return;
    runner->asleep_said = true;
    message("the CPU is halted for good and nothing can wake it; a signal ends the program");
}

/* Until the machine has something to do. */
static int64_t machine_wait(struct runner *runner)
{
    if (stopped(runner)) return FOR_EVER;
    if (door_waiting(board_door(runner->board))) return 0;
    if (asleep(runner)) {
        say_asleep(runner);
        return FOR_EVER;
    }
    if (!runner->pace.on) return 0;
    vtime next = earlier(typist_next(&runner->typist), runner->options->limit_time);
    next = earlier(next, media_next(&runner->media));
    if (all_idle(runner))
        return pace_until(&runner->pace, earlier(next, clock_deadline(board_clock(runner->board))));
    return pace_until(&runner->pace, board_now(runner->board) + NAP);
}

/* Until a picture is due. */
static int64_t picture_wait(const struct runner *runner)
{
    if (!runner->display || vga_generation(board_vga(runner->board)) == runner->drawn) return FOR_EVER;
    int64_t wait = runner->drawn_at + FRAME - wall_now();
    return wait > 0 ? wait : 0;
}

/* ---- the host ---- */

enum host { HOST_SIGNALS, HOST_INPUT, HOST_GDB, HOST_COUNT };

static void wait_for_host(struct runner *runner, struct pollfd host[HOST_COUNT])
{
    int64_t wait = sooner(machine_wait(runner), picture_wait(runner));
    wait = sooner(wait, console_wait(&runner->console));
    host[HOST_SIGNALS] = (struct pollfd){.fd = signals_fd(), .events = POLLIN};
    host[HOST_INPUT] = (struct pollfd){.fd = console_fd(&runner->console), .events = POLLIN};
    host[HOST_GDB] = (struct pollfd){.fd = -1};
    if (runner->gdb)
        host[HOST_GDB] =
            (struct pollfd){.fd = gdb_stub_fd(runner->gdb), .events = gdb_stub_poll_events(runner->gdb)};
    struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
    if (ppoll(host, HOST_COUNT, wait == FOR_EVER ? NULL : &timeout, NULL) <= 0)
        for (unsigned i = 0; i < HOST_COUNT; i++) host[i].revents = 0;
}

static int serve_signals(struct runner *runner)
{
    struct signals came = signals_take();
    if (came.resized && runner->display) {
        text_display_redraw(runner->display);
        runner->drawn = ~vga_generation(board_vga(runner->board));
    }
    if (came.continued) board_resume_disks(runner->board);
    if (!came.quit) return RUNNING;
    message("terminating on signal %d", came.quit);
    return STATUS_OK;
}

static void show_picture(struct runner *runner)
{
    if (picture_wait(runner) != 0) return;
    text_display_refresh(runner->display);
    runner->drawn = vga_generation(board_vga(runner->board));
    runner->drawn_at = wall_now();
}

static int serve_host(struct runner *runner, const struct pollfd host[HOST_COUNT])
{
    if (host[HOST_SIGNALS].revents) {
        int status = serve_signals(runner);
        if (status != RUNNING) return status;
    }
    if (host[HOST_INPUT].revents || console_wait(&runner->console) == 0) {
        console_input(&runner->console);
        if (runner->display) runner->drawn = ~vga_generation(board_vga(runner->board));
    }
    if (runner->console.quit) return STATUS_OK;
    if (host[HOST_GDB].revents) gdb_stub_input(runner->gdb);
    if (runner->gdb && gdb_stub_killed(runner->gdb)) return STATUS_OK;
    bool read = true;
    for (unsigned i = 0; i < runner->output_count; i++)
        if (runner->output[i]) read &= char_output_flush(runner->output[i]);
    show_picture(runner);
    return read ? RUNNING : STATUS_TROUBLE;
}

/* ---- the machine ---- */

/* What a run ended with, as an exit status. */
static int status_of(const struct runner *runner, enum board_stop stop)
{
    switch (stop) {
    case BOARD_STOP_POWER_OFF:
    case BOARD_STOP_RESET: return STATUS_OK;
    case BOARD_STOP_EXIT: return board_exit_status(runner->board) & 0xff;
    case BOARD_STOP_TRIPLE_FAULT: return STATUS_TRIPLE_FAULT;
    case BOARD_STOP_TIME:
    case BOARD_STOP_INSNS:
        return board_now(runner->board) >= runner->options->limit_time ||
                       board_insns(runner->board) >= runner->options->limit_insns
                   ? STATUS_LIMIT
                   : RUNNING;
    default: return RUNNING;
    }
}

static struct board_budget next_budget(struct runner *runner)
{
    vtime now = board_now(runner->board);
    struct board_budget budget = {.until = now + SLICE_TIME, .insns = SLICE_INSNS};
    if (runner->pace.on) budget.until = earlier(budget.until, pace_target(&runner->pace, now));
    budget.until = earlier(budget.until, earlier(typist_next(&runner->typist), media_next(&runner->media)));
    budget.until = earlier(budget.until, runner->options->limit_time);
    if (runner->options->save_file && !runner->saved)
        budget.until = earlier(budget.until, runner->options->save_at);
    if (runner->replay) budget.until = earlier(budget.until, replay_next(runner->replay));
    uint64_t left = runner->options->limit_insns - board_insns(runner->board);
    if (left < budget.insns) budget.insns = left;
    if (runner->replay && replay_insns(runner->replay) < budget.insns)
        budget.insns = replay_insns(runner->replay);
    if (runner->gdb) gdb_stub_step_pending(runner->gdb, &budget);
    return budget;
}

/* Tells the debugger how a run ended. One that looks at a triple fault keeps the machine, and its end, until it goes. */
static int report(struct runner *runner, enum board_stop stop, int status)
{
    if (!runner->gdb) return status;
    gdb_stub_report(runner->gdb, stop, status);
    if (status == RUNNING || !gdb_stub_stopped(runner->gdb)) return status;
    runner->held_status = status;
    return RUNNING;
}

/* -savevm-at. False when it failed. */
static bool save_when_due(struct runner *runner)
{
    struct error error = {{0}};
    if (!runner->options->save_file || runner->saved || board_now(runner->board) < runner->options->save_at)
        return true;
    runner->saved = true;
    if (board_save(runner->board, runner->options->save_file, &error)) return true;
    message("-savevm-at: %s", error.text);
    return false;
}

/* Once for every stop. */
static void say_disk_waits(struct runner *runner)
{
    if (runner->was_stopped || !board_disk_waits(runner->board)) return;
    message("the machine is stopped; when the cause is gone, `kill -CONT %ld` lets it go on", (long)getpid());
}

/* As soon as it stops: there may be nothing that wakes us before somebody has read it. */
static bool note_stop(struct runner *runner)
{
    if (!stopped(runner)) return false;
    say_disk_waits(runner);
    runner->was_stopped = true;
    return true;
}

static int run_slice(struct runner *runner)
{
    if (note_stop(runner)) return RUNNING;
    if (runner->held_status != RUNNING) return runner->held_status;
    if (runner->was_stopped) pace_restart(&runner->pace, board_now(runner->board));
    runner->was_stopped = false;
    if (!save_when_due(runner)) return STATUS_TROUBLE;
    if (runner->replay && replay_over(runner->replay)) return STATUS_OK;
    typist_type(&runner->typist, board_keyboard(runner->board), board_now(runner->board));
    media_change(&runner->media, runner->board);
    struct board_budget budget = next_budget(runner);
    enum board_stop stop = board_run(runner->board, &budget);
    int status = report(runner, stop, status_of(runner, stop));
    note_stop(runner);
    if (status == STATUS_LIMIT && !save_when_due(runner))
        return STATUS_TROUBLE; /* of one instant, saving is first */
    return status;
}

/* ---- the end ---- */

static void say_limit(struct runner *runner)
{
    struct cpu_state state;
    char what[64];
    cpu_get_state(board_cpu(runner->board, 0), &state);
    if (board_insns(runner->board) >= runner->options->limit_insns)
        snprintf(what, sizeof what, "%" PRIu64 " instructions", board_insns(runner->board));
    else
        snprintf(what, sizeof what, "%.6f s of virtual time", (double)board_now(runner->board) / 1e9);
    message("limit reached: %s, CS:EIP %04x:%08" PRIx64 ", %s", what, state.segment[CPU_CS].selector,
            state.eip, cpu_halted(board_cpu(runner->board, 0)) ? "halted" : "running");
}

static void finish(struct runner *runner, int status, bool limit)
{
    for (unsigned i = 0; i < runner->output_count; i++)
        if (runner->output[i]) char_output_flush(runner->output[i]);
    text_display_free(runner->display);
    runner->display = NULL;
    terminal_leave();
    if (limit) say_limit(runner);
    if (status == STATUS_TRIPLE_FAULT)
        cpu_report_triple_fault(board_cpu(runner->board, 0), stderr, disassemble_for_report, NULL);
    if (runner->dump) text_screen_print(board_vga(runner->board), runner->dump);
    if (runner->options->stats) board_print_stats(runner->board, stderr);
}

static void say_waiting(const struct runner *runner)
{
    unsigned port = gdb_stub_port(runner->gdb);
    message("-S: waiting for gdb on 127.0.0.1:%u; connect with: target remote :%u", port, port);
}

int runner_run(struct runner *runner)
{
    struct pollfd host[HOST_COUNT];
    int status = RUNNING;
    if (runner->options->wait_for_gdb) say_waiting(runner);
    if (runner->options->display == DISPLAY_CURSES)
        runner->display = text_display_new(board_vga(runner->board));
    console_init(&runner->console, runner->board, runner->options, runner->display);
    console_read_ahead(&runner->console);
    if (runner->display) runner->drawn = ~vga_generation(board_vga(runner->board));
    pace_restart(&runner->pace, board_now(runner->board));
    if (runner->console.quit) status = STATUS_OK;
    while (status == RUNNING) {
        wait_for_host(runner, host);
        status = run_slice(runner);
        if (status == RUNNING) status = serve_host(runner, host);
    }
    finish(runner, status, status == STATUS_LIMIT);
    return status;
}

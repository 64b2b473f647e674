/* SPDX-License-Identifier: MIT */
/*
 * The command line. A table names every option, its argument, its help text and what reads it; `--help` is printed from
 * the same table. Names are QEMU's where QEMU has the thing.
 *
 *     options_parse -> options_settle -> use -> options_free
 *
 * Parsing opens nothing and writes nothing. Errors read `-option: value: what is wrong and what to do`.
 */
#ifndef EMU_UI_OPTIONS_H
#define EMU_UI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "emu/board/board.h"
#include "emu/core/clock.h"
#include "emu/core/error.h"

#define OPTIONS_TYPED_MAX 64
#define OPTIONS_DIRS_MAX  16
#define OPTIONS_MEDIA_MAX 16

/* What is at the outer end of a character channel. */
enum char_kind {
    CHAR_NONE,      /* there is no such port */
    CHAR_NULL,      /* output is lost, there is no input */
    CHAR_STDIO,     /* stdin and stdout */
    CHAR_MON_STDIO, /* the same, shared with the escape keys of mux.h */
    CHAR_FILE,      /* output goes to a file */
};
struct char_choice {
    enum char_kind kind;
    const char *path; /* CHAR_FILE */
};

enum display_kind { DISPLAY_UNSAID, DISPLAY_NONE, DISPLAY_CURSES };
enum pacing { PACING_UNSAID, PACING_ON, PACING_OFF };

/* -type: text for the keyboard at a virtual time. */
struct typed_text {
    vtime at;
    const char *text; /* see keys.h */
};

/* -medium-at: another medium for a drive at a virtual time. */
struct medium_change {
    vtime at;
    const char *drive;
    const char *path; /* NULL: none */
};

struct options {
    struct board_config board;

    struct char_choice serial[BOARD_SERIAL_PORTS];
    unsigned serial_count;
    struct char_choice debugcon;
    enum display_kind display;
    bool no_graphic, no_defaults, vga_said;
    int escape; /* the mux's escape character */

    enum pacing pacing;
    bool date_said;
    bool snapshot; /* for every drive that says nothing itself */

    const char *gdb; /* "tcp::1234"; NULL: no debugger */
    bool wait_for_gdb;

    uint64_t limit_insns; /* UINT64_MAX: none */
    vtime limit_time;     /* VTIME_NEVER: none */
    const char *load_file, *save_file; /* -loadvm, -savevm-at; NULL: not given */
    vtime save_at;
    const char *record_file, *replay_file; /* NULL: not given */
    bool stats;
    const char *log_file;   /* -D; NULL: stderr */
    const char *trace_file;    /* NULL: as -D */
    const char *timeline_file; /* NULL: none */
    bool trace_json;
    const char *dump_screen; /* NULL: none; "-": stderr */
    struct medium_change media[OPTIONS_MEDIA_MAX];
    unsigned media_count;
    struct typed_text typed[OPTIONS_TYPED_MAX];
    unsigned typed_count;

    /* Set when the user asked for a list (--help, -d help): print it to stdout and end with status 0. */
    void (*show)(FILE *to);

    const char *dirs[OPTIONS_DIRS_MAX]; /* -L */
    char **kept;                        /* strings that the values above point into */
    size_t kept_count;
};

/* On failure false, with the line to print. Either way options_free must follow. */
bool options_parse(struct options *options, int argc, char **argv, struct error *error);

/* What the outside looks like, for the defaults. */
struct options_host {
    bool terminal_in, terminal_out; /* stdin and stdout are a terminal in whose foreground we are */
    bool full_screen;               /* that terminal can be drawn on */
    int64_t now;                    /* seconds since 1970 */
};
/*
 * Fills in what was not said: with a terminal at both ends -display curses and a serial port that leads nowhere, paced
 * to wall-clock time, with today's date; else -display none, -serial stdio, as fast as can be, at a fixed date so that
 * runs repeat. Then checks what excludes each other.
 */
bool options_settle(struct options *options, const struct options_host *host, struct error *error);
void options_free(struct options *options);

/* Some serial port is at stdin and stdout. */
bool options_serial_stdio(const struct options *options);

void options_print_help(FILE *to);

#endif

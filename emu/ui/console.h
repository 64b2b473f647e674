/* SPDX-License-Identifier: MIT */
/*
 * Who sits at stdin: a file, a pipe or a person, whose input goes to the serial port at stdio, or to the keyboard while the
 * text screen is shown; and the escape keys of mux.h on the way.
 */
#ifndef EMU_UI_CONSOLE_H
#define EMU_UI_CONSOLE_H

#include "emu/board/board.h"
#include "emu/ui/input.h"
#include "emu/ui/keys.h"
#include "emu/ui/mux.h"
#include "emu/ui/options.h"
#include "emu/ui/text_display.h"

struct console {
    struct board *board;
    struct text_display *display; /* NULL without */
    struct chardev *serial;       /* where input goes when there is no display; NULL: there is no input */
    struct input input;
    struct mux mux;
    bool has_mux;
    struct key_reader keys;
    int64_t escape_at; /* wall-clock time when the sequence that is not complete began to come */
    bool quit;         /* asked for by the escape key */
};

/* Takes the terminal into raw mode when stdin is one and somebody listens. */
void console_init(struct console *console, struct board *board, const struct options *options,
                  struct text_display *display);
/* Input that is complete before the machine starts. */
void console_read_ahead(struct console *console);
/* What to poll for input; -1 while nothing can come or the guest has enough to read. */
int console_fd(const struct console *console);
/* An Escape may be a key or the start of a sequence: nanoseconds after which console_input is to be called even without
 * input; -1 for no need. */
int64_t console_wait(const struct console *console);
/* Passes on what is there. */
void console_input(struct console *console);

#endif

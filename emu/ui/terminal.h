/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the program was started in, and the signals that end or suspend it.
 *
 * The terminal is put into raw mode on request and given back however the program ends: by exit(), by a signal, by a
 * crash; and while it is suspended. All of this is about the process, so there is one of it.
 */
#ifndef EMU_UI_TERMINAL_H
#define EMU_UI_TERMINAL_H

#include <stdbool.h>

/* The descriptor is a terminal, and we are in its foreground. */
bool terminal_is_ours(int fd);
/* $TERM names something that takes escape sequences. */
bool terminal_can_draw(void);

/* Raw mode on stdin, which is a terminal. `keys_signal`: Ctrl-C and its kind stay signals; otherwise they are input. */
void terminal_enter(bool keys_signal);
/* Gives it back; harmless when it was not taken. */
void terminal_leave(void);
/* Sequences that are written to stdout whenever the terminal is taken and given back; NULL for none. They must stay
 * valid. */
void terminal_set_texts(const char *enter, const char *leave);
void terminal_size(unsigned *columns, unsigned *rows);

/* Catches what ends (SIGINT, SIGTERM, SIGHUP) or suspends the program; crashes give the terminal back first. */
void signals_install(void);
int signals_fd(void); /* readable when something came */
struct signals {
    int quit;       /* the signal that asks us to end; 0 */
    bool resized;   /* the terminal has another size, or is ours again: draw anew */
    bool continued; /* SIGCONT */
};
/* What came since the last call; `quit` stays. */
struct signals signals_take(void);

#endif

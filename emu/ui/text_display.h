/* SPDX-License-Identifier: MIT */
/*
 * The VGA text screen, live in the terminal: `-display curses`. Draws what changed since the last time, by the sequences
 * of ECMA-48 with 16 colours, in UTF-8. What does not fit is cut off, keeping the cursor's row in sight.
 */
#ifndef EMU_UI_TEXT_DISPLAY_H
#define EMU_UI_TEXT_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "devices/display/vga.h"

struct text_display;

/* Takes the terminal (terminal.h), keeps messages back, switches to the alternate screen. */
struct text_display *text_display_new(struct vga *vga);
void text_display_free(struct text_display *display); /* gives it all back */
/* Brings the terminal up to date. */
void text_display_refresh(struct text_display *display);
/* The terminal was resized or written over. */
void text_display_redraw(struct text_display *display);
/* Something to say, on the last line until the next call; NULL takes it away. At most one line, copied. */
void text_display_say(struct text_display *display, const char *text);

/* The text screen as lines of UTF-8, without spaces at their ends; one line that says so when it is no text mode. */
void text_screen_print(struct vga *vga, FILE *to);

#endif

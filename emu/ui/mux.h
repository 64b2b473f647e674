/* SPDX-License-Identifier: MIT */
/*
 * The escape key on a terminal that a guest shares with us (QEMU's mon:stdio): Ctrl-A and a letter is for us, Ctrl-A twice
 * is Ctrl-A for the guest, all else is for the guest.
 */
#ifndef EMU_UI_MUX_H
#define EMU_UI_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mux_command { MUX_NOTHING, MUX_HELP, MUX_QUIT, MUX_MONITOR, MUX_POWER, MUX_RESUME, MUX_UNKNOWN };

struct mux {
    uint8_t escape; /* the escape character; 1 is Ctrl-A */
    bool escaped;   /* it was the last character */
};

/*
 * Looks through input up to a command for us or its end. What is for the guest is moved to the front of `bytes`, and
 * its length stored in *kept; returns how much of the input was used. *command says what was asked for.
 */
size_t mux_filter(struct mux *mux, uint8_t *bytes, size_t size, size_t *kept, enum mux_command *command);

/* "Ctrl-A", or whatever -echr says. The result lies in `name`. */
const char *mux_escape_name(const struct mux *mux, char name[16]);

#endif

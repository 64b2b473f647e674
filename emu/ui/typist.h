/* SPDX-License-Identifier: MIT */
/*
 * -type: strokes on the keyboard at given virtual times, the same in every run. The strokes of one text are TYPIST_PACE
 * apart, as from a quick typist, so that a BIOS with its buffer of 16 keys can follow.
 */
#ifndef EMU_UI_TYPIST_H
#define EMU_UI_TYPIST_H

#include "emu/core/door.h"
#include "emu/ui/options.h"

#define TYPIST_PACE (30 * VTIME_MS)

struct typist {
    struct {
        vtime next; /* VTIME_NEVER: done */
        const char *text;
    } line[OPTIONS_TYPED_MAX];
    unsigned count;
};

void typist_init(struct typist *typist, const struct options *options);
/* When the next stroke is due; VTIME_NEVER when there is none. The run must stop there. */
vtime typist_next(const struct typist *typist);
/* Posts what is due at `now`. */
void typist_type(struct typist *typist, struct door_port *keyboard, vtime now);

#endif

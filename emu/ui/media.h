/* SPDX-License-Identifier: MIT */
/* Media that are changed at fixed virtual times (-medium-at). */
#ifndef EMU_UI_MEDIA_H
#define EMU_UI_MEDIA_H

#include "emu/board/board.h"
#include "emu/ui/options.h"

struct media {
    const struct options *options;
    bool done[OPTIONS_MEDIA_MAX];
};

/* False when a change names no drive that has media. `options` must outlive it. */
bool media_init(struct media *media, const struct options *options, struct board *board, struct error *error);
/* When the next change is due; VTIME_NEVER when there is none. The run must stop there. */
vtime media_next(const struct media *media);
/* Posts what is due. */
void media_change(struct media *media, struct board *board);

#endif

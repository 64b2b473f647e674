/* SPDX-License-Identifier: MIT */
/* Media that are changed at fixed times: see media.h. */
#include "emu/ui/media.h"

#include "emu/core/log.h"

bool media_init(struct media *media, const struct options *options, struct board *board, struct error *error)
{
    *media = (struct media){.options = options};
    for (unsigned i = 0; i < options->media_count; i++) {
        if (!board_has_medium_drive(board, options->media[i].drive, error))
            return error_prefix(error, "-medium-at");
        /* A machine that was loaded is past what happened before it was saved. */
        media->done[i] = options->media[i].at < board_now(board);
    }
    return true;
}

vtime media_next(const struct media *media)
{
    vtime next = VTIME_NEVER;
    for (unsigned i = 0; i < media->options->media_count; i++)
        if (!media->done[i] && media->options->media[i].at < next) next = media->options->media[i].at;
    return next;
}

void media_change(struct media *media, struct board *board)
{
    struct error error = {""};
    for (unsigned i = 0; i < media->options->media_count; i++) {
        const struct medium_change *change = &media->options->media[i];
        if (media->done[i] || change->at > board_now(board)) continue;
        media->done[i] = true;
        if (!board_change_medium(board, change->drive, change->path, &error))
            message("-medium-at: %s", error.text);
    }
}

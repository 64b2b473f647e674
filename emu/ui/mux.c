/* SPDX-License-Identifier: MIT */
/* The escape key: see mux.h. */
#include "emu/ui/mux.h"

#include <stdio.h>

static enum mux_command command_of(uint8_t letter)
{
    switch (letter) {
    case 'h':
    case '?': return MUX_HELP;
    case 'x': return MUX_QUIT;
    case 'c': return MUX_MONITOR;
    case 'p': return MUX_POWER;
    case 'r': return MUX_RESUME;
    default: return MUX_UNKNOWN;
    }
}

size_t mux_filter(struct mux *mux, uint8_t *bytes, size_t size, size_t *kept, enum mux_command *command)
{
    *kept = 0;
    *command = MUX_NOTHING;
    for (size_t at = 0; at < size; at++) {
        bool is_escape = bytes[at] == mux->escape;
        if (!mux->escaped && is_escape) {
            mux->escaped = true;
            continue;
        }
        if (mux->escaped && !is_escape) {
            mux->escaped = false;
            *command = command_of(bytes[at]);
            return at + 1;
        }
        mux->escaped = false;
        bytes[(*kept)++] = bytes[at];
    }
    return size;
}

const char *mux_escape_name(const struct mux *mux, char name[16])
{
    if (mux->escape < 0x20)
        snprintf(name, 16, "Ctrl-%c", mux->escape + '@');
    else
        snprintf(name, 16, mux->escape == 0x7f ? "Delete" : "%c", mux->escape);
    return name;
}

/* SPDX-License-Identifier: MIT */
/* Scripted typing: see typist.h. */
#include "emu/ui/typist.h"

#include "emu/ui/keys.h"

void typist_init(struct typist *typist, const struct options *options)
{
    typist->count = options->typed_count;
    for (unsigned i = 0; i < typist->count; i++) {
        typist->line[i].text = options->typed[i].text;
        typist->line[i].next = *options->typed[i].text ? options->typed[i].at : VTIME_NEVER;
    }
}

vtime typist_next(const struct typist *typist)
{
    vtime next = VTIME_NEVER;
    for (unsigned i = 0; i < typist->count; i++)
        if (typist->line[i].next < next) next = typist->line[i].next;
    return next;
}

void typist_type(struct typist *typist, struct door_port *keyboard, vtime now)
{
    for (unsigned i = 0; i < typist->count; i++) {
        if (typist->line[i].next > now) continue;
        struct key_event events[KEYS_STROKE];
        size_t count = keys_next(&typist->line[i].text, events);
        door_post(keyboard, events, count * sizeof events[0]);
        typist->line[i].next = *typist->line[i].text ? typist->line[i].next + TYPIST_PACE : VTIME_NEVER;
    }
}

/* SPDX-License-Identifier: MIT */
/* The table of options: one row each, in the order of --help. */
#ifndef EMU_UI_OPTION_TABLE_H
#define EMU_UI_OPTION_TABLE_H

#include "emu/ui/options.h"

struct option {
    const char *name, *alias; /* without dashes; a row without a name is a heading */
    const char *argument;     /* NULL: takes none */
    const char *help;         /* lines end with \n but for the last */
    /* Takes the value (NULL without argument), which lives as long as the options and may be cut up. On failure the
     * error is `VALUE: what is wrong`; the option's name is put before it by the caller. */
    bool (*set)(struct options *options, char *value, struct error *error);
};

extern const struct option option_table[];
extern const unsigned option_table_size;

/* A copy that lives as long as the options. */
char *options_keep(struct options *options, const char *text);
/* The first disk, by an argument without an option. */
bool options_set_disk(struct options *options, unsigned index, const char *path, struct error *error);

#endif

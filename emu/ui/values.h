/* SPDX-License-Identifier: MIT */
/*
 * Values of options: dates, switches, and lists of properties (`file=a.img,index=0`).
 *
 * A parser that fails for a reason a person must read writes `VALUE: what is wrong and what to do`; who calls it puts
 * the option's name in front.
 */
#ifndef EMU_UI_VALUES_H
#define EMU_UI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "emu/core/clock.h"
#include "emu/core/error.h"
#include "emu/core/size.h"

/* "2026-02-28" or "2026-02-28T12:34:56", as UTC, from 1970 on: seconds since 1970. */
bool date_parse(const char *text, int64_t *seconds);
/* "on" and "off" (also yes, no, true, false). */
bool switch_parse(const char *text, bool *value);

/* Appends `; did you mean X?` to an error when a name is near. `names` ends with NULL. */
void error_suggest(struct error *error, const char *prefix, const char *word, const char *const *names);

/* One property: its name, and what takes its value. `set` keeps `value`, which lives as long as the text does. */
struct property {
    const char *name;
    bool (*set)(void *target, const char *value, struct error *error);
};

/*
 * Takes `name=value,name=value` apart and hands each to its row of the table, which ends with a row without a name.
 * A comma inside a value is written twice. A first word without `=` is the value of `implied`, when that is not NULL;
 * any later one means `name=on`. `text` is cut up in place and must live as long as the values are used.
 */
bool properties_parse(char *text, const char *implied, const struct property *table, void *target,
                      struct error *error);

/* Properties that another module knows by name, beside those of a table. */
struct property_family {
    const char *(*name)(unsigned index); /* NULL behind the last */
    bool (*set)(void *target, const char *name, const char *value, struct error *error);
};
bool properties_parse_with(char *text, const char *implied, const struct property *table,
                           const struct property_family *family, void *target, struct error *error);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Values that several options take. Each reads `value`, stores what it means and returns true; or fails with
 * `VALUE: what is wrong and what to do` (the option's name is put before it by the caller). Nothing is stored then.
 */
#ifndef EMU_UI_OPTION_VALUES_H
#define EMU_UI_OPTION_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include "emu/core/error.h"

/* What a message shows of a value: "(nothing)" for an empty one. */
const char *value_or_nothing(const char *value);
/* One word of a list that ends with NULL: its number, or -1 with an error. */
int value_word(const char *value, const char *const *words, struct error *error);
/* "on" or "off". */
bool value_switch(bool *target, const char *value, struct error *error);
bool value_number(uint64_t *target, const char *value, uint64_t least, uint64_t most, struct error *error);
bool value_port(uint16_t *target, const char *value, struct error *error);    /* 1 to ffffh */
bool value_path(const char **target, const char *value, struct error *error); /* keeps `value`; not empty */
/* For a property that means nothing here. */
bool value_ignored(void *target, const char *value, struct error *error);

#endif

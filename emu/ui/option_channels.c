/* SPDX-License-Identifier: MIT */
/* Options about character channels and the display. */
#include "emu/ui/option_setters.h"

#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/size.h"
#include "emu/ui/option_values.h"
#include "emu/ui/values.h"

static bool set_channel(struct char_choice *choice, char *value, bool has_input, struct error *error)
{
    static const struct {
        const char *name;
        enum char_kind kind;
    } kinds[] = {
        {"none", CHAR_NONE}, {"null", CHAR_NULL}, {"stdio", CHAR_STDIO}, {"mon:stdio", CHAR_MON_STDIO}};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(value, kinds[i].name) || (!has_input && kinds[i].kind == CHAR_MON_STDIO)) continue;
        choice->kind = kinds[i].kind;
        return true;
    }
    if (!strncmp(value, "file:", 5)) {
        choice->kind = CHAR_FILE;
        choice->path = value + 5;
        return value[5] || error_set(error, "%s: needs a path after the colon", value);
    }
    return error_set(error, "%s: not known; say stdio, %snull, none or file:PATH", value_or_nothing(value),
                     has_input ? "mon:stdio, " : "");
}

bool option_set_serial(struct options *options, char *value, struct error *error)
{
    if (options->serial_count == BOARD_SERIAL_PORTS)
        return error_set(error, "%s: there are %d serial ports already", value, BOARD_SERIAL_PORTS);
    return set_channel(&options->serial[options->serial_count++], value, true, error);
}

bool option_set_debugcon(struct options *options, char *value, struct error *error)
{
    if (!set_channel(&options->debugcon, value, false, error)) return false;
    options->board.debugcon = options->debugcon.kind != CHAR_NONE;
    return true;
}

bool option_set_display(struct options *options, char *value, struct error *error)
{
    static const char *const words[] = {"none", "curses", NULL};
    int word = value_word(value, words, error);
    if (word >= 0) options->display = word ? DISPLAY_CURSES : DISPLAY_NONE;
    return word >= 0;
}

bool option_set_no_graphic(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->no_graphic = true;
    return true;
}

bool option_set_escape(struct options *options, char *value, struct error *error)
{
    uint64_t code;
    if (!value_number(&code, value, 1, 127, error)) return false;
    options->escape = (int)code;
    return true;
}

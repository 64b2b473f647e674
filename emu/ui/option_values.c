/* SPDX-License-Identifier: MIT */
/* Values that several options take: see option_values.h. */
#include "emu/ui/option_values.h"

#include <string.h>
#include "emu/core/size.h"
#include "emu/ui/values.h"

#define PORT_MOST 0xffff

const char *value_or_nothing(const char *value)
{
    return *value ? value : "(nothing)";
}

int value_word(const char *value, const char *const *words, struct error *error)
{
    char known[200] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(value, words[i])) return i;
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", words[i]);
    }
    error_set(error, "%s: not known; say one of: %s", value_or_nothing(value), known);
    return -1;
}

bool value_switch(bool *target, const char *value, struct error *error)
{
    return switch_parse(value, target) || error_set(error, "%s: say on or off", value_or_nothing(value));
}

bool value_number(uint64_t *target, const char *value, uint64_t least, uint64_t most, struct error *error)
{
    if (number_parse(value, most, target) && *target >= least) return true;
    if (most == UINT64_MAX)
        return error_set(error, "%s: is not a number from %llu on", value_or_nothing(value),
                         (unsigned long long)least);
    return error_set(error, "%s: is not a number from %llu to %llu", value_or_nothing(value),
                     (unsigned long long)least, (unsigned long long)most);
}

bool value_port(uint16_t *target, const char *value, struct error *error)
{
    uint64_t port;
    if (!number_parse(value, PORT_MOST, &port) || !port)
        return error_set(error, "%s: is no I/O port; say a number from 0x1 to 0xffff",
                         value_or_nothing(value));
    *target = (uint16_t)port;
    return true;
}

bool value_path(const char **target, const char *value, struct error *error)
{
    if (!*value) return error_set(error, "(nothing): needs a file name");
    *target = value;
    return true;
}

bool value_ignored(void *target, const char *value, struct error *error)
{
    (void)target, (void)value, (void)error;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* Values of options: see values.h. */
#include "emu/ui/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/size.h"

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_since_1970(int year, int month, int day)
{
    static const int before_month[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int leap_years = (month > 2 ? year : year - 1);
    int64_t days = (int64_t)365 * (year - 1970) + before_month[month - 1] + day - 1;
    return days + (leap_years / 4 - leap_years / 100 + leap_years / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int days_in_month(int year, int month)
{
    return (int)(month == 12 ? 31 : days_since_1970(year, month + 1, 1) - days_since_1970(year, month, 1));
}

bool date_parse(const char *text, int64_t *seconds)
{
    int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
    if (strspn(text, "0123456789-:T") != strlen(text)) return false;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3) return false;
    if (text[used]) {
        int more = 0;
        if (sscanf(text + used, "T%2d:%2d:%2d%n", &hour, &minute, &second, &more) != 3) return false;
        if (text[used + more]) return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    *seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

bool switch_parse(const char *text, bool *value)
{
    static const char *const words[] = {"on", "off", "yes", "no", "true", "false"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(text, words[i])) continue;
        *value = i % 2 == 0;
        return true;
    }
    return false;
}

void error_suggest(struct error *error, const char *prefix, const char *word, const char *const *names)
{
    const char *near = nearest_name(word, names);
    size_t used = strlen(error->text);
    if (near) snprintf(error->text + used, sizeof error->text - used, "; did you mean %s%s?", prefix, near);
}

#define PROPERTIES_MOST 64

/* ---- properties ---- */

/* Ends the item that starts here with a zero, makes one comma of two, and returns where the next one starts, or NULL. */
static char *cut_item(char *item)
{
    char *to = item;
    for (char *from = item; *from; from++) {
        if (*from == ',' && *++from != ',') {
            *to = 0;
            return from;
        }
        *to++ = *from;
    }
    *to = 0;
    return NULL;
}

static bool unknown_property(const char *name, const struct property *table,
                             const struct property_family *family, struct error *error)
{
    const char *names[PROPERTIES_MOST];
    char known[300] = "";
    size_t count = 0;
    for (; table[count].name && count + 1 < ARRAY_COUNT(names); count++) names[count] = table[count].name;
    for (unsigned i = 0; family && family->name(i) && count + 1 < ARRAY_COUNT(names); i++)
        names[count++] = family->name(i);
    names[count] = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = nearest_name(name, names);
    if (near) return error_set(error, "%s: unknown property; did you mean %s?", name, near);
    return error_set(error, "%s: unknown property; known are %s", name, known);
}

static const struct property *find_property(const char *name, const struct property *table)
{
    for (; table->name; table++)
        if (!strcmp(table->name, name)) return table;
    return NULL;
}

static bool of_family(const char *name, const struct property_family *family)
{
    for (unsigned i = 0; family && family->name(i); i++)
        if (!strcmp(family->name(i), name)) return true;
    return false;
}

bool properties_parse(char *text, const char *implied, const struct property *table, void *target,
                      struct error *error)
{
    return properties_parse_with(text, implied, table, NULL, target, error);
}

bool properties_parse_with(char *text, const char *implied, const struct property *table,
                           const struct property_family *family, void *target, struct error *error)
{
    bool first = true;
    for (char *item = text, *next; item; item = next, first = false) {
        next = cut_item(item);
        char *equals = strchr(item, '=');
        const char *name = item, *value = "on";
        if (equals) {
            *equals = 0;
            value = equals + 1;
        } else if (first && implied) {
            name = implied;
            value = item;
        }
        const struct property *property = find_property(name, table);
        if (!property && !of_family(name, family)) return unknown_property(name, table, family, error);
        bool good = property ? property->set(target, value, error) : family->set(target, name, value, error);
        if (!good) return value == item ? false : error_prefix(error, "%s", name);
    }
    return true;
}

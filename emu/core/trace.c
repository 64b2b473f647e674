/* SPDX-License-Identifier: MIT */
/* Trace events: see trace.h. */
#include "emu/core/trace.h"

#include <assert.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* The linker gathers what TRACE_EVENT declares; the bounds are weak so that a program without events links
 * too. */
extern struct trace_event *const __start_trace_events[] __attribute__((weak));
extern struct trace_event *const __stop_trace_events[] __attribute__((weak));

bool trace_any;
static FILE *output;
static bool as_json;
static struct trace_listener listener;

void trace_set_output(FILE *file, bool json)
{
    output = file;
    as_json = json;
}

static unsigned switch_on(const char *pattern, enum trace_reader reader)
{
    unsigned count = 0;
    for (struct trace_event *const *event = __start_trace_events; event < __stop_trace_events; event++) {
        if (fnmatch(pattern, (*event)->name, 0) != 0) continue;
        (*event)->on |= (uint8_t)reader;
        trace_any = true;
        count++;
    }
    return count;
}

bool trace_enable(const char *pattern, struct error *error)
{
    if (switch_on(pattern, TRACE_LINES)) return true;
    return error_set(error, "%s: no trace event matches; `-trace help` lists them", pattern);
}

void trace_listen(const struct trace_listener *who)
{
    listener = who ? *who : (struct trace_listener){0};
    if (who) return;
    for (struct trace_event *const *event = __start_trace_events; event < __stop_trace_events; event++)
        (*event)->on &= (uint8_t)~TRACE_LISTENER;
}

unsigned trace_listen_to(const char *pattern)
{
    return switch_on(pattern, TRACE_LISTENER);
}

void trace_list(FILE *to)
{
    for (struct trace_event *const *event = __start_trace_events; event < __stop_trace_events; event++)
        fprintf(to, "%-24s %s\n", (*event)->name, (*event)->fields);
}

/* ---- fields ---- */

/* One `name:type` of the list. */
struct field {
    const char *name;
    int length;
    char type;
};

/* Takes the field that the list begins with; returns the rest of the list, or NULL at its end. */
static const char *next_field(const char *list, struct field *field)
{
    if (!*list) return NULL;
    field->name = list;
    field->length = (int)strcspn(list, ":");
    field->type = list[field->length + 1];
    list += field->length + 2;
    return list + strspn(list, " ");
}

int trace_field(const struct trace_event *event, const char *name, char *type)
{
    struct field field;
    const char *rest = event->fields;
    for (int i = 0; (rest = next_field(rest, &field)); i++) {
        if ((int)strlen(name) != field.length || memcmp(name, field.name, (size_t)field.length) != 0)
            continue;
        if (type) *type = field.type;
        return i;
    }
    return -1;
}

void trace_json_string(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(to, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(to, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, to);
    }
    fputc('"', to);
}

static void print_value(FILE *to, char type, const struct trace_value *value, bool json)
{
    if (type == 's' && json)
        trace_json_string(to, value->text);
    else if (type == 's')
        fputs(value->text, to);
    else if (type == 'd')
        fprintf(to, "%" PRId64, (int64_t)value->number);
    else if (type == 'u')
        fprintf(to, "%" PRIu64, value->number);
    else
        fprintf(to, json ? "\"0x%" PRIx64 "\"" : "0x%" PRIx64, value->number);
}

void trace_json_field(FILE *to, const struct trace_event *event, unsigned number,
                      const struct trace_value *value)
{
    struct field field;
    const char *rest = event->fields;
    for (unsigned i = 0; (rest = next_field(rest, &field)); i++) {
        if (i != number) continue;
        fprintf(to, "\"%.*s\":", field.length, field.name);
        print_value(to, field.type, value, true);
    }
}

/* ---- an event happens ---- */

static void print_line(const struct trace_event *event, const struct clock *clock,
                       const struct trace_value *values)
{
    FILE *to = output ? output : stderr;
    if (as_json) {
        fprintf(to, "{\"event\":\"%s\"", event->name);
        if (clock) fprintf(to, ",\"ns\":%" PRId64, clock_now(clock));
    } else {
        if (clock) fprintf(to, "%" PRId64 " ", clock_now(clock));
        fputs(event->name, to);
    }
    struct field field;
    const char *rest = event->fields;
    while ((rest = next_field(rest, &field))) {
        fprintf(to, as_json ? ",\"%.*s\":" : " %.*s=", field.length, field.name);
        print_value(to, field.type, values++, as_json);
    }
    fputs(as_json ? "}\n" : "\n", to);
}

void trace_emit(const struct trace_event *event, const struct clock *clock, ...)
{
    struct trace_value values[TRACE_FIELDS_MOST] = {{0}};
    struct field field;
    const char *rest = event->fields;
    va_list args;
    va_start(args, clock);
    for (unsigned i = 0; (rest = next_field(rest, &field)); i++) {
        assert(i < TRACE_FIELDS_MOST);
        if (field.type == 's')
            values[i].text = va_arg(args, const char *);
        else
            values[i].number = va_arg(args, uint64_t);
    }
    va_end(args);
    if (event->on & TRACE_LISTENER && clock && listener.event)
        listener.event(listener.owner, event, clock_now(clock), values);
    if (event->on & TRACE_LINES) print_line(event, clock, values);
}

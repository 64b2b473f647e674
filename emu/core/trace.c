/* SPDX-License-Identifier: MIT */
/* Trace events: see trace.h. */
#include "emu/core/trace.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* The linker gathers what TRACE_EVENT declares; the bounds are weak so that a program without events links
 * too. */
extern struct trace_event *const __start_trace_events[] __attribute__((weak));
extern struct trace_event *const __stop_trace_events[] __attribute__((weak));

static FILE *output;
static bool as_json;

void trace_set_output(FILE *file, bool json)
{
    output = file;
    as_json = json;
}

bool trace_enable(const char *pattern, struct error *error)
{
    bool any = false;
    for (struct trace_event *const *event = __start_trace_events; event < __stop_trace_events; event++) {
        if (fnmatch(pattern, (*event)->name, 0) != 0) continue;
        (*event)->on = any = true;
    }
    if (any) return true;
    return error_set(error, "%s: no trace event matches; `-trace help` lists them", pattern);
}

void trace_list(FILE *to)
{
    for (struct trace_event *const *event = __start_trace_events; event < __stop_trace_events; event++)
        fprintf(to, "%-24s %s\n", (*event)->name, (*event)->fields);
}

static void print_json_string(FILE *to, const char *text)
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

static void print_value(FILE *to, char type, va_list *args)
{
    if (type == 's') {
        const char *text = va_arg(*args, const char *);
        if (as_json)
            print_json_string(to, text);
        else
            fputs(text, to);
    } else if (type == 'd') {
        fprintf(to, "%" PRId64, va_arg(*args, int64_t));
    } else {
        uint64_t value = va_arg(*args, uint64_t);
        if (type == 'u')
            fprintf(to, "%" PRIu64, value);
        else
            fprintf(to, as_json ? "\"0x%" PRIx64 "\"" : "0x%" PRIx64, value);
    }
}

void trace_emit(const struct trace_event *event, const struct clock *clock, ...)
{
    FILE *to = output ? output : stderr;
    if (as_json) {
        fprintf(to, "{\"event\":\"%s\"", event->name);
        if (clock) fprintf(to, ",\"ns\":%" PRId64, clock_now(clock));
    } else {
        if (clock) fprintf(to, "%" PRId64 " ", clock_now(clock));
        fputs(event->name, to);
    }
    va_list args;
    va_start(args, clock);
    for (const char *field = event->fields; *field;) {
        size_t name = strcspn(field, ":");
        fprintf(to, as_json ? ",\"%.*s\":" : " %.*s=", (int)name, field);
        print_value(to, field[name + 1], &args);
        field += name + 2;
        field += strspn(field, " ");
    }
    va_end(args);
    fputs(as_json ? "}\n" : "\n", to);
}

/* SPDX-License-Identifier: MIT */
/* Messages, lint and the -d log: see log.h. What is kept here belongs to the program, not to any machine. */
#include "emu/core/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/size.h"

unsigned log_items;
static FILE *log_file;

/* Messages while a full-screen display owns the terminal. */
static struct {
    bool on;
    char *text;
    size_t size, capacity;
} held;

static void say(const char *line)
{
    if (!held.on) {
        fprintf(stderr, "vitrine: %s\n", line);
        return;
    }
    size_t room = strlen(line) + sizeof "vitrine: \n";
    if (held.size + room > held.capacity) {
        size_t capacity = (held.size + room) * 2;
        char *text = realloc(held.text, capacity);
        if (!text) return;
        held.text = text;
        held.capacity = capacity;
    }
    held.size += (size_t)snprintf(held.text + held.size, held.capacity - held.size, "vitrine: %s\n", line);
}

void message(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    say(line);
}

void message_hold(bool hold)
{
    held.on = hold;
    if (hold || !held.size) return;
    fwrite(held.text, 1, held.size, stderr);
    free(held.text);
    held.text = NULL;
    held.size = held.capacity = 0;
}

static const struct {
    const char *name;
    enum log_item item;
} items[] = {
    {"int", LOG_INT},
    {"cpu_reset", LOG_CPU_RESET},
    {"guest_errors", LOG_GUEST_ERRORS},
    {"unimp", LOG_UNIMPLEMENTED},
    {"in_asm", LOG_IN_ASM},
};
#define ITEMS (sizeof items / sizeof items[0])

static bool enable_item(const char *name, size_t length, struct error *error)
{
    for (size_t i = 0; i < ITEMS; i++) {
        if (strlen(items[i].name) == length && !memcmp(items[i].name, name, length)) {
            log_items |= items[i].item;
            return true;
        }
    }
    char known[128] = "";
    for (size_t i = 0; i < ITEMS; i++) {
        strcat(known, i ? ", " : "");
        strcat(known, items[i].name);
    }
    return error_set(error, "%.*s: no such log item; known are %s", (int)length, name, known);
}

bool log_enable(const char *names, struct error *error)
{
    for (;;) {
        size_t length = strcspn(names, ",");
        if (!enable_item(names, length, error)) return false;
        if (!names[length]) return true;
        names += length + 1;
    }
}

void log_set_output(FILE *file)
{
    log_file = file;
}

FILE *log_output(void)
{
    return log_file ? log_file : stderr;
}

void log_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(log_output(), format, args);
    va_end(args);
}

/* ---- lint ---- */

static struct {
    char **
        seen; /* "device|where|format" of each rule that was reported; as many as the source has lint calls */
    size_t count, capacity;
    uint64_t total;
    bool quiet;
} lints;

static bool first_time(const char *device, const char *where, const char *format)
{
    char key[512];
    snprintf(key, sizeof key, "%s|%s|%s", device, where, format);
    for (size_t i = 0; i < lints.count; i++)
        if (!strcmp(lints.seen[i], key)) return false;
    if (lints.count == lints.capacity) {
        size_t capacity = lints.capacity ? lints.capacity * 2 : 16;
        char **seen = realloc(lints.seen, capacity * sizeof *seen);
        if (!seen) return true;
        lints.seen = seen;
        lints.capacity = capacity;
    }
    char *copy = strdup(key);
    if (copy) lints.seen[lints.count++] = copy;
    return true;
}

void lint(const char *device, const char *where, const char *format, ...)
{
    lints.total++;
    if (lints.quiet) return;
    bool first = first_time(device, where, format);
    if (!first && !log_on(LOG_GUEST_ERRORS)) return;
    char text[600], line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "lint: %s: %s (%s)", device, text, where);
    bool logged = log_on(LOG_GUEST_ERRORS);
    if (first || (logged && !log_file)) say(line);
    if (logged && log_file) fprintf(log_file, "%s\n", line);
}

uint64_t lint_count(void)
{
    return lints.total;
}

void lint_quiet(bool quiet)
{
    lints.quiet = quiet;
}

/* SPDX-License-Identifier: MIT */
/*
 * The timeline: see timeline.h. A table says what each trace event means; from it come tracks, rows and spans.
 * Format: Google's "Trace Event Format", phases B, E, i, C and M.
 */
#include "emu/core/timeline.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/trace.h"

enum action { BEGIN, END, MARK };

/* What an event means. A track is known by the text of a field; spans of a track by kind and key. */
struct rule {
    const char *event;
    enum action action;
    const char *track; /* the field that names the track, or "=name" */
    const char *kind;  /* of the span that begins or ends; a mark's name */
    const char *title; /* the field that follows the kind in the name, or NULL */
    const char *key; /* fields that tell spans of one kind apart; NULL: there is one at a time, spans nest */
    const char *bytes; /* the field that counts for the track's curve; a BEGIN of 0 bytes is a mark */
};

static const struct rule rules[] = {
    {"stream.start", BEGIN, "who", "request", "direction", NULL, NULL},
    {"stream.done", END, "who", "request", NULL, NULL, NULL},
    {"stream.cancel", END, "who", "request", NULL, NULL, NULL},
    {"stream.submit", BEGIN, "who", "round", NULL, NULL, NULL},
    {"stream.complete", END, "who", "round", NULL, NULL, NULL},
    {"dma.wait", BEGIN, "who", "wait", NULL, NULL, NULL},
    {"dma.wake", END, "who", "wait", NULL, NULL, NULL},
    {"dma.wait_cancel", END, "who", "wait", NULL, NULL, NULL},
    {"packet", MARK, "who", "packet", "direction", NULL, NULL},
    {"dma.map", BEGIN, "space", "map", "direction", "addr got direction", "got"},
    {"dma.unmap", END, "space", "map", NULL, "addr mapped direction", "mapped"},
    {"block.submit", BEGIN, "disk", "disk", "op", "op offset", NULL},
    {"block.done", END, "disk", "disk", NULL, "op offset", NULL},
    {"block.cancel", END, "disk", "disk", NULL, "op offset", NULL},
    {"block.host", MARK, "disk", "host", "op", NULL, NULL},
    {"ide.command", BEGIN, "drive", "command", "command", NULL, NULL},
    {"ata.done", END, "drive", "command", NULL, NULL, NULL},
    {"ata.packet", MARK, "drive", "packet", "command", NULL, NULL},
    {"ata.check_condition", MARK, "drive", "check condition", "command", NULL, NULL},
    {"ide.dma_end", MARK, "channel", "dma", "end", NULL, NULL},
    {"ide.interrupt", MARK, "channel", "interrupt", NULL, NULL, NULL},
    {"ide.reset", MARK, "channel", "reset", "kind", NULL, NULL},
    {"fdc.command", BEGIN, "=fdc", "command", "command", NULL, NULL},
    {"fdc.result", END, "=fdc", "command", NULL, NULL, NULL},
    {"fdc.reset", MARK, "=fdc", "reset", "how", NULL, NULL},
    {"i8237.move", MARK, "=i8237", "move", "type", NULL, NULL},
    {"fw_cfg.dma", MARK, "=fw_cfg", "dma", NULL, NULL, NULL},
};
#define RULES (sizeof rules / sizeof rules[0])

enum { NAME = 48, DEPTH = 8, DEVICES = 1 };

/* A span that has begun and not ended. */
struct span {
    const char *kind;
    uint64_t key, bytes;
    bool bounced;
    char title[NAME];
};

/* Chrome's "process" and "thread": a group of rows, and a row. */
struct place {
    unsigned pid, tid;
};

/* A row on the screen. Spans of one row nest. */
struct row {
    struct place at;
    unsigned depth;
    struct span open[DEPTH];
};

struct track {
    char name[NAME];
    struct row *rows;
    unsigned count, pid;
    uint64_t direct, bounced; /* bytes mapped */
};

struct timeline {
    FILE *file;
    bool any; /* something is written: a comma comes next */
    vtime now;
    struct track *tracks;
    unsigned count, tids, pids;
};

/* An event, with the rule that it falls under. */
struct happening {
    const struct rule *rule;
    const struct trace_event *event;
    const struct trace_value *values;
};

static void *grow(void *items, unsigned count, size_t size)
{
    if (count & (count - 1)) return items; /* the room doubles at powers of two */
    items = realloc(items, (count ? count * 2 : 1) * size);
    assert(items);
    return items;
}

/* ---- writing ---- */

static void put_head(struct timeline *t, char phase, struct place at, const char *name)
{
    fprintf(t->file,
            "%s{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRId64 ".%03d,\"name\":", t->any ? ",\n" : "",
            phase, at.pid, at.tid, t->now / VTIME_US, (int)(t->now % VTIME_US));
    trace_json_string(t->file, name);
    t->any = true;
}

static void put_metadata(struct timeline *t, struct place at, const char *what, const char *name)
{
    put_head(t, 'M', at, what);
    fputs(",\"args\":{\"name\":", t->file);
    trace_json_string(t->file, name);
    fputs("}}", t->file);
}

static void put_event(struct timeline *t, char phase, struct place at, const char *name,
                      const struct happening *what)
{
    put_head(t, phase, at, name);
    fprintf(t->file, ",\"cat\":\"%s\"", what->event->name);
    if (phase == 'i') fputs(",\"s\":\"t\"", t->file);
    fputs(",\"args\":{", t->file);
    const char *separator = what->event->fields;
    for (unsigned i = 0; *separator; i++) {
        if (i) fputc(',', t->file);
        trace_json_field(t->file, what->event, i, &what->values[i]);
        separator += strcspn(separator, " ");
        separator += strspn(separator, " ");
    }
    fputs("}}", t->file);
}

static void put_curve(struct timeline *t, const struct track *track)
{
    char name[NAME + 16];
    snprintf(name, sizeof name, "%s, bytes mapped", track->name);
    put_head(t, 'C', (struct place){track->pid, 0}, name);
    fprintf(t->file, ",\"args\":{\"direct\":%" PRIu64 ",\"bounced\":%" PRIu64 "}}", track->direct,
            track->bounced);
}

/* ---- tracks, rows and spans ---- */

/* Spaces are groups of their own, since they can have hundreds of rows. */
static struct track *find_track(struct timeline *t, const char *name, bool group)
{
    char title[NAME + 16];
    for (unsigned i = 0; i < t->count; i++)
        if (!strncmp(t->tracks[i].name, name, NAME - 1)) return &t->tracks[i];
    t->tracks = grow(t->tracks, t->count, sizeof *t->tracks);
    struct track *track = &t->tracks[t->count++];
    *track = (struct track){0};
    snprintf(track->name, sizeof track->name, "%s", name);
    track->pid = group ? ++t->pids : DEVICES;
    snprintf(title, sizeof title, "%s: memory mapped", track->name);
    if (group) put_metadata(t, (struct place){track->pid, 0}, "process_name", title);
    return track;
}

static struct row *add_row(struct timeline *t, struct track *track)
{
    char name[NAME + 16];
    track->rows = grow(track->rows, track->count, sizeof *track->rows);
    struct row *row = &track->rows[track->count++];
    *row = (struct row){.at = {track->pid, ++t->tids}};
    snprintf(name, sizeof name, track->count > 1 ? "%s %u" : "%s", track->name, track->count);
    put_metadata(t, row->at, "thread_name", name);
    return row;
}

/* The first row, or with `empty` the first where nothing is open. */
static struct row *choose_row(struct timeline *t, struct track *track, bool empty)
{
    for (unsigned i = 0; i < track->count; i++)
        if (!empty || !track->rows[i].depth) return &track->rows[i];
    return add_row(t, track);
}

static void count_bytes(struct timeline *t, struct track *track, const struct span *span, bool begins)
{
    uint64_t *curve = span->bounced ? &track->bounced : &track->direct;
    if (!span->bytes) return;
    *curve += begins ? span->bytes : -span->bytes;
    put_curve(t, track);
}

/* Ends the span at `place` of the row, and what is open within it. `why` may be NULL: the run is over. */
static void end_spans(struct timeline *t, struct track *track, struct row *row, unsigned place,
                      const struct happening *why)
{
    while (row->depth > place) {
        struct span *span = &row->open[--row->depth];
        if (why && row->depth == place) {
            put_event(t, 'E', row->at, span->title, why);
        } else {
            put_head(t, 'E', row->at, span->title);
            fputc('}', t->file);
        }
        count_bytes(t, track, span, false);
    }
}

static bool end_span(struct timeline *t, struct track *track, uint64_t key, const struct happening *what)
{
    for (unsigned i = 0; i < track->count; i++) {
        struct row *row = &track->rows[i];
        for (unsigned place = 0; place < row->depth; place++) {
            if (row->open[place].key != key || strcmp(row->open[place].kind, what->rule->kind) != 0) continue;
            end_spans(t, track, row, place, what);
            return true;
        }
    }
    return false; /* it began before the timeline did */
}

static void begin_span(struct timeline *t, struct track *track, const struct span *span,
                       const struct happening *what)
{
    struct row *row = choose_row(t, track, what->rule->key != NULL);
    assert(row->depth < DEPTH);
    row->open[row->depth++] = *span;
    put_event(t, 'B', row->at, span->title, what);
    count_bytes(t, track, span, true);
}

/* ---- events ---- */

/* An event that does not have the field has an empty one. */
static const struct trace_value *value_of(const struct happening *what, const char *field, char *type)
{
    static const struct trace_value none = {"", 0};
    int place = trace_field(what->event, field, type);
    if (place < 0 && type) *type = 's';
    return place < 0 ? &none : &what->values[place];
}

/* FNV-1a over the fields that `key` lists, with a space between. */
static uint64_t key_of(const struct happening *what)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    char list[NAME], *rest = NULL;
    snprintf(list, sizeof list, "%s", what->rule->key ? what->rule->key : "");
    for (char *field = strtok_r(list, " ", &rest); field; field = strtok_r(NULL, " ", &rest)) {
        char type;
        const struct trace_value *value = value_of(what, field, &type);
        const char *text = type == 's' ? value->text : (const char *)&value->number;
        size_t size = type == 's' ? strlen(text) : sizeof value->number;
        for (size_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static struct span describe(const struct happening *what)
{
    const struct rule *rule = what->rule;
    struct span span = {.kind = rule->kind, .key = key_of(what)};
    const char *title = rule->title ? value_of(what, rule->title, NULL)->text : "", *kind = rule->kind;
    if (rule->bytes) span.bytes = value_of(what, rule->bytes, NULL)->number;
    span.bounced = value_of(what, "bounce", NULL)->number;
    if (span.bounced) kind = "bounce";
    if (rule->bytes && rule->action == BEGIN && !span.bytes) kind = "no map";
    snprintf(span.title, sizeof span.title, "%s%s%s", kind, *title ? " " : "", title);
    return span;
}

static void act(struct timeline *t, const struct happening *what)
{
    const struct rule *rule = what->rule;
    const char *name = *rule->track == '=' ? rule->track + 1 : value_of(what, rule->track, NULL)->text;
    struct track *track = find_track(t, name, rule->bytes != NULL);
    struct span span = describe(what);
    bool nothing = rule->bytes && !span.bytes;
    if (rule->action == MARK || (rule->action == BEGIN && nothing)) {
        put_event(t, 'i', choose_row(t, track, false)->at, span.title, what);
    } else if (rule->action == BEGIN) {
        if (!rule->key) end_span(t, track, span.key, what); /* one at a time */
        begin_span(t, track, &span, what);
    } else {
        end_span(t, track, span.key, what);
    }
}

static void happened(void *owner, const struct trace_event *event, vtime now,
                     const struct trace_value *values)
{
    struct timeline *t = owner;
    if (now > t->now) t->now = now;
    for (unsigned i = 0; i < RULES; i++) {
        if (strcmp(rules[i].event, event->name) != 0) continue;
        act(t, &(struct happening){&rules[i], event, values});
        return;
    }
}

/* ---- opening and closing ---- */

struct timeline *timeline_open(const char *path, struct error *error)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        error_set(error, "%s: cannot be written: %s", path, strerror(errno));
        return NULL;
    }
    struct timeline *t = calloc(1, sizeof *t);
    assert(t);
    t->file = file;
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", file);
    t->pids = DEVICES;
    put_metadata(t, (struct place){DEVICES, 0}, "process_name", "devices");
    trace_listen(&(struct trace_listener){happened, t});
    for (unsigned i = 0; i < RULES; i++) trace_listen_to(rules[i].event);
    return t;
}

bool timeline_close(struct timeline *t)
{
    if (!t) return true;
    trace_listen(NULL);
    for (unsigned i = 0; i < t->count; i++) {
        struct track *track = &t->tracks[i];
        for (unsigned n = 0; n < track->count; n++) end_spans(t, track, &track->rows[n], 0, NULL);
        free(track->rows);
    }
    fputs("\n]}\n", t->file);
    bool good = !ferror(t->file);
    good &= fclose(t->file) == 0;
    free(t->tracks);
    free(t);
    return good;
}

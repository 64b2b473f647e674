/* SPDX-License-Identifier: MIT */
/*
 * Trace events: named, with typed fields, switched on by pattern, written as text or as JSON lines.
 *
 *     TRACE_EVENT(dma_map_event, "dma.map", "space:s addr:x len:u direction:s");
 *     ...
 *     if (trace_on(&dma_map_event)) trace_emit(&dma_map_event, clock, space->name, addr, len, "to-device");
 *
 * The fields string lists `name:type` with types s (const char *), x (uint64_t, hexadecimal), u (uint64_t), d
 * (int64_t), with a space between; the arguments follow in that order and MUST have exactly these types (cast
 * integers to uint64_t or int64_t), since the compiler cannot check them. A line is
 *
 *     1234 dma.map space=ide addr=0x1000 len=512 direction=to-device
 *     {"event":"dma.map","ns":1234,"space":"ide","addr":"0x1000","len":512,"direction":"to-device"}
 *
 * Switched off, an event costs one load and one predictable branch. Event names are `device.what`, lower
 * case; several files may define events of the same name. What is on belongs to the program, not to a
 * machine.
 *
 * Beside the lines there may be one listener, which is told of the events that it asked for (the timeline is
 * one). Both are behind the same branch.
 */
#ifndef EMU_CORE_TRACE_H
#define EMU_CORE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "emu/core/clock.h"
#include "emu/core/error.h"

/* Who wants an event. */
enum trace_reader { TRACE_LINES = 1 << 0, TRACE_LISTENER = 1 << 1 };

struct trace_event {
    const char *name;
    const char *fields;
    uint8_t on; /* enum trace_reader, ORed */
};

#define TRACE_FIELDS_MOST 16

/* A field of an event that happened. */
struct trace_value {
    const char *text; /* of type s; valid during the call */
    uint64_t number;  /* of the other types; d as two's complement */
};

/* Defines an event at file scope and puts it on the list that patterns are matched against. */
#define TRACE_EVENT(variable, event_name, event_fields)                                                      \
    static struct trace_event variable = {event_name, event_fields, 0};                                      \
    static struct trace_event *const variable##_entry __attribute__((used, section("trace_events"))) =       \
        &variable

/* Some event is on, or was: for what is done so often that it looks at this first, and at its events elsewhere. */
extern bool trace_any;

static inline bool trace_on(const struct trace_event *event)
{
    return __builtin_expect(event->on != 0, 0);
}

/* `clock` stamps the line with virtual time; NULL leaves the stamp out. */
void trace_emit(const struct trace_event *event, const struct clock *clock, ...);

/* Switches on every event whose name matches a shell pattern ("dma.*", "ide*"); an error when none does. */
bool trace_enable(const char *pattern, struct error *error);

/* The one listener; NULL: none, and nothing is on for it. `values` are in the order of the event's fields.
 * Events without a clock are not told. */
struct trace_listener {
    void (*event)(void *owner, const struct trace_event *event, vtime now, const struct trace_value *values);
    void *owner;
};
void trace_listen(const struct trace_listener *listener);
/* Switches events on for it; returns how many match. */
unsigned trace_listen_to(const char *pattern);

/* The place of a field within `values`, or -1; its type in *type, which may be NULL. */
int trace_field(const struct trace_event *event, const char *name, char *type);
/* Writes a string in quotes, escaped as JSON wants it; a field `name` of an event as `"name":value`. */
void trace_json_string(FILE *to, const char *text);
void trace_json_field(FILE *to, const struct trace_event *event, unsigned field,
                      const struct trace_value *value);

/* Where lines go (default stderr), and whether as JSON. Not owned. */
void trace_set_output(FILE *file, bool json);
void trace_list(FILE *to); /* name and fields of each event, one a line */

#endif

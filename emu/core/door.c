/* SPDX-License-Identifier: MIT */
/* The door: see door.h. */
#include "emu/core/door.h"

#include <stdlib.h>
#include <string.h>
#include "emu/core/trace.h"

TRACE_EVENT(door_event, "door.in", "port:s bytes:u");

struct door_item {
    struct list node;
    struct door_port *port;
    uint64_t number; /* in the order of posting */
    size_t size;
    uint8_t data[];
};

void door_init(struct door *door, struct clock *clock)
{
    *door = (struct door){.clock = clock};
    list_init(&door->waiting);
    list_init(&door->ports);
}

/* Drops what waits for one port, or for all. */
static void drop_waiting(struct door *door, const struct door_port *port)
{
    for (struct list *node = door->waiting.next, *next; node != &door->waiting; node = next) {
        next = node->next;
        struct door_item *item = list_entry(node, struct door_item, node);
        if (port && item->port != port) continue;
        list_remove(node);
        item->port->waiting -= item->size;
        free(item);
    }
}

void door_destroy(struct door *door)
{
    drop_waiting(door, NULL);
}

void door_port_init(struct door_port *port, struct door *door, const char *name,
                    void (*deliver)(void *owner, const uint8_t *data, size_t size), void *owner)
{
    *port = (struct door_port){.name = name, .deliver = deliver, .owner = owner, .door = door};
    list_append(&door->ports, &port->known);
}

void door_port_destroy(struct door_port *port)
{
    if (!port->door) return;
    drop_waiting(port->door, port);
    list_remove(&port->known);
    port->door = NULL;
}

void door_post(struct door_port *port, const void *data, size_t size)
{
    if (!port->door || !size || port->door->deaf) return;
    struct door_item *item = malloc(sizeof *item + size);
    if (!item) return; /* as a wire that lost it */
    item->port = port;
    item->number = port->door->posted++;
    item->size = size;
    memcpy(item->data, data, size);
    list_append(&port->door->waiting, &item->node);
    port->waiting += size;
}

bool door_waiting(const struct door *door)
{
    return !list_empty(&door->waiting);
}

static struct door_item *next_item(const struct door *door)
{
    return list_entry(door->waiting.next, struct door_item, node);
}

bool door_let_one_in(struct door *door)
{
    if (list_empty(&door->waiting)) return false;
    struct door_item *item = next_item(door);
    list_remove(&item->node);
    item->port->waiting -= item->size;
    door->let_in++;
    if (trace_on(&door_event))
        trace_emit(&door_event, door->clock, item->port->name, (uint64_t)item->size);
    if (door->heard) door->heard(door->owner, item->port, item->data, item->size);
    item->port->deliver(item->port->owner, item->data, item->size);
    free(item);
    return true;
}

void door_let_in(struct door *door)
{
    uint64_t end = door->posted; /* what a delivery posts waits for the next call, so that this ends */
    while (!list_empty(&door->waiting) && next_item(door)->number < end) door_let_one_in(door);
}

struct door_port *door_find(struct door *door, const char *name)
{
    for (struct list *node = door->ports.next; node != &door->ports; node = node->next) {
        struct door_port *port = list_entry(node, struct door_port, known);
        if (!strcmp(port->name, name)) return port;
    }
    return NULL;
}

/* ---- save and load ---- */

/* How many events there have been is no part of it: a replay lets in the same ones, but was offered others. */
struct door_state {
    uint32_t waiting; /* events */
};
static const struct state_field door_fields[] = {STATE_FIELD(struct door_state, waiting), STATE_END};
static const struct state_table door_table = {"door", 1, sizeof(struct door_state), door_fields};

#define PORT_NAME 32
struct item_state {
    uint8_t port[PORT_NAME]; /* ends with a zero byte */
    uint64_t size;           /* bytes that follow */
};
static const struct state_field item_fields[] = {
    STATE_FIELD(struct item_state, port),
    STATE_FIELD(struct item_state, size),
    STATE_END,
};
static const struct state_table item_table = {"door-event", 1, sizeof(struct item_state), item_fields};

void door_save(const struct door *door, struct state_buffer *to)
{
    struct door_state state = {0};
    for (struct list *node = door->waiting.next; node != &door->waiting; node = node->next) state.waiting++;
    state_save(&door_table, &state, to);
    for (struct list *node = door->waiting.next; node != &door->waiting; node = node->next) {
        const struct door_item *item = list_entry(node, struct door_item, node);
        struct item_state saved = {.size = item->size};
        strncpy((char *)saved.port, item->port->name, PORT_NAME - 1);
        state_save(&item_table, &saved, to);
        state_buffer_add(to, item->data, item->size);
    }
}

static bool item_load(struct door *door, struct state_buffer *from, struct error *error)
{
    struct item_state saved;
    if (!state_load(&item_table, &saved, from, error)) return false;
    saved.port[PORT_NAME - 1] = 0;
    struct door_port *port = door_find(door, (const char *)saved.port);
    if (!port) return error_set(error, "door: there is no port %s", (const char *)saved.port);
    if (saved.size > from->size - from->cursor) return error_set(error, "door: state ends early");
    door_post(port, from->data + from->cursor, (size_t)saved.size);
    from->cursor += (size_t)saved.size;
    return true;
}

bool door_load(struct door *door, struct state_buffer *from, struct error *error)
{
    struct door_state state;
    if (!state_load(&door_table, &state, from, error)) return false;
    drop_waiting(door, NULL);
    for (uint32_t i = 0; i < state.waiting; i++)
        if (!item_load(door, from, error)) return false;
    return true;
}

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
    if (!port->door || !size) return;
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

void door_let_in(struct door *door)
{
    uint64_t end = door->posted; /* what a delivery posts waits for the next call, so that this ends */
    while (!list_empty(&door->waiting)) {
        struct door_item *item = list_entry(door->waiting.next, struct door_item, node);
        if (item->number >= end) return;
        list_remove(&item->node);
        item->port->waiting -= item->size;
        door->let_in++;
        if (trace_on(&door_event))
            trace_emit(&door_event, door->clock, item->port->name, (uint64_t)item->size);
        item->port->deliver(item->port->owner, item->data, item->size);
        free(item);
    }
}

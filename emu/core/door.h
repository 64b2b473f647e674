/* SPDX-License-Identifier: MIT */
/*
 * The door: the only way for the outside to influence a guest.
 *
 * Keyboard, serial input, received packets, monitor commands and host events are posted to a port of the door
 * by whatever waits for the host (main.c, ui/), at any time, on the machine's thread. They are let in by the
 * run loop between two runs of the CPU, in the order of posting; the virtual time at that moment (which the
 * trace event "door.in" shows) is when the guest sees them. Nothing else from the host may reach guest-
 * visible state, so a log of the door is all that is needed to repeat a run.
 */
#ifndef EMU_CORE_DOOR_H
#define EMU_CORE_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "emu/core/clock.h"
#include "emu/core/error.h"
#include "emu/core/list.h"
#include "emu/core/state.h"

struct door_port;

struct door {
    struct clock *clock;
    struct list waiting; /* posted, not yet let in */
    struct list ports;
    uint64_t posted, let_in; /* events so far */

    /* For a recording: told of each event as it is let in. NULL: nobody listens. */
    void (*heard)(void *owner, const struct door_port *port, const uint8_t *data, size_t size);
    void *owner;
    bool deaf; /* a replay stands at the door: what is posted is lost */
};

struct door_port {
    const char *name; /* unique in the machine: "serial0", "keyboard" */
    void (*deliver)(void *owner, const uint8_t *data, size_t size);
    void *owner;
    struct door *door;
    struct list known;
    size_t waiting; /* bytes posted, not yet let in */
};

void door_init(struct door *door, struct clock *clock);
/* Drops what waits. Ports may go before or after, while the structure itself is there. */
void door_destroy(struct door *door);
/* A port belongs to the part of the machine that listens. `deliver` runs on the machine's thread, between
 * runs. */
void door_port_init(struct door_port *port, struct door *door, const char *name,
                    void (*deliver)(void *owner, const uint8_t *data, size_t size), void *owner);
/* Drops what waits for the port. What is posted to it from then on is lost. */
void door_port_destroy(struct door_port *port);

/* From outside: copies the bytes and queues them. No bytes are no event. */
void door_post(struct door_port *port, const void *data, size_t size);
bool door_waiting(const struct door *door);
/* For the run loop, between runs: delivers everything that waits when it is called. What a delivery posts in
 * its turn waits for the next call. */
void door_let_in(struct door *door);
/* The same for the oldest event alone; false when nothing waits. */
bool door_let_one_in(struct door *door);

struct door_port *door_find(struct door *door, const char *name); /* NULL: no such port */
/* What waits, by the names of the ports. Loading replaces it. */
void door_save(const struct door *door, struct state_buffer *to);
bool door_load(struct door *door, struct state_buffer *from, struct error *error);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A character channel between a device (a UART, a debug port) and something outside (the terminal, a file,
 * nothing).
 *
 * Output goes straight to the backend's `write`. Input is posted through the door and then waits in the
 * channel's queue, inside the machine, until the device reads it: a device takes bytes at its own pace, in
 * virtual time, and nothing is dropped because a guest is slow. A reset of the machine leaves the queue as it
 * is.
 */
#ifndef EMU_CORE_CHARDEV_H
#define EMU_CORE_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "emu/core/door.h"

struct chardev {
    const char *name; /* "serial0" */
    struct door_port port;

    /* Set by the backend. `write` must take every byte; NULL throws output away. `close` may be NULL. */
    void (*write)(void *backend, const uint8_t *data, size_t size);
    void (*close)(void *backend);
    void *backend;

    /* Set by the device; may be NULL. Called when input comes to an empty queue, once it is there to read. */
    void (*input_ready)(void *device);
    void *device;

    uint8_t *queue; /* the bytes from head up to tail have not been read */
    size_t head, tail, capacity;
};

void chardev_init(struct chardev *chardev, struct door *door, const char *name);
void chardev_destroy(struct chardev *chardev); /* calls the backend's close; input that waits is dropped */

/* Device side. */
void chardev_write(struct chardev *chardev, const void *data, size_t size);
size_t chardev_read(struct chardev *chardev, void *data,
                    size_t size);                      /* how many it got, at the most `size` */
size_t chardev_pending(const struct chardev *chardev); /* bytes to read now */

/* Outside: hands input to the door. `chardev_backlog` is what was fed and the guest has not read yet, at the
 * door or in the queue; stop feeding when it is large. */
void chardev_feed(struct chardev *chardev, const void *data, size_t size);
size_t chardev_backlog(const struct chardev *chardev);

/* The queue. Loading replaces it, and tells nobody. */
void chardev_save(const struct chardev *chardev, struct state_buffer *to);
bool chardev_load(struct chardev *chardev, struct state_buffer *from, struct error *error);

#endif

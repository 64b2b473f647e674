/* SPDX-License-Identifier: MIT */
/* Character channels: see chardev.h. */
#include "emu/core/chardev.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that came through the door wait here until the device takes them. */
static void deliver(void *owner, const uint8_t *data, size_t size)
{
    struct chardev *chardev = owner;
    bool was_empty = chardev->head == chardev->tail;
    if (was_empty) chardev->head = chardev->tail = 0;
    if (chardev->tail + size > chardev->capacity) {
        size_t pending = chardev->tail - chardev->head;
        size_t capacity = (pending + size) * 2;
        uint8_t *queue = malloc(capacity);
        if (!queue) return; /* as a wire that lost it */
        if (pending) memcpy(queue, chardev->queue + chardev->head, pending);
        free(chardev->queue);
        chardev->queue = queue;
        chardev->head = 0;
        chardev->tail = pending;
        chardev->capacity = capacity;
    }
    memcpy(chardev->queue + chardev->tail, data, size);
    chardev->tail += size;
    if (was_empty && chardev->input_ready) chardev->input_ready(chardev->device);
}

void chardev_init(struct chardev *chardev, struct door *door, const char *name)
{
    *chardev = (struct chardev){.name = name};
    door_port_init(&chardev->port, door, name, deliver, chardev);
}

void chardev_destroy(struct chardev *chardev)
{
    if (chardev->close) chardev->close(chardev->backend);
    door_port_destroy(&chardev->port);
    free(chardev->queue);
    *chardev = (struct chardev){.name = chardev->name};
}

void chardev_write(struct chardev *chardev, const void *data, size_t size)
{
    if (chardev->write) chardev->write(chardev->backend, data, size);
}

size_t chardev_read(struct chardev *chardev, void *data, size_t size)
{
    size_t pending = chardev_pending(chardev);
    if (size > pending) size = pending;
    if (size) memcpy(data, chardev->queue + chardev->head, size);
    chardev->head += size;
    return size;
}

size_t chardev_pending(const struct chardev *chardev)
{
    return chardev->tail - chardev->head;
}

void chardev_feed(struct chardev *chardev, const void *data, size_t size)
{
    door_post(&chardev->port, data, size);
}

size_t chardev_backlog(const struct chardev *chardev)
{
    return chardev_pending(chardev) + chardev->port.waiting;
}

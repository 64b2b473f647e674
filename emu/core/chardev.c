/* SPDX-License-Identifier: MIT */
/* Character channels: see chardev.h. */
#include "emu/core/chardev.h"

#include <stdlib.h>
#include <string.h>

/* Puts bytes at the end of the queue. */
static void enqueue(struct chardev *chardev, const uint8_t *data, size_t size)
{
    if (chardev->head == chardev->tail) chardev->head = chardev->tail = 0;
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
}

/* Bytes that came through the door wait here until the device takes them. */
static void deliver(void *owner, const uint8_t *data, size_t size)
{
    struct chardev *chardev = owner;
    bool was_empty = chardev_pending(chardev) == 0;
    enqueue(chardev, data, size);
    if (was_empty && chardev_pending(chardev) && chardev->input_ready) chardev->input_ready(chardev->device);
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

/* ---- save and load ---- */

struct queue_state {
    uint64_t pending; /* bytes that follow */
};
static const struct state_field queue_fields[] = {STATE_FIELD(struct queue_state, pending), STATE_END};
static const struct state_table queue_table = {"chardev", 1, sizeof(struct queue_state), queue_fields};

void chardev_save(const struct chardev *chardev, struct state_buffer *to)
{
    struct queue_state state = {chardev_pending(chardev)};
    state_save(&queue_table, &state, to);
    if (state.pending) state_buffer_add(to, chardev->queue + chardev->head, (size_t)state.pending);
}

bool chardev_load(struct chardev *chardev, struct state_buffer *from, struct error *error)
{
    struct queue_state state;
    if (!state_load(&queue_table, &state, from, error)) return false;
    if (state.pending > from->size - from->cursor)
        return error_set(error, "%s: state ends early", chardev->name);
    chardev->head = chardev->tail;
    if (state.pending) enqueue(chardev, from->data + from->cursor, (size_t)state.pending);
    from->cursor += (size_t)state.pending;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* The machine's list of chips, and what is done with all of them at once. */
#include "devices/device.h"

#include <string.h>

/* Start value of FNV-1a, which state_hash continues. */
#define HASH_START UINT64_C(0xcbf29ce484222325)

void device_list_init(struct device_list *list)
{
    list_init(&list->head);
}

void device_add(struct device_list *list, struct device *device, const struct device_ops *ops,
                const char *name, void *state)
{
    device->ops = ops;
    device->name = name;
    device->state = state;
    device->more = NULL;
    list_init(&device->node);
    list_append(&list->head, &device->node);
}

struct device *device_find(const struct device_list *list, const char *name)
{
    for (struct list *node = list->head.next; node != &list->head; node = node->next) {
        struct device *device = list_entry(node, struct device, node);
        if (!strcmp(device->name, name)) return device;
    }
    return NULL;
}

void device_reset_all(struct device_list *list)
{
    for (struct list *node = list->head.next; node != &list->head; node = node->next) {
        struct device *device = list_entry(node, struct device, node);
        device->ops->reset(device);
    }
}

void device_destroy_all(struct device_list *list)
{
    while (!list_empty(&list->head)) {
        struct device *newest = list_entry(list->head.prev, struct device, node);
        list_remove(&newest->node);
        newest->ops->destroy(newest);
    }
}

uint64_t device_hash_all(const struct device_list *list)
{
    uint64_t hash = HASH_START;
    for (struct list *node = list->head.next; node != &list->head; node = node->next) {
        const struct device *device = list_entry(node, struct device, node);
        hash = state_hash(device->ops->state, device->state, hash);
    }
    return hash;
}

void device_print(const struct device *device, FILE *to)
{
    fprintf(to, "%s (%s)\n", device->name, device->ops->kind);
    state_print(device->ops->state, device->state, to);
}

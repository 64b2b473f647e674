/* SPDX-License-Identifier: MIT */
/*
 * What every chip has in common: a name, a state table, a reset.
 *
 * A chip's structure begins with (or holds) a struct device and is put on the machine's list when it is created. From
 * that list come machine reset, state hash, comparison, printing and saving; the chip itself only describes its
 * state. Order of the list is order of creation.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <stdint.h>
#include <stdio.h>
#include "emu/core/list.h"
#include "emu/core/state.h"

struct device;

struct device_ops {
    const char *kind;                /* "i8259", as the monitor shows it */
    const struct state_table *state; /* describes *device->state */
    void (*reset)(struct device *device);   /* power-on state. Cancel, unmap, then clear (LESSONS 37) */
    void (*loaded)(struct device *device);  /* state was replaced: derive what depends on it, re-arm. May be NULL */
    void (*destroy)(struct device *device); /* frees the chip; nothing it registered may remain */
};

/* What few chips have; any may be NULL. `save` and `load`: what the state table of a chip does not hold, requests in
 * flight, of which there may be any number. Saved and loaded after all tables, with memory in place; `load` replaces
 * what the chip did until then. Both return false with an error. Events get their deadlines later, with the clock.
 * `stats` prints what its DMA did, by mem/stats.h. */
struct device_more {
    bool (*save)(const struct device *device, struct state_buffer *to, struct error *error);
    bool (*load)(struct device *device, struct state_buffer *from, struct error *error);
    void (*stats)(const struct device *device, FILE *to);
};

struct device {
    const struct device_ops *ops;
    const char *name; /* unique in the machine: "pic0" */
    void *state;
    const struct device_more *more; /* set after device_add; NULL for most */
    struct list node;
};

struct device_list {
    struct list head;
};

void device_list_init(struct device_list *list);
/* Registers a chip. It is reset by its creator. */
void device_add(struct device_list *list, struct device *device, const struct device_ops *ops, const char *name,
                void *state);
struct device *device_find(const struct device_list *list, const char *name);
void device_reset_all(struct device_list *list);
void device_destroy_all(struct device_list *list); /* newest first */
uint64_t device_hash_all(const struct device_list *list);
void device_print(const struct device *device, FILE *to);

#endif

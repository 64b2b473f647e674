/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked lists: the node lives in its owner, so that linking never allocates (LESSONS 2 and
 * 4). A list head is a node too. A node that is in no list points at itself; removing it again is harmless.
 */
#ifndef EMU_CORE_LIST_H
#define EMU_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/* The structure that holds `node` as its `member`. */
#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *node)
{
    node->next = node->prev = node;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Links `node` before `place`; with the head as place that is the end of the list. */
static inline void list_insert_before(struct list *place, struct list *node)
{
    node->prev = place->prev;
    node->next = place;
    place->prev->next = node;
    place->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The bounce pool of a space: host buffers that stand in for guest memory which cannot be used by pointer.
 *
 * Any number of buffers of any size may be out at once; together they hold at most `limit` bytes. Bytes are
 * counted before memory is allocated, exactly as asked for (LESSONS 3, 20). A buffer has a header that
 * outlives its use, so that a handle can be checked after its buffer was given back; memory of idle buffers,
 * at most `limit` bytes, is kept for the next.
 *
 * Who gets bytes: while nobody waits, everyone. While someone waits, only the waiter whose wake is running,
 * and it leaves what those behind it need (dma.h, Waiters).
 */
#ifndef MEM_BOUNCE_H
#define MEM_BOUNCE_H

#include "mem/dma.h"

#define BOUNCE_DEFAULT_LIMIT 4096
#define BOUNCE_SECTOR        512

struct bounce_buffer {
    uint32_t magic;  /* BOUNCE_LIVE or BOUNCE_IDLE */
    uint32_t serial; /* of the mapping that it serves */
    struct bounce_pool *pool;
    struct list node; /* in pool->live or pool->idle */
    uint8_t *data;    /* `capacity` bytes, then a canary */
    size_t capacity;
    uint64_t length;
    bool lost; /* the range was read-only: nothing is copied back */
};

struct bounce_pool {
    struct space *space;
    uint64_t limit, held; /* bytes; held by live buffers */
    struct list live, idle;
    uint64_t idle_bytes; /* capacity of idle buffers */
    uint32_t serial;

    struct list waiters; /* struct dma_waiter, first come first */
    uint64_t next_order; /* of who waits next */
    char *wake_name;
    struct clock_event wake;         /* not initialised in a space without a clock */
    const struct dma_waiter *waking; /* whose wake runs just now; only compared, it may be gone */
    uint64_t wake_ceiling;           /* `held` may rise to this while a wake runs */
    uint64_t wake_held;              /* `held` when the wake began */
};

void bounce_pool_init(struct bounce_pool *pool, struct space *space);
void bounce_pool_destroy(struct bounce_pool *pool); /* nothing is held and nobody waits */
void bounce_pool_set_limit(struct bounce_pool *pool,
                           uint64_t limit); /* rounded as dma_settings.max_bounce says */

/* How many bytes a map may take now. */
uint64_t bounce_available(const struct bounce_pool *pool);
/* Takes `length` of them. Never fails. The memory holds anything. */
struct bounce_buffer *bounce_take(struct bounce_pool *pool, uint64_t length);
/* Is this the buffer of a mapping that is not yet unmapped, and of this pool? */
bool bounce_is_live(const struct bounce_pool *pool, const struct bounce_buffer *buffer, uint32_t serial);
/* Has nobody written past the end? */
bool bounce_is_whole(const struct bounce_buffer *buffer);
void bounce_give_back(struct bounce_buffer *buffer);

/* waiter.c: bytes came free or the queue changed: wakes its head soon if it can be served. */
void bounce_recheck(struct bounce_pool *pool);
/* waiter.c: the wake event. */
void bounce_wake(void *pool);

#endif

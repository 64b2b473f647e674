/* SPDX-License-Identifier: MIT */
/* The bounce pool: buffers and the bytes that they hold. Who waits for them is in waiter.c. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "mem/internal.h"

#define BOUNCE_LIVE   UINT32_C(0xb0c0ffee)
#define BOUNCE_IDLE   UINT32_C(0xb0c01d1e)
#define BOUNCE_CANARY UINT64_C(0x5afe7e6a2d0b5afe)

void bounce_pool_init(struct bounce_pool *pool, struct space *space)
{
    pool->space = space;
    list_init(&pool->live);
    list_init(&pool->idle);
    list_init(&pool->waiters);
    bounce_pool_set_limit(pool, BOUNCE_DEFAULT_LIMIT);
    if (!space->clock) return;
    size_t size = strlen(space->name) + sizeof("dma-wake.");
    pool->wake_name = mem_alloc(1, size);
    snprintf(pool->wake_name, size, "dma-wake.%s", space->name);
    clock_event_init(&pool->wake, space->clock, pool->wake_name, bounce_wake, pool);
}

static void buffer_free(struct bounce_buffer *buffer)
{
    list_remove(&buffer->node);
    free(buffer->data);
    free(buffer);
}

void bounce_pool_destroy(struct bounce_pool *pool)
{
    assert(list_empty(&pool->live) && list_empty(&pool->waiters));
    while (!list_empty(&pool->idle)) buffer_free(list_entry(pool->idle.next, struct bounce_buffer, node));
    if (pool->space->clock) clock_event_destroy(&pool->wake);
    free(pool->wake_name);
}

void bounce_pool_set_limit(struct bounce_pool *pool, uint64_t limit)
{
    limit -= limit % BOUNCE_SECTOR;
    pool->limit = limit ? limit : BOUNCE_SECTOR;
}

uint64_t bounce_available(const struct bounce_pool *pool)
{
    uint64_t ceiling = pool->waking ? pool->wake_ceiling : list_empty(&pool->waiters) ? pool->limit : 0;
    return ceiling > pool->held ? ceiling - pool->held : 0;
}

/* An idle buffer that is large enough, else any, else a new one. */
static struct bounce_buffer *bounce_pick(struct bounce_pool *pool, uint64_t length)
{
    struct bounce_buffer *buffer = NULL;
    for (struct list *node = pool->idle.next; node != &pool->idle; node = node->next) {
        buffer = list_entry(node, struct bounce_buffer, node);
        if (buffer->capacity >= length) break;
    }
    if (!buffer) {
        buffer = mem_alloc(1, sizeof(*buffer));
        list_init(&buffer->node);
        buffer->pool = pool;
    }
    list_remove(&buffer->node);
    pool->idle_bytes -= buffer->capacity;
    return buffer;
}

static void *canary_of(const struct bounce_buffer *buffer)
{
    return buffer->data + buffer->length;
}

struct bounce_buffer *bounce_take(struct bounce_pool *pool, uint64_t length)
{
    const uint64_t canary = BOUNCE_CANARY;
    struct dma_stats *stats = &pool->space->front.stats;
    pool->held += length;
    stats->bounces++;
    if (pool->held > stats->bounce_bytes_most) stats->bounce_bytes_most = pool->held;

    struct bounce_buffer *buffer = bounce_pick(pool, length);
    if (buffer->capacity < length) {
        free(buffer->data);
        buffer->data = mem_alloc(1, (size_t)length + sizeof(canary));
        buffer->capacity = (size_t)length;
    }
    buffer->magic = BOUNCE_LIVE;
    buffer->serial = ++pool->serial;
    buffer->length = length;
    memcpy(canary_of(buffer), &canary, sizeof(canary));
    list_append(&pool->live, &buffer->node);
    return buffer;
}

bool bounce_is_live(const struct bounce_pool *pool, const struct bounce_buffer *buffer, uint32_t serial)
{
    return buffer->magic == BOUNCE_LIVE && buffer->pool == pool && buffer->serial == serial;
}

bool bounce_is_whole(const struct bounce_buffer *buffer)
{
    const uint64_t canary = BOUNCE_CANARY;
    return memcmp(canary_of(buffer), &canary, sizeof(canary)) == 0;
}

void bounce_give_back(struct bounce_buffer *buffer)
{
    struct bounce_pool *pool = buffer->pool;
    buffer->magic = BOUNCE_IDLE;
    pool->held -= buffer->length;
    list_remove(&buffer->node);
    list_insert_before(pool->idle.next, &buffer->node);
    if (pool->idle_bytes + buffer->capacity > pool->limit) {
        free(buffer->data);
        buffer->data = NULL;
        buffer->capacity = 0;
    }
    pool->idle_bytes += buffer->capacity;
    bounce_recheck(pool);
}

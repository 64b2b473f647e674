/* SPDX-License-Identifier: MIT */
/* The memory store: a disk in host memory, for tests and for disks that the program builds itself. */
#include "block/store.h"

#include <stdlib.h>
#include <string.h>

struct store_memory {
    struct block_store store;
    uint8_t *bytes;
};

static uint8_t *memory_at(struct block_store *store, uint64_t offset)
{
    return ((struct store_memory *)store)->bytes + offset;
}

static int memory_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                        struct store_progress *progress)
{
    vector_copy_in(at, memory_at(store, offset), size);
    *progress = (struct store_progress){size, size};
    return 0;
}

static int memory_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                         struct store_progress *progress)
{
    vector_copy_out(at, memory_at(store, offset), size);
    *progress = (struct store_progress){size, 0};
    return 0;
}

static int memory_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back)
{
    (void)give_back;
    memset(memory_at(store, offset), 0, (size_t)size);
    return 0;
}

static int memory_flush(struct block_store *store)
{
    (void)store;
    return 0;
}

static void memory_close(struct block_store *store)
{
    free(((struct store_memory *)store)->bytes);
    free(store);
}

static const struct store_ops memory_ops = {"memory",     memory_readv, memory_writev,
                                            memory_flush, memory_close, .zero = memory_zero};

struct block_store *store_new_memory(uint64_t size, const void *contents)
{
    struct store_memory *memory = calloc(1, sizeof(*memory));

    if (memory && size <= SIZE_MAX) memory->bytes = calloc(1, (size_t)size);
    if (!memory || !memory->bytes) {
        free(memory);
        return NULL;
    }
    memory->store = (struct block_store){.ops = &memory_ops, .size = size};
    if (contents) memcpy(memory->bytes, contents, (size_t)size);
    return &memory->store;
}

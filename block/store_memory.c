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

/* The next piece of the vector, at most `size` bytes. */
static struct iovec next_piece(struct vector *at, uint64_t size)
{
    struct iovec piece = {0};
    uint64_t listed = 0;

    while (!listed) { /* a vector may hold empty pieces */
        vector_list(*at, size, &piece, 1, &listed);
        vector_advance(at, listed);
    }
    return piece;
}

static int memory_readv(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                        struct store_progress *progress)
{
    for (uint64_t done = 0; done < size;) {
        struct iovec piece = next_piece(&at, size - done);
        memcpy(piece.iov_base, memory_at(store, offset + done), piece.iov_len);
        done += piece.iov_len;
    }
    *progress = (struct store_progress){size, size};
    return 0;
}

static int memory_writev(struct block_store *store, uint64_t offset, struct vector at, uint64_t size,
                         struct store_progress *progress)
{
    for (uint64_t done = 0; done < size;) {
        struct iovec piece = next_piece(&at, size - done);
        memcpy(memory_at(store, offset + done), piece.iov_base, piece.iov_len);
        done += piece.iov_len;
    }
    *progress = (struct store_progress){size, 0};
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

static const struct store_ops memory_ops = {"memory", memory_readv, memory_writev, memory_flush,
                                            memory_close};

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

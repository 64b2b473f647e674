/* SPDX-License-Identifier: MIT */
/*
 * A disk transfer: the stream engine (mem/stream.h) with a disk behind it. This is what a disk controller uses to move
 * sectors by DMA: it hands in a scatter-gather list and a place on the disk, and hears when it is over.
 */
#ifndef BLOCK_TRANSFER_H
#define BLOCK_TRANSFER_H

#include "block/block.h"
#include "mem/stream.h"

struct transfer {
    struct stream stream;
    struct block_request request;
    char event_name[40]; /* of the request's deadline: "<name>.disk" */
    struct block *block;
    enum block_op op;
    uint64_t offset; /* on the disk */
    int error;       /* errno of the round that failed */
    void (*done)(void *owner, struct transfer *transfer, enum stream_status status, int error,
                 uint64_t moved);
    void *owner;
};

/* At device creation. `done`: see stream_ops.done; `error` is the host's errno when status is STREAM_BACKEND_ERROR. */
void transfer_init(struct transfer *transfer, const char *name, struct space *space,
                   void (*done)(void *owner, struct transfer *transfer, enum stream_status status, int error,
                                uint64_t moved),
                   void *owner);
void transfer_destroy(struct transfer *transfer);
/* `op` is BLOCK_READ (guest memory is written) or BLOCK_WRITE; `list` stays until done. `list->size` is a multiple of
 * 512. */
void transfer_start(struct transfer *transfer, struct block *block, enum block_op op, uint64_t offset,
                    const struct sglist *list);
void transfer_cancel(struct transfer *transfer);
static inline bool transfer_busy(const struct transfer *transfer)
{
    return stream_busy(&transfer->stream);
}

/* Save and load, between events; see stream_load for what must be idle before. Loading puts the request in flight again
 * without touching the disk. `block` is NULL where the owner knows of none; a transfer that is busy is refused then. */
bool transfer_save(const struct transfer *transfer, struct state_buffer *to, struct error *error);
bool transfer_load(struct transfer *transfer, struct block *block, const struct sglist *list,
                   struct state_buffer *from, struct error *error);

#endif

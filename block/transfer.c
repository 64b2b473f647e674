/* SPDX-License-Identifier: MIT */
/* Disk transfers: each round of the stream engine is one request to the disk. */
#include "block/transfer.h"

#include <stdio.h>

static void transfer_submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                            unsigned count, uint64_t size)
{
    struct transfer *transfer = owner;

    (void)stream;
    transfer->request.op = transfer->op;
    transfer->request.offset = transfer->offset + offset;
    transfer->request.pieces = pieces;
    transfer->request.count = count;
    transfer->request.size = size;
    block_submit(transfer->block, &transfer->request);
}

/* Only whole sectors have gone the whole way. */
static void transfer_request_done(void *owner, struct block_request *request, int error, uint64_t touched)
{
    struct transfer *transfer = owner;

    transfer->error = error;
    stream_complete(&transfer->stream, error != 0, request->moved - request->moved % BLOCK_SECTOR, touched);
}

static void transfer_cancel_round(void *owner, struct stream *stream)
{
    struct transfer *transfer = owner;

    (void)stream;
    block_cancel(&transfer->request);
}

static void transfer_done(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    struct transfer *transfer = owner;

    (void)stream;
    transfer->done(transfer->owner, transfer, status, transfer->error, moved);
}

static const struct stream_ops transfer_ops = {transfer_submit, transfer_cancel_round, transfer_done};

void transfer_init(struct transfer *transfer, const char *name, struct space *space,
                   void (*done)(void *owner, struct transfer *transfer, enum stream_status status, int error,
                                uint64_t moved),
                   void *owner)
{
    *transfer = (struct transfer){.done = done, .owner = owner};
    snprintf(transfer->event_name, sizeof(transfer->event_name), "%s.disk", name);
    stream_init(&transfer->stream, name, space, BLOCK_SECTOR, &transfer_ops, transfer);
    block_request_init(&transfer->request, space_clock(space), transfer->event_name, transfer_request_done,
                       transfer);
}

void transfer_destroy(struct transfer *transfer)
{
    stream_destroy(&transfer->stream);
    block_request_destroy(&transfer->request);
}

void transfer_start(struct transfer *transfer, struct block *block, enum block_op op, uint64_t offset,
                    const struct sglist *list)
{
    transfer->block = block;
    transfer->op = op;
    transfer->offset = offset;
    transfer->error = 0;
    stream_start(&transfer->stream, list, op == BLOCK_READ ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
}

void transfer_cancel(struct transfer *transfer)
{
    stream_cancel(&transfer->stream);
}

/* SPDX-License-Identifier: MIT */
/* A disk transfer in a saved machine: what it was asked for, the stream's part (mem/stream.h), and the request in
 * flight. */
#include "block/transfer.h"

struct transfer_state {
    uint8_t op;
    uint64_t offset;
    int32_t error;
};
static const struct state_field transfer_fields[] = {
    STATE_FIELD(struct transfer_state, op),
    STATE_FIELD(struct transfer_state, offset),
    STATE_FIELD(struct transfer_state, error),
    STATE_END,
};
static const struct state_table transfer_table = {"disk-transfer", 1, sizeof(struct transfer_state),
                                                  transfer_fields};

bool transfer_save(const struct transfer *transfer, struct state_buffer *to, struct error *error)
{
    struct transfer_state state = {0};
    struct block_request_state request;
    if (transfer_busy(transfer))
        state = (struct transfer_state){(uint8_t)transfer->op, transfer->offset, transfer->error};
    state_save(&transfer_table, &state, to);
    if (!stream_save(&transfer->stream, to, error)) return false;
    block_request_get_state(&transfer->request, &request);
    state_save(&block_request_table, &request, to);
    return true;
}

/* Sets the request up as transfer_submit did, and puts it in flight. */
static bool request_again(struct transfer *transfer, const struct block_request_state *state,
                          struct error *error)
{
    struct stream_part part;
    bool submitted = stream_submitted(&transfer->stream, &part);
    if (!submitted && !state->busy) return true;
    if (submitted && state->busy) {
        transfer->request.op = transfer->op;
        transfer->request.offset = transfer->offset + part.offset;
        transfer->request.pieces = part.pieces;
        transfer->request.count = part.count;
        transfer->request.size = part.size;
        if (block_request_resume(transfer->block, &transfer->request, state)) return true;
    }
    return error_set(error, "%s: the request in flight does not fit its transfer", transfer->event_name);
}

bool transfer_load(struct transfer *transfer, struct block *block, const struct sglist *list,
                   struct state_buffer *from, struct error *error)
{
    struct transfer_state state;
    struct block_request_state request;
    transfer_cancel(transfer);
    if (!state_load(&transfer_table, &state, from, error)) return false;
    transfer->block = block;
    transfer->op = state.op == BLOCK_READ ? BLOCK_READ : BLOCK_WRITE;
    transfer->offset = state.offset;
    transfer->error = state.error;
    enum dma_direction direction = transfer->op == BLOCK_READ ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
    if (!stream_load(&transfer->stream, list, direction, from, error)) return false;
    if (transfer_busy(transfer) && !block)
        return error_set(error, "%s: a transfer without a disk", transfer->event_name);
    return state_load(&block_request_table, &request, from, error) &&
           request_again(transfer, &request, error);
}

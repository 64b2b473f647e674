/* SPDX-License-Identifier: MIT */
/*
 * A disk transfer in a saved machine. Everything that the stream engine holds is named: the place in the list, the pieces that
 * are mapped, the bytes waited for. Loading maps the same pieces again, so that a loaded machine holds and waits for what the
 * saved one did; the disk is not touched (block.h).
 */
#include "block/transfer.h"

struct transfer_state {
    bool busy, submitted, waiting;
    uint8_t op;
    uint64_t offset;
    int32_t error;
    uint64_t position, piece_offset, round_size;
    uint32_t piece;
    uint32_t mapped; /* pieces of the round, which follow */
    uint64_t need;   /* bounce bytes waited for */
    int64_t since;
};
static const struct state_field transfer_fields[] = {
    STATE_FIELD(struct transfer_state, busy),       STATE_FIELD(struct transfer_state, submitted),
    STATE_FIELD(struct transfer_state, waiting),    STATE_FIELD(struct transfer_state, op),
    STATE_FIELD(struct transfer_state, offset),     STATE_FIELD(struct transfer_state, error),
    STATE_FIELD(struct transfer_state, position),   STATE_FIELD(struct transfer_state, piece_offset),
    STATE_FIELD(struct transfer_state, round_size), STATE_FIELD(struct transfer_state, piece),
    STATE_FIELD(struct transfer_state, mapped),     STATE_FIELD(struct transfer_state, need),
    STATE_FIELD(struct transfer_state, since),      STATE_END,
};
static const struct state_table transfer_table = {"disk-transfer", 1, sizeof(struct transfer_state),
                                                  transfer_fields};

struct mapped_state {
    uint64_t addr, length;
    uint64_t used; /* from its start, what takes part in the round */
};
static const struct state_field mapped_fields[] = {
    STATE_FIELD(struct mapped_state, addr),
    STATE_FIELD(struct mapped_state, length),
    STATE_FIELD(struct mapped_state, used),
    STATE_END,
};
static const struct state_table mapped_table = {"disk-mapping", 1, sizeof(struct mapped_state),
                                                mapped_fields};

void transfer_save(const struct transfer *transfer, struct state_buffer *to)
{
    const struct stream *stream = &transfer->stream;
    struct transfer_state state = {.busy = stream->busy};
    if (stream->busy) {
        state.submitted = stream->submitted;
        state.waiting = dma_waiting(&stream->waiter);
        state.op = (uint8_t)transfer->op;
        state.offset = transfer->offset;
        state.error = transfer->error;
        state.position = stream->position;
        state.piece = stream->piece;
        state.piece_offset = stream->piece_offset;
        state.round_size = stream->round_size;
        state.mapped = stream->submitted ? stream->count : 0;
        state.need = stream->waiter.need;
        state.since = stream->waiter.since;
    }
    state_save(&transfer_table, &state, to);
    for (uint32_t i = 0; i < state.mapped; i++) {
        const struct dma_mapping *mapping = &stream->mappings[i];
        struct mapped_state piece = {mapping->addr, mapping->length, stream->vector[i].iov_len};
        state_save(&mapped_table, &piece, to);
    }
    struct block_request_state request;
    block_request_get_state(&transfer->request, &request);
    state_save(&block_request_table, &request, to);
}

static bool map_again(struct stream *stream, uint32_t count, struct state_buffer *from, struct error *error)
{
    uint64_t total = 0;
    if (count > stream->capacity) return error_set(error, "%s: too many pieces", stream->name);
    for (uint32_t i = 0; i < count; i++) {
        struct mapped_state piece;
        if (!state_load(&mapped_table, &piece, from, error)) return false;
        struct dma_mapping *mapping = &stream->mappings[i];
        *mapping = dma_map(stream->space, piece.addr, piece.length, stream->direction);
        if (!mapping->length) return error_set(error, "%s: memory cannot be mapped again", stream->name);
        stream->vector[stream->count++] = (struct iovec){mapping->host, (size_t)piece.used};
        total += piece.used;
        if (mapping->length != piece.length || piece.used > piece.length)
            return error_set(error, "%s: memory cannot be mapped again", stream->name);
    }
    return total == stream->round_size || error_set(error, "%s: pieces do not add up", stream->name);
}

static bool cursor_fits(const struct transfer_state *state, const struct sglist *list)
{
    if (state->position > list->size || state->round_size > list->size - state->position) return false;
    return state->piece < list->count ? state->piece_offset < list->pieces[state->piece].length
                                      : state->piece == list->count && state->position == list->size;
}

/* All but what waits: who maps must not find a queue (dma.h). */
bool transfer_load(struct transfer *transfer, struct block *block, const struct sglist *list,
                   struct state_buffer *from, struct transfer_waits *waits, struct error *error)
{
    struct stream *stream = &transfer->stream;
    struct transfer_state state;
    struct block_request_state request;
    transfer_cancel(transfer);
    if (!state_load(&transfer_table, &state, from, error)) return false;
    *waits = (struct transfer_waits){state.waiting, state.need, state.since};
    if (state.busy) {
        if (!block || !cursor_fits(&state, list))
            return error_set(error, "%s: a transfer does not fit its list", stream->name);
        transfer->block = block;
        transfer->op = (enum block_op)state.op;
        transfer->offset = state.offset;
        transfer->error = state.error;
        stream->busy = true;
        stream->submitted = state.submitted;
        stream->generation++;
        stream->list = list;
        stream->direction = transfer->op == BLOCK_READ ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
        stream->position = state.position;
        stream->piece = state.piece;
        stream->piece_offset = state.piece_offset;
        stream->round_size = state.round_size;
        stream->count = 0;
        stream->report = (struct stream_report){0};
    }
    if (!map_again(stream, state.mapped, from, error)) return false;
    if (!state_load(&block_request_table, &request, from, error)) return false;
    if (!request.busy) return !state.submitted || error_set(error, "%s: no request", stream->name);
    transfer->request.op = transfer->op;
    transfer->request.offset = transfer->offset + stream->position;
    transfer->request.pieces = stream->vector;
    transfer->request.count = stream->count;
    transfer->request.size = stream->round_size;
    return (state.submitted && block_request_resume(block, &transfer->request, &request)) ||
           error_set(error, "%s: the request in flight does not fit its transfer", stream->name);
}

bool transfer_wait_again(struct transfer *transfer, const struct transfer_waits *waits)
{
    struct stream *stream = &transfer->stream;
    if (!waits->waiting) return true;
    if (!stream->busy || !dma_wait(stream->space, &stream->waiter, waits->need)) return false;
    stream->waiter.since = waits->since;
    return true;
}

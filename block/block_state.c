/* SPDX-License-Identifier: MIT */
/* A disk in a saved machine: the fingerprint of what lies in its image, and what an overlay keeps aside. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/block_internal.h"
#include "emu/core/bits.h"

/* Bytes that are hashed, saved and loaded at once. */
#define PIECE (256 * 1024)

static int store_move(struct block_store *store, bool write, uint64_t offset, void *bytes, uint64_t size)
{
    struct iovec piece = {bytes, (size_t)size};
    struct vector at = {&piece, 1, 0};
    struct store_progress progress;
    return (write ? store->ops->writev : store->ops->readv)(store, offset, at, size, &progress);
}

/* FNV-1a over words instead of bytes, the end padded with zeros. */
static uint64_t hash_words(uint64_t hash, uint8_t *bytes, uint64_t size)
{
    while (size % 8) bytes[size++] = 0;
    for (uint64_t at = 0; at < size; at += 8) hash = (hash ^ le64_load(bytes + at)) * UINT64_C(0x100000001b3);
    return hash;
}

int block_fingerprint(struct block *block, uint64_t *hash)
{
    struct block_store *store = block->store ? store_kept_aside(block->store) : NULL;
    store = store ? store_overlay_below(store) : block->store;
    *hash = UINT64_C(0xcbf29ce484222325) ^ (store ? store->size : 0);
    if (!store) return 0;
    uint8_t *bytes = malloc(PIECE);
    int error = bytes ? 0 : ENOMEM;
    for (uint64_t at = 0; !error && at < store->size; at += PIECE) {
        uint64_t size = store->size - at < PIECE ? store->size - at : PIECE;
        error = store_move(store, false, at, bytes, size);
        if (!error) *hash = hash_words(*hash, bytes, size);
    }
    free(bytes);
    return error;
}

/* A run of sectors of an overlay; their bytes follow, but for zeros, such as a guest's discards make many of. The
 * last run has no size. */
struct run_state {
    uint64_t sector, size;
    bool zeros;
};
static const struct state_field run_fields[] = {
    STATE_FIELD(struct run_state, sector),
    STATE_FIELD(struct run_state, size),
    STATE_FIELD(struct run_state, zeros),
    STATE_END,
};
static const struct state_table run_table = {"disk-run", 1, sizeof(struct run_state), run_fields};

/* Where the head stands, what a volatile cache does next, and what faults have counted. */
struct disk_state {
    uint64_t head;
    uint64_t random;
    struct fault_state faults[FAULTS_MOST];
};
static const struct state_field fault_fields[] = {
    STATE_FIELD(struct fault_state, matched),
    STATE_FIELD(struct fault_state, random),
    STATE_FIELD(struct fault_state, spent),
    STATE_END,
};
static const struct state_field disk_fields[] = {
    STATE_FIELD(struct disk_state, head),
    STATE_FIELD_SINCE(struct disk_state, random, 2),
    STATE_STRUCTS(struct disk_state, faults, fault_fields),
    STATE_END,
};
static const struct state_table disk_table = {"disk", 2, sizeof(struct disk_state), disk_fields};

static bool all_zeros(const uint8_t *bytes, uint64_t size)
{
    return !bytes[0] && !memcmp(bytes, bytes + 1, (size_t)size - 1);
}

/* In pieces, as far as they are alike: zeros in runs without bytes. */
static bool save_run(struct block *block, struct block_store *overlay, uint64_t sector, uint64_t bytes_left,
                     struct state_buffer *to, struct error *error)
{
    uint8_t *bytes = malloc(PIECE);
    int failed = bytes ? 0 : ENOMEM;
    struct run_state zeros = {.zeros = true};
    for (uint64_t done = 0; !failed && done < bytes_left; done += PIECE) {
        uint64_t size = bytes_left - done < PIECE ? bytes_left - done : PIECE;
        struct run_state run = {sector + done / BLOCK_SECTOR, size, false};
        failed = store_move(overlay, false, run.sector * BLOCK_SECTOR, bytes, size);
        if (failed) break;
        if (all_zeros(bytes, size)) {
            if (!zeros.size) zeros.sector = run.sector;
            zeros.size += size;
            continue;
        }
        if (zeros.size) state_save(&run_table, &zeros, to);
        zeros.size = 0;
        state_save(&run_table, &run, to);
        state_buffer_add(to, bytes, (size_t)size);
    }
    if (!failed && zeros.size) state_save(&run_table, &zeros, to);
    free(bytes);
    return !failed ||
           error_set(error, "%s: what was written cannot be read: %s", block->name, strerror(failed));
}

bool block_save(struct block *block, struct state_buffer *to, struct error *error)
{
    uint64_t sector = 0, count;
    struct block_store *overlay = block->store ? store_kept_aside(block->store) : NULL;
    const uint64_t *random = block->store ? store_volatile_random(block->store) : NULL;
    struct disk_state state = {.head = block->head, .random = random ? *random : 0};
    memcpy(state.faults, block->faults.states, sizeof(state.faults));
    state_save(&disk_table, &state, to);
    while (overlay && store_overlay_written(overlay, &sector, &count)) {
        uint64_t room = overlay->size - sector * BLOCK_SECTOR;
        uint64_t size = count * BLOCK_SECTOR < room ? count * BLOCK_SECTOR : room;
        if (!save_run(block, overlay, sector, size, to, error)) return false;
        sector += count;
    }
    state_save(&run_table, &(struct run_state){0}, to);
    return true;
}

bool block_load(struct block *block, struct state_buffer *from, struct error *error)
{
    struct block_store *overlay = block->store ? store_kept_aside(block->store) : NULL;
    struct disk_state state = {0};
    if (!state_load(&disk_table, &state, from, error)) return false;
    uint64_t *random = block->store ? store_volatile_random(block->store) : NULL;
    if (random) *random = state.random;
    block->head = state.head;
    memcpy(block->faults.states, state.faults, sizeof(state.faults));
    if (overlay) store_overlay_clear(overlay);
    for (;;) {
        struct run_state run;
        if (!state_load(&run_table, &run, from, error)) return false;
        if (!run.size) return true;
        block->unflushed = true; /* for the end, which loses nothing */
        uint64_t sectors = block_sectors(block);
        if (!overlay || run.sector >= sectors || run.size > overlay->size - run.sector * BLOCK_SECTOR ||
            (!run.zeros && run.size > from->size - from->cursor))
            return error_set(error, "%s: saved sectors do not fit the disk", block->name);
        uint64_t offset = run.sector * BLOCK_SECTOR;
        int failed = run.zeros ? store_zero(overlay, offset, run.size, true)
                               : store_move(overlay, true, offset, from->data + from->cursor, run.size);
        if (failed) return error_set(error, "%s: %s", block->name, strerror(failed));
        if (!run.zeros) from->cursor += (size_t)run.size;
    }
}

/* ---- requests in flight ---- */

static const struct state_field request_fields[] = {
    STATE_FIELD(struct block_request_state, busy),
    STATE_FIELD(struct block_request_state, held),
    STATE_FIELD(struct block_request_state, lost),
    STATE_FIELD(struct block_request_state, op),
    STATE_FIELD(struct block_request_state, offset),
    STATE_FIELD(struct block_request_state, size),
    STATE_FIELD(struct block_request_state, moved),
    STATE_FIELD(struct block_request_state, touched),
    STATE_FIELD(struct block_request_state, order),
    STATE_FIELD(struct block_request_state, limit),
    STATE_FIELD(struct block_request_state, error),
    STATE_FIELD(struct block_request_state, fault),
    STATE_END,
};
const struct state_table block_request_table = {"disk-request", 1, sizeof(struct block_request_state),
                                                request_fields};

void block_request_get_state(const struct block_request *request, struct block_request_state *state)
{
    int error = request->error;
    struct store_progress progress = {request->moved, request->touched};
    *state = (struct block_request_state){.busy = block_request_busy(request)};
    if (!state->busy) return;
    /* What a write has come to is found out now; a read is done again. */
    if (request->job && request->op != BLOCK_READ) block_job_result(request, &error, &progress);
    state->held = request->held;
    state->lost = request->lost;
    state->limit = request->limit;
    state->fault = request->fault;
    state->op = (uint8_t)request->op;
    state->offset = request->offset;
    state->size = request->size;
    state->moved = progress.moved;
    state->touched = progress.touched;
    state->order = request->deadline.order;
    state->error = error;
}

bool block_request_resume(struct block *block, struct block_request *request,
                          const struct block_request_state *state)
{
    if (request->block || state->op > BLOCK_ZEROES || request->op != (enum block_op)state->op ||
        request->offset != state->offset || request->size != state->size || state->limit > state->size ||
        state->moved > state->size)
        return false;
    request->block = block;
    request->moved = state->moved;
    request->touched = state->touched;
    request->error = state->error;
    request->held = state->held;
    request->lost = state->lost;
    request->limit = state->limit;
    request->fault = state->fault;
    request->deadline.order = state->order;
    struct list *before = block->in_flight.prev;
    while (before != &block->in_flight &&
           list_entry(before, struct block_request, node)->deadline.order > state->order)
        before = before->prev;
    list_insert_before(before->next, &request->node);
    if (request->op != BLOCK_READ && request->op != BLOCK_FLUSH) block->unflushed = true;
    return true;
}

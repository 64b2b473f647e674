/* SPDX-License-Identifier: MIT */
/*
 * Disks as devices see them: vectored, asynchronous requests with a virtual completion time.
 *
 *   device -> block_submit -> (virtual latency) -> request->done
 *
 * A write samples memory and reaches the store at submission; a read reaches the store and fills memory at its deadline:
 * one preadv or pwritev straight on the vector. In both cases `done` runs from the event queue at the deadline. The host's
 * errors are the guest's errors, at the same virtual time. Requests of one disk end in the order in which they were
 * submitted, but a read sees writes that were submitted before its deadline, also those submitted after it.
 *
 * The time of a request is a fixed 8 us and its bytes at 4 GB/s, that of a flush 100 us, from when the request before it is
 * over.
 *
 * A block device is a store (file, memory, overlay; see store.h) with this latency model. Sizes and offsets are in bytes;
 * devices speak sectors of 512. An image whose size is no multiple of 512 reads as if padded with zeros up to the sector,
 * and is never grown.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "emu/core/clock.h"
#include "emu/core/error.h"
#include "emu/core/list.h"
#include "emu/core/state.h"

#define BLOCK_SECTOR 512

struct block;
struct block_store;

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

/* In the device, one per request that it can have in flight; block_request_init once, before the first use. */
struct block_request {
    /* set by the device for each submit */
    enum block_op op;
    uint64_t offset; /* bytes, a multiple of the sector */
    const struct iovec *pieces;
    unsigned count;
    uint64_t size; /* of all pieces, a multiple of the sector; 0 for a flush */

    /* Ended: `error` is 0 or a host errno; `touched` is how many bytes of the vector may have been written (reads). */
    void (*done)(void *owner, struct block_request *request, int error, uint64_t touched);
    void *owner;

    /* the block layer's */
    struct block *block; /* NULL while not in flight */
    struct clock_event deadline;
    struct list node;
    int error;
    uint64_t moved; /* to be read in `done`: bytes that went the whole way, in order; `size` when there is no error */
    uint64_t touched;
};

void block_request_init(struct block_request *request, struct clock *clock, const char *name,
                        void (*done)(void *owner, struct block_request *request, int error, uint64_t touched), void *owner);
void block_request_destroy(struct block_request *request); /* cancels */

/* The block takes over the store and closes it. `name` ("ide0-hd0") is for messages and must outlive it. */
struct block *block_new(const char *name, struct block_store *store, struct clock *clock);
void block_free(struct block *block); /* cancels what is in flight, flushes, closes the store */

const char *block_name(const struct block *block);
uint64_t block_sectors(const struct block *block); /* rounded up */
bool block_read_only(const struct block *block);

/* Puts a request in flight. A request beyond the end or not of whole sectors (EINVAL), a write to a read-only disk (EROFS)
 * and a host failure end with an error in `done`; nothing is refused here. The request and its vector must stay until then
 * or until cancelled. */
void block_submit(struct block *block, struct block_request *request);
/* Takes it back: `done` will not be called and the vector is not touched any more. A write that was submitted may have
 * reached the store, as on a real disk. Harmless when not in flight. */
void block_cancel(struct block_request *request);
static inline bool block_request_busy(const struct block_request *request)
{
    return request->block != 0;
}

/* For PIO and firmware tables: at once, without latency; whole sectors; 0 or errno. */
int block_read_now(struct block *block, uint64_t offset, void *to, uint64_t size);
int block_write_now(struct block *block, uint64_t offset, const void *from, uint64_t size);
int block_flush_now(struct block *block);

/*
 * Save and load. A request in flight is taken up again without touching the store: a write has reached it when it was
 * submitted. `order` is that of its event, and puts the requests of one disk in their order again.
 */
struct block_request_state {
    bool busy;
    uint8_t op;
    uint64_t offset, size, moved, touched, order;
    int32_t error;
};
extern const struct state_table block_request_table;
void block_request_get_state(const struct block_request *request, struct block_request_state *state);
/* The device has set the request up as for a submit; false when it differs from the state. It must not be in flight, and
 * gets its deadline with the clock. */
bool block_request_resume(struct block *block, struct block_request *request, const struct block_request_state *state);

/* Hash of what lies below an overlay, or of all of a disk that has none: that is what a saved machine finds again, as
 * it cannot carry it along. 0 or errno. */
int block_fingerprint(struct block *block, uint64_t *hash);
/* What an overlay holds. Nothing for other disks. */
bool block_save(struct block *block, struct state_buffer *to, struct error *error);
bool block_load(struct block *block, struct state_buffer *from, struct error *error);

struct block_stats {
    uint64_t reads, writes, flushes, errors;
    uint64_t read_bytes, written_bytes;
    uint64_t host_calls;              /* preadv, pwritev, fdatasync */
    uint64_t pieces, most_pieces;     /* vector lengths */
};
const struct block_stats *block_stats(const struct block *block);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The stream engine: runs a request of any length between a scatter-gather list and a backend, in as many
 * rounds as the mappings allow. Disks use it with the sector size as unit, USB bulk with the packet size.
 *
 *   start -> [ map as much as can be had -> submit -> (time passes) -> stream_complete -> unmap ] ... -> done
 *                      nothing to be had -> wait for bounce bytes -> wake -> map again
 *
 * Each round maps pieces from the cursor on until the list ends, the round is full, or a map comes back
 * empty; after a short map it goes on behind it, since a unit may cross from one range to the next. What was
 * mapped is cut down to a whole number of units (the rest is unmapped again and the cursor rewound, LESSONS
 * 9). When not even one unit can be had, everything of the round is unmapped and the request waits, holding
 * nothing (LESSONS 8), for as many bytes as one unit needs at least. A unit that can never be mapped whole
 * (larger than the pool's limit) fails at start. A unit may be scattered over many pieces. Transfers move in
 * the largest pieces that maps give.
 *
 * The list's total must be a multiple of the unit, else start refuses. The mappings live in the request,
 * which owns them from map to unmap on every path; cancel unmaps them (LESSONS 16, 18).
 */
#ifndef MEM_STREAM_H
#define MEM_STREAM_H

#include "mem/dma.h"
#include "mem/iov.h"
#include "mem/sglist.h"

/* Mappings held by one round at the most; more only where a single unit is scattered over more (it can be as
 * many as it has bytes, so a backend that hands the vector to preadv minds IOV_MAX when units are above 1024
 * bytes). */
#define STREAM_ROUND_PIECES 256

enum stream_status {
    STREAM_OK,
    STREAM_BAD_ADDRESS,   /* a piece points where no memory is, or at a device that refused it */
    STREAM_BACKEND_ERROR, /* stream_complete said so */
    STREAM_REFUSED,       /* total not a multiple of the unit, or a unit above the bounce limit */
};

struct stream;

struct stream_ops {
    /* Move `size` bytes (a multiple of the unit) between the vector and the backend at byte `offset` of the
     * request; answer with stream_complete, now or later. The vector stays valid until then. */
    void (*submit)(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                   unsigned count, uint64_t size);
    /* The submitted round is no longer wanted; when this returns, the backend does not touch the vector any
     * more and will not call stream_complete for it. */
    void (*cancel)(void *owner, struct stream *stream);
    /* The request ended; everything is unmapped. `moved`: bytes that went the whole way, in order from the
     * start. */
    void (*done)(void *owner, struct stream *stream, enum stream_status status, uint64_t moved);
};

/* What one request did so far (kept after done until the next start), for -stats, the timeline and tests. */
struct stream_report {
    uint64_t rounds, pieces, most_pieces, direct_bytes, bounced_bytes, waits;
};

/* Sums over all requests of a stream, printed by -stats. Of most_pieces the largest. */
struct stream_totals {
    uint64_t requests, rounds, pieces, most_pieces, direct_bytes, bounced_bytes, waits;
};

struct stream {
    const char *name; /* the device */
    struct space *space;
    const struct stream_ops *ops;
    void *owner;
    uint32_t unit;
    bool busy, submitted;

    /* the request */
    const struct sglist *list;
    enum dma_direction direction;
    uint64_t position;     /* bytes done, in whole units */
    unsigned piece;        /* cursor: piece ... */
    uint64_t piece_offset; /* ... and byte within it that come next */

    /* the round */
    struct dma_mapping *mappings;
    struct iovec *vector; /* what of each mapping takes part */
    unsigned count, capacity;
    uint64_t round_size;
    uint64_t generation; /* counts starts and cancels: a callback deep below may have ended the request */

    struct dma_waiter waiter;
    struct clock_event
        kick; /* starts rounds from the event queue: no recursion through submit and complete */
    char kick_name[48];
    struct mem_guard *guard;
    struct stream_report report;
    struct stream_totals totals;
};

/* At device creation; allocates all that any request will need. `name` is unique in the machine; the space
 * has a clock. */
void stream_init(struct stream *stream, const char *name, struct space *space, uint32_t unit,
                 const struct stream_ops *ops, void *owner);
void stream_destroy(struct stream *stream); /* cancels */

/* The device's guard, entered while the engine maps and unmaps, so that its DMA cannot come back to it
 * (region.h). */
void stream_set_guard(struct stream *stream, struct mem_guard *guard);

/* Starts a request; `list` must stay as it is until done. Not while one is busy. `done` may be called before
 * this returns only for STREAM_REFUSED. A list of size 0 is done (from the event queue) with nothing moved.
 */
void stream_start(struct stream *stream, const struct sglist *list, enum dma_direction direction);

/*
 * The backend's answer to submit. `moved` bytes went through (all of them, unless `failed`); `touched` bytes
 * from the start of the vector may have been written, which after an error can be more than moved. On failure
 * the request ends. May be called from within submit, and calls `done` itself; `done` may start the next
 * request.
 */
void stream_complete(struct stream *stream, bool failed, uint64_t moved, uint64_t touched);

/* Takes the request back: cancels the round, unmaps, leaves the queue of waiters. `done` is not called. */
void stream_cancel(struct stream *stream);

static inline bool stream_busy(const struct stream *stream)
{
    return stream->busy;
}

const struct stream_totals *stream_totals(const struct stream *stream);

/*
 * Save and load, between events: the request with all that it holds (mappings, and what is in their bounce buffers) or
 * waits for. Saving fails when the topology changed under a mapping in flight, so that it could not be found again.
 * Loading needs the list and the direction that the request had, and every stream of the space idle (stream_cancel) and
 * dma_load done before the first; it calls nobody. A round that was with the backend is there again: the
 * backend takes it from stream_submitted, and answers with stream_complete as ever. The kick comes with the clock.
 */
bool stream_save(const struct stream *stream, struct state_buffer *to, struct error *error);
bool stream_load(struct stream *stream, const struct sglist *list, enum dma_direction direction,
                 struct state_buffer *from, struct error *error);

/* What is with the backend: the arguments of the last submit. False: nothing is. */
struct stream_part {
    uint64_t offset;
    const struct iovec *pieces;
    unsigned count;
    uint64_t size;
};
bool stream_submitted(const struct stream *stream, struct stream_part *part);

#endif

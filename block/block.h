/* SPDX-License-Identifier: MIT */
/*
 * Disks as devices see them: vectored, asynchronous requests with a virtual completion time.
 *
 *   device -> block_submit -> (virtual latency) -> request->done
 *
 * A write samples memory at submission; a read fills memory at its deadline. A plain store is called at just these
 * instants: one preadv or pwritev straight on the vector. A slow store works ahead in memory of its own, and if it is
 * not ready at the deadline, the machine waits for it there, so that nothing of it shows. In both cases `done` runs
 * from the event queue at the deadline. The host's errors are the guest's errors, at the same virtual time. Requests
 * of one disk end in the order in which they were submitted (but for what is tried again, and what a fault delays),
 * but a read sees writes that were submitted before its deadline, also those submitted after it.
 *
 * A block device is a store (file, memory, NBD, overlay; see store.h) or no medium at all, with a latency model,
 * faults on purpose (faults.h) and a policy for errors. drive.h makes one from options. Sizes and offsets are in
 * bytes; devices speak sectors of 512. An image whose size is no multiple of 512 reads as if padded with zeros up to
 * the sector, and is never grown.
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
struct store_job;
struct fault_rule;

/* A discard and a write of zeroes have a size and no vector; after both the bytes read as zeros, after a discard
 * the host may have its room back. */
enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_ZEROES };

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
    struct store_job *job; /* what the store does ahead of the deadline; NULL: nothing */
    int error;
    /* To be read in `done`: bytes that went the whole way, in order; `size` when there is no error. */
    uint64_t moved;
    uint64_t touched;
    int fault; /* errno that comes after the first `limit` bytes; 0: none */
    uint64_t limit;
    bool held; /* failed, and waits for block_resume */
    bool lost; /* its medium has gone */
};

void block_request_init(struct block_request *request, struct clock *clock, const char *name,
                        void (*done)(void *owner, struct block_request *request, int error, uint64_t touched),
                        void *owner);
void block_request_destroy(struct block_request *request); /* cancels */

/* The block takes over the store and closes it. `name` ("ide0-hd0") is for messages and must outlive it. Without a
 * store it is a drive without a medium. */
struct block *block_new(const char *name, struct block_store *store, struct clock *clock);
void block_free(struct block *block); /* cancels what is in flight, flushes, closes the store */

const char *block_name(const struct block *block);
uint64_t block_sectors(const struct block *block); /* rounded up; 0 without a medium */
bool block_read_only(const struct block *block);   /* true without a medium */
bool block_has_medium(const struct block *block);

/* Puts a request in flight. A request beyond the end or not of whole sectors (EINVAL), a write to a read-only disk
 * (EROFS), any request without a medium (ENOMEDIUM) and a host failure end with an error in `done`; nothing is
 * refused here. The request and its vector must stay until then or until cancelled. */
void block_submit(struct block *block, struct block_request *request);
/* Takes it back: `done` will not be called and the vector is not touched any more. A write that was submitted may have
 * reached the store, as on a real disk. Harmless when not in flight. */
void block_cancel(struct block_request *request);
static inline bool block_request_busy(const struct block_request *request)
{
    return request->block != 0;
}

/* For PIO and firmware tables: at once, without latency and faults; whole sectors; 0 or errno. */
int block_read_now(struct block *block, uint64_t offset, void *to, uint64_t size);
int block_write_now(struct block *block, uint64_t offset, const void *from, uint64_t size);
int block_flush_now(struct block *block);

/*
 * How long requests take: a disk that serves one after the other. A request is taken up when the one before it is
 * over, and then takes `fixed`, its bytes at the disk's rate, and where it does not go on from the end of the last
 * one, its share of `seek`, the time from one end of the disk to the other. A flush takes `flush`, a request that is
 * refused `fixed`.
 */
struct block_latency {
    vtime fixed, flush, seek;
    uint64_t bytes_per_ms; /* at least 1 */
};
extern const struct block_latency block_default_latency; /* 8 us, 100 us, no seeks, 4 GB/s */
void block_set_latency(struct block *block, const struct block_latency *latency);
/* At most FAULTS_MOST rules, which are copied. */
void block_set_faults(struct block *block, const struct fault_rule *rules, unsigned count);
/* The guest's flushes stay here: what it thinks safe is as safe as the host. */
void block_set_no_flush(struct block *block, bool no_flush);
/* On unless said otherwise; off, BLOCK_DISCARD succeeds and does nothing. */
void block_set_discard(struct block *block, bool discard);
bool block_discards(const struct block *block); /* a discarded sector reads as zeros */

/*
 * What becomes of a request that the host failed, or a fault. Report: the guest gets the error. Ignore: the guest
 * hears that all went well; what could not be read is zeros. Stop: the request stays in flight, `stopped` asks for
 * the machine to be stopped, and block_resume tries it again; a write then samples memory again, and other requests
 * go on meanwhile. Enospc: stop when the host's disk is full, else report. Without somebody who can stop the machine,
 * stop is report. What the guest did wrong itself is always reported to it.
 */
enum block_policy { BLOCK_REPORT, BLOCK_STOP, BLOCK_IGNORE, BLOCK_ENOSPC };
struct block_failure {
    enum block_op op;
    uint64_t offset, size;
    int error;
};
void block_set_policy(struct block *block, enum block_policy on_read_error, enum block_policy on_write_error);
/* `stopped` runs at the deadline, from an event; it asks the run loop to stop, and does not call back. The line
 * for the user is printed here. */
void block_set_stop_handler(struct block *block,
                            void (*stopped)(void *owner, struct block *block,
                                            const struct block_failure *why),
                            void *owner);
bool block_stopped(const struct block *block); /* something waits for block_resume */
/* Before the machine runs on, also after a load: tries again what waits. Harmless when nothing does. */
void block_resume(struct block *block);

/*
 * Another medium, or none (NULL); takes the store over. The old one is flushed and closed. Requests in flight keep
 * their deadlines: what had reached the old medium ends as it would have, the rest with ENOMEDIUM. Then `changed`
 * tells the device, which looks again at block_has_medium, block_sectors and block_read_only.
 */
void block_change_medium(struct block *block, struct block_store *store);
void block_set_medium_handler(struct block *block, void (*changed)(void *owner, struct block *block),
                              void *owner);

/* Power fails: of what a volatile cache holds, some reaches the medium and the rest is lost (store.h). */
void block_cut_power(struct block *block);

/*
 * Save and load. A request in flight is taken up again without touching the store: a write has reached it when it was
 * submitted. `order` is that of its event, and puts the requests of one disk in their order again. One that waits for
 * block_resume waits on.
 */
struct block_request_state {
    bool busy, held, lost;
    uint8_t op;
    uint64_t offset, size, moved, touched, order, limit;
    int32_t error, fault;
};
extern const struct state_table block_request_table;
void block_request_get_state(const struct block_request *request, struct block_request_state *state);
/* The device has set the request up as for a submit; false when it differs from the state. It must not be in
 * flight, and gets its deadline with the clock. */
bool block_request_resume(struct block *block, struct block_request *request,
                          const struct block_request_state *state);

/* Hash of what lies below an overlay, or of all of a disk that has none: that is what a saved machine finds again, as
 * it cannot carry it along. 0 or errno. */
int block_fingerprint(struct block *block, uint64_t *hash);
/* What an overlay holds, where the head stands and what faults have counted. */
bool block_save(struct block *block, struct state_buffer *to, struct error *error);
bool block_load(struct block *block, struct state_buffer *from, struct error *error);

struct block_stats {
    uint64_t reads, writes, flushes, errors; /* discards and zeroes count as writes of no bytes */
    uint64_t read_bytes, written_bytes;
    uint64_t host_calls;          /* preadv, pwritev, fdatasync */
    uint64_t host_syncs;          /* of them, those that make data safe */
    uint64_t pieces, most_pieces; /* vector lengths */
};
const struct block_stats *block_stats(const struct block *block);

#endif

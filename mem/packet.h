/* SPDX-License-Identifier: MIT */
/*
 * The packet engine: moves one packet (a NIC's frame or segment, a USB control or interrupt transfer) between
 * a scatter-gather list and the host, all or nothing, with one host call.
 *
 *     static struct packet_answer send(void *port, const struct iovec *pieces, unsigned count, uint64_t size);
 *
 *     packet_init(&engine, "nic0", space, 65536);                      // at creation; the only allocation
 *     struct packet_result r = packet_run(&engine, &list, DMA_TO_DEVICE, send, port);
 *     if (r.status != PACKET_OK) ...                                   // r.moved bytes went the whole way
 *
 * A run maps the whole list and hands all of it to the call as one vector. When the list cannot be mapped
 * whole (no bounce bytes now, somebody waits for them, more than PACKET_PIECES mappings), everything is
 * unmapped again and the packet takes one linear copy through the reserve: memory as large as the largest
 * packet, set aside at creation and apart from the pool's limit. So a packet never waits, and cannot deadlock
 * (LESSONS 8, 24).
 *
 *   to device     the reserve is filled, then the host call is made. No register is read twice: what was
 *                 mapped already is taken over from its mapping.
 *   from device   the host call fills the reserve, then exactly the bytes that it moved are written to the
 *                 list in order, and no more (LESSONS 23).
 *
 * A list with an address where nobody may be accessed fails before the host call, so that a frame is not lost
 * to a bad descriptor: nothing was moved. Only a register that refuses a write is found out afterwards, as
 * PACKET_BAD_ADDRESS with the bytes that arrived in front of it.
 *
 * The run is over when packet_run returns: nothing stays mapped, and a saved machine need not know of the engine. The
 * call must not keep the vector, and must not run another packet on the same engine (PACKET_BUSY, with a lint line);
 * a device that can loop back has an engine per direction, or a queue (LESSONS 31). Not every byte of a from-device
 * list need be moved: frames are often shorter than their buffers.
 */
#ifndef MEM_PACKET_H
#define MEM_PACKET_H

#include <sys/uio.h>
#include "mem/dma.h"
#include "mem/sglist.h"

#define PACKET_PIECES 64 /* mappings of one packet at the most; lists that need more are copied */

enum packet_status {
    PACKET_OK,
    PACKET_BAD_ADDRESS, /* the list points where no memory is, or at a device that refused */
    PACKET_HOST_ERROR,  /* the host call said so */
    PACKET_TOO_LONG,    /* the list is larger than the engine's largest packet; nothing was done */
    PACKET_BUSY,        /* called from within a run; nothing was done */
};

/* The host call's answer. `moved` bytes from the start of the vector went through, or were written to it.
 * `touched`, where it is more, may have been written too (after a failed read, say); of no meaning to
 * device. Both are cut at the size of the vector. */
struct packet_answer {
    bool failed;
    uint64_t moved, touched;
};

/* `size` is what the `count` pieces hold together; 0 pieces are a packet of no bytes, which is sent like any
 * other. */
typedef struct packet_answer packet_call(void *owner, const struct iovec *pieces, unsigned count,
                                         uint64_t size);

struct packet_result {
    enum packet_status status;
    uint64_t moved; /* bytes that went the whole way, in order from the start */
};

/* What one packet did; kept until the next run. */
struct packet_report {
    uint64_t pieces;        /* of the vector */
    uint64_t direct_bytes;  /* of them by pointer ... */
    uint64_t bounced_bytes; /* ... and by the pool or the reserve */
    uint64_t copies;        /* bounce buffers, or 1 for the reserve */
    uint64_t host_calls;    /* 0 or 1 */
};

/* Sums over all packets of an engine, for -stats. */
struct packet_totals {
    uint64_t packets, failed, pieces, direct_bytes, bounced_bytes, copies, host_calls;
    uint64_t linear; /* packets that took the reserve */
};

struct packet_engine {
    const char *name; /* the device */
    struct space *space;
    struct mem_guard *guard;
    uint64_t largest;
    uint8_t *reserve; /* `largest` bytes */
    struct dma_mapping mappings[PACKET_PIECES];
    struct iovec vector[PACKET_PIECES]; /* the mappings, as the call wants them */
    unsigned count;
    bool busy;
    struct packet_report report;
    struct packet_totals totals;
};

/* At device creation. `largest`: bytes of the largest packet, at least 1. */
void packet_init(struct packet_engine *engine, const char *name, struct space *space, uint64_t largest);
void packet_destroy(struct packet_engine *engine); /* not from within a run */

/* The device's guard, held while the engine touches guest memory, so that its DMA cannot come back to it
 * (region.h). Not held during the host call. */
void packet_set_guard(struct packet_engine *engine, struct mem_guard *guard);

MUST_USE struct packet_result packet_run(struct packet_engine *engine, const struct sglist *list,
                                         enum dma_direction direction, packet_call *call, void *owner);

#endif

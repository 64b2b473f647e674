/* SPDX-License-Identifier: MIT */
/*
 * Mapping guest memory for a device: the way DMA is done.
 *
 *     struct dma_mapping m = dma_map(space, addr, length, DMA_FROM_DEVICE);
 *     if (!m.length) ...               // m.status says why: no memory there, or no bounce bytes now, then wait
 *     n = preadv(... m.host, m.length ...);
 *     status = dma_unmap(space, &m, n); // exactly n bytes were written
 *
 * A map may cover less than was asked for: at the end of a range, at a bounce buffer's limit, in faulty mode.
 * Pointer and length come back together, in one handle, and the compiler insists that it is used (LESSONS 5,
 * 6, 17). Plain RAM costs one lookup and a use count: no lock, no allocation, no search. RAM that is
 * indirect, MMIO, and all memory of a space in indirect mode go through a bounce buffer from the space's
 * pool: filled at map (DMA_TO_DEVICE), copied back at unmap (DMA_FROM_DEVICE), exactly `accessed` bytes and
 * no more (LESSONS 23).
 *
 * A bounce covers bytes of one range of the view, like every mapping. For DMA_FROM_DEVICE it starts with what
 * memory holds (zeros for MMIO, which is not read; poison under the checker), so that nothing stale can reach
 * the guest. MMIO is read at map and written at unmap, split as its region says.
 *
 * A handle is unmapped exactly once, through the space it came from. Direction is fixed; there is no
 * read-modify-write. The tree may change while a mapping is held: the mapping keeps its region, and a bounce
 * is copied back to the region it was made for, wherever that is seen by then (LESSONS 15).
 */
#ifndef MEM_DMA_H
#define MEM_DMA_H

#include "mem/space.h"

enum dma_direction {
    DMA_TO_DEVICE,   /* the device reads guest memory */
    DMA_FROM_DEVICE, /* the device writes guest memory */
};

enum dma_status {
    DMA_OK,
    DMA_NO_BOUNCE, /* pool exhausted, or reserved for who waits: park a waiter */
    DMA_NO_MEMORY, /* nobody answers at this address */
    DMA_REFUSED,   /* somebody answers and refuses, or this would re-enter a device (read-only memory for
                      DMA_FROM_DEVICE is not refused: bytes are lost) */
};

struct bounce_buffer;

struct dma_mapping {
    void *host;      /* NULL if and only if length is 0 */
    uint64_t length; /* bytes mapped, at most what was asked */
    gaddr addr;
    struct region *region; /* held by this mapping */
    struct region_at at;
    struct bounce_buffer *bounce; /* NULL when direct */
    enum dma_direction direction;
    enum dma_status status;
    uint32_t serial; /* tells a bounce, or any mapping under the checker, from those before it */
};

/* Any length may be asked for; 0 gives an empty handle with DMA_OK. */
static inline MUST_USE struct dma_mapping dma_map(struct space *space, gaddr addr, uint64_t length,
                                                  enum dma_direction direction);

/* `accessed`: bytes from the start that the device (or the host, on its behalf) may have touched; for
 * DMA_FROM_DEVICE they are marked dirty, drop decoded code, and are copied back if bounced. More than the
 * length counts as the length. The result reports a failed copy back, and for a bounce also a handle that is
 * not (or no longer) of this space. The handle is cleared. An empty handle is harmless. */
static inline enum mem_result dma_unmap(struct space *space, struct dma_mapping *mapping, uint64_t accessed);

/* How a space answers maps. */
enum dma_mode {
    DMA_MODE_DIRECT,
    DMA_MODE_INDIRECT, /* all memory by message, through the pool */
    DMA_MODE_FAULTY,   /* some maps bounce, come back short, or fail with DMA_NO_BOUNCE, by seed; data stays
                          right. Within a wake none fails without reason, so that whoever waits goes on */
};
struct dma_settings {
    enum dma_mode mode;
    uint64_t max_bounce; /* `max-bounce-buffer-size`, bytes; 0 means the default, 4096. Rounded down to whole
                            sectors of 512 bytes, and at least one */
    uint64_t seed;       /* of faulty mode */
    unsigned dma_mask;   /* address bits that the device can drive (24 as on ISA, 32); 0: as many as the space
                            has. What lies beyond is a bus error for maps (DMA_NO_MEMORY) and for reads and
                            writes through the space (MEM_DECODE_ERROR), with a lint line; an access across
                            the limit gets as far as it. A driver has to bounce by itself */
};
/* Nothing may be mapped, and nobody wait. */
void dma_configure(struct space *space, const struct dma_settings *settings);

/* The largest bounce-buffered mapping that can ever succeed in this space (LESSONS 22): the pool's limit
 * after rounding. With nobody else in the pool it does succeed, where a range is that long. */
uint64_t dma_largest_bounce(const struct space *space);

/*
 * Waiters. A request whose map failed with DMA_NO_BOUNCE parks its waiter, naming the bytes that it needs to
 * go on. Strictly first come, first served: freed bytes are set aside for the head of the queue at once, and
 * nobody else gets pool bytes while someone waits. `wake` runs from the event queue, never inside an unmap;
 * during the wake (and only then) the waiter's bytes are its own, at least `need`, and more where those
 * behind it in the queue leave some; what it does not map goes back when `wake` returns. A woken waiter is
 * out of the queue; it may wait again, at the end. Registering rechecks, so a wake-up cannot be lost (LESSONS
 * 1). A request may not wait while it holds bounce mappings itself (LESSONS 8); from a wake this is refused.
 */
struct dma_waiter {
    struct list node;
    uint64_t need;
    vtime since;
    uint64_t order; /* place in the queue: the lower, the sooner */
    void (*wake)(void *owner);
    void *owner;
    const char *name;    /* for listings: the device */
    struct space *space; /* NULL while it does not wait */
};
void dma_waiter_init(struct dma_waiter *waiter, const char *name, void (*wake)(void *owner), void *owner);
/* False when `need` can never be had; the request must then fail. One that waits already keeps its place,
 * with this need. */
MUST_USE bool dma_wait(struct space *space, struct dma_waiter *waiter, uint64_t need);
/* At any time, also from a wake; harmless when it does not wait. */
void dma_wait_cancel(struct dma_waiter *waiter);
bool dma_waiting(const struct dma_waiter *waiter);
/* Who waits, in the order of the queue: its name, need and since. NULL begins, and is behind the last. */
const struct dma_waiter *dma_next_waiter(const struct space *space, const struct dma_waiter *after);

/* Save and load of what is the space's own: the random state of faulty mode, and the count behind the waiters' places.
 * Mappings and waiters are saved by who owns them (stream.h), after this. */
void dma_save(const struct space *space, struct state_buffer *to);
bool dma_load(struct space *space, struct state_buffer *from, struct error *error);

/* Counters since creation, for -stats and the monitor. */
struct dma_stats {
    uint64_t maps, unmaps, live, most_live;
    uint64_t direct_bytes, bounced_bytes;
    uint64_t bounces, bounce_bytes_held, bounce_bytes_most;
    uint64_t short_maps, failed_maps, waits, wakes;
    uint64_t read_back_errors;
};
const struct dma_stats *dma_stats(const struct space *space); /* as of this call */

/* The checker (tests, and an option): records every map with a backtrace, fills bounces with poison, and
 * reports leaks, double or foreign unmaps (which then do nothing), unmaps with another length or direction
 * than mapped (which then use what was mapped), accessed > length, bounces written beyond `accessed` or beyond
 * their end. A finding names the space (its device), the guest address, and who made the map. Nothing may be mapped when it is enabled; it stays on. */
void dma_checker_enable(struct space *space);
/* Prints the findings so far, live mappings included, and returns how many there are. */
unsigned dma_checker_report(const struct space *space, FILE *to);

#include "mem/dma_inline.h"

#endif

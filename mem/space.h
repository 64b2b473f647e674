/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: a tree of regions seen as one flat range of addresses.
 *
 * A space is used through its view: sorted, non-overlapping ranges that cover every address, plus a sparse
 * table with one entry per page that answers "which range?" at once where a page has one range, and falls
 * back to a search where several share a page. A space of at most 64 KiB (I/O ports) has an entry per byte
 * instead. The view is rebuilt when the tree changes; whoever caches what it said (a TLB) registers a
 * listener.
 *
 * read and write take any length and any alignment. RAM moves in the largest pieces there are; MMIO is split
 * by the sizes that the region declares, and by nothing else (LESSONS 26). The results of the pieces are
 * ORed; an access goes on after a piece that failed. Addresses do not wrap: what lies beyond the size of the
 * space is MEM_DECODE_ERROR. A register callback may change the tree; the rest of the access sees the new
 * view.
 */
#ifndef MEM_SPACE_H
#define MEM_SPACE_H

#include <stdio.h>
#include "emu/core/clock.h"
#include "mem/region.h"

struct space;
struct bounce_pool;

/* A stretch of a space that has one answer. */
struct view_range {
    gaddr start;
    uint64_t length;
    struct region *region; /* never an alias or container; NULL where nobody answers */
    struct region_at at;   /* where in the region `start` is */
    bool read_only;        /* writes are lost: ROM, or seen through a read-only alias */
    uint8_t *
        host[2]; /* where DMA may use a pointer to `start`, by enum dma_direction; NULL: by message (dma.h) */
};

struct space_listener {
    struct list node;
    /* The view changed: drop what you cached. Called once all views are rebuilt; ranges found before are
     * gone. */
    void (*view_changed)(void *owner);
    /* The marks of a region concern the listeners of every space that has ever seen it, by whatever space or
     * pointer the write came. Any callback may be NULL; one may unlisten itself, but no other. Dirty bits of
     * this region were cleared, or code marks set: drop write permissions that you cached. */
    void (*marks_changed)(void *owner, struct region *region);
    /* Bytes of one page that carries MARK_CODE are about to be written, or have just been (by anybody). The
     * mark is cleared when every listener that has this callback returns true; then there is no decoded code
     * left in the page. */
    bool (*code_written)(void *owner, struct region *region, struct region_at at, uint64_t length);
    void *owner;
};

/*
 * `root` gets a use. `clock` serves the waiters of the bounce pool and may be NULL where nothing waits.
 * `size` is in bytes (65536 for ports, 1 << 32 or 1 << 36 for memory, at most 1 << 40; the page table of the
 * view is sparse). The space starts with DMA mode direct and the default bounce limit of 4096 bytes (see
 * dma.h).
 */
struct space *space_new(const char *name, struct region *root, uint64_t size, struct clock *clock);
void space_free(
    struct space *space); /* nothing may be mapped any more (checked), nobody wait; listeners are unlinked */
const char *space_name(const struct space *space);
struct clock *space_clock(const struct space *space);

/* Which range answers at `addr`: the whole range (never NULL; valid until the view changes), and in *at,
 * which may be NULL, where `addr` is in its region. */
const struct view_range *space_find(const struct space *space, gaddr addr, struct region_at *at);

enum mem_result space_read(struct space *space, gaddr addr, void *to, uint64_t length);
enum mem_result space_write(struct space *space, gaddr addr, const void *from, uint64_t length);
enum mem_result space_fill(struct space *space, gaddr addr, uint8_t byte, uint64_t length);

/* One access of a CPU or device of 1, 2, 4 or 8 bytes, value in host order, memory little-endian. *value is
 * always set; bytes that nobody gave are all ones. */
enum mem_result space_load(struct space *space, gaddr addr, unsigned size, uint64_t *value);
enum mem_result space_store(struct space *space, gaddr addr, unsigned size, uint64_t value);
/* Does the first of `count` space_loads of one register at once, where its device can (mmio_series, region.h). Returns
 * how many; 0: none. */
uint32_t space_load_series(struct space *space, gaddr addr, unsigned size, uint8_t *to, uint32_t count);

/* Reads without any side effect, for debuggers: RAM and ROM only; other bytes read as all ones. False if any
 * was. */
bool space_peek(const struct space *space, gaddr addr, void *to, uint64_t length);
/* Writes RAM and ROM as a debugger does: code marks are honoured, registers are not touched. False if any
 * byte was lost. */
bool space_poke(struct space *space, gaddr addr, const void *from, uint64_t length);

void space_listen(struct space *space, struct space_listener *listener);
void space_unlisten(struct space_listener *listener);

/* RAM of a region was written by pointer: marks it dirty, and tells listeners where it held code. Every
 * writer that does not use space_write calls it, for exactly the bytes it touched. One load where the marks
 * of the page ask for nothing. */
void region_written_slow(struct region *region, struct region_at at, uint64_t length);
static inline void region_written(struct region *region, struct region_at at, uint64_t length)
{
    uint64_t page = at.offset >> MEM_PAGE_BITS;
    if (length && (at.offset + length - 1) >> MEM_PAGE_BITS == page && region->marks[page] == MARK_DIRTY_ALL)
        return;
    region_written_slow(region, at, length);
}
/* Puts MARK_CODE on a page (the CPU decoded from it) and tells listeners to drop cached write permission. */
void region_mark_code(struct region *region, struct region_at at);

/* The view, one range a line (QEMU's `info mtree -f`). */
void space_print(const struct space *space, FILE *to);

#endif

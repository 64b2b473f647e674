/* SPDX-License-Identifier: MIT */
/*
 * Regions: the pieces of which address spaces are made.
 *
 *   RAM        host memory; read and written by pointer. Flag *indirect*: by message only, never by pointer.
 *   ROM        host memory; writes are lost (firmware).
 *   MMIO       a device's registers; two callbacks and the access sizes they accept.
 *   alias      a window onto part of another region.
 *   container  holds other regions at offsets, with priorities; where two overlap, the higher priority is seen;
 *              of equals, the one added later.
 *
 * A region is made by the device that owns it and may be in one container at a time (use aliases for more).
 * It is counted: the maker holds one use, and so does each mapping (see dma.h), so a region that is removed
 * or released while a mapping points into it stays alive until the unmap (LESSONS 15). Containers,
 * aliases, spaces and views hold uses of what they show; so a region can be released right after it was
 * added, and is seen until it is removed. An MMIO region must be removed before its owner goes.
 *
 * Changes of the tree (add, remove, enable, move, set_alias) take effect at once, or together at the
 * outermost region_change_end(). They may be made from within a register callback. Sizes and places are
 * bytes, below 1 << 62; a region that is placed beyond the end of its container is not seen. Not thread-safe;
 * everything runs on the machine's thread.
 */
#ifndef MEM_REGION_H
#define MEM_REGION_H

#include "emu/core/error.h"
#include "emu/core/list.h"
#include "mem/mem.h"

enum region_kind { REGION_RAM, REGION_ROM, REGION_MMIO, REGION_ALIAS, REGION_CONTAINER };

/*
 * Register callbacks. `at` counts from the start of the region, `size` is 1, 2, 4 or 8 and between the two
 * limits; values are in host order. Wider or unaligned accesses are split, lowest address first, into pieces
 * as large as the limits and alignment allow; narrower ones fail with MEM_DEVICE_ERROR. Both callbacks may be
 * NULL (reads then give all ones, writes are lost). `unaligned` says that the device takes accesses that are
 * not aligned to their size.
 */
struct mmio_ops {
    enum mem_result (*read)(void *owner, struct region_at at, unsigned size, uint64_t *value);
    enum mem_result (*write)(void *owner, struct region_at at, unsigned size, uint64_t value);
    uint8_t min_size, max_size; /* 0 means 1 and 4 */
    bool unaligned;
};

/*
 * For repeated input (REP INS): the next reads of one register, at most `count`, of `size` each, as many as have no
 * effect but that the next one finds what comes next: no interrupt, no event, no other register. They are put to `to` one
 * after the other, little-endian. Returns how many; 0: take the ordinary way. Sizes and the guard are as for a read.
 */
typedef uint32_t (*mmio_series)(void *owner, struct region_at at, unsigned size, uint8_t *to, uint32_t count);

/*
 * Re-entrancy: one guard per device, named in each of its MMIO regions. The memory layer enters it around the
 * callbacks; the device enters it around its own entry points (events, completions, wakes) with
 * guard_enter/guard_leave; a stream enters it around its rounds (stream_set_guard). An access that arrives
 * while the guard is held can only come by DMA, since a CPU does nothing in the meantime: it does not reach
 * the callback, ends with MEM_REENTRY, reads all ones, and leaves one lint line (LESSONS 30).
 */
struct mem_guard {
    const char *device; /* for the lint line */
    unsigned depth;
};
static inline void guard_enter(struct mem_guard *guard)
{
    guard->depth++;
}
static inline void guard_leave(struct mem_guard *guard)
{
    guard->depth--;
}

/* One byte of marks per 4 KiB page of RAM and ROM. A write must take the slow path while MARK_CODE is set or
 * any dirty bit is clear, that is, unless the byte is MARK_DIRTY_ALL. New memory starts like that. */
enum page_mark {
    MARK_CODE = 1 << 0, /* decoded instructions come from this page */
    /* A dirty bit belongs to one client, which clears it to be told of the next write. */
    MARK_DIRTY_DISPLAY = 1 << 1,
    MARK_DIRTY_SNAPSHOT = 1 << 2,
    MARK_DIRTY_SAVE = 1 << 3,
    MARK_DIRTY_ALL = MARK_DIRTY_DISPLAY | MARK_DIRTY_SNAPSHOT | MARK_DIRTY_SAVE,
};

struct region {
    const char *name;
    enum region_kind kind;
    uint64_t size;
    unsigned uses;
    uint64_t mapped, unmapped; /* mappings made and ended; while they differ the region stays */

    /* RAM and ROM */
    uint8_t *host;
    uint8_t *marks; /* one per page */
    bool indirect;  /* set before the region is first added */
    bool host_owned;

    /* MMIO */
    const struct mmio_ops *ops;
    void *owner;
    struct mem_guard *guard;
    mmio_series series; /* set by whoever made the region, or NULL */
    uint8_t read_sizes,
        write_sizes; /* of accesses that go to a callback as they are: a bit each, of value 1 to 8 */

    /* alias */
    struct region *target;
    struct region_at target_at;
    bool read_only; /* an alias through which writes are lost (a shadowed BIOS) */

    /* place in the tree */
    struct region *container;
    uint64_t place; /* offset within the container */
    int priority;
    bool enabled;
    struct list children; /* of a container: highest priority first */
    struct list siblings;
    struct list spaces;      /* spaces whose root this is */
    struct list aliases;     /* aliases whose target this is */
    struct list same_target; /* of an alias: its node in target->aliases */
    struct list watches;     /* spaces that have ever seen this memory: their listeners hear of its marks */
};

/* All return a region with one use, or NULL with an error when host memory cannot be had. `name` must outlive
 * it. */
struct region *region_new_ram(const char *name, uint64_t size,
                              struct error *error); /* zeroed, untouched pages cost nothing */
struct region *region_new_rom(const char *name, uint64_t size,
                              struct error *error); /* filled by its maker via ->host */
struct region *region_new_mmio(const char *name, uint64_t size, const struct mmio_ops *ops, void *owner,
                               struct mem_guard *guard);
struct region *region_new_alias(const char *name, struct region *target, struct region_at from,
                                uint64_t size);
struct region *region_new_container(const char *name, uint64_t size);

void region_use(struct region *region);
void region_unmapped(struct region *region); /* for dma.h: one mapping ended */
void region_release(struct region *region);  /* the last one frees; NULL is fine */

void region_add(struct region *container, uint64_t place, struct region *region, int priority);
void region_remove(struct region *region); /* harmless when it is nowhere */
void region_move(struct region *region, uint64_t place);
void region_enable(struct region *region,
                   bool enabled); /* disabled: not seen, neither here nor through aliases */
void region_set_alias(struct region *alias, struct region_at from, bool read_only);

/* Brackets several changes, so that views are rebuilt once. Nests. */
void region_change_begin(void);
void region_change_end(void);

/* Marks. `at` and `length` lie within the region. Clearing tells the listeners of every space that has seen
 * the region. (region_written and region_mark_code are in space.h.) */
bool region_dirty(const struct region *region, struct region_at at, uint64_t length, enum page_mark client);
void region_clear_dirty(struct region *region, struct region_at at, uint64_t length, enum page_mark client);

#endif

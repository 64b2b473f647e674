/* SPDX-License-Identifier: MIT */
/* The pool and the copies: see swiotlb.h. */
#include "swiotlb.h"
#include "guests/demo/lib.h"
#include "guests/demo/power.h"

enum {
    AREA_SLOTS = SWIOTLB_AREA / SWIOTLB_SLOT,
    SEGMENT_SLOTS = SWIOTLB_SEGMENT / SWIOTLB_SLOT,
    KEEP_MOST = 4095,
    STALE = 0x5f, /* fills slots that nobody has: it must never be seen in a buffer */
};

/* Low memory that nothing else uses: from here on, every other MiB, so that areas are no neighbours. */
#define LOW_MEMORY     0x00400000u
#define LOW_MEMORY_END 0x01000000u
#define AREA_STEP      (2 * SWIOTLB_AREA)

static struct {
    unsigned areas, used;
    bool taken[SWIOTLB_AREAS_MOST * AREA_SLOTS];
    bool was_full;
    unsigned io; /* transfers under way */
} pool;

static uint32_t area_address(unsigned area)
{
    return LOW_MEMORY + area * AREA_STEP;
}

static uint32_t slot_address(unsigned slot)
{
    return area_address(slot / AREA_SLOTS) + slot % AREA_SLOTS * SWIOTLB_SLOT;
}

bool swiotlb_grow(void)
{
    if (pool.io) fail("swiotlb: the pool grows while a transfer is under way");
    if (pool.areas == SWIOTLB_AREAS_MOST || area_address(pool.areas) + SWIOTLB_AREA > LOW_MEMORY_END)
        return false;
    memset((void *)area_address(pool.areas), STALE, SWIOTLB_AREA);
    pool.areas++;
    pool.was_full = false;
    return true;
}

void swiotlb_init(void)
{
    pool.areas = pool.used = pool.io = 0;
    memset(pool.taken, 0, sizeof pool.taken);
    if (!swiotlb_grow()) fail("swiotlb: no memory for the first area");
}

void swiotlb_io_begin(void)
{
    pool.io++;
}

void swiotlb_io_end(void)
{
    pool.io--;
}

uint32_t swiotlb_largest(uint32_t keep)
{
    return SWIOTLB_SEGMENT - keep;
}

/* Is a run of `count` slots from `first` on free, and within its segment? */
static bool run_is_free(unsigned first, unsigned count)
{
    if (first % SEGMENT_SLOTS + count > SEGMENT_SLOTS) return false;
    for (unsigned i = 0; i < count; i++)
        if (pool.taken[first + i]) return false;
    return true;
}

/* The first slot of a free run, or -1. */
static int find_run(unsigned count, uint32_t align)
{
    for (unsigned slot = 0; slot < pool.areas * AREA_SLOTS; slot++)
        if (!(slot_address(slot) & (align - 1)) && run_is_free(slot, count)) return (int)slot;
    return -1;
}

static void mark_run(unsigned first, unsigned count, bool taken)
{
    for (unsigned i = 0; i < count; i++) {
        if (pool.taken[first + i] == taken)
            fail("swiotlb: slot %u is %s twice", first + i, taken ? "taken" : "given back");
        pool.taken[first + i] = taken;
    }
    pool.used += taken ? count : -count;
}

bool swiotlb_map(struct swiotlb_map *map, void *original, uint32_t length, enum swiotlb_direction direction,
                 uint32_t align, uint32_t keep)
{
    uint32_t padding = (uint32_t)original & keep;
    unsigned slots = (padding + length + SWIOTLB_SLOT - 1) / SWIOTLB_SLOT;
    int first;

    if (keep & (keep + 1) || keep > KEEP_MOST || align & (align - 1))
        fail("swiotlb: align %x, keep %x", align, keep);
    map->bounce = 0;
    if (!length || length > SWIOTLB_SEGMENT - padding) return false;
    /* What is kept has to fit in front of the data: the run starts at a multiple of both. */
    if (align <= keep) align = keep + 1;
    if (align < SWIOTLB_SLOT) align = SWIOTLB_SLOT;
    first = find_run(slots, align);
    if (first < 0) {
        pool.was_full = true;
        return false;
    }
    mark_run((unsigned)first, slots, true);
    *map = (struct swiotlb_map){original,        length, slot_address((unsigned)first) + padding,
                                (unsigned)first, slots,  direction};
    memcpy((void *)map->bounce, original, length);
    return true;
}

static void check_part(const struct swiotlb_map *map, uint32_t offset, uint32_t length)
{
    if (!map->bounce) fail("swiotlb: sync of what is not mapped");
    if (offset > map->length || length > map->length - offset)
        fail("swiotlb: sync of %u bytes at %u, mapped are %u", length, offset, map->length);
}

void swiotlb_sync_for_cpu(const struct swiotlb_map *map, uint32_t offset, uint32_t length)
{
    check_part(map, offset, length);
    if (map->direction & SWIOTLB_FROM_DEVICE)
        memcpy(map->original + offset, (uint8_t *)map->bounce + offset, length);
}

void swiotlb_sync_for_device(const struct swiotlb_map *map, uint32_t offset, uint32_t length)
{
    check_part(map, offset, length);
    if (map->direction & SWIOTLB_TO_DEVICE)
        memcpy((uint8_t *)map->bounce + offset, map->original + offset, length);
}

void swiotlb_unmap(struct swiotlb_map *map)
{
    if (!map->bounce) fail("swiotlb: unmapped twice");
    swiotlb_sync_for_cpu(map, 0, map->length);
    memset((void *)slot_address(map->first), STALE, map->slots * SWIOTLB_SLOT);
    mark_run(map->first, map->slots, false);
    map->bounce = 0;
}

unsigned swiotlb_areas(void)
{
    return pool.areas;
}

unsigned swiotlb_slots_used(void)
{
    return pool.used;
}

bool swiotlb_was_full(void)
{
    return pool.was_full;
}

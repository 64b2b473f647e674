/* SPDX-License-Identifier: MIT */
/*
 * A small software I/O TLB: bounce buffers in memory that a device with few address bits can reach, standing in for
 * buffers that it cannot. The idea is that of Linux's swiotlb.
 *
 * Memory below 16 MiB is taken in areas of 1 MiB, cut into slots of 2 KiB. A mapping is a run of slots within one
 * segment of 128 slots, so 256 KiB is the most that can ever be mapped at once. A map never waits and never grows
 * the pool: when there is no run it says so, and whoever keeps house grows the pool when no transfer is under way
 * (an allocation that waits for I/O, inside of I/O that waits for the allocation, would wait for ever).
 *
 *     if (!swiotlb_map(&map, buffer, length, SWIOTLB_FROM_DEVICE, 0, 0)) ...    // later, or swiotlb_grow()
 *     ... DMA to map.bounce ...
 *     swiotlb_unmap(&map);                                                      // the bytes are in buffer now
 *
 * A bounce starts as a copy of its buffer, whatever the direction: what the device does not write is copied back as it
 * was. Physical and virtual addresses are the same here.
 */
#ifndef SWIOTLB_SWIOTLB_H
#define SWIOTLB_SWIOTLB_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SWIOTLB_SLOT = 2048,
    SWIOTLB_SEGMENT = 128 * SWIOTLB_SLOT,
    SWIOTLB_AREA = 4 * SWIOTLB_SEGMENT,
    SWIOTLB_AREAS_MOST = 8,
};

enum swiotlb_direction {
    SWIOTLB_TO_DEVICE = 1 << 0,
    SWIOTLB_FROM_DEVICE = 1 << 1,
    SWIOTLB_BOTH = SWIOTLB_TO_DEVICE | SWIOTLB_FROM_DEVICE,
};

/* A mapping keeps what a sync of a part needs: where the buffer is, how long, and how far into the slots it starts. */
struct swiotlb_map {
    uint8_t *original;
    uint32_t length;
    uint32_t bounce;       /* address of the stand-in of original[0]; 0 when not mapped */
    unsigned first, slots; /* of the pool, padding included */
    enum swiotlb_direction direction;
};

void swiotlb_init(void); /* with one area */

/* Takes one more area. False when there is no more memory below 16 MiB, or no room for it. Not between
 * swiotlb_io_begin and swiotlb_io_end: fails. */
bool swiotlb_grow(void);
void swiotlb_io_begin(void);
void swiotlb_io_end(void);

/*
 * Two different wishes, never mixed:
 *   align  the run of slots starts at a multiple of this power of two (0: of a slot)
 *   keep   low bits that the bounce's address shares with the buffer's: 0, or a power of two minus 1, up to 4095
 * False, and the pool remembers that it was too small, when there is no such run now. A length above
 * swiotlb_largest(keep) never succeeds.
 */
bool swiotlb_map(struct swiotlb_map *map, void *original, uint32_t length, enum swiotlb_direction direction,
                 uint32_t align, uint32_t keep);
/* The largest mapping that is possible in an empty pool, wherever the buffer lies. */
uint32_t swiotlb_largest(uint32_t keep);

/* Copies part of a mapping, as its direction says: what the device wrote, for the CPU to read; what the CPU wrote, for
 * the device to read. Beyond the mapping: fails. */
void swiotlb_sync_for_cpu(const struct swiotlb_map *map, uint32_t offset, uint32_t length);
void swiotlb_sync_for_device(const struct swiotlb_map *map, uint32_t offset, uint32_t length);

/* Syncs all of it for the CPU, and gives the slots back. Twice: fails. */
void swiotlb_unmap(struct swiotlb_map *map);

unsigned swiotlb_areas(void);
unsigned swiotlb_slots_used(void);
bool swiotlb_was_full(void); /* a map found nothing since the pool last grew */

#endif

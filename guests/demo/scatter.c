/* SPDX-License-Identifier: MIT */
/* Scattered memory: making the lists, filling and comparing what they name. */
#include "scatter.h"
#include "console.h"
#include "disk_layout.h"
#include "lib.h"
#include "paging.h"
#include "power.h"

enum {
    GUARD_BYTE = 0xa7,
    PIECE_BOUNDARY = 0x10000, /* a piece may not cross a multiple of this */
};

/* Even, as the bus-master specification demands, and otherwise as awkward as can be. */
static const uint16_t odd_sizes[] = {2,  6, 510,  1022, 514, 30,   1538, 4094,
                                     66, 2, 4098, 254,  770, 2046, 3002, 14};

enum { ODD_SIZES = sizeof odd_sizes / sizeof odd_sizes[0] };

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t to_boundary(uint32_t address, uint32_t boundary)
{
    return boundary - address % boundary;
}

static void list_add(struct piece_list *list, uint32_t address, uint32_t length)
{
    if (list->count == MAX_PIECES) fail("too many pieces");
    list->pieces[list->count++] = (struct piece){address, length};
}

static void list_shuffle(struct piece_list *list, uint32_t *random)
{
    for (unsigned i = list->count; i > 1; i--) {
        unsigned j = random_next(random) % i;
        struct piece p = list->pieces[i - 1];

        list->pieces[i - 1] = list->pieces[j];
        list->pieces[j] = p;
    }
}

void scatter_init(void)
{
    memset((void *)ARENA_ADDRESS, GUARD_BYTE, ARENA_SIZE);
}

void scatter_odd(struct piece_list *list, uint32_t bytes, uint32_t *random)
{
    uint32_t address = ARENA_ADDRESS;
    uint32_t widest_gap = smaller((ARENA_SIZE - bytes) / 256, 2000); /* so that there is room for 256 gaps */

    list->count = 0;
    while (bytes) {
        uint32_t length = smaller(odd_sizes[random_next(random) % ODD_SIZES], bytes);

        address += random_next(random) % widest_gap & ~1u;
        length = smaller(length, to_boundary(address, PIECE_BOUNDARY));
        if (address + length > ARENA_ADDRESS + ARENA_SIZE) fail("the arena is too small");
        list_add(list, address, length);
        address += length;
        bytes -= length;
    }
    list_shuffle(list, random);
}

void scatter_whole(struct piece_list *list, uint32_t bytes)
{
    list->count = 0;
    for (uint32_t done = 0; done < bytes; done += PIECE_BOUNDARY)
        list_add(list, ARENA_ADDRESS + ARENA_SIZE - PIECE_BOUNDARY - done,
                 smaller(bytes - done, PIECE_BOUNDARY));
}

void scatter_virtual(struct piece_list *list, uint32_t address, uint32_t bytes, uint32_t *random)
{
    list->count = 0;
    while (bytes) {
        uint32_t length = smaller(odd_sizes[random_next(random) % ODD_SIZES], bytes);

        length = smaller(length, to_boundary(address, PAGE_SIZE));
        list_add(list, paging_physical(address), length);
        address += length;
        bytes -= length;
    }
}

/* The two bytes of the pattern at an even offset, the first one in bits 7:0. */
static uint16_t pattern_pair(uint32_t seed, uint32_t offset)
{
    return (uint16_t)(demo_pattern_word(seed, offset / 4) >> (offset & 2) * 8);
}

void scatter_fill(const struct piece_list *list, uint32_t seed, uint32_t offset)
{
    for (unsigned i = 0; i < list->count; i++) {
        uint16_t *pairs = (uint16_t *)list->pieces[i].address;

        for (uint32_t n = 0; n < list->pieces[i].length / 2; n++, offset += 2)
            pairs[n] = pattern_pair(seed, offset);
    }
}

void scatter_compare(const struct piece_list *list, uint32_t seed, uint32_t offset)
{
    for (unsigned i = 0; i < list->count; i++) {
        const uint16_t *pairs = (const uint16_t *)list->pieces[i].address;

        for (uint32_t n = 0; n < list->pieces[i].length / 2; n++, offset += 2)
            if (pairs[n] != pattern_pair(seed, offset))
                fail("piece %u (address %08x, %u bytes): %04x instead of %04x at byte %u", i,
                     list->pieces[i].address, list->pieces[i].length, pairs[n], pattern_pair(seed, offset),
                     n * 2);
    }
}

uint32_t scatter_crc(const struct piece_list *list, uint32_t crc)
{
    for (unsigned i = 0; i < list->count; i++)
        crc = crc32(crc, (const void *)list->pieces[i].address, list->pieces[i].length);
    return crc;
}

void scatter_wipe(const struct piece_list *list)
{
    const uint32_t guard_word = GUARD_BYTE * 0x01010101u;
    const uint32_t *arena = (const uint32_t *)ARENA_ADDRESS;

    for (unsigned i = 0; i < list->count; i++)
        memset((void *)list->pieces[i].address, GUARD_BYTE, list->pieces[i].length);
    for (uint32_t n = 0; n < ARENA_SIZE / 4; n++)
        if (arena[n] != guard_word)
            fail("memory beside the pieces was changed, at %08x", (uint32_t)&arena[n]);
}

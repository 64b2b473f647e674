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

/* How wide gaps may be when `bytes` go into the arena, so that there is room for 256 of them. */
static uint32_t widest_gap(uint32_t bytes)
{
    return smaller((ARENA_SIZE - bytes) / 256, 2000);
}

/* Adds a piece of at most `most` bytes a little behind `address`; returns where it ends. */
static uint32_t place_odd(struct piece_list *list, uint32_t address, uint32_t most, uint32_t gap,
                          uint32_t *random)
{
    uint32_t length = smaller(odd_sizes[random_next(random) % ODD_SIZES], most);

    address += random_next(random) % gap & ~1u;
    length = smaller(length, to_boundary(address, PIECE_BOUNDARY));
    if (address + length > ARENA_ADDRESS + ARENA_SIZE) fail("the arena is too small");
    list_add(list, address, length);
    return address + length;
}

static uint32_t last_length(const struct piece_list *list)
{
    return list->pieces[list->count - 1].length;
}

void scatter_odd(struct piece_list *list, uint32_t bytes, uint32_t *random)
{
    uint32_t address = ARENA_ADDRESS, gap = widest_gap(bytes);

    list->count = 0;
    while (bytes) {
        address = place_odd(list, address, bytes, gap, random);
        bytes -= last_length(list);
    }
    list_shuffle(list, random);
}

void scatter_odd_pair(struct piece_list lists[2], const uint32_t bytes[2], uint32_t *random)
{
    uint32_t address = ARENA_ADDRESS, gap = widest_gap(bytes[0] + bytes[1]);
    uint32_t left[2] = {bytes[0], bytes[1]};

    lists[0].count = lists[1].count = 0;
    while (left[0] || left[1]) {
        unsigned which = random_next(random) % 2;

        if (!left[which]) which ^= 1;
        address = place_odd(&lists[which], address, left[which], gap, random);
        left[which] -= last_length(&lists[which]);
    }
    list_shuffle(&lists[0], random);
    list_shuffle(&lists[1], random);
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

static void pieces_wipe(const struct piece_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        memset((void *)list->pieces[i].address, GUARD_BYTE, list->pieces[i].length);
}

static void arena_check(void)
{
    const uint32_t guard_word = GUARD_BYTE * 0x01010101u;
    const uint32_t *arena = (const uint32_t *)ARENA_ADDRESS;

    for (uint32_t n = 0; n < ARENA_SIZE / 4; n++)
        if (arena[n] != guard_word)
            fail("memory beside the pieces was changed, at %08x", (uint32_t)&arena[n]);
}

void scatter_wipe(const struct piece_list *list)
{
    pieces_wipe(list);
    arena_check();
}

void scatter_wipe_pair(const struct piece_list lists[2])
{
    pieces_wipe(&lists[0]);
    pieces_wipe(&lists[1]);
    arena_check();
}

/* SPDX-License-Identifier: MIT */
/*
 * The cache of decoded instructions. A block is a run of them from one page of memory, ending at the first that may
 * change EIP or mode. It is known by its place in host memory, the code size and whether segments are flat, so that
 * code seen at two addresses is decoded once; and it remembers where it was last entered (linear address and
 * code_key), so that entering it again is one compare. An instruction that ended a block remembers which block came
 * then (insn.next): most often that is the one that comes again, which the same compare says. Dropped blocks fail
 * the compare, and their memory stays until all goes (cache_flush), so that these pointers never dangle.
 *
 * Behind its last instruction a block has one more entry, which leaves it (body_block_end); its `number` and
 * `offset` are those that an instruction there would have.
 *
 * An instruction that crosses into the next page is a block of its own, which depends on both pages. Code in
 * device memory is decoded anew each time, one instruction at a time.
 *
 * Writes to pages with blocks reach code_written (block.c), by whomever they are done; blocks whose bytes
 * were written are dropped, and the block under way ends after its current instruction. Memory comes from an
 * arena; when it is full everything is dropped.
 */
#ifndef EMU_CPU_BLOCK_H
#define EMU_CPU_BLOCK_H

#include "emu/cpu/internal.h"
#include "emu/cpu/mmu.h"

struct code_page;

struct block {
    uint32_t linear; /* where it was entered, and under which code_key; 0: nowhere */
    uint32_t key;
    uint16_t count; /* instructions */
    uint16_t bytes;
    uint16_t at;  /* offset in its page */
    uint8_t mode; /* KEY_CODE32, KEY_FLAT */
    struct code_page *page;
    struct code_page *second; /* the next page's, of an instruction that crosses; else NULL */
    struct list in_page;
    struct block *next;      /* of those with the same hash */
    struct block *next_tail; /* of those that end in the same second page */
    struct insn insns[];     /* count, and the one that leaves the block */
};

/*
 * code_key: bit 0 code size, bit 1 user mode, bit 2 flat segments, bits 8-31 a number that changes with every flush
 * of the TLB. 0 is never one.
 */
enum { KEY_CODE32 = 1 << 0, KEY_USER = 1 << 1, KEY_FLAT = 1 << 2, KEY_EPOCH = 1 << 8 };

/* In flat blocks, ES, SS and DS are flat, SS is of 32 bits, and nobody asks them at every access. What loads a segment
 * register ends its block. */
#define FLAT_SEGMENTS (1u << CPU_ES | 1u << CPU_SS | 1u << CPU_DS)

#define JUMP_BITS 12

struct block_cache {
    struct block *jump[1 << JUMP_BITS]; /* by linear address; never NULL */
    struct block *nowhere;              /* what empty places hold */
    struct block *first_link;           /* cpu->link until a block has been left */
    struct block *single;               /* the uncached instruction */
    bool flush_wanted;
    const uint8_t *marking; /* page that is being marked as code by this CPU */
    uint8_t *arena;
    size_t arena_used;
    struct code_page **pages; /* hash tables */
    struct block **blocks;
};

bool block_cache_create(struct cpu *cpu); /* false: no host memory */
void block_cache_free(struct cpu *cpu);
/* Registers cpu->listener with the memory space. */
void block_cache_listen(struct cpu *cpu);

/* Linear addresses may mean other pages now: no block is entered without looking (mmu.c). */
void code_translation_changed(struct cpu *cpu);

/* The block at `linear`, found or decoded. Raises #PF and #GP of the fetch. */
struct block *block_look_up(struct cpu *cpu, uint32_t linear);

static inline unsigned jump_slot(uint32_t linear)
{
    return (linear ^ linear >> JUMP_BITS) & ((1u << JUMP_BITS) - 1);
}

#endif

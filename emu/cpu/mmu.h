/* SPDX-License-Identifier: MIT */
/*
 * The MMU as code_tlb.c, run.c and debug_access.c see it; bodies use access.h. A TLB in front of the page walk
 * (paging.h), and the physical space behind it.
 */
#ifndef EMU_CPU_MMU_H
#define EMU_CPU_MMU_H

#include "emu/cpu/internal.h"

struct code_translation;

/* Bits of CR0 and CR4 that paging depends on (SDM 3A, 2.5). */
enum {
    CR0_PE = 1 << 0,
    CR0_WP = 1 << 16,
    CR4_PSE = 1 << 4,
    CR4_PAE = 1 << 5,
    CR4_PGE = 1 << 7,
};
#define CR0_PG 0x80000000u

#define EFER_NXE 0x800u

#define PAGE_BYTES  0x1000u
#define LARGE_BYTES 0x400000u

enum {
    PAGE_PRESENT = 1 << 0,
    PAGE_WRITABLE = 1 << 1,
    PAGE_USER = 1 << 2,
    PAGE_ACCESSED = 1 << 5,
    PAGE_DIRTY = 1 << 6,
    PAGE_SIZE = 1 << 7, /* of a PDE: it maps a page itself */
    PAGE_GLOBAL = 1 << 8,
};

/* What is known of a page in the TLB, besides its address. */
enum {
    TLB_GLOBAL = 1 << 0,
    TLB_LARGE = 1 << 1,     /* of a page of 2 or 4 MiB */
    TLB_MEMORY = 1 << 2,    /* RAM or ROM: `host` is good */
    TLB_REGISTERS = 1 << 3, /* all of the page is MMIO of one region, which it writes too */
    TLB_REGION_PAGE = 4,    /* from this bit on: which page of that region */
};

enum mmu_access { MMU_READ, MMU_WRITE, MMU_FETCH };

/* A set that stays empty, so that every access takes the slow path. */
extern const struct tlb_entry tlb_none[TLB_ENTRIES];

/* An empty TLB, for a new CPU. False: no host memory. */
bool mmu_create(struct cpu *cpu);
void mmu_free(struct cpu *cpu);
/* Translates with the rights of user or supervisor mode; raises #PF, sets accessed and dirty bits. The entry is good until the
 * next translation. */
struct tlb_entry *mmu_translate(struct cpu *cpu, uint32_t linear, enum mmu_access access, bool user);
/* The same for instruction fetch, with the rights of the CPL and past the TLB: `flags`, `host` and `physical` of
 * *translation, and whether the page is global. */
void mmu_translate_code(struct cpu *cpu, uint32_t linear, struct code_translation *translation, bool *global);
/* INVLPG of `linear` drops the entry of `page`, with its TLB_... flags: all of a 4 MiB page, whichever part is named (SDM 2,
 * INVLPG). */
static inline bool mmu_same_page(uint32_t page, uint32_t linear, uint32_t flags)
{
    return !((page ^ linear) & ~((flags & TLB_LARGE) ? LARGE_BYTES - 1 : PAGE_BYTES - 1));
}

/* Of an entry that is not empty. */
static inline uint32_t tlb_entry_page(const struct tlb_entry *entry)
{
    return entry->page;
}
/* The entry permits reading or writing `page`, be it slowly. */
static inline bool tlb_allows(const struct tlb_entry *entry, uint32_t page, enum mmu_access access)
{
    uint32_t tag = access == MMU_WRITE ? entry->write : entry->read;
    return (tag & ~(uint32_t)TLB_SLOW) == page;
}
/* Looks again whether writes to this writable page can be plain stores. */
void tlb_refresh_write(struct cpu *cpu, struct tlb_entry *entry);

/* Drops cached write permission of pages in that host memory, so that the next write looks at the marks
 * again. */
void tlb_forget_writes(struct cpu *cpu, const uint8_t *host, uint64_t size);

#endif

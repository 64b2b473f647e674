/* SPDX-License-Identifier: MIT */
/*
 * Where code is fetched from: the TLB of instruction fetch, apart from the one of data (SDM 3A, 4.10.2).
 *
 * A page is recorded when the first instruction is fetched from it, and stays until a flush or INVLPG names it, or until
 * the record is full, when all of it goes. So what it holds follows from the instructions that were carried out and from
 * nothing else: not from which of them are cached as blocks, nor from where runs were cut. A guest that changes a page
 * table without INVLPG sees the same old page in every run.
 *
 * A block whose key is the current one (block.h) lies in recorded pages: whoever removes one changes the key.
 */
#ifndef EMU_CPU_CODE_TLB_H
#define EMU_CPU_CODE_TLB_H

#include "emu/cpu/internal.h"

struct code_translation {
    uint32_t page;       /* linear address; bit 0: fetched with the rights of user mode */
    uint32_t flags;      /* TLB_LARGE, TLB_MEMORY (mmu.h) */
    const uint8_t *host; /* names a page of RAM or ROM, and is not for reading (indirect RAM); else NULL */
    uint64_t physical;
};

#define CODE_PAGES 1024u
#define CODE_SLOTS 2048u

/* Found by hash: a slot holds a place in `pages` plus one, 0 when it is empty; a search ends at an empty one. */
struct code_page_set {
    struct code_translation pages[CODE_PAGES];
    uint16_t slots[CODE_SLOTS];
    unsigned count;
};
struct code_tlb {
    struct code_page_set local, global; /* global pages stay over a load of CR3 */
};

/* The translation of `linear` with the rights of the CPL; raises #PF, sets accessed bits. */
struct code_translation code_tlb_fetch(struct cpu *cpu, uint32_t linear);

void code_tlb_flush(struct cpu *cpu, bool global_too);
void code_tlb_flush_page(struct cpu *cpu, uint32_t linear);

#endif

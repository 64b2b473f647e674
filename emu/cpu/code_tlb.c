/* SPDX-License-Identifier: MIT */
/* The TLB of instruction fetch (code_tlb.h). */
#include "emu/cpu/code_tlb.h"
#include <string.h>
#include "emu/cpu/block.h"
#include "emu/cpu/mmu.h"

static unsigned slot_first(uint32_t page)
{
    return (page * 0x9e3779b1u >> 16) % CODE_SLOTS;
}

/* The slot that holds the page, or the empty one where it belongs. */
static inline uint16_t *slot_of(struct code_page_set *set, uint32_t page)
{
    unsigned at = slot_first(page);
    while (set->slots[at] && set->pages[set->slots[at] - 1].page != page) at = (at + 1) % CODE_SLOTS;
    return &set->slots[at];
}

static inline const struct code_translation *set_find(struct code_page_set *set, uint32_t page)
{
    unsigned place = *slot_of(set, page);
    return place ? &set->pages[place - 1] : NULL;
}

static void set_add(struct code_page_set *set, const struct code_translation *translation)
{
    uint16_t *slot = slot_of(set, translation->page);
    set->pages[set->count++] = *translation;
    *slot = (uint16_t)set->count;
}

/* True when there was something to drop. A few pages are forgotten one by one: most often there are few. */
static bool set_clear(struct code_page_set *set)
{
    unsigned count = set->count;
    if (count > CODE_SLOTS / 32)
        memset(set->slots, 0, sizeof(set->slots));
    else
        /* The last one added goes first, so that every search still ends where it should. */
        for (unsigned i = count; i-- > 0;) *slot_of(set, set->pages[i].page) = 0;
    set->count = 0;
    return count > 0;
}

struct code_translation code_tlb_fetch(struct cpu *cpu, uint32_t linear)
{
    struct code_tlb *tlb = cpu->code_tlb;
    uint32_t page = (linear & ~(PAGE_BYTES - 1)) | (cpu->s.cpl == 3);
    const struct code_translation *known = set_find(&tlb->local, page);
    if (!known) known = set_find(&tlb->global, page);
    if (known) return *known;

    bool global;
    struct code_translation made = {.page = page};
    mmu_translate_code(cpu, linear, &made, &global);
    struct code_page_set *set = global ? &tlb->global : &tlb->local;
    if (set->count == CODE_PAGES) code_tlb_flush(cpu, true);
    set_add(set, &made);
    return made;
}

void code_tlb_flush(struct cpu *cpu, bool global_too)
{
    bool dropped = set_clear(&cpu->code_tlb->local);
    if (global_too && set_clear(&cpu->code_tlb->global)) dropped = true;
    if (dropped) code_translation_changed(cpu);
}

/* Takes out the pages that INVLPG names: the set is made anew without them. */
static bool set_flush_page(struct code_page_set *set, uint32_t linear)
{
    unsigned kept = 0, count = set->count;
    while (kept < count && !mmu_same_page(set->pages[kept].page, linear, set->pages[kept].flags)) kept++;
    if (kept == count) return false;
    set_clear(set);
    for (unsigned i = 0; i < count; i++) {
        struct code_translation translation = set->pages[i];
        if (!mmu_same_page(translation.page, linear, translation.flags)) set_add(set, &translation);
    }
    return true;
}

void code_tlb_flush_page(struct cpu *cpu, uint32_t linear)
{
    bool dropped = set_flush_page(&cpu->code_tlb->local, linear);
    if (set_flush_page(&cpu->code_tlb->global, linear)) dropped = true;
    if (dropped) code_translation_changed(cpu);
}

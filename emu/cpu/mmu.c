/* SPDX-License-Identifier: MIT */
/*
 * Memory by linear address, beyond what access.h does inline: TLB misses, page walks with accessed and dirty
 * bits, page faults, accesses over a page boundary, devices, watched pages and pages with code (SDM 3A,
 * chapter 4).
 */
#include <stdlib.h>
#include "emu/cpu/access.h"
#include "emu/cpu/code_tlb.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/system.h"

/* ---- page faults ---- */

static bool walk_write_allowed(const struct cpu *cpu, const struct page_walk *walk, bool user)
{
    if (!walk->levels) return true;
    return walk->writable || (!user && !(cpu->s.cr0 & CR0_WP));
}

/* Why this access may not use the page, or REASON_NONE. */
static enum fault_reason walk_refusal(const struct cpu *cpu, const struct page_walk *walk,
                                      enum mmu_access access, bool user)
{
    if (!walk->mapped) return walk->reason;
    if (user && !walk->user) return REASON_PAGE_SUPERVISOR;
    if (access == MMU_WRITE && !walk_write_allowed(cpu, walk, user)) return REASON_PAGE_READ_ONLY;
    if (access == MMU_FETCH && !walk->executable) return REASON_PAGE_NO_EXECUTE;
    return REASON_NONE;
}

/* The first entry that breaks the rule; for reasons that are not about rights, the last one read. */
static unsigned level_at_fault(const struct page_walk *walk, enum fault_reason reason)
{
    for (unsigned i = walk->first; i < walk->levels; i++) {
        uint64_t entry = walk->level[i].entry;
        if (reason == REASON_PAGE_SUPERVISOR && !(entry & PAGE_USER)) return i;
        if (reason == REASON_PAGE_READ_ONLY && !(entry & PAGE_WRITABLE)) return i;
        if (reason == REASON_PAGE_NO_EXECUTE && entry >> 63) return i;
    }
    return walk->levels - 1;
}

/* SDM 3A, 4.7. */
static uint32_t error_code(const struct cpu *cpu, enum mmu_access access, bool user, enum fault_reason reason)
{
    bool rights = reason == REASON_PAGE_SUPERVISOR || reason == REASON_PAGE_READ_ONLY ||
                  reason == REASON_PAGE_NO_EXECUTE;
    uint32_t error = rights || reason == REASON_PAGE_RESERVED_BIT ? 1 : 0;
    if (access == MMU_WRITE) error |= 2;
    if (user) error |= 4;
    if (reason == REASON_PAGE_RESERVED_BIT) error |= 8;
    if (access == MMU_FETCH && paging_has_nx(cpu)) error |= 16;
    return error;
}

static _Noreturn void page_fault(struct cpu *cpu, uint32_t linear, const struct page_walk *walk,
                                 enum mmu_access access, bool user, enum fault_reason reason)
{
    unsigned at = level_at_fault(walk, reason);
    struct fault fault = {
        .vector = FAULT_PF,
        .has_error = true,
        .error = error_code(cpu, access, user, reason),
        .reason = reason,
        .address = linear,
        .entry = walk->level[at].address,
        .descriptor = walk->level[at].entry,
    };
    cpu->s.cr2 = linear;
    fault_raise(cpu, &fault);
}

/* ---- the TLB ---- */

#define EMPTY_ENTRY                                                                                          \
    {                                                                                                        \
        TLB_INVALID, TLB_INVALID, TLB_INVALID, 0, 0, 0                                                       \
    }
static const struct tlb_entry empty_entry = EMPTY_ENTRY;
const struct tlb_entry tlb_none[TLB_ENTRIES] = {[0 ... TLB_ENTRIES - 1] = EMPTY_ENTRY};

bool mmu_create(struct cpu *cpu)
{
    cpu->table_pages = calloc(TABLE_PAGES, sizeof(*cpu->table_pages));
    cpu->code_tlb = calloc(1, sizeof(*cpu->code_tlb));
    if (!cpu->table_pages || !cpu->code_tlb) return false;
    paging_forget_tables(cpu);
    for (unsigned user = 0; user < 2; user++) {
        for (unsigned i = 0; i < TLB_ENTRIES; i++) cpu->tlbs[user][i] = empty_entry;
        for (unsigned i = 0; i < TLB_VICTIMS; i++) cpu->victims[user].entry[i] = empty_entry;
    }
    return true;
}

void mmu_free(struct cpu *cpu)
{
    free(cpu->table_pages);
    free(cpu->code_tlb);
}

static bool entry_used(const struct tlb_entry *entry)
{
    return entry->page != TLB_INVALID;
}

/* May writes to this memory be plain stores? */
static bool range_stores_plainly(const struct view_range *range, struct region_at at)
{
    const struct region *region = range->region;
    if (range->read_only || region->kind != REGION_RAM || region->indirect) return false;
    return !region->marks || region->marks[at.offset >> MEM_PAGE_BITS] == MARK_DIRTY_ALL;
}

/* The write tag of a writable page, by what the page is now. */
static uint32_t write_tag(struct cpu *cpu, const struct tlb_entry *entry, const struct view_range *range,
                          struct region_at at)
{
    uint32_t page = tlb_entry_page(entry);
    bool plain =
        (entry->flags & TLB_MEMORY) && range_stores_plainly(range, at) && !debug_page_watched(cpu, page);
    return plain ? page : page | TLB_SLOW;
}

void tlb_refresh_write(struct cpu *cpu, struct tlb_entry *entry)
{
    struct region_at at;
    const struct view_range *range = space_find(cpu->wiring.memory, entry->physical, &at);
    entry->write = write_tag(cpu, entry, range, at);
}

/* The page is all of one region, and a page of it. */
static bool page_is_whole(const struct view_range *range, struct region_at at, uint64_t physical)
{
    bool whole = physical >= range->start && range->length - (physical - range->start) >= PAGE_BYTES;
    bool aligned = !(at.offset & (PAGE_BYTES - 1));
    return range->region && whole && aligned;
}

/* The page is RAM or ROM. One that is not all one piece of memory is no memory here. */
static bool page_is_memory(const struct view_range *range, struct region_at at, uint64_t physical)
{
    return page_is_whole(range, at, physical) && range->region->host;
}

/* Which page of its region it is, as flags, when accesses go straight to the region; else 0. */
static uint32_t registers_flags(const struct view_range *range, struct region_at at, uint64_t physical)
{
    if (!page_is_whole(range, at, physical) || range->region->host || range->read_only) return 0;
    uint64_t page = at.offset / PAGE_BYTES;
    return page >> (32 - TLB_REGION_PAGE) ? 0 : TLB_REGISTERS | (uint32_t)page << TLB_REGION_PAGE;
}

/* Finds what lies at entry->physical and sets the tags. */
static void entry_connect(struct cpu *cpu, struct tlb_entry *entry, uint32_t page, bool writable)
{
    struct region_at at;
    const struct view_range *range = space_find(cpu->wiring.memory, entry->physical, &at);
    const struct region *region = range->region;
    entry->page = page;
    entry->read = page | TLB_SLOW;
    if (page_is_memory(range, at, entry->physical)) {
        entry->flags |= TLB_MEMORY;
        entry->host = (uintptr_t)(region->host + at.offset) - page;
        if (!region->indirect && !debug_page_watched(cpu, page)) entry->read = page;
    } else {
        entry->flags |= registers_flags(range, at, entry->physical);
        if (entry->flags & TLB_REGISTERS) entry->host = (uintptr_t)region;
    }
    entry->write = writable ? write_tag(cpu, entry, range, at) : TLB_INVALID;
}

static void slot_note_used(struct cpu *cpu, uint32_t linear, bool user)
{
    cpu->tlb_used[user][tlb_number(linear) / 64] |= UINT64_C(1) << (tlb_number(linear) % 64);
}

/* Moves what is in the slot of `linear` aside. */
static struct tlb_entry *slot_vacate(struct cpu *cpu, uint32_t linear, bool user)
{
    struct tlb_entry *entry = &cpu->tlbs[user][tlb_number(linear)];
    struct tlb_victims *victims = &cpu->victims[user];
    if (entry_used(entry) && tlb_entry_page(entry) != (linear & TLB_PAGE_MASK)) {
        victims->entry[victims->next] = *entry;
        victims->next = (victims->next + 1) % TLB_VICTIMS;
        victims->any = true;
    }
    slot_note_used(cpu, linear, user);
    return entry;
}

/* Brings a victim back into its slot, in exchange for what is there. */
static bool victim_recall(struct cpu *cpu, uint32_t linear, bool user)
{
    struct tlb_entry *entry = &cpu->tlbs[user][tlb_number(linear)];
    if (!cpu->victims[user].any) return false;
    for (unsigned i = 0; i < TLB_VICTIMS; i++) {
        struct tlb_entry *victim = &cpu->victims[user].entry[i];
        if (!entry_used(victim) || tlb_entry_page(victim) != (linear & TLB_PAGE_MASK)) continue;
        struct tlb_entry old = *entry;
        *entry = *victim;
        *victim = old;
        slot_note_used(cpu, linear, user);
        return true;
    }
    return false;
}

/* Accessed in every entry of the walk but a PDPTE, dirty in the last one for writes (SDM 3A, 4.8). */
static void walk_mark_used(struct cpu *cpu, const struct page_walk *walk, bool write)
{
    for (unsigned i = walk->first; i < walk->levels; i++) {
        uint32_t entry = (uint32_t)walk->level[i].entry, used = entry | PAGE_ACCESSED;
        if (write && i == walk->levels - 1) used |= PAGE_DIRTY;
        if (used != entry) space_store(cpu->wiring.memory, walk->level[i].address, 4, used);
    }
}

/* A walk for an access: page faults, accessed and dirty bits. */
static inline void walk_checked(struct cpu *cpu, uint32_t linear, enum mmu_access access, bool user,
                                struct page_walk *walk)
{
    cpu_walk(cpu, linear, walk);
    enum fault_reason refusal = walk_refusal(cpu, walk, access, user);
    if (refusal != REASON_NONE) page_fault(cpu, linear, walk, access, user, refusal);
    walk_mark_used(cpu, walk, access == MMU_WRITE);
    cpu->stats.tlb_misses++;
}

static uint32_t walk_size_flag(const struct page_walk *walk)
{
    return walk->page_size > PAGE_BYTES ? TLB_LARGE : 0;
}

/* A write permission is cached only when the dirty bit is set: the first write walks again. */
static struct tlb_entry *tlb_fill(struct cpu *cpu, uint32_t linear, enum mmu_access access, bool user)
{
    struct page_walk walk;
    walk_checked(cpu, linear, access, user, &walk);
    uint32_t page = linear & TLB_PAGE_MASK;
    bool dirty = access == MMU_WRITE || !walk.levels || (walk.level[walk.levels - 1].entry & PAGE_DIRTY);
    struct tlb_entry *entry = slot_vacate(cpu, linear, user);
    *entry = empty_entry;
    entry->flags = (walk.global ? TLB_GLOBAL : 0u) | walk_size_flag(&walk);
    entry->physical = walk.physical & ~(uint64_t)(PAGE_BYTES - 1);
    entry_connect(cpu, entry, page, dirty && walk_write_allowed(cpu, &walk, user));
    if (walk.page_size > PAGE_BYTES) cpu->tlb_large = true;
    return entry;
}

struct tlb_entry *mmu_translate(struct cpu *cpu, uint32_t linear, enum mmu_access access, bool user)
{
    struct tlb_entry *entry = &cpu->tlbs[user][tlb_number(linear)];
    uint32_t page = linear & TLB_PAGE_MASK;
    if (tlb_allows(entry, page, access)) return entry;
    if (victim_recall(cpu, linear, user) && tlb_allows(entry, page, access)) return entry;
    return tlb_fill(cpu, linear, access, user);
}

void mmu_translate_code(struct cpu *cpu, uint32_t linear, struct code_translation *translation, bool *global)
{
    struct page_walk walk;
    struct region_at at;
    walk_checked(cpu, linear, MMU_FETCH, cpu->s.cpl == 3, &walk);
    translation->physical = walk.physical & ~(uint64_t)(PAGE_BYTES - 1);
    translation->flags = walk_size_flag(&walk);
    *global = walk.global;
    const struct view_range *range = space_find(cpu->wiring.memory, translation->physical, &at);
    if (!page_is_memory(range, at, translation->physical)) return;
    translation->flags |= TLB_MEMORY;
    translation->host = range->region->host + at.offset;
}

/* ---- flushing ---- */

/* Calls `visit` for every entry of a set that may be filled. */
static void tlb_visit(struct cpu *cpu, bool user, void (*visit)(struct tlb_entry *entry, const void *what),
                      const void *what)
{
    for (unsigned word = 0; word < TLB_ENTRIES / 64; word++) {
        uint64_t kept = 0;
        for (uint64_t left = cpu->tlb_used[user][word]; left; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            struct tlb_entry *entry = &cpu->tlbs[user][word * 64 + bit];
            visit(entry, what);
            if (entry_used(entry)) kept |= UINT64_C(1) << bit;
        }
        cpu->tlb_used[user][word] = kept;
    }
    struct tlb_victims *victims = &cpu->victims[user];
    if (!victims->any) return;
    victims->any = false;
    for (unsigned i = 0; i < TLB_VICTIMS; i++) {
        visit(&victims->entry[i], what);
        if (entry_used(&victims->entry[i])) victims->any = true;
    }
}

static void visit_flush(struct tlb_entry *entry, const void *global_too)
{
    if (!(entry->flags & TLB_GLOBAL) || *(const bool *)global_too) *entry = empty_entry;
}

void tlb_flush(struct cpu *cpu, bool global_too)
{
    tlb_visit(cpu, false, visit_flush, &global_too);
    tlb_visit(cpu, true, visit_flush, &global_too);
    if (global_too) cpu->tlb_large = false;
    code_tlb_flush(cpu, global_too);
}

static void visit_flush_page(struct tlb_entry *entry, const void *linear)
{
    if (mmu_same_page(entry->page, *(const uint32_t *)linear, entry->flags)) *entry = empty_entry;
}

/* Where only one slot can have the page. */
static void flush_small_page(struct cpu *cpu, bool user, uint32_t linear)
{
    visit_flush_page(&cpu->tlbs[user][tlb_number(linear)], &linear);
    for (unsigned i = 0; i < TLB_VICTIMS; i++) visit_flush_page(&cpu->victims[user].entry[i], &linear);
}

void tlb_flush_page(struct cpu *cpu, uint64_t linear64)
{
    uint32_t linear = (uint32_t)linear64;
    bool large = cpu->tlb_large;
    for (unsigned user = 0; user < 2; user++) {
        if (large)
            tlb_visit(cpu, user, visit_flush_page, &linear);
        else
            flush_small_page(cpu, user, linear);
    }
    code_tlb_flush_page(cpu, linear);
}

struct host_range {
    uintptr_t start, size;
};

static void visit_forget_write(struct tlb_entry *entry, const void *what)
{
    const struct host_range *range = what;
    if (!(entry->flags & TLB_MEMORY) || entry->write != tlb_entry_page(entry)) return;
    if (entry->host + tlb_entry_page(entry) - range->start < range->size) entry->write |= TLB_SLOW;
}

void tlb_forget_writes(struct cpu *cpu, const uint8_t *host, uint64_t size)
{
    struct host_range range = {(uintptr_t)host, (uintptr_t)size};
    tlb_visit(cpu, false, visit_forget_write, &range);
    tlb_visit(cpu, true, visit_forget_write, &range);
}

/* SPDX-License-Identifier: MIT */
/* The walk through the page tables (paging.h). */
#include "emu/cpu/paging.h"
#include <string.h>

#define BYTES_4M 0x400000u
#define BYTES_2M 0x200000u
/* Bits 21:13 of the PDE of a 4 MiB page: reserved without PSE-36; with it, bits 16:13 are address bits 35:32 (SDM 3A,
 * table 4-4). */
#define PDE_4M_RESERVED       0x003fe000u
#define PDE_4M_RESERVED_PSE36 0x003e0000u
#define PDE_2M_RESERVED       0x001fe000u
#define PDPTE_RESERVED        UINT64_C(0x1e6)
#define ENTRY_NX              (UINT64_C(1) << 63)

static uint64_t a20_masked(const struct cpu *cpu, uint64_t physical)
{
    return cpu->s.a20 ? physical : physical & ~(UINT64_C(1) << 20);
}

/* ---- one step ---- */

void paging_forget_tables(const struct cpu *cpu)
{
    for (unsigned i = 0; i < TABLE_PAGES; i++) cpu->table_pages[i].page = 1;
}

static uint64_t entry_load(const uint8_t *host, unsigned size)
{
    return size == 4 ? le32_load(host) : le64_load(host);
}

/* Paging entries that are no memory read as all ones. */
static __attribute__((noinline)) uint64_t entry_find(const struct cpu *cpu, uint64_t physical, unsigned size)
{
    struct region_at at;
    const struct view_range *range = space_find(cpu->wiring.memory, physical, &at);
    if (!range->region || !range->region->host) return bytes_mask(size);
    const uint8_t *host = range->region->host + at.offset;
    uint64_t inside = physical % PAGE_BYTES, before = physical - range->start;
    if (before >= inside && range->length - (before - inside) >= PAGE_BYTES)
        cpu->table_pages[physical / PAGE_BYTES % TABLE_PAGES] =
            (struct table_page){physical - inside, host - inside};
    return entry_load(host, size);
}

static uint64_t entry_read(const struct cpu *cpu, uint64_t physical, unsigned size)
{
    const struct table_page *known = &cpu->table_pages[physical / PAGE_BYTES % TABLE_PAGES];
    uint64_t inside = physical % PAGE_BYTES;
    return likely(known->page == physical - inside) ? entry_load(known->host + inside, size)
                                                    : entry_find(cpu, physical, size);
}

static void walk_note(struct page_walk *walk, const char *name, uint64_t address, uint64_t entry)
{
    walk->level[walk->levels].name = name;
    walk->level[walk->levels].address = address;
    walk->level[walk->levels].entry = entry;
    walk->levels++;
}

static uint64_t walk_level(const struct cpu *cpu, struct page_walk *walk, const char *name, uint64_t physical,
                           unsigned size)
{
    uint64_t address = a20_masked(cpu, physical), entry = entry_read(cpu, address, size);
    walk_note(walk, name, address, entry);
    walk->writable &= (entry & PAGE_WRITABLE) != 0;
    walk->user &= (entry & PAGE_USER) != 0;
    return entry;
}

static bool walk_failed(struct page_walk *walk, enum fault_reason reason)
{
    walk->reason = reason;
    return false;
}

static bool walk_mapped(const struct cpu *cpu, struct page_walk *walk, uint64_t last, uint64_t physical)
{
    walk->global = walk->levels && (last & PAGE_GLOBAL) && (cpu->s.cr4 & CR4_PGE);
    walk->physical = a20_masked(cpu, physical);
    walk->mapped = true;
    return true;
}

/* ---- 32-bit paging: SDM 3A, 4.3 ---- */

static bool walk_4m(const struct cpu *cpu, uint32_t linear, uint32_t pde, struct page_walk *walk)
{
    bool wide = cpu_model_has(&cpu->model, FEATURE_PSE36);
    walk->page_size = BYTES_4M;
    if (pde & (wide ? PDE_4M_RESERVED_PSE36 : PDE_4M_RESERVED))
        return walk_failed(walk, REASON_PAGE_RESERVED_BIT);
    uint64_t high = wide ? (uint64_t)(pde >> 13 & 0xf) << 32 : 0;
    return walk_mapped(cpu, walk, pde, high | (pde & ~(BYTES_4M - 1)) | (linear & (BYTES_4M - 1)));
}

static bool walk_32(const struct cpu *cpu, uint32_t linear, struct page_walk *walk)
{
    uint64_t at = (cpu->s.cr3 & 0xfffff000) | (linear >> 22) * 4;
    uint32_t pde = (uint32_t)walk_level(cpu, walk, "PDE", at, 4);
    if (!(pde & PAGE_PRESENT)) return walk_failed(walk, REASON_PDE_NOT_PRESENT);
    if ((pde & PAGE_SIZE) && (cpu->s.cr4 & CR4_PSE)) return walk_4m(cpu, linear, pde, walk);
    at = (pde & 0xfffff000) | (linear >> 12 & 0x3ff) * 4;
    uint32_t pte = (uint32_t)walk_level(cpu, walk, "PTE", at, 4);
    if (!(pte & PAGE_PRESENT)) return walk_failed(walk, REASON_PTE_NOT_PRESENT);
    return walk_mapped(cpu, walk, pte, (pte & 0xfffff000) | (linear & (PAGE_BYTES - 1)));
}

/* ---- PAE paging: SDM 3A, 4.4 ---- */

/* The address bits of an entry, 12 and up. */
static uint64_t pae_address_mask(const struct cpu *cpu)
{
    return (UINT64_C(1) << cpu->model.physical_bits) - PAGE_BYTES;
}

/* Bits that are reserved in PDEs and PTEs of whatever size. */
static uint64_t pae_reserved(const struct cpu *cpu)
{
    uint64_t above = ~((UINT64_C(1) << cpu->model.physical_bits) - 1);
    return paging_has_nx(cpu) ? above & ~ENTRY_NX : above;
}

static uint64_t pae_level(const struct cpu *cpu, struct page_walk *walk, const char *name, uint64_t table,
                          unsigned index)
{
    uint64_t entry = walk_level(cpu, walk, name, (table & pae_address_mask(cpu)) | index * 8, 8);
    if (entry & ENTRY_NX) walk->executable = false;
    return entry;
}

/* The first level has no rights and no accessed bit; it was read when CR3 was loaded. */
static bool walk_pae(const struct cpu *cpu, uint32_t linear, struct page_walk *walk)
{
    unsigned n = linear >> 30;
    uint64_t reserved = pae_reserved(cpu), pdpte = cpu->s.pdpte[n];
    walk_note(walk, "PDPTE", (cpu->s.cr3 & 0xffffffe0) + 8 * n, pdpte);
    walk->first = 1;
    if (!(pdpte & PAGE_PRESENT)) return walk_failed(walk, REASON_PDPTE_NOT_PRESENT);

    uint64_t pde = pae_level(cpu, walk, "PDE", pdpte, linear >> 21 & 0x1ff);
    if (!(pde & PAGE_PRESENT)) return walk_failed(walk, REASON_PDE_NOT_PRESENT);
    bool large = pde & PAGE_SIZE;
    if (pde & (large ? reserved | PDE_2M_RESERVED : reserved))
        return walk_failed(walk, REASON_PAGE_RESERVED_BIT);
    uint64_t last = pde, inside = BYTES_2M - 1;
    if (large) {
        walk->page_size = BYTES_2M;
    } else {
        inside = PAGE_BYTES - 1;
        last = pae_level(cpu, walk, "PTE", pde, linear >> 12 & 0x1ff);
        if (!(last & PAGE_PRESENT)) return walk_failed(walk, REASON_PTE_NOT_PRESENT);
        if (last & reserved) return walk_failed(walk, REASON_PAGE_RESERVED_BIT);
    }
    return walk_mapped(cpu, walk, last, (last & pae_address_mask(cpu) & ~inside) | (linear & inside));
}

/* Field by field: the levels are written as they are read, and clearing them too would be most of a walk's cost. */
static void walk_begin(struct page_walk *walk)
{
    walk->levels = walk->first = 0;
    walk->mapped = walk->global = false;
    walk->writable = walk->user = walk->executable = true;
    walk->physical = 0;
    walk->page_size = PAGE_BYTES;
    walk->reason = REASON_NONE;
}

bool cpu_walk(const struct cpu *cpu, uint64_t linear64, struct page_walk *walk)
{
    uint32_t linear = (uint32_t)linear64;
    walk_begin(walk);
    if (!(cpu->s.cr0 & CR0_PG)) return walk_mapped(cpu, walk, 0, linear);
    return paging_is_pae(cpu) ? walk_pae(cpu, linear, walk) : walk_32(cpu, linear, walk);
}

/* ---- the PDPTE registers ---- */

static uint64_t pdpte_reserved(const struct cpu *cpu)
{
    return PDPTE_RESERVED | ~((UINT64_C(1) << cpu->model.physical_bits) - 1);
}

/* The first present one with reserved bits; NULL: all are good. */
static const uint64_t *pdptes_read(const struct cpu *cpu, uint32_t cr3, uint64_t pdpte[4])
{
    const uint64_t *bad = NULL;
    for (unsigned n = 0; n < 4; n++) {
        pdpte[n] = entry_read(cpu, a20_masked(cpu, (cr3 & 0xffffffe0) + 8 * n), 8);
        if (!bad && (pdpte[n] & PAGE_PRESENT) && (pdpte[n] & pdpte_reserved(cpu))) bad = &pdpte[n];
    }
    return bad;
}

bool paging_read_pdptes(const struct cpu *cpu, uint32_t cr3, uint64_t pdpte[4])
{
    return !pdptes_read(cpu, cr3, pdpte);
}

void paging_load_pdptes(struct cpu *cpu, uint32_t cr3)
{
    uint64_t pdpte[4];
    const uint64_t *bad = pdptes_read(cpu, cr3, pdpte);
    if (bad) {
        struct fault fault = {.vector = FAULT_GP,
                              .has_error = true,
                              .reason = REASON_PDPTE_RESERVED_BIT,
                              .address = *bad & pdpte_reserved(cpu)};
        fault_raise(cpu, &fault);
    }
    memcpy(cpu->s.pdpte, pdpte, sizeof(pdpte));
}

void paging_load_cr3(struct cpu *cpu, uint32_t value)
{
    if (paging_is_pae(cpu)) paging_load_pdptes(cpu, value);
    cpu->s.cr3 = value;
    tlb_flush(cpu, false);
}

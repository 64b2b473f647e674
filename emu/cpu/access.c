/* SPDX-License-Identifier: MIT */
/*
 * Memory beyond what access.h does inline: TLB misses, accesses over a page boundary, devices, watched pages and pages with
 * code; and the fault of an offset outside its segment.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/mmu.h"

/* ---- accesses ---- */

static void debug_check(struct cpu *cpu, uint32_t linear, unsigned size, bool write)
{
    if (cpu->s.dr[7] & 0xff) debug_data_check(cpu, linear, size, write);
}

/* Bytes of the access that lie in its first page, when it does not end there; else 0. */
static unsigned bytes_before_boundary(uint32_t linear, unsigned size)
{
    unsigned room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));
    return size > room ? room : 0;
}

static uint64_t entry_physical(const struct tlb_entry *entry, uint32_t linear)
{
    return entry->physical | (linear & (PAGE_BYTES - 1));
}

/* Physical addresses of both halves, after the checks of both. */
static void translate_both(struct cpu *cpu, uint32_t linear, unsigned first, enum mmu_access access,
                           bool user, uint64_t physical[2])
{
    physical[0] = entry_physical(mmu_translate(cpu, linear, access, user), linear);
    physical[1] = entry_physical(mmu_translate(cpu, linear + first, access, user), linear + first);
    /* Both checked; the first may be a victim by now, so nothing is asked of its entry again. */
}

static uint64_t physical_read(struct cpu *cpu, const uint64_t physical[2], unsigned first, unsigned size)
{
    uint8_t bytes[8];
    space_read(cpu->wiring.memory, physical[0], bytes, first);
    space_read(cpu->wiring.memory, physical[1], bytes + first, size - first);
    return le_load(bytes, size);
}

static void physical_write(struct cpu *cpu, const uint64_t physical[2], unsigned first, unsigned size,
                           uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, size, value);
    space_write(cpu->wiring.memory, physical[0], bytes, first);
    space_write(cpu->wiring.memory, physical[1], bytes + first, size - first);
}

uint64_t mmu_read(struct cpu *cpu, uint32_t linear, unsigned size, bool user)
{
    uint64_t value;
    unsigned first = bytes_before_boundary(linear, size);
    if (first) {
        uint64_t physical[2];
        translate_both(cpu, linear, first, MMU_READ, user, physical);
        value = physical_read(cpu, physical, first, size);
    } else {
        const struct tlb_entry *entry = mmu_translate(cpu, linear, MMU_READ, user);
        if (entry->read == (linear & TLB_PAGE_MASK))
            return host_load((const uint8_t *)(entry->host + linear), size);
        space_load(cpu->wiring.memory, entry_physical(entry, linear), size, &value);
    }
    debug_check(cpu, linear, size, false);
    return value;
}

/* A store that was not plain; perhaps the next one is. */
static void store_slowly(struct cpu *cpu, uint32_t linear, struct tlb_entry *entry, unsigned size,
                         uint64_t value)
{
    bool memory = entry->flags & TLB_MEMORY;
    uint32_t page = tlb_entry_page(entry);
    space_store(cpu->wiring.memory, entry_physical(entry, linear), size, value);
    /* A device may have changed the view meanwhile, and emptied the TLB. */
    if (memory && entry->write == (page | TLB_SLOW)) tlb_refresh_write(cpu, entry);
}

void mmu_write(struct cpu *cpu, uint32_t linear, unsigned size, uint64_t value, bool user)
{
    unsigned first = bytes_before_boundary(linear, size);
    if (first) {
        uint64_t physical[2];
        translate_both(cpu, linear, first, MMU_WRITE, user, physical);
        physical_write(cpu, physical, first, size, value);
    } else {
        struct tlb_entry *entry = mmu_translate(cpu, linear, MMU_WRITE, user);
        if (entry->write == (linear & TLB_PAGE_MASK)) {
            host_store((uint8_t *)(entry->host + linear), size, value);
            return;
        }
        store_slowly(cpu, linear, entry, size, value);
    }
    debug_check(cpu, linear, size, true);
}

uint64_t mmu_rmw(struct cpu *cpu, uint32_t linear, unsigned size, struct rmw *rmw)
{
    bool user = cpu->s.cpl == 3;
    uint64_t value;
    *rmw = (struct rmw){.linear = linear, .first = bytes_before_boundary(linear, size)};
    if (rmw->first) {
        translate_both(cpu, linear, rmw->first, MMU_WRITE, user, rmw->physical);
        return physical_read(cpu, rmw->physical, rmw->first, size);
    }
    const struct tlb_entry *entry = mmu_translate(cpu, linear, MMU_WRITE, user);
    if (entry->write == (linear & TLB_PAGE_MASK)) {
        rmw->host = (uint8_t *)(entry->host + linear);
        return host_load(rmw->host, size);
    }
    rmw->physical[0] = entry_physical(entry, linear);
    space_load(cpu->wiring.memory, rmw->physical[0], size, &value);
    return value;
}

void mmu_rmw_store(struct cpu *cpu, const struct rmw *rmw, unsigned size, uint64_t value)
{
    struct tlb_entry *entry = &cpu->tlbs[cpu->s.cpl == 3][tlb_number(rmw->linear)];
    if (rmw->first)
        physical_write(cpu, rmw->physical, rmw->first, size, value);
    else if (tlb_allows(entry, rmw->linear & TLB_PAGE_MASK, MMU_WRITE))
        store_slowly(cpu, rmw->linear, entry, size, value);
    else
        space_store(cpu->wiring.memory, rmw->physical[0], size, value);
    debug_check(cpu, rmw->linear, size, true);
}

void mmu_probe(struct cpu *cpu, uint32_t linear, uint32_t size, bool write, bool user)
{
    enum mmu_access access = write ? MMU_WRITE : MMU_READ;
    uint32_t last = linear + size - 1;
    for (uint32_t page = linear & TLB_PAGE_MASK;; page += PAGE_BYTES) {
        mmu_translate(cpu, page == (linear & TLB_PAGE_MASK) ? linear : page, access, user);
        if (page == (last & TLB_PAGE_MASK)) return;
    }
}

/* ---- segments ---- */

static enum fault_reason window_reason(const struct cpu *cpu, unsigned segment, bool write)
{
    const struct cpu_segment_state *state = &cpu->s.segment[segment];
    const struct segment_window *window = &cpu->window[segment];
    if (cpu_protected(cpu) && !(state->selector & ~3u)) return REASON_SEGMENT_NULL;
    bool empty = write ? window->write_low > window->write_high : window->read_low > window->read_high;
    if (!empty) return REASON_SEGMENT_LIMIT;
    return write ? REASON_SEGMENT_NOT_WRITABLE : REASON_SEGMENT_NOT_READABLE;
}

void mem_window_fault(struct cpu *cpu, unsigned segment, uint32_t offset, unsigned size, bool write)
{
    (void)size;
    struct fault fault = {
        .vector = segment == CPU_SS ? FAULT_SS : FAULT_GP,
        .has_error = true,
        .reason = window_reason(cpu, segment, write),
        .selector = cpu->s.segment[segment].selector,
        .address = offset,
    };
    fault_raise(cpu, &fault);
}

/* SPDX-License-Identifier: MIT */
/*
 * Memory beyond what access.h does inline: TLB misses, accesses over a page boundary, devices, watched pages and pages with
 * code; and the fault of an offset outside its segment.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/segment.h"
#include "mem/access.h"

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

/* A dword register of the CPU's own local APIC: the one kind of device that is met so often that it has a short way. */
static inline bool is_apic(const struct cpu *cpu, const struct tlb_entry *entry, uint32_t linear,
                           unsigned size)
{
    return entry->physical == cpu->apic_page && size == 4 && !(linear & 3);
}

/* Where its register lies, when reading that is all there is to do; else NULL. */
static inline const uint32_t *apic_stored(const struct cpu *cpu, const struct tlb_entry *entry,
                                          uint32_t linear, unsigned size)
{
    unsigned offset = linear & (PAGE_BYTES - 1);
    if (!is_apic(cpu, entry, linear, size) || offset % APIC_STEP || offset >= APIC_STORED * APIC_STEP)
        return NULL;
    return cpu->apic_stored[offset / APIC_STEP];
}

/* An access to a TLB_REGISTERS page goes past the view. The callback may empty the TLB. */
static inline struct region_at registers_at(const struct tlb_entry *entry, uint32_t linear)
{
    uint64_t page = entry->flags >> TLB_REGION_PAGE;
    return (struct region_at){page * PAGE_BYTES + (linear & (PAGE_BYTES - 1))};
}

static uint64_t device_load(struct cpu *cpu, const struct tlb_entry *entry, uint32_t linear, unsigned size)
{
    uint64_t value;
    if (is_apic(cpu, entry, linear, size))
        return cpu->wiring.apic->read(cpu->wiring.owner, linear & (PAGE_BYTES - 1));
    if (likely(entry->flags & TLB_REGISTERS))
        mmio_load((struct region *)entry->host, registers_at(entry, linear), size, &value);
    else
        space_load(cpu->wiring.memory, entry_physical(entry, linear), size, &value);
    return value;
}

static inline void device_store(struct cpu *cpu, const struct tlb_entry *entry, uint32_t linear,
                                unsigned size, uint64_t value)
{
    if (is_apic(cpu, entry, linear, size))
        cpu->wiring.apic->write(cpu->wiring.owner, linear & (PAGE_BYTES - 1), (uint32_t)value);
    else if (likely(entry->flags & TLB_REGISTERS))
        mmio_store((struct region *)entry->host, registers_at(entry, linear), size, value);
    else
        space_store(cpu->wiring.memory, entry_physical(entry, linear), size, value);
}

/* Page faults come before #AC (SDM 3A, table 6-2). */
static void alignment_check(struct cpu *cpu, uint32_t linear, unsigned size, bool write, bool user)
{
    if (likely(!cpu->aligning) || !user || !(linear & (size - 1))) return;
    mmu_probe(cpu, linear, size, write, user);
    struct fault fault = {
        .vector = FAULT_AC, .has_error = true, .reason = REASON_ALIGNMENT, .address = linear};
    fault_raise(cpu, &fault);
}

/* With all that a page fault asks for. */
static uint64_t read_checked(struct cpu *cpu, uint32_t linear, unsigned size, bool user)
{
    unsigned first = bytes_before_boundary(linear, size);
    if (first) {
        uint64_t physical[2];
        translate_both(cpu, linear, first, MMU_READ, user, physical);
        return physical_read(cpu, physical, first, size);
    }
    const struct tlb_entry *entry = mmu_translate(cpu, linear, MMU_READ, user);
    if (entry->read == (linear & TLB_PAGE_MASK))
        return host_load((const uint8_t *)(entry->host + linear), size);
    return device_load(cpu, entry, linear, size);
}

/* Whatever there may be to a read: a TLB miss, a page boundary, alignment, breakpoints. */
static __attribute__((noinline)) uint64_t read_any(struct cpu *cpu, uint32_t linear, unsigned size, bool user)
{
    alignment_check(cpu, linear, size, false, user);
    uint64_t value = read_checked(cpu, linear, size, user);
    debug_check(cpu, linear, size, false);
    return value;
}

/* Registers of devices come first. */
uint64_t mmu_read(struct cpu *cpu, uint32_t linear, unsigned size, bool user)
{
    const struct tlb_entry *entry = &cpu->tlbs[user][tlb_number(linear)];
    bool looked_at = cpu->aligning || (cpu->s.dr[7] & 0xff);
    if (unlikely(entry->read != (((linear + size - 1) & TLB_PAGE_MASK) | TLB_SLOW) || looked_at))
        return read_any(cpu, linear, size, user);
    const uint32_t *stored = apic_stored(cpu, entry, linear, size);
    return likely(stored != NULL) ? *stored : device_load(cpu, entry, linear, size);
}

/* A store that was not plain; perhaps the next one is. */
static void store_slowly(struct cpu *cpu, uint32_t linear, struct tlb_entry *entry, unsigned size,
                         uint64_t value)
{
    bool memory = entry->flags & TLB_MEMORY;
    uint32_t page = tlb_entry_page(entry);
    device_store(cpu, entry, linear, size, value);
    /* A device may have changed the view meanwhile, and emptied the TLB. */
    if (memory && entry->write == (page | TLB_SLOW)) tlb_refresh_write(cpu, entry);
}

void mmu_write(struct cpu *cpu, uint32_t linear, unsigned size, uint64_t value, bool user)
{
    unsigned first = bytes_before_boundary(linear, size);
    alignment_check(cpu, linear, size, true, user);
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

uint8_t *mmu_rmw(struct cpu *cpu, uint32_t linear, unsigned size)
{
    bool user = cpu->s.cpl == 3;
    uint64_t value;
    alignment_check(cpu, linear, size, true, user);
    cpu->rmw = (struct slow_rmw){.linear = linear, .first = bytes_before_boundary(linear, size)};
    if (cpu->rmw.first) {
        translate_both(cpu, linear, cpu->rmw.first, MMU_WRITE, user, cpu->rmw.physical);
        value = physical_read(cpu, cpu->rmw.physical, cpu->rmw.first, size);
    } else {
        const struct tlb_entry *entry = mmu_translate(cpu, linear, MMU_WRITE, user);
        if (entry->write == (linear & TLB_PAGE_MASK)) return (uint8_t *)(entry->host + linear);
        cpu->rmw.physical[0] = entry_physical(entry, linear);
        space_load(cpu->wiring.memory, cpu->rmw.physical[0], size, &value);
    }
    le_store(cpu->rmw.bytes, size, value);
    return cpu->rmw.bytes;
}

void mmu_rmw_store(struct cpu *cpu, unsigned size)
{
    const struct slow_rmw *rmw = &cpu->rmw;
    uint64_t value = le_load(rmw->bytes, size);
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
    if (cpu_uses_descriptors(cpu) && selector_null(state->selector)) return REASON_SEGMENT_NULL;
    bool empty = (write ? window->write_span : window->read_span) < 0;
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

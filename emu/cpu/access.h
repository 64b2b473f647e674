/* SPDX-License-Identifier: MIT */
/*
 * How instruction bodies reach registers, memory, the stack and EIP.
 *
 * Memory by segment and offset goes: segment window (two compares, #GP or #SS with a reason), linear address,
 * TLB of the current privilege (one compare), host memory. Everything else (a miss, a device, a watched or
 * code page, a page boundary) is a function of mmu.c. All of these raise faults by unwinding; a body
 * therefore reads, checks and probes first and changes registers last.
 *
 * Names: mem_* takes segment and offset with the CPL; lin_* takes a linear address and says whose rights
 * count; system_* is lin_* with supervisor rights (descriptor tables, TSS, IDT, inner stacks).
 */
#ifndef EMU_CPU_ACCESS_H
#define EMU_CPU_ACCESS_H

#include <string.h>
#include "emu/cpu/internal.h"

#define ACCESS_INLINE static inline __attribute__((always_inline))

/* ---- registers ---- */

/* Where byte register `n` of ModRM lies within gpr[] (AL CL DL BL AH CH DH BH). insn->reg and insn->rm hold
 * such positions where an operand is a byte. */
ACCESS_INLINE unsigned byte_register(unsigned n)
{
    unsigned high = n >> 2;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (n & 3) * 8 + high;
#else
    return (n & 3) * 8 + 7 - high;
#endif
}

ACCESS_INLINE uint8_t reg8(const struct cpu *cpu, unsigned position)
{
    return ((const uint8_t *)cpu->s.gpr)[position];
}

ACCESS_INLINE void set_reg8(struct cpu *cpu, unsigned position, uint8_t value)
{
    ((uint8_t *)cpu->s.gpr)[position] = value;
}

ACCESS_INLINE uint16_t reg16(const struct cpu *cpu, unsigned n)
{
    return (uint16_t)cpu->s.gpr[n];
}

ACCESS_INLINE void set_reg16(struct cpu *cpu, unsigned n, uint16_t value)
{
    cpu->s.gpr[n] = (cpu->s.gpr[n] & ~UINT64_C(0xffff)) | value;
}

ACCESS_INLINE uint32_t reg32(const struct cpu *cpu, unsigned n)
{
    return (uint32_t)cpu->s.gpr[n];
}

ACCESS_INLINE void set_reg32(struct cpu *cpu, unsigned n, uint32_t value)
{
    cpu->s.gpr[n] = value;
}

/* The accumulator: AL, AX, EAX. */
ACCESS_INLINE uint8_t acc8(const struct cpu *cpu)
{
    return (uint8_t)cpu->s.gpr[CPU_EAX];
}
ACCESS_INLINE uint16_t acc16(const struct cpu *cpu)
{
    return reg16(cpu, CPU_EAX);
}
ACCESS_INLINE uint32_t acc32(const struct cpu *cpu)
{
    return reg32(cpu, CPU_EAX);
}
ACCESS_INLINE void set_acc8(struct cpu *cpu, uint8_t value)
{
    set_reg8(cpu, byte_register(0), value);
}
ACCESS_INLINE void set_acc16(struct cpu *cpu, uint16_t value)
{
    set_reg16(cpu, CPU_EAX, value);
}
ACCESS_INLINE void set_acc32(struct cpu *cpu, uint32_t value)
{
    set_reg32(cpu, CPU_EAX, value);
}

/* A register as an address or count of `mask` (insn->address_mask): reads CX, ECX or RCX; writes keep what
 * the size keeps. */
ACCESS_INLINE uint64_t reg_addr(const struct cpu *cpu, unsigned n, uint64_t mask)
{
    return cpu->s.gpr[n] & mask;
}

ACCESS_INLINE void set_reg_addr(struct cpu *cpu, unsigned n, uint64_t mask, uint64_t value)
{
    uint64_t kept = mask == 0xffff ? ~mask : 0;
    cpu->s.gpr[n] = (cpu->s.gpr[n] & kept) | (value & mask);
}

/* ---- EIP ---- */

ACCESS_INLINE uint32_t insn_eip(const struct cpu *cpu)
{
    return (uint32_t)(cpu->block_eip + cpu->insn->offset);
}

ACCESS_INLINE uint32_t insn_next_eip(const struct cpu *cpu)
{
    return (uint32_t)(cpu->block_eip + cpu->insn->offset + cpu->insn->length);
}

/* Of the instruction after `insn`, which is the one being carried out. */
ACCESS_INLINE uint32_t insn_end_eip(const struct cpu *cpu, const struct insn *insn)
{
    return (uint32_t)(cpu->block_eip + insn->offset + insn->length);
}

/* ---- the end of an instruction (run.c; how the next one follows is in go_on.h) ---- */

/* HLT: waits for an interrupt after this instruction. */
void halt_start(struct cpu *cpu);
/* PAUSE: the board may want to let another CPU go on. */
void pause_start(struct cpu *cpu);
/*
 * Repeated string instructions: each iteration counts as an instruction. The body brings its registers up to date after
 * every iteration (or bulk of iterations), and asks before it goes on:
 *
 *     while (count) {
 *         one iteration, registers updated, --count written back      (bulk: and repeat_bulk(cpu, n))
 *         if (finished || !repeat_continue(cpu)) return;
 *     }
 *
 * When it says no (budget, interrupt, single step, code changed), EIP stays on the instruction and the body returns. A bulk
 * is at most repeat_limit(cpu) iterations, which is at least 1.
 */
bool repeat_continue(struct cpu *cpu);
uint64_t repeat_limit(const struct cpu *cpu);
/* n iterations, where a plain instruction would be one. */
static inline void repeat_bulk(struct cpu *cpu, uint64_t n)
{
    cpu->retired_before_block += n - 1;
}

/* ---- slow paths (mmu.c) ---- */

uint64_t mmu_read(struct cpu *cpu, uint32_t linear, unsigned size, bool user);
void mmu_write(struct cpu *cpu, uint32_t linear, unsigned size, uint64_t value, bool user);
/* Where to read, modify and write the operand: in plain RAM itself, or in cpu->rmw.bytes, from where mmu_rmw_store takes it
 * to memory. It cannot fault any more. */
uint8_t *mmu_rmw(struct cpu *cpu, uint32_t linear, unsigned size);
void mmu_rmw_store(struct cpu *cpu, unsigned size);
/* All checks of an access (page faults), no access; also over several pages. */
void mmu_probe(struct cpu *cpu, uint32_t linear, uint32_t size, bool write, bool user);
/* An offset outside the segment's window: #SS(0) for SS, else #GP(0), with the reason. */
_Noreturn void mem_window_fault(struct cpu *cpu, unsigned segment, uint32_t offset, unsigned size,
                                bool write);

/* ---- host memory, little-endian; `size` is a constant after inlining ---- */

ACCESS_INLINE uint64_t host_load(const uint8_t *from, unsigned size)
{
    switch (size) {
    case 1: return *from;
    case 2: return le16_load(from);
    case 4: return le32_load(from);
    default: return le64_load(from);
    }
}

ACCESS_INLINE void host_store(uint8_t *to, unsigned size, uint64_t value)
{
    switch (size) {
    case 1: *to = (uint8_t)value; break;
    case 2: le16_store(to, (uint16_t)value); break;
    case 4: le32_store(to, (uint32_t)value); break;
    default: le64_store(to, value); break;
    }
}

/* ---- linear addresses ---- */

#define TLB_PAGE_MASK 0xfffff000u

/* Which slot a page has. Buffers at distances that are powers of two do not share theirs. */
ACCESS_INLINE unsigned tlb_number(uint32_t linear)
{
    return (linear >> 12 ^ linear >> (12 + TLB_BITS)) & (TLB_ENTRIES - 1);
}

ACCESS_INLINE const struct tlb_entry *tlb_slot(const struct tlb_entry *tlb, uint32_t linear)
{
    return &tlb[tlb_number(linear)];
}

/* The page of the last byte is compared with the tag found by the first: one compare also finds a page
 * boundary. */
ACCESS_INLINE uint64_t tlb_read(struct cpu *cpu, const struct tlb_entry *tlb, uint32_t linear, unsigned size,
                                bool user)
{
    const struct tlb_entry *entry = tlb_slot(tlb, linear);
    if (likely(entry->read == ((linear + size - 1) & TLB_PAGE_MASK)))
        return host_load((const uint8_t *)(entry->host + linear), size);
    return mmu_read(cpu, linear, size, user);
}

ACCESS_INLINE void tlb_write(struct cpu *cpu, const struct tlb_entry *tlb, uint32_t linear, unsigned size,
                             uint64_t value, bool user)
{
    const struct tlb_entry *entry = tlb_slot(tlb, linear);
    if (likely(entry->write == ((linear + size - 1) & TLB_PAGE_MASK)))
        host_store((uint8_t *)(entry->host + linear), size, value);
    else
        mmu_write(cpu, linear, size, value, user);
}

/* With the rights of user mode only CPL 3 asks. */
ACCESS_INLINE const struct tlb_entry *rights_tlb(const struct cpu *cpu, bool user)
{
    return user ? cpu->tlb : cpu->tlbs[0];
}

static inline uint8_t lin_read8(struct cpu *cpu, uint32_t linear, bool user)
{
    return (uint8_t)tlb_read(cpu, rights_tlb(cpu, user), linear, 1, user);
}
static inline uint16_t lin_read16(struct cpu *cpu, uint32_t linear, bool user)
{
    return (uint16_t)tlb_read(cpu, rights_tlb(cpu, user), linear, 2, user);
}
static inline uint32_t lin_read32(struct cpu *cpu, uint32_t linear, bool user)
{
    return (uint32_t)tlb_read(cpu, rights_tlb(cpu, user), linear, 4, user);
}
static inline uint64_t lin_read64(struct cpu *cpu, uint32_t linear, bool user)
{
    return tlb_read(cpu, rights_tlb(cpu, user), linear, 8, user);
}
static inline void lin_write8(struct cpu *cpu, uint32_t linear, uint8_t value, bool user)
{
    tlb_write(cpu, rights_tlb(cpu, user), linear, 1, value, user);
}
static inline void lin_write16(struct cpu *cpu, uint32_t linear, uint16_t value, bool user)
{
    tlb_write(cpu, rights_tlb(cpu, user), linear, 2, value, user);
}
static inline void lin_write32(struct cpu *cpu, uint32_t linear, uint32_t value, bool user)
{
    tlb_write(cpu, rights_tlb(cpu, user), linear, 4, value, user);
}
static inline void lin_write64(struct cpu *cpu, uint32_t linear, uint64_t value, bool user)
{
    tlb_write(cpu, rights_tlb(cpu, user), linear, 8, value, user);
}
static inline void lin_probe_write(struct cpu *cpu, uint32_t linear, uint32_t size, bool user)
{
    mmu_probe(cpu, linear, size, true, user);
}

static inline uint8_t system_read8(struct cpu *cpu, uint32_t linear)
{
    return lin_read8(cpu, linear, false);
}
static inline uint16_t system_read16(struct cpu *cpu, uint32_t linear)
{
    return lin_read16(cpu, linear, false);
}
static inline uint32_t system_read32(struct cpu *cpu, uint32_t linear)
{
    return lin_read32(cpu, linear, false);
}
static inline uint64_t system_read64(struct cpu *cpu, uint32_t linear)
{
    return lin_read64(cpu, linear, false);
}
static inline void system_write8(struct cpu *cpu, uint32_t linear, uint8_t value)
{
    lin_write8(cpu, linear, value, false);
}
static inline void system_write16(struct cpu *cpu, uint32_t linear, uint16_t value)
{
    lin_write16(cpu, linear, value, false);
}
static inline void system_write32(struct cpu *cpu, uint32_t linear, uint32_t value)
{
    lin_write32(cpu, linear, value, false);
}
static inline void system_write64(struct cpu *cpu, uint32_t linear, uint64_t value)
{
    lin_write64(cpu, linear, value, false);
}

/* ---- segment and offset ---- */

/* Whether `size` bytes from `offset` on lie within a window that begins at `low`. */
ACCESS_INLINE bool window_holds(uint32_t low, int64_t span, uint32_t offset, uint32_t size)
{
    return (int64_t)(uint32_t)(offset - low) + size - 1 <= span;
}

ACCESS_INLINE bool window_readable(const struct cpu *cpu, unsigned segment, uint32_t offset, uint32_t size)
{
    const struct segment_window *window = &cpu->window[segment];
    return window_holds(window->read_low, window->read_span, offset, size);
}

ACCESS_INLINE bool window_writable(const struct cpu *cpu, unsigned segment, uint32_t offset, uint32_t size)
{
    const struct segment_window *window = &cpu->window[segment];
    return window_holds(window->write_low, window->write_span, offset, size);
}

/* The linear address of an operand, checked against its segment. */
ACCESS_INLINE uint32_t mem_linear(struct cpu *cpu, unsigned segment, uint32_t offset, unsigned size,
                                  bool write)
{
    const struct segment_window *window = &cpu->window[segment];
    bool within = write ? window_holds(window->write_low, window->write_span, offset, size)
                        : window_holds(window->read_low, window->read_span, offset, size);
    if (unlikely(!within)) mem_window_fault(cpu, segment, offset, size, write);
    return (uint32_t)window->base + offset;
}

ACCESS_INLINE uint64_t mem_read(struct cpu *cpu, unsigned segment, uint32_t offset, unsigned size)
{
    uint32_t linear = mem_linear(cpu, segment, offset, size, false);
    return tlb_read(cpu, cpu->tlb, linear, size, cpu->s.cpl == 3);
}

ACCESS_INLINE void mem_write(struct cpu *cpu, unsigned segment, uint32_t offset, unsigned size,
                             uint64_t value)
{
    uint32_t linear = mem_linear(cpu, segment, offset, size, true);
    tlb_write(cpu, cpu->tlb, linear, size, value, cpu->s.cpl == 3);
}

ACCESS_INLINE uint64_t mem_rmw(struct cpu *cpu, unsigned segment, uint32_t offset, unsigned size,
                               uint8_t **place)
{
    uint32_t linear = mem_linear(cpu, segment, offset, size, true);
    const struct tlb_entry *entry = tlb_slot(cpu->tlb, linear);
    if (likely(entry->write == ((linear + size - 1) & TLB_PAGE_MASK)))
        *place = (uint8_t *)(entry->host + linear);
    else
        *place = mmu_rmw(cpu, linear, size);
    return host_load(*place, size);
}

ACCESS_INLINE void rmw_store(struct cpu *cpu, uint8_t *place, unsigned size, uint64_t value)
{
    host_store(place, size, value);
    if (unlikely(place == cpu->rmw.bytes)) mmu_rmw_store(cpu, size);
}

ACCESS_INLINE uint8_t mem_read8(struct cpu *cpu, unsigned segment, uint32_t offset)
{
    return (uint8_t)mem_read(cpu, segment, offset, 1);
}
ACCESS_INLINE uint16_t mem_read16(struct cpu *cpu, unsigned segment, uint32_t offset)
{
    return (uint16_t)mem_read(cpu, segment, offset, 2);
}
ACCESS_INLINE uint32_t mem_read32(struct cpu *cpu, unsigned segment, uint32_t offset)
{
    return (uint32_t)mem_read(cpu, segment, offset, 4);
}
ACCESS_INLINE uint64_t mem_read64(struct cpu *cpu, unsigned segment, uint32_t offset)
{
    return mem_read(cpu, segment, offset, 8);
}
ACCESS_INLINE void mem_write8(struct cpu *cpu, unsigned segment, uint32_t offset, uint8_t value)
{
    mem_write(cpu, segment, offset, 1, value);
}
ACCESS_INLINE void mem_write16(struct cpu *cpu, unsigned segment, uint32_t offset, uint16_t value)
{
    mem_write(cpu, segment, offset, 2, value);
}
ACCESS_INLINE void mem_write32(struct cpu *cpu, unsigned segment, uint32_t offset, uint32_t value)
{
    mem_write(cpu, segment, offset, 4, value);
}
ACCESS_INLINE void mem_write64(struct cpu *cpu, unsigned segment, uint32_t offset, uint64_t value)
{
    mem_write(cpu, segment, offset, 8, value);
}
ACCESS_INLINE uint8_t mem_rmw8(struct cpu *cpu, unsigned segment, uint32_t offset, uint8_t **place)
{
    return (uint8_t)mem_rmw(cpu, segment, offset, 1, place);
}
ACCESS_INLINE uint16_t mem_rmw16(struct cpu *cpu, unsigned segment, uint32_t offset, uint8_t **place)
{
    return (uint16_t)mem_rmw(cpu, segment, offset, 2, place);
}
ACCESS_INLINE uint32_t mem_rmw32(struct cpu *cpu, unsigned segment, uint32_t offset, uint8_t **place)
{
    return (uint32_t)mem_rmw(cpu, segment, offset, 4, place);
}
ACCESS_INLINE uint64_t mem_rmw64(struct cpu *cpu, unsigned segment, uint32_t offset, uint8_t **place)
{
    return mem_rmw(cpu, segment, offset, 8, place);
}
ACCESS_INLINE void rmw_store8(struct cpu *cpu, uint8_t *place, uint8_t value)
{
    rmw_store(cpu, place, 1, value);
}
ACCESS_INLINE void rmw_store16(struct cpu *cpu, uint8_t *place, uint16_t value)
{
    rmw_store(cpu, place, 2, value);
}
ACCESS_INLINE void rmw_store32(struct cpu *cpu, uint8_t *place, uint32_t value)
{
    rmw_store(cpu, place, 4, value);
}
ACCESS_INLINE void rmw_store64(struct cpu *cpu, uint8_t *place, uint64_t value)
{
    rmw_store(cpu, place, 8, value);
}

/* All checks of a write of `size` bytes and no access: before an instruction that writes in several steps. */
static inline void mem_probe_write(struct cpu *cpu, unsigned segment, uint32_t offset, uint32_t size)
{
    if (unlikely(!window_writable(cpu, segment, offset, size)))
        mem_window_fault(cpu, segment, offset, size, true);
    mmu_probe(cpu, (uint32_t)(cpu->window[segment].base + offset), size, true, cpu->s.cpl == 3);
}

/*
 * For bulks of string instructions: host memory of `size` bytes within one page, when the access needs
 * nothing but a copy (plain RAM, TLB hit, inside the window); else NULL, and the caller does one element the
 * ordinary way, which raises the fault or fills the TLB. Nothing has to be marked after a write.
 */
static inline const uint8_t *mem_direct_read(struct cpu *cpu, unsigned segment, uint32_t offset,
                                             uint32_t size)
{
    if (!window_readable(cpu, segment, offset, size)) return NULL;
    uint32_t linear = (uint32_t)(cpu->window[segment].base + offset);
    const struct tlb_entry *entry = tlb_slot(cpu->tlb, linear);
    if (entry->read != ((linear + size - 1) & TLB_PAGE_MASK)) return NULL;
    return (const uint8_t *)(entry->host + linear);
}

static inline uint8_t *mem_direct_write(struct cpu *cpu, unsigned segment, uint32_t offset, uint32_t size)
{
    if (!window_writable(cpu, segment, offset, size)) return NULL;
    uint32_t linear = (uint32_t)(cpu->window[segment].base + offset);
    const struct tlb_entry *entry = tlb_slot(cpu->tlb, linear);
    if (entry->write != ((linear + size - 1) & TLB_PAGE_MASK)) return NULL;
    return (uint8_t *)(entry->host + linear);
}

/* The same by linear address, writing. */
static inline uint8_t *lin_direct_write(struct cpu *cpu, uint32_t linear, uint32_t size, bool user)
{
    const struct tlb_entry *entry = tlb_slot(rights_tlb(cpu, user), linear);
    if (entry->write != ((linear + size - 1) & TLB_PAGE_MASK)) return NULL;
    return (uint8_t *)(entry->host + linear);
}

/* ---- operands ---- */

/* Offset of the memory operand in insn->segment. */
ACCESS_INLINE uint32_t insn_ea(const struct cpu *cpu, const struct insn *insn)
{
    uint64_t displacement = (uint64_t)(int64_t)insn->displacement;
    uint64_t sum = cpu->s.gpr[insn->base] + (cpu->s.gpr[insn->index] << insn->scale) + displacement;
    return (uint32_t)(sum & insn->address_mask);
}

/* ---- stack ---- */

ACCESS_INLINE uint32_t stack_offset(const struct cpu *cpu, uint32_t plus)
{
    return ((uint32_t)cpu->s.gpr[CPU_ESP] + plus) & cpu->stack_mask;
}

/* ESP or SP becomes `offset`. */
ACCESS_INLINE void stack_set(struct cpu *cpu, uint32_t offset)
{
    uint64_t mask = cpu->stack_mask;
    cpu->s.gpr[CPU_ESP] = (cpu->s.gpr[CPU_ESP] & ~mask) | (offset & mask);
}

ACCESS_INLINE void stack_push16(struct cpu *cpu, uint16_t value)
{
    uint32_t offset = stack_offset(cpu, (uint32_t)-2);
    mem_write16(cpu, CPU_SS, offset, value);
    stack_set(cpu, offset);
}

ACCESS_INLINE void stack_push32(struct cpu *cpu, uint32_t value)
{
    uint32_t offset = stack_offset(cpu, (uint32_t)-4);
    mem_write32(cpu, CPU_SS, offset, value);
    stack_set(cpu, offset);
}

/* What lies `byte_offset` above the top; nothing changes. */
ACCESS_INLINE uint16_t stack_peek16(struct cpu *cpu, uint32_t byte_offset)
{
    return mem_read16(cpu, CPU_SS, stack_offset(cpu, byte_offset));
}

ACCESS_INLINE uint32_t stack_peek32(struct cpu *cpu, uint32_t byte_offset)
{
    return mem_read32(cpu, CPU_SS, stack_offset(cpu, byte_offset));
}

ACCESS_INLINE void stack_drop(struct cpu *cpu, uint32_t bytes)
{
    stack_set(cpu, stack_offset(cpu, bytes));
}

ACCESS_INLINE uint16_t stack_pop16(struct cpu *cpu)
{
    uint16_t value = stack_peek16(cpu, 0);
    stack_drop(cpu, 2);
    return value;
}

ACCESS_INLINE uint32_t stack_pop32(struct cpu *cpu)
{
    uint32_t value = stack_peek32(cpu, 0);
    stack_drop(cpu, 4);
    return value;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * String instructions: MOVS CMPS STOS LODS SCAS INS OUTS, alone and repeated (SDM 2; SDM 1, 7.3.9).
 *
 * One iteration does its accesses, then moves its index registers. A repeated instruction runs iterations
 * until the count is used up, the comparison ends it, or the engine asks for the CPU (repeat_continue,
 * access.h); registers are right after every iteration, so that faults and interrupts find it resumable. MOVS,
 * STOS, CMPS, SCAS and INS going up take up to a page at a time where memory is plain RAM (and the device has the data
 * ready), which looks the same to the guest.
 */
#include "emu/cpu/access.h"
#include "emu/cpu/alu.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/io.h"

typedef void (*string_step)(struct cpu *cpu, const struct insn *insn);
/* Does many iterations at once where it can; returns how many (0: do one the ordinary way). None of them ends the
 * repetition. */
typedef uint32_t (*string_bulk)(struct cpu *cpu, const struct insn *insn, uint64_t most);

static inline uint32_t index_of(const struct cpu *cpu, const struct insn *insn, unsigned n)
{
    return (uint32_t)reg_addr(cpu, n, insn->address_mask);
}

static inline bool going_up(const struct cpu *cpu)
{
    return !(cpu->s.eflags & FLAG_DF);
}

static inline void advance(struct cpu *cpu, const struct insn *insn, unsigned n, uint32_t bytes)
{
    uint64_t now = reg_addr(cpu, n, insn->address_mask);
    set_reg_addr(cpu, n, insn->address_mask, going_up(cpu) ? now + bytes : now - bytes);
}

/* ---- repetition ---- */

enum repeat_end { ENDS_BY_COUNT, ENDS_BY_ZF };

static inline __attribute__((always_inline)) void repeat(struct cpu *cpu, const struct insn *insn,
                                                         string_step step, string_bulk bulk,
                                                         enum repeat_end end)
{
    if (!(insn->prefixes & (INSN_REP | INSN_REPNE))) {
        step(cpu, insn);
        return;
    }
    uint64_t mask = insn->address_mask, count = reg_addr(cpu, CPU_ECX, mask);
    bool while_equal = insn->prefixes & INSN_REP;
    while (count) {
        uint32_t done = 0;
        if (bulk && count > 1) {
            uint64_t limit = repeat_limit(cpu);
            done = bulk(cpu, insn, count < limit ? count : limit);
        }
        bool ended = false;
        if (done) {
            repeat_bulk(cpu, done);
        } else {
            step(cpu, insn);
            done = 1;
            ended = end == ENDS_BY_ZF && flag_zf(cpu) != while_equal;
        }
        count -= done;
        set_reg_addr(cpu, CPU_ECX, mask, count);
        if (!count || ended) return;
        if (!repeat_continue(cpu)) return;
    }
}

/* ---- pieces that can be copied at once ---- */

static inline uint32_t bytes_left_in_page(const struct cpu *cpu, unsigned segment, uint32_t offset)
{
    return 0x1000 - ((uint32_t)(cpu->window[segment].base + offset) & 0xfff);
}

static inline uint32_t smaller(uint32_t a, uint64_t b)
{
    return a < b ? a : (uint32_t)b;
}

/* Copies upwards byte after byte in effect: where the destination starts within the source, the pattern
 * repeats, so the copy goes in steps that do not overlap. */
static void copy_up(uint8_t *to, const uint8_t *from, size_t size)
{
    if (to <= from || to >= from + size) {
        memmove(to, from, size);
        return;
    }
    size_t distance = (size_t)(to - from);
    while (size) {
        size_t piece = size < distance ? size : distance;
        memcpy(to, from, piece);
        to += piece;
        size -= piece;
        distance += piece; /* what was written continues the source */
    }
}

static inline uint32_t move_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most, unsigned size)
{
    if (!going_up(cpu)) return 0;
    uint32_t source = index_of(cpu, insn, CPU_ESI), target = index_of(cpu, insn, CPU_EDI);
    uint32_t room = bytes_left_in_page(cpu, insn->segment, source);
    room = smaller(room, bytes_left_in_page(cpu, CPU_ES, target));
    /* An index that would wrap within the piece goes one by one. */
    room = smaller(smaller(room, insn->address_mask - source), insn->address_mask - target);
    uint32_t count = smaller(room / size, most), bytes = count * size;
    if (!count) return 0;
    const uint8_t *from = mem_direct_read(cpu, insn->segment, source, bytes);
    uint8_t *to = mem_direct_write(cpu, CPU_ES, target, bytes);
    if (!from || !to) return 0;
    if (to > from && to < from + size) return 0; /* elements that overlap themselves */
    copy_up(to, from, bytes);
    advance(cpu, insn, CPU_ESI, bytes);
    advance(cpu, insn, CPU_EDI, bytes);
    return count;
}

static inline uint32_t store_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most, unsigned size)
{
    if (!going_up(cpu)) return 0;
    uint32_t target = index_of(cpu, insn, CPU_EDI);
    uint32_t room = smaller(bytes_left_in_page(cpu, CPU_ES, target), insn->address_mask - target);
    uint32_t count = smaller(room / size, most), bytes = count * size;
    uint8_t *to = count ? mem_direct_write(cpu, CPU_ES, target, bytes) : NULL;
    if (!to) return 0;
    host_store(to, size, reg32(cpu, CPU_EAX));
    copy_up(to + size, to, bytes - size);
    advance(cpu, insn, CPU_EDI, bytes);
    return count;
}

/* INS of what the device has ready: its page is as good as probed. */
static inline uint32_t input_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most, unsigned size)
{
    if (!going_up(cpu)) return 0;
    uint32_t target = index_of(cpu, insn, CPU_EDI);
    uint32_t room = smaller(bytes_left_in_page(cpu, CPU_ES, target), insn->address_mask - target);
    uint32_t count = smaller(room / size, most);
    uint8_t *to = count ? mem_direct_write(cpu, CPU_ES, target, count * size) : NULL;
    if (!to) return 0;
    count = io_read_series(cpu, reg16(cpu, CPU_EDX), size, to, count);
    advance(cpu, insn, CPU_EDI, count * size);
    return count;
}

/* How many elements come before the first that ends the scan, of at most `count`. */
static inline uint32_t scan(const uint8_t *first, const uint8_t *second, unsigned size, unsigned first_step,
                            uint32_t count, bool while_equal)
{
    uint32_t n = 0;
    while (n < count &&
           (host_load(first + n * first_step, size) == host_load(second + n * size, size)) == while_equal)
        n++;
    return n;
}

static inline void compare(struct cpu *cpu, uint64_t first, uint64_t second, unsigned size)
{
    switch (size) {
    case 1: sub8(cpu, (uint8_t)first, (uint8_t)second); break;
    case 2: sub16(cpu, (uint16_t)first, (uint16_t)second); break;
    default: sub32(cpu, (uint32_t)first, (uint32_t)second); break;
    }
}

/* CMPS, and SCAS, whose first operand is the accumulator each time. The element that ends the scan is left to be done the
 * ordinary way; the flags are those of the last one done, in case an interrupt comes. */
static inline uint32_t scan_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most, unsigned size,
                                 bool both)
{
    uint8_t accumulator[4];
    if (!going_up(cpu)) return 0;
    uint32_t source = index_of(cpu, insn, CPU_ESI), target = index_of(cpu, insn, CPU_EDI);
    uint32_t room = smaller(bytes_left_in_page(cpu, CPU_ES, target), insn->address_mask - target);
    if (both)
        room = smaller(smaller(room, bytes_left_in_page(cpu, insn->segment, source)),
                       insn->address_mask - source);
    uint32_t count = smaller(room / size, most);
    if (!count) return 0;
    const uint8_t *second = mem_direct_read(cpu, CPU_ES, target, count * size), *first = accumulator;
    if (both) first = mem_direct_read(cpu, insn->segment, source, count * size);
    if (!first || !second) return 0;
    le32_store(accumulator, acc32(cpu));
    unsigned first_step = both ? size : 0;
    count = scan(first, second, size, first_step, count, insn->prefixes & INSN_REP);
    if (!count) return 0;
    uint32_t last = count - 1;
    compare(cpu, host_load(first + last * first_step, size), host_load(second + last * size, size), size);
    advance(cpu, insn, CPU_EDI, count * size);
    if (both) advance(cpu, insn, CPU_ESI, count * size);
    return count;
}

/* ---- one iteration of each, and the instructions ---- */

#define STRING_SIZES(bits)                                                                                   \
    static void movs##bits(struct cpu *cpu, const struct insn *insn)                                         \
    {                                                                                                        \
        uint##bits##_t value = mem_read##bits(cpu, insn->segment, index_of(cpu, insn, CPU_ESI));             \
        mem_write##bits(cpu, CPU_ES, index_of(cpu, insn, CPU_EDI), value);                                   \
        advance(cpu, insn, CPU_ESI, bits / 8);                                                               \
        advance(cpu, insn, CPU_EDI, bits / 8);                                                               \
    }                                                                                                        \
    static void cmps##bits(struct cpu *cpu, const struct insn *insn)                                         \
    {                                                                                                        \
        uint##bits##_t first = mem_read##bits(cpu, insn->segment, index_of(cpu, insn, CPU_ESI));             \
        uint##bits##_t second = mem_read##bits(cpu, CPU_ES, index_of(cpu, insn, CPU_EDI));                   \
        sub##bits(cpu, first, second);                                                                       \
        advance(cpu, insn, CPU_ESI, bits / 8);                                                               \
        advance(cpu, insn, CPU_EDI, bits / 8);                                                               \
    }                                                                                                        \
    static void stos##bits(struct cpu *cpu, const struct insn *insn)                                         \
    {                                                                                                        \
        mem_write##bits(cpu, CPU_ES, index_of(cpu, insn, CPU_EDI), acc##bits(cpu));                          \
        advance(cpu, insn, CPU_EDI, bits / 8);                                                               \
    }                                                                                                        \
    static void lods##bits(struct cpu *cpu, const struct insn *insn)                                         \
    {                                                                                                        \
        set_acc##bits(cpu, mem_read##bits(cpu, insn->segment, index_of(cpu, insn, CPU_ESI)));                \
        advance(cpu, insn, CPU_ESI, bits / 8);                                                               \
    }                                                                                                        \
    static void scas##bits(struct cpu *cpu, const struct insn *insn)                                         \
    {                                                                                                        \
        sub##bits(cpu, acc##bits(cpu), mem_read##bits(cpu, CPU_ES, index_of(cpu, insn, CPU_EDI)));           \
        advance(cpu, insn, CPU_EDI, bits / 8);                                                               \
    }                                                                                                        \
    /* The page is probed first: a read from a port cannot be taken back. */                                 \
    static void ins##bits(struct cpu *cpu, const struct insn *insn)                                          \
    {                                                                                                        \
        uint16_t port = reg16(cpu, CPU_EDX);                                                                 \
        io_check(cpu, port, bits / 8);                                                                       \
        mem_probe_write(cpu, CPU_ES, index_of(cpu, insn, CPU_EDI), bits / 8);                                \
        uint##bits##_t value = (uint##bits##_t)io_read(cpu, port, bits / 8);                                 \
        mem_write##bits(cpu, CPU_ES, index_of(cpu, insn, CPU_EDI), value);                                   \
        advance(cpu, insn, CPU_EDI, bits / 8);                                                               \
    }                                                                                                        \
    static void outs##bits(struct cpu *cpu, const struct insn *insn)                                         \
    {                                                                                                        \
        uint16_t port = reg16(cpu, CPU_EDX);                                                                 \
        io_check(cpu, port, bits / 8);                                                                       \
        uint##bits##_t value = mem_read##bits(cpu, insn->segment, index_of(cpu, insn, CPU_ESI));             \
        io_write(cpu, port, bits / 8, value);                                                                \
        advance(cpu, insn, CPU_ESI, bits / 8);                                                               \
    }                                                                                                        \
    static uint32_t movs##bits##_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most)               \
    {                                                                                                        \
        return move_bulk(cpu, insn, most, bits / 8);                                                         \
    }                                                                                                        \
    static uint32_t cmps##bits##_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most)               \
    {                                                                                                        \
        return scan_bulk(cpu, insn, most, bits / 8, true);                                                   \
    }                                                                                                        \
    static uint32_t scas##bits##_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most)               \
    {                                                                                                        \
        return scan_bulk(cpu, insn, most, bits / 8, false);                                                  \
    }                                                                                                        \
    static uint32_t ins##bits##_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most)                \
    {                                                                                                        \
        return input_bulk(cpu, insn, most, bits / 8);                                                        \
    }                                                                                                        \
    static uint32_t stos##bits##_bulk(struct cpu *cpu, const struct insn *insn, uint64_t most)               \
    {                                                                                                        \
        return store_bulk(cpu, insn, most, bits / 8);                                                        \
    }                                                                                                        \
    BODY(movs##bits##_string)                                                                                \
    {                                                                                                        \
        repeat(cpu, insn, movs##bits, movs##bits##_bulk, ENDS_BY_COUNT);                                     \
    }                                                                                                        \
    BODY(cmps##bits##_string)                                                                                \
    {                                                                                                        \
        repeat(cpu, insn, cmps##bits, cmps##bits##_bulk, ENDS_BY_ZF);                                        \
    }                                                                                                        \
    BODY(stos##bits##_string)                                                                                \
    {                                                                                                        \
        repeat(cpu, insn, stos##bits, stos##bits##_bulk, ENDS_BY_COUNT);                                     \
    }                                                                                                        \
    BODY(lods##bits##_string)                                                                                \
    {                                                                                                        \
        repeat(cpu, insn, lods##bits, NULL, ENDS_BY_COUNT);                                                  \
    }                                                                                                        \
    BODY(scas##bits##_string)                                                                                \
    {                                                                                                        \
        repeat(cpu, insn, scas##bits, scas##bits##_bulk, ENDS_BY_ZF);                                        \
    }                                                                                                        \
    BODY(ins##bits##_string)                                                                                 \
    {                                                                                                        \
        repeat(cpu, insn, ins##bits, ins##bits##_bulk, ENDS_BY_COUNT);                                       \
    }                                                                                                        \
    BODY(outs##bits##_string)                                                                                \
    {                                                                                                        \
        repeat(cpu, insn, outs##bits, NULL, ENDS_BY_COUNT);                                                  \
    }

STRING_SIZES(8)
STRING_SIZES(16)
STRING_SIZES(32)

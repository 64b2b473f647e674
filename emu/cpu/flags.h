/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic flags, kept lazily: an operation stores its result and the carries out of each bit (struct
 * lazy_flags in internal.h); a flag is worked out when somebody asks. SDM 1, 3.4.3.1 and the instructions'
 * "Flags Affected".
 *
 * Where the manual leaves a flag undefined, it gets what current
 * processors were seen to do.
 */
#ifndef EMU_CPU_FLAGS_H
#define EMU_CPU_FLAGS_H

#include "emu/cpu/internal.h"

enum {
    FLAG_CF = 1 << 0,
    FLAG_PF = 1 << 2,
    FLAG_AF = 1 << 4,
    FLAG_ZF = 1 << 6,
    FLAG_SF = 1 << 7,
    FLAG_TF = 1 << 8,
    FLAG_IF = 1 << 9,
    FLAG_DF = 1 << 10,
    FLAG_OF = 1 << 11,
    FLAG_IOPL = 3 << 12,
    FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16,
    FLAG_VM = 1 << 17,
    FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19,
    FLAG_VIP = 1 << 20,
    FLAG_ID = 1 << 21,
    FLAG_ARITHMETIC = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};

/* Virtual-8086 mode: protected mode, but segments are those of the 8086. */
static inline bool cpu_v86(const struct cpu *cpu)
{
    return cpu->s.eflags & FLAG_VM;
}

/* ---- asking ---- */

static inline bool flag_cf(const struct cpu *cpu)
{
    return cpu->flags.carry >> 31;
}

static inline bool flag_of(const struct cpu *cpu)
{
    return (cpu->flags.carries ^ cpu->flags.carries << 1) >> 31;
}

static inline bool flag_zf(const struct cpu *cpu)
{
    return cpu->flags.zero == 0;
}

static inline bool flag_sf(const struct cpu *cpu)
{
    return cpu->flags.sign < 0;
}

static inline bool flag_pf(const struct cpu *cpu)
{
    return !__builtin_parity((uint8_t)cpu->flags.sign);
}

static inline bool flag_af(const struct cpu *cpu)
{
    return cpu->flags.carries >> 3 & 1;
}

/* The conditions of Jcc, SETcc and CMOVcc, by the low four bits of the opcode (SDM 2, B.1.4.7). */
static inline __attribute__((always_inline)) bool condition(const struct cpu *cpu, unsigned code)
{
    bool holds;
    switch (code >> 1 & 7) {
    case 0: holds = flag_of(cpu); break;
    case 1: holds = flag_cf(cpu); break;
    case 2: holds = flag_zf(cpu); break;
    case 3: holds = flag_cf(cpu) || flag_zf(cpu); break;
    case 4: holds = flag_sf(cpu); break;
    case 5: holds = flag_pf(cpu); break;
    case 6: holds = flag_sf(cpu) != flag_of(cpu); break;
    default: holds = flag_zf(cpu) || flag_sf(cpu) != flag_of(cpu); break;
    }
    return holds != (code & 1);
}

/* EFLAGS with all bits in place. */
static inline uint32_t flags_compose(const struct cpu *cpu)
{
    uint32_t arithmetic = (flag_cf(cpu) ? FLAG_CF : 0u) | (flag_pf(cpu) ? FLAG_PF : 0u) |
                          (flag_af(cpu) ? FLAG_AF : 0u) | (flag_zf(cpu) ? FLAG_ZF : 0u) |
                          (flag_sf(cpu) ? FLAG_SF : 0u) | (flag_of(cpu) ? FLAG_OF : 0u);
    return ((uint32_t)cpu->s.eflags & ~(uint32_t)FLAG_ARITHMETIC) | arithmetic | 2;
}

/* ---- setting ---- */

/* Replaces the six arithmetic flags by those in `value`; other bits of `value` do not matter. */
static inline void flags_load_arithmetic(struct cpu *cpu, uint32_t value)
{
    cpu->flags.zero = !(value & FLAG_ZF);
    cpu->flags.sign = (int32_t)((value & FLAG_SF ? 0x80000000u : 0) | (value & FLAG_PF ? 0 : 1));
    cpu->flags.carry = value << 31;
    cpu->flags.carries = (value & FLAG_OF) << 20 | (value & FLAG_AF) >> 1;
}

/* Replaces all of EFLAGS. */
static inline void flags_load(struct cpu *cpu, uint32_t value)
{
    flags_load_arithmetic(cpu, value);
    cpu->s.eflags = (value & ~(uint32_t)FLAG_ARITHMETIC) | 2;
}

static inline void flags_set_cf(struct cpu *cpu, bool cf)
{
    cpu->flags.carry = (uint32_t)cf << 31;
}

/* Keeps AF. */
static inline void flags_set_cf_of(struct cpu *cpu, bool cf, bool of)
{
    flags_set_cf(cpu, cf);
    cpu->flags.carries = (uint32_t)of << 31 | (cpu->flags.carries & 8);
}

/* AF is undefined, and 0. */
static inline void flags_cf_of(struct cpu *cpu, bool cf, bool of)
{
    flags_set_cf(cpu, cf);
    cpu->flags.carries = (uint32_t)of << 31;
}

static inline void flags_set_zf(struct cpu *cpu, bool zf)
{
    cpu->flags.zero = !zf;
}

/* ZF, SF and PF from a result. */
static inline void flags_result8(struct cpu *cpu, uint8_t result)
{
    cpu->flags.zero = result;
    cpu->flags.sign = (int8_t)result;
}

static inline void flags_result16(struct cpu *cpu, uint16_t result)
{
    cpu->flags.zero = result;
    cpu->flags.sign = (int16_t)result;
}

static inline void flags_result32(struct cpu *cpu, uint32_t result)
{
    cpu->flags.zero = result;
    cpu->flags.sign = (int32_t)result;
}

/* The carry out of each bit position of a + b (+ carry), and the borrow of a - b (- borrow). */
static inline uint32_t carries_of_add(uint32_t a, uint32_t b, uint32_t result)
{
    return (a & b) | ((a | b) & ~result);
}

static inline uint32_t carries_of_sub(uint32_t a, uint32_t b, uint32_t result)
{
    return (~a & b) | ((~a | b) & result);
}

/* OF and AF from the carries; INC and DEC, which keep CF, use it alone. `shift` brings the top bit to bit 31. */
static inline void flags_of_af(struct cpu *cpu, uint32_t carries, unsigned shift)
{
    cpu->flags.carries = shift ? carries << shift | (carries & 8) : carries;
}

static inline void flags_carries(struct cpu *cpu, uint32_t carries, unsigned shift)
{
    cpu->flags.carry = carries << shift;
    flags_of_af(cpu, carries, shift);
}

static inline void flags_logic(struct cpu *cpu)
{
    cpu->flags.carry = cpu->flags.carries = 0;
}

#endif

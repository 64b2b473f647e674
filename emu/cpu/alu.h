/* SPDX-License-Identifier: MIT */
/*
 * The integer operations themselves, once per operand size: they take values, set the flags and give the
 * result. Where operands come from and go to is the business of the bodies (data_alu.c and its neighbours).
 */
#ifndef EMU_CPU_ALU_H
#define EMU_CPU_ALU_H

#include "emu/cpu/flags.h"

/* One definition per size: `shift` brings the carry out of the top bit to bit 31. */
#define ALU_OPERATIONS(bits, shift)                                                                          \
    static inline uint##bits##_t add##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)              \
    {                                                                                                        \
        uint##bits##_t result = (uint##bits##_t)(a + b);                                                     \
        flags_result##bits(cpu, result);                                                                     \
        flags_carries(cpu, carries_of_add(a, b, result), shift);                                             \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t adc##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)              \
    {                                                                                                        \
        uint##bits##_t result = (uint##bits##_t)(a + b + flag_cf(cpu));                                      \
        flags_result##bits(cpu, result);                                                                     \
        flags_carries(cpu, carries_of_add(a, b, result), shift);                                             \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t sub##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)              \
    {                                                                                                        \
        uint##bits##_t result = (uint##bits##_t)(a - b);                                                     \
        flags_result##bits(cpu, result);                                                                     \
        flags_carries(cpu, carries_of_sub(a, b, result), shift);                                             \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t sbb##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)              \
    {                                                                                                        \
        uint##bits##_t result = (uint##bits##_t)(a - b - flag_cf(cpu));                                      \
        flags_result##bits(cpu, result);                                                                     \
        flags_carries(cpu, carries_of_sub(a, b, result), shift);                                             \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t and##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)              \
    {                                                                                                        \
        flags_result##bits(cpu, a &b);                                                                       \
        flags_logic(cpu);                                                                                    \
        return a & b;                                                                                        \
    }                                                                                                        \
    static inline uint##bits##_t or ##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)              \
    {                                                                                                        \
        flags_result##bits(cpu, a | b);                                                                      \
        flags_logic(cpu);                                                                                    \
        return a | b;                                                                                        \
    }                                                                                                        \
    static inline uint##bits##_t xor ##bits(struct cpu *cpu, uint##bits##_t a, uint##bits##_t b)             \
    {                                                                                                        \
        flags_result##bits(cpu, a ^ b);                                                                      \
        flags_logic(cpu);                                                                                    \
        return a ^ b;                                                                                        \
    }                                                                                                        \
    static inline uint##bits##_t inc##bits(struct cpu *cpu, uint##bits##_t a)                                \
    {                                                                                                        \
        uint##bits##_t result = (uint##bits##_t)(a + 1);                                                     \
        flags_result##bits(cpu, result);                                                                     \
        flags_of_af(cpu, a & ~(uint32_t)result, shift);                                                      \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t dec##bits(struct cpu *cpu, uint##bits##_t a)                                \
    {                                                                                                        \
        uint##bits##_t result = (uint##bits##_t)(a - 1);                                                     \
        flags_result##bits(cpu, result);                                                                     \
        flags_of_af(cpu, ~(uint32_t)a &result, shift);                                                       \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t neg##bits(struct cpu *cpu, uint##bits##_t a)                                \
    {                                                                                                        \
        return sub##bits(cpu, 0, a);                                                                         \
    }                                                                                                        \
    static inline uint##bits##_t not ##bits(struct cpu * cpu, uint##bits##_t a)                              \
    {                                                                                                        \
        (void)cpu;                                                                                           \
        return (uint##bits##_t) ~a;                                                                          \
    }

ALU_OPERATIONS(8, 24)
ALU_OPERATIONS(16, 16)
ALU_OPERATIONS(32, 0)
#undef ALU_OPERATIONS

/*
 * Shifts and rotates (SDM 2, SAL/SAR/SHL/SHR and RCL/RCR/ROL/ROR). `count` is already masked to 5 bits and
 * not 0. OF is defined for a count of 1 only; for others it follows the same formula, as processors do.
 */
#define SHIFT_OPERATIONS(bits)                                                                               \
    static inline uint##bits##_t shl##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        uint64_t wide = (uint64_t)a << count;                                                                \
        uint##bits##_t result = (uint##bits##_t)wide;                                                        \
        bool cf = wide >> bits & 1;                                                                          \
        flags_result##bits(cpu, result);                                                                     \
        flags_cf_of(cpu, cf, cf ^ (result >> (bits - 1)));                                                   \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t shr##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        uint##bits##_t before = (uint##bits##_t)((uint64_t)a >> (count - 1));                                \
        uint##bits##_t result = before >> 1;                                                                 \
        flags_result##bits(cpu, result);                                                                     \
        flags_cf_of(cpu, before & 1, before >> (bits - 1));                                                  \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t sar##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        int64_t before = (int64_t)(int##bits##_t)a >> (count - 1);                                           \
        uint##bits##_t result = (uint##bits##_t)(before >> 1);                                               \
        flags_result##bits(cpu, result);                                                                     \
        flags_cf_of(cpu, before & 1, false);                                                                 \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t rol##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        unsigned by = count % bits;                                                                          \
        uint##bits##_t result = (uint##bits##_t)(a << by | (uint64_t)a >> (bits - by));                      \
        flags_set_cf_of(cpu, result & 1, (result & 1) ^ (result >> (bits - 1)));                             \
        return result;                                                                                       \
    }                                                                                                        \
    static inline uint##bits##_t ror##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        unsigned by = count % bits;                                                                          \
        uint##bits##_t result = (uint##bits##_t)(a >> by | (uint64_t)a << (bits - by));                      \
        bool top = result >> (bits - 1), next = result >> (bits - 2) & 1;                                    \
        flags_set_cf_of(cpu, top, top ^ next);                                                               \
        return result;                                                                                       \
    }                                                                                                        \
    /* Through carry: a ring of bits + 1 places. */                                                          \
    static inline uint##bits##_t rcl##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        unsigned by = count % (bits + 1);                                                                    \
        uint64_t ring = (uint64_t)flag_cf(cpu) << bits | a;                                                  \
        if (by) ring = (ring << by | ring >> (bits + 1 - by)) & ((UINT64_C(2) << bits) - 1);                 \
        bool cf = ring >> bits & 1;                                                                          \
        flags_set_cf_of(cpu, cf, cf ^ (ring >> (bits - 1) & 1));                                             \
        return (uint##bits##_t)ring;                                                                         \
    }                                                                                                        \
    static inline uint##bits##_t rcr##bits(struct cpu *cpu, uint##bits##_t a, unsigned count)                \
    {                                                                                                        \
        unsigned by = count % (bits + 1);                                                                    \
        uint64_t ring = (uint64_t)flag_cf(cpu) << bits | a;                                                  \
        if (by) ring = (ring >> by | ring << (bits + 1 - by)) & ((UINT64_C(2) << bits) - 1);                 \
        bool top = ring >> (bits - 1) & 1, next = ring >> (bits - 2) & 1;                                    \
        flags_set_cf_of(cpu, ring >> bits & 1, top ^ next);                                                  \
        return (uint##bits##_t)ring;                                                                         \
    }

SHIFT_OPERATIONS(8)
SHIFT_OPERATIONS(16)
SHIFT_OPERATIONS(32)
#undef SHIFT_OPERATIONS

#endif

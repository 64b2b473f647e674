/* SPDX-License-Identifier: MIT */
/*
 * Bit fields and byte order.
 *
 * Guest memory is little-endian and may be unaligned; registers are kept in host order. These helpers are the
 * edge where one becomes the other (LESSONS 42).
 */
#ifndef EMU_CORE_BITS_H
#define EMU_CORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n)         (1u << (n))
#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Bits [low, low + count) of `value`. */
static inline uint32_t bits_get(uint32_t value, unsigned low, unsigned count)
{
    return (value >> low) & (uint32_t)((UINT64_C(1) << count) - 1);
}

/* The low `size` bytes set, for size 0 to 8. */
static inline uint64_t bytes_mask(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (size * 8)) - 1;
}

static inline uint16_t le16_load(const void *from)
{
    const uint8_t *p = from;
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32_load(const void *from)
{
    const uint8_t *p = from;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t le64_load(const void *from)
{
    return le32_load(from) | (uint64_t)le32_load((const uint8_t *)from + 4) << 32;
}

static inline void le16_store(void *to, uint16_t value)
{
    uint8_t *p = to;
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void le32_store(void *to, uint32_t value)
{
    uint8_t *p = to;
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
}

static inline void le64_store(void *to, uint64_t value)
{
    le32_store(to, (uint32_t)value);
    le32_store((uint8_t *)to + 4, (uint32_t)(value >> 32));
}

/* `size` bytes (1 to 8), least significant first. */
static inline uint64_t le_load(const void *from, unsigned size)
{
    const uint8_t *p = from;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static inline void le_store(void *to, unsigned size, uint64_t value)
{
    uint8_t *p = to;
    for (unsigned i = 0; i < size; i++) p[i] = (uint8_t)(value >> (8 * i));
}

static inline uint16_t be16_load(const void *from)
{
    const uint8_t *p = from;
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32_load(const void *from)
{
    return (uint32_t)be16_load(from) << 16 | be16_load((const uint8_t *)from + 2);
}

static inline uint64_t be64_load(const void *from)
{
    return (uint64_t)be32_load(from) << 32 | be32_load((const uint8_t *)from + 4);
}

static inline void be16_store(void *to, uint16_t value)
{
    uint8_t *p = to;
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void be32_store(void *to, uint32_t value)
{
    be16_store(to, (uint16_t)(value >> 16));
    be16_store((uint8_t *)to + 2, (uint16_t)value);
}

static inline void be64_store(void *to, uint64_t value)
{
    be32_store(to, (uint32_t)(value >> 32));
    be32_store((uint8_t *)to + 4, (uint32_t)value);
}

#endif

/* SPDX-License-Identifier: MIT */
/* Buffers above 16 MiB, and bytes that tell where they belong. */
#ifndef SWIOTLB_PATTERN_H
#define SWIOTLB_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Two stretches of memory that a device with 24 address bits cannot reach, 8 MiB each. */
#define HIGH_A    ((uint8_t *)0x02000000u)
#define HIGH_B    ((uint8_t *)0x02800000u)
#define HIGH_SIZE 0x00800000u

enum { GUARD = 0xa7, MARGIN = 8192 };

/* The pattern `seed`, from its byte `from` on. */
void pattern_put(uint8_t *at, size_t size, uint32_t seed, uint32_t from);
/* Fails, with the place, when a byte is another. */
void pattern_check(const char *what, const uint8_t *at, size_t size, uint32_t seed, uint32_t from);

/* Guard bytes over a buffer and MARGIN bytes on either side of it; are they all there, in these stretches? */
void guard_put(uint8_t *buffer, size_t size);
void guard_check(const char *what, const uint8_t *at, size_t size);
void guard_check_margins(const char *what, const uint8_t *buffer, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/* The few things that a C library would have given us. */
#ifndef DEMO_LIB_H
#define DEMO_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* CRC-32 (IEEE 802.3, reflected) in pieces: begin with crc = 0 and give each result to the next call. */
uint32_t crc32(uint32_t crc, const void *data, size_t size);

/* Pseudo-random numbers, the same in every run: xorshift32.  *state must not be 0. */
uint32_t random_next(uint32_t *state);

/* Finds the word `name` in a command line; returns what follows its '=' (or its end), or NULL if it is not
 * there. */
const char *option_find(const char *line, const char *name);

/* A decimal number, or hexadecimal after 0x; reads up to the first character that does not belong to it. */
uint32_t parse_number(const char *text);

#endif

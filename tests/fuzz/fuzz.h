/* SPDX-License-Identifier: MIT */
/*
 * Fuzz tests: what a guest or a file can say to the program, said at random, under the sanitizers.
 *
 * Each fuzz_X.c is one surface. It turns bytes into actions, by the readers below, and checks what must hold
 * whatever they are. It can be linked with libFuzzer (`make fuzz-libfuzzer`), which looks for bytes that
 * reach new code, or with driver.c (`make fuzz`), which makes bytes up from a seed and replays files.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "emu/core/bits.h"

/* ---- what a surface gives ---- */

extern const char fuzz_name[];
extern const size_t fuzz_longest; /* bytes of the longest case worth making up */
/* Once, before the first case. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* One case. Returns 0; ends the program by abort or a sanitizer when something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- for surfaces ---- */

/* Ends the program when the condition does not hold. */
static inline void fuzz_check(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "%s: broken: %s\n", fuzz_name, what);
    abort();
}

/* The bytes of a case, taken from the front. Behind the end all are zero. */
struct fuzz_input {
    const uint8_t *data;
    size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
    if (!input->left) return 0;
    input->left--;
    return *input->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
    uint16_t low = fuzz_u8(input);
    return (uint16_t)(low | fuzz_u8(input) << 8);
}

static inline uint32_t fuzz_u32(struct fuzz_input *input)
{
    uint32_t low = fuzz_u16(input);
    return low | (uint32_t)fuzz_u16(input) << 16;
}

/* A number below `limit`, which is at most 256. */
static inline unsigned fuzz_below(struct fuzz_input *input, unsigned limit)
{
    return fuzz_u8(input) % limit;
}

/* Xorshift, for bulk contents that are not worth bytes of the case. The state must not be zero. */
static inline uint64_t fuzz_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Benchmark guest, memory: copies and adds up 16 MiB, with loops of 32-bit accesses and with string
 * instructions, and walks through it in large strides.  Needs 64 MiB of memory.  Prints nothing; exits with
 * status 1 if the sums are right, 3 if not.  Command line: rounds=N (default 2).
 */
#include "lib/runtime.h"

enum { WORDS = 16 << 20 >> 2, STRIDE = 4096 / 4 + 16 };

static uint32_t *const from = (uint32_t *)0x01000000;
static uint32_t *const to = (uint32_t *)0x02000000;

static uint32_t sum(const uint32_t *p)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < WORDS; i++) total += p[i];
    return total;
}

static void copy_by_loop(void)
{
    volatile uint32_t *q = to; /* volatile: so that it stays a loop */

    for (uint32_t i = 0; i < WORDS; i++) q[i] = from[i];
}

static void copy_by_string(void)
{
    const uint32_t *source = from;
    uint32_t *target = to;
    uint32_t count = WORDS;

    __asm__ volatile("rep movsl" : "+S"(source), "+D"(target), "+c"(count) : : "memory");
}

static void clear_by_string(void)
{
    uint32_t *target = to;
    uint32_t count = WORDS;

    __asm__ volatile("rep stosl" : "+D"(target), "+c"(count) : "a"(0) : "memory");
}

/* Touches another page with each step. */
static uint32_t sum_by_strides(const uint32_t *p)
{
    uint32_t total = 0, at = 0;

    for (uint32_t i = 0; i < WORDS / 16; i++) {
        total += p[at];
        at = (at + STRIDE) % WORDS;
    }
    return total;
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t rounds = option_number(info, "rounds", 2);
    uint32_t expected = 0;
    bool good = true;

    for (uint32_t i = 0; i < WORDS; i++) {
        from[i] = i * 0x9e3779b1u;
        expected += i * 0x9e3779b1u;
    }
    for (uint32_t round = 0; round < rounds; round++) {
        copy_by_loop();
        good &= sum(to) == expected;
        clear_by_string();
        good &= sum(to) == 0;
        copy_by_string();
        good &= sum_by_strides(to) == sum_by_strides(from);
    }
    return good ? GUEST_PASS : GUEST_FAIL;
}

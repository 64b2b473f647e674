/* SPDX-License-Identifier: MIT */
/*
 * Benchmark guest, branches: a small machine interpreted by a switch (indirect jumps), conditions that nobody
 * can predict, and recursive calls.  Prints nothing; exits with status 1 if the results are right, 3 if not.
 * Command line: rounds=N (default 4).
 */
#include "lib/runtime.h"

enum { STEPS = 2000000, THROWS = 2000000, FIBONACCI = 27, FIBONACCI_RESULT = 196418 };

/* Runs a pseudo-random program of eight operations; returns the accumulator. */
static uint32_t interpret(uint32_t seed, uint32_t steps)
{
    uint32_t a = seed;

    while (steps--) {
        switch (random_next(&seed) >> 13 & 7) {
        case 0: a += seed; break;
        case 1: a ^= seed >> 3; break;
        case 2: a = a << 5 | a >> 27; break;
        case 3: a -= 0x1234567; break;
        case 4: a *= 5; break;
        case 5: a = ~a; break;
        case 6: a |= 1; break;
        default: a ^= a >> 7; break;
        }
    }
    return a;
}

/* Counts throws in classes, by a chain of comparisons. */
static uint32_t throw_dice(uint32_t seed, uint32_t throws)
{
    volatile uint32_t classes[5] = {0};

    while (throws--) {
        uint32_t x = random_next(&seed);

        if (x & 0x100)
            classes[0]++;
        else if (x & 0x2000)
            classes[1]++;
        else if (x < 0x80000000u)
            classes[2]++;
        else if ((x & 3) == 1)
            classes[3]++;
        else
            classes[4]++;
    }
    return classes[0] + classes[1] + classes[2] + classes[3] + classes[4];
}

__attribute__((noinline, noclone)) static uint32_t fibonacci(uint32_t n)
{
    __asm__ volatile(""); /* calls, not a loop made of them */
    if (n < 2) return n;
    return fibonacci(n - 1) + fibonacci(n - 2);
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t rounds = option_number(info, "rounds", 4);
    uint32_t first = interpret(1, STEPS);
    bool good = true;

    for (uint32_t round = 0; round < rounds; round++) {
        good &= interpret(1, STEPS) == first;
        good &= throw_dice(round + 1, THROWS) == THROWS;
        good &= fibonacci(FIBONACCI) == FIBONACCI_RESULT;
    }
    return good ? GUEST_PASS : GUEST_FAIL;
}

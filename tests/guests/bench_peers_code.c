/* SPDX-License-Identifier: MIT */
/* Rows of bench_peers.c: integers, branches and calls, copies. */
#include "bench_peers.h"

enum {
    SIEVE = 500000,
    PRIMES_BELOW_SIEVE = 41538,
    CRC_BYTES = 1 << 20,
    SORT = 100000,
    COPY_BYTES = 1 << 20,
    FIBONACCI = 27,
    FIBONACCI_RESULT = 196418,
};

static uint8_t composite[SIEVE], crc_data[CRC_BYTES];
static uint32_t crc_table[256];
static int32_t numbers[SORT];

/* In memory that nothing else uses, 32 MiB apart. */
static uint32_t *const near_buffer = (uint32_t *)0x00c00000;
static uint32_t *const far_buffer = (uint32_t *)0x02c00000;

/* ---- integers ---- */

static uint32_t count_primes(void)
{
    uint32_t primes = 0;
    for (uint32_t i = 0; i < SIEVE; i++) composite[i] = i < 2;
    for (uint32_t i = 2; i < SIEVE; i++) {
        if (composite[i]) continue;
        primes++;
        for (uint32_t j = i * 2; j < SIEVE; j += i) composite[j] = 1;
    }
    return primes;
}

bool row_sieve(uint32_t times)
{
    bool good = true;
    while (times--) good &= count_primes() == PRIMES_BELOW_SIEVE;
    return good;
}

static void crc_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t x = i;
        for (int bit = 0; bit < 8; bit++) x = x & 1 ? x >> 1 ^ 0xedb88320u : x >> 1;
        crc_table[i] = x;
    }
    for (uint32_t i = 0; i < CRC_BYTES; i++) crc_data[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

bool row_crc32(uint32_t times)
{
    bool good = true;
    crc_init();
    while (times--) {
        uint32_t crc = ~0u;
        for (uint32_t i = 0; i < CRC_BYTES; i++) crc = crc >> 8 ^ crc_table[(crc ^ crc_data[i]) & 0xff];
        good &= ~crc == 0x0354c631u;
    }
    return good;
}

/* Recurses into the smaller part, so that the stack stays shallow. */
static void sort(int32_t *a, int32_t low, int32_t high)
{
    while (low < high) {
        int32_t pivot = a[low + (high - low) / 2], i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i > j) break;
            int32_t t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
        if (j - low < high - i) {
            sort(a, low, j);
            low = i;
        } else {
            sort(a, i, high);
            high = j;
        }
    }
}

bool row_quicksort(uint32_t times)
{
    bool good = true;
    while (times) {
        uint32_t seed = times--;
        for (uint32_t i = 0; i < SORT; i++) numbers[i] = (int32_t)random_next(&seed);
        sort(numbers, 0, SORT - 1);
        for (uint32_t i = 1; i < SORT; i++) good &= numbers[i - 1] <= numbers[i];
    }
    return good;
}

/* Products, sums, shifts and comparisons in pairs of registers: a generator forward, and the same back. */
bool row_arith64(uint32_t times)
{
    const uint64_t factor = 6364136223846793005u, inverse = 13877824140714322085u,
                   plus = 1442695040888963407u;
    uint64_t x = 42, sum = 0;
    for (uint32_t i = 0; i < times; i++) {
        x = x * factor + plus;
        sum += x >> 33 ^ x << 7;
        if (sum > x) sum -= x >> 1;
    }
    for (uint32_t i = 0; i < times; i++) x = (x - plus) * inverse;
    return x == 42 && sum != 0;
}

/* ---- branches and calls ---- */

/* A pseudo-random program of eight operations, by indirect jumps, and conditions that nobody can predict. */
__attribute__((noinline, noclone)) static uint32_t interpret(uint32_t seed, uint32_t steps)
{
    uint32_t a = seed;
    __asm__ volatile(""); /* two runs, not one compared with itself */
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
        if (seed & 0x100)
            a++;
        else if (seed & 0x2000)
            a += 3;
        else if (seed < 0x80000000u)
            a ^= 0x55;
    }
    return a;
}

bool row_branch(uint32_t times)
{
    return interpret(1, times) == interpret(1, times);
}

__attribute__((noinline, noclone)) static uint32_t fibonacci(uint32_t n)
{
    __asm__ volatile(""); /* calls, not a loop made of them */
    if (n < 2) return n;
    return fibonacci(n - 1) + fibonacci(n - 2);
}

bool row_calls(uint32_t times)
{
    bool good = true;
    while (times--) good &= fibonacci(FIBONACCI) == FIBONACCI_RESULT;
    return good;
}

/* ---- copies ---- */

static void fill(uint32_t *at)
{
    for (uint32_t i = 0; i < COPY_BYTES / 4; i++) at[i] = i * 0x9e3779b1u;
}

static bool filled(const uint32_t *at)
{
    for (uint32_t i = 0; i < COPY_BYTES / 4; i++)
        if (at[i] != i * 0x9e3779b1u) return false;
    return true;
}

bool row_movs(uint32_t times)
{
    uint32_t *to_start = near_buffer + COPY_BYTES / 4;
    fill(near_buffer);
    while (times--) {
        uint32_t *from = near_buffer, *to = to_start, count = COPY_BYTES / 4;
        __asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
    }
    return filled(to_start);
}

/* A dword here, a dword there: every access goes to the other page. */
bool row_far_copy(uint32_t times)
{
    volatile uint32_t *from = near_buffer, *to = far_buffer;
    fill(near_buffer);
    while (times--)
        for (uint32_t i = 0; i < COPY_BYTES / 4; i++) to[i] = from[i];
    return filled(far_buffer);
}

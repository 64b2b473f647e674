/* SPDX-License-Identifier: MIT */
/*
 * Benchmark guest, integers: sieve of Eratosthenes, CRC-32, quicksort.  Prints nothing; exits with status 1
 * if the results are right, 3 if not.  Command line: rounds=N (default 4).
 */
#include "lib/runtime.h"

enum { SIEVE = 500000, PRIMES_BELOW_SIEVE = 41538, CRC_BYTES = 1 << 20, SORT = 100000 };

static uint8_t composite[SIEVE];
static uint8_t crc_data[CRC_BYTES];
static uint32_t crc_table[256];
static int32_t numbers[SORT];

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

static uint32_t crc(void)
{
    uint32_t crc = ~0u;

    for (uint32_t i = 0; i < CRC_BYTES; i++) crc = crc >> 8 ^ crc_table[(crc ^ crc_data[i]) & 0xff];
    return ~crc;
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

static void sort(int32_t *a, int32_t low, int32_t high)
{
    while (low < high) {
        int32_t pivot = a[low + (high - low) / 2], i = low, j = high;

        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) {
                int32_t t = a[i];

                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - low < high - i) { /* recurse into the smaller part: the stack stays shallow */
            sort(a, low, j);
            low = i;
        } else {
            sort(a, i, high);
            high = j;
        }
    }
}

static bool sort_random(uint32_t seed)
{
    for (uint32_t i = 0; i < SORT; i++) numbers[i] = (int32_t)random_next(&seed);
    sort(numbers, 0, SORT - 1);
    for (uint32_t i = 1; i < SORT; i++)
        if (numbers[i - 1] > numbers[i]) return false;
    return true;
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t rounds = option_number(info, "rounds", 4);
    bool good = true;

    crc_init();
    for (uint32_t round = 0; round < rounds; round++) {
        good &= count_primes() == PRIMES_BELOW_SIEVE;
        good &= crc() == 0x0354c631u;
        good &= sort_random(round + 1);
    }
    return good ? GUEST_PASS : GUEST_FAIL;
}

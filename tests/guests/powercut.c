/* SPDX-License-Identifier: MIT */
/*
 * Multiboot guest: writes sectors of the first 128 KiB of the primary master, in rounds, each with a FLUSH CACHE at
 * its end, and then says "safe N" on COM1. Every sector is 64 times its number and its round. For the test that kills
 * the machine at any moment, tests/power-cut.sh, which knows the places too. Exits with status 1 after its rounds, 3
 * if a command fails, 5 if there is no disk.
 *
 * Words of the command line: rounds=N (default 1000).
 */
#include "lib/disk.h"

enum { SECTORS = 256, EACH = 16 };

static uint32_t buffer[EACH * DISK_SECTOR / 4] __attribute__((aligned(0x10000)));

static void fill(unsigned slot, uint32_t sector, uint32_t round)
{
    uint32_t *to = buffer + slot * (DISK_SECTOR / 4);

    for (unsigned i = 0; i < DISK_SECTOR / 4; i += 2) {
        to[i] = sector;
        to[i + 1] = round;
    }
}

/* Instructions, so that a kill can come in between, and that what was said gets out. */
static void spin(uint32_t count)
{
    while (count--) __asm__ volatile("");
}

/* All at once in every fifth round, else one by one, with gaps. */
static bool write_round(uint32_t round)
{
    uint32_t first = round * 37 % (SECTORS - EACH), gap = round % 5;

    for (unsigned i = 0; i < EACH; i++) {
        uint32_t sector = gap ? (first + i * (gap + 1)) % SECTORS : first + i;
        fill(gap ? 0 : i, sector, round);
        if (gap && disk_failed(disk_dma(true, sector, 1, buffer))) return false;
        spin(60000);
    }
    if (!gap && disk_failed(disk_dma(true, first, EACH, buffer))) return false;
    spin(100000);
    return true;
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t rounds = option_number(info, "rounds", 1000);

    if (disk_init() < SECTORS) return 2;
    for (uint32_t round = 1; round <= rounds; round++) {
        if (!write_round(round) || disk_failed(disk_flush())) return GUEST_FAIL;
        com_print("safe ");
        com_print_number(round);
        com_print("\n");
        spin(1000000);
    }
    return GUEST_PASS;
}

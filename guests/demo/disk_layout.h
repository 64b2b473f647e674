/* SPDX-License-Identifier: MIT */
/*
 * What lies where on the demo's disk, in sectors of 512 bytes.  Used by the boot sector, by the kernel and by
 * the tool that builds the image on the host (guests/tools/mkdisk.c), so that all three agree.
 *
 *      LBA    0   boot sector
 *      LBA    1   kernel, a flat copy of what belongs at 1 MiB
 *      LBA 2047   label: struct fields below, little-endian 32-bit words after the 16 bytes of the name
 *      LBA 2048   data area, written by mkdisk, only read by the kernel
 *      LBA 4096   scratch area, the kernel writes here
 */
#ifndef DEMO_DISK_LAYOUT_H
#define DEMO_DISK_LAYOUT_H

#define DEMO_KERNEL_ADDRESS  0x100000
#define DEMO_KERNEL_LBA      1
#define DEMO_LABEL_LBA       2047
#define DEMO_DATA_LBA        2048
#define DEMO_DATA_SECTORS    1024
#define DEMO_SCRATCH_LBA     4096
#define DEMO_SCRATCH_SECTORS 1024
#define DEMO_DISK_SECTORS    16384

/* Label sector: the name, then the CRC-32 of the data area at DEMO_LABEL_CRC. */
#define DEMO_LABEL_NAME "VITRINE DEMO 1\n" /* with its final NUL 16 bytes */
#define DEMO_LABEL_CRC  16

#define DEMO_DATA_SEED 0x56495452u

#ifndef __ASSEMBLER__
#include <stdint.h>

/*
 * The 32-bit word number `index` of the pattern called `seed`.  Every bit of the index reaches every bit of
 * the word, so a piece that lands in the wrong place, however short, does not look right by chance.
 */
static inline uint32_t demo_pattern_word(uint32_t seed, uint32_t index)
{
    uint32_t x = seed + index * 0x9e3779b1u;

    x ^= x >> 15;
    x *= 0x2c1b3c6du;
    x ^= x >> 12;
    x *= 0x297a2d39u;
    x ^= x >> 15;
    return x;
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* The last line of a boot sector: see boot16.h. */
    .org    0x1fe
    .word   0xaa55

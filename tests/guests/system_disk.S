/* SPDX-License-Identifier: MIT */
/*
 * What follows the Multiboot header of the system guests, so that the demo's boot sector (guests/demo/boot.S) can load them
 * from a disk: how far, and where they begin. It reads as much as it can: zeros behind the kernel are its bss.
 */
#define START       0x100000
#define MOST_LOADED 0x70000

    .section .multiboot, "a"
    .long   START + MOST_LOADED
    .long   start

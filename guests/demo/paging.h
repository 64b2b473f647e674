/* SPDX-License-Identifier: MIT */
/*
 * The kernel's view of memory:
 *
 *      00000000 - 003fffff   the same physical addresses, by 4 KiB pages; page 0 is left out, so that a null
 * pointer faults; the kernel's text and constants can not be written 00400000 - 00ffffff   the same physical
 * addresses, by 4 MiB pages; the disk checks use the arena here 40000000 - 4001ffff   the window: 32 pages in
 * a row for the program, strewn about the arena in physical memory
 */
#ifndef DEMO_PAGING_H
#define DEMO_PAGING_H

#include <stdint.h>

#define ARENA_ADDRESS 0x00400000u
#define ARENA_SIZE    0x00080000u

#define WINDOW_ADDRESS 0x40000000u
#define WINDOW_SIZE    0x00020000u

enum { PAGE_SIZE = 4096 };

void paging_init(void);

/* Where a mapped virtual address lies in physical memory: what a device has to be told.  Fails if it is not
 * mapped. */
uint32_t paging_physical(uint32_t address);

/* Touches what must not be touched, and fails unless the right page faults happen. */
void paging_check(void);

#endif

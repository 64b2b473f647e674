/* SPDX-License-Identifier: MIT */
/*
 * Lists of memory pieces for one disk transfer, and what is done with the bytes in them.  The pieces lie in
 * the arena (paging.h); whatever of the arena belongs to no piece is filled with a guard byte, and must keep
 * it.
 */
#ifndef DEMO_SCATTER_H
#define DEMO_SCATTER_H

#include "ide_dma.h"

/* Fills the arena with the guard byte. */
void scatter_init(void);

/* `bytes` in pieces of odd sizes, in random order, strewn over the arena with gaps between them. */
void scatter_odd(struct piece_list *list, uint32_t bytes, uint32_t *random);

/* Two lists at once, of bytes[0] and bytes[1], whose pieces lie side by side as chance has it. */
void scatter_odd_pair(struct piece_list lists[2], const uint32_t bytes[2], uint32_t *random);

/* `bytes` in one piece per 64 KiB, each as long as a piece can be. */
void scatter_whole(struct piece_list *list, uint32_t bytes);

/* `bytes` in a row in virtual memory at `address`: where they really are, cut also at odd places in between.
 */
void scatter_virtual(struct piece_list *list, uint32_t address, uint32_t bytes, uint32_t *random);

/* Puts the pattern called `seed`, from its byte `offset` on, into the pieces. */
void scatter_fill(const struct piece_list *list, uint32_t seed, uint32_t offset);

/* Compares every byte; fails with the place of the first that is wrong. */
void scatter_compare(const struct piece_list *list, uint32_t seed, uint32_t offset);

/* Continues a CRC-32 over the pieces. */
uint32_t scatter_crc(const struct piece_list *list, uint32_t crc);

/* Puts the guard byte back into the pieces, then checks all of the arena: fails if a byte beside them was
 * changed. */
void scatter_wipe(const struct piece_list *list);
void scatter_wipe_pair(const struct piece_list lists[2]);

#endif

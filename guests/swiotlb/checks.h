/* SPDX-License-Identifier: MIT */
/* What is checked; each prints one line, or fails. The disk is drive 0 of the primary channel and is written to. */
#ifndef SWIOTLB_CHECKS_H
#define SWIOTLB_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

enum { DISK_SECTORS_USED = 4096 };

/* Without the pool: fails on the bus where the device has `mask` address bits, works where it has all (0). */
void check_unbounced(unsigned mask);
/* The pool alone: thousands of maps and unmaps against a model. */
void check_slots(void);
/* Written, read by PIO, read back: odd places, sizes that are no multiple of anything. */
void check_odd_transfers(void);
void check_partial_syncs(void);
void check_short_transfer(void);
/* One command over many mappings of odd sizes. */
void check_many_slots(void);
void check_segment_limit(void);
void check_full_pool(void);
/* Both channels, readers and writers; `second`: there is a disk on the secondary channel. */
void check_two_channels(bool second);
/* CRC-32 of all that was written, read by PIO. */
uint32_t disk_checksum(void);

#endif

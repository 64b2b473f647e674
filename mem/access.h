/* SPDX-License-Identifier: MIT */
/*
 * Access to one region, below the view: what space_read and space_write are made of, and what a bounce is
 * filled from and copied back to. The region is memory or MMIO, and [at, at + length) lies within it. Bytes
 * that nobody gave read as all ones. A register callback may change the tree, and so free the view: callers
 * hold nothing that belongs to it.
 */
#ifndef MEM_ACCESS_H
#define MEM_ACCESS_H

#include "mem/region.h"

enum mem_result region_read(struct region *region, struct region_at at, void *to, uint64_t length);
/* `lost`: the region is seen read-only, so nothing happens. */
enum mem_result region_write(struct region *region, struct region_at at, const void *from, uint64_t length,
                             bool lost);

/* Registers, one access of 1 to 8 bytes, value in host order. */
enum mem_result mmio_load(struct region *region, struct region_at at, unsigned size, uint64_t *value);
enum mem_result mmio_store(struct region *region, struct region_at at, unsigned size, uint64_t value);

#endif

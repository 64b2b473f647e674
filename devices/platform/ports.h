/* SPDX-License-Identifier: MIT */
/*
 * Putting a chip's registers among the I/O ports, and taking them away again: two steps each, always together.
 */
#ifndef DEVICES_PLATFORM_PORTS_H
#define DEVICES_PLATFORM_PORTS_H

#include "mem/region.h"

/* Registers of a chip at ports [place, place + size) of the I/O container. The chip keeps the region. */
static inline struct region *ports_add(struct region *io, uint16_t place, uint16_t size, const char *name,
                                       const struct mmio_ops *ops, void *owner)
{
    struct region *region = region_new_mmio(name, size, ops, owner, NULL);
    region_add(io, place, region, 0);
    return region;
}

static inline void ports_remove(struct region *region)
{
    region_remove(region);
    region_release(region);
}

#endif

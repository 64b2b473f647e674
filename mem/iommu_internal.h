/* SPDX-License-Identifier: MIT */
/* What the files of the IOMMU stage share: its inside, and the mirror's way in. */
#ifndef MEM_IOMMU_INTERNAL_H
#define MEM_IOMMU_INTERNAL_H

#include "mem/iommu.h"

/* A mapping that a device holds. */
struct iommu_held {
    gaddr iova;
    uint64_t length;
};

struct iommu_stage {
    struct space *space, *target;
    struct region *root; /* of the space; empty */
    uint64_t page;       /* bytes */
    const struct iommu_ops *ops;
    void *owner;
    struct iommu_held *held;
    unsigned held_count, held_capacity;
    struct list mirrors; /* of the space */
    struct iommu_stats stats;
};

/* iommu_mirror.c: what is at [iova, iova + length) may have changed. `mirror` is its node in stage->mirrors. */
void iommu_mirror_refresh(struct list *mirror, gaddr iova, uint64_t length);

#endif

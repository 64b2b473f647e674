/* SPDX-License-Identifier: MIT */
/*
 * The IOMMU stage: a space whose addresses (iova) a device's DMA uses, translated page by page into another
 * space; and the mirror, which keeps an outside mapper informed of what is where.
 *
 * A stage gives a struct space like any other: dma_map, the engines, space_read and space_write work on it,
 * with a bounce pool, settings, counters and a checker of its own. An access is cut where translation ends to
 * be contiguous, not at every page. What counts is the IOMMU's page (4, 16 or 64 KiB), not the CPU's nor the
 * host's (LESSONS 25). An address that does not translate is a fault, with a reason:
 *
 *   not present            nobody answers: DMA_NO_MEMORY, MEM_DECODE_ERROR
 *   permission, bad entry  refused: DMA_REFUSED, MEM_DEVICE_ERROR
 *
 * A run that is good for a while and then faults is a short map; the fault comes when it is reached.
 */
#ifndef MEM_IOMMU_H
#define MEM_IOMMU_H

#include "mem/dma.h"

#define IOMMU_SMALLEST_PAGE_BITS 12
#define IOMMU_LARGEST_PAGE_BITS  16

enum iommu_permission { IOMMU_READ = 1 << 0, IOMMU_WRITE = 1 << 1 }; /* as the device sees it */

/* One page of the tables. No permission: not present. */
struct iommu_page {
    gaddr addr; /* in the target space; a multiple of the page, else the entry is bad */
    uint8_t permissions;
};

enum iommu_reason { IOMMU_NOT_PRESENT = 1, IOMMU_NO_READ, IOMMU_NO_WRITE, IOMMU_BAD_ENTRY };
const char *iommu_reason_name(enum iommu_reason reason);

struct iommu_fault {
    gaddr iova;
    enum dma_direction direction;
    enum iommu_reason reason;
};

struct iommu_ops {
    /* The page that starts at `iova`. Without side effects: it is asked more often than there are accesses. */
    struct iommu_page (*translate)(void *owner, gaddr iova);
    /* An access faulted, once per access (a long read or write: per page). May be NULL. */
    void (*fault)(void *owner, const struct iommu_fault *fault);
};

struct iommu_stage;

/* `size`: bytes of iova space. The target is not itself translated, and outlives the stage. `name`: the
 * device behind it, for findings. Uses the target's clock. */
struct iommu_stage *iommu_stage_new(const char *name, struct space *target, uint64_t size, unsigned page_bits,
                                    const struct iommu_ops *ops, void *owner);
void iommu_stage_free(struct iommu_stage *stage); /* nothing mapped, nobody waits, no mirror */
struct space *iommu_space(struct iommu_stage *stage);
const struct space *iommu_stage_space(const struct iommu_stage *stage);

/* Counters since creation, for -stats. */
struct iommu_stats {
    uint64_t faults, invalidations;
    uint64_t invalidated_live; /* invalidations that a device's mapping lay under */
    uint64_t most_held;        /* mappings at once */
};
const struct iommu_stats *iommu_stats(const struct iommu_stage *stage);

/* The tables of [iova, iova + length) changed; widened to whole pages. Mappings that are held stay as they
 * were until unmapped; one that lies in the range is a driver's error, and leaves a lint line. Mirrors learn
 * of mappings by this call too, so it is also made when an entry becomes present. */
void iommu_invalidate(struct iommu_stage *stage, gaddr iova, uint64_t length);

/*
 * The mirror. It tells an outside mapper (one that programs a real IOMMU, or another process) which memory is
 * at which addresses of a space, in whole pages of the smallest size that the mapper has. RAM and ROM that
 * may be used by pointer are told; nothing else is.
 *
 * A stretch of memory of the view is a section. Its whole pages are one mapping. A page that it covers in part
 * may be shared with other sections: they are counted, and the page is mapped when all of them agree on what
 * is behind it (the same memory, at the same distance, with the same right to write, all of the page within
 * it). The last one out unmaps. A page where they disagree is not mapped at all, with a lint line.
 *
 * The view of a plain space is followed by itself. A stage's space is followed as iommu_invalidate tells.
 * Unmaps come before maps, each for exactly what was mapped; what did not change is left alone. Memory stays
 * alive while it is mapped here.
 */
struct iommu_mirror_ops {
    /* False: could not; then no unmap follows. */
    bool (*map)(void *owner, gaddr addr, uint64_t length, void *host, bool writable);
    void (*unmap)(void *owner, gaddr addr, uint64_t length);
};

struct iommu_mirror;

struct iommu_mirror *iommu_mirror_new(struct space *space, unsigned page_bits,
                                      const struct iommu_mirror_ops *ops,
                                      void *owner);  /* maps what is there */
void iommu_mirror_free(struct iommu_mirror *mirror); /* unmaps everything */
/* How many sections use the mapping at `addr`; 0 when it is not mapped. */
unsigned iommu_mirror_users(const struct iommu_mirror *mirror, gaddr addr);
const struct space *iommu_mirror_space(const struct iommu_mirror *mirror);

/* Counters since creation, for -stats. */
struct iommu_mirror_stats {
    uint64_t maps, unmaps, refused; /* calls of map and unmap; maps that were answered with false */
    uint64_t disagreements;         /* pages left out, each time that they are looked at */
};
const struct iommu_mirror_stats *iommu_mirror_stats(const struct iommu_mirror *mirror);

#endif

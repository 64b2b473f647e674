/* SPDX-License-Identifier: MIT */
/*
 * The checker's side of map and unmap (dma.h, "The checker"). All calls are harmless with a NULL checker,
 * except where they say otherwise.
 */
#ifndef MEM_CHECKER_H
#define MEM_CHECKER_H

#include "mem/dma.h"

struct dma_checker;

#define CHECKER_POISON 0xdb

/* Notes a map that is about to be given out, and stamps its serial if it has none. */
void dma_checker_mapped(struct dma_checker *checker, struct dma_mapping *mapping);
/* Judges an unmap. False: the handle is not live in this space, do nothing with it. A handle that was changed
 * since the map is put right. */
bool dma_checker_unmapping(struct dma_checker *checker, struct dma_mapping *mapping, uint64_t accessed);
/* A finding about guest memory that is not mapped just now. The space has a checker. */
void dma_checker_note(struct space *space, const char *text, gaddr addr, uint64_t length,
                      enum dma_direction direction);
void dma_checker_free(struct dma_checker *checker);

#endif

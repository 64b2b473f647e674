/* SPDX-License-Identifier: MIT */
/* Disk transfers whose buffers lie where the controller may not reach, by swiotlb.h and the demo's ide_dma.h. */
#ifndef SWIOTLB_BOUNCED_H
#define SWIOTLB_BOUNCED_H

#include "guests/demo/ide_dma.h"
#include "swiotlb.h"

/* Adds memory to a list, in pieces that cross no 64 KiB line. */
void pieces_add(struct piece_list *list, uint32_t address, uint32_t length);

/* One command over a list that is mapped already. */
void bounced_run(enum ide_channel channel, enum ide_direction direction, uint32_t lba, uint32_t sectors,
                 const struct piece_list *list);

/* Any number of sectors from or to a buffer at any address. It is cut to what can be mapped; where there is nothing,
 * the pool grows, between two commands. */
void bounced_transfer(enum ide_channel channel, enum ide_direction direction, uint32_t lba, uint32_t sectors,
                      void *buffer, uint32_t keep);

/* A transfer that may run while others do: map, start, finish. */
struct bounced_request {
    enum ide_channel channel;
    enum ide_direction direction;
    uint32_t lba, sectors;
    struct swiotlb_map map;
};
/* False when the pool has nothing for it now. `channel` to `sectors` are set; 256 sectors at the most. */
bool bounced_map(struct bounced_request *request, void *buffer);
void bounced_start(const struct bounced_request *request);
void bounced_finish(struct bounced_request *request);

#endif

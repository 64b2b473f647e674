/* SPDX-License-Identifier: MIT */
/* READ SECTORS by programmed I/O, polled: what is on the disk, told by a way that DMA has no part in. ATA/ATAPI-6. */
#ifndef SWIOTLB_PIO_H
#define SWIOTLB_PIO_H

#include "guests/demo/ide_dma.h"

/* From the channel's drive 0, while nothing is under way there; fails when the drive does. */
void pio_read(enum ide_channel channel, uint32_t lba, uint32_t sectors, void *buffer);

#endif

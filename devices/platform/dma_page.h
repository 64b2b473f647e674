/* SPDX-License-Identifier: MIT */
/*
 * DMA page registers at ports 80h-8Fh: plain bytes, which the 8237s take the upper half of
 * their addresses from. Port 80h shows the progress of firmware
 * (POST codes, a trace event each), and is written by drivers as a short delay.
 * Specification: Intel 82371SB (PIIX3), 4.3.
 */
#ifndef DEVICES_PLATFORM_DMA_PAGE_H
#define DEVICES_PLATFORM_DMA_PAGE_H

#include "devices/device.h"
#include "emu/core/clock.h"
#include "mem/region.h"

struct dma_page;
struct dma_page *dma_page_new(struct region *io, struct device_list *devices, struct clock *clock);
/* The last POST code. */
uint8_t dma_page_post_code(const struct dma_page *pages);

/* The byte at port 80h + `n`, 0 to 15. */
uint8_t dma_page_register(const struct dma_page *pages, unsigned n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The two cascaded 8237A DMA controllers of an ISA PC. Intel 8237A data sheet (231466); 82371SB (PIIX3), 2.5.1 and 4.3
 * for the page registers and for what the PIIX3 leaves out (memory to memory).
 *
 *   channels 0-3   bytes, ports 00h-0Fh; an address counts within 64 KiB, above it stands the page register
 *   channels 5-7   words, ports C0h-DFh at even places; an address counts words within 128 KiB
 *   channel 4      cascades the first controller
 *
 * A device does not write to memory by itself. It raises DREQ with some bytes that it has, or has room for; the controller
 * moves them when its channel is programmed and not masked, and tells the device how many and whether that was the
 * terminal count. It is not told the direction by the device: where the mode register says another one, the bytes are
 * counted and no memory is touched (with a lint line), as for Verify.
 *
 * Addresses are those of the ISA bus: where no memory answers, reads give ones and writes are lost.
 */
#ifndef DEVICES_PLATFORM_I8237_H
#define DEVICES_PLATFORM_I8237_H

#include "devices/device.h"
#include "devices/platform/dma_page.h"
#include "emu/core/clock.h"
#include "mem/dma.h"

#define I8237_CHANNELS 8
#define I8237_LARGEST  4096 /* bytes of one request */

struct i8237;

struct i8237_request {
    uint8_t *data;  /* stays until moved or withdrawn */
    uint32_t size;  /* 1 to I8237_LARGEST; on channels 5-7 even */
    bool to_memory; /* what the device does */
    /* From the event queue; DREQ is down again. Bytes beyond `bytes` were not moved. */
    void (*moved)(void *owner, uint32_t bytes, bool terminal_count);
    void *owner;
};

/* `pages` must outlive it. `memory` is the root of what the bus sees. */
struct i8237 *i8237_new(struct region *io, struct device_list *devices, struct clock *clock,
                        struct dma_page *pages, struct region *memory, uint64_t memory_size);
/* Raises DREQ. After a load the device does it again. */
void i8237_raise(struct i8237 *dma, unsigned channel, const struct i8237_request *request);
void i8237_withdraw(struct i8237 *dma, unsigned channel); /* harmless when it is down */
/* The space that transfers go through, for settings, -stats and the checker. */
struct space *i8237_dma_space(struct i8237 *dma);

#endif

/* SPDX-License-Identifier: MIT */
/* DMA page registers and POST codes, ports 80h-8Fh. Intel 82371SB (PIIX3), 4.3. */
#include "devices/platform/dma_page.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/trace.h"

enum { REGISTERS = 16, POST_CODE = 0 };

struct dma_page_state {
    uint8_t page[REGISTERS];
};

struct dma_page {
    struct device device;
    struct dma_page_state state;
    struct clock *clock;
    struct region *region;
};

static const struct state_field dma_page_fields[] = {
    STATE_FIELD(struct dma_page_state, page),
    STATE_END,
};
static const struct state_table dma_page_table = {"dma_page", 1, sizeof(struct dma_page_state),
                                                  dma_page_fields};

TRACE_EVENT(trace_post, "post.code", "code:x");

static enum mem_result dma_page_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    struct dma_page *pages = owner;
    pages->state.page[at.offset] = (uint8_t)value;
    if (at.offset == POST_CODE && trace_on(&trace_post))
        trace_emit(&trace_post, pages->clock, (uint64_t)value);
    return MEM_OK;
}

static enum mem_result dma_page_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    struct dma_page *pages = owner;
    *value = pages->state.page[at.offset];
    return MEM_OK;
}

static const struct mmio_ops dma_page_ops = {dma_page_read, dma_page_write, 1, 1, false};

uint8_t dma_page_post_code(const struct dma_page *pages)
{
    return pages->state.page[POST_CODE];
}

uint8_t dma_page_register(const struct dma_page *pages, unsigned n)
{
    return pages->state.page[n];
}

static void dma_page_reset(struct device *device)
{
    list_entry(device, struct dma_page, device)->state = (struct dma_page_state){.page = {0}};
}

static void dma_page_destroy(struct device *device)
{
    struct dma_page *pages = list_entry(device, struct dma_page, device);
    ports_remove(pages->region);
    free(pages);
}

static const struct device_ops dma_page_device_ops = {"dma_page", &dma_page_table, dma_page_reset, NULL,
                                                      dma_page_destroy};

struct dma_page *dma_page_new(struct region *io, struct device_list *devices, struct clock *clock)
{
    struct dma_page *pages = calloc(1, sizeof(*pages));
    if (!pages) return NULL;
    pages->clock = clock;
    pages->region = ports_add(io, 0x80, REGISTERS, "dma pages", &dma_page_ops, pages);
    device_add(devices, &pages->device, &dma_page_device_ops, "dma_page", &pages->state);
    dma_page_reset(&pages->device);
    return pages;
}

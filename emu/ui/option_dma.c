/* SPDX-License-Identifier: MIT */
/* The properties of DMA: see option_dma.h. */
#include "emu/ui/option_dma.h"

#include "emu/core/size.h"
#include "emu/ui/option_values.h"

#define MASK_LEAST 20 /* bits: of address: 1 MiB */
#define MASK_MOST  64
#define SECTOR     512

static struct board_dma *dma_of(void *target)
{
    return ((struct dma_words *)target)->dma;
}

bool dma_set_mode(void *target, const char *value, struct error *error)
{
    static const char *const words[] = {"direct", "indirect", "faulty", NULL}; /* enum dma_mode */
    int word = value_word(value, words, error);
    if (word < 0) return false;
    dma_of(target)->settings.mode = (enum dma_mode)word;
    return dma_of(target)->mode_said = true;
}

bool dma_set_seed(void *target, const char *value, struct error *error)
{
    dma_of(target)->seed_said = true;
    return value_number(&dma_of(target)->settings.seed, value, 0, UINT64_MAX, error);
}

bool dma_set_max_bounce(void *target, const char *value, struct error *error)
{
    struct board_dma *dma = dma_of(target);
    dma->max_bounce_said = true;
    if (size_parse(value, 1, &dma->settings.max_bounce) && dma->settings.max_bounce >= SECTOR) return true;
    return error_set(error, "%s: is not a size of at least 512 bytes", value_or_nothing(value));
}

bool dma_set_mask(void *target, const char *value, struct error *error)
{
    uint64_t bits;
    if (!number_parse(value, MASK_MOST, &bits) || (bits && bits < MASK_LEAST))
        return error_set(error,
                         "%s: is not a number of address bits: %d (24 as on ISA, 32) to %d, or 0 for all",
                         value_or_nothing(value), MASK_LEAST, MASK_MOST);
    dma_of(target)->settings.dma_mask = (unsigned)bits;
    return dma_of(target)->mask_said = true;
}

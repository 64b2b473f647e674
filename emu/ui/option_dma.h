/* SPDX-License-Identifier: MIT */
/*
 * The properties of DMA, which -machine, -global and -device share: dma=, seed=, max-bounce-buffer-size=, dma-mask=.
 * The target of a table that has them begins with a struct dma_words.
 */
#ifndef EMU_UI_OPTION_DMA_H
#define EMU_UI_OPTION_DMA_H

#include "emu/board/board.h"
#include "emu/ui/values.h"

struct dma_words {
    struct board_dma *dma;
};

typedef bool property_setter(void *target, const char *value, struct error *error);
property_setter dma_set_mode, dma_set_seed, dma_set_max_bounce, dma_set_mask;

/* The rows of a table of properties. */
#define DMA_PROPERTIES                                                                                       \
    {"dma", dma_set_mode}, {"seed", dma_set_seed}, {"max-bounce-buffer-size", dma_set_max_bounce},           \
    {                                                                                                        \
        "dma-mask", dma_set_mask                                                                             \
    }

#endif

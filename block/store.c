/* SPDX-License-Identifier: MIT */
/* What stores have in common: see store.h. */
#include "block/store.h"

#include <errno.h>
#include <string.h>

#include "emu/core/log.h"

#define ZEROS_AT_ONCE (64 * 1024)

static int write_zeros(struct block_store *store, uint64_t offset, uint64_t size)
{
    static uint8_t zeros[ZEROS_AT_ONCE];
    struct iovec piece = {zeros, sizeof(zeros)};
    struct store_progress progress;
    int error = 0;

    for (uint64_t done = 0; !error && done < size; done += progress.moved) {
        uint64_t part = size - done < sizeof(zeros) ? size - done : sizeof(zeros);
        error = store->ops->writev(store, offset + done, (struct vector){&piece, 1, 0}, part, &progress);
    }
    return error;
}

int store_zero(struct block_store *store, uint64_t offset, uint64_t size, bool give_back)
{
    int error = size && store->ops->zero ? store->ops->zero(store, offset, size, give_back) : EOPNOTSUPP;

    return error == EOPNOTSUPP ? write_zeros(store, offset, size) : error;
}

void store_close(struct block_store *store)
{
    if (store) store->ops->close(store);
}

int store_failed(const char *name, bool *reported, const char *doing, int error)
{
    if (!*reported)
        message("%s: %s: %s; the guest gets %s errors (reported once)", name, doing, strerror(error), doing);
    *reported = true;
    return error;
}

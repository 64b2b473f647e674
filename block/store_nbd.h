/* SPDX-License-Identifier: MIT */
/*
 * The NBD store: a disk that another program serves (nbdkit, qemu-nbd), over TCP or a Unix socket; that program can
 * read qcow2 and every other format. By libnbd; without it opening is an error of one line.
 */
#ifndef BLOCK_STORE_NBD_H
#define BLOCK_STORE_NBD_H

#include "block/store.h"

/* Whether a path is one of the forms of drive.h. */
bool store_nbd_understands(const char *path);
struct store_nbd_options {
    bool read_only;
    unsigned patience_ms; /* 0: NBD_PATIENCE_MS */
};
#define NBD_PATIENCE_MS 30000
/* Connects. When the server goes away, or says nothing for as long as we have patience, that is a line for the
 * user, and an error for each request from then on. */
struct block_store *store_open_nbd(const char *path, const struct store_nbd_options *options,
                                   struct error *error);

#endif

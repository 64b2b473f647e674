/* SPDX-License-Identifier: MIT */
/* From options to a disk: see drive.h. Options are in drive_options.c. */
#include "block/drive.h"

#include <string.h>

#include "block/store.h"
#include "block/store_nbd.h"
#include "emu/core/bits.h"
#include "emu/core/size.h"

static const char *after_prefix(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(path, prefix, length) ? NULL : path + length;
}

static struct block_store *open_file(const struct drive_options *options, const char *path,
                                     struct error *error)
{
    const struct store_file_options file = {
        .read_only = options->read_only,
        .will_not_write = options->snapshot,
        .direct = options->cache == DRIVE_NONE || options->cache == DRIVE_DIRECTSYNC,
        .sync = options->cache == DRIVE_WRITETHROUGH || options->cache == DRIVE_DIRECTSYNC,
        .uring = options->uring,
    };
    return store_open_file(path, &file, error);
}

static struct block_store *open_memory(const char *text, struct error *error)
{
    uint64_t size;
    if (!size_parse(text, 1, &size) || !size) {
        error_set(error, "mem:%s: is no size; say one like mem:64M", text);
        return NULL;
    }
    struct block_store *store = store_new_memory(size, NULL);
    if (!store) error_set(error, "mem:%s: the host has no room for it", text);
    return store;
}

static struct block_store *open_nbd(const struct drive_options *options, struct error *error)
{
    const struct store_nbd_options nbd = {
        .read_only = options->read_only || options->snapshot,
        .patience_ms = (unsigned)((options->timeout + VTIME_MS - 1) / VTIME_MS),
    };
    return store_open_nbd(options->path, &nbd, error);
}

static struct block_store *open_base(const struct drive_options *options, struct error *error)
{
    const char *rest;
    if ((rest = after_prefix(options->path, "mem:"))) return open_memory(rest, error);
    if ((rest = after_prefix(options->path, "file:"))) return open_file(options, rest, error);
    if (store_nbd_understands(options->path)) return open_nbd(options, error);
    return open_file(options, options->path, error);
}

/* An image of another format, taken for raw, would be a disk of nonsense, and be ruined by the first write. */
static bool check_format(const struct drive_options *options, struct block_store *store, struct error *error)
{
    static const struct {
        const char *magic, *name;
    } formats[] = {
        {"QFI\xfb", "qcow2"}, {"KDMV", "vmdk"}, {"vhdxfile", "vhdx"}, {"conectix", "vpc"}, {"<<< ", "vdi"}};
    char head[8] = "";
    const struct iovec piece = {head, sizeof(head)};
    struct store_progress progress;

    if (options->format || store->size < sizeof(head)) return true;
    if (store->ops->readv(store, 0, (struct vector){&piece, 1, 0}, sizeof(head), &progress)) return true;
    store->host_calls = 0; /* the guest's are counted */
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++) {
        if (memcmp(head, formats[i].magic, strlen(formats[i].magic))) continue;
        return error_set(error,
                         "%s: looks like a %s image; let `qemu-nbd -k SOCKET -f %s IMAGE` serve it and say "
                         "file=nbd:unix:SOCKET, or say format=raw if it is a raw one",
                         options->path, formats[i].name, formats[i].name);
    }
    return true;
}

struct block_store *drive_open_store(const struct drive_options *options, struct error *error)
{
    if (options->volatile_cache && options->snapshot) {
        error_set(error, "%s: with snapshot nothing reaches the medium: volatile-cache has no sense",
                  options->path);
        return NULL;
    }
    struct block_store *store = open_base(options, error);
    if (!store) return NULL;
    if (!check_format(options, store, error)) {
        store_close(store);
        return NULL;
    }
    if (options->snapshot) store = store_new_overlay(store, error);
    if (store && options->volatile_cache) store = store_new_volatile(store, options->volatile_seed, error);
    if (store && options->read_only) store->read_only = true;
    return store;
}

struct block *drive_open(const struct drive_options *options, const char *name, struct clock *clock,
                         struct error *error)
{
    struct block_store *store = NULL;

    if (options->path && !(store = drive_open_store(options, error))) return NULL;
    struct block *block = block_new(name, store, clock);
    block_set_latency(block, &options->latency);
    block_set_faults(block, options->faults, options->fault_count);
    block_set_policy(block, options->on_read_error, options->on_write_error);
    block_set_no_flush(block, options->cache == DRIVE_UNSAFE);
    block_set_discard(block, !options->no_discard);
    return block;
}

bool drive_change(struct block *block, const struct drive_options *options, struct error *error)
{
    struct block_store *store = NULL;

    if (options->path && !(store = drive_open_store(options, error))) return false;
    block_set_no_flush(block, options->cache == DRIVE_UNSAFE);
    block_change_medium(block, store);
    return true;
}

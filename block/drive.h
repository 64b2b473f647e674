/* SPDX-License-Identifier: MIT */
/*
 * From options to a disk: the one entry point for whoever has a -drive or -blockdev to open.
 *
 *     struct drive_options options;
 *     drive_options_init(&options);
 *     drive_option_set(&options, "file", "disk.img", &error) && drive_option_set(&options, "cache", "none", &error);
 *     struct block *disk = drive_open(&options, "hda", clock, &error);
 *
 * Then the board wires block_set_stop_handler and calls block_resume before it runs on (block.h).
 */
#ifndef BLOCK_DRIVE_H
#define BLOCK_DRIVE_H

#include "block/block.h"
#include "block/faults.h"

enum drive_cache {
    DRIVE_WRITEBACK,    /* safe when the guest flushes */
    DRIVE_NONE,         /* the same around the host's page cache */
    DRIVE_WRITETHROUGH, /* safe when written */
    DRIVE_DIRECTSYNC,   /* the same around the host's page cache */
    DRIVE_UNSAFE,       /* flushes do nothing */
};

struct drive_options {
    /* NULL: a drive without a medium. Else an image file, a block device, "mem:SIZE" (zeros, and gone with the
     * program), or an NBD export: "nbd://HOST[:PORT]/[NAME]", "nbd+unix:///[NAME]?socket=PATH",
     * "nbd:HOST:PORT[:exportname=NAME]", "nbd:unix:PATH[:exportname=NAME]". "file:PATH" is the file of any name.
     * Texts are kept, not copied. */
    const char *path;
    const char
        *format; /* NULL: raw, unless the file begins like another format, which is an error; "raw": raw */
    bool read_only;
    bool snapshot,
        snapshot_said; /* writes stay aside and go with the program; said: by an option of this drive */
    enum drive_cache cache;
    bool uring;      /* aio=io_uring */
    bool no_discard; /* discard=ignore */
    vtime timeout;   /* of the host's time, for an NBD server's answers; 0: half a minute */
    enum block_policy on_read_error, on_write_error;
    struct block_latency latency;
    struct fault_rule faults[FAULTS_MOST];
    unsigned fault_count;
    bool volatile_cache; /* store.h */
    uint64_t volatile_seed;
};
void drive_options_init(struct drive_options *options);

/*
 * One option by its name; false with `VALUE: what is wrong`, or for a name that is no option of a drive.
 *
 *     file, filename=PATH            format, driver=raw           readonly, read-only=on|off    snapshot=on|off
 *     cache=writeback|none|writethrough|directsync|unsafe         aio=threads|native|io_uring   discard=ignore|unmap
 *     rerror=report|stop|ignore      werror=report|stop|ignore|enospc
 *     latency=ssd|hdd|none           latency.fixed, latency.flush, latency.seek=TIME            latency.rate=BYTES/s
 *     timeout=TIME (an NBD server's)
 *     fault=RULE (faults.h; each adds one)                        volatile-cache=on|off|SEED
 */
bool drive_option_set(struct drive_options *options, const char *name, const char *value,
                      struct error *error);
/* Their names by number from 0; NULL behind the last. */
const char *drive_option_name(unsigned index);

/* The disk, or NULL with an error. `name` ("hda") is for messages and must outlive it. */
struct block *drive_open(const struct drive_options *options, const char *name, struct clock *clock,
                         struct error *error);
/* Only what holds the bytes: for block_change_medium. The path must not be NULL. */
struct block_store *drive_open_store(const struct drive_options *options, struct error *error);
/* Puts the medium of the options in (none: ejects), with the callback of block_change_medium; latency, faults and
 * policies stay as they are. On an error the old medium stays. An image that is in for writing cannot be put in again:
 * eject it first. */
bool drive_change(struct block *block, const struct drive_options *options, struct error *error);

#endif

/* SPDX-License-Identifier: MIT */
/* The NBD store: see store_nbd.h. The protocol is libnbd's; here are jobs (ahead.h) and its commands. */
#include "block/store_nbd.h"

#include <string.h>

bool store_nbd_understands(const char *path)
{
    return !strncmp(path, "nbd:", 4) || !strncmp(path, "nbd+unix:", 9);
}

#ifdef HAVE_LIBNBD

#include <assert.h>
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>

#include "block/ahead.h"
#include "emu/core/log.h"

#define ZERO_MOST (UINT64_C(1) << 30) /* in one command; a count has 32 bits */

struct store_nbd {
    struct ahead_store ahead;
    struct nbd_handle *nbd; /* NULL: the server has gone */
    char *name;
    int patience_ms;
    bool read_reported, write_reported;
};

static struct store_nbd *nbd_of(struct ahead_store *ahead)
{
    return (struct store_nbd *)ahead;
}

/* From inside libnbd, which must not be called from here. */
static int command_over(void *owner, int *error)
{
    struct store_job *job = owner;

    bool lost = *error == ENOTCONN || *error == ESHUTDOWN;
    job->moved = *error ? 0 : job->size;
    ahead_job_over(job->ahead, job, lost ? EIO : *error);
    return 1; /* libnbd may forget it */
}

static bool connection_lost(const struct store_nbd *store)
{
    return nbd_aio_is_dead(store->nbd) || nbd_aio_is_closed(store->nbd);
}

static void server_gone(struct store_nbd *store, const char *why)
{
    message("%s: the server has gone (%s); the guest gets errors", store->name, why);
    nbd_close(store->nbd); /* nothing touches the jobs' memory any more */
    store->nbd = NULL;
    store->read_reported = store->write_reported = true;
    ahead_fail_all(&store->ahead, EIO);
}

static void nbd_job_start(struct ahead_store *ahead, struct store_job *job)
{
    struct store_nbd *store = nbd_of(ahead);
    const nbd_completion_callback over = {.callback = command_over, .user_data = job};
    int64_t cookie = -1;

    ahead->store.host_calls++;
    if (job->op == BLOCK_FLUSH) ahead->store.host_syncs++;
    if (!store->nbd)
        ahead_job_over(ahead, job, EIO);
    else if (job->op == BLOCK_READ)
        cookie = nbd_aio_pread(store->nbd, job->bytes, (size_t)job->size, job->offset, over, 0);
    else if (job->op == BLOCK_WRITE)
        cookie = nbd_aio_pwrite(store->nbd, job->bytes, (size_t)job->size, job->offset, over, 0);
    else if (job->op == BLOCK_FLUSH && nbd_can_flush(store->nbd) != 1)
        ahead_job_over(ahead, job, 0);
    else if (job->op == BLOCK_FLUSH)
        cookie = nbd_aio_flush(store->nbd, over, 0);
    else
        cookie = nbd_aio_zero(store->nbd, job->size, job->offset, over,
                              job->op == BLOCK_DISCARD ? 0 : LIBNBD_CMD_FLAG_NO_HOLE);
    if (cookie >= 0 || job->over) return;
    if (connection_lost(store))
        server_gone(store, "the connection is closed");
    else
        ahead_job_over(ahead, job, nbd_get_errno() ? nbd_get_errno() : EIO);
}

static void nbd_jobs_wait(struct ahead_store *ahead)
{
    struct store_nbd *store = nbd_of(ahead);
    int seen = nbd_poll(store->nbd, store->patience_ms);

    if (!seen)
        server_gone(store, "it says nothing");
    else if (seen < 0 || connection_lost(store))
        server_gone(store, "the connection is closed");
}

static int nbd_job_failed(struct ahead_store *ahead, const struct store_job *job)
{
    struct store_nbd *store = nbd_of(ahead);
    bool reading = job->op == BLOCK_READ;

    if (store->nbd && connection_lost(store)) server_gone(store, "the connection is closed");
    return store_failed(store->name, reading ? &store->read_reported : &store->write_reported,
                        reading ? "read" : "write", job->error);
}

static const struct ahead_ops nbd_ahead_ops = {nbd_job_start, nbd_jobs_wait, nbd_job_failed};

static int nbd_store_zero(struct block_store *base, uint64_t offset, uint64_t size, bool give_back)
{
    struct store_nbd *store = (struct store_nbd *)base;
    int error = 0;

    if (!store->nbd) return EIO;
    if (nbd_can_zero(store->nbd) != 1) return EOPNOTSUPP;
    for (uint64_t done = 0; !error && done < size; done += ZERO_MOST) {
        uint64_t part = size - done < ZERO_MOST ? size - done : ZERO_MOST;
        error = ahead_zero(&store->ahead, give_back ? BLOCK_DISCARD : BLOCK_ZEROES, offset + done, part);
    }
    return error;
}

static void nbd_store_close(struct block_store *base)
{
    struct store_nbd *store = (struct store_nbd *)base;

    ahead_destroy(&store->ahead);
    if (store->nbd) nbd_shutdown(store->nbd, 0);
    if (store->nbd) nbd_close(store->nbd);
    free(store->name);
    free(store);
}

static const struct store_ops nbd_ops = {AHEAD_STORE_OPS, .kind = "nbd", .close = nbd_store_close,
                                         .zero = nbd_store_zero};

/* "nbd:HOST:PORT[:exportname=NAME]" or "nbd:unix:PATH[:exportname=NAME]"; a URI is libnbd's. */
static bool nbd_connect_to(struct nbd_handle *nbd, const char *path)
{
    char words[512], *export_name;

    if (!strncmp(path, "nbd://", 6) || !strncmp(path, "nbd+", 4)) return !nbd_connect_uri(nbd, path);
    if (snprintf(words, sizeof(words), "%s", path + 4) >= (int)sizeof(words)) return false;
    if ((export_name = strstr(words, ":exportname="))) {
        *export_name = 0;
        if (nbd_set_export_name(nbd, export_name + strlen(":exportname="))) return false;
    }
    if (!strncmp(words, "unix:", 5)) return !nbd_connect_unix(nbd, words + 5);
    char *port = strrchr(words, ':');
    if (!port) return false;
    *port++ = 0;
    return !nbd_connect_tcp(nbd, words, port);
}

/* False with an error. */
static bool nbd_can_serve(struct nbd_handle *nbd, const char *path, struct error *error)
{
    int64_t size = nbd_get_size(nbd), least = nbd_get_block_size(nbd, LIBNBD_SIZE_MINIMUM);

    if (size <= 0) return error_set(error, "%s: is empty; a disk has at least one sector of 512 bytes", path);
    if (least > BLOCK_SECTOR)
        return error_set(error, "%s: the server moves no less than %lld bytes; a disk has sectors of 512",
                         path, (long long)least);
    return true;
}

struct block_store *store_open_nbd(const char *path, const struct store_nbd_options *options,
                                   struct error *error)
{
    struct nbd_handle *nbd = nbd_create();

    if (!nbd || !nbd_connect_to(nbd, path)) {
        const char *why = nbd_get_error();
        error_set(error,
                  "%s: cannot be reached: %s; is the server there? say nbd://HOST:PORT/NAME, "
                  "nbd+unix:///NAME?socket=PATH, nbd:HOST:PORT or nbd:unix:PATH",
                  path, why ? why : "not understood");
    } else if (nbd_can_serve(nbd, path, error)) {
        struct store_nbd *store = calloc(1, sizeof(*store));
        int64_t most = nbd_get_block_size(nbd, LIBNBD_SIZE_MAXIMUM);
        bool refused = !options->read_only && nbd_is_read_only(nbd) == 1;

        assert(store);
        store->ahead.store = (struct block_store){
            .ops = &nbd_ops, .size = (uint64_t)nbd_get_size(nbd), .read_only = options->read_only || refused};
        ahead_init(&store->ahead, &nbd_ahead_ops);
        if (most >= BLOCK_SECTOR && most < (int64_t)store->ahead.largest)
            store->ahead.largest = (uint64_t)most / BLOCK_SECTOR * BLOCK_SECTOR;
        store->nbd = nbd;
        store->patience_ms = (int)(options->patience_ms ? options->patience_ms : NBD_PATIENCE_MS);
        store->name = strdup(path);
        assert(store->name);
        if (refused) message("%s: opened read-only, the server does not let us write", path);
        return &store->ahead.store;
    }
    if (nbd) nbd_close(nbd);
    return NULL;
}

#else

struct block_store *store_open_nbd(const char *path, const struct store_nbd_options *options,
                                   struct error *error)
{
    (void)options;
    error_set(error, "%s: the program was built without libnbd", path);
    return NULL;
}

#endif

/* SPDX-License-Identifier: MIT */
/* The options of a drive, by name: see drive.h. */
#include <stdio.h>
#include <string.h>

#include "block/drive.h"
#include "emu/core/bits.h"
#include "emu/core/size.h"

void drive_options_init(struct drive_options *options)
{
    *options = (struct drive_options){.latency = block_default_latency};
}

static const char *or_empty(const char *value)
{
    return *value ? value : "(nothing)";
}

/* A value that must be one word of a list, which ends with NULL; its number, or -1 with an error. */
static int word_of(const char *value, const char *const *words, struct error *error)
{
    char known[200] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(value, words[i])) return i;
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", words[i]);
    }
    error_set(error, "%s: not known; say one of: %s", or_empty(value), known);
    return -1;
}

static bool set_switch(bool *target, const char *value, struct error *error)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", NULL};
    int word = word_of(value, words, NULL);
    if (word < 0) return error_set(error, "%s: say on or off", or_empty(value));
    *target = word % 2;
    return true;
}

static bool set_path(struct drive_options *options, const char *value, struct error *error)
{
    if (!*value) return error_set(error, "(nothing): needs a file name");
    options->path = value;
    return true;
}

static bool set_format(struct drive_options *options, const char *value, struct error *error)
{
    options->format = value;
    return !strcmp(value, "raw") ||
           error_set(error,
                     "%s: only raw images are read; let `qemu-nbd -k SOCKET -f %s IMAGE` serve it and say "
                     "file=nbd:unix:SOCKET, or convert it with `qemu-img convert -O raw`",
                     or_empty(value), or_empty(value));
}

static bool set_read_only(struct drive_options *options, const char *value, struct error *error)
{
    return set_switch(&options->read_only, value, error);
}

static bool set_snapshot(struct drive_options *options, const char *value, struct error *error)
{
    options->snapshot_said = true;
    return set_switch(&options->snapshot, value, error);
}

static bool set_cache(struct drive_options *options, const char *value, struct error *error)
{
    static const char *const words[] = {"writeback", "none", "writethrough", "directsync", "unsafe", NULL};
    int word = word_of(value, words, error);
    if (word >= 0) options->cache = (enum drive_cache)word;
    return word >= 0;
}

/* Threads are QEMU's way of what the plain store does at once; its native is what io_uring came for. */
static bool set_aio(struct drive_options *options, const char *value, struct error *error)
{
    static const char *const words[] = {"threads", "native", "io_uring", NULL};
    int word = word_of(value, words, error);
    options->uring = word > 0;
    return word >= 0;
}

static bool set_discard(struct drive_options *options, const char *value, struct error *error)
{
    static const char *const words[] = {"unmap", "on", "ignore", "off", NULL};
    int word = word_of(value, words, error);
    options->no_discard = word >= 2;
    return word >= 0;
}

static bool set_read_error(struct drive_options *options, const char *value, struct error *error)
{
    static const char *const words[] = {"report", "stop", "ignore", NULL}; /* as below */
    int word = word_of(value, words, error);
    if (word >= 0) options->on_read_error = (enum block_policy)word;
    return word >= 0;
}

static bool set_write_error(struct drive_options *options, const char *value, struct error *error)
{
    static const char *const words[] = {"report", "stop", "ignore", "enospc", NULL}; /* enum block_policy */
    int word = word_of(value, words, error);
    if (word >= 0) options->on_write_error = (enum block_policy)word;
    return word >= 0;
}

static bool set_latency(struct drive_options *options, const char *value, struct error *error)
{
    static const char *const words[] = {"ssd", "hdd", "none", NULL};
    static const struct block_latency models[] = {
        {.fixed = 8 * VTIME_US, .flush = 100 * VTIME_US, .bytes_per_ms = 4000000},
        {.fixed = 4 * VTIME_MS, .flush = 8 * VTIME_MS, .seek = 15 * VTIME_MS, .bytes_per_ms = 150000},
        {.fixed = 1, .flush = 1, .bytes_per_ms = UINT64_C(1) << 60},
    };
    int word = word_of(value, words, error);
    if (word >= 0) options->latency = models[word];
    return word >= 0;
}

static bool set_time(vtime *target, const char *value, struct error *error)
{
    if (duration_parse(value, target) && *target <= 3600 * VTIME_S) return true;
    return error_set(error, "%s: is no time up to an hour; say one like 200us, 8ms or 1.5s", or_empty(value));
}

static bool set_latency_fixed(struct drive_options *options, const char *value, struct error *error)
{
    return set_time(&options->latency.fixed, value, error);
}

static bool set_latency_flush(struct drive_options *options, const char *value, struct error *error)
{
    return set_time(&options->latency.flush, value, error);
}

static bool set_latency_seek(struct drive_options *options, const char *value, struct error *error)
{
    return set_time(&options->latency.seek, value, error);
}

static bool set_latency_rate(struct drive_options *options, const char *value, struct error *error)
{
    uint64_t rate;
    if (!size_parse(value, 1, &rate) || rate < 1000)
        return error_set(error, "%s: is no rate; say bytes per second, at least 1000, like 150K or 2G",
                         or_empty(value));
    options->latency.bytes_per_ms = rate / 1000;
    return true;
}

static bool set_timeout(struct drive_options *options, const char *value, struct error *error)
{
    return set_time(&options->timeout, value, error);
}

static bool set_fault(struct drive_options *options, const char *value, struct error *error)
{
    if (options->fault_count == FAULTS_MOST)
        return error_set(error, "%s: at most %d faults for a drive", or_empty(value), FAULTS_MOST);
    if (!fault_parse(value, &options->faults[options->fault_count], error)) return false;
    options->fault_count++;
    return true;
}

static bool set_volatile_cache(struct drive_options *options, const char *value, struct error *error)
{
    options->volatile_cache = true;
    if (number_parse(value, UINT64_MAX, &options->volatile_seed)) return true;
    return set_switch(&options->volatile_cache, value, NULL) ||
           error_set(error, "%s: say on, off or a number as seed", or_empty(value));
}

static const struct {
    const char *name;
    bool (*set)(struct drive_options *options, const char *value, struct error *error);
} table[] = {
    {"file", set_path},
    {"filename", set_path},
    {"format", set_format},
    {"driver", set_format},
    {"readonly", set_read_only},
    {"read-only", set_read_only},
    {"snapshot", set_snapshot},
    {"cache", set_cache},
    {"aio", set_aio},
    {"discard", set_discard},
    {"rerror", set_read_error},
    {"werror", set_write_error},
    {"latency", set_latency},
    {"latency.fixed", set_latency_fixed},
    {"latency.flush", set_latency_flush},
    {"latency.seek", set_latency_seek},
    {"latency.rate", set_latency_rate},
    {"timeout", set_timeout},
    {"fault", set_fault},
    {"volatile-cache", set_volatile_cache},
};

const char *drive_option_name(unsigned index)
{
    return index < ARRAY_COUNT(table) ? table[index].name : NULL;
}

bool drive_option_set(struct drive_options *options, const char *name, const char *value, struct error *error)
{
    const char *names[ARRAY_COUNT(table) + 1] = {NULL};
    for (unsigned i = 0; i < ARRAY_COUNT(table); i++) {
        if (!strcmp(name, table[i].name)) return table[i].set(options, value, error);
        names[i] = table[i].name;
    }
    const char *near = nearest_name(name, names);
    return error_set(error,
                     near ? "%s: is no option of a drive; did you mean %s?" : "%s: is no option of a drive",
                     or_empty(name), near);
}

/* SPDX-License-Identifier: MIT */
/* What a saved or recorded machine must find again: see snapshot.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include "emu/board/board_disks.h"
#include "emu/board/board_internal.h"
#include "emu/board/snapshot.h"
#include "emu/core/bits.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

__attribute__((format(printf, 2, 3))) static void line(struct state_buffer *text, const char *format, ...)
{
    char one[256];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(one, sizeof one - 1, format, values);
    va_end(values);
    if (size < 0) return;
    if ((size_t)size > sizeof one - 2) size = sizeof one - 2;
    one[size] = '\n';
    state_buffer_add(text, one, (size_t)size + 1);
}

static uint64_t hash_bytes(const uint8_t *bytes, uint64_t size)
{
    uint64_t hash = HASH_START ^ size;
    for (uint64_t at = 0; at < size; at++) hash = (hash ^ bytes[at]) * HASH_PRIME;
    return hash;
}

static bool hash_file(const char *path, uint64_t *hash, struct error *error)
{
    uint8_t bytes[4096];
    size_t got;
    FILE *file = fopen(path, "rbe");
    if (!file) return error_set(error, "%s: %s", path, strerror(errno));
    *hash = HASH_START;
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        *hash = (*hash ^ hash_bytes(bytes, got)) * HASH_PRIME;
    bool failed = ferror(file);
    fclose(file);
    return !failed || error_set(error, "%s: cannot be read", path);
}

static bool kernel_lines(const struct board_config *config, struct state_buffer *text, struct error *error)
{
    uint64_t kernel = 0, initrd = 0;
    if (config->kernel && !hash_file(config->kernel, &kernel, error)) return false;
    if (config->initrd && !hash_file(config->initrd, &initrd, error)) return false;
    line(text, "-kernel %016" PRIx64, kernel);
    line(text, "-initrd %016" PRIx64, initrd);
    const char *append = config->append ? config->append : "";
    line(text, "-append %016" PRIx64, hash_bytes((const uint8_t *)append, strlen(append)));
    return true;
}

static bool disk_lines(struct board *board, struct state_buffer *text, struct error *error)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++) {
        struct block *block = board->drives[i];
        uint64_t hash = 0;
        int failed = block ? block_fingerprint(block, &hash) : 0;
        if (failed)
            return error_set(error, "%s: cannot be read: %s", board->config.drives[i].options.path,
                             strerror(failed));
        const char *name = board_drive_name(board, i);
        if (block)
            line(text, "-%s %" PRIu64 " sectors%s%s, contents %016" PRIx64, name, block_sectors(block),
                 board->config.drives[i].options.snapshot ? ", snapshot" : "",
                 block_read_only(block) ? ", read-only" : "", hash);
        else if (name)
            line(text, "-%s none", name);
    }
    return true;
}

static void device_lines(const struct board_config *config, struct state_buffer *text)
{
    for (unsigned i = 0; i < config->device_count; i++) {
        const struct board_device *device = &config->devices[i];
        const char *id = device->id ? device->id : "", *bus = device->bus ? device->bus : "";
        line(text, "-device %s,id=%s,bus=%s,addr=%d,unit=%u,drive=%s", device->driver, id, bus, device->devfn,
             device->unit, device->drive ? device->drive : "");
    }
}

bool board_fingerprint(struct board *board, struct state_buffer *text, struct error *error)
{
    const struct board_config *c = &board->config;
    line(text, "-cpu %s %016" PRIx64, c->cpu_model.name, c->cpu_model.features);
    line(text, "-smp %u, %u cores each", c->cpus, c->cores_per_socket ? c->cores_per_socket : 1);
    line(text, "-m %" PRIu64 " bytes", c->ram_size);
    line(text, "-icount shift=%u", c->clock_shift);
    line(text, "-bios %016" PRIx64, hash_bytes(board->bios->host, board->bios->size));
    line(text, "-vga %s", c->vga ? "std" : "none");
    for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
        line(text, "-serial %u %s", i, c->serial[i] ? "yes" : "none");
    line(text, "-debugcon %d port %x", c->debugcon, c->debugcon_port);
    line(text, "isa-debug-exit %d port %x size %u", c->debug_exit, c->debug_exit_port, c->debug_exit_size);
    line(text, "-machine dma=%d,max-bounce-buffer-size=%" PRIu64 ",dma-mask=%u", (int)c->dma.mode,
         dma_largest_bounce(piix3_ide_dma_space(board->ide)), c->dma.dma_mask);
    device_lines(c, text);
    return kernel_lines(c, text, error) && disk_lines(board, text, error);
}

bool board_fingerprint_check(const char *saved, const char *here, struct error *error)
{
    while (*saved || *here) {
        size_t there = strcspn(saved, "\n"), own = strcspn(here, "\n");
        if (there != own || memcmp(saved, here, own))
            return error_set(error, "is of another machine: it has `%.*s`, this one has `%.*s`", (int)there,
                             saved, (int)own, here);
        saved += there + (saved[there] != 0);
        here += own + (here[own] != 0);
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * What saving and loading a machine of 128 MiB costs: one that has only run its firmware, and one whose guest has
 * filled half of its memory. Wall-clock time of the best of a few, since writing to the disk is part of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "emu/board/board.h"
#include "emu/board/snapshot.h"
#include "emu/core/log.h"

#define RAM   (UINT64_C(128) << 20)
#define TIMES 5

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void must(bool done, const struct error *error)
{
    if (done) return;
    fprintf(stderr, "bench_state: %s\n", error->text);
    exit(1);
}

static void bench(struct board *board, const char *what, const char *path)
{
    double save = 1e9, load = 1e9, hash = 1e9;
    struct error error = {{0}};
    for (unsigned i = 0; i < TIMES; i++) {
        double start = now();
        must(board_save(board, path, &error), &error);
        double saved = now();
        must(board_load(board, path, &error), &error);
        double loaded = now();
        board_hash(board);
        double hashed = now();
        if (saved - start < save) save = saved - start;
        if (loaded - saved < load) load = loaded - saved;
        if (hashed - loaded < hash) hash = hashed - loaded;
    }
    struct stat file = {0};
    stat(path, &file);
    printf("%-22s %9.1f %9.1f %9.1f %12.1f\n", what, save * 1e3, load * 1e3, hash * 1e3,
           (double)file.st_size / 1024);
}

static void fill(struct board *board)
{
    uint64_t words[512], x = 88172645463325252u;
    for (gaddr at = RAM / 2; at < RAM; at += sizeof words) {
        for (unsigned i = 0; i < 512; i++) x ^= x << 13, x ^= x >> 7, x ^= x << 17, words[i] = x;
        if (space_write(board_memory(board), at, words, sizeof words) != MEM_OK) exit(1);
    }
}

int main(void)
{
    char path[] = "/tmp/vitrine-bench-XXXXXX";
    struct board_config config;
    struct error error = {{0}};
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    lint_quiet(true);
    board_config_default(&config);
    config.ram_size = RAM;
    struct board *board = board_new(&config, &error);
    must(board != NULL, &error);
    board_run(board, &(struct board_budget){.until = VTIME_S, .insns = UINT64_MAX});
    printf("%-22s %9s %9s %9s %12s\n", "128 MiB", "save ms", "load ms", "hash ms", "file KiB");
    bench(board, "idle", path);
    fill(board);
    bench(board, "half of it filled", path);
    board_free(board);
    unlink(path);
    return 0;
}

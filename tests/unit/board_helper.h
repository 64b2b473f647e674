/* SPDX-License-Identifier: MIT */
/*
 * Whole boards for tests: a directory for their files, firmware of a few bytes, disks, and what a guest writes to port E9h.
 */
#ifndef TESTS_UNIT_BOARD_HELPER_H
#define TESTS_UNIT_BOARD_HELPER_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "emu/board/board.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"

#define HELPER_RAM (UINT64_C(8) << 20)

/* ---- files ---- */

static char helper_dir[64];

/* In main, around all tests: a directory for their files. What failed tests leave goes with it. */
static inline void helper_make_dir(void)
{
    strcpy(helper_dir, "/tmp/vitrine-test-XXXXXX");
    if (!mkdtemp(helper_dir)) exit(1);
    lint_quiet(true);
}

static inline void helper_remove_dir(void)
{
    DIR *dir = opendir(helper_dir);
    for (struct dirent *entry; dir && (entry = readdir(dir));) unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir) closedir(dir);
    rmdir(helper_dir);
}

/* A disk whose image is not written to. */
static inline struct board_drive helper_snapshot(const char *path)
{
    struct board_drive drive = board_drive_file(BOARD_HARD_DISK, path);
    drive.options.snapshot = true;
    return drive;
}

/* A new file of `size` bytes that begins with `bytes`; the path stays valid. Each test is a process of its own. */
static inline const char *helper_file(const void *bytes, size_t length, size_t size)
{
    static char paths[64][100];
    static unsigned files;
    char *path = paths[files % ARRAY_COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%d-%u", helper_dir, (int)getpid(), files++);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(truncate(path, (off_t)size), 0);
    return path;
}

/* Firmware of 64 KiB that is `code` alone, in real mode, with SS:SP = 0:7000h. */
static inline const char *helper_firmware(const void *code, size_t size)
{
    static uint8_t image[65536];
    memset(image, 0, sizeof image);
    memcpy(image, "\xbc\x00\x70", 3); /* mov sp, 7000h */
    memcpy(image + 3, code, size);
    memcpy(image + 0xfff0, "\xe9\x0d\x00", 3); /* jmp to the start */
    return helper_file(image, sizeof image, sizeof image);
}

/* A disk of 1 MiB whose boot sector is `code`. */
static inline const char *helper_disk(const void *code, size_t size)
{
    uint8_t sector[512] = {0};
    memcpy(sector, code, size);
    le16_store(sector + 510, 0xaa55);
    return helper_file(sector, sizeof sector, 1 << 20);
}

/* Bytes of code as a string literal. */
#define FIRMWARE(code) helper_firmware(code, sizeof(code) - 1)
#define DISK(code)     helper_disk(code, sizeof(code) - 1)

/* ---- boards ---- */

/* What came out of port E9h, and when. */
struct helper_output {
    char text[256];
    uint64_t insns[256];
    size_t size;
    struct board *board;
    bool stop; /* ask the board to stop at each byte */
};

static inline void helper_write(void *owner, const uint8_t *data, size_t size)
{
    struct helper_output *output = owner;
    for (size_t i = 0; i < size && output->size + 1 < sizeof output->text; i++) {
        output->insns[output->size] = board_insns(output->board);
        output->text[output->size++] = (char)data[i];
    }
    if (output->stop) board_stop_soon(output->board);
}

/* 8 MiB, no VGA, ports E9h and 501h. */
static inline struct board_config helper_config(const char *firmware)
{
    struct board_config config;
    board_config_default(&config);
    config.ram_size = HELPER_RAM;
    config.bios = firmware;
    config.vga = false;
    config.debugcon = config.debug_exit = true;
    config.debug_exit_port = 0x501;
    config.debug_exit_size = 1;
    config.date = 1000000000;
    config.dma_checker = true;
    return config;
}

static inline struct board *helper_board(const struct board_config *config, struct helper_output *output)
{
    struct error error = {{0}};
    struct board *board = board_new(config, &error);
    ck_assert_msg(board != NULL, "%s", error.text);
    memset(output, 0, sizeof *output);
    output->board = board;
    struct chardev *chardev = board_debugcon(board);
    chardev->write = helper_write;
    chardev->backend = output;
    return board;
}

/* At most so many instructions. A halted CPU retires none, while timers go on: it ends after 10 s (BOARD_STOP_TIME). */
static inline enum board_stop helper_run(struct board *board, uint64_t insns)
{
    const struct board_budget budget = {.until = board_now(board) + 10 * VTIME_S, .insns = insns};
    return board_run(board, &budget);
}

/* The board must be refused, with one line that begins so and has that part. */
static inline void helper_refused(const struct board_config *config, const char *begins, const char *part)
{
    struct error error = {{0}};
    ck_assert_ptr_null(board_new(config, &error));
    ck_assert_msg(!strncmp(error.text, begins, strlen(begins)), "%s", error.text);
    ck_assert_msg(strstr(error.text, part) != NULL, "%s", error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

/* Frees it; nothing may be mapped. */
static inline void helper_free(struct board *board)
{
    ck_assert_uint_eq(dma_stats(board_ide_dma(board))->live, 0);
    ck_assert_uint_eq(dma_checker_report(board_ide_dma(board), stderr), 0);
    board_free(board);
}

static inline void helper_add(TCase *tcase, const TTest *const *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) tcase_add_test(tcase, tests[i]);
}

/* Runs the suite between making and removing the directory; the exit status of main. */
static inline int helper_main(Suite *suite)
{
    helper_make_dir();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    helper_remove_dir();
    return failed ? 1 : 0;
}

#endif

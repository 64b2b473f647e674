/* SPDX-License-Identifier: MIT */
/* What the tests of block/ share: random numbers, patterned memory, vectors of all shapes, images, captured
 * messages. */
#ifndef TESTS_UNIT_BLOCK_HELPER_H
#define TESTS_UNIT_BLOCK_HELPER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <check.h>

#include "emu/core/clock.h"

static inline uint32_t random_below(uint64_t *seed, uint32_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*seed >> 33) % limit);
}

static inline void fill_random(uint64_t *seed, void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)to)[i] = (uint8_t)random_below(seed, 256);
}

/* Cuts a buffer into pieces of 0 to `longest` bytes, at most `room` of them; the last takes the rest. */
static inline unsigned cut_vector(uint64_t *seed, void *buffer, size_t size, uint32_t longest,
                                  struct iovec *out, unsigned room)
{
    unsigned count = 0;
    for (size_t done = 0; done < size; count++) {
        size_t length = random_below(seed, longest + 1);
        if (length > size - done || count + 1 == room) length = size - done;
        out[count] = (struct iovec){(char *)buffer + done, length};
        done += length;
    }
    return count;
}

/* Lets virtual time run until nothing is pending. */
static inline void run_clock(struct clock *clock)
{
    while (clock_deadline(clock) != VTIME_NEVER) {
        if (clock_deadline(clock) > clock_now(clock)) clock_jump(clock, clock_deadline(clock));
        clock_fire_due(clock);
    }
}

/* A directory for one test, on a disk (O_DIRECT); the test removes what it put there. */
static inline void make_directory(char path[64])
{
    strcpy(path, "/var/tmp/vitrine-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static inline void write_image(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline size_t read_image(const char *path, void *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

/* stderr into a buffer. */
struct capture {
    int saved, file;
    char text[4096];
};
static inline void capture_begin(struct capture *capture)
{
    char path[] = "/tmp/vitrine-capture-XXXXXX";
    fflush(stderr);
    capture->saved = dup(2);
    capture->file = mkstemp(path);
    ck_assert_int_ge(capture->file, 0);
    unlink(path);
    dup2(capture->file, 2);
}
static inline const char *capture_end(struct capture *capture)
{
    fflush(stderr);
    dup2(capture->saved, 2);
    close(capture->saved);
    ssize_t size = pread(capture->file, capture->text, sizeof(capture->text) - 1, 0);
    capture->text[size > 0 ? size : 0] = 0;
    close(capture->file);
    return capture->text;
}
static inline unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

#endif

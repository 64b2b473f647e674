/* SPDX-License-Identifier: MIT */
/* Finding and reading firmware images: see firmware.h. */
#include "emu/board/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "emu/core/bits.h"

static const char *const system_places[] = {"/usr/share/seabios", "/usr/share/vgabios", "/usr/share/qemu",
                                            "/usr/local/share/vitrine"};

static bool read_whole(int fd, uint8_t *to, size_t size)
{
    while (size) {
        ssize_t got = read(fd, to, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        size -= (size_t)got;
    }
    return true;
}

uint8_t *file_load(const char *path, size_t limit, size_t *size, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat stat;
    uint8_t *data = NULL;
    if (fd < 0 || fstat(fd, &stat)) {
        error_set(error, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(stat.st_mode)) {
        error_set(error, "%s: is not a regular file", path);
    } else if (!stat.st_size) {
        error_set(error, "%s: is empty", path);
    } else if ((uint64_t)stat.st_size > limit) {
        error_set(error, "%s: %lld bytes are more than the %zu that fit", path, (long long)stat.st_size,
                  limit);
    } else if (!(data = malloc((size_t)stat.st_size))) {
        error_set(error, "%s: out of memory", path);
    } else if (!read_whole(fd, data, (size_t)stat.st_size)) {
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
        free(data);
        data = NULL;
    } else {
        *size = (size_t)stat.st_size;
    }
    if (fd >= 0) close(fd);
    return data;
}

static bool try_place(const char *dir, const char *name, char *path, size_t room)
{
    return dir && snprintf(path, room, "%s/%s", dir, name) < (int)room && !access(path, R_OK);
}

static bool find(const char *name, const char *const *dirs, unsigned count, char *path, size_t room)
{
    if (strchr(name, '/')) return snprintf(path, room, "%s", name) < (int)room;
    for (unsigned i = 0; i < count; i++)
        if (try_place(dirs[i], name, path, room)) return true;
    if (try_place(getenv("VITRINE_DATA"), name, path, room)) return true;
    for (unsigned i = 0; i < ARRAY_COUNT(system_places); i++)
        if (try_place(system_places[i], name, path, room)) return true;
    return false;
}

uint8_t *firmware_load(const char *name, const char *const *dirs, unsigned count, size_t limit, size_t *size,
                       struct error *error)
{
    char path[4096];
    if (!find(name, dirs, count, path, sizeof path)) {
        error_set(error,
                  "%s: not found in -L directories, $VITRINE_DATA, /usr/share/seabios or /usr/share/qemu; "
                  "install the "
                  "package seabios or say -L DIR",
                  name);
        return NULL;
    }
    return file_load(path, limit, size, error);
}

/* SPDX-License-Identifier: MIT */
/* Standard input: see input.h. */
#include "emu/ui/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_PATIENCE_MS 200
#define FIRST_ROOM       65536

void input_open(struct input *input, int fd)
{
    struct stat status;
    *input = (struct input){.fd = fd, .is_terminal = isatty(fd)};
    if (fstat(fd, &status))
        input->fd = -1;
    else
        input->is_file = S_ISREG(status.st_mode);
}

static bool ready(const struct input *input, int patience_ms)
{
    struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
    return poll(&poll_fd, 1, patience_ms) > 0;
}

static size_t read_ready(struct input *input, uint8_t *data, size_t room)
{
    ssize_t got = read(input->fd, data, room);
    if (got > 0) return (size_t)got;
    if (got == 0 || (errno != EINTR && errno != EAGAIN)) input->fd = -1;
    return 0;
}

size_t input_read_ahead(struct input *input, uint8_t **data)
{
    size_t size = 0, room = 0;
    *data = NULL;
    while (input->fd >= 0 && size < INPUT_AT_ONCE && ready(input, PIPE_PATIENCE_MS)) {
        if (size == room) {
            room = room ? room * 2 : FIRST_ROOM;
            uint8_t *larger = realloc(*data, room);
            if (!larger) break;
            *data = larger;
        }
        size += read_ready(input, *data + size, room - size);
    }
    return size;
}

size_t input_read(struct input *input, uint8_t *data, size_t room)
{
    return input->fd >= 0 && ready(input, 0) ? read_ready(input, data, room) : 0;
}

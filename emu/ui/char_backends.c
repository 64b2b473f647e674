/* SPDX-License-Identifier: MIT */
/* Character output to the host: see char_backends.h. */
#include "emu/ui/char_backends.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "emu/core/log.h"

#define CAPACITY 65536

struct char_output {
    int fd;
    const char *name; /* for messages */
    bool lost;        /* the host had trouble; later bytes are dropped */
    bool reader_gone;
    size_t used;
    uint8_t buffer[CAPACITY];
};

static struct char_output *new_output(int fd, const char *name)
{
    struct char_output *output = calloc(1, sizeof *output);
    if (!output) return NULL;
    output->fd = fd;
    output->name = name;
    return output;
}

struct char_output *char_output_stdout(void)
{
    return new_output(STDOUT_FILENO, "stdout");
}

struct char_output *char_output_file(const char *path, struct error *error)
{
    /* O_NONBLOCK: a pipe that nobody reads is an error here, and not a reason to wait. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    struct char_output *output = fd < 0 ? NULL : new_output(fd, path);
    if (output) return output;
    error_set(error, "file:%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return NULL;
}

static void trouble(struct char_output *output, int why)
{
    output->lost = true;
    output->reader_gone = why == EPIPE && output->fd == STDOUT_FILENO;
    if (output->reader_gone)
        message("%s: nobody reads it any more: %s", output->name, strerror(why));
    else
        message("%s: cannot be written: %s; the guest's output is lost from here on (reported once)",
                output->name, strerror(why));
}

/* Writes some bytes; how many, 0 when that failed for good. */
static size_t put_some(struct char_output *output, const uint8_t *data, size_t size)
{
    for (;;) {
        ssize_t put = write(output->fd, data, size);
        if (put > 0) return (size_t)put;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd slow = {.fd = output->fd, .events = POLLOUT};
            poll(&slow, 1, -1); /* EINTR: just another round */
        } else if (put == 0 || errno != EINTR) {
            trouble(output, put ? errno : ENOSPC);
            return 0;
        }
    }
}

bool char_output_flush(struct char_output *output)
{
    for (size_t done = 0, put; !output->lost && done < output->used; done += put)
        put = put_some(output, output->buffer + done, output->used - done);
    output->used = 0;
    return !output->reader_gone;
}

static void output_write(void *backend, const uint8_t *data, size_t size)
{
    struct char_output *output = backend;
    while (size) {
        size_t room = CAPACITY - output->used, part = size < room ? size : room;
        memcpy(output->buffer + output->used, data, part);
        output->used += part;
        data += part;
        size -= part;
        if (output->used == CAPACITY) char_output_flush(output);
    }
}

void char_output_attach(struct char_output *output, struct chardev *chardev)
{
    chardev->write = output_write;
    chardev->backend = output;
}

void char_output_free(struct char_output *output)
{
    if (!output) return;
    char_output_flush(output);
    if (output->fd != STDOUT_FILENO) close(output->fd);
    free(output);
}

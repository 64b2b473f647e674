/* SPDX-License-Identifier: MIT */
/* Sockets of the gdb stub: see gdb_socket.h. */
#include "emu/debug/gdb_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_MOST 65535

/* ---- listening ---- */

/* The text behind the prefix, if it is there. */
static const char *after(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) ? NULL : text + size;
}

static bool parse_where(const char *where, unsigned *port)
{
    static const char *const prefixes[] = {"tcp::", "tcp:localhost:", "tcp:127.0.0.1:"};
    const char *digits = NULL;
    for (unsigned i = 0; i < 3 && !digits; i++) digits = after(where, prefixes[i]);
    if (!digits || !*digits || strspn(digits, "0123456789") != strlen(digits)) return false;
    unsigned long value = strtoul(digits, NULL, 10);
    *port = (unsigned)value;
    return value <= PORT_MOST;
}

static bool listen_at(int fd, unsigned *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int on = 1;
    /* Without it a port stays taken for a minute after each session. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))) return false;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1)) return false;
    if (getsockname(fd, (struct sockaddr *)&address, &size)) return false;
    *port = ntohs(address.sin_port);
    return true;
}

int gdb_socket_listen(const char *where, unsigned *port, struct error *error)
{
    if (!parse_where(where, port)) {
        error_set(error, "%s: is no place to listen at; write tcp::PORT, PORT being 1 to %d", where,
                  PORT_MOST);
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && listen_at(fd, port)) return fd;
    if (errno == EADDRINUSE)
        error_set(error, "%s: port %u is in use by another program; choose another one", where, *port);
    else
        error_set(error, "%s: cannot listen on port %u: %s; choose another one", where, *port,
                  strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

int gdb_socket_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* ---- talking ---- */

static enum gdb_socket_result result(ssize_t size, size_t *done)
{
    *done = size > 0 ? (size_t)size : 0;
    if (size > 0) return GDB_SOCKET_OK;
    bool later = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return later ? GDB_SOCKET_LATER : GDB_SOCKET_LOST;
}

static bool peer_gone(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0;
}

enum gdb_socket_result gdb_socket_receive(int fd, void *to, size_t size, size_t *done)
{
    if (size) return result(recv(fd, to, size, MSG_DONTWAIT), done);
    *done = 0;
    return peer_gone(fd) ? GDB_SOCKET_LOST : GDB_SOCKET_LATER;
}

enum gdb_socket_result gdb_socket_send(int fd, const void *from, size_t size, size_t *done)
{
    return result(send(fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL), done);
}

/* close() with input unread would reset the connection, and the peer could lose our last words. */
void gdb_socket_close(int fd)
{
    char bytes[512];
    shutdown(fd, SHUT_WR);
    for (unsigned i = 0; i < 64 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0; i++) continue;
    close(fd);
}

/* SPDX-License-Identifier: MIT */
/* Sockets of the gdb stub: TCP on 127.0.0.1 only, nothing waits, no signals. */
#ifndef EMU_DEBUG_GDB_SOCKET_H
#define EMU_DEBUG_GDB_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include "emu/core/error.h"

/* Listens at "tcp::PORT" or "tcp:HOST:PORT", HOST being localhost or 127.0.0.1; the port that was taken goes
 * to *port. A descriptor, or -1 and an error that starts with `where`. */
int gdb_socket_listen(const char *where, unsigned *port, struct error *error);
/* Who waits to be let in; -1: nobody. */
int gdb_socket_accept(int listener);

enum gdb_socket_result { GDB_SOCKET_OK, GDB_SOCKET_LATER, GDB_SOCKET_LOST };

/* At most `size` bytes; how many in *done. With a size of 0 it only finds out whether the connection is still
 * there. */
enum gdb_socket_result gdb_socket_receive(int fd, void *to, size_t size, size_t *done);
enum gdb_socket_result gdb_socket_send(int fd, const void *from, size_t size, size_t *done);
/* Hangs up so that what was sent still arrives. */
void gdb_socket_close(int fd);

#endif

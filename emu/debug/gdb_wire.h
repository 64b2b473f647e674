/* SPDX-License-Identifier: MIT */
/*
 * The wire of GDB's remote serial protocol: packets out of a stream of bytes, and back. No socket and no
 * meaning here (Debugging with GDB, E.1 "Overview" and E.7 "Packet Acknowledgment").
 *
 *     $payload#cc    a packet; cc is the sum of the payload's bytes, in hex. # $ } * in it are sent as },
 * byte ^ 20h
 *     + -            the last packet was good, or is to be sent again
 *     03h            outside packets: stop the machine
 *
 * Everything is bounded; whatever comes in, there is an answer or nothing. A peer that never sends + is fine:
 * replies do not wait for it.
 */
#ifndef EMU_DEBUG_GDB_WIRE_H
#define EMU_DEBUG_GDB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_WIRE_PACKET 0x4000                    /* payload at most, in both directions: PacketSize */
#define GDB_WIRE_INPUT  (GDB_WIRE_PACKET + 4)     /* one frame */
#define GDB_WIRE_FRAME  (2 * GDB_WIRE_PACKET + 4) /* one reply with everything escaped */

enum gdb_wire_event {
    GDB_WIRE_NOTHING,  /* more bytes are needed */
    GDB_WIRE_GOT,      /* a packet: `packet`, `packet_size` */
    GDB_WIRE_TOO_LONG, /* there was one, longer than GDB_WIRE_PACKET */
    GDB_WIRE_BREAK,    /* 03h */
};

struct gdb_wire {
    bool acks;     /* + and - are in use (until QStartNoAckMode) */
    bool skipping; /* within a packet that is too long */
    uint8_t input[GDB_WIRE_INPUT];
    size_t input_size;
    char packet[GDB_WIRE_PACKET + 1]; /* unescaped, a zero behind it */
    size_t packet_size;
    char reply[GDB_WIRE_PACKET]; /* the payload that is being put together, or was sent last */
    size_t reply_size;
    uint8_t output[2 * GDB_WIRE_FRAME]; /* to be sent */
    size_t output_size;
};

void gdb_wire_init(struct gdb_wire *wire);

/* ---- in ---- */

size_t gdb_wire_room(const struct gdb_wire *wire);
/* Takes in at most gdb_wire_room() bytes; how many. */
size_t gdb_wire_feed(struct gdb_wire *wire, const void *bytes, size_t size);
/* The next event, in order; acknowledgements are dealt with on the way. Do not call when
 * !gdb_wire_can_reply(). */
enum gdb_wire_event gdb_wire_next(struct gdb_wire *wire);
/* Takes out the first 03h that lies between packets, ahead of them; false when there is none. */
bool gdb_wire_take_break(struct gdb_wire *wire);

/* ---- out ---- */

/* Room for the answers that one packet can cause. */
bool gdb_wire_can_reply(const struct gdb_wire *wire);
/* A reply is put together piece by piece and sent off; what does not fit in is left out. */
void gdb_wire_begin(struct gdb_wire *wire);
void gdb_wire_put(struct gdb_wire *wire, const void *bytes, size_t size);
void gdb_wire_print(struct gdb_wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gdb_wire_put_hex(struct gdb_wire *wire, const uint8_t *bytes, size_t size);
void gdb_wire_send(struct gdb_wire *wire);
/* The first `size` bytes of output have gone out. */
void gdb_wire_sent(struct gdb_wire *wire, size_t size);

/* ---- hex ---- */

int gdb_hex_digit(char c); /* -1: none */
/* A number of 1 to 16 digits; moves *at behind it. */
bool gdb_hex_number(const char **at, uint64_t *value);
/* Exactly `size` bytes, two digits each; moves *at behind them. */
bool gdb_hex_bytes(const char **at, uint8_t *to, size_t size);

#endif

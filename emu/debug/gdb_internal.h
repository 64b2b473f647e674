/* SPDX-License-Identifier: MIT */
/* The gdb stub's own parts: gdb_stub.c has the connection and the machine's stops, gdb_commands.c and
 * gdb_access.c what packets mean. */
#ifndef EMU_DEBUG_GDB_INTERNAL_H
#define EMU_DEBUG_GDB_INTERNAL_H

#include "emu/debug/gdb_stub.h"
#include "emu/debug/gdb_wire.h"

#define GDB_BREAKPOINTS 1024

/* Numbers of signals in GDB's own numbering, which is Unix's for these. */
enum gdb_signal { GDB_SIGINT = 2, GDB_SIGTRAP = 5, GDB_SIGSEGV = 11 };

struct gdb_breakpoint {
    uint32_t linear;
    uint8_t kinds; /* bit n: type n of Z packets */
};

struct gdb_stub {
    struct board *board;
    struct gdb_wire wire;
    int listener, connection; /* -1: none */
    unsigned port;
    char *target_xml; /* as it was last asked for; NULL before */
    size_t target_xml_size;

    bool attached;     /* the debugger has sent something */
    bool hangs_up;     /* after what is to be sent: it has detached */
    bool killed;       /* the program is to end */
    bool held;         /* wire.packet waits for the machine's next stop */
    bool tells_breaks; /* the debugger understands "swbreak" */
    unsigned cpu;      /* that registers and memory are asked of */
    struct gdb_breakpoint breakpoints[GDB_BREAKPOINTS];
    unsigned breakpoint_count;

    bool stopped;
    enum gdb_signal signal; /* why */
    bool at_breakpoint;     /* and whether it was one of ours */
    uint32_t stopped_at;    /* linear address of the next instruction */

    bool stepping; /* while the machine runs: until so many instructions have been retired */
    uint64_t step_end;
    bool leaves;      /* it goes on from where it stopped */
    uint64_t resumed; /* instructions retired by then */
};

/* gdb_commands.c: carries out the packet in stub->wire and answers it. Not while the machine runs. */
void gdb_command(struct gdb_stub *stub);

/* gdb_access.c: packets for registers and memory, by their arguments. */
void gdb_read_registers(struct gdb_stub *stub, const char *arguments);
void gdb_read_register(struct gdb_stub *stub, const char *arguments);
void gdb_write_registers(struct gdb_stub *stub, const char *arguments);
void gdb_write_register(struct gdb_stub *stub, const char *arguments);
void gdb_read_memory(struct gdb_stub *stub, const char *arguments);
void gdb_write_memory(struct gdb_stub *stub, const char *arguments);
void gdb_write_memory_binary(struct gdb_stub *stub, const char *arguments);

/* Errors carry the number of Unix's errno. */
enum gdb_error { GDB_NO_MEMORY = 12, GDB_NOT_REACHED = 14, GDB_MALFORMED = 22 };

void gdb_answer(struct gdb_stub *stub, const char *text);
void gdb_answer_error(struct gdb_stub *stub, enum gdb_error error);
void gdb_answer_done(struct gdb_stub *stub, bool done, enum gdb_error otherwise);
/* These move *at behind what they found. */
bool gdb_skip_char(const char **at, char c);
bool gdb_parse_range(const char **at, uint32_t *address, uint64_t *length); /* "address,length" */

/* gdb_stub.c */

static inline struct cpu *gdb_selected_cpu(const struct gdb_stub *stub)
{
    return board_cpu(stub->board, stub->cpu);
}

/* Lets the machine go. Answered when it stops again. */
void gdb_resume(struct gdb_stub *stub, bool step);
void gdb_stop(struct gdb_stub *stub, enum gdb_signal signal);
/* Why the machine stands, as a reply. */
void gdb_send_stop(struct gdb_stub *stub);
void gdb_detach(struct gdb_stub *stub);
/* `kind` is the type of Z packets. False: there are too many. */
bool gdb_breakpoint_insert(struct gdb_stub *stub, uint32_t linear, unsigned kind);
void gdb_breakpoint_remove(struct gdb_stub *stub, uint32_t linear, unsigned kind);

#endif

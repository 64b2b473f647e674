/* SPDX-License-Identifier: MIT */
/* The gdb stub's connection, the machine's stops and goes, breakpoints: see gdb_stub.h. */
#include "emu/debug/gdb_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "emu/debug/gdb_socket.h"

/* ---- where the machine is ---- */

static uint32_t next_linear(const struct gdb_stub *stub)
{
    struct cpu_state state;
    cpu_get_state(board_cpu(stub->board, stub->cpu), &state);
    return (uint32_t)(state.segment[CPU_CS].base + state.eip);
}

/* Where gdb looks for the next instruction: it knows nothing of segments. */
static uint32_t next_eip(const struct gdb_stub *stub)
{
    struct cpu_state state;
    cpu_get_state(board_cpu(stub->board, stub->cpu), &state);
    return (uint32_t)state.eip;
}

static bool shut_down(const struct gdb_stub *stub)
{
    struct cpu_state state;
    cpu_get_state(board_cpu(stub->board, stub->cpu), &state);
    return state.shutdown;
}

/* ---- breakpoints ---- */

static struct gdb_breakpoint *breakpoint_find(struct gdb_stub *stub, uint32_t linear)
{
    for (unsigned i = 0; i < stub->breakpoint_count; i++)
        if (stub->breakpoints[i].linear == linear) return &stub->breakpoints[i];
    return NULL;
}

bool gdb_breakpoint_insert(struct gdb_stub *stub, uint32_t linear, unsigned kind)
{
    struct gdb_breakpoint *found = breakpoint_find(stub, linear);
    if (!found) {
        if (stub->breakpoint_count == GDB_BREAKPOINTS) return false;
        found = &stub->breakpoints[stub->breakpoint_count++];
        *found = (struct gdb_breakpoint){.linear = linear};
        for (unsigned n = 0; n < board_cpus(stub->board); n++)
            cpu_breakpoint_add(board_cpu(stub->board, n), linear);
    }
    found->kinds |= (uint8_t)(1 << kind);
    return true;
}

static void breakpoint_drop(struct gdb_stub *stub, struct gdb_breakpoint *breakpoint)
{
    for (unsigned n = 0; n < board_cpus(stub->board); n++)
        cpu_breakpoint_remove(board_cpu(stub->board, n), breakpoint->linear);
    *breakpoint = stub->breakpoints[--stub->breakpoint_count];
}

void gdb_breakpoint_remove(struct gdb_stub *stub, uint32_t linear, unsigned kind)
{
    struct gdb_breakpoint *found = breakpoint_find(stub, linear);
    if (!found) return;
    found->kinds &= (uint8_t) ~(1 << kind);
    if (!found->kinds) breakpoint_drop(stub, found);
}

/* ---- stop and go ---- */

void gdb_stop(struct gdb_stub *stub, enum gdb_signal signal)
{
    stub->stopped = true;
    stub->stepping = false;
    stub->signal = signal;
    stub->stopped_at = next_linear(stub);
    stub->at_breakpoint = false;
}

/* "swbreak" means a breakpoint where gdb sees the instruction pointer; with a segment base between the two
 * gdb would take it for a leftover and go on (LESSONS 51). */
void gdb_send_stop(struct gdb_stub *stub)
{
    bool tell = stub->at_breakpoint && stub->tells_breaks && next_eip(stub) == stub->stopped_at;
    gdb_wire_begin(&stub->wire);
    gdb_wire_print(&stub->wire, "T%02xthread:%02x;%s", (unsigned)stub->signal, stub->cpu + 1,
                   tell ? "swbreak:;" : "");
    gdb_wire_send(&stub->wire);
}

/* A breakpoint where the machine was seen to stand is left behind; one where the debugger has moved it is
 * met. */
void gdb_resume(struct gdb_stub *stub, bool step)
{
    if (shut_down(stub)) { /* only a reset would help */
        gdb_stop(stub, GDB_SIGSEGV);
        gdb_send_stop(stub);
        return;
    }
    stub->stopped = false;
    stub->stepping = step;
    stub->resumed = board_insns(stub->board);
    stub->step_end = stub->resumed + 1;
    stub->leaves = step || next_linear(stub) == stub->stopped_at;
}

bool gdb_stub_step_pending(struct gdb_stub *stub, struct board_budget *budget)
{
    uint64_t now = board_insns(stub->board);
    if (stub->leaves && now == stub->resumed) budget->skip_breakpoint = true;
    if (!stub->stepping) return false;
    uint64_t left = now < stub->step_end ? stub->step_end - now : 0;
    if (budget->insns > left) budget->insns = left;
    return true;
}

/* ---- the connection ---- */

static bool connected(const struct gdb_stub *stub)
{
    return stub->connection >= 0;
}

/* The machine stays as it is, without what only a debugger could undo. */
static void hang_up(struct gdb_stub *stub)
{
    gdb_socket_close(stub->connection);
    stub->connection = -1;
    stub->attached = stub->hangs_up = stub->held = stub->stepping = stub->tells_breaks = false;
    stub->cpu = 0;
    while (stub->breakpoint_count) breakpoint_drop(stub, &stub->breakpoints[0]);
}

void gdb_detach(struct gdb_stub *stub)
{
    stub->stopped = false;
    stub->stepping = false;
    stub->leaves = true;
    stub->resumed = board_insns(stub->board);
    stub->hangs_up = true;
}

static void flush_output(struct gdb_stub *stub)
{
    size_t done;
    enum gdb_socket_result result = GDB_SOCKET_OK;
    while (connected(stub) && stub->wire.output_size && result == GDB_SOCKET_OK) {
        result = gdb_socket_send(stub->connection, stub->wire.output, stub->wire.output_size, &done);
        gdb_wire_sent(&stub->wire, done);
    }
    if (connected(stub) && (result == GDB_SOCKET_LOST || (stub->hangs_up && !stub->wire.output_size)))
        hang_up(stub);
}

static void attach(struct gdb_stub *stub)
{
    stub->attached = true;
    if (!stub->stopped) gdb_stop(stub, GDB_SIGTRAP);
}

static void interrupt(struct gdb_stub *stub)
{
    gdb_stop(stub, GDB_SIGINT);
    gdb_send_stop(stub);
}

/* Of what comes while the machine runs, only the wish that it stop is heard; the rest keeps its place behind
 * it. */
static void listen_while_running(struct gdb_stub *stub)
{
    if (gdb_wire_take_break(&stub->wire)) {
        interrupt(stub);
        return;
    }
    if (stub->held || gdb_wire_next(&stub->wire) != GDB_WIRE_GOT) return;
    if (!strncmp(stub->wire.packet, "vCont;t", 7))
        interrupt(stub);
    else
        stub->held = true;
}

static void carry_out(struct gdb_stub *stub, enum gdb_wire_event event)
{
    bool first = !stub->attached;
    attach(stub);
    if (event == GDB_WIRE_GOT) gdb_command(stub);
    if (event == GDB_WIRE_BREAK && first) interrupt(stub); /* later it has crossed a stop reply */
    if (event == GDB_WIRE_TOO_LONG) {
        gdb_wire_begin(&stub->wire);
        gdb_wire_print(&stub->wire, "E07"); /* E2BIG */
        gdb_wire_send(&stub->wire);
    }
}

/* Everything that can be done with what has come in. */
static void process(struct gdb_stub *stub)
{
    while (connected(stub) && !stub->hangs_up && !stub->killed && gdb_wire_can_reply(&stub->wire)) {
        if (stub->attached && !stub->stopped) {
            listen_while_running(stub);
            if (!stub->stopped) break;
            continue;
        }
        enum gdb_wire_event event = stub->held ? GDB_WIRE_GOT : gdb_wire_next(&stub->wire);
        if (event == GDB_WIRE_NOTHING) break;
        stub->held = false;
        carry_out(stub, event);
    }
    flush_output(stub);
}

/* False when there is nothing more to read now. */
static bool receive(struct gdb_stub *stub)
{
    uint8_t bytes[4096];
    size_t room = gdb_wire_room(&stub->wire), done;
    if (room > sizeof(bytes)) room = sizeof(bytes);
    enum gdb_socket_result result = gdb_socket_receive(stub->connection, bytes, room, &done);
    gdb_wire_feed(&stub->wire, bytes, done);
    if (result == GDB_SOCKET_LOST) hang_up(stub);
    return result == GDB_SOCKET_OK;
}

void gdb_stub_input(struct gdb_stub *stub)
{
    if (!connected(stub)) {
        stub->connection = gdb_socket_accept(stub->listener);
        gdb_wire_init(&stub->wire);
        return;
    }
    flush_output(stub);
    if (connected(stub)) receive(stub);
    process(stub);
}

int gdb_stub_fd(const struct gdb_stub *stub)
{
    return connected(stub) ? stub->connection : stub->listener;
}

short gdb_stub_poll_events(const struct gdb_stub *stub)
{
    short out = connected(stub) && stub->wire.output_size ? POLLOUT : 0;
    short in = !connected(stub) || gdb_wire_room(&stub->wire) ? POLLIN : POLLRDHUP;
    return in | out;
}

/* ---- what the run loop says ---- */

static void send_exit(struct gdb_stub *stub, int exit_status)
{
    gdb_wire_begin(&stub->wire);
    gdb_wire_print(&stub->wire, "W%02x", exit_status & 0xff);
    gdb_wire_send(&stub->wire);
    flush_output(stub);
}

static void report_stop(struct gdb_stub *stub, enum gdb_signal signal, bool at_breakpoint)
{
    gdb_stop(stub, signal);
    stub->at_breakpoint = at_breakpoint;
    gdb_send_stop(stub);
    process(stub);
}

void gdb_stub_report(struct gdb_stub *stub, enum board_stop stop, int exit_status)
{
    bool stepped = stub->stepping && board_insns(stub->board) >= stub->step_end;
    if (!stub->attached) return;
    if (stop == BOARD_STOP_TRIPLE_FAULT)
        report_stop(stub, GDB_SIGSEGV, false);
    else if (exit_status >= 0)
        send_exit(stub, exit_status);
    else if (stop == BOARD_STOP_BREAKPOINT)
        report_stop(stub, GDB_SIGTRAP, breakpoint_find(stub, next_linear(stub)) != NULL);
    else if (stepped)
        report_stop(stub, GDB_SIGTRAP, false);
}

void gdb_stub_stop(struct gdb_stub *stub)
{
    gdb_stop(stub, GDB_SIGTRAP);
}

bool gdb_stub_stopped(const struct gdb_stub *stub)
{
    return stub->stopped;
}

bool gdb_stub_attached(const struct gdb_stub *stub)
{
    return stub->attached;
}

bool gdb_stub_killed(const struct gdb_stub *stub)
{
    return stub->killed;
}

unsigned gdb_stub_port(const struct gdb_stub *stub)
{
    return stub->port;
}

/* ---- life ---- */

struct gdb_stub *gdb_stub_new(struct board *board, const char *where, struct error *error)
{
    struct gdb_stub *stub = calloc(1, sizeof(*stub));
    if (!stub) {
        error_set(error, "%s: out of memory", where);
        return NULL;
    }
    stub->board = board;
    stub->connection = -1;
    stub->listener = gdb_socket_listen(where, &stub->port, error);
    if (stub->listener >= 0) return stub;
    gdb_stub_free(stub);
    return NULL;
}

void gdb_stub_free(struct gdb_stub *stub)
{
    if (!stub) return;
    if (connected(stub)) {
        flush_output(stub);
        if (connected(stub)) hang_up(stub);
    }
    if (stub->listener >= 0) close(stub->listener);
    free(stub->target_xml);
    free(stub);
}

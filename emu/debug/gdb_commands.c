/* SPDX-License-Identifier: MIT */
/* What gdb's packets mean (Debugging with GDB, E.2 "Packets", E.4 "General Query Packets"). An unknown one
 * gets an empty answer, which is how gdb finds out what there is. */
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/cpu/segment.h"
#include "emu/debug/gdb_internal.h"
#include "emu/debug/gdb_registers.h"

#define ANY_THREAD 0 /* and all of them; CPU n is thread n + 1 */

/* ---- arguments ---- */

/* "n", "-1", "0", "pP.n" */
static bool parse_thread(const char *at, unsigned *thread)
{
    const char *point = *at == 'p' ? strchr(at, '.') : NULL;
    uint64_t number;
    if (*at == 'p' && !point) at = "0";
    if (point) at = point + 1;
    *thread = ANY_THREAD;
    if (!strncmp(at, "-1", 2)) return true;
    if (!gdb_hex_number(&at, &number)) return false;
    *thread = (unsigned)number;
    return true;
}

static bool thread_exists(const struct gdb_stub *stub, unsigned thread)
{
    return thread == ANY_THREAD || thread <= board_cpus(stub->board);
}

/* ---- going on ---- */

static void go_on(struct gdb_stub *stub, const char *address, bool step)
{
    struct cpu_state state;
    uint64_t eip;
    if (*address) {
        if (!gdb_hex_number(&address, &eip) || *address) {
            gdb_answer_error(stub, GDB_MALFORMED);
            return;
        }
        cpu_get_state(gdb_selected_cpu(stub), &state);
        state.eip = (uint32_t)eip;
        cpu_set_state(gdb_selected_cpu(stub), &state);
    }
    gdb_resume(stub, step);
}

static void go(struct gdb_stub *stub, const char *arguments)
{
    go_on(stub, arguments, false);
}

static void step(struct gdb_stub *stub, const char *arguments)
{
    go_on(stub, arguments, true);
}

/* "signal;address": a signal means nothing to the machine. */
static const char *behind_signal(const char *arguments)
{
    const char *address = strchr(arguments, ';');
    return address ? address + 1 : "";
}

static void go_with_signal(struct gdb_stub *stub, const char *arguments)
{
    go_on(stub, behind_signal(arguments), false);
}

static void step_with_signal(struct gdb_stub *stub, const char *arguments)
{
    go_on(stub, behind_signal(arguments), true);
}

/* The first action of "action:thread;action:thread..." that is for this CPU; 0: none is. */
static char action_for(const char *actions, unsigned thread)
{
    while (actions) {
        const char *end = strchr(actions, ';'), *colon = strchr(actions, ':');
        unsigned wanted = ANY_THREAD;
        bool named = colon && (!end || colon < end);
        if (!named || (parse_thread(colon + 1, &wanted) && (wanted == ANY_THREAD || wanted == thread)))
            return *actions;
        actions = end ? end + 1 : NULL;
    }
    return 0;
}

static void resume_threads(struct gdb_stub *stub, const char *arguments)
{
    switch (action_for(arguments, stub->cpu + 1)) {
    case 'c':
    case 'C': gdb_resume(stub, false); break;
    case 's':
    case 'S': gdb_resume(stub, true); break;
    case 't': gdb_send_stop(stub); break; /* it stands already */
    default: gdb_answer_error(stub, GDB_MALFORMED); break;
    }
}

static void why_stopped(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_send_stop(stub);
}

static void detach(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_answer(stub, "OK");
    gdb_detach(stub);
}

static void kill_silently(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    stub->killed = true;
}

static void kill_politely(struct gdb_stub *stub, const char *arguments)
{
    gdb_answer(stub, "OK");
    kill_silently(stub, arguments);
}

/* ---- breakpoints ---- */

/* "type,address,length": software and hardware ones are the same thing here. Watchpoints are not there yet.
 */
static bool parse_breakpoint(const char *at, unsigned *kind, uint32_t *address)
{
    uint64_t length;
    *kind = (unsigned)(*at++ - '0');
    return gdb_skip_char(&at, ',') && gdb_parse_range(&at, address, &length);
}

static void change_breakpoint(struct gdb_stub *stub, const char *arguments, bool insert)
{
    unsigned kind;
    uint32_t address;
    if (*arguments >= '2' && *arguments <= '4') {
        gdb_answer(stub, "");
    } else if ((*arguments != '0' && *arguments != '1') || !parse_breakpoint(arguments, &kind, &address)) {
        gdb_answer_error(stub, GDB_MALFORMED);
    } else if (insert) {
        gdb_answer_done(stub, gdb_breakpoint_insert(stub, address, kind), GDB_NO_MEMORY);
    } else {
        gdb_breakpoint_remove(stub, address, kind);
        gdb_answer(stub, "OK");
    }
}

static void insert_breakpoint(struct gdb_stub *stub, const char *arguments)
{
    change_breakpoint(stub, arguments, true);
}

static void remove_breakpoint(struct gdb_stub *stub, const char *arguments)
{
    change_breakpoint(stub, arguments, false);
}

/* ---- threads: the CPUs ---- */

/* "g" or "c", and whom it is for. Only what comes with "g" outlives the packet. */
static void select_thread(struct gdb_stub *stub, const char *arguments)
{
    unsigned thread;
    if (!*arguments || !parse_thread(arguments + 1, &thread) || !thread_exists(stub, thread)) {
        gdb_answer_error(stub, GDB_MALFORMED);
        return;
    }
    if (*arguments == 'g' && thread != ANY_THREAD) stub->cpu = thread - 1;
    gdb_answer(stub, "OK");
}

static void thread_alive(struct gdb_stub *stub, const char *arguments)
{
    unsigned thread;
    gdb_answer_done(stub, parse_thread(arguments, &thread) && thread_exists(stub, thread), GDB_MALFORMED);
}

static void current_thread(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_wire_begin(&stub->wire);
    gdb_wire_print(&stub->wire, "QC%x", stub->cpu + 1);
    gdb_wire_send(&stub->wire);
}

static void first_threads(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_wire_begin(&stub->wire);
    for (unsigned n = 0; n < board_cpus(stub->board); n++)
        gdb_wire_print(&stub->wire, "%c%x", n ? ',' : 'm', n + 1);
    gdb_wire_send(&stub->wire);
}

static void no_more_threads(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_answer(stub, "l");
}

/* ---- what both sides can do ---- */

static void tell_features(struct gdb_stub *stub, const char *arguments)
{
    stub->tells_breaks = strstr(arguments, "swbreak+") != NULL;
    gdb_wire_begin(&stub->wire);
    gdb_wire_print(&stub->wire,
                   "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+",
                   GDB_WIRE_PACKET);
    gdb_wire_send(&stub->wire);
}

/* For the mode that the machine is in when the debugger begins to read. */
static bool describe_target(struct gdb_stub *stub)
{
    struct cpu_state state;
    cpu_get_state(gdb_selected_cpu(stub), &state);
    free(stub->target_xml);
    stub->target_xml =
        gdb_registers_describe(!(state.segment[CPU_CS].access & ACCESS_BIG), &stub->target_xml_size);
    return stub->target_xml != NULL;
}

/* "offset,length": a piece of target.xml, with m before it, or l when it is the last. */
static void read_target_xml(struct gdb_stub *stub, const char *arguments)
{
    uint32_t offset;
    uint64_t length;
    bool good = gdb_parse_range(&arguments, &offset, &length);
    if (good && !offset && !describe_target(stub)) {
        gdb_answer_error(stub, GDB_NO_MEMORY);
        return;
    }
    if (!good || !stub->target_xml || offset > stub->target_xml_size) {
        gdb_answer_error(stub, GDB_MALFORMED);
        return;
    }
    size_t left = stub->target_xml_size - offset;
    if (length > GDB_WIRE_PACKET / 2) length = GDB_WIRE_PACKET / 2;
    if (length > left) length = left;
    gdb_wire_begin(&stub->wire);
    gdb_wire_put(&stub->wire, length == left ? "l" : "m", 1);
    gdb_wire_put(&stub->wire, stub->target_xml + offset, (size_t)length);
    gdb_wire_send(&stub->wire);
}

/* The machine was there before the debugger: leaving it is to detach, not to kill. */
static void tell_attached(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_answer(stub, "1");
}

static void tell_actions(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_answer(stub, "vCont;c;C;s;S;t");
}

static void stop_acknowledging(struct gdb_stub *stub, const char *arguments)
{
    (void)arguments;
    gdb_answer(stub, "OK");
    stub->wire.acks = false;
}

/* ---- the table ---- */

enum arguments { NONE, SOME };

static const struct command {
    const char *name;
    enum arguments arguments;
    void (*carry_out)(struct gdb_stub *stub, const char *arguments);
} commands[] = {
    {"?", NONE, why_stopped},
    {"g", NONE, gdb_read_registers},
    {"G", SOME, gdb_write_registers},
    {"p", SOME, gdb_read_register},
    {"P", SOME, gdb_write_register},
    {"m", SOME, gdb_read_memory},
    {"M", SOME, gdb_write_memory},
    {"X", SOME, gdb_write_memory_binary},
    {"c", SOME, go},
    {"C", SOME, go_with_signal},
    {"s", SOME, step},
    {"S", SOME, step_with_signal},
    {"vCont?", NONE, tell_actions},
    {"vCont;", SOME, resume_threads},
    {"vKill;", SOME, kill_politely},
    {"k", NONE, kill_silently},
    {"D", SOME, detach},
    {"Z", SOME, insert_breakpoint},
    {"z", SOME, remove_breakpoint},
    {"H", SOME, select_thread},
    {"T", SOME, thread_alive},
    {"qC", NONE, current_thread},
    {"qfThreadInfo", NONE, first_threads},
    {"qsThreadInfo", NONE, no_more_threads},
    {"qAttached", SOME, tell_attached},
    {"qSupported", SOME, tell_features},
    {"qXfer:features:read:target.xml:", SOME, read_target_xml},
    {"QStartNoAckMode", NONE, stop_acknowledging},
};

void gdb_command(struct gdb_stub *stub)
{
    const char *packet = stub->wire.packet;
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++) {
        size_t size = strlen(commands[i].name);
        if (strncmp(packet, commands[i].name, size)) continue;
        if (commands[i].arguments == NONE && packet[size]) continue;
        commands[i].carry_out(stub, packet + size);
        return;
    }
    gdb_answer(stub, "");
}

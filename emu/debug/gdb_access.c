/* SPDX-License-Identifier: MIT */
/* gdb's packets that read and write registers and memory (Debugging with GDB, E.2 "Packets"), and what all
 * packets share: plain answers, and arguments that are parsed alike. */
#include <string.h>
#include "emu/debug/gdb_internal.h"
#include "emu/debug/gdb_registers.h"

/* ---- answers and arguments ---- */

void gdb_answer(struct gdb_stub *stub, const char *text)
{
    gdb_wire_begin(&stub->wire);
    gdb_wire_put(&stub->wire, text, strlen(text));
    gdb_wire_send(&stub->wire);
}

void gdb_answer_error(struct gdb_stub *stub, enum gdb_error error)
{
    gdb_wire_begin(&stub->wire);
    gdb_wire_print(&stub->wire, "E%02x", (unsigned)error);
    gdb_wire_send(&stub->wire);
}

void gdb_answer_done(struct gdb_stub *stub, bool done, enum gdb_error otherwise)
{
    if (done)
        gdb_answer(stub, "OK");
    else
        gdb_answer_error(stub, otherwise);
}

bool gdb_skip_char(const char **at, char c)
{
    if (**at != c) return false;
    ++*at;
    return true;
}

bool gdb_parse_range(const char **at, uint32_t *address, uint64_t *length)
{
    uint64_t number;
    if (!gdb_hex_number(at, &number) || !gdb_skip_char(at, ',') || !gdb_hex_number(at, length)) return false;
    *address = (uint32_t)number;
    return true;
}

/* ---- registers ---- */

static void put_register(struct gdb_stub *stub, const struct cpu_state *state, unsigned n)
{
    uint8_t bytes[GDB_REGISTER_BYTES];
    gdb_register_read(state, n, bytes);
    gdb_wire_put_hex(&stub->wire, bytes, gdb_register_size(n));
}

void gdb_read_registers(struct gdb_stub *stub, const char *arguments)
{
    struct cpu_state state;
    (void)arguments;
    cpu_get_state(gdb_selected_cpu(stub), &state);
    gdb_wire_begin(&stub->wire);
    for (unsigned n = 0; n < gdb_register_count(); n++) put_register(stub, &state, n);
    gdb_wire_send(&stub->wire);
}

void gdb_read_register(struct gdb_stub *stub, const char *arguments)
{
    struct cpu_state state;
    uint64_t n;
    if (!gdb_hex_number(&arguments, &n) || n >= gdb_register_count()) {
        gdb_answer_error(stub, GDB_MALFORMED);
        return;
    }
    cpu_get_state(gdb_selected_cpu(stub), &state);
    gdb_wire_begin(&stub->wire);
    put_register(stub, &state, (unsigned)n);
    gdb_wire_send(&stub->wire);
}

/* All or none; those that stay as they are do not count. */
static bool set_registers(struct cpu *cpu, const char *hex)
{
    struct cpu_state old, state;
    cpu_get_state(cpu, &old);
    state = old;
    for (unsigned n = 0; n < gdb_register_count(); n++) {
        uint8_t bytes[GDB_REGISTER_BYTES], before[GDB_REGISTER_BYTES];
        if (!gdb_hex_bytes(&hex, bytes, gdb_register_size(n))) return false;
        gdb_register_read(&old, n, before);
        if (!memcmp(bytes, before, gdb_register_size(n))) continue;
        if (!gdb_register_write(cpu, &state, n, bytes)) return false;
    }
    if (*hex) return false;
    cpu_debug_set_state(cpu, &state);
    return true;
}

void gdb_write_registers(struct gdb_stub *stub, const char *arguments)
{
    gdb_answer_done(stub, set_registers(gdb_selected_cpu(stub), arguments), GDB_MALFORMED);
}

/* "n=value" */
void gdb_write_register(struct gdb_stub *stub, const char *arguments)
{
    struct cpu *cpu = gdb_selected_cpu(stub);
    struct cpu_state state;
    uint8_t bytes[GDB_REGISTER_BYTES];
    uint64_t n;
    bool good = gdb_hex_number(&arguments, &n) && gdb_skip_char(&arguments, '=') &&
                n < gdb_register_count() &&
                gdb_hex_bytes(&arguments, bytes, gdb_register_size((unsigned)n)) && !*arguments;
    cpu_get_state(cpu, &state);
    good = good && gdb_register_write(cpu, &state, (unsigned)n, bytes);
    if (good) cpu_debug_set_state(cpu, &state);
    gdb_answer_done(stub, good, GDB_MALFORMED);
}

/* ---- memory, by linear address ---- */

/* Short answers are normal: as far as memory goes, and as much as a packet holds. */
void gdb_read_memory(struct gdb_stub *stub, const char *arguments)
{
    uint8_t bytes[GDB_WIRE_PACKET / 2];
    uint32_t address;
    uint64_t length;
    if (!gdb_parse_range(&arguments, &address, &length) || *arguments) {
        gdb_answer_error(stub, GDB_MALFORMED);
        return;
    }
    if (length > sizeof(bytes)) length = sizeof(bytes);
    size_t done = cpu_debug_read(gdb_selected_cpu(stub), address, bytes, (size_t)length);
    if (!done && length) {
        gdb_answer_error(stub, GDB_NOT_REACHED);
        return;
    }
    gdb_wire_begin(&stub->wire);
    gdb_wire_put_hex(&stub->wire, bytes, done);
    gdb_wire_send(&stub->wire);
}

static void store(struct gdb_stub *stub, uint32_t address, const void *bytes, size_t length)
{
    size_t done = length ? cpu_debug_write(gdb_selected_cpu(stub), address, bytes, length) : 0;
    gdb_answer_done(stub, done == length, GDB_NOT_REACHED);
}

/* "address,length:hex" */
void gdb_write_memory(struct gdb_stub *stub, const char *arguments)
{
    uint8_t bytes[GDB_WIRE_PACKET / 2];
    uint32_t address;
    uint64_t length;
    bool good = gdb_parse_range(&arguments, &address, &length) && gdb_skip_char(&arguments, ':') &&
                length <= sizeof(bytes) && gdb_hex_bytes(&arguments, bytes, (size_t)length) && !*arguments;
    if (good)
        store(stub, address, bytes, (size_t)length);
    else
        gdb_answer_error(stub, GDB_MALFORMED);
}

/* "address,length:bytes" */
void gdb_write_memory_binary(struct gdb_stub *stub, const char *arguments)
{
    uint32_t address;
    uint64_t length;
    bool good = gdb_parse_range(&arguments, &address, &length) && gdb_skip_char(&arguments, ':') &&
                length == (uint64_t)(stub->wire.packet + stub->wire.packet_size - arguments);
    if (good)
        store(stub, address, arguments, (size_t)length);
    else
        gdb_answer_error(stub, GDB_MALFORMED);
}

/* SPDX-License-Identifier: MIT */
/* 8042 keyboard controller. IBM PS/2 Hardware Interface Technical Reference. */
#include "devices/platform/i8042.h"

#include <stdlib.h>
#include <string.h>
#include "devices/platform/key.h"
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

enum {
    STATUS_OBF = 0x01,
    STATUS_SYSTEM = 0x04,
    STATUS_COMMAND = 0x08, /* the last write went to port 64h */
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX = 0x20, /* what lies in the output buffer comes from the auxiliary port */
    STATUS_TIMEOUT = 0x40,
};

/* Byte 0 of the controller's RAM, the "command byte". */
enum {
    MODE_IRQ1 = 0x01,
    MODE_IRQ12 = 0x02,
    MODE_SYSTEM = 0x04,
    MODE_KEYBOARD_OFF = 0x10,
    MODE_AUX_OFF = 0x20,
    MODE_TRANSLATE = 0x40,
};

/* Output port. */
enum { OUT_NO_RESET = 0x01, OUT_A20 = 0x02, OUT_IRQ1 = 0x10, OUT_IRQ12 = 0x20, OUT_IDLE = 0xcc };

enum command {
    CMD_READ_RAM = 0x20,  /* to 3F */
    CMD_WRITE_RAM = 0x60, /* to 7F; takes a byte */
    CMD_AUX_OFF = 0xa7,
    CMD_AUX_ON = 0xa8,
    CMD_AUX_TEST = 0xa9,
    CMD_SELF_TEST = 0xaa,
    CMD_KEYBOARD_TEST = 0xab,
    CMD_KEYBOARD_OFF = 0xad,
    CMD_KEYBOARD_ON = 0xae,
    CMD_READ_INPUT = 0xc0,
    CMD_READ_OUTPUT = 0xd0,
    CMD_WRITE_OUTPUT = 0xd1, /* takes a byte, as the next three do */
    CMD_WRITE_KEYBOARD_BUFFER = 0xd2,
    CMD_WRITE_AUX_BUFFER = 0xd3,
    CMD_WRITE_AUX = 0xd4,
    CMD_A20_OFF = 0xdd, /* these two are later custom */
    CMD_A20_ON = 0xdf,
    CMD_READ_TEST = 0xe0,
    CMD_PULSE = 0xf0, /* to FF: bits 3:0 of the output port that are 0 here go low for 6 us */
};

enum { SELF_TEST_PASSED = 0x55, LINE_TEST_PASSED = 0x00, RESEND = 0xfe, BREAK_PREFIX = 0xf0 };
enum { INPUT_PORT = 0xa0 }; /* keyboard not locked, manufacturing jumper open */
enum { RAM_SIZE = 32, ANSWERS = 4 };

/* Where a byte in the output buffer comes from; the low bit is the port. */
enum source { FROM_KEYBOARD, FROM_AUX, FROM_AUX_TIMEOUT };

struct i8042_state {
    uint8_t ram[RAM_SIZE]; /* ram[0]: MODE_... */
    uint8_t output_port;   /* bits 1:0 */
    uint8_t command;       /* waits for its byte; 0 for none */
    bool last_was_command;
    bool full; /* output buffer */
    uint8_t data;
    uint8_t source;
    uint8_t answer[ANSWERS]; /* wait for the output buffer, oldest first */
    uint8_t answer_source[ANSWERS];
    uint8_t answers;
    bool break_prefix; /* translation has swallowed an F0 */
};

struct i8042 {
    struct device device;
    struct i8042_state state;
    struct clock *clock;
    struct i8042_lines lines;
    struct ps2_port port[I8042_PORTS];
    struct clock_event byte_event;
    struct region *data_region, *command_region;
};

static const struct state_field i8042_fields[] = {
    STATE_FIELD(struct i8042_state, ram),           STATE_FIELD(struct i8042_state, output_port),
    STATE_FIELD(struct i8042_state, command),       STATE_FIELD(struct i8042_state, last_was_command),
    STATE_FIELD(struct i8042_state, full),          STATE_FIELD(struct i8042_state, data),
    STATE_FIELD(struct i8042_state, source),        STATE_FIELD(struct i8042_state, answer),
    STATE_FIELD(struct i8042_state, answer_source), STATE_FIELD(struct i8042_state, answers),
    STATE_FIELD(struct i8042_state, break_prefix),  STATE_END,
};
static const struct state_table i8042_table = {"i8042", 1, sizeof(struct i8042_state), i8042_fields};

TRACE_EVENT(trace_command, "i8042.command", "command:x");
TRACE_EVENT(trace_write, "i8042.write", "command:x value:x");
TRACE_EVENT(trace_output, "i8042.output", "source:s byte:x");

/* Output buffer. */

static void i8042_update_irqs(struct i8042 *c)
{
    const struct i8042_state *s = &c->state;
    bool aux = s->source != FROM_KEYBOARD;
    irq_set(&c->lines.irq1, s->full && !aux && s->ram[0] & MODE_IRQ1);
    irq_set(&c->lines.irq12, s->full && aux && s->ram[0] & MODE_IRQ12);
}

static void i8042_fill(struct i8042 *c, uint8_t byte, enum source source)
{
    struct i8042_state *s = &c->state;
    s->data = byte;
    s->source = source;
    s->full = true;
    if (trace_on(&trace_output))
        trace_emit(&trace_output, c->clock, source == FROM_KEYBOARD ? "keyboard" : "aux", (uint64_t)byte);
    i8042_update_irqs(c);
}

/* An answer of the controller. The guest can wait for one only; more than fit are lost. */
static void i8042_answer(struct i8042 *c, uint8_t byte, enum source source)
{
    struct i8042_state *s = &c->state;
    if (!s->full) {
        i8042_fill(c, byte, source);
    } else if (s->answers < ANSWERS) {
        s->answer[s->answers] = byte;
        s->answer_source[s->answers++] = source;
    } else {
        lint(c->device.name, "IBM PS/2, Keyboard Controller",
             "answer %02x lost: commands written, data never read", byte);
    }
}

static void i8042_next_answer(struct i8042 *c)
{
    struct i8042_state *s = &c->state;
    uint8_t byte = s->answer[0], source = s->answer_source[0];
    s->answers--;
    memmove(s->answer, s->answer + 1, s->answers);
    memmove(s->answer_source, s->answer_source + 1, s->answers);
    i8042_fill(c, byte, (enum source)source);
}

/* Bytes from the devices. */

static bool i8042_port_sends(const struct i8042 *c, enum i8042_port n)
{
    const struct ps2_device *device = &c->port[n].device;
    uint8_t off = n == I8042_KEYBOARD ? MODE_KEYBOARD_OFF : MODE_AUX_OFF;
    return device->owner && !(c->state.ram[0] & off) && device->pending(device->owner);
}

/* Lets the next byte come if there is one and room for it. */
static void i8042_kick(void *owner)
{
    struct i8042 *c = owner;
    if (c->state.full || clock_event_pending(&c->byte_event)) return;
    if (i8042_port_sends(c, I8042_KEYBOARD) || i8042_port_sends(c, I8042_AUX))
        clock_event_in(&c->byte_event, I8042_BYTE_TIME);
}

/* Set 2 to set 1: F0 is left out and sets bit 7 of the code after it. */
static void i8042_from_keyboard(struct i8042 *c, uint8_t byte)
{
    struct i8042_state *s = &c->state;
    if (!(s->ram[0] & MODE_TRANSLATE)) {
        i8042_fill(c, byte, FROM_KEYBOARD);
    } else if (byte == BREAK_PREFIX) {
        s->break_prefix = true;
    } else {
        uint8_t code = key_translate_set2(byte);
        if (s->break_prefix) code |= 0x80;
        s->break_prefix = false;
        i8042_fill(c, code, FROM_KEYBOARD);
    }
}

static void i8042_byte_event(void *owner)
{
    struct i8042 *c = owner;
    struct ps2_device *keyboard = &c->port[I8042_KEYBOARD].device, *aux = &c->port[I8042_AUX].device;
    if (!c->state.full && i8042_port_sends(c, I8042_KEYBOARD))
        i8042_from_keyboard(c, keyboard->take(keyboard->owner));
    else if (!c->state.full && i8042_port_sends(c, I8042_AUX))
        i8042_fill(c, aux->take(aux->owner), FROM_AUX);
    i8042_kick(c);
}

/* Sending to a device switches its line on. */
static void i8042_send(struct i8042 *c, enum i8042_port n, uint8_t byte)
{
    struct ps2_device *device = &c->port[n].device;
    c->state.ram[0] &= ~(n == I8042_KEYBOARD ? MODE_KEYBOARD_OFF : MODE_AUX_OFF);
    if (device->owner)
        device->receive(device->owner, byte);
    else
        i8042_answer(c, RESEND, n == I8042_AUX ? FROM_AUX_TIMEOUT : FROM_KEYBOARD);
    i8042_kick(c);
}

/* Output port and mode. */

static void i8042_pulse_reset(struct i8042 *c)
{
    irq_set(&c->lines.reset, true);
    irq_set(&c->lines.reset, false);
}

static void i8042_write_output_port(struct i8042 *c, uint8_t value)
{
    c->state.output_port = value & (OUT_NO_RESET | OUT_A20);
    irq_set(&c->lines.a20, value & OUT_A20);
    if (!(value & OUT_NO_RESET)) i8042_pulse_reset(c);
}

static uint8_t i8042_read_output_port(const struct i8042 *c)
{
    const struct i8042_state *s = &c->state;
    bool aux = s->source != FROM_KEYBOARD;
    return OUT_IDLE | s->output_port | (s->full && !aux ? OUT_IRQ1 : 0) | (s->full && aux ? OUT_IRQ12 : 0);
}

static void i8042_set_mode(struct i8042 *c, uint8_t mode)
{
    c->state.ram[0] = mode;
    i8042_update_irqs(c);
    i8042_kick(c);
}

/* Commands. */

static void i8042_command(struct i8042 *c, uint8_t command)
{
    struct i8042_state *s = &c->state;
    if (trace_on(&trace_command)) trace_emit(&trace_command, c->clock, (uint64_t)command);
    s->last_was_command = true;
    s->command = 0;
    switch (command) {
    case CMD_READ_RAM ... CMD_READ_RAM + RAM_SIZE - 1:
        i8042_answer(c, s->ram[command - CMD_READ_RAM], FROM_KEYBOARD);
        break;
    case CMD_WRITE_RAM ... CMD_WRITE_RAM + RAM_SIZE - 1:
    case CMD_WRITE_OUTPUT ... CMD_WRITE_AUX: s->command = command; break;
    case CMD_AUX_OFF: i8042_set_mode(c, s->ram[0] | MODE_AUX_OFF); break;
    case CMD_AUX_ON: i8042_set_mode(c, s->ram[0] & ~MODE_AUX_OFF); break;
    case CMD_KEYBOARD_OFF: i8042_set_mode(c, s->ram[0] | MODE_KEYBOARD_OFF); break;
    case CMD_KEYBOARD_ON: i8042_set_mode(c, s->ram[0] & ~MODE_KEYBOARD_OFF); break;
    case CMD_SELF_TEST:
        s->ram[0] |= MODE_SYSTEM;
        i8042_answer(c, SELF_TEST_PASSED, FROM_KEYBOARD);
        break;
    case CMD_AUX_TEST:
    case CMD_KEYBOARD_TEST: i8042_answer(c, LINE_TEST_PASSED, FROM_KEYBOARD); break;
    case CMD_READ_INPUT: i8042_answer(c, INPUT_PORT, FROM_KEYBOARD); break;
    case CMD_READ_OUTPUT: i8042_answer(c, i8042_read_output_port(c), FROM_KEYBOARD); break;
    case CMD_READ_TEST: i8042_answer(c, 0, FROM_KEYBOARD); break;
    case CMD_A20_OFF: i8042_write_output_port(c, s->output_port & ~OUT_A20); break;
    case CMD_A20_ON: i8042_write_output_port(c, s->output_port | OUT_A20); break;
    case CMD_PULSE ... 0xff:
        if (!(command & OUT_NO_RESET)) i8042_pulse_reset(c);
        break;
    default:
        lint(c->device.name, "IBM PS/2, Keyboard Controller Commands", "command %02x does not exist",
             command);
    }
}

/* A byte at port 60h belongs to the command before it, or goes to the keyboard. */
static void i8042_data(struct i8042 *c, uint8_t value)
{
    struct i8042_state *s = &c->state;
    uint8_t command = s->command;
    if (trace_on(&trace_write)) trace_emit(&trace_write, c->clock, (uint64_t)command, (uint64_t)value);
    s->last_was_command = false;
    s->command = 0;
    switch (command) {
    case CMD_WRITE_RAM: i8042_set_mode(c, value); break;
    case CMD_WRITE_RAM + 1 ... CMD_WRITE_RAM + RAM_SIZE - 1: s->ram[command - CMD_WRITE_RAM] = value; break;
    case CMD_WRITE_OUTPUT: i8042_write_output_port(c, value); break;
    case CMD_WRITE_KEYBOARD_BUFFER: i8042_answer(c, value, FROM_KEYBOARD); break;
    case CMD_WRITE_AUX_BUFFER: i8042_answer(c, value, FROM_AUX); break;
    case CMD_WRITE_AUX: i8042_send(c, I8042_AUX, value); break;
    default: i8042_send(c, I8042_KEYBOARD, value);
    }
}

/* Ports. */

static uint8_t i8042_status(const struct i8042 *c)
{
    const struct i8042_state *s = &c->state;
    return (s->full ? STATUS_OBF : 0) | (s->ram[0] & MODE_SYSTEM ? STATUS_SYSTEM : 0) |
           (s->last_was_command ? STATUS_COMMAND : 0) | STATUS_UNLOCKED |
           (s->full && s->source != FROM_KEYBOARD ? STATUS_AUX : 0) |
           (s->full && s->source == FROM_AUX_TIMEOUT ? STATUS_TIMEOUT : 0);
}

/* Reading takes the byte out; read again it is the same, as the buffer keeps it. */
static uint8_t i8042_read_data(struct i8042 *c)
{
    struct i8042_state *s = &c->state;
    uint8_t byte = s->data;
    s->full = false;
    i8042_update_irqs(c);
    if (s->answers) i8042_next_answer(c);
    i8042_kick(c);
    return byte;
}

static enum mem_result data_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at, (void)size;
    *value = i8042_read_data(owner);
    return MEM_OK;
}

static enum mem_result data_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    i8042_data(owner, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result command_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at, (void)size;
    *value = i8042_status(owner);
    return MEM_OK;
}

static enum mem_result command_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    i8042_command(owner, (uint8_t)value);
    return MEM_OK;
}

static const struct mmio_ops data_ops = {data_read, data_write, 1, 1, false};
static const struct mmio_ops command_ops = {command_read, command_write, 1, 1, false};

/* Reset and creation. */

struct ps2_port *i8042_port(struct i8042 *controller, enum i8042_port port)
{
    return &controller->port[port];
}

/* Both lines are off until firmware has tested the controller; the output port's pins float high. */
static void i8042_reset(struct device *device)
{
    struct i8042 *c = list_entry(device, struct i8042, device);
    clock_event_cancel(&c->byte_event);
    c->state = (struct i8042_state){.output_port = OUT_NO_RESET | OUT_A20};
    c->state.ram[0] = MODE_KEYBOARD_OFF | MODE_AUX_OFF;
    irq_set(&c->lines.a20, true);
    i8042_update_irqs(c);
}

static void i8042_loaded(struct device *device)
{
    struct i8042 *c = list_entry(device, struct i8042, device);
    if (c->state.answers > ANSWERS) c->state.answers = ANSWERS;
    irq_set(&c->lines.a20, c->state.output_port & OUT_A20);
    i8042_update_irqs(c);
}

static void i8042_destroy(struct device *device)
{
    struct i8042 *c = list_entry(device, struct i8042, device);
    clock_event_destroy(&c->byte_event);
    ports_remove(c->data_region);
    ports_remove(c->command_region);
    free(c);
}

static const struct device_ops i8042_device_ops = {"i8042", &i8042_table, i8042_reset, i8042_loaded,
                                                   i8042_destroy};

struct i8042 *i8042_new(struct region *io, struct device_list *devices, struct clock *clock,
                        const struct i8042_lines *lines)
{
    struct i8042 *c = calloc(1, sizeof(*c));
    if (!c) return NULL;
    c->clock = clock;
    c->lines = *lines;
    for (int i = 0; i < I8042_PORTS; i++)
        c->port[i] = (struct ps2_port){.notify = i8042_kick, .controller = c};
    clock_event_init(&c->byte_event, clock, "i8042.byte", i8042_byte_event, c);
    c->data_region = ports_add(io, 0x60, 1, "i8042 data", &data_ops, c);
    c->command_region = ports_add(io, 0x64, 1, "i8042 command", &command_ops, c);
    device_add(devices, &c->device, &i8042_device_ops, "i8042", &c->state);
    i8042_reset(&c->device);
    return c;
}

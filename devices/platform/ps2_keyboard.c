/* SPDX-License-Identifier: MIT */
/* PS/2 keyboard. IBM PS/2 Hardware Interface Technical Reference, "Keyboard". */
#include "devices/platform/ps2_keyboard.h"

#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/trace.h"

enum { BUFFER = 16, ANSWERS = 8 };
enum { ACK = 0xfa, RESEND = 0xfe, BAT_PASSED = 0xaa, ECHO = 0xee, ID_1 = 0xab, ID_2 = 0x83, BREAK = 0xf0 };

enum command {
    CMD_LEDS = 0xed, /* takes a byte */
    CMD_ECHO = 0xee,
    CMD_SCAN_CODE_SET = 0xf0, /* takes a byte: 0 asks */
    CMD_ID = 0xf2,
    CMD_TYPEMATIC = 0xf3, /* takes a byte */
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5, /* and default settings */
    CMD_DEFAULT = 0xf6,
    CMD_ALL_TYPEMATIC = 0xf7, /* this and the next six change key types of set 3 */
    CMD_ALL_MAKE_BREAK = 0xf8,
    CMD_ALL_MAKE = 0xf9,
    CMD_ALL_EVERYTHING = 0xfa,
    CMD_KEY_TYPEMATIC = 0xfb, /* these three take codes of keys, until another command comes */
    CMD_KEY_MAKE_BREAK = 0xfc,
    CMD_KEY_MAKE = 0xfd,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,
    FIRST_COMMAND = CMD_LEDS,
};

/* How a key behaves in set 3. */
enum key_type { TYPE_BREAK = 1, TYPE_REPEAT = 2 };
enum { LEDS_ALL = 0x07, TYPEMATIC_DEFAULT = 0x2b /* 500 ms, 10.9 per second */, SET_DEFAULT = 2 };

struct keyboard_state {
    uint8_t set;
    uint8_t leds;
    uint8_t typematic;
    uint8_t command; /* waits for its byte; 0 for none */
    uint8_t last_sent;
    bool enabled;
    uint8_t repeating;       /* enum key that is held down, 0 for none */
    uint8_t key_type[256];   /* by code of set 3 */
    uint8_t answer[ANSWERS]; /* go before the buffer */
    uint8_t answer_head, answer_count;
    uint8_t buffer[BUFFER];
    uint8_t head, count;
    uint8_t waiting_key[KEYBOARD_WAITING];
    uint8_t waiting_down[KEYBOARD_WAITING];
    uint16_t waiting_head, waiting_count;
};

struct ps2_keyboard {
    struct device device;
    struct keyboard_state state;
    struct clock *clock;
    struct ps2_port *port;
    struct door_port door;
    struct clock_event repeat_event;
};

static const struct state_field keyboard_fields[] = {
    STATE_FIELD(struct keyboard_state, set),
    STATE_FIELD(struct keyboard_state, leds),
    STATE_FIELD(struct keyboard_state, typematic),
    STATE_FIELD(struct keyboard_state, command),
    STATE_FIELD(struct keyboard_state, last_sent),
    STATE_FIELD(struct keyboard_state, enabled),
    STATE_FIELD(struct keyboard_state, repeating),
    STATE_FIELD(struct keyboard_state, key_type),
    STATE_FIELD(struct keyboard_state, answer),
    STATE_FIELD(struct keyboard_state, answer_head),
    STATE_FIELD(struct keyboard_state, answer_count),
    STATE_FIELD(struct keyboard_state, buffer),
    STATE_FIELD(struct keyboard_state, head),
    STATE_FIELD(struct keyboard_state, count),
    STATE_FIELD(struct keyboard_state, waiting_key),
    STATE_FIELD(struct keyboard_state, waiting_down),
    STATE_FIELD(struct keyboard_state, waiting_head),
    STATE_FIELD(struct keyboard_state, waiting_count),
    STATE_END,
};
static const struct state_table keyboard_table = {"ps2_keyboard", 1, sizeof(struct keyboard_state),
                                                  keyboard_fields};

TRACE_EVENT(trace_key, "keyboard.key", "key:x down:u");
TRACE_EVENT(trace_command, "keyboard.command", "byte:x");
TRACE_EVENT(trace_leds, "keyboard.leds", "leds:x");

/* Keys to bytes. */

static bool buffer_put(struct keyboard_state *s, const uint8_t *bytes, size_t size)
{
    if (size > (size_t)(BUFFER - s->count)) return false;
    for (size_t i = 0; i < size; i++) s->buffer[(s->head + s->count++) % BUFFER] = bytes[i];
    return true;
}

/* In set 3 a key may be told to keep its break code to itself. */
static bool keyboard_keeps_quiet(const struct keyboard_state *s, const uint8_t *code, size_t size, bool down)
{
    return s->set == 3 && !down && size && !(s->key_type[code[size - 1]] & TYPE_BREAK);
}

/* True when the event has been dealt with, false when it must wait for room. */
static bool keyboard_type(struct ps2_keyboard *k, struct key_event event)
{
    struct keyboard_state *s = &k->state;
    uint8_t code[KEY_SEQUENCE_MAX];
    size_t size = key_scan_code(s->set, event, code);
    if (keyboard_keeps_quiet(s, code, size, event.down)) return true;
    return buffer_put(s, code, size);
}

/* Types what has waited, as far as there is room. */
static void keyboard_type_waiting(struct ps2_keyboard *k)
{
    struct keyboard_state *s = &k->state;
    while (s->waiting_count) {
        struct key_event event = {s->waiting_key[s->waiting_head], s->waiting_down[s->waiting_head]};
        if (!keyboard_type(k, event)) return;
        s->waiting_head = (s->waiting_head + 1) % KEYBOARD_WAITING;
        s->waiting_count--;
    }
}

/* The overrun code takes the last place of a full buffer. */
static void keyboard_overrun(struct keyboard_state *s)
{
    uint8_t code = s->set == 1 ? 0xff : 0x00;
    if (!buffer_put(s, &code, 1)) s->buffer[(s->head + BUFFER - 1) % BUFFER] = code;
}

static void keyboard_enter(struct ps2_keyboard *k, struct key_event event)
{
    struct keyboard_state *s = &k->state;
    if (s->waiting_count == KEYBOARD_WAITING) {
        keyboard_overrun(s);
        return;
    }
    unsigned place = (s->waiting_head + s->waiting_count++) % KEYBOARD_WAITING;
    s->waiting_key[place] = event.key;
    s->waiting_down[place] = event.down;
    keyboard_type_waiting(k);
}

/* Typematic: bits 6:5 are the delay in steps of 250 ms; the period is (8 + A) * 2^B / 240 s with A in 2:0, B in 4:3. */

static vtime typematic_delay(const struct keyboard_state *s)
{
    return (bits_get(s->typematic, 5, 2) + 1) * 250 * VTIME_MS;
}

static vtime typematic_period(const struct keyboard_state *s)
{
    return ((8 + bits_get(s->typematic, 0, 3)) << bits_get(s->typematic, 3, 2)) * VTIME_S / 240;
}

static bool keyboard_repeats(const struct keyboard_state *s, enum key key)
{
    uint8_t code[KEY_SEQUENCE_MAX];
    struct key_event event = {(uint8_t)key, 1};
    if (key == KEY_PAUSE || key == KEY_NONE) return false;
    return s->set != 3 || (key_scan_code(3, event, code) && s->key_type[code[0]] & TYPE_REPEAT);
}

/* The key pressed last repeats, until it is released. */
static void keyboard_follow_repeat(struct ps2_keyboard *k, struct key_event event)
{
    struct keyboard_state *s = &k->state;
    if (event.down && keyboard_repeats(s, (enum key)event.key)) {
        s->repeating = event.key;
        clock_event_in(&k->repeat_event, typematic_delay(s));
    } else if (event.down || s->repeating == event.key) {
        s->repeating = KEY_NONE;
        clock_event_cancel(&k->repeat_event);
    }
}

/* A repeat that finds no room is left out. */
static void keyboard_repeat_event(void *owner)
{
    struct ps2_keyboard *k = owner;
    struct key_event event = {k->state.repeating, 1};
    if (!k->state.waiting_count) keyboard_type(k, event);
    clock_event_in(&k->repeat_event, typematic_period(&k->state));
    ps2_notify(k->port);
}

static void keyboard_key(struct ps2_keyboard *k, struct key_event event)
{
    if (trace_on(&trace_key)) trace_emit(&trace_key, k->clock, (uint64_t)event.key, (uint64_t) !!event.down);
    if (!k->state.enabled) return;
    keyboard_enter(k, event);
    keyboard_follow_repeat(k, event);
}

static void keyboard_deliver(void *owner, const uint8_t *data, size_t size)
{
    struct ps2_keyboard *k = owner;
    for (size_t i = 0; i + sizeof(struct key_event) <= size; i += sizeof(struct key_event))
        keyboard_key(k, (struct key_event){data[i], data[i + 1]});
    ps2_notify(k->port);
}

/* Commands from the host. */

static void keyboard_answer(struct keyboard_state *s, uint8_t byte)
{
    if (s->answer_count < ANSWERS) s->answer[(s->answer_head + s->answer_count++) % ANSWERS] = byte;
}

static void keyboard_forget_keys(struct ps2_keyboard *k)
{
    struct keyboard_state *s = &k->state;
    s->head = s->count = 0;
    s->waiting_head = s->waiting_count = 0;
    s->repeating = KEY_NONE;
    clock_event_cancel(&k->repeat_event);
}

/* Set 3, as switched on: Shift, Ctrl, Alt and Caps Lock make and break, function keys and the like only make, others
 * repeat. */
static uint8_t default_key_type(enum key key)
{
    switch (key) {
    case KEY_LEFT_SHIFT:
    case KEY_RIGHT_SHIFT:
    case KEY_LEFT_CTRL:
    case KEY_LEFT_ALT:
    case KEY_CAPS_LOCK: return TYPE_BREAK;
    case KEY_ESC:
    case KEY_F1 ... KEY_F10:
    case KEY_F11:
    case KEY_F12:
    case KEY_NUM_LOCK:
    case KEY_SCROLL_LOCK:
    case KEY_PRINT:
    case KEY_SYSRQ:
    case KEY_PAUSE:
    case KEY_INSERT:
    case KEY_HOME:
    case KEY_END:
    case KEY_PAGE_UP:
    case KEY_PAGE_DOWN:
    case KEY_RIGHT_CTRL:
    case KEY_RIGHT_ALT:
    case KEY_PAD_ENTER: return 0;
    default: return TYPE_REPEAT;
    }
}

static void keyboard_default_types(struct keyboard_state *s)
{
    memset(s->key_type, 0, sizeof(s->key_type));
    for (unsigned key = 1; key < 256; key++) {
        uint8_t code[KEY_SEQUENCE_MAX];
        if (key_scan_code(3, (struct key_event){(uint8_t)key, 1}, code))
            s->key_type[code[0]] = default_key_type((enum key)key);
    }
}

static void keyboard_defaults(struct ps2_keyboard *k)
{
    struct keyboard_state *s = &k->state;
    keyboard_forget_keys(k);
    s->set = SET_DEFAULT;
    s->typematic = TYPEMATIC_DEFAULT;
    keyboard_default_types(s);
}

static void keyboard_set_leds(struct ps2_keyboard *k, uint8_t leds)
{
    k->state.leds = leds & LEDS_ALL;
    if (trace_on(&trace_leds)) trace_emit(&trace_leds, k->clock, (uint64_t)k->state.leds);
}

static void keyboard_set_all_types(struct keyboard_state *s, uint8_t type)
{
    memset(s->key_type, type, sizeof(s->key_type));
}

static void keyboard_select_set(struct ps2_keyboard *k, uint8_t set)
{
    struct keyboard_state *s = &k->state;
    if (set > 3) {
        keyboard_answer(s, RESEND);
        return;
    }
    keyboard_answer(s, ACK);
    if (set == 0) {
        keyboard_answer(s, s->set);
    } else {
        keyboard_forget_keys(k);
        s->set = set;
    }
}

/* The byte that belongs to a command. */
static void keyboard_parameter(struct ps2_keyboard *k, uint8_t command, uint8_t byte)
{
    struct keyboard_state *s = &k->state;
    if (command == CMD_SCAN_CODE_SET) {
        keyboard_select_set(k, byte);
        return;
    }
    keyboard_answer(s, ACK);
    switch (command) {
    case CMD_LEDS: keyboard_set_leds(k, byte); break;
    case CMD_TYPEMATIC: s->typematic = byte & 0x7f; break;
    case CMD_KEY_TYPEMATIC: s->key_type[byte] = TYPE_REPEAT; break;
    case CMD_KEY_MAKE_BREAK: s->key_type[byte] = TYPE_BREAK; break;
    case CMD_KEY_MAKE: s->key_type[byte] = 0; break;
    }
    if (command >= CMD_KEY_TYPEMATIC && command <= CMD_KEY_MAKE) s->command = command;
}

/* The byte by which a command is answered at once. */
static uint8_t command_answer(uint8_t command)
{
    if (command == CMD_ECHO) return ECHO;
    bool exists = command >= FIRST_COMMAND && command != 0xef && command != 0xf1;
    return exists ? ACK : RESEND;
}

static void keyboard_command(struct ps2_keyboard *k, uint8_t command)
{
    struct keyboard_state *s = &k->state;
    keyboard_answer(s, command == CMD_RESEND ? s->last_sent : command_answer(command));
    switch (command) {
    case CMD_LEDS:
    case CMD_SCAN_CODE_SET:
    case CMD_TYPEMATIC: s->command = command; break;
    case CMD_KEY_TYPEMATIC ... CMD_KEY_MAKE:
        keyboard_forget_keys(k);
        s->command = command;
        break;
    case CMD_ID:
        keyboard_answer(s, ID_1);
        keyboard_answer(s, ID_2);
        break;
    case CMD_ENABLE:
        keyboard_forget_keys(k);
        s->enabled = true;
        break;
    case CMD_DISABLE:
        keyboard_defaults(k);
        s->enabled = false;
        break;
    case CMD_DEFAULT: keyboard_defaults(k); break;
    case CMD_ALL_TYPEMATIC: keyboard_set_all_types(s, TYPE_REPEAT); break;
    case CMD_ALL_MAKE_BREAK: keyboard_set_all_types(s, TYPE_BREAK); break;
    case CMD_ALL_MAKE: keyboard_set_all_types(s, 0); break;
    case CMD_ALL_EVERYTHING: keyboard_set_all_types(s, TYPE_BREAK | TYPE_REPEAT); break;
    case CMD_RESET:
        keyboard_defaults(k);
        keyboard_set_leds(k, 0);
        s->enabled = true;
        keyboard_answer(s, BAT_PASSED);
        break;
    }
}

/* A byte from the host ends what the keyboard was answering. A command in place of a parameter is taken as a command. */
static void keyboard_receive(void *owner, uint8_t byte)
{
    struct ps2_keyboard *k = owner;
    struct keyboard_state *s = &k->state;
    uint8_t command = s->command;
    if (trace_on(&trace_command)) trace_emit(&trace_command, k->clock, (uint64_t)byte);
    s->command = 0;
    s->answer_count = 0;
    if (command && byte < FIRST_COMMAND)
        keyboard_parameter(k, command, byte);
    else
        keyboard_command(k, byte);
    ps2_notify(k->port);
}

/* Bytes to the host. While a command waits for its parameter keys are held back. */

static bool keyboard_pending(void *owner)
{
    const struct keyboard_state *s = &((struct ps2_keyboard *)owner)->state;
    return s->answer_count || (s->count && !s->command);
}

static uint8_t keyboard_take(void *owner)
{
    struct ps2_keyboard *k = owner;
    struct keyboard_state *s = &k->state;
    if (s->answer_count) {
        s->last_sent = s->answer[s->answer_head];
        s->answer_head = (s->answer_head + 1) % ANSWERS;
        s->answer_count--;
    } else {
        s->last_sent = s->buffer[s->head];
        s->head = (s->head + 1) % BUFFER;
        s->count--;
        keyboard_type_waiting(k);
    }
    return s->last_sent;
}

/* Reset and creation. */

struct door_port *ps2_keyboard_door(struct ps2_keyboard *keyboard)
{
    return &keyboard->door;
}

uint8_t ps2_keyboard_leds(const struct ps2_keyboard *keyboard)
{
    return keyboard->state.leds;
}

/* Power-on: the self test has passed, and its result waits for the host. */
static void keyboard_reset(struct device *device)
{
    struct ps2_keyboard *k = list_entry(device, struct ps2_keyboard, device);
    clock_event_cancel(&k->repeat_event);
    k->state = (struct keyboard_state){.enabled = true};
    keyboard_defaults(k);
    keyboard_answer(&k->state, BAT_PASSED);
    ps2_notify(k->port);
}

/* Numbers that index must be in range whatever was loaded. */
static void keyboard_loaded(struct device *device)
{
    struct keyboard_state *s = &list_entry(device, struct ps2_keyboard, device)->state;
    s->head %= BUFFER;
    s->answer_head %= ANSWERS;
    s->waiting_head %= KEYBOARD_WAITING;
    if (s->count > BUFFER) s->count = BUFFER;
    if (s->answer_count > ANSWERS) s->answer_count = ANSWERS;
    if (s->waiting_count > KEYBOARD_WAITING) s->waiting_count = KEYBOARD_WAITING;
}

static void keyboard_destroy(struct device *device)
{
    struct ps2_keyboard *k = list_entry(device, struct ps2_keyboard, device);
    clock_event_destroy(&k->repeat_event);
    door_port_destroy(&k->door);
    k->port->device = (struct ps2_device){.owner = NULL};
    free(k);
}

static const struct device_ops keyboard_ops = {"ps2_keyboard", &keyboard_table, keyboard_reset,
                                               keyboard_loaded, keyboard_destroy};

struct ps2_keyboard *ps2_keyboard_new(struct ps2_port *port, struct device_list *devices, struct clock *clock,
                                      struct door *door)
{
    struct ps2_keyboard *k = calloc(1, sizeof(*k));
    if (!k) return NULL;
    k->clock = clock;
    k->port = port;
    port->device = (struct ps2_device){keyboard_receive, keyboard_pending, keyboard_take, k};
    clock_event_init(&k->repeat_event, clock, "keyboard.repeat", keyboard_repeat_event, k);
    door_port_init(&k->door, door, "keyboard", keyboard_deliver, k);
    device_add(devices, &k->device, &keyboard_ops, "keyboard", &k->state);
    keyboard_reset(&k->device);
    return k;
}

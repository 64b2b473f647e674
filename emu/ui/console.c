/* SPDX-License-Identifier: MIT */
/* Input from stdin: see console.h. */
#include "emu/ui/console.h"

#include <stdlib.h>
#include <unistd.h>
#include "emu/core/log.h"
#include "emu/ui/pace.h"
#include "emu/ui/terminal.h"

#define BACKLOG_MOST 4096
#define ESCAPE_TIME  (50 * VTIME_MS) /* an Escape without more behind it is the key */

void console_init(struct console *console, struct board *board, const struct options *options,
                  struct text_display *display)
{
    *console = (struct console){.board = board, .display = display, .has_mux = display != NULL};
    console->mux.escape = (uint8_t)options->escape;
    for (unsigned i = 0; i < options->serial_count; i++) {
        enum char_kind kind = options->serial[i].kind;
        if (kind != CHAR_STDIO && kind != CHAR_MON_STDIO) continue;
        console->serial = board_serial(board, i);
        if (kind == CHAR_MON_STDIO) console->has_mux = true;
    }
    console->input.fd = -1;
    if (!console->serial && !display) return;
    input_open(&console->input, STDIN_FILENO);
    if (!console->input.is_terminal || display) return;
    if (terminal_is_ours(STDIN_FILENO))
        terminal_enter(!console->has_mux);
    else
        console->input.fd = -1; /* in the background, reading would stop us */
}

/* ---- what a person asks us ---- */

static void say(struct console *console, const char *text)
{
    if (console->display)
        text_display_say(console->display, text);
    else
        message("%s", text);
}

static void obey(struct console *console, enum mux_command command)
{
    char key[16], text[160];
    mux_escape_name(&console->mux, key);
    switch (command) {
    case MUX_HELP:
        snprintf(text, sizeof text, "%s, then h: this help; x: quit; p: power button; r: resume after a disk error; c: monitor; %s: send %s", key, key, key);
        break;
    case MUX_MONITOR:
        snprintf(text, sizeof text, "%s c: there is no monitor yet; -gdb looks inside", key);
        break;
    case MUX_UNKNOWN: snprintf(text, sizeof text, "%s: no such command; %s h lists them", key, key); break;
    case MUX_POWER:
        board_power_button(console->board);
        snprintf(text, sizeof text, "the power button was pressed; the guest may shut down");
        break;
    case MUX_RESUME:
        snprintf(text, sizeof text, board_disk_waits(console->board) ? "what a disk could not do is tried again"
                                                                     : "no disk waits for anything");
        board_resume_disks(console->board);
        break;
    case MUX_QUIT: console->quit = true; return;
    default: return;
    }
    say(console, text);
}

/* ---- what is for the guest ---- */

static void press_keys(struct console *console, bool final)
{
    struct key_event events[KEYS_STROKE];
    size_t count;
    while ((count = key_reader_next(&console->keys, final, events)) > 0)
        door_post(board_keyboard(console->board), events, count * sizeof events[0]);
}

static void pass_on(struct console *console, const uint8_t *bytes, size_t size)
{
    if (!console->display) {
        if (size) chardev_feed(console->serial, bytes, size);
        return;
    }
    for (size_t done = 0; done < size;) {
        done += key_reader_add(&console->keys, bytes + done, size - done);
        press_keys(console, false);
    }
}

static void take(struct console *console, uint8_t *bytes, size_t size)
{
    if (size && console->display) text_display_say(console->display, NULL); /* read by now */
    while (size && !console->quit) {
        size_t kept = size, used = size;
        enum mux_command command = MUX_NOTHING;
        if (console->has_mux) used = mux_filter(&console->mux, bytes, size, &kept, &command);
        pass_on(console, bytes, kept);
        obey(console, command);
        bytes += used;
        size -= used;
    }
}

void console_read_ahead(struct console *console)
{
    uint8_t *bytes;
    if (console->input.fd < 0 || console->input.is_terminal) return;
    size_t size = input_read_ahead(&console->input, &bytes);
    take(console, bytes, size);
    free(bytes);
}

int console_fd(const struct console *console)
{
    if (console->serial && !console->display && chardev_backlog(console->serial) >= BACKLOG_MOST) return -1;
    return console->input.fd;
}

int64_t console_wait(const struct console *console)
{
    if (!console->keys.size) return -1;
    int64_t wait = console->escape_at + ESCAPE_TIME - wall_now();
    return wait > 0 ? wait : 0;
}

void console_input(struct console *console)
{
    uint8_t bytes[BACKLOG_MOST];
    size_t size = console_fd(console) < 0 ? 0 : input_read(&console->input, bytes, sizeof bytes);
    take(console, bytes, size);
    if (size) console->escape_at = wall_now();
    if (console_wait(console) == 0) press_keys(console, true);
}

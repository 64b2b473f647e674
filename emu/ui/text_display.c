/* SPDX-License-Identifier: MIT */
/* The text screen in the terminal: see text_display.h. Sequences: ECMA-48, and the private modes 25 and 1049 of xterm. */
#include "emu/ui/text_display.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "emu/core/log.h"
#include "emu/ui/cp437.h"
#include "emu/ui/terminal.h"

#define LARGEST_BIT 64 /* bytes of one sequence */

static const char take_text[] = "\033[?1049h\033[0m\033[2J";
static const char leave_text[] = "\033[0m\033[?25h\033[?1049l";

/* A character cell as the terminal shows it: character, foreground << 8, background << 12, blinking << 16. */
typedef uint32_t cell;

struct text_display {
    struct vga *vga;
    uint64_t generation; /* what was drawn last */
    bool redraw;
    bool had_text;          /* the firmware has set up the card */
    unsigned columns, rows; /* of the terminal */
    cell drawn[VGA_TEXT_ROWS][VGA_TEXT_COLUMNS];
    struct vga_text text;
    char said[VGA_TEXT_COLUMNS + 1];

    /* What the terminal is at while a refresh is put together. */
    unsigned row, column;
    uint32_t colours;

    size_t used;
    char out[32768];
};

/* ---- output ---- */

static void flush(struct text_display *display)
{
    for (size_t done = 0; done < display->used;) {
        ssize_t put = write(STDOUT_FILENO, display->out + done, display->used - done);
        if (put >= 0) {
            done += (size_t)put;
        } else if (errno == EAGAIN) {
            struct pollfd slow = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&slow, 1, -1);
        } else if (errno != EINTR) {
            break; /* the terminal is gone; its signal is on its way */
        }
    }
    display->used = 0;
}

static void add(struct text_display *display, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text_display *display, const char *format, ...)
{
    va_list args;
    if (display->used + LARGEST_BIT > sizeof display->out) flush(display);
    va_start(args, format);
    int size = vsnprintf(display->out + display->used, LARGEST_BIT, format, args);
    va_end(args);
    if (size > 0) display->used += (size_t)size;
}

static void move_to(struct text_display *display, unsigned row, unsigned column)
{
    if (display->row == row && display->column == column) return;
    add(display, "\033[%u;%uH", row + 1, column + 1);
    display->row = row;
    display->column = column;
}

/* A VGA colour has blue in bit 0, a terminal's has red there. */
static unsigned terminal_colour(unsigned colour, unsigned normal, unsigned bright)
{
    static const uint8_t order[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    return (colour & 8 ? bright : normal) + order[colour & 7];
}

static void draw_cell(struct text_display *display, unsigned row, unsigned column, cell what)
{
    if (display->drawn[row][column] == what) return;
    move_to(display, row, column);
    if (display->colours != what >> 8) {
        display->colours = what >> 8;
        add(display, "\033[0;%u;%u%sm", terminal_colour(what >> 8 & 15, 30, 90),
            terminal_colour(what >> 12 & 15, 40, 100), what >> 16 ? ";5" : "");
    }
    char bytes[3];
    size_t size = cp437_to_utf8((uint8_t)what, bytes);
    add(display, "%.*s", (int)size, bytes);
    display->drawn[row][column] = what;
    /* After the last column terminals differ. */
    display->column = column + 1 < display->columns ? column + 1 : UINT32_MAX;
}

/* ---- the screen ---- */

static cell cell_of(const struct vga_text *text, uint16_t cell_word)
{
    unsigned attribute = cell_word >> 8;
    unsigned background = attribute >> 4 & (text->blink ? 7 : 15);
    cell what = (cell_word & 0xffu) | (attribute & 15u) << 8 | background << 12;
    return text->blink && attribute & 0x80 ? what | 1u << 16 : what;
}

/* A screen with one line of text in its middle, for modes that are no text. */
static void make_notice(struct vga_text *text, const char *notice)
{
    size_t length = strlen(notice);
    *text = (struct vga_text){.columns = 80, .rows = 25};
    for (unsigned i = 0; i < 80 * 25; i++) text->cells[i] = 0x0700 | ' ';
    for (size_t i = 0; i < length; i++)
        text->cells[12 * 80 + (80 - length) / 2 + i] = (uint16_t)(0x0700 | (uint8_t)notice[i]);
}

static void draw_screen(struct text_display *display, unsigned rows)
{
    const struct vga_text *text = &display->text;
    unsigned first = 0;
    if (text->cursor_visible && text->cursor_row >= rows) first = text->cursor_row - rows + 1;
    for (unsigned row = 0; row < rows; row++) {
        for (unsigned column = 0; column < VGA_TEXT_COLUMNS && column < display->columns; column++) {
            bool inside = row + first < text->rows && column < text->columns;
            cell what =
                inside ? cell_of(text, text->cells[(row + first) * text->columns + column]) : 0x0700 | ' ';
            draw_cell(display, row, column, what);
        }
    }
    bool shown = rows && text->cursor_visible && text->cursor_column < display->columns;
    if (shown) move_to(display, text->cursor_row - first, text->cursor_column);
    add(display, shown ? "\033[?25h" : "\033[?25l");
}

static void draw_said(struct text_display *display, unsigned row)
{
    size_t length = strlen(display->said);
    for (unsigned column = 0; column < VGA_TEXT_COLUMNS && column < display->columns; column++)
        draw_cell(display, row, column, 0x7000u | (column < length ? (uint8_t)display->said[column] : ' '));
}

static void start_over(struct text_display *display)
{
    terminal_size(&display->columns, &display->rows);
    memset(display->drawn, 0xff, sizeof display->drawn); /* like no cell */
    display->redraw = false;
    add(display, "\033[0m\033[2J");
}

void text_display_refresh(struct text_display *display)
{
    uint64_t generation = vga_generation(display->vga);
    if (!display->redraw && generation == display->generation) return;
    display->generation = generation;
    if (display->redraw) start_over(display);
    bool is_text = vga_text_get(display->vga, &display->text);
    display->had_text |= is_text;
    if (!is_text) make_notice(&display->text, display->had_text ? "graphics mode" : "");

    display->row = display->column = display->colours = UINT32_MAX;
    unsigned rows = display->rows < VGA_TEXT_ROWS ? display->rows : VGA_TEXT_ROWS;
    if (display->said[0]) draw_said(display, --rows);
    draw_screen(display, rows);
    flush(display);
}

void text_display_redraw(struct text_display *display)
{
    display->redraw = true;
}

void text_display_say(struct text_display *display, const char *text)
{
    if (!text && !display->said[0]) return;
    snprintf(display->said, sizeof display->said, "%s", text ? text : "");
    display->generation = ~vga_generation(display->vga);
}

struct text_display *text_display_new(struct vga *vga)
{
    struct text_display *display = calloc(1, sizeof *display);
    if (!display) return NULL;
    display->vga = vga;
    display->redraw = true;
    message_hold(true);
    terminal_set_texts(take_text, leave_text);
    terminal_enter(false);
    return display;
}

void text_display_free(struct text_display *display)
{
    if (!display) return;
    terminal_leave();
    terminal_set_texts(NULL, NULL);
    message_hold(false);
    free(display);
}

/* ---- as text ---- */

static void print_row(const struct vga_text *text, unsigned row, FILE *to)
{
    unsigned length = text->columns;
    const uint16_t *cells = text->cells + row * text->columns;
    while (length && ((cells[length - 1] & 0xff) == ' ' || !(cells[length - 1] & 0xff))) length--;
    for (unsigned column = 0; column < length; column++) {
        char bytes[3];
        fwrite(bytes, 1, cp437_to_utf8((uint8_t)cells[column], bytes), to);
    }
    fputc('\n', to);
}

void text_screen_print(struct vga *vga, FILE *to)
{
    struct vga_text *text = malloc(sizeof *text);
    if (text && vga && vga_text_get(vga, text)) {
        for (unsigned row = 0; row < text->rows; row++) print_row(text, row, to);
    } else {
        fputs("(no text mode)\n", to);
    }
    free(text);
}

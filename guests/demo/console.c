/* SPDX-License-Identifier: MIT */
/* Printing: the 16550 UART of COM1 and the VGA's text memory at B8000h, 80 by 25 cells of character and
 * attribute. */
#include "console.h"
#include "io.h"
#include "lib.h"

enum {
    COM1 = 0x3f8,
    UART_DATA = COM1 + 0,       /* with DLAB set: divisor, low byte */
    UART_INT_ENABLE = COM1 + 1, /* with DLAB set: divisor, high byte */
    UART_FIFO_CONTROL = COM1 + 2,
    UART_LINE_CONTROL = COM1 + 3,
    UART_MODEM_CONTROL = COM1 + 4,
    UART_LINE_STATUS = COM1 + 5,

    LINE_8N1 = 0x03,
    LINE_DLAB = 0x80,
    STATUS_TRANSMITTER_EMPTY = 0x20,
};

enum {
    CRTC_INDEX = 0x3d4,
    CRTC_DATA = 0x3d5,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,

    COLUMNS = 80,
    ROWS = 25,
    BLANK = 0x0720, /* a space, light grey on black */
};

static volatile uint16_t *const screen = (volatile uint16_t *)0xb8000;
static unsigned cursor; /* cell number, always below COLUMNS * ROWS */

static void serial_init(void)
{
    outb(UART_INT_ENABLE, 0);
    outb(UART_LINE_CONTROL, LINE_DLAB);
    outb(UART_DATA, 1); /* 115200 / 1 */
    outb(UART_INT_ENABLE, 0);
    outb(UART_LINE_CONTROL, LINE_8N1);
    outb(UART_FIFO_CONTROL, 0x07);  /* on, and both emptied */
    outb(UART_MODEM_CONTROL, 0x03); /* DTR, RTS */
}

static void serial_put(char c)
{
    /* Not for ever: a machine without a serial port has a screen still. */
    for (unsigned i = 0; i < 1000000 && !(inb(UART_LINE_STATUS) & STATUS_TRANSMITTER_EMPTY); i++) {
    }
    outb(UART_DATA, (uint8_t)c);
}

static void screen_scroll(void)
{
    for (unsigned i = 0; i < COLUMNS * (ROWS - 1); i++) screen[i] = screen[i + COLUMNS];
    for (unsigned i = COLUMNS * (ROWS - 1); i < COLUMNS * ROWS; i++) screen[i] = BLANK;
    cursor -= COLUMNS;
}

static void screen_put(char c)
{
    if (c == '\n')
        cursor += COLUMNS - cursor % COLUMNS;
    else
        screen[cursor++] = (uint16_t)((BLANK & 0xff00) | (uint8_t)c);
    if (cursor == COLUMNS * ROWS) screen_scroll();
}

static void screen_show_cursor(void)
{
    outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
    outb(CRTC_DATA, (uint8_t)(cursor >> 8));
    outb(CRTC_INDEX, CRTC_CURSOR_LOW);
    outb(CRTC_DATA, (uint8_t)cursor);
}

static void put(char c)
{
    if (c == '\n') serial_put('\r');
    serial_put(c);
    screen_put(c);
}

static void put_string(const char *s)
{
    while (*s) put(*s++);
}

static void put_number(uint32_t value, uint32_t base, unsigned width, char fill)
{
    char digits[10];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (; width > n; width--) put(fill);
    while (n) put(digits[--n]);
}

void console_init(void)
{
    serial_init();
    for (unsigned i = 0; i < COLUMNS * ROWS; i++) screen[i] = BLANK;
    cursor = 0;
    screen_show_cursor();
}

void print_list(const char *format, va_list args)
{
    for (; *format; format++) {
        unsigned width = 0;
        char fill = ' ';

        if (*format != '%') {
            put(*format);
            continue;
        }
        format++;
        if (*format == '0') fill = *format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (unsigned)(*format - '0');
        switch (*format) {
        case 's': put_string(va_arg(args, const char *)); break;
        case 'c': put((char)va_arg(args, int)); break;
        case 'u': put_number(va_arg(args, uint32_t), 10, width, fill); break;
        case 'x': put_number(va_arg(args, uint32_t), 16, width, fill); break;
        default: put(*format); break;
        }
    }
    screen_show_cursor();
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
}

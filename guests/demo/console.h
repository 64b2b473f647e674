/* SPDX-License-Identifier: MIT */
/* Printing, on the first serial port (COM1, 115200 8N1, polled) and on the VGA text screen alike. */
#ifndef DEMO_CONSOLE_H
#define DEMO_CONSOLE_H

#include <stdarg.h>

void console_init(void);

/* Understands %s %c %u %x %%, with a width, and a zero in front of it to fill with zeros: %08x. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif

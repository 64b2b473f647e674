/* SPDX-License-Identifier: MIT */
/*
 * What the program says to its user: messages, lint lines and the `-d` log. All of it goes to stderr (or to
 * the file of -D), never to stdout, which carries guest bytes only.
 */
#ifndef EMU_CORE_LOG_H
#define EMU_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "emu/core/error.h"

/* `vitrine: ` and the text and a newline, on stderr. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* While a full-screen display owns the terminal, messages are kept; they appear when it is given back. */
void message_hold(bool hold);

/* Items of -d, in QEMU's names. */
enum log_item {
    LOG_INT = 1 << 0,           /* int: every interrupt and exception, with its reason */
    LOG_CPU_RESET = 1 << 1,     /* cpu_reset: registers at reset */
    LOG_GUEST_ERRORS = 1 << 2,  /* guest_errors: every lint line, not only the first of each place */
    LOG_UNIMPLEMENTED = 1 << 3, /* unimp: registers and commands that do nothing here */
    LOG_IN_ASM = 1 << 4,        /* in_asm: each block when it is first decoded */
};
extern unsigned log_items;
static inline bool log_on(enum log_item item)
{
    return __builtin_expect((log_items & item) != 0, 0);
}
bool log_enable(const char *comma_separated, struct error *error); /* an unknown item names the known ones */
void log_set_output(FILE *file);                                   /* -D; not owned */
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
FILE *log_output(void);

/*
 * A rule that a driver broke. One line, the first time for each rule and device: `vitrine: lint: ide0: text
 * (section)`. `where` names the specification and section ("PCI 2.3, 3.2.2.3.2"). Later times are only
 * counted.
 */
void lint(const char *device, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t lint_count(void);
void lint_quiet(bool quiet); /* tests that break rules on purpose */

#endif

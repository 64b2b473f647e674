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

/* `vitrine: ` and the text, cut at about a thousand bytes, and a newline, on stderr. */
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
/* Adds items. An unknown one is an error that names the known ones; those before it are on by then. */
bool log_enable(const char *comma_separated, struct error *error);
void log_set_output(FILE *file); /* -D; not owned. NULL: stderr, as at the start */
FILE *log_output(void);
/* To that output, as it is: whoever prints decides whether log_on, and ends the line. */
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A rule that a driver broke. A message, the first time for each rule and device: `vitrine: lint: ide0: text
 * (section)`. `where` names the specification and section ("PCI 2.3, 3.2.2.3.2"). Later times are only
 * counted; with LOG_GUEST_ERRORS every time is a line, in the file of -D if there is one. A rule is known by
 * `where` and `format`, so guest-chosen values belong into the arguments.
 */
void lint(const char *device, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t lint_count(void);   /* all times, of all machines of the process */
void lint_quiet(bool quiet); /* counts only: for tests that break rules on purpose */

#endif

/* SPDX-License-Identifier: MIT */
/* The end of the run: the verdict, the exit status, power off. */
#ifndef DEMO_POWER_H
#define DEMO_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* What messages begin with; main.c has it. */
extern const char guest_name[];

/* Makes the end write `code` to the isa-debug-exit port (501h), whatever the verdict. */
void power_set_exit_code(uint8_t code);

/* Ends the run.  Prints nothing; a failed run writes 1 to the isa-debug-exit port. */
void power_off(bool failed) __attribute__((noreturn));

/* Prints "NAME: FAILED: ..." (format as for print()) and ends the run. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif

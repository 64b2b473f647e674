/* SPDX-License-Identifier: MIT */
/* Counts and prints checks: see check.h. */
#include "check.h"

static uint32_t passed, failed;

void check_equal(const char *name, const char *sdm, uint32_t expected, uint32_t got)
{
    bool good = expected == got;

    com_print(good ? "ok " : "FAILED ");
    com_print(name);
    if (!good) {
        com_print(": expected ");
        com_print_hex(expected, 8);
        com_print(" got ");
        com_print_hex(got, 8);
    }
    com_print(" (SDM ");
    com_print(sdm);
    com_print(")\n");
    if (good)
        passed++;
    else
        failed++;
}

void check_skip(const char *name, const char *why)
{
    com_print("skipped ");
    com_print(name);
    com_print(": ");
    com_print(why);
    com_print("\n");
}

uint32_t check_end(const char *guest)
{
    com_print(guest);
    com_print(": ");
    com_print_number(passed);
    com_print(" passed, ");
    com_print_number(failed);
    com_print(" failed\n");
    return failed ? GUEST_FAIL : GUEST_PASS;
}

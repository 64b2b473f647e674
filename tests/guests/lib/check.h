/* SPDX-License-Identifier: MIT */
/*
 * Checks of the system guests: each prints one line on COM1,
 *
 *      ok NAME (SDM 3A, 5.5)
 *      FAILED NAME: expected 0000000d got 0000000e (SDM 3A, 5.5)
 *
 * and check_end() prints "GUEST: N passed, N failed" and gives the guest's result. What a check expects is what
 * the manual says (Intel SDM; chapters as in editions up to 2022: 4 paging, 5 protection, 6 interrupts, 7 tasks,
 * 8 several processors, 10 APIC, 17 debugging, 20 virtual-8086), not what some emulator does.
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H

#include "runtime.h"

/* One value. */
void check_equal(const char *name, const char *sdm, uint32_t expected, uint32_t got);

static inline void check_true(const char *name, const char *sdm, bool good)
{
    check_equal(name, sdm, 1, good);
}

/* A check that this CPU cannot do, for want of a feature: counts as neither. */
void check_skip(const char *name, const char *why);

/* The last line; returns GUEST_PASS or GUEST_FAIL. */
uint32_t check_end(const char *guest);

#endif

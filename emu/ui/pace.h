/* SPDX-License-Identifier: MIT */
/*
 * Pacing: keeping virtual time at wall-clock time. A machine that falls behind by more than a moment (a slow host, a
 * suspended program) is not made to run after it: the two clocks are put together anew.
 */
#ifndef EMU_UI_PACE_H
#define EMU_UI_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include "emu/core/clock.h"

struct pace {
    bool on;
    int64_t wall;       /* nanoseconds of the host's clock at ... */
    vtime virtual_time; /* ... this virtual time */
};

int64_t wall_now(void); /* monotonic nanoseconds */

/* The two clocks show the same from now on. */
void pace_restart(struct pace *pace, vtime now);
/* Where virtual time, which is at `now`, should be by now. */
vtime pace_target(struct pace *pace, vtime now);
/* Wall-clock nanoseconds until virtual time should be `then`; 0 when that has passed, -1 for VTIME_NEVER. */
int64_t pace_until(const struct pace *pace, vtime then);

#endif

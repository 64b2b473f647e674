/* SPDX-License-Identifier: MIT */
/* Pacing: see pace.h. */
#include "emu/ui/pace.h"

#include <time.h>

#define LAG_MOST (100 * VTIME_MS)

int64_t wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void pace_restart(struct pace *pace, vtime now)
{
    pace->wall = wall_now();
    pace->virtual_time = now;
}

vtime pace_target(struct pace *pace, vtime now)
{
    vtime target = pace->virtual_time + (wall_now() - pace->wall);
    if (target - now <= LAG_MOST) return target;
    pace_restart(pace, now);
    return now + LAG_MOST / 10;
}

int64_t pace_until(const struct pace *pace, vtime then)
{
    if (then == VTIME_NEVER) return -1;
    int64_t wait = then - pace->virtual_time - (wall_now() - pace->wall);
    return wait > 0 ? wait : 0;
}

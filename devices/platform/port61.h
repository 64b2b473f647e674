/* SPDX-License-Identifier: MIT */
/*
 * Port 61h, "NMI status and control": gate of timer counter 2, speaker data enable, and a few lines to read back.
 * Specification: Intel 82371SB (PIIX3), 4.6.1. Nothing raises SERR# or IOCHK# here, so bits 7:6 read as 0.
 */
#ifndef DEVICES_PLATFORM_PORT61_H
#define DEVICES_PLATFORM_PORT61_H

#include "devices/platform/i8254.h"

struct port61;

/* The timer must outlive it. */
struct port61 *port61_new(struct region *io, struct device_list *devices, struct clock *clock,
                          struct i8254 *pit);

/* What the speaker plays, in Hz; 0 is silence. */
unsigned port61_speaker_tone(struct port61 *port);

#endif

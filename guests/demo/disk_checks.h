/* SPDX-License-Identifier: MIT */
/* What the demo does with a disk, once it is open.  Each check prints one line, or fails. */
#ifndef DEMO_DISK_CHECKS_H
#define DEMO_DISK_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ide_dma.h"

/* True if the channel's open drive holds the demo's disk; no other disk is ever written to. */
bool disk_has_label(enum ide_channel channel);

/* Runs all the checks on the primary channel's disk; returns the CRC-32 of the data area. */
uint32_t disk_check_all(void);

#endif

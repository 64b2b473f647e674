/* SPDX-License-Identifier: MIT */
/* What the demo does with two disks at once, one on each channel, both open and both bearing its label. */
#ifndef DEMO_PAIR_CHECKS_H
#define DEMO_PAIR_CHECKS_H

/* Runs all the rounds: prints one line for each, or fails. */
void pair_check_all(void);

#endif

/* SPDX-License-Identifier: MIT */
/* The board's disks: opening their images, putting them on the controllers, telling the firmware. */
#ifndef EMU_BOARD_BOARD_DISKS_H
#define EMU_BOARD_BOARD_DISKS_H

#include "devices/platform/mc146818.h"
#include "emu/board/board.h"

/* Makes the IDE controller and opens the drives. */
bool board_make_disks(struct board *board, struct error *error);
/* "hda", or the id of those without a place of their own; NULL: nobody gave it one. */
const char *board_drive_name(const struct board *board, unsigned n);
void board_free_disks(struct board *board); /* after the devices that use them */
void board_describe_disks(const struct board *board, struct cmos_machine *cmos);

#endif

/* SPDX-License-Identifier: MIT */
/* The devices that can be plugged in beside what the board has anyway (-device), and what is said of each one's DMA. */
#ifndef EMU_BOARD_BOARD_DEVICES_H
#define EMU_BOARD_BOARD_DEVICES_H

#include "emu/board/board.h"

enum board_driver_kind {
    BOARD_CONTROLLER, /* on the PCI bus */
    BOARD_DISK,       /* on a controller; has a drive */
};

struct board_driver {
    const char *name, *alias; /* alias NULL: none */
    enum board_driver_kind kind;
    const char *help; /* one line for -device help */
    bool (*make)(struct board *board, const struct board_device *device, struct error *error);
};
extern const struct board_driver board_drivers[];
extern const unsigned board_driver_count;

const struct board_driver *board_find_driver(const char *name); /* by name or alias; NULL: unknown */

/* Names of devices that are there anyway, as -global has them. */
#define BOARD_PIIX3_IDE "piix3-ide"
#define BOARD_ISA_DMA   "i8237"
#define BOARD_FW_CFG    "fw_cfg"

/* Whether this is a device that reaches memory by itself, and the names of those, for messages. */
bool board_has_dma(const char *driver);
extern const char board_dma_drivers[];

/* Makes config.devices, controllers first. The error names the device. */
bool board_make_devices(struct board *board, struct error *error);
/* Tells the firmware about boot_index (fw_cfg file "bootorder"). */
void board_describe_boot(struct board *board);
/* What was said of all, of the driver and of the device (NULL: nothing), in this order, for the device's space. */
void board_configure_dma(struct board *board, struct space *space, const char *driver,
                         const struct board_dma *own);

#endif

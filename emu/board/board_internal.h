/* SPDX-License-Identifier: MIT */
/* The board from inside: what board.c builds, board_run.c runs and kernel_loader.c starts. */
#ifndef EMU_BOARD_BOARD_INTERNAL_H
#define EMU_BOARD_BOARD_INTERNAL_H

#include "devices/bus/i440fx.h"
#include "devices/bus/piix3.h"
#include "devices/bus/piix4_pm.h"
#include "devices/platform/fw_cfg.h"
#include "devices/platform/i8042.h"
#include "devices/platform/i8259.h"
#include "devices/platform/mc146818.h"
#include "devices/storage/piix3_ide.h"
#include "emu/board/board.h"
#include "emu/board/kernel_loader.h"

/* Who lets address line 20 through; any of them is enough. */
enum a20_source { A20_KEYBOARD_CONTROLLER, A20_PORT_92, A20_SOURCES };

/* What a device asked for during a run; looked at when the CPU stops. */
struct board_requests {
    bool stop, power_off, exit, start_kernel;
    bool cpu_reset, machine_reset;
    int exit_status;
};

struct board {
    struct board_config config;
    struct clock clock;
    struct door door;
    struct device_list devices;

    struct region *ram, *bios, *io_root;
    struct space *memory, *io;
    struct cpu *cpu;

    struct i8259_pair *pic;
    struct i440fx *bridge;
    struct piix3 *piix3;
    struct piix4_pm *pm;
    struct piix3_ide *ide;
    struct fw_cfg *fw_cfg;
    struct mc146818 *rtc;
    struct vga *vga;
    struct ps2_keyboard *keyboard;
    struct block *drives[BOARD_DRIVES];
    struct chardev serial[BOARD_SERIAL_PORTS], debugcon, firmware_log;
    struct shared_irq serial_irq[2]; /* COM1 and COM3, COM2 and COM4 */
    struct irq_line irq13;
    struct kernel_loader *loader; /* NULL without -kernel */

    bool a20[A20_SOURCES];
    struct board_requests requests;
    uint64_t insns;
    bool cpu_running;
    int exit_status;
};

#endif

/* SPDX-License-Identifier: MIT */
/* The board from inside: what board.c builds, board_run.c runs and kernel_loader.c starts. */
#ifndef EMU_BOARD_BOARD_INTERNAL_H
#define EMU_BOARD_BOARD_INTERNAL_H

#include "devices/bus/i440fx.h"
#include "devices/bus/piix3.h"
#include "devices/bus/piix4_pm.h"
#include "devices/platform/fw_cfg.h"
#include "devices/platform/i8042.h"
#include "devices/platform/i8237.h"
#include "devices/platform/hpet.h"
#include "devices/platform/i8259.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/lapic.h"
#include "devices/platform/mc146818.h"
#include "devices/storage/ahci.h"
#include "devices/storage/fdc.h"
#include "devices/storage/piix3_ide.h"
#include "emu/board/board.h"
#include "emu/board/kernel_loader.h"

/* Who lets address line 20 through; any of them is enough. */
enum a20_source { A20_KEYBOARD_CONTROLLER, A20_PORT_92, A20_SOURCES };

/* One CPU and what belongs to it. */
struct board_cpu {
    struct board *board;
    unsigned n;
    struct cpu *cpu;
    struct lapic *lapic; /* NULL without APICs */
    uint64_t used;       /* instructions of the round under way */
};

/*
 * A round: every CPU gets the same quantum, then time moves on by it. With several CPUs it is the same round however
 * the run is cut: one may stop within a round (a breakpoint, the end of a budget of instructions) and goes on there.
 * `seen` is how far into the quantum the clock was read: it never runs backwards from one CPU to the next.
 */
struct board_round {
    bool open;
    unsigned next; /* whose turn it is */
    uint64_t quantum, longest, seen;
    uint32_t settled; /* how often events of this instant were fired, before the round opens */
};

/* What a device asked for during a run; looked at when the CPU stops. */
struct board_requests {
    bool stop, power_off, exit, start_kernel;
    bool cpu_reset, machine_reset;
    int exit_status;
};

/* A disk controller that was plugged in. */
struct board_controller {
    const char *name; /* "ahci0": its ports are "ahci0.0" and so on */
    uint8_t devfn;
    struct ahci *ahci;
};

struct board {
    struct board_config config;
    struct clock clock;
    struct door door;
    struct device_list devices;

    struct region *ram, *bios, *io_root;
    struct space *memory, *io;
    struct board_cpu cpus[APIC_CPUS_MOST];
    unsigned running; /* the CPU inside cpu_run, while cpu_running */
    struct board_round round;

    struct apic_bus *apic_bus; /* NULL without APICs */
    struct ioapic *ioapic;
    struct hpet *hpet;
    struct irq_line pic_input[16], ioapic_input[16], lint0;
    struct i8259_pair *pic;
    struct i440fx *bridge;
    struct piix3 *piix3;
    struct piix4_pm *pm;
    struct door_port power_button; /* any byte presses it */
    struct door_port medium;       /* a drive's number and the path of its new medium, with a zero; none: ejected */
    struct i8237 *isa_dma;
    struct piix3_ide *ide;
    struct fdc *fdc;
    struct board_controller controllers[BOARD_DEVICES_MOST];
    unsigned controller_count;
    struct fw_cfg *fw_cfg;
    struct space *fw_cfg_dma;
    struct mc146818 *rtc;
    struct vga *vga;
    struct ps2_keyboard *keyboard;
    struct block *drives[BOARD_DRIVES];
    bool drive_used[BOARD_DRIVES]; /* by a device that named it */
    struct chardev serial[BOARD_SERIAL_PORTS], debugcon;
    struct shared_irq serial_irq[2]; /* COM1 and COM3, COM2 and COM4 */
    struct irq_line irq13;
    struct kernel_loader *loader; /* NULL without -kernel */

    bool a20[A20_SOURCES];
    struct board_requests requests;
    uint64_t insns; /* of each CPU: what is past of its time */
    bool cpu_running;
    int exit_status;
};

/* board_run.c: an event became the soonest one. */
void board_deadline_moved(void *owner);

#endif

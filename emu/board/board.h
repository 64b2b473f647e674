/* SPDX-License-Identifier: MIT */
/*
 * The board: the PC put together. Which chip sits where, how the interrupts are wired, where firmware and
 * kernels are loaded, and the loop that lets the CPU and the clock take turns. docs/board.md is the map.
 *
 *     board_new -> connect character channels -> board_run ... board_run -> board_free
 *
 * Nothing here waits for the host and nothing here prints, except messages about the host's trouble. Several
 * boards can live in one process.
 */
#ifndef EMU_BOARD_BOARD_H
#define EMU_BOARD_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "block/drive.h"
#include "devices/device.h"
#include "devices/storage/ata.h"
#include "emu/core/chardev.h"
#include "emu/core/clock.h"
#include "emu/core/door.h"
#include "emu/cpu/cpu.h"
#include "mem/dma.h"

#define BOARD_SERIAL_PORTS 4
#define BOARD_IDE_DRIVES   4
#define BOARD_FLOPPIES     2
#define BOARD_DRIVES       32
#define BOARD_CPUS_MOST    8
#define BOARD_DEVICES_MOST 32
#define BOARD_GLOBALS_MOST 32

struct vga;
struct board;

/*
 * Drives, by their place in board_config.drives: 0 to 3 are on the IDE controller, master and slave of the first channel (hda,
 * hdb) and of the second; the next two are floppy drives; all others are for devices that name them (board_device.drive).
 */
enum board_drive_kind { BOARD_NO_DRIVE, BOARD_HARD_DISK, BOARD_CDROM, BOARD_FLOPPY };
struct board_drive {
    enum board_drive_kind kind;
    const char *id; /* NULL: none */
    struct drive_options
        options; /* without a path there is no medium, which CD-ROM and floppy drives can do without */
};

struct board_drive board_drive_file(enum board_drive_kind kind, const char *path);

/* What is said of one device's DMA beside what is said of all (board_config.dma). */
struct board_dma {
    struct dma_settings settings;
    bool mode_said, seed_said, max_bounce_said, mask_said; /* which of them count */
};
/* -global: for a driver, "piix3-ide". What a -device says of itself counts more. */
struct board_global {
    const char *driver;
    struct board_dma dma;
};

/* A device that is plugged in beside what the board has anyway (-device). Strings: NULL where nothing is said. */
struct board_device {
    const char *driver; /* one of board_drivers */
    const char *id;     /* unique */
    const char *bus;    /* "pci.0"; the id of a controller and a port, "ahci0.1" */
    int devfn;          /* on the PCI bus: device << 3 | function; -1: the next free device */
    const char *drive;  /* the id of a drive that nobody else has */
    unsigned unit;      /* on an IDE channel: 0 master, 1 slave */
    int boot_index;     /* the firmware tries devices in this order, before all others; -1: no place in it */
    struct ata_drive_config ata;
    struct board_dma dma;
};

struct board_config {
    struct cpu_model cpu_model;
    unsigned cpus;             /* 1 to BOARD_CPUS_MOST */
    unsigned cores_per_socket; /* as CPUID and the firmware are told; 0: one each */

    uint64_t ram_size;    /* bytes, at least 1 MiB, a multiple of 4 KiB */
    unsigned clock_shift; /* one instruction is 1 << shift virtual nanoseconds */
    int64_t date;         /* seconds since 1970, what the clock chip shows at power-on */

    const char *bios; /* file name or path; NULL: bios-256k.bin */
    const char *const
        *data_dirs; /* where firmware is looked for, before $VITRINE_DATA and the system's places */
    unsigned data_dir_count;
    bool vga; /* a VGA card with its BIOS */

    struct board_drive drives[BOARD_DRIVES];

    char boot_order[5]; /* of a (floppy), c (disk), d (CD-ROM), n (network); the first three count */
    bool boot_menu;     /* the firmware asks */

    const char *kernel, *initrd, *append; /* NULL: not given */

    struct dma_settings dma; /* of every device that says nothing else */
    bool dma_checker;
    struct board_global globals[BOARD_GLOBALS_MOST];
    unsigned global_count;
    struct board_device devices[BOARD_DEVICES_MOST];
    unsigned device_count;

    bool serial[BOARD_SERIAL_PORTS]; /* which ports exist */
    bool debugcon;                   /* port 0xE9 */
    uint16_t debugcon_port;          /* 0: 0xE9 */
    bool debug_exit;                 /* isa-debug-exit */
    uint16_t debug_exit_port, debug_exit_size;

    bool no_reboot;           /* a guest's reset ends the run */
    bool triple_fault_resets; /* as the hardware does; else it ends the run */
};

/* Fills in what a PC has when nothing is said: one CPU, 128 MiB, a VGA, one serial port, shift 3, direct DMA. */
void board_config_default(struct board_config *config);

/* Builds and resets the machine. On failure NULL and an error that names the option at fault. */
struct board *board_new(const struct board_config *config, struct error *error);
/* Flushes and closes the disks, frees everything. Character channels' backends are closed. */
void board_free(struct board *board);

/* ---- running ---- */

enum board_stop {
    BOARD_STOP_TIME,       /* the virtual time asked for was reached */
    BOARD_STOP_INSNS,      /* the number of instructions asked for was reached */
    BOARD_STOP_IDLE,       /* the CPU is halted, no event is pending: only the outside can go on */
    BOARD_STOP_ASKED,      /* board_stop_soon */
    BOARD_STOP_BREAKPOINT, /* of the engine */
    BOARD_STOP_POWER_OFF,
    BOARD_STOP_RESET, /* the guest asked for a reset, under no_reboot */
    BOARD_STOP_EXIT,  /* isa-debug-exit; the status is board_exit_status */
    BOARD_STOP_TRIPLE_FAULT,
};

struct board_budget {
    vtime until;    /* stop when virtual time is here; VTIME_NEVER. Several CPUs go on to the end of their
                             round, which is at the most 4096 instructions later */
    uint64_t insns; /* stop after so many more instructions; UINT64_MAX */
    bool skip_breakpoint; /* go on from a breakpoint that the CPU stands on */
};

/* Runs until something in the budget is used up or something happens. Time stands still between calls. */
enum board_stop board_run(struct board *board, const struct board_budget *budget);
/* Makes the run under way return; from callbacks (a debugger's break, Ctrl-C noticed by a poll). */
void board_stop_soon(struct board *board);

/* With rerror=stop or werror=stop a disk that the host failed ends the run (BOARD_STOP_ASKED); the request waits, and is
 * tried again when somebody says that the cause is gone. Until then there is no sense in running on. */
bool board_disk_waits(const struct board *board);
void board_resume_disks(struct board *board);

/* Another medium for a CD-ROM or floppy drive ("hdc", "fda", or its id), or none (path NULL). Comes in through the door; if
 * the file cannot be had then, that is said and the old medium stays. Errors: no such drive, no removable medium. */
bool board_change_medium(struct board *board, const char *drive, const char *path, struct error *error);
bool board_has_medium_drive(const struct board *board, const char *drive, struct error *error); /* those errors */

int board_exit_status(const struct board *board);
/* Instructions since power-on, as each CPU has had time for them: with one CPU, those that it retired while not halted. */
uint64_t board_insns(const struct board *board);
vtime board_now(const struct board *board);
void board_reset(struct board *board);        /* the reset button */
void board_power_button(struct board *board); /* comes in through the door */

/* ---- parts, for the user interface and debuggers ---- */

struct cpu *board_cpu(struct board *board, unsigned n);
unsigned board_cpus(const struct board *board);
struct space *board_memory(struct board *board); /* physical addresses */
struct space *board_ports(struct board *board);
struct clock *board_clock(struct board *board);
struct door *board_door(struct board *board);
struct device_list *board_devices(struct board *board);
struct chardev *board_serial(struct board *board, unsigned n); /* NULL: no such port */
struct chardev *board_debugcon(struct board *board);           /* port 0xE9; NULL without */
struct door_port *board_keyboard(struct board *board);         /* takes arrays of struct key_event */
struct vga *board_vga(struct board *board);                    /* NULL without */
struct block *board_drive(struct board *board, unsigned n);    /* NULL: none */
struct space *board_ide_dma(struct board *board);              /* the IDE controller's view of memory */

/* What memory, disks and the CPU did so far (-stats). */
void board_print_stats(struct board *board, FILE *to);
/* One hash over all that a guest can observe or that decides what happens next (emu/board/machine_state.h). Not over
 * disks without an overlay. */
uint64_t board_hash(struct board *board);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * -kernel, -initrd, -append: Multiboot ELF kernels and Linux bzImages, started after the firmware has set the
 * machine up.
 *
 * The files are read and checked when the board is made. SeaBIOS finds a small option ROM of ours through
 * fw_cfg, which makes itself the first boot entry; when the firmware boots it, the ROM writes to a port, and
 * the board then puts the kernel into memory and the CPU into the state that the boot protocol asks for
 * (Multiboot 0.6.96, 3.2; Linux x86 boot protocol, "Running the Kernel").
 */
#ifndef EMU_BOARD_KERNEL_LOADER_H
#define EMU_BOARD_KERNEL_LOADER_H

#include "devices/platform/fw_cfg.h"
#include "emu/core/error.h"
#include "emu/cpu/cpu.h"
#include "mem/space.h"

struct kernel_loader;

/* Reads and checks. `low_ram`: bytes of RAM from address 0. NULL with an error that names the option and file
 * at fault. */
struct kernel_loader *kernel_loader_new(const char *kernel, const char *initrd, const char *append,
                                        uint64_t low_ram, struct error *error);
void kernel_loader_free(struct kernel_loader *loader);

/* Puts the boot ROM and the boot order where the firmware looks. */
void kernel_loader_offer(struct kernel_loader *loader, struct fw_cfg *fw_cfg);
/* The port that the boot ROM writes to. */
#define KERNEL_LOADER_PORT 0x5e0
/* The firmware booted us: fills memory and sets the CPU's state. */
void kernel_loader_start(struct kernel_loader *loader, struct space *memory, struct cpu *cpu);

#endif

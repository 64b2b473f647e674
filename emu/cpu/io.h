/* SPDX-License-Identifier: MIT */
/*
 * Port accesses with the permission check of SDM 1, 19.5: used by IN, OUT and their string forms.
 */
#ifndef EMU_CPU_IO_H
#define EMU_CPU_IO_H

#include "emu/cpu/internal.h"

/* #GP(0) unless CPL <= IOPL (and not in virtual-8086 mode) or the TSS permits all `size` ports. */
void io_check(struct cpu *cpu, uint16_t port, unsigned size);
/* Several reads of a port at once, each as io_check and io_read do it, but for what a read can set off. Returns how many
 * were done; 0: one by one. */
uint32_t io_read_series(struct cpu *cpu, uint16_t port, unsigned size, uint8_t *to, uint32_t count);
uint32_t io_read(struct cpu *cpu, uint16_t port, unsigned size);
void io_write(struct cpu *cpu, uint16_t port, unsigned size, uint32_t value);

#endif

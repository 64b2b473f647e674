/* SPDX-License-Identifier: MIT */
/*
 * The floppy disk controller: Intel 82077AA (data sheet 290166), in PC AT mode, with two drives.
 *
 *   3F2h DOR   3F3h TDR   3F4h MSR, DSR when written   3F5h FIFO   3F7h DIR, CCR when written   IRQ 6, DMA channel 2
 *
 * A command goes in byte by byte through the FIFO, is executed, and its result is read there. Data moves by ISA DMA
 * (i8237.h), a sector at a time, or byte by byte through the FIFO (SPECIFY, ND). Sectors have 512 bytes; others are not
 * found. A real disk turns five times a second; this one is as quick as the times below. Of two heads, rates and motors
 * everything is as programmed: with the wrong data rate no sector is found, as on a real drive, since drivers tell formats
 * apart that way.
 *
 * Changing a disk raises the drive's change line (DIR bit 7) until the heads step with a disk in the drive.
 */
#ifndef DEVICES_STORAGE_FDC_H
#define DEVICES_STORAGE_FDC_H

#include "block/block.h"
#include "devices/device.h"
#include "devices/platform/i8237.h"
#include "devices/storage/floppy.h"
#include "emu/core/irq.h"

#define FDC_DRIVES      2
#define FDC_DMA_CHANNEL 2
#define FDC_IRQ         6

#define FDC_SECTOR_TIME (100 * VTIME_US) /* to find and read or write a sector */
#define FDC_STEP_TIME   (20 * VTIME_US)  /* from track to track */
#define FDC_INDEX_TIME  (20 * VTIME_MS)  /* until it is clear that there is no such sector, or no disk */
#define FDC_RESET_TIME  (10 * VTIME_US)

struct fdc;

struct fdc *fdc_new(struct region *io, struct device_list *devices, struct clock *clock, struct i8237 *dma,
                    struct irq_line irq);
/* A drive of that type, which must not be FLOPPY_NONE. Before the first reset. */
void fdc_attach(struct fdc *fdc, unsigned drive, enum floppy_drive type);
enum floppy_drive fdc_drive_type(const struct fdc *fdc, unsigned drive); /* FLOPPY_NONE: no drive */
/* Puts a disk in, or takes it out (NULL), at any time. `block` is not owned. An error when it has the size of no disk that
 * the drive reads. */
bool fdc_insert(struct fdc *fdc, unsigned drive, struct block *block, struct error *error);

#endif

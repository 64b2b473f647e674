/* SPDX-License-Identifier: MIT */
/* Floppy disk formats: what an image of a given size is, and which drive reads it. */
#ifndef DEVICES_STORAGE_FLOPPY_H
#define DEVICES_STORAGE_FLOPPY_H

#include <stdint.h>

/* Drive types as CMOS register 10h has them. */
enum floppy_drive {
    FLOPPY_NONE,
    FLOPPY_360K,  /* 5.25 inch */
    FLOPPY_1200K, /* 5.25 inch */
    FLOPPY_720K,  /* 3.5 inch, as the next two */
    FLOPPY_1440K,
    FLOPPY_2880K,
};

/* Data rates as CCR and DSR select them, kbit/s. */
enum floppy_rate { FLOPPY_500, FLOPPY_300, FLOPPY_250, FLOPPY_1000 };

struct floppy_format {
    uint16_t sectors_in_all; /* of 512 bytes */
    uint8_t tracks, heads, sectors;
    uint8_t drive; /* enum floppy_drive: the one that it is made for */
    uint8_t rate;  /* enum floppy_rate, in that drive */
};

/* The format of an image of so many sectors. One that is cut short (as the makers of boot disks do) is a disk of 1.44 MB, or
 * 2.88 MB. NULL: it is too large for either, or has no sector at all. */
const struct floppy_format *floppy_format_of(uint64_t sectors);

#endif

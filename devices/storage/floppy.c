/* SPDX-License-Identifier: MIT */
/* Floppy disk formats: see floppy.h. */
#include "devices/storage/floppy.h"

#include <stddef.h>
#include "emu/core/bits.h"

#define SECTORS_1440K 2880

static const struct floppy_format formats[] = {
    {320, 40, 1, 8, FLOPPY_360K, FLOPPY_250},     /* 160 KB */
    {360, 40, 1, 9, FLOPPY_360K, FLOPPY_250},     /* 180 KB */
    {640, 40, 2, 8, FLOPPY_360K, FLOPPY_250},     /* 320 KB */
    {720, 40, 2, 9, FLOPPY_360K, FLOPPY_250},     /* 360 KB */
    {1440, 80, 2, 9, FLOPPY_1440K, FLOPPY_250},   /* 720 KB, in a drive for 1.44 MB */
    {2400, 80, 2, 15, FLOPPY_1200K, FLOPPY_500},  /* 1.2 MB */
    {2880, 80, 2, 18, FLOPPY_1440K, FLOPPY_500},  /* 1.44 MB */
    {3360, 80, 2, 21, FLOPPY_1440K, FLOPPY_500},  /* 1.68 MB */
    {3444, 82, 2, 21, FLOPPY_1440K, FLOPPY_500},  /* 1.72 MB */
    {5760, 80, 2, 36, FLOPPY_2880K, FLOPPY_1000}, /* 2.88 MB */
};

const struct floppy_format *floppy_format_of(uint64_t sectors)
{
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++)
        if (formats[i].sectors_in_all == sectors) return &formats[i];
    if (!sectors) return NULL;
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++)
        if (formats[i].sectors_in_all > sectors && formats[i].sectors_in_all % SECTORS_1440K == 0)
            return &formats[i];
    return NULL;
}

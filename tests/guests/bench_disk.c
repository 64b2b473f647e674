/* SPDX-License-Identifier: MIT */
/*
 * Benchmark guest, disk: reads from the primary master by bus-master DMA, 64 KiB per request in one PRD, one
 * request after the other from the start of the disk, over again when it ends.  The end of a request is
 * polled for, or, with sleep=1, slept for until IRQ 14.  Prints nothing; exits with status 1 if all went
 * well, 3 if a read failed, 5 if there is no disk of at least 64 KiB.  Command line: requests=N (default
 * 1024), sleep=1.
 */
#include "lib/disk.h"

enum { SECTORS = 128 };

static uint8_t buffer[SECTORS * DISK_SECTOR] __attribute__((aligned(0x10000)));

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t requests = option_number(info, "requests", 1024);
    uint32_t places = disk_init() / SECTORS;

    if (places == 0) return 2;
    disk_sleep(option_number(info, "sleep", 0));
    for (uint32_t i = 0; i < requests; i++)
        if (disk_failed(disk_dma(false, i % places * SECTORS, SECTORS, buffer))) return GUEST_FAIL;
    return GUEST_PASS;
}

/* SPDX-License-Identifier: MIT */
/*
 * A guest that must bounce by itself: its disk controller drives 24 address bits (-machine dma-mask=24), and its
 * buffers lie above 16 MiB. It shows first that DMA there fails, then moves everything through a pool of its own
 * (swiotlb.h) and checks every byte by PIO. Paging is off. What it prints is the same in every run.
 *
 * Needs 64 MiB, and a disk of 2 MiB or more on the primary channel that may be written to; a second one on the
 * secondary channel takes part. Words of the Multiboot command line:
 *      mask=N   how many address bits the controller has; 0 or 32: all of them (default 24)
 */
#include "checks.h"
#include "guests/demo/console.h"
#include "guests/demo/ide_dma.h"
#include "guests/demo/interrupts.h"
#include "guests/demo/lib.h"
#include "guests/demo/multiboot.h"
#include "guests/demo/paging.h"
#include "guests/demo/power.h"
#include "guests/demo/timer.h"
#include "pattern.h"
#include "swiotlb.h"

const char guest_name[] = "swiotlb";

enum { NEEDED_KIB_ABOVE_1_MIB = 62 * 1024 };

/* For ide_dma.c: without paging, addresses are what they are. */
uint32_t paging_physical(uint32_t address)
{
    return address;
}

static unsigned read_mask(uint32_t magic, const struct multiboot_info *info)
{
    const char *mask = NULL;

    if (magic != MULTIBOOT_LOADER_MAGIC) fail("not started by a Multiboot loader, eax %08x", magic);
    if (!(info->flags & MULTIBOOT_INFO_MEMORY) || info->mem_upper < NEEDED_KIB_ABOVE_1_MIB)
        fail("this needs %u KiB above 1 MiB", NEEDED_KIB_ABOVE_1_MIB);
    if (info->flags & MULTIBOOT_INFO_CMDLINE) mask = option_find((const char *)info->cmdline, "mask");
    return mask ? parse_number(mask) : 24;
}

static void check_all(unsigned mask, bool second)
{
    uint32_t checksum;

    memset(HIGH_B, 0x11, HIGH_SIZE);
    swiotlb_init();
    check_slots();
    check_unbounced(mask);
    check_odd_transfers();
    check_partial_syncs();
    check_short_transfer();
    check_many_slots();
    check_segment_limit();
    check_full_pool();
    check_two_channels(second);
    checksum = disk_checksum();
    print("data checksum %08x\n", checksum);
}

void main(uint32_t magic, const struct multiboot_info *info);

void main(uint32_t magic, const struct multiboot_info *info)
{
    bool second;
    unsigned mask;

    console_init();
    print("Vitrine swiotlb exerciser\n");
    interrupts_init();
    mask = read_mask(magic, info);
    timer_init();
    if (!ide_init()) fail("no IDE controller on the PCI bus");
    if (!ide_open(IDE_PRIMARY, 0)) fail("no disk on the primary channel");
    second = ide_open(IDE_SECONDARY, 0);
    check_all(mask, second);
    print("swiotlb: all checks passed\n");
    power_off(false);
}

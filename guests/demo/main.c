/* SPDX-License-Identifier: MIT */
/*
 * The demo kernel: sets up a 32-bit PC, one piece after the other, checks each, and moves disk sectors by
 * bus-master DMA.  Everything it prints is the same in every run, on a slow machine as on a fast one.
 *
 * Words of the Multiboot command line:
 *      exit=N   at the end, write N to the isa-debug-exit port (501h)
 *      crash    write to address 0, to see how a fault is reported
 */
#include "console.h"
#include "disk_checks.h"
#include "ide_dma.h"
#include "interrupts.h"
#include "io.h"
#include "lib.h"
#include "multiboot.h"
#include "pair_checks.h"
#include "paging.h"
#include "pci.h"
#include "power.h"
#include "timer.h"

const char guest_name[] = "demo";

enum { NEEDED_KIB_ABOVE_1_MIB = 6 * 1024 };

/* Copied before paging takes page 0, and what else the loader may have used, out of sight. */
static char command_line[256];

static void read_boot_information(uint32_t magic, const struct multiboot_info *info)
{
    if (magic != MULTIBOOT_LOADER_MAGIC) fail("not started by a Multiboot loader, eax %08x", magic);
    if (info->flags & MULTIBOOT_INFO_CMDLINE) {
        const char *from = (const char *)info->cmdline;

        for (unsigned i = 0; i < sizeof command_line - 1 && from[i]; i++) command_line[i] = from[i];
    }
    if (option_find(command_line, "exit"))
        power_set_exit_code((uint8_t)parse_number(option_find(command_line, "exit")));
    if (info->flags & MULTIBOOT_INFO_LOADER_NAME)
        print("boot: by %s\n", (const char *)info->boot_loader_name);
    if (!(info->flags & MULTIBOOT_INFO_MEMORY)) fail("the loader does not know the size of memory");
    print("boot: %u KiB of memory above 1 MiB\n", info->mem_upper);
    if (info->mem_upper < NEEDED_KIB_ABOVE_1_MIB)
        fail("this needs %u KiB above 1 MiB", NEEDED_KIB_ABOVE_1_MIB);
}

static void check_interrupts(void)
{
    struct fault f = fault_try_breakpoint();

    if (!f.happened || f.vector != 3) fail("INT3 did not arrive as vector 3");
    print("interrupts: IDT loaded, 8259s at vectors 32 to 47\n");
    if (!timer_check()) fail("the timer does not tick at %u Hz", TIMER_HZ);
    print("timer: %u Hz, ticking\n", TIMER_HZ);
}

/* The demo's disk is the first that bears its label; another system's disk may well be in front of it. */
static bool open_demo_disk(void)
{
    for (unsigned drive = 0; drive < 2; drive++) {
        bool open = ide_open(IDE_PRIMARY, drive);

        ide_print(IDE_PRIMARY);
        if (open && disk_has_label(IDE_PRIMARY)) return true;
    }
    return false;
}

/* The same on the secondary channel, where other disks are passed over in silence. */
static bool open_second_disk(void)
{
    for (unsigned drive = 0; drive < 2; drive++)
        if (ide_open(IDE_SECONDARY, drive) && disk_has_label(IDE_SECONDARY)) {
            ide_print(IDE_SECONDARY);
            return true;
        }
    return false;
}

static void check_disks(void)
{
    bool second;
    uint32_t checksum;

    if (!open_demo_disk()) {
        print("ide: no disk with the demo's label, nothing to check there\n");
        return;
    }
    second = open_second_disk();
    checksum = disk_check_all();
    if (second) pair_check_all();
    print("data checksum %08x\n", checksum);
}

void main(uint32_t magic, const struct multiboot_info *info);

void main(uint32_t magic, const struct multiboot_info *info)
{
    console_init();
    print("Vitrine demo kernel\n");
    interrupts_init();
    read_boot_information(magic, info);
    paging_init();
    paging_check();
    timer_init();
    check_interrupts();
    if (option_find(command_line, "crash")) *(volatile uint32_t *)0 = 1;

    pci_list();
    if (!ide_init()) fail("no IDE controller on the PCI bus");
    check_disks();
    print("demo: all checks passed\n");
    power_off(false);
}

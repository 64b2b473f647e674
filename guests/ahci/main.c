/* SPDX-License-Identifier: MIT */
/*
 * Exercises an AHCI controller: descriptors of every shape, all slots at once, tables that are too short, errors and
 * the way out of each; first polled, then by interrupt. Paging is off. What it prints is the same in every run.
 *
 * Words of the Multiboot command line, for measuring instead (by interrupt, the first disk, its first MiB):
 *      sequential=N   N reads of 64 KiB, one after the other
 *      random=N       N reads of 4 KiB at random places, 32 at once
 *
 * Needs 16 MiB and an AHCI controller with a disk of 1 MiB or more that may be written to; a CD-ROM with a medium takes
 * part.
 */
#include "checks.h"
#include "driver.h"
#include "guests/demo/console.h"
#include "guests/demo/interrupts.h"
#include "guests/demo/lib.h"
#include "guests/demo/multiboot.h"
#include "guests/demo/power.h"
#include "guests/demo/timer.h"

const char guest_name[] = "ahci";

static void check_disk(unsigned port)
{
    check_identify(port);
    check_scatter(port);
    check_queue(port);
    check_table_sizes(port);
    check_errors(port);
}

static void check_port(unsigned port)
{
    uint32_t signature = ahci_signature(port);
    print("port %u: signature %08x\n", port, signature);
    port_start(port);
    if (signature == 0x101)
        check_disk(port);
    else if (signature == 0xeb140101)
        check_cd(port);
}

static uint32_t number_of(const struct multiboot_info *info, const char *word)
{
    const char *text =
        info->flags & MULTIBOOT_INFO_CMDLINE ? option_find((const char *)info->cmdline, word) : NULL;
    return text ? parse_number(text) : 0;
}

/* Ends the run when one of the words for measuring is there. */
static void measure(const struct multiboot_info *info, unsigned port)
{
    uint32_t sequential = number_of(info, "sequential"), random = number_of(info, "random");
    if (!sequential && !random) return;
    if (!ahci_use_interrupts()) fail("no interrupt line");
    port_start(port);
    if (sequential) read_sequential(port, sequential);
    if (random) read_random(port, random);
    print("ahci: measured\n");
    power_off(false);
}

void main(uint32_t magic, const struct multiboot_info *info);

void main(uint32_t magic, const struct multiboot_info *info)
{
    console_init();
    print("Vitrine AHCI exerciser\n");
    if (magic != MULTIBOOT_LOADER_MAGIC) fail("not started by a Multiboot loader, eax %08x", magic);
    interrupts_init();
    timer_init();
    unsigned ports = ahci_init();
    if (!ports) fail("no AHCI controller with a drive");
    for (unsigned port = 0; port < PORTS; port++)
        if (ports & 1u << port) measure(info, port);
    for (unsigned port = 0; port < PORTS; port++)
        if (ports & 1u << port) check_port(port);
    if (!ahci_use_interrupts()) fail("no interrupt line");
    for (unsigned port = 0; port < PORTS; port++) {
        if (!(ports & 1u << port) || ahci_signature(port) != 0x101) continue;
        check_queue(port);
        check_errors(port);
        print("data checksum %08x\n", disk_checksum(port));
    }
    if (!ahci_interrupts) fail("no interrupt came");
    print("ahci: all checks passed\n");
    power_off(false);
}

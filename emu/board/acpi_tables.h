/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, offered to the firmware as QEMU does it: the tables as files in fw_cfg, and a script by which the firmware
 * places them in memory, fills in the addresses and makes the checksums.
 *
 *   etc/acpi/tables    FACS, DSDT, FADT, MADT, HPET, RSDT
 *   etc/acpi/rsdp      root pointer, to be placed where operating systems search for it
 *   etc/table-loader   the script
 *
 * Specifications: Advanced Configuration and Power Interface 2.0; IA-PC HPET 1.0a, 3.2.4; QEMU's docs/specs/fw_cfg and the
 * loader script as SeaBIOS carries it out. The DSDT is acpi/dsdt.asl.
 *
 * The same call tells the firmware how many CPUs to start (etc/boot-cpus), up to which APIC ID its MP table goes
 * (etc/max-cpus), and that IRQ 0 is pin 2 of the I/O APIC (etc/irq0-override). The MP table itself is made by SeaBIOS from
 * these, from CPUID and from the PCI devices it finds. Older firmware asks CMOS byte 5Fh for the number of CPUs but one.
 *
 * With etc/table-loader present SeaBIOS puts the power management ports of the PIIX4 at 600h, where the FADT has them.
 */
#ifndef EMU_BOARD_ACPI_TABLES_H
#define EMU_BOARD_ACPI_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#define ACPI_CPUS_MOST 8

struct fw_cfg;

struct acpi_machine {
    unsigned cpus;                   /* 1 to ACPI_CPUS_MOST */
    uint8_t apic_id[ACPI_CPUS_MOST]; /* of each CPU; need not be without gaps */
    uint64_t low_ram;                /* bytes of RAM below 4 GiB */
    bool serial[4];                  /* COM1 to COM4 */
    bool ps2_mouse;
};

/* To be called once, before the machine runs. False when memory cannot be had. */
bool acpi_tables_offer(struct fw_cfg *fw, const struct acpi_machine *machine);

#endif

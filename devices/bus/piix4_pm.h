/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4), function 3: power management and SMBus.
 * Specification: Intel 82371AB (290562), chapters 3.4, 7 and 11; ACPI 1.0b, 4.7.
 *
 *     PMBA (40h) and PMREGMISC.PMIOSE (80h)           64 ports: PM1a events and control, the PM timer, storage
 *     SMBBA (90h) and SMBHSTCFG.HST_EN (D2h)          16 ports: an SMBus on which nobody answers
 *     AFE0h-AFE3h                                     GPE0 status and enable, where this PC's ACPI tables have it
 *     B2h, B3h                                        APM control and status
 *
 * There is no system management mode. As if its handler had been installed already, DEVACTB.APMC_EN reads 1
 * from reset on (firmware then skips its own), and the ACPI enable and disable commands written to B2h set
 * and clear SCI_EN. Soft off (SLP_TYP 0) is the only sleep there is.
 */
#ifndef DEVICES_BUS_PIIX4_PM_H
#define DEVICES_BUS_PIIX4_PM_H

#include "devices/bus/pci.h"

#define PM_TIMER_HZ      3579545
#define ACPI_ENABLE_CMD  0xf1
#define ACPI_DISABLE_CMD 0xf0

struct piix4_pm;

struct piix4_pm_wiring {
    struct pci_bus *bus;
    uint8_t devfn;                  /* 1.3 on a PC */
    struct irq_line sci;            /* IRQ 9, level; may be shared (piix3_isa_irq) */
    bool lpt1, com1, com2;          /* what the board has, as ACPI tables ask DEVRESA and DEVRESC */
    void (*power_off)(void *owner); /* the guest went to soft off */
    void *power_off_owner;
};

/* Devices: "piix4-pm-pci" and "piix4-pm". */
struct piix4_pm *piix4_pm_new(const struct piix4_pm_wiring *wiring);

/* A person presses the power button: PWRBTN_STS, and the SCI if the guest enabled it. */
void piix4_pm_power_button(struct piix4_pm *pm);

#endif

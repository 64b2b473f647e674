/* SPDX-License-Identifier: MIT */
/*
 * Power off, by the power management function of the PIIX4 (Intel 82371AB datasheet, section 7): SLP_EN in
 * the ACPI register PM1a_CNT, with the sleep type of soft-off, which is 0 on this chip.
 */
#include "power.h"
#include "console.h"
#include "io.h"
#include "pci.h"

enum {
    PIIX4_PM_ID = 0x71138086, /* device, vendor */
    PMBASE = 0x40,            /* configuration: base of the I/O ports, bit 0 reads as 1 */
    PMREGMISC = 0x80,         /* configuration: bit 0 switches the ports on */
    PM1_CONTROL = 4,          /* port, from the base */
    SLP_EN = 1 << 13,
    SLP_TYP_SOFT_OFF = 0 << 10,

    DEFAULT_BASE = 0x600,
    DEBUG_EXIT_PORT = 0x501,
};

static bool exit_code_given;
static uint8_t exit_code;

void power_set_exit_code(uint8_t code)
{
    exit_code_given = true;
    exit_code = code;
}

static void acpi_power_off(void)
{
    struct pci_address pm;
    uint16_t base;

    if (!pci_find_id(PIIX4_PM_ID, &pm)) return;
    base = pci_read32(pm, PMBASE) & 0xffc0;
    if (base == 0) {
        base = DEFAULT_BASE;
        pci_write32(pm, PMBASE, base | 1);
    }
    pci_write32(pm, PMREGMISC, pci_read32(pm, PMREGMISC) | 1);
    outw(base + PM1_CONTROL, SLP_TYP_SOFT_OFF | SLP_EN);
}

void power_off(bool failed)
{
    interrupts_off();
    if (exit_code_given)
        outb(DEBUG_EXIT_PORT, exit_code);
    else if (failed)
        outb(DEBUG_EXIT_PORT, 1);
    acpi_power_off();
    outb(DEBUG_EXIT_PORT, 0); /* no ACPI here: the last way out */
    for (;;) __asm__ volatile("cli; hlt");
}

void fail(const char *format, ...)
{
    va_list args;

    print("%s: FAILED: ", guest_name);
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    power_off(true);
}

/* SPDX-License-Identifier: MIT */
/*
 * MC146818 real-time clock with 128 bytes of CMOS RAM, at ports 70h (index; bit 7 masks NMI) and 71h (data).
 *
 * Specification: Motorola MC146818A data sheet, with a 32.768 kHz crystal; Intel 82371SB (PIIX3), 4.7; the century at 32h as
 * ACPI's FADT names it. The battery never fails: contents and time outlive a machine reset, which only clears interrupts.
 *
 * Time is virtual time. An update takes place at each whole second after the divider was started; UIP is 1 for the 244 + 1984
 * microseconds before it, during which the bytes still read as before. Undefined and fixed here: divider settings other than
 * 32.768 kHz stop the clock; what is no valid date counts on from its value.
 */
#ifndef DEVICES_PLATFORM_MC146818_H
#define DEVICES_PLATFORM_MC146818_H

#include "devices/device.h"
#include "emu/core/clock.h"
#include "emu/core/irq.h"
#include "mem/region.h"

#define CMOS_SIZE 128

/* What PC firmware keeps in the RAM. */
enum {
    CMOS_SHUTDOWN = 0x0f,
    CMOS_FLOPPIES = 0x10,
    CMOS_DISKS = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KB = 0x15,
    CMOS_EXTENDED_KB = 0x17,
    CMOS_DISK0_TYPE = 0x19,
    CMOS_DISK0_GEOMETRY = 0x1b,
    CMOS_CHECKSUM = 0x2e, /* of 10h-2Dh, high byte first */
    CMOS_EXTENDED_KB_COPY = 0x30,
    CMOS_CENTURY = 0x32,
    CMOS_ABOVE_16M = 0x34, /* in 64 KiB */
    CMOS_BOOT_3 = 0x38,    /* 7:4 third boot device; bit 0: do not check a floppy's signature */
    CMOS_TRANSLATION = 0x39,
    CMOS_BOOT_12 = 0x3d,  /* 3:0 first, 7:4 second boot device */
    CMOS_ABOVE_4G = 0x5b, /* in 64 KiB, three bytes */
};

enum cmos_boot { CMOS_BOOT_NONE, CMOS_BOOT_FLOPPY, CMOS_BOOT_DISK, CMOS_BOOT_CDROM, CMOS_BOOT_NETWORK };

struct mc146818;

/* `seconds` since 1970-01-01 00:00 is the date at power-on, kept as 24-hour BCD. */
struct mc146818 *mc146818_new(struct region *io, struct device_list *devices, struct clock *clock,
                              struct irq_line irq8, int64_t seconds);

bool mc146818_nmi_masked(const struct mc146818 *rtc);
/* RAM contents, index 0Eh to 7Fh (not the clock's own registers). */
void mc146818_set_cmos(struct mc146818 *rtc, uint8_t index, uint8_t value);
uint8_t mc146818_get_cmos(const struct mc146818 *rtc, uint8_t index);

/* The machine, as PC firmware wants to find it described. */
struct cmos_disk {
    uint32_t cylinders; /* 0: no disk */
    uint8_t heads, sectors;
};
struct cmos_machine {
    uint64_t ram_below_4g; /* bytes, from address 0 */
    uint64_t ram_above_4g;
    uint8_t floppy_type[2]; /* 0 none, 4 1.44 MB, 5 2.88 MB */
    struct cmos_disk disk[4];
    enum cmos_boot boot[3];
    bool any_boot_floppy; /* without the 55AA signature */
};
void mc146818_describe_machine(struct mc146818 *rtc, const struct cmos_machine *machine);

#endif

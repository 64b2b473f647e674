/* SPDX-License-Identifier: MIT */
/*
 * What the IDE tests share: a PIIX3 IDE function on a bus with RAM and nothing else, disks whose sectors can
 * be made bad, and a driver that knows only ports. Disk contents are a byte model that the tests compare
 * with.
 */
#ifndef TESTS_UNIT_IDE_RIG_H
#define TESTS_UNIT_IDE_RIG_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "devices/storage/piix3_ide.h"
#include "emu/core/log.h"
#include "tests/unit/rig_disk.h"

enum {
    RIG_RAM = 4 << 20,
    RIG_SECTORS = 1200,
    RIG_BM = 0xc000,
    RIG_DEVFN = 1 << 3 | 1,
    RIG_MMIO = 0x10000000,  /* a page of registers that refuses everything */
    RIG_PORTS = 0x20000000, /* the IDE's own ports, seen from memory */
};

struct rig {
    struct clock clock;
    struct device_list devices;
    struct region *memory, *ram, *io, *mmio, *own;
    struct space *ports;
    struct pci_bus *bus;
    struct piix3_ide *ide;
    struct space *dma;
    struct rig_disk *store[2][2];
    struct block *block[2][2];
    bool irq[2];
    unsigned irq_count[2];
};

static struct rig rig;

static void rig_irq(void *owner, int number, bool level)
{
    struct rig *r = owner;
    if (level && !r->irq[number - 14]) r->irq_count[number - 14]++;
    r->irq[number - 14] = level;
}

static enum mem_result rig_refuse_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner, (void)at, (void)size, (void)value;
    return MEM_DEVICE_ERROR;
}
static enum mem_result rig_refuse_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)owner, (void)at, (void)size, (void)value;
    return MEM_DEVICE_ERROR;
}
static const struct mmio_ops rig_refuse_ops = {rig_refuse_read, rig_refuse_write, 1, 4, false};

/* Ports. */
static inline uint32_t rig_in(uint16_t port, unsigned size)
{
    uint64_t value;
    space_load(rig.ports, port, size, &value);
    return (uint32_t)value;
}
static inline void rig_out(uint16_t port, unsigned size, uint32_t value)
{
    space_store(rig.ports, port, size, value);
}
static inline uint8_t inb(uint16_t port)
{
    return (uint8_t)rig_in(port, 1);
}
static inline uint16_t inw(uint16_t port)
{
    return (uint16_t)rig_in(port, 2);
}
static inline void outb(uint16_t port, uint8_t value)
{
    rig_out(port, 1, value);
}
static inline void outw(uint16_t port, uint16_t value)
{
    rig_out(port, 2, value);
}
static inline void config_out(unsigned offset, unsigned size, uint32_t value)
{
    pci_config_write(rig.bus, RIG_DEVFN, offset, size, value);
}
static inline uint32_t config_in(unsigned offset, unsigned size)
{
    return pci_config_read(rig.bus, RIG_DEVFN, offset, size);
}

/* Time: for `span`, or until nothing is pending. */
static inline void rig_pass(vtime span)
{
    vtime end = clock_now(&rig.clock) + span;
    while (clock_deadline(&rig.clock) <= end) {
        clock_jump(&rig.clock, clock_deadline(&rig.clock));
        clock_fire_due(&rig.clock);
    }
    clock_jump(&rig.clock, end);
}
static inline void rig_settle(void)
{
    rig_pass(VTIME_S);
    ck_assert_int_eq(clock_deadline(&rig.clock), VTIME_NEVER);
}

/* `sectors` 0: a CD-ROM without a medium. */
static inline void rig_plug_drive(unsigned channel, unsigned unit, uint64_t sectors,
                                  const struct ata_drive_config *config)
{
    static const char *const names[2][2] = {{"disk0", "disk1"}, {"disk2", "disk3"}};
    struct error error;
    struct rig_disk *store = sectors ? rig_disk_new(sectors, 1 + channel * 2 + unit) : NULL;
    rig.store[channel][unit] = store;
    rig.block[channel][unit] = block_new(names[channel][unit], store ? &store->store : NULL, &rig.clock);
    ck_assert(piix3_ide_attach(rig.ide, channel, unit, rig.block[channel][unit], config, &error));
}
static inline void rig_plug(unsigned channel, unsigned unit, uint64_t sectors,
                            const struct ata_geometry *geometry)
{
    struct ata_drive_config config = {.geometry = geometry ? *geometry : (struct ata_geometry){0}};
    rig_plug_drive(channel, unit, sectors, &config);
}

/* What the firmware does. */
static inline void rig_enable(void)
{
    config_out(PIIX3_IDE_IDETIM, 2, PIIX3_IDE_DECODE_ENABLE);
    config_out(PIIX3_IDE_IDETIM + 2, 2, PIIX3_IDE_DECODE_ENABLE);
    config_out(PCI_BAR0 + 4 * PIIX3_IDE_BAR, 4, RIG_BM);
    config_out(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

static inline void rig_new(const struct dma_settings *settings)
{
    struct error error;
    memset(&rig, 0, sizeof rig);
    clock_init(&rig.clock, 0);
    device_list_init(&rig.devices);
    rig.io = region_new_container("io", 0x10000);
    rig.ports = space_new("ports", rig.io, 0x10000, &rig.clock);
    rig.memory = region_new_container("memory", UINT64_C(1) << 32);
    rig.ram = region_new_ram("ram", RIG_RAM, &error);
    ck_assert_ptr_nonnull(rig.ram);
    region_add(rig.memory, 0, rig.ram, 0);
    rig.mmio = region_new_mmio("refuses", 4096, &rig_refuse_ops, NULL, NULL);
    region_add(rig.memory, RIG_MMIO, rig.mmio, 0);
    rig.own = region_new_alias("own ports", rig.io, (struct region_at){0}, 0x10000);
    region_add(rig.memory, RIG_PORTS, rig.own, 0);
    struct pci_bus_wiring wiring = {.memory = rig.memory,
                                    .io = rig.io,
                                    .dma_root = rig.memory,
                                    .memory_size = UINT64_C(1) << 32,
                                    .clock = &rig.clock,
                                    .devices = &rig.devices};
    if (settings) wiring.dma = *settings;
    rig.bus = pci_bus_new(&wiring);
    rig.ide = piix3_ide_new(rig.bus, RIG_DEVFN, rig.io, &rig.clock, (struct irq_line){rig_irq, &rig, 14},
                            (struct irq_line){rig_irq, &rig, 15}, &rig.devices);
    rig.dma = piix3_ide_dma_space(rig.ide);
    dma_checker_enable(rig.dma);
    lint_quiet(true);
}

static inline void rig_free(void)
{
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    ck_assert_uint_eq(dma_checker_report(rig.dma, stderr), 0);
    device_destroy_all(&rig.devices);
    for (unsigned i = 0; i < 4; i++) block_free(rig.block[i / 2][i % 2]);
    pci_bus_free(rig.bus);
    space_free(rig.ports);
    region_remove(rig.own);
    region_remove(rig.mmio);
    region_remove(rig.ram);
    region_release(rig.own);
    region_release(rig.mmio);
    region_release(rig.ram);
    region_release(rig.memory);
    region_release(rig.io);
}

/* A driver for the primary channel. */
enum { CMD = 0x1f0, CTL = 0x3f6 };

static inline void drive_select(unsigned unit, uint8_t bits)
{
    outb(CMD + IDE_DEVICE, (uint8_t)(0xa0 | unit << 4 | bits));
}
static inline void drive_address(unsigned unit, uint32_t lba, uint8_t count)
{
    drive_select(unit, (uint8_t)(ATA_DEVICE_LBA | (lba >> 24 & 0xf)));
    outb(CMD + IDE_COUNT, count);
    outb(CMD + IDE_LBA_LOW, (uint8_t)lba);
    outb(CMD + IDE_LBA_MID, (uint8_t)(lba >> 8));
    outb(CMD + IDE_LBA_HIGH, (uint8_t)(lba >> 16));
}
static inline uint32_t drive_lba(void)
{
    return inb(CMD + IDE_LBA_LOW) | (uint32_t)inb(CMD + IDE_LBA_MID) << 8 |
           (uint32_t)inb(CMD + IDE_LBA_HIGH) << 16 | (uint32_t)(inb(CMD + IDE_DEVICE) & 0xf) << 24;
}
/* Status once BSY is 0. */
static inline uint8_t drive_wait(void)
{
    for (unsigned i = 0; i < 100000 && inb(CTL) & ATA_STATUS_BSY; i++) rig_pass(VTIME_US);
    return inb(CTL);
}
static inline uint8_t drive_command(uint8_t code)
{
    outb(CMD + IDE_STATUS, code);
    return drive_wait();
}
static inline void drive_read_block(uint8_t *to, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) le16_store(to + i, inw(CMD + IDE_DATA));
}
static inline void drive_write_block(const uint8_t *from, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) outw(CMD + IDE_DATA, le16_load(from + i));
}
static inline void drive_soft_reset(void)
{
    outb(CTL, IDE_CONTROL_SRST);
    rig_pass(5 * VTIME_US);
    outb(CTL, 0);
    drive_wait();
}

enum {
    ST_READY = ATA_STATUS_DRDY | ATA_STATUS_DSC,
    ST_DATA = ST_READY | ATA_STATUS_DRQ,
    ST_FAILED = ST_READY | 1
};

static inline int rig_run_suite(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif

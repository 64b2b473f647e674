/* SPDX-License-Identifier: MIT */
/*
 * What the AHCI tests share: a controller on a bus with RAM and little else, disks whose sectors can be made bad, and a
 * driver that knows only registers and memory. Disk contents are a byte model that the tests compare with.
 */
#ifndef TESTS_UNIT_AHCI_RIG_H
#define TESTS_UNIT_AHCI_RIG_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "tests/unit/rig_disk.h"

enum {
    RIG_RAM = 16 << 20,
    RIG_SECTORS = 5000,
    RIG_DEVFN = 5 << 3,
    RIG_REGISTERS = 0x30000000,
    RIG_MESSAGES = 0x40000000, /* a page that counts what is written there */
    RIG_REFUSES = 0x40001000,  /* a page of registers that refuses everything */
    RIG_NOWHERE = 0x50000000,  /* nobody answers */
    RIG_MSI_DATA = 0x4321,

    /* memory of the driver, for each port */
    RIG_PORT_MEMORY = 0x100000,
    RIG_LIST = 0x0,
    RIG_FIS = 0x400,
    RIG_TABLES = 0x1000, /* one of 1 KiB for each slot: 56 descriptors */
    RIG_TABLE_SIZE = 0x400,
    RIG_DATA = 0xa00000, /* free for data */
};

/* ---- the machine ---- */

struct rig {
    struct clock clock;
    struct device_list devices;
    struct region *memory, *ram, *io, *messages, *refuses;
    struct space *bus_space; /* as the CPU sees memory */
    struct pci_bus *bus;
    struct ahci *ahci;
    struct space *dma;
    struct rig_disk *disk[AHCI_PORTS];
    struct block *block[AHCI_PORTS];
    bool pin;
    unsigned pin_rises, message_count;
    uint32_t last_message;
};
static struct rig rig;

static void rig_pin(void *owner, int number, bool level)
{
    (void)owner, (void)number;
    if (level && !rig.pin) rig.pin_rises++;
    rig.pin = level;
}

static enum mem_result rig_message(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)owner, (void)at, (void)size;
    rig.message_count++;
    rig.last_message = (uint32_t)value;
    return MEM_OK;
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

static const struct mmio_ops rig_message_ops = {NULL, rig_message, 1, 4, false};
static const struct mmio_ops rig_refuse_ops = {rig_refuse_read, rig_refuse_write, 1, 4, false};

static inline void rig_config_out(unsigned offset, unsigned size, uint32_t value)
{
    pci_config_write(rig.bus, RIG_DEVFN, offset, size, value);
}

static inline uint32_t rig_config_in(unsigned offset, unsigned size)
{
    return pci_config_read(rig.bus, RIG_DEVFN, offset, size);
}

/* Lets time pass: for `span`, or until nothing is pending. */
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

/* `wiring` names options only; NULL: none. */
static inline void rig_new(const struct dma_settings *settings, const struct ahci_wiring *options)
{
    struct error error;
    memset(&rig, 0, sizeof rig);
    clock_init(&rig.clock, 0);
    device_list_init(&rig.devices);
    rig.io = region_new_container("io", 0x10000);
    rig.memory = region_new_container("memory", UINT64_C(1) << 36);
    rig.ram = region_new_ram("ram", RIG_RAM, &error);
    ck_assert_ptr_nonnull(rig.ram);
    region_add(rig.memory, 0, rig.ram, 0);
    rig.messages = region_new_mmio("messages", 4096, &rig_message_ops, NULL, NULL);
    region_add(rig.memory, RIG_MESSAGES, rig.messages, 0);
    rig.refuses = region_new_mmio("refuses", 4096, &rig_refuse_ops, NULL, NULL);
    region_add(rig.memory, RIG_REFUSES, rig.refuses, 0);
    rig.bus_space = space_new("cpu", rig.memory, UINT64_C(1) << 36, &rig.clock);
    struct pci_bus_wiring bus = {.memory = rig.memory,
                                 .io = rig.io,
                                 .dma_root = rig.memory,
                                 .memory_size = UINT64_C(1) << 36,
                                 .clock = &rig.clock,
                                 .devices = &rig.devices};
    for (unsigned i = 0; i < 4; i++) bus.intx[i] = (struct irq_line){rig_pin, &rig, (int)i};
    if (settings) bus.dma = *settings;
    rig.bus = pci_bus_new(&bus);
    struct ahci_wiring wiring = options ? *options : (struct ahci_wiring){0};
    wiring.bus = rig.bus;
    wiring.devfn = RIG_DEVFN;
    wiring.name = "ahci0";
    wiring.clock = &rig.clock;
    wiring.devices = &rig.devices;
    rig.ahci = ahci_new(&wiring, &error);
    ck_assert_ptr_nonnull(rig.ahci);
    rig.dma = ahci_dma_space(rig.ahci);
    dma_checker_enable(rig.dma);
    lint_quiet(true);
}

/* In the middle of anything. */
static inline void rig_free_now(void)
{
    ck_assert_uint_eq(rig.ahci->guard.depth, 0);
    device_destroy_all(&rig.devices);
    for (unsigned i = 0; i < AHCI_PORTS; i++) block_free(rig.block[i]);
    pci_bus_free(rig.bus);
    space_free(rig.bus_space);
    region_remove(rig.messages);
    region_remove(rig.refuses);
    region_remove(rig.ram);
    region_release(rig.messages);
    region_release(rig.refuses);
    region_release(rig.ram);
    region_release(rig.memory);
    region_release(rig.io);
}

static inline void rig_free(void)
{
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    ck_assert_uint_eq(dma_checker_report(rig.dma, stderr), 0);
    rig_free_now();
}

static inline void rig_plug(unsigned port, const struct ata_drive_config *config)
{
    static const char *const names[AHCI_PORTS] = {"d0", "d1", "d2", "d3", "d4", "d5"};
    struct error error;
    if (!rig.block[port]) {
        rig.disk[port] = rig_disk_new(RIG_SECTORS, 1 + port);
        rig.block[port] = block_new(names[port], &rig.disk[port]->store, &rig.clock);
    }
    ck_assert(ahci_attach(rig.ahci, port, rig.block[port], config, &error));
}

/* What the firmware does. */
static inline void rig_enable(void)
{
    rig_config_out(PCI_BAR0 + 4 * AHCI_BAR, 4, RIG_REGISTERS);
    rig_config_out(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static inline void rig_use_messages(void)
{
    rig_config_out(AHCI_MSI_OFFSET + PCI_MSI_ADDRESS, 4, RIG_MESSAGES);
    rig_config_out(AHCI_MSI_OFFSET + PCI_MSI_DATA, 2, RIG_MSI_DATA);
    rig_config_out(AHCI_MSI_OFFSET + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
}

/* ---- registers ---- */

static inline uint32_t hba_get(unsigned offset)
{
    uint64_t value = 0;
    (void)!space_load(rig.bus_space, RIG_REGISTERS + offset, 4, &value);
    return (uint32_t)value;
}

static inline void hba_set(unsigned offset, uint32_t value)
{
    (void)!space_store(rig.bus_space, RIG_REGISTERS + offset, 4, value);
}

static inline uint32_t port_get(unsigned port, unsigned offset)
{
    return hba_get(AHCI_PORT_BASE + port * AHCI_PORT_STEP + offset);
}

static inline void port_set(unsigned port, unsigned offset, uint32_t value)
{
    hba_set(AHCI_PORT_BASE + port * AHCI_PORT_STEP + offset, value);
}

static inline void port_change(unsigned port, unsigned offset, uint32_t clear, uint32_t set)
{
    port_set(port, offset, (port_get(port, offset) & ~clear) | set);
}

/* ---- memory ---- */

static inline uint8_t *ram_at(uint64_t addr)
{
    return rig.ram->host + addr;
}

static inline uint64_t port_memory(unsigned port)
{
    return RIG_PORT_MEMORY * (port + 1);
}

static inline uint8_t *fis_area(unsigned port)
{
    return ram_at(port_memory(port) + RIG_FIS);
}

static inline struct ahci_header *header_at(unsigned port, unsigned slot)
{
    return (struct ahci_header *)(void *)ram_at(port_memory(port) + RIG_LIST +
                                                slot * sizeof(struct ahci_header));
}

static inline uint64_t table_addr(unsigned port, unsigned slot)
{
    return port_memory(port) + RIG_TABLES + slot * RIG_TABLE_SIZE;
}

static inline struct ahci_prd *prd_at(unsigned port, unsigned slot, unsigned n)
{
    return (struct ahci_prd *)(void *)ram_at(table_addr(port, slot) + AHCI_TABLE_PRDT +
                                             n * sizeof(struct ahci_prd));
}

static inline uint32_t moved_of(unsigned port, unsigned slot)
{
    return le32_load(header_at(port, slot)->moved);
}

/* ---- a driver ---- */

static inline void port_program(unsigned port)
{
    port_set(port, AHCI_PxCLB, (uint32_t)port_memory(port) + RIG_LIST);
    port_set(port, AHCI_PxFB, (uint32_t)port_memory(port) + RIG_FIS);
    port_change(port, AHCI_PxCMD, 0, AHCI_CMD_FRE);
}

static inline void port_start(unsigned port)
{
    port_change(port, AHCI_PxCMD, 0, AHCI_CMD_ST);
}

static inline void port_stop(unsigned port)
{
    port_change(port, AHCI_PxCMD, AHCI_CMD_ST, 0);
}

/* A machine with one disk (and what else `plug` asks for, a bit per port), every port with a drive started. */
static inline void rig_start_ports(unsigned plugged)
{
    rig_enable();
    hba_set(AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_INTERRUPTS);
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        if (!(plugged & 1u << n)) continue;
        port_program(n);
        rig_settle();
        port_set(n, AHCI_PxSERR, 0xffffffff);
        port_set(n, AHCI_PxIS, 0xffffffff);
        port_set(n, AHCI_PxIE, 0xffffffff);
        port_start(n);
    }
    hba_set(AHCI_IS, 0xffffffff);
    rig.pin_rises = 0;
}

static inline void rig_one_disk(const struct dma_settings *settings)
{
    rig_new(settings, NULL);
    rig_plug(0, NULL);
    rig_start_ports(1);
}

struct command {
    unsigned port, slot;
    uint8_t code, features, device, control;
    uint64_t lba;
    uint32_t count; /* of a queued command: sectors; the tag is `tag` */
    unsigned tag;
    uint16_t flags; /* of the header */
    const uint8_t *packet;
    bool control_fis, keep_prds;
};

/* One descriptor; `next` counts them. */
static inline void add_prd(const struct command *c, unsigned *next, uint64_t addr, uint32_t bytes,
                           uint32_t flags)
{
    struct ahci_prd *prd = prd_at(c->port, c->slot, (*next)++);
    memset(prd, 0, sizeof *prd);
    le64_store(prd->address, addr);
    le32_store(prd->count, (bytes - 1) | flags);
    le16_store(header_at(c->port, c->slot)->prds, (uint16_t)*next);
}

/* Fills header and command FIS; no descriptors. */
static inline void build(const struct command *c)
{
    struct ahci_header *header = header_at(c->port, c->slot);
    struct fis_h2d fis = {.type = FIS_H2D,
                          .flags = c->control_fis ? 0 : FIS_FLAG_COMMAND,
                          .command = c->code,
                          .features = c->features,
                          .count = (uint8_t)c->count,
                          .count_exp = (uint8_t)(c->count >> 8),
                          .control = c->control};
    if (ata_is_queued(c->code)) {
        fis.features = (uint8_t)c->count;
        fis.features_exp = (uint8_t)(c->count >> 8);
        fis.count = (uint8_t)(c->tag << 3);
        fis.count_exp = 0;
    }
    fis.lba = (struct fis_address){(uint8_t)c->lba,         (uint8_t)(c->lba >> 8),
                                   (uint8_t)(c->lba >> 16), c->device ? c->device : ATA_DEVICE_LBA,
                                   (uint8_t)(c->lba >> 24), (uint8_t)(c->lba >> 32),
                                   (uint8_t)(c->lba >> 40)};
    memset(header, 0, sizeof *header);
    le16_store(header->options, (uint16_t)(5 | c->flags));
    le64_store(header->table, table_addr(c->port, c->slot));
    memset(ram_at(table_addr(c->port, c->slot)), 0, sizeof(struct ahci_table));
    memcpy(ram_at(table_addr(c->port, c->slot)), &fis, sizeof fis);
    if (c->packet) memcpy(ram_at(table_addr(c->port, c->slot)) + 64, c->packet, 12);
}

static inline void issue(unsigned port, unsigned slot, bool queued)
{
    if (queued) port_set(port, AHCI_PxSACT, 1u << slot);
    port_set(port, AHCI_PxCI, 1u << slot);
}

/* Builds a command with one descriptor of `bytes` at `addr` (none for 0), and issues it. */
static inline void submit(const struct command *c, uint64_t addr, uint32_t bytes)
{
    unsigned n = 0;
    build(c);
    if (bytes) add_prd(c, &n, addr, bytes, 0);
    issue(c->port, c->slot, ata_is_queued(c->code));
}

/* The same, until nothing happens any more. */
static inline void execute(const struct command *c, uint64_t addr, uint32_t bytes)
{
    submit(c, addr, bytes);
    rig_settle();
}

static inline uint8_t *disk_at(unsigned port, uint64_t lba)
{
    return rig.disk[port]->bytes + lba * 512;
}

enum {
    CODE_READ_DMA = 0xc8,
    CODE_WRITE_DMA = 0xca,
    CODE_READ_DMA_EXT = 0x25,
    CODE_WRITE_DMA_EXT = 0x35,
    CODE_READ_SECTORS = 0x20,
    CODE_WRITE_SECTORS = 0x30,
    CODE_IDENTIFY = 0xec,
    CODE_IDENTIFY_PACKET = 0xa1,
    CODE_PACKET = 0xa0,
    CODE_FLUSH = 0xe7,
    CODE_READ_LOG = 0x2f,
    CODE_READ_QUEUED = 0x60,
    CODE_WRITE_QUEUED = 0x61,
};
enum { TFD_READY = ATA_STATUS_DRDY | ATA_STATUS_DSC };

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

/* SPDX-License-Identifier: MIT */
/*
 * 82441FX host bridge: configuration mechanism #1 and the memory map.
 *
 * Specification: Intel 82441FX (290549), chapter 3; PCI Local Bus 2.3, 3.2.2.3.2.
 */
#include "devices/bus/i440fx.h"

#include <stdlib.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(pam_event, "i440fx.pam", "segment:x read:s write:s");

/* Configuration registers */

enum { PAM0 = 0x59, SMRAM = 0x72 };
enum { PAM_READ_RAM = 1, PAM_WRITE_RAM = 2 };
enum { SMRAM_OPEN = 0x40, SMRAM_LOCK = 0x10, SMRAM_LOCKED_BITS = 0x58 };

static const struct pci_register registers[] = {
    {"PCICMD", PCI_COMMAND, 2, 0x0006, 0x0100}, /* memory and master are always on; SERR# */
    {"PCISTS", PCI_STATUS, 2, 0x0280, 0},
    {"MLT", PCI_LATENCY_TIMER, 1, 0x00, 0xf8},
    {"CLS", PCI_CACHE_LINE_SIZE, 1, 0x00, 0x00},
    {"PMCCFG", 0x50, 2, 0x0000, 0xc3f4},
    {"DETURBO", 0x52, 1, 0x00, 0xff},
    {"DBC", 0x53, 1, 0x80, 0xff},
    {"AXC", 0x54, 1, 0x00, 0x82},
    {"DRT", 0x55, 2, 0x0000, 0xffff},
    {"DRAMC", 0x57, 1, 0x01, 0x77},
    {"DRAMT", 0x58, 1, 0x10, 0x7f},
    {"PAM0", 0x59, 1, 0x00, 0x30},
    {"PAM1", 0x5a, 1, 0x00, 0x33},
    {"PAM2", 0x5b, 1, 0x00, 0x33},
    {"PAM3", 0x5c, 1, 0x00, 0x33},
    {"PAM4", 0x5d, 1, 0x00, 0x33},
    {"PAM5", 0x5e, 1, 0x00, 0x33},
    {"PAM6", 0x5f, 1, 0x00, 0x33},
    {"DRB0-3", 0x60, 4, 0x01010101, 0xffffffff},
    {"DRB4-7", 0x64, 4, 0x01010101, 0xffffffff},
    {"FDHC", 0x68, 1, 0x00, 0xc0},
    {"MTT", 0x70, 1, 0x00, 0xf8},
    {"CLT", 0x71, 1, 0x10, 0x1f},
    {"SMRAM", SMRAM, 1, 0x02, 0x78},
    {"ERRCMD", 0x90, 1, 0x00, 0x1b},
    {"ERRSTS", 0x91, 1, 0x00, 0x00},
};

/* The segments of the PAM registers (3.2.13): the attributes of each are two bits of a register. */
#define SEGMENTS 13
static const struct {
    uint8_t offset, shift;
    uint32_t base, size;
} segment_table[SEGMENTS] = {
    {0x5a, 0, 0xc0000, 0x4000},  {0x5a, 4, 0xc4000, 0x4000}, {0x5b, 0, 0xc8000, 0x4000},
    {0x5b, 4, 0xcc000, 0x4000},  {0x5c, 0, 0xd0000, 0x4000}, {0x5c, 4, 0xd4000, 0x4000},
    {0x5d, 0, 0xd8000, 0x4000},  {0x5d, 4, 0xdc000, 0x4000}, {0x5e, 0, 0xe0000, 0x4000},
    {0x5e, 4, 0xe4000, 0x4000},  {0x5f, 0, 0xe8000, 0x4000}, {0x5f, 4, 0xec000, 0x4000},
    {0x59, 4, 0xf0000, 0x10000},
};

#define LEGACY_PCI      0xa0000 /* what of the first MiB may be PCI */
#define VGA_WINDOW      0xa0000
#define VGA_WINDOW_SIZE 0x20000
#define FOUR_GIB        (UINT64_C(1) << 32)
#define ONE_MIB         0x100000

#define CONFADD_PORT   0xcf8
#define CONFDATA_PORT  0xcfc
#define CONFADD_ENABLE 0x80000000u

/* State */

struct i440fx_state {
    uint32_t confadd;
};

static const struct state_field i440fx_fields[] = {
    STATE_FIELD(struct i440fx_state, confadd),
    STATE_END,
};
static const struct state_table i440fx_table = {"i440fx", 1, sizeof(struct i440fx_state), i440fx_fields};

/* What can stand in front of RAM at one segment; at most one is enabled, none where reads and writes both go
 * to RAM. */
struct segment {
    struct i440fx *bridge;
    uint32_t base;
    uint8_t attributes;
    struct region *pci; /* both to PCI */
    struct region
        *read_only; /* reads from RAM; writes go to PCI, where nothing but ROM decodes these addresses */
    struct region
        *copying; /* reads from PCI, writes to RAM: the mode for copying a ROM onto its own address */
};

struct i440fx {
    struct pci_function function;
    struct device device;
    struct i440fx_state state;
    struct pci_bus *bus;

    struct region *system, *pci, *master_abort;
    struct region *ram_low, *ram_high, *vga_window;
    struct region *bios_high, *bios_low;
    struct region *confadd, *confdata;
    struct segment segments[SEGMENTS];

    /* What is behind a copying segment, and behind CONFADD. */
    struct region *pci_root, *pci_alias, *ram_root, *ram_alias, *ports_behind;
    struct space *pci_space, *ram_space, *ports_space;
};

uint64_t i440fx_low_ram(uint64_t ram_size)
{
    return ram_size < I440FX_HOLE ? ram_size : I440FX_SPLIT;
}

/* PAM */

static enum mem_result copying_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    const struct segment *segment = owner;
    return space_load(segment->bridge->pci_space, segment->base + at.offset, size, value);
}

static enum mem_result copying_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    const struct segment *segment = owner;
    return space_store(segment->bridge->ram_space, segment->base + at.offset, size, value);
}

static const struct mmio_ops copying_ops = {copying_read, copying_write, 1, 8, true};

static void set_segment(struct segment *segment, uint8_t attributes)
{
    if (segment->attributes == attributes) return;
    segment->attributes = attributes;
    region_enable(segment->pci, attributes == 0);
    region_enable(segment->read_only, attributes == PAM_READ_RAM);
    region_enable(segment->copying, attributes == PAM_WRITE_RAM);
    if (trace_on(&pam_event)) {
        trace_emit(&pam_event, pci_bus_wiring(segment->bridge->bus)->clock, (uint64_t)segment->base,
                   attributes & PAM_READ_RAM ? "ram" : "pci", attributes & PAM_WRITE_RAM ? "ram" : "pci");
    }
}

static void update_segments(struct i440fx *bridge)
{
    region_change_begin();
    for (unsigned i = 0; i < SEGMENTS; i++) {
        uint8_t value = bridge->function.state.config[segment_table[i].offset];
        set_segment(&bridge->segments[i], (value >> segment_table[i].shift) & (PAM_READ_RAM | PAM_WRITE_RAM));
    }
    region_change_end();
}

/* D_LCK closes SMRAM and fixes all but D_CLS until reset (3.2.19). */
static void update_smram(struct i440fx *bridge)
{
    uint8_t *smram = &bridge->function.state.config[SMRAM];
    uint8_t *writable = &bridge->function.writable[SMRAM];
    if (*smram & SMRAM_LOCK) {
        *smram &= (uint8_t)~SMRAM_OPEN;
        *writable &= (uint8_t)~SMRAM_LOCKED_BITS;
    } else {
        *writable |= SMRAM_LOCKED_BITS;
    }
}

static void config_written(void *owner, unsigned offset, unsigned size)
{
    (void)offset, (void)size;
    update_segments(owner);
    update_smram(owner);
}

/* A cycle in the first MiB that goes to PCI and that nobody there claims ends in a master abort; it does not
 * fall through to RAM. */

static enum mem_result abort_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner, (void)at;
    *value = bytes_mask(size);
    return MEM_DECODE_ERROR;
}

static enum mem_result abort_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)owner, (void)at, (void)size, (void)value;
    return MEM_DECODE_ERROR;
}

static const struct mmio_ops abort_ops = {abort_read, abort_write, 1, 8, true};

/* CONFADD */

static enum mem_result confadd_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct i440fx *bridge = owner;
    if (size != 4) return space_load(bridge->ports_space, at.offset, size, value);
    *value = bridge->state.confadd;
    return MEM_OK;
}

static enum mem_result confadd_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct i440fx *bridge = owner;
    if (size != 4) return space_store(bridge->ports_space, at.offset, size, value);
    bridge->state.confadd = (uint32_t)value;
    return MEM_OK;
}

static const struct mmio_ops confadd_ops = {confadd_read, confadd_write, 1, 4, false};

/* CONFDATA. A register number that is not a multiple of 4 breaks the specification; the low bits are then
 * added in, and an access may run over the end of its dword: it is made in bytes. */

static unsigned config_offset(const struct i440fx *bridge, struct region_at at)
{
    if (bridge->state.confadd & 3) {
        lint(bridge->device.name, "PCI 2.3, 3.2.2.3.2", "bits 1:0 of CONFIG_ADDRESS are not 0 but %u",
             bridge->state.confadd & 3u);
    }
    return (bridge->state.confadd & 0xff) | (unsigned)at.offset;
}

/* Whether configuration data goes to bus 0; there is no other. */
static bool config_enabled(const struct i440fx *bridge)
{
    return (bridge->state.confadd & CONFADD_ENABLE) && bits_get(bridge->state.confadd, 16, 8) == 0;
}

static enum mem_result confdata_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct i440fx *bridge = owner;
    uint8_t devfn = (uint8_t)bits_get(bridge->state.confadd, 8, 8);
    unsigned offset = config_offset(bridge, at);
    *value = bytes_mask(size);
    if (!config_enabled(bridge)) return MEM_OK;
    if ((offset & 3) + size <= 4) {
        *value = pci_config_read(bridge->bus, devfn, offset, size);
        return MEM_OK;
    }
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        *value |= (uint64_t)pci_config_read(bridge->bus, devfn, offset + i, 1) << (8 * i);
    }
    return MEM_OK;
}

static enum mem_result confdata_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct i440fx *bridge = owner;
    uint8_t devfn = (uint8_t)bits_get(bridge->state.confadd, 8, 8);
    unsigned offset = config_offset(bridge, at);
    if (!config_enabled(bridge)) return MEM_OK;
    if ((offset & 3) + size <= 4) {
        pci_config_write(bridge->bus, devfn, offset, size, (uint32_t)value);
        return MEM_OK;
    }
    for (unsigned i = 0; i < size; i++) {
        pci_config_write(bridge->bus, devfn, offset + i, 1, (uint8_t)(value >> (8 * i)));
    }
    return MEM_OK;
}

static const struct mmio_ops confdata_ops = {confdata_read, confdata_write, 1, 4, false};

/* The bridge as a device. Configuration space is reset before this (pci.h). */

static struct i440fx *from_device(struct device *device)
{
    return list_entry(device, struct i440fx, device);
}

static void i440fx_loaded(struct device *device)
{
    update_segments(from_device(device));
    update_smram(from_device(device));
}

static void i440fx_reset(struct device *device)
{
    from_device(device)->state = (struct i440fx_state){0};
    i440fx_loaded(device);
}

static void drop(struct region *region)
{
    if (!region) return;
    region_remove(region);
    region_release(region);
}

static void i440fx_destroy(struct device *device)
{
    struct i440fx *bridge = from_device(device);
    region_change_begin();
    for (unsigned i = 0; i < SEGMENTS; i++) {
        drop(bridge->segments[i].pci);
        drop(bridge->segments[i].read_only);
        drop(bridge->segments[i].copying);
    }
    pci_function_destroy(&bridge->function);
    pci_bus_free(bridge->bus);
    struct region *const regions[] = {
        bridge->confadd,    bridge->confdata,     bridge->bios_low, bridge->bios_high,
        bridge->vga_window, bridge->ram_high,     bridge->ram_low,  bridge->pci_alias,
        bridge->ram_alias,  bridge->master_abort, bridge->pci,
    };
    for (unsigned i = 0; i < ARRAY_COUNT(regions); i++) drop(regions[i]);
    region_change_end();
    space_free(bridge->pci_space);
    space_free(bridge->ram_space);
    space_free(bridge->ports_space);
    drop(bridge->pci_root);
    drop(bridge->ram_root);
    drop(bridge->ports_behind);
    drop(bridge->system);
    free(bridge);
}

static const struct device_ops i440fx_ops = {"i440fx", &i440fx_table, i440fx_reset, i440fx_loaded,
                                             i440fx_destroy};

/* Creation */

static struct region *add_alias(struct region *container, uint64_t place, const char *name,
                                struct region *target, uint64_t from, uint64_t size, int priority)
{
    struct region *alias = region_new_alias(name, target, (struct region_at){from}, size);
    region_add(container, place, alias, priority);
    return alias;
}

static void make_segments(struct i440fx *bridge, struct region *ram)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        struct segment *segment = &bridge->segments[i];
        uint32_t base = segment_table[i].base, size = segment_table[i].size;
        segment->bridge = bridge;
        segment->base = base;
        segment->pci = add_alias(bridge->system, base, "pam-pci", bridge->pci, base, size, 1);
        segment->read_only = add_alias(bridge->system, base, "pam-read-only", ram, base, size, 1);
        region_set_alias(segment->read_only, (struct region_at){base}, true);
        region_enable(segment->read_only, false);
        segment->copying = region_new_mmio("pam-copying", size, &copying_ops, segment, NULL);
        region_enable(segment->copying, false);
        region_add(bridge->system, base, segment->copying, 1);
    }
    bridge->pci_root = region_new_container("pam-from-pci", ONE_MIB);
    bridge->pci_alias = add_alias(bridge->pci_root, 0, "pci", bridge->pci, 0, ONE_MIB, 0);
    bridge->pci_space = space_new("pam-from-pci", bridge->pci_root, ONE_MIB, NULL);
    bridge->ram_root = region_new_container("pam-to-ram", ONE_MIB);
    bridge->ram_alias = add_alias(bridge->ram_root, 0, "ram", ram, 0, ONE_MIB, 0);
    bridge->ram_space = space_new("pam-to-ram", bridge->ram_root, ONE_MIB, NULL);
}

static void make_memory(struct i440fx *bridge, const struct i440fx_wiring *wiring)
{
    struct region *ram = wiring->ram, *bios = wiring->bios;
    uint64_t low = i440fx_low_ram(ram->size);
    bridge->system = region_new_container("system", wiring->memory_size);
    bridge->pci = region_new_container("pci", wiring->memory_size);
    region_add(bridge->system, 0, bridge->pci, -1);
    bridge->master_abort = region_new_mmio("master-abort", ONE_MIB - LEGACY_PCI, &abort_ops, bridge, NULL);
    region_add(bridge->pci, LEGACY_PCI, bridge->master_abort, -1);
    bridge->ram_low = add_alias(bridge->system, 0, "ram-low", ram, 0, low, 0);
    if (ram->size > low) {
        bridge->ram_high = add_alias(bridge->system, FOUR_GIB, "ram-high", ram, low, ram->size - low, 0);
    }
    bridge->vga_window =
        add_alias(bridge->system, VGA_WINDOW, "vga-window", bridge->pci, VGA_WINDOW, VGA_WINDOW_SIZE, 1);
    if (bios) {
        uint64_t shown = bios->size < 0x20000 ? bios->size : 0x20000;
        bridge->bios_high = add_alias(bridge->pci, FOUR_GIB - bios->size, "bios", bios, 0, bios->size, 1);
        bridge->bios_low =
            add_alias(bridge->pci, ONE_MIB - shown, "bios-low", bios, bios->size - shown, shown, 1);
    }
    make_segments(bridge, ram);
}

static void make_ports(struct i440fx *bridge, struct region *io)
{
    bridge->ports_behind = region_new_container("confadd-behind", 4);
    bridge->ports_space = space_new("confadd-behind", bridge->ports_behind, 4, NULL);
    bridge->confadd = region_new_mmio("confadd", 4, &confadd_ops, bridge, NULL);
    bridge->confdata = region_new_mmio("confdata", 4, &confdata_ops, bridge, NULL);
    /* Nothing on the bus ever sees these cycles, whatever a BAR says. */
    region_add(io, CONFADD_PORT, bridge->confadd, 2);
    region_add(io, CONFDATA_PORT, bridge->confdata, 2);
}

static bool check_wiring(const struct i440fx_wiring *wiring, struct error *error)
{
    uint64_t ram_size = wiring->ram->size, low = i440fx_low_ram(ram_size);
    uint64_t top = ram_size > low ? FOUR_GIB + ram_size - low : FOUR_GIB;
    if (ram_size < ONE_MIB) return error_set(error, "RAM: a PC needs 1 MiB at least");
    if (top > wiring->memory_size)
        return error_set(error, "RAM: more than this machine can address; ask for less");
    if (wiring->bios && wiring->bios->size > 16 << 20) return error_set(error, "BIOS: larger than 16 MiB");
    return true;
}

struct i440fx *i440fx_new(const struct i440fx_wiring *wiring, struct error *error)
{
    if (!check_wiring(wiring, error)) return NULL;
    struct i440fx *bridge = calloc(1, sizeof(*bridge));
    if (!bridge) abort();
    region_change_begin();
    make_memory(bridge, wiring);
    make_ports(bridge, wiring->io);
    region_change_end();

    bridge->bus = pci_bus_new(&(struct pci_bus_wiring){
        .memory = bridge->pci,
        .io = wiring->io,
        .dma_root = bridge->system,
        .memory_size = wiring->memory_size,
        .clock = wiring->clock,
        .devices = wiring->devices,
        .dma = wiring->dma,
    });
    const struct pci_identity identity = {.vendor = 0x8086, .device = 0x1237, .class = 6, .revision = 2};
    pci_function_init(&bridge->function, bridge->bus, 0, "i440fx-pci", &identity, config_written, bridge);
    pci_function_registers(&bridge->function, registers, ARRAY_COUNT(registers));
    device_add(wiring->devices, &bridge->device, &i440fx_ops, "i440fx", &bridge->state);
    return bridge;
}

struct pci_bus *i440fx_bus(const struct i440fx *bridge)
{
    return bridge->bus;
}

struct region *i440fx_system_memory(const struct i440fx *bridge)
{
    return bridge->system;
}

struct region *i440fx_pci_memory(const struct i440fx *bridge)
{
    return bridge->pci;
}

struct region *i440fx_ports_behind(const struct i440fx *bridge)
{
    return bridge->ports_behind;
}

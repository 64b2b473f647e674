/* SPDX-License-Identifier: MIT */
/*
 * PIIX4 function 3: ACPI power management registers and an empty SMBus.
 *
 * Specification: Intel 82371AB (290562), 7.1 (configuration), 7.2 (power management ports), 7.3 (SMBus
 * ports); Advanced Configuration and Power Interface 1.0b, 4.7.
 */
#include "devices/bus/piix4_pm.h"

#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(read_event, "piix4_pm.read", "register:s offset:x size:u value:x");
TRACE_EVENT(write_event, "piix4_pm.write", "register:s offset:x size:u value:x");
TRACE_EVENT(sleep_event, "piix4_pm.sleep", "type:u");

/* Configuration registers (7.1) */

enum { PMBA = 0x40, PMREGMISC = 0x80, SMBBA = 0x90, SMBHSTCFG = 0xd2 };
enum { DEVRESA_LPT = 0x5f, DEVRESC_COM = 0x67 };
enum { PMREGMISC_PMIOSE = 1, SMBHSTCFG_HST_EN = 1 };
/* That the board's ports are decoded: keyboard controller and LPT1 in DEVRESA, COM1 and COM2 in DEVRESC. */
enum { KBC_PRESENT = 0x10, LPT1_PRESENT = 0x80, COM1_PRESENT = 0x08, COM2_PRESENT = 0x90 };
#define DEVACTB_APMC_EN 0x02000000

static const struct pci_register config_registers[] = {
    {"PCICMD", PCI_COMMAND, 2, 0x0000, 0x0001},
    {"PCISTS", PCI_STATUS, 2, 0x0280, 0},
    {"CLS", PCI_CACHE_LINE_SIZE, 1, 0x00, 0x00},
    {"MLT", PCI_LATENCY_TIMER, 1, 0x00, 0x00},
    {"PMBA", PMBA, 4, 0x00000001, 0x0000ffc0},
    {"CNTA", 0x44, 4, 0, 0xffffffff},
    {"CNTB", 0x48, 4, 0, 0x0173ffff},
    {"GPICTL", 0x4c, 4, 0, 0x0fffffff},
    {"DEVRESD", 0x50, 3, 0, 0x007f583f},
    {"DEVACTA", 0x54, 4, 0, 0xffffffff},
    {"DEVACTB", 0x58, 4, DEVACTB_APMC_EN, 0x03ffff77},
    {"DEVRESA", 0x5c, 4, 0, 0xffffffff},
    {"DEVRESB", 0x60, 4, 0, 0xf7ffffff},
    {"DEVRESC", 0x64, 4, 0, 0xffefffff},
    {"DEVRESE", 0x68, 3, 0, 0x001fffff},
    {"DEVRESF", 0x6c, 4, 0, 0xffff80ff},
    {"DEVRESG", 0x70, 3, 0, 0x001fffff},
    {"DEVRESH", 0x74, 4, 0, 0xff0080ff},
    {"DEVRESI", 0x78, 3, 0, 0x001fffff},
    {"DEVRESJ", 0x7c, 3, 0, 0x001fffff},
    {"PMREGMISC", PMREGMISC, 1, 0, 0x01},
    {"SMBBA", SMBBA, 4, 0x00000001, 0x0000fff0},
    {"SMBHSTCFG", SMBHSTCFG, 1, 0, 0x0f},
    {"SMBSLVC", 0xd3, 1, 0, 0xff},
    {"SMBSHDW1", 0xd4, 1, 0, 0xff},
    {"SMBSHDW2", 0xd5, 1, 0, 0xff},
};

/* Ports: value at reset, bits that are stored, bits that are cleared by writing 1. */
struct port_register {
    const char *name;
    uint8_t offset, size;
    uint32_t reset, writable, clear_on_one;
};

enum { PM_PORTS = 64, SMBUS_PORTS = 16, GPE0_PORTS = 4, APM_PORTS = 2 };
enum { GPE0_BASE = 0xafe0, APM_BASE = 0xb2 };

/* Power management ports (7.2) */
enum { PMSTS = 0x00, PMEN = 0x02, PMCNTRL = 0x04, PMTMR = 0x08, GLBCTL = 0x28 };
enum { TMROF = 0x0001, GBL = 0x0020, PWRBTN = 0x0100, RTC = 0x0400 };
#define SCI_SOURCES (TMROF | GBL | PWRBTN | RTC)
enum { SCI_EN = 0x0001, SUS_TYP_SHIFT = 10, SUS_EN = 0x2000 };
enum { SUS_TYP_SOFT_OFF = 0 };
enum { GLBCTL_BIOS_RLS = 2 };

static const struct port_register pm_registers[] = {
    {"PMSTS", PMSTS, 2, 0, 0, 0x8d31},
    {"PMEN", PMEN, 2, 0, 0x0521, 0},
    {"PMCNTRL", PMCNTRL, 2, 0, 0x1c03, 0},
    {"PMTMR", PMTMR, 4, 0, 0, 0},
    {"GPSTS", 0x0c, 2, 0, 0, 0x0f81},
    {"GPEN", 0x0e, 2, 0, 0x0f01, 0},
    {"PCNTRL", 0x10, 4, 0, 0x00023e1e, 0},
    {"PLVL2", 0x14, 1, 0, 0, 0},
    {"PLVL3", 0x15, 1, 0, 0, 0},
    {"GLBSTS", 0x18, 2, 0, 0, 0x0d27},
    {"DEVSTS", 0x1c, 4, 0, 0, 0x3fff0fff},
    {"GLBEN", 0x20, 2, 0, 0x8d1f, 0},
    {"GLBCTL", GLBCTL, 4, 0, 0x0701ff05, 0},
    {"DEVCTL", 0x2c, 4, 0, 0x0fffffff, 0},
    {"GPIREG", 0x30, 4, 0, 0, 0},
    {"GPOREG", 0x34, 4, 0x7fffbfff, 0xffffffff, 0},
};

/* SMBus ports (7.3) */
enum { SMBHSTSTS = 0x00, SMBHSTCNT = 0x02 };
enum { SMBHSTSTS_DEV_ERR = 0x04, SMBHSTSTS_FAILED = 0x10 };
enum { SMBHSTCNT_KILL = 0x02, SMBHSTCNT_START = 0x40 };

static const struct port_register smbus_registers[] = {
    {"SMBHSTSTS", SMBHSTSTS, 1, 0, 0, 0x1e}, {"SMBSLVSTS", 0x01, 1, 0, 0, 0x3c},
    {"SMBHSTCNT", SMBHSTCNT, 1, 0, 0x1d, 0}, {"SMBHSTCMD", 0x03, 1, 0, 0xff, 0},
    {"SMBHSTADD", 0x04, 1, 0, 0xff, 0},      {"SMBHSTDAT0", 0x05, 1, 0, 0xff, 0},
    {"SMBHSTDAT1", 0x06, 1, 0, 0xff, 0},     {"SMBBLKDAT", 0x07, 1, 0, 0xff, 0},
    {"SMBSLVCNT", 0x08, 1, 0, 0x0d, 0},      {"SMBSHDWCMD", 0x09, 1, 0, 0, 0},
    {"SMBSLVEVT", 0x0a, 2, 0, 0xffff, 0},    {"SMBSLVDAT", 0x0c, 2, 0, 0, 0},
};

/* General purpose events, as an ACPI block: status and enable (ACPI 1.0b, 4.7.4.3) */
enum { GPE0_STS = 0, GPE0_EN = 2 };
static const struct port_register gpe0_registers[] = {
    {"GPE0_STS", GPE0_STS, 2, 0, 0, 0xffff},
    {"GPE0_EN", GPE0_EN, 2, 0, 0xffff, 0},
};

/* Advanced power management (7.4.1) */
enum { APMC = 0, APMS = 1 };
static const struct port_register apm_registers[] = {
    {"APMC", APMC, 1, 0, 0xff, 0},
    {"APMS", APMS, 1, 0, 0xff, 0},
};

/* State */

struct piix4_pm_state {
    uint8_t pm[PM_PORTS];
    uint8_t smbus[SMBUS_PORTS];
    uint8_t gpe0[GPE0_PORTS];
    uint8_t apm[APM_PORTS];
    uint64_t next_overflow; /* in ticks of the timer since power-on */
};

static const struct state_field piix4_pm_fields[] = {
    STATE_FIELD(struct piix4_pm_state, pm),
    STATE_FIELD(struct piix4_pm_state, smbus),
    STATE_FIELD(struct piix4_pm_state, gpe0),
    STATE_FIELD(struct piix4_pm_state, apm),
    STATE_FIELD(struct piix4_pm_state, next_overflow),
    STATE_END,
};
static const struct state_table piix4_pm_table = {"piix4-pm", 1, sizeof(struct piix4_pm_state),
                                                  piix4_pm_fields};

/* A range of ports: its bytes in the state, and the table that says what they do. */
struct port_block {
    struct piix4_pm *pm;
    struct region *region;
    uint8_t *bytes;
    const struct port_register *registers;
    unsigned count, size;
    void (*before)(struct piix4_pm *pm); /* brings the bytes up to date */
    void (*written)(struct piix4_pm *pm, unsigned offset, unsigned size, uint32_t value);
};

enum { BLOCK_PM, BLOCK_SMBUS, BLOCK_GPE0, BLOCK_APM, BLOCKS };

struct piix4_pm {
    struct pci_function function;
    struct device device;
    struct piix4_pm_state state;
    struct piix4_pm_wiring wiring;
    struct clock *clock;
    struct clock_event overflow;
    struct port_block blocks[BLOCKS];
};

/* The PM timer: 24 bits that count since power-on; an overflow is a change of bit 23 (ACPI 1.0b, 4.7.2.1). */

#define OVERFLOW_TICKS UINT64_C(0x800000)

static uint64_t ticks_at(vtime time)
{
    uint64_t seconds = (uint64_t)(time / VTIME_S), rest = (uint64_t)(time % VTIME_S);
    return seconds * PM_TIMER_HZ + rest * PM_TIMER_HZ / (uint64_t)VTIME_S;
}

/* The first nanosecond at which the timer has counted that far. */
static vtime time_of(uint64_t ticks)
{
    uint64_t seconds = ticks / PM_TIMER_HZ, rest = ticks % PM_TIMER_HZ;
    return (vtime)(seconds * (uint64_t)VTIME_S + (rest * (uint64_t)VTIME_S + PM_TIMER_HZ - 1) / PM_TIMER_HZ);
}

static uint16_t pm_word(const struct piix4_pm *pm, unsigned offset)
{
    return le16_load(pm->state.pm + offset);
}

static void set_status(struct piix4_pm *pm, uint16_t bits)
{
    le16_store(pm->state.pm + PMSTS, pm_word(pm, PMSTS) | bits);
}

static void refresh(struct piix4_pm *pm)
{
    uint64_t ticks = ticks_at(clock_now(pm->clock));
    le32_store(pm->state.pm + PMTMR, (uint32_t)ticks & 0xffffff);
    if (ticks < pm->state.next_overflow) return;
    set_status(pm, TMROF);
    pm->state.next_overflow = (ticks / OVERFLOW_TICKS + 1) * OVERFLOW_TICKS;
}

/* The SCI and the next overflow, after anything that they depend on changed. */
static void update_sci(struct piix4_pm *pm)
{
    const uint8_t *gpe0 = pm->state.gpe0;
    uint16_t enabled = pm_word(pm, PMEN) & SCI_SOURCES, status = pm_word(pm, PMSTS);
    bool event = (status & enabled) || (le16_load(gpe0 + GPE0_STS) & le16_load(gpe0 + GPE0_EN));
    irq_set(&pm->wiring.sci, event && (pm_word(pm, PMCNTRL) & SCI_EN));
    if ((enabled & TMROF) && !(status & TMROF)) {
        clock_event_at(&pm->overflow, time_of(pm->state.next_overflow));
    } else {
        clock_event_cancel(&pm->overflow);
    }
}

static void overflow_fired(void *owner)
{
    refresh(owner);
    update_sci(owner);
}

void piix4_pm_power_button(struct piix4_pm *pm)
{
    refresh(pm);
    set_status(pm, PWRBTN);
    update_sci(pm);
}

/* What writes do beyond being stored */

static void enter_sleep(struct piix4_pm *pm)
{
    unsigned type = bits_get(pm_word(pm, PMCNTRL), SUS_TYP_SHIFT, 3);
    if (trace_on(&sleep_event)) trace_emit(&sleep_event, pm->clock, (uint64_t)type);
    if (type == SUS_TYP_SOFT_OFF) {
        if (pm->wiring.power_off) pm->wiring.power_off(pm->wiring.power_off_owner);
    } else if (log_on(LOG_UNIMPLEMENTED)) {
        log_print("piix4-pm: sleep type %u is not there; only soft off is\n", type);
    }
}

/* Bits [0, 32) of a write that count from register `at`, or 0 where the write does not reach. */
static uint32_t written_bits(unsigned at, unsigned offset, unsigned size, uint32_t value)
{
    if (offset >= at + 4 || offset + size <= at) return 0;
    return offset >= at ? value << (8 * (offset - at)) : value >> (8 * (at - offset));
}

static void pm_written(struct piix4_pm *pm, unsigned offset, unsigned size, uint32_t value)
{
    if (written_bits(GLBCTL, offset, size, value) & GLBCTL_BIOS_RLS) set_status(pm, GBL);
    update_sci(pm);
    if (written_bits(PMCNTRL, offset, size, value) & SUS_EN) enter_sleep(pm);
}

static void gpe0_written(struct piix4_pm *pm, unsigned offset, unsigned size, uint32_t value)
{
    (void)offset, (void)size, (void)value;
    update_sci(pm);
}

/* Nobody is on the bus: a transaction ends at once, with no acknowledge (7.3.1). */
static void smbus_written(struct piix4_pm *pm, unsigned offset, unsigned size, uint32_t value)
{
    uint32_t control = written_bits(SMBHSTCNT, offset, size, value);
    if (control & SMBHSTCNT_START) pm->state.smbus[SMBHSTSTS] |= SMBHSTSTS_DEV_ERR;
    if (control & SMBHSTCNT_KILL) pm->state.smbus[SMBHSTSTS] |= SMBHSTSTS_FAILED;
}

/* What the handler of the system management interrupt would do. */
static void apm_written(struct piix4_pm *pm, unsigned offset, unsigned size, uint32_t value)
{
    (void)size;
    if (offset != APMC) return;
    uint8_t *control = &pm->state.pm[PMCNTRL];
    if ((uint8_t)value == ACPI_ENABLE_CMD) *control |= SCI_EN;
    if ((uint8_t)value == ACPI_DISABLE_CMD) *control &= (uint8_t)~SCI_EN;
    update_sci(pm);
}

/* Ports */

static const struct port_register *find_register(const struct port_block *block, unsigned offset)
{
    for (unsigned i = 0; i < block->count; i++) {
        const struct port_register *row = &block->registers[i];
        if (offset >= row->offset && offset < row->offset + row->size) return row;
    }
    return NULL;
}

static void trace_access(const struct trace_event *event, const struct port_block *block, unsigned offset,
                         unsigned size, uint64_t value)
{
    if (!trace_on(event)) return;
    const struct port_register *row = find_register(block, offset);
    trace_emit(event, block->pm->clock, row ? row->name : "-", (uint64_t)offset, (uint64_t)size, value);
}

static void store_byte(struct port_block *block, unsigned offset, uint8_t value)
{
    const struct port_register *row = find_register(block, offset);
    if (!row) return;
    unsigned shift = 8 * (offset - row->offset);
    uint8_t writable = (uint8_t)(row->writable >> shift), clear = (uint8_t)(row->clear_on_one >> shift);
    uint8_t *byte = &block->bytes[offset];
    *byte = (uint8_t)(((*byte & ~writable) | (value & writable)) & ~(value & clear));
}

static enum mem_result port_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    const struct port_block *block = owner;
    if (block->before) block->before(block->pm);
    *value = le_load(block->bytes + at.offset, size);
    trace_access(&read_event, block, (unsigned)at.offset, size, *value);
    return MEM_OK;
}

static enum mem_result port_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct port_block *block = owner;
    unsigned offset = (unsigned)at.offset;
    trace_access(&write_event, block, offset, size, value);
    if (block->before) block->before(block->pm);
    for (unsigned i = 0; i < size; i++) store_byte(block, offset + i, (uint8_t)(value >> (8 * i)));
    block->written(block->pm, offset, size, (uint32_t)value);
    return MEM_OK;
}

static const struct mmio_ops port_ops = {port_read, port_write, 1, 4, false};

/* A block whose base is 0 was never given a place. */
static void place_block(struct piix4_pm *pm, unsigned which, bool enabled, uint16_t base)
{
    struct region *region = pm->blocks[which].region;
    bool placed = region->container != NULL, wanted = enabled && base != 0;
    if (placed && !wanted) region_remove(region);
    if (placed && wanted) region_move(region, base);
    if (!placed && wanted) region_add(pci_bus_wiring(pm->wiring.bus)->io, base, region, 0);
}

static void place_blocks(struct piix4_pm *pm)
{
    const uint8_t *config = pm->function.state.config;
    region_change_begin();
    place_block(pm, BLOCK_PM, config[PMREGMISC] & PMREGMISC_PMIOSE, le16_load(config + PMBA) & 0xffc0);
    place_block(pm, BLOCK_SMBUS, config[SMBHSTCFG] & SMBHSTCFG_HST_EN, le16_load(config + SMBBA) & 0xfff0);
    region_change_end();
}

static void config_written(void *owner, unsigned offset, unsigned size)
{
    (void)offset, (void)size;
    place_blocks(owner);
}

/* The chip as a device. Its configuration space is reset before this. */

static struct piix4_pm *from_device(struct device *device)
{
    return list_entry(device, struct piix4_pm, device);
}

static void piix4_pm_loaded(struct device *device)
{
    place_blocks(from_device(device));
    update_sci(from_device(device));
}

static void piix4_pm_reset(struct device *device)
{
    struct piix4_pm *pm = from_device(device);
    for (unsigned which = 0; which < BLOCKS; which++) {
        const struct port_block *block = &pm->blocks[which];
        memset(block->bytes, 0, block->size);
        for (unsigned i = 0; i < block->count; i++) {
            const struct port_register *row = &block->registers[i];
            le_store(block->bytes + row->offset, row->size, row->reset);
        }
    }
    pm->state.next_overflow = (ticks_at(clock_now(pm->clock)) / OVERFLOW_TICKS + 1) * OVERFLOW_TICKS;
    piix4_pm_loaded(device);
}

static void piix4_pm_destroy(struct device *device)
{
    struct piix4_pm *pm = from_device(device);
    clock_event_destroy(&pm->overflow);
    pci_function_destroy(&pm->function);
    for (unsigned which = 0; which < BLOCKS; which++) {
        region_remove(pm->blocks[which].region);
        region_release(pm->blocks[which].region);
    }
    free(pm);
}

static const struct device_ops piix4_pm_ops = {"piix4-pm", &piix4_pm_table, piix4_pm_reset, piix4_pm_loaded,
                                               piix4_pm_destroy};

static void make_blocks(struct piix4_pm *pm)
{
    struct piix4_pm_state *state = &pm->state;
    const struct port_block blocks[BLOCKS] = {
        [BLOCK_PM] = {pm, NULL, state->pm, pm_registers, ARRAY_COUNT(pm_registers), PM_PORTS, refresh,
                      pm_written},
        [BLOCK_SMBUS] = {pm, NULL, state->smbus, smbus_registers, ARRAY_COUNT(smbus_registers), SMBUS_PORTS,
                         NULL, smbus_written},
        [BLOCK_GPE0] = {pm, NULL, state->gpe0, gpe0_registers, ARRAY_COUNT(gpe0_registers), GPE0_PORTS,
                        refresh, gpe0_written},
        [BLOCK_APM] = {pm, NULL, state->apm, apm_registers, ARRAY_COUNT(apm_registers), APM_PORTS, refresh,
                       apm_written},
    };
    static const char *const names[BLOCKS] = {"piix4-pm", "piix4-smbus", "gpe0", "apm"};
    for (unsigned which = 0; which < BLOCKS; which++) {
        pm->blocks[which] = blocks[which];
        pm->blocks[which].region =
            region_new_mmio(names[which], blocks[which].size, &port_ops, &pm->blocks[which], NULL);
    }
    place_block(pm, BLOCK_GPE0, true, GPE0_BASE);
    place_block(pm, BLOCK_APM, true, APM_BASE);
}

/* Bits that board firmware would set for what is on the board; ACPI tables find serial and parallel ports by
 * them. */
static void tell_board(struct pci_function *function, const struct piix4_pm_wiring *wiring)
{
    uint8_t com = (wiring->com1 ? COM1_PRESENT : 0) | (wiring->com2 ? COM2_PRESENT : 0);
    pci_function_config(function, DEVRESA_LPT, 1, KBC_PRESENT | (wiring->lpt1 ? LPT1_PRESENT : 0), 0xff);
    pci_function_config(function, DEVRESC_COM, 1, com, 0xff);
}

struct piix4_pm *piix4_pm_new(const struct piix4_pm_wiring *wiring)
{
    struct piix4_pm *pm = calloc(1, sizeof(*pm));
    if (!pm) abort();
    pm->wiring = *wiring;
    pm->clock = pci_bus_wiring(wiring->bus)->clock;
    clock_event_init(&pm->overflow, pm->clock, "piix4-pm.timer", overflow_fired, pm);
    const struct pci_identity identity = {
        .vendor = 0x8086, .device = 0x7113, .class = 6, .subclass = 0x80, .revision = 3, .interrupt_pin = 1};
    pci_function_init(&pm->function, wiring->bus, wiring->devfn, "piix4-pm-pci", &identity, config_written,
                      pm);
    pci_function_registers(&pm->function, config_registers, ARRAY_COUNT(config_registers));
    tell_board(&pm->function, wiring);
    device_add(pci_bus_wiring(wiring->bus)->devices, &pm->device, &piix4_pm_ops, "piix4-pm", &pm->state);
    make_blocks(pm);
    piix4_pm_reset(&pm->device);
    return pm;
}

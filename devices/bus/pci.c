/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space, base address registers, interrupt pins and bus mastering.
 *
 * Specification: PCI Local Bus Specification 2.3, chapter 6. There is one bus, of type 0 devices only.
 */
#include "devices/bus/pci.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(config_read_event, "pci.config_read", "device:s offset:x size:u value:x register:s");
TRACE_EVENT(config_write_event, "pci.config_write", "device:s offset:x size:u value:x register:s");
TRACE_EVENT(bar_event, "pci.bar", "device:s bar:s base:x size:x mapped:u");
TRACE_EVENT(intx_event, "pci.intx", "device:s line:u level:u");
TRACE_EVENT(master_event, "pci.bus_master", "device:s enabled:u");

/* Bits of Command that a function has unless it says otherwise: I/O, memory, master, parity response, SERR#,
 * INTx off. */
#define COMMAND_WRITABLE 0x0547
/* The error bits of Status, cleared by writing 1 (6.2.3). */
#define STATUS_ERRORS        0xf900
#define STATUS_DEVSEL_MEDIUM 0x0200

struct pci_bus {
    struct pci_bus_wiring wiring;
    struct list functions;
};

static const struct state_field pci_fields[] = {
    STATE_FIELD(struct pci_state, config),
    STATE_FIELD(struct pci_state, intx),
    STATE_END,
};
static const struct state_table pci_table = {"pci-function", 1, sizeof(struct pci_state), pci_fields};

static const struct pci_register standard_registers[] = {
    {"VID", PCI_VENDOR_ID, 2, 0, 0},        {"DID", PCI_DEVICE_ID, 2, 0, 0},
    {"PCICMD", PCI_COMMAND, 2, 0, 0},       {"PCISTS", PCI_STATUS, 2, 0, 0},
    {"RID", PCI_REVISION_ID, 1, 0, 0},      {"CLASSC", PCI_PROG_IF, 3, 0, 0},
    {"CLS", PCI_CACHE_LINE_SIZE, 1, 0, 0},  {"MLT", PCI_LATENCY_TIMER, 1, 0, 0},
    {"HEDT", PCI_HEADER_TYPE, 1, 0, 0},     {"BAR0", PCI_BAR0, 4, 0, 0},
    {"BAR1", PCI_BAR0 + 4, 4, 0, 0},        {"BAR2", PCI_BAR0 + 8, 4, 0, 0},
    {"BAR3", PCI_BAR0 + 12, 4, 0, 0},       {"BAR4", PCI_BAR0 + 16, 4, 0, 0},
    {"BAR5", PCI_BAR0 + 20, 4, 0, 0},       {"SVID", PCI_SUBSYSTEM_VENDOR_ID, 2, 0, 0},
    {"SID", PCI_SUBSYSTEM_ID, 2, 0, 0},     {"ROMBAR", PCI_ROM_BAR, 4, 0, 0},
    {"INTLN", PCI_INTERRUPT_LINE, 1, 0, 0}, {"INTPN", PCI_INTERRUPT_PIN, 1, 0, 0},
};

static const char *const bar_names[PCI_BARS] = {"BAR0", "BAR1", "BAR2", "BAR3", "BAR4", "BAR5"};

/* Helpers */

static uint16_t command(const struct pci_function *function)
{
    return le16_load(function->state.config + PCI_COMMAND);
}

static const char *find_name(const struct pci_register *registers, unsigned count, unsigned offset)
{
    for (unsigned i = 0; i < count; i++) {
        if (offset >= registers[i].offset && offset < registers[i].offset + registers[i].size) {
            return registers[i].name;
        }
    }
    return NULL;
}

static const char *register_name(const struct pci_function *function, unsigned offset)
{
    const char *name = find_name(function->registers, function->register_count, offset);
    if (!name) name = find_name(standard_registers, ARRAY_COUNT(standard_registers), offset);
    return name ? name : "-";
}

static bool overlaps(unsigned offset, unsigned size, unsigned first, unsigned length)
{
    return offset < first + length && first < offset + size;
}

/* Interrupt pins (6.2.4): a line of the router is the wired OR of all functions on it. */

static unsigned intx_line(const struct pci_function *function)
{
    unsigned device = function->devfn >> 3;
    unsigned pin = function->state.config[PCI_INTERRUPT_PIN];
    return (device - 1 + pin - 1) & 3;
}

static bool drives_line(const struct pci_function *function)
{
    return function->state.config[PCI_INTERRUPT_PIN] && function->state.intx &&
           !(command(function) & PCI_COMMAND_INTX_DISABLE);
}

static void bus_update_line(struct pci_bus *bus, unsigned line)
{
    bool level = false;
    for (struct list *node = bus->functions.next; node != &bus->functions; node = node->next) {
        const struct pci_function *function = list_entry(node, struct pci_function, node);
        level |= drives_line(function) && intx_line(function) == line;
    }
    irq_set(&bus->wiring.intx[line], level);
}

static void update_intx(struct pci_function *function)
{
    uint8_t *status = &function->state.config[PCI_STATUS];
    *status =
        (uint8_t)((*status & ~PCI_STATUS_INTERRUPT) | (function->state.intx ? PCI_STATUS_INTERRUPT : 0));
    if (function->state.config[PCI_INTERRUPT_PIN]) bus_update_line(function->bus, intx_line(function));
}

void pci_function_set_intx(struct pci_function *function, bool asserted)
{
    if (function->state.intx == asserted) return;
    function->state.intx = asserted;
    if (trace_on(&intx_event)) {
        trace_emit(&intx_event, function->bus->wiring.clock, function->device.name,
                   (uint64_t)intx_line(function), (uint64_t)asserted);
    }
    update_intx(function);
}

/* Decoding (6.2.2, 6.2.5) */

/* Whether BAR `n` answers now, and where. Software sizes a BAR by writing all ones; the address that this
 * makes is the top of the space, and no BAR is taken to decode there. */
static bool bar_decodes(const struct pci_function *function, unsigned n, gaddr *base)
{
    const struct pci_bar *bar = &function->bars[n];
    uint32_t value = le32_load(function->state.config + PCI_BAR0 + 4 * n);
    if (!bar->region) return false;
    *base = value & ~(uint32_t)(bar->region->size - 1);
    uint64_t last = *base + bar->region->size - 1;
    if (*base == 0) return false;
    if (bar->io) return (command(function) & PCI_COMMAND_IO) && last <= 0xffff;
    return (command(function) & PCI_COMMAND_MEMORY) && last < UINT32_MAX;
}

static bool rom_decodes(const struct pci_function *function, gaddr *base)
{
    uint32_t value = le32_load(function->state.config + PCI_ROM_BAR);
    const struct region *region = function->rom.region;
    if (!region) return false;
    *base = value & ~(uint32_t)(region->size - 1);
    return (value & PCI_ROM_ENABLE) && (command(function) & PCI_COMMAND_MEMORY) && *base != 0 &&
           *base + region->size - 1 < UINT32_MAX;
}

static void place(struct pci_function *function, const struct pci_bar *bar, const char *name, bool decodes,
                  gaddr base)
{
    struct region *region = bar->region;
    const struct pci_bus_wiring *wiring = &function->bus->wiring;
    if (!region || (!decodes && !region->container)) return;
    if (decodes && region->container && region->place == base) return;
    if (!decodes) {
        region_remove(region);
    } else if (region->container) {
        region_move(region, base);
    } else {
        region_add(bar->io ? wiring->io : wiring->memory, base, region, 0);
    }
    if (trace_on(&bar_event)) {
        trace_emit(&bar_event, wiring->clock, function->device.name, name, (uint64_t)base, region->size,
                   (uint64_t)decodes);
    }
}

/* Brings the memory tree in line with what configuration space says. */
static void update_mappings(struct pci_function *function)
{
    bool master = command(function) & PCI_COMMAND_MASTER;
    region_change_begin();
    for (unsigned n = 0; n < PCI_BARS; n++) {
        gaddr base = 0;
        bool decodes = bar_decodes(function, n, &base);
        place(function, &function->bars[n], bar_names[n], decodes, base);
    }
    gaddr base = 0;
    bool decodes = rom_decodes(function, &base);
    place(function, &function->rom, "ROM", decodes, base);
    if (function->dma_window->enabled != master) {
        region_enable(function->dma_window, master);
        if (trace_on(&master_event)) {
            trace_emit(&master_event, function->bus->wiring.clock, function->device.name, (uint64_t)master);
        }
    }
    region_change_end();
}

/* Configuration cycles */

static void lint_bar_write(const struct pci_function *function, unsigned offset, unsigned size)
{
    gaddr base;
    for (unsigned n = 0; n < PCI_BARS; n++) {
        if (overlaps(offset, size, PCI_BAR0 + 4 * n, 4) && bar_decodes(function, n, &base)) {
            lint(function->device.name, "PCI 2.3, 6.2.5.1", "%s is changed while Command lets it decode",
                 bar_names[n]);
        }
    }
}

static bool store_byte(struct pci_function *function, unsigned offset, uint8_t value)
{
    uint8_t *byte = &function->state.config[offset];
    uint8_t old = *byte;
    *byte = (uint8_t)((old & ~function->writable[offset]) | (value & function->writable[offset]));
    *byte &= (uint8_t) ~(value & function->clear_on_one[offset]);
    return *byte != old;
}

uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size)
{
    struct pci_function *function = pci_bus_find(bus, devfn);
    if (!function || offset + size > PCI_CONFIG_SIZE) return (uint32_t)bytes_mask(size);
    uint32_t value = (uint32_t)le_load(function->state.config + offset, size);
    if (trace_on(&config_read_event)) {
        trace_emit(&config_read_event, bus->wiring.clock, function->device.name, (uint64_t)offset,
                   (uint64_t)size, (uint64_t)value, register_name(function, offset));
    }
    return value;
}

void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset, unsigned size, uint32_t value)
{
    struct pci_function *function = pci_bus_find(bus, devfn);
    if (!function || offset + size > PCI_CONFIG_SIZE) return;
    if (trace_on(&config_write_event)) {
        trace_emit(&config_write_event, bus->wiring.clock, function->device.name, (uint64_t)offset,
                   (uint64_t)size, (uint64_t)(value & bytes_mask(size)), register_name(function, offset));
    }
    lint_bar_write(function, offset, size);
    bool changed = false;
    for (unsigned i = 0; i < size; i++)
        changed |= store_byte(function, offset + i, (uint8_t)(value >> (8 * i)));
    if (changed) {
        update_mappings(function);
        if (overlaps(offset, size, PCI_COMMAND, 2)) update_intx(function);
    }
    if (function->config_written) function->config_written(function->owner, offset, size);
}

/* The function as a device */

static struct pci_function *from_device(struct device *device)
{
    return list_entry(device, struct pci_function, device);
}

static void pci_reset(struct device *device)
{
    struct pci_function *function = from_device(device);
    memcpy(function->state.config, function->reset_config, PCI_CONFIG_SIZE);
    function->state.intx = false;
    update_mappings(function);
    update_intx(function);
}

static void pci_loaded(struct device *device)
{
    update_mappings(from_device(device));
    update_intx(from_device(device));
}

static void pci_destroy(struct device *device)
{
    pci_function_destroy(from_device(device));
}

/* Beside the registers: what decides how the function's DMA goes on. Requests are the chip's own. */
static bool save_dma(const struct device *device, struct state_buffer *to, struct error *error)
{
    (void)error;
    dma_save(list_entry(device, const struct pci_function, device)->dma, to);
    return true;
}

static bool load_dma(struct device *device, struct state_buffer *from, struct error *error)
{
    return dma_load(from_device(device)->dma, from, error);
}

static const struct device_more pci_more = {.save = save_dma, .load = load_dma};

static const struct device_ops pci_device_ops = {"pci-function", &pci_table, pci_reset, pci_loaded,
                                                 pci_destroy};

/* Creation */

void pci_function_config(struct pci_function *function, unsigned offset, unsigned size, uint32_t value,
                         uint32_t writable)
{
    assert(offset + size <= PCI_CONFIG_SIZE);
    le_store(function->reset_config + offset, size, value);
    le_store(function->state.config + offset, size, value);
    le_store(function->writable + offset, size, writable);
}

void pci_function_registers(struct pci_function *function, const struct pci_register *registers,
                            unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct pci_register *row = &registers[i];
        pci_function_config(function, row->offset, row->size, row->reset, row->writable);
    }
    function->registers = registers;
    function->register_count = count;
}

static void fill_standard_registers(struct pci_function *function, const struct pci_identity *identity)
{
    const struct pci_register rows[] = {
        {"VID", PCI_VENDOR_ID, 2, identity->vendor, 0},
        {"DID", PCI_DEVICE_ID, 2, identity->device, 0},
        {"PCICMD", PCI_COMMAND, 2, 0, COMMAND_WRITABLE},
        {"PCISTS", PCI_STATUS, 2, STATUS_DEVSEL_MEDIUM, 0},
        {"RID", PCI_REVISION_ID, 1, identity->revision, 0},
        {"PI", PCI_PROG_IF, 1, identity->prog_if, 0},
        {"SCC", PCI_SUBCLASS, 1, identity->subclass, 0},
        {"BCC", PCI_CLASS, 1, identity->class, 0},
        {"CLS", PCI_CACHE_LINE_SIZE, 1, 0, 0xff},
        {"MLT", PCI_LATENCY_TIMER, 1, 0, 0xf8},
        {"HEDT", PCI_HEADER_TYPE, 1, identity->multifunction ? PCI_HEADER_MULTIFUNCTION : 0, 0},
        {"INTLN", PCI_INTERRUPT_LINE, 1, 0, identity->interrupt_pin ? 0xff : 0},
        {"INTPN", PCI_INTERRUPT_PIN, 1, identity->interrupt_pin, 0},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        pci_function_config(function, rows[i].offset, rows[i].size, rows[i].reset, rows[i].writable);
    }
    le16_store(function->clear_on_one + PCI_STATUS, STATUS_ERRORS);
}

static void make_dma_space(struct pci_function *function, const char *name)
{
    const struct pci_bus_wiring *wiring = &function->bus->wiring;
    function->dma_root = region_new_container(name, wiring->memory_size);
    function->dma_window =
        region_new_alias(name, wiring->dma_root, (struct region_at){0}, wiring->memory_size);
    region_enable(function->dma_window, false);
    region_add(function->dma_root, 0, function->dma_window, 0);
    function->dma = space_new(name, function->dma_root, wiring->memory_size, wiring->clock);
    dma_configure(function->dma, &wiring->dma);
}

void pci_function_init(struct pci_function *function, struct pci_bus *bus, uint8_t devfn, const char *name,
                       const struct pci_identity *identity,
                       void (*config_written)(void *owner, unsigned offset, unsigned size), void *owner)
{
    assert(!pci_bus_find(bus, devfn));
    function->bus = bus;
    function->devfn = devfn;
    function->config_written = config_written;
    function->owner = owner;
    fill_standard_registers(function, identity);
    make_dma_space(function, name);

    struct list *later = bus->functions.next;
    while (later != &bus->functions && list_entry(later, struct pci_function, node)->devfn < devfn) {
        later = later->next;
    }
    list_insert_before(later, &function->node);
    device_add(bus->wiring.devices, &function->device, &pci_device_ops, name, &function->state);
    function->device.more = &pci_more;
}

void pci_function_destroy(struct pci_function *function)
{
    function->state.intx = false;
    update_intx(function);
    for (unsigned n = 0; n < PCI_BARS; n++) {
        if (function->bars[n].region) region_remove(function->bars[n].region);
    }
    if (function->rom.region) region_remove(function->rom.region);
    list_remove(&function->node);
    list_remove(&function->device.node);
    space_free(function->dma);
    region_remove(function->dma_window);
    region_release(function->dma_window);
    region_release(function->dma_root);
}

static bool power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

void pci_function_add_bar(struct pci_function *function, unsigned n, struct region *region, bool io)
{
    assert(n < PCI_BARS && power_of_two(region->size) && region->size >= (io ? 4 : 16) &&
           region->size <= UINT32_MAX);
    uint32_t kind = region->kind == REGION_RAM ? PCI_BAR_PREFETCHABLE : 0;
    function->bars[n] = (struct pci_bar){region, io};
    pci_function_config(function, PCI_BAR0 + 4 * n, 4, io ? PCI_BAR_IO : kind, ~(uint32_t)(region->size - 1));
}

void pci_function_add_rom(struct pci_function *function, struct region *region)
{
    assert(power_of_two(region->size) && region->size >= 2048 && region->size <= 16 << 20);
    function->rom = (struct pci_bar){region, false};
    pci_function_config(function, PCI_ROM_BAR, 4, 0, ~(uint32_t)(region->size - 1) | PCI_ROM_ENABLE);
}

/* The bus */

struct pci_bus *pci_bus_new(const struct pci_bus_wiring *wiring)
{
    struct pci_bus *bus = calloc(1, sizeof(*bus));
    if (!bus) abort();
    bus->wiring = *wiring;
    list_init(&bus->functions);
    return bus;
}

void pci_bus_free(struct pci_bus *bus)
{
    assert(list_empty(&bus->functions));
    free(bus);
}

const struct pci_bus_wiring *pci_bus_wiring(const struct pci_bus *bus)
{
    return &bus->wiring;
}

void pci_bus_connect_intx(struct pci_bus *bus, const struct irq_line lines[4])
{
    memcpy(bus->wiring.intx, lines, sizeof(bus->wiring.intx));
    for (unsigned line = 0; line < 4; line++) bus_update_line(bus, line);
}

struct pci_function *pci_bus_find(struct pci_bus *bus, uint8_t devfn)
{
    for (struct list *node = bus->functions.next; node != &bus->functions; node = node->next) {
        struct pci_function *function = list_entry(node, struct pci_function, node);
        if (function->devfn == devfn) return function;
    }
    return NULL;
}

struct pci_function *pci_bus_next(struct pci_bus *bus, struct pci_function *after)
{
    struct list *next = after ? after->node.next : bus->functions.next;
    return next == &bus->functions ? NULL : list_entry(next, struct pci_function, node);
}

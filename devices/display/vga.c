/* SPDX-License-Identifier: MIT */
/*
 * VGA registers, and the card as a PCI function.
 *
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem". Reading the screen is
 * vga_text.c, the memory window vga_memory.c, the beam vga_timing.c, the Bochs VBE registers vga_dispi.c.
 */
#include <stdlib.h>
#include <string.h>
#include "devices/display/vga_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(register_event, "vga.write", "group:s index:x register:s value:x");

/* Register names and the bits that exist. */

struct vga_register {
    const char *name;
    uint8_t mask;
};

static const struct vga_register seq_registers[SEQ_COUNT] = {
    {"reset", 0x03},         {"clocking-mode", 0x3d}, {"map-mask", 0x0f},
    {"character-map", 0x3f}, {"memory-mode", 0x0e},
};

static const struct vga_register crtc_registers[CRTC_COUNT] = {
    {"h-total", 0xff},         {"h-display-end", 0xff}, {"h-blank-start", 0xff}, {"h-blank-end", 0xff},
    {"h-retrace-start", 0xff}, {"h-retrace-end", 0xff}, {"v-total", 0xff},       {"overflow", 0xff},
    {"preset-row", 0x7f},      {"max-scan-line", 0xff}, {"cursor-start", 0x3f},  {"cursor-end", 0x7f},
    {"start-high", 0xff},      {"start-low", 0xff},     {"cursor-high", 0xff},   {"cursor-low", 0xff},
    {"v-retrace-start", 0xff}, {"v-retrace-end", 0xff}, {"v-display-end", 0xff}, {"offset", 0xff},
    {"underline", 0x7f},       {"v-blank-start", 0xff}, {"v-blank-end", 0xff},   {"mode-control", 0xef},
    {"line-compare", 0xff},
};
enum { CRTC_PROTECT = 0x80, CRTC_PROTECTED_COUNT = 8, OVERFLOW_LINE_COMPARE = 0x10 };

static const struct vga_register gc_registers[GC_COUNT] = {
    {"set-reset", 0x0f}, {"enable-set-reset", 0x0f}, {"color-compare", 0x0f},
    {"rotate", 0x1f},    {"read-map", 0x03},         {"mode", 0x7b},
    {"misc", 0x0f},      {"color-care", 0x0f},       {"bit-mask", 0xff},
};

static const struct vga_register attr_registers[ATTR_COUNT] = {
    {"palette-0", 0x3f},    {"palette-1", 0x3f},  {"palette-2", 0x3f},    {"palette-3", 0x3f},
    {"palette-4", 0x3f},    {"palette-5", 0x3f},  {"palette-6", 0x3f},    {"palette-7", 0x3f},
    {"palette-8", 0x3f},    {"palette-9", 0x3f},  {"palette-10", 0x3f},   {"palette-11", 0x3f},
    {"palette-12", 0x3f},   {"palette-13", 0x3f}, {"palette-14", 0x3f},   {"palette-15", 0x3f},
    {"mode", 0xef},         {"overscan", 0xff},   {"plane-enable", 0x3f}, {"panning", 0x0f},
    {"color-select", 0x0f},
};

static const struct vga_register misc_register = {"misc-output", 0xef};
static const struct vga_register feature_register = {"feature", 0x0b};

/* State */

static const struct state_field vga_fields[] = {
    STATE_FIELD(struct vga_state, misc),
    STATE_FIELD(struct vga_state, feature),
    STATE_FIELD(struct vga_state, seq_index),
    STATE_FIELD(struct vga_state, seq),
    STATE_FIELD(struct vga_state, crtc_index),
    STATE_FIELD(struct vga_state, crtc),
    STATE_FIELD(struct vga_state, gc_index),
    STATE_FIELD(struct vga_state, gc),
    STATE_FIELD(struct vga_state, attr_index),
    STATE_FIELD(struct vga_state, attr),
    STATE_FIELD(struct vga_state, attr_data_next),
    STATE_FIELD(struct vga_state, dac),
    STATE_FIELD(struct vga_state, dac_mask),
    STATE_FIELD(struct vga_state, dac_index),
    STATE_FIELD(struct vga_state, dac_component),
    STATE_FIELD(struct vga_state, dac_held),
    STATE_FIELD(struct vga_state, dac_reading),
    STATE_FIELD(struct vga_state, latches),
    STATE_FIELD(struct vga_state, dispi_index),
    STATE_FIELD(struct vga_state, dispi),
    STATE_END,
};
static const struct state_table vga_table = {"vga", 1, sizeof(struct vga_state), vga_fields};

/* A register of a group is stored, with the bits that exist. */
static void set_register(struct vga *vga, const char *group, unsigned index, const struct vga_register *row,
                         uint8_t *to, uint8_t value)
{
    if (trace_on(&register_event)) {
        trace_emit(&register_event, vga->clock, group, (uint64_t)index, row->name, (uint64_t)value);
    }
    value &= row->mask;
    if (*to == value) return;
    *to = value;
    vga->generation++;
}

/* CRT controller: bit 7 of Vertical Retrace End protects registers 0-7, but for the line compare bit. */
static void write_crtc(struct vga *vga, uint8_t value)
{
    struct vga_state *state = &vga->state;
    unsigned index = state->crtc_index;
    if (index >= CRTC_COUNT) return;
    if (index < CRTC_PROTECTED_COUNT && (state->crtc[CRTC_V_RETRACE_END] & CRTC_PROTECT)) {
        if (index != CRTC_OVERFLOW) return;
        value = (uint8_t)((state->crtc[index] & ~OVERFLOW_LINE_COMPARE) | (value & OVERFLOW_LINE_COMPARE));
    }
    set_register(vga, "crtc", index, &crtc_registers[index], &state->crtc[index], value);
}

/* Attribute controller: one port for index and data, in turns. The palette can be written only while the
 * index's bit 5 leaves it to the CPU. */
static void write_attribute(struct vga *vga, uint8_t value)
{
    struct vga_state *state = &vga->state;
    bool data = state->attr_data_next;
    unsigned index = state->attr_index & ATTR_INDEX;
    state->attr_data_next = !data;
    if (!data) {
        vga->generation += (state->attr_index ^ value) & ATTR_PALETTE_SOURCE ? 1 : 0;
        state->attr_index = value & (ATTR_INDEX | ATTR_PALETTE_SOURCE);
        return;
    }
    if (index >= ATTR_COUNT) return;
    if (index < 16 && (state->attr_index & ATTR_PALETTE_SOURCE)) {
        lint(vga->device.name, "VGA, Attribute Controller, Address Register",
             "palette register %u is written while the screen uses the palette", index);
        return;
    }
    set_register(vga, "attribute", index, &attr_registers[index], &state->attr[index], value);
}

static uint8_t read_attribute(const struct vga_state *state)
{
    unsigned index = state->attr_index & ATTR_INDEX;
    return index < ATTR_COUNT ? state->attr[index] : 0;
}

/* Digital-to-analog converter: three accesses make a colour; a write takes effect with the third. */

enum { DAC_STATE_WRITE = 0, DAC_STATE_READ = 3 };

static void set_dac_index(struct vga_state *state, uint8_t index, bool reading)
{
    state->dac_index = index;
    state->dac_component = 0;
    state->dac_reading = reading;
}

static void next_dac_component(struct vga_state *state)
{
    if (++state->dac_component < 3) return;
    state->dac_component = 0;
    state->dac_index++;
}

static uint8_t read_dac(struct vga_state *state)
{
    uint8_t value = state->dac[state->dac_index * 3 + state->dac_component];
    next_dac_component(state);
    return value;
}

static void write_dac(struct vga *vga, uint8_t value)
{
    struct vga_state *state = &vga->state;
    if (!(state->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC)) value &= 0x3f;
    if (state->dac_component < 2) {
        state->dac_held[state->dac_component] = value;
    } else {
        uint8_t *color = &state->dac[state->dac_index * 3];
        memcpy(color, state->dac_held, 2);
        color[2] = value;
        vga->generation++;
    }
    next_dac_component(state);
}

/* Ports, counted from 3B0h */

enum {
    PORT_BASE = 0x3b0,
    PORT_CRTC_INDEX_MONO = 0x04,
    PORT_CRTC_DATA_MONO = 0x05,
    PORT_STATUS1_MONO = 0x0a,
    PORT_ATTR = 0x10,
    PORT_ATTR_READ = 0x11,
    PORT_MISC_WRITE = 0x12, /* reads Input Status 0 */
    PORT_SEQ_INDEX = 0x14,
    PORT_SEQ_DATA = 0x15,
    PORT_DAC_MASK = 0x16,
    PORT_DAC_READ_INDEX = 0x17, /* reads the DAC's state */
    PORT_DAC_WRITE_INDEX = 0x18,
    PORT_DAC_DATA = 0x19,
    PORT_FEATURE_READ = 0x1a,
    PORT_MISC_READ = 0x1c,
    PORT_GC_INDEX = 0x1e,
    PORT_GC_DATA = 0x1f,
    PORT_CRTC_INDEX = 0x24,
    PORT_CRTC_DATA = 0x25,
    PORT_STATUS1 = 0x2a, /* writes Feature Control */
    PORT_COUNT = 0x30,
    MONO_PORTS = 0x0c, /* 3B0h-3BBh */
    COLOR_PORTS = PORT_COUNT - PORT_ATTR,
};
enum { COLOR_DISTANCE = 0x20, STATUS0_SENSE = 0x10 };

/* Three registers are at 3Bxh or at 3Dxh; the port of the other place is nobody's. Gives the port at 3Dxh. */
static bool effective_port(const struct vga_state *state, unsigned *port)
{
    bool mono = *port < PORT_ATTR;
    if (mono) {
        *port += COLOR_DISTANCE;
        return !(state->misc & MISC_COLOR) &&
               (*port == PORT_CRTC_INDEX || *port == PORT_CRTC_DATA || *port == PORT_STATUS1);
    }
    return *port < COLOR_DISTANCE || (state->misc & MISC_COLOR);
}

static uint8_t read_port(struct vga *vga, unsigned port)
{
    struct vga_state *state = &vga->state;
    if (!effective_port(state, &port)) return 0xff;
    switch (port) {
    case PORT_ATTR: return state->attr_index;
    case PORT_ATTR_READ: return read_attribute(state);
    case PORT_MISC_WRITE: return STATUS0_SENSE;
    case PORT_SEQ_INDEX: return state->seq_index;
    case PORT_SEQ_DATA: return state->seq_index < SEQ_COUNT ? state->seq[state->seq_index] : 0;
    case PORT_DAC_MASK: return state->dac_mask;
    case PORT_DAC_READ_INDEX: return state->dac_reading ? DAC_STATE_READ : DAC_STATE_WRITE;
    case PORT_DAC_WRITE_INDEX: return state->dac_index;
    case PORT_DAC_DATA: return read_dac(state);
    case PORT_FEATURE_READ: return state->feature;
    case PORT_MISC_READ: return state->misc;
    case PORT_GC_INDEX: return state->gc_index;
    case PORT_GC_DATA: return state->gc_index < GC_COUNT ? state->gc[state->gc_index] : 0;
    case PORT_CRTC_INDEX: return state->crtc_index;
    case PORT_CRTC_DATA: return state->crtc_index < CRTC_COUNT ? state->crtc[state->crtc_index] : 0;
    case PORT_STATUS1: state->attr_data_next = false; return vga_beam_status(vga);
    default: return 0xff;
    }
}

static void write_port(struct vga *vga, unsigned port, uint8_t value)
{
    struct vga_state *state = &vga->state;
    unsigned seq = state->seq_index, gc = state->gc_index;
    if (!effective_port(state, &port)) return;
    switch (port) {
    case PORT_ATTR: write_attribute(vga, value); break;
    case PORT_MISC_WRITE: set_register(vga, "general", 0, &misc_register, &state->misc, value); break;
    case PORT_SEQ_INDEX: state->seq_index = value & 0x07; break;
    case PORT_SEQ_DATA:
        if (seq < SEQ_COUNT)
            set_register(vga, "sequencer", seq, &seq_registers[seq], &state->seq[seq], value);
        break;
    case PORT_DAC_MASK:
        state->dac_mask = value;
        vga->generation++;
        break;
    case PORT_DAC_READ_INDEX: set_dac_index(state, value, true); break;
    case PORT_DAC_WRITE_INDEX: set_dac_index(state, value, false); break;
    case PORT_DAC_DATA: write_dac(vga, value); break;
    case PORT_GC_INDEX: state->gc_index = value & 0x0f; break;
    case PORT_GC_DATA:
        if (gc < GC_COUNT) set_register(vga, "graphics", gc, &gc_registers[gc], &state->gc[gc], value);
        break;
    case PORT_CRTC_INDEX: state->crtc_index = value; break;
    case PORT_CRTC_DATA: write_crtc(vga, value); break;
    case PORT_STATUS1: set_register(vga, "general", 1, &feature_register, &state->feature, value); break;
    default: break;
    }
}

static enum mem_result port_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    *value = read_port(owner, (unsigned)at.offset);
    return MEM_OK;
}

static enum mem_result port_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    write_port(owner, (unsigned)at.offset, (uint8_t)value);
    return MEM_OK;
}

/* A word written to an index port sets index and data: the low byte goes first. */
static const struct mmio_ops port_ops = {port_read, port_write, 1, 1, false};

/* The card as a device. Its configuration space is reset before this. */

static struct vga *from_device(struct device *device)
{
    return list_entry(device, struct vga, device);
}

/* Video memory keeps what it holds; firmware clears it. */
static void vga_reset(struct device *device)
{
    struct vga *vga = from_device(device);
    memset(&vga->state, 0, sizeof(vga->state));
    vga_dispi_reset(vga);
    vga->generation++;
}

static void vga_loaded(struct device *device)
{
    struct vga *vga = from_device(device);
    vga->state.dac_component %= 3;
    vga->generation++;
}

static void drop(struct region *region)
{
    if (!region) return;
    region_remove(region);
    region_release(region);
}

static void vga_destroy(struct device *device)
{
    struct vga *vga = from_device(device);
    pci_function_destroy(&vga->function);
    drop(vga->mono_ports);
    drop(vga->color_ports);
    drop(vga->dispi_ports);
    drop(vga->window);
    drop(vga->ports);
    drop(vga->rom);
    drop(vga->memory);
    free(vga);
}

static const struct device_ops vga_device_ops = {"vga", &vga_table, vga_reset, vga_loaded, vga_destroy};

/* Creation */

enum { DISPI_PORT = 0x1ce, DISPI_PORTS = 4 };

/* The two ranges that a bridge forwards for a VGA (PCI to PCI Bridge 1.1, 3.2.5.18), and DISPI. */
static void make_ports(struct vga *vga, struct region *io)
{
    vga->ports = region_new_mmio("vga", PORT_COUNT, &port_ops, vga, NULL);
    vga->mono_ports = region_new_alias("vga-mono", vga->ports, (struct region_at){0}, MONO_PORTS);
    vga->color_ports = region_new_alias("vga-color", vga->ports, (struct region_at){PORT_ATTR}, COLOR_PORTS);
    vga->dispi_ports = region_new_mmio("vga-dispi", DISPI_PORTS, &vga_dispi_ops, vga, NULL);
    region_add(io, PORT_BASE, vga->mono_ports, 0);
    region_add(io, PORT_BASE + PORT_ATTR, vga->color_ports, 0);
    region_add(io, DISPI_PORT, vga->dispi_ports, 0);
}

static bool make_rom(struct vga *vga, const struct vga_wiring *wiring, struct error *error)
{
    uint64_t size = 2048;
    if (!wiring->rom) return true;
    if (wiring->rom_size > 1 << 20) return error_set(error, "video BIOS: larger than 1 MiB");
    while (size < wiring->rom_size) size *= 2;
    vga->rom = region_new_rom("vga-rom", size, error);
    if (!vga->rom) return false;
    memset(vga->rom->host, 0xff, size);
    memcpy(vga->rom->host, wiring->rom, wiring->rom_size);
    return true;
}

static bool make_memory(struct vga *vga, const struct vga_wiring *wiring, struct error *error)
{
    vga->memory = region_new_ram("vga-memory", VGA_MEMORY, error);
    if (!vga->memory || !make_rom(vga, wiring, error)) {
        drop(vga->memory);
        return false;
    }
    vga->window = region_new_mmio("vga-window", VGA_WINDOW_SIZE, &vga_window_ops, vga, NULL);
    region_add(pci_bus_wiring(wiring->bus)->memory, VGA_WINDOW_PLACE, vga->window, 0);
    return true;
}

struct vga *vga_new(const struct vga_wiring *wiring, struct error *error)
{
    const struct pci_bus_wiring *bus = pci_bus_wiring(wiring->bus);
    struct vga *vga = calloc(1, sizeof(*vga));
    if (!vga) abort();
    vga->clock = bus->clock;
    if (!make_memory(vga, wiring, error)) {
        free(vga);
        return NULL;
    }
    make_ports(vga, bus->io);
    const struct pci_identity identity = {.vendor = 0x1234, .device = 0x1111, .class = 3};
    pci_function_init(&vga->function, wiring->bus, wiring->devfn, "vga-pci", &identity, NULL, vga);
    pci_function_add_bar(&vga->function, 0, vga->memory, false);
    if (vga->rom) pci_function_add_rom(&vga->function, vga->rom);
    device_add(bus->devices, &vga->device, &vga_device_ops, "vga", &vga->state);
    vga_reset(&vga->device);
    return vga;
}

uint64_t vga_generation(const struct vga *vga)
{
    return vga->generation;
}

struct region *vga_memory(const struct vga *vga)
{
    return vga->memory;
}

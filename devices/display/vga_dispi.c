/* SPDX-License-Identifier: MIT */
/*
 * The Bochs VBE registers (DISPI): an index port and a data port of 16 bits.
 *
 * Specification: Bochs VBE Display API, versions B0C0 to B0C5. Modes are stored; drawing them is not done
 * here.
 */
#include <string.h>
#include "devices/display/vga_internal.h"
#include "emu/core/trace.h"
#include "mem/space.h"

TRACE_EVENT(dispi_event, "vga.dispi", "register:s value:x");

enum { DISPI_ID_FIRST = 0xb0c0, DISPI_ID_LAST = 0xb0c5 };
enum { MAX_XRES = 2560, MAX_YRES = 1600, MAX_BPP = 32 };
enum { BANKS = VGA_MEMORY >> 16 };

static const char *const names[DISPI_COUNT] = {"ID",       "XRES",     "YRES",       "BPP",
                                               "ENABLE",   "BANK",     "VIRT_WIDTH", "VIRT_HEIGHT",
                                               "X_OFFSET", "Y_OFFSET", "MEMORY_64K"};

void vga_dispi_reset(struct vga *vga)
{
    memset(vga->state.dispi, 0, sizeof(vga->state.dispi));
    vga->state.dispi[DISPI_ID] = DISPI_ID_LAST;
    vga->state.dispi[DISPI_MEMORY_64K] = BANKS;
    vga->state.dispi_index = 0;
}

static uint32_t bits_per_pixel(const uint16_t *dispi)
{
    return dispi[DISPI_BPP] == 15 ? 16 : dispi[DISPI_BPP];
}

static void set_virtual_width(uint16_t *dispi, uint16_t width)
{
    uint32_t line = (uint32_t)width * bits_per_pixel(dispi) / 8;
    if (!line || (uint64_t)line * dispi[DISPI_YRES] > VGA_MEMORY) return;
    uint32_t height = VGA_MEMORY / line;
    dispi[DISPI_VIRT_WIDTH] = width;
    dispi[DISPI_VIRT_HEIGHT] = (uint16_t)(height < 0xffff ? height : 0xffff);
}

static bool mode_fits(const uint16_t *dispi)
{
    uint64_t bits = (uint64_t)dispi[DISPI_XRES] * dispi[DISPI_YRES] * bits_per_pixel(dispi);
    return bits > 0 && bits / 8 <= VGA_MEMORY;
}

static void set_enable(struct vga *vga, uint16_t value)
{
    uint16_t *dispi = vga->state.dispi;
    bool turns_on = (value & DISPI_ENABLED) && !vga_dispi_on(vga);
    if (turns_on && !mode_fits(dispi)) value &= (uint16_t)~DISPI_ENABLED;
    dispi[DISPI_ENABLE] = value;
    if (!turns_on || !(value & DISPI_ENABLED)) return;
    set_virtual_width(dispi, dispi[DISPI_XRES]);
    dispi[DISPI_BANK] = dispi[DISPI_X_OFFSET] = dispi[DISPI_Y_OFFSET] = 0;
    if (value & DISPI_NO_CLEAR) return;
    uint64_t size = (uint64_t)dispi[DISPI_XRES] * dispi[DISPI_YRES] * bits_per_pixel(dispi) / 8;
    region_written(vga->memory, (struct region_at){0}, size);
    memset(vga->memory->host, 0, size);
}

/* Resolutions and depth are fixed while the mode is on. Values that no mode can have are not taken. */
static void set_mode_register(struct vga *vga, unsigned index, uint16_t value)
{
    static const uint8_t depths[] = {4, 8, 15, 16, 24, 32};
    bool legal = !vga_dispi_on(vga);
    if (index == DISPI_XRES) legal &= value <= MAX_XRES && value % 8 == 0;
    if (index == DISPI_YRES) legal &= value <= MAX_YRES;
    if (index == DISPI_BPP) legal &= memchr(depths, value, sizeof(depths)) != NULL && value <= MAX_BPP;
    if (legal) vga->state.dispi[index] = value;
}

static void write_register(struct vga *vga, unsigned index, uint16_t value)
{
    uint16_t *dispi = vga->state.dispi;
    switch (index) {
    case DISPI_ID:
        if (value >= DISPI_ID_FIRST && value <= DISPI_ID_LAST) dispi[DISPI_ID] = value;
        break;
    case DISPI_XRES:
    case DISPI_YRES:
    case DISPI_BPP: set_mode_register(vga, index, value); break;
    case DISPI_ENABLE: set_enable(vga, value); break;
    case DISPI_BANK:
        if (value < BANKS) dispi[DISPI_BANK] = value;
        break;
    case DISPI_VIRT_WIDTH:
        if (value >= dispi[DISPI_XRES]) set_virtual_width(dispi, value);
        break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET: dispi[index] = value; break;
    default: break; /* the rest is read-only */
    }
    vga->generation++;
}

/* With GETCAPS set, the mode registers tell the largest values instead. */
static uint16_t read_register(const struct vga *vga, unsigned index)
{
    if (index >= DISPI_COUNT) return 0;
    if (vga->state.dispi[DISPI_ENABLE] & DISPI_GETCAPS) {
        if (index == DISPI_XRES) return MAX_XRES;
        if (index == DISPI_YRES) return MAX_YRES;
        if (index == DISPI_BPP) return MAX_BPP;
    }
    return vga->state.dispi[index];
}

/* Offset 0 is the index port; 1 and 2 are both the data port. Only words are accesses. */
static enum mem_result dispi_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    const struct vga *vga = owner;
    *value = bytes_mask(size);
    if (size == 2)
        *value = at.offset == 0 ? vga->state.dispi_index : read_register(vga, vga->state.dispi_index);
    return MEM_OK;
}

static enum mem_result dispi_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct vga *vga = owner;
    unsigned index = vga->state.dispi_index;
    if (size != 2) return MEM_OK;
    if (at.offset == 0) {
        vga->state.dispi_index = (uint16_t)value;
    } else if (index < DISPI_COUNT) {
        if (trace_on(&dispi_event)) trace_emit(&dispi_event, vga->clock, names[index], value);
        write_register(vga, index, (uint16_t)value);
    }
    return MEM_OK;
}

const struct mmio_ops vga_dispi_ops = {dispi_read, dispi_write, 1, 2, true};

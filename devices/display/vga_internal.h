/* SPDX-License-Identifier: MIT */
/* What the files of the VGA share: its registers and memory. For devices/display/vga*.c only. */
#ifndef DEVICES_DISPLAY_VGA_INTERNAL_H
#define DEVICES_DISPLAY_VGA_INTERNAL_H

#include "devices/display/vga.h"
#include "emu/core/bits.h"

#define VGA_MEMORY       (16u << 20)
#define VGA_WINDOW_PLACE 0xa0000
#define VGA_WINDOW_SIZE  0x20000
#define VGA_PLANE_MASK   0xffff /* a plane has 64 KiB */

/* Miscellaneous Output */
enum { MISC_COLOR = 0x01, MISC_RAM = 0x02, MISC_CLOCK_SHIFT = 2 };

/* Sequencer */
enum { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_CHARACTER_MAP, SEQ_MEMORY_MODE, SEQ_COUNT };
enum { CLOCKING_8_DOTS = 0x01, CLOCKING_HALF = 0x08 };
enum { MEMORY_SEQUENTIAL = 0x04, MEMORY_CHAIN4 = 0x08 };

/* CRT controller */
enum {
    CRTC_H_TOTAL = 0x00,
    CRTC_H_DISPLAY_END = 0x01,
    CRTC_V_TOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_MAX_SCAN = 0x09,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_START_HIGH = 0x0c,
    CRTC_START_LOW = 0x0d,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,
    CRTC_V_RETRACE_START = 0x10,
    CRTC_V_RETRACE_END = 0x11,
    CRTC_V_DISPLAY_END = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_MODE = 0x17,
    CRTC_COUNT = 0x19,
};

/* Graphics controller */
enum {
    GC_SET_RESET,
    GC_ENABLE_SET_RESET,
    GC_COLOR_COMPARE,
    GC_ROTATE,
    GC_READ_MAP,
    GC_MODE,
    GC_MISC,
    GC_COLOR_CARE,
    GC_BIT_MASK,
    GC_COUNT
};
enum { GC_MODE_READ_COMPARE = 0x08, GC_MODE_ODD_EVEN = 0x10 };
enum { GC_MISC_GRAPHICS = 0x01, GC_MISC_MAP_SHIFT = 2 };

/* Attribute controller */
enum { ATTR_MODE = 0x10, ATTR_COLOR_SELECT = 0x14, ATTR_COUNT = 0x15 };
enum { ATTR_MODE_BLINK = 0x08, ATTR_MODE_P54 = 0x80 };
enum { ATTR_INDEX = 0x1f, ATTR_PALETTE_SOURCE = 0x20 };

/* DISPI */
enum {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY_64K,
    DISPI_COUNT
};
enum {
    DISPI_ENABLED = 0x01,
    DISPI_GETCAPS = 0x02,
    DISPI_8BIT_DAC = 0x20,
    DISPI_LFB = 0x40,
    DISPI_NO_CLEAR = 0x80
};

struct vga_state {
    uint8_t misc, feature;
    uint8_t seq_index, seq[SEQ_COUNT];
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t gc_index, gc[GC_COUNT];
    uint8_t attr_index, attr[ATTR_COUNT]; /* the index with its Palette Address Source bit */
    bool attr_data_next;                  /* the flip-flop of port 3C0h */
    uint8_t dac[256 * 3], dac_mask, dac_index, dac_component, dac_held[2];
    bool dac_reading;
    uint8_t latches[4];
    uint16_t dispi_index, dispi[DISPI_COUNT];
};

struct vga {
    struct pci_function function;
    struct device device;
    struct vga_state state;
    struct clock *clock;
    struct region *memory; /* plane p of address a is byte a * 4 + p */
    struct region *window, *rom;
    struct region *ports, *mono_ports, *color_ports, *dispi_ports;
    uint64_t generation;
};

static inline bool vga_dispi_on(const struct vga *vga)
{
    return vga->state.dispi[DISPI_ENABLE] & DISPI_ENABLED;
}

/* vga_memory.c: the window at A0000h. */
extern const struct mmio_ops vga_window_ops;

/* vga_timing.c: where the beam is, as bits 0 (display off) and 3 (vertical retrace) of Input Status 1. */
uint8_t vga_beam_status(const struct vga *vga);
/* Vertical Display End with its overflow bits: visible scan lines. */
unsigned vga_visible_lines(const struct vga_state *state);

/* vga_dispi.c */
extern const struct mmio_ops vga_dispi_ops;
void vga_dispi_reset(struct vga *vga);

#endif

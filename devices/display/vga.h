/* SPDX-License-Identifier: MIT */
/*
 * VGA: the register set and planar memory of the IBM VGA, on a PCI card 1234:1111 with the Bochs VBE (DISPI)
 * registers. Specifications: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; Bochs VBE
 * Display API, version B0C5.
 *
 *     3B0h-3BBh, 3C0h-3DFh   VGA registers; the CRTC and Input Status 1 are at 3Bxh or 3Dxh as Miscellaneous Output says
 *     1CEh, 1CFh (or 1D0h)   DISPI index and data
 *     A0000h-BFFFFh          the window on the first 256 KiB of video memory (64 KiB in each of 4 planes), or, while a
 *                            DISPI mode is on, on 64 KiB banks of all of it
 *     BAR 0                  16 MiB of video memory, as a linear frame buffer
 *     expansion ROM          the video BIOS
 *
 * The legacy addresses answer whatever the PCI Command register says, so that a screen can be had without
 * firmware. DISPI modes are set and stored; text modes can be looked at here (vga_text_get). Retrace bits
 * follow virtual time.
 */
#ifndef DEVICES_DISPLAY_VGA_H
#define DEVICES_DISPLAY_VGA_H

#include "devices/bus/pci.h"

struct vga;

struct vga_wiring {
    struct pci_bus *bus;
    uint8_t devfn;
    const void *rom; /* the video BIOS, copied; NULL for none */
    size_t rom_size; /* at most 1 MiB */
};

/* Devices: "vga-pci" and "vga". */
struct vga *vga_new(const struct vga_wiring *wiring, struct error *error);

#define VGA_TEXT_COLUMNS 132
#define VGA_TEXT_ROWS    60

/* The text screen as it is now. */
struct vga_text {
    unsigned columns, rows;
    uint16_t
        cells[VGA_TEXT_COLUMNS * VGA_TEXT_ROWS]; /* row by row, `columns` each: character | attribute << 8 */
    bool blink;           /* bit 7 of an attribute blinks the character; else it is a bright background */
    uint32_t palette[16]; /* 0xRRGGBB */
    unsigned cell_height; /* scan lines of a character */
    bool cursor_visible;  /* the guest shows it, and it is on the screen */
    unsigned cursor_column, cursor_row;
    unsigned cursor_first, cursor_last; /* scan lines of the cell that it covers */
};

/* False, with the structure unspecified, while no text mode is on or it has more cells than fit. */
bool vga_text_get(const struct vga *vga, struct vga_text *text);

/* Changes whenever what the screen shows may have changed (but for what is written through BAR 0). */
uint64_t vga_generation(const struct vga *vga);

/* All of video memory, for saving and loading. */
struct region *vga_memory(const struct vga *vga);

#endif

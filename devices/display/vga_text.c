/* SPDX-License-Identifier: MIT */
/*
 * Reading the text screen out of the VGA's memory, as its CRTC would.
 *
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "CRT Controller Registers", "Attribute
 * Controller Registers", "Video Digital-to-Analog Converter". Smooth scrolling and split screens are not
 * followed.
 */
#include "devices/display/vga_internal.h"

enum { SEQ_RUNNING = 3 };
enum { MAX_SCAN_LINES = 0x1f, MAX_SCAN_DOUBLE = 0x80 };
enum { CURSOR_OFF = 0x20, CURSOR_LINES = 0x1f };
enum { UNDERLINE_DWORD = 0x40, MODE_BYTE = 0x40, MODE_WRAP_64K = 0x20 };

static unsigned crtc_pair(const struct vga_state *state, unsigned high)
{
    return (unsigned)state->crtc[high] << 8 | state->crtc[high + 1];
}

/* The address in each plane that the CRTC's counter stands for: counted in bytes, words or double words. */
static uint32_t plane_address(const struct vga_state *state, unsigned counter)
{
    if (state->crtc[CRTC_UNDERLINE] & UNDERLINE_DWORD) {
        return (counter << 2 | bits_get(counter, 14, 2)) & VGA_PLANE_MASK;
    }
    if (state->crtc[CRTC_MODE] & MODE_BYTE) return counter & VGA_PLANE_MASK;
    unsigned wrapped = bits_get(counter, state->crtc[CRTC_MODE] & MODE_WRAP_64K ? 15 : 13, 1);
    return (counter << 1 | wrapped) & VGA_PLANE_MASK;
}

static unsigned dac_level(const struct vga_state *state, unsigned index)
{
    unsigned level = state->dac[index];
    return state->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC ? level : level << 2 | level >> 4;
}

/* An attribute's colour goes through the palette, Color Select and the DAC's mask. */
static uint32_t color(const struct vga_state *state, unsigned attribute)
{
    unsigned select = state->attr[ATTR_COLOR_SELECT];
    unsigned index = state->attr[attribute] & 0x3f;
    if (state->attr[ATTR_MODE] & ATTR_MODE_P54) index = (index & 0x0f) | bits_get(select, 0, 2) << 4;
    index |= bits_get(select, 2, 2) << 6;
    index &= state->dac_mask;
    return dac_level(state, index * 3) << 16 | dac_level(state, index * 3 + 1) << 8 |
           dac_level(state, index * 3 + 2);
}

static unsigned row_length(const struct vga_state *state)
{
    return state->crtc[CRTC_OFFSET] * 2u;
}

static bool get_geometry(const struct vga_state *state, struct vga_text *text)
{
    unsigned scan = state->crtc[CRTC_MAX_SCAN];
    unsigned lines = vga_visible_lines(state);
    if (scan & MAX_SCAN_DOUBLE) lines /= 2;
    text->cell_height = (scan & MAX_SCAN_LINES) + 1;
    text->columns = state->crtc[CRTC_H_DISPLAY_END] + 1u;
    text->rows = lines / text->cell_height;
    return text->columns <= VGA_TEXT_COLUMNS && text->rows > 0 && text->rows <= VGA_TEXT_ROWS;
}

static void get_cursor(const struct vga_state *state, struct vga_text *text)
{
    unsigned from_start = (crtc_pair(state, CRTC_CURSOR_HIGH) - crtc_pair(state, CRTC_START_HIGH)) & 0xffff;
    unsigned length = row_length(state);
    text->cursor_row = length ? from_start / length : 0;
    text->cursor_column = length ? from_start % length : from_start;
    text->cursor_first = state->crtc[CRTC_CURSOR_START] & CURSOR_LINES;
    text->cursor_last = state->crtc[CRTC_CURSOR_END] & CURSOR_LINES;
    text->cursor_visible = !(state->crtc[CRTC_CURSOR_START] & CURSOR_OFF) &&
                           text->cursor_first <= text->cursor_last &&
                           text->cursor_first < text->cell_height && text->cursor_row < text->rows &&
                           text->cursor_column < text->columns;
}

bool vga_text_get(const struct vga *vga, struct vga_text *text)
{
    const struct vga_state *state = &vga->state;
    bool running = (state->seq[SEQ_RESET] & SEQ_RUNNING) == SEQ_RUNNING;
    if (!running || vga_dispi_on(vga) || (state->gc[GC_MISC] & GC_MISC_GRAPHICS)) return false;
    if (!get_geometry(state, text)) return false;
    uint16_t *cell = text->cells;
    for (unsigned row = 0; row < text->rows; row++) {
        unsigned counter = crtc_pair(state, CRTC_START_HIGH) + row * row_length(state);
        for (unsigned column = 0; column < text->columns; column++) {
            *cell++ = le16_load(vga->memory->host + 4 * plane_address(state, counter + column));
        }
    }
    for (unsigned i = 0; i < 16; i++) text->palette[i] = color(state, i);
    text->blink = state->attr[ATTR_MODE] & ATTR_MODE_BLINK;
    get_cursor(state, text);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Where the VGA's beam is at a point of virtual time, from the timing that the CRTC is programmed for.
 *
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "CRT Controller Registers", "Input Status
 * Register 1".
 */
#include "devices/display/vga_internal.h"

enum { STATUS_DISPLAY_OFF = 0x01, STATUS_V_RETRACE = 0x08 };

/* In dots and lines; the retrace is [retrace_start, retrace_end). */
struct timing {
    uint32_t dot_clock;
    unsigned line_dots, visible_dots;
    unsigned frame_lines, visible_lines, retrace_start, retrace_end;
};

/* Taken while the CRTC is not set up, so that software which waits for a retrace sees one: 720 x 400, 70 Hz.
 */
static const struct timing power_on_timing = {28322000, 900, 720, 449, 400, 412, 414};

unsigned vga_visible_lines(const struct vga_state *state)
{
    unsigned overflow = state->crtc[CRTC_OVERFLOW];
    return (state->crtc[CRTC_V_DISPLAY_END] | bits_get(overflow, 1, 1) << 8 | bits_get(overflow, 6, 1) << 9) +
           1;
}

static struct timing current_timing(const struct vga_state *state)
{
    const uint8_t *crtc = state->crtc;
    unsigned overflow = crtc[CRTC_OVERFLOW], character = state->seq[SEQ_CLOCKING] & CLOCKING_8_DOTS ? 8 : 9;
    struct timing timing = {
        .dot_clock = bits_get(state->misc, MISC_CLOCK_SHIFT, 2) == 1 ? 28322000 : 25175000,
        .line_dots = (crtc[CRTC_H_TOTAL] + 5u) * character,
        .visible_dots = (crtc[CRTC_H_DISPLAY_END] + 1u) * character,
        .frame_lines =
            (crtc[CRTC_V_TOTAL] | bits_get(overflow, 0, 1) << 8 | bits_get(overflow, 5, 1) << 9) + 2,
        .visible_lines = vga_visible_lines(state),
        .retrace_start =
            crtc[CRTC_V_RETRACE_START] | bits_get(overflow, 2, 1) << 8 | bits_get(overflow, 7, 1) << 9,
    };
    if (state->seq[SEQ_CLOCKING] & CLOCKING_HALF) timing.dot_clock /= 2;
    /* The end is given by its lowest 4 bits. */
    unsigned length = (crtc[CRTC_V_RETRACE_END] - timing.retrace_start) & 15;
    timing.retrace_end = timing.retrace_start + (length ? length : 16);
    bool usable = timing.visible_lines <= timing.retrace_start && timing.retrace_start < timing.frame_lines &&
                  timing.visible_dots < timing.line_dots;
    return usable ? timing : power_on_timing;
}

uint8_t vga_beam_status(const struct vga *vga)
{
    struct timing timing = current_timing(&vga->state);
    vtime now = clock_now(vga->clock);
    uint64_t seconds = (uint64_t)(now / VTIME_S), rest = (uint64_t)(now % VTIME_S);
    uint64_t dots = seconds * timing.dot_clock + rest * timing.dot_clock / (uint64_t)VTIME_S;
    uint64_t in_frame = dots % ((uint64_t)timing.line_dots * timing.frame_lines);
    unsigned line = (unsigned)(in_frame / timing.line_dots), dot = (unsigned)(in_frame % timing.line_dots);
    uint8_t status = 0;
    if (line >= timing.visible_lines || dot >= timing.visible_dots) status |= STATUS_DISPLAY_OFF;
    if (line >= timing.retrace_start && line < timing.retrace_end) status |= STATUS_V_RETRACE;
    return status;
}

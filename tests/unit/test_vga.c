/* SPDX-License-Identifier: MIT */
/* VGA registers, planar memory, the text screen, retrace, and the card's PCI and DISPI sides. */
#include <string.h>
#include "devices/display/vga.h"
#include "tests/unit/chipset_bench.h"

#define DEVFN (2 << 3)

static struct bench bench;
static struct vga *vga;
static struct vga_text text;
static const uint8_t rom[3000] = {0x55, 0xaa, 6};

static void setup(void)
{
    struct error error;
    bench_init(&bench, BENCH_RAM);
    vga = vga_new(&(struct vga_wiring){.bus = bench.bus, .devfn = DEVFN, .rom = rom, .rom_size = sizeof(rom)},
                  &error);
    ck_assert(vga);
}

static void teardown(void)
{
    bench_destroy(&bench);
}

static void set_indexed(uint16_t port, uint8_t index, uint8_t value)
{
    out(&bench, port, 2, (uint32_t)value << 8 | index);
}

static uint8_t get_indexed(uint16_t port, uint8_t index)
{
    out(&bench, port, 1, index);
    return (uint8_t)in(&bench, port + 1, 1);
}

static void set_attribute(uint8_t index, uint8_t value)
{
    in(&bench, 0x3da, 1);
    out(&bench, 0x3c0, 1, index);
    out(&bench, 0x3c0, 1, value);
}

static void set_color(uint8_t index, uint8_t r, uint8_t g, uint8_t b)
{
    out(&bench, 0x3c8, 1, index);
    out(&bench, 0x3c9, 1, r);
    out(&bench, 0x3c9, 1, g);
    out(&bench, 0x3c9, 1, b);
}

/* The registers of BIOS mode 3, 80 x 25, as published in every VGA manual. */
static void set_text_mode(void)
{
    static const uint8_t seq[5] = {3, 0, 3, 0, 2};
    static const uint8_t crtc[25] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
                                     0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                                     0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
    static const uint8_t gc[9] = {0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff};
    static const uint8_t palette[16] = {0,    1,    2,    3,    4,    5,    0x14, 7,
                                        0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f};
    out(&bench, 0x3c2, 1, 0x67);
    for (uint8_t i = 0; i < 5; i++) set_indexed(0x3c4, i, seq[i]);
    set_indexed(0x3d4, 0x11, 0);
    for (uint8_t i = 0; i < 25; i++) set_indexed(0x3d4, i, crtc[i]);
    for (uint8_t i = 0; i < 9; i++) set_indexed(0x3ce, i, gc[i]);
    for (uint8_t i = 0; i < 16; i++) set_attribute(i, palette[i]);
    set_attribute(0x10, 0x0c);
    set_attribute(0x12, 0x0f);
    set_attribute(0x13, 0x08);
    set_attribute(0x14, 0x00);
    out(&bench, 0x3c0, 1, 0x20);
    out(&bench, 0x3c6, 1, 0xff);
}

/* All planes at A0000, one address each. */
static void set_planar(void)
{
    out(&bench, 0x3c2, 1, 0xe3);
    set_indexed(0x3c4, 2, 0x0f);
    set_indexed(0x3c4, 4, 0x06);
    set_indexed(0x3ce, 5, 0x00);
    set_indexed(0x3ce, 6, 0x05);
    set_indexed(0x3ce, 7, 0x0f);
    set_indexed(0x3ce, 8, 0xff);
}

static uint8_t plane(unsigned number, uint32_t offset)
{
    set_indexed(0x3ce, 5, 0x00);
    set_indexed(0x3ce, 4, (uint8_t)number);
    return peek(&bench, 0xa0000 + offset);
}

START_TEST(masks_and_names_of_registers)
{
    out(&bench, 0x3c2, 1, 0x63);
    ck_assert_uint_eq(in(&bench, 0x3cc, 1), 0x63);
    const struct {
        uint16_t port;
        uint8_t index, ones;
    } rows[] = {{0x3c4, 0, 0x03},    {0x3c4, 1, 0x3d}, {0x3c4, 2, 0x0f}, {0x3c4, 4, 0x0e},
                {0x3c4, 6, 0},       {0x3ce, 0, 0x0f}, {0x3ce, 3, 0x1f}, {0x3ce, 5, 0x7b},
                {0x3ce, 8, 0xff},    {0x3ce, 9, 0},    {0x3d4, 8, 0x7f}, {0x3d4, 0x0a, 0x3f},
                {0x3d4, 0x18, 0xff}, {0x3d4, 0x19, 0}, {0x3d4, 0xff, 0}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        set_indexed(rows[i].port, rows[i].index, 0xff);
        ck_assert_uint_eq(get_indexed(rows[i].port, rows[i].index), rows[i].ones);
    }
}
END_TEST

START_TEST(crtc_moves_with_misc_output)
{
    out(&bench, 0x3c2, 1, 0x62);
    set_indexed(0x3b4, 0x0f, 0x12);
    ck_assert_uint_eq(get_indexed(0x3b4, 0x0f), 0x12);
    ck_assert_uint_eq(in(&bench, 0x3d5, 1), 0xff);
    ck_assert_uint_eq(in(&bench, 0x3da, 1), 0xff);
    out(&bench, 0x3c2, 1, 0x63);
    ck_assert_uint_eq(in(&bench, 0x3b5, 1), 0xff);
    ck_assert_uint_eq(in(&bench, 0x3ba, 1), 0xff);
    ck_assert_uint_eq(get_indexed(0x3d4, 0x0f), 0x12);
}
END_TEST

START_TEST(crtc_protects_its_first_registers)
{
    set_text_mode();
    set_indexed(0x3d4, 0, 0x11);
    set_indexed(0x3d4, 7, 0x00);
    ck_assert_uint_eq(get_indexed(0x3d4, 0), 0x5f);
    ck_assert_uint_eq(get_indexed(0x3d4, 7), 0x0f);
    set_indexed(0x3d4, 0x11, 0x0e);
    set_indexed(0x3d4, 0, 0x11);
    ck_assert_uint_eq(get_indexed(0x3d4, 0), 0x11);
}
END_TEST

START_TEST(attribute_flip_flop)
{
    set_text_mode();
    set_attribute(0x05, 0x2a);
    set_attribute(0x13, 0x07);
    in(&bench, 0x3da, 1);
    out(&bench, 0x3c0, 1, 0x05);
    ck_assert_uint_eq(in(&bench, 0x3c1, 1), 0x2a);
    ck_assert_uint_eq(in(&bench, 0x3c0, 1), 0x05);
    out(&bench, 0x3c0, 1, 0x15); /* still data: reads do not turn it */
    ck_assert_uint_eq(in(&bench, 0x3c1, 1), 0x15);
    out(&bench, 0x3c0, 1, 0x13 | 0x20);
    ck_assert_uint_eq(in(&bench, 0x3c1, 1), 0x07);
    /* Palette registers cannot be written while the screen has them. */
    in(&bench, 0x3da, 1);
    out(&bench, 0x3c0, 1, 0x25);
    out(&bench, 0x3c0, 1, 0x3f);
    ck_assert_uint_eq(in(&bench, 0x3c1, 1), 0x15);
    in(&bench, 0x3da, 1);
    out(&bench, 0x3c0, 1, 0x1f); /* no such register */
    out(&bench, 0x3c0, 1, 0x3f);
    ck_assert_uint_eq(in(&bench, 0x3c1, 1), 0);
}
END_TEST

START_TEST(dac_in_threes)
{
    set_color(254, 1, 2, 0xff);
    set_color(255, 4, 5, 6);
    out(&bench, 0x3c7, 1, 254);
    ck_assert_uint_eq(in(&bench, 0x3c7, 1), 3);
    static const uint8_t expected[] = {1, 2, 0x3f, 4, 5, 6, 0};
    for (unsigned i = 0; i < sizeof(expected); i++) ck_assert_uint_eq(in(&bench, 0x3c9, 1), expected[i]);
    out(&bench, 0x3c8, 1, 255);
    ck_assert_uint_eq(in(&bench, 0x3c7, 1), 0);
    out(&bench, 0x3c9, 1, 0x30); /* a colour that is not complete is not stored */
    out(&bench, 0x3c7, 1, 255);
    ck_assert_uint_eq(in(&bench, 0x3c9, 1), 4);
}
END_TEST

START_TEST(text_memory_is_odd_even)
{
    set_text_mode();
    space_store(bench.memory, 0xb8000, 4, 0x1f421f41);
    uint64_t value;
    space_load(bench.memory, 0xb8000, 4, &value);
    ck_assert_uint_eq(value, 0x1f421f41);
    ck_assert_uint_eq(peek(&bench, 0xa0000), 0xff);
    ck_assert_uint_eq(peek(&bench, 0xb0000), 0xff);
    space_store(bench.memory, 0xb8001, 2, 0x2e2e);
    space_load(bench.memory, 0xb8000, 8, &value);
    ck_assert_uint_eq(value, 0x1f2e2e41);
    set_planar();
    ck_assert_uint_eq(plane(0, 0), 0x41);
    ck_assert_uint_eq(plane(1, 0), 0x2e);
    ck_assert_uint_eq(plane(0, 2), 0x2e);
}
END_TEST

START_TEST(map_select_places_the_window)
{
    static const struct {
        uint8_t misc;
        uint32_t first, last;
    } maps[] = {{0x00, 0xa0000, 0xbffff},
                {0x04, 0xa0000, 0xaffff},
                {0x08, 0xb0000, 0xb7fff},
                {0x0c, 0xb8000, 0xbffff}};
    set_planar();
    for (unsigned i = 0; i < 4; i++) {
        set_indexed(0x3ce, 6, maps[i].misc);
        poke(&bench, maps[i].first, 0x21);
        ck_assert_uint_eq(peek(&bench, maps[i].first), 0x21);
        poke(&bench, maps[i].last, 0x22);
        ck_assert_uint_eq(peek(&bench, maps[i].last), 0x22);
        if (maps[i].first > 0xa0000) ck_assert_uint_eq(peek(&bench, maps[i].first - 1), 0xff);
        if (maps[i].last < 0xbffff) ck_assert_uint_eq(peek(&bench, maps[i].last + 1), 0xff);
    }
    out(&bench, 0x3c2, 1, 0xe1); /* memory off */
    ck_assert_uint_eq(peek(&bench, 0xb8000), 0xff);
}
END_TEST

START_TEST(write_mode_0)
{
    set_planar();
    poke(&bench, 0xa0000, 0xf0);
    for (unsigned p = 0; p < 4; p++) ck_assert_uint_eq(plane(p, 0), 0xf0);
    set_indexed(0x3ce, 3, 4); /* rotate */
    poke(&bench, 0xa0001, 0xa5);
    ck_assert_uint_eq(plane(2, 1), 0x5a);
    set_indexed(0x3ce, 3, 0);
    set_indexed(0x3ce, 0, 0x05); /* set/reset in planes 0 and 1 */
    set_indexed(0x3ce, 1, 0x03);
    poke(&bench, 0xa0002, 0x3c);
    static const uint8_t expected[4] = {0xff, 0x00, 0x3c, 0x3c};
    for (unsigned p = 0; p < 4; p++) ck_assert_uint_eq(plane(p, 2), expected[p]);
    set_indexed(0x3ce, 1, 0);
    set_indexed(0x3c4, 2, 0x04); /* map mask */
    poke(&bench, 0xa0002, 0x99);
    ck_assert_uint_eq(plane(2, 2), 0x99);
    ck_assert_uint_eq(plane(3, 2), 0x3c);
}
END_TEST

START_TEST(bit_mask_and_functions_use_the_latches)
{
    set_planar();
    poke(&bench, 0xa0000, 0xcc);
    ck_assert_uint_eq(peek(&bench, 0xa0000), 0xcc);
    set_indexed(0x3ce, 8, 0x0f);
    poke(&bench, 0xa0000, 0x55);
    ck_assert_uint_eq(plane(0, 0), 0xc5);
    set_indexed(0x3ce, 8, 0xff);
    static const uint8_t results[4] = {0x66, 0x66 & 0xf0, 0x66 | 0xf0, 0x66 ^ 0xf0};
    for (uint8_t function = 0; function < 4; function++) {
        set_indexed(0x3ce, 3, 0);
        poke(&bench, 0xa0010, 0xf0);
        peek(&bench, 0xa0010);
        set_indexed(0x3ce, 3, (uint8_t)(function << 3));
        poke(&bench, 0xa0011, 0x66);
        set_indexed(0x3ce, 3, 0);
        ck_assert_uint_eq(plane(1, 0x11), results[function]);
    }
}
END_TEST

START_TEST(write_modes_1_to_3)
{
    set_planar();
    set_indexed(0x3ce, 5, 2);
    poke(&bench, 0xa0000, 0x06); /* the four bits are the planes */
    static const uint8_t six[4] = {0, 0xff, 0xff, 0};
    for (unsigned p = 0; p < 4; p++) ck_assert_uint_eq(plane(p, 0), six[p]);

    peek(&bench, 0xa0000); /* copies all planes at once */
    set_indexed(0x3ce, 5, 1);
    poke(&bench, 0xa0100, 0x12);
    for (unsigned p = 0; p < 4; p++) ck_assert_uint_eq(plane(p, 0x100), six[p]);

    peek(&bench, 0xa0200); /* the byte is ANDed into the mask, the colour is set/reset */
    set_indexed(0x3ce, 5, 3);
    set_indexed(0x3ce, 0, 0x09);
    set_indexed(0x3ce, 8, 0x3f);
    poke(&bench, 0xa0200, 0xf1);
    static const uint8_t nine[4] = {0x31, 0, 0, 0x31};
    for (unsigned p = 0; p < 4; p++) ck_assert_uint_eq(plane(p, 0x200), nine[p]);
}
END_TEST

START_TEST(read_mode_1_compares)
{
    set_planar();
    set_indexed(0x3ce, 5, 2);
    set_indexed(0x3ce, 8, 0xff);
    poke(&bench, 0xa0000, 0x05);
    peek(&bench, 0xa0000);
    set_indexed(0x3ce, 8, 0x0f);
    poke(&bench, 0xa0000, 0x0d);
    set_indexed(0x3ce, 5, 0x08);
    set_indexed(0x3ce, 2, 0x0d);
    ck_assert_uint_eq(peek(&bench, 0xa0000), 0x0f);
    set_indexed(0x3ce, 7, 0x07); /* plane 3 does not matter */
    ck_assert_uint_eq(peek(&bench, 0xa0000), 0xff);
    set_indexed(0x3ce, 2, 0x02);
    ck_assert_uint_eq(peek(&bench, 0xa0000), 0x00);
}
END_TEST

START_TEST(chain_4_spreads_bytes_over_planes)
{
    set_planar();
    set_indexed(0x3c4, 4, 0x0e);
    space_store(bench.memory, 0xa0004, 4, 0x44332211);
    uint64_t value;
    space_load(bench.memory, 0xa0004, 4, &value);
    ck_assert_uint_eq(value, 0x44332211);
    set_indexed(0x3c4, 4, 0x06);
    for (unsigned p = 0; p < 4; p++) ck_assert_uint_eq(plane(p, 4), 0x11 * (p + 1));
}
END_TEST

START_TEST(text_snapshot)
{
    ck_assert(!vga_text_get(vga, &text));
    set_text_mode();
    set_color(0x3f, 63, 63, 63);
    set_color(0x14, 42, 21, 0);
    static const char line[] = "Hello";
    for (unsigned i = 0; i < 5; i++)
        space_store(bench.memory, 0xb8000 + 160 * 24 + 2 * i, 2, 0x1e00u | (uint8_t)line[i]);
    set_indexed(0x3d4, 0x0e, (24 * 80 + 5) >> 8);
    set_indexed(0x3d4, 0x0f, (24 * 80 + 5) & 0xff);
    ck_assert(vga_text_get(vga, &text));
    ck_assert_uint_eq(text.columns, 80);
    ck_assert_uint_eq(text.rows, 25);
    ck_assert_uint_eq(text.cell_height, 16);
    for (unsigned i = 0; i < 5; i++) ck_assert_uint_eq(text.cells[24 * 80 + i], 0x1e00u | (uint8_t)line[i]);
    ck_assert_uint_eq(text.palette[15], 0xffffff);
    ck_assert_uint_eq(text.palette[6], 0xaa5500);
    ck_assert_uint_eq(text.palette[0], 0);
    ck_assert(text.blink);
    ck_assert(text.cursor_visible);
    ck_assert_uint_eq(text.cursor_row, 24);
    ck_assert_uint_eq(text.cursor_column, 5);
    ck_assert_uint_eq(text.cursor_first, 13);
    ck_assert_uint_eq(text.cursor_last, 14);
}
END_TEST

START_TEST(text_start_address_and_cursor)
{
    set_text_mode();
    space_store(bench.memory, 0xb8000 + 160 * 3, 2, 0x0758);
    set_indexed(0x3d4, 0x0c, 0);
    set_indexed(0x3d4, 0x0d, 3 * 80);
    set_indexed(0x3d4, 0x0f, 3 * 80 + 1);
    ck_assert(vga_text_get(vga, &text));
    ck_assert_uint_eq(text.cells[0], 0x0758);
    ck_assert_uint_eq(text.cursor_row, 0);
    ck_assert_uint_eq(text.cursor_column, 1);
    set_indexed(0x3d4, 0x0f, 0); /* above the screen */
    ck_assert(vga_text_get(vga, &text));
    ck_assert(!text.cursor_visible);
    set_indexed(0x3d4, 0x0f, 3 * 80);
    set_indexed(0x3d4, 0x0a, 0x2d);
    ck_assert(vga_text_get(vga, &text));
    ck_assert(!text.cursor_visible);
    /* Starting so high that the screen wraps around the plane. */
    set_indexed(0x3d4, 0x0c, 0xff);
    set_indexed(0x3d4, 0x0d, 0xff);
    ck_assert(vga_text_get(vga, &text));
}
END_TEST

START_TEST(text_of_other_sizes)
{
    set_text_mode();
    set_indexed(0x3d4, 0x09, 0x47); /* 8 lines: 50 rows */
    ck_assert(vga_text_get(vga, &text));
    ck_assert_uint_eq(text.rows, 50);
    set_indexed(0x3d4, 0x09, 0xc7); /* doubled */
    ck_assert(vga_text_get(vga, &text));
    ck_assert_uint_eq(text.rows, 25);
    set_indexed(0x3d4, 0x09, 0x40); /* 400 rows do not fit */
    ck_assert(!vga_text_get(vga, &text));
    set_indexed(0x3d4, 0x09, 0x4f);
    set_indexed(0x3d4, 0x11, 0);
    set_indexed(0x3d4, 0x01, 0xff);
    ck_assert(!vga_text_get(vga, &text));
    set_indexed(0x3d4, 0x01, 39);
    set_indexed(0x3d4, 0x13, 0);
    ck_assert(vga_text_get(vga, &text));
    ck_assert_uint_eq(text.columns, 40);
    set_text_mode();
    set_indexed(0x3ce, 6, 0x0f);
    ck_assert(!vga_text_get(vga, &text));
}
END_TEST

START_TEST(generation_tells_changes)
{
    set_text_mode();
    uint64_t generation = vga_generation(vga);
    in(&bench, 0x3da, 1);
    peek(&bench, 0xb8000);
    poke(&bench, 0xb8000, 0);
    set_indexed(0x3d4, 0x0f, 0);
    ck_assert_uint_eq(vga_generation(vga), generation);
    poke(&bench, 0xb8000, 'x');
    ck_assert_uint_gt(vga_generation(vga), generation);
    generation = vga_generation(vga);
    set_indexed(0x3d4, 0x0f, 7);
    ck_assert_uint_gt(vga_generation(vga), generation);
    generation = vga_generation(vga);
    set_color(1, 1, 1, 1);
    ck_assert_uint_gt(vga_generation(vga), generation);
}
END_TEST

START_TEST(lesson_12_screen_writes_are_marked)
{
    struct region_at at;
    set_text_mode();
    config_write(&bench, DEVFN, 0x10, 4, 0xe0000000);
    config_write(&bench, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    struct region *memory = space_find(bench.memory, 0xe0000000, &at)->region;
    region_clear_dirty(memory, (struct region_at){0}, 0x10000, MARK_DIRTY_DISPLAY);
    poke(&bench, 0xb8000 + 0x800, 'x'); /* address 800h of plane 0: byte 2000h of memory */
    ck_assert(!region_dirty(memory, (struct region_at){0}, 0x2000, MARK_DIRTY_DISPLAY));
    ck_assert(region_dirty(memory, (struct region_at){0x2000}, 1, MARK_DIRTY_DISPLAY));
    ck_assert(!region_dirty(memory, (struct region_at){0x3000}, 0x1000, MARK_DIRTY_DISPLAY));
}
END_TEST

/* Virtual time in one frame with vertical retrace, and with the display off, in units of 1 us. */
static void watch_frame(unsigned *retrace, unsigned *off)
{
    *retrace = *off = 0;
    for (unsigned i = 0; i < 14268; i++) {
        uint32_t status = in(&bench, 0x3da, 1);
        *retrace += (status >> 3) & 1;
        *off += status & 1;
        clock_jump(&bench.clock, bench.clock.base + VTIME_US);
    }
}

START_TEST(retrace_follows_virtual_time)
{
    unsigned retrace, off;
    out(&bench, 0x3c2, 1, 0x67);
    watch_frame(&retrace, &off); /* before any mode is set */
    ck_assert_uint_gt(retrace, 0);
    ck_assert_uint_lt(retrace, 200);
    set_text_mode();
    watch_frame(&retrace, &off);
    ck_assert(retrace >= 62 && retrace <= 65);                       /* 2 of 449 lines of 31.78 us */
    ck_assert(off > 14268 - 10200 - 60 && off < 14268 - 10100 + 60); /* 400 lines x 25.4 us are on */
}
END_TEST

START_TEST(card_on_the_bus)
{
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0, 4), 0x11111234);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x0a, 2), 0x0300);
    config_write(&bench, DEVFN, 0x10, 4, ~0u);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x10, 4), 0xff000008);
    config_write(&bench, DEVFN, 0x18, 4, ~0u);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x18, 4), 0);
    config_write(&bench, DEVFN, 0x30, 4, 0xfffffffe);
    ck_assert_uint_eq(config_read(&bench, DEVFN, 0x30, 4), 0xfffff000);
    config_write(&bench, DEVFN, 0x30, 4, 0xe1000001);
    config_write(&bench, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(peek(&bench, 0xe1000001), 0xaa);
    ck_assert_uint_eq(peek(&bench, 0xe1000000 + sizeof(rom)), 0xff);
}
END_TEST

static void set_dispi(uint16_t index, uint16_t value)
{
    out(&bench, 0x1ce, 2, index);
    out(&bench, 0x1cf, 2, value);
}

static uint16_t get_dispi(uint16_t index)
{
    out(&bench, 0x1ce, 2, index);
    return (uint16_t)in(&bench, 0x1cf, 2);
}

START_TEST(dispi_identifies_and_tells_limits)
{
    set_dispi(0, 0xb0c0);
    ck_assert_uint_eq(get_dispi(0), 0xb0c0);
    set_dispi(0, 0x1234);
    ck_assert_uint_eq(get_dispi(0), 0xb0c0);
    set_dispi(0, 0xb0c5);
    ck_assert_uint_eq(get_dispi(0), 0xb0c5);
    ck_assert_uint_eq(get_dispi(10), 256);
    set_dispi(4, 2);
    ck_assert_uint_eq(get_dispi(1), 2560);
    ck_assert_uint_eq(get_dispi(2), 1600);
    ck_assert_uint_eq(get_dispi(3), 32);
    set_dispi(4, 0);
    ck_assert_uint_eq(get_dispi(1), 0);
    out(&bench, 0x1ce, 2, 0);
    ck_assert_uint_eq(in(&bench, 0x1d0, 2), 0xb0c5);
    ck_assert_uint_eq(get_dispi(0xffff), 0);
    set_dispi(0xffff, 1);
}
END_TEST

START_TEST(dispi_mode_and_memory)
{
    set_text_mode();
    config_write(&bench, DEVFN, 0x10, 4, 0xe0000000);
    config_write(&bench, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    poke(&bench, 0xe0000000 + 640 * 480 - 1, 0x77);
    poke(&bench, 0xe0000000 + 640 * 480, 0x77);
    set_dispi(1, 640);
    set_dispi(2, 480);
    set_dispi(3, 8);
    set_dispi(4, 0x41);
    ck_assert(!vga_text_get(vga, &text));
    ck_assert_uint_eq(peek(&bench, 0xe0000000 + 640 * 480 - 1), 0);
    ck_assert_uint_eq(peek(&bench, 0xe0000000 + 640 * 480), 0x77);
    ck_assert_uint_eq(get_dispi(6), 640);
    ck_assert_uint_eq(get_dispi(7), (16 << 20) / 640);
    set_dispi(1, 800); /* not while it is on */
    ck_assert_uint_eq(get_dispi(1), 640);
    set_dispi(6, 1024);
    ck_assert_uint_eq(get_dispi(6), 1024);
    set_dispi(6, 8); /* narrower than the screen */
    ck_assert_uint_eq(get_dispi(6), 1024);
    set_dispi(5, 255);
    poke(&bench, 0xaffff, 0x5a);
    ck_assert_uint_eq(peek(&bench, 0xe0ffffff), 0x5a);
    ck_assert_uint_eq(peek(&bench, 0xb8000), 0xff);
    set_dispi(5, 256);
    ck_assert_uint_eq(get_dispi(5), 255);
    set_dispi(4, 0);
    ck_assert(vga_text_get(vga, &text));
}
END_TEST

START_TEST(dispi_refuses_impossible_modes)
{
    set_dispi(4, 1);
    ck_assert_uint_eq(get_dispi(4) & 1, 0);
    set_dispi(1, 2561);
    set_dispi(2, 1601);
    set_dispi(3, 7);
    set_dispi(3, 0x108);
    ck_assert_uint_eq(get_dispi(1) + get_dispi(2) + get_dispi(3), 0);
    set_dispi(1, 2560);
    set_dispi(2, 1600);
    set_dispi(3, 32);
    set_dispi(4, 1);
    ck_assert_uint_eq(get_dispi(4) & 1, 1); /* 15.6 MiB */
    set_dispi(6, 0xfff8);
    ck_assert_uint_eq(get_dispi(6), 2560);
}
END_TEST

START_TEST(reset_is_no_text_mode)
{
    set_text_mode();
    set_dispi(4, 0x22);
    device_reset_all(&bench.devices);
    ck_assert(!vga_text_get(vga, &text));
    ck_assert_uint_eq(in(&bench, 0x3cc, 1), 0);
    ck_assert_uint_eq(get_dispi(4), 0);
    ck_assert_uint_eq(get_dispi(0), 0xb0c5);
}
END_TEST

START_TEST(state_can_be_loaded)
{
    set_text_mode();
    struct device *device = device_find(&bench.devices, "vga");
    struct state_buffer saved = {0};
    struct error error;
    state_save(device->ops->state, device->state, &saved);
    uint64_t hash = state_hash(device->ops->state, device->state, 1);
    device->ops->reset(device);
    ck_assert_uint_ne(state_hash(device->ops->state, device->state, 1), hash);
    ck_assert(state_load(device->ops->state, device->state, &saved, &error));
    device->ops->loaded(device);
    ck_assert_uint_eq(state_hash(device->ops->state, device->state, 1), hash);
    ck_assert(vga_text_get(vga, &text));
    state_buffer_free(&saved);
}
END_TEST

/* Whatever is written, wherever: nothing breaks. */
START_TEST(random_accesses_are_survived)
{
    uint32_t random = 12345;
    for (unsigned i = 0; i < 200000; i++) {
        random = random * 1664525 + 1013904223;
        uint32_t value = random ^ random >> 13;
        unsigned size = 1u << (value & 1);
        switch ((random >> 28) & 3) {
        case 0: out(&bench, (uint16_t)(0x3b0 + (random >> 8) % 0x30), size, value); break;
        case 1: out(&bench, (uint16_t)(0x1ce + (random >> 8) % 3), 2, value & 0xfff); break;
        case 2: space_store(bench.memory, 0xa0000 + (random >> 8) % 0x1fff8, 1u << (value & 3), value); break;
        default: space_read(bench.memory, 0xa0000 + (random >> 8) % 0x1fff8, &value, 4); break;
        }
        in(&bench, (uint16_t)(0x3b0 + (random >> 12) % 0x30), size);
        if (i % 64 == 0) vga_text_get(vga, &text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga");
    TCase *tests = tcase_create("vga");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, masks_and_names_of_registers);
    tcase_add_test(tests, crtc_moves_with_misc_output);
    tcase_add_test(tests, crtc_protects_its_first_registers);
    tcase_add_test(tests, attribute_flip_flop);
    tcase_add_test(tests, dac_in_threes);
    tcase_add_test(tests, text_memory_is_odd_even);
    tcase_add_test(tests, map_select_places_the_window);
    tcase_add_test(tests, write_mode_0);
    tcase_add_test(tests, bit_mask_and_functions_use_the_latches);
    tcase_add_test(tests, write_modes_1_to_3);
    tcase_add_test(tests, read_mode_1_compares);
    tcase_add_test(tests, chain_4_spreads_bytes_over_planes);
    tcase_add_test(tests, text_snapshot);
    tcase_add_test(tests, text_start_address_and_cursor);
    tcase_add_test(tests, text_of_other_sizes);
    tcase_add_test(tests, generation_tells_changes);
    tcase_add_test(tests, lesson_12_screen_writes_are_marked);
    tcase_add_test(tests, retrace_follows_virtual_time);
    tcase_add_test(tests, card_on_the_bus);
    tcase_add_test(tests, dispi_identifies_and_tells_limits);
    tcase_add_test(tests, dispi_mode_and_memory);
    tcase_add_test(tests, dispi_refuses_impossible_modes);
    tcase_add_test(tests, reset_is_no_text_mode);
    tcase_add_test(tests, state_can_be_loaded);
    tcase_add_test(tests, random_accesses_are_survived);
    suite_add_tcase(suite, tests);
    return bench_run(suite);
}

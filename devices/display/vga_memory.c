/* SPDX-License-Identifier: MIT */
/*
 * The VGA's window on its memory: four planes of 64 KiB, accessed through the sequencer and the graphics
 * controller.
 *
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "Video Memory Read/Write Operations". The
 * four bytes at one address are handled as one 32-bit word, plane 0 in its lowest byte.
 */
#include "devices/display/vga_internal.h"
#include "mem/space.h"

/* A byte of all ones for each set bit of a plane mask. */
static uint32_t plane_bytes(unsigned mask)
{
    static const uint32_t bytes[16] = {
        0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
        0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
    };
    return bytes[mask & 15];
}

static uint32_t in_all_planes(uint8_t value)
{
    return value * 0x01010101u;
}

/* Where Memory Map Select puts the window; false outside of it. */
static bool window_address(const struct vga *vga, uint64_t offset, uint32_t *address)
{
    static const struct {
        uint32_t start, size;
    } maps[4] = {{0x00000, 0x20000}, {0x00000, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned map = bits_get(vga->state.gc[GC_MISC], GC_MISC_MAP_SHIFT, 2);
    *address = (uint32_t)offset - maps[map].start;
    return *address < maps[map].size && (vga->state.misc & MISC_RAM);
}

/* Which planes the address bits select, and where in them. Chain 4 takes the plane from bits 1:0, odd/even
 * from bit 0; the bits that select a plane are 0 in its address. */
struct plane_access {
    uint32_t address;
    unsigned planes;
};

static struct plane_access planes_written(const struct vga_state *state, uint32_t address)
{
    if (state->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) {
        return (struct plane_access){address & VGA_PLANE_MASK & ~3u, BIT(address & 3)};
    }
    if (!(state->seq[SEQ_MEMORY_MODE] & MEMORY_SEQUENTIAL)) {
        return (struct plane_access){address & VGA_PLANE_MASK & ~1u, address & 1 ? 0xa : 0x5};
    }
    return (struct plane_access){address & VGA_PLANE_MASK, 0xf};
}

static struct plane_access plane_read(const struct vga_state *state, uint32_t address)
{
    unsigned map = state->gc[GC_READ_MAP] & 3;
    if (state->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) {
        return (struct plane_access){address & VGA_PLANE_MASK & ~3u, address & 3};
    }
    if (state->gc[GC_MODE] & GC_MODE_ODD_EVEN) {
        return (struct plane_access){address & VGA_PLANE_MASK & ~1u, (map & 2) | (address & 1)};
    }
    return (struct plane_access){address & VGA_PLANE_MASK, map};
}

static uint32_t combine(const struct vga_state *state, uint32_t value, uint32_t latches)
{
    switch (bits_get(state->gc[GC_ROTATE], 3, 2)) {
    case 1: return value & latches;
    case 2: return value | latches;
    case 3: return value ^ latches;
    default: return value;
    }
}

/* What the graphics controller makes of a byte from the CPU, for all planes. */
static uint32_t shaped(const struct vga_state *state, uint8_t byte)
{
    uint32_t latches = le32_load(state->latches);
    unsigned rotate = state->gc[GC_ROTATE] & 7;
    uint8_t rotated = (uint8_t)(byte >> rotate | byte << (8 - rotate));
    uint32_t set_reset = plane_bytes(state->gc[GC_SET_RESET]),
             enable = plane_bytes(state->gc[GC_ENABLE_SET_RESET]);
    uint8_t mask = state->gc[GC_BIT_MASK];
    uint32_t value;
    switch (state->gc[GC_MODE] & 3) {
    case 0: value = (in_all_planes(rotated) & ~enable) | (set_reset & enable); break;
    case 1: return latches;
    case 2: value = plane_bytes(byte); break;
    default:
        value = set_reset;
        mask &= rotated;
        break;
    }
    uint32_t bits = in_all_planes(mask);
    return (combine(state, value, latches) & bits) | (latches & ~bits);
}

static void store(struct vga *vga, uint32_t at, uint32_t value)
{
    uint8_t *word = vga->memory->host + at;
    if (le32_load(word) == value) return;
    region_written(vga->memory, (struct region_at){at}, 4);
    le32_store(word, value);
    vga->generation++;
}

/* While a DISPI mode is on, the first 64 KiB of the window are a bank of linear memory, but for 16-colour modes. */
static bool window_is_bank(const struct vga *vga)
{
    return vga_dispi_on(vga) && vga->state.dispi[DISPI_BPP] != 4;
}

static bool bank_address(const struct vga *vga, uint64_t offset, uint32_t *at)
{
    *at = (uint32_t)vga->state.dispi[DISPI_BANK] * 0x10000 + (uint32_t)offset;
    return offset < 0x10000 && *at < VGA_MEMORY;
}

static void write_byte(struct vga *vga, uint64_t offset, uint8_t byte)
{
    uint32_t address, at;
    if (window_is_bank(vga)) {
        if (!bank_address(vga, offset, &at)) return;
        region_written(vga->memory, (struct region_at){at}, 1);
        vga->memory->host[at] = byte;
        vga->generation++;
        return;
    }
    if (!window_address(vga, offset, &address)) return;
    struct plane_access access = planes_written(&vga->state, address);
    uint32_t enabled = plane_bytes(access.planes & vga->state.seq[SEQ_MAP_MASK]);
    uint32_t old = le32_load(vga->memory->host + access.address * 4);
    store(vga, access.address * 4, (old & ~enabled) | (shaped(&vga->state, byte) & enabled));
}

static inline uint8_t read_byte(struct vga *vga, uint64_t offset)
{
    struct vga_state *state = &vga->state;
    uint32_t address, at;
    if (unlikely(window_is_bank(vga))) return bank_address(vga, offset, &at) ? vga->memory->host[at] : 0xff;
    if (unlikely(!window_address(vga, offset, &address))) return 0xff;
    struct plane_access access = plane_read(state, address);
    uint32_t word = le32_load(vga->memory->host + access.address * 4);
    le32_store(state->latches, word);
    if (likely(!(state->gc[GC_MODE] & GC_MODE_READ_COMPARE))) return (uint8_t)(word >> 8 * access.planes);
    uint32_t differ =
        (word ^ plane_bytes(state->gc[GC_COLOR_COMPARE])) & plane_bytes(state->gc[GC_COLOR_CARE]);
    return (uint8_t) ~(differ | differ >> 8 | differ >> 16 | differ >> 24);
}

static __attribute__((noinline)) uint64_t read_bytes(struct vga *vga, uint64_t offset, unsigned size)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < size; i++) bytes |= (uint64_t)read_byte(vga, offset + i) << (8 * i);
    return bytes;
}

static enum mem_result window_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    *value = likely(size == 1) ? read_byte(owner, at.offset) : read_bytes(owner, at.offset, size);
    return MEM_OK;
}

static enum mem_result window_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) write_byte(owner, at.offset + i, (uint8_t)(value >> (8 * i)));
    return MEM_OK;
}

const struct mmio_ops vga_window_ops = {window_read, window_write, 1, 8, true};

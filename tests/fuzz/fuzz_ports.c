/* SPDX-License-Identifier: MIT */
/*
 * The whole board from the guest's side: port and memory accesses, PCI configuration, IDE commands with PRD
 * tables that point anywhere, fw_cfg DMA, keys and serial input, and time in between. The CPU stands in a
 * two-instruction firmware.
 *
 * Checked: no crash, no assert, no hang; a reset leaves no mapping behind (LESSONS 18); the same case played
 * twice ends in the same state.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "devices/platform/key.h"
#include "devices/platform/ps2_keyboard.h"
#include "emu/board/board.h"
#include "emu/core/log.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "fuzz_ports";
const size_t fuzz_longest = 3000;

#define RAM_SIZE    (UINT64_C(2) << 20)
#define DISK_SIZE   (300 * 512 + 100)
#define FLOPPY_SIZE (2880 * 512)
#define MOST_INSNS  2000 /* in one step of time */
#define BUS_MASTER  0xc000
#define PM_BASE     0x600
#define SMB_BASE    0x700
#define FRAMEBUFFER 0xfd000000u
#define VGA_MMIO    0xfebf0000u

static char rom_dir[200];
static int disk[2], floppy, bios;
static char disk_path[2][32], floppy_path[32], bios_path[32];

/* ---- files that the board is made of ---- */

static int memory_file(const char *name, const void *contents, size_t size, char path[32])
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    fuzz_check(fd >= 0 && !ftruncate(fd, (off_t)size), "memory files can be had");
    if (contents) fuzz_check(pwrite(fd, contents, size, 0) == (ssize_t)size, "memory files can be written");
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void remove_rom_dir(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/vgabios-stdvga.bin", rom_dir);
    unlink(path);
    rmdir(rom_dir);
}

static void make_vga_rom(void)
{
    static const uint8_t rom[512] = {0x55, 0xaa, 1, 0xcb};
    const char *temporary = getenv("TMPDIR");
    char path[256];
    snprintf(rom_dir, sizeof rom_dir, "%s/vitrine-fuzz-XXXXXX", temporary ? temporary : "/tmp");
    fuzz_check(mkdtemp(rom_dir) != NULL, "a temporary directory can be had");
    atexit(remove_rom_dir);
    snprintf(path, sizeof path, "%s/vgabios-stdvga.bin", rom_dir);
    FILE *file = fopen(path, "wb");
    fuzz_check(file && fwrite(rom, sizeof rom, 1, file) == 1 && !fclose(file), "a ROM file can be written");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    static uint8_t firmware[65536];
    /* At FFFF0h: bytes of the case decide whether `cli` or `sti` comes first. */
    memcpy(firmware + 0xfff0, "\xfa\xf4\xeb\xfd", 4);
    bios = memory_file("bios", firmware, sizeof firmware, bios_path);
    disk[0] = memory_file("disk", NULL, DISK_SIZE, disk_path[0]);
    disk[1] = memory_file("disk", NULL, DISK_SIZE, disk_path[1]);
    floppy = memory_file("floppy", NULL, FLOPPY_SIZE, floppy_path);
    make_vga_rom();
    lint_quiet(true);
    return 0;
}

/* Both disks zero again. */
static void wipe_disks(void)
{
    for (unsigned i = 0; i < 2; i++)
        fuzz_check(!ftruncate(disk[i], 0) && !ftruncate(disk[i], DISK_SIZE), "disks can be wiped");
    fuzz_check(!ftruncate(floppy, 0) && !ftruncate(floppy, FLOPPY_SIZE), "floppies can be wiped");
}

/* ---- accesses ---- */

struct play {
    struct board *board;
    struct fuzz_input in;
};

static void out(struct play *play, uint16_t port, unsigned size, uint32_t value)
{
    (void)!space_store(board_ports(play->board), port, size, value);
}

static uint32_t in(struct play *play, uint16_t port, unsigned size)
{
    uint64_t value;
    (void)!space_load(board_ports(play->board), port, size, &value);
    return (uint32_t)value;
}

static void config_write(struct play *play, unsigned devfn, unsigned where, unsigned size, uint32_t value)
{
    out(play, 0xcf8, 4, 0x80000000u | (devfn & 0xff) << 8 | (where & 0xfc));
    out(play, (uint16_t)(0xcfc + (where & 3)), size, value);
}

static unsigned pick_size(struct play *play)
{
    return 1u << fuzz_below(&play->in, 3);
}

static const struct {
    uint16_t first, count;
} places[] = {
    {0x1f0, 8}, {0x3f6, 1},    {0x170, 8},     {0x376, 1},  {BUS_MASTER, 16}, {BUS_MASTER, 16},
    {0xcf8, 8}, {0xcfc, 4},    {0x20, 2},      {0xa0, 2},   {0x4d0, 2},       {0x40, 4},
    {0x61, 1},  {0x70, 2},     {0x60, 5},      {0x64, 1},   {0x60, 1},        {0x3f8, 8},
    {0x2f8, 8}, {0x510, 12},   {0x3b0, 48},    {0x3c0, 32}, {0x1ce, 3},       {0x92, 1},
    {0xcf9, 1}, {PM_BASE, 64}, {SMB_BASE, 16}, {0xb2, 2},   {0x3f2, 6},       {0x80, 16},
    {0xf0, 2},  {0x402, 1},    {0xe9, 1},      {0x501, 4},  {0x00, 32},       {0xc0, 32},
};

static uint16_t pick_port(struct play *play)
{
    unsigned which = fuzz_u8(&play->in);
    if (which == 255) return fuzz_u16(&play->in);
    unsigned place = which % ARRAY_COUNT(places);
    return (uint16_t)(places[place].first + fuzz_u8(&play->in) % places[place].count);
}

static gaddr pick_address(struct play *play)
{
    static const uint64_t bases[] = {
        0,
        0x1000,
        0x2000,
        0xa0000,
        0xb8000,
        0xc0000,
        0xe0000,
        0xf0000,
        0x100000,
        RAM_SIZE - 0x100,
        RAM_SIZE,
        FRAMEBUFFER,
        FRAMEBUFFER + 0xff8000,
        VGA_MMIO,
        VGA_MMIO + 0x400,
        VGA_MMIO + 0x500,
        0xfffffff0,
        0xffffff00,
        UINT64_C(0xfffff00000),
        UINT64_C(0x100000000),
    };
    unsigned base = fuzz_u8(&play->in);
    return bases[base % ARRAY_COUNT(bases)] + (base & 0x80 ? fuzz_u16(&play->in) : fuzz_u8(&play->in));
}

/* ---- actions ---- */

static void port_write(struct play *play)
{
    uint16_t port = pick_port(play);
    unsigned size = pick_size(play);
    out(play, port, size, size == 1 ? fuzz_u8(&play->in) : fuzz_u32(&play->in));
}

static void port_read(struct play *play)
{
    uint16_t port = pick_port(play);
    in(play, port, pick_size(play));
}

static void memory_write(struct play *play)
{
    uint8_t bytes[64];
    gaddr at = pick_address(play);
    unsigned size = 1 + fuzz_below(&play->in, sizeof bytes);
    for (unsigned i = 0; i < size; i++) bytes[i] = fuzz_u8(&play->in);
    (void)!space_write(board_memory(play->board), at, bytes, size);
}

static void memory_read(struct play *play)
{
    uint8_t bytes[256];
    gaddr at = pick_address(play);
    (void)!space_read(board_memory(play->board), at, bytes, 1u + fuzz_u8(&play->in));
}

static void pass_time(struct play *play)
{
    static const vtime steps[] = {100, VTIME_US, 20 * VTIME_US, VTIME_MS, 60 * VTIME_MS, VTIME_S};
    struct board_budget budget = {.until = VTIME_NEVER, .insns = MOST_INSNS};
    unsigned which = fuzz_below(&play->in, ARRAY_COUNT(steps) + 1);
    vtime next = clock_deadline(board_clock(play->board));
    if (which < ARRAY_COUNT(steps))
        budget.until = board_now(play->board) + steps[which];
    else
        budget.until = next == VTIME_NEVER ? board_now(play->board) + 1 : next;
    board_run(play->board, &budget);
}

static void wait_for(struct play *play, vtime time)
{
    const struct board_budget budget = {.until = board_now(play->board) + time, .insns = UINT64_MAX};
    board_run(play->board, &budget);
}

static void pci_config(struct play *play)
{
    static const uint8_t functions[] = {0x00, 0x08, 0x09, 0x0b, 0x10};
    static const uint8_t registers[] = {0x04, 0x10, 0x14, 0x18, 0x20, 0x24, 0x30, 0x3c,
                                        0x40, 0x44, 0x59, 0x5c, 0x60, 0x72, 0x80, 0x90};
    unsigned which = fuzz_u8(&play->in);
    unsigned devfn = which == 255 ? fuzz_u8(&play->in) : functions[which % ARRAY_COUNT(functions)];
    unsigned place = fuzz_u8(&play->in);
    unsigned where = place >= 192
                         ? fuzz_u8(&play->in)
                         : registers[place % ARRAY_COUNT(registers)] + (place >= 128 ? place & 3 : 0);
    config_write(play, devfn, where, pick_size(play), fuzz_u32(&play->in));
}

/* The task file and a command, as a driver writes them. */
static void ide_command(struct play *play)
{
    static const uint8_t commands[] = {0x20, 0x30, 0xc8, 0xca, 0xc8, 0xca, 0xc4, 0xc5, 0xc6, 0xe7,
                                       0xec, 0xa1, 0x90, 0x08, 0x10, 0x91, 0xef, 0x40, 0x70, 0xe1,
                                       0x24, 0x25, 0x29, 0x34, 0x35, 0x39, 0x06, 0xb0, 0x2f, 0x47,
                                       0x27, 0x37, 0xf8, 0xf9, 0x42, 0x3d, 0xce, 0xea, 0x08, 0xa0};
    uint8_t shape = fuzz_u8(&play->in);
    uint16_t base = shape & 1 ? 0x170 : 0x1f0;
    out(play, base + 6, 1, (uint8_t)(0xa0 | (shape & 2 ? 0x10 : 0) | (shape & 4 ? 0 : 0x40)));
    out(play, base + 2, 1, shape & 8 ? fuzz_u8(&play->in) : 1 + fuzz_below(&play->in, 16));
    out(play, base + 3, 1, fuzz_u8(&play->in));
    if (shape & 16) out(play, base + 4, 1, fuzz_u8(&play->in));
    if (shape & 32) out(play, base + 1, 1, fuzz_u8(&play->in));
    uint8_t command = fuzz_u8(&play->in);
    out(play, base + 7, 1, command >= 240 ? fuzz_u8(&play->in) : commands[command % ARRAY_COUNT(commands)]);
}

/* Words through the data port. */
static void ide_data(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    uint16_t base = shape & 1 ? 0x170 : 0x1f0;
    unsigned words = 1u + 2u * fuzz_u8(&play->in);
    for (unsigned i = 0; i < words; i++) {
        if (shape & 2)
            out(play, base, shape & 4 ? 4 : 2, i * 0x01010101u);
        else
            in(play, base, shape & 4 ? 4 : 2);
    }
}

/* Where a PRD points: plain RAM half of the time. */
static uint32_t pick_buffer(struct play *play)
{
    uint8_t which = fuzz_u8(&play->in);
    return which & 1 ? 0x4000 + which * 0x101u : (uint32_t)pick_address(play);
}

/* A PRD table of a few entries, and its address to the channel at `base`. */
static void put_prd_table(struct play *play, uint16_t base)
{
    uint8_t shape = fuzz_u8(&play->in), table[8 * 8];
    unsigned entries = 1 + fuzz_below(&play->in, 8);
    for (unsigned i = 0; i < entries; i++) {
        uint8_t count = fuzz_u8(&play->in);
        le32_store(table + 8 * i, pick_buffer(play));
        le16_store(table + 8 * i + 4, count & 1 ? fuzz_u16(&play->in) : (uint16_t)(count * 16));
        le16_store(table + 8 * i + 6, i + 1 == entries && shape & 7 ? 0x8000 : 0);
    }
    gaddr at = shape & 0xe0 ? 0x1000 : pick_address(play);
    (void)!space_write(board_memory(play->board), at, table, 8 * entries);
    out(play, base + 4, 4, (uint32_t)at);
}

static void ide_bus_master(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    uint16_t base = BUS_MASTER + (shape & 1 ? 8 : 0);
    if (shape & 2) put_prd_table(play, base);
    if (shape & 8) out(play, base + 2, 1, 6);
    out(play, base, 1, (shape & 4 ? 1 : 0) | (shape & 16 ? 8 : 0));
}

static void program_chips(struct play *play);

/* A transfer as a driver does it, or nearly: PRD table, task file, command, start. What follows meets it
 * under way. */
static void disk_transfer(struct play *play)
{
    static const uint8_t commands[] = {0xc8, 0xc8, 0xc8, 0xca, 0xca, 0xca,
                                       0x20, 0x30, 0xc4, 0xc5, 0xec, 0xe7};
    uint8_t shape = fuzz_u8(&play->in), command = commands[fuzz_below(&play->in, ARRAY_COUNT(commands))];
    bool second = shape & 1;
    uint16_t task = second ? 0x170 : 0x1f0, engine = BUS_MASTER + (second ? 8 : 0);
    bool to_memory = command != 0xca;
    if (shape & 0xc0) {
        program_chips(play);
        out(play, task + 0x206, 1, 6); /* software reset, which ends what was under way */
        out(play, task + 0x206, 1, 0);
        out(play, engine, 1, 0);
        wait_for(play, VTIME_MS);
    }
    put_prd_table(play, engine);
    out(play, engine + 2, 1, 6);
    out(play, task + 6, 1, (uint8_t)(0xe0 | (shape & 2 ? 0x10 : 0)));
    out(play, task + 2, 1, 1 + fuzz_below(&play->in, 40));
    out(play, task + 3, 1, fuzz_u8(&play->in));
    out(play, task + 4, 1, shape & 4 ? 1 : 0); /* the end of the disk is at 301 */
    out(play, task + 5, 1, 0);
    out(play, task + 7, 1, command);
    out(play, engine, 1, 1 | (to_memory == !(shape & 8 && shape & 16) ? 8 : 0));
    if (shape & 32)
        wait_for(play, VTIME_MS);
    else
        pass_time(play);
}

/* Registers and 12 bytes; the drive may be none, or a disk, or want none of it. */
static void send_packet(struct play *play, uint16_t task, bool dma, uint16_t limit, const uint8_t *packet)
{
    out(play, task + 6, 1, task == 0x170 ? 0xa0 : 0xb0);
    out(play, task + 1, 1, dma);
    out(play, task + 4, 1, limit & 0xff);
    out(play, task + 5, 1, limit >> 8);
    out(play, task + 7, 1, 0xa0);
    wait_for(play, 20 * VTIME_US);
    for (unsigned i = 0; i < 12; i += 2) out(play, task, 2, le16_load(packet + i));
}

/* A packet command to a CD-ROM by PIO or DMA: bytes that lead somewhere, or any. Unit attentions may be cleared first. */
static void packet_command(struct play *play)
{
    static const uint8_t codes[] = {0x28, 0x28, 0xa8, 0xbe, 0xbe, 0x43, 0x5a, 0x55,
                                    0x12, 0x46, 0x4a, 0x1b, 0x00, 0x03, 0x42, 0x52};
    uint8_t shape = fuzz_u8(&play->in), code = fuzz_u8(&play->in), packet[12] = {0};
    uint16_t task = shape & 1 ? 0x170 : 0x1f0, engine = BUS_MASTER + (shape & 1 ? 8 : 0);
    bool dma = shape & 4;
    for (unsigned i = 0; shape & 128 && i < 2; i++) {
        send_packet(play, task, false, 2048, packet); /* TEST UNIT READY */
        wait_for(play, 20 * VTIME_US);
    }
    if (dma) put_prd_table(play, engine);
    packet[0] = shape & 16 ? code : codes[code % ARRAY_COUNT(codes)];
    packet[1] = shape & 32 ? fuzz_u8(&play->in) : packet[0] == 0x55 ? 0x10 : 0;
    packet[5] = fuzz_u8(&play->in) % 80; /* a block: there are 76 */
    packet[8] = fuzz_u8(&play->in) % (packet[0] == 0xa8 ? 1 : 40);
    packet[9] = fuzz_u8(&play->in);
    for (unsigned i = 1; shape & 64 && i < 12; i++) packet[i] = fuzz_u8(&play->in);
    send_packet(play, task, dma, shape & 8 ? 2048 : fuzz_u16(&play->in), packet);
    if (dma) out(play, engine, 1, shape & 2 || packet[0] != 0x55 ? 9 : 1);
    if (shape & 2)
        wait_for(play, VTIME_MS);
    else
        pass_time(play);
}

/* A command to the floppy controller, with its DMA channel set up before; half of them make sense. */
static void floppy_command(struct play *play)
{
    static const uint8_t codes[] = {0xe6, 0xe6, 0xc5, 0xc5, 0x66, 0x4d, 0x4a,
                                    0x07, 0x0f, 0x08, 0x03, 0x16, 0x02, 0x13};
    uint8_t shape = fuzz_u8(&play->in), code = fuzz_u8(&play->in);
    uint32_t address = pick_buffer(play), count = shape & 1 ? 511 : fuzz_u16(&play->in);
    if (shape & 0x80) out(play, 0x3f2, 1, 0);
    out(play, 0x3f2, 1, 0x1c);
    wait_for(play, 50 * VTIME_US);
    out(play, 0x3f7, 1, shape & 2 ? 0 : 2);
    out(play, 0xd4, 1, 0);
    out(play, 0x0b, 1, 0x42 | (shape & 4 ? 4 : 8) | (shape & 0x30));
    out(play, 0x0c, 1, 0);
    out(play, 0x04, 1, address & 0xff), out(play, 0x04, 1, address >> 8 & 0xff),
        out(play, 0x81, 1, address >> 16 & 0xff);
    out(play, 0x05, 1, count & 0xff), out(play, 0x05, 1, count >> 8);
    out(play, 0x0a, 1, shape & 8 ? 6 : 2);
    code = shape & 0x40 ? code : codes[code % ARRAY_COUNT(codes)];
    const uint8_t bytes[] = {
        code, (uint8_t)(code << 2 & 4), 0, (uint8_t)(code & 1), 1 + fuzz_u8(&play->in) % 20, 2, 18, 27};
    for (unsigned i = 0; i < sizeof bytes && (in(play, 0x3f4, 1) & 0xc0) == 0x80; i++)
        out(play, 0x3f5, 1, shape & 0x40 ? fuzz_u8(&play->in) : bytes[i]);
    if ((in(play, 0x3f4, 1) & 0xc0) == 0x80) out(play, 0x3f5, 1, 0xff);
    wait_for(play, VTIME_MS);
    for (unsigned i = 0; i < 10u + shape && (in(play, 0x3f4, 1) & 0xc0) == 0xc0; i++) in(play, 0x3f5, 1);
}

/* A control structure in memory and its address to the device. */
static void fw_cfg_dma(struct play *play)
{
    uint8_t control[16], shape = fuzz_u8(&play->in);
    be32_store(control, (uint32_t)(fuzz_u8(&play->in) % 64) << 16 | (shape & 0x1f));
    be32_store(control + 4, shape & 0x20 ? fuzz_u32(&play->in) : fuzz_u16(&play->in));
    be64_store(control + 8, pick_address(play));
    gaddr at = shape & 0x40 ? pick_address(play) : 0x3000;
    (void)!space_write(board_memory(play->board), at, control, sizeof control);
    out(play, 0x514, 4, __builtin_bswap32((uint32_t)(at >> 32)));
    out(play, 0x518, 4, __builtin_bswap32((uint32_t)at));
}

static void outside(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in), bytes[16];
    unsigned size = 1u + (shape >> 4);
    for (unsigned i = 0; i < size; i++) bytes[i] = fuzz_u8(&play->in);
    if (shape & 8) {
        static const char *const drives[] = {"fda", "hdb", "hdc", "hdd"};
        struct error error;
        (void)board_change_medium(play->board, drives[bytes[0] % 4],
                                  shape & 4 ? bytes[0] % 4 ? disk_path[1] : floppy_path : NULL, &error);
        return;
    }
    switch (shape & 3) {
    case 0: door_post(board_keyboard(play->board), bytes, size); break;
    case 1: chardev_feed(board_serial(play->board, 0), bytes, size); break;
    case 2: chardev_feed(board_serial(play->board, 1), bytes, size); break;
    case 3: board_power_button(play->board); break;
    }
}

static void reset_button(struct play *play)
{
    if (fuzz_u8(&play->in) >= 32) return;
    board_reset(play->board);
    fuzz_check(dma_stats(board_ide_dma(play->board))->live == 0, "no mapping outlives a reset");
}

static void (*const actions[])(struct play *play) = {
    port_write,     port_write,     port_write,     port_read,      memory_write,  memory_read,
    pass_time,      pass_time,      pass_time,      pci_config,     ide_command,   ide_command,
    ide_data,       ide_data,       disk_transfer,  disk_transfer,  disk_transfer, disk_transfer,
    ide_bus_master, ide_bus_master, fw_cfg_dma,     outside,        reset_button,  floppy_command,
    floppy_command, packet_command, packet_command, packet_command,
};

/* ---- a case ---- */

/* As firmware does it: the ports of the chips where the actions look for them. */
static void program_chips(struct play *play)
{
    config_write(play, 0x09, 0x20, 4, BUS_MASTER | 1);
    config_write(play, 0x09, 0x40, 4, 0x80008000u);
    config_write(play, 0x09, 0x04, 2, 5);
    config_write(play, 0x0b, 0x40, 4, PM_BASE | 1);
    config_write(play, 0x0b, 0x80, 1, 1);
    config_write(play, 0x0b, 0x90, 4, SMB_BASE | 1);
    config_write(play, 0x0b, 0xd2, 1, 1);
    config_write(play, 0x10, 0x10, 4, FRAMEBUFFER);
    config_write(play, 0x10, 0x18, 4, VGA_MMIO);
    config_write(play, 0x10, 0x04, 2, 3);
}

static struct board *make_board(struct fuzz_input *input)
{
    struct board_config config;
    struct error error = {{0}};
    const char *const dirs[] = {rom_dir};
    uint8_t shape = fuzz_u8(input), first = shape & 0x20 ? 0xfb : 0xfa; /* sti or cli, before hlt */
    board_config_default(&config);
    config.ram_size = RAM_SIZE;
    config.bios = bios_path;
    config.data_dirs = dirs;
    config.data_dir_count = 1;
    config.serial[1] = true;
    config.debugcon = config.debug_exit = true;
    config.debug_exit_port = 0x501;
    config.debug_exit_size = 4;
    config.triple_fault_resets = shape & 0x40;
    config.dma.mode = shape % 3;
    config.dma.seed = fuzz_u8(input);
    config.dma.max_bounce = shape & 8 ? 512 : 0;
    config.dma_checker = shape & 16;
    config.drives[0] = board_drive_file(BOARD_HARD_DISK, disk_path[0]);
    struct board_drive *other = &config.drives[shape & 0x80 ? 1 : 2];
    *other = board_drive_file(config.dma.seed & 1 ? BOARD_CDROM : BOARD_HARD_DISK, disk_path[1]);
    other->options.read_only = true;
    config.drives[4] = board_drive_file(BOARD_FLOPPY, floppy_path);
    fuzz_check(pwrite(bios, &first, 1, 0xfff0) == 1, "the firmware can be changed");
    struct board *board = board_new(&config, &error);
    if (!board) fprintf(stderr, "%s: %s\n", fuzz_name, error.text);
    fuzz_check(board != NULL, "the board can be made");
    return board;
}

static uint64_t play_case(const uint8_t *data, size_t size)
{
    struct play play = {.in = {data, size}};
    wipe_disks();
    play.board = make_board(&play.in);
    if (fuzz_u8(&play.in) < 224) program_chips(&play);
    while (play.in.left) actions[fuzz_below(&play.in, ARRAY_COUNT(actions))](&play);
    uint64_t hash = board_hash(play.board);
    board_reset(play.board);
    fuzz_check(dma_stats(board_ide_dma(play.board))->live == 0, "no mapping outlives a reset");
    board_free(play.board);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t hash = play_case(data, size);
    if (size % 4 == 0) fuzz_check(play_case(data, size) == hash, "the same case ends in the same state");
    return 0;
}

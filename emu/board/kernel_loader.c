/* SPDX-License-Identifier: MIT */
/*
 * Loading kernels: see kernel_loader.h. Multiboot Specification 0.6.96 (sections cited as MB); the Linux/x86
 * boot protocol (Documentation/arch/x86/boot.rst, cited as LBP); option ROMs with a bootstrap entry vector
 * (BIOS Boot Specification 1.01, 3.3, and Plug and Play BIOS Specification 1.0A, 3.2).
 */
#include "emu/board/kernel_loader.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "emu/board/firmware.h"
#include "emu/core/bits.h"

#define PAGE(x)     (((x) + 0xfff) & ~UINT64_C(0xfff))
#define HIGH_MEMORY UINT64_C(0x100000)
#define LOWER_KB    639
#define FIRMWARE_TOP                                                                                         \
    UINT64_C(0x20000) /* the firmware keeps its tables in the last 128 KiB below the hole   \
                                        */
#define LARGEST_FILE  (UINT64_C(1) << 31)
#define LONGEST_LINE  2048
#define MOST_SEGMENTS 64

/* A piece of memory to fill when the kernel starts: `size` bytes, the rest up to `room` zeros. */
struct piece {
    uint64_t addr, size, room;
    const uint8_t *data;
};

struct kernel_loader {
    uint8_t *file, *initrd;
    size_t file_size, initrd_size;
    char line[LONGEST_LINE];
    uint64_t low_ram;
    bool linux_image;
    uint32_t entry;
    struct piece pieces[MOST_SEGMENTS];
    unsigned piece_count;
    uint64_t end; /* of what is loaded above 1 MiB */
    uint64_t initrd_at;
};

static bool add_piece(struct kernel_loader *loader, uint64_t addr, const uint8_t *data, uint64_t size,
                      uint64_t room)
{
    if (room < size) room = size;
    if (loader->piece_count == MOST_SEGMENTS || addr > loader->low_ram || room > loader->low_ram - addr)
        return false;
    loader->pieces[loader->piece_count++] = (struct piece){addr, size, room, data};
    if (addr + room > loader->end) loader->end = addr + room;
    return true;
}

/* ---- Multiboot ---- */

enum {
    MB_MAGIC = 0x1badb002,
    MB_BOOTED = 0x2badb002,
    MB_SEARCH = 8192, /* the header lies within so many bytes (MB 3.1.1) */
    MB_HAS_ADDRESSES = 1 << 16,
    MB_UNSUPPORTED = 0xfff8, /* feature bits that the loader must know, of bits 0-15 (MB 3.1.2) */
    /* Where the information structure and its neighbours go: conventional memory that the firmware leaves
       alone. */
    MB_INFO = 0x80000,
    MB_INFO_SIZE = 88,
    MB_MODULE = MB_INFO + 0x100,
    MB_MMAP = MB_INFO + 0x200,
    MB_NAME = MB_INFO + 0x300,
    MB_GDT = MB_INFO + 0x380,
    MB_LINE = MB_INFO + 0x400,
    MB_INFO_END = MB_LINE + LONGEST_LINE,
};
enum {
    MB_INFO_MEMORY = 1,
    MB_INFO_CMDLINE = 4,
    MB_INFO_MODULES = 8,
    MB_INFO_MMAP = 0x40,
    MB_INFO_LOADER = 0x200
};

static const uint8_t *multiboot_header(const struct kernel_loader *loader)
{
    size_t end = loader->file_size < MB_SEARCH ? loader->file_size : MB_SEARCH;
    for (size_t at = 0; at + 12 <= end; at += 4) {
        const uint8_t *header = loader->file + at;
        if (le32_load(header) == MB_MAGIC &&
            le32_load(header) + le32_load(header + 4) + le32_load(header + 8) == 0)
            return header;
    }
    return NULL;
}

static bool load_elf(struct kernel_loader *loader, const char *path, struct error *error)
{
    const uint8_t *file = loader->file;
    size_t size = loader->file_size;
    if (size < sizeof(Elf32_Ehdr) || memcmp(file, ELFMAG, SELFMAG))
        return error_set(error, "%s: has a Multiboot header but is no ELF file and names no load addresses",
                         path);
    if (file[EI_CLASS] == ELFCLASS64)
        return error_set(error, "%s: is a 64-bit kernel, and this machine has no long mode; use a 32-bit one",
                         path);
    if (file[EI_CLASS] != ELFCLASS32 || le16_load(file + offsetof(Elf32_Ehdr, e_machine)) != EM_386)
        return error_set(error, "%s: is not for the 386", path);
    uint32_t table = le32_load(file + offsetof(Elf32_Ehdr, e_phoff));
    unsigned count = le16_load(file + offsetof(Elf32_Ehdr, e_phnum));
    unsigned step = le16_load(file + offsetof(Elf32_Ehdr, e_phentsize));
    if (step < sizeof(Elf32_Phdr) || table > size || (uint64_t)count * step > size - table)
        return error_set(error, "%s: its program headers lie outside the file", path);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *header = file + table + i * step;
        uint32_t offset = le32_load(header + offsetof(Elf32_Phdr, p_offset));
        uint32_t addr = le32_load(header + offsetof(Elf32_Phdr, p_paddr));
        uint32_t file_size = le32_load(header + offsetof(Elf32_Phdr, p_filesz));
        uint32_t room = le32_load(header + offsetof(Elf32_Phdr, p_memsz));
        if (le32_load(header) != PT_LOAD || !room) continue;
        if (offset > size || file_size > size - offset)
            return error_set(error, "%s: segment %u lies outside the file; it is truncated", path, i);
        if (!add_piece(loader, addr, file + offset, file_size, room))
            return error_set(error,
                             "%s: segment %u (%#x bytes at %#x) does not fit into RAM; more -m is needed",
                             path, i, room, addr);
    }
    loader->entry = le32_load(file + offsetof(Elf32_Ehdr, e_entry));
    return loader->piece_count || error_set(error, "%s: has nothing to load", path);
}

/* Load addresses in the header (MB 3.1.3). */
static bool load_flat(struct kernel_loader *loader, const uint8_t *header, const char *path,
                      struct error *error)
{
    if ((size_t)(header - loader->file) + 32 > loader->file_size)
        return error_set(error, "%s: is truncated", path);
    uint32_t header_at = le32_load(header + 12), load = le32_load(header + 16),
             load_end = le32_load(header + 20), bss_end = le32_load(header + 24);
    uint64_t from = (uint64_t)(header - loader->file) - (header_at - load);
    if (load > header_at || from >= loader->file_size)
        return error_set(error, "%s: the addresses in its Multiboot header contradict each other", path);
    uint64_t size = load_end ? (uint64_t)load_end - load : loader->file_size - from;
    uint64_t room = bss_end > load ? bss_end - load : size;
    if ((load_end && load_end < load) || size > loader->file_size - from)
        return error_set(error, "%s: is shorter than its Multiboot header says", path);
    loader->entry = le32_load(header + 28);
    return add_piece(loader, load, loader->file + from, size, room) ||
           error_set(error, "%s: does not fit into RAM; more -m is needed", path);
}

static bool load_multiboot(struct kernel_loader *loader, const uint8_t *header, const char *path,
                           struct error *error)
{
    uint32_t flags = le32_load(header + 4);
    if (flags & MB_UNSUPPORTED)
        return error_set(error, "%s: asks for Multiboot features %#x that are not known", path,
                         flags & MB_UNSUPPORTED);
    bool loaded =
        flags & MB_HAS_ADDRESSES ? load_flat(loader, header, path, error) : load_elf(loader, path, error);
    if (!loaded) return false;
    for (unsigned i = 0; i < loader->piece_count; i++)
        if (loader->pieces[i].addr < MB_INFO_END && loader->pieces[i].addr + loader->pieces[i].room > MB_INFO)
            return error_set(error, "%s: wants memory at %#x, where the boot information goes", path,
                             MB_INFO);
    if (loader->end < HIGH_MEMORY) loader->end = HIGH_MEMORY;
    loader->initrd_at = PAGE(loader->end);
    return true;
}

static unsigned put_mmap_entry(uint8_t *at, uint64_t base, uint64_t length, uint32_t type)
{
    le32_store(at, 20);
    le64_store(at + 4, base);
    le64_store(at + 12, length);
    le32_store(at + 20, type);
    return 24;
}

static void start_multiboot(const struct kernel_loader *loader, struct space *memory, struct cpu_state *state)
{
    static const char name[] = "vitrine";
    static const uint64_t gdt[3] = {0, UINT64_C(0x00cf9b000000ffff), UINT64_C(0x00cf93000000ffff)};
    uint64_t upper = loader->low_ram - FIRMWARE_TOP - HIGH_MEMORY;
    uint8_t info[MB_INFO_SIZE] = {0}, module[16] = {0}, mmap[72], table[24];
    uint32_t flags = MB_INFO_MEMORY | MB_INFO_CMDLINE | MB_INFO_MMAP | MB_INFO_LOADER;

    unsigned used = put_mmap_entry(mmap, 0, LOWER_KB * 1024, 1);
    used += put_mmap_entry(mmap + used, HIGH_MEMORY, upper, 1);
    used += put_mmap_entry(mmap + used, loader->low_ram - FIRMWARE_TOP, FIRMWARE_TOP, 2);
    if (loader->initrd) {
        flags |= MB_INFO_MODULES;
        le32_store(module, (uint32_t)loader->initrd_at);
        le32_store(module + 4, (uint32_t)(loader->initrd_at + loader->initrd_size));
        le32_store(module + 8, MB_NAME);
        le32_store(info + 20, 1);
        le32_store(info + 24, MB_MODULE);
    }
    le32_store(info, flags);
    le32_store(info + 4, LOWER_KB);
    le32_store(info + 8, (uint32_t)(upper >> 10));
    le32_store(info + 16, MB_LINE);
    le32_store(info + 44, used);
    le32_store(info + 48, MB_MMAP);
    le32_store(info + 64, MB_NAME);
    for (unsigned i = 0; i < 3; i++) le64_store(table + 8 * i, gdt[i]);

    space_write(memory, MB_INFO, info, sizeof info);
    space_write(memory, MB_MODULE, module, sizeof module);
    space_write(memory, MB_MMAP, mmap, used);
    space_write(memory, MB_NAME, name, sizeof name);
    space_write(memory, MB_GDT, table, sizeof table);
    space_write(memory, MB_LINE, loader->line, strlen(loader->line) + 1);

    /* MB 3.2: flat 32-bit segments, paging and interrupts off. */
    const struct cpu_segment_state code = {0x08, 0xc09b, UINT32_MAX, 0}, data = {0x10, 0xc093, UINT32_MAX, 0};
    for (unsigned i = 0; i < CPU_SEGMENTS; i++) state->segment[i] = i == CPU_CS ? code : data;
    state->gdtr = (struct cpu_table_state){MB_GDT, sizeof table - 1};
    state->cr0 = (state->cr0 & ~UINT64_C(0x80000000)) | 1;
    state->gpr[CPU_EAX] = MB_BOOTED;
    state->gpr[CPU_EBX] = MB_INFO;
    state->gpr[CPU_ESP] = MB_INFO;
    state->eip = loader->entry;
}

/* ---- Linux ---- */

enum {
    LBP_SETUP_SECTS = 0x1f1,
    LBP_BOOT_FLAG = 0x1fe,
    LBP_MAGIC = 0x202,
    LBP_VERSION = 0x206,
    LBP_TYPE_OF_LOADER = 0x210,
    LBP_LOADFLAGS = 0x211,
    LBP_RAMDISK_IMAGE = 0x218,
    LBP_RAMDISK_SIZE = 0x21c,
    LBP_HEAP_END_PTR = 0x224,
    LBP_CMD_LINE_PTR = 0x228,
    LBP_INITRD_ADDR_MAX = 0x22c,
    LBP_XLOADFLAGS = 0x236,
    LBP_CMDLINE_SIZE = 0x238,
    LBP_HEADER_END = 0x250,
    LBP_LOADED_HIGH = 1,
    LBP_CAN_USE_HEAP = 0x80,
    LBP_KERNEL_64 = 1,
    LBP_SETUP_SEGMENT = 0x1000,
    LBP_SETUP = LBP_SETUP_SEGMENT << 4,
    LBP_LINE = 0x20000,
};

static bool is_linux(const struct kernel_loader *loader)
{
    return loader->file_size > LBP_HEADER_END && le16_load(loader->file + LBP_BOOT_FLAG) == 0xaa55 &&
           !memcmp(loader->file + LBP_MAGIC, "HdrS", 4);
}

static bool load_linux(struct kernel_loader *loader, const char *path, struct error *error)
{
    uint8_t *header = loader->file;
    unsigned version = le16_load(header + LBP_VERSION);
    size_t setup = (header[LBP_SETUP_SECTS] ? header[LBP_SETUP_SECTS] + 1u : 5u) * 512;
    if (version < 0x202 || !(header[LBP_LOADFLAGS] & LBP_LOADED_HIGH))
        return error_set(error, "%s: is a Linux kernel older than 2.4 (boot protocol %#x); not supported",
                         path, version);
    if (version >= 0x20c && le16_load(header + LBP_XLOADFLAGS) & LBP_KERNEL_64)
        return error_set(error, "%s: is a 64-bit kernel, and this machine has no long mode; use an i386 one",
                         path);
    if (setup >= loader->file_size) return error_set(error, "%s: is truncated", path);
    size_t most = version >= 0x206 ? le32_load(header + LBP_CMDLINE_SIZE) : 255;
    if (strlen(loader->line) > most)
        return error_set(error, "%s: takes a command line of %zu bytes, -append has %zu", path, most,
                         strlen(loader->line));
    if (!add_piece(loader, LBP_SETUP, header, setup, setup) ||
        !add_piece(loader, HIGH_MEMORY, header + setup, loader->file_size - setup, 0))
        return error_set(error, "%s: does not fit into RAM; more -m is needed", path);
    loader->linux_image = true;

    uint64_t top = version >= 0x203 ? (uint64_t)le32_load(header + LBP_INITRD_ADDR_MAX) + 1 : 0x38000000;
    if (top > loader->low_ram - FIRMWARE_TOP) top = loader->low_ram - FIRMWARE_TOP;
    if (loader->initrd_size <= top) loader->initrd_at = (top - loader->initrd_size) & ~UINT64_C(0xfff);

    header[LBP_TYPE_OF_LOADER] = 0xff;
    header[LBP_LOADFLAGS] |= LBP_CAN_USE_HEAP;
    le16_store(header + LBP_HEAP_END_PTR, 0xfe00);
    le32_store(header + LBP_CMD_LINE_PTR, LBP_LINE);
    le32_store(header + LBP_RAMDISK_IMAGE, loader->initrd ? (uint32_t)loader->initrd_at : 0);
    le32_store(header + LBP_RAMDISK_SIZE, (uint32_t)loader->initrd_size);
    return true;
}

static void start_linux(const struct kernel_loader *loader, struct space *memory, struct cpu_state *state)
{
    space_write(memory, LBP_LINE, loader->line, strlen(loader->line) + 1);
    /* Real mode, CS 20h paragraphs into the setup code, a stack at the top of its segment. */
    const struct cpu_segment_state data = {LBP_SETUP_SEGMENT, 0x93, 0xffff, LBP_SETUP};
    for (unsigned i = 0; i < CPU_SEGMENTS; i++) state->segment[i] = data;
    state->segment[CPU_CS] =
        (struct cpu_segment_state){LBP_SETUP_SEGMENT + 0x20, 0x9b, 0xffff, (LBP_SETUP_SEGMENT + 0x20) << 4};
    state->cr0 &= ~UINT64_C(0x80000001);
    state->gpr[CPU_ESP] = 0xfff0;
    state->eip = 0;
}

/* ---- the whole ---- */

static bool load_initrd(struct kernel_loader *loader, const char *path, struct error *error)
{
    if (!path) return true;
    loader->initrd = file_load(path, LARGEST_FILE, &loader->initrd_size, error);
    return loader->initrd || error_prefix(error, "-initrd");
}

static bool load_kernel(struct kernel_loader *loader, const char *path, struct error *error)
{
    const uint8_t *header = multiboot_header(loader);
    if (header) return load_multiboot(loader, header, path, error);
    if (is_linux(loader)) return load_linux(loader, path, error);
    if (loader->file_size > EI_CLASS && !memcmp(loader->file, ELFMAG, SELFMAG) &&
        loader->file[EI_CLASS] == ELFCLASS64)
        return error_set(error, "%s: is a 64-bit kernel, and this machine has no long mode; use a 32-bit one",
                         path);
    return error_set(
        error, "%s: is neither a Multiboot kernel (no header in its first 8 KiB) nor a Linux bzImage", path);
}

struct kernel_loader *kernel_loader_new(const char *kernel, const char *initrd, const char *append,
                                        uint64_t low_ram, struct error *error)
{
    struct kernel_loader *loader = calloc(1, sizeof *loader);
    if (!loader) {
        error_set(error, "-kernel: out of memory");
        return NULL;
    }
    loader->low_ram = low_ram;
    if (append && strlen(append) >= sizeof loader->line) {
        error_set(error, "-append: %zu bytes are more than the %d that fit", strlen(append),
                  LONGEST_LINE - 1);
        goto failed;
    }
    loader->file = file_load(kernel, LARGEST_FILE, &loader->file_size, error);
    if (!loader->file) {
        error_prefix(error, "-kernel");
        goto failed;
    }
    if (low_ram < 4 * HIGH_MEMORY) {
        error_set(error, "-kernel: %s: needs at least -m 4", kernel);
        goto failed;
    }
    /* A Multiboot kernel's own name is the first word of its command line. */
    bool linux_image = !multiboot_header(loader);
    snprintf(loader->line, sizeof loader->line, "%s%s%s", linux_image ? "" : kernel,
             !linux_image && append ? " " : "", append ? append : "");
    if (!load_initrd(loader, initrd, error)) goto failed;
    if (!load_kernel(loader, kernel, error)) {
        error_prefix(error, "-kernel");
        goto failed;
    }
    bool collides = loader->linux_image && loader->initrd_at < loader->end;
    if (loader->initrd && (collides || !add_piece(loader, loader->initrd_at, loader->initrd,
                                                  loader->initrd_size, loader->initrd_size))) {
        error_set(error, "-initrd: %s: %zu bytes do not fit into RAM beside the kernel; more -m is needed",
                  initrd, loader->initrd_size);
        goto failed;
    }
    return loader;
failed:
    kernel_loader_free(loader);
    return NULL;
}

void kernel_loader_free(struct kernel_loader *loader)
{
    if (!loader) return;
    free(loader->file);
    free(loader->initrd);
    free(loader);
}

/* ---- the boot ROM ---- */

enum { ROM_SIZE = 512, ROM_PNP = 0x20, ROM_NAME = 0x48, ROM_BOOT = 0x60 };

static void make_boot_rom(uint8_t rom[ROM_SIZE])
{
    static const uint8_t head[] = {
        0x55, 0xaa, ROM_SIZE / 512, /* size in sectors, then the initialisation entry: */
        0xb8, 0x20, 0x00,           /* mov ax, 20h: an IPL device is there */
        0xcb};                      /* retf */
    static const uint8_t boot[] = {0xba,
                                   KERNEL_LOADER_PORT & 0xff,
                                   KERNEL_LOADER_PORT >> 8, /* mov dx, port */
                                   0xee,                    /* out dx, al */
                                   0xfa,
                                   0xf4,
                                   0xeb,
                                   0xfc}; /* cli; hlt; again */
    memset(rom, 0, ROM_SIZE);
    memcpy(rom, head, sizeof head);
    le16_store(rom + 0x1a, ROM_PNP);
    uint8_t *pnp = rom + ROM_PNP; /* expansion header: signature, revision, length / 16 */
    memcpy(pnp, "$PnP\1\2", 6);
    le16_store(pnp + 0x10, ROM_NAME);
    pnp[0x12] = 2;                    /* device type: base, sub, interface */
    le16_store(pnp + 0x1a, ROM_BOOT); /* bootstrap entry vector */
    memcpy(rom + ROM_NAME, "Vitrine -kernel", sizeof "Vitrine -kernel");
    memcpy(rom + ROM_BOOT, boot, sizeof boot);
    for (unsigned i = 0; i < 32; i++) pnp[9] = (uint8_t)(pnp[9] - (i == 9 ? 0 : pnp[i]));
    for (unsigned i = 0; i + 1 < ROM_SIZE; i++) rom[ROM_SIZE - 1] = (uint8_t)(rom[ROM_SIZE - 1] - rom[i]);
}

void kernel_loader_offer(struct kernel_loader *loader, struct fw_cfg *fw_cfg)
{
    static const char order[] = "/rom@genroms/vitrine-kernel.rom\n";
    uint8_t rom[ROM_SIZE];
    (void)loader;
    make_boot_rom(rom);
    fw_cfg_add_file(fw_cfg, "genroms/vitrine-kernel.rom", rom, sizeof rom);
    fw_cfg_add_file(fw_cfg, "bootorder", order, sizeof order);
}

void kernel_loader_start(struct kernel_loader *loader, struct space *memory, struct cpu *cpu)
{
    struct cpu_state state;
    cpu_get_state(cpu, &state);
    for (unsigned i = 0; i < loader->piece_count; i++) {
        const struct piece *piece = &loader->pieces[i];
        space_write(memory, piece->addr, piece->data, piece->size);
        space_fill(memory, piece->addr + piece->size, 0, piece->room - piece->size);
    }
    memset(state.gpr, 0, sizeof state.gpr);
    state.eflags = 2;
    state.cpl = 0;
    state.halted = false;
    state.interrupt_shadow = 0;
    if (loader->linux_image)
        start_linux(loader, memory, &state);
    else
        start_multiboot(loader, memory, &state);
    cpu_set_state(cpu, &state);
}

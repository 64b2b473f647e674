/* SPDX-License-Identifier: MIT */
/*
 * Kernel files that are nearly right, and wrong ones, through -kernel, -initrd and -append: a Multiboot ELF,
 * a Multiboot file with load addresses, a Linux bzImage, each with fields changed and the end cut off.
 *
 * Checked: an error is one line that begins with the option; what is accepted starts without touching
 * anything outside the RAM it was told of.
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "emu/board/kernel_loader.h"
#include "emu/core/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/cpu_fixture.h"

const char fuzz_name[] = "fuzz_loader";
const size_t fuzz_longest = 80;

#define FILE_SIZE 0x3000
#define HEADER    0x100 /* where the Multiboot header is */

static int kernel_file, initrd_file;
static char kernel_path[32], initrd_path[32];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    kernel_file = memfd_create("kernel", MFD_CLOEXEC);
    initrd_file = memfd_create("initrd", MFD_CLOEXEC);
    fuzz_check(kernel_file >= 0 && initrd_file >= 0, "memory files can be had");
    snprintf(kernel_path, sizeof kernel_path, "/proc/self/fd/%d", kernel_file);
    snprintf(initrd_path, sizeof initrd_path, "/proc/self/fd/%d", initrd_file);
    lint_quiet(true);
    return 0;
}

/* ---- files that are right ---- */

static void put_multiboot(uint8_t *file, uint32_t flags)
{
    le32_store(file + HEADER, 0x1badb002);
    le32_store(file + HEADER + 4, flags);
    le32_store(file + HEADER + 8, 0u - 0x1badb002 - flags);
}

static void make_elf(uint8_t *file)
{
    memcpy(file, ELFMAG "\1\1\1", 7);
    le16_store(file + offsetof(Elf32_Ehdr, e_type), ET_EXEC);
    le16_store(file + offsetof(Elf32_Ehdr, e_machine), EM_386);
    le32_store(file + offsetof(Elf32_Ehdr, e_entry), 0x100010);
    le32_store(file + offsetof(Elf32_Ehdr, e_phoff), 0x34);
    le16_store(file + offsetof(Elf32_Ehdr, e_phentsize), sizeof(Elf32_Phdr));
    le16_store(file + offsetof(Elf32_Ehdr, e_phnum), 3);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *header = file + 0x34 + i * sizeof(Elf32_Phdr);
        le32_store(header, PT_LOAD);
        le32_store(header + offsetof(Elf32_Phdr, p_offset), 0x1000 + 0x400 * i);
        le32_store(header + offsetof(Elf32_Phdr, p_paddr), 0x100000 + 0x10000 * i);
        le32_store(header + offsetof(Elf32_Phdr, p_filesz), 0x400);
        le32_store(header + offsetof(Elf32_Phdr, p_memsz), 0x400 + 0x800 * i);
    }
    put_multiboot(file, 3);
}

static void make_flat(uint8_t *file)
{
    put_multiboot(file, 0x10003);
    le32_store(file + HEADER + 12, 0x100000 + HEADER);
    le32_store(file + HEADER + 16, 0x100000);
    le32_store(file + HEADER + 20, 0x102000);
    le32_store(file + HEADER + 24, 0x104000);
    le32_store(file + HEADER + 28, 0x100200);
}

static void make_linux(uint8_t *file)
{
    file[0x1f1] = 4;
    le16_store(file + 0x1fe, 0xaa55);
    memcpy(file + 0x202, "HdrS", 4);
    le16_store(file + 0x206, 0x20f);
    file[0x211] = 1;
    le32_store(file + 0x22c, 0x37ffffff);
    le32_store(file + 0x238, 255);
}

/* ---- and how they go wrong ---- */

/* Places worth changing, per kind of file. */
static const uint16_t elf_fields[] = {0x04, 0x10, 0x12, 0x18, 0x1c, 0x2a, 0x2c, 0x34, 0x38, 0x40,
                                      0x44, 0x48, 0x58, 0x60, 0x64, 0x68, 0x80, 0x84, 0x88, 0x104};
static const uint16_t flat_fields[] = {0x104, 0x108, 0x10c, 0x110, 0x114, 0x118, 0x11c};
static const uint16_t linux_fields[] = {0x1f1, 0x1fe, 0x202, 0x206, 0x210, 0x211,
                                        0x218, 0x224, 0x228, 0x22c, 0x236, 0x238};

static const struct {
    void (*make)(uint8_t *file);
    const uint16_t *fields;
    unsigned count;
} kinds[] = {
    {make_elf, elf_fields, ARRAY_COUNT(elf_fields)},
    {make_flat, flat_fields, ARRAY_COUNT(flat_fields)},
    {make_linux, linux_fields, ARRAY_COUNT(linux_fields)},
};

static uint32_t changed_value(struct fuzz_input *in)
{
    static const uint32_t values[] = {0,          1,          2,          0x1f,          0x20,
                                      0xff,       0xfff,      FILE_SIZE,  FILE_SIZE - 1, 0x80000,
                                      0x9fc00,    0xffffe,    0x100000,   0x3fffff,      0x400000,
                                      0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff};
    uint8_t which = fuzz_u8(in);
    return which & 0x80 ? fuzz_u32(in) : values[which % ARRAY_COUNT(values)];
}

static void change(struct fuzz_input *in, uint8_t *file, unsigned kind)
{
    uint8_t which = fuzz_u8(in);
    unsigned at =
        which >= 224 ? fuzz_u16(in) % (FILE_SIZE - 4) : kinds[kind].fields[which % kinds[kind].count];
    le_store(file + at, 1u << fuzz_below(in, 3), changed_value(in));
    if (which & 1 && kind < 2) put_multiboot(file, le32_load(file + HEADER + 4)); /* the sum is right again */
}

static void put_file(int fd, const uint8_t *contents, size_t size)
{
    fuzz_check(!ftruncate(fd, 0) && pwrite(fd, contents, size, 0) == (ssize_t)size,
               "memory files can be written");
}

/* ---- a case ---- */

static void check_error(const struct error *error)
{
    fuzz_check(error->text[0] == '-', "an error begins with the option");
    fuzz_check(!strchr(error->text, '\n'), "an error is one line");
}

static void start_kernel(struct kernel_loader *loader, uint64_t low_ram)
{
    struct cpu_fixture fixture;
    struct cpu_state state;
    cpu_fixture_create(&fixture);
    memset(fixture.ram->host + low_ram, 0xa5, FIXTURE_RAM - low_ram);
    kernel_loader_start(loader, fixture.memory, fixture.cpu);
    for (uint64_t at = low_ram; at < FIXTURE_RAM; at += 509)
        fuzz_check(fixture.ram->host[at] == 0xa5, "nothing is loaded beyond the RAM");
    if (low_ram < FIXTURE_RAM)
        fuzz_check(fixture.ram->host[low_ram] == 0xa5, "nothing is loaded beyond the RAM");
    cpu_get_state(fixture.cpu, &state);
    fuzz_check(state.cpl == 0 && !(state.cr0 >> 31), "a kernel starts in ring 0 without paging");
    cpu_run(fixture.cpu, 100, false);
    cpu_fixture_destroy(&fixture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[FILE_SIZE];
    struct fuzz_input in = {data, size};
    struct error error = {{0}};
    unsigned kind = fuzz_below(&in, ARRAY_COUNT(kinds));
    uint8_t shape = fuzz_u8(&in);
    uint64_t low_ram = (UINT64_C(4) << 20) + (shape & 0xf0 ? fuzz_u8(&in) * UINT64_C(0x1000) : 0);
    memset(file, 0, sizeof file);
    kinds[kind].make(file);
    for (unsigned left = fuzz_below(&in, 6); left && in.left; left--) change(&in, file, kind);
    put_file(kernel_file, file, shape & 1 ? fuzz_u16(&in) % FILE_SIZE : FILE_SIZE);
    put_file(initrd_file, file, fuzz_u16(&in) % FILE_SIZE);
    if (shape & 4) /* large, and nothing behind it */
        fuzz_check(!ftruncate(initrd_file, (off_t)(fuzz_u8(&in) + 1) << 14), "memory files can grow");

    struct kernel_loader *loader =
        kernel_loader_new(kernel_path, shape & 2 ? initrd_path : NULL,
                          shape & 8 ? "console=ttyS0 root=/dev/hda1" : NULL, low_ram, &error);
    if (!loader) {
        check_error(&error);
        return 0;
    }
    start_kernel(loader, low_ram);
    kernel_loader_free(loader);
    return 0;
}

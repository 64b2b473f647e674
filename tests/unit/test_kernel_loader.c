/* SPDX-License-Identifier: MIT */
/* -kernel, -initrd and -append (emu/board/kernel_loader.h): what is refused and how, and what the guest finds when it starts. */
#include "tests/unit/board_helper.h"

#include <elf.h>
#include "emu/board/kernel_loader.h"
#include "tests/unit/cpu_fixture.h"

#define FILE_SIZE 0x3000
#define HEADER    0x100 /* place of the Multiboot header */

static uint8_t file[FILE_SIZE];

/* ---- kernels that are right ---- */

static void put_header(uint32_t flags)
{
    le32_store(file + HEADER, 0x1badb002);
    le32_store(file + HEADER + 4, flags);
    le32_store(file + HEADER + 8, 0u - 0x1badb002 - flags);
}

static uint8_t *segment(unsigned n)
{
    return file + sizeof(Elf32_Ehdr) + n * sizeof(Elf32_Phdr);
}

static void put_segment(unsigned n, uint32_t offset, uint32_t addr, uint32_t size, uint32_t room)
{
    le32_store(segment(n) + offsetof(Elf32_Phdr, p_type), PT_LOAD);
    le32_store(segment(n) + offsetof(Elf32_Phdr, p_offset), offset);
    le32_store(segment(n) + offsetof(Elf32_Phdr, p_paddr), addr);
    le32_store(segment(n) + offsetof(Elf32_Phdr, p_filesz), size);
    le32_store(segment(n) + offsetof(Elf32_Phdr, p_memsz), room);
}

static void make_elf(void)
{
    memset(file, 0, sizeof file);
    memcpy(file, ELFMAG "\1\1\1", 7);
    le16_store(file + offsetof(Elf32_Ehdr, e_machine), EM_386);
    le32_store(file + offsetof(Elf32_Ehdr, e_entry), 0x100010);
    le32_store(file + offsetof(Elf32_Ehdr, e_phoff), sizeof(Elf32_Ehdr));
    le16_store(file + offsetof(Elf32_Ehdr, e_phentsize), sizeof(Elf32_Phdr));
    le16_store(file + offsetof(Elf32_Ehdr, e_phnum), 2);
    put_segment(0, 0x1000, 0x100000, 0x800, 0x800);
    put_segment(1, 0x2000, 0x110000, 0x10, 0x1000);
    put_header(3);
    memset(file + 0x1000, 0x11, 0x800);
    memset(file + 0x2000, 0x22, 0x10);
}

static void make_flat(void)
{
    memset(file, 0, sizeof file);
    put_header(0x10003);
    le32_store(file + HEADER + 12, 0x100000 + HEADER); /* header, load, load end, bss end, entry */
    le32_store(file + HEADER + 16, 0x100000);
    le32_store(file + HEADER + 20, 0x102000);
    le32_store(file + HEADER + 24, 0x104000);
    le32_store(file + HEADER + 28, 0x100200);
}

static void make_linux(void)
{
    memset(file, 0, sizeof file);
    file[0x1f1] = 4;
    le16_store(file + 0x1fe, 0xaa55);
    memcpy(file + 0x202, "HdrS", 4);
    le16_store(file + 0x206, 0x20f);
    file[0x211] = 1;
    le32_store(file + 0x22c, 0x37ffffff);
    le32_store(file + 0x238, 255);
    memset(file + 0xa00, 0x33, sizeof file - 0xa00);
}

/* ---- what is refused ---- */

static struct board_config config;

/* The file as it is now, its first `size` bytes, is refused. */
static void refused_at(size_t size, const char *part)
{
    char begins[200];
    config.kernel = helper_file(file, size, size);
    snprintf(begins, sizeof begins, "-kernel: %s: ", config.kernel);
    helper_refused(&config, begins, part);
}

static void refused(const char *part)
{
    refused_at(sizeof file, part);
}

static void setup(void)
{
    config = helper_config(helper_firmware("\xf4", 1));
}

START_TEST(files_that_are_none)
{
    config.kernel = "/nonexistent/vmlinuz";
    helper_refused(&config, "-kernel: /nonexistent/vmlinuz: ", "No such file");
    config.kernel = helper_dir;
    helper_refused(&config, "-kernel: /", "is not a regular file");
    refused_at(0, "is empty");
}
END_TEST

START_TEST(files_without_a_header)
{
    memset(file, 'x', sizeof file);
    refused("is neither a Multiboot kernel (no header in its first 8 KiB) nor a Linux bzImage");
    refused_at(1, "is neither a Multiboot kernel");
    make_elf();
    file[HEADER] = 0;
    refused("is neither a Multiboot kernel");
    make_elf();
    le32_store(file + HEADER + 8, 0); /* the sum is wrong */
    refused("is neither a Multiboot kernel");
    make_elf();
    memset(file + HEADER, 0, 12); /* a header beyond the first 8 KiB */
    le32_store(file + 0x2000, 0x1badb002);
    le32_store(file + 0x2008, 0u - 0x1badb002);
    refused("is neither a Multiboot kernel");
}
END_TEST

START_TEST(kernels_for_64_bits_are_refused_by_that_name)
{
    make_elf();
    file[EI_CLASS] = ELFCLASS64;
    refused("is a 64-bit kernel, and this machine has no long mode");
    memset(file + HEADER, 0, 12); /* without a Multiboot header too */
    refused("is a 64-bit kernel, and this machine has no long mode");
    make_linux();
    le16_store(file + 0x236, 1);
    refused("is a 64-bit kernel, and this machine has no long mode");
}
END_TEST

START_TEST(kernels_for_other_machines)
{
    make_elf();
    le16_store(file + offsetof(Elf32_Ehdr, e_machine), EM_ARM);
    refused("is not for the 386");
    make_elf();
    file[EI_CLASS] = 7;
    refused("is not for the 386");
    make_elf();
    put_header(3 | 1 << 5);
    refused("asks for Multiboot features 0x20 that are not known");
}
END_TEST

START_TEST(truncated_elf_files)
{
    make_elf();
    refused_at(0x2000, "segment 1 lies outside the file; it is truncated");
    refused_at(0x1400, "segment 0 lies outside the file; it is truncated");
    make_elf();
    le32_store(file + offsetof(Elf32_Ehdr, e_phoff), sizeof file - 8);
    refused("its program headers lie outside the file");
    le32_store(file + offsetof(Elf32_Ehdr, e_phoff), 0xffffffff);
    refused("its program headers lie outside the file");
    make_elf();
    le16_store(file + offsetof(Elf32_Ehdr, e_phnum), 0xffff);
    refused("its program headers lie outside the file");
    make_elf();
    le16_store(file + offsetof(Elf32_Ehdr, e_phentsize), 8);
    refused("its program headers lie outside the file");
}
END_TEST

START_TEST(segments_that_make_no_sense)
{
    make_elf();
    put_segment(1, 0xffffffff, 0x110000, 0x10, 0x1000);
    refused("segment 1 lies outside the file");
    put_segment(1, 0x2000, 0x110000, 0xffffffff, 0xffffffff);
    refused("segment 1 lies outside the file");
    put_segment(1, 0x2000, 0xfffff000, 0x10, 0x1000);
    refused("segment 1 (0x1000 bytes at 0xfffff000) does not fit into RAM; more -m is needed");
    put_segment(1, 0x2000, (uint32_t)HELPER_RAM - 0x800, 0x10, 0x1000);
    refused("segment 1 (0x1000 bytes at 0x7ff800) does not fit into RAM");
    put_segment(1, 0x2000, 0x110000, 0x10, 64 << 20);
    refused("does not fit into RAM; more -m is needed");
    put_segment(1, 0x2000, 0x7f000, 0x10, 0x2000);
    refused("wants memory at 0x80000, where the boot information goes");
    make_elf();
    le16_store(file + offsetof(Elf32_Ehdr, e_phnum), 0);
    refused("has nothing to load");
}
END_TEST

START_TEST(load_addresses_that_make_no_sense)
{
    make_flat();
    le32_store(file + HEADER + 16, 0x200000); /* load behind the header */
    refused("the addresses in its Multiboot header contradict each other");
    make_flat();
    le32_store(file + HEADER + 12, 0xf0000000);
    refused("contradict each other");
    make_flat();
    le32_store(file + HEADER + 20, 0x110000);
    refused("is shorter than its Multiboot header says");
    make_flat();
    refused_at(HEADER + 20, "is truncated");
    make_flat();
    le32_store(file + HEADER + 24, 0xf0000000);
    refused("does not fit into RAM; more -m is needed");
}
END_TEST

START_TEST(linux_images_that_are_wrong)
{
    make_linux();
    le16_store(file + 0x206, 0x201);
    refused("is a Linux kernel older than 2.4 (boot protocol 0x201); not supported");
    make_linux();
    file[0x211] = 0;
    refused("older than 2.4");
    make_linux();
    refused_at(0xa00, "is truncated");
    make_linux();
    file[0x1f1] = 64;
    refused("is truncated");
    make_linux();
    char line[300];
    memset(line, 'x', sizeof line - 1), line[sizeof line - 1] = 0;
    config.append = line;
    refused("takes a command line of 255 bytes, -append has 299");
}
END_TEST

START_TEST(command_lines_and_ram_disks)
{
    static char line[3000];
    make_elf();
    config.kernel = helper_file(file, sizeof file, sizeof file);
    config.initrd = "/nonexistent/initrd";
    helper_refused(&config, "-initrd: /nonexistent/initrd: ", "No such file");
    config.initrd = helper_file("", 0, 16 << 20);
    helper_refused(&config, "-initrd: /", "16777216 bytes do not fit into RAM beside the kernel");
    make_linux();
    config.kernel = helper_file(file, sizeof file, sizeof file);
    helper_refused(&config, "-initrd: /", "do not fit into RAM beside the kernel");
    config.initrd = NULL;
    memset(line, 'x', sizeof line - 1);
    config.append = line;
    helper_refused(&config, "-append: ", "2999 bytes are more than the 2047 that fit");
}
END_TEST

START_TEST(little_memory)
{
    make_elf();
    config.ram_size = 3 << 20;
    refused("needs at least -m 4");
}
END_TEST

/* ---- what starts ---- */

/* Loads the file and starts it on a machine of its own. */
static void start(struct cpu_fixture *fixture, const char *initrd, const char *append)
{
    struct error error = {{0}};
    const char *path = helper_file(file, sizeof file, sizeof file);
    struct kernel_loader *loader = kernel_loader_new(path, initrd, append, HELPER_RAM, &error);
    ck_assert_msg(loader != NULL, "%s", error.text);
    cpu_fixture_create(fixture);
    memset(fixture->ram->host + 0x100000, 0xcc, 0x20000);
    kernel_loader_start(loader, fixture->memory, fixture->cpu);
    kernel_loader_free(loader);
}

/* A string in guest memory. */
static const char *string_at(const struct cpu_fixture *fixture, uint32_t at)
{
    return (const char *)fixture->ram->host + at;
}

START_TEST(multiboot_finds_its_segments_and_information)
{
    struct cpu_fixture fixture;
    struct cpu_state state;
    make_elf();
    start(&fixture, helper_file("RAMDISK", 7, 100), "one two");
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(state.gpr[CPU_EAX], 0x2badb002);
    ck_assert_uint_eq(state.eip, 0x100010);
    ck_assert_uint_eq(state.cr0 & 0x80000001, 1);
    ck_assert_uint_eq(state.eflags, 2);
    ck_assert_uint_eq(state.segment[CPU_CS].limit, UINT32_MAX);

    const uint8_t *ram = fixture.ram->host;
    ck_assert_mem_eq(ram + 0x100000, file + 0x1000, 0x800);
    ck_assert_mem_eq(ram + 0x110000, file + 0x2000, 0x10);
    for (unsigned i = 0x10; i < 0x1000; i++) ck_assert_uint_eq(ram[0x110000 + i], 0); /* .bss */
    ck_assert_uint_eq(ram[0x100800], 0xcc); /* between segments, and behind them */
    ck_assert_uint_eq(ram[0x111000], 'R');  /* the first page behind the kernel */

    const uint8_t *info = ram + state.gpr[CPU_EBX];
    ck_assert_uint_eq(le32_load(info) & 0x4d, 0x4d); /* memory, command line, modules, map */
    ck_assert_uint_eq(le32_load(info + 4), 639);
    ck_assert_ptr_nonnull(strstr(string_at(&fixture, le32_load(info + 16)), " one two"));
    ck_assert_uint_eq(le32_load(info + 20), 1);
    const uint8_t *module = ram + le32_load(info + 24);
    ck_assert_str_eq(string_at(&fixture, le32_load(module)), "RAMDISK");
    ck_assert_uint_eq(le32_load(module + 4) - le32_load(module), 100);
    cpu_fixture_destroy(&fixture);
}
END_TEST

START_TEST(multiboot_by_load_addresses)
{
    struct cpu_fixture fixture;
    struct cpu_state state;
    make_flat();
    start(&fixture, NULL, NULL);
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(state.eip, 0x100200);
    ck_assert_mem_eq(fixture.ram->host + 0x100000, file, 0x2000);
    for (unsigned i = 0x2000; i < 0x4000; i++) ck_assert_uint_eq(fixture.ram->host[0x100000 + i], 0);
    ck_assert_uint_eq(fixture.ram->host[0x104000], 0xcc);
    cpu_fixture_destroy(&fixture);
}
END_TEST

START_TEST(linux_starts_in_its_setup_code)
{
    struct cpu_fixture fixture;
    struct cpu_state state;
    make_linux();
    start(&fixture, helper_file("RAMDISK", 7, 5000), "root=/dev/hda1");
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(state.cr0 & 0x80000001, 0);
    ck_assert_uint_eq(state.segment[CPU_CS].base + state.eip, state.segment[CPU_DS].base + 0x200);
    const uint8_t *setup = fixture.ram->host + state.segment[CPU_DS].base;
    ck_assert_mem_eq(setup + 0x202, "HdrS", 4);
    ck_assert_uint_ne(setup[0x210], 0); /* type_of_loader */
    ck_assert_str_eq(string_at(&fixture, le32_load(setup + 0x228)), "root=/dev/hda1");
    ck_assert_str_eq(string_at(&fixture, le32_load(setup + 0x218)), "RAMDISK");
    ck_assert_uint_eq(le32_load(setup + 0x21c), 5000);
    ck_assert_uint_eq(le32_load(setup + 0x218) & 0xfff, 0);
    ck_assert_uint_le(le32_load(setup + 0x218) + 5000, HELPER_RAM);
    ck_assert_mem_eq(fixture.ram->host + 0x100000, file + 0xa00, sizeof file - 0xa00);
    cpu_fixture_destroy(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        files_that_are_none,
        files_without_a_header,
        kernels_for_64_bits_are_refused_by_that_name,
        kernels_for_other_machines,
        truncated_elf_files,
        segments_that_make_no_sense,
        load_addresses_that_make_no_sense,
        linux_images_that_are_wrong,
        command_lines_and_ram_disks,
        little_memory,
        multiboot_finds_its_segments_and_information,
        multiboot_by_load_addresses,
        linux_starts_in_its_setup_code,
    };
    Suite *suite = suite_create("kernel loader");
    TCase *tcase = tcase_create("kernel loader");
    tcase_add_checked_fixture(tcase, setup, NULL);
    helper_add(tcase, tests, ARRAY_COUNT(tests));
    suite_add_tcase(suite, tcase);
    return helper_main(suite);
}

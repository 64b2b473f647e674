/* SPDX-License-Identifier: MIT */
/* ACPI tables, loaded as firmware loads them: files from fw_cfg, then the loader script. */
#include <string.h>
#include <unistd.h>
#include "devices/platform/fw_cfg.h"
#include "emu/board/acpi/dsdt.h"
#include "emu/board/acpi_tables.h"
#include "emu/core/bits.h"
#include "tests/unit/platform_helper.h"

enum { MEMORY_AT = 0x7fe0000, FILES_MOST = 4 };

static struct bench bench;
static struct region *root;
static struct space *memory;
static struct fw_cfg *fw;

/* What the script allocated, and where in "memory". */
static struct loaded {
    char name[FW_CFG_FILE_NAME];
    uint8_t *data;
    uint32_t size, address;
    uint8_t zone;
} files[FILES_MOST];
static unsigned file_count;

static const struct acpi_machine four_cpus = {
    .cpus = 4,
    .apic_id = {0, 1, 4, 5},
    .low_ram = 128 << 20,
    .serial = {true, false, true},
};

static void setup(void)
{
    bench_init(&bench);
    root = region_new_container("memory", UINT64_C(1) << 32);
    memory = space_new("memory", root, UINT64_C(1) << 32, &bench.clock);
    struct fw_cfg_config config = {.ram_size = 128 << 20, .cpus = 4};
    fw = fw_cfg_new(bench.io, &bench.devices, &bench.clock, memory, &config);
    file_count = 0;
}

static void teardown(void)
{
    for (unsigned i = 0; i < file_count; i++) free(files[i].data);
    device_destroy_all(&bench.devices);
    space_free(memory);
    region_release(root);
    bench_free(&bench);
}

/* ---- what firmware does ---- */

static void read_bytes(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)to)[i] = inb(&bench, 0x511);
}

/* A whole file, to be freed; NULL when it is not there. */
static uint8_t *read_file(const char *name, uint32_t *size)
{
    uint8_t count[4], entry[64];
    bench_out(&bench, 0x510, 2, FW_CFG_FILE_DIR);
    read_bytes(count, 4);
    for (uint32_t i = 0; i < be32_load(count); i++) {
        read_bytes(entry, sizeof entry);
        if (strcmp((char *)entry + 8, name)) continue;
        *size = be32_load(entry);
        uint8_t *data = malloc(*size);
        bench_out(&bench, 0x510, 2, be16_load(entry + 4));
        read_bytes(data, *size);
        return data;
    }
    return NULL;
}

static struct loaded *find(const char *name)
{
    for (unsigned i = 0; i < file_count; i++)
        if (!strcmp(files[i].name, name)) return &files[i];
    ck_abort_msg("the script names a file it has not allocated: %s", name);
}

static uint8_t sum(const uint8_t *bytes, uint32_t size)
{
    uint8_t total = 0;
    while (size--) total = (uint8_t)(total + *bytes++);
    return total;
}

static void run_step(const uint8_t *step)
{
    const char *name = (const char *)step + 4;
    struct loaded *file;
    switch (le32_load(step)) {
    case 1:
        ck_assert_uint_lt(file_count, FILES_MOST);
        file = &files[file_count];
        strcpy(file->name, name);
        file->data = read_file(name, &file->size);
        ck_assert_ptr_nonnull(file->data);
        uint32_t alignment = le32_load(step + 60);
        ck_assert(alignment && !(alignment & (alignment - 1)));
        file->address = MEMORY_AT + 0x8000 * file_count++;
        file->zone = step[64];
        break;
    case 2:
        file = find(name);
        uint32_t at = le32_load(step + 116);
        ck_assert_uint_eq(step[120], 4);
        ck_assert_uint_le(at + 4, file->size);
        le32_store(file->data + at, le32_load(file->data + at) + find(name + 56)->address);
        break;
    case 3:
        file = find(name);
        uint32_t place = le32_load(step + 60), start = le32_load(step + 64), length = le32_load(step + 68);
        ck_assert_uint_lt(place, file->size);
        ck_assert_uint_le(start + length, file->size);
        file->data[place] = (uint8_t)(file->data[place] - sum(file->data + start, length));
        break;
    default: ck_abort_msg("unknown step");
    }
}

static void load(const struct acpi_machine *machine)
{
    uint32_t size;
    ck_assert(acpi_tables_offer(fw, machine));
    uint8_t *script = read_file("etc/table-loader", &size);
    ck_assert_ptr_nonnull(script);
    ck_assert_uint_eq(size % 128, 0);
    for (uint32_t at = 0; at < size; at += 128) run_step(script + at);
    free(script);
}

/* ---- what operating systems do ---- */

static const uint8_t *at_address(uint32_t address)
{
    for (unsigned i = 0; i < file_count; i++)
        if (address >= files[i].address && address < files[i].address + files[i].size)
            return files[i].data + (address - files[i].address);
    ck_abort_msg("%08x points nowhere", address);
}

static const uint8_t *rsdt(void)
{
    const uint8_t *rsdp = find("etc/acpi/rsdp")->data;
    ck_assert(!memcmp(rsdp, "RSD PTR ", 8));
    ck_assert_uint_eq(sum(rsdp, 20), 0);
    const uint8_t *table = at_address(le32_load(rsdp + 16));
    ck_assert(!memcmp(table, "RSDT", 4));
    ck_assert_uint_eq(sum(table, le32_load(table + 4)), 0);
    return table;
}

static const uint8_t *table(const char *signature)
{
    const uint8_t *all = rsdt();
    for (uint32_t at = 36; at < le32_load(all + 4); at += 4) {
        const uint8_t *one = at_address(le32_load(all + at));
        ck_assert_uint_eq(sum(one, le32_load(one + 4)), 0);
        if (!memcmp(one, signature, 4)) return one;
    }
    ck_abort_msg("no %s", signature);
}

static uint32_t dsdt_name(const uint8_t *dsdt, const char *name, unsigned size)
{
    const uint8_t *found = NULL;
    for (uint32_t at = 36; at + 10 < le32_load(dsdt + 4); at++) {
        if (dsdt[at] != 0x08 || memcmp(dsdt + at + 1, name, 4)) continue;
        ck_assert_ptr_null(found); /* there is one */
        found = dsdt + at + 6;
    }
    ck_assert_ptr_nonnull(found);
    return (uint32_t)le_load(found, size);
}

START_TEST(places)
{
    load(&four_cpus);
    ck_assert_uint_eq(find("etc/acpi/rsdp")->zone, 2); /* F segment, where it is searched for */
    ck_assert_uint_eq(find("etc/acpi/tables")->zone, 1);
}
END_TEST

START_TEST(fadt)
{
    load(&four_cpus);
    const uint8_t *fadt = table("FACP");
    ck_assert_uint_eq(le32_load(fadt + 4), 244);
    ck_assert_uint_eq(fadt[8], 3);
    const uint8_t *facs = at_address(le32_load(fadt + 36)), *dsdt = at_address(le32_load(fadt + 40));
    ck_assert(!memcmp(facs, "FACS", 4));
    ck_assert_uint_eq(le32_load(facs + 4), 64);
    ck_assert_uint_eq(le32_load(fadt + 36) % 64, 0);
    ck_assert(!memcmp(dsdt, "DSDT", 4));
    ck_assert_uint_eq(sum(dsdt, le32_load(dsdt + 4)), 0);
    ck_assert_uint_eq(le16_load(fadt + 46), 9);
    ck_assert_uint_eq(le32_load(fadt + 48), 0xb2);
    ck_assert_uint_eq(fadt[52], 0xf1);
    ck_assert_uint_eq(fadt[53], 0xf0);
    ck_assert_uint_eq(le32_load(fadt + 56), 0x600);
    ck_assert_uint_eq(le32_load(fadt + 64), 0x604);
    ck_assert_uint_eq(le32_load(fadt + 76), 0x608);
    ck_assert_uint_eq(le32_load(fadt + 80), 0xafe0);
    static const uint8_t lengths[] = {4, 2, 0, 4, 4, 0};
    ck_assert_mem_eq(fadt + 88, lengths, sizeof lengths);
    ck_assert_uint_eq(fadt[108], 0x32);
    ck_assert_uint_eq(le16_load(fadt + 109), 3);
    ck_assert_uint_eq(le32_load(fadt + 112), 0x8465);
    static const uint8_t reset[] = {1, 8, 0, 1, 0xf9, 0x0c, 0, 0, 0, 0, 0, 0, 0x06};
    ck_assert_mem_eq(fadt + 116, reset, sizeof reset);
    ck_assert_uint_eq(le64_load(fadt + 152), 0x600);
    ck_assert_uint_eq(le64_load(fadt + 176), 0x604);
    ck_assert_uint_eq(le64_load(fadt + 212), 0x608);
    ck_assert_uint_eq(le64_load(fadt + 224), 0xafe0);
}
END_TEST

START_TEST(madt)
{
    load(&four_cpus);
    const uint8_t *madt = table("APIC");
    unsigned cpus = 0, overrides = 0, others = 0;
    static const uint8_t irqs[] = {0, 5, 9, 10, 11}, pins[] = {2, 5, 9, 10, 11};
    ck_assert_uint_eq(le32_load(madt + 36), 0xfee00000);
    ck_assert_uint_eq(le32_load(madt + 40), 1);
    for (const uint8_t *entry = madt + 44; entry < madt + le32_load(madt + 4); entry += entry[1]) {
        switch (entry[0]) {
        case 0:
            ck_assert_uint_eq(entry[2], cpus);
            ck_assert_uint_eq(entry[3], four_cpus.apic_id[cpus++]);
            ck_assert_uint_eq(le32_load(entry + 4), 1);
            break;
        case 1:
            ck_assert_uint_eq(le32_load(entry + 4), 0xfec00000);
            ck_assert_uint_eq(le32_load(entry + 8), 0);
            break;
        case 2:
            ck_assert_uint_eq(entry[3], irqs[overrides]);
            ck_assert_uint_eq(le32_load(entry + 4), pins[overrides]);
            ck_assert_uint_eq(le16_load(entry + 8), overrides++ ? 0x0d : 0);
            break;
        default: others++;
        }
        ck_assert_uint_ge(entry[1], 6);
    }
    ck_assert_uint_eq(cpus, 4);
    ck_assert_uint_eq(overrides, 5);
    ck_assert_uint_eq(others, 1);
}
END_TEST

START_TEST(hpet)
{
    load(&four_cpus);
    const uint8_t *hpet = table("HPET");
    ck_assert_uint_eq(le32_load(hpet + 4), 56);
    ck_assert_uint_eq(le32_load(hpet + 36), 0x8086a201);
    ck_assert_uint_eq(le64_load(hpet + 44), 0xfed00000);
}
END_TEST

START_TEST(dsdt_is_told_of_the_machine)
{
    load(&four_cpus);
    const uint8_t *dsdt = at_address(le32_load(table("FACP") + 40));
    ck_assert_uint_eq(dsdt_name(dsdt, "NCPU", 1), 4);
    ck_assert_uint_eq(dsdt_name(dsdt, "ISAD", 1), 0x05);
    ck_assert_uint_eq(dsdt_name(dsdt, "PCIM", 4), 0x80000000);
}
END_TEST

START_TEST(dsdt_of_a_large_machine)
{
    struct acpi_machine machine = {.cpus = 8, .low_ram = 0xe0000000, .ps2_mouse = true};
    load(&machine);
    const uint8_t *dsdt = at_address(le32_load(table("FACP") + 40));
    ck_assert_uint_eq(dsdt_name(dsdt, "NCPU", 1), 8);
    ck_assert_uint_eq(dsdt_name(dsdt, "ISAD", 1), 0x10);
    ck_assert_uint_eq(dsdt_name(dsdt, "PCIM", 4), 0xe0000000);
}
END_TEST

START_TEST(dsdt_can_be_searched_without_an_interpreter)
{
    /* SeaBIOS drives the keyboard only if it finds PNP0303 as a plain _HID; its parser ends at an External (15h). */
    static const uint8_t keyboard[] = {0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x03, 0x03};
    ck_assert_ptr_nonnull(memmem(dsdt_aml, sizeof dsdt_aml, keyboard, sizeof keyboard));
    ck_assert_uint_eq(dsdt_aml[0], 0x08);
}
END_TEST

START_TEST(cpu_counts)
{
    uint32_t size;
    load(&four_cpus);
    uint8_t *file = read_file("etc/boot-cpus", &size);
    ck_assert_uint_eq(size, 2);
    ck_assert_uint_eq(le16_load(file), 4);
    free(file);
    file = read_file("etc/max-cpus", &size); /* above the highest APIC ID */
    ck_assert_uint_eq(size, 2);
    ck_assert_uint_eq(le16_load(file), 6);
    free(file);
    file = read_file("etc/irq0-override", &size);
    ck_assert_uint_eq(file[0], 1);
    free(file);
}
END_TEST

/* The array that is checked in is what iasl makes of the source. The test is run from the top of the tree. */
START_TEST(dsdt_array_is_up_to_date)
{
    if (system("${IASL:-iasl} -v >/dev/null 2>&1"))
        ck_abort_msg("iasl is not installed (acpica-tools); scripts/deps.sh sees to it");
    ck_assert_int_eq(system("sh emu/board/acpi/dsdt.sh | cmp - emu/board/acpi/dsdt.h"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        places,
        fadt,
        madt,
        hpet,
        dsdt_is_told_of_the_machine,
        dsdt_of_a_large_machine,
        dsdt_can_be_searched_without_an_interpreter,
        cpu_counts,
        dsdt_array_is_up_to_date,
    };
    TCase *tcase = tcase_create("acpi_tables");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return bench_main("acpi_tables", tcase);
}

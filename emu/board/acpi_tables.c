/* SPDX-License-Identifier: MIT */
/* ACPI tables for the firmware: see acpi_tables.h. Advanced Configuration and Power Interface 2.0, chapter 5. */
#include "emu/board/acpi_tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "devices/bus/piix4_pm.h"
#include "devices/platform/fw_cfg.h"
#include "devices/platform/hpet.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/lapic.h"
#include "emu/core/bits.h"
#include "emu/board/acpi/dsdt.h"

_Static_assert(ACPI_CPUS_MOST == APIC_CPUS_MOST, "one limit of CPUs");

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"
#define SCRIPT_FILE "etc/table-loader"

/* A step of the loader script: 128 bytes, little-endian. */
struct script_step {
    uint8_t command[4];
    union {
        struct {
            char file[FW_CFG_FILE_NAME];
            uint8_t alignment[4];
            uint8_t zone;
        } allocate;
        struct {
            char in[FW_CFG_FILE_NAME], to[FW_CFG_FILE_NAME];
            uint8_t offset[4];
            uint8_t size;
        } pointer; /* the address of file `to` is added to what is at `offset` in file `in` */
        struct {
            char file[FW_CFG_FILE_NAME];
            uint8_t offset[4], start[4], length[4];
        } checksum;
        uint8_t bytes[124];
    };
};
_Static_assert(sizeof(struct script_step) == 128, "loader script");
enum script_command { SCRIPT_ALLOCATE = 1, SCRIPT_POINTER = 2, SCRIPT_CHECKSUM = 3 };
enum script_zone { ZONE_HIGH = 1, ZONE_F_SEGMENT = 2 };

enum { TABLES_MOST = 16384, STEPS_MOST = 32 };
enum { TABLES_ALIGNMENT = 64, RSDP_ALIGNMENT = 16 };

/* Headers of tables (5.2.5). */
enum { HEADER_LENGTH = 4, HEADER_CHECKSUM = 9, HEADER_SIZE = 36 };
enum { RSDP_CHECKSUM = 8, RSDP_RSDT = 16, RSDP_SIZE = 20 };
static const char oem_id[] = "VITRIN";
static const char oem_table_id[] = "440FX   ";

struct builder {
    uint8_t tables[TABLES_MOST];
    uint32_t size;
    struct script_step script[STEPS_MOST];
    uint32_t steps;
};

/* ---- the script ---- */

static struct script_step *script_add(struct builder *builder, enum script_command command)
{
    assert(builder->steps < STEPS_MOST);
    struct script_step *step = &builder->script[builder->steps++];
    le32_store(step->command, command);
    return step;
}

static void script_allocate(struct builder *builder, const char *file, uint32_t alignment,
                            enum script_zone zone)
{
    struct script_step *step = script_add(builder, SCRIPT_ALLOCATE);
    strcpy(step->allocate.file, file);
    le32_store(step->allocate.alignment, alignment);
    step->allocate.zone = (uint8_t)zone;
}

/* All pointers are 32 bits wide and go to a table. */
static void script_pointer(struct builder *builder, const char *in, uint32_t offset)
{
    struct script_step *step = script_add(builder, SCRIPT_POINTER);
    strcpy(step->pointer.in, in);
    strcpy(step->pointer.to, TABLES_FILE);
    le32_store(step->pointer.offset, offset);
    step->pointer.size = 4;
}

static void script_checksum(struct builder *builder, const char *file, uint32_t offset, uint32_t start,
                            uint32_t length)
{
    struct script_step *step = script_add(builder, SCRIPT_CHECKSUM);
    strcpy(step->checksum.file, file);
    le32_store(step->checksum.offset, offset);
    le32_store(step->checksum.start, start);
    le32_store(step->checksum.length, length);
}

/* ---- bytes ---- */

static void put(struct builder *builder, unsigned size, uint64_t value)
{
    assert(builder->size + size <= TABLES_MOST);
    le_store(builder->tables + builder->size, size, value);
    builder->size += size;
}

static void put_bytes(struct builder *builder, const void *bytes, size_t size)
{
    assert(size <= TABLES_MOST - builder->size);
    memcpy(builder->tables + builder->size, bytes, size);
    builder->size += (uint32_t)size;
}

static void put_zeros(struct builder *builder, unsigned count)
{
    while (count--) put(builder, 1, 0);
}

static void put_pointer(struct builder *builder, uint32_t table)
{
    script_pointer(builder, TABLES_FILE, builder->size);
    put(builder, 4, table);
}

/* Generic address structure (5.2.3.1): I/O ports, `bits` wide, accessed in units of that size. */
static void put_port(struct builder *builder, unsigned bits, uint16_t port)
{
    put(builder, 1, 1);
    put(builder, 1, bits);
    put(builder, 1, 0);
    put(builder, 1, bits == 8 ? 1 : bits == 16 ? 2 : bits == 32 ? 3 : 0);
    put(builder, 8, port);
}

/* Starts a table and returns its place. */
static uint32_t table_begin(struct builder *builder, const char *signature, uint8_t revision)
{
    put_zeros(builder, -builder->size % 8);
    uint32_t start = builder->size;
    put_bytes(builder, signature, 4);
    put(builder, 4, 0); /* length */
    put(builder, 1, revision);
    put(builder, 1, 0); /* checksum */
    put_bytes(builder, oem_id, 6);
    put_bytes(builder, oem_table_id, 8);
    put(builder, 4, 1);
    put_bytes(builder, oem_id, 4); /* who made it: not the compiler */
    put(builder, 4, 1);
    return start;
}

static void table_end(struct builder *builder, uint32_t start)
{
    uint32_t length = builder->size - start;
    le32_store(builder->tables + start + HEADER_LENGTH, length);
    script_checksum(builder, TABLES_FILE, start + HEADER_CHECKSUM, start, length);
}

/* ---- DSDT ---- */

/* Where PCI memory below the I/O APIC begins, as SeaBIOS lays it out on a 440FX. */
static uint32_t pci_memory_start(uint64_t low_ram)
{
    if (low_ram <= 0x80000000u) return 0x80000000u;
    return low_ram <= 0xc0000000u ? 0xc0000000u : 0xe0000000u;
}

/* Sets `Name (NAME, value)`, an integer of `size` bytes, where it stands in the AML (19.2.5.1). */
static void aml_set_name(uint8_t *aml, size_t length, const char *name, unsigned size, uint32_t value)
{
    enum { NAME_OP = 0x08, BYTE_PREFIX = 0x0a, DWORD_PREFIX = 0x0c };
    uint8_t pattern[6] = {NAME_OP, 0, 0, 0, 0, size == 1 ? BYTE_PREFIX : DWORD_PREFIX};
    memcpy(pattern + 1, name, 4);
    uint8_t *found = memmem(aml, length, pattern, sizeof(pattern));
    assert(found);
    le_store(found + sizeof(pattern), size, value);
}

static uint32_t make_dsdt(struct builder *builder, const struct acpi_machine *machine)
{
    uint8_t isa = machine->ps2_mouse ? BIT(4) : 0;
    for (unsigned i = 0; i < ARRAY_COUNT(machine->serial); i++)
        if (machine->serial[i]) isa |= (uint8_t)BIT(i);
    uint32_t start = table_begin(builder, "DSDT", 1);
    uint8_t *aml = builder->tables + builder->size;
    put_bytes(builder, dsdt_aml, sizeof(dsdt_aml));
    aml_set_name(aml, sizeof(dsdt_aml), "NCPU", 1, machine->cpus);
    aml_set_name(aml, sizeof(dsdt_aml), "ISAD", 1, isa);
    aml_set_name(aml, sizeof(dsdt_aml), "PCIM", 4, pci_memory_start(machine->low_ram));
    table_end(builder, start);
    return start;
}

/* ---- FACS and FADT (5.2.8, 5.2.9) ---- */

static uint32_t make_facs(struct builder *builder)
{
    uint32_t start = builder->size; /* 64-byte aligned: it is the first */
    put_bytes(builder, "FACS", 4);
    put(builder, 4, 64);
    put_zeros(builder, 56); /* no hardware signature, nothing to wake up to */
    return start;
}

enum {
    PM_BASE = 0x600,
    PM1_EVENT = PM_BASE,
    PM1_CONTROL = PM_BASE + 4,
    PM_TIMER = PM_BASE + 8,
    GPE0 = 0xafe0
};
enum { SCI_IRQ = 9, SMI_COMMAND = 0xb2, RESET_CONTROL = 0xcf9, RESET_HARD = 0x06, CMOS_CENTURY_BYTE = 0x32 };
enum { PROFILE_DESKTOP = 1, LATENCY_NONE = 0xfff };
enum { BOOT_LEGACY_DEVICES = 1, BOOT_8042 = 2 };
enum {
    FADT_WBINVD = 1 << 0,
    FADT_PROC_C1 = 1 << 2,
    FADT_NO_SLEEP_BUTTON = 1 << 5,
    FADT_NO_RTC_WAKE = 1 << 6,
    FADT_RESET_REGISTER = 1 << 10,
    FADT_USE_PLATFORM_CLOCK = 1 << 15, /* the PM timer or HPET, rather than the TSC */
};

static uint32_t make_fadt(struct builder *builder, uint32_t facs, uint32_t dsdt)
{
    uint32_t start = table_begin(builder, "FACP", 3);
    put_pointer(builder, facs);
    put_pointer(builder, dsdt);
    put(builder, 1, 1); /* interrupt model: APICs too */
    put(builder, 1, PROFILE_DESKTOP);
    put(builder, 2, SCI_IRQ);
    put(builder, 4, SMI_COMMAND);
    put(builder, 1, ACPI_ENABLE_CMD);
    put(builder, 1, ACPI_DISABLE_CMD);
    put_zeros(builder, 2); /* no S4BIOS, no P-states */
    const uint32_t blocks[] = {PM1_EVENT, 0, PM1_CONTROL, 0, 0, PM_TIMER, GPE0, 0};
    for (unsigned i = 0; i < ARRAY_COUNT(blocks); i++) put(builder, 4, blocks[i]);
    const uint8_t lengths[] = {4, 2, 0, 4, 4, 0};
    put_bytes(builder, lengths, sizeof(lengths));
    put_zeros(builder, 2); /* GPE1, C-states */
    put(builder, 2, LATENCY_NONE);
    put(builder, 2, LATENCY_NONE);
    put_zeros(builder, 8); /* cache flush, duty cycle, alarms */
    put(builder, 1, CMOS_CENTURY_BYTE);
    put(builder, 2, BOOT_LEGACY_DEVICES | BOOT_8042);
    put(builder, 1, 0);
    put(builder, 4,
        FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_RTC_WAKE | FADT_RESET_REGISTER |
            FADT_USE_PLATFORM_CLOCK);
    put_port(builder, 8, RESET_CONTROL);
    put(builder, 1, RESET_HARD);
    put_zeros(builder, 3 + 8 + 8); /* the 32-bit addresses of FACS and DSDT count */
    put_port(builder, 32, PM1_EVENT);
    put_zeros(builder, 12);
    put_port(builder, 16, PM1_CONTROL);
    put_zeros(builder, 12 + 12);
    put_port(builder, 32, PM_TIMER);
    put_port(builder, 32, GPE0);
    put_zeros(builder, 12);
    table_end(builder, start);
    return start;
}

/* ---- MADT (5.2.10.4) ---- */

enum { MADT_LOCAL_APIC = 0, MADT_IO_APIC = 1, MADT_OVERRIDE = 2, MADT_LOCAL_NMI = 4 };
enum { MADT_PC_AT = 1, LOCAL_APIC_ENABLED = 1, ALL_CPUS = 0xff };
enum { FLAGS_OF_THE_BUS = 0x0, FLAGS_HIGH_LEVEL = 0xd };

static void put_override(struct builder *builder, uint8_t irq, uint8_t pin, uint16_t flags)
{
    put(builder, 1, MADT_OVERRIDE);
    put(builder, 1, 10);
    put(builder, 1, 0); /* ISA */
    put(builder, 1, irq);
    put(builder, 4, pin);
    put(builder, 2, flags);
}

static uint32_t make_madt(struct builder *builder, const struct acpi_machine *machine)
{
    static const uint8_t level_irqs[] = {5, SCI_IRQ, 10,
                                         11}; /* where PCI interrupts may be routed, and the SCI */
    uint32_t start = table_begin(builder, "APIC", 1);
    put(builder, 4, LAPIC_BASE);
    put(builder, 4, MADT_PC_AT);
    for (unsigned i = 0; i < machine->cpus; i++) {
        put(builder, 1, MADT_LOCAL_APIC);
        put(builder, 1, 8);
        put(builder, 1, i); /* _UID in the DSDT */
        put(builder, 1, machine->apic_id[i]);
        put(builder, 4, LOCAL_APIC_ENABLED);
    }
    put(builder, 1, MADT_IO_APIC);
    put(builder, 1, 12);
    put(builder, 2, 0); /* ID 0, as in SeaBIOS's MP table */
    put(builder, 4, IOAPIC_BASE);
    put(builder, 4, 0); /* its first pin is interrupt 0 of the system */
    put_override(builder, 0, 2, FLAGS_OF_THE_BUS);
    for (unsigned i = 0; i < ARRAY_COUNT(level_irqs); i++)
        put_override(builder, level_irqs[i], level_irqs[i], FLAGS_HIGH_LEVEL);
    put(builder, 1, MADT_LOCAL_NMI);
    put(builder, 1, 6);
    put(builder, 1, ALL_CPUS);
    put(builder, 2, FLAGS_OF_THE_BUS);
    put(builder, 1, 1); /* LINT1 */
    table_end(builder, start);
    return start;
}

/* ---- HPET, RSDT, RSDP ---- */

static uint32_t make_hpet(struct builder *builder)
{
    uint32_t start = table_begin(builder, "HPET", 1);
    put(builder, 4, HPET_BLOCK_ID);
    put(builder, 4, 0); /* memory, 64 bits ... */
    put(builder, 8, HPET_BASE);
    put(builder, 1, 0);     /* the first of its kind */
    put(builder, 2, 0x100); /* fewest ticks of a period that is not lost, generously */
    put(builder, 1, 0);
    table_end(builder, start);
    return start;
}

static uint32_t make_rsdt(struct builder *builder, const uint32_t *tables, unsigned count)
{
    uint32_t start = table_begin(builder, "RSDT", 1);
    for (unsigned i = 0; i < count; i++) put_pointer(builder, tables[i]);
    table_end(builder, start);
    return start;
}

/* Revision 0 (5.2.4): there is an RSDT only. */
static void make_rsdp(struct builder *builder, uint32_t rsdt, uint8_t rsdp[RSDP_SIZE])
{
    memset(rsdp, 0, RSDP_SIZE);
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, oem_id, 6);
    le32_store(rsdp + RSDP_RSDT, rsdt);
    script_pointer(builder, RSDP_FILE, RSDP_RSDT);
    script_checksum(builder, RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_SIZE);
}

/* ---- the whole ---- */

static bool offer_cpus(struct fw_cfg *fw, const struct acpi_machine *machine)
{
    uint8_t count[2], limit[2], override = 1;
    uint16_t highest = 0;
    for (unsigned i = 0; i < machine->cpus; i++)
        if (machine->apic_id[i] > highest) highest = machine->apic_id[i];
    le16_store(count, (uint16_t)machine->cpus);
    le16_store(limit, highest + 1);
    return fw_cfg_add_file(fw, "etc/boot-cpus", count, sizeof(count)) &&
           fw_cfg_add_file(fw, "etc/max-cpus", limit, sizeof(limit)) &&
           fw_cfg_add_file(fw, "etc/irq0-override", &override, sizeof(override));
}

bool acpi_tables_offer(struct fw_cfg *fw, const struct acpi_machine *machine)
{
    assert(machine->cpus >= 1 && machine->cpus <= ACPI_CPUS_MOST);
    struct builder *builder = calloc(1, sizeof(*builder));
    if (!builder) return false;
    script_allocate(builder, TABLES_FILE, TABLES_ALIGNMENT, ZONE_HIGH);
    script_allocate(builder, RSDP_FILE, RSDP_ALIGNMENT, ZONE_F_SEGMENT);
    uint32_t facs = make_facs(builder);
    uint32_t dsdt = make_dsdt(builder, machine);
    uint32_t tables[3];
    tables[0] = make_fadt(builder, facs, dsdt);
    tables[1] = make_madt(builder, machine);
    tables[2] = make_hpet(builder);
    uint8_t rsdp[RSDP_SIZE];
    make_rsdp(builder, make_rsdt(builder, tables, ARRAY_COUNT(tables)), rsdp);
    bool offered = offer_cpus(fw, machine) &&
                   fw_cfg_add_file(fw, TABLES_FILE, builder->tables, builder->size) &&
                   fw_cfg_add_file(fw, RSDP_FILE, rsdp, sizeof(rsdp)) &&
                   fw_cfg_add_file(fw, SCRIPT_FILE, builder->script,
                                   builder->steps * (uint32_t)sizeof(struct script_step));
    free(builder);
    return offered;
}

/* SPDX-License-Identifier: MIT */
/* MSI: the capability's registers, and the way of a message from a PCI function to a local APIC. */
#include <string.h>
#include "devices/bus/pci_msi.h"
#include "emu/core/bits.h"
#include "tests/unit/apic_rig.h"

enum { DEVFN = 4 << 3, AT = 0x80, VECTOR = 0x61 };

static struct rig rig;
static struct pci_bus *bus;
static struct pci_function function;
static struct pci_msi msi;

static void config_out(unsigned offset, unsigned size, uint32_t value)
{
    pci_config_write(bus, DEVFN, offset, size, value);
}

static uint32_t config_in(unsigned offset, unsigned size)
{
    return pci_config_read(bus, DEVFN, offset, size);
}

static void open_bench(void)
{
    static const struct pci_identity identity = {.vendor = 0x8086, .device = 0x2922, .interrupt_pin = 1};
    rig_open(&rig);
    rig.current = APIC_NO_CPU;
    apic_bus_open_window(rig.bus, rig.root);
    const struct pci_bus_wiring wiring = {.memory = rig.root,
                                          .io = rig.bench.io,
                                          .dma_root = rig.root,
                                          .memory_size = UINT64_C(1) << 36,
                                          .clock = &rig.bench.clock,
                                          .devices = &rig.bench.devices};
    bus = pci_bus_new(&wiring);
    memset(&function, 0, sizeof function);
    pci_function_init(&function, bus, DEVFN, "sender", &identity, NULL, NULL);
    pci_msi_init(&msi, &function, AT);
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) lapic_switch_on(&rig, cpu);
    rig.current = APIC_NO_CPU;
}

static void close_bench(void)
{
    pci_msi_destroy(&msi);
    pci_function_destroy(&function);
    rig_close(&rig);
    pci_bus_free(bus);
}

static void program(uint64_t address, uint16_t data)
{
    config_out(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    config_out(AT + PCI_MSI_ADDRESS, 4, (uint32_t)address);
    config_out(AT + PCI_MSI_ADDRESS_HIGH, 4, (uint32_t)(address >> 32));
    config_out(AT + PCI_MSI_DATA, 2, data);
    config_out(AT + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
}

static void settle(void)
{
    clock_fire_due(&rig.bench.clock);
}

/* Which CPUs have an interrupt; each is taken, and its vector must be `vector`. */
static unsigned taken(uint8_t vector)
{
    unsigned who = 0;
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) {
        if (!rig.cpu[cpu].intr) continue;
        ck_assert_int_eq(lapic_acknowledge(rig.lapic[cpu]), vector);
        ck_assert(!rig.cpu[cpu].intr);
        lapic_write(rig.lapic[cpu], 0x0b0, 0); /* EOI */
        who |= 1u << cpu;
    }
    return who;
}

static unsigned send_message(uint64_t address, uint16_t data)
{
    program(address, data);
    pci_msi_send(&msi);
    settle();
    return taken((uint8_t)data);
}

START_TEST(capability_is_in_the_chain)
{
    ck_assert(config_in(PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES);
    ck_assert_uint_eq(config_in(PCI_CAPABILITIES, 1), AT);
    ck_assert_uint_eq(config_in(AT, 2), PCI_CAPABILITY_MSI);
    struct pci_msi second;
    pci_msi_init(&second, &function, 0x60);
    pci_msi_destroy(&second);
    ck_assert_uint_eq(config_in(PCI_CAPABILITIES, 1), 0x60);
    ck_assert_uint_eq(config_in(0x60, 2), PCI_CAPABILITY_MSI | AT << 8);
}
END_TEST

START_TEST(registers_keep_their_bits)
{
    config_out(AT, 2, 0xffff);
    ck_assert_uint_eq(config_in(AT, 2), PCI_CAPABILITY_MSI);
    config_out(AT + PCI_MSI_CONTROL, 2, 0xffff);
    ck_assert_uint_eq(config_in(AT + PCI_MSI_CONTROL, 2), 0x00f1); /* one message capable, 64-bit, no masks */
    config_out(AT + PCI_MSI_ADDRESS, 4, 0xffffffff);
    ck_assert_uint_eq(config_in(AT + PCI_MSI_ADDRESS, 4), 0xfffffffc);
    config_out(AT + PCI_MSI_ADDRESS_HIGH, 4, 0xffffffff);
    ck_assert_uint_eq(config_in(AT + PCI_MSI_ADDRESS_HIGH, 4), 0xffffffff);
    config_out(AT + PCI_MSI_DATA, 4, 0xffffffff);
    ck_assert_uint_eq(config_in(AT + PCI_MSI_DATA, 4), 0x0000ffff);
    device_reset_all(&rig.bench.devices);
    ck_assert_uint_eq(config_in(AT + PCI_MSI_CONTROL, 2), PCI_MSI_64BIT);
    ck_assert_uint_eq(config_in(AT + PCI_MSI_ADDRESS, 4), 0);
    ck_assert(config_in(PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES);
}
END_TEST

/* APIC ID 0 is behind the local APICs' own page, the others behind the window alone. */
START_TEST(message_reaches_the_named_cpu)
{
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
        ck_assert_uint_eq(send_message(0xfee00000u | cpu << 12, VECTOR), 1u << cpu);
    ck_assert_uint_eq(send_message(0xfeeff000, VECTOR), 0xf); /* FFh: all */
    ck_assert_uint_eq(send_message(0xfee09000, VECTOR), 0);   /* nobody has ID 9 */
}
END_TEST

START_TEST(logical_destination_and_lowest_priority)
{
    for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++) {
        lapic_set(&rig, cpu, 0x0d0, 1u << (24 + cpu)); /* LDR, flat */
        lapic_set(&rig, cpu, 0x080, cpu == 2 ? 0 : 0x40);
    }
    rig.current = APIC_NO_CPU;
    ck_assert_uint_eq(send_message(0xfee06004, VECTOR), 6);         /* CPUs 1 and 2, fixed */
    ck_assert_uint_eq(send_message(0xfee0f00c, VECTOR | 0x100), 4); /* the one with the lowest priority */
}
END_TEST

START_TEST(other_delivery_modes)
{
    ck_assert_uint_eq(send_message(0xfee01000, 0x400), 0); /* NMI */
    ck_assert_uint_eq(rig.cpu[1].nmis, 1);
    ck_assert_uint_eq(send_message(0xfee01000, 0x300 | VECTOR), 0); /* reserved */
    ck_assert_uint_eq(send_message(0xfee01000, 0x600 | VECTOR), 0); /* startup: for ICRs only */
    ck_assert_uint_eq(rig.cpu[1].startups, 0);
    ck_assert_uint_eq(send_message(0xfee01000, 0x8000 | VECTOR), 0); /* level, deasserted */
    ck_assert_uint_eq(send_message(0xfee01000, 0xc000 | VECTOR), 2);
}
END_TEST

START_TEST(nothing_is_sent_while_it_is_off)
{
    program(0xfee00000, VECTOR);
    config_out(AT + PCI_MSI_CONTROL, 2, 0);
    ck_assert(!pci_msi_enabled(&msi));
    pci_msi_send(&msi);
    settle();
    ck_assert_uint_eq(taken(VECTOR), 0);

    program(0xfee00000, VECTOR);
    ck_assert(pci_msi_enabled(&msi));
    config_out(PCI_COMMAND, 2, 0);
    uint64_t before = lint_count();
    pci_msi_send(&msi);
    settle();
    ck_assert_uint_eq(taken(VECTOR), 0);
    ck_assert_uint_eq(lint_count(), before + 1);
}
END_TEST

START_TEST(message_is_never_sent_inside_an_access)
{
    program(0xfee00000, VECTOR);
    rig.current = 0;
    pci_msi_send(&msi);
    pci_msi_send(&msi);
    ck_assert_uint_eq(taken(VECTOR), 0);
    rig.current = APIC_NO_CPU;
    settle();
    ck_assert_uint_eq(taken(VECTOR), 1);
    ck_assert_uint_eq(taken(VECTOR), 0);
    pci_msi_send(&msi);
    pci_msi_cancel(&msi);
    settle();
    ck_assert_uint_eq(taken(VECTOR), 0);
}
END_TEST

START_TEST(cpus_find_no_window)
{
    uint64_t value;
    rig.current = 1;
    ck_assert_int_eq(space_store(rig.memory, 0xfee02000, 4, VECTOR), MEM_DECODE_ERROR);
    ck_assert_int_eq(space_load(rig.memory, 0xfee02000, 4, &value), MEM_DECODE_ERROR);
    rig.current = APIC_NO_CPU;
    ck_assert_int_eq(space_load(rig.memory, 0xfee02000, 4, &value), MEM_DECODE_ERROR);
    ck_assert_int_eq(space_store(rig.memory, 0xfee02000, 2, VECTOR), MEM_DEVICE_ERROR);
    ck_assert_int_eq(space_store(rig.memory, 0xfef00000, 4, VECTOR), MEM_DECODE_ERROR);
    ck_assert_int_eq(apic_bus_write(rig.bus, 0xfef00000, VECTOR), MEM_DECODE_ERROR);
    ck_assert_uint_eq(taken(VECTOR), 0);
}
END_TEST

START_TEST(messages_to_plain_memory_are_writes)
{
    struct error error;
    struct region *ram = region_new_ram("ram", 4096, &error);
    ck_assert_ptr_nonnull(ram);
    region_add(rig.root, 0, ram, 0);
    ck_assert_uint_eq(send_message(0x100, 0xbeef), 0);
    ck_assert_uint_eq(le32_load(ram->host + 0x100), 0xbeef);
    region_remove(ram);
    region_release(ram);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        capability_is_in_the_chain,
        registers_keep_their_bits,
        message_reaches_the_named_cpu,
        logical_destination_and_lowest_priority,
        other_delivery_modes,
        nothing_is_sent_while_it_is_off,
        message_is_never_sent_inside_an_access,
        cpus_find_no_window,
        messages_to_plain_memory_are_writes,
    };
    Suite *suite = suite_create("pci_msi");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, open_bench, close_bench);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

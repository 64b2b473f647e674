/* SPDX-License-Identifier: MIT */
/* PCI configuration space, BARs, interrupt pins and bus mastering, against PCI 2.3 chapter 6. */
#include <string.h>
#include "tests/unit/chipset_bench.h"

#define DEVFN (2 << 3)

/* A card with registers in I/O and memory, a frame buffer and a ROM. */
struct card {
    struct bench bench;
    struct pci_function function;
    struct region *io, *mmio, *ram, *rom;
    bool lines[4];
    unsigned config_writes;
    uint64_t mmio_value;
};

static enum mem_result mmio_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner, (void)size;
    *value = 0x50 + at.offset;
    return MEM_OK;
}

static enum mem_result mmio_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    ((struct card *)owner)->mmio_value = value;
    return MEM_OK;
}

static const struct mmio_ops card_ops = {mmio_read, mmio_write, 1, 4, false};

static void set_line(void *owner, int number, bool level)
{
    ((struct card *)owner)->lines[number] = level;
}

static void config_written(void *owner, unsigned offset, unsigned size)
{
    (void)offset, (void)size;
    ((struct card *)owner)->config_writes++;
}

static const struct pci_identity identity = {.vendor = 0x1234,
                                             .device = 0x5678,
                                             .class = 2,
                                             .subclass = 1,
                                             .prog_if = 3,
                                             .revision = 4,
                                             .interrupt_pin = 1};

static struct card *card_new(void)
{
    struct card *card = calloc(1, sizeof(*card));
    bench_init(&card->bench, BENCH_RAM);
    struct irq_line lines[4];
    for (int i = 0; i < 4; i++) lines[i] = (struct irq_line){set_line, card, i};
    pci_bus_connect_intx(card->bench.bus, lines);
    pci_function_init(&card->function, card->bench.bus, DEVFN, "card", &identity, config_written, card);
    card->io = region_new_mmio("card-io", 16, &card_ops, card, NULL);
    card->mmio = region_new_mmio("card-mmio", 4096, &card_ops, card, NULL);
    card->ram = region_new_ram("card-ram", 1 << 20, NULL);
    card->rom = region_new_rom("card-rom", 2048, NULL);
    card->rom->host[0] = 0x55;
    card->rom->host[1] = 0xaa;
    pci_function_add_bar(&card->function, 0, card->io, true);
    pci_function_add_bar(&card->function, 1, card->mmio, false);
    pci_function_add_bar(&card->function, 5, card->ram, false);
    pci_function_add_rom(&card->function, card->rom);
    return card;
}

static void card_free(struct card *card)
{
    pci_function_destroy(&card->function);
    region_release(card->io);
    region_release(card->mmio);
    region_release(card->ram);
    region_release(card->rom);
    bench_destroy(&card->bench);
    free(card);
}

static uint32_t get(struct card *card, unsigned offset, unsigned size)
{
    return config_read(&card->bench, DEVFN, offset, size);
}

static void set(struct card *card, unsigned offset, unsigned size, uint32_t value)
{
    config_write(&card->bench, DEVFN, offset, size, value);
}

START_TEST(lesson_42_configuration_is_little_endian_by_any_size)
{
    struct card *card = card_new();
    ck_assert_uint_eq(get(card, 0, 4), 0x56781234);
    ck_assert_uint_eq(get(card, 2, 2), 0x5678);
    ck_assert_uint_eq(get(card, 1, 1), 0x12);
    ck_assert_uint_eq(get(card, 8, 4), 0x02010304);
    ck_assert_uint_eq(get(card, 0x3d, 1), 1);
    set(card, 0, 4, 0);
    set(card, 8, 4, 0);
    ck_assert_uint_eq(get(card, 0, 4), 0x56781234);
    ck_assert_uint_eq(get(card, 8, 4), 0x02010304);
    set(card, 0x3c, 1, 11);
    set(card, 0x3d, 1, 7);
    ck_assert_uint_eq(get(card, 0x3c, 2), 0x010b);
    card_free(card);
}
END_TEST

START_TEST(nobody_there_reads_ones)
{
    struct card *card = card_new();
    ck_assert_uint_eq(config_read(&card->bench, 9 << 3, 0, 4), 0xffffffff);
    ck_assert_uint_eq(config_read(&card->bench, 9 << 3, 0, 2), 0xffff);
    ck_assert_uint_eq(config_read(&card->bench, DEVFN + 1, 0, 1), 0xff);
    config_write(&card->bench, 9 << 3, 4, 4, ~0u);
    card_free(card);
}
END_TEST

START_TEST(bars_report_their_size)
{
    struct card *card = card_new();
    const struct {
        unsigned offset;
        uint32_t size;
    } bars[] = {{0x10, 0xfffffff1}, {0x14, 0xfffff000}, {0x18, 0}, {0x24, 0xfff00008}, {0x30, 0xfffff801}};
    for (unsigned i = 0; i < ARRAY_COUNT(bars); i++) {
        set(card, bars[i].offset, 4, 0xffffffff);
        ck_assert_uint_eq(get(card, bars[i].offset, 4), bars[i].size);
    }
    card_free(card);
}
END_TEST

START_TEST(bars_decode_only_when_command_says_so)
{
    struct card *card = card_new();
    set(card, 0x10, 4, 0xc000);
    set(card, 0x14, 4, 0xe0001000);
    ck_assert_uint_eq(in(&card->bench, 0xc005, 1), 0xff);
    ck_assert_uint_eq(peek(&card->bench, 0xe0001003), 0xff);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert_uint_eq(in(&card->bench, 0xc005, 1), 0x55);
    ck_assert_uint_eq(peek(&card->bench, 0xe0001003), 0xff);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(in(&card->bench, 0xc005, 1), 0xff);
    ck_assert_uint_eq(peek(&card->bench, 0xe0001003), 0x53);
    poke(&card->bench, 0xe0001003, 9);
    ck_assert_uint_eq(card->mmio_value, 9);
    card_free(card);
}
END_TEST

START_TEST(bars_move_with_what_the_guest_writes)
{
    struct card *card = card_new();
    set(card, 0x24, 4, 0xe0000000);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    poke(&card->bench, 0xe0000010, 0x77);
    set(card, 0x24, 4, 0xe2000000);
    ck_assert_uint_eq(peek(&card->bench, 0xe0000010), 0xff);
    ck_assert_uint_eq(peek(&card->bench, 0xe2000010), 0x77);
    /* One byte at a time, as a word-wise driver does. */
    set(card, 0x26, 1, 0x30);
    ck_assert_uint_eq(peek(&card->bench, 0xe2300010), 0x77);
    /* Over RAM, RAM is seen: the bridge claims it first. */
    set(card, 0x24, 4, 0x00100000);
    ck_assert_uint_eq(peek(&card->bench, 0x00100010), 0);
    card_free(card);
}
END_TEST

START_TEST(bars_being_sized_decode_nothing)
{
    struct card *card = card_new();
    set(card, 0x14, 4, 0xe0001000);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    uint64_t before = lint_count();
    set(card, 0x14, 4, 0xffffffff);
    ck_assert_uint_gt(lint_count(), before);
    ck_assert_uint_eq(peek(&card->bench, 0xfffff010), 1); /* still the BIOS */
    ck_assert_uint_eq(get(card, 0x14, 4), 0xfffff000);
    set(card, 0x10, 4, 0xffffffff);
    ck_assert_uint_eq(in(&card->bench, 0xfff5, 1), 0xff);
    set(card, 0x10, 4, 0);
    ck_assert_uint_eq(in(&card->bench, 5, 1), 0xff);
    card_free(card);
}
END_TEST

START_TEST(rom_needs_both_enables)
{
    struct card *card = card_new();
    set(card, 0x30, 4, 0xe0004000);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(peek(&card->bench, 0xe0004000), 0xff);
    set(card, 0x30, 4, 0xe0004001);
    ck_assert_uint_eq(peek(&card->bench, 0xe0004000), 0x55);
    poke(&card->bench, 0xe0004000, 0);
    ck_assert_uint_eq(peek(&card->bench, 0xe0004000), 0x55);
    set(card, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(peek(&card->bench, 0xe0004000), 0xff);
    card_free(card);
}
END_TEST

START_TEST(status_is_cleared_by_ones)
{
    struct card *card = card_new();
    card->function.state.config[PCI_STATUS + 1] |= 0x30;
    set(card, PCI_STATUS, 2, 0x1000);
    ck_assert_uint_eq(get(card, PCI_STATUS, 2), 0x2200);
    set(card, PCI_STATUS, 2, 0xffff);
    ck_assert_uint_eq(get(card, PCI_STATUS, 2), 0x0200);
    card_free(card);
}
END_TEST

START_TEST(interrupts_reach_the_router)
{
    struct card *card = card_new();
    pci_function_set_intx(&card->function, true);
    ck_assert(card->lines[1]); /* INTA# of device 2 */
    ck_assert(get(card, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    ck_assert(!card->lines[1]);
    ck_assert(get(card, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    set(card, PCI_COMMAND, 2, 0);
    ck_assert(card->lines[1]);
    pci_function_set_intx(&card->function, false);
    ck_assert(!card->lines[1]);
    ck_assert(!(get(card, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
    card_free(card);
}
END_TEST

START_TEST(shared_lines_are_ored)
{
    struct card *card = card_new();
    struct pci_function other = {0};
    pci_function_init(&other, card->bench.bus, 6 << 3, "other", &identity, NULL, NULL);
    pci_function_set_intx(&card->function, true);
    pci_function_set_intx(&other, true);
    pci_function_set_intx(&card->function, false);
    ck_assert(card->lines[1]);
    pci_function_destroy(&other); /* a device that goes lets go of its line */
    ck_assert(!card->lines[1]);
    card_free(card);
}
END_TEST

START_TEST(no_dma_without_bus_master_enable)
{
    struct card *card = card_new();
    uint8_t byte = 0x42;
    poke(&card->bench, 0x1000, 0x17);
    ck_assert_int_eq(space_read(card->function.dma, 0x1000, &byte, 1), MEM_DECODE_ERROR);
    ck_assert_uint_eq(byte, 0xff);
    ck_assert_int_eq(dma_map(card->function.dma, 0x1000, 16, DMA_TO_DEVICE).status, DMA_NO_MEMORY);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    ck_assert_int_eq(space_read(card->function.dma, 0x1000, &byte, 1), MEM_OK);
    ck_assert_uint_eq(byte, 0x17);
    card_free(card);
}
END_TEST

START_TEST(lesson_15_mapping_outlives_bus_master_enable)
{
    struct card *card = card_new();
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    struct dma_mapping mapping = dma_map(card->function.dma, 0x2000, 16, DMA_FROM_DEVICE);
    ck_assert_uint_eq(mapping.length, 16);
    set(card, PCI_COMMAND, 2, 0);
    memset(mapping.host, 0x5a, 16);
    ck_assert_int_eq(dma_unmap(card->function.dma, &mapping, 16), MEM_OK);
    ck_assert_uint_eq(peek(&card->bench, 0x200f), 0x5a);
    card_free(card);
}
END_TEST

START_TEST(lesson_15_bar_moves_under_a_mapping)
{
    struct card *card = card_new();
    set(card, 0x24, 4, 0xe0000000);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
    struct dma_mapping mapping = dma_map(card->function.dma, 0xe0000100, 16, DMA_FROM_DEVICE);
    ck_assert_uint_eq(mapping.length, 16);
    set(card, 0x24, 4, 0xe1000000);
    memset(mapping.host, 0x33, 16);
    ck_assert_int_eq(dma_unmap(card->function.dma, &mapping, 16), MEM_OK);
    ck_assert_uint_eq(peek(&card->bench, 0xe1000100), 0x33);
    card_free(card);
}
END_TEST

START_TEST(reset_puts_everything_back)
{
    struct card *card = card_new();
    set(card, 0x10, 4, 0xc000);
    set(card, 0x3c, 1, 11);
    set(card, PCI_COMMAND, 2, 7);
    pci_function_set_intx(&card->function, true);
    device_reset_all(&card->bench.devices);
    ck_assert(!card->lines[1]);
    ck_assert_uint_eq(get(card, PCI_COMMAND, 4), 0x02000000);
    ck_assert_uint_eq(get(card, 0x10, 4), 1);
    ck_assert_uint_eq(get(card, 0x3c, 1), 0);
    ck_assert_uint_eq(in(&card->bench, 0xc005, 1), 0xff);
    uint8_t byte;
    ck_assert_int_eq(space_read(card->function.dma, 0x1000, &byte, 1), MEM_DECODE_ERROR);
    card_free(card);
}
END_TEST

START_TEST(state_can_be_loaded)
{
    struct card *card = card_new();
    set(card, 0x10, 4, 0xc000);
    set(card, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    pci_function_set_intx(&card->function, true);
    struct state_buffer saved = {0};
    struct error error;
    struct device *device = device_find(&card->bench.devices, "card");
    state_save(device->ops->state, device->state, &saved);
    device_reset_all(&card->bench.devices);
    ck_assert(state_load(device->ops->state, device->state, &saved, &error));
    device->ops->loaded(device);
    ck_assert(card->lines[1]);
    ck_assert_uint_eq(in(&card->bench, 0xc005, 1), 0x55);
    state_buffer_free(&saved);
    card_free(card);
}
END_TEST

START_TEST(functions_are_listed_in_order)
{
    struct card *card = card_new();
    ck_assert_uint_eq(pci_bus_next(card->bench.bus, NULL)->devfn, 0);
    ck_assert_ptr_eq(pci_bus_next(card->bench.bus, pci_bus_find(card->bench.bus, 0)), &card->function);
    ck_assert_ptr_null(pci_bus_next(card->bench.bus, &card->function));
    card_free(card);
}
END_TEST

START_TEST(chip_hears_of_writes)
{
    struct card *card = card_new();
    pci_function_config(&card->function, 0x40, 4, 0x11223344, 0x0000ffff);
    set(card, 0x40, 4, 0xaabbccdd);
    ck_assert_uint_eq(get(card, 0x40, 4), 0x1122ccdd);
    ck_assert_uint_eq(card->config_writes, 1);
    card_free(card);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pci");
    TCase *tests = tcase_create("pci");
    tcase_add_test(tests, lesson_42_configuration_is_little_endian_by_any_size);
    tcase_add_test(tests, nobody_there_reads_ones);
    tcase_add_test(tests, bars_report_their_size);
    tcase_add_test(tests, bars_decode_only_when_command_says_so);
    tcase_add_test(tests, bars_move_with_what_the_guest_writes);
    tcase_add_test(tests, bars_being_sized_decode_nothing);
    tcase_add_test(tests, rom_needs_both_enables);
    tcase_add_test(tests, status_is_cleared_by_ones);
    tcase_add_test(tests, interrupts_reach_the_router);
    tcase_add_test(tests, shared_lines_are_ored);
    tcase_add_test(tests, no_dma_without_bus_master_enable);
    tcase_add_test(tests, lesson_15_mapping_outlives_bus_master_enable);
    tcase_add_test(tests, lesson_15_bar_moves_under_a_mapping);
    tcase_add_test(tests, reset_puts_everything_back);
    tcase_add_test(tests, state_can_be_loaded);
    tcase_add_test(tests, functions_are_listed_in_order);
    tcase_add_test(tests, chip_hears_of_writes);
    suite_add_tcase(suite, tests);
    return bench_run(suite);
}

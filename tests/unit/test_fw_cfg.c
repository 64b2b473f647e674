/* SPDX-License-Identifier: MIT */
/* Firmware configuration device, driven as firmware does: by ports and by its DMA interface (fw_cfg specification). */
#include <string.h>
#include "devices/platform/fw_cfg.h"
#include "emu/core/bits.h"
#include "mem/dma.h"
#include "tests/unit/platform_helper.h"

enum { SELECTOR = 0x510, DATA = 0x511, DMA_HIGH = 0x514, DMA_LOW = 0x518 };
enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };
enum { RAM_SIZE = 1 << 20, REQUEST = 0x1000, BUFFER = 0x2000 };

static struct bench bench;
static struct region *root, *ram;
static struct space *memory;
static struct fw_cfg *fw;

static void setup(void)
{
    bench_init(&bench);
    root = region_new_container("memory", UINT64_C(1) << 32);
    ram = region_new_ram("ram", RAM_SIZE, NULL);
    region_add(root, 0, ram, 0);
    memory = space_new("memory", root, UINT64_C(1) << 32, &bench.clock);
    struct fw_cfg_config config = {.ram_size = RAM_SIZE, .cpus = 1};
    fw = fw_cfg_new(bench.io, &bench.devices, &bench.clock, memory, &config);
}

static void teardown(void)
{
    device_destroy_all(&bench.devices);
    space_free(memory);
    region_remove(ram);
    region_release(ram);
    region_release(root);
    bench_free(&bench);
}

static void select_item(uint16_t key)
{
    bench_out(&bench, SELECTOR, 2, key);
}

static void read_bytes(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)to)[i] = inb(&bench, DATA);
}

/* Finds a file in the directory; 0 when it is not there. */
static uint16_t find_file(const char *name, uint32_t *size)
{
    uint8_t count[4], entry[64];
    select_item(FW_CFG_FILE_DIR);
    read_bytes(count, 4);
    for (uint32_t i = 0; i < be32_load(count); i++) {
        read_bytes(entry, 64);
        *size = be32_load(entry);
        if (!strcmp((char *)entry + 8, name)) return be16_load(entry + 4);
    }
    return 0;
}

/* Runs a DMA request; returns the control word that the device left. */
static uint32_t dma(uint32_t control, uint64_t address, uint32_t length)
{
    uint8_t request[16];
    be32_store(request, control);
    be32_store(request + 4, length);
    be64_store(request + 8, address);
    (void)!space_write(memory, REQUEST, request, sizeof(request));
    bench_out(&bench, DMA_LOW, 4, __builtin_bswap32(REQUEST));
    (void)!space_read(memory, REQUEST, request, 4);
    return be32_load(request);
}

START_TEST(signature_id_and_numbers)
{
    uint8_t bytes[8];
    select_item(FW_CFG_SIGNATURE);
    read_bytes(bytes, 4);
    ck_assert_int_eq(memcmp(bytes, "QEMU", 4), 0);
    select_item(FW_CFG_ID);
    read_bytes(bytes, 4);
    ck_assert_uint_eq(le32_load(bytes), 3);
    select_item(FW_CFG_RAM_SIZE);
    read_bytes(bytes, 8);
    ck_assert_uint_eq(le64_load(bytes), RAM_SIZE);
    select_item(FW_CFG_NB_CPUS);
    read_bytes(bytes, 2);
    ck_assert_uint_eq(le16_load(bytes), 1);
}
END_TEST

START_TEST(reads_behind_the_end_and_of_unknown_items_give_zero)
{
    uint8_t bytes[6];
    select_item(FW_CFG_SIGNATURE);
    read_bytes(bytes, 6);
    ck_assert_int_eq(memcmp(bytes, "QEMU\0\0", 6), 0);
    select_item(0x1234);
    ck_assert_uint_eq(inb(&bench, DATA), 0);
    select_item(FW_CFG_SIGNATURE | 0x4000); /* the old write bit means nothing */
    ck_assert_uint_eq(inb(&bench, DATA), 'Q');
    select_item(FW_CFG_SIGNATURE); /* starts again */
    ck_assert_uint_eq(inb(&bench, DATA), 'Q');
}
END_TEST

START_TEST(files_are_found_by_name)
{
    uint32_t size = 0;
    uint8_t bytes[5];
    ck_assert(fw_cfg_add_file(fw, "etc/one", "11111", 5));
    ck_assert(fw_cfg_add_file(fw, "etc/two", "22", 2));
    ck_assert(!fw_cfg_add_file(fw, "etc/two", "22", 2)); /* taken */
    ck_assert(!fw_cfg_add_file(fw, "a name that is much too long for the directory of files.", "x", 1));
    ck_assert(fw_cfg_add_file(fw, "a name of fifty-five characters, which is the most allo", "x", 1));
    uint16_t key = find_file("etc/two", &size);
    ck_assert_uint_ge(key, FW_CFG_FILE_FIRST);
    ck_assert_uint_eq(size, 2);
    key = find_file("etc/one", &size);
    ck_assert_uint_eq(size, 5);
    select_item(key);
    read_bytes(bytes, 5);
    ck_assert_int_eq(memcmp(bytes, "11111", 5), 0);
    ck_assert_uint_eq(find_file("etc/three", &size), 0);
}
END_TEST

START_TEST(items_are_replaced)
{
    ck_assert(fw_cfg_add_item(fw, FW_CFG_KERNEL_CMDLINE, "first", 6));
    ck_assert(fw_cfg_add_item(fw, FW_CFG_KERNEL_CMDLINE, "2nd", 4));
    char text[6];
    select_item(FW_CFG_KERNEL_CMDLINE);
    read_bytes(text, 6);
    ck_assert_str_eq(text, "2nd");
}
END_TEST

START_TEST(dma_registers_read_the_signature)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = inb(&bench, DMA_HIGH + i);
    ck_assert_int_eq(memcmp(bytes, "QEMU CFG", 8), 0);
    ck_assert_uint_eq(bench_in(&bench, DMA_HIGH, 4), 0x554d4551);
    ck_assert_uint_eq(bench_in(&bench, DMA_LOW, 4), 0x47464320);
}
END_TEST

START_TEST(dma_selects_reads_and_pads_with_zeros)
{
    uint8_t bytes[8];
    memset(ram->host + BUFFER, 0xee, 16);
    ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_SIGNATURE << 16, BUFFER, 6), 0);
    (void)!space_read(memory, BUFFER, bytes, 8);
    ck_assert_int_eq(memcmp(bytes, "QEMU\0\0\xee\xee", 8), 0);
}
END_TEST

START_TEST(dma_skip_and_continue)
{
    uint8_t big[1000], got[990];
    for (int i = 0; i < 1000; i++) big[i] = (uint8_t)(i * 7);
    fw_cfg_add_file(fw, "etc/big", big, sizeof(big));
    uint32_t size = 0;
    uint16_t key = find_file("etc/big", &size);
    ck_assert_uint_eq(dma(SELECT | SKIP | (uint32_t)key << 16, 0, 3), 0);
    ck_assert_uint_eq(inb(&bench, DATA), big[3]); /* one cursor for both ways */
    ck_assert_uint_eq(dma(READ, BUFFER + 1, 990), 0);
    (void)!space_read(memory, BUFFER + 1, got, sizeof(got));
    ck_assert_int_eq(memcmp(got, big + 4, sizeof(got)), 0);
    ck_assert_uint_eq(dma(SKIP, 0, UINT32_MAX), 0);
    ck_assert_uint_eq(dma(SKIP, 0, UINT32_MAX), 0); /* no way round to the start */
    ck_assert_uint_eq(inb(&bench, DATA), 0);
}
END_TEST

START_TEST(dma_writes_are_refused)
{
    ck_assert_uint_eq(dma(SELECT | WRITE | FW_CFG_SIGNATURE << 16, BUFFER, 4), ERROR);
    select_item(FW_CFG_SIGNATURE);
    ck_assert_uint_eq(inb(&bench, DATA), 'Q');
}
END_TEST

START_TEST(dma_outside_of_memory_sets_the_error_bit)
{
    ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_SIGNATURE << 16, 0x80000000, 4), ERROR);
    ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_SIGNATURE << 16, RAM_SIZE - 2, 4), ERROR);
    ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_SIGNATURE << 16, UINT64_MAX - 1, 4), ERROR);
    ck_assert_uint_eq(dma(READ, RAM_SIZE - 0x1000, UINT32_MAX),
                      ERROR);                                     /* ends at the first piece nobody takes */
    bench_out(&bench, DMA_LOW, 4, __builtin_bswap32(0x90000000)); /* a request that is not there */
    bench_out(&bench, DMA_HIGH, 4, 0xffffffff);
    bench_out(&bench, DMA_LOW, 4, 0xffffffff);
}
END_TEST

START_TEST(lesson_41_request_is_read_once)
{
    /* The transfer lands on its own request: what was copied is what counts, and the control word comes last. */
    uint8_t control[4];
    uint8_t item[64];
    memset(item, 0xff, sizeof(item));
    fw_cfg_add_item(fw, 0x30, item, sizeof(item));
    ck_assert_uint_eq(dma(SELECT | READ | 0x30 << 16, REQUEST, 64), 0);
    (void)!space_read(memory, REQUEST, control, 4);
    ck_assert_uint_eq(be32_load(control), 0);
    ck_assert_uint_eq(ram->host[REQUEST + 4], 0xff);
    ck_assert_uint_eq(ram->host[REQUEST + 63], 0xff);
}
END_TEST

START_TEST(high_half_of_the_address_is_used_once)
{
    bench_out(&bench, DMA_HIGH, 4, __builtin_bswap32(5));
    bench_out(&bench, DMA_LOW, 4, __builtin_bswap32(REQUEST)); /* 5_00001000h: nobody there */
    ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_SIGNATURE << 16, BUFFER, 4), 0);
}
END_TEST

START_TEST(lesson_12_dma_marks_memory_dirty)
{
    region_clear_dirty(ram, (struct region_at){0}, RAM_SIZE, MARK_DIRTY_DISPLAY);
    ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_SIGNATURE << 16, 0x20ffe, 4), 0);
    ck_assert(region_dirty(ram, (struct region_at){0x20000}, 1, MARK_DIRTY_DISPLAY));
    ck_assert(region_dirty(ram, (struct region_at){0x21000}, 1, MARK_DIRTY_DISPLAY));
    ck_assert(!region_dirty(ram, (struct region_at){0x22000}, 1, MARK_DIRTY_DISPLAY));
}
END_TEST

START_TEST(works_by_message_too)
{
    struct dma_settings settings = {.mode = DMA_MODE_INDIRECT};
    dma_configure(memory, &settings);
    uint8_t *big = malloc(200000);
    for (int i = 0; i < 200000; i++) big[i] = (uint8_t)(i * 31 >> 3);
    fw_cfg_add_item(fw, 0x30, big, 200000);
    ck_assert_uint_eq(dma(SELECT | READ | 0x30 << 16, 0x10001, 200000), 0);
    ck_assert_int_eq(memcmp(ram->host + 0x10001, big, 200000), 0);
    free(big);
}
END_TEST

START_TEST(odd_accesses_do_no_harm)
{
    select_item(FW_CFG_SIGNATURE);
    outb(&bench, DATA, 0x55);
    outb(&bench, SELECTOR, 0x05);
    bench_in(&bench, SELECTOR, 2);
    bench_out(&bench, DMA_LOW, 2, 0x1234);
    bench_in(&bench, 0x512, 2);
    ck_assert_uint_eq(inb(&bench, DATA), 'Q');
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("fw_cfg");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, signature_id_and_numbers);
    tcase_add_test(tests, reads_behind_the_end_and_of_unknown_items_give_zero);
    tcase_add_test(tests, files_are_found_by_name);
    tcase_add_test(tests, items_are_replaced);
    tcase_add_test(tests, dma_registers_read_the_signature);
    tcase_add_test(tests, dma_selects_reads_and_pads_with_zeros);
    tcase_add_test(tests, dma_skip_and_continue);
    tcase_add_test(tests, dma_writes_are_refused);
    tcase_add_test(tests, dma_outside_of_memory_sets_the_error_bit);
    tcase_add_test(tests, lesson_41_request_is_read_once);
    tcase_add_test(tests, high_half_of_the_address_is_used_once);
    tcase_add_test(tests, lesson_12_dma_marks_memory_dirty);
    tcase_add_test(tests, works_by_message_too);
    tcase_add_test(tests, odd_accesses_do_no_harm);
    return bench_main("fw_cfg", tests);
}

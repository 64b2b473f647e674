/* SPDX-License-Identifier: MIT */
/* The host bridge: configuration mechanism #1, the memory map, PAM. */
#include <string.h>
#include "tests/unit/chipset_bench.h"

static struct bench bench;

static void setup(void)
{
    bench_init(&bench, BENCH_RAM);
}

static void teardown(void)
{
    bench_destroy(&bench);
}

/* Registers 59h-5Fh for all segments at once. */
static void set_pam(uint8_t attributes)
{
    config_write(&bench, 0, 0x59, 1, (uint32_t)attributes << 4);
    for (unsigned offset = 0x5a; offset <= 0x5f; offset++)
        config_write(&bench, 0, offset, 1, attributes * 0x11u);
}

START_TEST(identifies_as_firmware_expects)
{
    ck_assert_uint_eq(config_read(&bench, 0, 0, 4), 0x12378086);
    ck_assert_uint_eq(config_read(&bench, 0, 0x0a, 2), 0x0600);
    ck_assert_uint_eq(config_read(&bench, 0, 0x0e, 1), 0);
}
END_TEST

START_TEST(address_port_takes_dwords_only)
{
    out(&bench, 0xcf8, 4, 0x80001234);
    ck_assert_uint_eq(in(&bench, 0xcf8, 4), 0x80001234);
    out(&bench, 0xcf8, 1, 0);
    out(&bench, 0xcfa, 2, 0);
    ck_assert_uint_eq(in(&bench, 0xcf8, 4), 0x80001234);
    ck_assert_uint_eq(in(&bench, 0xcf8, 1), 0xff);
    ck_assert_uint_eq(in(&bench, 0xcfa, 2), 0xffff);
}
END_TEST

START_TEST(disabled_address_reaches_nobody)
{
    out(&bench, 0xcf8, 4, 0);
    ck_assert_uint_eq(in(&bench, 0xcfc, 4), 0xffffffff);
    out(&bench, 0xcf8, 4, 0x00000058);
    out(&bench, 0xcfd, 1, 0x30);
    ck_assert_uint_eq(config_read(&bench, 0, 0x59, 1), 0);
    out(&bench, 0xcf8, 4, 0x80010000); /* bus 1 */
    ck_assert_uint_eq(in(&bench, 0xcfc, 4), 0xffffffff);
}
END_TEST

START_TEST(low_address_bits_are_ored_in)
{
    uint64_t before = lint_count();
    out(&bench, 0xcf8, 4, 0x80000002);
    ck_assert_uint_eq(in(&bench, 0xcfc, 2), 0x1237);
    ck_assert_uint_eq(in(&bench, 0xcfd, 1), 0x12);
    ck_assert_uint_gt(lint_count(), before);
    /* Over the end of the dword: bytes 2 to 5. */
    ck_assert_uint_eq(in(&bench, 0xcfc, 4), 0x00061237);
    /* Over the end of configuration space. */
    out(&bench, 0xcf8, 4, 0x800000ff);
    ck_assert_uint_eq(in(&bench, 0xcfc, 4), 0xffffff00);
    out(&bench, 0xcfc, 4, 0xffffffff);
}
END_TEST

START_TEST(writes_by_bytes_and_words)
{
    config_write(&bench, 0, 0x5a, 2, 0x3333);
    ck_assert_uint_eq(config_read(&bench, 0, 0x58, 4), 0x33330010);
    config_write(&bench, 0, 0x5c, 4, 0xffffffff);
    ck_assert_uint_eq(config_read(&bench, 0, 0x5c, 4), 0x33333333);
    config_write(&bench, 0, 0x59, 1, 0xff);
    ck_assert_uint_eq(config_read(&bench, 0, 0x59, 1), 0x30);
}
END_TEST

START_TEST(bios_is_at_both_places)
{
    ck_assert_uint_eq(peek(&bench, 0xffffffff), 1);
    ck_assert_uint_eq(peek(&bench, 0xfffc0000), 64);
    ck_assert_uint_eq(peek(&bench, 0xfffff), 1);
    ck_assert_uint_eq(peek(&bench, 0xe0000), 32);
    ck_assert_uint_eq(peek(&bench, 0xdffff), 0xff);
    uint8_t byte;
    ck_assert_int_eq(space_read(bench.memory, 0xdffff, &byte, 1), MEM_DECODE_ERROR);
    poke(&bench, 0xffffffff, 0x99);
    poke(&bench, 0xfffff, 0x99);
    ck_assert_uint_eq(peek(&bench, 0xffffffff), 1);
    ck_assert_uint_eq(peek(&bench, 0xfffff), 1);
}
END_TEST

/* _i counts the 13 segments; each is tried in the four modes, with the others in mode 0. */
START_TEST(pam_modes)
{
    uint32_t base = _i < 12 ? 0xc0000 + 0x4000 * (uint32_t)_i : 0xf0000;
    uint32_t size = _i < 12 ? 0x4000 : 0x10000;
    unsigned offset = _i < 12 ? 0x5a + (unsigned)_i / 2 : 0x59, shift = _i < 12 ? 4 * ((unsigned)_i & 1) : 4;
    uint8_t pci_first = peek(&bench, base), pci_last = peek(&bench, base + size - 1);
    uint8_t *ram = bench.ram->host + base;

    config_write(&bench, 0, offset, 1, 3u << shift);
    poke(&bench, base, 0xa1);
    poke(&bench, base + size - 1, 0xa2);
    ck_assert_uint_eq(peek(&bench, base), 0xa1);
    ck_assert_uint_eq(ram[0], 0xa1);
    ck_assert_uint_eq(ram[size - 1], 0xa2);

    config_write(&bench, 0, offset, 1, 1u << shift); /* read RAM, write PCI */
    poke(&bench, base, 0xb1);
    ck_assert_uint_eq(peek(&bench, base), 0xa1);
    ck_assert_uint_eq(peek(&bench, base + size - 1), 0xa2);

    config_write(&bench, 0, offset, 1, 2u << shift); /* read PCI, write RAM */
    poke(&bench, base, 0xc1);
    space_store(bench.memory, base + size - 8, 8, UINT64_C(0x1122334455667788));
    ck_assert_uint_eq(peek(&bench, base), pci_first);
    ck_assert_uint_eq(peek(&bench, base + size - 1), pci_last);
    ck_assert_uint_eq(ram[0], 0xc1);
    ck_assert_uint_eq(ram[size - 1], 0x11);
    ck_assert_uint_eq(ram[size - 8], 0x88);

    config_write(&bench, 0, offset, 1, 0);
    poke(&bench, base, 0xd1);
    ck_assert_uint_eq(peek(&bench, base), pci_first);
    ck_assert_uint_eq(ram[0], 0xc1);
}
END_TEST

START_TEST(bios_copies_itself)
{
    set_pam(2);
    static uint8_t copy[0x20000];
    space_read(bench.memory, 0xe0000, copy, sizeof(copy));
    space_write(bench.memory, 0xe0000, copy, sizeof(copy));
    set_pam(1);
    ck_assert_int_eq(memcmp(bench.ram->host + 0xe0000, bench.bios->host + BENCH_BIOS - 0x20000, 0x20000), 0);
    ck_assert_uint_eq(peek(&bench, 0xf1234), bench.bios->host[BENCH_BIOS - 0x10000 + 0x1234]);
}
END_TEST

static unsigned code_dropped;

static bool code_written(void *owner, struct region *region, struct region_at at, uint64_t length)
{
    (void)owner, (void)length;
    ck_assert_ptr_eq(region, bench.ram);
    ck_assert_uint_eq(at.offset, 0xe0010);
    code_dropped++;
    return true;
}

START_TEST(lesson_12_copying_mode_drops_code)
{
    struct space_listener listener = {.code_written = code_written};
    space_listen(bench.memory, &listener);
    region_mark_code(bench.ram, (struct region_at){0xe0000});
    set_pam(2);
    poke(&bench, 0xe0010, 1);
    ck_assert_uint_eq(code_dropped, 1);
    space_unlisten(&listener);
}
END_TEST

START_TEST(vga_window_is_never_ram)
{
    set_pam(3);
    bench.ram->host[0xb8000] = 0x12;
    ck_assert_uint_eq(peek(&bench, 0xb8000), 0xff);
    ck_assert_uint_eq(peek(&bench, 0x9ffff), 0);
    config_write(&bench, 0, 0x72, 1, 0x4a); /* D_OPEN: there is no SMM to open for */
    ck_assert_uint_eq(peek(&bench, 0xb8000), 0xff);
}
END_TEST

START_TEST(smram_locks)
{
    ck_assert_uint_eq(config_read(&bench, 0, 0x72, 1), 0x02);
    config_write(&bench, 0, 0x72, 1, 0x4a);
    ck_assert_uint_eq(config_read(&bench, 0, 0x72, 1), 0x4a);
    config_write(&bench, 0, 0x72, 1, 0x5a);
    ck_assert_uint_eq(config_read(&bench, 0, 0x72, 1), 0x1a);
    config_write(&bench, 0, 0x72, 1, 0x60);
    ck_assert_uint_eq(config_read(&bench, 0, 0x72, 1), 0x3a);
    device_reset_all(&bench.devices);
    config_write(&bench, 0, 0x72, 1, 0x4a);
    ck_assert_uint_eq(config_read(&bench, 0, 0x72, 1), 0x4a);
}
END_TEST

START_TEST(reset_shows_the_bios_again)
{
    set_pam(3);
    poke(&bench, 0xffff0, 0x66);
    out(&bench, 0xcf8, 4, 0x80000000);
    device_reset_all(&bench.devices);
    ck_assert_uint_eq(peek(&bench, 0xffff0), 1);
    ck_assert_uint_eq(in(&bench, 0xcf8, 4), 0);
}
END_TEST

START_TEST(state_can_be_loaded)
{
    set_pam(3);
    poke(&bench, 0xffff0, 0x66);
    struct device *device = device_find(&bench.devices, "i440fx-pci");
    struct device *bridge = device_find(&bench.devices, "i440fx");
    struct state_buffer saved = {0};
    struct error error;
    state_save(device->ops->state, device->state, &saved);
    device_reset_all(&bench.devices);
    ck_assert(state_load(device->ops->state, device->state, &saved, &error));
    device->ops->loaded(device);
    bridge->ops->loaded(bridge);
    ck_assert_uint_eq(peek(&bench, 0xffff0), 0x66);
    state_buffer_free(&saved);
}
END_TEST

START_TEST(ram_is_split_below_the_hole)
{
    ck_assert_uint_eq(i440fx_low_ram(UINT64_C(128) << 20), UINT64_C(128) << 20);
    ck_assert_uint_eq(i440fx_low_ram(UINT64_C(3583) << 20), UINT64_C(3583) << 20);
    ck_assert_uint_eq(i440fx_low_ram(UINT64_C(3584) << 20), UINT64_C(3072) << 20);
    ck_assert_uint_eq(i440fx_low_ram(UINT64_C(8) << 30), UINT64_C(3) << 30);

    struct bench big;
    bench_init(&big, UINT64_C(5) << 30);
    poke(&big, 0xbfffffff, 0x11);
    poke(&big, UINT64_C(0x100000000), 0x22);
    poke(&big, UINT64_C(0x17fffffff), 0x33);
    ck_assert_uint_eq(big.ram->host[0xbfffffff], 0x11);
    ck_assert_uint_eq(big.ram->host[0xc0000000], 0x22);
    ck_assert_uint_eq(big.ram->host[(UINT64_C(5) << 30) - 1], 0x33);
    ck_assert_uint_eq(peek(&big, 0xc0000000), 0xff);
    ck_assert_uint_eq(peek(&big, UINT64_C(0x180000000)), 0xff);
    bench_destroy(&big);
}
END_TEST

START_TEST(wrong_wiring_is_refused)
{
    struct error error = {{0}};
    struct region *ram = region_new_ram("ram", 1 << 20, &error);
    struct i440fx_wiring wiring = {.ram = ram, .memory_size = UINT64_C(1) << 31};
    ck_assert_ptr_null(i440fx_new(&wiring, &error));
    ck_assert(error.text[0]);
    region_release(ram);
    ram = region_new_ram("ram", 1 << 19, &error);
    wiring = (struct i440fx_wiring){.ram = ram, .memory_size = BENCH_MEMORY};
    ck_assert_ptr_null(i440fx_new(&wiring, &error));
    region_release(ram);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("i440fx");
    TCase *tests = tcase_create("i440fx");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, identifies_as_firmware_expects);
    tcase_add_test(tests, address_port_takes_dwords_only);
    tcase_add_test(tests, disabled_address_reaches_nobody);
    tcase_add_test(tests, low_address_bits_are_ored_in);
    tcase_add_test(tests, writes_by_bytes_and_words);
    tcase_add_test(tests, bios_is_at_both_places);
    tcase_add_loop_test(tests, pam_modes, 0, 13);
    tcase_add_test(tests, bios_copies_itself);
    tcase_add_test(tests, lesson_12_copying_mode_drops_code);
    tcase_add_test(tests, vga_window_is_never_ram);
    tcase_add_test(tests, smram_locks);
    tcase_add_test(tests, reset_shows_the_bios_again);
    tcase_add_test(tests, state_can_be_loaded);
    tcase_add_test(tests, ram_is_split_below_the_hole);
    tcase_add_test(tests, wrong_wiring_is_refused);
    suite_add_tcase(suite, tests);
    return bench_run(suite);
}

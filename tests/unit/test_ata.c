/* SPDX-License-Identifier: MIT */
/* The ATA disk without a cable: what it says of itself, and the callbacks that any transport can count on. */
#include "tests/unit/ide_rig.h"

static struct clock test_clock;
static struct mem_guard guard = {"ata", 0};
static struct ata_state state;
static struct ata_drive drive;
static struct rig_disk *store;
static struct block *block;
static unsigned interrupts, dma_calls, data_calls;

static void on_interrupt(void *owner, struct ata_drive *which)
{
    ck_assert_ptr_eq(owner, &interrupts);
    interrupts += which->state->interrupt;
}
static void on_dma(void *owner, struct ata_drive *which)
{
    (void)owner;
    ck_assert_uint_eq(which->state->phase, ATA_DMA);
    dma_calls++;
}
static void on_data(void *owner, struct ata_drive *which)
{
    (void)owner;
    ck_assert(which->state->phase == ATA_PIO_IN || which->state->phase == ATA_PIO_OUT);
    data_calls++;
}
static const struct ata_host_ops ops = {
    .interrupt = on_interrupt, .dma_ready = on_dma, .data_ready = on_data};

static void run(void)
{
    while (clock_deadline(&test_clock) != VTIME_NEVER) {
        clock_jump(&test_clock, clock_deadline(&test_clock));
        clock_fire_due(&test_clock);
    }
}

static void make(uint64_t sectors, const struct ata_geometry *geometry)
{
    struct error error;
    struct ata_drive_config config = {.geometry = geometry ? *geometry : (struct ata_geometry){0}};
    memset(&state, 0, sizeof state);
    clock_init(&test_clock, 0);
    ata_init(&drive, &state, "disk", &test_clock, &guard, &ops, &interrupts);
    store = rig_disk_new(sectors < 5000 ? sectors : 1, 1);
    store->store.size = sectors * 512;
    block = block_new("disk", &store->store, &test_clock);
    ck_assert(ata_attach(&drive, block, &config, &error));
    ck_assert_uint_eq(state.regs.status, ATA_STATUS_BSY);
    run();
    ck_assert_uint_eq(state.regs.status, ST_READY);
    interrupts = dma_calls = data_calls = 0;
}

static void unmake(void)
{
    ck_assert_uint_eq(guard.depth, 0);
    ata_destroy(&drive);
    block_free(block);
}

static unsigned word(const uint8_t *data, unsigned n)
{
    return le16_load(data + 2 * n);
}

START_TEST(identify_is_true)
{
    uint8_t data[512], sum = 0;
    make(RIG_SECTORS, NULL);
    ata_identify(&drive, data);
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(data[510], 0xa5);
    ck_assert_mem_eq(data + 54, "IVRTNI ETA AIDKS", 16);
    ck_assert_uint_eq(word(data, 0), 0x0040);
    ck_assert_uint_eq(word(data, 47), 0x8010);
    ck_assert_uint_eq(word(data, 49) & 0x0300, 0x0300);
    ck_assert_uint_eq(word(data, 60) | word(data, 61) << 16, RIG_SECTORS);
    ck_assert_uint_eq(word(data, 63), 0x0407);
    ck_assert_uint_eq(word(data, 80), 0x01f8);
    ck_assert_uint_eq(word(data, 82),
                      0x4469); /* NOP, host protected area, look-ahead, write cache, power, SMART */
    ck_assert_uint_eq(word(data, 83), 0x7400); /* FLUSH CACHE and EXT, 48-bit addresses */
    ck_assert_uint_eq(word(data, 84), 0x4063); /* FUA, logs, self-test, error log */
    ck_assert_uint_eq(word(data, 85), 0x4469);
    ck_assert_uint_eq(word(data, 86), 0xb400);
    ck_assert_uint_eq(word(data, 87), 0x4063);
    ck_assert_uint_eq(word(data, 88), 0x003f);
    ck_assert_uint_eq(word(data, 93), 0x600b);
    ck_assert_uint_eq(le64_load(data + 200), RIG_SECTORS);
    ck_assert_uint_eq(word(data, 69), 0x4020);
    ck_assert_uint_eq(word(data, 105), 16);
    ck_assert_uint_eq(word(data, 169), 1);
    ck_assert_uint_eq(word(data, 75) | word(data, 76) | word(data, 222), 0); /* a parallel drive */
    ck_assert_uint_eq(word(data, 106), 0x4000);
    ck_assert_uint_eq(word(data, 119), 0x4008);
    unmake();
}
END_TEST

START_TEST(identify_follows_settings)
{
    uint8_t data[512];
    make(RIG_SECTORS, NULL);
    state.regs.count = 8;
    ata_command(&drive, 0xc6);
    run();
    state.regs.features = 3;
    state.regs.count = 0x42;
    ata_command(&drive, 0xef);
    run();
    state.regs.count = 17;
    state.regs.device = 4;
    ata_command(&drive, 0x91);
    run();
    ata_identify(&drive, data);
    ck_assert_uint_eq(word(data, 59), 0x0108);
    ck_assert_uint_eq(word(data, 63), 0x0007);
    ck_assert_uint_eq(word(data, 88), 0x043f);
    ck_assert_uint_eq(word(data, 54), RIG_SECTORS / 85);
    ck_assert_uint_eq(word(data, 55), 5);
    ck_assert_uint_eq(word(data, 56), 17);
    ck_assert_uint_eq(word(data, 57), RIG_SECTORS / 85 * 85);
    ck_assert_uint_eq(word(data, 3), 16);
    ata_soft_reset_begin(&drive); /* reverts them */
    ata_soft_reset_end(&drive);
    run();
    ata_identify(&drive, data);
    ck_assert_uint_eq(word(data, 59), 0);
    ck_assert_uint_eq(word(data, 55), 16);
    unmake();
}
END_TEST

START_TEST(geometry_of_all_sizes)
{
    static const struct {
        uint64_t sectors;
        struct ata_geometry g;
    } rows[] = {{1, {1, 1, 63}},
                {63, {1, 1, 63}},
                {64, {1, 2, 63}},
                {1007, {1, 16, 63}},
                {1008, {1, 16, 63}},
                {2015, {1, 16, 63}},
                {2016, {2, 16, 63}},
                {16514063, {16382, 16, 63}},
                {16514064, {16383, 16, 63}},
                {1ull << 40, {16383, 16, 63}}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ata_geometry g = ata_default_geometry(rows[i].sectors);
        ck_assert_uint_eq(g.cylinders, rows[i].g.cylinders);
        ck_assert_uint_eq(g.heads, rows[i].g.heads);
        ck_assert_uint_eq(g.sectors, rows[i].g.sectors);
    }
}
END_TEST

START_TEST(large_disks_have_48_bits)
{
    uint8_t data[512];
    make(UINT64_C(1) << 32, NULL);
    ata_identify(&drive, data);
    ck_assert_uint_eq(word(data, 60), 0xffff);
    ck_assert_uint_eq(word(data, 61), 0x0fff);
    ck_assert_uint_eq(le64_load(data + 200), UINT64_C(1) << 32);
    unmake();
}
END_TEST

START_TEST(tiny_disk_ends_within_a_track)
{
    make(10, NULL);
    state.regs = (struct ata_taskfile){.count = 1, .lba_low = 10};
    ata_command(&drive, 0x20);
    run();
    ck_assert_uint_eq(state.regs.status, ST_DATA);
    while (state.phase == ATA_PIO_IN) ata_data_read(&drive, 4);
    state.regs = (struct ata_taskfile){.count = 1, .lba_low = 11};
    ata_command(&drive, 0x20);
    run();
    ck_assert_uint_eq(state.regs.error, ATA_ERROR_IDNF);
    unmake();
}
END_TEST

START_TEST(a_transport_moves_dma_in_parts)
{
    make(RIG_SECTORS, NULL);
    state.regs = (struct ata_taskfile){.count = 10, .lba_low = 5, .device = ATA_DEVICE_LBA};
    ata_command(&drive, 0xc8);
    ck_assert(ata_busy(&drive));
    run();
    ck_assert_uint_eq(dma_calls, 1);
    struct ata_part part = ata_dma_part(&drive);
    ck_assert(part.to_host && !part.buffer);
    ck_assert_uint_eq(part.offset, 5 * 512);
    ck_assert_uint_eq(part.bytes, 10 * 512);
    ata_dma_moved(&drive, 3 * 512, false);
    ck_assert_uint_eq(interrupts, 0);
    ck_assert_uint_eq(ata_dma_part(&drive).offset, 8 * 512);
    ata_dma_moved(&drive, 7 * 512, false);
    ck_assert_uint_eq(interrupts, 1);
    ck_assert_uint_eq(state.regs.status, ST_READY);
    ck_assert_uint_eq(state.regs.lba_low, 14);
    ata_dma_moved(&drive, 512, true); /* nobody asked */
    ck_assert_uint_eq(state.regs.status, ST_READY);
    unmake();
}
END_TEST

START_TEST(a_transport_hears_of_every_block)
{
    uint8_t data[4 * 512];
    make(RIG_SECTORS, NULL);
    state.regs = (struct ata_taskfile){.count = 4, .lba_low = 9, .device = ATA_DEVICE_LBA};
    ata_command(&drive, 0x20);
    for (unsigned i = 0; i < sizeof data; i += 4) {
        run();
        le32_store(data + i, ata_data_read(&drive, 4));
    }
    ck_assert_uint_eq(data_calls, 4);
    ck_assert_uint_eq(interrupts, 4);
    ck_assert_mem_eq(data, store->bytes + 9 * 512, sizeof data);
    unmake();
}
END_TEST

START_TEST(data_beyond_the_block_is_lost)
{
    make(RIG_SECTORS, NULL);
    ata_command(&drive, 0xec);
    run();
    for (unsigned i = 0; i < 255; i++) ata_data_read(&drive, 2);
    ck_assert_uint_eq(ata_data_read(&drive, 4) >> 16, 0xffff);
    ck_assert_uint_eq(state.phase, ATA_IDLE);
    unmake();
}
END_TEST

START_TEST(every_code_ends_or_asks)
{
    make(RIG_SECTORS, NULL);
    for (unsigned code = 0; code < 256; code++) {
        ata_reset(&drive);
        run();
        interrupts = 0;
        state.regs.device = ATA_DEVICE_LBA;
        ata_command(&drive, (uint8_t)code);
        ck_assert_uint_eq(state.regs.status, ATA_STATUS_BSY);
        run();
        ck_assert(!(state.regs.status & ATA_STATUS_BSY));
        bool waits_for_data = state.phase == ATA_PIO_OUT || state.phase == ATA_DMA;
        ck_assert_uint_eq(interrupts, waits_for_data ? 0 : 1);
        ck_assert_ptr_nonnull(ata_command_name((uint8_t)code));
    }
    unmake();
}
END_TEST

START_TEST(settings_can_outlive_a_soft_reset)
{
    make(RIG_SECTORS, NULL);
    state.regs.features = 0x66;
    ata_command(&drive, 0xef);
    run();
    state.regs.count = 4;
    ata_command(&drive, 0xc6);
    run();
    ata_soft_reset_begin(&drive);
    ata_soft_reset_end(&drive);
    run();
    ck_assert_uint_eq(state.multiple, 4);
    ata_reset(&drive);
    run();
    ck_assert_uint_eq(state.multiple, 0);
    unmake();
}
END_TEST

/* Every field that steers is spoilt in turn; the drive is reset, or goes on and stays within its buffer and its
 * disk. */
START_TEST(a_saved_state_that_cannot_be_is_reset)
{
    make(RIG_SECTORS, NULL);
    ata_command(&drive, 0xec);
    run();
    state.block_end = sizeof state.buffer + 2;
    ata_loaded(&drive);
    run();
    ck_assert_uint_eq(state.phase, ATA_IDLE);
    ck_assert_uint_eq(state.block_end, 0);

    uint32_t seed = 5;
    for (unsigned i = 0; i < 20000; i++) {
        static const uint8_t codes[] = {0x20, 0x30, 0xc8, 0x06, 0xec, 0xc5, 0x42};
        uint32_t *const words[] = {&state.block, &state.filled, &state.position, &state.block_end};
        state.regs.command = codes[rig_random(&seed) % ARRAY_COUNT(codes)];
        state.phase = (uint8_t)(rig_random(&seed) % (ATA_PHASES + 1));
        for (unsigned n = 0; n < ARRAY_COUNT(words); n++)
            *words[n] = rig_random(&seed) % (rig_random(&seed) & 1 ? 9000 : 20);
        state.lba = rig_random(&seed) % 1300;
        state.remaining = rig_random(&seed) % 300;
        ata_loaded(&drive);
        run();
        for (unsigned n = 0; n < 5000 && state.phase == ATA_PIO_IN; n++) ata_data_read(&drive, 2), run();
        for (unsigned n = 0; n < 5000 && state.phase == ATA_PIO_OUT; n++) ata_data_write(&drive, 4, 0), run();
        for (unsigned n = 0; n < 5000 && state.phase == ATA_DMA; n++) {
            struct ata_part part = ata_dma_part(&drive);
            if (part.buffer) memset(part.buffer, 0, part.bytes);
            ata_dma_moved(&drive, part.bytes, false);
        }
        ata_reset(&drive);
        run();
    }
    unmake();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ata");
    tcase_add_test(tests, identify_is_true);
    tcase_add_test(tests, identify_follows_settings);
    tcase_add_test(tests, geometry_of_all_sizes);
    tcase_add_test(tests, large_disks_have_48_bits);
    tcase_add_test(tests, tiny_disk_ends_within_a_track);
    tcase_add_test(tests, a_transport_moves_dma_in_parts);
    tcase_add_test(tests, a_transport_hears_of_every_block);
    tcase_add_test(tests, data_beyond_the_block_is_lost);
    tcase_add_test(tests, every_code_ends_or_asks);
    tcase_add_test(tests, settings_can_outlive_a_soft_reset);
    tcase_add_test(tests, a_saved_state_that_cannot_be_is_reset);
    return rig_run_suite("ata", tests);
}

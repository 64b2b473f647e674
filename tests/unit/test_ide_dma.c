/* SPDX-License-Identifier: MIT */
/* Bus-master DMA of the PIIX3 IDE function, driven by ports as a driver does it, against a byte model. */
#include "tests/unit/ide_rig.h"

enum { TABLE = 0x10000, BUFFERS = 0x100000, BM_DONE = BM_STATUS_INTERRUPT, MAX_PRDS = 4096 };

struct prd {
    uint32_t address, bytes;
};

static uint8_t *ram(uint32_t address)
{
    return rig.ram->host + address;
}

static uint8_t *model(uint32_t lba)
{
    return rig.store[0][0]->bytes + (size_t)lba * 512;
}

static void start_with(const struct dma_settings *settings)
{
    rig_new(settings);
    rig_plug(0, 0, RIG_SECTORS, NULL);
    rig_enable();
    rig_settle();
}

static void setup(void)
{
    start_with(NULL);
}

static void teardown(void)
{
    rig_free();
}

static void put_prd(unsigned n, uint32_t address, uint16_t count, bool last)
{
    le32_store(ram(TABLE + 8 * n), address);
    le16_store(ram(TABLE + 8 * n + 4), count);
    le16_store(ram(TABLE + 8 * n + 6), last ? 0x8000 : 0);
}

static void put_table(const struct prd *prds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) put_prd(i, prds[i].address, (uint16_t)prds[i].bytes, i + 1 == count);
}

static void begin(bool to_memory, uint32_t lba, unsigned sectors)
{
    uint8_t direction = to_memory ? BM_COMMAND_TO_MEMORY : 0;
    rig_out(RIG_BM + BM_TABLE, 4, TABLE);
    outb(RIG_BM + BM_COMMAND, direction);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    drive_address(0, lba, (uint8_t)sectors);
    outb(CMD + IDE_STATUS, to_memory ? 0xc8 : 0xca);
    outb(RIG_BM + BM_COMMAND, direction | BM_COMMAND_START);
}

static uint8_t bm_bits(void)
{
    return inb(RIG_BM + BM_STATUS) & (BM_STATUS_ACTIVE | BM_STATUS_ERROR | BM_STATUS_INTERRUPT);
}

/* What a driver does in its interrupt handler; returns the drive's Status. */
static uint8_t finish(void)
{
    outb(RIG_BM + BM_COMMAND, 0);
    uint8_t status = inb(CMD + IDE_STATUS);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    return status;
}

/* Cuts `bytes` into regions of even, odd-looking sizes, in no order of addresses, none crossing a 64 KiB
 * boundary. */
static unsigned scatter(struct prd *prds, uint32_t bytes, uint32_t *seed)
{
    static const uint32_t longest[] = {2, 14, 510, 700, 4098, 30000, 0x10000};
    uint32_t at[2] = {BUFFERS, BUFFERS + 0x180000};
    unsigned count = 0;
    while (bytes) {
        uint32_t limit = longest[rig_random(seed) % ARRAY_COUNT(longest)];
        if (count > MAX_PRDS - 10) limit = 0x10000;
        uint32_t take = (rig_random(seed) % limit + 2) & ~1u, *place = &at[rig_random(seed) & 1];
        *place += (rig_random(seed) % 40) & ~1u;
        uint32_t room = 0x10000 - (*place & 0xffff);
        if (take > bytes) take = bytes;
        if (take > room) take = room;
        prds[count++] = (struct prd){*place, take};
        *place += take;
        bytes -= take;
    }
    return count;
}

static void round_trip(uint32_t lba, unsigned sectors, bool to_memory, uint32_t *seed)
{
    static struct prd prds[MAX_PRDS];
    static uint8_t expected[RIG_RAM], disk[RIG_SECTORS * 512];
    unsigned count = scatter(prds, sectors * 512, seed);
    uint32_t done = 0;

    put_table(prds, count);
    for (uint32_t i = BUFFERS; i < RIG_RAM; i += 4) le32_store(ram(i), rig_random(seed));
    memcpy(expected, rig.ram->host, RIG_RAM);
    memcpy(disk, model(0), sizeof disk);
    for (unsigned i = 0; i < count; i++) {
        if (to_memory)
            memcpy(expected + prds[i].address, model(lba) + done, prds[i].bytes);
        else
            memcpy(disk + (size_t)lba * 512 + done, expected + prds[i].address, prds[i].bytes);
        done += prds[i].bytes;
    }
    rig.irq_count[0] = 0;
    begin(to_memory, lba, sectors);
    rig_settle();
    ck_assert_uint_eq(rig.irq_count[0], 1);
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    ck_assert_uint_eq(finish(), ST_READY);
    ck_assert_mem_eq(rig.ram->host, expected, RIG_RAM);
    ck_assert_mem_eq(model(0), disk, sizeof disk);
}

static void many_round_trips(uint32_t seed, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        unsigned sectors = i % 5 == 0 ? 256 : rig_random(&seed) % 40 + 1;
        round_trip(rig_random(&seed) % (RIG_SECTORS - sectors), sectors, i & 1, &seed);
    }
}

START_TEST(scattered_regions_match_the_model)
{
    many_round_trips(1, 60);
}
END_TEST

START_TEST(indirect_memory_with_a_4_kib_limit_matches)
{
    struct dma_settings settings = {.mode = DMA_MODE_INDIRECT, .max_bounce = 4096};
    teardown();
    start_with(&settings);
    many_round_trips(2, 30);
    ck_assert_uint_gt(dma_stats(rig.dma)->bounced_bytes, 0);
}
END_TEST

START_TEST(faulty_mode_matches)
{
    for (unsigned i = 1; i <= 6; i++) {
        struct dma_settings settings = {.mode = DMA_MODE_FAULTY, .max_bounce = 512 * i, .seed = i};
        teardown();
        start_with(&settings);
        many_round_trips(i, 8);
    }
}
END_TEST

START_TEST(lesson_38_three_endings)
{
    struct prd prds[] = {{BUFFERS, 512}, {BUFFERS + 0x1000, 512}, {BUFFERS + 0x2000, 512}};

    put_table(prds, 2); /* equal */
    begin(true, 5, 2);
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    ck_assert_uint_eq(finish(), ST_READY);

    put_table(prds, 3); /* the table is longer */
    memset(ram(BUFFERS + 0x2000), 0xee, 512);
    begin(true, 5, 2);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE | BM_STATUS_INTERRUPT);
    ck_assert_uint_eq(finish(), ST_READY);
    ck_assert_uint_eq(bm_bits(), 0);
    ck_assert_uint_eq(*ram(BUFFERS + 0x2000), 0xee);

    prds[1].bytes = 514; /* longer by one word, within the last region */
    put_table(prds, 2);
    begin(true, 5, 2);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE | BM_STATUS_INTERRUPT);
    finish();

    rig.irq_count[0] = 0; /* the table is shorter */
    prds[1].bytes = 512;
    put_table(prds, 2);
    begin(true, 5, 3);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), 0);
    ck_assert_uint_eq(rig.irq_count[0], 0);
    ck_assert_uint_eq(inb(CTL), ST_DATA);
    ck_assert_mem_eq(ram(BUFFERS + 0x1000), model(6), 512);
    /* A new table takes what the drive still has. */
    prds[0].address = BUFFERS + 0x3000;
    put_table(prds, 1);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY | BM_COMMAND_START);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    ck_assert_uint_eq(finish(), ST_READY);
    ck_assert_mem_eq(ram(BUFFERS + 0x3000), model(7), 512);
}
END_TEST

START_TEST(lesson_38_table_shorter_by_part_of_a_sector)
{
    static const uint32_t sizes[] = {2, 510, 514, 1022};
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct prd prd = {BUFFERS, sizes[i]};
        uint32_t whole = sizes[i] - sizes[i] % 512;
        memset(ram(BUFFERS), 0xee, 2048);
        put_table(&prd, 1);
        begin(true, 40, 2);
        rig_settle();
        ck_assert_uint_eq(bm_bits(), 0);
        ck_assert_uint_eq(inb(CTL), ST_DATA);
        ck_assert_mem_eq(ram(BUFFERS), model(40), whole);
        ck_assert_uint_eq(*ram(BUFFERS + whole), 0xee);
        /* A write of that kind leaves the part of a sector off the disk. */
        uint8_t before[1024];
        finish();
        drive_soft_reset();
        memcpy(before, model(40), 1024);
        memcpy(before, ram(BUFFERS), whole);
        begin(false, 40, 2);
        rig_settle();
        ck_assert_uint_eq(bm_bits(), 0);
        ck_assert_mem_eq(model(40), before, 1024);
        finish();
        drive_soft_reset();
    }
}
END_TEST

START_TEST(lesson_38_zero_and_odd_counts)
{
    uint64_t before = lint_count();
    put_prd(0, BUFFERS, 0, true); /* 64 KiB */
    begin(true, 3, 128);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    finish();
    ck_assert_mem_eq(ram(BUFFERS), model(3), 0x10000);
    ck_assert_uint_eq(lint_count(), before);

    put_prd(0, BUFFERS, 513, true); /* bit 0 does not count */
    begin(true, 9, 1);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    finish();
    ck_assert_mem_eq(ram(BUFFERS), model(9), 512);
    ck_assert_uint_eq(lint_count(), before + 1);

    put_prd(0, BUFFERS + 1, 512, true); /* nor does it in the address */
    begin(true, 10, 1);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    finish();
    ck_assert_mem_eq(ram(BUFFERS), model(10), 512);

    put_prd(0, BUFFERS, 1, true); /* 1 is 0 with a reserved bit: 64 KiB, longer than the transfer */
    begin(true, 11, 1);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE | BM_STATUS_INTERRUPT);
    finish();
    ck_assert_mem_eq(ram(BUFFERS), model(11), 512);
}
END_TEST

START_TEST(lesson_35_longest_table_and_table_without_end)
{
    uint32_t bytes = 8192 * 16;
    for (unsigned i = 0; i < 8192; i++) put_prd(i, BUFFERS + i * 32, 16, i == 8191);
    begin(true, 20, 256);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    finish();
    for (uint32_t i = 0; i < bytes; i += 16) ck_assert_mem_eq(ram(BUFFERS + i * 2), model(20) + i, 16);

    uint64_t before = lint_count();
    for (unsigned i = 0; i < 8192; i++) put_prd(i, BUFFERS + i * 32, 2, false);
    begin(true, 20, 256);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), 0); /* 16 KiB, and no more */
    ck_assert_uint_eq(lint_count(), before + 2); /* no end; and too short */
    finish();
}
END_TEST

START_TEST(addresses_where_nobody_answers)
{
    static const uint32_t addresses[] = {0x80000000, RIG_MMIO, 0xfffffe00};
    for (unsigned i = 0; i < ARRAY_COUNT(addresses); i++) {
        struct prd prds[] = {{BUFFERS, 512}, {addresses[i], 512}};
        put_table(prds, 2);
        begin(true, 30, 2);
        rig_settle();
        ck_assert_uint_eq(bm_bits(), BM_STATUS_ERROR);
        ck_assert(config_in(PCI_STATUS, 2) & 0x2000);
        config_out(PCI_STATUS, 2, 0x2000);
        ck_assert(!(config_in(PCI_STATUS, 2) & 0x2000));
        ck_assert_uint_eq(inb(CTL), ST_DATA);
        finish();
        ck_assert_uint_eq(bm_bits(), 0);
        drive_soft_reset();
        ck_assert_uint_eq(inb(CTL), ST_READY);
    }
    rig_out(RIG_BM + BM_TABLE, 4, 0x80000000); /* the table itself */
    drive_address(0, 1, 1);
    outb(CMD + IDE_STATUS, 0xca);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_START);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ERROR);
}
END_TEST

START_TEST(lesson_30_dma_into_its_own_registers)
{
    static const uint8_t stop[] = {0,    0,    0xff, 0,
                                   0xec, 0xbe, 0xad, 0xde}; /* command, status, another table */
    static const uint32_t targets[] = {RIG_PORTS + RIG_BM, RIG_PORTS + CMD, RIG_PORTS + RIG_BM + 8};
    for (unsigned i = 0; i < ARRAY_COUNT(targets); i++) {
        struct prd prds[] = {{targets[i], sizeof stop}, {BUFFERS, 512 - sizeof stop}};
        for (unsigned to_memory = 0; to_memory < 2; to_memory++) {
            memcpy(model(60), stop, sizeof stop);
            put_table(prds, 2);
            begin(to_memory, 60, 1);
            rig_settle();
            ck_assert_uint_eq(bm_bits(), BM_STATUS_ERROR);
            ck_assert_uint_eq(rig_in(RIG_BM + BM_TABLE, 4), TABLE);
            ck_assert_uint_eq(rig_in(RIG_BM + 8 + BM_TABLE, 4), 0);
            ck_assert_uint_eq(inb(CTL), ST_DATA);
            finish();
            drive_soft_reset();
        }
    }
    begin(true, 60, 1); /* the table in its own registers */
    outb(RIG_BM + BM_COMMAND, 0);
    rig_out(RIG_BM + BM_TABLE, 4, RIG_PORTS + RIG_BM);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY | BM_COMMAND_START);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ERROR);
}
END_TEST

START_TEST(lesson_41_table_overwritten_by_its_own_transfer)
{
    struct prd prds[] = {{TABLE, 512}, {BUFFERS, 512}};
    put_table(prds, 2);
    begin(true, 70, 2);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    finish();
    ck_assert_mem_eq(ram(TABLE), model(70), 512);
    ck_assert_mem_eq(ram(BUFFERS), model(71), 512);
}
END_TEST

START_TEST(order_of_start_and_command_does_not_matter)
{
    struct prd prd = {BUFFERS, 512};
    put_table(&prd, 1);
    rig_out(RIG_BM + BM_TABLE, 4, TABLE);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY | BM_COMMAND_START);
    rig_pass(VTIME_MS);
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE);
    drive_address(0, 80, 1);
    outb(CMD + IDE_STATUS, 0xc8);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    ck_assert_mem_eq(ram(BUFFERS), model(80), 512);
}
END_TEST

START_TEST(nothing_moves_without_bus_mastering_or_in_the_wrong_direction)
{
    struct prd prd = {BUFFERS, 512};
    uint64_t before = lint_count();
    put_table(&prd, 1);
    config_out(PCI_COMMAND, 2, PCI_COMMAND_IO);
    begin(true, 81, 1);
    rig_pass(VTIME_MS);
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE);
    ck_assert_uint_eq(lint_count(), before + 1);
    config_out(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    finish();

    begin(true, 82, 1);
    outb(RIG_BM + BM_COMMAND, 0);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_START);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE);
    ck_assert_uint_gt(lint_count(), before + 1);
    ck_assert_mem_eq(ram(BUFFERS), model(81), 512);
}
END_TEST

START_TEST(bad_sectors_end_dma)
{
    struct prd prds[] = {{BUFFERS, 0}, {BUFFERS + 0x10000, 0}};
    rig.store[0][0]->bad = 93;
    put_table(prds, 2);
    begin(true, 90, 256);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_STATUS_ACTIVE | BM_STATUS_INTERRUPT);
    ck_assert_uint_eq(finish(), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_UNC);
    ck_assert_uint_eq(drive_lba(), 93);
    ck_assert_mem_eq(ram(BUFFERS), model(90), 3 * 512);
    begin(false, 90, 256);
    rig_settle();
    ck_assert_uint_eq(finish(), ST_FAILED | ATA_STATUS_DF);
    ck_assert_uint_eq(drive_lba(), 93);
}
END_TEST

/* Lets the events of a request go by, one deadline after the other, `steps` of them. */
static void step(unsigned steps)
{
    for (unsigned i = 0; i < steps && clock_deadline(&rig.clock) != VTIME_NEVER; i++)
        rig_pass(clock_deadline(&rig.clock) - clock_now(&rig.clock));
}

START_TEST(lesson_18_lesson_37_taken_back_at_any_moment)
{
    struct dma_settings settings = {.mode = DMA_MODE_INDIRECT, .max_bounce = 4096};
    struct prd prds[] = {{BUFFERS, 10000}, {BUFFERS + 0x10000, 6384}};
    uint8_t sector0[512];

    teardown();
    start_with(&settings);
    for (unsigned at = 0; at < 48; at++) {
        bool to_memory = at & 1;
        memcpy(sector0, model(0), 512);
        put_table(prds, 2);
        begin(to_memory, 100, 32);
        step(at / 8);
        switch (at / 2 % 4) {
        case 0: outb(RIG_BM + BM_COMMAND, 0); break;
        case 1: outb(CTL, IDE_CONTROL_SRST); break;
        case 2: device_reset_all(&rig.devices); break;
        case 3: config_out(PCI_COMMAND, 2, PCI_COMMAND_IO); break;
        }
        if (at / 2 % 4 != 3) ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
        rig_pass(10 * VTIME_MS);
        rig_enable();
        rig_pass(10 * VTIME_MS);
        outb(RIG_BM + BM_COMMAND, 0);
        outb(CTL, 0);
        drive_soft_reset();
        outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
        rig_settle();
        ck_assert_uint_eq(bm_bits(), 0);
        ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
        ck_assert_uint_eq(inb(CTL), ST_READY);
        ck_assert_mem_eq(model(0), sector0, 512);
        uint32_t seed = at;
        round_trip(200, 9, true, &seed);
    }
}
END_TEST

START_TEST(stopped_drive_goes_on_where_it_was)
{
    struct dma_settings settings = {.mode = DMA_MODE_INDIRECT, .max_bounce = 4096};
    struct prd prd = {BUFFERS, 0x8000};
    teardown();
    start_with(&settings);
    put_table(&prd, 1);
    begin(true, 300, 64);
    rig_pass(40 * VTIME_US);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY);
    ck_assert_uint_eq(bm_bits(), 0);
    ck_assert_uint_gt(block_stats(rig.block[0][0])->read_bytes, 0);
    rig_settle();
    ck_assert_uint_eq(inb(CTL), ST_DATA);
    prd.address = BUFFERS + 0x20000;
    put_table(&prd, 1);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY | BM_COMMAND_START);
    rig_settle();
    ck_assert(bm_bits() & BM_STATUS_INTERRUPT);
    ck_assert_uint_eq(finish(), ST_READY);
}
END_TEST

START_TEST(two_drives_ask_at_once)
{
    struct prd prds[] = {{BUFFERS, 0x8000}, {BUFFERS + 0x10000, 512}};
    rig_plug(0, 1, RIG_SECTORS, NULL);
    rig_settle();
    put_table(prds, 2);
    begin(true, 0, 64);
    rig_pass(ATA_COMMAND_TIME);
    drive_address(1, 500, 1); /* the first is at work; the second gets what it leaves of the table */
    outb(CMD + IDE_STATUS, 0xc8);
    rig_settle();
    ck_assert_uint_eq(inb(CTL), ST_READY);
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    ck_assert_mem_eq(ram(BUFFERS), model(0), 0x8000);
    ck_assert_mem_eq(ram(BUFFERS + 0x10000), rig.store[0][1]->bytes + 500 * 512, 512);
    drive_select(0, 0);
    ck_assert_uint_eq(inb(CTL), ST_READY);
}
END_TEST

START_TEST(registers_read_back)
{
    uint64_t before = lint_count();
    rig_out(RIG_BM + BM_TABLE, 4, 0x12345678);
    ck_assert_uint_eq(rig_in(RIG_BM + BM_TABLE, 4), 0x12345678);
    outb(RIG_BM + BM_TABLE + 2, 0xab);
    ck_assert_uint_eq(rig_in(RIG_BM + BM_TABLE, 4), 0x12ab5678);
    ck_assert_uint_eq(lint_count(), before);
    rig_out(RIG_BM + BM_TABLE, 4, 0x12345679);
    ck_assert_uint_eq(rig_in(RIG_BM + BM_TABLE, 4), 0x12345678);
    ck_assert_uint_eq(lint_count(), before + 1);
    outb(RIG_BM + BM_STATUS, 0xff);
    ck_assert_uint_eq(inb(RIG_BM + BM_STATUS), 0x60);
    outb(RIG_BM + BM_COMMAND, 0xfe);
    ck_assert_uint_eq(inb(RIG_BM + BM_COMMAND), BM_COMMAND_TO_MEMORY);
    ck_assert_uint_eq(inb(RIG_BM + 1), 0);
    rig_out(RIG_BM + 8 + BM_TABLE, 4, 0x1000); /* the other channel's */
    ck_assert_uint_eq(rig_in(RIG_BM + BM_TABLE, 4), 0x12345678);
    ck_assert_uint_eq(rig_in(RIG_BM + 8 + BM_TABLE, 4), 0x1000);
    device_reset_all(&rig.devices);
    rig_enable();
    ck_assert_uint_eq(rig_in(RIG_BM + BM_TABLE, 4), 0);
}
END_TEST

START_TEST(interrupt_bit_wants_an_edge)
{
    struct prd prd = {BUFFERS, 512};
    put_table(&prd, 1);
    begin(true, 1, 1);
    rig_settle();
    ck_assert_uint_eq(bm_bits(), BM_DONE);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT); /* the line is still high */
    ck_assert_uint_eq(bm_bits(), 0);
    ck_assert(rig.irq[0]);
    inb(CMD + IDE_STATUS);
    drive_command(0xe7);
    ck_assert_uint_eq(bm_bits(), BM_DONE);
}
END_TEST

START_TEST(saved_and_taken_up_again)
{
    struct dma_settings settings = {.mode = DMA_MODE_INDIRECT, .max_bounce = 4096};
    struct prd prd = {BUFFERS, 0x4000};
    teardown();
    start_with(&settings);
    struct device *device = device_find(&rig.devices, "ide");
    for (unsigned at = 2; at < 5; at++) { /* while rounds of the transfer are under way */
        struct state_buffer saved = {0};
        struct error error;
        uint8_t image[0x4000];
        memcpy(image, model(600), sizeof image);
        put_table(&prd, 1);
        begin(true, 600, 32);
        step(at);
        state_save(device->ops->state, device->state, &saved);
        device->ops->reset(device);
        memset(ram(BUFFERS), 0, sizeof image);
        ck_assert(state_load(device->ops->state, device->state, &saved, &error));
        device->ops->loaded(device);
        rig_settle();
        ck_assert_uint_eq(bm_bits(), BM_DONE);
        finish();
        ck_assert_mem_eq(ram(BUFFERS), image, sizeof image);
        state_buffer_free(&saved);
    }
}
END_TEST

/* What drivers do wrong with the registers, each with its line. */
START_TEST(rules_are_linted)
{
    uint64_t before = lint_count();
    put_prd(0, BUFFERS, 512, true);
    begin(true, 5, 1);
    rig_settle();
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT); /* before Status of the drive */
    ck_assert_uint_eq(lint_count(), before + 1);
    ck_assert_uint_eq(inb(RIG_BM + BM_STATUS) & BM_STATUS_INTERRUPT, 0);
    ck_assert(rig.irq[0]);
    inb(CMD + IDE_STATUS);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT);
    ck_assert_uint_eq(lint_count(), before + 1);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY);

    rig_out(RIG_BM + BM_TABLE, 4, 0);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY | BM_COMMAND_START);
    ck_assert_uint_eq(lint_count(), before + 2);
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY);
    rig_out(RIG_BM + BM_TABLE, 4, TABLE | 2);
    ck_assert_uint_eq(lint_count(), before + 3);

    put_prd(0, BUFFERS, 1024, true);
    begin(true, 5, 1);
    rig_settle();
    ck_assert_uint_eq(lint_count(), before + 4); /* the table goes on */
    outb(RIG_BM + BM_COMMAND, BM_COMMAND_TO_MEMORY);
    inb(CMD + IDE_STATUS);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("dma");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, scattered_regions_match_the_model);
    tcase_add_test(tests, indirect_memory_with_a_4_kib_limit_matches);
    tcase_add_test(tests, faulty_mode_matches);
    tcase_add_test(tests, lesson_38_three_endings);
    tcase_add_test(tests, lesson_38_table_shorter_by_part_of_a_sector);
    tcase_add_test(tests, lesson_38_zero_and_odd_counts);
    tcase_add_test(tests, lesson_35_longest_table_and_table_without_end);
    tcase_add_test(tests, addresses_where_nobody_answers);
    tcase_add_test(tests, lesson_30_dma_into_its_own_registers);
    tcase_add_test(tests, lesson_41_table_overwritten_by_its_own_transfer);
    tcase_add_test(tests, order_of_start_and_command_does_not_matter);
    tcase_add_test(tests, nothing_moves_without_bus_mastering_or_in_the_wrong_direction);
    tcase_add_test(tests, bad_sectors_end_dma);
    tcase_add_test(tests, lesson_18_lesson_37_taken_back_at_any_moment);
    tcase_add_test(tests, stopped_drive_goes_on_where_it_was);
    tcase_add_test(tests, two_drives_ask_at_once);
    tcase_add_test(tests, registers_read_back);
    tcase_add_test(tests, interrupt_bit_wants_an_edge);
    tcase_add_test(tests, saved_and_taken_up_again);
    tcase_add_test(tests, rules_are_linted);
    return rig_run_suite("ide_dma", tests);
}

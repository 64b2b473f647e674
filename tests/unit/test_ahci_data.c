/* SPDX-License-Identifier: MIT */
/* AHCI commands that are not queued: DMA, PIO, packets, descriptors and what can be wrong with them. */
#include "tests/unit/ahci_rig.h"

static void teardown(void)
{
    rig_free();
}

static const uint32_t fatal_or_error =
    AHCI_IS_TFES | AHCI_IS_HBFS | AHCI_IS_HBDS | AHCI_IS_IFS | AHCI_IS_OFS | AHCI_IS_INFS;

static void restart(unsigned port)
{
    port_stop(port);
    port_set(port, AHCI_PxSCTL, 1);
    port_set(port, AHCI_PxSCTL, 0);
    rig_settle();
    port_set(port, AHCI_PxSERR, 0xffffffff);
    port_set(port, AHCI_PxIS, 0xffffffff);
    hba_set(AHCI_IS, 0xffffffff);
    port_start(port);
}

static void expect_good(unsigned port, unsigned slot, uint32_t moved)
{
    ck_assert_uint_eq(port_get(port, AHCI_PxCI), 0);
    ck_assert_uint_eq(port_get(port, AHCI_PxIS) & fatal_or_error, 0);
    ck_assert_uint_eq(port_get(port, AHCI_PxTFD), TFD_READY);
    ck_assert_uint_eq(moved_of(port, slot), moved);
    port_set(port, AHCI_PxIS, 0xffffffff);
    hba_set(AHCI_IS, 0xffffffff);
}

/* ---- DMA ---- */

START_TEST(read_and_write_one_descriptor)
{
    rig_one_disk(NULL);
    execute(&(struct command){.code = CODE_READ_DMA, .lba = 1234, .count = 8}, RIG_DATA, 4096);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 1234), 4096);
    const uint8_t *fis = fis_area(0) + FIS_AREA_D2H;
    ck_assert_uint_eq(fis[0], FIS_D2H);
    ck_assert_uint_eq(fis[1], FIS_FLAG_INTERRUPT);
    ck_assert_uint_eq(fis[2], TFD_READY);
    expect_good(0, 0, 4096);

    memset(ram_at(RIG_DATA), 0x5a, 512);
    execute(
        &(struct command){
            .slot = 5, .code = CODE_WRITE_DMA_EXT, .lba = RIG_SECTORS - 1, .count = 1, .flags = 0x40},
        RIG_DATA, 512);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, RIG_SECTORS - 1), 512);
    expect_good(0, 5, 512);
    ck_assert_uint_eq((port_get(0, AHCI_PxCMD) & AHCI_CMD_CCS) >> 8, 5);
}
END_TEST

/* A random way to cut `bytes` into even pieces, at random even addresses that do not overlap. */
static unsigned scatter(const struct command *c, uint32_t bytes, uint32_t *seed, uint64_t *at,
                        uint32_t *length)
{
    unsigned n = 0;
    uint64_t next = RIG_DATA;
    while (bytes) {
        uint32_t take = 2 + rig_random(seed) % (n < 50 ? 3000 : 200000) / 2 * 2;
        if (take > bytes || n == 54) take = bytes;
        next += 2 + rig_random(seed) % 6000 / 2 * 2;
        at[n] = next;
        length[n] = take;
        add_prd(c, &n, next, take, 0);
        next += take;
        bytes -= take;
    }
    return n;
}

static void random_transfers(const struct dma_settings *settings, unsigned rounds)
{
    uint32_t seed = 99;
    rig_one_disk(settings);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t at[64];
        uint32_t length[64], count = 1 + rig_random(&seed) % 300;
        bool write = rig_random(&seed) & 1;
        const struct command c = {.slot = rig_random(&seed) % 32,
                                  .code = write ? CODE_WRITE_DMA_EXT : CODE_READ_DMA_EXT,
                                  .lba = rig_random(&seed) % (RIG_SECTORS - count),
                                  .count = count,
                                  .flags = write ? AHCI_HEADER_WRITE : 0};
        build(&c);
        unsigned n = scatter(&c, count * 512, &seed, at, length);
        for (unsigned i = 0; i < n; i++)
            for (uint32_t k = 0; k < length[i]; k++) *ram_at(at[i] + k) = (uint8_t)rig_random(&seed);
        issue(0, c.slot, false);
        rig_settle();
        const uint8_t *disk = disk_at(0, c.lba);
        for (unsigned i = 0; i < n; disk += length[i++]) ck_assert_mem_eq(ram_at(at[i]), disk, length[i]);
        expect_good(0, c.slot, count * 512);
    }
}

START_TEST(random_transfers_direct)
{
    random_transfers(NULL, 60);
}
END_TEST

START_TEST(random_transfers_through_little_bounce)
{
    random_transfers(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 4096}, 40);
}
END_TEST

START_TEST(random_transfers_with_faulty_maps)
{
    random_transfers(&(struct dma_settings){.mode = DMA_MODE_FAULTY, .max_bounce = 1024, .seed = 7}, 40);
}
END_TEST

START_TEST(slots_are_taken_in_order_from_the_last)
{
    rig_one_disk(NULL);
    for (unsigned slot = 0; slot < 32; slot++) {
        unsigned n = 0;
        const struct command c = {.slot = slot, .code = CODE_READ_DMA, .lba = slot, .count = 1};
        build(&c);
        add_prd(&c, &n, RIG_DATA + slot * 512, 512, 0);
    }
    port_set(0, AHCI_PxCI, 1u << 9);
    rig_pass(VTIME_US);
    port_set(0, AHCI_PxCI, 1u << 3 | 1u << 30 | 1u << 10);
    const unsigned order[] = {9, 10, 30, 3};
    for (unsigned i = 0; i < ARRAY_COUNT(order); i++) {
        uint32_t before = port_get(0, AHCI_PxCI);
        ck_assert_uint_eq((port_get(0, AHCI_PxCMD) & AHCI_CMD_CCS) >> 8, order[i]);
        while (port_get(0, AHCI_PxCI) == before) rig_pass(VTIME_US);
        ck_assert_uint_eq(before & ~port_get(0, AHCI_PxCI), 1u << order[i]);
        rig_pass(2 * VTIME_US);
    }
    rig_settle();
    for (unsigned slot = 0; slot < 32; slot++)
        if (slot == 3 || slot == 9 || slot == 10 || slot == 30)
            ck_assert_mem_eq(ram_at(RIG_DATA + slot * 512), disk_at(0, slot), 512);
}
END_TEST

/* ---- descriptors ---- */

START_TEST(largest_descriptor)
{
    rig_one_disk(NULL);
    const struct command c = {.code = CODE_READ_DMA_EXT, .count = RIG_SECTORS};
    unsigned n = 0;
    build(&c);
    add_prd(&c, &n, RIG_DATA, RIG_SECTORS * 512, 0); /* 2.5 MB in one of at most 4 MiB */
    issue(0, 0, false);
    rig_settle();
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 0), RIG_SECTORS * 512);
    expect_good(0, 0, RIG_SECTORS * 512);
}
END_TEST

START_TEST(lesson_35_longest_table)
{
    rig_one_disk(NULL);
    /* 65535 descriptors of two bytes, back to front: 131070 bytes, of which 255 sectors are used. */
    const struct command c = {.code = CODE_READ_DMA, .lba = 3, .count = 255};
    build(&c);
    uint64_t table = 0x700000;
    le64_store(header_at(0, 0)->table, table);
    memcpy(ram_at(table), ram_at(table_addr(0, 0)), sizeof(struct ahci_table));
    for (unsigned i = 0; i < 65535; i++) {
        struct ahci_prd prd = {.count = {1}};
        le64_store(prd.address, RIG_DATA + 2 * (65534 - i));
        memcpy(ram_at(table + AHCI_TABLE_PRDT + i * sizeof prd), &prd, sizeof prd);
    }
    le16_store(header_at(0, 0)->prds, 65535);
    issue(0, 0, false);
    rig_settle();
    for (unsigned i = 0; i < 255 * 256; i++)
        ck_assert_mem_eq(ram_at(RIG_DATA + 2 * (65534 - i)), disk_at(0, 3) + 2 * i, 2);
    expect_good(0, 0, 255 * 512);
}
END_TEST

/* Which of the endings a table and a transfer can have (AHCI, Command List Overflow and Underflow), each by
 * DMA and PIO, in and out. */
static void check_ending(uint8_t code, bool write, uint32_t table_bytes)
{
    const uint32_t wanted = 4 * 512;
    const struct command c = {.code = code, .lba = 50, .count = 4, .flags = write ? AHCI_HEADER_WRITE : 0};
    memset(ram_at(RIG_DATA), 0xa7, 8192);
    uint8_t before[4 * 512];
    memcpy(before, disk_at(0, 50), sizeof before);
    uint64_t lints = lint_count();
    execute(&c, RIG_DATA, table_bytes);
    bool short_table = table_bytes < wanted;
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & fatal_or_error, short_table ? AHCI_IS_OFS : 0);
    ck_assert_uint_eq(lint_count() - lints > 0, table_bytes != wanted);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), short_table && write); /* a write hangs */
    uint32_t moved = short_table ? table_bytes / 512 * 512 : wanted;
    if (!(short_table && write)) ck_assert_uint_ge(moved_of(0, 0), moved);
    ck_assert_mem_eq(disk_at(0, 50), write ? ram_at(RIG_DATA) : before, moved);
    if (write) ck_assert_mem_eq(disk_at(0, 50) + moved, before + moved, wanted - moved);
    if (!write) ck_assert_mem_eq(ram_at(RIG_DATA), before, moved);
    if (!write)
        for (unsigned i = short_table ? table_bytes : wanted; i < 8192; i++)
            ck_assert_uint_eq(*ram_at(RIG_DATA + i), 0xa7);
    restart(0);
}

START_TEST(lesson_38_table_and_transfer_of_different_sizes)
{
    static const uint32_t sizes[] = {0, 2, 510, 512, 514, 1536, 2046, 2048, 2050, 4096};
    rig_one_disk(NULL);
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        check_ending(CODE_READ_DMA, false, sizes[i]);
        check_ending(CODE_WRITE_DMA, true, sizes[i]);
        check_ending(CODE_READ_SECTORS, false, sizes[i]);
        if (sizes[i] % 512 == 0) check_ending(CODE_WRITE_SECTORS, true, sizes[i]);
    }
}
END_TEST

START_TEST(odd_counts_and_addresses)
{
    rig_one_disk(NULL);
    uint64_t before = lint_count();
    const struct command c = {.code = CODE_READ_DMA, .lba = 8, .count = 2};
    unsigned n = 0;
    build(&c);
    add_prd(&c, &n, RIG_DATA, 511, 0);        /* counts as 512 */
    add_prd(&c, &n, RIG_DATA + 1025, 512, 0); /* begins at 1024 */
    issue(0, 0, false);
    rig_settle();
    ck_assert_uint_eq(lint_count() - before, 2);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 8), 512);
    ck_assert_mem_eq(ram_at(RIG_DATA + 1024), disk_at(0, 9), 512);
    expect_good(0, 0, 1024);
}
END_TEST

START_TEST(descriptor_processed)
{
    rig_one_disk(NULL);
    const struct command c = {.code = CODE_READ_DMA, .count = 2};
    unsigned n = 0;
    build(&c);
    add_prd(&c, &n, RIG_DATA, 512, AHCI_PRD_INTERRUPT);
    add_prd(&c, &n, RIG_DATA + 512, 512, 0);
    issue(0, 0, false);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS | AHCI_IS_DPS);
}
END_TEST

START_TEST(addresses_above_4_gib_and_unaligned_tables)
{
    struct error error;
    rig_one_disk(NULL);
    struct region *high = region_new_ram("high", 1 << 20, &error);
    region_add(rig.memory, UINT64_C(0x123400000), high, 0);
    execute(&(struct command){.code = CODE_READ_DMA, .lba = 77, .count = 8}, UINT64_C(0x123400200), 4096);
    ck_assert_mem_eq(high->host + 0x200, disk_at(0, 77), 4096);
    expect_good(0, 0, 4096);

    uint64_t before = lint_count();
    const struct command c = {.code = CODE_READ_DMA, .lba = 5, .count = 1};
    unsigned n = 0;
    build(&c);
    add_prd(&c, &n, RIG_DATA, 512, 0);
    le64_store(header_at(0, 0)->table, table_addr(0, 0) | 0x7f);
    issue(0, 0, false);
    rig_settle();
    ck_assert_uint_eq(lint_count() - before, 1);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 5), 512);
    expect_good(0, 0, 512);
    region_remove(high);
    region_release(high);
}
END_TEST

/* ---- PIO ---- */

START_TEST(pio_in)
{
    rig_one_disk(NULL);
    execute(&(struct command){.code = CODE_IDENTIFY}, RIG_DATA, 512);
    uint8_t identify[512];
    ata_identify(ahci_drive(rig.ahci, 0), identify);
    ck_assert_mem_eq(ram_at(RIG_DATA), identify, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_PSS);
    const uint8_t *fis = fis_area(0) + FIS_AREA_PIO_SETUP;
    ck_assert_uint_eq(fis[0], FIS_PIO_SETUP);
    ck_assert_uint_eq(fis[1], FIS_FLAG_INTERRUPT | FIS_FLAG_TO_HOST);
    ck_assert_uint_eq(fis[2], TFD_READY | ATA_STATUS_DRQ);
    ck_assert_uint_eq(fis[15], TFD_READY); /* E_Status */
    ck_assert_uint_eq(le16_load(fis + 16), 512);
    expect_good(0, 0, 512);

    execute(&(struct command){.code = CODE_READ_SECTORS, .lba = 300, .count = 40}, RIG_DATA, 40 * 512);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 300), 40 * 512);
    expect_good(0, 0, 40 * 512);
}
END_TEST

START_TEST(pio_out)
{
    rig_one_disk(NULL);
    for (unsigned i = 0; i < 20 * 512; i++) *ram_at(RIG_DATA + i) = (uint8_t)(i * 7);
    execute(
        &(struct command){.code = CODE_WRITE_SECTORS, .lba = 400, .count = 20, .flags = AHCI_HEADER_WRITE},
        RIG_DATA, 20 * 512);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 400), 20 * 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_PSS | AHCI_IS_DHRS);
    expect_good(0, 0, 20 * 512);
}
END_TEST

START_TEST(pio_through_little_bounce)
{
    rig_one_disk(&(struct dma_settings){.mode = DMA_MODE_INDIRECT, .max_bounce = 512});
    const struct command c = {.code = CODE_READ_SECTORS, .lba = 21, .count = 3};
    unsigned n = 0;
    build(&c);
    add_prd(&c, &n, RIG_DATA + 2, 700, 0);
    add_prd(&c, &n, RIG_DATA + 2000, 2, 0);
    add_prd(&c, &n, RIG_DATA + 3000, 1536 - 702, 0);
    issue(0, 0, false);
    rig_settle();
    ck_assert_mem_eq(ram_at(RIG_DATA + 2), disk_at(0, 21), 700);
    ck_assert_mem_eq(ram_at(RIG_DATA + 2000), disk_at(0, 21) + 700, 2);
    ck_assert_mem_eq(ram_at(RIG_DATA + 3000), disk_at(0, 21) + 702, 1536 - 702);
    expect_good(0, 0, 1536);
}
END_TEST

START_TEST(no_data)
{
    rig_one_disk(NULL);
    execute(&(struct command){.code = CODE_FLUSH}, 0, 0);
    ck_assert_uint_eq(rig.disk[0]->flushes, 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS);
    expect_good(0, 0, 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(task_file_error_stops_the_port)
{
    rig_one_disk(NULL);
    const struct command good = {.slot = 4, .code = CODE_READ_DMA, .lba = 2, .count = 1};
    unsigned n = 0;
    build(&good);
    add_prd(&good, &n, RIG_DATA + 4096, 512, 0);
    build(&(struct command){.slot = 3, .code = CODE_READ_DMA_EXT, .lba = RIG_SECTORS, .count = 1});
    port_set(0, AHCI_PxCI, 1u << 3 | 1u << 4);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS | AHCI_IS_TFES);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 1u << 3 | 1u << 4);
    ck_assert_uint_eq((port_get(0, AHCI_PxCMD) & AHCI_CMD_CCS) >> 8, 3);
    ck_assert_uint_eq(port_get(0, AHCI_PxCMD) & AHCI_CMD_CR, AHCI_CMD_CR);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), ATA_ERROR_IDNF << 8 | TFD_READY | ATA_STATUS_ERR);
    ck_assert_uint_eq(port_get(0, AHCI_PxSERR), 0);
    port_stop(0); /* 6.2.2.1 */
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    port_set(0, AHCI_PxIS, 0xffffffff);
    port_start(0);
    port_set(0, AHCI_PxCI, 1u << 4);
    rig_settle();
    ck_assert_mem_eq(ram_at(RIG_DATA + 4096), disk_at(0, 2), 512);
    expect_good(0, 4, 512);
}
END_TEST

START_TEST(bad_sector)
{
    rig_one_disk(NULL);
    rig.disk[0]->bad = 105;
    execute(&(struct command){.code = CODE_READ_DMA, .lba = 100, .count = 16}, RIG_DATA, 16 * 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD), ATA_ERROR_UNC << 8 | TFD_READY | ATA_STATUS_ERR);
    ck_assert_uint_eq(moved_of(0, 0), 5 * 512);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 100), 5 * 512);
    ck_assert_uint_eq(fis_area(0)[FIS_AREA_D2H + 4], 105);
    restart(0);
    execute(&(struct command){.code = CODE_WRITE_DMA, .lba = 104, .count = 4, .flags = AHCI_HEADER_WRITE},
            RIG_DATA, 2048);
    ck_assert_uint_eq(port_get(0, AHCI_PxTFD) & (ATA_STATUS_ERR | ATA_STATUS_DF),
                      ATA_STATUS_ERR | ATA_STATUS_DF);
    ck_assert_uint_eq(moved_of(0, 0), 512);
}
END_TEST

static void expect_bus_error(void)
{
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & (AHCI_IS_HBFS | AHCI_IS_TFES), AHCI_IS_HBFS);
    ck_assert(rig_config_in(PCI_STATUS, 2) & 0x2000);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    rig_config_out(PCI_STATUS, 2, 0x2000);
    /* nothing more until ST is cleared */
    const struct command c = {.slot = 7, .code = CODE_READ_DMA, .count = 1};
    port_program(0);
    execute(&c, RIG_DATA, 512);
    ck_assert(port_get(0, AHCI_PxCI) & 1u << 7);
    restart(0);
    memset(ram_at(RIG_DATA), 0, 512);
    execute(&c, RIG_DATA, 512);
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 0), 512);
    expect_good(0, 7, 512);
}

START_TEST(data_in_no_memory)
{
    rig_one_disk(NULL);
    submit(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_NOWHERE, 512);
    expect_bus_error();
    submit(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_REFUSES, 512);
    expect_bus_error();
    submit(&(struct command){.code = CODE_WRITE_DMA, .count = 1}, UINT64_MAX - 0x1ff, 512);
    expect_bus_error();
    submit(&(struct command){.code = CODE_IDENTIFY}, RIG_NOWHERE, 512);
    expect_bus_error();
    submit(&(struct command){.code = CODE_READ_DMA, .count = 4}, RIG_RAM - 1024, 2048); /* its second half */
    expect_bus_error();
}
END_TEST

START_TEST(tables_in_no_memory)
{
    const struct command c = {.code = CODE_READ_DMA, .count = 1};
    rig_one_disk(NULL);
    build(&c);
    le64_store(header_at(0, 0)->table, RIG_NOWHERE);
    issue(0, 0, false);
    expect_bus_error();
    build(&c);
    le16_store(header_at(0, 0)->prds, 65535);
    le64_store(header_at(0, 0)->table, RIG_RAM - 128); /* the table itself, and no descriptor */
    memcpy(ram_at(RIG_RAM - 128), ram_at(table_addr(0, 0)), sizeof(struct ahci_table));
    issue(0, 0, false);
    expect_bus_error();
    port_stop(0);
    port_set(0, AHCI_PxCLBU, 0xf);
    port_start(0);
    submit(&c, RIG_DATA, 512);
    rig_settle();
    port_set(0, AHCI_PxCLBU, 0);
    expect_bus_error();
}
END_TEST

START_TEST(fis_area_in_no_memory)
{
    rig_one_disk(NULL);
    port_set(0, AHCI_PxFBU, 0xf);
    submit(&(struct command){.code = CODE_READ_DMA, .count = 1}, RIG_DATA, 512);
    rig_settle();
    port_set(0, AHCI_PxFBU, 0);
    expect_bus_error();
}
END_TEST

START_TEST(what_is_no_command_fis)
{
    rig_one_disk(NULL);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t before = lint_count();
        build(&(struct command){.code = CODE_FLUSH, .flags = i == 0 ? AHCI_HEADER_BIST : 0});
        if (i == 1) *ram_at(table_addr(0, 0)) = FIS_D2H;
        if (i == 2) le16_store(header_at(0, 0)->options, 1);
        if (i == 3) le16_store(header_at(0, 0)->options, 17);
        issue(0, 0, false);
        rig_settle();
        ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_IFS);
        ck_assert_uint_eq(port_get(0, AHCI_PxSERR), AHCI_SERR_PROTOCOL | AHCI_SERR_HANDSHAKE);
        ck_assert_uint_eq(port_get(0, AHCI_PxCI), 1);
        ck_assert_uint_eq(lint_count() - before, 1);
        restart(0);
    }
}
END_TEST

START_TEST(lesson_30_dma_to_its_own_registers)
{
    rig_one_disk(NULL);
    uint32_t clb = port_get(0, AHCI_PxCLB);
    memset(disk_at(0, 60), 0xff, 512);
    submit(&(struct command){.code = CODE_READ_DMA, .lba = 60, .count = 1}, RIG_REGISTERS + AHCI_PORT_BASE,
           512);
    expect_bus_error();
    ck_assert_uint_eq(port_get(0, AHCI_PxCLB), clb);
    submit(&(struct command){.code = CODE_WRITE_DMA, .lba = 60, .count = 1}, RIG_REGISTERS + AHCI_PORT_BASE,
           512);
    expect_bus_error();
    port_stop(0);
    port_change(0, AHCI_PxCMD, AHCI_CMD_FRE, 0);
    port_set(0, AHCI_PxFB, RIG_REGISTERS);
    port_change(0, AHCI_PxCMD, 0, AHCI_CMD_FRE);
    port_start(0);
    submit(&(struct command){.code = CODE_FLUSH}, 0, 0);
    rig_settle();
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_HBFS | AHCI_IS_DHRS);
}
END_TEST

START_TEST(lesson_37_reset_while_a_write_is_queued)
{
    rig_one_disk(NULL);
    uint8_t first[512], wanted[4096];
    memcpy(first, disk_at(0, 0), 512);
    memset(ram_at(RIG_DATA), 0x99, 4096);
    memset(wanted, 0x99, sizeof wanted);
    submit(&(struct command){.code = CODE_WRITE_DMA, .lba = 200, .count = 8, .flags = AHCI_HEADER_WRITE},
           RIG_DATA, 4096);
    rig_pass(ATA_COMMAND_TIME + VTIME_US);
    ck_assert_uint_gt(dma_stats(rig.dma)->live, 0);
    hba_set(AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_RESET);
    ck_assert_uint_eq(dma_stats(rig.dma)->live, 0);
    rig_settle();
    ck_assert_mem_eq(disk_at(0, 0), first, 512);
    ck_assert_mem_eq(disk_at(0, 200), wanted, 4096); /* it was sampled when it was submitted */
}
END_TEST

START_TEST(lesson_41_everything_is_copied_once)
{
    rig_one_disk(NULL);
    submit(&(struct command){.code = CODE_READ_DMA, .lba = 500, .count = 4}, RIG_DATA, 2048);
    rig_pass(VTIME_US); /* fetched, not yet executed */
    memset(ram_at(table_addr(0, 0)), 0xff, sizeof(struct ahci_table));
    le16_store(header_at(0, 0)->options, 0);
    le64_store(header_at(0, 0)->table, RIG_NOWHERE);
    rig_pass(ATA_COMMAND_TIME); /* the descriptors are fetched by now, too */
    memset(prd_at(0, 0, 0), 0xff, sizeof(struct ahci_prd));
    rig_settle();
    ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 500), 2048);
    expect_good(0, 0, 2048);
}
END_TEST

/* ---- CD-ROM ---- */

static void cd_machine(void)
{
    const struct ata_drive_config config = {.kind = ATA_CDROM};
    rig_new(NULL, NULL);
    rig_plug(0, &config);
    rig_start_ports(1);
}

static void packet(uint8_t features, const uint8_t *bytes, uint16_t limit, uint32_t table, uint16_t flags)
{
    const struct command c = {.code = CODE_PACKET,
                              .features = features,
                              .lba = (uint64_t)limit << 8,
                              .flags = (uint16_t)(AHCI_HEADER_ATAPI | flags),
                              .packet = bytes};
    execute(&c, RIG_DATA, table);
}

/* Without COMRESET, which a CD-ROM tells by another unit attention. */
static void start_again(void)
{
    port_stop(0);
    port_set(0, AHCI_PxIS, 0xffffffff);
    hba_set(AHCI_IS, 0xffffffff);
    port_start(0);
}

static void clear_attention(void)
{
    static const uint8_t test_unit_ready[12] = {0}, request_sense[12] = {0x03, 0, 0, 0, 18};
    for (unsigned i = 0; i < 4; i++) {
        packet(0, test_unit_ready, 0, 0, 0);
        bool failed = port_get(0, AHCI_PxIS) & AHCI_IS_TFES;
        start_again();
        if (!failed) return;
        packet(1, request_sense, 0, 18, 0);
        start_again();
    }
}

START_TEST(cd_has_its_signature)
{
    cd_machine();
    ck_assert_uint_eq(port_get(0, AHCI_PxSIG), 0xeb140101);
    execute(&(struct command){.code = CODE_IDENTIFY}, RIG_DATA, 512);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS), AHCI_IS_DHRS | AHCI_IS_TFES);
    restart(0);
    execute(&(struct command){.code = CODE_IDENTIFY_PACKET}, RIG_DATA, 512);
    uint8_t identify[512];
    ata_identify(ahci_drive(rig.ahci, 0), identify);
    ck_assert_mem_eq(ram_at(RIG_DATA), identify, 512);
}
END_TEST

START_TEST(packets_by_dma_and_pio)
{
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36}, read_10[12] = {0x28, 0, 0, 0, 0, 17, 0, 0, 3};
    cd_machine();
    clear_attention();
    for (unsigned dma = 0; dma < 2; dma++) {
        memset(ram_at(RIG_DATA), 0xcc, 64);
        packet((uint8_t)dma, inquiry, 0x1000, 64, 0); /* the table may be longer */
        ck_assert_uint_eq(port_get(0, AHCI_PxIS) & fatal_or_error, 0);
        ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
        ck_assert_uint_eq(*ram_at(RIG_DATA), 0x05);
        ck_assert_uint_eq(*ram_at(RIG_DATA + 36), 0xcc);
        ck_assert_uint_eq(moved_of(0, 0), 36);

        memset(ram_at(RIG_DATA), 0, 3 * 2048);
        packet((uint8_t)dma, read_10, 2048, 3 * 2048, 0);
        ck_assert_mem_eq(ram_at(RIG_DATA), disk_at(0, 17 * 4), 3 * 2048);
        ck_assert_uint_eq(port_get(0, AHCI_PxIS) & fatal_or_error, 0);
        ck_assert_uint_eq(moved_of(0, 0), 3 * 2048);
    }
}
END_TEST

START_TEST(check_condition_is_a_task_file_error)
{
    static const uint8_t read_10[12] = {0x28, 0, 0x7f, 0, 0, 0, 0, 0, 1}, sense[12] = {0x03, 0, 0, 0, 18};
    cd_machine();
    clear_attention();
    packet(1, read_10, 0, 2048, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_TFES, AHCI_IS_TFES);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 1);
    start_again();
    packet(1, sense, 0, 18, 0);
    ck_assert_uint_eq(port_get(0, AHCI_PxIS) & AHCI_IS_TFES, 0);
    ck_assert_uint_eq(*ram_at(RIG_DATA + 2) & 0xf, 5); /* ILLEGAL REQUEST */
    ck_assert_uint_eq(*ram_at(RIG_DATA + 12), 0x21);
}
END_TEST

START_TEST(packet_without_the_a_bit)
{
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36};
    cd_machine();
    clear_attention();
    const struct command c = {.code = CODE_PACKET, .features = 1};
    unsigned n = 0;
    uint64_t before = lint_count();
    build(&c);
    memcpy(ram_at(RIG_DATA), inquiry, 12);
    add_prd(&c, &n, RIG_DATA, 12, 0);
    add_prd(&c, &n, RIG_DATA + 0x1000, 36, 0);
    issue(0, 0, false);
    rig_settle();
    ck_assert_uint_eq(lint_count() - before, 1);
    ck_assert_uint_eq(port_get(0, AHCI_PxCI), 0);
    ck_assert_uint_eq(*ram_at(RIG_DATA + 0x1000), 0x05);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        read_and_write_one_descriptor,
        random_transfers_direct,
        random_transfers_through_little_bounce,
        random_transfers_with_faulty_maps,
        slots_are_taken_in_order_from_the_last,
        largest_descriptor,
        lesson_35_longest_table,
        lesson_38_table_and_transfer_of_different_sizes,
        odd_counts_and_addresses,
        descriptor_processed,
        addresses_above_4_gib_and_unaligned_tables,
        pio_in,
        pio_out,
        pio_through_little_bounce,
        no_data,
        task_file_error_stops_the_port,
        bad_sector,
        data_in_no_memory,
        tables_in_no_memory,
        fis_area_in_no_memory,
        what_is_no_command_fis,
        lesson_30_dma_to_its_own_registers,
        lesson_37_reset_while_a_write_is_queued,
        lesson_41_everything_is_copied_once,
        cd_has_its_signature,
        packets_by_dma_and_pio,
        check_condition_is_a_task_file_error,
        packet_without_the_a_bit,
    };
    TCase *tcase = tcase_create("ahci_data");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) tcase_add_test(tcase, tests[i]);
    return rig_run_suite("ahci_data", tcase);
}

/* SPDX-License-Identifier: MIT */
/* The floppy controller and the ISA DMA controllers, as drivers work them: through ports, with a disk and memory. */
#include <string.h>
#include "block/store.h"
#include "devices/storage/fdc.h"
#include "tests/unit/platform_helper.h"

#define RAM_SIZE (UINT64_C(2) << 20)
#define SECTOR   512
#define SECTORS  2880

enum { DOR = 0x3f2, MSR = 0x3f4, DSR = 0x3f4, FIFO = 0x3f5, DIR = 0x3f7, CCR = 0x3f7 };
enum { TO_MEMORY = 0x46, FROM_MEMORY = 0x4a, VERIFY = 0x42 }; /* single mode, channel 2 */
#define READY 0x80

static struct bench bench;
static struct region *ram;
static struct i8237 *dma;
static struct fdc *fdc;
static struct block *disk;
static struct wire irq;
static uint8_t *image;

static void setup(void)
{
    struct error error;
    bench_init(&bench);
    ram = region_new_ram("ram", RAM_SIZE, &error);
    struct dma_page *pages = dma_page_new(bench.io, &bench.devices, &bench.clock);
    dma = i8237_new(bench.io, &bench.devices, &bench.clock, pages, ram, UINT64_C(1) << 32);
    dma_configure(i8237_dma_space(dma), &(struct dma_settings){.seed = 1});
    dma_checker_enable(i8237_dma_space(dma));
    fdc = fdc_new(bench.io, &bench.devices, &bench.clock, dma, wire_line(&irq, &bench.clock));
    fdc_attach(fdc, 0, FLOPPY_1440K);
    image = malloc(SECTORS * SECTOR);
    for (unsigned i = 0; i < SECTORS * SECTOR; i++) image[i] = (uint8_t)(i / SECTOR * 7 + i);
    struct block_store *store = store_new_memory(SECTORS * SECTOR, image);
    disk = block_new("floppy", store, &bench.clock);
    ck_assert(fdc_insert(fdc, 0, disk, &error));
}

static void teardown(void)
{
    ck_assert_uint_eq(dma_checker_report(i8237_dma_space(dma), stderr), 0);
    bench_free(&bench);
    block_free(disk);
    region_release(ram);
    free(image);
}

/* ---- a driver ---- */

static void command(unsigned count, const uint8_t *bytes)
{
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(inb(&bench, MSR) & 0xc0, READY);
        outb(&bench, FIFO, bytes[i]);
    }
}
#define COMMAND(...) command(sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

static uint8_t result[16];

static unsigned get_result(void)
{
    unsigned count = 0;
    while ((inb(&bench, MSR) & 0xd0) == 0xd0 && count < sizeof result) result[count++] = inb(&bench, FIFO);
    return count;
}

static void wait_irq(void)
{
    for (unsigned i = 0; i < 1000 && !irq.level; i++) bench_run(&bench, 100 * VTIME_US);
    ck_assert(irq.level);
}

static void power_up(void)
{
    outb(&bench, DOR, 0x00);
    outb(&bench, DOR, 0x1c); /* motor 0, DMA gate, out of reset */
    wait_irq();
    for (unsigned unit = 0; unit < 4; unit++) {
        COMMAND(0x08);
        ck_assert_uint_eq(get_result(), 2);
        ck_assert_uint_eq(result[0], 0xc0 | unit);
    }
    outb(&bench, CCR, 0);
    COMMAND(0x03, 0xdf, 0x02); /* SPECIFY, with DMA */
    COMMAND(0x07, 0x00);       /* RECALIBRATE */
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(get_result(), 2);
    ck_assert_uint_eq(result[0], 0x20);
    ck_assert(!irq.level);
}

static void seek(uint8_t track)
{
    COMMAND(0x0f, 0x00, track);
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(get_result(), 2);
    ck_assert_uint_eq(result[0], 0x20);
    ck_assert_uint_eq(result[1], track);
}

/* Channel 2, and the cascade open. */
static void program_dma(uint8_t mode, uint32_t address, uint32_t bytes)
{
    outb(&bench, 0xd6, 0xc0);
    outb(&bench, 0xd4, 0x00);
    outb(&bench, 0x0a, 0x06);
    outb(&bench, 0x0b, mode);
    outb(&bench, 0x0c, 0);
    outb(&bench, 0x04, (uint8_t)address), outb(&bench, 0x04, (uint8_t)(address >> 8));
    outb(&bench, 0x81, (uint8_t)(address >> 16));
    outb(&bench, 0x05, (uint8_t)(bytes - 1)), outb(&bench, 0x05, (uint8_t)((bytes - 1) >> 8));
    outb(&bench, 0x0a, 0x02);
}

static void data_command(uint8_t code, uint8_t track, uint8_t head, uint8_t sector, uint8_t last)
{
    COMMAND(code, (uint8_t)(head << 2), track, head, sector, 2, last, 0x1b, 0xff);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert(!irq.level);
}

static const uint8_t *at(unsigned track, unsigned head, unsigned sector)
{
    return image + ((track * 2 + head) * 18 + sector - 1) * SECTOR;
}

/* ---- reading ---- */

START_TEST(read_by_dma)
{
    power_up();
    seek(3);
    program_dma(TO_MEMORY, 0x12345, 3 * SECTOR);
    data_command(0xe6, 3, 1, 4, 18);
    ck_assert_uint_eq(result[0], 0x04);
    ck_assert_uint_eq(result[1] | result[2], 0);
    ck_assert_uint_eq(result[3], 3);
    ck_assert_uint_eq(result[4], 1);
    ck_assert_uint_eq(result[5], 7);
    ck_assert_uint_eq(result[6], 2);
    ck_assert_int_eq(memcmp(ram->host + 0x12345, at(3, 1, 4), 3 * SECTOR), 0);
    ck_assert_uint_eq(inb(&bench, 0x08) & 0x04, 0x04); /* terminal count, once */
    ck_assert_uint_eq(inb(&bench, 0x08) & 0x04, 0);
}
END_TEST

START_TEST(read_goes_from_head_to_head_with_mt)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, 4 * SECTOR);
    data_command(0xe6, 0, 0, 17, 18);
    ck_assert_uint_eq(result[0], 0x04);
    ck_assert_uint_eq(result[3], 0);
    ck_assert_uint_eq(result[4], 1);
    ck_assert_uint_eq(result[5], 3);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(0, 0, 17), 4 * SECTOR), 0);
}
END_TEST

/* Whole tracks: the ends of table 5-4, with and without MT. */
START_TEST(result_after_the_last_sector)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, SECTOR);
    data_command(0x66, 0, 0, 18, 18);
    ck_assert_uint_eq(result[0] & 0xc0, 0);
    ck_assert_uint_eq(result[3], 1);
    ck_assert_uint_eq(result[4], 0);
    ck_assert_uint_eq(result[5], 1);
    program_dma(TO_MEMORY, 0x20000, SECTOR);
    data_command(0xe6, 0, 1, 18, 18);
    ck_assert_uint_eq(result[3], 1);
    ck_assert_uint_eq(result[4], 0);
    ck_assert_uint_eq(result[5], 1);
}
END_TEST

START_TEST(without_a_terminal_count_the_cylinder_ends)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, 4 * SECTOR);
    data_command(0x66, 0, 0, 17, 18);
    ck_assert_uint_eq(result[0] & 0xc0, 0x40);
    ck_assert_uint_eq(result[1], 0x80);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(0, 0, 17), 2 * SECTOR), 0);
}
END_TEST

/* The count may end within a sector, and the address wraps within its 64 KiB (LESSONS 43). */
START_TEST(lesson_43_odd_counts_and_wraps)
{
    power_up();
    memset(ram->host, 0xee, RAM_SIZE);
    program_dma(TO_MEMORY, 0x2ff37, 700);
    data_command(0x66, 0, 0, 1, 18);
    ck_assert_uint_eq(result[0] & 0xc0, 0);
    ck_assert_int_eq(memcmp(ram->host + 0x2ff37, at(0, 0, 1), 0xc9), 0);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(0, 0, 1) + 0xc9, 700 - 0xc9), 0);
    ck_assert_uint_eq(ram->host[0x30000], 0xee);
    ck_assert_uint_eq(ram->host[0x20000 + 700 - 0xc9], 0xee);
}
END_TEST

START_TEST(address_counts_down_and_channel_starts_again)
{
    power_up();
    program_dma(TO_MEMORY | 0x20 | 0x10, 0x20000 + SECTOR - 1, SECTOR);
    for (unsigned round = 0; round < 2; round++) {
        memset(ram->host, 0, RAM_SIZE);
        data_command(0x66, 0, 0, 5, 18);
        ck_assert_uint_eq(result[0] & 0xc0, 0);
        for (unsigned i = 0; i < SECTOR; i++)
            ck_assert_uint_eq(ram->host[0x20000 + SECTOR - 1 - i], at(0, 0, 5)[i]);
    }
    ck_assert_uint_eq(inb(&bench, 0x0f) & 4, 0); /* autoinitialize leaves the mask alone */
}
END_TEST

START_TEST(verify_mode_and_wrong_way_touch_no_memory)
{
    static const uint8_t modes[] = {VERIFY, FROM_MEMORY};
    power_up();
    for (unsigned i = 0; i < 2; i++) {
        memset(ram->host, 0xaa, RAM_SIZE);
        program_dma(modes[i], 0x20000, SECTOR);
        data_command(0x66, 0, 0, 1, 18);
        ck_assert_uint_eq(result[0] & 0xc0, 0);
        ck_assert_uint_eq(ram->host[0x20000], 0xaa);
    }
}
END_TEST

/* Masked, the transfer waits; counters can be read meanwhile. */
START_TEST(masked_channel_waits)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, SECTOR);
    outb(&bench, 0x0a, 0x06);
    COMMAND(0x66, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    bench_run(&bench, VTIME_MS * 10);
    ck_assert_uint_eq(inb(&bench, MSR), 0x10);
    ck_assert_uint_eq(inb(&bench, 0x08) & 0x40, 0x40); /* DREQ 2 */
    outb(&bench, 0x0c, 0);
    ck_assert_uint_eq(inb(&bench, 0x05), 0xff);
    ck_assert_uint_eq(inb(&bench, 0x05), 0x01);
    outb(&bench, 0x0a, 0x02);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_uint_eq(inb(&bench, 0x05), 0xff);
    ck_assert_uint_eq(inb(&bench, 0x05), 0xff);
    ck_assert_uint_eq(inb(&bench, 0x0f) & 4, 4); /* masked itself */
}
END_TEST

START_TEST(no_memory_there)
{
    power_up();
    program_dma(TO_MEMORY, 0xff0000, SECTOR);
    data_command(0x66, 0, 0, 1, 18);
    ck_assert_uint_eq(result[0] & 0xc0, 0);
    program_dma(FROM_MEMORY, 0xff0000, SECTOR);
    data_command(0x45, 0, 0, 2, 18);
    ck_assert_uint_eq(result[0] & 0xc0, 0);
    uint8_t sector[SECTOR];
    ck_assert_int_eq(block_read_now(disk, SECTOR, sector, SECTOR), 0);
    ck_assert_uint_eq(sector[17], 0xff);
}
END_TEST

START_TEST(every_dma_mode_reads_the_same)
{
    static const struct dma_settings ways[] = {{.mode = DMA_MODE_INDIRECT, .max_bounce = 512},
                                               {.mode = DMA_MODE_FAULTY, .seed = 5}};
    power_up();
    dma_configure(i8237_dma_space(dma), &ways[_i]);
    for (unsigned sector = 1; sector <= 18; sector++) {
        program_dma(TO_MEMORY, 0x20101 + sector * SECTOR, SECTOR);
        data_command(0x66, 0, 1, (uint8_t)sector, 18);
        ck_assert_int_eq(memcmp(ram->host + 0x20101 + sector * SECTOR, at(0, 1, sector), SECTOR), 0);
    }
}
END_TEST

/* ---- PIO ---- */

START_TEST(read_and_write_by_pio)
{
    uint8_t sector[SECTOR];
    power_up();
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x66, 0, 0, 0, 2, 2, 2, 0x1b, 0xff);
    wait_irq();
    ck_assert_uint_eq(inb(&bench, MSR), 0xf0);
    for (unsigned i = 0; i < SECTOR; i++) sector[i] = inb(&bench, FIFO);
    ck_assert_int_eq(memcmp(sector, at(0, 0, 2), SECTOR), 0);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_uint_eq(result[1], 0x80); /* nobody gives a terminal count */

    COMMAND(0x45, 0, 0, 0, 9, 2, 9, 0x1b, 0xff);
    wait_irq();
    ck_assert_uint_eq(inb(&bench, MSR), 0xb0);
    for (unsigned i = 0; i < SECTOR; i++) outb(&bench, FIFO, (uint8_t)(i * 3));
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_int_eq(block_read_now(disk, 8 * SECTOR, sector, SECTOR), 0);
    for (unsigned i = 0; i < SECTOR; i++) ck_assert_uint_eq(sector[i], (uint8_t)(i * 3));
}
END_TEST

/* ---- writing and formatting ---- */

START_TEST(write_by_dma_pads_the_last_sector)
{
    uint8_t sectors[3 * SECTOR];
    power_up();
    seek(79);
    for (unsigned i = 0; i < 2 * SECTOR; i++) ram->host[0x40000 + i] = (uint8_t)(i * 5);
    program_dma(FROM_MEMORY, 0x40000, SECTOR + 100);
    data_command(0xc5, 79, 1, 16, 18);
    ck_assert_uint_eq(result[0], 0x04);
    ck_assert_int_eq(block_read_now(disk, (uint64_t)(at(79, 1, 16) - image), sectors, sizeof sectors), 0);
    ck_assert_int_eq(memcmp(sectors, ram->host + 0x40000, SECTOR + 100), 0);
    for (unsigned i = SECTOR + 100; i < 2 * SECTOR; i++) ck_assert_uint_eq(sectors[i], 0);
    ck_assert_int_eq(memcmp(sectors + 2 * SECTOR, at(79, 1, 18), SECTOR), 0);
}
END_TEST

START_TEST(format_fills_the_track)
{
    uint8_t sector[SECTOR];
    power_up();
    seek(5);
    for (unsigned i = 0; i < 18; i++)
        memcpy(ram->host + 0x40000 + i * 4, (uint8_t[]){5, 1, (uint8_t)(i + 1), 2}, 4);
    program_dma(FROM_MEMORY, 0x40000, 18 * 4);
    COMMAND(0x4d, 0x04, 2, 18, 0x54, 0xf6);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_uint_eq(result[0], 0x04);
    for (unsigned i = 1; i <= 18; i++) {
        ck_assert_int_eq(block_read_now(disk, (uint64_t)(at(5, 1, i) - image), sector, SECTOR), 0);
        ck_assert_uint_eq(sector[0], 0xf6);
        ck_assert_uint_eq(sector[511], 0xf6);
    }
    ck_assert_int_eq(block_read_now(disk, (uint64_t)(at(5, 0, 18) - image), sector, SECTOR), 0);
    ck_assert_int_eq(memcmp(sector, at(5, 0, 18), SECTOR), 0);
}
END_TEST

/* ---- errors ---- */

static void expect_error(uint8_t st1, uint8_t st2)
{
    ck_assert_uint_eq(result[0] & 0xc0, 0x40);
    ck_assert_uint_eq(result[1], st1);
    ck_assert_uint_eq(result[2], st2);
}

START_TEST(sectors_that_are_not_there)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, SECTOR);
    data_command(0x66, 0, 0, 19, 19);
    expect_error(0x04, 0);
    data_command(0x66, 7, 0, 1, 18);
    expect_error(0x04, 0x10);
    outb(&bench, CCR, 2);
    data_command(0x66, 0, 0, 1, 18);
    expect_error(0x01, 0);
    outb(&bench, CCR, 0);
    fdc_insert(fdc, 0, NULL, NULL);
    data_command(0x66, 0, 0, 1, 18);
    expect_error(0x01, 0);
    COMMAND(0x4a, 0x00);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    expect_error(0x01, 0);
}
END_TEST

START_TEST(change_line_falls_with_a_step)
{
    struct error error;
    power_up();
    ck_assert_uint_eq(inb(&bench, DIR) & 0x80, 0x80);
    seek(1);
    ck_assert_uint_eq(inb(&bench, DIR) & 0x80, 0);
    fdc_insert(fdc, 0, NULL, NULL);
    ck_assert_uint_eq(inb(&bench, DIR) & 0x80, 0x80);
    seek(0);
    ck_assert_uint_eq(inb(&bench, DIR) & 0x80, 0x80); /* no disk to tell of */
    ck_assert(fdc_insert(fdc, 0, disk, &error));
    ck_assert_uint_eq(inb(&bench, DIR) & 0x80, 0x80);
    seek(1);
    ck_assert_uint_eq(inb(&bench, DIR) & 0x80, 0);
}
END_TEST

START_TEST(commands_without_data)
{
    power_up();
    COMMAND(0x10);
    ck_assert_uint_eq(get_result(), 1);
    ck_assert_uint_eq(result[0], 0x90);
    COMMAND(0x04, 0x00);
    ck_assert_uint_eq(get_result(), 1);
    ck_assert_uint_eq(result[0], 0x38);
    COMMAND(0x08); /* nothing to sense */
    ck_assert_uint_eq(get_result(), 1);
    ck_assert_uint_eq(result[0], 0x80);
    COMMAND(0x1f);
    ck_assert_uint_eq(get_result(), 1);
    ck_assert_uint_eq(result[0], 0x80);
    COMMAND(0x13, 0, 0x57, 0); /* implied seek, polling off */
    COMMAND(0x94);
    ck_assert_uint_eq(get_result(), 1);
    ck_assert_uint_eq(result[0], 0x10);
    COMMAND(0x0e);
    ck_assert_uint_eq(get_result(), 10);
    ck_assert_uint_eq(result[8], 0x57);
    program_dma(TO_MEMORY, 0x20000, SECTOR);
    data_command(0x66, 40, 0, 1, 18);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(40, 0, 1), SECTOR), 0);
    outb(&bench, DSR, 0x80);
    bench_run(&bench, VTIME_MS);
    ck_assert(!irq.level); /* polling is off, and locked */
    COMMAND(0x4a, 0x00);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_uint_eq(result[3], 40);
}
END_TEST

START_TEST(second_drive_that_is_not_there)
{
    power_up();
    COMMAND(0x07, 0x01);
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(get_result(), 2);
    ck_assert_uint_eq(result[0], 0x71);
}
END_TEST

/* LESSONS 36, 37: nothing moves after a reset. */
START_TEST(lesson_36_reset_stops_the_transfer)
{
    power_up();
    memset(ram->host, 0xaa, RAM_SIZE);
    program_dma(TO_MEMORY, 0x20000, 4 * SECTOR);
    COMMAND(0x66, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    bench_run(&bench, FDC_SECTOR_TIME * 3 / 2);
    ck_assert_uint_ne(ram->host[0x20000 + 1], 0xaa);
    ck_assert_uint_eq(ram->host[0x20000 + SECTOR], 0xaa);
    outb(&bench, DOR, 0x00);
    bench_run(&bench, VTIME_MS * 100);
    ck_assert_uint_eq(ram->host[0x20000 + SECTOR], 0xaa);
    power_up();
}
END_TEST

START_TEST(sizes_of_no_disk_are_refused)
{
    struct error error;
    struct block *large = block_new("large", store_new_memory(5761 * SECTOR, NULL), &bench.clock);
    struct block *small = block_new("small", store_new_memory(720 * SECTOR, NULL), &bench.clock);
    ck_assert(!fdc_insert(fdc, 0, large, &error) && strstr(error.text, "2880K"));
    ck_assert(!fdc_insert(fdc, 0, small, &error));
    block_free(large), block_free(small);
}
END_TEST

/* Every format is read to its last sector at its own data rate, and at no other. */
START_TEST(every_format)
{
    static const struct {
        unsigned sectors, tracks, heads, per_track;
        enum floppy_drive drive;
        enum floppy_rate rate;
    } all[] = {{320, 40, 1, 8, FLOPPY_360K, FLOPPY_250},    {640, 40, 2, 8, FLOPPY_360K, FLOPPY_250},
               {720, 40, 2, 9, FLOPPY_360K, FLOPPY_250},    {1440, 80, 2, 9, FLOPPY_1440K, FLOPPY_250},
               {2400, 80, 2, 15, FLOPPY_1200K, FLOPPY_500}, {3360, 80, 2, 21, FLOPPY_1440K, FLOPPY_500},
               {3444, 82, 2, 21, FLOPPY_2880K, FLOPPY_500}, {5760, 80, 2, 36, FLOPPY_2880K, FLOPPY_1000}};
    struct error error;
    unsigned sectors = all[_i].sectors, last = all[_i].per_track, side = all[_i].heads - 1;
    struct block *medium =
        block_new("medium", store_new_memory((uint64_t)sectors * SECTOR, NULL), &bench.clock);
    memset(ram->host, 0x3c, SECTOR);
    ck_assert_int_eq(block_write_now(medium, (uint64_t)(sectors - 1) * SECTOR, ram->host, SECTOR), 0);
    fdc_attach(fdc, 0, all[_i].drive);
    ck_assert(fdc_insert(fdc, 0, medium, &error));
    power_up();
    seek((uint8_t)(all[_i].tracks - 1));
    for (unsigned rate = 0; rate < 4; rate++) {
        outb(&bench, CCR, (uint8_t)rate);
        program_dma(TO_MEMORY, 0x20000, SECTOR);
        ram->host[0x20000] = 0;
        data_command(0x66, (uint8_t)(all[_i].tracks - 1), (uint8_t)side, (uint8_t)last, (uint8_t)last);
        ck_assert_uint_eq(result[0] & 0xc0, rate == all[_i].rate ? 0 : 0x40);
        ck_assert_uint_eq(ram->host[0x20000], rate == all[_i].rate ? 0x3c : 0);
    }
    outb(&bench, CCR, all[_i].rate);
    data_command(0x66, (uint8_t)(all[_i].tracks - 1), (uint8_t)side, (uint8_t)(last + 1),
                 (uint8_t)(last + 1));
    expect_error(0x04, 0);
    fdc_insert(fdc, 0, NULL, NULL);
    block_free(medium);
}
END_TEST

/* Between the data and the write another disk comes, which has no such sector, or one that must not be written. */
START_TEST(disk_changed_under_a_write)
{
    struct error error;
    struct block_store *store = store_new_memory(1440 * SECTOR, NULL);
    store->read_only = _i;
    struct block *other = block_new("other", store, &bench.clock);
    power_up();
    program_dma(FROM_MEMORY, 0x40000, SECTOR);
    COMMAND(0x45, 0, 0, 0, _i ? 9 : 18, 2, 18, 0x1b, 0xff);
    bench_run(&bench, FDC_SECTOR_TIME / 2);
    ck_assert(fdc_insert(fdc, 0, other, &error));
    if (_i) outb(&bench, CCR, 2); /* the rate that fits the new one */
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    expect_error(_i ? 0x02 : 0x01, 0);
    fdc_insert(fdc, 0, NULL, NULL);
    block_free(other);
}
END_TEST

/* What an image is too short for reads as zeros, and cannot be written. */
START_TEST(image_that_is_cut_short)
{
    struct error error;
    struct block *cut = block_new("cut", store_new_memory(20 * SECTOR, image), &bench.clock);
    ck_assert(fdc_insert(fdc, 0, cut, &error));
    power_up();
    program_dma(TO_MEMORY, 0x20000, 2 * SECTOR);
    data_command(0x66, 0, 1, 2, 18);
    ck_assert_uint_eq(result[0] & 0xc0, 0);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(0, 1, 2), SECTOR), 0);
    for (unsigned i = 0; i < SECTOR; i++) ck_assert_uint_eq(ram->host[0x20000 + SECTOR + i], 0);
    program_dma(FROM_MEMORY, 0x20000, SECTOR);
    data_command(0x45, 0, 1, 3, 18);
    expect_error(0x20, 0);
    fdc_insert(fdc, 0, NULL, NULL);
    block_free(cut);
}
END_TEST

/* Save in the middle of a transfer of every kind, load, go on. */
START_TEST(state_in_flight_is_taken_up_again)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, 8 * SECTOR);
    COMMAND(0x66, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    bench_run(&bench, (vtime)(_i + 1) * 37 * VTIME_US);
    struct device *device = device_find(&bench.devices, "fdc"),
                  *controller = device_find(&bench.devices, "i8237");
    struct state_buffer saved = {0}, time = {0};
    struct error error;
    state_save(device->ops->state, device->state, &saved);
    state_save(controller->ops->state, controller->state, &saved);
    ck_assert(controller->more->save(controller, &saved, &error));
    clock_save(&bench.clock, &time);
    controller->ops->reset(controller);
    device->ops->reset(device);
    ck_assert(state_load(device->ops->state, device->state, &saved, &error));
    ck_assert(state_load(controller->ops->state, controller->state, &saved, &error));
    ck_assert(controller->more->load(controller, &saved, &error));
    controller->ops->loaded(controller);
    device->ops->loaded(device);
    ck_assert(clock_load(&bench.clock, &time, &error));
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_uint_eq(result[0] & 0xc0, 0);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(0, 0, 1), 8 * SECTOR), 0);
    state_buffer_free(&saved), state_buffer_free(&time);
}
END_TEST

/* Old drivers sense one of the four drives after a reset; the results of commands still take their interrupts back. */
START_TEST(unsensed_drives_do_not_hold_the_interrupt)
{
    outb(&bench, DOR, 0x00);
    outb(&bench, DOR, 0x1c);
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(get_result(), 2);
    ck_assert(!irq.level);
    outb(&bench, CCR, 0);
    COMMAND(0x03, 0xdf, 0x02);
    for (unsigned i = 0; i < 2; i++) {
        program_dma(TO_MEMORY, 0x20000, SECTOR);
        data_command(0x66, 0, 0, 1, 18); /* waits for the interrupt, and sees it go */
    }
}
END_TEST

/* A seek that ends while another result waits is told by an interrupt of its own. */
START_TEST(seek_that_ends_before_the_result_is_read)
{
    power_up();
    COMMAND(0x0f, 0x00, 1);
    COMMAND(0x04, 0x00);
    bench_run(&bench, VTIME_MS);
    ck_assert(irq.level);
    ck_assert_uint_eq(get_result(), 1);
    ck_assert(irq.level);
    COMMAND(0x08);
    ck_assert_uint_eq(get_result(), 2);
    ck_assert_uint_eq(result[0], 0x20);
    ck_assert(!irq.level);
}
END_TEST

/* DREQ follows the DMA gate of DOR, so that what waits behind it is as it is after a load. */
START_TEST(dma_gate_may_open_late)
{
    power_up();
    program_dma(TO_MEMORY, 0x20000, SECTOR);
    outb(&bench, DOR, 0x14);
    COMMAND(0x66, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    bench_run(&bench, VTIME_MS * 10);
    ck_assert_uint_eq(inb(&bench, MSR), 0x10);
    ck_assert_uint_eq(inb(&bench, 0x08) & 0x40, 0);
    outb(&bench, 0x0a, 0x06);
    outb(&bench, DOR, 0x1c);
    ck_assert_uint_eq(inb(&bench, 0x08) & 0x40, 0x40);
    outb(&bench, DOR, 0x14);
    ck_assert_uint_eq(inb(&bench, 0x08) & 0x40, 0);
    outb(&bench, DOR, 0x1c);
    outb(&bench, 0x0a, 0x02);
    wait_irq();
    ck_assert_uint_eq(get_result(), 7);
    ck_assert_int_eq(memcmp(ram->host + 0x20000, at(0, 0, 1), SECTOR), 0);
}
END_TEST

/* In the middle of a command, of data, of a format, of a result. */
static void enter_phase(int which)
{
    power_up();
    if (which == 0) COMMAND(0x66, 0, 0);
    if (which == 1) COMMAND(0x03, 0xdf, 0x03);
    if (which == 1) COMMAND(0x66, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    if (which == 2) COMMAND(0x4d, 0, 2, 18, 0x1b, 0xf6);
    if (which == 3) COMMAND(0x4a, 0);
    bench_run(&bench, VTIME_MS);
}

/* Bytes of a state that are wrong: it is refused, or the controller goes on without harm. */
START_TEST(damaged_states_are_refused_or_harmless)
{
    enter_phase(_i);
    struct device *device = device_find(&bench.devices, "fdc");
    struct state_buffer saved = {0};
    struct error error;
    uint32_t seed = 1 + (uint32_t)_i;
    unsigned taken = 0;
    state_save(device->ops->state, device->state, &saved);
    for (unsigned round = 0; round < 400; round++) {
        uint8_t *damaged = &saved.data[saved.size - SECTOR - 1 - round % (saved.size - SECTOR - 8)],
                good = *damaged;
        seed = seed * 1664525u + 1013904223u;
        *damaged = (uint8_t)(round & 1 ? seed >> 16 : seed >> 16 & 7);
        saved.cursor = 0;
        bool loads = state_load(device->ops->state, device->state, &saved, &error);
        if (loads) device->ops->loaded(device);
        saved.cursor = 0;
        loads = state_load(device->ops->state, device->state, &saved, &error) &&
                device->more->load(device, &saved, &error);
        *damaged = good;
        taken += loads;
        for (unsigned i = 0; i < 600 && loads; i++) inb(&bench, FIFO);
        for (unsigned i = 0; i < 600 && loads; i++) outb(&bench, FIFO, (uint8_t)(i * 37));
        program_dma(round & 2 ? TO_MEMORY : FROM_MEMORY, 0x20000, SECTOR);
        bench_run(&bench, VTIME_S);
        device->ops->reset(device);
    }
    ck_assert_uint_gt(taken, 100);
    state_buffer_free(&saved);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("fdc");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, read_by_dma);
    tcase_add_test(tests, read_goes_from_head_to_head_with_mt);
    tcase_add_test(tests, result_after_the_last_sector);
    tcase_add_test(tests, without_a_terminal_count_the_cylinder_ends);
    tcase_add_test(tests, lesson_43_odd_counts_and_wraps);
    tcase_add_test(tests, address_counts_down_and_channel_starts_again);
    tcase_add_test(tests, verify_mode_and_wrong_way_touch_no_memory);
    tcase_add_test(tests, masked_channel_waits);
    tcase_add_test(tests, no_memory_there);
    tcase_add_loop_test(tests, every_dma_mode_reads_the_same, 0, 2);
    tcase_add_test(tests, read_and_write_by_pio);
    tcase_add_test(tests, write_by_dma_pads_the_last_sector);
    tcase_add_test(tests, format_fills_the_track);
    tcase_add_test(tests, sectors_that_are_not_there);
    tcase_add_test(tests, change_line_falls_with_a_step);
    tcase_add_test(tests, commands_without_data);
    tcase_add_test(tests, second_drive_that_is_not_there);
    tcase_add_test(tests, lesson_36_reset_stops_the_transfer);
    tcase_add_test(tests, sizes_of_no_disk_are_refused);
    tcase_add_test(tests, image_that_is_cut_short);
    tcase_add_loop_test(tests, every_format, 0, 8);
    tcase_add_loop_test(tests, disk_changed_under_a_write, 0, 2);
    tcase_add_loop_test(tests, state_in_flight_is_taken_up_again, 0, 20);
    tcase_add_test(tests, unsensed_drives_do_not_hold_the_interrupt);
    tcase_add_test(tests, seek_that_ends_before_the_result_is_read);
    tcase_add_test(tests, dma_gate_may_open_late);
    tcase_add_loop_test(tests, damaged_states_are_refused_or_harmless, 0, 4);
    return bench_main("fdc", tests);
}

/* SPDX-License-Identifier: MIT */
/* 48-bit addresses, by the ports, on a sparse file beyond 128 GiB; and the Host Protected Area. */
#include <sys/mman.h>
#include <unistd.h>
#include "tests/unit/ide_rig.h"

#define EDGE    (UINT64_C(1) << 28) /* the first sector that 28 bits do not reach */
#define SECTORS (EDGE + 5000)
enum { TABLE = 0x10000, BUFFER = 0x100000 };

static void setup(void)
{
    struct error error;
    rig_new(NULL);
    int fd = memfd_create("disk0", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)(SECTORS * 512)), 0);
    rig.block[0][0] = block_new("disk0", store_new_file(fd, "disk0", SECTORS * 512, false), &rig.clock);
    ck_assert(piix3_ide_attach(rig.ide, 0, 0, rig.block[0][0], NULL, &error));
    rig_enable();
    rig_settle();
}
static void teardown(void)
{
    rig_free();
}

/* Each register twice: what was written first is the high byte. */
static void address48(uint64_t lba, uint16_t count)
{
    drive_select(0, ATA_DEVICE_LBA);
    outb(CMD + IDE_COUNT, (uint8_t)(count >> 8));
    outb(CMD + IDE_LBA_LOW, (uint8_t)(lba >> 24));
    outb(CMD + IDE_LBA_MID, (uint8_t)(lba >> 32));
    outb(CMD + IDE_LBA_HIGH, (uint8_t)(lba >> 40));
    outb(CMD + IDE_COUNT, (uint8_t)count);
    outb(CMD + IDE_LBA_LOW, (uint8_t)lba);
    outb(CMD + IDE_LBA_MID, (uint8_t)(lba >> 8));
    outb(CMD + IDE_LBA_HIGH, (uint8_t)(lba >> 16));
}
static uint64_t lba48(void)
{
    uint64_t low, high;
    outb(CTL, 0);
    low = inb(CMD + IDE_LBA_LOW) | (uint32_t)inb(CMD + IDE_LBA_MID) << 8 |
          (uint32_t)inb(CMD + IDE_LBA_HIGH) << 16;
    outb(CTL, IDE_CONTROL_HOB);
    high = inb(CMD + IDE_LBA_LOW) | (uint32_t)inb(CMD + IDE_LBA_MID) << 8 |
           (uint32_t)inb(CMD + IDE_LBA_HIGH) << 16;
    outb(CTL, 0);
    return low | high << 24;
}

static void fill(uint8_t *data, uint32_t size, uint32_t seed)
{
    for (uint32_t i = 0; i < size; i++) data[i] = (uint8_t)rig_random(&seed);
}
static void check_disk(uint64_t lba, const uint8_t *data, uint32_t size)
{
    static uint8_t found[64 * 512];
    ck_assert_int_eq(block_read_now(rig.block[0][0], lba * 512, found, size), 0);
    ck_assert_mem_eq(found, data, size);
}

static uint8_t dma(uint8_t code, uint64_t lba, uint32_t sectors, bool to_memory)
{
    uint8_t direction = to_memory ? BM_COMMAND_TO_MEMORY : 0;
    uint32_t left = sectors * 512;
    for (unsigned i = 0; left; i++) {
        uint32_t take = left < 0x10000 ? left : 0x10000;
        le32_store(rig.ram->host + TABLE + 8 * i, BUFFER + 0x10000 * i);
        left -= take;
        le32_store(rig.ram->host + TABLE + 8 * i + 4, (take & 0xffff) | (left ? 0 : 0x80000000u));
    }
    rig_out(RIG_BM + BM_TABLE, 4, TABLE);
    outb(RIG_BM + BM_COMMAND, direction);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    address48(lba, (uint16_t)sectors);
    outb(CMD + IDE_STATUS, code);
    outb(RIG_BM + BM_COMMAND, direction | BM_COMMAND_START);
    rig_settle();
    ck_assert(rig.irq[0]);
    outb(RIG_BM + BM_COMMAND, direction);
    uint8_t status = inb(CMD + IDE_STATUS);
    outb(RIG_BM + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    return status;
}

START_TEST(pio_across_the_edge)
{
    static const struct {
        uint8_t write, read, multiple;
    } rows[] = {{0x34, 0x24, 0}, {0x39, 0x29, 8}, {0xce, 0x29, 4}};
    uint8_t data[7 * 512], back[7 * 512];
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t lba = EDGE - 3 + i;
        uint32_t block = rows[i].multiple ? rows[i].multiple * 512u : 512;
        drive_select(0, 0);
        outb(CMD + IDE_COUNT, rows[i].multiple ? rows[i].multiple : 1);
        ck_assert_uint_eq(drive_command(0xc6), ST_READY);
        fill(data, sizeof data, i + 5);
        address48(lba, 7);
        ck_assert_uint_eq(drive_command(rows[i].write), ST_DATA);
        for (uint32_t at = 0; at < sizeof data; at += block) {
            drive_write_block(data + at, sizeof data - at < block ? sizeof data - at : block);
            drive_wait();
        }
        ck_assert_uint_eq(inb(CTL), ST_READY);
        check_disk(lba, data, sizeof data);
        ck_assert_uint_eq(lba48(), lba + 6);
        address48(lba, 7);
        ck_assert_uint_eq(drive_command(rows[i].read), ST_DATA);
        for (uint32_t at = 0; at < sizeof data; at += block) {
            drive_read_block(back + at, sizeof data - at < block ? sizeof data - at : block);
            drive_wait();
        }
        ck_assert_uint_eq(inb(CTL), ST_READY);
        ck_assert_mem_eq(back, data, sizeof data);
        address48(lba, 7);
        ck_assert_uint_eq(drive_command(0x42), ST_READY); /* READ VERIFY SECTORS EXT */
        ck_assert_uint_eq(lba48(), lba + 6);
    }
}
END_TEST

START_TEST(dma_across_the_edge)
{
    static uint8_t data[600 * 512];
    uint64_t before = block_stats(rig.block[0][0])->flushes;
    fill(rig.ram->host + BUFFER, sizeof data, 3);
    memcpy(data, rig.ram->host + BUFFER, sizeof data);
    ck_assert_uint_eq(dma(0x35, EDGE - 299, 600, false), ST_READY);
    ck_assert_uint_eq(block_stats(rig.block[0][0])->flushes, before);
    check_disk(EDGE - 299, data, 64 * 512);
    check_disk(EDGE + 301 - 64, data + 536 * 512, 64 * 512);
    memset(rig.ram->host + BUFFER, 0, sizeof data);
    ck_assert_uint_eq(dma(0x25, EDGE - 299, 600, true), ST_READY);
    ck_assert_mem_eq(rig.ram->host + BUFFER, data, sizeof data);
    ck_assert_uint_eq(lba48(), EDGE + 300);
    ck_assert_uint_eq(dma(0x3d, EDGE + 4000, 600, false), ST_READY); /* FUA: it is on the medium */
    ck_assert_uint_eq(block_stats(rig.block[0][0])->flushes, before + 1);
    drive_select(0, 0);
    ck_assert_uint_eq(drive_command(0xea), ST_READY);
    ck_assert_uint_eq(block_stats(rig.block[0][0])->flushes, before + 2);
}
END_TEST

/* Count 0 is 65536 sectors. They are more than the disk has there; the registers say how many are missing. */
START_TEST(beyond_the_end)
{
    address48(SECTORS - 5, 6);
    ck_assert_uint_eq(drive_command(0x24), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_IDNF);
    ck_assert_uint_eq(lba48(), SECTORS);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), 1);
    address48(SECTORS - 5000, 0);
    ck_assert_uint_eq(drive_command(0x42), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), (65536 - 5000) & 0xff);
    outb(CTL, IDE_CONTROL_HOB);
    ck_assert_uint_eq(inb(CMD + IDE_COUNT), (65536 - 5000) >> 8);
    address48(UINT64_C(0xffffffffffff), 1);
    ck_assert_uint_eq(drive_command(0x25), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_IDNF);
    address48(SECTORS - 5, 5);
    ck_assert_uint_eq(drive_command(0x42), ST_READY);
    address48(5, 1); /* without the LBA bit */
    drive_select(0, 0);
    ck_assert_uint_eq(drive_command(0x24), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
}
END_TEST

START_TEST(longest_transfer)
{
    static uint8_t back[512];
    address48(EDGE - 65000, 0);
    ck_assert_uint_eq(drive_command(0x24), ST_DATA);
    uint32_t sectors = 0;
    for (; inb(CTL) & ATA_STATUS_DRQ && sectors < 70000; sectors++) {
        drive_read_block(back, 512);
        drive_wait();
    }
    ck_assert_uint_eq(sectors, 65536);
    ck_assert_uint_eq(lba48(), EDGE - 65000 + 65535);
}
END_TEST

START_TEST(high_order_bytes)
{
    drive_select(0, 0);
    outb(CMD + IDE_LBA_MID, 0x11);
    outb(CMD + IDE_LBA_MID, 0x22);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0x22);
    outb(CTL, IDE_CONTROL_HOB);
    ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0x11);
    ck_assert_uint_eq(inb(CMD + IDE_DEVICE), 0xa0);
    ck_assert_uint_eq(inb(CMD + IDE_STATUS), ST_READY);
    outb(CMD + IDE_LBA_LOW, 1); /* a write to the Command Block clears HOB */
    ck_assert_uint_eq(inb(CMD + IDE_LBA_MID), 0x22);
    /* A command of 28 bits takes the last byte only. */
    address48(EDGE | 77, 3);
    ck_assert_uint_eq(drive_command(0x40), ST_READY);
    ck_assert_uint_eq(drive_lba(), 79);
}
END_TEST

START_TEST(twenty_eight_bits_end_at_the_edge)
{
    uint8_t data[512];
    drive_select(0, 0);
    drive_command(0xec);
    drive_read_block(data, 512);
    ck_assert_uint_eq(le32_load(data + 120), EDGE - 1);
    ck_assert_uint_eq(le64_load(data + 200), SECTORS);
    drive_address(0, EDGE - 1, 1);
    ck_assert_uint_eq(drive_command(0x40), ST_READY);
}
END_TEST

/* The Host Protected Area. */

static void identify(uint8_t *data)
{
    drive_select(0, 0);
    ck_assert_uint_eq(drive_command(0xec), ST_DATA);
    drive_read_block(data, 512);
}
static uint64_t native_max(void)
{
    drive_select(0, ATA_DEVICE_LBA);
    ck_assert_uint_eq(drive_command(0x27), ST_READY);
    return lba48();
}

START_TEST(protected_area)
{
    uint8_t data[512];
    ck_assert_uint_eq(native_max(), SECTORS - 1);
    address48(EDGE + 99, 0);
    ck_assert_uint_eq(drive_command(0x37), ST_READY);
    identify(data);
    ck_assert_uint_eq(le64_load(data + 200), EDGE + 100);
    address48(EDGE + 99, 1);
    ck_assert_uint_eq(drive_command(0x42), ST_READY);
    address48(EDGE + 100, 1);
    ck_assert_uint_eq(drive_command(0x42), ST_FAILED);
    ck_assert_uint_eq(native_max(), SECTORS - 1); /* that it still tells */
    drive_soft_reset();
    identify(data);
    ck_assert_uint_eq(le64_load(data + 200), SECTORS);

    address48(EDGE, 0); /* not straight after READ NATIVE MAX */
    ck_assert_uint_eq(drive_command(0x37), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_ABRT);
    native_max();
    address48(SECTORS, 0);
    ck_assert_uint_eq(drive_command(0x37), ST_FAILED);
    ck_assert_uint_eq(inb(CMD + IDE_ERROR), ATA_ERROR_IDNF);

    drive_select(0, ATA_DEVICE_LBA); /* 28 bits; and for good */
    ck_assert_uint_eq(drive_command(0xf8), ST_READY);
    ck_assert_uint_eq(drive_lba(), EDGE - 2);
    drive_address(0, 4999, 1);
    ck_assert_uint_eq(drive_command(0xf9), ST_READY);
    device_reset_all(&rig.devices);
    rig_enable();
    rig_settle();
    identify(data);
    ck_assert_uint_eq(le32_load(data + 120), 5000);
    ck_assert_uint_eq(le64_load(data + 200), 5000);
    drive_select(0, 0);
    outb(CMD + IDE_ERROR, 1); /* SET MAX SET PASSWORD is not there */
    ck_assert_uint_eq(drive_command(0xf9), ST_FAILED);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ata48");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, pio_across_the_edge);
    tcase_add_test(tests, dma_across_the_edge);
    tcase_add_test(tests, beyond_the_end);
    tcase_add_test(tests, longest_transfer);
    tcase_add_test(tests, high_order_bytes);
    tcase_add_test(tests, twenty_eight_bits_end_at_the_edge);
    tcase_add_test(tests, protected_area);
    return rig_run_suite("ata48", tests);
}

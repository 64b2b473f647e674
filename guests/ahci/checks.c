/* SPDX-License-Identifier: MIT */
/* What is checked of an AHCI controller: see checks.h. */
#include "checks.h"
#include "driver.h"
#include "guests/demo/console.h"
#include "guests/demo/lib.h"
#include "guests/demo/power.h"

enum {
    DISK_SECTORS = 2048, /* what of the disk is used */
    PIECE_MOST = 24,     /* sectors of a queued request */
    FIS_D2H = 0x40,
    FIS_PIO = 0x20,
};

static uint8_t data[512 * 1024] __attribute__((aligned(4096)));
static uint8_t model[DISK_SECTORS * SECTOR]; /* what the disk holds */
static uint32_t seed = 20261120, sectors;

static void fill(uint8_t *at, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) at[i] = (uint8_t)random_next(&seed);
}

/* One request with one descriptor; fails when it ends with an error. */
static void run_simple(unsigned port, const struct request *r, void *at, uint32_t bytes, const char *what)
{
    request_build(port, r);
    if (bytes) request_add(port, r->slot, at, bytes, false);
    uint32_t bits = requests_run(port, 1u << r->slot, r->command == READ_FPDMA || r->command == WRITE_FPDMA);
    if (bits & IS_ERRORS || port_read(port, CI) | port_read(port, SACT))
        fail("%s: PxIS %08x PxCI %08x PxTFD %08x", what, bits, port_read(port, CI), port_read(port, TFD));
}

static void expect(bool holds, const char *what, unsigned port)
{
    if (!holds)
        fail("%s: PxCI %08x PxSACT %08x PxTFD %08x PxSERR %08x", what, port_read(port, CI),
             port_read(port, SACT), port_read(port, TFD), port_read(port, SERR));
}

void check_identify(unsigned port)
{
    const uint16_t *word = (const uint16_t *)(void *)data;
    const uint8_t *pio = fis_area(port) + FIS_PIO;

    run_simple(port, &(struct request){.command = IDENTIFY}, data, SECTOR, "IDENTIFY DEVICE");
    sectors = word[60] | (uint32_t)word[61] << 16;
    expect(pio[0] == 0x5f && pio[1] == 0x60 && pio[15] == 0x50 && pio[16] == 0 && pio[17] == 2,
           "PIO Setup FIS", port);
    expect(request_moved(port, 0) == SECTOR, "PRDBC of IDENTIFY DEVICE", port);
    if (sectors < DISK_SECTORS) fail("the disk has %u sectors, %u are needed", sectors, DISK_SECTORS);
    print("identify: %u sectors, queue depth %u\n", sectors, (word[75] & 31) + 1u);
}

/* Cuts a request's data into even pieces of odd sizes, apart from each other, and gives them descriptors. */
static void add_scattered(unsigned port, unsigned slot, uint32_t bytes, bool out, uint8_t *disk)
{
    uint8_t *at = data + (random_next(&seed) % 512 & ~1u);
    for (unsigned n = 0; bytes; n++) {
        uint32_t take = 2 + (random_next(&seed) % 4000 & ~1u);
        if (take > bytes || n == PRDS - 1) take = bytes;
        if (out) memcpy(at, disk, take);
        request_add(port, slot, at, take, take == bytes);
        disk += take;
        at += take + (random_next(&seed) % 64 & ~1u);
        bytes -= take;
    }
}

/* The same cuts again, to compare. */
static void compare_scattered(uint32_t bytes, const uint8_t *disk, uint32_t from_seed)
{
    uint32_t kept = seed;
    seed = from_seed;
    const uint8_t *at = data + (random_next(&seed) % 512 & ~1u);
    while (bytes) {
        uint32_t take = 2 + (random_next(&seed) % 4000 & ~1u);
        if (take > bytes) take = bytes;
        if (memcmp(at, disk, take)) fail("scatter: %u bytes at %08x differ", take, (uint32_t)at);
        disk += take;
        at += take + (random_next(&seed) % 64 & ~1u);
        bytes -= take;
    }
    seed = kept;
}

void check_scatter(unsigned port)
{
    uint32_t moved = 0;

    for (unsigned round = 0; round < 40; round++) {
        uint32_t count = 1 + random_next(&seed) % 200, lba = random_next(&seed) % (DISK_SECTORS - count);
        struct request r = {.slot = round % SLOTS, .command = WRITE_DMA_EXT, .lba = lba, .sectors = count};
        fill(model + lba * SECTOR, count * SECTOR);
        request_build(port, &r);
        add_scattered(port, r.slot, count * SECTOR, true, model + lba * SECTOR);
        uint32_t bits = requests_run(port, 1u << r.slot, false);
        expect((bits & (IS_ERRORS | IS_D2H | IS_DESCRIPTOR)) == (IS_D2H | IS_DESCRIPTOR), "scattered write",
               port);
        expect(request_moved(port, r.slot) == count * SECTOR, "PRDBC of a write", port);

        r.command = round & 1 ? READ_DMA_EXT : READ_SECTORS_EXT;
        memset(data, 0xdb, sizeof data);
        request_build(port, &r);
        uint32_t cuts = seed;
        add_scattered(port, r.slot, count * SECTOR, false, model);
        bits = requests_run(port, 1u << r.slot, false);
        expect(!(bits & IS_ERRORS) && bits & (round & 1 ? IS_D2H : IS_PIO), "scattered read", port);
        compare_scattered(count * SECTOR, model + lba * SECTOR, cuts);
        moved += 2 * count;
    }
    print("scatter: %u sectors by DMA and PIO ok\n", moved);
}

/* Each slot has a part of the disk and of memory to itself. */
static uint32_t queue_round(unsigned port, bool write)
{
    uint32_t moved = 0;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint32_t count = 1 + random_next(&seed) % PIECE_MOST, lba = slot * (DISK_SECTORS / SLOTS) + slot;
        uint8_t *at = data + slot * PIECE_MOST * SECTOR;
        request_build(port, &(struct request){.slot = slot,
                                              .command = write ? WRITE_FPDMA : READ_FPDMA,
                                              .lba = lba,
                                              .sectors = count});
        if (write) {
            fill(at, count * SECTOR);
            memcpy(model + lba * SECTOR, at, count * SECTOR);
        } else {
            memset(at, 0, count * SECTOR);
        }
        request_add(port, slot, at, count * SECTOR, false);
        moved += count;
    }
    uint32_t bits = requests_run(port, 0xffffffff, true);
    expect((bits & (IS_ERRORS | IS_DEVICE_BITS)) == IS_DEVICE_BITS, "queued commands", port);
    return moved;
}

void check_queue(unsigned port)
{
    uint32_t moved = 0;
    for (unsigned round = 0; round < 10; round++) {
        moved += queue_round(port, true);
        moved += queue_round(port, false);
        for (unsigned slot = 0; slot < SLOTS; slot++) /* at least a sector of each was read */
            if (memcmp(data + slot * PIECE_MOST * SECTOR,
                       model + slot * (DISK_SECTORS / SLOTS) * SECTOR + slot * SECTOR, SECTOR))
                fail("queue: slot %u read something else", slot);
    }
    print("queue: %u sectors, %u commands at once, ok\n", moved, SLOTS);
}

void check_table_sizes(unsigned port)
{
    struct request in = {.command = READ_DMA_EXT, .lba = 64, .sectors = 4};
    struct request out = {.command = WRITE_DMA_EXT, .lba = 64, .sectors = 4};
    uint32_t bits;

    memset(data, 0x77, 8192); /* longer */
    run_simple(port, &in, data, 8192, "a table longer than the transfer");
    expect(!memcmp(data, model + 64 * SECTOR, 2048) && data[2048] == 0x77, "a longer table", port);
    expect(request_moved(port, 0) == 2048, "PRDBC with a longer table", port);

    memset(data, 0x77, 8192); /* shorter: the rest is dropped, and overflow is told */
    request_build(port, &in);
    request_add(port, 0, data, 1024, false);
    bits = requests_run(port, 1, false);
    expect(bits & IS_OVERFLOW, "overflow of a read", port);
    expect(!memcmp(data, model + 64 * SECTOR, 1024) && data[1024] == 0x77, "a shorter table", port);
    port_restart(port);

    memcpy(data, model + 64 * SECTOR, 2048);
    request_build(port, &out);
    request_add(port, 0, data, 1024, false);
    bits = requests_run(port, 1, false);
    expect(bits & IS_OVERFLOW && port_read(port, CI) == 1, "overflow of a write", port);
    port_restart(port);
    print("table sizes: longer, shorter for reads and for writes, ok\n");
}

static void check_drive_error(unsigned port)
{
    request_build(port, &(struct request){.slot = 3, .command = READ_DMA_EXT, .lba = sectors, .sectors = 1});
    request_add(port, 3, data, SECTOR, false);
    uint32_t bits = requests_run(port, 1u << 3, false);
    expect(bits & IS_TASK_FILE && port_read(port, CI) == 1u << 3, "an address beyond the end", port);
    expect((port_read(port, TFD) & 0x1081) == 0x1001, "IDNF", port); /* ERR, not BSY */
    expect(fis_area(port)[FIS_D2H] == 0x34 && fis_area(port)[FIS_D2H + 3] == 0x10, "D2H FIS with the error",
           port);
    port_stop(port);
    port_start(port);
}

/* One of several fails; the drive's log tells which (6.2.2.2). */
static void check_queued_error(unsigned port)
{
    for (unsigned slot = 0; slot < 8; slot++) {
        uint32_t lba = slot == 5 ? sectors - 1 : slot;
        request_build(port, &(struct request){.slot = slot, .command = READ_FPDMA, .lba = lba, .sectors = 2});
        request_add(port, slot, data + slot * 1024, 1024, false);
    }
    uint32_t bits = requests_run(port, 0xff, true);
    expect(bits & IS_TASK_FILE && port_read(port, SACT) & 1u << 5, "a queued command that fails", port);
    port_stop(port);
    expect(port_read(port, SACT) == 0 && port_read(port, CI) == 0, "ST cleared", port);
    port_start(port);
    run_simple(port, &(struct request){.command = READ_LOG_EXT, .lba = 0x10, .sectors = 1}, data, SECTOR,
               "log page 10h");
    expect(data[0] == 5 && data[3] & 0x10, "the tag in log page 10h", port);
    queue_round(port, false);
}

/* A list of descriptors and data that lie in no memory (System Memory Errors). */
static void check_bus_errors(unsigned port)
{
    for (unsigned way = 0; way < 2; way++) {
        request_build(port, &(struct request){.command = READ_DMA_EXT, .lba = 0, .sectors = 1});
        if (way)
            request_add(port, 0, (void *)0xf8000000, SECTOR, false);
        else
            port_write(port, CLBU, 0xf);
        uint32_t bits = requests_run(port, 1, false);
        expect(bits & IS_BUS_FATAL, "an address without memory", port);
        port_write(port, CLBU, 0);
        port_restart(port);
    }
    run_simple(port, &(struct request){.command = READ_DMA_EXT, .lba = 9, .sectors = 1}, data, SECTOR,
               "after bus errors");
    expect(!memcmp(data, model + 9 * SECTOR, SECTOR), "data after bus errors", port);
}

void check_errors(unsigned port)
{
    check_drive_error(port);
    check_queued_error(port);
    check_bus_errors(port);
    print("errors: task file, queued with its log, bus, and recovery ok\n");
}

/* The first commands hear of the reset by unit attention. */
static void packet_until_good(unsigned port, const uint8_t *packet, uint32_t bytes)
{
    for (unsigned tries = 0; tries < 4; tries++) {
        static const uint8_t request_sense[12] = {0x03, 0, 0, 0, 18};
        request_build(port, &(struct request){.command = PACKET, .packet = packet});
        request_add(port, 0, data, bytes, false);
        if (!(requests_run(port, 1, false) & IS_ERRORS)) return;
        port_stop(port);
        port_start(port);
        run_simple(port, &(struct request){.command = PACKET, .packet = request_sense}, data, 18,
                   "REQUEST SENSE");
    }
    fail("cd: packet %02x: PxTFD %08x", packet[0], port_read(port, TFD));
}

void check_cd(unsigned port)
{
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36}, read_10[12] = {0x28, 0, 0, 0, 0, 16, 0, 0, 1};

    packet_until_good(port, inquiry, 64);
    expect((data[0] & 31) == 5 && request_moved(port, 0) == 36, "INQUIRY", port);
    packet_until_good(port, read_10, 2048);
    expect(request_moved(port, 0) == 2048, "READ(10)", port);
    print("cd: sector 16 has checksum %08x\n", crc32(0, data, 2048));
}

uint32_t disk_checksum(unsigned port)
{
    uint32_t sum = 0;
    for (uint32_t lba = 0; lba < DISK_SECTORS; lba += 256) {
        struct request r = {.command = READ_DMA_EXT, .lba = lba, .sectors = 256};
        run_simple(port, &r, data, 256 * SECTOR, "the last read");
        sum = crc32(sum, data, 256 * SECTOR);
    }
    return sum;
}

void read_sequential(unsigned port, uint32_t requests)
{
    enum { COUNT = 128 };
    for (uint32_t i = 0; i < requests; i++) {
        uint32_t lba = i * COUNT % DISK_SECTORS;
        run_simple(port, &(struct request){.command = READ_DMA_EXT, .lba = lba, .sectors = COUNT}, data,
                   COUNT * SECTOR, "sequential read");
    }
}

void read_random(unsigned port, uint32_t requests)
{
    enum { COUNT = 8 };
    for (uint32_t done = 0; done < requests; done += SLOTS) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            uint32_t lba = random_next(&seed) % (DISK_SECTORS / COUNT) * COUNT;
            request_build(
                port, &(struct request){.slot = slot, .command = READ_FPDMA, .lba = lba, .sectors = COUNT});
            request_add(port, slot, data + slot * COUNT * SECTOR, COUNT * SECTOR, false);
        }
        expect(!(requests_run(port, 0xffffffff, true) & IS_ERRORS), "random reads", port);
    }
}

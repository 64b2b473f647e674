/* SPDX-License-Identifier: MIT */
/*
 * Multiboot guest: writes the whole disk (primary master), the first half by PIO, the second half by DMA, and
 * prints on COM1 the status and error registers of each write that fails (the first eight of each half) and
 * how many there were. For the test with a full host disk.  Exits with status 1 if every write went well, 3
 * if some failed, 5 if there is no disk.  The last line is "writefail: done".
 *
 * Words of the command line: sectors=N (of the disk to use, default all), request=N (sectors per write,
 * default 64).
 */
#include "lib/disk.h"

enum { MOST_SECTORS = 256, LINES = 8 };

static uint8_t buffer[MOST_SECTORS * DISK_SECTOR] __attribute__((aligned(0x10000)));

static void report(const char *how, uint32_t lba, struct disk_result r)
{
    com_print("writefail: ");
    com_print(how);
    com_print(" lba ");
    com_print_number(lba);
    com_print(" status ");
    com_print_hex(r.status, 2);
    com_print(" error ");
    com_print_hex(r.error, 2);
    com_print(" bus master ");
    com_print_hex(r.bus_master, 2);
    com_print("\n");
}

/* Writes sectors `from` to `to` - 1; returns how many writes failed. */
static uint32_t write_range(bool dma, uint32_t from, uint32_t to, uint32_t request)
{
    const char *how = dma ? "dma" : "pio";
    uint32_t writes = 0, failed = 0;

    for (uint32_t lba = from; lba < to; lba += request, writes++) {
        uint32_t n = to - lba < request ? to - lba : request;
        struct disk_result r = dma ? disk_dma(true, lba, n, buffer) : disk_pio_write(lba, n, buffer);

        if (disk_failed(r) && failed++ < LINES) report(how, lba, r);
    }
    com_print("writefail: ");
    com_print(how);
    com_print(" writes ");
    com_print_number(writes);
    com_print(" failed ");
    com_print_number(failed);
    com_print("\n");
    return failed;
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t sectors = disk_init();
    uint32_t request = option_number(info, "request", 64);
    uint32_t failed;

    if (sectors == 0) return 2;
    sectors = option_number(info, "sectors", sectors);
    if (request == 0 || request > MOST_SECTORS) request = 64;
    for (uint32_t i = 0; i < sizeof buffer; i++) buffer[i] = (uint8_t)(i * 7 + 0x55);
    failed = write_range(false, 0, sectors / 2, request);
    failed += write_range(true, sectors / 2, sectors, request);
    com_print("writefail: done\n");
    return failed ? GUEST_FAIL : GUEST_PASS;
}

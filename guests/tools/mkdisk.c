/* SPDX-License-Identifier: MIT */
/*
 * Builds the demo's raw disk image, on the host: boot sector, kernel, label and data area, as disk_layout.h
 * draws it.
 *
 *      mkdisk OUT BOOT-SECTOR FLAT-KERNEL
 */
#include "../demo/disk_layout.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR_SIZE = 512 };

static uint8_t disk[DEMO_DISK_SECTORS * SECTOR_SIZE];

/* Returns 0 and says why if the file can not be read or is larger than `most`. */
static size_t read_file(const char *name, uint8_t *to, size_t most)
{
    FILE *f = fopen(name, "rb");
    size_t size;

    if (!f) {
        perror(name);
        return 0;
    }
    size = fread(to, 1, most, f);
    if (size == 0 || fgetc(f) != EOF) {
        fprintf(stderr, "mkdisk: %s: empty, unreadable or larger than %zu bytes\n", name, most);
        size = 0;
    }
    fclose(f);
    return size;
}

static void put_le32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t crc32(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static void write_data_area(void)
{
    uint8_t *label = disk + DEMO_LABEL_LBA * SECTOR_SIZE;
    uint8_t *data = disk + DEMO_DATA_LBA * SECTOR_SIZE;
    size_t size = DEMO_DATA_SECTORS * SECTOR_SIZE;

    for (uint32_t i = 0; i < size / 4; i++) put_le32(data + 4 * i, demo_pattern_word(DEMO_DATA_SEED, i));
    memcpy(label, DEMO_LABEL_NAME, sizeof DEMO_LABEL_NAME);
    put_le32(label + DEMO_LABEL_CRC, crc32(data, size));
}

int main(int argc, char **argv)
{
    size_t kernel_room = (DEMO_LABEL_LBA - DEMO_KERNEL_LBA) * SECTOR_SIZE;
    FILE *out;

    if (argc != 4) {
        fprintf(stderr, "usage: mkdisk OUT BOOT-SECTOR FLAT-KERNEL\n");
        return 2;
    }
    if (!read_file(argv[2], disk, SECTOR_SIZE)) return 1;
    if (!read_file(argv[3], disk + DEMO_KERNEL_LBA * SECTOR_SIZE, kernel_room)) return 1;
    write_data_area();
    out = fopen(argv[1], "wb");
    if (!out || fwrite(disk, sizeof disk, 1, out) != 1 || fclose(out) != 0) {
        perror(argv[1]);
        remove(argv[1]);
        return 1;
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the drive says of itself: geometry, and IDENTIFY DEVICE (ATA/ATAPI-6, IDENTIFY DEVICE and its table of
 * words). The data is true: a feature is named if and only if its commands work. 48-bit addresses are not
 * among them.
 */
#include <string.h>
#include "devices/storage/ata_internal.h"

#define MODEL    "VITRINE ATA DISK"
#define FIRMWARE "1.0"

enum {
    WORD_CONFIGURATION = 0,
    WORD_CYLINDERS = 1,
    WORD_HEADS = 3,
    WORD_SECTORS = 6,
    WORD_SERIAL = 10,
    WORD_FIRMWARE = 23,
    WORD_MODEL = 27,
    WORD_MULTIPLE_LIMIT = 47,
    WORD_CAPABILITIES = 49,
    WORD_PIO_TIMING = 51,
    WORD_VALIDITY = 53,
    WORD_CURRENT_CYLINDERS = 54,
    WORD_MULTIPLE = 59,
    WORD_LBA_SECTORS = 60,
    WORD_MULTIWORD_DMA = 63,
    WORD_PIO_MODES = 64,
    WORD_DMA_CYCLE = 65,
    WORD_MAJOR_VERSION = 80,
    WORD_SUPPORTED = 82,
    WORD_ENABLED = 85,
    WORD_ULTRA_DMA = 88,
    WORD_INTEGRITY = 255,
};

/* Words 82 and 85: the same bits as supported and as enabled. */
enum {
    FEATURE_POWER = 1 << 3,
    FEATURE_WRITE_CACHE = 1 << 5,
    FEATURE_LOOK_AHEAD = 1 << 6,
    FEATURE_NOP = 1 << 14
};
enum { FEATURE_FLUSH_CACHE = 1 << 12, WORD_IS_VALID = 1 << 14 };

uint32_t ata_sectors(const struct ata_disk *disk)
{
    uint64_t sectors = block_sectors(disk->block);
    return sectors < ATA_LBA28_SECTORS ? (uint32_t)sectors : ATA_LBA28_SECTORS;
}

struct ata_geometry ata_default_geometry(uint64_t sectors)
{
    struct ata_geometry g = {1, 16, 63};
    if (sectors >= 16 * 63) {
        uint64_t cylinders = sectors / (16 * 63);
        g.cylinders = (uint16_t)(cylinders < 16383 ? cylinders : 16383);
    } else {
        g.heads = (uint8_t)(sectors ? (sectors + 62) / 63 : 1);
    }
    return g;
}

void ata_power_on_defaults(struct ata_disk *disk)
{
    struct ata_state *s = disk->state;
    s->power = 0xff;
    s->multiple = 0;
    s->transfer_mode = 0x22; /* multiword DMA 2 */
    s->write_cache = s->look_ahead = true;
    s->cylinders = disk->geometry.cylinders;
    s->heads = disk->geometry.heads;
    s->sectors = disk->geometry.sectors;
}

static void put_word(uint8_t *data, unsigned word, uint32_t value)
{
    le16_store(data + 2 * word, (uint16_t)value);
}

static void put_dword(uint8_t *data, unsigned word, uint32_t value)
{
    le32_store(data + 2 * word, value);
}

/* The first character of each pair is in the high byte; blanks fill up. */
static void put_text(uint8_t *data, unsigned word, unsigned words, const char *text)
{
    size_t length = strlen(text);
    for (unsigned i = 0; i < 2 * words; i++) data[2 * word + (i ^ 1)] = i < length ? (uint8_t)text[i] : ' ';
}

/* Words 63 and 88: modes 0 to `top` are supported, and which one is selected; `kind` as in SET FEATURES 03h.
 */
static uint32_t mode_word(const struct ata_state *s, unsigned top, uint8_t kind)
{
    uint32_t supported = BIT(top + 1) - 1;
    bool selected = (s->transfer_mode & 0xf8) == kind;
    return supported | (selected ? BIT(8 + (s->transfer_mode & 7)) : 0);
}

static void put_addressing(const struct ata_disk *disk, uint8_t *data)
{
    const struct ata_state *s = disk->state;
    uint32_t translated = (uint32_t)s->cylinders * s->heads * s->sectors, all = ata_sectors(disk);

    put_word(data, WORD_CYLINDERS, disk->geometry.cylinders);
    put_word(data, WORD_HEADS, disk->geometry.heads);
    put_word(data, WORD_SECTORS, disk->geometry.sectors);
    put_word(data, WORD_CURRENT_CYLINDERS, s->cylinders);
    put_word(data, WORD_CURRENT_CYLINDERS + 1, s->heads);
    put_word(data, WORD_CURRENT_CYLINDERS + 2, s->sectors);
    put_dword(data, WORD_CURRENT_CYLINDERS + 3, translated < all ? translated : all);
    put_dword(data, WORD_LBA_SECTORS, all);
}

static void put_transfer_modes(const struct ata_state *s, uint8_t *data)
{
    put_word(data, WORD_MULTIPLE_LIMIT, 0x8000 | ATA_BUFFER_SECTORS);
    put_word(data, WORD_MULTIPLE, s->multiple ? 0x100u | s->multiple : 0);
    put_word(data, WORD_CAPABILITIES, 0x0f00); /* IORDY, IORDY can be disabled, LBA, DMA */
    put_word(data, WORD_CAPABILITIES + 1, WORD_IS_VALID);
    put_word(data, WORD_PIO_TIMING, 0x0200); /* PIO mode 2 before SET FEATURES */
    put_word(data, WORD_VALIDITY, 0x0007);
    put_word(data, WORD_MULTIWORD_DMA, mode_word(s, 2, 0x20));
    put_word(data, WORD_PIO_MODES, 0x0003); /* 3 and 4 */
    for (unsigned i = 0; i < 4; i++) put_word(data, WORD_DMA_CYCLE + i, 120);
    put_word(data, WORD_ULTRA_DMA, mode_word(s, 2, 0x40));
}

static void put_features(const struct ata_state *s, uint8_t *data)
{
    uint32_t always = FEATURE_POWER | FEATURE_NOP;

    put_word(data, WORD_MAJOR_VERSION, 0x0078); /* ATA-3 to ATA/ATAPI-6 */
    put_word(data, WORD_SUPPORTED, always | FEATURE_WRITE_CACHE | FEATURE_LOOK_AHEAD);
    put_word(data, WORD_SUPPORTED + 1, WORD_IS_VALID | FEATURE_FLUSH_CACHE);
    put_word(data, WORD_SUPPORTED + 2, WORD_IS_VALID);
    put_word(data, WORD_ENABLED,
             always | (s->write_cache ? FEATURE_WRITE_CACHE : 0) | (s->look_ahead ? FEATURE_LOOK_AHEAD : 0));
    put_word(data, WORD_ENABLED + 1, FEATURE_FLUSH_CACHE);
    put_word(data, WORD_ENABLED + 2, WORD_IS_VALID);
}

/* Signature A5h in the low byte, and a high byte that makes the sum of all 512 bytes zero. */
static void put_integrity(uint8_t *data)
{
    uint8_t sum = 0xa5;
    for (unsigned i = 0; i < ATA_SECTOR - 2; i++) sum = (uint8_t)(sum + data[i]);
    put_word(data, WORD_INTEGRITY, (uint32_t)(uint8_t)-sum << 8 | 0xa5);
}

void ata_identify(const struct ata_disk *disk, uint8_t *data)
{
    memset(data, 0, ATA_SECTOR);
    put_word(data, WORD_CONFIGURATION, 0x0040); /* ATA, not removable */
    put_text(data, WORD_SERIAL, 10, disk->name);
    put_text(data, WORD_FIRMWARE, 4, FIRMWARE);
    put_text(data, WORD_MODEL, 20, MODEL);
    put_addressing(disk, data);
    put_transfer_modes(disk->state, data);
    put_features(disk->state, data);
    put_integrity(data);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the drive says of itself: geometry, IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6, the commands and
 * their tables of words; words 69, 75 to 79, 105, 119, 169 and 222: ATA8-ACS). The data is true: a feature is
 * named if and only if its commands work.
 */
#include <string.h>
#include "devices/storage/ata_internal.h"

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
    WORD_TRIM_RESULT = 69,
    WORD_QUEUE_DEPTH = 75,
    WORD_SATA_CAPABILITIES = 76,
    WORD_MAJOR_VERSION = 80,
    WORD_SUPPORTED = 82,
    WORD_ENABLED = 85,
    WORD_ULTRA_DMA = 88,
    WORD_RESET_RESULT = 93,
    WORD_LBA48_SECTORS = 100,
    WORD_TRIM_BLOCKS = 105,
    WORD_SECTOR_SIZE = 106,
    WORD_WWN = 108,
    WORD_SUPPORTED_MORE = 119,
    WORD_ENABLED_MORE = 120,
    WORD_TRIM = 169,
    WORD_TRANSPORT = 222,
    WORD_INTEGRITY = 255,
};

/* Words 82 and 85, 83 and 86, 84 and 87: the same bits as supported and as enabled. */
enum {
    FEATURE_SMART = 1 << 0,
    FEATURE_POWER = 1 << 3,
    FEATURE_PACKET = 1 << 4,
    FEATURE_WRITE_CACHE = 1 << 5,
    FEATURE_LOOK_AHEAD = 1 << 6,
    FEATURE_DEVICE_RESET = 1 << 9,
    FEATURE_PROTECTED_AREA = 1 << 10,
    FEATURE_NOP = 1 << 14,
};
enum {
    FEATURE_LBA48 = 1 << 10,
    FEATURE_FLUSH_CACHE = 1 << 12,
    FEATURE_FLUSH_CACHE_EXT = 1 << 13,
    WORD_IS_VALID = 1 << 14,
    MORE_IS_VALID = 1 << 15, /* of word 86: words 119 and 120 are there */
};
enum {
    FEATURE_ERROR_LOG = 1 << 0,
    FEATURE_SELF_TEST = 1 << 1,
    FEATURE_LOGS = 1 << 5,
    FEATURE_FUA = 1 << 6,
    FEATURE_WWN = 1 << 8,
    FEATURE_LOG_DMA = 1 << 3, /* of words 119 and 120 */
};

uint64_t ata_sectors(const struct ata_drive *drive)
{
    return drive->state->limit;
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

void ata_power_on_defaults(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    s->power = ATA_POWER_ACTIVE;
    s->multiple = 0;
    s->transfer_mode = 0x22; /* multiword DMA 2 */
    s->write_cache = s->look_ahead = true;
    s->limit = s->lasting_limit;
    s->cylinders = drive->geometry.cylinders;
    s->heads = drive->geometry.heads;
    s->sectors = drive->geometry.sectors;
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

static void put_names(const struct ata_drive *drive, uint8_t *data)
{
    put_text(data, WORD_SERIAL, 10, drive->serial);
    put_text(data, WORD_FIRMWARE, 4, drive->firmware);
    put_text(data, WORD_MODEL, 20, drive->model);
}

/* Words 63 and 88: modes 0 to `top` are supported, and which one is selected; `kind` as in SET FEATURES 03h. */
static uint32_t mode_word(const struct ata_state *s, unsigned top, uint8_t kind)
{
    uint32_t supported = BIT(top + 1) - 1;
    bool selected = (s->transfer_mode & 0xf8) == kind;
    return supported | (selected ? BIT(8 + (s->transfer_mode & 7)) : 0);
}

static void put_addressing(const struct ata_drive *drive, uint8_t *data)
{
    const struct ata_state *s = drive->state;
    uint64_t all = ata_sectors(drive);
    uint32_t translated = (uint32_t)s->cylinders * s->heads * s->sectors;
    uint32_t short_all = all < ATA_LBA28_SECTORS ? (uint32_t)all : ATA_LBA28_SECTORS;

    put_word(data, WORD_CYLINDERS, drive->geometry.cylinders);
    put_word(data, WORD_HEADS, drive->geometry.heads);
    put_word(data, WORD_SECTORS, drive->geometry.sectors);
    put_word(data, WORD_CURRENT_CYLINDERS, s->cylinders);
    put_word(data, WORD_CURRENT_CYLINDERS + 1, s->heads);
    put_word(data, WORD_CURRENT_CYLINDERS + 2, s->sectors);
    put_dword(data, WORD_CURRENT_CYLINDERS + 3, translated < short_all ? translated : short_all);
    put_dword(data, WORD_LBA_SECTORS, short_all);
    le64_store(data + 2 * WORD_LBA48_SECTORS, all);
    put_word(data, WORD_SECTOR_SIZE, WORD_IS_VALID); /* one logical sector of 512 bytes in a physical one */
}

static void put_transfer_modes(const struct ata_state *s, uint8_t *data)
{
    put_word(data, WORD_CAPABILITIES, 0x0f00); /* IORDY, IORDY can be disabled, LBA, DMA */
    put_word(data, WORD_CAPABILITIES + 1, WORD_IS_VALID);
    put_word(data, WORD_PIO_TIMING, 0x0200); /* PIO mode 2 before SET FEATURES */
    put_word(data, WORD_VALIDITY, 0x0007);
    put_word(data, WORD_MULTIWORD_DMA, mode_word(s, 2, 0x20));
    put_word(data, WORD_PIO_MODES, 0x0003); /* 3 and 4 */
    for (unsigned i = 0; i < 4; i++) put_word(data, WORD_DMA_CYCLE + i, 120);
    put_word(data, WORD_ULTRA_DMA, mode_word(s, 5, 0x40));
}

/* Serial ATA: up to 3 Gb/s, and the queue. Parallel: who it is on the cable, which has 80 conductors. */
static void put_transport(const struct ata_drive *drive, uint8_t *data)
{
    const struct ata_host_ops *ops = drive->ops;
    if (!ops->serial) {
        put_word(data, WORD_RESET_RESULT, drive->second ? 0x6b00 : 0x600b);
        return;
    }
    bool queue = ops->queue_depth && drive->kind == ATA_HARD_DISK;
    if (queue) put_word(data, WORD_QUEUE_DEPTH, ops->queue_depth - 1u);
    put_word(data, WORD_SATA_CAPABILITIES, 0x0006u | (queue ? BIT(8) : 0));
    put_word(data, WORD_TRANSPORT, 0x1008); /* serial, as of revision 2.5 */
}

static void put_wwn(const struct ata_drive *drive, uint8_t *data)
{
    for (unsigned i = 0; i < 4; i++)
        put_word(data, WORD_WWN + i, (uint32_t)(drive->wwn >> (48 - 16 * i)) & 0xffff);
}

static void put_features(const struct ata_drive *drive, uint8_t *data)
{
    const struct ata_state *s = drive->state;
    uint32_t always = FEATURE_POWER | FEATURE_NOP | FEATURE_PROTECTED_AREA;
    uint32_t second = FEATURE_LBA48 | FEATURE_FLUSH_CACHE | FEATURE_FLUSH_CACHE_EXT;
    uint32_t third =
        FEATURE_ERROR_LOG | FEATURE_SELF_TEST | FEATURE_LOGS | FEATURE_FUA | (drive->wwn ? FEATURE_WWN : 0);

    put_word(data, WORD_MAJOR_VERSION, 0x01f8); /* ATA-3 to ATA8-ACS */
    put_word(data, WORD_SUPPORTED, always | FEATURE_SMART | FEATURE_WRITE_CACHE | FEATURE_LOOK_AHEAD);
    put_word(data, WORD_SUPPORTED + 1, WORD_IS_VALID | second);
    put_word(data, WORD_SUPPORTED + 2, WORD_IS_VALID | third);
    put_word(data, WORD_ENABLED,
             always | (s->smart.disabled ? 0 : FEATURE_SMART) | (s->write_cache ? FEATURE_WRITE_CACHE : 0) |
                 (s->look_ahead ? FEATURE_LOOK_AHEAD : 0));
    put_word(data, WORD_ENABLED + 1, MORE_IS_VALID | second);
    put_word(data, WORD_ENABLED + 2, WORD_IS_VALID | third);
    put_word(data, WORD_SUPPORTED_MORE, WORD_IS_VALID | FEATURE_LOG_DMA);
    put_word(data, WORD_ENABLED_MORE, WORD_IS_VALID | FEATURE_LOG_DMA);
}

/* What was trimmed reads as zeros from then on, unless the host is told to ignore it. */
static void put_trim(const struct ata_drive *drive, uint8_t *data)
{
    if (block_read_only(drive->block)) return;
    if (block_discards(drive->block)) put_word(data, WORD_TRIM_RESULT, BIT(14) | BIT(5));
    put_word(data, WORD_TRIM_BLOCKS, ATA_BUFFER_SECTORS);
    put_word(data, WORD_TRIM, BIT(0));
}

/* Signature A5h in the low byte, and a high byte that makes the sum of all 512 bytes zero. */
static void put_integrity(uint8_t *data)
{
    data[2 * WORD_INTEGRITY] = 0xa5;
    ata_put_checksum(data);
}

static void identify_disk(const struct ata_drive *drive, uint8_t *data)
{
    const struct ata_state *s = drive->state;
    put_word(data, WORD_CONFIGURATION, 0x0040); /* ATA, not removable */
    put_addressing(drive, data);
    put_word(data, WORD_MULTIPLE_LIMIT, 0x8000 | ATA_BUFFER_SECTORS);
    put_word(data, WORD_MULTIPLE, s->multiple ? 0x100u | s->multiple : 0);
    put_features(drive, data);
    put_trim(drive, data);
}

/* Packets of 12 bytes are asked for within 50 us, without an interrupt. */
static void identify_cdrom(const struct ata_drive *drive, uint8_t *data)
{
    uint32_t features = FEATURE_POWER | FEATURE_PACKET | FEATURE_DEVICE_RESET | FEATURE_NOP;
    uint32_t wwn = drive->wwn ? FEATURE_WWN : 0;
    put_word(data, WORD_CONFIGURATION, 0x85c0); /* ATAPI, CD-ROM, removable */
    put_word(data, WORD_MAJOR_VERSION, 0x01f0); /* ATA/ATAPI-4 to ATA8-ACS */
    put_word(data, WORD_SUPPORTED, features);
    put_word(data, WORD_SUPPORTED + 1, WORD_IS_VALID);
    put_word(data, WORD_SUPPORTED + 2, WORD_IS_VALID | wwn);
    put_word(data, WORD_ENABLED, features);
    put_word(data, WORD_ENABLED + 2, WORD_IS_VALID | wwn);
}

void ata_identify(const struct ata_drive *drive, uint8_t *data)
{
    memset(data, 0, ATA_SECTOR);
    if (drive->kind == ATA_CDROM)
        identify_cdrom(drive, data);
    else
        identify_disk(drive, data);
    put_names(drive, data);
    put_transfer_modes(drive->state, data);
    put_transport(drive, data);
    put_wwn(drive, data);
    put_integrity(data);
}

/* SPDX-License-Identifier: MIT */
/*
 * DATA SET MANAGEMENT with TRIM: ATA8-ACS. The host sends blocks of 64 ranges; each has 48 bits of address and
 * 16 of length, and one of length 0 is skipped. The whole list is checked first, then its ranges are discarded one
 * after the other.
 */
#include "devices/storage/ata_internal.h"

enum { RANGE_SIZE = 8, FEATURE_TRIM = 1 };

static uint64_t range_lba(const uint8_t *range)
{
    return le_load(range, 6);
}

static uint64_t range_sectors(const uint8_t *range)
{
    return le16_load(range + 6);
}

void ata_trim(struct ata_drive *drive)
{
    uint32_t blocks = ata_count48(&drive->state->regs);
    if (drive->state->regs.features != FEATURE_TRIM || blocks == 0 || blocks > ATA_BUFFER_SECTORS)
        ata_refuse(drive);
    else
        ata_receive(drive, blocks * ATA_SECTOR);
}

static bool ranges_fit(const struct ata_drive *drive)
{
    const struct ata_state *s = drive->state;
    uint64_t all = ata_sectors(drive);
    for (uint32_t at = 0; at < s->filled; at += RANGE_SIZE) {
        uint64_t lba = range_lba(s->buffer + at), sectors = range_sectors(s->buffer + at);
        if (sectors && (lba >= all || sectors > all - lba)) return false;
    }
    return true;
}

void ata_trim_received(struct ata_drive *drive)
{
    drive->state->position = 0;
    if (ranges_fit(drive))
        ata_trim_go(drive);
    else
        ata_fail(drive, ATA_ERROR_IDNF, 0);
}

/* A list has at most 1024 ranges. */
void ata_trim_go(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    for (; s->position < s->filled; s->position += RANGE_SIZE) {
        const uint8_t *range = s->buffer + s->position;
        if (range_sectors(range)) {
            ata_submit(drive, ATA_TRIMMING, BLOCK_DISCARD, range_lba(range), range_sectors(range));
            return;
        }
    }
    ata_succeed(drive);
}

void ata_trim_next(struct ata_drive *drive)
{
    drive->state->position += RANGE_SIZE;
    ata_trim_go(drive);
}

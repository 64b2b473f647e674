/* SPDX-License-Identifier: MIT */
/*
 * What a host sets up in an ATA device: power, SET FEATURES, and the Host Protected Area. ATA/ATAPI-6 (T13/1410D),
 * SET FEATURES, SET MAX, and the feature sets of these names.
 */
#include "devices/storage/ata_internal.h"

/* Power: the drive has nothing to spin down; it only remembers. */

void ata_set_power(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    unsigned code = s->regs.command & 0x0f, which = (s->regs.command & 0xf0) == 0x90 ? code - 4 : code;
    bool idle = which == 1 || which == 3, sleep = (s->regs.command & 0xf0) == 0x90 ? code == 9 : code == 6;
    s->power = idle ? ATA_POWER_IDLE : ATA_POWER_STANDBY;
    s->asleep = sleep;
    ata_succeed(drive);
}

void ata_check_power(struct ata_drive *drive)
{
    drive->state->regs.count = drive->state->power;
    ata_succeed(drive);
}

/* SET FEATURES: a table, by the code in Features. What is not there (power management, acoustics) is refused. */

/* Sector Count: bits 7:3 kind of transfer, 2:0 mode. */
static bool set_transfer_mode(struct ata_drive *drive)
{
    static const struct {
        uint8_t kind, top;
    } kinds[] = {{0x00, 1}, {0x08, 4}, {0x20, 2}, {0x40, 5}}; /* PIO default, PIO, multiword DMA, Ultra DMA */
    uint8_t mode = drive->state->regs.count;

    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
        if ((mode & 0xf8) == kinds[i].kind && (mode & 7) <= kinds[i].top) {
            /* A PIO mode does not deselect the DMA mode. */
            if (kinds[i].kind >= 0x20) drive->state->transfer_mode = mode;
            return true;
        }
    return false;
}

static bool enable_write_cache(struct ata_drive *drive)
{
    drive->state->write_cache = true;
    return true;
}

static bool disable_write_cache(struct ata_drive *drive)
{
    drive->state->write_cache = false;
    return true;
}

static bool enable_look_ahead(struct ata_drive *drive)
{
    drive->state->look_ahead = true;
    return true;
}

static bool disable_look_ahead(struct ata_drive *drive)
{
    drive->state->look_ahead = false;
    return true;
}

static bool keep_settings(struct ata_drive *drive)
{
    drive->state->keep_settings = true;
    return true;
}

static bool revert_settings(struct ata_drive *drive)
{
    drive->state->keep_settings = false;
    return true;
}

static const struct {
    uint8_t code;
    bool disk_only;
    bool (*set)(struct ata_drive *drive);
} features[] = {
    {0x02, true, enable_write_cache}, {0x03, false, set_transfer_mode},  {0x55, true, disable_look_ahead},
    {0x66, false, keep_settings},     {0x82, true, disable_write_cache}, {0xaa, true, enable_look_ahead},
    {0xcc, false, revert_settings},
};

void ata_set_features(struct ata_drive *drive)
{
    uint8_t code = drive->state->regs.features;
    for (unsigned i = 0; i < ARRAY_COUNT(features); i++) {
        if (features[i].code != code || (features[i].disk_only && drive->kind != ATA_HARD_DISK)) continue;
        if (!features[i].set(drive)) break;
        if (features[i].set == disable_write_cache)
            ata_flush(drive); /* what the cache still held */
        else
            ata_succeed(drive);
        return;
    }
    ata_refuse(drive);
}

/* The Host Protected Area: the drive can pretend to be smaller. */

void ata_read_native_max(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    uint64_t last = block_sectors(drive->block) - 1;
    if (s->regs.command == 0xf8 && last > ATA_LBA28_SECTORS - 1) last = ATA_LBA28_SECTORS - 1;
    ata_put_address(drive, last);
    s->native_max_read = true;
    ata_succeed(drive);
}

/* Only straight after READ NATIVE MAX ADDRESS; else F9h is one of SET MAX's security commands, which are not there.
 * Sector Count bit 0: it outlasts a reset. */
void ata_set_max(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    const struct ata_taskfile *regs = &s->regs;
    bool ext = regs->command == 0x37, lasting = regs->count & 1;
    uint64_t last = regs->lba_low | (uint64_t)regs->lba_mid << 8 | (uint64_t)regs->lba_high << 16;

    if (!s->native_max_read || !(regs->device & ATA_DEVICE_LBA)) {
        s->native_max_read = false;
        ata_refuse(drive);
        return;
    }
    s->native_max_read = false;
    last = ext ? ata_lba48(regs) : last | (uint64_t)(regs->device & 0x0f) << 24;
    if (last >= block_sectors(drive->block)) {
        ata_fail(drive, ATA_ERROR_IDNF, 0);
        return;
    }
    s->limit = last + 1;
    if (lasting) s->lasting_limit = s->limit;
    ata_succeed(drive);
}

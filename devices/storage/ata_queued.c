/* SPDX-License-Identifier: MIT */
/*
 * Native command queuing, the drive's part: what a queued command asks for, and what is remembered of one that failed.
 * ATA8-ACS, NCQ feature set, READ FPDMA QUEUED and WRITE FPDMA QUEUED.
 */
#include "devices/storage/ata_internal.h"

enum { NOT_QUEUED = 0x80, DEVICE_FUA = 0x80 };

static void remember(struct ata_drive *drive, const struct ata_taskfile *regs, uint8_t tag, uint8_t error,
                     uint8_t status)
{
    struct ata_state *s = drive->state;
    s->regs.status = (uint8_t)(ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_ERR | status);
    s->regs.error = error;
    s->queue_error = (struct ata_queue_error){.halted = true, .tag = tag, .regs = *regs};
    s->queue_error.regs.status = s->regs.status;
    s->queue_error.regs.error = error;
}

/* The count is in Features, the tag in bits 7:3 of Sector Count. */
bool ata_queued_check(struct ata_drive *drive, const struct ata_taskfile *regs, struct ata_queued *queued)
{
    uint64_t lba = ata_lba48(regs), all = ata_sectors(drive);
    uint32_t sectors = regs->features | (uint32_t)regs->features_previous << 8;
    uint8_t tag = regs->count >> 3;
    bool write = regs->command == ATA_WRITE_FPDMA_QUEUED;

    if (sectors == 0) sectors = 0x10000;
    if (drive->kind != ATA_HARD_DISK || tag >= drive->ops->queue_depth || ata_queue_halted(drive) ||
        !(regs->device & ATA_DEVICE_LBA) || (write && block_read_only(drive->block))) {
        remember(drive, regs, tag, ATA_ERROR_ABRT, 0);
        return false;
    }
    if (lba >= all || sectors > all - lba) {
        remember(drive, regs, tag, ATA_ERROR_IDNF, 0);
        return false;
    }
    drive->state->power = ATA_POWER_ACTIVE;
    drive->state->regs.status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
    drive->state->regs.error = 0;
    *queued = (struct ata_queued){.tag = tag,
                                  .write = write,
                                  .flush = write && (!drive->state->write_cache || regs->device & DEVICE_FUA),
                                  .offset = lba * ATA_SECTOR,
                                  .bytes = (uint64_t)sectors * ATA_SECTOR,
                                  .regs = *regs};
    return true;
}

void ata_queued_failed(struct ata_drive *drive, const struct ata_queued *queued, uint64_t moved)
{
    struct ata_taskfile regs = queued->regs;
    uint64_t lba = (queued->offset + moved) / ATA_SECTOR;
    regs.lba_low = (uint8_t)lba;
    regs.lba_mid = (uint8_t)(lba >> 8);
    regs.lba_high = (uint8_t)(lba >> 16);
    regs.lba_low_previous = (uint8_t)(lba >> 24);
    regs.lba_mid_previous = (uint8_t)(lba >> 32);
    regs.lba_high_previous = (uint8_t)(lba >> 40);
    if (queued->write)
        remember(drive, &regs, queued->tag, ATA_ERROR_ABRT, ATA_STATUS_DF);
    else
        remember(drive, &regs, queued->tag, ATA_ERROR_UNC, 0);
}

void ata_queued_mixed(struct ata_drive *drive, const struct ata_taskfile *regs)
{
    remember(drive, regs, NOT_QUEUED, ATA_ERROR_ABRT, 0);
}

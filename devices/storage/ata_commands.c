/* SPDX-License-Identifier: MIT */
/*
 * The commands of the ATA device: ATA/ATAPI-6 (T13/1410D), clause 8, a few of ATA8-ACS, and the older codes that PC
 * firmware still uses. The table is at the end; a code that is not in it is aborted.
 */
#include "devices/storage/ata_internal.h"
#include "emu/core/log.h"

/* Data transfers; address and count are in state->lba and state->remaining by now. */

static void start_write(struct ata_drive *drive)
{
    ata_offer_out(drive, false); /* no interrupt before the first block (PIO data-out protocol) */
}

static void start_identify(struct ata_drive *drive)
{
    ata_identify(drive, drive->state->buffer);
    ata_reply(drive, ATA_SECTOR);
}

/* A packet device has another command for it, and says what it is (IDENTIFY DEVICE,
 * error outputs). */
static void refuse_with_signature(struct ata_drive *drive)
{
    ata_signature(drive);
    ata_refuse(drive);
}

static void start_disk_identify(struct ata_drive *drive)
{
    if (drive->kind == ATA_CDROM)
        refuse_with_signature(drive);
    else
        start_identify(drive);
}

static void start_disk_read(struct ata_drive *drive)
{
    if (drive->kind == ATA_CDROM)
        refuse_with_signature(drive);
    else
        ata_read_more(drive);
}

/* Positioning and translation. */

static void recalibrate(struct ata_drive *drive)
{
    ata_put_address(drive, 0);
    ata_succeed(drive);
}

/* Sector Count is sectors per track, the low bits of Device are heads less one. */
static void initialize_parameters(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    uint32_t heads = (s->regs.device & 0x0fu) + 1, sectors = s->regs.count;
    uint64_t cylinders;

    if (sectors == 0) {
        ata_refuse(drive);
        return;
    }
    cylinders = ata_sectors(drive) / (heads * sectors);
    s->cylinders = (uint16_t)(cylinders < 65535 ? cylinders : 65535);
    s->heads = (uint8_t)heads;
    s->sectors = (uint8_t)sectors;
    ata_succeed(drive);
}

/* A power of two that the buffer holds; 0 turns READ and WRITE MULTIPLE off. */
static void set_multiple(struct ata_drive *drive)
{
    uint8_t count = drive->state->regs.count;
    if (count > ATA_BUFFER_SECTORS || (count & (count - 1))) {
        ata_refuse(drive);
        return;
    }
    drive->state->multiple = count;
    ata_succeed(drive);
}

/* The table, by code. */

#define DISK ATA_FOR_DISK
#define CD   ATA_FOR_CDROM
#define BOTH (DISK | CD)
#define READ (DISK | ATA_ADDRESSED)
#define SAVE (DISK | ATA_ADDRESSED | ATA_WRITES)
#define EXT  ATA_EXT
#define MANY ATA_MULTIPLE

static const struct ata_command_row commands[256] = {
    [0x00] = {ATA_NON_DATA, BOTH, "NOP", ata_refuse, 0}, /* always ends with an abort */
    [0x06] = {ATA_DMA_OUT, DISK | ATA_WRITES | EXT, "DATA SET MANAGEMENT", ata_trim, ata_trim_received},
    [0x08] = {ATA_NON_DATA, DISK, "DEVICE RESET", ata_refuse, 0}, /* a CD-ROM's does not come this way */
    [0x10 ... 0x1f] = {ATA_NON_DATA, DISK, "RECALIBRATE", recalibrate, 0},
    [0x20] = {ATA_PROTOCOL_PIO_IN, READ | CD, "READ SECTORS", start_disk_read, 0},
    [0x21] = {ATA_PROTOCOL_PIO_IN, READ, "READ SECTORS (no retry)", ata_read_more, 0},
    [0x24] = {ATA_PROTOCOL_PIO_IN, READ | EXT, "READ SECTORS EXT", ata_read_more, 0},
    [0x25] = {ATA_DMA_IN, READ | EXT, "READ DMA EXT", ata_offer_dma, 0},
    [0x27] = {ATA_NON_DATA, DISK | EXT, "READ NATIVE MAX ADDRESS EXT", ata_read_native_max, 0},
    [0x29] = {ATA_PROTOCOL_PIO_IN, READ | EXT | MANY, "READ MULTIPLE EXT", ata_read_more, 0},
    [0x2f] = {ATA_PROTOCOL_PIO_IN, DISK | EXT, "READ LOG EXT", ata_read_log, 0},
    [0x30] = {ATA_PROTOCOL_PIO_OUT, SAVE, "WRITE SECTORS", start_write, 0},
    [0x31] = {ATA_PROTOCOL_PIO_OUT, SAVE, "WRITE SECTORS (no retry)", start_write, 0},
    [0x34] = {ATA_PROTOCOL_PIO_OUT, SAVE | EXT, "WRITE SECTORS EXT", start_write, 0},
    [0x35] = {ATA_DMA_OUT, SAVE | EXT, "WRITE DMA EXT", ata_offer_dma, 0},
    [0x37] = {ATA_NON_DATA, DISK | EXT, "SET MAX ADDRESS EXT", ata_set_max, 0},
    [0x39] = {ATA_PROTOCOL_PIO_OUT, SAVE | EXT | MANY, "WRITE MULTIPLE EXT", start_write, 0},
    [0x3d] = {ATA_DMA_OUT, SAVE | EXT | ATA_FUA, "WRITE DMA FUA EXT", ata_offer_dma, 0},
    [0x40] = {ATA_NON_DATA, READ, "READ VERIFY SECTORS", ata_read_more, 0},
    [0x41] = {ATA_NON_DATA, READ, "READ VERIFY SECTORS (no retry)", ata_read_more, 0},
    [0x42] = {ATA_NON_DATA, READ | EXT, "READ VERIFY SECTORS EXT", ata_read_more, 0},
    [0x47] = {ATA_DMA_IN, DISK | EXT, "READ LOG DMA EXT", ata_read_log, 0},
    [0x60] = {ATA_NON_DATA, DISK, "READ FPDMA QUEUED", ata_refuse, 0}, /* where the transport has no queue */
    [0x61] = {ATA_NON_DATA, DISK, "WRITE FPDMA QUEUED", ata_refuse, 0},
    [0x70 ... 0x7f] = {ATA_NON_DATA, READ | ATA_ONE, "SEEK", ata_succeed, 0},
    [0x90] = {ATA_NON_DATA, BOTH, "EXECUTE DEVICE DIAGNOSTIC", ata_diagnosed, 0},
    [0x91] = {ATA_NON_DATA, DISK, "INITIALIZE DEVICE PARAMETERS", initialize_parameters, 0},
    [0x94] = {ATA_NON_DATA, BOTH, "STANDBY IMMEDIATE (94h)", ata_set_power, 0},
    [0x95] = {ATA_NON_DATA, BOTH, "IDLE IMMEDIATE (95h)", ata_set_power, 0},
    [0x96] = {ATA_NON_DATA, DISK, "STANDBY (96h)", ata_set_power, 0},
    [0x97] = {ATA_NON_DATA, DISK, "IDLE (97h)", ata_set_power, 0},
    [0x98] = {ATA_NON_DATA, BOTH, "CHECK POWER MODE (98h)", ata_check_power, 0},
    [0x99] = {ATA_NON_DATA, BOTH, "SLEEP (99h)", ata_set_power, 0},
    [0xa0] = {ATA_PROTOCOL_PACKET, CD, "PACKET", atapi_start, atapi_received},
    [0xa1] = {ATA_PROTOCOL_PIO_IN, CD, "IDENTIFY PACKET DEVICE", start_identify, 0},
    [0xb0] = {ATA_PROTOCOL_PIO_IN, DISK, "SMART", ata_smart, 0},
    [0xb1] = {ATA_NON_DATA, DISK, "DEVICE CONFIGURATION", ata_refuse, 0},
    [0xc4] = {ATA_PROTOCOL_PIO_IN, READ | MANY, "READ MULTIPLE", ata_read_more, 0},
    [0xc5] = {ATA_PROTOCOL_PIO_OUT, SAVE | MANY, "WRITE MULTIPLE", start_write, 0},
    [0xc6] = {ATA_NON_DATA, DISK, "SET MULTIPLE MODE", set_multiple, 0},
    [0xc8] = {ATA_DMA_IN, READ, "READ DMA", ata_offer_dma, 0},
    [0xc9] = {ATA_DMA_IN, READ, "READ DMA (no retry)", ata_offer_dma, 0},
    [0xca] = {ATA_DMA_OUT, SAVE, "WRITE DMA", ata_offer_dma, 0},
    [0xcb] = {ATA_DMA_OUT, SAVE, "WRITE DMA (no retry)", ata_offer_dma, 0},
    [0xce] = {ATA_PROTOCOL_PIO_OUT, SAVE | EXT | MANY | ATA_FUA, "WRITE MULTIPLE FUA EXT", start_write, 0},
    [0xda] = {ATA_NON_DATA, BOTH, "GET MEDIA STATUS", ata_refuse, 0},
    [0xe0] = {ATA_NON_DATA, BOTH, "STANDBY IMMEDIATE", ata_set_power, 0},
    [0xe1] = {ATA_NON_DATA, BOTH, "IDLE IMMEDIATE", ata_set_power, 0},
    [0xe2] = {ATA_NON_DATA, DISK, "STANDBY", ata_set_power, 0},
    [0xe3] = {ATA_NON_DATA, DISK, "IDLE", ata_set_power, 0},
    [0xe5] = {ATA_NON_DATA, BOTH, "CHECK POWER MODE", ata_check_power, 0},
    [0xe6] = {ATA_NON_DATA, BOTH, "SLEEP", ata_set_power, 0},
    [0xe7] = {ATA_NON_DATA, DISK, "FLUSH CACHE", ata_flush, 0},
    [0xea] = {ATA_NON_DATA, DISK | EXT, "FLUSH CACHE EXT", ata_flush, 0},
    [0xec] = {ATA_PROTOCOL_PIO_IN, BOTH, "IDENTIFY DEVICE", start_disk_identify, 0},
    [0xef] = {ATA_NON_DATA, BOTH, "SET FEATURES", ata_set_features, 0},
    /* There is no Security feature set, and IDENTIFY says so. */
    [0xf1] = {ATA_NON_DATA, BOTH, "SECURITY SET PASSWORD", ata_refuse, 0},
    [0xf2] = {ATA_NON_DATA, BOTH, "SECURITY UNLOCK", ata_refuse, 0},
    [0xf3] = {ATA_NON_DATA, BOTH, "SECURITY ERASE PREPARE", ata_refuse, 0},
    [0xf4] = {ATA_NON_DATA, BOTH, "SECURITY ERASE UNIT", ata_refuse, 0},
    [0xf5] = {ATA_NON_DATA, BOTH, "SECURITY FREEZE LOCK", ata_refuse, 0},
    [0xf6] = {ATA_NON_DATA, BOTH, "SECURITY DISABLE PASSWORD", ata_refuse, 0},
    [0xf8] = {ATA_NON_DATA, DISK, "READ NATIVE MAX ADDRESS", ata_read_native_max, 0},
    [0xf9] = {ATA_NON_DATA, DISK, "SET MAX ADDRESS", ata_set_max, 0},
};

const struct ata_command_row *ata_find_command(uint8_t code)
{
    return commands[code].name ? &commands[code] : NULL;
}

const char *ata_command_name(uint8_t code)
{
    const struct ata_command_row *row = ata_find_command(code);
    return row ? row->name : "unknown command";
}

uint64_t ata_lba48(const struct ata_taskfile *regs)
{
    return regs->lba_low | (uint64_t)regs->lba_mid << 8 | (uint64_t)regs->lba_high << 16 |
           (uint64_t)regs->lba_low_previous << 24 | (uint64_t)regs->lba_mid_previous << 32 |
           (uint64_t)regs->lba_high_previous << 40;
}

uint32_t ata_count48(const struct ata_taskfile *regs)
{
    return regs->count | (uint32_t)regs->count_previous << 8;
}

/* Where the task file points, in state->lba. A 48-bit command must have the LBA bit set (48-bit Address
 * feature set). */
static bool load_address(struct ata_drive *drive, const struct ata_command_row *row)
{
    struct ata_state *s = drive->state;
    const struct ata_taskfile *regs = &s->regs;
    uint32_t cylinder = regs->lba_mid | (uint32_t)regs->lba_high << 8, head = regs->device & 0x0f;

    if (row->flags & ATA_EXT) {
        s->lba = ata_lba48(regs);
        if (regs->device & ATA_DEVICE_LBA) return true;
        ata_refuse(drive);
        return false;
    }
    if (regs->device & ATA_DEVICE_LBA) {
        s->lba = head << 24 | cylinder << 8 | regs->lba_low;
        return true;
    }
    s->lba = ((uint64_t)cylinder * s->heads + head) * s->sectors + regs->lba_low - 1;
    if (cylinder < s->cylinders && head < s->heads && regs->lba_low >= 1 && regs->lba_low <= s->sectors)
        return true;
    s->lba = 0;
    ata_fail(drive, ATA_ERROR_IDNF, 0);
    return false;
}

/* The registers of a command that leaves the disk name the first sector that does not exist, and how many are
 * missing. */
static void fail_beyond(struct ata_drive *drive, uint64_t count)
{
    struct ata_state *s = drive->state;
    uint64_t all = ata_sectors(drive), first = s->lba < all ? all : s->lba,
             missing = count - (first - s->lba);
    s->lba = 0;
    s->regs.count = (uint8_t)missing;
    if (ata_find_command(s->regs.command)->flags & ATA_EXT) s->regs.count_previous = (uint8_t)(missing >> 8);
    ata_put_address(drive, first);
    ata_fail(drive, ATA_ERROR_IDNF, 0);
}

static bool load_transfer(struct ata_drive *drive, const struct ata_command_row *row)
{
    struct ata_state *s = drive->state;
    bool ext = row->flags & ATA_EXT;
    uint32_t count = ext ? ata_count48(&s->regs) : s->regs.count;
    if (count == 0) count = ext ? 0x10000 : 0x100;
    if (row->flags & ATA_ONE) count = 1;

    if (!load_address(drive, row)) return false;
    if (s->lba >= ata_sectors(drive) || count > ata_sectors(drive) - s->lba) {
        fail_beyond(drive, count);
        return false;
    }
    s->remaining = count;
    s->block = row->flags & ATA_MULTIPLE ? s->multiple : 1;
    s->power = ATA_POWER_ACTIVE;
    return true;
}

/* After a failed queued command only the page that tells of it can be read (ATA8-ACS, NCQ feature set). */
static bool halted(const struct ata_drive *drive)
{
    const struct ata_taskfile *regs = &drive->state->regs;
    bool log = regs->command == 0x2f || regs->command == 0x47;
    return drive->state->queue_error.halted && !(log && regs->lba_low == 0x10);
}

void ata_execute(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    const struct ata_command_row *row = ata_find_command(s->regs.command);
    bool native_max_read = s->native_max_read;
    unsigned kind = drive->kind == ATA_CDROM ? ATA_FOR_CDROM : ATA_FOR_DISK;

    s->filled = s->position = s->block_end = 0;
    s->remaining = 0;
    s->native_max_read = false;
    if (!row && log_on(LOG_UNIMPLEMENTED))
        log_print("%s: ATA command %02xh is aborted\n", drive->name, s->regs.command);
    if (!row || !(row->flags & kind) || halted(drive) ||
        (row->flags & ATA_WRITES && block_read_only(drive->block)) ||
        (row->flags & ATA_MULTIPLE && s->multiple == 0)) {
        ata_refuse(drive);
        return;
    }
    if (kind == ATA_FOR_DISK && row->flags & ATA_ADDRESSED && !load_transfer(drive, row)) return;
    if (row->start == ata_set_max) s->native_max_read = native_max_read;
    row->start(drive);
}

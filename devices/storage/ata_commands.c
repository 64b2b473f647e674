/* SPDX-License-Identifier: MIT */
/*
 * The commands of the ATA disk: ATA/ATAPI-6 (T13/1410D), clause 8, and the older codes that PC firmware still
 * uses. The table is at the end; a code that is not in it is aborted.
 */
#include "devices/storage/ata_internal.h"
#include "emu/core/log.h"

enum { POWER_STANDBY = 0x00, POWER_IDLE = 0x80, POWER_ACTIVE = 0xff };

static void refuse(struct ata_disk *disk)
{
    ata_fail(disk, ATA_ERROR_ABRT, 0);
}

/* Data transfers; address and count are in state->lba and state->remaining by now. */

static void start_read(struct ata_disk *disk)
{
    ata_read_more(disk);
}

static void start_write(struct ata_disk *disk)
{
    ata_offer_out(disk, false); /* no interrupt before the first block (PIO data-out protocol) */
}

static void start_dma(struct ata_disk *disk)
{
    ata_offer_dma(disk);
}

static void start_flush(struct ata_disk *disk)
{
    ata_flush(disk);
}

static void start_identify(struct ata_disk *disk)
{
    struct ata_state *s = disk->state;
    ata_identify(disk, s->buffer);
    s->remaining = 0;
    s->position = 0;
    s->filled = ATA_SECTOR;
    s->block = 1;
    ata_offer_in(disk);
}

/* Positioning and translation. */

static void succeed(struct ata_disk *disk)
{
    ata_succeed(disk);
}

static void recalibrate(struct ata_disk *disk)
{
    ata_put_address(disk, 0);
    ata_succeed(disk);
}

/* Sector Count is sectors per track, the low bits of Device are heads less one. */
static void initialize_parameters(struct ata_disk *disk)
{
    struct ata_state *s = disk->state;
    uint32_t heads = (s->regs.device & 0x0fu) + 1, sectors = s->regs.count, cylinders;

    if (sectors == 0) {
        refuse(disk);
        return;
    }
    cylinders = ata_sectors(disk) / (heads * sectors);
    s->cylinders = (uint16_t)(cylinders < 65535 ? cylinders : 65535);
    s->heads = (uint8_t)heads;
    s->sectors = (uint8_t)sectors;
    ata_succeed(disk);
}

/* A power of two that the buffer holds; 0 turns READ and WRITE MULTIPLE off. */
static void set_multiple(struct ata_disk *disk)
{
    uint8_t count = disk->state->regs.count;
    if (count > ATA_BUFFER_SECTORS || (count & (count - 1))) {
        refuse(disk);
        return;
    }
    disk->state->multiple = count;
    ata_succeed(disk);
}

/* Device 1 keeps its line low: Device 0 interrupts for both (EXECUTE DEVICE DIAGNOSTIC protocol). */
static void diagnose(struct ata_disk *disk)
{
    ata_succeed(disk);
    ata_signature(disk);
    if (disk->second) ata_acknowledge(disk);
}

/* Power: the drive has nothing to spin down; it only remembers. */

static void standby(struct ata_disk *disk)
{
    disk->state->power = POWER_STANDBY;
    ata_succeed(disk);
}

static void idle(struct ata_disk *disk)
{
    disk->state->power = POWER_IDLE;
    ata_succeed(disk);
}

static void check_power(struct ata_disk *disk)
{
    disk->state->regs.count = disk->state->power;
    ata_succeed(disk);
}

static void fall_asleep(struct ata_disk *disk)
{
    disk->state->power = POWER_STANDBY;
    ata_succeed(disk);
    disk->state->asleep = true;
}

/* SET FEATURES: a table of its own, by the code in Features. */

/* Sector Count: bits 7:3 kind of transfer, 2:0 mode. */
static bool set_transfer_mode(struct ata_disk *disk)
{
    static const struct {
        uint8_t kind, top;
    } kinds[] = {{0x00, 1}, {0x08, 4}, {0x20, 2}, {0x40, 2}}; /* PIO default, PIO, multiword DMA, Ultra DMA */
    uint8_t mode = disk->state->regs.count;

    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
        if ((mode & 0xf8) == kinds[i].kind && (mode & 7) <= kinds[i].top) {
            /* A PIO mode does not deselect the DMA mode. */
            if (kinds[i].kind >= 0x20) disk->state->transfer_mode = mode;
            return true;
        }
    return false;
}

static bool enable_write_cache(struct ata_disk *disk)
{
    disk->state->write_cache = true;
    return true;
}

static bool disable_write_cache(struct ata_disk *disk)
{
    disk->state->write_cache = false;
    return true;
}

static bool enable_look_ahead(struct ata_disk *disk)
{
    disk->state->look_ahead = true;
    return true;
}

static bool disable_look_ahead(struct ata_disk *disk)
{
    disk->state->look_ahead = false;
    return true;
}

static bool keep_settings(struct ata_disk *disk)
{
    disk->state->keep_settings = true;
    return true;
}

static bool revert_settings(struct ata_disk *disk)
{
    disk->state->keep_settings = false;
    return true;
}

static const struct {
    uint8_t code;
    bool (*set)(struct ata_disk *disk);
} features[] = {
    {0x02, enable_write_cache},  {0x03, set_transfer_mode}, {0x55, disable_look_ahead}, {0x66, keep_settings},
    {0x82, disable_write_cache}, {0xaa, enable_look_ahead}, {0xcc, revert_settings},
};

static void set_features(struct ata_disk *disk)
{
    for (unsigned i = 0; i < ARRAY_COUNT(features); i++)
        if (features[i].code == disk->state->regs.features && features[i].set(disk)) {
            if (disk->state->write_cache)
                ata_succeed(disk);
            else
                ata_flush(disk); /* what the cache still held */
            return;
        }
    refuse(disk);
}

/* The table. */

#define READS    ATA_ADDRESSED
#define STORES   (ATA_ADDRESSED | ATA_WRITES)
#define MULTIPLE ATA_MULTIPLE

static const struct ata_command_row commands[] = {
    {0x00, 0xff, ATA_NON_DATA, 0, "NOP", refuse}, /* always ends with an abort (ATA/ATAPI-6, NOP) */
    {0x08, 0xff, ATA_NON_DATA, 0, "DEVICE RESET", refuse},
    {0x10, 0xf0, ATA_NON_DATA, 0, "RECALIBRATE", recalibrate},
    {0x20, 0xff, ATA_PROTOCOL_PIO_IN, READS, "READ SECTORS", start_read},
    {0x21, 0xff, ATA_PROTOCOL_PIO_IN, READS, "READ SECTORS (no retry)", start_read},
    {0x30, 0xff, ATA_PROTOCOL_PIO_OUT, STORES, "WRITE SECTORS", start_write},
    {0x31, 0xff, ATA_PROTOCOL_PIO_OUT, STORES, "WRITE SECTORS (no retry)", start_write},
    {0x40, 0xff, ATA_NON_DATA, READS, "READ VERIFY SECTORS", start_read},
    {0x41, 0xff, ATA_NON_DATA, READS, "READ VERIFY SECTORS (no retry)", start_read},
    {0x70, 0xf0, ATA_NON_DATA, READS | ATA_ONE, "SEEK", succeed},
    {0x90, 0xff, ATA_NON_DATA, 0, "EXECUTE DEVICE DIAGNOSTIC", diagnose},
    {0x91, 0xff, ATA_NON_DATA, 0, "INITIALIZE DEVICE PARAMETERS", initialize_parameters},
    {0x94, 0xff, ATA_NON_DATA, 0, "STANDBY IMMEDIATE (94h)", standby},
    {0x95, 0xff, ATA_NON_DATA, 0, "IDLE IMMEDIATE (95h)", idle},
    {0x96, 0xff, ATA_NON_DATA, 0, "STANDBY (96h)", standby},
    {0x97, 0xff, ATA_NON_DATA, 0, "IDLE (97h)", idle},
    {0x98, 0xff, ATA_NON_DATA, 0, "CHECK POWER MODE (98h)", check_power},
    {0x99, 0xff, ATA_NON_DATA, 0, "SLEEP (99h)", fall_asleep},
    {0xa0, 0xff, ATA_NON_DATA, 0, "PACKET", refuse},
    {0xa1, 0xff, ATA_NON_DATA, 0, "IDENTIFY PACKET DEVICE", refuse},
    {0xb0, 0xff, ATA_NON_DATA, 0, "SMART", refuse},
    {0xc4, 0xff, ATA_PROTOCOL_PIO_IN, READS | MULTIPLE, "READ MULTIPLE", start_read},
    {0xc5, 0xff, ATA_PROTOCOL_PIO_OUT, STORES | MULTIPLE, "WRITE MULTIPLE", start_write},
    {0xc6, 0xff, ATA_NON_DATA, 0, "SET MULTIPLE MODE", set_multiple},
    {0xc8, 0xff, ATA_DMA_IN, READS, "READ DMA", start_dma},
    {0xc9, 0xff, ATA_DMA_IN, READS, "READ DMA (no retry)", start_dma},
    {0xca, 0xff, ATA_DMA_OUT, STORES, "WRITE DMA", start_dma},
    {0xcb, 0xff, ATA_DMA_OUT, STORES, "WRITE DMA (no retry)", start_dma},
    {0xe0, 0xff, ATA_NON_DATA, 0, "STANDBY IMMEDIATE", standby},
    {0xe1, 0xff, ATA_NON_DATA, 0, "IDLE IMMEDIATE", idle},
    {0xe2, 0xff, ATA_NON_DATA, 0, "STANDBY", standby},
    {0xe3, 0xff, ATA_NON_DATA, 0, "IDLE", idle},
    {0xe5, 0xff, ATA_NON_DATA, 0, "CHECK POWER MODE", check_power},
    {0xe6, 0xff, ATA_NON_DATA, 0, "SLEEP", fall_asleep},
    {0xe7, 0xff, ATA_NON_DATA, 0, "FLUSH CACHE", start_flush},
    {0xec, 0xff, ATA_PROTOCOL_PIO_IN, 0, "IDENTIFY DEVICE", start_identify},
    {0xef, 0xff, ATA_NON_DATA, 0, "SET FEATURES", set_features},
};

const struct ata_command_row *ata_find_command(uint8_t code)
{
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        if ((code & commands[i].mask) == commands[i].code) return &commands[i];
    return NULL;
}

const char *ata_command_name(uint8_t code)
{
    const struct ata_command_row *row = ata_find_command(code);
    return row ? row->name : "unknown command";
}

/* Address and count from the task file. False, with IDNF, where they leave the disk; the registers then name
 * the first sector that does not exist. */
static bool load_address(struct ata_disk *disk, uint32_t count)
{
    struct ata_state *s = disk->state;
    const struct ata_taskfile *regs = &s->regs;
    uint32_t cylinder = regs->lba_mid | (uint32_t)regs->lba_high << 8, head = regs->device & 0x0f;
    uint32_t all = ata_sectors(disk), first;

    s->remaining = count;
    if (regs->device & ATA_DEVICE_LBA) {
        s->lba = head << 24 | cylinder << 8 | regs->lba_low;
    } else if (cylinder < s->cylinders && head < s->heads && regs->lba_low >= 1 &&
               regs->lba_low <= s->sectors) {
        s->lba = (cylinder * s->heads + head) * s->sectors + regs->lba_low - 1;
    } else {
        ata_fail(disk, ATA_ERROR_IDNF, 0);
        return false;
    }
    if (s->lba < all && count <= all - s->lba) return true;
    first = s->lba < all ? all : s->lba;
    s->regs.count = (uint8_t)(count - (first - s->lba));
    ata_put_address(disk, first);
    ata_fail(disk, ATA_ERROR_IDNF, 0);
    return false;
}

static bool load_transfer(struct ata_disk *disk, const struct ata_command_row *row)
{
    struct ata_state *s = disk->state;
    uint32_t count = s->regs.count ? s->regs.count : 256;

    if (!load_address(disk, row->flags & ATA_ONE ? 1 : count)) return false;
    s->block = row->flags & ATA_MULTIPLE ? s->multiple : 1;
    s->power = POWER_ACTIVE;
    return true;
}

void ata_execute(struct ata_disk *disk)
{
    const struct ata_command_row *row = ata_find_command(disk->state->regs.command);

    if (!row) {
        if (log_on(LOG_UNIMPLEMENTED))
            log_print("%s: ATA command %02xh is aborted\n", disk->name, disk->state->regs.command);
        refuse(disk);
        return;
    }
    if ((row->flags & ATA_WRITES && block_read_only(disk->block)) ||
        (row->flags & ATA_MULTIPLE && disk->state->multiple == 0)) {
        refuse(disk);
        return;
    }
    if (row->flags & ATA_ADDRESSED && !load_transfer(disk, row)) return;
    row->start(disk);
}

/* SPDX-License-Identifier: MIT */
/*
 * SMART and the logs: ATA/ATAPI-6 (T13/1410D), SMART and READ LOG EXT; page 10h: ATA8-ACS
 * (queued error log). The drive is perfect: its attributes say so, and its error log is empty. Its self-tests read
 * the first sectors.
 */
#include <string.h>
#include "devices/storage/ata_internal.h"

enum { LOG_DIRECTORY = 0x00, LOG_ERRORS = 0x01, LOG_SELF_TESTS = 0x06, LOG_QUEUE_ERROR = 0x10 };

static uint16_t hours_on(const struct ata_drive *drive)
{
    return (uint16_t)(clock_now(drive->clock) / (3600 * VTIME_S));
}

/* Attributes: the numbers that tools know them by, the threshold, and the raw value. */

enum { REALLOCATED = 5, POWER_ON_HOURS = 9, PENDING = 197, ATTRIBUTES = 3 };
static const struct {
    uint8_t id, threshold;
} attributes[ATTRIBUTES] = {{REALLOCATED, 10}, {POWER_ON_HOURS, 0}, {PENDING, 0}};

enum { SMART_VERSION = 0x10, ATTRIBUTE_SIZE = 12 };

static void put_attributes(const struct ata_drive *drive, uint8_t *data)
{
    le16_store(data, SMART_VERSION);
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        uint8_t *at = data + 2 + ATTRIBUTE_SIZE * i;
        at[0] = attributes[i].id;
        le16_store(at + 1, 0x0003); /* pre-failure, kept up on line */
        at[3] = at[4] = 100;        /* now, and at worst: as good as new */
        if (attributes[i].id == POWER_ON_HOURS) le16_store(at + 5, hours_on(drive));
    }
    const struct smart_state *smart = &drive->state->smart;
    data[363] = smart->tests ? (uint8_t)(smart->test[smart->newest].result << 4) : 0;
    data[367] = 0x11;               /* off-line: execute immediate, self-test */
    le16_store(data + 368, 0x0002); /* attributes are kept by themselves */
    data[370] = 0x01;               /* error logging */
    data[372] = data[373] = 1;      /* minutes of a self-test, short and extended */
    ata_put_checksum(data);
}

static void put_thresholds(uint8_t *data)
{
    le16_store(data, SMART_VERSION);
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        data[2 + ATTRIBUTE_SIZE * i] = attributes[i].id;
        data[3 + ATTRIBUTE_SIZE * i] = attributes[i].threshold;
    }
    ata_put_checksum(data);
}

static void put_smart_directory(uint8_t *data)
{
    le16_store(data, 1);
    data[2 * LOG_ERRORS] = data[2 * LOG_SELF_TESTS] = 1; /* sectors each */
}

static void put_error_log(uint8_t *data)
{
    data[0] = 1; /* version; no entry, no errors counted */
    ata_put_checksum(data);
}

static void put_test_log(const struct ata_drive *drive, uint8_t *data)
{
    const struct smart_state *smart = &drive->state->smart;
    le16_store(data, 1);
    for (unsigned i = 0; i < smart->tests; i++) {
        uint8_t *at = data + 2 + 24 * i;
        at[0] = smart->test[i].kind;
        at[1] = (uint8_t)(smart->test[i].result << 4);
        le16_store(at + 2, smart->test[i].hours);
    }
    data[508] = smart->tests ? (uint8_t)(smart->newest + 1) : 0;
    ata_put_checksum(data);
}

/* The subcommands of SMART that answer with one sector. */

static void reply_sector(struct ata_drive *drive, void (*put)(const struct ata_drive *drive, uint8_t *data))
{
    memset(drive->state->buffer, 0, ATA_SECTOR);
    put(drive, drive->state->buffer);
    ata_reply(drive, ATA_SECTOR);
}

static void put_thresholds_of(const struct ata_drive *drive, uint8_t *data)
{
    (void)drive;
    put_thresholds(data);
}

static void put_smart_log(const struct ata_drive *drive, uint8_t *data)
{
    uint8_t log = drive->state->regs.lba_low;
    if (log == LOG_DIRECTORY) put_smart_directory(data);
    if (log == LOG_ERRORS) put_error_log(data);
    if (log == LOG_SELF_TESTS) put_test_log(drive, data);
}

static void read_data(struct ata_drive *drive)
{
    reply_sector(drive, put_attributes);
}

static void read_thresholds(struct ata_drive *drive)
{
    reply_sector(drive, put_thresholds_of);
}

static void read_smart_log(struct ata_drive *drive)
{
    uint8_t log = drive->state->regs.lba_low;
    if ((log != LOG_DIRECTORY && log != LOG_ERRORS && log != LOG_SELF_TESTS) || drive->state->regs.count != 1)
        ata_refuse(drive);
    else
        reply_sector(drive, put_smart_log);
}

/* Attributes are kept at all times; there is nothing to switch or to save. */
static void autosave(struct ata_drive *drive)
{
    if (drive->state->regs.count == 0x00 || drive->state->regs.count == 0xf1)
        ata_succeed(drive);
    else
        ata_refuse(drive);
}

static void enable(struct ata_drive *drive)
{
    drive->state->smart.disabled = false;
    ata_succeed(drive);
}

static void disable(struct ata_drive *drive)
{
    drive->state->smart.disabled = true;
    ata_succeed(drive);
}

/* LBA Mid and High are as the host set them: no threshold is exceeded. */
static void return_status(struct ata_drive *drive)
{
    ata_succeed(drive);
}

/* A self-test reads the first sectors; in the off-line mode too it is over with the command. */
static bool self_test(struct ata_drive *drive, uint8_t kind)
{
    struct ata_state *s = drive->state;
    uint64_t sectors =
        block_sectors(drive->block) < ATA_BUFFER_SECTORS ? block_sectors(drive->block) : ATA_BUFFER_SECTORS;
    bool good = block_read_now(drive->block, 0, s->buffer, sectors * ATA_SECTOR) == 0;

    if (s->smart.tests) s->smart.newest = (uint8_t)((s->smart.newest + 1) % SMART_TESTS);
    if (s->smart.tests < SMART_TESTS) s->smart.tests++;
    s->smart.test[s->smart.newest] =
        (struct smart_test){kind, good ? 0 : 7, hours_on(drive)}; /* 7: reading failed */
    return good;
}

static void execute_offline(struct ata_drive *drive)
{
    struct ata_taskfile *regs = &drive->state->regs;
    uint8_t kind = regs->lba_low, test = kind & 0x7f;

    if (kind == 0x00 || kind == 0x7f) { /* collect data: there is none; abort: none runs */
        ata_succeed(drive);
    } else if (test != 1 && test != 2) {
        ata_refuse(drive);
    } else if (self_test(drive, kind) || !(kind & 0x80)) {
        ata_succeed(drive);
    } else { /* captive: the command says it */
        regs->lba_mid = 0xf4;
        regs->lba_high = 0x2c;
        ata_refuse(drive);
    }
}

static const struct {
    uint8_t code;
    void (*run)(struct ata_drive *drive);
} smart_commands[] = {
    {0xd0, read_data},   {0xd1, read_thresholds}, {0xd2, autosave},
    {0xd3, ata_succeed}, {0xd4, execute_offline}, {0xd5, read_smart_log},
    {0xd8, enable},      {0xd9, disable},         {0xda, return_status},
};

void ata_smart(struct ata_drive *drive)
{
    const struct ata_taskfile *regs = &drive->state->regs;
    bool key = regs->lba_mid == 0x4f && regs->lba_high == 0xc2;

    for (unsigned i = 0; key && i < ARRAY_COUNT(smart_commands); i++)
        if (smart_commands[i].code == regs->features &&
            (!drive->state->smart.disabled || regs->features == 0xd8)) {
            smart_commands[i].run(drive);
            return;
        }
    ata_refuse(drive);
}

/* READ LOG EXT. */

static void put_directory(const struct ata_drive *drive, uint8_t *data)
{
    le16_store(data, 1);
    if (drive->ops->queue_depth) le16_store(data + 2 * LOG_QUEUE_ERROR, 1);
}

static void put_queue_error(const struct ata_drive *drive, uint8_t *data)
{
    const struct ata_queue_error *error = &drive->state->queue_error;
    const struct ata_taskfile *regs = &error->regs;
    const uint8_t fields[14] = {error->tag,
                                0,
                                regs->status,
                                regs->error,
                                regs->lba_low,
                                regs->lba_mid,
                                regs->lba_high,
                                regs->device,
                                regs->lba_low_previous,
                                regs->lba_mid_previous,
                                regs->lba_high_previous,
                                0,
                                regs->count,
                                regs->count_previous};
    memcpy(data, fields, sizeof fields);
    ata_put_checksum(data);
}

/* Sector Count pages of the log that LBA Low names, from page LBA Mid on; here every log has one. */
void ata_read_log(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    uint8_t log = s->regs.lba_low;
    bool there = log == LOG_DIRECTORY || (log == LOG_QUEUE_ERROR && drive->ops->queue_depth);

    if (!there || ata_count48(&s->regs) != 1 || s->regs.lba_mid || s->regs.lba_mid_previous) {
        ata_refuse(drive);
        return;
    }
    bool queue = log == LOG_QUEUE_ERROR;
    reply_sector(drive, queue ? put_queue_error : put_directory);
    if (queue) s->queue_error = (struct ata_queue_error){0};
}

/* SPDX-License-Identifier: MIT */
/* Commands of the floppy controller: 82077AA data sheet, 5.0 (command set) and 6.0 (descriptions). */
#include <errno.h>
#include <string.h>
#include "devices/storage/fdc_internal.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(command_event, "fdc.command", "command:s unit:u head:u cylinder:u sector:u");
TRACE_EVENT(sector_event, "fdc.sector", "unit:u track:u head:u sector:u write:u error:d");

#define VERSION          0x90 /* 82077AA: enhanced controller */
#define RECALIBRATE_MOST 79   /* steps */
#define TRACK_LAST       84   /* where a drive's heads come to a stop */
#define IMPLIED_SEEK     0x40 /* CONFIGURE, EIS */
#define FORMAT_BYTES     4    /* of FORMAT TRACK for each sector: C H R N */

struct fdc_command {
    uint8_t code, mask; /* of the first byte: the rest are options */
    uint8_t length;
    const char *name;
    void (*execute)(struct fdc *fdc);
};

/* ---- drives ---- */

static struct fdc_drive *drive_of(struct fdc *fdc, unsigned unit)
{
    return unit < FDC_DRIVES && fdc->drive[unit].type != FLOPPY_NONE ? &fdc->drive[unit] : NULL;
}

static uint8_t unit_byte(const struct fdc *fdc)
{
    return (uint8_t)(fdc->state.head << 2 | fdc->state.unit);
}

/* ---- the end of a data command ---- */

static void end_data(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    const uint8_t result[] = {
        (uint8_t)(s->st0 | unit_byte(fdc)), s->st1, s->st2, s->cylinder, s->id_head, s->sector, s->size};
    for (unsigned i = 0; i < ARRAY_COUNT(result); i++) fdc_result(fdc, result[i]);
    fdc_enter_result(fdc, true);
}

static void fail_data(struct fdc *fdc, uint8_t st0, uint8_t st1, uint8_t st2)
{
    fdc->state.st0 = ST0_ABNORMAL | st0;
    fdc->state.st1 |= st1;
    fdc->state.st2 |= st2;
    end_data(fdc);
}

/* Nothing passes under the head that fits: known after the disk has turned twice. */
static void fail_late(struct fdc *fdc, uint8_t st1, uint8_t st2)
{
    fdc->state.st1 = st1;
    fdc->state.st2 = st2;
    fdc_wait(fdc, FDC_STEP_FAIL, FDC_INDEX_TIME);
}

/* ---- sectors ---- */

static bool multitrack(const struct fdc *fdc)
{
    return (fdc->state.command[0] & 0x80) != 0;
}

/* What comes after the sector (data sheet, table 5-4): true when that was the last one. */
static bool next_sector(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    bool last = s->sector == s->last;
    if (!last) {
        s->sector++;
        return false;
    }
    s->sector = 1;
    if (multitrack(fdc) && !s->head) {
        s->head = 1;
        s->id_head ^= 1;
        return false;
    }
    if (multitrack(fdc)) s->id_head ^= 1;
    s->cylinder++;
    return true;
}

static bool readable(const struct fdc *fdc, const struct fdc_drive *drive)
{
    return drive && drive->block && drive->format->rate == fdc->state.rate && fdc->state.command[0] & 0x40 &&
           fdc->state.head < drive->format->heads &&
           fdc->state.drive[fdc->state.unit].track < drive->format->tracks;
}

/* Is the sector that the command names under the head? Else the failure is on its way. */
static bool find_sector(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    struct fdc_drive *drive = drive_of(fdc, s->unit);
    if (!readable(fdc, drive)) {
        fail_late(fdc, ST1_MISSING_ADDRESS_MARK, 0);
        return false;
    }
    if (s->cylinder != s->drive[s->unit].track) {
        fail_late(fdc, ST1_NO_DATA, ST2_WRONG_CYLINDER);
        return false;
    }
    if (!s->sector || s->sector > drive->format->sectors || s->size != FDC_SIZE_CODE ||
        s->id_head != s->head) {
        fail_late(fdc, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

static uint64_t place_of(const struct fdc *fdc, unsigned sector)
{
    const struct fdc_state *s = &fdc->state;
    const struct floppy_format *format = fdc->drive[s->unit].format;
    unsigned track = s->drive[s->unit].track;
    return ((uint64_t)(track * format->heads + s->head) * format->sectors + sector - 1) * FDC_SECTOR;
}

/* The sector between disk and buffer; false when the command ended. */
static bool sector_io(struct fdc *fdc, unsigned sector)
{
    struct fdc_state *s = &fdc->state;
    struct block *block = fdc->drive[s->unit].block;
    uint64_t place = place_of(fdc, sector);
    int error = 0;
    if (place / FDC_SECTOR < block_sectors(block))
        error = s->writing ? block_write_now(block, place, s->buffer, FDC_SECTOR)
                           : block_read_now(block, place, s->buffer, FDC_SECTOR);
    else if (s->writing) /* the image is cut short, and does not grow */
        error = ENOSPC;
    else
        memset(s->buffer, 0, FDC_SECTOR);
    if (trace_on(&sector_event))
        trace_emit(&sector_event, fdc->clock, (uint64_t)s->unit, (uint64_t)s->drive[s->unit].track,
                   (uint64_t)s->head, (uint64_t)sector, (uint64_t)s->writing, (int64_t)error);
    if (!error) return true;
    fail_data(fdc, 0, ST1_DATA_ERROR, s->writing ? 0 : ST2_DATA_ERROR);
    return false;
}

static void begin_sector(struct fdc *fdc)
{
    if (!find_sector(fdc)) return;
    if (fdc->state.writing) {
        fdc->state.filled = FDC_SECTOR;
        fdc_move(fdc);
    } else {
        fdc_wait(fdc, FDC_STEP_SECTOR, FDC_SECTOR_TIME);
    }
}

static bool verifying(const struct fdc *fdc)
{
    return (fdc->state.command[0] & 0x1f) == 0x16;
}

/* A sector is done: the end, or the next. Without a terminal count the end is at EOT, as an error. */
static void go_on(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    bool at_end = next_sector(fdc);
    bool counted = verifying(fdc) && s->command[1] & 0x80 && --s->left == 0;
    if (s->terminal || counted || (verifying(fdc) && at_end))
        end_data(fdc);
    else if (at_end)
        fail_data(fdc, 0, ST1_END_OF_CYLINDER, 0);
    else if (s->st2 & ST2_CONTROL_MARK)
        end_data(fdc);
    else
        begin_sector(fdc);
}

static void sector_step(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    if (!find_sector(fdc)) return; /* another disk came meanwhile, or none */
    if (s->writing && block_read_only(fdc->drive[s->unit].block)) {
        fail_data(fdc, 0, ST1_NOT_WRITABLE, 0);
        return;
    }
    if (!sector_io(fdc, s->sector)) return;
    if (s->writing || verifying(fdc)) {
        go_on(fdc);
        return;
    }
    s->filled = FDC_SECTOR;
    fdc_move(fdc);
}

/* ---- READ DATA, WRITE DATA and their kin ---- */

/* False when the command has failed already. */
static bool start_command(struct fdc *fdc, bool writing)
{
    struct fdc_state *s = &fdc->state;
    s->unit = s->command[1] & 3;
    s->head = s->command[1] >> 2 & 1;
    s->cylinder = s->id_head = s->sector = s->size = 0;
    s->writing = writing;
    s->terminal = false;
    s->st0 = s->st1 = s->st2 = 0;
    const struct fdc_drive *drive = drive_of(fdc, s->unit);
    if (!writing || !drive || !drive->block || !block_read_only(drive->block)) return true;
    fail_data(fdc, 0, ST1_NOT_WRITABLE, 0);
    return false;
}

static bool start_data(struct fdc *fdc, bool writing)
{
    struct fdc_state *s = &fdc->state;
    if (!start_command(fdc, writing)) return false;
    s->cylinder = s->command[2];
    s->id_head = s->command[3];
    s->sector = s->command[4];
    s->size = s->command[5];
    s->last = s->command[6];
    s->left = s->command[8];
    if (s->config[1] & IMPLIED_SEEK && drive_of(fdc, s->unit))
        s->drive[s->unit].track = s->present[s->unit] = s->cylinder < TRACK_LAST ? s->cylinder : TRACK_LAST;
    return true;
}

static void read_data(struct fdc *fdc)
{
    if (start_data(fdc, false)) begin_sector(fdc);
}

/* Images hold no deleted data: what is found is the other kind, and the command stops after it (SK = 0) or passes over it. */
static void read_deleted(struct fdc *fdc)
{
    if (!start_data(fdc, false)) return;
    if (fdc->state.command[0] & 0x20) {
        fail_late(fdc, ST1_NO_DATA, 0);
        return;
    }
    fdc->state.st2 = ST2_CONTROL_MARK;
    begin_sector(fdc);
}

static void read_track(struct fdc *fdc)
{
    if (!start_data(fdc, false)) return;
    fdc->state.sector = 1;
    begin_sector(fdc);
}

static void write_data(struct fdc *fdc)
{
    if (start_data(fdc, true)) begin_sector(fdc);
}

/* Bytes 2 to 5 are N, SC (sectors), GPL (the gap) and D (the filler). */
static void format_track(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    if (!start_command(fdc, true)) return;
    const struct fdc_drive *drive = drive_of(fdc, s->unit);
    s->left = s->command[3];
    if (!readable(fdc, drive) || !s->left || s->left > drive->format->sectors ||
        s->command[2] != FDC_SIZE_CODE) {
        fail_late(fdc, ST1_MISSING_ADDRESS_MARK, 0);
        return;
    }
    s->filled = (uint16_t)(s->left * FORMAT_BYTES);
    fdc_move(fdc);
}

/* The four bytes C H R N of each sector have come: every one of the track gets the filler byte. */
static void format_sectors(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    uint8_t sectors[FDC_SECTOR];
    unsigned count = s->filled / FORMAT_BYTES;
    memcpy(sectors, s->buffer, sizeof sectors);
    memset(s->buffer, s->command[5], FDC_SECTOR);
    for (unsigned i = 0; i < count; i++) {
        uint8_t sector = sectors[i * FORMAT_BYTES + 2];
        if (!sector || sector > fdc->drive[s->unit].format->sectors) continue;
        if (!sector_io(fdc, sector)) return;
    }
    end_data(fdc);
}

static bool formatting(const struct fdc *fdc)
{
    return (fdc->state.command[0] & 0x1f) == 0x0d;
}

void fdc_moved(struct fdc *fdc, uint32_t bytes)
{
    struct fdc_state *s = &fdc->state;
    if (!s->writing) {
        go_on(fdc);
        return;
    }
    memset(s->buffer + bytes, 0, FDC_SECTOR - bytes); /* 5.1.5: the rest of a sector that was cut short */
    struct fdc_drive *drive = drive_of(fdc, s->unit);
    if (!drive || !drive->block)
        fail_data(fdc, 0, ST1_MISSING_ADDRESS_MARK, 0);
    else if (formatting(fdc))
        format_sectors(fdc);
    else
        fdc_wait(fdc, FDC_STEP_SECTOR, FDC_SECTOR_TIME);
}

/* ---- READ ID ---- */

static void read_id(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    (void)start_command(fdc, false);
    if (readable(fdc, drive_of(fdc, s->unit)))
        fdc_wait(fdc, FDC_STEP_READ_ID, FDC_SECTOR_TIME);
    else
        fail_late(fdc, ST1_MISSING_ADDRESS_MARK, 0);
}

/* Whatever comes by; the disk turns with the clock. */
static void read_id_step(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    if (!readable(fdc, drive_of(fdc, s->unit))) {
        fail_data(fdc, 0, ST1_MISSING_ADDRESS_MARK, 0);
        return;
    }
    s->cylinder = s->drive[s->unit].track;
    s->id_head = s->head;
    s->sector = (uint8_t)(clock_now(fdc->clock) / FDC_SECTOR_TIME % fdc->drive[s->unit].format->sectors + 1);
    s->size = FDC_SIZE_CODE;
    end_data(fdc);
}

void fdc_step(struct fdc *fdc)
{
    enum fdc_step step = fdc->state.step;
    fdc->state.step = FDC_STEP_NONE;
    if (step == FDC_STEP_SECTOR) sector_step(fdc);
    if (step == FDC_STEP_READ_ID) read_id_step(fdc);
    if (step == FDC_STEP_FAIL) fail_data(fdc, 0, 0, 0);
}

/* ---- moving the heads ---- */

static void end_seek(struct fdc *fdc, unsigned unit)
{
    fdc->state.sensed |= (uint8_t)(1u << unit);
    fdc_set_irq(fdc, true);
}

/* Moves the heads of a unit by `steps`, outward when negative; `st0` is what SENSE INTERRUPT STATUS will tell. */
static void move_heads(struct fdc *fdc, unsigned unit, int steps, uint8_t st0)
{
    struct fdc_state *s = &fdc->state;
    struct fdc_drive *drive = drive_of(fdc, unit);
    fdc_enter_command(fdc);
    s->sense[unit] = (uint8_t)(ST0_SEEK_END | st0 | unit);
    if (!drive) {
        end_seek(fdc, unit);
        return;
    }
    int target = s->drive[unit].track + steps;
    s->drive[unit].target = (uint8_t)(target < 0 ? 0 : target < TRACK_LAST ? target : TRACK_LAST);
    s->drive[unit].seeking = true;
    clock_event_in(&drive->seek, FDC_STEP_TIME * ((unsigned)(steps < 0 ? -steps : steps) + 1));
}

/* Steps outward until the drive says track 0, and gives up after 79 steps (6.2.2); no drive never says so. */
static void recalibrate(struct fdc *fdc)
{
    unsigned unit = fdc->state.command[1] & 3;
    bool there = drive_of(fdc, unit) != NULL;
    int track = there ? fdc->state.drive[unit].track : RECALIBRATE_MOST + 1;
    fdc->state.present[unit] = 0;
    if (track <= RECALIBRATE_MOST)
        move_heads(fdc, unit, -track, 0);
    else
        move_heads(fdc, unit, -RECALIBRATE_MOST, ST0_ABNORMAL | ST0_EQUIPMENT_CHECK);
}

/* The controller counts steps from where it believes the heads to be. */
static void seek_to(struct fdc *fdc, unsigned unit, uint8_t target)
{
    int steps = target - fdc->state.present[unit];
    fdc->state.present[unit] = target;
    move_heads(fdc, unit, steps, 0);
}

static void seek(struct fdc *fdc)
{
    seek_to(fdc, fdc->state.command[1] & 3, fdc->state.command[2]);
}

/* Bit 6 of the first byte is the direction, 1 inward (5.1, RELATIVE SEEK). */
static void relative_seek(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    unsigned unit = s->command[1] & 3;
    int tracks = s->command[2], target = s->present[unit] + (s->command[0] & 0x40 ? tracks : -tracks);
    seek_to(fdc, unit, (uint8_t)(target < 0 ? 0 : target < 0xff ? target : 0xff));
}

void fdc_seek_done(struct fdc *fdc, unsigned unit)
{
    struct fdc_drive_state *heads = &fdc->state.drive[unit];
    if (heads->track != heads->target && fdc->drive[unit].block) heads->changed = false;
    heads->track = heads->target;
    heads->seeking = false;
    end_seek(fdc, unit);
}

/* ---- commands without an execution phase ---- */

static void result_one(struct fdc *fdc, uint8_t value)
{
    fdc_result(fdc, value);
    fdc_enter_result(fdc, false);
}

static void invalid(struct fdc *fdc)
{
    lint("fdc", "82077AA, 5.0", "%02X is no command", fdc->state.command[0]);
    result_one(fdc, ST0_INVALID);
}

static void sense_interrupt(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    for (unsigned unit = 0; unit < FDC_UNITS; unit++) {
        if (!(s->sensed & 1u << unit)) continue;
        s->sensed &= (uint8_t) ~(1u << unit);
        fdc_set_irq(fdc, false);
        fdc_result(fdc, s->sense[unit]);
        result_one(fdc, s->present[unit]);
        return;
    }
    result_one(fdc, ST0_INVALID);
}

static void sense_drive(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    unsigned unit = s->command[1] & 3;
    const struct fdc_drive *drive = drive_of(fdc, unit);
    uint8_t st3 = (uint8_t)(ST3_READY | ST3_TWO_SIDED | (s->command[1] & 7));
    if (drive && !s->drive[unit].track) st3 |= ST3_TRACK_0;
    if (drive && drive->block && block_read_only(drive->block)) st3 |= ST3_WRITE_PROTECTED;
    result_one(fdc, st3);
}

static void specify(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    s->step_rate = s->command[1];
    s->head_load = s->command[2] >> 1;
    s->non_dma = s->command[2] & 1;
    fdc_enter_command(fdc);
}

static void configure(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    memcpy(s->config, s->command + 1, sizeof s->config);
    s->polling_off = s->config[1] & 0x10;
    fdc_enter_command(fdc);
}

static void perpendicular_mode(struct fdc *fdc)
{
    fdc->state.perpendicular = fdc->state.command[1];
    fdc_enter_command(fdc);
}

static void lock(struct fdc *fdc)
{
    fdc->state.locked = fdc->state.command[0] & 0x80;
    result_one(fdc, (uint8_t)(fdc->state.locked << 4));
}

static void version(struct fdc *fdc)
{
    result_one(fdc, VERSION);
}

static void dump_registers(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    for (unsigned i = 0; i < FDC_UNITS; i++) fdc_result(fdc, s->present[i]);
    fdc_result(fdc, s->step_rate);
    fdc_result(fdc, (uint8_t)(s->head_load << 1 | s->non_dma));
    fdc_result(fdc, s->last);
    fdc_result(fdc, (uint8_t)(s->locked << 7 | (s->perpendicular & 0x3f)));
    fdc_result(fdc, s->config[1]);
    result_one(fdc, s->config[2]);
}

static const struct fdc_command commands[] = {
    {0x06, 0x1f, 9, "READ DATA", read_data},
    {0x0c, 0x1f, 9, "READ DELETED DATA", read_deleted},
    {0x05, 0x3f, 9, "WRITE DATA", write_data},
    {0x09, 0x3f, 9, "WRITE DELETED DATA", write_data},
    {0x02, 0x9f, 9, "READ TRACK", read_track},
    {0x16, 0x1f, 9, "VERIFY", read_data},
    {0x0d, 0xbf, 6, "FORMAT TRACK", format_track},
    {0x0a, 0xbf, 2, "READ ID", read_id},
    {0x07, 0xff, 2, "RECALIBRATE", recalibrate},
    {0x0f, 0xff, 3, "SEEK", seek},
    {0x8f, 0xbf, 3, "RELATIVE SEEK", relative_seek},
    {0x08, 0xff, 1, "SENSE INTERRUPT STATUS", sense_interrupt},
    {0x04, 0xff, 2, "SENSE DRIVE STATUS", sense_drive},
    {0x03, 0xff, 3, "SPECIFY", specify},
    {0x13, 0xff, 4, "CONFIGURE", configure},
    {0x12, 0xff, 2, "PERPENDICULAR MODE", perpendicular_mode},
    {0x14, 0x7f, 1, "LOCK", lock},
    {0x10, 0xff, 1, "VERSION", version},
    {0x0e, 0xff, 1, "DUMPREG", dump_registers},
};
static const struct fdc_command no_command = {0, 0, 1, "INVALID", invalid};

static const struct fdc_command *find_command(uint8_t code)
{
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        if ((code & commands[i].mask) == commands[i].code) return &commands[i];
    return &no_command;
}

unsigned fdc_command_length(uint8_t code)
{
    return find_command(code)->length;
}

const char *fdc_command_name(uint8_t code)
{
    return find_command(code)->name;
}

void fdc_execute(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    const struct fdc_command *command = find_command(s->command[0]);
    if (trace_on(&command_event))
        trace_emit(&command_event, fdc->clock, command->name, (uint64_t)(s->command[1] & 3),
                   (uint64_t)(s->command[1] >> 2 & 1), (uint64_t)s->command[2], (uint64_t)s->command[4]);
    s->phase = FDC_EXECUTING;
    command->execute(fdc);
}

void fdc_commands_reset(struct fdc *fdc, bool hard)
{
    struct fdc_state *s = &fdc->state;
    s->sensed = 0;
    memset(s->present, 0, sizeof s->present);
    if (hard) s->locked = s->non_dma = false;
    if (s->locked) return; /* LOCK keeps EFIFO, FIFOTHR and PRETRK (6.2.11) */
    s->config[0] = s->config[2] = 0;
    s->config[1] = 0x20; /* FIFO off, polling on */
    s->polling_off = false;
}

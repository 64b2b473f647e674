/* SPDX-License-Identifier: MIT */
/* The ATA device's life: its state, resets, save and load, and how a drive is put there. See ata.h. */
#include <string.h>
#include "devices/storage/ata_internal.h"

static const struct state_field taskfile_fields[] = {
    STATE_FIELD(struct ata_taskfile, features),
    STATE_FIELD(struct ata_taskfile, count),
    STATE_FIELD(struct ata_taskfile, lba_low),
    STATE_FIELD(struct ata_taskfile, lba_mid),
    STATE_FIELD(struct ata_taskfile, lba_high),
    STATE_FIELD(struct ata_taskfile, device),
    STATE_FIELD(struct ata_taskfile, command),
    STATE_FIELD(struct ata_taskfile, status),
    STATE_FIELD(struct ata_taskfile, error),
    STATE_FIELD(struct ata_taskfile, features_previous),
    STATE_FIELD(struct ata_taskfile, count_previous),
    STATE_FIELD(struct ata_taskfile, lba_low_previous),
    STATE_FIELD(struct ata_taskfile, lba_mid_previous),
    STATE_FIELD(struct ata_taskfile, lba_high_previous),
    STATE_END,
};

static const struct state_field queue_error_fields[] = {
    STATE_FIELD(struct ata_queue_error, halted),
    STATE_FIELD(struct ata_queue_error, tag),
    STATE_STRUCT_FIELD(struct ata_queue_error, regs, taskfile_fields),
    STATE_END,
};

static const struct state_field packet_fields[] = {
    STATE_FIELD(struct atapi_state, packet),        STATE_FIELD(struct atapi_state, dma),
    STATE_FIELD(struct atapi_state, limit),         STATE_FIELD(struct atapi_state, key),
    STATE_FIELD(struct atapi_state, asc),           STATE_FIELD(struct atapi_state, ascq),
    STATE_FIELD(struct atapi_state, attentions),    STATE_FIELD(struct atapi_state, event),
    STATE_FIELD(struct atapi_state, locked),        STATE_FIELD(struct atapi_state, tray_open),
    STATE_FIELD(struct atapi_state, raw),           STATE_FIELD(struct atapi_state, error_recovery),
    STATE_FIELD(struct atapi_state, audio_control), STATE_END,
};

static const struct state_field smart_test_fields[] = {
    STATE_FIELD(struct smart_test, kind),
    STATE_FIELD(struct smart_test, result),
    STATE_FIELD(struct smart_test, hours),
    STATE_END,
};

static const struct state_field smart_fields[] = {
    STATE_FIELD(struct smart_state, disabled),
    STATE_FIELD(struct smart_state, tests),
    STATE_FIELD(struct smart_state, newest),
    STATE_STRUCTS(struct smart_state, test, smart_test_fields),
    STATE_END,
};

const struct state_field ata_state_fields[] = {
    STATE_STRUCT_FIELD(struct ata_state, regs, taskfile_fields),
    STATE_FIELD(struct ata_state, phase),
    STATE_FIELD(struct ata_state, interrupt),
    STATE_FIELD(struct ata_state, asleep),
    STATE_FIELD(struct ata_state, power),
    STATE_FIELD(struct ata_state, multiple),
    STATE_FIELD(struct ata_state, transfer_mode),
    STATE_FIELD(struct ata_state, write_cache),
    STATE_FIELD(struct ata_state, look_ahead),
    STATE_FIELD(struct ata_state, keep_settings),
    STATE_FIELD(struct ata_state, cylinders),
    STATE_FIELD(struct ata_state, heads),
    STATE_FIELD(struct ata_state, sectors),
    STATE_FIELD(struct ata_state, limit),
    STATE_FIELD(struct ata_state, lasting_limit),
    STATE_FIELD(struct ata_state, native_max_read),
    STATE_STRUCT_FIELD(struct ata_state, smart, smart_fields),
    STATE_STRUCT_FIELD(struct ata_state, queue_error, queue_error_fields),
    STATE_STRUCT_FIELD(struct ata_state, packet, packet_fields),
    STATE_FIELD(struct ata_state, lba),
    STATE_FIELD(struct ata_state, remaining),
    STATE_FIELD(struct ata_state, block),
    STATE_FIELD(struct ata_state, filled),
    STATE_FIELD(struct ata_state, position),
    STATE_FIELD(struct ata_state, block_end),
    STATE_FIELD(struct ata_state, buffer),
    STATE_END,
};

/* Commands come in. */

void ata_load_taskfile(struct ata_drive *drive, const struct ata_taskfile *regs)
{
    struct ata_taskfile old = drive->state->regs;
    if (!drive->present) return;
    drive->state->regs = *regs;
    drive->state->regs.status = old.status;
    drive->state->regs.error = old.error;
}

void ata_command(struct ata_drive *drive, uint8_t code)
{
    struct ata_state *s = drive->state;
    if (!drive->present) return;
    if (code == ATA_DEVICE_RESET && drive->kind == ATA_CDROM) {
        s->regs.command = code;
        atapi_device_reset(drive);
        return;
    }
    if (s->asleep) return;
    s->regs.command = code;
    s->regs.error = 0;
    ata_set_phase(drive, ATA_EXECUTING);
    clock_event_in(&drive->timer, ATA_COMMAND_TIME);
    ata_acknowledge(drive);
}

/* Resets: what is under way is taken back first (LESSONS 37). */

void ata_stop(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    clock_event_cancel(&drive->timer);
    block_cancel(&drive->request);
    s->remaining = 0;
    s->filled = s->position = s->block_end = 0;
    s->asleep = false;
    s->native_max_read = false;
    s->queue_error = (struct ata_queue_error){0};
    ata_set_phase(drive, ATA_RESETTING);
    ata_acknowledge(drive);
}

void ata_signature(struct ata_drive *drive)
{
    struct ata_taskfile *regs = &drive->state->regs;
    bool packet = drive->kind == ATA_CDROM;
    regs->count = 1;
    regs->lba_low = 1;
    regs->lba_mid = packet ? 0x14 : 0;
    regs->lba_high = packet ? 0xeb : 0;
    regs->count_previous = regs->lba_low_previous = regs->lba_mid_previous = regs->lba_high_previous = 0;
    regs->device = 0;
    regs->error = ATA_DIAGNOSTIC_PASSED;
}

/* A CD-ROM is not DRDY before its first command (Signature and persistence). */
void ata_reset_over(struct ata_drive *drive)
{
    ata_set_phase(drive, ATA_IDLE);
    if (drive->kind == ATA_CDROM) drive->state->regs.status = 0;
    if (drive->ops->reset_done) drive->ops->reset_done(drive->owner, drive);
}

void ata_soft_reset_begin(struct ata_drive *drive)
{
    if (!drive->present) return;
    ata_stop(drive);
    if (!drive->state->keep_settings) ata_power_on_defaults(drive);
    if (drive->kind == ATA_CDROM) atapi_reset(drive, false);
    ata_signature(drive);
}

void ata_soft_reset_end(struct ata_drive *drive)
{
    if (drive->present) clock_event_in(&drive->timer, ATA_RESET_TIME);
}

void ata_reset(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    uint64_t lasting_limit = s->lasting_limit;
    const struct smart_state smart = s->smart; /* outlasts power (ATA/ATAPI-6, SMART ENABLE OPERATIONS) */
    bool tray_open = s->packet.tray_open;

    ata_stop(drive);
    memset(s, 0, sizeof *s);
    if (!drive->present) return;
    s->limit = s->lasting_limit = lasting_limit;
    s->smart = smart;
    s->packet.tray_open = tray_open;
    ata_power_on_defaults(drive);
    if (drive->kind == ATA_CDROM) atapi_reset(drive, true);
    ata_signature(drive);
    ata_set_phase(drive, ATA_RESETTING);
    ata_soft_reset_end(drive);
}

/* Save and load. */

static bool buffer_is_sane(const struct ata_state *s)
{
    const struct ata_command_row *row = ata_find_command(s->regs.command);
    bool pio = s->phase == ATA_PIO_IN || s->phase == ATA_PIO_OUT || s->phase == ATA_PACKET;
    if (s->block_end > sizeof s->buffer || s->filled > sizeof s->buffer) return false;
    if (s->phase == ATA_TRIMMING && (s->filled % ATA_SECTOR || s->position % 8)) return false;
    bool to_buffer =
        s->phase == ATA_PIO_IN || s->phase == ATA_PACKET || (s->phase == ATA_PIO_OUT && row && row->received);
    if (to_buffer && s->block_end > s->filled) return false;
    bool to_disk = s->phase == ATA_WRITING || (s->phase == ATA_PIO_OUT && !to_buffer);
    if (to_disk && (s->block_end % ATA_SECTOR || s->block_end / ATA_SECTOR > s->remaining)) return false;
    return s->position <= (pio || s->phase == ATA_WRITING ? s->block_end : s->filled);
}

/* The drive's own request is in flight. */
static bool is_on_disk(uint8_t phase)
{
    return phase == ATA_READING || phase == ATA_WRITING || phase == ATA_FLUSHING || phase == ATA_TRIMMING;
}

/* A CD-ROM reads for packets, and does nothing else with its disc. */
static bool row_fits(const struct ata_drive *drive, const struct ata_command_row *row)
{
    uint8_t phase = drive->state->phase;
    if (drive->kind == ATA_HARD_DISK) return row->flags & ATA_FOR_DISK;
    if (is_on_disk(phase) && (phase != ATA_READING || row->protocol != ATA_PROTOCOL_PACKET)) return false;
    return row->flags & ATA_FOR_CDROM;
}

static bool phase_is_sane(const struct ata_drive *drive)
{
    const struct ata_state *s = drive->state;
    const struct ata_command_row *row = ata_find_command(s->regs.command);
    bool moves = s->phase >= ATA_READING && s->phase <= ATA_DMA,
         packet = row && row->protocol == ATA_PROTOCOL_PACKET;
    if (s->phase >= ATA_PHASES) return false;
    if (s->phase <= ATA_EXECUTING) return true;
    if (!row || !row_fits(drive, row) || (moves && packet && s->packet.limit == 0)) return false;
    if ((s->phase == ATA_DECODING || s->phase == ATA_PACKET) && !packet) return false;
    if (s->phase == ATA_TRIMMING && (packet || !row->received)) return false;
    bool blocks = s->phase >= ATA_READING && s->phase <= ATA_WRITING; /* which divide by it */
    return !blocks || (s->block > 0 && s->block <= ATA_BUFFER_SECTORS);
}

/* Whether a saved state can have been made by this drive: what indexes the buffer, divides, names a command or a
 * place on the disk. */
static bool state_is_sane(const struct ata_drive *drive)
{
    const struct ata_state *s = drive->state;
    bool disk = drive->kind == ATA_HARD_DISK;
    uint64_t most = disk ? block_sectors(drive->block) : UINT64_C(1) << 40;
    if (s->heads == 0 || s->sectors == 0) return false;
    if (s->smart.tests > SMART_TESTS || s->smart.newest >= SMART_TESTS) return false;
    if (disk && (s->limit > most || s->lasting_limit > most)) return false;
    return s->remaining <= most && s->lba <= most - s->remaining && buffer_is_sane(s) && phase_is_sane(drive);
}

void ata_loaded(struct ata_drive *drive)
{
    const struct ata_state *s = drive->state;
    if (!drive->present) return;
    if (!state_is_sane(drive)) {
        drive->state->smart = (struct smart_state){0};
        ata_reset(drive);
        return;
    }
    block_cancel(&drive->request);
    if (s->phase == ATA_READING)
        ata_read_more(drive);
    else if (s->phase == ATA_WRITING)
        ata_submit(drive, ATA_WRITING, BLOCK_WRITE, s->lba, s->block_end / ATA_SECTOR);
    else if (s->phase == ATA_FLUSHING)
        ata_flush(drive);
    else if (s->phase == ATA_TRIMMING)
        ata_trim_go(drive);
}

void ata_save_request(const struct ata_drive *drive, struct state_buffer *to)
{
    struct block_request_state request;
    block_request_get_state(&drive->request, &request);
    state_save(&block_request_table, &request, to);
}

bool ata_load_request(struct ata_drive *drive, struct state_buffer *from, struct error *error)
{
    struct block_request_state request;
    block_cancel(&drive->request);
    if (!state_load(&block_request_table, &request, from, error)) return false;
    if (drive->present && !state_is_sane(drive))
        return error_set(error, "%s: no drive can be in this state", drive->name);
    if (!request.busy) return true;
    bool moves = request.op == BLOCK_READ || request.op == BLOCK_WRITE;
    if (!drive->block || !is_on_disk(drive->state->phase) ||
        (moves && request.size > sizeof drive->state->buffer))
        return error_set(error, "%s: the request in flight does not fit the drive", drive->name);
    ata_prepare(drive, (enum block_op)request.op, request.offset / ATA_SECTOR, request.size / ATA_SECTOR);
    return block_request_resume(drive->block, &drive->request, &request) ||
           error_set(error, "%s: the request in flight does not fit the drive", drive->name);
}

/* Creation. */

void ata_init(struct ata_drive *drive, struct ata_state *state, const char *name, struct clock *clock,
              struct mem_guard *guard, const struct ata_host_ops *ops, void *owner)
{
    *drive = (struct ata_drive){
        .name = name, .state = state, .clock = clock, .guard = guard, .ops = ops, .owner = owner};
    snprintf(drive->timer_name, sizeof drive->timer_name, "%s.timer", name);
    snprintf(drive->request_name, sizeof drive->request_name, "%s.request", name);
    clock_event_init(&drive->timer, clock, drive->timer_name, ata_timer_fired, drive);
    block_request_init(&drive->request, clock, drive->request_name, ata_request_done, drive);
}

void ata_destroy(struct ata_drive *drive)
{
    block_request_destroy(&drive->request);
    clock_event_destroy(&drive->timer);
}

static bool choose_geometry(struct ata_drive *drive, const struct ata_drive_config *config,
                            struct block *block, struct error *error)
{
    struct ata_geometry g = config->geometry;
    if (!g.cylinders && !g.heads && !g.sectors) g = ata_default_geometry(block ? block_sectors(block) : 0);
    if (g.cylinders < 1 || g.cylinders > 16383 || g.heads < 1 || g.heads > 16 || g.sectors < 1 ||
        g.sectors > 63)
        return error_set(error,
                         "%s: geometry %u,%u,%u: must be within 1-16383 cylinders, 1-16 heads, 1-63 sectors",
                         drive->name, g.cylinders, g.heads, g.sectors);
    drive->geometry = g;
    return true;
}

static bool copy_text(const struct ata_drive *drive, const char *what, char *to, size_t most,
                      const char *text, struct error *error)
{
    size_t length = strlen(text);
    if (length > most)
        return error_set(error, "%s: %s \"%s\": has %zu characters, and %zu are the most", drive->name, what,
                         text, length, most);
    for (size_t i = 0; i < length; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return error_set(error, "%s: %s \"%s\": must be printable ASCII", drive->name, what, text);
    memcpy(to, text, length + 1);
    return true;
}

static void medium_changed(void *owner, struct block *block)
{
    (void)block;
    ata_medium_changed(owner);
}

bool ata_attach(struct ata_drive *drive, struct block *block, const struct ata_drive_config *config,
                struct error *error)
{
    static const struct ata_drive_config defaults = {0};
    if (!config) config = &defaults;
    bool disk = config->kind == ATA_HARD_DISK;

    if (disk && !block) return error_set(error, "%s: a disk without a medium", drive->name);
    const char *model = config->model ? config->model : disk ? "VITRINE ATA DISK" : "VITRINE CD-ROM";
    if (!choose_geometry(drive, config, block, error) ||
        !copy_text(drive, "serial number", drive->serial, 20, config->serial ? config->serial : drive->name,
                   error) ||
        !copy_text(drive, "model", drive->model, 40, model, error) ||
        !copy_text(drive, "firmware version", drive->firmware, 8, config->firmware ? config->firmware : "1.0",
                   error))
        return false;
    drive->kind = config->kind;
    drive->wwn = config->wwn;
    drive->block = block;
    drive->present = true;
    if (!disk && block) block_set_medium_handler(block, medium_changed, drive);
    drive->state->packet.tray_open = false;
    drive->state->lasting_limit = disk ? block_sectors(block) : 0;
    drive->state->smart = (struct smart_state){0};
    ata_reset(drive);
    return true;
}

void ata_detach(struct ata_drive *drive)
{
    if (drive->kind == ATA_CDROM && drive->block) block_set_medium_handler(drive->block, NULL, NULL);
    drive->present = false;
    ata_reset(drive);
    drive->block = NULL;
}

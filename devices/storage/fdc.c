/* SPDX-License-Identifier: MIT */
/* The floppy disk controller's registers and phases: see fdc.h for the specification. */
#include "devices/storage/fdc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "devices/platform/ports.h"
#include "devices/storage/fdc_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

#define PORTS_LOW 0x3f2
#define PORT_DIR  0x3f7

/* Registers, from port 3F2h. */
enum { REG_DOR, REG_TDR, REG_MSR, REG_FIFO, REGISTERS_LOW };
enum { DOR_SELECT = 0x03, DOR_NOT_RESET = 0x04, DOR_DMA_GATE = 0x08 };
enum { MSR_BUSY = 0x10, MSR_NON_DMA = 0x20, MSR_TO_HOST = 0x40, MSR_READY = 0x80 };
enum { DSR_RESET = 0x80, RATE = 0x03 };
enum { DIR_CHANGED = 0x80 };

TRACE_EVENT(reset_event, "fdc.reset", "how:s");
TRACE_EVENT(result_event, "fdc.result", "command:s st0:x st1:x st2:x");
TRACE_EVENT(medium_event, "fdc.medium", "drive:u sectors:u");

static const struct state_field drive_fields[] = {
    STATE_FIELD(struct fdc_drive_state, track),
    STATE_FIELD(struct fdc_drive_state, target),
    STATE_FIELD(struct fdc_drive_state, seeking),
    STATE_FIELD(struct fdc_drive_state, changed),
    STATE_END,
};
static const struct state_field fdc_fields[] = {
    STATE_FIELD(struct fdc_state, dor),
    STATE_FIELD(struct fdc_state, tdr),
    STATE_FIELD(struct fdc_state, dsr),
    STATE_FIELD(struct fdc_state, rate),
    STATE_FIELD(struct fdc_state, config),
    STATE_FIELD(struct fdc_state, perpendicular),
    STATE_FIELD(struct fdc_state, step_rate),
    STATE_FIELD(struct fdc_state, head_load),
    STATE_FIELD(struct fdc_state, polling_off),
    STATE_FIELD(struct fdc_state, non_dma),
    STATE_FIELD(struct fdc_state, locked),
    STATE_FIELD(struct fdc_state, irq),
    STATE_FIELD(struct fdc_state, phase),
    STATE_FIELD(struct fdc_state, step),
    STATE_FIELD(struct fdc_state, command),
    STATE_FIELD(struct fdc_state, got),
    STATE_FIELD(struct fdc_state, need),
    STATE_FIELD(struct fdc_state, result),
    STATE_FIELD(struct fdc_state, result_at),
    STATE_FIELD(struct fdc_state, result_count),
    STATE_FIELD(struct fdc_state, present),
    STATE_FIELD(struct fdc_state, sense),
    STATE_FIELD(struct fdc_state, sensed),
    STATE_STRUCTS(struct fdc_state, drive, drive_fields),
    STATE_FIELD(struct fdc_state, unit),
    STATE_FIELD(struct fdc_state, head),
    STATE_FIELD(struct fdc_state, cylinder),
    STATE_FIELD(struct fdc_state, id_head),
    STATE_FIELD(struct fdc_state, sector),
    STATE_FIELD(struct fdc_state, size),
    STATE_FIELD(struct fdc_state, last),
    STATE_FIELD(struct fdc_state, left),
    STATE_FIELD(struct fdc_state, writing),
    STATE_FIELD(struct fdc_state, terminal),
    STATE_FIELD(struct fdc_state, st0),
    STATE_FIELD(struct fdc_state, st1),
    STATE_FIELD(struct fdc_state, st2),
    STATE_FIELD(struct fdc_state, at),
    STATE_FIELD(struct fdc_state, filled),
    STATE_FIELD(struct fdc_state, buffer),
    STATE_END,
};
static const struct state_table fdc_table = {"fdc", 1, sizeof(struct fdc_state), fdc_fields};

/* ---- interrupt and time ---- */

/* The pin is driven while the DMA gate of DOR is open. */
static void update_irq(struct fdc *fdc)
{
    irq_set(&fdc->irq, fdc->state.irq && fdc->state.dor & DOR_DMA_GATE);
}

void fdc_set_irq(struct fdc *fdc, bool level)
{
    fdc->state.irq = level;
    update_irq(fdc);
}

void fdc_wait(struct fdc *fdc, enum fdc_step step, vtime time)
{
    fdc->state.phase = FDC_EXECUTING;
    fdc->state.step = (uint8_t)step;
    clock_event_in(&fdc->timer, time);
}

/* ---- phases ---- */

void fdc_enter_command(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    s->phase = FDC_COMMAND;
    s->got = s->need = 0;
    s->result_at = s->result_count = 0;
}

void fdc_result(struct fdc *fdc, uint8_t value)
{
    struct fdc_state *s = &fdc->state;
    assert(s->result_count < FDC_RESULT_MOST);
    s->result[s->result_count++] = value;
}

void fdc_enter_result(struct fdc *fdc, bool interrupt)
{
    struct fdc_state *s = &fdc->state;
    if (interrupt && trace_on(&result_event))
        trace_emit(&result_event, fdc->clock, fdc_command_name(s->command[0]), (uint64_t)s->result[0],
                   (uint64_t)s->result[1], (uint64_t)s->result[2]);
    s->phase = FDC_RESULT;
    s->result_at = 0;
    if (interrupt) fdc_set_irq(fdc, true);
}

static void host_moved(void *owner, uint32_t bytes, bool terminal_count)
{
    struct fdc *fdc = owner;
    fdc->state.terminal |= terminal_count;
    fdc_moved(fdc, bytes);
}

/* DREQ is up while the bytes of a command wait for the 8237, behind the DMA gate of DOR. */
static void update_dreq(struct fdc *fdc)
{
    const struct fdc_state *s = &fdc->state;
    bool waits = s->phase == FDC_EXECUTING && s->step == FDC_STEP_NONE && s->filled;
    const struct i8237_request request = {
        .data = fdc->state.buffer,
        .size = fdc->state.filled,
        .to_memory = !fdc->state.writing,
        .moved = host_moved,
        .owner = fdc,
    };
    if (waits && s->dor & DOR_DMA_GATE)
        i8237_raise(fdc->dma, FDC_DMA_CHANNEL, &request);
    else
        i8237_withdraw(fdc->dma, FDC_DMA_CHANNEL);
}

void fdc_move(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    s->at = 0;
    if (s->non_dma) {
        s->phase = s->writing ? FDC_DATA_OUT : FDC_DATA_IN;
        fdc_set_irq(fdc, true);
        return;
    }
    s->phase = FDC_EXECUTING;
    s->step = FDC_STEP_NONE;
    update_dreq(fdc);
}

/* ---- reset ---- */

static void stop(struct fdc *fdc)
{
    clock_event_cancel(&fdc->timer);
    for (unsigned i = 0; i < FDC_DRIVES; i++) clock_event_cancel(&fdc->drive[i].seek);
    i8237_withdraw(fdc->dma, FDC_DMA_CHANNEL);
}

static void enter_reset(struct fdc *fdc, const char *how)
{
    struct fdc_state *s = &fdc->state;
    if (trace_on(&reset_event)) trace_emit(&reset_event, fdc->clock, how);
    stop(fdc);
    for (unsigned i = 0; i < FDC_DRIVES; i++) s->drive[i].seeking = false;
    s->phase = FDC_RESETTING;
    s->step = FDC_STEP_NONE;
    fdc_set_irq(fdc, false);
    fdc_commands_reset(fdc, false);
}

/* With polling on, all four drives seem to have changed their state (6.2.3). */
static void leave_reset(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    fdc_enter_command(fdc);
    if (s->polling_off) return;
    for (unsigned unit = 0; unit < FDC_UNITS; unit++) s->sense[unit] = (uint8_t)(ST0_POLLING | unit);
    s->sensed = (1u << FDC_UNITS) - 1;
    fdc_set_irq(fdc, true);
}

static void timer(void *owner)
{
    struct fdc *fdc = owner;
    if (fdc->state.phase == FDC_RESETTING)
        leave_reset(fdc);
    else
        fdc_step(fdc);
}

static void seek_event(void *owner)
{
    struct fdc_drive *drive = owner;
    fdc_seek_done(drive->fdc, (unsigned)(drive - drive->fdc->drive));
}

/* ---- registers ---- */

static void dor_write(struct fdc *fdc, uint8_t value)
{
    struct fdc_state *s = &fdc->state;
    uint8_t changed = s->dor ^ value;
    s->dor = value;
    if (changed & DOR_NOT_RESET && !(value & DOR_NOT_RESET)) enter_reset(fdc, "DOR");
    if (changed & DOR_NOT_RESET && value & DOR_NOT_RESET) clock_event_in(&fdc->timer, FDC_RESET_TIME);
    if (changed & DOR_DMA_GATE) update_dreq(fdc);
    update_irq(fdc);
}

static void dsr_write(struct fdc *fdc, uint8_t value)
{
    fdc->state.dsr = value & (uint8_t)~DSR_RESET;
    fdc->state.rate = value & RATE;
    if (!(value & DSR_RESET)) return;
    enter_reset(fdc, "DSR");
    if (fdc->state.dor & DOR_NOT_RESET) clock_event_in(&fdc->timer, FDC_RESET_TIME);
}

static uint8_t msr_read(const struct fdc *fdc)
{
    const struct fdc_state *s = &fdc->state;
    static const uint8_t of_phase[FDC_PHASES] = {
        [FDC_COMMAND] = MSR_READY,
        [FDC_EXECUTING] = MSR_BUSY,
        [FDC_DATA_IN] = MSR_READY | MSR_TO_HOST | MSR_NON_DMA | MSR_BUSY,
        [FDC_DATA_OUT] = MSR_READY | MSR_NON_DMA | MSR_BUSY,
        [FDC_RESULT] = MSR_READY | MSR_TO_HOST | MSR_BUSY,
    };
    uint8_t value = of_phase[s->phase];
    if (s->phase == FDC_COMMAND && s->got) value |= MSR_BUSY;
    for (unsigned i = 0; i < FDC_DRIVES; i++) value |= (uint8_t)(s->drive[i].seeking << i);
    return value;
}

static void command_byte(struct fdc *fdc, uint8_t value)
{
    struct fdc_state *s = &fdc->state;
    if (!s->got) {
        memset(s->command, 0, sizeof s->command);
        s->need = (uint8_t)fdc_command_length(value);
    }
    s->command[s->got++] = value;
    if (s->got == s->need) fdc_execute(fdc);
}

static void data_used_up(struct fdc *fdc)
{
    fdc->state.phase = FDC_EXECUTING;
    fdc_moved(fdc, fdc->state.filled);
}

static void fifo_write(struct fdc *fdc, uint8_t value)
{
    struct fdc_state *s = &fdc->state;
    if (s->phase == FDC_COMMAND) {
        command_byte(fdc, value);
    } else if (s->phase == FDC_DATA_OUT) {
        fdc_set_irq(fdc, false);
        s->buffer[s->at++] = value;
        if (s->at == s->filled) data_used_up(fdc);
    } else {
        lint("fdc", "82077AA, 4.5", "the FIFO is written while MSR does not ask for it");
    }
}

/* A seek has ended, and nobody has asked. What a reset left to ask (polling) holds no interrupt. */
static bool seek_ended(const struct fdc_state *s)
{
    for (unsigned unit = 0; unit < FDC_UNITS; unit++)
        if (s->sensed & 1u << unit && s->sense[unit] & ST0_SEEK_END) return true;
    return false;
}

static uint8_t fifo_read(struct fdc *fdc)
{
    struct fdc_state *s = &fdc->state;
    uint8_t value = 0;
    if (s->phase == FDC_RESULT) {
        if (!s->result_at && !seek_ended(s)) fdc_set_irq(fdc, false);
        value = s->result[s->result_at++];
        if (s->result_at == s->result_count) fdc_enter_command(fdc);
    } else if (s->phase == FDC_DATA_IN) {
        fdc_set_irq(fdc, false);
        value = s->buffer[s->at++];
        if (s->at == s->filled) data_used_up(fdc);
    } else {
        lint("fdc", "82077AA, 4.5", "the FIFO is read while MSR offers nothing");
    }
    return value;
}

/* Of the drive that DOR selects, while its motor is on. */
static uint8_t dir_read(const struct fdc *fdc)
{
    const struct fdc_state *s = &fdc->state;
    unsigned unit = s->dor & DOR_SELECT;
    bool motor = s->dor & 0x10u << unit;
    return motor && unit < FDC_DRIVES && s->drive[unit].changed ? DIR_CHANGED : 0;
}

static enum mem_result low_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    struct fdc *fdc = owner;
    uint8_t byte = (uint8_t)value;
    switch (at.offset) {
    case REG_DOR: dor_write(fdc, byte); break;
    case REG_TDR: fdc->state.tdr = byte & 3; break;
    case REG_MSR: dsr_write(fdc, byte); break;
    default: fifo_write(fdc, byte);
    }
    return MEM_OK;
}

static enum mem_result low_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    struct fdc *fdc = owner;
    switch (at.offset) {
    case REG_DOR: *value = fdc->state.dor; break;
    case REG_TDR: *value = fdc->state.tdr; break;
    case REG_MSR: *value = msr_read(fdc); break;
    default: *value = fifo_read(fdc);
    }
    return MEM_OK;
}

static enum mem_result high_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    ((struct fdc *)owner)->state.rate = value & RATE; /* CCR */
    return MEM_OK;
}

static enum mem_result high_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at, (void)size;
    *value = dir_read(owner);
    return MEM_OK;
}

static const struct mmio_ops low_ops = {low_read, low_write, 1, 1, false};
static const struct mmio_ops high_ops = {high_read, high_write, 1, 1, false};

/* ---- drives ---- */

void fdc_attach(struct fdc *fdc, unsigned drive, enum floppy_drive type)
{
    fdc->drive[drive].type = type;
    fdc->state.drive[drive].changed = true;
}

enum floppy_drive fdc_drive_type(const struct fdc *fdc, unsigned drive)
{
    return fdc->drive[drive].type;
}

/* A 1.2 MB drive reads what a 360 KB drive writes, at its own rate; a 2.88 MB drive reads what a 1.44 MB drive does. */
static bool fits(enum floppy_drive drive, const struct floppy_format *format)
{
    if (drive == format->drive) return true;
    return drive == FLOPPY_2880K && format->drive == FLOPPY_1440K;
}

bool fdc_insert(struct fdc *fdc, unsigned n, struct block *block, struct error *error)
{
    struct fdc_drive *drive = &fdc->drive[n];
    const struct floppy_format *format = block ? floppy_format_of(block_sectors(block)) : NULL;
    if (block && !format)
        return error_set(error, "%llu bytes are more than a floppy disk of 2880K has",
                         (unsigned long long)block_sectors(block) * BLOCK_SECTOR);
    if (block && !fits(drive->type, format))
        return error_set(error, "the drive does not read disks of that size");
    if (trace_on(&medium_event))
        trace_emit(&medium_event, fdc->clock, (uint64_t)n, block ? block_sectors(block) : (uint64_t)0);
    drive->block = block;
    drive->format = format;
    fdc->state.drive[n].changed = true;
    return true;
}

/* ---- reset and creation ---- */

static void fdc_reset(struct device *device)
{
    struct fdc *fdc = list_entry(device, struct fdc, device);
    stop(fdc);
    fdc->state = (struct fdc_state){.rate = FLOPPY_250, .phase = FDC_RESETTING};
    for (unsigned i = 0; i < FDC_DRIVES; i++) fdc->state.drive[i].changed = fdc->drive[i].type != FLOPPY_NONE;
    fdc_commands_reset(fdc, true);
    update_irq(fdc);
}

/* Whether a saved state can have been made by this controller: what indexes its buffers, and ends. */
static bool is_sane(const struct fdc_state *s)
{
    bool moves = s->phase == FDC_DATA_IN || s->phase == FDC_DATA_OUT;
    if (s->phase >= FDC_PHASES || s->step >= FDC_STEPS || s->unit >= FDC_UNITS || s->head > 1) return false;
    if (s->filled > FDC_SECTOR || (moves && s->at >= s->filled)) return false;
    if (s->phase == FDC_RESULT) return s->result_at < s->result_count && s->result_count <= FDC_RESULT_MOST;
    if (s->phase == FDC_RESETTING) return true;
    if (s->phase == FDC_COMMAND && s->got >= fdc_command_length(s->command[0])) return !s->got;
    return !s->result_count && (!s->got || s->need == fdc_command_length(s->command[0]));
}

static void fdc_loaded(struct device *device)
{
    struct fdc *fdc = list_entry(device, struct fdc, device);
    if (!is_sane(&fdc->state)) fdc->state.phase = FDC_RESETTING;
    update_irq(fdc);
    update_dreq(fdc);
}

static bool fdc_load(struct device *device, struct state_buffer *from, struct error *error)
{
    (void)from;
    const struct fdc *fdc = list_entry(device, struct fdc, device);
    return is_sane(&fdc->state) || error_set(error, "fdc: no controller can be in this state");
}

static void fdc_destroy(struct device *device)
{
    struct fdc *fdc = list_entry(device, struct fdc, device);
    stop(fdc);
    clock_event_destroy(&fdc->timer);
    for (unsigned i = 0; i < FDC_DRIVES; i++) clock_event_destroy(&fdc->drive[i].seek);
    ports_remove(fdc->low);
    ports_remove(fdc->high);
    free(fdc);
}

static const struct device_more fdc_more = {.load = fdc_load};
static const struct device_ops fdc_ops = {"fdc", &fdc_table, fdc_reset, fdc_loaded, fdc_destroy};

struct fdc *fdc_new(struct region *io, struct device_list *devices, struct clock *clock, struct i8237 *dma,
                    struct irq_line irq)
{
    struct fdc *fdc = calloc(1, sizeof *fdc);
    if (!fdc) return NULL;
    fdc->clock = clock;
    fdc->dma = dma;
    fdc->irq = irq;
    clock_event_init(&fdc->timer, clock, "fdc.timer", timer, fdc);
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        struct fdc_drive *drive = &fdc->drive[i];
        drive->fdc = fdc;
        snprintf(drive->seek_name, sizeof drive->seek_name, "fdc.seek%u", i);
        clock_event_init(&drive->seek, clock, drive->seek_name, seek_event, drive);
    }
    fdc->low = ports_add(io, PORTS_LOW, REGISTERS_LOW, "fdc", &low_ops, fdc);
    fdc->high = ports_add(io, PORT_DIR, 1, "fdc dir", &high_ops, fdc);
    device_add(devices, &fdc->device, &fdc_ops, "fdc", &fdc->state);
    fdc->device.more = &fdc_more;
    fdc_reset(&fdc->device);
    return fdc;
}

/* SPDX-License-Identifier: MIT */
/* An IDE channel: the ports and the cable. Specification: ATA/ATAPI-6 (T13/1410D). See ide.h. */
#include <stdio.h>
#include "devices/storage/ide.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(command_event, "ide.command",
            "drive:s command:s code:x device:x lba_high:x lba_mid:x lba_low:x count:u features:x");
TRACE_EVENT(register_read_event, "ide.register_read", "channel:s register:s value:x");
TRACE_EVENT(register_write_event, "ide.register_write", "channel:s register:s value:x");
TRACE_EVENT(interrupt_event, "ide.interrupt", "channel:s drive:u level:u");
TRACE_EVENT(reset_event, "ide.reset", "channel:s kind:s");

/* What a floating bus reads as: all ones but for DD7. */
#define FLOATING 0xffffff7fu

const struct state_field ide_channel_fields[] = {
    STATE_FIELD(struct ide_channel_state, control),
    STATE_FIELD(struct ide_channel_state, selected),
    STATE_FIELD(struct ide_channel_state, intrq),
    STATE_STRUCTS(struct ide_channel_state, drive, ata_state_fields),
    STATE_STRUCT_FIELD(struct ide_channel_state, bus_master, bus_master_fields),
    STATE_END,
};

/* Command Block: names, where in the task file a read comes from and a write goes to, and where that puts what was
 * written before; 0: nowhere. */
static const struct {
    const char *read_name, *write_name;
    size_t read, write, previous;
} registers[IDE_COMMAND_PORTS] = {
    [IDE_DATA] = {"DATA", "DATA", 0, 0, 0},
    [IDE_ERROR] = {"ERROR", "FEATURES", offsetof(struct ata_taskfile, error),
                   offsetof(struct ata_taskfile, features), offsetof(struct ata_taskfile, features_previous)},
    [IDE_COUNT] = {"COUNT", "COUNT", offsetof(struct ata_taskfile, count),
                   offsetof(struct ata_taskfile, count), offsetof(struct ata_taskfile, count_previous)},
    [IDE_LBA_LOW] = {"LBA_LOW", "LBA_LOW", offsetof(struct ata_taskfile, lba_low),
                     offsetof(struct ata_taskfile, lba_low), offsetof(struct ata_taskfile, lba_low_previous)},
    [IDE_LBA_MID] = {"LBA_MID", "LBA_MID", offsetof(struct ata_taskfile, lba_mid),
                     offsetof(struct ata_taskfile, lba_mid), offsetof(struct ata_taskfile, lba_mid_previous)},
    [IDE_LBA_HIGH] = {"LBA_HIGH", "LBA_HIGH", offsetof(struct ata_taskfile, lba_high),
                      offsetof(struct ata_taskfile, lba_high),
                      offsetof(struct ata_taskfile, lba_high_previous)},
    [IDE_DEVICE] = {"DEVICE", "DEVICE", offsetof(struct ata_taskfile, device),
                    offsetof(struct ata_taskfile, device), 0},
    [IDE_STATUS] = {"STATUS", "COMMAND", offsetof(struct ata_taskfile, status),
                    offsetof(struct ata_taskfile, command), 0},
};

static struct ata_drive *selected(struct ide_channel *channel)
{
    return &channel->drive[channel->state->selected];
}

/* Interrupts. */

static void update_interrupt(struct ide_channel *channel)
{
    struct ide_channel_state *s = channel->state;
    const struct ata_drive *drive = selected(channel);
    bool level = !(s->control & IDE_CONTROL_NIEN) && ata_present(drive) && drive->state->interrupt;

    if (level == s->intrq) return;
    s->intrq = level;
    if (trace_on(&interrupt_event))
        trace_emit(&interrupt_event, channel->clock, channel->name, (uint64_t)s->selected, (uint64_t)level);
    if (level) bus_master_interrupt(&channel->bus_master);
    irq_set(&channel->irq, level);
}

static void drive_interrupt(void *owner, struct ata_drive *drive)
{
    (void)drive;
    update_interrupt(owner);
}

static void drive_dma_ready(void *owner, struct ata_drive *drive)
{
    struct ide_channel *channel = owner;
    bus_master_request(&channel->bus_master, drive);
}

static const struct ata_host_ops drive_ops = {.interrupt = drive_interrupt, .dma_ready = drive_dma_ready};

/* Reading. */

static uint8_t read_status(struct ide_channel *channel)
{
    const struct ata_drive *drive = selected(channel);
    if (ata_present(drive)) return drive->state->regs.status;
    return channel->state->selected && ata_present(&channel->drive[0]) ? 0 : FLOATING & 0xff;
}

/* HOB of Device Control shows what was written before, where that is kept (48-bit Address feature set). Error has no
 * such byte. */
static uint8_t register_byte(const struct ide_channel *channel, const struct ata_drive *drive, unsigned n)
{
    bool previous = channel->state->control & IDE_CONTROL_HOB && registers[n].previous && n != IDE_ERROR;
    return ((const uint8_t *)&drive->state->regs)[previous ? registers[n].previous : registers[n].read];
}

/* While BSY is 1, whatever register is read shows Status. For a Device 1 that is not there a packet device answers with
 * zeros (Device 0 only configurations). */
static uint8_t read_register(struct ide_channel *channel, unsigned n)
{
    struct ata_drive *drive = selected(channel);
    uint8_t value;

    if (n == IDE_STATUS) {
        value = read_status(channel);
        if (ata_present(drive)) ata_acknowledge(drive);
        return value;
    }
    if (!ata_present(drive) && channel->state->selected) {
        drive = &channel->drive[0];
        if (ata_present(drive) && drive->kind == ATA_CDROM) return 0;
    }
    if (!ata_present(drive)) return FLOATING & 0xff;
    if (drive->state->regs.status & ATA_STATUS_BSY) return drive->state->regs.status;
    return register_byte(channel, drive, n);
}

static void lint_data(const struct ata_drive *drive, unsigned size)
{
    if (size == 1)
        lint(drive->name, "ATA/ATAPI-6, Data register",
             "the Data register is accessed by byte: the other half of the word is lost");
    else
        lint(drive->name, "ATA/ATAPI-6, Data register",
             "the Data register is accessed without DRQ, or in the wrong direction");
}

/* The data bus has 16 lines: a 32-bit access is two transfers, and a byte is half of one. */
static uint32_t read_data(struct ide_channel *channel, unsigned size)
{
    struct ata_drive *drive = selected(channel);
    if (likely(drive->state->phase == ATA_PIO_IN && size >= 2)) return ata_data_read(drive, size);
    if (!ata_present(drive)) return FLOATING;
    lint_data(drive, drive->state->phase == ATA_PIO_IN ? size : 0);
    return drive->state->phase == ATA_PIO_IN ? ata_data_read(drive, 2) : UINT32_MAX;
}

static uint32_t read_series(void *owner, struct region_at at, unsigned size, uint8_t *to, uint32_t count)
{
    struct ata_drive *drive = selected(owner);
    if (at.offset != IDE_DATA || size < 2 || drive->state->phase != ATA_PIO_IN) return 0;
    return ata_data_read_series(drive, size, to, count);
}

/* Accesses wider than a register touch the following ones too. */
static enum mem_result command_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct ide_channel *channel = owner;
    uint64_t result = 0;

    if (at.offset == IDE_DATA) {
        *value = read_data(channel, size);
        return MEM_OK;
    }
    for (unsigned i = 0; i < size; i++) {
        unsigned n = (unsigned)at.offset + i;
        uint8_t byte = read_register(channel, n);
        if (trace_on(&register_read_event))
            trace_emit(&register_read_event, channel->clock, channel->name, registers[n].read_name,
                       (uint64_t)byte);
        result |= (uint64_t)byte << 8 * i;
    }
    *value = result;
    return MEM_OK;
}

/* Writing. */

/* Both drives obey; Device 0 is selected afterwards and interrupts for both (ATA/ATAPI-6,
 * EXECUTE DEVICE DIAGNOSTIC protocol). */
static void diagnose(struct ide_channel *channel)
{
    channel->state->selected = 0;
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        struct ata_drive *drive = &channel->drive[i];
        if (ata_present(drive) && !ata_busy(drive)) ata_command(drive, ATA_EXECUTE_DEVICE_DIAGNOSTIC);
    }
    update_interrupt(channel);
}

static void trace_command(const struct ata_drive *drive, uint8_t code)
{
    const struct ata_taskfile *r = &drive->state->regs;
    if (trace_on(&command_event))
        trace_emit(&command_event, drive->clock, drive->name, ata_command_name(code), (uint64_t)code,
                   (uint64_t)r->device, (uint64_t)r->lba_high, (uint64_t)r->lba_mid, (uint64_t)r->lba_low,
                   (uint64_t)r->count, (uint64_t)r->features);
}

static void write_command(struct ide_channel *channel, uint8_t code)
{
    struct ata_drive *drive = selected(channel);

    if (code == ATA_EXECUTE_DEVICE_DIAGNOSTIC && !ata_busy(drive)) {
        trace_command(drive, code);
        diagnose(channel);
        return;
    }
    if (!ata_present(drive)) return;
    trace_command(drive, code);
    if (code == ATA_DEVICE_RESET && drive->kind == ATA_CDROM) {
        bus_master_drop(&channel->bus_master, drive);
        ata_command(drive, code);
    } else if (ata_busy(drive))
        lint(drive->name, "ATA/ATAPI-6, Command register", "command %s while BSY or DRQ is 1 is ignored",
             ata_command_name(code));
    else if (drive->state->asleep)
        lint(drive->name, "ATA/ATAPI-6, SLEEP", "command %s to a drive that sleeps: only a reset wakes it",
             ata_command_name(code));
    else
        ata_command(drive, code);
}

/* Both drives hear every write; a busy one does not listen. 48-bit registers are two deep. */
static void write_parameter(struct ide_channel *channel, unsigned n, uint8_t value)
{
    if (ata_busy(selected(channel)))
        lint(channel->name, "ATA/ATAPI-6, Status register, BSY and DRQ",
             "%s is written while BSY or DRQ is 1", registers[n].write_name);
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        struct ata_drive *drive = &channel->drive[i];
        uint8_t *regs = (uint8_t *)&drive->state->regs;
        if (!ata_present(drive) || ata_busy(drive)) continue;
        if (registers[n].previous) regs[registers[n].previous] = regs[registers[n].write];
        regs[registers[n].write] = value;
    }
    if (n == IDE_DEVICE) {
        channel->state->selected = (value & ATA_DEVICE_DEV) != 0;
        update_interrupt(channel);
    }
}

static bool takes_data(const struct ata_drive *drive)
{
    return drive->state->phase == ATA_PIO_OUT || drive->state->phase == ATA_PACKET;
}

static void write_data(struct ide_channel *channel, unsigned size, uint32_t value)
{
    struct ata_drive *drive = selected(channel);
    if (likely(takes_data(drive) && size >= 2)) {
        ata_data_write(drive, size, value);
    } else if (ata_present(drive)) {
        lint_data(drive, takes_data(drive) ? size : 0);
        if (takes_data(drive)) ata_data_write(drive, 2, value);
    }
}

static enum mem_result command_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct ide_channel *channel = owner;

    if (at.offset == IDE_DATA) {
        write_data(channel, size, (uint32_t)value);
        return MEM_OK;
    }
    for (unsigned i = 0; i < size; i++) {
        unsigned n = (unsigned)at.offset + i;
        uint8_t byte = (uint8_t)(value >> 8 * i);
        if (trace_on(&register_write_event))
            trace_emit(&register_write_event, channel->clock, channel->name, registers[n].write_name,
                       (uint64_t)byte);
        channel->state->control &= (uint8_t)~IDE_CONTROL_HOB; /* Device Control register */
        if (n == IDE_STATUS)
            write_command(channel, byte);
        else
            write_parameter(channel, n, byte);
    }
    return MEM_OK;
}

static const struct mmio_ops command_ops = {command_read, command_write, 1, 4, false};

/* The Control Block. */

static void trace_reset(const struct ide_channel *channel, const char *kind)
{
    if (trace_on(&reset_event)) trace_emit(&reset_event, channel->clock, channel->name, kind);
}

/* SRST resets both drives, whichever is selected, from its rise until its fall (ATA/ATAPI-6, software
 * reset protocol). */
static void write_control(struct ide_channel *channel, uint8_t value)
{
    uint8_t changed = channel->state->control ^ value;

    channel->state->control = value;
    if (changed & IDE_CONTROL_SRST) {
        trace_reset(channel, value & IDE_CONTROL_SRST ? "SRST set" : "SRST cleared");
        if (value & IDE_CONTROL_SRST) bus_master_drop(&channel->bus_master, NULL);
        for (unsigned i = 0; i < IDE_DRIVES; i++) {
            if (value & IDE_CONTROL_SRST)
                ata_soft_reset_begin(&channel->drive[i]);
            else
                ata_soft_reset_end(&channel->drive[i]);
        }
        channel->state->selected = 0;
    }
    update_interrupt(channel);
}

static enum mem_result control_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct ide_channel *channel = owner;
    (void)at;
    (void)size;
    *value = read_status(channel);
    if (trace_on(&register_read_event))
        trace_emit(&register_read_event, channel->clock, channel->name, "ALTERNATE_STATUS", *value);
    return MEM_OK;
}

static enum mem_result control_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct ide_channel *channel = owner;
    (void)at;
    (void)size;
    if (trace_on(&register_write_event))
        trace_emit(&register_write_event, channel->clock, channel->name, "CONTROL", value);
    write_control(channel, (uint8_t)value);
    return MEM_OK;
}

static const struct mmio_ops control_ops = {control_read, control_write, 1, 1, false};

/* Reset and creation. */

void ide_channel_reset(struct ide_channel *channel)
{
    trace_reset(channel, "hardware");
    bus_master_reset(&channel->bus_master);
    channel->state->control = channel->state->selected = 0;
    for (unsigned i = 0; i < IDE_DRIVES; i++) ata_reset(&channel->drive[i]);
    channel->state->intrq = false;
    irq_set(&channel->irq, false);
}

void ide_channel_loaded(struct ide_channel *channel)
{
    channel->state->selected &= 1;
    bus_master_loaded(&channel->bus_master);
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        struct ata_drive *drive = &channel->drive[i];
        if (ata_present(drive)) ata_loaded(drive);
        if (drive->state->phase == ATA_DMA) bus_master_request(&channel->bus_master, drive);
    }
    irq_set(&channel->irq, channel->state->intrq);
}

void ide_channel_init(struct ide_channel *channel, struct ide_channel_state *state, const char *name,
                      struct pci_function *function, struct clock *clock, struct irq_line irq,
                      struct mem_guard *guard)
{
    *channel = (struct ide_channel){.name = name, .state = state, .clock = clock, .irq = irq, .guard = guard};
    bus_master_init(&channel->bus_master, &state->bus_master, name, function, clock, guard);
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        snprintf(channel->drive_name[i], sizeof channel->drive_name[i], "%s-hd%u", name, i);
        ata_init(&channel->drive[i], &state->drive[i], channel->drive_name[i], clock, guard, &drive_ops,
                 channel);
        channel->drive[i].second = i == 1;
    }
    channel->command = region_new_mmio(name, IDE_COMMAND_PORTS, &command_ops, channel, guard);
    channel->command->series = read_series;
    channel->control = region_new_mmio(name, 1, &control_ops, channel, guard);
}

void ide_channel_destroy(struct ide_channel *channel)
{
    region_remove(channel->command);
    region_remove(channel->control);
    region_release(channel->command);
    region_release(channel->control);
    bus_master_destroy(&channel->bus_master);
    for (unsigned i = 0; i < IDE_DRIVES; i++) ata_destroy(&channel->drive[i]);
}

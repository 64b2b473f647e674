/* SPDX-License-Identifier: MIT */
/*
 * The packet protocol of a CD-ROM drive, its sense data and its tray: ATA/ATAPI-6 (T13/1410D), PACKET and its
 * protocols; SPC-4, sense data and unit attention condition.
 */
#include <string.h>
#include "devices/storage/atapi.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(packet_event, "ata.packet",
            "drive:s command:s code:x b1:x b2:x b3:x b4:x b5:x b6:x b7:x b8:x b9:x");
TRACE_EVENT(check_event, "ata.check_condition", "drive:s command:s key:x asc:x ascq:x");
TRACE_EVENT(tray_event, "ata.tray", "drive:s open:u");

enum { FEATURE_DMA = 1 << 0, FEATURE_OVERLAP = 1 << 1, MOST_BYTES = 0xfffe };

static const char *name_of(const struct ata_drive *drive)
{
    const struct mmc_command *command = mmc_find_command(drive->state->packet.packet[0]);
    return command ? command->name : "unknown packet command";
}

/* PACKET: the host says how data will move, and the drive asks for the 12 bytes. An odd limit cannot end a block
 * (byte count limit). */
void atapi_start(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    uint32_t limit = s->regs.lba_mid | (uint32_t)s->regs.lba_high << 8;

    if (s->regs.features & FEATURE_OVERLAP) {
        ata_refuse(drive);
        return;
    }
    if (limit == 0 || limit > MOST_BYTES) limit = MOST_BYTES;
    if (limit == 1) limit = 2;
    s->packet.limit = (uint16_t)(limit & ~1u);
    s->packet.dma = s->regs.features & FEATURE_DMA;
    s->packet.raw = 0;
    s->block = 1;
    s->regs.count = ATA_REASON_COMMAND;
    ata_offer_packet(drive);
}

/* Before a DRQ block: what it is, and its size. */
void atapi_put_byte_count(struct ata_drive *drive, uint32_t bytes)
{
    struct ata_taskfile *regs = &drive->state->regs;
    if (drive->state->phase == ATA_PACKET) return;
    if (regs->lba_mid == 0 && regs->lba_high == 0)
        lint(drive->name, "ATA/ATAPI-6, PACKET, byte count limit",
             "data by PIO with a byte count limit of 0");
    regs->count = drive->state->phase == ATA_PIO_IN ? ATA_REASON_TO_HOST : 0;
    regs->lba_mid = (uint8_t)bytes;
    regs->lba_high = (uint8_t)(bytes >> 8);
}

bool atapi_to_host(const struct ata_drive *drive)
{
    const struct mmc_command *command = mmc_find_command(drive->state->packet.packet[0]);
    return !command || !(command->flags & MMC_TO_DRIVE);
}

/* Ends. */

static void put_sense(struct ata_drive *drive, enum sense_key key, unsigned code)
{
    struct atapi_state *packet = &drive->state->packet;
    packet->key = (uint8_t)key;
    packet->asc = (uint8_t)(code >> 8);
    packet->ascq = (uint8_t)code;
}

void atapi_succeed(struct ata_drive *drive)
{
    put_sense(drive, SENSE_NONE, 0);
    ata_end_packet(drive, 0, 0);
}

void atapi_check(struct ata_drive *drive, enum sense_key key, unsigned code)
{
    put_sense(drive, key, code);
    if (trace_on(&check_event))
        trace_emit(&check_event, drive->clock, drive->name, name_of(drive), (uint64_t)key,
                   (uint64_t)(code >> 8), (uint64_t)(code & 0xff));
    ata_end_packet(drive, (uint8_t)(key << 4 | ATA_ERROR_ABRT), ATA_STATUS_ERR);
}

void atapi_reply(struct ata_drive *drive, uint32_t bytes, uint32_t wanted)
{
    uint32_t size = bytes < wanted ? bytes : wanted;
    if (size)
        ata_reply(drive, size);
    else
        atapi_succeed(drive);
}

static unsigned why_not_ready(const struct ata_drive *drive)
{
    return drive->state->packet.tray_open ? SENSE_NO_MEDIUM_TRAY_OPEN : SENSE_NO_MEDIUM_TRAY_CLOSED;
}

bool atapi_has_medium(const struct ata_drive *drive)
{
    return atapi_ready(drive) && !(drive->state->packet.attentions & ATTENTION_MEDIUM);
}

/* Unless it was taken away, the medium is bad. */
void atapi_read_failed(struct ata_drive *drive)
{
    if (atapi_has_medium(drive))
        atapi_check(drive, SENSE_MEDIUM_ERROR, SENSE_UNRECOVERED_READ_ERROR);
    else
        atapi_check(drive, SENSE_NOT_READY, why_not_ready(drive));
}

/* Unit attentions. */

static unsigned next_attention(struct ata_drive *drive)
{
    struct atapi_state *packet = &drive->state->packet;
    unsigned bit = packet->attentions & ATTENTION_RESET ? ATTENTION_RESET : ATTENTION_MEDIUM;
    packet->attentions &= (uint8_t)~bit;
    return bit == ATTENTION_RESET ? SENSE_RESET_OCCURRED : SENSE_MEDIUM_MAY_HAVE_CHANGED;
}

void atapi_take_attention(struct ata_drive *drive)
{
    if (drive->state->packet.attentions) put_sense(drive, SENSE_UNIT_ATTENTION, next_attention(drive));
}

/* The packet is here. */

static void trace_packet(const struct ata_drive *drive)
{
    const uint8_t *p = drive->state->packet.packet;
    if (trace_on(&packet_event))
        trace_emit(&packet_event, drive->clock, drive->name, name_of(drive), (uint64_t)p[0], (uint64_t)p[1],
                   (uint64_t)p[2], (uint64_t)p[3], (uint64_t)p[4], (uint64_t)p[5], (uint64_t)p[6],
                   (uint64_t)p[7], (uint64_t)p[8], (uint64_t)p[9]);
}

void atapi_execute(struct ata_drive *drive)
{
    struct ata_state *s = drive->state;
    const struct mmc_command *command = mmc_find_command(s->packet.packet[0]);

    trace_packet(drive);
    s->filled = s->position = s->block_end = 0;
    s->remaining = 0;
    if (!command && log_on(LOG_UNIMPLEMENTED))
        log_print("%s: packet command %02xh is refused\n", drive->name, s->packet.packet[0]);
    if (s->packet.attentions && !(command && command->flags & MMC_ANY_TIME))
        atapi_check(drive, SENSE_UNIT_ATTENTION, next_attention(drive));
    else if (!command)
        atapi_check(drive, SENSE_ILLEGAL_REQUEST, SENSE_INVALID_OPERATION_CODE);
    else if (command->flags & MMC_NEEDS_MEDIUM && !atapi_ready(drive))
        atapi_check(drive, SENSE_NOT_READY, why_not_ready(drive));
    else
        command->run(drive);
}

/* MODE SELECT is the one command that sends data. */
void atapi_received(struct ata_drive *drive)
{
    mmc_mode_select_received(drive);
}

/* Resets. A software reset leaves the drive's settings alone. */

void atapi_reset(struct ata_drive *drive, bool power_on)
{
    struct atapi_state *packet = &drive->state->packet;
    put_sense(drive, SENSE_NONE, 0);
    packet->attentions |= ATTENTION_RESET;
    if (!power_on) return;
    packet->locked = false;
    packet->event = EVENT_NONE;
    mmc_default_pages(drive);
}

/* DEVICE RESET ends whatever goes on; there is no interrupt. */
void atapi_device_reset(struct ata_drive *drive)
{
    ata_stop(drive);
    put_sense(drive, SENSE_NONE, 0);
    ata_signature(drive);
    ata_set_phase(drive, ATA_RESETTING);
    clock_event_in(&drive->timer, ATA_COMMAND_TIME);
}

/* The tray. */

static void trace_tray(const struct ata_drive *drive)
{
    if (trace_on(&tray_event))
        trace_emit(&tray_event, drive->clock, drive->name, (uint64_t)drive->state->packet.tray_open);
}

bool atapi_open_tray(struct ata_drive *drive)
{
    struct atapi_state *packet = &drive->state->packet;
    if (packet->locked) return false;
    if (packet->tray_open) return true;
    packet->tray_open = true;
    packet->event = EVENT_MEDIA_REMOVAL;
    trace_tray(drive);
    return true;
}

static void announce_medium(struct ata_drive *drive)
{
    struct atapi_state *packet = &drive->state->packet;
    bool medium = atapi_ready(drive);
    packet->event = medium ? EVENT_NEW_MEDIA : EVENT_MEDIA_REMOVAL;
    if (medium)
        packet->attentions |= ATTENTION_MEDIUM;
    else
        packet->attentions &= (uint8_t)~ATTENTION_MEDIUM;
}

void atapi_close_tray(struct ata_drive *drive)
{
    if (!drive->state->packet.tray_open) return;
    drive->state->packet.tray_open = false;
    announce_medium(drive);
    trace_tray(drive);
}

void ata_medium_changed(struct ata_drive *drive)
{
    drive->state->packet.tray_open = false;
    announce_medium(drive);
    trace_tray(drive);
}

bool ata_press_eject(struct ata_drive *drive)
{
    if (atapi_open_tray(drive)) return true;
    drive->state->packet.event = EVENT_EJECT_REQUEST;
    return false;
}

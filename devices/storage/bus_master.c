/* SPDX-License-Identifier: MIT */
/* The bus-master engine of an IDE channel. Specification: Bus Master IDE 1.0; Intel 290550 (PIIX3). See
 * bus_master.h. */
#include "devices/storage/bus_master.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

#define SPECIFICATION "Bus Master IDE 1.0, "

TRACE_EVENT(dma_event, "ide.dma", "channel:s drive:s direction:s offset:x bytes:u pieces:u table:x");
TRACE_EVENT(dma_end_event, "ide.dma_end", "channel:s end:s moved:u status:x");
TRACE_EVENT(prd_event, "ide.prd", "channel:s at:x address:x bytes:u last:u");

const struct state_field bus_master_fields[] = {
    STATE_FIELD(struct bus_master_state, command),
    STATE_FIELD(struct bus_master_state, status),
    STATE_FIELD(struct bus_master_state, table),
    STATE_FIELD(struct bus_master_state, next),
    STATE_FIELD(struct bus_master_state, base),
    STATE_FIELD(struct bus_master_state, left),
    STATE_FIELD(struct bus_master_state, last),
    STATE_FIELD(struct bus_master_state, moving),
    STATE_END,
};

/* Which bits of each byte the driver may write, and which it clears by writing 1. */
static const struct {
    uint8_t writable, clear_on_one;
} register_bytes[BUS_MASTER_PORTS] = {
    [BM_COMMAND] = {BM_COMMAND_START | BM_COMMAND_TO_MEMORY, 0},
    [BM_STATUS] = {BM_STATUS_DRIVE0_CAPABLE | BM_STATUS_DRIVE1_CAPABLE,
                   BM_STATUS_INTERRUPT | BM_STATUS_ERROR},
    [BM_TABLE] = {0xfc, 0},
    [BM_TABLE + 1] = {0xff, 0},
    [BM_TABLE + 2] = {0xff, 0},
    [BM_TABLE + 3] = {0xff, 0},
};

/* A physical region descriptor, as the driver lays it out: little-endian. */
enum {
    PRD_ADDRESS = 0, /* bit 0 is reserved: regions start at even addresses */
    PRD_COUNT = 4,   /* 16 bits, bit 0 reserved; 0 means 64 KiB */
    PRD_FLAGS = 6,
    PRD_SIZE = 8,
    PRD_LAST = 0x8000,
};
#define PRD_BOUNDARY 0x10000u

/* A drive asks for 256 sectors at the most; pieces of two bytes each would be the longest list. */
enum { TYPICAL_PIECES = 64 };

static bool active(const struct bus_master *engine)
{
    return engine->state->status & BM_STATUS_ACTIVE;
}

/* The table has no more memory to give. */
static bool exhausted(const struct bus_master_state *s)
{
    return s->last && s->left == 0;
}

static void end_active(struct bus_master *engine, uint8_t status)
{
    engine->state->status = (uint8_t)((engine->state->status & ~BM_STATUS_ACTIVE) | status);
}

static void trace_end(const struct bus_master *engine, const char *how, uint64_t moved)
{
    if (trace_on(&dma_end_event))
        trace_emit(&dma_end_event, engine->clock, engine->name, how, moved, (uint64_t)engine->state->status);
}

/* Nobody answered: the PCI cycle ended in a master abort (PCI 2.3, 6.2.3, Status bit 13). */
static void master_abort(struct bus_master *engine)
{
    engine->function->state.config[PCI_STATUS + 1] |= 0x20;
    end_active(engine, BM_STATUS_ERROR);
}

/* The table. */

static void check_region(const struct bus_master *engine, uint32_t address, uint32_t count)
{
    uint32_t bytes = (count & ~1u) ? (count & ~1u) : PRD_BOUNDARY;
    if (address & 1 || count & 1)
        lint(engine->name, SPECIFICATION "Physical Region Descriptor",
             "region of %u bytes at %08x: address and count must be even; bit 0 is ignored", count, address);
    if ((address & (PRD_BOUNDARY - 1)) + bytes > PRD_BOUNDARY)
        lint(engine->name, SPECIFICATION "Physical Region Descriptor",
             "region of %u bytes at %08x crosses a 64 KiB boundary", bytes, address);
}

/* Loads the next descriptor into base, left and last. False when memory does not answer. */
static bool fetch_descriptor(struct bus_master *engine)
{
    struct bus_master_state *s = engine->state;
    uint8_t prd[PRD_SIZE];
    uint32_t address, count;

    if ((s->table ^ (s->next + PRD_SIZE - 1)) & ~(PRD_BOUNDARY - 1)) {
        lint(engine->name, SPECIFICATION "Physical Region Descriptor Table",
             "table at %08x has no end before the 64 KiB boundary", s->table);
        s->last = true;
        return true;
    }
    if (space_read(engine->function->dma, s->next, prd, sizeof prd) != MEM_OK) return false;
    address = le32_load(prd + PRD_ADDRESS);
    count = le16_load(prd + PRD_COUNT);
    check_region(engine, address, count);
    s->base = address & ~1u;
    s->left = (count & ~1u) ? (count & ~1u) : PRD_BOUNDARY;
    s->last = le16_load(prd + PRD_FLAGS) & PRD_LAST;
    if (trace_on(&prd_event))
        trace_emit(&prd_event, engine->clock, engine->name, (uint64_t)s->next, (uint64_t)s->base,
                   (uint64_t)s->left, (uint64_t)s->last);
    s->next += PRD_SIZE;
    return true;
}

/* Adds up to `need` bytes of the current region to the list; addresses have 32 bits and wrap. Returns how
 * many. */
static uint32_t take_region(struct bus_master *engine, uint64_t need)
{
    struct bus_master_state *s = engine->state;
    uint64_t before_wrap = (UINT64_C(1) << 32) - s->base;
    uint64_t take = need < s->left ? need : s->left;

    if (take > before_wrap) take = before_wrap;
    sglist_add(&engine->list, s->base, take);
    s->base += (uint32_t)take;
    s->left -= (uint32_t)take;
    return (uint32_t)take;
}

/* Copies from the table what the part uses, each descriptor once. Of a disk the list gets whole sectors only. Each
 * turn takes bytes, or reads a descriptor, of which a table has at most 8192. */
static bool gather(struct bus_master *engine, const struct ata_part *part)
{
    uint64_t need = part->bytes;
    sglist_reset(&engine->list);
    while (need && !exhausted(engine->state)) {
        if (engine->state->left)
            need -= take_region(engine, need);
        else if (!fetch_descriptor(engine))
            return false;
    }
    if (!part->buffer) sglist_truncate(&engine->list, engine->list.size - engine->list.size % ATA_SECTOR);
    return true;
}

/* Transfers. */

static void kick(struct bus_master *engine)
{
    clock_event_in(&engine->kick, 0);
}

/* What a packet command answers may be less than the driver has room for. */
static void check_size(const struct bus_master *engine, bool complete)
{
    const struct ata_drive *drive = engine->served;
    const char *command = ata_command_name(drive->state->regs.command);
    if (!complete)
        lint(engine->name, SPECIFICATION "Physical Region Descriptor Table",
             "the table ends before the transfer of %s does: the drive waits for the rest", command);
    else if (drive->kind == ATA_HARD_DISK && !exhausted(engine->state))
        lint(engine->name, SPECIFICATION "Physical Region Descriptor Table",
             "the table goes on beyond the transfer of %s", command);
}

static void part_done(struct bus_master *engine, enum stream_status status, uint64_t moved)
{
    struct bus_master_state *s = engine->state;
    struct ata_drive *drive = engine->served;
    bool complete = moved == ata_dma_part(drive).bytes;

    guard_enter(engine->guard);
    s->moving = false;
    if (status == STREAM_OK) {
        check_size(engine, complete);
        if (exhausted(s)) end_active(engine, 0);
        trace_end(engine, !complete ? "table shorter" : exhausted(s) ? "complete" : "table longer", moved);
    } else if (status == STREAM_BACKEND_ERROR) {
        trace_end(engine, "disk error", moved);
    } else {
        master_abort(engine);
        trace_end(engine, "bad address", moved);
    }
    /* Last, since this raises the interrupt. */
    ata_dma_moved(drive, moved, status == STREAM_BACKEND_ERROR);
    if (engine->drive != drive) kick(engine); /* the other drive asked in between */
    guard_leave(engine->guard);
}

static void transfer_done(void *owner, struct transfer *transfer, enum stream_status status, int error,
                          uint64_t moved)
{
    (void)transfer;
    (void)error;
    part_done(owner, status, moved);
}

static void bytes_done(void *owner, struct buffer_stream *stream, enum stream_status status, uint64_t moved)
{
    (void)stream;
    part_done(owner, status, moved);
}

void bus_master_cancel(struct bus_master *engine)
{
    transfer_cancel(&engine->transfer);
    buffer_stream_cancel(&engine->bytes);
}

/* Takes back what is under way. Returns the bytes that went through before. */
static uint64_t cancel_transfer(struct bus_master *engine)
{
    bool disk = transfer_busy(&engine->transfer);
    uint64_t moved = disk ? engine->transfer.stream.position : engine->bytes.stream.position;
    if (!engine->state->moving) return 0;
    bus_master_cancel(engine);
    engine->state->moving = false;
    trace_end(engine, "cancelled", moved);
    return moved;
}

static bool may_move(const struct bus_master *engine)
{
    const struct bus_master_state *s = engine->state;
    if (!active(engine) || s->moving || !engine->drive || engine->drive->state->phase != ATA_DMA)
        return false;
    return engine->function->state.config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

static bool direction_fits(const struct bus_master *engine)
{
    bool to_memory = engine->state->command & BM_COMMAND_TO_MEMORY;
    if (to_memory == ata_dma_to_host(engine->drive)) return true;
    lint(engine->name, SPECIFICATION "Command Register, bit 3",
         "direction is %s memory, but the command is %s: nothing moves", to_memory ? "to" : "from",
         ata_command_name(engine->drive->state->regs.command));
    return false;
}

static void start_transfer(struct bus_master *engine)
{
    struct ata_drive *drive = engine->drive;
    struct ata_part part = ata_dma_part(drive);

    if (!gather(engine, &part)) {
        lint(engine->name, SPECIFICATION "Physical Region Descriptor Table",
             "descriptor at %08x cannot be read", engine->state->next);
        master_abort(engine);
        trace_end(engine, "table unreadable", 0);
        return;
    }
    if (trace_on(&dma_event))
        trace_emit(&dma_event, engine->clock, engine->name, drive->name,
                   part.to_host ? "to-memory" : "from-memory", part.offset, engine->list.size,
                   (uint64_t)engine->list.count, (uint64_t)engine->state->table);
    engine->state->moving = true;
    engine->served = drive;
    if (part.buffer)
        buffer_stream_start(&engine->bytes, part.buffer, part.to_host ? DMA_FROM_DEVICE : DMA_TO_DEVICE,
                            &engine->list);
    else
        transfer_start(&engine->transfer, drive->block, part.to_host ? BLOCK_READ : BLOCK_WRITE, part.offset,
                       &engine->list);
}

/* Starts, from an event of its own, what the registers and the drive ask for by now. */
static void kicked(void *owner)
{
    struct bus_master *engine = owner;
    guard_enter(engine->guard);
    if (may_move(engine) && direction_fits(engine)) start_transfer(engine);
    guard_leave(engine->guard);
}

void bus_master_request(struct bus_master *engine, struct ata_drive *drive)
{
    engine->drive = drive;
    kick(engine);
}

void bus_master_drop(struct bus_master *engine, const struct ata_drive *drive)
{
    if (!drive || engine->served == drive) cancel_transfer(engine);
    if (!drive || engine->served == drive) engine->served = NULL;
    if (!drive || engine->drive == drive) engine->drive = NULL;
}

void bus_master_interrupt(struct bus_master *engine)
{
    engine->state->status |= BM_STATUS_INTERRUPT;
}

void bus_master_enabled(struct bus_master *engine)
{
    if (active(engine)) kick(engine);
}

/* Registers. */

static void start_engine(struct bus_master *engine)
{
    struct bus_master_state *s = engine->state;
    if (!(engine->function->state.config[PCI_COMMAND] & PCI_COMMAND_MASTER))
        lint(engine->name, "PCI 2.3, 6.2.2", "Start is set while Bus Master Enable is 0: nothing moves");
    if (s->table == 0)
        lint(engine->name, SPECIFICATION "Descriptor Table Pointer Register",
             "Start is set without a descriptor table");
    s->status |= BM_STATUS_ACTIVE;
    s->next = s->table;
    s->left = 0;
    s->last = false;
    kick(engine);
}

/* The drive keeps what it got, and waits for the rest. */
static void stop_engine(struct bus_master *engine)
{
    uint64_t moved = cancel_transfer(engine);
    end_active(engine, 0);
    if (moved) ata_dma_moved(engine->served, moved, false);
}

static void write_command(struct bus_master *engine, uint8_t value)
{
    struct bus_master_state *s = engine->state;
    uint8_t changed = s->command ^ value;

    if (active(engine) && changed & BM_COMMAND_TO_MEMORY)
        lint(engine->name, SPECIFICATION "Command Register, bit 3",
             "the direction is changed while the engine is active");
    s->command = value;
    if (!(changed & BM_COMMAND_START)) return;
    if (value & BM_COMMAND_START)
        start_engine(engine);
    else
        stop_engine(engine);
}

/* The drive's Status is to be read first: that takes back INTRQ, whose rise has set the bit. */
static void write_status(struct bus_master *engine, uint8_t value, uint8_t stored)
{
    uint8_t pending = value & engine->state->status & BM_STATUS_INTERRUPT;
    if (pending && engine->drive && engine->drive->state->interrupt)
        lint(engine->name, SPECIFICATION "Status Register, bit 2",
             "Interrupt is cleared before the drive's Status was read: INTRQ is still asserted");
    engine->state->status = stored;
}

static void write_table(struct bus_master *engine, unsigned shift, uint8_t value)
{
    struct bus_master_state *s = engine->state;
    if (active(engine))
        lint(engine->name, SPECIFICATION "Descriptor Table Pointer Register",
             "written while the engine is active");
    s->table = (s->table & ~(0xffu << shift)) | (uint32_t)value << shift;
}

uint8_t bus_master_read(const struct bus_master *engine, unsigned offset)
{
    const struct bus_master_state *s = engine->state;
    if (offset >= BM_TABLE) return (uint8_t)(s->table >> 8 * (offset - BM_TABLE));
    return offset == BM_COMMAND ? s->command : offset == BM_STATUS ? s->status : 0;
}

void bus_master_write(struct bus_master *engine, unsigned offset, uint8_t value)
{
    uint8_t writable = register_bytes[offset].writable,
            kept = bus_master_read(engine, offset) & (uint8_t)~writable;
    uint8_t stored = (kept & (uint8_t) ~(value & register_bytes[offset].clear_on_one)) | (value & writable);

    if (offset == BM_TABLE && value & ~writable)
        lint(engine->name, SPECIFICATION "Descriptor Table Pointer Register",
             "the table must be dword aligned; bits 1:0 are ignored");
    if (offset == BM_COMMAND)
        write_command(engine, stored);
    else if (offset == BM_STATUS)
        write_status(engine, value, stored);
    else if (offset >= BM_TABLE)
        write_table(engine, 8 * (offset - BM_TABLE), stored);
}

/* Reset and creation. */

void bus_master_reset(struct bus_master *engine)
{
    clock_event_cancel(&engine->kick);
    cancel_transfer(engine);
    engine->drive = engine->served = NULL;
    *engine->state = (struct bus_master_state){0};
}

/* A transfer that was under way begins again, at the descriptor pointer's table: the drive's position is what
 * counts. */
void bus_master_loaded(struct bus_master *engine)
{
    struct bus_master_state *s = engine->state;
    bus_master_cancel(engine);
    engine->drive = engine->served = NULL;
    if (s->moving) {
        s->next = s->table;
        s->left = 0;
        s->last = s->moving = false;
    }
}

/* What the engine holds beside its registers; the pieces of the list follow. */
enum { NO_DRIVE = 0xff };
struct engine_state {
    uint8_t drive, served; /* NO_DRIVE: none */
};
static const struct state_field engine_fields[] = {
    STATE_FIELD(struct engine_state, drive),
    STATE_FIELD(struct engine_state, served),
    STATE_END,
};
static const struct state_table engine_table = {"bus-master", 1, sizeof(struct engine_state), engine_fields};

bool bus_master_save_transfer(const struct bus_master *engine, const struct ata_drive *drives,
                              struct state_buffer *to, struct error *error)
{
    static const struct sglist nothing;
    struct engine_state state = {NO_DRIVE, NO_DRIVE};
    if (engine->drive) state.drive = (uint8_t)(engine->drive - drives);
    if (engine->served) state.served = (uint8_t)(engine->served - drives);
    state_save(&engine_table, &state, to);
    sglist_save(engine->state->moving ? &engine->list : &nothing, to);
    return transfer_save(&engine->transfer, to, error) && buffer_stream_save(&engine->bytes, to, error);
}

static bool load_drive(struct bus_master *engine, struct ata_drive *drives, uint8_t place,
                       struct ata_drive **drive, struct error *error)
{
    *drive = NULL;
    if (place == NO_DRIVE) return true;
    if (place > 1 || !ata_present(&drives[place]))
        return error_set(error, "%s: there is no drive %u", engine->name, place);
    *drive = &drives[place];
    return true;
}

bool bus_master_load_transfer(struct bus_master *engine, struct ata_drive *drives, struct state_buffer *from,
                              struct error *error)
{
    struct engine_state state;
    bus_master_cancel(engine);
    if (!state_load(&engine_table, &state, from, error) ||
        !load_drive(engine, drives, state.drive, &engine->drive, error) ||
        !load_drive(engine, drives, state.served, &engine->served, error) ||
        !sglist_load(&engine->list, from, error))
        return false;
    struct block *block = engine->served ? engine->served->block : NULL;
    struct ata_part part = {0};
    if (engine->served && engine->served->state->phase == ATA_DMA) part = ata_dma_part(engine->served);
    uint8_t *buffer = part.buffer && engine->list.size <= part.bytes ? part.buffer : NULL;
    if (!transfer_load(&engine->transfer, part.buffer ? NULL : block, &engine->list, from, error) ||
        !buffer_stream_load(&engine->bytes, buffer, &engine->list, from, error))
        return false;
    return (transfer_busy(&engine->transfer) || buffer_stream_busy(&engine->bytes)) ==
               engine->state->moving ||
           error_set(error, "%s: a transfer is missing", engine->name);
}

void bus_master_init(struct bus_master *engine, struct bus_master_state *state, const char *name,
                     struct pci_function *function, struct clock *clock, struct mem_guard *guard)
{
    *engine = (struct bus_master){
        .name = name, .state = state, .function = function, .clock = clock, .guard = guard};
    snprintf(engine->kick_name, sizeof engine->kick_name, "%s.dma_kick", name);
    snprintf(engine->transfer_name, sizeof engine->transfer_name, "%s.dma", name);
    sglist_init(&engine->list, TYPICAL_PIECES);
    transfer_init(&engine->transfer, engine->transfer_name, function->dma, transfer_done, engine);
    stream_set_guard(&engine->transfer.stream, guard);
    snprintf(engine->bytes_name, sizeof engine->bytes_name, "%s.bytes", name);
    buffer_stream_init(&engine->bytes, engine->bytes_name, function->dma, bytes_done, engine);
    stream_set_guard(&engine->bytes.stream, guard);
    clock_event_init(&engine->kick, clock, engine->kick_name, kicked, engine);
}

void bus_master_destroy(struct bus_master *engine)
{
    clock_event_destroy(&engine->kick);
    transfer_destroy(&engine->transfer);
    buffer_stream_destroy(&engine->bytes);
    sglist_destroy(&engine->list);
}

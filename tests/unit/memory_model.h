/* SPDX-License-Identifier: MIT */
/*
 * The model of test_memory_model.c: a machine of memory as plain arrays, with one cell for each address that
 * says what answers there.
 */
#ifndef TESTS_UNIT_MEMORY_MODEL_H
#define TESTS_UNIT_MEMORY_MODEL_H

#include "mem/iommu.h"
#include "tests/unit/mem_helper.h"

#define SIZE        0x6000u /* addresses at which something can be */
#define STAGE_SIZE  0x8000u /* of the space behind the IOMMU */
#define PAGE        0x1000u
#define TARGET_SIZE 0x2000u /* of each memory, of the register file, and of the container */
#define BAD_AT      0x1230u /* eight registers that refuse */
#define LONGEST     1024u   /* access or mapping */

enum { TARGETS = 5, PARTS = 13, BAR = PARTS - 1, IN_BAR = 9, HELD = 12, CLIENTS = 4, PORTS = 3 };

/* What a region should hold. */
struct target {
    struct region *region;
    uint64_t uses; /* by the machine and by mappings */
    uint8_t bytes[TARGET_SIZE];
    bool memory, rom;
    bool dirty[TARGET_SIZE / PAGE], code[TARGET_SIZE / PAGE];
};

/* What answers at one address. */
struct cell {
    struct target *target; /* NULL: nobody */
    uint32_t offset;
    bool read_only;
};

/* A window in the tree: an alias, or (the last) the container, called BAR. */
struct part {
    struct region *region;
    struct target *target; /* NULL: the BAR */
    uint64_t place, size, from;
    int priority;
    unsigned age;
    bool enabled, read_only;
};

struct client {
    struct machine *machine;
    unsigned port;
    struct dma_waiter waiter;
    uint64_t need;
    bool waits;
};

/* A space, and what is known of its pool. */
struct port {
    struct space *space;
    uint64_t size;
    struct dma_settings settings;
    uint64_t limit, bounced, live;
    struct client *queue[CLIENTS];
    unsigned waiting;
    bool waking;
};

struct held {
    struct dma_mapping mapping;
    unsigned port;
    struct target *target;
    uint64_t offset, touched;
    bool lost, bounced;
    uint8_t bytes[LONGEST]; /* what the bounce holds */
};

struct machine {
    uint64_t seed, random;
    unsigned operation, ages;
    bool checked;
    struct clock clock;
    struct region *root;
    struct target *targets[TARGETS];
    uint8_t registers[TARGET_SIZE]; /* the real ones */
    struct part parts[PARTS];
    struct cell cells[SIZE], bar[TARGET_SIZE];
    struct iommu_page table[STAGE_SIZE / PAGE];
    struct iommu_stage *stage;
    struct port ports[PORTS];
    struct space_listener listeners[PORTS];
    struct held held[HELD];
    struct client clients[CLIENTS];
};

static inline void broken(const struct machine *machine, const char *what)
{
    ck_abort_msg("MODEL_SEED=%llu, operation %u: %s", (unsigned long long)machine->seed, machine->operation,
                 what);
}

/* Cheaper than a ck_assert, of which there would be a thousand millions. */
static inline void must(const struct machine *machine, bool holds, const char *what)
{
    if (!holds) broken(machine, what);
}

static inline uint64_t chance(struct machine *machine, uint64_t limit)
{
    return random_below(&machine->random, limit);
}

/* ---- the model's memory ---- */

static inline void target_release(struct target *target)
{
    if (--target->uses == 0) free(target);
}

static inline void paint(struct cell *cells, uint64_t size, const struct machine *machine,
                         const struct part *part)
{
    for (uint64_t i = 0; i < part->size && part->place + i < size; i++) {
        uint64_t from = part->from + i;
        struct cell cell = part->target ? (struct cell){part->target, (uint32_t)from, part->target->rom}
                                        : machine->bar[from];
        if (!cell.target) continue;
        cell.read_only |= part->read_only;
        cells[part->place + i] = cell;
    }
}

/* What is in the BAR, or what is beside it; lowest precedence first, each over those before it. */
static inline void paint_all(struct machine *machine, struct cell *cells, uint64_t size, bool in_bar)
{
    unsigned order[PARTS], count = 0;
    memset(cells, 0, size * sizeof(*cells));
    for (unsigned i = 0; i < PARTS; i++) {
        const struct part *part = &machine->parts[i];
        if (!part->region || !part->enabled || (i >= IN_BAR && i < BAR) != in_bar) continue;
        unsigned at = count++;
        for (; at; at--) {
            const struct part *below = &machine->parts[order[at - 1]];
            if (below->priority < part->priority ||
                (below->priority == part->priority && below->age < part->age))
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    for (unsigned i = 0; i < count; i++) paint(cells, size, machine, &machine->parts[order[i]]);
}

static inline void repaint(struct machine *machine)
{
    paint_all(machine, machine->bar, TARGET_SIZE, true);
    if (!machine->parts[BAR].enabled)
        memset(machine->bar, 0, sizeof(machine->bar)); /* not seen through aliases either */
    paint_all(machine, machine->cells, SIZE, false);
}

static inline uint64_t port_reach(const struct port *port)
{
    unsigned mask = port->settings.dma_mask;
    return mask && UINT64_C(1) << mask < port->size ? UINT64_C(1) << mask : port->size;
}

/* What answers at `addr`, and why not. The stage is behind the first port. */
static inline enum mem_result resolve(const struct machine *machine, unsigned port, gaddr addr,
                                      enum dma_direction way, struct cell *cell)
{
    *cell = (struct cell){0};
    if (addr >= port_reach(&machine->ports[port])) return MEM_DECODE_ERROR;
    if (port == PORTS - 1) {
        const struct iommu_page *page = &machine->table[addr / PAGE];
        uint8_t wanted = way == DMA_TO_DEVICE ? IOMMU_READ : IOMMU_WRITE;
        if (!page->permissions) return MEM_DECODE_ERROR;
        if (page->addr % PAGE || !(page->permissions & wanted)) return MEM_DEVICE_ERROR;
        addr = page->addr + addr % PAGE;
    }
    if (addr < SIZE) *cell = machine->cells[addr];
    return cell->target ? MEM_OK : MEM_DECODE_ERROR;
}

/* How many of the bytes from `addr` on have one answer, whose first cell is `cell`. */
static inline uint64_t run_length(const struct machine *machine, unsigned port, gaddr addr, uint64_t length,
                                  enum dma_direction way, const struct cell *cell)
{
    for (uint64_t i = 1; i < length; i++) {
        struct cell next;
        gaddr at = addr + i;
        if (resolve(machine, port, at, way, &next) != MEM_OK || next.target != cell->target ||
            next.offset != cell->offset + i || next.read_only != cell->read_only)
            return i;
        if (port == PORTS - 1 && at % PAGE == 0 &&
            machine->table[at / PAGE].addr != machine->table[at / PAGE - 1].addr + PAGE)
            return i;
    }
    return length;
}

static inline bool is_bad(const struct target *target, uint64_t offset)
{
    return !target->memory && offset / 8 == BAD_AT / 8;
}

/* Was [offset, offset + length) of a memory written? Then it is dirty, and holds no decoded code. */
static inline void model_written(struct target *target, uint64_t offset, uint64_t length)
{
    for (uint64_t page = offset / PAGE; target->memory && length && page <= (offset + length - 1) / PAGE;
         page++) {
        target->dirty[page] = true;
        target->code[page] = false;
    }
}

static inline enum mem_result model_put(struct target *target, uint64_t offset, uint8_t byte)
{
    if (is_bad(target, offset)) return MEM_DEVICE_ERROR;
    target->bytes[offset] = byte;
    model_written(target, offset, 1);
    return MEM_OK;
}

static inline enum mem_result model_read(struct machine *machine, unsigned port, gaddr addr, uint8_t *to,
                                         uint64_t length)
{
    enum mem_result result = MEM_OK;
    for (uint64_t i = 0; i < length; i++) {
        struct cell cell;
        enum mem_result why = resolve(machine, port, addr + i, DMA_TO_DEVICE, &cell);
        if (!why && is_bad(cell.target, cell.offset)) why = MEM_DEVICE_ERROR;
        to[i] = why ? 0xff : cell.target->bytes[cell.offset];
        result |= why;
    }
    return result;
}

static inline enum mem_result model_write(struct machine *machine, unsigned port, gaddr addr,
                                          const uint8_t *from, uint64_t length)
{
    enum mem_result result = MEM_OK;
    for (uint64_t i = 0; i < length; i++) {
        struct cell cell;
        enum mem_result why = resolve(machine, port, addr + i, DMA_FROM_DEVICE, &cell);
        if (!why && !cell.read_only) why = model_put(cell.target, cell.offset, from[i]);
        result |= why;
    }
    return result;
}

static inline void check_marks(const struct machine *machine, const struct target *target)
{
    for (unsigned page = 0; target->memory && page < TARGET_SIZE / PAGE; page++) {
        uint8_t marks = target->region->marks[page];
        must(machine, !(marks & MARK_DIRTY_SAVE) == !target->dirty[page],
             "exactly what was written is dirty");
        must(machine, !(marks & MARK_CODE) == !target->code[page], "code is dropped where it was written");
    }
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The property test of the memory layer: random machines of memory, and everything that a CPU and devices do
 * with it, against plain arrays of bytes.
 *
 * A machine has two kinds of RAM, ROM and a register file, seen through a dozen windows that overlap, move,
 * switch and change their targets, some of them in a container that is itself seen twice. Three spaces look
 * at it: a CPU's, a device's (DMA mode, bounce limit, address mask by chance) and one behind an IOMMU. The
 * model knows one cell for every address, so it says not only which bytes there must be, but also how long
 * each map has to be, why it fails, who is woken when, and which pages are dirty. Mappings of both directions
 * are held over changes of all that, overlap, and end in any order.
 *
 *     MODEL_OPERATIONS=N    operations in all (200000; `make test-long` does ten million)
 *     MODEL_SEED=S          the first machine; a failure tells its seed
 */
#include <stdio.h>
#include "tests/unit/memory_model.h"

#define OPERATIONS 5000u /* of one machine */
#define ROUNDS     8u    /* test cases that share the machines */

/* ---- the register file ---- */

static enum mem_result registers_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    if (at.offset / 8 == BAD_AT / 8) return MEM_DEVICE_ERROR;
    *value = le_load((const uint8_t *)owner + at.offset, size);
    return MEM_OK;
}

static enum mem_result registers_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    if (at.offset / 8 == BAD_AT / 8) return MEM_DEVICE_ERROR;
    le_store((uint8_t *)owner + at.offset, size, value);
    return MEM_OK;
}

static const struct mmio_ops registers_ops[] = {{registers_read, registers_write, 1, 8, false},
                                                {registers_read, registers_write, 0, 0, false},
                                                {registers_read, registers_write, 1, 1, false}};

/* ---- accesses ---- */

static void do_read(struct machine *machine, unsigned port, gaddr addr, uint64_t length)
{
    uint8_t got[LONGEST], right[LONGEST];
    enum mem_result expected = model_read(machine, port, addr, right, length), result;
    struct space *space = machine->ports[port].space;
    if (length <= 8 && !(length & (length - 1))) {
        uint64_t value;
        result = space_load(space, addr, (unsigned)length, &value);
        le_store(got, (unsigned)length, value);
    } else {
        result = space_read(space, addr, got, length);
    }
    must(machine, result == expected, "the result of a read");
    must(machine, !memcmp(got, right, length), "the bytes of a read");
}

static void do_write(struct machine *machine, unsigned port, gaddr addr, uint64_t length)
{
    uint8_t bytes[LONGEST];
    enum mem_result result;
    struct space *space = machine->ports[port].space;
    random_bytes(&machine->random, bytes, length);
    if (length <= 8 && !(length & (length - 1))) {
        result = space_store(space, addr, (unsigned)length, le_load(bytes, (unsigned)length));
    } else if (bytes[0] & 1) {
        result = space_write(space, addr, bytes, length);
    } else {
        memset(bytes, bytes[0], length);
        result = space_fill(space, addr, bytes[0], length);
    }
    must(machine, result == model_write(machine, port, addr, bytes, length), "the result of a write");
    for (unsigned i = 0; i < TARGETS; i++) check_marks(machine, machine->targets[i]);
}

/* A debugger's: memory only, ROM too, no registers. */
static void do_peek_or_poke(struct machine *machine, unsigned port, gaddr addr, uint64_t length)
{
    uint8_t bytes[LONGEST], got[LONGEST];
    bool poke = chance(machine, 2), all = true;
    struct space *space = machine->ports[port].space;
    random_bytes(&machine->random, bytes, length);
    for (uint64_t i = 0; i < length; i++) {
        struct cell cell;
        enum mem_result why = resolve(machine, port, addr + i, poke ? DMA_FROM_DEVICE : DMA_TO_DEVICE, &cell);
        bool there = !why && cell.target->memory;
        all &= there;
        if (there && poke)
            model_put(cell.target, cell.offset, bytes[i]);
        else if (!poke)
            bytes[i] = there ? cell.target->bytes[cell.offset] : 0xff;
    }
    must(machine,
         (poke ? space_poke(space, addr, bytes, length) : space_peek(space, addr, got, length)) == all,
         "what a peek or poke says");
    must(machine, poke || !memcmp(got, bytes, length), "the bytes of a peek");
}

/* ---- mappings ---- */

static uint64_t port_available(const struct port *port, uint64_t waker_need)
{
    if (port->waking) return waker_need;
    return port->waiting ? 0 : port->limit - port->bounced;
}

/* What a map has to give; `give` is 0 when it has to fail, with `status`. */
struct expected {
    uint64_t give;
    enum dma_status status;
    bool by_message, may_refuse;
};

static struct expected expect_map(const struct machine *machine, unsigned port, gaddr addr, uint64_t length,
                                  enum dma_direction way, uint64_t available, struct cell *cell)
{
    struct expected expected = {0};
    enum dma_mode mode = machine->ports[port].settings.mode;
    enum mem_result why = resolve(machine, port, addr, way, cell);
    expected.status = why == MEM_DECODE_ERROR ? DMA_NO_MEMORY : why ? DMA_REFUSED : DMA_OK;
    if (why) return expected;

    const struct target *target = cell->target;
    expected.give = run_length(machine, port, addr, length, way, cell);
    expected.by_message = !target->memory || target->region->indirect || mode == DMA_MODE_INDIRECT ||
                          (cell->read_only && way == DMA_FROM_DEVICE);
    if (!expected.by_message) return expected;
    if (available < expected.give) expected.give = available;
    if (!expected.give) expected.status = DMA_NO_BOUNCE;
    for (uint64_t i = 0; i < expected.give; i++)
        expected.may_refuse |= way == DMA_TO_DEVICE && is_bad(target, cell->offset + i);
    if (expected.may_refuse && mode != DMA_MODE_FAULTY)
        expected = (struct expected){0, DMA_REFUSED, true, true};
    return expected;
}

static void check_map(const struct machine *machine, unsigned port, const struct dma_mapping *mapping,
                      const struct expected *expected, bool waking)
{
    must(machine, !mapping->length == !mapping->host, "pointer and length come together");
    must(machine, mapping->length != 0 || mapping->status != DMA_OK, "an empty map says why");
    must(machine, !mapping->length || mapping->status == DMA_OK, "a map that gave something is well");
    if (machine->ports[port].settings.mode != DMA_MODE_FAULTY) {
        must(machine, mapping->length == expected->give, "the length of a map");
        must(machine, mapping->status == expected->status, "the status of a map");
        must(machine, !mapping->length || (mapping->bounce != NULL) == expected->by_message,
             "who is bounced");
        return;
    }
    must(machine, mapping->length <= expected->give, "a faulty map is not too long");
    must(machine, !mapping->bounce || !waking || expected->by_message, "no bytes for nothing in a wake");
    must(machine, !mapping->length || !expected->by_message || mapping->bounce, "who must be bounced");
    if (mapping->length || mapping->status == expected->status) return;
    must(machine,
         (mapping->status == DMA_NO_BOUNCE && !waking && expected->give) ||
             (mapping->status == DMA_REFUSED && expected->may_refuse),
         "why a faulty map failed");
}

static struct held *free_slot(struct machine *machine)
{
    for (unsigned i = 0; i < HELD; i++) {
        if (!machine->held[i].mapping.length) return &machine->held[i];
    }
    return NULL;
}

static void do_map(struct machine *machine, unsigned port, gaddr addr, uint64_t length, bool waking)
{
    struct held *held = free_slot(machine);
    if (!held) return;
    struct port *at = &machine->ports[port];
    struct cell cell;
    enum dma_direction way = chance(machine, 2) ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
    struct expected expected =
        expect_map(machine, port, addr, length, way, port_available(at, waking ? length : 0), &cell);
    struct dma_mapping mapping = dma_map(at->space, addr, length, way);
    check_map(machine, port, &mapping, &expected, waking);
    if (!mapping.length) return;

    *held = (struct held){.mapping = mapping, .port = port, .target = cell.target, .offset = cell.offset};
    held->bounced = mapping.bounce != NULL;
    held->lost = way == DMA_FROM_DEVICE && cell.read_only;
    cell.target->uses++;
    at->live++;
    at->bounced += held->bounced ? mapping.length : 0;
    const uint8_t *content = &cell.target->bytes[cell.offset];
    if (way == DMA_TO_DEVICE || cell.target->memory) memcpy(held->bytes, content, mapping.length);
    if (way == DMA_TO_DEVICE) must(machine, !memcmp(mapping.host, content, mapping.length), "mapped bytes");
}

/* The device touches what it holds. */
static void do_use(struct machine *machine, struct held *held)
{
    const struct dma_mapping *mapping = &held->mapping;
    uint8_t *content = &held->target->bytes[held->offset];
    if (mapping->direction == DMA_TO_DEVICE) {
        must(machine, !memcmp(mapping->host, held->bounced ? held->bytes : content, mapping->length),
             "what a device reads");
        return;
    }
    uint64_t end = chance(machine, mapping->length + 1);
    if (end <= held->touched) return;
    random_bytes(&machine->random, held->bytes + held->touched, end - held->touched);
    memcpy((uint8_t *)mapping->host + held->touched, held->bytes + held->touched, end - held->touched);
    if (!held->bounced) memcpy(content + held->touched, held->bytes + held->touched, end - held->touched);
    held->touched = end;
}

/* Bytes that the device says it touched, and did not, are what memory held; the checker takes that amiss. */
static uint64_t choose_accessed(struct machine *machine, const struct held *held)
{
    uint64_t length = held->mapping.length;
    if (held->mapping.direction == DMA_TO_DEVICE) return chance(machine, length + 1);
    if (machine->checked) return held->touched;
    switch (chance(machine, 4)) {
    case 0: return held->touched + chance(machine, length - held->touched + 1);
    case 1: return length + chance(machine, 2) * UINT64_MAX / 2;
    default: return held->touched;
    }
}

static void do_unmap(struct machine *machine, struct held *held)
{
    struct port *port = &machine->ports[held->port];
    uint64_t length = held->mapping.length, accessed;
    enum mem_result expected = MEM_OK;
    do_use(machine, held);
    accessed = choose_accessed(machine, held);
    uint64_t counts = accessed < length ? accessed : length;
    if (held->mapping.direction == DMA_FROM_DEVICE && !held->bounced)
        model_written(held->target, held->offset, counts);
    else if (held->mapping.direction == DMA_FROM_DEVICE && !held->lost)
        for (uint64_t i = 0; i < counts; i++)
            expected |= model_put(held->target, held->offset + i, held->bytes[i]);
    port->live--;
    port->bounced -= held->bounced ? length : 0;
    must(machine, dma_unmap(port->space, &held->mapping, accessed) == expected, "the result of an unmap");
    must(machine, !held->mapping.length && !held->mapping.host, "the handle is cleared");
    must(machine, dma_unmap(port->space, &held->mapping, accessed) == MEM_OK, "and harmless");
    if (held->target->uses > 1) check_marks(machine, held->target);
    target_release(held->target);
}

/* ---- waiters ---- */

static void queue_remove(struct port *port, struct client *client)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < port->waiting; i++) {
        if (port->queue[i] != client) port->queue[kept++] = port->queue[i];
    }
    port->waiting = kept;
    client->waits = false;
}

static void do_cancel(struct machine *machine, struct client *client)
{
    dma_wait_cancel(&client->waiter);
    queue_remove(&machine->ports[client->port], client);
}

static void do_wait(struct machine *machine, struct client *client)
{
    struct port *port = &machine->ports[client->port];
    uint64_t need = 1 + chance(machine, port->limit + port->limit / 16);
    bool may = need <= port->limit;
    must(machine, dma_wait(port->space, &client->waiter, need) == may, "who may wait");
    if (!may) return;
    client->need = need;
    if (!client->waits) port->queue[port->waiting++] = client;
    client->waits = true;
}

static void client_wake(void *owner)
{
    struct client *client = owner;
    struct machine *machine = client->machine;
    struct port *port = &machine->ports[client->port];
    must(machine, port->waiting && port->queue[0] == client, "first come, first served");
    must(machine, client->need <= port->limit - port->bounced, "a wake finds its bytes");
    must(machine, !dma_waiting(&client->waiter), "who is woken does not wait");
    queue_remove(port, client);
    port->waking = true;
    switch (chance(machine, 5)) {
    case 0: break;
    case 1: do_wait(machine, client); break;
    case 2: do_cancel(machine, &machine->clients[chance(machine, CLIENTS)]); break;
    default:
        if (client->need <= LONGEST) do_map(machine, client->port, chance(machine, SIZE), client->need, true);
    }
    port->waking = false;
}

static void run_events(struct machine *machine)
{
    while (clock_deadline(&machine->clock) != VTIME_NEVER) {
        if (clock_deadline(&machine->clock) > clock_now(&machine->clock))
            clock_jump(&machine->clock, clock_deadline(&machine->clock));
        clock_fire_due(&machine->clock);
    }
    for (unsigned i = 0; i < PORTS; i++) {
        const struct port *port = &machine->ports[i];
        must(machine, !port->waiting || port->queue[0]->need > port->limit - port->bounced,
             "no wake-up is lost");
    }
}

/* ---- changes ---- */

static void part_remove(struct part *part)
{
    if (!part->region) return;
    region_remove(part->region);
    region_release(part->region);
    part->region = NULL;
}

static void part_new(struct machine *machine, unsigned index)
{
    struct part *part = &machine->parts[index];
    unsigned which = (unsigned)chance(machine, index < IN_BAR ? TARGETS + 1 : TARGETS);
    struct region *target;
    part_remove(part);
    part->target = which < TARGETS ? machine->targets[which] : NULL;
    target = part->target ? part->target->region : machine->parts[BAR].region;
    part->size = 1 + chance(machine, 0x1800);
    part->from = chance(machine, TARGET_SIZE - part->size);
    part->place = chance(machine, index < IN_BAR ? SIZE : TARGET_SIZE);
    if (chance(machine, 2)) part->place &= ~UINT64_C(0xfff);
    part->priority = (int)chance(machine, 3) - 1;
    part->read_only = chance(machine, 5) == 0;
    part->enabled = true;
    part->age = ++machine->ages;
    part->region = region_new_alias("part", target, (struct region_at){part->from}, part->size);
    region_set_alias(part->region, (struct region_at){part->from}, part->read_only);
    region_add(index < IN_BAR ? machine->root : machine->parts[BAR].region, part->place, part->region,
               part->priority);
}

static struct target *target_new(struct region *region, bool memory)
{
    struct target *target = calloc(1, sizeof(*target));
    target->region = region;
    target->memory = memory;
    target->uses = 1;
    for (unsigned page = 0; memory && page < TARGET_SIZE / PAGE; page++) target->dirty[page] = true;
    return target;
}

/* A memory goes from the machine, though some of it may be mapped, and another comes in its place. */
static void replace_memory(struct machine *machine, unsigned index)
{
    struct target *old = machine->targets[index];
    bool indirect = old->region->indirect;
    for (unsigned i = 0; i < BAR; i++) {
        if (machine->parts[i].target == old) part_remove(&machine->parts[i]);
    }
    region_release(old->region);
    target_release(old);
    machine->targets[index] = target_new(region_new_ram("ram", TARGET_SIZE, NULL), true);
    machine->targets[index]->region->indirect = indirect;
}

static void change_one(struct machine *machine)
{
    unsigned index = (unsigned)chance(machine, PARTS);
    struct part *part = &machine->parts[index];
    unsigned kind = (unsigned)chance(machine, 5);
    if (index == BAR && (kind == 0 || kind == 3)) kind = 2;
    if (kind == 4) {
        if (!chance(machine, 8)) replace_memory(machine, (unsigned)chance(machine, 2));
    } else if (kind == 0) {
        part_new(machine, index);
    } else if (!part->region) {
        return;
    } else if (kind == 1) {
        part->enabled = !part->enabled;
        region_enable(part->region, part->enabled);
    } else if (kind == 2) {
        part->place = chance(machine, index < IN_BAR || index == BAR ? SIZE : TARGET_SIZE);
        region_move(part->region, part->place);
    } else {
        part->from = chance(machine, TARGET_SIZE - part->size);
        part->read_only = chance(machine, 3) == 0;
        region_set_alias(part->region, (struct region_at){part->from}, part->read_only);
    }
}

static void do_change(struct machine *machine)
{
    unsigned times = chance(machine, 4) ? 1 : (unsigned)chance(machine, 5);
    region_change_begin();
    while (times--) change_one(machine);
    region_change_end();
    repaint(machine);
}

static void change_table(struct machine *machine)
{
    unsigned index = (unsigned)chance(machine, STAGE_SIZE / PAGE);
    uint64_t to = chance(machine, 3) ? index : chance(machine, SIZE / PAGE + 1);
    uint8_t permissions = chance(machine, 4) ? 3 : (uint8_t)chance(machine, 4);
    machine->table[index] = (struct iommu_page){to * PAGE + !chance(machine, 12), permissions};
    iommu_invalidate(machine->stage, index * PAGE, PAGE);
}

static void configure(struct machine *machine, unsigned index)
{
    static const uint64_t limits[] = {0, 1, 1000, 2048, 4096, 8192};
    struct port *port = &machine->ports[index];
    if (port->live || port->waiting) return;
    port->settings = (struct dma_settings){.mode = (enum dma_mode)chance(machine, 3),
                                           .max_bounce = limits[chance(machine, ARRAY_COUNT(limits))],
                                           .seed = machine->random};
    if (index) port->settings.dma_mask = (unsigned)chance(machine, 3) ? 0 : 13 + (unsigned)chance(machine, 4);
    dma_configure(port->space, &port->settings);
    port->limit = dma_largest_bounce(port->space);
}

static void change_marks(struct machine *machine)
{
    struct target *target = machine->targets[chance(machine, 3)];
    unsigned page = (unsigned)chance(machine, TARGET_SIZE / PAGE);
    const struct region_at at = {page * PAGE + chance(machine, PAGE)};
    if (chance(machine, 4)) {
        region_clear_dirty(target->region, (struct region_at){0}, TARGET_SIZE, MARK_DIRTY_SAVE);
        memset(target->dirty, 0, sizeof(target->dirty));
    } else {
        region_mark_code(target->region, at);
        target->code[page] = true;
    }
}

/* ---- a machine ---- */

static struct iommu_page translate(void *owner, gaddr iova)
{
    struct machine *machine = owner;
    must(machine, iova % PAGE == 0 && iova < STAGE_SIZE, "a page that there is");
    return machine->table[iova / PAGE];
}

static bool forget_code(void *owner, struct region *region, struct region_at at, uint64_t length)
{
    must(owner, length && at.offset + length <= region->size && region->marks[at.offset / PAGE] & MARK_CODE,
         "code is dropped where there is some");
    return true;
}

static void open_ports(struct machine *machine)
{
    static const struct iommu_ops ops = {.translate = translate};
    const uint64_t size = chance(machine, 2) ? SIZE : SPACE_SIZE; /* an entry per byte, or per page */
    for (unsigned i = 0; i < PORTS - 1; i++) {
        machine->ports[i].size = size;
        machine->ports[i].space = space_new(i ? "device" : "cpu", machine->root, size, &machine->clock);
    }
    machine->ports[PORTS - 1].size = STAGE_SIZE;
    machine->stage = iommu_stage_new("stage", machine->ports[0].space, STAGE_SIZE, 12, &ops, machine);
    machine->ports[PORTS - 1].space = iommu_space(machine->stage);
    for (unsigned i = 0; i < PORTS; i++) {
        machine->listeners[i] = (struct space_listener){.code_written = forget_code, .owner = machine};
        space_listen(machine->ports[i].space, &machine->listeners[i]);
        if (machine->checked) dma_checker_enable(machine->ports[i].space);
        machine->ports[i].limit = dma_largest_bounce(machine->ports[i].space);
        configure(machine, i);
    }
}

static void machine_open(struct machine *machine, uint64_t seed)
{
    *machine = (struct machine){.seed = seed, .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1};
    for (unsigned i = 0; i < 4; i++) random_next(&machine->random);
    clock_init(&machine->clock, 0);
    machine->checked = chance(machine, 2);
    machine->root = region_new_container("root", SIZE);
    struct region *const regions[TARGETS] = {
        region_new_ram("ram", TARGET_SIZE, NULL), region_new_ram("indirect", TARGET_SIZE, NULL),
        region_new_rom("rom", TARGET_SIZE, NULL),
        region_new_mmio("registers", TARGET_SIZE, &registers_ops[chance(machine, ARRAY_COUNT(registers_ops))],
                        machine->registers, NULL),
        region_new_ram("more", TARGET_SIZE, NULL)};
    regions[1]->indirect = true;
    for (unsigned i = 0; i < TARGETS; i++) {
        machine->targets[i] = target_new(regions[i], i != 3);
        machine->targets[i]->rom = i == 2;
        random_bytes(&machine->random, machine->targets[i]->bytes, TARGET_SIZE);
        memcpy(i == 3 ? machine->registers : regions[i]->host, machine->targets[i]->bytes, TARGET_SIZE);
    }
    memset(machine->targets[3]->bytes + BAD_AT, 0, 8);
    machine->parts[BAR] = (struct part){.region = region_new_container("bar", TARGET_SIZE),
                                        .size = TARGET_SIZE,
                                        .place = chance(machine, SIZE),
                                        .enabled = true,
                                        .age = ++machine->ages};
    region_add(machine->root, machine->parts[BAR].place, machine->parts[BAR].region, 0);
    open_ports(machine);
    for (unsigned i = 0; i < BAR; i++) part_new(machine, i);
    repaint(machine);
    for (unsigned i = 0; i < 12; i++) change_table(machine);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &machine->clients[i];
        *client = (struct client){.machine = machine, .port = 1 + i % (PORTS - 1)};
        dma_waiter_init(&client->waiter, "client", client_wake, client);
    }
}

/* Every byte and every mark. */
static void compare(const struct machine *machine)
{
    for (unsigned i = 0; i < TARGETS; i++) {
        const struct target *target = machine->targets[i];
        if (!target->memory) {
            must(machine, !memcmp(machine->registers, target->bytes, BAD_AT), "registers");
            must(machine,
                 !memcmp(machine->registers + BAD_AT + 8, target->bytes + BAD_AT + 8,
                         TARGET_SIZE - BAD_AT - 8),
                 "registers");
            continue;
        }
        must(machine, !memcmp(target->region->host, target->bytes, TARGET_SIZE), "memory");
        check_marks(machine, target);
    }
}

static void check_counters(const struct machine *machine)
{
    for (unsigned i = 0; i < PORTS; i++) {
        const struct dma_stats *stats = dma_stats(machine->ports[i].space);
        must(machine, stats->live == machine->ports[i].live, "mappings are counted");
        must(machine, stats->bounce_bytes_held == machine->ports[i].bounced, "bounce bytes are counted");
        must(machine, stats->bounce_bytes_held <= machine->ports[i].limit, "and limited");
    }
}

/* An address from which a few bytes lead into the second page of what a window shows. */
static gaddr near_page_end(struct machine *machine, uint64_t length)
{
    const struct part *part = &machine->parts[chance(machine, IN_BAR)];
    gaddr boundary = part->place + PAGE - part->from;
    return (boundary - chance(machine, length)) % SIZE;
}

static void machine_step(struct machine *machine)
{
    unsigned port = (unsigned)chance(machine, PORTS), kind = (unsigned)chance(machine, 64);
    gaddr addr = chance(machine, SIZE + 64);
    uint64_t length = chance(machine, 3) ? 1 + chance(machine, 16) : 1 + chance(machine, LONGEST);
    if (!chance(machine, 3)) addr = near_page_end(machine, length);
    struct held *held = &machine->held[chance(machine, HELD)];
    struct client *client = &machine->clients[chance(machine, CLIENTS)];
    if (kind < 12)
        do_read(machine, port, addr, length);
    else if (kind < 22)
        do_write(machine, port, addr, length);
    else if (kind < 24)
        do_peek_or_poke(machine, port, addr, length);
    else if (kind < 38)
        do_map(machine, port, addr, length, false);
    else if (kind < 53 && held->mapping.length)
        kind < 42 ? do_use(machine, held) : do_unmap(machine, held);
    else if (kind < 55)
        do_wait(machine, client);
    else if (kind == 55)
        do_cancel(machine, client);
    else if (kind < 58)
        run_events(machine);
    else if (kind == 58 || kind == 62)
        change_marks(machine);
    else if (kind < 61)
        do_change(machine);
    else if (kind == 61)
        change_table(machine);
    else if (kind == 63 && chance(machine, 4) == 0)
        configure(machine, port);
}

static void machine_close(struct machine *machine)
{
    for (unsigned i = 0; i < CLIENTS; i++) do_cancel(machine, &machine->clients[i]);
    for (unsigned i = 0; i < HELD; i++) {
        if (machine->held[i].mapping.length) do_unmap(machine, &machine->held[i]);
    }
    run_events(machine);
    compare(machine);
    check_counters(machine);
    for (unsigned i = 0; i < PORTS && machine->checked; i++)
        must(machine, dma_checker_report(machine->ports[i].space, stderr) == 0, "nothing for the checker");
    for (unsigned i = 0; i < PARTS; i++) part_remove(&machine->parts[i]);
    iommu_stage_free(machine->stage);
    for (unsigned i = 0; i < PORTS - 1; i++) space_free(machine->ports[i].space);
    for (unsigned i = 0; i < TARGETS; i++) {
        must(machine, machine->targets[i]->region->uses == 1 && machine->targets[i]->uses == 1,
             "nobody uses what nobody sees");
        region_release(machine->targets[i]->region);
        target_release(machine->targets[i]);
    }
    region_release(machine->root);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t operations_wanted(void)
{
    return from_environment("MODEL_OPERATIONS", 200000);
}

START_TEST(random_machines_agree_with_the_model)
{
    struct machine *machine = malloc(sizeof(*machine));
    uint64_t first = from_environment("MODEL_SEED", 1);
    uint64_t machines = (operations_wanted() + OPERATIONS - 1) / OPERATIONS;
    lint_quiet(true);
    for (uint64_t i = (uint64_t)_i; i < machines; i += ROUNDS) {
        machine_open(machine, first + i);
        for (; machine->operation < OPERATIONS; machine->operation++) {
            machine_step(machine);
            if (machine->operation % 16 == 0) check_counters(machine);
            if (machine->operation % 512 == 0) compare(machine);
        }
        machine_close(machine);
    }
    free(machine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory model");
    TCase *tcase = tcase_create("memory model");
    tcase_set_timeout(tcase, 60 + (double)operations_wanted() / 5000);
    tcase_add_loop_test(tcase, random_machines_agree_with_the_model, 0, ROUNDS);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

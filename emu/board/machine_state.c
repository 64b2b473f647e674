/* SPDX-License-Identifier: MIT */
/* What the state of a machine consists of: see machine_state.h. */
#include "emu/board/machine_state.h"

#include <stdlib.h>
#include <string.h>
#include "devices/display/vga.h"
#include "emu/board/board_cpus.h"
#include "emu/core/bits.h"

#define PAGE 4096

/* ---- memory ---- */

/* A run of pages; their bytes follow. The last run has none. */
struct pages_state {
    uint64_t first, count;
};
static const struct state_field pages_fields[] = {
    STATE_FIELD(struct pages_state, first),
    STATE_FIELD(struct pages_state, count),
    STATE_END,
};
static const struct state_table pages_table = {"pages", 1, sizeof(struct pages_state), pages_fields};

static bool page_is_zero(const uint8_t *page)
{
    static const uint8_t zeros[PAGE];
    return !memcmp(page, zeros, PAGE);
}

static void save_memory(const struct region *region, struct state_buffer *to)
{
    uint64_t pages = region->size / PAGE;
    for (uint64_t page = 0; page < pages; page++) {
        struct pages_state run = {page, 0};
        while (page + run.count < pages && !page_is_zero(region->host + (page + run.count) * PAGE))
            run.count++;
        if (!run.count) continue;
        state_save(&pages_table, &run, to);
        state_buffer_add(to, region->host + page * PAGE, (size_t)(run.count * PAGE));
        page += run.count;
    }
    state_save(&pages_table, &(struct pages_state){0, 0}, to);
}

/* Pages that hold zeros already are not touched, so that they cost nothing. */
static void clear_pages(struct region *region, uint64_t from, uint64_t to)
{
    for (uint64_t page = from; page < to; page++)
        if (!page_is_zero(region->host + page * PAGE)) memset(region->host + page * PAGE, 0, PAGE);
}

static bool load_memory(struct region *region, struct state_buffer *from, struct error *error)
{
    uint64_t pages = region->size / PAGE, next = 0;
    for (;;) {
        struct pages_state run;
        if (!state_load(&pages_table, &run, from, error)) return false;
        if (!run.count) break;
        if (run.first < next || run.first >= pages || run.count > pages - run.first ||
            run.count > (from->size - from->cursor) / PAGE)
            return error_set(error, "%s: pages that are not there", region->name);
        clear_pages(region, next, run.first);
        memcpy(region->host + run.first * PAGE, from->data + from->cursor, (size_t)(run.count * PAGE));
        from->cursor += (size_t)(run.count * PAGE);
        next = run.first + run.count;
    }
    clear_pages(region, next, pages);
    region_written(region, (struct region_at){0}, region->size);
    return true;
}

/* ---- the board's own ---- */

struct board_state {
    bool a20[A20_SOURCES];
    uint64_t insns;
    int32_t exit_status;
    bool round_open;
    uint32_t round_next;
    uint64_t round_quantum, round_longest, round_seen;
    uint32_t round_settled;
    uint64_t used[APIC_CPUS_MOST];
};
static const struct state_field board_fields[] = {
    STATE_FIELD(struct board_state, a20),
    STATE_FIELD(struct board_state, insns),
    STATE_FIELD(struct board_state, exit_status),
    STATE_FIELD(struct board_state, round_open),
    STATE_FIELD(struct board_state, round_next),
    STATE_FIELD(struct board_state, round_quantum),
    STATE_FIELD(struct board_state, round_longest),
    STATE_FIELD(struct board_state, round_seen),
    STATE_FIELD(struct board_state, round_settled),
    STATE_FIELD(struct board_state, used),
    STATE_END,
};
static const struct state_table board_table = {"board", 1, sizeof(struct board_state), board_fields};

static void save_own(const struct board *board, struct state_buffer *to)
{
    const struct board_round *round = &board->round;
    struct board_state state = {
        .insns = board->insns,
        .exit_status = board->exit_status,
        .round_open = round->open,
        .round_settled = round->settled,
    };
    memcpy(state.a20, board->a20, sizeof state.a20);
    if (round->open) { /* of one that is over nothing counts */
        state.round_next = round->next;
        state.round_quantum = round->quantum;
        state.round_longest = round->longest;
        state.round_seen = round->seen;
        for (unsigned n = 0; n < board->config.cpus; n++) state.used[n] = board->cpus[n].used;
    }
    state_save(&board_table, &state, to);
}

static bool load_own(struct board *board, struct state_buffer *from, struct error *error)
{
    struct board_state state;
    if (!state_load(&board_table, &state, from, error)) return false;
    if (state.round_open && state.round_next >= board->config.cpus)
        return error_set(error, "board: it is the turn of a CPU that is not there");
    for (unsigned n = 0; n < board->config.cpus; n++)
        if (state.round_open && state.used[n] > state.round_quantum)
            return error_set(error, "board: CPU %u has had more than its turn", n);
    board->insns = state.insns;
    board->exit_status = state.exit_status;
    board->round = (struct board_round){state.round_open,    state.round_next, state.round_quantum,
                                        state.round_longest, state.round_seen, state.round_settled};
    memcpy(board->a20, state.a20, sizeof state.a20);
    for (unsigned n = 0; n < board->config.cpus; n++) board->cpus[n].used = state.used[n];
    board->requests = (struct board_requests){0};
    return true;
}

static void save_cpus(const struct board *board, struct state_buffer *to)
{
    for (unsigned n = 0; n < board->config.cpus; n++) {
        struct cpu_state state;
        cpu_get_state(board->cpus[n].cpu, &state);
        state_save(&cpu_state_table, &state, to);
    }
}

static bool load_cpus(struct board *board, struct state_buffer *from, struct error *error)
{
    for (unsigned n = 0; n < board->config.cpus; n++) {
        struct cpu_state state;
        if (!state_load(&cpu_state_table, &state, from, error)) return false;
        cpu_set_state(board->cpus[n].cpu, &state);
    }
    return true;
}

/* Every channel that may have input, whether or not it is connected. */
static unsigned list_chardevs(struct board *board, struct chardev *list[BOARD_SERIAL_PORTS + 1])
{
    unsigned count = 0;
    for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
        if (board->serial[i].name) list[count++] = &board->serial[i];
    list[count++] = &board->debugcon;
    return count;
}

static void save_outside(struct board *board, struct state_buffer *to)
{
    struct chardev *list[BOARD_SERIAL_PORTS + 1];
    unsigned count = list_chardevs(board, list);
    door_save(&board->door, to);
    for (unsigned i = 0; i < count; i++) chardev_save(list[i], to);
}

static bool load_outside(struct board *board, struct state_buffer *from, struct error *error)
{
    struct chardev *list[BOARD_SERIAL_PORTS + 1];
    unsigned count = list_chardevs(board, list);
    if (!door_load(&board->door, from, error)) return false;
    for (unsigned i = 0; i < count; i++)
        if (!chardev_load(list[i], from, error)) return false;
    return true;
}

/* ---- chips ---- */

static struct device *device_of(struct list *node)
{
    return list_entry(node, struct device, node);
}

static void save_devices(struct board *board, struct state_buffer *to)
{
    struct list *head = &board->devices.head;
    for (struct list *node = head->next; node != head; node = node->next)
        state_save(device_of(node)->ops->state, device_of(node)->state, to);
}

static bool load_states(struct board *board, struct state_buffer *from, bool tell, struct error *error)
{
    struct list *head = &board->devices.head;
    for (struct list *node = head->next; node != head; node = node->next) {
        struct device *device = device_of(node);
        if (!state_load(device->ops->state, device->state, from, error))
            return error_prefix(error, "%s", device->name);
        if (tell && device->ops->loaded) device->ops->loaded(device);
    }
    return true;
}

/*
 * Chips derive from their state what they are wired to: which ports they answer, which lines they hold. A line that
 * moves meanwhile is an edge for whoever listens, so each chip gets its own state right before it derives; the second
 * time round every line has its level, and nothing moves. At last all get what was saved, untouched by the others.
 */
static bool load_devices(struct board *board, struct state_buffer *from, struct error *error)
{
    size_t start = from->cursor;
    if (!load_states(board, from, false, error)) return false;
    for (unsigned times = 0; times < 2; times++) {
        from->cursor = start;
        if (!load_states(board, from, true, error)) return false;
    }
    from->cursor = start;
    return load_states(board, from, false, error);
}

static bool save_more(struct board *board, struct state_buffer *to, struct error *error)
{
    struct list *head = &board->devices.head;
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more && device_of(node)->more->save &&
            !device_of(node)->more->save(device_of(node), to, error))
            return false;
    return true;
}

static bool load_more(struct board *board, struct state_buffer *from, struct error *error)
{
    struct list *head = &board->devices.head;
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more && device_of(node)->more->load &&
            !device_of(node)->more->load(device_of(node), from, error))
            return false;
    return true;
}

static bool save_disks(struct board *board, struct state_buffer *to, struct error *error)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++)
        if (board->drives[i] && !block_save(board->drives[i], to, error)) return false;
    return true;
}

static bool load_disks(struct board *board, struct state_buffer *from, struct error *error)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++)
        if (board->drives[i] && !block_load(board->drives[i], from, error)) return false;
    return true;
}

/* ---- the whole ---- */

/* All but memory and disks: a few KiB. */
static bool save_small(struct board *board, struct state_buffer *to, struct error *error)
{
    clock_save(&board->clock, to);
    save_devices(board, to);
    if (!save_more(board, to, error)) return false;
    save_cpus(board, to);
    save_own(board, to);
    save_outside(board, to);
    return true;
}

bool machine_save(struct board *board, struct state_buffer *to, struct error *error)
{
    save_memory(board->ram, to);
    if (board->vga) save_memory(vga_memory(board->vga), to);
    return save_disks(board, to, error) && save_small(board, to, error);
}

bool machine_load(struct board *board, struct state_buffer *from, struct error *error)
{
    if (!load_memory(board->ram, from, error)) return false;
    if (board->vga && !load_memory(vga_memory(board->vga), from, error)) return false;
    if (!load_disks(board, from, error)) return false;
    size_t clock = from->cursor;
    if (!clock_load(&board->clock, from, error) || !load_devices(board, from, error)) return false;
    if (!load_more(board, from, error) || !load_cpus(board, from, error)) return false;
    if (!load_own(board, from, error) || !load_outside(board, from, error)) return false;
    /* Once more: what the chips scheduled meanwhile is not what was pending. */
    size_t end = from->cursor;
    from->cursor = clock;
    if (!clock_load(&board->clock, from, error)) return false;
    from->cursor = end;
    return true;
}

/* ---- the hash ---- */

uint64_t machine_hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (; at + 8 <= size; at += 8) hash = (hash ^ le64_load(bytes + at)) * UINT64_C(0x100000001b3);
    if (at < size) hash = (hash ^ le_load(bytes + at, (unsigned)(size - at))) * UINT64_C(0x100000001b3);
    return hash;
}

/* What is saved is what counts. A part that cannot be saved just now counts as far as it got. */
uint64_t board_hash(struct board *board)
{
    struct state_buffer buffer = {0};
    uint64_t hash = MACHINE_HASH_START;
    if (!save_disks(board, &buffer, NULL) || !save_small(board, &buffer, NULL)) hash++;
    hash = machine_hash_bytes(hash, buffer.data, buffer.size);
    state_buffer_free(&buffer);
    hash = machine_hash_bytes(hash, board->ram->host, (size_t)board->ram->size);
    if (!board->vga) return hash;
    const struct region *memory = vga_memory(board->vga);
    return machine_hash_bytes(hash, memory->host, (size_t)memory->size);
}

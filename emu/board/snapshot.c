/* SPDX-License-Identifier: MIT */
/* A machine in a file: see snapshot.h. */
#include "emu/board/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "devices/display/vga.h"
#include "emu/board/board_cpus.h"
#include "emu/core/bits.h"

/* The head of a file: magic, version, size of what follows, hash of what follows; little-endian. */
enum { HEAD_MAGIC = 0, HEAD_VERSION = 8, HEAD_SIZE = 16, HEAD_HASH = 24, HEAD = 32 };
#define MAGIC   "VITRINE\x1a"
#define VERSION 1

#define PAGE 4096

/* FNV-1a over words instead of bytes, the end padded with zeros. */
static uint64_t hash_words(const uint8_t *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t at = 0;
    for (; at + 8 <= size; at += 8) hash = (hash ^ le64_load(bytes + at)) * UINT64_C(0x100000001b3);
    if (at < size) hash = (hash ^ le_load(bytes + at, (unsigned)(size - at))) * UINT64_C(0x100000001b3);
    return hash;
}

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
    uint64_t used[APIC_CPUS_MOST];
};
static const struct state_field board_fields[] = {
    STATE_FIELD(struct board_state, a20),           STATE_FIELD(struct board_state, insns),
    STATE_FIELD(struct board_state, exit_status),   STATE_FIELD(struct board_state, round_open),
    STATE_FIELD(struct board_state, round_next),    STATE_FIELD(struct board_state, round_quantum),
    STATE_FIELD(struct board_state, round_longest), STATE_FIELD(struct board_state, round_seen),
    STATE_FIELD(struct board_state, used),          STATE_END,
};
static const struct state_table board_table = {"board", 1, sizeof(struct board_state), board_fields};

static void save_own(const struct board *board, struct state_buffer *to)
{
    const struct board_round *round = &board->round;
    struct board_state state = {
        .insns = board->insns,
        .exit_status = board->exit_status,
        .round_open = round->open,
        .round_next = round->next,
        .round_quantum = round->quantum,
        .round_longest = round->longest,
        .round_seen = round->seen,
    };
    memcpy(state.a20, board->a20, sizeof state.a20);
    for (unsigned n = 0; n < board->config.cpus; n++) state.used[n] = board->cpus[n].used;
    state_save(&board_table, &state, to);
}

static bool load_own(struct board *board, struct state_buffer *from, struct error *error)
{
    struct board_state state;
    if (!state_load(&board_table, &state, from, error)) return false;
    board->insns = state.insns;
    board->exit_status = state.exit_status;
    board->round = (struct board_round){state.round_open, state.round_next, state.round_quantum,
                                        state.round_longest, state.round_seen};
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
 * Chips derive from their state what they are wired to: which ports they answer, which lines they hold. A line that moves
 * meanwhile is an edge for whoever listens, so each chip gets its own state right before it derives; the second time
 * round every line has its level, and nothing moves. At last all get what was saved, untouched by the others.
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

static void save_more(struct board *board, struct state_buffer *to)
{
    struct list *head = &board->devices.head;
    for (struct list *node = head->next; node != head; node = node->next)
        if (device_of(node)->more && device_of(node)->more->save) device_of(node)->more->save(device_of(node), to);
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

/* ---- the whole ---- */

struct end_state {
    uint64_t hash; /* board_hash */
};
static const struct state_field end_fields[] = {STATE_FIELD(struct end_state, hash), STATE_END};
static const struct state_table end_table = {"end", 1, sizeof(struct end_state), end_fields};

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

static bool save_all(struct board *board, struct state_buffer *to, struct error *error)
{
    if (board->cpu_running) return error_set(error, "a machine cannot be saved while it runs");
    if (board->config.dma.mode == DMA_MODE_FAULTY)
        return error_set(error, "-machine dma=faulty: a machine with faulty DMA cannot be saved");
    if (!board_fingerprint(board, to, error)) return false;
    state_buffer_add(to, "", 1);
    clock_save(&board->clock, to);
    save_memory(board->ram, to);
    if (board->vga) save_memory(vga_memory(board->vga), to);
    save_devices(board, to);
    if (!save_disks(board, to, error)) return false;
    save_more(board, to);
    save_cpus(board, to);
    save_own(board, to);
    save_outside(board, to);
    state_save(&end_table, &(struct end_state){board_hash(board)}, to);
    return true;
}

static bool load_all(struct board *board, struct state_buffer *from, struct error *error)
{
    struct end_state end;
    size_t clock = from->cursor;
    if (!clock_load(&board->clock, from, error) || !load_memory(board->ram, from, error)) return false;
    if (board->vga && !load_memory(vga_memory(board->vga), from, error)) return false;
    if (!load_devices(board, from, error) || !load_disks(board, from, error)) return false;
    if (!load_more(board, from, error) || !load_cpus(board, from, error)) return false;
    if (!load_own(board, from, error) || !load_outside(board, from, error)) return false;
    if (!state_load(&end_table, &end, from, error)) return false;
    /* Once more: what the chips scheduled meanwhile is not what was pending. */
    size_t last = from->cursor;
    from->cursor = clock;
    if (!clock_load(&board->clock, from, error)) return false;
    if (last != from->size || board_hash(board) != end.hash)
        return error_set(error, "what was loaded is not what was saved");
    return true;
}

/* ---- the file ---- */

static bool write_file(FILE *file, const struct state_buffer *payload)
{
    uint8_t head[HEAD] = {0};
    memcpy(head + HEAD_MAGIC, MAGIC, 8);
    le32_store(head + HEAD_VERSION, VERSION);
    le64_store(head + HEAD_SIZE, payload->size);
    le64_store(head + HEAD_HASH, hash_words(payload->data, payload->size));
    return fwrite(head, 1, HEAD, file) == HEAD &&
           fwrite(payload->data, 1, payload->size, file) == payload->size;
}

static bool write_whole(const char *path, const struct state_buffer *payload, struct error *error)
{
    char *beside = malloc(strlen(path) + sizeof ".XXXXXX");
    if (!beside) return error_set(error, "out of memory");
    sprintf(beside, "%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    bool written = file && write_file(file, payload) && !fflush(file) && !fsync(fd);
    int why = errno;
    if (file)
        written &= !fclose(file);
    else if (fd >= 0)
        close(fd);
    if (written && rename(beside, path)) {
        written = false;
        why = errno;
    }
    if (!written && fd >= 0) unlink(beside);
    free(beside);
    return written || error_set(error, "cannot be written: %s", strerror(why));
}

bool board_save(struct board *board, const char *path, struct error *error)
{
    struct state_buffer payload = {0};
    bool saved = save_all(board, &payload, error) && write_whole(path, &payload, error);
    state_buffer_free(&payload);
    return saved || error_prefix(error, "%s", path);
}

/* The head, then as many bytes as it says, and no more. */
static bool read_file(FILE *file, struct state_buffer *payload, struct error *error)
{
    uint8_t head[HEAD];
    if (fread(head, 1, HEAD, file) != HEAD || memcmp(head, MAGIC, 8))
        return error_set(error, "is no saved machine");
    if (le32_load(head + HEAD_VERSION) != VERSION)
        return error_set(error, "is of version %u; this program reads version %u",
                         le32_load(head + HEAD_VERSION), VERSION);
    uint64_t size = le64_load(head + HEAD_SIZE);
    long end = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (end < 0 || fseek(file, HEAD, SEEK_SET) || (uint64_t)end - HEAD != size)
        return error_set(error, "is damaged: its length is not what its head says");
    payload->data = malloc(size ? size : 1);
    if (!payload->data) return error_set(error, "out of memory");
    payload->size = payload->capacity = size;
    if (fread(payload->data, 1, size, file) != size)
        return error_set(error, "cannot be read: %s", strerror(errno));
    if (hash_words(payload->data, size) != le64_load(head + HEAD_HASH))
        return error_set(error, "is damaged: its checksum does not fit");
    return true;
}

static bool check_machine(struct board *board, struct state_buffer *payload, struct error *error)
{
    struct state_buffer here = {0};
    const uint8_t *end = payload->size ? memchr(payload->data, 0, payload->size) : NULL;
    if (board->cpu_running) return error_set(error, "cannot be loaded while the machine runs");
    if (!end) return error_set(error, "is damaged: nothing is in it");
    bool same = board_fingerprint(board, &here, error);
    if (same) {
        state_buffer_add(&here, "", 1);
        same = board_fingerprint_check((const char *)payload->data, (const char *)here.data, error);
    }
    payload->cursor = (size_t)(end - payload->data) + 1;
    state_buffer_free(&here);
    return same;
}

bool board_load(struct board *board, const char *path, struct error *error)
{
    struct state_buffer payload = {0};
    FILE *file = fopen(path, "rbe");
    if (!file) return error_set(error, "%s: cannot be read: %s", path, strerror(errno));
    bool loaded = read_file(file, &payload, error) && check_machine(board, &payload, error) &&
                  load_all(board, &payload, error);
    fclose(file);
    state_buffer_free(&payload);
    return loaded || error_prefix(error, "%s", path);
}

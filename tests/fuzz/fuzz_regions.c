/* SPDX-License-Identifier: MIT */
/*
 * The memory layer under a small machine that the case makes up: regions of every kind added, removed, moved,
 * switched and let go in any order; accesses, mappings, streams, packets and waiters through three spaces,
 * one of them behind an IOMMU with a mirror; and registers whose callbacks do DMA, change the tree, or cancel
 * the stream that reads them.
 *
 * Checked: no crash, no assert, no hang; what a lookup finds holds the address; pointer and length come
 * together; bounce bytes keep to their limit; the mirror unmaps exactly what it mapped; in the end nothing is
 * mapped, nobody waits, and the checker has no complaint; the same case twice ends the same.
 */
#include <string.h>
#include "emu/core/log.h"
#include "mem/iommu.h"
#include "mem/packet.h"
#include "mem/stream.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "fuzz_regions";
const size_t fuzz_longest = 700;

#define SPACE_SIZE UINT64_C(0x18000)
#define PAGE       0x1000u
#define LARGEST    0x1800u /* packet */
#define LONGEST    0x2800u /* access, mapping */

enum { SLOTS = 12, SPACES = 3, HELD = 8, WAITERS = 3, TABLE = 16, MIRRORED = 64, MOST_STEPS = 400 };

/* What a register access sets off. */
enum deed { DEED_NONE, DEED_DMA, DEED_TOGGLE, DEED_MOVE, DEED_CANCEL, DEED_PACKET, DEED_REFUSE, DEEDS };

struct play {
    struct fuzz_input in;
    uint64_t random, hash;
    bool checked;
    struct clock clock;
    struct region *root, *slots[SLOTS];
    struct space *spaces[SPACES];
    struct iommu_page table[TABLE];
    struct iommu_stage *stage;

    struct dma_mapping held[HELD];
    unsigned held_in[HELD];

    struct mem_guard guard;
    enum deed deed;
    unsigned deed_slot, deeds;
    gaddr deed_at;

    struct stream stream;
    struct sglist list, packet_list;
    struct clock_event answer;
    const struct iovec *pieces;
    unsigned count;
    uint64_t round;
    bool later, fails;
    struct packet_engine packets;

    struct dma_waiter waiters[WAITERS];
    unsigned waits_in[WAITERS];

    struct iommu_mirror *mirror;
    struct {
        gaddr addr;
        uint64_t length;
    } mirrored[MIRRORED];
    unsigned mirrored_count;
};

static void mix(struct play *play, uint64_t value)
{
    play->hash = (play->hash ^ value) * UINT64_C(0x100000001b3);
}

/* ---- what a case says ---- */

static gaddr pick_address(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    gaddr addr = (gaddr)fuzz_u16(&play->in);
    if (shape & 1) addr &= ~UINT64_C(0xfff);
    if (shape & 2) addr -= shape >> 4; /* in front of a boundary, or of address 0 */
    if ((shape & 0xc) == 0xc) addr += 0x10000;
    return addr;
}

static uint64_t pick_length(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    if (shape < 128) return shape & 31;
    return ((uint64_t)(shape & 127) << 6 | (fuzz_u8(&play->in) & 63)) % LONGEST;
}

static struct space *pick_space(struct play *play, unsigned *index)
{
    unsigned at = fuzz_below(&play->in, SPACES);
    if (index) *index = at;
    return play->spaces[at];
}

/* Pieces that no callback refers to: each list has one user at a time. */
static void pick_list(struct play *play, struct sglist *list)
{
    unsigned count = fuzz_below(&play->in, 6);
    sglist_reset(list);
    while (count--) {
        gaddr addr = pick_address(play);
        sglist_add(list, addr, pick_length(play));
    }
}

/* ---- registers ---- */

static struct packet_answer wire(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    struct play *play = owner;
    fuzz_check(iov_size(pieces, count) == size, "a packet's vector has its size");
    if (play->later) iov_fill(pieces, count, 0, 0x5a, size);
    return (struct packet_answer){.failed = play->fails, .moved = play->later ? size : 0};
}

static void do_deed(struct play *play)
{
    uint8_t bytes[40] = {0};
    struct region *slot = play->slots[play->deed_slot];
    struct packet_result result;
    if (++play->deeds > 2000) return; /* registers that see each other by DMA, in a long access */
    switch (play->deed) {
    case DEED_DMA:
        mix(play, space_write(play->spaces[1], play->deed_at, bytes, sizeof(bytes)));
        mix(play, space_read(play->spaces[2], play->deed_at, bytes, sizeof(bytes)));
        break;
    case DEED_TOGGLE:
        if (slot) region_enable(slot, !slot->enabled);
        break;
    case DEED_MOVE:
        if (slot) region_move(slot, play->deed_at & 0xffff);
        break;
    case DEED_CANCEL: stream_cancel(&play->stream); break;
    case DEED_PACKET:
        result = packet_run(&play->packets, &play->packet_list, play->later ? DMA_FROM_DEVICE : DMA_TO_DEVICE,
                            wire, play);
        mix(play, result.status + result.moved);
        break;
    default: break;
    }
}

static enum mem_result register_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct play *play = owner;
    *value = at.offset * 3 + size;
    do_deed(play);
    return play->deed == DEED_REFUSE ? MEM_DEVICE_ERROR : MEM_OK;
}

static enum mem_result register_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct play *play = owner;
    mix(play, at.offset + value + size);
    do_deed(play);
    return play->deed == DEED_REFUSE ? MEM_DEVICE_ERROR : MEM_OK;
}

static const struct mmio_ops register_ops[] = {{register_read, register_write, 0, 0, false},
                                               {register_read, register_write, 2, 8, false},
                                               {register_read, register_write, 1, 2, true},
                                               {NULL, NULL, 1, 1, false}};

/* ---- the tree: what a region holds or shows is in a later slot, so that none comes to hold itself ---- */

static void slot_drop(struct play *play, unsigned index)
{
    struct region *region = play->slots[index];
    if (!region) return;
    if (region->kind == REGION_MMIO) region_remove(region);
    play->slots[index] = NULL;
    region_release(region);
}

static void region_make(struct play *play)
{
    static const uint64_t sizes[] = {0x1000, 1, 7, 0x100, 0xfff, 0x1001, 0x2345, 0x8000};
    unsigned index = fuzz_below(&play->in, SLOTS), kind = fuzz_below(&play->in, 7);
    uint64_t size = sizes[fuzz_below(&play->in, ARRAY_COUNT(sizes))], random = size;
    struct region *region = NULL, *target;
    slot_drop(play, index);
    switch (kind) {
    case 0:
    case 1:
        region = region_new_ram("ram", size, NULL);
        region->indirect = kind;
        break;
    case 2:
        region = region_new_rom("rom", size, NULL);
        for (unsigned i = 0; i < 16 && i < size; i++) region->host[i] = (uint8_t)fuzz_random(&random);
        break;
    case 3:
        region = region_new_mmio("registers", size > 0x100 ? 0x40 : size,
                                 &register_ops[fuzz_below(&play->in, ARRAY_COUNT(register_ops))], play,
                                 fuzz_u8(&play->in) & 1 ? &play->guard : NULL);
        break;
    case 4: region = region_new_container("container", size); break;
    default:
        target = play->slots[(index + 1 + fuzz_below(&play->in, SLOTS)) % SLOTS];
        for (unsigned i = 0; i <= index && target; i++) {
            if (play->slots[i] == target) target = NULL;
        }
        if (target)
            region =
                region_new_alias("alias", target, (struct region_at){fuzz_u16(&play->in) & 0x1fff}, size);
    }
    play->slots[index] = region;
}

static void region_place(struct play *play)
{
    unsigned index = fuzz_below(&play->in, SLOTS), into = fuzz_below(&play->in, SLOTS);
    struct region *region = play->slots[index], *container = into < index ? play->slots[into] : play->root;
    gaddr place = pick_address(play) & 0x1ffff;
    int priority = (int8_t)fuzz_u8(&play->in) / 64;
    if (!region || region->container || !container || container->kind != REGION_CONTAINER) return;
    region_add(container, place, region, priority);
}

static void region_change(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    unsigned index = fuzz_below(&play->in, SLOTS);
    struct region *region = play->slots[index];
    if (!region) return;
    switch (shape % 6) {
    case 0: region_remove(region); break;
    case 1: region_move(region, pick_address(play) & 0x1ffff); break;
    case 2: region_enable(region, shape & 64); break;
    case 3:
        if (region->kind == REGION_ALIAS)
            region_set_alias(region, (struct region_at){fuzz_u16(&play->in) & 0x1fff}, shape & 64);
        break;
    case 4: slot_drop(play, index); break;
    case 5:
        if (!region->marks) break;
        region_mark_code(region, (struct region_at){0});
        region_clear_dirty(region, (struct region_at){0}, region->size,
                           shape & 64 ? MARK_DIRTY_ALL : MARK_DIRTY_SAVE);
        break;
    }
}

static void region_changes_at_once(struct play *play)
{
    unsigned times = fuzz_below(&play->in, 6);
    region_change_begin();
    while (times--) fuzz_u8(&play->in) & 1 ? region_place(play) : region_change(play);
    region_change_end();
}

/* ---- accesses and mappings ---- */

static void look_up(struct play *play, const struct space *space, gaddr addr)
{
    struct region_at at;
    const struct view_range *range = space_find(space, addr, &at);
    fuzz_check(addr - range->start < range->length || !range->length,
               "the range that is found has the address");
    if (!range->region) return;
    fuzz_check(range->region->kind < REGION_ALIAS, "what is found is memory or registers");
    fuzz_check(at.offset < range->region->size && range->length <= range->region->size - range->at.offset,
               "a range lies within its region");
    mix(play, at.offset);
}

static void access_memory(struct play *play)
{
    static uint8_t bytes[LONGEST];
    uint8_t shape = fuzz_u8(&play->in);
    struct space *space = pick_space(play, NULL);
    gaddr addr = pick_address(play);
    uint64_t length = pick_length(play), value = play->random;
    look_up(play, space, addr);
    switch (shape % 8) {
    case 0:
    case 1:
        mix(play, space_read(space, addr, bytes, length));
        for (uint64_t i = 0; i < length; i += 1 + length / 16) mix(play, bytes[i]);
        break;
    case 2:
        memset(bytes, shape, length);
        mix(play, space_write(space, addr, bytes, length));
        break;
    case 3: mix(play, space_fill(space, addr, shape, length)); break;
    case 4:
        mix(play, space_load(space, addr, 1u << (shape >> 6), &value));
        mix(play, value);
        break;
    case 5: mix(play, space_store(space, addr, 1u << (shape >> 6), value)); break;
    case 6: mix(play, space_peek(space, addr, bytes, length)); break;
    case 7: memset(bytes, shape, 9); mix(play, space_poke(space, addr, bytes, 9));
    }
}

static void check_pools(struct play *play)
{
    for (unsigned i = 0; i < SPACES; i++)
        fuzz_check(dma_stats(play->spaces[i])->bounce_bytes_held <= dma_largest_bounce(play->spaces[i]),
                   "bounce bytes keep to their limit");
}

static void map(struct play *play)
{
    unsigned slot = fuzz_below(&play->in, HELD), in;
    struct space *space = pick_space(play, &in);
    gaddr addr = pick_address(play);
    uint64_t length = pick_length(play);
    if (play->held[slot].length) return;
    struct dma_mapping mapping =
        dma_map(space, addr, length, fuzz_u8(&play->in) & 1 ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
    fuzz_check(!mapping.host == !mapping.length && mapping.length <= length,
               "pointer and length come together");
    fuzz_check(mapping.length || !length || mapping.status != DMA_OK, "an empty map says why");
    play->held[slot] = mapping;
    play->held_in[slot] = in;
    mix(play, mapping.length * 4 + mapping.status);
    check_pools(play);
    if (!mapping.length) return;
    const volatile uint8_t *host = mapping.host;
    if (mapping.direction == DMA_TO_DEVICE) mix(play, host[0] + host[mapping.length - 1]);
}

static void unmap_slot(struct play *play, unsigned slot, uint64_t accessed)
{
    struct dma_mapping *mapping = &play->held[slot];
    if (!mapping->length) return;
    if (accessed > mapping->length) accessed = mapping->length;
    if (mapping->direction == DMA_FROM_DEVICE) memset(mapping->host, (int)accessed, accessed);
    mix(play, dma_unmap(play->spaces[play->held_in[slot]], mapping, accessed));
    fuzz_check(!mapping->length && !mapping->host, "the handle is cleared");
}

static void unmap(struct play *play)
{
    unsigned slot = fuzz_below(&play->in, HELD);
    unmap_slot(play, slot, pick_length(play));
}

/* ---- engines and waiters ---- */

static void backend_answer(void *owner)
{
    struct play *play = owner;
    if (play->stream.direction == DMA_FROM_DEVICE && !play->fails)
        iov_fill(play->pieces, play->count, 0, 0xa5, play->round);
    stream_complete(&play->stream, play->fails, 0, 0);
}

static void backend_submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                           unsigned count, uint64_t size)
{
    struct play *play = owner;
    fuzz_check(size && size % stream->unit == 0 && offset % stream->unit == 0, "rounds are whole units");
    fuzz_check(iov_size(pieces, count) == size, "a round's vector has its size");
    play->pieces = pieces;
    play->count = count;
    play->round = size;
    mix(play, offset + size);
    if (play->later)
        clock_event_in(&play->answer, 50);
    else
        backend_answer(play);
}

static void backend_cancel(void *owner, struct stream *stream)
{
    (void)stream;
    clock_event_cancel(&((struct play *)owner)->answer);
}

static void stream_ended(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    fuzz_check(moved <= stream->list->size, "no more moves than there is");
    fuzz_check(status != STREAM_OK || moved == stream->list->size, "all of a good request moves");
    mix(owner, moved * 8 + status);
}

static const struct stream_ops backend = {backend_submit, backend_cancel, stream_ended};

static void start_stream(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    if (stream_busy(&play->stream)) {
        if (shape & 1) stream_cancel(&play->stream);
        return;
    }
    pick_list(play, &play->list);
    if (shape & 8) sglist_truncate(&play->list, play->list.size - play->list.size % play->stream.unit);
    play->later = shape & 2;
    play->fails = (shape & 0x70) == 0x70;
    stream_start(&play->stream, &play->list, shape & 4 ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
}

static void run_packet(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    pick_list(play, &play->packet_list);
    play->later = shape & 2;
    play->fails = (shape & 0x70) == 0x70;
    struct packet_result result = packet_run(&play->packets, &play->packet_list,
                                             shape & 1 ? DMA_FROM_DEVICE : DMA_TO_DEVICE, wire, play);
    mix(play, result.status * 16 + result.moved);
}

/* Whoever is woken takes what it needs, and gives it back at once or waits again, within a budget. */
static void woken(void *owner)
{
    struct play *play = owner;
    mix(play, 0x77);
    if (++play->deeds > 2000) return;
    struct dma_mapping mapping = dma_map(play->spaces[1], play->deed_at, 300, DMA_TO_DEVICE);
    mix(play, mapping.length);
    dma_unmap(play->spaces[1], &mapping, 0);
}

static void wait_or_cancel(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in);
    unsigned index = shape % WAITERS;
    if (shape & 0x80)
        dma_wait_cancel(&play->waiters[index]);
    else if (!dma_waiting(&play->waiters[index]))
        mix(play, dma_wait(play->spaces[shape >> 4 & 1 ? 1 : 2], &play->waiters[index],
                           fuzz_u16(&play->in) & 0x1fff));
}

static void pass_time(struct play *play)
{
    unsigned events = 1 + fuzz_below(&play->in, 16);
    while (events-- && clock_deadline(&play->clock) != VTIME_NEVER) {
        if (clock_deadline(&play->clock) > clock_now(&play->clock))
            clock_jump(&play->clock, clock_deadline(&play->clock));
        clock_fire_due(&play->clock);
    }
    check_pools(play);
}

static void set_deed(struct play *play)
{
    play->deed = fuzz_below(&play->in, DEEDS);
    play->deed_slot = fuzz_below(&play->in, SLOTS);
    play->deed_at = pick_address(play);
}

static void configure(struct play *play)
{
    unsigned index;
    struct space *space = pick_space(play, &index);
    uint8_t shape = fuzz_u8(&play->in);
    const struct dma_settings settings = {.mode = shape % 3,
                                          .max_bounce = (uint64_t)(shape >> 2 & 7) * 700,
                                          .seed = shape,
                                          .dma_mask = index && shape & 0x80 ? 15 + (shape >> 5 & 1) : 0};
    if (dma_stats(space)->live || stream_busy(&play->stream)) return;
    for (unsigned i = 0; i < WAITERS; i++) dma_wait_cancel(&play->waiters[i]);
    dma_configure(space, &settings);
}

/* ---- the IOMMU ---- */

static struct iommu_page translate(void *owner, gaddr iova)
{
    fuzz_check(iova % PAGE == 0 && iova < TABLE * PAGE, "pages that there are");
    return ((struct play *)owner)->table[iova / PAGE];
}

static void change_table(struct play *play)
{
    uint8_t shape = fuzz_u8(&play->in), to = fuzz_u8(&play->in);
    unsigned index = shape % TABLE;
    play->table[index] = (struct iommu_page){(gaddr)(to & 31) * PAGE + (to == 255), shape >> 4 & 3};
    iommu_invalidate(play->stage, index * PAGE + (to & 0x40), shape & 0x80 ? 3 * PAGE : 1);
}

static bool mirror_map(void *owner, gaddr addr, uint64_t length, void *host, bool writable)
{
    struct play *play = owner;
    fuzz_check(length && addr % PAGE == 0 && length % PAGE == 0, "whole pages");
    if (play->mirrored_count == MIRRORED) return false;
    mix(play, addr + length + writable + *(volatile uint8_t *)host);
    play->mirrored[play->mirrored_count].addr = addr;
    play->mirrored[play->mirrored_count++].length = length;
    return true;
}

static void mirror_unmap(void *owner, gaddr addr, uint64_t length)
{
    struct play *play = owner;
    for (unsigned i = 0; i < play->mirrored_count; i++) {
        if (play->mirrored[i].addr != addr || play->mirrored[i].length != length) continue;
        play->mirrored[i] = play->mirrored[--play->mirrored_count];
        return;
    }
    fuzz_check(false, "what is unmapped was mapped");
}

static void mirror_drop(struct play *play)
{
    iommu_mirror_free(play->mirror);
    play->mirror = NULL;
    fuzz_check(!play->mirrored_count, "the mirror unmaps everything");
}

static void mirror_switch(struct play *play)
{
    static const struct iommu_mirror_ops ops = {mirror_map, mirror_unmap};
    struct space *space = play->spaces[fuzz_u8(&play->in) & 1 ? 0 : 2];
    if (play->mirror)
        mirror_drop(play);
    else
        play->mirror = iommu_mirror_new(space, 12, &ops, play);
}

/* ---- a case ---- */

static void (*const actions[])(struct play *play) = {
    region_make,
    region_make,
    region_make,
    region_place,
    region_place,
    region_place,
    region_change,
    region_change,
    region_changes_at_once,
    access_memory,
    access_memory,
    access_memory,
    map,
    map,
    unmap,
    unmap,
    start_stream,
    start_stream,
    run_packet,
    wait_or_cancel,
    pass_time,
    pass_time,
    set_deed,
    configure,
    change_table,
    mirror_switch,
};

static void play_open(struct play *play)
{
    static const uint32_t units[] = {1, 4, 16, 512};
    static const struct iommu_ops ops = {.translate = translate};
    uint8_t shape = fuzz_u8(&play->in);
    clock_init(&play->clock, 0);
    play->checked = shape & 1;
    play->random = shape + 1;
    play->guard = (struct mem_guard){.device = "device"};
    play->root = region_new_container("root", SPACE_SIZE);
    uint64_t size = shape & 2 ? SPACE_SIZE : UINT64_C(0x10000); /* an entry per page, or per byte */
    play->spaces[0] = space_new("cpu", play->root, size, &play->clock);
    play->spaces[1] = space_new("device", play->root, size, &play->clock);
    play->stage = iommu_stage_new("stage", play->spaces[0], TABLE * PAGE, 12, &ops, play);
    play->spaces[2] = iommu_space(play->stage);
    for (unsigned i = 0; i < SPACES && play->checked; i++) dma_checker_enable(play->spaces[i]);
    sglist_init(&play->list, 8);
    sglist_init(&play->packet_list, 8);
    stream_init(&play->stream, "disk", play->spaces[shape & 4 ? 1 : 2], units[shape >> 3 & 3], &backend,
                play);
    packet_init(&play->packets, "nic", play->spaces[shape & 32 ? 1 : 2], LARGEST);
    if (shape & 64) stream_set_guard(&play->stream, &play->guard);
    if (shape & 128) packet_set_guard(&play->packets, &play->guard);
    clock_event_init(&play->answer, &play->clock, "answer", backend_answer, play);
    for (unsigned i = 0; i < WAITERS; i++) dma_waiter_init(&play->waiters[i], "waiter", woken, play);
    for (unsigned i = 0; i < TABLE; i++)
        play->table[i] = (struct iommu_page){i * PAGE, IOMMU_READ | IOMMU_WRITE};
}

static void play_close(struct play *play)
{
    play->deed = DEED_NONE;
    if (play->mirror) mirror_drop(play);
    stream_destroy(&play->stream);
    packet_destroy(&play->packets);
    for (unsigned i = 0; i < HELD; i++) unmap_slot(play, i, 1);
    for (unsigned i = 0; i < WAITERS; i++) dma_wait_cancel(&play->waiters[i]);
    clock_event_destroy(&play->answer);
    for (unsigned i = 0; i < SPACES; i++) {
        const struct dma_stats *stats = dma_stats(play->spaces[i]);
        fuzz_check(!stats->live && !stats->bounce_bytes_held, "nothing stays mapped");
        fuzz_check(!dma_checker_report(play->spaces[i], stderr), "the checker has no complaint");
        mix(play, stats->maps + stats->bounced_bytes + stats->direct_bytes + stats->waits + stats->wakes);
    }
    fuzz_check(!play->guard.depth, "guards are left as often as entered");
    for (unsigned i = 0; i < SLOTS; i++) slot_drop(play, i);
    iommu_stage_free(play->stage);
    space_free(play->spaces[1]);
    space_free(play->spaces[0]);
    sglist_destroy(&play->list);
    sglist_destroy(&play->packet_list);
    region_release(play->root);
}

static uint64_t play_case(const uint8_t *data, size_t size)
{
    static struct play play;
    play = (struct play){.in = {data, size}, .hash = UINT64_C(0xcbf29ce484222325)};
    play_open(&play);
    for (unsigned steps = 0; play.in.left && steps < MOST_STEPS; steps++)
        actions[fuzz_below(&play.in, ARRAY_COUNT(actions))](&play);
    play_close(&play);
    return play.hash;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    lint_quiet(true);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t hash = play_case(data, size);
    if (size % 8 == 0) fuzz_check(play_case(data, size) == hash, "the same case ends the same");
    return 0;
}

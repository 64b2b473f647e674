/* SPDX-License-Identifier: MIT */
/* The cache of decoded instructions (block.h). */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "emu/core/log.h"
#include "emu/cpu/block.h"
#include "emu/cpu/code_tlb.h"
#include "emu/cpu/decode.h"
#include "emu/cpu/fused.h"
#include "emu/cpu/paging.h"

#define ARENA_BYTES  ((size_t)32 << 20) /* of address space; host memory is used as it fills */
#define ARENA_ALIGN  64
#define PAGE_BUCKETS 0x1000u
#define BUCKETS      0x8000u
#define BLOCK_MOST   32  /* instructions */
#define FETCH_BYTES  256 /* read at once */

_Static_assert(sizeof(struct block) == ARENA_ALIGN, "instructions begin at a cache line");

/* A page of memory that blocks come from. */
struct code_page {
    const uint8_t *host; /* where the page is; not read through */
    struct code_page *next;
    struct list blocks;                /* that start here */
    struct block *tails;               /* that end here, of an instruction that crosses */
    uint64_t covered[PAGE_BYTES / 64]; /* a bit per byte that belongs to a block */
};

/* ---- the arena and the tables ---- */

static void cache_flush(struct cpu *cpu)
{
    struct block_cache *cache = cpu->blocks;
    cache->flush_wanted = false;
    cache->arena_used = 0;
    memset(cache->pages, 0, PAGE_BUCKETS * sizeof(*cache->pages));
    memset(cache->blocks, 0, BUCKETS * sizeof(*cache->blocks));
    for (unsigned i = 0; i < ARRAY_COUNT(cache->jump); i++) cache->jump[i] = cache->nowhere;
    cache->first_link = cache->nowhere;
    cpu->link = &cache->first_link;
}

/* NULL: full. */
static void *arena_take(struct block_cache *cache, size_t size)
{
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (ARENA_BYTES - cache->arena_used < rounded) return NULL;
    void *taken = cache->arena + cache->arena_used;
    cache->arena_used += rounded;
    return taken;
}

bool block_cache_create(struct cpu *cpu)
{
    struct block_cache *cache = calloc(1, sizeof(*cache));
    if (!cache) return false;
    cpu->blocks = cache;
    cache->pages = calloc(PAGE_BUCKETS, sizeof(*cache->pages));
    cache->blocks = calloc(BUCKETS, sizeof(*cache->blocks));
    cache->nowhere = aligned_alloc(ARENA_ALIGN, sizeof(struct block));
    cache->single = aligned_alloc(ARENA_ALIGN, sizeof(struct block) + 2 * sizeof(struct insn));
    void *arena =
        mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cache->arena = arena == MAP_FAILED ? NULL : arena;
    if (!cache->pages || !cache->blocks || !cache->nowhere || !cache->single || !cache->arena) return false;
    *cache->nowhere = (struct block){0};
    cpu->code_key = KEY_EPOCH;
    cache_flush(cpu);
    return true;
}

void block_cache_free(struct cpu *cpu)
{
    struct block_cache *cache = cpu->blocks;
    if (!cache) return;
    if (cache->arena) munmap(cache->arena, ARENA_BYTES);
    free(cache->nowhere);
    free(cache->single);
    free(cache->blocks);
    free(cache->pages);
    free(cache);
}

static unsigned hash(uintptr_t host)
{
    return (unsigned)((uint64_t)host * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static struct code_page *page_find(const struct block_cache *cache, const uint8_t *host)
{
    struct code_page *page = cache->pages[hash((uintptr_t)host) % PAGE_BUCKETS];
    while (page && page->host != host) page = page->next;
    return page;
}

static struct code_page *page_get(struct block_cache *cache, const uint8_t *host)
{
    struct code_page *page = page_find(cache, host);
    if (page) return page;
    page = arena_take(cache, sizeof(*page));
    if (!page) return NULL;
    struct code_page **bucket = &cache->pages[hash((uintptr_t)host) % PAGE_BUCKETS];
    *page = (struct code_page){.host = host, .next = *bucket};
    list_init(&page->blocks);
    *bucket = page;
    return page;
}

static struct block **block_bucket(struct block_cache *cache, const uint8_t *page, unsigned at)
{
    return &cache->blocks[hash((uintptr_t)page + at) % BUCKETS];
}

/* ---- which bytes of a page are code ---- */

/* The part of a block that lies in `page`: [*from, *to). */
static void block_part(const struct block *block, const struct code_page *page, unsigned *from, unsigned *to)
{
    unsigned end = block->at + block->bytes;
    bool tail = page == block->second && page != block->page;
    *from = tail ? 0 : block->at;
    *to = tail ? end - PAGE_BYTES : end < PAGE_BYTES ? end : PAGE_BYTES;
}

static void page_cover(struct code_page *page, const struct block *block)
{
    unsigned from, to;
    block_part(block, page, &from, &to);
    for (unsigned i = from; i < to; i++) page->covered[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool page_covers(const struct code_page *page, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (page->covered[i / 64] >> (i % 64) & 1) return true;
    }
    return false;
}

static void page_cover_again(struct code_page *page)
{
    memset(page->covered, 0, sizeof(page->covered));
    for (struct list *node = page->blocks.next; node != &page->blocks; node = node->next)
        page_cover(page, list_entry(node, struct block, in_page));
    for (struct block *block = page->tails; block; block = block->next_tail) page_cover(page, block);
}

/* ---- dropping ---- */

/* Its memory stays until the arena is emptied, so a block may drop itself while it runs. */
static void block_drop(struct cpu *cpu, struct block *block)
{
    struct block **link = block_bucket(cpu->blocks, block->page->host, block->at);
    while (*link != block) link = &(*link)->next;
    *link = block->next;
    list_remove(&block->in_page);
    if (block->second) {
        link = &block->second->tails;
        while (*link != block) link = &(*link)->next_tail;
        *link = block->next_tail;
    }
    block->key = 0;
    cpu->stats.blocks_dropped++;
    if (cpu->insn >= block->insns && cpu->insn < block->insns + block->count) block_cut(cpu);
}

static bool block_touched(const struct block *block, const struct code_page *page, unsigned from, unsigned to)
{
    unsigned part_from, part_to;
    block_part(block, page, &part_from, &part_to);
    return part_from < to && from < part_to;
}

static void page_drop_touched(struct cpu *cpu, struct code_page *page, unsigned from, unsigned to)
{
    struct list *node = page->blocks.next;
    while (node != &page->blocks) {
        struct block *block = list_entry(node, struct block, in_page);
        node = node->next;
        if (block_touched(block, page, from, to)) block_drop(cpu, block);
    }
    for (struct block *block = page->tails, *next; block; block = next) {
        next = block->next_tail;
        if (block_touched(block, page, from, to)) block_drop(cpu, block);
    }
    page_cover_again(page);
}

/* ---- what the memory layer tells ---- */

static bool on_code_written(void *owner, struct region *region, struct region_at at, uint64_t length)
{
    struct cpu *cpu = owner;
    bool all_gone = true;
    while (length) {
        unsigned from = at.offset & (PAGE_BYTES - 1);
        unsigned part = length < PAGE_BYTES - from ? (unsigned)length : PAGE_BYTES - from;
        struct code_page *page = page_find(cpu->blocks, region->host + (at.offset - from));
        if (page) {
            if (page_covers(page, from, from + part)) page_drop_touched(cpu, page, from, from + part);
            all_gone &= list_empty(&page->blocks) && !page->tails;
        }
        at.offset += part;
        length -= part;
    }
    return all_gone;
}

static void on_marks_changed(void *owner, struct region *region)
{
    struct cpu *cpu = owner;
    if (cpu->blocks->marking)
        tlb_forget_writes(cpu, cpu->blocks->marking, PAGE_BYTES);
    else
        tlb_forget_writes(cpu, region->host, region->size);
}

/* Regions may go, and their host memory with them: forget all blocks, before the next one is entered. */
static void on_view_changed(void *owner)
{
    struct cpu *cpu = owner;
    cpu->blocks->flush_wanted = true;
    paging_forget_tables(cpu);
    tlb_flush(cpu, true);
    block_cut(cpu);
}

void block_cache_listen(struct cpu *cpu)
{
    cpu->listener = (struct space_listener){
        .view_changed = on_view_changed,
        .marks_changed = on_marks_changed,
        .code_written = on_code_written,
        .owner = cpu,
    };
    space_listen(cpu->wiring.memory, &cpu->listener);
}

void code_translation_changed(struct cpu *cpu)
{
    cpu->code_key += KEY_EPOCH;
    if (cpu->code_key >= KEY_EPOCH) return;
    cpu->code_key += KEY_EPOCH; /* all numbers are used up: the old ones are forgotten */
    cpu->blocks->flush_wanted = true;
}

/* ---- decoding ---- */

static enum insn_form insn_form(const struct insn *insn, bool flat)
{
    if (!flat) return FORM_ANY;
    if (!insn->memory) return FORM_BASE;
    if (insn->address_size != 4 || !(FLAT_SEGMENTS >> insn->segment & 1)) return FORM_ANY;
    return insn->index == REG_NONE ? FORM_BASE : FORM_INDEXED;
}

/* A near jump by displacement: where it goes is known but for the block's EIP. With 16-bit operands EIP is cut. */
static void insn_aim(struct insn *insn)
{
    if (!insn->row->operands || insn->row->operands[0] != 'J') return;
    insn->immediate += insn->offset + insn->length;
    insn->displacement = insn->operand_size == 2 ? 0xffff : -1;
}

/* Copies the instructions to where they run, with the entry behind them. */
static void block_fill(struct block_cache *cache, struct block *block, const struct insn *insns)
{
    unsigned count = block->count;
    memcpy(block->insns, insns, count * sizeof(*insns));
    for (unsigned i = 0; i < count; i++) insn_aim(&block->insns[i]);
    block->insns[count] = (struct insn){.body = body_block_end, .offset = block->bytes};
    for (unsigned i = 0; i <= count; i++) {
        block->insns[i].number = (uint8_t)(i + 1);
        block->insns[i].form = (uint8_t)insn_form(&block->insns[i], block->mode & KEY_FLAT);
        block->insns[i].next = cache->nowhere;
    }
    for (unsigned i = 0; i + 1 < count; i++) insn_fuse(&block->insns[i]);
}

/* The instruction may not be longer than what the segment has left. */
static void code_limit_check(struct cpu *cpu, unsigned bytes)
{
    if (cpu->s.eip + bytes - 1 > cpu->s.segment[CPU_CS].limit) {
        struct fault fault = {
            .vector = FAULT_GP, .has_error = true, .reason = REASON_CODE_LIMIT, .address = cpu->s.eip};
        fault_raise(cpu, &fault);
    }
}

/* One instruction into the block that is never found again: byte by byte, since fetching may have effects. The instruction
 * there, which may be the last one that ran (cpu->link), stays until all bytes are fetched. */
static struct block *decode_uncached(struct cpu *cpu, uint32_t linear)
{
    struct block *block = cpu->blocks->single;
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    unsigned count = 0;
    bool code32 = cpu->code_key & KEY_CODE32;
    do {
        uint64_t byte;
        code_limit_check(cpu, count + 1);
        struct code_translation page = code_tlb_fetch(cpu, linear + count);
        space_load(cpu->wiring.memory, page.physical | ((linear + count) & (PAGE_BYTES - 1)), 1, &byte);
        bytes[count++] = (uint8_t)byte;
    } while (!decode_insn(bytes, count, code32, &insn));
    decode_for_model(&insn, cpu->rows_missing);
    *block = (struct block){.count = 1, .bytes = insn.length};
    block_fill(cpu->blocks, block, &insn);
    return block;
}

static uint8_t block_mode(const struct cpu *cpu)
{
    return cpu->code_key & (KEY_CODE32 | KEY_FLAT);
}

/* What a block is decoded from. */
struct code_source {
    uint32_t linear;
    const uint8_t *host;   /* page */
    const uint8_t *second; /* page after it, when the first instruction crosses */
    unsigned at;           /* offset in the page */
    uint8_t bytes[FETCH_BYTES];
    unsigned available;
    uint8_t mode; /* of the block */
    uint32_t rows_missing;
};

/* A repeated instruction takes an unknown part of the budget, so that nothing may come after it without a look. A
 * conditional jump that is not taken goes on in the block. */
static bool ends_block(const struct insn *insn)
{
    bool repeated = (insn->row->needs & ROW_STRING) && (insn->prefixes & (INSN_REP | INSN_REPNE));
    return repeated || ((insn->row->needs & ROW_ENDS_BLOCK) && !decode_is_conditional_jump(insn));
}

/* Decodes what fits into `insns`; returns how many instructions. 0: the first one goes on beyond the bytes.
 */
static unsigned decode_run(const struct code_source *source, struct insn *insns, unsigned *bytes)
{
    unsigned count = 0, at = 0;
    while (count < BLOCK_MOST && at < source->available) {
        struct insn *insn = &insns[count];
        if (!decode_insn(source->bytes + at, source->available - at, source->mode & KEY_CODE32, insn)) break;
        decode_for_model(insn, source->rows_missing);
        insn->offset = (uint16_t)at;
        at += insn->length;
        count++;
        if (ends_block(insn)) break;
    }
    *bytes = at;
    return count;
}

static void page_mark(struct cpu *cpu, struct code_page *page, uint64_t physical)
{
    struct region_at at;
    const struct view_range *range = space_find(cpu->wiring.memory, physical, &at);
    cpu->blocks->marking = page->host;
    region_mark_code(range->region, at);
    cpu->blocks->marking = NULL;
}

/* Makes a block of decoded instructions; NULL when the arena is full. */
static struct block *block_make(struct cpu *cpu, const struct code_source *source, const struct insn *insns,
                                unsigned count, unsigned bytes)
{
    struct block_cache *cache = cpu->blocks;
    struct code_page *page = page_get(cache, source->host);
    struct code_page *second = source->second ? page_get(cache, source->second) : NULL;
    struct block *block = arena_take(cache, sizeof(*block) + (count + 1) * sizeof(*insns));
    if (!page || !block || (source->second && !second)) return NULL;
    struct block **bucket = block_bucket(cache, source->host, source->at);
    *block = (struct block){.count = (uint16_t)count,
                            .bytes = (uint16_t)bytes,
                            .at = (uint16_t)source->at,
                            .mode = source->mode,
                            .page = page,
                            .second = second,
                            .next = *bucket};
    block_fill(cache, block, insns);
    *bucket = block;
    list_append(&page->blocks, &block->in_page);
    page_cover(page, block);
    if (second) {
        block->next_tail = second->tails;
        second->tails = block;
        page_cover(second, block);
    }
    cpu->stats.blocks_decoded++;
    return block;
}

/* The bytes of an instruction that crosses: what the first page has, and enough of the second. False: the
 * second page is no memory. */
static bool source_join_second(struct cpu *cpu, struct code_source *source, uint64_t *physical)
{
    code_limit_check(cpu, source->available + 1);
    struct code_translation page = code_tlb_fetch(cpu, source->linear + source->available);
    if (!(page.flags & TLB_MEMORY)) return false;
    *physical = page.physical;
    source->second = page.host;
    unsigned wanted = INSN_MAX_LENGTH - source->available;
    space_read(cpu->wiring.memory, page.physical, source->bytes + source->available, wanted);
    source->available = INSN_MAX_LENGTH;
    return true;
}

static struct block *block_decode(struct cpu *cpu, uint32_t linear, const struct code_translation *page)
{
    struct code_source source = {.linear = linear,
                                 .host = page->host,
                                 .at = linear & (PAGE_BYTES - 1),
                                 .mode = block_mode(cpu),
                                 .rows_missing = cpu->rows_missing};
    struct insn insns[BLOCK_MOST];
    uint64_t physical[2] = {page->physical, 0};
    unsigned bytes, room = PAGE_BYTES - source.at;
    source.available = room < FETCH_BYTES ? room : FETCH_BYTES;
    space_read(cpu->wiring.memory, physical[0] + source.at, source.bytes, source.available);
    unsigned count = decode_run(&source, insns, &bytes);
    if (!count) {
        if (!source_join_second(cpu, &source, &physical[1])) return decode_uncached(cpu, linear);
        decode_insn(source.bytes, source.available, source.mode & KEY_CODE32, insns);
        decode_for_model(insns, source.rows_missing);
        count = 1;
        bytes = insns[0].length;
    }
    struct block *block = block_make(cpu, &source, insns, count, bytes);
    if (!block) {
        cache_flush(cpu);
        block = block_make(cpu, &source, insns, count, bytes);
    }
    page_mark(cpu, block->page, physical[0]);
    if (block->second) page_mark(cpu, block->second, physical[1]);
    return block;
}

/* ---- finding ---- */

/* The second page of a crossing instruction may be another one by now. */
static bool second_page_is_same(struct cpu *cpu, const struct block *block, uint32_t linear)
{
    if (!block->second) return true;
    uint32_t second = (linear | (PAGE_BYTES - 1)) + 1;
    code_limit_check(cpu, second - linear + 1);
    struct code_translation page = code_tlb_fetch(cpu, second);
    return (page.flags & TLB_MEMORY) && page.host == block->second->host;
}

static struct block *block_known(struct cpu *cpu, const uint8_t *host, uint32_t linear)
{
    unsigned at = linear & (PAGE_BYTES - 1);
    uint8_t mode = block_mode(cpu);
    for (struct block *block = *block_bucket(cpu->blocks, host, at); block; block = block->next) {
        if (block->page->host == host && block->at == at && block->mode == mode &&
            second_page_is_same(cpu, block, linear))
            return block;
    }
    return NULL;
}

static struct block *block_fetch(struct cpu *cpu, uint32_t linear)
{
    struct block_cache *cache = cpu->blocks;
    if (cache->flush_wanted) cache_flush(cpu);
    code_limit_check(cpu, 1);
    struct code_translation page = code_tlb_fetch(cpu, linear);
    if (!(page.flags & TLB_MEMORY) || (cpu->attention & ATTENTION_PLAIN)) return decode_uncached(cpu, linear);
    struct block *block = block_known(cpu, page.host, linear);
    if (!block) block = block_decode(cpu, linear, &page);
    if (!block->page) return block; /* uncached */
    block->linear = linear;
    block->key = cpu->code_key;
    cache->jump[jump_slot(linear)] = block;
    return block;
}

/* The second page of a crossing instruction may be one page too many for the code TLB: then the first is not in it any
 * more, and is fetched again. */
struct block *block_look_up(struct cpu *cpu, uint32_t linear)
{
    struct block *block;
    uint32_t key;
    do {
        key = cpu->code_key;
        block = block_fetch(cpu, linear);
    } while (unlikely(key != cpu->code_key));
    return block;
}

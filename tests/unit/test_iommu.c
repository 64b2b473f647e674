/* SPDX-License-Identifier: MIT */
/* The IOMMU stage and the mirror, with tables kept by the test. */
#include "mem/iommu.h"
#include "mem/iov.h"
#include "mem/packet.h"
#include "tests/unit/mem_helper.h"

#define MEMORY 0x100000u
#define PAGES  64u
#define BOTH   (IOMMU_READ | IOMMU_WRITE)

struct rig {
    struct world world;
    unsigned bits;
    uint64_t page;
    struct iommu_page table[PAGES];
    struct iommu_fault last;
    unsigned faults;
    struct iommu_stage *stage;
    struct space *space; /* of the stage */
};

static struct iommu_page rig_translate(void *owner, gaddr iova)
{
    struct rig *rig = owner;
    ck_assert_uint_eq(iova & (rig->page - 1), 0);
    ck_assert_uint_lt(iova >> rig->bits, PAGES);
    return rig->table[iova >> rig->bits];
}

static void rig_fault(void *owner, const struct iommu_fault *fault)
{
    struct rig *rig = owner;
    rig->faults++;
    rig->last = *fault;
}

static const struct iommu_ops rig_ops = {.translate = rig_translate, .fault = rig_fault};

static void rig_open(struct rig *rig, unsigned bits)
{
    uint64_t random = 5;
    memset(rig, 0, sizeof(*rig));
    world_open(&rig->world, MEMORY);
    random_bytes(&random, rig->world.ram->host, MEMORY);
    rig->bits = bits;
    rig->page = UINT64_C(1) << bits;
    rig->stage = iommu_stage_new("nic0", rig->world.space, PAGES << bits, bits, &rig_ops, rig);
    rig->space = iommu_space(rig->stage);
    dma_checker_enable(rig->space);
    lint_quiet(true);
}

static void rig_close(struct rig *rig)
{
    ck_assert_uint_eq(dma_checker_report(rig->space, stderr), 0);
    iommu_stage_free(rig->stage);
    world_close(&rig->world, 0);
    lint_quiet(false);
}

/* iova page -> page of the target */
static void rig_set(struct rig *rig, unsigned page, unsigned to, uint8_t permissions)
{
    rig->table[page] = (struct iommu_page){(gaddr)to << rig->bits, permissions};
}

static const unsigned page_bits[] = {12, 14, 16};

START_TEST(maps_are_cut_where_translation_jumps)
{
    struct rig rig;
    rig_open(&rig, page_bits[_i]);
    rig_set(&rig, 0, 3, BOTH);
    rig_set(&rig, 1, 4, BOTH); /* goes on */
    rig_set(&rig, 2, 1, BOTH); /* jumps */
    struct dma_mapping a = dma_map(rig.space, 5, 3 * rig.page, DMA_TO_DEVICE);
    ck_assert_uint_eq(a.length, 2 * rig.page - 5);
    ck_assert_ptr_eq(a.host, rig.world.ram->host + 3 * rig.page + 5);
    struct dma_mapping b = dma_map(rig.space, 2 * rig.page, 2 * rig.page, DMA_FROM_DEVICE);
    ck_assert_uint_eq(b.length, rig.page);
    ck_assert_ptr_eq(b.host, rig.world.ram->host + rig.page);
    ck_assert_uint_eq(rig.faults, 0); /* nobody got as far as page 3 */
    dma_unmap(rig.space, &a, 0);
    dma_unmap(rig.space, &b, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(faults_tell_their_reason)
{
    static const struct {
        struct iommu_page page;
        enum dma_direction way;
        enum iommu_reason reason;
        enum dma_status status;
        enum mem_result result;
    } rows[] = {
        {{0, 0}, DMA_TO_DEVICE, IOMMU_NOT_PRESENT, DMA_NO_MEMORY, MEM_DECODE_ERROR},
        {{0, IOMMU_WRITE}, DMA_TO_DEVICE, IOMMU_NO_READ, DMA_REFUSED, MEM_DEVICE_ERROR},
        {{0, IOMMU_READ}, DMA_FROM_DEVICE, IOMMU_NO_WRITE, DMA_REFUSED, MEM_DEVICE_ERROR},
        {{0x10, BOTH}, DMA_TO_DEVICE, IOMMU_BAD_ENTRY, DMA_REFUSED, MEM_DEVICE_ERROR},
    };
    struct rig rig;
    uint8_t byte = 0;
    rig_open(&rig, page_bits[_i]);
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        rig.table[7] = rows[i].page;
        gaddr iova = 7 * rig.page + 9;
        uint64_t lints = lint_count();
        struct dma_mapping mapping = dma_map(rig.space, iova, 1, rows[i].way);
        ck_assert_uint_eq(mapping.length, 0);
        ck_assert_int_eq(mapping.status, rows[i].status);
        ck_assert_int_eq(rows[i].way == DMA_TO_DEVICE ? space_read(rig.space, iova, &byte, 1)
                                                      : space_write(rig.space, iova, &byte, 1),
                         rows[i].result);
        ck_assert_uint_eq(rig.faults, 2 * (i + 1));
        ck_assert_uint_eq(lint_count(), lints + 2);
        ck_assert_int_eq(rig.last.reason, rows[i].reason);
        ck_assert_uint_eq(rig.last.iova, iova);
        ck_assert_ptr_nonnull(iommu_reason_name(rig.last.reason));
    }
    rig_close(&rig);
}
END_TEST

START_TEST(invalidation_under_a_mapping_is_linted)
{
    struct rig rig;
    rig_open(&rig, page_bits[_i]);
    rig_set(&rig, 4, 1, BOTH);
    rig_set(&rig, 5, 2, BOTH);
    struct dma_mapping mapping = dma_map(rig.space, 4 * rig.page + 8, rig.page, DMA_FROM_DEVICE);
    uint64_t lints = lint_count();
    iommu_invalidate(rig.stage, 3 * rig.page, rig.page);   /* before it */
    iommu_invalidate(rig.stage, 6 * rig.page, UINT64_MAX); /* behind it */
    ck_assert_uint_eq(lint_count(), lints);
    iommu_invalidate(rig.stage, 5 * rig.page + rig.page - 1, 1); /* its page, by the last byte */
    ck_assert_uint_eq(lint_count(), lints + 1);
    rig_set(&rig, 4, 0, 0);
    memset(mapping.host, 0x77, 4); /* stays what it was */
    ck_assert_int_eq(dma_unmap(rig.space, &mapping, 4), MEM_OK);
    ck_assert_uint_eq(rig.world.ram->host[rig.page + 8], 0x77);
    iommu_invalidate(rig.stage, 0, UINT64_MAX);
    ck_assert_uint_eq(lint_count(), lints + 1);
    rig_close(&rig);
}
END_TEST

/* Reads, writes and packets through random tables, against a walk byte by byte. */
START_TEST(random_tables_against_a_byte_model)
{
    struct rig rig;
    uint64_t random = 77 + (uint64_t)_i;
    static uint8_t model[MEMORY], bytes[0x6000];
    rig_open(&rig, page_bits[_i]);
    memcpy(model, rig.world.ram->host, MEMORY);
    unsigned targets = MEMORY >> rig.bits;
    for (unsigned i = 0; i < 150; i++) {
        unsigned changed = (unsigned)random_below(&random, PAGES);
        for (unsigned n = 0; n < 4 && changed + n < PAGES; n++)
            rig_set(&rig, changed + n,
                    (unsigned)(random_below(&random, 2) ? (changed + n) % targets
                                                        : random_below(&random, targets)),
                    random_below(&random, 9) ? BOTH : (uint8_t)random_below(&random, 4));
        const struct dma_settings settings = {.mode = (enum dma_mode)random_below(&random, 3), .seed = i};
        dma_configure(rig.space, &settings);
        uint64_t length = 1 + random_below(&random, sizeof(bytes) - 1);
        gaddr iova = random_below(&random, (PAGES << rig.bits) - length);
        enum dma_direction way = random_below(&random, 2) ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
        uint64_t done = 0, wrong = 0;
        random_bytes(&random, bytes, 256);
        while (done < length) {
            gaddr at = iova + done;
            struct iommu_page page = rig.table[at >> rig.bits];
            bool good = page.permissions & (way == DMA_TO_DEVICE ? IOMMU_READ : IOMMU_WRITE);
            struct dma_mapping mapping = dma_map(rig.space, at, length - done, way);
            if (!mapping.length && mapping.status == DMA_NO_BOUNCE) continue; /* faulty mode */
            ck_assert_uint_eq(mapping.length != 0, good);
            if (!good) break;
            for (uint64_t n = 0; n < mapping.length; n++) {
                gaddr to = rig.table[(at + n) >> rig.bits].addr + ((at + n) & (rig.page - 1));
                if (way == DMA_TO_DEVICE)
                    wrong += ((uint8_t *)mapping.host)[n] != model[to];
                else
                    ((uint8_t *)mapping.host)[n] = model[to] = bytes[(done + n) % sizeof(bytes)];
            }
            uint64_t got = mapping.length;
            ck_assert_int_eq(dma_unmap(rig.space, &mapping, got), MEM_OK);
            done += got;
        }
        ck_assert_uint_eq(wrong, 0);
        if (!(i % 50)) ck_assert_mem_eq(model, rig.world.ram->host, MEMORY);
    }
    ck_assert_mem_eq(model, rig.world.ram->host, MEMORY);
    rig_close(&rig);
}
END_TEST

static struct packet_answer packet_check(void *owner, const struct iovec *pieces, unsigned count,
                                         uint64_t size)
{
    iov_to_buffer(pieces, count, 0, owner, size);
    return (struct packet_answer){.moved = size};
}

/* Whole, or by the reserve: both go through the tables. */
START_TEST(packets_are_translated)
{
    for (unsigned linear = 0; linear < 2; linear++) {
        struct rig rig;
        struct packet_engine engine;
        struct sglist list;
        uint8_t bytes[1000];
        rig_open(&rig, page_bits[_i]);
        rig_set(&rig, 0, 5, BOTH);
        rig_set(&rig, 1, 2, BOTH);
        const struct dma_settings settings = {.mode = DMA_MODE_INDIRECT, .max_bounce = linear ? 512 : 4096};
        dma_configure(rig.space, &settings);
        packet_init(&engine, "nic0", rig.space, 65536);
        sglist_init(&list, 1);
        sglist_add(&list, rig.page - 300, 1000);
        ck_assert_int_eq(packet_run(&engine, &list, DMA_TO_DEVICE, packet_check, bytes).status, PACKET_OK);
        ck_assert_uint_eq(engine.totals.linear, linear);
        ck_assert_mem_eq(bytes, rig.world.ram->host + 6 * rig.page - 300, 300);
        ck_assert_mem_eq(bytes + 300, rig.world.ram->host + 2 * rig.page, 700);
        rig_set(&rig, 1, 2, IOMMU_WRITE);
        ck_assert_int_eq(packet_run(&engine, &list, DMA_TO_DEVICE, packet_check, bytes).status,
                         PACKET_BAD_ADDRESS);
        ck_assert_int_eq(rig.last.reason, IOMMU_NO_READ);
        sglist_destroy(&list);
        packet_destroy(&engine);
        rig_close(&rig);
    }
}
END_TEST

/* An outside mapper: what it was told, page by page of 4 KiB. */
struct mapper {
    uint8_t *host[MEMORY >> 12];
    bool writable[MEMORY >> 12];
    uint64_t page; /* every range has to be aligned to */
    unsigned maps, unmaps;
    bool full;
};

static bool mapper_map(void *owner, gaddr addr, uint64_t length, void *host, bool writable)
{
    struct mapper *mapper = owner;
    ck_assert_uint_eq((addr | length) & (mapper->page - 1), 0);
    if (mapper->full) return false;
    mapper->maps++;
    for (uint64_t at = 0; at < length; at += 4096) {
        ck_assert_ptr_null(mapper->host[(addr + at) >> 12]);
        mapper->host[(addr + at) >> 12] = (uint8_t *)host + at;
        mapper->writable[(addr + at) >> 12] = writable;
    }
    return true;
}

static void mapper_unmap(void *owner, gaddr addr, uint64_t length)
{
    struct mapper *mapper = owner;
    mapper->unmaps++;
    for (uint64_t at = 0; at < length; at += 4096) {
        ck_assert_ptr_nonnull(mapper->host[(addr + at) >> 12]);
        mapper->host[(addr + at) >> 12] = NULL;
    }
}

static const struct iommu_mirror_ops mapper_ops = {mapper_map, mapper_unmap};

/* 4 KiB sections of one 64 KiB page: counted, and the last one out unmaps. */
START_TEST(lesson_25_sections_of_one_page_are_counted)
{
    struct mapper mapper = {.page = 0x10000};
    struct region *root = region_new_container("memory", MEMORY), *ram = region_new_ram("ram", MEMORY, NULL);
    struct region *parts[4];
    for (unsigned i = 0; i < 4; i++) {
        parts[i] = region_new_alias("part", ram, (struct region_at){0x20000 + i * 0x4000}, 0x1000);
        region_add(root, 0x20000 + i * 0x4000, parts[i], 0);
    }
    struct space *space = space_new("vfio", root, MEMORY, NULL);
    struct iommu_mirror *mirror = iommu_mirror_new(space, 16, &mapper_ops, &mapper);
    ck_assert_uint_eq(mapper.maps, 1);
    ck_assert_uint_eq(iommu_mirror_users(mirror, 0x2ffff), 4);
    ck_assert_ptr_eq(mapper.host[0x20], ram->host + 0x20000);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(mapper.unmaps, 0);
        ck_assert_uint_eq(iommu_mirror_users(mirror, 0x20000), 4 - i);
        region_remove(parts[(i * 3 + 1) % 4]);
    }
    ck_assert_uint_eq(mapper.maps, 1);
    ck_assert_uint_eq(mapper.unmaps, 1);
    iommu_mirror_free(mirror);
    space_free(space);
    for (unsigned i = 0; i < 4; i++) region_release(parts[i]);
    region_release(ram);
    region_release(root);
}
END_TEST

START_TEST(lesson_25_sections_of_one_page_must_agree)
{
    struct mapper mapper = {.page = 0x10000};
    struct region *root = region_new_container("memory", MEMORY), *ram = region_new_ram("ram", MEMORY, NULL);
    struct region *other = region_new_ram("other", 0x1000, NULL);
    region_add(root, 0, ram, 0);
    struct space *space = space_new("vfio", root, MEMORY, NULL);
    struct iommu_mirror *mirror = iommu_mirror_new(space, 16, &mapper_ops, &mapper);
    ck_assert_uint_eq(mapper.maps, 1);
    lint_quiet(true);
    uint64_t lints = lint_count();
    region_add(root, 0x34000, other, 1); /* in the midst of a page */
    ck_assert_uint_gt(lint_count(), lints);
    ck_assert_ptr_null(mapper.host[0x30]);
    ck_assert_ptr_null(mapper.host[0x34]);
    ck_assert_uint_eq(iommu_mirror_users(mirror, 0x34000), 0);
    ck_assert_ptr_eq(mapper.host[0x2f], ram->host + 0x2f000);
    ck_assert_ptr_eq(mapper.host[0x40], ram->host + 0x40000);
    lint_quiet(false);
    region_remove(other);
    ck_assert_ptr_eq(mapper.host[0x34], ram->host + 0x34000);
    region_remove(ram); /* alive while it is mapped, gone after */
    ck_assert_ptr_null(mapper.host[0]);
    ck_assert_uint_eq(mapper.maps, mapper.unmaps);
    ck_assert_uint_eq(ram->uses, 1);
    iommu_mirror_free(mirror);
    space_free(space);
    region_release(ram);
    region_release(other);
    region_release(root);
}
END_TEST

START_TEST(the_mirror_follows_the_tables)
{
    struct rig rig;
    struct mapper mapper = {.page = 4096};
    rig_open(&rig, 12);
    rig_set(&rig, 2, 9, BOTH);
    rig_set(&rig, 3, 10, BOTH);
    struct iommu_mirror *mirror = iommu_mirror_new(rig.space, 12, &mapper_ops, &mapper);
    ck_assert_uint_eq(mapper.maps, 1);
    ck_assert_ptr_eq(mapper.host[3], rig.world.ram->host + 10 * 4096);
    rig_set(&rig, 3, 10, IOMMU_READ);
    rig_set(&rig, 4, 0, IOMMU_READ);
    iommu_invalidate(rig.stage, 3 * 4096 + 5, 4096);
    ck_assert(mapper.writable[2] && !mapper.writable[3] && !mapper.writable[4]);
    ck_assert_ptr_eq(mapper.host[4], rig.world.ram->host);
    region_enable(rig.world.ram, false);
    ck_assert_uint_eq(mapper.maps, mapper.unmaps);
    region_enable(rig.world.ram, true);
    ck_assert_ptr_eq(mapper.host[4], rig.world.ram->host);
    memset(rig.table, 0, sizeof(rig.table));
    iommu_invalidate(rig.stage, 0, UINT64_MAX);
    ck_assert_uint_eq(mapper.maps, mapper.unmaps);
    iommu_mirror_free(mirror);
    rig_close(&rig);
}
END_TEST

/* Regions come and go at random; what the mapper knows is what the view shows, in whole pages. */
START_TEST(random_views_are_mirrored)
{
    struct mapper mapper = {.page = UINT64_C(1) << page_bits[_i]};
    uint64_t random = 4711 + (uint64_t)_i;
    struct region *root = region_new_container("memory", MEMORY), *memory[2], *parts[12];
    lint_quiet(true);
    for (unsigned i = 0; i < 2; i++) memory[i] = region_new_ram("ram", MEMORY, NULL);
    struct space *space = space_new("vfio", root, MEMORY, NULL);
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++) {
        gaddr from = random_below(&random, 240) << 12;
        uint64_t size = (1 + random_below(&random, 60)) << 12;
        if (from + size > MEMORY) size = MEMORY - from;
        parts[i] = region_new_alias("part", memory[i % 5 == 0], (struct region_at){from}, size);
        region_enable(parts[i], false);
        region_add(root, from, parts[i], (int)(i % 3));
    }
    struct iommu_mirror *mirror = iommu_mirror_new(space, page_bits[_i], &mapper_ops, &mapper);
    for (unsigned round = 0; round < 300; round++) {
        struct region *part = parts[random_below(&random, ARRAY_COUNT(parts))];
        if (random_below(&random, 4))
            region_enable(part, !part->enabled);
        else
            region_set_alias(part, part->target_at, !part->read_only);
        for (gaddr page = 0; page < MEMORY; page += mapper.page) {
            uint8_t *host = NULL;
            bool agreed = true, writable = false;
            for (gaddr at = page; at < page + mapper.page; at += 4096) {
                struct region_at where;
                const struct view_range *range = space_find(space, at, &where);
                if (!range->region) continue;
                uint8_t *base = range->region->host + where.offset - (at - page);
                if (host && (host != base || writable == range->read_only)) agreed = false;
                host = base;
                writable = !range->read_only;
            }
            ck_assert_ptr_eq(mapper.host[page >> 12], agreed ? host : NULL);
            if (agreed && host) ck_assert_int_eq(mapper.writable[page >> 12], writable);
        }
    }
    iommu_mirror_free(mirror);
    ck_assert_uint_eq(mapper.maps, mapper.unmaps);
    space_free(space);
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++) region_release(parts[i]);
    region_release(root);
    for (unsigned i = 0; i < 2; i++) region_release(memory[i]);
    lint_quiet(false);
}
END_TEST

int main(void)
{
    const TTest *const by_page_size[] = {
        maps_are_cut_where_translation_jumps,
        faults_tell_their_reason,
        invalidation_under_a_mapping_is_linted,
        random_tables_against_a_byte_model,
        random_views_are_mirrored,
        packets_are_translated,
    };
    const TTest *const once[] = {
        lesson_25_sections_of_one_page_are_counted,
        lesson_25_sections_of_one_page_must_agree,
        the_mirror_follows_the_tables,
    };
    return run_suite_looped("iommu, by page size", by_page_size, ARRAY_COUNT(by_page_size), 3) |
           run_suite("iommu", once, ARRAY_COUNT(once));
}

/* SPDX-License-Identifier: MIT */
/* The checker: every live mapping on record, with the calls that led to it. */
#include <assert.h>
#include <execinfo.h>
#include <inttypes.h>
#include "mem/checker.h"
#include "mem/internal.h"

#define TRACE_DEPTH 12

struct map_record {
    struct list node;
    struct dma_mapping mapping;
    char memory[24]; /* the region's name; empty where the region may be gone */
    void *frames[TRACE_DEPTH];
    int depth;
};

struct finding {
    struct list node;
    const char *text;
    struct map_record where; /* the map to blame, or the wrong handle and who passed it */
};

struct dma_checker {
    struct list live, findings;
};

/* Serials are unique among all checked spaces, so that a handle of another space is never taken for one of
 * this. */
static _Thread_local uint32_t last_serial;

static void record_fill(struct map_record *record, const struct dma_mapping *mapping)
{
    record->mapping = *mapping;
    record->memory[0] = 0;
    record->depth = backtrace(record->frames, TRACE_DEPTH);
}

void dma_checker_enable(struct space *space)
{
    if (space->checker) return;
    assert(space->front.stats.maps == space->front.stats.unmaps);
    space->checker = mem_alloc(1, sizeof(*space->checker));
    list_init(&space->checker->live);
    list_init(&space->checker->findings);
    space_refresh(space);
}

void dma_checker_mapped(struct dma_checker *checker, struct dma_mapping *mapping)
{
    if (!checker) return;
    struct map_record *record = mem_alloc(1, sizeof(*record));
    if (!mapping->bounce) mapping->serial = ++last_serial;
    record_fill(record, mapping);
    snprintf(record->memory, sizeof(record->memory), ", %s", mapping->region->name);
    list_append(&checker->live, &record->node);
}

static void checker_complain(struct dma_checker *checker, const char *text, const struct map_record *where)
{
    struct finding *finding = mem_alloc(1, sizeof(*finding));
    finding->text = text;
    finding->where = *where;
    list_append(&checker->findings, &finding->node);
}

void dma_checker_note(struct space *space, const char *text, gaddr addr, uint64_t length,
                      enum dma_direction direction)
{
    struct map_record here;
    record_fill(&here, &(struct dma_mapping){.addr = addr, .length = length, .direction = direction});
    checker_complain(space->checker, text, &here);
}

static struct map_record *checker_find(struct dma_checker *checker, const struct dma_mapping *mapping)
{
    for (struct list *node = checker->live.next; node != &checker->live; node = node->next) {
        struct map_record *record = list_entry(node, struct map_record, node);
        if (record->mapping.serial == mapping->serial && record->mapping.bounce == mapping->bounce &&
            record->mapping.host == mapping->host)
            return record;
    }
    return NULL;
}

/* Did someone write past what the unmap reports? The poison tells. */
static bool poison_touched(const struct dma_mapping *mapping, uint64_t accessed)
{
    if (!mapping->bounce || mapping->direction != DMA_FROM_DEVICE) return false;
    for (uint64_t i = accessed; i < mapping->length; i++) {
        if (((uint8_t *)mapping->host)[i] != CHECKER_POISON) return true;
    }
    return false;
}

bool dma_checker_unmapping(struct dma_checker *checker, struct dma_mapping *mapping, uint64_t accessed)
{
    if (!checker) return true;
    struct map_record *record = checker_find(checker, mapping);
    if (!record) {
        struct map_record here;
        record_fill(&here, mapping);
        checker_complain(checker, "unmapped twice, or through another space", &here);
        return false;
    }
    const struct dma_mapping *mapped = &record->mapping;
    if (mapping->length != mapped->length)
        checker_complain(checker, "unmapped with another length than mapped", record);
    if (mapping->direction != mapped->direction)
        checker_complain(checker, "unmapped with another direction than mapped", record);
    if (mapping->addr != mapped->addr || mapping->region != mapped->region ||
        mapping->at.offset != mapped->at.offset)
        checker_complain(checker, "handle changed between map and unmap", record);
    if (accessed > mapped->length) checker_complain(checker, "accessed more than was mapped", record);
    if (poison_touched(mapped, accessed))
        checker_complain(checker, "written beyond what unmap reports", record);
    if (mapped->bounce && !bounce_is_whole(mapped->bounce))
        checker_complain(checker, "written beyond the end of the mapping", record);
    *mapping = *mapped;
    list_remove(&record->node);
    free(record);
    return true;
}

static void record_print(const struct space *space, const struct map_record *record, const char *text,
                         FILE *to)
{
    const struct dma_mapping *mapping = &record->mapping;
    fprintf(to, "%s%s: %s at 0x%" PRIx64 ", %" PRIu64 " bytes %s device%s\n", space->name, record->memory,
            text, mapping->addr, mapping->length, mapping->direction == DMA_TO_DEVICE ? "to" : "from",
            mapping->bounce ? ", bounced" : "");
    char **names = backtrace_symbols(record->frames, record->depth);
    for (int i = 1; names && i < record->depth; i++) fprintf(to, "    %s\n", names[i]);
    free(names);
}

unsigned dma_checker_report(const struct space *space, FILE *to)
{
    const struct dma_checker *checker = space->checker;
    unsigned count = 0;
    if (!checker) return 0;
    for (struct list *node = checker->findings.next; node != &checker->findings; node = node->next, count++) {
        const struct finding *finding = list_entry(node, struct finding, node);
        record_print(space, &finding->where, finding->text, to);
    }
    for (struct list *node = checker->live.next; node != &checker->live; node = node->next, count++)
        record_print(space, list_entry(node, struct map_record, node), "still mapped", to);
    return count;
}

void dma_checker_free(struct dma_checker *checker)
{
    if (!checker) return;
    while (!list_empty(&checker->live)) {
        struct map_record *record = list_entry(checker->live.next, struct map_record, node);
        list_remove(&record->node);
        free(record);
    }
    while (!list_empty(&checker->findings)) {
        struct finding *finding = list_entry(checker->findings.next, struct finding, node);
        list_remove(&finding->node);
        free(finding);
    }
    free(checker);
}

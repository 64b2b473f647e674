/* SPDX-License-Identifier: MIT */
/* The packet engine. packet_run goes one of two ways: packet_mapped, or packet_linear through the reserve. */
#include <assert.h>
#include <string.h>
#include "emu/core/trace.h"
#include "mem/checker.h"
#include "mem/internal.h"
#include "mem/packet.h"

TRACE_EVENT(packet_event, "packet", "who:s size:u pieces:u direction:s copies:u status:u moved:u");

/* A run under way. */
struct packet_job {
    struct packet_engine *engine;
    const struct sglist *list;
    enum dma_direction direction;
    packet_call *call;
    void *owner;
};

void packet_init(struct packet_engine *engine, const char *name, struct space *space, uint64_t largest)
{
    assert(largest > 0);
    *engine = (struct packet_engine){.name = name, .space = space, .largest = largest};
    engine->reserve = mem_alloc(1, (size_t)largest);
}

void packet_destroy(struct packet_engine *engine)
{
    assert(!engine->busy);
    free(engine->reserve);
    engine->reserve = NULL;
}

void packet_set_guard(struct packet_engine *engine, struct mem_guard *guard)
{
    engine->guard = guard;
}

static void packet_guard_enter(const struct packet_engine *engine)
{
    if (engine->guard) guard_enter(engine->guard);
}

static void packet_guard_leave(const struct packet_engine *engine)
{
    if (engine->guard) guard_leave(engine->guard);
}

/* Unmaps all, of which `touched` bytes from the start were touched. Returns how many from the start reached
 * memory. */
static uint64_t packet_unmap(struct packet_engine *engine, uint64_t touched)
{
    uint64_t offset = 0, arrived = UINT64_MAX;
    for (unsigned i = 0; i < engine->count; i++) {
        uint64_t length = engine->mappings[i].length;
        uint64_t accessed = touched > offset ? min_u64(touched - offset, length) : 0;
        if (dma_unmap(engine->space, &engine->mappings[i], accessed) != MEM_OK)
            arrived = min_u64(arrived, offset);
        offset += length;
    }
    engine->count = 0;
    return arrived;
}

/* Maps until the list ends or a map gives nothing. Returns the bytes mapped; *status is of the map that gave
 * nothing. */
static uint64_t packet_map(struct packet_job *job, enum dma_status *status)
{
    struct packet_engine *engine = job->engine;
    uint64_t mapped = 0;
    *status = DMA_OK;
    for (unsigned i = 0; i < job->list->count; i++) {
        struct sg_piece left = job->list->pieces[i];
        while (left.length) {
            if (engine->count == PACKET_PIECES) {
                *status = DMA_NO_BOUNCE;
                return mapped;
            }
            struct dma_mapping mapping = dma_map(engine->space, left.addr, left.length, job->direction);
            if (!mapping.length) {
                *status = mapping.status;
                return mapped;
            }
            engine->vector[engine->count] = (struct iovec){mapping.host, (size_t)mapping.length};
            engine->mappings[engine->count++] = mapping;
            left.addr += mapping.length;
            left.length -= mapping.length;
            mapped += mapping.length;
        }
    }
    return mapped;
}

/* Makes the host call, and cuts its answer to what there is. */
static struct packet_answer packet_call_host(struct packet_job *job, const struct iovec *pieces,
                                             unsigned count)
{
    job->engine->report.host_calls++;
    struct packet_answer answer = job->call(job->owner, pieces, count, job->list->size);
    answer.moved = min_u64(answer.moved, job->list->size);
    answer.touched = min_u64(answer.touched, job->list->size);
    if (answer.touched < answer.moved) answer.touched = answer.moved;
    return answer;
}

static struct packet_result packet_end(const struct packet_answer *answer, uint64_t arrived)
{
    struct packet_result result = {PACKET_OK, min_u64(answer->moved, arrived)};
    if (answer->failed)
        result.status = PACKET_HOST_ERROR;
    else if (arrived < answer->moved)
        result.status = PACKET_BAD_ADDRESS;
    return result;
}

static struct packet_result packet_mapped(struct packet_job *job)
{
    struct packet_engine *engine = job->engine;
    struct packet_report *report = &engine->report;
    report->pieces = engine->count;
    for (unsigned i = 0; i < engine->count; i++) {
        const struct dma_mapping *mapping = &engine->mappings[i];
        *(mapping->bounce ? &report->bounced_bytes : &report->direct_bytes) += mapping->length;
        report->copies += mapping->bounce != NULL;
    }
    packet_guard_leave(engine);
    struct packet_answer answer = packet_call_host(job, engine->vector, engine->count);
    packet_guard_enter(engine);
    uint64_t arrived = packet_unmap(engine, answer.touched);
    return packet_end(&answer, arrived);
}

/* The walk over a list that the reserve is read from, checked against and written to: `size` bytes from byte
 * `skip` on, which is also where they are in the reserve. Returns how many bytes from the start of the list
 * are right. */
typedef enum mem_result linear_step(struct space *space, gaddr addr, uint8_t *bytes, uint64_t length);

static uint64_t packet_walk(struct packet_job *job, uint64_t skip, uint64_t size, linear_step *step)
{
    uint64_t offset = 0;
    for (unsigned i = 0; i < job->list->count && offset < size; i++) {
        const struct sg_piece *piece = &job->list->pieces[i];
        uint64_t from = skip > offset ? min_u64(skip - offset, piece->length) : 0;
        uint64_t end = min_u64(piece->length, size - offset);
        if (from < end && step(job->engine->space, piece->addr + from, job->engine->reserve + offset + from,
                               end - from) != MEM_OK)
            return offset;
        offset += end;
    }
    return size;
}

static enum mem_result step_read(struct space *space, gaddr addr, uint8_t *bytes, uint64_t length)
{
    return space_read(space, addr, bytes, length);
}

static enum mem_result step_write(struct space *space, gaddr addr, uint8_t *bytes, uint64_t length)
{
    return space_write(space, addr, bytes, length);
}

/* Does somebody answer at every byte? */
static enum mem_result step_check(struct space *space, gaddr addr, uint8_t *bytes, uint64_t length)
{
    (void)bytes;
    while (length) {
        struct space_step step = space_step(space, addr, length, DMA_FROM_DEVICE);
        if (!step.region) return space_missed(space, addr, &step, DMA_FROM_DEVICE);
        addr += step.length;
        length -= step.length;
    }
    return MEM_OK;
}

/* Takes what is mapped over into the reserve, and gets the rest. */
static bool linear_fill(struct packet_job *job, uint64_t mapped)
{
    struct packet_engine *engine = job->engine;
    uint64_t offset = 0;
    for (unsigned i = 0; i < engine->count; i++) {
        memcpy(engine->reserve + offset, engine->vector[i].iov_base, engine->vector[i].iov_len);
        offset += engine->vector[i].iov_len;
    }
    packet_unmap(engine, 0);
    return packet_walk(job, mapped, job->list->size, step_read) == job->list->size;
}

/* Prepares the reserve for what the host call writes. Under the checker it is poisoned. */
static bool linear_clear(struct packet_job *job, uint64_t mapped)
{
    struct packet_engine *engine = job->engine;
    packet_unmap(engine, 0);
    if (engine->space->checker) memset(engine->reserve, CHECKER_POISON, (size_t)job->list->size);
    return packet_walk(job, mapped, job->list->size, step_check) == job->list->size;
}

static void linear_check_poison(const struct packet_job *job, uint64_t touched)
{
    const struct packet_engine *engine = job->engine;
    for (uint64_t i = touched; i < job->list->size; i++) {
        if (engine->reserve[i] == CHECKER_POISON) continue;
        dma_checker_note(engine->space, "reserve written beyond what the host call reports",
                         job->list->pieces[0].addr, job->list->size, DMA_FROM_DEVICE);
        return;
    }
}

static struct packet_result packet_linear(struct packet_job *job, uint64_t mapped)
{
    struct packet_engine *engine = job->engine;
    struct packet_report *report = &engine->report;
    bool from_device = job->direction == DMA_FROM_DEVICE;
    engine->totals.linear++;
    if (!(from_device ? linear_clear(job, mapped) : linear_fill(job, mapped)))
        return (struct packet_result){PACKET_BAD_ADDRESS, 0};

    report->pieces = report->copies = 1;
    report->bounced_bytes = job->list->size;
    const struct iovec whole = {engine->reserve, (size_t)job->list->size};
    packet_guard_leave(engine);
    struct packet_answer answer = packet_call_host(job, &whole, 1);
    packet_guard_enter(engine);
    if (!from_device) return packet_end(&answer, UINT64_MAX);
    if (engine->space->checker) linear_check_poison(job, answer.touched);
    return packet_end(&answer, packet_walk(job, 0, answer.moved, step_write));
}

static void packet_account(struct packet_engine *engine, const struct packet_result *result)
{
    struct packet_totals *totals = &engine->totals;
    const struct packet_report *report = &engine->report;
    totals->packets++;
    totals->failed += result->status != PACKET_OK;
    totals->pieces += report->pieces;
    totals->direct_bytes += report->direct_bytes;
    totals->bounced_bytes += report->bounced_bytes;
    totals->copies += report->copies;
    totals->host_calls += report->host_calls;
}

static struct packet_result packet_go(struct packet_job *job)
{
    struct packet_engine *engine = job->engine;
    enum dma_status status;
    uint64_t mapped = packet_map(job, &status);
    if (mapped == job->list->size) return packet_mapped(job);
    if (status == DMA_NO_BOUNCE) return packet_linear(job, mapped);
    packet_unmap(engine, 0);
    return (struct packet_result){PACKET_BAD_ADDRESS, 0};
}

struct packet_result packet_run(struct packet_engine *engine, const struct sglist *list,
                                enum dma_direction direction, packet_call *call, void *owner)
{
    if (engine->busy) {
        lint(engine->name, "mem/packet.h", "a packet was started from within a packet");
        return (struct packet_result){PACKET_BUSY, 0};
    }
    engine->report = (struct packet_report){0};
    struct packet_result result = {PACKET_TOO_LONG, 0};
    if (list->size <= engine->largest) {
        struct packet_job job = {engine, list, direction, call, owner};
        engine->busy = true;
        packet_guard_enter(engine);
        result = packet_go(&job);
        packet_guard_leave(engine);
        engine->busy = false;
    }
    packet_account(engine, &result);
    if (trace_on(&packet_event))
        trace_emit(&packet_event, space_clock(engine->space), engine->name, list->size, engine->report.pieces,
                   direction == DMA_TO_DEVICE ? "to-device" : "from-device", engine->report.copies,
                   (uint64_t)result.status, result.moved);
    return result;
}

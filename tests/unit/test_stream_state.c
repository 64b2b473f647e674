/* SPDX-License-Identifier: MIT */
/*
 * Requests of the stream engine, saved and taken up again in another machine. Three clients share a pool; at a random
 * moment everything is saved and loaded into a second machine. Both then go on, and must submit, wait, wake and end
 * alike.
 */
#include "mem/stream.h"
#include "tests/unit/mem_helper.h"

enum { RAM_SIZE = 0x8000, UNIT = 512, CLIENTS = 3, LOG_MOST = 4000 };

struct entry {
    unsigned client, kind, pieces;
    uint64_t a, b;
    vtime when;
};

struct machine;

struct client {
    struct machine *machine;
    unsigned n;
    char name[16], answer_name[24];
    struct stream stream;
    struct sglist list;
    struct clock_event answer;
    struct stream_part part;
    enum dma_direction direction;
};

struct machine {
    struct world world;
    struct client client[CLIENTS];
    uint64_t random; /* of the clients: what they ask for, and how long it takes */
    unsigned left;   /* requests to come */
    struct entry log[LOG_MOST];
    unsigned logged;
};

static void note(struct client *client, unsigned kind, unsigned pieces, uint64_t a, uint64_t b)
{
    struct machine *machine = client->machine;
    ck_assert_uint_lt(machine->logged, LOG_MOST);
    machine->log[machine->logged++] =
        (struct entry){client->n, kind, pieces, a, b, clock_now(&machine->world.clock)};
}

static void begin(struct client *client)
{
    struct machine *machine = client->machine;
    if (!machine->left) return;
    machine->left--;
    sglist_reset(&client->list);
    uint64_t total = 0, wanted = UNIT * (1 + random_below(&machine->random, 12));
    while (total < wanted) {
        uint64_t length = 1 + random_below(&machine->random, 900);
        if (length > wanted - total) length = wanted - total;
        sglist_add(&client->list, random_below(&machine->random, RAM_SIZE - length), length);
        total += length;
    }
    client->direction = random_below(&machine->random, 2) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
    stream_start(&client->stream, &client->list, client->direction);
}

static void submit(void *owner, struct stream *stream, uint64_t offset, const struct iovec *pieces,
                   unsigned count, uint64_t size)
{
    struct client *client = owner;
    (void)stream;
    client->part = (struct stream_part){offset, pieces, count, size};
    note(client, 1, count, offset, size);
    clock_event_in(&client->answer, 1 + (vtime)random_below(&client->machine->random, 400));
}

/* Reads memory, or fills it; what was read goes into the log. */
static void answer(void *owner)
{
    struct client *client = owner;
    uint64_t sum = 0, filler = client->part.offset + client->n;
    for (unsigned i = 0; i < client->part.count; i++) {
        uint8_t *bytes = client->part.pieces[i].iov_base;
        for (size_t at = 0; at < client->part.pieces[i].iov_len; at++) {
            if (client->direction == DMA_FROM_DEVICE) bytes[at] = (uint8_t)(filler++ * 7);
            sum = sum * 31 + bytes[at];
        }
    }
    note(client, 2, 0, sum, client->part.size);
    stream_complete(&client->stream, false, client->part.size, 0);
}

static void cancel(void *owner, struct stream *stream)
{
    (void)stream;
    clock_event_cancel(&((struct client *)owner)->answer);
}

static void done(void *owner, struct stream *stream, enum stream_status status, uint64_t moved)
{
    struct client *client = owner;
    (void)stream;
    note(client, 3, (unsigned)status, moved, 0);
    begin(client);
}

static const struct stream_ops ops = {submit, cancel, done};

static void machine_open(struct machine *machine, enum dma_mode mode, uint64_t limit, uint64_t seed)
{
    memset(machine, 0, sizeof *machine);
    world_open(&machine->world, RAM_SIZE);
    world_configure(&machine->world, mode, limit, seed);
    machine->random = seed * 2654435761u + 88172645463325252u;
    machine->left = 40;
    for (unsigned n = 0; n < CLIENTS; n++) {
        struct client *client = &machine->client[n];
        client->machine = machine;
        client->n = n;
        snprintf(client->name, sizeof client->name, "client%u", n);
        snprintf(client->answer_name, sizeof client->answer_name, "client%u.answer", n);
        sglist_init(&client->list, 16);
        stream_init(&client->stream, client->name, machine->world.space, UNIT, &ops, client);
        clock_event_init(&client->answer, &machine->world.clock, client->answer_name, answer, client);
    }
}

static void machine_close(struct machine *machine)
{
    for (unsigned n = 0; n < CLIENTS; n++) {
        stream_destroy(&machine->client[n].stream);
        sglist_destroy(&machine->client[n].list);
        clock_event_destroy(&machine->client[n].answer);
    }
    world_close(&machine->world, 0);
}

static bool step(struct machine *machine)
{
    struct clock *clock = &machine->world.clock;
    if (clock_deadline(clock) == VTIME_NEVER) return false;
    clock_jump(clock, clock_deadline(clock));
    clock_fire_due(clock);
    return true;
}

/* All but the clients' own, which is copied below: they stand for devices. */
static void save(const struct machine *machine, struct state_buffer *to)
{
    struct error error = {{0}};
    dma_save(machine->world.space, to);
    for (unsigned n = 0; n < CLIENTS; n++)
        ck_assert_msg(stream_save(&machine->client[n].stream, to, &error), "%s", error.text);
    clock_save(&machine->world.clock, to);
}

static void load(struct machine *machine, const struct machine *first, struct state_buffer *from)
{
    struct error error = {{0}};
    ck_assert(dma_load(machine->world.space, from, &error));
    for (unsigned n = CLIENTS; n-- > 0;) stream_cancel(&machine->client[n].stream);
    for (unsigned n = 0; n < CLIENTS; n++) {
        struct client *client = &machine->client[n];
        const struct client *other = &first->client[n];
        sglist_reset(&client->list);
        for (unsigned i = 0; i < other->list.count; i++)
            sglist_add(&client->list, other->list.pieces[i].addr, other->list.pieces[i].length);
        client->direction = other->direction;
        ck_assert_msg(stream_load(&client->stream, &client->list, client->direction, from, &error), "%s",
                      error.text);
        ck_assert_int_eq(stream_submitted(&client->stream, &client->part), other->stream.submitted);
    }
    ck_assert_msg(clock_load(&machine->world.clock, from, &error), "%s", error.text);
    memcpy(machine->world.ram->host, first->world.ram->host, RAM_SIZE);
    machine->random = first->random;
    machine->left = first->left;
    machine->logged = 0;
}

static void check_same_end(struct machine *first, struct machine *second)
{
    unsigned start = first->logged;
    while (step(first)) continue;
    while (step(second)) continue;
    ck_assert_uint_eq(first->logged - start, second->logged);
    for (unsigned i = 0; i < second->logged; i++) {
        const struct entry *a = &first->log[start + i], *b = &second->log[i];
        ck_assert_msg(a->client == b->client && a->kind == b->kind && a->pieces == b->pieces &&
                          a->a == b->a && a->b == b->b && a->when == b->when,
                      "entry %u: client %u kind %u at %lld, client %u kind %u at %lld", i, a->client, a->kind,
                      (long long)a->when, b->client, b->kind, (long long)b->when);
    }
    ck_assert_mem_eq(first->world.ram->host, second->world.ram->host, RAM_SIZE);
}

/* How often something was in flight, or waited, when it was saved. */
struct met {
    unsigned submitted, waiting, two_waiting;
};

static void check_moment(enum dma_mode mode, uint64_t limit, uint64_t seed, struct met *met)
{
    static struct machine first, second;
    struct state_buffer saved = {0}, again = {0};
    machine_open(&first, mode, limit, seed);
    machine_open(&second, mode, limit, seed + 1); /* used before, and with another seed */
    for (unsigned n = 0; n < CLIENTS; n++) begin(&first.client[n]), begin(&second.client[n]);
    for (unsigned i = 0; i < 30; i++) step(&second);
    uint64_t steps = 1 + random_below(&seed, 150);
    while (steps-- && step(&first)) continue;
    unsigned waiting = 0;
    for (unsigned n = 0; n < CLIENTS; n++) {
        met->submitted += first.client[n].stream.submitted;
        waiting += dma_waiting(&first.client[n].stream.waiter);
    }
    met->waiting += waiting;
    met->two_waiting += waiting > 1;
    save(&first, &saved);
    load(&second, &first, &saved);
    ck_assert_uint_eq(saved.cursor, saved.size);
    save(&second, &again);
    ck_assert_uint_eq(again.size, saved.size);
    ck_assert_mem_eq(again.data, saved.data, saved.size);
    check_same_end(&first, &second);
    state_buffer_free(&saved);
    state_buffer_free(&again);
    machine_close(&first);
    machine_close(&second);
}

static void check_mode(enum dma_mode mode, uint64_t limit, bool waits)
{
    struct met met = {0};
    for (uint64_t seed = 1; seed <= 200; seed++) check_moment(mode, limit, seed, &met);
    ck_assert_uint_gt(met.submitted, 100);
    if (waits) ck_assert_uint_gt(met.waiting, 50);
    if (waits) ck_assert_uint_gt(met.two_waiting, 10);
}

START_TEST(requests_in_direct_memory_go_on_in_another_machine)
{
    check_mode(DMA_MODE_DIRECT, 4096, false);
}
END_TEST

START_TEST(requests_and_waiters_of_a_small_pool_go_on)
{
    check_mode(DMA_MODE_INDIRECT, 512, true);
}
END_TEST

START_TEST(requests_under_faults_go_on)
{
    check_mode(DMA_MODE_FAULTY, 1024, false);
}
END_TEST

START_TEST(a_request_whose_memory_has_moved_cannot_be_saved)
{
    static struct machine machine;
    struct state_buffer saved = {0};
    struct error error = {{0}};
    machine_open(&machine, DMA_MODE_DIRECT, 4096, 1);
    struct client *client = &machine.client[0];
    sglist_add(&client->list, 0x1000, UNIT);
    stream_start(&client->stream, &client->list, DMA_FROM_DEVICE);
    step(&machine);
    ck_assert(stream_save(&client->stream, &saved, &error));
    region_remove(machine.world.ram);
    region_add(machine.world.root, 0x100, machine.world.ram, 0);
    ck_assert(!stream_save(&client->stream, &saved, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "client0: memory has moved"));
    region_remove(machine.world.ram);
    region_add(machine.world.root, 0, machine.world.ram, 0);
    ck_assert(stream_save(&client->stream, &saved, &error));
    state_buffer_free(&saved);
    machine.left = 0;
    machine_close(&machine);
}
END_TEST

/* Any byte of it changed: taken up as something else, or refused; never more than the pool has. */
START_TEST(a_forged_state_does_no_harm)
{
    static struct machine first, second;
    uint64_t random = 3, refused = 0;
    struct state_buffer saved = {0};
    machine_open(&first, DMA_MODE_INDIRECT, 1024, 5);
    for (unsigned n = 0; n < CLIENTS; n++) begin(&first.client[n]);
    for (unsigned i = 0; i < 20; i++) step(&first);
    save(&first, &saved);
    for (unsigned i = 0; i < 2000; i++) {
        struct error error = {{0}};
        machine_open(&second, DMA_MODE_INDIRECT, 1024, 5);
        uint8_t *byte = &saved.data[random_below(&random, saved.size)], before = *byte;
        *byte ^= (uint8_t)(1 + random_below(&random, 255));
        saved.cursor = 0;
        bool loaded = dma_load(second.world.space, &saved, &error);
        for (unsigned n = 0; loaded && n < CLIENTS; n++)
            loaded = stream_load(&second.client[n].stream, &first.client[n].list, first.client[n].direction,
                                 &saved, &error);
        refused += !loaded;
        ck_assert_uint_le(dma_stats(second.world.space)->bounce_bytes_held, 1024);
        *byte = before;
        machine_close(&second);
    }
    ck_assert_uint_gt(refused, 200);
    state_buffer_free(&saved);
    machine_close(&first);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_in_direct_memory_go_on_in_another_machine,
        requests_and_waiters_of_a_small_pool_go_on,
        requests_under_faults_go_on,
        a_request_whose_memory_has_moved_cannot_be_saved,
        a_forged_state_does_no_harm,
    };
    return run_suite("stream state", tests, ARRAY_COUNT(tests));
}

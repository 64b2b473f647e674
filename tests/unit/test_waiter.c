/* SPDX-License-Identifier: MIT */
/* Who waits for bounce bytes: order, fairness, wake and cancel. (All orders: test_waiter_orders.c.) */
#include "tests/unit/mem_helper.h"

#define LIMIT 4096

/* A client that, when woken, maps its need, and gives it back after a while. */
struct client {
    struct world *world;
    struct dma_waiter waiter;
    struct dma_mapping mapping;
    struct clock_event finish;
    uint64_t need, got;
    unsigned woken;
    unsigned order;         /* counts from 1: when it was woken first */
    struct client *cancels; /* whom it cancels when it is woken */
    bool maps_nothing;
};

static unsigned wakes;

static void client_wake(void *owner)
{
    struct client *client = owner;
    client->woken++;
    client->order = ++wakes;
    ck_assert(!dma_waiting(&client->waiter));
    if (client->cancels) dma_wait_cancel(&client->cancels->waiter);
    if (client->maps_nothing) return;
    client->mapping = dma_map(client->world->space, 0, client->need, DMA_TO_DEVICE);
    ck_assert_uint_eq(client->mapping.length, client->need); /* its bytes are its own */
    client->got = client->mapping.length;
    clock_event_in(&client->finish, 100);
}

static void client_finish(void *owner)
{
    struct client *client = owner;
    unsigned before = wakes;
    dma_unmap(client->world->space, &client->mapping, 0);
    ck_assert_uint_eq(wakes, before); /* never inside the unmap */
}

static void client_open(struct client *client, struct world *world, uint64_t need)
{
    *client = (struct client){.world = world, .need = need};
    dma_waiter_init(&client->waiter, "client", client_wake, client);
    clock_event_init(&client->finish, &world->clock, "finish", client_finish, client);
}

static void client_close(struct client *client)
{
    dma_wait_cancel(&client->waiter);
    dma_unmap(client->world->space, &client->mapping, 0);
    clock_event_destroy(&client->finish);
}

static void pool_open(struct world *world)
{
    wakes = 0;
    world_open(world, 0x10000);
    world_configure(world, DMA_MODE_INDIRECT, LIMIT, 0);
}

START_TEST(lesson_01_bytes_freed_before_the_registration_wake_at_once)
{
    struct world world;
    struct client client;
    pool_open(&world);
    client_open(&client, &world, 512);
    struct dma_mapping all = dma_map(world.space, 0, LIMIT, DMA_TO_DEVICE);
    struct dma_mapping none = dma_map(world.space, 0, 512, DMA_TO_DEVICE);
    ck_assert_int_eq(none.status, DMA_NO_BOUNCE);
    dma_unmap(world.space, &all, 0); /* between the failed map and the registration */
    ck_assert(dma_wait(world.space, &client.waiter, 512));
    ck_assert_uint_eq(client.woken, 0); /* not inside the registration */
    world_run(&world);
    ck_assert_uint_eq(client.woken, 1);
    client_close(&client);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_02_cancel_under_a_wake_that_is_on_its_way)
{
    struct world world;
    struct client *clients[2];
    pool_open(&world);
    for (unsigned i = 0; i < 2; i++) {
        clients[i] = malloc(sizeof(struct client));
        client_open(clients[i], &world, 512);
    }
    ck_assert(dma_wait(world.space, &clients[0]->waiter, 512));
    ck_assert(dma_wait(world.space, &clients[1]->waiter, 512));
    client_close(clients[0]); /* the wake event is pending */
    free(clients[0]);         /* a sanitizer sees who looks at it again */
    world_run(&world);
    ck_assert_uint_eq(clients[1]->woken, 1);
    dma_wait_cancel(&clients[1]->waiter); /* harmless */
    client_close(clients[1]);
    free(clients[1]);
    world_close(&world, 0);
}
END_TEST

static void die_in_wake(void *owner)
{
    wakes++;
    dma_wait_cancel(owner); /* also harmless */
    free(owner);
}

START_TEST(lesson_02_a_waiter_may_go_in_its_own_wake)
{
    struct world world;
    struct client next;
    pool_open(&world);
    struct dma_waiter *waiter = malloc(sizeof(*waiter));
    dma_waiter_init(waiter, "mortal", die_in_wake, waiter);
    client_open(&next, &world, LIMIT);
    ck_assert(dma_wait(world.space, waiter, 512));
    ck_assert(dma_wait(world.space, &next.waiter, LIMIT));
    world_run(&world);
    ck_assert_uint_eq(next.got, LIMIT); /* what the other did not take went on */
    client_close(&next);
    world_close(&world, 0);
}
END_TEST

START_TEST(lesson_04_waiting_and_cancelling_allocates_nothing_and_leaves_nothing)
{
    struct world world;
    struct client client;
    pool_open(&world);
    client_open(&client, &world, 512);
    struct dma_mapping all = dma_map(world.space, 0, LIMIT, DMA_TO_DEVICE);
    for (unsigned i = 0; i < 10000; i++) {
        ck_assert(dma_wait(world.space, &client.waiter, 512));
        ck_assert(dma_wait(world.space, &client.waiter, 256)); /* again: the same place, another need */
        ck_assert(dma_waiting(&client.waiter));
        dma_wait_cancel(&client.waiter);
        dma_wait_cancel(&client.waiter);
        ck_assert(!dma_waiting(&client.waiter));
    }
    ck_assert_uint_eq(dma_stats(world.space)->waits, 10000);
    dma_unmap(world.space, &all, 0);
    world_run(&world);
    ck_assert_uint_eq(client.woken, 0);
    client_close(&client);
    world_close(&world, 0);
}
END_TEST

static bool refused;

static void hold_and_wait(void *owner)
{
    struct client *client = owner;
    client->woken++;
    client->mapping = dma_map(client->world->space, 0, 512, DMA_TO_DEVICE);
    refused = !dma_wait(client->world->space, &client->waiter, 512);
    dma_unmap(client->world->space, &client->mapping, 0);
}

START_TEST(lesson_08_nobody_waits_while_holding)
{
    struct world world;
    struct client client;
    lint_quiet(true);
    pool_open(&world);
    client_open(&client, &world, 512);
    client.waiter.wake = hold_and_wait;
    ck_assert(dma_wait(world.space, &client.waiter, 512));
    world_run(&world);
    ck_assert_uint_eq(client.woken, 1);
    ck_assert(refused);
    client_close(&client);
    world_close(&world, 0);
}
END_TEST

START_TEST(needs_above_the_limit_and_spaces_without_a_clock_are_refused)
{
    struct world world;
    struct client client;
    pool_open(&world);
    client_open(&client, &world, 512);
    ck_assert(!dma_wait(world.space, &client.waiter, LIMIT + 1));
    ck_assert(!dma_wait(world.space, &client.waiter, UINT64_MAX));
    ck_assert(!dma_waiting(&client.waiter));
    struct space *timeless = space_new("timeless", world.root, SPACE_SIZE, NULL);
    ck_assert(!dma_wait(timeless, &client.waiter, 1));
    space_free(timeless);
    client_close(&client);
    world_close(&world, 0);
}
END_TEST

START_TEST(nobody_overtakes_who_waits)
{
    struct world world;
    struct client large, small;
    pool_open(&world);
    client_open(&large, &world, LIMIT);
    client_open(&small, &world, 512);
    struct dma_mapping half = dma_map(world.space, 0, 2048, DMA_TO_DEVICE);
    ck_assert(dma_wait(world.space, &large.waiter, LIMIT));
    struct dma_mapping barging = dma_map(world.space, 0, 512, DMA_TO_DEVICE); /* half of the pool is free */
    ck_assert_int_eq(barging.status, DMA_NO_BOUNCE);
    ck_assert(dma_wait(world.space, &small.waiter, 512));
    world_run(&world);
    ck_assert_uint_eq(wakes, 0); /* the small one could go, but is not first */
    dma_unmap(world.space, &half, 0);
    barging = dma_map(world.space, 0, 512, DMA_TO_DEVICE); /* freed bytes are set aside */
    ck_assert_int_eq(barging.status, DMA_NO_BOUNCE);
    world_run(&world);
    ck_assert_uint_eq(large.order, 1);
    ck_assert_uint_eq(small.order, 2);
    client_close(&large);
    client_close(&small);
    world_close(&world, 0);
}
END_TEST

START_TEST(a_head_that_gives_up_lets_the_next_go)
{
    struct world world;
    struct client large, small;
    pool_open(&world);
    client_open(&large, &world, LIMIT);
    client_open(&small, &world, 512);
    struct dma_mapping half = dma_map(world.space, 0, 2048, DMA_TO_DEVICE);
    ck_assert(dma_wait(world.space, &large.waiter, LIMIT));
    ck_assert(dma_wait(world.space, &small.waiter, 512));
    dma_wait_cancel(&large.waiter);
    world_run(&world); /* nothing was unmapped meanwhile */
    ck_assert_uint_eq(small.got, 512);
    dma_unmap(world.space, &half, 0);
    client_close(&large);
    client_close(&small);
    world_close(&world, 0);
}
END_TEST

static uint64_t took;

static void take_all(void *owner)
{
    struct client *client = owner;
    client->mapping = dma_map(client->world->space, 0, UINT64_MAX, DMA_TO_DEVICE);
    took = client->mapping.length;
    clock_event_in(&client->finish, 100);
}

START_TEST(a_wake_may_take_what_those_behind_can_spare)
{
    static const struct {
        uint64_t need, behind[3], share;
    } rows[] = {
        {512, {0, 0, 0}, 4096},   {512, {512, 0, 0}, 3584},         {512, {512, 1024, 512}, 2048},
        {512, {4096, 0, 0}, 512}, {2048, {1024, 1024, 1024}, 2048}, {4096, {1, 1, 1}, 4096},
    };
    for (unsigned row = 0; row < ARRAY_COUNT(rows); row++) {
        struct world world;
        struct client first, behind[3];
        pool_open(&world);
        client_open(&first, &world, rows[row].need);
        first.waiter.wake = take_all;
        ck_assert(dma_wait(world.space, &first.waiter, rows[row].need));
        for (unsigned i = 0; i < 3; i++) {
            client_open(&behind[i], &world, rows[row].behind[i]);
            if (rows[row].behind[i]) ck_assert(dma_wait(world.space, &behind[i].waiter, rows[row].behind[i]));
        }
        world_run(&world);
        ck_assert_uint_eq(took, rows[row].share);
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_uint_eq(behind[i].got, rows[row].behind[i]);
            client_close(&behind[i]);
        }
        client_close(&first);
        world_close(&world, 0);
    }
}
END_TEST

static void wait_again(void *owner)
{
    struct client *client = owner;
    client->order = ++wakes;
    if (++client->woken < 3) ck_assert(dma_wait(client->world->space, &client->waiter, client->need));
}

START_TEST(who_waits_again_from_a_wake_goes_to_the_end)
{
    struct world world;
    struct client again, other;
    pool_open(&world);
    client_open(&again, &world, 512);
    client_open(&other, &world, 512);
    again.waiter.wake = wait_again;
    ck_assert(dma_wait(world.space, &again.waiter, 512));
    ck_assert(dma_wait(world.space, &other.waiter, 512));
    world_run(&world);
    ck_assert_uint_eq(again.woken, 3);
    ck_assert_uint_eq(other.order, 2);
    client_close(&again);
    client_close(&other);
    world_close(&world, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lesson_01_bytes_freed_before_the_registration_wake_at_once,
        lesson_02_cancel_under_a_wake_that_is_on_its_way,
        lesson_02_a_waiter_may_go_in_its_own_wake,
        lesson_04_waiting_and_cancelling_allocates_nothing_and_leaves_nothing,
        lesson_08_nobody_waits_while_holding,
        needs_above_the_limit_and_spaces_without_a_clock_are_refused,
        nobody_overtakes_who_waits,
        a_head_that_gives_up_lets_the_next_go,
        a_wake_may_take_what_those_behind_can_spare,
        who_waits_again_from_a_wake_goes_to_the_end,
    };
    return run_suite("waiter", tests, ARRAY_COUNT(tests));
}

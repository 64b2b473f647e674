/* SPDX-License-Identifier: MIT */
/*
 * Waiters in every order (LESSONS 1-4, 8): up to five clients register while the pool is full, and then each
 * has one of these fates, in all combinations:
 *
 *   woken, and takes its bytes for a while;   woken, and takes nothing;   woken, and waits once more;
 *   woken, takes its bytes, and cancels one of the others, in front of it or behind it;
 *   cancelled while the pool is full;   cancelled while the first wake is on its way, or between the halves.
 *
 * Each asks for much or for little, and the pool comes free at once or in two halves. The test keeps the queue
 * that there has to be. Checked at every wake: the head of that queue is woken, with its bytes there, and
 * never from within an unmap or a registration. After every unmap and wake: nobody else gets bytes while
 * someone waits, and somebody does when no one waits. In the end: everyone who was not taken out was woken.
 */
#include "tests/unit/mem_helper.h"

#define LIMIT 4096u
#define MOST  5u
#define MUCH  3000u
#define FEW   700u

enum fate { TAKES, TAKES_NOTHING, WAITS_AGAIN, CANCELLED_EARLY, CANCELLED_LATE, CANCELS /* + whom */ };

struct client {
    struct dma_waiter waiter;
    struct dma_mapping mapping;
    struct clock_event finish;
    unsigned fate;
    uint64_t need;
    unsigned woken, again;
};

static struct world world;
static struct client clients[MOST];
static struct dma_mapping halves[2];
static struct client *queue[MOST];
static unsigned waiting, count;
static bool inside; /* a call during which nobody may be woken */

static void must(bool holds, const char *what)
{
    if (holds) return;
    char text[200] = "";
    for (unsigned i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u:%u", clients[i].fate,
                 (unsigned)clients[i].need);
    ck_abort_msg("%s; fates and needs%s", what, text);
}

static void queue_remove(const struct client *client)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < waiting; i++) {
        if (queue[i] != client) queue[kept++] = queue[i];
    }
    waiting = kept;
}

static void client_wait(struct client *client)
{
    inside = true;
    must(dma_wait(world.space, &client->waiter, client->need), "may wait");
    inside = false;
    queue[waiting++] = client;
}

static void client_cancel(struct client *client)
{
    bool was = inside;
    inside = true;
    dma_wait_cancel(&client->waiter);
    inside = was;
    queue_remove(client);
}

static uint64_t free_bytes(void)
{
    return LIMIT - dma_stats(world.space)->bounce_bytes_held;
}

/* Somebody else tries to get a byte. */
static void barge(void)
{
    struct dma_mapping mapping = dma_map(world.space, 0x8000, 1, DMA_TO_DEVICE);
    must(mapping.length == (!waiting && free_bytes()),
         "who waits goes first; who does not, gets what is there");
    dma_unmap(world.space, &mapping, 0);
}

static void give_back(struct dma_mapping *mapping)
{
    inside = true;
    dma_unmap(world.space, mapping, 0);
    inside = false;
    barge();
}

static void client_wake(void *owner)
{
    struct client *client = owner;
    must(!inside, "nobody is woken within a call");
    must(waiting && queue[0] == client, "first come, first served");
    must(client->need <= free_bytes(), "the bytes are there");
    must(!dma_waiting(&client->waiter), "who is woken is out of the queue");
    queue_remove(client);
    client->woken++;
    if (client->fate >= CANCELS) client_cancel(&clients[client->fate - CANCELS]);
    if (client->fate == TAKES_NOTHING) return;
    if (client->fate == WAITS_AGAIN && !client->again) {
        client->again = 1;
        client_wait(client);
        return;
    }
    client->mapping = dma_map(world.space, 0, client->need, DMA_TO_DEVICE);
    must(client->mapping.length == client->need, "the bytes of a wake are its own");
    clock_event_in(&client->finish, 100);
}

static void client_finish(void *owner)
{
    give_back(&((struct client *)owner)->mapping);
}

static void setup_clients(unsigned fates, unsigned needs)
{
    for (unsigned i = 0; i < count; i++) {
        struct client *client = &clients[i];
        client->fate = fates % (CANCELS + count);
        client->need = needs & BIT(i) ? MUCH : FEW;
        client->woken = client->again = 0;
        fates /= CANCELS + count;
        client_wait(client);
    }
}

static void cancel_those(enum fate fate)
{
    for (unsigned i = 0; i < count; i++) {
        if (clients[i].fate == fate) client_cancel(&clients[i]);
    }
}

static void run_to_rest(void)
{
    world_run(&world);
    must(!waiting || queue[0]->need > free_bytes(), "no wake-up is lost");
}

static void run_order(unsigned fates, unsigned needs, bool at_once)
{
    halves[0] = dma_map(world.space, 0, LIMIT / 2, DMA_TO_DEVICE);
    halves[1] = dma_map(world.space, 0, LIMIT / 2, DMA_TO_DEVICE);
    setup_clients(fates, needs);
    barge();
    cancel_those(CANCELLED_EARLY);
    give_back(&halves[0]);
    if (!at_once) run_to_rest();
    if (!at_once) cancel_those(CANCELLED_LATE);
    if (!at_once) run_to_rest();
    give_back(&halves[1]);
    if (at_once) cancel_those(CANCELLED_LATE);
    run_to_rest();
    must(!waiting, "everyone has its turn");
    for (unsigned i = 0; i < count; i++) {
        must(!dma_waiting(&clients[i].waiter) && !clients[i].mapping.length, "and all are done");
        must(clients[i].woken <= 1 + clients[i].again, "each is woken once for each time that it waits");
        if (clients[i].fate == CANCELLED_EARLY) must(!clients[i].woken, "who is cancelled is not woken");
    }
    must(free_bytes() == LIMIT, "the pool is free");
    barge();
}

/* Whoever nobody could cancel was woken, and the loop above saw it; that no one else was, client_wake saw. */
static void must_be_woken(void)
{
    uint32_t cancelled = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned fate = clients[i].fate;
        if (fate >= CANCELS) cancelled |= BIT(fate - CANCELS);
        if (fate == CANCELLED_EARLY || fate == CANCELLED_LATE) cancelled |= BIT(i);
    }
    for (unsigned i = 0; i < count; i++) {
        if (cancelled & BIT(i)) continue;
        must(clients[i].woken == 1 + clients[i].again, "everyone is woken");
        must(clients[i].again == (clients[i].fate == WAITS_AGAIN), "and again");
    }
}

/* A slice of all combinations for a number of clients, so that the slices can be counted as tests. */
static void run_slice(unsigned slice, unsigned slices)
{
    unsigned all = 1;
    world_open(&world, 0x10000);
    space_free(world.space);
    world.space = space_new("unchecked", world.root, SPACE_SIZE, &world.clock); /* for speed */
    world_configure(&world, DMA_MODE_INDIRECT, LIMIT, 0);
    for (unsigned i = 0; i < count; i++) {
        all *= CANCELS + count;
        clients[i] = (struct client){0};
        dma_waiter_init(&clients[i].waiter, "client", client_wake, &clients[i]);
        clock_event_init(&clients[i].finish, &world.clock, "finish", client_finish, &clients[i]);
    }
    for (unsigned fates = slice; fates < all; fates += slices) {
        for (unsigned needs = 0; needs < BIT(count); needs++) {
            run_order(fates, needs, (fates / slices + needs) & 1);
            must_be_woken();
        }
    }
    for (unsigned i = 0; i < count; i++) clock_event_destroy(&clients[i].finish);
    world_close(&world, 0);
}

START_TEST(lesson_01_to_04_all_orders_of_up_to_4_clients)
{
    for (count = 1; count < MOST; count++) run_slice(0, 1);
}
END_TEST

#define SLICES 8

START_TEST(lesson_01_to_04_all_orders_of_5_clients)
{
    count = MOST;
    run_slice((unsigned)_i, SLICES);
}
END_TEST

int main(void)
{
    const TTest *const some[] = {lesson_01_to_04_all_orders_of_up_to_4_clients};
    const TTest *const five[] = {lesson_01_to_04_all_orders_of_5_clients};
    return run_suite("waiter orders", some, 1) | run_suite_looped("waiter orders of five", five, 1, SLICES);
}

/* SPDX-License-Identifier: MIT */
/* Virtual time and the event queue (emu/core/clock.h), and the lists it is made of. */
#include "emu/core/clock.h"

#include "emu/core/bits.h"
#include "tests/unit/mem_helper.h"

/* Events that write down when they fired, and what they do then. */
struct ring {
    struct clock_event event;
    struct clock *clock;
    vtime fired_at;
    unsigned fired;
    struct ring *poke; /* scheduled by this one, at `poke_at`; or cancelled */
    vtime poke_at;
    bool cancel;
};

static char history[64]; /* names, in order of firing */

static void fire(void *owner)
{
    struct ring *ring = owner;
    ring->fired++;
    ring->fired_at = clock_now(ring->clock);
    strcat(history, ring->event.name);
    ck_assert(!clock_event_pending(&ring->event));
    if (ring->poke && ring->cancel)
        clock_event_cancel(&ring->poke->event);
    else if (ring->poke)
        clock_event_at(&ring->poke->event, ring->poke_at);
}

static void ring_init(struct ring *ring, struct clock *clock, const char *name)
{
    *ring = (struct ring){.clock = clock};
    clock_event_init(&ring->event, clock, name, fire, ring);
}

struct rings {
    struct clock clock;
    struct ring a, b, c, d;
};

static void rings_init(struct rings *rings, unsigned shift)
{
    history[0] = 0;
    clock_init(&rings->clock, shift);
    ring_init(&rings->a, &rings->clock, "a");
    ring_init(&rings->b, &rings->clock, "b");
    ring_init(&rings->c, &rings->clock, "c");
    ring_init(&rings->d, &rings->clock, "d");
}

START_TEST(time_starts_at_zero_and_counts_instructions)
{
    struct clock clock;
    clock_init(&clock, 3);
    ck_assert_int_eq(clock_now(&clock), 0);
    clock_advance(&clock, 1);
    ck_assert_int_eq(clock_now(&clock), 8);
    clock_advance(&clock, UINT64_C(1) << 40);
    ck_assert_int_eq(clock_now(&clock), 8 + (INT64_C(8) << 40));
    ck_assert_int_eq(clock_deadline(&clock), VTIME_NEVER);
    ck_assert_uint_eq(clock_fire_due(&clock), 0);
}
END_TEST

static uint64_t flying(void *owner)
{
    return *(uint64_t *)owner;
}

START_TEST(time_is_exact_in_the_middle_of_a_run)
{
    struct clock clock;
    uint64_t retired = 5;
    clock_init(&clock, 2);
    clock_jump(&clock, 1000);
    clock.in_flight = flying;
    clock.owner = &retired;
    ck_assert_int_eq(clock_now(&clock), 1020);
    retired = 6;
    ck_assert_int_eq(clock_now(&clock), 1024);
    clock.in_flight = NULL;
    ck_assert_int_eq(clock_now(&clock), 1000);
}
END_TEST

START_TEST(an_event_in_a_run_counts_from_now)
{
    struct rings rings;
    uint64_t retired = 7;
    rings_init(&rings, 0);
    rings.clock.in_flight = flying;
    rings.clock.owner = &retired;
    clock_event_in(&rings.a.event, 100);
    ck_assert_int_eq(rings.a.event.deadline, 107);
}
END_TEST

START_TEST(time_never_jumps_back)
{
    struct clock clock;
    clock_init(&clock, 0);
    clock_jump(&clock, 100);
    clock_jump(&clock, 99);
    ck_assert_int_eq(clock_now(&clock), 100);
}
END_TEST

START_TEST(instructions_until_a_deadline_are_rounded_up)
{
    struct clock clock;
    clock_init(&clock, 3);
    ck_assert_uint_eq(clock_insns_until(&clock, 0), 0);
    ck_assert_uint_eq(clock_insns_until(&clock, -5), 0);
    ck_assert_uint_eq(clock_insns_until(&clock, 1), 1);
    ck_assert_uint_eq(clock_insns_until(&clock, 8), 1);
    ck_assert_uint_eq(clock_insns_until(&clock, 9), 2);
    clock_jump(&clock, 5); /* not a multiple of an instruction */
    ck_assert_uint_eq(clock_insns_until(&clock, 13), 1);
    ck_assert_uint_eq(clock_insns_until(&clock, 14), 2);
    ck_assert_uint_ge(clock_insns_until(&clock, VTIME_NEVER), UINT64_C(1) << 59);
}
END_TEST

START_TEST(events_fire_by_deadline_then_by_order_of_scheduling)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.c.event, 50);
    clock_event_at(&rings.a.event, 30);
    clock_event_at(&rings.d.event, 50);
    clock_event_at(&rings.b.event, 40);
    ck_assert_int_eq(clock_deadline(&rings.clock), 30);
    clock_jump(&rings.clock, 45);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 2);
    ck_assert_str_eq(history, "ab");
    clock_jump(&rings.clock, 50);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 2);
    ck_assert_str_eq(history, "abcd");
    ck_assert_int_eq(rings.c.fired_at, 50);
    ck_assert_int_eq(clock_deadline(&rings.clock), VTIME_NEVER);
}
END_TEST

START_TEST(nothing_fires_before_its_time)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.a.event, 10);
    clock_jump(&rings.clock, 9);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 0);
    clock_jump(&rings.clock, 10);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 0);
}
END_TEST

START_TEST(scheduling_again_replaces_the_deadline_and_the_order)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.a.event, 10);
    clock_event_at(&rings.b.event, 10);
    clock_event_at(&rings.a.event, 10); /* now behind b */
    clock_jump(&rings.clock, 10);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 2);
    ck_assert_str_eq(history, "ba");
}
END_TEST

START_TEST(a_cancelled_event_does_not_fire)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_cancel(&rings.a.event); /* harmless when not pending */
    ck_assert(!clock_event_pending(&rings.a.event));
    clock_event_at(&rings.a.event, 10);
    ck_assert(clock_event_pending(&rings.a.event));
    clock_event_cancel(&rings.a.event);
    clock_event_cancel(&rings.a.event);
    ck_assert(!clock_event_pending(&rings.a.event));
    ck_assert_int_eq(rings.a.event.deadline, VTIME_NEVER);
    clock_jump(&rings.clock, 20);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 0);
}
END_TEST

START_TEST(a_deadline_of_never_cancels)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.a.event, 10);
    clock_event_at(&rings.a.event, VTIME_NEVER);
    ck_assert(!clock_event_pending(&rings.a.event));
    clock_jump(&rings.clock, 100);
    clock_event_in(&rings.b.event, VTIME_NEVER); /* beyond the end of time */
    ck_assert(!clock_event_pending(&rings.b.event));
    ck_assert_int_eq(clock_deadline(&rings.clock), VTIME_NEVER);
    clock_event_in(&rings.b.event, VTIME_NEVER - 101);
    ck_assert_int_eq(clock_deadline(&rings.clock), VTIME_NEVER - 1);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 0);
}
END_TEST

START_TEST(an_event_for_the_past_fires_next_not_at_once)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_jump(&rings.clock, 100);
    clock_event_at(&rings.a.event, 50);
    ck_assert_uint_eq(rings.a.fired, 0);
    ck_assert_uint_eq(clock_insns_until(&rings.clock, clock_deadline(&rings.clock)), 0);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1);
    ck_assert_int_eq(rings.a.fired_at, 100);
}
END_TEST

START_TEST(what_fires_may_schedule_itself_without_end)
{
    struct rings rings;
    rings_init(&rings, 0);
    rings.a.poke = &rings.a;
    clock_event_at(&rings.a.event, 0);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1); /* and not for ever */
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1);
    ck_assert_uint_eq(rings.a.fired, 2);
}
END_TEST

START_TEST(what_firing_schedules_comes_behind_what_was_due)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.a.event, 10);
    clock_event_at(&rings.b.event, 20);
    rings.a.poke = &rings.c;
    rings.a.poke_at = 5;
    clock_jump(&rings.clock, 20);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 2);
    ck_assert_str_eq(history, "ab");
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1);
    ck_assert_str_eq(history, "abc");
}
END_TEST

START_TEST(lesson_02_what_fires_may_cancel_or_move_the_next)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.a.event, 10);
    clock_event_at(&rings.b.event, 10);
    clock_event_at(&rings.c.event, 10);
    rings.a.poke = &rings.b;
    rings.a.cancel = true;
    clock_jump(&rings.clock, 10);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 2);
    ck_assert_str_eq(history, "ac");

    clock_event_at(&rings.a.event, 10);
    clock_event_at(&rings.b.event, 10);
    rings.a.cancel = false;
    rings.a.poke_at = 99;
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1);
    ck_assert_int_eq(clock_deadline(&rings.clock), 99);
}
END_TEST

static void count(void *owner)
{
    ++*(unsigned *)owner;
}

START_TEST(a_running_cpu_hears_of_nearer_deadlines_only)
{
    struct rings rings;
    unsigned moved = 0;
    rings_init(&rings, 0);
    rings.clock.deadline_moved = count;
    rings.clock.owner = &moved;
    clock_event_at(&rings.a.event, 100);
    ck_assert_uint_eq(moved, 1);
    clock_event_at(&rings.b.event, 200);
    ck_assert_uint_eq(moved, 1);
    clock_event_at(&rings.c.event, 100); /* the same instant, behind a */
    ck_assert_uint_eq(moved, 1);
    clock_event_at(&rings.d.event, 99);
    ck_assert_uint_eq(moved, 2);
    clock_event_cancel(&rings.d.event);
    ck_assert_uint_eq(moved, 2);
}
END_TEST

START_TEST(lesson_04_destroying_an_event_unlinks_it_everywhere)
{
    struct rings rings;
    rings_init(&rings, 0);
    clock_event_at(&rings.a.event, 10);
    clock_event_at(&rings.b.event, 10);
    clock_event_destroy(&rings.a.event);
    ck_assert(!clock_event_pending(&rings.a.event));
    clock_event_destroy(&rings.a.event); /* harmless */
    memset(&rings.a, 0xee, sizeof rings.a);
    clock_jump(&rings.clock, 10);
    ck_assert_uint_eq(clock_fire_due(&rings.clock), 1);
    unsigned known = 0;
    for (struct list *node = rings.clock.all.next; node != &rings.clock.all; node = node->next) known++;
    ck_assert_uint_eq(known, 3);
    struct clock_event never_made = {0};
    clock_event_destroy(&never_made);
}
END_TEST

START_TEST(random_schedules_fire_in_order)
{
    enum { EVENTS = 32 };
    struct clock clock;
    struct ring rings[EVENTS];
    uint64_t seed = (uint64_t)_i * 2654435761u + 1;
    clock_init(&clock, 0);
    for (unsigned i = 0; i < EVENTS; i++) ring_init(&rings[i], &clock, "");
    for (unsigned i = 0; i < 200; i++) {
        struct ring *ring = &rings[random_below(&seed, EVENTS)];
        if (random_below(&seed, 4))
            clock_event_in(&ring->event, (vtime)random_below(&seed, 50));
        else
            clock_event_cancel(&ring->event);
        vtime soonest = VTIME_NEVER;
        for (unsigned j = 0; j < EVENTS; j++)
            if (rings[j].event.deadline < soonest) soonest = rings[j].event.deadline;
        ck_assert_int_eq(clock_deadline(&clock), soonest);
        if (!random_below(&seed, 8) && soonest != VTIME_NEVER) {
            clock_jump(&clock, soonest);
            ck_assert_uint_ge(clock_fire_due(&clock), 1);
            ck_assert_int_gt(clock_deadline(&clock), soonest);
        }
    }
}
END_TEST

START_TEST(bits_and_bytes)
{
    ck_assert_uint_eq(bits_get(0xdeadbeef, 0, 32), 0xdeadbeef);
    ck_assert_uint_eq(bits_get(0xdeadbeef, 8, 8), 0xbe);
    ck_assert_uint_eq(bits_get(0xdeadbeef, 31, 1), 1);
    ck_assert_uint_eq(bits_get(0xdeadbeef, 4, 0), 0);
    ck_assert_uint_eq(bytes_mask(0), 0);
    ck_assert_uint_eq(bytes_mask(1), 0xff);
    ck_assert_uint_eq(bytes_mask(7), UINT64_C(0xffffffffffffff));
    ck_assert_uint_eq(bytes_mask(8), UINT64_MAX);
}
END_TEST

START_TEST(lesson_42_byte_order_is_the_guests)
{
    uint8_t bytes[9] = {0, 0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};
    const void *at = bytes + 1; /* unaligned too */
    ck_assert_uint_eq(le16_load(at), 0x8201);
    ck_assert_uint_eq(le32_load(at), 0x84038201);
    ck_assert_uint_eq(le64_load(at), UINT64_C(0x8807860584038201));
    ck_assert_uint_eq(be16_load(at), 0x0182);
    ck_assert_uint_eq(be32_load(at), 0x01820384);
    ck_assert_uint_eq(be64_load(at), UINT64_C(0x0182038405860788));
    for (unsigned size = 1; size <= 8; size++) {
        ck_assert_uint_eq(le_load(at, size), UINT64_C(0x8807860584038201) & bytes_mask(size));
        uint8_t copy[10];
        memset(copy, 0xcc, sizeof copy);
        le_store(copy + 1, size, le64_load(at));
        ck_assert_mem_eq(copy + 1, at, size);
        ck_assert_uint_eq(copy[0], 0xcc);
        ck_assert_uint_eq(copy[size + 1], 0xcc);
    }
    uint8_t out[16];
    le16_store(out, 0x8201), le32_store(out + 2, 0x84038201);
    ck_assert_mem_eq(out, "\x01\x82\x01\x82\x03\x84", 6);
    le64_store(out, UINT64_C(0x8807860584038201));
    ck_assert_mem_eq(out, at, 8);
    be16_store(out, 0x0182), be32_store(out + 2, 0x01820384);
    ck_assert_mem_eq(out, "\x01\x82\x01\x82\x03\x84", 6);
    be64_store(out, UINT64_C(0x0182038405860788));
    ck_assert_mem_eq(out, at, 8);
}
END_TEST

struct numbered {
    int before;
    struct list node;
};

START_TEST(lists_link_in_order_and_unlink_twice)
{
    struct list head;
    struct numbered items[3];
    list_init(&head);
    ck_assert(list_empty(&head));
    for (int i = 0; i < 3; i++) items[i].before = i;
    list_append(&head, &items[0].node);
    list_append(&head, &items[2].node);
    list_insert_before(&items[2].node, &items[1].node);
    int expected = 0;
    for (struct list *node = head.next; node != &head; node = node->next)
        ck_assert_int_eq(list_entry(node, struct numbered, node)->before, expected++);
    ck_assert_int_eq(expected, 3);
    list_remove(&items[1].node);
    list_remove(&items[1].node); /* points at itself: harmless */
    ck_assert(list_empty(&items[1].node));
    ck_assert_ptr_eq(items[0].node.next, &items[2].node);
    ck_assert_ptr_eq(items[2].node.prev, &items[0].node);
    list_remove(&items[0].node);
    list_remove(&items[2].node);
    ck_assert(list_empty(&head));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        time_starts_at_zero_and_counts_instructions,
        time_is_exact_in_the_middle_of_a_run,
        an_event_in_a_run_counts_from_now,
        time_never_jumps_back,
        instructions_until_a_deadline_are_rounded_up,
        events_fire_by_deadline_then_by_order_of_scheduling,
        nothing_fires_before_its_time,
        scheduling_again_replaces_the_deadline_and_the_order,
        a_cancelled_event_does_not_fire,
        a_deadline_of_never_cancels,
        an_event_for_the_past_fires_next_not_at_once,
        what_fires_may_schedule_itself_without_end,
        what_firing_schedules_comes_behind_what_was_due,
        lesson_02_what_fires_may_cancel_or_move_the_next,
        a_running_cpu_hears_of_nearer_deadlines_only,
        lesson_04_destroying_an_event_unlinks_it_everywhere,
        bits_and_bytes,
        lesson_42_byte_order_is_the_guests,
        lists_link_in_order_and_unlink_twice,
    };
    const TTest *const looped[] = {random_schedules_fire_in_order};
    return run_suite("clock", tests, ARRAY_COUNT(tests)) | run_suite_looped("clock, random", looped, 1, 20);
}

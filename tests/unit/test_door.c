/* SPDX-License-Identifier: MIT */
/* The door (emu/core/door.h), character channels (emu/core/chardev.h) and interrupt lines (emu/core/irq.h). */
#include "emu/core/chardev.h"
#include "emu/core/irq.h"
#include "tests/unit/mem_helper.h"

/* ---- the door ---- */

struct listener {
    struct door_port port;
    char got[64];
    unsigned calls;
    struct door_port *post_to; /* posts there what it gets, while `posts` lasts */
    unsigned posts;
    struct door_port *destroy; /* takes that port away */
};

static struct {
    struct clock clock;
    struct door door;
    struct listener a, b;
    char order[64]; /* names of the ports, by delivery */
} rig;

static void deliver(void *owner, const uint8_t *data, size_t size)
{
    struct listener *listener = owner;
    strncat(listener->got, (const char *)data, size);
    strcat(rig.order, listener->port.name);
    listener->calls++;
    if (listener->post_to && listener->posts) {
        listener->posts--;
        door_post(listener->post_to, data, size);
    }
    if (listener->destroy) door_port_destroy(listener->destroy);
}

static void setup(void)
{
    memset(&rig, 0, sizeof rig);
    clock_init(&rig.clock, 0);
    door_init(&rig.door, &rig.clock);
    door_port_init(&rig.a.port, &rig.door, "a", deliver, &rig.a);
    door_port_init(&rig.b.port, &rig.door, "b", deliver, &rig.b);
}

static void teardown(void)
{
    door_port_destroy(&rig.a.port);
    door_port_destroy(&rig.b.port);
    door_destroy(&rig.door);
}

START_TEST(posts_wait_until_they_are_let_in)
{
    ck_assert(!door_waiting(&rig.door));
    door_post(&rig.a.port, "x", 1);
    ck_assert(door_waiting(&rig.door));
    ck_assert_uint_eq(rig.a.calls, 0);
    door_let_in(&rig.door);
    ck_assert(!door_waiting(&rig.door));
    ck_assert_str_eq(rig.a.got, "x");
    ck_assert_uint_eq(rig.door.let_in, 1);
    door_let_in(&rig.door);
    ck_assert_uint_eq(rig.a.calls, 1);
}
END_TEST

START_TEST(posts_keep_their_order_across_ports_and_their_borders)
{
    door_post(&rig.a.port, "12", 2);
    door_post(&rig.b.port, "3", 1);
    door_post(&rig.a.port, "4", 1);
    door_let_in(&rig.door);
    ck_assert_str_eq(rig.order, "aba");
    ck_assert_str_eq(rig.a.got, "124");
    ck_assert_uint_eq(rig.a.calls, 2);
    ck_assert_uint_eq(rig.door.let_in, 3);
}
END_TEST

START_TEST(posts_are_copied)
{
    char text[] = "abc";
    door_post(&rig.a.port, text, 3);
    memset(text, 'z', 3);
    door_let_in(&rig.door);
    ck_assert_str_eq(rig.a.got, "abc");
}
END_TEST

START_TEST(no_bytes_are_no_event)
{
    door_post(&rig.a.port, "", 0);
    ck_assert(!door_waiting(&rig.door));
}
END_TEST

START_TEST(lesson_31_a_delivery_that_posts_does_not_run_for_ever)
{
    rig.a.post_to = &rig.a.port;
    rig.a.posts = 1000000;
    door_post(&rig.a.port, "x", 1);
    door_let_in(&rig.door);
    ck_assert_uint_eq(rig.a.calls, 1);
    ck_assert(door_waiting(&rig.door));
    door_let_in(&rig.door);
    ck_assert_uint_eq(rig.a.calls, 2);
}
END_TEST

START_TEST(lesson_02_a_port_that_goes_takes_its_posts_along)
{
    door_post(&rig.b.port, "1", 1);
    door_post(&rig.a.port, "2", 1);
    door_post(&rig.b.port, "3", 1);
    door_port_destroy(&rig.b.port);
    door_port_destroy(&rig.b.port); /* harmless */
    door_post(&rig.b.port, "4", 1); /* lost */
    door_let_in(&rig.door);
    ck_assert_str_eq(rig.order, "a");
    ck_assert_uint_eq(rig.b.port.waiting, 0);
}
END_TEST

START_TEST(lesson_02_a_delivery_may_take_ports_away)
{
    rig.a.destroy = &rig.b.port;
    door_post(&rig.a.port, "1", 1);
    door_post(&rig.b.port, "2", 1);
    door_post(&rig.a.port, "3", 1);
    door_let_in(&rig.door);
    ck_assert_str_eq(rig.order, "aa");
    rig.a.destroy = &rig.a.port; /* its own */
    door_post(&rig.a.port, "4", 1);
    door_post(&rig.a.port, "5", 1);
    door_let_in(&rig.door);
    ck_assert_str_eq(rig.a.got, "134");
}
END_TEST

START_TEST(a_door_that_goes_drops_what_waits)
{
    door_post(&rig.a.port, "1", 1);
    door_destroy(&rig.door); /* the sanitizer would see the leak */
    ck_assert(!door_waiting(&rig.door));
    ck_assert_uint_eq(rig.a.port.waiting, 0);
}
END_TEST

/* ---- character channels ---- */

struct backend {
    char written[64];
    size_t size;
    unsigned closed, ready;
    struct chardev *chardev;
    size_t seen_when_ready;
};

static struct chardev chardev;
static struct backend backend;

static void backend_write(void *owner, const uint8_t *data, size_t size)
{
    struct backend *to = owner;
    memcpy(to->written + to->size, data, size);
    to->size += size;
}

static void backend_close(void *owner)
{
    ((struct backend *)owner)->closed++;
}

static void on_ready(void *owner)
{
    struct backend *device = owner;
    device->ready++;
    device->seen_when_ready = chardev_pending(&chardev);
}

static void channel_setup(void)
{
    setup();
    memset(&backend, 0, sizeof backend);
    chardev_init(&chardev, &rig.door, "serial0");
    chardev.input_ready = on_ready;
    chardev.device = &backend;
}

static void channel_teardown(void)
{
    chardev_destroy(&chardev);
    teardown();
}

START_TEST(output_goes_straight_to_the_backend)
{
    chardev_write(&chardev, "lost", 4); /* nobody there */
    chardev.write = backend_write;
    chardev.backend = &backend;
    chardev_write(&chardev, "ab", 2);
    chardev_write(&chardev, "c", 1);
    ck_assert_str_eq(backend.written, "abc");
}
END_TEST

START_TEST(the_backend_is_closed_with_the_channel)
{
    chardev.close = backend_close;
    chardev.backend = &backend;
    chardev_destroy(&chardev);
    ck_assert_uint_eq(backend.closed, 1);
    chardev_destroy(&chardev);
    ck_assert_uint_eq(backend.closed, 1);
}
END_TEST

START_TEST(input_passes_the_door_and_waits_for_the_device)
{
    char got[8] = "";
    chardev_feed(&chardev, "abc", 3);
    ck_assert_uint_eq(chardev_pending(&chardev), 0);
    ck_assert_uint_eq(chardev_read(&chardev, got, sizeof got), 0);
    door_let_in(&rig.door);
    ck_assert_uint_eq(chardev_pending(&chardev), 3);
    ck_assert_uint_eq(chardev_read(&chardev, got, 2), 2);
    ck_assert_mem_eq(got, "ab", 2);
    ck_assert_uint_eq(chardev_read(&chardev, got, sizeof got), 1);
    ck_assert_int_eq(got[0], 'c');
    ck_assert_uint_eq(chardev_read(&chardev, got, sizeof got), 0);
}
END_TEST

START_TEST(the_device_hears_of_the_first_byte_only)
{
    char got[8];
    chardev_feed(&chardev, "ab", 2);
    chardev_feed(&chardev, "cd", 2);
    door_let_in(&rig.door);
    ck_assert_uint_eq(backend.ready, 1);
    ck_assert_uint_eq(backend.seen_when_ready, 2); /* they are there to read */
    ck_assert_uint_eq(chardev_read(&chardev, got, 3), 3);
    chardev_feed(&chardev, "e", 1);
    door_let_in(&rig.door);
    ck_assert_uint_eq(backend.ready, 1); /* one was left */
    ck_assert_uint_eq(chardev_read(&chardev, got, 8), 2);
    chardev_feed(&chardev, "f", 1);
    door_let_in(&rig.door);
    ck_assert_uint_eq(backend.ready, 2);
}
END_TEST

START_TEST(the_backlog_is_all_that_was_not_read)
{
    char got[8];
    chardev_feed(&chardev, "abcd", 4);
    ck_assert_uint_eq(chardev_backlog(&chardev), 4); /* still outside the door */
    door_let_in(&rig.door);
    ck_assert_uint_eq(chardev_backlog(&chardev), 4);
    chardev_feed(&chardev, "ef", 2);
    ck_assert_uint_eq(chardev_backlog(&chardev), 6);
    chardev_read(&chardev, got, 3);
    ck_assert_uint_eq(chardev_backlog(&chardev), 3);
}
END_TEST

/* Bytes 0, 1, 2, ... in pieces of any size, read in pieces of any size. */
START_TEST(nothing_is_dropped_because_a_guest_is_slow)
{
    uint64_t seed = (uint64_t)_i + 1;
    uint8_t next_in = 0, next_out = 0, bytes[3000];
    size_t fed = 0, read = 0;
    while (fed < 100000) {
        size_t size = random_below(&seed, sizeof bytes);
        for (size_t i = 0; i < size; i++) bytes[i] = next_in++;
        chardev_feed(&chardev, bytes, size);
        fed += size;
        if (random_below(&seed, 2)) door_let_in(&rig.door);
        size = chardev_read(&chardev, bytes, random_below(&seed, sizeof bytes));
        for (size_t i = 0; i < size; i++) ck_assert_uint_eq(bytes[i], next_out++);
        read += size;
        ck_assert_uint_eq(chardev_backlog(&chardev), fed - read);
    }
    ck_assert_uint_lt(chardev.capacity, 400000);
}
END_TEST

/* ---- interrupt lines ---- */

struct wire {
    int number;
    bool level;
    unsigned calls;
};

static void wire_set(void *owner, int number, bool level)
{
    struct wire *wire = owner;
    wire->number = number;
    wire->level = level;
    wire->calls++;
}

START_TEST(a_line_carries_its_number_and_level)
{
    struct wire wire = {0};
    struct irq_line line = {wire_set, &wire, 9}, unconnected = {0};
    irq_set(&line, true);
    ck_assert(wire.level);
    ck_assert_int_eq(wire.number, 9);
    irq_set(&line, false);
    ck_assert(!wire.level);
    irq_set(&unconnected, true); /* goes nowhere */
}
END_TEST

START_TEST(a_shared_line_is_high_while_any_driver_is)
{
    struct wire wire = {0};
    struct shared_irq shared;
    shared_irq_init(&shared, (struct irq_line){wire_set, &wire, 4});
    struct irq_line first = shared_irq_input(&shared, 0), last = shared_irq_input(&shared, 31);
    irq_set(&first, true);
    ck_assert(wire.level);
    irq_set(&last, true);
    irq_set(&first, false);
    ck_assert(wire.level);
    irq_set(&last, false);
    ck_assert(!wire.level);
    ck_assert_int_eq(wire.number, 4);
}
END_TEST

static void add(TCase *tcase, const TTest *const *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) tcase_add_test(tcase, tests[i]);
}

int main(void)
{
    const TTest *const door_tests[] = {
        posts_wait_until_they_are_let_in,
        posts_keep_their_order_across_ports_and_their_borders,
        posts_are_copied,
        no_bytes_are_no_event,
        lesson_31_a_delivery_that_posts_does_not_run_for_ever,
        lesson_02_a_port_that_goes_takes_its_posts_along,
        lesson_02_a_delivery_may_take_ports_away,
        a_door_that_goes_drops_what_waits,
        a_line_carries_its_number_and_level,
        a_shared_line_is_high_while_any_driver_is,
    };
    const TTest *const channel_tests[] = {
        output_goes_straight_to_the_backend,
        the_backend_is_closed_with_the_channel,
        input_passes_the_door_and_waits_for_the_device,
        the_device_hears_of_the_first_byte_only,
        the_backlog_is_all_that_was_not_read,
    };
    Suite *suite = suite_create("door");
    TCase *door = tcase_create("door"), *channel = tcase_create("channel");
    tcase_add_checked_fixture(door, setup, teardown);
    tcase_add_checked_fixture(channel, channel_setup, channel_teardown);
    add(door, door_tests, ARRAY_COUNT(door_tests));
    add(channel, channel_tests, ARRAY_COUNT(channel_tests));
    tcase_add_loop_test(channel, nothing_is_dropped_because_a_guest_is_slow, 0, 10);
    suite_add_tcase(suite, door);
    suite_add_tcase(suite, channel);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

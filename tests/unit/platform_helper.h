/* SPDX-License-Identifier: MIT */
/* A bench for chips behind I/O ports: ports as a driver sees them, virtual time, and wires with a memory. */
#ifndef TESTS_UNIT_PLATFORM_HELPER_H
#define TESTS_UNIT_PLATFORM_HELPER_H

#include <check.h>
#include <stdlib.h>
#include "devices/device.h"
#include "emu/core/clock.h"
#include "emu/core/door.h"
#include "emu/core/irq.h"
#include "emu/core/log.h"
#include "mem/space.h"

struct bench {
    struct clock clock;
    struct door door;
    struct device_list devices;
    struct region *io;
    struct space *ports;
};

/* A listener at the end of an interrupt line. */
struct wire {
    bool level;
    unsigned rises;
    vtime last_rise, last_fall;
    struct clock *clock;
};

static inline void wire_set(void *owner, int number, bool level)
{
    (void)number;
    struct wire *wire = owner;
    vtime now = wire->clock ? clock_now(wire->clock) : 0;
    if (level && !wire->level) {
        wire->rises++;
        wire->last_rise = now;
    }
    if (!level && wire->level) wire->last_fall = now;
    wire->level = level;
}

static inline struct irq_line wire_line(struct wire *wire, struct clock *clock)
{
    *wire = (struct wire){.clock = clock};
    return (struct irq_line){wire_set, wire, 0};
}

static inline void bench_init(struct bench *bench)
{
    clock_init(&bench->clock, 0);
    door_init(&bench->door, &bench->clock);
    device_list_init(&bench->devices);
    bench->io = region_new_container("io", 0x10000);
    bench->ports = space_new("ports", bench->io, 0x10000, &bench->clock);
    lint_quiet(true);
}

static inline void bench_free(struct bench *bench)
{
    device_destroy_all(&bench->devices);
    door_destroy(&bench->door);
    space_free(bench->ports);
    region_release(bench->io);
}

/* Lets time pass, with everything that is due in it. */
static inline void bench_run_until(struct bench *bench, vtime end)
{
    while (clock_deadline(&bench->clock) <= end) {
        clock_jump(&bench->clock, clock_deadline(&bench->clock));
        clock_fire_due(&bench->clock);
    }
    clock_jump(&bench->clock, end);
}

static inline void bench_run(struct bench *bench, vtime delay)
{
    bench_run_until(bench, clock_now(&bench->clock) + delay);
}

static inline uint32_t bench_in(struct bench *bench, uint16_t port, unsigned size)
{
    uint64_t value = 0;
    (void)!space_load(bench->ports, port, size, &value);
    return (uint32_t)value;
}

static inline void bench_out(struct bench *bench, uint16_t port, unsigned size, uint32_t value)
{
    (void)!space_store(bench->ports, port, size, value);
}

static inline uint8_t inb(struct bench *bench, uint16_t port)
{
    return (uint8_t)bench_in(bench, port, 1);
}

static inline void outb(struct bench *bench, uint16_t port, uint8_t value)
{
    bench_out(bench, port, 1, value);
}

/* Runs the tests of one case; the exit status of main. */
static inline int bench_main(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

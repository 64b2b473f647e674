/* SPDX-License-Identifier: MIT */
/* What the tests of the memory layer share: a small machine of memory only, random numbers, and a main(). */
#ifndef TESTS_UNIT_MEM_HELPER_H
#define TESTS_UNIT_MEM_HELPER_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "mem/dma.h"

#define SPACE_SIZE (UINT64_C(1) << 32)

struct world {
    struct clock clock;
    struct region *root, *ram;
    struct space *space;
};

/* RAM of `size` bytes at address 0 of a 4 GiB space, under the checker. */
static inline void world_open(struct world *world, uint64_t size)
{
    struct error error;
    clock_init(&world->clock, 0);
    world->root = region_new_container("memory", SPACE_SIZE);
    world->ram = region_new_ram("ram", size, &error);
    ck_assert_ptr_nonnull(world->ram);
    region_add(world->root, 0, world->ram, 0);
    world->space = space_new("memory", world->root, SPACE_SIZE, &world->clock);
    dma_checker_enable(world->space);
}

/* Nothing may be left mapped, and no rule broken (tests that break some have looked at the findings before). */
static inline void world_close(struct world *world, unsigned expected_findings)
{
    FILE *to = expected_findings ? fopen("/dev/null", "w") : stderr;
    ck_assert_uint_eq(dma_checker_report(world->space, to), expected_findings);
    if (expected_findings) fclose(to);
    ck_assert_uint_eq(dma_stats(world->space)->live, 0);
    ck_assert_uint_eq(dma_stats(world->space)->bounce_bytes_held, 0);
    space_free(world->space);
    ck_assert_uint_eq(world->ram->uses, 2); /* ours and the container's */
    region_remove(world->ram);
    region_release(world->ram);
    ck_assert_uint_eq(world->root->uses, 1);
    region_release(world->root);
}

static inline void world_configure(struct world *world, enum dma_mode mode, uint64_t limit, uint64_t seed)
{
    const struct dma_settings settings = {.mode = mode, .max_bounce = limit, .seed = seed};
    dma_configure(world->space, &settings);
}

/* Runs the machine until nothing is scheduled. */
static inline void world_run(struct world *world)
{
    while (clock_deadline(&world->clock) != VTIME_NEVER) {
        if (clock_deadline(&world->clock) > clock_now(&world->clock))
            clock_jump(&world->clock, clock_deadline(&world->clock));
        clock_fire_due(&world->clock);
    }
}

static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return (random_next(state) >> 11) % limit;
}

static inline void random_bytes(uint64_t *state, void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)to)[i] = (uint8_t)(random_next(state) >> 32);
}

/* Runs each test `times` times, with _i counting. */
static inline int run_suite_looped(const char *name, const TTest *const *tests, size_t count, int times)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < count; i++) tcase_add_loop_test(tcase, tests[i], 0, times);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    return run_suite_looped(name, tests, count, 1);
}

#endif

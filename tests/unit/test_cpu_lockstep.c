/* SPDX-License-Identifier: MIT */
/*
 * The ordinary engine beside the plain one (cpu_set_plain), which keeps neither blocks nor translations: the firmware and
 * the demo on two boards, and random programs on two CPUs. After every few instructions all registers must be the same;
 * at the end, memory and devices too.
 */
#include <libgen.h>
#include "emu/board/firmware.h"
#include "tests/unit/board_helper.h"
#include "tests/unit/cpu_fixture.h"

/* Instrumented, the plain engine is slow. */
#ifdef __SANITIZE_ADDRESS__
#define BOOT_INSNS 400000
#define PROGRAMS   40 /* of a batch */
#else
#define BOOT_INSNS 3000000
#define PROGRAMS   400
#endif
#define BATCHES    8
#define BOOT_SLICE 3989
#define BOOT_RAM   (UINT64_C(32) << 20)
#define DEMO_AT    0x100000u /* where the boot sector puts it */
#define DEMO_SIZE  0x80000u

enum { ORDINARY, PLAIN, ENGINES };

/* ---- comparing ---- */

static void assert_same(struct cpu *const cpus[ENGINES], const char *what, uint64_t insns)
{
    struct cpu_state states[ENGINES];
    char where[80];
    for (unsigned i = 0; i < ENGINES; i++) cpu_get_state(cpus[i], &states[i]);
    if (!state_differs(&cpu_state_table, &states[ORDINARY], &states[PLAIN], where, sizeof where)) return;
    for (unsigned i = 0; i < ENGINES; i++) cpu_print(cpus[i], stderr);
    ck_abort_msg("%s, by instruction %llu: the engines differ in %s", what, (unsigned long long)insns, where);
}

/* ---- a whole machine ---- */

static bool have_seabios(void)
{
    size_t size;
    uint8_t *bios = firmware_load("bios-256k.bin", NULL, 0, 1 << 20, &size, NULL);
    uint8_t *vga = firmware_load("vgabios-stdvga.bin", NULL, 0, 1 << 20, &size, NULL);
    bool both = bios && vga;
    free(bios);
    free(vga);
    if (!both) fprintf(stderr, "test_cpu_lockstep: SeaBIOS is not installed: tests are skipped\n");
    return both;
}

/* The guests are built beside the tests, or beside the directory of the instrumented build. NULL: they are not built. */
static const char *demo_image(void)
{
    static const char *const places[] = {"../../guests/demo.img", "../../../guests/demo.img"};
    static char path[4200];
    char program[4096] = "";
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) return NULL;
    const char *directory = dirname(program);
    for (unsigned i = 0; i < ARRAY_COUNT(places); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, places[i]);
        if (!access(path, R_OK)) return path;
    }
    fprintf(stderr, "test_cpu_lockstep: the demo is not built: only the firmware is compared\n");
    return NULL;
}

static void boards_in_lockstep(struct board *const boards[ENGINES], uint64_t insns, const char *what)
{
    struct cpu *const cpus[ENGINES] = {board_cpu(boards[ORDINARY], 0), board_cpu(boards[PLAIN], 0)};
    for (uint64_t at = 0; at < insns; at += BOOT_SLICE) {
        enum board_stop stops[ENGINES];
        for (unsigned i = 0; i < ENGINES; i++) stops[i] = helper_run(boards[i], BOOT_SLICE);
        assert_same(cpus, what, board_insns(boards[ORDINARY]));
        ck_assert_int_eq(stops[ORDINARY], stops[PLAIN]);
        ck_assert_uint_eq(board_insns(boards[ORDINARY]), board_insns(boards[PLAIN]));
        ck_assert_int_eq(board_now(boards[ORDINARY]), board_now(boards[PLAIN]));
        if (stops[ORDINARY] != BOARD_STOP_INSNS) break;
    }
    ck_assert_uint_eq(board_hash(boards[ORDINARY]), board_hash(boards[PLAIN]));
}

/* By the ordinary engine, until the demo's own code is at work. */
static void run_to_demo(struct board *board)
{
    struct cpu_state state;
    do {
        ck_assert_int_eq(helper_run(board, 997), BOARD_STOP_INSNS);
        cpu_get_state(board_cpu(board, 0), &state);
    } while (state.eip < DEMO_AT || state.eip >= DEMO_AT + DEMO_SIZE);
}

static void boot_in_lockstep(const char *what, const char *disk, bool from_demo)
{
    struct helper_output outputs[ENGINES];
    struct board *boards[ENGINES];
    struct board_config config = helper_config(NULL);
    config.ram_size = BOOT_RAM;
    config.vga = true;
    config.drives[0] = helper_snapshot(disk);
    for (unsigned i = 0; i < ENGINES; i++) {
        boards[i] = helper_board(&config, &outputs[i]);
        if (from_demo) run_to_demo(boards[i]);
    }
    cpu_set_plain(board_cpu(boards[PLAIN], 0), true);
    boards_in_lockstep(boards, BOOT_INSNS, what);
    for (unsigned i = 0; i < ENGINES; i++) helper_free(boards[i]);
}

START_TEST(firmware_runs_the_same)
{
    if (have_seabios()) boot_in_lockstep("firmware", demo_image(), false);
}
END_TEST

/* Its interrupts, paging, disk commands. */
START_TEST(demo_runs_the_same)
{
    const char *disk = demo_image();
    if (have_seabios() && disk) boot_in_lockstep("demo", disk, true);
}
END_TEST

/* ---- random programs ---- */

#define CODE_AT    0x10000u
#define CODE_SIZE  0x1000u
#define TABLES_AT  0x800000u
#define MAPPED     0x400000u
#define STEPS      40 /* slices of a program */
#define SLICE_MOST 31

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Opcodes that go on in line and touch memory, besides bytes of any kind: prefixes, arithmetic, moves, strings, stack,
 * jumps. */
static const uint8_t favoured[] = {0x01, 0x03, 0x11, 0x29, 0x33, 0x39, 0x50, 0x58, 0x66, 0x67, 0x70, 0x75,
                                   0x80, 0x81, 0x83, 0x85, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0xa4, 0xa5,
                                   0xaa, 0xab, 0xad, 0xae, 0xc1, 0xd3, 0xe2, 0xeb, 0xf3, 0xf7, 0xfe, 0xff};

static uint8_t random_byte(uint32_t *seed)
{
    uint32_t x = random_next(seed);
    return x & 0x10000 ? favoured[x % ARRAY_COUNT(favoured)] : (uint8_t)(x >> 20);
}

/* Small numbers, and addresses in and around the code. */
static uint32_t random_operand(uint32_t *seed)
{
    uint32_t x = random_next(seed);
    switch (x & 3) {
    case 0: return x >> 24;
    case 1: return CODE_AT + (x >> 8) % CODE_SIZE;
    case 2: return CODE_AT - 0x2000 + (x >> 8) % 0x6000;
    default: return random_next(seed);
    }
}

/* Two CPUs alike, one of each engine, and the state in which their programs begin. */
struct batch {
    struct cpu_fixture fixtures[ENGINES];
    struct cpu *cpus[ENGINES];
    struct cpu_state start;
    bool user;
};

/* Anywhere in the code, with other registers; now and then with single steps. */
static void jump_anywhere(struct batch *batch, uint32_t *seed)
{
    struct cpu_state state = batch->start;
    for (unsigned i = 0; i < 8; i++) state.gpr[i] = random_operand(seed);
    state.gpr[CPU_ESP] = CODE_AT + 0x3000 + random_next(seed) % 0x100;
    state.eip = CODE_AT + random_next(seed) % CODE_SIZE;
    uint32_t flags = random_next(seed);
    state.eflags = 2 | (flags & 0x8d5) | (flags & 0x7000 ? 0 : 0x100) | (flags & 0x10000 ? 0x400 : 0);
    for (unsigned i = 0; i < ENGINES; i++) cpu_set_state(batch->cpus[i], &state);
}

/* The first 4 MiB are the user's, the tables lie beyond them: a program that changed them would have to flush. */
static void turn_paging_on(struct cpu_fixture *fixture)
{
    cpu_fixture_write32(fixture, TABLES_AT, (TABLES_AT + 0x1000) | 7);
    for (uint32_t page = 0; page < MAPPED; page += 0x1000)
        cpu_fixture_write32(fixture, TABLES_AT + 0x1000 + page / 0x400,
                            page | (page < CODE_AT - 0x1000 ? 3 : 7));
    struct cpu_state state;
    cpu_get_state(fixture->cpu, &state);
    state.cr3 = TABLES_AT;
    state.cr0 |= 0x80000000u;
    cpu_set_state(fixture->cpu, &state);
}

static void batch_create(struct batch *batch, bool user)
{
    batch->user = user;
    for (unsigned i = 0; i < ENGINES; i++) {
        cpu_fixture_create(&batch->fixtures[i]);
        if (user)
            cpu_fixture_user(&batch->fixtures[i], CODE_AT);
        else
            cpu_fixture_flat(&batch->fixtures[i], CODE_AT);
        if (user) turn_paging_on(&batch->fixtures[i]);
        batch->cpus[i] = batch->fixtures[i].cpu;
        cpu_get_state(batch->cpus[i], &batch->start);
    }
    cpu_set_plain(batch->cpus[PLAIN], true);
}

/* Over the last program, whose translated code must not be met again. */
static void program_write(struct batch *batch, uint32_t *seed)
{
    uint8_t code[CODE_SIZE];
    for (unsigned i = 0; i < CODE_SIZE; i++) code[i] = random_byte(seed);
    for (unsigned i = 0; i < ENGINES; i++) cpu_fixture_code(&batch->fixtures[i], CODE_AT, code, sizeof code);
}

/* A program of the supervisor's may do more than this test can judge: switch paging on, over tables that it does not
 * flush. Then it ends. */
static bool goes_too_far(const struct cpu *cpu, bool user)
{
    struct cpu_state state;
    cpu_get_state(cpu, &state);
    return state.shutdown || (!user && (state.cr0 & 0x80000000u));
}

static void assert_memory_same(const struct cpu_fixture fixtures[ENGINES])
{
    static uint8_t pages[ENGINES][0x10000];
    for (uint32_t at = 0; at < FIXTURE_RAM; at += sizeof pages[0]) {
        for (unsigned i = 0; i < ENGINES; i++) space_read(fixtures[i].memory, at, pages[i], sizeof pages[0]);
        ck_assert_msg(!memcmp(pages[ORDINARY], pages[PLAIN], sizeof pages[0]), "memory differs near %x", at);
    }
}

static void program_in_lockstep(struct batch *batch, uint32_t seed)
{
    struct cpu *const *cpus = batch->cpus;
    char name[40];
    snprintf(name, sizeof name, "program %u", seed);
    program_write(batch, &seed);
    for (unsigned step = 0; step < STEPS; step++) {
        if (!step || cpu_halted(cpus[ORDINARY]) || goes_too_far(cpus[ORDINARY], batch->user))
            jump_anywhere(batch, &seed);
        uint64_t budget = 1 + random_next(&seed) % SLICE_MOST;
        enum cpu_stop stops[ENGINES];
        for (unsigned i = 0; i < ENGINES; i++) stops[i] = cpu_run(cpus[i], budget, false);
        assert_same(cpus, name, step);
        ck_assert_msg(stops[ORDINARY] == stops[PLAIN], "%s: they end as %d and %d", name, stops[ORDINARY],
                      stops[PLAIN]);
        ck_assert_uint_eq(cpu_retired(cpus[ORDINARY]), cpu_retired(cpus[PLAIN]));
    }
}

START_TEST(random_programs_run_the_same)
{
    struct batch batch;
    batch_create(&batch, _i % 2);
    for (uint32_t n = 0; n < PROGRAMS; n++) program_in_lockstep(&batch, 1 + (uint32_t)_i * PROGRAMS + n);
    assert_memory_same(batch.fixtures);
    for (unsigned i = 0; i < ENGINES; i++) cpu_fixture_destroy(&batch.fixtures[i]);
}
END_TEST

/* ---- code that is not in memory ---- */

/* A device gives NOP, then the first byte of MOV EAX, imm32. */
static void give_code(struct cpu_fixture *fixture, bool write, unsigned size)
{
    (void)write;
    (void)size;
    fixture->mmio_value = fixture->mmio_reads > 1 ? 0xb8 : 0x90;
}

/* The second instruction goes beyond the limit when a part of it is fetched: the engine must not lose its place. */
START_TEST(fetch_from_a_device_fails_midway)
{
    struct cpu_fixture fixture;
    struct cpu_state state;
    cpu_fixture_create(&fixture);
    cpu_fixture_flat(&fixture, FIXTURE_MMIO);
    fixture.on_access = give_code;
    cpu_get_state(fixture.cpu, &state);
    state.segment[CPU_CS].limit = FIXTURE_MMIO + 2;
    cpu_set_state(fixture.cpu, &state);
    ck_assert_int_eq(cpu_run(fixture.cpu, 10, false), CPU_STOP_HALTED);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 13);
    cpu_fixture_destroy(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {firmware_runs_the_same, demo_runs_the_same,
                                  fetch_from_a_device_fails_midway};
    Suite *suite = suite_create("cpu lockstep");
    TCase *tcase = tcase_create("two engines");
    tcase_set_timeout(tcase, 300);
    helper_add(tcase, tests, ARRAY_COUNT(tests));
    tcase_add_loop_test(tcase, random_programs_run_the_same, 0, BATCHES);
    suite_add_tcase(suite, tcase);
    return helper_main(suite);
}

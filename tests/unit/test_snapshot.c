/* SPDX-License-Identifier: MIT */
/*
 * Saved machines. The main test runs the demo's disk checks, saves at random instants, loads into a fresh board, and
 * compares how both end. The demo's image lies beside the tests' directory; SNAPSHOT_INSTANTS says how many instants
 * (make test-long has more).
 */
#include <unistd.h>
#include "board_helper.h"
#include "emu/board/machine_state.h"
#include "emu/board/snapshot.h"

/* How far from the first DMA on runs are compared: to the end, when SNAPSHOT_INSTANTS asks for thoroughness. */
#define SHORT_RUN (40 * VTIME_MS)
#define LONG_RUN  (20 * VTIME_S)
static vtime horizon = LONG_RUN;

/* ---- what came out of the serial port ---- */

struct spoken {
    char text[65536];
    size_t size;
};

static void speak(void *owner, const uint8_t *data, size_t size)
{
    struct spoken *spoken = owner;
    if (size > sizeof spoken->text - spoken->size) size = sizeof spoken->text - spoken->size;
    memcpy(spoken->text + spoken->size, data, size);
    spoken->size += size;
}

/* ---- the demo ---- */

static const char *demo_image(void)
{
    static char path[600];
    static const char *const places[] = {"../../guests/demo.img", "../../../guests/demo.img"};
    char self[512];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0) return NULL;
    self[size] = 0;
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        snprintf(path, sizeof path, "%s/%s", self, places[i]);
        if (!access(path, R_OK)) return path;
    }
    return NULL;
}

struct way {
    enum dma_mode mode;
    uint64_t max_bounce;
    bool two_channels;
    unsigned cpus;
};

/* Loading must not need the seed of the saved machine. */
static struct board_config config_to_load(const struct board_config *config)
{
    struct board_config other = *config;
    other.dma.seed += 12345;
    return other;
}

static struct board_config demo_config(const struct way *way)
{
    struct board_config config;
    board_config_default(&config);
    config.ram_size = UINT64_C(32) << 20;
    config.cpus = way->cpus;
    config.date = 1000000000;
    config.debug_exit = true;
    config.debug_exit_port = 0x501;
    config.debug_exit_size = 1;
    config.dma = (struct dma_settings){.mode = way->mode, .max_bounce = way->max_bounce};
    config.dma_checker = true;
    config.drives[0] = helper_snapshot(demo_image());
    if (way->two_channels) config.drives[2] = config.drives[0];
    return config;
}

static struct board *demo_board(const struct board_config *config, struct spoken *spoken)
{
    struct error error = {{0}};
    struct board *board = board_new(config, &error);
    ck_assert_msg(board != NULL, "%s", error.text);
    board_serial(board, 0)->write = speak;
    board_serial(board, 0)->backend = spoken;
    return board;
}

static enum board_stop run_until(struct board *board, vtime until)
{
    const struct board_budget budget = {.until = until, .insns = UINT64_MAX};
    return board_run(board, &budget);
}

struct ending {
    enum board_stop stop;
    uint64_t hash, insns;
    vtime now;
};

static struct ending finish(struct board *board)
{
    struct ending ending = {.stop = run_until(board, horizon)};
    ending.hash = board_hash(board);
    ending.insns = board_insns(board);
    ending.now = board_now(board);
    return ending;
}

static unsigned instants(void)
{
    const char *said = getenv("SNAPSHOT_INSTANTS");
    return said ? (unsigned)atoi(said) : 4;
}

/* Loads what `running` is now into a fresh board, which must end as the undisturbed run does. */
static void check_now(const struct board_config *config, struct board *running, const struct ending *expected,
                      const struct spoken *whole)
{
    static struct spoken after;
    struct error error = {{0}};
    char path[100];
    after.size = 0;
    snprintf(path, sizeof path, "%s/%d.vm", helper_dir, (int)getpid());
    vtime instant = board_now(running);
    ck_assert_msg(board_save(running, path, &error), "%s", error.text);
    const struct board_config to_load = config_to_load(config);
    struct board *loaded = demo_board(&to_load, &after);
    ck_assert_msg(board_load(loaded, path, &error), "at %lld: %s", (long long)instant, error.text);
    unlink(path);
    ck_assert_uint_eq(board_hash(loaded), board_hash(running));
    ck_assert_uint_eq(dma_stats(board_ide_dma(loaded))->live, dma_stats(board_ide_dma(running))->live);
    struct ending end = finish(loaded);
    ck_assert_msg(end.stop == expected->stop && end.now == expected->now && end.insns == expected->insns &&
                      end.hash == expected->hash,
                  "loaded at %lld it ends otherwise: %llu insns for %llu", (long long)instant,
                  (unsigned long long)end.insns, (unsigned long long)expected->insns);
    ck_assert_uint_le(after.size, whole->size);
    ck_assert_mem_eq(after.text, whole->text + whole->size - after.size, after.size);
    helper_free(loaded);
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13, *random ^= *random >> 7, *random ^= *random << 17;
    return *random;
}

/* Instants are in time's order, so that one board runs through all of them. Every second one is moved on to where a
 * disk request is in flight. */
static void check_way(const struct way *way)
{
    static struct spoken whole, stepped;
    if (!demo_image()) return; /* built by `make guests` */
    struct board_config config = demo_config(way);
    struct board *board = demo_board(&config, &whole);
    vtime begin = 0;
    while (!dma_stats(board_ide_dma(board))->maps && run_until(board, begin + VTIME_MS) == BOARD_STOP_TIME)
        begin = board_now(board);
    begin = board_now(board);
    horizon = begin + (getenv("SNAPSHOT_INSTANTS") ? LONG_RUN : SHORT_RUN);
    const struct ending expected = finish(board);
    ck_assert_uint_gt(dma_stats(board_ide_dma(board))->maps, 0);
    helper_free(board);

    uint64_t random = 88172645463325252u;
    unsigned count = instants(), in_flight = 0;
    vtime step = (expected.now - begin) / (count + 1);
    board = demo_board(&config, &stepped);
    for (unsigned i = 0; i < count; i++) {
        vtime instant = begin + step * (vtime)i + (vtime)(next_random(&random) % (uint64_t)step);
        if (run_until(board, instant) != BOARD_STOP_TIME) break;
        for (unsigned tries = 0; i % 2 == 0 && !dma_stats(board_ide_dma(board))->live && tries < 20000;
             tries++)
            if (run_until(board, board_now(board) + 1000 + (vtime)(next_random(&random) % 4000)) !=
                BOARD_STOP_TIME)
                break;
        if (board_now(board) >= expected.now) break;
        in_flight += dma_stats(board_ide_dma(board))->live != 0;
        check_now(&config, board, &expected, &whole);
    }
    const struct ending stepped_end = finish(board);
    ck_assert_uint_eq(stepped_end.hash, expected.hash);
    ck_assert_uint_eq(stepped.size, whole.size);
    ck_assert_mem_eq(stepped.text, whole.text, whole.size);
    helper_free(board);
    ck_assert_uint_gt(in_flight, 0);
    if (getenv("SNAPSHOT_INSTANTS"))
        printf("%u instants, %u with disk requests in flight, %lld ns\n", count, in_flight,
               (long long)expected.now);
}

START_TEST(a_saved_demo_goes_on_the_same_with_direct_dma)
{
    check_way(&(struct way){DMA_MODE_DIRECT, 0, false, 1});
}
END_TEST

START_TEST(a_saved_demo_goes_on_the_same_with_bounces_and_waiters)
{
    check_way(&(struct way){DMA_MODE_INDIRECT, 4096, true, 1});
}
END_TEST

START_TEST(a_saved_demo_goes_on_the_same_with_faulty_dma)
{
    check_way(&(struct way){DMA_MODE_FAULTY, 4096, true, 1});
}
END_TEST

START_TEST(a_saved_demo_goes_on_the_same_with_four_cpus)
{
    check_way(&(struct way){DMA_MODE_DIRECT, 0, false, 4});
}
END_TEST

START_TEST(a_saved_demo_goes_on_the_same_on_two_channels)
{
    check_way(&(struct way){DMA_MODE_DIRECT, 0, true, 1});
}
END_TEST

/* ---- small machines ---- */

/* Counts in memory, for ever. */
#define COUNTS "\x31\xc0\x8e\xd8\xff\x06\x00\x05\xeb\xfa"

static struct board *small_board(const struct board_config *config)
{
    static struct helper_output output;
    return helper_board(config, &output);
}

static const char *saved_small(const struct board_config *config)
{
    static char path[100];
    struct error error = {{0}};
    snprintf(path, sizeof path, "%s/%d-small.vm", helper_dir, (int)getpid());
    struct board *board = small_board(config);
    helper_run(board, 12345);
    ck_assert_msg(board_save(board, path, &error), "%s", error.text);
    helper_free(board);
    return path;
}

static void check_refused(const struct board_config *config, const char *path, const char *part)
{
    struct error error = {{0}};
    struct board *board = small_board(config);
    uint64_t hash = board_hash(board);
    ck_assert(!board_load(board, path, &error));
    ck_assert_msg(strstr(error.text, part) != NULL, "%s", error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
    ck_assert_uint_eq(board_hash(board), hash);
    helper_free(board);
}

/* The bytes of a small machine's file; free them. */
static uint8_t *saved_bytes(const struct board_config *config, size_t *size)
{
    FILE *file = fopen(saved_small(config), "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static const char *file_of(const uint8_t *bytes, size_t size)
{
    static char path[100];
    snprintf(path, sizeof path, "%s/%d-bytes.vm", helper_dir, (int)getpid());
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* One line that names the file and says why, and a machine that is as it was. */
static void check_bytes_refused(struct board *board, const uint8_t *bytes, size_t size, const char *part)
{
    struct error error = {{0}};
    const char *path = file_of(bytes, size);
    ck_assert(!board_load(board, path, &error));
    ck_assert_msg(!strncmp(error.text, path, strlen(path)) && strstr(error.text, part), "%s", error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(a_file_cut_short_anywhere_is_refused)
{
    size_t size;
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    uint8_t *bytes = saved_bytes(&config, &size);
    struct board *board = small_board(&config);
    uint64_t hash = board_hash(board);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 700) check_bytes_refused(board, bytes, cut, "is ");
    ck_assert_uint_eq(board_hash(board), hash);
    helper_free(board);
    free(bytes);
}
END_TEST

START_TEST(a_file_with_any_one_byte_changed_is_refused)
{
    size_t size;
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    uint8_t *bytes = saved_bytes(&config, &size);
    struct board *board = small_board(&config);
    uint64_t hash = board_hash(board);
    for (size_t at = 0; at < size; at += 1 + at / 1500) {
        uint8_t flip = (uint8_t)(1u << at % 8);
        bytes[at] ^= flip;
        check_bytes_refused(board, bytes, size, "is ");
        bytes[at] ^= flip;
    }
    ck_assert_uint_eq(board_hash(board), hash);
    helper_free(board);
    free(bytes);
}
END_TEST

START_TEST(a_file_of_another_version_is_refused)
{
    size_t size;
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    uint8_t *bytes = saved_bytes(&config, &size);
    struct board *board = small_board(&config);
    ck_assert_uint_eq(le32_load(bytes + 8), 2);
    le32_store(bytes + 8, 1);
    check_bytes_refused(board, bytes, size, "is of version 1; this program reads version 2");
    le32_store(bytes + 8, 3);
    check_bytes_refused(board, bytes, size, "is of version 3; this program reads version 2");
    helper_free(board);
    free(bytes);
}
END_TEST

/* Somebody made the checksum fit: what is inside is still looked at. It may be another machine, or refused. */
START_TEST(a_file_forged_with_a_right_checksum_does_no_harm)
{
    size_t size, head = 32, refused = 0, count = getenv("SNAPSHOT_INSTANTS") ? 3000 : 150;
    uint64_t random = 4711;
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    uint8_t *bytes = saved_bytes(&config, &size);
    for (unsigned i = 0; i < count; i++) {
        struct error error = {{0}};
        size_t at = head + next_random(&random) % (size - head);
        uint8_t before = bytes[at];
        bytes[at] ^= (uint8_t)(1 + next_random(&random) % 255);
        le64_store(bytes + 24, machine_hash_bytes(MACHINE_HASH_START, bytes + head, size - head));
        const char *path = file_of(bytes, size);
        struct board *board = small_board(&config);
        if (board_load(board, path, &error))
            helper_run(board, 1000);
        else
            refused++;
        board_free(board);
        bytes[at] = before;
    }
    ck_assert_uint_gt(refused, count * 3 / 4);
    free(bytes);
}
END_TEST

START_TEST(another_machine_is_refused_by_what_differs)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    const char *path = saved_small(&config);
    config.ram_size *= 2;
    check_refused(&config, path, "-m ");
    config.ram_size /= 2;
    config.drives[0] = helper_snapshot(DISK("x"));
    check_refused(&config, path, "-hda none");
    config.drives[0].kind = BOARD_NO_DRIVE;
    config.bios = FIRMWARE("\xeb\xfe");
    check_refused(&config, path, "-bios");
    check_refused(&config, "/nowhere/at.all", "/nowhere/at.all: cannot be read");
}
END_TEST

START_TEST(bad_places_are_refused)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    struct error error = {{0}};
    struct board *board = small_board(&config);
    ck_assert(!board_save(board, "/nowhere/at.all", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "cannot be written"));
    ck_assert(!board_save(board, "/dev/null", &error));
    ck_assert_str_eq(error.text, "/dev/null: is no regular file");
    ck_assert(!board_save(board, helper_dir, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "is no regular file"));
    helper_free(board);
}
END_TEST

START_TEST(a_board_that_has_run_takes_a_saved_machine)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    struct error error = {{0}};
    const char *path = saved_small(&config);
    struct board *board = small_board(&config), *fresh = small_board(&config);
    helper_run(board, 777777);
    ck_assert_msg(board_load(board, path, &error), "%s", error.text);
    ck_assert_msg(board_load(fresh, path, &error), "%s", error.text);
    ck_assert_uint_eq(board_insns(board), 12345);
    ck_assert_uint_eq(board_hash(board), board_hash(fresh));
    helper_run(board, 100001);
    helper_run(fresh, 100001);
    ck_assert_uint_eq(board_hash(board), board_hash(fresh));
    helper_free(board);
    helper_free(fresh);
}
END_TEST

START_TEST(what_waits_at_the_door_and_in_queues_is_saved)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    struct error error = {{0}};
    char path[100], bytes[8];
    snprintf(path, sizeof path, "%s/%d-door.vm", helper_dir, (int)getpid());
    struct board *board = small_board(&config);
    chardev_feed(board_serial(board, 0), "queued", 6);
    helper_run(board, 10);
    chardev_feed(board_serial(board, 0), "12", 2);
    ck_assert_msg(board_save(board, path, &error), "%s", error.text);
    uint64_t backlog = chardev_backlog(board_serial(board, 0));
    helper_free(board);
    board = small_board(&config);
    ck_assert_msg(board_load(board, path, &error), "%s", error.text);
    ck_assert_uint_eq(chardev_backlog(board_serial(board, 0)), backlog);
    ck_assert(door_waiting(board_door(board)));
    helper_run(board, 10);
    size_t got = chardev_read(board_serial(board, 0), bytes, sizeof bytes);
    ck_assert_uint_eq(got, backlog);
    ck_assert_mem_eq(bytes + got - 2, "12", 2);
    helper_free(board);
}
END_TEST

/* ---- the hash ---- */

static void nothing(void *owner)
{
    (void)owner;
}

START_TEST(the_hash_is_over_what_waits_and_what_is_pending)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    struct board *board = small_board(&config);
    struct clock_event first, second;
    uint64_t hash[8];
    unsigned count = 0;
    clock_event_init(&first, board_clock(board), "test.first", nothing, NULL);
    clock_event_init(&second, board_clock(board), "test.second", nothing, NULL);
    hash[count++] = board_hash(board);
    clock_event_at(&first, VTIME_S), clock_event_at(&second, VTIME_S);
    hash[count++] = board_hash(board);
    clock_event_at(&second, VTIME_S + 1);
    hash[count++] = board_hash(board);
    uint64_t order = first.order;
    first.order = second.order, second.order = order;
    hash[count++] = board_hash(board);
    chardev_feed(board_serial(board, 0), "a", 1); /* at the door */
    hash[count++] = board_hash(board);
    door_let_in(board_door(board)); /* in the queue */
    hash[count++] = board_hash(board);
    chardev_feed(board_debugcon(board), "", 1);
    hash[count++] = board_hash(board);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++) ck_assert_msg(hash[i] != hash[j], "%u and %u are the same", i, j);
    ck_assert_uint_eq(board_hash(board), hash[count - 1]);
    clock_event_destroy(&first), clock_event_destroy(&second);
    helper_free(board);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_saved_demo_goes_on_the_same_with_direct_dma,
        a_saved_demo_goes_on_the_same_with_bounces_and_waiters,
        a_saved_demo_goes_on_the_same_with_faulty_dma,
        a_saved_demo_goes_on_the_same_with_four_cpus,
        a_saved_demo_goes_on_the_same_on_two_channels,
        a_file_cut_short_anywhere_is_refused,
        a_file_with_any_one_byte_changed_is_refused,
        a_file_of_another_version_is_refused,
        a_file_forged_with_a_right_checksum_does_no_harm,
        another_machine_is_refused_by_what_differs,
        bad_places_are_refused,
        a_board_that_has_run_takes_a_saved_machine,
        what_waits_at_the_door_and_in_queues_is_saved,
        the_hash_is_over_what_waits_and_what_is_pending,
    };
    Suite *suite = suite_create("snapshot");
    TCase *tcase = tcase_create("snapshot");
    tcase_set_timeout(tcase, 600);
    helper_add(tcase, tests, ARRAY_COUNT(tests));
    suite_add_tcase(suite, tcase);
    return helper_main(suite);
}

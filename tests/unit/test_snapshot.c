/* SPDX-License-Identifier: MIT */
/*
 * Saved machines. The main test runs the demo's disk checks, saves at random instants, loads into a fresh board, and compares how
 * both end. The demo's image lies beside the tests' directory; SNAPSHOT_INSTANTS says how many instants (make test-long has
 * more).
 */
#include <unistd.h>
#include "board_helper.h"
#include "devices/platform/key.h"
#include "emu/board/replay.h"
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
    struct board *loaded = demo_board(config, &after);
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

START_TEST(a_file_cut_short_anywhere_is_refused)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    const char *path = saved_small(&config);
    long size = 0;
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    fclose(file);
    for (long cut = size - 1; cut > 0; cut /= 3) {
        ck_assert_int_eq(truncate(path, cut), 0);
        check_refused(&config, path, path);
    }
}
END_TEST

START_TEST(a_file_with_one_byte_changed_is_refused)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    for (unsigned i = 0; i < 8; i++) {
        const char *path = saved_small(&config);
        FILE *file = fopen(path, "r+b");
        fseek(file, (long)i * 157, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, (long)i * 157, SEEK_SET);
        fputc(byte ^ 0x10, file);
        fclose(file);
        if (i * 157 != 12) check_refused(&config, path, path);
    }
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

START_TEST(faulty_dma_and_bad_places_are_refused)
{
    struct board_config config = helper_config(FIRMWARE(COUNTS));
    struct error error = {{0}};
    struct board *board = small_board(&config);
    ck_assert(!board_save(board, "/nowhere/at.all", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "cannot be written"));
    helper_free(board);
    config.dma.mode = DMA_MODE_FAULTY;
    board = small_board(&config);
    ck_assert(!board_save(board, "/nowhere/at.all", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "faulty"));
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

/* ---- record and replay ---- */

/* For ever: reads the UART's LSR and data, and the keyboard controller's status and data, and sends what it got to port E9h.
 *     l: inc word [500h]; mov dx, 3FDh; in al, dx; test al, 1; jz k; mov dx, 3F8h; in al, dx; out E9h, al
 *     k: in al, 64h; test al, 1; jz l; in al, 60h; out E9h, al; jmp l
 * with DS = 0. */
#define LISTENS                                                                                              \
    "\x31\xc0\x8e\xd8\xff\x06\x00\x05\xba\xfd\x03\xec\xa8\x01\x74\x06\xba\xf8\x03\xec\xe6\xe9"               \
    "\xe4\x64\xa8\x01\x74\xe8\xe4\x60\xe6\xe9\xeb\xe2"

struct heard {
    char text[4096];
    uint64_t insns[4096];
    size_t size;
    struct board *board;
};

static void hear(void *owner, const uint8_t *data, size_t size)
{
    struct heard *heard = owner;
    for (size_t i = 0; i < size && heard->size < sizeof heard->text; i++) {
        heard->insns[heard->size] = board_insns(heard->board);
        heard->text[heard->size++] = (char)data[i];
    }
}

static struct board *listening(const struct board_config *config, struct heard *heard)
{
    struct board *board = small_board(config);
    *heard = (struct heard){.board = board};
    board_debugcon(board)->write = hear;
    board_debugcon(board)->backend = heard;
    return board;
}

static void check_heard(const struct heard *a, const struct heard *b)
{
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_mem_eq(a->text, b->text, a->size);
    ck_assert_mem_eq(a->insns, b->insns, a->size * sizeof a->insns[0]);
}

/* A run with input at odd times, cut into slices of odd lengths; its end. */
static struct ending record_run(const struct board_config *config, const char *path, struct heard *heard)
{
    struct error error = {{0}};
    struct board *board = listening(config, heard);
    struct recording *recording = recording_new(board, path, &error);
    ck_assert_msg(recording != NULL, "%s", error.text);
    uint64_t random = 7;
    for (unsigned i = 0; i < 60; i++) {
        const struct key_event key = {.key = (uint8_t)(KEY_A + i % 20), .down = i % 2 == 0};
        char bytes[4] = {(char)('a' + i % 26), 'x', '\n', 0};
        if (i % 3 == 0) door_post(board_keyboard(board), &key, sizeof key);
        if (i % 5 == 1) chardev_feed(board_serial(board, 0), bytes, 1 + i % 4);
        const struct board_budget budget = {board_now(board) + 5 * VTIME_MS,
                                            next_random(&random) % 300000 + 1, false};
        board_run(board, &budget);
    }
    struct ending ending = {0, board_hash(board), board_insns(board), board_now(board)};
    ck_assert(recording_free(recording));
    helper_free(board);
    return ending;
}

static void check_replay(const struct board_config *config, const char *path, const struct heard *recorded,
                         const struct ending *expected, vtime slice)
{
    static struct heard heard;
    struct error error = {{0}};
    struct board *board = listening(config, &heard);
    struct replay *replay = replay_new(board, path, &error);
    ck_assert_msg(replay != NULL, "%s", error.text);
    while (!replay_over(replay)) {
        chardev_feed(board_serial(board, 0), "live input is not heard", 23);
        vtime next = replay_next(replay), most = board_now(board) + slice;
        if (replay_over(replay)) break;
        ck_assert_int_eq(run_until(board, next < most ? next : most), BOARD_STOP_TIME);
    }
    ck_assert_uint_eq(board_insns(board), expected->insns);
    ck_assert_int_eq(board_now(board), expected->now);
    ck_assert_uint_eq(board_hash(board), expected->hash);
    check_heard(&heard, recorded);
    replay_free(replay);
    helper_free(board);
}

START_TEST(a_replayed_run_is_the_same_to_the_byte_and_instruction)
{
    static struct heard recorded;
    struct board_config config = helper_config(FIRMWARE(LISTENS));
    char path[100];
    snprintf(path, sizeof path, "%s/%d.rec", helper_dir, (int)getpid());
    struct ending ending = record_run(&config, path, &recorded);
    ck_assert_uint_gt(recorded.size, 20);
    check_replay(&config, path, &recorded, &ending, VTIME_S);
    check_replay(&config, path, &recorded, &ending, 777777);
    int64_t date = 0;
    ck_assert(replay_date(path, &date, NULL));
    ck_assert_int_eq(date, config.date);
}
END_TEST

static void check_no_replay(struct board *board, const char *path, const char *part)
{
    struct error error = {{0}};
    ck_assert_ptr_null(replay_new(board, path, &error));
    ck_assert_msg(strstr(error.text, part) != NULL, "%s", error.text);
}

START_TEST(a_recording_of_another_run_is_refused)
{
    static struct heard heard;
    struct board_config config = helper_config(FIRMWARE(LISTENS));
    char path[100];
    snprintf(path, sizeof path, "%s/%d.rec", helper_dir, (int)getpid());
    record_run(&config, path, &heard);
    struct board *board = listening(&config, &heard);
    check_no_replay(board, helper_file("nothing", 7, 7), "is no recording");
    check_no_replay(board, "/nowhere/at.all", "cannot be read");
    helper_run(board, 5);
    check_no_replay(board, path, "state");
    helper_free(board);
    config.cpus = 2;
    board = listening(&config, &heard);
    check_no_replay(board, path, "-smp 2");
    helper_free(board);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_saved_demo_goes_on_the_same_with_direct_dma, a_saved_demo_goes_on_the_same_with_bounces_and_waiters,
        a_saved_demo_goes_on_the_same_on_two_channels, a_file_cut_short_anywhere_is_refused,
        a_file_with_one_byte_changed_is_refused,       another_machine_is_refused_by_what_differs,
        faulty_dma_and_bad_places_are_refused,         a_board_that_has_run_takes_a_saved_machine,
        what_waits_at_the_door_and_in_queues_is_saved, a_replayed_run_is_the_same_to_the_byte_and_instruction,
        a_recording_of_another_run_is_refused,
    };
    Suite *suite = suite_create("snapshot");
    TCase *tcase = tcase_create("snapshot");
    tcase_set_timeout(tcase, 600);
    helper_add(tcase, tests, ARRAY_COUNT(tests));
    suite_add_tcase(suite, tcase);
    return helper_main(suite);
}

/* SPDX-License-Identifier: MIT */
/* Record and replay, and what they rest on: a run is the same however it is cut into slices. */
#include "board_helper.h"
#include "devices/platform/key.h"
#include "emu/board/replay.h"

struct ending {
    uint64_t hash, insns;
    vtime now;
};

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13, *random ^= *random >> 7, *random ^= *random << 17;
    return *random;
}

/* For ever: reads the UART's LSR and data, and the keyboard controller's status and data, and sends what it got to
 * port E9h.
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

/* The other CPUs, from 1n00:0 on. They count at 0:500h as well, and every 256 send the count's other half to port
 * E9h. The second one keeps its turns to their end, the others give them up.
 *     l: lock inc word [500h]; mov ax, [500h]; pause; test al, FFh; jnz l; mov al, ah; out E9h, al; jmp l */
#define COUNTS_TOO                                                                                           \
    "\x31\xc0\x8e\xd8\xf0\xff\x06\x00\x05\xa1\x00\x05\xf3\x90\xa8\xff\x75\xf2\x88\xe0\xe6\xe9\xeb\xec"
#define ITS_PAUSE 12

static void start_others(struct board *board)
{
    uint8_t code[] = COUNTS_TOO;
    for (unsigned n = 1; n < board_cpus(board); n++) {
        code[ITS_PAUSE] = n == 1 ? 0x90 : 0xf3;
        uint8_t vector = (uint8_t)(0x10 + n);
        ck_assert_int_eq(space_write(board_memory(board), (gaddr)vector << 12, code, sizeof code), MEM_OK);
        cpu_startup(board_cpu(board, n), vector);
    }
}

static struct board *listening(const struct board_config *config, struct heard *heard)
{
    static struct helper_output output;
    struct board *board = helper_board(config, &output);
    *heard = (struct heard){.board = board};
    board_debugcon(board)->write = hear;
    board_debugcon(board)->backend = heard;
    start_others(board);
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
    struct ending ending = {board_hash(board), board_insns(board), board_now(board)};
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
        const struct board_budget budget = {next < most ? next : most, replay_insns(replay), false};
        board_run(board, &budget);
    }
    ck_assert_uint_eq(board_insns(board), expected->insns);
    ck_assert_int_eq(board_now(board), expected->now);
    ck_assert_uint_eq(board_hash(board), expected->hash);
    check_heard(&heard, recorded);
    replay_free(replay);
    helper_free(board);
}

static void check_recorded(unsigned cpus)
{
    static struct heard recorded;
    struct board_config config = helper_config(FIRMWARE(LISTENS));
    char path[100];
    config.cpus = cpus;
    snprintf(path, sizeof path, "%s/%d.rec", helper_dir, (int)getpid());
    struct ending ending = record_run(&config, path, &recorded);
    ck_assert_uint_gt(recorded.size, 20);
    check_replay(&config, path, &recorded, &ending, VTIME_S);
    check_replay(&config, path, &recorded, &ending, 777777);
    check_replay(&config, path, &recorded, &ending, 9999);
    int64_t date = 0;
    ck_assert(replay_date(path, &date, NULL));
    ck_assert_int_eq(date, config.date);
}

START_TEST(a_replayed_run_is_the_same_to_the_byte_and_instruction)
{
    check_recorded(1);
}
END_TEST

START_TEST(a_replayed_run_of_two_cpus_is_the_same)
{
    check_recorded(2);
}
END_TEST

START_TEST(a_replayed_run_of_four_cpus_is_the_same)
{
    check_recorded(4);
}
END_TEST

/* All CPUs do something in it, and the turns of one end early, of another not. */
START_TEST(several_cpus_run_the_same_however_the_run_is_cut)
{
    static struct heard heard[2];
    struct board_config config = helper_config(FIRMWARE(LISTENS));
    config.cpus = 4;
    struct board *whole = listening(&config, &heard[0]), *cut = listening(&config, &heard[1]);
    helper_run(whole, 1000000);
    uint64_t random = 99, slices = 0;
    while (board_insns(cut) < 1000000) {
        uint64_t left = 1000000 - board_insns(cut), most = 1 + next_random(&random) % 3000;
        vtime until =
            next_random(&random) % 3 ? VTIME_NEVER : board_now(cut) + (vtime)(next_random(&random) % 9000);
        board_run(cut, &(struct board_budget){until, most < left ? most : left, false});
        slices++;
    }
    ck_assert_uint_gt(slices, 500);
    ck_assert_uint_eq(board_hash(cut), board_hash(whole));
    ck_assert_uint_gt(heard[0].size, 50);
    check_heard(&heard[0], &heard[1]);
    for (unsigned n = 0; n < 4; n++) ck_assert_uint_gt(cpu_stats(board_cpu(whole, n))->retired, 1000);
    helper_free(whole);
    helper_free(cut);
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
    check_no_replay(board, path, "-smp 1");
    helper_free(board);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_replayed_run_is_the_same_to_the_byte_and_instruction,
        a_replayed_run_of_two_cpus_is_the_same,
        a_replayed_run_of_four_cpus_is_the_same,
        several_cpus_run_the_same_however_the_run_is_cut,
        a_recording_of_another_run_is_refused,
    };
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_set_timeout(tcase, 120);
    helper_add(tcase, tests, ARRAY_COUNT(tests));
    suite_add_tcase(suite, tcase);
    return helper_main(suite);
}

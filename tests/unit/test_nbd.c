/* SPDX-License-Identifier: MIT */
/*
 * The NBD store against real servers, nbdkit and qemu-nbd, over Unix sockets and loopback: same bytes and same
 * virtual times as a disk in memory, qcow2, and servers that refuse, fail, go away or fall silent.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "block/drive.h"
#include "block_helper.h"
#include "emu/core/bits.h"

static char directory[64], path[128], socket_path[128], url[200];
static struct clock machine_clock;
static struct drive_options options;
static struct error error;

static void setup(void)
{
    clock_init(&machine_clock, 0);
    make_directory(directory);
    snprintf(path, sizeof(path), "%s/disk.img", directory);
    snprintf(socket_path, sizeof(socket_path), "%s/nbd", directory);
    snprintf(url, sizeof(url), "nbd:unix:%s", socket_path);
    drive_options_init(&options);
    options.path = url;
}

static void teardown(void)
{
    unlink(path);
    unlink(socket_path);
    ck_assert_int_eq(rmdir(directory), 0);
}

#ifdef HAVE_LIBNBD

/* The server ends with the test, whatever becomes of it. */
static pid_t start(char *const *words)
{
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(words[0], words);
        fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void wait_for_socket(pid_t server)
{
    for (unsigned tries = 0; access(socket_path, F_OK); tries++) {
        ck_assert_msg(tries < 1000 && waitpid(server, NULL, WNOHANG) == 0, "the server does not start");
        usleep(10000);
    }
}

static void end(pid_t server)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(socket_path);
}

#define NBDKIT(...) start_server((char *[]){"nbdkit", "-f", "-U", socket_path, __VA_ARGS__, NULL})

static pid_t start_server(char *const *words)
{
    pid_t server = start(words);
    wait_for_socket(server);
    return server;
}

static pid_t start_qemu_nbd(void)
{
    return start_server((char *[]){"qemu-nbd", "-t", "-f", "qcow2", "-k", socket_path, path, NULL});
}

/* qemu-nbd's socket is there before it listens. */
static struct block *open_disk(void)
{
    struct block *disk = NULL;
    for (unsigned tries = 0; tries < 200 && !(disk = drive_open(&options, "hda", &machine_clock, &error));
         tries++)
        usleep(10000);
    ck_assert_msg(disk != NULL, "%s", error.text);
    return disk;
}

enum { SIZE = 200 * 512 + 300, SECTORS = 201, SLOTS = 6 };
static struct {
    unsigned slot;
    int error;
    uint64_t moved;
    vtime when;
} endings[2][2000];
static unsigned ended[2], side;
static struct block_request requests[2][SLOTS];
static struct iovec pieces[2][SLOTS];
static uint8_t memory[2][SLOTS][64 * 512];

static void request_ended(void *owner, struct block_request *request, int failed, uint64_t touched)
{
    (void)owner;
    (void)touched;
    unsigned n = ended[side]++;
    ck_assert_uint_lt(n, ARRAY_COUNT(endings[0]));
    endings[side][n].slot = (unsigned)(request - requests[side]);
    endings[side][n].error = failed;
    endings[side][n].moved = request->moved;
    endings[side][n].when = clock_now(&machine_clock);
}

/* The same requests for any disk; afterwards all of it in `all`. */
static void exercise(struct block *disk, uint8_t *all)
{
    uint64_t seed = 41;
    vtime begin = clock_now(&machine_clock);

    for (unsigned slot = 0; slot < SLOTS; slot++)
        block_request_init(&requests[side][slot], &machine_clock, "request", request_ended, NULL);
    for (unsigned step = 0; step < 1500; step++) {
        static const enum block_op ops[] = {BLOCK_READ,  BLOCK_READ,  BLOCK_WRITE,   BLOCK_WRITE,
                                            BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_ZEROES};
        unsigned slot = random_below(&seed, SLOTS), sector = random_below(&seed, SECTORS);
        unsigned count = 1 + random_below(&seed, 60);
        struct block_request *request = &requests[side][slot];
        if (count > SECTORS - sector) count = SECTORS - sector;
        if (block_request_busy(request)) {
            run_clock(&machine_clock);
            continue;
        }
        request->op = ops[random_below(&seed, 8)];
        request->offset = (uint64_t)sector * 512;
        request->size = request->op == BLOCK_FLUSH ? 0 : (uint64_t)count * 512;
        request->pieces = &pieces[side][slot];
        request->count = 1;
        pieces[side][slot] = (struct iovec){memory[side][slot], (size_t)request->size};
        if (request->op == BLOCK_WRITE) fill_random(&seed, memory[side][slot], 512);
        block_submit(disk, request);
    }
    run_clock(&machine_clock);
    for (unsigned n = 0; n < ended[side]; n++) endings[side][n].when -= begin;
    ck_assert_int_eq(block_read_now(disk, 0, all, SECTORS * 512), 0);
    for (unsigned slot = 0; slot < SLOTS; slot++) block_request_destroy(&requests[side][slot]);
}

static void compare_with_memory(struct block *disk)
{
    static uint8_t all[2][SECTORS * 512];
    char size[32];

    snprintf(size, sizeof(size), "mem:%d", SIZE);
    for (side = 0; side < 2; side++) {
        options.path = side ? url : size;
        struct block *other = side ? disk : open_disk();
        ended[side] = 0;
        memset(memory[side], 0, sizeof(memory[side]));
        exercise(other, all[side]);
        if (!side) block_free(other);
    }
    ck_assert_uint_eq(ended[0], ended[1]);
    ck_assert_mem_eq(endings[0], endings[1], sizeof(endings[0][0]) * ended[0]);
    ck_assert_mem_eq(memory[0], memory[1], sizeof(memory[0]));
    ck_assert_mem_eq(all[0], all[1], sizeof(all[0]));
}

START_TEST(same_as_memory)
{
    char size[32];
    snprintf(size, sizeof(size), "size=%d", SIZE);
    pid_t server = NBDKIT("memory", size);
    struct block *disk = open_disk();
    ck_assert_uint_eq(block_sectors(disk), SECTORS);
    compare_with_memory(disk);
    block_free(disk);
    end(server);
}
END_TEST

/* Answers out of order and late. */
START_TEST(same_as_memory_over_a_slow_server)
{
    char size[32];
    snprintf(size, sizeof(size), "size=%d", SIZE);
    pid_t server = NBDKIT("--filter=delay", "-t", "8", "memory", size, "rdelay=2ms", "wdelay=1ms");
    struct block *disk = open_disk();
    compare_with_memory(disk);
    block_free(disk);
    end(server);
}
END_TEST

/* A small server: requests are cut up. */
START_TEST(server_with_a_small_maximum)
{
    char size[32];
    snprintf(size, sizeof(size), "size=%d", SIZE);
    pid_t server = NBDKIT("--filter=blocksize-policy", "memory", size, "blocksize-minimum=1",
                          "blocksize-preferred=4K", "blocksize-maximum=4K", "blocksize-error-policy=error");
    struct block *disk = open_disk();
    compare_with_memory(disk);
    block_free(disk);
    end(server);
}
END_TEST

START_TEST(qcow2_by_qemu_nbd)
{
    static uint8_t contents[1 << 20], back[1 << 20];
    uint64_t seed = 8;
    int status;

    pid_t create = start((char *[]){"qemu-img", "create", "-q", "-f", "qcow2", path, "64M", NULL});
    ck_assert_int_eq(waitpid(create, &status, 0), create);
    ck_assert_int_eq(status, 0);
    fill_random(&seed, contents, sizeof(contents));
    for (unsigned round = 0; round < 2; round++) {
        pid_t server = start_qemu_nbd();
        struct block *disk = open_disk();
        ck_assert_uint_eq(block_sectors(disk), 64 * 2048);
        if (!round) ck_assert_int_eq(block_write_now(disk, 5 << 20, contents, sizeof(contents)), 0);
        ck_assert_int_eq(block_flush_now(disk), 0);
        ck_assert_uint_eq(block_stats(disk)->host_syncs, 1);
        ck_assert_int_eq(block_read_now(disk, 5 << 20, back, sizeof(back)), 0);
        ck_assert_mem_eq(back, contents, sizeof(back));
        block_free(disk);
        end(server); /* killed: what was flushed is in the image */
    }
}
END_TEST

START_TEST(forms_of_names)
{
    char text[200];
    pid_t server = NBDKIT("memory", "1M");

    snprintf(text, sizeof(text), "nbd+unix:///?socket=%s", socket_path);
    options.path = text;
    block_free(open_disk());
    snprintf(text, sizeof(text), "nbd:unix:%s:exportname=any", socket_path);
    block_free(open_disk());
    end(server);
    for (unsigned port = 23456; port < 23556; port++) { /* one of them is free */
        char number[16];
        int status;
        snprintf(number, sizeof(number), "%u", port);
        server = start((char *[]){"nbdkit", "-f", "-i", "127.0.0.1", "-p", number, "memory", "2M", NULL});
        usleep(300000);
        if (waitpid(server, &status, WNOHANG) == server) continue;
        snprintf(text, sizeof(text), "nbd://127.0.0.1:%u/", port);
        struct block *disk = open_disk();
        ck_assert_uint_eq(block_sectors(disk), 4096);
        block_free(disk);
        snprintf(text, sizeof(text), "nbd:127.0.0.1:%u", port);
        block_free(open_disk());
        end(server);
        return;
    }
    ck_abort_msg("no free port");
}
END_TEST

static void expect_refusal(const char *name, const char *wanted)
{
    options.path = name;
    error.text[0] = 0;
    ck_assert_ptr_null(drive_open(&options, "hda", &machine_clock, &error));
    ck_assert_msg(strstr(error.text, wanted) != NULL, "no \"%s\" in: %s", wanted, error.text);
    ck_assert_int_eq(strncmp(error.text, name, strlen(name)), 0);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(servers_that_are_not_there)
{
    expect_refusal(url, "cannot be reached");
    expect_refusal("nbd:", "cannot be reached");
    expect_refusal("nbd:host", "cannot be reached");
    expect_refusal("nbd://127.0.0.1:1/x", "cannot be reached");
    expect_refusal("nbd+unix:///?socket=/nowhere/at/all", "cannot be reached");
    pid_t server =
        NBDKIT("--filter=blocksize-policy", "memory", "1M", "blocksize-minimum=4K", "blocksize-preferred=4K");
    expect_refusal(url, "no less than 4096 bytes");
    end(server);
    server = NBDKIT("memory", "0");
    expect_refusal(url, "is empty");
    end(server);
}
END_TEST

START_TEST(server_that_only_lets_us_read)
{
    struct capture capture;
    uint8_t sector[512];
    pid_t server = NBDKIT("-r", "memory", "1M");

    capture_begin(&capture);
    struct block *disk = open_disk();
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
    ck_assert_ptr_nonnull(strstr(capture.text, "read-only"));
    ck_assert(block_read_only(disk));
    ck_assert_int_eq(block_write_now(disk, 0, sector, 512), EROFS);
    block_free(disk);
    options.snapshot = true; /* and nobody minds */
    setenv("TMPDIR", directory, 1);
    capture_begin(&capture);
    disk = open_disk();
    ck_assert_str_eq(capture_end(&capture), "");
    memset(sector, 0x77, 512);
    ck_assert_int_eq(block_write_now(disk, 0, sector, 512), 0);
    block_free(disk);
    end(server);
}
END_TEST

START_TEST(errors_of_the_server)
{
    struct capture capture;
    uint8_t bytes[4096];
    pid_t server = NBDKIT("--filter=error", "memory", "1M", "error-pread=EIO", "error-pread-rate=100%",
                          "error-pwrite=ENOSPC", "error-pwrite-rate=100%");
    options.format = "raw"; /* or the look at the first bytes would be the first error */
    struct block *disk = open_disk();

    capture_begin(&capture);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(block_read_now(disk, 0, bytes, sizeof(bytes)), EIO);
        ck_assert_int_eq(block_write_now(disk, 0, bytes, sizeof(bytes)), ENOSPC);
    }
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 2);
    ck_assert_ptr_nonnull(strstr(capture.text, "No space left"));
    block_free(disk);
    end(server);
}
END_TEST

static void lose_server(int how, const char *wanted)
{
    struct capture capture;
    uint8_t bytes[4096] = {0};
    pid_t server = NBDKIT("memory", "1M");
    struct block *disk = open_disk();
    struct block_request *request = &requests[0][0];

    ck_assert_int_eq(block_write_now(disk, 0, bytes, sizeof(bytes)), 0);
    kill(server, how);
    ck_assert_int_eq(waitpid(server, NULL, WUNTRACED), server);
    side = ended[0] = 0;
    block_request_init(request, &machine_clock, "request", request_ended, NULL);
    capture_begin(&capture);
    for (unsigned i = 0; i < 4; i++) {
        vtime begin = clock_now(&machine_clock);
        pieces[0][0] = (struct iovec){bytes, sizeof(bytes)};
        request->op = (enum block_op)i; /* read, write, flush, discard */
        request->offset = 0;
        request->size = i == BLOCK_FLUSH ? 0 : sizeof(bytes);
        request->pieces = pieces[0];
        request->count = 1;
        block_submit(disk, request);
        run_clock(&machine_clock);
        ck_assert_uint_eq(ended[0], i + 1);
        ck_assert_int_eq(endings[0][i].error, EIO);
        /* Nothing of it is in virtual time. */
        ck_assert(endings[0][i].when == begin + (i < 2    ? 8 * VTIME_US + 1024
                                                 : i == 2 ? 100 * VTIME_US
                                                          : 8 * VTIME_US));
    }
    ck_assert_int_eq(block_read_now(disk, 0, bytes, sizeof(bytes)), EIO);
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
    ck_assert_msg(strstr(capture.text, wanted) != NULL, "%s", capture.text);
    block_request_destroy(request);
    block_free(disk);
    end(server);
}

START_TEST(server_that_goes_away)
{
    lose_server(SIGKILL, "has gone");
}
END_TEST

START_TEST(server_that_falls_silent)
{
    ck_assert(drive_option_set(&options, "timeout", "300ms", &error));
    lose_server(SIGSTOP, "says nothing");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, same_as_memory);
    tcase_add_test(tests, same_as_memory_over_a_slow_server);
    tcase_add_test(tests, server_with_a_small_maximum);
    tcase_add_test(tests, qcow2_by_qemu_nbd);
    tcase_add_test(tests, forms_of_names);
    tcase_add_test(tests, servers_that_are_not_there);
    tcase_add_test(tests, server_that_only_lets_us_read);
    tcase_add_test(tests, errors_of_the_server);
    tcase_add_test(tests, server_that_goes_away);
    tcase_add_test(tests, server_that_falls_silent);
}

#else

START_TEST(built_without_libnbd)
{
    ck_assert_ptr_null(drive_open(&options, "hda", &machine_clock, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "without libnbd"));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, built_without_libnbd);
}

#endif

int main(void)
{
    Suite *suite = suite_create("nbd");
    TCase *tests = tcase_create("nbd");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

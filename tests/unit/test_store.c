/* SPDX-License-Identifier: MIT */
/*
 * The stores: byte-exact against a model at odd sizes and places, over host calls that are interrupted, cut
 * short or fail, files that are locked, shrink or have no room; and what the user is told.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "block/block.h"
#include "block/store.h"
#include "block_helper.h"
#include "emu/core/bits.h"

/* Stand before the C library's calls, so that a test can interrupt them, cut them short and let them fail. */
static struct {
    uint64_t seed;
    bool unsteady;       /* every call may be interrupted, or move only a few bytes */
    int fail_with;       /* ... and */
    unsigned fail_after; /* calls that still go well */
    unsigned calls, largest;
} host;

static ssize_t host_move(long number, int fd, const struct iovec *pieces, int count, off_t offset)
{
    struct iovec cut[IOV_MAX];
    size_t left = SIZE_MAX;
    int used = 0;

    host.calls++;
    if ((unsigned)count > host.largest) host.largest = (unsigned)count;
    if (host.fail_with && !host.fail_after--) {
        errno = host.fail_with;
        return -1;
    }
    if (count > IOV_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (host.unsteady && random_below(&host.seed, 3) == 0) {
        errno = EINTR;
        return -1;
    }
    if (host.unsteady) left = 1 + random_below(&host.seed, 1500);
    if (host.unsteady && fcntl(fd, F_GETFL) & O_DIRECT) left = 4096 * (left / 500 + 1);
    for (; used < count && left; used++) {
        cut[used] = pieces[used];
        if (cut[used].iov_len > left) cut[used].iov_len = left;
        left -= cut[used].iov_len;
    }
    return syscall(number, fd, cut, used, (long)offset, (long)((uint64_t)offset >> 16 >> 16));
}

ssize_t preadv(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return host_move(SYS_preadv, fd, pieces, count, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return host_move(SYS_pwritev, fd, pieces, count, offset);
}

static ssize_t host_move_one(long number, int fd, const void *bytes, size_t size, off_t offset)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, size};
    return host_move(number, fd, &piece, 1, offset);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    return host_move_one(SYS_preadv, fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return host_move_one(SYS_pwritev, fd, bytes, size, offset);
}

static char directory[64], path[128];
static struct clock machine_clock;
static const struct store_file_options writing = {0};
static const struct store_file_options reading = {.read_only = true};
static const struct store_file_options beneath = {.will_not_write = true};
/* All ways to write an image file, the plain one first. */
static const struct store_file_options ways[] = {{0},
                                                 {.sync = true},
                                                 {.direct = true},
                                                 {.direct = true, .sync = true},
                                                 {.uring = true},
                                                 {.uring = true, .sync = true},
                                                 {.uring = true, .direct = true},
                                                 {.uring = true, .direct = true, .sync = true}};

static void setup(void)
{
    memset(&host, 0, sizeof(host));
    host.seed = 99;
    clock_init(&machine_clock, 0);
    make_directory(directory);
    snprintf(path, sizeof(path), "%s/disk.img", directory);
    ck_assert_int_eq(setenv("TMPDIR", directory, 1), 0);
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0); /* whatever else was left here is a leak */
}

static struct block_store *open_image(const struct store_file_options *options)
{
    struct error error = {""};
    struct block_store *store = store_open_file(path, options, &error);

    ck_assert_msg(store != NULL, "%s", error.text);
    return store;
}

static struct block_store *open_overlay(struct block_store *below)
{
    struct error error = {""};
    struct block_store *store = store_new_overlay(below, &error);

    ck_assert_msg(store != NULL, "%s", error.text);
    return store;
}

/* Against a model. */

enum { MOST = 70 * 1024 };

enum kind {
    MEMORY,
    OVERLAY_ON_MEMORY,
    OVERLAY_ON_FILE,
    OVERLAY_TWICE,
    OVERLAY_ON_URING,
    VOLATILE,
    IMAGE_FILE, /* and the other ways */
    KINDS = IMAGE_FILE + ARRAY_COUNT(ways)
};

static struct block_store *new_store(enum kind kind, const void *contents, size_t size)
{
    write_image(path, contents, size);
    if (kind >= IMAGE_FILE) return open_image(&ways[kind - IMAGE_FILE]);
    switch (kind) {
    case MEMORY: return store_new_memory(size, contents);
    case OVERLAY_ON_URING:
        return open_overlay(open_image(&(struct store_file_options){.will_not_write = true, .uring = true}));
    case VOLATILE: return store_new_volatile(open_image(&writing), 4711, NULL);
    case OVERLAY_ON_MEMORY: return open_overlay(store_new_memory(size, contents));
    case OVERLAY_ON_FILE: return open_overlay(open_image(&beneath));
    default: return open_overlay(open_overlay(open_image(&beneath)));
    }
}

static void nothing(void *owner, struct block_request *request, int error, uint64_t touched)
{
    (void)request;
    (void)touched;
    *(int *)owner = error;
}

/* Random requests, by a device's way and at once, with vectors of all shapes. */
static void compare_with_model(struct block_store *store, uint8_t *model, size_t size, unsigned rounds,
                               uint64_t seed)
{
    static uint8_t buffer[MOST];
    static struct iovec shape[MOST + 8];
    static const uint32_t longest[] = {1, 7, 100, 512, 1000, 5000, MOST};
    size_t sectors = (size + 511) / 512;
    struct block *disk = block_new("disk0", store, &machine_clock);
    struct block_request request;
    int error = 0;

    ck_assert_uint_eq(block_sectors(disk), sectors);
    block_request_init(&request, &machine_clock, "disk0.request", nothing, &error);
    for (unsigned round = 0; round < rounds; round++) {
        static const enum block_op ops[] = {BLOCK_READ,  BLOCK_WRITE, BLOCK_READ,    BLOCK_WRITE,
                                            BLOCK_WRITE, BLOCK_READ,  BLOCK_DISCARD, BLOCK_ZEROES};
        request.op = ops[random_below(&seed, 8)];
        size_t first = random_below(&seed, (uint32_t)sectors);
        size_t most = sectors - first, limit = random_below(&seed, 2) ? 8 : most;
        request.offset = 512 * first;
        request.size = 512 * (1 + random_below(&seed, (uint32_t)(limit < most ? limit : most)));
        fill_random(&seed, buffer, (size_t)request.size);
        request.count = cut_vector(&seed, buffer, (size_t)request.size, longest[random_below(&seed, 7)],
                                   shape, ARRAY_COUNT(shape));
        request.pieces = shape;
        if (request.op == BLOCK_WRITE) {
            memcpy(model + request.offset, buffer, (size_t)request.size);
            memset(model + size, 0, sectors * 512 - size);
        } else if (request.op != BLOCK_READ) {
            memset(model + request.offset, 0, (size_t)request.size);
        }
        block_submit(disk, &request);
        run_clock(&machine_clock);
        ck_assert_int_eq(error, 0);
        ck_assert_uint_eq(request.moved, request.size);
        if (request.op == BLOCK_READ) ck_assert_mem_eq(buffer, model + request.offset, (size_t)request.size);
    }
    ck_assert_int_eq(block_flush_now(disk), 0);
    ck_assert_int_eq(block_read_now(disk, 0, buffer, sectors * 512), 0);
    ck_assert_mem_eq(buffer, model, sectors * 512);
    block_request_destroy(&request);
    block_free(disk);
}

static const unsigned model_sizes[] = {
    1, 511, 512, 513, 4095, 33 * 512 + 1, 64 * 512, 65 * 512 + 300, 130 * 512 + 511};

static void all_kinds_match(bool unsteady, unsigned rounds)
{
    static uint8_t model[MOST], before[MOST], after[MOST];

    for (unsigned i = 0; i < KINDS * ARRAY_COUNT(model_sizes); i++) {
        enum kind kind = (enum kind)(i % KINDS);
        size_t size = model_sizes[i / KINDS];
        uint64_t seed = i;

        memset(model, 0, sizeof(model));
        fill_random(&seed, model, size);
        memcpy(before, model, size);
        struct block_store *store = new_store(kind, model, size);
        host.unsteady = unsteady;
        bool slow = kind >= IMAGE_FILE && ways[kind - IMAGE_FILE].sync;
        compare_with_model(store, model, size, slow ? rounds / 10 : rounds, seed);
        host.unsteady = false;
        /* An image is never grown; under an overlay nothing changes at all. */
        ck_assert_uint_eq(read_image(path, after, sizeof(after)), size);
        ck_assert_mem_eq(after, kind >= VOLATILE ? model : before, size);
    }
}

START_TEST(stores_match_a_model)
{
    all_kinds_match(false, 200);
}
END_TEST

START_TEST(lesson_43_interrupted_and_partial_host_calls)
{
    all_kinds_match(true, 60);
}
END_TEST

START_TEST(more_pieces_than_one_call_takes)
{
    enum { PIECES = 5120 };
    static uint8_t contents[PIECES], buffer[2 * PIECES];
    static struct iovec shape[PIECES];
    struct store_progress progress;
    uint64_t seed = 3;

    fill_random(&seed, contents, sizeof(contents));
    write_image(path, contents, sizeof(contents));
    for (unsigned i = 0; i < PIECES; i++) shape[i] = (struct iovec){buffer + 2 * i, 1};
    struct block_store *store = open_image(&writing);
    ck_assert_int_eq(store->ops->readv(store, 0, (struct vector){shape, PIECES, 0}, PIECES, &progress), 0);
    for (unsigned i = 0; i < PIECES; i++) ck_assert_uint_eq(buffer[2 * i], contents[i]);
    ck_assert_uint_eq(host.largest, 1024);
    ck_assert_uint_eq(host.calls, 5);
    ck_assert_uint_eq(store->host_calls, 5);
    store->ops->close(store);
}
END_TEST

/* Opening. */

static void expect_refusal(const char *image, const struct store_file_options *options, const char *wanted)
{
    struct error error = {""};
    struct capture capture;

    capture_begin(&capture);
    struct block_store *store = store_open_file(image, options, &error);
    ck_assert_str_eq(capture_end(&capture), ""); /* the caller prints the line, with the option before it */
    ck_assert_ptr_null(store);
    ck_assert_msg(strstr(error.text, wanted) != NULL, "no \"%s\" in: %s", wanted, error.text);
    ck_assert_int_eq(strncmp(error.text, image, strlen(image)), 0);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(what_is_no_disk_is_refused)
{
    expect_refusal(path, &writing, "No such file");
    write_image(path, "", 0);
    expect_refusal(path, &writing, "is empty");
    expect_refusal(path, &beneath, "is empty");
    expect_refusal(directory, &writing, "is a directory");
    expect_refusal(directory, &reading, "is a directory");
    expect_refusal("/dev/null", &writing, "is a character device");
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_refusal(path, &reading, "is a pipe");
    unlink(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    expect_refusal(path, &writing, "is a socket");
    close(listener);
    expect_refusal("/dev/null/disk.img", &writing, "Not a directory");
}
END_TEST

/* Root may open everything: become somebody else (the test runs in a process of its own). */
static void drop_privileges(void)
{
    if (geteuid() == 0) ck_assert_int_eq(seteuid(65534), 0);
}

static void take_privileges(void)
{
    if (getuid() == 0) ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(unwritable_image_is_opened_read_only)
{
    uint8_t sector[512] = {0x5A}, back[512];
    struct capture capture;

    write_image(path, sector, sizeof(sector));
    ck_assert_int_eq(chmod(path, 0444), 0);
    unsetenv("TMPDIR");
    drop_privileges();
    capture_begin(&capture);
    struct block_store *store = open_image(&writing);
    ck_assert_ptr_nonnull(strstr(capture_end(&capture), "read-only"));
    ck_assert_uint_eq(count_lines(capture.text), 1);
    ck_assert(store->read_only);
    struct block *disk = block_new("disk0", store, &machine_clock);
    ck_assert_int_eq(block_write_now(disk, 0, sector, 512), EROFS);
    ck_assert_int_eq(block_read_now(disk, 0, back, 512), 0);
    ck_assert_mem_eq(sector, back, 512);
    block_free(disk);

    capture_begin(&capture); /* who did not mean to write hears nothing */
    store = open_overlay(open_image(&beneath));
    ck_assert_str_eq(capture_end(&capture), "");
    ck_assert(!store->read_only);
    store->ops->close(store);
    take_privileges();
    ck_assert_int_eq(chmod(path, 0), 0);
    drop_privileges();
    expect_refusal(path, &reading, "Permission denied");
    expect_refusal(path, &writing, "Permission denied");
    take_privileges();
}
END_TEST

/* Locks. */

/* A process of a given name that takes the image in its way and keeps it until it is told to go. */
static pid_t start_holder(const char *name, void (*hold)(void), int *leash)
{
    int ready[2], go[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(go), 0);
    pid_t pid = fork();
    if (!pid) {
        close(go[1]);
        prctl(PR_SET_NAME, name);
        hold();
        if (write(ready[1], "r", 1) == 1 && read(go[0], &byte, 1) >= 0) _exit(0);
        _exit(1);
    }
    close(ready[1]);
    close(go[0]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *leash = go[1];
    return pid;
}

static void end_holder(pid_t pid, int leash)
{
    close(leash);
    waitpid(pid, NULL, 0);
}

static void hold_writing(void)
{
    if (!store_open_file(path, &writing, NULL)) _exit(2);
}

static void hold_reading(void)
{
    if (!store_open_file(path, &beneath, NULL)) _exit(2);
}

static void hold_by_process_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR);
    if (fd < 0 || fcntl(fd, F_SETLK, &lock)) _exit(2);
}

static void expect_holder(void (*hold)(void), const struct store_file_options *options, const char *how)
{
    char wanted[128];
    int leash;
    pid_t pid = start_holder("hold\033er", hold, &leash); /* a name that means harm to a terminal */

    snprintf(wanted, sizeof(wanted), "in use for %s by process %ld (hold?er); close it", how, (long)pid);
    expect_refusal(path, options, wanted);
    end_holder(pid, leash);
    struct block_store *store = open_image(options);
    store->ops->close(store);
}

START_TEST(locked_image_names_its_holder)
{
    int leash;
    char wanted[128];

    write_image(path, directory, sizeof(directory));
    expect_holder(hold_writing, &writing, "writing");
    expect_holder(hold_writing, &reading, "writing");
    expect_holder(hold_writing, &beneath, "writing");
    expect_holder(hold_reading, &writing, "reading");
    expect_holder(hold_by_process_lock, &writing, "writing");

    pid_t pid = start_holder("holder", hold_reading, &leash);
    snprintf(wanted, sizeof(wanted), "by process %ld (holder); close it or use -snapshot", (long)pid);
    expect_refusal(path, &writing, wanted);
    struct block_store *store = open_overlay(open_image(&beneath)); /* and so it is */
    store->ops->close(store);
    end_holder(pid, leash);
}
END_TEST

START_TEST(same_image_twice_in_one_machine)
{
    write_image(path, directory, sizeof(directory));
    struct block_store *first = open_image(&writing);
    expect_refusal(path, &writing, "another disk of this machine");
    first->ops->close(first);
    first = open_image(&reading);
    struct block_store *second = open_image(&beneath);
    expect_refusal(path, &writing, "-snapshot");
    first->ops->close(first);
    second->ops->close(second);
}
END_TEST

/* Host trouble. */

static void read_truncated(const struct store_file_options *way)
{
    enum { SIZE = 16 * 1024, LEFT = 5000 };
    static uint8_t contents[SIZE], buffer[SIZE], poison[SIZE];
    struct store_progress progress;
    struct capture capture;
    uint64_t seed = 5;

    fill_random(&seed, contents, sizeof(contents));
    write_image(path, contents, sizeof(contents));
    struct block_store *store = open_image(way);
    ck_assert_int_eq(truncate(path, LEFT), 0);
    memset(buffer, 0xEE, sizeof(buffer));
    memset(poison, 0xEE, sizeof(poison));
    struct iovec shape[] = {{buffer, 1000}, {buffer + 1000, SIZE - 1000}};
    capture_begin(&capture);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(store->ops->readv(store, 0, (struct vector){shape, 2, 0}, SIZE, &progress), EIO);
        ck_assert_uint_eq(progress.moved, LEFT);
        ck_assert_uint_eq(progress.touched,
                          LEFT); /* exactly: a bounce copies back no byte more (LESSONS 23) */
        ck_assert_mem_eq(buffer, contents, LEFT);
        ck_assert_mem_eq(buffer + LEFT, poison, SIZE - LEFT);
    }
    ck_assert_int_eq(store->ops->readv(store, 0, (struct vector){shape, 2, 0}, LEFT, &progress), 0);
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
    ck_assert_ptr_nonnull(strstr(capture.text, "shorter"));
    store->ops->close(store);
}

START_TEST(image_truncated_underneath)
{
    read_truncated(&ways[_i]);
}
END_TEST

START_TEST(failed_read_may_have_touched_all)
{
    enum { SIZE = 8192 };
    static uint8_t contents[SIZE], buffer[SIZE];
    static struct iovec shape[1025];
    struct store_progress progress;
    struct capture capture;

    write_image(path, contents, sizeof(contents));
    struct block_store *store = open_image(&writing);
    for (unsigned i = 0; i < 1025; i++) shape[i] = (struct iovec){buffer + i, i < 1024 ? 1 : SIZE - 1024};
    host.fail_with = EIO;
    host.fail_after = 1; /* the second call, which takes up what is beyond 1024 pieces */
    capture_begin(&capture);
    ck_assert_int_eq(store->ops->readv(store, 0, (struct vector){shape, 1025, 0}, SIZE, &progress), EIO);
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
    ck_assert_uint_eq(progress.moved, 1024);
    ck_assert_uint_eq(progress.touched, SIZE);
    host.fail_with = 0;
    store->ops->close(store);
}
END_TEST

/* A host that has no room: by a limit on file sizes, as not everybody may mount a small file system. */
static void write_beyond_the_limit(const struct store_file_options *way)
{
    enum { SIZE = 16 * 1024, ROOM = 5000 };
    static uint8_t contents[SIZE], back[SIZE];
    struct capture capture;
    int error = 0;

    write_image(path, contents, sizeof(contents));
    struct block *disk = block_new("disk0", open_image(way), &machine_clock);
    struct block_request request;
    struct iovec piece = {contents, SIZE};
    block_request_init(&request, &machine_clock, "disk0.request", nothing, &error);
    request.op = BLOCK_WRITE;
    request.offset = 0;
    request.size = SIZE;
    request.pieces = &piece;
    request.count = 1;
    memset(contents, 0x11, sizeof(contents));
    capture_begin(&capture);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ROOM, RLIM_INFINITY}), 0);
    for (unsigned i = 0; i < 3; i++) {
        block_submit(disk, &request);
        ck_assert_int_eq(error, 0);
        run_clock(&machine_clock);
        /* Around the page cache the kernel finds that what the limit leaves is not aligned. */
        ck_assert_int_eq(error, way->direct ? EINVAL : EFBIG);
        ck_assert_uint_eq(request.moved, way->direct ? 0 : ROOM);
        error = 0;
    }
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
    ck_assert_ptr_nonnull(strstr(capture.text, path));
    ck_assert_uint_eq(block_stats(disk)->errors, 3);
    ck_assert_int_eq(block_read_now(disk, 0, back, SIZE), 0);
    ck_assert_uint_eq(back[ROOM - 1], way->direct ? 0 : 0x11);
    ck_assert_uint_eq(back[ROOM], 0);
    block_request_destroy(&request);
    block_free(disk);
}

START_TEST(failed_write_is_reported_once)
{
    write_beyond_the_limit(&ways[_i]);
}
END_TEST

/* Several at once and one that is larger than a job, on the real io_uring. */
START_TEST(many_large_requests_by_every_way)
{
    enum { REQUESTS = 80, PART = 100 * 1024 + 512, LARGE = 9 * 1024 * 1024 + 512 };
    static uint8_t model[LARGE], back[LARGE];
    static struct block_request requests[REQUESTS];
    static struct iovec pieces[REQUESTS];
    int error = 0;
    uint64_t seed = 77;

    write_image(path, model, LARGE);
    struct block *disk = block_new("disk0", open_image(&ways[_i]), &machine_clock);
    fill_random(&seed, model, LARGE);
    for (unsigned i = 0; i < REQUESTS; i++) {
        block_request_init(&requests[i], &machine_clock, "request", nothing, &error);
        requests[i].op = BLOCK_WRITE;
        requests[i].size = PART;
        requests[i].offset = (uint64_t)i * PART;
        requests[i].count = 1;
        requests[i].pieces = &pieces[i];
        pieces[i] = (struct iovec){model + i * PART, PART};
        block_submit(disk, &requests[i]);
    }
    run_clock(&machine_clock);
    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(
        block_write_now(disk, (uint64_t)REQUESTS * PART, model + REQUESTS * PART, LARGE - REQUESTS * PART),
        0);
    ck_assert_int_eq(block_read_now(disk, 0, back, LARGE), 0);
    ck_assert_mem_eq(back, model, LARGE);
    memset(back, 0, LARGE);
    for (unsigned i = 0; i < REQUESTS; i++) {
        requests[i].op = BLOCK_READ;
        pieces[i].iov_base = back + i * PART;
        block_submit(disk, &requests[i]);
    }
    run_clock(&machine_clock);
    ck_assert_int_eq(error, 0);
    ck_assert_mem_eq(back, model, REQUESTS * PART);
    for (unsigned i = 0; i < REQUESTS; i++) block_request_destroy(&requests[i]);
    block_free(disk);
}
END_TEST

START_TEST(discard_gives_room_back)
{
    enum { SIZE = 1024 * 1024 };
    static uint8_t contents[SIZE], back[SIZE];
    struct block_request request;
    struct stat before, after;
    int error = 1;

    memset(contents, 0x5A, SIZE);
    write_image(path, contents, SIZE);
    struct block *disk = block_new("disk0", open_image(&ways[_i]), &machine_clock);
    ck_assert_int_eq(block_write_now(disk, 0, contents, SIZE), 0);
    ck_assert_int_eq(block_flush_now(disk), 0);
    ck_assert_int_eq(stat(path, &before), 0);
    block_request_init(&request, &machine_clock, "request", nothing, &error);
    request.op = BLOCK_DISCARD;
    request.offset = 512;
    request.size = SIZE - 1024;
    block_submit(disk, &request);
    run_clock(&machine_clock);
    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(block_flush_now(disk), 0);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq(after.st_size, SIZE);
    ck_assert_int_lt(after.st_blocks, before.st_blocks / 4);
    memset(contents + 512, 0, SIZE - 1024);
    ck_assert_int_eq(block_read_now(disk, 0, back, SIZE), 0);
    ck_assert_mem_eq(back, contents, SIZE);

    block_set_discard(disk, false); /* discard=ignore */
    ck_assert_int_eq(block_write_now(disk, 0, contents, 512), 0);
    request.offset = 0;
    request.size = 512;
    block_submit(disk, &request);
    run_clock(&machine_clock);
    ck_assert_int_eq(block_read_now(disk, 0, back, 512), 0);
    ck_assert_mem_eq(back, contents, 512);
    block_request_destroy(&request);
    block_free(disk);
}
END_TEST

START_TEST(full_host_disk_under_an_overlay)
{
    enum { SIZE = 256 * 1024 };
    static uint8_t contents[SIZE], changed[SIZE], back[SIZE];
    struct capture capture;
    uint64_t seed = 11;

    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", directory, "tmpfs", 0, "size=65536")) {
        return; /* only root may; failed_write_is_reported_once stays */
    }
    fill_random(&seed, contents, sizeof(contents));
    fill_random(&seed, changed, sizeof(changed));
    struct block_store *store = open_overlay(store_new_memory(SIZE, contents));
    struct block *disk = block_new("disk0", store, &machine_clock);
    capture_begin(&capture);
    ck_assert_int_eq(block_write_now(disk, 0, changed, SIZE), ENOSPC);
    ck_assert_int_eq(block_write_now(disk, SIZE / 2, changed, SIZE / 2), ENOSPC);
    ck_assert_uint_eq(count_lines(capture_end(&capture)), 1);
    ck_assert_ptr_nonnull(strstr(capture.text, "No space left"));
    /* Every sector is either old or new. */
    unsigned old = 0, new = 0;
    ck_assert_int_eq(block_read_now(disk, 0, back, SIZE), 0);
    for (unsigned at = 0; at < SIZE; at += 512) {
        if (!memcmp(back + at, contents + at, 512)) old++;
        if (!memcmp(back + at, changed + at, 512)) new ++;
    }
    ck_assert_uint_eq(old + new, SIZE / 512);
    ck_assert_uint_gt(new, 0);
    ck_assert_uint_gt(old, 0);
    block_free(disk);
    ck_assert_int_eq(umount(directory), 0);
}
END_TEST

/* Overlays. */

START_TEST(overlay_sector_half_written_keeps_its_contents)
{
    static uint8_t contents[4096], buffer[4096];
    static struct iovec shape[1500];
    struct store_progress progress;
    struct capture capture;

    memset(contents, 0x11, sizeof(contents));
    memset(buffer, 0x22, sizeof(buffer));
    struct block_store *store = open_overlay(store_new_memory(sizeof(contents), contents));
    for (unsigned i = 0; i < 1500; i++) shape[i] = (struct iovec){buffer + i, i < 1499 ? 1 : 4096 - 1499};
    shape[1].iov_len = 2; /* 1025 bytes go with the first call; the one for the rest fails */
    host.fail_with = ENOSPC;
    host.fail_after = 1;
    capture_begin(&capture);
    ck_assert_int_eq(store->ops->writev(store, 0, (struct vector){shape, 1500, 0}, 4096, &progress), ENOSPC);
    capture_end(&capture);
    ck_assert_uint_eq(progress.moved, 1025);
    host.fail_with = 0;
    struct iovec all = {buffer, sizeof(buffer)};
    ck_assert_int_eq(store->ops->readv(store, 0, (struct vector){&all, 1, 0}, sizeof(buffer), &progress), 0);
    ck_assert_uint_eq(buffer[0], 0x22);
    ck_assert_uint_eq(buffer[1023], 0x22);
    ck_assert_uint_eq(buffer[1024], 0x11);
    ck_assert_uint_eq(buffer[4095], 0x11);
    store->ops->close(store);
}
END_TEST

START_TEST(overlay_reads_runs_in_one_call_each)
{
    static uint8_t contents[256 * 512], buffer[256 * 512];
    struct iovec piece = {buffer, sizeof(buffer)};
    struct store_progress progress;

    write_image(path, contents, sizeof(contents));
    struct block_store *store = open_overlay(open_image(&beneath));
    memset(buffer, 0x44, sizeof(buffer));
    /* sectors 10 to 99, in parts and out of order, and 200 */
    store->ops->writev(store, 50 * 512, (struct vector){&piece, 1, 0}, 50 * 512, &progress);
    store->ops->writev(store, 10 * 512, (struct vector){&piece, 1, 0}, 40 * 512, &progress);
    store->ops->writev(store, 200 * 512, (struct vector){&piece, 1, 0}, 512, &progress);
    uint64_t before = store->host_calls;
    ck_assert_uint_eq(before, 3);
    ck_assert_int_eq(store->ops->readv(store, 0, (struct vector){&piece, 1, 0}, sizeof(buffer), &progress),
                     0);
    ck_assert_uint_eq(store->host_calls - before, 5);
    for (unsigned i = 0; i < 256; i++) {
        ck_assert_uint_eq(buffer[i * 512], (i >= 10 && i < 100) || i == 200 ? 0x44 : 0);
    }
    store->ops->close(store);
}
END_TEST

START_TEST(overlay_file_needs_a_place)
{
    struct error error = {""};

    setenv("TMPDIR", "/nowhere/at/all", 1);
    ck_assert_ptr_null(store_new_overlay(store_new_memory(512, NULL), &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/at/all"));
    ck_assert_ptr_nonnull(strstr(error.text, "TMPDIR"));
    unsetenv("TMPDIR");
    struct block_store *store = open_overlay(store_new_memory(512, NULL));
    store->ops->close(store);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, stores_match_a_model);
    tcase_add_test(tests, lesson_43_interrupted_and_partial_host_calls);
    tcase_add_test(tests, more_pieces_than_one_call_takes);
    tcase_add_test(tests, what_is_no_disk_is_refused);
    tcase_add_test(tests, unwritable_image_is_opened_read_only);
    tcase_add_test(tests, locked_image_names_its_holder);
    tcase_add_test(tests, same_image_twice_in_one_machine);
    tcase_add_loop_test(tests, image_truncated_underneath, 0, ARRAY_COUNT(ways));
    tcase_add_test(tests, failed_read_may_have_touched_all);
    tcase_add_loop_test(tests, failed_write_is_reported_once, 0, ARRAY_COUNT(ways));
    tcase_add_loop_test(tests, many_large_requests_by_every_way, 0, ARRAY_COUNT(ways));
    tcase_add_loop_test(tests, discard_gives_room_back, 0, ARRAY_COUNT(ways));
    tcase_add_test(tests, full_host_disk_under_an_overlay);
    tcase_add_test(tests, overlay_sector_half_written_keeps_its_contents);
    tcase_add_test(tests, overlay_reads_runs_in_one_call_each);
    tcase_add_test(tests, overlay_file_needs_a_place);
}

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");

    tcase_set_timeout(tests, 60);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

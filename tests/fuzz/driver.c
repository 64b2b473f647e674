/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz surface without libFuzzer:
 *
 *     fuzz_X [--seed S] [--runs N] [--seconds T] [--save FILE]     cases made up from the seeds S, S + 1, ...
 *     fuzz_X --guided [...]                                        cases that grow from those that reached new code
 *     fuzz_X FILE...                                               replays cases
 *
 * --guided is for programs whose code was compiled with -fsanitize-coverage=trace-pc (`make fuzz-guided`), which
 * gcc knows too; the same seed leads the same way. What a case reached is a map of branches, as a bit for each
 * number of times, in powers of two.
 *
 * When a case breaks something, the line on stderr says how to repeat exactly that case. --save writes the
 * bytes of the first one to a file.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/fuzz/fuzz.h"

#define CASE_SECONDS 20 /* a case that takes longer hangs */
#define SAVED_LIMIT  (1 << 20)

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_set_death_callback(void (*callback)(void));
#endif

static char repeat[512];

static void say_how_to_repeat(void)
{
    if (write(STDERR_FILENO, repeat, strlen(repeat)) < 0) return;
}

static void on_signal(int signal_number)
{
    const char *why = signal_number == SIGALRM ? "a case hangs\n" : "a case aborts\n";
    if (write(STDERR_FILENO, why, strlen(why)) < 0) _exit(1);
    say_how_to_repeat();
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
}

static void watch(void)
{
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(say_how_to_repeat);
#endif
}

static void run_case(const uint8_t *data, size_t size)
{
    alarm(CASE_SECONDS);
    LLVMFuzzerTestOneInput(data, size);
    alarm(0);
}

/* ---- made-up cases ---- */

/* Some cases short, all of them reaching some way into the surface. */
static size_t make_case(uint64_t seed, uint8_t *data)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (unsigned i = 0; i < 4; i++) fuzz_random(&state);
    size_t size = 16 + (size_t)(fuzz_random(&state) >> 8) % fuzz_longest;
    if (size > fuzz_longest) size = fuzz_longest;
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(fuzz_random(&state) >> 32);
    return size;
}

static bool save_case(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool saved = file && fwrite(data, 1, size, file) == size;
    if (file && fclose(file)) saved = false;
    if (!saved) fprintf(stderr, "%s: %s: cannot be written\n", fuzz_name, path);
    return saved;
}

static int run_made_up(uint64_t seed, uint64_t runs, time_t seconds, const char *save)
{
    time_t end = seconds ? time(NULL) + seconds : 0;
    uint8_t *data = malloc(fuzz_longest);
    if (!data) return 1;
    uint64_t done = 0;
    bool well = true;
    while (well && done < runs && (!end || time(NULL) < end)) {
        size_t size = make_case(seed + done, data);
        snprintf(repeat, sizeof repeat, "repeat with: %s --seed %" PRIu64 " --runs 1\n", fuzz_name,
                 seed + done);
        if (save && !done) well = save_case(save, data, size);
        run_case(data, size);
        done++;
    }
    free(data);
    printf("%s: %" PRIu64 " cases from seed %" PRIu64 "\n", fuzz_name, done, seed);
    return !well;
}

/* ---- cases led by coverage ---- */

#define COVER_BITS   16
#define KEPT_AT_MOST 4096

static uint8_t reached[1 << COVER_BITS]; /* by this case: how often, up to 255 */
static uint8_t known[1 << COVER_BITS];   /* by all: a bit per power of two */

/* Called by the compiler's code at every branch. */
void __sanitizer_cov_trace_pc(void);
__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void)
{
    static uint32_t from;
    uint32_t here = (uint32_t)(uintptr_t)__builtin_return_address(0) * UINT32_C(0x9e3779b1);
    uint8_t *count = &reached[(here ^ from) >> (32 - COVER_BITS)];
    from = here >> 1;
    *count += *count != 255;
}

/* How many things were reached that were not known. */
static unsigned learn(void)
{
    unsigned found = 0;
    for (size_t i = 0; i < sizeof(known); i++) {
        if (!reached[i]) continue;
        uint8_t bit = (uint8_t)(1u << (31 - __builtin_clz(reached[i])));
        found += !(known[i] & bit);
        known[i] |= bit;
    }
    memset(reached, 0, sizeof(reached));
    return found;
}

struct kept {
    uint8_t *data;
    size_t size;
};

static struct kept kept[KEPT_AT_MOST];
static unsigned kept_count;

static void keep(const uint8_t *data, size_t size)
{
    if (kept_count == KEPT_AT_MOST) return;
    struct kept copy = {malloc(size ? size : 1), size};
    if (!copy.data) return;
    memcpy(copy.data, data, size);
    kept[kept_count++] = copy;
}

/* A kept case, changed in a few places: bytes, runs of bytes, a part of another one put in, a part taken out. */
static size_t change_case(uint64_t *state, uint8_t *data)
{
    const struct kept *from = &kept[fuzz_random(state) % kept_count];
    size_t size = from->size;
    memcpy(data, from->data, size);
    for (unsigned times = 1 + fuzz_random(state) % 6; times; times--) {
        const struct kept *other = &kept[fuzz_random(state) % kept_count];
        size_t at = size ? fuzz_random(state) % size : 0, length = 1 + fuzz_random(state) % 24;
        size_t room = fuzz_longest - size, rest = size - at;
        switch (fuzz_random(state) >> 40 & 7) {
        case 0: /* out */
            if (length > rest) length = rest;
            memmove(data + at, data + at + length, rest - length);
            size -= length;
            break;
        case 1: /* in */
        case 2:
            if (length > room) length = room;
            if (length > other->size) length = other->size;
            memmove(data + at + length, data + at, rest);
            memcpy(data + at, other->data + (length ? fuzz_random(state) % (other->size - length + 1) : 0),
                   length);
            size += length;
            break;
        case 3: /* over */
            if (length > rest) length = rest;
            for (size_t i = 0; i < length; i++) data[at + i] = (uint8_t)(fuzz_random(state) >> 32);
            break;
        case 4: /* more at the end */
            if (length > room) length = room;
            for (size_t i = 0; i < length; i++) data[size + i] = (uint8_t)(fuzz_random(state) >> 32);
            size += length;
            break;
        default: /* a byte */
            if (rest)
                data[at] =
                    fuzz_random(state) & 256 ? (uint8_t)fuzz_random(state) : data[at] ^ 1u << (length & 7);
        }
    }
    return size;
}

static int run_guided(uint64_t seed, uint64_t runs, time_t seconds)
{
    time_t end = seconds ? time(NULL) + seconds : 0;
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1, done = 0, found = 0;
    uint8_t *data = malloc(fuzz_longest);
    if (!data) return 1;
    for (; done < runs && (!end || time(NULL) < end); done++) {
        size_t size = kept_count && done % 64 ? change_case(&state, data) : make_case(seed + done, data) / 8;
        snprintf(repeat, sizeof repeat, "repeat with: %s --guided --seed %" PRIu64 " --runs %" PRIu64 "\n",
                 fuzz_name, seed, done + 1);
        memset(reached, 0, sizeof(reached));
        run_case(data, size);
        unsigned new = learn();
        found += new;
        if (new) keep(data, size);
    }
    free(data);
    printf("%s: %" PRIu64 " cases led by coverage from seed %" PRIu64 ": %" PRIu64
           " branches, %u cases kept\n",
           fuzz_name, done, seed, found, kept_count);
    if (found) return 0;
    fprintf(stderr, "%s: not compiled with -fsanitize-coverage=trace-pc: nothing leads\n", fuzz_name);
    return 2;
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(SAVED_LIMIT);
    if (!file || !data) {
        fprintf(stderr, "%s: %s: %s\n", fuzz_name, path, strerror(errno));
        if (file) fclose(file);
        free(data);
        return 1;
    }
    size_t size = fread(data, 1, SAVED_LIMIT, file);
    fclose(file);
    snprintf(repeat, sizeof repeat, "repeat with: %s %.400s\n", fuzz_name, path);
    run_case(data, size);
    free(data);
    printf("%s: %s: %zu bytes\n", fuzz_name, path, size);
    return 0;
}

/* ---- command line ---- */

static bool option(char **argv, int *at, const char *name, const char **value)
{
    if (strcmp(argv[*at], name) || !argv[*at + 1]) return false;
    *value = argv[++*at];
    return true;
}

int main(int argc, char **argv)
{
    const char *runs = NULL, *seed = "1", *seconds = NULL, *save = NULL;
    int status = 0, files = 0;
    bool guided = false;
    LLVMFuzzerInitialize(&argc, &argv);
    watch();
    for (int i = 1; i < argc; i++) {
        if (option(argv, &i, "--runs", &runs) || option(argv, &i, "--seed", &seed) ||
            option(argv, &i, "--seconds", &seconds) || option(argv, &i, "--save", &save))
            continue;
        if (!strcmp(argv[i], "--guided")) {
            guided = true;
            continue;
        }
        if (!strncmp(argv[i], "--", 2)) {
            fprintf(stderr,
                    "usage: %s [--guided] [--seed S] [--runs N] [--seconds T] [--save FILE] [FILE...]\n",
                    fuzz_name);
            return 2;
        }
        status |= run_file(argv[i]);
        files++;
    }
    if (files) return status;
    uint64_t most = runs ? strtoull(runs, NULL, 0) : seconds ? UINT64_MAX : 100;
    time_t limit = seconds ? (time_t)strtoll(seconds, NULL, 0) : 0;
    if (guided) return run_guided(strtoull(seed, NULL, 0), most, limit);
    return run_made_up(strtoull(seed, NULL, 0), most, limit, save);
}

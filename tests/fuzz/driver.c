/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz surface without libFuzzer:
 *
 *     fuzz_X [--seed S] [--runs N] [--seconds T] [--save FILE]     cases made up from the seeds S, S + 1, ...
 *     fuzz_X FILE...                                               replays cases
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
    LLVMFuzzerInitialize(&argc, &argv);
    watch();
    for (int i = 1; i < argc; i++) {
        if (option(argv, &i, "--runs", &runs) || option(argv, &i, "--seed", &seed) ||
            option(argv, &i, "--seconds", &seconds) || option(argv, &i, "--save", &save))
            continue;
        if (!strncmp(argv[i], "--", 2)) {
            fprintf(stderr, "usage: %s [--seed S] [--runs N] [--seconds T] [--save FILE] [FILE...]\n",
                    fuzz_name);
            return 2;
        }
        status |= run_file(argv[i]);
        files++;
    }
    if (files) return status;
    uint64_t most = runs ? strtoull(runs, NULL, 0) : seconds ? UINT64_MAX : 100;
    return run_made_up(strtoull(seed, NULL, 0), most, seconds ? (time_t)strtoll(seconds, NULL, 0) : 0, save);
}

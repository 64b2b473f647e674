/* SPDX-License-Identifier: MIT */
/* Options -> board -> run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "emu/board/board.h"
#include "emu/core/log.h"
#include "emu/core/timeline.h"
#include "emu/core/trace.h"
#include "emu/ui/options.h"
#include "emu/ui/runner.h"
#include "emu/ui/terminal.h"

/* So that no image ends up as descriptor 1. */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) exit(STATUS_TROUBLE);
}

static FILE *open_log(const char *option, const char *path, struct error *error)
{
    FILE *file = fopen(path, "we");
    if (!file) error_set(error, "%s: %s: cannot be written: %s", option, path, strerror(errno));
    return file;
}

/* What the log says while the board is made; it goes where -D says once we know that the machine will run. */
struct early_log {
    char *text;
    size_t size;
    FILE *file;
};

static void early_log_start(struct early_log *early, const struct options *options)
{
    *early = (struct early_log){0};
    if (!options->log_file) return;
    early->file = open_memstream(&early->text, &early->size);
    log_set_output(early->file);
    trace_set_output(early->file, options->trace_json);
}

static void early_log_end(struct early_log *early, FILE *log)
{
    log_set_output(log);
    if (!early->file) return;
    fclose(early->file);
    if (log) fwrite(early->text, 1, early->size, log);
    free(early->text);
    *early = (struct early_log){0};
}

static bool open_logs(const struct options *options, struct early_log *early, struct timeline **timeline,
                      struct error *error)
{
    FILE *log = NULL, *trace = NULL;
    if (options->log_file && !(log = open_log("-D", options->log_file, error))) return false;
    if (options->trace_file && !(trace = open_log("-trace", options->trace_file, error))) return false;
    if (options->timeline_file && !(*timeline = timeline_open(options->timeline_file, error)))
        return error_prefix(error, "-timeline");
    early_log_end(early, log);
    trace_set_output(trace ? trace : log, options->trace_json);
    return true;
}

static int run(const struct options *options, struct error *error)
{
    struct early_log early;
    early_log_start(&early, options);
    struct board *board = board_new(&options->board, error);
    struct runner *runner = board ? runner_new(options, board, error) : NULL;
    struct timeline *timeline = NULL;
    int status = STATUS_TROUBLE;
    if (runner && open_logs(options, &early, &timeline, error))
        status = runner_run(runner);
    else
        early_log_end(&early, NULL);
    if (!timeline_close(timeline)) {
        message("-timeline: %s: not all could be written", options->timeline_file);
        status = STATUS_TROUBLE;
    }
    runner_free(runner);
    board_free(board);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    bool ready = options_parse(&options, argc, argv, &error);
    if (ready && options.show) {
        options.show(stdout);
        options_free(&options);
        return fflush(stdout) ? STATUS_TROUBLE : STATUS_OK;
    }
    const struct options_host host = {
        .terminal_in = terminal_is_ours(STDIN_FILENO),
        .terminal_out = terminal_is_ours(STDOUT_FILENO),
        .full_screen = terminal_can_draw(),
        .now = time(NULL),
    };
    ready = ready && options_settle(&options, &host, &error);
    int status = STATUS_TROUBLE;
    if (ready) {
        signals_install();
        status = run(&options, &error);
    }
    if (error.text[0]) message("%s", error.text);
    options_free(&options);
    return status;
}

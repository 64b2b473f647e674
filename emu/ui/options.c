/* SPDX-License-Identifier: MIT */
/* The command line: see options.h. */
#include "emu/ui/options.h"

#include <stdlib.h>
#include <string.h>
#include "emu/board/replay.h"
#include "emu/core/bits.h"
#include "emu/ui/option_table.h"
#include "emu/ui/values.h"

#define HELP_COLUMN 16
#define ESCAPE_KEY  1                   /* Ctrl-A */
#define FIXED_DATE  INT64_C(1767225600) /* 2026-01-01, for runs that repeat */
#define NAMES_MOST  128

char *options_keep(struct options *options, const char *text)
{
    char *copy = strdup(text);
    char **kept = realloc(options->kept, (options->kept_count + 1) * sizeof *kept);
    if (!copy || !kept) abort(); /* a command line that does not fit into memory */
    options->kept = kept;
    options->kept[options->kept_count++] = copy;
    return copy;
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < options->kept_count; i++) free(options->kept[i]);
    free(options->kept);
    options->kept = NULL;
    options->kept_count = 0;
}

/* ---- --help ---- */

static void print_option(const struct option *option, FILE *to)
{
    int width = fprintf(to, "-%s", option->name);
    if (option->alias) width += fprintf(to, " or -%s", option->alias);
    if (option->argument) width += fprintf(to, " %s", option->argument);
    if (width >= HELP_COLUMN) {
        fputc('\n', to);
        width = 0;
    }
    for (const char *line = option->help; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(to, "%*s%.*s\n", HELP_COLUMN - width, "", (int)length, line);
        width = 0;
        line += length + (line[length] == '\n');
    }
}

void options_print_help(FILE *to)
{
    fprintf(to,
            "Vitrine %s, a PC under glass\n"
            "usage: vitrine [options] [disk_image]\n\n"
            "'disk_image' is a raw image for IDE disk 0\n",
            VITRINE_VERSION);
    for (unsigned i = 0; i < option_table_size; i++) {
        if (option_table[i].name)
            print_option(&option_table[i], to);
        else
            fprintf(to, "\n%s:\n", option_table[i].help);
    }
    fprintf(to, "\nKeys on a shared terminal and on the display: Ctrl-A h for help, Ctrl-A x to quit\n"
                "Exit status: 0 power-off or quit, 2 wrong usage or trouble on the host, 4 triple fault,\n"
                "6 limit reached, odd from isa-debug-exit\n");
}

/* ---- parsing ---- */

static const struct option *find_option(const char *name)
{
    for (unsigned i = 0; i < option_table_size; i++) {
        const struct option *option = &option_table[i];
        if (!option->name) continue;
        if (!strcmp(option->name, name) || (option->alias && !strcmp(option->alias, name))) return option;
    }
    return NULL;
}

static bool unknown_option(const char *argument, const char *name, struct error *error)
{
    const char *names[NAMES_MOST];
    unsigned count = 0;
    for (unsigned i = 0; i < option_table_size && count + 1 < NAMES_MOST; i++)
        if (option_table[i].name) names[count++] = option_table[i].name;
    names[count] = NULL;
    error_set(error, "%s: unknown option; --help lists them", argument);
    error_suggest(error, "-", name, names);
    return false;
}

static bool parse_option(struct options *options, char **argv, int *at, struct error *error)
{
    const char *argument = argv[*at], *name = argument + (argument[1] == '-' ? 2 : 1);
    const struct option *option = find_option(name);
    char *value = NULL;
    if (!option) return unknown_option(argument, name, error);
    if (option->argument) {
        if (!argv[*at + 1])
            return error_set(error, "%s: (nothing): needs a value: %s", argument, option->argument);
        value = options_keep(options, argv[++*at]);
    }
    return option->set(options, value, error) || error_prefix(error, "-%s", option->name);
}

/* -snapshot belongs to the whole line and not to the place where it stands. */
static void spread(struct options *options)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++) {
        struct drive_options *drive = &options->board.drives[i].options;
        if (options->snapshot && !drive->snapshot_said) drive->snapshot = true;
    }
    options->board.data_dirs = options->dirs;
}

bool options_parse(struct options *options, int argc, char **argv, struct error *error)
{
    *options = (struct options){.escape = ESCAPE_KEY, .limit_insns = UINT64_MAX, .limit_time = VTIME_NEVER};
    board_config_default(&options->board);
    for (int at = 1; at < argc && !options->show; at++) {
        bool read = argv[at][0] == '-' && argv[at][1]
                        ? parse_option(options, argv, &at, error)
                        : options_set_disk(options, 0, options_keep(options, argv[at]), error) ||
                              error_prefix(error, "-hda");
        if (!read) return false;
    }
    spread(options);
    return true;
}

/* ---- defaults ---- */

bool options_serial_stdio(const struct options *options)
{
    for (unsigned i = 0; i < options->serial_count; i++)
        if (options->serial[i].kind == CHAR_STDIO || options->serial[i].kind == CHAR_MON_STDIO) return true;
    return false;
}

static void settle_display(struct options *options, const struct options_host *host)
{
    if (options->no_defaults && !options->vga_said) options->board.vga = false;
    if (options->no_graphic) options->display = DISPLAY_NONE;
    if (options->display != DISPLAY_UNSAID) return;
    bool can = host->terminal_in && host->terminal_out && host->full_screen;
    bool wants = options->board.vga && !options->no_defaults && !options_serial_stdio(options) &&
                 options->debugcon.kind != CHAR_STDIO;
    options->display = can && wants ? DISPLAY_CURSES : DISPLAY_NONE;
}

static void settle_serial(struct options *options)
{
    if (!options->serial_count && !(options->no_defaults && !options->no_graphic)) {
        options->serial[0].kind = options->no_graphic                  ? CHAR_MON_STDIO
                                  : options->display == DISPLAY_CURSES ? CHAR_NULL
                                                                       : CHAR_STDIO;
        options->serial_count = 1;
    }
    for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++)
        options->board.serial[i] = i < options->serial_count && options->serial[i].kind != CHAR_NONE;
}

static bool check_stdio(const struct options *options, const struct options_host *host, struct error *error)
{
    unsigned users = 0;
    for (unsigned i = 0; i < options->serial_count; i++)
        users += options->serial[i].kind == CHAR_STDIO || options->serial[i].kind == CHAR_MON_STDIO;
    if (users > 1)
        return error_set(
            error, "-serial: stdio: only one serial port can be there; give the others file:PATH or null");
    if (options->display != DISPLAY_CURSES) return true;
    if (!host->terminal_in || !host->terminal_out)
        return error_set(error,
                         "-display: curses: stdin and stdout are no terminal of ours; say -display none");
    if (users)
        return error_set(
            error,
            "-display: curses: needs the terminal that -serial stdio uses; send one of them elsewhere");
    if (options->debugcon.kind == CHAR_STDIO)
        return error_set(
            error,
            "-display: curses: needs the terminal that -debugcon stdio uses; send one of them elsewhere");
    return options->board.vga ||
           error_set(error, "-display: curses: there is no graphics card; say -vga std");
}

/* A run that is to be repeated keeps its disks as they are, and what a debugger does to it would be missing. */
static bool settle_recording(struct options *options, struct error *error)
{
    if (!options->record_file && !options->replay_file) return true;
    if (options->record_file && options->replay_file)
        return error_set(error, "-record: not together with -replay");
    if (options->gdb && options->record_file) return error_set(error, "-record: not together with -gdb");
    for (unsigned i = 0; i < BOARD_DRIVES; i++) options->board.drives[i].options.snapshot = true;
    return !options->replay_file || replay_date(options->replay_file, &options->board.date, error) ||
           error_prefix(error, "-replay");
}

bool options_settle(struct options *options, const struct options_host *host, struct error *error)
{
    settle_display(options, host);
    settle_serial(options);
    bool live = options->display == DISPLAY_CURSES || (options_serial_stdio(options) && host->terminal_in);
    if (options->pacing == PACING_UNSAID) options->pacing = live ? PACING_ON : PACING_OFF;
    if (!options->date_said) options->board.date = live ? host->now : FIXED_DATE;
    if (options->wait_for_gdb && !options->gdb)
        return error_set(error, "-S: nobody could start the machine; add -s or -gdb tcp::PORT");
    return settle_recording(options, error) && check_stdio(options, host, error);
}

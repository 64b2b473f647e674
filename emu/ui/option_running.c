/* SPDX-License-Identifier: MIT */
/* Options about how a run goes, and what is to be seen of it. */
#include "emu/ui/option_setters.h"

#include <string.h>
#include "emu/core/log.h"
#include "emu/core/size.h"
#include "emu/core/trace.h"
#include "emu/ui/keys.h"
#include "emu/ui/option_values.h"
#include "emu/ui/values.h"

#define SHIFT_MOST 10
#define PORT_MOST  0xffff

/* ---- running ---- */

static bool set_shift(void *target, const char *value, struct error *error)
{
    uint64_t shift;
    if (!strcmp(value, "auto")) return true;
    if (!number_parse(value, SHIFT_MOST, &shift))
        return error_set(error, "%s: say auto or a number from 0 to %d", value_or_nothing(value), SHIFT_MOST);
    ((struct options *)target)->board.clock_shift = (unsigned)shift;
    return true;
}

static bool set_sleep(void *target, const char *value, struct error *error)
{
    bool on;
    if (!value_switch(&on, value, error)) return false;
    ((struct options *)target)->pacing = on ? PACING_ON : PACING_OFF;
    return true;
}

bool option_set_icount(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {{"shift", set_shift}, {"sleep", set_sleep}, {NULL, NULL}};
    return properties_parse(value, "shift", properties, options, error);
}

bool option_set_no_reboot(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->board.no_reboot = true;
    return true;
}

bool option_set_triple_fault(struct options *options, char *value, struct error *error)
{
    static const char *const words[] = {"stop", "reset", NULL};
    int word = value_word(value, words, error);
    options->board.triple_fault_resets = word == 1;
    return word >= 0;
}

static bool set_limit_insns(void *target, const char *value, struct error *error)
{
    return value_number(&((struct options *)target)->limit_insns, value, 1, UINT64_MAX - 1, error);
}

static bool set_limit_time(void *target, const char *value, struct error *error)
{
    vtime *limit = &((struct options *)target)->limit_time;
    if (duration_parse(value, limit) && *limit > 0) return true;
    return error_set(error, "%s: is not a time; say one like 5s or 200ms", value_or_nothing(value));
}

bool option_set_limit(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"insns", set_limit_insns}, {"time", set_limit_time}, {NULL, NULL}};
    return properties_parse(value, NULL, properties, options, error);
}

bool option_set_loadvm(struct options *options, char *value, struct error *error)
{
    return value_path(&options->load_file, value, error);
}

bool option_set_savevm(struct options *options, char *value, struct error *error)
{
    char *comma = strchr(value, ',');
    if (comma) *comma = 0;
    if (!comma || !duration_parse(value, &options->save_at))
        return error_set(error, "%s: is not a time and a file; say when and where, like 5s,machine.vm",
                         value_or_nothing(value));
    return value_path(&options->save_file, comma + 1, error);
}

bool option_set_record(struct options *options, char *value, struct error *error)
{
    return value_path(&options->record_file, value, error);
}

bool option_set_replay(struct options *options, char *value, struct error *error)
{
    return value_path(&options->replay_file, value, error);
}

bool option_set_type(struct options *options, char *value, struct error *error)
{
    struct typed_text *typed = &options->typed[options->typed_count];
    char *colon = strchr(value, ':');
    if (options->typed_count == OPTIONS_TYPED_MAX)
        return error_set(error, "%s: there are %d texts already", value, OPTIONS_TYPED_MAX);
    if (colon) *colon = 0;
    if (!colon || !duration_parse(value, &typed->at))
        return error_set(error, "%s: is not a time; say when and what, like 3s:ls\\n",
                         value_or_nothing(value));
    typed->text = colon + 1;
    if (!keys_check(typed->text, error)) return false;
    options->typed_count++;
    return true;
}

/* ---- looking inside ---- */

bool option_set_gdb(struct options *options, char *value, struct error *error)
{
    if (!strcmp(value, "none")) {
        options->gdb = NULL;
        return true;
    }
    uint64_t port;
    const char *colon = strrchr(value, ':');
    if (strncmp(value, "tcp:", 4) || !colon || !number_parse(colon + 1, PORT_MOST, &port))
        return error_set(error, "%s: say tcp::PORT, or none", value_or_nothing(value));
    options->gdb = value;
    return true;
}

bool option_set_gdb_default(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->gdb = "tcp::1234";
    return true;
}

bool option_set_wait(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->wait_for_gdb = true;
    return true;
}

static void show_log_items(FILE *to)
{
    fputs("Log items, separated by commas:\n"
          "int                  every interrupt and exception, with its reason\n"
          "cpu_reset            registers at each reset\n"
          "guest_errors         every broken rule, not only the first of each place\n"
          "unimp                registers and commands that do nothing here\n"
          "in_asm               each block of instructions when it is first decoded\n",
          to);
}

bool option_set_log(struct options *options, char *value, struct error *error)
{
    if (strcmp(value, "help")) return log_enable(value, error);
    options->show = show_log_items;
    return true;
}

bool option_set_log_file(struct options *options, char *value, struct error *error)
{
    return value_path(&options->log_file, value, error);
}

static bool set_trace_pattern(void *target, const char *value, struct error *error)
{
    (void)target;
    return trace_enable(value, error);
}

static bool set_trace_format(void *target, const char *value, struct error *error)
{
    static const char *const words[] = {"text", "json", NULL};
    int word = value_word(value, words, error);
    ((struct options *)target)->trace_json = word == 1;
    return word >= 0;
}

static bool set_trace_file(void *target, const char *value, struct error *error)
{
    return value_path(&((struct options *)target)->trace_file, value, error);
}

bool option_set_trace(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"enable", set_trace_pattern}, {"format", set_trace_format}, {"file", set_trace_file}, {NULL, NULL}};
    if (!strcmp(value, "help")) {
        options->show = trace_list;
        return true;
    }
    return properties_parse(value, "enable", properties, options, error);
}

bool option_set_timeline(struct options *options, char *value, struct error *error)
{
    return value_path(&options->timeline_file, value, error);
}

bool option_set_stats(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->stats = true;
    return true;
}

bool option_set_dump_screen(struct options *options, char *value, struct error *error)
{
    return value_path(&options->dump_screen, value, error);
}

static void show_version(FILE *to)
{
    fprintf(to, "vitrine %s\n", VITRINE_VERSION);
}

bool option_set_version(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->show = show_version;
    return true;
}

bool option_set_help(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->show = options_print_help;
    return true;
}

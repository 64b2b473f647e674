/* SPDX-License-Identifier: MIT */
/* The options and what reads their values: see option_table.h. */
#include "emu/ui/option_table.h"

#include <string.h>
#include <time.h>
#include "devices/platform/debug_port.h"
#include "devices/platform/isa_debug_exit.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/size.h"
#include "emu/core/trace.h"
#include "emu/ui/keys.h"
#include "emu/ui/values.h"

#define MIB        (UINT64_C(1) << 20)
#define RAM_MOST   (UINT64_C(4) << 30)
#define RAM_GRAIN  4096
#define SHIFT_MOST 10
#define PORT_MOST  0xffff

static const char *or_empty(const char *value)
{
    return *value ? value : "(nothing)";
}

/* A value that must be one word of a list; its number, or -1 with an error. */
static int word_of(const char *value, const char *const *words, struct error *error)
{
    char known[200] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(value, words[i])) return i;
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", words[i]);
    }
    error_set(error, "%s: not known; say one of: %s", or_empty(value), known);
    return -1;
}

static bool set_switch(bool *target, const char *value, struct error *error)
{
    return switch_parse(value, target) || error_set(error, "%s: say on or off", or_empty(value));
}

static bool set_number(uint64_t *target, const char *value, uint64_t least, uint64_t most,
                       struct error *error)
{
    if (number_parse(value, most, target) && *target >= least) return true;
    if (most == UINT64_MAX)
        return error_set(error, "%s: is not a number from %llu on", or_empty(value),
                         (unsigned long long)least);
    return error_set(error, "%s: is not a number from %llu to %llu", or_empty(value),
                     (unsigned long long)least, (unsigned long long)most);
}

static bool set_port(uint16_t *target, const char *value, struct error *error)
{
    uint64_t port;
    if (!number_parse(value, PORT_MOST, &port) || !port)
        return error_set(error, "%s: is no I/O port; say a number from 0x1 to 0xffff", or_empty(value));
    *target = (uint16_t)port;
    return true;
}

static bool set_path(const char **target, const char *value, struct error *error)
{
    if (!*value) return error_set(error, "(nothing): needs a file name");
    *target = value;
    return true;
}

/* ---- machine ---- */

static bool set_machine_type(void *target, const char *value, struct error *error)
{
    (void)target;
    static const char *const words[] = {"pc", NULL};
    return word_of(value, words, error) >= 0;
}

static bool set_accelerator(void *target, const char *value, struct error *error)
{
    (void)target;
    return !strcmp(value, "tcg") ||
           error_set(error, "%s: there is only tcg, the built-in interpreter", or_empty(value));
}

static bool set_dma(void *target, const char *value, struct error *error)
{
    static const char *const words[] = {"direct", "indirect", "faulty", NULL}; /* enum dma_mode */
    int word = word_of(value, words, error);
    if (word >= 0) ((struct options *)target)->board.dma.mode = (enum dma_mode)word;
    return word >= 0;
}

static bool set_seed(void *target, const char *value, struct error *error)
{
    return set_number(&((struct options *)target)->board.dma.seed, value, 0, UINT64_MAX, error);
}

static bool set_max_bounce(void *target, const char *value, struct error *error)
{
    uint64_t *limit = &((struct options *)target)->board.dma.max_bounce;
    if (size_parse(value, 1, limit) && *limit >= 512) return true;
    return error_set(error, "%s: is not a size of at least 512 bytes", or_empty(value));
}

static bool set_checker(void *target, const char *value, struct error *error)
{
    return set_switch(&((struct options *)target)->board.dma_checker, value, error);
}

static void show_machines(FILE *to)
{
    fputs("pc                   i440FX and PIIX3, 1996 (default)\n", to);
}

static bool set_machine(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"type", set_machine_type},
        {"dma", set_dma},
        {"seed", set_seed},
        {"max-bounce-buffer-size", set_max_bounce},
        {"checker", set_checker},
        {"accel", set_accelerator},
        {NULL, NULL},
    };
    if (!strcmp(value, "help")) {
        options->show = show_machines;
        return true;
    }
    return properties_parse(value, "type", properties, options, error);
}

static bool set_accel(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {{"accel", set_accelerator}, {NULL, NULL}};
    return properties_parse(value, "accel", properties, options, error);
}

static bool set_memory_size(void *target, const char *value, struct error *error)
{
    uint64_t bytes;
    if (!size_parse(value, MIB, &bytes))
        return error_set(error, "%s: is not a size; say a number of MiB, or one with K, M or G",
                         or_empty(value));
    if (bytes < MIB) return error_set(error, "%s: is too little RAM; say at least 1M", value);
    if (bytes > RAM_MOST)
        return error_set(error, "%s: is too much RAM for a 32-bit PC; say at the most 4G", value);
    if (bytes % RAM_GRAIN) return error_set(error, "%s: is not a multiple of 4K", value);
    ((struct options *)target)->board.ram_size = bytes;
    return true;
}

static bool set_memory(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {{"size", set_memory_size}, {NULL, NULL}};
    return properties_parse(value, "size", properties, options, error);
}

/* What -smp says; 0 where it says nothing. */
struct smp_choice {
    unsigned cpus, sockets, cores, threads, most;
};

static bool count_of(const char *value, unsigned *count, struct error *error)
{
    uint64_t number;
    if (!number_parse(or_empty(value), BOARD_CPUS_MOST, &number) || !number)
        return error_set(error, "%s: a number from 1 to %d", or_empty(value), BOARD_CPUS_MOST);
    *count = (unsigned)number;
    return true;
}

static bool set_cpus(void *target, const char *value, struct error *error)
{
    return count_of(value, &((struct smp_choice *)target)->cpus, error);
}

static bool set_sockets(void *target, const char *value, struct error *error)
{
    return count_of(value, &((struct smp_choice *)target)->sockets, error);
}

static bool set_cores(void *target, const char *value, struct error *error)
{
    return count_of(value, &((struct smp_choice *)target)->cores, error);
}

static bool set_threads(void *target, const char *value, struct error *error)
{
    return count_of(value, &((struct smp_choice *)target)->threads, error);
}

/* CPUs cannot be added later: `maxcpus` may only repeat the count. */
static bool set_max_cpus(void *target, const char *value, struct error *error)
{
    return count_of(value, &((struct smp_choice *)target)->most, error);
}

/* What is not said follows from what is; sockets take what cores and threads leave. Threads count as cores. */
static bool set_smp(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {{"cpus", set_cpus},        {"sockets", set_sockets},
                                                 {"cores", set_cores},      {"threads", set_threads},
                                                 {"maxcpus", set_max_cpus}, {NULL, NULL}};
    struct smp_choice smp = {0};
    if (!properties_parse(value, "cpus", properties, &smp, error)) return false;
    unsigned in_socket = (smp.cores ? smp.cores : 1) * (smp.threads ? smp.threads : 1);
    if (!smp.cpus) smp.cpus = in_socket * (smp.sockets ? smp.sockets : 1);
    if (smp.cpus > BOARD_CPUS_MOST) return error_set(error, "%u CPUs: at most %d", smp.cpus, BOARD_CPUS_MOST);
    if (smp.most && smp.most < smp.cpus)
        return error_set(error, "maxcpus=%u: is below cpus=%u", smp.most, smp.cpus);
    if (smp.sockets && smp.cores && smp.sockets * in_socket < smp.cpus)
        return error_set(error, "%u sockets of %u: too few for %u CPUs", smp.sockets, in_socket, smp.cpus);
    options->board.cpus = smp.cpus;
    options->board.cores_per_socket = in_socket;
    return true;
}

static bool set_cpu(struct options *options, char *value, struct error *error)
{
    return cpu_model_parse(value, &options->board.cpu_model, error);
}

static bool set_vga(struct options *options, char *value, struct error *error)
{
    static const char *const words[] = {"none", "std", NULL};
    int word = word_of(value, words, error);
    if (word < 0) return false;
    options->board.vga = word == 1;
    options->vga_said = true;
    return true;
}

static bool set_rtc_base(void *target, const char *value, struct error *error)
{
    struct options *options = target;
    time_t now = time(NULL);
    struct tm local;
    options->date_said = true;
    options->board.date = now;
    if (!strcmp(value, "utc")) return true;
    if (!strcmp(value, "localtime")) {
        if (localtime_r(&now, &local)) options->board.date += local.tm_gmtoff;
        return true;
    }
    return date_parse(value, &options->board.date) ||
           error_set(error, "%s: is no date; say utc, localtime, or one like 2026-02-28T12:34:56",
                     or_empty(value));
}

static bool set_rtc_clock(void *target, const char *value, struct error *error)
{
    (void)target;
    return !strcmp(value, "vm") ||
           error_set(error, "%s: the clock chip runs in virtual time; say vm", or_empty(value));
}

static bool set_rtc(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"base", set_rtc_base}, {"clock", set_rtc_clock}, {NULL, NULL}};
    return properties_parse(value, NULL, properties, options, error);
}

static bool set_name(struct options *options, char *value, struct error *error)
{
    (void)options, (void)value, (void)error;
    return true;
}

static bool set_no_defaults(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->no_defaults = true;
    return true;
}

static bool set_net(struct options *options, char *value, struct error *error)
{
    (void)options;
    return !strcmp(value, "none") ||
           error_set(error, "%s: this machine has no network card; say none", or_empty(value));
}

/* ---- disks ---- */

bool options_set_disk(struct options *options, unsigned index, const char *path, struct error *error)
{
    struct board_drive *drive = &options->board.drives[index];
    if (drive->path)
        return error_set(error, "%s: disk %u is %s already; say -hd%c or another index", path, index,
                         drive->path, index < 3 ? 'b' + (int)index : 'a');
    return set_path(&drive->path, path, error);
}

static bool set_hda(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 0, value, error);
}

static bool set_hdb(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 1, value, error);
}

static bool set_hdc(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 2, value, error);
}

static bool set_hdd(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 3, value, error);
}

/* What one -drive says. */
struct drive_words {
    struct board_drive drive;
    bool snapshot_said;
    int index; /* -1: the first that is free */
};

static bool set_drive_file(void *target, const char *value, struct error *error)
{
    return set_path(&((struct drive_words *)target)->drive.path, value, error);
}

static bool set_drive_index(void *target, const char *value, struct error *error)
{
    uint64_t index;
    if (!set_number(&index, value, 0, BOARD_DRIVES - 1, error)) return false;
    ((struct drive_words *)target)->index = (int)index;
    return true;
}

static bool set_drive_interface(void *target, const char *value, struct error *error)
{
    (void)target;
    static const char *const words[] = {"ide", NULL};
    return word_of(value, words, error) >= 0;
}

static bool set_drive_media(void *target, const char *value, struct error *error)
{
    (void)target;
    static const char *const words[] = {"disk", NULL};
    return word_of(value, words, error) >= 0;
}

static bool set_drive_format(void *target, const char *value, struct error *error)
{
    (void)target;
    return !strcmp(value, "raw") ||
           error_set(error, "%s: only raw images are read; convert it with `qemu-img convert -O raw`",
                     or_empty(value));
}

static bool set_drive_snapshot(void *target, const char *value, struct error *error)
{
    struct drive_words *words = target;
    words->snapshot_said = true;
    return set_switch(&words->drive.snapshot, value, error);
}

static bool set_drive_readonly(void *target, const char *value, struct error *error)
{
    return set_switch(&((struct drive_words *)target)->drive.read_only, value, error);
}

static bool set_drive_ignored(void *target, const char *value, struct error *error)
{
    (void)target, (void)value, (void)error;
    return true;
}

static bool set_drive(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"file", set_drive_file},
        {"index", set_drive_index},
        {"if", set_drive_interface},
        {"media", set_drive_media},
        {"format", set_drive_format},
        {"snapshot", set_drive_snapshot},
        {"readonly", set_drive_readonly},
        {"read-only", set_drive_readonly},
        {"cache", set_drive_ignored},
        {"id", set_drive_ignored},
        {NULL, NULL},
    };
    struct drive_words words = {.index = -1};
    if (!properties_parse(value, NULL, properties, &words, error)) return false;
    if (!words.drive.path) return error_set(error, "has no file=; say which image");
    for (int i = 0; i < BOARD_DRIVES && words.index < 0; i++)
        if (!options->board.drives[i].path) words.index = i;
    if (words.index < 0) return error_set(error, "%s: there are four disks already", words.drive.path);
    if (!options_set_disk(options, (unsigned)words.index, words.drive.path, error)) return false;
    options->board.drives[words.index] = words.drive;
    options->drive_snapshot_said[words.index] = words.snapshot_said;
    return true;
}

static bool set_snapshot(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->snapshot = true;
    return true;
}

/* ---- firmware and kernels ---- */

static bool set_bios(struct options *options, char *value, struct error *error)
{
    return set_path(&options->board.bios, value, error);
}

static bool set_data_dir(struct options *options, char *value, struct error *error)
{
    if (options->board.data_dir_count == OPTIONS_DIRS_MAX)
        return error_set(error, "%s: there are %d directories already", value, OPTIONS_DIRS_MAX);
    return set_path(&options->dirs[options->board.data_dir_count++], value, error);
}

static bool set_kernel(struct options *options, char *value, struct error *error)
{
    return set_path(&options->board.kernel, value, error);
}

static bool set_initrd(struct options *options, char *value, struct error *error)
{
    return set_path(&options->board.initrd, value, error);
}

static bool set_append(struct options *options, char *value, struct error *error)
{
    (void)error;
    options->board.append = value;
    return true;
}

/* ---- character channels, display, devices ---- */

static bool set_channel(struct char_choice *choice, char *value, bool has_input, struct error *error)
{
    static const struct {
        const char *name;
        enum char_kind kind;
    } kinds[] = {
        {"none", CHAR_NONE}, {"null", CHAR_NULL}, {"stdio", CHAR_STDIO}, {"mon:stdio", CHAR_MON_STDIO}};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(value, kinds[i].name) || (!has_input && kinds[i].kind == CHAR_MON_STDIO)) continue;
        choice->kind = kinds[i].kind;
        return true;
    }
    if (!strncmp(value, "file:", 5)) {
        choice->kind = CHAR_FILE;
        choice->path = value + 5;
        return value[5] || error_set(error, "%s: needs a path after the colon", value);
    }
    return error_set(error, "%s: not known; say stdio, %snull, none or file:PATH", or_empty(value),
                     has_input ? "mon:stdio, " : "");
}

static bool set_serial(struct options *options, char *value, struct error *error)
{
    if (options->serial_count == BOARD_SERIAL_PORTS)
        return error_set(error, "%s: there are %d serial ports already", value, BOARD_SERIAL_PORTS);
    return set_channel(&options->serial[options->serial_count++], value, true, error);
}

static bool set_debugcon(struct options *options, char *value, struct error *error)
{
    if (!set_channel(&options->debugcon, value, false, error)) return false;
    options->board.debugcon = options->debugcon.kind != CHAR_NONE;
    return true;
}

static bool set_global(struct options *options, char *value, struct error *error)
{
    static const char port[] = "isa-debugcon.iobase=";
    if (strncmp(value, port, sizeof port - 1))
        return error_set(error, "%s: not known; there is %s0x402", or_empty(value), port);
    return set_port(&options->board.debugcon_port, value + sizeof port - 1, error);
}

static bool set_display(struct options *options, char *value, struct error *error)
{
    static const char *const words[] = {"none", "curses", NULL};
    int word = word_of(value, words, error);
    if (word >= 0) options->display = word ? DISPLAY_CURSES : DISPLAY_NONE;
    return word >= 0;
}

static bool set_no_graphic(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->no_graphic = true;
    return true;
}

static bool set_escape(struct options *options, char *value, struct error *error)
{
    uint64_t code;
    if (!set_number(&code, value, 1, 127, error)) return false;
    options->escape = (int)code;
    return true;
}

static void show_devices(FILE *to)
{
    fputs("isa-debug-exit       iobase=0x501, iosize=4: a write of V ends the program with status V*2+1\n",
          to);
}

static bool set_device_driver(void *target, const char *value, struct error *error)
{
    static const char *const names[] = {"isa-debug-exit", NULL};
    if (!strcmp(value, names[0])) {
        ((struct options *)target)->board.debug_exit = true;
        return true;
    }
    error_set(error, "%s: unknown device; -device help lists them", or_empty(value));
    error_suggest(error, "", value, names);
    return false;
}

static bool set_exit_port(void *target, const char *value, struct error *error)
{
    return set_port(&((struct options *)target)->board.debug_exit_port, value, error);
}

static bool set_exit_size(void *target, const char *value, struct error *error)
{
    uint64_t size;
    if (!number_parse(value, 4, &size) || (size != 1 && size != 2 && size != 4))
        return error_set(error, "%s: say 1, 2 or 4", or_empty(value));
    ((struct options *)target)->board.debug_exit_size = (uint16_t)size;
    return true;
}

static bool set_device(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"driver", set_device_driver},
        {"iobase", set_exit_port},
        {"iosize", set_exit_size},
        {"id", set_drive_ignored},
        {NULL, NULL},
    };
    if (!strcmp(value, "help")) {
        options->show = show_devices;
        return true;
    }
    options->board.debug_exit_port = ISA_DEBUG_EXIT_IOBASE;
    options->board.debug_exit_size = ISA_DEBUG_EXIT_IOSIZE;
    return properties_parse(value, "driver", properties, options, error);
}

/* ---- running ---- */

static bool set_shift(void *target, const char *value, struct error *error)
{
    uint64_t shift;
    if (!strcmp(value, "auto")) return true;
    if (!number_parse(value, SHIFT_MOST, &shift))
        return error_set(error, "%s: say auto or a number from 0 to %d", or_empty(value), SHIFT_MOST);
    ((struct options *)target)->board.clock_shift = (unsigned)shift;
    return true;
}

static bool set_sleep(void *target, const char *value, struct error *error)
{
    bool on;
    if (!set_switch(&on, value, error)) return false;
    ((struct options *)target)->pacing = on ? PACING_ON : PACING_OFF;
    return true;
}

static bool set_icount(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {{"shift", set_shift}, {"sleep", set_sleep}, {NULL, NULL}};
    return properties_parse(value, "shift", properties, options, error);
}

static bool set_no_reboot(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->board.no_reboot = true;
    return true;
}

static bool set_triple_fault(struct options *options, char *value, struct error *error)
{
    static const char *const words[] = {"stop", "reset", NULL};
    int word = word_of(value, words, error);
    options->board.triple_fault_resets = word == 1;
    return word >= 0;
}

static bool set_limit_insns(void *target, const char *value, struct error *error)
{
    return set_number(&((struct options *)target)->limit_insns, value, 1, UINT64_MAX - 1, error);
}

static bool set_limit_time(void *target, const char *value, struct error *error)
{
    vtime *limit = &((struct options *)target)->limit_time;
    if (duration_parse(value, limit) && *limit > 0) return true;
    return error_set(error, "%s: is not a time; say one like 5s or 200ms", or_empty(value));
}

static bool set_limit(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"insns", set_limit_insns}, {"time", set_limit_time}, {NULL, NULL}};
    return properties_parse(value, NULL, properties, options, error);
}

static bool set_loadvm(struct options *options, char *value, struct error *error)
{
    return set_path(&options->load_file, value, error);
}

static bool set_savevm(struct options *options, char *value, struct error *error)
{
    char *comma = strchr(value, ',');
    if (comma) *comma = 0;
    if (!comma || !duration_parse(value, &options->save_at))
        return error_set(error, "%s: is not a time and a file; say when and where, like 5s,machine.vm",
                         or_empty(value));
    return set_path(&options->save_file, comma + 1, error);
}

static bool set_record(struct options *options, char *value, struct error *error)
{
    return set_path(&options->record_file, value, error);
}

static bool set_replay(struct options *options, char *value, struct error *error)
{
    return set_path(&options->replay_file, value, error);
}

static bool set_type(struct options *options, char *value, struct error *error)
{
    struct typed_text *typed = &options->typed[options->typed_count];
    char *colon = strchr(value, ':');
    if (options->typed_count == OPTIONS_TYPED_MAX)
        return error_set(error, "%s: there are %d texts already", value, OPTIONS_TYPED_MAX);
    if (colon) *colon = 0;
    if (!colon || !duration_parse(value, &typed->at))
        return error_set(error, "%s: is not a time; say when and what, like 3s:ls\\n", or_empty(value));
    typed->text = colon + 1;
    if (!keys_check(typed->text, error)) return false;
    options->typed_count++;
    return true;
}

/* ---- looking inside ---- */

static bool set_gdb(struct options *options, char *value, struct error *error)
{
    if (!strcmp(value, "none")) {
        options->gdb = NULL;
        return true;
    }
    uint64_t port;
    const char *colon = strrchr(value, ':');
    if (strncmp(value, "tcp:", 4) || !colon || !number_parse(colon + 1, PORT_MOST, &port))
        return error_set(error, "%s: say tcp::PORT, or none", or_empty(value));
    options->gdb = value;
    return true;
}

static bool set_gdb_default(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->gdb = "tcp::1234";
    return true;
}

static bool set_wait(struct options *options, char *value, struct error *error)
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

static bool set_log(struct options *options, char *value, struct error *error)
{
    if (strcmp(value, "help")) return log_enable(value, error);
    options->show = show_log_items;
    return true;
}

static bool set_log_file(struct options *options, char *value, struct error *error)
{
    return set_path(&options->log_file, value, error);
}

static bool set_trace_pattern(void *target, const char *value, struct error *error)
{
    (void)target;
    return trace_enable(value, error);
}

static bool set_trace_format(void *target, const char *value, struct error *error)
{
    static const char *const words[] = {"text", "json", NULL};
    int word = word_of(value, words, error);
    ((struct options *)target)->trace_json = word == 1;
    return word >= 0;
}

static bool set_trace_file(void *target, const char *value, struct error *error)
{
    return set_path(&((struct options *)target)->trace_file, value, error);
}

static bool set_trace(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"enable", set_trace_pattern}, {"format", set_trace_format}, {"file", set_trace_file}, {NULL, NULL}};
    if (!strcmp(value, "help")) {
        options->show = trace_list;
        return true;
    }
    return properties_parse(value, "enable", properties, options, error);
}

static bool set_stats(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->stats = true;
    return true;
}

static bool set_dump_screen(struct options *options, char *value, struct error *error)
{
    return set_path(&options->dump_screen, value, error);
}

static void show_version(FILE *to)
{
    fprintf(to, "vitrine %s\n", VITRINE_VERSION);
}

static bool set_version(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->show = show_version;
    return true;
}

static bool set_help(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->show = options_print_help;
    return true;
}

/* ---- the table ---- */

const struct option option_table[] = {
    {NULL, NULL, NULL, "Standard options", NULL},
    {"help", "h", NULL, "print this and end", set_help},
    {"version", NULL, NULL, "print the version and end", set_version},
    {"machine", "M",
     "[type=]pc[,dma=direct|indirect|faulty][,seed=N][,max-bounce-buffer-size=SIZE][,checker=on|off]",
     "the machine, and how its devices reach memory: straight, all of it by\n"
     "bounce buffers of at most SIZE bytes (default 4096) together, or with\n"
     "faults by seed N; checker=on watches every mapping",
     set_machine},
    {"accel", NULL, "tcg", "accepted; there is nothing else", set_accel},
    {"m", NULL, "[size=]MEGS", "RAM in MiB, or with K, M or G (default 128)", set_memory},
    {"cpu", NULL, "MODEL[,+FEATURE][,-FEATURE]", "486, pentium, pentium2 (default), qemu32 or max", set_cpu},
    {"smp", NULL, "[cpus=]N[,sockets=S][,cores=C][,threads=T]", "how many CPUs (default 1, at most 8)",
     set_smp},
    {"vga", NULL, "std|none", "the graphics card", set_vga},
    {"rtc", NULL, "base=utc|localtime|DATE", "the clock at power-on (see the manual for the default)",
     set_rtc},
    {"name", NULL, "NAME", "accepted", set_name},
    {"nodefaults", NULL, NULL, "no serial port and no graphics card unless asked for", set_no_defaults},
    {"net", NULL, "none", "accepted; there is no network card", set_net},
    {"nic", NULL, "none", "accepted; there is no network card", set_net},

    {NULL, NULL, NULL, "Disks", NULL},
    {"hda", NULL, "FILE", "disk 0, first channel's master; also as last argument alone", set_hda},
    {"hdb", NULL, "FILE", "disk 1, first channel's slave", set_hdb},
    {"hdc", NULL, "FILE", "disk 2, second channel's master", set_hdc},
    {"hdd", NULL, "FILE", "disk 3, second channel's slave", set_hdd},
    {"drive", NULL,
     "file=FILE[,index=N][,if=ide][,media=disk][,format=raw][,snapshot=on|off][,readonly=on|off]",
     "a disk, with details (a comma in FILE is written twice)", set_drive},
    {"snapshot", NULL, NULL, "keep what guests write aside, and drop it at the end", set_snapshot},

    {NULL, NULL, NULL, "Firmware and kernels", NULL},
    {"bios", NULL, "FILE", "the firmware (default bios-256k.bin)", set_bios},
    {"L", NULL, "DIR", "where firmware is looked for first; repeatable", set_data_dir},
    {"kernel", NULL, "FILE", "start a Multiboot ELF file or a Linux bzImage (32-bit)", set_kernel},
    {"initrd", NULL, "FILE", "its RAM disk, or first module", set_initrd},
    {"append", NULL, "TEXT", "its command line", set_append},

    {NULL, NULL, NULL, "Screen, serial ports, devices", NULL},
    {"display", NULL, "curses|none", "show the text screen in the terminal, or nothing", set_display},
    {"nographic", NULL, NULL, "no display; serial port and escape keys share the terminal", set_no_graphic},
    {"serial", NULL, "stdio|mon:stdio|null|none|file:PATH",
     "where a serial port leads; repeatable, up to four; mon:stdio shares\n"
     "the terminal with the escape keys (Ctrl-A h lists them)",
     set_serial},
    {"echr", NULL, "N", "ASCII code of the escape key instead of 1, Ctrl-A", set_escape},
    {"debugcon", NULL, "stdio|null|file:PATH", "debug text from port 0xE9", set_debugcon},
    {"global", NULL, "isa-debugcon.iobase=PORT", "another port for it; 0x402 has the firmware's messages",
     set_global},
    {"device", NULL, "isa-debug-exit[,iobase=PORT][,iosize=N]", "add a device; help lists them", set_device},

    {NULL, NULL, NULL, "Running", NULL},
    {"icount", NULL, "[shift=]N|auto[,sleep=on|off]",
     "one instruction takes 2^N ns of virtual time (default 3); sleep=on\n"
     "keeps virtual time at wall-clock time, sleep=off lets it run",
     set_icount},
    {"no-reboot", NULL, NULL, "end where the guest would reset the machine", set_no_reboot},
    {"triple-fault", NULL, "stop|reset", "report it and end (default), or reset as the hardware does",
     set_triple_fault},
    {"limit", NULL, "insns=N,time=T",
     "end with status 6 after N instructions or T of virtual time (5s, 200ms)", set_limit},
    {"type", NULL, "T:TEXT", "type TEXT on the keyboard at virtual time T; \\n is Enter; repeatable",
     set_type},

    {"loadvm", NULL, "FILE", "go on with the machine that was saved in FILE", set_loadvm},
    {"savevm-at", NULL, "T,FILE", "save the machine to FILE at virtual time T, and go on", set_savevm},
    {"record", NULL, "FILE", "write to FILE what comes in from outside, and when", set_record},
    {"replay", NULL, "FILE", "repeat the run that was recorded in FILE", set_replay},

    {NULL, NULL, NULL, "Looking inside", NULL},
    {"s", NULL, NULL, "short for -gdb tcp::1234", set_gdb_default},
    {"gdb", NULL, "tcp::PORT|none", "let gdb connect, from this host", set_gdb},
    {"S", NULL, NULL, "do not start before gdb says so", set_wait},
    {"d", NULL, "ITEM,...", "log; help lists the items", set_log},
    {"D", NULL, "FILE", "where logs and traces go instead of stderr", set_log_file},
    {"trace", NULL, "PATTERN[,format=text|json][,file=FILE]",
     "trace events whose names match; help lists them", set_trace},
    {"stats", NULL, NULL, "at the end, print what CPU, memory and disks did", set_stats},
    {"dump-screen", NULL, "FILE", "at the end, write the text screen to FILE (-: stderr)", set_dump_screen},
};
const unsigned option_table_size = ARRAY_COUNT(option_table);

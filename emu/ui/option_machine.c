/* SPDX-License-Identifier: MIT */
/* Options about the machine, its firmware and kernels. */
#include "emu/ui/option_setters.h"

#include <string.h>
#include <time.h>
#include "emu/core/size.h"
#include "emu/ui/option_dma.h"
#include "emu/ui/option_values.h"
#include "emu/ui/values.h"

#define MIB       (UINT64_C(1) << 20)
#define RAM_MOST  (UINT64_C(4) << 30)
#define RAM_GRAIN 4096

/* ---- machine ---- */

struct machine_words {
    struct dma_words dma;
    struct options *options;
};

static bool set_machine_type(void *target, const char *value, struct error *error)
{
    (void)target;
    static const char *const words[] = {"pc", NULL};
    return value_word(value, words, error) >= 0;
}

static bool set_accelerator(void *target, const char *value, struct error *error)
{
    (void)target;
    return !strcmp(value, "tcg") ||
           error_set(error, "%s: there is only tcg, the built-in interpreter", value_or_nothing(value));
}

static bool set_checker(void *target, const char *value, struct error *error)
{
    return value_switch(&((struct machine_words *)target)->options->board.dma_checker, value, error);
}

static void show_machines(FILE *to)
{
    fputs("pc                   i440FX and PIIX3, 1996 (default)\n", to);
}

bool option_set_machine(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"type", set_machine_type}, DMA_PROPERTIES, {"checker", set_checker},
        {"accel", set_accelerator}, {NULL, NULL},
    };
    if (!strcmp(value, "help")) {
        options->show = show_machines;
        return true;
    }
    struct board_dma dma = {.settings = options->board.dma};
    struct machine_words words = {{&dma}, options};
    bool good = properties_parse(value, "type", properties, &words, error);
    options->board.dma = dma.settings;
    return good;
}

bool option_set_accel(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {{"accel", set_accelerator}, {NULL, NULL}};
    return properties_parse(value, "accel", properties, options, error);
}

static bool set_memory_size(void *target, const char *value, struct error *error)
{
    uint64_t bytes;
    if (!size_parse(value, MIB, &bytes))
        return error_set(error, "%s: is not a size; say a number of MiB, or one with K, M or G",
                         value_or_nothing(value));
    if (bytes < MIB) return error_set(error, "%s: is too little RAM; say at least 1M", value);
    if (bytes > RAM_MOST)
        return error_set(error, "%s: is too much RAM for a 32-bit PC; say at the most 4G", value);
    if (bytes % RAM_GRAIN) return error_set(error, "%s: is not a multiple of 4K", value);
    ((struct options *)target)->board.ram_size = bytes;
    return true;
}

bool option_set_memory(struct options *options, char *value, struct error *error)
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
    if (!number_parse(value_or_nothing(value), BOARD_CPUS_MOST, &number) || !number)
        return error_set(error, "%s: a number from 1 to %d", value_or_nothing(value), BOARD_CPUS_MOST);
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
bool option_set_smp(struct options *options, char *value, struct error *error)
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

bool option_set_cpu(struct options *options, char *value, struct error *error)
{
    return cpu_model_parse(value, &options->board.cpu_model, error);
}

bool option_set_vga(struct options *options, char *value, struct error *error)
{
    static const char *const words[] = {"none", "std", NULL};
    int word = value_word(value, words, error);
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
                     value_or_nothing(value));
}

static bool set_rtc_clock(void *target, const char *value, struct error *error)
{
    (void)target;
    return !strcmp(value, "vm") ||
           error_set(error, "%s: the clock chip runs in virtual time; say vm", value_or_nothing(value));
}

bool option_set_rtc(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"base", set_rtc_base}, {"clock", set_rtc_clock}, {NULL, NULL}};
    return properties_parse(value, NULL, properties, options, error);
}

bool option_set_name(struct options *options, char *value, struct error *error)
{
    (void)options, (void)value, (void)error;
    return true;
}

bool option_set_no_defaults(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->no_defaults = true;
    return true;
}

bool option_set_net(struct options *options, char *value, struct error *error)
{
    (void)options;
    return !strcmp(value, "none") ||
           error_set(error, "%s: this machine has no network card; say none", value_or_nothing(value));
}

/* ---- firmware and kernels ---- */

bool option_set_bios(struct options *options, char *value, struct error *error)
{
    return value_path(&options->board.bios, value, error);
}

bool option_set_data_dir(struct options *options, char *value, struct error *error)
{
    if (options->board.data_dir_count == OPTIONS_DIRS_MAX)
        return error_set(error, "%s: there are %d directories already", value, OPTIONS_DIRS_MAX);
    return value_path(&options->dirs[options->board.data_dir_count++], value, error);
}

bool option_set_kernel(struct options *options, char *value, struct error *error)
{
    return value_path(&options->board.kernel, value, error);
}

bool option_set_initrd(struct options *options, char *value, struct error *error)
{
    return value_path(&options->board.initrd, value, error);
}

bool option_set_append(struct options *options, char *value, struct error *error)
{
    (void)error;
    options->board.append = value;
    return true;
}

/* ---- boot order ---- */

static bool set_boot_order(void *target, const char *value, struct error *error)
{
    char *order = ((struct options *)target)->board.boot_order;
    size_t length = strlen(value);
    if (!length || length > 4 || strspn(value, "acdn") != length)
        return error_set(error,
                         "%s: is no order; say letters of a (floppy), c (disk), d (CD-ROM), n (network)",
                         value_or_nothing(value));
    memcpy(order, value, length + 1);
    return true;
}

static bool set_boot_menu(void *target, const char *value, struct error *error)
{
    return value_switch(&((struct options *)target)->board.boot_menu, value, error);
}

bool option_set_boot(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"order", set_boot_order}, {"once", set_boot_order}, {"menu", set_boot_menu}, {NULL, NULL}};
    return properties_parse(value, "order", properties, options, error);
}

/* SPDX-License-Identifier: MIT */
/*
 * The differential tester's command line: makes cases, has both sides run them, compares, reports (silicon.h).
 *
 *   silicon [--cases N] [--seed S] [--row NAME]   random and systematic cases over every row; exit 1 when they differ
 *   silicon --replay "TEXT"                       one case again, as a report names it
 *   silicon --golden FILE [--cases N]             writes cases with the host's results
 *   silicon --compare FILE                        compares Vitrine with such a file; what other hosts do by themselves
 *   silicon --list                                the rows, and what is left out
 */
#include "tests/silicon/silicon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "emu/cpu/flags.h"
#include "emu/cpu/opcode_map.h"

#ifndef GOLDEN_FILE
#define GOLDEN_FILE "tests/silicon/golden.txt"
#endif

enum { BATCH = 4096, TEXT_BYTES = 512, RESULT_TEXT_BYTES = 4096 };

struct options {
    uint64_t cases, seed;
    const char *row, *replay, *golden, *compare;
    unsigned reports;
    bool undefined, list, coverage;
};

struct run {
    struct options options;
    enum vendor vendor;
    struct guest *guest;
    struct native *native;
    struct silicon_case cases[BATCH];
    struct silicon_result silicon[BATCH], ours[BATCH];
    uint64_t done, failed, explained;
    uint32_t completed[1024]; /* cases of each row that ran to their end */
};

/* ---- comparison ---- */

#define COMPARED_FLAGS                                                                                       \
    (FLAG_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC |     \
     FLAG_ID)
/* Error code of a page fault: bit 4 tells instruction fetches apart, on hosts with NX. */
enum { ERROR_FETCH = 1 << 4 };

static struct difference compare(const struct silicon_case *c, const struct silicon_result *a,
                                 const struct silicon_result *b, bool strict)
{
    bool completed = is_trap(a->vector) || a->eip != c->eip; /* what faulted has changed nothing */
    uint32_t undefined = completed && !strict ? undefined_flags(c) : 0;
    bool no_result = completed && !strict && undefined_result(c);
    uint32_t ignored = a->vector == FAULT_PF ? ERROR_FETCH : 0;
    struct difference d = {
        .gpr = !no_result && memcmp(a->gpr, b->gpr, sizeof a->gpr) != 0,
        .eip = a->eip != b->eip,
        .flag_bits = (a->eflags ^ b->eflags) & COMPARED_FLAGS & ~undefined,
        .selector = memcmp(a->selector, b->selector, sizeof a->selector) != 0,
        .vector = a->vector != b->vector,
        .error = (a->error ^ b->error) & ~ignored,
        .cr2 = a->cr2 != b->cr2,
        .memory = !no_result && memcmp(a->memory, b->memory, WINDOW_BYTES) != 0,
    };
    d.flags = d.flag_bits != 0;
    return d;
}

static bool differs(const struct difference *d)
{
    return d->gpr || d->eip || d->flags || d->selector || d->vector || d->error || d->cr2 || d->memory;
}

/* ---- reports ---- */

static const char *const register_names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const segment_names[CPU_SEGMENTS] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void print_flags(uint32_t bits)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{FLAG_CF, "CF"}, {FLAG_PF, "PF"}, {FLAG_AF, "AF"}, {FLAG_ZF, "ZF"}, {FLAG_SF, "SF"},
                 {FLAG_TF, "TF"}, {FLAG_IF, "IF"}, {FLAG_DF, "DF"}, {FLAG_OF, "OF"}, {FLAG_NT, "NT"},
                 {FLAG_RF, "RF"}, {FLAG_AC, "AC"}, {FLAG_VM, "VM"}, {FLAG_ID, "ID"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (bits & names[i].bit) printf(" %s", names[i].name);
    }
}

static uint32_t window_linear(unsigned offset)
{
    unsigned i = 0;
    while (offset >= windows[i].bytes) offset -= windows[i++].bytes;
    return windows[i].at + offset;
}

static void print_memory_difference(const struct silicon_result *a, const struct silicon_result *b)
{
    unsigned first = 0;
    while (a->memory[first] == b->memory[first]) first++;
    printf(" [%x]", window_linear(first));
    for (unsigned i = first; i < WINDOW_BYTES && i < first + 8; i++)
        printf("%s%02x", i == first ? " " : "", a->memory[i]);
    printf(" not");
    for (unsigned i = first; i < WINDOW_BYTES && i < first + 8; i++)
        printf("%s%02x", i == first ? " " : "", b->memory[i]);
}

/* Two lines: how to run it again, and what the processor gave that Vitrine did not. */
static void report(const struct run *run, const struct silicon_case *c, const struct silicon_result *a,
                   const struct silicon_result *b, const struct difference *d)
{
    char text[TEXT_BYTES];
    (void)run;
    case_print(c, text, sizeof text);
    printf("silicon --replay \"%s\"\n  %s:", text, c->row ? c->row->name : "(undefined)");
    if (a->lost || b->lost) {
        printf(" no result from %s\n", a->lost ? b->lost ? "either" : "the processor" : "Vitrine");
        return;
    }
    if (d->vector || d->error)
        printf(" %s(%x) not %s(%x)", fault_vector_name(a->vector), a->error, fault_vector_name(b->vector),
               b->error);
    if (d->cr2) printf(" cr2 %x not %x", a->cr2, b->cr2);
    if (d->eip) printf(" eip %x not %x", a->eip, b->eip);
    if (d->flags) printf(" efl %x not %x:", a->eflags, b->eflags), print_flags(d->flag_bits);
    for (unsigned n = 0; d->gpr && n < 8; n++) {
        if (a->gpr[n] != b->gpr[n]) printf(" %s %x not %x", register_names[n], a->gpr[n], b->gpr[n]);
    }
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
        if (a->selector[n] != b->selector[n])
            printf(" %s %x not %x", segment_names[n], a->selector[n], b->selector[n]);
    }
    if (d->memory) print_memory_difference(a, b);
    printf("\n");
}

static void judge(struct run *run, const struct silicon_case *c, const struct silicon_result *silicon,
                  const struct silicon_result *ours)
{
    struct difference d = compare(c, silicon, ours, run->options.undefined);
    run->done++;
    bool lost = silicon->lost || ours->lost;
    if (!lost && !differs(&d)) return;
    if (!lost && vendor_explains(run->vendor, c, silicon, ours, &d)) {
        run->explained++;
        return;
    }
    if (run->failed++ < run->options.reports) report(run, c, silicon, ours, &d);
}

/* ---- golden file: a case, '=', what differs afterwards ---- */

static void result_print(const struct silicon_case *c, const struct silicon_result *r, char *text,
                         size_t size)
{
    size_t used = 0;
    uint8_t before[WINDOW_BYTES];
    case_fill(c, before);
#define ADD(...) (used += used < size ? (size_t)snprintf(text + used, size - used, __VA_ARGS__) : 0)
    ADD("%x %x %x %x %x", r->vector, r->error, r->cr2, r->eip, r->eflags);
    for (unsigned n = 0; n < 8; n++) {
        if (r->gpr[n] != c->gpr[n]) ADD(" g%u=%x", n, r->gpr[n]);
    }
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
        if (r->selector[n] != c->selector[n]) ADD(" s%u=%x", n, r->selector[n]);
    }
    for (unsigned i = 0; i < WINDOW_BYTES; i++) {
        if (r->memory[i] == before[i]) continue;
        ADD(" m%u=", i);
        for (; i < WINDOW_BYTES && r->memory[i] != before[i]; i++) ADD("%02x", r->memory[i]);
    }
#undef ADD
}

static bool result_parse(const char *text, const struct silicon_case *c, struct silicon_result *r)
{
    unsigned vector, n, value;
    int skip;
    char kind, hex[2 * WINDOW_BYTES];
    *r = (struct silicon_result){0};
    case_fill(c, r->memory);
    memcpy(r->gpr, c->gpr, sizeof r->gpr);
    memcpy(r->selector, c->selector, sizeof r->selector);
    if (sscanf(text, "%x %x %x %x %x%n", &vector, &r->error, &r->cr2, &r->eip, &r->eflags, &skip) != 5)
        return false;
    r->vector = (uint8_t)vector;
    for (text += skip; sscanf(text, " %c%u=%2559[0-9a-f]%n", &kind, &n, hex, &skip) == 3; text += skip) {
        if (kind == 'g' && n < 8) r->gpr[n] = (uint32_t)strtoul(hex, NULL, 16);
        if (kind == 's' && n < CPU_SEGMENTS) r->selector[n] = (uint16_t)strtoul(hex, NULL, 16);
        for (unsigned i = 0; kind == 'm' && sscanf(hex + 2 * i, "%2x", &value) == 1; i++) {
            if (n + i < WINDOW_BYTES) r->memory[n + i] = (uint8_t)value;
        }
    }
    return true;
}

static void write_golden(FILE *to, const struct silicon_case *c, const struct silicon_result *r)
{
    char text[TEXT_BYTES], result[RESULT_TEXT_BYTES];
    case_print(c, text, sizeof text);
    result_print(c, r, result, sizeof result);
    fprintf(to, "%s = %s\n", text, result);
}

static bool compare_golden(struct run *run, const char *path)
{
    FILE *from = fopen(path, "r");
    char line[TEXT_BYTES + RESULT_TEXT_BYTES];
    if (!from) return fprintf(stderr, "silicon: cannot read %s\n", path), false;
    while (fgets(line, sizeof line, from)) {
        char *results = strstr(line, " = ");
        if (line[0] == '#') {
            if (strstr(line, "AMD")) run->vendor = VENDOR_AMD;
            if (strstr(line, "Intel")) run->vendor = VENDOR_INTEL;
            continue;
        }
        if (results) *results = 0;
        if (!results || !case_parse(line, &run->cases[0]) ||
            !result_parse(results + 3, &run->cases[0], &run->silicon[0])) {
            fprintf(stderr, "silicon: %s: cannot understand %s\n", path, line);
            run->failed++;
            continue;
        }
        guest_run(run->guest, &run->cases[0], &run->ours[0]);
        judge(run, &run->cases[0], &run->silicon[0], &run->ours[0]);
    }
    fclose(from);
    return true;
}

/* ---- runs ---- */

static const char *vendor_name(enum vendor vendor)
{
    return vendor == VENDOR_AMD ? "AMD" : vendor == VENDOR_INTEL ? "Intel" : "unknown";
}

/* The rows that --row names; all without it. */
static unsigned choose_rows(const struct options *options, const struct row_place **chosen)
{
    unsigned count, n = 0;
    const struct row_place *rows = rows_list(&count);
    for (unsigned i = 0; i < count; i++) {
        if (!options->row || (rows[i].row && !strcmp(rows[i].row->name, options->row)))
            chosen[n++] = &rows[i];
    }
    return n;
}

static bool run_cases(struct run *run)
{
    static const struct row_place *rows[1024];
    unsigned row_count = choose_rows(&run->options, rows);
    FILE *golden = NULL;
    if (!row_count) return fprintf(stderr, "silicon: no row is named %s\n", run->options.row), false;
    if (run->options.golden) {
        golden = fopen(run->options.golden, "w");
        if (!golden) return fprintf(stderr, "silicon: cannot write %s\n", run->options.golden), false;
        fprintf(golden, "# silicon --golden: results of a processor by %s\n", vendor_name(run->vendor));
    }
    for (uint64_t first = 0; first < run->options.cases; first += BATCH) {
        uint64_t left = run->options.cases - first;
        unsigned count = left < BATCH ? (unsigned)left : BATCH;
        for (unsigned i = 0; i < count; i++) {
            uint64_t state = run->options.seed * UINT64_C(0x100000001b3) + first + i;
            state = random_next(&state);
            case_generate(rows[(first + i) % row_count], &state, &run->cases[i]);
        }
        native_start(run->native, run->cases, count);
        guest_reset(run->guest);
        for (unsigned i = 0; i < count; i++) guest_run(run->guest, &run->cases[i], &run->ours[i]);
        native_wait(run->native, run->silicon);
        for (unsigned i = 0; i < count; i++) {
            judge(run, &run->cases[i], &run->silicon[i], &run->ours[i]);
            run->completed[rows[(first + i) % row_count] - rows_list(NULL)] +=
                is_trap(run->silicon[i].vector);
            if (golden && !run->silicon[i].lost) write_golden(golden, &run->cases[i], &run->silicon[i]);
        }
    }
    if (golden) fclose(golden);
    return true;
}

/* How many cases of each row came to their end on the processor, without a fault. */
static void print_coverage(const struct run *run)
{
    unsigned count;
    const struct row_place *rows = rows_list(&count);
    for (unsigned i = 0; i < count; i++)
        printf("%04x %2d %-10s %u\n", rows[i].opcode, rows[i].group, rows[i].row ? rows[i].row->name : "-",
               run->completed[i]);
}

static bool replay(struct run *run)
{
    struct silicon_case *c = &run->cases[0];
    if (!case_parse(run->options.replay, c))
        return fprintf(stderr, "silicon: cannot understand that case\n"), false;
    guest_run(run->guest, c, &run->ours[0]);
    char text[RESULT_TEXT_BYTES];
    result_print(c, &run->ours[0], text, sizeof text);
    printf("Vitrine: %s\n", text);
    if (!run->native) return true;
    native_start(run->native, c, 1);
    native_wait(run->native, run->silicon);
    result_print(c, &run->silicon[0], text, sizeof text);
    printf("host:    %s\n", text);
    judge(run, c, &run->silicon[0], &run->ours[0]);
    return true;
}

static void list_map(const struct opcode *map, unsigned first)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        for (int n = map[byte].group ? 0 : -1; n < (map[byte].group ? 8 : 0); n++) {
            const struct opcode *row = n < 0 ? &map[byte] : &map[byte].group[n];
            if (n < 0 && !row->name) continue;
            struct row_place place = {row->name ? row : NULL, (uint16_t)(first + byte), (int8_t)n};
            const char *why = row_left_out(&place);
            printf("%04x %2d %-10s %-10s %s\n", place.opcode, n, row->name ? row->name : "-",
                   row->operands ? row->operands : "", why ? why : "");
        }
    }
}

static int finish(struct run *run, double seconds)
{
    printf("silicon: %llu cases, %llu differ, %llu as the vendor list says (%s), %.1f s\n",
           (unsigned long long)run->done, (unsigned long long)run->failed, (unsigned long long)run->explained,
           vendor_name(run->vendor), seconds);
    return run->failed ? 1 : 0;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"cases", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},
        {"row", required_argument, NULL, 'r'},
        {"replay", required_argument, NULL, 'p'},
        {"golden", required_argument, NULL, 'g'},
        {"compare", required_argument, NULL, 'c'},
        {"reports", required_argument, NULL, 'm'},
        {"undefined", no_argument, NULL, 'u'},
        {"list", no_argument, NULL, 'l'},
        {"coverage", no_argument, NULL, 'o'},
        {0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (letter) {
        case 'n': options->cases = strtoull(optarg, NULL, 0); break;
        case 's': options->seed = strtoull(optarg, NULL, 0); break;
        case 'r': options->row = optarg; break;
        case 'p': options->replay = optarg; break;
        case 'g': options->golden = optarg; break;
        case 'c': options->compare = optarg; break;
        case 'm': options->reports = (unsigned)strtoul(optarg, NULL, 0); break;
        case 'u': options->undefined = true; break;
        case 'l': options->list = true; break;
        case 'o': options->coverage = true; break;
        default: return false;
        }
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    run->options = (struct options){.cases = 100000, .seed = 1, .reports = 10};
    if (!parse_options(argc, argv, &run->options)) {
        fprintf(
            stderr,
            "usage: silicon [--cases N] [--seed S] [--row NAME] [--reports N] [--undefined] [--coverage]\n"
            "       silicon --replay CASE | --golden FILE | --compare FILE | --list\n");
        return 2;
    }
    if (run->options.list) {
        list_map(opcode_map, 0);
        list_map(opcode_map_0f, 0x0f00);
        return 0;
    }
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    const char *why = NULL;
    run->vendor = native_vendor();
    if (!run->options.compare) run->native = native_new(BATCH, &why);
    run->guest = guest_new();
    bool ok;
    if (run->options.replay) {
        ok = replay(run);
    } else if (run->native) {
        ok = run_cases(run);
    } else {
        if (why) printf("silicon: %s; comparing with recorded results instead\n", why);
        ok = compare_golden(run, run->options.compare ? run->options.compare : GOLDEN_FILE);
    }
    if (run->options.coverage) print_coverage(run);
    clock_gettime(CLOCK_MONOTONIC, &end);
    int status =
        finish(run, (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    guest_free(run->guest);
    native_free(run->native);
    free(run);
    return ok ? status : 2;
}

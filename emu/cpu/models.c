/* SPDX-License-Identifier: MIT */
/* The table of CPU models and the -cpu option (models.h). */
#include "emu/cpu/models.h"
#include <stdio.h>
#include <string.h>
#include "emu/core/bits.h"

/* ---- features ---- */

struct feature_row {
    const char *name;
    uint64_t feature;
    uint64_t needs; /* features without which this one means nothing */
};

static const struct feature_row feature_rows[] = {
    {"fpu", FEATURE_FPU, 0},
    {"vme", FEATURE_VME, 0},
    {"de", FEATURE_DE, 0},
    {"pse", FEATURE_PSE, 0},
    {"tsc", FEATURE_TSC, 0},
    {"msr", FEATURE_MSR, 0},
    {"pae", FEATURE_PAE, 0},
    {"cx8", FEATURE_CX8, 0},
    {"apic", FEATURE_APIC, 0},
    {"sep", FEATURE_SEP, FEATURE_MSR},
    {"mtrr", FEATURE_MTRR, FEATURE_MSR},
    {"pge", FEATURE_PGE, 0},
    {"cmov", FEATURE_CMOV, 0},
    {"pat", FEATURE_PAT, FEATURE_MSR},
    {"pse36", FEATURE_PSE36, FEATURE_PSE},
    {"fxsr", FEATURE_FXSR, FEATURE_FPU},
    {"nx", FEATURE_NX, FEATURE_PAE | FEATURE_MSR},
};

/* ---- models ---- */

#define FEATURES_486     (FEATURE_FPU | FEATURE_VME | FEATURE_PSE)
#define FEATURES_PENTIUM (FEATURES_486 | FEATURE_DE | FEATURE_TSC | FEATURE_MSR | FEATURE_CX8 | FEATURE_APIC)
#define FEATURES_P6                                                                                          \
    (FEATURES_PENTIUM | FEATURE_HINT | FEATURE_PAE | FEATURE_SEP | FEATURE_MTRR | FEATURE_PGE |              \
     FEATURE_CMOV | FEATURE_PAT | FEATURE_PSE36 | FEATURE_FXSR)

/* Leaf 2 of a Pentium II: TLBs, 16 KiB L1 caches, 512 KiB L2. */
#define P6_CACHES                                                                                            \
    {                                                                                                        \
        0x03020101, 0, 0, 0x0c040843                                                                         \
    }
#define PENTIUM2                                                                                             \
    {                                                                                                        \
        .name = "pentium2", .family = 6, .model = 5, .stepping = 2, .basic_leaves = 2, .physical_bits = 36,  \
        .features = FEATURES_P6, .leaf2 = P6_CACHES, .brand = ""                                             \
    }

const struct cpu_model cpu_model_default = PENTIUM2;

static const struct cpu_model models[] = {
    {.name = "486",
     .family = 4,
     .model = 8,
     .stepping = 0,
     .basic_leaves = 1,
     .physical_bits = 32,
     .features = FEATURES_486,
     .brand = ""},
    {.name = "pentium",
     .family = 5,
     .model = 4,
     .stepping = 3,
     .basic_leaves = 1,
     .physical_bits = 32,
     .features = FEATURES_PENTIUM,
     .brand = ""},
    PENTIUM2,
    {.name = "qemu32",
     .family = 6,
     .model = 6,
     .stepping = 3,
     .basic_leaves = 2,
     .extended_leaves = true,
     .physical_bits = 36,
     .features = FEATURES_P6 & ~(FEATURE_VME | FEATURE_MTRR | FEATURE_PSE36),
     .leaf2 = {1},
     .brand = "Vitrine virtual CPU, qemu32"},
    {.name = "max",
     .family = 6,
     .model = 6,
     .stepping = 3,
     .basic_leaves = 2,
     .extended_leaves = true,
     .physical_bits = 36,
     .features = FEATURES_P6 | FEATURE_NX,
     .leaf2 = P6_CACHES,
     .brand = "Vitrine virtual CPU"},
};

/* ---- -cpu ---- */

/* A stretch of the option's text. */
struct word {
    const char *text;
    size_t length;
};

static bool word_is(const struct word *word, const char *name)
{
    return strlen(name) == word->length && !strncmp(word->text, name, word->length);
}

static const struct cpu_model *model_find(const struct word *word)
{
    for (size_t i = 0; i < ARRAY_COUNT(models); i++)
        if (word_is(word, models[i].name)) return &models[i];
    return NULL;
}

static const struct feature_row *feature_find(const struct word *word)
{
    for (size_t i = 0; i < ARRAY_COUNT(feature_rows); i++)
        if (word_is(word, feature_rows[i].name)) return &feature_rows[i];
    return NULL;
}

static void list_add(char *text, unsigned size, const char *name)
{
    size_t used = strlen(text);
    if (used < size) snprintf(text + used, size - used, " %s", name);
}

void cpu_model_list(char *text, unsigned size)
{
    if (size) *text = 0;
    for (size_t i = 0; i < ARRAY_COUNT(models); i++) list_add(text, size, models[i].name);
}

void cpu_feature_list(char *text, unsigned size)
{
    if (size) *text = 0;
    for (size_t i = 0; i < ARRAY_COUNT(feature_rows); i++) list_add(text, size, feature_rows[i].name);
}

static void feature_remove(struct cpu_model *model, uint64_t feature)
{
    model->features &= ~feature;
    for (size_t i = 0; i < ARRAY_COUNT(feature_rows); i++)
        if (feature_rows[i].needs & feature) model->features &= ~feature_rows[i].feature;
}

static bool feature_add(struct cpu_model *model, const struct feature_row *row, struct error *error)
{
    for (size_t i = 0; i < ARRAY_COUNT(feature_rows); i++) {
        uint64_t needed = feature_rows[i].feature & row->needs;
        if (needed & ~model->features)
            return error_set(error, "-cpu: %s: %s needs %s, which %s does not have: add +%s before it",
                             row->name, row->name, feature_rows[i].name, model->name, feature_rows[i].name);
    }
    model->features |= row->feature;
    if (row->feature & (FEATURE_PAE | FEATURE_PSE36)) model->physical_bits = 36;
    if (row->feature == FEATURE_NX) model->extended_leaves = true; /* CPUID says it there */
    return true;
}

/* "+x", "-x", "x=on" or "x=off" into name and sense. */
static bool override_split(struct word *word, bool *on)
{
    const char *equals = memchr(word->text, '=', word->length);
    if (*word->text == '+' || *word->text == '-') {
        *on = *word->text == '+';
        *word = (struct word){word->text + 1, word->length - 1};
        return !equals;
    }
    if (!equals) return false;
    struct word value = {equals + 1, word->length - (size_t)(equals + 1 - word->text)};
    word->length = (size_t)(equals - word->text);
    *on = word_is(&value, "on");
    return *on || word_is(&value, "off");
}

static bool override_apply(struct cpu_model *model, struct word word, struct error *error)
{
    bool on;
    struct word whole = word;
    if (!word.length || !override_split(&word, &on))
        return error_set(error, "-cpu: %.*s: a feature is +NAME, -NAME, NAME=on or NAME=off",
                         (int)whole.length, whole.text);
    const struct feature_row *row = feature_find(&word);
    if (!row) {
        char known[256];
        cpu_feature_list(known, sizeof(known));
        return error_set(error, "-cpu: %.*s: there is no such feature; there are:%s", (int)word.length,
                         word.text, known);
    }
    if (on) return feature_add(model, row, error);
    feature_remove(model, row->feature);
    return true;
}

static struct word word_next(const char **text)
{
    struct word word = {*text, strcspn(*text, ",")};
    *text += word.length;
    if (**text == ',') (*text)++;
    return word;
}

bool cpu_model_parse(const char *text, struct cpu_model *model, struct error *error)
{
    struct word name = word_next(&text);
    const struct cpu_model *known = model_find(&name);
    if (!known) {
        char names[128];
        cpu_model_list(names, sizeof(names));
        return error_set(error, "-cpu: %.*s: there is no such CPU; there are:%s", (int)name.length, name.text,
                         names);
    }
    *model = *known;
    while (*text)
        if (!override_apply(model, word_next(&text), error)) return false;
    return true;
}

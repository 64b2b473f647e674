/* SPDX-License-Identifier: MIT */
/* Faults on purpose: see faults.h. */
#include "block/faults.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emu/core/bits.h"
#include "emu/core/size.h"

void faults_init(struct faults *faults, const struct fault_rule *rules, unsigned count)
{
    assert(count <= FAULTS_MOST);
    *faults = (struct faults){.count = count};
    for (unsigned i = 0; i < count; i++) {
        faults->rules[i] = rules[i];
        faults->states[i].random = rules[i].seed;
    }
}

/* Knuth's 64-bit linear congruential generator; the high half is the good one. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static bool rule_fits(const struct fault_rule *rule, enum block_op op, uint64_t offset, uint64_t size)
{
    if (!(rule->ops & BIT(op))) return false;
    if (!rule->at_sector) return true;
    uint64_t first = offset / BLOCK_SECTOR, sectors = size / BLOCK_SECTOR;
    return sectors && first <= rule->last && rule->first < first + sectors;
}

static bool rule_strikes(const struct fault_rule *rule, struct fault_state *state)
{
    if (state->spent) return false;
    state->matched++;
    if (rule->command && state->matched != rule->command) return false;
    if (rule->every && state->matched % rule->every) return false;
    if (rule->chance && next_random(&state->random) % rule->chance) return false;
    state->spent = rule->once;
    return true;
}

static uint64_t bytes_before(const struct fault_rule *rule, uint64_t offset, uint64_t size)
{
    uint64_t first = offset / BLOCK_SECTOR;
    if (rule->is_short) return rule->short_size < size ? rule->short_size : size;
    return rule->at_sector && rule->first > first ? (rule->first - first) * BLOCK_SECTOR : 0;
}

struct fault_plan faults_plan(struct faults *faults, enum block_op op, uint64_t offset, uint64_t size)
{
    struct fault_plan plan = {0, size, 0};

    for (unsigned i = 0; i < faults->count; i++) {
        const struct fault_rule *rule = &faults->rules[i];
        if (!rule_fits(rule, op, offset, size) || !rule_strikes(rule, &faults->states[i])) continue;
        plan.delay += rule->delay;
        if (!rule->error || plan.error) continue;
        plan.error = rule->error;
        plan.limit = bytes_before(rule, offset, size);
    }
    return plan;
}

/* The textual form. */

static bool parse_error_name(const char *value, int *error)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"eio", EIO}, {"enospc", ENOSPC}, {"enomem", ENOMEM}, {"etimedout", ETIMEDOUT}};
    for (unsigned i = 0; i < ARRAY_COUNT(errors); i++) {
        if (!strcmp(value, errors[i].name)) *error = errors[i].number;
    }
    return *error != 0;
}

static bool parse_sectors(char *value, struct fault_rule *rule)
{
    char *dash = strchr(value, '-');
    if (dash) *dash = 0;
    rule->at_sector = number_parse(value, UINT64_MAX / BLOCK_SECTOR, &rule->first);
    rule->last = rule->first;
    if (dash && !number_parse(dash + 1, UINT64_MAX / BLOCK_SECTOR, &rule->last)) return false;
    return rule->at_sector && rule->first <= rule->last;
}

static bool parse_count(const char *value, uint64_t *count)
{
    return number_parse(value, UINT64_MAX, count) && *count;
}

static bool parse_word(char *word, struct fault_rule *rule)
{
    static const char *const ops[] = {"read", "write", "flush", "discard", "zeroes"};
    char *value = strchr(word, '=');

    if (!value) {
        for (unsigned op = 0; op < ARRAY_COUNT(ops); op++) {
            if (strcmp(word, ops[op])) continue;
            rule->ops |= BIT(op);
            return true;
        }
        if (!strcmp(word, "any")) rule->ops = UINT32_MAX;
        if (!strcmp(word, "once")) rule->once = true;
        return !strcmp(word, "any") || !strcmp(word, "once");
    }
    *value++ = 0;
    if (!strcmp(word, "sector")) return parse_sectors(value, rule);
    if (!strcmp(word, "command")) return parse_count(value, &rule->command);
    if (!strcmp(word, "every")) return parse_count(value, &rule->every);
    if (!strcmp(word, "chance")) return parse_count(value, &rule->chance);
    if (!strcmp(word, "seed")) return number_parse(value, UINT64_MAX, &rule->seed);
    if (!strcmp(word, "error")) return parse_error_name(value, &rule->error);
    if (!strcmp(word, "delay")) return duration_parse(value, &rule->delay);
    if (!strcmp(word, "short")) return rule->is_short = size_parse(value, 1, &rule->short_size);
    return false;
}

bool fault_parse(const char *text, struct fault_rule *rule, struct error *error)
{
    char words[256], *rest = words, *word;

    *rule = (struct fault_rule){0};
    if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
        return error_set(error, "%.40s...: is too long for one fault", text);
    while ((word = strsep(&rest, ":"))) {
        char shown[64];
        snprintf(shown, sizeof(shown), "%s", word);
        if (parse_word(word, rule)) continue;
        return error_set(
            error,
            "%s: `%s` is not understood; a fault is like read:sector=100-107:error=eio:once, of the words "
            "read, write, flush, discard, zeroes, any, sector=, command=, every=, chance=, seed=, once, "
            "error=eio, enospc, enomem or etimedout, delay=, short=",
            text, shown);
    }
    if (!rule->ops) rule->ops = UINT32_MAX;
    if (!rule->error && (!rule->delay || rule->is_short)) rule->error = EIO;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* The world that both sides share, and cases as text (silicon.h). Descriptors: SDM 3A, 3.4.5. */
#include "tests/silicon/silicon.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emu/cpu/decode.h"

const struct window windows[WINDOWS] = {
    {DATA_AT, 256},
    {DATA_AT + 0x1000 - 256, 512},
    {DATA_AT + 0x2000 - 256, 256},
    {WRAP_AT + 0x1000 - 256, 256},
};

const struct segment_description ldt_entries[LDT_COUNT] = {
    [0] = {.empty = true},
    [LDT_DATA16 >> 3] = {.base = DATA_AT, .limit = 0xffff},
    [LDT_DATA32 >> 3] = {.base = DATA_AT, .limit = 0x1fff, .bits32 = true},
    [LDT_DOWN16 >> 3] = {.base = DATA_AT, .limit = 0xff, .contents = 1},
    [LDT_DOWN32 >> 3] = {.base = DATA_AT, .limit = 0xff, .contents = 1, .bits32 = true},
    [LDT_READ_ONLY >> 3] = {.base = DATA_AT, .limit = 0xffff, .bits32 = true, .read_or_execute_only = true},
    [LDT_CODE16 >> 3] = {.base = CODE_AT, .limit = 0xffff, .contents = 2},
    [LDT_CODE32 >> 3] = {.base = CODE_AT, .limit = 0x1ff7, .contents = 2, .bits32 = true},
    [LDT_EXECUTE_ONLY >> 3] = {.base = CODE_AT, .limit = 0xfff, .contents = 2, .read_or_execute_only = true},
    [LDT_ABSENT >> 3] = {.base = DATA_AT, .limit = 0xffff, .absent = true},
    [LDT_BIG >> 3] = {.base = DATA_AT, .limit = 0xfffff, .bits32 = true, .limit_in_pages = true},
    [LDT_EMPTY >> 3] = {.empty = true},
};

/* Linux's GDT as far as cases name it: 32-bit kernel code, kernel data, 32-bit user code, user data. */
static const uint64_t gdt_entries[] = {
    [1] = UINT64_C(0x00cf9b000000ffff),
    [3] = UINT64_C(0x00cf93000000ffff),
    [4] = UINT64_C(0x00cffb000000ffff),
    [5] = UINT64_C(0x00cff3000000ffff),
};

static uint64_t ldt_descriptor(const struct segment_description *segment)
{
    if (segment->empty) return 0;
    unsigned type = segment->contents << 2 | (segment->read_or_execute_only ? 0 : 2) | 1; /* accessed */
    uint64_t access = type | 1 << 4 | 3 << 5 | (segment->absent ? 0 : 1u << 7) |
                      (segment->bits32 ? 1u << 14 : 0) | (segment->limit_in_pages ? 1u << 15 : 0);
    return (segment->limit & 0xffff) | (uint64_t)(segment->base & 0xffffff) << 16 | access << 40 |
           (uint64_t)(segment->limit >> 16 & 15) << 48 | (uint64_t)(segment->base >> 24) << 56;
}

uint64_t descriptor_of(uint16_t selector)
{
    unsigned n = selector >> 3;
    if (selector & 4) return n < LDT_COUNT ? ldt_descriptor(&ldt_entries[n]) : 0;
    return n < sizeof gdt_entries / sizeof *gdt_entries ? gdt_entries[n] : 0;
}

uint32_t segment_base(uint16_t selector)
{
    return selector & 4 && selector >> 3 < LDT_COUNT ? ldt_entries[selector >> 3].base : 0;
}

uint32_t segment_limit(uint16_t selector)
{
    uint64_t descriptor = descriptor_of(selector);
    uint32_t limit = (uint32_t)((descriptor & 0xffff) | (descriptor >> 32 & 0xf0000));
    return descriptor >> 55 & 1 ? limit << 12 | 0xfff : limit;
}

/* ---- random numbers ---- */

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

uint32_t random_value(uint64_t *state)
{
    static const uint32_t edges[] = {
        0,          1,          2,          0x7e,       0x7f,       0x80,       0x81,       0xff,
        0x100,      0x7fff,     0x8000,     0x8001,     0xffff,     0x10000,    0x7fffffff, 0x80000000,
        0x80000001, 0xffffffff, 0xfffffffe, 0xffffff80, 0xffffff7f, 0xffff8000, 0xffff7fff, 0x80008080,
    };
    uint64_t bits = random_next(state);
    switch (bits & 7) {
    case 0: return (uint32_t)(bits >> 32 & 15) - 3;
    case 1:
    case 2: return edges[(bits >> 32) % (sizeof edges / sizeof *edges)];
    default: return (uint32_t)(bits >> 32);
    }
}

/* ---- memory and registers of a case ---- */

uint32_t case_register(uint32_t seed, unsigned n)
{
    uint64_t state = (uint64_t)seed << 8 | n;
    return random_value(&state);
}

int window_offset(uint32_t linear)
{
    uint32_t before = 0;
    for (unsigned i = 0; i < WINDOWS; i++) {
        if (linear - windows[i].at < windows[i].bytes) return (int)(before + linear - windows[i].at);
        before += windows[i].bytes;
    }
    return -1;
}

/* Every fourth seed gives the same byte throughout, so that repeated comparisons go on for a while. */
void case_fill(const struct silicon_case *c, uint8_t memory[WINDOW_BYTES])
{
    uint64_t state = c->seed;
    if (c->seed % 4 == 0) {
        memset(memory, (uint8_t)random_value(&state), WINDOW_BYTES);
    } else {
        for (unsigned i = 0; i < WINDOW_BYTES; i += 8) {
            uint64_t word = random_next(&state);
            for (unsigned j = 0; j < 8; j++) memory[i + j] = (uint8_t)(word >> 8 * j);
        }
    }
    for (unsigned i = 0; i < c->poke_bytes; i++) {
        int at = window_offset(c->poke_at + i);
        if (at >= 0) memory[at] = c->poke[i];
    }
}

/* ---- text ---- */

static const char *const register_names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const segment_names[CPU_SEGMENTS] = {"es", "cs", "ss", "ds", "fs", "gs"};

void case_print(const struct silicon_case *c, char *text, size_t size)
{
    size_t used = 0;
#define ADD(...) (used += used < size ? (size_t)snprintf(text + used, size - used, __VA_ARGS__) : 0)
    for (unsigned i = 0; i < c->length; i++) ADD("%02x", c->bytes[i]);
    ADD(" seed=%x eip=%x efl=%x", c->seed, c->eip, c->eflags);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
        if (c->selector[n] != (n == CPU_CS ? GDT_CODE32 : GDT_DATA))
            ADD(" %s=%x", segment_names[n], c->selector[n]);
    }
    for (unsigned n = 0; n < 8; n++) {
        if (c->gpr[n] != case_register(c->seed, n)) ADD(" %s=%x", register_names[n], c->gpr[n]);
    }
    if (c->poke_bytes) ADD(" poke=%x:", c->poke_at);
    for (unsigned i = 0; i < c->poke_bytes; i++) ADD("%02x", c->poke[i]);
#undef ADD
}

/* Pairs of hexadecimal digits; how many bytes, or -1 when they do not fit. */
static int parse_bytes(const char *text, uint8_t *bytes, unsigned room)
{
    unsigned n = 0, value;
    for (; isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]); text += 2) {
        if (n == room || sscanf(text, "%2x", &value) != 1) return -1;
        bytes[n++] = (uint8_t)value;
    }
    return (int)n;
}

static bool parse_field(const char *name, const char *text, struct silicon_case *c)
{
    uint32_t value = (uint32_t)strtoul(text, NULL, 16);
    if (!strcmp(name, "eip")) {
        c->eip = value;
    } else if (!strcmp(name, "efl")) {
        c->eflags = value;
    } else if (!strcmp(name, "poke")) {
        const char *colon = strchr(text, ':');
        int n = colon ? parse_bytes(colon + 1, c->poke, POKE_BYTES) : -1;
        if (n < 0) return false;
        c->poke_at = value;
        c->poke_bytes = (uint8_t)n;
    } else {
        for (unsigned n = 0; n < 8; n++) {
            if (!strcmp(name, register_names[n])) return c->gpr[n] = value, true;
        }
        for (unsigned n = 0; n < CPU_SEGMENTS; n++) {
            if (!strcmp(name, segment_names[n])) return c->selector[n] = (uint16_t)value, true;
        }
        return !strcmp(name, "seed");
    }
    return true;
}

bool case_parse(const char *text, struct silicon_case *c)
{
    *c = (struct silicon_case){.eip = CODE_AT, .eflags = 0x302};
    int length = parse_bytes(text, c->bytes, INSN_BYTES), skip = 0;
    const char *seed = strstr(text, "seed=");
    if (length <= 0) return false;
    c->length = (uint8_t)length;
    c->seed = seed ? (uint32_t)strtoul(seed + 5, NULL, 16) : 1;
    for (unsigned n = 0; n < 8; n++) c->gpr[n] = case_register(c->seed, n);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) c->selector[n] = n == CPU_CS ? GDT_CODE32 : GDT_DATA;
    text += strcspn(text, " \n");
    char name[16], value[48];
    while (sscanf(text, " %15[a-z]=%47s%n", name, value, &skip) == 2) {
        if (!parse_field(name, value, c)) return false;
        text += skip;
    }
    case_decode(c);
    return true;
}

/* A refused LOCK would hide which row it is. */
void case_decode(struct silicon_case *c)
{
    static const char prefixes[] = "\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3";
    struct insn insn;
    uint8_t bytes[INSN_BYTES];
    unsigned at = 0, length = 0;
    bool code32 = descriptor_of(c->selector[CPU_CS]) >> 54 & 1;
    for (; at < c->length && memchr(prefixes, c->bytes[at], sizeof prefixes - 1); at++)
        if (c->bytes[at] != 0xf0) bytes[length++] = c->bytes[at];
    while (at < c->length) bytes[length++] = c->bytes[at++];
    c->row = NULL;
    if (!decode_insn(bytes, length, code32, &insn) || decode_failed(&insn)) return;
    c->row = insn.row;
    c->operand_size = insn.operand_size;
    c->rep = insn.prefixes & INSN_REP ? 0xf3 : insn.prefixes & INSN_REPNE ? 0xf2 : 0;
}

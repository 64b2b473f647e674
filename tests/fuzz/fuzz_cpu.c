/* SPDX-License-Identifier: MIT */
/*
 * The CPU with anything as code, tables and registers: real mode, protected mode with and without paging,
 * random GDT, LDT, IDT, TSS and page tables that are nearly right.
 *
 * Checked: no crash, no assert, no hang; the budget is kept; the same case cut into other slices, single
 * steps among them, ends with the same registers and memory, so that decoded blocks, self-modifying code, page
 * tables changed without a flush and the instruction count are exact; the reports on a triple fault and the debugger's reads do not change
 * anything.
 */
#include <string.h>
#include "emu/core/log.h"
#include "emu/cpu/report.h"
#include "emu/debug/disassemble.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/cpu_fixture.h"

const char fuzz_name[] = "fuzz_cpu";
const size_t fuzz_longest = 600;

#define INSNS 3000

/* Where things are; all of it in the first 256 KiB, which is what is compared at the end. */
enum {
    GDT = 0x1000,
    GDT_ENTRIES = 64,
    IDT = 0x2000,
    IDT_ENTRIES = 256,
    TSS = 0x3000,
    LDT = 0x3800,
    DIRECTORY = 0x4000,
    PAGE_TABLE = 0x5000, /* two of them */
    CODE = 0x8000,
    STACK = 0x20000,
    COMPARED = 0x40000,
};

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    nowhere = fopen("/dev/null", "w");
    fuzz_check(nowhere != NULL, "/dev/null can be written");
    lint_quiet(true);
    return 0;
}

struct play {
    struct cpu_fixture fixture;
    struct fuzz_input in;
    uint64_t random;
    uint64_t retired;
    bool dead;
};

static uint32_t roll(struct play *play, uint32_t limit)
{
    return (uint32_t)(fuzz_random(&play->random) >> 32) % limit;
}

static uint8_t *ram(struct play *play)
{
    return play->fixture.ram->host;
}

/* ---- tables ---- */

static uint64_t make_descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(access & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

static uint64_t random_descriptor(struct play *play)
{
    static const uint8_t accesses[] = {0x9b, 0x93, 0xfb, 0xf3, 0x9f, 0xff, 0x89, 0x8b,
                                       0x82, 0x97, 0x99, 0x91, 0x81, 0xe9, 0x1b, 0x13,
                                       0x8c, 0xec, 0x84, 0xe4, 0x85, 0xe5, 0x8e, 0xee};
    static const uint32_t bases[] = {0, 0, 0, CODE, STACK, TSS, GDT, 0xfffff000, FIXTURE_MMIO};
    if (!roll(play, 8)) return fuzz_random(&play->random);
    unsigned access = accesses[roll(play, sizeof accesses)];
    if (access & 0x10 || roll(play, 2))
        return make_descriptor(bases[roll(play, ARRAY_COUNT(bases))],
                               roll(play, 4) ? 0xfffff : roll(play, 0x10000), access,
                               roll(play, 3) ? 0xc : roll(play, 16));
    uint32_t selector = 8 * roll(play, GDT_ENTRIES) | roll(play, 8);
    uint32_t offset = CODE + roll(play, 0x400);
    return (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)roll(play, 32) << 32 |
           (uint64_t)access << 40;
}

static uint64_t random_gate(struct play *play)
{
    static const uint8_t accesses[] = {0x8e, 0xee, 0x8f, 0xef, 0x86, 0x87, 0x85, 0x0e};
    if (!roll(play, 8)) return random_descriptor(play);
    uint32_t offset = CODE + roll(play, 0x400), selector = roll(play, 4) ? 0x08 : 8 * roll(play, GDT_ENTRIES);
    return (offset & 0xffff) | (uint64_t)selector << 16 |
           (uint64_t)accesses[roll(play, sizeof accesses)] << 40 | (uint64_t)(offset >> 16) << 48;
}

static void fill_tables(struct play *play)
{
    uint8_t *memory = ram(play);
    static const uint8_t fixed[] = {0x9b, 0x93, 0xfb,
                                    0xf3}; /* 08 code, 10 data, 18 user code, 20 user data */
    for (unsigned i = 1; i < GDT_ENTRIES; i++)
        le64_store(memory + GDT + 8 * i,
                   i <= 4 ? make_descriptor(0, 0xfffff, fixed[i - 1], 0xc) : random_descriptor(play));
    le64_store(memory + GDT + 0x28, make_descriptor(TSS, 0x67 + roll(play, 64), 0x8b, 0));
    le64_store(memory + GDT + 0x30, make_descriptor(LDT, 0x7f, 0x82, 0));
    for (unsigned i = 0; i < 16; i++) le64_store(memory + LDT + 8 * i, random_descriptor(play));
    for (unsigned i = 0; i < IDT_ENTRIES; i++) le64_store(memory + IDT + 8 * i, random_gate(play));
    for (unsigned i = 0; i < 0x100; i += 4)
        le32_store(memory + TSS + i, roll(play, 3) ? STACK + roll(play, 0x1000) : roll(play, 0x80));
    le32_store(memory + TSS + 8, 0x10); /* SS0 */
}

static void fill_page_tables(struct play *play)
{
    uint8_t *memory = ram(play);
    for (unsigned i = 0; i < 2048; i++) {
        uint32_t frame = roll(play, 16) ? i & 1023 : roll(play, 64);
        uint32_t flags = roll(play, 16) ? 7 : roll(play, 0x1000);
        le32_store(memory + PAGE_TABLE + 4 * i, frame << 12 | flags);
    }
    for (unsigned i = 0; i < 1024; i++) {
        uint32_t entry = (uint32_t)fuzz_random(&play->random);
        le32_store(memory + DIRECTORY + 4 * i, roll(play, 4) ? (entry & 0x00c00000) | 0x87 : entry);
    }
    le32_store(memory + DIRECTORY, roll(play, 4) ? PAGE_TABLE | 7 : 0xa7);
    le32_store(memory + DIRECTORY + 4, (PAGE_TABLE + 0x1000) | 7);
}

/* ---- registers ---- */

static struct cpu_segment_state segment(uint16_t selector, uint16_t access, uint32_t limit, uint64_t base)
{
    return (struct cpu_segment_state){selector, access, limit, base};
}

/* Values that lead somewhere: small, in code, at ends of pages and of memory. */
static uint32_t interesting(struct play *play)
{
    static const uint32_t values[] = {
        0,      1,      0xffffffff,   0x80000000,      0x7fffffff, CODE,      STACK,      0x8ffe, 0x9fff,
        0xffff, 0xfffe, FIXTURE_MMIO, FIXTURE_RAM - 2, 0x3ffffe,   DIRECTORY, PAGE_TABLE, GDT};
    return roll(play, 3) ? values[roll(play, ARRAY_COUNT(values))] + roll(play, 4) - 1
                         : (uint32_t)fuzz_random(&play->random);
}

static void set_real(struct play *play, struct cpu_state *state)
{
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) state->segment[n] = segment(0, 0x93, 0xffff, 0);
    if (roll(play, 2)) state->segment[CPU_CS] = segment(CODE >> 4, 0x9b, 0xffff, CODE);
    state->eip = CODE - state->segment[CPU_CS].base;
    if (roll(play, 4)) state->idtr.limit = 0x3ff;
    for (unsigned i = 0; i < 256; i++)
        le32_store(ram(play) + 4 * i,
                   roll(play, 4) ? CODE + roll(play, 0x400) : (uint32_t)fuzz_random(&play->random));
}

static void set_protected(struct play *play, struct cpu_state *state, uint8_t shape)
{
    bool user = shape & 4, paging = shape & 8, small = shape & 16;
    uint16_t rpl = user ? 3 : 0, dpl = user ? 0x60 : 0, size = small ? 0x8000 : 0xc000;
    for (unsigned n = 0; n < CPU_SEGMENTS; n++)
        state->segment[n] =
            segment((uint16_t)((user ? 0x20 : 0x10) | rpl), (uint16_t)(size | 0x93 | dpl), UINT32_MAX, 0);
    state->segment[CPU_CS] =
        segment((uint16_t)((user ? 0x18 : 0x08) | rpl), (uint16_t)(size | 0x9b | dpl), UINT32_MAX, 0);
    state->cpl = (uint8_t)rpl;
    state->eip = CODE;
    state->gdtr = (struct cpu_table_state){GDT, 8 * GDT_ENTRIES - 1};
    state->idtr =
        (struct cpu_table_state){IDT, (uint16_t)(roll(play, 4) ? 8 * IDT_ENTRIES - 1 : roll(play, 2048))};
    state->ldtr = segment(0x30, 0x82, 0x7f, LDT);
    state->tr = segment(0x28, 0x8b, 0x67, TSS);
    state->cr0 = (state->cr0 & ~UINT64_C(0xc)) | 1 | (shape & 32 ? 0x10000 : 0);
    state->cr4 = roll(play, 2) ? 0x10 : roll(play, 0x100) & 0x9f;
    if (!paging) return;
    state->cr3 = DIRECTORY;
    state->cr0 |= UINT64_C(0x80000000);
}

static void set_registers(struct play *play)
{
    struct cpu_state state;
    uint8_t shape = fuzz_u8(&play->in);
    cpu_get_state(play->fixture.cpu, &state);
    state.tsc_offset = 0;
    state.idtr = (struct cpu_table_state){0, 0xffff};
    if (shape & 3)
        set_protected(play, &state, shape);
    else
        set_real(play, &state);
    for (unsigned n = 0; n < 8; n++) state.gpr[n] = interesting(play);
    state.gpr[CPU_ESP] = roll(play, 4) ? STACK - 2 * roll(play, 8) : interesting(play);
    state.eflags = 2 | (roll(play, 2) ? 0x200 : 0) | (roll(play, 8) ? 0 : 0x100) |
                   (roll(play, 4) ? 0 : 0x3000) | (roll(play, 4) ? 0 : 0x400);
    if (!roll(play, 4)) {
        for (unsigned n = 0; n < 4; n++) state.dr[n] = CODE + roll(play, 0x100);
        state.dr[7] = 0x400 | (uint32_t)fuzz_random(&play->random);
    }
    cpu_set_state(play->fixture.cpu, &state);
}

/* ---- code ---- */

/* Bytes of the case, each as it is or as a way into an instruction worth meeting often. */
static void write_code(struct play *play)
{
    static const char *const snippets[] = {
        "\xf3\xa4",
        "\xf3\xab",
        "\x66\xf3\xa5",
        "\xf2\xae",
        "\x0f\x01",
        "\x0f\x22\xc0",
        "\x0f\x22\xd8",
        "\x0f\x20\xc1",
        "\x8e\xd0",
        "\x8e\xd8",
        "\xcf",
        "\xca\x04",
        "\xcd\x80",
        "\xcc",
        "\x0f\xba",
        "\x0f\xa4",
        "\x0f\xc7\x0f",
        "\x9c\x9d",
        "\xe6\x80",
        "\xe4\x81",
        "\x6c",
        "\x6f",
        "\xf4",
        "\xfb",
        "\xc8\x10\x20\x1f",
        "\x0f\xb0",
        "\xd9",
        "\xdb\xe3",
        "\xdf",
        "\x0f\x30",
        "\x0f\x32",
        "\xea\x00\x80\x00\x00\x08\x00",
        "\x9a\x00\x80\x00\x00\x40\x00",
        "\xfe\x05\x10\x80\x00\x00",
        "\xc6\x05\x40\x80\x00\x00",
        "\xeb\xfe",
        "\xe2\xf0",
        "\x0f\x00",
        "\x62",
        "\x67\x66",
        "\xf0\x0f",
        "\x9d",
        "\x0f\x09",
    };
    uint8_t *code = ram(play) + CODE;
    size_t at = 0;
    while (play->in.left && at < 0x800) {
        uint8_t byte = fuzz_u8(&play->in);
        const char *snippet = snippets[byte % ARRAY_COUNT(snippets)];
        size_t length = strlen(snippet) ? strlen(snippet) : 1;
        if (byte < 64)
            memcpy(code + at, snippet, length);
        else
            code[at] = fuzz_u8(&play->in), length = 1;
        at += length;
    }
    for (size_t i = at; i < 0x1000; i++) code[i] = roll(play, 2) ? 0x90 : (uint8_t)roll(play, 256);
}

/* ---- running ---- */

static void check_state(struct play *play)
{
    struct cpu_state state;
    cpu_get_state(play->fixture.cpu, &state);
    fuzz_check(state.cpl <= 3, "CPL is 0 to 3");
    fuzz_check(state.eflags & 2, "bit 1 of EFLAGS is set");
    fuzz_check(!(state.eflags & ~UINT64_C(0x3f7fd7)), "EFLAGS has no reserved bits");
    fuzz_check(!state.gpr[16] && !(state.eip >> 32), "registers have 32 bits");
}

static uint64_t in_flight(void *owner)
{
    return cpu_retired(((struct cpu_fixture *)owner)->cpu);
}

static void run_some(struct play *play, uint64_t insns)
{
    play->fixture.clock.in_flight = in_flight;
    enum cpu_stop stop = cpu_run(play->fixture.cpu, insns, false);
    play->fixture.clock.in_flight = NULL;
    uint64_t retired = cpu_retired(play->fixture.cpu);
    fuzz_check(retired <= insns, "the budget of instructions is kept");
    clock_advance(&play->fixture.clock, retired);
    play->retired += retired;
    if (stop == CPU_STOP_TRIPLE_FAULT) {
        play->dead = true;
        cpu_report_triple_fault(play->fixture.cpu, nowhere, disassemble_for_report, NULL);
    }
    check_state(play);
}

/* Runs `insns` instructions in slices of at most `slice`; a halted CPU ends it. */
static void run_sliced(struct play *play, uint64_t insns, uint64_t slice)
{
    uint64_t end = play->retired + insns;
    while (!play->dead && play->retired < end && !cpu_idle(play->fixture.cpu))
        run_some(play, end - play->retired < slice ? end - play->retired : slice);
}

/* What a debugger looks at. */
static void look(struct play *play)
{
    struct page_walk walk;
    uint8_t bytes[32];
    uint32_t at = interesting(play);
    cpu_walk(play->fixture.cpu, at, &walk);
    cpu_debug_read(play->fixture.cpu, at, bytes, sizeof bytes);
    cpu_print(play->fixture.cpu, nowhere);
}

static void start(struct play *play, const uint8_t *data, size_t size)
{
    *play = (struct play){.in = {data, size}};
    play->random = (uint64_t)fuzz_u16(&play->in) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    cpu_fixture_create(&play->fixture);
    play->fixture.clock.in_flight = NULL;
    play->fixture.mmio_value = UINT64_C(0x8182838485868788);
    fill_tables(play);
    fill_page_tables(play);
    set_registers(play);
    write_code(play);
}

/* The case, with an interrupt now and then; `slice` 0 means in one go. */
static void play_case(struct play *play, uint64_t slice, bool looking)
{
    for (unsigned part = 0; part < 4; part++) {
        run_sliced(play, INSNS / 4, slice ? slice : INSNS);
        if (looking) look(play);
        if (play->dead) break;
        play->fixture.vector = (int)(0x20 + part);
        cpu_set_intr(play->fixture.cpu, part != 1);
        if (part == 2) cpu_raise_nmi(play->fixture.cpu);
    }
}

static void check_same(struct play *a, struct play *b)
{
    struct cpu_state one, other;
    char where[100];
    cpu_get_state(a->fixture.cpu, &one);
    cpu_get_state(b->fixture.cpu, &other);
    if (state_differs(&cpu_state_table, &one, &other, where, sizeof where)) {
        fprintf(stderr, "%s differs after %llu and %llu instructions\n", where,
                (unsigned long long)a->retired, (unsigned long long)b->retired);
        cpu_print(a->fixture.cpu, stderr);
        cpu_print(b->fixture.cpu, stderr);
        fuzz_check(false, "slices do not show in the registers");
    }
    fuzz_check(a->retired == b->retired, "slices do not show in the instruction count");
    fuzz_check(!memcmp(ram(a), ram(b), COMPARED), "slices do not show in memory");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play whole, sliced;
    start(&whole, data, size);
    start(&sliced, data, size);
    play_case(&whole, 0, false);
    play_case(&sliced, size % 3 == 0 ? 1 : 1 + size % 17, true);
    check_same(&whole, &sliced);
    cpu_fixture_destroy(&whole.fixture);
    cpu_fixture_destroy(&sliced.fixture);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* The CPU's engine: exact counting, decoded blocks, the MMU, breakpoints, what happens between instructions. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "tests/unit/cpu_fixture.h"

#define CODE_AT 0x1000u

enum { TF = 1 << 8, IF = 1 << 9, RF = 1 << 16 };

static struct cpu_fixture fixture;

static void setup(void)
{
    cpu_fixture_create(&fixture);
    cpu_fixture_flat(&fixture, CODE_AT);
}

static void teardown(void)
{
    cpu_fixture_destroy(&fixture);
}

static uint32_t reg(enum cpu_register n)
{
    return cpu_fixture_reg(&fixture, n);
}

static void set_reg(enum cpu_register n, uint32_t value)
{
    cpu_fixture_set_reg(&fixture, n, value);
}

static uint32_t eip(void)
{
    return cpu_fixture_eip(&fixture);
}

static uint32_t ram32(uint32_t physical)
{
    return cpu_fixture_read32(&fixture, physical);
}

static void set_ram32(uint32_t physical, uint32_t value)
{
    cpu_fixture_write32(&fixture, physical, value);
}

static enum cpu_stop run(uint64_t budget)
{
    return cpu_run(fixture.cpu, budget, false);
}

static void set_eip(uint32_t value)
{
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    state.eip = value;
    state.halted = false;
    cpu_set_state(fixture.cpu, &state);
}

/* Runs until HLT, at most `budget` instructions. */
static void run_to_halt(uint64_t budget)
{
    ck_assert_int_eq(run(budget), CPU_STOP_HALTED);
}

static void expect_exception(int vector, enum fault_reason reason)
{
    unsigned count;
    ck_assert_int_eq(run(1000), CPU_STOP_HALTED);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), vector);
    const struct fault_record *history = cpu_fault_history(fixture.cpu, &count);
    ck_assert_uint_gt(count, 0);
    ck_assert_str_eq(fault_reason_name(history[count - 1].fault.reason), fault_reason_name(reason));
}

/* What the handler of an exception with an error code finds on the stack. */
static uint32_t pushed(unsigned n)
{
    return ram32(reg(CPU_ESP) + 4 * n);
}

/* ---- paging ---- */

#define DIRECTORY 0x400000u
#define TABLES    0x401000u /* of the first 16 MiB */

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };

static uint32_t pte_of(uint32_t linear)
{
    return TABLES + (linear >> 12) * 4;
}

/* Identity map of all RAM for everybody, and CR0.PG. */
static void turn_paging_on(uint32_t cr0_more, uint32_t cr4)
{
    struct cpu_state state;
    for (uint32_t page = 0; page < FIXTURE_RAM >> 12; page++)
        set_ram32(TABLES + page * 4, page << 12 | P | W | U);
    for (uint32_t i = 0; i < FIXTURE_RAM >> 22; i++)
        set_ram32(DIRECTORY + i * 4, (TABLES + i * 0x1000) | P | W | U);
    cpu_get_state(fixture.cpu, &state);
    state.cr3 = DIRECTORY;
    state.cr4 = cr4;
    state.cr0 |= 0x80000000u | cr0_more;
    cpu_set_state(fixture.cpu, &state);
}

/* ---- counting ---- */

/* Something of everything: loops, memory, calls, strings, ports, interrupts, faults, code that changes itself. */
static const uint8_t mixture[] = {
    0xbf, 0x00, 0x00, 0x02, 0x00,       /* 1000 mov edi,0x20000 */
    0xbe, 0x00, 0x10, 0x00, 0x00,       /* 1005 mov esi,0x1000 */
    0xb9, 0x25, 0x00, 0x00, 0x00,       /* 100a mov ecx,37 */
    0xf3, 0xa4,                         /* 100f rep movsb */
    0xe8, 0x17, 0x00, 0x00, 0x00,       /* 1011 call 102d */
    0xe6, 0x80,                         /* 1016 out 0x80,al */
    0xfe, 0x05, 0x1f, 0x10, 0x00, 0x00, /* 1018 inc byte [0x101f] */
    0xb3, 0x00,                         /* 101e mov bl,0 */
    0x00, 0x1d, 0x00, 0x00, 0x03, 0x00, /* 1020 add [0x30000],bl */
    0xcd, 0x40,                         /* 1026 int 0x40 */
    0x0f, 0x0b,                         /* 1028 ud2 */
    0x42,                               /* 102a inc edx */
    0xeb, 0xd3,                         /* 102b jmp 1000 */
    0x50,                               /* 102d push eax */
    0x69, 0xc0, 0x0d, 0x66, 0x19, 0x00, /* 102e imul eax,eax,1664525 */
    0x05, 0x5f, 0xf3, 0x6e, 0x3c,       /* 1034 add eax,1013904223 */
    0x8f, 0x05, 0x04, 0x00, 0x03, 0x00, /* 1039 pop [0x30004] */
    0x72, 0x01,                         /* 103f jc 1042 */
    0x45,                               /* 1041 inc ebp */
    0xc3,                               /* 1042 ret */
};

static void mixture_prepare(void)
{
    cpu_fixture_flat(&fixture, CODE_AT);
    cpu_fixture_code(&fixture, CODE_AT, mixture, sizeof(mixture));
    CODE(&fixture, FIXTURE_HANDLERS + 0x40, 0xcf); /* iret */
    /* The #UD handler steps over UD2. */
    CODE(&fixture, 0x5000, 0x83, 0x04, 0x24, 0x02, 0xcf); /* add dword [esp],2; iret */
    set_ram32(FIXTURE_IDT + 6 * 8, 0x00085000);
    for (uint32_t at = 0x20000; at < 0x31000; at += 4) set_ram32(at, 0);
}

static uint64_t ram_hash(void)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (uint32_t at = 0; at < 0x98000; at++) hash = (hash ^ fixture.ram->host[at]) * 0x100000001b3;
    return hash;
}

static void run_in_pieces(uint64_t total, uint64_t piece)
{
    while (total) {
        uint64_t budget = total < piece ? total : piece;
        ck_assert_int_eq(run(budget), CPU_STOP_BUDGET);
        ck_assert_uint_eq(cpu_retired(fixture.cpu), budget);
        total -= budget;
    }
}

START_TEST(count_is_the_same_however_it_is_split)
{
    static const uint64_t totals[] = {1, 5, 17, 41, 60, 100, 999, 5000};
    static const uint64_t pieces[] = {1, 2, 3, 7, 50};
    for (unsigned t = 0; t < ARRAY_COUNT(totals); t++) {
        struct cpu_state whole, split;
        char where[64];
        mixture_prepare();
        run_in_pieces(totals[t], totals[t]);
        cpu_get_state(fixture.cpu, &whole);
        uint64_t hash = ram_hash();
        for (unsigned p = 0; p < ARRAY_COUNT(pieces); p++) {
            mixture_prepare();
            run_in_pieces(totals[t], pieces[p]);
            cpu_get_state(fixture.cpu, &split);
            bool differs = state_differs(&cpu_state_table, &whole, &split, where, sizeof(where));
            ck_assert_msg(!differs, "%s differs after %u in pieces of %u", where, (unsigned)totals[t],
                          (unsigned)pieces[p]);
            ck_assert_uint_eq(ram_hash(), hash);
        }
    }
}
END_TEST

/* ---- random code ---- */

static uint64_t random_state;

static uint32_t random32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

/* Reads of the device give numbers that depend on how often it was asked; some accesses raise INTR. */
static void random_device(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)size;
    f->mmio_value = f->mmio_value * 2654435761u + write;
    if ((f->mmio_value & 0x700) == 0x700) cpu_set_intr(f->cpu, true);
}

static uint8_t random_opcode(void)
{
    static const uint8_t usual[] = {0x40, 0x43, 0x50, 0x58, 0x89, 0x8b, 0x01, 0x29, 0x75, 0x74,
                                    0xeb, 0xa4, 0xaa, 0xf3, 0xe8, 0xc3, 0x88, 0xfe, 0x0f, 0x66,
                                    0xe6, 0xe4, 0x9d, 0x9c, 0xfb, 0xfa, 0xcd, 0xe2, 0x72, 0x73};
    return random32() % 16 < 6 ? usual[random32() % sizeof(usual)] : (uint8_t)random32();
}

/* Twelve KiB of random code at 0x4000, in one of three modes, with handlers somewhere in it; sometimes with TF, a debug
 * register, or holes in the page table. */
static void random_prepare(unsigned seed)
{
    struct cpu_state state;
    uint8_t code[0x3000];
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    memset(fixture.ram->host, 0, FIXTURE_RAM);
    region_written(fixture.ram, (struct region_at){0}, FIXTURE_RAM);
    cpu_set_intr(fixture.cpu, false);
    if (seed % 3 == 0)
        cpu_fixture_real(&fixture, 0x400, 0x1000);
    else if (seed % 3 == 1)
        cpu_fixture_flat(&fixture, 0x5000);
    else
        cpu_fixture_user(&fixture, 0x5000);
    for (unsigned i = 0; i < sizeof(code); i++) code[i] = random_opcode();
    cpu_fixture_code(&fixture, 0x4000, code, sizeof(code));
    for (unsigned vector = 0; vector < 256; vector++) {
        uint32_t at = random32() % 0x2ff0;
        if (seed % 3 == 0)
            set_ram32(vector * 4, 0x04000000 | at);
        else if (vector != 8 && random32() % 2)
            set_ram32(FIXTURE_IDT + vector * 8, 0x00080000 | (0x4000 + at));
    }
    if (seed % 3 && random32() % 3 == 0) {
        turn_paging_on(0, 0);
        for (uint32_t page = 4; page < 7; page++) {
            if (random32() % 4 == 0)
                set_ram32(TABLES + page * 4, (4 + random32() % 3) << 12 | (random32() & 7));
        }
    }
    cpu_get_state(fixture.cpu, &state);
    for (unsigned n = 0; n < 8; n++) {
        if (n != CPU_ESP) state.gpr[n] = random32() % 4 ? 0x4000 + random32() % 0x3000 : random32();
    }
    if (random32() % 4 == 0) state.eflags |= TF;
    if (random32() % 2 == 0) state.eflags |= IF;
    if (random32() % 8 == 0) {
        state.dr[0] = 0x4000 + random32() % 0x3000;
        state.dr[7] = 0x402 | (random32() & 15) << 16;
    }
    cpu_set_state(fixture.cpu, &state);
    fixture.mmio_value = 1;
    fixture.on_access = random_device;
}

/* Runs on however it stops, at most `total` instructions; returns how many. */
static uint64_t random_run(uint64_t total, uint64_t piece)
{
    uint64_t done = 0;
    for (unsigned wakes = 0; done < total && wakes < 4;) {
        uint64_t budget = total - done < piece ? total - done : piece;
        enum cpu_stop stop = run(budget);
        done += cpu_retired(fixture.cpu);
        ck_assert_uint_le(cpu_retired(fixture.cpu), budget);
        if (stop == CPU_STOP_TRIPLE_FAULT) break;
        if (stop != CPU_STOP_HALTED) continue;
        cpu_set_intr(fixture.cpu, true);
        wakes++;
    }
    return done;
}

START_TEST(random_code_is_the_same_however_it_is_split)
{
    lint_quiet(true);
    for (unsigned seed = 1; seed <= 400; seed++) {
        struct cpu_state whole, split;
        char where[64];
        uint64_t total = 50 + seed * 7 % 700;
        random_prepare(seed);
        uint64_t done = random_run(total, total), hash = ram_hash();
        cpu_get_state(fixture.cpu, &whole);
        random_prepare(seed);
        ck_assert_uint_eq(random_run(total, seed % 7 ? 1 : 1 + seed % 5), done);
        ck_assert_uint_eq(ram_hash(), hash);
        cpu_get_state(fixture.cpu, &split);
        bool differs = state_differs(&cpu_state_table, &whole, &split, where, sizeof(where));
        ck_assert_msg(!differs, "seed %u: %s differs", seed, where);
    }
    lint_quiet(false);
}
END_TEST

START_TEST(count_stops_inside_a_block)
{
    CODE(&fixture, CODE_AT, 0x40, 0x43, 0x41, 0x42, 0x46, 0x47, 0xeb, 0xf8);
    ck_assert_int_eq(run(3), CPU_STOP_BUDGET);
    ck_assert_uint_eq(eip(), CODE_AT + 3);
    ck_assert_uint_eq(reg(CPU_ECX), 1);
    ck_assert_uint_eq(reg(CPU_EDX) & 0xff, 0x52); /* reset signature, untouched */
    ck_assert_int_eq(run(0), CPU_STOP_BUDGET);
    ck_assert_uint_eq(eip(), CODE_AT + 3);
}
END_TEST

START_TEST(repeat_counts_iterations_and_keeps_eip)
{
    CODE(&fixture, CODE_AT, 0x90, 0xf3, 0xaa, 0x90, 0xf4); /* nop; rep stosb; nop; hlt */
    set_reg(CPU_ECX, 10);
    set_reg(CPU_EDI, 0x20000);
    run_in_pieces(5, 5); /* nop and four iterations */
    ck_assert_uint_eq(eip(), CODE_AT + 1);
    ck_assert_uint_eq(reg(CPU_ECX), 6);
    run_in_pieces(6, 6);
    ck_assert_uint_eq(reg(CPU_ECX), 0);
    ck_assert_uint_eq(eip(), CODE_AT + 3);
    ck_assert_uint_eq(cpu_fixture_eflags(&fixture) & RF, 0);
    run_to_halt(10);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 2);
}
END_TEST

START_TEST(repeat_of_nothing_is_one_instruction)
{
    CODE(&fixture, CODE_AT, 0xf3, 0xaa, 0x40);
    set_reg(CPU_ECX, 0);
    run_in_pieces(2, 2);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
}
END_TEST

START_TEST(repeat_is_interrupted_between_iterations)
{
    CODE(&fixture, CODE_AT, 0xfb, 0x90, 0xf3, 0x6e, 0xf4); /* sti; nop; rep outsb; hlt */
    set_reg(CPU_ECX, 8);
    set_reg(CPU_ESI, 0x20000);
    set_reg(CPU_EDX, FIXTURE_PORT);
    run_in_pieces(4, 4);
    cpu_set_intr(fixture.cpu, true);
    run_to_halt(100);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 0x20);
    ck_assert_uint_eq(pushed(0), CODE_AT + 2);
    ck_assert_uint_eq(reg(CPU_ECX), 6);
    ck_assert_uint_eq(fixture.mmio_writes, 2);
}
END_TEST

static uint64_t seen_time[8];
static unsigned seen_count;

static void note_time(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)write;
    (void)size;
    if (seen_count < ARRAY_COUNT(seen_time)) seen_time[seen_count++] = (uint64_t)clock_now(&f->clock);
}

START_TEST(devices_see_the_exact_time)
{
    /* nop; nop; out 0x80,al; nop; mov eax,[mmio]; rep outsb; hlt */
    CODE(&fixture, CODE_AT, 0x90, 0x90, 0xe6, 0x80, 0x90, 0xa1, 0x00, 0x00, 0x00, 0xe0, 0xf3, 0x6e, 0xf4);
    set_reg(CPU_ECX, 3);
    set_reg(CPU_ESI, 0x20000);
    set_reg(CPU_EDX, FIXTURE_PORT);
    fixture.on_access = note_time;
    seen_count = 0;
    run_to_halt(100);
    static const uint64_t expected[] = {2, 4, 5, 6, 7};
    ck_assert_uint_eq(seen_count, 5);
    for (unsigned i = 0; i < 5; i++) ck_assert_uint_eq(seen_time[i], expected[i]);
}
END_TEST

static uint64_t shorten_to;

static void shorten(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)write;
    (void)size;
    cpu_shorten(f->cpu, shorten_to);
}

START_TEST(shorten_is_exact)
{
    /* out 0x80,al; inc eax; inc eax; inc eax; inc eax; jmp */
    CODE(&fixture, CODE_AT, 0xe6, 0x80, 0x40, 0x40, 0x40, 0x40, 0xeb, 0xf8);
    fixture.on_access = shorten;
    for (shorten_to = 0; shorten_to < 12; shorten_to++) {
        set_eip(CODE_AT);
        set_reg(CPU_EAX, 0);
        fixture.on_access = shorten;
        uint64_t expected = shorten_to ? shorten_to : 1;
        uint64_t loops = expected / 6, rest = expected % 6;
        ck_assert_int_eq(run(1000), CPU_STOP_BUDGET);
        ck_assert_uint_eq(cpu_retired(fixture.cpu), expected);
        ck_assert_uint_eq(reg(CPU_EAX), loops * 4 + (rest ? (rest - 1 < 4 ? rest - 1 : 4) : 0));
    }
}
END_TEST

/* Comparison and jump are one body; they are two instructions all the same. */
START_TEST(comparison_and_jump_are_two)
{
    /* inc eax; cmp eax,5; jb; dec ecx; jnz; out 0x80,al; test eax,eax; jnz */
    CODE(&fixture, CODE_AT, 0x40, 0x83, 0xf8, 0x05, 0x72, 0xfa, 0x49, 0x75, 0xf7, 0xe6, 0x80, 0x85, 0xc0,
         0x75, 0xf1);
    run_in_pieces(60, 60); /* decoded */
    for (unsigned count = 0; count < 40; count++) {
        struct cpu_state whole, pieces;
        char where[64];
        for (unsigned way = 0; way < 2; way++) {
            set_eip(CODE_AT);
            set_reg(CPU_EAX, 0);
            set_reg(CPU_ECX, 3);
            cpu_fixture_set_eflags(&fixture, 2);
            run_in_pieces(count, way ? 1 : 100);
            cpu_get_state(fixture.cpu, way ? &pieces : &whole);
        }
        ck_assert_msg(!state_differs(&cpu_state_table, &whole, &pieces, where, sizeof(where)), "%u: %s",
                      count, where);
    }
    set_eip(CODE_AT);
    set_reg(CPU_EAX, 0);
    ck_assert(cpu_breakpoint_add(fixture.cpu, CODE_AT + 4));
    ck_assert_int_eq(run(100), CPU_STOP_BREAKPOINT);
    ck_assert_uint_eq(eip(), CODE_AT + 4);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 2);
    ck_assert(cpu_breakpoint_remove(fixture.cpu, CODE_AT + 4));
    set_eip(CODE_AT + 9);
    fixture.on_access = shorten;
    shorten_to = 2;
    ck_assert_int_eq(run(100), CPU_STOP_BUDGET);
    ck_assert_uint_eq(eip(), CODE_AT + 13);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 2);
}
END_TEST

/* The comparison reads a device, which ends the run: the jump after it has not happened. */
START_TEST(comparison_with_a_device_ends_before_its_jump)
{
    CODE(&fixture, CODE_AT, 0x83, 0x3b, 0x07, 0x74, 0xfb); /* cmp dword [ebx],7; jz */
    set_reg(CPU_EBX, 0x20000);
    set_ram32(0x20000, 7);
    run_in_pieces(20, 20);
    set_eip(CODE_AT);
    set_reg(CPU_EBX, FIXTURE_MMIO);
    fixture.mmio_value = 7;
    fixture.on_access = shorten;
    shorten_to = 1;
    ck_assert_int_eq(run(100), CPU_STOP_BUDGET);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 1);
    ck_assert_uint_eq(eip(), CODE_AT + 3);
    ck_assert_uint_eq(fixture.mmio_reads, 1);
    fixture.on_access = NULL;
    run_in_pieces(1, 1);
    ck_assert_uint_eq(eip(), CODE_AT);
}
END_TEST

static void ask_exit(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)write;
    (void)size;
    cpu_exit_soon(f->cpu);
}

START_TEST(exit_soon_ends_after_the_instruction)
{
    CODE(&fixture, CODE_AT, 0x40, 0xe6, 0x80, 0x40, 0x40, 0xeb, 0xf9);
    fixture.on_access = ask_exit;
    ck_assert_int_eq(run(1000), CPU_STOP_ASKED);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 2);
    ck_assert_uint_eq(eip(), CODE_AT + 3);
    fixture.on_access = NULL;
    cpu_exit_soon(fixture.cpu); /* no run to end */
    ck_assert_int_eq(run(10), CPU_STOP_BUDGET);
}
END_TEST

static void reset_now(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)write;
    (void)size;
    cpu_reset(f->cpu);
    cpu_exit_soon(f->cpu);
}

START_TEST(reset_from_a_callback)
{
    struct cpu_state state;
    CODE(&fixture, CODE_AT, 0x40, 0xe6, 0x80, 0x40, 0x40, 0xeb, 0xf9);
    fixture.on_access = reset_now;
    run(1000);
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(state.eip, 0xfff0);
    ck_assert_uint_eq(state.segment[CPU_CS].base, 0xffff0000);
    ck_assert_uint_eq(state.gpr[CPU_EAX], 0);
    ck_assert_uint_eq(state.cr0, 0x60000010);
    ck_assert_uint_eq(state.eflags, 2);
}
END_TEST

START_TEST(a_handler_that_faults_at_once_does_not_stop_time)
{
    cpu_fixture_real(&fixture, 0, 0x1000);
    CODE(&fixture, CODE_AT, 0x0f, 0x0b); /* ud2, and the vector leads to it */
    set_ram32(6 * 4, CODE_AT);
    ck_assert_int_eq(run(100), CPU_STOP_BUDGET);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 100);
}
END_TEST

/* ---- decoding ---- */

START_TEST(fifteen_bytes_are_allowed_and_sixteen_are_not)
{
    uint8_t bytes[17];
    memset(bytes, 0x3e, sizeof(bytes));
    bytes[14] = 0x40;
    bytes[15] = 0xf4;
    cpu_fixture_code(&fixture, CODE_AT, bytes, sizeof(bytes));
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 1);

    bytes[14] = 0x3e;
    bytes[15] = 0x40;
    cpu_fixture_flat(&fixture, CODE_AT);
    cpu_fixture_code(&fixture, CODE_AT, bytes, sizeof(bytes));
    expect_exception(13, REASON_INSN_TOO_LONG);
    ck_assert_uint_eq(pushed(0), 0);
    ck_assert_uint_eq(pushed(1), CODE_AT);
}
END_TEST

START_TEST(lock_is_refused_where_it_does_not_belong)
{
    static const uint8_t bad[][4] = {
        {0xf0, 0x90}, {0xf0, 0x01, 0xd8}, {0xf0, 0x39, 0x06}, {0xf0, 0x8b, 0x06}, {0xf0, 0x0f, 0xa3, 0x06}};
    static const uint8_t good[][4] = {{0xf0, 0x01, 0x06, 0xf4},
                                      {0xf0, 0xff, 0x06, 0xf4},
                                      {0xf0, 0x87, 0x06, 0xf4},
                                      {0xf0, 0xf6, 0x16, 0xf4}};
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        cpu_fixture_flat(&fixture, CODE_AT);
        set_reg(CPU_ESI, 0x20000);
        cpu_fixture_code(&fixture, CODE_AT, bad[i], 4);
        expect_exception(6, REASON_LOCK_NOT_ALLOWED);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(good); i++) {
        cpu_fixture_flat(&fixture, CODE_AT);
        set_reg(CPU_ESI, 0x20000);
        cpu_fixture_code(&fixture, CODE_AT, good[i], 4);
        run_to_halt(10);
        ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), -1);
    }
}
END_TEST

START_TEST(addressing_forms)
{
    static const struct {
        uint8_t code[9];
        uint32_t address;
    } forms[] = {
        {{0x8b, 0x03}, 0x30000},                                      /* [ebx] */
        {{0x8b, 0x45, 0x10}, 0x40010},                                /* [ebp+16] */
        {{0x8b, 0x44, 0x8b, 0xfc}, 0x30000 + 0x40 - 4},               /* [ebx+ecx*4-4] */
        {{0x8b, 0x04, 0x8d, 0x00, 0x00, 0x03, 0x00}, 0x30000 + 0x40}, /* [ecx*4+0x30000] */
        {{0x8b, 0x84, 0x23, 0x00, 0x01, 0x00, 0x00}, 0x30100},        /* [ebx+256], no index */
        {{0x8b, 0x05, 0x00, 0x00, 0x03, 0x00}, 0x30000},              /* [0x30000] */
        {{0x67, 0x8b, 0x40, 0x04}, 0x9004},                           /* [bx+si+4] with bx=0, si=0x9000 */
        {{0x67, 0x8b, 0x06, 0x34, 0x92}, 0x9234},                     /* [0x9234] */
        {{0x67, 0x8b, 0x82, 0xff, 0xff}, 0x8fff},                     /* [bp+si-1] wraps within 64 KiB */
        {{0xa1, 0x78, 0x56, 0x03, 0x00}, 0x35678},                    /* moffs */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(forms); i++) {
        cpu_fixture_flat(&fixture, CODE_AT);
        cpu_fixture_code(&fixture, CODE_AT, forms[i].code, sizeof(forms[i].code));
        set_reg(CPU_EBX, 0x30000);
        set_reg(CPU_ECX, 0x10);
        set_reg(CPU_EBP, 0x40000);
        set_reg(CPU_ESI, 0x9000);
        set_ram32(forms[i].address, 0xabcd0000 + i);
        run_in_pieces(1, 1);
        ck_assert_msg(reg(CPU_EAX) == 0xabcd0000 + i, "form %u: %08x", i, reg(CPU_EAX));
    }
}
END_TEST

START_TEST(code_ends_at_the_segment_limit)
{
    unsigned count;
    cpu_fixture_real(&fixture, 0, 0xfffd);
    CODE(&fixture, 0xfffd, 0x40, 0x40, 0x40); /* up to the very end */
    set_ram32(13 * 4, 0x00002000);
    CODE(&fixture, 0x2000, 0xf4);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 3);
    ck_assert_uint_eq(eip(), 0x2001);
    const struct fault_record *history = cpu_fault_history(fixture.cpu, &count);
    ck_assert_int_eq(history[count - 1].fault.reason, REASON_CODE_LIMIT);
    ck_assert_uint_eq(history[count - 1].eip, 0x10000);

    cpu_fixture_real(&fixture, 0, 0xfffe);
    CODE(&fixture, 0xfffe, 0x40, 0xb0, 0x12); /* mov al,0x12 hangs over */
    set_reg(CPU_EAX, 0);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    ck_assert_uint_eq(eip(), 0x2001);
}
END_TEST

static void write_code_register(struct cpu_fixture *f, bool write, unsigned size)
{
    static const uint8_t code[] = {0x40, 0x40, 0x68, 0x00,
                                   0x50, 0x00, 0x00, 0xc3}; /* inc; inc; push 0x5000; ret */
    (void)write;
    ck_assert_uint_eq(size, 1);
    f->mmio_value = f->mmio_reads <= sizeof(code) ? code[f->mmio_reads - 1] : 0xf4;
}

START_TEST(code_in_device_memory_is_fetched_once_per_execution)
{
    CODE(&fixture, CODE_AT, 0x68, 0x00, 0x00, 0x00, 0xe0, 0xc3); /* push FIXTURE_MMIO; ret */
    CODE(&fixture, 0x5000, 0xf4);
    fixture.on_access = write_code_register;
    run_to_halt(20);
    ck_assert_uint_eq(reg(CPU_EAX), 2);
    ck_assert_uint_eq(eip(), 0x5001);
    ck_assert_uint_eq(fixture.mmio_reads, 8);
}
END_TEST

/* ---- code that changes ---- */

START_TEST(code_changes_the_next_instruction)
{
    /* mov byte [0x1008],0x43; nop(->); inc eax becomes inc ebx; hlt */
    CODE(&fixture, CODE_AT, 0xc6, 0x05, 0x07, 0x10, 0x00, 0x00, 0x43, 0x40, 0xf4);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0);
    ck_assert_uint_eq(reg(CPU_EBX), 1);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 3);
}
END_TEST

START_TEST(code_changes_in_a_loop)
{
    /* L: inc dword [0x1008]; mov eax,imm; dec ecx; jnz L; hlt */
    CODE(&fixture, CODE_AT, 0xff, 0x05, 0x07, 0x10, 0x00, 0x00, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x49, 0x75,
         0xf2, 0xf4);
    set_reg(CPU_ECX, 1000);
    run_to_halt(10000);
    ck_assert_uint_eq(reg(CPU_EAX), 1000);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 4001);
}
END_TEST

START_TEST(code_changes_in_another_page)
{
    /* call 0x5000 (mov al,1; ret); mov byte [0x5001],2; call 0x5000; hlt */
    CODE(&fixture, CODE_AT, 0xe8, 0xfb, 0x3f, 0x00, 0x00, 0x88, 0xc3, 0xc6, 0x05, 0x01, 0x50, 0x00, 0x00,
         0x02, 0xe8, 0xed, 0x3f, 0x00, 0x00, 0xf4);
    CODE(&fixture, 0x5000, 0xb0, 0x01, 0xc3);
    run_to_halt(20);
    ck_assert_uint_eq(reg(CPU_EBX) & 0xff, 1);
    ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 2);
}
END_TEST

START_TEST(code_changes_across_a_page_boundary)
{
    /* At 0x4ffd: mov eax,0x11223344, three bytes here and two there; hlt after it */
    CODE(&fixture, 0x4ffd, 0xb8, 0x44, 0x33, 0x22, 0x11, 0xf4);
    set_eip(0x4ffd);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0x11223344);
    static const uint32_t places[] = {0x4ffe, 0x4fff, 0x5000, 0x5001};
    for (unsigned i = 0; i < ARRAY_COUNT(places); i++) {
        /* mov byte [place],0x99; jmp 0x4ffd, run by the CPU */
        CODE(&fixture, CODE_AT, 0xc6, 0x05, (uint8_t)places[i], (uint8_t)(places[i] >> 8), 0x00, 0x00, 0x99,
             0xe9, 0xf1, 0x3f, 0x00, 0x00);
        set_eip(CODE_AT);
        run_to_halt(10);
        ck_assert_uint_eq(reg(CPU_EAX) >> (8 * i) & 0xff, 0x99);
        /* a word over the boundary */
    }
    set_ram32(0x4ffe, 0x01020304);
    set_eip(0x4ffd);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0x01020304);
}
END_TEST

START_TEST(string_store_overwrites_its_own_code)
{
    /* rep stosb over the loop itself: each byte becomes inc eax, as of the iteration that wrote it. 1000 nop; 1001 rep stosb;
     * 1003 hlt, EDI at 1001 */
    CODE(&fixture, CODE_AT, 0x90, 0xf3, 0xaa, 0x90, 0xf4);
    set_reg(CPU_EAX, 0x43); /* inc ebx */
    set_reg(CPU_ECX, 3);
    set_reg(CPU_EDI, CODE_AT + 1);
    run_to_halt(20);
    /* The first iteration turned the prefix into INC EBX: what runs then is inc ebx; stosb; nop. */
    ck_assert_uint_eq(reg(CPU_EBX), 1);
    ck_assert_uint_eq(reg(CPU_ECX), 2);
    ck_assert_uint_eq(reg(CPU_EDI), CODE_AT + 3);
}
END_TEST

START_TEST(data_beside_code_drops_nothing)
{
    /* L: mov [0x1800],ecx; dec ecx; jnz L; hlt */
    CODE(&fixture, CODE_AT, 0x89, 0x0d, 0x00, 0x18, 0x00, 0x00, 0x49, 0x75, 0xf7, 0xf4);
    set_reg(CPU_ECX, 100);
    run_to_halt(1000);
    ck_assert_uint_eq(cpu_stats(fixture.cpu)->blocks_dropped, 0);
    ck_assert_uint_eq(ram32(0x1800), 1);
}
END_TEST

START_TEST(lesson_12_device_writes_drop_exactly_the_code_they_touch)
{
    CODE(&fixture, 0x4ffe, 0xb0, 0x01, 0xf4); /* mov al,1, hlt at 0x5000 */
    set_eip(0x4ffe);
    run_to_halt(10);
    uint64_t dropped = cpu_stats(fixture.cpu)->blocks_dropped;
    uint8_t bytes[0x1000];
    memset(bytes, 0x90, sizeof(bytes));
    space_write(fixture.memory, 0x3ffe, bytes, 0x1000); /* ends just before */
    ck_assert_uint_eq(cpu_stats(fixture.cpu)->blocks_dropped, dropped);
    bytes[0xfff] = 0x02;
    space_write(fixture.memory, 0x4000, bytes, 0x1000); /* reaches the immediate, the last byte of the page */
    fixture.ram->host[0x4ffe] = 0xb0;
    region_written(fixture.ram, (struct region_at){0x4ffe}, 1);
    set_eip(0x4ffe);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 2);
}
END_TEST

static void dma_into_code(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)write;
    (void)size;
    static const uint8_t inc_ebx = 0x43;
    space_write(f->memory, CODE_AT + 2, &inc_ebx, 1);
}

START_TEST(device_writes_into_the_block_under_way)
{
    CODE(&fixture, CODE_AT, 0xe6, 0x80, 0x40, 0xf4); /* out 0x80,al; inc eax; hlt */
    fixture.on_access = dma_into_code;
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0);
    ck_assert_uint_eq(reg(CPU_EBX), 1);
}
END_TEST

START_TEST(shadow_memory_appears_under_running_code)
{
    struct error error;
    struct region *other = region_new_ram("other", 0x1000, &error);
    CODE(&fixture, 0x5000, 0xb0, 0x01, 0xf4);
    set_eip(0x5000);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 1);
    memcpy(other->host, "\xb0\x02\xf4", 3);
    region_add(fixture.memory_root, 0x5000, other, 1);
    set_eip(0x5000);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 2);
    region_remove(other);
    region_release(other);
    set_eip(0x5000);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 1);
}
END_TEST

START_TEST(many_blocks_outgrow_the_arena)
{
    /* jmp +0 at every 8 bytes of 12 MiB: 1.5 million blocks */
    static const uint8_t jump[8] = {0xeb, 0x06};
    for (uint32_t at = 0x100000; at < FIXTURE_RAM - 0x1000; at += 8) memcpy(fixture.ram->host + at, jump, 8);
    uint32_t end = FIXTURE_RAM - 0x1000;
    CODE(&fixture, end, 0xf4);
    set_eip(0x100000);
    run_to_halt(3000000);
    ck_assert_uint_eq(eip(), end + 1);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), (end - 0x100000) / 8 + 1);
}
END_TEST

/* ---- paging ---- */

START_TEST(page_fault_restarts_the_instruction)
{
    /* The handler maps the page and returns. */
    turn_paging_on(0, 0);
    set_ram32(pte_of(0x50000), 0);
    CODE(&fixture, 0x6000, 0xc7, 0x05, (uint8_t)pte_of(0x50000), (uint8_t)(pte_of(0x50000) >> 8),
         (uint8_t)(pte_of(0x50000) >> 16), 0x00, 0x07, 0x00, 0x06, 0x00, 0x83, 0xc4, 0x04, 0xcf);
    set_ram32(FIXTURE_IDT + 14 * 8, 0x00086000);
    CODE(&fixture, CODE_AT, 0x40, 0xa3, 0x00, 0x00, 0x05, 0x00, 0x43,
         0xf4); /* inc eax; mov [0x50000],eax; inc ebx */
    run_to_halt(20);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    ck_assert_uint_eq(reg(CPU_EBX), 1);
    ck_assert_uint_eq(ram32(0x60000), 1);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 7);
}
END_TEST

static void expect_page_fault(uint32_t linear, uint32_t error, enum fault_reason reason)
{
    struct cpu_state state;
    expect_exception(14, reason);
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(state.cr2, linear);
    ck_assert_uint_eq(pushed(0), error);
}

START_TEST(page_fault_error_codes)
{
    static const struct {
        uint32_t pde_clear, pte_clear, cr0;
        bool user, write;
        uint32_t error;
        enum fault_reason reason;
    } rows[] = {
        {P, 0, 0, false, false, 0, REASON_PDE_NOT_PRESENT},
        {0, P, 0, false, true, 2, REASON_PTE_NOT_PRESENT},
        {0, P, 0, true, false, 4, REASON_PTE_NOT_PRESENT},
        {0, U, 0, true, false, 5, REASON_PAGE_SUPERVISOR},
        {U, 0, 0, true, true, 7, REASON_PAGE_SUPERVISOR},
        {0, W, 0, true, true, 7, REASON_PAGE_READ_ONLY},
        {W, 0, 0, true, true, 7, REASON_PAGE_READ_ONLY},
        {0, W, 0x10000, false, true, 3, REASON_PAGE_READ_ONLY},
    };
    uint32_t linear = 0xc50000; /* the fourth page table */
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].user)
            cpu_fixture_user(&fixture, CODE_AT);
        else
            cpu_fixture_flat(&fixture, CODE_AT);
        turn_paging_on(rows[i].cr0, 0);
        uint32_t pde = DIRECTORY + (linear >> 22) * 4;
        set_ram32(pde, ram32(pde) & ~rows[i].pde_clear);
        set_ram32(pte_of(linear), ram32(pte_of(linear)) & ~rows[i].pte_clear);
        CODE(&fixture, CODE_AT, rows[i].write ? 0xa3 : 0xa1, (uint8_t)linear, (uint8_t)(linear >> 8),
             (uint8_t)(linear >> 16), 0x00, 0xf4);
        expect_page_fault(linear, rows[i].error, rows[i].reason);
        ck_assert_uint_eq(ram32(pte_of(linear)) & (A | D), 0);
    }
}
END_TEST

START_TEST(supervisor_writes_read_only_pages_without_wp)
{
    turn_paging_on(0, 0);
    set_ram32(pte_of(0x50000), 0x50000 | P);
    CODE(&fixture, CODE_AT, 0xa3, 0x00, 0x00, 0x05, 0x00, 0xf4);
    set_reg(CPU_EAX, 77);
    run_to_halt(10);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), -1);
    ck_assert_uint_eq(ram32(0x50000), 77);
}
END_TEST

START_TEST(accessed_and_dirty_bits)
{
    turn_paging_on(0, 0);
    /* mov eax,[0x50000]; mov [0x50000],eax; hlt */
    CODE(&fixture, CODE_AT, 0xa1, 0x00, 0x00, 0x05, 0x00, 0xa3, 0x00, 0x00, 0x05, 0x00, 0xf4);
    run_in_pieces(1, 1);
    ck_assert_uint_eq(ram32(pte_of(0x50000)) & (A | D), A);
    ck_assert_uint_eq(ram32(DIRECTORY) & (A | D), A);
    run_in_pieces(1, 1);
    ck_assert_uint_eq(ram32(pte_of(0x50000)) & (A | D), A | D);
    ck_assert_uint_eq(ram32(DIRECTORY) & (A | D), A);
    ck_assert_uint_eq(ram32(pte_of(0x51000)) & (A | D), 0);
}
END_TEST

START_TEST(large_pages)
{
    turn_paging_on(0, 0x10);
    set_ram32(DIRECTORY + 4 * 4, 0x800000 | P | W | PS); /* 0x1000000 to 8 MiB */
    CODE(&fixture, CODE_AT, 0xa3, 0x34, 0x12, 0x23, 0x01, 0xf4);
    set_reg(CPU_EAX, 99);
    run_to_halt(10);
    ck_assert_uint_eq(ram32(0xa31234), 99);
    ck_assert_uint_eq(ram32(DIRECTORY + 16) & (A | D), A | D);

    cpu_fixture_flat(&fixture, CODE_AT);
    turn_paging_on(0, 0x10);
    set_ram32(DIRECTORY + 4 * 4,
              0x820000 | P | W | PS); /* bit 17 is reserved; 16:13 are address bits 35:32 */
    expect_page_fault(0x1231234, 2 | 8 | 1, REASON_PAGE_RESERVED_BIT);
}
END_TEST

START_TEST(write_over_two_pages_checks_both_first)
{
    turn_paging_on(0, 0);
    set_ram32(pte_of(0x51000), 0);
    set_ram32(0x50ffc, 0x11111111);
    CODE(&fixture, CODE_AT, 0xa3, 0xfe, 0x0f, 0x05, 0x00, 0xf4); /* mov [0x50ffe],eax */
    expect_page_fault(0x51000, 2, REASON_PTE_NOT_PRESENT);
    ck_assert_uint_eq(ram32(0x50ffc), 0x11111111);
    /* Read-modify-write, and pages that are not neighbours in memory. */
    cpu_fixture_flat(&fixture, CODE_AT);
    turn_paging_on(0, 0);
    set_ram32(pte_of(0x51000), 0x70000 | P | W);
    set_ram32(0x70000, 0x22222222);
    CODE(&fixture, CODE_AT, 0x81, 0x05, 0xfe, 0x0f, 0x05, 0x00, 0x01, 0x00, 0x01, 0x00,
         0xf4); /* add [0x50ffe],0x10001 */
    run_to_halt(10);
    ck_assert_uint_eq(ram32(0x50ffc), 0x11121111);
    ck_assert_uint_eq(ram32(0x70000), 0x22222223);
}
END_TEST

/* Remaps 0x50000 to 0x60000 behind the TLB's back, then runs `code` (a way to flush) and reads again. */
static uint32_t read_after_remap(uint32_t entry_flags, uint32_t cr4, const uint8_t *code, size_t size)
{
    cpu_fixture_flat(&fixture, CODE_AT);
    turn_paging_on(0, cr4);
    set_ram32(0x50000, 5);
    set_ram32(0x60000, 6);
    set_ram32(pte_of(0x50000), 0x50000 | P | W | entry_flags);
    CODE(&fixture, CODE_AT, 0xa1, 0x00, 0x00, 0x05, 0x00);
    cpu_fixture_code(&fixture, CODE_AT + 5, code, size);
    CODE(&fixture, CODE_AT + 5 + (uint32_t)size, 0xa1, 0x00, 0x00, 0x05, 0x00, 0xf4);
    run_in_pieces(1, 1);
    ck_assert_uint_eq(reg(CPU_EAX), 5);
    set_ram32(pte_of(0x50000), 0x60000 | P | W | entry_flags);
    run_to_halt(20);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), -1);
    return reg(CPU_EAX);
}

START_TEST(tlb_is_flushed_as_the_manual_says)
{
    static const uint8_t nothing[] = {0x90};
    static const uint8_t invlpg[] = {0x0f, 0x01, 0x3d, 0x00, 0x00, 0x05, 0x00};
    static const uint8_t other_page[] = {0x0f, 0x01, 0x3d, 0x00, 0x10, 0x05, 0x00};
    static const uint8_t load_cr3[] = {0x0f, 0x20, 0xd9, 0x0f, 0x22, 0xd9};
    static const uint8_t toggle_pge[] = {0x0f, 0x20, 0xe1, 0x80, 0xf1, 0x80, 0x0f, 0x22, 0xe1};
    ck_assert_uint_eq(read_after_remap(0, 0, nothing, sizeof(nothing)), 5);
    ck_assert_uint_eq(read_after_remap(0, 0, other_page, sizeof(other_page)), 5);
    ck_assert_uint_eq(read_after_remap(0, 0, invlpg, sizeof(invlpg)), 6);
    ck_assert_uint_eq(read_after_remap(0, 0, load_cr3, sizeof(load_cr3)), 6);
    ck_assert_uint_eq(read_after_remap(G, 0x80, load_cr3, sizeof(load_cr3)), 5);
    ck_assert_uint_eq(read_after_remap(G, 0x80, invlpg, sizeof(invlpg)), 6);
    ck_assert_uint_eq(read_after_remap(G, 0x80, toggle_pge, sizeof(toggle_pge)), 6);
    ck_assert_uint_eq(read_after_remap(G, 0, load_cr3, sizeof(load_cr3)),
                      6); /* G means nothing without PGE */
}
END_TEST

START_TEST(streams_that_share_a_tlb_slot)
{
    turn_paging_on(0, 0);
    /* L: mov eax,[esi]; add [esi+0x400000],eax; add [esi+0x800000],eax; add esi,4; dec ecx; jnz L; hlt */
    CODE(&fixture, CODE_AT, 0x8b, 0x06, 0x01, 0x86, 0x00, 0x10, 0x40, 0x00, 0x01, 0x86, 0x00, 0x10, 0x80,
         0x00, 0x83, 0xc6, 0x04, 0x49, 0x75, 0xec, 0xf4);
    for (uint32_t i = 0; i < 2048; i++) set_ram32(0x110000 + 4 * i, i);
    set_reg(CPU_ESI, 0x110000);
    set_reg(CPU_ECX, 2048);
    uint64_t before = cpu_stats(fixture.cpu)->tlb_misses;
    run_to_halt(20000);
    for (uint32_t i = 0; i < 2048; i++) {
        ck_assert_uint_eq(ram32(0x511000 + 4 * i), i);
        ck_assert_uint_eq(ram32(0x911000 + 4 * i), i);
    }
    ck_assert_uint_lt(cpu_stats(fixture.cpu)->tlb_misses - before, 40);
}
END_TEST

START_TEST(crossing_instruction_depends_on_both_pages)
{
    static const uint8_t invlpg[] = {0x0f, 0x01, 0x3d, 0x00, 0x50, 0x00, 0x00, 0xe9, 0xf1, 0x3f, 0x00, 0x00};
    turn_paging_on(0, 0);
    CODE(&fixture, 0x4ffd, 0xb8, 0x44, 0x33, 0x22, 0x11, 0xf4);
    CODE(&fixture, 0x70000, 0x66, 0x55, 0xf4);
    cpu_fixture_code(&fixture, CODE_AT, invlpg, sizeof(invlpg));
    set_eip(0x4ffd);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0x11223344);
    set_ram32(pte_of(0x5000), 0x70000 | P | W);
    set_eip(CODE_AT);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0x55663344);
    /* And faults when the second page is gone, with its address. */
    set_ram32(pte_of(0x5000), 0);
    set_eip(CODE_AT);
    expect_page_fault(0x5000, 0, REASON_PTE_NOT_PRESENT);
    ck_assert_uint_eq(pushed(1), 0x4ffd);
}
END_TEST

START_TEST(user_code_cannot_run_supervisor_pages)
{
    cpu_fixture_user(&fixture, CODE_AT);
    turn_paging_on(0, 0);
    CODE(&fixture, CODE_AT, 0xe9, 0xfb, 0x3f, 0x00, 0x00); /* jmp 0x5000 */
    CODE(&fixture, 0x5000, 0x90);
    set_ram32(pte_of(0x5000), 0x5000 | P | W);
    expect_page_fault(0x5000, 5, REASON_PAGE_SUPERVISOR);
}
END_TEST

START_TEST(a20_masks_physical_addresses)
{
    CODE(&fixture, CODE_AT, 0xa1, 0x00, 0x00, 0x15, 0x00, 0xf4);
    set_ram32(0x50000, 1);
    set_ram32(0x150000, 2);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 2);
    cpu_set_a20(fixture.cpu, false);
    set_eip(CODE_AT);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    cpu_set_a20(fixture.cpu, true);
    set_eip(CODE_AT);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 2);
}
END_TEST

START_TEST(memory_that_nobody_owns)
{
    CODE(&fixture, CODE_AT, 0xa1, 0x00, 0x00, 0x00, 0x70, 0xa3, 0x00, 0x00, 0x00, 0x70, 0xf4);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0xffffffff);
}
END_TEST

START_TEST(device_registers_are_accessed_once_in_their_size)
{
    /* mov [mmio],eax; add byte [mmio],1; mov ax,[mmio]; hlt */
    CODE(&fixture, CODE_AT, 0xa3, 0x00, 0x00, 0x00, 0xe0, 0x80, 0x05, 0x00, 0x00, 0x00, 0xe0, 0x01, 0x66,
         0xa1, 0x00, 0x00, 0x00, 0xe0, 0xf4);
    set_reg(CPU_EAX, 0x12345678);
    fixture.mmio_value = 0x7f;
    run_in_pieces(1, 1);
    ck_assert_uint_eq(fixture.mmio_written, 0x12345678);
    ck_assert_uint_eq(fixture.mmio_reads, 0);
    run_in_pieces(1, 1);
    ck_assert_uint_eq(fixture.mmio_written, 0x80);
    ck_assert_uint_eq(fixture.mmio_writes, 2);
    ck_assert_uint_eq(fixture.mmio_reads, 1);
    run_to_halt(5);
    ck_assert_uint_eq(reg(CPU_EAX), 0x1234007f);
}
END_TEST

static enum mem_result place_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)owner;
    *value = at.offset | (uint64_t)size << 28;
    return MEM_OK;
}

static enum mem_result place_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    *(uint64_t *)owner = at.offset | (uint64_t)size << 28 | value << 32;
    return MEM_OK;
}

/* Twice, so that the second access goes past the view. */
static void load_and_store(uint32_t address, uint32_t loaded, uint64_t *stored, uint64_t wanted)
{
    cpu_fixture_flat(&fixture, CODE_AT);
    /* mov eax,[ebx]; mov eax,[ebx]; mov [ebx],ecx; mov [ebx],ecx; hlt */
    CODE(&fixture, CODE_AT, 0x8b, 0x03, 0x8b, 0x03, 0x89, 0x0b, 0x89, 0x0b, 0xf4);
    set_reg(CPU_EBX, address);
    set_reg(CPU_ECX, 7);
    *stored = 0;
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), loaded);
    ck_assert_uint_eq(*stored, wanted);
}

START_TEST(device_pages_know_their_place_in_the_region)
{
    static const struct mmio_ops ops = {.read = place_read, .write = place_write};
    static const struct mmio_ops halves = {.read = place_read, .write = place_write, .max_size = 2};
    const uint64_t dword = UINT64_C(0x740000000);
    uint64_t stored;
    struct region *big = region_new_mmio("big", 0x4000, &ops, &stored, NULL);
    struct region *narrow = region_new_mmio("narrow", 0x1000, &halves, &stored, NULL);
    struct region *page = region_new_alias("page", big, (struct region_at){0x1000}, 0x2000);
    struct region *odd = region_new_alias("odd", big, (struct region_at){0x800}, 0x2000);
    struct region *lost = region_new_alias("lost", big, (struct region_at){0}, 0x1000);
    region_set_alias(lost, (struct region_at){0}, true);
    region_add(fixture.memory_root, 0xe1000000, big, 0);
    region_add(fixture.memory_root, 0xe2000000, page, 0);
    region_add(fixture.memory_root, 0xe3000000, odd, 0);
    region_add(fixture.memory_root, 0xe4000000, narrow, 0);
    region_add(fixture.memory_root, 0xe5000000, lost, 0);
    load_and_store(0xe1002010, 0x40002010, &stored, 0x2010 | dword);
    load_and_store(0xe2001004, 0x40002004, &stored, 0x2004 | dword);
    load_and_store(0xe3000004, 0x40000804, &stored, 0x804 | dword);
    load_and_store(0xe4000008, 0x000a0008, &stored, 0x2000000a);
    load_and_store(0xe5000010, 0x40000010, &stored, 0);
    struct region *all[] = {lost, odd, page, narrow, big};
    for (unsigned i = 0; i < ARRAY_COUNT(all); i++) {
        region_remove(all[i]);
        region_release(all[i]);
    }
}
END_TEST

static void move_device(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)size;
    if (!write && f->mmio_reads == 2) region_move(f->mmio, FIXTURE_MMIO + 0x1000);
}

START_TEST(a_device_that_moves_in_its_own_register_is_not_met_again)
{
    fixture.on_access = move_device;
    fixture.mmio_value = 5;
    /* mov eax,[mmio]; mov ecx,[mmio]; mov edx,[mmio]; mov esi,[mmio + 1000h]; hlt */
    CODE(&fixture, CODE_AT, 0xa1, 0, 0, 0, 0xe0, 0x8b, 0x0d, 0, 0, 0, 0xe0, 0x8b, 0x15, 0, 0, 0, 0xe0, 0x8b,
         0x35, 0, 0x10, 0, 0xe0, 0xf4);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 5);
    ck_assert_uint_eq(reg(CPU_ECX), 5);
    ck_assert_uint_eq(reg(CPU_EDX), 0xffffffff);
    ck_assert_uint_eq(reg(CPU_ESI), 5);
    ck_assert_uint_eq(fixture.mmio_reads, 3);
}
END_TEST

START_TEST(dirty_marks_are_set_again_after_clearing)
{
    struct region_at at = {0x50000};
    CODE(&fixture, CODE_AT, 0xa3, 0x00, 0x00, 0x05, 0x00, 0xeb, 0xf9);
    run_in_pieces(10, 10);
    for (unsigned i = 0; i < 3; i++) {
        region_clear_dirty(fixture.ram, at, 0x1000, MARK_DIRTY_DISPLAY);
        ck_assert(!region_dirty(fixture.ram, at, 0x1000, MARK_DIRTY_DISPLAY));
        run_in_pieces(2, 2);
        ck_assert(region_dirty(fixture.ram, at, 0x1000, MARK_DIRTY_DISPLAY));
    }
}
END_TEST

START_TEST(indirect_memory_looks_the_same)
{
    fixture.ram->indirect = true;
    mixture_prepare();
    run_in_pieces(3000, 3000);
    uint64_t hash = ram_hash();
    fixture.ram->indirect = false;
    mixture_prepare();
    run_in_pieces(3000, 3000);
    ck_assert_uint_eq(ram_hash(), hash);
}
END_TEST

/* ---- the debugger's view ---- */

/* In one go and in pieces of any budget a scan is the same, flags between the pieces too. */
START_TEST(scans_are_the_same_in_pieces)
{
    static const uint8_t opcodes[] = {0xae, 0xaf, 0xa6, 0xa7};
    for (unsigned i = 0; i < sizeof(opcodes); i++) {
        for (unsigned budget = 1; budget < 300; budget = 2 * budget + 1) {
            unsigned size = opcodes[i] & 1 ? 4 : 1, done = 0;
            cpu_fixture_flat(&fixture, CODE_AT);
            CODE(&fixture, CODE_AT, opcodes[i] >= 0xa8 ? 0xf2 : 0xf3, opcodes[i],
                 0xf4); /* repne scas, repe cmps */
            for (uint32_t at = 0; at < 0x400; at += 4) {
                set_ram32(0x50e00 + at, 0x10101010);
                set_ram32(0x60f01 + at, 0x10101010);
            }
            set_ram32(0x50e00 + 200 * size, 0x20202020); /* the one that ends it */
            set_reg(CPU_EAX, 0x20202020);
            set_reg(CPU_ECX, 1000);
            set_reg(CPU_EDI, 0x50e00);
            set_reg(CPU_ESI, 0x60f01);
            while (run(budget) == CPU_STOP_BUDGET) {
                done += budget;
                if (done <= 201) ck_assert_uint_eq(reg(CPU_ECX), 1000 - done);
                bool equal = opcodes[i] < 0xa8;
                if (done < 201) ck_assert_uint_eq(cpu_fixture_eflags(&fixture) & 0x41, equal ? 0x40 : 0);
            }
            ck_assert_uint_eq(reg(CPU_ECX), 1000 - 201);
            ck_assert_uint_eq(reg(CPU_EDI), 0x50e00 + 201 * size);
            ck_assert_uint_eq(reg(CPU_ESI), opcodes[i] < 0xa8 ? 0x60f01 + 201 * size : 0x60f01);
            ck_assert_uint_eq(cpu_fixture_eflags(&fixture) & 0x41, opcodes[i] < 0xa8 ? 1 : 0x40);
        }
    }
}
END_TEST

/* A port that gives 1, 2, 3 and so on; in rows of 50, of which all but the last can be had at once. */
static void count_input(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)write, (void)size;
    f->mmio_value++;
}

static unsigned had_at_once;

static uint32_t count_input_series(void *owner, struct region_at at, unsigned size, uint8_t *to,
                                   uint32_t count)
{
    struct cpu_fixture *f = owner;
    uint32_t left = 49 - (uint32_t)f->mmio_value % 50;
    if (at.offset != 0) return 0;
    if (count > left) count = left;
    for (uint32_t i = 0; i < count; i++) le_store(to + i * size, size, ++f->mmio_value);
    had_at_once += count;
    return count;
}

/* 3000 elements over pages, with and without the series: after every `budget` instructions everything is the same. */
static void input_in_pieces(uint8_t opcode, uint64_t budget, uint32_t extra_flags, uint32_t dr7)
{
    static uint8_t expected[0x4000], got[0x4000];
    for (unsigned series = 0; series < 2; series++) {
        cpu_fixture_flat(&fixture, CODE_AT);
        CODE(&fixture, CODE_AT, 0xf3, opcode, 0xf4); /* rep ins */
        space_fill(fixture.memory, 0x50000, 0, sizeof(got));
        fixture.mmio_value = 0;
        fixture.on_access = count_input;
        fixture.port->series = series ? count_input_series : NULL;
        struct cpu_state state;
        cpu_get_state(fixture.cpu, &state);
        state.dr[7] = dr7;
        cpu_set_state(fixture.cpu, &state);
        cpu_fixture_set_eflags(&fixture, 2 | extra_flags);
        set_reg(CPU_ECX, 3000);
        set_reg(CPU_EDX, FIXTURE_PORT);
        set_reg(CPU_EDI, extra_flags ? 0x53f00 : 0x50ffd);
        for (unsigned done = 0; run(budget) == CPU_STOP_BUDGET;) {
            done += (unsigned)budget;
            uint32_t now = done < 3000 ? done : 3000;
            ck_assert_uint_eq(fixture.mmio_value, now);
            ck_assert_uint_eq(reg(CPU_ECX), 3000 - now);
        }
        ck_assert_uint_eq(reg(CPU_ECX), 0);
        ck_assert_uint_eq(fixture.mmio_value, 3000);
        ck_assert_uint_eq(cpu_retired(fixture.cpu) % budget, 3001 % budget);
        space_read(fixture.memory, 0x50000, series ? got : expected, sizeof(got));
    }
    ck_assert_mem_eq(got, expected, sizeof(got));
}

START_TEST(input_is_the_same_at_once)
{
    had_at_once = 0;
    for (unsigned budget = 1; budget < 5000; budget = 2 * budget + 1) {
        input_in_pieces(0x6c, budget, 0, 0);
        input_in_pieces(0x6d, budget, 0, 0);
    }
    ck_assert_uint_gt(had_at_once, 40000);
    had_at_once = 0;
    input_in_pieces(0x6d, 4000, 1 << 10, 0); /* downwards */
    input_in_pieces(0x6d, 4000, 0, 0x401);   /* breakpoints are looked for */
    ck_assert_uint_eq(had_at_once, 0);
}
END_TEST

START_TEST(lesson_54_one_walk_for_everybody)
{
    struct page_walk walk;
    turn_paging_on(0, 0x90);
    set_ram32(DIRECTORY + 4 * 4, 0x800000 | P | W | PS | G);
    ck_assert(cpu_walk(fixture.cpu, 0x1231234, &walk));
    ck_assert_uint_eq(walk.levels, 1);
    ck_assert_uint_eq(walk.physical, 0xa31234);
    ck_assert_uint_eq(walk.page_size, 0x400000);
    ck_assert(walk.writable && !walk.user && walk.global);
    ck_assert_uint_eq(walk.level[0].address, DIRECTORY + 16);
    ck_assert(cpu_walk(fixture.cpu, 0x51234, &walk));
    ck_assert_uint_eq(walk.levels, 2);
    ck_assert_uint_eq(walk.physical, 0x51234);
    ck_assert_uint_eq(walk.level[1].address, pte_of(0x51000));
    ck_assert_str_eq(walk.level[1].name, "PTE");
    ck_assert(!cpu_walk(fixture.cpu, 0xf0000000, &walk));
    ck_assert_int_eq(walk.reason, REASON_PDE_NOT_PRESENT);
}
END_TEST

START_TEST(lesson_55_debugger_reads_change_nothing)
{
    uint8_t bytes[0x2000];
    turn_paging_on(0, 0);
    set_ram32(DIRECTORY + (FIXTURE_MMIO >> 22) * 4, (TABLES + 0x8000) | P | W);
    set_ram32(TABLES + 0x8000, FIXTURE_MMIO | P | W);
    set_ram32(pte_of(0x52000), 0);
    uint64_t misses = cpu_stats(fixture.cpu)->tlb_misses;
    ck_assert_uint_eq(cpu_debug_read(fixture.cpu, 0x50ff0, bytes, 0x1000), 0x1000);
    ck_assert_uint_eq(cpu_debug_read(fixture.cpu, 0x50000, bytes, 0x2000), 0x2000);
    ck_assert_uint_eq(cpu_debug_read(fixture.cpu, 0x51ff0, bytes, 0x20),
                      0x10); /* the next page is not mapped */
    ck_assert_uint_eq(cpu_debug_read(fixture.cpu, FIXTURE_MMIO, bytes, 4), 0);
    ck_assert_uint_eq(cpu_debug_write(fixture.cpu, FIXTURE_MMIO, bytes, 4), 0);
    ck_assert_uint_eq(fixture.mmio_reads + fixture.mmio_writes, 0);
    ck_assert_uint_eq(ram32(pte_of(0x50000)) & (A | D), 0);
    ck_assert_uint_eq(ram32(DIRECTORY) & (A | D), 0);
    ck_assert_uint_eq(cpu_stats(fixture.cpu)->tlb_misses, misses);
}
END_TEST

START_TEST(debugger_writes_are_seen_by_decoded_code)
{
    CODE(&fixture, CODE_AT, 0xb0, 0x01, 0xf4);
    run_to_halt(10);
    uint8_t two = 2;
    ck_assert_uint_eq(cpu_debug_write(fixture.cpu, CODE_AT + 1, &two, 1), 1);
    set_eip(CODE_AT);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 2);
}
END_TEST

/* ---- breakpoints ---- */

START_TEST(breakpoint_in_the_middle_of_a_block)
{
    CODE(&fixture, CODE_AT, 0x40, 0x40, 0x40, 0x40, 0xeb, 0xfa);
    run_in_pieces(10, 10); /* decoded before the breakpoint comes */
    set_eip(CODE_AT);
    set_reg(CPU_EAX, 0);
    ck_assert(cpu_breakpoint_add(fixture.cpu, CODE_AT + 2));
    ck_assert(!cpu_breakpoint_add(fixture.cpu, CODE_AT + 2));
    ck_assert_int_eq(run(100), CPU_STOP_BREAKPOINT);
    ck_assert_uint_eq(reg(CPU_EAX), 2);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 2);
    ck_assert_int_eq(run(100), CPU_STOP_BREAKPOINT); /* still there */
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 0);
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, true), CPU_STOP_BREAKPOINT); /* once around */
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 5);
    ck_assert_uint_eq(reg(CPU_EAX), 6);
    ck_assert(cpu_breakpoint_remove(fixture.cpu, CODE_AT + 2));
    ck_assert(!cpu_breakpoint_remove(fixture.cpu, CODE_AT + 2));
    ck_assert_int_eq(run(100), CPU_STOP_BUDGET);
}
END_TEST

START_TEST(breakpoint_is_passed_though_an_interrupt_comes_first)
{
    CODE(&fixture, CODE_AT, 0x40, 0x40, 0xf4);
    CODE(&fixture, FIXTURE_HANDLERS + 0x20, 0xcf);
    cpu_fixture_set_eflags(&fixture, IF);
    ck_assert(cpu_breakpoint_add(fixture.cpu, CODE_AT + 1));
    ck_assert_int_eq(run(10), CPU_STOP_BREAKPOINT);
    cpu_set_intr(fixture.cpu, true);
    ck_assert_int_eq(cpu_run(fixture.cpu, 10, true), CPU_STOP_HALTED);
    ck_assert_uint_eq(reg(CPU_EAX), 2);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 3);
}
END_TEST

START_TEST(lesson_52_breakpoint_survives_a_loader)
{
    CODE(&fixture, CODE_AT, 0x90, 0x90, 0xf4);
    ck_assert(cpu_breakpoint_add(fixture.cpu, CODE_AT + 1));
    ck_assert_int_eq(run(10), CPU_STOP_BREAKPOINT);
    CODE(&fixture, CODE_AT, 0x40, 0x43, 0xf4);
    set_eip(CODE_AT);
    ck_assert_int_eq(run(10), CPU_STOP_BREAKPOINT);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    uint8_t byte;
    cpu_debug_read(fixture.cpu, CODE_AT + 1, &byte, 1);
    ck_assert_uint_eq(byte, 0x43);
}
END_TEST

START_TEST(breakpoint_on_a_repeated_instruction_stops_once)
{
    CODE(&fixture, CODE_AT, 0x90, 0xf3, 0xaa, 0xf4);
    set_reg(CPU_ECX, 5);
    set_reg(CPU_EDI, 0x20000);
    ck_assert(cpu_breakpoint_add(fixture.cpu, CODE_AT + 1));
    ck_assert_int_eq(run(100), CPU_STOP_BREAKPOINT);
    ck_assert_int_eq(cpu_run(fixture.cpu, 2, true), CPU_STOP_BUDGET);
    ck_assert_uint_eq(reg(CPU_ECX), 3);
    ck_assert_int_eq(run(100), CPU_STOP_HALTED);
}
END_TEST

static void set_debug_register(unsigned n, uint32_t value)
{
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    state.dr[n] = value;
    cpu_set_state(fixture.cpu, &state);
}

static uint32_t debug_register(unsigned n)
{
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    return (uint32_t)state.dr[n];
}

START_TEST(instruction_breakpoint_of_dr0)
{
    CODE(&fixture, CODE_AT, 0x40, 0x40, 0x40, 0xf4);
    set_debug_register(0, CODE_AT + 2);
    set_debug_register(7, 0x402);
    CODE(&fixture, 0x6000, 0x43, 0xcf); /* inc ebx; iret: RF lets the instruction run */
    set_ram32(FIXTURE_IDT + 1 * 8, 0x00086000);
    run_to_halt(50);
    ck_assert_uint_eq(reg(CPU_EBX), 1);
    ck_assert_uint_eq(reg(CPU_EAX), 3);
    ck_assert_uint_eq(debug_register(6) & 0xf, 1);
    ck_assert_uint_eq(cpu_fixture_eflags(&fixture) & RF, 0);
}
END_TEST

START_TEST(lesson_53_data_breakpoint_reports_before_the_next_instruction)
{
    /* inc eax; mov [0x20004],eax; inc eax; inc eax; hlt */
    CODE(&fixture, CODE_AT, 0x40, 0xa3, 0x04, 0x00, 0x02, 0x00, 0x40, 0x40, 0xf4);
    run_in_pieces(1, 1);
    set_debug_register(1, 0x20004);
    set_debug_register(7, 0x400 | 0x0c | 0x00d00000); /* DR1, writes, 4 bytes */
    expect_exception(1, REASON_DEBUG_DATA_BREAKPOINT);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    ck_assert_uint_eq(pushed(0), CODE_AT + 6);
    ck_assert_uint_eq(debug_register(6) & 0xf, 2);
    ck_assert_uint_eq(ram32(0x20004), 1);
}
END_TEST

START_TEST(data_breakpoint_stops_a_string_between_iterations)
{
    CODE(&fixture, CODE_AT, 0xf3, 0xab, 0xf4);
    set_reg(CPU_ECX, 64);
    set_reg(CPU_EDI, 0x20000);
    set_debug_register(0, 0x20010);
    set_debug_register(7, 0x400 | 0x02 | 0x000d0000);
    expect_exception(1, REASON_DEBUG_DATA_BREAKPOINT);
    ck_assert_uint_eq(reg(CPU_ECX), 59);
    ck_assert_uint_eq(pushed(0), CODE_AT);
}
END_TEST

/* ---- single step, shadows, interrupts ---- */

START_TEST(single_step_traps_after_each_instruction)
{
    CODE(&fixture, CODE_AT, 0x40, 0x40, 0xf3, 0xaa, 0x40, 0xf4, 0xeb, 0xfe); /* ...; hlt; jmp to itself */
    set_reg(CPU_ECX, 3);
    set_reg(CPU_EDI, 0x20000);
    CODE(&fixture, 0x6000, 0x43, 0x8b, 0x14, 0x24, 0xcf); /* inc ebx; mov edx,[esp]; iret */
    set_ram32(FIXTURE_IDT + 1 * 8, 0x00086000);
    cpu_fixture_set_eflags(&fixture, TF);
    /* Each instruction and three of the handler: INC, INC, three iterations, INC, and HLT, whose trap wakes it. */
    run_in_pieces(7 * 4, 7 * 4);
    ck_assert_uint_eq(reg(CPU_EBX), 7);
    ck_assert_uint_eq(reg(CPU_EDX), CODE_AT + 6);
    ck_assert_uint_eq(reg(CPU_ECX), 0);
    ck_assert_uint_eq(debug_register(6) & 0x4000, 0x4000);
    ck_assert_uint_eq(eip(), CODE_AT + 6);
}
END_TEST

START_TEST(single_step_is_cleared_by_int_and_begins_after_popf)
{
    /* pushf; or dword [esp],0x100; popf; nop; nop */
    CODE(&fixture, CODE_AT, 0x9c, 0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9d, 0x90, 0x90, 0xf4);
    expect_exception(1, REASON_DEBUG_SINGLE_STEP);
    ck_assert_uint_eq(pushed(0), CODE_AT + 10); /* after the first NOP, not after POPF */
    cpu_fixture_flat(&fixture, CODE_AT);
    CODE(&fixture, CODE_AT, 0xcd, 0x30);
    cpu_fixture_set_eflags(&fixture, TF);
    run_to_halt(10);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 0x30);
    ck_assert_uint_eq(pushed(2) & TF, TF);
}
END_TEST

START_TEST(interrupt_waits_one_instruction_after_sti)
{
    CODE(&fixture, CODE_AT, 0x90, 0xfb, 0x40, 0x40, 0xf4); /* nop; sti; inc eax; inc eax */
    cpu_set_intr(fixture.cpu, true);
    run_to_halt(10);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 0x20);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    ck_assert_uint_eq(pushed(0), CODE_AT + 3);
    ck_assert_uint_eq(fixture.acknowledged, 1);
}
END_TEST

START_TEST(shadow_survives_the_end_of_a_run)
{
    CODE(&fixture, CODE_AT, 0x90, 0xfb, 0x40, 0x40, 0xf4);
    cpu_set_intr(fixture.cpu, true);
    run_in_pieces(2, 1);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
}
END_TEST

START_TEST(sti_halt_wakes)
{
    CODE(&fixture, CODE_AT, 0xfb, 0xf4, 0x40, 0xfa, 0xf4); /* sti; hlt; inc eax; cli; hlt */
    CODE(&fixture, FIXTURE_HANDLERS + 0x20, 0xcf);
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 0);
    ck_assert(cpu_idle(fixture.cpu));
    cpu_set_intr(fixture.cpu, true);
    ck_assert(!cpu_idle(fixture.cpu));
    run_to_halt(10);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    ck_assert_uint_eq(eip(), CODE_AT + 5);
    cpu_set_intr(fixture.cpu, true); /* IF is clear now */
    ck_assert(cpu_idle(fixture.cpu));
    run_to_halt(10);
    ck_assert_uint_eq(cpu_retired(fixture.cpu), 0);
}
END_TEST

START_TEST(mov_ss_holds_interrupts_and_traps)
{
    CODE(&fixture, CODE_AT, 0x8e, 0xd3, 0x40, 0x40, 0xf4); /* mov ss,bx; inc eax; inc eax */
    set_reg(CPU_EBX, 0x10);
    cpu_fixture_set_eflags(&fixture, IF);
    run_in_pieces(1, 1);
    cpu_set_intr(fixture.cpu, true);
    cpu_raise_nmi(fixture.cpu);
    run_to_halt(10);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 2);
    ck_assert_uint_eq(pushed(0), CODE_AT + 3);

    cpu_set_intr(fixture.cpu, false);
    cpu_fixture_flat(&fixture, CODE_AT);
    set_reg(CPU_EBX, 0x10);
    cpu_fixture_set_eflags(&fixture, TF);
    expect_exception(1, REASON_DEBUG_SINGLE_STEP);
    ck_assert_uint_eq(pushed(0), CODE_AT + 3);
}
END_TEST

static void raise_interrupt(struct cpu_fixture *f, bool write, unsigned size)
{
    (void)size;
    if (write) cpu_set_intr(f->cpu, true);
}

START_TEST(interrupt_raised_by_an_instruction_comes_right_after_it)
{
    CODE(&fixture, CODE_AT, 0x40, 0xe6, 0x80, 0x40, 0x40, 0x40, 0xf4);
    fixture.on_access = raise_interrupt;
    cpu_fixture_set_eflags(&fixture, IF);
    run_to_halt(20);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 0x20);
    ck_assert_uint_eq(pushed(0), CODE_AT + 3);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
}
END_TEST

START_TEST(nmi_is_blocked_until_iret)
{
    CODE(&fixture, CODE_AT, 0x90, 0x40, 0xf4);
    CODE(&fixture, 0x6000, 0x43, 0x43, 0xcf);
    set_ram32(FIXTURE_IDT + 2 * 8, 0x00086000);
    cpu_raise_nmi(fixture.cpu);
    run_in_pieces(1, 1); /* in the handler */
    cpu_raise_nmi(fixture.cpu);
    run_in_pieces(1, 1);
    ck_assert_uint_eq(reg(CPU_EBX), 2);
    run_to_halt(20);
    ck_assert_uint_eq(reg(CPU_EBX), 4);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
}
END_TEST

START_TEST(triple_fault_ends_the_run)
{
    struct cpu_state state;
    unsigned count;
    cpu_get_state(fixture.cpu, &state);
    state.idtr.limit = 0;
    cpu_set_state(fixture.cpu, &state);
    CODE(&fixture, CODE_AT, 0x40, 0x0f, 0x0b);
    ck_assert_int_eq(run(100), CPU_STOP_TRIPLE_FAULT);
    ck_assert_int_eq(run(100), CPU_STOP_TRIPLE_FAULT);
    cpu_triple_fault(fixture.cpu, &count);
    ck_assert_uint_ge(count, 1);
    cpu_reset(fixture.cpu);
    cpu_fixture_flat(&fixture, CODE_AT);
    ck_assert_int_eq(run(1), CPU_STOP_BUDGET);
}
END_TEST

START_TEST(segment_limits)
{
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    state.segment[CPU_DS].limit = 0x20003;
    cpu_set_state(fixture.cpu, &state);
    CODE(&fixture, CODE_AT, 0xa1, 0x00, 0x00, 0x02, 0x00, 0xa1, 0x01, 0x00, 0x02, 0x00, 0xf4);
    run_in_pieces(1, 1);
    expect_exception(13, REASON_SEGMENT_LIMIT);
    ck_assert_uint_eq(pushed(1), CODE_AT + 5);
}
END_TEST

/* Code that ran with flat segments runs with others. */
START_TEST(segments_stop_being_flat)
{
    struct cpu_state flat, state;
    cpu_get_state(fixture.cpu, &flat);
    CODE(&fixture, CODE_AT, 0xa1, 0x00, 0x00, 0x02, 0x00, 0x50, 0xeb,
         0xf8); /* mov eax,[0x20000]; push eax; jmp */
    set_ram32(0x20000, 1);
    set_ram32(0x21000, 2);
    run_in_pieces(30, 30);
    ck_assert_uint_eq(reg(CPU_EAX), 1);
    state = flat;
    state.segment[CPU_DS].base = 0x1000;
    state.segment[CPU_SS].base = 0x2000;
    cpu_set_state(fixture.cpu, &state);
    run_in_pieces(2, 2);
    ck_assert_uint_eq(reg(CPU_EAX), 2);
    ck_assert_uint_eq(ram32(0x90000 + 0x2000 - 4), 2);
    state.segment[CPU_SS].access &= ~0x4000; /* SP, not ESP */
    state.gpr[CPU_ESP] = 0x12340002;
    cpu_set_state(fixture.cpu, &state);
    run_in_pieces(2, 2);
    ck_assert_uint_eq(reg(CPU_ESP), 0x1234fffe);
    state = flat;
    state.segment[CPU_DS].limit = 0x20002;
    cpu_set_state(fixture.cpu, &state);
    run_in_pieces(1, 1);
    expect_exception(13, REASON_SEGMENT_LIMIT);
}
END_TEST

START_TEST(flat_segments_end_at_4_gib)
{
    CODE(&fixture, CODE_AT, 0x8b, 0x03, 0xeb, 0xfc); /* mov eax,[ebx]; jmp */
    set_reg(CPU_EBX, 0);
    run_in_pieces(20, 20); /* page 0 is in the TLB */
    set_reg(CPU_EBX, 0xfffffffe);
    set_eip(CODE_AT);
    run_in_pieces(1, 1);
    expect_exception(13, REASON_SEGMENT_LIMIT);
}
END_TEST

START_TEST(state_goes_out_and_in)
{
    struct cpu_state before, after;
    char where[64];
    mixture_prepare();
    run_in_pieces(70, 70);
    cpu_get_state(fixture.cpu, &before);
    cpu_set_state(fixture.cpu, &before);
    cpu_get_state(fixture.cpu, &after);
    ck_assert(!state_differs(&cpu_state_table, &before, &after, where, sizeof(where)));
}
END_TEST

/* What a CPU does next follows from its state and from memory: a fresh one with both goes on as this one does. */
static void check_fresh_goes_on(uint64_t total, unsigned seed)
{
    struct cpu_state state, here, there;
    char where[64];
    cpu_get_state(fixture.cpu, &state);
    struct cpu_fixture old = fixture;
    cpu_fixture_create(&fixture);
    memcpy(fixture.ram->host, old.ram->host, FIXTURE_RAM);
    fixture.mmio_value = old.mmio_value;
    fixture.on_access = old.on_access;
    cpu_set_state(fixture.cpu, &state);
    uint64_t done = random_run(total, total), hash = ram_hash();
    cpu_get_state(fixture.cpu, &there);
    cpu_fixture_destroy(&fixture);
    fixture = old;
    ck_assert_uint_eq(random_run(total, total), done);
    cpu_get_state(fixture.cpu, &here);
    bool differs = state_differs(&cpu_state_table, &here, &there, where, sizeof(where));
    ck_assert_msg(!differs, "seed %u: %s differs", seed, where);
    ck_assert_msg(ram_hash() == hash, "seed %u: memory differs", seed);
}

START_TEST(fresh_cpu_goes_on_from_any_instant)
{
    lint_quiet(true);
    for (unsigned seed = 1; seed <= 200; seed++) {
        random_prepare(seed);
        random_run(1 + seed * 37 % 500, 1000);
        check_fresh_goes_on(300, seed);
    }
    lint_quiet(false);
}
END_TEST

START_TEST(fresh_cpu_goes_on_in_a_repeated_instruction)
{
    struct cpu_state state;
    mixture_prepare();
    run_in_pieces(10, 10);
    cpu_get_state(fixture.cpu, &state);
    ck_assert(state.repeating);
    check_fresh_goes_on(100, 0);
}
END_TEST

START_TEST(fresh_cpu_goes_on_among_deliveries)
{
    struct cpu_state state;
    CODE(&fixture, CODE_AT, 0x0f, 0x0b);                    /* ud2 */
    CODE(&fixture, FIXTURE_HANDLERS + 6, 0x0f, 0x0b, 0x90); /* ud2: the handler faults at once */
    ck_assert_int_eq(run(3), CPU_STOP_BUDGET);
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_gt(state.deliveries, 0);
    check_fresh_goes_on(5, 0);
}
END_TEST

/* MOV SS holds off the trap of the data breakpoint that it meets. */
START_TEST(fresh_cpu_goes_on_before_a_debug_trap)
{
    struct cpu_state state;
    CODE(&fixture, CODE_AT, 0x8e, 0x15, 0x00, 0x00, 0x03, 0x00, 0x40, 0x43,
         0xf4); /* mov ss,[30000h]; inc eax, ebx */
    set_ram32(0x30000, 0x10);
    cpu_get_state(fixture.cpu, &state);
    state.dr[0] = 0x30000;
    state.dr[7] = 0x402 | 7 << 16; /* reads and writes of two bytes */
    cpu_set_state(fixture.cpu, &state);
    ck_assert_int_eq(run(1), CPU_STOP_BUDGET);
    cpu_get_state(fixture.cpu, &state);
    ck_assert_uint_eq(state.debug_status, 1);
    check_fresh_goes_on(1, 0);
    ck_assert_int_eq(run(10), CPU_STOP_HALTED);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), FAULT_DB);
}
END_TEST

/* ---- page tables that change without a flush ---- */

/* The page runs on where it was, whatever data reads see there and wherever runs are cut, until INVLPG. */
START_TEST(code_page_stays_until_invlpg)
{
    uint8_t code[] = {0xc7, 0x05, 0x04, 0x10, 0x40, 0x00, 0x07,
                      0x60, 0x00, 0x00,                         /* mov dword [PTE of 1000h],6007h */
                      0xa0, 0x20, 0x10, 0x00, 0x00,             /* mov al,[1020h] */
                      0x43,                                     /* inc ebx */
                      0x0f, 0x01, 0x3d, 0x00, 0x10, 0x00, 0x00, /* invlpg [1000h] */
                      0x43, 0xf4};                              /* inc ebx; hlt */
    for (unsigned piece = 1; piece <= 8; piece++) {
        struct cpu_state state;
        cpu_fixture_flat(&fixture, CODE_AT);
        code[15] = code[23] = 0x43;
        cpu_fixture_code(&fixture, 0x1000, code, sizeof(code));
        code[15] = code[23] = 0x41; /* inc ecx */
        cpu_fixture_code(&fixture, 0x6000, code, sizeof(code));
        set_ram32(0x6020, 0x77);
        turn_paging_on(0, 0);
        cpu_get_state(fixture.cpu, &state);
        state.gpr[CPU_EBX] = state.gpr[CPU_ECX] = 0;
        cpu_set_state(fixture.cpu, &state);
        while (run(piece) == CPU_STOP_BUDGET) {
        }
        ck_assert_uint_eq(reg(CPU_EAX) & 0xff, 0x77);
        ck_assert_uint_eq(reg(CPU_EBX), 1);
        ck_assert_uint_eq(reg(CPU_ECX), 1);
    }
}
END_TEST

/* A chain of jumps over more pages than the code TLB holds. Accessed bits tell which pages were translated anew. */
START_TEST(many_code_pages_are_the_same_however_it_is_split)
{
    enum { FIRST = 0x800, PAGES = 1500, ROUND = PAGES + 200 };
    uint64_t hashes[3];
    for (unsigned i = 0; i < ARRAY_COUNT(hashes); i++) {
        uint64_t piece = i ? i : 2 * ROUND;
        for (uint32_t page = FIRST; page < FIRST + PAGES; page++)
            CODE(&fixture, page << 12, 0x90, 0xe9, 0xfa, 0x0f, 0x00, 0x00);  /* nop; jmp to the next page */
        CODE(&fixture, (FIRST + PAGES) << 12, 0xe9, 0xfb, 0x3f, 0xa2, 0xff); /* jmp back to the first */
        cpu_fixture_flat(&fixture, FIRST << 12);
        turn_paging_on(0, 0);
        run_in_pieces(2 * ROUND, piece);
        for (uint32_t page = FIRST; page <= FIRST + PAGES; page++)
            set_ram32(pte_of(page << 12), ram32(pte_of(page << 12)) & ~(uint32_t)A);
        run_in_pieces(2 * ROUND, piece);
        hashes[i] = eip();
        for (uint32_t page = FIRST; page <= FIRST + PAGES; page++)
            hashes[i] = hashes[i] * 31 + ram32(pte_of(page << 12));
        ck_assert_uint_eq(hashes[i], hashes[0]);
    }
}
END_TEST

/* ---- all of them ---- */

static Suite *engine_suite(void)
{
    Suite *suite = suite_create("cpu engine");
    TCase *test = tcase_create("engine");
    tcase_add_checked_fixture(test, setup, teardown);
    tcase_set_timeout(test, 60);
    tcase_add_test(test, count_is_the_same_however_it_is_split);
    tcase_add_test(test, random_code_is_the_same_however_it_is_split);
    tcase_add_test(test, count_stops_inside_a_block);
    tcase_add_test(test, repeat_counts_iterations_and_keeps_eip);
    tcase_add_test(test, repeat_of_nothing_is_one_instruction);
    tcase_add_test(test, repeat_is_interrupted_between_iterations);
    tcase_add_test(test, devices_see_the_exact_time);
    tcase_add_test(test, shorten_is_exact);
    tcase_add_test(test, comparison_and_jump_are_two);
    tcase_add_test(test, comparison_with_a_device_ends_before_its_jump);
    tcase_add_test(test, exit_soon_ends_after_the_instruction);
    tcase_add_test(test, reset_from_a_callback);
    tcase_add_test(test, a_handler_that_faults_at_once_does_not_stop_time);
    tcase_add_test(test, fifteen_bytes_are_allowed_and_sixteen_are_not);
    tcase_add_test(test, lock_is_refused_where_it_does_not_belong);
    tcase_add_test(test, addressing_forms);
    tcase_add_test(test, code_ends_at_the_segment_limit);
    tcase_add_test(test, code_in_device_memory_is_fetched_once_per_execution);
    tcase_add_test(test, code_changes_the_next_instruction);
    tcase_add_test(test, code_changes_in_a_loop);
    tcase_add_test(test, code_changes_in_another_page);
    tcase_add_test(test, code_changes_across_a_page_boundary);
    tcase_add_test(test, string_store_overwrites_its_own_code);
    tcase_add_test(test, data_beside_code_drops_nothing);
    tcase_add_test(test, lesson_12_device_writes_drop_exactly_the_code_they_touch);
    tcase_add_test(test, device_writes_into_the_block_under_way);
    tcase_add_test(test, shadow_memory_appears_under_running_code);
    tcase_add_test(test, many_blocks_outgrow_the_arena);
    tcase_add_test(test, page_fault_restarts_the_instruction);
    tcase_add_test(test, page_fault_error_codes);
    tcase_add_test(test, supervisor_writes_read_only_pages_without_wp);
    tcase_add_test(test, accessed_and_dirty_bits);
    tcase_add_test(test, large_pages);
    tcase_add_test(test, write_over_two_pages_checks_both_first);
    tcase_add_test(test, tlb_is_flushed_as_the_manual_says);
    tcase_add_test(test, streams_that_share_a_tlb_slot);
    tcase_add_test(test, crossing_instruction_depends_on_both_pages);
    tcase_add_test(test, user_code_cannot_run_supervisor_pages);
    tcase_add_test(test, a20_masks_physical_addresses);
    tcase_add_test(test, memory_that_nobody_owns);
    tcase_add_test(test, device_registers_are_accessed_once_in_their_size);
    tcase_add_test(test, device_pages_know_their_place_in_the_region);
    tcase_add_test(test, a_device_that_moves_in_its_own_register_is_not_met_again);
    tcase_add_test(test, dirty_marks_are_set_again_after_clearing);
    tcase_add_test(test, indirect_memory_looks_the_same);
    tcase_add_test(test, scans_are_the_same_in_pieces);
    tcase_add_test(test, input_is_the_same_at_once);
    tcase_add_test(test, lesson_54_one_walk_for_everybody);
    tcase_add_test(test, lesson_55_debugger_reads_change_nothing);
    tcase_add_test(test, debugger_writes_are_seen_by_decoded_code);
    tcase_add_test(test, breakpoint_in_the_middle_of_a_block);
    tcase_add_test(test, breakpoint_is_passed_though_an_interrupt_comes_first);
    tcase_add_test(test, lesson_52_breakpoint_survives_a_loader);
    tcase_add_test(test, breakpoint_on_a_repeated_instruction_stops_once);
    tcase_add_test(test, instruction_breakpoint_of_dr0);
    tcase_add_test(test, lesson_53_data_breakpoint_reports_before_the_next_instruction);
    tcase_add_test(test, data_breakpoint_stops_a_string_between_iterations);
    tcase_add_test(test, single_step_traps_after_each_instruction);
    tcase_add_test(test, single_step_is_cleared_by_int_and_begins_after_popf);
    tcase_add_test(test, interrupt_waits_one_instruction_after_sti);
    tcase_add_test(test, shadow_survives_the_end_of_a_run);
    tcase_add_test(test, sti_halt_wakes);
    tcase_add_test(test, mov_ss_holds_interrupts_and_traps);
    tcase_add_test(test, interrupt_raised_by_an_instruction_comes_right_after_it);
    tcase_add_test(test, nmi_is_blocked_until_iret);
    tcase_add_test(test, triple_fault_ends_the_run);
    tcase_add_test(test, segment_limits);
    tcase_add_test(test, segments_stop_being_flat);
    tcase_add_test(test, flat_segments_end_at_4_gib);
    tcase_add_test(test, state_goes_out_and_in);
    tcase_add_test(test, fresh_cpu_goes_on_from_any_instant);
    tcase_add_test(test, fresh_cpu_goes_on_in_a_repeated_instruction);
    tcase_add_test(test, fresh_cpu_goes_on_among_deliveries);
    tcase_add_test(test, fresh_cpu_goes_on_before_a_debug_trap);
    tcase_add_test(test, code_page_stays_until_invlpg);
    tcase_add_test(test, many_code_pages_are_the_same_however_it_is_split);
    suite_add_tcase(suite, test);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(engine_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

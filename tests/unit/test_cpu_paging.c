/* SPDX-License-Identifier: MIT */
/*
 * PAE paging, NX and PSE-36: translations above 4 GiB, the PDPTE registers, reserved bits, large pages, rights and error
 * codes, and the one walk that explains them (SDM 3A, 4.3 and 4.4). Plain 32-bit paging is in test_cpu_engine.c.
 */
#include <check.h>
#include <stdlib.h>
#include "emu/core/bits.h"
#include "tests/unit/cpu_fixture.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { CR4_PSE = 0x10, CR4_PAE = 0x20, CR4_PGE = 0x80 };
#define NX UINT64_C(0x8000000000000000)

enum { CODE_AT = 0x10000, PDPT = 0x400000, PD = 0x401000, PT = 0x402000, PT_HIGH = 0x403000 };
#define HIGH UINT64_C(0x500000000) /* RAM there, 8 MiB */

static struct cpu_fixture fixture;
static struct region *high;

static void write64(uint32_t at, uint64_t value)
{
    cpu_fixture_write32(&fixture, at, (uint32_t)value);
    cpu_fixture_write32(&fixture, at + 4, (uint32_t)(value >> 32));
}

static uint64_t read64(uint32_t at)
{
    return cpu_fixture_read32(&fixture, at) | (uint64_t)cpu_fixture_read32(&fixture, at + 4) << 32;
}

/* The first 2 MiB one to one by 4 KiB pages; 2 to 4 MiB by a large page; the next table is PT_HIGH's, empty. */
static void write_tables(void)
{
    write64(PDPT, PD | P);
    for (unsigned n = 1; n < 4; n++) write64(PDPT + 8 * n, 0);
    for (unsigned i = 0; i < 512; i++) {
        write64(PT + 8 * i, i << 12 | P | W | U);
        write64(PT_HIGH + 8 * i, 0);
        write64(PD + 8 * i, 0);
    }
    write64(PD, PT | P | W | U);
    write64(PD + 8, 0x200000 | P | W | U | PS);
    write64(PD + 16, PT_HIGH | P | W | U);
    write64(PD + 24, 0x400000 | P | W | U | PS); /* the tables, at 6 MiB */
}

static uint32_t pte_high(uint32_t linear)
{
    return PT_HIGH + (linear >> 12 & 0x1ff) * 8;
}

static void start_model(const char *name)
{
    struct cpu_model model;
    struct error error;
    ck_assert(cpu_model_parse(name, &model, &error));
    cpu_fixture_create_model(&fixture, &model);
    high = region_new_ram("high", 8 << 20, &error);
    ck_assert_ptr_nonnull(high);
    region_add(fixture.memory_root, HIGH, high, 0);
    cpu_fixture_flat(&fixture, CODE_AT);
    write_tables();
}

static void finish(void)
{
    region_remove(high);
    cpu_fixture_destroy(&fixture);
    region_release(high);
}

/* By the guest's own hand: CR4, CR3, EFER where asked, CR0; then HLT. */
static void turn_on(uint32_t cr4, bool nx)
{
    uint8_t code[] = {0xb8, 0,    0, 0,          0,    0x0f, 0x22, 0xe0, /* mov eax, cr4; mov cr4, eax */
                      0xb8, 0,    0, PDPT >> 16, 0,    0x0f, 0x22, 0xd8, /* mov eax, PDPT; mov cr3, eax */
                      0xb9, 0x80, 0, 0,          0xc0, 0x31, 0xd2, 0xb8, 0,
                      8,    0,    0, /* ecx = EFER, edx = 0, eax = NXE */
                      0x0f, 0x30,    /* wrmsr */
                      0xb8, 0x11, 0, 0x01,       0x80, 0x0f, 0x22, 0xc0, 0xf4}; /* cr0 = PG WP ET PE; hlt */
    code[1] = (uint8_t)cr4;
    if (!nx) code[28] = code[29] = 0x90;
    cpu_fixture_code(&fixture, CODE_AT, code, sizeof(code));
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, false), CPU_STOP_HALTED);
    ck_assert_uint_eq(cpu_fixture_eip(&fixture), CODE_AT + sizeof(code));
}

static void start(bool nx)
{
    start_model("max");
    turn_on(CR4_PAE | CR4_PGE, nx);
}

static void go_at(uint32_t eip)
{
    struct cpu_state state;
    cpu_get_state(fixture.cpu, &state);
    state.eip = eip;
    state.halted = false;
    state.gpr[CPU_ESP] = 0x90000;
    cpu_set_state(fixture.cpu, &state);
    ck_assert_int_eq(cpu_run(fixture.cpu, 100, false), CPU_STOP_HALTED);
}

static void poke_code(uint64_t at, const void *code, size_t size)
{
    ck_assert(space_poke(fixture.memory, at, code, size));
}

/* mov [address], eax or mov eax, [address]; hlt */
static void access_at(uint32_t address, bool write)
{
    uint8_t code[6] = {write ? 0xa3 : 0xa1, 0, 0, 0, 0, 0xf4};
    le32_store(code + 1, address);
    poke_code(CODE_AT, code, sizeof(code));
    go_at(CODE_AT);
}

static const struct fault *last_fault(void)
{
    unsigned count;
    const struct fault_record *history = cpu_fault_history(fixture.cpu, &count);
    ck_assert_uint_gt(count, 0);
    return &history[count - 1].fault;
}

static void expect_page_fault(uint32_t address, uint32_t error, enum fault_reason reason, uint64_t entry)
{
    struct page_walk walk;
    const struct fault *fault = last_fault();
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 14);
    ck_assert_str_eq(fault_reason_name(fault->reason), fault_reason_name(reason));
    ck_assert_uint_eq(fault->error, error);
    ck_assert_uint_eq(fault->address, address);
    ck_assert_uint_eq(fault->entry, entry);
    /* LESSONS 54: whoever asks gets the same answer. */
    if (!cpu_walk(fixture.cpu, address, &walk)) ck_assert_int_eq(walk.reason, reason);
}

/* ---- translation ---- */

START_TEST(four_kib_pages_above_4_gib)
{
    struct page_walk walk;
    start(false);
    write64(pte_high(0x400000), HIGH | 0x3000 | P | W);
    cpu_fixture_set_reg(&fixture, CPU_EAX, 0xcafe1234);
    access_at(0x400010, true);
    uint64_t value;
    space_load(fixture.memory, HIGH + 0x3010, 4, &value);
    ck_assert_uint_eq(value, 0xcafe1234);
    ck_assert_uint_eq(read64(pte_high(0x400000)), HIGH | 0x3000 | P | W | A | D);
    ck_assert_uint_eq(read64(PD + 16) & (A | D), A);
    ck_assert_uint_eq(read64(PDPT), PD | P); /* has no accessed bit */

    ck_assert(cpu_walk(fixture.cpu, 0x400010, &walk));
    ck_assert_uint_eq(walk.levels, 3);
    ck_assert_str_eq(walk.level[0].name, "PDPTE");
    ck_assert_str_eq(walk.level[2].name, "PTE");
    ck_assert_uint_eq(walk.level[1].address, PD + 16);
    ck_assert_uint_eq(walk.physical, HIGH + 0x3010);
    ck_assert(walk.writable && !walk.user && walk.executable);
    finish();
}
END_TEST

START_TEST(code_above_4_gib)
{
    start(false);
    write64(pte_high(0x400000), HIGH | 0x5000 | P | W);
    poke_code(HIGH + 0x5000, "\xb8\x78\x56\x34\x12\xf4", 6); /* mov eax, 12345678h; hlt */
    go_at(0x400000);
    ck_assert_uint_eq(cpu_fixture_reg(&fixture, CPU_EAX), 0x12345678);
    finish();
}
END_TEST

START_TEST(two_mib_pages)
{
    struct page_walk walk;
    start(false);
    write64(PD + 32, (HIGH + 0x200000) | P | W | PS | G); /* 8 to 10 MiB */
    cpu_fixture_set_reg(&fixture, CPU_EAX, 77);
    access_at(0x912340, true);
    uint64_t value;
    space_load(fixture.memory, HIGH + 0x312340, 4, &value);
    ck_assert_uint_eq(value, 77);
    ck_assert_uint_eq(read64(PD + 32) & (A | D), A | D);
    ck_assert_uint_eq(read64(PDPT), PD | P);
    ck_assert(cpu_walk(fixture.cpu, 0x912340, &walk));
    ck_assert_uint_eq(walk.page_size, 0x200000);
    ck_assert(walk.global);
    write64(PD + 32, (HIGH + 0x202000) | P | W | PS);
    cpu_fixture_flat(&fixture, CODE_AT);
    turn_on(CR4_PAE, false);
    access_at(0x912340, true);
    expect_page_fault(0x912340, 1 | 2 | 8, REASON_PAGE_RESERVED_BIT, PD + 32);
    finish();
}
END_TEST

/* ---- faults ---- */

START_TEST(each_level_may_be_absent)
{
    start(false);
    access_at(0x40000000, false);
    expect_page_fault(0x40000000, 0, REASON_PDPTE_NOT_PRESENT, PDPT + 8);
    access_at(0xa00000, true);
    expect_page_fault(0xa00000, 2, REASON_PDE_NOT_PRESENT, PD + 40);
    access_at(0x401000, false);
    expect_page_fault(0x401000, 0, REASON_PTE_NOT_PRESENT, PT_HIGH + 8);
    finish();
}
END_TEST

START_TEST(reserved_bits_and_rights)
{
    static const struct {
        uint64_t pde, pte;
        bool write;
        uint32_t error;
        enum fault_reason reason;
        bool in_pte;
    } rows[] = {
        {P | W, HIGH | P | W | UINT64_C(1) << 36, false, 9, REASON_PAGE_RESERVED_BIT, true},
        {P | W, HIGH | P | W | NX, false, 9, REASON_PAGE_RESERVED_BIT, true}, /* EFER.NXE is clear */
        {P | W | UINT64_C(1) << 62, HIGH | P | W, false, 9, REASON_PAGE_RESERVED_BIT, false},
        {P | W, HIGH | P, true, 3, REASON_PAGE_READ_ONLY, true},
        {P, HIGH | P | W, true, 3, REASON_PAGE_READ_ONLY, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        start(false);
        write64(PD + 16, PT_HIGH | rows[i].pde);
        write64(pte_high(0x402000), rows[i].pte);
        access_at(0x402000, rows[i].write);
        expect_page_fault(0x402000, rows[i].error, rows[i].reason,
                          rows[i].in_pte ? pte_high(0x402000) : PD + 16);
        finish();
    }
}
END_TEST

START_TEST(nx_keeps_code_out_and_data_in)
{
    struct page_walk walk;
    start(true);
    write64(pte_high(0x400000), 0x50000 | P | W | NX);
    write64(pte_high(0x401000), 0x51000 | P | W);
    poke_code(0x50000, "\xf4", 1);
    poke_code(0x50ffe, "\xb8\x01\x02\x03\x04\xf4", 6);
    cpu_fixture_set_reg(&fixture, CPU_EAX, 5);
    access_at(0x400100, true);
    ck_assert_uint_eq(cpu_fixture_read32(&fixture, 0x50100), 5);
    go_at(0x400000);
    expect_page_fault(0x400000, 1 | 16, REASON_PAGE_NO_EXECUTE, pte_high(0x400000));
    ck_assert(cpu_walk(fixture.cpu, 0x400000, &walk));
    ck_assert(!walk.executable);

    /* In the PDE it counts for all below; an instruction may cross into such a page. */
    write64(pte_high(0x400000), 0x50000 | P | W);
    write64(pte_high(0x401000), 0x51000 | P | W | NX);
    cpu_fixture_flat(&fixture, CODE_AT);
    turn_on(CR4_PAE, true);
    go_at(0x400ffe);
    expect_page_fault(0x401000, 1 | 16, REASON_PAGE_NO_EXECUTE, pte_high(0x401000));
    write64(PD + 16, PT_HIGH | P | W | NX);
    cpu_fixture_flat(&fixture, CODE_AT);
    turn_on(CR4_PAE, true);
    go_at(0x400000);
    expect_page_fault(0x400000, 1 | 16, REASON_PAGE_NO_EXECUTE, PD + 16);
    /* A fetch from a page that is absent says so too. */
    go_at(0xa00000);
    expect_page_fault(0xa00000, 16, REASON_PDE_NOT_PRESENT, PD + 40);
    finish();
}
END_TEST

/* SDM 3A, 4.4.1: they are registers, loaded with CR3; what memory says afterwards does not matter. */
START_TEST(pdptes_are_loaded_with_cr3)
{
    start(false);
    write64(PDPT, 0);
    access_at(0x600000, false); /* not in the TLB yet */
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), -1);
    write64(PDPT, PD | P);
    write64(PDPT + 8, PD | P | 2);                         /* bit 1 is reserved */
    poke_code(CODE_AT, "\x0f\x20\xd8\x0f\x22\xd8\xf4", 7); /* mov eax, cr3; mov cr3, eax */
    go_at(CODE_AT);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), 13);
    ck_assert_int_eq(last_fault()->reason, REASON_PDPTE_RESERVED_BIT);
    write64(PDPT + 8, PD | 2); /* not present: ignored */
    go_at(CODE_AT);
    ck_assert_int_eq(cpu_fixture_halted_vector(&fixture), -1);
    finish();
}
END_TEST

/* SDM 3A, table 4-4: bits 16:13 of the PDE are address bits 35:32. */
START_TEST(pdptes_follow_a_debugger)
{
    struct cpu_state state, now;
    start(false);
    write64(0x404000, PD | P);
    write64(0x404008, PD | P);
    write64(0x404020, PD | P | W); /* W is reserved here */
    cpu_get_state(fixture.cpu, &state);
    state.cr3 = 0x404000;
    ck_assert(cpu_debug_set_state(fixture.cpu, &state));
    cpu_get_state(fixture.cpu, &now);
    ck_assert_uint_eq(now.pdpte[1], PD | P);
    state.cr3 = 0x404020;
    ck_assert(!cpu_debug_set_state(fixture.cpu, &state));
    cpu_get_state(fixture.cpu, &now);
    ck_assert_uint_eq(now.cr3, 0x404000);
    /* A load is believed. */
    cpu_set_state(fixture.cpu, &state);
    cpu_get_state(fixture.cpu, &now);
    ck_assert_uint_eq(now.cr3, 0x404020);
    finish();
}
END_TEST

START_TEST(pse36)
{
    struct page_walk walk;
    start_model("pentium2");
    struct cpu_state state;
    cpu_fixture_write32(&fixture, PD, P | W | PS);
    cpu_fixture_write32(&fixture, PD + 4, 0x400000 | P | W | PS | 5 << 13); /* 4 to 8 MiB: 5_0040_0000 */
    cpu_get_state(fixture.cpu, &state);
    state.cr3 = PD;
    state.cr4 = CR4_PSE;
    state.cr0 |= 0x80000000;
    cpu_set_state(fixture.cpu, &state);
    cpu_fixture_set_reg(&fixture, CPU_EAX, 36);
    access_at(0x412340, true);
    uint64_t value;
    space_load(fixture.memory, HIGH + 0x412340, 4, &value);
    ck_assert_uint_eq(value, 36);
    ck_assert(cpu_walk(fixture.cpu, 0x412340, &walk));
    ck_assert_uint_eq(walk.physical, HIGH + 0x412340);
    finish();

    start_model("pentium2,-pse36");
    cpu_fixture_write32(&fixture, PD + 4, 0x400000 | P | W | PS | 5 << 13);
    cpu_fixture_write32(&fixture, PD, P | W | PS);
    cpu_set_state(fixture.cpu, &state);
    access_at(0x412340, true);
    expect_page_fault(0x412340, 1 | 2 | 8, REASON_PAGE_RESERVED_BIT, PD + 4);
    finish();
}
END_TEST

START_TEST(lesson_54_reports_know_three_levels)
{
    char text[320];
    start(true);
    write64(pte_high(0x400000), 0x50000 | P | W | NX);
    go_at(0x400000);
    fault_describe(last_fault(), text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "fetch at linear 00400000"));
    ck_assert_ptr_nonnull(strstr(text, "entry 8000000000050003"));
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu paging");
    TCase *tests = tcase_create("PAE, NX, PSE-36");
    tcase_add_test(tests, four_kib_pages_above_4_gib);
    tcase_add_test(tests, code_above_4_gib);
    tcase_add_test(tests, two_mib_pages);
    tcase_add_test(tests, each_level_may_be_absent);
    tcase_add_test(tests, reserved_bits_and_rights);
    tcase_add_test(tests, nx_keeps_code_out_and_data_in);
    tcase_add_test(tests, pdptes_are_loaded_with_cr3);
    tcase_add_test(tests, pdptes_follow_a_debugger);
    tcase_add_test(tests, pse36);
    tcase_add_test(tests, lesson_54_reports_know_three_levels);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

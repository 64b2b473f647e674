/* SPDX-License-Identifier: MIT */
/*
 * Paging by the manual: rights, error codes, accessed and dirty bits, invalidation, page sizes, PAE and NX, restart
 * after faults, code changed through another mapping. One line per check (lib/check.h).
 *
 * All memory is mapped to itself by 4 MiB pages that ring 3 may use; the checks are made in a window at 1 GiB
 * that has a page table.
 */
#include "lib/traps.h"

enum {
    WINDOW = 0x40000000,
    PDE = WINDOW >> 22,
    PAGES = 8,

    P = 0x001,
    RW = 0x002,
    US = 0x004,
    ACCESSED = 0x020,
    DIRTY = 0x040,
    PS = 0x080,
    GLOBAL = 0x100,
    ALL = P | RW | US,

    ERR_P = 1, /* SDM 3A, figure 4-12 */
    ERR_W = 2,
    ERR_U = 4,
    ERR_RSVD = 8,
    ERR_FETCH = 16,

    CR0_NW = 0x20000000,
    CR0_WP = 0x00010000,
    CR0_PG = 0x80000000,
    CR4_PSE = 0x10,
    CR4_PAE = 0x20,
    CR4_PGE = 0x80,
    CPUID_PAE = 1 << 6,
    CPUID_PGE = 1 << 13,
    CPUID_NX = 1 << 20,
    EFER = 0xc0000080,
    EFER_NXE = 0x800,
};

static uint32_t directory[1024] __attribute__((aligned(4096)));
static volatile uint32_t table[1024] __attribute__((aligned(4096)));
static volatile uint8_t pages[PAGES][4096] __attribute__((aligned(4096)));
static uint64_t pae_pointers[4] __attribute__((aligned(32)));
static uint64_t pae_directories[4][512] __attribute__((aligned(4096)));
static volatile uint64_t pae_table[512] __attribute__((aligned(4096)));

static void flush(void)
{
    uint32_t cr3;

    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

static void invlpg(uint32_t address)
{
    __asm__ volatile("invlpg %0" : : "m"(*(char *)address) : "memory");
}

/* Pages 0, 1... of the window show frames 0, 1...; cached translations are gone. */
static void window_reset(void)
{
    for (unsigned i = 0; i < PAGES; i++) table[i] = (uint32_t)pages[i] | ALL;
    directory[PDE] = (uint32_t)table | ALL;
    flush();
}

static void map(unsigned page, unsigned frame, uint32_t bits)
{
    table[page] = (uint32_t)pages[frame] | bits;
    invlpg(WINDOW + page * 4096);
}

/* ---- what the probes do ---- */

static void do_read(uint32_t address)
{
    __asm__ volatile("movl (%0), %%eax" : : "r"(address) : "eax", "memory");
}

static void do_write(uint32_t address)
{
    __asm__ volatile("movl $0x5a5a5a5a, (%0)" : : "r"(address) : "memory");
}

static void do_increment(uint32_t address)
{
    __asm__ volatile("incl (%0)" : : "r"(address) : "memory", "cc");
}

static void do_compare(uint32_t address)
{
    __asm__ volatile("lock cmpxchgl %%ecx, (%0)" : : "r"(address), "a"(1), "c"(2) : "memory", "cc");
}

static void do_bit_test(uint32_t address)
{
    __asm__ volatile("btl $0, (%0)" : : "r"(address) : "memory", "cc");
}

static void do_call(uint32_t address)
{
    __asm__ volatile("call *%0" : : "r"(address) : "eax", "ecx", "edx", "memory", "cc");
}

/* And back at once, for a CPU that takes it. */
static void do_write_cr0(uint32_t value)
{
    uint32_t before = read_cr0();

    write_cr0(value);
    write_cr0(before);
}

static void do_write_cr3(uint32_t value)
{
    write_cr3(value);
}

static void do_write_cr4(uint32_t value)
{
    write_cr4(value);
}

static void do_load_ds(uint32_t selector)
{
    __asm__ volatile("movl %%ds, %%eax; movl %0, %%ds; movl %%eax, %%ds" : : "r"(selector) : "eax");
}

/* ---- rights: all of PDE and PTE, user and supervisor, WP (SDM 3A, 4.6.1) ---- */

struct rights_row {
    const char *name;
    bool user, write, wp;
};

static const struct rights_row rights_rows[] = {
    {"rights_user_read", true, false, false},        {"rights_user_write", true, true, false},
    {"rights_user_write_wp", true, true, true},      {"rights_supervisor_read", false, false, true},
    {"rights_supervisor_write", false, true, false}, {"rights_supervisor_write_wp", false, true, true},
};

static bool rights_allow(const struct rights_row *row, uint32_t bits)
{
    if (row->user && !(bits & US)) return false;
    return !row->write || bits & RW || (!row->user && !row->wp);
}

/* Bit n of the results: PDE with the rights n >> 2, PTE with the rights n & 3 (1: writable, 2: user). */
static void check_rights(const struct rights_row *row)
{
    uint32_t expected = 0, got = 0, wrong_codes = 0;
    uint32_t code = ERR_P | (row->user ? ERR_U : 0) | (row->write ? ERR_W : 0);

    write_cr0(row->wp ? read_cr0() | CR0_WP : read_cr0() & ~CR0_WP);
    for (uint32_t n = 0; n < 16; n++) {
        uint32_t pde = P | n >> 2 << 1, pte = P | (n & 3) << 1;
        const struct trap *trap;

        directory[PDE] = (uint32_t)table | pde;
        table[0] = (uint32_t)pages[0] | pte;
        flush();
        trap = (row->user ? probe_user : probe)(row->write ? do_write : do_read, WINDOW);
        if (rights_allow(row, pde & pte)) expected |= 1u << n;
        if (trap->vector == TRAP_NONE)
            got |= 1u << n;
        else if (trap->vector != VECTOR_PF || trap->error != code || trap_cr2 != WINDOW)
            wrong_codes |= 1u << n;
    }
    check_equal(row->name, "3A, 4.6.1", expected, got);
    check_equal("  error_codes", "3A, 4.7", 0, wrong_codes);
    window_reset();
}

/* ---- error codes and CR2 ---- */

static void check_fault(const char *name, probe_fn fn, bool user, uint32_t address, uint32_t error,
                        uint32_t cr2)
{
    (user ? probe_user : probe)(fn, address);
    check_trap(name, "3A, 4.7", VECTOR_PF, error);
    check_equal("  cr2", "3A, 6.15, interrupt 14", cr2, trap_cr2);
}

static void check_faults(void)
{
    map(1, 1, 0);
    check_fault("absent_read", do_read, false, WINDOW + 0x1123, 0, WINDOW + 0x1123);
    check_fault("absent_write", do_write, false, WINDOW + 0x1124, ERR_W, WINDOW + 0x1124);
    check_fault("absent_user_read", do_read, true, WINDOW + 0x1ffc, ERR_U, WINDOW + 0x1ffc);
    check_fault("absent_user_write", do_write, true, WINDOW + 0x1000, ERR_U | ERR_W, WINDOW + 0x1000);
    check_fault("absent_increment_is_write", do_increment, false, WINDOW + 0x1000, ERR_W, WINDOW + 0x1000);
    check_fault("absent_bit_test_is_read", do_bit_test, false, WINDOW + 0x1000, 0, WINDOW + 0x1000);
    check_fault("absent_fetch", do_call, true, WINDOW + 0x1010, ERR_U, WINDOW + 0x1010);
    check_fault("crossing_read", do_read, false, WINDOW + 0xffe, 0, WINDOW + 0x1000);
    for (unsigned i = 0xffe; i < 0x1000; i++) pages[0][i] = 0x11;
    check_fault("crossing_write", do_write, false, WINDOW + 0xffe, ERR_W, WINDOW + 0x1000);
    check_equal("crossing_write_writes_nothing", "3A, 6.5", 0x1111, pages[0][0xffe] | pages[0][0xfff] << 8);
    pages[0][0xffe] = 0xb8; /* MOV EAX, imm32, cut */
    check_fault("crossing_fetch", do_call, false, WINDOW + 0xffe, 0, WINDOW + 0x1000);
    check_equal("  eip", "3A, 6.5", WINDOW + 0xffe, trap_last.eip);

    write_cr0(read_cr0() | CR0_WP);
    map(1, 1, P);
    pages[1][0] = 0;
    check_fault("cmpxchg_unequal_needs_write", do_compare, false, WINDOW + 0x1000, ERR_P | ERR_W,
                WINDOW + 0x1000);
    directory[PDE] = 0;
    flush();
    check_fault("absent_table", do_write, false, WINDOW + 0x2000, ERR_W, WINDOW + 0x2000);
    directory[PDE] = 1u << 21 | PS | ALL;
    flush();
    check_fault("reserved_bit_21_of_4m", do_read, false, WINDOW + 4, ERR_P | ERR_RSVD, WINDOW + 4);
    window_reset();
}

/* ---- accessed and dirty ---- */

static void check_bits(void)
{
    const uint32_t ad = ACCESSED | DIRTY;

    window_reset();
    do_read(WINDOW);
    check_equal("accessed_by_read", "3A, 4.8", ACCESSED, table[0] & ad);
    check_equal("accessed_in_directory", "3A, 4.8", ACCESSED, directory[PDE] & ad);
    check_equal("accessed_not_beside", "3A, 4.8", 0, table[1] & ad);
    do_write(WINDOW);
    check_equal("dirty_by_write_after_read", "3A, 4.8", ad, table[0] & ad);
    do_write(WINDOW + 0x1000);
    check_equal("dirty_by_first_write", "3A, 4.8", ad, table[1] & ad);
    check_equal("dirty_not_in_directory", "3A, 4.8", ACCESSED, directory[PDE] & ad);
    map(0, 0, ALL);
    do_write(WINDOW);
    check_equal("dirty_again_after_invlpg", "3A, 4.8", ad, table[0] & ad);
    map(2, 2, P | US);
    probe_user(do_write, WINDOW + 0x2000);
    check_equal("dirty_not_by_refused_write", "3A, 4.8", 0, table[2] & DIRTY);
    map(3, 3, ALL);
    pages[3][0] = 0xc3;
    do_call(WINDOW + 0x3000);
    check_equal("accessed_by_fetch", "3A, 4.8", ACCESSED, table[3] & ad);
    directory[PDE] = PS | ALL;
    flush();
    do_read(WINDOW);
    check_equal("accessed_4m", "3A, 4.8", ACCESSED, directory[PDE] & ad);
    do_write(WINDOW + 0x800);
    check_equal("dirty_4m", "3A, 4.8", ad, directory[PDE] & ad);
    window_reset();
}

/* ---- invalidation ---- */

static uint8_t window_byte(unsigned page)
{
    return *(volatile uint8_t *)(WINDOW + page * 4096);
}

static void check_invalidation(void)
{
    for (unsigned i = 0; i < PAGES; i++) pages[i][0] = (uint8_t)(0x10 + i);
    window_reset();
    window_byte(0);
    table[0] = (uint32_t)pages[5] | ALL;
    invlpg(WINDOW + 0xabc);
    check_equal("invlpg_any_address_in_page", "3A, 4.10.4.1", 0x15, window_byte(0));
    table[0] = (uint32_t)pages[6] | ALL;
    flush();
    check_equal("cr3_load", "3A, 4.10.4.1", 0x16, window_byte(0));
    directory[PDE] = PS | ALL;
    invlpg(WINDOW + 0x3000);
    check_equal("invlpg_4m", "3A, 4.10.4.1", *(volatile uint8_t *)0x3000, window_byte(3));
    window_reset();
    table[2] = 0;
    table[2] = (uint32_t)pages[2] | ALL;
    check_equal("absent_is_never_cached", "3A, 4.10.2.3", 0x12, window_byte(2));
    if (!(cpuid_edx(1) & CPUID_PGE)) {
        check_skip("global", "no PGE");
        return;
    }
    write_cr4(read_cr4() | CR4_PGE);
    map(1, 1, ALL | GLOBAL);
    window_byte(1);
    table[1] = (uint32_t)pages[7] | ALL | GLOBAL;
    invlpg(WINDOW + 0x1000);
    check_equal("global_invlpg", "3A, 4.10.4.1", 0x17, window_byte(1));
    table[1] = (uint32_t)pages[6] | ALL | GLOBAL;
    write_cr4(read_cr4() & ~CR4_PGE);
    check_equal("global_cr4_pge_change", "3A, 4.10.4.1", 0x16, window_byte(1));
    window_reset();
}

/* ---- implicit supervisor accesses: the GDT on a page that ring 3 may not touch ---- */

static void gdt_to_window(uint32_t bits)
{
    const struct table_register gdtr = {sizeof traps_gdt - 1, WINDOW + 0x1000};

    __builtin_memcpy((void *)pages[1], traps_gdt, sizeof traps_gdt);
    map(1, 1, bits);
    __asm__ volatile("lgdt %0" : : "m"(gdtr));
}

static void check_implicit(void)
{
    traps_gdt[SEL_TEST >> 3] = descriptor(0, 0xfffff, 0xc0f2); /* data, ring 3, not accessed */
    gdt_to_window(P | RW);
    probe_user(do_load_ds, SEL_TEST | 3);
    check_trap("descriptor_on_supervisor_page", "3A, 4.6.1", TRAP_NONE, 0);
    check_equal("descriptor_marked_accessed", "3A, 3.4.5.1", 0xf3, pages[1][SEL_TEST + 5]);
    gdt_to_window(P);
    probe_user(do_load_ds, SEL_TEST | 3);
    check_trap("descriptor_on_readonly_page", "3A, 4.6.1", VECTOR_PF, ERR_P | ERR_W);
    check_equal("  cr2_in_descriptor", "3A, 4.7", WINDOW + 0x1000 + SEL_TEST, trap_cr2 & ~7u);
    traps_reload();
    window_reset();
}

/* ---- restart ---- */

static uint32_t faults, fault_ecx, fault_esp;

/* Maps what was missing and goes on. */
static bool repair(struct trap *trap)
{
    uint32_t page = (trap_cr2 - WINDOW) / 4096;

    if (trap->vector != VECTOR_PF || page >= PAGES || faults >= 100) return false;
    if (!faults++) {
        fault_ecx = trap->ecx;
        fault_esp = trap->esp;
    }
    map(page, page, ALL);
    return true;
}

static void probe_repairing(probe_fn fn, uint32_t absent)
{
    window_reset();
    faults = 0;
    for (unsigned i = 0; i < PAGES; i++)
        if (absent >> i & 1) map(i, i, 0);
    trap_hook = repair;
    probe_user(fn, 0);
    trap_hook = NULL;
}

uint32_t seen[10]; /* used by name in assembly, as are the next two */
uint32_t seen_esp, seen_pushed;

static void do_movs(uint32_t unused)
{
    uint32_t si = WINDOW + 0xff0, di = WINDOW + 0x2ff8, cx = 0x40;

    (void)unused;
    __asm__ volatile("rep movsb" : "+S"(si), "+D"(di), "+c"(cx) : : "memory");
    seen[0] = si, seen[1] = di, seen[2] = cx;
}

static void do_movs_down(uint32_t unused)
{
    uint32_t si = WINDOW + 0x100c, di = WINDOW + 0x300c, cx = 8;

    (void)unused;
    __asm__ volatile("std; rep movsl; cld" : "+S"(si), "+D"(di), "+c"(cx) : : "memory");
    seen[0] = si, seen[1] = di, seen[2] = cx;
}

static void do_stos_split(uint32_t unused)
{
    uint32_t di = WINDOW + 0xffe, cx = 3;

    (void)unused;
    __asm__ volatile("rep stosl" : "+D"(di), "+c"(cx) : "a"(0x44332211) : "memory");
    seen[0] = di, seen[1] = cx;
}

static void do_scas(uint32_t unused)
{
    uint32_t di = WINDOW + 0xff8, cx = 100;

    (void)unused;
    __asm__ volatile("repne scasb" : "+D"(di), "+c"(cx) : "a"(0x77) : "memory", "cc");
    seen[0] = di, seen[1] = cx;
}

/* PUSHA whose 32 bytes lie across two pages, then POPA. */
static void do_pusha(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("movl %%esp, seen_esp\n"
                     "movl %0, %%esp\n"
                     "movl $0x11, %%eax; movl $0x22, %%ecx; movl $0x33, %%edx\n"
                     "pushal\n"
                     "movl seen_esp, %%esp\n"
                     :
                     : "r"(WINDOW + 0x1008)
                     : "eax", "ecx", "edx", "memory");
}

static void do_popa(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("movl %%esp, seen_esp\n"
                     "pushal\n"
                     "movl %%esp, seen_pushed\n"
                     "movl %0, %%esp\n"
                     "popal\n"
                     "movl %%eax, seen\n"
                     "movl %%ecx, seen + 4\n"
                     "movl %%edi, seen + 8\n"
                     "movl %%esp, seen + 12\n"
                     "movl seen_pushed, %%esp\n"
                     "popal\n"
                     :
                     : "r"(WINDOW + 0x1000 - 8)
                     : "memory");
}

/* POP to memory that is absent: ESP must not have moved when it is done again. */
static void do_pop_memory(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("pushl $0x1234; pushl $0x5678; popl %0; popl %1"
                     : "=m"(*(volatile uint32_t *)(WINDOW + 0x1000)), "=m"(seen[0])
                     :
                     : "memory");
}

static bool bytes_are(unsigned page, unsigned from, unsigned count, uint8_t first, uint8_t step)
{
    for (unsigned i = 0; i < count; i++, first = (uint8_t)(first + step))
        if (pages[page][from + i] != first) return false;
    return true;
}

static uint32_t frame_word(unsigned page, unsigned at)
{
    uint32_t value;

    __builtin_memcpy(&value, (const void *)&pages[page][at], sizeof value);
    return value;
}

static void check_strings(void)
{
    for (unsigned i = 0; i < 4096; i++) pages[0][i] = pages[1][i] = (uint8_t)i;
    probe_repairing(do_movs, 1 << 1 | 1 << 3);
    check_trap("rep_movsb_ends", "2, REP", TRAP_NONE, 0);
    check_equal("rep_movsb_faults", "3A, 6.5", 2, faults);
    check_equal("rep_movsb_ecx_at_fault", "2, REP", 0x40 - 8, fault_ecx);
    check_equal("rep_movsb_esi", "2, REP", WINDOW + 0x1030, seen[0]);
    check_true("rep_movsb_data", "2, REP", bytes_are(2, 0xff8, 8, 0xf0, 1) && bytes_are(3, 0, 8, 0xf8, 1));

    for (unsigned i = 0; i < 4096; i++) pages[2][i] = pages[3][i] = 0;
    probe_repairing(do_movs_down, 1 << 0 | 1 << 2);
    check_equal("rep_movsd_down_faults", "3A, 6.5", 2, faults);
    check_equal("rep_movsd_down_ecx_at_fault", "2, REP", 4, fault_ecx);
    check_true("rep_movsd_down_data", "2, REP",
               bytes_are(2, 0xff0, 16, 0xf0, 1) && bytes_are(3, 0, 16, 0, 1));

    for (unsigned i = 0xff0; i < 4096; i++) pages[0][i] = 0;
    probe_repairing(do_stos_split, 1 << 1);
    check_equal("rep_stosd_split_ecx_at_fault", "2, REP", 3, fault_ecx);
    check_true("rep_stosd_split_data", "2, REP",
               bytes_are(0, 0xffe, 2, 0x11, 0x11) && frame_word(1, 0) == 0x22114433 &&
                   frame_word(1, 4) == 0x22114433);

    pages[1][5] = 0x77;
    probe_repairing(do_scas, 1 << 1);
    check_equal("repne_scasb_edi", "2, REP", WINDOW + 0x1006, seen[0]);
    check_equal("repne_scasb_ecx", "2, REP", 100 - 14, seen[1]);
}

static void check_stack_restart(void)
{
    probe_repairing(do_pusha, 1 << 0);
    check_equal("pusha_faults_once", "3A, 6.5", 1, faults);
    check_equal("pusha_esp_at_fault", "3A, 6.5", WINDOW + 0x1008, fault_esp);
    check_equal("pusha_eax", "2, PUSHA", 0x11, frame_word(1, 4));
    check_equal("pusha_ecx", "2, PUSHA", 0x22, frame_word(1, 0));
    check_equal("pusha_edx", "2, PUSHA", 0x33, frame_word(0, 0xffc));
    check_equal("pusha_esp", "2, PUSHA", WINDOW + 0x1008, frame_word(0, 0xff4));

    *(volatile uint32_t *)&pages[1][0x14] = 0xa0a0;
    *(volatile uint32_t *)&pages[1][0x10] = 0xc0c0;
    *(volatile uint32_t *)&pages[0][0xff8] = 0xd0d0;
    probe_repairing(do_popa, 1 << 1);
    check_equal("popa_faults_once", "3A, 6.5", 1, faults);
    check_equal("popa_esp_at_fault", "3A, 6.5", WINDOW + 0xff8, fault_esp);
    check_equal("popa_eax", "2, POPA", 0xa0a0, seen[0]);
    check_equal("popa_ecx", "2, POPA", 0xc0c0, seen[1]);
    check_equal("popa_edi", "2, POPA", 0xd0d0, seen[2]);
    check_equal("popa_esp", "2, POPA", WINDOW + 0x1018, seen[3]);

    probe_repairing(do_pop_memory, 1 << 1);
    check_equal("pop_memory_once", "3A, 6.5", 0x5678, frame_word(1, 0));
    check_equal("pop_memory_then", "3A, 6.5", 0x1234, seen[0]);
}

/* ---- code through two mappings (SDM 3A, 8.1.3) ---- */

static void code_write(volatile uint8_t *at, uint32_t value)
{
    at[0] = 0xb8; /* MOV EAX, imm32; RET */
    for (unsigned i = 0; i < 4; i++) at[1 + i] = (uint8_t)(value >> 8 * i);
    at[5] = 0xc3;
}

static uint32_t code_run(uint32_t address)
{
    uint32_t leaf = 0;

    __asm__ volatile("cpuid" : "+a"(leaf) : : "ebx", "ecx", "edx", "memory");
    return ((uint32_t(*)(void))address)();
}

static void check_code(void)
{
    volatile uint8_t *here = (volatile uint8_t *)WINDOW, *there = (volatile uint8_t *)(WINDOW + 0x4000);
    bool good = true;

    window_reset();
    map(4, 0, ALL);
    for (uint32_t i = 1; i < 100; i++) {
        code_write(i & 1 ? here + 0x100 : there + 0x100, i);
        good &= code_run((uint32_t)(i & 2 ? here : there) + 0x100) == i;
    }
    check_true("code_by_alias", "3A, 8.1.3", good);
    good = true;
    for (uint32_t i = 1; i < 100;
         i++) { /* the instruction lies across pages 0 and 1; changed through 5 and 1 */
        map(5, 1, ALL);
        code_write(here + 0xffd, 0);
        *(volatile uint16_t *)(i & 1 ? here + 0x1000 : here + 0x5000) = (uint16_t)i;
        good &= code_run((uint32_t)here + 0xffd) == i << 16;
    }
    check_true("code_across_pages_by_alias", "3A, 8.1.3", good);
    good = true;
    for (uint32_t i = 1; i < 20; i++) { /* another frame behind the second page */
        code_write(here + 0xffd, 0);
        *(volatile uint16_t *)&pages[6][0] = (uint16_t)(i + 0x100);
        pages[6][2] = 0xc3;
        good &= code_run((uint32_t)here + 0xffd) == 0;
        map(1, 6, ALL);
        good &= code_run((uint32_t)here + 0xffd) == (i + 0x100) << 16;
        map(1, 1, ALL);
    }
    check_true("code_second_page_remapped", "3A, 4.10.4.1", good);
    code_write(pages[2], 22);
    code_write(pages[3], 33);
    map(0, 2, ALL);
    good = code_run(WINDOW) == 22;
    map(0, 3, ALL);
    good &= code_run(WINDOW) == 33;
    check_true("code_page_remapped", "3A, 4.10.4.1", good);
    window_reset();
}

/* ---- PAE ---- */

static void pae_window_reset(void)
{
    for (unsigned i = 0; i < 4; i++) pae_pointers[i] = (uint32_t)pae_directories[i] | P;
    for (unsigned i = 0; i < 4 * 512; i++) pae_directories[i / 512][i % 512] = (uint64_t)i << 21 | PS | ALL;
    for (unsigned i = 0; i < PAGES; i++) pae_table[i] = (uint32_t)pages[i] | ALL;
    pae_directories[1][0] = (uint32_t)pae_table | ALL;
    write_cr3((uint32_t)pae_pointers);
}

static void pae_map(unsigned page, uint64_t entry)
{
    pae_table[page] = entry;
    invlpg(WINDOW + page * 4096);
}

static void check_nx(void)
{
    const uint64_t nx = 1ull << 63;
    uint32_t low, high;

    code_write(pages[1], 1);
    if (!(cpuid_edx(0x80000001) & CPUID_NX)) {
        check_skip("nx", "no NX");
        return;
    }
    pae_map(1, nx | (uint32_t)pages[1] | ALL);
    check_fault("nx_bit_reserved_without_nxe", do_read, false, WINDOW + 0x1000, ERR_P | ERR_RSVD,
                WINDOW + 0x1000);
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(EFER));
    __asm__ volatile("wrmsr" : : "a"(low | EFER_NXE), "d"(high), "c"(EFER));
    pae_map(1, nx | (uint32_t)pages[1] | ALL);
    probe(do_read, WINDOW + 0x1000);
    check_trap("nx_read", "3A, 4.6.1", TRAP_NONE, 0);
    check_fault("nx_fetch", do_call, false, WINDOW + 0x1000, ERR_P | ERR_FETCH, WINDOW + 0x1000);
    check_fault("nx_user_fetch", do_call, true, WINDOW + 0x1000, ERR_P | ERR_U | ERR_FETCH, WINDOW + 0x1000);
    pae_map(1, 0);
    check_fault("nx_absent_fetch", do_call, false, WINDOW + 0x1000, ERR_FETCH, WINDOW + 0x1000);
    pae_map(1, (uint32_t)pages[1] | ALL);
    pae_directories[1][0] |= nx;
    flush();
    check_fault("nx_in_directory", do_call, false, WINDOW + 0x1000, ERR_P | ERR_FETCH, WINDOW + 0x1000);
    pae_window_reset();
    __asm__ volatile("wrmsr" : : "a"(low), "d"(high), "c"(EFER));
}

static void check_pae_entries(void)
{
    probe(do_read, WINDOW);
    check_trap("pae_read", "3A, 4.4.2", TRAP_NONE, 0);
    check_equal("pae_accessed", "3A, 4.8", ACCESSED, pae_table[0] & (ACCESSED | DIRTY));
    do_write(WINDOW + 0x1000);
    check_equal("pae_dirty", "3A, 4.8", ACCESSED | DIRTY, pae_table[1] & (ACCESSED | DIRTY));
    pae_directories[1][1] = PS | ALL;
    flush();
    check_equal("pae_2m", "3A, 4.4.2", *(volatile uint32_t *)0x1000,
                *(volatile uint32_t *)(WINDOW + 0x201000));
    do_write(WINDOW + 0x200800);
    check_equal("pae_2m_dirty", "3A, 4.8", ACCESSED | DIRTY, pae_directories[1][1] & (ACCESSED | DIRTY));
    pae_map(2, 1ull << 62 | (uint32_t)pages[2] | ALL);
    check_fault("pae_reserved_in_table", do_read, false, WINDOW + 0x2000, ERR_P | ERR_RSVD, WINDOW + 0x2000);
    pae_map(2, 0);
    check_fault("pae_absent", do_write, true, WINDOW + 0x2000, ERR_U | ERR_W, WINDOW + 0x2000);
    pae_directories[1][1] = 1u << 13 | PS | ALL;
    flush();
    check_fault("pae_reserved_in_2m", do_read, false, WINDOW + 0x200000, ERR_P | ERR_RSVD, WINDOW + 0x200000);
}

/* The four pointers are read when CR3 is loaded, and checked then. */
static void check_pae_pointers(void)
{
    pae_window_reset();
    pae_pointers[1] = 0;
    invlpg(WINDOW);
    probe(do_read, WINDOW);
    check_trap("pae_pointer_kept_until_cr3", "3A, 4.4.1", TRAP_NONE, 0);
    flush();
    check_fault("pae_pointer_absent", do_read, false, WINDOW + 8, 0, WINDOW + 8);
    pae_pointers[1] = (uint32_t)pae_directories[1] | P | RW;
    probe(do_write_cr3, (uint32_t)pae_pointers);
    check_trap("pae_pointer_reserved_bit", "3A, 4.4.1", VECTOR_GP, 0);
    pae_window_reset();
}

static void check_pae(void)
{
    if (!(cpuid_edx(1) & CPUID_PAE)) {
        check_skip("pae", "no PAE");
        return;
    }
    write_cr0(read_cr0() & ~CR0_PG);
    write_cr4(read_cr4() | CR4_PAE);
    pae_window_reset();
    write_cr0(read_cr0() | CR0_PG);
    check_pae_entries();
    check_pae_pointers();
    check_nx();
    write_cr0(read_cr0() & ~CR0_PG);
    write_cr4(read_cr4() & ~CR4_PAE);
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | CR0_PG);
}

/* ---- control registers ---- */

static void check_controls(void)
{
    probe_user(do_write_cr3, (uint32_t)directory);
    check_trap("cr3_from_ring_3", "3A, 5.9", VECTOR_GP, 0);
    probe_user((probe_fn)invlpg, WINDOW);
    check_trap("invlpg_from_ring_3", "3A, 5.9", VECTOR_GP, 0);
    probe(do_write_cr0, read_cr0() | CR0_NW);
    check_trap("nw_without_cd", "3A, 2.5", VECTOR_GP, 0);
    probe(do_write_cr0, CR0_PG | 0x10);
    check_trap("pg_without_pe", "3A, 2.5", VECTOR_GP, 0);
    probe(do_write_cr4, read_cr4() | 1u << 15);
    check_trap("cr4_reserved_bit", "3A, 2.5", VECTOR_GP, 0);
}

uint32_t guest_main(const struct multiboot_info *info)
{
    (void)info;
    traps_init();
    for (uint32_t i = 0; i < 1024; i++) directory[i] = i << 22 | PS | ALL;
    write_cr4(read_cr4() | CR4_PSE);
    write_cr3((uint32_t)directory);
    write_cr0(read_cr0() | CR0_PG);
    window_reset();
    for (size_t i = 0; i < sizeof rights_rows / sizeof rights_rows[0]; i++) check_rights(&rights_rows[i]);
    check_faults();
    check_bits();
    check_invalidation();
    check_implicit();
    check_strings();
    check_stack_restart();
    check_code();
    check_pae();
    check_controls();
    return check_end("system_paging");
}

/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs hammering on what they share: locks, atomic instructions, IPIs, TLB shootdowns, code changed by
 * another CPU. Needs no input and prints the same whatever the interleaving; a hang is a failure, too.
 * Command line: rounds=N (default 300). Last line "smp_hammer: N passed, N failed"; exits with status 1, or 3.
 */
#include "lib/check.h"
#include "lib/smp.h"

enum {
    VECTOR_IPI = 0x40, /* and the sender's number */
    VECTOR_SHOOTDOWN = 0x48,
    VECTOR_STOP = 0x49,
    VECTOR_SPURIOUS = 0xff,

    CR0_WP = 0x10000,
    CR0_PG = 0x80000000,
    CR4_PSE = 0x10,
    PTE_P = 1,
    PTE_RW = 2,
    PTE_PCD = 0x10,
    PTE_PS = 0x80,

    WINDOW = 0x40000000, /* its page is what is remapped */
    CODE_ALIAS = WINDOW + 0x1000,
    FRAMES = 4,
    POISON = 0xdeadbeef,
    CLAIM_BITS = 4096,
};

typedef void (*phase_fn)(unsigned cpu);

static unsigned cpus;
static uint32_t rounds;

void hammer_interrupt(uint32_t vector);
void hammer_exception(uint32_t error, uint32_t eip);

/* ---- barrier: everybody waits for the last ---- */

static volatile uint32_t barrier_count, barrier_turn;

static void barrier(void)
{
    uint32_t turn = barrier_turn;

    if (__sync_add_and_fetch(&barrier_count, 1) == cpus) {
        barrier_count = 0;
        barrier_turn = turn + 1;
        return;
    }
    while (barrier_turn == turn) cpu_pause();
}

/* ---- locks ---- */

struct lock {
    volatile uint32_t word;
    volatile uint32_t next, serving; /* of a ticket lock */
    bool ticket, pause;
};

static struct lock locks[] = {
    {.pause = true}, {.pause = false}, {.ticket = true, .pause = true}, {.ticket = true, .pause = false}};
static struct lock *lock_now;
static volatile uint32_t protected_count, protected_copy, intruders;

static void lock_take(struct lock *lock)
{
    uint32_t ticket;

    if (!lock->ticket) {
        while (__sync_lock_test_and_set(&lock->word, 1)) /* XCHG: locks by itself (SDM 3A, 8.1.2.1) */
            while (lock->word)
                if (lock->pause) cpu_pause();
        return;
    }
    ticket = __sync_fetch_and_add(&lock->next, 1);
    while (lock->serving != ticket)
        if (lock->pause) cpu_pause();
}

static void lock_give(struct lock *lock)
{
    __asm__ volatile("" : : : "memory"); /* a plain store releases: SDM 3A, 8.2.2 */
    if (lock->ticket)
        lock->serving = lock->serving + 1;
    else
        lock->word = 0;
}

static void phase_lock(unsigned cpu)
{
    (void)cpu;
    for (uint32_t i = 0; i < rounds; i++) {
        lock_take(lock_now);
        if (protected_count != protected_copy) __sync_fetch_and_add(&intruders, 1);
        protected_count = protected_count + 1;
        for (unsigned wait = i & 15; wait; wait--) __asm__ volatile("");
        protected_copy = protected_copy + 1;
        lock_give(lock_now);
    }
}

/* ---- atomic instructions ---- */

static volatile uint32_t xadd_count, cmpxchg_count, inc_count, order_errors;
static volatile uint64_t cmpxchg8b_count, ticket_sum;
static volatile uint32_t claims[CLAIM_BITS / 32], claimed;

static void phase_xadd(unsigned cpu)
{
    uint64_t sum = 0;
    uint32_t last = 0;

    (void)cpu;
    for (uint32_t i = 0; i < rounds * 4; i++) {
        uint32_t got = __sync_fetch_and_add(&xadd_count, 1);

        if (i && got <= last) __sync_fetch_and_add(&order_errors, 1);
        last = got;
        sum += got;
    }
    __sync_fetch_and_add(&ticket_sum, sum);
}

static void phase_cmpxchg(unsigned cpu)
{
    (void)cpu;
    for (uint32_t i = 0; i < rounds * 4; i++) {
        uint32_t old = cmpxchg_count;

        while (!__sync_bool_compare_and_swap(&cmpxchg_count, old, old + 1)) old = cmpxchg_count;
        __asm__ volatile("lock incl %0" : "+m"(inc_count));
    }
}

/* Both halves go up by one each time: a torn access would set them apart. */
static void phase_cmpxchg8b(unsigned cpu)
{
    const uint64_t step = 0x100000001;

    (void)cpu;
    for (uint32_t i = 0; i < rounds * 4; i++) {
        uint64_t old = 0, seen;

        while ((seen = __sync_val_compare_and_swap(&cmpxchg8b_count, old, old + step)) != old) {
            if ((uint32_t)seen != (uint32_t)(seen >> 32)) __sync_fetch_and_add(&order_errors, 1);
            old = seen;
        }
    }
}

/* All race to set every bit; each must be won by one. */
static void phase_bts(unsigned cpu)
{
    for (uint32_t i = 0; i < CLAIM_BITS; i++) {
        uint32_t bit = (i + cpu * 7) % CLAIM_BITS;
        uint8_t was;

        __asm__ volatile("lock btsl %2, %1; setc %0" : "=q"(was), "+m"(claims) : "r"(bit) : "memory");
        if (!was) __sync_fetch_and_add(&claimed, 1);
    }
}

/* ---- IPIs ---- */

static volatile uint32_t received[SMP_MOST][SMP_MOST]; /* by receiver, sender */

static void ipi_wait(unsigned to, unsigned from, uint32_t count)
{
    while (received[to][from] != count) cpu_pause();
}

/* To each other by its ID, by its logical ID, to all others, to all: each sent when the one before was counted. */
static void phase_ipi(unsigned cpu)
{
    const uint32_t icr = ICR_FIXED | ICR_ASSERT | (VECTOR_IPI + cpu);
    uint32_t others = 0, self = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        unsigned to = (cpu + 1 + i) % cpus;

        switch (i & 3) {
        case 0: lapic_send(0, icr | ICR_OTHERS); break;
        case 1:
            lapic_send(0, icr | ICR_ALL);
            self++;
            break;
        default:
            for (unsigned n = 0; n < cpus; n++, to = (to + 1) % cpus) {
                if (to == cpu) continue;
                if (i & 1)
                    lapic_send(1u << to, icr | ICR_LOGICAL);
                else
                    lapic_send(smp_apic_id(to), icr);
            }
            lapic_send(0, icr | ICR_SELF);
            self++;
        }
        others++;
        for (unsigned n = 0; n < cpus; n++) ipi_wait(n, cpu, n == cpu ? self : others);
    }
}

static uint32_t ipis_received(void)
{
    uint32_t sum = 0;

    for (unsigned to = 0; to < cpus; to++)
        for (unsigned from = 0; from < cpus; from++) sum += received[to][from];
    return sum;
}

/* To oneself one in four (i & 3 == 0) is missing. */
static uint32_t ipis_expected(void)
{
    return cpus * (rounds * (cpus - 1) + rounds - (rounds + 3) / 4);
}

/* ---- TLB shootdown ---- */

static uint32_t page_directory[1024] __attribute__((aligned(4096)));
static uint32_t window_table[1024] __attribute__((aligned(4096)));
static volatile uint32_t frames[FRAMES][1024] __attribute__((aligned(4096)));
static volatile uint32_t generation, acks, acked[SMP_MOST], stale, poisoned, looks[SMP_MOST], phase_over;
static volatile bool flush_by_cr3;

static void paging_on(void)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(CR4_PSE));
    __asm__ volatile("mov %0, %%cr3" : : "r"(page_directory));
    __asm__ volatile("mov %%cr0, %%eax; or %0, %%eax; mov %%eax, %%cr0"
                     :
                     : "i"(CR0_PG | CR0_WP)
                     : "eax", "memory");
}

static void page_tables_make(void)
{
    for (uint32_t i = 0; i < 1024; i++)
        page_directory[i] = i << 22 | PTE_PS | PTE_RW | PTE_P | (i >= 0x3fb ? PTE_PCD : 0);
    page_directory[WINDOW >> 22] = (uint32_t)window_table | PTE_RW | PTE_P;
}

static void window_flush(void)
{
    uint32_t cr3;

    if (flush_by_cr3)
        __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
    else
        __asm__ volatile("invlpg %0" : : "m"(*(char *)WINDOW) : "memory");
}

static void window_map(uint32_t value)
{
    volatile uint32_t *frame = frames[value % FRAMES];

    frame[0] = value;
    window_table[0] = (uint32_t)frame | PTE_RW | PTE_P;
}

/* What was acknowledged before must be in force in every look after. */
static void window_look(unsigned cpu)
{
    uint32_t least = acked[cpu];
    uint32_t value = *(volatile uint32_t *)WINDOW;

    looks[cpu]++;
    if (value == POISON)
        __sync_fetch_and_add(&poisoned, 1);
    else if (value < least)
        __sync_fetch_and_add(&stale, 1);
}

static void shootdown(unsigned cpu)
{
    uint32_t old = generation;

    flush_by_cr3 = old % 3 == 0;
    acks = 0;
    window_map(old + 1);
    generation = old + 1;
    lapic_send(0, ICR_FIXED | ICR_ASSERT | ICR_OTHERS | VECTOR_SHOOTDOWN);
    window_flush();
    acked[cpu] = old + 1;
    while (acks != cpus - 1) cpu_pause();
    frames[old % FRAMES][0] = POISON;
    window_look(cpu);
}

/* Each in turn is the one that remaps; the others look all the time. */
static void phase_shootdown(unsigned cpu)
{
    for (unsigned master = 0; master < cpus; master++) {
        if (cpu == master) {
            for (uint32_t i = 0; i < rounds; i++) shootdown(cpu);
            phase_over = master + 1;
        } else {
            while (phase_over != master + 1) window_look(cpu);
        }
        barrier();
    }
}

/* ---- code changed by another CPU: the algorithm of SDM 3A, 8.1.3 ---- */

static uint8_t code_page[4096] __attribute__((aligned(4096)));
static volatile uint32_t code_generation, code_release, stopped, wrong_code;

static void code_write(uint8_t *to, uint32_t value)
{
    to[0] = 0xb8; /* MOV EAX, imm32 */
    __builtin_memcpy(to + 1, &value, sizeof value);
    to[5] = 0xc3; /* RET */
}

static void serialise(void)
{
    uint32_t leaf = 0;

    __asm__ volatile("cpuid" : "+a"(leaf) : : "ebx", "ecx", "edx", "memory");
}

static void code_call(void)
{
    uint32_t (*volatile function)(void) = (uint32_t(*)(void))code_page;
    uint32_t least = code_generation, value = function();

    if (value < least) __sync_fetch_and_add(&wrong_code, 1);
}

static void code_change(void)
{
    uint32_t next = code_generation + 1;

    stopped = 0;
    lapic_send(0, ICR_FIXED | ICR_ASSERT | ICR_OTHERS | VECTOR_STOP);
    while (stopped != cpus - 1) cpu_pause();
    code_write(next & 1 ? code_page : (uint8_t *)CODE_ALIAS, next);
    code_generation = next;
    code_release = next;
    serialise();
    code_call();
}

static void phase_code(unsigned cpu)
{
    for (unsigned master = 0; master < cpus; master++) {
        if (cpu == master) {
            for (uint32_t i = 0; i < rounds; i++) code_change();
            phase_over = master + 1;
        } else {
            while (phase_over != master + 1) code_call();
        }
        barrier();
    }
}

/* ---- interrupts ---- */

static void stop_for_code(void)
{
    uint32_t before = code_release;

    __sync_fetch_and_add(&stopped, 1);
    while (code_release == before) cpu_pause();
    serialise();
}

void hammer_interrupt(uint32_t vector)
{
    unsigned cpu = smp_self();

    if (vector == VECTOR_SHOOTDOWN) {
        window_flush();
        acked[cpu] = generation;
        __sync_fetch_and_add(&acks, 1);
    } else if (vector == VECTOR_STOP) {
        stop_for_code();
    } else {
        received[cpu][vector - VECTOR_IPI]++;
    }
    lapic_write(LAPIC_EOI, 0);
}

void hammer_exception(uint32_t error, uint32_t eip)
{
    com_print("FAILED exception on CPU ");
    com_print_number(smp_self());
    com_print(", on its stack ");
    com_print_hex(error, 8);
    com_print(" ");
    com_print_hex(eip, 8);
    com_print("\n");
    outb(0x501, GUEST_FAIL);
}

static struct gate {
    uint16_t offset_low, selector, type, offset_high;
} idt[256];

static void gate_set(unsigned vector, const uint8_t *entry)
{
    uint32_t offset = (uint32_t)entry;

    idt[vector] = (struct gate){(uint16_t)offset, 8, 0x8e00, (uint16_t)(offset >> 16)};
}

static void idt_make(void)
{
    extern const uint8_t hammer_entries[], hammer_spurious[], hammer_fault[];

    for (unsigned i = 0; i < 32; i++) gate_set(i, hammer_fault);
    for (unsigned i = 0; i < 16; i++) gate_set(VECTOR_IPI + i, hammer_entries + 16 * i);
    gate_set(VECTOR_SPURIOUS, hammer_spurious);
}

static void cpu_prepare(void)
{
    const struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } idtr = {sizeof idt - 1, (uint32_t)idt};

    __asm__ volatile("lidt %0" : : "m"(idtr));
    paging_on();
    __asm__ volatile("sti");
}

/* ---- the run: CPU 0 calls a phase, all run it ---- */

static volatile phase_fn phase_now;

static void ap_main(unsigned cpu)
{
    cpu_prepare();
    for (;;) {
        barrier();
        phase_now(cpu);
        barrier();
    }
}

static void run(phase_fn phase)
{
    phase_over = 0;
    phase_now = phase;
    barrier();
    phase(0);
    barrier();
}

static void run_locks(void)
{
    static const char *const names[] = {"lock_spin_pause", "lock_spin_plain", "lock_ticket_pause",
                                        "lock_ticket_plain"};

    for (unsigned i = 0; i < 4; i++) {
        lock_now = &locks[i];
        protected_count = protected_copy = 0;
        run(phase_lock);
        check_equal(names[i], "3A, 8.1.2", cpus * rounds, protected_count);
    }
    check_equal("lock_excludes", "3A, 8.1.2", 0, intruders);
}

static void run_atomics(void)
{
    uint32_t total = cpus * rounds * 4;

    run(phase_xadd);
    check_equal("lock_xadd_total", "3A, 8.1.2.2", total, xadd_count);
    check_true("lock_xadd_each_once", "3A, 8.1.2.2", ticket_sum == (uint64_t)total * (total - 1) / 2);
    run(phase_cmpxchg);
    check_equal("lock_cmpxchg_total", "3A, 8.1.2.2", total, cmpxchg_count);
    check_equal("lock_inc_total", "3A, 8.1.2.2", total, inc_count);
    run(phase_cmpxchg8b);
    check_equal("lock_cmpxchg8b_low", "3A, 8.1.2.2", total, (uint32_t)cmpxchg8b_count);
    check_equal("lock_cmpxchg8b_high", "3A, 8.1.2.2", total, (uint32_t)(cmpxchg8b_count >> 32));
    run(phase_bts);
    check_equal("lock_bts_each_once", "3A, 8.1.2.2", CLAIM_BITS, claimed);
    check_equal("atomics_in_order", "3A, 8.2.3.8", 0, order_errors);
}

static void run_messages(void)
{
    bool looked = true;

    run(phase_ipi);
    check_equal("ipi_all_to_all", "3A, 10.6.1", ipis_expected(), ipis_received());
    window_map(generation);
    run(phase_shootdown);
    for (unsigned i = 0; i < cpus; i++) looked &= looks[i] > 0;
    check_equal("shootdown_count", "3A, 4.10.5", cpus * rounds, generation);
    check_true("shootdown_looked", "3A, 4.10.5", looked);
    check_equal("shootdown_no_stale_page", "3A, 4.10.5", 0, stale);
    check_equal("shootdown_old_page_unused", "3A, 4.10.5", 0, poisoned);
    code_write(code_page, 0);
    window_table[1] = (uint32_t)code_page | PTE_RW | PTE_P;
    run(phase_code);
    check_equal("cross_modified_count", "3A, 8.1.3", cpus * rounds, code_generation);
    check_equal("cross_modified_code", "3A, 8.1.3", 0, wrong_code);
}

uint32_t guest_main(const struct multiboot_info *info)
{
    unsigned count = smp_count();

    rounds = option_number(info, "rounds", 300);
    outb(0x21, 0xff); /* no interrupts from the 8259s */
    outb(0xa1, 0xff);
    page_tables_make();
    idt_make();
    cpus = count ? count : 1;
    com_print("smp_hammer: CPUs ");
    com_print_number(count);
    com_print("\n");
    check_equal("aps_started", "3A, 8.4.4.1", cpus, smp_start(cpus, ap_main));
    cpu_prepare();
    run_locks();
    run_atomics();
    run_messages();
    return check_end("smp_hammer");
}

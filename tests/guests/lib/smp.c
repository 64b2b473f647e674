/* SPDX-License-Identifier: MIT */
/* Finds and starts CPUs: ACPI 2.0, 5.2; MultiProcessor Specification 1.4; SDM 3A, 8.4 and 10.6. */
#include "smp.h"

enum {
    LAPIC_BASE = 0xfee00000,
    SVR_ENABLE = 0x100,
    SPURIOUS_VECTOR = 0xff,

    AP_PAGE = 0x8000, /* where the SIPI starts an AP: vector 8 */
    BIOS_AREA = 0xe0000,
    BIOS_END = 0x100000,
    EBDA_SEGMENT = 0x40e,

    RSDT_POINTER = 16,
    RSDT_ENTRIES = 36,
    MADT_ENTRIES = 44,
    MADT_LAPIC = 0,
    MP_TABLE_POINTER = 4,
    MP_ENTRY_COUNT = 34,
    MP_ENTRIES = 44,
    MP_PROCESSOR = 0,
    MP_PROCESSOR_SIZE = 20,

    PIT_MODE = 0x43,
    PIT_CHANNEL_0 = 0x40,
    PIT_RATE_GENERATOR = 0x34,
};

static uint8_t apic_ids[SMP_MOST];
static uint8_t numbers[256]; /* by APIC ID */
static void (*volatile ap_function)(unsigned);
static volatile uint32_t arrived;

void smp_ap_arrived(unsigned cpu);

/* ---- local APIC ---- */

uint32_t lapic_read(uint32_t reg)
{
    return *(volatile uint32_t *)(LAPIC_BASE + reg);
}

void lapic_write(uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(LAPIC_BASE + reg) = value;
}

void lapic_send(uint32_t destination, uint32_t icr)
{
    while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING) cpu_pause();
    lapic_write(LAPIC_ICR_HIGH, destination << 24);
    lapic_write(LAPIC_ICR_LOW, icr);
}

/* Software enable, and a flat logical ID of one bit per CPU. */
static void lapic_enable(unsigned cpu)
{
    lapic_write(LAPIC_SVR, SVR_ENABLE | SPURIOUS_VECTOR);
    lapic_write(LAPIC_DFR, 0xffffffff);
    lapic_write(LAPIC_LDR, 1u << (24 + cpu));
    apic_ids[cpu] = (uint8_t)(lapic_read(LAPIC_ID) >> 24);
    numbers[apic_ids[cpu]] = (uint8_t)cpu;
}

unsigned smp_self(void)
{
    return numbers[lapic_read(LAPIC_ID) >> 24];
}

uint8_t smp_apic_id(unsigned cpu)
{
    return apic_ids[cpu];
}

/* ---- tables ---- */

static uint32_t get32(uint32_t address)
{
    __asm__("" : "+r"(address)); /* the compiler takes an address this low for a mistake */
    return *(const volatile uint32_t *)address;
}

static bool has_text(uint32_t address, const char *text)
{
    const char *p = (const char *)address;

    while (*text)
        if (*p++ != *text++) return false;
    return true;
}

static uint32_t find_in(uint32_t from, uint32_t to, const char *text)
{
    for (; from < to; from += 16)
        if (has_text(from, text)) return from;
    return 0;
}

/* Both kinds of table are found by a signature on a 16-byte line, in the EBDA's first KiB or the BIOS area. */
static uint32_t find_signature(const char *text)
{
    uint32_t ebda = (get32(EBDA_SEGMENT) & 0xffff) << 4;
    uint32_t found = ebda ? find_in(ebda, ebda + 1024, text) : 0;

    return found ? found : find_in(BIOS_AREA, BIOS_END, text);
}

static uint32_t find_madt(void)
{
    uint32_t rsdp = find_signature("RSD PTR "), rsdt;

    if (!rsdp) return 0;
    rsdt = get32(rsdp + RSDT_POINTER);
    for (uint32_t at = RSDT_ENTRIES; at < get32(rsdt + 4); at += 4)
        if (has_text(get32(rsdt + at), "APIC")) return get32(rsdt + at);
    return 0;
}

static unsigned madt_count(uint32_t madt)
{
    unsigned count = 0;

    for (uint32_t at = MADT_ENTRIES; at < get32(madt + 4);) {
        const uint8_t *entry = (const uint8_t *)madt + at;

        if (entry[1] == 0) break;
        count += entry[0] == MADT_LAPIC && entry[4] & 1;
        at += entry[1];
    }
    return count;
}

static unsigned mp_count(uint32_t table)
{
    unsigned count = 0;
    const uint8_t *entry = (const uint8_t *)table + MP_ENTRIES;

    for (unsigned left = get32(table + MP_ENTRY_COUNT) & 0xffff; left && *entry == MP_PROCESSOR; left--) {
        count += entry[3] & 1;
        entry += MP_PROCESSOR_SIZE;
    }
    return count;
}

unsigned smp_count(void)
{
    uint32_t madt = find_madt(), mp = find_signature("_MP_");
    unsigned count = madt ? madt_count(madt) : mp ? mp_count(get32(mp + MP_TABLE_POINTER)) : 0;

    return count < SMP_MOST ? count : SMP_MOST;
}

/* ---- start ---- */

static uint16_t pit_now(void)
{
    uint8_t low;

    outb(PIT_MODE, 0); /* latch channel 0 */
    low = inb(PIT_CHANNEL_0);
    return (uint16_t)(low | inb(PIT_CHANNEL_0) << 8);
}

void delay_us(uint32_t us)
{
    uint32_t ticks = us + us / 5, passed = 0; /* 1.193182 MHz, rounded up */
    uint16_t last, now;

    outb(PIT_MODE, PIT_RATE_GENERATOR);
    outb(PIT_CHANNEL_0, 0);
    outb(PIT_CHANNEL_0, 0);
    for (last = pit_now(); passed < ticks; last = now) {
        now = pit_now();
        passed += (uint16_t)(last - now);
    }
}

/* Where ap_start.S arrives. */
void smp_ap_arrived(unsigned cpu)
{
    lapic_enable(cpu);
    __sync_fetch_and_add(&arrived, 1);
    ap_function(cpu);
    for (;;) __asm__ volatile("cli; hlt");
}

unsigned smp_start(unsigned cpus, void (*ap_main)(unsigned cpu))
{
    extern const uint8_t ap_begin[], ap_end[];

    ap_function = ap_main;
    __builtin_memcpy((void *)AP_PAGE, ap_begin, (size_t)(ap_end - ap_begin));
    lapic_enable(0);
    if (cpus < 2) return 1;
    lapic_send(0, ICR_OTHERS | ICR_ASSERT | ICR_INIT);
    delay_us(10000);
    for (unsigned tries = 0; tries < 2; tries++) {
        lapic_send(0, ICR_OTHERS | ICR_ASSERT | ICR_STARTUP | AP_PAGE >> 12);
        delay_us(200);
    }
    for (unsigned waits = 0; waits < 1000 && arrived < cpus - 1; waits++) delay_us(1000);
    return 1 + arrived;
}

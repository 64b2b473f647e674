/* SPDX-License-Identifier: MIT */
/* Rows of bench_peers.c: privilege changes, ports, devices in memory, paging. */
#include "bench_peers.h"

enum {
    KERNEL_CODE = 8,
    KERNEL_DATA = 0x10,
    USER_CODE = 0x1b,
    USER_DATA = 0x23,
    TSS = 0x28,
    PAGE_FAULT = 14,
    SYSTEM_CALL = 0x80,
    BACK = 0x81,
    PAGE = 4096,
    MAPPED_TABLES = 4, /* 16 MiB */
    TOUCHED = 64,
};

/* ---- descriptor tables ---- */

static uint32_t tss[26];
static uint64_t gdt[6], idt[BACK + 1];
uint8_t user_stack[4096] __attribute__((used));
struct __attribute__((packed)) table {
    uint16_t limit;
    uint32_t base;
};

/* SDM 3A, 6.11: an interrupt gate. */
static void gate_set(unsigned vector, void (*entry)(void), unsigned level)
{
    uint32_t at = (uint32_t)entry;
    idt[vector] = (uint64_t)(at & 0xffff0000u) << 32 | (uint64_t)(0x8e00u | level << 13) << 32 |
                  KERNEL_CODE << 16 | (at & 0xffff);
}

extern void system_call(void), back(void), page_fault(void);
__asm__("system_call:\n"
        "   incl %eax\n"
        "   iret\n"
        "back:\n" /* to where user_calls began, with its stack */
        "   movl $0x10, %ecx\n"
        "   movl %ecx, %ds\n"
        "   movl %ecx, %es\n"
        "   movl user_return, %esp\n"
        "   popal\n"
        "   ret\n"
        "page_fault:\n" /* makes the page present again */
        "   pushl %eax\n"
        "   movl fault_entry, %eax\n"
        "   orl $1, (%eax)\n"
        "   incl fault_count\n"
        "   popl %eax\n"
        "   addl $4, %esp\n"
        "   iret\n");
uint32_t user_return, user_count, fault_count;
volatile uint32_t *fault_entry;

static void tables_load(void)
{
    uint32_t base = (uint32_t)tss;
    const uint64_t flat[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff,
                             0x00cff3000000ffff};
    for (unsigned i = 0; i < 5; i++) gdt[i] = flat[i];
    gdt[5] = (uint64_t)(base >> 24) << 56 | UINT64_C(0x89) << 40 | (uint64_t)(base & 0xffffff) << 16 |
             (sizeof tss - 1);
    gate_set(SYSTEM_CALL, system_call, 3);
    gate_set(BACK, back, 3);
    gate_set(PAGE_FAULT, page_fault, 0);
    struct table gdtr = {sizeof gdt - 1, (uint32_t)gdt}, idtr = {sizeof idt - 1, (uint32_t)idt};
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(TSS) : "memory");
}

/* ---- int 80h ---- */

/* In ring 3: `times` system calls, each of which counts in EAX; then vector 81h to come back. */
extern void user_calls(uint32_t times);
__asm__("user_calls:\n"
        "   movl 4(%esp), %ecx\n"
        "   pushal\n"
        "   movl %esp, user_return\n"
        "   movl $0x23, %eax\n"
        "   movl %eax, %ds\n"
        "   movl %eax, %es\n"
        "   pushl %eax\n"
        "   pushl $user_stack + 4096\n"
        "   pushl $2\n"
        "   pushl $0x1b\n"
        "   pushl $1f\n"
        "   xorl %eax, %eax\n"
        "   iret\n"
        "1: int $0x80\n"
        "   decl %ecx\n"
        "   jnz 1b\n"
        "   movl %eax, user_count\n"
        "   int $0x81\n");

bool row_int80(uint32_t times)
{
    static uint8_t inner_stack[4096];
    tables_load();
    tss[1] = (uint32_t)inner_stack + sizeof inner_stack; /* ESP0, SS0 */
    tss[2] = KERNEL_DATA;
    user_calls(times);
    return user_count == times;
}

/* ---- ports and devices ---- */

/* The mask register of the second 8259 reads as it was written. */
bool row_ports(uint32_t times)
{
    bool good = true;
    for (uint32_t i = 0; i < times; i++) {
        outb(0xa1, (uint8_t)i);
        good &= inb(0xa1) == (uint8_t)i;
    }
    return good;
}

/* The frame buffer, which in text mode goes through the adapter (odd/even addressing). */
bool row_vga(uint32_t times)
{
    const volatile uint8_t *screen = (const volatile uint8_t *)0xb8000;
    uint8_t first = *screen;
    bool good = true;
    while (times--) good &= *screen == first;
    return good;
}

/* Its version register. */
bool row_apic(uint32_t times)
{
    const volatile uint32_t *version = (const volatile uint32_t *)0xfee00030;
    uint32_t first = *version;
    bool good = (first & 0xf0) == 0x10;
    while (times--) good &= *version == first;
    return good;
}

/* ---- paging ---- */

static uint32_t directory[PAGE / 4] __attribute__((aligned(PAGE)));
static uint32_t page_tables[MAPPED_TABLES * PAGE / 4] __attribute__((aligned(PAGE)));
static volatile uint8_t *const pages = (volatile uint8_t *)0x00c00000;

static void paging_on(void)
{
    for (uint32_t i = 0; i < MAPPED_TABLES * PAGE / 4; i++) page_tables[i] = i * PAGE | 3;
    for (uint32_t i = 0; i < MAPPED_TABLES; i++) directory[i] = (uint32_t)(page_tables + i * PAGE / 4) | 3;
    __asm__ volatile("movl %0, %%cr3\n"
                     "movl %%cr0, %%eax\n"
                     "orl $0x80000000, %%eax\n"
                     "movl %%eax, %%cr0\n"
                     "jmp 1f\n"
                     "1:"
                     :
                     : "r"(directory)
                     : "eax", "memory");
}

static void paging_off(void)
{
    __asm__ volatile("movl %%cr0, %%eax; andl $0x7fffffff, %%eax; movl %%eax, %%cr0; jmp 1f; 1:"
                     :
                     :
                     : "eax", "memory");
}

bool row_cr3(uint32_t times)
{
    uint32_t sum = 0, touches = times * TOUCHED;
    for (uint32_t page = 0; page < TOUCHED; page++) pages[page * PAGE] = 1;
    paging_on();
    while (times--) {
        __asm__ volatile("movl %0, %%cr3" : : "r"(directory) : "memory");
        for (uint32_t page = 0; page < TOUCHED; page++) sum += pages[page * PAGE];
    }
    paging_off();
    return sum == touches;
}

/* A page goes away; a read finds that out; the handler brings it back. */
bool row_fault(uint32_t times)
{
    uint32_t number = (uint32_t)pages / PAGE, sum = 0;
    tables_load();
    fault_count = 0;
    fault_entry = &page_tables[number];
    *pages = 1;
    paging_on();
    for (uint32_t i = 0; i < times; i++) {
        *fault_entry &= ~1u;
        __asm__ volatile("invlpg %0" : : "m"(*pages) : "memory");
        sum += *pages;
    }
    paging_off();
    return sum == times && fault_count == times;
}

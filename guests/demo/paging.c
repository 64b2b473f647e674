/* SPDX-License-Identifier: MIT */
/* 32-bit paging with 4 KiB and 4 MiB pages: Intel SDM volume 3, section 4.3. */
#include "paging.h"
#include "console.h"
#include "interrupts.h"
#include "lib.h"
#include "power.h"

enum {
    PRESENT = 1 << 0,
    WRITABLE = 1 << 1,
    CACHE_DISABLE = 1 << 4,
    LARGE = 1 << 7, /* in a page directory entry: maps 4 MiB itself */

    ENTRIES = 1024,
    LARGE_PAGE_SIZE = 0x400000,
    LARGE_PAGES_END = 0x1000000,

    VIDEO_MEMORY = 0xa0000, /* up to ... */
    ROM_MEMORY = 0xc0000,

    CR0_WRITE_PROTECT = 1 << 16, /* read-only pages are read-only for ring 0 as well */
    CR4_PAGE_SIZE_EXTENSION = 1 << 4,
    CPUID_PAGE_SIZE_EXTENSION = 1 << 3,
};

#define CR0_PAGING   0x80000000u
#define ADDRESS_MASK 0xfffff000u

extern const uint8_t text_start[], read_only_end[];

static uint32_t directory[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static uint32_t low_table[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static uint32_t window_table[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

static uint32_t low_page_flags(uint32_t address)
{
    if (address == 0) return 0;
    if (address >= (uint32_t)text_start && address < (uint32_t)read_only_end) return PRESENT;
    if (address >= VIDEO_MEMORY && address < ROM_MEMORY) return PRESENT | WRITABLE | CACHE_DISABLE;
    return PRESENT | WRITABLE;
}

/* Neighbours in the window are far apart in the arena: 29 has no factor in common with the number of its
 * pages. */
static uint32_t window_page_address(uint32_t page)
{
    return ARENA_ADDRESS + (page * 29 + 5) % (ARENA_SIZE / PAGE_SIZE) * PAGE_SIZE;
}

static void tables_fill(void)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint32_t flags = low_page_flags(i * PAGE_SIZE);

        low_table[i] = flags ? i * PAGE_SIZE | flags : 0;
    }
    for (uint32_t i = 0; i < WINDOW_SIZE / PAGE_SIZE; i++)
        window_table[i] = window_page_address(i) | PRESENT | WRITABLE;

    directory[0] = (uint32_t)low_table | PRESENT | WRITABLE;
    for (uint32_t a = LARGE_PAGE_SIZE; a < LARGE_PAGES_END; a += LARGE_PAGE_SIZE)
        directory[a / LARGE_PAGE_SIZE] = a | PRESENT | WRITABLE | LARGE;
    directory[WINDOW_ADDRESS / LARGE_PAGE_SIZE] = (uint32_t)window_table | PRESENT | WRITABLE;
}

static bool cpu_has_large_pages(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return edx & CPUID_PAGE_SIZE_EXTENSION;
}

void paging_init(void)
{
    uint32_t cr0, cr4;

    if (!cpu_has_large_pages()) fail("the processor has no 4 MiB pages");
    tables_fill();
    __asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("movl %0, %%cr4" : : "r"(cr4 | CR4_PAGE_SIZE_EXTENSION));
    __asm__ volatile("movl %0, %%cr3" : : "r"(directory) : "memory");
    __asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movl %0, %%cr0" : : "r"(cr0 | CR0_PAGING | CR0_WRITE_PROTECT) : "memory");
}

uint32_t paging_physical(uint32_t address)
{
    uint32_t entry = directory[address / LARGE_PAGE_SIZE];
    uint32_t inside = LARGE_PAGE_SIZE - 1;

    if (entry & PRESENT && !(entry & LARGE)) {
        entry = ((uint32_t *)(entry & ADDRESS_MASK))[address / PAGE_SIZE % ENTRIES];
        inside = PAGE_SIZE - 1;
    }
    if (!(entry & PRESENT)) fail("address %08x is not mapped", address);
    return (entry & ADDRESS_MASK & ~inside) | (address & inside);
}

static void expect(struct fault f, const char *what, uint32_t address, uint32_t error)
{
    if (!f.happened) fail("%s at %08x: no fault", what, address);
    if (f.vector != 14 || f.error != error || f.address != address)
        fail("%s at %08x: vector %u, error code %x, address %08x", what, address, f.vector, f.error,
             f.address);
}

void paging_check(void)
{
    uint32_t text = (uint32_t)text_start;
    volatile uint32_t *window = (volatile uint32_t *)WINDOW_ADDRESS;

    expect(fault_try_read(4), "null pointer", 4, 0);
    expect(fault_try_write(text), "write to the kernel's text", text, 3);
    expect(fault_try_write(LARGE_PAGES_END), "write past the mapped memory", LARGE_PAGES_END, 2);
    if (fault_try_read(text).happened) fail("the kernel's text can not be read");

    for (uint32_t i = 0; i < WINDOW_SIZE / PAGE_SIZE; i++) window[i * PAGE_SIZE / 4] = i ^ 0x5a5a5a5a;
    for (uint32_t i = 0; i < WINDOW_SIZE / PAGE_SIZE; i++)
        if (*(volatile uint32_t *)window_page_address(i) != (i ^ 0x5a5a5a5a))
            fail("window page %u is not there", i);
    print("paging: 4 KiB pages below 4 MiB, 4 MiB pages up to 16 MiB\n");
    print("paging: a window of %u strewn pages; page faults as expected\n", WINDOW_SIZE / PAGE_SIZE);
}

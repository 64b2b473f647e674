/* SPDX-License-Identifier: MIT */
/*
 * Benchmark guest for tests/bench/bench-peers.sh: the same disk image runs in Vitrine and in other emulators. Which row it
 * runs is written into the image, at byte PEERS_NAME_OFFSET of the kernel, with a NUL at its end. The row `empty`
 * does nothing, so that the cost of starting can be measured alone.
 *
 * Prints on port E9h what was done: `row good OPERATIONS`, or `row bad`. Then ends the emulator: isa-debug-exit at 501h
 * (Vitrine, QEMU), or the word Shutdown to port 8900h (bochs).
 */
#include "bench_peers.h"

extern void start(void);

enum { IMAGE_BYTES = 32768, IMAGE_START = 0x100000, SHUTDOWN_PORT = 0x8900, DEBUG_PORT = 0xe9 };

/* Follows the Multiboot header: two words for the demo's boot sector (guests/demo/boot.S), then the name of the row at
 * byte 20. The disk is zeros behind the kernel, so that reading too much clears the bss. */
static const struct {
    uint32_t image_end;
    void (*entry)(void);
    char name[44];
} head __attribute__((section(".multiboot"), used, aligned(4))) = {IMAGE_START + IMAGE_BYTES, start, ""};

struct row {
    const char *name;
    bool (*run)(uint32_t times);
    uint32_t times,
        each; /* how often, and how many operations each is for the report; 0: time is all that counts */
};

static bool row_empty(uint32_t times)
{
    return times == 0;
}

static const struct row rows[] = {
    {"empty", row_empty, 0, 0},
    {"sieve", row_sieve, 24, 0},
    {"crc32", row_crc32, 24, 0},
    {"quicksort", row_quicksort, 8, 0},
    {"arith64", row_arith64, 4000000, 0},
    {"branch", row_branch, 3000000, 0},
    {"calls", row_calls, 24, 0},
    {"movs", row_movs, 1000, 1},
    {"far-copy", row_far_copy, 80, 1 << 18},
    {"int80", row_int80, 2000000, 1},
    {"ports", row_ports, 10000000, 2},
    {"vga", row_vga, 10000000, 1},
    {"apic", row_apic, 20000000, 1},
    {"cr3", row_cr3, 200000, 1},
    {"fault", row_fault, 1000000, 1},
    {"x87", row_x87, 2000000, 9},
    {"x87-sin", row_x87_sin, 8000000, 1},
};

static bool same(const volatile char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

static void print(const char *text)
{
    while (*text) outb(DEBUG_PORT, (uint8_t)*text++);
}

static void print_number(uint32_t value)
{
    char digits[11], *at = digits + sizeof digits - 1;
    *at = 0;
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
    print(at);
}

static bool run(const struct row *row)
{
    bool good = row->run(row->times);
    print(row->name);
    print(good ? " good " : " bad ");
    print_number(row->times * row->each);
    print("\n");
    return good;
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t result = GUEST_PASS;
    (void)info;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (same(head.name, rows[i].name) && !run(&rows[i])) result = GUEST_FAIL;
    for (const char *word = "Shutdown"; *word; word++) outb(SHUTDOWN_PORT, (uint8_t)*word);
    return result;
}

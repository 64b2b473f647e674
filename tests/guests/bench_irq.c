/* SPDX-License-Identifier: MIT */
/*
 * Benchmark guest, interrupts and ports: waits with HLT for timer interrupts at 10 kHz, goes through software
 * interrupts, and accesses I/O ports.  Prints nothing; exits with status 1.
 * Command line: ticks=N (default 2000), calls=N (default 500000), ports=N (default 500000).
 */
#include "lib/runtime.h"

enum { PIT_HZ = 1193182, TIMER_HZ = 10000 };

static void wait_ticks(uint32_t ticks)
{
    uint16_t divisor = PIT_HZ / TIMER_HZ;

    outb(0x43, 0x34); /* channel 0, low then high byte, mode 2 */
    outb(0x40, (uint8_t)divisor);
    outb(0x40, (uint8_t)(divisor >> 8));
    while (timer_count < ticks) interrupts_wait();
}

static uint32_t system_calls(uint32_t calls)
{
    uint32_t count = 0;

    while (calls--) __asm__ volatile("int $0x80" : "+a"(count));
    return count;
}

/* An 8259's mask register: reading it back must give what was written. */
static bool port_accesses(uint32_t accesses)
{
    bool good = true;

    for (uint32_t i = 0; i < accesses; i++) {
        outb(0xa1, (uint8_t)i);
        good &= inb(0xa1) == (uint8_t)i;
    }
    return good;
}

uint32_t guest_main(const struct multiboot_info *info)
{
    uint32_t calls = option_number(info, "calls", 500000);
    bool good;

    interrupts_init(1 << 0);
    wait_ticks(option_number(info, "ticks", 2000));
    good = system_calls(calls) == calls;
    good &= port_accesses(option_number(info, "ports", 500000));
    return good ? GUEST_PASS : GUEST_FAIL;
}

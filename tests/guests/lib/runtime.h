/* SPDX-License-Identifier: MIT */
/*
 * What the 32-bit test guests share.  A guest defines guest_main(); its result is the value written to
 * isa-debug-exit, so that the emulator's exit status is twice that plus one.
 */
#ifndef GUEST_RUNTIME_H
#define GUEST_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct multiboot_info; /* Multiboot Specification 0.6.96, section 3.3 */

enum { GUEST_PASS = 0, GUEST_FAIL = 1 };

uint32_t guest_main(const struct multiboot_info *info);

/* The number after `name=` in the command line, or `otherwise`. */
uint32_t option_number(const struct multiboot_info *info, const char *name, uint32_t otherwise);

/* Printing on COM1, polled: a string, a number in decimal, or in hexadecimal with so many digits. */
void com_print(const char *text);
void com_print_number(uint32_t value);
void com_print_hex(uint32_t value, unsigned digits);

/*
 * Interrupts: loads an IDT with the gates of start.S (vector 32: IRQ 0, vector 46: IRQ 14, vector 128: adds
 * one to EAX) and moves the 8259s to 32 and 40, with every line masked but those in `irq_mask` (bit n: IRQ
 * n).
 */
void interrupts_init(uint16_t irq_mask);
extern volatile uint32_t timer_count, disk_count;

/* Sleeps until an interrupt was handled; interrupts must be off before and are off after. */
static inline void interrupts_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* xorshift32; *state must not be 0. */
static inline uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t v;

    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

#endif

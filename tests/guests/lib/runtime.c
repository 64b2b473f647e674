/* SPDX-License-Identifier: MIT */
/* The shared part of the 32-bit test guests: command line, COM1, interrupts. */
#include "runtime.h"

enum {
    INFO_CMDLINE = 1 << 2, /* multiboot_info.flags: the word at offset 16 is the command line's address */
    INFO_CMDLINE_INDEX = 4,

    COM1 = 0x3f8,
    COM1_LINE_CONTROL = COM1 + 3,
    COM1_LINE_STATUS = COM1 + 5,
    EIGHT_BITS = 0x03,
    TRANSMITTER_EMPTY = 0x20,
};

volatile uint32_t timer_count, disk_count;

/* The compiler may call these by itself. */

void *memset(void *to, int byte, size_t size)
{
    uint8_t *p = to;

    while (size--) *p++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *p = to;
    const uint8_t *q = from;

    while (size--) *p++ = *q++;
    return to;
}

/* What follows `name=` in a word of the line, or NULL. */
static const char *option_value(const char *line, const char *name)
{
    while (*line) {
        const char *n = name;

        while (*line == ' ') line++;
        while (*n && *line == *n) line++, n++;
        if (*n == 0 && *line == '=') return line + 1;
        while (*line && *line != ' ') line++;
    }
    return NULL;
}

uint32_t option_number(const struct multiboot_info *info, const char *name, uint32_t otherwise)
{
    const uint32_t *words = (const uint32_t *)info;
    const char *text = NULL;
    uint32_t value = 0;

    if (words[0] & INFO_CMDLINE) text = option_value((const char *)words[INFO_CMDLINE_INDEX], name);
    if (!text) return otherwise;
    for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (uint32_t)(*text - '0');
    return value;
}

static void com_put(char c)
{
    while (!(inb(COM1_LINE_STATUS) & TRANSMITTER_EMPTY)) {
    }
    outb(COM1, (uint8_t)c);
}

void com_print(const char *text)
{
    outb(COM1_LINE_CONTROL, EIGHT_BITS);
    for (; *text; text++) {
        if (*text == '\n') com_put('\r');
        com_put(*text);
    }
}

void com_print_number(uint32_t value)
{
    char digits[10];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n) com_put(digits[--n]);
}

void com_print_hex(uint32_t value, unsigned digits)
{
    while (digits--) com_put("0123456789abcdef"[value >> 4 * digits & 15]);
}

static struct gate {
    uint16_t offset_low, selector, type, offset_high;
} idt[129];

static void gate_set(unsigned vector, void (*entry)(void))
{
    idt[vector] = (struct gate){(uint16_t)(uint32_t)entry, 8, 0x8e00, (uint16_t)((uint32_t)entry >> 16)};
}

void interrupts_init(uint16_t irq_mask)
{
    extern void timer_entry(void), disk_entry(void), system_call_entry(void);
    struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } idtr = {sizeof idt - 1, (uint32_t)idt};
    uint16_t lines = irq_mask >> 8 ? irq_mask | 4 : irq_mask; /* the slave comes in by line 2 */

    gate_set(32, timer_entry);
    gate_set(46, disk_entry);
    gate_set(128, system_call_entry);
    __asm__ volatile("lidt %0" : : "m"(idtr));
    outb(0x20, 0x11); /* ICW1 to ICW4: edge-triggered, cascaded on line 2, 8086 */
    outb(0xa0, 0x11);
    outb(0x21, 32);
    outb(0xa1, 40);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, (uint8_t)~lines);
    outb(0xa1, (uint8_t)(~lines >> 8));
}

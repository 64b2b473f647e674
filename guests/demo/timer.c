/* SPDX-License-Identifier: MIT */
/* The 8254 interval timer.  Its three channels count down at 1193182 Hz. */
#include "timer.h"
#include "interrupts.h"
#include "io.h"

enum {
    PIT_CHANNEL_0 = 0x40,
    PIT_CHANNEL_2 = 0x42,
    PIT_CONTROL = 0x43,
    PIT_HZ = 1193182,

    CHANNEL_0_RATE = 0x34,     /* channel 0, low then high byte, mode 2: a pulse every N counts */
    CHANNEL_2_ONE_SHOT = 0xb0, /* channel 2, low then high byte, mode 0: output rises after N counts */

    PORT_B = 0x61, /* system control port B */
    PORT_B_GATE_2 = 1 << 0,
    PORT_B_SPEAKER = 1 << 1,
    PORT_B_OUTPUT_2 = 1 << 5,
};

static volatile uint32_t ticks;

static void timer_interrupt(void)
{
    ticks++;
}

void timer_init(void)
{
    uint16_t divisor = PIT_HZ / TIMER_HZ;

    outb(PIT_CONTROL, CHANNEL_0_RATE);
    outb(PIT_CHANNEL_0, (uint8_t)divisor);
    outb(PIT_CHANNEL_0, (uint8_t)(divisor >> 8));
    interrupts_set_irq(0, timer_interrupt);
}

uint32_t timer_ticks(void)
{
    return ticks;
}

/* Counts ticks while channel 2 runs down 50 ms. */
static uint32_t ticks_in_50_ms(void)
{
    uint16_t count = PIT_HZ / 20;
    uint8_t port_b = inb(PORT_B) & ~(PORT_B_GATE_2 | PORT_B_SPEAKER) & 0x0f;
    uint32_t start;

    outb(PORT_B, port_b);
    outb(PIT_CONTROL, CHANNEL_2_ONE_SHOT);
    outb(PIT_CHANNEL_2, (uint8_t)count);
    outb(PIT_CHANNEL_2, (uint8_t)(count >> 8));
    start = ticks;
    outb(PORT_B, port_b | PORT_B_GATE_2);
    for (unsigned i = 0; i < 10000000 && !(inb(PORT_B) & PORT_B_OUTPUT_2); i++) {
    }
    outb(PORT_B, port_b);
    return ticks - start;
}

bool timer_check(void)
{
    bool good = false;

    interrupts_on();
    /* Several attempts: an emulator that follows the host's clock can lose ticks when the host is busy. */
    for (int i = 0; i < 10 && !good; i++) {
        uint32_t n = ticks_in_50_ms();

        good = n >= 4 && n <= 6;
    }
    interrupts_off();
    return good;
}

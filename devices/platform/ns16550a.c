/* SPDX-License-Identifier: MIT */
/* 16550A UART. National Semiconductor PC16550D data sheet; section numbers below are its. */
#include "devices/platform/ns16550a.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

#define FIFO_SIZE  16
#define CRYSTAL_HZ 1843200
#define PORTS      8

enum reg { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

enum { IER_RX = 0x01, IER_THRE = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08, IER_ALL = 0x0f };
enum iir {
    IIR_MODEM = 0x00,
    IIR_NONE = 0x01,
    IIR_THRE = 0x02,
    IIR_RX = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0,
};
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04 };
enum { LCR_LENGTH = 0x03, LCR_STOP = 0x04, LCR_PARITY = 0x08, LCR_DLAB = 0x80 };
enum { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10, MCR_ALL = 0x1f };
enum { LSR_DR = 0x01, LSR_OE = 0x02, LSR_ERRORS = 0x1e, LSR_THRE = 0x20, LSR_TEMT = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80, MSR_LINES = 0xf0 };
enum { MSR_TERI = 0x04 };

#define MSR_CONNECTED (MSR_CTS | MSR_DSR | MSR_DCD)
#define DIVISOR_AT_ON 12
#define TIMEOUT_CHARS 4

static const uint8_t trigger_level[4] = {1, 4, 8, 14};

struct fifo {
    uint8_t data[FIFO_SIZE];
    uint8_t head;
    uint8_t count;
};

struct ns16550a_state {
    uint16_t divisor;
    uint8_t ier;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t scr;
    uint8_t fcr;         /* FCR_ENABLE and the trigger level */
    uint8_t line_errors; /* bits 4:1 of LSR */
    uint8_t modem;       /* levels and deltas, as MSR reads */
    bool timeout;        /* receive FIFO has waited for four characters */
    bool thre_event;     /* THR became empty and nobody has been told */
    bool shifting;       /* the transmitter shift register is busy */
    uint8_t shift;       /* what it holds */
    struct fifo rx, tx;  /* with FIFOs off they hold one byte: RBR and THR */
};

struct ns16550a {
    struct device device;
    struct ns16550a_state state;
    struct clock *clock;
    struct irq_line irq;
    struct chardev *chardev;
    struct region *region;
    bool instant_transmit, out2_ignored;
    struct clock_event rx_event, tx_event, timeout_event;
    char event_names[3][24];
};

static const struct state_field fifo_fields[] = {
    STATE_FIELD(struct fifo, data),
    STATE_FIELD(struct fifo, head),
    STATE_FIELD(struct fifo, count),
    STATE_END,
};
static const struct state_field uart_fields[] = {
    STATE_FIELD(struct ns16550a_state, divisor),
    STATE_FIELD(struct ns16550a_state, ier),
    STATE_FIELD(struct ns16550a_state, lcr),
    STATE_FIELD(struct ns16550a_state, mcr),
    STATE_FIELD(struct ns16550a_state, scr),
    STATE_FIELD(struct ns16550a_state, fcr),
    STATE_FIELD(struct ns16550a_state, line_errors),
    STATE_FIELD(struct ns16550a_state, modem),
    STATE_FIELD(struct ns16550a_state, timeout),
    STATE_FIELD(struct ns16550a_state, thre_event),
    STATE_FIELD(struct ns16550a_state, shifting),
    STATE_FIELD(struct ns16550a_state, shift),
    STATE_STRUCT_FIELD(struct ns16550a_state, rx, fifo_fields),
    STATE_STRUCT_FIELD(struct ns16550a_state, tx, fifo_fields),
    STATE_END,
};
static const struct state_table uart_table = {"ns16550a", 1, sizeof(struct ns16550a_state), uart_fields};

TRACE_EVENT(trace_read, "uart.read", "uart:s register:u value:x");
TRACE_EVENT(trace_write, "uart.write", "uart:s register:u value:x");
TRACE_EVENT(trace_receive, "uart.receive", "uart:s byte:x");
TRACE_EVENT(trace_irq, "uart.irq", "uart:s level:u iir:x");

/* FIFOs. */

static void fifo_push(struct fifo *fifo, uint8_t byte)
{
    fifo->data[(fifo->head + fifo->count++) % FIFO_SIZE] = byte;
}

static uint8_t fifo_pop(struct fifo *fifo)
{
    uint8_t byte = fifo->data[fifo->head];
    fifo->head = (fifo->head + 1) % FIFO_SIZE;
    fifo->count--;
    return byte;
}

static bool uart_fifos_on(const struct ns16550a *uart)
{
    return uart->state.fcr & FCR_ENABLE;
}

static unsigned uart_capacity(const struct ns16550a *uart)
{
    return uart_fifos_on(uart) ? FIFO_SIZE : 1;
}

static bool uart_loops(const struct ns16550a *uart)
{
    return uart->state.mcr & MCR_LOOP;
}

/* Start bit, data, parity, stop bits; in halves of a bit, as 5-bit characters may end with 1.5 stop bits (8.1). */
static vtime uart_char_time(const struct ns16550a *uart)
{
    const struct ns16550a_state *s = &uart->state;
    unsigned length = 5 + (s->lcr & LCR_LENGTH);
    unsigned stop_halves = !(s->lcr & LCR_STOP) ? 2 : length == 5 ? 3 : 4;
    unsigned halves = 2 + 2 * length + (s->lcr & LCR_PARITY ? 2 : 0) + stop_halves;
    unsigned divisor = s->divisor ? s->divisor : 1;
    return VTIME_S * 8 * divisor * halves / CRYSTAL_HZ;
}

/* Interrupts (8.6, table III): the reason of the highest priority. */

static bool uart_rx_reached_trigger(const struct ns16550a *uart)
{
    const struct ns16550a_state *s = &uart->state;
    return s->rx.count >= (uart_fifos_on(uart) ? trigger_level[s->fcr >> 6] : 1);
}

static enum iir uart_reason(const struct ns16550a *uart)
{
    const struct ns16550a_state *s = &uart->state;
    if (s->ier & IER_LINE && s->line_errors) return IIR_LINE;
    if (s->ier & IER_RX && uart_rx_reached_trigger(uart)) return IIR_RX;
    if (s->ier & IER_RX && s->timeout) return IIR_TIMEOUT;
    if (s->ier & IER_THRE && s->thre_event) return IIR_THRE;
    if (s->ier & IER_MODEM && s->modem & ~MSR_LINES) return IIR_MODEM;
    return IIR_NONE;
}

/* In loopback the OUT2 pin is forced off, and the interrupt with it (8.7). */
static void uart_update_irq(struct ns16550a *uart)
{
    enum iir reason = uart_reason(uart);
    bool gate = (uart->state.mcr & MCR_OUT2 || uart->out2_ignored) && !uart_loops(uart);
    if (trace_on(&trace_irq))
        trace_emit(&trace_irq, uart->clock, uart->device.name, (uint64_t)(reason != IIR_NONE && gate),
                   (uint64_t)reason);
    irq_set(&uart->irq, reason != IIR_NONE && gate);
    if (gate && !(uart->state.mcr & MCR_OUT2) && reason == IIR_RX)
        lint(uart->device.name, "IBM PC asynchronous adapter",
             "receives by interrupt with OUT2 (MCR bit 3) clear: on a real PC the interrupt never comes");
}

/* Receiver. */

static bool uart_can_receive(const struct ns16550a *uart)
{
    return uart->chardev && !uart_loops(uart) && uart->state.rx.count < uart_capacity(uart);
}

/* The next character of the line is on its way as soon as there is room for it. */
static void uart_expect_input(struct ns16550a *uart)
{
    if (!uart_can_receive(uart) || clock_event_pending(&uart->rx_event)) return;
    if (chardev_pending(uart->chardev)) clock_event_in(&uart->rx_event, uart_char_time(uart));
}

/* Time-out: characters wait and none has come or gone for four character times (8.5). */
static void uart_restart_timeout(struct ns16550a *uart)
{
    uart->state.timeout = false;
    if (uart_fifos_on(uart) && uart->state.rx.count)
        clock_event_in(&uart->timeout_event, TIMEOUT_CHARS * uart_char_time(uart));
    else
        clock_event_cancel(&uart->timeout_event);
}

static void uart_timeout_event(void *owner)
{
    struct ns16550a *uart = owner;
    uart->state.timeout = true;
    uart_update_irq(uart);
}

/* On overrun a single RBR keeps the new character, a FIFO the old ones (8.4, bit 1). */
static void uart_receive(struct ns16550a *uart, uint8_t byte)
{
    struct ns16550a_state *s = &uart->state;
    if (trace_on(&trace_receive)) trace_emit(&trace_receive, uart->clock, uart->device.name, (uint64_t)byte);
    if (s->rx.count >= uart_capacity(uart)) {
        s->line_errors |= LSR_OE;
        if (!uart_fifos_on(uart)) s->rx.data[s->rx.head] = byte;
    } else {
        fifo_push(&s->rx, byte);
        uart_restart_timeout(uart);
    }
    uart_update_irq(uart);
}

static void uart_rx_event(void *owner)
{
    struct ns16550a *uart = owner;
    uint8_t byte;
    if (uart_can_receive(uart) && chardev_read(uart->chardev, &byte, 1)) uart_receive(uart, byte);
    uart_expect_input(uart);
}

static void uart_input_ready(void *device)
{
    uart_expect_input(device);
}

static uint8_t uart_read_rbr(struct ns16550a *uart)
{
    struct ns16550a_state *s = &uart->state;
    if (!s->rx.count) return 0;
    uint8_t byte = fifo_pop(&s->rx);
    uart_restart_timeout(uart);
    uart_update_irq(uart);
    uart_expect_input(uart);
    return byte;
}

/* Transmitter. */

/* THR (or the head of its FIFO) goes to the shift register when that is free. */
static void uart_start_shifting(struct ns16550a *uart)
{
    struct ns16550a_state *s = &uart->state;
    if (s->shifting || !s->tx.count) return;
    s->shift = fifo_pop(&s->tx);
    s->shifting = true;
    if (!s->tx.count) s->thre_event = true;
    clock_event_in(&uart->tx_event, uart_char_time(uart));
}

static void uart_tx_event(void *owner)
{
    struct ns16550a *uart = owner;
    uart->state.shifting = false;
    if (uart_loops(uart)) uart_receive(uart, uart->state.shift);
    uart_start_shifting(uart);
    uart_update_irq(uart);
}

static void uart_queue_transmit(struct ns16550a *uart, uint8_t byte)
{
    struct ns16550a_state *s = &uart->state;
    if (s->tx.count < uart_capacity(uart)) {
        fifo_push(&s->tx, byte);
    } else {
        lint(uart->device.name, "PC16550D 8.4", "THR written while it was full");
        if (!uart_fifos_on(uart)) s->tx.data[s->tx.head] = byte;
    }
    uart_start_shifting(uart);
}

static void uart_write_thr(struct ns16550a *uart, uint8_t byte)
{
    unsigned length = 5 + (uart->state.lcr & LCR_LENGTH);
    if (byte >> length)
        lint(uart->device.name, "PC16550D 8.1", "%02x sent with %u-bit characters", byte, length);
    uart->state.thre_event = false;
    uart_update_irq(uart); /* what THR asks for next is a new edge */
    if (uart->chardev && !uart_loops(uart)) chardev_write(uart->chardev, &byte, 1);
    if (uart->instant_transmit && !uart_loops(uart))
        uart->state.thre_event = true;
    else
        uart_queue_transmit(uart, byte);
    uart_update_irq(uart);
}

/* Registers. */

/* Enabling THRE while THR is empty interrupts at once (8.6). */
static void uart_write_ier(struct ns16550a *uart, uint8_t value)
{
    struct ns16550a_state *s = &uart->state;
    bool thre_enabled = value & ~s->ier & IER_THRE;
    s->ier = value & IER_ALL;
    if (thre_enabled && !s->tx.count) s->thre_event = true;
    uart_update_irq(uart);
}

static void uart_clear_rx(struct ns16550a *uart)
{
    uart->state.rx = (struct fifo){.count = 0};
    uart_restart_timeout(uart);
}

static void uart_clear_tx(struct ns16550a *uart)
{
    if (uart->state.tx.count) uart->state.thre_event = true;
    uart->state.tx = (struct fifo){.count = 0};
}

/* Other bits are taken only together with the enable bit; changing that one clears both FIFOs (8.5). */
static void uart_write_fcr(struct ns16550a *uart, uint8_t value)
{
    struct ns16550a_state *s = &uart->state;
    bool toggled = (value ^ s->fcr) & FCR_ENABLE;
    s->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | 0xc0) : 0;
    if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_RX)) uart_clear_rx(uart);
    if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_TX)) uart_clear_tx(uart);
    uart_update_irq(uart);
    uart_expect_input(uart);
}

/* Levels at the modem inputs; in loopback they are the modem outputs (8.7). */
static uint8_t uart_modem_lines(const struct ns16550a *uart)
{
    uint8_t mcr = uart->state.mcr;
    if (!uart_loops(uart)) return uart->chardev ? MSR_CONNECTED : 0;
    return (mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) | (mcr & MCR_OUT1 ? MSR_RI : 0) |
           (mcr & MCR_OUT2 ? MSR_DCD : 0);
}

/* Each changed line sets its delta bit, RI only when it ends (8.8). */
static void uart_update_modem(struct ns16550a *uart)
{
    struct ns16550a_state *s = &uart->state;
    uint8_t lines = uart_modem_lines(uart);
    uint8_t changed = (s->modem ^ lines) & MSR_LINES;
    uint8_t deltas = changed >> 4;
    if (lines & MSR_RI) deltas &= ~MSR_TERI;
    s->modem = lines | (s->modem & ~MSR_LINES) | deltas;
}

static void uart_write_mcr(struct ns16550a *uart, uint8_t value)
{
    uart->state.mcr = value & MCR_ALL;
    uart_update_modem(uart);
    uart_update_irq(uart);
    uart_expect_input(uart);
}

static uint8_t uart_read_iir(struct ns16550a *uart)
{
    enum iir reason = uart_reason(uart);
    if (reason == IIR_THRE) uart->state.thre_event = false;
    uart_update_irq(uart);
    return reason | (uart_fifos_on(uart) ? IIR_FIFOS : 0);
}

static uint8_t uart_read_lsr(struct ns16550a *uart)
{
    struct ns16550a_state *s = &uart->state;
    uint8_t value = s->line_errors | (s->rx.count ? LSR_DR : 0) | (s->tx.count ? 0 : LSR_THRE) |
                    (s->tx.count || s->shifting ? 0 : LSR_TEMT);
    if (s->line_errors) {
        s->line_errors = 0;
        uart_update_irq(uart);
    }
    return value;
}

static uint8_t uart_read_msr(struct ns16550a *uart)
{
    uint8_t value = uart->state.modem;
    uart->state.modem &= MSR_LINES;
    uart_update_irq(uart);
    return value;
}

static void uart_write_register(struct ns16550a *uart, enum reg reg, uint8_t value)
{
    struct ns16550a_state *s = &uart->state;
    bool dlab = s->lcr & LCR_DLAB;
    switch (reg) {
    case REG_DATA:
        if (dlab)
            s->divisor = (s->divisor & 0xff00) | value;
        else
            uart_write_thr(uart, value);
        break;
    case REG_IER:
        if (dlab)
            s->divisor = (uint16_t)(value << 8) | (s->divisor & 0xff);
        else
            uart_write_ier(uart, value);
        break;
    case REG_IIR_FCR: uart_write_fcr(uart, value); break;
    case REG_LCR: s->lcr = value; break;
    case REG_MCR: uart_write_mcr(uart, value); break;
    case REG_LSR: lint(uart->device.name, "PC16550D 8.4", "LSR is intended for read operations only"); break;
    case REG_MSR: break;
    case REG_SCR: s->scr = value; break;
    }
}

static uint8_t uart_read_register(struct ns16550a *uart, enum reg reg)
{
    struct ns16550a_state *s = &uart->state;
    bool dlab = s->lcr & LCR_DLAB;
    switch (reg) {
    case REG_DATA: return dlab ? s->divisor & 0xff : uart_read_rbr(uart);
    case REG_IER: return dlab ? s->divisor >> 8 : s->ier;
    case REG_IIR_FCR: return uart_read_iir(uart);
    case REG_LCR: return s->lcr;
    case REG_MCR: return s->mcr;
    case REG_LSR: return uart_read_lsr(uart);
    case REG_MSR: return uart_read_msr(uart);
    case REG_SCR: return s->scr;
    }
    return 0xff;
}

static enum mem_result uart_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    struct ns16550a *uart = owner;
    if (trace_on(&trace_write))
        trace_emit(&trace_write, uart->clock, uart->device.name, (uint64_t)at.offset, (uint64_t)value);
    uart_write_register(uart, (enum reg)at.offset, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result uart_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    struct ns16550a *uart = owner;
    *value = uart_read_register(uart, (enum reg)at.offset);
    if (trace_on(&trace_read))
        trace_emit(&trace_read, uart->clock, uart->device.name, (uint64_t)at.offset, (uint64_t)*value);
    return MEM_OK;
}

static const struct mmio_ops uart_ops = {uart_read, uart_write, 1, 1, false};

/* Master reset (8.9, table I) leaves the divisor and the scratch register alone. */
static void uart_reset(struct device *device)
{
    struct ns16550a *uart = list_entry(device, struct ns16550a, device);
    clock_event_cancel(&uart->rx_event);
    clock_event_cancel(&uart->tx_event);
    clock_event_cancel(&uart->timeout_event);
    uart->state = (struct ns16550a_state){.divisor = uart->state.divisor, .scr = uart->state.scr};
    uart->state.modem = uart_modem_lines(uart);
    uart_update_irq(uart);
    uart_expect_input(uart);
}

/* Numbers that index must be in range whatever was loaded. */
static void fifo_check(struct fifo *fifo)
{
    fifo->head %= FIFO_SIZE;
    if (fifo->count > FIFO_SIZE) fifo->count = FIFO_SIZE;
}

static void uart_loaded(struct device *device)
{
    struct ns16550a *uart = list_entry(device, struct ns16550a, device);
    fifo_check(&uart->state.rx);
    fifo_check(&uart->state.tx);
    uart_update_irq(uart);
}

static void uart_destroy(struct device *device)
{
    struct ns16550a *uart = list_entry(device, struct ns16550a, device);
    clock_event_destroy(&uart->rx_event);
    clock_event_destroy(&uart->tx_event);
    clock_event_destroy(&uart->timeout_event);
    if (uart->chardev) uart->chardev->input_ready = NULL;
    ports_remove(uart->region);
    free(uart);
}

static const struct device_ops uart_device_ops = {"ns16550a", &uart_table, uart_reset, uart_loaded,
                                                  uart_destroy};

static void uart_event_init(struct ns16550a *uart, struct clock_event *event, int i, const char *what,
                            void (*fire)(void *owner))
{
    snprintf(uart->event_names[i], sizeof(uart->event_names[i]), "%s.%s", uart->device.name, what);
    clock_event_init(event, uart->clock, uart->event_names[i], fire, uart);
}

struct ns16550a *ns16550a_new(struct region *io, struct device_list *devices, struct clock *clock,
                              const struct ns16550a_config *config)
{
    struct ns16550a *uart = calloc(1, sizeof(*uart));
    if (!uart) return NULL;
    uart->clock = clock;
    uart->irq = config->irq;
    uart->chardev = config->chardev;
    uart->instant_transmit = config->instant_transmit;
    uart->out2_ignored = config->out2_ignored;
    uart->state.divisor = DIVISOR_AT_ON;
    device_add(devices, &uart->device, &uart_device_ops, config->name, &uart->state);
    uart_event_init(uart, &uart->rx_event, 0, "receive", uart_rx_event);
    uart_event_init(uart, &uart->tx_event, 1, "transmit", uart_tx_event);
    uart_event_init(uart, &uart->timeout_event, 2, "timeout", uart_timeout_event);
    uart->region = ports_add(io, config->port, PORTS, config->name, &uart_ops, uart);
    if (uart->chardev) {
        uart->chardev->device = uart;
        uart->chardev->input_ready = uart_input_ready;
    }
    uart_reset(&uart->device);
    return uart;
}

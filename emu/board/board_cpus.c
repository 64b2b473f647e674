/* SPDX-License-Identifier: MIT */
/*
 * CPUs and interrupts: see board_cpus.h. Every ISA interrupt goes to the 8259s and to the I/O APIC; which of them delivers
 * is the operating system's choice (MultiProcessor Specification 1.4, 3.6.2). Chips are made before the CPUs and set their
 * lines then, so the callbacks look whether there is a CPU yet.
 */
#include "emu/board/board_cpus.h"

/* ---- what local APICs do to their CPUs ---- */

static void on_lapic_intr(void *owner, unsigned n, bool level)
{
    struct board *board = owner;
    if (board->cpus[n].cpu) cpu_set_intr(board->cpus[n].cpu, level);
}

static void on_lapic_nmi(void *owner, unsigned n)
{
    struct board *board = owner;
    if (board->cpus[n].cpu) cpu_raise_nmi(board->cpus[n].cpu);
}

static void on_lapic_init(void *owner, unsigned n)
{
    struct board *board = owner;
    if (board->cpus[n].cpu) cpu_init(board->cpus[n].cpu);
}

static void on_lapic_startup(void *owner, unsigned n, uint8_t vector)
{
    struct board *board = owner;
    if (board->cpus[n].cpu) cpu_startup(board->cpus[n].cpu, vector);
}

static int on_extint(void *owner)
{
    return i8259_acknowledge(((struct board *)owner)->pic);
}

static unsigned on_current_cpu(void *owner)
{
    const struct board *board = owner;
    return board->cpu_running ? board->running : APIC_NO_CPU;
}

/* ---- lines ---- */

/* INTR of the 8259s: LINT0 of the first CPU, or its INTR pin where there is no APIC. */
static void on_pic_intr(void *owner, int number, bool level)
{
    struct board *board = owner;
    (void)number;
    if (board_has_apics(board))
        irq_set(&board->lint0, level);
    else if (board->cpus[0].cpu)
        cpu_set_intr(board->cpus[0].cpu, level);
}

static void on_isa_irq(void *owner, int n, bool level)
{
    struct board *board = owner;
    irq_set(&board->pic_input[n], level);
    irq_set(&board->ioapic_input[n], level);
}

struct irq_line board_isa_irq(struct board *board, int n)
{
    return (struct irq_line){on_isa_irq, board, n};
}

/* ---- what a CPU asks of the board ---- */

static int on_acknowledge(void *owner)
{
    const struct board_cpu *cpu = owner;
    return cpu->lapic ? lapic_acknowledge(cpu->lapic) : i8259_acknowledge(cpu->board->pic);
}

static void on_fpu_error(void *owner, bool level)
{
    irq_set(&((struct board_cpu *)owner)->board->irq13, level);
}

static uint64_t apic_base_read(void *owner)
{
    return lapic_base_read(((struct board_cpu *)owner)->lapic);
}

static bool apic_base_write(void *owner, uint64_t value)
{
    return lapic_base_write(((struct board_cpu *)owner)->lapic, value);
}

static uint32_t apic_read(void *owner, unsigned offset)
{
    return lapic_read(((struct board_cpu *)owner)->lapic, offset);
}

static void apic_write(void *owner, unsigned offset, uint32_t value)
{
    lapic_write(((struct board_cpu *)owner)->lapic, offset, value);
}

static const uint32_t *const *apic_stored(void *owner)
{
    return lapic_stored(((struct board_cpu *)owner)->lapic);
}

_Static_assert(APIC_STORED == LAPIC_STORED, "one table");
static const struct cpu_apic apic_hooks = {apic_base_read, apic_base_write, apic_read, apic_write,
                                           apic_stored};

/* ---- building ---- */

uint8_t board_apic_id(const struct board *board, unsigned n)
{
    unsigned cores = board->config.cores_per_socket ? board->config.cores_per_socket : 1, bits = 0;
    while (1u << bits < cores) bits++;
    return (uint8_t)((n / cores) << bits | n % cores);
}

void board_make_interrupts(struct board *board)
{
    board->pic =
        i8259_new(board->io_root, &board->devices, &board->clock, (struct irq_line){on_pic_intr, board, 0});
    for (int i = 0; i < 16; i++) board->pic_input[i] = i8259_input(board->pic, i);
    if (board_has_apics(board))
        board->apic_bus = apic_bus_new(&board->devices, &board->clock, on_current_cpu, board);
}

void board_make_apics(struct board *board)
{
    if (!board_has_apics(board)) return;
    for (unsigned n = 0; n < board->config.cpus; n++) {
        const struct lapic_wiring wiring = {
            .bus = board->apic_bus,
            .memory = i440fx_system_memory(board->bridge),
            .devices = &board->devices,
            .clock = &board->clock,
            .cpu = n,
            .id = board_apic_id(board, n),
            .out = {on_lapic_intr, on_lapic_nmi, on_lapic_init, on_lapic_startup, on_extint, board},
        };
        board->cpus[n].lapic = lapic_new(&wiring);
    }
    board->lint0 = lapic_lint(board->cpus[0].lapic, 0);
    struct region *memory = i440fx_pci_memory(board->bridge);
    apic_bus_open_window(board->apic_bus, memory);
    board->ioapic = ioapic_new(board->apic_bus, memory, &board->devices, &board->clock);
    for (unsigned i = 0; i < 16; i++)
        if (i != 2) board->ioapic_input[i] = ioapic_isa_irq(board->ioapic, i);
}

void board_make_cpus(struct board *board)
{
    for (unsigned n = 0; n < board->config.cpus; n++) {
        struct board_cpu *cpu = &board->cpus[n];
        cpu->board = board;
        cpu->n = n;
        const struct cpu_wiring wiring = {
            .memory = board->memory,
            .io = board->io,
            .clock = &board->clock,
            .model = &board->config.cpu_model,
            .bootstrap = n == 0,
            .apic = cpu->lapic ? &apic_hooks : NULL,
            .apic_id = board_apic_id(board, n),
            .acknowledge = on_acknowledge,
            .fpu_error = on_fpu_error,
            .owner = cpu,
        };
        cpu->cpu = cpu_new(&wiring);
        cpu_set_pause_stops(cpu->cpu, board->config.cpus > 1);
    }
}

void board_free_cpus(struct board *board)
{
    for (unsigned n = 0; n < board->config.cpus; n++) cpu_free(board->cpus[n].cpu);
}

/* ---- all of them ---- */

/* All but the first wait for their startup IPI, as their local APICs do after a reset. */
void board_reset_cpus(struct board *board)
{
    board->round = (struct board_round){.open = false};
    for (unsigned n = 0; n < board->config.cpus; n++) {
        cpu_reset(board->cpus[n].cpu);
        if (n) cpu_init(board->cpus[n].cpu);
    }
}

void board_interrupt_run(struct board *board)
{
    if (board->cpu_running) cpu_exit_soon(board->cpus[board->running].cpu);
}

void board_set_a20(struct board *board, bool passed)
{
    for (unsigned n = 0; n < board->config.cpus; n++)
        if (board->cpus[n].cpu) cpu_set_a20(board->cpus[n].cpu, passed);
}

bool board_cpu_idle(const struct board *board, unsigned n)
{
    return cpu_idle(board->cpus[n].cpu);
}

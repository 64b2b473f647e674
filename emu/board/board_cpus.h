/* SPDX-License-Identifier: MIT */
/* The board's CPUs and what carries interrupts to them: local APICs, the I/O APIC, the two 8259s behind LINT0. */
#ifndef EMU_BOARD_BOARD_CPUS_H
#define EMU_BOARD_BOARD_CPUS_H

#include "emu/board/board_internal.h"

/* The 8259s, and with APICs in the CPU model their bus; before the bridge. */
void board_make_interrupts(struct board *board);
/* Local APICs, I/O APIC and HPET; after the bridge, which has the memory they answer in. */
void board_make_apics(struct board *board);
/* What the PIIX3 drives: ISA interrupt n, which goes to the 8259s and to the I/O APIC. */
struct irq_line board_isa_irq(struct board *board, int n);
/* After all chips; `board->memory` and `board->io` are there. */
void board_make_cpus(struct board *board);
void board_free_cpus(struct board *board);

void board_reset_cpus(struct board *board);
/* The CPU inside cpu_run ends its run after this instruction. */
void board_interrupt_run(struct board *board);
void board_set_a20(struct board *board, bool passed);
/* CPU n takes no part in a round: it is halted, or waits for its startup IPI. */
bool board_cpu_idle(const struct board *board, unsigned n);
/* APIC ID of CPU n: cores count up in a field of their own, sockets above it. */
uint8_t board_apic_id(const struct board *board, unsigned n);

static inline bool board_has_apics(const struct board *board)
{
    return cpu_model_has(&board->config.cpu_model, FEATURE_APIC);
}

#endif

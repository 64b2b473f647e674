/* SPDX-License-Identifier: MIT */
/*
 * Page tables: the walk, without effects, for the MMU and for everything that explains it (cpu_walk in cpu.h; LESSONS 54,
 * 55), and the PDPTE registers. 32-bit paging with 4 KiB and 4 MiB pages (PSE-36 too), PAE paging with 4 KiB and 2 MiB
 * pages and NX: SDM 3A, 4.3 and 4.4.
 */
#ifndef EMU_CPU_PAGING_H
#define EMU_CPU_PAGING_H

#include "emu/cpu/mmu.h"

/* Paging is on, and of the PAE kind. */
static inline bool paging_is_pae(const struct cpu *cpu)
{
    return (cpu->s.cr0 & CR0_PG) && (cpu->s.cr4 & CR4_PAE);
}
/* XD bits count: they do not exist otherwise, and are reserved. */
static inline bool paging_has_nx(const struct cpu *cpu)
{
    return paging_is_pae(cpu) && (cpu->s.msr_efer & EFER_NXE);
}

/* Regions have moved: where tables lie in host memory is found anew. */
void paging_forget_tables(const struct cpu *cpu);
/* A new CR3: loads the PDPTE registers where paging is PAE (#GP(0), and nothing happened, when they are bad), and flushes
 * what is not global. */
void paging_load_cr3(struct cpu *cpu, uint32_t value);
/* Reads the four PDPTEs that `cr3` leads to. False: a present one has reserved bits. */
bool paging_read_pdptes(const struct cpu *cpu, uint32_t cr3, uint64_t pdpte[4]);
/* The PDPTE registers from memory, for MOV to CR0 and CR4; #GP(0) when a present one has reserved bits (SDM 3A, 4.4.1). */
void paging_load_pdptes(struct cpu *cpu, uint32_t cr3);

#endif

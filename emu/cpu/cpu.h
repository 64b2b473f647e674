/* SPDX-License-Identifier: MIT */
/*
 * The CPU as the rest of the machine sees it: an engine behind a small interface. Run up to N instructions, step, state in
 * and out. Nothing here knows how instructions are carried out, so that a second engine can stand beside the first.
 *
 * One retired instruction is one tick of virtual time; one iteration of a repeated string instruction counts as one.
 * An interrupt or exception delivery counts as none. All calls are on the machine's thread, and, unless said otherwise,
 * allowed from device callbacks while the CPU runs.
 */
#ifndef EMU_CPU_CPU_H
#define EMU_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "emu/core/clock.h"
#include "emu/core/state.h"
#include "emu/cpu/fault.h"
#include "emu/cpu/models.h"
#include "emu/cpu/x87.h"
#include "mem/space.h"

struct cpu;

enum cpu_register { CPU_EAX, CPU_ECX, CPU_EDX, CPU_EBX, CPU_ESP, CPU_EBP, CPU_ESI, CPU_EDI };
enum cpu_segment { CPU_ES, CPU_CS, CPU_SS, CPU_DS, CPU_FS, CPU_GS, CPU_SEGMENTS };

/* A segment register with its hidden part. `access` is bits 8 to 23 of the descriptor's second dword: type 0-3, S 4,
 * DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15 (SDM 3A, 3.4.5). */
struct cpu_segment_state {
    uint16_t selector;
    uint16_t access;
    uint32_t limit; /* in bytes, granularity applied */
    uint64_t base;
};

struct cpu_table_state { /* GDTR, IDTR */
    uint64_t base;
    uint16_t limit;
};

/* Everything of a CPU that a guest can observe or that decides what happens next. EFLAGS is whole here. */
struct cpu_state {
    uint64_t gpr[17]; /* wide enough for long mode, upper halves 0 outside it; the last is always 0 (internal.h) */
    uint64_t eip;
    uint64_t eflags;
    struct cpu_segment_state segment[CPU_SEGMENTS];
    struct cpu_segment_state ldtr, tr;
    struct cpu_table_state gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t pdpte[4]; /* the PDPTE registers of PAE paging (SDM 3A, 4.4.1) */
    uint64_t dr[8];
    uint64_t msr_sysenter_cs, msr_sysenter_esp, msr_sysenter_eip, msr_misc_enable, msr_pat;
    uint64_t msr_efer;
    uint64_t msr_mtrr_def_type, msr_mtrr_fixed[11], msr_mtrr_phys_base[8], msr_mtrr_phys_mask[8];
    int64_t tsc_offset;   /* TSC = virtual nanoseconds + offset */
    struct x87_state x87;
    uint8_t cpl;
    bool halted;          /* HLT, waiting for an interrupt */
    bool wait_for_sipi;   /* after INIT: nothing but a startup IPI is heard */
    bool shutdown;        /* after a triple fault */
    bool nmi_blocked;     /* until IRET */
    bool nmi_pending;
    bool intr;            /* level of the INTR pin */
    bool a20;             /* address line 20 is passed through */
    uint8_t interrupt_shadow; /* 1: no interrupt after the next instruction (STI), 2: no debug trap either (MOV SS) */
    bool repeating;       /* EIP is on a repeated string instruction that has begun */
    uint8_t deliveries;   /* of interrupts and exceptions since the last instruction, as far as they are counted (run.c) */
    uint32_t debug_status; /* DR6 bits of the #DB that comes before the next instruction */
};
extern const struct state_table cpu_state_table;

/* The CPU's local APIC, as far as instructions meet it: MSR 1Bh, and the page of registers that the MSR places. The page
 * is reached past the memory space, so that reading the APIC ID costs no more than RAM. `owner` is cpu_wiring.owner. */
struct cpu_apic {
    uint64_t (*base_read)(void *owner);
    bool (*base_write)(void *owner, uint64_t value); /* false: #GP(0) */
    uint32_t (*read)(void *owner, unsigned offset);
    void (*write)(void *owner, unsigned offset, uint32_t value);
    /* By offset / APIC_STEP, for offsets below APIC_STORED * APIC_STEP: where the register lies whose read gives just what
     * lies there and does nothing, or NULL. Good for as long as the CPU. May be NULL. */
    const uint32_t *const *(*stored)(void *owner);
};
enum { APIC_STEP = 16, APIC_STORED = 64 };

struct cpu_wiring {
    struct space *memory; /* physical addresses */
    struct space *io;     /* port addresses */
    struct clock *clock;
    const struct cpu_model *model; /* copied; NULL: cpu_model_default */
    bool bootstrap;       /* INIT does not make it wait for a startup IPI (SDM 3A, 8.4.2) */
    const struct cpu_apic *apic; /* NULL: there is none, and CPUID does not claim it */
    uint8_t apic_id;      /* the initial one, for CPUID leaf 1 */
    int (*acknowledge)(void *owner); /* INTA cycle: the vector */
    void (*fpu_error)(void *owner, bool level); /* FERR#, which the PC makes IRQ 13; may be NULL */
    void *owner;
};

enum cpu_stop {
    CPU_STOP_BUDGET,     /* the number of instructions asked for */
    CPU_STOP_ASKED,      /* cpu_exit_soon() was called */
    CPU_STOP_HALTED,     /* waits for an interrupt, or for a startup IPI */
    CPU_STOP_PAUSE,      /* PAUSE was executed (cpu_set_pause_stops) */
    CPU_STOP_BREAKPOINT, /* EIP is at a breakpoint of the engine; it has not run */
    CPU_STOP_TRIPLE_FAULT,
};

struct cpu *cpu_new(const struct cpu_wiring *wiring);
void cpu_free(struct cpu *cpu);
const struct cpu_model *cpu_model(const struct cpu *cpu);
void cpu_reset(struct cpu *cpu); /* power-on state (SDM 3A, table 9-1); breakpoints stay */
/* INIT: the state of table 9-1, which keeps FPU, MSRs and the TSC; then waits for cpu_startup (SDM 3A, 8.4). The startup IPI
 * begins at vector * 1000h in real mode; a CPU that does not wait ignores it. */
void cpu_init(struct cpu *cpu);
void cpu_startup(struct cpu *cpu, uint8_t vector);

/* Runs at the most `budget` instructions; says why it ended. Not from callbacks. A halted CPU with no deliverable
 * interrupt returns CPU_STOP_HALTED at once. `skip_breakpoint`: do not stop at a breakpoint at the first instruction. */
enum cpu_stop cpu_run(struct cpu *cpu, uint64_t budget, bool skip_breakpoint);
/* Instructions retired by the last cpu_run, or so far by the one under way, exactly (the instruction being carried out
 * does not count yet). */
uint64_t cpu_retired(const struct cpu *cpu);
/* Ends the run under way: at once after this instruction, or after at most `insns` more instructions. */
void cpu_exit_soon(struct cpu *cpu);
void cpu_shorten(struct cpu *cpu, uint64_t insns);

/* Whether PAUSE ends a run: for a board that lets another CPU go on. It says so even where the budget ends as well. */
void cpu_set_pause_stops(struct cpu *cpu, bool stops);

/* The plain engine: each instruction is decoded anew and carried out alone, and nothing is known from before it, neither
 * blocks nor translations. It is what the ordinary engine is compared with. Not from callbacks; a reset does not end it. */
void cpu_set_plain(struct cpu *cpu, bool plain);

void cpu_set_intr(struct cpu *cpu, bool level);
void cpu_raise_nmi(struct cpu *cpu);
void cpu_set_a20(struct cpu *cpu, bool passed);
bool cpu_halted(const struct cpu *cpu);
/* Halted, and nothing that is pending now can wake it. */
bool cpu_idle(const struct cpu *cpu);

/* State in and out, at an instruction boundary. `set` believes what it is given (a load); the hidden parts of segments are
 * taken as they are. What a CPU does after `set` follows from the state and from memory, in a fresh one as in any other.
 * The TLB is no part of the state and `set` empties it: a guest that changes page tables and does not flush sees that, so
 * that one who saves a machine which then goes on sets the same state there as well. */
void cpu_get_state(const struct cpu *cpu, struct cpu_state *state);
void cpu_set_state(struct cpu *cpu, const struct cpu_state *state);
/* `set` for a debugger's writes to registers: where these change what PAE paging depends on, the PDPTE registers are loaded
 * from memory, as MOV to CR0, CR3 and CR4 load them. False: those are bad, and nothing happened. */
bool cpu_debug_set_state(struct cpu *cpu, const struct cpu_state *state);

/* Breakpoints of the engine, on linear addresses: no memory is changed (LESSONS 52). False when it is there already, or was
 * not. */
bool cpu_breakpoint_add(struct cpu *cpu, uint64_t linear);
bool cpu_breakpoint_remove(struct cpu *cpu, uint64_t linear);

/* Translation as the MMU does it, without effects: no accessed bits, no TLB (LESSONS 54, 55). */
struct page_walk {
    unsigned levels; /* entries read; 0 when paging is off */
    unsigned first;  /* of them that has rights and an accessed bit: 1 after a PDPTE, else 0 */
    struct {
        const char *name; /* "PDPTE", "PDE", "PTE" */
        uint64_t address; /* physical */
        uint64_t entry;
    } level[4];
    bool mapped;
    uint64_t physical;  /* A20 applied */
    uint64_t page_size;
    bool writable, user, global, executable;
    enum fault_reason reason; /* when not mapped */
};
bool cpu_walk(const struct cpu *cpu, uint64_t linear, struct page_walk *walk);
/* Debugger's memory, by linear address and without effects; how many bytes were reached. */
size_t cpu_debug_read(const struct cpu *cpu, uint64_t linear, void *to, size_t size);
size_t cpu_debug_write(struct cpu *cpu, uint64_t linear, const void *from, size_t size);

/* The last faults, newest last. `count` is how many there are to see (at most CPU_FAULT_HISTORY). */
#define CPU_FAULT_HISTORY 16
const struct fault_record *cpu_fault_history(const struct cpu *cpu, unsigned *count);
/* Faults of the chain that ended in the triple fault: 1 to 3 records. */
const struct fault_record *cpu_triple_fault(const struct cpu *cpu, unsigned *count);

/* QEMU-like register dump (-d cpu_reset, reports). */
void cpu_print(const struct cpu *cpu, FILE *to);

struct cpu_stats {
    uint64_t retired, blocks_decoded, blocks_dropped, tlb_misses, interrupts, exceptions;
};
const struct cpu_stats *cpu_stats(const struct cpu *cpu);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Inside the CPU: what the files of emu/cpu share, and nobody else includes.
 *
 * The life of an instruction: decode.c turns guest bytes into a struct insn by the opcode map (opcode_map.c), block.c keeps
 * runs of them per physical page, run.c calls one body after the other, the bodies (data_*.c, string.c, control.c,
 * system_*.c) work on struct cpu through the helpers of access.h and flags.h. A body that cannot go on calls fault_raise,
 * which does not return: it unwinds to run.c, which restarts from the state before the instruction. Hence the one rule for
 * bodies: do everything that may fault first, then change registers.
 */
#ifndef EMU_CPU_INTERNAL_H
#define EMU_CPU_INTERNAL_H

#include <setjmp.h>
#include "emu/core/bits.h"
#include "emu/cpu/cpu.h"
#include "emu/cpu/models.h"

struct insn;
struct block;
struct code_tlb;
struct opcode;

typedef void (*insn_body)(struct cpu *cpu, const struct insn *insn);

/* s.gpr[REG_NONE] is always 0: an absent base or index needs no test. */
#define REG_NONE 16

/*
 * A decoded instruction. Byte registers are byte positions within gpr[] on this host (byte_register() in access.h), so that
 * AH and AL cost the same.
 */
struct insn {
    insn_body body;
    const struct opcode *row;
    uint64_t immediate;     /* sign- or zero-extended as the row says; offset of a far pointer; target of a near jump,
                               relative to the end of the instruction, in a block to the block's start */
    uint64_t address_mask;  /* 0xffff, 0xffffffff, ~0 */
    struct block *next;     /* where it went on the last time that this was the last instruction (run.c) */
    int32_t displacement;   /* of a memory operand; in a block, for a near jump: the bits that its target has */
    uint16_t immediate2;    /* selector of a far pointer; nesting level of ENTER */
    uint16_t offset;        /* from the start of the block, in bytes */
    uint8_t length;         /* bytes, prefixes included */
    uint8_t modrm;          /* the ModRM byte, 0 without */
    uint8_t opcode;         /* last opcode byte; low 4 bits are the condition of Jcc, SETcc, CMOVcc */
    uint8_t reg;            /* ModRM.reg or opcode bits 2:0, as register number or byte position */
    uint8_t rm;             /* register form: the register, as number or byte position */
    uint8_t base, index;    /* memory form: register numbers or REG_NONE */
    uint8_t scale;          /* shift count */
    uint8_t segment;        /* of the memory operand, override applied */
    uint8_t operand_size;   /* 2, 4, 8 (bytes), also where the row works on bytes */
    uint8_t address_size;   /* 2, 4, 8 */
    uint8_t prefixes;       /* INSN_LOCK... */
    bool memory;            /* the r/m operand is memory */
    uint8_t number;         /* in its block, from 1 */
    uint8_t form;           /* enum insn_form */
} __attribute__((aligned(64))); /* a cache line of most hosts */
/* How bodies reach memory (operand.h). The last two only in flat blocks (block.h), where SS is flat as well. */
enum insn_form {
    FORM_ANY,     /* any address size, any segment */
    FORM_BASE,    /* base + displacement, 32 bits, in a flat segment; also where there is no memory operand */
    FORM_INDEXED, /* the same with an index */
};
enum { INSN_LOCK = 1, INSN_REP = 2 /* F3 */, INSN_REPNE = 4 /* F2 */, INSN_OPSIZE = 8 /* 66 */ };

/*
 * One row of the opcode map, as in SDM 2, appendix A: name, operands in the manual's letters, what it needs, and the bodies
 * by operand size (16, 32, 64 bits; byte rows use the same in all columns), for the register and the memory form. An empty
 * body is #UD with a reason.
 */
struct opcode {
    const char *name;     /* "add"; NULL: no such opcode */
    const char *operands; /* "Ev,Gv" */
    insn_body reg[3], mem[3];
    uint32_t needs;       /* ROW_... */
    const struct opcode *group; /* rows selected by ModRM.reg (8 entries), or NULL */
};
enum {
    ROW_LOCK = 1 << 0,      /* LOCK is legal with a memory destination */
    ROW_ENDS_BLOCK = 1 << 1, /* changes EIP, mode, paging or interrupt state */
    ROW_NO_64 = 1 << 2,     /* #UD in long mode */
    ROW_DEFAULT_64 = 1 << 3, /* operand size 64 by default in long mode */
    ROW_PROTECTED = 1 << 4, /* #UD in real mode */
    ROW_CPL0 = 1 << 5,      /* #GP(0) unless CPL is 0 */
    ROW_STRING = 1 << 6,    /* takes REP */
    ROW_MODRM = 1 << 7,     /* set where the operands alone do not say it */
    ROW_CPUID_FPU = 1 << 8, ROW_CPUID_TSC = 1 << 9, ROW_CPUID_MSR = 1 << 10, ROW_CPUID_CX8 = 1 << 11,
    ROW_CPUID_CMOV = 1 << 12, ROW_CPUID_SEP = 1 << 13, ROW_CPUID_FXSR = 1 << 14,
    ROW_CPUID_HINT = 1 << 15, /* see FEATURE_HINT */
    ROW_ABSENT = 1 << 16,     /* without a name: an instruction, but of no model */
};

/* Lazy arithmetic flags. Everything that sets all six stores four words; flags.h reads them.
 *   ZF: zero == 0       SF: sign < 0       PF: parity of the low byte of sign
 *   CF: bit 31 of carry                    OF: bit 31 ^ bit 30 of carries          AF: bit 3 of carries
 * An addition or subtraction stores the carry out of each bit position in both, moved so that the one out of the
 * operand's top bit is bit 31. CF is apart because many instructions set the others and keep it, or set it alone. */
struct lazy_flags {
    uint32_t zero;
    int32_t sign; /* the result, sign-extended to 32 bits */
    uint32_t carry, carries;
};

/* Which part of a segment may be touched by plain loads and stores; derived from cpu_segment_state (segment.c) so that an
 * access costs one compare: `span` is the last offset minus the first, -1 when there is none. */
struct segment_window {
    uint32_t read_low, write_low; /* first offset */
    int64_t read_span, write_span;
    uint64_t base;
};

/* TLB of data: one set for supervisor, one for user mode. A tag is the linear page address; any flag in its low bits makes the
 * compare fail and the access take the slow path. */
#define TLB_BITS    10
#define TLB_ENTRIES (1 << TLB_BITS)
enum { TLB_INVALID = 1, TLB_SLOW = 2 /* MMIO, watched, code or not yet dirty */ };
struct tlb_entry {
    uint32_t read, write, page; /* tags; `page` has no flag but TLB_INVALID */
    uint32_t flags;             /* TLB_GLOBAL, TLB_LARGE, TLB_MEMORY, TLB_REGISTERS (mmu.h) */
    uintptr_t host;             /* RAM and ROM: add the linear address. TLB_REGISTERS: the struct region */
    uint64_t physical;          /* of the page */
};
/* Where paging structures lie in host memory: most walks pass through pages that were passed a moment ago. */
#define TABLE_PAGES 32
struct table_page {
    uint64_t page; /* physical address; odd: empty */
    const uint8_t *host;
};

/* Entries that were pushed out of their slot, so that two streams that meet in one slot cost a swap, not a walk. */
#define TLB_VICTIMS 8
struct tlb_victims {
    struct tlb_entry entry[TLB_VICTIMS];
    unsigned next;
    bool any; /* one may be filled */
};

/* A read-modify-write that is not one in plain RAM, between its read and its write. */
struct slow_rmw {
    uint8_t bytes[8]; /* little-endian */
    uint32_t linear;
    uint64_t physical[2]; /* of the first byte, and of the first byte in the second page */
    unsigned first;       /* bytes in the first page; 0: all in one */
};

/* An instruction at which the block under way stops; the bodies that it and the one before it had (run.c). Set only
 * while ATTENTION_CUT is. */
struct block_mark {
    struct insn *at;
    insn_body body, before;
};

/* Reasons to leave the fast loop at the next block boundary. */
enum attention {
    ATTENTION_INTR = 1 << 0,   /* INTR, and perhaps IF */
    ATTENTION_NMI = 1 << 1,
    ATTENTION_EXIT = 1 << 2,   /* cpu_exit_soon */
    ATTENTION_TRAP = 1 << 3,   /* TF, or a data breakpoint hit: #DB after this instruction */
    ATTENTION_SHADOW = 1 << 4, /* interrupt_shadow */
    ATTENTION_BREAK = 1 << 5,  /* breakpoints of the engine or DR7: check each instruction */
    ATTENTION_RESET = 1 << 6,  /* cpu_reset was called from a callback */
    ATTENTION_HALT = 1 << 7,   /* s.halted (halt_start) */
    ATTENTION_INIT = 1 << 9,   /* cpu_init was called from a callback */
    ATTENTION_PAUSE = 1 << 10, /* PAUSE was executed, and ends the run */
    ATTENTION_PLAIN = 1 << 11, /* cpu_set_plain: one instruction at a time */
    ATTENTION_CUT = 1 << 8,    /* the block is cut short: its code changed, or the budget ends in it */
};

/* Records are moved down only when all of this is full. */
#define HISTORY_ROOM (8 * CPU_FAULT_HISTORY)

struct cpu {
    struct cpu_state s; /* eflags holds only the bits that are not in `flags` while running; flags_compose() joins them */
    struct lazy_flags flags;
    struct segment_window window[CPU_SEGMENTS];
    uint32_t stack_mask;   /* 0xffff or 0xffffffff, by SS.B */
    uint32_t flat;         /* a bit per segment: its offsets are linear addresses, all 4 GiB can be read and written */
    uint32_t code_key;     /* what decoded blocks depend on besides their address (block.h) */
    uint64_t code_base;    /* CS base */
    uint64_t block_eip;    /* EIP of the first instruction of the block */
    const struct insn *insn; /* the one being carried out; what cannot call anybody need not be named here (bodies.h) */
    uint64_t retired_before_block; /* in the run under way */
    uint64_t chain_until;    /* blocks follow each other without the run loop until so many instructions have retired */
    uint32_t attention;
    bool next_eip_set;       /* the last body of a block has set s.eip itself; else it follows from the block */

    const struct tlb_entry *tlb; /* of the current privilege; an empty one while `aligning` */
    bool aligning;               /* CR0.AM, EFLAGS.AC and CPL 3: operands must be aligned */
    struct tlb_entry tlbs[2][TLB_ENTRIES];
    struct tlb_victims victims[2];
    uint64_t tlb_used[2][TLB_ENTRIES / 64]; /* slots that are not empty, so that a flush costs what was filled */
    bool tlb_large;            /* some may be of pages of 2 or 4 MiB */
    struct code_tlb *code_tlb; /* of instruction fetch (code_tlb.h) */
    struct slow_rmw rmw;
    struct table_page *table_pages; /* TABLE_PAGES of them, by page number; apart, since walks change nothing else */
    uint32_t paging_mode;    /* CR0, CR4 and A20 bits that the TLB was filled under (run.c) */
    uint64_t deliveries_at;  /* instructions retired in all when s.deliveries was counted */
    uint64_t skip_breakpoint_at; /* linear address whose breakpoint the run under way passes once */

    /* The run under way. */
    uint64_t budget;
    struct block_mark mark;
    bool running, pause_stops;
    jmp_buf unwind;

    /* Faults */
    struct fault pending;     /* being raised; valid after the unwind */
    bool delivering;          /* inside delivery of `delivered` */
    struct fault delivered;
    uint32_t delivery_eip;    /* what is pushed as EIP; a task switch on the way changes it */
    bool switched;            /* a task switch was committed: a fault belongs to the new task, at s.eip */
    struct fault_record history[HISTORY_ROOM]; /* the last CPU_FAULT_HISTORY of `history_count` are to be seen */
    unsigned history_count;
    struct fault_record chain[3];
    unsigned chain_count;

    uint64_t apic_page; /* physical address of the local APIC's registers; all ones: switched off */
    const uint32_t *const *apic_stored; /* cpu_apic.stored */
    struct cpu_wiring wiring;
    struct cpu_model model;
    uint32_t rows_missing; /* ROW_CPUID_... that the model does not have */
    struct cpu_stats stats;
    struct block_cache *blocks; /* block.c */
    struct block **link;        /* `next` of the instruction that ran last, once its block was left */
    struct space_listener listener;
    uint64_t *breakpoints;
    unsigned breakpoint_count, breakpoint_capacity;
};

/* ---- faults (fault.c) ---- */
_Noreturn void fault_raise(struct cpu *cpu, const struct fault *fault);
/* The usual forms. `error` is the error code pushed. */
_Noreturn void fault_gp(struct cpu *cpu, uint32_t error, enum fault_reason reason);
_Noreturn void fault_ud(struct cpu *cpu, enum fault_reason reason);
_Noreturn void fault_selector(struct cpu *cpu, unsigned vector, uint16_t selector, enum fault_reason reason);
/* Delivers a fault, software interrupt, hardware interrupt or NMI through the IDT (interrupt.c). `return_eip` is pushed.
 * Faults inside delivery are handled here too (double, triple); false when the CPU is in shutdown. */
bool interrupt_deliver(struct cpu *cpu, const struct fault *event, uint64_t return_eip);

/* ---- segments (segment.c) ---- */
void segment_derive(struct cpu *cpu, unsigned n); /* window, stack_mask, code_base from s.segment[n] */
void segment_derive_all(struct cpu *cpu);
void segment_load(struct cpu *cpu, unsigned n, uint16_t selector); /* MOV/POP/Lxx to ES SS DS FS GS, all checks */
bool cpu_protected(const struct cpu *cpu);
/* Segment registers hold selectors of descriptors: protected mode without virtual-8086 mode. */
bool cpu_uses_descriptors(const struct cpu *cpu);
static inline bool cpu_code32(const struct cpu *cpu)
{
    return cpu->s.segment[CPU_CS].access & 0x4000;
}

/* ---- interrupts and debug traps at the end of an instruction: see also access.h ---- */
/* IF changed, or an interrupt line did: the run loop looks again. */
static inline void interrupt_recheck(struct cpu *cpu)
{
    if (cpu->s.intr) cpu->attention |= ATTENTION_INTR;
    if (cpu->s.nmi_pending) cpu->attention |= ATTENTION_NMI;
}

/* ---- debug registers (debug_registers.c; SDM 3B, 17.2) ---- */
/* Breakpoints on instructions, of the engine or of DR7, came or went: sets or clears ATTENTION_BREAK. */
void debug_attention_refresh(struct cpu *cpu);
void debug_registers_changed(struct cpu *cpu); /* DR0-3, DR7 or CR4.DE: sets or clears ATTENTION_BREAK, flushes watched pages */
bool debug_page_watched(const struct cpu *cpu, uint64_t linear); /* a data breakpoint in that page: keep it TLB_SLOW */
/* A data access was made: collects DR6 bits in s.debug_status and asks for ATTENTION_TRAP. From slow memory paths. */
void debug_data_check(struct cpu *cpu, uint64_t linear, unsigned size, bool write);
void debug_io_check(struct cpu *cpu, uint16_t port, unsigned size); /* IN, OUT, INS, OUTS, when CR4.DE is set */
/* Before an instruction at that linear address: true when an instruction breakpoint stops it (RF is clear). DR6 is set;
 * deliver *fault with the EIP of the instruction. */
bool debug_insn_hit(struct cpu *cpu, uint64_t linear, struct fault *fault);
/* A task switch: local breakpoints go; with `trap` (T bit of the TSS) a #DB comes before the next instruction. */
void debug_task_switched(struct cpu *cpu, bool trap);
/* After an instruction: true when a #DB trap is due, because TF was set when it began (`stepped`) or s.debug_status has bits.
 * DR6 is set, s.debug_status cleared; deliver *fault with the EIP of the next instruction. */
bool debug_trap_take(struct cpu *cpu, bool stepped, struct fault *fault);

/* ---- the block under way (run.c) ---- */
/* Ends it after the current instruction: what follows may have changed. */
void block_cut(struct cpu *cpu);
/* The body that stands behind the last instruction of every block, as if it were one more. */
void body_block_end(struct cpu *cpu, const struct insn *insn);

/* ---- modes ---- */
/* A segment, CPL or CR0.PE changed: which blocks fit. Called by mode_changed, and by segment_derive (run.c). */
void code_mode_changed(struct cpu *cpu);
void cpl_changed(struct cpu *cpu); /* CPL changed, and CS with it: choose TLB (run.c) */
void mode_changed(struct cpu *cpu); /* CR0, CR4, CPL or A20 changed: choose TLB, flush what depends on it (run.c) */
void tlb_flush(struct cpu *cpu, bool global_too);      /* mmu.c */
void tlb_flush_page(struct cpu *cpu, uint64_t linear); /* mmu.c */
void apic_page_refresh(struct cpu *cpu); /* the local APIC was reset, moved or switched (msr.c) */

#endif

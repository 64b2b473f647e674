/* SPDX-License-Identifier: MIT */
/*
 * The run loop: one block of decoded instructions after the other, and what happens between instructions:
 * interrupts, traps, breakpoints, the budget (SDM 3A, 6.8 and 6.9).
 *
 * Fast path: nothing is asked for (attention is 0, TF and RF are clear), so whole blocks run. Whatever has to
 * happen at an exact instruction cuts the block short (block_mark) and is looked at in attend(). Faults unwind
 * to cpu_run. Within a block bodies go on from one to the next, and near jumps on to the next block when it is the one
 * that came after them the last time (go_on.h); else this loop finds it.
 */
#include <assert.h>
#include "emu/cpu/access.h"
#include "emu/cpu/block.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/fused.h"
#include "emu/cpu/go_on.h"
#include "emu/cpu/run.h"
#include "emu/cpu/system.h"

/* Deliveries in a row without an instruction in between, after which each counts as an instruction. A handler
 * whose first instruction faults would stop virtual time for ever otherwise. */
#define STUCK_DELIVERIES 64

/* Instructions after which chained blocks come back to the run loop, so that calls in tail position do not fill the
 * host's stack where a compiler makes them ordinary calls. */
#define CHAIN_MOST 4096

/* More bytes than a block has: a breakpoint farther ahead is not in it. */
#define BLOCK_BYTES_MOST 512

#define NO_BREAKPOINT UINT64_MAX

/* cpu->insn while no instruction is being carried out. */
static const struct insn between = {.base = REG_NONE, .index = REG_NONE, .number = 1};

/* ---- where the block under way stops ---- */

static void block_unmark(struct cpu *cpu)
{
    struct block_mark *mark = &cpu->mark;
    if (!mark->at) return;
    mark->at[0].body = mark->body;
    mark->at[-1].body = mark->before;
    mark->at = NULL;
}

/* A mark is a body put in the place of another: instructions that are not marked pay nothing. The first of a block
 * is never marked. */
static void block_mark(struct cpu *cpu, const struct insn *at)
{
    struct block_mark *mark = &cpu->mark;
    cpu->attention |= ATTENTION_CUT;
    if (mark->at && mark->at <= at) return;
    block_unmark(cpu);
    *mark = (struct block_mark){.at = (struct insn *)at, .body = at[0].body, .before = at[-1].body};
    mark->at[0].body = body_block_end;
    mark->at[-1].body = insn_unfused(&at[-1]);
}

__attribute__((noinline)) void run_at_boundary(struct cpu *cpu)
{
    block_unmark(cpu);
    cpu->insn = &between;
    cpu->block_eip = cpu->s.eip;
}

static bool in_instruction(const struct cpu *cpu)
{
    return cpu->insn != &between;
}

static uint32_t next_linear(const struct cpu *cpu)
{
    return (uint32_t)(cpu->code_base + cpu->s.eip);
}

uint64_t cpu_retired(const struct cpu *cpu)
{
    return cpu->retired_before_block + cpu->insn->number - 1;
}

uint64_t cpu_retired_in_all(const struct cpu *cpu)
{
    return cpu->stats.retired + (cpu->running ? cpu_retired(cpu) : 0);
}

/* ---- one block ---- */

void block_cut(struct cpu *cpu)
{
    if (in_instruction(cpu)) block_mark(cpu, cpu->insn + 1);
}

/* `done` instructions of a block were carried out. What comes now, at s.eip, is remembered in the last one: bodies
 * are given constant instructions, and this is the one thing in them that changes. */
static inline void block_leave(struct cpu *cpu, unsigned done, const struct insn *last)
{
    cpu->retired_before_block += done;
    cpu->link = (struct block **)&last->next;
}

void body_block_end(struct cpu *cpu, const struct insn *insn)
{
    if (likely(!cpu->next_eip_set)) cpu->s.eip = (uint32_t)(cpu->block_eip + insn->offset);
    cpu->next_eip_set = false;
    block_leave(cpu, insn->number - 1u, insn);
}

void jump_by_run_loop(struct cpu *cpu, const struct insn *insn, uint32_t eip)
{
    cpu->insn = insn;
    jump_check(cpu, eip);
    cpu->s.eip = eip;
    block_leave(cpu, insn->number, insn);
}

/* Carries out the block, or its first `most` instructions (at least 1), and what follows from there (go_on.h). */
static inline void block_run(struct cpu *cpu, struct block *block, uint64_t most)
{
    if (unlikely(block->count > most)) block_mark(cpu, block->insns + most);
    cpu->chain_until = cpu->retired_before_block + (most < CHAIN_MOST ? most : CHAIN_MOST);
    cpu->block_eip = cpu->s.eip;
    cpu->next_eip_set = false;
    cpu->link = &cpu->blocks->first_link;
    block->insns->body(cpu, block->insns);
    assert(cpu->link != &cpu->blocks->first_link); /* a body that does not go on would do nothing for ever */
}

/* By the table, or decoded. What came after the last instruction is remembered there. */
static __attribute__((noinline)) struct block *block_find_slowly(struct cpu *cpu, uint32_t linear)
{
    struct block *block = cpu->blocks->jump[jump_slot(linear)];
    if (!block_fits(cpu, block, linear)) {
        run_at_boundary(cpu);
        block = block_look_up(cpu, linear);
    }
    *cpu->link = block;
    return block;
}

static inline struct block *block_find(struct cpu *cpu)
{
    uint32_t linear = next_linear(cpu);
    struct block *block = *cpu->link;
    return likely(block_fits(cpu, block, linear)) ? block : block_find_slowly(cpu, linear);
}

/* How many instructions of the block lie within the code segment; #GP(0) when the first does not. */
static __attribute__((noinline)) uint64_t block_within_limit(struct cpu *cpu, const struct block *block)
{
    uint64_t room = (uint64_t)cpu->s.segment[CPU_CS].limit + 1 - cpu->s.eip;
    unsigned count = 0;
    while (count < block->count && block->insns[count].offset + (uint64_t)block->insns[count].length <= room)
        count++;
    if (count) return count;
    struct fault fault = {
        .vector = FAULT_GP, .has_error = true, .reason = REASON_CODE_LIMIT, .address = cpu->s.eip};
    run_at_boundary(cpu);
    fault_raise(cpu, &fault);
}

/* Runs what comes next, at most `most` instructions. */
static inline __attribute__((always_inline)) void run_next(struct cpu *cpu, uint64_t most)
{
    struct block *block = block_find(cpu);
    if (unlikely(cpu->s.eip + block->bytes - 1 > cpu->s.segment[CPU_CS].limit)) {
        uint64_t within = block_within_limit(cpu, block);
        if (within < most) most = within;
    }
    block_run(cpu, block, most);
}

/* ---- deliveries ---- */

/* The next delivery counts as an instruction. */
static bool delivery_counts(const struct cpu *cpu)
{
    return cpu->s.deliveries > STUCK_DELIVERIES && cpu_retired_in_all(cpu) == cpu->deliveries_at;
}

/* False: shutdown. */
static bool deliver(struct cpu *cpu, const struct fault *event)
{
    if (cpu->deliveries_at != cpu_retired_in_all(cpu)) cpu->s.deliveries = 0;
    if (cpu->s.deliveries <= STUCK_DELIVERIES)
        cpu->s.deliveries++;
    else if (cpu_retired(cpu) < cpu->budget)
        cpu->retired_before_block++;
    cpu->deliveries_at = cpu_retired_in_all(cpu);
    cpu->s.repeating = false;
    cpu->s.interrupt_shadow = 0;
    bool alive = interrupt_deliver(cpu, event, cpu->s.eip);
    cpu->retired_before_block = cpu_retired(cpu);
    run_at_boundary(cpu);
    return alive;
}

/* After an unwind: the instruction did not happen. cpu->insn stays on it, for the record of the fault. */
static bool deliver_fault(struct cpu *cpu)
{
    struct fault fault = cpu->pending;
    if (!cpu->switched) cpu->s.eip = insn_eip(cpu);
    cpu->switched = false;
    cpu->next_eip_set = false;
    cpu->s.debug_status = 0;
    return deliver(cpu, &fault);
}

static bool deliver_interrupt(struct cpu *cpu)
{
    int vector = cpu->wiring.acknowledge(cpu->wiring.owner);
    struct fault event = {.vector = (uint8_t)vector, .external = true, .reason = REASON_HARDWARE_INTERRUPT};
    return deliver(cpu, &event);
}

static bool deliver_nmi(struct cpu *cpu)
{
    struct fault event = {.vector = FAULT_NMI, .external = true, .reason = REASON_NMI};
    cpu->s.nmi_pending = false;
    return deliver(cpu, &event);
}

/* The #DB after an instruction, when one is due. */
static bool deliver_trap(struct cpu *cpu, bool stepped)
{
    struct fault event;
    cpu->attention &= ~(uint32_t)ATTENTION_TRAP;
    if (!debug_trap_take(cpu, stepped, &event)) return true;
    return deliver(cpu, &event);
}

/* ---- breakpoints ---- */

static bool breakpoint_at(const struct cpu *cpu, uint64_t linear)
{
    for (unsigned i = 0; i < cpu->breakpoint_count; i++) {
        if (cpu->breakpoints[i] == linear) return true;
    }
    return false;
}

/* Might a block from here on contain a breakpoint? */
static bool breakpoint_near(const struct cpu *cpu, uint32_t linear)
{
    for (unsigned i = 0; i < cpu->breakpoint_count; i++) {
        if ((uint32_t)cpu->breakpoints[i] - linear < BLOCK_BYTES_MOST) return true;
    }
    for (unsigned i = 0; i < 4; i++) {
        if ((cpu->s.dr[7] >> (2 * i) & 3) && (uint32_t)cpu->s.dr[i] - linear < BLOCK_BYTES_MOST) return true;
    }
    return false;
}

/* ---- between instructions ---- */

enum next_step {
    STEP_BLOCK, /* as many instructions as there are */
    STEP_ONE,   /* one, with a look at what it did */
    STEP_AGAIN, /* something was delivered: look again */
    STEP_STOP,
};

static enum next_step stop_with(enum cpu_stop *stop, enum cpu_stop reason)
{
    *stop = reason;
    return STEP_STOP;
}

static enum next_step delivered(enum cpu_stop *stop, bool alive)
{
    return alive ? STEP_AGAIN : stop_with(stop, CPU_STOP_TRIPLE_FAULT);
}

static enum next_step attend_breakpoints(struct cpu *cpu, enum cpu_stop *stop)
{
    uint32_t linear = next_linear(cpu);
    struct fault fault;
    /* An interrupt may come first: the breakpoint is passed when its instruction is reached again. */
    bool skip = cpu->skip_breakpoint_at == linear || cpu->s.repeating;
    if (cpu->skip_breakpoint_at == linear) cpu->skip_breakpoint_at = NO_BREAKPOINT;
    if (!skip && breakpoint_at(cpu, linear)) return stop_with(stop, CPU_STOP_BREAKPOINT);
    if (debug_insn_hit(cpu, linear, &fault)) {
        cpu->s.eflags |= FLAG_RF; /* is pushed, so that the handler can return to the instruction */
        return delivered(stop, deliver(cpu, &fault));
    }
    return breakpoint_near(cpu, linear) ? STEP_ONE : STEP_BLOCK;
}

/* Interrupts that can be taken now; STEP_BLOCK when there are none. NMI comes first (SDM 3A, table 6-2). */
static enum next_step attend_interrupts(struct cpu *cpu, enum cpu_stop *stop)
{
    if (cpu->s.interrupt_shadow) return STEP_BLOCK;
    if (cpu->s.nmi_pending && !cpu->s.nmi_blocked) return delivered(stop, deliver_nmi(cpu));
    if (cpu->s.intr && (cpu->s.eflags & FLAG_IF)) return delivered(stop, deliver_interrupt(cpu));
    /* Whoever sets IF, unblocks NMI or raises a line asks again (interrupt_recheck). */
    cpu->attention &= ~(uint32_t)(ATTENTION_INTR | ATTENTION_NMI);
    return STEP_BLOCK;
}

static __attribute__((noinline)) enum next_step attend(struct cpu *cpu, enum cpu_stop *stop)
{
    run_at_boundary(cpu);
    cpu->attention &= ~(uint32_t)ATTENTION_CUT;
    if (cpu->attention & (ATTENTION_RESET | ATTENTION_INIT)) cpu_reset_state(cpu);
    /* Before all else, so that it is not forgotten where a run happens to end here. */
    if (cpu->attention & ATTENTION_PAUSE) {
        cpu->attention &= ~(uint32_t)ATTENTION_PAUSE;
        return stop_with(stop, CPU_STOP_PAUSE);
    }
    bool used_up = cpu->retired_before_block >= cpu->budget;
    if (used_up && delivery_counts(cpu)) return stop_with(stop, CPU_STOP_BUDGET);
    if (cpu->s.debug_status && cpu->s.interrupt_shadow != 2) return delivered(stop, deliver_trap(cpu, false));
    if (cpu->s.shutdown) return stop_with(stop, CPU_STOP_TRIPLE_FAULT);
    if (cpu->attention & ATTENTION_EXIT) {
        cpu->attention &= ~(uint32_t)ATTENTION_EXIT;
        return stop_with(stop, CPU_STOP_ASKED);
    }
    if (cpu->s.wait_for_sipi) return stop_with(stop, CPU_STOP_HALTED);
    if (used_up) return stop_with(stop, CPU_STOP_BUDGET);
    enum next_step step = attend_interrupts(cpu, stop);
    if (step != STEP_BLOCK) return step;
    if (cpu->s.halted) return stop_with(stop, CPU_STOP_HALTED);
    cpu->attention &= ~(uint32_t)ATTENTION_HALT;
    if (cpu->attention & ATTENTION_BREAK) step = attend_breakpoints(cpu, stop);
    bool alone =
        (cpu->attention & (ATTENTION_SHADOW | ATTENTION_PLAIN)) || (cpu->s.eflags & (FLAG_TF | FLAG_RF));
    return step == STEP_BLOCK && alone ? STEP_ONE : step;
}

/* One instruction, and the traps after it. False: shutdown. */
static __attribute__((noinline)) bool run_one(struct cpu *cpu)
{
    bool stepped = cpu->s.eflags & FLAG_TF;
    uint64_t interrupts = cpu->stats.interrupts;
    cpu->s.eflags &= ~(uint64_t)FLAG_RF;
    cpu->s.interrupt_shadow = 0;
    cpu->attention &= ~(uint32_t)ATTENTION_SHADOW;
    cpu->s.repeating = false;
    if (cpu->attention & ATTENTION_PLAIN) tlb_flush(cpu, true);
    run_next(cpu, 1);
    run_at_boundary(cpu);
    /* INT n clears TF and with it the trap; MOV SS holds traps off (SDM 3B, 17.3.1.4; SDM 3A, 6.8.3). */
    if (cpu->stats.interrupts != interrupts || cpu->s.interrupt_shadow == 2) return true;
    return deliver_trap(cpu, stepped);
}

/* Apart from cpu_run, whose setjmp would keep everything in memory. */
static __attribute__((noinline)) enum cpu_stop run_loop(struct cpu *cpu)
{
    for (;;) {
        enum next_step step = STEP_BLOCK;
        if (unlikely(cpu->attention | (cpu->s.eflags & (FLAG_TF | FLAG_RF)))) {
            enum cpu_stop stop = CPU_STOP_BUDGET;
            step = attend(cpu, &stop);
            if (step == STEP_STOP) return stop;
            if (step == STEP_AGAIN) continue;
        }
        uint64_t left = cpu->budget - cpu->retired_before_block;
        if (unlikely(!left)) return CPU_STOP_BUDGET;
        if (likely(step == STEP_BLOCK))
            run_next(cpu, left);
        else if (!run_one(cpu))
            return CPU_STOP_TRIPLE_FAULT;
    }
}

void run_attention_refresh(struct cpu *cpu)
{
    cpu->attention &= ATTENTION_BREAK | ATTENTION_PLAIN | ATTENTION_RESET | ATTENTION_INIT | ATTENTION_EXIT;
    interrupt_recheck(cpu);
    if (cpu->s.interrupt_shadow) cpu->attention |= ATTENTION_SHADOW;
    if (cpu->s.halted || cpu->s.shutdown || cpu->s.wait_for_sipi) cpu->attention |= ATTENTION_HALT;
    if (cpu->s.debug_status) cpu->attention |= ATTENTION_TRAP;
}

enum cpu_stop cpu_run(struct cpu *cpu, uint64_t budget, bool skip_breakpoint)
{
    cpu->retired_before_block = 0;
    cpu->budget = budget;
    cpu->skip_breakpoint_at = skip_breakpoint ? next_linear(cpu) : NO_BREAKPOINT;
    cpu->running = true;
    cpu->attention &= ~(uint32_t)ATTENTION_EXIT;
    run_at_boundary(cpu);
    run_attention_refresh(cpu);
    enum cpu_stop stop;
    if (setjmp(cpu->unwind) && !deliver_fault(cpu))
        stop = CPU_STOP_TRIPLE_FAULT;
    else
        stop = run_loop(cpu);
    run_at_boundary(cpu);
    cpu->running = false;
    cpu->stats.retired += cpu->retired_before_block;
    return stop;
}

/* ---- asking for the CPU ---- */

void cpu_exit_soon(struct cpu *cpu)
{
    if (!cpu->running) return;
    cpu->attention |= ATTENTION_EXIT;
    block_cut(cpu);
}

void cpu_shorten(struct cpu *cpu, uint64_t insns)
{
    if (!cpu->running) return;
    uint64_t now = cpu_retired(cpu), under_way = in_instruction(cpu);
    if (insns < under_way) insns = under_way; /* the instruction under way is finished */
    if (cpu->budget <= now || insns >= cpu->budget - now) return;
    cpu->budget = now + insns;
    if (cpu->budget < cpu->chain_until) cpu->chain_until = cpu->budget;
    if (!under_way) return;
    const struct insn *at = cpu->insn;
    while (insns && at->body != body_block_end) at++, insns--;
    if (!insns) block_mark(cpu, at);
}

void cpu_set_intr(struct cpu *cpu, bool level)
{
    cpu->s.intr = level;
    if (!level) return;
    cpu->attention |= ATTENTION_INTR;
    block_cut(cpu);
}

void cpu_raise_nmi(struct cpu *cpu)
{
    cpu->s.nmi_pending = true;
    cpu->attention |= ATTENTION_NMI;
    block_cut(cpu);
}

void halt_start(struct cpu *cpu)
{
    cpu->s.halted = true;
    cpu->attention |= ATTENTION_HALT;
}

void cpu_set_plain(struct cpu *cpu, bool plain)
{
    cpu->attention &= ~(uint32_t)ATTENTION_PLAIN;
    if (plain) cpu->attention |= ATTENTION_PLAIN;
    code_translation_changed(cpu); /* blocks known so far are not met */
}

void cpu_set_pause_stops(struct cpu *cpu, bool stops)
{
    cpu->pause_stops = stops;
}

void pause_start(struct cpu *cpu)
{
    if (!cpu->pause_stops) return;
    cpu->attention |= ATTENTION_PAUSE;
    block_cut(cpu);
}

bool cpu_halted(const struct cpu *cpu)
{
    return cpu->s.halted || cpu->s.shutdown || cpu->s.wait_for_sipi;
}

bool cpu_idle(const struct cpu *cpu)
{
    if (cpu->s.shutdown || cpu->s.wait_for_sipi) return true;
    bool interrupt =
        (cpu->s.intr && (cpu->s.eflags & FLAG_IF)) || (cpu->s.nmi_pending && !cpu->s.nmi_blocked);
    return cpu->s.halted && !interrupt;
}

/* ---- repeated instructions ---- */

static bool repeat_must_stop(const struct cpu *cpu)
{
    uint32_t harmless = ATTENTION_BREAK;
    if (!(cpu->s.eflags & FLAG_IF)) harmless |= ATTENTION_INTR;
    if (cpu->s.nmi_blocked) harmless |= ATTENTION_NMI;
    return (cpu->attention & ~harmless) || (cpu->s.eflags & FLAG_TF) || cpu_retired(cpu) + 1 >= cpu->budget;
}

/* RF keeps an instruction breakpoint from being met again at each iteration (SDM 3B, 17.3.1.1). */
bool repeat_continue(struct cpu *cpu)
{
    if (likely(!repeat_must_stop(cpu))) {
        cpu->retired_before_block++;
        return true;
    }
    cpu->s.eip = insn_eip(cpu);
    cpu->next_eip_set = true;
    cpu->s.repeating = true;
    cpu->s.eflags |= FLAG_RF;
    return false;
}

uint64_t repeat_limit(const struct cpu *cpu)
{
    /* Also an interrupt that STI held off until after this iteration. */
    return repeat_must_stop(cpu) ? 1 : cpu->budget - cpu_retired(cpu);
}

/* ---- near jumps ---- */

void jump_limit_fault(struct cpu *cpu, uint32_t eip)
{
    struct fault fault = {.vector = FAULT_GP, .has_error = true, .reason = REASON_CS_LIMIT, .address = eip};
    fault_raise(cpu, &fault);
}

/* ---- modes ---- */

void code_mode_changed(struct cpu *cpu)
{
    cpu->code_key &= ~(uint32_t)(KEY_CODE32 | KEY_USER | KEY_FLAT);
    if (cpu_code32(cpu)) cpu->code_key |= KEY_CODE32;
    if (cpu->s.cpl == 3) cpu->code_key |= KEY_USER;
    if ((cpu->flat & FLAT_SEGMENTS) == FLAT_SEGMENTS && cpu->stack_mask == 0xffffffff)
        cpu->code_key |= KEY_FLAT;
}

void cpl_changed(struct cpu *cpu)
{
    cpu->aligning = cpu->s.cpl == 3 && (cpu->s.cr0 & CR0_AM) && (cpu->s.eflags & FLAG_AC);
    cpu->tlb = cpu->aligning ? tlb_none : cpu->tlbs[cpu->s.cpl == 3];
}

/* Bit 1 of what is compared is A20; the others are where CR0, CR4 and EFER have them, which do not meet. */
void mode_changed(struct cpu *cpu)
{
    uint32_t mode = ((uint32_t)cpu->s.cr0 & (CR0_PG | CR0_WP)) |
                    ((uint32_t)cpu->s.cr4 & (CR4_PSE | CR4_PAE | CR4_PGE)) |
                    ((uint32_t)cpu->s.msr_efer & EFER_NXE) | (cpu->s.a20 ? 2u : 0u);
    cpl_changed(cpu);
    code_mode_changed(cpu);
    if (mode == cpu->paging_mode) return;
    cpu->paging_mode = mode;
    tlb_flush(cpu, true);
}

void cpu_set_a20(struct cpu *cpu, bool passed)
{
    cpu->s.a20 = passed;
    mode_changed(cpu);
    block_cut(cpu);
}

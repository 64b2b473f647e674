/* SPDX-License-Identifier: MIT */
/*
 * The run loop: the events that are due, the door, then the CPUs up to the next deadline, counted in instructions;
 * again. With every CPU halted, time jumps to the next event.
 *
 * One CPU runs exactly to the deadline, and ends its run early when a nearer one appears. Several take turns (a round):
 * each runs the same quantum, then time moves on by it; what is scheduled within a quantum fires at its end. A CPU that
 * halts or spins on PAUSE gives up the rest of its turn.
 *
 * However a run is cut into calls of board_run, it is the same run. So a round of several CPUs does not depend on the
 * budget, and what comes in from outside has a defined place: at an instant first all events fire, then the door
 * opens for one event from outside, then whatever that made due, and so on.
 */
#include "emu/board/board_cpus.h"

/* Events may schedule others for the same instant; so many times later the CPU gets an instruction in between. */
#define ROUNDS_PER_INSTANT 1000
/* The longest turn of one CPU among several: what another may have to wait for a lock. */
#define QUANTUM_MOST 4096

void board_stop_soon(struct board *board)
{
    board->requests.stop = true;
    board_interrupt_run(board);
}

int board_exit_status(const struct board *board)
{
    return board->exit_status;
}

uint64_t board_insns(const struct board *board)
{
    return board->insns + (board->cpu_running ? cpu_retired(board->cpus[board->running].cpu) : 0);
}

vtime board_now(const struct board *board)
{
    return clock_now(&board->clock);
}

/* ---- what happened ---- */

/* Carries out what devices asked for; true when the run ends, with the reason. */
static bool serve_requests(struct board *board, enum board_stop *stop)
{
    struct board_requests asked = board->requests;
    board->requests = (struct board_requests){0};
    if (asked.exit) {
        board->exit_status = asked.exit_status;
        *stop = BOARD_STOP_EXIT;
        return true;
    }
    if (asked.power_off) {
        *stop = BOARD_STOP_POWER_OFF;
        return true;
    }
    if (asked.machine_reset || asked.cpu_reset) {
        if (board->config.no_reboot) {
            *stop = BOARD_STOP_RESET;
            return true;
        }
        if (asked.machine_reset)
            board_reset(board);
        else
            board_reset_cpus(board);
    }
    if (asked.start_kernel && board->loader)
        kernel_loader_start(board->loader, board->memory, board->cpus[0].cpu);
    if (!asked.stop) return false;
    *stop = BOARD_STOP_ASKED;
    return true;
}

static bool requests_wait(const struct board *board)
{
    const struct board_requests *asked = &board->requests;
    return asked->stop || asked->power_off || asked->exit || asked->start_kernel || asked->cpu_reset ||
           asked->machine_reset;
}

/* What is due, then the door. True when nothing is left to do at this instant. */
static bool settle(struct board *board)
{
    if (clock_deadline(&board->clock) <= board->clock.base && board->round.settled < ROUNDS_PER_INSTANT) {
        board->round.settled++;
        clock_fire_due(&board->clock);
        return false;
    }
    return !door_let_one_in(&board->door);
}

/* ---- rounds ---- */

/* How far into the round the running CPU is. Within a round the clock never runs backwards from one CPU to the next. */
static uint64_t insns_in_flight(void *owner)
{
    struct board *board = owner;
    const struct board_cpu *cpu = &board->cpus[board->running];
    uint64_t now = cpu->used + cpu_retired(cpu->cpu);
    if (now < board->round.seen) return board->round.seen;
    board->round.seen = now;
    return now;
}

/* A nearer deadline appeared while a CPU runs: one that has the machine to itself ends its run there. */
void board_deadline_moved(void *owner)
{
    struct board *board = owner;
    if (!board->cpu_running || board->config.cpus > 1) return;
    uint64_t due = clock_insns_until(&board->clock, clock_deadline(&board->clock));
    uint64_t used = board->cpus[0].used + cpu_retired(board->cpus[0].cpu);
    cpu_shorten(board->cpus[0].cpu, due > used ? due - used : 0);
}

static bool all_idle(const struct board *board)
{
    for (unsigned n = 0; n < board->config.cpus; n++)
        if (!board_cpu_idle(board, n)) return false;
    return true;
}

/* One CPU's round is as long as the run may be; a round of several knows nothing of the run. */
static void open_round(struct board *board, vtime until, uint64_t most)
{
    bool several = board->config.cpus > 1;
    vtime deadline = clock_deadline(&board->clock);
    if (!several && until < deadline) deadline = until;
    if (several) most = QUANTUM_MOST;
    uint64_t insns = clock_insns_until(&board->clock, deadline);
    if (!insns) insns = 1;
    board->round = (struct board_round){.open = true, .quantum = insns < most ? insns : most};
    for (unsigned n = 0; n < board->config.cpus; n++) board->cpus[n].used = 0;
}

/* Time moves on by what was used at the most: less than the quantum only when everybody gave up before. */
static void close_round(struct board *board)
{
    board->round.open = false;
    clock_advance(&board->clock, board->round.longest);
}

/* One CPU's turn, or what is left of it, of at the most `insns`. */
static enum cpu_stop take_turn(struct board *board, struct board_cpu *cpu, uint64_t insns,
                               bool skip_breakpoint)
{
    uint64_t left = board->round.quantum - cpu->used;
    board->running = cpu->n;
    board->cpu_running = true;
    board->clock.in_flight = insns_in_flight;
    enum cpu_stop stop = cpu_run(cpu->cpu, left < insns ? left : insns, skip_breakpoint);
    board->clock.in_flight = NULL;
    board->cpu_running = false;
    uint64_t retired = cpu_retired(cpu->cpu);
    cpu->used += retired;
    if (cpu->used > board->round.longest) {
        board->insns += cpu->used - board->round.longest;
        board->round.longest = cpu->used;
    }
    return stop;
}

/* Turns from the next CPU on. True when the run ends in the middle of the round. */
static bool take_turns(struct board *board, uint64_t last, bool skip_breakpoint, enum board_stop *stop)
{
    struct board_round *round = &board->round;
    for (; round->next < board->config.cpus; round->next++) {
        struct board_cpu *cpu = &board->cpus[round->next];
        if (board_cpu_idle(board, cpu->n) || cpu->used >= round->quantum) continue;
        /* Beyond `longest` an instruction is a new one for the budget; up to there others have had it. */
        uint64_t room = last - board->insns + (round->longest - cpu->used);
        switch (take_turn(board, cpu, room, skip_breakpoint)) {
        case CPU_STOP_BUDGET:
            if (board->config.cpus == 1 || cpu->used == round->quantum) break;
            *stop = BOARD_STOP_INSNS;
            return true;
        case CPU_STOP_BREAKPOINT: *stop = BOARD_STOP_BREAKPOINT; return true;
        case CPU_STOP_TRIPLE_FAULT:
            if (!board->config.triple_fault_resets) {
                *stop = BOARD_STOP_TRIPLE_FAULT;
                return true;
            }
            board->requests.machine_reset = true;
            break;
        default: break;
        }
        skip_breakpoint = false;
        if (requests_wait(board)) break;
    }
    return false;
}

/* Every CPU is halted: jump to what comes first. True when the run ends. Where the events of this instant have no end,
 * time goes on as if a CPU had run. */
static bool pass_time(struct board *board, vtime until, enum board_stop *stop)
{
    vtime next = clock_deadline(&board->clock);
    if (next == VTIME_NEVER && until == VTIME_NEVER) {
        *stop = BOARD_STOP_IDLE;
        return true;
    }
    if (next <= board->clock.base)
        clock_advance(&board->clock, 1);
    else
        clock_jump(&board->clock, next < until ? next : until);
    board->round.settled = 0;
    return false;
}

enum board_stop board_run(struct board *board, const struct board_budget *budget)
{
    enum board_stop stop = BOARD_STOP_TIME;
    uint64_t last = budget->insns > UINT64_MAX - board->insns ? UINT64_MAX : board->insns + budget->insns;
    bool skip_breakpoint = budget->skip_breakpoint;
    for (;;) {
        if (!board->round.open) {
            bool settled = settle(board);
            if (serve_requests(board, &stop)) return stop;
            if (!settled) continue;
            if (board->clock.base >= budget->until) return BOARD_STOP_TIME;
            if (board->insns >= last) return BOARD_STOP_INSNS;
            if (all_idle(board)) {
                if (pass_time(board, budget->until, &stop)) return stop;
                continue;
            }
            open_round(board, budget->until, last - board->insns);
        }
        if (take_turns(board, last, skip_breakpoint, &stop)) {
            if (board->config.cpus == 1) close_round(board);
            return stop;
        }
        close_round(board);
        skip_breakpoint = false;
    }
}

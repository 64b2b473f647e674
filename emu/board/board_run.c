/* SPDX-License-Identifier: MIT */
/*
 * The run loop: the door, the events that are due, then the CPU up to the next deadline, counted in
 * instructions; again. With the CPU halted, time jumps to the next event.
 */
#include "emu/board/board_internal.h"

#include "emu/core/log.h"

/* Events may schedule others for the same instant; this many rounds later the CPU gets an instruction in
 * between. */
#define ROUNDS_PER_INSTANT 1000

void board_stop_soon(struct board *board)
{
    board->requests.stop = true;
    cpu_exit_soon(board->cpu);
}

int board_exit_status(const struct board *board)
{
    return board->exit_status;
}

uint64_t board_insns(const struct board *board)
{
    return board->insns + (board->cpu_running ? cpu_retired(board->cpu) : 0);
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
            cpu_reset(board->cpu);
    }
    if (asked.start_kernel && board->loader) kernel_loader_start(board->loader, board->memory, board->cpu);
    if (!asked.stop) return false;
    *stop = BOARD_STOP_ASKED;
    return true;
}

/* The door, then what is due. False when something at this instant wants another round. */
static bool settle(struct board *board)
{
    door_let_in(&board->door);
    clock_fire_due(&board->clock);
    return clock_deadline(&board->clock) > board->clock.base && !door_waiting(&board->door);
}

/* ---- the loop ---- */

static uint64_t insns_in_flight(void *owner)
{
    return cpu_retired(((struct board *)owner)->cpu);
}

static enum cpu_stop run_cpu(struct board *board, uint64_t insns, bool skip_breakpoint)
{
    board->cpu_running = true;
    board->clock.in_flight = insns_in_flight;
    enum cpu_stop stop = cpu_run(board->cpu, insns, skip_breakpoint);
    board->clock.in_flight = NULL;
    board->cpu_running = false;
    uint64_t retired = cpu_retired(board->cpu);
    board->insns += retired;
    clock_advance(&board->clock, retired);
    return stop;
}

/* The CPU is halted: jump to what comes first. True when the run ends. */
static bool pass_time(struct board *board, vtime until, enum board_stop *stop)
{
    vtime next = clock_deadline(&board->clock);
    if (next == VTIME_NEVER && until == VTIME_NEVER) {
        *stop = BOARD_STOP_IDLE;
        return true;
    }
    clock_jump(&board->clock, next < until ? next : until);
    return false;
}

enum board_stop board_run(struct board *board, const struct board_budget *budget)
{
    enum board_stop stop = BOARD_STOP_TIME;
    uint64_t last = budget->insns > UINT64_MAX - board->insns ? UINT64_MAX : board->insns + budget->insns;
    bool skip_breakpoint = budget->skip_breakpoint;
    unsigned rounds = 0;
    for (;;) {
        bool settled = settle(board) || ++rounds >= ROUNDS_PER_INSTANT;
        if (serve_requests(board, &stop)) return stop;
        if (!settled) continue;
        rounds = 0;
        if (board->clock.base >= budget->until) return BOARD_STOP_TIME;
        if (board->insns >= last) return BOARD_STOP_INSNS;

        if (cpu_idle(board->cpu)) {
            if (pass_time(board, budget->until, &stop)) return stop;
            continue;
        }
        vtime deadline = clock_deadline(&board->clock);
        uint64_t insns =
            clock_insns_until(&board->clock, deadline < budget->until ? deadline : budget->until);
        if (!insns) insns = 1;
        if (insns > last - board->insns) insns = last - board->insns;
        switch (run_cpu(board, insns, skip_breakpoint)) {
        case CPU_STOP_BREAKPOINT: return BOARD_STOP_BREAKPOINT;
        case CPU_STOP_TRIPLE_FAULT:
            if (!board->config.triple_fault_resets) return BOARD_STOP_TRIPLE_FAULT;
            board->requests.machine_reset = true;
            break;
        default: break;
        }
        skip_breakpoint = false;
    }
}

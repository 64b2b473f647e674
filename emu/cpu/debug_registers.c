/* SPDX-License-Identifier: MIT */
/*
 * Debug registers: breakpoints of DR0-3, DR6 and DR7, general detect, single step. SDM 3B, 17.2 and 17.3.
 */
#include "emu/cpu/flags.h"
#include "emu/cpu/system.h"

#define DR6_SET      0xffff0ff0u /* bits that read as 1 */
#define DR6_WRITABLE 0x0000e00fu
#define DR6_BD       (1u << 13)
#define DR6_BS       (1u << 14)
#define DR6_BT       (1u << 15)
#define DR7_LOCAL    0x155u /* L0 to L3, LE */
#define DR7_SET      0x00000400u
#define DR7_WRITABLE 0xffff23ffu
#define DR7_GD       (1u << 13)

enum breakpoint_kind { BREAKPOINT_EXECUTE, BREAKPOINT_WRITE, BREAKPOINT_IO, BREAKPOINT_ACCESS };

struct debug_breakpoint {
    bool enabled;
    enum breakpoint_kind kind;
    uint32_t first, last; /* bytes it covers */
};

/* Breakpoint `n`, from DR7 and DRn: the address is taken without the bits that the length covers. */
static struct debug_breakpoint breakpoint_get(const struct cpu *cpu, unsigned n)
{
    uint32_t dr7 = (uint32_t)cpu->s.dr[7], mask = dr7 >> (18 + 4 * n) & 3;
    struct debug_breakpoint breakpoint = {.enabled = dr7 >> (2 * n) & 3, .kind = dr7 >> (16 + 4 * n) & 3};
    if (mask == 2) mask = 7; /* eight bytes on the processors that have it; undefined on others */
    breakpoint.first = (uint32_t)cpu->s.dr[n] & ~mask;
    breakpoint.last = breakpoint.first | mask;
    if (breakpoint.kind == BREAKPOINT_IO && !(cpu->s.cr4 & CR4_DE)) breakpoint.enabled = false;
    return breakpoint;
}

static bool any_enabled(const struct cpu *cpu)
{
    return cpu->s.dr[7] & 0xff;
}

void debug_attention_refresh(struct cpu *cpu)
{
    bool executes = false;
    for (unsigned n = 0; n < 4; n++) {
        struct debug_breakpoint breakpoint = breakpoint_get(cpu, n);
        executes |= breakpoint.enabled && breakpoint.kind == BREAKPOINT_EXECUTE;
    }
    if (executes || cpu->breakpoint_count)
        cpu->attention |= ATTENTION_BREAK;
    else
        cpu->attention &= ~(uint32_t)ATTENTION_BREAK;
}

void debug_registers_changed(struct cpu *cpu)
{
    debug_attention_refresh(cpu);
    tlb_flush(cpu, true);
}

bool debug_page_watched(const struct cpu *cpu, uint64_t linear)
{
    uint32_t page = (uint32_t)linear >> 12;
    if (!any_enabled(cpu)) return false;
    for (unsigned n = 0; n < 4; n++) {
        struct debug_breakpoint breakpoint = breakpoint_get(cpu, n);
        bool data = breakpoint.kind == BREAKPOINT_WRITE || breakpoint.kind == BREAKPOINT_ACCESS;
        if (breakpoint.enabled && data && breakpoint.first >> 12 == page) return true;
    }
    return false;
}

/* DR6 bits of the enabled breakpoints of one of these kinds (a bit each) that touch `size` bytes at
 * `address`. */
static uint32_t breakpoint_hits(const struct cpu *cpu, uint32_t address, unsigned size, unsigned kinds)
{
    uint32_t hits = 0;
    for (unsigned n = 0; n < 4; n++) {
        struct debug_breakpoint breakpoint = breakpoint_get(cpu, n);
        bool overlaps = address - breakpoint.first <= breakpoint.last - breakpoint.first ||
                        breakpoint.first - address < size;
        if (breakpoint.enabled && (kinds >> breakpoint.kind & 1) && overlaps) hits |= BIT(n);
    }
    return hits;
}

static void trap_after(struct cpu *cpu, uint32_t hits)
{
    if (!hits) return;
    cpu->s.debug_status |= hits;
    cpu->attention |= ATTENTION_TRAP;
    block_cut(cpu);
}

void debug_data_check(struct cpu *cpu, uint64_t linear, unsigned size, bool write)
{
    unsigned kinds = BIT(BREAKPOINT_ACCESS) | (write ? BIT(BREAKPOINT_WRITE) : 0);
    uint32_t hits = any_enabled(cpu) ? breakpoint_hits(cpu, (uint32_t)linear, size, kinds) : 0;
    trap_after(cpu, hits);
}

void debug_io_check(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint32_t hits = any_enabled(cpu) ? breakpoint_hits(cpu, port, size, BIT(BREAKPOINT_IO)) : 0;
    trap_after(cpu, hits);
}

/* The handler can use the debug registers: GD is cleared on the way to it. */
static void debug_exception(struct cpu *cpu, uint32_t status, enum fault_reason reason, struct fault *fault)
{
    cpu->s.dr[6] |= status;
    cpu->s.dr[7] &= ~(uint64_t)DR7_GD;
    *fault = (struct fault){.vector = FAULT_DB, .reason = reason};
}

bool debug_insn_hit(struct cpu *cpu, uint64_t linear, struct fault *fault)
{
    if (!any_enabled(cpu) || (cpu->s.eflags & FLAG_RF)) return false;
    uint32_t hits = breakpoint_hits(cpu, (uint32_t)linear, 1, BIT(BREAKPOINT_EXECUTE));
    if (!hits) return false;
    debug_exception(cpu, hits, REASON_DEBUG_INSN_BREAKPOINT, fault);
    fault->address = (uint32_t)linear;
    return true;
}

static enum fault_reason trap_reason(uint32_t hits)
{
    if (hits & DR6_BT) return REASON_DEBUG_TASK_SWITCH;
    return hits ? REASON_DEBUG_DATA_BREAKPOINT : REASON_DEBUG_SINGLE_STEP;
}

bool debug_trap_take(struct cpu *cpu, bool stepped, struct fault *fault)
{
    uint32_t hits = cpu->s.debug_status;
    if (!hits && !stepped) return false;
    cpu->s.debug_status = 0;
    debug_exception(cpu, hits | (stepped ? DR6_BS : 0), trap_reason(hits), fault);
    return true;
}

void debug_task_switched(struct cpu *cpu, bool trap)
{
    bool local = cpu->s.dr[7] & DR7_LOCAL;
    cpu->s.dr[7] &= ~(uint64_t)DR7_LOCAL;
    if (local) debug_registers_changed(cpu);
    if (trap) trap_after(cpu, DR6_BT);
}

void debug_general_detect(struct cpu *cpu)
{
    struct fault fault;
    if (!(cpu->s.dr[7] & DR7_GD)) return;
    debug_exception(cpu, DR6_BD, REASON_DEBUG_GENERAL_DETECT, &fault);
    fault_raise(cpu, &fault);
}

void debug_register_write(struct cpu *cpu, unsigned n, uint32_t value)
{
    if (n == 6) value = (value & DR6_WRITABLE) | DR6_SET;
    if (n == 7) value = (value & DR7_WRITABLE) | DR7_SET;
    cpu->s.dr[n] = value;
    if (n != 6) debug_registers_changed(cpu);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the comparison may not ask for: rows that user mode cannot test, flags and results that the manual leaves undefined
 * (SDM 2, "Flags Affected" of each instruction; SDM 1, appendix A), and the places where vendors differ from the manual.
 */
#include "tests/silicon/silicon.h"

#include <string.h>
#include "emu/cpu/flags.h"

/* ---- rows left out ---- */

static const struct {
    uint16_t first, last;
    const char *why;
} left_out[] = {
    {0x9b, 0x9b, "FPU: tested apart"},
    {0xd8, 0xdf, "FPU: tested apart"},
    {0xf1, 0xf1, "INT1: hypervisors get its return address wrong"},
    {0x0f00, 0x0f00, "SLDT, STR: the host's own tables, hidden by UMIP; VERR, VERW: by name below"},
    {0x0f01, 0x0f01, "SGDT, SIDT, SMSW: the host's own tables, hidden or emulated under UMIP"},
    {0x0f05, 0x0f05, "SYSCALL calls the host's kernel"},
    {0x0f0d, 0x0f1f, "hints: newer processors gave some of them a meaning"},
    {0x0f31, 0x0f31, "RDTSC counts"},
    {0x0f33, 0x0f33, "RDPMC counts"},
    {0x0f34, 0x0f35, "SYSENTER calls the host's kernel"},
    {0x0f77, 0x0f77, "MMX state"},
    {0x0fa2, 0x0fa2, "CPUID tells what the processor is"},
    {0x0fae, 0x0fae, "FXSAVE and its neighbours"},
    {0x0fb8, 0x0fb8, "POPCNT on newer processors"},
    {0x0fff, 0x0fff, "UD0: vendors disagree on its length"},
};

/* Holes of the groups that newer processors filled. */
static const char *hole_left_out(const struct row_place *place)
{
    if (place->opcode == 0x8f) return "XOP on some processors";
    if (place->opcode == 0x0fc7) return "RDRAND and others on newer processors";
    if ((place->opcode == 0xc6 || place->opcode == 0xc7) && place->group == 7) return "XABORT, XBEGIN";
    return NULL;
}

const char *row_left_out(const struct row_place *place)
{
    for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (place->opcode < left_out[i].first || place->opcode > left_out[i].last) continue;
        if (place->opcode == 0x0f00 && (place->group == 4 || place->group == 5)) return NULL; /* VERR, VERW */
        if (place->opcode == 0x0f01 && (place->group == 2 || place->group == 3 || place->group == 6))
            return NULL;
        return left_out[i].why;
    }
    return place->row ? NULL : hole_left_out(place);
}

/* ---- undefined flags ---- */

/* The modulo-32 count of a shift or rotate. */
static unsigned shift_count(const struct silicon_case *c)
{
    const char *operands = c->row->operands;
    const char *last = strrchr(operands, ',');
    if (!strcmp(last, ",1")) return 1;
    if (!strcmp(last, ",CL")) return c->gpr[CPU_ECX] & 31;
    return c->bytes[c->length - 1] & 31u;
}

static unsigned operand_bits(const struct silicon_case *c)
{
    return c->row->operands[1] == 'b' ? 8 : c->operand_size * 8u;
}

static bool name_in(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (!strcmp(name, *list)) return true;
    }
    return false;
}

static uint32_t undefined_after_shift(const struct silicon_case *c, bool rotate)
{
    unsigned count = shift_count(c), bits = operand_bits(c);
    uint32_t flags = count > 1 ? FLAG_OF : 0;
    if (count && !rotate) flags |= FLAG_AF;
    /* "undefined for SHL and SHR instructions where the count is greater than or equal to the size": SAL/SAR/SHL/SHR */
    if (count >= bits && !rotate && strcmp(c->row->name, "sar")) flags |= FLAG_CF;
    return flags;
}

static uint32_t undefined_after_double_shift(const struct silicon_case *c)
{
    unsigned count = shift_count(c);
    if (count > operand_bits(c)) return FLAG_ARITHMETIC;
    return (count > 1 ? FLAG_OF : 0u) | (count ? FLAG_AF : 0u);
}

uint32_t undefined_flags(const struct silicon_case *c)
{
    static const char *const logic[] = {"and", "or", "xor", "test", NULL};
    static const char *const shifts[] = {"shl", "shr", "sar", NULL};
    static const char *const rotates[] = {"rol", "ror", "rcl", "rcr", NULL};
    static const char *const double_shifts[] = {"shld", "shrd", NULL};
    static const char *const multiplications[] = {"mul", "imul", NULL};
    static const char *const divisions[] = {"div", "idiv", NULL};
    static const char *const bit_tests[] = {"bt", "bts", "btr", "btc", NULL};
    static const char *const bit_scans[] = {"bsf", "bsr", NULL};
    static const char *const decimal[] = {"daa", "das", NULL};
    static const char *const ascii_add[] = {"aaa", "aas", NULL};
    static const char *const ascii_multiply[] = {"aam", "aad", NULL};
    const char *name = c->row ? c->row->name : NULL;
    if (!name) return 0;
    if (name_in(name, logic)) return FLAG_AF;
    if (name_in(name, shifts)) return undefined_after_shift(c, false);
    if (name_in(name, rotates)) return undefined_after_shift(c, true);
    if (name_in(name, double_shifts)) return undefined_after_double_shift(c);
    if (name_in(name, multiplications)) return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
    if (name_in(name, divisions)) return FLAG_ARITHMETIC;
    if (name_in(name, bit_tests)) return FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
    if (name_in(name, bit_scans)) return FLAG_ARITHMETIC & ~FLAG_ZF;
    if (name_in(name, decimal)) return FLAG_OF;
    if (name_in(name, ascii_add)) return FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF;
    if (name_in(name, ascii_multiply)) return FLAG_OF | FLAG_AF | FLAG_CF;
    return 0;
}

bool undefined_result(const struct silicon_case *c)
{
    const char *name = c->row ? c->row->name : "";
    if (!strcmp(name, "shld") || !strcmp(name, "shrd")) return shift_count(c) > operand_bits(c);
    return !strcmp(name, "bswap") && c->operand_size == 2;
}

/* ---- vendors ---- */

struct case_pair {
    const struct silicon_case *c;
    const struct silicon_result *silicon, *ours;
    struct difference d;
};

/* The difference lies in these fields and nowhere else. */
static bool only(const struct difference *d, struct difference allowed)
{
    return !((d->gpr && !allowed.gpr) || (d->eip && !allowed.eip) || (d->flag_bits & ~allowed.flag_bits) ||
             (d->selector && !allowed.selector) || (d->vector && !allowed.vector) ||
             (d->error && !allowed.error) || (d->cr2 && !allowed.cr2) || (d->memory && !allowed.memory));
}

static bool row_named(const struct silicon_case *c, const char *const *names)
{
    return c->row && name_in(c->row->name, names);
}

static bool trap_within_repeat(const struct case_pair *p)
{
    return p->c->rep && p->silicon->vector == FAULT_DB &&
           only(&p->d, (struct difference){.flag_bits = FLAG_RF});
}

static bool io_checked_before_count(const struct case_pair *p)
{
    static const char *const names[] = {"insb", "ins", "outsb", "outs", NULL};
    return row_named(p->c, names) && p->c->rep && p->silicon->vector == FAULT_GP && p->ours->eip != p->c->eip;
}

static bool far_return_order(const struct case_pair *p)
{
    static const char *const names[] = {"retf", "iret", NULL};
    return row_named(p->c, names) && !is_trap(p->silicon->vector) && !is_trap(p->ours->vector) &&
           only(&p->d, (struct difference){.cr2 = true, .vector = true, .error = true});
}

static bool comparison_order(const struct case_pair *p)
{
    static const char *const names[] = {"cmpsb", "cmps", NULL};
    return row_named(p->c, names) && !is_trap(p->silicon->vector) && !is_trap(p->ours->vector) &&
           only(&p->d, (struct difference){.cr2 = true, .vector = true, .error = true});
}

static bool arpl_reads_first(const struct case_pair *p)
{
    static const char *const names[] = {"arpl", NULL};
    return row_named(p->c, names) && p->ours->vector == FAULT_GP &&
           (p->silicon->eip != p->c->eip || p->silicon->vector == FAULT_PF);
}

static bool ud1_without_operand(const struct case_pair *p)
{
    static const char *const names[] = {"ud1", NULL};
    return row_named(p->c, names) && p->silicon->vector == FAULT_UD;
}

/* CS with a limit that ends within the instruction. */
static bool fetch_beyond_limit(const struct case_pair *p)
{
    return p->silicon->vector == FAULT_GP && only(&p->d, (struct difference){.flag_bits = FLAG_RF}) &&
           p->c->eip + p->c->length - 1 > segment_limit(p->c->selector[CPU_CS]);
}

static bool push_before_checks(const struct case_pair *p)
{
    static const char *const names[] = {"call", "call far", NULL};
    if (!row_named(p->c, names) || is_trap(p->silicon->vector)) return false;
    return only(&p->d, (struct difference){.memory = true}) || p->ours->vector == FAULT_GP;
}

static bool registers_before_fault(const struct case_pair *p)
{
    static const char *const names[] = {"popa", NULL};
    return row_named(p->c, names) && !is_trap(p->silicon->vector) &&
           only(&p->d, (struct difference){.gpr = true});
}

static bool lock_checked_late(const struct case_pair *p)
{
    static const char *const names[] = {"verr", "verw", "lar", "lsl", NULL};
    return row_named(p->c, names) && memchr(p->c->bytes, 0xf0, p->c->length) && p->ours->vector == FAULT_UD;
}

/* Bits 19:16 are "undefined" (SDM 2, LAR). */
static bool lar_limit_bits(const struct case_pair *p)
{
    static const char *const names[] = {"lar", NULL};
    unsigned differing = 0;
    for (unsigned n = 0; n < 8; n++) differing |= p->silicon->gpr[n] ^ p->ours->gpr[n];
    return row_named(p->c, names) && only(&p->d, (struct difference){.gpr = true}) &&
           !(differing & ~0xf0000u);
}

/* F3 E0 is LOOPE, F2 E1 is LOOPNE. */
static bool repeat_prefix_of_loop(const struct case_pair *p)
{
    static const char *const names[] = {"loope", "loopne", NULL};
    uint8_t other = p->c->row && !strcmp(p->c->row->name, "loope") ? 0xf2 : 0xf3;
    return row_named(p->c, names) && memchr(p->c->bytes, other, p->c->length - 2u) &&
           only(&p->d, (struct difference){.eip = true, .vector = true});
}

static const struct {
    enum vendor vendor; /* VENDOR_UNKNOWN: all of them */
    bool (*applies)(const struct case_pair *pair);
    const char *why;
} vendor_list[] = {
    {VENDOR_UNKNOWN, lar_limit_bits, "LAR gives bits 19:16 of the descriptor, or zeros"},
    {VENDOR_AMD, trap_within_repeat,
     "RF stays clear in the image of a trap between iterations (SDM 3B, 17.3.1.1)"},
    {VENDOR_AMD, fetch_beyond_limit, "RF stays clear in the image of #GP for a fetch beyond the limit of CS"},
    {VENDOR_AMD, io_checked_before_count, "REP INS and OUTS check the port before they look at a count of 0"},
    {VENDOR_AMD, far_return_order,
     "far returns read the whole frame, CS before EIP, before they check anything"},
    {VENDOR_AMD, comparison_order, "CMPS reads ES:EDI before DS:ESI: the other operand faults"},
    {VENDOR_AMD, arpl_reads_first,
     "ARPL does not ask for a writable segment before it has something to write"},
    {VENDOR_AMD, ud1_without_operand, "UD1 does not fetch the bytes of its operand"},
    {VENDOR_AMD, push_before_checks, "calls push before they check the target"},
    {VENDOR_AMD, registers_before_fault, "POPA has loaded the registers before the one that faults"},
    {VENDOR_AMD, repeat_prefix_of_loop, "REP and REPNE before LOOPNE and LOOPE choose the condition"},
    {VENDOR_AMD, lock_checked_late, "VERR, VERW, LAR and LSL read their operand before they refuse LOCK"},
};

const char *vendor_explains(enum vendor vendor, const struct silicon_case *c,
                            const struct silicon_result *silicon, const struct silicon_result *ours,
                            const struct difference *difference)
{
    struct case_pair pair = {c, silicon, ours, *difference};
    for (unsigned i = 0; i < sizeof vendor_list / sizeof *vendor_list; i++) {
        if (vendor_list[i].vendor != VENDOR_UNKNOWN && vendor_list[i].vendor != vendor) continue;
        if (vendor_list[i].applies(&pair)) return vendor_list[i].why;
    }
    return NULL;
}

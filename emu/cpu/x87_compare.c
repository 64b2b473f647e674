/* SPDX-License-Identifier: MIT */
/* Comparisons and FXAM (SDM 1, 8.3.6; SDM 2). */
#include "emu/cpu/flags.h"
#include "emu/cpu/x87_internal.h"

static void set_conditions(struct x87_state *fpu, unsigned conditions)
{
    fpu->status = (uint16_t)((fpu->status & ~X87_CONDITIONS) | conditions);
}

/* SDM 2, table 3-21. */
static void set_order(struct x87_state *fpu, enum float_order order)
{
    static const uint16_t conditions[] = {
        [FLOAT_LESS] = X87_C0,
        [FLOAT_EQUAL] = X87_C3,
        [FLOAT_GREATER] = 0,
        [FLOAT_UNORDERED] = X87_C0 | X87_C2 | X87_C3,
    };
    set_conditions(fpu, conditions[order]);
}

/* ---- into C0, C2, C3 ---- */

/* Only an unmasked invalid operand keeps the result back; a denormal does not. */
static bool order_counts(const struct float_env *env)
{
    return !(env->raised & ~env->masks & FLOAT_INVALID);
}

/* True: the instruction may pop. */
static bool compare(struct cpu *cpu, struct float80 operand, bool quiet, struct float_env *env)
{
    struct x87_state *fpu = x87_of(cpu);
    enum float_order order = float80_compare(x87_get(fpu, 0), operand, quiet, env);
    bool done = x87_conclude(cpu, env);
    if (order_counts(env)) set_order(fpu, order);
    return done;
}

static bool compare_underflow(struct cpu *cpu)
{
    if (!x87_underflow(cpu)) return false;
    set_order(x87_of(cpu), FLOAT_UNORDERED);
    return true;
}

/* FCOM is /2, FCOMP /3. */
static void compare_memory(struct cpu *cpu, const struct insn *insn, struct float80 operand,
                           struct float_env *env)
{
    bool done = x87_empty(x87_of(cpu), 0) ? compare_underflow(cpu) : compare(cpu, operand, false, env);
    if (done && (insn->reg & 1)) x87_pop(x87_of(cpu));
}

void body_fcom_m32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    compare_memory(cpu, insn, float80_from_float32(mem_read32(cpu, insn->segment, insn_ea(cpu, insn)), &env),
                   &env);
}

void body_fcom_m64(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    compare_memory(cpu, insn, float80_from_float64(mem_read64(cpu, insn->segment, insn_ea(cpu, insn)), &env),
                   &env);
}

void body_ficom_m16(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    compare_memory(cpu, insn, float80_from_int64((int16_t)mem_read16(cpu, insn->segment, insn_ea(cpu, insn))),
                   &env);
}

void body_ficom_m32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    compare_memory(cpu, insn, float80_from_int64((int32_t)mem_read32(cpu, insn->segment, insn_ea(cpu, insn))),
                   &env);
}

static void compare_register(struct cpu *cpu, unsigned i, bool quiet, unsigned pops)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    bool empty = x87_empty(fpu, 0) || x87_empty(fpu, i);
    bool done = empty ? compare_underflow(cpu) : compare(cpu, x87_get(fpu, i), quiet, &env);
    if (!done) return;
    while (pops--) x87_pop(fpu);
}

void body_fcom_sti(struct cpu *cpu, const struct insn *insn)
{
    compare_register(cpu, insn->rm, false, insn->reg & 1);
}

void body_fcomp_sti(struct cpu *cpu, const struct insn *insn)
{
    compare_register(cpu, insn->rm, false, 1);
}

void body_fcompp(struct cpu *cpu, const struct insn *insn)
{
    compare_register(cpu, insn->rm, false, 2);
}

/* FUCOM is /4, FUCOMP /5. */
void body_fucom_sti(struct cpu *cpu, const struct insn *insn)
{
    compare_register(cpu, insn->rm, true, insn->reg & 1);
}

void body_fucompp(struct cpu *cpu, const struct insn *insn)
{
    compare_register(cpu, insn->rm, true, 2);
}

void body_ftst(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    (void)insn;
    if (x87_empty(x87_of(cpu), 0))
        compare_underflow(cpu);
    else
        compare(cpu, float80_zero(false), false, &env);
}

/* ---- into EFLAGS: DB without, DF with pop ---- */

static const uint32_t order_flags[] = {
    [FLOAT_LESS] = FLAG_CF,
    [FLOAT_EQUAL] = FLAG_ZF,
    [FLOAT_GREATER] = 0,
    [FLOAT_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF,
};

/* OF, SF and AF become 0 in any case. */
static void set_order_flags(struct cpu *cpu, uint32_t flags)
{
    flags_load_arithmetic(cpu, flags & (FLAG_ZF | FLAG_PF | FLAG_CF));
}

static void compare_flags(struct cpu *cpu, const struct insn *insn, bool quiet)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    enum float_order order = FLOAT_UNORDERED;
    bool counts, done;
    if (x87_empty(fpu, 0) || x87_empty(fpu, insn->rm)) {
        counts = done = x87_underflow(cpu);
    } else {
        order = float80_compare(x87_get(fpu, 0), x87_get(fpu, insn->rm), quiet, &env);
        done = x87_conclude(cpu, &env);
        counts = order_counts(&env);
    }
    set_order_flags(cpu, counts ? order_flags[order] : flags_compose(cpu));
    if (done && insn->opcode == 0xdf) x87_pop(fpu);
}

void body_fcomi(struct cpu *cpu, const struct insn *insn)
{
    compare_flags(cpu, insn, false);
}

void body_fucomi(struct cpu *cpu, const struct insn *insn)
{
    compare_flags(cpu, insn, true);
}

/* ---- FXAM ---- */

void body_fxam(struct cpu *cpu, const struct insn *insn)
{
    static const uint16_t conditions[] = {
        [FLOAT80_UNSUPPORTED] = 0, [FLOAT80_SNAN] = X87_C0,
        [FLOAT80_QNAN] = X87_C0,   [FLOAT80_INFINITE] = X87_C2 | X87_C0,
        [FLOAT80_ZERO] = X87_C3,   [FLOAT80_DENORMAL] = X87_C3 | X87_C2,
        [FLOAT80_NORMAL] = X87_C2,
    };
    struct x87_state *fpu = x87_of(cpu);
    struct float80 value = x87_get(fpu, 0);
    (void)insn;
    set_conditions(fpu, x87_empty(fpu, 0) ? X87_C3 | X87_C0 : conditions[float80_classify(value)]);
    x87_set_c1(fpu, float80_sign(value));
}

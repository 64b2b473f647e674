/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic instructions (SDM 1, 8.3.5). In D8, DA, DC and DE, ModRM.reg names the operation, the opcode the
 * other operand and the destination. Reversed forms compute operand - ST(0) whatever the destination is.
 */
#include "emu/cpu/x87_internal.h"

typedef struct float80 operation(struct float80 a, struct float80 b, struct float_env *env);

static struct float80 reversed_sub(struct float80 a, struct float80 b, struct float_env *env)
{
    return float80_sub(b, a, env);
}

static struct float80 reversed_div(struct float80 a, struct float80 b, struct float_env *env)
{
    return float80_div(b, a, env);
}

/* By ModRM.reg; 2 and 3 are comparisons (x87_compare.c). */
static operation *const operations[8] = {float80_add, float80_mul,  NULL,        NULL,
                                         float80_sub, reversed_sub, float80_div, reversed_div};

/* ST(0) and an operand that is already there; the result goes to ST(to). True: stored. */
static bool arith(struct cpu *cpu, const struct insn *insn, struct float80 operand, unsigned to,
                  struct float_env *env)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float80 result = operations[insn->reg](x87_get(fpu, 0), operand, env);
    if (!x87_conclude(cpu, env)) return false;
    x87_set(fpu, to, result);
    return true;
}

/* A register that the instruction needs is empty. */
static bool arith_underflow(struct cpu *cpu, unsigned to)
{
    if (!x87_underflow(cpu)) return false;
    x87_set(x87_of(cpu), to, float80_indefinite());
    return true;
}

static void arith_memory(struct cpu *cpu, const struct insn *insn, struct float80 operand,
                         struct float_env *env)
{
    if (unlikely(x87_empty(x87_of(cpu), 0)))
        arith_underflow(cpu, 0);
    else
        arith(cpu, insn, operand, 0, env);
}

void body_x87_arith_m32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    arith_memory(cpu, insn, float80_from_float32(mem_read32(cpu, insn->segment, insn_ea(cpu, insn)), &env),
                 &env);
}

void body_x87_arith_m64(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    arith_memory(cpu, insn, float80_from_float64(mem_read64(cpu, insn->segment, insn_ea(cpu, insn)), &env),
                 &env);
}

void body_x87_arith_i16(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    arith_memory(cpu, insn, float80_from_int64((int16_t)mem_read16(cpu, insn->segment, insn_ea(cpu, insn))),
                 &env);
}

void body_x87_arith_i32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    arith_memory(cpu, insn, float80_from_int64((int32_t)mem_read32(cpu, insn->segment, insn_ea(cpu, insn))),
                 &env);
}

static bool arith_registers(struct cpu *cpu, const struct insn *insn, unsigned to)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    if (unlikely(x87_empty(fpu, 0) || x87_empty(fpu, insn->rm))) return arith_underflow(cpu, to);
    return arith(cpu, insn, x87_get(fpu, insn->rm), to, &env);
}

void body_x87_arith_st0(struct cpu *cpu, const struct insn *insn)
{
    arith_registers(cpu, insn, 0);
}

void body_x87_arith_sti(struct cpu *cpu, const struct insn *insn)
{
    arith_registers(cpu, insn, insn->rm);
}

void body_x87_arith_sti_pop(struct cpu *cpu, const struct insn *insn)
{
    if (arith_registers(cpu, insn, insn->rm)) x87_pop(x87_of(cpu));
}

/* ---- one operand ---- */

void body_fchs(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    (void)insn;
    if (x87_empty(fpu, 0)) {
        arith_underflow(cpu, 0);
        return;
    }
    x87_set_c1(fpu, false);
    x87_set(fpu, 0, float80_negate(x87_get(fpu, 0)));
}

void body_fabs(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    (void)insn;
    if (x87_empty(fpu, 0)) {
        arith_underflow(cpu, 0);
        return;
    }
    x87_set_c1(fpu, false);
    struct float80 value = x87_get(fpu, 0);
    value.sign_exponent &= FLOAT80_EXPONENT;
    x87_set(fpu, 0, value);
}

static void unary(struct cpu *cpu, struct float80 (*compute)(struct float80 a, struct float_env *env))
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    if (x87_empty(fpu, 0)) {
        arith_underflow(cpu, 0);
        return;
    }
    struct float80 result = compute(x87_get(fpu, 0), &env);
    if (x87_conclude(cpu, &env)) x87_set(fpu, 0, result);
}

void body_fsqrt(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    unary(cpu, float80_sqrt);
}

void body_frndint(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    unary(cpu, float80_round_to_integer);
}

/* ---- ST(0) and ST(1) ---- */

void body_fscale(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    (void)insn;
    if (x87_empty(fpu, 0) || x87_empty(fpu, 1)) {
        arith_underflow(cpu, 0);
        return;
    }
    struct float80 result = float80_scale(x87_get(fpu, 0), x87_get(fpu, 1), &env);
    if (x87_conclude(cpu, &env)) x87_set(fpu, 0, result);
}

/* Bits 2, 1 and 0 of the quotient go to C0, C3 and C1; C2: not finished (SDM 2, FPREM). */
static unsigned quotient_conditions(uint64_t quotient, bool partial)
{
    if (partial) return X87_C2;
    return (quotient & 4 ? X87_C0 : 0u) | (quotient & 2 ? X87_C3 : 0u) | (quotient & 1 ? X87_C1 : 0u);
}

static void remainder_step(struct cpu *cpu, bool nearest)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    uint64_t quotient;
    bool partial;
    if (x87_empty(fpu, 0) || x87_empty(fpu, 1)) {
        fpu->status &= (uint16_t)~X87_C2;
        arith_underflow(cpu, 0);
        return;
    }
    struct float80 result =
        float80_remainder(x87_get(fpu, 0), x87_get(fpu, 1), nearest, &quotient, &partial, &env);
    fpu->status &= (uint16_t)~X87_C2;
    if (!x87_conclude(cpu, &env)) return;
    if (!float80_is_nan(result))
        fpu->status = (uint16_t)((fpu->status & ~X87_CONDITIONS) | quotient_conditions(quotient, partial));
    x87_set(fpu, 0, result);
}

void body_fprem(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    remainder_step(cpu, false);
}

void body_fprem1(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    remainder_step(cpu, true);
}

/* The exponent replaces ST(0), the significand is pushed. */
void body_fxtract(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    struct float80 exponent = float80_indefinite(), significand = exponent;
    (void)insn;
    if (x87_empty(fpu, 0)) {
        if (!x87_underflow(cpu)) return;
    } else if (!x87_empty(fpu, 7)) {
        if (!x87_overflow(cpu)) return;
    } else {
        exponent = float80_extract(x87_get(fpu, 0), &significand, &env);
        if (!x87_conclude(cpu, &env)) return;
    }
    x87_set(fpu, 0, exponent);
    x87_push(fpu, significand);
}

/* SPDX-License-Identifier: MIT */
/* Transcendental instructions (SDM 1, 8.3.7): the register stack around the functions of
 * float80_functions.c. */
#include "emu/cpu/x87_internal.h"

static void set_c2(struct x87_state *fpu, bool value)
{
    fpu->status = (uint16_t)((fpu->status & ~X87_C2) | (value ? X87_C2 : 0));
}

static void indefinite_result(struct cpu *cpu)
{
    if (x87_underflow(cpu)) x87_set(x87_of(cpu), 0, float80_indefinite());
}

/* ---- ST(0) ---- */

void body_f2xm1(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    (void)insn;
    if (x87_empty(fpu, 0)) {
        indefinite_result(cpu);
        return;
    }
    struct float80 result = float80_exp2m1(x87_get(fpu, 0), &env);
    if (x87_conclude(cpu, &env)) x87_set(fpu, 0, result);
}

typedef bool trigonometric(struct float80 a, struct float80 *result, struct float_env *env);

static void trigonometric_step(struct cpu *cpu, trigonometric *function)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    struct float80 result;
    if (unlikely(x87_empty(fpu, 0))) {
        set_c2(fpu, false);
        indefinite_result(cpu);
        return;
    }
    bool in_range = function(x87_get(fpu, 0), &result, &env);
    set_c2(fpu, !in_range);
    if (x87_conclude(cpu, &env) && in_range) x87_set(fpu, 0, result);
}

void body_fsin(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    trigonometric_step(cpu, float80_sin);
}

void body_fcos(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    trigonometric_step(cpu, float80_cos);
}

/* ---- ST(0), and one more is pushed ---- */

/* The stack can give and take; false when it cannot, and what a masked fault leaves is there. */
static bool can_push(struct cpu *cpu)
{
    struct x87_state *fpu = x87_of(cpu);
    bool masked;
    if (x87_empty(fpu, 0))
        masked = x87_underflow(cpu);
    else if (!x87_empty(fpu, 7))
        masked = x87_overflow(cpu);
    else
        return true;
    if (masked) {
        x87_set(fpu, 0, float80_indefinite());
        x87_push(fpu, float80_indefinite());
    }
    return false;
}

/* `function` replaces ST(0); `second` of the same operand is pushed, or 1.0, or with a NaN the same NaN. */
static void trigonometric_pair(struct cpu *cpu, trigonometric *function, trigonometric *second)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    struct float80 operand = x87_get(fpu, 0), result, pushed = float80_from_int64(1);
    set_c2(fpu, false);
    if (!can_push(cpu)) return;
    bool in_range = function(operand, &result, &env);
    if (second && in_range) second(operand, &pushed, &env);
    set_c2(fpu, !in_range);
    if (!x87_conclude(cpu, &env) || !in_range) return;
    x87_set(fpu, 0, result);
    x87_push(fpu, float80_is_nan(result) ? result : pushed);
}

void body_fptan(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    trigonometric_pair(cpu, float80_tan, NULL);
}

void body_fsincos(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    trigonometric_pair(cpu, float80_sin, float80_cos);
}

/* ---- ST(1) and ST(0): the result replaces ST(1), ST(0) is popped ---- */

static void two_operands(struct cpu *cpu,
                         struct float80 (*function)(struct float80 y, struct float80 x, struct float_env *))
{
    struct x87_state *fpu = x87_of(cpu);
    struct float_env env = x87_env(fpu);
    struct float80 result = float80_indefinite();
    if (x87_empty(fpu, 0) || x87_empty(fpu, 1)) {
        if (!x87_underflow(cpu)) return;
    } else {
        result = function(x87_get(fpu, 1), x87_get(fpu, 0), &env);
        if (!x87_conclude(cpu, &env)) return;
    }
    x87_set(fpu, 1, result);
    x87_pop(fpu);
}

void body_fyl2x(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    two_operands(cpu, float80_ylog2x);
}

void body_fyl2xp1(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    two_operands(cpu, float80_ylog2xp1);
}

void body_fpatan(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    two_operands(cpu, float80_atan2);
}

/* SPDX-License-Identifier: MIT */
/*
 * Inside x87_*.c: the register stack, exceptions and the prototypes of all bodies.
 *
 * The shape of a body: look at the stack (x87_underflow, x87_overflow), compute with a float_env, write
 * memory if the instruction does (that may fault), then x87_conclude, which sets C1 and the exceptions and
 * says whether the result counts; store and pop only then.
 */
#ifndef EMU_CPU_X87_INTERNAL_H
#define EMU_CPU_X87_INTERNAL_H

#include "emu/cpu/access.h"
#include "emu/cpu/x87.h"

enum {
    X87_STACK_FAULT = 1 << 6,
    X87_SUMMARY = 1 << 7,
    X87_C0 = 1 << 8,
    X87_C1 = 1 << 9,
    X87_C2 = 1 << 10,
    X87_C3 = 1 << 14,
    X87_BUSY = 1 << 15,
    X87_CONDITIONS = X87_C0 | X87_C1 | X87_C2 | X87_C3,
};

static inline struct x87_state *x87_of(struct cpu *cpu)
{
    return &cpu->s.x87;
}

/* ---- the stack ---- */

static inline unsigned x87_index(const struct x87_state *fpu, unsigned i)
{
    return (fpu->top + i) & 7;
}

static inline bool x87_empty(const struct x87_state *fpu, unsigned i)
{
    return !(fpu->used >> x87_index(fpu, i) & 1);
}

static inline struct float80 x87_get(const struct x87_state *fpu, unsigned i)
{
    return fpu->reg[x87_index(fpu, i)];
}

static inline void x87_set(struct x87_state *fpu, unsigned i, struct float80 value)
{
    unsigned n = x87_index(fpu, i);
    fpu->reg[n] = value;
    fpu->used |= (uint8_t)BIT(n);
}

static inline void x87_free(struct x87_state *fpu, unsigned i)
{
    fpu->used &= (uint8_t)~BIT(x87_index(fpu, i));
}

static inline void x87_pop(struct x87_state *fpu)
{
    x87_free(fpu, 0);
    fpu->top = (fpu->top + 1) & 7;
}

static inline void x87_push(struct x87_state *fpu, struct float80 value)
{
    fpu->top = (fpu->top - 1) & 7;
    x87_set(fpu, 0, value);
}

/* ---- exceptions ---- */

static inline struct float_env x87_env(const struct x87_state *fpu)
{
    struct float_env env = {.rounding = fpu->control >> 10 & 3,
                            .precision = fpu->control >> 8 & 3,
                            .masks = fpu->control & FLOAT_EXCEPTIONS};
    return env;
}

static inline void x87_set_c1(struct x87_state *fpu, bool value)
{
    fpu->status = (uint16_t)((fpu->status & ~X87_C1) | (value ? X87_C1 : 0));
}

/* The summary bits from exceptions and masks; takes FERR# down when nothing is pending any more
 * (x87_state.c). */
void x87_update_summary(struct cpu *cpu);
/* #NM when CR0.EM or CR0.TS is set. */
void x87_check_available(struct cpu *cpu);
/* Exceptions and X87_STACK_FAULT into the status word. */
void x87_raise(struct cpu *cpu, unsigned exceptions);

/* The end of a computation: C1 and exceptions; false when the result must not be stored. */
static inline bool x87_conclude(struct cpu *cpu, const struct float_env *env)
{
    struct x87_state *fpu = x87_of(cpu);
    x87_set_c1(fpu, env->rounded_up);
    if (likely(!(env->raised & ~env->masks))) {
        fpu->status |= env->raised;
        return true;
    }
    x87_raise(cpu, env->raised);
    return !float_env_stops(env);
}

/* Stack faults (SDM 1, 8.5.1.1). True: masked, the instruction goes on with the indefinite. */
bool x87_underflow(struct cpu *cpu);
bool x87_overflow(struct cpu *cpu);

/* ---- memory ---- */
struct float80 x87_read80(struct cpu *cpu, const struct insn *insn);
void x87_write80(struct cpu *cpu, const struct insn *insn, struct float80 value);
struct float80 float80_load(const uint8_t bytes[10]);
void float80_store(uint8_t bytes[10], struct float80 value);

typedef void x87_body(struct cpu *cpu, const struct insn *insn);

/* x87_load_store.c */
x87_body body_fld_m32, body_fld_m64, body_fld_m80, body_fld_sti, body_fild_m16, body_fild_m32, body_fild_m64,
    body_fbld;
x87_body body_fst_m32, body_fst_m64, body_fstp_m80, body_fst_sti, body_fstp_sti, body_fstp_unchecked,
    body_fist_m16, body_fist_m32, body_fistp_m64, body_fbstp;
x87_body body_fxch, body_fcmovcc, body_fld_constant;
/* x87_arith.c */
x87_body body_x87_arith_m32, body_x87_arith_m64, body_x87_arith_i16, body_x87_arith_i32;
x87_body body_x87_arith_st0, body_x87_arith_sti, body_x87_arith_sti_pop;
x87_body body_fchs, body_fabs, body_fsqrt, body_frndint, body_fprem, body_fprem1, body_fscale, body_fxtract;
/* x87_compare.c */
x87_body body_fcom_m32, body_fcom_m64, body_ficom_m16, body_ficom_m32, body_fcom_sti, body_fcomp_sti,
    body_fcompp;
x87_body body_fucom_sti, body_fucompp, body_fcomi, body_fucomi, body_ftst, body_fxam;
/* x87_control.c */
x87_body body_fninit, body_fnclex, body_fldcw, body_fnstcw, body_fnstsw, body_fnstsw_ax, body_fnop;
x87_body body_fldenv, body_fnstenv, body_frstor, body_fnsave;
x87_body body_fincstp, body_fdecstp, body_ffree, body_ffreep;
/* x87_transcendental.c */
x87_body body_f2xm1, body_fyl2x, body_fyl2xp1, body_fptan, body_fpatan, body_fsin, body_fcos, body_fsincos;

#endif

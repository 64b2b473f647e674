/* SPDX-License-Identifier: MIT */
/* Moving numbers between memory and the register stack, and within it (SDM 1, 8.3.3 and 8.3.4). */
#include "emu/cpu/flags.h"
#include "emu/cpu/x87_internal.h"

/* ---- 80 bits in memory ---- */

struct float80 float80_load(const uint8_t bytes[10])
{
    return (struct float80){le64_load(bytes), le16_load(bytes + 8)};
}

void float80_store(uint8_t bytes[10], struct float80 value)
{
    le64_store(bytes, value.mantissa);
    le16_store(bytes + 8, value.sign_exponent);
}

struct float80 x87_read80(struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset = insn_ea(cpu, insn);
    uint64_t mantissa = mem_read64(cpu, insn->segment, offset);
    return (struct float80){mantissa, mem_read16(cpu, insn->segment, offset + 8)};
}

void x87_write80(struct cpu *cpu, const struct insn *insn, struct float80 value)
{
    uint32_t offset = insn_ea(cpu, insn);
    uint8_t *host = mem_direct_write(cpu, insn->segment, offset, 10);
    if (likely(host != NULL)) {
        float80_store(host, value);
        return;
    }
    mem_probe_write(cpu, insn->segment, offset, 10);
    mem_write64(cpu, insn->segment, offset, value.mantissa);
    mem_write16(cpu, insn->segment, offset + 8, value.sign_exponent);
}

/* ---- loads ---- */

/* Pushes a value that raised nothing. */
static void push(struct cpu *cpu, struct float80 value)
{
    struct x87_state *fpu = x87_of(cpu);
    if (unlikely(!x87_empty(fpu, 7))) {
        if (!x87_overflow(cpu)) return;
        value = float80_indefinite();
    } else {
        x87_set_c1(fpu, false);
    }
    x87_push(fpu, value);
}

/* A float32 or float64 on its way to the stack: denormals and signalling NaNs raise. */
static void push_widened(struct cpu *cpu, struct float80 value, struct float_env *env)
{
    if (unlikely(!x87_empty(x87_of(cpu), 7))) {
        push(cpu, value);
        return;
    }
    if (env->widened_denormal) env->raised |= FLOAT_DENORMAL;
    if (float80_classify(value) == FLOAT80_SNAN) value = float80_propagate(value, value, env);
    x87_conclude(cpu, env);
    if (!(env->raised & ~env->masks & FLOAT_INVALID))
        x87_push(x87_of(cpu), value); /* a denormal is loaded in any case */
}

void body_fld_m32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    push_widened(cpu, float80_from_float32(mem_read32(cpu, insn->segment, insn_ea(cpu, insn)), &env), &env);
}

void body_fld_m64(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    push_widened(cpu, float80_from_float64(mem_read64(cpu, insn->segment, insn_ea(cpu, insn)), &env), &env);
}

void body_fld_m80(struct cpu *cpu, const struct insn *insn)
{
    push(cpu, x87_read80(cpu, insn));
}

void body_fld_sti(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float80 value = x87_get(fpu, insn->rm);
    if (unlikely(x87_empty(fpu, insn->rm))) {
        if (!x87_underflow(cpu)) return;
        x87_push(fpu, float80_indefinite());
        return;
    }
    push(cpu, value);
}

void body_fild_m16(struct cpu *cpu, const struct insn *insn)
{
    push(cpu, float80_from_int64((int16_t)mem_read16(cpu, insn->segment, insn_ea(cpu, insn))));
}

void body_fild_m32(struct cpu *cpu, const struct insn *insn)
{
    push(cpu, float80_from_int64((int32_t)mem_read32(cpu, insn->segment, insn_ea(cpu, insn))));
}

void body_fild_m64(struct cpu *cpu, const struct insn *insn)
{
    push(cpu, float80_from_int64((int64_t)mem_read64(cpu, insn->segment, insn_ea(cpu, insn))));
}

void body_fbld(struct cpu *cpu, const struct insn *insn)
{
    uint8_t bcd[10];
    float80_store(bcd, x87_read80(cpu, insn));
    push(cpu, float80_from_bcd(bcd));
}

/* FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ, by the low bits of the opcode: truncated to 64 bits, and
 * whether what was cut off is above one half. */
void body_fld_constant(struct cpu *cpu, const struct insn *insn)
{
    static const struct {
        struct float80 value;
        bool inexact, above_half;
    } constants[8] = {
        {{FLOAT80_INTEGER_BIT, 0x3fff}, false, false},
        {{0xd49a784bcd1b8afe, 0x4000}, true, false},
        {{0xb8aa3b295c17f0bb, 0x3fff}, true, true},
        {{0xc90fdaa22168c234, 0x4000}, true, true},
        {{0x9a209a84fbcff798, 0x3ffd}, true, true},
        {{0xb17217f7d1cf79ab, 0x3ffe}, true, true},
        {{0, 0}, false, false},
    };
    unsigned rounding = x87_env(x87_of(cpu)).rounding;
    struct float80 value = constants[insn->rm].value;
    if (constants[insn->rm].inexact)
        value.mantissa +=
            rounding == FLOAT_UP || (rounding == FLOAT_NEAREST && constants[insn->rm].above_half);
    push(cpu, value);
}

/* ---- stores ---- */

/* Bit 0 of ModRM.reg says whether FST, FIST or FST ST(i) pops: their opcodes are /2 and /3. */
static bool pops(const struct insn *insn)
{
    return insn->reg & 1;
}

/* An exception that keeps a memory operand as it was: unlike registers, it has no room for a wrapped
 * exponent. */
static bool memory_store_stops(const struct float_env *env)
{
    return env->raised & ~env->masks & (FLOAT_BEFORE | FLOAT_OVERFLOW | FLOAT_UNDERFLOW);
}

/* What is stored for ST(0): itself, or after a masked stack fault the indefinite. False: no store. */
static bool store_operand(struct cpu *cpu, struct float80 *value)
{
    struct x87_state *fpu = x87_of(cpu);
    *value = x87_get(fpu, 0);
    if (likely(!x87_empty(fpu, 0))) return true;
    *value = float80_indefinite();
    if (fpu->control & FLOAT_INVALID) return true;
    x87_underflow(cpu);
    return false;
}

/* After memory was written. */
static void store_done(struct cpu *cpu, const struct float_env *env, bool pop)
{
    if (unlikely(x87_empty(x87_of(cpu), 0)))
        x87_underflow(cpu);
    else
        x87_conclude(cpu, env);
    if (pop) x87_pop(x87_of(cpu));
}

void body_fst_m32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    struct float80 value;
    if (!store_operand(cpu, &value)) return;
    uint32_t bits = float80_to_float32(value, &env);
    if (memory_store_stops(&env)) {
        x87_conclude(cpu, &env);
        return;
    }
    mem_write32(cpu, insn->segment, insn_ea(cpu, insn), bits);
    store_done(cpu, &env, pops(insn));
}

void body_fst_m64(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    struct float80 value;
    if (!store_operand(cpu, &value)) return;
    uint64_t bits = float80_to_float64(value, &env);
    if (memory_store_stops(&env)) {
        x87_conclude(cpu, &env);
        return;
    }
    mem_write64(cpu, insn->segment, insn_ea(cpu, insn), bits);
    store_done(cpu, &env, pops(insn));
}

void body_fstp_m80(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    struct float80 value;
    if (!store_operand(cpu, &value)) return;
    x87_write80(cpu, insn, value);
    store_done(cpu, &env, true);
}

/* The integer to store; false: an unmasked exception. A masked stack fault makes it the indefinite. */
static bool store_integer(struct cpu *cpu, unsigned bits, struct float_env *env, int64_t *value)
{
    struct float80 number;
    if (!store_operand(cpu, &number)) return false;
    *value = float80_to_int(number, bits, env);
    if (!float_env_stops(env)) return true;
    x87_conclude(cpu, env);
    return false;
}

void body_fist_m16(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    int64_t value;
    if (!store_integer(cpu, 16, &env, &value)) return;
    mem_write16(cpu, insn->segment, insn_ea(cpu, insn), (uint16_t)value);
    store_done(cpu, &env, pops(insn));
}

void body_fist_m32(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    int64_t value;
    if (!store_integer(cpu, 32, &env, &value)) return;
    mem_write32(cpu, insn->segment, insn_ea(cpu, insn), (uint32_t)value);
    store_done(cpu, &env, pops(insn));
}

void body_fistp_m64(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    int64_t value;
    if (!store_integer(cpu, 64, &env, &value)) return;
    mem_write64(cpu, insn->segment, insn_ea(cpu, insn), (uint64_t)value);
    store_done(cpu, &env, true);
}

void body_fbstp(struct cpu *cpu, const struct insn *insn)
{
    struct float_env env = x87_env(x87_of(cpu));
    struct float80 value;
    uint8_t bcd[10];
    if (!store_operand(cpu, &value)) return;
    float80_to_bcd(value, bcd, &env);
    if (float_env_stops(&env)) {
        x87_conclude(cpu, &env);
        return;
    }
    x87_write80(cpu, insn, float80_load(bcd));
    store_done(cpu, &env, true);
}

static void store_register(struct cpu *cpu, const struct insn *insn, bool pop)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float80 value = x87_get(fpu, 0);
    if (unlikely(x87_empty(fpu, 0))) {
        if (!x87_underflow(cpu)) return;
        value = float80_indefinite();
    } else {
        x87_set_c1(fpu, false);
    }
    x87_set(fpu, insn->rm, value);
    if (pop) x87_pop(fpu);
}

void body_fst_sti(struct cpu *cpu, const struct insn *insn)
{
    store_register(cpu, insn, pops(insn));
}

void body_fstp_sti(struct cpu *cpu, const struct insn *insn)
{
    store_register(cpu, insn, true);
}

/* D9 D8: like FSTP, but an empty ST(0) is not noticed: nothing is stored then. */
void body_fstp_unchecked(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    x87_set_c1(fpu, false);
    if (!x87_empty(fpu, 0)) x87_set(fpu, insn->rm, x87_get(fpu, 0));
    x87_pop(fpu);
}

/* ---- within the stack ---- */

void body_fxch(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    struct float80 a = x87_get(fpu, 0), b = x87_get(fpu, insn->rm);
    bool a_empty = x87_empty(fpu, 0), b_empty = x87_empty(fpu, insn->rm);
    x87_set_c1(fpu, false);
    if (unlikely(a_empty || b_empty) && !x87_underflow(cpu)) return;
    x87_set(fpu, 0, b_empty ? float80_indefinite() : b);
    x87_set(fpu, insn->rm, a_empty ? float80_indefinite() : a);
}

/* DA: FCMOVB E BE U; DB: the opposites. In the order of ModRM.reg. */
void body_fcmovcc(struct cpu *cpu, const struct insn *insn)
{
    static const uint8_t codes[4] = {2, 4, 6, 10}; /* as in condition() */
    struct x87_state *fpu = x87_of(cpu);
    bool negated = insn->opcode & 1;
    if (unlikely(x87_empty(fpu, 0) || x87_empty(fpu, insn->rm))) {
        if (x87_underflow(cpu)) x87_set(fpu, 0, float80_indefinite());
        return;
    }
    if (condition(cpu, codes[insn->reg & 3] | negated)) x87_set(fpu, 0, x87_get(fpu, insn->rm));
}

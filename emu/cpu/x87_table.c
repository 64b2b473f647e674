/* SPDX-License-Identifier: MIT */
/*
 * The escape opcodes D8 to DF, in the order of SDM 2, appendix A, tables: for each opcode the
 * memory forms by ModRM.reg, then the register forms by ModRM.
 *
 * Operands: m32fp m64fp m80fp, m16int m32int m64int, m80bcd, m2byte, and images by size (m14/28byte,
 * m94/108byte). The names in parentheses are repetitions of documented instructions at places where the
 * manual leaves the table empty; processors carry them out, and old programs contain them (FFREEP most of
 * all).
 */
#include "emu/cpu/x87_internal.h"

/* clang-format off */
#define EIGHT(modrm, name, operands, body, needs) \
    [modrm - 0xc0 ... modrm - 0xc0 + 7] = {name, operands, body, needs}
#define ONE(modrm, name, body, needs) [modrm - 0xc0] = {name, "", body, needs}

/* Eight rows of memory operands that share their conversion. */
#define ARITH_MEMORY(prefix, operand, suffix, compare)        \
    {                                                         \
        {prefix "add", operand, body_x87_arith_##suffix, 0},  \
        {prefix "mul", operand, body_x87_arith_##suffix, 0},  \
        {prefix "com", operand, compare, 0},                  \
        {prefix "comp", operand, compare, 0},                 \
        {prefix "sub", operand, body_x87_arith_##suffix, 0},  \
        {prefix "subr", operand, body_x87_arith_##suffix, 0}, \
        {prefix "div", operand, body_x87_arith_##suffix, 0},  \
        {prefix "divr", operand, body_x87_arith_##suffix, 0}, \
    }

const struct x87_row x87_memory_rows[8][8] = {
    /* D8 */ ARITH_MEMORY("f", "m32fp", m32, body_fcom_m32),
    /* D9 */ {
        {"fld", "m32fp", body_fld_m32, 0},
        {NULL, NULL, NULL, 0},
        {"fst", "m32fp", body_fst_m32, 0},
        {"fstp", "m32fp", body_fst_m32, 0},
        {"fldenv", "m14/28byte", body_fldenv, X87_CONTROL},
        {"fldcw", "m2byte", body_fldcw, X87_CONTROL},
        {"fnstenv", "m14/28byte", body_fnstenv, X87_CONTROL | X87_NO_WAIT},
        {"fnstcw", "m2byte", body_fnstcw, X87_CONTROL | X87_NO_WAIT},
    },
    /* DA */ ARITH_MEMORY("fi", "m32int", i32, body_ficom_m32),
    /* DB */ {
        {"fild", "m32int", body_fild_m32, 0},
        {NULL, NULL, NULL, 0}, /* FISTTP: SSE3 */
        {"fist", "m32int", body_fist_m32, 0},
        {"fistp", "m32int", body_fist_m32, 0},
        {NULL, NULL, NULL, 0},
        {"fld", "m80fp", body_fld_m80, 0},
        {NULL, NULL, NULL, 0},
        {"fstp", "m80fp", body_fstp_m80, 0},
    },
    /* DC */ ARITH_MEMORY("f", "m64fp", m64, body_fcom_m64),
    /* DD */ {
        {"fld", "m64fp", body_fld_m64, 0},
        {NULL, NULL, NULL, 0}, /* FISTTP: SSE3 */
        {"fst", "m64fp", body_fst_m64, 0},
        {"fstp", "m64fp", body_fst_m64, 0},
        {"frstor", "m94/108byte", body_frstor, X87_CONTROL},
        {NULL, NULL, NULL, 0},
        {"fnsave", "m94/108byte", body_fnsave, X87_CONTROL | X87_NO_WAIT},
        {"fnstsw", "m2byte", body_fnstsw, X87_CONTROL | X87_NO_WAIT},
    },
    /* DE */ ARITH_MEMORY("fi", "m16int", i16, body_ficom_m16),
    /* DF */ {
        {"fild", "m16int", body_fild_m16, 0},
        {NULL, NULL, NULL, 0}, /* FISTTP: SSE3 */
        {"fist", "m16int", body_fist_m16, 0},
        {"fistp", "m16int", body_fist_m16, 0},
        {"fbld", "m80bcd", body_fbld, 0},
        {"fild", "m64int", body_fild_m64, 0},
        {"fbstp", "m80bcd", body_fbstp, 0},
        {"fistp", "m64int", body_fistp_m64, 0},
    },
};

const struct x87_row x87_register_rows[8][64] = {
    { /* D8 */
        EIGHT(0xc0, "fadd", "ST(0),ST(i)", body_x87_arith_st0, 0),
        EIGHT(0xc8, "fmul", "ST(0),ST(i)", body_x87_arith_st0, 0),
        EIGHT(0xd0, "fcom", "ST(i)", body_fcom_sti, 0),
        EIGHT(0xd8, "fcomp", "ST(i)", body_fcom_sti, 0),
        EIGHT(0xe0, "fsub", "ST(0),ST(i)", body_x87_arith_st0, 0),
        EIGHT(0xe8, "fsubr", "ST(0),ST(i)", body_x87_arith_st0, 0),
        EIGHT(0xf0, "fdiv", "ST(0),ST(i)", body_x87_arith_st0, 0),
        EIGHT(0xf8, "fdivr", "ST(0),ST(i)", body_x87_arith_st0, 0),
    },
    { /* D9 */
        EIGHT(0xc0, "fld", "ST(i)", body_fld_sti, 0),
        EIGHT(0xc8, "fxch", "ST(i)", body_fxch, 0),
        ONE(0xd0, "fnop", body_fnop, 0),
        EIGHT(0xd8, "(fstp)", "ST(i)", body_fstp_unchecked, 0),
        ONE(0xe0, "fchs", body_fchs, 0),
        ONE(0xe1, "fabs", body_fabs, 0),
        ONE(0xe4, "ftst", body_ftst, 0),
        ONE(0xe5, "fxam", body_fxam, 0),
        ONE(0xe8, "fld1", body_fld_constant, 0),
        ONE(0xe9, "fldl2t", body_fld_constant, 0),
        ONE(0xea, "fldl2e", body_fld_constant, 0),
        ONE(0xeb, "fldpi", body_fld_constant, 0),
        ONE(0xec, "fldlg2", body_fld_constant, 0),
        ONE(0xed, "fldln2", body_fld_constant, 0),
        ONE(0xee, "fldz", body_fld_constant, 0),
        ONE(0xf0, "f2xm1", body_f2xm1, 0),
        ONE(0xf1, "fyl2x", body_fyl2x, 0),
        ONE(0xf2, "fptan", body_fptan, 0),
        ONE(0xf3, "fpatan", body_fpatan, 0),
        ONE(0xf4, "fxtract", body_fxtract, 0),
        ONE(0xf5, "fprem1", body_fprem1, 0),
        ONE(0xf6, "fdecstp", body_fdecstp, 0),
        ONE(0xf7, "fincstp", body_fincstp, 0),
        ONE(0xf8, "fprem", body_fprem, 0),
        ONE(0xf9, "fyl2xp1", body_fyl2xp1, 0),
        ONE(0xfa, "fsqrt", body_fsqrt, 0),
        ONE(0xfb, "fsincos", body_fsincos, 0),
        ONE(0xfc, "frndint", body_frndint, 0),
        ONE(0xfd, "fscale", body_fscale, 0),
        ONE(0xfe, "fsin", body_fsin, 0),
        ONE(0xff, "fcos", body_fcos, 0),
    },
    { /* DA */
        EIGHT(0xc0, "fcmovb", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        EIGHT(0xc8, "fcmove", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        EIGHT(0xd0, "fcmovbe", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        EIGHT(0xd8, "fcmovu", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        ONE(0xe9, "fucompp", body_fucompp, 0),
    },
    { /* DB */
        EIGHT(0xc0, "fcmovnb", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        EIGHT(0xc8, "fcmovne", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        EIGHT(0xd0, "fcmovnbe", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        EIGHT(0xd8, "fcmovnu", "ST(0),ST(i)", body_fcmovcc, X87_P6),
        ONE(0xe0, "(fneni)", body_fnop, X87_CONTROL | X87_NO_WAIT),  /* 8087 */
        ONE(0xe1, "(fndisi)", body_fnop, X87_CONTROL | X87_NO_WAIT), /* 8087 */
        ONE(0xe2, "fnclex", body_fnclex, X87_CONTROL | X87_NO_WAIT),
        ONE(0xe3, "fninit", body_fninit, X87_CONTROL | X87_NO_WAIT),
        ONE(0xe4, "(fnsetpm)", body_fnop, X87_CONTROL | X87_NO_WAIT), /* 287 */
        EIGHT(0xe8, "fucomi", "ST(0),ST(i)", body_fucomi, X87_P6),
        EIGHT(0xf0, "fcomi", "ST(0),ST(i)", body_fcomi, X87_P6),
    },
    { /* DC */
        EIGHT(0xc0, "fadd", "ST(i),ST(0)", body_x87_arith_sti, 0),
        EIGHT(0xc8, "fmul", "ST(i),ST(0)", body_x87_arith_sti, 0),
        EIGHT(0xd0, "(fcom)", "ST(i)", body_fcom_sti, 0),
        EIGHT(0xd8, "(fcomp)", "ST(i)", body_fcom_sti, 0),
        EIGHT(0xe0, "fsubr", "ST(i),ST(0)", body_x87_arith_sti, 0),
        EIGHT(0xe8, "fsub", "ST(i),ST(0)", body_x87_arith_sti, 0),
        EIGHT(0xf0, "fdivr", "ST(i),ST(0)", body_x87_arith_sti, 0),
        EIGHT(0xf8, "fdiv", "ST(i),ST(0)", body_x87_arith_sti, 0),
    },
    { /* DD */
        EIGHT(0xc0, "ffree", "ST(i)", body_ffree, 0),
        EIGHT(0xc8, "(fxch)", "ST(i)", body_fxch, 0),
        EIGHT(0xd0, "fst", "ST(i)", body_fst_sti, 0),
        EIGHT(0xd8, "fstp", "ST(i)", body_fst_sti, 0),
        EIGHT(0xe0, "fucom", "ST(i)", body_fucom_sti, 0),
        EIGHT(0xe8, "fucomp", "ST(i)", body_fucom_sti, 0),
    },
    { /* DE */
        EIGHT(0xc0, "faddp", "ST(i),ST(0)", body_x87_arith_sti_pop, 0),
        EIGHT(0xc8, "fmulp", "ST(i),ST(0)", body_x87_arith_sti_pop, 0),
        EIGHT(0xd0, "(fcomp)", "ST(i)", body_fcomp_sti, 0),
        ONE(0xd9, "fcompp", body_fcompp, 0),
        EIGHT(0xe0, "fsubrp", "ST(i),ST(0)", body_x87_arith_sti_pop, 0),
        EIGHT(0xe8, "fsubp", "ST(i),ST(0)", body_x87_arith_sti_pop, 0),
        EIGHT(0xf0, "fdivrp", "ST(i),ST(0)", body_x87_arith_sti_pop, 0),
        EIGHT(0xf8, "fdivp", "ST(i),ST(0)", body_x87_arith_sti_pop, 0),
    },
    { /* DF */
        EIGHT(0xc0, "(ffreep)", "ST(i)", body_ffreep, 0),
        EIGHT(0xc8, "(fxch)", "ST(i)", body_fxch, 0),
        EIGHT(0xd0, "(fstp)", "ST(i)", body_fstp_sti, 0),
        EIGHT(0xd8, "(fstp)", "ST(i)", body_fstp_sti, 0),
        ONE(0xe0, "fnstsw", body_fnstsw_ax, X87_CONTROL | X87_NO_WAIT),
        EIGHT(0xe8, "fucomip", "ST(0),ST(i)", body_fucomi, X87_P6),
        EIGHT(0xf0, "fcomip", "ST(0),ST(i)", body_fcomi, X87_P6),
    },
};
/* clang-format on */

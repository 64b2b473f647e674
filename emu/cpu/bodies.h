/* SPDX-License-Identifier: MIT */
/*
 * Instruction bodies that move and compute data, for the opcode map. Each carries out one decoded
 * instruction; the name says operation, operand size in bits, and where destination and source are:
 *
 *   body_add32_mem_reg    add dword in memory, register        (Ed,Gd)
 *   body_add32_reg_mem    add register, dword in memory        (Gd,Ed)
 *   body_add32_rm_reg     add register, register, destination is ModRM.rm    (Ed,Gd)
 *   body_add32_reg_rm     add register, register, destination is ModRM.reg   (Gd,Ed)
 *   body_add32_rm_imm, _mem_imm, _acc_imm      destination r/m register, memory, (E)AX or AL; source
 * immediate
 *
 * The lists below declare what data_*.c, string.c, control.c and io.c define. Bodies with one form or that
 * handle their sizes themselves are declared one by one.
 */
#ifndef EMU_CPU_BODIES_H
#define EMU_CPU_BODIES_H

#include "emu/cpu/go_on.h"

#define DECLARE(name) void body_##name(struct cpu *cpu, const struct insn *insn)
#define BODY_SIZES(op, form)                                                                                 \
    DECLARE(op##8_##form);                                                                                   \
    DECLARE(op##16_##form);                                                                                  \
    DECLARE(op##32_##form)
#define BODY_WIDE(op, form)                                                                                  \
    DECLARE(op##16_##form);                                                                                  \
    DECLARE(op##32_##form)

/* data_alu.c */
#define ALU_FORMS(op)                                                                                        \
    BODY_SIZES(op, rm_reg);                                                                                  \
    BODY_SIZES(op, mem_reg);                                                                                 \
    BODY_SIZES(op, reg_rm);                                                                                  \
    BODY_SIZES(op, reg_mem);                                                                                 \
    BODY_SIZES(op, rm_imm);                                                                                  \
    BODY_SIZES(op, mem_imm);                                                                                 \
    BODY_SIZES(op, acc_imm)
ALU_FORMS(add);
ALU_FORMS(or);
ALU_FORMS(adc);
ALU_FORMS(sbb);
ALU_FORMS(and);
ALU_FORMS(sub);
ALU_FORMS(xor);
ALU_FORMS(cmp);
BODY_SIZES(test, rm_reg);
BODY_SIZES(test, mem_reg);
BODY_SIZES(test, rm_imm);
BODY_SIZES(test, mem_imm);
BODY_SIZES(test, acc_imm);
#define UNARY_FORMS(op)                                                                                      \
    BODY_SIZES(op, rm);                                                                                      \
    BODY_SIZES(op, mem)
UNARY_FORMS(inc);
UNARY_FORMS(dec);
UNARY_FORMS(neg);
UNARY_FORMS(not );
BODY_WIDE(inc, reg); /* 40-47 */
BODY_WIDE(dec, reg); /* 48-4F */
DECLARE(daa);
DECLARE(das);
DECLARE(aaa);
DECLARE(aas);
DECLARE(aam);
DECLARE(aad);

/* data_shift.c */
#define SHIFT_FORMS(op)                                                                                      \
    BODY_SIZES(op, rm_imm);                                                                                  \
    BODY_SIZES(op, mem_imm);                                                                                 \
    BODY_SIZES(op, rm_one);                                                                                  \
    BODY_SIZES(op, mem_one);                                                                                 \
    BODY_SIZES(op, rm_cl);                                                                                   \
    BODY_SIZES(op, mem_cl)
SHIFT_FORMS(rol);
SHIFT_FORMS(ror);
SHIFT_FORMS(rcl);
SHIFT_FORMS(rcr);
SHIFT_FORMS(shl);
SHIFT_FORMS(shr);
SHIFT_FORMS(sar);
#define DOUBLE_SHIFT_FORMS(op)                                                                               \
    BODY_WIDE(op, rm_imm);                                                                                   \
    BODY_WIDE(op, mem_imm);                                                                                  \
    BODY_WIDE(op, rm_cl);                                                                                    \
    BODY_WIDE(op, mem_cl)
DOUBLE_SHIFT_FORMS(shld);
DOUBLE_SHIFT_FORMS(shrd);

/* data_muldiv.c */
UNARY_FORMS(mul);
UNARY_FORMS(imul);
UNARY_FORMS(div);
UNARY_FORMS(idiv);
BODY_WIDE(imul, reg_rm);
BODY_WIDE(imul, reg_mem);
BODY_WIDE(imul, reg_rm_imm);
BODY_WIDE(imul, reg_mem_imm);

/* data_bits.c */
#define BIT_FORMS(op)                                                                                        \
    BODY_WIDE(op, rm_reg);                                                                                   \
    BODY_WIDE(op, mem_reg);                                                                                  \
    BODY_WIDE(op, rm_imm);                                                                                   \
    BODY_WIDE(op, mem_imm)
BIT_FORMS(bt);
BIT_FORMS(bts);
BIT_FORMS(btr);
BIT_FORMS(btc);
BODY_WIDE(bsf, reg_rm);
BODY_WIDE(bsf, reg_mem);
BODY_WIDE(bsr, reg_rm);
BODY_WIDE(bsr, reg_mem);
DECLARE(setcc_rm);
DECLARE(setcc_mem);
DECLARE(clc);
DECLARE(stc);
DECLARE(cmc);
DECLARE(cld);
DECLARE(std);
DECLARE(lahf);
DECLARE(sahf);
DECLARE(salc);

/* data_move.c */
BODY_SIZES(mov, rm_reg);
BODY_SIZES(mov, mem_reg);
BODY_SIZES(mov, reg_rm);
BODY_SIZES(mov, reg_mem);
BODY_SIZES(mov, rm_imm);
BODY_SIZES(mov, mem_imm);
BODY_SIZES(mov, reg_imm);
BODY_SIZES(mov, acc_mem);
BODY_SIZES(mov, mem_acc);
DECLARE(mov_seg_rm);
DECLARE(mov_seg_mem);
DECLARE(mov_rm_seg);
DECLARE(mov_mem_seg);
BODY_WIDE(lea, reg_mem);
BODY_WIDE(xchg, acc_reg);
BODY_SIZES(xchg, rm_reg);
BODY_SIZES(xchg, mem_reg);
BODY_SIZES(xadd, rm_reg);
BODY_SIZES(xadd, mem_reg);
BODY_SIZES(cmpxchg, rm_reg);
BODY_SIZES(cmpxchg, mem_reg);
DECLARE(cmpxchg8b);
DECLARE(bswap);
#define EXTEND_FORMS(op)                                                                                     \
    DECLARE(op##_rm);                                                                                        \
    DECLARE(op##_mem)
EXTEND_FORMS(movzx16_8);
EXTEND_FORMS(movzx32_8);
EXTEND_FORMS(movzx32_16);
EXTEND_FORMS(movsx16_8);
EXTEND_FORMS(movsx32_8);
EXTEND_FORMS(movsx32_16);
BODY_WIDE(cmov, reg_rm);
BODY_WIDE(cmov, reg_mem);
DECLARE(cbw);
DECLARE(cwde);
DECLARE(cwd);
DECLARE(cdq);
DECLARE(xlat);
DECLARE(les);
DECLARE(lds);
DECLARE(lss);
DECLARE(lfs);
DECLARE(lgs);
BODY_WIDE(bound, mem);
DECLARE(nop);
DECLARE(nop_rm);

/* data_stack.c */
BODY_WIDE(push, reg);
BODY_WIDE(push, rm);
BODY_WIDE(push, mem);
BODY_WIDE(push, imm);
BODY_WIDE(pop, reg);
BODY_WIDE(pop, rm);
BODY_WIDE(pop, mem);
BODY_WIDE(pusha, all);
BODY_WIDE(popa, all);
DECLARE(push_es);
DECLARE(push_cs);
DECLARE(push_ss);
DECLARE(push_ds);
DECLARE(push_fs);
DECLARE(push_gs);
DECLARE(pop_es);
DECLARE(pop_ss);
DECLARE(pop_ds);
DECLARE(pop_fs);
DECLARE(pop_gs);
DECLARE(enter);
BODY_WIDE(leave, frame);

/* control.c: Jcc one body per condition, so that the test is a constant */
DECLARE(jo);
DECLARE(jno);
DECLARE(jb);
DECLARE(jnb);
DECLARE(jz);
DECLARE(jnz);
DECLARE(jbe);
DECLARE(jnbe);
DECLARE(js);
DECLARE(jns);
DECLARE(jp);
DECLARE(jnp);
DECLARE(jl);
DECLARE(jnl);
DECLARE(jle);
DECLARE(jnle);
DECLARE(jmp);
DECLARE(jmp_rm);
DECLARE(jmp_mem);
BODY_WIDE(call, near);
BODY_WIDE(call, rm);
BODY_WIDE(call, mem);
BODY_WIDE(ret, near);
BODY_WIDE(ret, imm);
DECLARE(loop);
DECLARE(loope);
DECLARE(loopne);
DECLARE(jcxz);

/* string.c and io.c */
BODY_SIZES(movs, string);
BODY_SIZES(cmps, string);
BODY_SIZES(stos, string);
BODY_SIZES(lods, string);
BODY_SIZES(scas, string);
BODY_SIZES(ins, string);
BODY_SIZES(outs, string);
BODY_SIZES(in, imm);
BODY_SIZES(in, dx);
BODY_SIZES(out, imm);
BODY_SIZES(out, dx);

#undef ALU_FORMS
#undef UNARY_FORMS
#undef SHIFT_FORMS
#undef DOUBLE_SHIFT_FORMS
#undef BIT_FORMS
#undef EXTEND_FORMS
#undef BODY_SIZES
#undef BODY_WIDE
#undef DECLARE

#endif

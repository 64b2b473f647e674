/* SPDX-License-Identifier: MIT */
/*
 * The opcode map (SDM 2, appendix A): see opcode_map.h for the operand letters and opcode.needs for the rest. To find an
 * instruction by opcode, look up its number; by name, search for "name". Rows that differ only in operand size name the
 * bodies once: V(op, form) stands for the 16- and 32-bit bodies of one operation.
 */
#include "emu/cpu/opcode_map.h"

#include "emu/cpu/bodies.h"
#include "emu/cpu/system_bodies.h"
#include "emu/cpu/x87.h"

/* Bodies of a column set: 16, 32, 64 bits. Long mode's column is empty until long mode comes. */
#define B(body)     {body_##body, body_##body, NULL}
#define V(op, form) {body_##op##16_##form, body_##op##32_##form, NULL}
#define WIDTHS(body16, body32) {body_##body16, body_##body32, NULL}
#define NONE        {NULL, NULL, NULL}
#define GROUP(rows) {"group", NULL, NONE, NONE, ROW_MODRM, rows}

/* Of an extension that no model has (MMX, SSE to SSE3): #UD that says so. */
#define ABSENT                                                                                               \
    {                                                                                                        \
        NULL, NULL, NONE, NONE, ROW_ABSENT, NULL                                                             \
    }

#define ENDS ROW_ENDS_BLOCK
#define LOCK ROW_LOCK

/* ---- groups: selected by ModRM.reg ---- */

/* 80-83: the eight operations of group 1, memory forms lockable except CMP. */
#define GROUP_1_BYTE(name) {#name, "Eb,Ib", B(name##8_rm_imm), B(name##8_mem_imm), LOCK, NULL}
#define GROUP_1(name, operands) {#name, operands, V(name, rm_imm), V(name, mem_imm), LOCK, NULL}

static const struct opcode group_1_byte[8] = {
    [0] = GROUP_1_BYTE(add),
    [1] = GROUP_1_BYTE(or),
    [2] = GROUP_1_BYTE(adc),
    [3] = GROUP_1_BYTE(sbb),
    [4] = GROUP_1_BYTE(and),
    [5] = GROUP_1_BYTE(sub),
    [6] = GROUP_1_BYTE(xor),
    [7] = {"cmp", "Eb,Ib", B(cmp8_rm_imm), B(cmp8_mem_imm), 0, NULL},
};
static const struct opcode group_1_full[8] = {
    [0] = GROUP_1(add, "Ev,Iz"),
    [1] = GROUP_1(or, "Ev,Iz"),
    [2] = GROUP_1(adc, "Ev,Iz"),
    [3] = GROUP_1(sbb, "Ev,Iz"),
    [4] = GROUP_1(and, "Ev,Iz"),
    [5] = GROUP_1(sub, "Ev,Iz"),
    [6] = GROUP_1(xor, "Ev,Iz"),
    [7] = {"cmp", "Ev,Iz", V(cmp, rm_imm), V(cmp, mem_imm), 0, NULL},
};
static const struct opcode group_1_sign[8] = {
    [0] = GROUP_1(add, "Ev,Is"),
    [1] = GROUP_1(or, "Ev,Is"),
    [2] = GROUP_1(adc, "Ev,Is"),
    [3] = GROUP_1(sbb, "Ev,Is"),
    [4] = GROUP_1(and, "Ev,Is"),
    [5] = GROUP_1(sub, "Ev,Is"),
    [6] = GROUP_1(xor, "Ev,Is"),
    [7] = {"cmp", "Ev,Is", V(cmp, rm_imm), V(cmp, mem_imm), 0, NULL},
};

static const struct opcode group_1a[8] = {
    [0] = {"pop", "Ev", V(pop, rm), V(pop, mem), ROW_DEFAULT_64, NULL},
};

/* C0 C1 D0-D3: shifts. /6 is SHL again, as on every processor. */
#define SHIFT_BYTE(name, form, operands) {#name, operands, B(name##8_rm_##form), B(name##8_mem_##form), 0, NULL}
#define SHIFT(name, form, operands)      {#name, operands, V(name, rm_##form), V(name, mem_##form), 0, NULL}
#define SHIFT_GROUP(row, form, operands)                                                                               \
    {                                                                                                                  \
        row(rol, form, operands), row(ror, form, operands), row(rcl, form, operands), row(rcr, form, operands),        \
            row(shl, form, operands), row(shr, form, operands), row(shl, form, operands), row(sar, form, operands),    \
    }
static const struct opcode group_2_imm_byte[8] = SHIFT_GROUP(SHIFT_BYTE, imm, "Eb,Ib");
static const struct opcode group_2_imm[8] = SHIFT_GROUP(SHIFT, imm, "Ev,Ib");
static const struct opcode group_2_one_byte[8] = SHIFT_GROUP(SHIFT_BYTE, one, "Eb,1");
static const struct opcode group_2_one[8] = SHIFT_GROUP(SHIFT, one, "Ev,1");
static const struct opcode group_2_cl_byte[8] = SHIFT_GROUP(SHIFT_BYTE, cl, "Eb,CL");
static const struct opcode group_2_cl[8] = SHIFT_GROUP(SHIFT, cl, "Ev,CL");

static const struct opcode group_3_byte[8] = {
    [0] = {"test", "Eb,Ib", B(test8_rm_imm), B(test8_mem_imm), 0, NULL},
    [1] = {"test", "Eb,Ib", B(test8_rm_imm), B(test8_mem_imm), 0, NULL},
    [2] = {"not", "Eb", B(not8_rm), B(not8_mem), LOCK, NULL},
    [3] = {"neg", "Eb", B(neg8_rm), B(neg8_mem), LOCK, NULL},
    [4] = {"mul", "Eb", B(mul8_rm), B(mul8_mem), 0, NULL},
    [5] = {"imul", "Eb", B(imul8_rm), B(imul8_mem), 0, NULL},
    [6] = {"div", "Eb", B(div8_rm), B(div8_mem), 0, NULL},
    [7] = {"idiv", "Eb", B(idiv8_rm), B(idiv8_mem), 0, NULL},
};
static const struct opcode group_3[8] = {
    [0] = {"test", "Ev,Iz", V(test, rm_imm), V(test, mem_imm), 0, NULL},
    [1] = {"test", "Ev,Iz", V(test, rm_imm), V(test, mem_imm), 0, NULL},
    [2] = {"not", "Ev", V(not, rm), V(not, mem), LOCK, NULL},
    [3] = {"neg", "Ev", V(neg, rm), V(neg, mem), LOCK, NULL},
    [4] = {"mul", "Ev", V(mul, rm), V(mul, mem), 0, NULL},
    [5] = {"imul", "Ev", V(imul, rm), V(imul, mem), 0, NULL},
    [6] = {"div", "Ev", V(div, rm), V(div, mem), 0, NULL},
    [7] = {"idiv", "Ev", V(idiv, rm), V(idiv, mem), 0, NULL},
};

static const struct opcode group_4[8] = {
    [0] = {"inc", "Eb", B(inc8_rm), B(inc8_mem), LOCK, NULL},
    [1] = {"dec", "Eb", B(dec8_rm), B(dec8_mem), LOCK, NULL},
};
static const struct opcode group_5[8] = {
    [0] = {"inc", "Ev", V(inc, rm), V(inc, mem), LOCK, NULL},
    [1] = {"dec", "Ev", V(dec, rm), V(dec, mem), LOCK, NULL},
    [2] = {"call", "Ev", V(call, rm), V(call, mem), ENDS | ROW_DEFAULT_64, NULL},
    [3] = {"call far", "Mp", NONE, B(far_call_mem), ENDS, NULL},
    [4] = {"jmp", "Ev", B(jmp_rm), B(jmp_mem), ENDS | ROW_DEFAULT_64, NULL},
    [5] = {"jmp far", "Mp", NONE, B(far_jump_mem), ENDS, NULL},
    [6] = {"push", "Ev", V(push, rm), V(push, mem), ROW_DEFAULT_64, NULL},
};

static const struct opcode group_6[8] = {
    [0] = {"sldt", "Ev", B(sldt), B(sldt), ROW_PROTECTED, NULL},
    [1] = {"str", "Ev", B(str), B(str), ROW_PROTECTED, NULL},
    [2] = {"lldt", "Ew", B(lldt), B(lldt), ROW_PROTECTED | ROW_CPL0 | ENDS, NULL},
    [3] = {"ltr", "Ew", B(ltr), B(ltr), ROW_PROTECTED | ROW_CPL0 | ENDS, NULL},
    [4] = {"verr", "Ew", B(verr), B(verr), ROW_PROTECTED, NULL},
    [5] = {"verw", "Ew", B(verw), B(verw), ROW_PROTECTED, NULL},
};
static const struct opcode group_7[8] = {
    [0] = {"sgdt", "M", NONE, B(sgdt), 0, NULL},
    [1] = {"sidt", "M", NONE, B(sidt), 0, NULL},
    [2] = {"lgdt", "M", NONE, B(lgdt), ROW_CPL0 | ENDS, NULL},
    [3] = {"lidt", "M", NONE, B(lidt), ROW_CPL0 | ENDS, NULL},
    [4] = {"smsw", "Ev", B(smsw), B(smsw), 0, NULL},
    [6] = {"lmsw", "Ew", B(lmsw), B(lmsw), ROW_CPL0 | ENDS, NULL},
    [7] = {"invlpg", "M", NONE, B(invlpg), ROW_CPL0 | ENDS, NULL},
};
static const struct opcode group_8[8] = {
    [4] = {"bt", "Ev,Ib", V(bt, rm_imm), V(bt, mem_imm), 0, NULL},
    [5] = {"bts", "Ev,Ib", V(bts, rm_imm), V(bts, mem_imm), LOCK, NULL},
    [6] = {"btr", "Ev,Ib", V(btr, rm_imm), V(btr, mem_imm), LOCK, NULL},
    [7] = {"btc", "Ev,Ib", V(btc, rm_imm), V(btc, mem_imm), LOCK, NULL},
};
static const struct opcode group_9[8] = {
    [1] = {"cmpxchg8b", "Mq", NONE, B(cmpxchg8b), LOCK | ROW_CPUID_CX8, NULL},
};
static const struct opcode group_15[8] = {
    [0] = {"fxsave", "M", NONE, B(fxsave), ROW_CPUID_FXSR, NULL},
    [1] = {"fxrstor", "M", NONE, B(fxrstor), ROW_CPUID_FXSR, NULL},
    [2] = ABSENT, /* SSE: LDMXCSR, STMXCSR */
    [3] = ABSENT, /* SSE */
    [5] = ABSENT, /* SSE2: fences, CLFLUSH */
    [6] = ABSENT, /* SSE2 */
    [7] = ABSENT, /* SSE */
};
static const struct opcode group_11_byte[8] = {
    [0] = {"mov", "Eb,Ib", B(mov8_rm_imm), B(mov8_mem_imm), 0, NULL},
};
static const struct opcode group_11[8] = {
    [0] = {"mov", "Ev,Iz", V(mov, rm_imm), V(mov, mem_imm), 0, NULL},
};

/* ---- one-byte opcodes ---- */

/* Six rows that ADD, OR, ADC, SBB, AND, SUB, XOR and CMP share; `lock` for the memory destinations. */
#define ALU_ROWS(base, name, lock)                                                                                     \
    [base] = {#name, "Eb,Gb", B(name##8_rm_reg), B(name##8_mem_reg), lock, NULL},                                      \
    [base + 1] = {#name, "Ev,Gv", V(name, rm_reg), V(name, mem_reg), lock, NULL},                                      \
    [base + 2] = {#name, "Gb,Eb", B(name##8_reg_rm), B(name##8_reg_mem), 0, NULL},                                     \
    [base + 3] = {#name, "Gv,Ev", V(name, reg_rm), V(name, reg_mem), 0, NULL},                                         \
    [base + 4] = {#name, "AL,Ib", B(name##8_acc_imm), NONE, 0, NULL},                                                  \
    [base + 5] = {#name, "eAX,Iz", V(name, acc_imm), NONE, 0, NULL}
/* Eight rows with the register in the opcode. */
#define EIGHT(base, name, operands, bodies, needs)                                                                     \
    [base] = {name, operands, bodies, NONE, needs, NULL}, [base + 1] = {name, operands, bodies, NONE, needs, NULL},    \
    [base + 2] = {name, operands, bodies, NONE, needs, NULL}, [base + 3] = {name, operands, bodies, NONE, needs, NULL}, \
    [base + 4] = {name, operands, bodies, NONE, needs, NULL}, [base + 5] = {name, operands, bodies, NONE, needs, NULL}, \
    [base + 6] = {name, operands, bodies, NONE, needs, NULL}, [base + 7] = {name, operands, bodies, NONE, needs, NULL}
/* A row without ModRM. */
#define PLAIN(name, operands, bodies, needs) {name, operands, bodies, NONE, needs, NULL}
/* A row whose only form is memory without ModRM (MOV with an offset). */
#define OFFSET(name, operands, bodies) {name, operands, NONE, bodies, 0, NULL}
#define ESCAPE {"esc", "Ev", B(x87_escape), B(x87_escape), ROW_CPUID_FPU, NULL}

/* clang-format off */
const struct opcode opcode_map[256] = {
    ALU_ROWS(0x00, add, LOCK),
    [0x06] = PLAIN("push", "ES", B(push_es), ROW_NO_64),
    [0x07] = PLAIN("pop", "ES", B(pop_es), ROW_NO_64 | ENDS),
    ALU_ROWS(0x08, or, LOCK),
    [0x0e] = PLAIN("push", "CS", B(push_cs), ROW_NO_64),
    /* 0F: opcode_map_0f */
    ALU_ROWS(0x10, adc, LOCK),
    [0x16] = PLAIN("push", "SS", B(push_ss), ROW_NO_64),
    [0x17] = PLAIN("pop", "SS", B(pop_ss), ROW_NO_64 | ENDS),
    ALU_ROWS(0x18, sbb, LOCK),
    [0x1e] = PLAIN("push", "DS", B(push_ds), ROW_NO_64),
    [0x1f] = PLAIN("pop", "DS", B(pop_ds), ROW_NO_64 | ENDS),
    ALU_ROWS(0x20, and, LOCK),
    /* 26: ES prefix */
    [0x27] = PLAIN("daa", "", B(daa), ROW_NO_64),
    ALU_ROWS(0x28, sub, LOCK),
    /* 2E: CS prefix */
    [0x2f] = PLAIN("das", "", B(das), ROW_NO_64),
    ALU_ROWS(0x30, xor, LOCK),
    /* 36: SS prefix */
    [0x37] = PLAIN("aaa", "", B(aaa), ROW_NO_64),
    ALU_ROWS(0x38, cmp, 0),
    /* 3E: DS prefix */
    [0x3f] = PLAIN("aas", "", B(aas), ROW_NO_64),
    EIGHT(0x40, "inc", "Zv", V(inc, reg), ROW_NO_64),
    EIGHT(0x48, "dec", "Zv", V(dec, reg), ROW_NO_64),
    EIGHT(0x50, "push", "Zv", V(push, reg), ROW_DEFAULT_64),
    EIGHT(0x58, "pop", "Zv", V(pop, reg), ROW_DEFAULT_64),
    [0x60] = PLAIN("pusha", "", V(pusha, all), ROW_NO_64),
    [0x61] = PLAIN("popa", "", V(popa, all), ROW_NO_64),
    [0x62] = {"bound", "Gv,Ma", NONE, V(bound, mem), ROW_NO_64, NULL},
    [0x63] = {"arpl", "Ew,Gw", B(arpl), B(arpl), ROW_NO_64 | ROW_PROTECTED, NULL},
    /* 64 65: FS and GS prefixes; 66 67: operand and address size */
    [0x68] = PLAIN("push", "Iz", V(push, imm), ROW_DEFAULT_64),
    [0x69] = {"imul", "Gv,Ev,Iz", V(imul, reg_rm_imm), V(imul, reg_mem_imm), 0, NULL},
    [0x6a] = PLAIN("push", "Is", V(push, imm), ROW_DEFAULT_64),
    [0x6b] = {"imul", "Gv,Ev,Is", V(imul, reg_rm_imm), V(imul, reg_mem_imm), 0, NULL},
    [0x6c] = PLAIN("insb", "Yb,DX", B(ins8_string), ROW_STRING | ENDS),
    [0x6d] = PLAIN("ins", "Yz,DX", V(ins, string), ROW_STRING | ENDS),
    [0x6e] = PLAIN("outsb", "DX,Xb", B(outs8_string), ROW_STRING | ENDS),
    [0x6f] = PLAIN("outs", "DX,Xz", V(outs, string), ROW_STRING | ENDS),

    [0x70] = PLAIN("jo", "Jb", B(jo), ENDS | ROW_DEFAULT_64),
    [0x71] = PLAIN("jno", "Jb", B(jno), ENDS | ROW_DEFAULT_64),
    [0x72] = PLAIN("jb", "Jb", B(jb), ENDS | ROW_DEFAULT_64),
    [0x73] = PLAIN("jnb", "Jb", B(jnb), ENDS | ROW_DEFAULT_64),
    [0x74] = PLAIN("jz", "Jb", B(jz), ENDS | ROW_DEFAULT_64),
    [0x75] = PLAIN("jnz", "Jb", B(jnz), ENDS | ROW_DEFAULT_64),
    [0x76] = PLAIN("jbe", "Jb", B(jbe), ENDS | ROW_DEFAULT_64),
    [0x77] = PLAIN("jnbe", "Jb", B(jnbe), ENDS | ROW_DEFAULT_64),
    [0x78] = PLAIN("js", "Jb", B(js), ENDS | ROW_DEFAULT_64),
    [0x79] = PLAIN("jns", "Jb", B(jns), ENDS | ROW_DEFAULT_64),
    [0x7a] = PLAIN("jp", "Jb", B(jp), ENDS | ROW_DEFAULT_64),
    [0x7b] = PLAIN("jnp", "Jb", B(jnp), ENDS | ROW_DEFAULT_64),
    [0x7c] = PLAIN("jl", "Jb", B(jl), ENDS | ROW_DEFAULT_64),
    [0x7d] = PLAIN("jnl", "Jb", B(jnl), ENDS | ROW_DEFAULT_64),
    [0x7e] = PLAIN("jle", "Jb", B(jle), ENDS | ROW_DEFAULT_64),
    [0x7f] = PLAIN("jnle", "Jb", B(jnle), ENDS | ROW_DEFAULT_64),
    [0x80] = GROUP(group_1_byte),
    [0x81] = GROUP(group_1_full),
    [0x82] = GROUP(group_1_byte), /* the same as 80, not in long mode */
    [0x83] = GROUP(group_1_sign),
    [0x84] = {"test", "Eb,Gb", B(test8_rm_reg), B(test8_mem_reg), 0, NULL},
    [0x85] = {"test", "Ev,Gv", V(test, rm_reg), V(test, mem_reg), 0, NULL},
    [0x86] = {"xchg", "Eb,Gb", B(xchg8_rm_reg), B(xchg8_mem_reg), LOCK, NULL},
    [0x87] = {"xchg", "Ev,Gv", V(xchg, rm_reg), V(xchg, mem_reg), LOCK, NULL},
    [0x88] = {"mov", "Eb,Gb", B(mov8_rm_reg), B(mov8_mem_reg), 0, NULL},
    [0x89] = {"mov", "Ev,Gv", V(mov, rm_reg), V(mov, mem_reg), 0, NULL},
    [0x8a] = {"mov", "Gb,Eb", B(mov8_reg_rm), B(mov8_reg_mem), 0, NULL},
    [0x8b] = {"mov", "Gv,Ev", V(mov, reg_rm), V(mov, reg_mem), 0, NULL},
    [0x8c] = {"mov", "Ev,Sw", B(mov_rm_seg), B(mov_mem_seg), 0, NULL},
    [0x8d] = {"lea", "Gv,M", NONE, V(lea, reg_mem), 0, NULL},
    [0x8e] = {"mov", "Sw,Ew", B(mov_seg_rm), B(mov_seg_mem), ENDS, NULL},
    [0x8f] = GROUP(group_1a),
    [0x90] = PLAIN("nop", "", B(nop), 0),
    [0x91] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x92] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x93] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x94] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x95] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x96] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x97] = PLAIN("xchg", "Zv,eAX", V(xchg, acc_reg), 0),
    [0x98] = PLAIN("cbw", "", WIDTHS(cbw, cwde), 0),
    [0x99] = PLAIN("cwd", "", WIDTHS(cwd, cdq), 0),
    [0x9a] = PLAIN("call far", "Ap", B(far_call_ptr), ENDS | ROW_NO_64),
    [0x9b] = PLAIN("wait", "", B(x87_wait), 0),
    [0x9c] = PLAIN("pushf", "Fv", B(pushf), ROW_DEFAULT_64),
    [0x9d] = PLAIN("popf", "Fv", B(popf), ENDS | ROW_DEFAULT_64),
    [0x9e] = PLAIN("sahf", "", B(sahf), 0),
    [0x9f] = PLAIN("lahf", "", B(lahf), 0),
    [0xa0] = OFFSET("mov", "AL,Ob", B(mov8_acc_mem)),
    [0xa1] = OFFSET("mov", "eAX,Ov", V(mov, acc_mem)),
    [0xa2] = OFFSET("mov", "Ob,AL", B(mov8_mem_acc)),
    [0xa3] = OFFSET("mov", "Ov,eAX", V(mov, mem_acc)),
    [0xa4] = PLAIN("movsb", "Yb,Xb", B(movs8_string), ROW_STRING),
    [0xa5] = PLAIN("movs", "Yv,Xv", V(movs, string), ROW_STRING),
    [0xa6] = PLAIN("cmpsb", "Xb,Yb", B(cmps8_string), ROW_STRING),
    [0xa7] = PLAIN("cmps", "Xv,Yv", V(cmps, string), ROW_STRING),
    [0xa8] = PLAIN("test", "AL,Ib", B(test8_acc_imm), 0),
    [0xa9] = PLAIN("test", "eAX,Iz", V(test, acc_imm), 0),
    [0xaa] = PLAIN("stosb", "Yb,AL", B(stos8_string), ROW_STRING),
    [0xab] = PLAIN("stos", "Yv,eAX", V(stos, string), ROW_STRING),
    [0xac] = PLAIN("lodsb", "AL,Xb", B(lods8_string), ROW_STRING),
    [0xad] = PLAIN("lods", "eAX,Xv", V(lods, string), ROW_STRING),
    [0xae] = PLAIN("scasb", "AL,Yb", B(scas8_string), ROW_STRING),
    [0xaf] = PLAIN("scas", "eAX,Yv", V(scas, string), ROW_STRING),
    EIGHT(0xb0, "mov", "Zb,Ib", B(mov8_reg_imm), 0),
    EIGHT(0xb8, "mov", "Zv,Iv", V(mov, reg_imm), 0),
    [0xc0] = GROUP(group_2_imm_byte),
    [0xc1] = GROUP(group_2_imm),
    [0xc2] = PLAIN("ret", "Iw", V(ret, imm), ENDS | ROW_DEFAULT_64),
    [0xc3] = PLAIN("ret", "", V(ret, near), ENDS | ROW_DEFAULT_64),
    [0xc4] = {"les", "Gz,Mp", NONE, B(les), ENDS | ROW_NO_64, NULL},
    [0xc5] = {"lds", "Gz,Mp", NONE, B(lds), ENDS | ROW_NO_64, NULL},
    [0xc6] = GROUP(group_11_byte),
    [0xc7] = GROUP(group_11),
    [0xc8] = PLAIN("enter", "Iw,Ib", B(enter), ROW_DEFAULT_64),
    [0xc9] = PLAIN("leave", "", V(leave, frame), ROW_DEFAULT_64),
    [0xca] = PLAIN("retf", "Iw", B(far_ret_imm), ENDS),
    [0xcb] = PLAIN("retf", "", B(far_ret), ENDS),
    [0xcc] = PLAIN("int3", "", B(int3), ENDS),
    [0xcd] = PLAIN("int", "Ib", B(int_n), ENDS),
    [0xce] = PLAIN("into", "", B(into), ENDS | ROW_NO_64),
    [0xcf] = PLAIN("iret", "", B(iret), ENDS),
    [0xd0] = GROUP(group_2_one_byte),
    [0xd1] = GROUP(group_2_one),
    [0xd2] = GROUP(group_2_cl_byte),
    [0xd3] = GROUP(group_2_cl),
    [0xd4] = PLAIN("aam", "Ib", B(aam), ROW_NO_64),
    [0xd5] = PLAIN("aad", "Ib", B(aad), ROW_NO_64),
    [0xd6] = PLAIN("salc", "", B(salc), ROW_NO_64),
    [0xd7] = PLAIN("xlat", "Xb", B(xlat), 0),
    [0xd8] = ESCAPE,
    [0xd9] = ESCAPE,
    [0xda] = ESCAPE,
    [0xdb] = ESCAPE,
    [0xdc] = ESCAPE,
    [0xdd] = ESCAPE,
    [0xde] = ESCAPE,
    [0xdf] = ESCAPE,
    [0xe0] = PLAIN("loopne", "Jb", B(loopne), ENDS | ROW_DEFAULT_64),
    [0xe1] = PLAIN("loope", "Jb", B(loope), ENDS | ROW_DEFAULT_64),
    [0xe2] = PLAIN("loop", "Jb", B(loop), ENDS | ROW_DEFAULT_64),
    [0xe3] = PLAIN("jcxz", "Jb", B(jcxz), ENDS | ROW_DEFAULT_64),
    [0xe4] = PLAIN("in", "AL,Ib", B(in8_imm), ENDS),
    [0xe5] = PLAIN("in", "eAX,Ib", V(in, imm), ENDS),
    [0xe6] = PLAIN("out", "Ib,AL", B(out8_imm), ENDS),
    [0xe7] = PLAIN("out", "Ib,eAX", V(out, imm), ENDS),
    [0xe8] = PLAIN("call", "Jz", V(call, near), ENDS | ROW_DEFAULT_64),
    [0xe9] = PLAIN("jmp", "Jz", B(jmp), ENDS | ROW_DEFAULT_64),
    [0xea] = PLAIN("jmp far", "Ap", B(far_jump_ptr), ENDS | ROW_NO_64),
    [0xeb] = PLAIN("jmp", "Jb", B(jmp), ENDS | ROW_DEFAULT_64),
    [0xec] = PLAIN("in", "AL,DX", B(in8_dx), ENDS),
    [0xed] = PLAIN("in", "eAX,DX", V(in, dx), ENDS),
    [0xee] = PLAIN("out", "DX,AL", B(out8_dx), ENDS),
    [0xef] = PLAIN("out", "DX,eAX", V(out, dx), ENDS),
    /* F0: LOCK prefix */
    [0xf1] = PLAIN("int1", "", B(int1), ENDS),
    /* F2 F3: REPNE and REP prefixes */
    [0xf4] = PLAIN("hlt", "", B(hlt), ROW_CPL0 | ENDS),
    [0xf5] = PLAIN("cmc", "", B(cmc), 0),
    [0xf6] = GROUP(group_3_byte),
    [0xf7] = GROUP(group_3),
    [0xf8] = PLAIN("clc", "", B(clc), 0),
    [0xf9] = PLAIN("stc", "", B(stc), 0),
    [0xfa] = PLAIN("cli", "", B(cli), ENDS),
    [0xfb] = PLAIN("sti", "", B(sti), ENDS),
    [0xfc] = PLAIN("cld", "", B(cld), 0),
    [0xfd] = PLAIN("std", "", B(std), 0),
    [0xfe] = GROUP(group_4),
    [0xff] = GROUP(group_5),
};

/* ---- two-byte opcodes: 0F xx ---- */

#define CMOV(code, name)  [0x40 + code] = {name, "Gv,Ev", V(cmov, reg_rm), V(cmov, reg_mem), ROW_CPUID_CMOV, NULL}
#define SETCC(code, name) [0x90 + code] = {name, "Eb", B(setcc_rm), B(setcc_mem), 0, NULL}
#define HINT              {"nop", "Ev", B(nop_rm), B(nop_rm), ROW_CPUID_HINT, NULL}

const struct opcode opcode_map_0f[256] = {
    [0x00] = GROUP(group_6),
    [0x01] = GROUP(group_7),
    [0x02] = {"lar", "Gv,Ew", B(lar), B(lar), ROW_PROTECTED, NULL},
    [0x03] = {"lsl", "Gv,Ew", B(lsl), B(lsl), ROW_PROTECTED, NULL},
    [0x06] = PLAIN("clts", "", B(clts), ROW_CPL0 | ENDS),
    [0x08] = PLAIN("invd", "", B(invd), ROW_CPL0 | ENDS),
    [0x09] = PLAIN("wbinvd", "", B(wbinvd), ROW_CPL0 | ENDS),
    [0x0b] = PLAIN("ud2", "", B(ud), ENDS),
    [0x10 ... 0x17] = ABSENT, /* SSE */
    [0x18] = HINT, /* prefetches and hints: NOP on processors without them, since the Pentium Pro */
    [0x19] = HINT,
    [0x1a] = HINT,
    [0x1b] = HINT,
    [0x1c] = HINT,
    [0x1d] = HINT,
    [0x1e] = HINT,
    [0x1f] = HINT,
    [0x20] = {"mov", "Rd,Cd", B(mov_from_cr), NONE, ROW_CPL0, NULL},
    [0x21] = {"mov", "Rd,Dd", B(mov_from_dr), NONE, ROW_CPL0, NULL},
    [0x22] = {"mov", "Cd,Rd", B(mov_to_cr), NONE, ROW_CPL0 | ENDS, NULL},
    [0x23] = {"mov", "Dd,Rd", B(mov_to_dr), NONE, ROW_CPL0 | ENDS, NULL},
    [0x28 ... 0x2f] = ABSENT, /* SSE */
    [0x30] = PLAIN("wrmsr", "", B(wrmsr), ROW_CPL0 | ROW_CPUID_MSR | ENDS),
    [0x31] = PLAIN("rdtsc", "", B(rdtsc), ROW_CPUID_TSC),
    [0x32] = PLAIN("rdmsr", "", B(rdmsr), ROW_CPL0 | ROW_CPUID_MSR),
    [0x33] = PLAIN("rdpmc", "", B(absent), ENDS), /* no performance counters */
    [0x34] = PLAIN("sysenter", "", B(sysenter), ROW_CPUID_SEP | ENDS),
    [0x35] = PLAIN("sysexit", "", B(sysexit), ROW_CPUID_SEP | ENDS),

    CMOV(0, "cmovo"),
    CMOV(1, "cmovno"),
    CMOV(2, "cmovb"),
    CMOV(3, "cmovnb"),
    CMOV(4, "cmovz"),
    CMOV(5, "cmovnz"),
    CMOV(6, "cmovbe"),
    CMOV(7, "cmovnbe"),
    CMOV(8, "cmovs"),
    CMOV(9, "cmovns"),
    CMOV(10, "cmovp"),
    CMOV(11, "cmovnp"),
    CMOV(12, "cmovl"),
    CMOV(13, "cmovnl"),
    CMOV(14, "cmovle"),
    CMOV(15, "cmovnle"),
    [0x50 ... 0x5f] = ABSENT, /* SSE */
    [0x60 ... 0x76] = ABSENT, /* MMX */
    [0x77] = ABSENT, /* EMMS */
    [0x7c ... 0x7d] = ABSENT, /* SSE3 */
    [0x7e ... 0x7f] = ABSENT, /* MMX */
    [0x80] = PLAIN("jo", "Jz", B(jo), ENDS | ROW_DEFAULT_64),
    [0x81] = PLAIN("jno", "Jz", B(jno), ENDS | ROW_DEFAULT_64),
    [0x82] = PLAIN("jb", "Jz", B(jb), ENDS | ROW_DEFAULT_64),
    [0x83] = PLAIN("jnb", "Jz", B(jnb), ENDS | ROW_DEFAULT_64),
    [0x84] = PLAIN("jz", "Jz", B(jz), ENDS | ROW_DEFAULT_64),
    [0x85] = PLAIN("jnz", "Jz", B(jnz), ENDS | ROW_DEFAULT_64),
    [0x86] = PLAIN("jbe", "Jz", B(jbe), ENDS | ROW_DEFAULT_64),
    [0x87] = PLAIN("jnbe", "Jz", B(jnbe), ENDS | ROW_DEFAULT_64),
    [0x88] = PLAIN("js", "Jz", B(js), ENDS | ROW_DEFAULT_64),
    [0x89] = PLAIN("jns", "Jz", B(jns), ENDS | ROW_DEFAULT_64),
    [0x8a] = PLAIN("jp", "Jz", B(jp), ENDS | ROW_DEFAULT_64),
    [0x8b] = PLAIN("jnp", "Jz", B(jnp), ENDS | ROW_DEFAULT_64),
    [0x8c] = PLAIN("jl", "Jz", B(jl), ENDS | ROW_DEFAULT_64),
    [0x8d] = PLAIN("jnl", "Jz", B(jnl), ENDS | ROW_DEFAULT_64),
    [0x8e] = PLAIN("jle", "Jz", B(jle), ENDS | ROW_DEFAULT_64),
    [0x8f] = PLAIN("jnle", "Jz", B(jnle), ENDS | ROW_DEFAULT_64),
    SETCC(0, "seto"),
    SETCC(1, "setno"),
    SETCC(2, "setb"),
    SETCC(3, "setnb"),
    SETCC(4, "setz"),
    SETCC(5, "setnz"),
    SETCC(6, "setbe"),
    SETCC(7, "setnbe"),
    SETCC(8, "sets"),
    SETCC(9, "setns"),
    SETCC(10, "setp"),
    SETCC(11, "setnp"),
    SETCC(12, "setl"),
    SETCC(13, "setnl"),
    SETCC(14, "setle"),
    SETCC(15, "setnle"),
    [0xa0] = PLAIN("push", "FS", B(push_fs), 0),
    [0xa1] = PLAIN("pop", "FS", B(pop_fs), ENDS),
    [0xa2] = PLAIN("cpuid", "", B(cpuid), 0),
    [0xa3] = {"bt", "Ev,Gv", V(bt, rm_reg), V(bt, mem_reg), 0, NULL},
    [0xa4] = {"shld", "Ev,Gv,Ib", V(shld, rm_imm), V(shld, mem_imm), 0, NULL},
    [0xa5] = {"shld", "Ev,Gv,CL", V(shld, rm_cl), V(shld, mem_cl), 0, NULL},
    [0xa8] = PLAIN("push", "GS", B(push_gs), 0),
    [0xa9] = PLAIN("pop", "GS", B(pop_gs), ENDS),
    [0xaa] = PLAIN("rsm", "", B(rsm), ENDS),
    [0xab] = {"bts", "Ev,Gv", V(bts, rm_reg), V(bts, mem_reg), LOCK, NULL},
    [0xac] = {"shrd", "Ev,Gv,Ib", V(shrd, rm_imm), V(shrd, mem_imm), 0, NULL},
    [0xad] = {"shrd", "Ev,Gv,CL", V(shrd, rm_cl), V(shrd, mem_cl), 0, NULL},
    [0xae] = GROUP(group_15),
    [0xaf] = {"imul", "Gv,Ev", V(imul, reg_rm), V(imul, reg_mem), 0, NULL},
    [0xb0] = {"cmpxchg", "Eb,Gb", B(cmpxchg8_rm_reg), B(cmpxchg8_mem_reg), LOCK, NULL},
    [0xb1] = {"cmpxchg", "Ev,Gv", V(cmpxchg, rm_reg), V(cmpxchg, mem_reg), LOCK, NULL},
    [0xb2] = {"lss", "Gv,Mp", NONE, B(lss), ENDS, NULL},
    [0xb3] = {"btr", "Ev,Gv", V(btr, rm_reg), V(btr, mem_reg), LOCK, NULL},
    [0xb4] = {"lfs", "Gv,Mp", NONE, B(lfs), ENDS, NULL},
    [0xb5] = {"lgs", "Gv,Mp", NONE, B(lgs), ENDS, NULL},
    [0xb6] = {"movzx", "Gv,Eb", WIDTHS(movzx16_8_rm, movzx32_8_rm), WIDTHS(movzx16_8_mem, movzx32_8_mem), 0, NULL},
    [0xb7] = {"movzx", "Gv,Ew", WIDTHS(mov16_reg_rm, movzx32_16_rm), WIDTHS(mov16_reg_mem, movzx32_16_mem), 0, NULL},
    [0xb9] = {"ud1", "Gv,Ev", B(ud), B(ud), ENDS, NULL},
    [0xba] = GROUP(group_8),
    [0xbb] = {"btc", "Ev,Gv", V(btc, rm_reg), V(btc, mem_reg), LOCK, NULL},
    [0xbc] = {"bsf", "Gv,Ev", V(bsf, reg_rm), V(bsf, reg_mem), 0, NULL},
    [0xbd] = {"bsr", "Gv,Ev", V(bsr, reg_rm), V(bsr, reg_mem), 0, NULL},
    [0xbe] = {"movsx", "Gv,Eb", WIDTHS(movsx16_8_rm, movsx32_8_rm), WIDTHS(movsx16_8_mem, movsx32_8_mem), 0, NULL},
    [0xbf] = {"movsx", "Gv,Ew", WIDTHS(mov16_reg_rm, movsx32_16_rm), WIDTHS(mov16_reg_mem, movsx32_16_mem), 0, NULL},
    [0xc0] = {"xadd", "Eb,Gb", B(xadd8_rm_reg), B(xadd8_mem_reg), LOCK, NULL},
    [0xc1] = {"xadd", "Ev,Gv", V(xadd, rm_reg), V(xadd, mem_reg), LOCK, NULL},
    [0xc2] = ABSENT, /* SSE */
    [0xc3] = ABSENT, /* SSE2 */
    [0xc4 ... 0xc6] = ABSENT, /* SSE */
    [0xc7] = GROUP(group_9),
    EIGHT(0xc8, "bswap", "Zv", B(bswap), 0),
    [0xd0] = ABSENT, /* SSE3 */
    [0xd1 ... 0xfe] = ABSENT, /* MMX: and SSE by prefix */
    [0xff] = {"ud0", "Gv,Ev", B(ud), B(ud), ENDS, NULL},
};
/* clang-format on */

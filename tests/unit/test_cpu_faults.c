/* SPDX-License-Identifier: MIT */
/*
 * Every reason for which the system part of the CPU raises a fault, each reached by one instruction, with the vector and
 * error code that the manual gives. A row cites the sentence or pseudo-code it is taken from.
 */
#include "tests/unit/cpu_world.h"

enum where { PROTECTED0, PROTECTED3, REAL, V86 };

struct row {
    enum fault_reason reason;
    uint8_t vector;
    uint32_t error;
    const char *section;
    const char *code;
    uint8_t length;
    enum where where;
    uint32_t eax, ecx;
    uint64_t slot[3]; /* descriptors of SLOT0, SLOT1, SLOT2; 0 leaves them 0 */
    uint64_t gate30;  /* IDT entry 30h; 0 leaves the default */
    uint16_t ss1;     /* stack selector of level 1 in the TSS; 0 leaves the good one, 4 means null */
    uint16_t tss_limit, idt_limit, ss_limit;
    bool null_ldt;
    uint32_t cr0, cr4, eflags; /* bits to set */
    uint32_t stack[5];         /* on top of the stack */
    uint16_t v86_top;          /* the same in virtual-8086 mode */
    uint16_t link;             /* back link of the TSS */
    uint32_t cr3, pdpte;       /* and what lies there */
};

#define BYTES(bytes) bytes, sizeof(bytes) - 1
#define MOV_DS_AX    BYTES("\x8e\xd8")
#define MOV_SS_AX    BYTES("\x8e\xd0")
/* JMP and CALL ptr16:32 to offset 10000h. */
#define JMP_FAR(selector)  BYTES("\xea\x00\x00\x01\x00" selector)
#define CALL_FAR(selector) BYTES("\x9a\x00\x00\x01\x00" selector)
#define TO_SLOT0           "\x68\x00"
#define TO_SLOT0_RPL3      "\x6b\x00"
#define INT_30             BYTES("\xcd\x30")
#define LEVEL1_GATE        ((uint64_t)0x0000ec00 << 32 | (uint64_t)CODE1 << 16) /* call gate, DPL 3, to CODE1:0 */
/* DPL 3, present, to the code segment `selector`. */
#define INT_GATE(selector, access) ((uint64_t)(access) << 40 | (uint64_t)(selector) << 16 | WORLD_HANDLERS)
#define SEGMENT(access)            ((uint64_t)0x00cf << 48 | (uint64_t)(access) << 40 | 0xffff)

#define TSS(access, limit) ((uint64_t)(access) << 40 | (uint64_t)WORLD_TSS_NEXT << 16 | (limit))

static const struct row rows[] = {
    /* MOV to DS: SDM 2, MOV. */
    {REASON_SELECTOR_BEYOND_GDT, FAULT_GP, 0x100, "SDM 2, MOV", MOV_DS_AX, .eax = 0x100},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_GP, 0x100, "SDM 2, MOV", MOV_DS_AX, .eax = 0x103},
    {REASON_SELECTOR_BEYOND_LDT, FAULT_GP, 0x14, "SDM 2, MOV", MOV_DS_AX, .eax = 0x17},
    {REASON_LDT_UNUSABLE, FAULT_GP, 0x0c, "SDM 2, MOV", MOV_DS_AX, .eax = 0x0f, .null_ldt = true},
    {REASON_DATA_NOT_READABLE, FAULT_GP, TSS32, "SDM 2, MOV", MOV_DS_AX, .eax = TSS32},
    {REASON_DATA_NOT_READABLE, FAULT_GP, SLOT0, "SDM 2, MOV", MOV_DS_AX, .eax = SLOT0,
     .slot = {SEGMENT(ACC_EXECUTE_ONLY)}},
    {REASON_DATA_DPL, FAULT_GP, DATA0, "SDM 2, MOV", MOV_DS_AX, .where = PROTECTED3, .eax = DATA0},
    {REASON_DATA_DPL, FAULT_GP, DATA0, "SDM 2, MOV", MOV_DS_AX, .eax = DATA0 | 3},
    {REASON_DATA_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, MOV", MOV_DS_AX, .eax = SLOT0,
     .slot = {SEGMENT(ACC_DATA & ~ACC_NOT)}},

    /* MOV to SS: SDM 2, MOV. */
    {REASON_SS_NULL, FAULT_GP, 0, "SDM 2, MOV", MOV_SS_AX, .eax = 0},
    {REASON_SS_RPL, FAULT_GP, DATA0, "SDM 2, MOV", MOV_SS_AX, .eax = DATA0 | 1},
    {REASON_SS_NOT_WRITABLE, FAULT_GP, CODE0, "SDM 2, MOV", MOV_SS_AX, .eax = CODE0},
    {REASON_SS_DPL, FAULT_GP, DATA3, "SDM 2, MOV", MOV_SS_AX, .eax = DATA3},
    {REASON_SS_NOT_PRESENT, FAULT_SS, SLOT0, "SDM 2, MOV", MOV_SS_AX, .eax = SLOT0,
     .slot = {SEGMENT(ACC_DATA & ~ACC_NOT)}},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_GP, 0x100, "SDM 2, MOV", MOV_SS_AX, .eax = 0x100},

    /* Far JMP and CALL: SDM 2, JMP and CALL. */
    {REASON_CS_NULL, FAULT_GP, 0, "SDM 2, JMP", JMP_FAR("\x03\x00"), .where = PROTECTED0},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_GP, 0x100, "SDM 2, JMP", JMP_FAR("\x00\x01"), .where = PROTECTED0},
    {REASON_CS_NOT_CODE, FAULT_GP, DATA0, "SDM 2, JMP", JMP_FAR("\x10\x00"), .where = PROTECTED0},
    {REASON_CS_RPL, FAULT_GP, CODE0, "SDM 2, JMP", JMP_FAR("\x0b\x00"), .where = PROTECTED0},
    {REASON_CS_DPL, FAULT_GP, CODE3, "SDM 2, JMP", JMP_FAR("\x28\x00"), .where = PROTECTED0},
    {REASON_CS_DPL, FAULT_GP, CODE0, "SDM 2, CALL", CALL_FAR("\x08\x00"), .where = PROTECTED3},
    {REASON_CS_CONFORMING_DPL, FAULT_GP, SLOT0, "SDM 2, JMP", JMP_FAR(TO_SLOT0),
     .slot = {SEGMENT(ACC_CONFORMING | ACC_DPL3)}},
    {REASON_CS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, JMP", JMP_FAR(TO_SLOT0), .slot = {SEGMENT(0x1b)}},
    {REASON_CS_LIMIT, FAULT_GP, 0, "SDM 2, JMP", JMP_FAR(TO_SLOT0), .slot = {UINT64_C(0x00409b000000ffff)}},
    {REASON_FAR_TYPE, FAULT_GP, LDT, "SDM 2, JMP", JMP_FAR("\x40\x00"), .where = PROTECTED0},

    /* Call gates: SDM 2, CALL, CALL-GATE. */
    {REASON_CALL_GATE_DPL, FAULT_GP, SLOT0, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {INT_GATE(CODE0, GATE_CALL32)}},
    {REASON_CALL_GATE_DPL, FAULT_GP, SLOT0, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3),
     .slot = {INT_GATE(CODE0, GATE_CALL32)}},
    {REASON_CALL_GATE_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, CALL", CALL_FAR(TO_SLOT0),
     .slot = {INT_GATE(CODE0, GATE_CALL32 & ~ACC_NOT)}},
    {REASON_CS_NULL, FAULT_GP, 0, "SDM 2, CALL", CALL_FAR(TO_SLOT0), .slot = {INT_GATE(0, GATE_CALL32)}},
    {REASON_CS_NOT_CODE, FAULT_GP, DATA0, "SDM 2, CALL", CALL_FAR(TO_SLOT0),
     .slot = {INT_GATE(DATA0, GATE_CALL32)}},
    {REASON_CALL_GATE_CS_DPL, FAULT_GP, CODE3, "SDM 2, CALL", CALL_FAR(TO_SLOT0),
     .slot = {INT_GATE(CODE3, GATE_CALL32)}},
    {REASON_CALL_GATE_CS_DPL, FAULT_GP, CODE0, "SDM 2, JMP", JMP_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {INT_GATE(CODE0, GATE_CALL32 | ACC_DPL3)}},
    {REASON_CS_NOT_PRESENT, FAULT_NP, SLOT1, "SDM 2, CALL", CALL_FAR(TO_SLOT0),
     .slot = {INT_GATE(SLOT1, GATE_CALL32), SEGMENT(0x1b)}},

    /* Stack of level 1 from the TSS: SDM 2, CALL, MORE-PRIVILEGE. */
    {REASON_TSS_STACK_BEYOND_LIMIT, FAULT_TS, TSS32, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3),
     .where = PROTECTED3, .slot = {LEVEL1_GATE}, .tss_limit = 0x10},
    {REASON_TSS_SS_NULL, FAULT_TS, 0, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE}, .ss1 = 1},
    {REASON_TSS_SS_RPL, FAULT_TS, DATA1, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE}, .ss1 = DATA1},
    {REASON_TSS_SS_DPL, FAULT_TS, DATA0, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE}, .ss1 = DATA0 | 1},
    {REASON_TSS_SS_NOT_WRITABLE, FAULT_TS, CODE1, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE}, .ss1 = CODE1 | 1},
    {REASON_TSS_SS_NOT_PRESENT, FAULT_SS, SLOT1, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE, SEGMENT(0x33)}, .ss1 = SLOT1 | 1},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_TS, 0x100, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE}, .ss1 = BEYOND | 1},
    {REASON_STACK_ROOM, FAULT_SS, SLOT1, "SDM 2, CALL", CALL_FAR(TO_SLOT0_RPL3), .where = PROTECTED3,
     .slot = {LEVEL1_GATE, UINT64_C(0x0040b30000000fff)}, .ss1 = SLOT1 | 1},
    {REASON_STACK_ROOM, FAULT_SS, 0, "SDM 2, CALL", CALL_FAR("\x2b\x00"), .where = PROTECTED3,
     .ss_limit = 0xfff},

    /* Tasks: SDM 2, JMP, TASK-GATE and TASK-STATE-SEGMENT. */
    {REASON_TSS_DPL, FAULT_GP, TSS32, "SDM 2, JMP", JMP_FAR("\x3b\x00"), .where = PROTECTED3},
    {REASON_TSS_BUSY, FAULT_GP, TSS32, "SDM 2, JMP", JMP_FAR("\x38\x00"), .where = PROTECTED0},
    {REASON_TSS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, JMP", JMP_FAR(TO_SLOT0), .slot = {SEGMENT(0x09)}},
    {REASON_TSS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, JMP", JMP_FAR(TO_SLOT0),
     .slot = {INT_GATE(SLOT1, 0x05)}},
    {REASON_TSS_LIMIT, FAULT_TS, SLOT0, "SDM 3A, table 7-1", JMP_FAR(TO_SLOT0), .slot = {TSS(ACC_TSS32, 0x66)}},
    {REASON_TSS_LIMIT, FAULT_TS, SLOT1, "SDM 3A, table 7-1", CALL_FAR(TO_SLOT0),
     .slot = {INT_GATE(SLOT1, GATE_TASK), TSS(ACC_TSS32 & ~8, 0x2a)}},
    {REASON_TASK_GATE_NO_TSS, FAULT_GP, DATA0, "SDM 2, CALL", CALL_FAR(TO_SLOT0),
     .slot = {INT_GATE(DATA0, GATE_TASK)}},
    {REASON_TSS_BUSY, FAULT_GP, TSS32, "SDM 2, CALL", CALL_FAR(TO_SLOT0), .slot = {INT_GATE(TSS32, GATE_TASK)}},
    {REASON_TR_SELECTOR_LOCAL, FAULT_GP, 0x0c, "SDM 2, JMP", JMP_FAR(TO_SLOT0),
     .slot = {INT_GATE(0x0c, GATE_TASK)}},
    {REASON_TASK_LINK_NOT_BUSY, FAULT_TS, SLOT0, "SDM 2, IRET", BYTES("\xcf"), .eflags = 0x4000, .link = SLOT0,
     .slot = {TSS(ACC_TSS32, 0x67)}},
    {REASON_TR_SELECTOR_LOCAL, FAULT_TS, 0x0c, "SDM 2, IRET", BYTES("\xcf"), .eflags = 0x4000, .link = 0x0c},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_TS, BEYOND, "SDM 2, IRET", BYTES("\xcf"), .eflags = 0x4000, .link = BEYOND},
    {REASON_TSS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, IRET", BYTES("\xcf"), .eflags = 0x4000, .link = SLOT0,
     .slot = {TSS(ACC_TSS32_BUSY & ~ACC_NOT, 0x67)}},

    /* RET and IRET: SDM 2, RET, PROTECTED-MODE-RETURN. */
    {REASON_CS_NULL, FAULT_GP, 0, "SDM 2, RET", BYTES("\xcb"), .stack = {WORLD_CODE, 2}},
    {REASON_CS_NOT_CODE, FAULT_GP, DATA0, "SDM 2, RET", BYTES("\xcb"), .stack = {WORLD_CODE, DATA0}},
    {REASON_RETURN_RPL, FAULT_GP, CODE0, "SDM 2, RET", BYTES("\xcb"), .where = PROTECTED3,
     .stack = {WORLD_CODE, CODE0}},
    {REASON_RETURN_DPL, FAULT_GP, CODE3, "SDM 2, RET", BYTES("\xcb"), .stack = {WORLD_CODE, CODE3 | 1}},
    {REASON_RETURN_CONFORMING_DPL, FAULT_GP, SLOT0, "SDM 2, RET", BYTES("\xcb"),
     .slot = {SEGMENT(ACC_CONFORMING | ACC_DPL3)}, .stack = {WORLD_CODE, SLOT0 | 1}},
    {REASON_CS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, RET", BYTES("\xcb"), .slot = {SEGMENT(0x1b)},
     .stack = {WORLD_CODE, SLOT0}},
    {REASON_CS_LIMIT, FAULT_GP, 0, "SDM 2, RET", BYTES("\xcb"), .slot = {UINT64_C(0x00409b000000ffff)},
     .stack = {0x10000, SLOT0}},
    {REASON_SS_NULL, FAULT_GP, 0, "SDM 2, RET", BYTES("\xcb"), .stack = {WORLD_CODE, CODE3 | 3, 0x1000, 3}},
    {REASON_SS_RPL, FAULT_GP, DATA3, "SDM 2, IRET", BYTES("\xcf"),
     .stack = {WORLD_CODE, CODE3 | 3, 2, 0x1000, DATA3}},
    {REASON_SS_NOT_WRITABLE, FAULT_GP, CODE3, "SDM 2, IRET", BYTES("\xcf"),
     .stack = {WORLD_CODE, CODE3 | 3, 2, 0x1000, CODE3 | 3}},
    {REASON_SS_DPL, FAULT_GP, DATA0, "SDM 2, IRET", BYTES("\xcf"),
     .stack = {WORLD_CODE, CODE3 | 3, 2, 0x1000, DATA0 | 3}},
    {REASON_SS_NOT_PRESENT, FAULT_SS, SLOT0, "SDM 2, IRET", BYTES("\xcf"), .slot = {SEGMENT(0x73)},
     .stack = {WORLD_CODE, CODE3 | 3, 2, 0x1000, SLOT0 | 3}},
    {REASON_CS_LIMIT, FAULT_GP, 0, "SDM 2, IRET", BYTES("\xcf"), .stack = {0x10000, 0x1000, 0x20002}},

    /* Virtual-8086 mode: SDM 3B, 20.2.7 and 20.3. */
    {REASON_V86_IOPL, FAULT_GP, 0, "SDM 2, PUSHF", BYTES("\x9c"), .where = V86},
    {REASON_V86_IOPL, FAULT_GP, 0, "SDM 2, POPF", BYTES("\x9d"), .where = V86},
    {REASON_V86_IOPL, FAULT_GP, 0, "SDM 2, IRET", BYTES("\xcf"), .where = V86},
    {REASON_V86_IOPL, FAULT_GP, 0, "SDM 2, PUSHF: VME has 16 bits", BYTES("\x66\x9c"), .where = V86, .cr4 = 1},
    {REASON_V86_IOPL, FAULT_GP, 0, "SDM 2, POPF", BYTES("\x66\x9d"), .where = V86, .cr4 = 1},
    {REASON_V86_IOPL, FAULT_GP, 0, "SDM 2, IRET", BYTES("\x66\xcf"), .where = V86, .cr4 = 1},
    {REASON_NEEDS_IOPL, FAULT_GP, 0, "SDM 2, CLI", BYTES("\xfa"), .where = V86},
    {REASON_NEEDS_IOPL, FAULT_GP, 0, "SDM 2, STI", BYTES("\xfb"), .where = V86},
    {REASON_V86_INT_IOPL, FAULT_GP, 0, "SDM 2, INT n", BYTES("\xcd\x21"), .where = V86},
    {REASON_V86_REDIRECTION_LIMIT, FAULT_GP, 0, "SDM 3B, 20.3.3", BYTES("\xcd\xff"), .where = V86, .cr4 = 1,
     .tss_limit = 0x70},
    {REASON_V86_REDIRECTION_LIMIT, FAULT_GP, 0, "SDM 3B, 20.3.3", BYTES("\xcd\xff"), .where = V86, .cr4 = 1,
     .tss_limit = 0x60},
    {REASON_V86_FLAGS, FAULT_GP, 0, "SDM 2, POPF", BYTES("\x9d"), .where = V86, .cr4 = 1, .v86_top = 0x0100},
    {REASON_V86_FLAGS, FAULT_GP, 0, "SDM 2, POPF", BYTES("\x9d"), .where = V86, .cr4 = 1, .v86_top = 0x0200,
     .eflags = 0x100000},
    {REASON_V86_HANDLER_DPL, FAULT_GP, SLOT0, "SDM 2, INT n", INT_30, .where = V86, .eflags = 0x3000,
     .gate30 = INT_GATE(SLOT0, GATE_INT32 | ACC_DPL3), .slot = {SEGMENT(ACC_CONFORMING)}},
    {REASON_V86_VIF_AND_VIP, FAULT_GP, 0, "SDM 3B, 20.3.2", BYTES("\xcf"), .cr4 = 1,
     .stack = {0x10, 0x1000, 0x1a0202, 0xfff0, 0x2800}},
    {REASON_VIRTUAL_INTERRUPT_PENDING, FAULT_GP, 0, "SDM 2, STI", BYTES("\xfb"), .where = V86, .cr4 = 1,
     .eflags = 0x100000},
    {REASON_VIRTUAL_INTERRUPT_PENDING, FAULT_GP, 0, "SDM 2, STI: PVI", BYTES("\xfb"), .where = PROTECTED3, .cr4 = 2,
     .eflags = 0x100000},
    {REASON_IO_PERMISSION, FAULT_GP, 0, "SDM 1, 19.5.2: IOPL does not matter", BYTES("\xe4\x80"), .where = V86,
     .eflags = 0x3000},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, HLT", BYTES("\xf4"), .where = V86, .eflags = 0x3000},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, SLDT", BYTES("\x0f\x00\xc0"), .where = V86},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, ARPL", BYTES("\x63\xc0"), .where = V86},

    /* INT n and the IDT: SDM 2, INT n/INTO/INT3/INT1; SDM 3A, 6.12 and 6.13 (error codes). */
    {REASON_IDT_LIMIT, FAULT_GP, 0x7fa, "SDM 3A, 6.10", BYTES("\xcd\xff"), .idt_limit = 0x7f7},
    {REASON_IDT_GATE_TYPE, FAULT_GP, 0x182, "SDM 3A, 6.11", INT_30, .gate30 = INT_GATE(CODE0, GATE_CALL32)},
    {REASON_IDT_GATE_DPL, FAULT_GP, 0x182, "SDM 3A, 6.12.1.1", INT_30, .where = PROTECTED3},
    {REASON_IDT_GATE_NOT_PRESENT, FAULT_NP, 0x182, "SDM 3A, 6.15", INT_30, .gate30 = INT_GATE(CODE0, 0x0e)},
    {REASON_IDT_CS_NULL, FAULT_GP, 0, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(0, GATE_INT32)},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_GP, 0x100, "SDM 2, INT n", INT_30,
     .gate30 = INT_GATE(BEYOND, GATE_INT32)},
    {REASON_IDT_CS_NOT_CODE, FAULT_GP, DATA0, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(DATA0, GATE_INT32)},
    {REASON_IDT_CS_DPL, FAULT_GP, CODE3, "SDM 3A, 6.12.1.1", INT_30,
     .gate30 = INT_GATE(CODE3 | 3, GATE_INT32)},
    {REASON_CS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(SLOT0, GATE_INT32),
     .slot = {SEGMENT(0x1b)}},
    {REASON_CS_LIMIT, FAULT_GP, 0, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(SLOT0, GATE_INT32),
     .slot = {UINT64_C(0x00409b0000000fff)}},
    {REASON_TSS_LIMIT, FAULT_TS, SLOT0, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(SLOT0, GATE_TASK),
     .slot = {TSS(ACC_TSS32, 0x66)}},
    {REASON_TSS_BUSY, FAULT_GP, TSS32, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(TSS32, GATE_TASK)},
    {REASON_TR_SELECTOR_LOCAL, FAULT_GP, 0x0c, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(0x0c, GATE_TASK)},
    {REASON_TSS_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, INT n", INT_30, .gate30 = INT_GATE(SLOT0, GATE_TASK),
     .slot = {TSS(ACC_TSS32 & ~ACC_NOT, 0x67)}},
    {REASON_IDT_LIMIT_REAL, FAULT_GP, 0, "SDM 3A, 20.1.4", BYTES("\xcd\x21"), .where = REAL,
     .idt_limit = 0x3f},
    {REASON_CS_LIMIT, FAULT_GP, 0, "SDM 2, JMP", BYTES("\x66\xea\x00\x00\x01\x00\x00\x00"), .where = REAL},

    /* Privilege and mode: SDM 3A, 5.9; SDM 2 by name. */
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, HLT", BYTES("\xf4"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, CLTS", BYTES("\x0f\x06"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, LGDT", BYTES("\x0f\x01\x10"), .where = PROTECTED3,
     .eax = 0x5000},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, LIDT", BYTES("\x0f\x01\x18"), .where = PROTECTED3,
     .eax = 0x5000},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, LMSW", BYTES("\x0f\x01\xf0"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, INVLPG", BYTES("\x0f\x01\x38"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, LLDT", BYTES("\x0f\x00\xd0"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, LTR", BYTES("\x0f\x00\xd8"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, MOV CR", BYTES("\x0f\x20\xc0"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xd8"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, MOV DR", BYTES("\x0f\x21\xf8"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, MOV DR", BYTES("\x0f\x23\xf8"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, INVD", BYTES("\x0f\x08"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, WBINVD", BYTES("\x0f\x09"), .where = PROTECTED3},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, RDMSR", BYTES("\x0f\x32"), .where = PROTECTED3, .ecx = 0x10},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, WRMSR", BYTES("\x0f\x30"), .where = PROTECTED3, .ecx = 0x10},
    {REASON_NEEDS_CPL0, FAULT_GP, 0, "SDM 2, SYSEXIT", BYTES("\x0f\x35"), .where = PROTECTED3},
    {REASON_NEEDS_IOPL, FAULT_GP, 0, "SDM 2, CLI", BYTES("\xfa"), .where = PROTECTED3, .eflags = 0x2000},
    {REASON_NEEDS_IOPL, FAULT_GP, 0, "SDM 2, STI", BYTES("\xfb"), .where = PROTECTED3, .eflags = 0x2000},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, SLDT", BYTES("\x0f\x00\xc0"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, STR", BYTES("\x0f\x00\xc8"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, LLDT", BYTES("\x0f\x00\xd0"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, LTR", BYTES("\x0f\x00\xd8"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, VERR", BYTES("\x0f\x00\xe0"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, VERW", BYTES("\x0f\x00\xe8"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, LAR", BYTES("\x0f\x02\xc0"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, LSL", BYTES("\x0f\x03\xc0"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_UD, 0, "SDM 2, ARPL", BYTES("\x63\xc0"), .where = REAL},
    {REASON_NEEDS_PROTECTED_MODE, FAULT_GP, 0, "SDM 2, SYSENTER", BYTES("\x0f\x34"), .where = REAL},
    {REASON_SYSENTER_CS_NULL, FAULT_GP, 0, "SDM 2, SYSENTER", BYTES("\x0f\x34"), .where = PROTECTED3},
    {REASON_SYSENTER_CS_NULL, FAULT_GP, 0, "SDM 2, SYSEXIT", BYTES("\x0f\x35"), .where = PROTECTED0},

    /* LLDT and LTR: SDM 2. */
    {REASON_LDT_SELECTOR_LOCAL, FAULT_GP, 0x0c, "SDM 2, LLDT", BYTES("\x0f\x00\xd0"), .eax = 0x0c},
    {REASON_LDT_WRONG_TYPE, FAULT_GP, DATA0, "SDM 2, LLDT", BYTES("\x0f\x00\xd0"), .eax = DATA0},
    {REASON_LDT_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, LLDT", BYTES("\x0f\x00\xd0"), .eax = SLOT0,
     .slot = {SEGMENT(0x02)}},
    {REASON_SELECTOR_BEYOND_GDT, FAULT_GP, 0x100, "SDM 2, LLDT", BYTES("\x0f\x00\xd0"), .eax = 0x100},
    {REASON_TR_NULL, FAULT_GP, 0, "SDM 2, LTR", BYTES("\x0f\x00\xd8"), .eax = 3},
    {REASON_TR_SELECTOR_LOCAL, FAULT_GP, 0x0c, "SDM 2, LTR", BYTES("\x0f\x00\xd8"), .eax = 0x0c},
    {REASON_TR_WRONG_TYPE, FAULT_GP, TSS32, "SDM 2, LTR: a busy TSS", BYTES("\x0f\x00\xd8"), .eax = TSS32},
    {REASON_TR_WRONG_TYPE, FAULT_GP, DATA0, "SDM 2, LTR", BYTES("\x0f\x00\xd8"), .eax = DATA0},
    {REASON_TR_NOT_PRESENT, FAULT_NP, SLOT0, "SDM 2, LTR", BYTES("\x0f\x00\xd8"), .eax = SLOT0,
     .slot = {SEGMENT(0x09)}},

    /* Control registers, debug registers, MSRs, TSC. */
    {REASON_CR_UNDEFINED, FAULT_UD, 0, "SDM 2, MOV CR", BYTES("\x0f\x20\xc8"), .where = PROTECTED0},
    {REASON_CR_UNDEFINED, FAULT_UD, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xe8"), .where = PROTECTED0},
    {REASON_CR_UNDEFINED, FAULT_UD, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xc8"), .where = PROTECTED0},
    {REASON_CR0_PG_WITHOUT_PE, FAULT_GP, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xc0"), .eax = 0x80000000},
    {REASON_CR0_NW_WITHOUT_CD, FAULT_GP, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xc0"), .eax = 0x20000001},
    {REASON_CR4_RESERVED, FAULT_GP, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xe0"), .eax = 0x00000040},
    {REASON_CR4_RESERVED, FAULT_GP, 0, "SDM 2, MOV CR", BYTES("\x0f\x22\xe0"), .eax = 0x00002000},
    {REASON_PDPTE_RESERVED_BIT, FAULT_GP, 0, "SDM 3A, 4.4.1", BYTES("\x0f\x22\xc0"), .eax = 0x80000011, .cr4 = 0x20,
     .cr3 = WORLD_STACK1, .pdpte = 0x3},
    {REASON_DR4_DR5_WITH_DE, FAULT_UD, 0, "SDM 3B, 17.2.2", BYTES("\x0f\x21\xe0"), .cr4 = 8},
    {REASON_DR4_DR5_WITH_DE, FAULT_UD, 0, "SDM 3B, 17.2.2", BYTES("\x0f\x23\xe8"), .cr4 = 8},
    {REASON_MSR_UNKNOWN, FAULT_GP, 0, "SDM 2, RDMSR", BYTES("\x0f\x32"), .ecx = 0x12345},
    {REASON_MSR_UNKNOWN, FAULT_GP, 0, "SDM 2, RDMSR: no long mode", BYTES("\x0f\x32"), .ecx = 0xc0000080},
    {REASON_MSR_UNKNOWN, FAULT_GP, 0, "SDM 2, WRMSR", BYTES("\x0f\x30"), .ecx = 0x12345},
    {REASON_MSR_READ_ONLY, FAULT_GP, 0, "SDM 3A, 11.11.1", BYTES("\x0f\x30"), .ecx = 0xfe},
    {REASON_MSR_RESERVED_BITS, FAULT_GP, 0, "SDM 3A, 11.11.2.1", BYTES("\x0f\x30"), .ecx = 0x2ff,
     .eax = 0x100},
    {REASON_MSR_MEMORY_TYPE, FAULT_GP, 0, "SDM 3A, 11.11.2.1", BYTES("\x0f\x30"), .ecx = 0x2ff, .eax = 2},
    {REASON_MSR_MEMORY_TYPE, FAULT_GP, 0, "SDM 3A, 11.12.2", BYTES("\x0f\x30"), .ecx = 0x277,
     .eax = 0x00000300},
    {REASON_TSC_DISABLED, FAULT_GP, 0, "SDM 2, RDTSC", BYTES("\x0f\x31"), .where = PROTECTED3, .cr4 = 4},
    {REASON_UD_ON_PURPOSE, FAULT_UD, 0, "SDM 2, UD", BYTES("\x0f\x0b"), .where = PROTECTED0},
    {REASON_UD_ON_PURPOSE, FAULT_UD, 0, "SDM 2, UD", BYTES("\x0f\xb9\xc0"), .where = PROTECTED0},
    {REASON_RSM_OUTSIDE_SMM, FAULT_UD, 0, "SDM 2, RSM", BYTES("\x0f\xaa"), .where = PROTECTED0},
    {REASON_OPCODE_NOT_ON_THIS_CPU, FAULT_UD, 0, "SDM 2, RDPMC", BYTES("\x0f\x33"), .where = PROTECTED0},

    /* The FPU: SDM 3A, 2.5, table 2-2. */
    {REASON_FPU_EMULATED, FAULT_NM, 0, "SDM 3A, 2.5", BYTES("\xdb\xe3"), .cr0 = 4},
    {REASON_FPU_TASK_SWITCHED, FAULT_NM, 0, "SDM 3A, 2.5", BYTES("\xd8\xc0"), .cr0 = 8},
    {REASON_FPU_WAIT_TASK_SWITCHED, FAULT_NM, 0, "SDM 3A, 2.5", BYTES("\x9b"), .cr0 = 10},
};

static void prepare(struct world *world, const struct row *row)
{
    for (unsigned i = 0; i < 3; i++)
        if (row->slot[i]) set_descriptor(world, (uint16_t)(SLOT0 + 8 * i), row->slot[i]);
    if (row->gate30) set_gate(world, 0x30, row->gate30);
    if (row->ss1) poke32(world, WORLD_TSS + 16, row->ss1);
    if (row->link) poke16(world, WORLD_TSS, row->link);
    if (row->pdpte) poke32(world, row->cr3, row->pdpte);

    if (row->where == REAL)
        world_real(world);
    else if (row->where == V86)
        world_v86(world);
    else
        world_protect(world, row->where == PROTECTED3 ? 3 : 0);
    struct cpu_state state = state_of(world);
    state.gpr[CPU_EAX] = row->eax;
    state.gpr[CPU_ECX] = row->ecx;
    state.gpr[CPU_EDX] = 0;
    state.cr0 |= row->cr0;
    state.cr3 = row->cr3;
    state.cr4 |= row->cr4;
    state.eflags |= row->eflags;
    if (row->tss_limit) state.tr.limit = row->tss_limit;
    if (row->idt_limit) state.idtr.limit = row->idt_limit;
    if (row->ss_limit) state.segment[CPU_SS].limit = row->ss_limit;
    if (row->null_ldt) state.ldtr = (struct cpu_segment_state){0};
    if (row->v86_top) {
        state.gpr[CPU_ESP] -= 2;
        poke16(world, (uint32_t)(state.segment[CPU_SS].base + state.gpr[CPU_ESP]), row->v86_top);
    }
    if (row->stack[0]) {
        state.gpr[CPU_ESP] -= sizeof(row->stack);
        for (unsigned i = 0; i < 5; i++) poke32(world, (uint32_t)state.gpr[CPU_ESP] + 4 * i, row->stack[i]);
    }
    set_state(world, &state);
}

static bool has_error_code(unsigned vector)
{
    return vector == FAULT_DF || (vector >= FAULT_TS && vector <= FAULT_PF) || vector == FAULT_AC;
}

/* What the handler finds on its stack: error code, then the EIP of the instruction that faulted. */
static void check_stack(struct world *world, const struct row *row)
{
    struct cpu_state state = state_of(world);
    uint32_t esp = (uint32_t)state.gpr[CPU_ESP];
    if (row->where == REAL) {
        ck_assert_uint_eq(esp, 0x8000 - 6);
        ck_assert_uint_eq(peek16(world, WORLD_STACK0 + esp), 0);
        ck_assert_uint_eq(peek16(world, WORLD_STACK0 + esp + 2), WORLD_CODE >> 4);
        return;
    }
    if (has_error_code(row->vector)) {
        ck_assert_uint_eq(peek32(world, esp), row->error);
        esp += 4;
    }
    static const uint16_t code[] = {[PROTECTED0] = CODE0, [PROTECTED3] = CODE3 | 3, [V86] = WORLD_CODE >> 4};
    ck_assert_uint_eq(peek32(world, esp), row->where == V86 ? 0 : WORLD_CODE);
    ck_assert_uint_eq(peek32(world, esp + 4), code[row->where]);
}

START_TEST(every_row_faults_as_the_manual_says)
{
    const struct row *row = &rows[_i];
    struct world *world = world_new();
    prepare(world, row);
    ck_assert_int_eq(run(world, row->code, row->length, 100), CPU_STOP_HALTED);
    expect_fault(world, row->vector, row->error, row->reason);
    expect_in_handler(world, row->vector);
    check_stack(world, row);
    world_free(world);
}
END_TEST

/* Reached by other tests (test_cpu_system.c), because they need more than one instruction, or are no faults. */
static const enum fault_reason elsewhere[] = {
    REASON_HARDWARE_INTERRUPT,
    REASON_NMI,
    REASON_SOFTWARE_INTERRUPT,
    REASON_BREAKPOINT,
    REASON_OVERFLOW,
    REASON_DOUBLE_FAULT,
    REASON_DEBUG_SINGLE_STEP,
    REASON_DEBUG_INSN_BREAKPOINT,
    REASON_DEBUG_DATA_BREAKPOINT,
    REASON_DEBUG_GENERAL_DETECT,
    REASON_DEBUG_TASK_SWITCH, /* test_cpu_task.c */
    REASON_TASK_CS_DPL,
    REASON_DEBUG_INT1,
};

static bool reached(enum fault_reason reason)
{
    for (size_t i = 0; i < ARRAY_COUNT(elsewhere); i++)
        if (elsewhere[i] == reason) return true;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (rows[i].reason == reason) return true;
    return false;
}

/* The parts of fault_reasons.h that the system part of the CPU raises. */
static const struct {
    enum fault_reason first, last;
} own_reasons[] = {
    {REASON_HARDWARE_INTERRUPT, REASON_RSM_OUTSIDE_SMM},
    {REASON_FPU_EMULATED, REASON_FPU_WAIT_TASK_SWITCHED},
    {REASON_DEBUG_SINGLE_STEP, REASON_DEBUG_INT1},
};

START_TEST(no_reason_is_without_a_row)
{
    for (size_t i = 0; i < ARRAY_COUNT(own_reasons); i++) {
        for (enum fault_reason reason = own_reasons[i].first; reason <= own_reasons[i].last; reason++)
            ck_assert_msg(reached(reason), "%s has no row", fault_reason_name(reason));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu faults");
    TCase *tests = tcase_create("reasons");
    tcase_add_loop_test(tests, every_row_faults_as_the_manual_says, 0, (int)ARRAY_COUNT(rows));
    tcase_add_test(tests, no_reason_is_without_a_row);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

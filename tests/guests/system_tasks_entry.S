/* SPDX-License-Identifier: MIT */
/* The task of a 16-bit TSS, for system_tasks: a 32-bit code segment that begins here, as IP has only 16 bits. */
#define SEL_TSS 0x28

    .text
    .globl task16_body, task16_after_iret
task16_body:
    movl    %eax, task16_eax
    pushfl                              /* SP counts: the stack segment is a 16-bit one */
    popl    task16_flags
    movw    %sp, task16_sp
1:  incl    task16_runs
    testl   $0x4000, task16_flags
    jz      2f
    iret
task16_after_iret:
    jmp     1b
2:  ljmp    $SEL_TSS, $0
    jmp     1b

    .bss
    .balign 4
    .globl task16_eax, task16_flags, task16_sp, task16_runs
task16_eax:   .space 4
task16_flags: .space 4
task16_sp:    .space 4
task16_runs:  .space 4

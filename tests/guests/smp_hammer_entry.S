/* SPDX-License-Identifier: MIT */
/* Interrupt entries of smp_hammer: 16 vectors from 40h call hammer_interrupt(vector); FFh, spurious, does nothing. */
    .text
    .globl hammer_entries, hammer_spurious, hammer_fault
    .balign 16
hammer_entries:                         /* 16 bytes each */
    .set    vector, 0x40
    .rept   16
    .balign 16
    pushl   %eax
    movl    $vector, %eax
    jmp     hammer_common
    .set    vector, vector + 1
    .endr

hammer_common:
    pushl   %ecx
    pushl   %edx
    pushl   %eax
    cld
    call    hammer_interrupt
    addl    $4, %esp
    popl    %edx
    popl    %ecx
    popl    %eax
hammer_spurious:
    iret

hammer_fault:                           /* any exception: the error code, if any, is what is on top */
    call    hammer_exception
1:  cli
    hlt
    jmp     1b

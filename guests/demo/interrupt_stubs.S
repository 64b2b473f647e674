/* SPDX-License-Identifier: MIT */
/*
 * Where the processor arrives on an exception or interrupt: one short piece of code per vector, 16 bytes apart, that
 * makes all stack frames alike (struct interrupt_frame in interrupts.c) and goes on in C.
 */
#define VECTORS 48

    .text
    .balign 16
    .globl interrupt_stubs
interrupt_stubs:
    vector = 0
    .rept VECTORS
    .balign 16
    /* The processor pushes an error code for vectors 8, 10 to 14 and 17; for the others, push a 0 in its place. */
    .if (vector != 8) && ((vector < 10) || (vector > 14)) && (vector != 17)
    pushl   $0
    .endif
    pushl   $vector
    jmp     common
    vector = vector + 1
    .endr

common:
    pushal
    cld
    pushl   %esp                        /* the frame, as a pointer */
    call    interrupt_handle
    addl    $4, %esp
    popal
    addl    $8, %esp                    /* vector, error code */
    iret

/*
 * void fault_try(uint32_t address, int what): reads (0), writes (1) or executes INT3 (2).  interrupts.c knows the
 * addresses of these instructions, and makes an exception at one of them return to fault_try_end.
 */
    .globl fault_try, fault_try_first, fault_try_end
    .type fault_try, @function
fault_try:
    movl    4(%esp), %edx
    movl    8(%esp), %eax
    cmpl    $1, %eax
    ja      2f
    je      1f
fault_try_first:
    movl    (%edx), %ecx
    ret
1:  movl    %eax, (%edx)
    ret
2:  int3
fault_try_end:
    ret
    .size fault_try, . - fault_try

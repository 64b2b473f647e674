/* SPDX-License-Identifier: MIT */
/*
 * For boot sectors: how they begin, and a few 16-bit routines.  A guest is
 *
 *      #include "lib/boot16.h"
 *      begin:
 *          ...
 *      #include "lib/boot16_end.h"
 *
 * and starts at `begin` in real mode with CS = DS = ES = SS = 0, SP = 7C00h, DF clear, interrupts on, the boot drive in
 * DL.  The byte at offset 3 of the sector is `patch`: PATCH_BYTE, where a test can change it in the image.
 */
#define DEBUG_EXIT_PORT 0x501
#define COM1            0x3f8
#define COM1_LCR        (COM1 + 3)
#define COM1_MCR        (COM1 + 4)
#define COM1_LSR        (COM1 + 5)
#define LSR_DATA_READY  0x01
#define LSR_THR_EMPTY   0x20

#ifndef PATCH_BYTE
#define PATCH_BYTE 0
#endif

    .code16
    .text
    .globl boot
boot:
    jmp     1f
    .org    3
patch:
    .byte   PATCH_BYTE
    .org    16
1:  cli
    xorw    %ax, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movw    $boot, %sp
    ljmp    $0, $2f
2:  sti
    cld
    jmp     begin

/* Sets COM1 to 115200 8N1.  The FIFO is left as it is: switching it on would throw away what has already arrived. */
com_init:
    movw    $COM1_LCR, %dx
    movb    $0x80, %al                  /* DLAB */
    outb    %al, %dx
    movw    $COM1, %dx
    movb    $1, %al
    outb    %al, %dx
    incw    %dx
    movb    $0, %al
    outb    %al, %dx
    movw    $COM1_LCR, %dx
    movb    $3, %al                     /* 8N1 */
    outb    %al, %dx
    movw    $COM1 + 1, %dx
    movb    $0, %al                     /* no interrupts */
    outb    %al, %dx
    movw    $COM1_MCR, %dx
    movb    $3, %al                     /* DTR, RTS */
    outb    %al, %dx
    ret

/* Sends AL.  Changes DX. */
com_put:
    pushw   %ax
    movw    $COM1_LSR, %dx
1:  inb     %dx, %al
    testb   $LSR_THR_EMPTY, %al
    jz      1b
    popw    %ax
    movw    $COM1, %dx
    outb    %al, %dx
    ret

/* Sends the string at SI, up to its NUL.  Changes AX, DX, SI. */
com_print:
    lodsb
    testb   %al, %al
    jz      1f
    call    com_put
    jmp     com_print
1:  ret

/* Sends AX in decimal.  Changes AX, BX, CX, DX. */
com_print_number:
    movw    $10, %bx
    xorw    %cx, %cx
1:  xorw    %dx, %dx
    divw    %bx
    pushw   %dx
    incw    %cx
    testw   %ax, %ax
    jnz     1b
2:  popw    %ax
    addb    $'0', %al
    call    com_put
    loop    2b
    ret

/* Ends the run with exit status AL * 2 + 1. */
debug_exit:
    movw    $DEBUG_EXIT_PORT, %dx
    outb    %al, %dx
1:  cli
    hlt
    jmp     1b

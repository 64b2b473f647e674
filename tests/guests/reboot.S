/* SPDX-License-Identifier: MIT */
/*
 * Boot sector: resets the machine in the way that the byte at offset 3 of the image says:
 *
 *      0   port CF9h, hard reset (PIIX3 reset control register)
 *      1   port 92h, bit 0
 *      2   keyboard controller, command FEh
 *      3   triple fault
 *
 * Prints what it does on COM1.  When it comes up again (a byte of battery-backed CMOS memory tells), prints
 * "reboot: came back" and exits by isa-debug-exit with status 35.
 */
#include "lib/boot16.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define CMOS_BYTE  0x7e
#define CMOS_MARK  0x5b

begin:
    call    com_init
    movb    $CMOS_BYTE, %al
    outb    %al, $CMOS_INDEX
    inb     $CMOS_DATA, %al
    cmpb    $CMOS_MARK, %al
    je      back
    movb    $CMOS_MARK, %al
    outb    %al, $CMOS_DATA

    movw    $by, %si
    call    com_print
    movzbw  patch, %bx
    andw    $3, %bx
    shlw    $1, %bx
    movw    names(%bx), %si
    call    com_print
    jmp     *methods(%bx)

by_cf9:
    movw    $0xcf9, %dx
    movb    $2, %al                     /* bit 1: hard reset; then bit 2 goes from 0 to 1 */
    outb    %al, %dx
    movb    $6, %al
    outb    %al, %dx
    jmp     still_here
by_92:
    inb     $0x92, %al
    andb    $0xfe, %al
    outb    %al, $0x92
    orb     $1, %al
    outb    %al, $0x92
    jmp     still_here
by_8042:
    inb     $0x64, %al
    testb   $2, %al
    jnz     by_8042
    movb    $0xfe, %al
    outb    %al, $0x64
    jmp     still_here
by_triple_fault:
    cli
    lidt    no_idt                      /* limit 0: not even vector 0 fits */
    int3
still_here:
    hlt                                 /* the reset may take a moment */
    jmp     still_here

back:
    movb    $0, %al
    outb    %al, $CMOS_DATA
    movw    $came_back, %si
    call    com_print
    movb    $0x11, %al
    jmp     debug_exit

methods: .word by_cf9, by_92, by_8042, by_triple_fault
names:   .word name_cf9, name_92, name_8042, name_triple_fault
no_idt:  .word 0
         .long 0

by:                .asciz "reboot: by "
name_cf9:          .asciz "port cf9\r\n"
name_92:           .asciz "port 92\r\n"
name_8042:         .asciz "8042\r\n"
name_triple_fault: .asciz "triple fault\r\n"
came_back:         .asciz "reboot: came back\r\n"

#include "lib/boot16_end.h"

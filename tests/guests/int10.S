/* SPDX-License-Identifier: MIT */
/*
 * Boot sector: prints by the BIOS, INT 10h AH=0Eh, stays for four ticks of the BIOS clock (about 0.2 s), and exits by
 * isa-debug-exit with status 33.
 */
#include "lib/boot16.h"

#define TICKS 4

begin:
    movw    $text, %si
1:  lodsb
    testb   %al, %al
    jz      2f
    movb    $0x0e, %ah                  /* teletype output */
    movw    $0x0007, %bx                /* page 0 */
    int     $0x10
    jmp     1b

2:  movw    $TICKS, %cx
    movw    0x46c, %ax                  /* the BIOS's count of ticks */
3:  hlt
    cmpw    0x46c, %ax
    je      3b
    movw    0x46c, %ax
    loop    3b
    movb    $0x10, %al
    jmp     debug_exit

text: .asciz "Hello from INT 10h\r\n"

#include "lib/boot16_end.h"

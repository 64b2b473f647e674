/* SPDX-License-Identifier: MIT */
/*
 * Boot sector: sends back what COM1 receives, small letters as capitals, until a 'q' comes; then prints how many
 * characters it has sent back, the 'q' not among them, and exits by isa-debug-exit with status 65.  Polled throughout.
 */
#include "lib/boot16.h"

begin:
    call    com_init
    movw    $ready, %si
    call    com_print
    xorw    %di, %di                    /* the count */
next:
    movw    $COM1_LSR, %dx
1:  inb     %dx, %al
    testb   $LSR_DATA_READY, %al
    jz      1b
    movw    $COM1, %dx
    inb     %dx, %al
    cmpb    $'q', %al
    je      done
    incw    %di
    cmpb    $'a', %al
    jb      2f
    cmpb    $'z', %al
    ja      2f
    subb    $'a' - 'A', %al
2:  call    com_put
    jmp     next

done:
    movw    $count, %si
    call    com_print
    movw    %di, %ax
    call    com_print_number
    movw    $end, %si
    call    com_print
    movb    $0x20, %al
    jmp     debug_exit

ready: .asciz "echo: ready\r\n"
count: .asciz "\r\necho: "
end:   .asciz " characters\r\n"

#include "lib/boot16_end.h"

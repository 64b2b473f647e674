/* SPDX-License-Identifier: MIT */
/*
 * Boot sector: powers off at once, by ACPI: finds the PIIX4's power management function, switches its ports on if the
 * BIOS has not, and writes SLP_EN with the sleep type of soft-off, 0, to PM1a_CNT.  Exit status 0.
 */
#include "lib/boot16.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define PIIX4_PM       0x71138086
#define PMBASE         0x40
#define PMREGMISC      0x80
#define DEFAULT_BASE   0x600
#define PM1A_CNT       4
#define SLP_EN         0x2000

begin:
    movl    $0x80000000, %ebx           /* bus 0, device 0, function 0 */
1:  movb    $0, %bl
    call    config_read
    cmpl    $PIIX4_PM, %eax
    je      found
    addl    $0x100, %ebx                /* the next function */
    cmpl    $0x80010000, %ebx
    jb      1b
    movb    $1, %al                     /* no such chip */
    jmp     debug_exit

found:
    movb    $PMBASE, %bl
    call    config_read
    andl    $0xffc0, %eax
    jnz     2f
    movl    $DEFAULT_BASE | 1, %eax
    outl    %eax, %dx
2:  movw    %ax, %si
    movb    $PMREGMISC, %bl
    call    config_read
    orl     $1, %eax
    outl    %eax, %dx
    leaw    PM1A_CNT(%si), %dx
    andw    $0xfffe, %dx
    movw    $SLP_EN, %ax
    outw    %ax, %dx
1:  cli
    hlt
    jmp     1b

/* EAX = the register at EBX; leaves CONFIG_DATA in DX. */
config_read:
    movw    $CONFIG_ADDRESS, %dx
    movl    %ebx, %eax
    outl    %eax, %dx
    movw    $CONFIG_DATA, %dx
    inl     %dx, %eax
    ret

#include "lib/boot16_end.h"

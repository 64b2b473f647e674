/* SPDX-License-Identifier: MIT */
/*
 * What an AP runs first, copied to 8000h: real mode with CS = 0800h, IP = 0 (SDM 3A, 8.4.3). Goes to protected
 * mode with flat segments, takes a number and a stack, and calls smp_ap_arrived(number).
 */
#define AP_PAGE  0x8000
#define SMP_MOST 8
#define STACK    8192

    .text
    .globl ap_begin, ap_end
    .code16
ap_begin:
    cli
    cld
    xorw    %ax, %ax
    movw    %ax, %ds
    lgdtl   AP_PAGE + ap_gdt_register - ap_begin
    movl    %cr0, %eax
    orl     $1, %eax
    movl    %eax, %cr0
    ljmpl   $8, $ap_protected
ap_gdt_register:
    .word   ap_gdt_end - ap_gdt - 1
    .long   ap_gdt
ap_end:

    .code32
ap_protected:
    movw    $16, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %fs
    movw    %ax, %gs
    movw    %ax, %ss
    movl    $1, %eax
    lock xaddl %eax, ap_next
    cmpl    $SMP_MOST, %eax
    jae     park
    movl    %eax, %ecx
    imull   $STACK, %ecx
    leal    ap_stacks(%ecx), %esp
    xorl    %ebp, %ebp
    pushl   %eax
    call    smp_ap_arrived
park:
    cli
    hlt
    jmp     park

    .balign 8
ap_gdt:
    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
ap_gdt_end:

    .data
    .balign 4
ap_next: .long 1

    .bss
    .balign 16
ap_stacks:                              /* number 1's ends here + STACK, and so on */
    .space  STACK * SMP_MOST

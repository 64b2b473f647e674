/* SPDX-License-Identifier: MIT */
/*
 * Entry of a 32-bit test guest: Multiboot header, our own GDT and stack, then
 * guest_main(const struct multiboot_info *), whose result is written to the isa-debug-exit port.
 * Also the arrival of interrupts: see runtime.h.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00000003
#define DEBUG_EXIT_PORT 0x501

    .section .multiboot, "a"
    .long   MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    .text
    .globl start
start:
    cli
    cld
    lgdt    gdt_register
    ljmp    $8, $1f
1:  movw    $16, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %fs
    movw    %ax, %gs
    movw    %ax, %ss
    movl    $stack_top, %esp
    xorl    %ebp, %ebp
    pushl   %ebx
    call    guest_main
    cli
    movw    $DEBUG_EXIT_PORT, %dx
    outb    %al, %dx
1:  hlt
    jmp     1b

/* Interrupt gates: EAX, ECX, EDX are the only registers that a C function does not keep. */
    .globl timer_entry, disk_entry, system_call_entry
timer_entry:
    pushl   %eax
    incl    timer_count
    movb    $0x20, %al                  /* end of interrupt */
    outb    %al, $0x20
    popl    %eax
    iret

disk_entry:
    pushl   %eax
    incl    disk_count
    movb    $0x20, %al
    outb    %al, $0xa0
    outb    %al, $0x20
    popl    %eax
    iret

system_call_entry:
    incl    %eax
    iret

    .balign 8
gdt:
    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
    .word   . - gdt - 1
    .long   gdt

    .bss
    .balign 16
    .space  16384
stack_top:

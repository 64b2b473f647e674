/* SPDX-License-Identifier: MIT */
/*
 * Multiboot guest that ends in a triple fault, by three exceptions with three different reasons:
 *
 *      1. page fault: reads C0FFEEh, whose page directory entry is not present;
 *      2. its gate, vector 14, lies beyond the limit of the IDT: general protection, error code 0072h,
 *         and a contributory exception during a page fault makes a double fault;
 *      3. the gate of the double fault, vector 8, is not present: segment not present, error code 0042h,
 *         and an exception during a double fault shuts the processor down.
 *
 * Prints "triple: now" on COM1 before.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00000003
#define COM1            0x3f8

#define GATES       14                  /* vectors 0 to 13 are within the limit */
#define UNMAPPED    0x00c0ffee
#define CR0_PG      0x80000000
#define CR4_PSE     0x10
#define PDE_4M_RW_P 0x83

    .section .multiboot, "a"
    .long   MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    .text
    .globl start, touch_unmapped
start:
    cli
    lgdt    gdt_register
    ljmp    $8, $1f
1:  movw    $16, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movl    $stack_top, %esp

    movw    $COM1 + 3, %dx              /* line control: 8 data bits */
    movb    $3, %al
    outb    %al, %dx
    movl    $text, %esi
print:
    movw    $COM1 + 5, %dx              /* line status: bit 5, ready for the next */
1:  inb     %dx, %al
    testb   $0x20, %al
    jz      1b
    lodsb
    testb   %al, %al
    jz      enable_paging
    movw    $COM1, %dx
    outb    %al, %dx
    jmp     print

enable_paging:
    movl    %cr4, %eax
    orl     $CR4_PSE, %eax
    movl    %eax, %cr4
    movl    $page_directory, %eax
    movl    %eax, %cr3
    movl    %cr0, %eax
    orl     $CR0_PG, %eax
    movl    %eax, %cr0
    lidt    idt_register
    movl    $0x11111111, %eax           /* something to recognize in the report */
    movl    $0x22222222, %ebx
touch_unmapped:
    movl    UNMAPPED, %ecx
1:  hlt
    jmp     1b

text: .asciz "triple: now\r\n"

    .balign 8
gdt:
    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
    .word   . - gdt - 1
    .long   gdt
idt_register:
    .word   GATES * 8 - 1
    .long   idt

    .balign 8
idt:                                    /* 32-bit interrupt gates to code segment 08h, all marked not present */
    .rept   GATES
    .word   0, 8, 0x0e00, 0
    .endr

    .data
    .balign 4096
page_directory:
    .long   0x00000000 | PDE_4M_RW_P    /* 0 to 4 MiB; nothing else */
    .fill   1023, 4, 0

    .bss
    .balign 16
    .space  4096
stack_top:
